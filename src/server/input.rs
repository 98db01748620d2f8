//! Reading what a client sends: one small buffer, and a deadline for every wait.

use std::io::{ErrorKind, Read};
use std::time::{Duration, Instant};

use super::Fault;
use super::slots::Slot;

/// Size of the buffer, which is also the longest head.
pub(super) const BUFFER: usize = 16 * 1024;

/// Why no more bytes came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReadFailure {
    /// The client has closed, or we have sent him away.
    Closed,
    /// The deadline has passed.
    Late,
}

impl ReadFailure {
    /// What it makes of a request that has begun to arrive.
    pub(super) fn fault(self, late: &'static str) -> Fault {
        match self {
            Self::Closed => Fault::Gone,
            Self::Late => Fault::Refuse(408, late),
        }
    }
}

/// Where bytes come from.
pub(super) trait Source {
    /// Waits for at least one byte, and says how many came.
    fn read(&mut self, into: &mut [u8], deadline: Instant) -> Result<usize, ReadFailure>;
}

/// The bytes that a client sends, those beyond the current request kept for the next.
pub(super) struct Input<'a> {
    source: Box<dyn Source + 'a>,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
}

impl<'a> Input<'a> {
    pub(super) fn new(source: impl Source + 'a) -> Self {
        Self { source: Box::new(source), buffer: vec![0; BUFFER].into_boxed_slice(), start: 0, end: 0 }
    }

    /// What has arrived and is not consumed.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Takes the first `count` of the bytes away.
    pub(super) fn consume(&mut self, count: usize) {
        self.start = (self.start + count).min(self.end);
    }

    /// Waits for at least one more byte. The buffer must have room, that is fewer than [`BUFFER`] bytes.
    pub(super) fn fill(&mut self, deadline: Instant) -> Result<(), ReadFailure> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        } else if self.end == self.buffer.len() {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        self.end += self.source.read(&mut self.buffer[self.end..], deadline)?;
        Ok(())
    }

    /// Moves at least one byte into `into`: buffered ones first, else straight from the socket.
    pub(super) fn read(&mut self, into: &mut [u8], deadline: Instant) -> Result<usize, ReadFailure> {
        let count = self.bytes().len().min(into.len());
        if count == 0 {
            return self.source.read(into, deadline);
        }
        into[..count].copy_from_slice(&self.bytes()[..count]);
        self.consume(count);
        Ok(count)
    }

    /// Throws `count` bytes away.
    pub(super) fn discard(&mut self, mut count: u64, deadline: Instant) -> Result<(), ReadFailure> {
        while count > 0 {
            if self.bytes().is_empty() {
                self.fill(deadline)?;
            }
            let step = usize::try_from(count).unwrap_or(usize::MAX).min(self.bytes().len());
            self.consume(step);
            count -= u64::try_from(step).unwrap_or(count);
        }
        Ok(())
    }
}

/// A connection's socket.
pub(super) struct Socket<'a> {
    slot: &'a Slot,
    /// What the socket was told last.
    timeout: Duration,
}

impl Source for Socket<'_> {
    fn read(&mut self, into: &mut [u8], deadline: Instant) -> Result<usize, ReadFailure> {
        loop {
            self.arm(deadline)?;
            // A socket shut down for reading still hands out what arrives, so a fast sender would not notice.
            if self.slot.evicted() {
                return Err(ReadFailure::Closed);
            }
            match (&self.slot.socket).read(into) {
                Ok(0) => return Err(ReadFailure::Closed),
                Ok(count) => return Ok(count),
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted) => {
                }
                Err(_) => return Err(ReadFailure::Closed),
            }
        }
    }
}

impl<'a> Socket<'a> {
    pub(super) fn of(slot: &'a Slot) -> Self {
        Self { slot, timeout: Duration::ZERO }
    }

    /// Makes the next read return in time. Waking early costs one more look at the clock, waking late a little
    /// lateness; a system call for each read would cost more, so a timeout that is about right stays.
    fn arm(&mut self, deadline: Instant) -> Result<(), ReadFailure> {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ReadFailure::Late);
        }
        if self.timeout > left + left / 32 || self.timeout < left / 2 {
            let timeout = left.max(Duration::from_millis(1));
            self.slot.socket.set_read_timeout(Some(timeout)).map_err(|_| ReadFailure::Closed)?;
            self.timeout = timeout;
        }
        Ok(())
    }
}

/// A client who has sent this and closes: for the fuzzer and for tests, which need no socket.
#[cfg(any(test, fuzzing))]
impl Source for &[u8] {
    fn read(&mut self, into: &mut [u8], _: Instant) -> Result<usize, ReadFailure> {
        match Read::read(self, into) {
            Ok(count) if count > 0 => Ok(count),
            _ => Err(ReadFailure::Closed),
        }
    }
}
