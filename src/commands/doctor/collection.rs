//! Whether something makes the front offices of this machine send their statistics: a timer that is enabled, or a cron file
//! that can run.

use super::Finding;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// What MONARC calls it; scripts and cron files that do it have it in them.
const COMMAND: &str = "collect-stats";
/// What our own units call it.
const UNIT: &str = "monarc-stats-collect";
/// Where units are.
const UNITS: [&str; 3] = ["etc/systemd/system", "usr/lib/systemd/system", "lib/systemd/system"];

/// Looks below `root`; says nothing if no front office is there.
pub fn check(root: &Path) -> Option<Finding> {
    let is_here = root.join("var/lib/monarc/fo/config/autoload").is_dir()
        || inside(&root.join("var/www")).iter().any(|place| place.join("local.php").is_file());
    is_here.then(|| judge(root))
}

fn judge(root: &Path) -> Finding {
    if let Some(found) = timer(root).or_else(|| table(root)) {
        return Finding::ok("collection", format!("{} lets front offices collect", found.display()));
    }
    let scripts: Vec<PathBuf> = ["hourly", "daily", "weekly"]
        .iter()
        .flat_map(|every| inside(&root.join(format!("etc/cron.{every}"))))
        .filter(|file| calls(file))
        .collect();
    match (scripts.iter().find(|file| can_run(file)), scripts.first()) {
        (Some(file), _) => Finding::ok("collection", format!("{} lets front offices collect", file.display())),
        (None, Some(file)) => {
            let text =
                format!("{} never runs: cron takes executable files without a dot in their name", file.display());
            Finding::warning("collection", text, format!("chmod 755 {}, or enable {UNIT}.timer", file.display()))
        }
        (None, None) => {
            let text = "no timer and no cron file lets the front offices of this machine collect";
            Finding::warning("collection", text, "install packaging/collect of the source, which has a timer")
        }
    }
}

/// A timer that is enabled, whose service does it.
fn timer(root: &Path) -> Option<PathBuf> {
    inside(&root.join("etc/systemd/system/timers.target.wants")).into_iter().find(|timer| {
        let name = timer.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let service = |place: &str| calls(&root.join(place).join(format!("{name}.service")));
        name == UNIT || UNITS.iter().any(|place| service(place))
    })
}

/// A table of cron that does it.
fn table(root: &Path) -> Option<PathBuf> {
    let mut tables = vec![root.join("etc/crontab")];
    tables.extend(inside(&root.join("etc/cron.d")));
    tables.extend(inside(&root.join("var/spool/cron/crontabs")));
    tables.into_iter().find(|file| calls(file))
}

/// Whether a line that is no comment has the command.
fn calls(file: &Path) -> bool {
    let text = std::fs::read(file).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    text.lines().any(|line| !line.trim_start().starts_with('#') && line.contains(COMMAND))
}

/// Debian's `run-parts` takes no others.
fn can_run(file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let is_executable = std::fs::metadata(file).is_ok_and(|found| found.permissions().mode() & 0o111 != 0);
    is_executable && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

/// What is in a directory, in the order of names; nothing if it cannot be read.
fn inside(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).into_iter().flatten();
    let mut found: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::doctor::Status;
    use tempfile::TempDir;

    /// A machine with these files and modes, and what is said of it.
    fn said(files: &[(&str, &str, u32)]) -> Option<(Status, String)> {
        let root = TempDir::new().unwrap();
        for (name, text, mode) in files {
            let file = root.path().join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(&file, text).unwrap();
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(*mode)).unwrap();
        }
        check(root.path()).map(|finding| (finding.status, finding.message))
    }

    const FRONT_OFFICE: (&str, &str, u32) = ("var/www/one/local.php", "<?php", 0o600);

    #[test]
    fn a_machine_without_a_front_office_is_not_judged() {
        assert_eq!(said(&[("etc/crontab", "", 0o644)]), None);
    }

    #[test]
    fn whatever_lets_front_offices_collect_is_found() {
        let service = "[Service]\nExecStart=/usr/bin/php bin/console monarc:collect-stats\n";
        for files in [
            vec![("etc/systemd/system/timers.target.wants/monarc-stats-collect.timer", "", 0o644)],
            vec![
                ("etc/systemd/system/timers.target.wants/own.timer", "", 0o644),
                ("etc/systemd/system/own.service", service, 0o644),
            ],
            vec![("etc/crontab", "0 3 * * * www-data /srv/collect-stats-for-all-clients.sh\n", 0o644)],
            vec![("etc/cron.d/monarc", "0 3 * * * www-data php bin/console monarc:collect-stats\n", 0o644)],
            vec![("var/spool/cron/crontabs/www-data", "0 3 * * * php bin/console monarc:collect-stats\n", 0o600)],
            vec![("etc/cron.daily/collect-stats", "#!/bin/sh\nphp bin/console monarc:collect-stats\n", 0o755)],
        ] {
            let found = said(&[&files[..], &[FRONT_OFFICE]].concat()).unwrap();
            assert_eq!(found.0, Status::Ok, "{files:?}: {}", found.1);
        }
    }

    #[test]
    fn what_never_runs_is_told() {
        let script = "#!/bin/sh\nphp bin/console monarc:collect-stats\n";
        for (files, text) in [
            (vec![], "no timer and no cron file"),
            (vec![("etc/crontab", "#0 3 * * * www-data collect-stats\n", 0o644)], "no timer and no cron file"),
            (vec![("etc/cron.daily/collect-stats", script, 0o644)], "collect-stats never runs"),
            (vec![("etc/cron.daily/collect-stats.sh", script, 0o755)], "collect-stats.sh never runs"),
            // Installed, and not enabled.
            (vec![("etc/systemd/system/monarc-stats-collect.timer", "", 0o644)], "no timer and no cron file"),
        ] {
            let found = said(&[&files[..], &[FRONT_OFFICE]].concat()).unwrap();
            assert_eq!(found.0, Status::Warning);
            assert!(found.1.contains(text), "{files:?}: {}", found.1);
        }
    }
}
