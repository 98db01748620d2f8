//! Comparing everything in a store with everything else, and rebuilding what can be rebuilt.

use super::entries::{Entries, Entry};
use super::objects::Objects;
use super::parts::{BYTES, ROWS};
use super::payloads::Texts;
use super::rollups::{Changes, intern, parsed, stat_type, stored_date};
use super::{Store, damaged, forgetting, labels, touch};
use crate::error::{Error, Result};
use crate::model::{StatType, date, shapes};
use rusqlite::{OptionalExtension, ToSql, Transaction, params};
use std::collections::BTreeMap;

/// What a check found wrong, a sentence each; empty if all is well.
pub type Findings = Vec<String>;

impl Store {
    /// Compares everything with everything: the pages of each table, its rows with its indexes and what they refer to, the
    /// entries of each payload with its text, every stat as it is read, and the rollups with a rebuild. `progress` is told
    /// (done, total) rows of what it is at. It reads piece by piece, so that what others write meanwhile need not wait in
    /// the log for its end; the longest piece is SQLite's quick look at one table.
    ///
    /// # Errors
    /// Only if the store cannot be read at all; what is wrong inside it is a finding.
    pub fn check(&self, progress: &mut dyn FnMut(u64, u64)) -> Result<Findings> {
        let mut findings = Findings::new();
        let tables = self.read(tables)?;
        for table in &tables {
            findings.extend(self.read(|tx| lines_of(tx, &format!("PRAGMA quick_check({table})")))?);
        }
        // Where SQLite finds its own pages wrong, looking further finds what follows from that.
        if findings.is_empty() {
            tables.iter().try_for_each(|table| self.compare_table(table, progress, &mut findings))?;
        }
        if findings.is_empty() {
            self.for_each_page(progress, &mut |tx, after| payload_findings(tx, after, &mut findings))?;
            let mut after = Some(0);
            while let Some(seq) = after {
                after = self.read(|tx| stat_findings(tx, seq, &mut findings))?;
            }
            self.for_each_day(&mut |tx, day| rollup_findings(tx, day, &mut findings))?;
        }
        Ok(findings)
    }

    /// Rebuilds the entries of all payloads and all rollups from the stats' own text, part by part. If it is broken off,
    /// doing it again finishes it.
    ///
    /// # Errors
    /// Only those of the store.
    pub fn repair(&self, progress: &mut dyn FnMut(u64, u64)) -> Result<()> {
        self.for_each_page(progress, &mut |tx, after| {
            let mut page = Vec::new();
            let last = for_each_payload(tx, after, |id, kind, _, text| {
                let parts = shapes::contributions(kind, text?)
                    .map_err(|flaw| damaged("a stat's data has lost its shape").because(Error::invalid(flaw.reason)))?;
                page.push((id, kind, parts));
                Ok(())
            })?;
            self.write(|tx| {
                let (mut objects, mut is_mended) = (Objects::default(), false);
                for (id, kind, parts) in page {
                    let entries = super::entries::encode(&intern(tx, &mut objects, kind, &parts)?);
                    let labels = labels::fingerprint(kind, &parts);
                    let mut statement = tx.prepare_cached(
                        "UPDATE payload SET entries = ?2, labels = ?3 WHERE id = ?1 AND (entries, labels) <> (?2, ?3)",
                    )?;
                    is_mended |= statement.execute(params![id, entries, labels])? > 0;
                }
                if is_mended {
                    forgetting::begin_anew(tx)?;
                }
                Ok(())
            })?;
            Ok(last)
        })?;
        self.for_each_day(&mut |_, day| {
            self.write(|tx| {
                for (kind, local) in kinds() {
                    let values = params![kind.number(), local, day];
                    tx.execute("DELETE FROM rollup WHERE type = ?1 AND is_local = ?2 AND date = ?3", values)?;
                }
                rebuild(tx, day)?.write(tx)?;
                touch(tx)
            })
        })?;
        self.write(labels::queue_all)
    }

