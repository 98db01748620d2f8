//! How arguments arrive: as a JSON body of a GET, in the query, and what is wrong with them.

use crate::common;
use crate::common::batch::{ANR, OTHER_ANR, bad_argument, item, rated, risks, uuid};
use crate::common::{ADMIN, Place, Service, service, today};
use serde_json::{Value, json};

const DAY: &str = "2026-11-01";

fn filled() -> (Place, Service, String) {
    let (place, service, token) = service();
    let threat = |anr: &str| item(anr, "threat", DAY, &rated(&uuid(1), 1, 1, "1"));
    let items = [threat(ANR), threat(OTHER_ANR), threat(&uuid(3)), item(ANR, "risk", DAY, &risks([[1; 3]; 4]))];
    service.store_stats(&token, &items);
    (place, service, token)
}

fn anrs(service: &Service, token: &str, query: &str) -> Vec<String> {
    let reply = service.get(&format!("/api/v1/stats/?{query}")).token(token).send().expect(200);
    let anr = |stat: &Value| stat["anr"].as_str().unwrap().to_owned();
    reply.json()["data"].as_array().unwrap().iter().map(anr).collect()
}

#[test]
fn the_query_says_the_same_as_the_body() {
    let (_place, service, token) = filled();
    let all = "type=threat&date_from=2026-11-01";
    assert_eq!(anrs(&service, &token, all).len(), 3);
    assert_eq!(anrs(&service, &token, &format!("{all}&limit=1&offset=1")), [OTHER_ANR]);
    let two = vec![ANR.to_owned(), OTHER_ANR.to_owned()];
    assert_eq!(anrs(&service, &token, &format!("{all}&anrs={ANR},{OTHER_ANR}")), two);
    assert_eq!(anrs(&service, &token, &format!("{all}&anrs={ANR}&anrs={OTHER_ANR}")), two);
    assert_eq!(anrs(&service, &token, &format!("{all}&anrs={ANR}%2C%20{OTHER_ANR}")), two);
    assert_eq!(anrs(&service, &token, &format!("{all}&anrs={ANR}")), [ANR]);
    assert_eq!(anrs(&service, &token, &format!("{all}&anrs=")).len(), 3);
    assert_eq!(anrs(&service, &token, "type=threat&get_last=true").len(), 3);
    assert_eq!(anrs(&service, &token, "type=threat&date_from=2026%2D11%2D01").len(), 3);
}

#[test]
fn the_body_wins_over_the_query() {
    let (_place, service, token) = filled();
    let ask = |query: &str, body: &Value| {
        let reply = service.get(&format!("/api/v1/stats/?{query}")).token(&token).json(body).send().expect(200);
        reply.json()["metadata"]["count"].as_str().unwrap().to_owned()
    };
    assert_eq!(ask("type=risk&date_from=2026", &json!({"type": "threat"})), "3");
    assert_eq!(ask("type=threat&date_from=2026&limit=1", &json!({"limit": 2})), "2");
    assert_eq!(ask("type=nonsense&date_from=2026", &json!({"type": "risk"})), "1");
}

#[test]
fn null_is_absent() {
    let (_place, service, token) = filled();
    let names = ["date_to", "anrs", "get_last", "offset", "limit", "group_by_anr", "anr", "date_from", "unheard_of"];
    for name in names {
        let mut arguments = json!({"type": "threat", "date_from": "2026"});
        arguments[name] = Value::Null;
        service.list(&token, &arguments).expect(200);
    }
    bad_argument(service.list(&token, &json!({"type": null})), "type");
    let arguments = json!({"type": "risk", "processor": "risk_averages", "processor_params": null, "anrs": null,
        "date_from": null, "date_to": null, "local_stats_only": null});
    service.processed(&token, &arguments).expect(200);
}

