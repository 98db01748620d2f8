//! `POST /api/v1/stats/`: what is stored, what is refused, and what the answer says of it.

use crate::common::batch::{ANR, FRONT_OFFICE, OTHER_ANR, data_texts, item, item_with_uuid, rated, risks, uuid};
use crate::common::{ADMIN, days_ago, service};
use serde_json::{Value, json};

const DAY: &str = "2026-11-01";

fn threat(date: &str, count: u64) -> String {
    item(ANR, "threat", date, &rated(&uuid(1), count, 4, "2"))
}

fn counts(answer: &Value) -> Vec<u64> {
    answer["data"].as_array().unwrap().iter().map(|stat| stat["data"][0]["count"].as_u64().unwrap()).collect()
}

#[test]
fn an_empty_batch_is_stored() {
    let (_place, service, token) = service();
    let answer = service.post_stats(&token, &[]).expect(201);
    assert_eq!(answer.json(), json!({"metadata": {"count": "0", "offset": "0", "limit": "0"}, "data": []}));
}

#[test]
fn stored_stats_are_answered_in_full() {
    let (_place, service, token) = service();
    let answer = service.store_stats(&token, &[item_with_uuid(&uuid(5), ANR, "threat", DAY, "[ ]"), threat(DAY, 3)]);
    let keys: Vec<&String> = answer.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["metadata", "data"]);
    let stat = &answer["data"][0];
    assert!(stat["uuid"].as_str().is_some_and(|uuid| uuid.len() == 36));
    assert_eq!(counts(&answer), [3]);
    assert_eq!((&stat["anr"], &stat["type"], &stat["date"]), (&json!(ANR), &json!("threat"), &json!(DAY)));
}

#[test]
fn one_odd_item_does_not_cost_the_others() {
    let (_place, service, token) = service();
    let bad = item(ANR, "threat", DAY, &rated(&uuid(1), 1, 1, "n/a"));
    let answer = service.post_stats(&token, &["7".into(), threat(DAY, 1), bad, threat("2026-11-02", 2)]).expect(207);
    let text = answer.text();
    let answer = answer.json();
    assert_eq!(answer["metadata"]["count"], "2");
    assert_eq!(counts(&answer), [1, 2]);
    assert_eq!(answer["duplicates"], json!([]));
    let first = &answer["refused"][0];
    assert_eq!((&first["index"], &first["field"]), (&json!(0), &Value::Null), "{text}");
    let second = json!({"index": 2, "field": "data.0.averageRate", "reason": "\"n/a\" is not a number"});
    assert_eq!(answer["refused"][1], second);
    let keys: Vec<&String> = answer.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["metadata", "data", "duplicates", "refused"]);
    assert_eq!(service.dates(&token, &json!({"type": "threat", "date_from": "2026"})).len(), 2);
}

#[test]
fn a_batch_of_nothing_good_is_a_400() {
    let (_place, service, token) = service();
    let answer = service.post_stats(&token, &["{}".into(), "[]".into()]).expect(400).json();
    assert_eq!(answer["refused"][0], json!({"index": 0, "field": "anr", "reason": "is missing"}));
    assert_eq!((&answer["refused"][1]["index"], &answer["refused"][1]["field"]), (&json!(1), &Value::Null));
    for body in ["{}", "null", "3", "\"x\"", "", "[", "[{]", "[1,]", "nonsense", "[] []"] {
        let answer = service.post("/api/v1/stats/").token(&token).text(body).send().expect(400).json();
        assert!(answer["message"].is_string(), "{body}: {answer}");
    }
    let not_utf8 = service.post("/api/v1/stats/").token(&token).text("").bytes(b"[\"\xff\"]").send().expect(400).json();
    assert_eq!(not_utf8["message"], "The body is not UTF-8 at byte 2.");
    assert_eq!(service.list(ADMIN, &json!({"type": "threat", "date_from": "2000"})).json()["data"], json!([]));
}

