//! What the service does by itself.

use crate::common::{ADMIN, Place, Service, days_ago};
use crate::remote;
use crate::remote::{Remote, TOKEN};
use serde_json::json;
use std::time::{Duration, Instant};

/// A place with a client that shares and a stat of each of these days.
fn place(days: &[i64]) -> Place {
    let place = Place::new();
    place.client("fo");
    place.ok(&["client", "enable-sharing", "fo"]);
    add(&place, days);
    place
}

fn add(place: &Place, days: &[i64]) {
    let line = |days: &i64| {
        let anr = "5f0c5d8e-6f0e-4b4e-9d0a-3c1f5a7b2e01";
        format!("{}\n", json!({"anr": anr, "type": "vulnerability", "date": days_ago(*days), "data": []}))
    };
    let path = place.path().join("stats.ndjson");
    std::fs::write(&path, days.iter().map(line).collect::<String>()).unwrap();
    place.ok(&["import", &path.display().to_string(), "--client", "fo"]);
}

/// Waits for a metric to be there; gives its value.
fn metric(service: &Service, name: &str, test: impl Fn(i64) -> bool) -> i64 {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let text = service.get("/metrics").token(ADMIN).send().expect(200).text();
        let found = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok());
        if let Some(value) = found.filter(|value| test(*value)) {
            return value;
        }
        assert!(Instant::now() < deadline, "no {name} in {text}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn success(job: &str) -> String {
    format!("monarc_job_last_success_timestamp_seconds{{job=\"{job}\"}}")
}

/// Lets a job's last end be so many seconds longer ago.
fn age(place: &Place, job: &str, seconds: i64) {
    let store = rusqlite::Connection::open(place.store()).unwrap();
    store.busy_timeout(Duration::from_secs(10)).unwrap();
    let text = "UPDATE job SET succeeded_at = succeeded_at - ?2 WHERE name = ?1";
    assert_eq!(store.execute(text, rusqlite::params![job, seconds]).unwrap(), 1);
}

#[test]
fn a_service_pushes_on_time_and_makes_up_for_what_it_missed_once() {
    let (place, remote) = (place(&[1, 2]), Remote::start());
    let push = [("PUSH_EVERY", "1h"), ("REMOTE_STATS_SERVER", remote.url.as_str()), ("REMOTE_STATS_TOKEN", TOKEN)];
    let service = place.serve_with(&push);
    let first = metric(&service, &success("push"), |_| true);
    assert_eq!(remote.uuids().len(), 2);
    service.stop();
    // Not due again: that a push more is not among them shows at the end.
    add(&place, &[3]);
    let service = place.serve_with(&[&push[..], &[("PURGE_AFTER_MONTHS", "36")]].concat());
    metric(&service, &success("purge"), |_| true);
    assert_eq!((metric(&service, &success("push"), |_| true), remote.posts().len()), (first, 1));
    // Asleep for a week: one run.
    age(&place, "push", 7 * 86_400);
    metric(&service, &success("push"), |moment| moment >= first);
    assert_eq!((remote.uuids().len(), remote.posts().len()), (3, 2));
    let log = service.stop();
    assert_eq!(log.matches("push: sent").count(), 1, "{log}");
    assert!(log.contains("push: sent 1, already there 0, refused 0"), "{log}");
}

#[test]
fn a_job_that_fails_says_so() {
    let (place, remote) = (place(&[1]), Remote::start());
    let service = place.serve_with(&[
        ("PUSH_EVERY", "1d"),
        ("REMOTE_STATS_SERVER", &remote.url),
        ("REMOTE_STATS_TOKEN", "wrong"),
        ("BACKUP_DIR", "/proc/nowhere"),
    ]);
    for job in ["push", "backup"] {
        metric(&service, &format!("monarc_job_last_failure_timestamp_seconds{{job=\"{job}\"}}"), |_| true);
    }
    let log = service.stop();
    assert!(log.contains("push failed: ") && log.contains("does not accept the token"), "{log}");
    assert!(log.contains("backup failed: BACKUP_DIR: /proc/nowhere cannot be used"), "{log}");
    assert!(!log.contains("wrong"));
}

