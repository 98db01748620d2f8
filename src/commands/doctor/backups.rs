//! The backups that the service makes by itself, and its other jobs.

use super::stats::ago;
use super::{DAMAGED, Finding, asked, current};
use crate::config::Config;
use crate::model::text::counted;
use crate::service::backups;
use crate::store::jobs::Runs;
use crate::store::read_only::ReadOnlyStore;
use rustix::fs::{Access, access};
use std::path::{Path, PathBuf};

/// Seconds after which a daily backup is missed.
const LATE: i64 = 2 * 86_400;
/// Seconds that clocks may differ by.
const FUTURE: i64 = 60;

pub fn check(config: &Config, look: Option<&ReadOnlyStore>) -> Vec<Finding> {
    let mut findings = match &config.backup_dir {
        None => {
            let text = "the service makes no backups by itself";
            vec![Finding::warning("backups", text, "set BACKUP_DIR, best on another disk; or copy the store otherwise")]
        }
        Some(directory) => vec![place(directory, &config.store)],
    };
    if let Some(look) = current(look) {
        match asked("jobs", look.runs()) {
            Ok(runs) => findings.extend(runs.iter().filter_map(failed)),
            Err(finding) => findings.push(finding),
        }
    }
    findings
}

fn place(directory: &Path, store: &Path) -> Finding {
    let name = directory.display();
    if !directory.exists() {
        let text = format!("BACKUP_DIR: there is no {name} yet");
        return Finding::warning(
            "backups",
            text,
            "start the service, which makes it with the first backup; else see its log",
        );
    }
    if !directory.is_dir() {
        return Finding::problem("backups", format!("BACKUP_DIR: {name} is no directory"), "name another place");
    }
    if let Some(other) = backups::stranger(directory, store) {
        let text = format!("BACKUP_DIR: {name} holds the backups of another store, {other}");
        return Finding::problem("backups", text, "give each store a directory of its own");
    }
    if let Err(error) = access(directory, Access::WRITE_OK | Access::EXEC_OK) {
        let text = format!("BACKUP_DIR: {name} cannot be written: {error}");
        return Finding::problem("backups", text, "give it to the service's user, or mount it for writing");
    }
    match backups::backups(directory, ".db") {
        Ok(all) => newest(&name.to_string(), &all),
        Err(error) => {
            Finding::problem("backups", format!("BACKUP_DIR: {name} cannot be read: {error}"), "see its permissions")
        }
    }
}

fn newest(directory: &str, all: &[PathBuf]) -> Finding {
    let (remedy, now) = ("see the service's log for why", jiff::Timestamp::now().as_second());
    let dated = all.iter().filter_map(|path| Some((path, now - backups::moment(path)?)));
    let (future, past): (Vec<_>, Vec<_>) = dated.partition(|(_, age)| *age < -FUTURE);
    if let Some((path, _)) = future.first() {
        let text = format!(
            "{} of the backups have names of the future, such as {}: this clock or that of their making was wrong",
            future.len(),
            path.display()
        );
        let remedy =
            "see that the clock is right; they are kept and deleted in the order of their making, or delete them";
        return Finding::problem("backups", text, remedy);
    }
    let Some(age) = past.iter().map(|(_, age)| *age).min() else {
        return Finding::warning("backups", format!("{directory} holds no backup yet"), remedy);
    };
    let text = format!("{directory} holds {}, the newest made {}", counted(past.len(), "backup"), ago(age));
    if age > LATE { Finding::problem("backups", text, remedy) } else { Finding::ok("backups", text) }
}

/// A job whose last run ended badly.
fn failed(runs: &Runs) -> Option<Finding> {
    let reason = runs.failure.as_deref()?;
    let when = runs.failed_at.map_or(String::new(), |failed| ago(jiff::Timestamp::now().as_second() - failed));
    let panics = match runs.panics {
        0 => String::new(),
        number => format!("; {number} of its runs ended in a panic, a fault of this program: please report it"),
    };
    let text = format!("the last {} failed, {when}: {reason}{panics}", runs.name);
    Some(match runs.name.as_str() {
        "check" => Finding::problem("jobs", text, DAMAGED),
        _ => Finding::warning("jobs", text, "mend that; it is tried again within an hour"),
    })
}
