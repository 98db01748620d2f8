//! Compliance with referentials.

use super::{Labels, Params, json, periods, total};
use crate::error::Result;
use crate::model::decimal::Mean;
use crate::model::shapes::SIDES;
use crate::store::entries::{Entries, Entry};
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
#[derive(Serialize)]
struct Means {
    current: Option<Mean>,
    target: Option<Mean>,
}

/// Where an object of the store belongs: referential and category, and which side of it.
struct Place {
    referential: String,
    labels: [String; 4],
    category: [String; 4],
    is_target: bool,
}

/// The sums of a category: current and target.
type Sides = [Entry; 2];

fn place(key: &str) -> Option<Place> {
    let [referential, side, a, b, c, d, e, f, g, h] = serde_json::from_str::<[String; 10]>(key).ok()?;
    Some(Place { referential, labels: [a, b, c, d], category: [e, f, g, h], is_target: side == SIDES[1] })
}

/// Means per referential and category, over the range and per date, in the order in which the store met them.
pub fn average(rollup: &Rollup, params: &Params, out: &mut dyn Write) -> Result<()> {
    let places: BTreeMap<i64, Place> =
        rollup.keys.iter().filter_map(|(object, key)| Some((*object, place(key)?))).collect();
    let index = Index::new(&places);
    let gathered = periods(rollup, params)?;
    let periods: Vec<_> = gathered.iter().map(|(date, entries)| (*date, index.sums(entries))).collect();
    let whole = index.sums(&total(&rollup.days));
    let newest = newest_labels(rollup, &places);
    let mut referentials: Vec<Referential> = Vec::new();
    for (number, (uuid, labels)) in index.categories.iter().enumerate() {
        let values = periods.iter().filter_map(|(date, sums)| {
            let sides = sums.get(&number)?;
            let stats = params.period.map(|_| sides[0].number.max(sides[1].number));
            Some(OnDate { means: means(sides), date: *date, stats })
        });
        let category = Category {
            labels: (*labels).clone().into(),
            values: values.collect(),
            averages: means(whole.get(&number).unwrap_or(&Sides::default())),
        };
        match referentials.iter_mut().find(|known| known.referential == *uuid) {
            Some(known) => known.categories.push(category),
            None => referentials.push(Referential {
                referential: uuid.to_string(),
                labels: newest.get(uuid).map(|labels| (*labels).clone()).unwrap_or_default().into(),
                categories: vec![category],
            }),
        }
    }
    json(&referentials, out)
}

/// The categories in order, and which of them each object belongs to.
struct Index<'a> {
    categories: Vec<(&'a str, &'a [String; 4])>,
    objects: HashMap<i64, (usize, usize)>,
}

impl<'a> Index<'a> {
    fn new(places: &'a BTreeMap<i64, Place>) -> Self {
        let mut index = Self { categories: Vec::new(), objects: HashMap::new() };
        let mut numbers: HashMap<(&str, &[String; 4]), usize> = HashMap::new();
        for (object, place) in places {
            let name = (place.referential.as_str(), &place.category);
            let number = *numbers.entry(name).or_insert_with(|| {
                index.categories.push(name);
                index.categories.len() - 1
            });
            index.objects.insert(*object, (number, usize::from(place.is_target)));
        }
        index
    }

    fn sums(&self, entries: &Entries) -> BTreeMap<usize, Sides> {
        let mut sums: BTreeMap<usize, Sides> = BTreeMap::new();
        for (object, entry) in entries {
            if let Some((number, side)) = self.objects.get(object) {
                sums.entry(*number).or_default()[*side].add(entry, 1);
            }
        }
        sums
    }
}

fn means(sides: &Sides) -> Means {
    let mean = |entry: &Entry| (entry.number > 0).then(|| entry.sums[0].mean(entry.number.into()));
    Means { current: mean(&sides[0]), target: mean(&sides[1]) }
}

/// The labels that each referential had on its newest date in the range.
fn newest_labels<'a>(rollup: &Rollup, places: &'a BTreeMap<i64, Place>) -> HashMap<&'a str, &'a [String; 4]> {
    let mut newest = HashMap::new();
    for object in rollup.days.values().flat_map(BTreeMap::keys) {
        if let Some(place) = places.get(object) {
            newest.insert(place.referential.as_str(), &place.labels);
        }
    }
    newest
}