#[test]
fn a_number_too_large_for_a_float_spoils_its_item_only() {
    let (_place, service, token) = service();
    let wild = |number: &str| {
        let data = rated(&uuid(1), 1, 1, "1").replace("\"count\":1", &format!("\"count\":{number}"));
        item(OTHER_ANR, "threat", DAY, &data)
    };
    let answer = service.post_stats(&token, &[wild("1e999"), threat(DAY, 1)]).expect(207).json();
    assert_eq!(answer["metadata"]["count"], "1");
    assert_eq!(answer["refused"][0]["field"], "data.0.count");
    let alone = service.post_stats(&token, &[wild("1e999")]).expect(400).json();
    assert_eq!(alone["refused"][0]["index"], 0);
    // Where no processor reads it, it may stand, and comes back as it was sent.
    let data = rated(&uuid(1), 1, 1, "1").replace("\"count\":1", "\"count\":1,\"extra\":1e999");
    let answer = service.post_stats(&token, &[item(ANR, "threat", DAY, &data)]).expect(201);
    assert!(answer.text().contains(&data));
}

#[test]
fn data_comes_back_exactly_as_it_was_sent() {
    let (_place, service, token) = service();
    let object = |rest: &str| format!("{{ \"averageRate\":\t\"2.830\" ,\n\"uuid\":\"{}\",{rest} }}", uuid(1));
    let odd = [
        "[ ]".to_owned(),
        format!("[{}]", object("\"maxRisk\":1.50e1,\"count\":1")),
        format!("[{}]", object("\"maxRisk\":\"\\u0031\",\"count\":0.10,\"z\":1,\"a\":{\"\":[]}")),
        format!(
            "[{}]",
            object("\"label1\":\"\\u00e9\\/\\ud83d\\ude00é\",\"label2\":null,\"count\":-0,\"maxRisk\":1E2")
        ),
        format!("[{}]", object("\"count\":100000000001,\"maxRisk\":\" 3 \",\"x\":1.0000000000000000000001")),
    ];
    for (number, data) in odd.iter().enumerate() {
        let body = format!(
            "\n[ {{ \"data\" :  {data}\r\n, \"date\":\"{DAY}\",\"type\":\"threat\",\"anr\":\"{}\"}} ] ",
            uuid(number)
        );
        let stored = service.post("/api/v1/stats/").token(&token).text(&body).send().expect(201);
        assert_eq!(data_texts(&stored), std::slice::from_ref(data));
    }
    let read = service.list(&token, &json!({"type": "threat", "date_from": DAY})).expect(200);
    assert_eq!(data_texts(&read), odd);
}

#[test]
fn unknown_keys_beside_data_are_ignored() {
    let (_place, service, token) = service();
    let extra =
        threat(DAY, 4).replace("{\"anr\"", "{\"id\":\"seventeen\",\"processor\":null,\"client\":{\"a\":[]},\"anr\"");
    let answer = service.post_stats(&token, &[extra]).expect(201);
    assert!(!answer.text().contains("processor") && !answer.text().contains("seventeen"));
    let null = threat(DAY, 5).replace("{\"anr\"", "{\"uuid\":null,\"anr\"");
    assert_eq!(counts(&service.store_stats(&token, &[null])), [5]);
}

#[test]
fn the_fields_of_an_item_are_judged_by_name() {
    let (_place, service, token) = service();
    let good = json!({"anr": ANR, "type": "threat", "date": DAY, "data": []});
    for (field, value) in [
        ("anr", json!("x")),
        ("anr", json!(5)),
        ("anr", Value::Null),
        ("type", json!("threats")),
        ("type", json!("Threat")),
        ("date", json!("2026-11")),
        ("date", json!("2026-02-30")),
        ("date", json!("01/11/2026")),
        ("date", json!(20261101)),
        ("uuid", json!("x")),
        ("uuid", json!(5)),
        ("data", json!({})),
        ("data", Value::Null),
    ] {
        let mut item = good.clone();
        item[field] = value;
        let answer = service.post_stats(&token, &[item.to_string()]).expect(400).json();
        assert_eq!(answer["refused"][0]["field"], field, "{item}: {answer}");
    }
    for field in ["anr", "type", "date", "data"] {
        let mut item = good.clone();
        item.as_object_mut().unwrap().shift_remove(field);
        let answer = service.post_stats(&token, &[item.to_string()]).expect(400).json();
        assert_eq!(answer["refused"][0], json!({"index": 0, "field": field, "reason": "is missing"}));
    }
}

