//! The fixture of all integration tests: the binary that ships, on a free port, with a store of its own.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod batch;

use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// The binary that is tested.
pub const BINARY: &str = env!("CARGO_BIN_EXE_monarc-stats");
/// The admin's token in every service started here.
pub const ADMIN: &str = "admin-token-of-a-test";

/// A directory with a store in it, and the commands that work on it.
pub struct Place {
    directory: TempDir,
}

impl Place {
    pub fn new() -> Self {
        Self { directory: TempDir::new().unwrap() }
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    pub fn store(&self) -> PathBuf {
        self.path().join("stats.db")
    }

    /// A command on this store with a clean environment.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command.args(words).env_clear().env("STATS_DATABASE", self.store()).env("HOME", self.path());
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, words: &[&str]) -> Output {
        self.command(words).stdin(Stdio::null()).output().unwrap()
    }

    /// Runs a command that must succeed; gives its standard output.
    pub fn ok(&self, words: &[&str]) -> String {
        let output = self.run(words);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{words:?}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a command that must fail with this exit code; gives its standard error.
    pub fn fails(&self, words: &[&str], code: i32) -> String {
        let output = self.run(words);
        assert_eq!(output.status.code(), Some(code), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stderr).unwrap()
    }

    /// Makes a client with this name, whose token is the name and `-token-of-a-test`.
    pub fn client(&self, name: &str) -> String {
        let token = format!("{name}-token-of-a-test");
        self.ok(&["client", "create", "--new-store", "--name", name, "--token", &token]);
        token
    }

    /// Starts a service on this store.
    pub fn serve(&self) -> Service {
        self.serve_with(&[])
    }

    /// Starts a service on this store with more variables.
    pub fn serve_with(&self, variables: &[(&str, &str)]) -> Service {
        let mut command = self.command(&["serve", "--port", "0"]);
        command.env("ADMIN_TOKEN", ADMIN).env("PUBLIC_MIN_CLIENTS", "1").envs(variables.iter().copied());
        Service::start(command)
    }
}

/// A running service. It is killed when dropped; its log goes to the test's output.
pub struct Service {
    pub child: Child,
    pub address: String,
    pub announcement: String,
    /// What it printed before that.
    pub printed: String,
    log: Option<std::thread::JoinHandle<String>>,
}

impl Service {
    /// Starts it and waits for the line that says where it listens.
    pub fn start(mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (mut announcement, mut printed) = (String::new(), String::new());
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        while stdout.read_line(&mut announcement).unwrap() > 0 && !announcement.starts_with("listening") {
            printed.push_str(&std::mem::take(&mut announcement));
        }
        let stderr = child.stderr.take().unwrap();
        let log = std::thread::spawn(move || {
            let mut text = String::new();
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                println!("service: {line}");
                text.push_str(&line);
                text.push('\n');
            }
            text
        });
        let address = announcement.split(&['/', ','][..]).nth(2).unwrap_or_default().to_owned();
        assert!(address.contains(':'), "no announcement but {announcement:?}; {}", {
            let _ = child.kill();
            log.join().unwrap()
        });
        Self { child, address, announcement, printed, log: Some(log) }
    }

    /// A request that is ready to be changed and sent.
    pub fn request(&self, method: &str, path: &str) -> Request {
        Request::new(&self.address, method, path)
    }

    pub fn get(&self, path: &str) -> Request {
        self.request("GET", path)
    }

    pub fn post(&self, path: &str) -> Request {
        self.request("POST", path)
    }

    /// A connection for raw bytes.
    pub fn socket(&self) -> TcpStream {
        let socket = TcpStream::connect(&self.address).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        socket.set_nodelay(true).unwrap();
        socket
    }

    /// Ends it with SIGTERM; gives its log.
    pub fn stop(mut self) -> String {
        self.signal("TERM");
        assert!(self.child.wait().unwrap().success());
        self.log.take().unwrap().join().unwrap()
    }

    /// Waits until it ends by itself; gives its exit code and its log.
    pub fn end(mut self) -> (Option<i32>, String) {
        let code = self.child.wait().unwrap().code();
        (code, self.log.take().unwrap().join().unwrap())
    }

