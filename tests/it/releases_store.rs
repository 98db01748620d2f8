//! Releases are built once, and stay through everything that happens to a store.

use crate::common::{ADMIN, Place, Service, today, until};
use crate::releases::{answers, built, contribute, serve, week, world};
use jiff::Span;
use std::process::{Child, Stdio};

/// The rows of releases, byte for byte.
fn rows(place: &Place) -> Vec<(i64, Vec<u8>, Option<Vec<u8>>)> {
    let store = rusqlite::Connection::open(place.store()).unwrap();
    let mut statement = store.prepare("SELECT week, hash, cells FROM release WHERE week <> 0 ORDER BY week").unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

fn backup(place: &Place, name: &str) -> String {
    let path = place.path().join(name).display().to_string();
    place.ok(&["database", "backup", &path]);
    path
}

#[test]
fn a_restore_keeps_what_was_published_and_publishes_no_lost_week() {
    let place = world(&["1", "2", "3", "4", "5"], 3);
    let before = backup(&place, "before.db");
    let service = serve(&place, "3");
    let (published, known) = (answers(&service), rows(&place));
    assert_eq!(known.len(), 3);
    // The backup has no release. Beside the service: it publishes the same bytes with the next request.
    contribute(&place, "c9", "5", 3);
    place.ok(&["database", "restore", &before, "--yes"]);
    assert!(answers(&service) == published && rows(&place) == known);
    drop(service);
    // On a new machine, from a backup that has two of the three weeks: the third was published, so it is not built anew.
    let store = rusqlite::Connection::open(place.store()).unwrap();
    store.execute("DELETE FROM release WHERE week = (SELECT max(week) FROM release)", []).unwrap();
    drop(store);
    let older = backup(&place, "older.db");
    let fresh = Place::new();
    fresh.ok(&["database", "migrate"]);
    fresh.ok(&["database", "restore", &older, "--yes"]);
    assert!(!fresh.ok(&["release", "list"]).contains("due"));
    let service = serve(&fresh, "3");
    assert!(rows(&fresh) == known[..2]);
    drop(service);
    // A store that never published anything is no such case.
    let other = Place::new();
    other.ok(&["database", "migrate"]);
    other.ok(&["database", "restore", &before, "--yes"]);
    serve(&other, "3");
    assert!(rows(&other) == known, "the same stats and rules make the same bytes");
}

/// A program that does not outlive its test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_second_of_two_services_publishes_nothing() {
    let place = world(&["1", "2", "3", "4", "5"], 6);
    let second = || {
        let mut command = place.command(&["serve", "--port", "0"]);
        command.env("ADMIN_TOKEN", ADMIN).env("PUBLIC_MIN_CLIENTS", "5").stderr(Stdio::piped());
        let mut child = Ended(command.spawn().unwrap());
        until("the second one ends", || child.0.try_wait().unwrap().is_some());
        let said = std::io::read_to_string(child.0.stderr.take().unwrap()).unwrap();
        assert!(!child.0.wait().unwrap().success() && said.contains("another monarc-stats serves"), "{said}");
    };
    // While the first one builds, and when it is done.
    let service = place.serve_with(&[("PUBLIC_MIN_CLIENTS", "3")]);
    second();
    built(&place);
    let known = rows(&place);
    second();
    assert!(rows(&place) == known && known.len() == 6);
    let store = rusqlite::Connection::open(place.store()).unwrap();
    let of_second: i64 = store.query_row("SELECT count(*) FROM release WHERE k = 5", [], |row| row.get(0)).unwrap();
    assert_eq!(of_second, 0);
    // The first one dies without a word; the next may have the store, and has nothing to publish anew.
    service.signal("KILL");
    drop(service);
    drop(serve(&place, "5"));
    assert!(rows(&place) == known);
}

