//! The daily backups: what they are called, how many are kept, and whose directory it is.

use crate::error::{Error, Kind, Result};
use crate::files::{NewFile, meant_for};
use crate::store::Store;
use std::io::Write;
use std::path::{Path, PathBuf};

/// What a backup is called.
const NAME: &str = "stats-%Y%m%dT%H%M%SZ.db";
/// A file in a directory of backups that names the store they are of.
const OWNER: &str = ".monarc-stats-store";

/// How a store names itself in its directory of backups: two machines may call theirs the same.
fn identity(store: &Path) -> String {
    let path = store.canonicalize().unwrap_or_else(|_| store.into());
    let machine = std::fs::read_to_string("/etc/machine-id").unwrap_or_default();
    format!("{} {}", path.display(), machine.trim()).trim_end().to_owned()
}

/// The store whose backups a directory holds, if it is another than this one.
pub fn stranger(directory: &Path, store: &Path) -> Option<String> {
    let owner = std::fs::read_to_string(directory.join(OWNER)).ok()?;
    let owner = owner.trim().to_owned();
    (!owner.is_empty() && owner != identity(store)).then_some(owner)
}

/// Makes sure that a directory is this store's alone: old backups are deleted, and must not be another's.
fn claim(directory: &Path, store: &Path) -> Result<()> {
    if let Some(other) = stranger(directory, store) {
        let (name, mark) = (directory.display(), directory.join(OWNER));
        let text = format!(
            "BACKUP_DIR: {name} holds the backups of another store, {other}: name a directory of this store's own, or \
             delete {} if that store is no more",
            mark.display()
        );
        return Err(Error::new(Kind::Conflict, text));
    }
    let mut mark = NewFile::in_place_of(&directory.join(OWNER))?;
    writeln!(mark.file(), "{}", identity(store)).map_err(|error| unusable(directory, error))?;
    mark.replace()
}

fn unusable(directory: &Path, error: std::io::Error) -> Error {
    Error::new(Kind::Unavailable, format!("BACKUP_DIR: {} cannot be used", directory.display())).because(error)
}

/// Makes a backup in the directory and deletes those beyond the newest `keep`.
///
/// # Errors
/// `Conflict` if the directory holds another store's backups, `Unavailable` or `Full` if it cannot be written.
pub fn back_up(store: &Store, directory: &Path, keep: usize) -> Result<String> {
    let unusable = |error| unusable(directory, error);
    std::fs::create_dir_all(directory).map_err(unusable)?;
    claim(directory, store.path())?;
    remove_partial(directory).map_err(unusable)?;
    let name = jiff::Timestamp::now().strftime(NAME).to_string();
    let counts = store.backup(&directory.join(&name), &mut |_, _| {})?;
    let mut all = backups(directory, ".db").map_err(unusable)?;
    all.sort();
    let old = all.len().saturating_sub(keep);
    for path in &all[..old] {
        std::fs::remove_file(path).map_err(unusable)?;
    }
    Ok(format!("{name} holds {counts}; {old} older ones deleted"))
}

/// Removes what a run that was killed has left: two services do not share a store, nor should they share this directory.
fn remove_partial(directory: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        if meant_for(&path).is_some_and(|name| is_backup(name, ".db") || name == OWNER) {
            std::fs::remove_file(&path)?;
        }
    }
    // Of versions before 0.2, which gave the name that is not whole no random part.
    backups(directory, ".db.partial")?.iter().try_for_each(std::fs::remove_file)
}

/// When a backup was made, in seconds since 1970, as its name says.
pub fn moment(backup: &Path) -> Option<i64> {
    let name = backup.file_name()?.to_str()?;
    let moment = jiff::civil::DateTime::strptime(NAME, name).ok()?;
    moment.to_zoned_datetime(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp().as_second())
}

/// The files in a directory that have the names of backups with this ending.
pub fn backups(directory: &Path, ending: &str) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if is_backup(name, ending) {
            found.push(path);
        }
    }
    Ok(found)
}

fn is_backup(name: &str, ending: &str) -> bool {
    let moment = name.strip_prefix("stats-").and_then(|rest| rest.strip_suffix(ending)).unwrap_or_default();
    let shape: String = moment.chars().map(|c| if c.is_ascii_digit() { '9' } else { c }).collect();
    shape == "99999999T999999Z"
}
