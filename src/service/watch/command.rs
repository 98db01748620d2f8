//! `WATCH_COMMAND`: a program of the operator's that is told.

use crate::error::{Error, Kind, Result};
use std::fs::File;
use std::io::{Seek, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// How long it may take.
const COMMAND_TIME: Duration = Duration::from_secs(30);

/// Runs it with a message on its standard input.
pub fn run(command: &Path, message: &str) -> Result<()> {
    let failed =
        |reason: String| Error::new(Kind::Unavailable, format!("WATCH_COMMAND: {} {reason}", command.display()));
    let message = whole(message).map_err(|error| failed("cannot be told".into()).because(error))?;
    let mut child = Command::new(command)
        .stdin(Stdio::from(message))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| failed("cannot be started".into()).because(error))?;
    match wait(&mut child) {
        Ok(Some(status)) if status.success() => Ok(()),
        Ok(Some(status)) => Err(failed(format!("failed: {status}"))),
        Ok(None) => Err(failed(format!("took more than {} s and was ended", COMMAND_TIME.as_secs()))),
        Err(error) => Err(failed("cannot be waited for".into()).because(error)),
    }
}

/// A file without a name that holds the message before anybody reads it: through a pipe a service that ends meanwhile would
/// leave the program with half a message, or none.
fn whole(message: &str) -> std::io::Result<File> {
    let mut file = File::from(rustix::fs::memfd_create("message", rustix::fs::MemfdFlags::CLOEXEC)?);
    file.write_all(message.as_bytes())?;
    file.rewind()?;
    Ok(file)
}

/// Waits for a program, and ends it when its time is up.
fn wait(child: &mut Child) -> std::io::Result<Option<ExitStatus>> {
    let deadline = Instant::now() + COMMAND_TIME;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= deadline {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
