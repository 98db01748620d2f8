//! What anybody may read: averages, the map, and texts about the service.

use crate::common::batch::{ANR, FRONT_OFFICE, OTHER_ANR, bad_argument, item, rated, risks, uuid};
use crate::common::{ADMIN, Place, Service, days_ago, service, until};
use serde_json::{Value, json};

const LISTS: [(&str, &str); 5] = [
    ("/stats/threats.json", "threat_average_on_date"),
    ("/stats/vulnerabilities.json", "vulnerability_average_on_date"),
    ("/stats/risks.json", "risk_averages"),
    ("/stats/cartography.json", "cartography_average"),
    ("/stats/compliance.json", "compliance_average"),
];

fn threat(anr: &str, date: &str, count: u64) -> String {
    item(anr, "threat", date, &rated(&uuid(1), count, 4, "2"))
}

fn read(service: &Service, path: &str) -> Value {
    service.get(path).send().expect(200).json()
}

/// The dates of the first object's values.
fn dates(service: &Service, query: &str) -> Vec<String> {
    let list = read(service, &format!("/stats/threats.json?{query}"));
    let dates =
        list[0]["values"].as_array().map(|values| values.iter().map(|value| value["date"].to_string()).collect());
    dates.unwrap_or_default()
}

/// Bug: answers that a change had made useless kept their files until somebody asked the next question.
#[test]
fn answers_of_the_past_take_no_disk() {
    let (_place, service, token) = service();
    let label = "x".repeat(900);
    let rows: Vec<_> = (0..100)
        .map(|number| json!({"uuid": uuid(number), "label1": label, "count": 1, "maxRisk": 1, "averageRate": "1"}))
        .collect();
    service.store_stats(&token, &[item(ANR, "threat", &days_ago(0), &json!(rows).to_string())]);
    let files = || service.opened().iter().filter(|name| name.ends_with("(deleted)")).count();
    for days in 1..30 {
        read(&service, &format!("/stats/threats.json?days={days}"));
    }
    until("only the newest answers are kept", || (1..=16).contains(&files()));
    service.store_stats(&token, &[threat(OTHER_ANR, &days_ago(0), 1)]);
    until("no answer is kept that is no longer true", || files() == 0);
}

