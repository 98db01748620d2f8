//! The layer seen from outside: a tiny service on a loopback port, and clients that speak raw bytes.
//!
//! Limits are long where a test must not meet them and short where it must, so no test depends on the machine's speed.

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufRead, BufReader, Cursor};
use std::process::{Command, Stdio};
use std::sync::Condvar;
use std::thread::JoinHandle;

use super::spool::Spools;
use super::*;
use crate::server::message::{Body, Head, Received, Served};
use std::io::{Read, Write};

const SHORT: Duration = Duration::from_millis(40);
const LONG: Duration = Duration::from_secs(60);

/// What was told to `served`: path, status, bytes.
type Told = (Option<String>, u16, u64);

struct Tiny {
    spools: Spools,
    told: Mutex<Vec<Told>>,
    gauge: Arc<AtomicUsize>,
    peak: AtomicUsize,
    /// Requests for /wait that are being worked on, and whether they may go on.
    gate: Mutex<(usize, bool)>,
    turned: Condvar,
}

impl Default for Tiny {
    fn default() -> Self {
        let spools = Spools::new(&std::env::temp_dir());
        let (told, gauge, peak, gate, turned) = Default::default();
        Self { spools, told, gauge, peak, gate, turned }
    }
}

impl Tiny {
    fn wait_inside(&self) {
        let mut gate = self.gate.lock().unwrap();
        gate.0 += 1;
        self.turned.notify_all();
        drop(self.turned.wait_while(gate, |gate| !gate.1).unwrap());
    }

    fn until_inside(&self, count: usize) {
        drop(self.turned.wait_while(self.gate.lock().unwrap(), |gate| gate.0 < count).unwrap());
    }

    fn open_gate(&self) {
        self.gate.lock().unwrap().1 = true;
        self.turned.notify_all();
    }
}

struct Panicking;

impl Read for Panicking {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        panic!("in the reader")
    }
}

fn stream(content_type: &'static str, reader: impl Read + Send + 'static) -> Response {
    let mut response = Response::bytes(200, Some(content_type), Cow::Borrowed(b""));
    response.body = Body::Stream(Box::new(reader));
    response
}

impl Service for Tiny {
    type Ticket = &'static str;

    fn admit(&self, head: &Head) -> Result<(Self::Ticket, usize), Response> {
        self.peak.fetch_max(self.gauge.load(Ordering::SeqCst), Ordering::SeqCst);
        match head.path.as_str() {
            "/refused" => Err(Response::bytes(401, Some("text/plain"), Cow::Borrowed(b"no"))),
            "/panic-admit" => panic!("in admit"),
            "/large" => Ok(("large", 8 << 20)),
            "/none" => Ok(("none", 0)),
            _ => Ok(("ticket", 1000)),
        }
    }

    fn answer(&self, head: &Head, ticket: Self::Ticket, body: Received) -> Response {
        let text = |text: String| Response::bytes(200, Some("application/json"), Cow::Owned(text.into_bytes()));
        match head.path.as_str() {
            "/wait" => self.wait_inside(),
            "/wait-with-body" | "/large" if head.query == "wait" => self.wait_inside(),
            _ => {}
        }
        match head.path.as_str() {
            "/echo" => Response::bytes(200, None, Cow::Owned(body.bytes().unwrap())),
            "/large" => text(body.len().to_string()),
            "/json" => text("[1,2,3],".repeat(1000)),
            "/peer" => text(format!("{} {ticket}", head.peer)),
            "/asset" => Response::bytes(200, Some("image/png"), Cow::Owned(vec![7; 8 << 20])),
            "/stream" => stream("image/png", Cursor::new("0123456789".repeat(10_000))),
            "/endless" => stream("image/png", io::repeat(7)),
            "/broken" => stream("image/png", Cursor::new("x".repeat(100_000)).chain(Panicking)),
            "/panic-body" => stream("text/plain", Panicking),
            "/panic-answer" => panic!("in answer"),
            "/ending" => text("[1]".into()).with("Connection", "close"),
            "/204" => Response::empty(204),
            path => Response { client: Some("c".into()), route: "/any", ..text(format!("at {path}")) },
        }
    }

