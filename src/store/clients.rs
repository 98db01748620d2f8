//! Clients in the store. Of a token only its hash is kept: a lost one is replaced, not read back.

use super::listing::Filter;
use super::{Store, connect_reader, damaged, now, touch};
use crate::error::{Error, Kind, Result};
use crate::model::client::Location;
use crate::model::{Client, Role, Token};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use std::collections::HashMap;
use uuid::Uuid;

/// What a new client is made of.
pub struct NewClient<'a> {
    /// Its identity; a random one if none is given.
    pub uuid: Option<Uuid>,
    /// Its unique name.
    pub name: &'a str,
    /// Its secret.
    pub token: &'a Token,
    /// What it may do.
    pub role: Role,
    /// Whether its stats may be pushed to another instance.
    pub is_sharing_enabled: bool,
}

/// What an admin changes of a client; what is not given stays.
#[derive(Clone, Debug, Default)]
pub struct ClientChange {
    /// A new name.
    pub name: Option<String>,
    /// Whether its stats may leave for another instance.
    pub is_sharing_enabled: Option<bool>,
    /// Whether its token is accepted.
    pub is_active: Option<bool>,
    /// Where the map shows it; `Some(None)` takes it off.
    pub location: Option<Option<Location>>,
    /// The group whose one vote in releases it shares; `Some(None)` takes it out.
    pub group: Option<Option<String>>,
}

pub(super) const COLUMNS: &str =
    "id, uuid, name, role, is_sharing_enabled, is_active, is_local, latitude, longitude, created_at, group_name";

pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<Client> {
    let location = row.get::<_, Option<f64>>(7)?.zip(row.get(8)?);
    Ok(Client {
        id: row.get(0)?,
        uuid: Uuid::from_bytes(row.get(1)?),
        name: row.get(2)?,
        role: if row.get_ref(3)?.as_str()? == "admin" { Role::Admin } else { Role::User },
        is_sharing_enabled: row.get(4)?,
        is_active: row.get(5)?,
        is_local: row.get(6)?,
        location: location.map(|(latitude, longitude)| Location { latitude, longitude }),
        created_at: row.get(9)?,
        group: row.get(10)?,
    })
}

impl Store {
    /// Makes a client.
    ///
    /// # Errors
    /// `Conflict` if the name, the token or the UUID is taken.
    pub fn create_client(&self, new: &NewClient<'_>) -> Result<Client> {
        self.write(|tx| insert(tx, new))
    }

    /// Makes sure that the admin client "admin" exists, is active, and has this token.
    ///
    /// # Errors
    /// `Conflict` if another client has this token.
    pub fn ensure_admin(&self, token: &Token) -> Result<Client> {
        self.write(|tx| match find(tx, "name = ?1", params!["admin"])? {
            Some(admin) => {
                tx.execute("UPDATE client SET role = 'admin', is_active = 1 WHERE id = ?1", [admin.id])?;
                set_token(tx, &admin, token)?;
                touch(tx)?;
                Ok(Client { role: Role::Admin, is_active: true, ..admin })
            }
            None => {
                let role = Role::Admin;
                insert(tx, &NewClient { uuid: None, name: "admin", token, role, is_sharing_enabled: false })
            }
        })
    }

    /// The client that shows this token, active or not.
    pub fn client_by_token(&self, token: &str) -> Result<Option<Client>> {
        self.require_place()?;
        let mut slot = self.lock_callers();
        let mut callers = match slot.take() {
            Some(callers) => callers,
            None => Callers { connection: connect_reader(&self.path)?, version: 0, known: HashMap::new() },
        };
        let found = callers.find(Token::hash(token));
        if found.is_ok() {
            *slot = Some(callers);
        }
        found
    }

    /// The names of active clients whose token anybody can read in MONARC's repositories.
    pub fn with_published_tokens(&self) -> Result<Vec<String>> {
        self.read(|tx| with_published_tokens(tx))
    }

    /// The client of this UUID or name; a UUID wins.
    ///
    /// # Errors
    /// `NotFound` if there is none.
    pub fn client(&self, name_or_uuid: &str) -> Result<Client> {
        self.read(|tx| by_name(tx, name_or_uuid))
    }

    /// Whether no client was ever made, not even one that is deleted by now.
    pub fn never_had_clients(&self) -> Result<bool> {
        self.read(|tx| {
            Ok(tx.query_row("SELECT NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'client')", [], |row| {
                row.get(0)
            })?)
        })
    }

