//! `GET /api/v1/stats/`, and `GET` and `DELETE /api/v1/stats/<anr>`.

use crate::common::batch::{
    ANR, FRONT_OFFICE, OTHER_ANR, TYPES, bad_argument, data_texts, item, item_with_uuid, rated, uuid,
};
use crate::common::{ADMIN, Place, Service, days_ago, service, today};
use flate2::read::GzDecoder;
use serde_json::{Value, json};
use std::io::Read;

fn threat(anr: &str, date: &str, count: u64) -> String {
    item(anr, "threat", date, &rated(&uuid(1), count, 4, "2"))
}

/// Threat stats on these dates, one after the other.
fn with_dates(dates: &[&str]) -> (Place, Service, String) {
    let (place, service, token) = service();
    for (number, date) in dates.iter().enumerate() {
        service.store_stats(&token, &[threat(ANR, date, number as u64)]);
    }
    (place, service, token)
}

fn counts(answer: &Value) -> Vec<u64> {
    let list = answer["data"].as_array().or(answer.as_array()).unwrap();
    list.iter().map(|stat| stat["data"][0]["count"].as_u64().unwrap()).collect()
}

#[test]
fn every_type_of_a_front_office_comes_back_byte_for_byte() {
    let (_place, service, token) = service();
    let stored = service.post("/api/v1/stats/").token(&token).text(FRONT_OFFICE).send().expect(201);
    assert_eq!(stored.json()["metadata"], json!({"count": "5", "offset": "0", "limit": "0"}));
    for (kind, sent) in TYPES.iter().zip(data_texts(&stored)) {
        assert!(FRONT_OFFICE.contains(&format!("\"type\":\"{kind}\",\"date\":\"2026-11-01\",\"data\":{sent}}}")));
        let read = service.list(&token, &json!({"type": kind, "date_from": "2026-11-01"})).expect(200);
        assert_eq!(data_texts(&read), [sent]);
    }
}

#[test]
fn an_answer_has_its_keys_in_order_and_no_processor() {
    let (_place, service, token) = service();
    service.post("/api/v1/stats/").token(&token).text(FRONT_OFFICE).send().expect(201);
    let answer = service.list(&token, &json!({"type": "risk", "date_from": "2026"})).expect(200);
    assert_eq!(answer.headers["content-type"], "application/json");
    assert!(!answer.text().contains("processor"));
    let answer = answer.json();
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&answer), ["metadata", "data"]);
    assert_eq!(keys(&answer["metadata"]), ["count", "offset", "limit"]);
    assert_eq!(keys(&answer["data"][0]), ["uuid", "anr", "type", "date", "data"]);
    assert_eq!(answer["data"][0]["anr"], ANR);
    assert_eq!(answer["data"][0]["type"], "risk");
    assert_eq!(answer["data"][0]["date"], "2026-11-01");
    assert_eq!(keys(&answer["data"][0]["data"]["risks"]), ["current", "residual"]);
}

#[test]
fn a_client_sees_its_own_stats_and_an_admin_all() {
    let (place, service, token) = service();
    let other = place.client("other");
    service.store_stats(&token, &[threat(ANR, "2026-11-01", 1)]);
    service.store_stats(&other, &[threat(ANR, "2026-11-01", 2), threat(OTHER_ANR, "2026-11-02", 3)]);
    let read = |token: &str| counts(&service.list(token, &json!({"type": "threat", "date_from": "2026"})).json());
    assert_eq!(read(&token), [1]);
    assert_eq!(read(&other), [2, 3]);
    assert_eq!(read(ADMIN), [1, 2, 3]);
    let named = json!({"type": "threat", "date_from": "2026", "anrs": [OTHER_ANR]});
    assert_eq!(counts(&service.list(&token, &named).json()), [0; 0]);
    assert_eq!(counts(&service.list(ADMIN, &named).json()), [3]);
}

