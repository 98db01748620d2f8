//! The daily backups: what they are called, how many are kept, and whose directory it is.

use crate::error::{Error, Kind, Result};
use crate::files::{NewFile, meant_for};
use crate::model::text::counted;
use crate::store::Store;
use std::io::Write;
use std::path::{Path, PathBuf};

/// What a backup is called.
const NAME: &str = "stats-%Y%m%dT%H%M%SZ.db";
/// A file in a directory of backups that names the store they are of in its first line, and in the others the backups in
/// the order of their making.
const OWNER: &str = ".monarc-stats-store";

/// How a store names itself in its directory of backups: two machines may call theirs the same.
fn identity(store: &Path) -> String {
    let path = store.canonicalize().unwrap_or_else(|_| store.into());
    let machine = std::fs::read_to_string("/etc/machine-id").unwrap_or_default();
    format!("{} {}", path.display(), machine.trim()).trim_end().to_owned()
}

/// The store whose backups a directory holds, if it is another than this one.
pub fn stranger(directory: &Path, store: &Path) -> Option<String> {
    let mark = std::fs::read_to_string(directory.join(OWNER)).ok()?;
    let owner = mark.lines().next().unwrap_or_default().trim().to_owned();
    (!owner.is_empty() && owner != identity(store)).then_some(owner)
}

/// Makes sure that a directory is this store's alone, since old backups are deleted, and that it knows which of its
/// backups is the newest: `name`, which is about to be made. Names and times of files only know what the clock said.
fn claim(directory: &Path, store: &Path, name: &str) -> Result<()> {
    if let Some(other) = stranger(directory, store) {
        let (name, mark) = (directory.display(), directory.join(OWNER));
        let text = format!(
            "BACKUP_DIR: {name} holds the backups of another store, {other}: name a directory of this store's own, or \
             delete {} if that store is no more",
            mark.display()
        );
        return Err(Error::new(Kind::Conflict, text));
    }
    let failed = |error| unusable(directory, error);
    let mut lines = vec![identity(store)];
    let known = in_order_of_making(directory).map_err(failed)?;
    lines.extend(known.iter().filter_map(|path| Some(path.file_name()?.to_str()?.to_owned())));
    lines.retain(|line| line != name);
    lines.push(name.to_owned());
    let mut mark = NewFile::in_place_of(&directory.join(OWNER))?;
    writeln!(mark.file(), "{}", lines.join("\n")).map_err(failed)?;
    mark.replace()
}

/// The backups of a directory, the newest last: those that its mark names in its order, and before them, by the time of
/// their last change, what somebody else has put there.
fn in_order_of_making(directory: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mark = std::fs::read_to_string(directory.join(OWNER)).unwrap_or_default();
    let place = |path: &Path| mark.lines().skip(1).position(|line| path.file_name().is_some_and(|name| name == line));
    let mut all = backups(directory, ".db")?;
    all.sort_by_cached_key(|path| (place(path), path.metadata().and_then(|data| data.modified()).ok(), path.clone()));
    Ok(all)
}

fn unusable(directory: &Path, error: std::io::Error) -> Error {
    Error::new(Kind::Unavailable, format!("BACKUP_DIR: {} cannot be used", directory.display())).because(error)
}

/// Makes a backup in the directory and deletes those beyond the newest `keep`, never the one it has just made.
///
/// # Errors
/// `Conflict` if the directory holds another store's backups, `Unavailable` or `Full` if it cannot be written.
pub fn back_up(store: &Store, directory: &Path, keep: usize) -> Result<String> {
    let unusable = |error| unusable(directory, error);
    std::fs::create_dir_all(directory).map_err(unusable)?;
    let name = jiff::Timestamp::now().strftime(NAME).to_string();
    claim(directory, store.path(), &name)?;
    remove_partial(directory).map_err(unusable)?;
    let counts = store.backup(&directory.join(&name), &mut |_, _| {})?;
    let all = in_order_of_making(directory).map_err(unusable)?;
    let old = all.len().saturating_sub(keep);
    for path in &all[..old] {
        std::fs::remove_file(path).map_err(unusable)?;
    }
    Ok(format!("{name} holds {counts}; {} deleted", counted(old, "older one")))
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
