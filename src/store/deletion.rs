//! Deleting stats: a reader looks them up, page by page, and the writer touches nothing else.

use super::listing::Filter;
use super::parts::{Doomed, ROWS};
use super::rollups::{Changes, hex_list, parsed, stat_type, stored_date};
use super::{Store, payloads};
use crate::error::Result;
use crate::model::date;
use jiff::civil::Date;
use rusqlite::{Transaction, params};
use std::collections::{BTreeSet, HashMap};

/// The query for a page of stats after a date and arrival: of an analysis, of a client, or of all.
pub(super) const PAGES: [&str; 3] = [
    "SELECT date, seq, type FROM stat WHERE analysis = ?1 AND date BETWEEN ?2 AND ?4 AND (date, seq) > (?2, ?3)
     ORDER BY date, seq LIMIT ?5",
    "SELECT date, seq, type FROM stat WHERE client = ?1 AND date BETWEEN ?2 AND ?4 AND (date, seq) > (?2, ?3)
     ORDER BY date, seq LIMIT ?5",
    "SELECT date, seq, type FROM stat WHERE ?1 IS NULL AND date BETWEEN ?2 AND ?4 AND (date, seq) > (?2, ?3)
     ORDER BY date, seq LIMIT ?5",
];

/// Whose stats are looked through: the query and its key.
type Owner = (&'static str, Option<i64>);

impl Store {
    /// Deletes the matching stats that are there now, part by part, and gives their number. They are looked up by a reader,
    /// page by page: one look at all would keep in the log whatever others write meanwhile. The writer touches nothing else.
    pub fn delete_stats(&self, filter: &Filter) -> Result<usize> {
        let (owners, newest) = (self.read(|tx| owners(tx, filter))?, self.newest_arrival()?);
        let (mut doomed, mut gone) = (Vec::new(), 0);
        for owner in owners {
            let mut after = Some((filter.from.map_or(0, date::to_number), 0));
            while let Some(position) = after {
                after = self.read(|tx| look_up(tx, filter, owner, position, newest, &mut doomed))?;
                if doomed.len() >= ROWS {
                    gone += self.delete_in_parts(&std::mem::take(&mut doomed))?;
                }
            }
        }
        Ok(gone + self.delete_in_parts(&doomed)?)
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

fn owners(tx: &Transaction<'_>, filter: &Filter) -> Result<Vec<Owner>> {
    let [of_analysis, of_client, of_all] = PAGES;
    let Some(anrs) = &filter.anrs else {
        return Ok(vec![filter.client.map_or((of_all, None), |id| (of_client, Some(id)))]);
    };
    let mut statement = tx.prepare_cached(
        "SELECT analysis.id FROM json_each(?1) AS wanted CROSS JOIN client ON ?2 IS NULL OR client.id = ?2
         CROSS JOIN analysis ON analysis.client = client.id AND analysis.uuid = unhex(wanted.value)",
    )?;
    let rows = statement.query_map(params![hex_list(anrs), filter.client], |row| Ok((of_analysis, row.get(0)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Looks at a page of stats, and adds the matching ones. Gives where the next page begins, if there may be one.
fn look_up(
    tx: &Transaction<'_>,
    filter: &Filter,
    (text, key): Owner,
    (day, arrival): (i64, i64),
    newest: i64,
    doomed: &mut Vec<Doomed>,
) -> Result<Option<(i64, i64)>> {
    let most = i64::try_from(ROWS).unwrap_or(i64::MAX);
    let last_day = filter.to.map_or(i64::MAX, date::to_number);
    let mut statement = tx.prepare_cached(text)?;
    let mut rows = statement.query(params![key, day, arrival, last_day, most])?;
    let (mut number, mut last) = (0, None);
    while let Some(row) = rows.next()? {
        let (day, seq): (i64, i64) = (row.get(0)?, row.get(1)?);
        let is_meant = filter.kind.map_or(Ok(true), |kind| row.get(2).map(|of: i64| of == kind.number()))?;
        // What comes meanwhile stays.
        if is_meant && seq <= newest {
            doomed.push(Doomed { seq, because_of: None });
        }
        (number, last) = (number + 1, Some((day, seq)));
    }
    Ok(last.filter(|_| number == ROWS))
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
