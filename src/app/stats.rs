//! Stats as they were sent: reading them back, deleting an analysis.

use super::answer::{Answer, message};
use super::arguments::{Arguments, as_bool, as_date, as_number, as_text, as_uuid, as_uuids};
use super::{App, Request};
use crate::error::Result;
use crate::model::date::today;
use crate::model::text::counted;
use crate::model::{Role, StatType, parse_uuid};
use crate::server::message::{Body, Response};
use crate::store::Store;
use crate::store::listing::{Filter, Page, Position, Range};
use jiff::civil::Date;
use serde_json::json as value;
use std::borrow::Cow;
use std::io::{self, Read};
use std::sync::Arc;
use uuid::Uuid;

/// Bytes of data that are held of a large answer at a time.
const PAGE: usize = 256 << 10;

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
    let range = Range { after: None, offset, limit: (limit > 0).then_some(limit) };
    let head = |number| format!("{{\"metadata\": {}, \"data\": [", metadata(number, offset, limit));
    Listing::start(app, filter, range, head, "]}")
}

/// The metadata of a list.
pub fn metadata(count: u64, offset: u64, limit: u64) -> serde_json::Value {
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
