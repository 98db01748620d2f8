//! Which text stands for a threat or vulnerability: for each language the newest that is not empty, among the stats
//! that exist.
//!
//! Objects with the same UUID but other labels are separate objects of the store. Nearly always there is just one;
//! only where there are several are days looked through, newest first.

use super::rollups::{BUCKET, parsed};
use super::{damaged, sql};
use crate::error::Result;
use crate::model::StatType;
use rusqlite::{OptionalExtension, Transaction, params};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Texts in French, English, German and Dutch by UUID; empty where there is none.
pub type Labels = HashMap<String, [String; 4]>;

/// One way in which a thing is labelled.
struct Variant {
    object: i64,
    texts: [String; 4],
}

/// The UUID and texts in the key of a threat or vulnerability.
pub fn parse_key(key: &str) -> Option<(String, [String; 4])> {
    let [uuid, l1, l2, l3, l4] = serde_json::from_str::<[String; 5]>(key).ok()?;
    Some((uuid, [l1, l2, l3, l4]))
}

/// The newest texts of every thing in `keys`.
pub(super) fn newest_labels<'a>(
    tx: &Transaction<'_>,
    kind: StatType,
    keys: impl Iterator<Item = &'a String>,
) -> Result<Labels> {
    let uuids: BTreeSet<String> = keys.filter_map(|key| parse_key(key)).map(|(uuid, _)| uuid).collect();
    let mut labels = Labels::new();
    let mut open = Vec::new();
    for uuid in uuids {
        let mut variants = variants(tx, kind, &uuid)?;
        match variants.len() {
            1 => labels.extend(variants.pop().map(|only| (uuid, only.texts))),
            _ => open.push(Search { uuid, variants, found: Default::default() }),
        }
    }
    search(tx, kind, &mut open)?;
    labels.extend(open.into_iter().map(|done| (done.uuid, done.found.map(Option::unwrap_or_default))));
    Ok(labels)
}

fn variants(tx: &Transaction<'_>, kind: StatType, uuid: &str) -> Result<Vec<Variant>> {
    // Every key of this UUID begins `["<uuid>"`, and '#' follows '"'.
    let mut statement = tx.prepare_cached("SELECT id, key FROM object WHERE type = ?1 AND key >= ?2 AND key < ?3")?;
    let range = params![kind.number(), format!("[\"{uuid}\""), format!("[\"{uuid}#")];
    let rows = statement.query_map(range, |row| Ok((row.get(0)?, row.get::<_, String>(1)?)))?;
    let mut variants = Vec::new();
    for row in rows {
        let (object, key) = row?;
        let (_, texts) = parse_key(&key).ok_or_else(|| damaged("an object's key cannot be read"))?;
        variants.push(Variant { object, texts });
    }
    Ok(variants)
}

/// A thing with several variants, and the texts found for it so far.
struct Search {
    uuid: String,
    variants: Vec<Variant>,
    found: [Option<String>; 4],
}

impl Search {
    /// The languages in which some variant has a text and none is found yet.
    fn missing(&self) -> impl Iterator<Item = usize> {
        (0..4).filter(|&slot| self.found[slot].is_none() && self.variants.iter().any(|v| !v.texts[slot].is_empty()))
    }

    /// Takes the texts of the variants among `objects`, where they agree; says whether some language is left open
    /// because they do not.
    fn take(&mut self, objects: &BTreeSet<i64>) -> bool {
        let mut contested = false;
        for slot in self.missing().collect::<Vec<_>>() {
            let present = self.variants.iter().filter(|variant| objects.contains(&variant.object));
            let texts: BTreeSet<&String> = present.map(|v| &v.texts[slot]).filter(|text| !text.is_empty()).collect();
            contested |= texts.len() > 1;
            if texts.len() == 1 {
                self.found[slot] = texts.first().map(|text| text.to_string());
            }
        }
        contested
    }

