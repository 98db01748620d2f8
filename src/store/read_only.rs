//! Looking at a store without leaving a mark on it: no log, no pragma that sticks. For the doctor, who may
//! come beside a running service or find a store that nobody has touched for years.

use super::clients::{COLUMNS, find, from_row, with_published_tokens};
use super::connections::guard;
use super::jobs::{self, Runs};
use super::maintenance::{Counts, counts};
use super::{BUSY, beside, migrations, opening};
use crate::error::{Error, Kind, Result};
use crate::model::{Client, Token, date};
use jiff::civil::Date;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use rusqlite::{Connection, OpenFlags, params};
use rustix::fs::{Access, access};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// A store that is only looked at.
pub struct ReadOnlyStore {
    pub(super) connection: Connection,
    version: usize,
}

/// A client and the last it sent.
pub struct Sender {
    /// Who.
    pub client: Client,
    /// When it last sent something, in seconds since 1970.
    pub arrived: Option<i64>,
    /// The newest date that it has stats of.
    pub newest: Option<Date>,
}

impl ReadOnlyStore {
    /// Opens the store at `path` for looking.
    ///
    /// # Errors
    /// `Invalid` if it is none, `Conflict` if only a writer can make it whole again, `Unavailable` if it cannot be read.
    pub fn open(path: &Path) -> Result<Self> {
        let connection = connect_to_look(path)?;
        let version = migrations::version(&connection, path)?;
        Ok(Self { connection, version })
    }

    /// The version of its schema; 0 if it is an empty file.
    pub fn version(&self) -> usize {
        self.version
    }

    /// Whether its schema is the one that this program works with.
    pub fn is_current(&self) -> bool {
        self.version == newest_version()
    }

    /// What SQLite finds wrong with it at a quick look, a sentence each.
    ///
    /// # Errors
    /// Only if it cannot be read at all.
    pub fn flaws(&self) -> Result<Vec<String>> {
        let mut statement = self.connection.prepare("PRAGMA quick_check(3)")?;
        let lines: Vec<String> = statement.query_map([], |row| row.get(0)).and_then(Iterator::collect)?;
        Ok(lines.into_iter().filter(|line| line != "ok").collect())
    }

    /// How much it holds.
    pub fn counts(&self) -> Result<Counts> {
        counts(&self.connection)
    }

    /// The last runs of the service's jobs.
    pub fn runs(&self) -> Result<Vec<Runs>> {
        jobs::runs(&self.connection)
    }

    /// The client that shows this token, active or not.
    pub fn client_by_token(&self, token: &str) -> Result<Option<Client>> {
        find(&self.connection, "token_hash = ?1", params![Token::hash(token)])
    }

    /// The names of active clients whose token anybody can read in MONARC's repositories.
    pub fn with_published_tokens(&self) -> Result<Vec<String>> {
        with_published_tokens(&self.connection)
    }

    /// All clients in order of name.
    pub fn senders(&self) -> Result<Vec<Sender>> {
        let newest = "SELECT max(date) FROM stat WHERE stat.client = client.id";
        let text = format!("SELECT {COLUMNS}, last_stat_at, ({newest}) FROM client ORDER BY name");
        let mut statement = self.connection.prepare(&text)?;
        let rows = statement.query_map([], |row| {
            let newest: Option<i64> = row.get(12)?;
            Ok(Sender { client: from_row(row)?, arrived: row.get(11)?, newest: newest.and_then(date::from_number) })
        });
        Ok(rows.and_then(Iterator::collect)?)
    }
}

/// The newest version of a schema that this program knows.
pub fn newest_version() -> usize {
    migrations::newest()
}

/// The files of a store that are there: itself, its log and that one's index.
pub fn files(path: &Path) -> Vec<PathBuf> {
    let others = ["-wal", "-shm"].map(|ending| beside(path, ending));
    std::iter::once(path.to_owned()).chain(others).filter(|path| path.exists()).collect()
}

/// Whether this user can do no more than look at the store at `path`: the medium, or somebody, allows no more.
pub(super) fn is_all_that_is_allowed(path: &Path) -> bool {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    access(path, Access::WRITE_OK).is_err() || access(directory, Access::WRITE_OK).is_err()
}

/// A connection that only looks.
pub(super) fn connect_to_look(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(address(path)?, flags).map_err(|e| opening(path, e))?;
    connection.busy_timeout(BUSY)?;
    guard(&connection)?;
    connection.execute_batch("PRAGMA schema_version").map_err(|e| opening(path, e))?;
    Ok(connection)
}

/// An address that makes SQLite write nothing. Where there is an index of the log, some service made it, and it is read as
/// it is; where there is neither log nor index, the file is whole, and SQLite would make both.
fn address(path: &Path) -> Result<String> {
    let size = |ending: &str| std::fs::metadata(beside(path, ending)).map(|data| data.len()).ok();
    let how = match (size("-shm"), size("-wal")) {
        (Some(_), _) => "readonly_shm=1",
        (None, None | Some(0)) => "immutable=1",
        (None, Some(_)) => {
            let text = format!(
                "the log beside {} holds what is not in the store yet: have a user who may write there run a command once, \
                 such as 'client list', or copy both to where you may write",
                path.display()
            );
            return Err(Error::new(Kind::Conflict, text));
        }
    };
    const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'.').remove(b'-').remove(b'_');
    let escaped = percent_encode(path.as_os_str().as_bytes(), PLAIN);
    Ok(format!("file:{escaped}?mode=ro&{how}"))
}
