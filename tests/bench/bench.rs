//! The benchmark: each line beside its floor in the same run, as a ratio, and again with ten times the data.
//!
//! `tests/bench/run` runs it; `--full` adds the lines with a million stats, `--national` is a year of a whole country instead.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, clippy::cast_precision_loss)]

#[path = "../common/mod.rs"]
mod common;
mod floor;
mod load;
mod national;

use common::{Place, Service};
use load::{Caller, body, days_ago, rate, request, uuid};
use monarc_stats::store::Store;
use std::time::{Duration, Instant};

const SPAN: Duration = Duration::from_secs(3);

fn main() {
    let words: Vec<String> = std::env::args().collect();
    if let Some(at) = words.iter().position(|word| word == "--national") {
        let number =
            |place: usize, usual: u32| words.get(at + place).and_then(|word| word.parse().ok()).unwrap_or(usual);
        return national::run(number(1, 1000), number(2, 365));
    }
    let full = std::env::args().any(|word| word == "--full");
    println!("{:<58} {:>12} {:>12} {:>7} {:>7}", "", "service", "floor", "ratio", "reach");
    let only = std::env::args().nth(1).filter(|word| !word.starts_with("--"));
    let wants = |name: &str| only.as_deref().is_none_or(|only| only == name);
    if wants("posts") {
        posts();
    }
    if wants("reads") {
        reads();
    }
    if wants("callers") {
        callers();
    }
    if !wants("averages") {
        return;
    }
    let few = averages(140, 360);
    named(20, 365);
    named(1000, 365);
    if full {
        let many = averages(2800, 360);
        line("threats.json, 1,000,000 stats against 50,000 (times)", many, few, many / few, "<= 1.2");
    }
}

fn line(what: &str, service: f64, floor: f64, ratio: f64, reach: &str) {
    println!("{what:<58} {service:>12.2} {floor:>12.2} {ratio:>7.2} {reach:>7}");
}

/// Posting, beside a bare loop that inserts the same rows.
fn posts() {
    let batch = load::office_batch();
    let cases = [(1, 0, false), (4, 0, false), (1, 10_000, false), (1, 0, true), (4, 0, true), (1, 10_000, true)];
    for (threads, before, is_new) in cases {
        let (place, service, token) =
            start(|store, client| load::fill(store, client, before / 100, if before > 0 { 100 } else { 0 }));
        let service_rate = rate(
            threads,
            SPAN,
            |_| Caller::new(&service.address),
            |caller, n| {
                let text = format!("[{}]", body(&batch, uuid(3, n as u64), days_ago(1), is_new.then_some(n)));
                assert_eq!(caller.call(&request("POST", "/api/v1/stats/", &token, &text)).0, 201);
            },
        );
        let bare = |sums| {
            let path = place.path().join(format!("floor{sums}.db"));
            floor::database(&path);
            rate(
                threads,
                SPAN,
                |_| floor::database(&path),
                |connection, n| {
                    let rows: Vec<_> = batch.iter().map(|(kind, data)| (kind.name(), format!("{data}{n}"))).collect();
                    floor::insert(connection, uuid(3, n as u64), "2026-11-01", &rows, sums);
                },
            )
        };
        let floor_rate = bare(0);
        let content = if is_new { "all new" } else { "unchanged" };
        let what = format!("POST 5 stats {content}, {threads} connections, {before} before, 1/s");
        line(&what, service_rate, floor_rate, service_rate / floor_rate, ">= 0.5");
        if before == 0 && threads == 1 && !is_new {
            let sums = rollup_rows(&place);
            let with_sums = bare(sums);
            let what = format!("  ms a batch of the floor with {sums} rows of rollups, without");
            line(&what, 1000.0 / with_sums, 1000.0 / floor_rate, floor_rate / with_sums, "");
        }
    }
    let (place, service, token) = start(|_, _| {});
    let bodies: Vec<String> = (0..8)
        .map(|n| {
            let all: Vec<_> = (0..100)
                .map(|a| body(&batch, uuid(4, n * 100 + a), days_ago(1), usize::try_from(n * 100 + a).ok()))
                .collect();
            format!("[{}]", all.join(","))
        })
        .collect();
    let path = place.path().join("floor.db");
    let service_rate = rate(
        1,
        SPAN,
        |_| Caller::new(&service.address),
        |caller, n| {
            let text = &bodies[n % bodies.len()];
            assert_eq!(caller.call(&request("POST", "/api/v1/stats/", &token, text)).0, 201);
        },
    );
    let floor_rate = rate(
        1,
        SPAN,
        |_| floor::database(&path),
        |connection, n| {
            let tx = connection.unchecked_transaction().unwrap();
            for a in 0..100_u64 {
                for (kind, data) in &batch {
                    tx.prepare_cached("INSERT INTO stat VALUES (?1, 1, ?2, ?3, ?4, ?5)")
                        .unwrap()
                        .execute(rusqlite::params![
                            uuid::Uuid::new_v4().into_bytes(),
                            uuid(n as u64 + 5, a).into_bytes(),
                            kind.name(),
                            "2026-11-01",
                            format!("{data}{n}{a}")
                        ])
                        .unwrap();
                }
            }
            tx.commit().unwrap();
        },
    );
    line("POST 500 stats (6.7 MB), 1/s", service_rate, floor_rate, service_rate / floor_rate, ">= 0.6");
}