#[test]
fn the_window_is_three_calendar_months_up_to_today() {
    let (_place, service, token) = service();
    let first = today().checked_sub(jiff::Span::new().months(3)).unwrap();
    let before = first.yesterday().unwrap().to_string();
    let tomorrow = days_ago(-1);
    let (first, today) = (first.to_string(), days_ago(0));
    let dates = [before.as_str(), &first, &today, &tomorrow];
    for date in dates {
        service.store_stats(&token, &[threat(ANR, date, 1)]);
    }
    let read = |from: Option<&str>, to: Option<&str>| {
        service.dates(&token, &json!({"type": "threat", "date_from": from, "date_to": to}))
    };
    assert_eq!(read(None, None), [dates[1], dates[2]]);
    assert_eq!(read(Some(&before), None), [dates[0], dates[1], dates[2]]);
    assert_eq!(read(None, Some(&tomorrow)), [dates[1], dates[2], dates[3]]);
    assert_eq!(read(Some(&before), Some(&before)), [dates[0]]);
}

#[test]
fn dates_may_be_written_as_iso_8601_allows() {
    let (_place, service, token) = with_dates(&["2025-12-31", "2026-01-01", "2026-02-28", "2026-03-01"]);
    let read = |from: &str, to: &str| {
        service.dates(&token, &json!({"type": "threat", "date_from": from, "date_to": to})).len()
    };
    assert_eq!(read("2026", "2026-03-01"), 3);
    assert_eq!(read("2026-02", "20260301"), 2);
    assert_eq!(read("2025-12-31T23:00:00Z", "2026-01-01T00:00:00+02:00"), 2);
    assert_eq!(read("2026-03-02", "2026-01-01"), 0);
    assert_eq!(service.dates(&token, &json!({"type": "threat", "date_from": 2026, "date_to": "2026-03-01"})).len(), 3);
}

#[test]
fn stats_come_by_date_and_then_by_arrival() {
    let (_place, service, token) = service();
    let items = [(3, "2026-11-02", 1), (1, "2026-11-01", 2), (2, "2026-11-02", 3), (9, "2026-10-31", 4)];
    for (anr, date, count) in items {
        service.store_stats(&token, &[threat(&uuid(anr), date, count)]);
    }
    let all = json!({"type": "threat", "date_from": "2026"});
    assert_eq!(counts(&service.list(&token, &all).json()), [4, 2, 1, 3]);
    // A stat that replaces another arrives anew.
    service.store_stats(&token, &[threat(&uuid(3), "2026-11-02", 5)]);
    assert_eq!(counts(&service.list(&token, &all).json()), [4, 2, 3, 5]);
}

#[test]
fn offset_and_limit_are_numbers_or_texts_of_them() {
    let (_place, service, token) = with_dates(&["2026-11-01", "2026-11-02", "2026-11-03", "2026-11-04"]);
    for (offset, limit, expected) in [
        (json!("0"), json!("0"), vec![0, 1, 2, 3]),
        (json!(0), json!(2), vec![0, 1]),
        (json!("1"), json!("2"), vec![1, 2]),
        (json!(3), json!(9), vec![3]),
        (json!(2), json!(null), vec![2, 3]),
        (json!(9), json!(2), vec![]),
    ] {
        let arguments = json!({"type": "threat", "date_from": "2026", "offset": offset, "limit": limit});
        let answer = service.list(&token, &arguments).expect(200).json();
        assert_eq!(counts(&answer), expected, "{arguments}");
        let text = |value: &Value| value.as_str().map_or(value.as_u64().unwrap_or(0).to_string(), str::to_owned);
        let metadata = json!({"count": expected.len().to_string(), "offset": text(&offset), "limit": text(&limit)});
        assert_eq!(answer["metadata"], metadata);
    }
}