#[test]
fn a_push_that_waits_for_its_remote_does_not_keep_the_service_from_stopping() {
    for trick in [remote::Trick::Answer(503, "Retry-After: 3600", ""), remote::Trick::StoreAndStall] {
        let (place, remote) = (place(&[1]), Remote::start());
        remote.play(&[trick]);
        let service = place.serve_with(&[
            ("PUSH_EVERY", "1d"),
            ("REMOTE_STATS_SERVER", &remote.url),
            ("REMOTE_STATS_TOKEN", TOKEN),
        ]);
        remote.until("it was asked", |state| !state.requests.is_empty());
        let start = Instant::now();
        service.stop();
        assert!(start.elapsed() < Duration::from_secs(30), "a pause is a minute, an answer may take five");
    }
}

#[test]
fn backups_are_made_and_only_the_newest_are_kept() {
    let place = place(&[1, 2]);
    let directory = place.path().join("backups");
    std::fs::create_dir(&directory).unwrap();
    let other = ["stats-20200103.db", "notes.txt", "stats-20200101T000000Z.db.old"];
    let old = ["stats-20200101T000000Z.db", "stats-20200102T000000Z.db", "stats-20200103T000000Z.db"];
    for name in other.iter().chain(&old).chain(&["stats-20200104T000000Z.db.partial"]) {
        std::fs::write(directory.join(name), "x").unwrap();
    }
    let service = place.serve_with(&[("BACKUP_DIR", directory.to_str().unwrap()), ("BACKUP_KEEP", "2")]);
    metric(&service, &success("backup"), |_| true);
    let log = service.stop();
    assert!(log.contains("holds 2 clients, 1 analysis, 2 stats; 2 older ones deleted"), "{log}");
    let mut names: Vec<String> =
        std::fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| !other.contains(&name.as_str()) && name != ".monarc-stats-store");
    names.sort();
    assert_eq!((names.len(), names[0].as_str()), (2, old[2]));
    let backup = directory.join(&names[1]).display().to_string();
    assert!(place.ok(&["database", "check", "--store", &backup]).contains("is well"));
}

#[test]
fn old_stats_are_purged() {
    let place = place(&[1, 2, 3, 4, 5, 6, 7, 8, 300, 1200]);
    let service = place.serve_with(&[("PURGE_AFTER_MONTHS", "24")]);
    metric(&service, &success("purge"), |_| true);
    assert!(service.stop().contains("purge: deleted 1 stat from before"));
    assert_eq!(place.ok(&["export"]).lines().count(), 9);
}

#[test]
fn settings_that_do_not_fit_together_stop_the_start() {
    let place = Place::new();
    let mut command = place.command(&["serve", "--port", "0"]);
    let output = command.env("PUSH_EVERY", "1d").output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8(output.stderr).unwrap().contains("PUSH_EVERY needs REMOTE_STATS_TOKEN"));
    assert!(!place.store().exists());
}

/// It is a start that would be refused if the demo took these settings for its own.
#[test]
fn a_demo_has_no_schedule() {
    let place = Place::new();
    let mut command = place.command(&["demo", "--days", "1", "--port", "0"]);
    command.env("PUSH_EVERY", "1d");
    Service::start(command).stop();
}

#[test]
fn a_directory_of_backups_is_one_stores_alone() {
    let (one, other, backups) = (place(&[1]), place(&[1, 2]), Place::new());
    let variables = [("BACKUP_DIR", backups.path().to_str().unwrap()), ("BACKUP_KEEP", "1")];
    let service = one.serve_with(&variables);
    metric(&service, &success("backup"), |_| true);
    service.stop();
    let files = || {
        let entries = std::fs::read_dir(backups.path()).unwrap().map(|entry| entry.unwrap().path());
        entries.map(|path| (path.clone(), std::fs::read(&path).unwrap())).collect::<std::collections::BTreeMap<_, _>>()
    };
    let before = files();
    assert_eq!(before.len(), 2);
    // Whether or not the first one runs, the second deletes nothing of it, and says why.
    let service = other.serve_with(&variables);
    metric(&service, "monarc_job_last_failure_timestamp_seconds{job=\"backup\"}", |_| true);
    let log = service.stop();
    let name = one.store().canonicalize().unwrap().display().to_string();
    assert!(log.contains("BACKUP_DIR") && log.contains(&name) && log.contains(".monarc-stats-store"), "{log}");
    assert!(files() == before);
    // The first goes on, and deletes its own. Two backups of one second would have the same name.
    let first = before.keys().find(|path| path.extension().is_some_and(|ending| ending == "db")).unwrap();
    std::fs::rename(first, backups.path().join("stats-20200101T000000Z.db")).unwrap();
    age(&one, "backup", 90_000);
    let service = one.serve_with(&variables);
    let then = jiff::Timestamp::now().as_second() - 60;
    metric(&service, &success("backup"), |at| at > then);
    assert!(files().len() == 2 && !files().contains_key(&backups.path().join("stats-20200101T000000Z.db")));
}

