//! What a person at a terminal reads and answers: lines, questions, progress.

use crate::error::{Error, Kind, Result};
use crate::model::text::{plain, without_password};
use std::io::{BufRead, IsTerminal, Write};

/// Prints lines, in which names and labels of others may stand. A reader that has gone away, as `head` does, is no failure.
pub fn say(lines: &str) -> Result<()> {
    match print(lines) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(unwritable(error)),
        _ => Ok(()),
    }
}

/// Prints lines that somebody has to see, such as a token.
///
/// # Errors
/// `Unavailable` if they cannot be written, for whatever reason.
pub fn show(lines: &str) -> Result<()> {
    print(lines).map_err(unwritable)
}

fn print(lines: &str) -> std::io::Result<()> {
    let lines: Vec<_> = lines.split('\n').map(plain).collect();
    writeln!(std::io::stdout(), "{}", lines.join("\n"))
}

fn unwritable(error: std::io::Error) -> Error {
    Error::new(Kind::Unavailable, "standard output cannot be written").because(error)
}

/// Prints a line beside what a command is asked for: a warning, or what others said.
pub fn note(line: &str) {
    eprintln!("{}", plain(&without_password(line)));
}

/// Asks before something is deleted: on a terminal a question, elsewhere `--yes` is the only answer.
pub fn confirm(yes: bool, question: &str) -> Result<()> {
    let question = without_password(question);
    if yes {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        return Err(Error::invalid(format!("{question} Say --yes to do it.")));
    }
    eprint!("{question} [y/N] ");
    match read_line()?.to_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Error::invalid("nothing was changed")),
    }
}

/// A line of standard input without its end, and without the byte-order mark that some editors put first.
///
/// # Errors
/// `Unavailable` if there is nothing to read from.
pub fn read_line() -> Result<String> {
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line);
    read.map_err(|error| Error::new(Kind::Unavailable, "standard input cannot be read").because(error))?;
    Ok(line.trim_start_matches('\u{feff}').trim_end_matches(['\r', '\n']).to_owned())
}

/// A progress bar on a terminal, nothing elsewhere.
pub fn progress(what: &'static str) -> impl FnMut(u64, u64) {
    let bar = indicatif::ProgressBar::new(0).with_message(what);
    if let Ok(style) = indicatif::ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {eta}") {
        bar.set_style(style);
    }
    move |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    }
}
