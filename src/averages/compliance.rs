//! Compliance with referentials.

use super::{Labels, Params, json, labels, periods, total};
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
struct Referential {
    referential: String,
    labels: Labels,
    categories: Vec<Category>,
}

#[derive(Serialize)]
struct Category {
    labels: Labels,
    values: Vec<OnDate>,
    averages: Means,
}

#[derive(Serialize)]
struct OnDate {
    #[serde(flatten)]
    means: Means,
    date: Date,
    #[serde(skip_serializing_if = "Option::is_none")]
    stats: Option<i64>,
}

/// Mean compliance, usually from 0 to 1; none if no stat has that side.
#[derive(Default, Serialize)]
struct Means {
    current: Option<Mean>,
    target: Option<Mean>,
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
            Some(OnDate { means: means(entry), date: *date, stats: params.period.map(|_| entry.stats) })
        });
        let category = Category {
            labels: texts.map(Some).into(),
            values: values.collect(),
            averages: whole.get(&object).map(means).unwrap_or_default(),
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

fn means(entry: &Entry) -> Means {
    let mean = |sum: Decimal, number: i128| (number > 0).then(|| sum.mean(number));
    let [current, target, targets] = entry.sums;
    Means { current: mean(current, entry.number.into()), target: mean(target, targets.wholes()) }
}
