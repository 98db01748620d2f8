//! What moved since a month, a quarter and a year ago: of a live instance over its analyses, of releases over what they
//! published.

mod live;

use super::cells::{MAX_RISK, RATE};
use super::rounding::{Band, UNITS, amount};
use super::{HORIZONS, Object};
use crate::averages::published::{self, Lean, Week};
use crate::averages::{Labels, trends};
use crate::error::Result;
use crate::model::StatType;
use crate::model::decimal::Mean;
use crate::model::shapes::{CATEGORIES, LEVELS, STATES, category_of_key};
use jiff::Span;
use jiff::civil::Date;
pub use live::{Live, Matched, Paths, add_high};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Names of the horizons in answers.
pub const NAMES: [&str; 3] = ["month", "quarter", "year"];
/// The types whose objects may move: cells of matrices are too many to be read.
pub const TYPES: [StatType; 4] = [StatType::Risk, StatType::Threat, StatType::Vulnerability, StatType::Compliance];
/// The part of a scale by which something must have moved to be told.
const LEAST: f64 = 0.01;
/// Entries of a list, the largest first.
const MAX_ENTRIES: usize = 50;
/// Weeks back at which a live instance looks, the newest first: each of a quarter, every fourth of a year.
pub const WEEKS: [i64; 24] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 16, 20, 24, 28, 32, 36, 40, 44, 48, 52];
/// Weeks from one point of a horizon to the next.
const STEPS: [i64; 3] = [1, 1, 4];

/// Changes by horizon and measure, or another name.
pub type Changes<M> = BTreeMap<String, BTreeMap<String, M>>;

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

/// A matched change that was published, with the value that was published for the week, those of the weeks between, and
/// their slope (Theil and Sen) times their number.
#[derive(Serialize)]
pub struct ReleasedMove {
    #[serde(flatten)]
    named: Named,
    measure: &'static str,
    value: Mean,
    change: Mean,
    slope: Option<Mean>,
    values: Vec<Option<Mean>>,
    band: Band,
    trend: bool,
}

