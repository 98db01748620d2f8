//! What may leave for another instance, and what each has accepted.
//!
//! The client's permission is part of every query here, not of its callers: it is asked again for each batch.

use super::Store;
use super::listing::{Filter, Position, Stat, conditions, from_row};
use super::payloads::Texts;
use super::read_only::ReadOnlyStore;
use super::rollups::{stat_type, stored_date};
use crate::error::Result;
use crate::model::{StatType, date};
use jiff::civil::Date;
use rusqlite::{OptionalExtension, ToSql, Transaction, params, params_from_iter};
use uuid::Uuid;

/// Which stats are to be pushed, and where to.
#[derive(Clone, Debug)]
pub struct PushQuery {
    /// Address of the remote, as its memory is filed.
    pub remote: String,
    /// Which stats.
    pub filter: Filter,
    /// Also those that the remote has accepted already.
    pub all: bool,
    /// Also those that took the place of one the remote has: it replaces, too.
    pub replaced: bool,
}

/// How a stat stands with a remote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PushState {
    /// The remote has nothing of this analysis, type and date.
    New,
    /// The remote has accepted it.
    Accepted,
    /// The remote has an earlier one.
    Replaced,
    /// Its analysis was taken back from the remote.
    Withdrawn,
    /// Another client has an analysis with the same UUID, and its stats are those that leave.
    Twin,
}

/// Stats of one kind among those that may leave.
#[derive(Clone, Debug)]
pub struct PushSummary {
    /// The client's name; for this machine's eyes only.
    pub client: String,
    /// The analysis.
    pub anr: Uuid,
    /// The type.
    pub kind: StatType,
    /// How they stand with the remote.
    pub state: PushState,
    /// Their number.
    pub number: u64,
    /// Date of the first.
    pub first: Date,
    /// Date of the last.
    pub last: Date,
    /// The name of the client whose stats of this analysis leave instead.
    pub twin: Option<String>,
}

/// Tables and conditions of what may leave: from the stats on, whose indexes have the order they leave in; and with
/// payloads such that SQLite leaves them out where nobody reads them.
const SOURCE: &str = "
    FROM stat
    CROSS JOIN analysis ON analysis.id = stat.analysis
    CROSS JOIN client ON client.id = stat.client AND client.is_sharing_enabled = 1
    LEFT JOIN payload ON payload.id = stat.payload
    LEFT JOIN pushed
        ON pushed.remote = ?REMOTE AND pushed.anr = analysis.uuid
        AND pushed.type = stat.type AND pushed.date = stat.date
    LEFT JOIN withdrawn ON withdrawn.remote = ?REMOTE AND withdrawn.anr = analysis.uuid
    LEFT JOIN twin ON twin.uuid = analysis.uuid AND twin.owner <> stat.client
    WHERE 1";

/// Analyses that several clients have under one UUID, and the one of them whose stats leave: the one that the remote has
/// stats of, else the one that was made first.
const TWINS: &str = "
    WITH twin AS MATERIALIZED (
        SELECT
            analysis.uuid,
            coalesce(max(CASE WHEN held.client = client.id THEN client.id END), min(client.id)) AS owner
        FROM analysis
        JOIN client ON client.id = analysis.client
        LEFT JOIN pushed_analysis AS held ON held.remote = ?REMOTE AND held.anr = analysis.uuid
        WHERE client.is_sharing_enabled = 1 OR held.client = client.id
        GROUP BY analysis.uuid HAVING count(*) > 1)";

const STATE: &str = "
    CASE
        WHEN twin.owner IS NOT NULL THEN 4
        WHEN withdrawn.anr IS NOT NULL THEN 3
        WHEN pushed.uuid IS NULL THEN 0
        WHEN pushed.uuid = stat.uuid THEN 1
        ELSE 2
    END";

