//! `GET /api/v1/stats/processed/`: means over all clients.

use crate::common::batch::{ANR, FRONT_OFFICE, OTHER_ANR, bad_argument, item, rated, risks, uuid};
use crate::common::until;
use crate::common::{ADMIN, Place, Service, service};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const DAY: &str = "2026-11-01";
const RATED: [(&str, &str); 2] =
    [("threat", "threat_average_on_date"), ("vulnerability", "vulnerability_average_on_date")];

fn data(service: &Service, token: &str, arguments: &Value) -> Value {
    let answer = service.processed(token, arguments).expect(200).json();
    assert_eq!((&answer["type"], &answer["processor"]), (&arguments["type"], &arguments["processor"]));
    answer["data"].clone()
}

fn threats(service: &Service, token: &str) -> Value {
    data(service, token, &json!({"type": "threat", "processor": "threat_average_on_date"}))
}

/// Several clients with several analyses on several dates; numbers that repeat nowhere by chance.
fn landscape(place: &Place, service: &Service) -> Vec<(String, String, String, Value)> {
    let mut all = Vec::new();
    let mut number = 7_u64;
    let mut next = |below: u64| {
        number = number * 48_271 % 2_147_483_647;
        number % below
    };
    for client in ["north", "south", "west"] {
        let token = place.client(client);
        let mut items = Vec::new();
        for analysis in 0..3_usize {
            for day in 1..=4 {
                if next(4) == 0 {
                    continue;
                }
                let date = format!("2026-10-0{day}");
                let objects: Vec<Value> = (0..next(5))
                    .map(|object| {
                        let rate = format!("{}.{:02}", next(5), next(100));
                        json!({"uuid": uuid(usize::try_from(object).unwrap()), "count": next(20),
                            "maxRisk": next(60).to_string(), "averageRate": rate})
                    })
                    .collect();
                for (kind, _) in RATED {
                    items.push((date.clone(), kind.to_owned(), analysis, json!(objects)));
                }
                let tree = risks([0; 4].map(|_| [next(90), next(40), next(9)]));
                items.push((date, "risk".into(), analysis, serde_json::from_str(&tree).unwrap()));
            }
        }
        let text = |(date, kind, analysis, data): &(String, String, usize, Value)| {
            item(&uuid(500 + analysis), kind, date, &data.to_string())
        };
        service.store_stats(&token, &items.iter().map(text).collect::<Vec<_>>());
        all.extend(items.into_iter().map(|(date, kind, _, data)| (client.to_owned(), date, kind, data)));
    }
    all
}

