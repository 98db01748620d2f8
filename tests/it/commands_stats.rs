//! `monarc-stats stats …`

use crate::common::batch::{ANR, FRONT_OFFICE, OTHER_ANR, item, rated, uuid};
use crate::common::{ADMIN, Place, Service, days_ago, service, today};
use serde_json::{Value, json};

fn threat(anr: &str, date: &str, count: u64) -> String {
    item(anr, "threat", date, &rated(&uuid(1), count, 4, "2"))
}

/// The dates of all threat stats, as an admin of the running service sees them.
fn dates(service: &Service) -> Vec<String> {
    service.dates(ADMIN, &json!({"type": "threat", "date_from": "1990", "date_to": "2100"}))
}

fn well(place: &Place) {
    assert!(place.ok(&["database", "check"]).contains("is well"));
}

#[test]
fn latest_lists_the_newest_of_each_analysis_and_type() {
    let (place, service, token) = service();
    let other = place.client("other");
    service.post("/api/v1/stats/").token(&token).text(FRONT_OFFICE).send().expect(201);
    service.store_stats(&token, &[threat(ANR, "2026-11-03", 1), threat(ANR, "2026-11-02", 1)]);
    service.store_stats(&other, &[threat(OTHER_ANR, "2026-11-04", 1)]);
    let text = place.ok(&["stats", "latest"]);
    let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines.len(), 6);
    assert_eq!(lines[0], ["2026-11-01", "risk", ANR, "fo"]);
    assert_eq!(lines[1], ["2026-11-03", "threat", ANR, "fo"]);
    assert_eq!(lines[5], ["2026-11-04", "threat", OTHER_ANR, "other"]);
    let own: Value = serde_json::from_str(&place.ok(&["stats", "latest", "--client", "other", "--json"])).unwrap();
    assert_eq!(own, json!([{"client": "other", "anr": OTHER_ANR, "type": "threat", "date": "2026-11-04"}]));
    assert!(place.fails(&["stats", "latest", "--client", "nobody"], 1).contains("nobody"));
}

#[test]
fn delete_takes_what_meets_all_conditions() {
    let (place, service, token) = service();
    let other = place.client("other");
    let days = ["2026-10-01", "2026-11-01", "2026-12-01"];
    for token in [&token, &other] {
        let items: Vec<String> = days.iter().flat_map(|day| [threat(ANR, day, 1), threat(OTHER_ANR, day, 2)]).collect();
        service.store_stats(token, &items);
    }
    service.store_stats(&token, &[item(ANR, "vulnerability", days[1], "[]")]);
    let delete = |more: &[&str]| place.ok(&[&["stats", "delete", "--yes"], more].concat());
    assert_eq!(
        delete(&["--client", "fo", "--anr", ANR, "--from", days[1], "--to", days[1], "--type", "threat"]),
        "deleted 1 stat\n"
    );
    assert_eq!(dates(&service).len(), 11);
    assert_eq!(delete(&["--anr", OTHER_ANR, "--to", "2026-10-31"]), "deleted 2 stats\n");
    assert_eq!(delete(&["--from", "2026-12"]), "deleted 4 stats\n");
    assert_eq!(delete(&["--type", "vulnerability"]), "deleted 1 stat\n");
    assert_eq!(delete(&["--client", "other"]), "deleted 3 stats\n");
    assert_eq!(dates(&service), ["2026-10-01", "2026-11-01"]);
    assert_eq!(delete(&["--client", "other"]), "deleted 0 stats\n");
    well(&place);
}

#[test]
fn delete_asks_first_and_names_what_it_cannot_use() {
    let (place, service, token) = service();
    service.store_stats(&token, &[threat(ANR, "2026-11-01", 1)]);
    let error = place.fails(&["stats", "delete", "--anr", ANR], 1);
    assert!(error.contains("Delete 1 stat") && error.contains("--yes"), "{error}");
    for (more, part) in [
        (vec![], "--client, --anr"),
        (vec!["--anr", "x"], "--anr"),
        (vec!["--type", "threats"], "--type"),
        (vec!["--from", "yesterday"], "--from"),
        (vec!["--to", "2026-02-30"], "--to"),
        (vec!["--client", "nobody"], "nobody"),
    ] {
        let error = place.fails(&[&["stats", "delete", "--yes"], more.as_slice()].concat(), 1);
        assert!(error.contains(part) && error.lines().count() == 1, "{error}");
    }
    assert_eq!(dates(&service).len(), 1);
}