    /// All clients in order of name.
    pub fn clients(&self) -> Result<Vec<Client>> {
        self.read(|tx| {
            let mut statement = tx.prepare_cached(&format!("SELECT {COLUMNS} FROM client ORDER BY name"))?;
            let rows = statement.query_map([], from_row)?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// Deletes a client with all its stats, part by part; gives the number of these. Its token is refused from the first
    /// part on, so that nothing more comes; if this is broken off, doing it again finishes it.
    pub fn delete_client(&self, client: &Client) -> Result<usize> {
        self.set_active(client, false)?;
        let mut gone = 0;
        loop {
            let all = Filter { client: Some(client.id), ..Filter::default() };
            gone += self.delete_stats(&all)?;
            let is_done = self.write(|tx| {
                let text = "DELETE FROM client WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM stat WHERE client = ?1)";
                let is_done = tx.execute(text, [client.id])? > 0 || find(tx, "id = ?1", params![client.id])?.is_none();
                touch(tx)?;
                Ok(is_done)
            })?;
            // What was being stored when its token was refused may have come since.
            if is_done {
                return Ok(gone);
            }
        }
    }

    /// Allows or forbids that the client's stats are pushed to another instance.
    pub fn set_sharing(&self, client: &Client, enabled: bool) -> Result<()> {
        self.set(client, "UPDATE client SET is_sharing_enabled = ?2 WHERE id = ?1", params![client.id, enabled])
    }

    /// Accepts or refuses the client's token from now on.
    pub fn set_active(&self, client: &Client, active: bool) -> Result<()> {
        self.set(client, "UPDATE client SET is_active = ?2 WHERE id = ?1", params![client.id, active])
    }

    /// Puts the client on the map, or takes it off.
    pub fn set_location(&self, client: &Client, place: Option<Location>) -> Result<()> {
        let (latitude, longitude) = place.map(|place| (place.latitude, place.longitude)).unzip();
        let text = "UPDATE client SET latitude = ?2, longitude = ?3 WHERE id = ?1";
        self.set(client, text, params![client.id, latitude, longitude])
    }

    /// All clients in order of name, each with the moment of its last stats in seconds since 1970.
    pub fn clients_with_arrivals(&self) -> Result<Vec<(Client, Option<i64>)>> {
        self.read(|tx| {
            let mut statement =
                tx.prepare_cached(&format!("SELECT {COLUMNS}, last_stat_at FROM client ORDER BY name"))?;
            let rows = statement.query_map([], |row| Ok((from_row(row)?, row.get("last_stat_at")?)))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// Changes a client in one transaction; gives it as it is then.
    ///
    /// # Errors
    /// `Conflict` if another client has the name, `NotFound` if it is gone.
    pub fn change_client(&self, client: &Client, change: &ClientChange) -> Result<Client> {
        self.write(|tx| {
            let mut client = by_id(tx, client)?;
            if let Some(name) = &change.name {
                if find(tx, "name = ?1", params![name])?.is_some_and(|other| other.id != client.id) {
                    return Err(Error::new(Kind::Conflict, format!("another client is called {name:?}")));
                }
                client.name.clone_from(name);
            }
            client.is_sharing_enabled = change.is_sharing_enabled.unwrap_or(client.is_sharing_enabled);
            client.is_active = change.is_active.unwrap_or(client.is_active);
            client.location = change.location.unwrap_or(client.location);
            if let Some(group) = &change.group {
                client.group.clone_from(group);
            }
            let (latitude, longitude) = client.location.map(|place| (place.latitude, place.longitude)).unzip();
            tx.execute(
                "UPDATE client SET name = ?2, is_sharing_enabled = ?3, is_active = ?4, latitude = ?5, longitude = ?6,
                     group_name = ?7
                 WHERE id = ?1",
                params![
                    client.id,
                    client.name,
                    client.is_sharing_enabled,
                    client.is_active,
                    latitude,
                    longitude,
                    client.group
                ],
            )?;
            touch(tx)?;
            Ok(client)
        })
    }

    /// Replaces the client's token.
    ///
    /// # Errors
    /// `Conflict` if another client has it.
    pub fn set_token(&self, client: &Client, token: &Token) -> Result<()> {
        self.write(|tx| set_token(tx, client, token))
    }

    fn set(&self, client: &Client, text: &str, values: &[&dyn rusqlite::ToSql]) -> Result<()> {
        self.write(|tx| {
            if tx.execute(text, values)? == 0 {
                return Err(unknown(&client.name));
            }
            touch(tx)
        })
    }
}

/// Clients that have just shown their token. Each request asks whether anybody has written since: what a command
/// changes is seen with the next one.
pub(super) struct Callers {
    connection: Connection,
    /// SQLite's count of other connections' commits when `known` was started.
    version: i64,
    known: HashMap<[u8; 32], Client>,
}

impl Callers {
    fn find(&mut self, hash: [u8; 32]) -> Result<Option<Client>> {
        let version = self.connection.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))?;
        if version != self.version {
            self.known.clear();
            self.version = version;
        }
        if let Some(client) = self.known.get(&hash) {
            return Ok(Some(client.clone()));
        }
        let found = find(&self.connection, "token_hash = ?1", params![hash])?;
        self.known.extend(found.iter().map(|client| (hash, client.clone())));
        Ok(found)
    }
}

pub(super) fn with_published_tokens(tx: &Connection) -> Result<Vec<String>> {
    let text = "SELECT name FROM client WHERE is_active = 1 AND hex(token_hash) IN (?1, ?2) ORDER BY name";
    let mut statement = tx.prepare_cached(text)?;
    let rows = statement.query_map(Token::PUBLISHED, |row| row.get(0));
    Ok(rows.and_then(Iterator::collect)?)
}

fn unknown(name: &str) -> Error {
    Error::new(Kind::NotFound, format!("there is no client {name:?}: see 'monarc-stats client list'"))
}

pub(super) fn find(tx: &Connection, condition: &str, values: &[&dyn rusqlite::ToSql]) -> Result<Option<Client>> {
    Ok(tx
        .prepare_cached(&format!("SELECT {COLUMNS} FROM client WHERE {condition}"))?
        .query_row(values, from_row)
        .optional()?)
}

/// A client as it is in this transaction.
pub(super) fn by_id(tx: &Transaction<'_>, client: &Client) -> Result<Client> {
    find(tx, "id = ?1", params![client.id])?.ok_or_else(|| unknown(&client.name))
}

/// The client of this UUID or name.
pub(super) fn by_name(tx: &Transaction<'_>, name_or_uuid: &str) -> Result<Client> {
    let by_uuid = match crate::model::parse_uuid(name_or_uuid) {
        Ok(uuid) => find(tx, "uuid = ?1", params![uuid.into_bytes()])?,
        Err(_) => None,
    };
    match by_uuid {
        Some(client) => Ok(client),
        None => find(tx, "name = ?1", params![name_or_uuid])?.ok_or_else(|| unknown(name_or_uuid)),
    }
}

pub(super) fn insert(tx: &Transaction<'_>, new: &NewClient<'_>) -> Result<Client> {
    let uuid = new.uuid.unwrap_or_else(Uuid::new_v4);
    let hash = Token::hash(new.token.reveal());
    for (what, condition, value) in [
        ("name", "name = ?1", params![new.name]),
        ("token", "token_hash = ?1", params![hash]),
        ("UUID", "uuid = ?1", params![uuid.into_bytes()]),
    ] {
        if find(tx, condition, value)?.is_some() {
            return Err(Error::new(Kind::Conflict, format!("a client with this {what} exists already")));
        }
    }
    tx.execute(
        "INSERT INTO client (uuid, name, token_hash, role, is_sharing_enabled, is_active, is_local, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, 1, 1, ?6)",
        params![uuid.into_bytes(), new.name, hash, new.role.name(), new.is_sharing_enabled, now()],
    )?;
    touch(tx)?;
    find(tx, "id = ?1", params![tx.last_insert_rowid()])?.ok_or_else(|| damaged("a new client is not there"))
}

fn set_token(tx: &Transaction<'_>, client: &Client, token: &Token) -> Result<()> {
    let hash = Token::hash(token.reveal());
    if find(tx, "token_hash = ?1", params![hash])?.is_some_and(|other| other.id != client.id) {
        return Err(Error::new(Kind::Conflict, "another client has this token"));
    }
    tx.execute("UPDATE client SET token_hash = ?2 WHERE id = ?1", params![client.id, hash])?;
    Ok(())
}
