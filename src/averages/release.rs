//! The rules by which averages over organisations are published without giving one away: pure functions over what each
//! contributor has. A contributor is an organisation: a client, or a group of them.
//!
//! Each has one vote per cell. A cell is shown from `k` votes on, rounded to a grid that hides what one vote moves, and is
//! computed once: answers that are computed anew each time let differences tell what rounding hides.

pub mod cells;
pub mod moved;
pub mod rounding;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod worlds;

use super::trends;
use crate::model::StatType;
use cells::{Cell, Texts, Values, is_total};
use rounding::{Band, change_on_grid, nearest, on_grid, one_digit};
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

/// The version of these rules; a release keeps the one it was made by.
pub const RULES: i64 = 1;
/// Days before a week's end, itself included, in which an analysis's last stat counts.
pub const DAYS: i64 = 28;
/// Days after its end on which a week is closed: two whole ones have passed.
pub const GRACE: i64 = 3;
/// Weeks back to which changes go: a month, a quarter, a year.
pub const HORIZONS: [i64; 3] = [4, 13, 52];
/// Contributors from which on a median is shown, and quartiles.
const FOR_MEDIAN: usize = 10;
const FOR_QUARTILES: usize = 20;
/// The step of medians and quartiles is at least a tenth of the scale.
const COARSE: i32 = rounding::UNITS / 10;

/// Which rules hold. Tests switch each off to see that it is needed.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Contributors below which a cell is not shown.
    pub k: usize,
    /// Whether values are on the grid of their band.
    pub rounds: bool,
    /// Whether values keep away from the ends of their scale.
    pub clamps: bool,
    /// Whether texts need `k` contributors too.
    pub guards_texts: bool,
}

impl Rules {
    /// All rules, for `k` contributors.
    pub fn new(k: usize) -> Self {
        Self { k, rounds: true, clamps: true, guards_texts: true }
    }
}

/// What is published of a week.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Release {
    /// Per type of stats, by its name. A type of which nothing is shown is not there.
    pub types: BTreeMap<String, Shown>,
}

impl Release {
    /// Asks what threats and vulnerabilities are called of which too few contributors give the same text in any language.
    /// Only of what is shown, so that nobody is asked about anything else, and first of what most contributors have. Gives of
    /// how many that could not be known.
    pub fn name(&mut self, mut ask: impl FnMut(&str) -> Option<[String; 4]>) -> usize {
        let named = [StatType::Threat, StatType::Vulnerability].map(StatType::name);
        let shown = self.types.iter_mut().filter(|(kind, _)| named.contains(&kind.as_str()));
        let objects = shown.flat_map(|(_, shown)| &mut shown.objects);
        let mut unnamed: Vec<&mut Object> = objects.filter(|object| is_blank(&object.texts)).collect();
        unnamed.sort_by_key(|object| Reverse(object.figures.iter().flatten().map(|figure| figure.band).max()));
        let mut unknown = 0;
        for object in unnamed {
            match ask(&object.key) {
                Some(texts) => object.texts = texts,
                None => unknown += 1,
            }
        }
        unknown
    }
}

/// What is published of a type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shown {
    /// How many contributors have stats of it.
    pub band: Band,
    /// Mean numbers of risks, of all and of each kind, to one digit.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub totals: BTreeMap<String, i128>,
    /// The objects that are shown.
    pub objects: Vec<Object>,
}

/// A threat, a level, a cell of a matrix, a category.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Object {
    /// What identifies it within its type.
    pub key: String,
    /// Its texts in four languages; empty where there is none to show.
    #[serde(default, skip_serializing_if = "is_blank")]
    pub texts: [String; 4],
    /// Its figures, in order of their measures.
    pub figures: Vec<Option<Figure>>,
}

/// Whether there is no text in any language.
pub fn is_blank(texts: &[String; 4]) -> bool {
    texts.iter().all(String::is_empty)
}

