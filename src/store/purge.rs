//! What a scheduled purge asks before it deletes.

use super::Store;
use super::rollups::stored_date;
use crate::error::Result;
use crate::model::date;
use jiff::civil::Date;
use rusqlite::params;

/// Days with stats that a clock which is ahead cannot make up at once.
const DAYS: u32 = 8;

impl Store {
    /// The eighth newest day that has stats; the oldest where there are fewer, none where there are no stats.
    pub fn eighth_newest_day(&self) -> Result<Option<Date>> {
        self.read(|tx| {
            let mut before = tx.prepare_cached("SELECT max(date) FROM stat WHERE date < ?1")?;
            let mut day: Option<i64> = None;
            for _ in 0..DAYS {
                let found = before.query_row([day.unwrap_or(i64::MAX)], |row| row.get::<_, Option<i64>>(0))?;
                let Some(found) = found else { break };
                day = Some(found);
            }
            day.map(stored_date).transpose()
        })
    }

    /// The clients whose newest stat is from before a day, and its day.
    pub fn silent_clients(&self, before: Date) -> Result<Vec<(String, Date)>> {
        let text = "SELECT name, newest FROM (
                        SELECT name, (SELECT max(date) FROM stat WHERE stat.client = client.id) AS newest FROM client
                    ) WHERE newest < ?1 ORDER BY name";
        self.read(|tx| {
            let mut statement = tx.prepare_cached(text)?;
            let rows = statement.query_map(params![date::to_number(before)], |row| Ok((row.get(0)?, row.get(1)?)));
            let rows: Vec<(String, i64)> = rows.and_then(Iterator::collect)?;
            rows.into_iter().map(|(name, day)| Ok((name, stored_date(day)?))).collect()
        })
    }
}
