//! A whole country: many organisations of five analyses each, for a year. What a night costs, how large the store becomes, how long a
//! release takes, what the dashboard waits for, and the memory of it all.
//!
//! The past is stored by the library itself, ten days of a client at once; the last night arrives over HTTP, as in life. An
//! analysis changes every tenth day, a tenth of its rows then.

use super::common::{Place, Service};
use super::load::{Caller, body, days_ago, office_batch, request, uuid};
use monarc_stats::model::stat::NewStat;
use monarc_stats::model::{Client, Role, StatType, Token};
use monarc_stats::store::Store;
use monarc_stats::store::clients::NewClient;
use serde_json::Value;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// Analyses of each organisation.
const ANALYSES: u64 = 5;
/// Days for which an analysis stays as it is.
const STILL: u32 = 10;
/// Front offices that send at the same time.
const SENDERS: usize = 4;

/// Measures and prints.
pub fn run(clients: u32, days: u32) {
    let place = Place::new();
    let whole = 5 * ANALYSES * u64::from(clients) * u64::from(days);
    println!("{clients} organisations of {ANALYSES} analyses, {days} days: {whole} stats");
    fill(&place, clients, days);
    let service = serve(&place, "1");
    night(&service, clients);
    let megabytes = std::fs::metadata(place.store()).unwrap().len() as f64 / 1e6;
    line("store, MB", megabytes);
    line("store, bytes a stat", megabytes * 1e6 / whole as f64);
    dashboard(&service, "live");
    drop(service);
    release(&place, days);
}

fn line(what: &str, value: f64) {
    println!("{what:<58} {value:>12.1}");
}

fn seconds(start: Instant) -> f64 {
    start.elapsed().as_secs_f64()
}

/// The nth organisation's token.
fn token(client: u32) -> String {
    format!("token-{client}-of-a-bench")
}

/// The five stats of an analysis in one of its states. A tenth of the rows differ from one state to the next.
struct Office(Vec<(StatType, Value)>);

impl Office {
    fn new() -> Self {
        Self(office_batch().into_iter().map(|(kind, data)| (kind, serde_json::from_str(&data).unwrap())).collect())
    }

    fn state(&self, analysis: u64, version: u64) -> Vec<(StatType, String)> {
        let one = |(kind, data): &(StatType, Value)| {
            let mut data = data.clone();
            change(&mut data, analysis, version);
            (*kind, data.to_string())
        };
        self.0.iter().map(one).collect()
    }
}

/// Changes the numbers of a stat as a year does: each row begins somewhere of its own and moves every tenth time.
fn change(data: &mut Value, analysis: u64, version: u64) {
    let Some(rows) = data.as_array_mut() else {
        if let Some(members) = data.as_object_mut() {
            members.insert("version".into(), (analysis * 1000 + version).into());
        }
        return;
    };
    for (row, at) in rows.iter_mut().zip(0_u64..) {
        let moved = (version + at) / 10;
        let (Some(row), step) = (row.as_object_mut(), analysis * 31 + at * 17 + moved * 7) else { continue };
        if row.contains_key("averageRate") {
            row.insert("averageRate".into(), format!("{}.{:02}", step % 5, step % 97).into());
            row.insert("count".into(), (step % 12 + 1).into());
            row.insert("maxRisk".into(), (step % 60 + 1).into());
        }
    }
}

/// All nights but the last one.
fn fill(place: &Place, clients: u32, days: u32) {
    place.client("bench");
    let store = Store::open(&place.store()).unwrap();
    let all: Vec<Client> = (0..clients).map(|client| make(&store, client)).collect();
    let (office, start) = (Office::new(), Instant::now());
    let (mut number, mut day) = (0, days);
    while day > 1 {
        let block: Vec<u32> = (1..day).rev().take(STILL as usize).collect();
        for (client, n) in all.iter().zip(0_u64..) {
            let states: Vec<_> = (n * ANALYSES..(n + 1) * ANALYSES)
                .map(|analysis| (analysis, office.state(analysis, u64::from(days - day))))
                .collect();
            let mut stats: Vec<NewStat<'_>> = Vec::new();
            for day in &block {
                for (analysis, texts) in &states {
                    stats.extend(
                        texts
                            .iter()
                            .map(|text| NewStat::new(None, uuid(2, *analysis), text.0, days_ago(*day), &text.1)),
                    );
                }
            }
            number += stats.len();
            store.add_stats(client, &stats).unwrap();
        }
        day -= u32::try_from(block.len()).unwrap();
    }
    line("stored by the library, stats a second", number as f64 / seconds(start));
    let start = Instant::now();
    store.tidy().unwrap();
    line("tidied up, s", seconds(start));
}

