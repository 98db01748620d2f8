//! When the service's own jobs last ended: kept in the store, so that a restart does not run them anew.

use super::{Store, now, sql};
use crate::error::Result;
use rusqlite::{Connection, params};

/// The last runs of a job.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Runs {
    /// Its name: `push`, `purge` or `backup`.
    pub name: String,
    /// When it last ended well, in seconds since 1970.
    pub succeeded_at: Option<i64>,
    /// When it last ended badly, in seconds since 1970.
    pub failed_at: Option<i64>,
}

impl Store {
    /// The last runs of every job that ever ran.
    pub fn runs(&self) -> Result<Vec<Runs>> {
        self.read(|tx| runs(tx))
    }

    /// Notes that a job has just ended.
    pub fn note_run(&self, name: &str, succeeded: bool) -> Result<()> {
        let text = match succeeded {
            true => {
                "INSERT INTO job (name, succeeded_at) VALUES (?1, ?2)
                     ON CONFLICT DO UPDATE SET succeeded_at = excluded.succeeded_at"
            }
            false => {
                "INSERT INTO job (name, failed_at) VALUES (?1, ?2)
                      ON CONFLICT DO UPDATE SET failed_at = excluded.failed_at"
            }
        };
        self.write_quietly(|tx| tx.execute(text, params![name, now()]).map(|_| ()).map_err(sql))
    }
}

pub(super) fn runs(tx: &Connection) -> Result<Vec<Runs>> {
    let mut statement = tx.prepare_cached("SELECT name, succeeded_at, failed_at FROM job ORDER BY name")?;
    let rows = statement
        .query_map([], |row| Ok(Runs { name: row.get(0)?, succeeded_at: row.get(1)?, failed_at: row.get(2)? }));
    rows.and_then(Iterator::collect).map_err(sql)
}
