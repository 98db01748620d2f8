//! Stats as they were sent: storing them, reading them back, deleting an analysis.

use super::answer::{Answer, json, message};
use super::arguments::{Arguments, as_bool, as_date, as_number, as_text, as_uuid, as_uuids, check_content_type, text};
use super::message::{Body, Received, Response};
use super::{App, Request};
use crate::error::Result;
use crate::model::shapes::Flaw;
use crate::model::stat::NewStat;
use crate::model::{Role, StatType, parse_uuid};
use crate::store::Store;
use crate::store::stats::{Filter, Page, Placed, Position, Range};
use jiff::civil::Date;
use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, json as value};
use std::borrow::Cow;
use std::io::{self, Read};
use std::sync::{Arc, PoisonError};
use uuid::Uuid;

/// Bytes of data that are held of a large answer at a time.
const PAGE: usize = 256 << 10;

/// Stats in one batch. A front office of a thousand analyses sends 5,000.
const MOST_ITEMS: usize = 50_000;

/// Bytes from which on batches are taken one at a time.
const LARGE: usize = 1 << 20;

/// Contributions of a batch that are kept between judging and storing; those of later stats are found again.
const KEPT: usize = 20_000;

/// Today's date in the machine's time zone.
pub fn today() -> Date {
    jiff::ZonedDateTime::now().date()
}

/// `GET /api/v1/stats/`
pub fn list(app: &App, request: Request<'_>) -> Answer {
    let known = ["type", "date_from", "date_to", "anrs", "get_last", "offset", "limit", "group_by_anr", "anr"];
    let mut arguments = Arguments::read(&request, &known)?;
    let kind = arguments.required("type", |value| StatType::parse(&as_text(value)?));
    let from = arguments.get("date_from", as_date).or_else(|| today().checked_sub(jiff::Span::new().months(3)).ok());
    let to = arguments.get("date_to", as_date).unwrap_or_else(today);
    let anrs = arguments.get("anrs", as_uuids).flatten();
    let newest = arguments.get("get_last", as_bool).unwrap_or(false);
    let offset = arguments.get("offset", as_number).unwrap_or(0);
    let limit = arguments.get("limit", as_number).unwrap_or(0);
    arguments.get("group_by_anr", as_bool);
    arguments.get("anr", as_uuid);
    arguments.finish()?;
    let mut filter = Filter { client: scope(&request), kind, anrs, newest, ..Filter::default() };
    if newest {
        return Ok(listing(app, filter, 0, 0)?);
    }
    (filter.from, filter.to) = (from, Some(to));
    Ok(listing(app, filter, offset, limit)?)
}

/// `GET /api/v1/stats/<anr>`
pub fn of_analysis(app: &App, request: Request<'_>) -> Answer {
    let filter = analysis(&request)?;
    Ok(Listing::start(app, filter, Range::default(), |_| "[".into(), "]")?)
}

/// `DELETE /api/v1/stats/<anr>`
pub fn delete_analysis(app: &App, request: Request<'_>) -> Answer {
    let gone = app.store.delete_stats(&analysis(&request)?)?;
    log::info!("deleted {gone} stats of one analysis");
    Ok(Response::empty(204))
}

/// A client has its own stats, an admin everybody's.
fn scope(request: &Request<'_>) -> Option<i64> {
    request.caller.as_ref().filter(|caller| caller.role != Role::Admin).map(|caller| caller.id)
}

fn analysis(request: &Request<'_>) -> std::result::Result<Filter, Box<Response>> {
    let anr = parse_uuid(&request.name).map_err(|reason| Box::new(message(400, &format!("{reason}."))))?;
    Ok(Filter { client: scope(request), anrs: Some(vec![anr]), ..Filter::default() })
}

/// The matching stats with their metadata.
fn listing(app: &App, filter: Filter, offset: u64, limit: u64) -> Result<Response> {
    let range = Range { after: None, offset, limit: (limit > 0).then_some(limit) };
    let head = |number| format!("{{\"metadata\": {}, \"data\": [", metadata(number, offset, limit));
    Listing::start(app, filter, range, head, "]}")
}

