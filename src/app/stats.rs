//! Stats as they were sent: reading them back, deleting an analysis.

use super::answer::{Answer, message};
use super::arguments::{Arguments, as_bool, as_date, as_number, as_text, as_uuid, as_uuids};
use super::{App, Request};
use crate::error::{Error, Kind, Result};
use crate::model::date::today;
use crate::model::text::counted;
use crate::model::{Role, StatType, parse_uuid};
use crate::server::message::{Body, Response};
use crate::server::spool::{Spool, Spools};
use crate::store::Store;
use crate::store::listing::{Beginning, Filter, PLACES, Range, Stat, StatPlace};
use jiff::civil::Date;
use serde_json::json as value;
use std::borrow::Cow;
use std::io::{self, Read, Write};
use std::sync::Arc;
use uuid::Uuid;

/// Bytes of data after which a page of an answer is full. With what stands around them they nearly always fit the memory
/// of a page, and an answer of one page is sent as a whole.
const PAGE: usize = 192 << 10;

/// Bytes of the place of a stat.
const PLACE: u64 = 16;

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
    Ok(Listing::start(app, &filter, &Range::default(), |_| "[".into(), "]")?)
}

/// `DELETE /api/v1/stats/<anr>`
pub fn delete_analysis(app: &App, request: Request<'_>) -> Answer {
    let gone = app.store.delete_stats(&analysis(&request)?)?;
    log::info!("deleted {} of one analysis", counted(gone, "stat"));
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
    let range = Range { offset, limit: (limit > 0).then_some(limit) };
    let head = |number| format!("{{\"metadata\": {}, \"data\": [", metadata(number, offset, limit));
    Listing::start(app, &filter, &range, head, "]}")
}

/// The metadata of a list.
pub fn metadata(count: u64, offset: u64, limit: u64) -> serde_json::Value {
    value!({ "count": count.to_string(), "offset": offset.to_string(), "limit": limit.to_string() })
}

/// A list of stats that is read from the store as it is written to the client: a slow reader holds one page of it and 16
/// bytes for each stat, both in files if they are large, and no transaction.
struct Listing {
    store: Arc<Store>,
    /// How many stats it has.
    total: u64,
    /// Where they are, as they were when the list began, unless its first page has them all.
    places: Spool,
    /// Stats that were read.
    done: u64,
    page: Page,
    tail: &'static str,
}

impl Listing {
    /// The answer: small lists leave as they are, large ones page by page.
    fn start(
        app: &App,
        filter: &Filter,
        range: &Range,
        head: impl Fn(u64) -> String,
        tail: &'static str,
    ) -> Result<Response> {
        let store = Arc::clone(&app.store);
        let (mut places, mut page) = (app.spools.answer(), Page::new(&app.spools));
        let mut keep = |place: StatPlace| places.write_all(&place.to_bytes()).map_err(unread);
        let Beginning { read: done, is_all } =
            store.list(filter, range, PAGE, &mut keep, &mut |stat| page.add(stat))?;
        page.finish().map_err(unread)?;
        if is_all && let Some(stats) = page.spool.in_memory() {
            let whole = [head(done).as_bytes(), stats, tail.as_bytes()].concat();
            return Ok(Response::bytes(200, Some("application/json"), Cow::Owned(whole)));
        }
        let total = if is_all { done } else { places.len() / PLACE };
        let list = Self { store, total, places, done, page, tail };
        let mut response = Response::bytes(200, Some("application/json"), Cow::Borrowed(b""));
        response.body = Body::Stream(Box::new(io::Cursor::new(head(total).into_bytes()).chain(list)));
        Ok(response)
    }

    /// Reads the next page, or ends the list. A list that cannot be whole is broken off rather than ended.
    fn refill(&mut self) -> io::Result<()> {
        let end = self.total.min(self.done + u64::try_from(PLACES).map_err(io::Error::other)?);
        self.page.clear();
        if self.done == end {
            return self.page.spool.write_all(std::mem::take(&mut self.tail).as_bytes());
        }
        let bytes = self.places.read_range(self.done * PLACE..end * PLACE)?;
        let places: Vec<StatPlace> = bytes.as_chunks().0.iter().map(StatPlace::from_bytes).collect();
        let page = &mut self.page;
        let read = self.store.stats_at(&places, PAGE, &mut |stat| page.add(stat));
        self.done += u64::try_from(read.map_err(|error| io::Error::other(error.chain()))?).map_err(io::Error::other)?;
        self.page.finish()
    }
}

/// A page of a list, written anew again and again.
struct Page {
    spool: Spool,
    read: u64,
    has_stats: bool,
    failure: Option<io::Error>,
}

impl Page {
    fn new(spools: &Spools) -> Self {
        Self { spool: spools.page(), read: 0, has_stats: false, failure: None }
    }

    fn clear(&mut self) {
        self.spool.clear();
        self.read = 0;
    }

    /// Adds a stat, after a comma if it is not the first of the list.
    fn add(&mut self, stat: &Stat<'_>) {
        let mut head = if self.has_stats { b",".to_vec() } else { Vec::new() };
        self.has_stats = true;
        write_head(&mut head, stat.uuid, stat.anr, stat.kind, stat.date);
        let parts = [&head, stat.data.as_bytes(), b"}"];
        if self.failure.is_none() {
            self.failure = parts.into_iter().try_for_each(|part| self.spool.write_all(part)).err();
        }
    }

    /// Tells whether all of it could be written.
    fn finish(&mut self) -> io::Result<()> {
        self.failure.take().map_or(Ok(()), Err)
    }

    fn is_read(&self) -> bool {
        self.read == self.spool.len()
    }
}

impl Read for Page {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        let got = self.spool.read_at(target, self.read)?;
        self.read += u64::try_from(got).unwrap_or_default();
        Ok(got)
    }
}

fn unread(error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::ResourceBusy => {
            Error::new(Kind::Busy, "There is no room for this answer: try again in a moment.")
        }
        _ => Error::new(Kind::Unavailable, "The answer could not be written."),
    }
    .because(error)
}

impl Read for Listing {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        while self.page.is_read() && !self.tail.is_empty() {
            self.refill()?;
        }
        self.page.read(target)
    }
}

/// A stat as JSON up to its data, which is the sender's own text and followed by a brace.
pub fn write_head(buffer: &mut Vec<u8>, uuid: Uuid, anr: Uuid, kind: StatType, date: Date) {
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
