//! `monarc-stats database …`

use super::store;
use crate::commands::args::DatabaseAction;
use crate::config::Config;
use crate::error::{Error, Kind, Result};
use crate::store::Store;
use crate::terminal::{confirm, progress, say};

/// Runs one of them.
pub fn run(config: &Config, action: DatabaseAction) -> Result<()> {
    match action {
        DatabaseAction::Check(command) => check(&store(config)?, command.repair),
        DatabaseAction::Backup(command) => {
            let counts = store(config)?.backup(&command.file, &mut progress("copying"))?;
            say(&format!("{} holds {counts}", command.file.display()))
        }
        DatabaseAction::Restore(command) => {
            let store = Store::open(&config.store)?;
            let question = format!("Replace everything in {} ({})?", config.store.display(), store.counts()?);
            confirm(command.yes, &question)?;
            let (before, after) = store.restore(&command.file, &mut progress("restoring"))?;
            say(&format!("before: {before}"))?;
            say(&format!("after: {after}"))
        }
        DatabaseAction::Migrate(_) => {
            let store = Store::open(&config.store)?;
            let done = if store.is_new() { "created" } else { "up to date" };
            say(&format!("{}: {done}, {}", config.store.display(), store.counts()?))
        }
    }
}

fn check(store: &Store, repair: bool) -> Result<()> {
    if repair {
        store.repair(&mut progress("rebuilding"))?;
    }
    let findings = store.check(&mut progress("checking"))?;
    for finding in &findings {
        say(finding)?;
    }
    match findings.len() {
        0 => say(&format!("{} is well: {}", store.path().display(), store.counts()?)),
        1 => Err(Error::new(
            Kind::Unavailable,
            "one thing is wrong; 'database check --repair' mends rollups and entries",
        )),
        number => {
            let text = format!("{number} things are wrong; 'database check --repair' mends rollups and entries");
            Err(Error::new(Kind::Unavailable, text))
        }
    }
}
