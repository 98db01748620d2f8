//! From the bytes of a head to a [`Head`], and what it says about the connection and the body.
//!
//! Strict on purpose: whatever another HTTP parser could read differently (bare line feeds, folded lines, two lengths)
//! is refused, so that a proxy in front of us cannot be made to disagree with us about where a request ends.

use std::net::IpAddr;
use std::time::Instant;

use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use super::Fault;
use super::input::{BUFFER, Input};
use crate::server::message::{Head, Headers, Method};

/// Header fields of one request.
const MAX_FIELDS: usize = 64;

const MALFORMED: Fault = Fault::Refuse(400, "the head of the request is malformed");

/// How the body is delimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// There is none.
    None,
    /// So many bytes.
    Length(u64),
    /// `Transfer-Encoding: chunked`.
    Chunked,
}

/// What a head says besides the request itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct ConnectionTerms {
    pub(super) framing: Framing,
    /// The client waits for a word before it sends the body.
    pub(super) expects: bool,
    pub(super) http10: bool,
    pub(super) close: bool,
    pub(super) gzip: bool,
}

/// Waits for a whole head and returns its length; it is still in the input.
pub(super) fn receive(input: &mut Input<'_>, deadline: Instant) -> Result<usize, Fault> {
    let mut scan = Scan::default();
    loop {
        if let Some(length) = scan.advance(input.bytes())? {
            return Ok(length);
        }
        if input.bytes().len() >= BUFFER {
            return Err(Fault::Refuse(431, "the head of the request is larger than 16 KB"));
        }
        input.fill(deadline).map_err(|stall| stall.fault("the head of the request took too long"))?;
    }
}

/// Looks for the end of a head, each byte once, and for what no head may contain: a client that speaks TLS, or ends
/// its lines with a bare line feed, learns so at once rather than by the deadline.
#[derive(Default)]
struct Scan {
    next: usize,
    line: usize,
    begun: bool,
}

impl Scan {
    fn advance(&mut self, bytes: &[u8]) -> Result<Option<usize>, Fault> {
        while let Some(&byte) = bytes.get(self.next) {
            let after_return = self.next > self.line && bytes[self.next - 1] == b'\r';
            let allowed = match byte {
                b'\n' => after_return,
                b'\r' | b'!'..=b'~' => !after_return,
                // A line that begins with white space is a folded one.
                b' ' | b'\t' | 0x80.. => !after_return && self.next > self.line,
                _ => false,
            };
            if !allowed {
                return Err(MALFORMED);
            }
            self.next += 1;
            if byte == b'\n' {
                let empty = self.next - self.line == 2;
                self.line = self.next;
                if empty && self.begun {
                    return Ok(Some(self.next));
                }
                // RFC 9112 wants empty lines before a request to be ignored.
                self.begun |= !empty;
            }
        }
        Ok(None)
    }
}

/// All that is done to a head, for the fuzzer and for tests; takes it away from the input.
#[cfg(any(test, fuzzing))]
pub(super) fn examine(input: &mut Input<'_>) -> Result<(Head, ConnectionTerms), Fault> {
    let length = receive(input, Instant::now())?;
    let parsed = parse(&input.bytes()[..length], std::net::Ipv4Addr::LOCALHOST.into());
    input.consume(length);
    let (head, http10) = parsed?;
    let terms = ConnectionTerms::of(&head, http10)?;
    Ok((head, terms))
}

/// Reads a whole head; the second value is true for HTTP/1.0.
pub(super) fn parse(bytes: &[u8], peer: IpAddr) -> Result<(Head, bool), Fault> {
    let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut request = httparse::Request::new(&mut fields);
    match request.parse(bytes) {
        Ok(httparse::Status::Complete(_)) => {}
        Err(httparse::Error::TooManyHeaders) => {
            return Err(Fault::Refuse(431, "the request has more than 64 header fields"));
        }
        Err(httparse::Error::Version) if names_another_version(bytes) => {
            return Err(Fault::Refuse(505, "only HTTP/1.0 and HTTP/1.1 are spoken here"));
        }
        _ => return Err(MALFORMED),
    }
    let method = request.method.unwrap_or_default();
    let (path, query) = target(method, request.path.unwrap_or_default())?;
    let mut headers = HeaderMap::with_capacity(request.headers.len());
    for field in request.headers.iter() {
        let (name, value) = header(field)?;
        headers.append(name, value);
    }
    let method = Method::from_bytes(method.as_bytes()).map_err(|_| MALFORMED)?;
    let head = Head { method, path, query, headers: Headers(headers), peer };
    Ok((head, request.version == Some(0)))
}

