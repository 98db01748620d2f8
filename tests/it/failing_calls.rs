//! Calls of the system that fail, one after the other, on a running service: fsync, pwrite64 and ftruncate, with EIO and
//! ENOSPC. The request that meets the fault is refused with a sentence or truly stored; every acknowledged one, before
//! and after, is there after a kill and a new start.
//!
//! `MONARC_TEST_CALLS=300` makes each of the first 300 calls of each kind fail once, which takes some minutes; without
//! it a sample of them does. Needs strace.

use crate::common::{Place, Service};
use crate::writer::{Writer, assert_sentence};
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Calls between one that fails and the next, so that the service has recovered from the first.
const APART: usize = 25;

/// Bytes of the write-ahead log just below those with which a commit moves it into the store's file.
const LONG_LOG: u64 = 16_000_000;

/// What is made to fail: calls, of the log or of the store's file, with an error.
const KINDS: [(&str, &str, &str); 8] = [
    ("fsync,fdatasync", "stats.db-wal", "EIO"),
    ("fsync,fdatasync", "stats.db-wal", "ENOSPC"),
    ("pwrite64,ftruncate", "stats.db-wal", "EIO"),
    ("pwrite64,ftruncate", "stats.db-wal", "ENOSPC"),
    ("fsync,fdatasync", "stats.db", "EIO"),
    ("fsync,fdatasync", "stats.db", "ENOSPC"),
    ("pwrite64,ftruncate", "stats.db", "EIO"),
    ("pwrite64,ftruncate", "stats.db", "ENOSPC"),
];

/// Calls of each kind, and the first of them that fail, without a wish; of the store's file only the very first, since its
/// log has to become long for it.
const SAMPLE: (usize, [usize; 3]) = (60, [1, 9, 18]);

/// strace on a running service, which makes some of its calls fail. Detaches when dropped.
struct Strace {
    child: Child,
    log: PathBuf,
}

impl Strace {
    /// None, with a printed reason, where nothing can be traced.
    fn attach(service: &Service, place: &Path, (calls, file, error): (&str, &str, &str), when: &str) -> Option<Self> {
        let (pid, log) = (service.child.id().to_string(), place.join("calls"));
        let child = Command::new("strace")
            .args(["-f", "-qq", "-y", "-s", "0", "-p", &pid, "-o"])
            .arg(&log)
            .arg("-P")
            .arg(place.join(file))
            .args(["-e", &format!("trace={calls}"), "-e", &format!("inject={calls}:error={error}:when={when}")])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let Ok(mut child) = child else {
            println!("SKIPPED: there is no strace");
            return None;
        };
        let deadline = Instant::now() + Duration::from_secs(10);
        let traced =
            || fs::read_to_string(format!("/proc/{pid}/status")).is_ok_and(|text| !text.contains("TracerPid:\t0"));
        while !traced() {
            if child.try_wait().unwrap().is_some() || Instant::now() > deadline {
                let _ = child.kill();
                println!("SKIPPED: strace may trace nothing here");
                return None;
            }
            thread::sleep(Duration::from_millis(10));
        }
        Some(Self { child, log })
    }

    /// The lines of what the busiest thread has called so far: strace counts for each thread by itself.
    fn calls(&self) -> Vec<String> {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let mut threads = BTreeMap::<&str, Vec<String>>::new();
        for (thread, call) in text.lines().filter_map(|line| line.split_once(' ')) {
            threads.entry(thread).or_default().push(call.trim_start().to_owned());
        }
        threads.into_values().max_by_key(Vec::len).unwrap_or_default()
    }
}

impl Drop for Strace {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-s", "TERM", &self.child.id().to_string()]).status();
        let _ = self.child.wait();
    }
}

/// A connection that is kept, so that one thread of the service makes all calls.
struct Kept(BufReader<TcpStream>);

impl Kept {
    fn post(&mut self, token: &str, body: &str) -> (u16, String) {
        let length = body.len();
        write!(
            self.0.get_mut(),
            "POST /api/v1/stats/ HTTP/1.1\r\nHost: x\r\nX-API-KEY: {token}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            assert!(self.0.read_until(b'\n', &mut head).unwrap() > 0, "no answer");
        }
        let head = String::from_utf8(head).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
        let Some(length) = length else { return (status, self.chunks()) };
        (status, self.take(length.parse().unwrap()))
    }
}

