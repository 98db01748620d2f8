//! Push: what is new leaves in batches, and what the remote has accepted is remembered.

use super::Reporter;
use super::remote::{Remote, Try, said};
use crate::config::Proxies;
use crate::error::{Error, Kind, Result};
use crate::model::decimal::{excerpt, excerpt_of};
use crate::model::{ShareLevel, StatType, Token};
use crate::outbound::Response;
use crate::store::Store;
use crate::store::listing::{Filter, Position, Stat};
use crate::store::sharing::{PushQuery, PushState, PushSummary};
use jiff::civil::Date;
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::HashSet;
use std::time::Instant;
use uuid::Uuid;

/// Stats of the first batch, before it is known how fast the remote is.
const FIRST: usize = 50;
/// Most stats of a batch.
const MAX_ITEMS: usize = 5000;
/// Bytes of data of the first batches: what a proxy lets pass that nobody has configured is 1 MB.
const BYTES: usize = 900_000;
/// Most bytes of data of a batch.
const MAX_BYTES: usize = 16 << 20;
/// Seconds that a batch should take: the reference is cut off after 30.
const AIM: f64 = 5.0;
/// So many single stats in a row that spoil the remote's answer are the remote's fault, not theirs.
const BROKEN: u32 = 5;
/// Refusals that are kept in full.
const NAMED: usize = 1000;

/// What to push, and where to.
pub struct Push<'a> {
    /// Address of the remote.
    pub remote: &'a str,
    /// What it knows us by.
    pub token: &'a Token,
    /// Which stats; those of clients that do not share never leave.
    pub filter: Filter,
    /// Whether to send again what the remote has accepted.
    pub all: bool,
    /// What of each stat leaves.
    pub level: ShareLevel,
    /// Tries after one that did not get through.
    pub retries: u32,
    /// Proxies of this machine.
    pub proxies: &'a Proxies,
}

/// A stat that the remote did not take.
#[derive(Debug)]
pub struct Refusal {
    /// Its UUID.
    pub uuid: Uuid,
    /// Its analysis.
    pub anr: Uuid,
    /// Its type.
    pub kind: StatType,
    /// Its date.
    pub date: Date,
    /// Why, as far as the remote says.
    pub reason: String,
}

/// What became of a push.
#[derive(Debug, Default)]
pub struct Sent {
    /// Stored by the remote.
    pub sent: u64,
    /// The remote had them.
    pub known: u64,
    /// Not taken by the remote.
    pub refused: u64,
    /// The first of these.
    pub refusals: Vec<Refusal>,
    /// Not sent: the remote has earlier ones and would count the day twice.
    pub held_back: u64,
    /// Not sent: their analyses were taken back from the remote.
    pub withdrawn: u64,
    /// Not sent: another client's stats leave under the UUID of their analysis.
    pub twins: Vec<PushSummary>,
}

/// Pushes. What was accepted before a failure is remembered, so that the next push goes on from there.
///
/// # Errors
/// `Unavailable` or `Busy` if the remote cannot be reached or does not want us; those of the store.
pub fn push(store: &Store, push: &Push<'_>, reporter: &mut Reporter<'_>) -> Result<Sent> {
    if let Some(anrs) = &push.filter.anrs {
        // Whoever names an analysis that was taken back wants it there again.
        store.forget_withdrawn(push.remote, anrs)?;
    }
    let filter = push.filter.clone();
    let mut query = PushQuery { remote: push.remote.into(), filter, all: push.all, replaced: false };
    let shares = store.push_summaries(&query)?;
    let number = |state| -> u64 { shares.iter().filter(|s| s.state == state).map(|s| s.number).sum() };
    let mut remote = Remote::new(push.remote, push.token, push.proxies, push.retries)?;
    let replaced = number(PushState::Replaced);
    query.replaced = replaced > 0 && remote.replaces(reporter)?;
    let held_back = if query.replaced { 0 } else { replaced };
    let sent = Sent { held_back, withdrawn: number(PushState::Withdrawn), ..Sent::default() };
    let known = if push.all { number(PushState::Accepted) } else { 0 };
    let total = number(PushState::New) + known + replaced - held_back;
    let sent = Sent { twins: twins(&shares), ..sent };
    let mut sending = Sending { store, remote, level: push.level, sent, total, pace: Pace::default(), broken: 0 };
    for kind in kinds(&push.filter, &shares) {
        query.filter.kind = Some(kind);
        sending.kind(&query, reporter)?;
    }
    Ok(sending.sent)
}

