//! The image that `packaging/container/Dockerfile` describes, without an engine: its files and the devices that
//! every engine adds in a directory, and its program in there as its user, with its environment and nothing else. Only root may do that.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// What the Dockerfile says.
#[derive(Default)]
pub struct Image {
    root: Option<TempDir>,
    pub environment: Vec<(String, String)>,
    pub user: String,
    pub directory: String,
    pub volume: String,
    pub health: Vec<String>,
    entrypoint: Vec<String>,
    words: Vec<String>,
}

impl Image {
    /// Builds it. `MONARC_STATS` names the binary, by default the one that cargo built, whose libraries come along if
    /// it is no static one.
    pub fn build() -> Self {
        let context = TempDir::new().unwrap();
        assert_eq!(std::fs::metadata(context.path()).unwrap().uid(), 0, "these tests must be run as root");
        let binary = std::env::var_os("MONARC_STATS").map_or_else(|| crate::common::BINARY.into(), PathBuf::from);
        std::fs::copy(&binary, context.path().join("monarc-stats-amd64")).unwrap();
        std::fs::create_dir_all(context.path().join("app/var")).unwrap();
        let root = TempDir::new().unwrap();
        run("chmod", &["755", &text(root.path())]);
        libraries(&binary, root.path());
        devices(root.path());
        let mut image = Self { root: Some(root), ..Self::default() };
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/container/Dockerfile");
        for line in lines(&std::fs::read_to_string(file).unwrap()) {
            image.follow(&line, context.path());
        }
        image
    }

    pub fn root(&self) -> &Path {
        self.root.as_ref().unwrap().path()
    }

    /// The path of something in the image.
    pub fn path(&self, inside: &str) -> PathBuf {
        self.root().join(inside.trim_start_matches('/'))
    }

    fn follow(&mut self, line: &str, context: &Path) {
        let (instruction, rest) = line.split_once(' ').unwrap();
        match instruction {
            "FROM" => assert_eq!(rest, "scratch"),
            // An engine sets it to the architecture it builds for.
            "ARG" => assert_eq!(rest, "TARGETARCH"),
            "COPY" => self.copy(&rest.replace("${TARGETARCH}", "amd64"), context),
            "ENV" => {
                let pairs = rest.split_whitespace().map(|pair| pair.split_once('=').unwrap());
                self.environment.extend(pairs.map(|(name, value)| (name.into(), value.into())));
            }
            "WORKDIR" => self.directory = rest.into(),
            "USER" => self.user = rest.into(),
            "VOLUME" => self.volume = rest.into(),
            "EXPOSE" => assert_eq!(rest, "5000"),
            "HEALTHCHECK" => self.health = list(rest.split_once("CMD ").unwrap().1),
            "ENTRYPOINT" => self.entrypoint = list(rest),
            "CMD" => self.words = list(rest),
            other => panic!("the test does not know {other}"),
        }
    }

    fn copy(&self, rest: &str, context: &Path) {
        let words: Vec<&str> = rest.split(' ').collect();
        let [.., from, to] = words[..] else { panic!("{rest}") };
        let target = self.path(to);
        let directory = if to.ends_with('/') { &target } else { target.parent().unwrap() };
        std::fs::create_dir_all(directory).unwrap();
        let from = if from.ends_with('/') { format!("{from}.") } else { from.into() };
        run("cp", &["-r", &text(&context.join(from)), &text(&target)]);
        if let Some(owner) = words[0].strip_prefix("--chown=") {
            run("chown", &["-R", owner, &text(&target)]);
        }
    }

    /// `docker run` with these variables; other words are another command.
    pub fn run(&self, variables: &[(&str, &str)], words: &[&str]) -> Command {
        let words: Vec<String> = match words {
            [] => self.words.clone(),
            words => words.iter().map(ToString::to_string).collect(),
        };
        self.execute(variables, &[&self.entrypoint[..], &words].concat())
    }

    /// `docker exec` with the variables that the container was started with.
    pub fn execute(&self, variables: &[(&str, &str)], words: &[String]) -> Command {
        let (user, group) = self.user.split_once(':').unwrap();
        let mut command = Command::new("/usr/bin/unshare");
        command.arg(format!("--root={}", text(self.root()))).arg(format!("--wd={}", self.directory));
        command.arg(format!("--setgid={group}")).arg(format!("--setuid={user}")).arg("--").args(words);
        command.env_clear().envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.envs(variables.iter().copied());
        command
    }
}

/// The instructions, each on a line.
fn lines(text: &str) -> Vec<String> {
    let text = text.replace("\\\n", " ");
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

fn list(text: &str) -> Vec<String> {
    serde_json::from_str(text).unwrap()
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

fn run(program: &str, words: &[&str]) {
    let status = Command::new(program).args(words).status().unwrap();
    assert!(status.success(), "{program} {words:?}");
}

/// Every engine gives a container these; a static program takes its random numbers from there.
fn devices(root: &Path) {
    std::fs::create_dir(root.join("dev")).unwrap();
    for (name, minor) in [("null", "3"), ("random", "8"), ("urandom", "9")] {
        run("mknod", &["-m", "666", &text(&root.join("dev").join(name)), "c", "1", minor]);
    }
}

/// Copies the libraries that a program needs to the same paths below `root`.
fn libraries(binary: &Path, root: &Path) {
    let found = Command::new("ldd").arg(binary).output().unwrap();
    let found = String::from_utf8(found.stdout).unwrap();
    for library in found.split_whitespace().filter(|word| word.starts_with('/')) {
        let target = root.join(library.trim_start_matches('/'));
        std::fs::create_dir_all(target.parent().unwrap()).unwrap();
        std::fs::copy(library, target).unwrap();
    }
}
