//! The commands: one short function each.

mod archive;
mod client;
mod database;
mod mosp;
mod schedule;
mod serve;
mod sharing;
mod stats;

use crate::cli::{Arguments, Command};
use crate::config::{Config, Raw, SETTINGS};
use crate::error::{Error, Kind, Result};
use crate::model::date::parse_loose;
use crate::model::text::plain;
use crate::model::{StatType, parse_uuid};
use crate::store::Store;
use crate::store::listing::Filter;
use crate::{http, logging};
use std::io::{BufRead, IsTerminal, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

/// Runs the command that was typed, or serves; gives its exit code.
///
/// # Errors
/// Those of the command, as a sentence for whoever typed it.
pub fn run(arguments: Arguments, raw: &Raw) -> Result<ExitCode> {
    if arguments.version {
        say(&format!("monarc-stats {}", env!("CARGO_PKG_VERSION")))?;
        return Ok(ExitCode::SUCCESS);
    }
    let config = Config::new(raw)?;
    if let Some(Command::Mosp(command)) = &arguments.command {
        logging::start(None, log::LevelFilter::Warn)?;
        return mosp::run(&config, &command.action);
    }
    run_plain(arguments.command, config, raw).map(|()| ExitCode::SUCCESS)
}

/// Runs a command whose exit code says only whether it went well.
fn run_plain(command: Option<Command>, config: Config, raw: &Raw) -> Result<()> {
    match command {
        None | Some(Command::Serve(_)) => {
            logging::start(config.log_path.as_deref(), log::LevelFilter::Info)?;
            serve::serve(config, raw)
        }
        Some(Command::Demo(command)) => {
            logging::start(config.log_path.as_deref(), log::LevelFilter::Info)?;
            serve::demo(config, command.days)
        }
        Some(other) => {
            logging::start(None, log::LevelFilter::Warn)?;
            match other {
                Command::Client(command) => client::run(&config, command.action),
                Command::Stats(command) => stats::run(&config, command.action),
                Command::Push(command) => sharing::push(&config, &command),
                Command::Pull(command) => sharing::pull(&config, &command),
                Command::Export(command) => archive::export(&config, &command),
                Command::Import(command) => archive::import(&config, &command),
                Command::Database(command) => database::run(&config, command.action),
                Command::Healthcheck(_) => healthcheck(&config),
                Command::Config(_) | Command::Serve(_) | Command::Demo(_) | Command::Mosp(_) => {
                    show_config(&config, raw)
                }
            }
        }
    }
}

/// The store of the commands that run beside a service.
fn store(config: &Config) -> Result<Store> {
    Store::open_existing(&config.store)
}

fn show_config(config: &Config, raw: &Raw) -> Result<()> {
    for setting in SETTINGS {
        let (value, source) = raw.value(setting);
        let shown = match (setting.name, value.as_str()) {
            ("STATS_DATABASE", _) => config.store.display().to_string(),
            ("INSTANCE_URL", "") => config.public_url(),
            (_, "") => "-".to_owned(),
            _ if setting.is_secret => "********".to_owned(),
            (_, value) => value.to_owned(),
        };
        say(&format!("{:<25} {shown:<40} {:<12} {}", setting.name, source.name(), setting.help))?;
    }
    for name in raw.without_effect() {
        say(&format!(
            "{name:<25} {:<40} {:<12} a setting of the reference implementation",
            "has no effect", "environment"
        ))?;
    }
    Ok(())
}

fn healthcheck(config: &Config) -> Result<()> {
    // A service that listens everywhere is asked at home.
    let host = match config.host {
        host if !host.is_unspecified() => host,
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    let address = SocketAddr::new(host, config.port);
    match http::probe(address, "/healthz", Duration::from_secs(5)) {
        Ok(200) => say(&format!("{address} is well")),
        Ok(status) => Err(Error::new(Kind::Unavailable, format!("{address} is not well: it answered {status}"))),
        Err(error) => {
            Err(Error::new(Kind::Unavailable, format!("{address} does not answer; is the service running?"))
                .because(error))
        }
    }
}

/// Prints lines, in which names and labels of others may stand. A reader that has gone away, as `head` does, is no failure.
fn say(lines: &str) -> Result<()> {
    let lines: Vec<_> = lines.split('\n').map(plain).collect();
    match writeln!(std::io::stdout(), "{}", lines.join("\n")) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Error::new(Kind::Unavailable, "standard output cannot be written").because(error))
        }
        _ => Ok(()),
    }
}

/// Prints a line beside what a command is asked for: a warning, or what others said.
fn note(line: &str) {
    eprintln!("{}", plain(line));
}

/// Asks before something is deleted: on a terminal a question, elsewhere `--yes` is the only answer.
fn confirm(yes: bool, question: &str) -> Result<()> {
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

/// A line of standard input without its end.
///
/// # Errors
/// `Unavailable` if there is nothing to read from.
pub fn read_line() -> Result<String> {
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line);
    read.map_err(|error| Error::new(Kind::Unavailable, "standard input cannot be read").because(error))?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// An argument that could not be used, named.
fn bad(flag: &str) -> impl Fn(String) -> Error + '_ {
    move |reason| Error::invalid(format!("{flag}: {reason}"))
}

/// A number with commas between thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().filter_map(|part| str::from_utf8(part).ok()).collect();
    groups.join(",")
}

/// Which stats a command is about, from its options.
fn filter(
    store: &Store,
    client: Option<&str>,
    anr: Option<&str>,
    kind: Option<&str>,
    (from, to): (Option<&str>, Option<&str>),
) -> Result<Filter> {
    Ok(Filter {
        client: client.map(|name| store.client(name)).transpose()?.map(|client| client.id),
        kind: kind.map(StatType::parse).transpose().map_err(bad("--type"))?,
        anrs: anr.map(parse_uuid).transpose().map_err(bad("--anr"))?.map(|anr| vec![anr]),
        from: from.map(parse_loose).transpose().map_err(bad("--from"))?,
        to: to.map(parse_loose).transpose().map_err(bad("--to"))?,
        newest: false,
    })
}

/// A progress bar on a terminal, nothing elsewhere.
fn progress(what: &'static str) -> impl FnMut(u64, u64) {
    let bar = indicatif::ProgressBar::new(0).with_message(what);
    if let Ok(style) = indicatif::ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {eta}") {
        bar.set_style(style);
    }
    move |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped() {
        for (number, text) in [(0, "0"), (999, "999"), (1240, "1,240"), (1_000_000, "1,000,000")] {
            assert_eq!(grouped(number), text);
        }
    }
}
