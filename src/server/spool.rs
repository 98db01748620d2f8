//! Spools: whatever is large and waits for somebody slow. Bytes in memory up to a bound, beyond it an unlinked file
//! beside the store, so that a slow sender or reader costs a descriptor and disk instead of memory.
//!
//! All spools of a server together take at most a tenth of the free space of their disk. Where there is no room, a body
//! is refused; an answer goes on in memory, one at a time, because a service whose disk is full has to stay readable.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::ops::Range;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::gate::{Gate, Permit};

/// Bytes of a body, or of a page of a list, that stay in memory.
pub const BODY: usize = 256 << 10;

/// Bytes of an answer that stay in memory: there may be one for each connection.
pub const ANSWER: usize = 64 << 10;

/// What a spool gathers between two writes to its file.
const PART: usize = 16 << 10;

/// The part of the free space that all spools together may take.
const SHARE: u64 = 10;

/// How long an answer for which the disk has no room waits for the place in memory.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where spools lie, and what they take of the disk. Clones are the same.
#[derive(Clone, Debug)]
pub struct Spools(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    directory: PathBuf,
    taken: Mutex<u64>,
    memory: Gate,
    has_complained: AtomicBool,
}

/// What happens where the disk has no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Overflow {
    Refuse,
    Memory,
}

impl Spools {
    /// Spools in a directory.
    pub fn new(directory: &Path) -> Self {
        let (taken, memory, has_complained) = (Mutex::default(), Gate::new(1), AtomicBool::default());
        Self(Arc::new(Shared { directory: directory.to_owned(), taken, memory, has_complained }))
    }

    /// An empty spool for what was received: writing fails with [`ErrorKind::StorageFull`] where there is no room.
    pub fn body(&self) -> Spool {
        Spool::new(self, BODY, Overflow::Refuse)
    }

    /// An empty spool for what is answered. Where there is no room it goes on in memory if it is the only one, and
    /// writing fails with [`ErrorKind::ResourceBusy`] otherwise.
    pub fn answer(&self) -> Spool {
        Spool::new(self, ANSWER, Overflow::Memory)
    }

    /// The same for a page of an answer, which is written anew again and again, and stays in memory as long as a body would.
    pub fn page(&self) -> Spool {
        Spool::new(self, BODY, Overflow::Memory)
    }

    /// Whether so many more bytes would fit at the moment.
    pub fn has_room(&self, bytes: u64) -> bool {
        self.fits(*self.lock(), bytes)
    }

    /// Bytes of disk that are taken.
    pub fn taken(&self) -> u64 {
        *self.lock()
    }

    fn fits(&self, taken: u64, bytes: u64) -> bool {
        let Ok(found) = rustix::fs::statvfs(&self.0.directory) else { return false };
        let free = found.f_bavail.saturating_mul(found.f_frsize);
        taken.saturating_add(bytes) <= free.saturating_add(taken) / SHARE
    }

    fn take(&self, bytes: u64) -> bool {
        let mut taken = self.lock();
        let fits = self.fits(*taken, bytes);
        if fits {
            *taken += bytes;
        }
        fits
    }

    fn lock(&self) -> MutexGuard<'_, u64> {
        self.0.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A file that has no name and goes with its descriptor.
    fn file(&self) -> io::Result<File> {
        use rustix::fs::{Mode, OFlags};
        let flags = OFlags::RDWR | OFlags::TMPFILE | OFlags::CLOEXEC;
        let made = rustix::fs::open(&self.0.directory, flags, Mode::RUSR | Mode::WUSR).map(File::from);
        // Not every file system can do that.
        let made = made.or_else(|_| self.unlinked());
        if let Err(error) = &made
            && !self.0.has_complained.swap(true, Ordering::Relaxed)
        {
            log::error!("no file can be made in {}: {error}; large bodies are refused", self.0.directory.display());
        }
        made
    }

    fn unlinked(&self) -> io::Result<File> {
        let path = self.0.directory.join(format!("spool-{}", uuid::Uuid::new_v4().simple()));
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
        std::fs::remove_file(&path)?;
        Ok(file)
    }
}

/// Bytes that are written once, front to back, and read as often and from where one likes.
#[derive(Debug)]
pub struct Spool {
    spools: Spools,
    memory: usize,
    overflow: Overflow,
    file: Option<File>,
    /// How much of it is in the file, which is also what it takes of the disk.
    filed: u64,
    /// What follows that.
    tail: Vec<u8>,
    /// The right to be larger than `memory` without a file.
    permit: Option<Permit>,
}

impl Spool {
    fn new(spools: &Spools, memory: usize, overflow: Overflow) -> Self {
        let spools = spools.clone();
        Self { spools, memory, overflow, file: None, filed: 0, tail: Vec::new(), permit: None }
    }

