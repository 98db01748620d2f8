//! The move from the reference implementation: its tables `client` and `stats`, as psql writes them.
//!
//! ```sh
//! psql statsservice -c "\copy client to 'client.csv' csv header"
//! psql statsservice -c "\copy (select * from stats order by created_at) to 'stats.csv' csv header"
//! ```
//!
//! Clients keep their UUIDs, tokens (as hashes), roles, sharing, places and dates; a front office goes on with the key
//! it has. The reference stores what it is sent: stats without their type's shape are reported and left out. It also
//! keeps several stats of a day where one was meant: the newest stays.

use super::files::{Counted, failed};
use super::{Reporter, Tally};
use crate::error::{Error, Kind, Result};
use crate::model::client::{Location, check_name};
use crate::model::stat::NewStat;
use crate::model::{Client, Role, StatType, Token, date, parse_uuid};
use crate::store::Store;
use crate::store::clients::NewClient;
use crate::store::import::{Importing, OldClient};
use crate::store::parts::{BYTES, ROWS};
use csv::{Reader, StringRecord};
use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The reference's two tables, open.
pub struct Tables {
    clients: Table,
    stats: Table,
}

impl Tables {
    /// Opens `client.csv` and `stats.csv` in a directory.
    ///
    /// # Errors
    /// `NotFound` or `Unavailable` if one cannot be opened, `Invalid` if it is not CSV.
    pub fn open(directory: &Path) -> Result<Self> {
        let table = |name: &str| {
            let opened = Table::open(&directory.join(name));
            opened.map_err(|error| match error.kind {
                Kind::NotFound => Error::new(
                    error.kind,
                    "client.csv and stats.csv are needed: 'import --help' has the two lines of psql that write them",
                )
                .because(error.chain()),
                _ => error,
            })
        };
        Ok(Self { clients: table("client.csv")?, stats: table("stats.csv")? })
    }
}

/// Stores what the tables hold: all clients or none first, then their stats part by part, so that to repeat it finishes it.
/// Malformed stats are reported and left out; with `keep_going`, so are clients that cannot be taken over, and their stats. Gives beside the tally a sentence per client about what became of
/// its key.
///
/// # Errors
/// `Invalid` with file, line and reason for a client that cannot be taken over; those of the files and of the store.
pub fn import(
    store: &Store,
    tables: Tables,
    keep_going: bool,
    reporter: &mut Reporter<'_>,
) -> Result<(Tally, Vec<String>)> {
    let Tables { mut clients, mut stats } = tables;
    store.require_room(stats.total)?;
    let mark = store.newest_arrival()?;
    let mut work = Work { clients: HashMap::new(), keys: Vec::new(), tally: Tally::default() };
    store.import(mark, |importing| work.clients(importing, &mut clients, keep_going, reporter))?;
    stats.need(&["uuid", "anr", "type", "date", "data", "client_id"])?;
    loop {
        let part = stats.next_part()?;
        if part.is_empty() {
            return Ok((work.tally, work.keys));
        }
        store.import(mark, |importing| work.stats(importing, &mut stats, part, reporter))?;
        (reporter.progress)(stats.read.load(Ordering::Relaxed), stats.total);
    }
}

/// A table as CSV with a header; columns are found by name.
struct Table {
    path: PathBuf,
    total: u64,
    read: Arc<AtomicU64>,
    reader: Reader<Counted<File>>,
    columns: HashMap<String, usize>,
    row: StringRecord,
}

impl Table {
    fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|e| failed(path, "opened", e))?;
        let total = file.metadata().map_or(0, |data| data.len());
        let (file, read) = Counted::new(file);
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(file);
        let names = reader.headers().map_err(|e| unreadable(path, &e))?;
        let columns = names.iter().enumerate().map(|(index, name)| (name.to_owned(), index)).collect();
        Ok(Self { path: path.into(), total, read, reader, columns, row: StringRecord::new() })
    }

    fn need(&self, names: &[&str]) -> Result<()> {
        match names.iter().find(|name| !self.columns.contains_key(**name)) {
            None => Ok(()),
            Some(name) => {
                let path = self.path.display();
                Err(Error::invalid(format!("{path}:1: there is no column {name:?}: is it written with 'csv header'?")))
            }
        }
    }

    fn next(&mut self) -> Result<bool> {
        self.reader.read_record(&mut self.row).map_err(|e| unreadable(&self.path, &e))
    }

    /// The rows that are stored next in one transaction.
    fn next_part(&mut self) -> Result<Vec<StringRecord>> {
        let (mut part, mut bytes) = (Vec::new(), 0);
        while part.len() < ROWS && bytes < BYTES && self.next()? {
            bytes += self.row.as_slice().len();
            part.push(self.row.clone());
        }
        Ok(part)
    }

    /// A value of the row; empty if it is NULL or there is no such column.
    fn get(&self, name: &str) -> &str {
        self.columns.get(name).and_then(|&index| self.row.get(index)).unwrap_or("")
    }

    /// A value that must be there and be understood.
    fn parsed<T>(&self, name: &str, parse: impl Fn(&str) -> std::result::Result<T, String>) -> Result<T> {
        parse(self.get(name)).map_err(|reason| Error::invalid(format!("{name}: {reason}")))
    }

    /// The same of a value that may be NULL.
    fn optional<T>(&self, name: &str, parse: impl Fn(&str) -> std::result::Result<T, String>) -> Result<Option<T>> {
        if self.get(name).is_empty() { Ok(None) } else { self.parsed(name, parse).map(Some) }
    }

    /// A reason with the row's place before it.
    fn at(&self, reason: &str) -> String {
        let line = self.row.position().map_or(0, csv::Position::line);
        format!("{}:{line}: {reason}", self.path.display())
    }
}

