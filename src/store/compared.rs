//! What the newest numbers rest on: the newest days with stats, and how many analyses have an object now.

use super::Store;
use super::rollups::{parsed, stored_date};
use crate::error::Result;
use crate::model::shapes::EVERY_STAT;
use crate::model::{Client, StatType};
use jiff::civil::Date;
use rusqlite::{Transaction, params};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// How many analyses there are, and how many of them have each object.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Basis {
    /// Analyses with stats of the type.
    pub analyses: usize,
    /// Analyses whose newest stat has the threat or vulnerability, by its UUID.
    pub objects: BTreeMap<String, usize>,
}

impl Store {
    /// The same of one client's stats.
    pub fn newest_days_of(&self, kind: StatType, number: usize, client: &Client) -> Result<Vec<Date>> {
        self.read(|tx| {
            let mut statement = tx.prepare_cached(
                "SELECT DISTINCT date FROM stat WHERE client = ?1 AND type = ?2 ORDER BY date DESC LIMIT ?3",
            )?;
            let number = i64::try_from(number).unwrap_or(i64::MAX);
            let rows = statement.query_map(params![client.id, kind.number(), number], |row| row.get(0))?;
            rows.map(|number| stored_date(number?)).collect()
        })
    }

    /// The newest dates, at most `number`, that have stats of a type; the newest first.
    pub fn newest_days(&self, kind: StatType, number: usize) -> Result<Vec<Date>> {
        self.read(|tx| {
            // A look-up per date and kind of client, however many rows a date has.
            let mut statement = tx.prepare_cached(
                "SELECT max(date) FROM (
                     SELECT max(date) AS date FROM rollup WHERE type = ?1 AND is_local = 0 AND date < ?2
                     UNION ALL
                     SELECT max(date) FROM rollup WHERE type = ?1 AND is_local = 1 AND date < ?2)",
            )?;
            let (mut days, mut before) = (Vec::new(), i64::MAX);
            while days.len() < number {
                let newest: Option<i64> = statement.query_row(params![kind.number(), before], |row| row.get(0))?;
                let Some(newest) = newest else { break };
                days.push(stored_date(newest)?);
                before = newest;
            }
            Ok(days)
        })
    }

    /// How many analyses, of all clients or of one, have each threat or vulnerability in their newest stat of this type.
    /// The cost grows with the number of analyses, not with their past.
    pub fn basis(&self, kind: StatType, of: Option<&Client>) -> Result<Basis> {
        self.read(|tx| {
            let whose = if of.is_some() { "analysis.client = ?2" } else { "?2 IS NULL" };
            let mut statement = tx.prepare_cached(&format!(
                "SELECT payload.entries
                 FROM analysis
                 CROSS JOIN stat ON stat.analysis = analysis.id AND stat.type = ?1 AND stat.date = (
                     SELECT max(date) FROM stat AS other WHERE other.analysis = analysis.id AND other.type = ?1)
                 JOIN payload ON payload.id = stat.payload
                 WHERE {whose}"
            ))?;
            let mut basis = Basis::default();
            let mut uuids = HashMap::new();
            let mut rows = statement.query(params![kind.number(), of.map(|client| client.id)])?;
            while let Some(row) = rows.next()? {
                basis.analyses += 1;
                let mut of_analysis = BTreeSet::new();
                for (object, _) in parsed(row.get_ref(0).and_then(|value| Ok(value.as_blob()?))?)? {
                    of_analysis.extend(uuid(tx, &mut uuids, object)?);
                }
                for one in of_analysis {
                    *basis.objects.entry(one).or_default() += 1;
                }
            }
            Ok(basis)
        })
    }
}

/// The UUID of an object of the store, if it is a threat or vulnerability.
fn uuid(tx: &Transaction<'_>, known: &mut HashMap<i64, Option<String>>, object: i64) -> Result<Option<String>> {
    if let Some(uuid) = known.get(&object) {
        return Ok(uuid.clone());
    }
    let mut statement = tx.prepare_cached("SELECT key FROM object WHERE id = ?1")?;
    let key: String = statement.query_row([object], |row| row.get(0))?;
    let uuid = (key != EVERY_STAT).then_some(key);
    known.insert(object, uuid.clone());
    Ok(uuid)
}
