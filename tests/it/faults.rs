//! Stores that are locked, replaced, deleted or damaged, and a service that is stopped: nothing that was not stored is
//! acknowledged, nothing acknowledged is lost, and the service goes on by itself when the fault ends.

use crate::common::{Place, Service};
use crate::raw;
use crate::writer::{Writer, assert_sentence};
use std::fs::{self, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// A place whose service has acknowledged so many batches.
fn scene(batches: usize) -> (Place, Writer, Service) {
    let place = Place::new();
    let mut writer = Writer::new(&place);
    let service = place.serve();
    (0..batches).for_each(|_| writer.recovers(&service));
    (place, writer, service)
}

/// A copy of the store beside it.
fn backup(place: &Place) -> PathBuf {
    let copy = place.path().join("copy.db");
    place.ok(&["database", "backup", copy.to_str().unwrap()]);
    copy
}

/// What was acknowledged is there, more can be stored, and the store is well.
fn goes_on(place: &Place, writer: &mut Writer, service: Service) {
    writer.holds(&service);
    writer.recovers(&service);
    writer.holds(&service);
    service.stop();
    place.ok(&["database", "check"]);
}

/// Moves everything from the write-ahead log into the store's file itself.
fn settle(place: &Place) {
    let store = rusqlite::Connection::open(place.store()).unwrap();
    store.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
}

#[test]
fn a_store_locked_by_another_process_is_read_and_then_written() {
    let (place, mut writer, service) = scene(1);
    let other = rusqlite::Connection::open(place.store()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let began = Instant::now();
    let (status, body) = thread::scope(|scope| {
        let post = scope.spawn(|| writer.post(&service));
        // Meanwhile everybody reads.
        while !post.is_finished() {
            let began = Instant::now();
            service.get("/stats/threats.json").send().expect(200);
            assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
            thread::sleep(Duration::from_millis(100));
        }
        post.join().unwrap()
    });
    assert_eq!(status, 503, "{body}");
    assert_sentence(&body, "locked by another process");
    println!("FAULT lock: refused after {:?}", began.elapsed());
    // Who waits when the lock ends is served.
    thread::scope(|scope| {
        let post = scope.spawn(|| writer.post(&service).0);
        thread::sleep(Duration::from_millis(300));
        other.execute_batch("COMMIT").unwrap();
        assert_eq!(post.join().unwrap(), 201);
    });
    writer.holds(&service);
}

/// Bug: opening a reader set what belongs to the file, which needs the writer's lock: beside any long write the first
/// readers, and so `/healthz`, waited ten seconds for it and failed.
#[test]
fn the_first_readers_wait_for_no_writer() {
    let place = Place::new();
    let token = place.client("fo");
    let service = place.serve();
    let other = rusqlite::Connection::open(place.store()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    for path in ["/healthz", "/stats/threats.json", "/api/v1/client/me"] {
        service.get(path).token(&token).send().expect(200);
    }
    for words in [vec!["client", "list"], vec!["stats", "latest"], vec!["database", "check"], vec!["export"]] {
        place.ok(&words);
    }
    other.execute_batch("COMMIT").unwrap();
}

/// The service refuses one more batch with these words and ends, so that whatever watches it starts it anew.
#[track_caller]
fn ends(mut writer: Writer, service: Service, words: &str) -> Writer {
    let (status, body) = writer.post(&service);
    assert_eq!(status, 503, "acknowledged what nobody will find again");
    assert_sentence(&body, words);
    let (code, log) = service.end();
    assert!(code == Some(1) && log.contains(words), "{code:?}: {log}");
    writer
}

#[test]
fn a_service_whose_store_is_replaced_ends_and_leaves_the_new_file_whole() {
    let (place, mut writer, service) = scene(5);
    let copy = backup(&place);
    let kept = writer.acknowledged.clone();
    // These are in the log of the file that goes.
    (0..5).for_each(|_| writer.recovers(&service));
    fs::rename(&copy, place.store()).unwrap();
    let mut writer = ends(writer, service, "was replaced by another file");
    // What the file that went had is lost with it, by whoever moved it; its log does no harm to the new one.
    writer.acknowledged = kept;
    let service = place.serve();
    writer.holds(&service);
    (0..5).for_each(|_| writer.recovers(&service));
    writer.holds(&service);
    assert_eq!(raw::stored(&service.address, &writer.token, 7).len(), writer.acknowledged.len() * 5);
    service.stop();
    place.ok(&["database", "check"]);
}

#[test]
fn a_service_whose_store_is_gone_ends_and_finds_everything_when_it_is_back() {
    let (place, mut writer, service) = scene(5);
    let away = place.path().join("away.db");
    fs::rename(place.store(), &away).unwrap();
    assert_eq!(writer.get(&service).0, 503);
    let (code, log) = service.end();
    assert!(code == Some(1) && log.contains("stats.db is gone"), "{code:?}: {log}");
    assert!(!place.store().exists(), "an empty store would look as if everything were lost");
    fs::rename(&away, place.store()).unwrap();
    goes_on(&place, &mut writer, place.serve());
}

/// Bug: the service went on writing into a log without a name, and all that it acknowledged was gone with its end.
#[test]
fn a_service_whose_log_is_deleted_ends_and_nothing_acknowledged_is_lost() {
    let (place, writer, service) = scene(5);
    fs::remove_file(place.path().join("stats.db-wal")).unwrap();
    let writer = ends(writer, service, "stats.db-wal is gone");
    writer.holds(&place.serve());
    place.ok(&["database", "check"]);
}

#[test]
fn a_store_has_one_service_whatever_its_name() {
    let (place, mut writer, service) = scene(1);
    let (soft, hard) = (place.path().join("soft.db"), place.path().join("hard.db"));
    std::os::unix::fs::symlink(place.store(), &soft).unwrap();
    let by = |path: &std::path::Path, words: &[&str]| {
        [words, &["--store", path.to_str().unwrap()]].concat().iter().map(|word| word.to_string()).collect::<Vec<_>>()
    };
    let fails = |path: &std::path::Path, words: &[&str]| {
        let words = by(path, words);
        place.fails(&words.iter().map(String::as_str).collect::<Vec<_>>(), 1)
    };
    assert!(fails(&soft, &["serve", "--port", "0"]).contains("another monarc-stats serves"));
    // Commands find the log that belongs to it.
    let words = by(&soft, &["client", "list"]);
    assert!(place.ok(&words.iter().map(String::as_str).collect::<Vec<_>>()).contains("fo"));
    fs::hard_link(place.store(), &hard).unwrap();
    for words in [&["serve", "--port", "0"][..], &["stats", "purge", "--yes"]] {
        assert!(fails(&hard, words).contains("stop it first"));
    }
    assert!(!place.path().join("hard.db-wal").exists());
    writer.recovers(&service);
    writer.holds(&service);
}

#[test]
fn a_truncated_store_is_503_and_a_copy_put_in_its_place_mends_it() {
    let (place, mut writer, service) = scene(40);
    let copy = backup(&place);
    let acknowledged = writer.acknowledged.clone();
    settle(&place);
    OpenOptions::new().write(true).open(place.store()).unwrap().set_len(16 * 1024).unwrap();
    for _ in 0..3 {
        let (status, body) = writer.get(&service);
        assert!(status == 200 || status == 503, "{status}: {body}");
        let (status, body) = writer.post(&service);
        assert_eq!(status, 503, "{body}");
        assert_sentence(&body, "damaged");
        assert_sentence(&body, "put the newest backup in its place");
    }
    fs::rename(&copy, place.store()).unwrap();
    let mut writer = ends(writer, service, "was replaced by another file");
    writer.acknowledged = acknowledged;
    goes_on(&place, &mut writer, place.serve());
}

#[test]
fn a_corrupt_page_is_found_told_and_mended_by_a_restore() {
    let (place, mut writer, service) = scene(40);
    let copy = backup(&place);
    drop(service);
    settle(&place);
    let store = rusqlite::Connection::open(place.store()).unwrap();
    let root = "SELECT rootpage FROM sqlite_schema WHERE name = 'stat'";
    let page: u32 = store.query_row(root, [], |row| row.get(0)).unwrap();
    drop(store);
    let mut file = OpenOptions::new().write(true).open(place.store()).unwrap();
    file.seek(SeekFrom::Start(u64::from(page - 1) * 4096)).unwrap();
    file.write_all(&[0xa5; 4096]).unwrap();
    drop(file);
    let mut command = place.command(&["serve", "--port", "0"]);
    let log = place.path().join("log");
    let service = Service::start({
        command.env("LOG_PATH", &log);
        command
    });
    // Before anybody asks for anything.
    crate::common::until("the damage to be told", || {
        fs::read_to_string(&log).is_ok_and(|text| text.contains("the store is damaged: stop the service"))
    });
    let (status, body) = writer.get(&service);
    assert_eq!(status, 503, "{body}");
    assert_sentence(&body, "damaged");
    assert!(!place.run(&["database", "check"]).status.success());
    place.ok(&["database", "restore", copy.to_str().unwrap(), "--yes"]);
    writer.recovers(&service);
    writer.holds(&service);
    place.ok(&["database", "check"]);
}

#[test]
fn a_backup_under_load_is_a_whole_store_and_a_bad_file_never_replaces_one() {
    let (place, mut writer, service) = scene(1);
    let copies: Vec<_> = (0..5).map(|n| place.path().join(format!("copy-{n}.db"))).collect();
    thread::scope(|scope| {
        let backups = scope
            .spawn(|| copies.iter().for_each(|copy| drop(place.ok(&["database", "backup", copy.to_str().unwrap()]))));
        while !backups.is_finished() {
            assert_eq!(writer.post(&service).0, 201);
        }
        backups.join().unwrap();
    });
    for copy in &copies {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(copy).unwrap().permissions().mode() & 0o777, 0o600);
        let there = Place::new();
        fs::copy(copy, there.store()).unwrap();
        there.ok(&["database", "check"]);
        let stored = raw::stored(&there.serve().address, &writer.token, 7);
        raw::assert_whole(&stored, 7, 0, &[]);
        assert!(stored.len().is_multiple_of(5) && !stored.is_empty());
    }
    // Half a backup, and no store at all.
    let whole = fs::read(&copies[4]).unwrap();
    for (name, bytes) in [("half.db", &whole[..whole.len() / 2]), ("text.db", b"no store"), ("empty.db", b"")] {
        let bad = place.path().join(name);
        fs::write(&bad, bytes).unwrap();
        place.fails(&["database", "restore", bad.to_str().unwrap(), "--yes"], 1);
        writer.holds(&service);
    }
    let said = place.ok(&["database", "restore", copies[0].to_str().unwrap(), "--yes"]);
    assert!(said.contains("before: ") && said.contains("after: "), "{said}");
    let stored = raw::stored(&service.address, &writer.token, 7);
    assert!(stored.len().is_multiple_of(5) && stored.len() < writer.acknowledged.len() * 5);
    let refused = place.fails(&["serve", "--port", "0"], 1);
    assert!(refused.contains("another monarc-stats serves"), "{refused}");
}

#[test]
fn commands_write_beside_a_loaded_service() {
    let (place, mut writer, service) = scene(0);
    thread::scope(|scope| {
        let commands = scope.spawn(|| {
            for round in 0..3 {
                let name = format!("client {round}");
                place.ok(&["client", "create", "--name", &name, "--token", &format!("long-enough-token-{round}")]);
                for words in [
                    vec!["client", "rotate-token", &name],
                    vec!["client", "enable-sharing", &name],
                    vec!["client", "set-location", &name, "--latitude", "49", "--longitude", "6"],
                    vec!["client", "deactivate", &name],
                    vec!["client", "delete", &name, "--yes"],
                    vec!["stats", "delete", "--type", "risk", "--yes"],
                    vec!["stats", "deduplicate", "--yes"],
                    vec!["database", "check", "--repair"],
                    vec!["database", "migrate"],
                ] {
                    place.ok(&words);
                }
            }
        });
        while !commands.is_finished() {
            let (status, body) = writer.post(&service);
            assert_eq!(status, 201, "{body}");
        }
        commands.join().unwrap();
    });
    assert!(writer.acknowledged.len() > 10);
}

/// `MONARC_TEST_STOPPED` sets for how many seconds.
#[test]
fn a_service_that_was_stopped_for_a_while_goes_on() {
    let seconds = std::env::var("MONARC_TEST_STOPPED").map_or(2, |text| text.parse().unwrap());
    let place = Place::new();
    let token = place.client("fo");
    let service = place.serve();
    let mut writers: Vec<_> = (0..4).map(|number| Writer::of(token.clone(), number)).collect();
    let going = AtomicBool::new(true);
    let counts: Vec<AtomicUsize> = writers.iter().map(|_| AtomicUsize::new(0)).collect();
    thread::scope(|scope| {
        for (writer, count) in writers.iter_mut().zip(&counts) {
            let (going, service) = (&going, &service);
            scope.spawn(move || {
                while going.load(Ordering::SeqCst) {
                    // Whose body was half read when the time stood still may be told that it took too long.
                    let (status, body) = writer.post(service);
                    assert!(status == 201 || status == 408, "{status}: {body}");
                    count.fetch_add(usize::from(status == 201), Ordering::SeqCst);
                }
            });
        }
        // Bug: one of the four had hardly a turn in the time that was allowed for it.
        let each_has = |number| counts.iter().all(|count| count.load(Ordering::SeqCst) >= number);
        while !each_has(2) {
            thread::yield_now();
        }
        service.signal("STOP");
        thread::sleep(Duration::from_secs(seconds));
        service.signal("CONT");
        let before: Vec<usize> = counts.iter().map(|count| count.load(Ordering::SeqCst)).collect();
        while counts.iter().zip(&before).any(|(count, before)| count.load(Ordering::SeqCst) <= *before) {
            thread::yield_now();
        }
        going.store(false, Ordering::SeqCst);
    });
    for writer in &mut writers {
        writer.recovers(&service);
        writer.holds(&service);
    }
    let acknowledged: usize = writers.iter().map(|writer| writer.acknowledged.len()).sum();
    let requests: usize = writers.iter().map(|writer| writer.requests).sum();
    println!("FAULT stopped for {seconds} s: {requests} requests, {acknowledged} acknowledged, 0 lost");
    service.signal("KILL");
    drop(service);
    place.ok(&["database", "check"]);
    let service = place.serve();
    writers.iter().for_each(|writer| writer.holds(&service));
}

/// A medium that cannot be written, or somebody who may only read.
#[test]
fn a_store_that_can_only_be_read_is_read() {
    use std::os::unix::fs::PermissionsExt;
    let (place, _, service) = scene(1);
    service.stop();
    settle(&place);
    let mode = |path: &std::path::Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    mode(&place.store(), 0o444);
    mode(place.path(), 0o555);
    // Root may write whatever the modes say: it does so as the user of a store of somebody else's.
    let is_root = fs::metadata("/proc/self").map(|data| std::os::unix::fs::MetadataExt::uid(&data)).unwrap() == 0;
    if is_root {
        std::os::unix::fs::chown(place.path(), Some(65_534), Some(65_534)).unwrap();
        std::os::unix::fs::chown(place.store(), Some(65_534), Some(65_534)).unwrap();
    }
    let before = fs::read(place.store()).unwrap();
    assert!(place.ok(&["database", "check"]).contains("is well"));
    assert!(!place.ok(&["export"]).is_empty());
    if !is_root {
        assert!(place.ok(&["client", "list"]).contains("fo"));
        assert!(!place.ok(&["stats", "latest"]).is_empty());
        assert!(place.fails(&["client", "create", "--name", "x"], 1).contains("cannot be written"));
    }
    assert!(fs::read(place.store()).unwrap() == before);
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1, "nothing is left beside it");
    mode(place.path(), 0o755);
}
