//! Threats and vulnerabilities.

use super::{Labels, Params, json, labels, periods};
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
struct Averaged {
    object: String,
    labels: Labels,
    values: Vec<OnDate>,
    averages: Numbers,
}

#[derive(Serialize)]
struct OnDate {
    #[serde(flatten)]
    numbers: Numbers,
    date: Date,
    #[serde(skip_serializing_if = "Option::is_none")]
    stats: Option<i64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Numbers {
    count: Mean,
    max_risk: Mean,
    average_rate: Mean,
}

impl From<&Entry> for Numbers {
    fn from(entry: &Entry) -> Self {
        let [count, max_risk, average_rate] = entry.sums.map(|sum| sum.mean(entry.number.into()));
        Self { count, max_risk, average_rate }
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
            stats: params.period.map(|_| entry.stats),
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