#[test]
fn processor_params_in_the_query_are_json_text() {
    let (_place, service, token) = filled();
    let ask = |params: &str| {
        let params: String = form_urlencoded::byte_serialize(params.as_bytes()).collect();
        let query = format!("type=risk&processor=risk_averages&processor_params={params}");
        service.get(&format!("/api/v1/stats/processed/?{query}")).token(&token).send()
    };
    let data = ask(r#"{"risks_type":"operational","risks_state":["residual"]}"#).expect(200).json()["data"].clone();
    let levels = json!({"Low risks": 1, "Medium risks": 1, "High risks": 1});
    assert_eq!(data, json!({"residual": {"operational": levels}}));
    for none in ["[]", "{}", "null"] {
        assert_eq!(ask(none).expect(200).json()["data"].as_object().unwrap().len(), 2);
    }
    for bad in ["risks_type", "3", "[1]", "{", r#"{"risks_type":"all"}"#] {
        bad_argument(ask(bad), "processor_params");
    }
}

#[test]
fn an_argument_nobody_knows_is_named() {
    let (_place, service, token) = filled();
    let reply = service.list(&token, &json!({"type": "risk", "b": 1, "a": [], "limit": "x"})).expect(400);
    assert_eq!(reply.json(), json!({"message": "Unknown arguments: b, a"}));
    for path in ["/api/v1/stats/", "/api/v1/stats/processed/", "/stats/risks.json", "/map/clients.json"] {
        let reply = service.get(&format!("{path}?colour=red")).token(&token).send().expect(400);
        assert_eq!(reply.json()["message"], "Unknown arguments: colour", "{path}");
    }
}

#[test]
fn the_content_type_must_be_json() {
    let (_place, service, token) = filled();
    let body = json!({"type": "threat", "date_from": "2026"}).to_string();
    for kind in
        ["application/json", "Application/JSON; charset=utf-8", "application/vnd.api+json", "application/problem+json"]
    {
        let get = service.get("/api/v1/stats/").token(&token).text(&body).header("Content-Type", kind);
        assert_eq!(get.send().expect(200).json()["metadata"]["count"], "3", "{kind}");
        let post = service.post("/api/v1/stats/").token(&token).text("[]").header("Content-Type", kind);
        post.send().expect(201);
    }
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "text/json", ""] {
        for (method, path) in [("POST", "/api/v1/stats/"), ("POST", "/api/v1/client/"), ("PATCH", "/api/v1/client/me")]
        {
            let request = service.request(method, path).token(ADMIN).text("[]").header("Content-Type", kind);
            assert!(request.send().expect(415).json()["message"].is_string(), "{method} {path} {kind}");
        }
    }
    let missing = service.post("/api/v1/stats/").token(&token).bytes(b"[]").send().expect(415);
    assert!(missing.json()["message"].as_str().unwrap().contains("application/json"));
}

#[test]
fn malformed_bodies_are_a_400_with_a_message() {
    let (_place, service, token) = filled();
    for body in ["{", "{\"type\":}", "[1]", "\"threat\"", "null", "{\"type\":\"threat\"} x", "{\"type\":\"\\ud800\"}"] {
        for (method, path) in [
            ("GET", "/api/v1/stats/"),
            ("GET", "/api/v1/stats/processed/"),
            ("POST", "/api/v1/client/"),
            ("PATCH", "/api/v1/client/me"),
        ] {
            let reply = service.request(method, path).token(ADMIN).text(body).send().expect(400);
            assert!(reply.json()["message"].is_string(), "{method} {path} {body}");
        }
    }
    let deep = format!("{{\"type\":{}", "[".repeat(100_000));
    service.get("/api/v1/stats/").token(&token).text(&deep).send().expect(400);
    // PHP writes an empty object as a list.
    bad_argument(service.get("/api/v1/stats/").token(&token).text("[]").send(), "type");
}

