//! Storing a batch of stats: each item is judged by itself, and all good ones are stored; a small batch in one transaction,
//! a larger one in parts, so that it costs little memory however large it is.

mod large;
mod receipt;
mod scan;

use super::answer::{Answer, message};
use super::arguments::{check_content_type, text};
use super::{App, Request};
use crate::error::{Error, Kind, Result};
use crate::model::Client;
use crate::model::shapes::{Flaw, Object};
use crate::model::stat::{Item, NewStat};
use crate::model::text::plain;
use crate::server::gate::{Gate, Permit};
use crate::server::message::Response;
use crate::store::Store;
use crate::store::stats::ItemOutcome;
use large::Large;
use receipt::Receipt;
use serde::de::{Deserialize, Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::io;
use std::marker::PhantomData;
use std::ops::Range;
use std::time::Duration;

/// Bytes up to which a batch is held whole and stored in one transaction.
const SMALL: u64 = 1 << 20;

/// Items up to which it is.
const SMALL_ITEMS: usize = 20_000;

/// Small batches that are taken in at a time. The store has one writer, and judging a batch takes some multiple of its
/// size in memory.
const AT_A_TIME: usize = 4;

/// How long a batch waits for its turn: a small one for others that take milliseconds, a large one for others of its kind.
const PATIENCE: Duration = Duration::from_secs(10);
const LARGE_PATIENCE: Duration = Duration::from_secs(60);

/// An answer that comes early.
type Refusal = Box<Response>;

/// The turns of batches: large ones are taken in one after the other.
pub struct Gates {
    small: Gate,
    large: Gate,
}

impl Default for Gates {
    fn default() -> Self {
        Self { small: Gate::new(AT_A_TIME), large: Gate::new(1) }
    }
}

impl Gates {
    fn enter(&self, is_small: bool) -> Result<Permit> {
        let permit = if is_small { self.small.enter(PATIENCE) } else { self.large.enter(LARGE_PATIENCE) };
        permit.ok_or_else(|| Error::new(Kind::Busy, "Too many batches at once: try again in a moment."))
    }
}

/// `POST /api/v1/stats/`
pub fn add(app: &App, request: Request<'_>) -> Answer {
    check_content_type(&request)?;
    let caller = request.caller.as_ref().ok_or_else(|| Box::new(message(401, "A client is needed.")))?;
    let receipt = take_in(app, caller, &request)?;
    app.signals.note_ahead(receipt.ahead());
    if app.signals.note_batch((caller.id, &caller.name), receipt.first_refusal()) {
        let reason = receipt.first_refusal().unwrap_or_default();
        log::warn!("client {:?} sent what was refused: {}", caller.name, plain(reason));
    }
    if receipt.is_unusable() {
        return Ok(receipt.unusable());
    }
    app.metrics.stored(usize::try_from(receipt.stored()).unwrap_or(usize::MAX));
    Ok(receipt.response(request.body))
}

/// Judges a batch and stores what is good of it.
fn take_in(app: &App, caller: &Client, request: &Request<'_>) -> std::result::Result<Receipt, Refusal> {
    let mut receipt = Receipt::new(&app.spools);
    if request.body.len() <= SMALL {
        let _permit = app.batches.enter(true)?;
        let text = text(request)?;
        if let Some(judged) = open(&text)? {
            let start = request.body.len() - u64::try_from(text.len()).unwrap_or_default();
            store_whole(&app.store, caller, judged, (&text, start), &mut receipt)?;
            return Ok(receipt);
        }
    }
    let _permit = app.batches.enter(false)?;
    Large { store: &app.store, caller, body: &request.body }.take_in(&mut receipt)?;
    Ok(receipt)
}

/// Stores the good items of a batch in one transaction. Its text begins at a byte of the body.
fn store_whole(
    store: &Store,
    caller: &Client,
    judged: Vec<Judged<'_>>,
    (text, start): (&str, u64),
    receipt: &mut Receipt,
) -> std::result::Result<(), Refusal> {
    let (good, indexes) = judge(store, judged, receipt)?;
    let outcomes = store.add_stats(caller, &good)?;
    for ((stat, index), outcome) in good.iter().zip(indexes).zip(outcomes) {
        note(receipt, stat, data_range(text, stat.data, start), index, outcome)?;
    }
    Ok(())
}

/// Tells the receipt what became of an item of this index, whose data is a range of the body.
fn note(
    receipt: &mut Receipt,
    stat: &NewStat<'_>,
    data: Range<u64>,
    index: u64,
    outcome: ItemOutcome,
) -> std::result::Result<(), Refusal> {
    match (outcome, outcome.flaw()) {
        (ItemOutcome::Stored(uuid), _) => receipt.stored_stat(uuid, stat, data),
        (ItemOutcome::Duplicate(uuid), _) => receipt.duplicate(uuid),
        (_, Some(flaw)) => receipt.refuse(index, flaw.field, flaw.reason),
        (_, None) => Ok(()),
    }
    .map_err(unread)
}

/// Where the data of an item is in the body, if the text that it is a part of begins at a byte of it.
fn data_range(text: &str, data: &str, start: u64) -> Range<u64> {
    let before = data.as_ptr().addr() - text.as_ptr().addr();
    let from = start + u64::try_from(before).unwrap_or_default();
    from..from + u64::try_from(data.len()).unwrap_or_default()
}

/// A spool that cannot be read or written.
fn unread(error: io::Error) -> Refusal {
    let kind = if error.kind() == io::ErrorKind::StorageFull { Kind::Full } else { Kind::Unavailable };
    Error::new(kind, "The batch cannot be kept on the disk while it is taken in.").because(error).into()
}

/// An item as text.
fn utf8(bytes: &[u8], start: u64) -> std::result::Result<&str, Refusal> {
    std::str::from_utf8(bytes).map_err(|error| {
        let place = start + u64::try_from(error.valid_up_to()).unwrap_or_default();
        Box::new(message(400, &format!("The body is not UTF-8 at byte {place}.")))
    })
}

/// An item that cannot be used spoils nothing but itself; one that is not even JSON spoils the body.
fn check_grammar(text: &str, start: u64) -> std::result::Result<(), Refusal> {
    serde_json::from_str::<IgnoredAny>(text).map(drop).map_err(|error| not_json(&error, start))
}

/// The refusal of a body that has an error in the item that begins at a byte.
fn not_json(error: &serde_json::Error, start: u64) -> Refusal {
    let text = format!("The body is not JSON: {error} of the item that begins at byte {start}.");
    Box::new(message(400, &text))
}

/// The items of a batch, their data unchecked; none if there are too many to be held. One pass does for a batch that is
/// right throughout; what is wrong with another is found out by a second one, item by item.
fn open(text: &str) -> std::result::Result<Option<Vec<Judged<'_>>>, Refusal> {
    match serde_json::from_str(text) {
        Ok(Items::<Object<Item<'_>>>(items)) if items.len() <= SMALL_ITEMS => {
            Ok(Some(items.into_iter().map(|Object(item)| NewStat::open(item)).collect()))
        }
        _ => {
            let items = items(text)?;
            let is_small = items.len() <= SMALL_ITEMS;
            Ok(is_small.then(|| items.into_iter().map(|item| NewStat::parse_unchecked(item.get())).collect()))
        }
    }
}

