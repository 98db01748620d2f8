//! What questions of anybody may cost: however many ways there are to ask the same, it is computed once, and what is asked all
//! the time is not read again. What would be read again is damaged here, so that nothing needs to be timed.

use crate::common::batch::{ANR, OTHER_ANR, item, rated, uuid};
use crate::common::{Place, Service, days_ago, today, until};
use crate::releases::{THREAT, serve, world};
use crate::view_links::link;
use rusqlite::Connection;
use std::fmt::Write as _;
use std::io::Read;

fn tag(service: &Service, path: &str) -> String {
    service.get(path).send().expect(200).headers["etag"].clone()
}

/// Makes what is stored unreadable, whatever the service has read of it; nothing else tells that it has changed.
fn damage(place: &Place, statement: &str) {
    let store = Connection::open(place.store()).unwrap();
    store.execute_batch("DROP TRIGGER IF EXISTS \"release#once\"").unwrap();
    assert!(store.execute(statement, []).unwrap() > 0, "{statement}");
}

const NEWEST: &str = "UPDATE release SET cells = x'00' WHERE week = (SELECT max(week) FROM release)";

#[test]
fn as_many_ways_to_ask_the_same_are_one_question() {
    let place = world(&["1", "2", "3", "4", "5"], 6);
    let service = serve(&place, "3");
    for (one, other) in [
        ("/data/threats-over-time/data.csv?period=year", "/data/threats-over-time/data.csv?&&period=year&&&"),
        ("/data/threats-over-time/data.csv?days=400", "/data/threats-over-time/data.csv?days=36500&period=month"),
        ("/data/trends/data.csv", "/data/trends/data.csv?&"),
        ("/data/risks/metadata.json?days=30", "/data/risks/metadata.json?&d%61ys=%330&"),
        ("/stats/compared.json?type=threat&days=36500", "/stats/compared.json?type=threat&days=36499"),
        ("/stats/compared.json?type=threat&days=15", "/stats/compared.json?type=threat&days=16"),
        ("/stats/objects/UUID.json?days=400", "/stats/objects/UUID.json?days=36500"),
    ] {
        let [one, other] = [one, other].map(|path| path.replace("UUID", &uuid(THREAT)));
        assert_eq!(tag(&service, &one), tag(&service, &other), "{one} and {other}");
    }
    let metadata = |query: &str| service.get(&format!("/data/threats-over-time/metadata.json{query}")).send().json();
    let url = format!("data.csv?days=30&period=week&object={}", uuid(THREAT));
    assert_eq!(metadata(&format!("?&object={}&&period=week&days=30", uuid(THREAT)))["url"], url);
    assert_eq!(metadata("?period=year")["url"], "data.csv?period=year");
}

#[test]
fn windows_of_releases_tell_the_weeks_that_they_have() {
    let place = world(&["1", "2", "3", "4", "5"], 6);
    let service = serve(&place, "3");
    let compared =
        |days: &str| service.get(&format!("/stats/compared.json?type=threat{days}")).send().expect(200).json();
    let days = |before: i64, first: i64| {
        let day = |week: i64, days: i64| crate::releases::week(week).checked_sub(jiff::Span::new().days(days)).unwrap();
        (day(first, 6).to_string(), day(before, 0).to_string())
    };
    let told = |window: &serde_json::Value| {
        (window["from"].as_str().unwrap().to_owned(), window["to"].as_str().unwrap().to_owned())
    };
    let answer = compared("&days=20");
    assert_eq!(told(&answer["now"]), days(0, 1), "two whole weeks");
    assert_eq!(told(&answer["earlier"][0]), days(3, 4), "before them twenty days, in which there are two");
    assert!(answer["earlier"][0]["averages"].is_array());
    let year = &answer["earlier"][1];
    assert_eq!((told(year), &year["averages"]), (days(52, 53), &serde_json::Value::Null));
    let all = compared("&days=36500");
    assert_eq!(told(&all["now"]), days(0, 5));
    assert_eq!((told(&all["earlier"][0]), &all["earlier"][0]["averages"]), (days(6, 11), &serde_json::Value::Null));
    let now = compared("");
    assert_eq!((told(&now["now"]), told(&now["earlier"][0])), (days(0, 0), days(13, 13)));
}

