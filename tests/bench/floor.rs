//! The floors: what SQLite and sockets alone can do with the same rows and bytes.

use monarc_stats::server;
use monarc_stats::server::message::{Body, Head, Received, Response, Served, Service};
use monarc_stats::server::spool::Spools;
use rusqlite::{Connection, OptionalExtension, params};
use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

/// Bytes of a row of sums: as many as 32 threats of a few analyses take.
const SUMS: usize = 300;

/// A bare table of stats with the durability of the service's.
pub fn database(path: &Path) -> Connection {
    let connection = Connection::open(path).unwrap();
    connection.busy_timeout(std::time::Duration::from_secs(30)).unwrap();
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL;
             PRAGMA synchronous = FULL;
             CREATE TABLE IF NOT EXISTS stat (
                 uuid BLOB NOT NULL UNIQUE, client INTEGER, anr BLOB, type TEXT, date TEXT, data TEXT,
                 UNIQUE (client, anr, type, date)) STRICT;
             CREATE TABLE IF NOT EXISTS sums (date TEXT, bucket INTEGER, entries BLOB, PRIMARY KEY (date, bucket))
                 WITHOUT ROWID;",
        )
        .unwrap();
    connection
}

/// One transaction with these rows, and with as many rows of sums read and written again as the service has for them.
pub fn insert(connection: &mut Connection, anr: uuid::Uuid, date: &str, rows: &[(&str, String)], sums: usize) {
    let tx = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).unwrap();
    for (kind, data) in rows {
        tx.prepare_cached("INSERT INTO stat VALUES (?1, 1, ?2, ?3, ?4, ?5)")
            .unwrap()
            .execute(params![uuid::Uuid::new_v4().into_bytes(), anr.into_bytes(), kind, date, data])
            .unwrap();
    }
    for bucket in 0..i64::try_from(sums).unwrap() {
        let old: Option<Vec<u8>> = tx
            .prepare_cached("SELECT entries FROM sums WHERE date = ?1 AND bucket = ?2")
            .and_then(|mut statement| statement.query_row(params![date, bucket], |row| row.get(0)).optional())
            .unwrap();
        let entries: Vec<u8> = old.unwrap_or(vec![1; SUMS]).iter().map(|byte| byte.wrapping_add(1)).collect();
        tx.prepare_cached("INSERT INTO sums VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET entries = excluded.entries")
            .unwrap()
            .execute(params![date, bucket, entries])
            .unwrap();
    }
    tx.commit().unwrap();
}

/// The HTTP layer with nothing behind it: every request gets the same bytes.
pub struct Constant(pub Vec<u8>, pub Spools);

impl Service for Constant {
    type Ticket = ();

    fn admit(&self, _: &Head) -> Result<((), usize), Response> {
        Ok(((), 1 << 20))
    }

    fn answer(&self, _: &Head, (): (), _: Received) -> Response {
        let mut response = Response::bytes(200, Some("application/json"), Cow::Borrowed(b""));
        response.body = Body::Bytes(Cow::Owned(self.0.clone()));
        response
    }

    fn refusal(&self, status: u16, _: &str) -> Response {
        Response::empty(status)
    }

    fn spools(&self) -> &Spools {
        &self.1
    }

    fn served(&self, _: &Served<'_>) {}
}

/// A server that answers a constant until the process ends; gives its address.
pub fn constant(bytes: Vec<u8>) -> String {
    let (listener, address) = server::listen("127.0.0.1:0".parse().unwrap()).unwrap();
    std::thread::spawn(move || {
        let (limits, count) = (server::Limits::default(), Arc::new(AtomicUsize::new(0)));
        server::serve(
            listener,
            Arc::new(Constant(bytes, Spools::new(&std::env::temp_dir()))),
            limits,
            &server::Stop::default(),
            count,
        )
        .unwrap();
    });
    address.to_string()
}

/// The same by tiny_http, with a thread for each of so many connections: the peer that others would take.
pub fn peer(bytes: Vec<u8>, threads: usize) -> String {
    let server = Arc::new(tiny_http::Server::http("127.0.0.1:0").unwrap());
    for _ in 0..threads {
        let (server, bytes) = (Arc::clone(&server), bytes.clone());
        std::thread::spawn(move || {
            while let Ok(mut request) = server.recv() {
                std::io::copy(request.as_reader(), &mut std::io::sink()).unwrap();
                let json = "Content-Type: application/json".parse::<tiny_http::Header>().unwrap();
                let _ = request.respond(tiny_http::Response::from_data(bytes.clone()).with_header(json));
            }
        });
    }
    server.server_addr().to_string()
}
