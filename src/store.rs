//! The SQLite store: opening it, its connections and transactions. The SQL stands beside the functions in `store/`.
//!
//! One writer behind a mutex, a few readers, and nothing of rusqlite leaves this room.

mod check;
pub mod clients;
pub mod compared;
mod connections;
pub mod entries;
pub mod export;
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
mod payloads;
pub mod read_only;
pub mod rollups;
pub mod sharing;
mod space;
pub mod stats;
pub mod summary;
#[cfg(test)]
mod tests;
pub mod watch;

use crate::error::{Error, Kind, Result};
use clients::Callers;
use connections::{BUSY, REMEDY, connect, connect_as_is, connect_reader, opening, sql};
use objects::Objects;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Marks a file as one of ours in SQLite's header: "mnst".
const APPLICATION_ID: i32 = 0x6d6e_7374;
/// What stores of the versions before 0.2.0 have there, which were never released: "mnrc".
const UNRELEASED_ID: i32 = 0x6d6e_7263;
/// How long a reader waits for a free connection.
const READER_WAIT: Duration = Duration::from_secs(10);
/// Why a write is not acknowledged although it went well.
const REPLACED: &str = "the store was replaced by another file meanwhile: try again";
/// Connections that read at the same time.
const READERS: usize = 4;

/// An open store.
pub struct Store {
    path: PathBuf,
    /// Empty while none is open: after a fault it is opened again for the next write.
    writer: Mutex<Option<Connection>>,
    readers: Mutex<Readers>,
    reader_free: Condvar,
    /// The files that the connections above are on.
    files: Mutex<Files>,
    /// Only to be locked by who has the writer.
    objects: Mutex<Objects>,
    /// Empty while none is open, like the writer.
    callers: Mutex<Option<Callers>>,
    created: bool,
    /// Transactions that changed what clients see, since the opening.
    writes: AtomicU64,
    /// Whether stats were deleted since objects were last looked through.
    deleted: AtomicBool,
}

#[derive(Default)]
struct Readers {
    idle: Vec<Connection>,
    busy: usize,
    /// Raised when the file is another one: connections from before are not used again when they come back.
    generation: u64,
}

/// What tells one file from another: its device and number.
type Identity = (u64, u64);

/// The store's file and its write-ahead log, as they were when connections to them were opened.
#[derive(Clone, Copy, Default)]
struct Files {
    store: Option<Identity>,
    log: Option<Identity>,
}

impl Files {
    fn at(path: &Path) -> Self {
        Self { store: identity(path), log: identity(&beside(path, "-wal")) }
    }
}

fn identity(path: &Path) -> Option<Identity> {
    std::fs::metadata(path).ok().map(|data| (data.dev(), data.ino()))
}