/// What stays because another client's stats leave under the UUID of its analysis, once per analysis.
fn twins(summaries: &[PushSummary]) -> Vec<PushSummary> {
    let mut seen = HashSet::new();
    let held = summaries.iter().filter(|one| one.state == PushState::Twin);
    held.filter(|one| seen.insert((one.client.clone(), one.anr))).cloned().collect()
}

/// The types that there is something of, one after the other.
fn kinds(filter: &Filter, shares: &[PushSummary]) -> Vec<StatType> {
    let all = StatType::ALL.into_iter().filter(|kind| shares.iter().any(|share| share.kind == *kind));
    filter.kind.map_or_else(|| all.collect(), |kind| vec![kind])
}

/// The first body of each type that a push would send, as the store has it and as it would leave.
///
/// # Errors
/// Those of the store.
pub fn first_bodies(
    store: &Store,
    remote: &str,
    filter: &Filter,
    all: bool,
    level: ShareLevel,
) -> Result<Vec<(String, String)>> {
    let mut query = PushQuery { remote: remote.into(), filter: filter.clone(), all, replaced: false };
    let mut bodies = Vec::new();
    for kind in kinds(filter, &store.push_summaries(&query)?) {
        query.filter.kind = Some(kind);
        let stats = store.outgoing(&query, Position::default(), FIRST, BYTES)?;
        if !stats.is_empty() {
            bodies.push((body(&stats, ShareLevel::Full), body(&stats, level)));
        }
    }
    Ok(bodies)
}

/// Takes analyses back from a remote, one after the other.
///
/// # Errors
/// As for a push; what was taken back until then stays so.
pub fn withdraw(store: &Store, push: &Push<'_>, anrs: &[Uuid], reporter: &mut Reporter<'_>) -> Result<()> {
    let mut remote = Remote::new(push.remote, push.token, push.proxies, push.retries)?;
    let total = u64::try_from(anrs.len()).unwrap_or_default();
    for (done, anr) in (1..).zip(anrs) {
        let answer = remote.ask(("DELETE", &format!("/api/v1/stats/{anr}")), reporter)?;
        if !matches!(answer.status, 200 | 204) {
            let text = format!("{} does not take back {anr}: it answered {}", push.remote, said(&answer));
            return Err(Error::new(Kind::Unavailable, text));
        }
        store.remember_withdrawn(push.remote, *anr)?;
        (reporter.progress)(done, total);
    }
    Ok(())
}

/// The body of a batch: five keys a stat.
fn body(stats: &[Stat<'_>], level: ShareLevel) -> String {
    let mut text = String::with_capacity(stats.iter().map(|stat| stat.data.len() + 160).sum());
    for stat in stats {
        text.push(if text.is_empty() { '[' } else { ',' });
        text.push_str(&format!(
            r#"{{"uuid":"{}","anr":"{}","type":"{}","date":"{}","data":{}}}"#,
            stat.uuid,
            stat.anr,
            stat.kind.name(),
            stat.date,
            level.apply(stat.kind, &stat.data)
        ));
    }
    text.push(']');
    text
}

/// A push that is under way.
struct Sending<'a> {
    store: &'a Store,
    remote: Remote<'a>,
    level: ShareLevel,
    sent: Sent,
    total: u64,
    pace: Pace,
    /// Single stats in a row that the remote broke on.
    broken: u32,
}

/// What to do with a batch.
enum Verdict {
    Done,
    Again,
    Split,
}

/// What a remote says about a batch. The reference says nothing of duplicates: they are what is missing.
#[derive(Deserialize)]
struct Receipt {
    #[serde(default)]
    data: Vec<IgnoredAny>,
    #[serde(default)]
    refused: Vec<Flaw>,
}

