//! Brings what clients call things in line with the stats that are left, where some were deleted: a part of housekeeping.

use super::labels::{Wordings, forget_unused, four, has_text, labels_of, put, remove, wordings};
use super::parts::{BYTES, ROWS};
use super::payloads::Texts as Payloads;
use super::{Store, damaged};
use crate::error::Result;
use crate::model::shapes::{self, Texts};
use rusqlite::{OptionalExtension, Row, Transaction, params};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

/// A client and type whose labels are to be looked through.
struct Queued {
    client: i64,
    kind: i64,
    /// What tells it from a later entry.
    number: i64,
}

/// A look through a client's stats of a type, newest first, each set of labels once. It goes on page by page, each in a read
/// transaction of its own: one long look would keep in the log whatever others write meanwhile.
pub(super) struct Look {
    queued: Queued,
    /// SQLite's number of the schema, which changes when a backup takes the store's place.
    schema: i64,
    /// The newest arrival among all stats when it began.
    newest: i64,
    /// What the client calls the objects of the stats that were looked at, by the object's key.
    labels: HashMap<String, Texts>,
    /// The sets of labels of these stats.
    seen: HashSet<i64>,
    /// The last of them: its date, type and arrival.
    last: (i64, i64, i64),
}

impl Store {
    /// Does a piece of bringing the labels of one client and type in line with the stats that are left. Returns true if there
    /// may be more, and false also if these stats changed meanwhile: they have another turn.
    pub fn refresh_labels(&self) -> Result<bool> {
        let mut place = self.relabel.lock().unwrap_or_else(PoisonError::into_inner);
        let begun = place.take().map_or_else(|| self.read(begin), |look| Ok(Some(look)))?;
        let Some(mut look) = begun else { return Ok(false) };
        match self.read(|tx| look.read_page(tx))? {
            Page::More => *place = Some(look),
            Page::Foreign => {}
            Page::Last => {
                let is_settled = self.write_quietly(|tx| settle(tx, &look))?;
                if !is_settled {
                    // What changed may have been written pages ago, and nothing else after it.
                    self.writes.fetch_add(1, Ordering::Relaxed);
                }
                return Ok(is_settled);
            }
        }
        Ok(true)
    }
}

fn begin(tx: &Transaction<'_>) -> Result<Option<Look>> {
    let queued = |row: &Row<'_>| Ok(Queued { client: row.get(0)?, kind: row.get(1)?, number: row.get(2)? });
    let mut statement = tx.prepare_cached("SELECT client, type, number FROM relabel ORDER BY number LIMIT 1")?;
    let Some(queued) = statement.query_row([], queued).optional()? else { return Ok(None) };
    let newest = tx.query_row("SELECT coalesce(max(seq), 0) FROM stat", [], |row| row.get(0))?;
    let (labels, seen, last) = (HashMap::new(), HashSet::new(), (i64::MAX, i64::MAX, i64::MAX));
    Ok(Some(Look { queued, schema: schema(tx)?, newest, labels, seen, last }))
}

/// What a page was.
enum Page {
    More,
    Last,
    /// Of another store.
    Foreign,
}

/// The query for a page of a client's stats, newest first, with what those of a type have.
pub(super) fn page_text() -> String {
    format!(
        "SELECT stat.date, stat.type, stat.seq, payload.labels, {}
         FROM stat LEFT JOIN payload ON payload.id = stat.payload AND stat.type = ?2
         WHERE stat.client = ?1 AND stat.date <= ?3 AND (stat.date, stat.type, stat.seq) < (?3, ?4, ?5)
         ORDER BY stat.date DESC, stat.type DESC, stat.seq DESC",
        Payloads::COLUMNS
    )
}

