//! Tables for programs: computed by hand, the same names for good, and what they mean beside them.

use crate::common::batch::{ANR, OTHER_ANR, item, rated, risks, uuid};
use crate::common::{Place, Service, days_ago, service, today};
use crate::releases::{self, THREAT};
use jiff::Span;
use serde_json::{Value, json};

const CHARTS: [(&str, &str); 10] = [
    ("threats", "object,label_fr,label_en,label_de,label_nl,count,max_risk,average_rate,stats,band"),
    ("threats-over-time", "date,object,label_fr,label_en,label_de,label_nl,count,max_risk,average_rate,stats,band"),
    ("vulnerabilities", "object,label_fr,label_en,label_de,label_nl,count,max_risk,average_rate,stats,band"),
    (
        "vulnerabilities-over-time",
        "date,object,label_fr,label_en,label_de,label_nl,count,max_risk,average_rate,stats,band",
    ),
    ("risks", "state,kind,level,risks,stats,band"),
    ("risks-over-time", "date,state,kind,level,risks,stats,band"),
    ("cartography", "state,kind,impact,likelihood,risks,share"),
    (
        "compliance",
        "referential,referential_fr,referential_en,referential_de,referential_nl,label_fr,label_en,label_de,label_nl,current,target,gap,stats,band",
    ),
    (
        "compliance-over-time",
        "date,referential,referential_fr,referential_en,referential_de,referential_nl,label_fr,label_en,label_de,label_nl,current,target,gap,stats,band",
    ),
    (
        "trends",
        "period,since,type,what,object,label_fr,label_en,label_de,label_nl,measure,before,after,change,slope,rose,fell,analyses,band,trend",
    ),
];

fn lines(service: &Service, path: &str) -> Vec<String> {
    let reply = service.get(&format!("/data/{path}")).send().expect(200);
    assert_eq!(reply.headers["content-type"], "text/csv; charset=utf-8; header=present", "{path}");
    let text = reply.text();
    assert!(text.ends_with("\r\n"), "{path}: {text}");
    text.trim_end().split("\r\n").map(str::to_owned).collect()
}

fn metadata(service: &Service, path: &str) -> Value {
    service.get(&format!("/data/{path}")).send().expect(200).json()
}

