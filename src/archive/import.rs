//! Lines to stats.

use super::files::Lines;
use super::{Reporter, Tally};
use crate::error::{Error, Kind, Result};
use crate::model::client::check_name;
use crate::model::stat::NewStat;
use crate::model::{Client, Role, Token, parse_uuid, shapes};
use crate::store::Store;
use crate::store::clients::NewClient;
use crate::store::import::{Imported, Importing, OldClient};
use crate::store::parts::{BYTES, ROWS};
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::HashMap;

/// How to import.
pub struct Import<'a> {
    /// Whose all stats are to be, whatever the lines say.
    pub client: Option<&'a str>,
    /// Whether to store what is good and to report the rest, rather than to end at the first bad line.
    pub keep_going: bool,
}

/// Reads lines and stores their stats, part by part. To repeat an import that was broken off finishes it: what is there
/// already stays as it is.
///
/// # Errors
/// `Invalid` with file, line and reason at the first line that cannot be used, unless it is to keep going; the lines before
/// it are stored then. Those of the store and of the file.
pub fn import(store: &Store, import: &Import<'_>, lines: &mut Lines, reporter: &mut Reporter<'_>) -> Result<Tally> {
    let mark = store.newest_arrival()?;
    let client = import.client.map(|name| store.client(name)).transpose()?;
    store.require_room(lines.unpacked())?;
    let mut work = Work { client, keep_going: import.keep_going, known: HashMap::new(), tally: Tally::default() };
    loop {
        // Whoever is slow to give us lines keeps nobody from writing.
        let part = next_part(lines)?;
        if part.is_empty() {
            return Ok(work.tally);
        }
        let bad = store.import(mark, |importing| work.part(importing, &lines.name, &part, reporter))?;
        (reporter.progress)(lines.position(), lines.total);
        if let Some(bad) = bad {
            return Err(bad);
        }
    }
}

/// Lines with their numbers.
type Part = Vec<(u64, Vec<u8>)>;

/// The lines that are stored next in one transaction.
fn next_part(lines: &mut Lines) -> Result<Part> {
    let (mut part, mut bytes) = (Part::new(), 0);
    while part.len() < ROWS
        && bytes < BYTES
        && let Some((number, line)) = lines.next()?
    {
        bytes += line.len();
        part.push((number, line.to_vec()));
    }
    Ok(part)
}

/// What a line says beside its stat.
#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow, default)]
    client: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    client_name: Option<Cow<'a, str>>,
    #[serde(default)]
    client_is_local: Option<bool>,
    #[serde(borrow, default)]
    created_at: Option<Cow<'a, str>>,
}

struct Work {
    client: Option<Client>,
    keep_going: bool,
    known: HashMap<String, Client>,
    tally: Tally,
}

impl Work {
    /// Imports some lines. Gives what is wrong with the first bad one, where the rest is not to be imported.
    fn part(
        &mut self,
        importing: &mut Importing<'_>,
        name: &str,
        part: &Part,
        reporter: &mut Reporter<'_>,
    ) -> Result<Option<Error>> {
        self.client = self.client.take().map(|client| importing.refreshed(&client)).transpose()?;
        self.known.clear();
        for (number, line) in part {
            match self.line(importing, line, reporter) {
                Ok(imported) => self.tally.count(imported),
                Err(error) if error.kind == Kind::Invalid => {
                    let text = format!("{name}:{number}: {}", error.message);
                    if !self.keep_going {
                        let advice = "what is before it is imported; mend it and import again, or leave it out with \
                                      --keep-going";
                        return Ok(Some(Error::invalid(format!("{text} ({advice})"))));
                    }
                    (reporter.notice)(&text);
                    self.tally.refused += 1;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// Imports one line; what is wrong with it is an `Invalid` without its place.
    fn line(&mut self, importing: &mut Importing<'_>, line: &[u8], reporter: &mut Reporter<'_>) -> Result<Imported> {
        let (stat, about, arrived) = take_apart(line)?;
        if let Some(client) = &self.client {
            return importing.add(client, &stat, arrived);
        }
        let Some(uuid) = about.client.clone() else {
            return Err(Error::invalid("client: is missing; --client says whose the stats are"));
        };
        if !self.known.contains_key(uuid.as_ref()) {
            let client = self.client_of(importing, &uuid, &about, reporter)?;
            self.known.insert(uuid.clone().into_owned(), client);
        }
        match self.known.get(uuid.as_ref()) {
            Some(client) => importing.add(client, &stat, arrived),
            None => Err(Error::new(Kind::Internal, "a client that was just found is gone")),
        }
    }

    /// The client that a line names, made if the store has none of this UUID.
    fn client_of(
        &mut self,
        importing: &Importing<'_>,
        uuid: &str,
        about: &Line<'_>,
        reporter: &mut Reporter<'_>,
    ) -> Result<Client> {
        let uuid = parse_uuid(uuid).map_err(|reason| Error::invalid(format!("client: {reason}")))?;
        if let Some(client) = importing.client(uuid)? {
            return Ok(client);
        }
        let name = about
            .client_name
            .as_deref()
            .ok_or_else(|| Error::invalid("client_name: is missing, and no client has this UUID"))?;
        check_name(name).map_err(|reason| Error::invalid(format!("client_name: {reason}")))?;
        if importing.client_named(name)?.is_some() {
            let text =
                format!("client: there is a client {name:?} with another UUID; --client says whose the stats are");
            return Err(Error::invalid(text));
        }
        // Nobody knows this token: the client can send nothing until its operator gives it one.
        let token =
            Token::random().map_err(|e| Error::new(Kind::Internal, "no random numbers can be had").because(e))?;
        let new = NewClient { uuid: Some(uuid), name, token: &token, role: Role::User, is_sharing_enabled: false };
        let is_local = about.client_is_local.unwrap_or(true);
        let old = OldClient { new, is_active: true, is_local, location: None, created_at: None };
        let client = importing.add_client(&old)?;
        self.tally.clients += 1;
        (reporter.notice)(&format!("made the client {name:?}; 'client rotate-token' gives it a token"));
        Ok(client)
    }
}

/// What a line says: a stat, and whose it is and when it arrived, in seconds since 1970.
fn take_apart(line: &[u8]) -> Result<(NewStat<'_>, Line<'_>, Option<i64>)> {
    let text = std::str::from_utf8(line).map_err(|_| Error::invalid("it is not UTF-8"))?;
    let stat = NewStat::parse(text).map_err(|flaw| invalid(&flaw))?;
    let about: Line<'_> = shapes::from_text(text, &[]).map_err(|flaw| invalid(&flaw))?;
    let arrived = about.created_at.as_deref().map(moment).transpose()?;
    Ok((stat, about, arrived))
}

/// Reads bytes as a file to import, for the fuzzer.
#[cfg(fuzzing)]
pub fn examine(bytes: &[u8], packed: bool) {
    let mut lines = Lines::of(bytes.to_vec(), packed);
    while let Ok(Some((_, line))) = lines.next() {
        let _ = take_apart(line);
    }
}

/// A moment of arrival, in seconds since 1970.
fn moment(text: &str) -> Result<i64> {
    let parsed = text.parse::<jiff::Timestamp>();
    parsed
        .map(jiff::Timestamp::as_second)
        .map_err(|_| Error::invalid("created_at: it is not a moment such as 2026-11-01T04:00:00Z"))
}

fn invalid(flaw: &shapes::Flaw) -> Error {
    Error::invalid(match &flaw.field {
        Some(field) => format!("{field}: {}", flaw.reason),
        None => flaw.reason.clone(),
    })
}
