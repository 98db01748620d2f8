//! What moved since a month, a quarter and a year ago: of a live instance over its analyses, of releases over what they
//! published.

use super::cells::{MAX_RISK, RATE, is_total};
use super::rounding::{Band, UNITS, amount};
use super::{Column, HORIZONS, Object, Votes};
use crate::averages::published::Week;
use crate::averages::{Labels, trends};
use crate::error::Result;
use crate::model::StatType;
use crate::model::decimal::Mean;
use crate::model::shapes::category_of_key;
use jiff::Span;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Names of the horizons in answers.
pub const NAMES: [&str; 3] = ["month", "quarter", "year"];
/// The types whose objects may move: cells of matrices are too many to be read.
pub const TYPES: [StatType; 4] = [StatType::Risk, StatType::Threat, StatType::Vulnerability, StatType::Compliance];
/// The part of a scale by which something must have moved to be told.
const LEAST: f64 = 0.01;
/// Entries of a list, the largest first.
const MAX_ENTRIES: usize = 50;

/// What a live instance keeps from one day to the next.
#[derive(Default, Serialize, Deserialize)]
pub struct Live {
    /// The day on which it was computed.
    pub date: Option<Date>,
    /// Per horizon and type.
    pub moved: BTreeMap<String, BTreeMap<String, Lists<LiveMove>>>,
}

/// What moved, came and went.
#[derive(Serialize, Deserialize)]
pub struct Lists<M> {
    /// Largest change first.
    pub moved: Vec<M>,
    /// Objects that nobody had at the other end.
    pub new: Vec<Named>,
    /// Objects that nobody has any more.
    pub gone: Vec<Named>,
}

/// An object by its name.
#[derive(Serialize, Deserialize)]
pub struct Named {
    /// What identifies it within its type.
    pub object: String,
    /// Its texts.
    pub labels: Labels,
}

/// A matched change of a live instance.
#[derive(Serialize, Deserialize)]
pub struct LiveMove {
    #[serde(flatten)]
    named: Named,
    measure: String,
    before: Mean,
    after: Mean,
    change: Mean,
    rose: usize,
    fell: usize,
    analyses: usize,
    trend: bool,
}

/// A matched change that was published, with the value that was published for the week, and the slope over the weeks
/// between (Theil and Sen) times their number.
#[derive(Serialize)]
pub struct ReleasedMove {
    #[serde(flatten)]
    named: Named,
    measure: &'static str,
    value: Mean,
    change: Mean,
    slope: Option<Mean>,
    band: Band,
    trend: bool,
}

/// The name of a measure and the end of its scale.
fn measure(kind: StatType, number: usize) -> (&'static str, f64) {
    match (kind, number) {
        (StatType::Threat | StatType::Vulnerability, 1) => ("maxRisk", MAX_RISK),
        (StatType::Threat | StatType::Vulnerability, 2) => ("averageRate", RATE),
        (StatType::Compliance, 0) => ("current", 1.0),
        (StatType::Compliance, _) => ("target", 1.0),
        _ => ("share", 1.0),
    }
}

/// A number for people: four decimals.
fn number(value: f64) -> Mean {
    Mean((value * 10_000.0).round() / 10_000.0)
}

impl Votes {
    /// What moved since one of the horizons, exactly, of so many analyses.
    pub fn moved(&self, kind: StatType, horizon: usize) -> Lists<LiveMove> {
        let trends = self.trends();
        // What it is called is looked up by whoever keeps this.
        let named = |object: &str| Named { object: object.to_owned(), labels: Labels::default() };
        let one = |object: &str, of: usize, column: &Column, trend: bool| {
            let changes = &column.changes[horizon];
            let (name, range) = measure(kind, of);
            let before = column.before[horizon] / changes.len() as f64;
            let change = super::mean(changes);
            let named = named(object);
            let (before, after, change) =
                (number(before * range), number((before + change) * range), number(change * range));
            let count = |rose: bool| changes.iter().filter(|one| **one != 0.0 && (**one > 0.0) == rose).count();
            let (rose, fell, analyses) = (count(true), count(false), changes.len());
            LiveMove { named, measure: name.into(), before, after, change, rose, fell, analyses, trend }
        };
        let mut moved = Vec::new();
        let (mut new, mut gone) = (BTreeSet::new(), BTreeSet::new());
        for ((object, of), column) in self.columns.iter().filter(|((object, _), _)| !is_total(kind, object)) {
            if !column.changes[horizon].is_empty() && super::mean(&column.changes[horizon]).abs() >= LEAST {
                let trend = trends[horizon].get(&(object, *of)) == Some(&true);
                moved.push((super::mean(&column.changes[horizon]).abs(), one(object, *of, column, trend)));
            }
            if column.had[horizon] == 0 && self.had[horizon] > 0 {
                new.insert(object);
            }
            if column.now.is_empty() && column.had[horizon] > 0 {
                gone.insert(object);
            }
        }
        let names = |objects: BTreeSet<&std::rc::Rc<str>>| {
            objects.into_iter().take(MAX_ENTRIES).map(|one| named(one)).collect()
        };
        Lists { moved: largest(moved), new: names(new), gone: names(gone) }
    }
}

