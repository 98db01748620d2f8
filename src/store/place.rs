//! Where a store is: its file and its log as they were when they were opened, who serves it, and on what kind of disk it is.
//!
//! The lock of the one service is on the file itself, whatever its name. SQLite's own locks on the same file are of another
//! kind, but end when this process closes any descriptor of it: the one here stays open as long as the store.

use super::{beside, unusable};
use crate::error::{Error, Kind, Result};
use rustix::fs::statfs;
use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Tries to get the lock of a service: whoever only looks whether it is free has it for a moment, too.
const TRIES: u32 = 20;
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(50);

/// What tells one file from another: its device and number.
type Identity = (u64, u64);

/// An open store's place.
pub(super) struct Place {
    path: PathBuf,
    file: File,
    /// The store's file and its log.
    known: [Option<Identity>; 2],
}

/// What happened to an open store's files.
pub(super) struct Loss {
    /// A sentence about it.
    pub text: String,
    /// Whether the log has lost its name, and nothing else is amiss.
    pub is_of_log_alone: bool,
    /// Whether another file is beside the log of the one that is gone.
    pub leaves_log: bool,
}

impl Place {
    /// Opens the file at `path`, which must be there.
    ///
    /// # Errors
    /// `Conflict` if it has several names and a service has it under one of them: each name would have a log of its own.
    pub fn open(path: &Path) -> Result<Self> {
        let open = OpenOptions::new().read(true).write(true).open(path).or_else(|_| File::open(path));
        let file = open.map_err(|e| unusable(path, e))?;
        if file.metadata().is_ok_and(|data| data.nlink() > 1) && !is_free(&file) {
            let text = format!(
                "the store {} has another name (a hard link), under which another monarc-stats serves it: stop it first",
                path.display()
            );
            return Err(Error::new(Kind::Conflict, text));
        }
        Ok(Self { path: path.into(), file, known: [None; 2] })
    }

    /// Notes which files these are, once SQLite has them open.
    pub fn settle(&mut self) {
        self.known = self.found();
    }

    fn found(&self) -> [Option<Identity>; 2] {
        let identity = |path: &Path| std::fs::metadata(path).ok().map(|data| (data.dev(), data.ino()));
        [identity(&self.path), identity(&beside(&self.path, "-wal"))]
    }

    /// What happened to store and log, if they are no longer the files that were opened. SQLite would go on with those
    /// that have lost their names, and all that is acknowledged would be gone with the next start.
    pub fn loss(&self) -> Option<Loss> {
        let [store, log] = self.found();
        let [known_store, known_log] = self.known;
        let is_other =
            |found: Option<Identity>| if found.is_none() { "is gone" } else { "was replaced by another file" };
        let (path, log_path) = (self.path.display(), beside(&self.path, "-wal"));
        let end = "nothing more is stored, and a service ends";
        if store == known_store && log == known_log {
            return None;
        }
        let text = match (store == known_store, store.is_none()) {
            (true, _) => format!("{} {} while it was in use: {end}", log_path.display(), is_other(log)),
            (_, true) => format!(
                "the store {path} is gone: {end}. Put it back; before another file takes its place, move {} away",
                log_path.display()
            ),
            (_, false) => format!("the store {path} was replaced by another file while it was in use: {end}"),
        };
        let is_of_log_alone = store == known_store && log.is_none();
        Some(Loss { text, is_of_log_alone, leaves_log: store.is_some() && store != known_store && log == known_log })
    }

