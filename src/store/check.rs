//! Comparing everything in a store with everything else, and rebuilding what can be rebuilt.

use super::entries::Entries;
use super::objects::Objects;
use super::payloads::Texts;
use super::rollups::{Changes, intern, parsed, stat_type};
use super::{Store, damaged, touch};
use crate::error::{Error, Result};
use crate::model::{StatType, date, shapes};
use rusqlite::{OptionalExtension, Transaction, params};
use std::collections::BTreeMap;

/// What a check found wrong, a sentence each; empty if all is well.
pub type Findings = Vec<String>;

impl Store {
    /// Compares everything with everything: SQLite's own check, references, the entries of each payload with its
    /// text, and the rollups with a rebuild. `progress` is told (done, total) payloads.
    ///
    /// # Errors
    /// Only if the store cannot be read at all; what is wrong inside it is a finding.
    pub fn check(&self, progress: &mut dyn FnMut(u64, u64)) -> Result<Findings> {
        self.read(|tx| {
            let mut findings = sqlite_findings(tx)?;
            if findings.is_empty() {
                findings.extend(payload_findings(tx, progress)?);
                findings.extend(rollup_findings(tx)?);
            }
            Ok(findings)
        })
    }

    /// Rebuilds the entries of all payloads and all rollups from the stats' own text.
    ///
    /// # Errors
    /// Only those of the store; it is left as it was then.
    pub fn repair(&self, progress: &mut dyn FnMut(u64, u64)) -> Result<()> {
        self.write(|tx| {
            tx.execute_batch("DELETE FROM rollup")?;
            let mut objects = Objects::default();
            for_each_payload(tx, progress, |id, kind, _, text| {
                let parts = shapes::contributions(kind, text)
                    .map_err(|flaw| damaged("a stat's data has lost its shape").because(Error::invalid(flaw.reason)))?;
                let entries = super::entries::encode(&intern(tx, &mut objects, kind, &parts)?);
                tx.prepare_cached("UPDATE payload SET entries = ?2 WHERE id = ?1 AND entries <> ?2")
                    .and_then(|mut statement| statement.execute(params![id, entries]))?;
                Ok(())
            })?;
            let rebuilt = rebuild(tx)?;
            rebuilt.write(tx)?;
            touch(tx)
        })
    }
}

/// What SQLite itself finds wrong.
pub(super) fn sqlite_findings(tx: &Transaction<'_>) -> Result<Findings> {
    let mut statement = tx.prepare("PRAGMA integrity_check(20)")?;
    let lines: Vec<String> = statement.query_map([], |row| row.get(0)).and_then(Iterator::collect)?;
    let mut findings: Findings = lines.into_iter().filter(|line| line != "ok").collect();
    let dangling: Option<String> = tx.query_row("PRAGMA foreign_key_check", [], |row| row.get(0)).optional()?;
    findings.extend(dangling.map(|table| format!("a row of {table} refers to one that is not there")));
    Ok(findings)
}

fn payload_findings(tx: &Transaction<'_>, progress: &mut dyn FnMut(u64, u64)) -> Result<Findings> {
    let mut findings = Findings::new();
    let mut keys = tx.prepare("SELECT key FROM object WHERE id = ?1")?;
    for_each_payload(tx, progress, |id, kind, entries, text| {
        let mut expected: BTreeMap<String, super::entries::Entry> = BTreeMap::new();
        match shapes::contributions(kind, text) {
            Ok(parts) => parts.into_iter().for_each(|part| {
                expected.entry(part.key).or_default().add(&super::entries::Entry { number: 1, sums: part.values }, 1);
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
        Ok(())
    })?;
    let orphans: i64 = tx.query_row(
        "SELECT count(*) FROM payload
             WHERE NOT EXISTS (SELECT 1 FROM stat WHERE stat.payload = payload.id)
                 AND NOT EXISTS (SELECT 1 FROM payload AS other WHERE other.base = payload.id)",
        [],
        |row| row.get(0),
    )?;
    if orphans > 0 {
        findings.push(format!("{orphans} payloads belong to no stat"));
    }
    Ok(findings)
}

fn rollup_findings(tx: &Transaction<'_>) -> Result<Findings> {
    let mut expected = rebuild(tx)?.into_days();
    let mut statement = tx.prepare("SELECT type, is_local, date, entries FROM rollup")?;
    let mut rows = statement.query([])?;
    let mut found: BTreeMap<(StatType, bool, i64), Entries> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let kind = stat_type(row.get(0)?)?;
        let day = (kind, row.get(1)?, row.get(2)?);
        let entries = row.get_ref(3).and_then(|value| Ok(value.as_blob()?))?;
        found.entry(day).or_default().extend(parsed(entries)?);
    }
    let name = |(kind, _, number): (StatType, bool, i64)| {
        let day = date::from_number(number).map_or_else(|| format!("day {number}"), |day| day.to_string());
        format!("the rollup of {} on {day}", kind.name())
    };
    let mut findings = Findings::new();
    for (day, entries) in found {
        if expected.remove(&day).as_ref() != Some(&entries) {
            findings.push(format!("{} differs from its stats", name(day)));
        }
    }
    findings.extend(expected.keys().map(|day| format!("{} is missing", name(*day))));
    Ok(findings)
}

/// What all stats add up to.
fn rebuild(tx: &Transaction<'_>) -> Result<Changes> {
    let mut changes = Changes::default();
    let mut statement = tx.prepare(
        "SELECT stat.type, client.is_local, stat.date, payload.entries
             FROM stat JOIN client ON client.id = stat.client JOIN payload ON payload.id = stat.payload",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let kind = stat_type(row.get(0)?)?;
        let entries = row.get_ref(3).and_then(|value| Ok(value.as_blob()?))?;
        changes.add(kind, row.get(1)?, row.get(2)?, &parsed(entries)?, 1);
    }
    Ok(changes)
}

/// Calls `work` with each payload's id, type, entries and text.
fn for_each_payload(
    tx: &Transaction<'_>,
    progress: &mut dyn FnMut(u64, u64),
    mut work: impl FnMut(i64, StatType, &[u8], &str) -> Result<()>,
) -> Result<()> {
    let total: i64 = tx.query_row("SELECT count(*) FROM payload", [], |row| row.get(0))?;
    let columns = Texts::COLUMNS;
    let mut statement = tx.prepare(&format!("SELECT id, type, entries, {columns} FROM payload"))?;
    let mut texts = Texts::new(tx);
    let mut rows = statement.query([])?;
    let mut done = 0;
    while let Some(row) = rows.next()? {
        let entries = row.get_ref(2).and_then(|value| Ok(value.as_blob()?))?;
        let text = texts.read(row, 3)?;
        work(row.get(0)?, stat_type(row.get(1)?)?, entries, text)?;
        done += 1;
        progress(done, u64::try_from(total).unwrap_or_default());
    }
    Ok(())
}
