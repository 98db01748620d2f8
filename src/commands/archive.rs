//! `monarc-stats export` and `import`.

use super::{filter, store_or_new, store_to_read};
use crate::archive::reference::{self, Tables};
use crate::archive::{self, Export, Import, Lines, Reporter, Tally, Target};
use crate::commands::args::{ExportCommand, ImportCommand};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::files::as_owner;
use crate::model::Token;
use crate::model::text::{counted, grouped};
use crate::terminal::{note, progress, say};
use std::io::IsTerminal;

/// Writes stats as lines.
pub fn export(config: &Config, command: &ExportCommand) -> Result<()> {
    let path = command.file.as_deref();
    let mut target = Target::create(path)?;
    let number = as_owner(&config.store, || {
        let store = store_to_read(config)?;
        let dates = (command.from.as_deref(), command.to.as_deref());
        let filter = filter(&store, command.client.as_deref(), command.anr.as_deref(), command.kind.as_deref(), dates)?;
        let export = Export { filter, level: config.share_level, sharing: command.sharing };
        archive::export(&store, &export, &mut target, &mut progress("exporting"))
    })?;
    target.finish()?;
    if command.sharing && number == 0 {
        note("there is nothing of a client that shares: 'monarc-stats client enable-sharing NAME' makes one share");
    }
    match path {
        Some(path) => say(&format!("exported {} to {}", counted(number, "stat"), path.display())),
        // Standard output has the stats themselves.
        None => Ok(()),
    }
}

/// What is imported; it is open before root takes on the rights of the store's owner.
enum Source {
    Lines(Lines),
    Reference(Box<Tables>),
}

impl Source {
    fn open(command: &ImportCommand) -> Result<Self> {
        match (&command.file, &command.from_reference) {
            (None, None) if std::io::stdin().is_terminal() => {
                Err(Error::invalid("say what to import: a file, or --from-reference DIR"))
            }
            (path, None) => Lines::open(path.as_deref()).map(Self::Lines),
            (None, Some(_)) if command.client.is_some() => {
                Err(Error::invalid("--client: the clients of --from-reference are its own"))
            }
            (None, Some(directory)) => Tables::open(directory).map(|tables| Self::Reference(Box::new(tables))),
            (Some(_), Some(_)) => Err(Error::invalid("a file and --from-reference: import one after the other")),
        }
    }
}

/// Stores stats from lines, or from the reference's tables.
pub fn import(config: &Config, command: &ImportCommand) -> Result<()> {
    let source = Source::open(command)?;
    as_owner(&config.store, || {
        let store = store_or_new(config, command.new_store)?;
        let mut progress = progress("importing");
        let mut notice = note;
        let mut reporter = Reporter { progress: &mut progress, notice: &mut notice };
        match source {
            Source::Lines(mut lines) => {
                let import = Import { client: command.client.as_deref(), keep_going: command.keep_going };
                let tally = archive::import(&store, &import, &mut lines, &mut reporter)?;
                say(&described(&tally, "refused"))?;
                match tally.refused {
                    0 => Ok(()),
                    number => {
                        Err(Error::invalid(format!("{} could not be imported: see above", counted(number, "line"))))
                    }
                }
            }
            Source::Reference(tables) => {
                let (tally, keys) = reference::import(&store, *tables, command.keep_going, &mut reporter)?;
                keys.iter().try_for_each(|sentence| say(sentence))?;
                for name in store.with_published_tokens()? {
                    say(&format!("{}: {}", Token::is_published(&name), Token::REPLACE_PUBLISHED))?;
                }
                say(&described(&tally, "left out"))
            }
        }
    })
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
