//! The data of stats, once per content, and as small as that can cheaply be.
//!
//! Short texts stay as they are, so that many small stats are read fast. Longer ones are deflated; where the analysis
//! had an earlier text of the type, that text is the dictionary, and what did not change since costs nearly nothing.
//! Such a base is itself deflated without one: no text is ever more than one step away from its own.

use super::entries::{Entries, Entry, encode};
use super::rollups::parsed;
use super::{damaged, sql};
use crate::error::{Error, Kind, Result};
use crate::model::StatType;
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use rusqlite::{OptionalExtension, Row, Transaction, params};
use std::collections::HashMap;
use std::rc::Rc;

/// Texts below this many bytes are not deflated.
const SHORT: usize = 400;
/// The same for a [`Packer::fast`] one.
const FAST_SHORT: usize = 2048;
/// A text that needs more than this part of its length beside its base is better off as a base itself.
const CHANGED: usize = 10;
/// How hard texts are compressed, once and for good when they are stored.
const LEVEL: Compression = Compression::new(6);
/// Bases kept while a page of stats is read.
const BASES: usize = 16;

/// A payload that is known.
pub struct Known {
    /// Its key.
    pub id: i64,
    /// What tells its set of labels from others.
    pub labels: i64,
    /// What it adds to the averages.
    pub entries: Vec<(i64, Entry)>,
}

/// The payload of this content, if the store has it.
pub fn find(tx: &Transaction<'_>, kind: StatType, hash: &[u8; 32]) -> Result<Option<Known>> {
    let found = tx.prepare_cached("SELECT id, labels, entries FROM payload WHERE type = ?1 AND hash = ?2").and_then(
        |mut statement| {
            let columns = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get::<_, Vec<u8>>(2)?));
            statement.query_row(params![kind.number(), hash], columns).optional()
        },
    )?;
    found.map(|(id, labels, entries)| Ok(Known { id, labels, entries: parsed(&entries)? })).transpose()
}

/// The payload of the newest stat that an analysis has of a type: what new ones of it are compared with.
pub struct Newest {
    /// Its base, or itself.
    base: i64,
    /// What tells its set of labels from others.
    pub labels: i64,
}

/// The newest payload of an analysis and type.
pub fn newest(tx: &Transaction<'_>, kind: StatType, analysis: i64) -> Result<Option<Newest>> {
    let newest: Option<i64> = tx
        .prepare_cached("SELECT payload FROM stat WHERE analysis = ?1 AND type = ?2 ORDER BY date DESC LIMIT 1")
        .and_then(|mut statement| statement.query_row([analysis, kind.number()], |row| row.get(0)).optional())?;
    let Some(newest) = newest else { return Ok(None) };
    tx.prepare_cached("SELECT coalesce(base, id), labels FROM payload WHERE id = ?1")
        .and_then(|mut statement| {
            statement.query_row([newest], |row| Ok(Some(Newest { base: row.get(0)?, labels: row.get(1)? })))
        })
        .map_err(sql)
}

/// What a payload adds to the averages.
pub fn entries(tx: &Transaction<'_>, payload: i64) -> Result<Vec<(i64, Entry)>> {
    let bytes: Vec<u8> = tx
        .prepare_cached("SELECT entries FROM payload WHERE id = ?1")
        .and_then(|mut statement| statement.query_row([payload], |row| row.get(0)))?;
    parsed(&bytes)
}

/// Whether the store has this content.
pub fn exists(tx: &Transaction<'_>, kind: StatType, hash: &[u8; 32]) -> Result<bool> {
    tx.prepare_cached("SELECT 1 FROM payload WHERE type = ?1 AND hash = ?2")
        .and_then(|mut statement| statement.exists(params![kind.number(), hash]))
        .map_err(sql)
}

/// A content that is to be stored.
pub struct NewPayload<'a> {
    /// Of which type.
    pub kind: StatType,
    /// SHA-256 of the text.
    pub hash: &'a [u8; 32],
    /// The text.
    pub text: &'a str,
    /// What tells its set of labels from others.
    pub labels: i64,
    /// What it adds to the averages.
    pub entries: &'a Entries,
}

