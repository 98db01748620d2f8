//! `monarc-stats push` and `pull`.

use super::{bad, filter, store};
use crate::commands::args::{PullCommand, PushCommand};
use crate::config::{self, Config};
use crate::error::{Error, Kind, Result};
use crate::model::date::today;
use crate::model::text::{counted, grouped, without_password};
use crate::model::{StatType, Token};
use crate::sharing::{self, Pull, Push, Reporter, Sent};
use crate::store::Store;
use crate::store::listing::Filter;
use crate::store::sharing::{PushQuery, PushState};
use crate::terminal::{confirm, note, progress, read_line, say};
use jiff::{Span, ToSpan};
use uuid::Uuid;

/// Months that are pushed or pulled if nobody says from when on.
const MONTHS: i64 = 3;

/// Pushes, or does one of the things around it.
pub fn push(config: &Config, command: &PushCommand) -> Result<()> {
    let store = store(config)?;
    let remote = remote(config, command.remote.as_deref())?;
    let mut filter = selection(&store, command)?;
    if command.withdraw {
        return withdraw(config, &store, command, &remote, &filter);
    }
    must_share(&store, command)?;
    filter.from = filter.from.or_else(|| today().checked_sub(Span::new().months(MONTHS)).ok());
    if command.show {
        return show(&sharing::first_bodies(&store, &remote, &filter, command.all, config.share_level)?);
    }
    if command.dry_run {
        return describe(&store, PushQuery { remote, filter, all: command.all, replaced: false });
    }
    let token = token(config, command.token.as_deref())?;
    let (all, retries, proxies) = (command.all, command.retries, &config.proxies);
    let level = config.share_level;
    let push = Push { remote: &remote, token: &token, filter, all, level, retries, proxies };
    warn_of_plain(&remote);
    report(&with_reporter("pushing", |reporter| sharing::push(&store, &push, reporter))?)
}

/// Prints bodies as they would leave, and what the store has where that is more.
fn show(bodies: &[(String, String)]) -> Result<()> {
    if bodies.is_empty() {
        return Err(Error::new(Kind::NotFound, "there is nothing to send"));
    }
    for (before, after) in bodies {
        if before != after {
            note(&format!("SHARE_LEVEL=categories: this is in the store and does not leave as it is: {before}"));
        }
        say(after)?;
    }
    Ok(())
}

/// Pulls.
pub fn pull(config: &Config, command: &PullCommand) -> Result<()> {
    if command.benchmark {
        return pull_benchmark(config, command);
    }
    if command.forget {
        return Err(Error::invalid(
            "--forget: it goes with --benchmark; stats are deleted by 'monarc-stats stats delete'",
        ));
    }
    let store = store(config)?;
    let name = command.client.as_deref().ok_or_else(|| {
        Error::invalid("--client names the client to pull into; --benchmark fetches what is published for everybody")
    })?;
    let client = store.client(name)?;
    let remote = remote(config, command.remote.as_deref())?;
    let dates = (command.from.as_deref(), command.to.as_deref());
    let filter = filter(&store, None, command.anr.as_deref(), command.kind.as_deref(), dates)?;
    let token = token(config, command.token.as_deref())?;
    let (kinds, first) = (filter.kind.map_or(StatType::ALL.to_vec(), |kind| vec![kind]), today());
    let pull = Pull {
        remote: &remote,
        token: &token,
        client: &client,
        kinds: &kinds,
        anrs: filter.anrs.as_deref(),
        from: filter.from.unwrap_or_else(|| first.saturating_sub(Span::new().months(MONTHS))),
        to: filter.to.unwrap_or_else(|| first.saturating_add(2.days())),
        retries: command.retries,
        proxies: &config.proxies,
    };
    warn_of_plain(&remote);
    let pulled = with_reporter("pulling", |reporter| sharing::pull(&store, &pull, reporter))?;
    for sentence in &pulled.refused {
        note(sentence);
    }
    let refused = u64::try_from(pulled.refused.len()).unwrap_or_default();
    let (stored, known, outdated) = (grouped(pulled.stored), grouped(pulled.known), grouped(pulled.outdated));
    say(&format!("pulled {stored}, already there {known}, outdated {outdated}, refused {}", grouped(refused)))?;
    match refused {
        0 => Ok(()),
        _ => Err(Error::invalid(format!("{remote} has stats that cannot be used: see above"))),
    }
}

/// Fetches what the remote publishes for everybody.
fn pull_benchmark(config: &Config, command: &PullCommand) -> Result<()> {
    let given = [
        ("--client", command.client.is_some()),
        ("--anr", command.anr.is_some()),
        ("--type", command.kind.is_some()),
        ("--from", command.from.is_some()),
        ("--to", command.to.is_some()),
        ("--token", command.token.is_some()),
    ];
    if let Some((flag, _)) = given.iter().find(|(_, is_given)| *is_given) {
        return Err(Error::invalid(format!(
            "{flag}: --benchmark asks for what everybody may read, all of it, without a token"
        )));
    }
    if command.forget {
        if command.remote.is_some() {
            return Err(Error::invalid("--remote: --forget lets go of what was fetched, wherever it came from"));
        }
        store(config)?.forget_from_afar()?;
        return say("no figures of another instance are kept");
    }
    let remote = remote(config, command.remote.as_deref())?;
    let fetched = sharing::fetch(&store(config)?, &remote, &config.proxies)?;
    fetched.missing.iter().for_each(|sentence| note(&format!("left out: {sentence}")));
    for line in fetched.told() {
        say(&line)?;
    }
    Ok(())
}

fn selection(store: &Store, command: &PushCommand) -> Result<Filter> {
    let dates = (command.from.as_deref(), command.to.as_deref());
    filter(store, command.client.as_deref(), command.anr.as_deref(), command.kind.as_deref(), dates)
}