impl Store {
    /// Everything that may leave, by client, analysis, type and state.
    pub fn push_summaries(&self, query: &PushQuery) -> Result<Vec<PushSummary>> {
        self.read(|tx| {
            let (twins, source, values) = source(tx, query)?;
            let text = format!(
                "{twins}
                 SELECT client.name, analysis.uuid, stat.type, {STATE} AS state, count(*), min(stat.date),
                        max(stat.date), (SELECT name FROM client AS other WHERE other.id = twin.owner)
                 {source}
                 GROUP BY client.name, analysis.uuid, stat.type, state
                 ORDER BY client.name, analysis.uuid, stat.type, state"
            );
            let mut statement = tx.prepare(&text)?;
            let mut rows = statement.query(params_from_iter(values))?;
            let mut shares = Vec::new();
            while let Some(row) = rows.next()? {
                shares.push(PushSummary {
                    client: row.get(0)?,
                    anr: Uuid::from_bytes(row.get(1)?),
                    kind: stat_type(row.get(2)?)?,
                    state: state(row.get(3)?),
                    number: u64::try_from(row.get::<_, i64>(4)?).unwrap_or_default(),
                    first: stored_date(row.get(5)?)?,
                    last: stored_date(row.get(6)?)?,
                    twin: row.get(7)?,
                });
            }
            Ok(shares)
        })
    }

