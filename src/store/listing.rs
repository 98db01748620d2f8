//! Reading stats: which ones, in which order, some at a time.

use super::payloads::Texts;
use super::rollups::{hex_list, stat_type, stored_date};
use super::{Store, damaged};
use crate::error::{Error, Kind, Result};
use crate::model::{Client, StatType, date};
use jiff::civil::Date;
use rusqlite::{OptionalExtension, ToSql, Transaction, params, params_from_iter};
use std::borrow::Cow;
use uuid::Uuid;

/// A stat as it was stored.
#[derive(Debug)]
pub struct Stat<'a> {
    /// Order of arrival.
    pub seq: i64,
    /// Its identity.
    pub uuid: Uuid,
    /// Its analysis.
    pub anr: Uuid,
    /// Its type.
    pub kind: StatType,
    /// Its calendar date.
    pub date: Date,
    /// JSON text, exactly as it was sent.
    pub data: Cow<'a, str>,
}

impl Stat<'_> {
    /// The same with a text of its own.
    pub fn into_owned(self) -> Stat<'static> {
        let Stat { seq, uuid, anr, kind, date, data } = self;
        Stat { seq, uuid, anr, kind, date, data: Cow::Owned(data.into_owned()) }
    }
}

/// Which stats to read or delete. Everything is optional; what is given must all hold.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Of this client.
    pub client: Option<i64>,
    /// Of this type.
    pub kind: Option<StatType>,
    /// Of these analyses.
    pub anrs: Option<Vec<Uuid>>,
    /// From this date on.
    pub from: Option<Date>,
    /// Up to this date.
    pub to: Option<Date>,
    /// Only the newest stat of each analysis and type.
    pub newest: bool,
}

/// Where a reader has got to: after this date and arrival.
#[derive(Clone, Copy, Debug)]
pub struct Position {
    pub(super) date: i64,
    pub(super) seq: i64,
}

impl Default for Position {
    /// Before everything.
    fn default() -> Self {
        Self { date: i64::MIN, seq: 0 }
    }
}

/// Where a stat is: in its analysis, on its day, of its type. A list is one of these, as they were when it began; each is
/// read when its turn comes, and whatever stat is there then is the one that is shown. So a stat that is replaced
/// meanwhile is shown as it is now, what comes at new places is not in the list, and only deletion can break it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatPlace {
    analysis: i64,
    day: i32,
    kind: i32,
}

/// Places that are looked up in one go at most.
pub const PLACES: usize = 256;

impl StatPlace {
    /// Bytes of one that is written down.
    pub const SIZE: usize = 16;

    /// The bytes in which it waits.
    pub fn to_bytes(self) -> [u8; Self::SIZE] {
        let mut bytes = [0; Self::SIZE];
        bytes[..8].copy_from_slice(&self.analysis.to_be_bytes());
        bytes[8..12].copy_from_slice(&self.day.to_be_bytes());
        bytes[12..].copy_from_slice(&self.kind.to_be_bytes());
        bytes
    }

    /// The place of these bytes.
    pub fn from_bytes(bytes: &[u8; Self::SIZE]) -> Self {
        let [a, b, c, d, e, f, g, h, rest @ ..] = *bytes;
        let [i, j, k, l, m, n, o, p] = rest;
        Self {
            analysis: i64::from_be_bytes([a, b, c, d, e, f, g, h]),
            day: i32::from_be_bytes([i, j, k, l]),
            kind: i32::from_be_bytes([m, n, o, p]),
        }
    }
}

/// Which of the matching stats a list has.
#[derive(Clone, Copy, Debug, Default)]
pub struct Range {
    /// Without this many at the beginning.
    pub offset: u64,
    /// At most this many.
    pub limit: Option<u64>,
}

/// How much of a list was read at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beginning {
    /// Stats that were read.
    pub read: u64,
    /// Whether there are no more.
    pub is_all: bool,
}

/// The newest stat of an analysis and type.
pub struct Latest {
    /// The client's name.
    pub client: String,
    /// The analysis.
    pub anr: Uuid,
    /// The type.
    pub kind: StatType,
    /// Its date.
    pub date: Date,
    /// When it arrived, in seconds since 1970.
    pub created_at: i64,
}

impl Store {
    /// How many stats match.
    pub fn count_stats(&self, filter: &Filter) -> Result<u64> {
        self.read(|tx| count(tx, filter))
    }

