//! What is looked at, and which states it means.
//!
//! A state ends with what shows that it is over, not with what is not known: after a restart nobody has counted wrong
//! tokens yet. No state compares two moments of the clock, which may have been set in between.

use super::{COMMAND_STATE, Sources};
use crate::app::signals::REFUSED_BATCHES;
use crate::error::Result;
use crate::store::jobs::Runs;
use crate::store::watch::WatchState;

/// Wrong tokens within an hour or two that are worth a message.
const WRONG_TOKENS: u64 = 100;
/// Stats dated ahead within an hour or two that are worth one.
const AHEAD: u64 = 10;
/// Free bytes below which space is low; the state ends above twice as many.
const LOW_SPACE: u64 = 200 << 20;

/// What is looked at.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Seconds since 1970.
    pub now: i64,
    /// Seconds after which a client is silent; never if there are none.
    pub silent_after: Option<i64>,
    /// Active clients that have sent, and when they last did, in seconds since 1970.
    pub arrivals: Vec<(String, i64)>,
    /// The last runs of the jobs that the settings ask for.
    pub runs: Vec<Runs>,
    /// Bytes that are free beside the store, where that is known.
    pub free: Option<u64>,
    /// Wrong tokens of the last hour or two; none if the service has just started and there were few.
    pub wrong_tokens: Option<u64>,
    /// Stats of the last hour or two that were refused because they are dated ahead; none as before.
    pub ahead: Option<u64>,
    /// Clients that have sent since the start, their refused batches in a row, and the last reason.
    pub refusals: Vec<(String, u32, String)>,
    /// Clients that there are, if somebody is refused or was before.
    pub clients: Vec<String>,
}

impl Facts {
    /// Looks, after these states.
    pub fn gather(sources: &Sources, before: &[WatchState]) -> Result<Self> {
        let Sources { store, signals, jobs, silent_after } = sources;
        let known = |count: u64, many: u64| (signals.are_complete() || count >= many).then_some(count);
        let refusals = signals.refusals();
        let is_refused = refusals.iter().any(|(_, number, _)| *number >= REFUSED_BATCHES)
            || before.iter().any(|state| state.name == "refused");
        let clients = if is_refused { store.clients()? } else { Vec::new() };
        Ok(Self {
            now: jiff::Timestamp::now().as_second(),
            silent_after: *silent_after,
            arrivals: store.active_arrivals()?,
            runs: store.runs()?.into_iter().filter(|runs| jobs.contains(&runs.name.as_str())).collect(),
            free: store.free_space(),
            wrong_tokens: known(signals.wrong_tokens(), WRONG_TOKENS),
            ahead: known(signals.ahead(), AHEAD),
            refusals,
            clients: clients.into_iter().map(|client| client.name).collect(),
        })
    }

    /// A state that begins now.
    pub fn state(&self, name: &str, subject: &str, message: String) -> WatchState {
        WatchState { name: name.into(), subject: subject.into(), message, since: self.now }
    }

    /// The states that have begun, and those that have ended.
    pub fn changes(&self, before: &[WatchState]) -> (Vec<WatchState>, Vec<WatchState>) {
        let now = self.states(before);
        let holds = |state: &&WatchState| now.iter().any(|now| now.is_same(state));
        let ended = before.iter().filter(|state| !holds(state) && self.tells_of(state)).cloned().collect();
        let is_new = |state: &WatchState| !before.iter().any(|old| old.is_same(state));
        (now.iter().filter(|state| is_new(state)).cloned().collect(), ended)
    }

    /// The states that hold, given those that held before.
    fn states(&self, before: &[WatchState]) -> Vec<WatchState> {
        let mut states = self.silent(before);
        states.extend(self.runs.iter().filter_map(|run| self.failed(run)));
        let was_low = before.iter().any(|state| state.name == "low_space");
        let enough = if was_low { 2 * LOW_SPACE } else { LOW_SPACE };
        let mut add = |name, subject, text| states.push(self.state(name, subject, text));
        if let Some(free) = self.free.filter(|free| *free < enough) {
            add("low_space", "", format!("{} MB are free beside the store", free >> 20));
        }
        if let Some(number) = self.wrong_tokens.filter(|number| *number >= WRONG_TOKENS) {
            add("wrong_tokens", "", format!("{number} wrong tokens were shown within two hours"));
        }
        if let Some(number) = self.ahead.filter(|number| *number >= AHEAD) {
            let text =
                format!("{number} stats were refused within two hours because they are dated ahead of the clock");
            add("dated_ahead", "", text);
        }
        let is_it =
            |(name, number, _): &&(String, u32, String)| *number >= REFUSED_BATCHES && self.clients.contains(name);
        for (client, number, reason) in self.refusals.iter().filter(is_it) {
            let text = format!("the last {number} batches of client {client:?} had stats that were refused: {reason}");
            add("refused", client, text);
        }
        states
    }