    /// The next stats that are to leave, of the filter's one type, by date and arrival: at most `number` (at least
    /// one) and about `bytes` of data.
    pub fn outgoing(
        &self,
        query: &PushQuery,
        after: Position,
        number: usize,
        bytes: usize,
    ) -> Result<Vec<Stat<'static>>> {
        self.read(|tx| {
            let (twins, source, mut values) = source(tx, query)?;
            values.extend([Box::new(after.date) as Box<dyn ToSql>, Box::new(after.seq)]);
            let n = values.len();
            let standings = match (query.all, query.replaced) {
                (false, false) => "(0)",
                (false, true) => "(0, 2)",
                (true, false) => "(0, 1)",
                (true, true) => "(0, 1, 2)",
            };
            let text = format!(
                "{twins}
                 SELECT stat.seq, stat.uuid, analysis.uuid, stat.type, stat.date, {}
                 {source} AND {STATE} IN {standings} AND (stat.date, stat.seq) > (?{}, ?{n})
                 ORDER BY stat.date, stat.seq",
                Texts::COLUMNS,
                n - 1
            );
            let mut statement = tx.prepare_cached(&text)?;
            let mut rows = statement.query(params_from_iter(values))?;
            let (mut stats, mut size, mut texts) = (Vec::new(), 0, Texts::new(tx));
            while let Some(row) = rows.next()? {
                let stat = from_row(row, &mut texts)?.into_owned();
                size += stat.data.len();
                if size > bytes && !stats.is_empty() {
                    break;
                }
                stats.push(stat);
                if stats.len() >= number {
                    break;
                }
            }
            Ok(stats)
        })
    }

    /// Remembers that a remote holds these stats.
    pub fn remember_pushed<'a, 'b: 'a>(
        &self,
        remote: &str,
        stats: impl IntoIterator<Item = &'a Stat<'b>>,
    ) -> Result<()> {
        self.write(|tx| {
            let remote = make_remote(tx, remote)?;
            for stat in stats {
                let values = params![
                    remote,
                    stat.anr.into_bytes(),
                    stat.kind.number(),
                    date::to_number(stat.date),
                    stat.uuid.into_bytes()
                ];
                tx.prepare_cached(
                    "INSERT INTO pushed (remote, anr, type, date, uuid) VALUES (?1, ?2, ?3, ?4, ?5)
                     ON CONFLICT DO UPDATE SET uuid = excluded.uuid",
                )?
                .execute(values)?;
                tx.prepare_cached(
                    "INSERT INTO pushed_analysis (remote, anr, client)
                     SELECT ?1, ?2, client FROM stat WHERE uuid = ?3
                     ON CONFLICT DO UPDATE SET client = excluded.client",
                )?
                .execute(params![remote, stat.anr.into_bytes(), stat.uuid.into_bytes()])?;
            }
            Ok(())
        })
    }

    /// The analyses of which a remote holds what this client sent; not those that another client sent under their UUID.
    pub fn pushed_analyses(&self, remote: &str, client: i64) -> Result<Vec<Uuid>> {
        self.read(|tx| {
            let mut statement = tx.prepare(
                "SELECT held.anr FROM pushed_analysis AS held JOIN remote ON remote.id = held.remote
                 WHERE remote.url = ?1 AND held.client = ?2 ORDER BY held.anr",
            )?;
            let rows = statement.query_map(params![remote, client], |row| Ok(Uuid::from_bytes(row.get(0)?)))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// Remembers that an analysis was taken back from a remote.
    pub fn remember_withdrawn(&self, remote: &str, anr: Uuid) -> Result<()> {
        self.write(|tx| {
            let values = params![make_remote(tx, remote)?, anr.into_bytes()];
            tx.execute("DELETE FROM pushed WHERE remote = ?1 AND anr = ?2", values)?;
            tx.execute("DELETE FROM pushed_analysis WHERE remote = ?1 AND anr = ?2", values)?;
            tx.execute("INSERT OR IGNORE INTO withdrawn (remote, anr) VALUES (?1, ?2)", values)?;
            Ok(())
        })
    }

    /// Allows that analyses which were taken back from a remote are pushed there again.
    pub fn forget_withdrawn(&self, remote: &str, anrs: &[Uuid]) -> Result<()> {
        self.write(|tx| {
            let Some(remote) = find_remote(tx, remote)? else { return Ok(()) };
            for anr in anrs {
                let values = params![remote, anr.into_bytes()];
                tx.execute("DELETE FROM withdrawn WHERE remote = ?1 AND anr = ?2", values)?;
            }
            Ok(())
        })
    }
}

impl ReadOnlyStore {
    /// Analyses that several sharing clients have under one UUID, each with the names of these clients.
    pub fn twins(&self) -> Result<Vec<(Uuid, String)>> {
        let mut statement = self.connection.prepare(
            "SELECT analysis.uuid, group_concat(client.name, ', ' ORDER BY client.id)
             FROM analysis JOIN client ON client.id = analysis.client
             WHERE client.is_sharing_enabled = 1
             GROUP BY analysis.uuid HAVING count(*) > 1",
        )?;
        let rows = statement.query_map([], |row| Ok((Uuid::from_bytes(row.get(0)?), row.get(1)?)))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}

impl Position {
    /// Where a stat stands.
    pub fn of(stat: &Stat) -> Self {
        Self { date: date::to_number(stat.date), seq: stat.seq }
    }
}

fn state(number: i64) -> PushState {
    match number {
        0 => PushState::New,
        1 => PushState::Accepted,
        2 => PushState::Replaced,
        3 => PushState::Withdrawn,
        _ => PushState::Twin,
    }
}

/// Texts of queries and the values that are bound in them.
type Source = (String, String, Vec<Box<dyn ToSql>>);

/// The analyses that clients have in common, the source with its filter, and the values of all.
fn source(tx: &Transaction<'_>, query: &PushQuery) -> Result<Source> {
    let (text, mut values) = conditions(&query.filter);
    values.push(Box::new(find_remote(tx, &query.remote)?.unwrap_or(-1)));
    let remote = format!("?{}", values.len());
    let source = format!("{} AND {text}", SOURCE.replace("?REMOTE", &remote));
    Ok((TWINS.replace("?REMOTE", &remote), source, values))
}

fn find_remote(tx: &Transaction<'_>, url: &str) -> Result<Option<i64>> {
    Ok(tx.query_row("SELECT id FROM remote WHERE url = ?1", [url], |row| row.get(0)).optional()?)
}

fn make_remote(tx: &Transaction<'_>, url: &str) -> Result<i64> {
    tx.execute("INSERT OR IGNORE INTO remote (url) VALUES (?1)", [url])?;
    Ok(tx.query_row("SELECT id FROM remote WHERE url = ?1", [url], |row| row.get(0))?)
}
