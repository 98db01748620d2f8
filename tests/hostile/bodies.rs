//! Attacks by bodies, with a token.

use super::{Attack, CLIENT, Target, alone};
use crate::common::today;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

const MOST: usize = 32 << 20;
const OBJECT: &str = "b402d4e0-4576-11e9-9173-000000000000";

/// Sends a body from so many clients at once; gives the statuses. Nobody else waits for them, and memory stays small.
fn at_once(name: &str, number: usize, body: Vec<u8>, framing: Framing) -> Vec<u16> {
    let body = Arc::new(body);
    let _alone = alone();
    let target = Target::new();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (address, token, told) = (target.service.address.clone(), target.token.clone(), Arc::clone(&seen));
    let attack = Attack::start(number, move |_, _| {
        let status = send(&address, &token, &body, framing);
        told.lock().unwrap().push(status);
    });
    let mut rounds = 0;
    while rounds == 0 || attack.threads.iter().any(|thread| !thread.is_finished()) {
        target.calm(name, CLIENT, "/api/v1/client/me");
        rounds += 1;
        thread::sleep(Duration::from_millis(100));
    }
    drop(attack);
    target.rests(name);
    let seen = seen.lock().unwrap();
    println!("ATTACK {name}: {seen:?}");
    seen.clone()
}

#[derive(Clone, Copy)]
enum Framing {
    Length,
    Chunked,
}

fn send(address: &str, token: &str, body: &[u8], framing: Framing) -> u16 {
    use std::io::Write;
    let mut socket = std::net::TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
    let mut send = |bytes: &[u8]| socket.write_all(bytes);
    let _ = match framing {
        Framing::Length => {
            let head = super::post_head(token, &format!("Content-Length: {}\r\n", body.len()));
            send(head.as_bytes()).and_then(|()| send(body))
        }
        Framing::Chunked => {
            let chunk = |part: &[u8]| [format!("{:x}\r\n", part.len()).as_bytes(), part, b"\r\n"].concat();
            send(super::post_head(token, "Transfer-Encoding: chunked\r\n").as_bytes())
                .and_then(|()| body.chunks(1 << 16).try_for_each(|part| send(&chunk(part))))
                .and_then(|()| send(b"0\r\n\r\n"))
        }
    };
    super::answered(&mut socket)
}

/// A batch with items from `item` until it has about 32 MB.
fn batch(mut item: impl FnMut(usize) -> String, separator: &str, most: usize) -> Vec<u8> {
    let mut text = String::from("[");
    let mut number = 0;
    while text.len() < most {
        let next = item(number);
        if text.len() + next.len() + 200 > most {
            break;
        }
        if number > 0 {
            text.push_str(separator);
        }
        text.push_str(&next);
        number += 1;
    }
    text.push(']');
    text.into_bytes()
}

fn stat(kind: &str, number: usize, data: &str) -> String {
    format!(r#"{{"anr":"5f0c5d8e-6f0e-4b4e-9d0a-{number:012x}","type":"{kind}","date":"{}","data":{data}}}"#, today())
}

fn threat(number: usize) -> String {
    format!(
        r#"{{"uuid":"b402d4e0-4576-11e9-9173-{number:012x}","label1":"{number}","count":1,"maxRisk":1,"averageRate":1}}"#
    )
}

fn stats_of(bytes: usize) -> Vec<u8> {
    let data = |n: usize| format!("[{}]", (0..100).map(|i| threat(n * 100 + i)).collect::<Vec<_>>().join(","));
    batch(|n| stat("threat", n, &data(n % 50)), ",", bytes)
}

/// Who finds no turn is told to come again.
#[test]
fn batches_of_40_megabytes() {
    let statuses = at_once("3 x 40 MB", 3, stats_of(40 << 20), Framing::Length);
    assert!(statuses.contains(&201) && statuses.iter().all(|status| [201, 503].contains(status)), "{statuses:?}");
}

/// What a push of three months sends at once: bounded in memory, stored whole, and answered in full.
#[test]
fn a_batch_of_300_megabytes() {
    if std::env::var_os("HOSTILE_LARGE").is_none() {
        return println!("skipped: set HOSTILE_LARGE to run it");
    }
    assert_eq!(at_once("300 MB", 1, stats_of(300 << 20), Framing::Chunked), [201]);
}

#[test]
fn bodies_that_are_no_json() {
    for framing in [Framing::Length, Framing::Chunked] {
        assert_eq!(at_once("6 x 32 MB of no JSON", 6, vec![b'x'; MOST], framing), [400; 6]);
    }
}

/// An upload takes disk, and no place that another would wait for.
#[test]
fn uploads_that_stall_keep_nobody_waiting() {
    let _alone = alone();
    let target = Target::new();
    let (address, token) = (target.service.address.clone(), target.token.clone());
    let attack = Attack::start(1, move |_, going| {
        let begun = super::post_head(&token, "Content-Length: 40000000\r\n") + "[" + &" ".repeat(1 << 20);
        let sockets: Vec<_> = (0..150)
            .map(|_| {
                let mut socket = super::dial(&address).unwrap();
                std::io::Write::write_all(&mut socket, begun.as_bytes()).unwrap();
                socket
            })
            .collect();
        while going.load(std::sync::atomic::Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(20));
        }
        drop(sockets);
    });
    super::until("all uploads to have begun", || target.service.status("Threads") > 150);
    let body = stats_of(2 << 20);
    assert_eq!(send(&target.service.address, &target.token, &body, Framing::Length), 201);
    target.calm("150 stalled uploads", CLIENT, "/api/v1/client/me");
    drop(attack);
    target.rests("150 stalled uploads");
}

