//! Clients that mean harm: raw sockets on the loopback, each attack bounded in time.
//!
//! While an attack runs, an ordinary authenticated GET on a connection of its own is answered 200 with a median of 20
//! under 50 ms, memory and threads stay within bounds, and afterwards everything is back to rest within 15 s.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../common/mod.rs"]
mod common;

mod bodies;
mod confined;
mod connections;
mod heads;
mod readers;
mod tokens;

use common::{Place, Service};
use confined::Confined;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Megabytes that the service may have held at any time, without and with a token in the attacker's hands.
const STRANGER: u64 = 64;
const CLIENT: u64 = 128;

/// Threads at most, and the time after which all is as before.
const THREADS: u64 = 300;
const REST: Duration = Duration::from_secs(15);

/// One attack at a time: they measure how fast others are served meanwhile.
fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    allow_files(&std::process::id().to_string(), "8192");
    turn
}

/// Lets a process open so many files.
fn allow_files(pid: &str, number: &str) {
    let limit = format!("--nofile={number}:");
    assert!(Command::new("prlimit").args(["--pid", pid, &limit]).status().unwrap().success());
}

/// A service under attack, and what it was like before.
struct Target {
    service: Service,
    token: String,
    threads: u64,
    files: usize,
    /// After the service, which has to be gone when it goes.
    confined: Confined,
    _place: Place,
}

impl Target {
    fn new() -> Self {
        // The raw requests of the attacks call it x.
        Self::started(|place| place.serve_with(&[("ALLOWED_HOSTS", "x")]))
    }

    fn started(start: impl FnOnce(&Place) -> Service) -> Self {
        let place = Place::new();
        let token = place.client("fo");
        let service = start(&place);
        // The first requests open what stays open.
        for _ in 0..3 {
            service.get("/api/v1/client/me").token(&token).send().expect(200);
        }
        let confined = Confined::new(service.child.id());
        let mut target = Self { service, token, threads: 0, files: 0, confined, _place: place };
        // The listener, its copy, and the pair that wakes who waits for signals.
        until("the first requests to be over", || target.sockets() <= 4);
        (target.threads, target.files) = (target.service.status("Threads"), target.files());
        target
    }

    fn files(&self) -> usize {
        self.service.opened().len()
    }

    fn sockets(&self) -> usize {
        self.service.opened().iter().filter(|name| name.starts_with("socket:")).count()
    }

    /// An ordinary request is served as ever while an attack runs, and the attack costs no more than it may.
    fn holds(&self, attack: &str, megabytes: u64) {
        self.calm(attack, megabytes, "/api/v1/stats/?type=threat");
    }

    /// The same, asking for this path.
    fn calm(&self, attack: &str, megabytes: u64, path: &str) {
        let mut times: Vec<Duration> = (0..20).map(|_| self.ordinary(path)).collect();
        times.sort();
        let threads = self.service.status("Threads");
        let peak = self.service.status("VmHWM") / 1024;
        let of = if self.confined.is_bound() { "256 MB" } else { "what there is" };
        println!(
            "ATTACK {attack}: median {:?}, worst {:?}, peak {peak} MB of {of}, {threads} threads",
            times[10], times[19]
        );
        assert!(times[10] < Duration::from_millis(50), "{attack}: {times:?}");
        assert!(peak < megabytes, "{attack}: {peak} MB");
        assert!(threads < THREADS, "{attack}: {threads} threads");
    }

    fn ordinary(&self, path: &str) -> Duration {
        let began = Instant::now();
        self.service.get(path).token(&self.token).send().expect(200);
        began.elapsed()
    }

    /// Everything is back to rest. A few descriptors more are the store's readers, a thread more takes in large batches.
    fn rests(&self, attack: &str) {
        let began = Instant::now();
        let is_at_rest = || self.service.status("Threads") <= self.threads + 1 && self.files() <= self.files + 20;
        while !is_at_rest() && began.elapsed() < REST {
            thread::sleep(Duration::from_millis(10));
        }
        assert!(
            is_at_rest(),
            "after {attack}: {} and now {} threads; {} and now {:?}",
            self.threads,
            self.service.status("Threads"),
            self.files,
            self.service.opened()
        );
        let now = self.service.status("VmRSS") / 1024;
        println!("ATTACK {attack}: at rest after {:?} with {now} MB", began.elapsed());
        self.ordinary("/api/v1/client/me");
    }
}

/// Waits for a condition, at most [`REST`].
#[track_caller]
fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + REST;
    while !condition() {
        assert!(Instant::now() < deadline, "still waiting for {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// Threads that attack until this is dropped.
struct Attack {
    going: &'static AtomicBool,
    threads: Vec<JoinHandle<()>>,
}

impl Attack {
    /// Runs `act` in `number` threads; it is told which thread it is in and until when it goes on.
    fn start(number: usize, act: impl Fn(usize, &AtomicBool) + Send + Clone + 'static) -> Self {
        let going: &'static AtomicBool = Box::leak(Box::new(AtomicBool::new(true)));
        let one = |index| {
            let act = act.clone();
            thread::spawn(move || act(index, going))
        };
        Self { going, threads: (0..number).map(one).collect() }
    }
}

impl Drop for Attack {
    fn drop(&mut self) {
        self.going.store(false, Ordering::SeqCst);
        for thread in self.threads.drain(..) {
            thread.join().unwrap();
        }
    }
}

/// Connects; none if the service has no place at the moment.
fn dial(address: &str) -> Option<TcpStream> {
    let socket = TcpStream::connect_timeout(&address.parse().unwrap(), Duration::from_secs(2)).ok()?;
    socket.set_write_timeout(Some(Duration::from_millis(200))).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    Some(socket)
}

/// Sends bytes and gives the status of the answer, 0 if there is none.
fn status_of(address: &str, bytes: &[u8]) -> u16 {
    let mut socket = dial(address).expect("a connection");
    // The service may refuse before it has everything.
    let _ = socket.write_all(bytes);
    answered(&mut socket)
}

/// The status of the answer that comes on a socket, 0 if it ends without one.
fn answered(socket: &mut TcpStream) -> u16 {
    let mut line = [0; 12];
    let mut filled = 0;
    while filled < line.len() {
        match socket.read(&mut line[filled..]) {
            Ok(0) => break,
            Ok(got) => filled += got,
            Err(error) if error.kind() == ErrorKind::ConnectionReset => break,
            Err(error) => panic!("no answer: {error}"),
        }
    }
    std::str::from_utf8(&line[..filled]).ok().and_then(|line| line.split(' ').nth(1)?.parse().ok()).unwrap_or(0)
}

/// The head of a POST of stats.
fn post_head(token: &str, fields: &str) -> String {
    format!(
        "POST /api/v1/stats/ HTTP/1.1\r\nHost: x\r\nX-API-KEY: {token}\r\nContent-Type: application/json\r\n{fields}\r\n"
    )
}
