//! Attacks by not reading.

use super::{Attack, CLIENT, Target, alone, answered, dial};
use crate::common::batch::{item, risks, uuid};
use crate::common::days_ago;
use serde_json::json;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

#[test]
fn a_hundred_thousand_requests_in_a_row_and_no_answer_read() {
    let _alone = alone();
    let target = Target::new();
    let (address, token) = (target.service.address.clone(), target.token.clone());
    let attack = Attack::start(4, move |_, going| {
        let many = format!("GET /api/v1/client/me HTTP/1.1\r\nHost: x\r\nX-API-KEY: {token}\r\n\r\n").repeat(1000);
        let mut sockets: Vec<TcpStream> = (0..5).filter_map(|_| dial(&address)).collect();
        for _ in 0..100 {
            for socket in &mut sockets {
                // Fails once both sides' buffers are full.
                let _ = going.load(Ordering::SeqCst).then(|| socket.write_all(many.as_bytes()));
            }
        }
        while going.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(20));
        }
    });
    for _ in 0..3 {
        target.holds("100,000 pipelined requests", CLIENT);
        thread::sleep(Duration::from_millis(300));
    }
    drop(attack);
    target.rests("100,000 pipelined requests");
}

/// Stores about 8 MB of threats, 16 KB in each of 500 analyses.
fn fill(target: &Target) {
    let object = |n: usize| {
        json!({"uuid": format!("b402d4e0-4576-11e9-9173-{n:012x}"), "label1": format!("{n} {}", "menace ".repeat(60)),
               "count": 1, "maxRisk": 3, "averageRate": "2"})
    };
    let data: Vec<_> = (0..32).map(object).collect();
    let stat = |n: usize| {
        json!({"anr": format!("5f0c5d8e-6f0e-4b4e-9d0a-{n:012x}"), "type": "threat",
               "date": crate::common::today().to_string(), "data": data})
    };
    for batch in 0..5 {
        let stats: Vec<_> = (0..100).map(|n| stat(batch * 100 + n)).collect();
        target.service.post("/api/v1/stats/").token(&target.token).json(&json!(stats)).send().expect(201);
    }
}

#[test]
fn fifty_readers_of_a_byte_a_second() {
    let _alone = alone();
    let target = Target::new();
    fill(&target);
    let whole = target.service.get("/api/v1/stats/?type=threat").token(&target.token).send().expect(200);
    assert!(whole.body.len() > 7 << 20, "{} bytes", whole.body.len());
    let address = target.service.address.clone();
    let asked = format!("GET /api/v1/stats/?type=threat HTTP/1.1\r\nHost: x\r\nX-API-KEY: {}\r\n\r\n", target.token);
    let attack = Attack::start(1, move |_, going| {
        let mut sockets: Vec<TcpStream> = (0..50).map(|_| dial(&address).unwrap()).collect();
        for socket in &mut sockets {
            socket.write_all(asked.as_bytes()).unwrap();
        }
        while going.load(Ordering::SeqCst) {
            for socket in &mut sockets {
                assert_eq!(socket.read(&mut [0]).unwrap(), 1);
            }
            thread::sleep(Duration::from_secs(1));
        }
    });
    super::until("50 answers to be on their way", || target.service.status("Threads") > 50);
    // Nobody waits for the readers: neither those who write, nor the log that must not grow without bound.
    for _ in 0..3 {
        let me = target.service.get("/api/v1/client/me").token(&target.token).send().expect(200);
        assert_eq!(me.json()["name"], "fo");
        let stat = json!([{"anr": "00000000-6f0e-4b4e-9d0a-000000000000", "type": "threat",
                           "date": crate::common::today().to_string(), "data": []}]);
        target.service.post("/api/v1/stats/").token(&target.token).json(&stat).send().expect(201);
        target.calm("50 slow readers", CLIENT, "/api/v1/client/me");
        thread::sleep(Duration::from_millis(300));
    }
    drop(attack);
    target.rests("50 slow readers");
}

/// Readers at a time, of whatever can be read.
const READERS: usize = 200;

