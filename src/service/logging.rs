//! Where the log goes.

use crate::error::{Error, Kind, Result};
use crate::model::text::{plain, without_password};
use log::{LevelFilter, Log, Metadata, Record};
use simplelog::{ConfigBuilder, WriteLogger};
use std::fs::OpenOptions;
use std::io::LineWriter;
use std::path::Path;

/// Starts the log: appended to a file, or on standard error.
///
/// # Errors
/// `Invalid` if the file cannot be opened, naming `LOG_PATH`.
pub fn start(path: Option<&Path>, level: LevelFilter) -> Result<()> {
    let config = ConfigBuilder::new()
        .set_time_format_rfc3339()
        .set_thread_level(LevelFilter::Off)
        .set_target_level(LevelFilter::Off)
        .set_location_level(LevelFilter::Off)
        .build();
    let started = match path {
        None => begin(WriteLogger::new(level, config, LineWriter::new(std::io::stderr())), level),
        Some(path) => {
            let file = OpenOptions::new().create(true).append(true).open(path);
            let text = || format!("LOG_PATH={:?} cannot be opened", path.display().to_string());
            // simplelog writes a line in pieces, each of which would be a call of the system.
            let file = LineWriter::new(file.map_err(|error| Error::invalid(text()).because(error))?);
            begin(WriteLogger::new(level, config, file), level)
        }
    };
    started.map_err(|error| Error::new(Kind::Internal, "the log was started twice").because(error))
}

fn begin(logger: Box<dyn Log>, level: LevelFilter) -> std::result::Result<(), log::SetLoggerError> {
    log::set_max_level(level);
    log::set_boxed_logger(Box::new(Plain(logger)))
}

/// Keeps each record on one line, whatever others have written into it, and passwords of addresses out of it.
struct Plain(Box<dyn Log>);

impl Log for Plain {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.0.enabled(metadata)
    }

    fn log(&self, record: &Record<'_>) {
        let text = record.args().to_string();
        self.0.log(
            &Record::builder()
                .metadata(record.metadata().clone())
                .args(format_args!("{}", plain(&without_password(&text))))
                .build(),
        );
    }

    fn flush(&self) {
        self.0.flush();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use log::Level;
    use std::io::Write;
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

    #[test]
    fn a_record_is_one_line() {
        let (sender, pieces) = channel();
        let logger = Plain(WriteLogger::new(LevelFilter::Info, ConfigBuilder::new().build(), Pieces(sender)));
        logger.log(
            &Record::builder().level(Level::Warn).args(format_args!("the remote says: no\r\n[INFO] \x1b[2J")).build(),
        );
        drop(logger);
        let text = String::from_utf8(pieces.into_iter().flatten().collect()).unwrap();
        assert!(text.ends_with("the remote says: no\\u000d\\u000a[INFO] \\u001b[2J\n"), "{text:?}");
        assert_eq!(text.lines().count(), 1);
    }
}