    fn refusal(&self, status: u16, reason: &str) -> Response {
        Response::bytes(
            status,
            Some("application/json"),
            Cow::Owned(format!("{{\"message\":\"{reason}\"}}").into_bytes()),
        )
    }

    fn spools(&self) -> &Spools {
        &self.spools
    }

    fn served(&self, served: &Served<'_>) {
        let told = (served.head.map(|head| head.path.clone()), served.status, served.bytes);
        self.told.lock().unwrap().push(told);
    }
}

/// A running server.
struct House {
    address: SocketAddr,
    service: Arc<Tiny>,
    stop: Stop,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl House {
    fn open(limits: Limits) -> Self {
        Self::with("127.0.0.1:0", Tiny::default(), limits)
    }

    fn with(place: &str, service: Tiny, limits: Limits) -> Self {
        let listener = TcpListener::bind(place).unwrap();
        let address = listener.local_addr().unwrap();
        let (service, stop) = (Arc::new(service), Stop::default());
        let (server, ending, gauge) = (Arc::clone(&service), stop.clone(), Arc::clone(&service.gauge));
        let thread = Some(thread::spawn(move || serve(listener, server, limits, &ending, gauge)));
        Self { address, service, stop, thread }
    }

    fn dial(&self) -> Client {
        let socket = TcpStream::connect(self.address).unwrap();
        socket.set_read_timeout(Some(LONG)).unwrap();
        socket.set_nodelay(true).unwrap();
        Client { socket, bytes: Vec::new() }
    }

    /// One request on a connection of its own.
    fn ask(&self, request: impl AsRef<[u8]>) -> Answer {
        let mut client = self.dial();
        client.send(request);
        client.answer()
    }

    fn close(&mut self) {
        self.stop.stop();
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap().unwrap();
        }
    }

    fn live(&self) -> usize {
        self.service.gauge.load(Ordering::SeqCst)
    }

    /// Waits until the server has read all that a client has sent, as the kernel sees it: sockets by their ports, and
    /// after these the bytes that wait in the queues.
    fn until_read(&self, client: &Client) {
        let ports =
            [self.address.port(), client.socket.local_addr().unwrap().port()].map(|port| format!(":{port:04X}"));
        until(|| {
            let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
            let mut lines = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
            let line = lines.find(|line| line[1].ends_with(&ports[0]) && line[2].ends_with(&ports[1]));
            line.is_some_and(|line| line[4].ends_with(":00000000"))
        });
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.service.open_gate();
        self.close();
    }
}

/// Waits for something that will happen soon, however slow the machine.
fn until(happened: impl Fn() -> bool) {
    let deadline = Instant::now() + LONG;
    while !happened() {
        assert!(Instant::now() < deadline, "it never happened");
        thread::yield_now();
    }
}

/// Limits that no test meets by accident.
fn patient() -> Limits {
    Limits {
        idle: LONG,
        head: LONG,
        body_grace: LONG,
        write: LONG,
        full_wait: LONG,
        answer_grace: LONG,
        ..Limits::default()
    }
}

struct Client {
    socket: TcpStream,
    bytes: Vec<u8>,
}

#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
    /// Whether the body ended as its framing says.
    whole: bool,
}

impl Answer {
    fn field(&self, name: &str) -> Option<&str> {
        let mut fields = self.head.lines().filter_map(|line| line.split_once(": "));
        let found = fields.find(|(field, _)| *field == name).map(|(_, value)| value);
        assert!(!fields.any(|(field, _)| field == name), "{name} twice in {}", self.head);
        found
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    fn closes(&self) -> bool {
        self.field("Connection") == Some("close")
    }
}

impl Client {
    fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.socket.write_all(bytes.as_ref()).unwrap();
    }

    fn more(&mut self) -> bool {
        let mut page = [0; 16 * 1024];
        let got = self.socket.read(&mut page).unwrap();
        self.bytes.extend_from_slice(&page[..got]);
        got > 0
    }

    fn until(&mut self, end: &[u8]) -> Option<Vec<u8>> {
        loop {
            if let Some(at) = self.bytes.windows(end.len()).position(|window| window == end) {
                return Some(self.bytes.drain(..at + end.len()).collect());
            }
            if !self.more() {
                return None;
            }
        }
    }