/// A published number: units of its scale, see [`rounding`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// How many contributors have it.
    #[serde(rename = "n")]
    pub band: Band,
    /// The mean.
    #[serde(rename = "v")]
    pub value: i32,
    /// The changes over a month, a quarter and a year of those who have it at both ends.
    #[serde(rename = "c", default, skip_serializing_if = "is_none")]
    pub changes: [Option<Change>; 3],
    /// The first quartile, the median, the third quartile, from 20 contributors on; the median alone from 10 on.
    #[serde(rename = "q", default, skip_serializing_if = "Vec::is_empty")]
    pub quantiles: Vec<i32>,
}

impl Figure {
    /// To what the median was rounded, or the mean where there is none.
    pub fn step(&self) -> i32 {
        if self.quantiles.is_empty() { self.band.step() } else { self.band.step().max(COARSE) }
    }
}

fn is_none(changes: &[Option<Change>; 3]) -> bool {
    changes.iter().all(Option::is_none)
}

/// A matched change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// How many contributors are at both ends.
    #[serde(rename = "n")]
    pub band: Band,
    /// The mean of their changes, in units of the scale.
    #[serde(rename = "v")]
    pub value: i32,
    /// Whether it is a trend: too regular to be chance.
    #[serde(rename = "t", default, skip_serializing_if = "std::ops::Not::not")]
    pub is_trend: bool,
}

/// Why something is not shown, for the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hidden {
    /// Its type.
    pub kind: StatType,
    /// What identifies it.
    pub key: String,
    /// How many contributors have it.
    pub contributors: usize,
}

/// The votes of one type, as they come in.
#[derive(Default)]
pub struct Votes {
    contributors: usize,
    /// How many had stats at each horizon.
    had: [usize; 3],
    columns: BTreeMap<Cell, Column>,
    texts: HashMap<(Rc<str>, usize), BTreeMap<String, usize>>,
}

/// The votes for one cell: parts of its scale.
#[derive(Default)]
struct Column {
    now: Vec<f64>,
    /// Changes of those that have it at both ends, per horizon, and the sum of what they had before.
    changes: [Vec<f64>; 3],
    before: [f64; 3],
    /// How many had it before, whether or not they still do.
    had: [usize; 3],
}

impl Votes {
    /// Counts a contributor: what it has now, and what it had a month, a quarter and a year before.
    pub fn add(&mut self, now: Values, before: &[Values; 3], texts: &Texts) {
        for (horizon, cell) in
            before.iter().enumerate().flat_map(|(horizon, values)| values.keys().map(move |cell| (horizon, cell)))
        {
            self.columns.entry(cell.clone()).or_default().had[horizon] += 1;
        }
        for (had, values) in self.had.iter_mut().zip(before) {
            *had += usize::from(!values.is_empty());
        }
        if now.is_empty() {
            return;
        }
        self.contributors += 1;
        for (cell, value) in now {
            let then = before.each_ref().map(|values| values.get(&cell).copied());
            let column = self.columns.entry(cell).or_default();
            column.now.push(value);
            for (horizon, then) in then.into_iter().enumerate() {
                column.changes[horizon].extend(then.map(|then| value - then));
                column.before[horizon] += then.unwrap_or_default();
            }
        }
        for (object, languages) in texts {
            for (language, texts) in languages.iter().enumerate() {
                let known = self.texts.entry((Rc::clone(object), language)).or_default();
                for text in texts {
                    *known.entry(text.clone()).or_default() += 1;
                }
            }
        }
    }

