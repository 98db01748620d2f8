//! What is forgotten, and what is not, whatever happens while it is looked for.

use super::*;
use crate::store::parts::ROWS;

fn vulnerability(client: usize, anr: u8, content: usize) -> Action {
    Action::Add(client, vec![Item { uuid: None, anr, kind: StatType::Vulnerability, day: 1, content }])
}

/// Bug: objects that nobody names any more were looked for in all payloads at one look, during which whatever others
/// wrote stayed in the log.
#[test]
fn what_is_unused_is_looked_for_piece_by_piece() {
    let mut house = House::new();
    house.store.add_stats(&house.clients[0], &distinct(3 * ROWS)).unwrap();
    house.act(&vulnerability(1, 0, 1));
    house.act(&vulnerability(1, 1, 2));
    house.act(&Action::DeleteAnalysis(1, 0));
    house.act(&Action::DeleteAnalysis(1, 1));
    while house.store.refresh_labels().unwrap() {}
    let (mut pieces, before) = (0, vulnerabilities(&house));
    while house.store.forget_some().unwrap() {
        pieces += 1;
        if pieces == 3 {
            // One that was unused when the look began has come back behind it.
            house.act(&vulnerability(2, 0, 1));
        }
    }
    assert!(pieces > 3, "{pieces} pieces for three pages of payloads");
    assert_eq!((before, vulnerabilities(&house)), (2, 1));
    let findings = house.store.check(&mut |_, _| {}).unwrap();
    assert_eq!(findings, Vec::<String>::new());
}

fn vulnerabilities(house: &House) -> i64 {
    let text = "SELECT count(*) FROM object WHERE type = 3 AND key <> ''";
    house.store.read(|tx| Ok(tx.query_row(text, [], |row| row.get(0))?)).unwrap()
}

#[test]
fn what_comes_back_at_the_last_moment_stays() {
    let mut house = House::new();
    house.act(&vulnerability(0, 0, 1));
    let entries =
        |tx: &rusqlite::Transaction<'_>| Ok(tx.query_row("SELECT entries FROM payload", [], |row| row.get(0))?);
    let entries: Vec<u8> = house.store.read(entries).unwrap();
    house.act(&Action::Purge(28));
    let again = "INSERT INTO payload (type, hash, length, is_deflated, labels, entries, content)
                 VALUES (3, randomblob(32), 0, 0, 0, ?1, x'')";
    let store = &house.store;
    std::thread::scope(|scope| {
        let post = store.write(|tx| {
            scope.spawn(|| while store.forget_some().unwrap() {});
            // It has looked at all there was, and waits for the writer.
            while !store.turns.is_taken() {
                std::thread::yield_now();
            }
            Ok(tx.execute(again, [&entries])?)
        });
        assert_eq!(post.unwrap(), 1);
    });
    assert_eq!(vulnerabilities(&house), 1);
}

/// What a look has found is worth nothing in another store.
#[test]
fn a_backup_that_takes_the_store_s_place_during_a_look_keeps_its_objects() {
    let mut house = House::new();
    house.act(&vulnerability(0, 0, 2));
    let backup = house.store.path().with_extension("backup");
    house.store.backup(&backup, &mut |_, _| {}).unwrap();
    house.act(&Action::Purge(28));
    house.store.add_stats(&house.clients[0], &distinct(2 * ROWS + 1)).unwrap();
    for _ in 0..3 {
        assert!(house.store.forget_some().unwrap());
    }
    let backup = crate::store::maintenance::BackupFile::open(&backup).unwrap();
    house.store.restore(&backup, &mut |_, _| {}).unwrap();
    while house.store.forget_some().unwrap() {}
    assert_eq!(house.store.check(&mut |_, _| {}).unwrap(), Vec::<String>::new());
}

#[test]
fn a_repair_during_a_look_keeps_the_objects_that_it_gives_back() {
    let mut house = House::new();
    house.act(&vulnerability(0, 0, 1));
    house.act(&vulnerability(1, 0, 0));
    let damage = "UPDATE payload SET entries = (SELECT entries FROM payload AS other WHERE id = 2) WHERE id = 1";
    house.store.write(|tx| Ok(tx.execute(damage, [])?)).unwrap();
    house.store.add_stats(&house.clients[0], &distinct(2 * ROWS + 1)).unwrap();
    for _ in 0..3 {
        assert!(house.store.forget_some().unwrap());
    }
    house.store.repair(&mut |_, _| {}).unwrap();
    while house.store.forget_some().unwrap() {}
    assert_eq!(vulnerabilities(&house), 1);
    assert_eq!(house.store.check(&mut |_, _| {}).unwrap(), Vec::<String>::new());
}
