//! Which files the program opens as stores: older ones keep their data, newer and foreign ones are refused.

use crate::common::batch::{ANR, FRONT_OFFICE, TYPES, data_texts};
use crate::common::{Place, Service};
use rusqlite::Connection;
use serde_json::json;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

const VERSION_1: &str = include_str!("../stores/version_1.sql");
const VERSION_2: &str = include_str!("../stores/version_2.sql");

/// A place with a store made of this text.
fn place_with(text: &str) -> Place {
    let place = Place::new();
    Connection::open(place.store()).unwrap().execute_batch(text).unwrap();
    place
}

/// Everything a schema says, in order of name.
fn schema(path: &Path) -> Vec<(String, String, Option<String>)> {
    let connection = Connection::open(path).unwrap();
    let mut statement = connection
        .prepare("SELECT type, name, sql FROM sqlite_schema WHERE name <> 'sqlite_sequence' ORDER BY type, name")
        .unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

/// The version that new stores have.
fn newest() -> i64 {
    let place = Place::new();
    place.ok(&["database", "migrate"]);
    pragma(&place.store(), "user_version")
}

/// A store made of this text, as bytes.
fn whole(text: &str) -> Vec<u8> {
    std::fs::read(place_with(text).store()).unwrap()
}

fn pragma(path: &Path, name: &str) -> i64 {
    Connection::open(path).unwrap().pragma_query_value(None, name, |row| row.get(0)).unwrap()
}

/// Asserts that neither the service nor any command opens the store; gives what they say.
fn refused(place: &Place) -> Vec<String> {
    let before = std::fs::read(place.store()).unwrap();
    let mut said = Vec::new();
    for words in [
        vec!["serve", "--port", "0"],
        vec!["database", "migrate"],
        vec!["database", "check"],
        vec!["client", "list"],
        vec!["client", "create", "--name", "x"],
        vec!["stats", "purge", "--yes"],
    ] {
        let error = place.fails(&words, 1);
        assert_eq!(error.lines().count(), 1, "{error}");
        assert!(error.starts_with("monarc-stats: ") && error.contains("stats.db"), "{error}");
        said.push(error);
    }
    // Bug: somebody else's database was switched to a write-ahead log before it was refused.
    assert!(std::fs::read(place.store()).unwrap() == before, "a file that was refused is left alone");
    said
}

#[test]
fn a_store_of_version_1_keeps_its_data() {
    let place = place_with(VERSION_1);
    assert!(place.ok(&["database", "migrate"]).contains("up to date, 2 clients, 1 analyses, 5 stats"));
    assert!(place.ok(&["database", "check"]).contains("is well"));
    let service: Service = place.serve_with(&[("MAP", "on")]);
    let me = service.get("/api/v1/client/me").token("fo-token").send().expect(200).json();
    assert_eq!(me, json!({"name": "Front office", "token": "fo-token", "role": "1", "is_sharing_enabled": true}));
    assert_eq!(service.get("/api/v1/client/me").token("operator-token").send().expect(200).json()["role"], "2");
    for kind in TYPES {
        let read = service.list("fo-token", &json!({"type": kind, "date_from": "2026-11-01"})).expect(200);
        let data = data_texts(&read);
        assert_eq!(data.len(), 1);
        assert!(FRONT_OFFICE.contains(&format!("\"type\":\"{kind}\",\"date\":\"2026-11-01\",\"data\":{}}}", data[0])));
    }
    assert_eq!(service.get("/map/clients.json").send().expect(200).json()[0]["latitude"], 49.61);
    let averages = json!({"type": "risk", "processor": "risk_averages", "anrs": [ANR]});
    let found = service.processed("fo-token", &averages).expect(200).json();
    assert_eq!(found["data"]["current"]["informational"]["Low risks"].as_f64(), Some(6.0));
}

#[test]
fn a_store_of_version_2_keeps_its_days_and_what_was_pushed() {
    let place = place_with(VERSION_2);
    assert!(place.ok(&["database", "migrate"]).contains("up to date, 1 clients, 1 analyses, 15 stats"));
    assert!(place.ok(&["database", "check"]).contains("is well"));
    let service = place.serve();
    let list = json!({"type": "risk", "date_from": "1900-01-01", "get_last": false});
    let read = service.list("fo-token", &list).expect(200).json();
    let dates: Vec<&str> = read["data"].as_array().unwrap().iter().map(|stat| stat["date"].as_str().unwrap()).collect();
    assert_eq!(dates, ["1969-12-31", "2026-10-31", "2026-11-01"]);
    let batch = FRONT_OFFICE.replace("2026-11-01", "2026-11-03");
    service.post("/api/v1/stats/").token("fo-token").text(&batch).send().expect(201);
    service.stop();
    let connection = Connection::open(place.store()).unwrap();
    let number = |text: &str| connection.query_row(text, [], |row| row.get::<_, i64>(0)).unwrap();
    let pushed = "SELECT count(*) FROM pushed JOIN stat USING (uuid, type, date) WHERE date IN (-1, 20757, 20758)";
    assert_eq!(number(pushed), 3);
    // The five stats that were deleted before the migration were the newest: their numbers are not given again.
    assert_eq!(number("SELECT min(seq) FROM (SELECT seq FROM stat ORDER BY seq DESC LIMIT 5)"), 21);
}

#[test]
fn old_and_new_stores_have_the_same_schema() {
    let (oldest, old, new) = (place_with(VERSION_1), place_with(VERSION_2), Place::new());
    for place in [&oldest, &old, &new] {
        place.ok(&["database", "migrate"]);
    }
    for old in [&oldest, &old] {
        assert_eq!(schema(&old.store()), schema(&new.store()));
        for name in ["application_id", "user_version"] {
            assert_eq!(pragma(&old.store(), name), pragma(&new.store(), name), "{name}");
        }
    }
    // And the file that newcomers read is what new stores are made of.
    let read = Place::new();
    Connection::open(read.store()).unwrap().execute_batch(include_str!("../../schema.sql")).unwrap();
    assert_eq!(schema(&read.store()), schema(&new.store()));
}

#[test]
fn an_upgrade_keeps_the_store_as_it_was() {
    let place = place_with(VERSION_1);
    let kept = place.path().join("stats.db.version-1");
    // What lies there is of an earlier upgrade that was taken back.
    std::fs::write(&kept, "old").unwrap();
    place.ok(&["database", "migrate"]);
    assert_eq!(pragma(&kept, "user_version"), 1);
    let stats: i64 = Connection::open(&kept).unwrap().query_row("SELECT count(*) FROM stat", [], |r| r.get(0)).unwrap();
    assert_eq!(stats, 5);
    assert_eq!(std::fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o600);
    // It is the way back: an older program finds its own version there, and so does this one.
    std::fs::rename(&kept, place.store()).unwrap();
    assert!(place.ok(&["client", "list"]).contains("Front office"));
    assert!(kept.exists());
    // What is restored lies in a file already, and a new store has nothing to keep.
    std::fs::remove_file(&kept).unwrap();
    std::fs::write(place.path().join("backup.db"), whole(VERSION_1)).unwrap();
    place.ok(&["database", "restore", place.path().join("backup.db").to_str().unwrap(), "--yes"]);
    assert_eq!((pragma(&place.store(), "user_version"), kept.exists()), (newest(), false));
}

#[test]
fn the_file_itself_tells_its_version() {
    // Debian's package reads it there while a service has the store open.
    let place = place_with(VERSION_1);
    let _service = place.serve();
    let bytes = std::fs::read(place.store()).unwrap();
    assert_eq!(i64::from(u32::from_be_bytes(bytes[60..64].try_into().unwrap())), newest());
}

#[test]
fn an_upgrade_that_can_keep_no_copy_changes_nothing() {
    let place = place_with(VERSION_1);
    std::fs::create_dir(place.path().join("stats.db.version-1")).unwrap();
    assert!(place.fails(&["database", "migrate"], 1).contains("stats.db.version-1"));
    assert_eq!(pragma(&place.store(), "user_version"), 1);
}

/// Bug: an older service went on with the new schema, whose days are other numbers; its purge would have deleted all.
#[test]
fn no_store_is_brought_up_to_date_while_an_older_program_serves_it() {
    let place = place_with(VERSION_2);
    let lock = std::fs::File::open(place.store()).unwrap();
    lock.try_lock().unwrap();
    for words in [&["database", "migrate"][..], &["client", "list"], &["serve", "--port", "0"]] {
        assert!(place.fails(words, 1).contains("stop it first"), "{words:?}");
    }
    assert_eq!(pragma(&place.store(), "user_version"), 2);
    drop(lock);
    place.ok(&["database", "migrate"]);
}

/// Bug: while an older backup was restored, a running service met the old schema.
#[test]
fn an_older_backup_is_restored_beside_a_service_in_its_new_form() {
    let place = Place::new();
    let backup = place.path().join("backup.db");
    std::fs::write(&backup, whole(VERSION_1)).unwrap();
    let service = place.serve();
    place.ok(&["database", "restore", backup.to_str().unwrap(), "--yes"]);
    service.get("/api/v1/client/me").token("fo-token").send().expect(200);
    assert_eq!(std::fs::read(&backup).unwrap(), whole(VERSION_1), "a backup is only read");
    let left = std::fs::read_dir(place.path()).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(!left.into_iter().any(|name| name.to_string_lossy().contains("restoring")));
}

#[test]
fn a_newer_store_is_refused_with_a_way_out() {
    let place = place_with(VERSION_1);
    place.ok(&["database", "migrate"]);
    Connection::open(place.store()).unwrap().execute_batch("PRAGMA user_version = 99").unwrap();
    for error in refused(&place) {
        // The copy that is there, whichever version it is of.
        assert!(error.contains("version 99") && error.contains("stats.db.version-1, in its place"), "{error}");
    }
    std::fs::remove_file(place.path().join("stats.db.version-1")).unwrap();
    for error in refused(&place) {
        assert!(error.ends_with("use the newer monarc-stats\n"), "{error}");
    }
}

#[test]
fn another_database_is_refused() {
    let place = place_with("CREATE TABLE photo (name TEXT); INSERT INTO photo VALUES ('x')");
    for error in refused(&place) {
        assert!(error.contains("not a store of monarc-stats"), "{error}");
    }
}

#[test]
fn what_is_no_database_is_refused() {
    let place = Place::new();
    std::fs::write(place.store(), "# Not a database\n".repeat(1000)).unwrap();
    for error in refused(&place) {
        assert!(error.contains("not a store of monarc-stats"), "{error}");
    }
}

#[test]
fn a_damaged_store_is_an_error_and_not_a_crash() {
    let place = place_with(VERSION_1);
    place.ok(&["database", "migrate"]);
    let mut bytes = std::fs::read(place.store()).unwrap();
    bytes[2048..].fill(0x5a);
    std::fs::write(place.store(), bytes).unwrap();
    let output = place.run(&["database", "check"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(!output.stderr.is_empty());
}

#[test]
fn one_service_has_a_store() {
    let place = Place::new();
    let service = place.serve();
    let error = place.fails(&["serve", "--port", "0"], 1);
    assert!(error.contains("another monarc-stats serves the store"), "{error}");
    service.stop();
    place.serve();
}

#[test]
fn a_new_store_is_announced_and_may_be_forbidden() {
    let place = Place::new();
    let error = place.fails(&["serve", "--port", "0", "--store-must-exist"], 1);
    assert!(error.contains("STORE_MUST_EXIST") && error.contains("stats.db"), "{error}");
    assert!(!place.store().exists());
    let log = place.serve().stop();
    assert!(log.contains("created a new, empty store at"), "{log}");
    let log = place.serve_with(&[("STORE_MUST_EXIST", "1")]).stop();
    assert!(!log.contains("created"), "{log}");
}
