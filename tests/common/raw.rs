//! Requests to a service that may die, refuse or be stopped at any moment: nothing here panics on a missing answer.

use serde_json::{Value, json};
use std::io::{Error, ErrorKind, Read, Result, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Sends a request; gives status and body, whole or not at all.
pub fn send(address: &str, method: &str, path: &str, token: &str, body: &str) -> Result<(u16, String)> {
    let mut socket = TcpStream::connect_timeout(&address.parse().unwrap(), Duration::from_secs(5))?;
    socket.set_read_timeout(Some(Duration::from_secs(120)))?;
    let length = body.len();
    write!(
        socket,
        "{method} {path} HTTP/1.0\r\nHost: x\r\nX-API-KEY: {token}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )?;
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer)?;
    let text = String::from_utf8_lossy(&answer);
    let (head, body) = text.split_once("\r\n\r\n").ok_or(Error::from(ErrorKind::UnexpectedEof))?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    Ok((status.ok_or(Error::from(ErrorKind::InvalidData))?, body.to_owned()))
}

/// The identity of one stat among many.
pub fn uuid(writer: usize, request: usize, item: usize) -> String {
    format!("{writer:08x}-0000-4000-8000-{request:08x}{item:04x}")
}

/// The analysis of a writer.
pub fn anr(writer: usize) -> String {
    format!("{writer:08x}-1111-4000-8000-000000000000")
}

/// A batch of five stats of a writer's analysis, in places that no other batch of its first 12,000 has.
pub fn batch(writer: usize, request: usize) -> String {
    assert!(request < 12_000, "there are not so many dates");
    let stat = |item: usize| {
        let place = request * 5 + item;
        let days = jiff::Span::new().days(i64::try_from(place / 3).unwrap());
        let date = jiff::civil::date(1970, 1, 1).checked_add(days).unwrap();
        let object = json!({"uuid": "b402d4e0-4576-11e9-9173-0800277f0571", "label1": format!("{writer}"),
            "count": item + 1, "maxRisk": request % 30, "averageRate": "2.83"});
        let (kind, data) = match place % 3 {
            0 => ("threat", json!([object])),
            1 => ("vulnerability", json!([object])),
            _ => {
                ("compliance", json!([{"referential": "r", "current": [{"value": item}], "target": [], "n": request}]))
            }
        };
        json!({"uuid": uuid(writer, request, item), "anr": anr(writer), "type": kind, "date": date.to_string(), "data": data})
    };
    Value::Array((0..5).map(stat).collect()).to_string()
}

/// The identities of a writer's stats that are in the store.
pub fn stored(address: &str, token: &str, writer: usize) -> Vec<String> {
    let (status, body) = send(address, "GET", &format!("/api/v1/stats/{}", anr(writer)), token, "").unwrap();
    assert_eq!(status, 200, "{body}");
    let list: Vec<Value> = serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error}: {body}"));
    list.iter().map(|stat| stat["uuid"].as_str().unwrap().to_owned()).collect()
}

/// Every acknowledged request is there whole, and of the others either all or nothing.
pub fn assert_whole(stored: &[String], writer: usize, requests: usize, acknowledged: &[usize]) {
    let stored: std::collections::HashSet<&str> = stored.iter().map(String::as_str).collect();
    for request in 0..requests {
        let there = (0..5).filter(|item| stored.contains(uuid(writer, request, *item).as_str())).count();
        match acknowledged.contains(&request) {
            true => assert_eq!(there, 5, "request {request} of writer {writer} was acknowledged"),
            false => assert!(there == 0 || there == 5, "{there} of 5 stats of request {request} of writer {writer}"),
        }
    }
}
