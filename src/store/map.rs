//! Clients on the map, each with what weighs most in its newest stats.

use super::Store;
use super::entries::Entries;
use super::rollups::parsed;
use crate::error::Result;
use crate::model::client::Location;
use crate::model::shapes::EVERY_STAT;
use crate::model::{Decimal, StatType};
use rusqlite::{Transaction, params};

/// A client on the map.
pub struct Place {
    /// Where it is.
    pub location: Location,
    /// The number of risks and the UUID of its most frequent threat.
    pub threat: (Decimal, String),
    /// The same of its most frequent vulnerability.
    pub vulnerability: (Decimal, String),
}

impl Store {
    /// Clients with coordinates that have threats and vulnerabilities, in order of their making.
    pub fn map(&self) -> Result<Vec<Place>> {
        self.read(|tx| {
            let mut statement =
                tx.prepare_cached("SELECT id, latitude, longitude FROM client WHERE latitude IS NOT NULL ORDER BY id")?;
            let rows = statement.query_map([], |row| {
                Ok((row.get::<_, i64>(0)?, Location { latitude: row.get(1)?, longitude: row.get(2)? }))
            });
            let mut places = Vec::new();
            for row in rows? {
                let (client, location) = row?;
                let threat = most_frequent(tx, client, StatType::Threat)?;
                let vulnerability = most_frequent(tx, client, StatType::Vulnerability)?;
                places.extend(threat.zip(vulnerability).map(|(threat, vulnerability)| Place {
                    location,
                    threat,
                    vulnerability,
                }));
            }
            Ok(places)
        })
    }
}

/// The thing with the highest count over the newest stats of all the client's analyses; of several, the first UUID.
fn most_frequent(tx: &Transaction<'_>, client: i64, kind: StatType) -> Result<Option<(Decimal, String)>> {
    let mut statement = tx.prepare_cached(
        "SELECT payload.entries
             FROM analysis
             CROSS JOIN stat ON stat.analysis = analysis.id AND stat.type = ?2 AND stat.date = (
                 SELECT max(date) FROM stat AS other WHERE other.analysis = analysis.id AND other.type = ?2)
             JOIN payload ON payload.id = stat.payload
             WHERE analysis.client = ?1",
    )?;
    let mut sums = Entries::new();
    let mut rows = statement.query(params![client, kind.number()])?;
    while let Some(row) = rows.next()? {
        for (object, entry) in parsed(row.get_ref(0).and_then(|value| Ok(value.as_blob()?))?)? {
            sums.entry(object).or_default().add(&entry, 1);
        }
    }
    let mut key = tx.prepare_cached("SELECT key FROM object WHERE id = ?1")?;
    let mut most: Option<(Decimal, String)> = None;
    for (object, entry) in &sums {
        let uuid: String = key.query_row([object], |row| row.get(0))?;
        let is_more =
            |(number, first): &(Decimal, String)| entry.sums[0] > *number || entry.sums[0] == *number && uuid < *first;
        if uuid != EVERY_STAT && most.as_ref().is_none_or(is_more) {
            most = Some((entry.sums[0], uuid));
        }
    }
    Ok(most)
}
