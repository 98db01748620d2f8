//! Stats and clients that come from elsewhere with a history: their dates of arrival are kept.

use super::objects::Objects;
use super::payloads::Packer;
use super::stats::{ItemOutcome, StatWriter};
use super::{Store, clients, touch};
use crate::error::{Error, Result};
use crate::model::client::Location;
use crate::model::stat::NewStat;
use crate::model::{Client, date};
use clients::NewClient;
use rusqlite::{OptionalExtension, Transaction, params};
use std::collections::HashMap;
use std::sync::atomic::Ordering;
use uuid::Uuid;

/// Stats between two writes of the rollups: memory stays bounded, and a day's rollup is not written for each of them.
const FLUSH: usize = 5000;

/// What became of an imported stat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Imported {
    /// It is in the store now.
    Stored,
    /// It is in the store now, in the place of one that this import had stored.
    Replacing,
    /// A stat with its UUID was there already.
    Known,
    /// The store holds a later one of the same analysis, type and date.
    Outdated,
}

/// Everything about a client that another store knew.
pub struct OldClient<'a> {
    /// As for a new one.
    pub new: NewClient<'a>,
    /// Whether its token is accepted.
    pub is_active: bool,
    /// Whether it belongs to this instance.
    pub is_local: bool,
    /// Where the map shows it.
    pub location: Option<Location>,
    /// When it was made, in seconds since 1970; now if it is not known.
    pub created_at: Option<i64>,
}

/// An import that is under way, in one transaction.
pub struct Importing<'a> {
    tx: &'a Transaction<'a>,
    writer: Option<StatWriter<'a>>,
    /// The newest arrival before the import began: what came later was imported by it.
    mark: i64,
    collected: usize,
    latest: HashMap<i64, i64>,
    /// How many distinct objects a client may have.
    max_objects: usize,
}

impl Store {
    /// The newest arrival, for [`Store::import`].
    pub fn newest_arrival(&self) -> Result<i64> {
        self.read(|tx| {
            Ok(tx.query_row("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'stat'", [], |row| {
                row.get(0)
            })?)
        })
    }

    /// Runs an import, or a part of one, in one transaction: `work` stores it all or nothing. `mark` is the newest
    /// arrival before the first part.
    ///
    /// # Errors
    /// Those of `work` and of the store.
    pub fn import<T>(&self, mark: i64, work: impl FnOnce(&mut Importing<'_>) -> Result<T>) -> Result<T> {
        // Random keys of millions of rows: with the usual small cache every insert would read the disk.
        self.maintain(|connection| Ok(connection.execute_batch("PRAGMA cache_size = -64000")?))?;
        self.deleted.store(true, Ordering::Relaxed);
        self.write(|tx| {
            let mut importing = Importing {
                tx,
                writer: None,
                mark,
                collected: 0,
                latest: HashMap::new(),
                max_objects: self.max_objects(),
            };
            let value = work(&mut importing)?;
            importing.finish()?;
            touch(tx)?;
            Ok(value)
        })
    }
}

impl<'a> Importing<'a> {
    /// Stores a stat of a client. Without a moment of arrival it arrives now.
    ///
    /// # Errors
    /// `Invalid` if the client would have too many distinct objects, and those of the store.
    pub fn add(&mut self, client: &Client, stat: &NewStat<'_>, arrived: Option<i64>) -> Result<Imported> {
        let now = super::now();
        let writer = self.writer.get_or_insert_with(|| {
            let mut writer = StatWriter::new(self.tx, client, now, Objects::default());
            writer.packer = Packer::fast();
            writer.limit = self.max_objects;
            writer
        });
        writer.client = (client.id, client.is_local);
        writer.now = arrived.unwrap_or(now);
        if let Some(uuid) = stat.uuid
            && writer.exists(uuid)?
        {
            return Ok(Imported::Known);
        }
        let analysis = writer.analysis(stat.anr)?;
        let place = place(self.tx, analysis, stat)?;
        if let (Some(arrived), Some((seq, there))) = (arrived, place)
            && (there > arrived || there == arrived && seq <= self.mark)
        {
            return Ok(Imported::Outdated);
        }
        if !writer.add(stat.uuid.unwrap_or_else(Uuid::now_v7), stat)? {
            let flaw = ItemOutcome::TooMany(self.max_objects).flaw();
            return Err(Error::invalid(flaw.map_or_else(String::new, |flaw| format!("data: {}", flaw.reason))));
        }
        let latest = self.latest.entry(client.id).or_insert(writer.now);
        *latest = writer.now.max(*latest);
        self.collected += 1;
        if self.collected.is_multiple_of(FLUSH) {
            writer.flush()?;
        }
        let own = place.is_some_and(|(seq, _)| seq > self.mark);
        Ok(if own { Imported::Replacing } else { Imported::Stored })
    }

    /// A client as it is now: a command may have changed or deleted it since it was looked at.
    ///
    /// # Errors
    /// `NotFound` if it is gone.
    pub fn refreshed(&self, client: &Client) -> Result<Client> {
        clients::by_id(self.tx, client)
    }

    /// The client of this UUID, if there is one.
    pub fn client(&self, uuid: Uuid) -> Result<Option<Client>> {
        clients::find(self.tx, "uuid = ?1", params![uuid.into_bytes()])
    }

    /// The client of this name, if there is one.
    pub fn client_named(&self, name: &str) -> Result<Option<Client>> {
        clients::find(self.tx, "name = ?1", params![name])
    }

    /// The client that has this token, if there is one.
    pub fn client_with(&self, token: &crate::model::Token) -> Result<Option<Client>> {
        clients::find(self.tx, "token_hash = ?1", params![crate::model::Token::hash(token.reveal())])
    }

    /// Makes a client.
    ///
    /// # Errors
    /// `Conflict` if its UUID, name or token is taken.
    pub fn add_client(&self, old: &OldClient<'_>) -> Result<Client> {
        let client = clients::insert(self.tx, &old.new)?;
        let (latitude, longitude) = old.location.map(|place| (place.latitude, place.longitude)).unzip();
        let created_at = old.created_at.unwrap_or(client.created_at);
        self.tx.execute(
            "UPDATE client SET is_active = ?2, is_local = ?3, latitude = ?4, longitude = ?5, created_at = ?6
                 WHERE id = ?1",
            params![client.id, old.is_active, old.is_local, latitude, longitude, created_at],
        )?;
        let (is_active, is_local, location) = (old.is_active, old.is_local, old.location);
        Ok(Client { is_active, is_local, location, created_at, ..client })
    }

    fn finish(&mut self) -> Result<()> {
        if let Some(writer) = &mut self.writer {
            writer.flush()?;
        }
        for (client, latest) in &self.latest {
            self.tx.execute(
                "UPDATE client SET last_stat_at = max(coalesce(last_stat_at, ?2), ?2) WHERE id = ?1",
                [client, latest],
            )?;
        }
        Ok(())
    }
}

/// Order and moment of arrival of the stat that stands at the place of this one.
fn place(tx: &Transaction<'_>, analysis: i64, stat: &NewStat<'_>) -> Result<Option<(i64, i64)>> {
    let values = params![analysis, stat.kind.number(), date::to_number(stat.date)];
    let mut statement =
        tx.prepare_cached("SELECT seq, created_at FROM stat WHERE analysis = ?1 AND type = ?2 AND date = ?3")?;
    Ok(statement.query_row(values, |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
}
