//! How much of what is posted a store keeps, and that deleted stats give their space back.

use crate::common;
use crate::common::Place;
use monarc_stats::demo::sample::{Sample, samples};
use monarc_stats::model::{Client, StatType, stat::NewStat};
use monarc_stats::store::Store;
use monarc_stats::store::listing::Filter;
use std::fs::metadata;
use uuid::Uuid;

const DAYS: u32 = 120;

fn store(place: &Place) -> (Store, Client) {
    place.client("fo");
    let store = Store::open(&place.store()).unwrap();
    let client = store.client("fo").unwrap();
    (store, client)
}

fn stat_of(sample: &Sample) -> (Uuid, StatType, jiff::civil::Date, &str) {
    (sample.anr, StatType::parse(sample.kind).unwrap(), sample.date, sample.data.as_str())
}

/// Adds stats day by day, as front offices do; gives the bytes of their data.
fn add(store: &Store, client: &Client, stats: &[(Uuid, StatType, jiff::civil::Date, &str)]) -> u64 {
    for batch in stats.chunks(100) {
        let batch: Vec<_> =
            batch.iter().map(|(anr, kind, date, data)| NewStat::new(None, *anr, *kind, *date, data)).collect();
        store.add_stats(client, &batch).unwrap();
    }
    stats.iter().map(|(_, _, _, data)| u64::try_from(data.len()).unwrap()).sum()
}

/// Bytes of an empty store, of these stats, and of the store that has them.
fn measured(place: &Place, stats: &[(Uuid, StatType, jiff::civil::Date, &str)]) -> [u64; 3] {
    let (store, client) = store(place);
    store.tidy().unwrap();
    let empty = metadata(place.store()).unwrap().len();
    let posted = add(&store, &client, stats);
    store.tidy().unwrap();
    let kept = metadata(place.store()).unwrap().len();
    println!("posted {posted} bytes, kept {kept}: {:.2} %", 100.0 * kept as f64 / posted as f64);
    [empty, posted, kept]
}

#[test]
fn what_did_not_change_costs_next_to_nothing() {
    let place = Place::new();
    let samples: Vec<_> = samples(common::today(), DAYS).unwrap().collect();
    let stats: Vec<_> = samples.iter().map(stat_of).collect();
    let [_, posted, kept] = measured(&place, &stats);
    assert!(kept * 100 <= posted * 6, "{kept} bytes of {posted}");
}

#[test]
fn nothing_new_every_day_costs_little_more_than_an_index() {
    let place = Place::new();
    let today = common::today();
    let samples: Vec<_> = samples(today, 1).unwrap().collect();
    let day = |back: u32| today.checked_sub(jiff::Span::new().days(i64::from(back))).unwrap();
    // Three such sets of analyses: what every day costs anyway should not be what is measured.
    let anr = |anr: Uuid, copy: u128| Uuid::from_u128(anr.as_u128() ^ copy);
    let stats: Vec<_> = (0..DAYS)
        .rev()
        .flat_map(|back| (0..3).flat_map(move |copy| samples_of(back, copy)))
        .map(|(back, copy, index)| {
            let sample = &samples[index];
            let kind = StatType::parse(sample.kind).unwrap();
            (anr(sample.anr, copy), kind, day(back), sample.data.as_str())
        })
        .collect();
    // A page for each table and index is there anyway.
    let [empty, posted, kept] = measured(&place, &stats);
    assert!((kept - empty) * 1000 <= posted * 20, "{kept} bytes of {posted}");
}

/// The stats of one day of one set of analyses, by their index.
fn samples_of(back: u32, copy: u128) -> impl Iterator<Item = (u32, u128, usize)> {
    let number = samples(common::today(), 1).unwrap().count();
    (0..number).map(move |index| (back, copy, index))
}

#[test]
fn deleted_stats_give_their_space_back() {
    let place = Place::new();
    let (store, client) = store(&place);
    let samples: Vec<_> = samples(common::today(), 20).unwrap().collect();
    let stats: Vec<_> = samples.iter().map(stat_of).collect();
    add(&store, &client, &stats);
    store.tidy().unwrap();
    let full = metadata(place.store()).unwrap().len();
    store.delete_stats(&Filter { client: Some(client.id), ..Filter::default() }).unwrap();
    store.tidy().unwrap();
    let left = metadata(place.store()).unwrap().len();
    assert!(left * 3 < full, "{left} of {full} bytes are left");
}