#[derive(Deserialize)]
struct Flaw {
    index: usize,
    field: Option<String>,
    reason: String,
}

impl Sending<'_> {
    fn kind(&mut self, query: &PushQuery, reporter: &mut Reporter<'_>) -> Result<()> {
        let (mut query, mut after) = (query.clone(), Position::default());
        loop {
            let stats = self.store.outgoing(&query, after, self.pace.number, self.pace.bytes)?;
            let Some(last) = stats.last() else { return Ok(()) };
            // So that the store need not pass over what it has given already.
            (query.filter.from, after) = (Some(last.date), Position::of(last));
            self.deliver(&stats, reporter)?;
            let done = self.sent.sent + self.sent.known + self.sent.refused;
            (reporter.progress)(done, self.total.max(done));
        }
    }

    /// Sends a batch, in parts where the remote cannot take it whole.
    fn deliver(&mut self, stats: &[Stat<'_>], reporter: &mut Reporter<'_>) -> Result<()> {
        let mut parts = vec![stats];
        while let Some(part) = parts.pop() {
            match self.attempt(part, reporter)? {
                Verdict::Done => {}
                Verdict::Again => parts.push(part),
                Verdict::Split => {
                    let (first, second) = part.split_at(part.len().div_ceil(2));
                    parts.extend([second, first]);
                }
            }
        }
        Ok(())
    }

    fn attempt(&mut self, part: &[Stat<'_>], reporter: &mut Reporter<'_>) -> Result<Verdict> {
        let text = body(part, self.level);
        let start = Instant::now();
        let tried = self.remote.attempt(("POST", "/api/v1/stats/"), Some(text.as_bytes()), reporter)?;
        let answer = match tried {
            Try::Response(answer) => answer,
            Try::TooLarge if part.len() == 1 => {
                let text = format!("{} answers a single stat with more than can be read", self.remote.url);
                return Err(Error::new(Kind::Unavailable, text));
            }
            // Perhaps it was too much at once.
            Try::Again | Try::TooLarge => {
                self.pace.smaller(part.len());
                return Ok(if part.len() > 1 { Verdict::Split } else { Verdict::Again });
            }
        };
        match answer.status {
            200 | 201 | 207 => {
                self.pace.faster(part.len(), start.elapsed().as_secs_f64());
                self.accepted(part, &answer)?;
                Ok(Verdict::Done)
            }
            413 => {
                self.pace.most_bytes = (text.len() / 2).max(1);
                self.refused_whole(part, &answer, "it is too large for the remote")
            }
            400 => match serde_json::from_slice::<Receipt>(&answer.body) {
                Ok(receipt) if !receipt.refused.is_empty() => {
                    self.note(part, &receipt)?;
                    Ok(Verdict::Done)
                }
                _ => self.refused_whole(part, &answer, "the remote does not understand it"),
            },
            // The reference stores item by item until one breaks it.
            500 => self.refused_whole(part, &answer, "it breaks the remote"),
            _ => {
                let text = format!("{} cannot be pushed to: it answered {}", self.remote.url, said(&answer));
                Err(Error::new(Kind::Unavailable, text))
            }
        }
    }

    /// Looks for the stat that spoils a batch; what is left alone is refused.
    fn refused_whole(&mut self, part: &[Stat<'_>], answer: &Response, reason: &str) -> Result<Verdict> {
        let [stat] = part else {
            self.pace.smaller(part.len());
            return Ok(Verdict::Split);
        };
        self.broken += 1;
        if self.broken >= BROKEN {
            let text = format!("{} refuses everything: it answers {}", self.remote.url, said(answer));
            return Err(Error::new(Kind::Unavailable, text));
        }
        self.refuse(stat, format!("{reason}: {}", said(answer)));
        Ok(Verdict::Done)
    }

    fn accepted(&mut self, part: &[Stat<'_>], answer: &Response) -> Result<()> {
        self.broken = 0;
        let receipt = serde_json::from_slice(&answer.body).map_err(|error| {
            let text = format!("{} does not answer as a stats service: name the right address", self.remote.url);
            Error::new(Kind::Unavailable, text).because(error)
        })?;
        self.note(part, &receipt)
    }

    /// Counts what became of each stat, and remembers what the remote holds now.
    fn note(&mut self, part: &[Stat<'_>], receipt: &Receipt) -> Result<()> {
        let mut refused = HashSet::new();
        for flaw in &receipt.refused {
            if let Some(stat) = part.get(flaw.index)
                && refused.insert(flaw.index)
            {
                let field = flaw.field.as_deref().map(|field| format!("{}: ", excerpt(field))).unwrap_or_default();
                self.refuse(stat, format!("{field}{}", excerpt_of(&flaw.reason, 200)));
            }
        }
        let held = part.iter().enumerate().filter(|(index, _)| !refused.contains(index)).map(|(_, stat)| stat);
        self.store.remember_pushed(self.remote.url, held)?;
        let stored = receipt.data.len().min(part.len() - refused.len());
        self.sent.sent += u64::try_from(stored).unwrap_or_default();
        self.sent.known += u64::try_from(part.len() - refused.len() - stored).unwrap_or_default();
        Ok(())
    }

    fn refuse(&mut self, stat: &Stat<'_>, reason: String) {
        self.sent.refused += 1;
        if self.sent.refusals.len() < NAMED {
            let Stat { uuid, anr, kind, date, .. } = *stat;
            self.sent.refusals.push(Refusal { uuid, anr, kind, date, reason });
        }
    }
}

/// How large batches are: as much as the remote takes in [`AIM`] seconds.
struct Pace {
    /// Stats of the next batch.
    number: usize,
    /// Bytes of its data.
    bytes: usize,
    /// More than this was refused.
    most_bytes: usize,
}

impl Default for Pace {
    fn default() -> Self {
        Self { number: FIRST, bytes: BYTES, most_bytes: MAX_BYTES }
    }
}

impl Pace {
    /// Takes the remote's measure from a batch that went well.
    fn faster(&mut self, number: usize, seconds: f64) {
        let fits = AIM / seconds.max(0.001);
        let larger = if fits >= 2.0 { number.saturating_mul(2) } else { number };
        // A batch that was cut short by its bytes says nothing about the number.
        self.number = if fits < 1.0 { (number / 2).max(1) } else { larger.max(self.number).min(MAX_ITEMS) };
        self.bytes = if fits >= 2.0 { self.bytes.saturating_mul(2).min(self.most_bytes) } else { self.bytes };
    }

    /// Takes it from one that did not.
    fn smaller(&mut self, number: usize) {
        self.number = (number / 2).max(1);
        self.bytes = (self.bytes / 2).clamp(1, self.most_bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seconds of each batch at a remote of this speed, which hangs up after a while.
    fn batches(per_second: usize, patience: f64) -> Vec<f64> {
        let mut pace = Pace::default();
        (0..40)
            .map(|_| {
                let number = pace.number;
                let seconds = f64::from(u32::try_from(number).unwrap()) / f64::from(u32::try_from(per_second).unwrap());
                if seconds > patience {
                    pace.smaller(number)
                } else {
                    pace.faster(number, seconds)
                }
                seconds
            })
            .collect()
    }

    #[test]
    fn batches_take_about_five_seconds() {
        for per_second in [2, 10, 100, 200, 900] {
            let seconds = batches(per_second, 30.0);
            assert!(seconds[10..].iter().all(|seconds| (2.0..=5.5).contains(seconds)), "{per_second}: {seconds:?}");
        }
        // As many as there may be at once.
        assert!(batches(100_000, 30.0)[10..].iter().all(|seconds| *seconds < 1.0));
        // A remote that is slower than its own patience still gets what it can take.
        assert!(batches(1, 3.0)[10..].iter().all(|seconds| *seconds <= 3.0));
    }

    #[test]
    fn a_size_that_was_refused_is_not_reached_again() {
        let mut pace = Pace { most_bytes: 400_000, ..Pace::default() };
        pace.smaller(50);
        assert_eq!(pace.bytes, 400_000);
        pace.faster(25, 0.1);
        assert_eq!(pace.bytes, 400_000);
    }
}
