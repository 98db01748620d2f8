//! New files: the one way in which this program makes them, whoever else may write into their directory.
//!
//! A new file has a random name in the directory of its target until it is whole, belongs to its owner alone from the first
//! byte, and is never what somebody has put there before, such as a link to another file.

mod owner;

use crate::error::{Error, Kind, Result};
pub use owner::{as_owner, is_somebody_elses};
use rustix::fs::{CWD, Mode, OFlags, RenameFlags, renameat_with};
use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What the name of a file ends in that is not whole yet.
const ENDING: &str = ".partial";
/// Letters of the random part of such a name.
const RANDOM: usize = 32;

/// A file that gets its name when it is whole, and is removed if it never is.
pub struct NewFile {
    file: File,
    partial: PathBuf,
    target: PathBuf,
    is_named: bool,
}

impl NewFile {
    /// Makes an empty file that is to become `target`, readable and writable by its owner alone.
    ///
    /// # Errors
    /// `Conflict` if there is anything at `target`, `NotFound` if its directory is not there, else `Unavailable`.
    pub fn create(target: &Path) -> Result<Self> {
        if target.symlink_metadata().is_ok() {
            return Err(exists(target));
        }
        Self::in_place_of(target)
    }

    /// Makes one that is to take the place of what is at `target`, if there is anything.
    ///
    /// # Errors
    /// As those of [`NewFile::create`], without the conflict.
    pub fn in_place_of(target: &Path) -> Result<Self> {
        let name = target.file_name().ok_or_else(|| Error::invalid(format!("{} names no file", target.display())))?;
        let directory = directory(target).canonicalize().map_err(|e| unusable(target, e))?;
        let mut partial = name.to_owned();
        partial.push(format!(".{}{ENDING}", uuid::Uuid::new_v4().simple()));
        let partial = directory.join(partial);
        let file = open_new(&partial).map_err(|e| unusable(target, e))?;
        Ok(Self { file, target: directory.join(name), partial, is_named: false })
    }

    /// Where it is until it has its name, for those who cannot write into an open file.
    pub fn path(&self) -> &Path {
        &self.partial
    }

    /// The open file.
    pub fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Gives it to the owner of another file, if that is not who made it.
    ///
    /// # Errors
    /// `Unavailable` if only root could.
    pub fn belong_with(&self, other: &Path) -> Result<()> {
        let given = std::fs::metadata(other).and_then(|other| {
            let own = self.file.metadata()?;
            match (own.uid(), own.gid()) == (other.uid(), other.gid()) {
                true => Ok(()),
                false => std::os::unix::fs::fchown(&self.file, Some(other.uid()), Some(other.gid())),
            }
        });
        given.map_err(|e| unusable(&self.target, e))
    }

    /// Gives it to the owner of another file if its directory is his, too.
    ///
    /// # Errors
    /// As those of [`NewFile::belong_with`].
    pub fn belong_with_neighbours_of(&self, other: &Path) -> Result<()> {
        let owner = |path: &Path| std::fs::metadata(path).map(|data| data.uid()).map_err(|e| unusable(path, e));
        match owner(directory(&self.target))? == owner(other)? {
            true => self.belong_with(other),
            false => Ok(()),
        }
    }

    /// Gives it its name, unless something has come there meanwhile.
    ///
    /// # Errors
    /// `Conflict` if something has, `Full` or `Unavailable` if it cannot be brought to the disk.
    pub fn finish(self) -> Result<()> {
        self.name(true)
    }

    /// Gives it its name, in place of what is there.
    ///
    /// # Errors
    /// `Full` or `Unavailable` if it cannot be brought to the disk.
    pub fn replace(self) -> Result<()> {
        self.name(false)
    }

    fn name(mut self, is_first: bool) -> Result<()> {
        let target = &self.target;
        self.file.sync_all().map_err(|e| unusable(target, e))?;
        let identity = |data: std::fs::Metadata| (data.dev(), data.ino());
        let own = self.file.metadata().map(identity).map_err(|e| unusable(target, e))?;
        if self.partial.symlink_metadata().map(identity).ok() != Some(own) {
            let text = format!("{} was taken away while it was written", self.partial.display());
            return Err(Error::new(Kind::Unavailable, text));
        }
        match if is_first { rename_to_nothing(&self.partial, target) } else { std::fs::rename(&self.partial, target) } {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(exists(target)),
            renamed => renamed.map_err(|e| unusable(target, e))?,
        }
        self.is_named = true;
        let directory = directory(target);
        File::open(directory).and_then(|directory| directory.sync_all()).map_err(|e| unusable(directory, e))
    }
}