#[test]
fn purge_keeps_a_number_of_months() {
    let (place, service, token) = service();
    let first = today().checked_sub(jiff::Span::new().months(2)).unwrap();
    let before = first.yesterday().unwrap().to_string();
    let (first, today) = (first.to_string(), days_ago(0));
    for date in ["2001-01-01", &before, &first, &today] {
        service.store_stats(&token, &[threat(ANR, date, 1)]);
    }
    let error = place.fails(&["stats", "purge"], 1);
    assert!(error.contains("Delete 1 stat") && error.contains("--yes"), "{error}");
    assert_eq!(dates(&service).len(), 4);
    assert_eq!(place.ok(&["stats", "purge", "--yes"]), "deleted 1 stat\n");
    assert_eq!(place.ok(&["stats", "purge", "--months", "2", "--yes"]), "deleted 1 stat\n");
    assert_eq!(dates(&service), [first, today]);
    assert_eq!(place.ok(&["stats", "purge", "--months", "65535", "--yes"]), "deleted 0 stats\n");
    place.fails(&["stats", "purge", "--months", "-1", "--yes"], 2);
    well(&place);
}

#[test]
fn deduplicate_deletes_what_says_the_same_as_the_one_before() {
    let (place, service, token) = service();
    let other = place.client("other");
    service.store_stats(
        &token,
        &[
            threat(ANR, "2025-11-30", 1),
            threat(ANR, "2026-11-01", 1), // the same, but in another year
            threat(ANR, "2026-11-02", 1), // goes
            threat(ANR, "2026-11-03", 2),
            threat(ANR, "2026-11-04", 1),
            threat(ANR, "2026-11-05", 1),                                          // goes
            threat(ANR, "2026-11-06", 1),                                          // goes
            threat(ANR, "2026-12-01", 1),                                          // the same, but in another month
            threat(OTHER_ANR, "2026-11-02", 1),                                    // another analysis
            item(ANR, "vulnerability", "2026-11-02", &rated(&uuid(1), 1, 4, "2")), // another type
        ],
    );
    service.store_stats(&other, &[threat(ANR, "2026-11-02", 1)]); // another client
    assert!(place.fails(&["stats", "deduplicate"], 1).contains("--yes"));
    assert_eq!(place.ok(&["stats", "deduplicate", "--yes"]), "deleted 3 stats\n");
    let own = service.get(&format!("/api/v1/stats/{ANR}")).token(&token).send().expect(200).json();
    let threats = own.as_array().unwrap().iter().filter(|stat| stat["type"] == "threat");
    let left: Vec<&str> = threats.map(|stat| stat["date"].as_str().unwrap()).collect();
    assert_eq!(left, ["2025-11-30", "2026-11-01", "2026-11-03", "2026-11-04", "2026-12-01"]);
    assert_eq!(dates(&service).len(), 7);
    assert_eq!(place.ok(&["stats", "deduplicate", "--yes"]), "deleted 0 stats\n");
    well(&place);
}

#[test]
fn averages_follow_a_command_at_once() {
    let (place, service, token) = service();
    service.store_stats(&token, &[threat(ANR, "2026-11-01", 1), threat(OTHER_ANR, "2026-11-01", 3)]);
    let mean = || {
        let arguments = json!({"type": "threat", "processor": "threat_average_on_date"});
        service.processed(&token, &arguments).expect(200).json()["data"][0]["averages"]["count"].as_f64()
    };
    assert_eq!(mean(), Some(2.0));
    place.ok(&["stats", "delete", "--anr", OTHER_ANR, "--yes"]);
    assert_eq!(mean(), Some(1.0));
    place.ok(&["stats", "delete", "--anr", ANR, "--yes"]);
    assert_eq!(mean(), None);
}

#[test]
fn without_a_store_there_is_nothing_to_do() {
    let place = Place::new();
    for words in [vec!["latest"], vec!["purge", "--yes"], vec!["deduplicate", "--yes"], vec!["delete", "--anr", ANR]] {
        let error = place.fails(&[&["stats"], words.as_slice()].concat(), 1);
        assert!(error.contains("there is no store at") && error.contains("stats.db"), "{error}");
    }
    assert!(!place.store().exists());
}

#[test]
fn a_purge_of_no_months_is_refused() {
    let place = Place::new();
    place.client("fo");
    assert!(place.fails(&["stats", "purge", "--months", "0", "--yes"], 1).contains("--months: name at least 1"));
}