    fn exactly(&mut self, count: usize) -> Option<Vec<u8>> {
        while self.bytes.len() < count {
            if !self.more() {
                return None;
            }
        }
        Some(self.bytes.drain(..count).collect())
    }

    fn head(&mut self) -> Answer {
        let head = String::from_utf8(self.until(b"\r\n\r\n").expect("an answer")).unwrap();
        let status = head.split(' ').nth(1).and_then(|text| text.parse().ok()).expect("a status");
        Answer { status, head, body: Vec::new(), whole: true }
    }

    fn answer(&mut self) -> Answer {
        let mut answer = self.head();
        if let Some(length) = answer.field("Content-Length") {
            let body = self.exactly(length.parse().unwrap());
            answer.whole = body.is_some();
            answer.body = body.unwrap_or_default();
        } else if answer.field("Transfer-Encoding") == Some("chunked") {
            answer.whole = self.chunks(&mut answer.body).is_some();
        } else if answer.closes() {
            while self.more() {}
            answer.body = std::mem::take(&mut self.bytes);
        }
        answer
    }

    fn chunks(&mut self, body: &mut Vec<u8>) -> Option<()> {
        loop {
            let line = self.until(b"\r\n")?;
            let size = usize::from_str_radix(std::str::from_utf8(&line[..line.len() - 2]).unwrap(), 16).unwrap();
            body.extend(self.exactly(size)?);
            assert_eq!(self.until(b"\r\n")?, b"\r\n");
            if size == 0 {
                return Some(());
            }
        }
    }

    /// Whether the server closes without saying anything more.
    fn closed(&mut self) -> bool {
        self.bytes.is_empty() && matches!(self.socket.read(&mut [0]), Ok(0))
    }

    /// Whether the server closes, politely or not, whatever it says before.
    fn ends(&mut self) -> bool {
        let mut page = vec![0; 64 * 1024];
        loop {
            match self.socket.read(&mut page) {
                Ok(0) => return true,
                Ok(_) => {}
                Err(error) => return error.kind() == io::ErrorKind::ConnectionReset,
            }
        }
    }
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: h\r\n\r\n")
}

fn post(path: &str, fields: &str, body: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: h\r\n{fields}\r\n{body}")
}

/// Which heads and bodies that are is told beside the code that reads them.
#[test]
fn what_is_refused_is_told_why_and_ends_the_connection() {
    let house = House::open(patient());
    for (request, status) in [
        ("nonsense\r\n\r\n", 400),
        ("\x16\x03\x01\x02", 400),
        ("GET / HTTP/2.0\r\nHost: h\r\n\r\n", 505),
        ("GET / HTTP/1.1\r\nHost: h\r\nExpect: a miracle\r\n\r\n", 417),
        (&post("/echo", "Content-Length: 1001\r\n", "hello"), 413),
        (&post("/echo", "Transfer-Encoding: chunked\r\n", "x\r\n"), 400),
        (&post("/echo", "Transfer-Encoding: chunked\r\n", "3e9\r\n"), 413),
    ] {
        let mut client = house.dial();
        client.send(request);
        let answer = client.answer();
        assert_eq!((answer.status, answer.closes()), (status, true), "{request:?}");
        assert!(answer.text().starts_with("{\"message\":"), "{request:?}");
        assert!(client.closed(), "{request:?}");
    }
}

#[test]
fn refusals_before_the_body_keep_the_connection_if_they_can() {
    let house = House::open(patient());
    for path in ["/refused", "/none"] {
        let mut client = house.dial();
        client.send(post(path, "Content-Length: 65536\r\n", ""));
        let answer = client.answer();
        assert!(!answer.closes(), "{path}: the answer comes before the body");
        client.send("x".repeat(65536) + &get("/next"));
        assert_eq!(client.answer().text(), "at /next");
        for fields in ["Content-Length: 65537\r\n", "Transfer-Encoding: chunked\r\n"] {
            let mut client = house.dial();
            client.send(post(path, fields, ""));
            assert!(client.answer().closes(), "{path} {fields}");
            // The rest is listened to, so that nothing is reset.
            client.send("x".repeat(65537));
            assert!(client.closed(), "{path} {fields}");
        }
    }
    // Not closed by us, but by the end of lingering.
    drop(house);
    let house = House::open(Limits { linger: SHORT, ..patient() });
    let mut client = house.dial();
    client.send(post("/refused", "Content-Length: 65537\r\n", ""));
    assert!(client.answer().closes() && client.closed());
    until_none_live(&house);
}