    /// How many bytes it has.
    pub fn len(&self) -> u64 {
        self.filed + count(&self.tail)
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All of it, if it is in memory.
    pub fn in_memory(&self) -> Option<&[u8]> {
        (self.filed == 0).then_some(&self.tail)
    }

    /// Forgets all bytes, to be written anew; the file stays for them.
    pub fn clear(&mut self) {
        *self.spools.lock() -= self.filed;
        self.filed = 0;
        self.tail.clear();
        self.tail.shrink_to(PART);
        self.permit = None;
    }

    /// Reads bytes from a position on; 0 at the end.
    ///
    /// # Errors
    /// Those of the file.
    pub fn read_at(&self, into: &mut [u8], position: u64) -> io::Result<usize> {
        if let (Some(file), true) = (&self.file, position < self.filed) {
            let most = usize::try_from(self.filed - position).unwrap_or(usize::MAX).min(into.len());
            return file.read_at(&mut into[..most], position);
        }
        let start = usize::try_from(position - self.filed).unwrap_or(usize::MAX).min(self.tail.len());
        let part = &self.tail[start..];
        let length = part.len().min(into.len());
        into[..length].copy_from_slice(&part[..length]);
        Ok(length)
    }

    /// Reads all of a range into memory.
    ///
    /// # Errors
    /// Those of the file, and `UnexpectedEof` for a range beyond its end.
    pub fn read_range(&self, range: Range<u64>) -> io::Result<Vec<u8>> {
        let length = usize::try_from(range.end.saturating_sub(range.start)).map_err(io::Error::other)?;
        let mut bytes = vec![0; length];
        let mut position = range.start;
        let mut rest = bytes.as_mut_slice();
        while !rest.is_empty() {
            let got = self.read_at(rest, position)?;
            if got == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            position += u64::try_from(got).unwrap_or_default();
            rest = &mut rest[got..];
        }
        Ok(bytes)
    }

    /// Reads it from the beginning.
    pub fn reader(self: &Arc<Self>) -> Reader {
        self.reader_of(0..self.len())
    }

    /// Reads a part of it.
    pub fn reader_of(self: &Arc<Self>, range: Range<u64>) -> Reader {
        Reader { spool: Arc::clone(self), range }
    }

    /// Makes room for so many bytes in memory or on the disk before they are written.
    ///
    /// # Errors
    /// `StorageFull` if there is none.
    pub fn require(&self, bytes: u64) -> io::Result<()> {
        let is_small = u64::try_from(self.memory).is_ok_and(|memory| self.len() + bytes <= memory);
        if is_small || self.spools.has_room(bytes) { Ok(()) } else { Err(ErrorKind::StorageFull.into()) }
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let most = if self.filed == 0 { self.memory } else { PART };
        if self.permit.is_none() && self.tail.len() + bytes.len() > most {
            self.spill()?;
            if self.permit.is_none() && bytes.len() > PART {
                match self.file_bytes(bytes) {
                    Ok(()) => return Ok(()),
                    Err(error) => self.stay(error)?,
                }
            }
        }
        self.tail.extend_from_slice(bytes);
        Ok(())
    }

    /// Moves what is in memory to the file.
    fn spill(&mut self) -> io::Result<()> {
        let tail = std::mem::take(&mut self.tail);
        let done = self.file_bytes(&tail);
        // Kept for the next part if it is no larger than one.
        self.tail = tail;
        match done {
            Ok(()) => {
                self.tail.clear();
                self.tail.shrink_to(PART);
                Ok(())
            }
            Err(error) => self.stay(error),
        }
    }

    /// Goes on in memory after the disk could not take it, if it may.
    fn stay(&mut self, error: io::Error) -> io::Result<()> {
        if self.overflow == Overflow::Refuse {
            return Err(error);
        }
        self.permit = Some(self.spools.0.memory.enter(PATIENCE).ok_or(ErrorKind::ResourceBusy)?);
        Ok(())
    }

    fn file_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        if !self.spools.take(count(bytes)) {
            return Err(ErrorKind::StorageFull.into());
        }
        let written = self.written(bytes);
        match written {
            Ok(()) => self.filed += count(bytes),
            Err(_) => *self.spools.lock() -= count(bytes),
        }
        written
    }

    fn written(&mut self, bytes: &[u8]) -> io::Result<()> {
        let file = match self.file.take() {
            Some(file) => file,
            None => self.spools.file().map_err(|error| io::Error::new(ErrorKind::StorageFull, error))?,
        };
        self.file.insert(file).write_all_at(bytes, self.filed)
    }
}

impl Write for Spool {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.append(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        *self.spools.lock() -= self.filed;
    }
}

