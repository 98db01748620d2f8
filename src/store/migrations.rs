//! How a store gets to the schema of `schema.sql`.
//!
//! Version 1 is the schema of release 0.2.0. Append-only since: a new version adds one step here and edits `schema.sql` to
//! the same end, which a test holds against a store that 0.2.0 wrote. The version is kept in SQLite's `user_version`.

use super::{APPLICATION_ID, UNRELEASED_ID, beside, maintenance, unusable};
use crate::error::{Error, Result};
use crate::files::{self, NewFile};
use rusqlite::{Connection, TransactionBehavior};
use std::path::{Path, PathBuf};

/// The end state, for new stores.
pub const SCHEMA: &str = include_str!("../../schema.sql");

/// The steps from version 1 to 2, from 2 to 3, and so on.
const STEPS: &[&str] = &[];

/// Brings a store up to date or creates its schema. What an older program could still use is kept beside it before, in
/// a file named after its version, such as `stats.db.version-1`.
pub fn run(connection: &mut Connection, path: &Path) -> Result<()> {
    run_steps(connection, path, STEPS)
}

fn run_steps(connection: &mut Connection, path: &Path, steps: &[&str]) -> Result<()> {
    let version = version(connection, path)?;
    if (1..=steps.len()).contains(&version) {
        keep(path, version)?;
    }
    upgrade_by(connection, path, steps)
}

/// Makes sure that it is empty or a store of a version that this program knows.
///
/// # Errors
/// `Invalid` if it is not; the error says what to do.
pub fn recognise(connection: &Connection, path: &Path) -> Result<()> {
    match version(connection, path)? {
        version if version > newest() => Err(newer(path, version, newest())),
        _ => Ok(()),
    }
}

/// Returns true if it is a store of an older version.
pub fn is_older(connection: &Connection, path: &Path) -> Result<bool> {
    Ok((1..newest()).contains(&version(connection, path)?))
}

/// Brings a store up to date without keeping anything, each step in a transaction of its own.
pub fn upgrade(connection: &mut Connection, path: &Path) -> Result<()> {
    upgrade_by(connection, path, STEPS)
}

fn upgrade_by(connection: &mut Connection, path: &Path, steps: &[&str]) -> Result<()> {
    let newest = 1 + steps.len();
    let version = version(connection, path)?;
    if version > newest {
        return Err(newer(path, version, newest));
    }
    if version == newest {
        return Ok(());
    }
    if version == 0 {
        apply(connection, 0, SCHEMA, newest)?;
    } else {
        for (from, text) in (1..).zip(steps).skip(version - 1) {
            apply(connection, from, text, from + 1)?;
            log::info!("store {} brought to version {}", path.display(), from + 1);
        }
    }
    // The file itself tells its version from now on, not only its log: Debian's package reads it there.
    Ok(connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?)
}

/// The refusal of a store that a newer program made, with the way back if there is one.
fn newer(path: &Path, version: usize, newest: usize) -> Error {
    let text =
        format!("the store {} has version {version}, this program knows up to {newest}: use the newer", path.display());
    let copy = (1..=newest).rev().map(|version| kept(path, version)).find(|copy| copy.exists());
    let back = copy.map(|copy| {
        let (store, copy) = (path.display(), copy.display());
        format!(
            ", or stop the service, delete {store}-wal, and put the copy from before the upgrade, {copy}, in its place"
        )
    });
    Error::invalid(format!("{text} monarc-stats{}", back.unwrap_or_default()))
}

/// Where the store of a version is kept when it is upgraded.
fn kept(path: &Path, version: usize) -> PathBuf {
    beside(path, &format!(".version-{version}"))
}

/// Copies the store of an older version beside itself. Whoever opens an older store has claimed it before, so that nobody
/// else brings it up to date meanwhile.
fn keep(path: &Path, from: usize) -> Result<()> {
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
    let number = |pragma: &str| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let id = number("application_id")?;
    if id == i64::from(APPLICATION_ID) {
        return usize::try_from(number("user_version")?).map_err(|_| super::damaged("its version is negative"));
    }
    if id == i64::from(UNRELEASED_ID) {
        let text = "is of a monarc-stats before 0.2.0: 'export' it with the program that made it, move it away, and 'import' the file here";
        return Err(Error::invalid(format!("the store {} {text}", path.display())));
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
    Ok(transaction.commit()?)
}

#[cfg(test)]
mod tests {
    use super::super::connect;
    use super::*;

    /// A step such as the first one will be.
    const SYNTHETIC: &[&str] = &["ALTER TABLE client ADD COLUMN note TEXT"];

    fn store() -> (tempfile::TempDir, PathBuf, Connection) {
        let directory = tempfile::TempDir::new().unwrap();
        let path = directory.path().join("stats.db");
        std::fs::write(&path, b"").unwrap();
        let connection = connect(&path).unwrap();
        (directory, path, connection)
    }

    fn notes(connection: &Connection) -> i64 {
        let text = "SELECT count(*) FROM pragma_table_info('client') WHERE name = 'note'";
        connection.query_row(text, [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn a_step_is_taken_once_and_the_store_from_before_is_kept() {
        let (_directory, path, mut connection) = store();
        run(&mut connection, &path).unwrap();
        assert_eq!((version(&connection, &path).unwrap(), notes(&connection)), (1, 0));
        for _ in 0..2 {
            run_steps(&mut connection, &path, SYNTHETIC).unwrap();
            assert_eq!((version(&connection, &path).unwrap(), notes(&connection)), (2, 1));
        }
        let copy = Connection::open(kept(&path, 1)).unwrap();
        assert_eq!((version(&copy, &path).unwrap(), notes(&copy)), (1, 0));
        // The program from before refuses it, and says where its own store is.
        let error = run(&mut connection, &path).unwrap_err().message;
        assert!(error.contains("version 2") && error.contains("stats.db.version-1, in its place"), "{error}");
    }

    #[test]
    fn a_step_that_fails_changes_nothing() {
        let (_directory, path, mut connection) = store();
        run(&mut connection, &path).unwrap();
        run_steps(&mut connection, &path, &["ALTER TABLE client ADD COLUMN note TEXT; nonsense"]).unwrap_err();
        assert_eq!((version(&connection, &path).unwrap(), notes(&connection)), (1, 0));
    }

    #[test]
    fn a_store_that_cannot_be_kept_is_left_alone() {
        let (_directory, path, mut connection) = store();
        run(&mut connection, &path).unwrap();
        std::fs::create_dir(kept(&path, 1)).unwrap();
        run_steps(&mut connection, &path, SYNTHETIC).unwrap_err();
        assert_eq!(version(&connection, &path).unwrap(), 1);
    }
}
