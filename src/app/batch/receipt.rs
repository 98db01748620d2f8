//! The answer to a batch: the stored stats in full, read from where the request's body lies, and what became of the others.

use crate::app::stats::{metadata, write_head};
use crate::model::date::AHEAD;
use crate::model::stat::NewStat;
use crate::server::message::{Body, Received, Response};
use crate::server::spool::{Spool, Spools};
use serde_json::{Value, json as value};
use std::borrow::Cow;
use std::io::{self, Cursor, Read, Write};
use std::ops::Range;
use std::sync::Arc;
use uuid::Uuid;

/// Bytes that are kept of each stored stat beside its data, at most.
const RECORD: u64 = 256;

/// What is said about the items of a batch, written down as it becomes known.
pub struct Receipt {
    /// Of each stored stat its JSON up to its data, and where in the body its data is.
    records: Spool,
    stored: u64,
    /// Items that could be used, stored or not.
    good: u64,
    /// Elements of JSON lists, with commas between them.
    duplicates: Spool,
    refused: Spool,
    first_refusal: Option<String>,
    /// Items that were refused because their date is too far ahead.
    ahead: usize,
}

impl Receipt {
    /// Nothing is said yet.
    pub fn new(spools: &Spools) -> Self {
        let [records, duplicates, refused] = [spools.answer(), spools.answer(), spools.answer()];
        Self { records, stored: 0, good: 0, duplicates, refused, first_refusal: None, ahead: 0 }
    }

    /// Makes sure that there is room to tell of so many stored stats.
    ///
    /// # Errors
    /// `StorageFull` if there is none.
    pub fn require(&self, stats: u64) -> io::Result<()> {
        self.records.require(stats.saturating_mul(RECORD))
    }

    /// How many stats were stored.
    pub fn stored(&self) -> u64 {
        self.stored
    }

    /// Whether every item was refused.
    pub fn is_unusable(&self) -> bool {
        !self.refused.is_empty() && self.good == 0
    }

    /// Notes a stored stat, whose data is at this place of the body.
    ///
    /// # Errors
    /// Those of the spool.
    pub fn stored_stat(&mut self, uuid: Uuid, stat: &NewStat<'_>, data: Range<u64>) -> io::Result<()> {
        let mut head = Vec::new();
        write_head(&mut head, uuid, stat.anr, stat.kind, stat.date);
        let length = u16::try_from(head.len()).map_err(io::Error::other)?;
        self.records.write_all(&length.to_be_bytes())?;
        self.records.write_all(&head)?;
        self.records.write_all(&data.start.to_be_bytes())?;
        self.records.write_all(&data.end.to_be_bytes())?;
        self.stored += 1;
        self.good += 1;
        Ok(())
    }

    /// Notes a stat that existed already.
    ///
    /// # Errors
    /// Those of the spool.
    pub fn duplicate(&mut self, uuid: Uuid) -> io::Result<()> {
        self.good += 1;
        add(&mut self.duplicates, &value!(uuid.to_string()))
    }

    /// Notes an item that cannot be used.
    ///
    /// # Errors
    /// Those of the spool.
    pub fn refuse(&mut self, index: u64, field: Option<String>, reason: String) -> io::Result<()> {
        self.ahead += usize::from(field.as_deref() == Some("date") && reason.ends_with(AHEAD));
        if self.first_refusal.is_none() {
            let field = field.as_deref().map(|field| format!("{field}: ")).unwrap_or_default();
            self.first_refusal = Some(format!("item {index}: {field}{reason}"));
        }
        add(&mut self.refused, &value!({ "index": index, "field": field, "reason": reason }))
    }

    /// How many items were refused because their date is too far ahead: somebody's clock is wrong.
    pub fn ahead(&self) -> usize {
        self.ahead
    }

    /// Which item was refused first and why, for the log.
    pub fn first_refusal(&self) -> Option<&str> {
        self.first_refusal.as_deref()
    }

