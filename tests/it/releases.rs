//! What the public sees where `PUBLIC_MIN_CLIENTS` is 3 or more, and what it must never see.

use crate::common::batch::{ANR, OTHER_ANR, item, rated, risks, uuid};
use crate::common::{ADMIN, Place, Reply, Service, today};
use jiff::Span;
use jiff::civil::Date;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Everything that is made of stats and that anybody may ask.
pub const PUBLIC: [&str; 29] = [
    "/stats/threats.json",
    "/stats/threats.json?days=30",
    "/stats/threats.json?last_stats=1",
    "/stats/threats.json?local_stats_only=1",
    "/stats/threats.json?period=day",
    "/stats/threats.json?period=month",
    "/stats/threats.json?period=quarter",
    "/stats/vulnerabilities.json",
    "/stats/risks.json",
    "/stats/risks.json?processor=risk_averages_on_date",
    "/stats/risks.json?processor=risk_averages_on_date&period=year",
    "/stats/cartography.json",
    "/stats/cartography.json?last_stats=1",
    "/stats/compliance.json",
    "/stats/compliance.json?period=week",
    "/stats/compared.json?type=threat",
    "/stats/compared.json?type=risk&days=90",
    "/stats/compared.json?type=compliance",
    "/stats/summary.json",
    "/stats/trends.json",
    "/stats/trends.json?period=year",
    "/stats/lines.json?type=threat&measure=count",
    "/data/threats/data.csv",
    "/data/risks-over-time/data.csv?period=week",
    "/data/compliance/data.csv",
    "/data/trends/data.csv",
    "/data/cartography/metadata.json",
    "/map/clients.json",
    "/",
];

/// The threat that everybody has, and one that few have.
pub const THREAT: usize = 1;
pub const RARE: usize = 2;

/// The last day of the newest closed week, or of one so many weeks before.
pub fn week(before: i64) -> Date {
    let days = i64::from(today().weekday().to_monday_zero_offset()) + 1;
    let last = today().checked_sub(Span::new().days(days)).unwrap();
    let is_closed = days >= 3;
    last.checked_sub(Span::new().weeks(before + i64::from(!is_closed))).unwrap()
}

/// Clients that share, with these rates of the threat in each of so many weeks, and a stat of today that closes them.
pub fn world(rates: &[&str], weeks: i64) -> Place {
    let place = Place::new();
    for (number, rate) in rates.iter().enumerate() {
        contribute(&place, &format!("c{number}"), rate, weeks);
    }
    place
}

pub fn anr(name: &str) -> String {
    let number = name.bytes().fold(7_usize, |sum, byte| (sum * 31 + usize::from(byte)) % 1_000_000);
    uuid(number + 1000)
}

/// A client that shares and has stats of these weeks; its highest risk is ten times its rate.
pub fn contribute(place: &Place, name: &str, rate: &str, weeks: i64) {
    place.ok(&[
        "client",
        "create",
        "--name",
        name,
        "--token",
        &format!("{name}-token-of-a-test"),
        "--share",
        "--new-store",
    ]);
    let mut lines = String::new();
    for date in (0..weeks).map(week).chain([today()]) {
        for (kind, data) in data(rate) {
            lines.push_str(&item(&anr(name), kind, &date.to_string(), &data));
            lines.push('\n');
        }
    }
    let path = place.path().join(format!("{name}.ndjson"));
    std::fs::write(&path, lines).unwrap();
    place.ok(&["import", &path.display().to_string(), "--client", name]);
}

/// Ten risks, six of them low and three medium; one threat; a category.
fn data(rate: &str) -> Vec<(&'static str, String)> {
    let risk = rate.split('.').next().unwrap().parse::<u64>().unwrap() * 10;
    let matrix = json!({"0": {"0": 8}, "4": {"20": 2}});
    let side = json!({"informational": matrix, "operational": {}});
    let scales = json!({"impact": [0, 1, 2, 3, 4], "probability": [0, 4], "likelihood": [0, 20]});
    let category = |value: &str| json!([{"label2": "Access", "value": value}]);
    vec![
        ("threat", rated(&uuid(THREAT), 2, risk, rate)),
        ("risk", risks([[6, 3, 1]; 4])),
        ("cartography", json!({"scales": scales, "risks": {"current": side, "residual": side}}).to_string()),
        (
            "compliance",
            json!([{"referential": "27002", "current": category("0.5"), "target": category("1")}]).to_string(),
        ),
    ]
}

