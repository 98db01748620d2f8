//! The questions of the commands that delete something, on a real terminal: `script` of util-linux makes one.

use crate::common::batch::{ANR, FRONT_OFFICE};
use crate::common::{BINARY, Place, days_ago};
use crate::remote::{Remote, TOKEN};
use serde_json::json;
use std::io::Write;
use std::process::Stdio;

/// Runs a command on a terminal and types this line; gives what is seen there and the exit code.
fn typed(place: &Place, words: &[&str], line: &str) -> (String, i32) {
    let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    let mut command = place.command(&[]);
    let inner = format!("{BINARY} {}", quoted.join(" "));
    let mut script = std::process::Command::new("script");
    script.args(["--quiet", "--return", "--command", &inner, "/dev/null"]).env_clear().env("PATH", "/usr/bin:/bin");
    script.envs(command.env("TERM", "dumb").get_envs().filter_map(|(name, value)| Some((name, value?))));
    let mut child = script.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    writeln!(input, "{line}").unwrap();
    // The terminal hangs up when the input ends, so it stays open until the command has ended.
    let mut seen = String::new();
    std::io::Read::read_to_string(child.stdout.as_mut().unwrap(), &mut seen).unwrap();
    drop(input);
    (seen, child.wait().unwrap().code().unwrap())
}

/// A place with a client, "fo", and its five stats.
fn filled() -> Place {
    let place = Place::new();
    let token = place.client("fo");
    place.ok(&["client", "enable-sharing", "fo"]);
    let service = place.serve();
    service.post("/api/v1/stats/").token(&token).text(FRONT_OFFICE).send().expect(201);
    service.stop();
    place
}

#[test]
fn what_deletes_asks_and_takes_yes_and_no() {
    let place = filled();
    let copy = place.path().join("copy.db").display().to_string();
    place.ok(&["database", "backup", &copy]);
    // A stat that is old enough to be purged, and one that says the same a day later.
    let lines: String = ["2001-02-03", "2001-02-04"]
        .map(|date| format!("{}\n", json!({"anr": ANR, "type": "threat", "date": date, "data": []})))
        .concat();
    let file = place.path().join("old.ndjson");
    std::fs::write(&file, lines).unwrap();
    place.ok(&["import", &file.display().to_string(), "--client", "fo"]);
    for (words, question, done) in [
        (vec!["stats", "deduplicate"], "?", "1"),
        (vec!["stats", "purge", "--months", "36"], "?", "1"),
        (vec!["stats", "delete", "--type", "risk"], "?", "1"),
        (vec!["database", "restore", &copy], "Replace everything in", "after: 2 clients, 1 analysis, 5 stats"),
        (vec!["client", "delete", "fo"], "Delete the client \"fo\" and all its stats?", "deleted \"fo\" and 5 stats"),
    ] {
        let before = place.ok(&["export"]);
        for no in ["n", "", "maybe"] {
            let (seen, code) = typed(&place, &words, no);
            assert!(seen.contains(question) && seen.contains("[y/N]"), "{words:?}: {seen}");
            assert!(seen.contains("nothing was changed") && code == 1, "{words:?} {no}: {seen}");
            assert_eq!(place.ok(&["export"]), before, "{words:?} {no}");
        }
        let (seen, code) = typed(&place, &words, "y");
        assert!(seen.contains("[y/N]") && seen.contains(done) && code == 0, "{words:?}: {seen}");
        assert_ne!(place.ok(&["export"]), before, "{words:?}");
    }
    assert_eq!(place.ok(&["client", "list", "--sharing"]), "");
}

#[test]
fn taking_back_asks_too() {
    let (place, remote) = (filled(), Remote::start());
    let from = days_ago(36_500);
    let words = ["--remote", &remote.url, "--token", TOKEN];
    place.ok(&[&["push", "--from", &from], &words[..]].concat());
    assert_eq!(remote.uuids().len(), 5);
    let back = [&["push", "--withdraw", "--anr", ANR], &words[..]].concat();
    let (seen, code) = typed(&place, &back, "no");
    assert!(seen.contains("[y/N]") && code == 1 && remote.uuids().len() == 5, "{seen}");
    let (seen, code) = typed(&place, &back, "YES");
    assert!(code == 0 && remote.uuids().is_empty(), "{seen}");
}
