//! Comparing the rows of each table with its indexes and with the rows that they refer to, page by page: SQLite's own
//! comparison is one long look at a table, and keeps in the log whatever others write meanwhile.

use super::Store;
use super::check::Findings;
use super::parts::ROWS;
use crate::error::Result;
use rusqlite::types::Value;
use rusqlite::{OptionalExtension, Transaction, params_from_iter};

/// A table and what its rows are compared with.
struct Table {
    name: String,
    /// The columns that tell its rows apart, and give them their order.
    keys: Vec<String>,
    comparisons: Vec<Comparison>,
}

/// What must not hold of any row.
struct Comparison {
    /// The columns that it looks at: `column1` and so on in the condition.
    columns: Vec<String>,
    condition: String,
    finding: String,
}

impl Store {
    /// Looks through a table, in a read transaction for each page. `progress` is told (done, total) rows.
    pub(super) fn compare_table(
        &self,
        name: &str,
        progress: &mut dyn FnMut(u64, u64),
        findings: &mut Findings,
    ) -> Result<()> {
        let table = self.read(|tx| Table::of(tx, name))?;
        let count = format!("SELECT count(*) FROM \"{name}\"");
        let total: i64 = self.read(|tx| Ok(tx.query_row(&count, [], |row| row.get(0))?))?;
        let (total, page) = (u64::try_from(total).unwrap_or_default(), u64::try_from(ROWS).unwrap_or_default());
        let (mut after, mut done) = (Some(Vec::new()), 0);
        while let Some(key) = after {
            after = self.read(|tx| table.compare_page(tx, &key, findings))?;
            done = total.min(done + page);
            progress(done, total);
        }
        Ok(())
    }
}

impl Table {
    fn of(tx: &Transaction<'_>, name: &str) -> Result<Self> {
        let text = "SELECT info.name FROM pragma_table_list AS list, pragma_table_info(list.name) AS info
                    WHERE list.schema = 'main' AND list.name = ?1 AND list.wr = 1 AND info.pk > 0 ORDER BY info.pk";
        let mut keys = list(tx, text, name)?;
        let has_rowids = keys.is_empty();
        keys.extend(has_rowids.then(|| "rowid".to_owned()));
        let mut comparisons = Vec::new();
        // The key of a table without row numbers is the table itself.
        let text = format!("SELECT name FROM pragma_index_list(?1) WHERE origin <> 'pk' OR {has_rowids}");
        for index in list(tx, &text, name)? {
            comparisons.push(Comparison::with_index(tx, name, &keys, &index)?);
        }
        let mut statement = tx.prepare("SELECT \"from\", \"table\", \"to\" FROM pragma_foreign_key_list(?1)")?;
        let mut rows = statement.query([name])?;
        while let Some(row) = rows.next()? {
            comparisons.push(Comparison::with_parent(name, row.get(0)?, row.get(1)?, row.get(2)?));
        }
        Ok(Self { name: name.to_owned(), keys, comparisons })
    }

    /// Looks at the rows after a key, or at the first ones. Gives the last one's key if there may be more.
    fn compare_page(
        &self,
        tx: &Transaction<'_>,
        after: &[Value],
        findings: &mut Findings,
    ) -> Result<Option<Vec<Value>>> {
        let values = || params_from_iter(after);
        for Comparison { columns, condition, finding, .. } in &self.comparisons {
            let page = self.page(columns, after, &format!("LIMIT {ROWS}"));
            let text = format!("SELECT EXISTS (SELECT 1 FROM ({page}) AS page WHERE {condition})");
            if tx.prepare_cached(&text)?.query_row(values(), |row| row.get(0))? && !findings.contains(finding) {
                findings.push(finding.clone());
            }
        }
        let mut last = tx.prepare_cached(&self.page(&[], after, &format!("LIMIT 1 OFFSET {}", ROWS - 1)))?;
        Ok(last.query_row(values(), |row| (0..self.keys.len()).map(|key| row.get(key)).collect()).optional()?)
    }

    /// The query for keys and columns of the rows after a key.
    fn page(&self, columns: &[String], after: &[Value], limit: &str) -> String {
        let (name, keys) = (&self.name, self.keys.join(", "));
        let all = [named(&self.keys, "AS key"), named(columns, "AS column")].concat().join(", ");
        let from = named(&vec![String::new(); after.len()], "?").join(",");
        let condition = if after.is_empty() { String::new() } else { format!("WHERE ({keys}) > ({from})") };
        format!("SELECT {all} FROM \"{name}\" {condition} ORDER BY {keys} {limit}")
    }
}

impl Comparison {
    /// Each row is in an index; that nothing else is there SQLite's quick look tells by its number of entries.
    fn with_index(tx: &Transaction<'_>, table: &str, keys: &[String], index: &str) -> Result<Self> {
        let columns = list(tx, "SELECT name FROM pragma_index_info(?1) ORDER BY seqno", index)?;
        let text = "SELECT count(*) FROM sqlite_schema WHERE name = ?1 AND sql LIKE '% WHERE %'";
        let is_partial: bool = tx.query_row(text, [index], |row| row.get(0))?;
        // All of ours that leave rows out leave out those without a value.
        let has_value = |column: &str| if is_partial { format!("{column} IS NOT NULL AND") } else { String::new() };
        let first = columns.first().map_or("", String::as_str);
        let same = [named(&columns, "IS page.column"), named(keys, "IS page.key")].concat();
        let same = same.iter().map(|same| format!("entry.{same}")).collect::<Vec<_>>().join(" AND ");
        let (row, entry) = (has_value("page.column1"), has_value(&format!("entry.{first}")));
        let condition = format!(
            "{row} NOT EXISTS (SELECT 1 FROM \"{table}\" AS entry INDEXED BY \"{index}\" WHERE {entry} {same})"
        );
        Ok(Self { columns, condition, finding: format!("a row of {table} is not in its index {index}") })
    }

    /// The rows that a column refers to are there.
    fn with_parent(table: &str, column: String, parent: String, key: String) -> Self {
        let there = format!("SELECT 1 FROM \"{parent}\" WHERE \"{key}\" = page.column1");
        Self {
            columns: vec![column],
            condition: format!("page.column1 IS NOT NULL AND NOT EXISTS ({there})"),
            finding: format!("a row of {table} refers to one of {parent} that is not there"),
        }
    }
}

/// Each name with a word and its number, from 1 on.
fn named(names: &[String], word: &str) -> Vec<String> {
    names.iter().zip(1..).map(|(name, number)| format!("{name} {word}{number}")).collect()
}

fn list(tx: &Transaction<'_>, text: &str, name: &str) -> Result<Vec<String>> {
    let mut statement = tx.prepare(text)?;
    let rows = statement.query_map([name], |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