/// Days that have stats of every type.
const DAYS: i64 = 40;

/// What anybody may read, and what a token shows beside that.
const OPEN: [&str; 8] = [
    "/stats/threats.json",
    "/stats/vulnerabilities.json?period=week",
    "/stats/risks.json?processor=risk_averages_on_date",
    "/stats/cartography.json",
    "/stats/compliance.json",
    "/map/clients.json",
    "/stats/summary.json",
    "/api/v1/openapi.json",
];
const WITH_A_TOKEN: [&str; 3] = [
    "/api/v1/stats/?type=threat",
    "/api/v1/stats/?type=threat&get_last=1",
    "/api/v1/stats/processed/?type=threat&processor=threat_average_on_date",
];

/// Stats of every type on many days, so that averages of them are large.
fn fill_days(target: &Target) {
    let rated = |n: usize| json!({"uuid": uuid(n), "label1": format!("Menace {n}"), "count": n % 7, "maxRisk": n % 30, "averageRate": "2"});
    let rated = json!((0..300).map(rated).collect::<Vec<_>>()).to_string();
    let row: Vec<usize> = (0..30).collect();
    let side = json!({"informational": vec![row; 5], "operational": []});
    let cells = json!({"scales": {"impact": [], "probability": [], "likelihood": []},
                       "risks": {"current": side, "residual": side}});
    let control = |n: usize| json!({"label1": format!("Domaine {n}"), "value": "0.4", "controls": []});
    let side: Vec<_> = (0..60).map(control).collect();
    let compliance = json!([{"referential": uuid(1), "label1": "ISO", "current": side, "target": side}]);
    let (cells, compliance) = (cells.to_string(), compliance.to_string());
    for day in 0..DAYS {
        let one = |kind: &str, data: &str| item(&uuid(1), kind, &days_ago(day), data);
        let stats = [
            one("threat", &rated),
            one("vulnerability", &rated),
            one("risk", &risks([[1, 2, 3]; 4])),
            one("cartography", &cells),
            one("compliance", &compliance),
        ];
        target.service.store_stats(&target.token, &stats);
    }
}

fn asked(path: &str, target: &Target, gzip: bool) -> String {
    let coding = if gzip { "Accept-Encoding: gzip\r\n" } else { "" };
    let token = if OPEN.contains(&path) { String::new() } else { format!("X-API-KEY: {}\r\n", target.token) };
    format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{coding}{token}\r\n")
}

/// What others do meanwhile: the health check, and a front office that sends.
fn others_are_served(target: &Target, name: &str) {
    target.service.get("/healthz").send().expect(200);
    let stat = item(&uuid(2), "threat", &days_ago(0), "[]");
    target.service.store_stats(&target.token, &[stat]);
    target.calm(name, CLIENT, "/api/v1/client/me");
}

#[test]
fn two_hundred_readers_of_every_route() {
    let _alone = alone();
    let target = Target::new();
    fill_days(&target);
    for path in OPEN.into_iter().chain(WITH_A_TOKEN) {
        for gzip in [false, true] {
            let asked = asked(path, &target, gzip);
            let name = format!("{READERS} readers of {path}, gzip {gzip}");
            let mut slow: Vec<TcpStream> = (0..READERS).map(|_| dial(&target.service.address).unwrap()).collect();
            slow.iter_mut().for_each(|socket| socket.write_all(asked.as_bytes()).unwrap());
            // Each of them gets its answer, and takes no more of it.
            assert!(slow.iter_mut().all(|socket| answered(socket) == 200), "{name}");
            others_are_served(&target, &name);
            drop(slow);
            thread::scope(|scope| {
                let quick = || {
                    let mut socket = dial(&target.service.address).unwrap();
                    socket.write_all(asked.as_bytes()).unwrap();
                    let mut answer = Vec::new();
                    socket.read_to_end(&mut answer).unwrap();
                    assert!(answer.starts_with(b"HTTP/1.1 200 "), "{name}");
                };
                (0..READERS).for_each(|_| drop(scope.spawn(quick)));
                others_are_served(&target, &name);
            });
        }
    }
    target.rests("readers of every route");
}

