//! Threats and vulnerabilities.

use super::{Basis, Labels, List, Params, labels};
use crate::error::Result;
use crate::model::decimal::Mean;
use crate::model::shapes::EVERY_STAT;
use crate::store::entries::Entry;
use crate::store::sums::{Rollup, Sums};
use jiff::civil::Date;
use serde::Serialize;
use std::collections::HashMap;
use std::io::Write;

#[derive(Serialize)]
pub(super) struct Averaged {
    pub(super) object: String,
    pub(super) labels: Labels,
    pub(super) values: Vec<OnDate>,
    pub(super) averages: Numbers,
}

#[derive(Serialize)]
pub(super) struct OnDate {
    #[serde(flatten)]
    pub(super) numbers: Numbers,
    pub(super) date: Date,
    #[serde(flatten)]
    pub(super) basis: Basis,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Numbers {
    count: Mean,
    max_risk: Mean,
    average_rate: Mean,
}

impl From<[Mean; 3]> for Numbers {
    fn from([count, max_risk, average_rate]: [Mean; 3]) -> Self {
        Self { count, max_risk, average_rate }
    }
}

impl From<&Entry> for Numbers {
    fn from(entry: &Entry) -> Self {
        entry.sums.map(|sum| sum.mean(entry.number.into())).into()
    }
}

/// Means of each object per date and over the range, in order of the object's UUID.
pub fn average_on_date(sums: &Sums<'_>, params: &Params, out: &mut dyn Write) -> Result<()> {
    let mut list = List::begin(out)?;
    sums.by_object(&|day| params.start(day), in_order, &mut |rollup| {
        let mut series = rollup.series();
        rollup.order.iter().try_for_each(|(object, _)| {
            let values = series.remove(object).unwrap_or_default();
            list.push(&averaged((rollup, *object), labels(sums, *object)?, params, &values))
        })
    })?;
    list.end()
}

fn in_order(keys: &HashMap<i64, String>) -> Vec<(i64, i64)> {
    let mut sorted: Vec<_> = keys.iter().filter(|(_, key)| *key != EVERY_STAT).collect();
    sorted.sort_by_key(|(_, key)| key.as_str());
    sorted.into_iter().map(|(object, _)| (*object, *object)).collect()
}

fn averaged((rollup, object): (&Rollup, i64), labels: Labels, params: &Params, values: &[(Date, &Entry)]) -> Averaged {
    let mut whole = Entry::default();
    values.iter().for_each(|(_, entry)| whole.add(entry, 1));
    let on_date = |(date, entry): &(Date, &Entry)| OnDate {
        numbers: (*entry).into(),
        date: *date,
        basis: Basis::stats(params, entry.stats),
    };
    Averaged {
        object: rollup.keys.get(&object).cloned().unwrap_or_default(),
        labels,
        values: values.iter().map(on_date).collect(),
        averages: (&whole).into(),
    }
}
