//! What an operator should hear of: one message when a state begins and one when it ends, to the log and to
//! `WATCH_COMMAND`.
//!
//! The states are in the store, so that a restart tells nothing twice. What only memory knows, such as wrong tokens, is
//! left as it was until it is known again.

use crate::app::signals::Signals;
use crate::config::Config;
use crate::error::{Error, Kind, Result};
use crate::model::text::plain;
use crate::store::Store;
use crate::store::jobs::Runs;
use crate::store::watch::WatchState;
use serde_json::json;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

/// How often it looks.
const TICK: Duration = Duration::from_secs(5);
/// How long `WATCH_COMMAND` may take.
const COMMAND_TIME: Duration = Duration::from_secs(30);
/// Wrong tokens within an hour or two that are worth a message.
const WRONG_TOKENS: u64 = 100;
/// Batches in a row with a refused item after which a client's front office is taken to be wrong.
const REFUSED_BATCHES: u32 = 3;
/// Free bytes below which space is low; the state ends above twice as many.
const LOW_SPACE: u64 = 200 << 20;

/// What is looked at.
#[derive(Clone, Debug, Default)]
struct Facts {
    /// Seconds since 1970.
    now: i64,
    /// Seconds after which a client is silent; never if there are none.
    silent_after: Option<i64>,
    /// Active clients that have sent, and the seconds since.
    arrivals: Vec<(String, i64)>,
    runs: Vec<Runs>,
    /// Bytes that are free beside the store, where that is known.
    free: Option<u64>,
    /// Wrong tokens of the last hour or two; none if the service has just started and there were few.
    wrong_tokens: Option<u64>,
    /// Clients that have sent since the start, their refused batches in a row, and the last reason.
    refusals: Vec<(String, u32, String)>,
}

/// The states that hold now, and whether a state that is not among them has ended or is only not known.
struct Seen {
    states: Vec<WatchState>,
    /// Clients of whose refusals something is known.
    heard: Vec<String>,
    knows_tokens: bool,
}

impl Facts {
    fn gather(store: &Store, signals: &Signals, silent_after: Option<i64>) -> Result<Self> {
        let wrong = signals.wrong_tokens();
        Ok(Self {
            now: jiff::Timestamp::now().as_second(),
            silent_after,
            arrivals: store.arrival_ages()?,
            runs: store.runs()?,
            free: store.free_space(),
            wrong_tokens: (signals.are_complete() || wrong >= WRONG_TOKENS).then_some(wrong),
            refusals: signals.refusals(),
        })
    }

    fn state(&self, name: &str, subject: &str, message: String) -> WatchState {
        WatchState { name: name.into(), subject: subject.into(), message, since: self.now }
    }

    /// The states that hold, given those that held before.
    fn seen(&self, before: &[WatchState]) -> Seen {
        let mut states = Vec::new();
        let limit = self.silent_after.unwrap_or(i64::MAX);
        for (client, age) in self.arrivals.iter().filter(|(_, age)| *age >= limit) {
            let text = format!("nothing came from client {client:?} for {}", lasted(*age));
            states.push(self.state("silent", client, text));
        }
        for run in self.runs.iter().filter(|run| has_failed(run)) {
            states.push(self.state("job_failed", &run.name, format!("the last {} of the service failed", run.name)));
        }
        let was_low = before.iter().any(|state| state.name == "low_space");
        let enough = if was_low { 2 * LOW_SPACE } else { LOW_SPACE };
        if let Some(free) = self.free.filter(|free| *free < enough) {
            states.push(self.state("low_space", "", format!("{} MB are free beside the store", free >> 20)));
        }
        if let Some(number) = self.wrong_tokens.filter(|number| *number >= WRONG_TOKENS) {
            states.push(self.state("wrong_tokens", "", format!("{number} wrong tokens were shown within two hours")));
        }
        for (client, number, reason) in self.refusals.iter().filter(|(_, number, _)| *number >= REFUSED_BATCHES) {
            let text = format!("the last {number} batches of client {client:?} had stats that were refused: {reason}");
            states.push(self.state("refused", client, text));
        }
        let heard = self.refusals.iter().map(|(client, ..)| client.clone()).collect();
        Seen { states, heard, knows_tokens: self.wrong_tokens.is_some() }
    }
}

