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
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let Ok(found) = rustix::fs::statvfs(directory) else { return Ok(()) };
    let free = found.f_bavail.saturating_mul(found.f_frsize);
    if free >= bytes.saturating_add(MARGIN) {
        return Ok(());
    }
    let (need, have) = (bytes / 1_000_000, free / 1_000_000);
    let text = format!("{} has {have} MB free and {need} MB are needed: nothing was written", directory.display());
    Err(Error::new(Kind::Full, text))
}

impl Store {
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