/// The memory that judging takes must not be a multiple of what it takes to send: each of these is 8 or 32 MB of something
/// that is small as text and large when parsed.
#[test]
fn batches_that_grow_when_they_are_parsed() {
    let _alone = alone();
    let target = Target::new();
    let risk = r#"{"level":"Low risks","value":1}"#;
    let many = |one: &str, bytes: usize| format!("[{}]", vec![one; bytes / (one.len() + 1)].join(","));
    let risks = |levels: &str| {
        let branch = format!(r#"{{"informational":{levels},"operational":[]}}"#);
        format!(r#"{{"risks":{{"current":{branch},"residual":{{"informational":[],"operational":[]}}}}}}"#)
    };
    let cells = |row: &str| {
        let branch = format!(r#"{{"informational":[{row}],"operational":[]}}"#);
        format!(
            r#"{{"scales":{{"impact":[],"probability":[],"likelihood":[]}},"risks":{{"current":{branch},"residual":{{"informational":[],"operational":[]}}}}}}"#
        )
    };
    let category = r#"{"value":"1","controls":[]}"#;
    let compliance = |list: &str| format!(r#"[{{"referential":"r","current":{list},"target":[]}}]"#);
    let most = 2_000_000;
    for (name, body, expected) in [
        ("10^7 items", batch(|_| "{}".into(), ",", MOST), 400),
        ("190,000 bad items", batch(|_| "{}".into(), ",", 190_000 * 3), 400),
        ("49,000 bad items", batch(|_| "{}".into(), ",", 49_000 * 3), 400),
        ("one stat of 32 MB", batch(|n| stat("threat", n, &many(&threat(0), 32_000_000)), ",", MOST), 400),
        ("4 lists of risks", batch(|n| stat("risk", n, &risks(&many(risk, most))), ",", MOST / 4), 400),
        ("4 rows of counters", batch(|n| stat("cartography", n, &cells(&many("1", most))), ",", MOST / 4), 400),
        (
            "4 lists of categories",
            batch(|n| stat("compliance", n, &compliance(&many(category, most))), ",", MOST / 4),
            400,
        ),
        (
            "4 texts of 2 MB",
            batch(
                |n| {
                    stat(
                        "threat",
                        n,
                        &format!(
                            r#"[{{"uuid":"{OBJECT}","count":1,"maxRisk":1,"averageRate":1,"label1":"{}"}}]"#,
                            "a".repeat(most)
                        ),
                    )
                },
                ",",
                MOST / 4,
            ),
            201,
        ),
        (
            "a long text for many categories",
            batch(
                |n| {
                    stat(
                        "compliance",
                        n,
                        &format!(
                            r#"[{{"referential":"r","label1":"{}","current":{},"target":[]}}]"#,
                            "a".repeat(1_000_000),
                            many(category, 900_000)
                        ),
                    )
                },
                ",",
                MOST / 4,
            ),
            400,
        ),
        ("deep nesting", vec![b'['; MOST], 400),
        ("deep nesting in a stat", batch(|n| stat("threat", n, &"[".repeat(most)), ",", MOST), 400),
    ] {
        let status = send(&target.service.address, &target.token, &body, Framing::Length);
        assert_eq!(status, expected, "{name}");
        target.calm(name, CLIENT, "/api/v1/client/me");
        target.rests(name);
    }
}
