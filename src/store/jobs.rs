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
    /// How often it ended in a panic.
    pub panics: u64,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Well.
    Success,
    /// With an error.
    Failure,
    /// With a panic: a failure that is the program's own fault.
    Panic,
}

impl Store {
    /// The last runs of every job that ever ran.
    pub fn runs(&self) -> Result<Vec<Runs>> {
        self.read(|tx| runs(tx))
    }

    /// Notes that a job has just ended.
    pub fn note_run(&self, name: &str, ending: Ending) -> Result<()> {
        let at = now();
        let (succeeded, failed) = if ending == Ending::Success { (Some(at), None) } else { (None, Some(at)) };
        let text = "INSERT INTO job (name, succeeded_at, failed_at, panics) VALUES (?1, ?2, ?3, ?4)
                    ON CONFLICT DO UPDATE SET succeeded_at = coalesce(excluded.succeeded_at, succeeded_at),
                        failed_at = coalesce(excluded.failed_at, failed_at), panics = panics + excluded.panics";
        let values = params![name, succeeded, failed, i64::from(ending == Ending::Panic)];
        self.write_quietly(|tx| {
            tx.execute(text, values)?;
            Ok(())
        })
    }
}

pub(super) fn runs(tx: &Connection) -> Result<Vec<Runs>> {
    let mut statement = tx.prepare_cached("SELECT name, succeeded_at, failed_at, panics FROM job ORDER BY name")?;
    let rows = statement.query_map([], |row| {
        let panics = u64::try_from(row.get::<_, i64>(3)?).unwrap_or_default();
        Ok(Runs { name: row.get(0)?, succeeded_at: row.get(1)?, failed_at: row.get(2)?, panics })
    });
    Ok(rows.and_then(Iterator::collect)?)
}
