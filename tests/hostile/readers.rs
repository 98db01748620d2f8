//! Attacks by not reading.

use super::{Attack, CLIENT, Target, alone, dial};
use serde_json::json;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

#[test]
fn a_hundred_thousand_requests_in_a_row_and_no_answer_read() {
    let _alone = alone();
    let target = Target::new();
    let (address, token) = (target.service.address.clone(), target.token.clone());
    let attack = Attack::start(4, move |_, going| {
        let many = format!("GET /api/v1/client/me HTTP/1.1\r\nHost: x\r\nX-API-KEY: {token}\r\n\r\n").repeat(1000);
        let mut sockets: Vec<TcpStream> = (0..5).filter_map(|_| dial(&address)).collect();
        for _ in 0..100 {
            for socket in &mut sockets {
                // Fails once both sides' buffers are full.
                let _ = going.load(Ordering::SeqCst).then(|| socket.write_all(many.as_bytes()));
            }
        }
        while going.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(20));
        }
    });
    for _ in 0..3 {
        target.holds("100,000 pipelined requests", CLIENT);
        thread::sleep(Duration::from_millis(300));
    }
    drop(attack);
    target.rests("100,000 pipelined requests");
}

/// Stores about 8 MB of threats, 16 KB in each of 500 analyses.
fn fill(target: &Target) {
    let object = |n: usize| {
        json!({"uuid": format!("b402d4e0-4576-11e9-9173-{n:012x}"), "label1": format!("{n} {}", "menace ".repeat(60)),
               "count": 1, "maxRisk": 3, "averageRate": "2"})
    };
    let data: Vec<_> = (0..32).map(object).collect();
    let stat = |n: usize| {
        json!({"anr": format!("5f0c5d8e-6f0e-4b4e-9d0a-{n:012x}"), "type": "threat",
               "date": crate::common::today().to_string(), "data": data})
    };
    for batch in 0..5 {
        let stats: Vec<_> = (0..100).map(|n| stat(batch * 100 + n)).collect();
        target.service.post("/api/v1/stats/").token(&target.token).json(&json!(stats)).send().expect(201);
    }
}

#[test]
fn fifty_readers_of_a_byte_a_second() {
    let _alone = alone();
    let target = Target::new();
    fill(&target);
    let whole = target.service.get("/api/v1/stats/?type=threat").token(&target.token).send().expect(200);
    assert!(whole.body.len() > 7 << 20, "{} bytes", whole.body.len());
    let address = target.service.address.clone();
    let asked = format!("GET /api/v1/stats/?type=threat HTTP/1.1\r\nHost: x\r\nX-API-KEY: {}\r\n\r\n", target.token);
    let attack = Attack::start(1, move |_, going| {
        let mut sockets: Vec<TcpStream> = (0..50).map(|_| dial(&address).unwrap()).collect();
        for socket in &mut sockets {
            socket.write_all(asked.as_bytes()).unwrap();
        }
        while going.load(Ordering::SeqCst) {
            for socket in &mut sockets {
                assert_eq!(socket.read(&mut [0]).unwrap(), 1);
            }
            thread::sleep(Duration::from_secs(1));
        }
    });
    super::until("50 answers to be on their way", || target.service.status("Threads") > 50);
    // Nobody waits for the readers: neither those who write, nor the log that must not grow without bound.
    for _ in 0..3 {
        let me = target.service.get("/api/v1/client/me").token(&target.token).send().expect(200);
        assert_eq!(me.json()["name"], "fo");
        let stat = json!([{"anr": "00000000-6f0e-4b4e-9d0a-000000000000", "type": "threat",
                           "date": crate::common::today().to_string(), "data": []}]);
        target.service.post("/api/v1/stats/").token(&target.token).json(&stat).send().expect(201);
        target.calm("50 slow readers", CLIENT, "/api/v1/client/me");
        thread::sleep(Duration::from_millis(300));
    }
    drop(attack);
    target.rests("50 slow readers");
}
