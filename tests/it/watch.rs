//! What an operator hears of: once when it begins, once when it ends, across a restart.

use crate::common::{ADMIN, Place, Service};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

/// A program that writes each message it is told into a file of its own.
pub fn command(place: &Place) -> (PathBuf, PathBuf) {
    let (program, told) = (place.path().join("told.sh"), place.path().join("told"));
    std::fs::create_dir(&told).unwrap();
    let text = format!(
        "#!/bin/sh\nset -e\nfile=$(mktemp {0}/partial.XXXXXX)\ncat >$file\nmv $file {0}/message.$$\n",
        told.display()
    );
    std::fs::write(&program, text).unwrap();
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
    (program, told)
}

pub fn messages(told: &std::path::Path) -> Vec<Value> {
    let files = std::fs::read_dir(told).unwrap().map(|entry| entry.unwrap().path());
    let whole = files.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("message"));
    whole.map(|path| serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()).collect()
}

pub fn wait_for(told: &std::path::Path, number: usize) -> Vec<Value> {
    crate::common::until("messages to come", || messages(told).len() >= number);
    messages(told)
}

/// What began and what ended in all messages.
pub fn states(messages: &[Value], which: &str) -> Vec<String> {
    let all = messages.iter().flat_map(|message| message[which].as_array().unwrap());
    all.map(|state| format!("{} {}", state["name"].as_str().unwrap(), state["subject"].as_str().unwrap())).collect()
}

#[test]
fn a_client_that_falls_silent_is_told_once_and_once_when_it_is_back() {
    let place = Place::new();
    let token = place.client("fo");
    let (program, told) = command(&place);
    // It sent forty hours ago, as an import says.
    let arrived = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(40);
    let line = serde_json::json!({"anr": crate::common::batch::ANR, "type": "threat",
        "date": arrived.strftime("%Y-%m-%d").to_string(), "data": [], "created_at": arrived.to_string()});
    let file = place.path().join("lines.ndjson");
    std::fs::write(&file, format!("{line}\n")).unwrap();
    place.ok(&["import", &file.display().to_string(), "--client", "fo"]);
    let serve = || place.serve_with(&[("WATCH_COMMAND", program.to_str().unwrap()), ("PATH", "/usr/bin:/bin")]);
    let metric = |service: &Service| {
        let text = service.get("/metrics").token(ADMIN).send().expect(200).text();
        text.lines().any(|line| line == "monarc_watch_state{state=\"silent\",subject=\"fo\"} 1")
    };
    let service = serve();
    let first = wait_for(&told, 1);
    assert_eq!(states(&first, "begun"), ["silent fo"]);
    assert!(first[0]["begun"][0]["message"].as_str().unwrap().contains("nothing came from client \"fo\" for 40 hours"));
    assert!(metric(&service));
    service.stop();
    // A restart tells nothing again; what it sends ends it.
    let service = serve();
    assert!(metric(&service));
    let stats =
        [crate::common::batch::item(crate::common::batch::ANR, "threat", &crate::common::today().to_string(), "[]")];
    service.post("/api/v1/stats/").token(&token).text(&format!("[{}]", stats.join(","))).send().expect(201);
    let all = wait_for(&told, 2);
    assert_eq!((states(&all, "begun"), states(&all, "ended")), (vec!["silent fo".into()], vec!["silent fo".into()]));
    assert!(!metric(&service));
    let log = service.stop();
    assert_eq!(log.matches("watch: ended: silent").count(), 1, "{log}");
    assert_eq!(messages(&told).len(), 2);
}

#[test]
fn a_program_that_fails_is_a_state_itself() {
    let place = Place::new();
    place.client("fo");
    let line = serde_json::json!({"anr": crate::common::batch::ANR, "type": "threat", "date": "2020-01-01", "data": [],
        "created_at": "2020-01-01T00:00:00Z"});
    let file = place.path().join("lines.ndjson");
    std::fs::write(&file, format!("{line}\n")).unwrap();
    place.ok(&["import", &file.display().to_string(), "--client", "fo"]);
    let service = place.serve_with(&[("WATCH_COMMAND", "/bin/false")]);
    crate::common::until("the failure to be a state", || {
        service.get("/metrics").token(ADMIN).send().expect(200).text().contains("state=\"command_failed\"")
    });
    let log = service.stop();
    assert!(log.contains("WATCH_COMMAND: /bin/false failed"), "{log}");
}

#[test]
fn the_log_says_once_what_of_a_client_was_refused_and_three_such_batches_are_a_state() {
    let place = Place::new();
    let token = place.client("fo");
    let service = place.serve();
    let odd = r#"[{"anr": "x", "type": "threat", "date": "2026-11-01", "data": []}]"#;
    for _ in 0..3 {
        service.post("/api/v1/stats/").token(&token).text(odd).send().expect(400);
    }
    crate::common::until("the refusals to be a state", || {
        service.get("/metrics").token(ADMIN).send().expect(200).text().contains("state=\"refused\",subject=\"fo\"")
    });
    let log = service.stop();
    assert_eq!(log.matches("client \"fo\" sent what was refused: item 0: anr: ").count(), 1, "{log}");
}

#[test]
fn a_release_that_fails_is_told_once_and_once_when_the_next_start_builds_it() {
    let place = Place::new();
    let (program, told) = command(&place);
    for client in ["a", "b", "c"] {
        place.client(client);
        place.ok(&["client", "enable-sharing", client]);
        let lines = [9, 30].map(|days| {
            serde_json::json!({"anr": uuid::Uuid::new_v4().to_string(), "type": "threat",
                "date": crate::common::days_ago(days), "data": []})
        });
        let file = place.path().join("lines.ndjson");
        std::fs::write(&file, lines.map(|line| format!("{line}\n")).concat()).unwrap();
        place.ok(&["import", &file.display().to_string(), "--client", client]);
    }
    let sql = |text: &str| rusqlite::Connection::open(place.store()).unwrap().execute_batch(text).unwrap();
    sql("CREATE TRIGGER no BEFORE INSERT ON release BEGIN SELECT RAISE(ABORT, 'no paper'); END");
    let path = program.to_str().unwrap();
    let variables =
        [("WATCH_COMMAND", path), ("PATH", "/usr/bin:/bin"), ("PUBLIC_MIN_CLIENTS", "3"), ("WATCH_SILENT", "0")];
    let service = place.serve_with(&variables);
    let first = wait_for(&told, 1);
    assert_eq!(states(&first, "begun"), ["job_failed release"]);
    assert!(first[0]["begun"][0]["message"].as_str().unwrap().contains("no paper"), "{first:?}");
    service.stop();
    sql("DROP TRIGGER no");
    let service = place.serve_with(&variables);
    let all = wait_for(&told, 2);
    assert_eq!(states(&all, "ended"), ["job_failed release"]);
    service.stop();
    assert_eq!(messages(&told).len(), 2);
    assert!(place.ok(&["release", "list"]).contains("20"));
}
