//! Content that is valid and means harm where it is shown: exports, tables on a terminal, metrics and the log. (Pages and
//! the dashboard's exports are tested in `browser/`, answers of the API in `security.rs`.)

use crate::common::batch::{item, uuid};
use crate::common::{ADMIN, Place, today};
use serde_json::{Value, json};
use std::io::Write;

/// What a client may be called: all but control characters.
const NAME: &str = "=cmd\u{202e}\u{2066}\"},\\{x=\"1\" <b>\u{2028}\u{200f}";

/// Labels as they stand in the JSON of a stat.
fn labels() -> Vec<String> {
    let quoted = |text: &str| Value::from(text).to_string();
    let mut labels: Vec<String> = [
        "<script>alert(1)</script>",
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\u{202e}desrever\u{2066}",
        "next\u{85}line\u{2028}paragraph\u{2029}",
        "\u{7f}\u{9b}2J",
        &"é".repeat(500_000),
    ]
    .map(quoted)
    .into();
    labels.extend([r#""\u0000\u001b[2J\r\n""#, r#""\ud83d\ude00""#].map(String::from));
    labels
}

/// A place with all of them in it, its client having a name of the kind; gives what was posted as data.
fn filled() -> (Place, Vec<String>) {
    let place = Place::new();
    place.ok(&["client", "create", "--new-store", "--name", NAME, "--token", "name-token-of-a-test"]);
    let service = place.serve();
    let datum = |(number, label): (usize, &String)| {
        let object = uuid(number);
        format!(r#"[{{"uuid":"{object}","label1":{label},"count":1,"maxRisk":1,"averageRate":"1"}}]"#)
    };
    let data: Vec<String> = labels().iter().enumerate().map(datum).collect();
    let items: Vec<String> =
        data.iter().enumerate().map(|(n, data)| item(&uuid(n), "threat", &today().to_string(), data)).collect();
    service.store_stats("name-token-of-a-test", &items);
    service.stop();
    (place, data)
}

/// Nothing that moves a cursor or turns letters around, except the ends of lines.
#[track_caller]
fn assert_plain(text: &str) {
    let trick = |letter: &char| {
        (letter.is_control() && *letter != '\n') || "\u{200f}\u{202e}\u{2066}\u{2028}\u{2029}".contains(*letter)
    };
    let found = text.find(|letter| trick(&letter));
    assert_eq!(found, None, "{:?}", found.map(|at| text[at..].chars().take(80).collect::<String>()));
}

#[test]
fn an_export_has_a_line_for_each_stat_to_the_letter() {
    let (place, data) = filled();
    let file = place.path().join("all.ndjson").display().to_string();
    place.ok(&["export", &file]);
    let text = std::fs::read_to_string(&file).unwrap();
    assert_eq!(text.split_terminator('\n').count(), data.len());
    for (line, data) in text.split_terminator('\n').zip(&data) {
        assert_eq!(serde_json::from_str::<Value>(line).unwrap()["client_name"], NAME);
        assert!(line.contains(data), "changed: {}", data.chars().take(200).collect::<String>());
    }
    let other = Place::new();
    other.ok(&["import", "--new-store", &file]);
    let again = other.path().join("again.ndjson").display().to_string();
    other.ok(&["export", &again]);
    assert!(std::fs::read_to_string(&again).unwrap() == text, "another export than the first");
}

#[test]
fn tables_on_a_terminal_are_plain() {
    let (place, _) = filled();
    for words in [
        vec!["client", "list"],
        vec!["client", "enable-sharing", NAME],
        vec!["client", "deactivate", NAME],
        vec!["stats", "latest"],
        vec!["push", "--dry-run", "--remote", "http://127.0.0.1:1"],
        vec!["push", "--show", "--remote", "http://127.0.0.1:1"],
        vec!["client", "delete", NAME, "--yes"],
    ] {
        let text = place.ok(&words);
        assert!(!text.is_empty());
        assert_plain(&text);
    }
    assert_plain(&place.fails(&["client", "activate", NAME], 1));
    assert_plain(&place.fails(&["stats", "delete", "--client", NAME, "--yes"], 1));
}

#[test]
fn lists_for_programs_say_the_same_as_ever() {
    let (place, data) = filled();
    let list: Value = serde_json::from_str(&place.ok(&["client", "list", "--json"])).unwrap();
    assert_eq!(list[0]["name"], NAME);
    let list: Value = serde_json::from_str(&place.ok(&["stats", "latest", "--json"])).unwrap();
    assert_eq!((list[0]["client"].as_str(), list.as_array().unwrap().len()), (Some(NAME), data.len()));
}

#[test]
fn what_an_import_refuses_is_told_in_plain_lines() {
    let place = Place::new();
    let line = json!({"uuid": uuid(1), "anr": uuid(2), "type": "threat\u{202e}\r\nforged", "date": "\u{9b}2J", "data": [], "client_name": "x"});
    let file = place.path().join("in.ndjson");
    std::fs::write(&file, format!("{line}\n{{\"\u{202e}\": \u{9b}}}\n")).unwrap();
    let output = place.run(&["import", "--new-store", file.to_str().unwrap(), "--keep-going"]);
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said.lines().count(), 3, "{said}");
    assert_plain(&said);
}

#[test]
fn metrics_keep_their_grammar() {
    let (place, _) = filled();
    let service = place.serve();
    let text = service.get("/metrics").token(ADMIN).send().expect(200).text();
    let named = |line: &&str| line.starts_with("monarc_newest_stat_age_seconds{");
    let lines: Vec<&str> = text.split('\n').filter(named).collect();
    let escaped = NAME.replace('\\', "\\\\").replace('"', "\\\"");
    assert_eq!(lines.len(), 1);
    let rest = lines[0].strip_prefix(&format!("monarc_newest_stat_age_seconds{{client=\"{escaped}\"}} "));
    assert!(rest.is_some_and(|age| age.parse::<u64>().is_ok()), "{lines:?}");
}

#[test]
fn the_log_has_one_plain_line_for_each_request() {
    let (place, data) = filled();
    let service = place.serve();
    let stat = item(&uuid(0), "threat", &today().to_string(), &data[5]);
    service.store_stats("name-token-of-a-test", &[stat]);
    let mut sent = 1;
    for target in
        ["/\u{1b}[2J", "/\u{202e}", "/\u{9b}", "/%0d%0aforged", "/x?type=%1b%5b2J%e2%80%ae", "/api/v1/stats/%0a"]
    {
        let mut socket = service.socket();
        write!(socket, "GET {target} HTTP/1.1\r\nHost: x\r\nX-API-KEY: name-token-of-a-test\r\nUser-Agent: a\tb\u{202e}\r\nConnection: close\r\n\r\n").unwrap();
        let _ = std::io::copy(&mut socket, &mut std::io::sink());
        sent += 1;
    }
    let log = service.stop();
    assert_plain(&log);
    let requests = log.lines().filter(|line| line.contains("ms ") && line.contains("[INFO]")).count();
    assert_eq!(requests, sent, "{log}");
    assert!(!log.lines().any(|line| line.starts_with("forged")));
}
