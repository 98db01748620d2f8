//! The SQLite store: opening it, its connections and transactions. The SQL stands beside the functions in `store/`.
//!
//! One writer behind a mutex, a few readers, and nothing of rusqlite leaves this room.

pub mod benchmark;
mod check;
pub mod clients;
pub mod compared;
mod connections;
mod deletion;
pub mod entries;
pub mod export;
mod forgetting;
pub mod housekeeping;
pub mod import;
pub mod jobs;
pub mod labels;
pub mod listing;
pub mod maintenance;
pub mod map;
mod migrations;
pub mod mosp;
mod objects;
pub mod parts;
mod payloads;
pub mod place;
mod purge;
pub mod read_only;
mod relabel;
pub mod releases;
pub mod rollups;
pub mod sharing;
mod space;
pub mod stats;
pub mod summary;
pub mod sums;
mod tables;
#[cfg(test)]
mod tests;
mod turns;
pub mod view_links;
pub mod watch;

use crate::error::{Error, Kind, Result};
use clients::Callers;
use connections::{BUSY, REMEDY, connect, connect_as_is, connect_reader, opening};
use objects::Objects;
use place::{Loss, Place};
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use turns::{Turn, Turns};

/// Marks a file as one of ours in SQLite's header: "mnst".
const APPLICATION_ID: i32 = 0x6d6e_7374;
/// What stores of the versions before 0.2.0 have there, which were never released: "mnrc".
const UNRELEASED_ID: i32 = 0x6d6e_7263;
/// How long a reader waits for a free connection.
const READER_WAIT: Duration = Duration::from_secs(10);
/// Connections that read at the same time: more than slow questions may hold, so that short ones have one at any time.
pub const READERS: usize = 12;
/// Connections for reading that are kept open while nobody needs them.
const IDLE_READERS: usize = 4;

/// An open store.
pub struct Store {
    path: PathBuf,
    turns: Turns,
    can_write: bool,
    /// Empty while none is open: after a fault it is opened again for the next write.
    writer: Mutex<Option<Connection>>,
    readers: Mutex<Readers>,
    reader_free: Condvar,
    /// Only to be locked by who has the writer.
    objects: Mutex<Objects>,
    /// Empty while none is open, like the writer.
    callers: Mutex<Option<Callers>>,
    created: bool,
    /// How many distinct objects a client may have.
    max_objects: AtomicUsize,
    /// Transactions that changed what clients see, since the opening.
    writes: AtomicU64,
    /// Whether stats were deleted since objects were last looked through.
    deleted: AtomicBool,
    /// Where that look is, while it goes on.
    look: Mutex<Option<forgetting::Look>>,
    /// Where the look through a client's labels is, while it goes on.
    relabel: Mutex<Option<relabel::Look>>,
    /// Why it cannot be used any more, once that is found.
    lost: OnceLock<String>,
    when_lost: OnceLock<Box<dyn Fn() + Send + Sync>>,
    /// As long as one connection is open, no other program that closes its own takes the log away.
    anchor: Mutex<Connection>,
    /// Closed after all connections.
    place: Place,
}

#[derive(Default)]
struct Readers {
    idle: Vec<Connection>,
    busy: usize,
}

impl Store {
    /// Opens the store at `path`, creates it if there is none, and brings an older one up to date.
    ///
    /// # Errors
    /// `Invalid` if the file is no store or a newer program's, `Unavailable` or `Busy` if it cannot be used now.
    pub fn open(path: &Path) -> Result<Self> {
        let created = !path.try_exists().map_err(|e| unusable(path, e))? && create_private(path)?;
        // SQLite puts the log beside the file that a link leads to.
        let path = &path.canonicalize().map_err(|e| unusable(path, e))?;
        let mut place = Place::open(path)?;
        recognise(path)?;
        let mut connection = connect(path)?;
        if migrations::is_older(&connection, path)? {
            // An older program that still serves it would take the days of the new schema for its own.
            place.claim()?;
        }
        migrations::run(&mut connection, path)?;
        let anchor = connect_reader(path)?;
        migrations::version(&anchor, path)?;
        place.settle();
        Ok(Self::new(path, Some(connection), anchor, place, created))
    }

    /// Opens a store that must exist already, for a command that changes nothing: it also works where this user may only
    /// read.
    ///
    /// # Errors
    /// `Conflict` if only a writer can make it whole again, and those of [`Store::open_existing`].
    pub fn open_to_read(path: &Path) -> Result<Self> {
        let is_there = path.try_exists().map_err(|e| unusable(path, e))?;
        if !is_there || !read_only::is_all_that_is_allowed(path) {
            return Self::open_existing(path);
        }
        let path = &path.canonicalize().map_err(|e| unusable(path, e))?;
        let mut place = Place::open(path)?;
        let anchor = read_only::connect_to_look(path)?;
        if migrations::version(&anchor, path)? != migrations::newest() {
            let text = format!(
                "the store {} is of another version, and this user may not bring it up to date: have a user who may \
                 write there run 'monarc-stats database migrate'",
                path.display()
            );
            return Err(Error::new(Kind::Unavailable, text));
        }
        place.settle();
        Ok(Self::new(path, None, anchor, place, false))
    }

