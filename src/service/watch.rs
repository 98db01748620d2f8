//! What an operator should hear of: one message when a state begins and one when it ends, to the log and to
//! `WATCH_COMMAND`.
//!
//! The states are in the store, so that a restart tells nothing twice. Nobody is reminded of what goes on: each message
//! lists it. Only where the command failed, so that a message was lost, it is told what goes on once it can be told again.

mod command;
mod facts;

use super::{releases, schedule};
use crate::app::signals::Signals;
use crate::config::Config;
use crate::error::{Error, Kind, Result};
use crate::model::text::plain;
use crate::store::Store;
use crate::store::watch::WatchState;
use facts::Facts;
use serde_json::json;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

/// How often it looks.
const TICK: Duration = Duration::from_secs(5);
/// How long a command that failed is left alone.
const AGAIN: Duration = Duration::from_secs(3600);
/// Time from one list of what goes on to the next.
const DAY: Duration = Duration::from_secs(86_400);
/// The state of a `WATCH_COMMAND` that fails.
const COMMAND_STATE: &str = "command_failed";

/// Where it looks.
struct Sources {
    store: Arc<Store>,
    signals: Arc<Signals>,
    /// Names of the jobs that the settings ask for.
    jobs: Vec<&'static str>,
    /// Seconds after which a client is silent; never if there are none.
    silent_after: Option<i64>,
}

/// Watches a store.
struct Watch {
    sources: Sources,
    command: Option<PathBuf>,
    instance: String,
    /// Before that a command that failed is not tried again.
    next_digest: Instant,
}

impl Watch {
    fn look(&mut self) -> Result<()> {
        let before = self.sources.store.watch_states()?;
        let facts = Facts::gather(&self.sources, &before)?;
        self.judge(&facts, &before)
    }

    /// Tells what has changed.
    fn judge(&mut self, facts: &Facts, before: &[WatchState]) -> Result<()> {
        let (begun, ended) = facts.changes(before);
        let is_changed = !begun.is_empty() || !ended.is_empty();
        if is_changed {
            // Before anybody is told: a service that is killed in between says too little rather than the same again.
            self.sources.store.change_watch_states(&begun, &ended)?;
            log(&begun, &ended);
        }
        let Some(command) = &self.command else { return Ok(()) };
        let failing = before.iter().find(|state| state.name == COMMAND_STATE);
        let is_digest = failing.is_some() && !is_changed && Instant::now() >= self.next_digest;
        if !is_changed && !is_digest {
            return Ok(());
        }
        let told = command::run(command, &self.message(&begun, &ended)?);
        let pause = if is_digest && told.is_ok() { DAY } else { AGAIN };
        self.next_digest = self.next_digest.max(Instant::now() + pause);
        self.note_command(facts, failing, told)
    }

    /// Keeps whether the command works.
    fn note_command(&self, facts: &Facts, failing: Option<&WatchState>, told: Result<()>) -> Result<()> {
        let (begun, ended) = match (told, failing) {
            (Err(error), None) => (vec![facts.state(COMMAND_STATE, "", error.chain())], Vec::new()),
            (Ok(()), Some(failing)) => (Vec::new(), vec![failing.clone()]),
            _ => return Ok(()),
        };
        self.sources.store.change_watch_states(&begun, &ended)?;
        log(&begun, &ended);
        Ok(())
    }

    fn message(&self, begun: &[WatchState], ended: &[WatchState]) -> Result<String> {
        let message = json!({
            "instance": self.instance,
            "begun": begun,
            "ended": ended,
            "ongoing": self.sources.store.watch_states()?,
        });
        Ok(message.to_string())
    }
}

fn log(begun: &[WatchState], ended: &[WatchState]) {
    begun.iter().for_each(|state| log::warn!("watch: begun: {}: {}", state.name, plain(&state.message)));
    ended.iter().for_each(|state| log::info!("watch: ended: {}: {}", state.name, plain(&state.message)));
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
    let silent_after = config.watch_silent.and_then(|time| i64::try_from(time.as_secs()).ok());
    let jobs = schedule::names(config).into_iter().chain([releases::JOB]).collect();
    let sources = Sources { store: Arc::clone(store), signals, jobs, silent_after };
    let (command, instance) = (config.watch_command.clone(), config.public_url());
    let mut watch = Watch { sources, command, instance, next_digest: Instant::now() };
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
mod tests;