impl Store {
    /// Opens the store at `path`, creates it if there is none, and brings an older one up to date.
    ///
    /// # Errors
    /// `Invalid` if the file is no store or a newer program's, `Unavailable` or `Busy` if it cannot be used now.
    pub fn open(path: &Path) -> Result<Self> {
        let created = !path.try_exists().map_err(|e| unusable(path, e))? && create_private(path)?;
        recognise(path)?;
        let mut connection = connect(path)?;
        // An older program that still serves it would take the days of the new schema for its own.
        let alone = migrations::is_older(&connection, path)?.then(|| claim(path)).transpose()?;
        migrations::run(&mut connection, path)?;
        drop(alone);
        Ok(Self {
            path: path.into(),
            writer: Mutex::new(Some(connection)),
            readers: Mutex::default(),
            reader_free: Condvar::new(),
            files: Mutex::new(Files::at(path)),
            objects: Mutex::default(),
            callers: Mutex::default(),
            created,
            writes: AtomicU64::new(0),
            // The last time it may have been killed before it had forgotten them.
            deleted: AtomicBool::new(true),
        })
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

    /// Claims the store for one service; the claim ends when the file is dropped, or with the process.
    ///
    /// # Errors
    /// `Conflict` if another service has it.
    pub fn claim(&self) -> Result<File> {
        claim(&self.path)
    }

    /// Runs `work` in a read transaction: everything it reads belongs to one moment.
    fn read<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        let mut reader = self.take_reader()?;
        let result = (|| work(&reader.0.transaction()?))();
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
        self.maintain(|connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let value = work(&transaction)?;
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
        let mut slot = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        self.follow(&mut slot)?;
        let mut connection = match slot.take() {
            Some(connection) => connection,
            None => {
                *self.lock_objects() = Objects::default();
                let connection = connect(&self.path)?;
                *self.lock_files() = Files::at(&self.path);
                connection
            }
        };
        let result = work(&mut connection);
        if !result.as_ref().is_err_and(is_fault) {
            *slot = Some(connection);
        }
        if !self.is_current() {
            // What was written is in a file that nobody will ever open again.
            return Err(Error::new(Kind::Unavailable, REPLACED));
        }
        result
    }

    /// Whether the file at the path is still the one that was opened.
    fn is_current(&self) -> bool {
        let known = self.lock_files().store;
        known.is_some() && known == identity(&self.path)
    }

    /// Goes over to the file at the path if it is another one than that which was opened: SQLite itself would go on
    /// with the one that has lost its name, and all that is acknowledged would be gone with the next start.
    fn follow(&self, writer: &mut Option<Connection>) -> Result<()> {
        if self.is_current() {
            return Ok(());
        }
        let (found, known) = (Files::at(&self.path), *self.lock_files());
        if found.store.is_none() {
            return Err(Error::new(Kind::Unavailable, format!("the store {} is gone", self.path.display())));
        }
        log::warn!("the store {} was replaced by another file: using that one", self.path.display());
        *writer = None;
        *self.lock_callers() = None;
        let mut readers = self.lock_readers();
        readers.idle.clear();
        readers.generation += 1;
        drop(readers);
        if found.log.is_some() && found.log == known.log {
            // The log of the file that is gone: read with the new one it would make a ruin of it.
            for ending in ["-wal", "-shm"] {
                let stale = beside(&self.path, ending);
                std::fs::remove_file(&stale).map_err(|e| unusable(&stale, e))?;
            }
        }
        recognise(&self.path)?;
        let mut connection = connect(&self.path)?;
        migrations::run(&mut connection, &self.path)?;
        *self.lock_objects() = Objects::default();
        *writer = Some(connection);
        *self.lock_files() = Files::at(&self.path);
        Ok(())
    }

    /// The same for whoever only reads.
    fn follow_reading(&self) -> Result<()> {
        if self.is_current() {
            return Ok(());
        }
        self.follow(&mut self.writer.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn take_reader(&self) -> Result<(Connection, u64)> {
        self.follow_reading()?;
        let mut readers = self.lock_readers();
        loop {
            if let Some(connection) = readers.idle.pop() {
                readers.busy += 1;
                return Ok((connection, readers.generation));
            }
            if readers.busy < READERS {
                readers.busy += 1;
                let generation = readers.generation;
                drop(readers);
                let opened = connect_reader(&self.path).map(|connection| (connection, generation));
                return opened.inspect_err(|_| self.lock_readers().busy -= 1);
            }
            let (guard, waited) =
                self.reader_free.wait_timeout(readers, READER_WAIT).unwrap_or_else(PoisonError::into_inner);
            readers = guard;
            if waited.timed_out() && readers.idle.is_empty() && readers.busy >= READERS {
                return Err(Error::new(Kind::Busy, "all readers of the store are busy: try again in a moment"));
            }
        }
    }

    /// A connection that met a fault is not used again: the file behind it may be another one by now.
    fn give_back(&self, (connection, generation): (Connection, u64), error: Option<&Error>) {
        let mut readers = self.lock_readers();
        readers.busy -= 1;
        if readers.generation == generation && !error.is_some_and(is_fault) {
            readers.idle.push(connection);
        }
        drop(readers);
        self.reader_free.notify_one();
    }

    fn lock_objects(&self) -> MutexGuard<'_, Objects> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_files(&self) -> MutexGuard<'_, Files> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
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

/// Options that create files for their owner alone: a store holds what an organisation is weakest at.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600);
    options
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

fn claim(store: &Path) -> Result<File> {
    let path = beside(store, ".lock");
    let file = private().create(true).truncate(false).open(&path).map_err(|e| unusable(&path, e))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let text = format!("another monarc-stats serves the store {}: stop it first", store.display());
            Err(Error::new(Kind::Conflict, text))
        }
        Err(TryLockError::Error(e)) => Err(unusable(&path, e)),
    }
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