impl io::Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.is_named {
            // What is not whole is of no use, and why it is not has been said.
            let _ = std::fs::remove_file(&self.partial);
        }
    }
}

/// Makes an empty file with its name at once, for its owner alone.
///
/// # Errors
/// `Conflict` if there is anything, such as a link that leads nowhere; `Unavailable` if it cannot be made.
pub fn create_empty(path: &Path) -> Result<File> {
    open_new(path).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => exists(path),
        _ => unusable(path, error),
    })
}

/// Removes what runs that were killed have left of files that were to become `target`. Only for whoever is alone in making
/// them.
///
/// # Errors
/// `Unavailable` if the directory cannot be read or written.
pub fn remove_leftovers(target: &Path) -> Result<()> {
    let name = target.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let directory = directory(target);
    for entry in std::fs::read_dir(directory).map_err(|e| unusable(directory, e))? {
        let path = entry.map_err(|e| unusable(directory, e))?.path();
        if meant_for(&path).is_some_and(|meant| meant == name) {
            std::fs::remove_file(&path).map_err(|e| unusable(&path, e))?;
        }
    }
    Ok(())
}

/// The name that a file was to get which is not whole.
pub fn meant_for(path: &Path) -> Option<&str> {
    let (name, random) = path.file_name()?.to_str()?.strip_suffix(ENDING)?.rsplit_once('.')?;
    (random.len() == RANDOM && random.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(name)
}

fn open_new(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR)?.into())
}

/// Not every file system can rename without replacing: there the look before it has to do.
fn rename_to_nothing(from: &Path, to: &Path) -> io::Result<()> {
    use rustix::io::Errno;
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::PERM | Errno::NOTSUP) if to.symlink_metadata().is_err() => {
            std::fs::rename(from, to)
        }
        renamed => Ok(renamed?),
    }
}

fn directory(file: &Path) -> &Path {
    match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn exists(path: &Path) -> Error {
    Error::new(Kind::Conflict, format!("{} exists already", path.display()))
}

fn unusable(path: &Path, error: io::Error) -> Error {
    let kind = match error.kind() {
        io::ErrorKind::NotFound => Kind::NotFound,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Kind::Full,
        _ => Kind::Unavailable,
    };
    Error::new(kind, format!("{} cannot be written", path.display())).because(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn a_new_file_is_its_owners_and_gets_its_name_when_whole() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("new");
        let mut new = NewFile::create(&target).unwrap();
        new.file().write_all(b"whole").unwrap();
        assert!(!target.exists());
        assert_eq!(meant_for(new.path()), Some("new"));
        assert_eq!(new.path().metadata().unwrap().permissions().mode() & 0o777, 0o600);
        new.finish().unwrap();
        assert_eq!(std::fs::read(&target).unwrap(), b"whole");
        assert_eq!(NewFile::create(&target).err().unwrap().kind, Kind::Conflict);
        drop(NewFile::in_place_of(&target).unwrap());
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
        NewFile::in_place_of(&target).unwrap().replace().unwrap();
        assert_eq!(std::fs::read(&target).unwrap(), b"");
    }

    #[test]
    fn nothing_is_written_through_a_link_or_over_what_came_meanwhile() {
        let directory = tempfile::tempdir().unwrap();
        let (target, other) = (directory.path().join("new"), directory.path().join("other"));
        std::fs::write(&other, "kept").unwrap();
        let new = NewFile::create(&target).unwrap();
        symlink(&other, &target).unwrap();
        assert_eq!(new.finish().err().unwrap().kind, Kind::Conflict);
        assert_eq!(NewFile::create(&target).err().unwrap().kind, Kind::Conflict);
        assert_eq!(create_empty(&target).err().unwrap().kind, Kind::Conflict);
        // A link in the place of the partial file is noticed, and the target stays as it was.
        std::fs::remove_file(&target).unwrap();
        let new = NewFile::create(&target).unwrap();
        std::fs::remove_file(new.path()).unwrap();
        symlink(&other, new.path()).unwrap();
        assert_eq!(new.finish().err().unwrap().kind, Kind::Unavailable);
        assert!(!target.exists());
        assert_eq!(std::fs::read(&other).unwrap(), b"kept");
    }

    #[test]
    fn leftovers_are_told_from_files_of_others() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("a.db");
        let new = NewFile::create(&target).unwrap();
        let left = new.path().to_owned();
        std::mem::forget(new);
        for name in ["a.db.partial", "a.db.1.partial", "a.db.txt"] {
            std::fs::write(directory.path().join(name), "").unwrap();
        }
        remove_leftovers(&directory.path().join("b.db")).unwrap();
        assert!(left.exists());
        remove_leftovers(&target).unwrap();
        assert!(!left.exists());
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 3);
    }
}
