//! A batch that is read from its spool twice: first every item is judged, so that it is known what is to be stored; then
//! that is stored in parts. Of an item only its verdict and its place are kept in between.

use super::receipt::Receipt;
use super::scan::{Broken, Element, Elements};
use super::{Refusal, check_grammar, data_range, unread, utf8};
use crate::app::answer::message;
use crate::model::shapes::Flaw;
use crate::model::stat::{MAX_DATA, NewStat};
use crate::model::{Client, StatType};
use crate::server::message::Received;
use crate::store::Store;
use jiff::civil::Date;
use serde::de::IgnoredAny;
use std::collections::{HashMap, HashSet};
use std::io::{self, BufReader};
use std::ops::Range;
use uuid::Uuid;

/// Items of one batch. What is kept of each takes about a hundred bytes.
pub const MAX_ITEMS: usize = 200_000;

/// Bytes of an item: its data, and room for the rest of it.
const MAX_ITEM: usize = MAX_DATA + (64 << 10);

/// Bytes of items that are stored at a time.
const PART: u64 = 2 << 20;

/// Bytes that are read at a time of an item that is not held.
const PAGE: usize = 64 << 10;

/// A batch on its way into the store.
pub struct Large<'a> {
    pub store: &'a Store,
    pub caller: &'a Client,
    pub body: &'a Received,
}

/// What is to be done with each item.
#[derive(Default)]
struct Verdicts {
    /// By index: where the item stands, if it is to be stored.
    good: Vec<Option<Range<u64>>>,
    /// The item that has a place so far: the last one wins.
    places: HashMap<(Uuid, StatType, Date), usize>,
    /// Identities given in this batch.
    taken: HashSet<Uuid>,
}

impl Large<'_> {
    /// Takes the batch in; the receipt then tells of all its items.
    pub fn take_in(&self, receipt: &mut Receipt) -> Result<(), Refusal> {
        let good = self.judge(receipt)?;
        let number = good.iter().flatten().count();
        receipt.require(u64::try_from(number).unwrap_or(u64::MAX)).map_err(unread)?;
        self.store(good, receipt)
    }

    fn judge(&self, receipt: &mut Receipt) -> Result<Vec<Option<Range<u64>>>, Refusal> {
        let mut verdicts = Verdicts::default();
        let mut elements = Elements::new(self.body.reader(0..self.body.len()), MAX_ITEM);
        while let Some(element) = elements.next().map_err(|broken| self.broken(broken))? {
            let index = verdicts.good.len();
            if index == MAX_ITEMS {
                return Err(Box::new(message(400, &format!("A batch has at most {MAX_ITEMS} stats: send several."))));
            }
            verdicts.good.push(None);
            if let Err(flaw) = self.verdict(&element, index, &mut verdicts, receipt)? {
                let index = u64::try_from(index).unwrap_or(u64::MAX);
                receipt.refuse(index, flaw.field, flaw.reason).map_err(unread)?;
            }
        }
        Ok(verdicts.good)
    }

    /// Judges one item.
    fn verdict(
        &self,
        element: &Element,
        index: usize,
        verdicts: &mut Verdicts,
        receipt: &mut Receipt,
    ) -> Result<Result<(), Flaw>, Refusal> {
        let Some(text) = &element.text else {
            self.oversize(element)?;
            return Ok(Err(Flaw { field: Some("data".into()), reason: "is larger than 8 MB".into() }));
        };
        let text = utf8(text, element.range.start)?;
        let mut stat = match NewStat::parse_unchecked(text) {
            Ok(stat) => stat,
            Err(flaw) => return check_grammar(text, element.range.start).map(|()| Err(flaw)),
        };
        let is_known = self.store.has_payloads(std::iter::once(&stat))?.contains(&true);
        if !is_known && let Err(flaw) = stat.check() {
            return Ok(Err(flaw));
        }
        if let Some(uuid) = stat.uuid
            && (!verdicts.taken.insert(uuid) || self.store.has_stat(uuid)?)
        {
            receipt.duplicate(uuid).map_err(unread)?;
            return Ok(Ok(()));
        }
        if let Some(earlier) = verdicts.places.insert((stat.anr, stat.kind, stat.date), index) {
            verdicts.good[earlier] = None;
        }
        verdicts.good[index] = Some(element.range.clone());
        Ok(Ok(()))
    }

    /// Sees whether an item that is too large to be held is JSON at all.
    fn oversize(&self, element: &Element) -> Result<(), Refusal> {
        let reader = BufReader::with_capacity(PAGE, self.body.reader(element.range.clone()));
        serde_json::from_reader::<_, IgnoredAny>(reader).map(drop).map_err(|error| match error.is_io() {
            true => unread(error.into()),
            false => super::not_json(&error, element.range.start),
        })
    }

    /// What to say of a body that is no list: whether it is JSON of another kind.
    fn broken(&self, broken: Broken) -> Refusal {
        let position = match broken {
            Broken::Unread(error) => return unread(error),
            Broken::Malformed(position) => position,
        };
        let reader = BufReader::new(self.body.reader(0..self.body.len()));
        match serde_json::from_reader::<_, IgnoredAny>(reader) {
            Ok(IgnoredAny) => Box::new(message(400, "The body must be a list of stats.")),
            Err(error) if error.is_io() => unread(error.into()),
            Err(_) => Box::new(message(400, &format!("The body is not JSON: it is malformed at byte {position}."))),
        }
    }

    fn store(&self, good: Vec<Option<Range<u64>>>, receipt: &mut Receipt) -> Result<(), Refusal> {
        let (mut part, mut bytes) = (Vec::new(), 0);
        for (range, index) in good.into_iter().zip(0..) {
            let Some(range) = range else { continue };
            bytes += range.end - range.start;
            part.push((index, range));
            if bytes >= PART {
                self.store_part(&part, receipt)?;
                part.clear();
                bytes = 0;
            }
        }
        self.store_part(&part, receipt)
    }

    /// Stores some of the items; the averages of what is new are found before the store is locked.
    fn store_part(&self, part: &[(u64, Range<u64>)], receipt: &mut Receipt) -> Result<(), Refusal> {
        let texts = part.iter().map(|(_, range)| self.body.range(range.clone()));
        let texts: Vec<Vec<u8>> = texts.collect::<io::Result<_>>().map_err(unread)?;
        let mut stats = Vec::with_capacity(part.len());
        for ((index, range), text) in part.iter().zip(&texts) {
            let text = utf8(text, range.start)?;
            // It was good before, and is the same text.
            if let Ok(stat) = NewStat::parse_unchecked(text) {
                stats.push((stat, (*index, range.start, text)));
            }
        }
        let known = self.store.has_payloads(stats.iter().map(|(stat, _)| stat))?;
        for ((stat, _), is_known) in stats.iter_mut().zip(known) {
            if !is_known {
                let refused =
                    |flaw: Flaw| Box::new(message(500, &format!("A stat was judged twice: {}.", flaw.reason)));
                stat.check().map_err(refused)?;
            }
        }
        let (batch, places): (Vec<NewStat<'_>>, Vec<_>) = stats
            .into_iter()
            .map(|(stat, (index, start, text))| {
                let range = data_range(text, stat.data, start);
                (stat, (range, index))
            })
            .unzip();
        let outcomes = self.store.add_stats(self.caller, &batch)?;
        for ((stat, (range, index)), outcome) in batch.iter().zip(places).zip(outcomes) {
            // A duplicate came from elsewhere since it was judged.
            super::note(receipt, stat, range, index, outcome)?;
        }
        Ok(())
    }
}
