//! Brings what clients call things in line with the stats that are left, where some were deleted: a part of housekeeping.

use super::labels::{Wordings, forget_unused, four, has_text, labels_of, put, remove, wordings};
use super::payloads::Texts as Payloads;
use super::{Store, damaged};
use crate::error::Result;
use crate::model::shapes::{self, Texts};
use rusqlite::{OptionalExtension, Row, Transaction, params};
use std::collections::{HashMap, HashSet};

/// A client and type whose labels are to be looked through.
struct Queued {
    client: i64,
    kind: i64,
    /// What tells it from a later entry.
    number: i64,
}

/// What a client calls the objects that its stats have, by the object's key.
struct Found {
    labels: HashMap<String, Texts>,
    /// The newest arrival among all stats at that moment.
    newest: i64,
}

impl Store {
    /// Brings the labels of one client and type in line with the stats that are left. Returns true if there may be more, and
    /// false also if these stats changed meanwhile: they have another turn.
    pub fn refresh_labels(&self) -> Result<bool> {
        let Some((queued, found)) = self.read(|tx| {
            let Some(queued) = next(tx)? else { return Ok(None) };
            let found = look_through(tx, &queued)?;
            Ok(Some((queued, found)))
        })?
        else {
            return Ok(false);
        };
        self.write_quietly(|tx| settle(tx, &queued, &found))
    }
}

fn next(tx: &Transaction<'_>) -> Result<Option<Queued>> {
    let queued = |row: &Row<'_>| Ok(Queued { client: row.get(0)?, kind: row.get(1)?, number: row.get(2)? });
    let mut statement = tx.prepare_cached("SELECT client, type, number FROM relabel ORDER BY number LIMIT 1")?;
    Ok(statement.query_row([], queued).optional()?)
}

/// Reads the labels of a client's stats of a type, newest first, each set of labels once.
fn look_through(tx: &Transaction<'_>, queued: &Queued) -> Result<Found> {
    let newest = tx.query_row("SELECT coalesce(max(seq), 0) FROM stat", [], |row| row.get(0))?;
    let kind = super::rollups::stat_type(queued.kind)?;
    let mut labels: HashMap<String, Texts> = HashMap::new();
    let mut seen = HashSet::new();
    let mut payloads = Payloads::new(tx);
    let mut statement = tx.prepare_cached(&format!(
        "SELECT payload.labels, {} FROM stat JOIN payload ON payload.id = stat.payload
         WHERE stat.client = ?1 AND stat.type = ?2 ORDER BY stat.date DESC, stat.type DESC, stat.seq DESC",
        Payloads::COLUMNS
    ))?;
    let mut rows = statement.query([queued.client, queued.kind])?;
    while let Some(row) = rows.next()? {
        if !seen.insert(row.get::<_, i64>(0)?) {
            continue;
        }
        let parts = shapes::contributions(kind, payloads.read(row, 1)?)
            .map_err(|_| damaged("a stat's data has lost its shape"))?;
        for (key, older) in labels_of(kind, &parts) {
            match labels.get_mut(key) {
                Some(known) => {
                    let empty =
                        known.iter_mut().zip(older).filter(|(known, older)| !has_text(known) && has_text(older));
                    empty.for_each(|(known, older)| *known = older);
                }
                None => drop(labels.insert(key.to_owned(), older)),
            }
        }
    }
    Ok(Found { labels, newest })
}

/// Writes what was found, unless the client's stats have changed since: then it stays queued.
fn settle(tx: &Transaction<'_>, queued: &Queued, found: &Found) -> Result<bool> {
    let Queued { client, kind, number } = *queued;
    let has_more = tx
        .prepare_cached("SELECT 1 FROM stat WHERE seq > ?1 AND client = ?2 AND type = ?3")?
        .exists(params![found.newest, client, kind])?;
    let is_current = !has_more
        && tx.execute("DELETE FROM relabel WHERE client = ?1 AND type = ?2 AND number = ?3", [client, kind, number])?
            > 0;
    if !is_current {
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