impl Look {
    fn read_page(&mut self, tx: &Transaction<'_>) -> Result<Page> {
        if schema(tx)? != self.schema {
            return Ok(Page::Foreign);
        }
        let kind = super::rollups::stat_type(self.queued.kind)?;
        let (mut payloads, mut number, mut bytes) = (Payloads::new(tx), 0, 0);
        let mut statement = tx.prepare_cached(&page_text())?;
        let (day, of, arrival) = self.last;
        let mut rows = statement.query(params![self.queued.client, self.queued.kind, day, of, arrival])?;
        while let Some(row) = rows.next()? {
            if number >= ROWS || bytes >= BYTES {
                return Ok(Page::More);
            }
            (self.last, number) = ((row.get(0)?, row.get(1)?, row.get(2)?), number + 1);
            let Some(labels) = row.get(3)? else { continue };
            if self.seen.insert(labels) {
                let text = payloads.read(row, 4)?;
                bytes += text.len();
                let parts =
                    shapes::contributions(kind, text).map_err(|_| damaged("a stat's data has lost its shape"))?;
                self.take(labels_of(kind, &parts));
            }
        }
        Ok(Page::Last)
    }

    /// Takes the labels of an older stat where newer ones have none.
    fn take(&mut self, older: BTreeMap<&str, Texts>) {
        for (key, older) in older {
            match self.labels.get_mut(key) {
                Some(known) => {
                    let empty =
                        known.iter_mut().zip(older).filter(|(known, older)| !has_text(known) && has_text(older));
                    empty.for_each(|(known, older)| *known = older);
                }
                None => drop(self.labels.insert(key.to_owned(), older)),
            }
        }
    }
}

fn schema(tx: &Transaction<'_>) -> Result<i64> {
    Ok(tx.pragma_query_value(None, "schema_version", |row| row.get(0))?)
}

/// Writes what was found, unless the client's stats have changed since: then it is queued anew, behind all others. Who posts
/// all the time has no others wait.
fn settle(tx: &Transaction<'_>, found: &Look) -> Result<bool> {
    let Queued { client, kind, number } = found.queued;
    let has_more = tx
        .prepare_cached("SELECT 1 FROM stat WHERE seq > ?1 AND client = ?2 AND type = ?3")?
        .exists(params![found.newest, client, kind])?;
    let is_current = !has_more
        && schema(tx)? == found.schema
        && tx.execute("DELETE FROM relabel WHERE client = ?1 AND type = ?2 AND number = ?3", [client, kind, number])?
            > 0;
    if !is_current {
        tx.prepare_cached(
            "UPDATE relabel SET number = (SELECT max(number) + 1 FROM relabel) WHERE client = ?1 AND type = ?2",
        )?
        .execute([client, kind])?;
        return Ok(false);
    }
    let mut statement = tx.prepare_cached(
        "SELECT object.id, object.key, label.label1, label.label2, label.label3, label.label4
         FROM label JOIN object ON object.id = label.object WHERE label.client = ?1 AND object.type = ?2",
    )?;
    let rows = statement.query_map([client, kind], |row| Ok((row.get(0)?, row.get::<_, String>(1)?, four(row, 2)?)))?;
    let rows: Vec<(i64, String, Wordings)> = rows.collect::<rusqlite::Result<_>>()?;
    let before = tx.query_row("SELECT total_changes()", [], |row| row.get::<_, i64>(0))?;
    let mut missing: HashSet<&String> = found.labels.keys().collect();
    for (object, key, old) in &rows {
        missing.remove(key);
        match found.labels.get(key) {
            Some(texts) => {
                put(tx, client, *object, Some(*old), wordings(tx, *object, texts)?)?;
                forget_unused(tx, *object)?;
            }
            None => remove(tx, client, *object, *old)?,
        }
    }
    for key in missing {
        add_missing(tx, (client, kind), key, &found.labels[key])?;
    }
    let after: i64 = tx.query_row("SELECT total_changes()", [], |row| row.get(0))?;
    if before != after {
        super::touch(tx)?;
    }
    Ok(true)
}

/// Writes the row of an object that a client has and that was lost.
fn add_missing(tx: &Transaction<'_>, (client, kind): (i64, i64), key: &str, texts: &Texts) -> Result<()> {
    let object: Option<i64> = tx
        .prepare_cached("SELECT id FROM object WHERE type = ?1 AND key = ?2")?
        .query_row(params![kind, key], |row| row.get(0))
        .optional()?;
    let Some(object) = object else { return Ok(()) };
    put(tx, client, object, None, wordings(tx, object, texts)?)
}
