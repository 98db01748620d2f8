//! When the service's own jobs last ended: kept in the store, so that a restart does not run them anew.

use super::{Store, now};
use crate::error::Result;
use rusqlite::{Connection, params};

/// The last runs of a job.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Runs {
    /// Its name, such as `push`.
    pub name: String,
    /// When it last ended well, in seconds since 1970.
    pub succeeded_at: Option<i64>,
    /// When it last ended badly, in seconds since 1970.
    pub failed_at: Option<i64>,
    /// Why the last run ended badly; none if it ended well.
    pub failure: Option<String>,
    /// Whether that was a panic.
    pub is_panic: bool,
    /// How often it ended in a panic.
    pub panics: u64,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Well.
    Success,
    /// With this error.
    Failure(String),
    /// With this panic: a failure that is the program's own fault.
    Panic(String),
}

impl Store {
    /// The last runs of every job that ever ran.
    pub fn runs(&self) -> Result<Vec<Runs>> {
        self.read(|tx| runs(tx))
    }

    /// Notes that a job has just ended.
    pub fn note_run(&self, name: &str, ending: &Ending) -> Result<()> {
        let at = now();
        let (succeeded, failed) = if *ending == Ending::Success { (Some(at), None) } else { (None, Some(at)) };
        let failure = match ending {
            Ending::Success => None,
            Ending::Failure(reason) | Ending::Panic(reason) => Some(reason),
        };
        let text =
            "INSERT INTO job (name, succeeded_at, failed_at, failure, is_panic, panics) VALUES (?1, ?2, ?3, ?4, ?5, ?5)
                    ON CONFLICT DO UPDATE SET succeeded_at = coalesce(excluded.succeeded_at, succeeded_at),
                        failed_at = coalesce(excluded.failed_at, failed_at), failure = excluded.failure,
                        is_panic = excluded.is_panic, panics = panics + excluded.panics";
        let values = params![name, succeeded, failed, failure, matches!(ending, Ending::Panic(_))];
        self.write_quietly(|tx| {
            tx.execute(text, values)?;
            Ok(())
        })
    }
}

pub(super) fn runs(tx: &Connection) -> Result<Vec<Runs>> {
    let text = "SELECT name, succeeded_at, failed_at, failure, is_panic, panics FROM job ORDER BY name";
    let mut statement = tx.prepare_cached(text)?;
    let rows = statement.query_map([], |row| {
        Ok(Runs {
            name: row.get(0)?,
            succeeded_at: row.get(1)?,
            failed_at: row.get(2)?,
            failure: row.get(3)?,
            is_panic: row.get(4)?,
            panics: u64::try_from(row.get::<_, i64>(5)?).unwrap_or_default(),
        })
    });
    Ok(rows.and_then(Iterator::collect)?)
}
