//! What moved in a live instance: over its analyses, exactly, each one's way from the other end to now.

use super::{Changes, LEAST, Lists, MAX_ENTRIES, NAMES, Named, STEPS, WEEKS, largest, measure, number, slope};
use crate::averages::Labels;
use crate::averages::release::cells::{Cell, Values, is_total, total_key};
use crate::averages::release::{Column, HORIZONS, Votes, mean};
use crate::model::StatType;
use crate::model::decimal::Mean;
use crate::model::shapes::{CATEGORIES, LEVELS, STATES, risk_key};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// Objects of a type of which every change is kept, those of most analyses first.
const MAX_OBJECTS: usize = 500;

/// What a live instance keeps from one day to the next.
#[derive(Default, Serialize, Deserialize)]
pub struct Live {
    /// The day on which it was computed.
    pub date: Option<Date>,
    /// Per horizon and type.
    pub moved: BTreeMap<String, BTreeMap<String, Lists<LiveMove>>>,
    /// Per horizon and state, how the number of high risks changed.
    #[serde(default)]
    pub high: Changes<Matched>,
    /// Every change of a threat or vulnerability by its UUID, horizon and measure, however small.
    #[serde(default)]
    pub objects: BTreeMap<String, Changes<Matched>>,
}

/// A matched change of a live instance, with what it is of.
#[derive(Serialize, Deserialize)]
pub struct LiveMove {
    #[serde(flatten)]
    named: Named,
    measure: String,
    #[serde(flatten)]
    matched: Matched,
}

/// A change of those who are at both ends, the way between, and the slope of that way (Theil and Sen) times its length.
#[derive(Clone, Serialize, Deserialize)]
pub struct Matched {
    before: Mean,
    after: Mean,
    change: Mean,
    #[serde(default)]
    slope: Option<Mean>,
    /// From the other end to now; nothing where nobody had stats.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    values: Vec<Option<Mean>>,
    rose: usize,
    fell: usize,
    analyses: usize,
    trend: bool,
}

/// Of each cell, per horizon, how far those at both ends were from where they began: sums and numbers, the oldest first.
#[derive(Default)]
pub struct Paths(BTreeMap<Cell, [Vec<(f64, f64)>; 3]>);

impl Paths {
    /// Follows a contributor: what it had at each of the [`WEEKS`].
    pub fn follow(&mut self, weeks: &[Rc<Values>]) {
        let cells = weeks.first().into_iter().flat_map(|now| now.keys());
        for cell in cells {
            let known: Vec<(i64, Option<f64>)> =
                WEEKS.into_iter().zip(weeks).map(|(week, values)| (week, values.get(cell).copied())).collect();
            for (horizon, (back, step)) in HORIZONS.into_iter().zip(STEPS).enumerate() {
                let points = || known.iter().rev().filter(|(week, _)| *week <= back && week % step == 0);
                let Some((_, Some(first))) = points().next() else { continue };
                let path = &mut self.0.entry(cell.clone()).or_default()[horizon];
                path.resize(points().count(), (0.0, 0.0));
                for (sum, (_, value)) in path.iter_mut().zip(points()) {
                    if let Some(value) = value {
                        *sum = (sum.0 + value - first, sum.1 + 1.0);
                    }
                }
            }
        }
    }

    /// The mean distances of a cell from where it began.
    fn of(&self, cell: &Cell, horizon: usize) -> Vec<Option<f64>> {
        let path = self.0.get(cell).map(|paths| paths[horizon].as_slice()).unwrap_or_default();
        path.iter().map(|(sum, number)| (*number > 0.0).then(|| sum / number)).collect()
    }
}

/// The cell that holds how many high risks of both kinds there are: of a live instance, where nothing is hidden.
fn high_cell(state: &str) -> Cell {
    (format!("high {state}").into(), 0)
}

fn is_high(object: &str) -> bool {
    STATES.iter().any(|state| *high_cell(state).0 == *object)
}

/// Adds the numbers of high risks to what an analysis has.
pub fn add_high(values: &mut Values) {
    for state in STATES {
        let number = |category: &str| {
            let total = values.get(&(total_key(state, category).into(), 0))?;
            let share = values.get(&(risk_key(state, category, LEVELS[2]).into(), 0));
            Some(total * share.copied().unwrap_or_default())
        };
        let numbers: Vec<f64> = CATEGORIES.into_iter().filter_map(number).collect();
        if !numbers.is_empty() {
            values.insert(high_cell(state), numbers.iter().sum());
        }
    }
}