/// Reads a spool, or a part of it; others may read it at the same time.
#[derive(Clone, Debug)]
pub struct Reader {
    spool: Arc<Spool>,
    range: Range<u64>,
}

impl Reader {
    /// How many bytes are left to read.
    pub fn left(&self) -> u64 {
        self.range.end - self.range.start
    }
}

impl Read for Reader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left()).unwrap_or(usize::MAX).min(into.len());
        if most == 0 {
            return Ok(0);
        }
        match self.spool.read_at(&mut into[..most], self.range.start)? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            got => {
                self.range.start += u64::try_from(got).unwrap_or_default();
                Ok(got)
            }
        }
    }
}

fn count(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn spools() -> (tempfile::TempDir, Spools) {
        let place = tempfile::TempDir::new().unwrap();
        let spools = Spools::new(place.path());
        (place, spools)
    }

    /// Spools of a directory in which nothing can be made.
    fn full() -> Spools {
        Spools::new(Path::new("/proc/self"))
    }

    #[test]
    fn a_large_one_lies_in_a_file_without_a_name_that_goes_with_it() {
        let (place, spools) = spools();
        let mut spool = spools.body();
        let bytes: Vec<u8> = (0..3_u32 << 20).map(|number| number.to_le_bytes()[1]).collect();
        spool.write_all(&bytes[..BODY]).unwrap();
        assert_eq!((spool.len(), spools.taken()), (BODY as u64, 0), "it fits memory");
        bytes[BODY..].chunks(7001).for_each(|part| spool.write_all(part).unwrap());
        assert!(spool.tail.len() <= PART && spool.tail.capacity() <= BODY);
        assert!(spools.taken() > 2 << 20);
        assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0);
        let spool = Arc::new(spool);
        let mut read = Vec::new();
        spool.reader().read_to_end(&mut read).unwrap();
        assert!(read == bytes);
        assert!(spool.read_range(100..1 << 20).unwrap() == bytes[100..1 << 20]);
        drop(spool);
        assert_eq!(spools.taken(), 0);
    }

    #[test]
    fn one_that_is_written_anew_keeps_its_file() {
        let (_place, spools) = spools();
        let mut spool = spools.page();
        for number in 1..5_u8 {
            spool.write_all(&vec![number; BODY * usize::from(number)]).unwrap();
            let bytes = spool.read_range(0..spool.len()).unwrap();
            assert!(bytes == vec![number; BODY * usize::from(number)]);
            spool.clear();
            assert_eq!((spool.len(), spools.taken()), (0, 0));
        }
        assert!(spool.file.is_some());
    }

    #[test]
    fn where_there_is_no_room_bodies_are_refused_and_answers_take_turns_in_memory() {
        let spools = full();
        let large = vec![7; BODY + 1];
        assert_eq!(spools.body().write_all(&large).unwrap_err().kind(), ErrorKind::StorageFull);
        assert!(spools.body().write_all(&large[..BODY]).is_ok());
        let mut answer = spools.answer();
        answer.write_all(&large).unwrap();
        answer.write_all(&large).unwrap();
        assert_eq!(answer.read_range(0..answer.len()).unwrap(), vec![7; 2 * large.len()]);
        assert!(answer.permit.is_some() && spools.0.memory.enter(Duration::ZERO).is_none());
        drop(answer);
        assert!(spools.answer().write_all(&large).is_ok());
        assert_eq!(spools.taken(), 0);
    }

    #[test]
    fn all_together_take_a_tenth_of_the_free_space() {
        let (place, spools) = spools();
        let found = rustix::fs::statvfs(place.path()).unwrap();
        let free = found.f_bavail * found.f_frsize;
        assert!(spools.has_room(free / 20) && !spools.has_room(free / 5));
        *spools.lock() = free / 5;
        assert!(!spools.has_room(1), "what is taken counts");
        *spools.lock() = 0;
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(parts in prop::collection::vec(0_usize..120_000, 0..12), at in any::<prop::sample::Index>()) {
            let (_place, spools) = spools();
            let bytes: Vec<u8> = (0..parts.iter().sum::<usize>()).map(|number| number.to_le_bytes()[0] ^ number.to_le_bytes()[1]).collect();
            for mut spool in [spools.body(), spools.answer()] {
                let mut rest = bytes.as_slice();
                for part in &parts {
                    spool.write_all(&rest[..*part]).unwrap();
                    rest = &rest[*part..];
                }
                let start = if bytes.is_empty() { 0 } else { at.index(bytes.len()) };
                let mut read = Vec::new();
                let spool = Arc::new(spool);
                spool.reader_of(start as u64..spool.len()).read_to_end(&mut read).unwrap();
                prop_assert!(read == bytes[start..]);
            }
        }
    }
}
