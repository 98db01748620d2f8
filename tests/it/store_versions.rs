//! Which files the program opens as stores: newer, unreleased and foreign ones are refused.

use crate::common::Place;
use rusqlite::Connection;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// A place with a store made of this text.
fn place_with(text: &str) -> Place {
    let place = Place::new();
    Connection::open(place.store()).unwrap().execute_batch(text).unwrap();
    std::fs::set_permissions(place.store(), std::fs::Permissions::from_mode(0o600)).unwrap();
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
fn a_new_store_has_the_schema_that_newcomers_read() {
    let (place, read) = (Place::new(), Place::new());
    place.ok(&["database", "migrate"]);
    Connection::open(read.store()).unwrap().execute_batch(include_str!("../../schema.sql")).unwrap();
    assert_eq!(schema(&read.store()), schema(&place.store()));
    assert_eq!(pragma(&place.store(), "user_version"), 1);
}

/// Stores of the versions before 0.2.0, whose schema was another one under the same number.
#[test]
fn an_unreleased_store_is_refused_with_the_way_out() {
    let place = place_with("CREATE TABLE client (id); PRAGMA application_id = 0x6d6e7263; PRAGMA user_version = 3");
    for error in refused(&place) {
        assert!(error.contains("before 0.2.0") && error.contains("'export'") && error.contains("'import'"), "{error}");
    }
}

#[test]
fn the_file_itself_tells_its_version() {
    // Debian's package reads it there while a service has the store open.
    let place = Place::new();
    let _service = place.serve();
    let bytes = std::fs::read(place.store()).unwrap();
    assert_eq!(u32::from_be_bytes(bytes[60..64].try_into().unwrap()), 1);
    assert_eq!(&bytes[68..72], b"mnst");
}

#[test]
fn a_newer_store_is_refused() {
    let place = Place::new();
    place.ok(&["database", "migrate"]);
    Connection::open(place.store()).unwrap().execute_batch("PRAGMA user_version = 99").unwrap();
    for error in refused(&place) {
        assert!(error.contains("version 99") && error.ends_with("use the newer monarc-stats\n"), "{error}");
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
    std::fs::set_permissions(place.store(), std::fs::Permissions::from_mode(0o600)).unwrap();
    for error in refused(&place) {
        assert!(error.contains("not a store of monarc-stats"), "{error}");
    }
}

#[test]
fn a_damaged_store_is_an_error_and_not_a_crash() {
    let place = Place::new();
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