fn make(store: &Store, client: u32) -> Client {
    let (name, token) = (format!("Organisation {client}"), Token::new(&token(client)).unwrap());
    let new = NewClient { uuid: None, name: &name, token: &token, role: Role::User, is_sharing_enabled: true };
    store.create_client(&new).unwrap()
}

fn serve(place: &Place, k: &str) -> Service {
    let log = place.path().join("log").display().to_string();
    place.serve_with(&[("LOG_PATH", &log), ("PUBLIC_MIN_CLIENTS", k), ("WATCH_SILENT", "0")])
}

/// The last night: every organisation sends its five analyses in one batch, made before: a front office has its own machine.
fn night(service: &Service, clients: u32) {
    let (office, next) = (Office::new(), AtomicUsize::new(0));
    let one = |client: u32| {
        let analyses = u64::from(client) * ANALYSES..u64::from(client + 1) * ANALYSES;
        let items: Vec<String> =
            analyses.map(|analysis| body(&office.state(analysis, 99), uuid(2, analysis), days_ago(0), None)).collect();
        request("POST", "/api/v1/stats/", &token(client), &format!("[{}]", items.join(",")))
    };
    let asks: Vec<Vec<u8>> = (0..clients).map(one).collect();
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..SENDERS {
            scope.spawn(|| {
                let mut caller = Caller::new(&service.address);
                while let Some(ask) = asks.get(next.fetch_add(1, Ordering::Relaxed)) {
                    assert_eq!(caller.call(ask).0, 201);
                }
            });
        }
    });
    let spent = seconds(start);
    line("a night over HTTP, s", spent);
    line("a night over HTTP, stats a second", 5.0 * ANALYSES as f64 * f64::from(clients) / spent);
    line("a night over HTTP, MB", asks.iter().map(Vec::len).sum::<usize>() as f64 / 1e6);
    memory(service, "most memory of the night, MB", "VmHWM");
}

fn memory(service: &Service, what: &str, name: &str) {
    line(what, service.status(name) as f64 / 1024.0);
}

/// What the pages wait for, asked for the first time.
fn dashboard(service: &Service, how: &str) {
    for path in [
        "/stats/summary.json",
        "/stats/threats.json?days=365",
        "/stats/risks.json?days=365",
        "/stats/compared.json?type=threat",
        "/stats/trends.json",
    ] {
        let start = Instant::now();
        let (status, length) = Caller::new(&service.address).call(&request("GET", path, "", ""));
        assert_eq!(status, 200, "{path}");
        line(&format!("{how}: {path}, ms"), seconds(start) * 1000.0);
        assert!(length > 2, "{path}");
    }
    memory(service, &format!("{how}: memory after that, MB"), "VmRSS");
}

/// Every week that is over, built at the first start.
fn release(place: &Place, days: u32) {
    let start = Instant::now();
    let service = serve(place, "5");
    let log = place.path().join("log");
    let built = || std::fs::read_to_string(&log).unwrap().matches("release: built the week").count();
    // One that is due later is not waited for: it is nobody's guess which day of the week it is.
    let due = (days / 7).saturating_sub(2) as usize;
    let mut known = (0, start);
    while known.0 < due || known.1.elapsed().as_secs() < 10 {
        std::thread::sleep(std::time::Duration::from_millis(200));
        let now = built();
        if now != known.0 {
            known = (now, Instant::now());
        }
    }
    line("weeks released", known.0 as f64);
    line("a week's release, s", known.1.duration_since(start).as_secs_f64() / known.0.max(1) as f64);
    memory(&service, "most memory of the releases, MB", "VmHWM");
    dashboard(&service, "released");
}