/// Stores a new content, for a stat of the analysis that has this newest payload; gives its key.
pub fn insert(tx: &Transaction<'_>, packer: &mut Packer, new: &NewPayload<'_>, newest: Option<&Newest>) -> Result<i64> {
    let (base, packed) = packer.pack(tx, new.text, newest)?;
    let length = i64::try_from(new.text.len()).unwrap_or(i64::MAX);
    let content = packed.as_deref().unwrap_or(new.text.as_bytes());
    let (kind, entries) = (new.kind.number(), encode(new.entries));
    tx.prepare_cached(
        "INSERT INTO payload (type, hash, length, base, is_deflated, labels, entries, content)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )
    .and_then(|mut statement| {
        statement.insert(params![kind, new.hash, length, base, packed.is_some(), new.labels, entries, content])
    })
    .map_err(sql)
}

/// Deletes a payload that neither a stat nor another payload needs, and then its base likewise.
pub fn remove_unused(tx: &Transaction<'_>, payload: i64) -> Result<()> {
    let base: Option<Option<i64>> = tx
        .prepare_cached(
            "DELETE FROM payload
             WHERE id = ?1
                 AND NOT EXISTS (SELECT 1 FROM stat WHERE payload = ?1)
                 AND NOT EXISTS (SELECT 1 FROM payload AS other WHERE other.base = ?1)
             RETURNING base",
        )
        .and_then(|mut statement| statement.query_row([payload], |row| row.get(0)).optional())?;
    match base.flatten() {
        Some(base) => remove_unused(tx, base),
        None => Ok(()),
    }
}

/// The shortest form of a text, and the key of the base it needs; no bytes if the text itself is that form.
type Form = (Option<i64>, Option<Vec<u8>>);

/// Compresses texts. Its machine is large: made when the first text needs one, and kept for the rest of a batch.
#[derive(Default)]
pub struct Packer {
    machine: Option<Compress>,
    /// Texts below this many bytes are left as they are, too.
    short: usize,
}

impl Packer {
    /// One for a million stats at once: texts of a page's size are stored as they are, which takes a third of the time.
    pub fn fast() -> Self {
        Self { short: FAST_SHORT, ..Self::default() }
    }

    fn pack(&mut self, tx: &Transaction<'_>, text: &str, newest: Option<&Newest>) -> Result<Form> {
        if text.len() < SHORT.max(self.short) {
            return Ok((None, None));
        }
        let machine = self.machine.get_or_insert_with(|| Compress::new(LEVEL, false));
        if let Some((base, dictionary)) = newest.map(|newest| base(tx, newest)).transpose()?.flatten() {
            let packed = deflate(machine, text.as_bytes(), dictionary.as_bytes())?;
            if packed.len() < text.len() / CHANGED {
                return Ok((Some(base), Some(packed)));
            }
        }
        let packed = deflate(machine, text.as_bytes(), b"")?;
        Ok((None, (packed.len() < text.len()).then_some(packed)))
    }
}

/// The text that an analysis's newest payload is based on, or is, if it is worth it.
fn base(tx: &Transaction<'_>, newest: &Newest) -> Result<Option<(i64, String)>> {
    let text = Texts::new(tx).base(newest.base)?;
    Ok((text.len() >= SHORT).then(|| (newest.base, text.to_string())))
}

/// Reads texts, with the bases they need at hand.
pub struct Texts<'a> {
    tx: &'a Transaction<'a>,
    bases: HashMap<i64, Rc<str>>,
    buffer: Vec<u8>,
}

impl<'a> Texts<'a> {
    /// Columns that [`Texts::read`] wants, in its order.
    pub const COLUMNS: &'static str = "payload.length, payload.base, payload.is_deflated, payload.content";

    /// A reader without bases.
    pub fn new(tx: &'a Transaction<'a>) -> Self {
        Self { tx, bases: HashMap::new(), buffer: Vec::new() }
    }