fn number(value: &Value) -> f64 {
    value.as_f64().or_else(|| value.as_str()?.parse().ok()).unwrap()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

#[track_caller]
fn assert_close(found: &Value, expected: f64, what: &str) {
    let found = found.as_f64().unwrap_or_else(|| panic!("{what}: {found} is no number"));
    assert!((found - expected).abs() < 1e-9, "{what}: {found} instead of {expected}");
}

/// The means of some rows of one object, as the contract defines them.
fn check_means(found: &Value, rows: &[&Value], what: &str) {
    for name in ["count", "maxRisk", "averageRate"] {
        let values: Vec<f64> = rows.iter().map(|row| number(&row[name])).collect();
        assert_close(&found[name], mean(&values), &format!("{what} {name}"));
    }
}

#[test]
fn threats_and_vulnerabilities_are_true_means() {
    let (place, service, token) = service();
    let all = landscape(&place, &service);
    for (kind, processor) in RATED {
        let mut objects: BTreeMap<String, BTreeMap<&String, Vec<&Value>>> = BTreeMap::new();
        for (_, date, _, data) in all.iter().filter(|stat| stat.2 == kind) {
            for row in data.as_array().unwrap() {
                let name = row["uuid"].as_str().unwrap().to_owned();
                objects.entry(name).or_default().entry(date).or_default().push(row);
            }
        }
        let found = data(&service, &token, &json!({"type": kind, "processor": processor}));
        let names: Vec<&str> = found.as_array().unwrap().iter().map(|one| one["object"].as_str().unwrap()).collect();
        assert_eq!(names, objects.keys().collect::<Vec<_>>());
        for (entry, (name, days)) in found.as_array().unwrap().iter().zip(&objects) {
            let dates: Vec<&str> =
                entry["values"].as_array().unwrap().iter().map(|value| value["date"].as_str().unwrap()).collect();
            assert_eq!(dates, days.keys().copied().collect::<Vec<_>>());
            for (value, (date, rows)) in entry["values"].as_array().unwrap().iter().zip(days) {
                check_means(value, rows, &format!("{name} on {date}"));
            }
            let rows: Vec<&Value> = days.values().flatten().copied().collect();
            check_means(&entry["averages"], &rows, name);
        }
    }
}

#[test]
fn risks_are_true_means_over_all_stats() {
    let (place, service, token) = service();
    let all = landscape(&place, &service);
    let mut days: BTreeMap<&String, Vec<&Value>> = BTreeMap::new();
    for (_, date, _, data) in all.iter().filter(|stat| stat.2 == "risk") {
        days.entry(date).or_default().push(data);
    }
    let whole = data(&service, &token, &json!({"type": "risk", "processor": "risk_averages"}));
    let on_date = data(&service, &token, &json!({"type": "risk", "processor": "risk_averages_on_date"}));
    for state in ["current", "residual"] {
        for category in ["informational", "operational"] {
            for (index, level) in ["Low risks", "Medium risks", "High risks"].into_iter().enumerate() {
                let of = |stat: &&Value| number(&stat["risks"][state][category][index]["value"]);
                let what = format!("{state} {category} {level}");
                let values: Vec<f64> = days.values().flatten().map(of).collect();
                assert_close(&whole[state][category][level], mean(&values), &what);
                let list = on_date[state][category][level].as_array().unwrap();
                assert_eq!(list.len(), days.len());
                for (entry, (date, stats)) in list.iter().zip(&days) {
                    assert_eq!(entry["date"], **date);
                    let values: Vec<f64> = stats.iter().map(of).collect();
                    assert_close(&entry["value"], mean(&values), &format!("{what} on {date}"));
                }
            }
        }
    }
    // The front office's page reads by position.
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&whole), ["current", "residual"]);
    assert_eq!(keys(&whole["current"]), ["informational", "operational"]);
    assert_eq!(keys(&whole["residual"]["operational"]), ["Low risks", "Medium risks", "High risks"]);
}

/// `WRITE_GOLDEN=1 cargo test` writes the files anew, for a look at what changed.
///
/// What each processor says of a front office's batch, a later one of another client, and one with other numbers.
#[test]
fn every_processor_agrees_with_its_golden_file() {
    let (place, service, token) = service();
    let other = place.client("other");
    service.post("/api/v1/stats/").token(&token).text(FRONT_OFFICE).send().expect(201);
    let second = FRONT_OFFICE.replace(DAY, "2026-11-02").replace("0.42", "0.62").replace("\"2.25\"", "\"2.50\"");
    service.post("/api/v1/stats/").token(&other).text(&second).send().expect(201);
    let third = FRONT_OFFICE.replace(ANR, OTHER_ANR).replace("\"count\":4", "\"count\":6").replace(":6}", ":9}");
    service.post("/api/v1/stats/").token(&token).text(&third).send().expect(201);
    for processor in monarc_stats::averages::ALL {
        let kind = processor.kinds[0].name();
        let found = data(&service, &token, &json!({"type": kind, "processor": processor.name}));
        let path = format!("{}/tests/golden/{}.json", env!("CARGO_MANIFEST_DIR"), processor.name);
        if std::env::var_os("WRITE_GOLDEN").is_some() {
            std::fs::write(&path, serde_json::to_string_pretty(&found).unwrap() + "\n").unwrap();
        }
        let golden: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        assert_eq!(found, golden, "{}", processor.name);
    }
}

#[test]
fn without_stats_the_data_is_an_empty_list() {
    let (_place, service, token) = service();
    for processor in monarc_stats::averages::ALL {
        let kind = processor.kinds[0].name();
        let arguments = json!({"type": kind, "processor": processor.name});
        assert_eq!(data(&service, &token, &arguments), json!([]), "{}", processor.name);
    }
}