/// Whether the last run of a job ended badly.
fn has_failed(run: &Runs) -> bool {
    run.failed_at.is_some_and(|failed| run.succeeded_at.is_none_or(|succeeded| failed > succeeded))
}

/// A time for people.
fn lasted(seconds: i64) -> String {
    match seconds / 3600 {
        hours @ 0..72 => format!("{hours} hours"),
        hours => format!("{} days", hours / 24),
    }
}

impl Seen {
    /// The states that have begun, and those that have ended.
    fn changes(self, before: &[WatchState]) -> (Vec<WatchState>, Vec<WatchState>) {
        let holds = |state: &&WatchState| self.states.iter().any(|now| now.is_same(state));
        let is_known = |state: &&WatchState| match state.name.as_str() {
            "refused" => self.heard.contains(&state.subject),
            "wrong_tokens" => self.knows_tokens,
            // Only running the command again tells.
            COMMAND_STATE => false,
            _ => true,
        };
        let ended = before.iter().filter(|state| !holds(state) && is_known(state)).cloned().collect();
        let is_new = |state: &WatchState| !before.iter().any(|old| old.is_same(state));
        (self.states.into_iter().filter(is_new).collect(), ended)
    }
}

/// The state of a `WATCH_COMMAND` that fails.
const COMMAND_STATE: &str = "command_failed";

/// Watches a store.
struct Watch {
    store: Arc<Store>,
    signals: Arc<Signals>,
    silent_after: Option<i64>,
    command: Option<PathBuf>,
    instance: String,
}

impl Watch {
    /// Looks once, and tells what has changed.
    fn look(&self) -> Result<()> {
        let before = self.store.watch_states()?;
        let facts = Facts::gather(&self.store, &self.signals, self.silent_after)?;
        let (mut begun, mut ended) = facts.seen(&before).changes(&before);
        if begun.is_empty() && ended.is_empty() {
            return Ok(());
        }
        // Before anybody is told: a service that is killed in between says too little rather than the same again.
        self.store.change_watch_states(&begun, &ended)?;
        self.tell(&begun, &ended);
        let Some(command) = &self.command else { return Ok(()) };
        let told = run(command, &self.message(&begun, &ended)?);
        let was_failing = before.iter().find(|state| state.name == COMMAND_STATE);
        (begun, ended) = match (told, was_failing) {
            (Err(error), None) => (vec![facts.state(COMMAND_STATE, "", error.chain())], Vec::new()),
            (Ok(()), Some(failing)) => (Vec::new(), vec![failing.clone()]),
            _ => return Ok(()),
        };
        self.store.change_watch_states(&begun, &ended)?;
        self.tell(&begun, &ended);
        Ok(())
    }

    fn tell(&self, begun: &[WatchState], ended: &[WatchState]) {
        begun.iter().for_each(|state| log::warn!("watch: begun: {}: {}", state.name, plain(&state.message)));
        ended.iter().for_each(|state| log::info!("watch: ended: {}: {}", state.name, plain(&state.message)));
    }

    fn message(&self, begun: &[WatchState], ended: &[WatchState]) -> Result<String> {
        let message = json!({
            "instance": self.instance,
            "begun": begun,
            "ended": ended,
            "ongoing": self.store.watch_states()?,
        });
        Ok(message.to_string())
    }
}

/// Runs the operator's program with a message on its standard input.
fn run(command: &Path, message: &str) -> Result<()> {
    let failed =
        |reason: String| Error::new(Kind::Unavailable, format!("WATCH_COMMAND: {} {reason}", command.display()));
    let mut child = Command::new(command)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| failed("cannot be started".into()).because(error))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that does not read what it is told still says by its exit code whether all is well.
        let _ = stdin.write_all(message.as_bytes());
    }
    match wait(&mut child) {
        Ok(Some(status)) if status.success() => Ok(()),
        Ok(Some(status)) => Err(failed(format!("failed: {status}"))),
        Ok(None) => Err(failed(format!("took more than {} s and was ended", COMMAND_TIME.as_secs()))),
        Err(error) => Err(failed("cannot be waited for".into()).because(error)),
    }
}