    /// The text of a row that has [`Texts::COLUMNS`] from `first` on.
    pub fn read<'b>(&'b mut self, row: &'b Row<'_>, first: usize) -> Result<&'b str> {
        let length: i64 = row.get(first)?;
        let base: Option<i64> = row.get(first + 1)?;
        let content = row.get_ref(first + 3).and_then(|value| Ok(value.as_blob()?))?;
        let bytes = match (row.get(first + 2)?, base) {
            (false, _) => content,
            (true, None) => {
                self.buffer = inflate(content, b"", length)?;
                &self.buffer
            }
            (true, Some(base)) => {
                self.buffer = inflate(content, self.base(base)?.as_bytes(), length)?;
                &self.buffer
            }
        };
        std::str::from_utf8(bytes).map_err(|error| damaged("a stat's data is not UTF-8").because(error))
    }

    fn base(&mut self, id: i64) -> Result<Rc<str>> {
        if let Some(text) = self.bases.get(&id) {
            return Ok(Rc::clone(text));
        }
        let mut statement =
            self.tx.prepare_cached(&format!("SELECT {} FROM payload WHERE id = ?1 AND base IS NULL", Self::COLUMNS))?;
        let mut rows = statement.query([id])?;
        let row = rows.next()?.ok_or_else(|| damaged("a base is not there"))?;
        let text: Rc<str> = Texts::new(self.tx).read(row, 0)?.into();
        if self.bases.len() >= BASES {
            self.bases.clear();
        }
        self.bases.insert(id, Rc::clone(&text));
        Ok(text)
    }
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(Kind::Internal, "a stat's data cannot be compressed").because(error)
}

/// Raw deflate; an empty dictionary is none.
fn deflate(machine: &mut Compress, text: &[u8], dictionary: &[u8]) -> Result<Vec<u8>> {
    machine.reset();
    if !dictionary.is_empty() {
        machine.set_dictionary(dictionary).map_err(failed)?;
    }
    let mut bytes = Vec::with_capacity(text.len() / 4 + 64);
    loop {
        let read = usize::try_from(machine.total_in()).map_err(failed)?;
        match machine.compress_vec(&text[read..], &mut bytes, FlushCompress::Finish).map_err(failed)? {
            Status::StreamEnd => return Ok(bytes),
            _ => bytes.reserve(text.len() / 2 + 64),
        }
    }
}

/// The text of [`deflate`], which is `length` bytes long.
fn inflate(packed: &[u8], dictionary: &[u8], length: i64) -> Result<Vec<u8>> {
    let broken = |_| damaged("a stat's data cannot be decompressed");
    let mut machine = Decompress::new(false);
    if !dictionary.is_empty() {
        machine.set_dictionary(dictionary).map_err(broken)?;
    }
    let length = usize::try_from(length).map_err(|_| damaged("a negative length"))?;
    let mut bytes = Vec::with_capacity(length);
    machine.decompress_vec(packed, &mut bytes, FlushDecompress::Finish).map_err(broken)?;
    match bytes.len() == length {
        true => Ok(bytes),
        false => Err(damaged("a stat's data is incomplete")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn machine() -> Compress {
        Compress::new(LEVEL, false)
    }

    proptest! {
        #[test]
        fn what_was_packed_is_read(
            text in "[a-c]{0,300}|\\PC{0,2000}",
            dictionary in "[a-c]{0,300}|\\PC{0,2000}",
        ) {
            let packed = deflate(&mut machine(), text.as_bytes(), dictionary.as_bytes()).unwrap();
            let length = i64::try_from(text.len()).unwrap();
            prop_assert_eq!(inflate(&packed, dictionary.as_bytes(), length).unwrap(), text.as_bytes());
        }

        #[test]
        fn damaged_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), length in 0_i64..500) {
            let _ = inflate(&bytes, b"", length);
        }
    }

    #[test]
    fn a_dictionary_longer_than_the_window_serves_all_the_same() {
        let base: String = (0..40_000).map(|number| format!("{number},")).collect();
        let text = format!("[{}]", &base[base.len() - 20_000..]);
        let packed = deflate(&mut machine(), text.as_bytes(), base.as_bytes()).unwrap();
        assert!(packed.len() < 200, "{}", packed.len());
        let length = i64::try_from(text.len()).unwrap();
        assert_eq!(inflate(&packed, base.as_bytes(), length).unwrap(), text.as_bytes());
    }
}
