//! What keeps a store well: backup and restore, giving space back, and what it says of itself.

use super::check::sqlite_findings;
use super::connections::wait_patiently;
use super::objects::Objects;
use super::{Store, beside, connect_as_is, connect_reader, migrations, opening, releases, touch, view_links};
use crate::error::{Error, Kind, Result};
use crate::files::NewFile;
use crate::model::text::counted;
use rusqlite::backup::Backup;
use rusqlite::{Connection, OpenFlags};
use std::fs::File;
use std::io::Seek;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Pages copied in one go of a backup: 4 MB, so that writers wait only shortly.
const BACKUP_PAGES: i32 = 1000;
/// Free pages given back to the file system in one transaction.
const VACUUM_PAGES: i64 = 250;

/// How long the log's emptying waits for readers, with writers waiting behind it.
const CHECKPOINT: Duration = Duration::from_millis(50);

/// How much a store holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Clients.
    pub clients: i64,
    /// Analyses.
    pub analyses: i64,
    /// Stats.
    pub stats: i64,
}

impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (clients, analyses) = (counted(self.clients, "client"), counted(self.analyses, "analysis"));
        write!(f, "{clients}, {analyses}, {}", counted(self.stats, "stat"))
    }
}

impl Store {
    /// The version of what the store holds; equal versions mean equal answers.
    pub fn version(&self) -> Result<[u8; 16]> {
        self.read(|tx| Ok(tx.prepare_cached("SELECT version FROM state")?.query_row([], |row| row.get(0))?))
    }

    /// How much the store holds.
    pub fn counts(&self) -> Result<Counts> {
        self.read(|tx| counts(tx))
    }

    /// Bytes of the store's file and of its write-ahead log.
    pub fn sizes(&self) -> (u64, u64) {
        sizes(&self.path)
    }

