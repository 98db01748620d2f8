//! Stats with all that belongs to them, in order of arrival, for an archive.

use super::Store;
use super::listing::{Filter, Stat, conditions, from_row};
use super::payloads::Texts;
use crate::error::Result;
use rusqlite::{ToSql, Transaction, params_from_iter};
use uuid::Uuid;

/// A stat with its client and its moment of arrival.
#[derive(Debug)]
pub struct Exported {
    /// The stat.
    pub stat: Stat<'static>,
    /// Its client's UUID.
    pub client: Uuid,
    /// Its client's name.
    pub client_name: String,
    /// Whether its client belongs to this instance.
    pub is_local: bool,
    /// When it arrived, in seconds since 1970.
    pub created_at: i64,
}

impl Store {
    /// How many stats an export would have.
    pub fn count_export(&self, filter: &Filter, sharing_only: bool) -> Result<u64> {
        self.read(|tx| {
            let (source, values) = source(filter, sharing_only);
            let number: i64 =
                tx.query_row(&format!("SELECT count(*) {source}"), params_from_iter(values), |row| row.get(0))?;
            Ok(u64::try_from(number).unwrap_or_default())
        })
    }

    /// The next stats of an export after an arrival, about `bytes` of data; none at the end. With `sharing_only`,
    /// those of clients whose sharing is enabled at this moment.
    pub fn page_of_export(
        &self,
        filter: &Filter,
        sharing_only: bool,
        after: i64,
        bytes: usize,
    ) -> Result<Vec<Exported>> {
        self.read(|tx| page(tx, filter, sharing_only, after, bytes))
    }
}

fn source(filter: &Filter, sharing_only: bool) -> (String, Vec<Box<dyn ToSql>>) {
    let (text, values) = conditions(filter);
    let sharing = if sharing_only { "AND client.is_sharing_enabled = 1" } else { "" };
    // Order of arrival is the table's own; an index would have every page sorted anew.
    let source = format!(
        "FROM stat NOT INDEXED
         CROSS JOIN analysis ON analysis.id = stat.analysis
         CROSS JOIN client ON client.id = stat.client
         CROSS JOIN payload ON payload.id = stat.payload
         WHERE {text} {sharing}"
    );
    (source, values)
}

fn page(tx: &Transaction<'_>, filter: &Filter, sharing_only: bool, after: i64, bytes: usize) -> Result<Vec<Exported>> {
    let (source, mut values) = source(filter, sharing_only);
    values.push(Box::new(after));
    let text = format!(
        "SELECT stat.seq, stat.uuid, analysis.uuid, stat.type, stat.date, {}, client.uuid, client.name, stat.created_at,
             client.is_local
         {source} AND stat.seq > ?{}
         ORDER BY stat.seq",
        Texts::COLUMNS,
        values.len()
    );
    let mut statement = tx.prepare_cached(&text)?;
    let mut rows = statement.query(params_from_iter(values))?;
    let (mut stats, mut size, mut texts) = (Vec::new(), 0, Texts::new(tx));
    while size < bytes
        && let Some(row) = rows.next()?
    {
        let stat = from_row(row, &mut texts)?.into_owned();
        size += stat.data.len() + 256;
        stats.push(Exported {
            stat,
            client: Uuid::from_bytes(row.get(9)?),
            client_name: row.get(10)?,
            created_at: row.get(11)?,
            is_local: row.get(12)?,
        });
    }
    Ok(stats)
}
