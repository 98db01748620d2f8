//! A clock that jumps, as that of a virtual machine does when it wakes. It needs Debian's package `faketime`; where
//! there is none the test says so.

use crate::common;
use crate::common::{Place, Service};
use serde_json::json;

const LIBRARY: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";

/// A service whose clock stands where a file says.
fn start(place: &Place, clock: &std::path::Path, variables: &[(&str, &str)]) -> Service {
    let mut command = place.command(&["serve", "--port", "0"]);
    command.env("ADMIN_TOKEN", common::ADMIN).envs(variables.iter().copied());
    // What the machine measures spans with does not jump with its calendar.
    command.env("LD_PRELOAD", LIBRARY).env("FAKETIME_TIMESTAMP_FILE", clock);
    command.env("FAKETIME_NO_CACHE", "1").env("DONT_FAKE_MONOTONIC", "1");
    Service::start(command)
}

#[test]
fn a_clock_that_is_years_ahead_purges_nothing() {
    if !std::path::Path::new(LIBRARY).exists() {
        eprintln!("NOT TESTED: a clock that is years ahead: install Debian's package faketime");
        return;
    }
    let place = Place::new();
    place.client("fo");
    let line = |days: i64| {
        let anr = "5f0c5d8e-6f0e-4b4e-9d0a-3c1f5a7b2e01";
        format!("{}\n", json!({"anr": anr, "type": "threat", "date": common::days_ago(days), "data": []}))
    };
    let file = place.path().join("stats.ndjson");
    std::fs::write(&file, (0..20).map(line).collect::<String>()).unwrap();
    place.ok(&["import", &file.display().to_string(), "--client", "fo"]);
    let clock = place.path().join("clock");
    std::fs::write(&clock, "+1461d").unwrap();
    let service = start(&place, &clock, &[("PURGE_AFTER_MONTHS", "36")]);
    common::until("it has purged", || {
        let text = service.get("/metrics").token(common::ADMIN).send().expect(200).text();
        text.contains("monarc_job_last_success_timestamp_seconds{job=\"purge\"}")
    });
    assert!(service.stop().contains("purge: deleted 0 stats from before"));
    assert_eq!(place.ok(&["export"]).lines().count(), 20);
}

#[test]
fn a_clock_that_jumps_loses_nothing() {
    if !std::path::Path::new(LIBRARY).exists() {
        eprintln!("NOT TESTED: a clock that jumps: install Debian's package faketime");
        return;
    }
    let place = Place::new();
    let token = place.client("fo");
    let clock = place.path().join("clock");
    let set = |offset: &str| std::fs::write(&clock, offset).unwrap();
    set("+0d");
    let service = start(&place, &clock, &[]);
    let mut known = 0;
    for (offset, days) in [("+0d", 0), ("+40d", 40), ("-400d", -400), ("+0d", 0), ("+2d", 2)] {
        set(offset);
        let today = common::today().checked_add(jiff::Span::new().days(days)).unwrap();
        let anr = format!("5f0c5d8e-6f0e-4b4e-9d0a-{known:012}");
        let stat = json!([{"anr": anr, "type": "threat", "date": today.to_string(), "data": []}]);
        service.post("/api/v1/stats/").token(&token).json(&stat).send().expect(201);
        known += 1;
        let all = json!({"type": "threat", "date_from": "2000-01-01", "date_to": "2100-01-01"});
        let read = service.get("/api/v1/stats/").token(&token).json(&all).send().expect(200);
        assert_eq!(read.json()["metadata"]["count"], known.to_string(), "after a jump of {offset}");
        // The usual window ends today, wherever the clock says that is.
        let usual = service.get("/api/v1/stats/?type=threat").token(&token).send().expect(200);
        let dates: Vec<String> =
            usual.json()["data"].as_array().unwrap().iter().map(|s| s["date"].to_string()).collect();
        assert!(dates.contains(&format!("\"{today}\"")), "{offset}: {dates:?} without {today}");
    }
    drop(service);
    assert!(place.ok(&["database", "check"]).contains("5 stats"));
}

#[test]
fn a_silence_is_told_twice_across_a_restart_and_a_clock_that_jumps() {
    if !std::path::Path::new(LIBRARY).exists() {
        eprintln!("NOT TESTED: a silence across a clock that jumps: install Debian's package faketime");
        return;
    }
    let place = Place::new();
    let token = place.client("fo");
    let (program, told) = crate::watch::command(&place);
    let variables =
        [("WATCH_COMMAND", program.to_str().unwrap()), ("PATH", "/usr/bin:/bin"), ("PUBLIC_MIN_CLIENTS", "1")];
    let clock = place.path().join("clock");
    let set = |offset: &str| std::fs::write(&clock, offset).unwrap();
    set("+0d");
    let service = start(&place, &clock, &variables);
    let send = |service: &Service| {
        let stat = common::batch::item(common::batch::ANR, "threat", &common::today().to_string(), "[]");
        service.post("/api/v1/stats/").token(&token).text(&format!("[{stat}]")).send().expect(201);
    };
    let is_silent = |service: &Service| {
        let metrics = service.get("/metrics").token(common::ADMIN).send().expect(200).text();
        metrics.contains("monarc_watch_state{state=\"silent\",subject=\"fo\"} 1")
    };
    send(&service);
    set("+3d");
    common::until("the silence to be noticed", || is_silent(&service));
    set("-400d");
    service.stop();
    // What begins now is told by a look that sees the silence, too.
    let service = start(&place, &clock, &variables);
    (0..3).for_each(|_| {
        service.post("/api/v1/stats/").token(&token).text(r#"[{"anr": "x"}]"#).send().expect(400);
    });
    crate::watch::wait_for(&told, 2);
    assert!(is_silent(&service), "nothing has come");
    set("+0d");
    send(&service);
    crate::watch::wait_for(&told, 3);
    assert!(!is_silent(&service));
    service.stop();
    let all = crate::watch::messages(&told);
    let of = |which: &str| crate::watch::states(&all, which).into_iter().filter(|state| state == "silent fo").count();
    assert_eq!((of("begun"), of("ended")), (1, 1), "{all:?}");
}