#[test]
fn an_object_that_occurs_twice_counts_twice() {
    let (_place, service, token) = service();
    let upper = uuid(10).replace("0000", "abcd").to_uppercase();
    let row = |name: &str, count: u64| rated(name, count, count, "1").trim_matches(['[', ']']).to_owned();
    let twice = format!("[{},{}]", row(&upper, 2), row(&upper.to_lowercase().replace('-', ""), 4));
    service.store_stats(
        &token,
        &[item(ANR, "threat", DAY, &twice), item(OTHER_ANR, "threat", DAY, &rated(&upper, 9, 9, "1"))],
    );
    let found = threats(&service, &token);
    assert_eq!(found.as_array().unwrap().len(), 1);
    assert_eq!(found[0]["object"], upper.to_lowercase());
    assert_eq!(found[0]["averages"]["count"].as_f64(), Some(5.0));
}

#[test]
fn a_label_that_was_sent_as_null_is_null_again() {
    let (_place, service, token) = service();
    let row = json!([{"uuid": uuid(1), "label1": null, "label2": "Fire", "label3": "", "label4": null, "count": 1,
        "maxRisk": 1, "averageRate": "1"}]);
    service.store_stats(&token, &[item(ANR, "threat", DAY, &row.to_string())]);
    let sent = json!({"label1": null, "label2": "Fire", "label3": "", "label4": null});
    assert_eq!(threats(&service, &token)[0]["labels"], sent);
    let public = service.get("/stats/threats.json?days=36500").send().expect(200).json();
    assert_eq!(public[0]["labels"], sent, "{public}");
}

#[test]
fn labels_are_the_newest_text_that_is_not_empty_among_the_stats_that_exist() {
    let (_place, service, token) = service();
    let labelled = |date: &str, labels: Value| {
        let mut row = json!({"uuid": uuid(1), "count": 1, "maxRisk": 1, "averageRate": "1"});
        row.as_object_mut().unwrap().extend(labels.as_object().unwrap().clone());
        service.store_stats(&token, &[item(ANR, "threat", date, &json!([row]).to_string())]);
    };
    let labels = || {
        let found = threats(&service, &token)[0]["labels"].clone();
        ["label1", "label2", "label3", "label4"].map(|name| found[name].as_str().unwrap().to_owned())
    };
    labelled("2026-11-02", json!({"label1": "neu", "label3": null}));
    labelled("2026-11-01", json!({"label1": "old", "label2": "old", "label3": "old"}));
    assert_eq!(labels(), ["neu", "old", "old", ""]);
    labelled("2026-11-03", json!({"label2": "", "label3": "newest"}));
    assert_eq!(labels(), ["neu", "old", "newest", ""]);
    // On the same date the later arrival decides.
    labelled("2026-11-03", json!({"label1": "later"}));
    assert_eq!(labels()[0], "later");
    // What was deleted or replaced is forgotten within a minute.
    until("the replaced text is gone", || labels() == ["later", "old", "old", ""]);
    service.request("DELETE", &format!("/api/v1/stats/{ANR}")).token(&token).send().expect(204);
    labelled("2026-11-01", json!({"label4": "only"}));
    until("the deleted texts are gone", || labels() == ["", "", "", "only"]);
}

/// The labels of a threat that a caller sees; everybody without a token.
fn seen(service: &Service, token: Option<&str>) -> Value {
    match token {
        Some(token) => threats(service, token)[0]["labels"].clone(),
        None => service.get("/stats/threats.json?days=36500").send().expect(200).json()[0]["labels"].clone(),
    }
}

fn one_threat(date: &str, label1: &Value, label2: &Value) -> String {
    let row =
        json!([{"uuid": uuid(1), "label1": label1, "label2": label2, "count": 1, "maxRisk": 1, "averageRate": "1"}]);
    item(ANR, "threat", date, &row.to_string())
}