    /// Calls `work` with the key after which a page of payloads begins, in a read transaction each; it gives the last key
    /// of the page, or none at the end. What comes meanwhile is not looked at: a busy store would never be looked through.
    fn for_each_page(
        &self,
        progress: &mut dyn FnMut(u64, u64),
        work: &mut dyn FnMut(&Transaction<'_>, i64) -> Result<Option<i64>>,
    ) -> Result<()> {
        let text = "SELECT coalesce(max(id), 0) FROM payload";
        let total: i64 = self.read(|tx| Ok(tx.query_row(text, [], |row| row.get(0))?))?;
        let number = |key: i64| u64::try_from(key).unwrap_or_default();
        let mut after = Some(0);
        while let Some(key) = after.filter(|key| *key < total) {
            after = self.read(|tx| work(tx, key))?;
            progress(number(after.unwrap_or(total)), number(total));
        }
        Ok(())
    }

    /// Calls `work` with each day that has stats or rollups, in a read transaction each; days that come meanwhile are not
    /// among them.
    fn for_each_day(&self, work: &mut dyn FnMut(&Transaction<'_>, i64) -> Result<()>) -> Result<()> {
        let mut days = Vec::new();
        while let Some(day) = self.read(|tx| day_after(tx, days.last().copied().unwrap_or(i64::MIN)))? {
            days.push(day);
        }
        days.into_iter().try_for_each(|day| self.read(|tx| work(tx, day)))
    }
}

/// Rows of a table that are looked at in one transaction.
const PAGE: usize = 1000;

/// All types, of local clients and of others.
fn kinds() -> impl Iterator<Item = (StatType, bool)> {
    StatType::ALL.into_iter().flat_map(|kind| [(kind, false), (kind, true)])
}

fn day_after(tx: &Transaction<'_>, day: i64) -> Result<Option<i64>> {
    let one = |text: &str, values: &[&dyn ToSql]| -> Result<Option<i64>> {
        Ok(tx.prepare_cached(text)?.query_row(values, |row| row.get(0))?)
    };
    let mut days: Vec<i64> = Vec::new();
    days.extend(one("SELECT min(date) FROM stat WHERE date > ?1", params![day])?);
    for (kind, local) in kinds() {
        let text = "SELECT min(date) FROM rollup WHERE type = ?1 AND is_local = ?2 AND date > ?3";
        days.extend(one(text, params![kind.number(), local, day])?);
    }
    Ok(days.into_iter().min())
}

fn tables(tx: &Transaction<'_>) -> Result<Vec<String>> {
    let mut statement = tx.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")?;
    let names = statement.query_map([], |row| row.get(0))?;
    Ok(names.collect::<rusqlite::Result<_>>()?)
}

/// What SQLite itself finds wrong with a copy, at one look.
pub(super) fn sqlite_findings(tx: &Transaction<'_>) -> Result<Findings> {
    let mut findings = lines_of(tx, "PRAGMA integrity_check(20)")?;
    let dangling: Option<String> = tx.query_row("PRAGMA foreign_key_check", [], |row| row.get(0)).optional()?;
    findings.extend(dangling.map(|table| format!("a row of {table} refers to one that is not there")));
    Ok(findings)
}

fn lines_of(tx: &Transaction<'_>, check: &str) -> Result<Findings> {
    let mut statement = tx.prepare(check)?;
    let lines: Vec<String> = statement.query_map([], |row| row.get(0)).and_then(Iterator::collect)?;
    Ok(lines.into_iter().filter(|line| line != "ok").collect())
}

/// Looks at a page of stats as whoever reads them would; gives the last one's key.
fn stat_findings(tx: &Transaction<'_>, after: i64, findings: &mut Findings) -> Result<Option<i64>> {
    let mut statement = tx.prepare_cached(
        "SELECT stat.seq, stat.type, stat.date, stat.client = analysis.client
             FROM stat JOIN analysis ON analysis.id = stat.analysis WHERE stat.seq > ?1 ORDER BY stat.seq LIMIT ?2",
    )?;
    let mut rows = statement.query(params![after, i64::try_from(PAGE).unwrap_or(i64::MAX)])?;
    let mut last = None;
    while let Some(row) = rows.next()? {
        let seq: i64 = row.get(0)?;
        last = Some(seq);
        let read = stat_type(row.get(1)?).and_then(|_| stored_date(row.get(2)?));
        if let Err(error) = read {
            findings.push(format!("stat {seq} cannot be read: {}", error.message));
        }
        if !row.get::<_, bool>(3)? {
            findings.push(format!("stat {seq} is of another client than its analysis"));
        }
    }
    Ok(last)
}

/// Looks at a page of payloads; gives the last one's key.
fn payload_findings(tx: &Transaction<'_>, after: i64, findings: &mut Findings) -> Result<Option<i64>> {
    let mut keys = tx.prepare_cached("SELECT key FROM object WHERE id = ?1")?;
    let mut used = tx.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM stat WHERE payload = ?1) OR EXISTS (SELECT 1 FROM payload WHERE base = ?1)",
    )?;
    for_each_payload(tx, after, |id, kind, entries, text| {
        let mut expected: BTreeMap<String, Entry> = BTreeMap::new();
        let text = match text {
            Ok(text) => text,
            Err(error) => {
                findings.push(format!("payload {id} cannot be read: {}", error.message));
                return Ok(());
            }
        };
        match shapes::contributions(kind, text) {
            Ok(parts) => parts.iter().for_each(|part| {
                let known = expected.entry(part.key.clone()).and_modify(|entry| entry.join(part));
                known.or_insert_with(|| Entry::of(part));
            }),
            Err(flaw) => findings.push(format!("payload {id} has lost its shape: {}", flaw.reason)),
        }
        let mut found = BTreeMap::new();
        for (object, entry) in parsed(entries)? {
            let key: Option<String> = keys.query_row([object], |row| row.get(0)).optional()?;
            found.insert(key.unwrap_or_else(|| format!("object {object}")), entry);
        }
        if found != expected {
            findings.push(format!("the entries of payload {id} differ from its text"));
        }
        if !used.query_row([id], |row| row.get::<_, bool>(0))? {
            findings.push(format!("payload {id} belongs to no stat"));
        }
        Ok(())
    })
}

