//! Risks by level.

use super::{Basis, Params, Tree, by_key, json, periods, stats, total};
use crate::error::Result;
use crate::model::decimal::Mean;
use crate::model::shapes::{LEVELS, risk_key};
use crate::store::entries::Entry;
use crate::store::rollups::Rollup;
use jiff::civil::Date;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::Write;

#[derive(Serialize)]
pub(super) struct Levels<T> {
    #[serde(rename = "Low risks")]
    low: T,
    #[serde(rename = "Medium risks")]
    medium: T,
    #[serde(rename = "High risks")]
    high: T,
}

#[derive(Serialize)]
pub(super) struct OnDate {
    pub(super) date: Date,
    pub(super) value: Mean,
    #[serde(flatten)]
    pub(super) basis: Basis,
}

fn tree<T>(params: &Params, mut leaf: impl FnMut(&str) -> T) -> Tree<Levels<T>> {
    levels(params, |state, category, level| leaf(&risk_key(state, category, level)))
}

/// The tree with what `leaf` makes of each state, kind and level.
pub(super) fn levels<T>(params: &Params, mut leaf: impl FnMut(&str, &str, &str) -> T) -> Tree<Levels<T>> {
    Tree::new(params, |state, category| {
        let mut one = |level| leaf(state, category, level);
        let [low, medium, high] = LEVELS;
        Levels { low: one(low), medium: one(medium), high: one(high) }
    })
}

/// The mean under one key over all stats of a period; a stat without the key counts as 0.
fn mean(keyed: &BTreeMap<&str, &Entry>, key: &str) -> Mean {
    keyed.get(key).map_or(Mean::default(), |entry| entry.sums[0].mean(stats(keyed).into()))
}

/// Means over the whole range.
pub fn averages(rollup: &Rollup, params: &Params, out: &mut dyn Write) -> Result<()> {
    let sums = total(&rollup.days);
    let keyed = by_key(rollup, &sums);
    json(&tree(params, |key| mean(&keyed, key)), out)
}

/// Means per date.
pub fn averages_on_date(rollup: &Rollup, params: &Params, out: &mut dyn Write) -> Result<()> {
    let periods = periods(rollup, params)?;
    let keyed: Vec<_> = periods.iter().map(|(date, entries)| (*date, by_key(rollup, entries))).collect();
    let answer = tree(params, |key| {
        let on_date = |(date, keyed): &(Date, BTreeMap<&str, &Entry>)| OnDate {
            date: *date,
            value: mean(keyed, key),
            basis: Basis::stats(params, stats(keyed)),
        };
        keyed.iter().map(on_date).collect::<Vec<_>>()
    });
    json(&answer, out)
}