    /// A store that is open; without a writer it can only be read.
    fn new(path: &Path, writer: Option<Connection>, anchor: Connection, place: Place, created: bool) -> Self {
        Self {
            path: path.into(),
            turns: Turns::of(path),
            can_write: writer.is_some(),
            writer: Mutex::new(writer),
            readers: Mutex::default(),
            reader_free: Condvar::new(),
            objects: Mutex::default(),
            callers: Mutex::default(),
            created,
            max_objects: AtomicUsize::new(stats::MAX_OBJECTS),
            writes: AtomicU64::new(0),
            // The last time it may have been killed before it had forgotten them.
            deleted: AtomicBool::new(true),
            look: Mutex::default(),
            relabel: Mutex::default(),
            lost: OnceLock::new(),
            when_lost: OnceLock::new(),
            anchor: Mutex::new(anchor),
            place,
        }
    }

    /// Opens a store that must exist already.
    ///
    /// # Errors
    /// `NotFound` if there is no such file, and those of [`Store::open`].
    pub fn open_existing(path: &Path) -> Result<Self> {
        if !path.try_exists().map_err(|e| unusable(path, e))? {
            let text = format!(
                "there is no store at {}: see STATS_DATABASE; 'monarc-stats serve' and 'database migrate' make one, and so \
                 do 'client create' and 'import' with --new-store",
                path.display()
            );
            return Err(Error::new(Kind::NotFound, text));
        }
        Self::open(path)
    }

    /// Its file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether this opening created it.
    pub fn is_new(&self) -> bool {
        self.created
    }

    /// Claims the store for one service, until it is closed or the process ends.
    ///
    /// # Errors
    /// `Conflict` if another service has it.
    pub fn claim(&self) -> Result<()> {
        self.place.claim()
    }

    /// What to do, once, when store or log are found to be other files than those that were opened: nothing is read or
    /// written any more then, and only a new start can tell what is there.
    pub fn when_lost(&self, work: impl Fn() + Send + Sync + 'static) {
        // Nobody asks twice.
        let _ = self.when_lost.set(Box::new(work));
    }

    /// Why the store cannot be used any more, if that has been found.
    pub fn lost(&self) -> Option<&str> {
        self.lost.get().map(String::as_str)
    }

