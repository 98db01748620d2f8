//! Sums per type, date and object, kept in the same transaction as the stats they come from, so that averages never
//! depend on how many stats there are. The invariant: rollups always equal a rebuild from the stats.

use super::damaged;
use super::entries::{Entries, Entry, decode, encode};
use super::objects::Objects;
use crate::error::Result;
use crate::model::shapes::Contribution;
use crate::model::{StatType, date};
use jiff::civil::Date;
use rusqlite::{OptionalExtension, Transaction, params};
use std::collections::{BTreeMap, HashMap};

/// Objects in one row of rollups: keys are given in order of first appearance, so that common objects share rows, and
/// a stat with a million objects of its own makes nobody else's rows longer.
pub(super) const BUCKET: i64 = 32;

/// Changes collected before they are written: some megabytes.
const MANY: usize = 50_000;

/// One day of one type and set of clients.
pub(super) type Day = (StatType, bool, i64);

/// Changes to the rollups that a transaction collects, to be written once at its end.
#[derive(Default)]
pub struct Changes {
    days: HashMap<Day, Entries>,
    /// Entries in all days.
    number: usize,
}

impl Changes {
    /// Adds a payload's entries to a day, or takes them away.
    pub fn add(&mut self, kind: StatType, local: bool, day: i64, entries: &[(i64, Entry)], times: i64) {
        let sums = self.days.entry((kind, local, day)).or_default();
        let before = sums.len();
        for (object, entry) in entries {
            sums.entry(*object).or_default().add(entry, times);
        }
        self.number += sums.len() - before;
    }

    /// Whether there are so many that they should be written before more are collected.
    pub fn are_many(&self) -> bool {
        self.number > MANY
    }

    /// What was collected, day by day, without what cancelled out.
    pub fn into_days(self) -> BTreeMap<Day, Entries> {
        let whole = |(day, mut sums): (Day, Entries)| {
            sums.retain(|_, entry| !entry.is_empty());
            (day, sums)
        };
        self.days.into_iter().map(whole).filter(|(_, sums)| !sums.is_empty()).collect()
    }

    /// Writes what was collected.
    ///
    /// # Errors
    /// `Unavailable` if a rollup would count less than nothing: the store is damaged then.
    pub fn write(self, tx: &Transaction<'_>) -> Result<()> {
        for (day, sums) in self.days {
            let mut changed = sums.into_iter().filter(|(_, entry)| !entry.is_empty()).peekable();
            while let Some((first, _)) = changed.peek() {
                let bucket = first / BUCKET;
                let change = std::iter::from_fn(|| changed.next_if(|(object, _)| object / BUCKET == bucket)).collect();
                write_bucket(tx, day, bucket, &change)?;
            }
        }
        Ok(())
    }
}

/// The entries of a new content, its objects made known to the store.
pub(super) fn intern(
    tx: &Transaction<'_>,
    objects: &mut Objects,
    kind: StatType,
    parts: &[Contribution],
) -> Result<Entries> {
    let mut entries = Entries::new();
    for part in parts {
        let object = objects.id(tx, kind, &part.key)?;
        entries.entry(object).and_modify(|entry| entry.join(part)).or_insert_with(|| Entry::of(part));
    }
    Ok(entries)
}

fn write_bucket(tx: &Transaction<'_>, (kind, local, day): Day, bucket: i64, change: &Entries) -> Result<()> {
    let key = params![kind.number(), local, day, bucket];
    let old: Option<Vec<u8>> = tx
        .prepare_cached("SELECT entries FROM rollup WHERE type = ?1 AND is_local = ?2 AND date = ?3 AND bucket = ?4")?
        .query_row(key, |row| row.get(0))
        .optional()?;
    let mut sums: Entries = parsed(&old.unwrap_or_default())?.into_iter().collect();
    for (object, entry) in change {
        sums.entry(*object).or_default().add(entry, 1);
    }
    sums.retain(|_, entry| !entry.is_empty());
    if !sums.values().all(Entry::is_possible) {
        return Err(damaged("a rollup counts less than it should"));
    }
    if sums.is_empty() {
        tx.prepare_cached("DELETE FROM rollup WHERE type = ?1 AND is_local = ?2 AND date = ?3 AND bucket = ?4")?
            .execute(key)?;
        return Ok(());
    }
    tx.prepare_cached(
        "INSERT INTO rollup (type, is_local, date, bucket, entries) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT DO UPDATE SET entries = excluded.entries",
    )?
    .execute(params![kind.number(), local, day, bucket, encode(&sums)])?;
    Ok(())
}

/// Decodes entries from the store.
pub(super) fn parsed(bytes: &[u8]) -> Result<Vec<(i64, Entry)>> {
    decode(bytes).ok_or_else(|| damaged("entries cannot be read"))
}

/// The type of a number in the store.
pub(super) fn stat_type(number: i64) -> Result<StatType> {
    StatType::from_number(number).ok_or_else(|| damaged("a type that does not exist"))
}

/// The date of a number in the store.
pub(super) fn stored_date(number: i64) -> Result<Date> {
    date::from_number(number).ok_or_else(|| damaged("a date that does not exist"))
}

/// Which stats an average is made of.
#[derive(Clone, Debug)]
pub struct Selection {
    /// Their type.
    pub kind: StatType,
    /// First date, inclusive.
    pub from: Option<Date>,
    /// Last date, inclusive.
    pub to: Option<Date>,
    /// Only stats of local clients.
    pub local_only: bool,
    /// Which analyses, and whose; all if none.
    pub analyses: Option<Analyses>,
    /// Only this many of the newest stats.
    pub newest: Option<i64>,
    /// Only the object with this key.
    pub object: Option<String>,
}

/// Analyses of one client, or of all.
#[derive(Clone, Debug)]
pub struct Analyses {
    /// Whose they may be; anybody's if none.
    pub client: Option<i64>,
    /// Their UUIDs; all of the client's if none.
    pub uuids: Option<Vec<uuid::Uuid>>,
}

/// UUIDs as a JSON list, to be bound as one value.
pub(super) fn hex_list(uuids: &[uuid::Uuid]) -> String {
    let names: Vec<String> = uuids.iter().map(|uuid| uuid.simple().to_string()).collect();
    serde_json::Value::from(names).to_string()
}
