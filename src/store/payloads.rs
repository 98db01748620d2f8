//! The data of stats, once per content, and as small as that can cheaply be.
//!
//! Short texts stay as they are: lists have thousands of them, and to a machine that inflates, its tables are more work
//! than the text. Longer ones are deflated; where the analysis had an earlier text of the type, that text is the
//! dictionary, and what did not change since costs nearly nothing. Such a base is itself deflated without one: no text is
//! ever more than one step away from its own.

use super::damaged;
use super::entries::{Entries, Entry, encode};
use super::rollups::parsed;
use crate::error::{Error, Kind, Result};
use crate::model::StatType;
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use rusqlite::{OptionalExtension, Row, Transaction, params};
use std::collections::HashMap;
use std::rc::Rc;

/// Texts below this many bytes are not deflated.
const SHORT: usize = 1024;
/// The same for a [`Packer::fast`] one.
const FAST_SHORT: usize = 2048;
/// A text that needs more than this part of its length beside its base is better off as a base itself.
const CHANGED: usize = 10;
/// How hard texts are compressed, once and for good when they are stored. Higher ones take up to three times as long, for a
/// tenth of the size; 3 is larger and slower.
const LEVEL: Compression = Compression::new(2);
/// Bases kept while a page of stats is read.
const BASES: usize = 16;

/// A payload that is known.
pub struct Known {
    /// Its key.
    pub id: i64,
    /// Its base, or itself.
    pub base: i64,
    /// What tells its set of labels from others.
    pub labels: i64,
    /// What it adds to the averages.
    pub entries: Vec<(i64, Entry)>,
}

/// The payload of this content, if the store has it.
pub fn find(tx: &Transaction<'_>, kind: StatType, hash: &[u8; 32]) -> Result<Option<Known>> {
    let mut statement =
        tx.prepare_cached("SELECT id, coalesce(base, id), labels, entries FROM payload WHERE type = ?1 AND hash = ?2")?;
    let columns = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get::<_, Vec<u8>>(3)?));
    let found = statement.query_row(params![kind.number(), hash], columns).optional()?;
    found.map(|(id, base, labels, entries)| Ok(Known { id, base, labels, entries: parsed(&entries)? })).transpose()
}

/// The newest stat of a type that an analysis or a client has: what new ones are compared with.
#[derive(Clone, Copy)]
pub struct Newest {
    /// Its date.
    pub day: i64,
    /// The base of its payload, or the payload itself.
    pub base: i64,
    /// What tells its set of labels from others.
    pub labels: i64,
}

/// Whose newest stat is looked for.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Owner {
    /// An analysis.
    Analysis(i64),
    /// A client.
    Client(i64),
}

impl Owner {
    /// The query for its newest stat of a type, and its key.
    pub fn query(self) -> (&'static str, i64) {
        match self {
            Self::Analysis(key) => {
                ("SELECT date, payload FROM stat WHERE analysis = ?1 AND type = ?2 ORDER BY date DESC LIMIT 1", key)
            }
            // From day to day, in two steps of the index each: a day may have thousands of stats of other types.
            Self::Client(key) => (
                "WITH RECURSIVE day (date) AS (
                     SELECT max(date) FROM stat WHERE client = ?1
                     UNION ALL
                     SELECT (SELECT max(date) FROM stat WHERE client = ?1 AND date < day.date)
                     FROM day WHERE day.date IS NOT NULL
                 )
                 SELECT stat.date, payload FROM day
                 CROSS JOIN stat ON stat.client = ?1 AND stat.date = day.date AND stat.type = ?2 LIMIT 1",
                key,
            ),
        }
    }
}

