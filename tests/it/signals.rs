//! What signals do to a service: none loses the request under way.

use crate::common::{Place, Reply, Service, today, until};
use serde_json::json;
use std::io::{Read, Write};

/// Sends a batch in two halves, with something in between.
fn post(service: &Service, token: &str, between: impl FnOnce()) -> Reply {
    let anr = "5f0c5d8e-6f0e-4b4e-9d0a-3c1f5a7b2e01";
    let stat = json!([{"anr": anr, "type": "threat", "date": today().to_string(), "data": []}]).to_string();
    let (first, second) = stat.split_at(20);
    let mut socket = service.socket();
    let head = format!(
        "POST /api/v1/stats/ HTTP/1.1\r\nHost: x\r\nX-API-KEY: {token}\r\nContent-Type: application/json\r\n\
         Connection: close\r\nContent-Length: {}\r\nExpect: 100-continue\r\n\r\n",
        stat.len()
    );
    socket.write_all(head.as_bytes()).unwrap();
    // The service has begun with it when it says so.
    let mut go = [0; 25];
    socket.read_exact(&mut go).unwrap();
    assert_eq!(&go, b"HTTP/1.1 100 Continue\r\n\r\n");
    socket.write_all(first.as_bytes()).unwrap();
    between();
    socket.write_all(second.as_bytes()).unwrap();
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).unwrap();
    Reply::parse(&answer)
}

#[test]
fn hup_opens_the_log_anew_and_loses_nothing() {
    let place = Place::new();
    let token = place.client("fo");
    let (log, old) = (place.path().join("service.log"), place.path().join("service.log.1"));
    let service = place.serve_with(&[("LOG_PATH", log.to_str().unwrap())]);
    let rotate = || {
        std::fs::rename(&log, &old).unwrap();
        service.signal("HUP");
        until("there is a new log", || log.exists());
    };
    post(&service, &token, rotate).expect(201);
    service.get("/healthz").send().expect(200);
    service.stop();
    let read = |path| std::fs::read_to_string(path).unwrap();
    assert!(
        read(&log).contains("POST /api/v1/stats/ 201") && read(&log).contains("GET /healthz 200"),
        "{}",
        read(&log)
    );
    assert!(!read(&old).contains("/healthz") && !read(&old).contains("stopped"), "{}", read(&old));
}

#[test]
fn usr1_and_usr2_do_no_harm_and_quit_ends_it_in_good_order() {
    let place = Place::new();
    let token = place.client("fo");
    let mut service = place.serve();
    let signals = || ["USR1", "USR2", "HUP"].iter().for_each(|name| service.signal(name));
    post(&service, &token, signals).expect(201);
    post(&service, &token, || service.signal("QUIT")).expect(201);
    assert!(service.child.wait().unwrap().success());
}