/// Whether the first line ends in something like `HTTP/2.0`.
fn names_another_version(bytes: &[u8]) -> bool {
    let line = bytes.split(|byte| *byte == b'\r').map(<[u8]>::trim_ascii).find(|line| !line.is_empty());
    match line.and_then(|line| line.rsplit(|byte| *byte == b' ').next()?.strip_prefix(b"HTTP/")) {
        Some(b"1.0" | b"1.1") => false,
        Some([major, b'.', minor]) => major.is_ascii_digit() && minor.is_ascii_digit(),
        _ => false,
    }
}

/// Fields by which connection and body are understood: what another parser could read differently is refused.
const NEEDED: [HeaderName; 5] =
    [header::HOST, header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::CONNECTION, header::EXPECT];

fn header(field: &httparse::Header<'_>) -> Result<(HeaderName, HeaderValue), Fault> {
    let name = HeaderName::from_bytes(field.name.as_bytes()).map_err(|_| MALFORMED)?;
    let value = HeaderValue::from_bytes(field.value.trim_ascii()).map_err(|_| MALFORMED)?;
    if NEEDED.contains(&name) && std::str::from_utf8(value.as_bytes()).is_err() {
        return Err(MALFORMED);
    }
    Ok((name, value))
}

/// Path and query of a request's target.
fn target(method: &str, raw: &str) -> Result<(String, String), Fault> {
    const BAD: Fault = Fault::Refuse(400, "the target of the request is neither a path nor a URL");
    if raw == "*" {
        return if method == "OPTIONS" { Ok(("*".to_owned(), String::new())) } else { Err(BAD) };
    }
    if !raw.is_ascii() || raw.contains('#') {
        return Err(BAD);
    }
    let local = if raw.starts_with('/') { raw } else { behind_host(raw).ok_or(BAD)? };
    let (path, query) = local.split_once('?').unwrap_or((local, ""));
    Ok((if path.is_empty() { "/" } else { path }.to_owned(), query.to_owned()))
}

/// What follows the host of an absolute URL.
fn behind_host(url: &str) -> Option<&str> {
    let (scheme, rest) = url.split_once("://")?;
    let known = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    (known && end > 0).then(|| &rest[end..])
}

impl ConnectionTerms {
    /// Reads the fields that concern connection and body, or says why they cannot be met.
    pub(super) fn of(head: &Head, http10: bool) -> Result<Self, Fault> {
        check_host(&head.headers, http10)?;
        let framing = framing(&head.headers, http10)?;
        let expects = expects(&head.headers, http10)?;
        let close = has_token(&head.headers, "close") || http10 && !has_token(&head.headers, "keep-alive");
        Ok(Self { framing, expects, http10, close, gzip: head.headers.accepts_gzip() })
    }
}

fn check_host(headers: &Headers, http10: bool) -> Result<(), Fault> {
    let mut hosts = headers.all("Host");
    match (hosts.next(), hosts.next()) {
        (None, _) if http10 => Ok(()),
        (None, _) => Err(Fault::Refuse(400, "the Host header is missing")),
        (Some(_), Some(_)) => Err(Fault::Refuse(400, "there is more than one Host header")),
        (Some(host), None) if host.bytes().all(|byte| byte.is_ascii_graphic() && !b"/?#@\\\"<>,".contains(&byte)) => {
            Ok(())
        }
        _ => Err(Fault::Refuse(400, "the Host header is malformed")),
    }
}

fn framing(headers: &Headers, http10: bool) -> Result<Framing, Fault> {
    let mut codings = headers.all("Transfer-Encoding");
    let mut lengths = headers.all("Content-Length");
    match (codings.next(), lengths.next()) {
        (None, None) => Ok(Framing::None),
        (None, Some(length)) if lengths.next().is_none() => Ok(match length_of(length)? {
            0 => Framing::None,
            length => Framing::Length(length),
        }),
        (None, _) => Err(Fault::Refuse(400, "there is more than one Content-Length")),
        (_, Some(_)) => Err(Fault::Refuse(400, "Content-Length and Transfer-Encoding exclude each other")),
        _ if http10 => Err(Fault::Refuse(400, "HTTP/1.0 has no Transfer-Encoding")),
        (Some(coding), None) if coding.eq_ignore_ascii_case("chunked") && codings.next().is_none() => {
            Ok(Framing::Chunked)
        }
        _ => Err(Fault::Refuse(501, "the only Transfer-Encoding known here is chunked")),
    }
}

