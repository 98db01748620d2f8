//! Deleting stats: which ones are looked up by a reader, and the writer touches nothing else.

use super::listing::{Filter, conditions};
use super::parts::{Doomed, ROWS};
use super::rollups::{Changes, parsed, stat_type, stored_date};
use super::{Store, payloads};
use crate::error::Result;
use jiff::civil::Date;
use rusqlite::{ToSql, Transaction, params_from_iter};
use std::collections::{BTreeSet, HashMap};

impl Store {
    /// Deletes the matching stats that are there now, part by part, and gives their number. Which they are is looked up
    /// by a reader; the writer touches nothing else.
    pub fn delete_stats(&self, filter: &Filter) -> Result<usize> {
        let doomed = self.read(|tx| {
            let (text, values) = doomed_text(filter);
            let mut statement = tx.prepare(&text)?;
            let rows = statement.query_map(params_from_iter(values), |row| row.get(0))?;
            let rows = rows.map(|seq| seq.map(|seq| Doomed { seq, because_of: None }));
            Ok(rows.collect::<rusqlite::Result<Vec<_>>>()?)
        })?;
        self.delete_in_parts(&doomed)
    }

    /// Deletes every stat that says the same as the one before it: same client, analysis, type and calendar month. Part by
    /// part, as long as the one before it is there. Analyses are looked through some at a time: one look at all would keep
    /// in the log whatever others write meanwhile.
    pub fn deduplicate_stats(&self) -> Result<usize> {
        let (mut after, mut gone) = (Some(i64::MIN), 0);
        while let Some(analysis) = after {
            let (doomed, last) = self.read(|tx| repeats(tx, analysis))?;
            gone += self.delete_in_parts(&doomed)?;
            after = last;
        }
        Ok(gone)
    }
}

/// The query for the stats that a filter dooms, and its values.
pub(super) fn doomed_text(filter: &Filter) -> (String, Vec<Box<dyn ToSql>>) {
    let (condition, values) = conditions(filter);
    (format!("SELECT stat.seq FROM stat JOIN analysis ON analysis.id = stat.analysis WHERE {condition}"), values)
}

/// Stats of the analyses after one that say the same as the one before them, and the last analysis that was looked at, if
/// there are more. In the order of the index: nothing is sorted or held but what is found.
fn repeats(tx: &Transaction<'_>, after: i64) -> Result<(Vec<Doomed>, Option<i64>)> {
    let mut statement = tx.prepare_cached(
        "SELECT seq, analysis, type, date, payload FROM stat WHERE analysis > ?1 ORDER BY analysis, date, type",
    )?;
    let mut rows = statement.query([after])?;
    let (mut doomed, mut current, mut before, mut number) = (Vec::new(), None, HashMap::new(), 0);
    while let Some(row) = rows.next()? {
        let (seq, analysis, kind): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let (day, payload): (Date, i64) = (stored_date(row.get(3)?)?, row.get(4)?);
        if current != Some(analysis) {
            if number >= ROWS {
                return Ok((doomed, current));
            }
            current = Some(analysis);
            before.clear();
        }
        number += 1;
        let month = (day.year(), day.month());
        match before.get(&kind) {
            Some(&(earlier, text, kept)) if (earlier, text) == (month, payload) => {
                doomed.push(Doomed { seq, because_of: Some(kept) });
            }
            _ => drop(before.insert(kind, (month, payload, seq))),
        }
    }
    Ok((doomed, None))
}

/// Deletes a stat alone: what it added to the averages is its caller's to take back.
pub(super) fn remove(tx: &Transaction<'_>, seq: i64) -> Result<()> {
    tx.prepare_cached("DELETE FROM stat WHERE seq = ?1").and_then(|mut s| s.execute([seq]))?;
    Ok(())
}

/// Deletes stats, what they added to the averages, and those of their analyses that have none left; gives how many there
/// were.
pub(super) fn delete(tx: &Transaction<'_>, seqs: &[i64]) -> Result<usize> {
    let (mut changes, mut analyses, mut gone) = (Changes::default(), BTreeSet::<i64>::new(), 0);
    for seq in seqs {
        let mut statement = tx.prepare_cached(
            "SELECT stat.payload, stat.type, client.is_local, stat.date, stat.analysis, payload.entries
                 FROM stat JOIN client ON client.id = stat.client JOIN payload ON payload.id = stat.payload
                 WHERE stat.seq = ?1",
        )?;
        let mut rows = statement.query([seq])?;
        let Some(row) = rows.next()? else { continue };
        let (payload, kind, analysis) = (row.get(0)?, stat_type(row.get(1)?)?, row.get(4)?);
        let entries = parsed(row.get_ref(5).and_then(|value| Ok(value.as_blob()?))?)?;
        changes.add(kind, row.get(2)?, row.get(3)?, &entries, -1);
        drop(rows);
        drop(statement);
        analyses.insert(analysis);
        remove(tx, *seq)?;
        payloads::remove_unused(tx, payload)?;
        gone += 1;
    }
    changes.write(tx)?;
    for analysis in analyses {
        tx.prepare_cached(
            "DELETE FROM analysis WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM stat WHERE stat.analysis = ?1)",
        )
        .and_then(|mut statement| statement.execute([analysis]))?;
    }
    Ok(gone)
}
