//! What moved since a month, a quarter and a year ago: of a live instance over its analyses, of releases over what they
//! published.

mod live;

use super::cells::{MAX_RISK, RATE};
use super::rounding::{Band, UNITS, amount};
use super::{Figure, HORIZONS, Object};
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
/// The name of a day of one's own among them.
pub const SINCE: &str = "since";
/// The types whose objects may move: cells of matrices are too many to be read.
pub const TYPES: [StatType; 4] = [StatType::Risk, StatType::Threat, StatType::Vulnerability, StatType::Compliance];
/// The part of a scale by which something must have moved to be told.
const LEAST: f64 = 0.01;
/// Entries of a list in an answer, the largest first.
pub const MAX_ENTRIES: usize = 50;
/// Weeks back at which a live instance looks, the newest first: each of a quarter, every fourth of a year.
pub const WEEKS: [i64; 24] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 16, 20, 24, 28, 32, 36, 40, 44, 48, 52];
/// Weeks from one point of a horizon to the next.
const STEPS: [i64; 3] = [1, 1, 4];

/// Changes by horizon and measure, or another name.
pub type Changes<M> = BTreeMap<String, BTreeMap<String, M>>;

/// What moved, came and went.
#[derive(Serialize, Deserialize)]
pub struct Lists<M> {
    /// Largest change first: as many as an answer has of those that rose, and as many of those that fell.
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

/// The other end of what moved until a week.
#[derive(Clone, Copy, Debug)]
pub struct End {
    /// A week's last day.
    pub since: Date,
    /// The horizon, whose matched changes were published. Without one there is only the difference of what was published of
    /// both weeks, which those who joined or left have moved too.
    pub horizon: Option<usize>,
}

/// A matched change that was published, with the value that was published for the week, those of the weeks between, and
/// their slope (Theil and Sen) times their number. Or a difference, with the value before and nothing between.
#[derive(Serialize)]
pub struct ReleasedMove {
    #[serde(flatten)]
    named: Named,
    measure: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<Mean>,
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
    before_at_least: bool,
    after_at_most: bool,
    after_at_least: bool,
    band: Band,
}

/// High risks as they were published, of all kinds that are shown.
#[derive(Serialize)]
pub struct ReleasedNow {
    value: Mean,
    at_most: bool,
    at_least: bool,
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

/// Published units of a scale that ends at `range`, for people.
fn told(units: i32, range: f64) -> Mean {
    number(amount(units.into(), 1).to_f64() * range)
}

/// Of changes those that a list keeps.
fn largest<M>(mut moved: Vec<(f64, M)>) -> Vec<M> {
    moved.sort_by(|a, b| b.0.abs().total_cmp(&a.0.abs()));
    let mut room = [MAX_ENTRIES; 2];
    moved.retain(|(change, _)| {
        let room = &mut room[usize::from(*change > 0.0)];
        let has_room = *room > 0;
        *room = room.saturating_sub(1);
        has_room
    });
    moved.into_iter().map(|(_, one)| one).collect()
}

/// The slope of values at equal distances, times the distance from the first to the last.
fn slope(values: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    let points: Vec<(f64, f64)> = (0_u32..).zip(values).filter_map(|(x, value)| Some((f64::from(x), value?))).collect();
    let span = points.last()?.0 - points.first()?.0;
    trends::slope(&points).map(|slope| slope * span)
}

/// What moved until a week, the newest of some, by type.
pub fn released(newest: &Week, weeks: &[Lean], end: End) -> BTreeMap<String, Lists<ReleasedMove>> {
    let earlier = weeks.iter().find(|week| week.date == end.since);
    let between: Vec<&Lean> = weeks.iter().filter(|week| week.date >= end.since).collect();
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
        let moved = now.iter().flat_map(|object| match (end.horizon, then.and_then(|then| then.object(&object.key))) {
            (Some(horizon), _) => moves(kind, object, horizon, &between),
            (None, Some(then)) => differences(kind, object, then),
            (None, None) => Vec::new(),
        });
        all.insert(kind.name().to_owned(), Lists { moved: largest(moved.collect()), new, gone });
    }
    all
}

/// High risks of a week, the newest of some, beside those of an earlier one, by state: of the kinds that both show.
pub fn released_high(whole: &Week, weeks: &[Lean], end: End) -> BTreeMap<String, ReleasedHigh> {
    let Some(newest) = weeks.last() else { return BTreeMap::new() };
    let Some(earlier) = weeks.iter().find(|week| week.date == end.since) else { return BTreeMap::new() };
    let both = |state| {
        kinds(state).filter_map(|kind| both_ends(earlier, newest, end.horizon.map(|at| changed(whole, at, kind)), kind))
    };
    STATES.into_iter().filter_map(|state| Some((state.to_owned(), summed(&both(state).collect::<Vec<_>>())?))).collect()
}

/// High risks of a week by state: of the kinds that it shows.
pub fn released_now(week: &Lean) -> BTreeMap<String, ReleasedNow> {
    let of = |state| {
        let found: Vec<High> = kinds(state).filter_map(|kind| high(week, kind)).collect();
        let band = found.iter().map(|one| one.band).min()?;
        let value = number(found.iter().map(|one| one.number).sum());
        let (at_most, at_least) = (found.iter().any(High::at_most), found.iter().any(High::at_least));
        Some((String::from(state), ReleasedNow { value, at_most, at_least, band }))
    };
    STATES.into_iter().filter_map(of).collect()
}

/// The kinds of risks of a state.
fn kinds(state: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    CATEGORIES.into_iter().map(move |category| (state, category))
}

/// High risks of a kind at one end.
#[derive(Clone, Copy)]
struct High {
    number: f64,
    share: i32,
    band: Band,
}

impl High {
    /// A share is never nearer to an end of its scale than one step. There, nothing says how near it is: there may be none,
    fn at_most(&self) -> bool {
        self.share <= self.band.step()
    }

