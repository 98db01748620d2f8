//! Variables that do nothing: the reference's, and those that are misspelt. Values are judged by `Config`.

use super::Finding;
use crate::config::{Config, Raw};
use crate::model::Token;

/// A token that others might guess.
pub fn short_token(config: &Config) -> Option<Finding> {
    let short = config.admin_token.as_ref().is_some_and(|token| Token::is_short(token.reveal()));
    let text = format!("ADMIN_TOKEN has fewer than {} characters, and might be guessed", Token::SHORT);
    short.then(|| Finding::warning("token", text, "name a longer one and start the service again"))
}

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