#[test]
fn a_week_that_was_withdrawn_stays_away() {
    let place = world(&["1", "2", "3", "4", "5"], 2);
    let service = serve(&place, "3");
    let old = backup(&place, "old.db");
    let date = week(0).to_string();
    let error = place.fails(&["release", "withdraw", "2020-W05", "--yes"], 1);
    assert!(error.contains("no release ends on 2020-02-02"), "{error}");
    place.ok(&["release", "withdraw", &date, "--yes"]);
    let dates = |service: &Service| {
        let values = service.get("/stats/threats.json").send().expect(200).json()[0]["values"].clone();
        values.as_array().unwrap().iter().map(|value| value["date"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(dates(&service), [week(1).to_string()]);
    drop(service);
    let service = serve(&place, "3");
    assert_eq!(dates(&service), [week(1).to_string()]);
    // Nor does a backup from before bring it back.
    place.ok(&["database", "restore", &old, "--yes"]);
    assert_eq!(dates(&service), [week(1).to_string()]);
    assert!(place.ok(&["release", "list"]).contains("withdrawn"));
    // And nothing rewrites what stands there.
    let store = rusqlite::Connection::open(place.store()).unwrap();
    assert!(store.execute("UPDATE release SET cells = x'00' WHERE week <> 0", []).is_err());
}

#[test]
fn a_week_is_closed_two_days_after_it_ended_and_with_a_later_stat() {
    let place = world(&["1", "2", "3"], 0);
    assert!(place.ok(&["release", "list"]).is_empty(), "stats of today alone close no week with stats");
    let place = Place::new();
    for name in ["a", "b", "c"] {
        contribute(&place, name, "2", 1);
    }
    let store = rusqlite::Connection::open(place.store()).unwrap();
    store.execute("DELETE FROM stat WHERE date = (SELECT max(date) FROM stat)", []).unwrap();
    drop(store);
    assert!(place.ok(&["release", "list"]).is_empty(), "the week may still be going on for who sends late");
    contribute(&place, "d", "2", 1);
    assert!(place.ok(&["release", "list"]).contains(&format!("{}  due", week(0))));
}

/// It needs Debian's package `faketime`; where there is none the test says so.
#[test]
fn neither_clock_nor_zone_nor_kill_builds_a_week_twice() {
    const LIBRARY: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";
    const WEEKS: usize = 12;
    let place = world(&["1", "2", "3", "4", "5"], 12);
    let start = |variables: &[(&str, &str)]| {
        let mut command = place.command(&["serve", "--port", "0"]);
        command.env("ADMIN_TOKEN", ADMIN).env("PUBLIC_MIN_CLIENTS", "3").envs(variables.iter().copied());
        Service::start(command)
    };
    // Killed while it builds, at once and after so many weeks: what is there is whole, and stays.
    let mut before = Vec::new();
    for weeks in [0, 1, 2, 3, 5] {
        let service = start(&[]);
        until("so many weeks are built", || weeks == 0 || rows(&place).len() >= weeks);
        service.signal("KILL");
        drop(service);
        let now = rows(&place);
        assert!(now.starts_with(&before) && before.len() <= now.len());
        before = now;
    }
    let service = start(&[("TZ", "Pacific/Kiritimati")]);
    built(&place);
    let known = rows(&place);
    assert!(known.len() == WEEKS && known.starts_with(&before));
    drop(service);
    let mut settings: Vec<Vec<(&str, &str)>> =
        vec![vec![("TZ", "Pacific/Pago_Pago")], vec![("TZ", "Pacific/Kiritimati")]];
    match std::path::Path::new(LIBRARY).exists() {
        true => settings.extend(["-8d", "+8d"].map(|offset| vec![("LD_PRELOAD", LIBRARY), ("FAKETIME", offset)])),
        false => eprintln!("NOT TESTED: releases and a clock that jumps: install Debian's package faketime"),
    }
    for variables in settings {
        let service = start(&variables);
        service.get("/stats/summary.json").send().expect(200);
        let date = today().checked_add(Span::new().days(1)).unwrap();
        assert!(date > week(0));
        service.stop();
        let now = rows(&place);
        assert!(now[..WEEKS] == known, "{variables:?}");
    }
}
