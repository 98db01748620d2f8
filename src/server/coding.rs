//! Content coding: which answers are worth compressing, and which clients take them so.

use std::borrow::Cow;
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::Duration;

use flate2::Compression;
use flate2::read::GzEncoder;

use super::gate::{Gate, Permit};
use super::spool::{Spool, Spools};
use crate::server::message::{Body, Response};

/// Shorter bodies travel in one packet either way.
const LEAST: usize = 1024;

/// Measured on a batch of stats, 66 KB: level 1 leaves 21.1 KB after 0.12 ms, level 2 16.4 KB after 0.19 ms, level 6
/// 14.0 KB after 0.61 ms. On 5 KB they differ less, and in the same order.
const LEVEL: u32 = 2;

/// Answers that are compressed while they are read by their clients: each takes 0.4 MB for as long as that takes, so
/// those beyond are sent as they are.
const STREAMS: usize = 8;

/// Answers that are compressed at once before they are sent, which takes a few milliseconds.
const WHOLE: usize = 4;

/// How long one of these waits for its turn before it is sent as it is.
const PATIENCE: Duration = Duration::from_millis(200);

/// What happens to a body on its way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    /// It is sent as it is to everybody.
    Never,
    /// It would be compressed for another client, which caches between us have to know.
    Declined,
    /// It is compressed.
    Gzip,
}

impl Coding {
    /// Chooses for an answer and its body, for a client that takes gzip or not.
    fn choose(response: &Response, body: &Body, gzip: bool) -> Self {
        let worth = match body {
            Body::Bytes(bytes) => bytes.len() >= LEAST,
            Body::Spool(plain, _) => is_worth_it(plain),
            Body::Stream(_) => true,
        };
        let whole = !matches!(response.status, ..200 | 204 | 206 | 304);
        let typed = response.header("Content-Type").is_some_and(compressible);
        match worth && whole && typed && response.header("Content-Encoding").is_none() {
            false => Self::Never,
            true if gzip => Self::Gzip,
            true => Self::Declined,
        }
    }

    /// The body as it will be sent, and what that is: the same as it was if it need not be compressed or cannot be now.
    pub(super) fn apply(response: &Response, body: Body, gzip: bool, compressors: &Compressors) -> (Self, Body) {
        let coding = Self::choose(response, &body, gzip);
        if coding != Self::Gzip {
            return (coding, body);
        }
        match body {
            Body::Spool(_, Some(twin)) => (coding, Body::Spool(twin, None)),
            Body::Bytes(bytes) => match compressors.whole.enter(PATIENCE) {
                Some(permit) => (coding, Body::Bytes(Cow::Owned(compressed(&bytes, permit)))),
                None => (Self::Declined, Body::Bytes(bytes)),
            },
            Body::Stream(reader) => match compressors.streams.enter(Duration::ZERO) {
                Some(permit) => (coding, Body::Stream(Box::new(Compressing(encoder(reader), permit)))),
                None => (Self::Declined, Body::Stream(reader)),
            },
            body @ Body::Spool(..) => (Self::Declined, body),
        }
    }

    /// The answer's `Vary`, if it has one that way: what it had, and that the coding depends on the request.
    pub(super) fn vary(self, response: &Response) -> Option<Cow<'static, str>> {
        let given = response.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("Vary"));
        let mut names: Vec<&str> = given.map(|(_, value)| value.as_ref()).collect();
        let covered = names.iter().flat_map(|value| value.split(',')).map(str::trim);
        let covered = covered.into_iter().any(|name| name == "*" || name.eq_ignore_ascii_case("Accept-Encoding"));
        if self != Self::Never && !covered {
            names.push("Accept-Encoding");
        }
        (!names.is_empty()).then(|| Cow::Owned(names.join(", ")))
    }
}

/// Who may compress at the moment.
pub(super) struct Compressors {
    streams: Gate,
    whole: Gate,
}

impl Default for Compressors {
    fn default() -> Self {
        Self { streams: Gate::new(STREAMS), whole: Gate::new(WHOLE) }
    }
}

fn encoder<R: Read>(reader: R) -> GzEncoder<R> {
    GzEncoder::new(reader, Compression::new(LEVEL))
}

fn compressed(bytes: &[u8], _permit: Permit) -> Vec<u8> {
    let mut packed = Vec::new();
    // Neither reading from nor writing to memory can fail.
    let _ = encoder(bytes).read_to_end(&mut packed);
    packed
}

/// Compresses what it reads for as long as it holds its place.
struct Compressing(GzEncoder<Box<dyn Read + Send>>, #[expect(dead_code, reason = "held, not used")] Permit);

impl Read for Compressing {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.0.read(into)
    }
}