/// Waits for the connections' threads to end, which the server does by itself.
fn until_none_live(house: &House) {
    while house.live() > 0 {
        thread::yield_now();
    }
}

#[test]
fn expectations() {
    let house = House::open(patient());
    let mut client = house.dial();
    client.send(post("/echo", "Expect: 100-Continue\r\nContent-Length: 5\r\n", ""));
    assert_eq!(client.until(b"\r\n\r\n").unwrap(), b"HTTP/1.1 100 Continue\r\n\r\n");
    client.send("hello");
    assert_eq!(client.answer().text(), "hello");
    for (path, fields, status) in [
        ("/refused", "Content-Length: 5\r\n", 401),
        ("/none", "Content-Length: 5\r\n", 200),
        ("/echo", "Content-Length: 1001\r\n", 413),
    ] {
        let answer = house.ask(post(path, &format!("Expect: 100-continue\r\n{fields}"), ""));
        assert_eq!((answer.status, answer.closes()), (status, true), "{path}");
    }
    let old = house.ask("POST /echo HTTP/1.0\r\nExpect: x\r\nContent-Length: 5\r\n\r\nhello");
    assert_eq!((old.status, old.text()), (200, "hello"));
}

#[test]
fn connections_live_as_long_as_both_want() {
    let house = House::open(patient());
    let mut client = house.dial();
    let chunks = post("/echo", "Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n");
    client.send(get("/a") + &post("/echo", "Content-Length: 2\r\n", "hi") + &chunks + &get("/b"));
    let texts = [client.answer(), client.answer(), client.answer(), client.answer()];
    assert_eq!(texts.each_ref().map(Answer::text), ["at /a", "hi", "hello", "at /b"]);
    client.send("HEAD /json HTTP/1.1\r\nHost: h\r\nAccept-Encoding: gzip\r\n\r\n".to_owned() + &get("/stream"));
    assert_eq!(client.head().field("Content-Encoding"), Some("gzip"));
    let streamed = client.answer();
    assert_eq!((streamed.body.len(), streamed.whole), (100_000, true));
    client.send(get("/ending"));
    assert!(client.answer().closes() && client.closed(), "a service may end the connection");

    let mut client = house.dial();
    client.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: x, Close\r\n\r\n".to_owned() + &get("/never"));
    assert!(client.answer().closes() && client.closed());

    let mut old = house.dial();
    old.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    assert_eq!(old.answer().field("Connection"), Some("keep-alive"));
    old.send("GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    let answer = old.answer();
    assert_eq!((answer.body.len(), answer.field("Transfer-Encoding"), answer.closes()), (100_000, None, true));

    let mut old = house.dial();
    old.send("GET / HTTP/1.0\r\n\r\n");
    assert!(old.answer().closes() && old.closed());

    // A client that closes its half still gets its answer.
    let mut half = house.dial();
    half.send(get("/half"));
    half.socket.shutdown(Shutdown::Write).unwrap();
    assert_eq!(half.answer().text(), "at /half");
    assert!(half.closed());
}

#[test]
fn broken_bodies_break_the_answer() {
    let mut house = House::open(patient());
    let mut client = house.dial();
    client.send(get("/broken"));
    let answer = client.answer();
    assert_eq!((answer.status, answer.whole), (200, false));
    let early = house.ask(get("/panic-body"));
    assert_eq!((early.status, early.closes()), (500, true), "nothing had been sent yet");
    house.close();
    let told = house.service.told.lock().unwrap();
    assert_eq!(told[0], (Some("/broken".into()), 200, 6 * 16 * 1024));
    assert_eq!(told[1].1, 500);
}

#[test]
fn a_panic_costs_one_request() {
    let house = House::open(patient());
    for path in ["/panic-admit", "/panic-answer", "/panic-body"] {
        let mut client = house.dial();
        client.send(get(path));
        let answer = client.answer();
        assert_eq!((answer.status, answer.closes()), (500, true), "{path}");
        assert!(client.closed());
    }
    until_none_live(&house);
    assert_eq!(house.ask(get("/")).status, 200);
}

#[test]
fn deadlines() {
    let house = House::open(Limits { idle: SHORT, ..patient() });
    assert!(house.dial().closed(), "silently");
    let mut client = house.dial();
    client.send(get("/"));
    assert!(client.answer().status == 200 && client.closed());

    let house = House::open(Limits { head: SHORT, ..patient() });
    for head in ["G", "GET / HTTP/1.1\r\nHost: h\r\n", "\r\n"] {
        let answer = house.ask(head);
        assert_eq!((answer.status, answer.closes()), (408, true), "{head:?}");
    }

    let house = House::open(Limits { body_grace: SHORT, body_rate: u64::MAX, ..patient() });
    for (fields, body) in [
        ("Content-Length: 9\r\n", "part"),
        ("Transfer-Encoding: chunked\r\n", "4\r\npart\r\n"),
        ("Transfer-Encoding: chunked\r\n", "4\r\npart\r\n0\r\nTrailer: "),
    ] {
        assert_eq!(house.ask(post("/echo", fields, body)).status, 408, "{fields}");
    }
}

#[test]
fn a_body_at_its_pace_may_take_longer_than_the_grace() {
    // At one byte a second, 1,000 bytes may take a quarter of an hour whatever the grace.
    let house = House::open(Limits { body_grace: SHORT, body_rate: 1, ..patient() });
    let mut client = house.dial();
    client.send(post("/echo", "Content-Length: 1000\r\n", &"x".repeat(999)));
    thread::sleep(SHORT * 3);
    client.send("x");
    assert_eq!(client.answer().body.len(), 1000);
}

#[test]
fn who_does_not_read_is_cut() {
    let house = House::open(Limits { write: SHORT, ..patient() });
    for path in ["/asset", "/endless", "/json"] {
        let mut client = house.dial();
        let requests = get(path).repeat(100);
        client.send(&requests);
        client.until(b"\r\n\r\n").expect("the first answer");
        // Pipelined without end and never read; writing fails when the server has had enough.
        for _ in 0..1000 {
            if client.socket.write_all(requests.as_bytes()).is_err() {
                break;
            }
        }
        until_none_live(&house);
        assert!(client.ends());
    }
    assert!(house.service.told.lock().unwrap().len() < 50_000);
}

#[test]
fn large_bodies_lie_in_a_spool_and_keep_nobody_waiting() {
    let house = House::open(patient());
    let body = "x".repeat(3 << 20);
    let head = post("/large", "Content-Length: 3145728\r\n", "");
    // All of them have sent most of it, and none of them has a place that another would need.
    let mut clients: Vec<Client> = (0..20)
        .map(|_| {
            let mut client = house.dial();
            client.send(&head);
            client.send(&body[1..]);
            client
        })
        .collect();
    clients.iter().for_each(|client| house.until_read(client));
    assert!(house.service.spools.taken() > 50 << 20);
    assert_eq!(house.ask(post("/large", "Content-Length: 3145728\r\n", &body)).text(), "3145728");
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(1 << 16));
    let chunks = post("/large", "Transfer-Encoding: chunked\r\n", &(chunk.repeat(8) + "0\r\n\r\n"));
    assert_eq!(house.ask(chunks).text(), "524288");
    for client in &mut clients {
        client.send("x");
        assert_eq!(client.answer().text(), "3145728");
    }
    until(|| house.service.spools.taken() == 0);
}