fn metadata(count: u64, offset: u64, limit: u64) -> serde_json::Value {
    value!({ "count": count.to_string(), "offset": offset.to_string(), "limit": limit.to_string() })
}

/// A list of stats that is read from the store as it is written to the client: a slow reader holds one page of it,
/// and no transaction.
struct Listing {
    store: Arc<Store>,
    filter: Filter,
    range: Range,
    next: Option<Position>,
    buffer: Vec<u8>,
    read: usize,
    tail: &'static str,
    written: u64,
    promised: u64,
}

impl Listing {
    /// The answer: small lists leave as they are, large ones page by page.
    fn start(
        app: &App,
        filter: Filter,
        range: Range,
        head: impl Fn(u64) -> String,
        tail: &'static str,
    ) -> Result<Response> {
        let store = Arc::clone(&app.store);
        let mut list =
            Self { store, filter, range, next: None, buffer: Vec::new(), read: 0, tail, written: 0, promised: 0 };
        list.promised = list.page()?.total;
        let head = head(list.promised).into_bytes();
        let mut response = Response::bytes(200, Some("application/json"), Cow::Borrowed(b""));
        response.body = if list.next.is_none() {
            Body::Bytes(Cow::Owned([&head, list.buffer.as_slice(), tail.as_bytes()].concat()))
        } else {
            Body::Stream(Box::new(io::Cursor::new(head).chain(list)))
        };
        Ok(response)
    }

    /// Reads a page into the buffer.
    fn page(&mut self) -> Result<Page> {
        let (buffer, written) = (&mut self.buffer, &mut self.written);
        let page = self.store.page_of_stats(&self.filter, &self.range, PAGE, &mut |stat| {
            if *written > 0 {
                buffer.push(b',');
            }
            *written += 1;
            write_head(buffer, stat.uuid, stat.anr, stat.kind, stat.date);
            buffer.extend_from_slice(stat.data.as_bytes());
            buffer.push(b'}');
        })?;
        self.next = page.next;
        self.range.after = page.next;
        self.range.offset = 0;
        self.range.limit = self.range.limit.map(|limit| limit.saturating_sub(page.number));
        Ok(page)
    }

    /// Reads the next page, or ends the list.
    fn refill(&mut self) -> io::Result<()> {
        self.buffer.clear();
        self.read = 0;
        if self.next.is_some() {
            return self.page().map(|_| ()).map_err(|error| io::Error::other(error.chain()));
        }
        self.buffer.extend(std::mem::take(&mut self.tail).as_bytes());
        // The list changed while it was read: better a broken answer than a count that is not true.
        match self.promised == self.written {
            true => Ok(()),
            false => Err(io::Error::other("the stats changed while they were read")),
        }
    }
}

impl Read for Listing {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        while self.read == self.buffer.len() && !(self.next.is_none() && self.tail.is_empty()) {
            self.refill()?;
        }
        let part = &self.buffer[self.read..];
        let length = part.len().min(target.len());
        target[..length].copy_from_slice(&part[..length]);
        self.read += length;
        Ok(length)
    }
}

