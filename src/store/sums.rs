//! Reading the sums of selected stats, in pieces of a bounded number of entries: what one client has posted never decides
//! how much memory everybody's question takes.
//!
//! A first look adds everything up, and is all there is where that is little. Where it is much only the objects and days
//! are kept of it, and whole objects or whole periods are read again, so many at a time.

mod rows;

use self::rows::Part;
use super::Store;
use super::entries::{Entries, Entry};
use super::labels::{self, Naming};
use super::rollups::Selection;
use crate::error::{Error, Result};
use crate::model::date;
use crate::model::shapes::Texts;
use jiff::civil::Date;
use rusqlite::Transaction;
use std::collections::{BTreeMap, HashMap, HashSet};

/// How many entries there may be.
#[derive(Clone, Copy, Debug)]
pub struct Most {
    /// At a time in memory.
    pub held: usize,
    /// In an answer about objects: what is beyond `held` is read in pieces, each of which costs reading the selection again.
    pub answered: usize,
    /// Periods of an answer that would be larger, the newest: there are 20,000 days since 1970, and whoever gives each of them
    /// what everybody has would leave no room for anything else.
    pub periods: usize,
}

/// Of some 150 bytes in memory each, and 90 in an answer: as many questions as there may be at once stay below what the
/// service may take, also where the disk has no room for answers.
const MOST: Most = Most { held: 100_000, answered: 1_000_000, periods: 4_000 };

/// Gathers days into periods: gives the first day of a day's period, and never an earlier one of a later day.
pub type Gather<'a> = &'a dyn Fn(Date) -> Result<Date>;

/// Brings the objects that occur into order, and leaves out those that are not asked for. Each comes with the one whose
/// labels are told of it.
pub type Order = fn(&HashMap<i64, String>) -> Vec<(i64, i64)>;

/// The sums of selected stats, all of one moment.
pub struct Sums<'a> {
    tx: &'a Transaction<'a>,
    selection: &'a Selection,
    called: Called<'a>,
    most: Most,
}

/// What objects are called for whoever asks.
#[derive(Clone, Copy)]
pub struct Called<'a> {
    /// What the store knows of that.
    pub naming: Naming,
    /// Adds to the texts of an object's key what is known elsewhere.
    pub more: &'a dyn Fn(&str, &mut Texts) -> Result<()>,
}

/// As most clients call them.
pub const EVERYBODY: Called<'static> = Called { naming: Naming { caller: None, is_live: true }, more: &|_, _| Ok(()) };

/// Sums of some objects and periods: what processors make averages of.
#[derive(Debug, Default)]
pub struct Rollup {
    /// Per period, in order, the entries of each object.
    pub days: BTreeMap<Date, Entries>,
    /// The key of each object that occurs.
    pub keys: HashMap<i64, String>,
    /// Its objects in their order.
    pub order: Vec<(i64, i64)>,
}

impl Rollup {
    /// The entries of each object, in order of their periods.
    pub fn series(&self) -> HashMap<i64, Vec<(Date, &Entry)>> {
        let mut series: HashMap<i64, Vec<(Date, &Entry)>> = HashMap::new();
        for (date, entries) in &self.days {
            for (object, entry) in entries {
                series.entry(*object).or_default().push((*date, entry));
            }
        }
        series
    }
}

