//! Releases in the store: what they are made of, read in pieces; and what was published, written once.

use super::rollups::{parsed, stored_date};
use super::{Store, damaged, now, touch};
use crate::error::{Error, Kind, Result};
use crate::model::{Client, StatType, date};
use flate2::read::{DeflateDecoder, DeflateEncoder};
use jiff::civil::Date;
use rusqlite::{Connection, OptionalExtension, Row, Rows, Transaction, params};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};
use std::io::Read;
use std::rc::Rc;

use super::entries::Entry;

/// An organisation with one vote: the clients of a group, or a single one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contributor {
    /// The group's name, or the client's.
    pub name: String,
    /// Its clients' keys in the store.
    pub clients: Vec<i64>,
    /// Its analyses' keys.
    pub analyses: Vec<i64>,
}

/// Of each day, what the last stat of each analysis has; and the keys of objects that were not known.
pub type LastStats = (Vec<Vec<Stat>>, Vec<(i64, String)>);

/// What a stat has, by object.
pub type Stat = Rc<[(i64, Entry)]>;

/// A release as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its week's last day.
    pub week: Date,
    /// The version of its rules.
    pub rules: i64,
    /// How many contributors a cell needed.
    pub k: usize,
    /// When it was built, in seconds since 1970.
    pub built_at: i64,
    /// SHA-256 of the text.
    pub hash: [u8; 32],
    /// JSON text; none if it was withdrawn.
    pub cells: Option<String>,
}

/// A release without what it publishes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleaseHead {
    /// Its week's last day.
    pub week: Date,
    /// How many contributors a cell needed.
    pub k: usize,
    /// When it was built, in seconds since 1970.
    pub built_at: i64,
    /// SHA-256 of the text.
    pub hash: [u8; 32],
    /// Whether it was taken down.
    pub is_withdrawn: bool,
}

/// What a new release is made of.
pub struct New<'a> {
    /// Its week's last day.
    pub week: Date,
    /// The version of its rules.
    pub rules: i64,
    /// How many contributors a cell needed.
    pub k: usize,
    /// JSON text.
    pub cells: &'a str,
}

/// What decides which weeks are to be built.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Weeks {
    /// The newest week that has a release, withdrawn or not.
    pub newest: Option<Date>,
    /// The day on which a backup took the store's place, if it or the backup had releases.
    pub restored_on: Option<Date>,
    /// The dates of the oldest and of the newest stat of those who contribute. What others post must not be seen.
    pub stats: Option<(Date, Date)>,
}

/// Who contributes to releases.
const CONTRIBUTES: &str = "client.is_active AND client.is_sharing_enabled AND client.role <> 'admin'";

/// The day under which the changes of a live instance are kept.
const LIVE: i64 = 0;

impl Store {
    /// Who contributes to releases: active clients that share and are no admins, or groups of them.
    pub fn contributors(&self) -> Result<Vec<Contributor>> {
        self.read(|tx| {
            let mut statement = tx.prepare_cached(&format!(
                "SELECT client.id, client.name, client.group_name, analysis.id
                 FROM client JOIN analysis ON analysis.client = client.id
                 WHERE {CONTRIBUTES}
                 ORDER BY client.id, analysis.id",
            ))?;
            gathered(statement.query([])?)
        })
    }

    /// Every analysis as a contributor of its own, for instances that publish live.
    pub fn analyses(&self) -> Result<Vec<Contributor>> {
        self.read(|tx| {
            let mut statement = tx.prepare_cached("SELECT client, id FROM analysis ORDER BY id")?;
            let rows = statement.query_map([], |row| {
                Ok(Contributor { name: String::new(), clients: vec![row.get(0)?], analyses: vec![row.get(1)?] })
            });
            Ok(rows.and_then(Iterator::collect)?)
        })
    }

