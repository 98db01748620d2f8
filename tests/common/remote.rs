//! A remote that speaks like the reference implementation, and misbehaves on demand. On sockets of its own: no library of
//! ours hangs up without an answer, which is how a remote that is restarted looks.

#![allow(dead_code)]

use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// The only token it accepts.
pub const TOKEN: &str = "remote-token-of-a-test";

/// What it does with the next request instead of answering it well.
#[derive(Clone)]
pub enum Trick {
    /// Close the connection without an answer, before anything is stored.
    HangUp,
    /// Store, then close the connection without an answer.
    StoreAndHangUp,
    /// Store, then never answer: the connection stays open.
    StoreAndStall,
    /// Answer this, with one more header line.
    Answer(u16, &'static str, &'static str),
}

/// A request as it came.
#[derive(Clone)]
pub struct Recorded {
    pub method: String,
    pub path: String,
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

#[derive(Default)]
pub struct State {
    pub requests: Vec<Recorded>,
    /// By UUID.
    pub stored: BTreeMap<String, Value>,
    /// What to do with the next requests that post, delete or read stats.
    pub tricks: VecDeque<Trick>,
    /// UUIDs of stats that break it: 500 after storing what came before.
    pub poison: Vec<String>,
    /// Most stats in a body; more are a 413.
    pub most: Option<usize>,
    /// Whether it stores nothing and answers 500.
    pub is_broken: bool,
    /// What `/about.json` says, if there is one.
    pub about: Option<Value>,
    /// What it says as MOSP about objects, by UUID: an object, or a list of them.
    pub objects: BTreeMap<String, Value>,
    stalled: Vec<TcpStream>,
}

pub struct Remote {
    pub url: String,
    state: Arc<Mutex<State>>,
}

impl Remote {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for socket in listener.incoming().map_while(Result::ok) {
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || {
                    serve(&shared, BufReader::new(socket.try_clone().unwrap()), socket);
                });
            }
        });
        Self { url, state }
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub fn play(&self, tricks: &[Trick]) {
        self.state().tricks.extend(tricks.iter().cloned());
    }

    /// The requests that posted stats.
    pub fn posts(&self) -> Vec<Recorded> {
        self.state().requests.iter().filter(|request| request.method == "POST").cloned().collect()
    }

    /// UUIDs of what it holds.
    pub fn uuids(&self) -> Vec<String> {
        self.state().stored.keys().cloned().collect()
    }

    /// Waits until something about it is true.
    pub fn until(&self, what: &str, test: impl Fn(&State) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while !test(&self.state()) {
            assert!(Instant::now() < deadline, "it never came to this: {what}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Reads one request: any stream, so that a TLS one will do.
pub fn read_request(reader: &mut impl BufRead) -> Option<Recorded> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut parts = line.split_whitespace().map(str::to_owned);
    let (method, path) = (parts.next()?, parts.next()?);
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        match line.trim_end().split_once(": ") {
            Some((name, value)) => headers.insert(name.to_lowercase(), value.to_owned()),
            None => break,
        };
    }
    let length = headers.get("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    std::io::Read::read_exact(reader, &mut body).ok()?;
    Some(Recorded { method, path, headers, body: String::from_utf8(body).ok()? })
}

/// An answer as bytes.
pub fn answer(status: u16, header: &str, body: &str) -> String {
    let header = if header.is_empty() { String::new() } else { format!("{header}\r\n") };
    format!("HTTP/1.1 {status} Said\r\nConnection: close\r\n{header}Content-Length: {}\r\n\r\n{body}", body.len())
}

fn serve(state: &Mutex<State>, mut reader: impl BufRead, mut socket: TcpStream) {
    let Some(request) = read_request(&mut reader) else { return };
    let mut state = state.lock().unwrap();
    state.requests.push(request.clone());
    if request.path == "/about.json" {
        let (status, body) = state.about.as_ref().map_or((404, String::new()), |about| (200, about.to_string()));
        let _ = socket.write_all(answer(status, "", &body).as_bytes());
        return;
    }
    let trick = state.tricks.pop_front();
    match trick {
        Some(Trick::HangUp) => return,
        Some(Trick::Answer(status, header, body)) => {
            let _ = socket.write_all(answer(status, header, body).as_bytes());
            return;
        }
        _ => {}
    }
    if let Some(uuid) = request.path.strip_prefix("/api/v2/object/?uuid=") {
        let found: Vec<&Value> = match state.objects.get(uuid) {
            Some(Value::Array(several)) => several.iter().collect(),
            one => one.into_iter().collect(),
        };
        let body = json!({"metadata": {"count": found.len(), "offset": 0, "limit": 10}, "data": found}).to_string();
        let _ = socket.write_all(answer(200, "", &body).as_bytes());
        return;
    }
    let (status, body) = if request.headers.get("x-api-key").map(String::as_str) == Some(TOKEN) {
        stats(&mut state, &request)
    } else {
        (403, json!({"Error": "Forbidden - Authentication failed."}).to_string())
    };
    match trick {
        Some(Trick::StoreAndHangUp) => {}
        Some(Trick::StoreAndStall) => state.stalled.push(socket),
        _ => {
            let _ = socket.write_all(answer(status, "", &body).as_bytes());
        }
    }
}

fn stats(state: &mut State, request: &Recorded) -> (u16, String) {
    let body: Value = serde_json::from_str(&request.body).unwrap_or_default();
    match request.method.as_str() {
        "POST" => post(state, body.as_array().unwrap()),
        "DELETE" => {
            let anr = request.path.rsplit('/').next().unwrap().to_owned();
            state.stored.retain(|_, stat| stat["anr"] != json!(anr));
            (204, String::new())
        }
        _ => {
            let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
            let (kind, from, to) = (text("type"), text("date_from"), text("date_to"));
            let wanted = |stat: &&Value| {
                let date = stat["date"].as_str().unwrap();
                stat["type"] == json!(kind) && date >= from.as_str() && date <= to.as_str()
            };
            let found: Vec<&Value> = state.stored.values().filter(wanted).collect();
            (200, json!({"metadata": {"count": found.len().to_string()}, "data": found}).to_string())
        }
    }
}

/// As the reference does: item by item, each stored for good, until one breaks it.
fn post(state: &mut State, items: &[Value]) -> (u16, String) {
    if state.most.is_some_and(|most| items.len() > most) {
        return (413, String::new());
    }
    let (mut new, mut errors) = (Vec::new(), false);
    for item in items {
        let uuid = item["uuid"].as_str().unwrap().to_owned();
        if state.is_broken || state.poison.contains(&uuid) {
            return (500, "<h1>Internal Server Error</h1>".into());
        }
        if state.stored.contains_key(&uuid) {
            errors = true;
            continue;
        }
        state.stored.insert(uuid, item.clone());
        new.push(item.clone());
    }
    let count = new.len().to_string();
    let body = json!({"metadata": {"count": count, "offset": "0", "limit": "0"}, "data": new});
    (if errors { 207 } else { 201 }, body.to_string())
}
