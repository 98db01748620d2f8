//! Compliance with referentials.

use super::{Basis, Labels, Params, json, labels, periods, total};
use crate::error::Result;
use crate::model::Decimal;
use crate::model::decimal::Mean;
use crate::model::shapes::{category_of_key, referential_key};
use crate::store::entries::Entry;
use crate::store::rollups::Rollup;
use jiff::civil::Date;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};
use std::io::Write;

#[derive(Serialize)]
pub(super) struct Referential {
    pub(super) referential: String,
    pub(super) labels: Labels,
    pub(super) categories: Vec<Category>,
}

#[derive(Serialize)]
pub(super) struct Category {
    pub(super) labels: Labels,
    pub(super) values: Vec<OnDate>,
    pub(super) averages: Sides,
}

#[derive(Serialize)]
pub(super) struct OnDate {
    #[serde(flatten)]
    pub(super) sides: Sides,
    pub(super) date: Date,
    #[serde(flatten)]
    pub(super) basis: Basis,
}

/// Mean compliance, usually from 0 to 1; none if no stat has that side.
#[derive(Default, Serialize)]
pub(super) struct Sides {
    pub(super) current: Option<Mean>,
    pub(super) target: Option<Mean>,
}

/// Means per referential and category, over the range and per date, in the order in which the store met them.
pub fn average(rollup: &Rollup, params: &Params, out: &mut dyn Write) -> Result<()> {
    let periods = periods(rollup, params)?;
    let whole = total(&rollup.days);
    let keys: BTreeMap<i64, &String> = rollup.keys.iter().map(|(object, key)| (*object, key)).collect();
    let names: HashMap<&str, i64> = keys.iter().map(|(object, key)| (key.as_str(), *object)).collect();
    let mut referentials: Vec<Referential> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for (object, key) in keys {
        let Some((name, texts)) = category_of_key(key) else { continue };
        let values = periods.iter().filter_map(|(date, entries)| {
            let entry = entries.get(&object)?;
            Some(OnDate { sides: sides(entry), date: *date, basis: Basis::stats(params, entry.stats) })
        });
        let category = Category {
            labels: texts.map(Some).into(),
            values: values.collect(),
            averages: whole.get(&object).map(sides).unwrap_or_default(),
        };
        let place = *places.entry(name.clone()).or_insert_with(|| {
            let labels = labels(rollup, names.get(referential_key(&name).as_str()).copied().unwrap_or_default());
            referentials.push(Referential { referential: name, labels, categories: Vec::new() });
            referentials.len() - 1
        });
        referentials[place].categories.push(category);
    }
    json(&referentials, out)
}

fn sides(entry: &Entry) -> Sides {
    let mean = |sum: Decimal, number: i128| (number > 0).then(|| sum.mean(number));
    let [current, target, targets] = entry.sums;
    Sides { current: mean(current, entry.number.into()), target: mean(target, targets.wholes()) }
}
