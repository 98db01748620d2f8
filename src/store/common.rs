//! Days on which nothing changed have their sums in common: they are kept once. Found in quiet moments, day after day;
//! whatever changes a day's sums gives it sums of its own again.

use super::{Store, now, sql};
use crate::error::Result;
use rusqlite::{OptionalExtension, Transaction, params};
use std::collections::{HashMap, HashSet};
use std::sync::atomic::Ordering;

/// Rows that come to share their sums in one transaction.
const MAX_ITEMS: usize = 2_000;

/// A row of rollups that equals the one of an earlier day: type, whether of local clients, bucket, date, earlier date.
type Pair = (i64, bool, i64, i64, i64);

/// Where a row is: type, whether of local clients, bucket, date.
type Place = (i64, bool, i64, i64);

/// What one look through the rollups has found.
#[derive(Default)]
struct Found {
    pairs: Vec<Pair>,
    /// Whether there are sums that no row has any more.
    unused: bool,
}

/// The row before, of the same type, clients and bucket.
struct Earlier {
    date: i64,
    common: Option<i64>,
    entries: Vec<u8>,
}

impl Store {
    /// Lets some days before today share their sums, and forgets sums that are no longer shared; a full look once a
    /// day. Gives whether there is more.
    pub(super) fn share_sums(&self) -> Result<bool> {
        let today = now() / 86_400;
        if self.shared.load(Ordering::Relaxed) == today {
            return Ok(false);
        }
        let found = self.read(|tx| look(tx, today))?;
        let is_last = found.pairs.len() < MAX_ITEMS;
        let is_done = found.pairs.is_empty() && !found.unused;
        if !is_done {
            self.write_quietly(|tx| {
                share(tx, &found.pairs)?;
                let unused = "DELETE FROM common WHERE id NOT IN (SELECT common FROM rollup WHERE common IS NOT NULL)";
                if is_last { tx.execute(unused, []).map(drop).map_err(sql) } else { Ok(()) }
            })?;
        }
        if is_last {
            self.shared.store(today, Ordering::Relaxed);
        }
        Ok(!is_done)
    }
}

/// Compares each row with the one of the day before.
fn look(tx: &Transaction<'_>, today: i64) -> Result<Found> {
    let mut found = Found::default();
    let mut used = HashSet::new();
    let mut last: HashMap<(i64, bool, i64), Earlier> = HashMap::new();
    let mut statement = tx.prepare(
        "SELECT type, is_local, bucket, date, common,
                 coalesce(entries, (SELECT entries FROM common WHERE id = rollup.common))
             FROM rollup ORDER BY type, is_local, date",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (kind, local, bucket) = (row.get(0)?, row.get(1)?, row.get::<_, i64>(2)?);
        let (date, common, entries) = (row.get(3)?, row.get::<_, Option<i64>>(4)?, row.get::<_, Vec<u8>>(5)?);
        used.extend(common);
        let earlier = last.get(&(kind, local, bucket)).filter(|earlier| earlier.entries == entries);
        let is_new = |earlier: &Earlier| date < today && (common.is_none() || common != earlier.common);
        if let Some(earlier) = earlier.filter(|earlier| is_new(earlier) && found.pairs.len() < MAX_ITEMS) {
            found.pairs.push((kind, local, bucket, date, earlier.date));
        }
        last.insert((kind, local, bucket), Earlier { date, common, entries });
    }
    let kept: i64 = tx.query_row("SELECT count(*) FROM common", [], |row| row.get(0))?;
    found.unused = usize::try_from(kept) != Ok(used.len());
    Ok(found)
}

/// Lets rows have the sums of the earlier ones, where they are still the same. The rows go and come back: SQLite joins
/// pages that deletions have emptied, but not those on which rows became short.
fn share(tx: &Transaction<'_>, pairs: &[Pair]) -> Result<()> {
    let mut shared: HashMap<Place, Option<i64>> = HashMap::new();
    for &(kind, local, bucket, date, earlier) in pairs {
        let place = (kind, local, bucket, earlier);
        let common = shared.get(&place).copied().map_or_else(|| common(tx, place), Ok)?;
        let gone = tx
            .prepare_cached(
                "DELETE FROM rollup WHERE type = ?1 AND is_local = ?2 AND bucket = ?3 AND date = ?4 AND (
                     SELECT entries FROM sums WHERE type = ?1 AND is_local = ?2 AND bucket = ?3 AND date = ?4
                 ) = (SELECT entries FROM common WHERE id = ?5)",
            )
            .and_then(|mut statement| statement.execute(params![kind, local, bucket, date, common]))?;
        shared.extend((gone > 0).then_some(((kind, local, bucket, date), common)));
    }
    for ((kind, local, bucket, date), common) in shared {
        tx.prepare_cached("INSERT INTO rollup (type, is_local, bucket, date, common) VALUES (?1, ?2, ?3, ?4, ?5)")
            .and_then(|mut statement| statement.execute(params![kind, local, bucket, date, common]))?;
    }
    Ok(())
}

/// The sums of a row as common ones, which they are made if they are not yet; none if the row is gone.
fn common(tx: &Transaction<'_>, (kind, local, bucket, date): Place) -> Result<Option<i64>> {
    let place = params![kind, local, bucket, date];
    let moved = tx
        .prepare_cached(
            "INSERT INTO common (entries) SELECT entries FROM rollup
             WHERE type = ?1 AND is_local = ?2 AND bucket = ?3 AND date = ?4 AND entries IS NOT NULL",
        )
        .and_then(|mut statement| statement.execute(place))?;
    if moved > 0 {
        tx.prepare_cached(
            "UPDATE rollup SET entries = NULL, common = last_insert_rowid()
             WHERE type = ?1 AND is_local = ?2 AND bucket = ?3 AND date = ?4",
        )
        .and_then(|mut statement| statement.execute(place))?;
    }
    tx.prepare_cached("SELECT common FROM rollup WHERE type = ?1 AND is_local = ?2 AND bucket = ?3 AND date = ?4")
        .and_then(|mut statement| statement.query_row(place, |row| row.get(0)).optional())
        .map(Option::flatten)
        .map_err(sql)
}