#[test]
fn pages_and_objects_do_not_read_the_newest_week_again() {
    let place = world(&["1", "2", "3", "4", "5"], 2);
    let service = serve(&place, "3");
    let before = service.get("/threats").send().expect(200).body;
    damage(&place, NEWEST);
    service.get("/stats/threats.json?last_stats=1").send().expect(503);
    for number in 90..99 {
        service.get(&format!("/stats/objects/{}.json", uuid(number))).send().expect(404);
        service.get(&format!("/mosp/{}.json", uuid(number))).send().expect(404);
    }
    assert!(service.get("/threats").send().expect(200).body == before);
    let summary = service.get("/stats/summary.json").send().expect(200).json();
    assert_eq!((&summary["band"], &summary["newest"]), (&"5-9".into(), &crate::releases::week(0).to_string().into()));
    service.get("/data/risks/metadata.json").send().expect(200);
}

#[test]
fn objects_that_were_never_shown_have_no_rows_and_cost_none() {
    let place = world(&["1", "2", "3", "4", "5"], 3);
    let service = serve(&place, "3");
    let table = |number: usize| {
        let path = format!("/data/threats-over-time/data.csv?object={}&period=week", uuid(number));
        service.get(&path).send().expect(200).text().lines().count()
    };
    assert_eq!((table(90), table(THREAT)), (1, 4));
    damage(&place, "UPDATE release SET cells = x'00'");
    assert_eq!((table(91), table(92), table(THREAT)), (1, 1, 4));
}

#[test]
fn a_caller_who_has_what_moved_does_not_have_it_read() {
    let place = Place::new();
    let token = place.client("fo");
    let service = place.serve();
    let threat = |date: &str, rate: &str| item(ANR, "threat", date, &rated(&uuid(1), 2, 10, rate));
    service.store_stats(&token, &[threat(&days_ago(28), "1"), threat(&today().to_string(), "2")]);
    let paths = ["/stats/trends.json", "/feed.atom", "/data/trends/data.csv", "/stats/objects/UUID.json"]
        .map(|path| path.replace("UUID", &uuid(1)));
    let is_told = || service.get("/stats/trends.json").send().expect(200).text().contains(&uuid(1));
    until("what moved", is_told);
    let tags: Vec<String> = paths.iter().map(|path| tag(&service, path)).collect();
    damage(&place, "UPDATE release SET cells = x'00' WHERE week = 0");
    for (path, tag) in paths.iter().zip(tags) {
        service.get(path).header("If-None-Match", &tag).send().expect(304);
    }
    service.get("/stats/trends.json?period=year").send().expect(503);
}

