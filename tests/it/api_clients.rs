//! `POST /api/v1/client/` and `/api/v1/client/me`.

use crate::common::batch::bad_argument;
use crate::common::{ADMIN, Place, Reply, Service, service};
use serde_json::{Value, json};

fn create(service: &Service, token: &str, body: &Value) -> Reply {
    service.post("/api/v1/client/").token(token).json(body).send()
}

fn new(name: &str, token: &str) -> Value {
    json!({"name": name, "is_sharing_enabled": true, "token": token})
}

#[test]
fn an_admin_makes_a_client_that_can_work_at_once() {
    let (_place, service, _token) = service();
    let reply = create(&service, ADMIN, &new("Büro \"Nord\"", "secret-1")).expect(201);
    let text = r#"{"name":"Büro \"Nord\"","token":"secret-1","role":"1","is_sharing_enabled":true}"#;
    assert_eq!(reply.text(), text);
    assert_eq!(service.get("/api/v1/client/me").token("secret-1").send().expect(200).text(), text);
    let quiet = json!({"name": "quiet", "is_sharing_enabled": "0", "token": "secret-2"});
    let reply = create(&service, ADMIN, &quiet).expect(201).json();
    assert_eq!((&reply["role"], &reply["is_sharing_enabled"]), (&json!("1"), &json!(false)));
}

#[test]
fn a_name_or_token_that_is_taken_is_an_empty_304() {
    let (_place, service, token) = service();
    create(&service, ADMIN, &new("twin", "twin-token-of-a-test")).expect(201);
    for body in
        [new("twin", "twin-token-of-a-test"), new("twin", "x"), new("y", "twin-token-of-a-test"), new("z", &token)]
    {
        let reply = create(&service, ADMIN, &body).expect(304);
        assert_eq!(reply.text(), "");
        assert!(!reply.headers.contains_key("content-length"));
    }
    service.get("/api/v1/client/me").token("x").send().expect(403);
}

#[test]
fn the_checks_come_in_their_order() {
    let place = Place::new();
    let token = place.client("fo");
    let service = place.serve_with(&[("CLIENT_REGISTRATION_OPEN", "off")]);
    let good = new("fo", &token);
    // Token, arguments, role, registration, and only then what is taken.
    service.post("/api/v1/client/").text("{").send().expect(401);
    create(&service, "wrong", &json!({})).expect(403);
    create(&service, &token, &json!({})).expect(400);
    create(&service, &token, &good).expect(403);
    create(&service, ADMIN, &json!({})).expect(400);
    assert_eq!(create(&service, ADMIN, &good).expect(204).text(), "");
    assert_eq!(create(&service, ADMIN, &new("new", "new-token-of-a-test")).expect(204).text(), "");
    service.get("/api/v1/client/me").token("new-token-of-a-test").send().expect(403);
}

#[test]
fn arguments_that_cannot_be_used_are_named() {
    let (_place, service, _token) = service();
    let missing = create(&service, ADMIN, &json!({})).expect(400).json();
    let names: Vec<&String> = missing["errors"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["name", "is_sharing_enabled", "token"]);
    for (name, value) in [
        ("name", json!("")),
        ("name", json!("  ")),
        ("name", json!(7)),
        ("name", json!("a\nb")),
        ("name", json!("x".repeat(256))),
        ("name", Value::Null),
        ("is_sharing_enabled", json!("maybe")),
        ("is_sharing_enabled", json!(2)),
        ("is_sharing_enabled", Value::Null),
        ("token", json!("")),
        ("token", json!("with space")),
        ("token", json!("é")),
        ("token", json!("x".repeat(513))),
        ("token", json!(["x"])),
    ] {
        let mut body = new("good", "good-token-of-a-test");
        body[name] = value;
        bad_argument(create(&service, ADMIN, &body), name);
    }
    service.get("/api/v1/client/me").token("good-token-of-a-test").send().expect(403);
}

#[test]
fn an_argument_that_is_not_known_makes_no_client() {
    let (_place, service, _token) = service();
    let mut body = new("good", "good-token-of-a-test");
    body["role"] = json!("2");
    let answer = create(&service, ADMIN, &body).expect(400).json();
    assert_eq!(answer, json!({"message": "Unknown arguments: role"}));
    service.get("/api/v1/client/me").token("good-token-of-a-test").send().expect(403);
}

#[test]
fn me_shows_the_key_that_was_presented() {
    let (_place, service, token) = service();
    let me = service.get("/api/v1/client/me").token(&token).send().expect(200);
    assert_eq!(me.text(), r#"{"name":"fo","token":"fo-token-of-a-test","role":"1","is_sharing_enabled":false}"#);
    let admin = service.get("/api/v1/client/me").token(ADMIN).send().expect(200).json();
    assert_eq!(admin, json!({"name": "admin", "token": ADMIN, "role": "2", "is_sharing_enabled": false}));
}

#[test]
fn sharing_is_changed_by_its_owner_alone() {
    let (place, service, token) = service();
    let other = place.client("other");
    let patch = |body: Value| service.request("PATCH", "/api/v1/client/me").token(&token).json(&body).send();
    let shares = |token: &str| {
        service.get("/api/v1/client/me").token(token).send().expect(200).json()["is_sharing_enabled"] == json!(true)
    };
    let on = patch(json!({"is_sharing_enabled": true, "name": "thief", "token": "t", "role": "2"})).expect(201);
    assert_eq!(on.text(), r#"{"name":"fo","token":"fo-token-of-a-test","role":"1","is_sharing_enabled":true}"#);
    assert!(shares(&token) && !shares(&other));
    assert_eq!(patch(json!({"is_sharing_enabled": 0})).expect(201).json()["is_sharing_enabled"], false);
    assert!(!shares(&token));
    for value in [json!("maybe"), json!(7), json!([]), Value::Null] {
        bad_argument(patch(json!({"is_sharing_enabled": value})), "is_sharing_enabled");
    }
    bad_argument(patch(json!({"name": "x"})), "is_sharing_enabled");
    assert!(!shares(&token));
}

#[test]
fn a_deactivated_client_is_refused_like_an_unknown_one() {
    let (place, service, token) = service();
    service.get("/api/v1/client/me").token(&token).send().expect(200);
    place.ok(&["client", "deactivate", "fo"]);
    let refused = service.get("/api/v1/client/me").token(&token).send().expect(403);
    assert_eq!(refused.text(), "{\"Error\":\"Forbidden - Authentication failed.\"}");
    place.ok(&["client", "activate", "fo"]);
    service.get("/api/v1/client/me").token(&token).send().expect(200);
}

#[test]
fn the_admin_of_the_environment_is_made_sure_of_at_every_start() {
    let place = Place::new();
    drop(place.serve());
    let service = place.serve_with(&[("ADMIN_TOKEN", "another")]);
    assert_eq!(service.get("/api/v1/client/me").token("another").send().expect(200).json()["role"], "2");
    service.get("/api/v1/client/me").token(ADMIN).send().expect(403);
    drop(service);
    place.ok(&["client", "deactivate", "admin"]);
    let service = place.serve_with(&[("ADMIN_TOKEN", "another")]);
    service.get("/api/v1/client/me").token("another").send().expect(200);
}
