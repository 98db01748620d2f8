//! Receiving a body into a spool: its framing and its pace. Memory follows the bytes that have arrived, never the length
//! that was announced.

use std::io::{ErrorKind, Write};
use std::time::{Duration, Instant};

use super::head::Framing;
use super::input::{BUFFER, Input};
use super::spool::{Spool, Spools};
use super::{Fault, Limits};
use crate::server::message::Received;

/// How much is read from the connection at a time.
const PAGE: usize = 64 * 1024;

/// The longest line between chunks, and all trailers together.
const MAX_LINE: usize = 256;
const MAX_TRAILERS: usize = 8 * 1024;

/// Bytes of framing that a chunked body may have beyond what small chunks explain.
const MAX_OVERHEAD: u64 = 16 * 1024;

const TOO_LARGE: Fault = Fault::Refuse(413, "the body of the request is too large");
const TOO_SLOW: &str = "the body of the request took too long";
const BAD_CHUNK: Fault = Fault::Refuse(400, "the chunked body of the request is malformed");
const NO_ROOM: Fault =
    Fault::Refuse(507, "the disk has no room for a body of this size; try again later, or send less");

/// How fast a body has to arrive.
struct Pace {
    start: Instant,
    grace: Duration,
    rate: u64,
    arrived: u64,
}

impl Pace {
    /// When the next byte is due at the latest.
    fn deadline(&self) -> Instant {
        self.start + self.grace + Duration::from_secs(self.arrived / self.rate.max(1))
    }
}

/// Whether a body that announces this length would find room now; it takes none before its bytes arrive.
pub(super) fn check_room(framing: Framing, spools: &Spools) -> Result<(), Fault> {
    match framing {
        Framing::Length(length) => spools.body().require(length).map_err(|_| NO_ROOM),
        Framing::None | Framing::Chunked => Ok(()),
    }
}

/// Receives a body of at most `limit` bytes; a declared length above it should have been refused before.
pub(super) fn receive(
    input: &mut Input<'_>,
    framing: Framing,
    limit: usize,
    limits: &Limits,
    spools: &Spools,
) -> Result<Received, Fault> {
    let declared = if let Framing::Length(length) = framing { Some(length) } else { None };
    let most = declared.map_or(Ok(limit), usize::try_from).ok().filter(|most| *most <= limit).ok_or(TOO_LARGE)?;
    let pace = Pace { start: Instant::now(), grace: limits.body_grace, rate: limits.body_rate, arrived: 0 };
    let page = vec![0; PAGE.min(most)].into_boxed_slice();
    let mut gathered = Gathered { input, spool: spools.body(), page, filled: 0, most, pace };
    match framing {
        Framing::None => {}
        Framing::Length(_) => gathered.take(most)?,
        Framing::Chunked => gathered.chunks()?,
    }
    Ok(gathered.spool.into())
}

/// A body on its way in.
struct Gathered<'a, 'b> {
    input: &'a mut Input<'b>,
    spool: Spool,
    page: Box<[u8]>,
    /// How many bytes have arrived.
    filled: usize,
    most: usize,
    pace: Pace,
}

impl Gathered<'_, '_> {
    /// Receives `count` bytes, for which `most` must leave room.
    fn take(&mut self, mut count: usize) -> Result<(), Fault> {
        while count > 0 {
            let end = self.page.len().min(count);
            let got = self.input.read(&mut self.page[..end], self.pace.deadline());
            let got = got.map_err(|stall| stall.fault(TOO_SLOW))?;
            self.spool.write_all(&self.page[..got]).map_err(|error| {
                if error.kind() != ErrorKind::StorageFull {
                    log::error!("a body could not be received: {error}");
                }
                NO_ROOM
            })?;
            self.filled += got;
            count -= got;
            self.pace.arrived += u64::try_from(got).unwrap_or_default();
        }
        Ok(())
    }

