//! The rows that sums are made of: of whole days as they were added up, of single stats where only some are asked for.

use super::Sums;
use crate::error::Result;
use crate::model::date;
use crate::store::entries::Entry;
use crate::store::rollups::{Analyses, BUCKET, Selection, hex_list, parsed, stored_date};
use jiff::civil::Date;
use rusqlite::{OptionalExtension, Row, ToSql, params, params_from_iter};
use std::collections::HashSet;

/// Takes the entries of a row; gives whether there is to be another one.
pub(super) type EachRow<'a> = &'a mut dyn FnMut(Date, &[(i64, Entry)]) -> Result<bool>;

/// What is read of a selection.
#[derive(Clone, Debug)]
pub(super) struct Part {
    /// First and last day.
    pub(super) days: (i64, i64),
    /// First and last group of objects.
    pub(super) buckets: (i64, i64),
    /// The objects; all if none.
    pub(super) objects: Option<HashSet<i64>>,
}

impl Part {
    pub(super) fn of(&self, objects: HashSet<i64>) -> Self {
        let buckets = objects.iter().map(|object| object / BUCKET);
        // Without an object there is nothing: a range that ends before it begins.
        let buckets = (buckets.clone().min().unwrap_or(1), buckets.max().unwrap_or(0));
        Self { days: self.days, buckets, objects: Some(objects) }
    }
}

impl Sums<'_> {
    pub(super) fn everything(&self) -> Result<Part> {
        let Selection { from, to, object, kind, .. } = self.selection;
        let days = (from.map_or(i64::MIN, date::to_number), to.map_or(i64::MAX, date::to_number));
        let all = Part { days, buckets: (0, i64::MAX), objects: None };
        let Some(key) = object else { return Ok(all) };
        let mut statement = self.tx.prepare_cached("SELECT id FROM object WHERE type = ?1 AND key = ?2")?;
        let found: Option<i64> = statement.query_row(params![kind.number(), key], |row| row.get(0)).optional()?;
        Ok(all.of(found.into_iter().collect()))
    }

    /// Gives away the entries of a part, those of a row at a time, until there is enough.
    pub(super) fn entries(&self, part: &Part, each: EachRow<'_>) -> Result<()> {
        self.rows(part, &mut |day, bytes| {
            let mut entries = parsed(bytes)?;
            if let Some(objects) = &part.objects {
                entries.retain(|(object, _)| objects.contains(object));
            }
            if entries.is_empty() { Ok(true) } else { each(day, &entries) }
        })
    }

    pub(super) fn rows(&self, part: &Part, each: &mut dyn FnMut(Date, &[u8]) -> Result<bool>) -> Result<()> {
        match (&self.selection.analyses, self.selection.newest) {
            (None, None) => self.rows_of_days(part, each),
            _ => self.rows_of_stats(part, each),
        }
    }

    /// The sums of whole days: only those groups are read that are asked for.
    fn rows_of_days(&self, part: &Part, each: &mut dyn FnMut(Date, &[u8]) -> Result<bool>) -> Result<()> {
        let mut statement = self.tx.prepare_cached(
            "WITH RECURSIVE day(is_local, date) AS (
                 SELECT column1, (SELECT min(date) FROM rollup
                     WHERE type = ?1 AND is_local = column1 AND date BETWEEN ?3 AND ?4)
                 FROM (VALUES (0), (1)) WHERE column1 >= ?2
                 UNION ALL
                 SELECT is_local, (SELECT min(rollup.date) FROM rollup WHERE type = ?1
                     AND rollup.is_local = day.is_local AND rollup.date > day.date AND rollup.date <= ?4)
                 FROM day WHERE date IS NOT NULL)
             SELECT day.date, entries, bucket FROM day CROSS JOIN rollup ON type = ?1
                 AND rollup.is_local = day.is_local AND rollup.date = day.date AND bucket BETWEEN ?5 AND ?6",
        )?;
        let ((from, to), (first, last)) = (part.days, part.buckets);
        let bound = params![self.selection.kind.number(), self.selection.local_only, from, to, first, last];
        let buckets: Option<HashSet<i64>> =
            part.objects.as_ref().map(|objects| objects.iter().map(|object| object / BUCKET).collect());
        let mut rows = statement.query(bound)?;
        while let Some(row) = rows.next()? {
            let bucket = row.get(2)?;
            let is_asked = buckets.as_ref().is_none_or(|buckets| buckets.contains(&bucket));
            if is_asked && !given(row, each)? {
                break;
            }
        }
        Ok(())
    }

    /// The entries of single stats: of named analyses, or the newest ones.
    fn rows_of_stats(&self, part: &Part, each: &mut dyn FnMut(Date, &[u8]) -> Result<bool>) -> Result<()> {
        let Selection { kind, local_only, analyses, newest, .. } = self.selection;
        // Which stats are the newest ones is not decided by the part that is looked at.
        let (from, to) = self.everything()?.days;
        let mut values: Vec<Box<dyn ToSql>> =
            vec![Box::new(kind.number()), Box::new(from), Box::new(to), Box::new(*local_only)];
        let newest = newest.unwrap_or(-1);
        let text = match analyses {
            Some(Analyses { client, uuids: None }) => {
                values.extend([Box::new(*client) as Box<dyn ToSql>, Box::new(newest)]);
                OF_CLIENT
            }
            Some(Analyses { client, uuids: Some(uuids) }) => {
                values.extend([Box::new(*client) as Box<dyn ToSql>, Box::new(hex_list(uuids))]);
                OF_ANALYSES
            }
            None => {
                values.push(Box::new(newest));
                NEWEST
            }
        };
        let mut statement = self.tx.prepare_cached(text)?;
        let mut rows = statement.query(params_from_iter(values))?;
        while let Some(row) = rows.next()? {
            let is_asked = (part.days.0..=part.days.1).contains(&row.get(0)?);
            if is_asked && !given(row, each)? {
                break;
            }
        }
        Ok(())
    }
}

