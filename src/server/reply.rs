//! Writing answers: status line, header fields, and the body in the framing that fits it.

use std::borrow::Cow;
use std::io::{self, Read, Write};
use std::mem;
use std::time::Instant;

use http::StatusCode;
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;

use super::coding::{Coding, Compressors};
use super::head::ConnectionTerms;
use super::{Limits, guarded};
use crate::server::message::{Body, Head, Method, Response};

/// How much of a body is held and written at a time.
const PAGE: usize = 16 * 1024;

/// How an answer has to be sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct WriteMode {
    pub(super) close: bool,
    head_only: bool,
    http10: bool,
    gzip: bool,
}

impl WriteMode {
    /// For the last answer of a connection, to a request of which little may be known.
    pub(super) fn last(head: Option<&Head>) -> Self {
        let head_only = head.is_some_and(|head| head.method == Method::HEAD);
        Self { close: true, head_only, http10: false, gzip: false }
    }

    pub(super) fn of(head: &Head, terms: ConnectionTerms, close: bool) -> Self {
        Self { close, head_only: head.method == Method::HEAD, http10: terms.http10, gzip: terms.gzip }
    }
}

/// How sending an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// All of it was sent, and another request may follow.
    Open,
    /// All of it was sent, and the client knows that the connection ends.
    Closing,
    /// Part of it was sent.
    Cut,
    /// Its body failed before any of it was sent; another answer can take its place.
    BodyFailedEarly,
}

/// What was sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    /// Bytes of the body, after content coding and before framing.
    pub(super) bytes: u64,
    pub(super) ending: Ending,
}

/// How the end of a body is marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BodyFraming {
    /// There is no body and nothing speaks of one.
    None,
    Length(u64),
    Chunked,
    UntilClose,
}

impl BodyFraming {
    fn of(status: u16, body: &Body, http10: bool) -> Self {
        match body {
            _ if matches!(status, ..200 | 204 | 304) => Self::None,
            Body::Bytes(bytes) => Self::Length(count(bytes)),
            Body::Spool(spool, _) => Self::Length(spool.len()),
            Body::Stream(_) if http10 => Self::UntilClose,
            Body::Stream(_) => Self::Chunked,
        }
    }
}

/// The writing half of a connection.
pub(super) struct Output<'a> {
    socket: Box<dyn Write + 'a>,
    compressors: &'a Compressors,
    limits: &'a Limits,
    /// What is written next; never much more than a head and a page.
    out: Vec<u8>,
    date: Date,
    pace: Pace,
}

impl<'a> Output<'a> {
    pub(super) fn new(socket: impl Write + 'a, compressors: &'a Compressors, limits: &'a Limits) -> Self {
        Self {
            socket: Box::new(socket),
            compressors,
            limits,
            out: Vec::new(),
            date: Date::default(),
            pace: Pace::begin(),
        }
    }

    /// Tells a client that waits for it to send its body; false if that failed.
    pub(super) fn send_continue(&mut self) -> bool {
        self.socket.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").is_ok()
    }