/// Compares the rollups of a day with its stats.
fn rollup_findings(tx: &Transaction<'_>, day: i64, findings: &mut Findings) -> Result<()> {
    let mut expected = rebuild(tx, day)?.into_days();
    let mut statement =
        tx.prepare_cached("SELECT entries FROM rollup WHERE type = ?1 AND is_local = ?2 AND date = ?3")?;
    let name = date::from_number(day).map_or_else(|| format!("day {day}"), |day| day.to_string());
    for (kind, local) in kinds() {
        let mut found = Entries::new();
        let mut rows = statement.query(params![kind.number(), local, day])?;
        while let Some(row) = rows.next()? {
            found.extend(parsed(row.get_ref(0).and_then(|value| Ok(value.as_blob()?))?)?);
        }
        match expected.remove(&(kind, local, day)).unwrap_or_default() {
            wanted if wanted == found => {}
            _ if found.is_empty() => findings.push(format!("the rollup of {} on {name} is missing", kind.name())),
            _ => findings.push(format!("the rollup of {} on {name} differs from its stats", kind.name())),
        }
    }
    Ok(())
}

/// What the stats of a day add up to.
fn rebuild(tx: &Transaction<'_>, day: i64) -> Result<Changes> {
    let mut changes = Changes::default();
    let mut statement = tx.prepare_cached(
        "SELECT stat.type, client.is_local, payload.entries
             FROM stat JOIN client ON client.id = stat.client JOIN payload ON payload.id = stat.payload
             WHERE stat.date = ?1",
    )?;
    let mut rows = statement.query([day])?;
    while let Some(row) = rows.next()? {
        let kind = stat_type(row.get(0)?)?;
        let entries = row.get_ref(2).and_then(|value| Ok(value.as_blob()?))?;
        changes.add(kind, row.get(1)?, day, &parsed(entries)?, 1);
    }
    Ok(changes)
}

/// Calls `work` with id, type, entries and text of a page of payloads; gives the last id.
fn for_each_payload(
    tx: &Transaction<'_>,
    after: i64,
    mut work: impl FnMut(i64, StatType, &[u8], Result<&str>) -> Result<()>,
) -> Result<Option<i64>> {
    let columns = Texts::COLUMNS;
    let text = format!("SELECT id, type, entries, {columns} FROM payload WHERE id > ?1 ORDER BY id");
    let mut statement = tx.prepare_cached(&text)?;
    let mut texts = Texts::new(tx);
    let mut rows = statement.query([after])?;
    let (mut last, mut number, mut bytes) = (None, 0, 0);
    while number < ROWS
        && bytes < BYTES
        && let Some(row) = rows.next()?
    {
        let id = row.get(0)?;
        let entries = row.get_ref(2).and_then(|value| Ok(value.as_blob()?))?;
        let text = texts.read(row, 3);
        bytes += text.as_ref().map_or(0, |text| text.len());
        work(id, stat_type(row.get(1)?)?, entries, text)?;
        (last, number) = (Some(id), number + 1);
    }
    Ok(last)
}