impl Votes {
    /// What moved since one of the horizons, exactly, of so many analyses.
    pub fn moved(&self, kind: StatType, horizon: usize, paths: &Paths) -> Lists<LiveMove> {
        let trends = self.trends();
        // What it is called is looked up by whoever keeps this.
        let named = |object: &str| Named { object: object.to_owned(), labels: Labels::default() };
        let mut moved = Vec::new();
        let (mut new, mut gone) = (BTreeSet::new(), BTreeSet::new());
        let is_told = |object: &str| !is_total(kind, object) && !is_high(object);
        for (cell, column) in self.columns.iter().filter(|((object, _), _)| is_told(object)) {
            let (object, of) = cell;
            let change = if column.changes[horizon].is_empty() { 0.0 } else { mean(&column.changes[horizon]) };
            if change.abs() >= LEAST {
                let trend = trends[horizon].get(&(object, *of)) == Some(&true);
                let (name, range) = measure(kind, *of);
                let matched = matched(column, horizon, (range, trend), &paths.of(cell, horizon));
                moved.push((change, LiveMove { named: named(object), measure: name.into(), matched }));
            }
            if column.had[horizon] == 0 && self.had[horizon] > 0 {
                new.insert(object);
            }
            if column.now.is_empty() && column.had[horizon] > 0 {
                gone.insert(object);
            }
        }
        let names = |objects: BTreeSet<&Rc<str>>| objects.into_iter().take(MAX_ENTRIES).map(|one| named(one)).collect();
        Lists { moved: largest(moved), new: names(new), gone: names(gone) }
    }

    /// How the numbers of high risks changed, by state.
    pub fn high(&self, horizon: usize, paths: &Paths) -> BTreeMap<String, Matched> {
        let trends = self.trends();
        let one = |state: &&str| {
            let cell = high_cell(state);
            let column = self.columns.get(&cell).filter(|column| !column.changes[horizon].is_empty())?;
            let trend = trends[horizon].get(&(&cell.0, cell.1)) == Some(&true);
            Some(((*state).to_owned(), matched(column, horizon, (1.0, trend), &paths.of(&cell, horizon))))
        };
        STATES.iter().filter_map(one).collect()
    }

    /// Every change of every object, by horizon and measure, of those that most analyses have.
    pub fn all_changes(&self, kind: StatType) -> Vec<(String, Changes<Matched>)> {
        let trends = self.trends();
        let mut objects: BTreeMap<&str, (usize, Changes<Matched>)> = BTreeMap::new();
        for ((object, of), column) in self.columns.iter().filter(|((object, _), _)| !is_total(kind, object)) {
            let (most, known) = objects.entry(object).or_default();
            *most = (*most).max(column.now.len());
            for (horizon, name) in NAMES.iter().enumerate().filter(|(horizon, _)| !column.changes[*horizon].is_empty())
            {
                let (measure, range) = measure(kind, *of);
                let trend = trends[horizon].get(&(object, *of)) == Some(&true);
                let change = matched(column, horizon, (range, trend), &[]);
                known.entry((*name).to_owned()).or_default().insert(measure.to_owned(), change);
            }
        }
        let mut found: Vec<_> = objects.into_iter().collect();
        found.sort_by_key(|(object, (most, _))| (std::cmp::Reverse(*most), *object));
        found.into_iter().take(MAX_OBJECTS).map(|(object, (_, known))| (object.to_owned(), known)).collect()
    }
}

/// The change of a column, on a scale that ends here, along the way that its cell took.
fn matched(column: &Column, horizon: usize, (range, trend): (f64, bool), way: &[Option<f64>]) -> Matched {
    let changes = &column.changes[horizon];
    let before = column.before[horizon] / changes.len() as f64;
    let change = mean(changes);
    let count = |rose: bool| changes.iter().filter(|one| **one != 0.0 && (**one > 0.0) == rose).count();
    Matched {
        before: number(before * range),
        after: number((before + change) * range),
        change: number(change * range),
        slope: slope(way.iter().copied()).map(|slope| number(slope * range)),
        values: way.iter().map(|moved| moved.map(|moved| number((before + moved) * range))).collect(),
        rose: count(true),
        fell: count(false),
        analyses: changes.len(),
        trend,
    }
}

impl Lists<LiveMove> {
    /// Every object by its name, to be told what it is called.
    pub fn named(&mut self) -> impl Iterator<Item = &mut Named> {
        let moved = self.moved.iter_mut().map(|moved| &mut moved.named);
        moved.chain(&mut self.new).chain(&mut self.gone)
    }
}