    /// What is published, and what is not.
    pub fn publish(&self, kind: StatType, rules: &Rules) -> (Option<Shown>, Vec<Hidden>) {
        let trends = self.trends();
        let (mut objects, mut totals, mut hidden) =
            (BTreeMap::<&str, Vec<Option<Figure>>>::new(), BTreeMap::new(), Vec::new());
        for ((object, measure), column) in self.columns.iter().filter(|(_, column)| !column.now.is_empty()) {
            let contributors = column.now.len();
            let Some(band) = Band::of(contributors).filter(|_| contributors >= rules.k) else {
                hidden.push(Hidden { kind, key: object.to_string(), contributors });
                continue;
            };
            if is_total(kind, object) {
                totals.insert(object.to_string(), one_digit(mean(&column.now)).0);
                continue;
            }
            let figures = objects.entry(object).or_default();
            figures.resize(figures.len().max(measure + 1), None);
            let is_trend = |horizon: usize| trends[horizon].get(&(object, *measure)) == Some(&true);
            figures[*measure] = Some(figure(column, band, rules, is_trend));
        }
        hidden.dedup_by(|a, b| a.key == b.key && a.contributors == b.contributors);
        let objects = foremost(objects.into_iter().collect());
        let object = |(key, figures): (&str, Vec<Option<Figure>>)| Object {
            key: key.to_owned(),
            texts: std::array::from_fn(|language| self.text(key, language, rules)),
            figures,
        };
        let band = Band::of(self.contributors).filter(|_| self.contributors >= rules.k);
        let objects = objects.into_iter().map(object).collect();
        (band.map(|band| Shown { band, totals, objects }), hidden)
    }

    /// The text that most contributors give alike, if that are enough of them.
    fn text(&self, key: &str, language: usize, rules: &Rules) -> String {
        let needed = if rules.guards_texts { rules.k } else { 1 };
        let Some(known) = self.texts.get(&(Rc::from(key), language)) else { return String::new() };
        let most = known
            .iter()
            .filter(|(_, number)| **number >= needed)
            .max_by_key(|(text, number)| (**number, Reverse(*text)));
        most.map(|(text, _)| text.clone()).unwrap_or_default()
    }

    /// Per horizon, of the cells that enough contributors have at both ends, whether their change is a trend.
    fn trends(&self) -> [HashMap<(&Rc<str>, usize), bool>; 3] {
        std::array::from_fn(|horizon| {
            let enough = self.columns.iter().filter(|(_, column)| column.changes[horizon].len() >= trends::MIN_UNITS);
            let (cells, probabilities): (Vec<_>, Vec<f64>) = enough
                .map(|((object, measure), column)| ((object, *measure), trends::signed_rank(&column.changes[horizon])))
                .unzip();
            cells.into_iter().zip(trends::discoveries(&probabilities)).collect()
        })
    }
}

/// Objects of a type that a week shows at most: all weeks are kept for ever, and read for many answers.
const MAX_SHOWN: usize = 3000;

/// Those objects that most contributors have, as far as their bands tell; of equals the first by their keys.
fn foremost(mut objects: Vec<(&str, Vec<Option<Figure>>)>) -> Vec<(&str, Vec<Option<Figure>>)> {
    if objects.len() > MAX_SHOWN {
        objects.sort_by_key(|(_, figures)| Reverse(figures.iter().flatten().map(|figure| figure.band).max()));
        objects.truncate(MAX_SHOWN);
        objects.sort_unstable_by_key(|(key, _)| *key);
    }
    objects
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn figure(column: &Column, band: Band, rules: &Rules, is_trend: impl Fn(usize) -> bool) -> Figure {
    let step = if rules.rounds { band.step() } else { 1 };
    let place = |part: f64, step: i32| if rules.clamps { on_grid(part, step) } else { nearest(part, step) };
    let parts: &[f64] = match column.now.len() {
        number if number >= FOR_QUARTILES => &[0.25, 0.5, 0.75],
        number if number >= FOR_MEDIAN => &[0.5],
        _ => &[],
    };
    let quantile = |part: &f64| {
        let found = trends::quantile(column.now.clone(), *part).unwrap_or_default();
        place(found, step.max(COARSE))
    };
    let change = |horizon: usize| {
        let changes = &column.changes[horizon];
        let band = Band::of(changes.len()).filter(|_| changes.len() >= rules.k)?;
        let step = if rules.rounds { band.step() } else { 1 };
        Some(Change { band, value: change_on_grid(mean(changes), step), is_trend: is_trend(horizon) })
    };
    Figure {
        band,
        value: place(mean(&column.now), step),
        changes: std::array::from_fn(change),
        quantiles: parts.iter().map(quantile).collect(),
    }
}
