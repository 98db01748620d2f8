//! Files of lines, compressed or not, and how far they have been read.

use crate::error::{Error, Kind, Result};
use crate::files::NewFile;
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The longest line that is read: as much as a batch that is posted may have.
const LONGEST: u64 = 32 << 20;

/// What some editors put before UTF-8.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

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
    read: Arc<AtomicU64>,
}

impl<R: Read> Counted<R> {
    pub(super) fn new(inner: R) -> (Self, Arc<AtomicU64>) {
        let read = Arc::new(AtomicU64::new(0));
        (Self { inner, read: Arc::clone(&read) }, read)
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(target)?;
        self.read.fetch_add(u64::try_from(length).unwrap_or_default(), Ordering::Relaxed);
        Ok(length)
    }
}

/// The lines of a file or of standard input, each with its number.
pub struct Lines {
    /// Its name in messages.
    pub(super) name: String,
    /// Bytes of the file, 0 if that is not known.
    pub(super) total: u64,
    read: Arc<AtomicU64>,
    path: PathBuf,
    source: Box<dyn BufRead + Send>,
    line: Vec<u8>,
    number: u64,
}

impl Lines {
    /// Opens a file, or standard input if none is named.
    ///
    /// # Errors
    /// `NotFound` or `Unavailable` if it cannot be opened.
    pub fn open(path: Option<&Path>) -> Result<Self> {
        let Some(path) = path else {
            return Ok(Self::new(Path::new("standard input"), "standard input".into(), 0, io::stdin(), false));
        };
        let file = File::open(path).map_err(|e| failed(path, "opened", e))?;
        let total = file.metadata().map_or(0, |data| data.len());
        Ok(Self::new(path, path.display().to_string(), total, file, is_packed(path)))
    }

    /// Lines that are in memory, for the fuzzer.
    #[cfg(fuzzing)]
    pub(super) fn of(bytes: Vec<u8>, packed: bool) -> Self {
        Self::new(Path::new("memory"), "memory".into(), 0, io::Cursor::new(bytes), packed)
    }

    fn new(path: &Path, name: String, total: u64, source: impl Read + Send + 'static, packed: bool) -> Self {
        let (source, read) = Counted::new(source);
        let source: Box<dyn BufRead + Send> = match packed {
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
        self.read.load(Ordering::Relaxed)
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
            let mark =
                if self.number == 1 && self.line.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
            if !self.line[mark..].trim_ascii().is_empty() {
                return Ok(Some((self.number, self.line[mark..].trim_ascii())));
            }
        }
    }
}

/// A file that gets its name when it is whole, or standard output.
pub struct Target {
    /// What a person calls it.
    name: PathBuf,
    is_file: bool,
    sink: Sink,
}

enum Sink {
    Output(BufWriter<io::Stdout>),
    Plain(BufWriter<NewFile>),
    Packed(Box<GzEncoder<BufWriter<NewFile>>>),
}

impl Target {
    /// Makes it, for its owner alone; standard output if no file is named.
    ///
    /// # Errors
    /// `Conflict` if the file exists, `Unavailable` if it cannot be written.
    pub fn create(path: Option<&Path>) -> Result<Self> {
        let Some(path) = path else {
            let sink = Sink::Output(BufWriter::new(io::stdout()));
            return Ok(Self { name: "standard output".into(), is_file: false, sink });
        };
        let file = BufWriter::with_capacity(1 << 16, NewFile::create(path)?);
        let sink = match is_packed(path) {
            true => Sink::Packed(Box::new(GzEncoder::new(file, Compression::default()))),
            false => Sink::Plain(file),
        };
        Ok(Self { name: path.into(), is_file: true, sink })
    }

    /// Writes some bytes. Gives false if the reader of standard output has gone away.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<bool> {
        let written = match &mut self.sink {
            Sink::Output(sink) => sink.write_all(bytes),
            Sink::Plain(sink) => sink.write_all(bytes),
            Sink::Packed(sink) => sink.write_all(bytes),
        };
        match written {
            Ok(()) => Ok(true),
            Err(error) if !self.is_file && error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
            Err(error) => Err(failed(&self.name, "written", error)),
        }
    }

    /// Ends it and gives it its name.
    ///
    /// # Errors
    /// `Full` or `Unavailable` if it cannot be written, `Conflict` if another has come there meanwhile.
    pub fn finish(self) -> Result<()> {
        let name = self.name;
        let file = match self.sink {
            Sink::Output(mut sink) => {
                return match sink.flush() {
                    Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(failed(&name, "written", error)),
                    _ => Ok(()),
                };
            }
            Sink::Plain(sink) => Ok(sink),
            Sink::Packed(sink) => sink.finish(),
        };
        let file = file.and_then(|sink| sink.into_inner().map_err(io::IntoInnerError::into_error));
        file.map_err(|e| failed(&name, "written", e))?.finish()
    }
}