#[test]
fn names_of_columns_stay_and_are_explained() {
    let (_place, service, _token) = service();
    for (chart, columns) in CHARTS {
        assert_eq!(lines(&service, &format!("{chart}/data.csv")), [columns], "{chart}: an empty store has no rows");
        let about = metadata(&service, &format!("{chart}/metadata.json"));
        let named: Vec<&str> =
            about["columns"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
        assert_eq!(named.join(","), columns, "{chart}");
        assert_eq!((&about["licence"], &about["mode"]), (&Value::Null, &json!("live")), "{chart}");
    }
    service.get("/data/clients/data.csv").send().expect(404);
    // There is no map unless the operator wants one.
    service.get("/data/map/data.csv").send().expect(404);
    for wrong in ["risks/data.csv?period=month", "trends/data.csv?period=day", "threats-over-time/data.csv?object=x"] {
        service.get(&format!("/data/{wrong}")).send().expect(400);
    }
}

#[test]
fn tables_have_what_was_computed_by_hand() {
    let place = Place::new();
    let token = place.client("fo");
    let service = place.serve_with(&[("DATA_LICENCE", "CC-BY-4.0"), ("INSTANCE_URL", "https://stats.example")]);
    let date = |months: i64| today().first_of_month().checked_sub(Span::new().months(months)).unwrap().to_string();
    let named = |rate: &str| rated(&uuid(THREAT), 2, 10, rate).replace("Fire", "=Fire, \\\"big\\\"");
    let side = |value: &str| json!([{"label2": "Access", "value": value}]);
    let compliance = json!([{"referential": uuid(7), "label2": "ISO", "current": side("0.3"), "target": side("1")}]);
    service.store_stats(
        &token,
        &[
            item(ANR, "threat", &date(1), &named("1")),
            item(ANR, "threat", &date(0), &named("2")),
            item(OTHER_ANR, "threat", &date(0), &named("4.5")),
            item(ANR, "risk", &date(0), &risks([[1, 2, 3], [0, 0, 1], [4, 1, 1], [1, 0, 0]])),
            item(OTHER_ANR, "risk", &date(0), &risks([[1, 2, 4], [0, 0, 1], [4, 1, 1], [1, 0, 0]])),
            item(ANR, "compliance", &date(0), &compliance.to_string()),
        ],
    );
    let threat = format!("{},,\"'=Fire, \"\"big\"\"\",,", uuid(THREAT));
    // (1 + 2 + 4.5) / 3
    assert_eq!(lines(&service, "threats/data.csv")[1..], [format!("{threat},2,10,2.5,3,")]);
    let months = [format!("{},{threat},2,10,1,1,", date(1)), format!("{},{threat},2,10,3.25,2,", date(0))];
    assert_eq!(lines(&service, "threats-over-time/data.csv")[1..], months);
    let one = format!("threats-over-time/data.csv?object={}&period=month", uuid(THREAT));
    assert_eq!(lines(&service, &one)[1..], months);
    let none = format!("threats-over-time/data.csv?object={}", uuid(99));
    assert_eq!(lines(&service, &none).len(), 1);
    let levels = lines(&service, "risks/data.csv");
    assert_eq!(levels.len(), 13);
    assert!(levels.contains(&"current,informational,high,3.5,2,".to_owned()), "{levels:?}");
    assert!(levels.contains(&"residual,operational,low,1,2,".to_owned()), "{levels:?}");
    let over_time = lines(&service, "risks-over-time/data.csv?period=quarter&days=30");
    assert!(over_time[1..].iter().any(|line| line.ends_with(",current,informational,high,3.5,2,")), "{over_time:?}");
    let gaps = lines(&service, "compliance/data.csv");
    assert_eq!(gaps[1..], [format!("{},,ISO,,,,Access,,,0.3,1,0.7,1,", uuid(7))]);
    let about = metadata(&service, "threats-over-time/metadata.json?days=90&period=week");
    assert_eq!(
        (&about["url"], &about["licence"], &about["source"], &about["period"]),
        (&json!("data.csv?days=90&period=week"), &json!("CC-BY-4.0"), &json!("https://stats.example"), &json!("week"))
    );
    assert_eq!(about["basis"], json!({"clients": 1, "analyses": 2, "stats": 6}));
    assert_eq!(about["to"], json!(today().to_string()));
    // What there is not is not told, and what moved says between which days.
    let risks = metadata(&service, "risks/metadata.json");
    let is_there = |about: &Value| ["from", "to", "period"].map(|name| about.get(name).is_some());
    assert_eq!(is_there(&risks), [true, true, false]);
    assert!(risks["columns"].as_array().unwrap().iter().all(|column| column.get("unit") != Some(&Value::Null)));
    let day = days_ago(10);
    let moved = metadata(&service, &format!("trends/metadata.json?direction=rose&since={day}"));
    assert_eq!(
        (&moved["url"], &moved["from"], &moved["to"], &moved["period"]),
        (&json!(format!("data.csv?since={day}&direction=rose")), &json!(day), &json!(today().to_string()), &json!(day))
    );
    // Nobody asks again for what has not changed.
    let reply = service.get("/data/threats/data.csv").send().expect(200);
    let again = service.get("/data/threats/data.csv").header("If-None-Match", &reply.headers["etag"]).send();
    assert_eq!(again.expect(304).body, b"");
}

#[test]
fn tables_of_releases_have_bands_and_no_counts() {
    let place = releases::world(&["1", "2", "3", "4", "5"], 6);
    let service = releases::serve(&place, "3");
    let threats = lines(&service, "threats/data.csv");
    // All of the risks are of the threat, which is told as at least nine tenths of the two that there are.
    assert_eq!(threats[1..], [format!("{},,Fire,,,1.8,30,3,,5-9", uuid(THREAT))]);
    let weeks = lines(&service, "threats-over-time/data.csv?period=week");
    assert_eq!(weeks.len(), 7);
    assert!(weeks[1..].iter().all(|line| line.ends_with(",,5-9")), "{weeks:?}");
    let about = metadata(&service, "threats/metadata.json");
    assert_eq!((&about["band"], about.get("basis")), (&json!("5-9"), None));
    assert_eq!((&about["to"], &about["mode"]), (&json!(releases::week(0)), &json!("releases")));
    let moved = metadata(&service, "trends/metadata.json?period=month");
    assert_eq!((&moved["from"], &moved["to"]), (&json!(releases::week(4)), &json!(releases::week(0))));
    let reply = service.get("/data/threats/data.csv").send().expect(200);
    assert_eq!(reply.headers["access-control-allow-origin"], "*");
}