    /// Sends a signal, such as `KILL`.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// The names of the files that it has open.
    pub fn opened(&self) -> Vec<String> {
        let files = std::fs::read_dir(format!("/proc/{}/fd", self.child.id())).unwrap();
        let links = files.filter_map(|file| std::fs::read_link(file.unwrap().path()).ok());
        links.map(|link| link.to_string_lossy().into_owned()).collect()
    }

    /// A figure in kilobytes from /proc/<pid>/status, such as `VmRSS` or `VmHWM`, or a count such as `Threads`.
    pub fn status(&self, name: &str) -> u64 {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = text.lines().find(|line| line.starts_with(&format!("{name}:"))).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A request in the making.
pub struct Request {
    address: String,
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
}

impl Request {
    /// A request to whatever listens there.
    pub fn new(address: &str, method: &str, path: &str) -> Self {
        Self {
            address: address.into(),
            method: method.into(),
            path: path.into(),
            headers: vec![("User-Agent".into(), "MONARC/2.13.3".into())],
            body: None,
        }
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.headers.push((name.into(), value.into()));
        self
    }

    pub fn token(self, token: &str) -> Self {
        self.header("X-API-KEY", token)
    }

    /// A JSON body.
    pub fn json(self, body: &Value) -> Self {
        self.text(&body.to_string())
    }

    /// A body that says it is JSON.
    pub fn text(self, body: &str) -> Self {
        self.bytes(body.as_bytes()).header("Content-Type", "application/json")
    }

    pub fn bytes(mut self, body: &[u8]) -> Self {
        self.body = Some(body.to_vec());
        self
    }

    /// Sends it on a connection of its own and reads the whole answer.
    pub fn send(self) -> Reply {
        let mut socket = TcpStream::connect(&self.address).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let mut head = format!("{} {} HTTP/1.1\r\nConnection: close\r\n", self.method, self.path);
        if !self.headers.iter().any(|(name, _)| name == "Host") {
            head.push_str(&format!("Host: {}\r\n", self.address));
        }
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if let Some(body) = &self.body {
            head.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        head.push_str("\r\n");
        let mut bytes = head.into_bytes();
        bytes.extend(self.body.unwrap_or_default());
        // The service may answer and close before it has read all of a body that it refuses.
        let _ = socket.write_all(&bytes);
        let mut answer = Vec::new();
        let _ = socket.read_to_end(&mut answer);
        Reply::parse(&answer)
    }
}

/// A whole answer.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

impl Reply {
    /// Parses the bytes of one answer; its body ends where its length or chunks say.
    pub fn parse(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("an answer has a head");
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers: BTreeMap<String, String> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect();
        let rest = &bytes[end + 4..];
        let body = match headers.get("transfer-encoding") {
            // The answer to a HEAD names chunks that do not follow.
            Some(coding) if coding == "chunked" && !rest.is_empty() => dechunked(rest),
            _ => rest.to_vec(),
        };
        Self { status, headers, body }
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {:?}", self.text()))
    }

    /// Asserts the status, showing the body if it is another.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        self
    }
}

fn dechunked(mut bytes: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let end = bytes.windows(2).position(|two| two == b"\r\n").expect("a chunk has a size");
        let size = usize::from_str_radix(std::str::from_utf8(&bytes[..end]).unwrap(), 16).unwrap();
        bytes = &bytes[end + 2..];
        if size == 0 {
            return body;
        }
        body.extend(&bytes[..size]);
        bytes = &bytes[size + 2..];
    }
}

/// A service with one client, "fo".
pub fn service() -> (Place, Service, String) {
    let place = Place::new();
    let token = place.client("fo");
    let service = place.serve();
    (place, service, token)
}

/// Today, as the service sees it: tests run it without `TZ`.
pub fn today() -> jiff::civil::Date {
    jiff::Timestamp::now().to_zoned_datetime(jiff::tz::TimeZone::UTC).date()
}

/// The date a number of days before today.
pub fn days_ago(days: i64) -> String {
    today().checked_sub(jiff::Span::new().days(days)).unwrap().to_string()
}

/// Waits until something has come about, for a minute at most.
pub fn until(what: &str, mut test: impl FnMut() -> bool) {
    let deadline = std::time::Instant::now() + Duration::from_secs(60);
    while !test() {
        assert!(std::time::Instant::now() < deadline, "it never came to this: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