    /// Runs `work` in a read transaction: everything it reads belongs to one moment.
    fn read<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        let mut reader = self.take_reader()?;
        let result = (|| work(&reader.transaction()?))();
        self.give_back(reader, result.as_ref().err());
        result
    }

    /// Runs `work` in a write transaction and commits it, or leaves everything as it was.
    fn write<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        let result = self.write_quietly(work);
        self.writes.fetch_add(1, Ordering::Relaxed);
        result
    }

    /// The same for housekeeping, which must not take its own work for somebody else's.
    fn write_quietly<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        self.with_writer(|connection, turn| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            drop(turn);
            let value = work(&transaction)?;
            self.require_place()?;
            transaction.commit()?;
            Ok(value)
        })
    }

    /// How often something was written, so that quiet moments can be told.
    fn writes(&self) -> u64 {
        self.writes.load(Ordering::Relaxed)
    }

    /// Whether stats were deleted since this was last asked.
    fn has_deleted(&self) -> bool {
        self.deleted.swap(false, Ordering::Relaxed)
    }

    /// The writer's connection outside any transaction, for what SQLite cannot do inside one.
    fn maintain<T>(&self, work: impl FnOnce(&mut Connection) -> Result<T>) -> Result<T> {
        self.with_writer(|connection, turn| {
            drop(turn);
            work(connection)
        })
    }

    fn with_writer<T>(&self, work: impl FnOnce(&mut Connection, Turn<'_>) -> Result<T>) -> Result<T> {
        if !self.can_write {
            let text = format!("the store {} cannot be written: this user may only read it", self.path.display());
            return Err(Error::new(Kind::Unavailable, text));
        }
        let turn = self.turns.take();
        let mut slot = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        self.require_place()?;
        let mut connection = match slot.take() {
            Some(connection) => connection,
            None => {
                *self.lock_objects() = Objects::default();
                connect(&self.path)?
            }
        };
        let result = work(&mut connection, turn);
        if !result.as_ref().is_err_and(is_fault) {
            *slot = Some(connection);
        }
        // What was written into a file that has lost its name nobody will ever read.
        self.require_place()?;
        result
    }

    /// Makes sure that store and log are the files that were opened; nothing is acknowledged otherwise.
    ///
    /// # Errors
    /// `Unavailable` if they are not: then they never will be again.
    pub fn require_place(&self) -> Result<()> {
        let Some(loss) = self.place.loss() else { return Ok(()) };
        if self.lost.set(loss.text.clone()).is_ok() {
            log::error!("{}", loss.text);
            self.rescue(&loss);
            if let Some(work) = self.when_lost.get() {
                work();
            }
        }
        Err(Error::new(Kind::Unavailable, loss.text))
    }

    /// Does what can still be done for what was acknowledged, and for the file that is there now.
    fn rescue(&self, loss: &Loss) {
        if loss.is_of_log_alone {
            // Nobody else can read it any more, but who has it open.
            let anchor = self.anchor.lock().unwrap_or_else(PoisonError::into_inner);
            let saved = anchor.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
            saved.unwrap_or_else(|error| log::error!("its log cannot be saved: {}", Error::from(error).chain()));
        }
        if loss.leaves_log {
            // Ours, of the file that is gone: read with the new one it would make a ruin of it.
            for ending in ["-wal", "-shm"] {
                let own = beside(&self.path, ending);
                std::fs::remove_file(&own).unwrap_or_else(|error| log::error!("{}: {error}", own.display()));
            }
        }
    }

    fn reader(&self) -> Result<Connection> {
        if self.can_write { connect_reader(&self.path) } else { read_only::connect_to_look(&self.path) }
    }

    fn take_reader(&self) -> Result<Connection> {
        self.require_place()?;
        let mut readers = self.lock_readers();
        loop {
            if let Some(connection) = readers.idle.pop() {
                readers.busy += 1;
                return Ok(connection);
            }
            if readers.busy < READERS {
                readers.busy += 1;
                drop(readers);
                return self.reader().inspect_err(|_| self.lock_readers().busy -= 1);
            }
            let (guard, waited) =
                self.reader_free.wait_timeout(readers, READER_WAIT).unwrap_or_else(PoisonError::into_inner);
            readers = guard;
            if waited.timed_out() && readers.idle.is_empty() && readers.busy >= READERS {
                return Err(Error::new(Kind::Busy, "all readers of the store are busy: try again in a moment"));
            }
        }
    }

    /// A connection that met a fault is not used again.
    fn give_back(&self, connection: Connection, error: Option<&Error>) {
        let mut readers = self.lock_readers();
        readers.busy -= 1;
        let is_kept = !error.is_some_and(is_fault) && readers.idle.len() < IDLE_READERS;
        let spare = if is_kept {
            readers.idle.push(connection);
            None
        } else {
            Some(connection)
        };
        drop(readers);
        drop(spare);
        self.reader_free.notify_one();
    }

    fn lock_objects(&self) -> MutexGuard<'_, Objects> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_callers(&self) -> MutexGuard<'_, Option<Callers>> {
        self.callers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_readers(&self) -> MutexGuard<'_, Readers> {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_fault(error: &Error) -> bool {
    matches!(error.kind, Kind::Unavailable | Kind::Full | Kind::Internal)
}

fn create_private(path: &Path) -> Result<bool> {
    if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
        std::fs::create_dir_all(directory).map_err(|e| unusable(directory, e))?;
    }
    match crate::files::create_empty(path) {
        // Somebody else was faster.
        Err(error) if error.kind == Kind::Conflict && path.exists() => Ok(false),
        made => made.map(|_| true),
    }
}

/// The path of a file that belongs to the one at `path`.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

fn unusable(path: &Path, error: std::io::Error) -> Error {
    Error::new(Kind::Unavailable, format!("{} cannot be used: {error}", path.display())).because(error)
}

/// Makes sure that a file is empty or a store, before anything in it is changed: even the pragmas of [`connect`] leave
/// their marks on it.
fn recognise(path: &Path) -> Result<()> {
    let connection = connect_as_is(path)?;
    connection.execute_batch("PRAGMA schema_version").map_err(|e| opening(path, e))?;
    migrations::recognise(&connection, path)
}

/// A value in the store that this program never wrote.
fn damaged(what: &str) -> Error {
    Error::new(Kind::Unavailable, format!("the store is damaged ({what}): {REMEDY}"))
}

/// Gives the store a new version: whatever was answered from the old one is out of date.
fn touch(transaction: &Transaction<'_>) -> Result<()> {
    transaction
        .prepare_cached("UPDATE state SET version = randomblob(16)")
        .and_then(|mut statement| statement.execute([]))?;
    Ok(())
}

/// Seconds since 1970.
fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}
