//! What another instance publishes, read from its JSON: of each object its newest numbers alone. Whatever comes, reading it
//! takes a few times its size, and what is kept is no more than an instance has to say.

use crate::averages::benchmark::measures;
use crate::averages::release::cells::Values;
use crate::error::{Error, Kind, Result};
use crate::model::shapes::{CATEGORIES, LEVELS, MAX_OBJECTS, STATES, category_key, risk_key};
use crate::model::{StatType, date, parse_uuid};
use jiff::ToSpan;
use jiff::civil::Date;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, SeqAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::ops::RangeInclusive;

/// Days that are asked for: a release is up to nine days old, and a week may be missing.
pub(super) const DAYS: i64 = 30;
/// Days that another instance's calendar may be off.
const ASTRAY: i64 = 2;
/// Bytes of the longest key of an object that is kept.
const LONGEST_KEY: usize = 2000;
/// Bytes of all keys that are read: a referential's name, which comes once, is part of many.
const KEYS: usize = 2 << 20;

/// The newest date of an answer, and what it has of it; none if there is nothing of these days.
///
/// # Errors
/// `Unavailable` if it is not what a stats service publishes.
pub(super) fn newest(kind: StatType, text: &str) -> Result<Option<(Date, Values)>> {
    let mut json = serde_json::Deserializer::from_str(text);
    let points = match kind {
        StatType::Threat | StatType::Vulnerability => rated(&mut json),
        StatType::Risk => Tree::deserialize(&mut json).map(levels),
        StatType::Compliance => categories(&mut json),
        StatType::Cartography => Ok(Points::default()),
    };
    let points = points.and_then(|points| json.end().map(|()| points.list));
    let points = points
        .map_err(|error| Error::new(Kind::Unavailable, "it does not answer as a stats service").because(error))?;
    let Some(newest) = points.iter().map(|point| point.value.date.0).max() else { return Ok(None) };
    let points = points.into_iter().filter(|point| point.value.date.0 == newest).take(MAX_OBJECTS);
    let values = parts(kind, &points.collect::<Vec<_>>());
    Ok(Some((newest, values)).filter(|(_, values)| !values.is_empty()))
}

/// The shares that an instance of this program tells itself, by the keys of objects: numbers are published rounded, and of
/// what is rare all alike, so that no share can be made of them.
///
/// # Errors
/// `Unavailable` if it is not what this program answers.
pub(super) fn shares(text: &str) -> Result<BTreeMap<String, f64>> {
    let told: Told = serde_json::from_str(text)
        .map_err(|error| Error::new(Kind::Unavailable, "it does not answer as this program").because(error))?;
    Ok(told.objects)
}

/// Parts of scales: shares of the sums of what they are part of, other measures of the ends of their scales.
fn parts(kind: StatType, points: &[Point]) -> Values {
    let mut sums: BTreeMap<&str, f64> = BTreeMap::new();
    for point in points {
        *sums.entry(&point.of).or_default() += point.value.numbers(kind)[0].unwrap_or_default();
    }
    let mut values = Values::new();
    for point in points {
        let sum = sums.get(point.of.as_str()).copied().unwrap_or_default();
        let numbers = measures(kind).iter().zip(point.value.numbers(kind)).enumerate();
        for (measure, ((name, range), number)) in numbers {
            let range = if *name == "share" { sum } else { *range };
            if let Some(number) = number.filter(|_| range > 0.0) {
                values.insert((point.key.as_str().into(), measure), (number / range).clamp(0.0, 1.0));
            }
        }
    }
    values
}

/// An object's newest numbers.
struct Point {
    key: String,
    /// What its share is a part of.
    of: String,
    value: Box<OnDate>,
}

/// Those of an answer, as many as are read.
#[derive(Default)]
struct Points {
    list: Vec<Point>,
    bytes: usize,
}

