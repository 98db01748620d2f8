//! Threats and vulnerabilities.

use super::{Basis, Labels, Params, json, labels, periods};
use crate::error::Result;
use crate::model::decimal::Mean;
use crate::model::shapes::EVERY_STAT;
use crate::store::entries::Entry;
use crate::store::rollups::Rollup;
use jiff::civil::Date;
use serde::Serialize;
use std::collections::BTreeMap;
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
pub fn average_on_date(rollup: &Rollup, params: &Params, out: &mut dyn Write) -> Result<()> {
    let periods = periods(rollup, params)?;
    let mut series: BTreeMap<(&str, i64), Vec<(Date, &Entry)>> = BTreeMap::new();
    for (date, entries) in periods.iter() {
        for (object, entry) in entries {
            if let Some(key) = rollup.keys.get(object).filter(|key| *key != EVERY_STAT) {
                series.entry((key, *object)).or_default().push((*date, entry));
            }
        }
    }
    let averaged = |((uuid, object), values): ((&str, i64), Vec<(Date, &Entry)>)| {
        let mut whole = Entry::default();
        values.iter().for_each(|(_, entry)| whole.add(entry, 1));
        let on_date = |(date, entry): &(Date, &Entry)| OnDate {
            numbers: (*entry).into(),
            date: *date,
            basis: Basis::stats(params, entry.stats),
        };
        Averaged {
            object: uuid.to_owned(),
            labels: labels(rollup, object),
            values: values.iter().map(on_date).collect(),
            averages: (&whole).into(),
        }
    };
    json(&series.into_iter().map(averaged).collect::<Vec<_>>(), out)
}
