//! Whose turn it is to write: nobody who waits for the store is passed over by whoever writes again and again.
//!
//! Neither a mutex nor SQLite's lock has a queue: who has just let go of it is the first to take it again, and a command
//! beside a busy service, or a POST beside a long purge, would wait for luck. So whoever wants to write first takes the
//! turn, and keeps it only until the writer's lock is its own. The next one has the turn then, and whoever wrote just now
//! comes behind that one. Between processes the turn is a lock on the store's directory: a courtesy, not what keeps the
//! store whole.

use std::fs::File;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Between two looks whether another process has let go.
const LOOK: Duration = Duration::from_millis(2);
/// Looks until the courtesy ends: whoever has the turn may have been stopped.
const LOOKS: u32 = 1000;

/// The turns of one store.
pub(super) struct Turns(Mutex<Option<File>>);

/// The right to wait for the writer's lock.
pub(super) struct Turn<'a> {
    directory: MutexGuard<'a, Option<File>>,
}

impl Turns {
    /// Those of the store at `path`. Where its directory cannot be opened there are none between processes.
    pub fn of(path: &Path) -> Self {
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Self(Mutex::new(File::open(directory).ok()))
    }

    /// Waits for the turn.
    pub fn take(&self) -> Turn<'_> {
        let directory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = directory.as_ref() {
            for _ in 0..LOOKS {
                match file.try_lock() {
                    Err(std::fs::TryLockError::WouldBlock) => std::thread::sleep(LOOK),
                    _ => break,
                }
            }
        }
        Turn { directory }
    }

    /// Whether somebody of this process has the turn.
    #[cfg(test)]
    pub fn is_taken(&self) -> bool {
        self.0.try_lock().is_err()
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if let Some(file) = self.directory.as_ref() {
            // It is a courtesy: where it fails, the others look in vain and go on.
            let _ = file.unlock();
        }
    }
}
