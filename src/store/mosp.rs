//! What MOSP said about objects, kept for a while.

use super::{Store, now};
use crate::error::Result;
use crate::model::Client;
use rusqlite::{OptionalExtension, params};
use uuid::Uuid;

impl Store {
    /// Whether stats of threats or vulnerabilities have this object.
    pub fn has_object(&self, uuid: Uuid) -> Result<bool> {
        self.read(|tx| {
            let mut statement = tx.prepare_cached("SELECT 1 FROM object WHERE type IN (2, 3) AND key = ?1")?;
            Ok(statement.exists([uuid.to_string()])?)
        })
    }

    /// Whether the stats of a client have this threat or vulnerability.
    pub fn client_has_object(&self, client: &Client, uuid: Uuid) -> Result<bool> {
        self.read(|tx| {
            let mut statement = tx.prepare_cached(
                "SELECT 1 FROM object CROSS JOIN label ON label.client = ?2 AND label.object = object.id
                 WHERE object.type IN (2, 3) AND object.key = ?1",
            )?;
            Ok(statement.exists(params![uuid.to_string(), client.id])?)
        })
    }

    /// What MOSP said about an object, and how many seconds ago.
    pub fn mosp_answer(&self, uuid: Uuid) -> Result<Option<(String, i64)>> {
        self.read(|tx| {
            let mut statement = tx.prepare_cached("SELECT objects, ?2 - asked_at FROM mosp WHERE uuid = ?1")?;
            let values = params![uuid.into_bytes(), now()];
            Ok(statement.query_row(values, |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
        })
    }

    /// Keeps what MOSP has just said about an object.
    pub fn keep_mosp_answer(&self, uuid: Uuid, objects: &str) -> Result<()> {
        self.write_quietly(|tx| {
            tx.execute(
                "INSERT INTO mosp (uuid, objects, asked_at) VALUES (?1, ?2, ?3)
                 ON CONFLICT DO UPDATE SET objects = excluded.objects, asked_at = excluded.asked_at",
                params![uuid.into_bytes(), objects, now()],
            )?;
            Ok(())
        })
    }
}