    /// For each of these days: what the last stat of each analysis of a contributor has, of the `days` that end with it;
    /// and the keys of its objects that are not in `known`.
    pub fn last_stats(
        &self,
        contributor: &Contributor,
        kind: StatType,
        ends: &[Date],
        days: i64,
        is_known: &dyn Fn(i64) -> bool,
    ) -> Result<LastStats> {
        self.read(|tx| {
            let mut read: HashMap<i64, Stat> = HashMap::new();
            let mut found = Vec::with_capacity(ends.len());
            for end in ends.iter().map(|end| date::to_number(*end)) {
                let mut stats = Vec::new();
                for analysis in &contributor.analyses {
                    let payload: Option<i64> = tx
                        .prepare_cached(LAST)?
                        .query_row(params![analysis, kind.number(), end - days, end], |row| row.get(0))
                        .optional()?;
                    if let Some(payload) = payload {
                        stats.push(stat(tx, payload, &mut read)?);
                    }
                }
                found.push(stats);
            }
            let mut keys = BTreeMap::new();
            for (object, _) in read.values().flat_map(|stat| stat.iter()) {
                if !is_known(*object) && !keys.contains_key(object) {
                    let key: String = tx
                        .prepare_cached("SELECT key FROM object WHERE id = ?1")?
                        .query_row([object], |row| row.get(0))?;
                    keys.insert(*object, key);
                }
            }
            Ok((found, keys.into_iter().collect()))
        })
    }

    /// How often a reader has looked for the last stat of an analysis.
    #[cfg(test)]
    pub fn looks_for_last_stats(&self) -> Result<i32> {
        self.read(|tx| Ok(tx.prepare_cached(LAST)?.get_status(rusqlite::StatementStatus::Run)))
    }

    /// How often a reader has read releases.
    #[cfg(test)]
    pub fn reads_of_releases(&self) -> Result<i32> {
        self.read(|tx| Ok(tx.prepare_cached(&between())?.get_status(rusqlite::StatementStatus::Run)))
    }

    /// What decides which weeks are to be built.
    pub fn release_weeks(&self) -> Result<Weeks> {
        self.read(|tx| {
            let day = |number: Option<i64>| number.map(stored_date).transpose();
            let newest = tx.query_row("SELECT max(week) FROM release WHERE week <> 0", [], |row| row.get(0))?;
            let restored = tx.query_row("SELECT restored_on FROM state", [], |row| row.get(0))?;
            // An end of the index per client.
            let end = |end: &str| {
                let of_client = format!("SELECT {end}(date) AS date FROM stat WHERE stat.client = client.id");
                let text =
                    format!("SELECT {end}(date) FROM (SELECT ({of_client}) AS date FROM client WHERE {CONTRIBUTES})");
                tx.prepare_cached(&text)?.query_row([], |row| row.get(0))
            };
            let stats = day(end("min")?)?.zip(day(end("max")?)?);
            Ok(Weeks { newest: day(newest)?, restored_on: day(restored)?, stats })
        })
    }

    /// Whether those who contribute have stats of these days.
    pub fn has_stats_between(&self, first: Date, last: Date) -> Result<bool> {
        self.read(|tx| {
            Ok(tx
                .prepare_cached(&format!(
                    "SELECT 1 FROM client CROSS JOIN stat ON stat.client = client.id
                     WHERE {CONTRIBUTES} AND stat.date BETWEEN ?1 AND ?2",
                ))?
                .exists([date::to_number(first), date::to_number(last)])?)
        })
    }

    /// Keeps a release, unless its week has one. Gives whether it was kept.
    pub fn keep_release(&self, new: &New<'_>) -> Result<bool> {
        let row = (date::to_number(new.week), new.k, Sha256::digest(new.cells), deflate(new.cells)?);
        self.write(|tx| {
            let text =
                "INSERT OR IGNORE INTO release (week, rules, k, built_at, hash, cells) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
            let k = i64::try_from(row.1).unwrap_or(i64::MAX);
            let kept = tx.execute(text, params![row.0, new.rules, k, now(), row.2.as_slice(), row.3])?;
            touch(tx)?;
            Ok(kept > 0)
        })
    }