fn unreadable(path: &Path, error: &csv::Error) -> Error {
    let line = error.position().map_or(0, csv::Position::line);
    Error::invalid(format!("{}:{line}: it is not CSV in UTF-8: {error}", path.display()))
}

struct Work {
    /// By the reference's own key.
    clients: HashMap<String, Client>,
    /// What became of each client's key, a sentence each.
    keys: Vec<String>,
    tally: Tally,
}

impl Work {
    fn clients(
        &mut self,
        importing: &Importing<'_>,
        table: &mut Table,
        keep_going: bool,
        reporter: &mut Reporter<'_>,
    ) -> Result<()> {
        table.need(&["id", "uuid", "name", "token", "role"])?;
        while table.next()? {
            match self.client(importing, table) {
                Ok(client) => {
                    self.clients.insert(table.get("id").to_owned(), client);
                }
                Err(error) if matches!(error.kind, Kind::Invalid | Kind::Conflict) => {
                    let text = table.at(&error.message);
                    if !keep_going {
                        let advice = "nothing was imported; --keep-going leaves it and its stats out";
                        return Err(Error::invalid(format!("{text} ({advice})")));
                    }
                    (reporter.notice)(&text);
                    self.tally.refused += 1;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn client(&mut self, importing: &Importing<'_>, row: &Table) -> Result<Client> {
        let uuid = row.parsed("uuid", parse_uuid)?;
        let token = row.parsed("token", Token::new)?;
        let name = row.get("name");
        check_name(name).map_err(|reason| Error::invalid(format!("name: {reason}")))?;
        let role = row.parsed("role", role)?;
        if let Some(client) = self.existing(importing, uuid, &token, name)? {
            return Ok(client);
        }
        let free = free_name(importing, name, role)?;
        let is_sharing_enabled = row.optional("is_sharing_enabled", boolean)?.unwrap_or(false);
        let degrees = |name: &str| row.optional(name, |text| text.trim().parse::<f64>().map_err(|e| e.to_string()));
        let place = degrees("latitude")?.zip(degrees("longitude")?);
        let location = place.map(|(north, east)| Location::new(north, east)).transpose().map_err(Error::invalid)?;
        let client = importing.add_client(&OldClient {
            new: NewClient { uuid: Some(uuid), name: &free, token: &token, role, is_sharing_enabled },
            is_active: row.optional("is_active", boolean)?.unwrap_or(true),
            is_local: row.optional("local", boolean)?.unwrap_or(true),
            location,
            created_at: row.optional("created_at", moment)?,
        })?;
        self.tally.clients += 1;
        let renamed = if free == name { String::new() } else { format!(", beside the {name:?} of this store") };
        let works = if client.is_active { "its key works" } else { "its key does not work until 'client activate'" };
        self.keys.push(format!("client {free:?} was made{renamed}; {works}"));
        Ok(client)
    }

    /// The client that is there already, by its UUID or its key.
    fn existing(
        &mut self,
        importing: &Importing<'_>,
        uuid: uuid::Uuid,
        token: &Token,
        name: &str,
    ) -> Result<Option<Client>> {
        let holder = importing.client_with(token)?;
        let Some(client) = importing.client(uuid)?.or_else(|| holder.clone()) else { return Ok(None) };
        self.keys.push(match holder {
            Some(holder) => {
                format!("client {name:?} was there as {:?}; its key works as that of {:?}", client.name, holder.name)
            }
            None => format!(
                "client {name:?} was there as {:?} with another key; the reference's key does not work: \
                 'client rotate-token {:?} --token -' sets it",
                client.name, client.name
            ),
        });
        Ok(Some(client))
    }

    fn stats(
        &mut self,
        importing: &mut Importing<'_>,
        table: &mut Table,
        part: Vec<StringRecord>,
        reporter: &mut Reporter<'_>,
    ) -> Result<()> {
        for row in part {
            table.row = row;
            // The column has dates only, so that one which cannot be read tells how all of them were written.
            if let Err(error) = table.parsed("date", date::parse_full) {
                let advice = "write both tables again with PGDATESTYLE=ISO before psql, and import them again";
                return Err(Error::invalid(format!("{} ({advice})", table.at(&error.message))));
            }
            match self.stat(importing, table) {
                Ok(()) => {}
                Err(error) if error.kind == Kind::Invalid => {
                    (reporter.notice)(&table.at(&error.message));
                    self.tally.refused += 1;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn stat(&mut self, importing: &mut Importing<'_>, row: &Table) -> Result<()> {
        let client = self.clients.get(row.get("client_id"));
        let client = client
            .ok_or_else(|| Error::invalid(format!("client_id: no client {:?} was imported", row.get("client_id"))))?;
        // As it is now: this is not the transaction in which it was made.
        let client = &importing.refreshed(client)?;
        let kind = row.parsed("type", StatType::parse)?;
        let data = row.get("data").trim();
        let (uuid, anr) = (row.parsed("uuid", parse_uuid)?, row.parsed("anr", parse_uuid)?);
        let mut stat = NewStat::new(Some(uuid), anr, kind, row.parsed("date", date::parse_of_stat)?, data);
        stat.check()
            .map_err(|flaw| Error::invalid(format!("{}: {}", flaw.field.as_deref().unwrap_or("data"), flaw.reason)))?;
        // A stat without a moment of arrival is as old as its date.
        let arrived = match row.optional("created_at", moment)? {
            Some(arrived) => arrived,
            None => moment(&stat.date.to_string()).map_err(Error::invalid)?,
        };
        self.tally.count(importing.add(client, &stat, Some(arrived))?);
        Ok(())
    }
}

/// A name for a client that the store does not have. An admin called like the store's own gets another name, because
/// its key is what a MONARC image gives its front office; any other name that is taken is a conflict.
fn free_name(importing: &Importing<'_>, name: &str, role: Role) -> Result<String> {
    match importing.client_named(name)? {
        None => Ok(name.to_owned()),
        Some(client) if role == Role::Admin && client.role == Role::Admin => {
            for number in 2..100 {
                let free = format!("{name} {number}");
                if importing.client_named(&free)?.is_none() {
                    return Ok(free);
                }
            }
            Err(Error::new(Kind::Conflict, format!("name: there are a hundred admins called {name:?} already")))
        }
        Some(_) => {
            Err(Error::new(Kind::Conflict, format!("name: there is a client {name:?} with another UUID and token")))
        }
    }
}

fn role(text: &str) -> std::result::Result<Role, String> {
    match text {
        "1" => Ok(Role::User),
        "2" => Ok(Role::Admin),
        name => Role::parse(name).map_err(|_| format!("{name:?} is no role: it must be 1 (user) or 2 (admin)")),
    }
}

fn boolean(text: &str) -> std::result::Result<bool, String> {
    match text {
        "t" | "true" | "1" => Ok(true),
        "f" | "false" | "0" => Ok(false),
        _ => Err(format!("{text:?} is neither t nor f")),
    }
}

/// A moment in seconds since 1970; without an offset it is in UTC, as the reference writes them.
fn moment(text: &str) -> std::result::Result<i64, String> {
    if let Ok(moment) = text.parse::<jiff::Timestamp>() {
        return Ok(moment.as_second());
    }
    let civil = text.parse::<jiff::civil::DateTime>();
    let zoned = civil.and_then(|civil| jiff::tz::TimeZone::UTC.to_timestamp(civil));
    zoned.map(jiff::Timestamp::as_second).map_err(|_| format!("{text:?} is not a moment such as 2026-11-01 04:00:00"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_of_postgresql_are_read() {
        for text in [
            "2026-11-01 04:00:00",
            "2026-11-01 04:00:00.123456",
            "2026-11-01 04:00:00+00",
            "2026-11-01 06:00:00.5+02",
            "2026-11-01T04:00:00Z",
        ] {
            assert_eq!(moment(text), Ok(1_793_505_600), "{text}");
        }
        assert_eq!(moment("2026-11-01"), Ok(1_793_491_200));
        assert!(moment("yesterday").is_err());
    }
}
