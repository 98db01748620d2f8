//! `monarc-stats mosp …`

use super::bad;
use crate::commands::args::{MospAction, MospPublished};
use crate::config::Config;
use crate::error::{Kind, Result};
use crate::model::parse_uuid;
use crate::model::text::without_password;
use crate::mosp;
use crate::terminal::{note, say};
use std::process::ExitCode;

/// The exit codes beside 0: it is not published; nobody knows.
const NOT_PUBLISHED: u8 = 1;
const NO_ANSWER: u8 = 2;

/// Runs one of them.
pub fn run(config: &Config, action: &MospAction) -> Result<ExitCode> {
    match action {
        MospAction::Published(command) => published(config, command).or_else(|error| {
            // Exit code 1 has a meaning of its own here.
            note(&format!("monarc-stats: {}", error.chain()));
            Ok(ExitCode::from(if error.kind == Kind::Invalid { 64 } else { NO_ANSWER }))
        }),
    }
}

fn published(config: &Config, command: &MospPublished) -> Result<ExitCode> {
    let uuid = parse_uuid(&command.uuid).map_err(bad("the UUID"))?;
    let (web, url) = mosp::connect(config)?;
    let objects = mosp::ask(&web, url, uuid)?;
    if objects.is_empty() {
        say(&format!("{uuid} is not published on {}", without_password(url)))?;
        return Ok(ExitCode::from(NOT_PUBLISHED));
    }
    say(&format!("{uuid} is published: {}", mosp::page(url, uuid)))?;
    for object in objects.iter().filter(|_| command.verbose) {
        say(&format!("  {}  {}", object.id, object.name))?;
        let lines = [
            ("Organisation", object.organization.clone()),
            ("Last updated", object.last_updated.clone()),
            ("Licences", Some(object.licenses.join(", "))),
            ("Description", object.description.clone()),
        ];
        for (name, text) in lines {
            if let Some(text) = text.filter(|text| !text.is_empty()) {
                say(&format!("    {name}: {text}"))?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
