//! Made-up stats of any number, and clients that send requests as fast as they are answered.

use monarc_stats::model::stat::NewStat;
use monarc_stats::model::{Client, StatType};
use monarc_stats::store::Store;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Today in the bench's world.
pub fn today() -> jiff::civil::Date {
    jiff::ZonedDateTime::now().date()
}

pub fn days_ago(days: u32) -> jiff::civil::Date {
    today().checked_sub(jiff::Span::new().days(i64::from(days))).unwrap()
}

/// The UUID of the nth thing of a sort.
pub fn uuid(sort: u64, number: u64) -> Uuid {
    Uuid::from_u64_pair(sort << 32 | 0x4000, 0x8000_0000_0000_0000 | number)
}

/// Data of 40 threats as a front office sends it; `version` changes its numbers.
pub fn threats(version: u64) -> String {
    let one = |n: u64| {
        let (count, max, rate) =
            ((n * 7 + version) % 30 + 1, (n * 13 + version * 5) % 60, (n * 31 + version * 17) % 500);
        format!(
            r#"{{"uuid":"{}","label1":"Menace num\u00e9ro {n}","label2":"Threat number {n}","label3":"Bedrohung {n}","label4":"Dreiging {n}","maxRisk":{max},"count":{count},"averageRate":"{}.{:02}"}}"#,
            uuid(1, n),
            rate / 100,
            rate % 100
        )
    };
    format!("[{}]", (0..40).map(one).collect::<Vec<_>>().join(","))
}

/// Data of the levels of risk.
pub fn risks(version: u64) -> String {
    let levels = |n: u64| {
        format!(
            r#"[{{"level":"Low risks","value":{}}},{{"level":"Medium risks","value":{}}},{{"level":"High risks","value":{}}}]"#,
            (version + n) % 90,
            (version * 3 + n) % 40,
            (version * 7 + n) % 12
        )
    };
    let state = |n: u64| format!(r#"{{"informational":{},"operational":{}}}"#, levels(n), levels(n + 1));
    format!(
        r#"{{"total":{{"current":{{"informational":101,"operational":28}},"residual":{{"informational":101,"operational":28}}}},"risks":{{"current":{},"residual":{}}}}}"#,
        state(0),
        state(5)
    )
}

/// The five stats of the fixture's front office, 66 KB, with the analysis and date left open.
pub fn office_batch() -> Vec<(StatType, String)> {
    let samples: Vec<_> = monarc_stats::demo::sample::samples(today(), 1).unwrap().collect();
    let anr = samples[0].anr;
    let own = samples.into_iter().filter(|sample| sample.anr == anr);
    own.map(|sample| (StatType::parse(sample.kind).unwrap(), sample.data)).collect()
}

/// A batch as JSON text. A `version` makes every content new, by a key that is kept and that nobody reads.
pub fn body(stats: &[(StatType, String)], anr: Uuid, date: jiff::civil::Date, version: Option<usize>) -> String {
    let one = |(kind, data): &(StatType, String)| {
        let data = match version {
            Some(version) => data.replacen('{', &format!("{{\"version\":{version},"), 1),
            None => data.clone(),
        };
        format!(r#"{{"anr":"{anr}","type":"{}","date":"{date}","data":{data}}}"#, kind.name())
    };
    stats.iter().map(one).collect::<Vec<_>>().join(",")
}

/// Fills a store with threat stats: `analyses` times `days`, each analysis changing every tenth day.
pub fn fill(store: &Store, client: &Client, analyses: u64, days: u32) {
    for day in (0..days).rev() {
        let texts: Vec<String> = (0..analyses).map(|a| threats(a % 97 + u64::from(day / 10) * 3)).collect();
        let stats: Vec<NewStat<'_>> = texts
            .iter()
            .zip(0..)
            .map(|(data, a)| NewStat::new(None, uuid(2, a), StatType::Threat, days_ago(day), data))
            .collect();
        store.add_stats(client, &stats).unwrap();
    }
}

/// A connection that stays open.
pub struct Caller {
    socket: TcpStream,
    buffer: Vec<u8>,
}

impl Caller {
    pub fn new(address: &str) -> Self {
        let socket = TcpStream::connect(address).unwrap();
        socket.set_nodelay(true).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
        Self { socket, buffer: vec![0; 1 << 20] }
    }

    /// Sends a request and reads the whole answer; gives its status and the bytes of its body.
    pub fn call(&mut self, request: &[u8]) -> (u16, usize) {
        self.socket.write_all(request).unwrap();
        let mut answer = Vec::new();
        loop {
            let read = self.socket.read(&mut self.buffer).unwrap();
            assert!(read > 0, "the service hung up after {:?}", String::from_utf8_lossy(&answer));
            answer.extend(&self.buffer[..read]);
            if let Some(done) = whole(&answer) {
                return done;
            }
        }
    }
}

/// Status and body length of an answer that has arrived in full.
fn whole(answer: &[u8]) -> Option<(u16, usize)> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&answer[..end]).unwrap();
    let status = head[9..12].parse().unwrap();
    let field = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    match field("Content-Length:") {
        Some(length) => (answer.len() - end >= length.parse().unwrap()).then_some((status, answer.len() - end)),
        None => answer.ends_with(b"0\r\n\r\n").then_some((status, answer.len() - end)),
    }
}

/// The bytes of a request on a connection that stays open.
pub fn request(method: &str, path: &str, token: &str, body: &str) -> Vec<u8> {
    format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nX-API-KEY: {token}\r\nUser-Agent: MONARC/2.13.0\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// How often `work` can be done in a second by `threads` threads, each with what `prepare` gives it.
pub fn rate<T: Send>(
    threads: usize,
    span: Duration,
    prepare: impl Fn(usize) -> T,
    work: impl Fn(&mut T, usize) + Sync,
) -> f64 {
    let states: Vec<T> = (0..threads).map(prepare).collect();
    let start = Instant::now();
    let total: usize = std::thread::scope(|scope| {
        let work = &work;
        let handles: Vec<_> = states
            .into_iter()
            .enumerate()
            .map(|(thread, mut state)| {
                scope.spawn(move || {
                    let mut done = 0;
                    while start.elapsed() < span {
                        work(&mut state, done * threads + thread);
                        done += 1;
                    }
                    done
                })
            })
            .collect();
        handles.into_iter().map(|handle| handle.join().unwrap()).sum()
    });
    total as f64 / start.elapsed().as_secs_f64()
}
