//! Receiving a body: its framing, its pace, and its share of the budget that all bodies have in common.
//!
//! Memory follows the bytes that have arrived, never the length that was announced. The right to it does not: who took it
//! bit by bit could meet others who are as far, and none of them would ever have a whole body.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::head::Framing;
use super::input::{BUFFER, Input};
use super::slots::Slot;
use super::{Fault, Limits};
use crate::server::message::Received;

/// What every body may hold without asking.
const FREE: usize = 64 * 1024;

/// The largest step in which a body's memory grows.
const MAX_STEP: usize = 4 * 1024 * 1024;

/// The longest line between chunks, and all trailers together.
const MAX_LINE: usize = 256;
const MAX_TRAILERS: usize = 8 * 1024;

/// Bytes of framing that a chunked body may have beyond what small chunks explain.
const MAX_OVERHEAD: u64 = 16 * 1024;

const TOO_LARGE: Fault = Fault::Refuse(413, "the body of the request is too large");
const TOO_SLOW: &str = "the body of the request took too long";
const BAD_CHUNK: Fault = Fault::Refuse(400, "the chunked body of the request is malformed");
const NO_ROOM: Fault = Fault::Refuse(503, "too many large requests at once; try again in a moment");

/// The memory that bodies may hold.
pub(super) struct Budget {
    bytes: usize,
    room: Mutex<Room>,
    changed: Condvar,
}

struct Room {
    free: usize,
    /// What those who wait need, in the order in which they came.
    waiting: BTreeMap<u64, usize>,
    next: u64,
}

impl Room {
    /// Whether what somebody needs is free and nobody was there before him whom it would serve as well.
    fn is_turn(&self, turn: u64, need: usize) -> bool {
        self.free >= need && self.waiting.range(..turn).all(|(_, other)| *other > need)
    }
}

impl Budget {
    pub(super) fn new(bytes: usize) -> Self {
        let room = Room { free: bytes, waiting: BTreeMap::new(), next: 0 };
        Self { bytes, room: Mutex::new(room), changed: Condvar::new() }
    }

    /// Takes `bytes` once `need`, which is as much or more, is free. Waits for that up to `patience`; false if in vain.
    fn take(&self, bytes: usize, need: usize, patience: Duration) -> bool {
        let mut room = self.lock();
        let turn = room.next;
        room.next += 1;
        room.waiting.insert(turn, need);
        let waited = self.changed.wait_timeout_while(room, patience, |room| !room.is_turn(turn, need));
        let mut room = waited.unwrap_or_else(PoisonError::into_inner).0;
        let fits = room.is_turn(turn, need);
        room.waiting.remove(&turn);
        if fits {
            room.free -= bytes;
        }
        drop(room);
        // Who let this one go first.
        self.changed.notify_all();
        fits
    }

