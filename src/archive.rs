//! Export and import: stats as lines of JSON, and the move from the reference implementation.
//!
//! One stat a line, in order of arrival:
//!
//! ```json
//! {"uuid":"…","anr":"…","type":"risk","date":"2026-11-01","data":{…},"client":"…","client_name":"…","client_is_local":true,"created_at":"2026-11-01T04:00:00Z"}
//! ```
//!
//! `data` is the sender's own text, with line breaks between its values turned into spaces. `client` is the client's
//! UUID; an export for others ends after `data`. What is read needs `anr`, `type`, `date` and `data`, and either
//! `client` or a client that was named for all lines; other keys are ignored. A file whose name ends in `.gz` is
//! compressed.
//!
//! Importing the same lines again changes nothing: a UUID that exists is known, and of two stats of the same client,
//! analysis, type and date the one that arrived later stays.

mod export;
mod files;
mod import;
pub mod reference;

pub use export::{Export, export};
pub use files::{Lines, Target};
#[cfg(fuzzing)]
pub use import::examine;
pub use import::{Import, import};

use crate::store::import::Imported;

/// What became of the stats that were read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Stored.
    pub stored: u64,
    /// There already, with the same UUID.
    pub known: u64,
    /// Not in the store: another of the same analysis, type and date arrived later.
    pub outdated: u64,
    /// Not usable.
    pub refused: u64,
    /// Clients that were made.
    pub clients: u64,
}

impl Tally {
    fn count(&mut self, imported: Imported) {
        match imported {
            Imported::Stored => self.stored += 1,
            Imported::Known => self.known += 1,
            Imported::Replacing | Imported::Outdated => self.outdated += 1,
        }
    }
}

/// Whom to tell about what happens on the way: progress in bytes or stats, and what could not be used.
pub struct Reporter<'a> {
    /// Told (done, total).
    pub progress: &'a mut dyn FnMut(u64, u64),
    /// Told one sentence about each thing that went wrong or deserves to be known.
    pub notice: &'a mut dyn FnMut(&str),
}