/// Rows of rollups that a batch of an analysis changes: those of one day.
fn rollup_rows(place: &Place) -> usize {
    let connection = rusqlite::Connection::open(place.store()).unwrap();
    let rows = "SELECT count(*) FROM rollup GROUP BY date LIMIT 1";
    connection.query_row(rows, [], |row| row.get::<_, u32>(0)).unwrap() as usize
}

/// Reading three months of risks back, beside reading the same rows and writing them to a bare socket.
fn reads() {
    for analyses in [3_u64, 30] {
        let (place, service, token) = start(|store, client| {
            for day in 0..91 {
                let texts: Vec<_> = (0..analyses).map(|a| load::risks(a * 7 + u64::from(day))).collect();
                let stats: Vec<_> = texts
                    .iter()
                    .zip(0..)
                    .map(|(data, a)| {
                        monarc_stats::model::stat::NewStat::new(
                            None,
                            uuid(2, a),
                            monarc_stats::model::StatType::Risk,
                            days_ago(day),
                            data,
                        )
                    })
                    .collect();
                store.add_stats(client, &stats).unwrap();
            }
        });
        let ask = request("GET", "/api/v1/stats/", &token, r#"{"type":"risk","get_last":false}"#);
        let service_rate = rate(
            1,
            SPAN,
            |_| Caller::new(&service.address),
            |caller, _| {
                assert_eq!(caller.call(&ask).0, 200);
            },
        );
        let path = place.path().join("floor.db");
        let mut connection = floor::database(&path);
        for day in 0..91_u32 {
            for a in 0..analyses {
                floor::insert(
                    &mut connection,
                    uuid(2, a),
                    &days_ago(day).to_string(),
                    &[("risk", load::risks(a * 7 + u64::from(day)))],
                    0,
                );
            }
        }
        let (listener, address) = monarc_stats::server::listen("127.0.0.1:0".parse().unwrap()).unwrap();
        std::thread::spawn(move || {
            use std::io::{Read, Write};
            for socket in listener.incoming() {
                let mut socket = socket.unwrap();
                socket.set_nodelay(true).unwrap();
                let mut head = [0; 1024];
                while socket.read(&mut head).unwrap_or(0) > 0 {
                    let mut text = Vec::new();
                    let mut rows = connection.prepare_cached("SELECT uuid, anr, date, data FROM stat WHERE client = 1 AND type = 'risk' ORDER BY date, rowid").unwrap();
                    let mut rows = rows.query([]).unwrap();
                    while let Some(row) = rows.next().unwrap() {
                        text.extend_from_slice(row.get_ref(0).unwrap().as_blob().unwrap());
                        text.extend_from_slice(row.get_ref(1).unwrap().as_blob().unwrap());
                        text.extend_from_slice(row.get_ref(2).unwrap().as_str().unwrap().as_bytes());
                        text.extend_from_slice(row.get_ref(3).unwrap().as_str().unwrap().as_bytes());
                    }
                    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", text.len());
                    socket.write_all(head.as_bytes()).unwrap();
                    socket.write_all(&text).unwrap();
                }
            }
        });
        let floor_rate = rate(
            1,
            SPAN,
            |_| Caller::new(&address.to_string()),
            |caller, _| {
                assert_eq!(caller.call(&ask).0, 200);
            },
        );
        let what = format!("GET risk, 3 months, {} rows, 1/s", analyses * 91);
        line(&what, service_rate, floor_rate, service_rate / floor_rate, ">= 0.6");
    }
}

/// The smallest authenticated request, beside the HTTP layer with nothing behind it; and that layer beside tiny_http.
fn callers() {
    let (_place, service, token) = start(|_, _| {});
    let answer = br#"{"name":"fo","token":"fo-token-of-a-test","role":"1","is_sharing_enabled":false}"#.to_vec();
    let (constant, peer) = (floor::constant(answer.clone()), floor::peer(answer, 64));
    let of = |address: &str, threads: usize, ask: &[u8]| {
        rate(threads, SPAN, |_| Caller::new(address), |caller, _| assert_eq!(caller.call(ask).0, 200))
    };
    let ask = request("GET", "/api/v1/client/me", &token, "");
    let (service_rate, floor_rate) = (of(&service.address, 64, &ask), of(&constant, 64, &ask));
    let ratio = service_rate / floor_rate;
    line("GET client/me, keep-alive, 64 connections, 1/s", service_rate, floor_rate, ratio, ">= 0.7");
    let batch = request("POST", "/", &token, &body(&load::office_batch(), uuid(3, 0), days_ago(1), None));
    println!("{:<58} {:>12} {:>12}", "", "our layer", "tiny_http");
    for (what, threads, ask) in [
        ("  GET a constant, 1 connection, 1/s", 1, &ask),
        ("  GET a constant, 64 connections, 1/s", 64, &ask),
        ("  POST 66 KB that nobody reads, 4 connections, 1/s", 4, &batch),
    ] {
        let (ours, theirs) = (of(&constant, threads, ask), of(&peer, threads, ask));
        line(what, ours, theirs, ours / theirs, "");
    }
}

/// A year of threats for the dashboard; gives the milliseconds of one answer.
fn averages(analyses: u64, days: u32) -> f64 {
    let (place, service, _) = start(|store, client| load::fill(store, client, analyses, days));
    let stats = analyses * u64::from(days);
    let mut times = Vec::new();
    for n in 0..20 {
        // A new question each time: nothing may come out of a cache.
        let ask = request("GET", &format!("/stats/threats.json?days={}", 365 + n), "", "");
        let start = Instant::now();
        assert_eq!(Caller::new(&service.address).call(&ask).0, 200);
        times.push(start.elapsed().as_secs_f64() * 1000.0);
    }
    let service_time = median(times);
    let floor_time = rollup_floor(&place, days);
    let what = format!("threats.json?days=365, {stats} stats, ms");
    line(&what, service_time, floor_time, floor_time / service_time, ">= 0.5");
    println!("{:<58} {:>12.1}", "  memory after that, MB", service.status("VmRSS") as f64 / 1024.0);
    drop(service);
    let begin = Instant::now();
    let service = serve(&place);
    assert_eq!(Caller::new(&service.address).call(&request("GET", "/healthz", "", "")).0, 200);
    println!("{:<58} {:>12.1}", "  start to first answer, ms", begin.elapsed().as_secs_f64() * 1000.0);
    println!("{:<58} {:>12.1}", "  memory at rest, MB", service.status("VmRSS") as f64 / 1024.0);
    service_time
}

/// Reading as many rows of sums from a bare table and printing them as the same JSON.
fn rollup_floor(place: &Place, days: u32) -> f64 {
    let connection = rusqlite::Connection::open(place.path().join("sums.db")).unwrap();
    connection
        .execute_batch("CREATE TABLE sums (date TEXT, object TEXT, n INTEGER, a REAL, b REAL, c REAL, PRIMARY KEY (date, object)) WITHOUT ROWID; BEGIN")
        .unwrap();
    for day in 0..days {
        for object in 0..40 {
            connection
                .prepare_cached("INSERT INTO sums VALUES (?1, ?2, 140, ?3, ?4, ?5)")
                .unwrap()
                .execute(rusqlite::params![
                    days_ago(day).to_string(),
                    uuid(1, object).to_string(),
                    f64::from(day) * 1.37,
                    f64::from(day) * 2.11,
                    f64::from(day) * 0.93
                ])
                .unwrap();
        }
    }
    connection.execute_batch("COMMIT").unwrap();
    let mut times = Vec::new();
    for _ in 0..20 {
        use std::fmt::Write;
        let start = Instant::now();
        let mut text = String::from("[");
        let mut rows = connection.prepare_cached("SELECT date, object, n, a, b, c FROM sums").unwrap();
        let mut rows = rows.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let n = row.get::<_, i64>(2).unwrap() as f64;
            let mean = |column: usize| row.get::<_, f64>(column).unwrap() / n;
            let date = row.get_ref(0).unwrap().as_str().unwrap();
            let object = row.get_ref(1).unwrap().as_str().unwrap();
            write!(
                text,
                r#"{{"object":"{object}","count":{},"maxRisk":{},"averageRate":{},"date":"{date}"}},"#,
                mean(3),
                mean(4),
                mean(5)
            )
            .unwrap();
        }
        assert!(std::hint::black_box(text).len() > 1000);
        times.push(start.elapsed().as_secs_f64() * 1000.0);
    }
    median(times)
}

