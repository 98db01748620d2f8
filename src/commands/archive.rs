//! `monarc-stats export` and `import`.

use super::{filter, store};
use crate::archive::{self, Export, Import, Reporter, Tally, reference};
use crate::commands::args::{ExportCommand, ImportCommand};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::model::text::grouped;
use crate::store::Store;
use crate::terminal::{note, progress, say};
use std::io::IsTerminal;

/// Writes stats as lines.
pub fn export(config: &Config, command: &ExportCommand) -> Result<()> {
    let store = store(config)?;
    let dates = (command.from.as_deref(), command.to.as_deref());
    let filter = filter(&store, command.client.as_deref(), command.anr.as_deref(), command.kind.as_deref(), dates)?;
    let path = command.file.as_deref();
    let number = archive::export(
        &store,
        &Export { path, filter, level: config.share_level, sharing: command.sharing },
        &mut progress("exporting"),
    )?;
    match path {
        Some(path) => say(&format!("exported {} stats to {}", grouped(number), path.display())),
        // Standard output has the stats themselves.
        None => Ok(()),
    }
}

/// Stores stats from lines, or from the reference's tables.
pub fn import(config: &Config, command: &ImportCommand) -> Result<()> {
    let store = Store::open(&config.store)?;
    let mut progress = progress("importing");
    let mut notice = note;
    let mut reporter = Reporter { progress: &mut progress, notice: &mut notice };
    match (&command.file, &command.from_reference) {
        (None, None) if std::io::stdin().is_terminal() => {
            Err(Error::invalid("say what to import: a file, or --from-reference DIR"))
        }
        (path, None) => {
            let path = path.as_deref();
            let import = Import { path, client: command.client.as_deref(), keep_going: command.keep_going };
            let tally = archive::import(&store, &import, &mut reporter)?;
            say(&described(&tally, "refused"))?;
            match tally.refused {
                0 => Ok(()),
                number => Err(Error::invalid(format!("{} lines could not be imported: see above", grouped(number)))),
            }
        }
        (None, Some(_)) if command.client.is_some() => {
            Err(Error::invalid("--client: the clients of --from-reference are its own"))
        }
        (None, Some(directory)) => {
            let (tally, keys) = reference::import(&store, directory, command.keep_going, &mut reporter)?;
            keys.iter().try_for_each(|sentence| say(sentence))?;
            say(&described(&tally, "left out"))
        }
        (Some(_), Some(_)) => Err(Error::invalid("a file and --from-reference: import one after the other")),
    }
}

fn described(tally: &Tally, refused: &str) -> String {
    format!(
        "imported {}, already there {}, outdated {}, {refused} {}, new clients {}",
        grouped(tally.stored),
        grouped(tally.known),
        grouped(tally.outdated),
        grouped(tally.refused),
        grouped(tally.clients)
    )
}
