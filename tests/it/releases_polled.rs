//! Whoever polls what is published learns nothing of what others do: not by bytes, tags or moments, and not by time, since
//! nothing that changes is read.

use crate::common::batch::{ANR, item, rated, uuid};
use crate::common::{ADMIN, Reply, Service, today};
use crate::releases::{PUBLIC, THREAT, answers, built, serve, week, world};
use jiff::civil::Date;
use serde_json::json;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// What one who polls sees of an answer; the date is the clock's.
fn seen(reply: Reply) -> (u16, Vec<(String, String)>, Vec<u8>) {
    let headers = reply.headers.into_iter().filter(|(name, _)| name != "date").collect();
    (reply.status, headers, reply.body)
}

#[test]
fn polls_see_nothing_of_what_others_post() {
    let place = world(&["1", "2", "3", "4", "5"], 2);
    let service = serve(&place, "3");
    let first: Vec<_> = PUBLIC.iter().map(|path| seen(service.get(path).send().expect(200))).collect();
    let (posted, is_over) = (AtomicUsize::new(0), AtomicBool::new(false));
    let post = || {
        while !is_over.load(Ordering::SeqCst) {
            let number = posted.fetch_add(1, Ordering::SeqCst);
            // Each another: nothing is stored twice. Of closed weeks too.
            let date = if number % 2 == 0 { today() } else { week(0) };
            let data = rated(&uuid(THREAT + number), 1 + number as u64, 100, "5");
            service.post_stats("c0-token-of-a-test", &[item(ANR, "threat", &date.to_string(), &data)]);
        }
    };
    let poll = || {
        let (mut rounds, mut conditional) = (0, 0);
        while rounds < 10 || posted.load(Ordering::SeqCst) < 40 {
            for (path, (status, headers, body)) in PUBLIC.iter().zip(&first) {
                let again = seen(service.get(path).send());
                assert!(again == (*status, headers.clone(), body.clone()), "{path}: {again:?}");
                if let Some((_, tag)) = headers.iter().find(|(name, _)| name == "etag") {
                    service.get(path).header("If-None-Match", tag).send().expect(304);
                    conditional += 1;
                }
            }
            rounds += 1;
        }
        assert!(conditional > 100);
    };
    std::thread::scope(|scope| {
        let posting = scope.spawn(post);
        // However it ends, who posts is told.
        let polled = std::panic::catch_unwind(std::panic::AssertUnwindSafe(poll));
        is_over.store(true, Ordering::SeqCst);
        posting.join().unwrap();
        polled.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
}

/// Every table but these is what others post, or is made of it.
const QUIET: [&str; 8] = ["release", "state", "client", "view_link", "job", "watch_state", "mosp", "benchmark"];

#[test]
fn no_public_answer_reads_what_is_live() {
    let place = world(&["1", "2", "3", "4", "5"], 3);
    let more = |service: &Service| -> Vec<Vec<u8>> {
        let question = json!({"type": "threat", "processor": "threat_average_on_date"});
        let user = service.get("/api/v1/stats/processed/").token("c0-token-of-a-test").json(&question);
        let paths =
            ["/feed.atom", "/threats", "/risks", "/report", "/help", "/about", "/stats/benchmark.json?type=threat"];
        let object = format!("/stats/objects/{}.json", uuid(THREAT));
        let paths = paths.iter().copied().chain([object.as_str()]);
        let public = paths.map(|path| service.get(path).send().expect(200).body);
        public.chain([user.send().expect(200).body]).collect()
    };
    let service = serve(&place, "3");
    let known = (answers(&service), more(&service));
    drop(service);
    // Started anew, so that nothing is remembered; then what is live goes, under its feet.
    let service = serve(&place, "3");
    let store = rusqlite::Connection::open(place.store()).unwrap();
    store.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
    let tables: Vec<String> = store
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        .and_then(|mut tables| tables.query_map([], |row| row.get(0))?.collect())
        .unwrap();
    let live = tables.iter().filter(|name| !QUIET.contains(&name.as_str()));
    let gone = live.map(|name| store.execute_batch(&format!("DROP TABLE {name}")).unwrap()).count();
    assert!(gone >= 10, "{tables:?}");
    for ((path, wanted), (_, found)) in known.0.iter().zip(answers(&service)) {
        assert!(*wanted == found, "{path}");
    }
    assert!(known.1 == more(&service));
}

/// The moment that answers tell is the week's: not the one at which somebody posted, and nobody who does not share is seen.
#[test]
fn nobody_learns_when_somebody_posted() {
    let place = world(&["1", "2", "3"], 1);
    let store = rusqlite::Connection::open(place.store()).unwrap();
    store.execute("DELETE FROM stat WHERE date = (SELECT max(date) FROM stat)", []).unwrap();
    drop(store);
    place.client("quiet");
    let service = place.serve_with(&[("PUBLIC_MIN_CLIENTS", "3")]);
    let post = |token: &str, week: Date| {
        let items = [today(), week].map(|date| item(ANR, "threat", &date.to_string(), &rated(&uuid(1), 1, 1, "1")));
        service.store_stats(token, &items);
    };
    for token in ["quiet-token-of-a-test", ADMIN] {
        post(token, week(1));
        assert_eq!(place.ok(&["release", "list"]), "", "what others post closes no week and makes none");
    }
    post("c0-token-of-a-test", week(2));
    built(&place);
    let list = place.ok(&["release", "list"]);
    assert_eq!([0, 1, 2].map(|before| list.contains(&week(before).to_string())), [true, false, true], "{list}");
    let midnight = week(0).checked_add(jiff::Span::new().days(2)).unwrap();
    for path in PUBLIC {
        if let Some(moment) = service.get(path).send().expect(200).headers.get("last-modified") {
            assert_eq!(*moment, midnight.strftime("%a, %d %b %Y 00:00:00 GMT").to_string(), "{path}");
        }
    }
    let feed = service.get("/feed.atom").send().expect(200);
    assert!(feed.headers["last-modified"].ends_with(" 00:00:00 GMT"));
    assert_eq!(feed.text().matches(&format!("<updated>{midnight}T00:00:00Z</updated>")).count(), 2, "{}", feed.text());
}
