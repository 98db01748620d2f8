//! Files of lines, compressed or not, and how far they have been read.

use crate::error::{Error, Kind, Result};
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use std::cell::Cell;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// The longest line that is read: as much as a batch that is posted may have.
const LONGEST: u64 = 32 << 20;

pub(super) fn failed(path: &Path, what: &str, error: io::Error) -> Error {
    let kind = if error.kind() == io::ErrorKind::NotFound { Kind::NotFound } else { Kind::Unavailable };
    Error::new(kind, format!("{} cannot be {what}", path.display())).because(error)
}

fn is_packed(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("gz"))
}

/// Counts the bytes that were read of a file.
pub(super) struct Counted<R> {
    inner: R,
    read: Rc<Cell<u64>>,
}

impl<R: Read> Counted<R> {
    pub(super) fn new(inner: R) -> (Self, Rc<Cell<u64>>) {
        let read = Rc::new(Cell::new(0));
        (Self { inner, read: Rc::clone(&read) }, read)
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(target)?;
        self.read.set(self.read.get() + u64::try_from(length).unwrap_or_default());
        Ok(length)
    }
}

/// The lines of a file or of standard input, each with its number.
pub(super) struct Lines {
    /// Its name in messages.
    pub(super) name: String,
    /// Bytes of the file, 0 if that is not known.
    pub(super) total: u64,
    read: Rc<Cell<u64>>,
    path: PathBuf,
    source: Box<dyn BufRead>,
    line: Vec<u8>,
    number: u64,
}

impl Lines {
    /// Opens a file, or standard input if none is named.
    pub(super) fn open(path: Option<&Path>) -> Result<Self> {
        let Some(path) = path else {
            return Ok(Self::new(Path::new("standard input"), "standard input".into(), 0, io::stdin().lock(), false));
        };
        let file = File::open(path).map_err(|e| failed(path, "opened", e))?;
        let total = file.metadata().map_or(0, |data| data.len());
        Ok(Self::new(path, path.display().to_string(), total, file, is_packed(path)))
    }

    /// Lines that are in memory.
    pub(super) fn of(bytes: Vec<u8>, packed: bool) -> Self {
        Self::new(Path::new("memory"), "memory".into(), 0, io::Cursor::new(bytes), packed)
    }

    fn new(path: &Path, name: String, total: u64, source: impl Read + 'static, packed: bool) -> Self {
        let (source, read) = Counted::new(source);
        let source: Box<dyn BufRead> = match packed {
            true => Box::new(BufReader::new(MultiGzDecoder::new(BufReader::new(source)))),
            false => Box::new(BufReader::with_capacity(1 << 16, source)),
        };
        Self { name, total, read, path: path.into(), source, line: Vec::new(), number: 0 }
    }

    /// About how many bytes the file's text has. Stats compress well: to a tenth and less.
    pub(super) fn unpacked(&self) -> u64 {
        if is_packed(&self.path) { self.total.saturating_mul(10) } else { self.total }
    }

    /// How many bytes of the file were read.
    pub(super) fn position(&self) -> u64 {
        self.read.get()
    }

    /// The next line that is not blank, and its number.
    pub(super) fn next(&mut self) -> Result<Option<(u64, &[u8])>> {
        loop {
            self.line.clear();
            let mut part = self.source.by_ref().take(LONGEST);
            let length = part.read_until(b'\n', &mut self.line).map_err(|e| failed(&self.path, "read", e))?;
            if length == 0 {
                return Ok(None);
            }
            self.number += 1;
            if part.limit() == 0 && !self.line.ends_with(b"\n") {
                return Err(Error::invalid(format!("{}:{}: a line of more than 32 MB", self.name, self.number)));
            }
            if !self.line.trim_ascii().is_empty() {
                return Ok(Some((self.number, self.line.trim_ascii())));
            }
        }
    }
}

/// A file that gets its name when it is whole, or standard output.
pub(super) struct Target {
    path: Option<PathBuf>,
    partial: PathBuf,
    sink: Sink,
}

enum Sink {
    Plain(BufWriter<Box<dyn Write>>),
    Packed(Box<GzEncoder<BufWriter<Box<dyn Write>>>>),
}

impl Target {
    /// Opens it for its owner alone.
    pub(super) fn create(path: Option<&Path>) -> Result<Self> {
        let Some(path) = path else {
            let sink = Sink::Plain(BufWriter::new(Box::new(io::stdout())));
            return Ok(Self { path: None, partial: PathBuf::new(), sink });
        };
        if path.exists() {
            return Err(Error::new(Kind::Conflict, format!("{} exists already", path.display())));
        }
        let mut partial = path.as_os_str().to_owned();
        partial.push(".partial");
        let partial = PathBuf::from(partial);
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&partial);
        let file: Box<dyn Write> = Box::new(file.map_err(|e| failed(&partial, "written", e))?);
        let file = BufWriter::with_capacity(1 << 16, file);
        let sink = match is_packed(path) {
            true => Sink::Packed(Box::new(GzEncoder::new(file, Compression::default()))),
            false => Sink::Plain(file),
        };
        Ok(Self { path: Some(path.into()), partial, sink })
    }

    /// Writes some bytes. Gives false if the reader of standard output has gone away.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<bool> {
        let written = match &mut self.sink {
            Sink::Plain(sink) => sink.write_all(bytes),
            Sink::Packed(sink) => sink.write_all(bytes),
        };
        self.judged(written)
    }

    fn judged(&self, written: io::Result<()>) -> Result<bool> {
        match written {
            Ok(()) => Ok(true),
            Err(error) if self.path.is_none() && error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
            Err(error) => Err(failed(self.path.as_deref().unwrap_or(Path::new("standard output")), "written", error)),
        }
    }

    /// Ends it and gives it its name.
    pub(super) fn finish(mut self) -> Result<()> {
        let flushed = match &mut self.sink {
            Sink::Plain(sink) => sink.flush(),
            Sink::Packed(sink) => sink.try_finish().and_then(|()| sink.get_mut().flush()),
        };
        self.judged(flushed)?;
        let Some(path) = self.path.take() else { return Ok(()) };
        let synced = File::open(&self.partial).and_then(|file| file.sync_all());
        synced.and_then(|()| std::fs::rename(&self.partial, &path)).map_err(|e| failed(&path, "written", e))
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        if self.path.is_some() {
            // What is not whole is of no use, and the failure itself has been reported.
            let _ = std::fs::remove_file(&self.partial);
        }
    }
}