/// Each asks something else, so nothing is shared: only so many are worked for at a time, and the rest come again.
#[test]
fn two_hundred_questions_at_once() {
    let _alone = alone();
    let target = Target::new();
    fill_days(&target);
    let mut slow: Vec<TcpStream> = (0..READERS).map(|_| dial(&target.service.address).unwrap()).collect();
    for (number, socket) in slow.iter_mut().enumerate() {
        let path = format!("/stats/threats.json?days={}", 1000 + number);
        socket.write_all(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).unwrap();
    }
    // A caller with a token waits for none of them.
    let path = "/api/v1/stats/processed/?type=risk&processor=risk_averages";
    target.service.get(path).token(&target.token).send().expect(200);
    others_are_served(&target, "200 questions at once");
    let statuses: Vec<u16> = slow.iter_mut().map(answered).collect();
    assert!(statuses.contains(&200) && statuses.iter().all(|status| [200, 503].contains(status)), "{statuses:?}");
    others_are_served(&target, "200 answers that nobody takes");
    drop(slow);
    target.rests("200 questions at once");
}

/// Objects of one stat, as many as there may be, and days that have it: a client's past, which costs it next to nothing.
const OBJECTS: usize = 10_000;
const PAST: i64 = 60;

/// Bug: every question held every day of every object, so that what one client had posted decided what all others cost.
#[test]
fn a_past_that_everybody_asks_for() {
    let _alone = alone();
    let target = Target::new();
    let object =
        |n: usize| format!(r#"{{"uuid":"{}","count":1,"maxRisk":10,"averageRate":"2.0"}}"#, uuid(n * 7919 % OBJECTS));
    let data = format!("[{}]", (0..OBJECTS).map(object).collect::<Vec<_>>().join(","));
    for day in 0..PAST {
        let stat = item(&uuid(1), "threat", &days_ago(day), &data);
        target.service.post("/api/v1/stats/").token(&target.token).text(&format!("[{stat}]")).send().expect(201);
    }
    let of_one = format!("/stats/objects/{}.json?days=365", uuid(3));
    let averages = "/api/v1/stats/processed/?type=threat&processor=threat_average_on_date";
    let questions = [
        "/stats/threats.json?days=50&period=year",
        "/stats/threats.json?days=60",
        &of_one,
        averages,
        "/stats/lines.json?type=threat",
    ];
    thread::scope(|scope| {
        for path in questions {
            let ask = || target.service.get(path).token(&target.token).send().status;
            scope.spawn(move || assert!([200, 503].contains(&ask()), "{path}"));
        }
        others_are_served(&target, "a long past");
    });
    others_are_served(&target, "a long past that was asked for");
    target.rests("a long past");
}

/// Bug: all names of an answer were held at once, and of some answers all text.
#[test]
fn names_as_long_as_they_may_be_are_not_held() {
    let _alone = alone();
    let target = Target::new();
    let labels = [1, 2, 3, 4].map(|slot| format!(r#","label{slot}":"{}""#, "😀".repeat(999))).concat();
    let objects = |analysis: usize| {
        let object = |n: usize| {
            format!(r#"{{"uuid":"{}","count":1,"maxRisk":3,"averageRate":"2"{labels}}}"#, uuid(analysis * 60 + n))
        };
        format!("[{}]", (0..60).map(object).collect::<Vec<_>>().join(","))
    };
    // About as many as a client may have.
    for analysis in 0..19 {
        let stat = item(&uuid(analysis), "threat", &crate::common::today().to_string(), &objects(analysis));
        target.service.store_stats(&target.token, &[stat]);
    }
    let before = target.service.status("VmHWM");
    for path in ["threats.json", "lines.json?type=threat", "compared.json?type=threat", "benchmark.json?type=threat"] {
        target.service.get(&format!("/stats/{path}")).send().expect(200);
        let held = target.service.status("VmHWM") - before;
        println!("{path}: {held} KB more than for taking it in");
        assert!(held < 16 << 10, "{path}: {held} KB");
    }
}