impl Store {
    /// Gives `work` the sums of the selected stats, for everybody.
    pub fn sums<T>(&self, selection: &Selection, work: impl FnOnce(&Sums<'_>) -> Result<T>) -> Result<T> {
        self.sums_for(selection, EVERYBODY, work)
    }

    /// The same for somebody.
    pub fn sums_for<T>(
        &self,
        selection: &Selection,
        called: Called<'_>,
        work: impl FnOnce(&Sums<'_>) -> Result<T>,
    ) -> Result<T> {
        self.sums_within(MOST, selection, called, work)
    }

    /// The same with other bounds.
    pub fn sums_within<T>(
        &self,
        most: Most,
        selection: &Selection,
        called: Called<'_>,
        work: impl FnOnce(&Sums<'_>) -> Result<T>,
    ) -> Result<T> {
        self.read(|tx| work(&Sums { tx, selection, called, most }))
    }
}

/// What there is of a selection, and its sums while they are few.
#[derive(Default)]
struct Survey {
    /// None once they were too many.
    sums: Option<Held>,
    /// At most so many entries each object has.
    objects: HashMap<i64, usize>,
    /// First and last day of each period, and at most how many entries it has.
    periods: BTreeMap<Date, (Date, Date, usize)>,
}

impl Survey {
    fn add(&mut self, most: usize, (day, period): (Date, Date), entries: &[(i64, Entry)]) {
        for (object, _) in entries {
            *self.objects.entry(*object).or_default() += 1;
        }
        let known = self.periods.entry(period).or_insert((day, day, 0));
        *known = (known.0.min(day), known.1.max(day), known.2 + entries.len());
        if let Some(held) = &mut self.sums {
            held.add(period, entries);
            self.sums.take_if(|held| held.number > most);
        }
    }
}

/// Sums as they are read.
#[derive(Default)]
struct Held {
    number: usize,
    days: BTreeMap<Date, Entries>,
}

impl Held {
    fn add(&mut self, period: Date, entries: &[(i64, Entry)]) {
        let sums = self.days.entry(period).or_default();
        let before = sums.len();
        for (object, entry) in entries {
            sums.entry(*object).or_default().add(entry, 1);
        }
        self.number += sums.len() - before;
    }
}

impl Sums<'_> {
    /// Whether no stat was selected.
    pub fn is_empty(&self) -> Result<bool> {
        let mut is_empty = true;
        self.rows(&self.everything()?, &mut |_, _| {
            is_empty = false;
            Ok(false)
        })?;
        Ok(is_empty)
    }

    /// All objects over all days, under the first day that there is.
    ///
    /// # Errors
    /// `Invalid` if there are too many.
    pub fn total(&self) -> Result<Rollup> {
        let days = self.held(&self.everything()?, &|_| Ok(Date::MIN))?;
        self.named(days)
    }

    /// Gives away whole objects in their order, with all their periods, so many at a time. Where everybody's objects have more
    /// figures than an answer may, only the newest periods are looked at, and those objects are left out that only clients have
    /// whose objects have most figures: nobody spoils it for all.
    ///
    /// # Errors
    /// `Invalid` if named analyses have more, and those of `each`.
    pub fn by_object(
        &self,
        gather: Gather<'_>,
        order: Order,
        each: &mut dyn FnMut(&Rollup) -> Result<()>,
    ) -> Result<()> {
        let (everything, survey) = self.latest(gather)?;
        let mut keys = HashMap::new();
        for object in survey.objects.keys() {
            keys.insert(*object, self.key(*object)?);
        }
        let order = order(&keys);
        if let Some(held) = survey.sums {
            return each(&Rollup { days: held.days, keys, order });
        }
        let most_of = |(object, _): &(i64, i64)| {
            survey.objects.get(object).copied().unwrap_or_default().min(survey.periods.len())
        };
        let order = self.fitting(order, most_of)?;
        for group in groups(&order, self.most.held, most_of) {
            let objects = group.iter().map(|(object, _)| *object).collect();
            let days = self.held(&everything.of(objects), gather)?;
            let known = |object: &i64| keys.get(object).map(|key| (*object, key.clone()));
            let keys = group.iter().filter_map(|(object, _)| known(object)).collect();
            each(&Rollup { days, keys, order: group.to_vec() })?;
        }
        Ok(())
    }

    /// What there is: of the newest periods alone, if all of them have more than an answer may.
    fn latest(&self, gather: Gather<'_>) -> Result<(Part, Survey)> {
        let mut part = self.everything()?;
        let survey = self.survey(&part, gather)?;
        let is_large = survey.objects.values().sum::<usize>() > self.most.answered;
        let earlier = survey.periods.values().rev().nth(self.most.periods).map(|(_, last, _)| *last);
        match earlier.filter(|_| is_large && self.selection.analyses.is_none()) {
            None => Ok((part, survey)),
            Some(earlier) => {
                part.days.0 = date::to_number(earlier) + 1;
                let survey = self.survey(&part, gather)?;
                Ok((part, survey))
            }
        }
    }

    /// Those objects that an answer has room for, in the same order.
    fn fitting(&self, order: Vec<(i64, i64)>, size: impl Fn(&(i64, i64)) -> usize) -> Result<Vec<(i64, i64)>> {
        let most = self.most.answered;
        if order.iter().map(&size).sum::<usize>() <= most {
            return Ok(order);
        }
        if self.selection.analyses.is_some() {
            return Err(too_many());
        }
        let ranks = labels::ranks(self.tx, |object| size(&(object, object)))?;
        let mut ranked = order.clone();
        ranked.sort_by_key(|(object, _)| (ranks.get(object).copied().unwrap_or(usize::MAX), *object));
        let mut sum = 0;
        let fits = |one: &&(i64, i64)| {
            sum += size(one);
            sum <= most
        };
        let kept: HashSet<i64> = ranked.iter().take_while(fits).map(|(object, _)| *object).collect();
        Ok(order.into_iter().filter(|(object, _)| kept.contains(object)).collect())
    }

    /// What an object is called, for whoever asks: looked up one by one, since names may be long.
    pub fn texts(&self, object: i64) -> Result<Texts> {
        let (key, mut texts) = labels::shown(self.tx, object, self.called.naming)?;
        (self.called.more)(&key, &mut texts)?;
        Ok(texts)
    }

    /// Gives away whole periods in their order, with all their objects, so many at a time.
    ///
    /// # Errors
    /// `Invalid` if a single one has too many objects, and those of `each`.
    pub fn by_period(&self, gather: Gather<'_>, each: &mut dyn FnMut(&Rollup) -> Result<()>) -> Result<()> {
        let everything = self.everything()?;
        let survey = self.survey(&everything, gather)?;
        if let Some(held) = survey.sums {
            return each(&self.named(held.days)?);
        }
        let periods: Vec<_> = survey.periods.into_values().collect();
        for group in groups(&periods, self.most.held, |(_, _, number)| *number) {
            let ends = group.first().zip(group.last());
            let days =
                ends.map_or(everything.days, |(first, last)| (date::to_number(first.0), date::to_number(last.1)));
            each(&self.named(self.held(&Part { days, ..everything.clone() }, gather)?)?)?;
        }
        Ok(())
    }

    fn survey(&self, part: &Part, gather: Gather<'_>) -> Result<Survey> {
        let mut survey = Survey { sums: Some(Held::default()), ..Survey::default() };
        self.entries(part, &mut |day, entries| {
            survey.add(self.most.held, (day, gather(day)?), entries);
            Ok(true)
        })?;
        Ok(survey)
    }

    /// The sums of a part.
    fn held(&self, part: &Part, gather: Gather<'_>) -> Result<BTreeMap<Date, Entries>> {
        let mut held = Held::default();
        self.entries(part, &mut |day, entries| {
            held.add(gather(day)?, entries);
            Ok(held.number <= self.most.held)
        })?;
        if held.number > self.most.held {
            return Err(too_many());
        }
        Ok(held.days)
    }

    /// Sums with the keys of their objects.
    fn named(&self, days: BTreeMap<Date, Entries>) -> Result<Rollup> {
        let mut keys = HashMap::new();
        for object in days.values().flat_map(BTreeMap::keys) {
            if !keys.contains_key(object) {
                keys.insert(*object, self.key(*object)?);
            }
        }
        Ok(Rollup { days, keys, ..Rollup::default() })
    }

    fn key(&self, object: i64) -> Result<String> {
        let mut statement = self.tx.prepare_cached("SELECT key FROM object WHERE id = ?1")?;
        Ok(statement.query_row([object], |row| row.get(0))?)
    }
}

fn too_many() -> Error {
    Error::invalid(
        "There are too many figures for one answer: ask for fewer days, for a longer period, or for fewer analyses.",
    )
}

/// Takes a list apart, so that no group is larger than `most` if it has more than one.
fn groups<T>(list: &[T], most: usize, size: impl Fn(&T) -> usize) -> Vec<&[T]> {
    let (mut groups, mut rest) = (Vec::new(), list);
    while !rest.is_empty() {
        let mut sum = 0;
        let fits = |one: &&T| {
            sum += size(one);
            sum <= most
        };
        let (group, others) = rest.split_at(rest.iter().take_while(fits).count().max(1));
        groups.push(group);
        rest = others;
    }
    groups
}
