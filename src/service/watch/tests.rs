use super::*;
use crate::store::jobs::Runs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

const HOUR: i64 = 3600;
const YEAR: i64 = 365 * 24 * HOUR;
/// When it is at the start of each test.
const NOW: i64 = 1_800_000_000;

/// A store, and a command that writes each message into a file of its own.
struct House(tempfile::TempDir);

impl House {
    fn new() -> Self {
        let house = Self(tempfile::tempdir().unwrap());
        std::fs::create_dir(house.0.path().join("told")).unwrap();
        house.set_command("cat >$(mktemp $(dirname $0)/told/XXXXXX)");
        house
    }

    /// What the command does from now on. A file that was just written may still be open in a child of another test.
    fn set_command(&self, text: &str) {
        let path = self.0.path().join("command");
        std::fs::write(self.0.path().join("text"), text).unwrap();
        if !path.exists() {
            std::fs::write(&path, "#!/bin/sh\n. $(dirname $0)/text\n").unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
    }

    /// A service that has just started.
    fn start(&self) -> Watch {
        let path: &Path = self.0.path();
        Watch {
            sources: Sources {
                store: Arc::new(Store::open(&path.join("stats.db")).unwrap()),
                signals: Arc::default(),
                jobs: vec!["push"],
                silent_after: Some(36 * HOUR),
            },
            command: Some(path.join("command")),
            instance: "http://here".into(),
            next_digest: Instant::now(),
        }
    }

    /// All messages: what began and what ended in each, in no order.
    fn messages(&self) -> Vec<(Vec<String>, Vec<String>)> {
        let files = std::fs::read_dir(self.0.path().join("told")).unwrap();
        let messages = files.map(|file| std::fs::read(file.unwrap().path()).unwrap());
        let names = |list: &serde_json::Value| {
            let all = list.as_array().unwrap().iter();
            all.map(|state| format!("{} {}", state["name"].as_str().unwrap(), state["subject"].as_str().unwrap()))
                .collect()
        };
        let read = |text: Vec<u8>| serde_json::from_slice::<serde_json::Value>(&text).unwrap();
        messages.map(read).map(|message| (names(&message["begun"]), names(&message["ended"]))).collect()
    }
}

/// Bug: a service that ended while it told left the program an empty message, which it took for a whole one.
#[test]
fn a_message_is_whole_before_the_program_starts() {
    let house = House::new();
    house.set_command("stat -L -c %s /dev/stdin >$(dirname $0)/told/length");
    let message = "x".repeat(300 << 10);
    command::run(&house.0.path().join("command"), &message).unwrap();
    let length = std::fs::read_to_string(house.0.path().join("told/length")).unwrap();
    assert_eq!(length.trim(), message.len().to_string());
}

fn judge(watch: &mut Watch, facts: &Facts) {
    let before = watch.sources.store.watch_states().unwrap();
    watch.judge(facts, &before).unwrap();
}

/// What is known of a service that has run for an hour, and is well.
fn well() -> Facts {
    Facts {
        now: NOW,
        silent_after: Some(36 * HOUR),
        arrivals: vec![("fo".into(), NOW - HOUR)],
        runs: vec![Runs { name: "push".into(), succeeded_at: Some(NOW), ..Runs::default() }],
        free: Some(1 << 40),
        wrong_tokens: Some(0),
        ahead: Some(0),
        refusals: vec![("fo".into(), 0, String::new())],
        clients: vec!["fo".into()],
    }
}

/// Each state, and what is known while it goes on.
fn ills() -> Vec<(&'static str, Facts)> {
    let failed = |is_panic| Runs {
        name: "push".into(),
        failed_at: Some(NOW + YEAR),
        failure: Some("no route".into()),
        is_panic,
        ..Runs::default()
    };
    vec![
        ("silent fo", Facts { arrivals: vec![("fo".into(), NOW - 40 * HOUR)], ..well() }),
        ("job_failed push", Facts { runs: vec![failed(false)], ..well() }),
        ("job_panicked push", Facts { runs: vec![failed(true)], ..well() }),
        ("low_space ", Facts { free: Some(100 << 20), ..well() }),
        ("wrong_tokens ", Facts { wrong_tokens: Some(150), ..well() }),
        ("dated_ahead ", Facts { ahead: Some(20), ..well() }),
        ("refused fo", Facts { refusals: vec![("fo".into(), 3, "date".into())], ..well() }),
    ]
}

#[test]
fn each_state_is_told_twice_across_a_restart_and_a_clock_that_jumps() {
    for (name, ill) in ills() {
        let house = House::new();
        let mut watch = house.start();
        [&well(), &ill, &ill].into_iter().for_each(|facts| judge(&mut watch, facts));
        drop(watch);
        let mut watch = house.start();
        // What memory knew is not known again yet.
        judge(&mut watch, &Facts { wrong_tokens: None, ahead: None, refusals: Vec::new(), ..ill.clone() });
        for jump in [4 * YEAR, -2 * YEAR, -6 * HOUR] {
            let is_silent = name.starts_with("silent");
            let now = if jump > 0 && !is_silent { NOW } else { NOW + jump };
            judge(&mut watch, &Facts { now, ..ill.clone() });
        }
        assert_eq!(house.messages().len(), 1, "{name}");
        [&well(), &well()].into_iter().for_each(|facts| judge(&mut watch, facts));
        let messages = house.messages();
        assert_eq!(messages.len(), 2, "{name}: {messages:?}");
        for message in [(vec![name.to_owned()], vec![]), (vec![], vec![name.to_owned()])] {
            assert!(messages.contains(&message), "{name}: {messages:?}");
        }
    }
}

#[test]
fn a_clock_that_is_ahead_for_a_while_is_a_silence_until_the_next_stats() {
    let house = House::new();
    let mut watch = house.start();
    let sent = |now, arrived| Facts { now, arrivals: vec![("fo".into(), arrived)], ..well() };
    judge(&mut watch, &sent(NOW + 4 * YEAR, NOW));
    judge(&mut watch, &sent(NOW, NOW));
    assert_eq!(house.messages().len(), 1);
    judge(&mut watch, &sent(NOW + HOUR, NOW + HOUR));
    judge(&mut watch, &sent(NOW + 2 * HOUR, NOW + HOUR));
    assert_eq!(house.messages().len(), 2);
}

#[test]
fn a_message_that_was_lost_is_made_good_once_and_no_sooner_than_an_hour_later() {
    let house = House::new();
    let mut watch = house.start();
    let states = |watch: &Watch| watch.sources.store.watch_states().unwrap().len();
    house.set_command("exit 1");
    let (_, ill) = ills().remove(0);
    judge(&mut watch, &ill);
    assert_eq!(states(&watch), 2);
    house.set_command("cat >$(mktemp $(dirname $0)/told/XXXXXX)");
    judge(&mut watch, &ill);
    assert_eq!((states(&watch), house.messages().len()), (2, 0));
    // A restart looks at once whether somebody has mended it.
    drop(watch);
    let mut watch = house.start();
    [&ill, &ill].into_iter().for_each(|facts| judge(&mut watch, facts));
    assert_eq!((states(&watch), house.messages()), (1, vec![(vec![], vec![])]));
    // Another message that is lost is not made good on the same day.
    house.set_command("exit 1");
    let worse = Facts { free: Some(0), ..ill };
    judge(&mut watch, &worse);
    assert_eq!(states(&watch), 3);
    assert!(watch.next_digest > Instant::now() + 2 * AGAIN);
}

/// Bug: a program that reads nothing kept the watch for ever once the message was longer than what a pipe holds.
#[test]
fn a_program_that_reads_nothing_is_waited_for_no_longer_than_it_runs() {
    let house = House::new();
    house.set_command("exec true");
    let many = (0..5000).map(|n| (format!("a client of a long name {n}"), NOW - YEAR)).collect();
    let mut watch = house.start();
    judge(&mut watch, &Facts { arrivals: many, ..well() });
    assert_eq!(watch.sources.store.watch_states().unwrap().len(), 5000);
}