/// A service of at least so many clients that has built what is due.
pub fn serve(place: &Place, k: &str) -> Service {
    let service = place.serve_with(&[("PUBLIC_MIN_CLIENTS", k)]);
    built(place);
    service
}

/// Waits until nothing is due any more.
pub fn built(place: &Place) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while place.ok(&["release", "list"]).contains("due") {
        assert!(Instant::now() < deadline, "weeks are not built");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// All public answers.
pub fn answers(service: &Service) -> Vec<(&'static str, Vec<u8>)> {
    PUBLIC.iter().map(|path| (*path, service.get(path).send().expect(200).body)).collect()
}

fn get(service: &Service, path: &str) -> Value {
    service.get(path).send().expect(200).json()
}

fn processed(service: &Service, token: &str, question: &Value) -> Reply {
    service.get("/api/v1/stats/processed/").token(token).json(question).send().expect(200)
}

fn threats() -> Value {
    json!({"type": "threat", "processor": "threat_average_on_date"})
}

#[test]
fn a_release_of_a_small_world_is_what_the_rules_say() {
    let place = world(&["1", "2", "3", "4", "5"], 2);
    let service = serve(&place, "3");
    // Of five: steps are a tenth of the scale. All of the threat's shares are 1, which is told as at least 0.9, of 2 risks.
    let value = |date: Date| json!({"count": 1.8, "maxRisk": 30, "averageRate": 3, "date": date.to_string()});
    let shown = json!([{
        "object": uuid(THREAT),
        "labels": {"label1": "", "label2": "Fire", "label3": "", "label4": ""},
        "values": [value(week(1)), value(week(0))],
        "averages": {"count": 1.8, "maxRisk": 30, "averageRate": 3},
    }]);
    let reply = service.get("/stats/threats.json").send().expect(200);
    assert_eq!(reply.json(), shown);
    assert_eq!(reply.headers["access-control-allow-origin"], "*");
    assert!(reply.headers["last-modified"].ends_with(" GMT") && reply.headers.contains_key("etag"));
    let levels = json!({"Low risks": 6, "Medium risks": 3, "High risks": 1});
    let sides = json!({"informational": levels, "operational": levels});
    assert_eq!(get(&service, "/stats/risks.json"), json!({"current": sides, "residual": sides}));
    let matrices = get(&service, "/stats/cartography.json?last_stats=1");
    let cells = json!([
        {"impact": 0, "likelihood": 0, "count": 8, "share": 0.8},
        {"impact": 4, "likelihood": 20, "count": 2, "share": 0.2},
    ]);
    assert_eq!(matrices["averages"]["current"], json!({"informational": cells, "operational": []}));
    let compliance = get(&service, "/stats/compliance.json");
    assert_eq!(compliance[0]["categories"][0]["averages"], json!({"current": 0.5, "target": 0.9}));
    let summary = json!({"public_min_clients": 3, "band": "5-9", "oldest": week(1), "newest": week(0)});
    assert_eq!(get(&service, "/stats/summary.json"), summary);
    // Every page says what it rests on, in four languages.
    for (language, text) in [
        ("en", "of 5-9 organisations. What fewer than 3 organisations have is not shown."),
        ("fr", "de 5-9 organisations. Ce que moins de 3 organisations ont"),
        ("de", "von 5-9 Organisationen. Was weniger als 3 Organisationen haben"),
        ("nl", "van 5-9 organisaties. Wat minder dan 3 organisaties hebben"),
    ] {
        for page in ["/", "/threats", "/risks", "/help", "/report"] {
            let html = service.get(&format!("{page}?lang={language}")).send().expect(200).text();
            assert!(html.contains(text) && html.contains(&week(0).to_string()), "{page} {language}");
        }
    }
    service.get("/map").send().expect(404);
    // A user sees the same; with its own analyses what they have, with others' nothing; an admin everything.
    assert_eq!(processed(&service, "c0-token-of-a-test", &threats()).json()["data"], shown);
    let of = |token: &str, name: &str| {
        let question = json!({"type": "threat", "processor": "threat_average_on_date", "anrs": [anr(name)]});
        processed(&service, token, &question).json()["data"].clone()
    };
    assert_eq!(of("c0-token-of-a-test", "c0")[0]["averages"]["averageRate"], 1);
    assert_eq!(of("c0-token-of-a-test", "c1"), json!([]));
    assert_eq!(of(ADMIN, "c4")[0]["averages"]["averageRate"], 5);
    assert_eq!(processed(&service, ADMIN, &threats()).json()["data"][0]["values"].as_array().unwrap().len(), 3);
}

#[test]
fn fewer_than_k_contributors_leave_no_trace() {
    let empty = Place::new();
    empty.ok(&["database", "migrate"]);
    let nothing = answers(&serve(&empty, "3"));
    // Two clients; five of which four are one group; three of which one is deactivated, does not share, is an admin.
    let two = world(&["1", "2"], 2);
    let group = world(&["1", "2", "3", "4", "5"], 2);
    for name in ["c0", "c1", "c2", "c3"] {
        group.ok(&["client", "set-group", name, "Ministry"]);
    }
    let off = world(&["1", "2", "3", "4", "5"], 2);
    off.ok(&["client", "deactivate", "c0"]);
    off.ok(&["client", "disable-sharing", "c1"]);
    off.ok(&["client", "set-group", "c2", "c3"]);
    off.ok(&["client", "set-group", "c3", "c3"]);
    for place in [&two, &group, &off] {
        let service = serve(place, "3");
        for ((path, wanted), (_, found)) in nothing.iter().zip(answers(&service)) {
            assert!(*wanted == found, "{path}: {}", String::from_utf8_lossy(&found));
        }
        let rows = place.ok(&["release", "list"]);
        assert_eq!(rows.matches("published").count(), 2, "{rows}");
        assert!(place.ok(&["release", "show", &week(0).to_string()]).contains("nothing is shown"));
        // Its own it sees all the same.
        let own = json!({"type": "threat", "processor": "threat_average_on_date", "anrs": [anr("c1")]});
        assert_eq!(processed(&service, "c1-token-of-a-test", &own).json()["data"][0]["averages"]["averageRate"], 2);
        assert_eq!(processed(&service, "c1-token-of-a-test", &threats()).json()["data"], json!([]));
    }
    let list = off.ok(&["client", "list"]);
    for line in [
        "in releases: no, it is deactivated",
        "in releases: no, it does not share",
        "in releases: yes, in the group \"c3\"",
        "in releases: yes\n",
    ] {
        assert!(list.contains(line), "{line}: {list}");
    }
    // One more, and there is something: the rule is about the third contributor, not about the place.
    group.ok(&["client", "set-group", "c0", ""]);
    drop(group.ok(&["client", "list"]));
}

#[test]
fn what_was_published_stays_whatever_others_post() {
    let place = world(&["1", "2", "3", "4", "5"], 3);
    let service = serve(&place, "3");
    let before = answers(&service);
    let tags = |service: &Service| -> Vec<String> {
        PUBLIC[..19].iter().map(|path| service.get(path).send().headers["etag"].clone()).collect()
    };
    let known = tags(&service);
    // A hundred probing posts, late ones for closed weeks, and an attacker's label; then clients that leave.
    for number in 0..50 {
        let late = week(number % 3).to_string();
        let items = [
            item(ANR, "threat", &late, &rated(&uuid(THREAT), 90, 100, "5")),
            item(OTHER_ANR, "threat", &today().to_string(), &rated(&uuid(RARE), 1, 1, "1").replace("Fire", "Mallory")),
        ];
        service.post_stats("c0-token-of-a-test", &items).expect(201);
    }
    assert!(answers(&service) == before && tags(&service) == known);
    for name in ["c1", "c2", "c3"] {
        place.ok(&["client", "delete", name, "--yes"]);
    }
    assert!(answers(&service) == before && tags(&service) == known, "published weeks are the only source");
    drop(service);
    // With another k, with everything repaired: the same bytes.
    assert!(place.ok(&["database", "check", "--repair"]).contains("is well"));
    let service = serve(&place, "5");
    let but_k = |answers: Vec<(&'static str, Vec<u8>)>| -> Vec<_> {
        answers.into_iter().filter(|(path, _)| !["/stats/summary.json", "/"].contains(path)).collect()
    };
    assert!(but_k(answers(&service)) == but_k(before.clone()));
    drop(service);
    assert!(answers(&serve(&place, "3")) == before);
}

#[test]
fn a_rare_object_and_an_injected_text_are_not_shown() {
    let place = world(&["1", "2", "3", "4", "5"], 0);
    let service = place.serve_with(&[("PUBLIC_MIN_CLIENTS", "1")]);
    for number in 0..5 {
        // Two have the rare threat; two call the common one by a text of theirs, two of them alike.
        let common = rated(&uuid(THREAT), 2, 10, "2");
        let text = if number < 2 { common.replace("Fire", "Mallory was here") } else { common };
        let mut data: Vec<Value> = serde_json::from_str(&text).unwrap();
        if number < 2 {
            data.extend(serde_json::from_str::<Vec<Value>>(&rated(&uuid(RARE), 1, 1, "1")).unwrap());
        }
        let date = week(0).to_string();
        let items = [item(&anr(&format!("c{number}")), "threat", &date, &Value::from(data).to_string())];
        service.store_stats(&format!("c{number}-token-of-a-test"), &items);
    }
    drop(service);
    let service = serve(&place, "3");
    for (path, body) in answers(&service) {
        let text = String::from_utf8(body).unwrap();
        assert!(!text.contains("Mallory") && !text.contains(&uuid(RARE)), "{path}: {text}");
    }
    assert_eq!(get(&service, "/stats/threats.json")[0]["labels"]["label2"], "Fire");
    service.get(&format!("/mosp/{}.json", uuid(RARE))).send().expect(404);
    // Only the operator learns that there is more.
    let shown = place.ok(&["release", "show", &week(0).to_string()]);
    assert!(shown.contains(&format!("threat {:?}: 2", uuid(RARE))), "{shown}");
}

#[test]
fn months_are_means_of_published_weeks() {
    let place = world(&["1", "2", "3", "4", "5"], 12);
    let service = serve(&place, "3");
    let weeks = get(&service, "/stats/threats.json")[0]["values"].as_array().unwrap().clone();
    assert_eq!(weeks.len(), 12);
    for (path, lengths) in
        [("period=month", 2..=4), ("period=quarter", 1..=2), ("period=year", 1..=2), ("period=day", 12..=12)]
    {
        let values = get(&service, &format!("/stats/threats.json?{path}"))[0]["values"].as_array().unwrap().clone();
        assert!(lengths.contains(&values.len()), "{path}: {values:?}");
        for value in values {
            assert_eq!(
                (&value["averageRate"], &value["band"], &value["stats"]),
                (&json!(3), &json!("5-9"), &Value::Null)
            );
        }
    }
    // So many days hold so many whole weeks, however they are cut.
    let mut known = 0;
    for days in 1..=60 {
        let found = get(&service, &format!("/stats/threats.json?days={days}"));
        let number = found[0]["values"].as_array().map_or(0, Vec::len);
        let first = today().checked_sub(Span::new().days(days - 1)).unwrap();
        let inside = (0..12).filter(|before| week(*before).checked_sub(Span::new().days(6)).unwrap() >= first).count();
        assert!(number == inside && number >= known, "{days}: {number}");
        known = number;
    }
}

#[test]
fn a_live_service_at_home_answers_to_its_own_names_only() {
    let place = Place::new();
    let token = place.client("fo");
    let settings = [("INSTANCE_URL", "https://stats.example/x"), ("ALLOWED_HOSTS", "other.example")];
    let service = place.serve_with(&settings);
    for (host, status) in [
        ("evil.example", 421),
        ("127.0.0.1.evil.example:5005", 421),
        ("localhost:80", 200),
        ("[::1]:5005", 200),
        ("STATS.example", 200),
        ("other.example:443", 200),
    ] {
        let ask = |path: &str| service.get(path).header("Host", host).send();
        for path in ["/", "/stats/risks.json", "/stats/trends.json"] {
            let reply = ask(path).expect(status);
            assert!(status == 200 || reply.text().contains("ALLOWED_HOSTS"), "{}", reply.text());
        }
        service.get("/api/v1/client/me").header("Host", host).token(&token).send().expect(200);
    }
    drop(service);
    // What is published is for all, under whatever name.
    let service = serve(&place, "3");
    service.get("/stats/risks.json").header("Host", "evil.example").send().expect(200);
}

#[test]
fn trends_are_told_as_they_were_published() {
    let place = world(&["1", "2", "3", "4", "5"], 6);
    let service = place.serve_with(&[("PUBLIC_MIN_CLIENTS", "1")]);
    let fourth = week(4);
    for number in 0..5 {
        let name = format!("c{number}");
        for before in 0..6 {
            let date = week(before);
            let rate = if date <= fourth { "1" } else { "3" };
            service.store_stats(
                &format!("{name}-token-of-a-test"),
                &[item(&anr(&name), "threat", &date.to_string(), &rated(&uuid(THREAT), 2, 10, rate))],
            );
        }
    }
    drop(service);
    let service = serve(&place, "3");
    let trends = get(&service, "/stats/trends.json");
    assert_eq!(
        (&trends["mode"], &trends["newest"], &trends["band"]),
        (&json!("releases"), &json!(week(0)), &json!("5-9"))
    );
    assert_eq!(trends["month"]["since"], json!(fourth));
    let moved = trends["month"]["types"]["threat"]["moved"].as_array().unwrap();
    assert_eq!(moved.len(), 1, "{trends}");
    assert_eq!(
        (&moved[0]["measure"], &moved[0]["change"], &moved[0]["band"], &moved[0]["trend"]),
        (&json!("averageRate"), &json!(2), &json!("5-9"), &json!(false))
    );
    drop(service);
    // Live: the analyses, exactly, anew with each start. One joins and has no part in it.
    contribute(&place, "c5", "5", 0);
    let service = place.serve();
    for number in 0..5 {
        let name = format!("c{number}");
        let items = [item(&anr(&name), "threat", &today().to_string(), &rated(&uuid(THREAT), 2, 10, "4"))];
        service.store_stats(&format!("{name}-token-of-a-test"), &items);
    }
    drop(service);
    let service = place.serve();
    let deadline = Instant::now() + Duration::from_secs(60);
    let live = loop {
        let live = get(&service, "/stats/trends.json");
        if live["month"]["types"]["threat"]["moved"][0]["after"] == 4 {
            break live;
        }
        assert!(Instant::now() < deadline, "{live}");
        std::thread::sleep(Duration::from_millis(20));
    };
    let moved = &live["month"]["types"]["threat"]["moved"][0];
    // Four weeks before today is in one week or the other.
    let before = moved["before"].as_i64().unwrap();
    assert!([1, 3].contains(&before), "{live}");
    assert_eq!((&moved["after"], &moved["change"]), (&json!(4), &json!(4 - before)));
    assert_eq!((&moved["rose"], &moved["fell"], &moved["trend"]), (&json!(5), &json!(0), &json!(false)));
    assert_eq!(moved["analyses"], 5, "{live}");
}

#[test]
fn a_demo_shows_releases_too() {
    let place = Place::new();
    let mut command = place.command(&["demo", "--days", "40", "--port", "0", "--public-min-clients", "3"]);
    command.env("TMPDIR", place.path()).env("ADMIN_TOKEN", ADMIN);
    let service = Service::start(command);
    let summary = get(&service, "/stats/summary.json");
    assert_eq!((&summary["band"], &summary["newest"]), (&json!("5-9"), &json!(week(0))), "{summary}");
    assert!(!get(&service, "/stats/threats.json").as_array().unwrap().is_empty());
    assert_eq!(get(&service, "/map/clients.json"), json!([]));
}
