//! The store's files: who may read and write them, on what kind of disk they are, and whether there is room.

use super::Finding;
use crate::store::{place, read_only};
use rustix::fs::{Access, access, statvfs};
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// A log that is larger is not being taken into the store: the service does that at 16 MB.
const LARGE_LOG: u64 = 64 << 20;
/// Room below which even a day's stats may not fit.
const LITTLE: u64 = 64 << 20;

pub fn check(store: &Path) -> Vec<Finding> {
    let directory = store.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let Ok(place) = std::fs::metadata(directory) else {
        let text = format!("there is no directory {} for the store, or it may not be entered", directory.display());
        return vec![Finding::problem(
            "directory",
            text,
            "see STATS_DATABASE, or run the doctor as the service's user",
        )];
    };
    let files: Vec<_> = read_only::files(store)
        .into_iter()
        .filter_map(|path| std::fs::metadata(&path).ok().map(|data| (path.display().to_string(), data)))
        .collect();
    let mut findings = vec![writable(directory), permissions(directory, &files), owner(directory, &place, &files)];
    findings.extend(disk(directory));
    let size = |ending: &str| files.iter().find(|(path, _)| path.ends_with(ending)).map_or(0, |(_, data)| data.len());
    findings.push(space(directory, std::fs::metadata(store).map_or(0, |data| data.len())));
    findings.push(log(size("-wal")));
    findings
}

fn writable(directory: &Path) -> Finding {
    let name = directory.display();
    match access(directory, Access::WRITE_OK | Access::EXEC_OK) {
        Ok(()) => Finding::ok("directory", format!("{name} can be written")),
        Err(rustix::io::Errno::ROFS) => {
            Finding::problem("directory", format!("{name} is mounted read-only"), "mount it for writing")
        }
        Err(error) => {
            let remedy = "give it to the service's user, or run the doctor as that user";
            Finding::problem("directory", format!("{name} cannot be written: {error}"), remedy)
        }
    }
}

fn permissions(directory: &Path, files: &[(String, Metadata)]) -> Finding {
    let open: Vec<&str> =
        files.iter().filter(|(_, data)| data.mode() & 0o077 != 0).map(|(path, _)| path.as_str()).collect();
    if open.is_empty() {
        return Finding::ok(
            "permissions",
            format!("nobody but their owner reads the files in {}", directory.display()),
        );
    }
    let text = format!("others than their owner may read or write {}", open.join(", "));
    Finding::problem("permissions", text, format!("chmod 600 {}", open.join(" ")))
}

/// A command that root runs leaves files behind that the service cannot open.
fn owner(directory: &Path, place: &Metadata, files: &[(String, Metadata)]) -> Finding {
    let unknown_settings: Vec<&str> =
        files.iter().filter(|(_, data)| data.uid() != place.uid()).map(|(path, _)| path.as_str()).collect();
    if unknown_settings.is_empty() {
        return Finding::ok("owner", format!("all files belong to the owner of {}", directory.display()));
    }
    let text = format!("{} belong to another user than {}", unknown_settings.join(", "), directory.display());
    let remedy = format!("chown --reference={} {}", directory.display(), unknown_settings.join(" "));
    // Where the files agree among themselves somebody may have meant it so.
    let agree = files.windows(2).all(|two| two[0].1.uid() == two[1].1.uid());
    if agree { Finding::warning("owner", text, remedy) } else { Finding::problem("owner", text, remedy) }
}

fn disk(directory: &Path) -> Option<Finding> {
    Some(match place::network(place::disk(directory)?) {
        Some(name) if name.starts_with("FUSE") => {
            let text = format!("{} is on {name}, whose locks may not be reliable", directory.display());
            Finding::warning("disk", text, "make sure that no other machine uses it, or move the store")
        }
        None => Finding::ok("disk", format!("{} is on a disk of this machine", directory.display())),
        Some(name) => {
            let text = format!("{} is on {name}, where locks cannot be relied upon", directory.display());
            Finding::problem("disk", text, "move the store to a disk of this machine; backups may stay there")
        }
    })
}

fn space(directory: &Path, store: u64) -> Finding {
    let Ok(found) = statvfs(directory) else {
        return Finding::warning("space", "the disk does not say how much room it has", "look at 'df'");
    };
    room(&directory.display().to_string(), found.f_bavail.saturating_mul(found.f_frsize), store)
}

/// A restore and an upgrade need the store's size a second time.
fn room(directory: &str, free: u64, store: u64) -> Finding {
    let megabytes = |bytes: u64| bytes.div_ceil(1_000_000);
    let text = format!("{directory} has {} MB free beside a store of {} MB", megabytes(free), megabytes(store));
    let remedy = "make room on the disk, or delete what is old with 'monarc-stats stats purge'";
    match free {
        _ if free < LITTLE => Finding::problem("space", text, remedy),
        _ if free < store.saturating_add(LITTLE) => Finding::warning("space", text, remedy),
        _ => Finding::ok("space", text),
    }
}

fn log(size: u64) -> Finding {
    let text = format!("the write-ahead log has {} MB", size.div_ceil(1_000_000));
    if size <= LARGE_LOG {
        return Finding::ok("log", text);
    }
    Finding::warning("log", text, "a program keeps an old state of the store open: end it, or start the service again")
}

#[cfg(test)]
mod tests {
    use super::super::Status;
    use super::*;

    #[test]
    fn room_is_judged_beside_the_store() {
        let status = |free: u64, store: u64| room("/x", free << 20, store << 20).status;
        assert_eq!(status(1000, 10), Status::Ok);
        assert_eq!(status(1000, 990), Status::Warning);
        assert_eq!(status(63, 1), Status::Problem);
        let text = room("/x", 70_000_000, 1).message;
        assert_eq!(text, "/x has 70 MB free beside a store of 1 MB");
    }

    #[test]
    fn a_log_that_grows_is_told() {
        assert_eq!(log(16 << 20).status, Status::Ok);
        assert_eq!(log(65 << 20).status, Status::Warning);
    }
}
