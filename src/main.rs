//! monarc-stats: collects, averages and shows the statistics of MONARC risk analyses.

use monarc_stats::commands;
use monarc_stats::commands::args::words::{self, NoCommand};
use monarc_stats::config::{self, Raw};
use monarc_stats::error::{Error, Result};
use monarc_stats::model::text::{plain, without_password};
use monarc_stats::terminal;
use std::process::ExitCode;

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("monarc-stats: {}", plain(&without_password(&error.chain())));
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<ExitCode> {
    let (mut raw, rest) = Raw::take(words()?)?;
    raw.add_environment(std::env::vars_os());
    raw.add_file(std::fs::read_to_string(config::FILE));
    raw.read_secrets(terminal::read_line)?;
    match words::parse(&rest) {
        Ok(arguments) => commands::run(arguments, &raw),
        Err(NoCommand::Help(text)) => {
            terminal::say(&text)?;
            Ok(ExitCode::SUCCESS)
        }
        Err(NoCommand::Wrong(text)) => {
            eprintln!("monarc-stats: {}", plain(&text));
            Ok(ExitCode::from(2))
        }
    }
}

/// What was typed behind the program's name.
fn words() -> Result<Vec<String>> {
    let mut words: Vec<String> = Vec::new();
    for word in std::env::args_os().skip(1) {
        words.push(word.into_string().map_err(|word| {
            let before = words.last().filter(|before| before.starts_with("--"));
            let behind = before.map(|before| format!(" behind {before}")).unwrap_or_default();
            Error::invalid(format!("the argument {word:?}{behind} is not UTF-8"))
        })?);
    }
    Ok(words)
}
