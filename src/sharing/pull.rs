//! Pull: what a remote has, asked for in windows of dates, into a client of this store.

use super::Reporter;
use super::remote::{Remote, Try, said};
use crate::config::Proxies;
use crate::error::{Error, Kind, Result};
use crate::model::shapes::Flaw;
use crate::model::stat::NewStat;
use crate::model::{Client, StatType, Token};
use crate::store::Store;
use crate::store::parts::parts;
use crate::store::stats::ItemOutcome;
use jiff::civil::Date;
use jiff::{Span, ToSpan};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use std::collections::HashSet;
use std::time::Instant;
use uuid::Uuid;

/// Days of the first window.
const FIRST: i64 = 7;
/// Most days of a window.
const MAX_ITEMS: i64 = 366;
/// Bytes and seconds that an answer should stay below.
const BYTES: usize = 4 << 20;
const SECONDS: f64 = 5.0;

/// What to pull, where from, and into which client.
pub struct Pull<'a> {
    /// Address of the remote.
    pub remote: &'a str,
    /// What it knows us by.
    pub token: &'a Token,
    /// Whose the stats will be here.
    pub client: &'a Client,
    /// Which types.
    pub kinds: &'a [StatType],
    /// Only of these analyses.
    pub anrs: Option<&'a [Uuid]>,
    /// First date.
    pub from: Date,
    /// Last date.
    pub to: Date,
    /// Tries after one that did not get through.
    pub retries: u32,
    /// Proxies of this machine.
    pub proxies: &'a Proxies,
}

/// What became of a pull.
#[derive(Debug, Default)]
pub struct Pulled {
    /// Stored.
    pub stored: u64,
    /// There already.
    pub known: u64,
    /// Left out: the remote has a later one of the same analysis, type and date.
    pub outdated: u64,
    /// Not usable, a sentence each.
    pub refused: Vec<String>,
}

#[derive(Deserialize)]
struct Listing<'a> {
    #[serde(borrow)]
    data: Vec<&'a RawValue>,
}

/// Pulls. A second pull of the same stats changes nothing.
///
/// # Errors
/// `Unavailable` or `Busy` if the remote cannot be reached or does not want us; those of the store.
pub fn pull(store: &Store, pull: &Pull<'_>, reporter: &mut Reporter<'_>) -> Result<Pulled> {
    let mut remote = Remote::new(pull.remote, pull.token, pull.proxies, pull.retries)?;
    let mut pulled = Pulled::default();
    let days = u64::try_from((pull.to - pull.from).get_days() + 1).unwrap_or_default();
    let total = days * u64::try_from(pull.kinds.len()).unwrap_or_default();
    for (before, &kind) in (0..).zip(pull.kinds) {
        let mut window = Window { first: pull.from, days: FIRST };
        while window.first <= pull.to {
            let last = window.last().min(pull.to);
            let start = Instant::now();
            let Some(body) = ask(&mut remote, pull, kind, (window.first, last), reporter)? else {
                window.days = (window.days / 2).max(1);
                continue;
            };
            let is_small = body.len() < BYTES / 2 && start.elapsed().as_secs_f64() < SECONDS / 2.0;
            take(store, pull, kind, (window.first, last), &body, &mut pulled)?;
            let done = u64::try_from((last - pull.from).get_days() + 1).unwrap_or_default();
            (reporter.progress)(before * days + done, total);
            window.first = last.saturating_add(1.day());
            if last == Date::MAX {
                break;
            }
            window.days = if is_small { (window.days * 2).min(MAX_ITEMS) } else { window.days };
            if body.len() > BYTES {
                window.days = (window.days / 2).max(1);
            }
        }
    }
    Ok(pulled)
}

struct Window {
    first: Date,
    days: i64,
}

impl Window {
    fn last(&self) -> Date {
        self.first.saturating_add(Span::new().days(self.days - 1))
    }
}

