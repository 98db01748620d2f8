//! One client that goes on writing whatever happens to the service, and remembers what it was promised.
//!
//! Needs `raw.rs` beside it: `#[path = "common/raw.rs"] mod raw;`.

#![allow(dead_code)]

use crate::common::{Place, Service};
use crate::raw;
use std::thread;
use std::time::{Duration, Instant};

pub struct Writer {
    pub token: String,
    /// Its analysis.
    pub number: usize,
    pub requests: usize,
    pub acknowledged: Vec<usize>,
}

impl Writer {
    /// The only writer of a new client.
    pub fn new(place: &Place) -> Self {
        Self::of(place.client("fo"), 7)
    }

    /// One of several.
    pub fn of(token: String, number: usize) -> Self {
        Self { token, number, requests: 0, acknowledged: Vec::new() }
    }

    /// The next batch; what becomes of it is for [`Writer::note`].
    pub fn next(&mut self) -> String {
        self.requests += 1;
        raw::batch(self.number, self.requests - 1)
    }

    /// Remembers what the last batch was answered.
    pub fn note(&mut self, status: u16) {
        if status == 201 {
            self.acknowledged.push(self.requests - 1);
        }
    }

    /// Posts the next batch; gives the status and the answer.
    pub fn post(&mut self, service: &Service) -> (u16, String) {
        let batch = self.next();
        let answer = raw::send(&service.address, "POST", "/api/v1/stats/", &self.token, &batch).unwrap();
        self.note(answer.0);
        answer
    }

    /// Posts until one is acknowledged: the fault has ended.
    pub fn recovers(&mut self, service: &Service) {
        let deadline = Instant::now() + Duration::from_secs(15);
        loop {
            let (status, body) = self.post(service);
            if status == 201 {
                return;
            }
            assert!(status == 503 || status == 507, "{status}: {body}");
            assert!(Instant::now() < deadline, "still {status}: {body}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// What was promised is there, and nothing is half there.
    pub fn holds(&self, service: &Service) {
        let stored = raw::stored(&service.address, &self.token, self.number);
        raw::assert_whole(&stored, self.number, self.requests, &self.acknowledged);
    }

    pub fn get(&self, service: &Service) -> (u16, String) {
        raw::send(&service.address, "GET", "/api/v1/stats/?type=threat&date_from=1000", &self.token, "").unwrap()
    }
}

/// A sentence that a person can act on, and nothing of SQLite's.
pub fn assert_sentence(body: &str, words: &str) {
    let message: serde_json::Value = serde_json::from_str(body).unwrap();
    let text = message["message"].as_str().unwrap_or_else(|| panic!("{body}"));
    assert!(text.contains(words), "{text:?} does not say {words:?}");
}