    /// Keeps the changes that a live instance shows, in place of those of the day before. No other answer rests on them.
    pub fn keep_live_changes(&self, rules: i64, cells: &str) -> Result<()> {
        let (hash, cells) = (Sha256::digest(cells), deflate(cells)?);
        self.write_quietly(|tx| {
            tx.execute(
                "INSERT OR REPLACE INTO release (week, rules, k, built_at, hash, cells) VALUES (?1, ?2, 1, ?3, ?4, ?5)",
                params![LIVE, rules, now(), hash.as_slice(), cells],
            )?;
            Ok(())
        })
    }

    /// The changes that a live instance shows, and when they were computed, in seconds since 1970.
    pub fn live_changes(&self) -> Result<Option<Kept>> {
        self.read(|tx| {
            tx.prepare_cached(&format!("SELECT {COLUMNS} FROM release WHERE week = ?1"))?
                .query_row([LIVE], columns)
                .optional()?
                .map(kept)
                .transpose()
        })
    }

    /// The SHA-256 of the changes that a live instance shows: it tells whether they are others, without reading them.
    pub fn live_changes_hash(&self) -> Result<Option<[u8; 32]>> {
        self.read(|tx| {
            let mut statement = tx.prepare_cached("SELECT hash FROM release WHERE week = ?1")?;
            Ok(statement.query_row([LIVE], |row| row.get(0)).optional()?)
        })
    }

    /// The releases of the weeks whose last days are these, in order; withdrawn ones have no cells.
    pub fn releases(&self, from: Option<Date>, to: Option<Date>) -> Result<Vec<Kept>> {
        self.read(|tx| {
            let mut statement = tx.prepare_cached(&between())?;
            let from = from.map_or(i64::MIN, date::to_number);
            let to = to.map_or(i64::MAX, date::to_number);
            let rows: Vec<ReleaseRow> = statement.query_map([from, to], columns).and_then(Iterator::collect)?;
            rows.into_iter().map(kept).collect()
        })
    }

    /// All releases without what they publish, in order.
    pub fn release_heads(&self) -> Result<Vec<ReleaseHead>> {
        self.read(|tx| {
            let text = "SELECT week, k, built_at, hash, cells IS NULL FROM release WHERE week <> 0 ORDER BY week";
            let mut statement = tx.prepare_cached(text)?;
            let mut rows = statement.query([])?;
            let mut heads = Vec::new();
            while let Some(row) = rows.next()? {
                let (week, built_at, hash, is_withdrawn) =
                    (stored_date(row.get(0)?)?, row.get(2)?, row.get(3)?, row.get(4)?);
                let k =
                    usize::try_from(row.get::<_, i64>(1)?).map_err(|_| damaged("a release of a negative number"))?;
                heads.push(ReleaseHead { week, k, built_at, hash, is_withdrawn });
            }
            Ok(heads)
        })
    }

    /// Takes a week down for all; it is never built again.
    ///
    /// # Errors
    /// `NotFound` if it was never published.
    pub fn withdraw_release(&self, week: Date) -> Result<()> {
        self.write(|tx| {
            let gone = tx.execute("UPDATE release SET cells = NULL WHERE week = ?1", [date::to_number(week)])?;
            if gone == 0 {
                let text = format!("no release ends on {week}: see 'monarc-stats release list'");
                return Err(Error::new(Kind::NotFound, text));
            }
            touch(tx)
        })
    }

    /// Puts a client into a group, which then has one vote in releases; none takes it out.
    pub fn set_group(&self, client: &Client, group: Option<&str>) -> Result<()> {
        self.write(|tx| {
            tx.execute("UPDATE client SET group_name = ?2 WHERE id = ?1", params![client.id, group])?;
            touch(tx)
        })
    }
}

/// The query for the releases of some weeks.
fn between() -> String {
    format!("SELECT {COLUMNS} FROM release WHERE week <> 0 AND week BETWEEN ?1 AND ?2 ORDER BY week")
}

/// The query for the last stat of an analysis in some days.
const LAST: &str = "SELECT payload FROM stat WHERE analysis = ?1 AND type = ?2 AND date > ?3 AND date <= ?4
     ORDER BY date DESC LIMIT 1";

