//! What the averages rest on, read from the rollups: as fast with a million stats as with one.

use super::rollups::{BUCKET, parsed, stored_date};
use super::{Store, damaged};
use crate::error::Result;
use crate::model::shapes::EVERY_STAT;
use crate::model::{Client, StatType};
use jiff::civil::Date;
use rusqlite::{OptionalExtension, Row, Transaction, params};
use std::collections::BTreeSet;

/// How much there is, and from when.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Clients with analyses.
    pub clients: i64,
    /// Analyses.
    pub analyses: i64,
    /// Stats of all types.
    pub stats: i64,
    /// Dates with stats.
    pub days: usize,
    /// The first of them.
    pub oldest: Option<Date>,
    /// The last of them.
    pub newest: Option<Date>,
}

impl Store {
    /// What the averages rest on.
    pub fn summary(&self) -> Result<Summary> {
        self.read(|tx| {
            let mut dates = BTreeSet::new();
            let mut stats = 0;
            for kind in StatType::ALL {
                stats += count(tx, kind, &mut dates)?;
            }
            let [clients, analyses] = tx
                .prepare_cached("SELECT count(DISTINCT client), count(*) FROM analysis")?
                .query_row([], |row| Ok([row.get(0)?, row.get(1)?]))?;
            let (oldest, newest) = (dates.first().copied(), dates.last().copied());
            Ok(Summary { clients, analyses, stats, days: dates.len(), oldest, newest })
        })
    }
}

impl Store {
    /// What the figures of one client rest on. The cost grows with what it sent alone.
    pub fn summary_of(&self, client: &Client) -> Result<Summary> {
        self.read(|tx| {
            let analyses = tx
                .prepare_cached("SELECT count(*) FROM analysis WHERE client = ?1")
                .and_then(|mut statement| statement.query_row([client.id], |row| row.get(0)))?;
            let (stats, days, oldest, newest) = tx
                .prepare_cached(
                    "SELECT count(*), count(DISTINCT date), min(date), max(date) FROM stat WHERE client = ?1",
                )
                .and_then(|mut statement| {
                    let columns = |row: &Row<'_>| Ok((row.get(0)?, row.get::<_, i64>(1)?, row.get(2)?, row.get(3)?));
                    statement.query_row([client.id], columns)
                })?;
            let day = |number: Option<i64>| number.map(stored_date).transpose();
            let days = usize::try_from(days).map_err(|_| damaged("a negative number of days"))?;
            let clients = i64::from(stats > 0);
            Ok(Summary { clients, analyses, stats, days, oldest: day(oldest)?, newest: day(newest)? })
        })
    }
}

/// The number of stats of a type; their dates are added to `dates`.
fn count(tx: &Transaction<'_>, kind: StatType, dates: &mut BTreeSet<Date>) -> Result<i64> {
    let every: Option<i64> = tx
        .prepare_cached("SELECT id FROM object WHERE type = ?1 AND key = ?2")?
        .query_row(params![kind.number(), EVERY_STAT], |row| row.get(0))
        .optional()?;
    let Some(every) = every else { return Ok(0) };
    let mut statement = tx.prepare_cached("SELECT date, entries FROM rollup WHERE type = ?1 AND bucket = ?2")?;
    let mut rows = statement.query(params![kind.number(), every / BUCKET])?;
    let mut stats = 0;
    while let Some(row) = rows.next()? {
        let date = stored_date(row.get(0)?)?;
        let bytes = row.get_ref(1).and_then(|value| Ok(value.as_blob()?))?;
        let number: i64 = parsed(bytes)?.iter().filter(|(object, _)| *object == every).map(|(_, e)| e.number).sum();
        if number > 0 {
            stats += number;
            dates.insert(date);
        }
    }
    Ok(stats)
}
