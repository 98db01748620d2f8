//! monarc-stats: collects, averages and shows the statistics of MONARC risk analyses.

use argh::FromArgs;
use monarc_stats::commands;
use monarc_stats::commands::args::Arguments;
use monarc_stats::config::{self, Raw};
use monarc_stats::error::{Error, Result};
use monarc_stats::model::text::plain;
use monarc_stats::terminal;
use std::process::ExitCode;

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("monarc-stats: {}", plain(&error.chain()));
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<ExitCode> {
    let words = std::env::args_os()
        .skip(1)
        .map(|word| word.into_string().map_err(|word| Error::invalid(format!("the argument {word:?} is not UTF-8"))));
    let environment =
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let (mut raw, rest) = Raw::take(words.collect::<Result<_>>()?, environment.collect())?;
    raw.add_file(std::fs::read_to_string(config::FILE));
    raw.read_secrets(terminal::read_line)?;
    let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
    match Arguments::from_args(&["monarc-stats"], &rest) {
        Ok(arguments) => commands::run(arguments, &raw),
        Err(early) if early.status.is_ok() => {
            println!("{}", early.output);
            Ok(ExitCode::SUCCESS)
        }
        Err(early) => {
            eprintln!("{}", early.output);
            Ok(ExitCode::from(2))
        }
    }
}
