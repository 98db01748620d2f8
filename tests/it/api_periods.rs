//! `period`: means over weeks, months, quarters and years, and how many stats each rests on.

use crate::common::batch::{ANR, OTHER_ANR, bad_argument, item, rated, risks, uuid};
use crate::common::{Place, Service, service};
use serde_json::{Value, json};

/// Threat and risk stats whose count is the number given.
fn filled() -> (Place, Service, String) {
    let (place, service, token) = service();
    let stats = [
        (ANR, "2025-12-31", 1),
        (ANR, "2026-01-01", 2),
        (ANR, "2026-01-04", 4),
        (OTHER_ANR, "2026-01-04", 6),
        (ANR, "2026-01-05", 8),
        (ANR, "2026-03-31", 16),
        (ANR, "2026-04-01", 32),
    ];
    let items = stats.iter().flat_map(|(anr, date, count)| {
        let threat = item(anr, "threat", date, &rated(&uuid(1), *count, 1, "1"));
        [threat, item(anr, "risk", date, &risks([[*count, 0, 0]; 4]))]
    });
    service.store_stats(&token, &items.collect::<Vec<_>>());
    (place, service, token)
}

/// Means as (first day, mean, number of stats).
fn means(list: &Value, name: &str) -> Vec<(String, f64, Option<u64>)> {
    let one = |value: &Value| {
        (value["date"].as_str().unwrap().to_owned(), value[name].as_f64().unwrap(), value["stats"].as_u64())
    };
    list.as_array().unwrap().iter().map(one).collect()
}

#[test]
fn a_period_is_the_mean_of_all_its_stats_under_its_first_day() {
    let (_place, service, token) = filled();
    for (period, expected) in [
        ("week", vec![("2025-12-29", 3.25, 4), ("2026-01-05", 8.0, 1), ("2026-03-30", 24.0, 2)]),
        (
            "month",
            vec![("2025-12-01", 1.0, 1), ("2026-01-01", 5.0, 4), ("2026-03-01", 16.0, 1), ("2026-04-01", 32.0, 1)],
        ),
        ("quarter", vec![("2025-10-01", 1.0, 1), ("2026-01-01", 7.2, 5), ("2026-04-01", 32.0, 1)]),
        ("year", vec![("2025-01-01", 1.0, 1), ("2026-01-01", 34.0 / 3.0, 6)]),
    ] {
        let expected: Vec<(String, f64, Option<u64>)> =
            expected.into_iter().map(|(date, mean, stats)| (date.to_owned(), mean, Some(stats))).collect();
        let close = |found: Vec<(String, f64, Option<u64>)>| {
            assert_eq!(found.len(), expected.len(), "{period}: {found:?}");
            for (one, other) in found.iter().zip(&expected) {
                assert!((one.1 - other.1).abs() < 1e-9, "{period}: {found:?}");
                assert_eq!((&one.0, one.2), (&other.0, other.2), "{period}");
            }
        };
        let ask = |kind: &str, processor: &str| {
            let arguments = json!({"type": kind, "processor": processor, "period": period});
            let inside = json!({"type": kind, "processor": processor, "processor_params": {"period": period}});
            let found = service.processed(&token, &arguments).expect(200).json();
            assert_eq!(service.processed(&token, &inside).expect(200).json(), found);
            found["data"].clone()
        };
        close(means(&ask("threat", "threat_average_on_date")[0]["values"], "count"));
        close(means(&ask("risk", "risk_averages_on_date")["residual"]["operational"]["Low risks"], "value"));
        let public = service.get(&format!("/stats/threats.json?days=36500&period={period}")).send().expect(200).json();
        close(means(&public[0]["values"], "count"));
    }
}

#[test]
fn the_mean_over_the_range_does_not_depend_on_the_period() {
    let (_place, service, token) = filled();
    let whole = |period: Value| {
        let arguments = json!({"type": "threat", "processor": "threat_average_on_date", "period": period});
        service.processed(&token, &arguments).expect(200).json()["data"][0]["averages"].clone()
    };
    let expected = whole(Value::Null);
    assert!((expected["count"].as_f64().unwrap() - 69.0 / 7.0).abs() < 1e-9);
    for period in ["day", "week", "month", "quarter", "year"] {
        assert_eq!(whole(json!(period)), expected, "{period}");
    }
}

#[test]
fn without_a_period_the_answer_is_the_references() {
    let (_place, service, token) = filled();
    let arguments = json!({"type": "threat", "processor": "threat_average_on_date"});
    let found = service.processed(&token, &arguments).expect(200).json();
    let value = &found["data"][0]["values"][0];
    assert_eq!(value.as_object().unwrap().keys().collect::<Vec<_>>(), ["count", "maxRisk", "averageRate", "date"]);
    for period in ["decade", "", "Month"] {
        let mut arguments = arguments.clone();
        arguments["period"] = json!(period);
        bad_argument(service.processed(&token, &arguments), "period");
        arguments["period"] = Value::Null;
        arguments["processor_params"] = json!({"period": period});
        bad_argument(service.processed(&token, &arguments), "processor_params");
    }
}
