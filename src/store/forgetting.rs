//! Forgetting objects that no payload has any more: labels must not outlive their stats. A part of housekeeping.
//!
//! Which objects are used is written in the payloads alone. They are looked through page by page, each in a read
//! transaction of its own: one long look would keep in the log whatever others write meanwhile. Payloads that come during
//! the look have higher keys, so that the look meets them too, the last ones under the writer's lock.

use super::Store;
use super::objects::Objects;
use super::parts::{BYTES, ROWS};
use super::rollups::parsed;
use crate::error::Result;
use rusqlite::Transaction;
use std::collections::HashSet;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

/// How far a look has come.
#[derive(Default)]
pub(super) struct Look {
    /// SQLite's number of the schema, which changes when a backup takes the store's place.
    schema: i64,
    /// The objects of the payloads that were looked at.
    used: HashSet<i64>,
    /// The last payload of them.
    payload: i64,
    /// The last object that is settled.
    object: i64,
}

/// Objects that are settled next.
struct Next {
    last: i64,
    unused: Vec<i64>,
}

impl Store {
    /// Does a piece of the look, which begins when stats were deleted. Gives whether there is more of it.
    pub(super) fn forget_some(&self) -> Result<bool> {
        let mut place = self.look.lock().unwrap_or_else(PoisonError::into_inner);
        if place.is_none() && !self.has_deleted() {
            return Ok(false);
        }
        let mut look = place.take().unwrap_or_default();
        let more = self.look_on(&mut look).inspect_err(|_| self.deleted.store(true, Ordering::Relaxed))?;
        *place = more.then_some(look);
        Ok(more)
    }

    fn look_on(&self, look: &mut Look) -> Result<bool> {
        let next = self.read(|tx| if look.read_payloads(tx)? { Ok(None) } else { look.next_objects(tx).map(Some) })?;
        let Some(next) = next else { return Ok(true) };
        if next.unused.is_empty() {
            let more = next.last > look.object;
            look.object = next.last;
            return Ok(more);
        }
        self.write_quietly(|tx| {
            // Where many have come meanwhile, they are a reader's to look at.
            if !look.read_payloads(tx)? {
                *self.lock_objects() = Objects::default();
                forget(tx, next.unused.iter().filter(|id| !look.used.contains(id)))?;
                look.object = next.last;
            }
            Ok(true)
        })
    }
}

impl Look {
    /// Looks at a page of payloads, or begins anew. Gives whether there may be more.
    fn read_payloads(&mut self, tx: &Transaction<'_>) -> Result<bool> {
        let schema = tx.pragma_query_value(None, "schema_version", |row| row.get(0))?;
        if schema != self.schema {
            *self = Self { schema, ..Self::default() };
            return Ok(true);
        }
        let mut statement = tx.prepare_cached("SELECT id, entries FROM payload WHERE id > ?1 ORDER BY id")?;
        let mut rows = statement.query([self.payload])?;
        let (mut number, mut bytes) = (0, 0);
        while let Some(row) = rows.next()? {
            if number >= ROWS || bytes >= BYTES {
                return Ok(true);
            }
            let entries = row.get_ref(1).and_then(|value| Ok(value.as_blob()?))?;
            self.used.extend(parsed(entries)?.into_iter().map(|(object, _)| object));
            (self.payload, number, bytes) = (row.get(0)?, number + 1, bytes + entries.len());
        }
        Ok(false)
    }

    /// The next page of objects, and which of them nothing has that was looked at.
    fn next_objects(&self, tx: &Transaction<'_>) -> Result<Next> {
        let mut statement = tx.prepare_cached("SELECT id FROM object WHERE id > ?1 ORDER BY id LIMIT ?2")?;
        let rows = statement.query_map([self.object, i64::try_from(ROWS).unwrap_or(i64::MAX)], |row| row.get(0))?;
        let ids: Vec<i64> = rows.collect::<rusqlite::Result<_>>()?;
        let last = ids.last().copied().unwrap_or(self.object);
        Ok(Next { last, unused: ids.into_iter().filter(|id| !self.used.contains(id)).collect() })
    }
}

fn forget<'a>(tx: &Transaction<'_>, objects: impl Iterator<Item = &'a i64>) -> Result<()> {
    let mut statement = tx.prepare_cached("DELETE FROM object WHERE id = ?1")?;
    for id in objects {
        statement.execute([id])?;
    }
    Ok(())
}

/// Has a look that goes on begin anew: payloads behind it have got other objects.
pub(super) fn begin_anew(tx: &Transaction<'_>) -> Result<()> {
    let schema: i64 = tx.pragma_query_value(None, "schema_version", |row| row.get(0))?;
    Ok(tx.pragma_update(None, "schema_version", schema + 1)?)
}