impl Points {
    fn push(&mut self, key: String, of: String, value: Box<OnDate>) {
        if key.len() <= LONGEST_KEY.min(KEYS - self.bytes) {
            self.bytes += key.len();
            self.list.push(Point { key, of, value });
        }
    }
}

/// A number, also as a text, or null; what no scale has is none.
#[derive(Default)]
struct Number(Option<f64>);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let number = deserializer.deserialize_any(NumberVisitor)?;
        Ok(Self(number.filter(|number| number.is_finite() && *number >= 0.0)))
    }
}

struct NumberVisitor;

impl Visitor<'_> for NumberVisitor {
    type Value = Option<f64>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number")
    }

    #[expect(clippy::cast_precision_loss, reason = "no scale ends where it would be felt")]
    fn visit_u64<E>(self, number: u64) -> std::result::Result<Option<f64>, E> {
        Ok(Some(number as f64))
    }

    /// It is negative.
    fn visit_i64<E>(self, _: i64) -> std::result::Result<Option<f64>, E> {
        Ok(None)
    }

    fn visit_f64<E>(self, number: f64) -> std::result::Result<Option<f64>, E> {
        Ok(Some(number))
    }

    fn visit_str<E>(self, text: &str) -> std::result::Result<Option<f64>, E> {
        Ok(text.trim().parse().ok())
    }

    fn visit_unit<E>(self) -> std::result::Result<Option<f64>, E> {
        Ok(None)
    }
}

/// A date, also one with a time behind it.
struct Day(Date);

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        date::parse_loose(&text).map(Self).map_err(D::Error::custom)
    }
}

/// The numbers of any type.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OnDate {
    date: Day,
    #[serde(default)]
    count: Number,
    #[serde(default)]
    max_risk: Number,
    #[serde(default)]
    average_rate: Number,
    #[serde(default)]
    value: Number,
    #[serde(default)]
    current: Number,
    #[serde(default)]
    target: Number,
}

impl OnDate {
    /// By measure; of a share what it is made of.
    fn numbers(&self, kind: StatType) -> [Option<f64>; 3] {
        match kind {
            StatType::Threat | StatType::Vulnerability => [self.count.0, self.max_risk.0, self.average_rate.0],
            StatType::Risk => [self.value.0, None, None],
            StatType::Compliance => [self.current.0, self.target.0, None],
            StatType::Cartography => [None; 3],
        }
    }
}

/// The days that figures may be of: a date far ahead, by a wrong clock or as somebody's joke, would stay the newest for ever.
fn days() -> RangeInclusive<Date> {
    let today = date::today();
    today.saturating_sub((DAYS + ASTRAY).days())..=today.saturating_add(ASTRAY.days())
}

/// Goes through a list, of which only what `keep` makes of it is held.
fn fold<'de, D: Deserializer<'de>, T: Deserialize<'de>, K>(
    deserializer: D,
    kept: K,
    keep: impl FnMut(&mut K, T),
) -> std::result::Result<K, D::Error> {
    deserializer.deserialize_seq(Fold { kept, keep, element: PhantomData })
}

struct Fold<T, K, F> {
    kept: K,
    keep: F,
    element: PhantomData<T>,
}

impl<'de, T: Deserialize<'de>, K, F: FnMut(&mut K, T)> Visitor<'de> for Fold<T, K, F> {
    type Value = K;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> std::result::Result<K, A::Error> {
        while let Some(element) = list.next_element()? {
            (self.keep)(&mut self.kept, element);
        }
        Ok(self.kept)
    }
}

/// Of values on dates the newest of these days.
type Newest = Option<Box<OnDate>>;

fn newest_value<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Newest, D::Error> {
    let days = days();
    fold(deserializer, None, |newest: &mut Newest, value: OnDate| {
        let is_newer = newest.as_ref().is_none_or(|known| known.date.0 <= value.date.0);
        if is_newer && days.contains(&value.date.0) {
            *newest = Some(Box::new(value));
        }
    })
}