#[test]
fn a_body_for_which_the_disk_has_no_room_is_refused() {
    let service = Tiny { spools: Spools::new(std::path::Path::new("/proc/self")), ..Tiny::default() };
    let house = House::with("127.0.0.1:0", service, patient());
    let large = "x".repeat(300 << 10);
    let refused = house.ask(post("/large", "Content-Length: 307200\r\nExpect: 100-continue\r\n", ""));
    assert_eq!((refused.status, refused.closes()), (507, true), "before it is sent");
    let chunks = format!("4b000\r\n{large}\r\n0\r\n\r\n");
    assert_eq!(house.ask(post("/large", "Transfer-Encoding: chunked\r\n", &chunks)).status, 507);
    assert_eq!(house.ask(post("/large", "Content-Length: 200000\r\n", &large[..200_000])).text(), "200000");
}

#[test]
fn who_reads_too_slowly_is_cut() {
    let house = House::open(Limits { answer_grace: SHORT, answer_rate: 1 << 40, ..patient() });
    let mut client = house.dial();
    client.send(get("/endless"));
    // It reads all the time, and the connection ends nevertheless.
    let mut page = vec![0; 1 << 16];
    while client.socket.read(&mut page).is_ok_and(|got| got > 0) {}
    until_none_live(&house);
}

