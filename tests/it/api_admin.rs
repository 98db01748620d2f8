//! `/admin/*` and `/metrics`.

use crate::common::batch::{ANR, FRONT_OFFICE};
use crate::common::{ADMIN, Place, service};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

fn uuid_of(place: &Place, name: &str) -> String {
    let clients: Value = serde_json::from_str(&place.ok(&["client", "list", "--json"])).unwrap();
    let found = clients.as_array().unwrap().iter().find(|client| client["name"] == name).unwrap();
    found["uuid"].as_str().unwrap().to_owned()
}

#[test]
fn sharing_is_switched_by_get_and_post() {
    let (place, service, token) = service();
    let uuid = uuid_of(&place, "fo");
    let shares = || service.get("/api/v1/client/me").token(&token).send().json()["is_sharing_enabled"] == json!(true);
    for method in ["GET", "POST"] {
        for (word, expected) in [("activate", true), ("deactivate", false)] {
            for spelled in [uuid.clone(), uuid.to_uppercase().replace('-', "")] {
                let path = format!("/admin/client_sharing_{word}.json/{spelled}");
                let reply = service.request(method, &path).token(ADMIN).send().expect(200);
                assert_eq!(reply.text(), r#"{"result":"OK"}"#);
                assert_eq!(shares(), expected, "{method} {path}");
            }
        }
    }
}

#[test]
fn a_client_that_is_not_there_is_told_so() {
    let (_place, service, _token) = service();
    for name in [ANR, "fo", "x", "%20"] {
        for word in ["activate", "deactivate"] {
            let path = format!("/admin/client_sharing_{word}.json/{name}");
            let reply = service.get(&path).token(ADMIN).send().expect(400);
            assert_eq!(reply.text(), r#"{"result":"KO","stderr":"No such client."}"#, "{path}");
        }
    }
}

#[test]
fn without_an_update_command_there_is_none_to_run() {
    let (_place, service, _token) = service();
    for method in ["GET", "POST"] {
        let reply = service.request(method, "/admin/update.json").token(ADMIN).send().expect(501).json();
        assert_eq!(reply["result"], "KO");
        assert!(reply["stderr"].as_str().unwrap().contains("UPDATE_COMMAND"));
    }
}

#[test]
fn the_operators_update_command_is_run() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    let (script, mark) = (place.path().join("update"), place.path().join("updated"));
    std::fs::write(&script, format!("#!/bin/sh\n: > '{}'\n", mark.display())).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o700)).unwrap();
    let service = place.serve_with(&[("UPDATE_COMMAND", script.to_str().unwrap())]);
    service.post("/admin/update.json").token("wrong").send().expect(403);
    let reply = service.post("/admin/update.json").token(ADMIN).send().expect(200);
    assert_eq!(reply.text(), r#"{"result":"OK"}"#);
    let deadline = Instant::now() + Duration::from_secs(20);
    while !mark.exists() {
        assert!(Instant::now() < deadline, "the command was not run");
        std::thread::yield_now();
    }
    drop(service);
    let service = place.serve_with(&[("UPDATE_COMMAND", "/nonexistent/update")]);
    let reply = service.post("/admin/update.json").token(ADMIN).send().expect(503).json();
    assert!(reply["message"].as_str().unwrap().contains("UPDATE_COMMAND"));
}

/// The value of a sample in a Prometheus text.
fn sample(text: &str, name: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
}

#[test]
fn metrics_count_what_happened() {
    let (_place, service, token) = service();
    service.post("/api/v1/stats/").token(&token).text(FRONT_OFFICE).send().expect(201);
    service.get("/api/v1/nothing").send().expect(404);
    service.get("/healthz").send().expect(200);
    let reply = service.get("/metrics").header("Authorization", &format!("Bearer {ADMIN}")).send().expect(200);
    assert!(reply.headers["content-type"].starts_with("text/plain; version=0.0.4"));
    let text = reply.text();
    for (name, value) in [
        (r#"monarc_requests_total{route="/api/v1/stats/",method="POST",status="201"}"#, 1.0),
        (r#"monarc_requests_total{route="/healthz",method="GET",status="200"}"#, 1.0),
        (r#"monarc_requests_total{route="",method="GET",status="404"}"#, 1.0),
        ("monarc_request_seconds_count", 3.0),
        (r#"monarc_request_seconds_bucket{le="+Inf"}"#, 3.0),
        ("monarc_stats_stored_total", 5.0),
        ("monarc_clients", 2.0),
        ("monarc_analyses", 1.0),
        ("monarc_stats", 5.0),
    ] {
        assert_eq!(sample(&text, name), Some(value), "{name} in {text}");
    }
    assert!(sample(&text, "monarc_connections").unwrap() >= 1.0);
    assert!(sample(&text, "monarc_store_bytes").unwrap() > 0.0);
    assert!(sample(&text, "monarc_store_wal_bytes").unwrap() > 0.0);
    let age = sample(&text, r#"monarc_newest_stat_age_seconds{client="fo"}"#).unwrap();
    assert!((0.0..600.0).contains(&age));
    assert!(!text.contains(&token) && !text.contains(ADMIN) && !text.contains(ANR));
    // Every sample belongs to a family that says what it is.
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let name = line.split(['{', ' ']).next().unwrap();
        let family = name.trim_end_matches("_bucket").trim_end_matches("_sum").trim_end_matches("_count");
        assert!(text.contains(&format!("# TYPE {family} ")), "{line}");
    }
    service.get("/metrics").header("Authorization", &format!("Bearer {token}")).send().expect(403);
    service.get("/metrics").header("Authorization", "Bearer ").send().expect(401);
}

#[test]
fn the_log_names_who_asked_but_never_a_token() {
    let (_place, service, token) = service();
    service.get("/api/v1/client/me?token=query-secret").token(&token).send();
    service.get("/api/v1/client/me").token("wrong-secret").send().expect(403);
    let created = json!({"name": "new", "token": "new-secret", "is_sharing_enabled": true});
    service.post("/api/v1/client/").token(ADMIN).json(&created).send().expect(201);
    let log = service.stop();
    assert!(log.contains("GET /api/v1/client/me 200 "), "{log}");
    assert!(log.contains("client=\"fo\"") && log.contains("client=\"admin\"") && log.contains("client=\"-\""));
    assert!(log.contains("GET /api/v1/client/me 403 "));
    for secret in [token.as_str(), ADMIN, "wrong-secret", "new-secret", "query-secret"] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}