    fn give_back(&self, bytes: usize) {
        self.lock().free += bytes;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Room> {
        self.room.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// From this many bytes on a body has pages of its own.
const LARGE: usize = 1 << 20;

/// Blocks of this size come from the system and go back to it at once. Smaller ones, up to 32 MB, glibc keeps for the
/// thread that freed them, and each connection has another: 16 clients with large bodies left 50 MB behind.
const OWN_PAGES: usize = 33 << 20;

/// What one body holds of the budget.
struct Share {
    budget: Arc<Budget>,
    taken: usize,
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.give_back(self.taken);
    }
}

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

/// Receives a body of at most `limit` bytes; a declared length above it should have been refused before.
pub(super) fn receive(
    input: &mut Input<'_>,
    framing: Framing,
    limit: usize,
    limits: &Limits,
    budget: &Arc<Budget>,
) -> Result<Received, Fault> {
    let declared = if let Framing::Length(length) = framing { Some(length) } else { None };
    let most = declared.map_or(Ok(limit), usize::try_from).ok().filter(|most| *most <= limit).ok_or(TOO_LARGE)?;
    let pace = Pace { start: Instant::now(), grace: limits.body_grace, rate: limits.body_rate, arrived: 0 };
    let share = Share { budget: Arc::clone(budget), taken: 0 };
    let patience = limits.budget_wait;
    let mut gathered =
        Gathered { input, bytes: Vec::new(), filled: 0, most, sized: declared.is_some(), pace, share, patience };
    match framing {
        Framing::None => {}
        Framing::Length(_) => gathered.take(most)?,
        Framing::Chunked => gathered.chunks()?,
    }
    Ok(gathered.finish())
}

/// A body on its way in.
struct Gathered<'a, 'b> {
    input: &'a mut Input<'b>,
    /// As long as it is allocated; the first `filled` bytes have arrived.
    bytes: Vec<u8>,
    filled: usize,
    most: usize,
    /// Whether `most` is what will arrive, and not only what may.
    sized: bool,
    pace: Pace,
    share: Share,
    patience: Duration,
}

impl Gathered<'_, '_> {
    /// Receives `count` bytes, for which `most` must leave room.
    fn take(&mut self, mut count: usize) -> Result<(), Fault> {
        while count > 0 {
            if self.filled == self.bytes.len() {
                self.grow()?;
            }
            let end = self.bytes.len().min(self.filled + count);
            let got = self.input.read(&mut self.bytes[self.filled..end], self.pace.deadline());
            let got = got.map_err(|stall| stall.fault(TOO_SLOW))?;
            self.filled += got;
            count -= got;
            self.pace.arrived += u64::try_from(got).unwrap_or_default();
        }
        Ok(())
    }

    fn grow(&mut self) -> Result<(), Fault> {
        let step = (self.filled / 2).clamp(FREE, MAX_STEP).min(self.most - self.filled);
        let length = self.filled + step;
        self.reserve(length.saturating_sub(FREE))?;
        // What is not filled is never touched, and costs no memory.
        let room = if length > LARGE { OWN_PAGES.max(length) - self.filled } else { step };
        self.bytes.try_reserve_exact(room).map_err(|_| NO_ROOM)?;
        self.bytes.resize(length, 0);
        Ok(())
    }

    /// Sees to it that the share is at least `counted` bytes.
    ///
    /// A body of known size has all of its share or nothing. One of unknown size takes a step only while all that it
    /// may come to need is free: whoever took the last step can always finish, and after him the one before.
    fn reserve(&mut self, counted: usize) -> Result<(), Fault> {
        let taken = self.share.taken;
        if counted <= taken {
            return Ok(());
        }
        let whole = self.most - FREE;
        let (bytes, need) = match self.sized {
            true => (whole - taken, whole - taken),
            false => (counted - taken, whole.min(self.share.budget.bytes.max(counted)) - taken),
        };
        let began = Instant::now();
        let fits = self.share.budget.take(bytes, need, self.patience);
        // The client is not to blame for the time in which we did not read.
        self.pace.start += began.elapsed();
        self.patience = self.patience.saturating_sub(began.elapsed());
        if !fits {
            return Err(NO_ROOM);
        }
        self.share.taken += bytes;
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

    fn finish(mut self) -> Received {
        self.bytes.truncate(self.filled);
        let counted = self.share.taken > 0;
        Received { bytes: self.bytes, share: counted.then(|| Box::new(self.share) as Box<dyn Send + Sync>) }
    }
}

/// Reads bytes as a chunked body, for the fuzzer; gives the body if it is whole.
pub(super) fn examine(bytes: &[u8]) -> Option<Vec<u8>> {
    let (ours, mut theirs) = UnixStream::pair().ok()?;
    theirs.write_all(bytes).ok()?;
    drop(theirs);
    // For the kernel a socket is a socket.
    let slot = Slot::new(TcpStream::from(OwnedFd::from(ours)));
    let limits = Limits::default();
    let budget = Arc::new(Budget::new(limits.body_budget));
    receive(&mut Input::new(&slot), Framing::Chunked, MAX_STEP, &limits, &budget).ok().map(|received| received.bytes)
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

    #[test]
    fn chunk_sizes_are_strict() {
        assert_eq!(chunk_size(b"1f"), Ok(31));
        assert_eq!(chunk_size(b"0A;name=\"value\""), Ok(10));
        for bad in [&b""[..], b"+1", b"-1", b"0x1", b" 1", b"1 ", b"1_0", b";x", b"g"] {
            assert_eq!(chunk_size(bad), Err(BAD_CHUNK), "{bad:?}");
        }
        assert_eq!(chunk_size(b"10000000000000000"), Err(TOO_LARGE));
    }

    #[test]
    fn the_budget_comes_back() {
        let budget = Arc::new(Budget::new(10));
        assert!(budget.take(7, 7, Duration::ZERO));
        assert!(!budget.take(4, 4, Duration::ZERO));
        drop(Share { budget: Arc::clone(&budget), taken: 7 });
        assert!(budget.take(10, 10, Duration::ZERO));
    }

    #[test]
    fn nobody_takes_what_another_needs_to_finish() {
        let budget = Budget::new(10);
        // Two of unknown size, up to 6 each: the second may begin, and from there on only one of them goes on.
        assert!(budget.take(3, 6, Duration::ZERO));
        assert!(budget.take(3, 6, Duration::ZERO));
        assert!(!budget.take(1, 6, Duration::ZERO), "a third would leave too little for any");
        assert!(budget.take(2, 3, Duration::ZERO));
        assert!(!budget.take(2, 3, Duration::ZERO));
        assert!(budget.take(1, 1, Duration::ZERO));
    }

    #[test]
    fn who_came_first_is_served_first_and_who_needs_less_need_not_wait() {
        let mut room = Room { free: 5, waiting: BTreeMap::from([(1, 8), (2, 4), (3, 4), (4, 2)]), next: 5 };
        assert_eq!(
            [(1, 8), (2, 4), (3, 4), (4, 2)].map(|(turn, need)| room.is_turn(turn, need)),
            [false, true, false, true]
        );
        room.waiting.remove(&2);
        assert!(room.is_turn(3, 4) && !room.is_turn(5, 8));
    }
}