/// Five named analyses of many.
fn named(analyses: u64, days: u32) {
    let (_place, service, token) = start(|store, client| load::fill(store, client, analyses, days));
    let anrs: Vec<String> = (0..5).map(|a| uuid(2, a).to_string()).collect();
    let ask = serde_json::json!({"type": "threat", "processor": "threat_average_on_date", "anrs": anrs});
    let ask = request("GET", "/api/v1/stats/processed/", &token, &ask.to_string());
    let mut caller = Caller::new(&service.address);
    let times = (0..20).map(|_| {
        let start = Instant::now();
        assert_eq!(caller.call(&ask).0, 200);
        start.elapsed().as_secs_f64() * 1000.0
    });
    let time = median(times.collect());
    println!("{:<58} {time:>12.2}", format!("processed, 5 of {analyses} analyses named, {days} days, ms"));
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// A service that logs as it would at work: to a file.
fn serve(place: &Place) -> Service {
    place.serve_with(&[("LOG_PATH", &place.path().join("log").display().to_string())])
}

/// A service on a store that `fill` has filled.
fn start(fill: impl FnOnce(&Store, &monarc_stats::model::Client)) -> (Place, Service, String) {
    let place = Place::new();
    let token = place.client("fo");
    let store = Store::open(&place.store()).unwrap();
    fill(&store, &store.client("fo").unwrap());
    store.tidy().unwrap();
    drop(store);
    let service = serve(&place);
    (place, service, token)
}
