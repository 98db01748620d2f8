//! `monarc-stats database …`

use super::{store, store_to_read};
use crate::commands::args::DatabaseAction;
use crate::config::Config;
use crate::error::{Error, Kind, Result};
use crate::files::{NewFile, as_owner, is_somebody_elses};
use crate::store::Store;
use crate::store::maintenance::BackupFile;
use crate::terminal::{confirm, progress, say};
use std::path::Path;

/// Runs one of them.
pub fn run(config: &Config, action: DatabaseAction) -> Result<()> {
    match action {
        DatabaseAction::Check(command) if command.repair => as_owner(&config.store, || {
            let store = store(config)?;
            store.repair(&mut progress("rebuilding"))?;
            check(&store)
        }),
        DatabaseAction::Check(_) => as_owner(&config.store, || check(&store_to_read(config)?)),
        DatabaseAction::Backup(command) => backup(config, &command.file),
        DatabaseAction::Restore(command) => {
            let backup = BackupFile::open(&command.file)?;
            as_owner(&config.store, move || restore(config, &backup, command.yes))
        }
        DatabaseAction::Migrate(_) => as_owner(&config.store, || {
            let store = Store::open(&config.store)?;
            let done = if store.is_new() { "created" } else { "up to date" };
            say(&format!("{}: {done}, {}", config.store.display(), store.counts()?))
        }),
    }
}

fn backup(config: &Config, target: &Path) -> Result<()> {
    let counts = if is_somebody_elses(&config.store) {
        // The owner makes the copy where he may, and root's file takes its bytes.
        let mut new = NewFile::create(target)?;
        let into = new.file();
        let counts = as_owner(&config.store, || store(config)?.backup_into(into, &mut progress("copying")))?;
        // In a directory of his it is his: root's file there is of use to nobody, since root's commands work as its owner.
        new.belong_with_neighbours_of(&config.store)?;
        new.finish()?;
        counts
    } else {
        store(config)?.backup(target, &mut progress("copying"))?
    };
    say(&format!("{} holds {counts}", target.display()))
}

fn restore(config: &Config, backup: &BackupFile, yes: bool) -> Result<()> {
    let store = store(config)?;
    let question = format!("Replace everything in {} ({})?", config.store.display(), store.counts()?);
    confirm(yes, &question)?;
    let (before, after) = store.restore(backup, &mut progress("restoring"))?;
    say(&format!("before: {before}"))?;
    say(&format!("after: {after}"))
}

fn check(store: &Store) -> Result<()> {
    let findings = store.check(&mut progress("checking"))?;
    for finding in &findings {
        say(finding)?;
    }
    match findings.len() {
        0 => say(&format!("{} is well: {}", store.path().display(), store.counts()?)),
        number => {
            let things = if number == 1 { "one thing is wrong".into() } else { format!("{number} things are wrong") };
            let text = format!(
                "{things}: 'database check --repair' mends rollups and entries; whatever it leaves is mended by \
                 'database restore' with the newest backup"
            );
            Err(Error::new(Kind::Unavailable, text))
        }
    }
}
