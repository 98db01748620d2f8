//! `/stats/compared.json`: what is so now, what was so earlier, and how many analyses it rests on.

use crate::common::batch::{ANR, OTHER_ANR, item, rated};
use crate::common::{Service, service, today};
use serde_json::{Value, json};

const FIRE: &str = "b402d4e0-4576-11e9-9173-0800277f0571";
const FLOOD: &str = "b402d4e0-4576-11e9-9173-0800277f0572";

fn ago(days: i64) -> String {
    today().checked_sub(jiff::Span::new().days(days)).unwrap().to_string()
}

fn compared(service: &Service, query: &str) -> Value {
    service.get(&format!("/stats/compared.json?{query}")).send().expect(200).json()
}

/// The counts of an object in the windows: now, and earlier.
fn counts(answer: &Value, object: &str) -> Vec<Value> {
    let windows = std::iter::once(&answer["now"]).chain(answer["earlier"].as_array().unwrap());
    let count = |window: &Value| {
        let list = window["averages"].as_array().cloned().unwrap_or_default();
        list.iter().find(|one| one["object"] == object).map_or(Value::Null, |one| one["averages"]["count"].clone())
    };
    windows.map(count).collect()
}

#[test]
fn nothing_is_compared_where_there_is_nothing() {
    let (_place, service, _token) = service();
    let answer = compared(&service, "type=threat");
    assert_eq!(answer, json!({"type": "threat", "now": null, "earlier": [], "analyses": 0, "objects": {}}));
    assert_eq!(compared(&service, "type=risk"), json!({"type": "risk", "now": null, "earlier": []}));
    service.get("/stats/compared.json").send().expect(400);
    service.get("/stats/compared.json?type=threat&days=0").send().expect(400);
}

#[test]
fn now_is_the_newest_seven_days_that_have_stats() {
    let (_place, service, token) = service();
    // Eight days with stats, every third one: the oldest is not part of now, which ends where the stats end.
    let mut batch: Vec<String> = (0..8u32)
        .map(|n| item(ANR, "threat", &ago(10 + 3 * i64::from(n)), &rated(FIRE, 2 + u64::from(n), 3, "1")))
        .collect();
    let before = |months| {
        let day = today().checked_sub(jiff::Span::new().days(12)).unwrap();
        day.checked_sub(jiff::Span::new().months(months)).unwrap().to_string()
    };
    batch.push(item(ANR, "threat", &before(3), &rated(FIRE, 30, 3, "1")));
    batch.push(item(ANR, "threat", &before(12), &rated(FIRE, 40, 3, "1")));
    service.store_stats(&token, &batch);
    let answer = compared(&service, "type=threat");
    assert_eq!((&answer["now"]["from"], &answer["now"]["to"]), (&json!(ago(28)), &json!(ago(10))));
    assert_eq!(counts(&answer, FIRE), [json!(5), json!(30), json!(40)]);
    let ages: Vec<&Value> = answer["earlier"].as_array().unwrap().iter().map(|window| &window["ago"]).collect();
    assert_eq!(ages, ["3_months", "12_months"]);
}

#[test]
fn days_are_compared_with_the_days_before_them() {
    let (_place, service, token) = service();
    let batch = [(0, 10), (29, 20), (30, 5), (59, 7), (60, 100)]
        .map(|(days, count)| item(ANR, "threat", &ago(days), &rated(FIRE, count, 3, "1")));
    service.store_stats(&token, &batch);
    let answer = compared(&service, "type=threat&days=30");
    assert_eq!(counts(&answer, FIRE), [json!(15), json!(6), Value::Null]);
    assert_eq!(answer["earlier"][0]["ago"], "period");
    assert_eq!(answer["earlier"][1]["averages"], Value::Null);
}

#[test]
fn an_object_says_how_many_analyses_have_it_now() {
    let (_place, service, token) = service();
    let both = rated(FIRE, 1, 3, "1").replace(']', &rated(FLOOD, 1, 3, "1").replace('[', ","));
    let batch = [
        item(ANR, "threat", &ago(2), &both),
        // Its newest stat has lost the flood.
        item(ANR, "threat", &ago(1), &rated(FIRE, 1, 3, "1").replace("Fire", "Blaze")),
        item(OTHER_ANR, "threat", &ago(9), &both),
    ];
    service.store_stats(&token, &batch);
    let answer = compared(&service, "type=threat");
    assert_eq!((&answer["analyses"], &answer["objects"]), (&json!(2), &json!({FIRE: 2, FLOOD: 1})));
}
