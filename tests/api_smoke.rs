//! The first thing anybody does.
#![allow(clippy::unwrap_used)]

mod common;

use common::{service, today};
use serde_json::json;

#[test]
fn a_stat_goes_in_and_comes_back_as_it_was_sent() {
    let (_place, service, token) = service();
    let data = r#"[ {"uuid":"b402d4e0-4576-11e9-9173-0800277f0571","count":1,"averageRate":"2.830","maxRisk":3} ]"#;
    let body = format!(
        r#"[{{"anr":"5f0c5d8e-6f0e-4b4e-9d0a-3c1f5a7b2e01","type":"threat","date":"{}","data":{data}}}]"#,
        today()
    );
    let stored = service.post("/api/v1/stats/").token(&token).text(&body).send().expect(201);
    assert_eq!(stored.json()["metadata"], json!({"count": "1", "offset": "0", "limit": "0"}));
    let read = service.get("/api/v1/stats/").token(&token).json(&json!({"type": "threat"})).send().expect(200);
    assert_eq!(read.json(), stored.json());
    assert!(read.text().contains(data) && stored.text().contains(data));
}

/// Once, the payload that both stats share was deleted with the earlier of them: 500, FOREIGN KEY constraint failed.
#[test]
fn the_same_data_may_replace_itself() {
    let (_place, service, token) = service();
    let body = format!(
        r#"[{{"anr":"5f0c5d8e-6f0e-4b4e-9d0a-3c1f5a7b2e01","type":"threat","date":"{}","data":[]}}]"#,
        today()
    );
    for _ in 0..3 {
        service.post("/api/v1/stats/").token(&token).text(&body).send().expect(201);
    }
    let read = service.get("/api/v1/stats/?type=threat").token(&token).send().expect(200);
    assert_eq!(read.json()["metadata"]["count"], "1");
}
