//! Whether what clients share can leave.

use super::{Finding, asked, current};
use crate::store::read_only::ReadOnlyStore;

/// Analyses that several clients share under one UUID: to a remote they would be one.
pub fn check(look: Option<&ReadOnlyStore>) -> Vec<Finding> {
    let Some(look) = current(look) else { return Vec::new() };
    let twins = match asked("sharing", look.twins()) {
        Ok(twins) => twins,
        Err(finding) => return vec![finding],
    };
    let remedy = "'monarc-stats client disable-sharing' for all but one of them, or copy the analysis in the front office so \
                  that it gets a UUID of its own";
    let finding = |(anr, clients)| {
        let text =
            format!("several clients share an analysis {anr}: {clients}; only the stats of one of them are pushed");
        Finding::warning("sharing", text, remedy)
    };
    twins.into_iter().map(finding).collect()
}