    /// Sends an answer, whose body is taken out of it.
    pub(super) fn send(&mut self, response: &mut Response, mut mode: WriteMode) -> Sent {
        let body = mem::replace(&mut response.body, Body::Bytes(Cow::Borrowed(b"")));
        let (coding, body) = Coding::apply(response, body, mode.gzip, self.compressors);
        let framing = BodyFraming::of(response.status, &body, mode.http10);
        let is_last = response.header("Connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
        mode.close |= is_last || framing == BodyFraming::UntilClose;
        self.pace = Pace::begin();
        self.out.clear();
        self.head(response, coding, framing, mode);
        let (bytes, result) = match body {
            _ if mode.head_only || framing == BodyFraming::None => (0, self.flush()),
            Body::Bytes(bytes) => self.bytes(&bytes),
            Body::Spool(spool, _) => self.stream(Box::new(spool.reader()), false),
            Body::Stream(reader) => self.stream(reader, framing == BodyFraming::Chunked),
        };
        let ending = match result {
            Ok(()) if mode.close => Ending::Closing,
            Ok(()) => Ending::Open,
            Err(ending) => ending,
        };
        Sent { bytes, ending }
    }

    fn head(&mut self, response: &Response, coding: Coding, framing: BodyFraming, mode: WriteMode) {
        put(&mut self.out, format_args!("HTTP/1.1 {:03} {}\r\n", response.status, reason(response.status)));
        for (name, value) in &response.headers {
            if ours(name) {
                continue;
            }
            if value.bytes().any(|byte| byte < b' ' && byte != b'\t' || byte == 0x7f) {
                log::error!("the header {name} of an answer is left out: it has a control character in its value");
                continue;
            }
            self.field(name, value);
        }
        if let Some(vary) = coding.vary(response) {
            self.field("Vary", &vary);
        }
        if coding == Coding::Gzip {
            self.field("Content-Encoding", "gzip");
        }
        match framing {
            BodyFraming::None | BodyFraming::UntilClose => {}
            BodyFraming::Length(length) => put(&mut self.out, format_args!("Content-Length: {length}\r\n")),
            BodyFraming::Chunked => self.field("Transfer-Encoding", "chunked"),
        }
        match mode {
            WriteMode { close: true, .. } => self.field("Connection", "close"),
            WriteMode { http10: true, .. } => self.field("Connection", "keep-alive"),
            _ => {}
        }
        put(&mut self.out, format_args!("Date: {}\r\n\r\n", self.date.now()));
    }

    fn field(&mut self, name: &str, value: &str) {
        for part in [name, ": ", value, "\r\n"] {
            self.out.extend_from_slice(part.as_bytes());
        }
    }

    /// Writes what has gathered.
    fn flush(&mut self) -> Result<(), Ending> {
        let result = self.pace.write(&mut *self.socket, &self.out, self.limits);
        self.out.clear();
        result
    }

    /// Sends known bytes: with the head in one write if they are few.
    fn bytes(&mut self, bytes: &[u8]) -> (u64, Result<(), Ending>) {
        let (first, rest) = bytes.split_at(bytes.len().min(PAGE));
        self.out.extend_from_slice(first);
        if self.flush().is_err() {
            return (0, Err(Ending::Cut));
        }
        let mut sent = count(first);
        sent += count(rest);
        match self.pace.write(&mut *self.socket, rest, self.limits) {
            Ok(()) => (sent, Ok(())),
            Err(ending) => (sent, Err(ending)),
        }
    }

    /// Sends a body as it is read.
    fn stream(&mut self, mut reader: Box<dyn Read + Send>, chunked: bool) -> (u64, Result<(), Ending>) {
        let mut page = vec![0; PAGE];
        let mut sent = 0;
        loop {
            let failed = if sent == 0 { Ending::BodyFailedEarly } else { Ending::Cut };
            let got = match guarded("the body of an answer", || fill(&mut *reader, &mut page)) {
                Some(Ok(got)) => got,
                Some(Err(error)) => {
                    log::error!("the body of an answer: {error}");
                    return (sent, Err(failed));
                }
                None => return (sent, Err(failed)),
            };
            self.frame(&page[..got], got < PAGE, chunked);
            if self.flush().is_err() {
                return (sent, Err(Ending::Cut));
            }
            sent += count(&page[..got]);
            if got < PAGE {
                return (sent, Ok(()));
            }
        }
    }

    fn frame(&mut self, page: &[u8], last: bool, chunked: bool) {
        if !chunked {
            return self.out.extend_from_slice(page);
        }
        if !page.is_empty() {
            put(&mut self.out, format_args!("{:x}\r\n", page.len()));
            self.out.extend_from_slice(page);
            self.out.extend_from_slice(b"\r\n");
        }
        if last {
            self.out.extend_from_slice(b"0\r\n\r\n");
        }
    }
}

/// How fast a client takes an answer.
struct Pace {
    began: Instant,
    taken: u64,
}

impl Pace {
    fn begin() -> Self {
        Self { began: Instant::now(), taken: 0 }
    }

    fn is_too_slow(&self, limits: &Limits) -> bool {
        let elapsed = self.began.elapsed();
        elapsed > limits.answer_grace && self.taken / limits.answer_rate.max(1) < elapsed.as_secs()
    }

