//! Room on disks: asked for before something large is written, so that a full disk is met with a sentence.

use super::{Store, beside};
use crate::error::{Error, Kind, Result};
use std::path::Path;

/// Room that is left alone, for whatever else lives on the disk.
const MARGIN: u64 = 16 << 20;

/// Makes sure that `bytes` more fit beside `path`. A file system that does not say is believed to have room.
///
/// # Errors
/// `Full` if they do not fit, with both figures.
pub(super) fn require(path: &Path, bytes: u64) -> Result<()> {
    let directory = directory_of(path);
    let Some(free) = free(directory) else { return Ok(()) };
    if free >= bytes.saturating_add(MARGIN) {
        return Ok(());
    }
    let (need, have) = (bytes / 1_000_000, free / 1_000_000);
    let text = format!("{} has {have} MB free and {need} MB are needed: nothing was written", directory.display());
    Err(Error::new(Kind::Full, text))
}

/// Bytes that are free in a directory, where its file system says so.
fn free(directory: &Path) -> Option<u64> {
    rustix::fs::statvfs(directory).ok().map(|found| found.f_bavail.saturating_mul(found.f_frsize))
}

fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

impl Store {
    /// Bytes that are free beside the store, where its file system says so.
    pub fn free_space(&self) -> Option<u64> {
        free(directory_of(&self.path))
    }

    /// Makes sure that an import of this many bytes of text fits: they are in the log and in the file for a while.
    ///
    /// # Errors
    /// `Full` if they do not fit.
    pub fn require_room(&self, bytes: u64) -> Result<()> {
        require(&beside(&self.path, "-wal"), bytes.saturating_mul(2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_disk_has_room_for_everything() {
        let place = tempfile::TempDir::new().unwrap();
        assert!(require(&place.path().join("x"), 1).is_ok());
        let error = require(&place.path().join("x"), u64::MAX / 2).unwrap_err();
        assert_eq!(error.kind, Kind::Full);
        assert!(error.message.contains("MB free"), "{}", error.message);
    }
}
