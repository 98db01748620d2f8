//! Storing a batch of stats: each item is judged by itself, all good ones are stored in one transaction.

use super::answer::{Answer, json, message};
use super::arguments::{check_content_type, text};
use super::signals::Signals;
use super::stats::{metadata, write_head};
use super::{App, Request};
use crate::error::{Error, Kind, Result};
use crate::model::shapes::{Flaw, Object};
use crate::model::stat::{Item, NewStat};
use crate::model::{Client, date};
use crate::server::message::{Body, Received, Response};
use crate::store::Store;
use crate::store::stats::ItemOutcome;
use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, json as value};
use std::borrow::Cow;
use std::io::{self, Read};
use std::marker::PhantomData;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use uuid::Uuid;

/// Stats in one batch. A front office of a thousand analyses sends 5,000.
const MAX_ITEMS: usize = 50_000;

/// Bytes from which on batches are taken in one at a time.
const LARGE: usize = 1 << 20;

/// Contributions of a batch that are kept between judging and storing; those of later stats are found again.
const KEPT: usize = 20_000;

/// `POST /api/v1/stats/`
pub fn add(app: &App, request: Request<'_>) -> Answer {
    check_content_type(&request)?;
    text(&request)?;
    let Request { caller, body, .. } = request;
    let caller = caller.ok_or_else(|| Box::new(message(401, "A client is needed.")))?;
    let (response, stored) = match body.bytes.len() {
        0..=LARGE => take_in(&app.store, &app.signals, &caller, body)?,
        _ => app.large.take_in((Arc::clone(&app.store), Arc::clone(&app.signals)), caller, body)?,
    };
    app.metrics.stored(stored);
    Ok(response)
}

/// What became of a batch: the answer, and how many stats were stored.
type Taken = std::result::Result<(Response, usize), Box<Response>>;

/// Takes large batches in, one after the other and all in one thread. The store has one writer anyway, and judging a
/// batch takes some multiple of its size in memory, of which glibc keeps a part for each thread that ever did it.
#[derive(Default)]
pub struct Large(Mutex<Option<Sender<Job>>>);

struct Job {
    store: Arc<Store>,
    signals: Arc<Signals>,
    caller: Client,
    body: Received,
    answer: Sender<Taken>,
}

impl Large {
    fn take_in(&self, (store, signals): (Arc<Store>, Arc<Signals>), caller: Client, body: Received) -> Taken {
        let (answer, taken) = channel();
        self.hand_over(Job { store, signals, caller, body, answer })?;
        let lost = |_| Err(Error::new(Kind::Internal, "the thread for large batches has ended").into());
        taken.recv().unwrap_or_else(lost)
    }

    fn hand_over(&self, job: Job) -> Result<()> {
        let mut worker = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let left = match worker.as_ref() {
            Some(sender) => sender.send(job).err().map(|unsent| unsent.0),
            None => Some(job),
        };
        let Some(job) = left else { return Ok(()) };
        let (sender, jobs) = channel::<Job>();
        let work = move || jobs.into_iter().for_each(Job::run);
        let failed =
            |e| Error::new(Kind::Busy, "there is no thread for a large batch: try again in a moment").because(e);
        std::thread::Builder::new().name("large batches".into()).spawn(work).map_err(failed)?;
        let sent = sender.send(job);
        *worker = Some(sender);
        sent.map_err(|_| Error::new(Kind::Internal, "the thread for large batches has ended"))
    }
}

impl Job {
    fn run(self) {
        let taken = take_in(&self.store, &self.signals, &self.caller, self.body);
        // Whoever asked may have gone away.
        let _ = self.answer.send(taken);
    }
}

