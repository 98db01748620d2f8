//! Variables that do nothing: the reference's, and those that are misspelt. Values are judged by `Config`.

use super::Finding;
use crate::config::Raw;

pub fn check(raw: &Raw) -> Vec<Finding> {
    let without_effect = raw.without_effect().into_iter().map(|name| {
        let text = format!("{name} is set and has no effect: it is a setting of the reference implementation");
        Finding::warning("settings", text, format!("remove {name}"))
    });
    let unknown = raw.unknown().into_iter().map(|(name, close)| {
        let remedy = match close {
            Some(close) => format!("{close} is one; is that meant?"),
            None => "'monarc-stats config' lists those there are".into(),
        };
        Finding::warning("settings", format!("{name} is set and is no setting"), remedy)
    });
    without_effect.chain(unknown).collect()
}
