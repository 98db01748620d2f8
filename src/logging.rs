//! Where the log goes.

use crate::error::{Error, Kind, Result};
use log::LevelFilter;
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
        None => WriteLogger::init(level, config, LineWriter::new(std::io::stderr())),
        Some(path) => {
            let file = OpenOptions::new().create(true).append(true).open(path);
            let text = || format!("LOG_PATH={:?} cannot be opened", path.display().to_string());
            // simplelog writes a line in pieces, each of which would be a call of the system.
            let file = LineWriter::new(file.map_err(|error| Error::invalid(text()).because(error))?);
            WriteLogger::init(level, config, file)
        }
    };
    started.map_err(|error| Error::new(Kind::Internal, "the log was started twice").because(error))
}
