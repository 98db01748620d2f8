//! The commands: one short function each.

mod archive;
pub mod args;
mod client;
mod completions;
mod database;
mod doctor;
mod licenses;
mod manual;
mod mosp;
mod release;

mod settings;
mod sharing;
mod stats;
mod view_link;

use crate::commands::args::{Arguments, Command, Serve};
use crate::config::{Config, Proxies, Raw};
use crate::error::{Error, Kind, Result};
use crate::files::as_owner;
use crate::model::date::parse_loose;
use crate::model::{StatType, parse_uuid};
use crate::outbound::{HttpClient, Request};
use crate::service::{logging, serve};
use crate::store::Store;
use crate::store::listing::Filter;
use crate::terminal::say;
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
    let command = arguments.command.unwrap_or(Command::Serve(Serve {}));
    let serves = matches!(command, Command::Serve(_) | Command::Demo(_));
    let ready = || -> Result<Config> {
        let config = Config::new(raw)?;
        match serves {
            true => logging::start(config.log_path.as_deref(), log::LevelFilter::Info)?,
            false => logging::start(None, log::LevelFilter::Warn)?,
        }
        Ok(config)
    };
    let done = match command {
        Command::Serve(_) => serve::serve(ready()?, raw),
        Command::Demo(command) => serve::demo(ready()?, command.days),
        Command::Client(command) => ready().and_then(|c| as_owner(&c.store, || client::run(&c, command.action))),
        Command::Stats(command) => ready().and_then(|c| as_owner(&c.store, || stats::run(&c, command.action))),
        Command::Push(command) => ready().and_then(|c| as_owner(&c.store, || sharing::push(&c, &command))),
        Command::Pull(command) => ready().and_then(|c| as_owner(&c.store, || sharing::pull(&c, &command))),
        Command::Export(command) => archive::export(&ready()?, &command),
        Command::Import(command) => archive::import(&ready()?, &command),
        Command::Mosp(command) => return mosp::run(&ready()?, &command.action),
        Command::Release(command) => ready().and_then(|c| as_owner(&c.store, || release::run(&c, &command.action))),
        Command::Database(command) => database::run(&ready()?, command.action),
        Command::Config(command) if command.template => settings::template(),
        Command::Config(_) => settings::show(&ready()?, raw),
        Command::Healthcheck(_) => healthcheck(&ready()?),
        Command::Doctor(command) => return doctor::run(&command, raw),
        // These have no use for settings, which may be wrong.
        Command::Licenses(command) => licenses::run(&command),
        Command::Manual(_) => manual::run(),
        Command::Completions(command) => completions::run(&command),
    };
    done.map(|()| ExitCode::SUCCESS)
}

/// The store of the commands that run beside a service.
fn store(config: &Config) -> Result<Store> {
    store_or_new(config, false)
}

/// The same of a command that changes nothing, and so also works where nothing can be changed.
fn store_to_read(config: &Config) -> Result<Store> {
    Store::open_to_read(&config.store)
}

/// The same of a command that may come before the first start of the service, if `--new-store` says so: a path with a
/// mistake in it must not become another store.
fn store_or_new(config: &Config, is_new: bool) -> Result<Store> {
    let store = match is_new {
        true => Store::open(&config.store)?,
        false => Store::open_existing(&config.store)?,
    };
    store.limit_objects(config.max_objects);
    Ok(store)
}

/// Where the service of this machine listens. One that listens everywhere is asked at home.
fn own_address(config: &Config) -> SocketAddr {
    let host = match config.host {
        host if !host.is_unspecified() => host,
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    SocketAddr::new(host, config.port)
}

fn healthcheck(config: &Config) -> Result<()> {
    let address = own_address(config);
    let url = format!("http://{address}/healthz");
    // No proxy stands between a machine and itself.
    let web = HttpClient::new(&url, &Proxies::default(), Duration::from_secs(5))?;
    let request = Request { method: "GET", url: &url, token: None, body: None };
    match web.ask(&request).map(|answer| answer.status) {
        Ok(200) => say(&format!("{address} is well")),
        Ok(status) => Err(Error::new(Kind::Unavailable, format!("{address} is not well: it answered {status}"))),
        Err(error) => Err(Error::new(Kind::Unavailable, format!("{address} does not answer; is the service running?"))
            .because(error.error)),
    }
}

/// An argument that could not be used, named.
fn bad(flag: &str) -> impl Fn(String) -> Error + '_ {
    move |reason| Error::invalid(format!("{flag}: {reason}"))
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