/// Whether it is large enough to be compressed.
fn is_worth_it(plain: &Spool) -> bool {
    usize::try_from(plain.len()).map_or(true, |length| length >= LEAST)
}

/// What lies in a spool in gzip, for all who take it so; none if it is too small for that.
///
/// # Errors
/// Those of either spool.
pub fn gzip_twin(plain: &Arc<Spool>, spools: &Spools) -> io::Result<Option<Spool>> {
    if !is_worth_it(plain) {
        return Ok(None);
    }
    let mut packed = spools.answer();
    io::copy(&mut encoder(plain.reader()), &mut packed)?;
    packed.flush()?;
    Ok(Some(packed))
}

fn compressible(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence.starts_with("text/")
        || essence.ends_with("+json")
        || matches!(&*essence, "application/json" | "application/javascript" | "image/svg+xml")
}

#[cfg(test)]
mod tests {
    use super::*;

    const JSON: &str = "application/json";

    fn known(content_type: &'static str, length: usize) -> Response {
        Response::bytes(200, Some(content_type), Cow::Owned(vec![b'x'; length]))
    }

    fn streamed(content_type: &'static str) -> Response {
        let mut response = known(content_type, 0);
        response.body = Body::Stream(Box::new(io::repeat(b'x').take(100_000)));
        response
    }

    /// What happens to an answer, its `Vary`, and its body as it travels.
    fn coded(mut response: Response, gzip: bool, compressors: &Compressors) -> (Coding, Option<String>, Vec<u8>) {
        let body = std::mem::replace(&mut response.body, Body::Bytes(Cow::Borrowed(b"")));
        let (coding, body) = Coding::apply(&response, body, gzip, compressors);
        let bytes = match body {
            Body::Bytes(bytes) => bytes.into_owned(),
            Body::Spool(spool, _) => spool.read_range(0..spool.len()).unwrap(),
            Body::Stream(mut reader) => {
                let mut all = Vec::new();
                reader.read_to_end(&mut all).unwrap();
                all
            }
        };
        (coding, coding.vary(&response).map(Cow::into_owned), bytes)
    }

    #[test]
    fn answers_are_compressed_where_it_pays() {
        let twice = known(JSON, 5000).with("Content-Encoding", "br");
        let cookie = |response: Response| response.with("Vary", "Cookie");
        let partial = Response { status: 206, ..known(JSON, 5000) };
        for (response, gzip, coding, vary) in [
            (cookie(known(JSON, 8000)), true, Coding::Gzip, Some("Cookie, Accept-Encoding")),
            (cookie(known(JSON, 8000)), false, Coding::Declined, Some("Cookie, Accept-Encoding")),
            (streamed("text/plain"), true, Coding::Gzip, Some("Accept-Encoding")),
            (streamed("text/plain"), false, Coding::Declined, Some("Accept-Encoding")),
            (known(JSON, 8000).with("Vary", "*"), true, Coding::Gzip, Some("*")),
            (streamed("image/png"), true, Coding::Never, None),
            (known(JSON, LEAST - 1), true, Coding::Never, None),
            (twice, true, Coding::Never, None),
            (partial, true, Coding::Never, None),
        ] {
            let (got, varies, _) = coded(response, gzip, &Compressors::default());
            assert_eq!((got, varies.as_deref()), (coding, vary));
        }
    }

    #[test]
    fn what_is_compressed_is_the_same_and_smaller() {
        for (response, length) in [(known(JSON, 8000), 8000), (streamed("text/plain"), 100_000)] {
            let (_, _, packed) = coded(response, true, &Compressors::default());
            let mut plain = Vec::new();
            flate2::read::GzDecoder::new(&*packed).read_to_end(&mut plain).unwrap();
            assert!(packed.len() < length / 2 && plain == vec![b'x'; length]);
        }
    }

    #[test]
    fn beyond_the_places_answers_go_as_they_are() {
        let full = Compressors { streams: Gate::new(0), whole: Gate::new(0) };
        for (response, length) in [(known(JSON, 8000), 8000), (streamed("text/plain"), 100_000)] {
            let (coding, _, bytes) = coded(response, true, &full);
            assert_eq!((coding, bytes.len()), (Coding::Declined, length));
        }
    }

    #[test]
    fn types_that_shrink_are_known() {
        for yes in ["application/json", "text/html; charset=utf-8", "Image/SVG+xml", "application/problem+json"] {
            assert!(compressible(yes), "{yes}");
        }
        for no in ["image/png", "application/octet-stream", "font/woff2", ""] {
            assert!(!compressible(no), "{no}");
        }
    }
}
