//! Threats and vulnerabilities.

use super::{Labels, Params, json, periods};
use crate::error::Result;
use crate::model::decimal::Mean;
use crate::store::entries::Entry;
use crate::store::labels::parse_key;
use crate::store::rollups::Rollup;
use jiff::civil::Date;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};
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
    // An object with other labels is another object in the store, but the same thing here.
    let uuids: HashMap<i64, String> =
        rollup.keys.iter().filter_map(|(object, key)| Some((*object, parse_key(key)?.0))).collect();
    let mut series: BTreeMap<&str, BTreeMap<Date, Entry>> = BTreeMap::new();
    for (date, entries) in periods(rollup, params)? {
        for (object, entry) in entries {
            if let Some(uuid) = uuids.get(&object) {
                series.entry(uuid).or_default().entry(date).or_default().add(&entry, 1);
            }
        }
    }
    let averaged = |(uuid, values): (&str, BTreeMap<Date, Entry>)| {
        let mut whole = Entry::default();
        values.values().for_each(|entry| whole.add(entry, 1));
        let on_date = |(date, entry): (&Date, &Entry)| OnDate {
            numbers: entry.into(),
            date: *date,
            stats: params.period.map(|_| entry.number),
        };
        Averaged {
            object: uuid.to_owned(),
            labels: rollup.labels.get(uuid).cloned().unwrap_or_default().into(),
            values: values.iter().map(on_date).collect(),
            averages: (&whole).into(),
        }
    };
    json(&series.into_iter().map(averaged).collect::<Vec<_>>(), out)
}