/// A stat as JSON up to its data, which is the sender's own text and followed by a brace.
fn write_head(buffer: &mut Vec<u8>, uuid: Uuid, anr: Uuid, kind: StatType, date: Date) {
    let mut text = Uuid::encode_buffer();
    buffer.extend_from_slice(br#"{"uuid": ""#);
    buffer.extend_from_slice(uuid.hyphenated().encode_lower(&mut text).as_bytes());
    buffer.extend_from_slice(br#"", "anr": ""#);
    buffer.extend_from_slice(anr.hyphenated().encode_lower(&mut text).as_bytes());
    buffer.extend_from_slice(br#"", "type": ""#);
    buffer.extend_from_slice(kind.name().as_bytes());
    buffer.extend_from_slice(br#"", "date": ""#);
    for (number, digits) in [(i32::from(date.year()), 4), (date.month().into(), 2), (date.day().into(), 2)] {
        if digits == 2 {
            buffer.push(b'-');
        }
        buffer.extend((0..digits).rev().map(|place| digit(number / 10_i32.pow(place) % 10)));
    }
    buffer.extend_from_slice(br#"", "data": "#);
}

/// The letter of a number from 0 to 9.
fn digit(number: i32) -> u8 {
    u8::try_from(number).map_or(b'0', |number| b'0' + number)
}

/// `POST /api/v1/stats/`
pub fn add(app: &App, request: Request<'_>) -> Answer {
    check_content_type(&request)?;
    let caller = request.caller.as_ref().ok_or_else(|| Box::new(message(401, "A client is needed.")))?;
    // The store has one writer anyway, and judging a large batch takes some multiple of its size in memory.
    let _turn = (request.body.bytes.len() > LARGE).then(|| app.large.lock().unwrap_or_else(PoisonError::into_inner));
    let (good, refused) = judge(app, items(text(&request)?)?)?;
    if good.is_empty() && !refused.is_empty() {
        let text = value!({ "message": "No stat of this batch can be used.", "refused": refused }).to_string();
        return Err(Box::new(json(400, text)));
    }
    let placed = app.store.add_stats(caller, &good)?;
    app.metrics.stored(placed.iter().filter(|place| matches!(place, Placed::Stored(_))).count());
    let stored = good.iter().zip(&placed).filter_map(|(stat, place)| match place {
        Placed::Stored(uuid) => Some((*uuid, stat)),
        _ => None,
    });
    let pieces = pieces(&request.body.bytes, stored);
    let duplicates: Vec<String> = placed
        .iter()
        .filter_map(|place| if let Placed::Duplicate(uuid) = place { Some(uuid.to_string()) } else { None })
        .collect();
    Ok(receipt(request.body, pieces, duplicates, refused))
}

/// The items of a batch, unparsed: a number too large for a float spoils its item, not the body.
fn items(text: &str) -> std::result::Result<Vec<&RawValue>, Box<Response>> {
    if !text.trim_start().starts_with('[') && serde_json::from_str::<&RawValue>(text).is_ok() {
        return Err(Box::new(message(400, "The body must be a list of stats.")));
    }
    let Items(items) = serde_json::from_str(text)
        .map_err(|error| Box::new(message(400, &format!("The body is not JSON: {error}."))))?;
    match items.len() {
        0..=MOST_ITEMS => Ok(items),
        _ => Err(Box::new(message(400, &format!("A batch has at most {MOST_ITEMS} stats: send several.")))),
    }
}

/// The items of a batch, of which not many more are held than a batch may have.
struct Items<'a>(Vec<&'a RawValue>);

impl<'de> Deserialize<'de> for Items<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct ListVisitor;
        impl<'de> Visitor<'de> for ListVisitor {
            type Value = Items<'de>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a list of stats")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> std::result::Result<Self::Value, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element()? {
                    if items.len() <= MOST_ITEMS {
                        items.push(item);
                    }
                }
                Ok(Items(items))
            }
        }
        deserializer.deserialize_seq(ListVisitor)
    }
}

/// An item's index, the field that is wrong, and the reason.
type Refused = Map<String, serde_json::Value>;