    fn chunks(&mut self) -> Result<(), Fault> {
        let mut overhead = 0_u64;
        loop {
            let line = self.line(MAX_LINE)?;
            let size = chunk_size(&self.input.bytes()[..line])?;
            self.input.consume(line + 2);
            if size == 0 {
                return self.trailers();
            }
            let count = usize::try_from(size).ok().filter(|size| *size <= self.most - self.filled).ok_or(TOO_LARGE)?;
            self.take(count)?;
            if self.line(0)? != 0 {
                return Err(BAD_CHUNK);
            }
            self.input.consume(2);
            // A sender of nothing but chunk extensions would keep us busy without ever reaching a limit.
            overhead = (overhead + u64::try_from(line).unwrap_or_default()).saturating_sub(16 + size);
            if overhead > MAX_OVERHEAD {
                return Err(BAD_CHUNK);
            }
        }
    }

    /// Trailers are allowed and say nothing that anybody here wants to know.
    fn trailers(&mut self) -> Result<(), Fault> {
        let mut total = 0;
        loop {
            let line = self.line(MAX_TRAILERS)?;
            let named = self.input.bytes()[..line].split(|byte| *byte == b':').next().unwrap_or_default();
            let valid = named.len() < line && !named.is_empty() && named.iter().all(|byte| byte.is_ascii_graphic());
            self.input.consume(line + 2);
            total += line;
            match line {
                0 => return Ok(()),
                _ if !valid || total > MAX_TRAILERS => return Err(BAD_CHUNK),
                _ => {}
            }
        }
    }

    /// Waits for a line and returns its length without CR LF; it is still in the input.
    fn line(&mut self, most: usize) -> Result<usize, Fault> {
        const { assert!(MAX_TRAILERS + 2 < BUFFER && MAX_LINE < MAX_TRAILERS) };
        let mut seen = 0;
        loop {
            let bytes = self.input.bytes();
            if let Some(bad) = bytes[seen..].iter().position(|byte| *byte < b' ' && *byte != b'\t') {
                let end = seen + bad;
                match bytes[end..] {
                    _ if end > most => return Err(BAD_CHUNK),
                    [b'\r', b'\n', ..] => return Ok(end),
                    [b'\r'] => seen = end,
                    _ => return Err(BAD_CHUNK),
                }
            } else {
                seen = bytes.len();
                if seen > most {
                    return Err(BAD_CHUNK);
                }
            }
            self.input.fill(self.pace.deadline()).map_err(|stall| stall.fault(TOO_SLOW))?;
        }
    }
}

/// Receives a body, for the fuzzer and for tests.
#[cfg(any(test, fuzzing))]
pub(super) fn examine(input: &mut Input<'_>, framing: Framing, limit: usize) -> Result<Vec<u8>, Fault> {
    let spools = Spools::new(&std::env::temp_dir());
    receive(input, framing, limit, &Limits::default(), &spools)?.bytes().map_err(|_| Fault::Gone)
}

