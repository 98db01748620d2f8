//! Matrices of impact and likelihood.

use super::{Params, Tree, by_key, json, periods, stats, total};
use crate::error::Result;
use crate::model::decimal::Mean;
use crate::model::shapes::{CATEGORIES, COMMON_IMPACT, COMMON_LIKELIHOOD};
use crate::store::entries::Entry;
use crate::store::rollups::Rollup;
use jiff::civil::Date;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::Write;

#[derive(Serialize)]
struct Answer {
    scales: Scales,
    averages: Matrices,
    values: Vec<OnDate>,
}

#[derive(Serialize)]
struct Scales {
    impact: Vec<i64>,
    probability: Vec<i64>,
    likelihood: Vec<i64>,
}

#[derive(Serialize)]
struct OnDate {
    date: Date,
    #[serde(flatten)]
    matrices: Matrices,
}

#[derive(Serialize)]
struct Matrices {
    stats: i64,
    #[serde(flatten)]
    tree: Tree<Vec<Cell>>,
}

/// A cell in which there are risks; all others are 0.
#[derive(Serialize)]
struct Cell {
    impact: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    likelihood: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    probability: Option<i64>,
    count: Mean,
    share: Mean,
}

/// Mean number of risks, and mean share of an analysis's risks, per cell: over the range and per date.
pub fn average(rollup: &Rollup, params: &Params, out: &mut dyn Write) -> Result<()> {
    if rollup.days.is_empty() {
        return json(&[(); 0], out);
    }
    let on_date = |(date, entries)| OnDate { date, matrices: matrices(&by_key(rollup, entries), params) };
    let answer = Answer {
        scales: Scales {
            impact: (0..=COMMON_IMPACT).collect(),
            probability: (0..=COMMON_IMPACT).collect(),
            likelihood: (0..=COMMON_LIKELIHOOD).collect(),
        },
        averages: matrices(&by_key(rollup, &total(&rollup.days)), params),
        values: periods(rollup, params)?.iter().map(|(date, entries)| on_date((*date, entries))).collect(),
    };
    json(&answer, out)
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
        let informational = category == CATEGORIES[0];
        let cell = |((impact, likelihood), entry): ((i64, i64), &Entry)| Cell {
            impact,
            likelihood: informational.then_some(likelihood),
            probability: (!informational).then_some(likelihood),
            count: entry.sums[0].mean(stats.into()),
            share: entry.sums[1].mean(stats.into()),
        };
        matrix.into_iter().map(cell).collect()
    });
    Matrices { stats, tree }
}
