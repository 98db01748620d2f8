//! Requests and responses as plain values: what a handler sees instead of a socket.
//!
//! The HTTP layer above turns bytes into these and back; the API below it never learns how they travelled.

use super::spool::{Spool, Spools};
pub use http::Method;
use http::header::{HeaderMap, HeaderValue};
use std::borrow::Cow;
use std::io::{self, Read};
use std::net::IpAddr;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

/// Header fields. Their values are bytes: one that is no text is as good as absent to whoever wants a text, and spoils
/// nothing for those who do not ask for it.
#[derive(Clone, Debug, Default)]
pub struct Headers(pub HeaderMap);

impl Headers {
    /// These fields, for tests.
    #[cfg(test)]
    pub fn of(fields: &[(&str, &str)]) -> Self {
        let one = |(name, value): &(&str, &str)| {
            (http::HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap())
        };
        Self(fields.iter().map(one).collect())
    }

    /// The first field of this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(text)
    }

    /// Every field of this name, in order.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.get_all(name).iter().filter_map(text)
    }

    /// Whether `Accept-Encoding` lets us answer in gzip.
    pub fn accepts_gzip(&self) -> bool {
        let mut others = false;
        for item in self.all("Accept-Encoding").flat_map(|value| value.split(',')) {
            let (name, parameters) = item.split_once(';').unwrap_or((item, ""));
            match name.trim() {
                name if name.eq_ignore_ascii_case("gzip") || name.eq_ignore_ascii_case("x-gzip") => {
                    return wanted(parameters);
                }
                "*" => others = wanted(parameters),
                _ => {}
            }
        }
        others
    }
}

fn text(value: &HeaderValue) -> Option<&str> {
    std::str::from_utf8(value.as_bytes()).ok()
}

/// Whether the weight in these parameters is above zero; one that cannot be read is not.
fn wanted(parameters: &str) -> bool {
    let weight = parameters.split(';').find_map(|item| item.trim().strip_prefix(['q', 'Q'])?.trim().strip_prefix('='));
    weight.is_none_or(|text| text.trim().parse::<f32>().is_ok_and(|weight| weight > 0.0))
}

/// A request before its body: all that routing and authorisation need.
#[derive(Clone, Debug)]
pub struct Head {
    /// What to do.
    pub method: Method,
    /// The path as it was sent: still percent-encoded, with prefix and doubled slashes.
    pub path: String,
    /// What follows the question mark, still encoded; empty if there is none.
    pub query: String,
    /// Its header fields.
    pub headers: Headers,
    /// The address at the other end of the connection.
    pub peer: IpAddr,
}

/// The body of a request, with transfer codings removed.
#[derive(Clone)]
pub struct Received(Option<Arc<Spool>>);

impl Received {
    /// No body at all.
    pub fn empty() -> Self {
        Self(None)
    }

    /// How many bytes it has.
    pub fn len(&self) -> u64 {
        self.0.as_ref().map_or(0, |spool| spool.len())
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All of it in memory, which is meant for small ones.
    ///
    /// # Errors
    /// Those of the file that it may lie in.
    pub fn bytes(&self) -> io::Result<Vec<u8>> {
        self.range(0..self.len())
    }

    /// A part of it in memory.
    ///
    /// # Errors
    /// The same.
    pub fn range(&self, range: Range<u64>) -> io::Result<Vec<u8>> {
        self.0.as_ref().map_or(Ok(Vec::new()), |spool| spool.read_range(range))
    }

    /// Reads a part of it piece by piece.
    pub fn reader(&self, range: Range<u64>) -> Box<dyn Read + Send> {
        match &self.0 {
            Some(spool) => Box::new(spool.reader_of(range)),
            None => Box::new(io::empty()),
        }
    }
}

impl From<Spool> for Received {
    fn from(spool: Spool) -> Self {
        Self(Some(Arc::new(spool)))
    }
}

/// The body of a response.
pub enum Body {
    /// Known bytes; borrowed where they are part of the program.
    Bytes(Cow<'static, [u8]>),
    /// What lies in a spool, which others may be reading too, and the same in gzip if somebody has made it.
    Spool(Arc<Spool>, Option<Arc<Spool>>),
    /// Written as it is read, page by page, its length unknown. An error of the reader cuts the connection,
    /// so that the client sees a broken answer rather than a short one.
    Stream(Box<dyn Read + Send>),
}

/// An answer, and what the log and the metrics say about it.
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Header fields; length, date, connection and content coding are the HTTP layer's. `Connection: close` ends the
    /// connection with this answer.
    pub headers: Vec<(&'static str, Cow<'static, str>)>,
    /// Body.
    pub body: Body,
    /// The name of the client that asked, for the access log.
    pub client: Option<String>,
    /// The route's pattern, for the metrics.
    pub route: &'static str,
}

impl Response {
    /// An answer without a body.
    pub fn empty(status: u16) -> Self {
        Self::bytes(status, None, Cow::Borrowed(b""))
    }

    /// An answer of known bytes.
    pub fn bytes(status: u16, content_type: Option<&'static str>, bytes: Cow<'static, [u8]>) -> Self {
        let headers = content_type.map(|text| ("Content-Type", Cow::Borrowed(text))).into_iter().collect();
        Self { status, headers, body: Body::Bytes(bytes), client: None, route: "" }
    }

    /// The same answer with one more header field.
    pub fn with(mut self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The first header field of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_ref())
    }
}

/// What was served, told to the service when the last byte has left (or could not).
pub struct Served<'a> {
    /// What was asked; absent when not even a head could be read.
    pub head: Option<&'a Head>,
    /// HTTP status sent.
    pub status: u16,
    /// Body bytes sent.
    pub bytes: u64,
    /// From the first byte of the request to the last of the answer.
    pub elapsed: Duration,
    /// See [`Response::client`].
    pub client: Option<&'a str>,
    /// See [`Response::route`].
    pub route: &'static str,
}

/// What the HTTP layer serves. Two steps, so that a body is only read for those who may send one.
pub trait Service: Send + Sync + 'static {
    /// What the first step decided, handed to the second.
    type Ticket: Send;

    /// Decides from the head alone: who may go on and with how large a body (0: any body is thrown away unread),
    /// or the answer that ends it here.
    fn admit(&self, head: &Head) -> Result<(Self::Ticket, usize), Response>;

    /// Answers an admitted request.
    fn answer(&self, head: &Head, ticket: Self::Ticket, body: Received) -> Response;

    /// The JSON answer for a request that the HTTP layer itself refuses, such as 400, 408, 413, 431, 500, 501 or 503.
    fn refusal(&self, status: u16, reason: &str) -> Response;

    /// Where what is large and waits for somebody slow may lie.
    fn spools(&self) -> &Spools;

    /// Told after each answer: the access log and the metrics.
    fn served(&self, served: &Served<'_>);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(value: &str) -> bool {
        Headers::of(&[("Accept-Encoding", value)]).accepts_gzip()
    }

    #[test]
    fn weights_and_the_star_count() {
        for yes in ["gzip", "deflate, GZIP", "br, gzip;q=0.1", "*", "*;q=0, gzip", "x-gzip", "gzip; q=1.000"] {
            assert!(accepts(yes), "{yes}");
        }
        for no in ["", "identity", "gzip;q=0", "gzip; q=0.000, *", "*;q=0", "br", "gzip;q=no", "gzipped"] {
            assert!(!accepts(no), "{no}");
        }
        assert!(!Headers::default().accepts_gzip());
    }
}
