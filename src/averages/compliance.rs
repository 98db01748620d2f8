//! Compliance with referentials.

use super::{Basis, Labels, List, Params, labels, unwritten};
use crate::error::Result;
use crate::model::Decimal;
use crate::model::decimal::Mean;
use crate::model::shapes::{category_of_key, referential_key};
use crate::store::entries::Entry;
use crate::store::sums::Sums;
use jiff::civil::Date;
use serde::Serialize;
use std::collections::HashMap;
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
pub fn average(sums: &Sums<'_>, params: &Params, out: &mut dyn Write) -> Result<()> {
    let mut referentials = List::begin(out)?;
    let mut open: Option<String> = None;
    sums.by_object(&|day| params.start(day), in_order, &mut |rollup| {
        let mut series = rollup.series();
        for (object, named) in &rollup.order {
            let Some((name, texts)) = rollup.keys.get(object).and_then(|key| category_of_key(key)) else { continue };
            let values = series.remove(object).unwrap_or_default();
            let category = category(texts.map(Some).into(), params, &values);
            if open.as_ref() != Some(&name) {
                close(&mut referentials, &mut open)?;
                let labels = labels(sums, *named)?;
                referentials.next()?;
                let referential = Referential { referential: name.clone(), labels, categories: Vec::new() };
                List::begin_in(&referential, referentials.out)?.push(&category)?;
                open = Some(name);
            } else {
                List { out: referentials.out, has_elements: true }.push(&category)?;
            }
        }
        Ok(())
    })?;
    close(&mut referentials, &mut open)?;
    referentials.end()
}

/// Ends the referential that is being written.
fn close(referentials: &mut List<'_>, open: &mut Option<String>) -> Result<()> {
    if open.take().is_some() {
        List { out: referentials.out, has_elements: true }.end()?;
        referentials.out.write_all(b"}").map_err(unwritten)?;
    }
    Ok(())
}

/// Categories by referential: both in the order in which the store met their first.
fn in_order(keys: &HashMap<i64, String>) -> Vec<(i64, i64)> {
    let names: HashMap<&str, i64> = keys.iter().map(|(object, key)| (key.as_str(), *object)).collect();
    let mut referentials: HashMap<String, Vec<i64>> = HashMap::new();
    for (object, key) in keys {
        if let Some((name, _)) = category_of_key(key) {
            referentials.entry(name).or_default().push(*object);
        }
    }
    let mut sorted: Vec<(Vec<i64>, i64)> = Vec::new();
    for (name, mut categories) in referentials {
        categories.sort_unstable();
        sorted.push((categories, names.get(referential_key(&name).as_str()).copied().unwrap_or_default()));
    }
    sorted.sort_unstable();
    sorted.into_iter().flat_map(|(categories, named)| categories.into_iter().map(move |one| (one, named))).collect()
}

fn category(labels: Labels, params: &Params, values: &[(Date, &Entry)]) -> Category {
    let mut whole = Entry::default();
    values.iter().for_each(|(_, entry)| whole.add(entry, 1));
    let on_date = |(date, entry): &(Date, &Entry)| OnDate {
        sides: sides(entry),
        date: *date,
        basis: Basis::stats(params, entry.stats),
    };
    Category { labels, values: values.iter().map(on_date).collect(), averages: sides(&whole) }
}

fn sides(entry: &Entry) -> Sides {
    let mean = |sum: Decimal, number: i128| (number > 0).then(|| sum.mean(number));
    let [current, target, targets] = entry.sums;
    Sides { current: mean(current, entry.number.into()), target: mean(target, targets.wholes()) }
}