/// Clients with their groups and analyses, a row per analysis in order of client, as contributors.
pub(super) fn gathered(mut rows: Rows<'_>) -> Result<Vec<Contributor>> {
    let mut found: BTreeMap<(bool, String), Contributor> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let (client, name, group): (i64, String, Option<String>) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let key = (group.is_some(), group.unwrap_or(name));
        let contributor = found.entry(key).or_insert_with_key(|(_, name)| Contributor {
            name: name.clone(),
            clients: Vec::new(),
            analyses: Vec::new(),
        });
        if contributor.clients.last() != Some(&client) {
            contributor.clients.push(client);
        }
        contributor.analyses.extend(row.get::<_, Option<i64>>(3)?);
    }
    Ok(found.into_values().collect())
}

/// What a payload has; unchanged analyses have the same one for weeks.
fn stat(tx: &Transaction<'_>, payload: i64, read: &mut HashMap<i64, Stat>) -> Result<Stat> {
    if let Some(known) = read.get(&payload) {
        return Ok(Rc::clone(known));
    }
    let mut statement = tx.prepare_cached("SELECT entries FROM payload WHERE id = ?1")?;
    let entries: Vec<u8> = statement.query_row([payload], |row| row.get(0))?;
    let stat: Stat = parsed(&entries)?.into();
    read.insert(payload, Rc::clone(&stat));
    Ok(stat)
}

/// A release as its row has it.
pub(super) type ReleaseRow = (i64, i64, i64, i64, [u8; 32], Option<Vec<u8>>);

/// Every release, deflated as it is.
pub(super) fn rows(tx: &Transaction<'_>) -> Result<Vec<ReleaseRow>> {
    let mut statement = tx.prepare_cached(&format!("SELECT {COLUMNS} FROM release WHERE week <> 0 ORDER BY week"))?;
    let rows = statement.query_map([], columns);
    Ok(rows.and_then(Iterator::collect)?)
}

/// Whether anything was ever released.
pub(super) fn has_any(connection: &Connection) -> Result<bool> {
    Ok(connection.query_row("SELECT EXISTS (SELECT 1 FROM release WHERE week <> 0)", [], |row| row.get(0))?)
}

/// Puts what was published into a copy of a backup that is to take the store's place, and marks the day: a week that was
/// over by then and has no release may have had one in a store that is lost.
pub(super) fn carry_over(copy: &mut Connection, published: &[ReleaseRow]) -> Result<()> {
    let tx = copy.transaction()?;
    for (week, rules, k, built_at, hash, cells) in published {
        tx.execute(
            "INSERT OR REPLACE INTO release (week, rules, k, built_at, hash, cells) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![week, rules, k, built_at, hash.as_slice(), cells],
        )?;
    }
    tx.execute("DELETE FROM release WHERE week = ?1", [LIVE])?;
    if has_any(&tx)? {
        let today = date::to_number(date::today());
        tx.execute("UPDATE state SET restored_on = max(coalesce(restored_on, ?1), ?1)", [today])?;
    }
    Ok(tx.commit()?)
}

const COLUMNS: &str = "week, rules, k, built_at, hash, cells";

fn columns(row: &Row<'_>) -> rusqlite::Result<ReleaseRow> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?))
}

fn kept((week, rules, k, built_at, hash, cells): ReleaseRow) -> Result<Kept> {
    let cells = cells.map(|cells| inflate(&cells)).transpose()?;
    let k = usize::try_from(k).map_err(|_| damaged("a release for fewer than no contributors"))?;
    Ok(Kept { week: stored_date(week)?, rules, k, built_at, hash, cells })
}

fn deflate(text: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    DeflateEncoder::new(text.as_bytes(), flate2::Compression::best())
        .read_to_end(&mut bytes)
        .map_err(|error| Error::new(Kind::Internal, "a release cannot be compressed").because(error))?;
    Ok(bytes)
}

fn inflate(bytes: &[u8]) -> Result<String> {
    let mut text = String::new();
    DeflateDecoder::new(bytes)
        .read_to_string(&mut text)
        .map_err(|error| damaged("a release cannot be read").because(error))?;
    Ok(text)
}