#[test]
fn at_the_cap_the_longest_waiting_one_leaves() {
    // Waiting for a head, within a head, within a body, within an answer that is not read, between requests.
    let unread = get("/endless");
    for start in ["", "GET / HT", "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\npart", &unread, &get("/")]
    {
        let house = House::open(Limits { connections: 2, ..patient() });
        let mut oldest = house.dial();
        oldest.send(start);
        house.until_read(&oldest);
        if start.ends_with("\r\n\r\n") {
            oldest.until(b"\r\n\r\n").unwrap();
        }
        if start == unread {
            thread::sleep(slots::FRESH_ANSWER * 2);
        }
        let mut newer = house.dial();
        newer.send(get("/newer"));
        assert_eq!(newer.answer().text(), "at /newer");
        // The newer one waits for less long now, whatever it did before.
        let mut newest = house.dial();
        newest.send(get("/newest"));
        assert_eq!(newest.answer().text(), "at /newest");
        assert!(oldest.ends(), "{start:?}");
        newer.send(get("/newer"));
        assert_eq!(newer.answer().text(), "at /newer", "{start:?}");
        assert!(house.live() <= 2);
    }
}

#[test]
fn nobody_is_sent_away_while_we_work_for_him() {
    let house = House::open(Limits { connections: 2, full_wait: SHORT, ..patient() });
    let mut busy = [house.dial(), house.dial()];
    busy.iter_mut().for_each(|client| client.send(get("/wait")));
    house.service.until_inside(2);
    for _ in 0..20 {
        let mut refused = house.dial();
        let answer = refused.answer();
        assert_eq!((answer.status, answer.field("Retry-After"), answer.closes()), (503, Some("2"), true));
        assert!(refused.ends());
    }
    assert_eq!(house.live(), 2);
    house.service.open_gate();
    busy.iter_mut().for_each(|client| assert_eq!(client.answer().text(), "at /wait"));
    assert_eq!(house.ask(get("/")).status, 200);
    let told = house.service.told.lock().unwrap();
    assert_eq!(told.iter().filter(|(head, status, _)| head.is_none() && *status == 503).count(), 20);
}

#[test]
fn a_newcomer_gets_the_place_of_who_has_just_been_served() {
    let house = House::open(Limits { connections: 1, ..patient() });
    let mut busy = house.dial();
    busy.send(get("/wait"));
    house.service.until_inside(1);
    let mut waiting = house.dial();
    waiting.send(get("/"));
    house.service.open_gate();
    assert_eq!(busy.answer().text(), "at /wait");
    assert_eq!(waiting.answer().status, 200);
    assert!(busy.closed());
}

#[test]
fn redialling_does_not_pass_the_cap() {
    let house = House::open(Limits { connections: 4, ..patient() });
    let mut kept = Vec::new();
    for _ in 0..500 {
        let mut client = house.dial();
        client.send(get("/"));
        assert_eq!(client.answer().status, 200);
        kept.push(client);
    }
    assert!(house.service.peak.load(Ordering::SeqCst) <= 4);
}

#[test]
fn the_cap_follows_the_file_limit() {
    let line = |soft| {
        format!("Limit  Soft Limit\nMax open files            {soft}                 524288               files\n")
    };
    assert_eq!(cap(&line("1024"), 256), 256);
    assert_eq!(cap(&line("128"), 256), 26);
    assert_eq!(cap(&line("20"), 256), 1);
    assert_eq!(cap(&line("unlimited"), 256), 256);
    assert_eq!(cap("", 256), 256);
}