#[test]
fn an_empty_store_has_empty_answers() {
    let (_place, service, _token) = service();
    for path in ["/stats/threats.json", "/stats/vulnerabilities.json", "/stats/compliance.json", "/map/clients.json"] {
        assert_eq!(service.get(path).send().expect(200).text(), "[]", "{path}");
    }
    let levels = r#"{"Low risks":0,"Medium risks":0,"High risks":0}"#;
    let tree = |leaf: &str| {
        let branch = format!(r#"{{"informational":{leaf},"operational":{leaf}}}"#);
        format!(r#"{{"current":{branch},"residual":{branch}}}"#)
    };
    assert_eq!(service.get("/stats/risks.json").send().expect(200).text(), tree(levels));
    let lists = levels.replace('0', "[]");
    let on_date = service.get("/stats/risks.json?processor=risk_averages_on_date").send().expect(200);
    assert_eq!(on_date.text(), tree(&lists));
    assert_eq!(read(&service, "/stats/cartography.json"), json!([]));
}

#[test]
fn the_answers_are_the_data_of_the_processors() {
    let (_place, service, token) = service();
    service.post("/api/v1/stats/").token(&token).text(FRONT_OFFICE).send().expect(201);
    for (path, processor) in LISTS {
        let kind = processor.split('_').next().unwrap();
        let processed = service.processed(&token, &json!({"type": kind, "processor": processor})).expect(200).text();
        let public = service.get(&format!("{path}?days=36500")).send().expect(200);
        assert_eq!(
            processed,
            format!(r#"{{"type": "{kind}", "processor": "{processor}", "data": {}}}"#, public.text())
        );
        assert!(!public.text().contains(ANR) && !public.text().contains("\"fo\""), "{path} names its source");
    }
    let tree = service.get("/stats/risks.json?days=36500&processor=risk_averages_on_date").send().expect(200).json();
    assert_eq!(tree["current"]["informational"]["High risks"], json!([{"date": "2026-11-01", "value": 2}]));
}

#[test]
fn days_count_back_from_today_and_later_dates_count_too() {
    let (_place, service, token) = service();
    let days = [365, 364, 1, 0, -1, -2];
    for day in days {
        service.store_stats(&token, &[threat(ANR, &days_ago(day), 1)]);
    }
    let expected = |from: usize| days[from..].iter().map(|day| format!("\"{}\"", days_ago(*day))).collect::<Vec<_>>();
    assert_eq!(dates(&service, ""), expected(1));
    assert_eq!(dates(&service, "days=365"), expected(1));
    assert_eq!(dates(&service, "days=366"), expected(0));
    assert_eq!(dates(&service, "days=2"), expected(2));
    assert_eq!(dates(&service, "days=1"), expected(3));
    assert_eq!(dates(&service, "days=36500"), expected(0));
    for bad in ["0", "-1", "36501", "1.5", "x", "", "99999999999999999999"] {
        for (path, _) in LISTS {
            bad_argument(service.get(&format!("{path}?days={bad}")).send(), "days");
        }
    }
}

#[test]
fn last_stats_are_the_forty_newest_however_old() {
    let (_place, service, token) = service();
    let mut items: Vec<String> = (0..41).map(|day| threat(ANR, &days_ago(1000 + day), 1)).collect();
    items.extend(
        (0..41_u64)
            .map(|day| item(ANR, "risk", &days_ago(1000 + i64::try_from(day).unwrap()), &risks([[day, 0, 0]; 4]))),
    );
    items.push(item(ANR, "vulnerability", &days_ago(900), &rated(&uuid(2), 1, 1, "1")));
    service.store_stats(&token, &items);
    assert_eq!(dates(&service, "").len(), 0);
    let newest = dates(&service, "last_stats=1");
    assert_eq!(newest.len(), 40);
    assert_eq!(newest[0], format!("\"{}\"", days_ago(1039)));
    assert_eq!(dates(&service, "last_stats=1&days=1").len(), 40);
    let mean = &read(&service, "/stats/risks.json?last_stats=1")["current"]["informational"]["Low risks"];
    assert_eq!(mean.as_f64(), Some(19.5));
    assert_eq!(read(&service, "/stats/vulnerabilities.json?last_stats=1").as_array().unwrap().len(), 1);
    // Several stats of a day: the later arrivals are the newer ones.
    let other: Vec<String> = (0..40).map(|n| threat(&uuid(100 + n), &days_ago(0), 2)).collect();
    service.store_stats(&token, &other);
    assert_eq!(dates(&service, "last_stats=1"), [format!("\"{}\"", days_ago(0))]);
    bad_argument(service.get("/stats/threats.json?last_stats=maybe").send(), "last_stats");
}

#[test]
fn a_wrong_processor_is_a_400_in_json() {
    let (_place, service, _token) = service();
    let reply = service.get("/stats/threats.json?processor=risk_averages").send().expect(400).json();
    assert_eq!(reply, json!({"Error": "Processor 'risk_averages' can not be used with type 'threat'."}));
    for name in ["threat_process", "risk_process", "nonsense", ""] {
        bad_argument(service.get(&format!("/stats/threats.json?processor={name}")).send(), "processor");
    }
    service.get("/stats/threats.json?processor=threat_average_on_date").send().expect(200);
    for name in ["local_stats_only=2", "period=decade"] {
        let name_only = name.split('=').next().unwrap();
        bad_argument(service.get(&format!("/stats/threats.json?{name}")).send(), name_only);
    }
}

#[test]
fn answers_are_told_apart_by_their_tag() {
    let (place, service, token) = service();
    let ask = |path: &str, tag: Option<&str>| {
        let request = service.get(path);
        if let Some(tag) = tag { request.header("If-None-Match", tag) } else { request }.send()
    };
    for path in ["/stats/threats.json", "/stats/risks.json?days=7", "/map/clients.json"] {
        let first = ask(path, None).expect(200).headers["etag"].clone();
        let known = ask(path, Some(&first)).expect(304);
        assert_eq!((known.text().as_str(), &known.headers["etag"]), ("", &first));
        ask(path, Some(&format!("\"x\", {}", first.trim_start_matches("W/")))).expect(304);
        ask(path, Some("*")).expect(304);
        ask(path, Some("\"x\"")).expect(200);
        // A stat or a client's place makes it another answer, and so does a command beside the service.
        service.store_stats(&token, &[threat(ANR, &days_ago(0), 1)]);
        let second = ask(path, Some(&first)).expect(200).headers["etag"].clone();
        assert_ne!(first, second);
        place.ok(&["stats", "delete", "--anr", ANR, "--yes"]);
        ask(path, Some(&second)).expect(200);
    }
    assert_ne!(ask("/stats/risks.json?days=7", None).headers["etag"], ask("/stats/risks.json", None).headers["etag"]);
    assert_ne!(ask("/stats/risks.json", None).headers["etag"], ask("/stats/threats.json", None).headers["etag"]);
}

#[test]
fn the_map_has_who_is_placed_and_has_both_types() {
    let place = Place::new();
    let token = place.client("fo");
    let service = place.serve_with(&[("MAP", "on")]);
    let rows = |rows: &[(usize, u64)]| {
        let each = rows
            .iter()
            .map(|(n, count)| format!(r#"{{"uuid":"{}","count":{count},"maxRisk":1,"averageRate":"1"}}"#, uuid(*n)));
        format!("[{}]", each.collect::<Vec<_>>().join(","))
    };
    let map = || read(&service, "/map/clients.json");
    service.store_stats(&token, &[item(ANR, "threat", "2026-11-01", &rows(&[(1, 90), (2, 3)]))]);
    assert_eq!(map(), json!([]));
    place.ok(&["client", "set-location", "fo", "--latitude", "49.61", "--longitude", "-6.13"]);
    assert_eq!(map(), json!([]));
    service.store_stats(&token, &[item(ANR, "vulnerability", "2026-11-01", &rows(&[(3, 2), (4, 2)]))]);
    let entry = |threat: Value| json!([{"latitude": 49.61, "longitude": -6.13, "max_threat": threat, "max_vulnerability": [2, uuid(3)]}]);
    assert_eq!(map(), entry(json!([90, uuid(1)])));
    // The newest stats of all its analyses count together.
    service.store_stats(
        &token,
        &[
            item(ANR, "threat", "2026-11-02", &rows(&[(1, 5), (2, 4)])),
            item(OTHER_ANR, "threat", "2026-10-01", &rows(&[(2, 4)])),
        ],
    );
    assert_eq!(map(), entry(json!([8, uuid(2)])));
    let keys: Vec<String> = map()[0].as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys, ["latitude", "longitude", "max_threat", "max_vulnerability"]);
    place.ok(&["client", "unset-location", "fo"]);
    assert_eq!(map(), json!([]));
}

#[test]
fn the_service_says_what_it_is() {
    let place = Place::new();
    let variables = [("ADMIN_EMAIL", "me@example.org"), ("INSTANCE_URL", "https://stats.example.org/dash/")];
    let service = place.serve_with(&variables);
    let about = read(&service, "/about.json");
    let keys: Vec<&String> = about.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["api_v1_root", "contact", "version", "version_url", "replaces"]);
    assert_eq!(about["api_v1_root"], "https://stats.example.org/dash/api/v1/");
    assert_eq!(about["contact"], "me@example.org");
    assert_eq!(about["version"], env!("CARGO_PKG_VERSION"));
    let text = |path: &str| {
        let reply = service.get(path).send().expect(200);
        assert!(reply.headers["content-type"].starts_with("text/plain"), "{path}");
        reply.text()
    };
    assert_eq!(text("/robots.txt"), "User-agent: *\nDisallow: /\n");
    assert!(text("/human.txt").contains("me@example.org"));
    let security = text("/.well-known/security.txt");
    assert!(security.contains("Contact: mailto:me@example.org\n"));
    let expires = security.lines().find_map(|line| line.strip_prefix("Expires: ")).unwrap();
    let expires: jiff::Timestamp = expires.parse().unwrap();
    let (now, year) = (jiff::Timestamp::now(), jiff::SignedDuration::from_hours(24 * 366));
    assert!(expires > now && expires < now + year);
    drop(service);
    let both = [("ADMIN_EMAIL", "me@example.org"), ("ADMIN_URL", "https://example.org/who")];
    let service = place.serve_with(&both);
    for path in ["/about", "/human.txt", "/.well-known/security.txt"] {
        let said = service.get(path).send().expect(200).text();
        assert!(both.iter().all(|(_, contact)| said.contains(contact)), "{path}: {said}");
    }
    drop(service);
    let service = place.serve_with(&[("ADMIN_URL", "https://example.org/who")]);
    assert_eq!(read(&service, "/about.json")["contact"], "https://example.org/who");
    assert!(service.get("/.well-known/security.txt").send().text().contains("Contact: https://example.org/who\n"));
    drop(service);
    // Where nobody is named the project is, at the address that the README has.
    let readme = include_str!("../../README.md");
    let said = place.serve().get("/.well-known/security.txt").send().expect(200).text();
    let contact = said.lines().find_map(|line| line.strip_prefix("Contact: mailto:")).unwrap();
    assert!(readme.contains(&format!("report a weakness to {contact}")), "{said}");
}

#[test]
fn health_is_asked_at_both_addresses() {
    let (_place, service, _token) = service();
    for path in ["/healthz", "/health"] {
        let reply = service.get(path).send().expect(200);
        assert_eq!(reply.json()["status"], "ok");
        assert_eq!(reply.headers["cache-control"], "no-store");
    }
}

#[test]
fn the_api_page_and_its_document_are_served() {
    let (_place, service, _token) = service();
    let page = service.get("/api/v1/").send().expect(200);
    assert!(page.headers["content-type"].starts_with("text/html"));
    assert!(page.headers["content-security-policy"].contains("default-src"));
    assert_eq!(page.headers["x-content-type-options"], "nosniff");
    let one = service.get("/api/v1/swagger.json").send().expect(200);
    let other = service.get("/api/v1/openapi.json").token(ADMIN).send().expect(200);
    assert_eq!(one.body, other.body);
    assert_eq!(one.json()["openapi"], "3.1.0");
}
