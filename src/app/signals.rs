//! What requests tell about their senders beside their answers: wrong tokens, clients whose batches are refused, stats
//! dated ahead of the clock.
//!
//! Kept in memory, for the watch: what is not known since the start is neither well nor ill.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long wrong tokens are counted.
const HOUR: Duration = Duration::from_secs(3600);
/// Batches in a row with a refused item after which a client's front office is taken to be wrong.
pub const REFUSED_BATCHES: u32 = 3;
/// Clients that are remembered at most.
const MAX_CLIENTS: usize = 10_000;

/// What has been noticed since the start.
pub struct Signals {
    started: Instant,
    ahead: Mutex<Hours>,
    /// Stats dated ahead since the start.
    ahead_total: AtomicU64,
    wrong: Mutex<Hours>,
    /// By the client's number: it may be renamed.
    clients: Mutex<HashMap<i64, Batches>>,
    /// Keys of the clients that have shown a short token.
    short: Mutex<HashSet<i64>>,
}

/// A count of the hour that runs and of the one before.
#[derive(Clone, Copy, Debug)]
struct Hours {
    since: Instant,
    now: u64,
    before: u64,
}

impl Hours {
    fn new(since: Instant) -> Mutex<Self> {
        Mutex::new(Self { since, now: 0, before: 0 })
    }

    /// The counts, after an hour that is over has been put aside.
    fn turn(all: &Mutex<Self>) -> MutexGuard<'_, Self> {
        let mut hours = all.lock().unwrap_or_else(PoisonError::into_inner);
        let elapsed = hours.since.elapsed();
        if elapsed >= HOUR {
            let before = if elapsed < 2 * HOUR { hours.now } else { 0 };
            *hours = Self { since: Instant::now(), now: 0, before };
        }
        hours
    }

    fn both(&self) -> u64 {
        self.now + self.before
    }
}

/// The last batches of a client.
#[derive(Clone, Debug, Default)]
struct Batches {
    /// What the client was called then.
    name: String,
    /// Batches in a row that had an item refused.
    refused: u32,
    /// The last refusal.
    reason: String,
    /// When there were as many as matter.
    mattered: Option<Instant>,
    /// When a refusal of it was last written into the log.
    logged: Option<Instant>,
}

impl Batches {
    /// Counts one. They matter once an hour: a client that sends good and bad ones in turn is no news every time.
    fn refuse(&mut self) {
        let next = self.refused.saturating_add(1);
        if next == REFUSED_BATCHES {
            if self.mattered.is_some_and(|at| at.elapsed() < HOUR) {
                return;
            }
            self.mattered = Some(Instant::now());
        }
        self.refused = next;
    }
}

impl Default for Signals {
    fn default() -> Self {
        let now = Instant::now();
        Self {
            started: now,
            ahead: Hours::new(now),
            ahead_total: AtomicU64::new(0),
            wrong: Hours::new(now),
            clients: Mutex::default(),
            short: Mutex::default(),
        }
    }
}

impl Signals {
    /// Whether they have been gathered for an hour, so that a low count is one.
    pub fn are_complete(&self) -> bool {
        self.started.elapsed() >= HOUR
    }

    /// Notes that a client has shown a short token; gives whether it is the first time.
    pub fn note_short_token(&self, client: i64) -> bool {
        self.short.lock().unwrap_or_else(PoisonError::into_inner).insert(client)
    }

    /// Counts a wrong token.
    pub fn note_wrong_token(&self) {
        Hours::turn(&self.wrong).now += 1;
    }

    /// Wrong tokens of the last hour or two.
    pub fn wrong_tokens(&self) -> u64 {
        Hours::turn(&self.wrong).both()
    }

    /// Counts stats that were refused because they are dated ahead.
    pub fn note_ahead(&self, number: usize) {
        let number = u64::try_from(number).unwrap_or_default();
        self.ahead_total.fetch_add(number, Ordering::Relaxed);
        Hours::turn(&self.ahead).now += number;
    }

    /// Stats of the last hour or two that were refused because they are dated ahead.
    pub fn ahead(&self) -> u64 {
        Hours::turn(&self.ahead).both()
    }

    /// The same since the start.
    pub fn ahead_total(&self) -> u64 {
        self.ahead_total.load(Ordering::Relaxed)
    }

    /// Notes a batch and, if an item of it was refused, the first reason. Gives whether the log should have it: once an
    /// hour and client.
    pub fn note_batch(&self, (id, name): (i64, &str), refused: Option<&str>) -> bool {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if clients.len() >= MAX_CLIENTS && !clients.contains_key(&id) {
            clients.clear();
        }
        let batches = clients.entry(id).or_default();
        name.clone_into(&mut batches.name);
        let Some(reason) = refused else {
            (batches.refused, batches.reason) = (0, String::new());
            return false;
        };
        batches.refuse();
        batches.reason = reason.to_owned();
        let is_due = batches.logged.is_none_or(|at| at.elapsed() >= HOUR);
        if is_due {
            batches.logged = Some(Instant::now());
        }
        is_due
    }

    /// Each client that has sent since the start: its name, its batches in a row with a refusal, the last reason.
    pub fn refusals(&self) -> Vec<(String, u32, String)> {
        let clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        clients.values().map(|batches| (batches.name.clone(), batches.refused, batches.reason.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_logged_once_an_hour_and_forgotten_with_a_good_batch() {
        let (signals, fo, other) = (Signals::default(), (1, "fo"), (2, "other"));
        assert!(signals.note_batch(fo, Some("date: in 2099")));
        assert!(!signals.note_batch(fo, Some("date: in 2099")));
        assert!(signals.note_batch(other, Some("anr: is missing")));
        assert!(!signals.note_batch(other, None));
        let mut refusals = signals.refusals();
        refusals.sort();
        assert_eq!(refusals, [("fo".into(), 2, "date: in 2099".into()), ("other".into(), 0, String::new())]);
        // Another name is the same client.
        signals.note_batch((1, "fo 2"), None);
        assert!(signals.refusals().contains(&("fo 2".into(), 0, String::new())));
    }

    /// Bug: three bad batches and a good one in turn were two messages every few seconds.
    #[test]
    fn refusals_matter_once_an_hour() {
        let (signals, fo) = (Signals::default(), (1, "fo"));
        let refused = |number: u32| {
            for _ in 0..number {
                signals.note_batch(fo, Some("anr: x"));
            }
            signals.refusals()[0].1
        };
        assert_eq!(refused(4), 4);
        signals.note_batch(fo, None);
        assert_eq!(refused(9), REFUSED_BATCHES - 1);
    }

    #[test]
    fn wrong_tokens_add_up() {
        let signals = Signals::default();
        (0..7).for_each(|_| signals.note_wrong_token());
        assert_eq!(signals.wrong_tokens(), 7);
        assert!(!signals.are_complete());
    }
}
