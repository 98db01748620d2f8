//! Reading stats: which ones, in which order, page by page.

use super::payloads::Texts;
use super::rollups::{hex_list, stat_type, stored_date};
use super::{Store, clients, damaged};
use crate::error::Result;
use crate::model::{StatType, date};
use jiff::civil::Date;
use rusqlite::{ToSql, Transaction, params_from_iter};
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

/// What a page was, once its stats have been handed over.
#[derive(Clone, Copy, Debug, Default)]
pub struct Page {
    /// How many stats it had.
    pub number: u64,
    /// How many there are from the beginning of the range to its end, at the same moment; only told with a first page.
    pub total: u64,
    /// Where the next page starts; none if this is the last.
    pub next: Option<Position>,
}

/// Which of the matching stats a page has.
#[derive(Clone, Copy, Debug, Default)]
pub struct Range {
    /// Those after this position.
    pub after: Option<Position>,
    /// Without this many at the beginning.
    pub offset: u64,
    /// At most this many.
    pub limit: Option<u64>,
}

impl Range {
    /// How many of so many stats are in the range.
    fn of(&self, all: u64) -> u64 {
        let rest = all.saturating_sub(self.offset);
        self.limit.map_or(rest, |limit| rest.min(limit))
    }
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

    /// Hands the matching stats of a range to `each`, by date, then arrival, until about `bytes` of data were handed over.
    pub fn page_of_stats(
        &self,
        filter: &Filter,
        range: &Range,
        bytes: usize,
        each: &mut dyn FnMut(&Stat<'_>),
    ) -> Result<Page> {
        self.read(|tx| {
            let mut page = page(tx, filter, range, bytes, each)?;
            page.total = match (range.after, page.next) {
                (None, None) => page.number,
                (None, Some(_)) => range.of(count(tx, filter)?),
                _ => 0,
            };
            Ok(page)
        })
    }

    /// The newest stat of each analysis and type, newest first.
    ///
    /// # Errors
    /// Only those of the store, and `NotFound` for an unknown client.
    pub fn latest_stats(&self, client: Option<&str>) -> Result<Vec<Latest>> {
        self.read(|tx| {
            let client = client.map(|name| clients::by_name(tx, name)).transpose()?.map(|client| client.id);
            let mut statement = tx.prepare_cached(
                "SELECT client.name, analysis.uuid, stat.type, max(stat.date), stat.created_at
                     FROM stat JOIN client ON client.id = stat.client JOIN analysis ON analysis.id = stat.analysis
                     WHERE ?1 IS NULL OR stat.client = ?1
                     GROUP BY stat.analysis, stat.type
                     ORDER BY max(stat.date) DESC, client.name, analysis.uuid, stat.type",
            )?;
            let mut rows = statement.query([client])?;
            let mut latest = Vec::new();
            while let Some(row) = rows.next()? {
                latest.push(Latest {
                    client: row.get(0)?,
                    anr: Uuid::from_bytes(row.get(1)?),
                    kind: stat_type(row.get(2)?)?,
                    date: stored_date(row.get(3)?)?,
                    created_at: row.get(4)?,
                });
            }
            Ok(latest)
        })
    }
}

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
        .prepare_cached(&format!("SELECT count(*) FROM {} WHERE {text}", source(filter)))
        .and_then(|mut statement| statement.query_row(params_from_iter(values), |row| row.get(0)))?;
    u64::try_from(number).map_err(|_| damaged("a negative number of stats"))
}

/// The query for a page, and the values of its filter; date and arrival after which it begins, limit and offset follow.
pub(super) fn page_text(filter: &Filter) -> (String, Vec<Box<dyn ToSql>>) {
    let (text, values) = conditions(filter);
    let [date, seq, limit, offset] = [1, 2, 3, 4].map(|more| values.len() + more);
    let text = format!(
        "SELECT stat.seq, stat.uuid, analysis.uuid, stat.type, stat.date, {}
         FROM {} JOIN payload ON payload.id = stat.payload
         WHERE {text} AND (stat.date, stat.seq) > (?{date}, ?{seq})
         ORDER BY {}
         LIMIT ?{limit} OFFSET ?{offset}",
        Texts::COLUMNS,
        source(filter),
        order(filter),
    );
    (text, values)
}

fn page(
    tx: &Transaction<'_>,
    filter: &Filter,
    range: &Range,
    bytes: usize,
    each: &mut dyn FnMut(&Stat<'_>),
) -> Result<Page> {
    let (text, mut values) = page_text(filter);
    let after = range.after.unwrap_or_default();
    let bound = |number: u64| Box::new(i64::try_from(number).unwrap_or(i64::MAX));
    values.extend([Box::new(after.date) as Box<dyn ToSql>, Box::new(after.seq)]);
    values.extend([range.limit.map_or(Box::new(-1), bound) as Box<dyn ToSql>, bound(range.offset)]);
    let mut statement = tx.prepare_cached(&text)?;
    let mut rows = statement.query(params_from_iter(values))?;
    let mut texts = Texts::new(tx);
    let mut page = Page::default();
    let mut size = 0;
    while let Some(row) = rows.next()? {
        let stat = from_row(row, &mut texts)?;
        each(&stat);
        page.number += 1;
        size += stat.data.len();
        if size >= bytes {
            page.next = Some(Position { date: date::to_number(stat.date), seq: stat.seq });
            break;
        }
    }
    Ok(page)
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