    /// Writes all bytes, unless the client has gone, stands still, or is too slow.
    fn write(&mut self, socket: &mut dyn Write, mut bytes: &[u8], limits: &Limits) -> Result<(), Ending> {
        while !bytes.is_empty() {
            let got = match socket.write(bytes) {
                Ok(got) if got > 0 => got,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => 0,
                _ => return Err(Ending::Cut),
            };
            self.taken += count(&bytes[..got]);
            bytes = &bytes[got..];
            if self.is_too_slow(limits) {
                return Err(Ending::Cut);
            }
        }
        Ok(())
    }
}

/// Reads until the page is full or the reader at its end.
fn fill(reader: &mut dyn Read, page: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < page.len() {
        match reader.read(&mut page[filled..]) {
            Ok(0) => break,
            Ok(got) => filled += got,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

fn count(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

fn put(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    // Writing to a vector cannot fail.
    let _ = out.write_fmt(text);
}

/// Fields that only this layer can know; a service that sets them as well would contradict the framing. It may set
/// `Connection: close`, and `Vary` for what it has looked at.
fn ours(name: &str) -> bool {
    const OURS: [&str; 5] = ["Content-Length", "Transfer-Encoding", "Connection", "Date", "Vary"];
    OURS.iter().any(|ours| ours.eq_ignore_ascii_case(name))
}

/// The date as answers carry it, written anew once a second.
#[derive(Default)]
struct Date {
    second: i64,
    text: String,
}

impl Date {
    fn now(&mut self) -> &str {
        let now = Timestamp::now();
        if self.text.is_empty() || self.second != now.as_second() {
            // Years beyond 9999 have no such date.
            self.text = DateTimePrinter::new().timestamp_to_rfc9110_string(&now).unwrap_or_default();
            self.second = now.as_second();
        }
        &self.text
    }
}

/// What a status is called; nothing for one that has no name.
fn reason(status: u16) -> &'static str {
    StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    const MODE: WriteMode = WriteMode { close: false, head_only: false, http10: false, gzip: false };

    /// How it ended, the lines of its head without the date, and what follows the head.
    fn written(mut response: Response, mode: WriteMode) -> (Sent, String, Vec<u8>) {
        let (mut bytes, compressors, limits) = (Vec::new(), Compressors::default(), Limits::default());
        let sent = Output::new(&mut bytes, &compressors, &limits).send(&mut response, mode);
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").map_or(0, |at| at + 4);
        let body = bytes.split_off(end);
        let head = String::from_utf8(bytes).unwrap();
        let (head, date) = head.split_once("\r\nDate: ").unwrap_or_default();
        assert!(head.is_empty() || date.len() == 33 && date.ends_with(" GMT\r\n\r\n"), "{date:?}");
        (sent, head.replace("\r\n", " | "), body)
    }

    fn stream(reader: impl Read + Send + 'static) -> Response {
        let mut response = Response::empty(200);
        response.body = Body::Stream(Box::new(reader));
        response
    }

    fn text(length: usize) -> Vec<u8> {
        vec![b'x'; length]
    }

    #[test]
    fn answers_are_framed() {
        let known = |length| Response::bytes(200, None, Cow::Owned(text(length)));
        let streamed = |length| stream(Cursor::new(text(length)));
        let (none, three, long) = (text(0), text(3), text(2 * PAGE));
        let page = [b"4000\r\n", &text(PAGE)[..], b"\r\n"].concat();
        let (chunk, pages) = (b"3\r\nxxx\r\n0\r\n\r\n".to_vec(), [&page[..], &page, b"0\r\n\r\n"].concat());
        let close = WriteMode { close: true, ..MODE };
        let old = WriteMode { http10: true, ..MODE };
        let head_only = WriteMode { head_only: true, ..MODE };
        let tagged = Response::empty(304).with("ETag", "\"a\"");
        for (response, mode, head, body, ending) in [
            (known(3), MODE, "200 OK | Content-Length: 3", &three, Ending::Open),
            (known(2 * PAGE), MODE, "200 OK | Content-Length: 32768", &long, Ending::Open),
            (known(3), close, "200 OK | Content-Length: 3 | Connection: close", &three, Ending::Closing),
            (known(3), old, "200 OK | Content-Length: 3 | Connection: keep-alive", &three, Ending::Open),
            (known(3), head_only, "200 OK | Content-Length: 3", &none, Ending::Open),
            (streamed(3), MODE, "200 OK | Transfer-Encoding: chunked", &chunk, Ending::Open),
            (streamed(2 * PAGE), MODE, "200 OK | Transfer-Encoding: chunked", &pages, Ending::Open),
            (streamed(2 * PAGE), old, "200 OK | Connection: close", &long, Ending::Closing),
            (streamed(3), head_only, "200 OK | Transfer-Encoding: chunked", &none, Ending::Open),
            (Response::empty(200), MODE, "200 OK | Content-Length: 0", &none, Ending::Open),
            (Response::empty(204), MODE, "204 No Content", &none, Ending::Open),
            (tagged, MODE, "304 Not Modified | ETag: \"a\"", &none, Ending::Open),
        ] {
            let (sent, got, rest) = written(response, mode);
            assert_eq!((got, sent.ending), (format!("HTTP/1.1 {head}"), ending));
            assert!(rest == *body, "{head}: {} bytes", rest.len());
        }
        let last = written(known(3).with("Connection", "close"), MODE);
        assert_eq!(
            (last.0.ending, &*last.1),
            (Ending::Closing, "HTTP/1.1 200 OK | Content-Length: 3 | Connection: close")
        );
    }

    #[test]
    fn a_service_cannot_speak_for_this_layer() {
        let response = Response::empty(200).with("X-Bad", "a\r\nX-Evil: b").with("content-length", "7").with("X", "y");
        assert_eq!(written(response, MODE).1, "HTTP/1.1 200 OK | X: y | Content-Length: 0");
    }

    /// Bytes, and then an error.
    struct Breaking(usize);

    impl Read for Breaking {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let count = self.0.min(into.len());
            self.0 -= count;
            into[..count].fill(b'x');
            if count == 0 { Err(io::Error::other("the store is gone")) } else { Ok(count) }
        }
    }

    #[test]
    fn a_body_that_breaks_ends_the_answer_or_takes_it_back() {
        let (sent, _, body) = written(stream(Breaking(6 * PAGE + 10)), MODE);
        assert_eq!((sent.ending, sent.bytes), (Ending::Cut, count(&text(6 * PAGE))));
        assert!(!body.ends_with(b"0\r\n\r\n"), "the client sees that it is not whole");
        let (sent, head, body) = written(stream(Breaking(10)), MODE);
        assert_eq!((sent.ending, &*head, &*body), (Ending::BodyFailedEarly, "", &b""[..]));
    }
}
