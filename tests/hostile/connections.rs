//! Attacks by the number of connections.

use super::{Attack, CLIENT, STRANGER, Target, alone, dial, post_head};
use crate::common::{BINARY, Service};
use std::io::Write;
use std::net::TcpStream;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Connections of a dripping attacker, in so many threads.
const DRIPPING: usize = 2000;
const DRIPPERS: usize = 4;

/// Keeps its share of the connections open, dialling again when one is cut, and sends a byte a second on each.
fn drip(address: String, opening: String) -> impl Fn(usize, &AtomicBool) + Send + Clone + 'static {
    move |_, going| {
        let mut sockets: Vec<Option<TcpStream>> = (0..DRIPPING / DRIPPERS).map(|_| None).collect();
        while going.load(Ordering::SeqCst) {
            let round = Instant::now();
            for socket in &mut sockets {
                let alive = socket.as_mut().is_some_and(|socket| socket.write_all(b"x").is_ok());
                if !alive && going.load(Ordering::SeqCst) {
                    *socket = dial(&address).filter(|mut new| new.write_all(opening.as_bytes()).is_ok());
                }
            }
            while going.load(Ordering::SeqCst) && round.elapsed() < Duration::from_secs(1) {
                thread::sleep(Duration::from_millis(20));
            }
        }
    }
}

fn dripping(name: &str, target: &Target, opening: String, megabytes: u64) {
    let attack = Attack::start(DRIPPERS, drip(target.service.address.clone(), opening));
    super::until("the attack to fill the house", || target.service.status("Threads") > 200);
    for _ in 0..3 {
        target.holds(name, megabytes);
        thread::sleep(Duration::from_millis(500));
    }
    drop(attack);
    target.rests(name);
}

#[test]
fn heads_that_drip() {
    let _alone = alone();
    let target = Target::new();
    dripping("header drip", &target, "GET /api/v1/stats/ HTTP/1.1\r\nX-Slow: ".into(), STRANGER);
}

#[test]
fn bodies_that_drip_with_a_token() {
    let _alone = alone();
    let target = Target::new();
    let opening = post_head(&target.token, "Content-Length: 1000000\r\n") + "[";
    dripping("body drip", &target, opening, CLIENT);
}

#[test]
fn four_hundred_connections_where_256_files_may_be_open() {
    let _alone = alone();
    let target = Target::started(|place| {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("ulimit -n 256; exec '{BINARY}' serve --port 0")]);
        command.env_clear().env("STATS_DATABASE", place.store()).env("HOME", place.path()).env("PATH", "/usr/bin:/bin");
        Service::start(command)
    });
    let mut sockets: Vec<TcpStream> = (0..400).filter_map(|_| dial(&target.service.address)).collect();
    assert!(sockets.len() > 350, "only {} connected", sockets.len());
    for socket in &mut sockets {
        // Those that had to leave may be reset by now.
        let _ = socket.write_all(b"GET / HTTP/1.1\r\nHost");
    }
    target.holds("256 files, 400 connections", STRANGER);
    drop(sockets);
    target.rests("256 files, 400 connections");
}

#[test]
fn resets_in_the_middle_of_everything() {
    let _alone = alone();
    let target = Target::new();
    let (address, token) = (target.service.address.clone(), target.token.clone());
    let whole = post_head(&token, "Content-Length: 3000\r\n") + &" ".repeat(3000);
    let asked = format!("GET /api/v1/openapi.json HTTP/1.1\r\nHost: x\r\nX-API-KEY: {token}\r\n\r\n");
    let attack = Attack::start(4, move |index, going| {
        let mut cut = index;
        while going.load(Ordering::SeqCst) {
            // Every length in turn; what was not read of an answer makes the close a reset.
            cut = (cut + 7) % whole.len();
            if let Some(mut socket) = dial(&address) {
                let _ = socket.write_all(if cut % 2 == 0 { &whole.as_bytes()[..cut] } else { asked.as_bytes() });
            }
        }
    });
    for _ in 0..3 {
        target.holds("resets", CLIENT);
        thread::sleep(Duration::from_millis(300));
    }
    drop(attack);
    target.rests("resets");
}