/// The items of a batch, unparsed: a number too large for a float spoils its item, not the body.
fn items(text: &str) -> std::result::Result<Vec<&RawValue>, Refusal> {
    if !text.trim_start().starts_with('[') && serde_json::from_str::<&RawValue>(text).is_ok() {
        return Err(Box::new(message(400, "The body must be a list of stats.")));
    }
    let Items::<&RawValue>(items) = serde_json::from_str(text)
        .map_err(|error| Box::new(message(400, &format!("The body is not JSON: {error}."))))?;
    Ok(items)
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
                    if items.len() <= SMALL_ITEMS {
                        items.push(item);
                    }
                }
                Ok(Items(items))
            }
        }
        deserializer.deserialize_seq(ListVisitor(PhantomData))
    }
}

/// An item as far as it is judged.
type Judged<'a> = std::result::Result<NewStat<'a>, Flaw>;

/// The good items and the index of each; the receipt tells why the others are refused. What the store knows already has been checked before.
fn judge<'a>(
    store: &Store,
    mut judged: Vec<Judged<'a>>,
    receipt: &mut Receipt,
) -> std::result::Result<(Vec<NewStat<'a>>, Vec<u64>), Refusal> {
    let known = store.has_payloads(judged.iter().filter_map(|stat| stat.as_ref().ok()))?;
    for (stat, is_known) in judged.iter_mut().filter(|stat| stat.is_ok()).zip(known) {
        let flaw = stat.as_mut().ok().filter(|_| !is_known).and_then(|stat| stat.check().err());
        if let Some(flaw) = flaw {
            *stat = Err(flaw);
        }
    }
    let (mut good, mut indexes) = (Vec::new(), Vec::new());
    for (stat, index) in judged.into_iter().zip(0..) {
        match stat {
            Ok(stat) => {
                good.push(stat);
                indexes.push(index);
            }
            Err(flaw) => receipt.refuse(index, flaw.field, flaw.reason).map_err(unread)?,
        }
    }
    Ok((good, indexes))
}