    /// Settles what even one stat leaves open, because it has the same thing twice with other labels.
    fn settle(&mut self, objects: &BTreeSet<i64>) {
        for variant in self.variants.iter().rev().filter(|variant| objects.contains(&variant.object)) {
            for (found, text) in self.found.iter_mut().zip(&variant.texts) {
                if found.is_none() && !text.is_empty() {
                    *found = Some(text.clone());
                }
            }
        }
    }
}

/// Looks through the days, newest first, until every language that has a text is found.
fn search(tx: &Transaction<'_>, kind: StatType, open: &mut [Search]) -> Result<()> {
    let mut before = i64::MAX;
    while open.iter().any(|one| one.missing().next().is_some()) {
        let Some(day) = day_before(tx, kind, before)? else { return Ok(()) };
        let objects = objects_of_day(tx, kind, day, open)?;
        let mut contested = false;
        for one in open.iter_mut() {
            contested |= one.take(&objects);
        }
        if contested {
            search_stats(tx, kind, day, open)?;
        }
        before = day;
    }
    Ok(())
}

fn day_before(tx: &Transaction<'_>, kind: StatType, before: i64) -> Result<Option<i64>> {
    tx.prepare_cached("SELECT max(date) FROM stat WHERE type = ?1 AND date < ?2")
        .and_then(|mut statement| statement.query_row(params![kind.number(), before], |row| row.get(0)))
        .map_err(sql)
}

/// Which of the searched variants occur on a day.
fn objects_of_day(tx: &Transaction<'_>, kind: StatType, day: i64, open: &[Search]) -> Result<BTreeSet<i64>> {
    let wanted: BTreeSet<i64> = open.iter().flat_map(|one| &one.variants).map(|variant| variant.object).collect();
    let buckets: BTreeSet<i64> = wanted.iter().map(|object| object / BUCKET).collect();
    let mut statement = tx
        .prepare_cached("SELECT entries FROM rollup WHERE type = ?1 AND is_local = ?2 AND date = ?3 AND bucket = ?4")?;
    let mut objects = BTreeSet::new();
    for (local, bucket) in [false, true].into_iter().flat_map(|local| buckets.iter().map(move |bucket| (local, bucket)))
    {
        let values = params![kind.number(), local, day, bucket];
        let entries: Option<Vec<u8>> = statement.query_row(values, |row| row.get(0)).optional()?;
        let found = parsed(&entries.unwrap_or_default())?;
        objects.extend(found.into_iter().map(|(object, _)| object).filter(|object| wanted.contains(object)));
    }
    Ok(objects)
}

/// Several variants occur on this day: the stat that arrived last decides, then the one before it, and so on.
fn search_stats(tx: &Transaction<'_>, kind: StatType, day: i64, open: &mut [Search]) -> Result<()> {
    let mut statement = tx.prepare_cached(
        "SELECT payload.entries FROM stat JOIN payload ON payload.id = stat.payload
             WHERE stat.type = ?1 AND stat.date = ?2 ORDER BY stat.seq DESC",
    )?;
    let mut rows = statement.query(params![kind.number(), day])?;
    // What no stat of this day has a text for is not to be found here, however many stats there are.
    let mut hopes: BTreeMap<usize, Vec<usize>> =
        open.iter().enumerate().map(|(index, one)| (index, one.missing().collect())).collect();
    while let Some(row) = rows.next()? {
        hopes.retain(|&index, slots| {
            slots.retain(|&slot| open[index].found[slot].is_none());
            !slots.is_empty()
        });
        if hopes.is_empty() {
            break;
        }
        let entries = parsed(row.get_ref(0).and_then(|value| Ok(value.as_blob()?))?)?;
        let objects: BTreeSet<i64> = entries.into_iter().map(|(object, _)| object).collect();
        for one in open.iter_mut() {
            if one.take(&objects) {
                one.settle(&objects);
            }
        }
    }
    Ok(())
}
