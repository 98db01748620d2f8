//! Where the log goes.

use crate::error::{Error, Kind, Result};
use crate::model::text::{plain, without_password};
use log::{LevelFilter, Log, Metadata, Record};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// Whether the file was renamed by who rotates it, so that the next line goes into a new one.
static REOPEN: AtomicBool = AtomicBool::new(false);

/// Starts the log: appended to a file, or on standard error.
///
/// # Errors
/// `Invalid` if the file cannot be opened, naming `LOG_PATH`.
pub fn start(path: Option<&Path>, level: LevelFilter) -> Result<()> {
    let output: Output = match path {
        None => Box::new(std::io::stderr()),
        Some(path) => Box::new(LogFile::open(path).map_err(|error| {
            Error::invalid(format!("LOG_PATH={:?} cannot be opened", path.display().to_string())).because(error)
        })?),
    };
    // The journal notes the time of each line itself.
    let is_timed = path.is_some() || !is_journal(std::env::var("JOURNAL_STREAM").ok().as_deref());
    log::set_max_level(level);
    log::set_boxed_logger(Box::new(Logger { level, is_timed, output: Mutex::new(output) }))
        .map_err(|error| Error::new(Kind::Internal, "the log was started twice").because(error))
}

/// Opens the file of the log anew, since it may have been renamed.
pub fn reopen() {
    REOPEN.store(true, Ordering::SeqCst);
    log::info!("the log goes on here");
}

/// Whether standard error is the stream that systemd names by device and inode.
fn is_journal(stream: Option<&str>) -> bool {
    let own = std::fs::metadata("/proc/self/fd/2").map(|data| format!("{}:{}", data.dev(), data.ino()));
    stream.is_some_and(|stream| own.is_ok_and(|own| own == stream))
}

/// A file that is opened anew when that is asked for.
struct LogFile {
    path: PathBuf,
    file: File,
}

impl LogFile {
    fn open(path: &Path) -> std::io::Result<Self> {
        let path = std::path::absolute(path)?;
        let file = OpenOptions::new().create(true).append(true).open(&path)?;
        Ok(Self { path, file })
    }
}

impl Write for LogFile {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if REOPEN.swap(false, Ordering::SeqCst) {
            match Self::open(&self.path) {
                Ok(new) => *self = new,
                // The old one is better than none.
                Err(error) => {
                    let _ = writeln!(self.file, "LOG_PATH: {} cannot be opened anew: {error}", self.path.display());
                }
            }
        }
        self.file.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

type Output = Box<dyn Write + Send>;

/// Writes each record as one line, whatever others have written into it, without passwords of addresses, and with one call
/// of the system.
struct Logger {
    level: LevelFilter,
    is_timed: bool,
    output: Mutex<Output>,
}

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= self.level
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let moment = if self.is_timed { moment(jiff::Timestamp::now()) } else { String::new() };
        let line = format!("{moment}[{}] {}\n", record.level(), plain(&without_password(&record.args().to_string())));
        let mut output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        // There is nobody left to tell.
        let _ = output.write_all(line.as_bytes());
    }

    fn flush(&self) {}
}

/// A moment as RFC 3339 has it, always with as many decimals, and a space.
fn moment(now: jiff::Timestamp) -> String {
    now.strftime("%Y-%m-%dT%H:%M:%S%.3fZ ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use log::Level;
    use std::sync::mpsc::{Sender, channel};

    struct Pieces(Sender<Vec<u8>>);

    impl Write for Pieces {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.send(bytes.to_vec()).map_err(std::io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn written(is_timed: bool, level: Level, text: &str) -> Vec<String> {
        let (sender, pieces) = channel();
        let output: Mutex<Output> = Mutex::new(Box::new(Pieces(sender)));
        let logger = Logger { level: LevelFilter::Info, is_timed, output };
        logger.log(&Record::builder().level(level).args(format_args!("{text}")).build());
        drop(logger);
        pieces.into_iter().map(|piece| String::from_utf8(piece).unwrap()).collect()
    }

    #[test]
    fn a_record_is_one_line_and_one_call() {
        let pieces = written(false, Level::Warn, "the remote says: no\r\n[INFO] \x1b[2J");
        assert_eq!(pieces, ["[WARN] the remote says: no\\u000d\\u000a[INFO] \\u001b[2J\n"]);
        assert!(written(false, Level::Debug, "x").is_empty());
        let [line] = &written(true, Level::Info, "x")[..] else { panic!("one piece") };
        assert_eq!(line.len(), "2026-11-29T07:00:00.000Z [INFO] x\n".len(), "{line}");
    }

    #[test]
    fn moments_have_three_decimals() {
        for (nanoseconds, text) in [(0, "00.000Z "), (120_000_000, "00.120Z "), (123_456_789, "00.123Z ")] {
            let now = jiff::Timestamp::new(1_800_000_000, nanoseconds).unwrap();
            assert!(moment(now).ends_with(text), "{}", moment(now));
        }
    }

    #[test]
    fn the_journal_is_known_by_its_stream() {
        let own = std::fs::metadata("/proc/self/fd/2").unwrap();
        assert!(is_journal(Some(&format!("{}:{}", own.dev(), own.ino()))));
        assert!(!is_journal(Some("1:1")) && !is_journal(None));
    }
}