    /// When each client that ever sent stats last did, in seconds since 1970, by the client's name.
    pub fn last_arrivals(&self) -> Result<Vec<(String, i64)>> {
        self.read(|tx| {
            let mut statement = tx
                .prepare_cached("SELECT name, last_stat_at FROM client WHERE last_stat_at IS NOT NULL ORDER BY name")?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// Looks at both ends of each table, all of which begin with their key: gross damage is told at a start, and not first to a front office at night.
    ///
    /// # Errors
    /// `Unavailable` if something there cannot be read.
    pub fn glance(&self) -> Result<()> {
        self.read(|tx| {
            let mut statement = tx.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")?;
            let tables: Vec<String> = statement.query_map([], |row| row.get(0)).and_then(Iterator::collect)?;
            for (table, order) in tables.iter().flat_map(|table| [(table, "ASC"), (table, "DESC")]) {
                let text = format!("SELECT * FROM \"{table}\" ORDER BY 1 {order} LIMIT 1");
                tx.prepare(&text).and_then(|mut statement| statement.exists([]))?;
            }
            Ok(())
        })
    }

    /// Asks the store one small question.
    ///
    /// # Errors
    /// Whatever keeps it from answering.
    pub fn ping(&self) -> Result<()> {
        self.version().map(|_| ())
    }

    /// Copies the live store to `target`: written under a partial name, checked, and only then given its own.
    /// Gives what the copy holds.
    ///
    /// # Errors
    /// `Conflict` if `target` exists, `Full` if there is no room for it, `Unavailable` if it cannot be written or does not pass the check.
    pub fn backup(&self, target: &Path, progress: &mut dyn FnMut(u64, u64)) -> Result<Counts> {
        require_room_for(&self.path, target, 1)?;
        let new = NewFile::create(target)?;
        let counts = self.copied_to(&new, progress)?;
        new.finish()?;
        Ok(counts)
    }

    /// The same into a file that is open: the copy is made and checked beside the store, where SQLite may write, and then
    /// its bytes are. Gives what the copy holds.
    ///
    /// # Errors
    /// `Full` if there is no room beside the store, `Unavailable` if the file cannot be written.
    pub fn backup_into(&self, target: &mut File, progress: &mut dyn FnMut(u64, u64)) -> Result<Counts> {
        let beside = beside(&self.path, ".backup");
        require_room_for(&self.path, &beside, 1)?;
        let mut new = NewFile::in_place_of(&beside)?;
        let counts = self.copied_to(&new, progress)?;
        let copied = new.file().rewind().and_then(|()| std::io::copy(new.file(), target));
        copied.map_err(|e| Error::new(Kind::Unavailable, "the copy cannot be written where it is to be").because(e))?;
        Ok(counts)
    }

    fn copied_to(&self, new: &NewFile, progress: &mut dyn FnMut(u64, u64)) -> Result<Counts> {
        let counts = copy(&self.path, new, progress)?;
        // What was written meanwhile had to stay in the log.
        self.checkpoint()?;
        Ok(counts)
    }

    /// Replaces everything in the live store by what a backup holds, in one transaction; gives the counts before and
    /// after. A service beside it goes on and sees the restored store with its next request.
    ///
    /// # Errors
    /// Those of the store; it is untouched then.
    pub fn restore(&self, backup: &BackupFile, progress: &mut dyn FnMut(u64, u64)) -> Result<(Counts, Counts)> {
        let before = self.counts()?;
        *self.lock_objects() = Objects::default();
        let (published, links) = self.read(|tx| Ok((releases::rows(tx)?, view_links::Known::of(tx)?)))?;
        let is_older = migrations::is_older(&backup.connection, &backup.path)?;
        let carries = !published.is_empty() || links.has_any() || releases::has_any(&backup.connection)?;
        match is_older || carries {
            false => self.maintain(|live| copy_pages(&backup.connection, live, progress))?,
            true => self.restore_changed(backup, (&published, &links), progress)?,
        }
        self.write(touch)?;
        Ok((before, self.counts()?))
    }

    /// Brings a copy of a backup up to date before it takes the live store's place: a service that runs on that must never
    /// meet an old schema, nor a moment without what was published.
    fn restore_changed(
        &self,
        backup: &BackupFile,
        (published, links): (&[releases::ReleaseRow], &view_links::Known),
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<()> {
        let copy = beside(&self.path, ".restoring");
        require_room_for(&backup.path, &copy, 3)?;
        let new = NewFile::in_place_of(&copy)?;
        let result = open_new(&new).and_then(|mut upgraded| {
            copy_pages(&backup.connection, &mut upgraded, &mut |_, _| {})?;
            migrations::upgrade(&mut upgraded, new.path())?;
            releases::carry_over(&mut upgraded, published)?;
            links.carry_over(&upgraded)?;
            self.maintain(|live| copy_pages(&upgraded, live, progress))
        });
        for ending in ["-wal", "-shm", "-journal"] {
            // Most are not there.
            let _ = std::fs::remove_file(beside(new.path(), ending));
        }
        result
    }

    /// Gives some free pages back to the file system. Gives whether there may be more.
    pub fn vacuum_some(&self) -> Result<bool> {
        self.maintain(|connection| {
            let number = |pragma: &str| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
            let before = number("freelist_count")?;
            // A few are soon in use again.
            if before <= (VACUUM_PAGES / 10).min(number("page_count")? / 50) {
                return Ok(false);
            }
            let mut statement = connection.prepare(&format!("PRAGMA incremental_vacuum({VACUUM_PAGES})"))?;
            let mut rows = statement.query([])?;
            while rows.next()?.is_some() {}
            Ok(before > VACUUM_PAGES)
        })
    }

    /// Moves what the write-ahead log holds into the file, and empties the log if no reader is in the way. Most of it is
    /// done beside writers, who wait for no more than [`CHECKPOINT`].
    pub fn checkpoint(&self) -> Result<()> {
        let passive = |connection: &Connection| connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
        passive(&connect_as_is(&self.path)?)?;
        self.maintain(|connection| {
            connection.busy_timeout(CHECKPOINT)?;
            let done = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
            wait_patiently(connection)?;
            Ok(done?)
        })
    }
}

fn sizes(store: &Path) -> (u64, u64) {
    let size = |path: &Path| std::fs::metadata(path).map_or(0, |data| data.len());
    (size(store), size(&beside(store, "-wal")))
}

/// Makes sure that this many copies of a store fit beside `target`.
pub(super) fn require_room_for(store: &Path, target: &Path, copies: u64) -> Result<()> {
    let (file, log) = sizes(store);
    super::space::require(target, file.saturating_add(log).saturating_mul(copies))
}

/// A backup that is open for reading, and was found whole.
pub struct BackupFile {
    connection: Connection,
    path: PathBuf,
}

impl BackupFile {
    /// Opens a backup and looks it through.
    ///
    /// # Errors
    /// `Invalid` if it is no whole store of a version this program knows.
    pub fn open(path: &Path) -> Result<Self> {
        let unusable = |path: &Path| Error::invalid(format!("{} cannot be opened", path.display()));
        // SQLite takes some relative names for addresses, or for memory.
        let absolute = std::path::absolute(path).map_err(|e| unusable(path).because(e))?;
        let connection = Connection::open_with_flags(absolute, OpenFlags::SQLITE_OPEN_READ_ONLY);
        let mut connection = connection.map_err(|e| unusable(path).because(e))?;
        verified(&mut connection, path)?;
        Ok(Self { connection, path: path.into() })
    }
}

/// Copies a store that need not be open into a new file, and looks the copy through.
pub(super) fn copy(store: &Path, new: &NewFile, progress: &mut dyn FnMut(u64, u64)) -> Result<Counts> {
    let mut copy = open_new(new)?;
    // One state of the store from the first page to the last: else SQLite begins anew with every commit of others.
    let mut source = connect_reader(store)?;
    let state = source.transaction()?;
    state.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    copy_pages(&state, &mut copy, progress)?;
    drop(state);
    copy.execute_batch("PRAGMA journal_mode = DELETE")?;
    let counts = verified(&mut copy, new.path())?;
    copy.close().map_err(|(_, error)| error)?;
    Ok(counts)
}

/// SQLite opens files by name: it must not follow a link that has come there since.
fn open_new(new: &NewFile) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NOFOLLOW | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Ok(Connection::open_with_flags(new.path(), flags)?)
}

pub(super) fn counts(tx: &Connection) -> Result<Counts> {
    let number = |table: &str| tx.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0));
    Ok(Counts { clients: number("client")?, analyses: number("analysis")?, stats: number("stat")? })
}

/// Copies all pages; the target changes in one transaction.
fn copy_pages(source: &Connection, target: &mut Connection, progress: &mut dyn FnMut(u64, u64)) -> Result<()> {
    let backup = Backup::new(source, target)?;
    let deadline = std::time::Instant::now() + Duration::from_secs(60);
    loop {
        use rusqlite::backup::StepResult;
        match backup.step(BACKUP_PAGES)? {
            StepResult::Done => return Ok(()),
            StepResult::Busy | StepResult::Locked if std::time::Instant::now() > deadline => {
                return Err(Error::new(Kind::Busy, "the store stayed locked for a minute: try again"));
            }
            StepResult::Busy | StepResult::Locked => std::thread::sleep(Duration::from_millis(20)),
            _ => {
                let state = backup.progress();
                let number = |pages: i32| u64::try_from(pages).unwrap_or_default();
                progress(number(state.pagecount - state.remaining), number(state.pagecount));
            }
        }
    }
}

/// Makes sure that a copy is a whole store that this program can use; every failure names the copy.
fn verified(copy: &mut Connection, path: &Path) -> Result<Counts> {
    whole(copy, path).map_err(|error| match error.kind {
        Kind::Invalid => error,
        _ => Error::invalid(format!("{} is not a store of monarc-stats, or a damaged one", path.display()))
            .because(error),
    })
}

fn whole(copy: &mut Connection, path: &Path) -> Result<Counts> {
    let version = migrations::version(copy, path)?;
    if version == 0 || version > migrations::newest() {
        let text = format!("{} holds no store, or one of a newer monarc-stats", path.display());
        return Err(Error::invalid(text));
    }
    let transaction = copy.transaction().map_err(|e| opening(path, e))?;
    match sqlite_findings(&transaction)?.first() {
        Some(finding) => Err(Error::invalid(format!("{} is damaged: {finding}", path.display()))),
        None => counts(&transaction),
    }
}