#[test]
fn get_last_is_the_newest_of_each_analysis_whatever_else_is_asked() {
    let (place, service, token) = with_dates(&["2020-01-02", "2020-01-01"]);
    service.store_stats(&token, &[threat(OTHER_ANR, "2019-05-05", 7), threat(OTHER_ANR, "2018-05-05", 8)]);
    service.store_stats(&token, &[item(ANR, "vulnerability", "2026-11-01", "[]")]);
    let arguments = json!({"type": "threat", "get_last": true, "date_from": "2026", "offset": 1, "limit": "1"});
    let answer = service.list(&token, &arguments).expect(200).json();
    assert_eq!(counts(&answer), [7, 0]);
    assert_eq!(answer["metadata"], json!({"count": "2", "offset": "0", "limit": "0"}));
    let arguments = json!({"type": "threat", "get_last": "1", "anrs": [ANR]});
    assert_eq!(counts(&service.list(&token, &arguments).json()), [0]);
    // Two clients may have the same analysis: an admin sees the newest of each.
    let other = place.client("other");
    service.store_stats(&other, &[threat(ANR, "2020-01-01", 9)]);
    assert_eq!(counts(&service.list(ADMIN, &json!({"type": "threat", "get_last": 1})).json()), [7, 9, 0]);
    let none = json!({"type": "threat", "get_last": false, "date_from": "2018"});
    assert_eq!(service.dates(&token, &none).len(), 4);
}

#[test]
fn anrs_are_a_filter_only_if_there_are_some() {
    let (_place, service, token) = service();
    service.store_stats(&token, &[threat(ANR, "2026-11-01", 1), threat(OTHER_ANR, "2026-11-01", 2)]);
    for (anrs, expected) in [
        (json!([]), vec![1, 2]),
        (json!(null), vec![1, 2]),
        (json!([ANR]), vec![1]),
        (json!([ANR, ANR, OTHER_ANR]), vec![1, 2]),
        (json!([OTHER_ANR.to_uppercase()]), vec![2]),
        (json!([OTHER_ANR.replace('-', "")]), vec![2]),
        (json!([uuid(77)]), vec![]),
    ] {
        let arguments = json!({"type": "threat", "date_from": "2026", "anrs": anrs});
        assert_eq!(counts(&service.list(&token, &arguments).expect(200).json()), expected, "{arguments}");
    }
    let ignored = json!({"type": "threat", "date_from": "2026", "group_by_anr": 1, "anr": ANR});
    assert_eq!(counts(&service.list(&token, &ignored).expect(200).json()), [1, 2]);
}

#[test]
fn arguments_that_cannot_be_used_are_named() {
    let (_place, service, token) = service();
    for (name, value) in [
        ("type", json!("threats")),
        ("type", json!(["threat"])),
        ("date_from", json!("yesterday")),
        ("date_to", json!("2026-02-30")),
        ("anrs", json!(["x"])),
        ("anrs", json!([ANR, 3])),
        ("anrs", json!({"0": ANR})),
        ("get_last", json!("maybe")),
        ("offset", json!(-1)),
        ("limit", json!("ten")),
        ("limit", json!(1.5)),
        ("group_by_anr", json!(2)),
        ("anr", json!("x")),
    ] {
        let mut arguments = json!({"type": "threat"});
        arguments[name] = value;
        bad_argument(service.list(&token, &arguments), name);
    }
    bad_argument(service.get("/api/v1/stats/").token(&token).send(), "type");
    let both = service.list(&token, &json!({"offset": "a", "limit": "b"})).expect(400).json();
    assert_eq!(both["errors"].as_object().unwrap().keys().collect::<Vec<_>>(), ["type", "offset", "limit"]);
}

