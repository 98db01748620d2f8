//! Who is compared with whom: the organisations of this instance, and what another one publishes.

use super::labels::Naming;
use super::releases::{Contributor, gathered};
use super::rollups::stored_date;
use super::{Store, damaged, labels, now, touch};
use crate::error::{Error, Kind, Result};
use crate::model::shapes::Texts;
use crate::model::{Client, StatType, date};
use jiff::civil::Date;
use rusqlite::{OptionalExtension, Row, params};

/// What another instance publishes of a type.
#[derive(Clone, Debug, PartialEq)]
pub struct FromAfar {
    /// The type.
    pub kind: StatType,
    /// The instance's address.
    pub url: String,
    /// The newest date that its figures have.
    pub date: Date,
    /// Object, number of the measure, part of its scale.
    pub figures: Vec<(String, usize, f64)>,
}

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

    /// The analyses of a client, each as a contributor of its own.
    pub fn analyses_of(&self, client: &Client) -> Result<Vec<Contributor>> {
        let Contributor { name, clients, analyses } = self.contributor(client)?;
        let one = |analysis| Contributor { name: name.clone(), clients: clients.clone(), analyses: vec![analysis] };
        Ok(analyses.into_iter().map(one).collect())
    }

    /// The organisations of this instance: active clients, or groups of them, also without stats.
    pub fn organisations(&self) -> Result<Vec<Contributor>> {
        self.read(|tx| {
            let mut statement = tx.prepare_cached(
                "SELECT client.id, client.name, client.group_name, analysis.id
                 FROM client LEFT JOIN analysis ON analysis.client = client.id
                 WHERE client.is_active ORDER BY client.id, analysis.id",
            )?;
            gathered(statement.query([])?)
        })
    }

    /// Keeps what another instance publishes, in place of what was kept of these types, and of any other instance.
    pub fn keep_from_afar(&self, url: &str, all: &[FromAfar]) -> Result<()> {
        self.write(|tx| {
            tx.execute("DELETE FROM benchmark WHERE url <> ?1", [url])?;
            for one in all {
                let figures = serde_json::to_string(&one.figures)
                    .map_err(|error| Error::new(Kind::Internal, "figures cannot be written").because(error))?;
                tx.execute(
                    "INSERT OR REPLACE INTO benchmark (type, url, date, asked_at, figures) VALUES (?1, ?2, ?3, ?4, ?5)",
                    params![one.kind.number(), url, date::to_number(one.date), now(), figures],
                )?;
            }
            touch(tx)
        })
    }

    /// Lets go of what any other instance publishes.
    pub fn forget_from_afar(&self) -> Result<()> {
        self.write(|tx| {
            tx.execute("DELETE FROM benchmark", [])?;
            touch(tx)
        })
    }

    /// What another instance publishes of a type, if that is known.
    pub fn from_afar(&self, kind: StatType) -> Result<Option<FromAfar>> {
        self.read(|tx| {
            let row: Option<(String, i64, String)> = tx
                .prepare_cached("SELECT url, date, figures FROM benchmark WHERE type = ?1")
                .and_then(|mut statement| {
                    let columns = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
                    statement.query_row([kind.number()], columns).optional()
                })?;
            let Some((url, date, figures)) = row else { return Ok(None) };
            let figures =
                serde_json::from_str(&figures).map_err(|error| damaged("figures cannot be read").because(error))?;
            Ok(Some(FromAfar { kind, url, date: stored_date(date)?, figures }))
        })
    }

    /// From where and when that came, of which date: the figures themselves are not read.
    pub fn from_afar_at(&self, kind: StatType) -> Result<Option<(String, i64, i64)>> {
        self.read(|tx| {
            let text = "SELECT url, date, asked_at FROM benchmark WHERE type = ?1";
            let columns = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
            Ok(tx.prepare_cached(text)?.query_row([kind.number()], columns).optional()?)
        })
    }

    /// Whether anything of another instance is known.
    pub fn has_from_afar(&self) -> Result<bool> {
        self.read(|tx| {
            let mut statement = tx.prepare_cached("SELECT 1 FROM benchmark")?;
            Ok(statement.exists([])?)
        })
    }

    /// What an object is called; nothing if no stat has it any more.
    pub fn texts_for(&self, kind: StatType, key: &str, naming: Naming) -> Result<Texts> {
        self.read(|tx| {
            let object: Option<i64> =
                tx.prepare_cached("SELECT id FROM object WHERE type = ?1 AND key = ?2").and_then(|mut statement| {
                    statement.query_row(params![kind.number(), key], |row| row.get(0)).optional()
                })?;
            object.map_or_else(|| Ok(Texts::default()), |object| Ok(labels::shown(tx, object, naming)?.1))
        })
    }
}