/// The good items, and why the others are refused. What the store knows already has been checked before.
fn judge<'a>(app: &App, items: Vec<&'a RawValue>) -> Result<(Vec<NewStat<'a>>, Vec<Refused>)> {
    let mut judged: Vec<std::result::Result<NewStat<'a>, Flaw>> =
        items.iter().map(|item| NewStat::parse_unchecked(item.get())).collect();
    let known = app.store.knows(judged.iter().filter_map(|stat| stat.as_ref().ok()))?;
    let mut kept = 0;
    for (stat, is_known) in judged.iter_mut().filter(|stat| stat.is_ok()).zip(known) {
        let unknown = stat.as_mut().ok().filter(|_| !is_known);
        let flaw = unknown.and_then(|stat| check(stat, &mut kept).err());
        if let Some(flaw) = flaw {
            *stat = Err(flaw);
        }
    }
    let (mut good, mut refused) = (Vec::new(), Vec::new());
    for (index, stat) in judged.into_iter().enumerate() {
        match stat {
            Ok(stat) => good.push(stat),
            Err(flaw) => refused.push(refusal(index, flaw)),
        }
    }
    Ok((good, refused))
}

fn check(stat: &mut NewStat<'_>, kept: &mut usize) -> std::result::Result<(), Flaw> {
    stat.check()?;
    if *kept < KEPT {
        *kept += stat.contributions().map_or(0, |parts| parts.len());
    } else {
        stat.forget();
    }
    Ok(())
}

fn refusal(index: usize, flaw: Flaw) -> Refused {
    let mut entry = Map::new();
    entry.insert("index".into(), index.into());
    entry.insert("field".into(), flaw.field.into());
    entry.insert("reason".into(), flaw.reason.into());
    entry
}

/// A piece of a receipt: new text, or a part of the request's own body.
enum Piece {
    Text(Vec<u8>),
    Body(std::ops::Range<usize>),
}

/// The stored stats as JSON, without the brace that closes the last.
fn pieces<'a>(body: &[u8], stored: impl Iterator<Item = (Uuid, &'a NewStat<'a>)>) -> Vec<Piece> {
    let start = body.as_ptr().addr();
    let mut pieces = Vec::new();
    for (uuid, stat) in stored {
        let mut text = if pieces.is_empty() { Vec::new() } else { b"},".to_vec() };
        write_head(&mut text, uuid, stat.anr, stat.kind, stat.date);
        pieces.push(Piece::Text(text));
        let from = stat.data.as_ptr().addr() - start;
        pieces.push(Piece::Body(from..from + stat.data.len()));
    }
    pieces
}

/// The answer to a batch: the stored stats in full, and what became of the others.
fn receipt(body: Received, mut pieces: Vec<Piece>, duplicates: Vec<String>, refused: Vec<Refused>) -> Response {
    let count = u64::try_from(pieces.len() / 2).unwrap_or(u64::MAX);
    let last = if pieces.is_empty() { "]" } else { "}]" };
    pieces.insert(0, Piece::Text(format!("{{\"metadata\": {}, \"data\": [", metadata(count, 0, 0)).into_bytes()));
    let (status, rest) = match duplicates.is_empty() && refused.is_empty() {
        true => (201, "}".to_owned()),
        false => (207, format!(", \"duplicates\": {}, \"refused\": {}}}", value!(duplicates), value!(refused))),
    };
    pieces.push(Piece::Text(format!("{last}{rest}").into_bytes()));
    let mut response = Response::bytes(status, Some("application/json"), Cow::Borrowed(b""));
    response.body =
        Body::Stream(Box::new(Receipt { body, pieces: pieces.into_iter(), current: Piece::Body(0..0), read: 0 }));
    response
}

/// Reads a receipt piece by piece: the batch is not copied.
struct Receipt {
    body: Received,
    pieces: std::vec::IntoIter<Piece>,
    current: Piece,
    read: usize,
}

impl Read for Receipt {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        loop {
            let piece = match &self.current {
                Piece::Text(text) => text,
                Piece::Body(range) => &self.body.bytes[range.clone()],
            };
            let rest = &piece[self.read..];
            if rest.is_empty()
                && let Some(next) = self.pieces.next()
            {
                (self.current, self.read) = (next, 0);
                continue;
            }
            let length = rest.len().min(target.len());
            target[..length].copy_from_slice(&rest[..length]);
            self.read += length;
            return Ok(length);
        }
    }
}
