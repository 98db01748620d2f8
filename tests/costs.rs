//! Nothing that is sent costs more than in proportion to its size: of four times as much the service takes about four
//! times the processor's time, where a quadratic cost would take sixteen.
//!
//! Counted is processor time, in which others who use the machine hardly show, and of several attempts the cheapest.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::batch::{item, rated, uuid};
use common::{Service, service, today};
use serde_json::{Value, json};
use std::io::{Read, Write};

/// What four times as much may cost, between linear and quadratic.
const MOST: u64 = 8;
/// Ticks, hundredths of a second, below which nothing can be compared.
const FLOOR: u64 = 10;
const ATTEMPTS: usize = 4;

/// Ticks of processor time that the service has taken so far.
fn ticks(service: &Service) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", service.child.id())).unwrap();
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    fields.split(' ').skip(11).take(2).map(|field| field.parse::<u64>().unwrap()).sum()
}

/// What it takes to be sent these pieces, each by itself, and to answer. Gives the status, too.
fn cost(service: &Service, pieces: &[Vec<u8>]) -> (u64, String) {
    let before = ticks(service);
    let mut socket = service.socket();
    for piece in pieces {
        if socket.write_all(piece).is_err() {
            break;
        }
    }
    let mut answer = Vec::new();
    let _ = socket.read_to_end(&mut answer);
    (ticks(service) - before, String::from_utf8_lossy(&answer).chars().skip(9).take(3).collect())
}

/// Compares what `number` and four times as many cost.
fn compare(what: &str, status: &str, number: usize, service: &Service, request: impl Fn(usize) -> Vec<Vec<u8>>) {
    let (few, many) = (request(number), request(4 * number));
    let (mut least, mut most) = (u64::MAX, u64::MAX);
    for attempt in 0..ATTEMPTS {
        for (pieces, cheapest) in [(&few, &mut least), (&many, &mut most)] {
            let (ticks, found) = cost(service, pieces);
            assert_eq!(found, status, "{what}");
            *cheapest = ticks.min(*cheapest);
        }
        if most <= MOST * least.max(FLOOR) {
            println!("COST {what}: {least} and {most} ticks for {number} and four times as many, attempt {attempt}");
            return;
        }
    }
    panic!("{what}: {least} ticks for {number}, {most} for four times as many");
}

fn post(token: &str, fields: &str) -> Vec<u8> {
    format!(
        "POST /api/v1/stats/ HTTP/1.1\r\nHost: x\r\nX-API-KEY: {token}\r\nContent-Type: application/json\r\nConnection: close\r\n{fields}\r\n"
    )
    .into_bytes()
}

fn batch(token: &str, items: &[String]) -> Vec<Vec<u8>> {
    let body = format!("[{}]", items.join(","));
    vec![post(token, &format!("Content-Length: {}\r\n", body.len())), body.into_bytes()]
}

