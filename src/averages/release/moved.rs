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
use crate::model::shapes::{CATEGORIES, LEVELS, STATES, category_of_key, risk_key};
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

/// High risks as they were published at both ends: of all contributors, since only parts of a number are matched. Before
/// is as after for a kind whose matched share did not move with its number: that is rounded, and so is what it is part of.
#[derive(Serialize)]
pub struct ReleasedHigh {
    before: Mean,
    after: Mean,
    change: Mean,
    before_at_most: bool,
    after_at_most: bool,
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

/// High risks of a week, the newest of some, beside those of one horizon before, by state: of the kinds that both show.
pub fn released_high(whole: &Week, weeks: &[Lean], horizon: usize) -> Result<BTreeMap<String, ReleasedHigh>> {
    let Some(newest) = weeks.last() else { return Ok(BTreeMap::new()) };
    let since = since(newest.date, horizon)?;
    let Some(earlier) = weeks.iter().find(|week| week.date == since) else { return Ok(BTreeMap::new()) };
    let both = |state: &str| -> Vec<[High; 2]> {
        CATEGORIES
            .iter()
            .filter_map(|category| {
                let kind = (state, *category);
                both_ends(earlier, newest, changed(whole, horizon, kind), kind)
            })
            .collect()
    };
    Ok(STATES.into_iter().filter_map(|state| Some((state.to_owned(), summed(&both(state))?))).collect())
}

/// High risks of a kind at one end. A share is never nearer to nothing than one step: then there are at most so many.
#[derive(Clone, Copy)]
struct High {
    number: f64,
    at_most: bool,
    band: Band,
}

fn high(week: &Lean, (state, category): (&str, &str)) -> Option<High> {
    let (share, band) = published::share(week, state, category, LEVELS[2])?;
    let ([number], _) = published::level(week, state, category, LEVELS[2])?;
    Some(High { number: number.to_f64(), at_most: share <= band.step(), band })
}

/// The matched change of the share of a kind's high risks, as it was published.
fn changed(week: &Week, horizon: usize, (state, category): (&str, &str)) -> i32 {
    let key = risk_key(state, category, LEVELS[2]);
    let objects = week.release.types.get(StatType::Risk.name()).map(|shown| shown.objects.as_slice());
    let found = objects.unwrap_or_default().iter().find(|object| object.key == key);
    let figure = found.and_then(|object| object.figures.first()?.as_ref());
    figure.and_then(|figure| figure.changes[horizon].as_ref()).map_or(0, |change| change.value)
}

/// A kind then and now, if both are shown.
fn both_ends(earlier: &Lean, newest: &Lean, change: i32, kind: (&str, &str)) -> Option<[High; 2]> {
    let (then, now) = (high(earlier, kind)?, high(newest, kind)?);
    let has_moved = f64::from(change) * (now.number - then.number) > 0.0;
    Some([if has_moved { then } else { now }, now])
}

/// All kinds together; nothing of none.
fn summed(both: &[[High; 2]]) -> Option<ReleasedHigh> {
    let sum = |end: usize| both.iter().map(|ends| ends[end].number).sum::<f64>();
    let at_most = |end: usize| both.iter().any(|ends| ends[end].at_most);
    Some(ReleasedHigh {
        before: number(sum(0)),
        after: number(sum(1)),
        change: number(sum(1) - sum(0)),
        before_at_most: at_most(0),
        after_at_most: at_most(1),
        band: both.iter().flatten().map(|end| end.band).min()?,
    })
}

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::averages::release::cells::total_key;
    use crate::model::Decimal;
    use crate::store::releases::Kept;
    use serde_json::json;

    /// A week of five contributors with this total of residual risks of a kind, this share of high ones, and its change.
    fn week(weeks_ago: i64, total: i64, share: i32, change: i32) -> Week {
        let date = since(jiff::civil::date(2026, 11, 22), 0).unwrap().saturating_sub(Span::new().weeks(weeks_ago));
        let change = json!({"n": "5-9", "v": change});
        let figure = json!({"n": "5-9", "v": share, "c": [change, change, change]});
        let object = json!({"key": risk_key("residual", CATEGORIES[0], LEVELS[2]), "figures": [figure]});
        let key = total_key("residual", CATEGORIES[0]);
        let shown = json!({"band": "5-9", "totals": {}, "objects": [object]});
        let mut release: crate::averages::release::Release =
            serde_json::from_value(json!({"types": {"risk": shown}})).unwrap();
        release.types.get_mut("risk").unwrap().totals.insert(key, Decimal::whole(total).0);
        Week { date, k: 3, release }
    }

    /// Before, after and which of them are at most.
    fn told(then: Week, now: Week) -> serde_json::Value {
        let mut reader = published::Reader::new(&TYPES, None);
        let weeks = [&then, &now].map(|week| {
            let cells = Some(serde_json::to_string(&week.release).unwrap());
            let kept = Kept { week: week.date, rules: 1, k: week.k, built_at: 0, hash: [0; 32], cells };
            reader.read(&kept).unwrap().unwrap()
        });
        let mut high = serde_json::to_value(&released_high(&now, &weeks, 1).unwrap()["residual"]).unwrap();
        ["before", "after", "change", "before_at_most", "after_at_most"].map(|name| high[name].take()).into()
    }

    #[test]
    fn a_total_that_is_rounded_otherwise_moves_no_high_risks() {
        // The share stays on its first step, and only the total goes from 70 to 80.
        assert_eq!(told(week(13, 70, 50, 0), week(0, 80, 50, 0)), json!([8, 8, 0, true, true]));
        // The share of those at both ends fell, while the total hides it.
        assert_eq!(told(week(13, 70, 100, 0), week(0, 80, 100, -50)), json!([16, 16, 0, false, false]));
        assert_eq!(told(week(13, 70, 100, 0), week(0, 80, 50, -50)), json!([14, 8, -6, false, true]));
        assert_eq!(told(week(13, 70, 50, 0), week(0, 80, 100, 50)), json!([7, 16, 9, true, false]));
    }
}
