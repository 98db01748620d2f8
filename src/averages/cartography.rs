//! Matrices of impact and likelihood.

use super::{Basis, List, Params, Tree, by_key, json, stats, unwritten};
use crate::error::Result;
use crate::model::decimal::Mean;
use crate::model::shapes::{CATEGORIES, COMMON_IMPACT, COMMON_LIKELIHOOD};
use crate::store::entries::Entry;
use crate::store::sums::Sums;
use jiff::civil::Date;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::Write;

#[derive(Serialize)]
pub(super) struct Answer {
    scales: Scales,
    averages: Matrices,
    values: Vec<OnDate>,
}

impl Answer {
    /// With the scales that are common.
    pub(super) fn new(averages: Matrices, values: Vec<OnDate>) -> Self {
        let scales = Scales {
            impact: (0..=COMMON_IMPACT).collect(),
            probability: (0..=COMMON_IMPACT).collect(),
            likelihood: (0..=COMMON_LIKELIHOOD).collect(),
        };
        Self { scales, averages, values }
    }
}

#[derive(Serialize)]
struct Scales {
    impact: Vec<i64>,
    probability: Vec<i64>,
    likelihood: Vec<i64>,
}

#[derive(Serialize)]
pub(super) struct OnDate {
    pub(super) date: Date,
    #[serde(flatten)]
    pub(super) matrices: Matrices,
}

#[derive(Serialize)]
pub(super) struct Matrices {
    #[serde(flatten)]
    pub(super) basis: Basis,
    #[serde(flatten)]
    pub(super) tree: Tree<Vec<Cell>>,
}

/// A cell in which there are risks; all others are 0.
#[derive(Serialize)]
pub(super) struct Cell {
    impact: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    likelihood: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    probability: Option<i64>,
    count: Mean,
    share: Mean,
}

impl Cell {
    /// Informational risks have a likelihood, operational ones a probability.
    pub(super) fn new(category: &str, impact: i64, chance: i64, [count, share]: [Mean; 2]) -> Self {
        let is_informational = category == CATEGORIES[0];
        let (likelihood, probability) = if is_informational { (Some(chance), None) } else { (None, Some(chance)) };
        Self { impact, likelihood, probability, count, share }
    }
}

/// Mean number of risks, and mean share of an analysis's risks, per cell: over the range and per date.
pub fn average(sums: &Sums<'_>, params: &Params, out: &mut dyn Write) -> Result<()> {
    let total = sums.total()?;
    let Some(whole) = total.days.values().next() else { return json(&[(); 0], out) };
    let averages = matrices(&by_key(&total, whole), params);
    let mut values = List::begin_in(&Answer::new(averages, Vec::new()), out)?;
    sums.by_period(&|day| params.start(day), &mut |rollup| {
        let mut periods = rollup.days.iter();
        periods.try_for_each(|(date, entries)| {
            values.push(&OnDate { date: *date, matrices: matrices(&by_key(rollup, entries), params) })
        })
    })?;
    values.out.write_all(b"]}").map_err(unwritten)
}

/// Sums by impact and likelihood.
type Matrix<'a> = BTreeMap<(i64, i64), &'a Entry>;

fn matrices(keyed: &BTreeMap<&str, &Entry>, params: &Params) -> Matrices {
    let stats = stats(keyed);
    let mut cells: BTreeMap<(String, String), Matrix<'_>> = BTreeMap::new();
    for (key, entry) in keyed {
        if let Ok([state, category, impact, likelihood]) = serde_json::from_str::<[String; 4]>(key)
            && let (Ok(impact), Ok(likelihood)) = (impact.parse(), likelihood.parse())
        {
            cells.entry((state, category)).or_default().insert((impact, likelihood), *entry);
        }
    }
    let tree = Tree::new(params, |state, category| {
        let matrix = cells.remove(&(state.to_owned(), category.to_owned())).unwrap_or_default();
        let cell = |((impact, chance), entry): ((i64, i64), &Entry)| {
            let mean = |index: usize| entry.sums[index].mean(stats.into());
            Cell::new(category, impact, chance, [mean(0), mean(1)])
        };
        matrix.into_iter().map(cell).collect()
    });
    Matrices { basis: Basis { stats: Some(stats), band: None }, tree }
}
