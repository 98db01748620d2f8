//! A service under attack gets as much memory as the unit of the package gives it, where the kernel of this machine lets us
//! say so: whoever takes more is killed, whatever is measured.

use std::path::{Path, PathBuf};

/// `MemoryMax` of the unit.
const BYTES: &str = "268435456";

/// Where control groups are, version 1 and version 2, and the file that bounds the memory of one.
const HIERARCHIES: [(&str, &str); 2] =
    [("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")];

/// The control group of one process, until this is dropped: after the process.
pub struct Confined(Option<PathBuf>);

impl Confined {
    /// Bounds the memory of a process from now on, if that can be done here.
    pub fn new(pid: u32) -> Self {
        Self(HIERARCHIES.iter().find_map(|(root, bound)| group(root, bound, pid)))
    }

    /// Where it can be done.
    pub fn is_bound(&self) -> bool {
        self.0.is_some()
    }
}

/// A group that holds the process, with its bound.
fn group(root: &str, bound: &str, pid: u32) -> Option<PathBuf> {
    let group = Path::new(root).join(format!("monarc-stats-{pid}"));
    std::fs::create_dir(&group).ok()?;
    // A plain directory has no such file: it is the kernel's.
    let is_held = group.join(bound).exists()
        && std::fs::write(group.join(bound), BYTES).is_ok()
        && std::fs::write(group.join("cgroup.procs"), pid.to_string()).is_ok();
    if !is_held {
        let _ = std::fs::remove_dir(&group);
    }
    is_held.then_some(group)
}

impl Drop for Confined {
    fn drop(&mut self) {
        if let Some(group) = &self.0 {
            let _ = std::fs::remove_dir(group);
        }
    }
}