    /// Hands the first matching stats of a range to `each`, by date, then arrival, until about `bytes` of data were. If more
    /// are left, the places of all of them, as they are at the same moment, go to `each_place`.
    ///
    /// # Errors
    /// Those of `each_place` and of the store.
    pub fn list(
        &self,
        filter: &Filter,
        range: &Range,
        bytes: usize,
        each_place: &mut dyn FnMut(StatPlace) -> Result<()>,
        each: &mut dyn FnMut(&Stat<'_>),
    ) -> Result<Beginning> {
        self.read(|tx| {
            let beginning = beginning(tx, filter, range, bytes, each)?;
            if !beginning.is_all {
                for_each_place(tx, filter, range, each_place)?;
            }
            Ok(beginning)
        })
    }

    /// Hands the stats at some places to `each`, until about `bytes` of data were; gives how many these were.
    ///
    /// # Errors
    /// `Conflict` if one was deleted meanwhile, and those of the store.
    pub fn stats_at(&self, places: &[StatPlace], bytes: usize, each: &mut dyn FnMut(&Stat<'_>)) -> Result<usize> {
        self.read(|tx| stats_at(tx, places, bytes, each))
    }

    /// Hands the newest stat of each analysis and type to `each`, by client and analysis. A client is read at a time, so that
    /// whoever is slow to take them keeps no state of the store from going.
    ///
    /// # Errors
    /// Those of `each` and of the store, and `NotFound` for an unknown client.
    pub fn latest_stats(&self, client: Option<&str>, each: &mut dyn FnMut(&Latest) -> Result<()>) -> Result<()> {
        let clients = match client {
            Some(name) => vec![self.client(name)?],
            None => self.clients()?,
        };
        for client in clients {
            self.read(|tx| latest(tx, &client))?.iter().try_for_each(&mut *each)?;
        }
        Ok(())
    }
}

/// The newest stat of each of a client's analyses and types: the last entry of an index each.
fn latest(tx: &Transaction<'_>, client: &Client) -> Result<Vec<Latest>> {
    let mut analyses = tx.prepare_cached("SELECT id, uuid FROM analysis WHERE client = ?1 ORDER BY uuid")?;
    let mut newest = tx.prepare_cached(LATEST)?;
    let mut rows = analyses.query([client.id])?;
    let mut latest = Vec::new();
    while let Some(row) = rows.next()? {
        let (analysis, anr): (i64, _) = (row.get(0)?, Uuid::from_bytes(row.get(1)?));
        for kind in StatType::ALL {
            let found =
                newest.query_row(params![analysis, kind.number()], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
            if let Some((date, created_at)) = found {
                latest.push(Latest { client: client.name.clone(), anr, kind, date: stored_date(date)?, created_at });
            }
        }
    }
    Ok(latest)
}

/// The newest stat of an analysis and type.
pub(super) const LATEST: &str =
    "SELECT date, created_at FROM stat WHERE analysis = ?1 AND type = ?2 ORDER BY date DESC LIMIT 1";

/// A filter as SQL over stat and analysis, and its bound values.
pub(super) fn conditions(filter: &Filter) -> (String, Vec<Box<dyn ToSql>>) {
    let mut texts = vec!["1".to_owned()];
    let mut values: Vec<Box<dyn ToSql>> = Vec::new();
    let mut add = |text: &str, value: Box<dyn ToSql>| {
        values.push(value);
        texts.push(text.replace('?', &format!("?{}", values.len())));
    };
    if let Some(client) = filter.client {
        // Said of both, so that SQLite may start from either.
        add("stat.client = ? AND analysis.client = ?", Box::new(client));
    }
    if let Some(kind) = filter.kind {
        // No equation: SQLite would not know then that the index has the order that `order` wants.
        add("stat.type BETWEEN ? AND ?", Box::new(kind.number()));
    }
    if let Some(anrs) = &filter.anrs {
        // By the index of each client's analyses, whoever's they may be: the client's own condition is the first value.
        let owner = if filter.client.is_some() { "owner.id = @CLIENT" } else { "1" };
        let text = format!(
            "stat.analysis IN (
                 SELECT own.id FROM json_each(?) AS wanted CROSS JOIN client AS owner ON {owner}
                 CROSS JOIN analysis AS own ON own.client = owner.id AND own.uuid = unhex(wanted.value))"
        );
        add(&text, Box::new(hex_list(anrs)));
    }
    if let Some(from) = filter.from {
        add("stat.date >= ?", Box::new(date::to_number(from)));
    }
    if let Some(to) = filter.to {
        add("stat.date <= ?", Box::new(date::to_number(to)));
    }
    if filter.newest {
        let kind = filter.kind.map_or("stat.type".to_owned(), |kind| kind.number().to_string());
        texts.push(format!(
            "stat.date = (SELECT max(date) FROM stat AS other WHERE other.analysis = analysis.id AND other.type = {kind})"
        ));
    }
    (texts.join(" AND ").replace("@CLIENT", "?1"), values)
}

/// The tables a filter speaks of. The newest stats are found from the few analyses, not from the many stats.
fn source(filter: &Filter) -> &'static str {
    match filter.newest {
        true => "analysis CROSS JOIN stat ON stat.analysis = analysis.id",
        false => "stat JOIN analysis ON analysis.id = stat.analysis",
    }
}

/// By date, then arrival; of one type this is the order of an index with the type between the two.
fn order(filter: &Filter) -> &'static str {
    match (filter.client, filter.kind) {
        (Some(_), Some(_)) => "stat.date, stat.type, stat.seq",
        _ => "stat.date, stat.seq",
    }
}