/// The remote's stats of a window; none if that was too much at once.
fn ask(
    remote: &mut Remote<'_>,
    pull: &Pull<'_>,
    kind: StatType,
    (first, last): (Date, Date),
    reporter: &mut Reporter<'_>,
) -> Result<Option<Vec<u8>>> {
    let mut request = json!({"type": kind.name(), "date_from": first.to_string(), "date_to": last.to_string()});
    if let Some(anrs) = pull.anrs {
        request["anrs"] = anrs.iter().map(ToString::to_string).collect();
    }
    let request = request.to_string();
    loop {
        match remote.attempt(("GET", "/api/v1/stats/"), Some(request.as_bytes()), reporter)? {
            Try::Response(answer) if answer.status == 200 => return Ok(Some(answer.body)),
            Try::Response(answer) => {
                let text = format!("{} cannot be pulled from: it answered {}", pull.remote, said(&answer));
                return Err(Error::new(Kind::Unavailable, text));
            }
            Try::Again | Try::TooLarge if first < last => return Ok(None),
            Try::Again => {}
            Try::TooLarge => {
                let text = format!("the stats of {first} at {} are more than can be read at once", pull.remote);
                return Err(Error::new(Kind::Unavailable, text));
            }
        }
    }
}

/// Stores an answer's stats.
fn take(
    store: &Store,
    pull: &Pull<'_>,
    kind: StatType,
    window: (Date, Date),
    body: &[u8],
    pulled: &mut Pulled,
) -> Result<()> {
    let wrong = |error: serde_json::Error| {
        let text = format!("{} does not answer as a stats service: name the right address", pull.remote);
        Error::new(Kind::Unavailable, text).because(error)
    };
    let listing: Listing<'_> = serde_json::from_slice(body).map_err(wrong)?;
    let mut stats: Vec<NewStat<'_>> = Vec::with_capacity(listing.data.len());
    for item in &listing.data {
        match NewStat::parse(item.get()).and_then(|stat| asked_for(stat, kind, window)) {
            Ok(stat) => stats.push(stat),
            Err(flaw) => pulled.refused.push(format!(
                "{}: {}{}",
                crate::model::decimal::excerpt_of(item.get(), 120),
                flaw.field.map(|field| format!("{field}: ")).unwrap_or_default(),
                flaw.reason
            )),
        }
    }
    let all = stats.len();
    let stats = newest_of_each_day(stats);
    pulled.outdated += u64::try_from(all - stats.len()).unwrap_or_default();
    let mut placed = Vec::with_capacity(stats.len());
    for part in parts(&stats, |stat| stat.data.len()) {
        placed.extend(store.add_stats(pull.client, part)?);
    }
    for (outcome, stat) in placed.iter().zip(&stats) {
        match (outcome, outcome.flaw()) {
            (ItemOutcome::Stored(_), _) => pulled.stored += 1,
            (_, Some(flaw)) => {
                pulled.refused.push(format!("{} {} of {}: {}", stat.kind.name(), stat.date, stat.anr, flaw.reason));
            }
            _ => pulled.known += 1,
        }
    }
    Ok(())
}

/// A stat, if it is one of those that were asked for: a remote does not decide what dates this store has.
fn asked_for<'a>(
    stat: NewStat<'a>,
    kind: StatType,
    (first, last): (Date, Date),
) -> std::result::Result<NewStat<'a>, Flaw> {
    if stat.kind != kind {
        return Err(Flaw { field: Some("type".into()), reason: format!("{} was asked for", kind.name()) });
    }
    if stat.date < first || stat.date > last {
        let reason = format!("dates from {first} to {last} were asked for");
        return Err(Flaw { field: Some("date".into()), reason });
    }
    Ok(stat)
}

/// Of several stats of a day, as the reference has them, the last: answers are in order of arrival.
fn newest_of_each_day<'a>(stats: Vec<NewStat<'a>>) -> Vec<NewStat<'a>> {
    let mut places: HashSet<(Uuid, StatType, Date)> = HashSet::new();
    let mut kept: Vec<NewStat<'a>> =
        stats.into_iter().rev().filter(|stat| places.insert((stat.anr, stat.kind, stat.date))).collect();
    kept.reverse();
    kept
}
