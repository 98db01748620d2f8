//! Makes the dashboard: installs what it is built from, bundles it into the folder that rust-embed takes, and compresses it.

use libdeflater::{CompressionLvl, Compressor};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{env, fs};

/// What the bundle depends on. Node's modules are not among it: they follow from the lock file.
const SOURCES: [&str; 12] = [
    "../Cargo.lock",
    "../src/demo/catalogue.json",
    "build.rs",
    "build.mjs",
    "licences.mjs",
    "openapi.json",
    "package.json",
    "package-lock.json",
    "pages",
    "scripts",
    "styles",
    "texts",
];

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("The dashboard cannot be built: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    let variable = |name: &str| env::var_os(name).map(PathBuf::from).ok_or(format!("{name} is not set"));
    let assets = variable("CARGO_MANIFEST_DIR")?.join("assets");
    for source in SOURCES {
        println!("cargo:rerun-if-changed={}", assets.join(source).display());
    }
    install(&assets)?;
    let out = variable("OUT_DIR")?.join("dashboard");
    if out.exists() {
        fs::remove_dir_all(&out).map_err(|error| format!("{}: {error}", out.display()))?;
    }
    let mut bundle = Command::new("node");
    bundle.current_dir(&assets).arg("build.mjs").arg(&out);
    succeed(&mut bundle, "node is needed, version 20 or newer")?;
    compress(&out)?;
    compress(&out.join("web"))
}

/// Puts `.gz` files in place of a folder's files, but of the manifest. They are 5 % smaller than zlib's best: once here, for
/// every program and every visitor.
fn compress(folder: &Path) -> Result<(), String> {
    let failed = |error| format!("{}: {error}", folder.display());
    // All of them before any is written: whether a listing has what has come since is not said.
    let entries: Vec<_> = fs::read_dir(folder).and_then(Iterator::collect).map_err(failed)?;
    for path in entries.iter().map(fs::DirEntry::path) {
        if path.is_dir() || path.ends_with("manifest.json") {
            continue;
        }
        let plain = fs::read(&path).map_err(failed)?;
        let mut compressor = Compressor::new(CompressionLvl::best());
        let mut packed = vec![0; compressor.gzip_compress_bound(plain.len())];
        let length =
            compressor.gzip_compress(&plain, &mut packed).map_err(|error| format!("{}: {error}", path.display()))?;
        packed.truncate(length);
        fs::write(path.with_added_extension("gz"), packed).and_then(|()| fs::remove_file(&path)).map_err(failed)?;
    }
    Ok(())
}

/// Installs the packages of the lock file, unless they are there already: npm leaves its own copy of the lock file
/// beside what it installed, and `npm ci` is the only way to bring it up to date.
fn install(assets: &Path) -> Result<(), String> {
    let stamp = assets.join("node_modules/.installed-from");
    let lock = assets.join("package-lock.json");
    let wanted = fs::read(&lock).map_err(|error| format!("{}: {error}", lock.display()))?;
    if fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    // No package's script runs: esbuild's program is a package of its own.
    let mut npm = Command::new("npm");
    npm.current_dir(assets).args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
    succeed(&mut npm, "npm is needed, and the first time a network or a filled npm cache")?;
    fs::write(&stamp, wanted).map_err(|error| format!("{}: {error}", stamp.display()))
}

fn succeed(command: &mut Command, hint: &str) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}; {hint}"))?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(format!("{command:?} failed ({}); {hint}\n{text}", output.status))
}
