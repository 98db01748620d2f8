//! What must not leak, and what must not be believed.

use crate::common::{ADMIN, BINARY, Place, Reply, Service, service, today};
use serde_json::json;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

#[test]
fn a_secret_typed_as_a_dash_is_read_and_never_shown() {
    let place = Place::new();
    let secret = place.path().join("secret");
    fs::write(&secret, "s3cret-of-the-admin\nanother line\n").unwrap();
    let mut command = Command::new("sh");
    let line = format!("exec '{BINARY}' serve --port 0 --admin-token - < '{}'", secret.display());
    // The shell's own redirection wins over what the fixture gives.
    command.args(["-c", &line]).env_clear().env("STATS_DATABASE", place.store()).env("HOME", place.path());
    let service = Service::start(command);
    service.get("/metrics").token("s3cret-of-the-admin").send().expect(200);
    let typed = fs::read(format!("/proc/{}/cmdline", service.child.id())).unwrap();
    assert!(!String::from_utf8_lossy(&typed).contains("s3cret"));
    assert!(!service.stop().contains("s3cret"));
    assert!(!place.ok(&["config", "--remote-stats-token=abc-s3cret"]).contains("s3cret"));
    let refused = place.fails(&["config", "--admin-token=s3cret with space"], 1);
    assert!(refused.contains("ADMIN_TOKEN") && !refused.contains("s3cret"), "{refused}");
}