/// Bug: what another instance publishes was read for each who asked, before anybody had a turn: 200 who asked at once took 500 MB.
#[test]
fn what_was_fetched_is_not_read_again() {
    let place = world(&["1", "2", "3"], 2);
    let (figures, fetched) = (format!(r#"[["{}",2,0.5]]"#, uuid(THREAT)), "http://stats.example.org");
    let text =
        "INSERT INTO benchmark (type, url, date, asked_at, figures) SELECT DISTINCT type, ?1, 20000, 0, ?2 FROM object";
    Connection::open(place.store()).unwrap().execute(text, [fetched, &figures]).unwrap();
    let service = serve(&place, "3");
    let path = "/stats/benchmark.json?type=threat";
    let answer = service.get(path).send().expect(200);
    assert_eq!(answer.json()["objects"][0]["figures"][2]["remote"], 2.5);
    damage(&place, "UPDATE benchmark SET figures = 'no'");
    assert_eq!(service.get(path).send().expect(200).body, answer.body);
    service.get(path).header("If-None-Match", &answer.headers["etag"]).send().expect(304);
    damage(&place, "UPDATE benchmark SET asked_at = 1");
    service.get(path).send().expect(503);
}

/// Bug: what is told of the table was of the day before until somebody wrote, while the table was of today.
#[test]
fn what_is_told_of_what_moved_changes_with_it() {
    let place = Place::new();
    let token = place.client("fo");
    let service = place.serve();
    let threat = |date: &str, rate: &str| item(ANR, "threat", date, &rated(&uuid(1), 2, 10, rate));
    service.store_stats(&token, &[threat(&days_ago(28), "1"), threat(&today().to_string(), "2")]);
    let last_day =
        || service.get("/data/trends/metadata.json").send().expect(200).json()["to"].as_str().map(str::to_owned);
    until("what moved", || last_day() == Some(today().to_string()));
    damage(&place, "DELETE FROM release WHERE week = 0");
    assert_eq!(last_day(), None);
}

#[test]
fn what_moved_of_a_client_is_computed_once_for_all_its_objects() {
    let place = Place::new();
    let token = place.client("alpha");
    let service = place.serve();
    let threat = |anr: &str, object: usize, days: i64, rate: &str| {
        item(anr, "threat", &days_ago(days), &rated(&uuid(object), 2, 10, rate))
    };
    let stats =
        [threat(ANR, 1, 28, "1"), threat(ANR, 1, 0, "2"), threat(OTHER_ANR, 2, 28, "3"), threat(OTHER_ANR, 2, 0, "5")];
    service.store_stats(&token, &stats);
    let link = link(&place, "alpha", &[]);
    let reply = service.get(&format!("/v/{}/", link.token)).send().expect(303);
    let cookie = reply.headers["set-cookie"].split(';').next().unwrap().to_owned();
    let get = |path: &str| {
        let path = format!("/v/{}/stats/{path}", link.number);
        service.get(&path).header("Cookie", &cookie).send().expect(200).json()
    };
    let change = |object: usize| {
        get(&format!("objects/{}.json?days=1", uuid(object)))["changes"]["month"]["averageRate"]["change"].clone()
    };
    assert_eq!(change(1), 1.0);
    // What lies a month back goes; only who computes what moved anew looks at it.
    damage(
        &place,
        "UPDATE payload SET entries = x'ffff' WHERE id IN (SELECT payload FROM stat WHERE date < (SELECT max(date) FROM stat))",
    );
    assert_eq!(change(2), 2.0);
    assert!(get("trends.json?period=year")["year"].is_object());
    assert!(get("trends.json?period=month").to_string().contains(&uuid(2)));
}

/// The cells of a week of so many threats, deflated as they are kept.
fn cells(objects: usize) -> Vec<u8> {
    let changes = r#""c":[{"n":"5-9","v":1},{"n":"5-9","v":2},{"n":"5-9","v":3}]"#;
    let figure = format!(r#"{{"n":"5-9","v":600,{changes}}}"#);
    let mut text = String::from(r#"{"types":{"threat":{"band":"5-9","totals":{"":20},"objects":["#);
    for number in 0..objects {
        let comma = if number == 0 { "" } else { "," };
        let texts = r#"["Incendie de longue durée","Fire that lasts","Feuer von Dauer","Brand die duurt"]"#;
        let _ = write!(
            text,
            r#"{comma}{{"key":"{}","texts":{texts},"figures":[{figure},{figure},{figure}]}}"#,
            uuid(number)
        );
    }
    text.push_str("]}}}");
    let mut bytes = Vec::new();
    flate2::read::DeflateEncoder::new(text.as_bytes(), flate2::Compression::fast()).read_to_end(&mut bytes).unwrap();
    bytes
}

#[test]
fn many_weeks_are_not_held_whole() {
    let place = world(&["1", "2", "3", "4", "5"], 1);
    drop(serve(&place, "3"));
    let (cells, store) = (cells(1000), Connection::open(place.store()).unwrap());
    let first: i64 = store.query_row("SELECT max(week) FROM release", [], |row| row.get(0)).unwrap();
    for number in 1..=40 {
        let row = rusqlite::params![first - 7 * number, vec![u8::try_from(number).unwrap(); 32], cells];
        store
            .execute("INSERT INTO release (week, rules, k, built_at, hash, cells) VALUES (?1, 1, 3, 0, ?2, ?3)", row)
            .unwrap();
    }
    let service = serve(&place, "3");
    let before = service.status("VmHWM");
    let lines = service.get("/data/threats-over-time/data.csv?period=year&days=36500").send().expect(200).text();
    assert!(lines.lines().count() > 1000);
    service.get("/stats/trends.json").send().expect(200);
    let held = service.status("VmHWM") - before;
    assert!(held < 25_000, "{held} KB for 40 weeks of 1,000 objects");
}