#[derive(Deserialize)]
struct Rated {
    object: String,
    #[serde(default, deserialize_with = "newest_value")]
    values: Newest,
}

fn rated<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Points, D::Error> {
    fold(deserializer, Points::default(), |points: &mut Points, Rated { object, values }| {
        if let (Ok(uuid), Some(value)) = (parse_uuid(&object), values) {
            points.push(uuid.to_string(), String::new(), value);
        }
    })
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Tree {
    current: Side,
    residual: Side,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Side {
    informational: Levels,
    operational: Levels,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Levels {
    #[serde(rename = "Low risks", deserialize_with = "newest_value")]
    low: Newest,
    #[serde(rename = "Medium risks", deserialize_with = "newest_value")]
    medium: Newest,
    #[serde(rename = "High risks", deserialize_with = "newest_value")]
    high: Newest,
}

fn levels(tree: Tree) -> Points {
    let mut points = Points::default();
    for (state, side) in STATES.into_iter().zip([tree.current, tree.residual]) {
        for (category, levels) in CATEGORIES.into_iter().zip([side.informational, side.operational]) {
            for (level, value) in LEVELS.into_iter().zip([levels.low, levels.medium, levels.high]) {
                let of = format!("{state} {category}");
                value.into_iter().for_each(|value| points.push(risk_key(state, category, level), of.clone(), value));
            }
        }
    }
    points
}

#[derive(Deserialize)]
struct Told {
    #[serde(deserialize_with = "told")]
    objects: BTreeMap<String, f64>,
}

/// What is told of an object, which has a UUID, or is a level.
#[derive(Deserialize)]
struct Compared {
    object: Option<String>,
    state: Option<String>,
    category: Option<String>,
    level: Option<String>,
    #[serde(default, deserialize_with = "share_of")]
    figures: Option<f64>,
}

#[derive(Deserialize)]
struct Figure {
    measure: String,
    #[serde(default)]
    own: Number,
}

fn share_of<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Option<f64>, D::Error> {
    fold(deserializer, None, |share: &mut Option<f64>, figure: Figure| {
        if figure.measure == "share" {
            *share = figure.own.0;
        }
    })
}

fn told<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<BTreeMap<String, f64>, D::Error> {
    fold(deserializer, BTreeMap::new(), |kept: &mut BTreeMap<String, f64>, one: Compared| {
        let key = match (&one.object, &one.state, &one.category, &one.level) {
            (Some(object), ..) => parse_uuid(object).ok().map(|uuid| uuid.to_string()),
            (None, Some(state), Some(category), Some(level)) => Some(risk_key(state, category, level)),
            _ => None,
        };
        if let (Some(key), Some(share)) = (key, one.figures) {
            kept.insert(key, share.clamp(0.0, 1.0));
        }
    })
}

#[derive(Deserialize)]
struct Referential {
    referential: String,
    #[serde(default, deserialize_with = "with_values")]
    categories: Vec<Category>,
}

#[derive(Deserialize)]
struct Category {
    labels: Labels,
    #[serde(default, deserialize_with = "newest_value")]
    values: Newest,
}

#[derive(Deserialize)]
struct Labels {
    label1: Option<String>,
    label2: Option<String>,
    label3: Option<String>,
    label4: Option<String>,
}

fn with_values<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Vec<Category>, D::Error> {
    fold(deserializer, Vec::new(), |kept: &mut Vec<Category>, category: Category| {
        if category.values.is_some() {
            kept.push(category);
        }
    })
}

fn categories<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Points, D::Error> {
    fold(deserializer, Points::default(), |points: &mut Points, Referential { referential, categories }| {
        if referential.len() > LONGEST_KEY {
            return;
        }
        for Category { labels, values } in categories {
            let texts = [labels.label1, labels.label2, labels.label3, labels.label4].map(Option::unwrap_or_default);
            if let Some(value) = values {
                points.push(category_key(&referential, &texts), String::new(), value);
            }
        }
    })
}
