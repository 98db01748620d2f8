//! Stores of released versions: each is opened by this program, loses nothing, and ends with the schema of a new one.
//!
//! Whoever changes `schema.sql` without a step in `src/store/migrations.rs` finds out here. A release that changes the schema
//! leaves its own store beside the others in `tests/fixtures`, as `make-store` there makes it.

use crate::common::Place;
use rusqlite::Connection;
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// A released version, its store as SQL, and what its `export` said.
const RELEASED: [(&str, &str, &str); 1] =
    [("0.2.0", include_str!("../fixtures/store-0.2.0.sql"), include_str!("../fixtures/store-0.2.0.ndjson"))];

/// A place with the store of a released version.
fn place_of(text: &str) -> Place {
    let place = Place::new();
    Connection::open(place.store()).unwrap().execute_batch(text).unwrap();
    std::fs::set_permissions(place.store(), std::fs::Permissions::from_mode(0o600)).unwrap();
    place
}

/// Everything a schema says, in order of name, without the comments and spaces of whoever wrote it.
fn schema(path: &Path) -> Vec<(String, String, String)> {
    let connection = Connection::open(path).unwrap();
    let mut statement = connection
        .prepare("SELECT type, name, coalesce(sql, '') FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY type, name")
        .unwrap();
    let words = |sql: String| sql.split_whitespace().collect::<Vec<_>>().join(" ");
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, words(row.get(2)?))));
    rows.unwrap().map(Result::unwrap).collect()
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What was exported is exported still; later versions may add members.
fn assert_exported(place: &Place, golden: &str) {
    let (now, golden) = (lines(&place.ok(&["export"])), lines(golden));
    assert_eq!(now.len(), golden.len());
    for (now, golden) in now.iter().zip(&golden) {
        golden
            .as_object()
            .unwrap()
            .iter()
            .for_each(|(name, value)| assert_eq!(&now[name], value, "{name} of {golden}"));
    }
}

#[test]
fn a_store_of_every_released_version_is_brought_up_to_date_whole() {
    for (version, text, golden) in RELEASED {
        let (place, new) = (place_of(text), Place::new());
        place.ok(&["database", "migrate"]);
        new.ok(&["database", "migrate"]);
        assert_eq!(schema(&place.store()), schema(&new.store()), "{version}: schema.sql has changed without a step");
        assert!(place.ok(&["database", "check"]).contains("is well"), "{version}");
        assert_exported(&place, golden);
        let clients: Value = serde_json::from_str(&place.ok(&["client", "list", "--json"])).unwrap();
        let named =
            |name: &str| clients.as_array().unwrap().iter().find(|client| client["name"] == name).unwrap().clone();
        assert_eq!((&named("Gamma")["group"], &named("Alpha")["latitude"]), (&"Ministry".into(), &49.61.into()));
    }
}

#[test]
fn a_service_goes_on_where_the_released_one_stopped() {
    for (version, text, golden) in RELEASED {
        let place = place_of(text);
        let service = place.serve_with(&[("PUBLIC_MIN_CLIENTS", "3")]);
        let me = service.get("/api/v1/client/me").token("alpha-token-of-0.2.0").send().expect(200).json();
        assert_eq!(me["name"], "Alpha", "{version}");
        service.get("/healthz").token("admin-token-of-0.2.0").send().expect(200);
        // What was published stays.
        let published = service.get("/stats/threats.json?days=36500").send().expect(200).json();
        let dates = published[0]["values"].as_array().unwrap().iter().map(|value| value["date"].as_str().unwrap());
        assert_eq!(dates.collect::<Vec<_>>(), ["2026-11-01", "2026-11-08"], "{version}: {published}");
        service.stop();
        assert_exported(&place, golden);
    }
}
