// Whose work is in the binary: every package with its version, its licence and the texts of it, each text once.

import { execFileSync } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";

const { CARGO = "cargo", RUSTC = "rustc", CARGO_CFG_TARGET_FEATURE = "", CARGO_CFG_TARGET_ENV = "" } = process.env;

function output(program, ...words) {
  return execFileSync(program, words, { encoding: "utf8", cwd: "..", maxBuffer: 64 << 20 });
}

/** The first match of a pattern that a text has, unless its makers changed it. */
function match(pattern, text) {
  const found = pattern.exec(text);
  if (!found) throw new Error(`${pattern} is nowhere in ${text.slice(0, 200)}`);
  return found;
}

const said = (path) => readFile(path, "utf8").catch(() => "");

/** The texts about licences in a folder. */
async function textsIn(folder) {
  const files = await readdir(folder).catch(() => []);
  const named = files.filter((file) => /^(licen[cs]e|notice|copying|copyright|unlicense)/i.test(file)).sort();
  return (await Promise.all(named.map((file) => said(join(folder, file))))).filter(Boolean);
}

async function npmPackage(name) {
  const folder = join("node_modules", name);
  const { version, license } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
  return { kind: "npm", name, version, licence: license, texts: await textsIn(folder) };
}

/** The crates that are linked. `cargo tree` knows which, leaving out what only builds or tests; their places only `cargo metadata`. */
async function crates(target) {
  const edges = ["--edges", "normal,no-proc-macro"];
  const tree = output(CARGO, "tree", "--locked", "--target", target, ...edges, "--prefix", "none", "--format", "{p}");
  const linked = new Set(tree.split("\n").map((line) => line.split(" ").slice(0, 2).join(" ")));
  const { packages, resolve } = JSON.parse(output(CARGO, "metadata", "--locked", "--format-version", "1", "--filter-platform", target));
  const found = packages.filter(({ id, name, version }) => id !== resolve.root && linked.has(`${name} v${version}`));
  return Promise.all(
    found.map(async ({ name, version, license, manifest_path }) => {
      const licence = license?.replaceAll("/", " OR ") ?? "NOASSERTION";
      return { kind: "cargo", name, version, licence, texts: await textsIn(dirname(manifest_path)), folder: dirname(manifest_path) };
    }),
  );
}

/** SQLite comes inside a crate; its head says under which terms. */
async function sqlite(crate) {
  const header = await readFile(join(crate.folder, "sqlite3", "sqlite3.h"), "utf8");
  const version = match(/#define SQLITE_VERSION\s+"([^"]+)"/, header)[1];
  const blessing = match(/The author disclaims copyright[\s\S]*?(?=\n\*{10})/, header)[0].replaceAll(/^\*\* ?/gm, "");
  return { kind: "generic", name: "sqlite", version, licence: "blessing", texts: [blessing] };
}

/** What the compiler links by itself: its standard library, and the C library if that is linked statically. */
async function toolchain() {
  const version = match(/^release: (.+)$/m, output(RUSTC, "-vV"))[1];
  const folder = join(output(RUSTC, "--print", "sysroot").trim(), "share/doc/rust/licenses");
  const texts = await Promise.all(["Apache-2.0.txt", "MIT.txt"].map((file) => said(join(folder, file))));
  const all = [{ kind: "generic", name: "rust-std", version, licence: "MIT OR Apache-2.0", texts: texts.filter(Boolean) }];
  if (CARGO_CFG_TARGET_FEATURE.split(",").includes("crt-static") && CARGO_CFG_TARGET_ENV === "gnu") {
    const version = match(/[\d.]+$/m, output("ldd", "--version").split("\n")[0])[0];
    const text = await said("/usr/share/common-licenses/LGPL-2.1");
    all.push({ kind: "generic", name: "glibc", version, licence: "LGPL-2.1-or-later", texts: [text].filter(Boolean) });
  }
  return all;
}

/** Everything in the order of names; texts that differ in white space alone are one. */
export async function licences(npmNames, target) {
  const rust = await crates(target);
  const c = await sqlite(rust.find(({ name }) => name === "libsqlite3-sys"));
  const all = [...rust, c, ...(await toolchain()), ...(await Promise.all(npmNames.map(npmPackage)))];
  const key = (text) => text.replaceAll(/\s+/g, " ").trim();
  const known = new Map();
  const plain = (text) =>
    text
      .replaceAll("\r\n", "\n")
      .replace(/^\s*\n/, "")
      .trimEnd();
  all.sort((a, b) => (`${a.name} ${a.version}` < `${b.name} ${b.version}` ? -1 : 1));
  for (const text of all.flatMap(({ texts }) => texts)) if (!known.has(key(text))) known.set(key(text), plain(text));
  // Alike texts are about as long, and compress best side by side.
  const keys = [...known.keys()].sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
  const components = all.map(({ kind, name, version, licence, texts }) => {
    const numbers = texts.map((text) => keys.indexOf(key(text)));
    return { kind, name, version, licence, texts: [...new Set(numbers)].sort((a, b) => a - b) };
  });
  return JSON.stringify({ components, texts: keys.map((one) => known.get(one)) });
}
