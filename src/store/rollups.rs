//! Sums per type, date and object, kept in the same transaction as the stats they come from, so that averages never
//! depend on how many stats there are. The invariant: rollups always equal a rebuild from the stats.

use super::entries::{Entries, Entry, decode, encode};
use super::labels::{self, Naming};
use super::objects::Objects;
use super::{Store, damaged};
use crate::error::Result;
use crate::model::shapes::{Contribution, Texts};
use crate::model::{StatType, date};
use jiff::civil::Date;
use rusqlite::{OptionalExtension, ToSql, Transaction, params, params_from_iter};
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
}

/// Analyses of one client, or of all.
#[derive(Clone, Debug)]
pub struct Analyses {
    /// Whose they may be; anybody's if none.
    pub client: Option<i64>,
    /// Their UUIDs; all of the client's if none.
    pub uuids: Option<Vec<uuid::Uuid>>,
}

/// Rolled-up rows: what processors make averages of.
#[derive(Debug, Default)]
pub struct Rollup {
    /// Per date, in order, the entries of each object.
    pub days: BTreeMap<Date, Entries>,
    /// The key of each object that occurs.
    pub keys: HashMap<i64, String>,
    /// What each of them is called.
    pub labels: HashMap<i64, Texts>,
}

impl Store {
    /// The sums of the selected stats, for everybody.
    pub fn rollup(&self, selection: &Selection) -> Result<Rollup> {
        self.rollup_for(selection, Naming { caller: None, is_live: true })
    }

    /// The sums of the selected stats, and what their objects are called.
    pub fn rollup_for(&self, selection: &Selection, naming: Naming) -> Result<Rollup> {
        self.read(|tx| {
            let mut rollup = Rollup::default();
            match (&selection.analyses, selection.newest) {
                (None, None) => add_days(tx, selection, &mut rollup)?,
                _ => add_stats(tx, selection, &mut rollup)?,
            }
            for object in rollup.days.values().flat_map(BTreeMap::keys) {
                if !rollup.keys.contains_key(object) {
                    let (key, texts) = labels::shown(tx, *object, naming)?;
                    rollup.keys.insert(*object, key);
                    rollup.labels.insert(*object, texts);
                }
            }
            Ok(rollup)
        })
    }
}

/// First and last day of a selection as the store's numbers.
fn span(selection: &Selection) -> (i64, i64) {
    (selection.from.map_or(i64::MIN, date::to_number), selection.to.map_or(i64::MAX, date::to_number))
}

/// Reads the sums of whole days.
fn add_days(tx: &Transaction<'_>, selection: &Selection, rollup: &mut Rollup) -> Result<()> {
    let (from, to) = span(selection);
    let mut statement = tx.prepare_cached(
        "SELECT date, entries FROM rollup
             WHERE type = ?1 AND is_local IN (1, ?2) AND date BETWEEN ?3 AND ?4",
    )?;
    let rows = statement.query(params![selection.kind.number(), selection.local_only, from, to])?;
    add_rows(rows, rollup)
}

/// Reads the entries of single stats: of named analyses, or the newest ones.
fn add_stats(tx: &Transaction<'_>, selection: &Selection, rollup: &mut Rollup) -> Result<()> {
    let (from, to) = span(selection);
    let kind = selection.kind.number();
    let mut values: Vec<Box<dyn ToSql>> =
        vec![Box::new(kind), Box::new(from), Box::new(to), Box::new(selection.local_only)];
    let text = match &selection.analyses {
        Some(Analyses { client, uuids: None }) => {
            values.push(Box::new(*client));
            values.push(Box::new(selection.newest.unwrap_or(-1)));
            "SELECT stat.date, payload.entries
             FROM stat CROSS JOIN client ON client.id = stat.client CROSS JOIN payload ON payload.id = stat.payload
             WHERE stat.client = ?5 AND stat.type = ?1 AND stat.date BETWEEN ?2 AND ?3 AND client.is_local >= ?4
             ORDER BY stat.date DESC, stat.seq DESC LIMIT ?6"
        }
        Some(Analyses { client, uuids: Some(uuids) }) => {
            values.push(Box::new(*client));
            values.push(Box::new(hex_list(uuids)));
            "SELECT stat.date, payload.entries
             FROM analysis
             CROSS JOIN stat ON stat.analysis = analysis.id AND stat.type = ?1 AND stat.date BETWEEN ?2 AND ?3
             CROSS JOIN payload ON payload.id = stat.payload
             CROSS JOIN client ON client.id = stat.client AND client.is_local >= ?4
             WHERE analysis.id IN (
                 SELECT analysis.id FROM json_each(?6) AS wanted
                 CROSS JOIN client ON ?5 IS NULL OR client.id = ?5
                 CROSS JOIN analysis ON analysis.client = client.id AND analysis.uuid = unhex(wanted.value))"
        }
        None => {
            values.push(Box::new(selection.newest.unwrap_or(-1)));
            "SELECT stat.date, payload.entries
             FROM stat CROSS JOIN client ON client.id = stat.client CROSS JOIN payload ON payload.id = stat.payload
             WHERE stat.type = ?1 AND stat.date BETWEEN ?2 AND ?3 AND client.is_local >= ?4
             ORDER BY stat.date DESC, stat.seq DESC LIMIT ?5"
        }
    };
    let mut statement = tx.prepare_cached(text)?;
    let rows = statement.query(params_from_iter(values))?;
    add_rows(rows, rollup)
}

/// UUIDs as a JSON list, to be bound as one value.
pub(super) fn hex_list(uuids: &[uuid::Uuid]) -> String {
    let names: Vec<String> = uuids.iter().map(|uuid| uuid.simple().to_string()).collect();
    serde_json::Value::from(names).to_string()
}

fn add_rows(mut rows: rusqlite::Rows<'_>, rollup: &mut Rollup) -> Result<()> {
    while let Some(row) = rows.next()? {
        let day = stored_date(row.get(0)?)?;
        let sums = rollup.days.entry(day).or_default();
        let bytes = row.get_ref(1).and_then(|value| Ok(value.as_blob()?))?;
        for (object, entry) in parsed(bytes)? {
            sums.entry(object).or_default().add(&entry, 1);
        }
    }
    Ok(())
}
