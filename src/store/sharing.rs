//! What may leave for another instance, and what each has accepted.
//!
//! The client's permission is part of every query here, not of its callers: it is asked again for each batch.

use super::listing::{Filter, Position, Stat, conditions, from_row};
use super::payloads::Texts;
use super::rollups::{stat_type, stored_date};
use super::{Store, sql};
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
}

/// Stats of one kind among those that may leave.
#[derive(Debug)]
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
}

/// Tables and conditions of what may leave: from the stats on, whose indexes have the order they leave in; and with
/// payloads such that SQLite leaves them out where nobody reads them. Of two sharing clients that have the same analysis, the stat that came
/// last counts: to the remote both are one.
const SOURCE: &str = "
    FROM stat
    CROSS JOIN analysis ON analysis.id = stat.analysis
    CROSS JOIN client ON client.id = stat.client AND client.is_sharing_enabled = 1
    LEFT JOIN payload ON payload.id = stat.payload
    LEFT JOIN pushed
        ON pushed.remote = ?REMOTE AND pushed.anr = analysis.uuid
        AND pushed.type = stat.type AND pushed.date = stat.date
    LEFT JOIN withdrawn ON withdrawn.remote = ?REMOTE AND withdrawn.anr = analysis.uuid
    WHERE NOT (analysis.uuid IN (SELECT uuid FROM twin) AND EXISTS (
        SELECT 1 FROM analysis AS twin_analysis
        JOIN client AS twin_client ON twin_client.id = twin_analysis.client AND twin_client.is_sharing_enabled = 1
        JOIN stat AS later ON later.analysis = twin_analysis.id
        WHERE twin_analysis.uuid = analysis.uuid AND later.type = stat.type AND later.date = stat.date
        AND later.seq > stat.seq))";

const TWINS: &str = "
    WITH twin AS MATERIALIZED (
        SELECT analysis.uuid FROM analysis JOIN client ON client.id = analysis.client
        WHERE client.is_sharing_enabled = 1
        GROUP BY analysis.uuid HAVING count(*) > 1)";

const STATE: &str = "
    CASE
        WHEN withdrawn.anr IS NOT NULL THEN 3
        WHEN pushed.uuid IS NULL THEN 0
        WHEN pushed.uuid = stat.uuid THEN 1
        ELSE 2
    END";

impl Store {
    /// Everything that may leave, by client, analysis, type and state.
    pub fn push_summaries(&self, query: &PushQuery) -> Result<Vec<PushSummary>> {
        self.read(|tx| {
            let (source, values) = source(tx, query)?;
            let text = format!(
                "{TWINS}
                 SELECT client.name, analysis.uuid, stat.type, {STATE} AS state, count(*), min(stat.date),
                        max(stat.date)
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
            let (source, mut values) = source(tx, query)?;
            values.extend([Box::new(after.date) as Box<dyn ToSql>, Box::new(after.seq)]);
            let n = values.len();
            let standings = match (query.all, query.replaced) {
                (false, false) => "(0)",
                (false, true) => "(0, 2)",
                (true, false) => "(0, 1)",
                (true, true) => "(0, 1, 2)",
            };
            let text = format!(
                "{TWINS}
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
                )
                .and_then(|mut statement| statement.execute(values))?;
            }
            Ok(())
        })
    }

    /// The analyses of a client that a remote holds something of.
    pub fn pushed_analyses(&self, remote: &str, client: i64) -> Result<Vec<Uuid>> {
        self.read(|tx| {
            let mut statement = tx.prepare(
                "SELECT uuid FROM analysis
                     WHERE client = ?2 AND EXISTS (
                         SELECT 1 FROM pushed JOIN remote ON remote.id = pushed.remote
                         WHERE remote.url = ?1 AND pushed.anr = analysis.uuid)
                     ORDER BY uuid",
            )?;
            let rows = statement.query_map(params![remote, client], |row| Ok(Uuid::from_bytes(row.get(0)?)));
            rows.and_then(Iterator::collect).map_err(sql)
        })
    }

    /// Remembers that an analysis was taken back from a remote.
    pub fn remember_withdrawn(&self, remote: &str, anr: Uuid) -> Result<()> {
        self.write(|tx| {
            let values = params![make_remote(tx, remote)?, anr.into_bytes()];
            tx.execute("DELETE FROM pushed WHERE remote = ?1 AND anr = ?2", values)?;
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
        _ => PushState::Withdrawn,
    }
}

/// The source with its filter, and the values of both.
fn source(tx: &Transaction<'_>, query: &PushQuery) -> Result<(String, Vec<Box<dyn ToSql>>)> {
    let (text, mut values) = conditions(&query.filter);
    values.push(Box::new(find_remote(tx, &query.remote)?.unwrap_or(-1)));
    let remote = format!("?{}", values.len());
    Ok((format!("{} AND {text}", SOURCE.replace("?REMOTE", &remote)), values))
}

fn find_remote(tx: &Transaction<'_>, url: &str) -> Result<Option<i64>> {
    tx.query_row("SELECT id FROM remote WHERE url = ?1", [url], |row| row.get(0)).optional().map_err(sql)
}

fn make_remote(tx: &Transaction<'_>, url: &str) -> Result<i64> {
    tx.execute("INSERT OR IGNORE INTO remote (url) VALUES (?1)", [url])?;
    tx.query_row("SELECT id FROM remote WHERE url = ?1", [url], |row| row.get(0)).map_err(sql)
}