    /// The answer to a batch of which nothing can be used.
    pub fn unusable(self) -> Response {
        let head = br#"{"message": "No stat of this batch can be used.", "refused": ["#.to_vec();
        let parts = vec![Part::Bytes(head), Part::Spool(self.refused), Part::Bytes(b"]}".to_vec())];
        stream(400, Concatenated::new(parts, None))
    }

    /// The answer to this body.
    pub fn response(self, body: Received) -> Response {
        let head = format!("{{\"metadata\": {}, \"data\": [", metadata(self.stored, 0, 0));
        let is_whole = self.duplicates.is_empty() && self.refused.is_empty();
        let parts = match is_whole {
            true => vec![Part::Bytes(b"]}".to_vec())],
            false => vec![
                Part::Bytes(br#"], "duplicates": ["#.to_vec()),
                Part::Spool(self.duplicates),
                Part::Bytes(br#"], "refused": ["#.to_vec()),
                Part::Spool(self.refused),
                Part::Bytes(b"]}".to_vec()),
            ],
        };
        let stats =
            Stats { body, records: Box::new(Arc::new(self.records).reader()), left: self.stored, is_first: true };
        let mut all = Concatenated::new(parts, Some(stats));
        all.current = Box::new(Cursor::new(head.into_bytes()));
        stream(if is_whole { 201 } else { 207 }, all)
    }
}

fn add(spool: &mut Spool, value: &Value) -> io::Result<()> {
    if !spool.is_empty() {
        spool.write_all(b",")?;
    }
    spool.write_all(value.to_string().as_bytes())
}

fn stream(status: u16, reader: Concatenated) -> Response {
    let mut response = Response::bytes(status, Some("application/json"), Cow::Borrowed(b""));
    response.body = Body::Stream(Box::new(reader));
    response
}

enum Part {
    Bytes(Vec<u8>),
    Spool(Spool),
}

impl Part {
    fn reader(self) -> Box<dyn Read + Send> {
        match self {
            Self::Bytes(bytes) => Box::new(Cursor::new(bytes)),
            Self::Spool(spool) => Box::new(Arc::new(spool).reader()),
        }
    }
}

/// The stored stats, read one after the other.
struct Stats {
    body: Received,
    records: Box<dyn Read + Send>,
    left: u64,
    is_first: bool,
}

impl Stats {
    fn next(&mut self) -> io::Result<Option<Box<dyn Read + Send>>> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        let length = u16::from_be_bytes(self.bytes()?);
        let mut head = if std::mem::take(&mut self.is_first) { Vec::new() } else { b",".to_vec() };
        (&mut self.records).take(length.into()).read_to_end(&mut head)?;
        let [from, to] = [u64::from_be_bytes(self.bytes()?), u64::from_be_bytes(self.bytes()?)];
        Ok(Some(Box::new(Cursor::new(head).chain(self.body.reader(from..to)).chain(&b"}"[..]))))
    }

    fn bytes<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.records.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}

/// What is being read, then the stats, then the rest.
struct Concatenated {
    current: Box<dyn Read + Send>,
    stats: Option<Stats>,
    rest: std::vec::IntoIter<Part>,
}

impl Concatenated {
    fn new(rest: Vec<Part>, stats: Option<Stats>) -> Self {
        Self { current: Box::new(io::empty()), stats, rest: rest.into_iter() }
    }

    fn next(&mut self) -> io::Result<Option<Box<dyn Read + Send>>> {
        if let Some(stats) = &mut self.stats
            && let Some(stat) = stats.next()?
        {
            return Ok(Some(stat));
        }
        Ok(self.rest.next().map(Part::reader))
    }
}

impl Read for Concatenated {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let got = self.current.read(into)?;
            if got > 0 || into.is_empty() {
                return Ok(got);
            }
            match self.next()? {
                Some(next) => self.current = next,
                None => return Ok(0),
            }
        }
    }
}
