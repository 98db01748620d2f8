//! Links under which one client's own figures are seen. As of clients' tokens, only the hash of a link's is kept.
//!
//! That links end with their client's token and with its deactivation is a trigger's work: no command can forget it.

use super::{Store, clients, damaged, now};
use crate::error::{Error, Kind, Result};
use crate::model::{Client, Token};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use std::collections::HashSet;

/// A link, without its token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewLink {
    /// Its number, which the log may tell.
    pub id: i64,
    /// The name of the client whose figures it shows.
    pub client: String,
    /// What whoever made it wrote down.
    pub note: String,
    /// When it was made, in seconds since 1970.
    pub created_at: i64,
    /// When it ends, in seconds since 1970; none if it does not by itself.
    pub expires_at: Option<i64>,
}

impl ViewLink {
    /// Whether its time is over.
    pub fn is_expired(&self, now: i64) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }
}

impl Store {
    /// Makes a link to a client's figures; gives its number.
    ///
    /// # Errors
    /// `Invalid` if the client is deactivated, `NotFound` if it is gone.
    pub fn create_view_link(&self, client: &Client, token: &Token, note: &str, expires_at: Option<i64>) -> Result<i64> {
        self.write_quietly(|tx| {
            let client = clients::by_id(tx, client)?;
            if !client.is_active {
                let text = format!("{:?} is deactivated: 'monarc-stats client activate' lets it in again", client.name);
                return Err(Error::invalid(text));
            }
            tx.execute(
                "INSERT INTO view_link (client, token_hash, note, created_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![client.id, Token::hash(token.reveal()), note, now(), expires_at],
            )?;
            Ok(tx.last_insert_rowid())
        })
    }

    /// All links, also those whose time is over, in order of their numbers.
    pub fn view_links(&self) -> Result<Vec<ViewLink>> {
        self.read(|tx| {
            let text =
                format!("SELECT {COLUMNS} FROM view_link JOIN client ON client.id = view_link.client ORDER BY 1");
            let mut statement = tx.prepare_cached(&text)?;
            let rows = statement.query_map([], from_row)?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// Ends a link.
    ///
    /// # Errors
    /// `NotFound` if there is none of this number.
    pub fn revoke_view_link(&self, id: i64) -> Result<()> {
        self.write_quietly(|tx| match tx.execute("DELETE FROM view_link WHERE id = ?1", [id])? {
            0 => {
                let text = format!("there is no view link {id}: see 'monarc-stats client view-link list'");
                Err(Error::new(Kind::NotFound, text))
            }
            _ => Ok(()),
        })
    }

    /// The link that has this token, and its client; none if it was ended, its time is over, or the client is deactivated.
    pub fn view_link_by_token(&self, token: &str) -> Result<Option<(ViewLink, Client)>> {
        self.require_place()?;
        let found = self.read(|tx| {
            let text = format!(
                "SELECT {COLUMNS}, client.id FROM view_link JOIN client ON client.id = view_link.client
                 WHERE view_link.token_hash = ?1 AND client.is_active"
            );
            let row = tx.prepare_cached(&text).and_then(|mut statement| {
                let both = |row: &Row<'_>| Ok((from_row(row)?, row.get::<_, i64>(5)?));
                statement.query_row([Token::hash(token)], both).optional()
            })?;
            let Some((link, id)) = row else { return Ok(None) };
            let client = clients::find(tx, "id = ?1", params![id])?;
            Ok(Some((link, client.ok_or_else(|| damaged("a view link of nobody"))?)))
        })?;
        Ok(found.filter(|(link, _)| !link.is_expired(now())))
    }
}

/// The links of a store, by which those of a backup are judged that is to take its place.
pub(super) struct Known {
    /// The highest number that was ever given.
    newest: i64,
    hashes: HashSet<[u8; 32]>,
}

impl Known {
    pub(super) fn of(tx: &Transaction<'_>) -> Result<Self> {
        let text = "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'view_link'), 0)";
        let newest = tx.query_row(text, [], |row| row.get(0))?;
        let mut statement = tx.prepare("SELECT token_hash FROM view_link")?;
        let hashes = statement.query_map([], |row| row.get(0)).and_then(Iterator::collect)?;
        Ok(Self { newest, hashes })
    }

    /// Whether there ever was one.
    pub(super) fn has_any(&self) -> bool {
        self.newest > 0
    }

    /// Takes out of a copy of a backup what was ended since it was made: nobody who revoked a link expects it back. Numbers go
    /// on from where they were, so that the same holds for a newer backup that is restored after an older one.
    pub(super) fn carry_over(&self, copy: &Connection) -> Result<()> {
        let mut statement = copy.prepare("SELECT id, token_hash FROM view_link WHERE id <= ?1")?;
        let rows = statement.query_map([self.newest], |row| Ok((row.get(0)?, row.get(1)?)));
        let rows: Vec<(i64, [u8; 32])> = rows.and_then(Iterator::collect)?;
        for (id, _) in rows.iter().filter(|(_, hash)| !self.hashes.contains(hash)) {
            copy.execute("DELETE FROM view_link WHERE id = ?1", [id])?;
        }
        let raised = "UPDATE sqlite_sequence SET seq = max(seq, ?1) WHERE name = 'view_link'";
        if copy.execute(raised, [self.newest])? == 0 {
            copy.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('view_link', ?1)", [self.newest])?;
        }
        Ok(())
    }
}

const COLUMNS: &str = "view_link.id, client.name, view_link.note, view_link.created_at, view_link.expires_at";

fn from_row(row: &Row<'_>) -> rusqlite::Result<ViewLink> {
    Ok(ViewLink {
        id: row.get(0)?,
        client: row.get(1)?,
        note: row.get(2)?,
        created_at: row.get(3)?,
        expires_at: row.get(4)?,
    })
}
