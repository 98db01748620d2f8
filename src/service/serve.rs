//! `monarc-stats serve` and `demo`.

use super::{first_client, logging, releases, schedule, watch};
use crate::app::App;
use crate::config::{Config, Raw};
use crate::demo;
use crate::error::{Error, Kind, Result};
use crate::files::as_owner;
use crate::model::Token;
use crate::model::text::counted;
use crate::mosp::Budget;
use crate::server::{self, Limits, Listener, Stop};
use crate::store::housekeeping::Intervals;
use crate::store::place::require_own_disk;
use crate::store::{Store, housekeeping, read_only};
use crate::terminal::say;
use std::fs::Permissions;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

/// Serves the store until a signal ends it.
pub fn serve(config: Config, raw: &Raw) -> Result<()> {
    for (name, meant) in raw.unknown() {
        let meant = meant.map(|meant| format!("; is {meant} meant?")).unwrap_or_default();
        log::warn!("{name} is set and is no setting{meant}");
    }
    for name in raw.without_effect() {
        log::warn!("{name} is set and has no effect here: it is a setting of the reference implementation");
    }
    schedule::check(&config)?;
    if config.store_must_exist && !config.store.exists() {
        let text = format!("STORE_MUST_EXIST: there is no store at {}", config.store.display());
        return Err(Error::new(Kind::NotFound, text));
    }
    if !config.allow_network_store {
        require_own_disk(&config.store)?;
    }
    warn_of_short_token(&config);
    let listening = listen(&config)?;
    let store = as_owner(&config.store, || {
        let store = Store::open(&config.store)?;
        make_private(&config.store)?;
        Ok(store)
    })?;
    if store.is_new() {
        log::warn!("created a new, empty store at {}", config.store.display());
    }
    run(config, store, listening)
}

/// Takes a store away from everybody but its owner. One that another program has copied or restored, as replication
/// does, has that program's mode, and with it the hashes of tokens are for all to read.
fn make_private(store: &Path) -> Result<()> {
    for file in read_only::files(store) {
        let unusable = |error| {
            let text = format!("{} can be read by others, and that cannot be changed", file.display());
            Error::new(Kind::Unavailable, text).because(error)
        };
        let mode = std::fs::metadata(&file).map_err(unusable)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            std::fs::set_permissions(&file, Permissions::from_mode(mode & 0o700)).map_err(unusable)?;
            log::warn!("{} could be read by others (mode {mode:o}): now by its owner alone", file.display());
        }
    }
    Ok(())
}

/// An existing token goes on working however short it is; that is worth a word.
fn warn_of_short_token(config: &Config) {
    if config.admin_token.as_ref().is_some_and(|token| Token::is_short(token.reveal())) {
        log::warn!("ADMIN_TOKEN has fewer than {} characters: name a longer one, which nobody can guess", Token::SHORT);
    }
}

/// Days that a demo can invent: ten years.
const DAYS: std::ops::RangeInclusive<u32> = 1..=3660;

/// Serves a throw-away store filled with sample analyses.
pub fn demo(mut config: Config, days: u32) -> Result<()> {
    if !DAYS.contains(&days) {
        return Err(Error::invalid(format!("--days: a number from {} to {} is needed", DAYS.start(), DAYS.end())));
    }
    // Before the work: a port that is taken is known at once.
    let listening = listen(&config)?;
    let directory = demo::Directory::new()?;
    config.store = directory.path().join("stats.db");
    // Its clients are invented, so the map gives nobody away.
    config.map = true;
    // What is invented is not for others, and must not push real backups out of their directory.
    (config.push_every, config.purge_after_months, config.backup_dir) = (None, None, None);
    config.first_client = None;
    let store = Store::open(&config.store)?;
    let number = demo::fill(&store, crate::model::date::today(), days)?;
    log::info!("invented {}", counted(number, "stat"));
    if !config.public_min_clients.is_live() {
        let unnamed = |_: &str, _: &mut Budget| Some(Default::default());
        releases::build_due(&store, config.public_min_clients.k, crate::model::date::today(), &unnamed, &|| true)?;
    }
    run(config, store, listening)
}

fn listen(config: &Config) -> Result<(Listener, SocketAddr)> {
    let address = SocketAddr::new(config.host, config.port);
    server::listen(address).map_err(|error| {
        Error::new(Kind::Unavailable, format!("HOST and PORT: cannot listen on {address}")).because(error)
    })
}

fn run(config: Config, store: Store, (listener, address): (Listener, SocketAddr)) -> Result<()> {
    let stop = Stop::default();
    obey_signals(&stop)?;
    store.claim()?;
    store.limit_objects(config.max_objects);
    if let Some(token) = &config.admin_token {
        store.ensure_admin(token)?;
    } else if let Some(name) = config.first_client.as_deref()
        && store.never_had_clients()?
    {
        first_client::make(&store, name)?;
    }
    for name in store.with_published_tokens()? {
        log::warn!("{}: {}", Token::is_published(&name), Token::REPLACE_PUBLISHED);
    }
    let sharing = store.clients()?.iter().filter(|client| client.is_active && client.is_sharing_enabled).count();
    if let Some(text) = config.public_min_clients.too_few(sharing) {
        log::warn!("{text}");
    }
    if let Err(error) = store.glance() {
        log::error!("{}", error.chain());
    }
    let store = Arc::new(store);
    let lost = stop.clone();
    store.when_lost(move || lost.stop());
    say(&format!("listening on http://{address}, store {}", store.path().display()))?;
    let quiet = housekeeping::start(Arc::clone(&store), Intervals::default());
    let connections = Arc::new(AtomicUsize::new(0));
    let schedule = schedule::start(&config, &store)?;
    let app = Arc::new(App::new(config, Arc::clone(&store), Arc::clone(&connections)));
    let releases = releases::start(&app)?;
    let watching = watch::start(&app.config, &store, Arc::clone(&app.signals))?;
    server::serve(listener, app, Limits::default(), &stop, connections)
        .map_err(|error| Error::new(Kind::Internal, "connections cannot be accepted").because(error))?;
    drop(watching);
    drop(releases);
    drop(schedule);
    drop(quiet);
    log::info!("stopped");
    if let Some(why) = store.lost() {
        return Err(Error::new(Kind::Unavailable, why));
    }
    Ok(())
}

/// SIGTERM, SIGINT and SIGQUIT end the service in good order, SIGHUP opens the log's file anew, and SIGUSR1 and SIGUSR2,
/// which would end it at once, do nothing.
fn obey_signals(stop: &Stop) -> Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
    let all = [SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2];
    let mut signals = signal_hook::iterator::Signals::new(all)
        .map_err(|error| Error::new(Kind::Internal, "signals cannot be waited for").because(error))?;
    let stop = stop.clone();
    std::thread::spawn(move || {
        for signal in signals.forever() {
            match signal {
                SIGHUP => logging::reopen(),
                SIGUSR1 | SIGUSR2 => {}
                _ => stop.stop(),
            }
        }
    });
    Ok(())
}
