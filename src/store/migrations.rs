//! How a store gets to the schema of `schema.sql`.
//!
//! Version 1 is the schema of the first release. Append-only since: a new version adds one step here and edits
//! `schema.sql` to the same end. The version is kept in SQLite's `user_version`.

use super::{APPLICATION_ID, beside, maintenance, sql, unusable};
use crate::error::{Error, Result};
use crate::files::{self, NewFile};
use rusqlite::{Connection, TransactionBehavior};
use std::path::{Path, PathBuf};

/// The end state, for new stores.
pub const SCHEMA: &str = include_str!("../../schema.sql");

/// The steps from version 1 to 2, from 2 to 3, and so on.
const STEPS: &[&str] = &[include_str!("migrations/2_sharing.sql"), include_str!("migrations/3_days.sql")];

/// Brings a store up to date or creates its schema. What an older program could still use is kept beside it before, in
/// a file named after its version, such as `stats.db.version-1`.
pub fn run(connection: &mut Connection, path: &Path) -> Result<()> {
    if is_older(connection, path)? {
        let version = version(connection, path)?;
        keep(connection, path, version)?;
    }
    upgrade(connection, path)
}

/// Whether it is a store of an older version.
pub fn is_older(connection: &Connection, path: &Path) -> Result<bool> {
    Ok((1..newest()).contains(&version(connection, path)?))
}

/// The same without keeping anything, each step in a transaction of its own.
pub fn upgrade(connection: &mut Connection, path: &Path) -> Result<()> {
    let newest = newest();
    let version = version(connection, path)?;
    if version > newest {
        let text = format!(
            "the store {} has version {version}, this program knows up to {newest}: use the newer",
            path.display()
        );
        let copy = (1..=newest).rev().map(|version| kept(path, version)).find(|copy| copy.exists());
        let back = copy.map(|copy| {
            let (store, copy) = (path.display(), copy.display());
            format!(", or stop the service, delete {store}-wal, and put the copy from before the upgrade, {copy}, in its place")
        });
        return Err(Error::invalid(format!("{text} monarc-stats{}", back.unwrap_or_default())));
    }
    if version == newest {
        return Ok(());
    }
    if version == 0 {
        apply(connection, 0, SCHEMA, newest)?;
    } else {
        for (from, text) in (1..).zip(STEPS).skip(version - 1) {
            apply(connection, from, text, from + 1)?;
            log::info!("store {} brought to version {}", path.display(), from + 1);
        }
    }
    // The file itself tells its version from now on, not only its log: Debian's package reads it there.
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).map_err(sql)
}

/// Where the store of a version is kept when it is upgraded.
fn kept(path: &Path, version: usize) -> PathBuf {
    beside(path, &format!(".version-{version}"))
}

fn keep(connection: &mut Connection, path: &Path, from: usize) -> Result<()> {
    // Nobody else brings it up to date meanwhile; if somebody was faster, the copy is there.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if version(&transaction, path)? != from {
        return Ok(());
    }
    let copy = kept(path, from);
    files::remove_leftovers(&copy)?;
    if copy.symlink_metadata().is_ok() {
        std::fs::remove_file(&copy).map_err(|e| unusable(&copy, e))?;
    }
    // The copy, and the store's new form twice: in its log first, then in the file.
    maintenance::require_room_for(path, &copy, 3)?;
    let new = NewFile::create(&copy)?;
    // Root may do this; going back, the service has to be able to read it.
    new.belong_with(path)?;
    maintenance::copy(path, &new, &mut |_, _| {})?;
    new.finish()?;
    log::info!("kept the store of version {from} as {}", copy.display());
    Ok(())
}

/// The version of a store, 0 if it is empty.
///
/// # Errors
/// `Invalid` if it is a database, but not one of ours.
pub fn version(connection: &Connection, path: &Path) -> Result<usize> {
    let number = |pragma: &str| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0)).map_err(sql);
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if number("application_id")? == i64::from(APPLICATION_ID) {
        return usize::try_from(number("user_version")?).map_err(|_| super::damaged("its version is negative"));
    }
    if tables == 0 {
        return Ok(0);
    }
    Err(Error::invalid(format!("{} is not a store of monarc-stats but another database", path.display())))
}

/// The newest version this program knows.
pub fn newest() -> usize {
    1 + STEPS.len()
}

fn apply(connection: &mut Connection, from: usize, text: &str, to: usize) -> Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have been faster between the look and the lock.
    let found: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if usize::try_from(found) != Ok(from) {
        return Ok(());
    }
    transaction.execute_batch(text)?;
    transaction.execute_batch(&format!("PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {to};"))?;
    transaction.commit().map_err(sql)
}