/// Stats of a client.
const OF_CLIENT: &str = "SELECT stat.date, payload.entries
     FROM stat CROSS JOIN client ON client.id = stat.client CROSS JOIN payload ON payload.id = stat.payload
     WHERE stat.client = ?5 AND stat.type = ?1 AND stat.date BETWEEN ?2 AND ?3 AND client.is_local >= ?4
     ORDER BY stat.date DESC, stat.seq DESC LIMIT ?6";

/// Stats of analyses, of a client or of all.
const OF_ANALYSES: &str = "SELECT stat.date, payload.entries
     FROM analysis
     CROSS JOIN stat ON stat.analysis = analysis.id AND stat.type = ?1 AND stat.date BETWEEN ?2 AND ?3
     CROSS JOIN payload ON payload.id = stat.payload
     CROSS JOIN client ON client.id = stat.client AND client.is_local >= ?4
     WHERE analysis.id IN (
         SELECT analysis.id FROM json_each(?6) AS wanted
         CROSS JOIN client ON ?5 IS NULL OR client.id = ?5
         CROSS JOIN analysis ON analysis.client = client.id AND analysis.uuid = unhex(wanted.value))";

/// The newest stats of all.
const NEWEST: &str = "SELECT stat.date, payload.entries
     FROM stat CROSS JOIN client ON client.id = stat.client CROSS JOIN payload ON payload.id = stat.payload
     WHERE stat.type = ?1 AND stat.date BETWEEN ?2 AND ?3 AND client.is_local >= ?4
     ORDER BY stat.date DESC, stat.seq DESC LIMIT ?5";

fn given(row: &Row<'_>, each: &mut dyn FnMut(Date, &[u8]) -> Result<bool>) -> Result<bool> {
    let day = stored_date(row.get(0)?)?;
    each(day, row.get_ref(1).and_then(|value| Ok(value.as_blob()?))?)
}
