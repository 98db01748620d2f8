//! The keys of objects, remembered from one batch to the next: most batches speak of the same threats.

use crate::error::Result;
use crate::model::StatType;
use rusqlite::{OptionalExtension, Transaction, params};
use std::collections::HashMap;

/// Objects of a type remembered at most: together some megabytes.
const MAX_ITEMS: usize = 10_000;

/// What is remembered. It holds only as long as nobody else deletes objects or replaces the store.
#[derive(Default)]
pub struct Objects {
    ids: HashMap<StatType, HashMap<String, i64>>,
    /// SQLite's count of other connections' commits when it was last looked at.
    version: i64,
}

impl Objects {
    /// Forgets everything if another connection has written since.
    pub fn refresh(&mut self, tx: &Transaction<'_>) -> Result<()> {
        let version = tx.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))?;
        if version != self.version {
            *self = Self { ids: HashMap::new(), version };
        }
        Ok(())
    }

    /// The key of an object in the store, which is made known to it if it is new.
    pub fn id(&mut self, tx: &Transaction<'_>, kind: StatType, key: &str) -> Result<i64> {
        let ids = self.ids.entry(kind).or_default();
        if ids.len() >= MAX_ITEMS {
            ids.clear();
        }
        if let Some(&id) = ids.get(key) {
            return Ok(id);
        }
        let values = params![kind.number(), key];
        let known = tx
            .prepare_cached("SELECT id FROM object WHERE type = ?1 AND key = ?2")?
            .query_row(values, |row| row.get(0))
            .optional()?;
        let id = match known {
            Some(id) => id,
            None => tx.prepare_cached("INSERT INTO object (type, key) VALUES (?1, ?2)")?.insert(values)?,
        };
        // A batch of a million objects of its own should not fill our memory with them.
        if ids.len() < MAX_ITEMS {
            ids.insert(key.to_owned(), id);
        }
        Ok(id)
    }
}