fn get(token: &str, path: &str, arguments: &Value) -> Vec<Vec<u8>> {
    let body = arguments.to_string().into_bytes();
    let head = format!(
        "GET {path} HTTP/1.1\r\nHost: x\r\nX-API-KEY: {token}\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    vec![head.into_bytes(), body]
}

/// A threat with more in it.
fn threat(more: &str) -> String {
    format!(r#"[{{"uuid":"{}","count":1,"maxRisk":1,"averageRate":1,{more}}}]"#, uuid(1))
}

fn repeated(number: usize, one: impl Fn(usize) -> String) -> String {
    (0..number).map(one).collect::<Vec<_>>().join(",")
}

#[test]
fn costs_grow_no_faster_than_what_is_sent() {
    let (_place, service, token) = service();
    let today = today().to_string();
    // An analysis of its own for each length, so that no data is compared with earlier ones.
    let one = |kind: &str, data: &str| batch(&token, &[item(&uuid(data.len()), kind, &today, data)]);
    let many = |number: usize, one: &dyn Fn(usize) -> String| batch(&token, &(0..number).map(one).collect::<Vec<_>>());
    let compare = |what: &str, status: &str, number: usize, request: &dyn Fn(usize) -> Vec<Vec<u8>>| {
        compare(what, status, number, &service, request);
    };

    // All of it beyond what a batch in one transaction may have: that way is another one.
    compare("nesting", "201", 600_000, &|n| {
        one("threat", &threat(&format!(r#""x":{}{}"#, "[".repeat(n), "]".repeat(n))))
    });
    compare("nesting without end", "400", 4_000_000, &|n| batch(&token, &["[".repeat(n)]));
    compare("items", "400", 250_000, &|n| many(n, &|_| "{}".into()));
    compare("one bad item after the other", "400", 12_000, &|n| many(n, &|_| "{}".into()));
    compare("a long text", "201", 1_900_000, &|n| one("threat", &threat(&format!(r#""label1":"{}""#, "a".repeat(n)))));
    compare("escapes", "201", 300_000, &|n| one("threat", &threat(&format!(r#""label1":"{}""#, "\\u00e9".repeat(n)))));
    compare("a long number", "201", 1_900_000, &|n| one("threat", &threat(&format!(r#""x":0.{}"#, "3".repeat(n)))));
    compare("the same key", "201", 100_000, &|n| one("threat", &threat(&repeated(n, |_| r#""x":1"#.into()))));
    compare("the same key of a stat", "400", 300_000, &|n| {
        batch(&token, &[format!("{{{}}}", repeated(n, |_| format!(r#""anr":"{}""#, uuid(1))))])
    });
    compare("keys", "201", 100_000, &|n| one("threat", &threat(&repeated(n, |i| format!(r#""x{i}":1"#)))));
    compare("objects", "201", 2400, &|n| {
        one("threat", &format!("[{}]", repeated(n, |i| rated(&uuid(i), 1, 1, "1").trim_matches(['[', ']']).into())))
    });
    compare("the same object", "201", 2400, &|n| {
        one("threat", &format!("[{}]", repeated(n, |_| rated(&uuid(1), 1, 1, "1").trim_matches(['[', ']']).into())))
    });
    compare("referentials", "201", 2400, &|n| {
        let referential = |i| format!(r#"{{"referential":"{i}","current":[],"target":[]}}"#);
        one("compliance", &format!("[{}]", repeated(n, referential)))
    });
    compare("stats of as many analyses", "201", 750, &|n| {
        many(n, &|i| item(&uuid(i), "threat", &today, &rated(&uuid(i), 1, 1, "1")))
    });
    compare("stats of one day", "201", 750, &|n| {
        many(n, &|i| item(&uuid(0), "threat", &today, &rated(&uuid(i), 1, 1, "1")))
    });
    compare("small chunks", "400", 100_000, &|n| {
        let chunks = [&b"1\r\n[\r\n".repeat(n)[..], b"0\r\n\r\n"].concat();
        vec![post(&token, "Transfer-Encoding: chunked\r\n"), chunks]
    });
    compare("a head, byte by byte", "200", 3900, &|n| {
        let start = format!("GET /api/v1/client/me HTTP/1.1\r\nHost: x\r\nX-API-KEY: {token}\r\nConnection: close\r\n");
        let fields: String = (0..n / 400).map(|i| format!("X-{i}: {}\r\n", "y".repeat(390))).collect();
        (start + &fields + "\r\n").bytes().map(|byte| vec![byte]).collect()
    });
    // Every other analysis has stats.
    let anrs = |n: usize| (0..n).map(|i| uuid(i * 2)).collect::<Vec<_>>();
    compare("analyses whose stats are listed", "200", 3750, &|n| {
        get(&token, "/api/v1/stats/", &json!({"type": "threat", "anrs": anrs(n)}))
    });
    compare("analyses that are averaged", "200", 3750, &|n| {
        let asked = json!({"type": "threat", "processor": "threat_average_on_date", "anrs": anrs(n)});
        get(&token, "/api/v1/stats/processed/", &asked)
    });
}

/// The measure itself: what does cost sixteen times as much is told.
#[test]
#[should_panic(expected = "for four times as many")]
fn a_quadratic_cost_would_be_found() {
    let (_place, service, token) = service();
    compare("a square of brackets", "400", 1200, &service, |n| batch(&token, &["[".repeat(n * n)]));
}
