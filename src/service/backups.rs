//! The daily backups: what they are called, how many are kept, and whose directory it is.

use crate::error::{Error, Kind, Result};
use crate::store::Store;
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
    std::fs::write(directory.join(OWNER), format!("{}\n", identity(store))).map_err(|error| unusable(directory, error))
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
    for path in backups(directory, ".db.partial").map_err(unusable)? {
        // Left by a run that was killed: two services do not share a store, nor should they share this directory.
        std::fs::remove_file(path).map_err(unusable)?;
    }
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
        let moment = name.strip_prefix("stats-").and_then(|rest| rest.strip_suffix(ending)).unwrap_or_default();
        let shape: String = moment.chars().map(|c| if c.is_ascii_digit() { '9' } else { c }).collect();
        if shape == "99999999T999999Z" {
            found.push(path);
        }
    }
    Ok(found)
}
