//! The states that an operator has been told of: kept in the store, so that a restart is silent.

use super::Store;
use super::read_only::ReadOnlyStore;
use crate::error::Result;
use rusqlite::{Connection, params};
use serde::Serialize;

/// Something that an operator should know of and that goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WatchState {
    /// What sort of state it is, such as `silent`.
    pub name: String,
    /// What it is about, such as a client's name; empty where there is only one.
    pub subject: String,
    /// A sentence for people.
    pub message: String,
    /// When it was first seen, in seconds since 1970.
    pub since: i64,
}

impl WatchState {
    /// Whether both are the same state, whenever they began.
    pub fn is_same(&self, other: &Self) -> bool {
        self.name == other.name && self.subject == other.subject
    }
}

impl Store {
    /// The states that have begun and not ended, in order of their beginning.
    pub fn watch_states(&self) -> Result<Vec<WatchState>> {
        self.read(|tx| states(tx))
    }

    /// Notes which states have begun and which have ended, in one transaction.
    pub fn change_watch_states(&self, begun: &[WatchState], ended: &[WatchState]) -> Result<()> {
        self.write_quietly(|tx| {
            for state in ended {
                tx.execute("DELETE FROM watch_state WHERE name = ?1 AND subject = ?2", [&state.name, &state.subject])?;
            }
            for state in begun {
                tx.execute(
                    "INSERT OR IGNORE INTO watch_state (name, subject, message, since) VALUES (?1, ?2, ?3, ?4)",
                    params![state.name, state.subject, state.message, state.since],
                )?;
            }
            Ok(())
        })
    }

    /// Active clients that have sent stats, and when each last did, in seconds since 1970.
    pub fn active_arrivals(&self) -> Result<Vec<(String, i64)>> {
        self.read(|tx| {
            let text = "SELECT name, last_stat_at FROM client WHERE last_stat_at IS NOT NULL AND is_active = 1";
            let mut statement = tx.prepare_cached(text)?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }
}

impl ReadOnlyStore {
    /// The states that have begun and not ended, in order of their beginning.
    pub fn watch_states(&self) -> Result<Vec<WatchState>> {
        states(&self.connection)
    }
}

fn states(tx: &Connection) -> Result<Vec<WatchState>> {
    let text = "SELECT name, subject, message, since FROM watch_state ORDER BY since, name, subject";
    let mut statement = tx.prepare_cached(text)?;
    let rows = statement.query_map([], |row| {
        Ok(WatchState { name: row.get(0)?, subject: row.get(1)?, message: row.get(2)?, since: row.get(3)? })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