/// Waits for a program, and ends it when its time is up.
fn wait(child: &mut Child) -> std::io::Result<Option<std::process::ExitStatus>> {
    let deadline = Instant::now() + COMMAND_TIME;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= deadline {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Ends the watch when dropped.
pub struct Watching {
    _stop: Sender<()>,
}

/// Starts to watch.
///
/// # Errors
/// `Internal` if there can be no thread for it.
pub fn start(config: &Config, store: &Arc<Store>, signals: Arc<Signals>) -> Result<Watching> {
    let watch = Watch {
        store: Arc::clone(store),
        signals,
        silent_after: config.watch_silent.and_then(|time| i64::try_from(time.as_secs()).ok()),
        command: config.watch_command.clone(),
        instance: config.public_url(),
    };
    let (stop, stopped) = channel();
    let work = move || {
        while stopped.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
            if let Err(error) = watch.look() {
                log::warn!("watch: {}", error.chain());
            }
        }
    };
    let thread = std::thread::Builder::new().name("watch".into()).spawn(work);
    thread.map_err(|error| Error::new(Kind::Internal, "there can be no thread for the watch").because(error))?;
    Ok(Watching { _stop: stop })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts {
        Facts { now: 1000, silent_after: Some(36 * 3600), wrong_tokens: Some(0), ..Facts::default() }
    }

    fn names(states: &[WatchState]) -> Vec<String> {
        states.iter().map(|state| format!("{} {}", state.name, state.subject)).collect()
    }

    /// What begins and what ends, when these facts follow each other.
    fn told(steps: &[Facts]) -> Vec<(Vec<String>, Vec<String>)> {
        let mut states: Vec<WatchState> = Vec::new();
        let one = |facts: &Facts| {
            let (begun, ended) = facts.seen(&states).changes(&states);
            states.retain(|state| !ended.contains(state));
            states.extend(begun.iter().cloned());
            (names(&begun), names(&ended))
        };
        steps.iter().map(one).collect()
    }

    #[test]
    fn each_state_begins_once_and_ends_once() {
        let silent = Facts { arrivals: vec![("fo".into(), 40 * 3600)], ..facts() };
        let failed = Runs { name: "push".into(), succeeded_at: Some(5), failed_at: Some(9), panics: 0 };
        let push = Facts { runs: vec![failed], ..facts() };
        let low = Facts { free: Some(100 << 20), ..facts() };
        let tokens = Facts { wrong_tokens: Some(150), ..facts() };
        let refused = Facts { refusals: vec![("fo".into(), 3, "date".into())], ..facts() };
        let well = Facts { refusals: vec![("fo".into(), 0, String::new())], free: Some(1 << 40), ..facts() };
        for (ill, name) in [
            (silent, "silent fo"),
            (push, "job_failed push"),
            (low, "low_space "),
            (tokens, "wrong_tokens "),
            (refused, "refused fo"),
        ] {
            let steps = told(&[ill.clone(), ill, well.clone(), well.clone()]);
            let begun: Vec<String> = vec![name.into()];
            assert_eq!(steps, [(begun.clone(), vec![]), (vec![], vec![]), (vec![], begun), (vec![], vec![])]);
        }
    }

    #[test]
    fn what_a_restart_does_not_know_has_not_ended() {
        let ill = Facts { wrong_tokens: Some(150), refusals: vec![("fo".into(), 9, "x".into())], ..facts() };
        let unknown = Facts { wrong_tokens: None, ..facts() };
        let steps = told(&[ill, unknown.clone(), unknown]);
        assert_eq!(steps[0].0.len(), 2);
        assert!(steps[1..].iter().all(|(begun, ended)| begun.is_empty() && ended.is_empty()), "{steps:?}");
    }

    #[test]
    fn space_that_wavers_about_the_limit_is_told_once() {
        let free = |megabytes: u64| Facts { free: Some(megabytes << 20), ..facts() };
        let steps = told(&[free(190), free(210), free(190), free(390), free(410)]);
        assert_eq!(steps.iter().map(|(begun, ended)| begun.len() + ended.len()).collect::<Vec<_>>(), [1, 0, 0, 0, 1]);
    }

    #[test]
    fn a_clock_that_jumps_ends_no_silence_twice() {
        let age = |hours: i64| Facts { arrivals: vec![("fo".into(), hours * 3600)], ..facts() };
        let steps = told(&[age(1), age(4 * 365 * 24), age(4 * 365 * 24 + 1), age(-9), age(2)]);
        assert_eq!(
            steps.iter().map(|(begun, ended)| (begun.len(), ended.len())).collect::<Vec<_>>(),
            [(0, 0), (1, 0), (0, 0), (0, 1), (0, 0)]
        );
    }
}