impl Kept {
    fn take(&mut self, length: usize) -> String {
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).unwrap();
        String::from_utf8(body).unwrap()
    }

    fn chunks(&mut self) -> String {
        let mut body = String::new();
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).unwrap();
            let size = usize::from_str_radix(line.trim_end(), 16).unwrap();
            body.push_str(self.take(size + 2).trim_end_matches("\r\n"));
            if size == 0 {
                return body;
            }
        }
    }
}

/// What came of the faults.
#[derive(Default)]
struct Tally {
    calls: usize,
    faults: BTreeMap<String, usize>,
    refused: usize,
    served: usize,
}

impl Tally {
    /// Counts the calls that failed by the kind of call and of file.
    fn note(&mut self, calls: &[String]) {
        self.calls += calls.len();
        for call in calls.iter().filter(|call| call.contains("(INJECTED)")) {
            let file = if call.contains("stats.db-wal") { "log" } else { "store" };
            *self.faults.entry(format!("{} of the {file}", call.split('(').next().unwrap())).or_default() += 1;
        }
    }
}

/// Posts on one connection until its thread has made `most` of these calls.
fn meet(service: &Service, strace: &Strace, writer: &mut Writer, most: usize, tally: &mut Tally) {
    let mut kept = Kept(BufReader::new(service.socket()));
    loop {
        for _ in 0..5 {
            let batch = writer.next();
            let (status, body) = kept.post(&writer.token, &batch);
            writer.note(status);
            match status {
                201 => tally.served += 1,
                507 => assert_sentence(&body, "disk is full"),
                503 => assert_sentence(&body, "the store"),
                _ => panic!("{status}: {body}"),
            }
            tally.refused += usize::from(status != 201);
        }
        let calls = strace.calls();
        if calls.len() >= most {
            return tally.note(&calls);
        }
        assert!(writer.requests < 2000 + 10 * most, "only {} calls in {} requests", calls.len(), writer.requests);
    }
}

#[test]
fn every_call_may_fail_and_nothing_acknowledged_is_lost() {
    let wish = std::env::var("MONARC_TEST_CALLS").ok().map(|text| text.parse().unwrap());
    let most = wish.unwrap_or(SAMPLE.0);
    let place = Place::new();
    let token = place.client("fo");
    let (mut service, mut writers, mut tally) = (place.serve(), Vec::new(), Tally::default());
    for kind in KINDS {
        let (firsts, most) = match kind {
            // One to each checkpoint, which is worth hundreds of requests.
            ("fsync,fdatasync", "stats.db", _) => (vec![1], 1),
            (_, "stats.db", _) if wish.is_none() => (vec![1], most),
            _ if wish.is_none() => (SAMPLE.1.to_vec(), most),
            _ => ((1..=APART).collect(), most),
        };
        for first in firsts {
            let mut writer = Writer::of(token.clone(), writers.len());
            let log = || fs::metadata(place.path().join("stats.db-wal")).map_or(0, |data| data.len());
            while kind.1 == "stats.db" && log() < LONG_LOG {
                assert_eq!(writer.post(&service).0, 201);
            }
            let Some(strace) = Strace::attach(&service, place.path(), kind, &format!("{first}+{APART}")) else {
                return;
            };
            meet(&service, &strace, &mut writer, most, &mut tally);
            drop(strace);
            writer.recovers(&service);
            writer.holds(&service);
            service.signal("KILL");
            drop(service);
            place.ok(&["database", "check"]);
            service = place.serve();
            writer.holds(&service);
            writers.push(writer);
        }
    }
    writers.iter().for_each(|writer| writer.holds(&service));
    let acknowledged: usize = writers.iter().map(|writer| writer.acknowledged.len()).sum();
    let Tally { calls, faults, refused, served } = tally;
    println!(
        "FAULT calls: {calls} made, {faults:?} failed; requests: {refused} refused, {served} served; {acknowledged} acknowledged, 0 lost"
    );
    assert!(refused > 0 && served > refused);
}
