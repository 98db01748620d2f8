//! Variables that do nothing: the reference's, and those that are misspelt. Values are judged by `Config`.

use super::{Finding, asked, current};
use crate::config::{Config, Raw};
use crate::model::Token;
use crate::store::read_only::ReadOnlyStore;

/// A token that others might guess.
pub fn short_token(config: &Config) -> Option<Finding> {
    let short = config.admin_token.as_ref().is_some_and(|token| Token::is_short(token.reveal()));
    let text = format!("ADMIN_TOKEN has fewer than {} characters, and might be guessed", Token::SHORT);
    short.then(|| Finding::warning("token", text, "name a longer one and start the service again"))
}

/// Clients whose token anybody knows: a problem where anybody may reach the service.
pub fn published_tokens(config: &Config, look: Option<&ReadOnlyStore>) -> Vec<Finding> {
    let Some(look) = current(look) else { return Vec::new() };
    let names = match asked("token", look.with_published_tokens()) {
        Ok(names) => names,
        Err(finding) => return vec![finding],
    };
    let finding = if config.host.is_loopback() { Finding::warning } else { Finding::problem };
    names.iter().map(|name| finding("token", Token::is_published(name), Token::REPLACE_PUBLISHED)).collect()
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
