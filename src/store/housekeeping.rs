//! What a service does to its store in quiet moments, and once a minute where there are none: forget what was deleted, give
//! space back, keep the log short.

use super::Store;
use crate::error::Result;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// When housekeeping has its turn.
#[derive(Clone, Copy, Debug)]
pub struct Intervals {
    /// How often it looks whether the store is left alone.
    pub look: Duration,
    /// How long after its last turn it has another one, whatever is going on.
    pub longest: Duration,
}

impl Default for Intervals {
    fn default() -> Self {
        Self { look: Duration::from_secs(5), longest: Duration::from_secs(60) }
    }
}

/// Between two pieces of work, so that requests never wait for more than one.
const PAUSE: Duration = Duration::from_millis(20);

impl Store {
    /// One piece of the work, some tens of milliseconds long. Gives whether there is more.
    pub fn tidy_some(&self) -> Result<bool> {
        // Labels first: an object is only forgotten when nobody names it.
        if self.refresh_labels()? || self.forget_some()? || self.vacuum_some()? {
            return Ok(true);
        }
        self.checkpoint().map(|()| false)
    }

    /// All of it at once.
    pub fn tidy(&self) -> Result<()> {
        while self.tidy_some()? {}
        Ok(())
    }

    /// Forgets what a command has just deleted, and gives its space back.
    pub fn clear_up(&self) -> Result<()> {
        while self.refresh_labels()? || self.forget_some()? || self.vacuum_some()? {}
        self.checkpoint()
    }
}

/// Ends the housekeeping when dropped.
pub struct Quiet {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Starts it.
pub fn start(store: Arc<Store>, intervals: Intervals) -> Quiet {
    let (stop, stopped) = channel();
    let work = move || {
        let (mut last, mut tidied, mut wait, mut turn) = (0, 0, intervals.look, Instant::now());
        while stopped.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
            if store.require_place().is_err() {
                // It has been said, and the service ends.
                return;
            }
            let writes = store.writes();
            // A store that is being written to is left alone for a while; one that nothing happened to needs nothing.
            let is_due = wait == PAUSE || writes == last || turn.elapsed() >= intervals.longest;
            (last, wait) = (writes, intervals.look);
            match if is_due && writes != tidied { store.tidy_some() } else { continue } {
                Ok(true) => wait = PAUSE,
                Ok(false) => (tidied, turn) = (writes, Instant::now()),
                Err(error) => log::warn!("housekeeping: {}", error.chain()),
            }
        }
    };
    let thread = std::thread::Builder::new().name("housekeeping".into()).spawn(work);
    let thread = thread.inspect_err(|error| log::warn!("there is no housekeeping: {error}")).ok();
    Quiet { stop: Some(stop), thread }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of that thread has been reported by its own hook.
            let _ = thread.join();
        }
    }
}