/// High risks as they were published at both ends: of all contributors, since only parts of a number are matched.
#[derive(Serialize)]
pub struct ReleasedHigh {
    before: Mean,
    after: Mean,
    change: Mean,
    band: Band,
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

/// The largest first.
fn largest<M>(mut moved: Vec<(f64, M)>) -> Vec<M> {
    moved.sort_by(|a, b| b.0.total_cmp(&a.0));
    moved.into_iter().take(MAX_ENTRIES).map(|(_, one)| one).collect()
}

/// The slope of values at equal distances, times the distance from the first to the last.
fn slope(values: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    let points: Vec<(f64, f64)> = (0_u32..).zip(values).filter_map(|(x, value)| Some((f64::from(x), value?))).collect();
    let span = points.last()?.0 - points.first()?.0;
    trends::slope(&points).map(|slope| slope * span)
}

/// What moved until a week, the newest of some, by type, since one of the horizons.
pub fn released(newest: &Week, weeks: &[Lean], horizon: usize) -> Result<BTreeMap<String, Lists<ReleasedMove>>> {
    let since = since(newest.date, horizon)?;
    let earlier = weeks.iter().find(|week| week.date == since);
    let between: Vec<&Lean> = weeks.iter().filter(|week| week.date >= since).collect();
    let mut all = BTreeMap::new();
    for kind in TYPES {
        let now = newest.release.types.get(kind.name()).map(|shown| shown.objects.as_slice()).unwrap_or_default();
        if now.is_empty() {
            continue;
        }
        let then = earlier.and_then(|week| week.shown(kind));
        let is_new = |object: &&Object| then.is_none_or(|then| then.object(&object.key).is_none());
        let is_gone = |key: &str| now.binary_search_by(|object| object.key.as_str().cmp(key)).is_err();
        let (mut new, mut gone) = (Vec::new(), Vec::new());
        if earlier.is_some() {
            new.extend(now.iter().filter(is_new).take(MAX_ENTRIES).map(|object| named(&object.key, &object.texts)));
            let past = then.iter().flat_map(|then| then.objects()).filter(|object| is_gone(&object.key));
            gone.extend(past.take(MAX_ENTRIES).map(|object| named(&object.key, &object.texts)));
        }
        let moved = now.iter().flat_map(|object| moves(kind, object, horizon, &between)).collect();
        all.insert(kind.name().to_owned(), Lists { moved: largest(moved), new, gone });
    }
    Ok(all)
}

/// High risks of the newest of these weeks beside those of one horizon before, by state: of the kinds that both show.
pub fn released_high(weeks: &[Lean], horizon: usize) -> Result<BTreeMap<String, ReleasedHigh>> {
    let Some(newest) = weeks.last() else { return Ok(BTreeMap::new()) };
    let since = since(newest.date, horizon)?;
    let Some(earlier) = weeks.iter().find(|week| week.date == since) else { return Ok(BTreeMap::new()) };
    let mut all = BTreeMap::new();
    for state in STATES {
        let level = |week: &Lean, category: &str| published::level(week, state, category, LEVELS[2]);
        let both: Vec<_> =
            CATEGORIES.iter().filter_map(|category| level(earlier, category).zip(level(newest, category))).collect();
        let Some(band) = both.iter().map(|((_, then), (_, now))| *then.min(now)).min() else { continue };
        let sum = |of: &dyn Fn(&(Level, Level)) -> f64| both.iter().map(of).sum::<f64>();
        let (before, after) = (sum(&|(then, _)| then.0[0].to_f64()), sum(&|(_, now)| now.0[0].to_f64()));
        let high = ReleasedHigh { before: number(before), after: number(after), change: number(after - before), band };
        all.insert(state.to_owned(), high);
    }
    Ok(all)
}

/// A published number of risks of a level.
type Level = ([crate::model::Decimal; 1], Band);

/// A matched change of an object, as it was published.
#[derive(Serialize)]
pub struct ReleasedChange {
    value: Mean,
    change: Mean,
    band: Band,
    trend: bool,
}

/// Every published change of an object of a week, by horizon and measure.
pub fn released_changes(kind: StatType, object: &Object) -> Changes<ReleasedChange> {
    let mut all: Changes<ReleasedChange> = BTreeMap::new();
    for (of, figure) in object.figures.iter().enumerate() {
        let Some(figure) = figure else { continue };
        let (name, range) = measure(kind, of);
        for (horizon, change) in figure.changes.iter().enumerate() {
            let Some(change) = change else { continue };
            let exact = |units: i32| number(amount(units.into(), 1).to_f64() * range);
            let told = ReleasedChange {
                value: exact(figure.value),
                change: exact(change.value),
                band: change.band,
                trend: change.is_trend,
            };
            all.entry(NAMES[horizon].to_owned()).or_default().insert(name.to_owned(), told);
        }
    }
    all
}

/// The day that lies a horizon before another.
pub fn since(date: Date, horizon: usize) -> Result<Date> {
    let weeks = HORIZONS.get(horizon).copied().unwrap_or_default();
    date.checked_sub(Span::new().weeks(weeks))
        .map_err(|error| crate::error::Error::invalid("a date at the very beginning of the calendar").because(error))
}

/// A category has its texts in its key.
fn named(key: &str, texts: &[String; 4]) -> Named {
    let texts = category_of_key(key).map_or_else(|| texts.clone(), |(_, texts)| texts);
    Named { object: key.to_owned(), labels: texts.into() }
}

/// The measures of an object that moved, with their sizes.
fn moves(kind: StatType, object: &Object, horizon: usize, weeks: &[&Lean]) -> Vec<(f64, ReleasedMove)> {
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
        let way = way(kind, &object.key, of, weeks);
        let step = usize::try_from(STEPS[horizon]).unwrap_or(1);
        // Counted from the newest, so that it is among them.
        let mut values: Vec<Option<Mean>> =
            way.iter().rev().step_by(step).map(|units| units.map(|units| number(units * range))).collect();
        values.reverse();
        let moved = ReleasedMove {
            named: named(&object.key, &object.texts),
            measure: name,
            value: exact(figure.value),
            change: exact(change.value),
            slope: slope(way.into_iter()).map(|units| number(units * range)),
            values,
            band: change.band,
            trend: change.is_trend,
        };
        found.push((size, moved));
    }
    found
}

/// What was published of a measure in each of these weeks, as parts of its scale; nothing where it is not shown.
fn way(kind: StatType, key: &str, of: usize, weeks: &[&Lean]) -> Vec<Option<f64>> {
    let value = |week: &&Lean| {
        let figure = week.shown(kind)?.object(key)?.figures.get(of)?.as_ref()?;
        Some(f64::from(figure.value) / f64::from(UNITS))
    };
    weeks.iter().map(value).collect()
}