/// Judges a batch and stores what is good of it.
fn take_in(store: &Store, signals: &Signals, caller: &Client, body: Received) -> Taken {
    let text = std::str::from_utf8(&body.bytes).map_err(|_| Box::new(message(400, "The body is not UTF-8.")))?;
    let judged = open(text)?;
    signals.note_ahead(judged.iter().filter(|one| one.as_ref().is_err_and(is_ahead)).count());
    let (good, indexes, mut refused) = judge(store, judged)?;
    let outcomes = store.add_stats(caller, &good)?;
    let late = outcomes.iter().zip(indexes).filter_map(|(outcome, index)| Some(refusal(index, outcome.flaw()?)));
    refused.extend(late);
    let is_refused = |outcome: &ItemOutcome| matches!(outcome, ItemOutcome::TooMany(_));
    if outcomes.iter().all(is_refused) && !refused.is_empty() {
        let text = value!({ "message": "No stat of this batch can be used.", "refused": refused }).to_string();
        return Err(Box::new(json(400, text)));
    }
    let stored = good.iter().zip(&outcomes).filter_map(|(stat, place)| match place {
        ItemOutcome::Stored(uuid) => Some((*uuid, stat)),
        _ => None,
    });
    let pieces = pieces(&body.bytes, stored);
    let duplicates: Vec<String> = outcomes
        .iter()
        .filter_map(|place| if let ItemOutcome::Duplicate(uuid) = place { Some(uuid.to_string()) } else { None })
        .collect();
    let number = pieces.len() / 2;
    Ok((receipt(body, pieces, duplicates, refused), number))
}

/// The items of a batch, their data unchecked. One pass does for a batch that is right throughout; what is wrong with
/// another is found out by a second one, item by item.
fn open(text: &str) -> std::result::Result<Vec<Judged<'_>>, Box<Response>> {
    match serde_json::from_str(text) {
        Ok(Items::<Object<Item<'_>>>(items)) if items.len() <= MAX_ITEMS => {
            Ok(items.into_iter().map(|Object(item)| NewStat::open(item)).collect())
        }
        _ => Ok(items(text)?.into_iter().map(|item| NewStat::parse_unchecked(item.get())).collect()),
    }
}

/// The items of a batch, unparsed: a number too large for a float spoils its item, not the body.
fn items(text: &str) -> std::result::Result<Vec<&RawValue>, Box<Response>> {
    if !text.trim_start().starts_with('[') && serde_json::from_str::<&RawValue>(text).is_ok() {
        return Err(Box::new(message(400, "The body must be a list of stats.")));
    }
    let Items::<&RawValue>(items) = serde_json::from_str(text)
        .map_err(|error| Box::new(message(400, &format!("The body is not JSON: {error}."))))?;
    match items.len() {
        0..=MAX_ITEMS => Ok(items),
        _ => Err(Box::new(message(400, &format!("A batch has at most {MAX_ITEMS} stats: send several.")))),
    }
}

/// The items of a batch, of which not many more are held than a batch may have.
struct Items<T>(Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Items<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct ListVisitor<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for ListVisitor<T> {
            type Value = Items<T>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a list of stats")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> std::result::Result<Self::Value, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element()? {
                    if items.len() <= MAX_ITEMS {
                        items.push(item);
                    }
                }
                Ok(Items(items))
            }
        }
        deserializer.deserialize_seq(ListVisitor(PhantomData))
    }
}

/// An item's index, the field that is wrong, and the reason.
type Refused = Map<String, serde_json::Value>;

/// An item as far as it is judged.
type Judged<'a> = std::result::Result<NewStat<'a>, Flaw>;

/// The good items, the index of each, and why the others are refused.
type Verdict<'a> = (Vec<NewStat<'a>>, Vec<usize>, Vec<Refused>);

/// Judges the items of a batch. What the store knows already has been checked before.
fn judge<'a>(store: &Store, mut judged: Vec<Judged<'a>>) -> Result<Verdict<'a>> {
    let known = store.has_payloads(judged.iter().filter_map(|stat| stat.as_ref().ok()))?;
    let mut kept = 0;
    for (stat, is_known) in judged.iter_mut().filter(|stat| stat.is_ok()).zip(known) {
        let unknown = stat.as_mut().ok().filter(|_| !is_known);
        let flaw = unknown.and_then(|stat| check(stat, &mut kept).err());
        if let Some(flaw) = flaw {
            *stat = Err(flaw);
        }
    }
    let (mut good, mut indexes, mut refused) = (Vec::new(), Vec::new(), Vec::new());
    for (index, stat) in judged.into_iter().enumerate() {
        match stat {
            Ok(stat) => {
                good.push(stat);
                indexes.push(index);
            }
            Err(flaw) => refused.push(refusal(index, flaw)),
        }
    }
    Ok((good, indexes, refused))
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

/// Returns true if a stat is refused because its date is too far ahead.
fn is_ahead(flaw: &Flaw) -> bool {
    flaw.field.as_deref() == Some("date") && flaw.reason.ends_with(date::AHEAD)
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
