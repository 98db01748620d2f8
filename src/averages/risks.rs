//! Risks by level.

use super::{Basis, Params, Tree, by_key, json, stats};
use crate::error::Result;
use crate::model::decimal::Mean;
use crate::model::shapes::{LEVELS, risk_key};
use crate::store::entries::{Entries, Entry};
use crate::store::sums::Sums;
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
pub fn averages(sums: &Sums<'_>, params: &Params, out: &mut dyn Write) -> Result<()> {
    let total = sums.total()?;
    let nothing = Entries::new();
    let keyed = by_key(&total, total.days.values().next().unwrap_or(&nothing));
    json(&tree(params, |key| mean(&keyed, key)), out)
}

/// Means per date.
pub fn averages_on_date(sums: &Sums<'_>, params: &Params, out: &mut dyn Write) -> Result<()> {
    let mut answer = tree(params, |_| Vec::new());
    sums.by_period(&|day| params.start(day), &mut |rollup| {
        for (date, entries) in &rollup.days {
            let keyed = by_key(rollup, entries);
            let stats = stats(&keyed);
            let more = tree(params, |key| OnDate {
                date: *date,
                value: mean(&keyed, key),
                basis: Basis::stats(params, stats),
            });
            answer.push(more);
        }
        Ok(())
    })?;
    json(&answer, out)
}

impl<T> Tree<Levels<Vec<T>>> {
    /// Puts one more value behind those of each level.
    fn push(&mut self, more: Tree<Levels<T>>) {
        let branches = [(&mut self.current, more.current), (&mut self.residual, more.residual)];
        for (branch, more) in branches.into_iter().filter_map(|(branch, more)| branch.as_mut().zip(more)) {
            let kinds = [(&mut branch.informational, more.informational), (&mut branch.operational, more.operational)];
            for (levels, more) in kinds.into_iter().filter_map(|(levels, more)| levels.as_mut().zip(more)) {
                levels.low.push(more.low);
                levels.medium.push(more.medium);
                levels.high.push(more.high);
            }
        }
    }
}