fn length_of(text: &str) -> Result<u64, Fault> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let length = if digits { text.parse().ok() } else { None };
    length.ok_or(Fault::Refuse(400, "the Content-Length is malformed"))
}

fn expects(headers: &Headers, http10: bool) -> Result<bool, Fault> {
    // RFC 9110 wants the field to be ignored in HTTP/1.0.
    if http10 || headers.get("Expect").is_none() {
        return Ok(false);
    }
    if headers.all("Expect").all(|value| value.eq_ignore_ascii_case("100-continue")) {
        return Ok(true);
    }
    Err(Fault::Refuse(417, "the only expectation met here is 100-continue"))
}

fn has_token(headers: &Headers, token: &str) -> bool {
    headers.all("Connection").flat_map(|value| value.split(',')).any(|item| item.trim().eq_ignore_ascii_case(token))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: impl AsRef<[u8]>) -> Result<(Head, ConnectionTerms), Fault> {
        examine(&mut Input::new(bytes.as_ref()))
    }

    fn refusal(bytes: impl AsRef<[u8]>) -> u16 {
        match read(&bytes) {
            Err(Fault::Refuse(status, _)) => status,
            other => panic!("{:?} gives {other:?}", String::from_utf8_lossy(bytes.as_ref())),
        }
    }

    fn with(fields: &str) -> String {
        format!("POST / HTTP/1.1\r\nHost: h\r\n{fields}\r\n")
    }

    /// A head of so many bytes.
    fn head_of(length: usize) -> String {
        with(&format!("A: {}\r\n", "b".repeat(length - with("A: \r\n").len())))
    }

    #[test]
    fn what_another_parser_could_read_differently_is_refused() {
        for (head, status) in [
            (&b"nonsense\r\n\r\n"[..], 400),
            (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
            (b"\x80\x2e\x01", 400),
            (b"GET / HTTP/1.1\nHost: h\n\n", 400),
            (b"GET / HTTP/1.1\r\n\r\n", 400),
            (b"GET  / HTTP/1.1\r\nHost: h\r\n\r\n", 400),
            (b"GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", 400),
            (b"GET * HTTP/1.1\r\nHost: h\r\n\r\n", 400),
            (b"GET host HTTP/1.1\r\nHost: h\r\n\r\n", 400),
            (b"GET ftp://h/ HTTP/1.1\r\nHost: h\r\n\r\n", 400),
            ("GET /ä HTTP/1.1\r\nHost: h\r\n\r\n".as_bytes(), 400),
            (b"CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n", 400),
            (b"GET / HTTP/2.0\r\nHost: h\r\n\r\n", 505),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
            (b"GET / HTTP/1.2\r\nHost: h\r\n\r\n", 505),
            (b"GET / HTTQ/1.1\r\nHost: h\r\n\r\n", 400),
        ] {
            assert_eq!(refusal(head), status, "{head:?}");
        }
    }

    #[test]
    fn fields_that_are_refused() {
        for (fields, status) in [
            (&b"\n"[..], 400),
            (b"A: b\0c\r\n", 400),
            (b"A: b\rc\r\n", 400),
            (b"A: b\r\n folded\r\n", 400),
            ("Ä: b\r\n".as_bytes(), 400),
            (b"A : b\r\n", 400),
            (b"no colon\r\n", 400),
            (b"Host: h\r\n", 400),
            (b"Content-Length: 1\xff\r\n", 400),
            (b"Transfer-Encoding: \xffchunked\r\n", 400),
            (b"Connection: \xff\r\n", 400),
            (b"Expect: a miracle\r\n", 417),
        ] {
            let head = [b"GET / HTTP/1.1\r\nHost: h\r\n", fields, b"\r\n"].concat();
            assert_eq!(refusal(head), status, "{fields:?}");
        }
        for host in ["Host: h/x", "Host: \u{ff}", "Host: a b", "Host: h\r\nHost: h"] {
            assert_eq!(refusal(format!("GET / HTTP/1.1\r\n{host}\r\n\r\n")), 400, "{host}");
        }
        assert_eq!(refusal(b"GET / HTTP/1.1\r\nHost: \xff\r\n\r\n"), 400);
    }

    #[test]
    fn heads_have_a_size() {
        assert!(read(with(&"A: b\r\n".repeat(63))).is_ok());
        assert_eq!(refusal(with(&"A: b\r\n".repeat(64))), 431);
        assert_eq!(refusal(head_of(BUFFER + 1)), 431);
        assert_eq!(refusal(format!("GET /{} HTTP/1.1\r\nHost: h\r\n\r\n", "b".repeat(BUFFER))), 431);
        // The second one begins in the middle of the buffer.
        let three = with("") + &head_of(BUFFER) + &head_of(BUFFER);
        let mut input = Input::new(three.as_bytes());
        assert!((0..3).all(|_| examine(&mut input).is_ok()));
        assert_eq!(examine(&mut input).unwrap_err(), Fault::Gone);
    }

    /// A proxy's user name, a cookie: what nobody reads need not be text.
    #[test]
    fn values_of_other_fields_are_bytes() {
        let (head, _) =
            read(b"GET / HTTP/1.1\r\nHost: h\r\nX-Remote-User: Ren\xe9\r\nCookie: a=\xff\xfe\r\n\r\n").unwrap();
        assert_eq!(head.headers.0.get("Cookie").unwrap().as_bytes(), b"a=\xff\xfe");
    }

    #[test]
    fn targets_become_a_path_and_a_query() {
        for (line, method, path, query) in [
            ("GET /head?a=%20b?c HTTP/1.1\r\nHost: h", "GET", "/head", "a=%20b?c"),
            ("GET http://other:80/head?q HTTP/1.1\r\nHost: h", "GET", "/head", "q"),
            ("GET HTTPS://other HTTP/1.1\r\nHost: h", "GET", "/", ""),
            ("OPTIONS * HTTP/1.1\r\nHost: h", "OPTIONS", "*", ""),
            ("\r\n\r\nBREW //head/../x HTTP/1.1\r\nHost:", "BREW", "//head/../x", ""),
        ] {
            let (head, _) = read(format!("{line}\r\n\r\n")).unwrap();
            assert_eq!((head.method.as_str(), &*head.path, &*head.query), (method, path, query), "{line}");
        }
    }

    #[test]
    fn bodies_have_one_length_or_are_chunked() {
        let framing = |fields: &str| read(with(fields)).map(|(_, terms)| terms.framing);
        assert_eq!(framing(""), Ok(Framing::None));
        assert_eq!(framing("Content-Length: 0\r\n"), Ok(Framing::None));
        assert_eq!(framing("Content-Length: 005\r\n"), Ok(Framing::Length(5)));
        assert_eq!(framing("Transfer-Encoding: Chunked\r\n"), Ok(Framing::Chunked));
        for (fields, status) in [
            ("Content-Length: 5\r\nContent-Length: 5\r\n", 400),
            ("Content-Length: 5, 5\r\n", 400),
            ("Content-Length: +5\r\n", 400),
            ("Content-Length: -5\r\n", 400),
            ("Content-Length: 0x5\r\n", 400),
            ("Content-Length:\r\n", 400),
            ("Content-Length: 1000000000000000000000000000000\r\n", 400),
            ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", 400),
            ("Transfer-Encoding: gzip\r\n", 501),
            ("Transfer-Encoding: gzip, chunked\r\n", 501),
            ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", 501),
        ] {
            assert_eq!(refusal(with(fields)), status, "{fields:?}");
        }
        assert_eq!(refusal("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400);
    }

    #[test]
    fn the_terms_are_those_of_the_version() {
        for (head, http10, close, expects) in [
            (with(""), false, false, false),
            (with("Connection: x, Close\r\n"), false, true, false),
            (with("Expect: 100-Continue\r\n"), false, false, true),
            ("GET / HTTP/1.0\r\n\r\n".into(), true, true, false),
            ("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n".into(), true, false, false),
            ("GET / HTTP/1.0\r\nExpect: x\r\n\r\n".into(), true, true, false),
        ] {
            let (_, terms) = read(&head).unwrap();
            assert_eq!((terms.http10, terms.close, terms.expects), (http10, close, expects), "{head}");
        }
    }
}