/// The largest first.
fn largest<M>(mut moved: Vec<(f64, M)>) -> Vec<M> {
    moved.sort_by(|a, b| b.0.total_cmp(&a.0));
    moved.into_iter().take(MAX_ENTRIES).map(|(_, one)| one).collect()
}

/// What moved until the newest of these weeks, by type, since one of the horizons; nothing if no week is shown.
pub fn released(weeks: &[Week], horizon: usize) -> Result<BTreeMap<String, Lists<ReleasedMove>>> {
    let Some(newest) = weeks.last() else { return Ok(BTreeMap::new()) };
    let since = since(newest.date, horizon)?;
    let earlier = weeks.iter().find(|week| week.date == since);
    let between: Vec<&Week> = weeks.iter().filter(|week| week.date >= since).collect();
    let mut all = BTreeMap::new();
    for kind in TYPES {
        let objects = |week: Option<&Week>| -> BTreeMap<String, Object> {
            let shown = week.and_then(|week| week.release.types.get(kind.name()));
            shown.iter().flat_map(|shown| &shown.objects).map(|object| (object.key.clone(), object.clone())).collect()
        };
        let (now, then) = (objects(Some(newest)), objects(earlier));
        if now.is_empty() {
            continue;
        }
        let missing = |of: &BTreeMap<String, Object>, from: &BTreeMap<String, Object>| {
            of.values().filter(|object| !from.contains_key(&object.key)).take(MAX_ENTRIES).map(named).collect()
        };
        let (new, gone) = match earlier {
            Some(_) => (missing(&now, &then), missing(&then, &now)),
            None => (Vec::new(), Vec::new()),
        };
        let moved = now.values().flat_map(|object| moves(kind, object, horizon, &between)).collect();
        all.insert(kind.name().to_owned(), Lists { moved: largest(moved), new, gone });
    }
    Ok(all)
}

/// The day that lies a horizon before another.
pub fn since(date: Date, horizon: usize) -> Result<Date> {
    let weeks = HORIZONS.get(horizon).copied().unwrap_or_default();
    date.checked_sub(Span::new().weeks(weeks))
        .map_err(|error| crate::error::Error::invalid("a date at the very beginning of the calendar").because(error))
}

/// A category has its texts in its key.
fn named(object: &Object) -> Named {
    let texts = category_of_key(&object.key).map_or_else(|| object.texts.clone(), |(_, texts)| texts);
    Named { object: object.key.clone(), labels: texts.into() }
}

impl Lists<LiveMove> {
    /// Every object by its name, to be told what it is called.
    pub fn named(&mut self) -> impl Iterator<Item = &mut Named> {
        let moved = self.moved.iter_mut().map(|moved| &mut moved.named);
        moved.chain(&mut self.new).chain(&mut self.gone)
    }
}

/// The measures of an object that moved, with their sizes.
fn moves(kind: StatType, object: &Object, horizon: usize, weeks: &[&Week]) -> Vec<(f64, ReleasedMove)> {
    let mut found = Vec::new();
    for (of, figure) in object.figures.iter().enumerate() {
        let Some((figure, change)) =
            figure.as_ref().and_then(|figure| Some((figure, figure.changes[horizon].as_ref()?)))
        else {
            continue;
        };
        let size = f64::from(change.value).abs() / f64::from(UNITS);
        if size < LEAST {
            continue;
        }
        let (name, range) = measure(kind, of);
        let exact = |units: i32| number(amount(units.into(), 1).to_f64() * range);
        let moved = ReleasedMove {
            named: named(object),
            measure: name,
            value: exact(figure.value),
            change: exact(change.value),
            slope: slope(kind, &object.key, of, weeks).map(|units| number(units / f64::from(UNITS) * range)),
            band: change.band,
            trend: change.is_trend,
        };
        found.push((size, moved));
    }
    found
}

/// The slope of what was published, over all of these weeks.
fn slope(kind: StatType, key: &str, of: usize, weeks: &[&Week]) -> Option<f64> {
    let value = |week: &&Week| {
        let objects = &week.release.types.get(kind.name())?.objects;
        let found = objects.binary_search_by(|object| object.key.as_str().cmp(key)).ok()?;
        Some(f64::from(objects.get(found)?.figures.get(of)?.as_ref()?.value))
    };
    let points: Vec<(f64, f64)> =
        (0_u32..).zip(weeks).filter_map(|(x, week)| Some((f64::from(x), value(week)?))).collect();
    let span = points.last()?.0 - points.first()?.0;
    trends::slope(&points).map(|slope| slope * span)
}