/// The size in a chunk's first line; extensions are ignored.
fn chunk_size(line: &[u8]) -> Result<u64, Fault> {
    let digits = line.split(|byte| *byte == b';').next().unwrap_or_default();
    let hex = !digits.is_empty() && digits.iter().all(u8::is_ascii_hexdigit);
    let text = std::str::from_utf8(digits).ok().filter(|_| hex);
    let size = text.map(|text| u64::from_str_radix(text, 16)).ok_or(BAD_CHUNK)?;
    // Grammatical, but more than a number holds: as much too large as any other.
    size.map_err(|_| TOO_LARGE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::input::{ReadFailure, Source};

    const LIMIT: usize = 1000;

    fn chunked(body: &str) -> Result<String, Fault> {
        let bytes = examine(&mut Input::new(body.as_bytes()), Framing::Chunked, LIMIT)?;
        Ok(String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn lengths_are_kept_to() {
        let sized = |length| examine(&mut Input::new(&b"hello"[..]), Framing::Length(length), LIMIT);
        assert_eq!(sized(5), Ok(b"hello".to_vec()));
        assert_eq!(sized(6), Err(Fault::Gone));
        assert_eq!((sized(1001), sized(u64::MAX)), (Err(TOO_LARGE), Err(TOO_LARGE)));
        assert_eq!(examine(&mut Input::new(&b"hello"[..]), Framing::None, LIMIT), Ok(Vec::new()));
    }

    #[test]
    fn chunks_are_put_together() {
        for (body, text) in [
            ("5\r\nhello\r\n00A;x=\"y\"\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n", "hello0123456789"),
            ("0\r\n\r\n", ""),
            (&("1;ext=1\r\nx\r\n".repeat(1000) + "0\r\n\r\n"), &*"x".repeat(1000)),
        ] {
            assert_eq!(chunked(body).as_deref(), Ok(text));
        }
    }

    #[test]
    fn chunks_are_strict() {
        for bad in [
            "x\r\n",
            "\r\n",
            "+5\r\nhello\r\n0\r\n\r\n",
            "5 \r\nhello\r\n0\r\n\r\n",
            "5\nhello\n0\n\n",
            "5\r\nhelloX\r\n0\r\n\r\n",
            "5\r\nhello0\r\n\r\n",
            "0\r\nno colon\r\n\r\n",
            "0\r\nA: b\n\r\n",
            &format!("5;{}\r\nhello\r\n0\r\n\r\n", "e".repeat(300)),
            &format!("0\r\n{}\r\n", "A: b\r\n".repeat(3000)),
            &(format!("1;{}\r\nx\r\n", "e".repeat(200)).repeat(900) + "0\r\n\r\n"),
        ] {
            assert_eq!(chunked(bad), Err(BAD_CHUNK), "{}", &bad[..bad.len().min(40)]);
        }
        let many = format!("64\r\n{}\r\n", "x".repeat(100)).repeat(11);
        for large in ["3e9\r\n", &many, "ffffffffffffffffffffffff\r\n"] {
            assert_eq!(chunked(large), Err(TOO_LARGE), "{}", &large[..large.len().min(40)]);
        }
        for part in ["", "5", "5\r\nhe", "5\r\nhello\r\n", "5\r\nhello\r\n0\r\nTrailer: "] {
            assert_eq!(chunked(part), Err(Fault::Gone), "{part}");
        }
    }

    /// A byte at a time.
    struct Dripping<'a>(&'a [u8]);

    impl Source for Dripping<'_> {
        fn read(&mut self, into: &mut [u8], deadline: Instant) -> Result<usize, ReadFailure> {
            self.0.read(&mut into[..1], deadline)
        }
    }

    #[test]
    fn what_follows_a_body_is_left_to_the_next_request() {
        let bytes = b"5\r\nhello\r\n0\r\n\r\nnext";
        for mut input in [Input::new(&bytes[..]), Input::new(Dripping(bytes))] {
            assert_eq!(examine(&mut input, Framing::Chunked, LIMIT), Ok(b"hello".to_vec()));
            assert_eq!(examine(&mut input, Framing::Length(4), LIMIT), Ok(b"next".to_vec()));
            assert_eq!(examine(&mut input, Framing::Length(1), LIMIT), Err(Fault::Gone));
        }
    }

    #[test]
    fn chunk_sizes_are_strict() {
        assert_eq!(chunk_size(b"1f"), Ok(31));
        assert_eq!(chunk_size(b"0A;name=\"value\""), Ok(10));
        for bad in [&b""[..], b"+1", b"-1", b"0x1", b" 1", b"1 ", b"1_0", b";x", b"g"] {
            assert_eq!(chunk_size(bad), Err(BAD_CHUNK), "{bad:?}");
        }
        assert_eq!(chunk_size(b"10000000000000000"), Err(TOO_LARGE));
    }
}