#[test]
fn bodies_beyond_their_limit_are_a_413() {
    let place = Place::new();
    let token = place.client("fo");
    let service = place.serve_with(&[("MAX_BATCH", "4")]);
    let large = |size: usize| format!("[{}]", " ".repeat(size));
    for (method, path) in [
        ("GET", "/api/v1/stats/"),
        ("GET", "/api/v1/stats/processed/"),
        ("POST", "/api/v1/client/"),
        ("PATCH", "/api/v1/client/me"),
    ] {
        let reply = service.request(method, path).token(ADMIN).text(&large(1 << 20)).send().expect(413);
        assert!(reply.json()["message"].is_string(), "{method} {path}");
    }
    service.post("/api/v1/stats/").token(&token).text(&large(2 << 20)).send().expect(201);
    service.post("/api/v1/stats/").token(&token).text(&large(4 << 20)).send().expect(413);
}

#[test]
fn a_mark_before_the_body_is_taken_and_a_coding_of_it_is_not() {
    let (_place, service, token) = filled();
    let marked = |text: &str| format!("\u{feff}{text}");
    let list = service.get("/api/v1/stats/").token(&token).text(&marked(r#"{"type": "risk"}"#)).send().expect(200);
    assert_eq!(list.json()["metadata"]["offset"], "0");
    let change = service.request("PATCH", "/api/v1/client/me").token(&token);
    change.text(&marked(r#"{"is_sharing_enabled": true}"#)).send().expect(201);
    for padding in [0, 2 << 20] {
        let stat = item(&uuid(7), "threat", &today().to_string(), "[]");
        let stored =
            service.post("/api/v1/stats/").token(&token).text(&marked(&format!("[{}{stat}]", " ".repeat(padding))));
        assert_eq!(stored.send().expect(201).json()["data"][0]["data"], json!([]));
        let coded = service.post("/api/v1/stats/").token(&token).text("[]").header("Content-Encoding", "gzip").send();
        assert!(coded.expect(415).json()["message"].as_str().unwrap().contains("Content-Encoding"));
    }
}

#[test]
fn a_thousand_analyses_can_be_named() {
    let (_place, service, token) = filled();
    let mut anrs: Vec<String> = (1000..2500).map(uuid).collect();
    anrs.push(ANR.into());
    let arguments = json!({"type": "threat", "date_from": "2026", "anrs": anrs});
    assert_eq!(service.dates(&token, &arguments).len(), 1);
    let arguments = json!({"type": "risk", "processor": "risk_averages", "anrs": anrs});
    service.processed(&token, &arguments).expect(200);
}

#[test]
fn a_body_may_wait_for_the_word_to_go_on() {
    use std::io::{Read, Write};
    let (_place, service, token) = filled();
    let body = format!("[{}]", " ".repeat(2 << 20));
    let mut socket = service.socket();
    let head = format!(
        "POST /api/v1/stats/ HTTP/1.1\r\nHost: x\r\nX-Api-Key: {token}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n",
        body.len()
    );
    socket.write_all(head.as_bytes()).unwrap();
    let mut word = [0; 25];
    // The body is only sent once the word has come: a service that waits for it would hang here.
    socket.read_exact(&mut word).unwrap();
    assert_eq!(&word, b"HTTP/1.1 100 Continue\r\n\r\n");
    socket.write_all(body.as_bytes()).unwrap();
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).unwrap();
    assert_eq!(common::Reply::parse(&answer).status, 201);
    // Who may not send is told so instead.
    let mut socket = service.socket();
    socket.write_all(head.replace(&token, "wrong").as_bytes()).unwrap();
    let mut answer = [0; 12];
    socket.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 403");
}

#[test]
fn null_in_the_body_takes_nothing_away_from_the_query() {
    let (_place, service, token) = service();
    let answer = service.get("/api/v1/stats/?type=risk").token(&token).json(&json!({"type": null})).send();
    assert_eq!(answer.expect(200).json()["metadata"]["count"], json!("0"));
}