/// Bug: whatever one client wrote last was what everybody read.
#[test]
fn a_client_sees_its_own_labels_and_others_what_most_clients_give() {
    let (place, service, token) = service();
    let others = ["a", "b", "c"].map(|name| place.client(name));
    service.store_stats(&token, &[one_threat(DAY, &json!("mine"), &Value::Null)]);
    service.store_stats(&others[0], &[one_threat("2026-11-02", &json!("theirs"), &Value::Null)]);
    // One against one: what was public stays.
    for (caller, text) in
        [(Some(&token), "mine"), (Some(&others[0]), "theirs"), (Some(&others[1]), "mine"), (None, "mine")]
    {
        let labels = seen(&service, caller.map(String::as_str));
        assert_eq!((&labels["label1"], &labels["label2"]), (&json!(text), &Value::Null), "{caller:?}");
    }
    service.store_stats(&others[1], &[one_threat(DAY, &json!("theirs"), &json!("hers"))]);
    assert_eq!(seen(&service, None)["label1"], "theirs");
    assert_eq!(seen(&service, Some(&token))["label1"], "mine");
    assert_eq!(seen(&service, Some(ADMIN))["label1"], "theirs", "an admin that sends nothing sees the public text");
    assert_eq!(seen(&service, Some(&token))["label2"], "hers", "the text of others where it gives none itself");
    // However often one client says something, it counts once.
    for day in 1..9 {
        service.store_stats(&others[2], &[one_threat(&format!("2026-10-0{day}"), &json!("spam"), &Value::Null)]);
    }
    assert_eq!(seen(&service, None)["label1"], "theirs");
    // Two of its three givers leave.
    for other in &others[..2] {
        service.request("DELETE", &format!("/api/v1/stats/{ANR}")).token(other).send().expect(204);
    }
    until("the public text follows", || seen(&service, None)["label1"] != "theirs");
    assert_eq!(seen(&service, Some(&token))["label1"], "mine");
}

