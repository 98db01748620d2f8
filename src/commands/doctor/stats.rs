//! What the store holds: whether it is whole, and when each client last sent.

use super::{DAMAGED, Finding, asked, current};
use crate::error::Kind;
use crate::model::Role;
use crate::model::text::counted;
use crate::store::read_only::{ReadOnlyStore, Sender, newest_version};
use std::path::Path;

/// Days after which a client that sends daily is missed: a weekend is none of its business.
const DAYS: i64 = 3;

/// Opens the store for looking, if that can be done.
pub fn open(path: &Path) -> (Option<ReadOnlyStore>, Vec<Finding>) {
    let name = path.display();
    if !path.exists() {
        let text = format!("there is no store at {name}");
        let remedy = "start the service, which creates it; or name the right file with STATS_DATABASE";
        return (None, vec![Finding::problem("store", text, remedy)]);
    }
    match ReadOnlyStore::open(path) {
        Ok(look) => {
            let findings = store(path, &look);
            (Some(look), findings)
        }
        Err(error) => {
            let remedy = match error.kind {
                Kind::Conflict => "start the service, which takes it in",
                Kind::Invalid => "name the right file with STATS_DATABASE",
                _ => "run the doctor as the service's user; if that is no help, restore a backup",
            };
            (None, vec![Finding::problem("store", format!("{name} cannot be read: {}", error.chain()), remedy)])
        }
    }
}

fn store(path: &Path, look: &ReadOnlyStore) -> Vec<Finding> {
    let flaws = match asked("integrity", look.flaws()) {
        Ok(flaws) if flaws.is_empty() => Finding::ok("integrity", "a quick look finds nothing wrong"),
        Ok(flaws) => Finding::problem("integrity", format!("the store is damaged: {}", flaws.join("; ")), DAMAGED),
        Err(finding) => finding,
    };
    vec![version(path, look), flaws]
}

fn version(path: &Path, look: &ReadOnlyStore) -> Finding {
    let (name, found, newest) = (path.display(), look.version(), newest_version());
    let text = format!("{name} has version {found}, this program knows up to {newest}");
    match look.counts() {
        _ if found > newest => {
            Finding::problem("store", text, "use the newer monarc-stats, or restore a backup from before the upgrade")
        }
        _ if found < newest => Finding::warning("store", text, "start the service, or 'monarc-stats database migrate'"),
        Ok(counts) => Finding::ok("store", format!("{name}, version {found}: {counts}")),
        Err(error) => Finding::problem("store", format!("{name}: {}", error.chain()), "restore a backup"),
    }
}

/// When each client last sent, if it is one that should.
pub fn senders(look: &ReadOnlyStore) -> Vec<Finding> {
    let Some(look) = current(Some(look)) else { return Vec::new() };
    let senders = match asked("client", look.senders()) {
        Ok(senders) => senders,
        Err(finding) => return vec![finding],
    };
    let sends = |one: &&Sender| one.client.role == Role::User && one.client.is_active && one.client.is_local;
    let now = jiff::Timestamp::now().as_second();
    let findings: Vec<Finding> = senders.iter().filter(sends).map(|sender| arrival(sender, now)).collect();
    if findings.is_empty() {
        let remedy = "'monarc-stats client create --name \"Front office\" --format php' makes one";
        return vec![Finding::warning("client", "no active client can send stats", remedy)];
    }
    findings
}

fn arrival(sender: &Sender, now: i64) -> Finding {
    let name = &sender.client.name;
    let remedy = "see the front office's collection of stats (its daily job, its log) and its 'statsApi'";
    let Some(arrived) = sender.arrived else {
        return Finding::warning("client", format!("{name:?} has never sent anything"), remedy);
    };
    let newest = sender.newest.map_or("none is left".into(), |date| format!("the newest is of {date}"));
    let text = format!("{name:?} last sent {}; {newest}", ago(now - arrived));
    if now - arrived > DAYS * 86_400 {
        return Finding::warning("client", text, remedy);
    }
    Finding::ok("client", text)
}

/// A time that has passed, for people.
pub fn ago(seconds: i64) -> String {
    match seconds {
        ..0 => "in the future".into(),
        0..7200 => format!("{} ago", counted(seconds / 60, "minute")),
        7200..172_800 => format!("{} hours ago", seconds / 3600),
        _ => format!("{} days ago", seconds / 86_400),
    }
}