#[test]
fn data_without_the_shape_of_its_type_is_refused() {
    let (_place, service, token) = service();
    let sent: Value = serde_json::from_str(FRONT_OFFICE).unwrap();
    let cases: &[(usize, &str, Value)] = &[
        (0, "risks", json!([])),
        (0, "risks.current.informational.0.level", json!("Lowest")),
        (0, "risks.current.operational.1.value", json!(true)),
        (0, "risks.residual.informational.2.value", json!("two")),
        (0, "risks.residual.operational", json!({})),
        (1, "0.uuid", json!("fire")),
        (1, "1.count", json!(null)),
        (1, "2.maxRisk", json!("")),
        (1, "0.averageRate", json!("NaN")),
        (1, "0.averageRate", json!("Infinity")),
        (1, "0.averageRate", json!(false)),
        (1, "1.label3", json!(3)),
        (2, "1.count", json!([1])),
        (3, "scales", json!([])),
        (3, "scales.impact", json!("0-4")),
        (3, "scales.likelihood.2", json!(1.5)),
        (3, "risks.current", json!([])),
        (3, "risks.current.informational.1.6", json!("many")),
        (3, "risks.residual.operational", json!({"x": [1]})),
        (4, "0.current.0.value", json!("high")),
        (4, "0.target", json!({})),
        (4, "0.current.1.label2", json!(["a"])),
    ];
    for (index, path, value) in cases {
        let mut item = sent[index].clone();
        *item.pointer_mut(&format!("/data/{}", path.replace('.', "/"))).unwrap() = value.clone();
        let answer = service.post_stats(&token, &[item.to_string()]).expect(400).json();
        let field = answer["refused"][0]["field"].as_str().unwrap();
        assert!(field.starts_with(&format!("data.{path}")), "{path} {value}: {answer}");
    }
}