fn must_share(store: &Store, command: &PushCommand) -> Result<()> {
    let Some(name) = &command.client else {
        if !store.clients()?.iter().any(|client| client.is_sharing_enabled) {
            note("no client shares, so nothing leaves: 'monarc-stats client enable-sharing NAME' changes that");
        }
        return Ok(());
    };
    let client = store.client(name)?;
    match client.is_sharing_enabled {
        true => Ok(()),
        false => {
            let name = client.name;
            Err(Error::invalid(format!("{name:?} does not share: 'monarc-stats client enable-sharing' changes that")))
        }
    }
}

fn remote(config: &Config, given: Option<&str>) -> Result<String> {
    let remote = given.map(config::url).transpose().map_err(bad("--remote"))?;
    Ok(remote.unwrap_or_else(|| config.remote.clone()))
}

/// Whoever is on the way can read what is not encrypted, the token included.
fn warn_of_plain(remote: &str) {
    let host = remote.strip_prefix("http://").unwrap_or("localhost").to_lowercase();
    let host = host.rsplit('@').next().unwrap_or_default();
    if !["localhost", "127.", "[::1]"].iter().any(|own| host.starts_with(own)) {
        note(&format!("warning: token and stats travel unencrypted to {remote}; https:// would protect them"));
    }
}

fn token(config: &Config, given: Option<&str>) -> Result<Token> {
    let text = match given {
        Some("-") => read_line()?,
        Some(text) => text.to_owned(),
        None => {
            let advice = "the remote wants a token: --token, or REMOTE_STATS_TOKEN";
            return config.remote_token.clone().ok_or_else(|| Error::invalid(advice));
        }
    };
    Token::new(&text).map_err(bad("--token"))
}

fn with_reporter<T>(what: &'static str, work: impl FnOnce(&mut Reporter<'_>) -> Result<T>) -> Result<T> {
    let mut progress = progress(what);
    let mut notice = note;
    let mut pause = |time| {
        std::thread::sleep(time);
        true
    };
    work(&mut Reporter { progress: &mut progress, notice: &mut notice, pause: &mut pause })
}

fn describe(store: &Store, query: PushQuery) -> Result<()> {
    let shares = store.push_summaries(&query)?;
    let mut leaving = 0;
    for share in &shares {
        let (leaves, why) = match share.state {
            PushState::New => (true, "new"),
            PushState::Accepted => (query.all, "already there"),
            PushState::Replaced => (false, "replaced since; leaves if the remote replaces, too"),
            PushState::Withdrawn => (false, "taken back"),
            PushState::Twin => (false, "stays: another client's stats leave under the same UUID"),
        };
        leaving += if leaves { share.number } else { 0 };
        say(&format!(
            "{}  {:<13}  {} to {}  {:>7}  {why}  {}",
            share.anr,
            share.kind.name(),
            share.first,
            share.last,
            grouped(share.number),
            share.client
        ))?;
    }
    say(&format!("{} would leave for {}", counted(leaving, "stat"), without_password(&query.remote)))
}

fn report(sent: &Sent) -> Result<()> {
    for refusal in &sent.refusals {
        let (kind, reason) = (refusal.kind.name(), &refusal.reason);
        note(&format!("refused: {} of {}, {kind}, {}: {reason}", refusal.uuid, refusal.anr, refusal.date));
    }
    if sent.held_back > 0 {
        let number = grouped(sent.held_back);
        eprintln!("held back: {number} were replaced since, and the remote would count their days twice");
    }
    if sent.withdrawn > 0 {
        let number = grouped(sent.withdrawn);
        eprintln!("held back: {number} of analyses that were taken back; --anr pushes one again");
    }
    for one in &sent.twins {
        let (anr, client, other) = (one.anr, &one.client, one.twin.as_deref().unwrap_or("another client"));
        note(&format!(
            "held back: analysis {anr} of {client:?}, because {other:?} has an analysis with the same UUID and to the \
             remote both would be one; 'client disable-sharing' for one of the two decides which leaves"
        ));
    }
    let (new, known, refused) = (grouped(sent.sent), grouped(sent.known), grouped(sent.refused));
    say(&format!("sent {new}, already there {known}, refused {refused}"))?;
    match sent.refused {
        0 => Ok(()),
        _ => Err(Error::invalid(format!("the remote refused {}: see above", counted(sent.refused, "stat")))),
    }
}

fn withdraw(config: &Config, store: &Store, command: &PushCommand, remote: &str, filter: &Filter) -> Result<()> {
    if filter.kind.is_some() || filter.from.is_some() || filter.to.is_some() {
        return Err(Error::invalid("--withdraw takes back whole analyses: leave out --type, --from and --to"));
    }
    let anrs: Vec<Uuid> = match (&filter.anrs, filter.client) {
        (Some(anrs), None) => anrs.clone(),
        (None, Some(client)) => store.pushed_analyses(remote, client)?,
        _ => return Err(Error::invalid("--withdraw: say which analysis (--anr) or which client (--client)")),
    };
    let number = anrs.len();
    confirm(command.yes || anrs.is_empty(), &format!("Take {} back from {remote}?", counted(number, "analysis")))?;
    let token = token(config, command.token.as_deref())?;
    let (filter, retries, proxies) = (filter.clone(), command.retries, &config.proxies);
    let level = config.share_level;
    let push = Push { remote, token: &token, filter, all: false, level, retries, proxies };
    with_reporter("taking back", |reporter| sharing::withdraw(store, &push, &anrs, reporter))?;
    say(&format!("took {} back from {}", counted(number, "analysis"), without_password(remote)))
}
