//! `WATCH_COMMAND`: a program of the operator's that is told.

use crate::error::{Error, Kind, Result};
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// How long it may take.
const COMMAND_TIME: Duration = Duration::from_secs(30);

/// Runs it with a message on its standard input.
pub fn run(command: &Path, message: &str) -> Result<()> {
    let failed =
        |reason: String| Error::new(Kind::Unavailable, format!("WATCH_COMMAND: {} {reason}", command.display()));
    let mut child = Command::new(command)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| failed("cannot be started".into()).because(error))?;
    if let Some(mut stdin) = child.stdin.take() {
        let message = message.to_owned();
        // A program that does not read what it is told still says by its exit code whether all is well; beside it, since
        // a long message waits for a reader.
        std::thread::spawn(move || stdin.write_all(message.as_bytes()).is_ok());
    }
    match wait(&mut child) {
        Ok(Some(status)) if status.success() => Ok(()),
        Ok(Some(status)) => Err(failed(format!("failed: {status}"))),
        Ok(None) => Err(failed(format!("took more than {} s and was ended", COMMAND_TIME.as_secs()))),
        Err(error) => Err(failed("cannot be waited for".into()).because(error)),
    }
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
