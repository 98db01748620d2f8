//! Root's commands on the store of a service's user, who may do in the store's directory what he likes.

use crate::common::Place;
use crate::common::batch::{ANR, item, rated, uuid};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

/// A user that has no entry anywhere.
const USER: u32 = 54_321;
/// Owned by root and nobody else's business.
const PRECIOUS: &str = "precious";

/// A directory of the service's user inside one of root's.
struct Installation {
    root: Place,
    precious: PathBuf,
}

impl Installation {
    /// None, with the reason printed, for whoever is not root.
    fn new() -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            println!("skipped: only root can be root at somebody else's store");
            return None;
        }
        let root = Place::new();
        std::fs::set_permissions(root.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let precious = root.path().join("precious");
        std::fs::write(&precious, PRECIOUS).unwrap();
        let this = Self { root, precious };
        std::fs::create_dir(this.directory()).unwrap();
        chown(this.directory(), Some(USER), Some(USER)).unwrap();
        Some(this)
    }

    fn directory(&self) -> PathBuf {
        self.root.path().join("theirs")
    }

    fn store(&self) -> PathBuf {
        self.directory().join("stats.db")
    }

    fn ok(&self, words: &[&str]) -> String {
        self.root.ok(&[words, &["--store", self.store().to_str().unwrap()]].concat())
    }

    /// What root owns is as it was, and nothing in the user's directory is root's.
    #[track_caller]
    fn is_unharmed(&self) {
        assert_eq!(std::fs::read_to_string(&self.precious).unwrap(), PRECIOUS);
        assert_eq!(self.precious.metadata().unwrap().uid(), 0);
        for entry in std::fs::read_dir(self.directory()).unwrap() {
            let entry = entry.unwrap();
            let data = entry.path().symlink_metadata().unwrap();
            assert!(data.is_symlink() || data.uid() == USER, "{:?} is root's", entry.file_name());
        }
    }

    /// A file of root's beside the user's directory.
    fn own(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Bug: `ln -s /a/root/file stats.db.version-2.partial`, and root's next command overwrote that file and gave it away.
#[test]
fn roots_commands_go_through_no_link() {
    let Some(place) = Installation::new() else { return };
    place.ok(&["database", "migrate"]);
    for ending in ["version-1.partial", "version-1", "version-2.partial", "restoring", "backup", "backup.partial"] {
        symlink(&place.precious, place.directory().join(format!("stats.db.{ending}"))).unwrap();
    }
    let backup = place.own("backup.db");
    place.ok(&["client", "list"]);
    place.ok(&["database", "backup", text(&backup)]);
    place.ok(&["database", "restore", text(&backup), "--yes"]);
    place.ok(&["database", "migrate"]);
    place.is_unharmed();
}

#[test]
fn roots_commands_leave_nothing_of_roots_in_the_stores_directory() {
    let Some(place) = Installation::new() else { return };
    place.ok(&["client", "create", "--new-store", "--name", "fo", "--token", "fo-token-of-a-test"]);
    place.is_unharmed();
    assert_eq!(place.store().metadata().unwrap().uid(), USER);
    // What root names lies where only root may read and write.
    let private = place.own("private");
    std::fs::create_dir(&private).unwrap();
    std::fs::set_permissions(&private, std::fs::Permissions::from_mode(0o700)).unwrap();
    let lines = private.join("in.ndjson");
    std::fs::write(&lines, item(ANR, "threat", "2026-11-02", &rated(&uuid(1), 1, 1, "1"))).unwrap();
    std::fs::set_permissions(&lines, std::fs::Permissions::from_mode(0o600)).unwrap();
    assert!(place.ok(&["import", text(&lines), "--client", "fo"]).starts_with("imported 1"));
    let (export, backup) = (private.join("out.ndjson.gz"), private.join("backup.db"));
    assert!(place.ok(&["export", text(&export)]).contains("exported 1 stat"));
    assert!(place.ok(&["database", "backup", text(&backup)]).contains("1 client, 1 analysis, 1 stat"));
    place.ok(&["stats", "delete", "--anr", ANR, "--yes"]);
    assert!(place.ok(&["database", "restore", text(&backup), "--yes"]).contains("after: 1 client, 1 analysis, 1 stat"));
    assert!(place.ok(&["database", "check"]).contains("is well"));
    place.is_unharmed();
    for file in [&export, &backup] {
        let data = file.metadata().unwrap();
        assert_eq!((data.uid(), data.mode() & 0o777), (0, 0o600), "{}", file.display());
    }
    let left: Vec<_> = std::fs::read_dir(place.directory()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().contains("partial")), "{left:?}");
}

/// Bug: root's file in the service's directory of backups was of use to neither.
#[test]
fn a_backup_beside_those_of_the_service_is_his_and_can_be_looked_at() {
    let Some(place) = Installation::new() else { return };
    place.root.ok(&["client", "create", "--name", "fo", "--new-store", "--store", place.store().to_str().unwrap()]);
    let backups = place.root.path().join("backups");
    std::fs::create_dir(&backups).unwrap();
    chown(&backups, Some(USER), Some(USER)).unwrap();
    let backup = backups.join("by-hand.db");
    place.ok(&["database", "backup", backup.to_str().unwrap()]);
    let data = backup.metadata().unwrap();
    assert_eq!((data.uid(), data.mode() & 0o777), (USER, 0o600));
    assert!(place.root.ok(&["database", "check", "--store", backup.to_str().unwrap()]).contains("is well"));
    place.is_unharmed();
}

/// Bug: a file that another user had put at `X.partial` became the finished backup, his and open to all.
#[test]
fn backups_and_exports_are_not_what_others_have_put_there() {
    let Some(place) = Installation::new() else { return };
    place.ok(&["client", "create", "--new-store", "--name", "fo"]);
    let shared = place.own("shared");
    std::fs::create_dir(&shared).unwrap();
    for name in ["backup.db", "export.ndjson"] {
        let partial = shared.join(format!("{name}.partial"));
        symlink(&place.precious, &partial).unwrap();
    }
    let (backup, export) = (shared.join("backup.db"), shared.join("export.ndjson"));
    place.ok(&["database", "backup", text(&backup)]);
    place.ok(&["export", text(&export)]);
    place.is_unharmed();
    for file in [&backup, &export] {
        let data = file.symlink_metadata().unwrap();
        assert_eq!((data.is_file(), data.uid(), data.mode() & 0o777), (true, 0, 0o600), "{}", file.display());
    }
    let link = shared.join("link");
    symlink(&place.precious, &link).unwrap();
    assert!(place.root.fails(&["export", text(&link), "--store", text(&place.store())], 1).contains("exists already"));
    place.is_unharmed();
}

/// The same where nobody is root: a link at the partial name is not followed.
#[test]
fn a_link_at_the_partial_name_is_not_followed() {
    let place = Place::new();
    place.client("fo");
    let (precious, backup) = (place.path().join("precious"), place.path().join("backup.db"));
    std::fs::write(&precious, PRECIOUS).unwrap();
    symlink(&precious, place.path().join("backup.db.partial")).unwrap();
    symlink(&precious, place.path().join("out.partial")).unwrap();
    place.ok(&["database", "backup", text(&backup)]);
    place.ok(&["export", text(&place.path().join("out"))]);
    assert_eq!(std::fs::read_to_string(&precious).unwrap(), PRECIOUS);
}