    /// or no other risks.
    fn at_least(&self) -> bool {
        self.share >= UNITS - self.band.step()
    }
}

fn high(week: &Lean, (state, category): (&str, &str)) -> Option<High> {
    let (share, band) = published::share(week, state, category, LEVELS[2])?;
    let ([number], _) = published::level(week, state, category, LEVELS[2])?;
    Some(High { number: number.to_f64(), share, band })
}

/// The matched change of the share of a kind's high risks, as it was published.
fn changed(week: &Week, horizon: usize, (state, category): (&str, &str)) -> i32 {
    let key = risk_key(state, category, LEVELS[2]);
    let objects = week.release.types.get(StatType::Risk.name()).map(|shown| shown.objects.as_slice());
    let found = objects.unwrap_or_default().iter().find(|object| object.key == key);
    let figure = found.and_then(|object| object.figures.first()?.as_ref());
    figure.and_then(|figure| figure.changes[horizon].as_ref()).map_or(0, |change| change.value)
}

/// A kind then and now, if both are shown: as it is now where its share did not change, matched or else as it was published.
fn both_ends(earlier: &Lean, newest: &Lean, matched: Option<i32>, kind: (&str, &str)) -> Option<[High; 2]> {
    let (then, now) = (high(earlier, kind)?, high(newest, kind)?);
    let change = matched.unwrap_or(now.share - then.share);
    let has_moved = f64::from(change) * (now.number - then.number) > 0.0;
    Some([if has_moved { then } else { now }, now])
}

/// All kinds together; nothing of none.
fn summed(both: &[[High; 2]]) -> Option<ReleasedHigh> {
    let sum = |end: usize| both.iter().map(|ends| ends[end].number).sum::<f64>();
    let any = |end: usize, is: fn(&High) -> bool| both.iter().any(|ends| is(&ends[end]));
    Some(ReleasedHigh {
        before: number(sum(0)),
        after: number(sum(1)),
        change: number(sum(1) - sum(0)),
        before_at_most: any(0, High::at_most),
        before_at_least: any(0, High::at_least),
        after_at_most: any(1, High::at_most),
        after_at_least: any(1, High::at_least),
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
            let change = ReleasedChange {
                value: told(figure.value, range),
                change: told(change.value, range),
                band: change.band,
                trend: change.is_trend,
            };
            all.entry(NAMES[horizon].to_owned()).or_default().insert(name.to_owned(), change);
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

/// The measures of an object that moved, with the parts of their scales.
fn moves(kind: StatType, object: &Object, horizon: usize, weeks: &[&Lean]) -> Vec<(f64, ReleasedMove)> {
    let mut found = Vec::new();
    for (of, figure) in object.figures.iter().enumerate() {
        let Some((figure, change)) =
            figure.as_ref().and_then(|figure| Some((figure, figure.changes[horizon].as_ref()?)))
        else {
            continue;
        };
        let part = f64::from(change.value) / f64::from(UNITS);
        if part.abs() < LEAST {
            continue;
        }
        let (name, range) = measure(kind, of);
        let way = way(kind, &object.key, of, weeks);
        let step = usize::try_from(STEPS[horizon]).unwrap_or(1);
        // Counted from the newest, so that it is among them.
        let mut values: Vec<Option<Mean>> =
            way.iter().rev().step_by(step).map(|units| units.map(|units| number(units * range))).collect();
        values.reverse();
        let moved = ReleasedMove {
            named: named(&object.key, &object.texts),
            measure: name,
            before: None,
            value: told(figure.value, range),
            change: told(change.value, range),
            slope: slope(way.into_iter()).map(|units| number(units * range)),
            values,
            band: change.band,
            trend: change.is_trend,
        };
        found.push((part, moved));
    }
    found
}

/// The measures of an object that differ from what was published of it in an earlier week, with the parts of their scales.
fn differences(kind: StatType, object: &Object, then: &published::Object) -> Vec<(f64, ReleasedMove)> {
    let one = |(of, (now, then)): (usize, (&Option<Figure>, &Option<published::Figure>))| {
        let (now, then) = (now.as_ref()?, then.as_ref()?);
        let change = now.value - then.value;
        let part = f64::from(change) / f64::from(UNITS);
        let (measure, range) = measure(kind, of);
        let differing = || ReleasedMove {
            named: named(&object.key, &object.texts),
            measure,
            before: Some(told(then.value, range)),
            value: told(now.value, range),
            change: told(change, range),
            slope: None,
            values: Vec::new(),
            band: now.band.min(then.band),
            trend: false,
        };
        (part.abs() >= LEAST).then(|| (part, differing()))
    };
    object.figures.iter().zip(&then.figures).enumerate().filter_map(one).collect()
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

    /// The weeks as answers are made of them.
    fn lean(weeks: [&Week; 2]) -> [Lean; 2] {
        let mut reader = published::Reader::new(&TYPES);
        weeks.map(|week| {
            let cells = Some(serde_json::to_string(&week.release).unwrap());
            let kept = Kept { week: week.date, rules: 1, k: week.k, built_at: 0, hash: [0; 32], cells };
            reader.read(&kept).unwrap().unwrap()
        })
    }

    /// Before, after, change, and which ends are at most, and at least.
    fn high_of(then: Week, now: Week, horizon: Option<usize>) -> serde_json::Value {
        let end = End { since: then.date, horizon };
        let high = released_high(&now, &lean([&then, &now]), end);
        let mut high = serde_json::to_value(&high["residual"]).unwrap();
        let names =
            ["before", "after", "change", "before_at_most", "after_at_most", "before_at_least", "after_at_least"];
        names.map(|name| high[name].take()).into()
    }

    #[test]
    fn a_total_that_is_rounded_otherwise_moves_no_high_risks() {
        let told = |then, now| high_of(then, now, Some(1));
        // The share stays on its first step, and only the total goes from 70 to 80.
        let wanted = json!([8, 8, 0, true, true, false, false]);
        assert_eq!(told(week(13, 70, 50, 0), week(0, 80, 50, 0)), wanted);
        // The share of those at both ends fell, while the total hides it.
        let wanted = json!([16, 16, 0, false, false, false, false]);
        assert_eq!(told(week(13, 70, 100, 0), week(0, 80, 100, -50)), wanted);
        let wanted = json!([14, 8, -6, false, true, false, false]);
        assert_eq!(told(week(13, 70, 100, 0), week(0, 80, 50, -50)), wanted);
        let wanted = json!([7, 16, 9, true, false, false, false]);
        assert_eq!(told(week(13, 70, 50, 0), week(0, 80, 100, 50)), wanted);
    }

    #[test]
    fn on_the_last_step_there_are_at_least_so_many() {
        let wanted = json!([36, 72, 36, false, false, false, true]);
        assert_eq!(high_of(week(13, 90, 200, 0), week(0, 80, 450, 250), Some(1)), wanted);
        // Now, whatever there was before.
        let [now, _] = lean([&week(0, 80, 450, 0), &week(0, 80, 50, 0)]);
        let now = serde_json::to_value(&released_now(&now)["residual"]).unwrap();
        assert_eq!(now, json!({"value": 72, "at_most": false, "at_least": true, "band": "5-9"}));
    }

    #[test]
    fn a_day_of_ones_own_is_the_difference_of_what_was_published() {
        // Nothing matched was published of eight weeks: what the others moved is in it, and so it is no trend.
        let (then, now) = (week(8, 70, 100, 0), week(0, 80, 200, 0));
        let wanted = json!([14, 32, 18, false, false, false, false]);
        let end = End { since: then.date, horizon: None };
        let lists = serde_json::to_value(released(&now, &lean([&then, &now]), end)).unwrap();
        assert_eq!(high_of(then, now, None), wanted);
        let moved = &lists["risk"]["moved"];
        let told =
            ["measure", "before", "value", "change", "slope", "values", "trend"].map(|name| moved[0][name].clone());
        assert_eq!(json!(told), json!(["share", 0.2, 0.4, 0.2, null, [], false]));
        assert_eq!(moved.as_array().unwrap().len(), 1);
    }
}
