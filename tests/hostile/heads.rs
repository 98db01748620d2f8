//! Attacks by what a head says.

use super::{Attack, STRANGER, Target, alone, answered, dial, post_head, status_of};
use std::io::Write;
use std::sync::atomic::Ordering;

#[test]
fn heads_of_a_hundred_megabytes() {
    let _alone = alone();
    let target = Target::new();
    let address = target.service.address.clone();
    let attack = Attack::start(4, move |_, going| {
        while going.load(Ordering::SeqCst) {
            let Some(mut socket) = dial(&address) else { continue };
            let part = vec![b'x'; 1 << 20];
            let _ = socket.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: ");
            // As far as the service lets us.
            let sent = (0..100).take_while(|_| going.load(Ordering::SeqCst) && socket.write_all(&part).is_ok()).count();
            assert!(sent < 100, "the service took it all");
        }
    });
    target.holds("100 MB header", STRANGER);
    drop(attack);
    target.rests("100 MB header");
    let long = format!("GET / HTTP/1.1\r\nHost: x\r\nX-Long: {}", "x".repeat(1 << 20));
    assert_eq!(status_of(&target.service.address, long.as_bytes()), 431);
}

#[test]
fn ten_thousand_headers() {
    let _alone = alone();
    let target = Target::new();
    let fields: String = (0..10_000).map(|n| format!("X-{n}: y\r\n")).collect();
    let request = format!("GET / HTTP/1.1\r\nHost: x\r\n{fields}\r\n");
    let few: String = (0..70).map(|n| format!("X-{n}: y\r\n")).collect();
    let sixty_five = format!("GET / HTTP/1.1\r\nHost: x\r\n{few}\r\n");
    for request in [&request, &sixty_five] {
        assert_eq!(status_of(&target.service.address, request.as_bytes()), 431);
    }
    let address = target.service.address.clone();
    let attack = Attack::start(4, move |_, going| {
        while going.load(Ordering::SeqCst) {
            assert_eq!(status_of(&address, request.as_bytes()), 431);
        }
    });
    target.holds("10,000 headers", STRANGER);
    drop(attack);
    target.rests("10,000 headers");
}

#[test]
fn lengths_that_nobody_sends() {
    let _alone = alone();
    let target = Target::new();
    for (length, with, without) in
        [("1000000000", 413, 401), ("1000000000000000", 413, 401), ("1000000000000000000000000000000", 400, 400)]
    {
        let fields = format!("Content-Length: {length}\r\n");
        for (token, expected) in [(target.token.as_str(), with), ("", without)] {
            let sockets: Vec<_> = (0..50)
                .map(|_| {
                    let mut socket = dial(&target.service.address).unwrap();
                    socket.write_all(post_head(token, &fields).as_bytes()).unwrap();
                    socket
                })
                .collect();
            target.holds(&format!("Content-Length {length}"), STRANGER);
            for mut socket in sockets {
                assert_eq!(answered(&mut socket), expected, "{length} with the token {token:?}");
            }
        }
    }
    target.rests("Content-Length");
}

#[test]
fn heads_that_two_parsers_would_read_differently() {
    let _alone = alone();
    let target = Target::new();
    let get = |line: &str, fields: &str| format!("{line}\r\nHost: x\r\n{fields}\r\n");
    let post = |fields: &str, body: &str| post_head(&target.token, fields) + body;
    let table: Vec<(&str, String, &[u16])> = vec![
        ("two lengths", post("Content-Length: 2\r\nContent-Length: 3\r\n", "[] "), &[400]),
        ("the same length twice", post("Content-Length: 2\r\nContent-Length: 2\r\n", "[]"), &[400]),
        ("a list of lengths", post("Content-Length: 2, 2\r\n", "[]"), &[400]),
        ("a signed length", post("Content-Length: +2\r\n", "[]"), &[400]),
        ("a negative length", post("Content-Length: -2\r\n", "[]"), &[400]),
        ("an empty length", post("Content-Length:\r\n", "[]"), &[400]),
        (
            "length and coding",
            post("Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", "2\r\n[]\r\n0\r\n\r\n"),
            &[400],
        ),
        ("another coding", post("Transfer-Encoding: gzip, chunked\r\n", "2\r\n[]\r\n0\r\n\r\n"), &[501]),
        ("a coding twice", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), &[501]),
        ("a chunk of no number", post("Transfer-Encoding: chunked\r\n", "zz\r\n[]\r\n0\r\n\r\n"), &[400]),
        ("a negative chunk", post("Transfer-Encoding: chunked\r\n", "-1\r\n[]\r\n0\r\n\r\n"), &[400]),
        ("a chunk of 2^64", post("Transfer-Encoding: chunked\r\n", "10000000000000000\r\n[]"), &[413]),
        ("a chunk too short", post("Transfer-Encoding: chunked\r\n", "1\r\n[]\r\n0\r\n\r\n"), &[400]),
        ("a chunk ended by a line feed", post("Transfer-Encoding: chunked\r\n", "2\n[]\n0\n\n"), &[400]),
        ("bare line feeds", "GET / HTTP/1.1\nHost: x\n\n".into(), &[400]),
        ("a bare carriage return", get("GET / HTTP/1.1", "X: a\rb\r\n"), &[400]),
        ("NUL in a value", get("GET / HTTP/1.1", "X: a\0b\r\n"), &[400]),
        ("NUL in the target", get("GET /\0 HTTP/1.1", ""), &[400]),
        ("a folded line", get("GET / HTTP/1.1", "X: a\r\n b\r\n"), &[400]),
        ("a space before the colon", get("GET / HTTP/1.1", "Content-Length : 2\r\n"), &[400]),
        ("a name beyond ASCII", get("GET / HTTP/1.1", "Xé: a\r\n"), &[400]),
        ("no name", get("GET / HTTP/1.1", ": a\r\n"), &[400]),
        ("two hosts", get("GET / HTTP/1.1", "Host: y\r\n"), &[400]),
        ("no host", "GET / HTTP/1.1\r\n\r\n".into(), &[400]),
        ("an absolute target", get("GET http://elsewhere/about.json HTTP/1.1", ""), &[200]),
        ("an asterisk", get("GET * HTTP/1.1", ""), &[400]),
        ("an asterisk of OPTIONS", get("OPTIONS * HTTP/1.1", ""), &[200]),
        ("an authority", get("CONNECT elsewhere:443 HTTP/1.1", ""), &[400]),
        ("another scheme", get("GET file:///etc/passwd HTTP/1.1", ""), &[400]),
        ("HTTP/2.0", get("GET / HTTP/2.0", ""), &[505]),
        ("HTTP/2 by prior knowledge", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".into(), &[505]),
        ("HTTP/0.9", "GET /\r\n\r\n".into(), &[400]),
        ("climbing", get("GET /../../../../etc/passwd HTTP/1.1", ""), &[404]),
        ("climbing in disguise", get("GET /%2e%2e/%2e%2e/etc/passwd%00 HTTP/1.1", ""), &[404]),
    ];
    for (what, request, expected) in table {
        let status = status_of(&target.service.address, request.as_bytes());
        assert!(expected.contains(&status), "{what}: {status} instead of {expected:?}");
    }
    // The first bytes of a TLS handshake.
    let hello = [0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03];
    assert_eq!(status_of(&target.service.address, &hello), 400);
    target.holds("malformed heads", STRANGER);
    target.rests("malformed heads");
}