/// Runs in a process of its own, which the next test starts with few file descriptors.
#[test]
#[ignore = "a part of running_out_of_files_makes_room"]
fn server_without_files() {
    let mut house = House::open(patient());
    let mut hogs: Vec<File> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
    hogs.truncate(hogs.len() - 3);
    println!("\nport {}", house.address.port());
    io::stdin().read_line(&mut String::new()).unwrap();
    house.close();
}

#[test]
fn running_out_of_files_makes_room() {
    let mut child = Command::new("sh")
        .args(["-c", "ulimit -n 80; exec \"$0\" --exact server::tests::server_without_files --ignored --nocapture"])
        .arg(std::env::current_exe().unwrap())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let port = lines.find_map(|line| line.strip_prefix("port ").map(|port| port.parse::<u16>().unwrap())).unwrap();
    let mut kept = Vec::new();
    for _ in 0..60 {
        let socket = TcpStream::connect(("127.0.0.1", port)).unwrap();
        socket.set_read_timeout(Some(LONG)).unwrap();
        let mut client = Client { socket, bytes: Vec::new() };
        client.send(get("/"));
        assert_eq!(client.answer().status, 200);
        kept.push(client);
    }
    assert!(kept.first_mut().unwrap().ends(), "the first has made room");
    child.stdin.take().unwrap().write_all(b"\n").unwrap();
    lines.by_ref().for_each(drop);
    assert!(child.wait().unwrap().success());
}

#[test]
fn stopping_lets_running_requests_finish() {
    let mut house = House::open(patient());
    let mut idle = house.dial();
    idle.send(get("/"));
    assert_eq!(idle.answer().status, 200);
    let mut fresh = house.dial();
    let mut busy = house.dial();
    busy.send(get("/wait"));
    house.service.until_inside(1);
    house.stop.stop();
    assert!(idle.closed() && fresh.closed());
    // Refused, or reset if it came into the backlog just before it was closed.
    assert!(TcpStream::connect(house.address).is_err() || house.stop.asked());
    house.service.open_gate();
    let answer = busy.answer();
    assert_eq!((answer.text(), answer.closes()), ("at /wait", true));
    assert!(busy.closed());
    house.close();
    assert_eq!(house.live(), 0);
    assert!(TcpStream::connect(house.address).is_err());
}

#[test]
fn stopping_does_not_wait_for_ever() {
    let mut house = House::open(Limits { drain: SHORT, ..patient() });
    let mut busy = house.dial();
    busy.send(get("/wait"));
    house.service.until_inside(1);
    house.close();
    assert_eq!(house.live(), 1);
    assert!(busy.ends());
    house.service.open_gate();
    until_none_live(&house);
}

#[test]
fn a_stop_may_come_before_the_start() {
    let stop = Stop::default();
    stop.stop();
    let listener = TcpListener::bind("[::]:0").unwrap();
    serve(listener, Arc::new(Tiny::default()), Limits::default(), &stop, Arc::default()).unwrap();
}

#[test]
fn everything_served_is_told() {
    let mut house = House::open(patient());
    let mut client = house.dial();
    client.send(get("/x") + &get("/204") + &get("/refused") + &get("/x").replace("GET", "HEAD") + "GET");
    client.send(" nothing\r\n\r\n");
    while client.more() {}
    house.close();
    let told = house.service.told.lock().unwrap();
    let told: Vec<(Option<&str>, u16, u64)> = told.iter().map(|(path, a, b)| (path.as_deref(), *a, *b)).collect();
    let refused = (None, 400, 50);
    assert_eq!(
        told,
        [(Some("/x"), 200, 5), (Some("/204"), 204, 0), (Some("/refused"), 401, 2), (Some("/x"), 200, 0), refused]
    );
}

#[test]
fn peers_are_named_without_the_mapping() {
    let mut house = House::with("[::]:0", Tiny::default(), patient());
    house.address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    assert_eq!(house.ask(get("/peer")).text(), "127.0.0.1 ticket");
}
