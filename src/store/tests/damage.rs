//! What a check finds, and how long it keeps a state of the store.

use super::*;
use crate::store::parts::ROWS;
use rusqlite::Connection;

impl Store {
    /// For whoever wants to see what comes of it.
    pub(crate) fn damage(&self) {
        let text = "PRAGMA foreign_keys = OFF; INSERT INTO analysis (client, uuid) VALUES (9, randomblob(16))";
        Connection::open(self.path()).unwrap().execute_batch(text).unwrap();
    }
}

/// Does to a store what SQLite would do if it did not know one of its indexes.
fn behind(house: &House, index: &str, damage: &str) {
    // Whoever is connected reads the schema again after each step.
    let step = |text: &str| {
        let connection = Connection::open(house.store.path()).unwrap();
        let version: i64 = connection.pragma_query_value(None, "schema_version", |row| row.get(0)).unwrap();
        connection.execute_batch("PRAGMA foreign_keys = OFF; PRAGMA writable_schema = ON").unwrap();
        connection.execute_batch(text).unwrap();
        connection.pragma_update(None, "schema_version", version + 1).unwrap();
    };
    step(&format!("CREATE TABLE hidden AS SELECT * FROM sqlite_schema WHERE name = '{index}'"));
    step(&format!("DELETE FROM sqlite_schema WHERE name = '{index}'"));
    step(damage);
    step("INSERT INTO sqlite_schema SELECT * FROM hidden");
    step("DROP TABLE hidden");
}

fn findings(house: &House) -> Vec<String> {
    house.store.check(&mut |_, _| {}).unwrap()
}

#[test]
fn a_row_that_an_index_does_not_have_is_found() {
    for (index, damage) in [
        ("stat#date", "UPDATE stat SET date = date + 1000 WHERE seq = 700"),
        ("stat#date", "DELETE FROM stat WHERE seq = 700"),
        ("label#object", "UPDATE label SET object = object - 1"),
        ("payload#base", "UPDATE payload SET base = 1, is_deflated = 1 WHERE id = 700"),
    ] {
        let mut house = House::new();
        house
            .act(&Action::Add(1, vec![Item { uuid: None, anr: 0, kind: StatType::Vulnerability, day: 1, content: 1 }]));
        house.store.add_stats(&house.clients[0], &distinct(ROWS + 300)).unwrap();
        assert_eq!(findings(&house), Vec::<String>::new());
        behind(&house, index, damage);
        let findings = findings(&house);
        assert!(findings.iter().any(|finding| finding.contains(index)), "{damage}: {findings:?}");
    }
}

#[test]
fn a_row_that_refers_to_nothing_is_found() {
    for (table, damage) in [
        ("analysis", "DELETE FROM analysis WHERE id = 2"),
        ("object", "DELETE FROM object WHERE key <> ''"),
        ("payload", "DELETE FROM payload WHERE id = 700"),
    ] {
        let mut house = House::new();
        house.store.add_stats(&house.clients[0], &distinct(ROWS + 300)).unwrap();
        house.act(&Action::Add(1, vec![Item { uuid: None, anr: 1, kind: StatType::Threat, day: 1, content: 1 }]));
        let connection = Connection::open(house.store.path()).unwrap();
        connection.execute_batch(&format!("PRAGMA foreign_keys = OFF; {damage}")).unwrap();
        let findings = findings(&house);
        let text = format!(" refers to one of {table} that is not there");
        assert!(findings.iter().any(|finding| finding.ends_with(&text)), "{damage}: {findings:?}");
    }
}

fn rows_of_tables(house: &House) -> Vec<usize> {
    let rows = |tx: &rusqlite::Transaction<'_>| {
        let mut statement = tx.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")?;
        let names: Vec<String> = statement.query_map([], |row| row.get(0)).and_then(Iterator::collect)?;
        let count = |name: &String| tx.query_row(&format!("SELECT count(*) FROM {name}"), [], |row| row.get(0));
        Ok(names.iter().map(count).collect::<rusqlite::Result<Vec<u32>>>()?)
    };
    house.store.read(rows).unwrap().into_iter().map(|rows| usize::try_from(rows).unwrap()).collect()
}

/// Bug: a check was one long look, during which whatever others wrote stayed in the log.
#[test]
fn a_check_keeps_no_state_of_the_store_from_going() {
    let house = House::new();
    house.store.add_stats(&house.clients[0], &distinct(3 * ROWS)).unwrap();
    // One look at least at each table, and the payloads' texts.
    let expected = rows_of_tables(&house).into_iter().map(|rows| rows / ROWS + 1).sum::<usize>() + 3;
    let mut pages = 0;
    let findings = house.store.check(&mut |_, _| {
        pages += 1;
        house.store.write(crate::store::touch).unwrap();
        house.store.checkpoint().unwrap();
        assert_eq!(house.store.sizes().1, 0, "somebody is still reading");
    });
    assert_eq!(findings.unwrap(), Vec::<String>::new());
    assert_eq!(pages, expected, "500 rows a page");
    let before = house.store.writes();
    house.store.repair(&mut |_, _| {}).unwrap();
    assert!(house.store.writes() - before > 3, "a repair holds the writer for a part at a time");
    assert_eq!(house.store.check(&mut |_, _| {}).unwrap(), Vec::<String>::new());
}