fn count(tx: &Transaction<'_>, filter: &Filter) -> Result<u64> {
    let (text, values) = conditions(filter);
    let number: i64 = tx
        .prepare_cached(&format!("SELECT count(*) FROM {} WHERE {text}", source(filter)))?
        .query_row(params_from_iter(values), |row| row.get(0))?;
    u64::try_from(number).map_err(|_| damaged("a negative number of stats"))
}

/// The query for some columns of a list, which joins more tables, and the values of its filter; limit and offset follow.
pub(super) fn list_text(filter: &Filter, columns: &str, joined: &str) -> (String, Vec<Box<dyn ToSql>>) {
    let (text, values) = conditions(filter);
    let [limit, offset] = [1, 2].map(|more| values.len() + more);
    let text = format!(
        "SELECT {columns} FROM {} {joined} WHERE {text} ORDER BY {} LIMIT ?{limit} OFFSET ?{offset}",
        source(filter),
        order(filter),
    );
    (text, values)
}

/// The values of a list's filter and range.
fn list_values(mut values: Vec<Box<dyn ToSql>>, range: &Range) -> Vec<Box<dyn ToSql>> {
    let bound = |number: u64| Box::new(i64::try_from(number).unwrap_or(i64::MAX));
    values.extend([range.limit.map_or(Box::new(-1), bound) as Box<dyn ToSql>, bound(range.offset)]);
    values
}

/// Columns of [`StatPlace`].
pub(super) const PLACE_COLUMNS: &str = "stat.analysis, stat.date, stat.type";

fn for_each_place(
    tx: &Transaction<'_>,
    filter: &Filter,
    range: &Range,
    each: &mut dyn FnMut(StatPlace) -> Result<()>,
) -> Result<()> {
    let (text, values) = list_text(filter, PLACE_COLUMNS, "");
    let mut statement = tx.prepare_cached(&text)?;
    let mut rows = statement.query(params_from_iter(list_values(values, range)))?;
    while let Some(row) = rows.next()? {
        each(StatPlace { analysis: row.get(0)?, day: row.get(1)?, kind: row.get(2)? })?;
    }
    Ok(())
}

fn beginning(
    tx: &Transaction<'_>,
    filter: &Filter,
    range: &Range,
    bytes: usize,
    each: &mut dyn FnMut(&Stat<'_>),
) -> Result<Beginning> {
    let columns = format!("stat.seq, stat.uuid, analysis.uuid, stat.type, stat.date, {}", Texts::COLUMNS);
    let (text, values) = list_text(filter, &columns, "JOIN payload ON payload.id = stat.payload");
    let mut statement = tx.prepare_cached(&text)?;
    let mut rows = statement.query(params_from_iter(list_values(values, range)))?;
    let (mut texts, mut read, mut size) = (Texts::new(tx), 0, 0);
    while let Some(row) = rows.next()? {
        if size >= bytes {
            return Ok(Beginning { read, is_all: false });
        }
        let stat = from_row(row, &mut texts)?;
        each(&stat);
        size += stat.data.len();
        read += 1;
    }
    Ok(Beginning { read, is_all: true })
}

fn stats_at(
    tx: &Transaction<'_>,
    places: &[StatPlace],
    bytes: usize,
    each: &mut dyn FnMut(&Stat<'_>),
) -> Result<usize> {
    let mut statement = tx.prepare_cached(&format!(
        "SELECT stat.seq, stat.uuid, analysis.uuid, stat.type, stat.date, {}
         FROM stat JOIN analysis ON analysis.id = stat.analysis JOIN payload ON payload.id = stat.payload
         WHERE stat.analysis = ?1 AND stat.date = ?2 AND stat.type = ?3",
        Texts::COLUMNS
    ))?;
    let (mut texts, mut read, mut size) = (Texts::new(tx), 0, 0);
    for place in places {
        if size >= bytes {
            break;
        }
        let mut rows = statement.query(params![place.analysis, place.day, place.kind])?;
        let gone = || Error::new(Kind::Conflict, "a stat of the list was deleted before it was read: ask again");
        let stat = from_row(rows.next()?.ok_or_else(gone)?, &mut texts)?;
        each(&stat);
        size += stat.data.len();
        read += 1;
    }
    Ok(read)
}

pub(super) fn from_row<'a>(row: &'a rusqlite::Row<'_>, texts: &'a mut Texts<'_>) -> Result<Stat<'a>> {
    Ok(Stat {
        seq: row.get(0)?,
        uuid: Uuid::from_bytes(row.get(1)?),
        anr: Uuid::from_bytes(row.get(2)?),
        kind: stat_type(row.get(3)?)?,
        date: stored_date(row.get(4)?)?,
        data: Cow::Borrowed(texts.read(row, 5)?),
    })
}
