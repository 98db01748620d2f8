//! What the running service has noticed and keeps in the store: nobody else counts what it refuses.

use super::stats::ago;
use super::{Finding, asked, current};
use crate::store::read_only::ReadOnlyStore;
use crate::store::watch::WatchState;

/// States that no other check looks at by itself, and how to mend them.
const REMEDIES: [(&str, &str); 4] = [
    ("dated_ahead", "correct the clock of the front office, or of this machine: see 'timedatectl'"),
    ("refused", "see the front office's version and its analyses; the log names what was refused"),
    ("wrong_tokens", "see the addresses in the log; fail2ban can keep them away"),
    ("command_failed", "see what WATCH_COMMAND does when it is given '{}' on standard input"),
];

pub fn check(look: Option<&ReadOnlyStore>) -> Vec<Finding> {
    let Some(look) = current(look) else { return Vec::new() };
    let states = match asked("watch", look.watch_states()) {
        Ok(states) => states,
        Err(finding) => return vec![finding],
    };
    let now = jiff::Timestamp::now().as_second();
    let findings: Vec<Finding> = states.iter().filter_map(|state| told(state, now)).collect();
    match findings.is_empty() {
        true => vec![Finding::ok("watch", "the service refuses nothing for long")],
        false => findings,
    }
}

fn told(state: &WatchState, now: i64) -> Option<Finding> {
    let (_, remedy) = REMEDIES.iter().find(|(name, _)| *name == state.name)?;
    let text = format!("{}; that began {}", state.message, ago(now - state.since));
    Some(Finding::warning("watch", text, *remedy))
}
