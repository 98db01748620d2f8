//! Connections to the store's file, and what SQLite's errors mean.
//!
//! Opening one takes no lock on a store that is there: SQLite's settings that belong to the file are set once, when it is
//! new, and those of a connection need nobody's leave.

use crate::error::{Error, Kind, Result};
use rusqlite::config::DbConfig;
use rusqlite::ffi::{SQLITE_IOERR_SHMSIZE, code_to_str};
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::path::Path;
use std::time::Duration;

/// How long a connection waits for another process's write before it gives up.
pub(super) const BUSY: Duration = Duration::from_secs(10);

/// Between two looks of a writer whether the lock is free.
const LOOK: Duration = Duration::from_millis(2);

/// A connection that changes nothing of the file by being opened.
pub(super) fn connect_as_is(path: &Path) -> Result<Connection> {
    let connection =
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY)?;
    Ok(connection)
}

/// A connection for writing. A file that is still empty gets the settings that stay with it.
pub(super) fn connect(path: &Path) -> Result<Connection> {
    let mut connection = connect_as_is(path)?;
    wait_patiently(&mut connection)?;
    if connection.is_readonly("main")? {
        let text = format!(
            "the store {} cannot be written: see who owns it, and whether its disk is read-only",
            path.display()
        );
        return Err(Error::new(Kind::Unavailable, text));
    }
    prepare(&connection).map_err(|e| opening(path, e))?;
    Ok(connection)
}

/// Has a writer look often for the lock that it waits for: whoever has the turn keeps the others waiting.
pub(super) fn wait_patiently(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.busy_handler(Some(|tries: i32| {
        std::thread::sleep(LOOK);
        LOOK.saturating_mul(tries.unsigned_abs()) < BUSY
    }))
}

fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables == 0 {
        // It only takes effect on a file that is still empty, and has to come before the log.
        connection.execute_batch("PRAGMA auto_vacuum = INCREMENTAL")?;
    }
    let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
    if mode != "wal" {
        connection.execute_batch("PRAGMA journal_mode = WAL")?;
    }
    connection.execute_batch(
        "PRAGMA synchronous = FULL;
         PRAGMA foreign_keys = ON;
         PRAGMA cache_size = -4000;
         PRAGMA wal_autocheckpoint = 4000;
         PRAGMA journal_size_limit = 16777216;",
    )?;
    guard(connection)
}

/// A connection for reading, whatever others do to the store at that moment.
pub(super) fn connect_reader(path: &Path) -> Result<Connection> {
    let connection = connect_as_is(path)?;
    connection.execute_batch("PRAGMA query_only = ON; PRAGMA cache_size = -1000;")?;
    guard(&connection)?;
    Ok(connection)
}

/// What every connection has, because what is in a file is not to be trusted.
pub(super) fn guard(connection: &Connection) -> rusqlite::Result<()> {
    connection
        .execute_batch("PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;")?;
    connection.set_prepared_statement_cache_capacity(64);
    // Else SQLite prepares some look-ups anew for every value that is bound: a tenth of the time of a POST.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(drop)
}

/// What to do about a store that cannot be read.
pub(super) const REMEDY: &str = "stop the service, move the file and its -wal away, and put the newest backup in its \
                                 place with 'monarc-stats database restore'";

/// What went wrong while a file was opened.
pub(super) fn opening(path: &Path, error: rusqlite::Error) -> Error {
    if error.sqlite_error_code() == Some(ErrorCode::NotADatabase) {
        return Error::invalid(format!("{} is not a store of monarc-stats", path.display())).because(said(error));
    }
    error.into()
}

/// Sorts SQLite's errors into kinds, with a sentence for each that an operator can act on.
impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        let (kind, text) = match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                (Kind::Busy, "the store is locked by another process: try again in a moment")
            }
            Some(ErrorCode::DiskFull) => (Kind::Full, "the disk is full: nothing was stored"),
            // The index of the log has no room: it is made by whoever opens a store first.
            _ if extended(&error) == SQLITE_IOERR_SHMSIZE => (Kind::Full, "the disk is full: make room on it"),
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::AuthorizationForStatementDenied) => {
                (Kind::Unavailable, "the store cannot be written: see who owns it, and whether its disk is read-only")
            }
            Some(ErrorCode::CannotOpen | ErrorCode::SystemIoFailure) => {
                (Kind::Unavailable, "the store cannot be reached on its disk")
            }
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                return Error::new(Kind::Unavailable, format!("the store is damaged: {REMEDY}")).because(said(error));
            }
            _ => (Kind::Internal, "the store failed"),
        };
        Error::new(kind, text).because(said(error))
    }
}

fn extended(error: &rusqlite::Error) -> i32 {
    error.sqlite_error().map_or(0, |code| code.extended_code)
}

/// SQLite's own words, and its number for whoever looks it up.
fn said(error: rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqliteFailure(code, text) => {
            let text = text.unwrap_or_else(|| code_to_str(code.extended_code).to_owned());
            format!("SQLite says {text:?} ({})", code.extended_code)
        }
        other => other.to_string(),
    }
}