    /// Clients of whom nothing came for long. One that was silent is so until something comes, whatever the clock says.
    fn silent(&self, before: &[WatchState]) -> Vec<WatchState> {
        let limit = self.silent_after.unwrap_or(i64::MAX);
        let was_silent = |client: &str, arrived: i64| {
            let is_it = |state: &WatchState| state.name == "silent" && state.subject == client;
            self.silent_after.is_some() && before.iter().any(|state| is_it(state) && state.since == arrived)
        };
        let one = |(client, arrived): &(String, i64)| {
            let age = self.now.saturating_sub(*arrived);
            let text = format!("nothing came from client {client:?} for {}", lasted(age));
            let state = WatchState { since: *arrived, ..self.state("silent", client, text) };
            (age >= limit || was_silent(client, *arrived)).then_some(state)
        };
        self.arrivals.iter().filter_map(one).collect()
    }

    fn failed(&self, run: &Runs) -> Option<WatchState> {
        let (reason, name) = (run.failure.as_ref()?, &run.name);
        Some(match run.is_panic {
            true => {
                let text = format!("the last {name} of the service ended in a panic, a fault of the program: {reason}");
                self.state("job_panicked", name, text)
            }
            false => self.state("job_failed", name, format!("the last {name} of the service failed: {reason}")),
        })
    }

    /// Whether the end of a state that does not hold is known.
    fn tells_of(&self, state: &WatchState) -> bool {
        let client = &state.subject;
        match state.name.as_str() {
            "refused" => self.refusals.iter().any(|(name, ..)| name == client) || !self.clients.contains(client),
            "wrong_tokens" => self.wrong_tokens.is_some(),
            "dated_ahead" => self.ahead.is_some(),
            "low_space" => self.free.is_some(),
            // Only running the command again tells.
            COMMAND_STATE => false,
            _ => true,
        }
    }
}

/// A time for people.
fn lasted(seconds: i64) -> String {
    match seconds / 3600 {
        hours @ ..72 => format!("{hours} hours"),
        hours => format!("{} days", hours / 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(steps: &[Facts]) -> Vec<(usize, usize)> {
        let mut states: Vec<WatchState> = Vec::new();
        let one = |facts: &Facts| {
            let (begun, ended) = facts.changes(&states);
            states.retain(|state| !ended.contains(state));
            states.extend(begun.iter().cloned());
            (begun.len(), ended.len())
        };
        steps.iter().map(one).collect()
    }

    #[test]
    fn space_that_wavers_about_the_limit_is_told_once() {
        let free = |megabytes: u64| Facts { free: Some(megabytes << 20), ..Facts::default() };
        let steps = told(&[free(190), free(210), free(190), free(390), free(410)]);
        assert_eq!(steps, [(1, 0), (0, 0), (0, 0), (0, 0), (0, 1)]);
    }

    /// Bug: a client that was deleted, or a job that nobody wants any more, stayed ill for ever.
    #[test]
    fn what_is_no_more_has_ended() {
        let refusals = vec![("fo".into(), 3, "date".into())];
        let there = Facts { clients: vec!["fo".into()], ..Facts::default() };
        let refused = Facts { refusals: refusals.clone(), ..there.clone() };
        assert_eq!(told(&[refused.clone(), there, Facts::default()]), [(1, 0), (0, 0), (0, 1)]);
        // What is remembered of a client that was deleted since is no state.
        assert_eq!(told(&[refused, Facts { refusals, ..Facts::default() }]), [(1, 0), (0, 1)]);
        let push = Runs { name: "push".into(), failure: Some("no route".into()), ..Runs::default() };
        assert_eq!(told(&[Facts { runs: vec![push], ..Facts::default() }, Facts::default()]), [(1, 0), (0, 1)]);
    }
}