/// The newest stat of a type. The look passes all newer days that have none of this type.
pub fn newest(tx: &Transaction<'_>, kind: StatType, owner: Owner) -> Result<Option<Newest>> {
    let (text, key) = owner.query();
    let newest: Option<(i64, i64)> = tx.prepare_cached(text).and_then(|mut statement| {
        statement.query_row([key, kind.number()], |row| Ok((row.get(0)?, row.get(1)?))).optional()
    })?;
    let Some((day, payload)) = newest else { return Ok(None) };
    let mut statement = tx.prepare_cached("SELECT coalesce(base, id), labels FROM payload WHERE id = ?1")?;
    Ok(statement.query_row([payload], |row| Ok(Some(Newest { day, base: row.get(0)?, labels: row.get(1)? })))?)
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
    let mut statement = tx.prepare_cached("SELECT 1 FROM payload WHERE type = ?1 AND hash = ?2")?;
    Ok(statement.exists(params![kind.number(), hash])?)
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

/// Stores a new content, for a stat of the analysis that has this newest payload; gives its key and
/// that of its base, or its own again.
pub fn insert(
    tx: &Transaction<'_>,
    packer: &mut Packer,
    new: &NewPayload<'_>,
    newest: Option<Newest>,
) -> Result<(i64, i64)> {
    let (base, packed) = packer.pack(tx, new.text, newest)?;
    let length = i64::try_from(new.text.len()).unwrap_or(i64::MAX);
    let content = packed.as_deref().unwrap_or(new.text.as_bytes());
    let (kind, entries) = (new.kind.number(), encode(new.entries));
    let mut statement = tx.prepare_cached(
        "INSERT INTO payload (type, hash, length, base, is_deflated, labels, entries, content)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    let id = statement.insert(params![kind, new.hash, length, base, packed.is_some(), new.labels, entries, content])?;
    Ok((id, base.unwrap_or(id)))
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

    fn pack(&mut self, tx: &Transaction<'_>, text: &str, newest: Option<Newest>) -> Result<Form> {
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
fn base(tx: &Transaction<'_>, newest: Newest) -> Result<Option<(i64, String)>> {
    let text = Texts::new(tx).base(newest.base)?;
    Ok((text.len() >= SHORT).then(|| (newest.base, text.to_string())))
}

/// Reads texts, with the bases they need at hand.
pub struct Texts<'a> {
    tx: &'a Transaction<'a>,
    bases: HashMap<i64, Rc<str>>,
    inflater: Inflater,
    /// The text that was read last.
    buffer: Vec<u8>,
}

impl<'a> Texts<'a> {
    /// Columns that [`Texts::read`] wants, in its order.
    pub const COLUMNS: &'static str = "payload.length, payload.base, payload.is_deflated, payload.content";

    /// A reader without bases.
    pub fn new(tx: &'a Transaction<'a>) -> Self {
        Self { tx, bases: HashMap::new(), inflater: Inflater::default(), buffer: Vec::new() }
    }

    /// The text of a row that has [`Texts::COLUMNS`] from `first` on.
    pub fn read<'b>(&'b mut self, row: &'b Row<'_>, first: usize) -> Result<&'b str> {
        let length: i64 = row.get(first)?;
        let base: Option<i64> = row.get(first + 1)?;
        let content = row.get_ref(first + 3).and_then(|value| Ok(value.as_blob()?))?;
        let dictionary = base.map(|base| self.base(base)).transpose()?;
        let dictionary = dictionary.as_deref().unwrap_or_default().as_bytes();
        let bytes = match row.get(first + 2)? {
            false => content,
            true => self.inflater.inflate(content, dictionary, length, &mut self.buffer)?,
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

/// Inflates texts. Its machine is large: made for the first text, and kept for the next ones.
#[derive(Default)]
struct Inflater(Option<Decompress>);

impl Inflater {
    /// The text of [`deflate`], which is `length` bytes long.
    fn inflate<'a>(
        &mut self,
        packed: &[u8],
        dictionary: &[u8],
        length: i64,
        buffer: &'a mut Vec<u8>,
    ) -> Result<&'a [u8]> {
        let broken = |_| damaged("a stat's data cannot be decompressed");
        let machine = self.0.get_or_insert_with(|| Decompress::new(false));
        machine.reset(false);
        if !dictionary.is_empty() {
            machine.set_dictionary(dictionary).map_err(broken)?;
        }
        let length = usize::try_from(length).map_err(|_| damaged("a negative length"))?;
        buffer.clear();
        buffer.reserve(length);
        machine.decompress_vec(packed, buffer, FlushDecompress::Finish).map_err(broken)?;
        if buffer.len() == length { Ok(buffer) } else { Err(damaged("a stat's data is incomplete")) }
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
            let mut buffer = b"what was read before".to_vec();
            let read = Inflater::default().inflate(&packed, dictionary.as_bytes(), length, &mut buffer).unwrap();
            prop_assert_eq!(read, text.as_bytes());
        }

        #[test]
        fn damaged_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), length in 0_i64..500) {
            let _ = Inflater::default().inflate(&bytes, b"", length, &mut Vec::new());
        }
    }

    #[test]
    fn a_dictionary_longer_than_the_window_serves_all_the_same() {
        let base: String = (0..40_000).map(|number| format!("{number},")).collect();
        let text = format!("[{}]", &base[base.len() - 20_000..]);
        let packed = deflate(&mut machine(), text.as_bytes(), base.as_bytes()).unwrap();
        assert!(packed.len() < 200, "{}", packed.len());
        let length = i64::try_from(text.len()).unwrap();
        let (mut inflater, mut buffer) = (Inflater::default(), Vec::new());
        assert_eq!(inflater.inflate(&packed, base.as_bytes(), length, &mut buffer).unwrap(), text.as_bytes());
        // The same machine reads the next one, which has no dictionary.
        let packed = deflate(&mut machine(), b"another text", b"").unwrap();
        assert_eq!(inflater.inflate(&packed, b"", 12, &mut buffer).unwrap(), b"another text");
    }
}
