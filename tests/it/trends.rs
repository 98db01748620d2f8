//! `/stats/trends.json`, computed by hand: of those who are at both ends one joins and one leaves, and neither counts.

use crate::common::batch::{item, rated, risks, uuid};
use crate::common::{Place, Service, days_ago, today};
use crate::releases::{self, RARE, THREAT, anr, week};
use jiff::Span;
use jiff::civil::Date;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const NEW: usize = 3;

fn ago(weeks: i64) -> String {
    today().checked_sub(Span::new().weeks(weeks)).unwrap().to_string()
}

/// Two threats in one stat.
fn both(first: &str, second: &str) -> String {
    format!("{},{}", first.trim_end_matches(']'), second.trim_start_matches('['))
}

/// The trends, once the service has computed those of what is stored.
fn computed(service: &Service, is_done: impl Fn(&Value) -> bool) -> Value {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let trends = service.get("/stats/trends.json").send().expect(200).json();
        if is_done(&trends) {
            return trends;
        }
        assert!(Instant::now() < deadline, "{trends}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// An entry without what it is called.
fn numbers(entry: &Value) -> Value {
    let mut entry = entry.clone();
    let members = entry.as_object_mut().unwrap();
    members.remove("labels");
    entry
}

fn objects(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|one| one["object"].as_str().unwrap()).collect()
}

#[test]
fn of_three_analyses_the_one_that_stays_counts() {
    let place = Place::new();
    let token = place.client("fo");
    let service = place.serve();
    let threat = |name: &str, weeks: i64, data: &str| item(&anr(name), "threat", &ago(weeks), data);
    let risk = |name: &str, weeks: i64, numbers: [[u64; 3]; 4]| item(&anr(name), "risk", &ago(weeks), &risks(numbers));
    service.store_stats(
        &token,
        &[
            // It stays: from 1 to 2, and half of its risks are now of another threat.
            threat("stays", 4, &rated(&uuid(THREAT), 2, 10, "1")),
            threat("stays", 0, &both(&rated(&uuid(THREAT), 2, 10, "2"), &rated(&uuid(NEW), 2, 10, "1"))),
            risk("stays", 4, [[2, 1, 1], [3, 0, 1], [3, 1, 0], [3, 0, 1]]),
            risk("stays", 0, [[1, 0, 3], [2, 0, 2], [4, 0, 0], [4, 0, 0]]),
            // It leaves with a high value, and the other comes with one: the means of all are 2.5 and 3.5.
            threat("leaves", 4, &both(&rated(&uuid(THREAT), 2, 10, "4"), &rated(&uuid(RARE), 1, 10, "3"))),
            threat("joins", 0, &rated(&uuid(THREAT), 2, 10, "5")),
            risk("joins", 0, [[0, 0, 90]; 4]),
        ],
    );
    drop(service);
    let service = place.serve();
    let trends = computed(&service, |trends| trends["month"]["high"]["current"]["analyses"] == 1);
    assert_eq!((&trends["mode"], &trends["newest"]), (&json!("live"), &json!(today().to_string())));
    let month = &trends["month"];
    assert_eq!(month["since"], json!(ago(4)));
    let moved: Vec<Value> = month["types"]["threat"]["moved"].as_array().unwrap().iter().map(numbers).collect();
    // Four weeks ago, three, two, one, now: it is as it was until today, so that the median of the slopes is none.
    let entry = |measure: &str, before: f64, after: f64, rose: u32, fell: u32| {
        let values = json!([before, before, before, before, after]);
        let values: Value = serde_json::from_str(&values.to_string().replace(".0", "")).unwrap();
        let numbers = json!({
            "object": uuid(THREAT), "measure": measure, "before": before, "after": after, "change": after - before,
            "slope": 0, "values": values, "rose": rose, "fell": fell, "analyses": 1, "trend": false
        });
        serde_json::from_str::<Value>(&numbers.to_string().replace(".0,", ",").replace(".0}", "}")).unwrap()
    };
    assert_eq!(moved, [entry("share", 1.0, 0.5, 0, 1), entry("averageRate", 1.0, 2.0, 1, 0)]);
    assert_eq!(objects(&month["types"]["threat"]["new"]), [uuid(NEW)]);
    assert_eq!(objects(&month["types"]["threat"]["gone"]), [uuid(RARE)]);
    // The feed says the same in a line each.
    let feed = |lang: &str| service.get(&format!("/feed.atom?lang={lang}")).send().expect(200).text();
    let said =
        format!("&lt;p&gt;Threats that moved, since {}&lt;/p&gt;&lt;ul&gt;&lt;li&gt;▽ −50.0 points Fire", ago(4));
    assert!(feed("en").contains(&said), "{}", feed("en"));
    assert!(feed("en").contains("△ +1.00 Fire (Probability)&lt;/li&gt;&lt;/ul&gt;</content>"), "{}", feed("en"));
    assert!(feed("de").contains("△ +1,00 Fire ("), "{}", feed("de"));
    // Of high risks the numbers: 1 + 1 became 3 + 2, and 0 + 1 none.
    let high = |state: &str| ["before", "after", "change"].map(|name| month["high"][state][name].clone());
    assert_eq!(high("current"), [json!(2), json!(5), json!(3)]);
    assert_eq!(high("residual"), [json!(1), json!(0), json!(-1)]);
    // Of one object everything, and its months of all analyses.
    let object = service.get(&format!("/stats/objects/{}.json", uuid(THREAT))).send().expect(200).json();
    assert_eq!((&object["type"], &object["labels"]["label2"]), (&json!("threat"), &json!("Fire")));
    assert_eq!(object["averages"]["averageRate"], json!(3), "(1 + 2 + 4 + 5) / 4");
    let change = &object["changes"]["month"]["averageRate"];
    assert_eq!(["before", "after", "analyses"].map(|name| change[name].clone()), [json!(1), json!(2), json!(1)]);
    // What moved by nothing is told too.
    assert_eq!(object["changes"]["month"]["maxRisk"]["change"], json!(0));
    assert_eq!(object["changes"].get("year"), None);
    for (name, status) in [(uuid(99), 404), ("x".into(), 400), (uuid(RARE), 200)] {
        service.get(&format!("/stats/objects/{name}.json")).send().expect(status);
    }
    // A line of each, without what it is called.
    let lines = service.get("/stats/lines.json?type=threat&measure=maxRisk").send().expect(200).json();
    assert_eq!(lines["objects"].as_object().unwrap().len(), 3);
    let line = lines["objects"][uuid(THREAT)].as_array().unwrap();
    assert_eq!((line.len(), line.last()), (lines["dates"].as_array().unwrap().len(), Some(&json!(10))));
    service.get("/stats/lines.json?type=risk").send().expect(400);
    // Nobody was there a quarter ago: nothing moved, and nothing is new.
    for list in ["moved", "new", "gone"] {
        assert_eq!(trends["quarter"]["types"]["threat"][list], json!([]), "{list}");
    }
    // One horizon alone.
    let month_alone = service.get("/stats/trends.json?period=month").send().expect(200).json();
    assert_eq!((&month_alone["month"], month_alone.get("year")), (month, None));
    let refused = service.get("/stats/trends.json?period=week").send().expect(400);
    assert!(refused.text().contains("month, quarter, year"), "{}", refused.text());
    // Since a day of one's own: from one end to the other, without the way between.
    let ask = |query: &str| service.get(&format!("/stats/trends.json?{query}")).send().expect(200).json();
    let day = days_ago(10);
    let since = ask(&format!("since={day}"));
    assert_eq!((&since["mode"], &since["since"]["since"], since.get("month")), (&json!("live"), &json!(day), None));
    let alone = |entry: &Value| {
        let mut entry = entry.clone();
        entry.as_object_mut().unwrap().remove("values");
        entry["slope"] = Value::Null;
        entry
    };
    let found = since["since"]["types"]["threat"]["moved"].as_array().unwrap();
    assert_eq!(found.iter().map(numbers).collect::<Vec<_>>(), moved.iter().map(alone).collect::<Vec<_>>());
    assert_eq!(found[0]["labels"]["label2"], "Fire");
    for list in ["new", "gone"] {
        assert_eq!(since["since"]["types"]["threat"][list], month["types"]["threat"][list], "{list}");
    }
    assert_eq!(since["since"]["high"]["current"]["change"], json!(3));
    // Nobody was there forty days ago.
    assert_eq!(ask(&format!("since={}", days_ago(40)))["since"]["types"]["threat"]["moved"], json!([]));
    // One direction alone, also as a table.
    for (direction, measure) in [("rose", "averageRate"), ("fell", "share")] {
        for (query, name) in [("period=month".to_owned(), "month"), (format!("since={day}"), "since")] {
            let found = ask(&format!("{query}&direction={direction}"))[name]["types"]["threat"]["moved"].clone();
            assert_eq!(found.as_array().unwrap().len(), 1, "{query}");
            assert_eq!(found[0]["measure"], measure, "{query}");
            let path = format!("/data/trends/data.csv?{query}&direction={direction}");
            let table = service.get(&path).send().expect(200).text();
            let moved: Vec<&str> = table.lines().filter(|line| line.contains(",threat,moved,")).collect();
            assert_eq!(moved.len(), 1, "{table}");
            assert!(moved[0].starts_with(&format!("{name},")) && moved[0].contains(measure), "{table}");
        }
    }
    for (query, name) in [
        (format!("since={}", today()), "since"),
        ("since=1969-12-31".into(), "since"),
        ("since=soon".into(), "since"),
        ("since=".into(), "since"),
        (format!("since={day}&period=month"), "since"),
        ("direction=up".into(), "direction"),
    ] {
        for path in ["/stats/trends.json", "/data/trends/data.csv", "/data/trends/metadata.json"] {
            let refused = service.get(&format!("{path}?{query}")).send().expect(400).json();
            assert!(refused["errors"][name].is_string(), "{query}: {refused}");
        }
    }
}

/// Bug: of the fifty largest changes those of one direction were told, of 60 that rose nothing that fell.
#[test]
fn a_direction_is_asked_of_all_that_moved() {
    let place = Place::new();
    let token = place.client("fo");
    let service = place.serve();
    let of = |rates: [&str; 2]| {
        let rising = (10..70).map(|number| rated(&uuid(number), 1, 10, rates[0]));
        rising.reduce(|all, one| both(&all, &one)).map(|all| both(&all, &rated(&uuid(THREAT), 1, 10, rates[1])))
    };
    let stat = |day: &str, rates| item(&anr("one"), "threat", day, &of(rates).unwrap());
    service.store_stats(&token, &[stat(&days_ago(9), ["1", "3"]), stat(&today().to_string(), ["4", "2"])]);
    let moved = |query: &str| {
        let path = format!("/stats/trends.json?since={}{query}", days_ago(9));
        let found = service.get(&path).send().expect(200).json()["since"]["types"]["threat"]["moved"].clone();
        let changes = found.as_array().unwrap().iter().map(|one| one["change"].as_i64().unwrap());
        changes.collect::<Vec<_>>()
    };
    assert_eq!(moved(""), [3; 50]);
    assert_eq!(moved("&direction=rose"), [3; 50]);
    assert_eq!(moved("&direction=fell"), [-1]);
}

#[test]
fn of_five_contributors_the_three_that_stay_count() {
    let place = releases::world(&["1"; 5], 0);
    let service = place.serve();
    let store = |name: &str, date: Date, rate: &str| {
        let token = format!("{name}-token-of-a-test");
        let items = [
            item(&anr(name), "threat", &date.to_string(), &rated(&uuid(THREAT), 2, 10, rate)),
            item(&anr(name), "risk", &date.to_string(), &risks([[8, 0, 2]; 4])),
        ];
        service.store_stats(&token, &items);
    };
    for name in ["c0", "c1", "c2"] {
        for (before, rate) in [(4, "1"), (3, "1"), (2, "2"), (1, "2"), (0, "3")] {
            store(name, week(before), rate);
        }
    }
    store("c3", week(4), "5");
    store("c4", week(0), "3");
    drop(service);
    let service = releases::serve(&place, "3");
    let trends = service.get("/stats/trends.json?period=month").send().expect(200).json();
    let moved = trends["month"]["types"]["threat"]["moved"].as_array().unwrap();
    assert_eq!(moved.len(), 1, "{trends}");
    // Three moved by 2; with so few the step is 1. The published means, of all: 8/4, 8/4, 11/4, 11/4, 12/4.
    let wanted = json!({
        "object": uuid(THREAT), "measure": "averageRate", "value": 3, "change": 2, "values": [2, 2, 3, 3, 3],
        "slope": 1.1667, "band": "3-4", "trend": false
    });
    assert_eq!(numbers(&moved[0]), wanted);
    let feed = service.get("/feed.atom").send().expect(200).text();
    assert!(feed.contains("&lt;li&gt;△ +2.00 Fire (Probability)&lt;/li&gt;"), "{feed}");
    let path = format!("/stats/objects/{}.json", uuid(THREAT));
    let object = service.get(&path).send().expect(200).json();
    assert_eq!(
        object["changes"]["month"]["averageRate"],
        json!({"value": 3, "change": 2, "band": "3-4", "trend": false})
    );
    // What fewer have is as if it were not.
    let hidden = service.get(&format!("/stats/objects/{}.json", uuid(RARE))).send().expect(404);
    assert_eq!(hidden.text(), service.get(&format!("/stats/objects/{}.json", uuid(99))).send().expect(404).text());
    let high = &trends["month"]["high"]["current"];
    assert_eq!((&high["change"], &high["band"]), (&json!(0), &json!("3-4")), "{trends}");
    // A day of one's own stands for the newest published week that was over by then. Three weeks ago is no period: what was published then
    // and now differs by 1, those who joined and left included.
    let ask = |day: Date| service.get(&format!("/stats/trends.json?since={day}")).send().expect(200).json();
    let third = ask(week(3).checked_add(Span::new().days(2)).unwrap());
    assert_eq!((&third["since"]["since"], &third["since"]["matched"]), (&json!(week(3)), &json!(false)));
    let wanted = json!({
        "object": uuid(THREAT), "measure": "averageRate", "before": 2, "value": 3, "change": 1, "values": [],
        "slope": null, "band": "3-4", "trend": false
    });
    assert_eq!(numbers(&third["since"]["types"]["threat"]["moved"][0]), wanted);
    // Four weeks ago is: the same as over a month.
    let fourth = ask(week(4));
    assert_eq!(fourth["since"]["matched"], json!(true));
    assert_eq!(fourth["since"]["types"], trends["month"]["types"]);
    assert_eq!(fourth["since"]["high"], trends["month"]["high"]);
    // Before the first week there is nothing, and with the newest itself nothing differs.
    let before = ask(week(4).yesterday().unwrap());
    assert_eq!((&before["since"]["since"], &before["since"]["types"]), (&Value::Null, &json!({})));
    assert_eq!(ask(week(0))["since"]["types"]["threat"]["moved"], json!([]));
    // High risks of the newest week are told whatever there was before.
    assert_eq!(before["high"]["current"]["at_most"], json!(true), "{before}");
    // Every answer is a function of what was published: of one week alone nothing moved.
    drop(service);
    place.ok(&["release", "withdraw", &week(4).to_string(), "--yes"]);
    let service = releases::serve(&place, "3");
    let trends = service.get("/stats/trends.json?period=month").send().expect(200).json();
    assert_eq!(trends["month"]["high"], json!({}));
}