/// Bug: one threat in thousands of label variants and as many empty days held an anonymous reader for a minute.
#[test]
fn labels_cost_a_row_a_client_and_object_whatever_the_history() {
    let (place, service, token) = service();
    let days: Vec<String> = (0..300)
        .map(|day| {
            let date = jiff::civil::date(1990, 1, 1).checked_add(jiff::Span::new().days(day)).unwrap().to_string();
            one_threat(&date, &json!(format!("variant {day}")), &json!("same"))
        })
        .collect();
    service.store_stats(&token, &days);
    // A day that says nothing new.
    service.store_stats(&token, &[one_threat(DAY, &json!("variant 299"), &json!("same"))]);
    assert_eq!(seen(&service, None)["label1"], "variant 299");
    service.stop();
    let connection = rusqlite::Connection::open(place.store()).unwrap();
    let number = |text: &str| connection.query_row(text, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(number("SELECT count(*) FROM label"), 1);
    assert_eq!(number("SELECT count(*) FROM wording"), 2);
    assert_eq!(number("SELECT count(*) FROM object WHERE type = 2"), 2, "the threat and what counts stats");
}

#[test]
fn a_long_label_is_cut_where_averages_show_it() {
    let (_place, service, token) = service();
    let long = "é".repeat(1001);
    let answer = service.store_stats(&token, &[one_threat(DAY, &json!(long), &json!("x"))]);
    assert_eq!(answer["data"][0]["data"][0]["label1"], json!(long));
    assert_eq!(seen(&service, Some(&token))["label1"], json!("é".repeat(1000)));
}

/// Bug: occurrences were counted as stats, and a category's current and target as if they were of one stat.
#[test]
fn a_period_says_how_many_stats_it_rests_on() {
    let (_place, service, token) = service();
    let twice = format!("[{0},{0}]", rated(&uuid(1), 1, 1, "1").trim_matches(['[', ']']));
    let side = |current: &str, target: &str| {
        format!(r#"[{{"referential":"r","label1":"R","current":[{current}],"target":[{target}]}}]"#)
    };
    let category = r#"{"label1":"C","value":"0.5"}"#;
    service.store_stats(
        &token,
        &[
            item(ANR, "threat", DAY, &twice),
            item(ANR, "compliance", DAY, &side(category, "")),
            item(OTHER_ANR, "compliance", DAY, &side("", category)),
        ],
    );
    let stats = |kind: &str| {
        let processor = format!("{kind}_average{}", if kind == "threat" { "_on_date" } else { "" });
        data(&service, &token, &json!({"type": kind, "processor": processor, "period": "month"}))
    };
    assert_eq!(stats("threat")[0]["values"][0]["stats"], 1);
    let compliance = stats("compliance");
    assert_eq!(compliance[0]["labels"]["label1"], "R");
    let value = &compliance[0]["categories"][0]["values"][0];
    assert_eq!(
        (&value["stats"], value["current"].as_f64(), value["target"].as_f64()),
        (&json!(2), Some(0.5), Some(0.5))
    );
}

#[test]
fn a_client_may_only_name_its_own_analyses() {
    let (place, service, token) = service();
    let other = place.client("other");
    let one = |anr: &str, count| item(anr, "threat", DAY, &rated(&uuid(1), count, 1, "1"));
    service.store_stats(&token, &[one(ANR, 1)]);
    service.store_stats(&other, &[one(OTHER_ANR, 5), one(ANR, 9)]);
    let mean = |token: &str, anrs: Value| {
        let found =
            data(&service, token, &json!({"type": "threat", "processor": "threat_average_on_date", "anrs": anrs}));
        found[0]["averages"]["count"].as_f64()
    };
    for all in [json!([]), Value::Null] {
        assert_eq!(mean(&token, all), Some(5.0));
    }
    assert_eq!(mean(&token, json!([ANR])), Some(1.0));
    assert_eq!(mean(&token, json!([ANR, OTHER_ANR, uuid(7)])), Some(1.0));
    assert_eq!(mean(&token, json!([OTHER_ANR])), None);
    assert_eq!(mean(&other, json!([ANR.to_uppercase()])), Some(9.0));
    assert_eq!(mean(ADMIN, json!([ANR])), Some(5.0));
    assert_eq!(mean(ADMIN, json!([ANR, ANR, OTHER_ANR])), Some(5.0));
    for processor in monarc_stats::averages::ALL {
        let arguments = json!({"type": processor.kinds[0].name(), "processor": processor.name, "anrs": [uuid(7)]});
        assert_eq!(data(&service, &token, &arguments), json!([]));
    }
}

#[test]
fn dates_bound_the_range_and_have_no_default() {
    let (_place, service, token) = service();
    for (day, count) in [("1999-12-31", 1), ("2026-10-01", 2), ("2026-11-01", 3), ("2026-11-02", 4)] {
        service.store_stats(&token, &[item(ANR, "threat", day, &rated(&uuid(1), count, 1, "1"))]);
    }
    let count = |from: Value, to: Value, anrs: Value| {
        let arguments = json!({"type": "threat", "processor": "threat_average_on_date", "date_from": from,
            "date_to": to, "anrs": anrs});
        data(&service, &token, &arguments)[0]["values"].as_array().map_or(0, Vec::len)
    };
    for anrs in [Value::Null, json!([ANR])] {
        assert_eq!(count(Value::Null, Value::Null, anrs.clone()), 4);
        assert_eq!(count(json!("2026-10"), Value::Null, anrs.clone()), 3);
        assert_eq!(count(Value::Null, json!("2026-10-01"), anrs.clone()), 2);
        assert_eq!(count(json!("2026-10-02"), json!("2026-11-01"), anrs.clone()), 1);
        assert_eq!(count(json!("2026-11-01"), json!("2026-10-01"), anrs), 0);
    }
}

#[test]
fn only_stats_of_local_clients_if_asked() {
    let (place, service, token) = service();
    let pulled = place.client("pulled");
    let connection = rusqlite::Connection::open(place.store()).unwrap();
    connection.execute_batch("UPDATE client SET is_local = 0 WHERE name = 'pulled'").unwrap();
    service.store_stats(&token, &[item(ANR, "threat", DAY, &rated(&uuid(1), 1, 1, "1"))]);
    service.store_stats(&pulled, &[item(ANR, "threat", DAY, &rated(&uuid(1), 3, 1, "1"))]);
    let mean = |local: Value, anrs: Value| {
        let arguments = json!({"type": "threat", "processor": "threat_average_on_date", "local_stats_only": local,
            "anrs": anrs});
        data(&service, ADMIN, &arguments)[0]["averages"]["count"].as_f64()
    };
    for anrs in [Value::Null, json!([ANR])] {
        for local in [json!(1), json!("1"), json!(true)] {
            assert_eq!(mean(local, anrs.clone()), Some(1.0));
        }
        for all in [json!(0), json!(false), Value::Null] {
            assert_eq!(mean(all, anrs.clone()), Some(2.0));
        }
    }
    let public = |query: &str| service.get(&format!("/stats/threats.json?days=36500{query}")).send().expect(200).json();
    assert_eq!(public("&local_stats_only=1")[0]["averages"]["count"].as_f64(), Some(1.0));
    assert_eq!(public("&local_stats_only=1&last_stats=1")[0]["averages"]["count"].as_f64(), Some(1.0));
    assert_eq!(public("")[0]["averages"]["count"].as_f64(), Some(2.0));
}

#[test]
fn parameters_keep_only_the_branches_that_were_asked_for() {
    let (_place, service, token) = service();
    service.post("/api/v1/stats/").token(&token).text(FRONT_OFFICE).send().expect(201);
    for processor in ["risk_averages", "risk_averages_on_date"] {
        let ask = |params: Value| {
            service.processed(&token, &json!({"type": "risk", "processor": processor, "processor_params": params}))
        };
        let whole = ask(json!({})).expect(200).json()["data"].clone();
        for (params, states, categories) in [
            (json!([]), vec!["current", "residual"], vec!["informational", "operational"]),
            (json!({"risks_type": "informational"}), vec!["current", "residual"], vec!["informational"]),
            (json!({"risks_state": ["residual"]}), vec!["residual"], vec!["informational", "operational"]),
            (json!({"risks_type": ["operational"], "risks_state": "current"}), vec!["current"], vec!["operational"]),
            (
                json!({"risks_type": "operational, informational"}),
                vec!["current", "residual"],
                vec!["informational", "operational"],
            ),
            (
                json!({"risks_state": null, "risks_type": []}),
                vec!["current", "residual"],
                vec!["informational", "operational"],
            ),
        ] {
            let found = ask(params.clone()).expect(200).json()["data"].clone();
            assert_eq!(found.as_object().unwrap().keys().collect::<Vec<_>>(), states, "{params}");
            for state in &states {
                let branch = found[state].as_object().unwrap();
                assert_eq!(branch.keys().collect::<Vec<_>>(), categories, "{params}");
                assert!(branch.iter().all(|(name, value)| *value == whole[state][name]));
            }
        }
        for bad in [
            json!({"risks_type": "physical"}),
            json!({"risks_type": "informational,"}),
            json!({"risks_state": ["current", "target"]}),
            json!({"risks_state": 1}),
            json!("current"),
            json!([1]),
        ] {
            bad_argument(ask(bad), "processor_params");
        }
    }
}

#[test]
fn a_processor_of_another_type_is_refused_in_these_words() {
    let (_place, service, token) = service();
    for (kind, processor) in
        [("risk", "threat_average_on_date"), ("vulnerability", "threat_average_on_date"), ("threat", "risk_averages")]
    {
        let reply = service.processed(&token, &json!({"type": kind, "processor": processor})).expect(400).json();
        assert_eq!(reply, json!({"Error": format!("Processor '{processor}' can not be used with type '{kind}'.")}));
    }
    for processor in ["risk_process", "threat_process", "nonsense", ""] {
        bad_argument(service.processed(&token, &json!({"type": "risk", "processor": processor})), "processor");
    }
    let missing = service.processed(&token, &json!({})).expect(400).json();
    assert_eq!(missing["errors"].as_object().unwrap().keys().collect::<Vec<_>>(), ["type", "processor"]);
    for (name, value) in [
        ("type", json!("risks")),
        ("anrs", json!(["x"])),
        ("date_from", json!("x")),
        ("date_to", json!(true)),
        ("local_stats_only", json!("maybe")),
    ] {
        let mut arguments = json!({"type": "risk", "processor": "risk_averages"});
        arguments[name] = value;
        bad_argument(service.processed(&token, &arguments), name);
    }
}

#[test]
fn every_processor_is_listed() {
    let (_place, service, _token) = service();
    let list = service.get("/api/v1/stats/processed/list").send().expect(200).json();
    let names: Vec<&str> = list.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    for name in ["risk_averages", "risk_averages_on_date", "cartography_average", "compliance_average"] {
        assert!(names.contains(&name), "{name}");
    }
    for entry in list.as_array().unwrap() {
        assert_eq!(entry.as_object().unwrap().keys().collect::<Vec<_>>(), ["name", "description"]);
        assert!(entry["description"].as_str().unwrap().len() > 20);
    }
}
