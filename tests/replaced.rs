//! Stats that take the place of earlier ones.
#![allow(clippy::unwrap_used)]

mod common;

use common::{service, today};
use serde_json::json;

/// It was a 500: the content's row went with the stat that was replaced, and the new one had nothing to refer to.
#[test]
fn the_same_data_again_on_the_same_day_replaces() {
    let (place, service, token) = service();
    let data = json!([{"uuid": "b402d4e0-4576-11e9-9173-0800277f0571", "count": 1, "maxRisk": 3, "averageRate": "2"}]);
    let body =
        json!([{"anr": "5f0c5d8e-6f0e-4b4e-9d0a-3c1f5a7b2e01", "type": "threat", "date": today(), "data": data}]);
    let first = service.post("/api/v1/stats/").token(&token).json(&body).send().expect(201).json();
    let second = service.post("/api/v1/stats/").token(&token).json(&body).send().expect(201).json();
    assert_ne!(first["data"][0]["uuid"], second["data"][0]["uuid"]);
    let read = service.get("/api/v1/stats/").token(&token).json(&json!({"type": "threat"})).send().expect(200);
    assert_eq!(read.json()["data"], second["data"]);
    service.stop();
    place.ok(&["database", "check"]);
}