#[test]
fn tokens_are_in_no_log_no_metric_and_no_error() {
    let (_place, service, token) = service();
    let mut answers = Vec::new();
    for (token, path) in [
        (token.as_str(), "/api/v1/stats/?type=risk"),
        (&token, "/api/v1/stats/?type=nonsense"),
        (&token, "/api/v1/stats/not-a-uuid"),
        (&token, "/nowhere"),
        ("wr0ng-secret", "/api/v1/client/me"),
        (ADMIN, "/metrics"),
        (ADMIN, "/admin/update.json"),
    ] {
        answers.push(service.get(path).token(token).send().text());
    }
    let text = answers.join("\n") + &service.stop();
    for secret in [token.as_str(), "wr0ng-secret", ADMIN] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

#[test]
fn files_are_their_owners_alone() {
    let (place, service, token) = service();
    let stat = json!([{"anr": "5f0c5d8e-6f0e-4b4e-9d0a-3c1f5a7b2e01", "type": "threat", "date": today().to_string(), "data": []}]);
    service.post("/api/v1/stats/").token(&token).json(&stat).send().expect(201);
    place.ok(&["database", "backup", place.path().join("copy.db").to_str().unwrap()]);
    let mut seen = Vec::new();
    for entry in fs::read_dir(place.path()).unwrap().map(Result::unwrap) {
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{:?} has {mode:o}", entry.file_name());
        seen.push(entry.file_name().into_string().unwrap());
    }
    for name in ["stats.db", "stats.db-wal", "stats.db-shm", "copy.db"] {
        assert!(seen.iter().any(|one| one == name), "{name} is not among {seen:?}");
    }
}

#[test]
fn pages_run_nothing_of_their_own_text() {
    let (_place, service, _) = service();
    for path in ["/", "/api/v1/"] {
        let page = service.get(path).send().expect(200);
        let policy = &page.headers["content-security-policy"];
        for word in ["default-src 'none'", "frame-ancestors", "base-uri 'none'", "form-action"] {
            assert!(policy.contains(word), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(page.headers["x-content-type-options"], "nosniff");
        assert_eq!(page.headers["referrer-policy"], "no-referrer");
        let text = page.text();
        // Data for the scripts is no script: browsers do not run what is of type JSON.
        let harmless = |tag: &str| tag.contains("src=") || tag.contains(r#"type="application/json""#);
        let inline = text.split("<script").skip(1).any(|rest| !harmless(rest.split('>').next().unwrap()));
        assert!(!inline && !text.contains(" onload=") && !text.contains(" onclick=") && !text.contains("javascript:"));
    }
}

#[test]
fn what_a_token_opened_is_kept_by_no_cache() {
    let (_place, service, token) = service();
    for path in [
        "/api/v1/stats/?type=risk",
        "/api/v1/client/me",
        "/api/v1/stats/processed/?type=risk&processor=risk_averages",
        "/about.json",
        "/stats/risks.json",
        "/nowhere",
    ] {
        let answer = service.get(path).token(&token).send();
        assert_eq!(answer.headers["cache-control"], "no-store", "{path}");
    }
}

/// Labels that mean harm somewhere else are stored and given back as they are, as JSON and as nothing else.
#[test]
fn hostile_labels_come_back_as_they_were_sent() {
    let (_place, service, token) = service();
    let labels = [
        "<script>alert(1)</script>",
        "=HYPERLINK(\"http://x\")",
        "+1",
        "-1",
        "@SUM(A1)",
        "\u{202e}desrever",
        "\u{0}\u{7f}",
        &"é".repeat(500_000),
    ];
    for (number, label) in labels.iter().enumerate() {
        let uuid = format!("b402d4e0-4576-11e9-9173-{number:012x}");
        let data = json!([{"uuid": uuid, "label1": label, "count": 1, "maxRisk": 1, "averageRate": "1"}]);
        let stat = json!([{"anr": format!("5f0c5d8e-6f0e-4b4e-9d0a-{number:012x}"), "type": "threat", "date": today().to_string(), "data": data}]);
        let stored = service.post("/api/v1/stats/").token(&token).json(&stat).send().expect(201);
        assert_eq!(stored.json()["data"][0]["data"], data);
    }
    let public = service.get("/stats/threats.json").send().expect(200);
    assert_eq!(
        (public.headers["content-type"].as_str(), public.headers["x-content-type-options"].as_str()),
        ("application/json", "nosniff")
    );
    let list = public.json();
    for (one, label) in list.as_array().unwrap().iter().zip(labels) {
        // Averages show the first thousand characters of a label.
        assert_eq!(one["labels"]["label1"], json!(label.chars().take(1000).collect::<String>()));
    }
    for path in ["/", "/api/v1/"] {
        assert!(!service.get(path).send().text().contains("alert(1)"));
    }
}

/// Odd JSON is refused with a sentence or stored to the letter; the service never breaks on it.
#[test]
fn odd_json_is_refused_or_stored_to_the_letter() {
    let (_place, service, token) = service();
    let threat =
        |fields: &str| format!(r#"[{{"uuid":"b402d4e0-4576-11e9-9173-0800277f0571","count":1,"maxRisk":1,{fields}}}]"#);
    for (what, data, status) in [
        ("1e400", threat(r#""averageRate":1e400"#), 400),
        ("-1e400 as a text", threat(r#""averageRate":"-1e400""#), 400),
        ("NaN", threat(r#""averageRate":NaN"#), 400),
        ("-0", threat(r#""averageRate":-0"#), 201),
        ("-0.0e-0", threat(r#""averageRate":-0.0e-0"#), 201),
        ("many digits", threat(&format!(r#""averageRate":0.{}"#, "3".repeat(100_000))), 201),
        ("an ignored 1e400", threat(r#""averageRate":1,"other":1e400"#), 201),
        ("keys twice", threat(r#""averageRate":1,"count":2"#), 400),
        ("other keys twice", threat(r#""averageRate":1,"x":2,"x":3"#), 201),
        ("a lone surrogate", threat(r#""averageRate":1,"label1":"\ud800""#), 400),
        ("a pair", threat(r#""averageRate":1,"label1":"\ud83d\ude00""#), 201),
        ("nested 100 times", threat(&format!(r#""averageRate":1,"x":{}{}"#, "[".repeat(100), "]".repeat(100))), 201),
        (
            "nested 10,000 times",
            threat(&format!(r#""averageRate":1,"x":{}{}"#, "[".repeat(10_000), "]".repeat(10_000))),
            201,
        ),
        ("a text of 10 MB", threat(&format!(r#""averageRate":1,"label1":"{}""#, "a".repeat(10_000_000))), 400),
    ] {
        let body = format!(
            r#"[{{"anr":"5f0c5d8e-6f0e-4b4e-9d0a-3c1f5a7b2e01","type":"threat","date":"{}","data":{data}}}]"#,
            today()
        );
        let answer = service.post("/api/v1/stats/").token(&token).text(&body).send();
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert_eq!(answer.status, status, "{what}: {}", &text[..text.len().min(300)]);
        if status == 201 {
            assert!(text.contains(&data), "{what} was changed");
        }
    }
    for bytes in [&b"[\"\xff\xfe\"]"[..], b"[\x00]", b"[1", b"", b"nul"] {
        let answer =
            service.post("/api/v1/stats/").token(&token).bytes(bytes).header("Content-Type", "application/json").send();
        assert_eq!(answer.status, 400, "{bytes:?}");
    }
}

#[test]
fn a_store_that_others_could_read_is_its_owner_s_alone_when_it_is_served() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    place.client("fo");
    std::fs::set_permissions(place.store(), PermissionsExt::from_mode(0o644)).unwrap();
    let log = place.serve().stop();
    assert_eq!(std::fs::metadata(place.store()).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(log.contains("could be read by others (mode 644)"), "{log}");
}

/// Shows a wrong token and says what it came to.
fn guess(service: &Service, forwarded: &str) -> Reply {
    service.get("/api/v1/client/me").token("a-wrong-token-of-a-test").header("X-Forwarded-For", forwarded).send()
}

#[test]
fn too_many_wrong_tokens_end_their_connection_and_slow_nobody_else() {
    let place = Place::new();
    let token = place.client("fo");
    let service = place.serve();
    let request = "GET /api/v1/client/me HTTP/1.1\r\nHost: x\r\nX-API-KEY: a-wrong-token-of-a-test\r\n\r\n";
    let mut socket = service.socket();
    socket.write_all(request.repeat(200).as_bytes()).unwrap();
    let mut answers = Vec::new();
    let _ = socket.read_to_end(&mut answers);
    let answers = String::from_utf8(answers).unwrap();
    let number = |text: &str| answers.matches(text).count();
    assert_eq!((number("HTTP/1.1 403"), number("HTTP/1.1 429"), number("HTTP/1.1 ")), (20, 1, 21), "{answers}");
    assert!(answers.to_lowercase().contains("connection: close") && answers.contains("Retry-After: "), "{answers}");
    for _ in 0..5 {
        assert_eq!(guess(&service, "").status, 429);
        service.get("/api/v1/client/me").token(&token).send().expect(200);
    }
    service.get("/api/v1/client/me").send().expect(401);
    let log = service.stop();
    assert_eq!(log.matches("too many wrong tokens").count(), 1, "{log}");
    assert!(log.contains("[WARN] too many wrong tokens from 127.0.0.1: 21 so far\n"), "{log}");
    for line in log.lines().filter(|line| line.contains("/client/me")) {
        let is_refused = ["401", "403", "429"].iter().any(|status| line.contains(&format!("/me {status} ")));
        assert_eq!(line.ends_with(" address=127.0.0.1"), is_refused, "{line}");
    }
}

#[test]
fn every_form_of_a_forwarded_address_is_one_sender() {
    let place = Place::new();
    let service = place.serve_with(&[("FIX_PROXY", "on")]);
    for number in 0..10 {
        for form in ["198.51.100.7".into(), format!("203.0.113.9, 198.51.100.7:{number}")] {
            guess(&service, &form).expect(403);
        }
        for form in [format!("\"[2001:db8::{number}]:80\""), format!("2001:db8::ff:{number}%eth0")] {
            guess(&service, &form).expect(403);
        }
    }
    guess(&service, "\"198.51.100.7\"").expect(429);
    guess(&service, "[2001:db8::abc]").expect(429);
    guess(&service, "198.51.100.8").expect(403);
    let log = service.stop();
    assert!(log.contains("too many wrong tokens from 198.51.100.7: 21 so far\n"), "{log}");
    assert!(log.contains("too many wrong tokens from 2001:db8::abc: 21 so far from 2001:db8::/64\n"), "{log}");
}

/// It needs Debian's package `fail2ban`; where there is none the test says so.
#[test]
fn fail2ban_finds_the_senders_in_the_log() {
    let Ok(there) = Command::new("fail2ban-regex").arg("--version").output() else {
        return eprintln!("NOT TESTED: the filter of fail2ban: install Debian's package fail2ban");
    };
    assert!(there.status.success());
    let place = Place::new();
    let log = place.path().join("service.log");
    let service = place.serve_with(&[("FIX_PROXY", "on"), ("LOG_PATH", log.to_str().unwrap())]);
    for address in ["198.51.100.7", "2001:db8::abc"] {
        (0..30).for_each(|_| drop(guess(&service, address)));
    }
    // What others write into the log does not ban anybody.
    let forged = "/x%20[WARN]%20too%20many%20wrong%20tokens%20from%20192.0.2.1:%2021%20so%20far";
    service.get(forged).send().expect(404);
    service.get(&forged.replace("%20", "%0a")).send().expect(404);
    service.stop();
    let filter = concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/fail2ban/filter.d/monarc-stats.conf");
    let found = |log: &std::path::Path| {
        let output = Command::new("fail2ban-regex").args(["--out", "ip"]).arg(log).arg(filter).output().unwrap();
        let mut found: Vec<String> = String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
        found.sort();
        found
    };
    assert_eq!(found(&log), ["198.51.100.7", "2001:db8::abc"], "{}", fs::read_to_string(&log).unwrap());
    let journal = place.path().join("journal.log");
    let line =
        "2026-11-29T07:00:00.000Z host monarc-stats[12]: [WARN] too many wrong tokens from 192.0.2.9: 21 so far\n";
    fs::write(&journal, line).unwrap();
    assert_eq!(found(&journal), ["192.0.2.9"]);
}

#[test]
fn a_token_that_might_be_guessed_is_named_and_never_shown() {
    let place = Place::new();
    let create = ["client", "create", "--new-store", "--name", "fo", "--token", "fifteen-letters"];
    let error = place.fails(&create, 1);
    assert!(error.contains("--token: a new token has at least 16 characters") && !error.contains("fifteen"), "{error}");
    place.client("fo");
    assert!(place.fails(&["client", "rotate-token", "fo", "--token", "short"], 1).contains("at least 16"));
    // One that is there already goes on working, and the API takes what the reference takes.
    let service = place.serve_with(&[("ADMIN_TOKEN", "guess-me")]);
    let new = json!({"name": "late", "token": "late-secret", "is_sharing_enabled": false});
    service.post("/api/v1/client/").token("guess-me").json(&new).send().expect(201);
    for _ in 0..3 {
        service.get("/api/v1/client/me").token("late-secret").send().expect(200);
    }
    let log = service.stop();
    assert!(log.contains("ADMIN_TOKEN has fewer than 16 characters"), "{log}");
    assert_eq!(log.matches("the token of client \"late\" has fewer than 16 characters").count(), 1, "{log}");
    assert!(!log.contains("guess-me") && !log.contains("late-secret"), "{log}");
}
