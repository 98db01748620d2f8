//! Root at the store of somebody else: who may write into a store's directory must not get root to write elsewhere, nor
//! find files of root's there afterwards.

use crate::error::{Error, Kind, Result};
use rustix::fs::Access;
use rustix::io::Errno;
use rustix::process::{Gid, Uid};
use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Whose a store is.
#[derive(Debug)]
struct Owner {
    user: u32,
    group: u32,
}

/// Runs `work` on the store at `path`; if root runs this on a store of somebody else, then on a thread of its own that has
/// the owner's rights and no others. What root named outside the store has to be open before.
///
/// # Errors
/// `Unavailable` if root may not become the owner, and those of `work`.
pub fn as_owner<T: Send>(path: &Path, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    let Some(owner) = Owner::of(path) else { return work() };
    let no_thread = |e| Error::new(Kind::Internal, "there can be no thread for the store").because(e);
    std::thread::scope(|scope| {
        let become_and_work = || {
            owner.take_on()?;
            owner.must_reach(path)?;
            work()
        };
        let thread = std::thread::Builder::new().name("store".into()).spawn_scoped(scope, become_and_work);
        thread.map_err(no_thread)?.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// Whether root runs this on a store of somebody else.
pub fn is_somebody_elses(path: &Path) -> bool {
    Owner::of(path).is_some()
}

impl Owner {
    /// Whoever can put another file in the place of this one: its owner, that of a link to it, or of a directory that it is
    /// in or comes into; none if all are root, or if this is not root.
    fn of(path: &Path) -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            return None;
        }
        let path = std::path::absolute(path).ok()?;
        let nearest = |path: &Path| path.ancestors().skip(1).find_map(|place| place.metadata().ok());
        let resolved = path.canonicalize().ok();
        let all = [
            path.metadata().ok(),
            path.symlink_metadata().ok(),
            nearest(&path),
            resolved.and_then(|resolved| nearest(&resolved)),
        ];
        let other = all.into_iter().flatten().find(|data| data.uid() != 0)?;
        Some(Self { user: other.uid(), group: other.gid() })
    }

    /// What a command of root's has left there, the owner cannot open.
    fn must_reach(&self, path: &Path) -> Result<()> {
        match rustix::fs::access(path, Access::READ_OK) {
            Err(error @ (Errno::ACCESS | Errno::PERM)) => {
                let (user, path) = (self.user, path.display());
                let text = format!(
                    "root uses {path} with the rights of user {user}, who may not open it: 'chown {user} {path}*'"
                );
                Err(Error::new(Kind::Unavailable, text).because(error))
            }
            _ => Ok(()),
        }
    }

    /// Gives this thread, and no other, the owner's rights for good.
    fn take_on(&self) -> Result<()> {
        let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        let groups = std::fs::read_to_string("/etc/group").unwrap_or_default();
        let (group, all) = memberships(self, &users, &groups);
        let all: Vec<Gid> = all.into_iter().map(Gid::from_raw).collect();
        let (group, user) = (Gid::from_raw(group), Uid::from_raw(self.user));
        set_thread_groups(&all)
            .and_then(|()| set_thread_res_gid(group, group, group))
            .and_then(|()| set_thread_res_uid(user, user, user))
            .map_err(|error| {
                let text = format!("the store belongs to user {}, whose rights cannot be taken on", self.user);
                Error::new(Kind::Unavailable, text).because(error)
            })
    }
}

/// The owner's own group, that of the store if it has no entry, and all groups it is in.
fn memberships(owner: &Owner, users: &str, groups: &str) -> (u32, Vec<u32>) {
    let number = |text: Option<&str>| text.and_then(|text| text.parse::<u32>().ok());
    let entry = users.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let entry = entry.into_iter().find(|fields| number(fields.get(2).copied()) == Some(owner.user));
    let name = entry.as_ref().and_then(|fields| fields.first().copied());
    let own = entry.as_ref().and_then(|fields| number(fields.get(3).copied())).unwrap_or(owner.group);
    let is_member = |line: &&str| {
        let members = line.rsplit(':').next().unwrap_or_default();
        name.is_some_and(|name| members.split(',').any(|member| member.trim() == name))
    };
    let more = groups.lines().filter(is_member).filter_map(|line| number(line.split(':').nth(2)));
    (own, std::iter::once(own).chain(more.filter(|group| *group != own)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_owners_groups_are_found() {
        let users = "root:x:0:0:root:/root:/bin/sh\nstats:x:990:980::/var/lib/stats:/usr/sbin/nologin\n";
        let groups = "root:x:0:\nstats:x:980:\nadm:x:4:syslog,stats\nother:x:5:statsx\nsame:x:980:stats\n";
        let of = |user| memberships(&Owner { user, group: 7 }, users, groups);
        assert_eq!(of(990), (980, vec![980, 4]));
        assert_eq!(of(991), (7, vec![7]));
    }

    #[test]
    fn rights_are_those_of_one_thread() {
        if !rustix::process::geteuid().is_root() {
            println!("skipped: only root can take on the rights of others");
            return;
        }
        let directory = tempfile::tempdir().unwrap();
        let store = directory.path().join("stats.db");
        std::fs::write(&store, "").unwrap();
        std::os::unix::fs::chown(&store, Some(12345), Some(12346)).unwrap();
        assert!(is_somebody_elses(&store));
        let ids = || (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
        let found = as_owner(&store, || Ok((ids(), std::fs::read("/etc/shadow").is_ok()))).unwrap();
        assert_eq!(found, ((12345, 12346), false));
        assert_eq!(ids().0, 0);
        std::os::unix::fs::chown(&store, Some(0), Some(0)).unwrap();
        assert!(!is_somebody_elses(&store));
        // Where somebody may put another file in its place, it is not root's, whatever it looks like.
        std::os::unix::fs::chown(directory.path(), Some(12345), Some(12346)).unwrap();
        std::fs::set_permissions(&store, PermissionsExt::from_mode(0o600)).unwrap();
        let error = as_owner(&store, || Ok(())).err().unwrap();
        assert!(error.message.contains("chown 12345"), "{}", error.message);
    }
}