#[test]
fn a_remote_that_never_answers_holds_only_the_push() {
    let (place, remote) = (place(&[1]), Remote::start());
    remote.play(&[remote::Trick::StoreAndStall]);
    let backups = place.path().join("backups");
    let service = place.serve_with(&[
        ("PUSH_EVERY", "1d"),
        ("REMOTE_STATS_SERVER", &remote.url),
        ("REMOTE_STATS_TOKEN", TOKEN),
        ("PURGE_AFTER_MONTHS", "36"),
        ("BACKUP_DIR", backups.to_str().unwrap()),
    ]);
    remote.until("it was asked", |state| !state.requests.is_empty());
    metric(&service, &success("backup"), |_| true);
    metric(&service, &success("purge"), |_| true);
    let text = service.get("/metrics").token(ADMIN).send().expect(200).text();
    assert!(!text.contains(&success("push")), "{text}");
    assert!(text.contains("monarc_job_panics_total{job=\"backup\"} 0"), "{text}");
}

#[test]
fn a_client_that_is_silent_for_long_is_named_before_it_is_purged() {
    let place = place(&[1, 2, 3, 4, 5, 6, 7, 8]);
    place.client("silent");
    let anr = "5f0c5d8e-6f0e-4b4e-9d0a-3c1f5a7b2e02";
    let line = json!({"anr": anr, "type": "vulnerability", "date": days_ago(720), "data": []}).to_string();
    std::fs::write(place.path().join("old.ndjson"), line).unwrap();
    place.ok(&["import", &place.path().join("old.ndjson").display().to_string(), "--client", "silent"]);
    let service = place.serve_with(&[("PURGE_AFTER_MONTHS", "24")]);
    metric(&service, &success("purge"), |_| true);
    let log = service.stop();
    let line = format!("client \"silent\" has sent nothing since {}: all its stats are deleted from ", days_ago(720));
    assert!(log.contains(&line) && log.contains("deleted 0 stats") && !log.contains("client \"fo\" has"), "{log}");
    age(&place, "purge", 90_000);
    let service = place.serve_with(&[("PURGE_AFTER_MONTHS", "23")]);
    let then = jiff::Timestamp::now().as_second() - 60;
    metric(&service, &success("purge"), |at| at > then);
    assert!(service.stop().contains("purge: deleted 1 stat from before"));
}

#[test]
fn a_backup_with_a_name_of_the_future_does_not_outlive_the_one_just_made() {
    let place = place(&[1]);
    let directory = place.path().join("backups");
    std::fs::create_dir(&directory).unwrap();
    for name in ["stats-20990101T000000Z.db", "stats-20990102T000000Z.db"] {
        std::fs::write(directory.join(name), "x").unwrap();
    }
    let names = || {
        let entries = std::fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<String> = entries.map(|name| name.into_string().unwrap()).collect();
        names.retain(|name| name.ends_with(".db"));
        names.sort();
        names
    };
    let variables = [("BACKUP_DIR", directory.to_str().unwrap()), ("BACKUP_KEEP", "2")];
    let service = place.serve_with(&variables);
    metric(&service, &success("backup"), |_| true);
    service.stop();
    let first = names();
    assert!(
        first.len() == 2 && first[0].as_str() < "stats-2099" && first[1] == "stats-20990102T000000Z.db",
        "{first:?}"
    );
    // The clock was four years ahead when this one was made, by which the mark of the directory still knows its place.
    let mark = directory.join(".monarc-stats-store");
    let text = std::fs::read_to_string(&mark).unwrap().replace(&first[0], "stats-20400101T000000Z.db");
    std::fs::write(&mark, text).unwrap();
    std::fs::rename(directory.join(&first[0]), directory.join("stats-20400101T000000Z.db")).unwrap();
    age(&place, "backup", 90_000);
    let then = jiff::Timestamp::now().as_second() - 60;
    let service = place.serve_with(&variables);
    metric(&service, &success("backup"), |at| at > then);
    service.stop();
    let second = names();
    assert!(second.len() == 2 && second[1] == "stats-20400101T000000Z.db", "{second:?}");
}
