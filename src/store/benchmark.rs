//! Who is compared with whom.

use super::releases::{Contributor, gathered};
use super::{Store, labels};
use crate::error::Result;
use crate::model::shapes::Texts;
use crate::model::{Client, StatType};
use rusqlite::{OptionalExtension, params};

impl Store {
    /// A client with all its analyses.
    pub fn contributor(&self, client: &Client) -> Result<Contributor> {
        self.read(|tx| {
            let mut statement = tx.prepare_cached("SELECT id FROM analysis WHERE client = ?1 ORDER BY id")?;
            let rows = statement.query_map([client.id], |row| row.get(0))?;
            let analyses = rows.collect::<rusqlite::Result<_>>()?;
            Ok(Contributor { name: client.name.clone(), clients: vec![client.id], analyses })
        })
    }

    /// The other organisations of this instance: active clients, or groups of them, without the group that the client itself
    /// is in.
    pub fn others(&self, client: &Client) -> Result<Vec<Contributor>> {
        self.read(|tx| {
            let mut statement = tx.prepare_cached(
                "SELECT client.id, client.name, client.group_name, analysis.id
                 FROM client JOIN analysis ON analysis.client = client.id
                 WHERE client.is_active AND client.id <> ?1 AND (client.group_name IS NULL
                     OR client.group_name IS NOT (SELECT group_name FROM client WHERE id = ?1))
                 ORDER BY client.id, analysis.id",
            )?;
            gathered(statement.query([client.id])?)
        })
    }

    /// What a client calls an object, or else most clients; nothing if no stat has it any more.
    pub fn texts_for(&self, kind: StatType, key: &str, caller: Option<i64>) -> Result<Texts> {
        self.read(|tx| {
            let object: Option<i64> =
                tx.prepare_cached("SELECT id FROM object WHERE type = ?1 AND key = ?2").and_then(|mut statement| {
                    statement.query_row(params![kind.number(), key], |row| row.get(0)).optional()
                })?;
            object.map_or_else(|| Ok(Texts::default()), |object| Ok(labels::shown(tx, object, caller)?.1))
        })
    }
}