#[test]
fn no_stricter_than_the_processors_need() {
    let (_place, service, token) = service();
    let level = |value: &str| format!(r#"{{"level":"Low risks","value":{value},"colour":"green"}}"#);
    let branch = |x: &str| format!(r#"{{"informational":[{x}],"operational":[]}}"#);
    let risk =
        format!(r#"{{"total":"free","risks":{{"current":{},"residual":{}}}}}"#, branch(&level("\"1.5\"")), branch(""));
    let scales = r#"{"impact":[],"probability":["0","4"],"likelihood":[0,20.0]}"#;
    let empty = r#"{"informational":[],"operational":{}}"#;
    let cartography = format!(r#"{{"scales":{scales},"risks":{{"current":{empty},"residual":{empty}}}}}"#);
    for (kind, data) in [
        ("risk", risk.as_str()),
        ("threat", "[]"),
        ("vulnerability", r#"[{"uuid":"00000000000040008000000000000001","count":"1","maxRisk":2,"averageRate":3}]"#),
        ("cartography", &cartography),
        ("compliance", "[]"),
        (
            "compliance",
            r#"[{"referential":"98ca84fb-db87-11e8-ac77-0800279aaa2b","current":[],"target":[{"value":1}]}]"#,
        ),
    ] {
        service.post_stats(&token, &[item(ANR, kind, DAY, data)]).expect(201);
    }
}

#[test]
fn a_later_stat_replaces_the_earlier() {
    let (_place, service, token) = service();
    let first = service.store_stats(&token, &[threat(DAY, 1)]);
    let second = service.store_stats(&token, &[threat(DAY, 2)]);
    assert_ne!(first["data"][0]["uuid"], second["data"][0]["uuid"]);
    let third = item_with_uuid(&uuid(9), ANR, "threat", DAY, &rated(&uuid(1), 3, 4, "2"));
    service.store_stats(&token, &[third]);
    let read = service.list(&token, &json!({"type": "threat", "date_from": DAY})).json();
    assert_eq!((counts(&read), &read["data"][0]["uuid"]), (vec![3], &json!(uuid(9))));
    // The averages know only the last.
    let averages = json!({"type": "threat", "processor": "threat_average_on_date"});
    assert_eq!(service.processed(&token, &averages).json()["data"][0]["averages"]["count"].as_f64(), Some(3.0));
}

/// Bug: the payload went with the stat that was replaced, the new stat had none, and the answer was a 500.
#[test]
fn a_stat_is_replaced_by_one_that_says_the_same() {
    let (_place, service, token) = service();
    let first = service.store_stats(&token, &[threat(DAY, 1)]);
    let second = service.store_stats(&token, &[threat(DAY, 1), threat(DAY, 2), threat(DAY, 2)]);
    assert_eq!(counts(&second), [2]);
    let third = service.store_stats(&token, &[threat(DAY, 2)]);
    assert_ne!(first["data"][0]["uuid"], third["data"][0]["uuid"]);
    let read = service.list(&token, &json!({"type": "threat", "date_from": DAY})).json();
    assert_eq!(read["data"], third["data"]);
}

#[test]
fn within_a_batch_the_last_wins() {
    let (_place, service, token) = service();
    let answer = service.store_stats(&token, &[threat(DAY, 1), threat("2026-11-02", 2), threat(DAY, 3)]);
    assert_eq!((counts(&answer), &answer["metadata"]["count"]), (vec![2, 3], &json!("2")));
    let read = service.list(&token, &json!({"type": "threat", "date_from": DAY})).json();
    assert_eq!(counts(&read), [3, 2]);
}

#[test]
fn a_known_uuid_is_a_duplicate_whoever_has_it() {
    let (place, service, token) = service();
    let other = place.client("other");
    let with = |number: usize, count: u64| {
        item_with_uuid(
            &uuid(number).to_uppercase(),
            &uuid(100 + number),
            "threat",
            DAY,
            &rated(&uuid(1), count, 1, "1"),
        )
    };
    service.store_stats(&token, &[with(1, 1)]);
    let answer = service.post_stats(&other, &[with(1, 2), with(2, 3)]).expect(207).json();
    assert_eq!((counts(&answer), &answer["duplicates"]), (vec![3], &json!([uuid(1)])));
    assert_eq!(answer["refused"], json!([]));
    // Nothing but duplicates is no failure either.
    let answer = service.post_stats(&token, &[with(1, 4), with(2, 5)]).expect(207).json();
    assert_eq!((&answer["data"], &answer["metadata"]["count"]), (&json!([]), &json!("0")));
    assert_eq!(answer["duplicates"], json!([uuid(1), uuid(2)]));
    // Duplicates beside refusals: not every item is refused, so it is no 400.
    let mixed = service.post_stats(&token, &[with(1, 4), "{}".into()]).expect(207).json();
    assert_eq!((&mixed["duplicates"], &mixed["refused"][0]["index"]), (&json!([uuid(1)]), &json!(1)));
    let all = service.list(ADMIN, &json!({"type": "threat", "date_from": DAY})).json();
    assert_eq!(counts(&all), [1, 3]);
}

#[test]
fn of_the_same_uuid_twice_in_a_batch_the_first_is_stored() {
    let (_place, service, token) = service();
    let with = |anr: &str, count| item_with_uuid(&uuid(1), anr, "threat", DAY, &rated(&uuid(1), count, 1, "1"));
    let answer = service.post_stats(&token, &[with(ANR, 1), with(OTHER_ANR, 2)]).expect(207).json();
    assert_eq!((counts(&answer), &answer["duplicates"]), (vec![1], &json!([uuid(1)])));
}

#[test]
fn identities_and_dates_are_normalised() {
    let (_place, service, token) = service();
    let plain = ANR.replace('-', "").to_uppercase();
    let item = item_with_uuid(&uuid(3).replace('-', ""), &plain, "threat", "2026-11-24T00:00:00Z", "[]");
    let answer = service.store_stats(&token, &[item]);
    assert_eq!(
        answer["data"][0],
        json!({"uuid": uuid(3), "anr": ANR, "type": "threat", "date": "2026-11-24", "data": []})
    );
    for date in ["20261124", "2026-11-24T23:59:59+14:00", "2026-11-24 10:00:00"] {
        assert_eq!(service.store_stats(&token, &[threat(date, 1)])["data"][0]["date"], "2026-11-24");
    }
    let read = json!({"type": "threat", "date_from": "2026", "date_to": "2027"});
    assert_eq!(service.dates(&token, &read), ["2026-11-24"]);
}

#[test]
fn dates_of_other_time_zones_are_not_refused() {
    let (_place, service, token) = service();
    service.store_stats(&token, &[threat(&days_ago(-1), 1), threat(&days_ago(-2), 2)]);
}

#[test]
fn two_clients_may_have_the_same_analysis() {
    let (place, service, token) = service();
    let other = place.client("other");
    service.store_stats(&token, &[item(ANR, "risk", DAY, &risks([[1; 3]; 4]))]);
    service.store_stats(&other, &[item(ANR, "risk", DAY, &risks([[3; 3]; 4]))]);
    let averages = service.processed(&token, &json!({"type": "risk", "processor": "risk_averages"})).json();
    assert_eq!(averages["data"]["current"]["informational"]["Low risks"].as_f64(), Some(2.0));
}

#[test]
fn a_long_list_of_refusals_is_whole() {
    let (_place, service, token) = service();
    let mut items = vec!["{}".to_owned(); 5000];
    items[2500] = threat(DAY, 1);
    let answer = service.post_stats(&token, &items).expect(207).json();
    assert_eq!(answer["refused"].as_array().unwrap().len(), 4999);
    assert_eq!(answer["refused"][2500]["index"], 2501);
    assert_eq!(answer["metadata"]["count"], "1");
}

/// Bug: a stat of 9999-12-31 made every average of everybody a 503 until it was deleted.
#[test]
fn dates_that_cannot_be_are_refused_by_item() {
    let (_place, service, token) = service();
    let after = |days| crate::common::today().checked_add(jiff::Span::new().days(days)).unwrap().to_string();
    for bad in ["9999-12-31", "1969-12-31", "0001-01-01", &after(4)] {
        let answer = service.post_stats(&token, &[threat(bad, 1)]).expect(400).json();
        assert_eq!(answer["refused"][0]["field"], "date", "{answer}");
        assert!(answer["refused"][0]["reason"].as_str().unwrap().contains(bad), "{answer}");
    }
    let good = [threat("1970-01-01", 1), threat(&after(0), 2), threat(&after(1), 3)];
    service.store_stats(&token, &good);
    let read = service.list(&token, &json!({"type": "threat", "date_from": "1970", "date_to": after(2)})).expect(200);
    assert_eq!(counts(&read.json()), [1, 2, 3]);
    let averages = service.get("/stats/threats.json?days=36500").send().expect(200).json();
    assert_eq!(averages[0]["values"].as_array().unwrap().len(), 3);
    assert_eq!(service.get("/stats/summary.json").send().expect(200).json()["oldest"], "1970-01-01");
    // Many of them are a number for whoever watches; that they are told once is tested with the watch.
    let many: Vec<String> = (0..20).map(|day| threat(&after(4 + day), 1)).collect();
    service.post_stats(&token, &many).expect(400);
    service.post_stats(&token, &many).expect(400);
    let metrics = service.get("/metrics").token(ADMIN).send().expect(200).text();
    assert!(metrics.contains("monarc_stats_refused_ahead_total 42\n"), "{metrics}");
}

/// Bug: counters of 9e17 made shares of -0.95 in everybody's averages.
#[test]
fn numbers_that_no_analysis_can_have_are_refused_by_item() {
    let (_place, service, token) = service();
    let matrix = |count: &str| {
        format!(
            r#"{{"scales":{{"impact":[0,4],"probability":[0,4],"likelihood":[0,20]}},"risks":{{
                "current":{{"informational":[[{count}]],"operational":[]}},"residual":{{"informational":[],"operational":[]}}}}}}"#
        )
    };
    let object = |count: &str| rated(&uuid(1), 1, 1, "1").replace("\"count\":1", &format!("\"count\":{count}"));
    for count in ["-1", "900000000000000000", "1000000000001", "\"-0.5\""] {
        let items =
            [item(ANR, "cartography", DAY, &matrix(count)), item(ANR, "threat", DAY, &object(count)), threat(DAY, 1)];
        let answer = service.post_stats(&token, &items).expect(207).json();
        assert_eq!(answer["refused"].as_array().unwrap().len(), 2, "{count}: {answer}");
        assert_eq!(answer["refused"][1]["field"], "data.0.count");
    }
    service.store_stats(&token, &[item(ANR, "cartography", DAY, &matrix("1000000000000"))]);
}

/// Bug: one user's 70,000 objects were half a gigabyte of memory for whoever read.
#[test]
fn objects_are_bounded_by_stat_and_by_client() {
    let place = crate::common::Place::new();
    let token = place.client("fo");
    let other = place.client("other");
    let service = place.serve_with(&[("MAX_OBJECTS", "50")]);
    let objects = |from: usize, to: usize| {
        let rows: Vec<String> =
            (from..to).map(|number| rated(&uuid(number), 1, 1, "1").trim_matches(['[', ']']).to_owned()).collect();
        format!("[{}]", rows.join(","))
    };
    let answer = service.post_stats(&token, &[item(ANR, "threat", DAY, &objects(0, 10_001))]).expect(400).json();
    assert!(answer["refused"][0]["reason"].as_str().unwrap().contains("more than 10000 objects"), "{answer}");
    let levels = vec![r#"{"level":"Low risks","value":1}"#; 10_001].join(",");
    let risks = format!(
        r#"{{"risks":{{"current":{{"informational":[{levels}],"operational":[]}},"residual":{{"informational":[],"operational":[]}}}}}}"#
    );
    let answer = service.post_stats(&token, &[item(ANR, "risk", DAY, &risks)]).expect(400).json();
    assert_eq!(answer["refused"][0]["field"], json!("data.risks"), "{answer}");
    service.store_stats(&token, &[item(ANR, "threat", DAY, &objects(0, 40))]);
    let batch = [item(ANR, "threat", "2026-11-02", &objects(30, 51)), item(ANR, "vulnerability", DAY, &objects(0, 5))];
    let answer = service.post_stats(&token, &batch).expect(207).json();
    assert_eq!(answer["metadata"]["count"], "1");
    assert_eq!((&answer["refused"][0]["index"], &answer["refused"][0]["field"]), (&json!(0), &json!("data")));
    assert!(answer["refused"][0]["reason"].as_str().unwrap().contains("MAX_OBJECTS"), "{answer}");
    let alone = service.post_stats(&token, &batch[..1]).expect(400).json();
    assert_eq!(alone["refused"].as_array().unwrap().len(), 1);
    // What it has already it may send again, and others have room of their own.
    service.store_stats(&token, &[item(ANR, "threat", "2026-11-02", &objects(0, 45))]);
    service.store_stats(&other, &[item(ANR, "threat", DAY, &objects(100, 150))]);
}

/// Bug: 20,000 objects with names of 16 KB each were 320 MB of answer for everybody, and a gigabyte of memory.
#[test]
fn an_object_with_long_names_counts_as_several() {
    let place = crate::common::Place::new();
    let [long, grown, category] = ["long", "grown", "category"].map(|name| place.client(name));
    let service = place.serve_with(&[("MAX_OBJECTS", "50")]);
    let name = "é".repeat(1000);
    let labels = [1, 2, 3, 4].map(|slot| format!(r#","label{slot}":"{name}""#)).concat();
    let objects = |number: usize, labels: &dyn Fn(usize) -> String| {
        let one = |n| format!(r#"{{"uuid":"{}","count":1,"maxRisk":1,"averageRate":1{}}}"#, uuid(n), labels(n));
        item(ANR, "threat", DAY, &format!("[{}]", (0..number).map(one).collect::<Vec<_>>().join(",")))
    };
    let refusal = |token: &str, item: String| {
        let answer = service.post_stats(token, &[item]).expect(400).json();
        let reason = answer["refused"][0]["reason"].as_str().unwrap().to_owned();
        assert!(reason.contains("MAX_OBJECTS") && reason.contains("kilobyte"), "{answer}");
    };
    // Each has 8 KB of names.
    refusal(&long, objects(7, &|_| labels.clone()));
    service.store_stats(&long, &[objects(6, &|_| labels.clone())]);
    service.store_stats(&long, &[objects(6, &|_| labels.clone())]);
    let some_long = |number: usize| if number < 5 { labels.clone() } else { String::new() };
    service.store_stats(&grown, &[objects(20, &|_| String::new())]);
    refusal(&grown, objects(20, &some_long));
    service.store_stats(&grown, &[objects(14, &|number| if number < 4 { labels.clone() } else { String::new() })]);
    let referential = format!(r#"[{{"referential":"{}","current":[],"target":[]}}]"#, name.repeat(30));
    refusal(&category, item(ANR, "compliance", DAY, &referential));
}

/// Bug: an identity that moved to another place in the batch that replaced its stat was lost and called a duplicate.
#[test]
fn an_identity_that_the_batch_itself_sets_free_is_no_duplicate() {
    let (_place, service, token) = service();
    let named = |number: usize, date: &str, count: u64| {
        threat(date, count).replacen('{', &format!("{{\"uuid\":\"{}\",", uuid(number)), 1)
    };
    service.store_stats(&token, &[named(1, DAY, 1)]);
    // The first item comes while its identity is still taken; the second replaces who has it.
    let answer = service.post_stats(&token, &[named(1, "2026-11-02", 2), named(2, DAY, 3)]).expect(201).json();
    assert_eq!(answer["metadata"]["count"], "2");
    let read = service.list(&token, &json!({"type": "threat", "date_from": DAY})).expect(200).json();
    assert_eq!(counts(&read), [3, 2]);
    // And one that loses its own place within a batch.
    let batch = [named(3, "2026-11-03", 4), named(4, "2026-11-03", 5), named(3, "2026-11-04", 6)];
    let answer = service.post_stats(&token, &batch).expect(201).json();
    assert_eq!(counts(&answer), [5, 6]);
}