    /// Claims the store for one service, until the process ends or the store is closed.
    ///
    /// # Errors
    /// `Conflict` if another service has it.
    pub fn claim(&self) -> Result<()> {
        if self.path.parent().and_then(disk).and_then(network).is_some() {
            // There it would be of the same kind as SQLite's, and stand in its way.
            log::warn!("no lock keeps other services from {}: make sure that there is only one", self.path.display());
            return Ok(());
        }
        for left in (0..TRIES).rev() {
            match self.file.try_lock() {
                Ok(()) => return Ok(()),
                Err(TryLockError::WouldBlock) if left > 0 => std::thread::sleep(PAUSE),
                Err(TryLockError::WouldBlock) => break,
                Err(TryLockError::Error(e)) => return Err(unusable(&self.path, e)),
            }
        }
        let text = format!("another monarc-stats serves the store {}: stop it first", self.path.display());
        Err(Error::new(Kind::Conflict, text))
    }
}

/// Whether no service has the file; it must not be claimed by the same descriptor.
fn is_free(file: &File) -> bool {
    match file.try_lock_shared() {
        // Nobody can do anything about a lock that does not go away.
        Ok(()) => file.unlock().is_ok(),
        Err(TryLockError::WouldBlock) => false,
        Err(TryLockError::Error(_)) => true,
    }
}

/// Whether a service has the store at `path` now.
pub fn is_served(path: &Path) -> bool {
    let Ok(file) = File::open(path) else { return false };
    let is_served = !is_free(&file);
    // Closing it would end the locks of a connection that this process may have.
    std::mem::forget(file);
    is_served
}

/// Makes sure that the store is to be on a disk of this machine.
///
/// # Errors
/// `Conflict` if other machines may have it too: locks do not hold there, and two writers would ruin it.
pub fn require_own_disk(path: &Path) -> Result<()> {
    let Some((directory, name)) = path.ancestors().skip(1).find_map(|directory| Some((directory, disk(directory)?)))
    else {
        return Ok(());
    };
    let Some(name) = network(name) else { return Ok(()) };
    let text = format!(
        "{} is on {name}, where locks cannot be relied upon: set STATS_DATABASE to a disk of this machine, or \
         ALLOW_NETWORK_STORE=on if no other machine ever opens this store",
        directory.display()
    );
    Err(Error::new(Kind::Conflict, text))
}

/// The number of the file system that a directory is on, as Linux's `magic.h` has them; none if there is no such directory.
pub fn disk(directory: &Path) -> Option<u64> {
    let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
    // The field is signed or not, and the constants are 32 bits wide.
    let magic = statfs(directory).ok()?.f_type & 0xffff_ffff;
    u64::try_from(magic).ok()
}

/// The name of a file system that other machines share, by its number.
pub fn network(magic: u64) -> Option<&'static str> {
    Some(match magic {
        0x6969 => "NFS",
        0x517b | 0xff53_4d42 | 0xfe53_4d42 => "CIFS (a Windows share)",
        0x6573_5546 => "FUSE (such as sshfs)",
        0x0102_1997 => "9P (a folder of the host)",
        0x786f_4256 => "vboxsf (a VirtualBox shared folder)",
        0xbacb_acbc => "HGFS (a VMware shared folder)",
        0x7c7c_6673 => "prl_fs (a Parallels shared folder)",
        0x5346_414f | 0x6b41_4653 => "AFS",
        0x7375_7245 => "Coda",
        0x00c3_6400 => "Ceph",
        0x0116_1970 => "GFS2",
        0x7461_636f => "OCFS2",
        0x0bd0_0bd0 => "Lustre",
        0x4750_4653 => "GPFS",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_file_systems_are_told_from_disks() {
        for (magic, name) in [(0x6969, "NFS"), (0xff53_4d42, "CIFS"), (0x786f_4256, "vboxsf"), (0x0102_1997, "9P")] {
            assert!(network(magic).unwrap().starts_with(name), "{name}");
        }
        // ext4, xfs, btrfs, overlayfs, tmpfs
        for magic in [0xef53, 0x5846_5342, 0x9123_683e, 0x794c_7630, 0x0102_1994] {
            assert_eq!(network(magic), None, "{magic:x}");
        }
        let place = tempfile::TempDir::new().unwrap();
        assert!(require_own_disk(&place.path().join("not/yet/there/stats.db")).is_ok());
    }
}
