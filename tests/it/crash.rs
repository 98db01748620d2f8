//! kill -9 at random moments while several clients write: what was acknowledged is there, and nothing is half there.
//!
//! `MONARC_TEST_ROUNDS` sets the number of rounds.

use crate::common::{Place, Service};
use crate::raw;
use std::thread;
use std::time::{Duration, Instant};

const WRITERS: usize = 4;
/// The longest start that is acceptable, with room for a busy machine.
const START: Duration = Duration::from_secs(1);

/// What one writer saw: requests made, and those that were acknowledged.
struct Seen {
    writer: usize,
    requests: usize,
    acknowledged: Vec<usize>,
}

fn write_until_it_dies(address: &str, token: &str, writer: usize) -> Seen {
    let mut seen = Seen { writer, requests: 0, acknowledged: Vec::new() };
    loop {
        let request = seen.requests;
        seen.requests += 1;
        match raw::send(address, "POST", "/api/v1/stats/", token, &raw::batch(writer, request)) {
            Ok((201, _)) => seen.acknowledged.push(request),
            Ok((status, body)) => panic!("{status}: {body}"),
            Err(_) => return seen,
        }
    }
}

fn started(place: &Place) -> (Service, Duration) {
    let began = Instant::now();
    let service = place.serve();
    (service, began.elapsed())
}

/// One life and death of a service; gives what the writers saw.
fn round(place: &Place, token: &str, round: usize, starts: &mut Vec<Duration>) -> Vec<Seen> {
    let (service, took) = started(place);
    starts.push(took);
    let writers: Vec<_> = (0..WRITERS)
        .map(|index| {
            let (address, token) = (service.address.clone(), token.to_owned());
            thread::spawn(move || write_until_it_dies(&address, &token, round * WRITERS + index))
        })
        .collect();
    // From the first connection to deep in a checkpoint; the odd part is what no clock rounds to.
    thread::sleep(Duration::from_micros((round as u64 * 7919) % 150_000 + 503));
    service.signal("KILL");
    drop(service);
    writers.into_iter().map(|writer| writer.join().unwrap()).collect()
}

#[test]
fn killed_at_any_moment_nothing_acknowledged_is_lost_and_nothing_is_half_there() {
    let rounds = std::env::var("MONARC_TEST_ROUNDS").map_or(25, |text| text.parse().unwrap());
    let place = Place::new();
    let token = place.client("fo");
    let (mut all, mut starts) = (Vec::new(), Vec::new());
    for number in 0..rounds {
        let seen = round(&place, &token, number, &mut starts);
        let (service, took) = started(&place);
        starts.push(took);
        for one in &seen {
            let stored = raw::stored(&service.address, &token, one.writer);
            raw::assert_whole(&stored, one.writer, one.requests, &one.acknowledged);
        }
        service.signal("KILL");
        drop(service);
        all.extend(seen);
        if number % 5 == 4 || number + 1 == rounds {
            // SQLite's integrity_check, and the rollups against a rebuild.
            place.ok(&["database", "check"]);
        }
    }
    let service = place.serve();
    for one in &all {
        let stored = raw::stored(&service.address, &token, one.writer);
        raw::assert_whole(&stored, one.writer, one.requests, &one.acknowledged);
    }
    starts.sort();
    let acknowledged: usize = all.iter().map(|one| one.acknowledged.len()).sum();
    let median = starts[starts.len() / 2];
    println!(
        "CRASH {rounds} rounds, {acknowledged} requests acknowledged, start: median {median:?}, worst {:?}",
        starts[starts.len() - 1]
    );
    assert!(acknowledged > 0, "nothing was written");
    assert!(median < START, "{starts:?}");
}