#[test]
fn an_analysis_is_a_bare_list() {
    let (place, service, token) = service();
    let other = place.client("other");
    service.post("/api/v1/stats/").token(&token).text(FRONT_OFFICE).send().expect(201);
    service.store_stats(&token, &[threat(ANR, "2026-10-31", 1)]);
    let read = |token: &str, anr: &str| service.get(&format!("/api/v1/stats/{anr}")).token(token).send();
    let list = read(&token, ANR).expect(200).json();
    let kinds: Vec<&str> = list.as_array().unwrap().iter().map(|stat| stat["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["threat", "risk", "threat", "vulnerability", "cartography", "compliance"]);
    assert_eq!(list[0]["date"], "2026-10-31");
    let sent: Value = serde_json::from_str(FRONT_OFFICE).unwrap();
    assert_eq!(list[1]["data"], sent[0]["data"]);
    assert_eq!(read(&token, &ANR.to_uppercase().replace('-', "")).expect(200).json(), list);
    assert_eq!(read(ADMIN, ANR).expect(200).json(), list);
    // Somebody else's analysis is as good as none.
    assert_eq!(read(&other, ANR).expect(200).text(), "[]");
    assert_eq!(read(&token, OTHER_ANR).expect(200).text(), "[]");
    let message = read(&token, "not-a-uuid").expect(400).json()["message"].as_str().unwrap().to_owned();
    assert!(message.contains("not-a-uuid"), "{message}");
}

#[test]
fn deleting_an_analysis_is_always_a_204() {
    let (place, service, token) = service();
    let other = place.client("other");
    let delete =
        |token: &str, anr: &str| service.request("DELETE", &format!("/api/v1/stats/{anr}")).token(token).send();
    let left = || service.get(&format!("/api/v1/stats/{ANR}")).token(&token).send().json().as_array().unwrap().len();
    service.post("/api/v1/stats/").token(&token).text(FRONT_OFFICE).send().expect(201);
    service.store_stats(&token, &[threat(OTHER_ANR, "2026-11-01", 1)]);
    // Nobody wipes what another client has.
    assert_eq!(delete(&other, ANR).expect(204).text(), "");
    assert_eq!(left(), 5);
    assert_eq!(delete(&token, "x").expect(400).json()["message"], "\"x\" is not a UUID.");
    assert_eq!(delete(&token, &ANR.to_uppercase()).expect(204).text(), "");
    assert_eq!(left(), 0);
    delete(&token, ANR).expect(204);
    assert_eq!(service.dates(&token, &json!({"type": "threat", "date_from": "2026"})), ["2026-11-01"]);
    delete(ADMIN, OTHER_ANR).expect(204);
    assert_eq!(service.dates(&token, &json!({"type": "threat", "date_from": "2026"})).len(), 0);
}

#[test]
fn large_answers_are_streamed_whole_and_gzipped_for_who_takes_it() {
    let (_place, service, token) = service();
    let object = |stat: usize, number: usize| {
        let object = uuid(stat * 1000 + number);
        format!(r#"{{"uuid":"{object}","label2":"Threat {number}","count":{number},"maxRisk":1,"averageRate":"1.5"}}"#)
    };
    let data = |stat| format!("[{}]", (0..300).map(|number| object(stat, number)).collect::<Vec<_>>().join(", "));
    let items: Vec<String> =
        (0..60).map(|n| item_with_uuid(&uuid(n), &uuid(n), "threat", "2026-11-01", &data(n))).collect();
    let stored = service.post_stats(&token, &items).expect(201);
    assert_eq!(stored.json()["metadata"]["count"], "60");
    let arguments = json!({"type": "threat", "date_from": "2026-11-01"});
    let read = service.list(&token, &arguments).expect(200);
    assert_eq!(read.headers["transfer-encoding"], "chunked");
    assert!(read.body.len() > 1 << 20);
    assert_eq!(read.body, stored.body);
    assert_eq!(data_texts(&read), (0..60).map(data).collect::<Vec<_>>());
    let request = service.get("/api/v1/stats/").token(&token).json(&arguments);
    let packed = request.header("Accept-Encoding", "gzip").send().expect(200);
    assert_eq!(packed.headers["content-encoding"], "gzip");
    assert!(packed.body.len() < read.body.len() / 4);
    let mut plain = Vec::new();
    GzDecoder::new(packed.body.as_slice()).read_to_end(&mut plain).unwrap();
    assert_eq!(plain, read.body);
    // A page of a large answer counts what it holds.
    let page = service.list(&token, &json!({"type": "threat", "date_from": "2026", "offset": 7, "limit": 50})).json();
    assert_eq!(page["metadata"], json!({"count": "50", "offset": "7", "limit": "50"}));
    let uuids: Vec<&str> = page["data"].as_array().unwrap().iter().map(|stat| stat["uuid"].as_str().unwrap()).collect();
    assert_eq!(uuids, (7..57).map(uuid).collect::<Vec<_>>());
}
