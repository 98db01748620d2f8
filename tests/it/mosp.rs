//! Look-ups on MOSP.

use crate::common::batch::{item, rated, uuid};
use crate::common::{Place, Service, days_ago, today};
use crate::releases::{RARE, THREAT as COMMON, anr, answers, built, week, world};
use crate::remote::{Remote, Trick};
use serde_json::{Value, json};

const THREAT: &str = "b402d4e0-4576-11e9-9173-0800277f0571";
const VULNERABILITY: &str = "69fc1ab1-4591-11e9-9173-0800277f0571";
const UNKNOWN: &str = "69fc1ab1-4591-11e9-9173-0800277f0572";

fn object() -> Value {
    json!({"id": 17, "name": "Fire", "description": "A threat", "last_updated": "2026-11-01T10:00:00",
        "json_object": {"uuid": THREAT, "language": "EN"}, "organization": {"id": 1, "name": "MONARC"},
        "licenses": [{"license_id": "CC0-1.0", "name": "Creative Commons Zero"}]})
}

/// A store with a threat and a vulnerability, and a MOSP that has the threat.
fn place() -> (Place, Remote) {
    let (place, mosp) = (Place::new(), Remote::start());
    mosp.state().objects.insert(THREAT.into(), object());
    place.client("fo");
    let line = |kind: &str, uuid: &str| {
        let data = json!([{"uuid": uuid, "count": 1, "maxRisk": 3, "averageRate": "2"}]);
        let anr = "5f0c5d8e-6f0e-4b4e-9d0a-3c1f5a7b2e01";
        format!("{}\n", json!({"anr": anr, "type": kind, "date": days_ago(1), "data": data}))
    };
    let path = place.path().join("stats.ndjson");
    std::fs::write(&path, line("threat", THREAT) + &line("vulnerability", VULNERABILITY)).unwrap();
    place.ok(&["import", &path.display().to_string(), "--client", "fo"]);
    (place, mosp)
}

fn ask(service: &Service, uuid: &str) -> Value {
    service.get(&format!("/mosp/{uuid}.json")).send().expect(200).json()
}

#[test]
fn the_command_says_whether_an_object_is_published() {
    let (place, mosp) = place();
    let run = |words: &[&str]| place.run(&[&["mosp", "published"], words, &["--mosp-url", &mosp.url]].concat());
    let output = run(&[THREAT, "--verbose"]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0));
    for part in [
        &format!("is published: {}/object/{THREAT}", mosp.url),
        "17  Fire",
        "Organisation: MONARC",
        "Licences: Creative",
    ] {
        assert!(said.contains(part), "{part} in {said}");
    }
    assert_eq!(run(&[THREAT]).stdout.split(|byte| *byte == b'\n').count(), 2);
    assert_eq!(run(&[UNKNOWN]).status.code(), Some(1));
    for trick in [Trick::HangUp, Trick::Answer(500, "", ""), Trick::Answer(200, "", "<html>")] {
        mosp.play(&[trick]);
        let output = run(&[THREAT]);
        assert_eq!(output.status.code(), Some(2));
        assert!(!output.stderr.is_empty());
    }
    assert_eq!(run(&["nonsense"]).status.code(), Some(64));
    assert!(mosp.state().requests.iter().all(|request| !request.headers.contains_key("x-api-key")));
    let off = place.run(&["mosp", "published", THREAT, "--mosp-url", ""]);
    assert!(String::from_utf8(off.stderr).unwrap().contains("MOSP_URL is empty"));
}

#[test]
fn the_service_answers_for_its_own_objects_and_remembers() {
    let (place, mosp) = place();
    let service = place.serve_with(&[("MOSP_URL", &mosp.url)]);
    let expected = json!({
        "uuid": THREAT, "published": true, "url": format!("{}/object/{THREAT}", mosp.url),
        "objects": [{"id": 17, "name": "Fire", "organization": "MONARC", "last_updated": "2026-11-01T10:00:00",
            "licenses": ["Creative Commons Zero"], "description": "A threat", "language": "EN"}],
    });
    let missing = json!({"uuid": VULNERABILITY, "published": false, "url": null, "objects": []});
    for _ in 0..2 {
        assert_eq!(ask(&service, THREAT), expected);
        assert_eq!(ask(&service, &THREAT.to_uppercase()), expected);
        assert_eq!(ask(&service, VULNERABILITY), missing);
    }
    assert_eq!(mosp.state().requests.len(), 2);
    service.get(&format!("/mosp/{UNKNOWN}.json")).send().expect(404);
    service.get("/mosp/nonsense.json").send().expect(400);
    service.get(&format!("/mosp/{THREAT}")).send().expect(404);
    assert_eq!(mosp.state().requests.len(), 2, "nobody asks MOSP through this service");
    service.stop();
    // Answers outlive the service: found for 7 days, not found for one.
    let service = place.serve_with(&[("MOSP_URL", &mosp.url)]);
    let age = |days: i64| {
        let store = rusqlite::Connection::open(place.store()).unwrap();
        let asked_at = jiff::Timestamp::now().as_second() - days * 86_400 - 60;
        store.execute("UPDATE mosp SET asked_at = ?1", [asked_at]).unwrap();
    };
    for (days, number) in [(0, 2), (1, 3), (6, 4), (7, 6)] {
        age(days);
        ask(&service, THREAT);
        ask(&service, VULNERABILITY);
        assert_eq!(mosp.state().requests.len(), number, "after {days} days");
    }
    service.stop();
}

#[test]
fn without_mosp_only_the_link_is_missing() {
    let (place, mosp) = place();
    let unknown = json!({"uuid": THREAT, "published": null, "url": null, "objects": []});
    let service = place.serve_with(&[("MOSP_URL", "")]);
    assert_eq!(ask(&service, THREAT), unknown);
    service.stop();
    let service = place.serve_with(&[("MOSP_URL", &mosp.url)]);
    mosp.play(&[Trick::HangUp]);
    for _ in 0..3 {
        assert_eq!(ask(&service, THREAT), unknown);
    }
    assert_eq!(mosp.state().requests.len(), 1, "it is left alone for a while");
    service.get("/stats/threats.json").send().expect(200);
    service.stop();
}

/// Three that share: one threat all call alike, one each calls by a name of its own, one only two have.
fn with_names() -> Place {
    let place = world(&["1", "2", "3"], 1);
    let service = place.serve_with(&[("MOSP_URL", "")]);
    for number in 0..3 {
        let (name, last) = (format!("c{number}"), week(0).to_string());
        let named = |object: usize, text: &str| rated(&uuid(object), 2, 10, "2").replace("Fire", text);
        let lists = [rated(&uuid(COMMON), 2, 10, "2"), named(OWN, &name), named(RARE, "Mallory")];
        let objects = lists.iter().take(if number < 2 { 3 } else { 2 });
        let data: Vec<Value> = objects.flat_map(|list| serde_json::from_str::<Vec<Value>>(list).unwrap()).collect();
        let stat = item(&anr(&name), "threat", &last, &Value::from(data).to_string());
        service.store_stats(&format!("{name}-token-of-a-test"), &[stat]);
    }
    place
}

/// The threat that each calls by a name of its own.
const OWN: usize = 7;

/// A service of at least three, once it has built what is due.
fn released(place: &Place, mosp: &Remote) -> Service {
    let service = place.serve_with(&[("MOSP_URL", &mosp.url), ("PUBLIC_MIN_CLIENTS", "3")]);
    built(place);
    service
}

fn labels(service: &Service, object: usize) -> Value {
    let threats = service.get("/stats/threats.json").send().expect(200).json();
    let found = threats.as_array().unwrap().iter().find(|threat| threat["object"] == uuid(object));
    found.unwrap_or_else(|| panic!("{threats}"))["labels"].clone()
}

#[test]
fn a_release_has_the_names_of_mosp_where_too_few_give_one_alike() {
    let (place, mosp) = (with_names(), Remote::start());
    let named = |id: u64, name: &str, language: Value| json!({"id": id, "name": name, "json_object": language});
    let objects = json!([
        named(9, "Mallory's fire", json!({"language": "EN"})),
        named(3, "Fire of MOSP", json!({"label": "no language"})),
        named(4, "Feu", json!({"language": "fr"})),
        named(5, "Fuoco", json!({"language": "IT"})),
        named(6, &"long ".repeat(1000), json!({"language": "DE"})),
        named(7, "Vuur", json!("no object")),
    ]);
    mosp.state().objects.insert(uuid(OWN), objects);
    for object in [COMMON, RARE] {
        mosp.state().objects.insert(uuid(object), named(1, "nobody asked", Value::Null));
    }
    let service = released(&place, &mosp);
    let known = json!({"label1": "Feu", "label2": "Fire of MOSP", "label3": "", "label4": ""});
    assert_eq!(labels(&service, OWN), known);
    assert_eq!(labels(&service, COMMON)["label2"], "Fire");
    // Of what is not shown nobody learns that it is there, and what has a name needs none.
    let asked = || mosp.state().requests.iter().map(|request| request.path.clone()).collect::<Vec<_>>();
    assert_eq!(asked(), [format!("/api/v2/object/?uuid={}", uuid(OWN))]);
    // Then it stands, whatever MOSP says later and whoever looks.
    let before = answers(&service);
    mosp.state().objects.insert(uuid(OWN), named(3, "Renamed", json!({"language": "EN"})));
    let store = rusqlite::Connection::open(place.store()).unwrap();
    store.execute("UPDATE mosp SET asked_at = 0", []).unwrap();
    assert_eq!(ask(&service, &uuid(OWN))["objects"][0]["name"], "Renamed");
    service.store_stats("c0-token-of-a-test", &[item(&anr("c0"), "threat", &today().to_string(), "[]")]);
    assert!(answers(&service) == before);
    drop(service);
    assert!(answers(&released(&place, &mosp)) == before);
}

#[test]
fn a_release_does_not_wait_for_mosp() {
    let (place, mosp) = (with_names(), Remote::start());
    mosp.state().objects.insert(uuid(OWN), json!({"id": 1, "name": "too late"}));
    mosp.play(&[Trick::HangUp]);
    let service = released(&place, &mosp);
    assert_eq!(labels(&service, OWN), json!({"label1": "", "label2": "", "label3": "", "label4": ""}));
    let before = answers(&service);
    drop(service);
    // Somebody could ask it now, and what was published unnamed stays so.
    let service = released(&place, &mosp);
    assert_eq!(ask(&service, &uuid(OWN))["objects"][0]["name"], "too late");
    assert!(answers(&service) == before);
}

/// Five that share, of which three have this many threats that each calls by a name of its own, and all have the last one.
fn with_many_names(number: usize) -> Place {
    let place = world(&["1", "2", "3", "4", "5"], 1);
    let service = place.serve_with(&[("MOSP_URL", "")]);
    for client in 0..5 {
        let name = format!("c{client}");
        let one =
            |object: usize| json!({"uuid": uuid(object), "label2": name, "count": 1, "maxRisk": 3, "averageRate": "2"});
        let own = (0..if client < 3 { number } else { 0 }).map(|object| one(FIRST + object));
        let data: Vec<Value> = own.chain([one(SHARED)]).collect();
        let stat = item(&anr(&name), "threat", &week(0).to_string(), &Value::from(data).to_string());
        service.store_stats(&format!("{name}-token-of-a-test"), &[stat]);
    }
    place
}

const FIRST: usize = 1000;
const SHARED: usize = 9999;

/// Questions that the names of one week may cost.
const QUESTIONS: usize = 200;

#[test]
fn a_week_asks_so_many_questions_and_the_next_one_goes_on_with_others() {
    let (place, mosp) = (with_many_names(QUESTIONS + 50), Remote::start());
    mosp.state().objects.insert(uuid(SHARED), json!({"id": 1, "name": "what most have"}));
    let asked = || mosp.state().requests.iter().map(|request| request.path.clone()).collect::<Vec<_>>();
    let service = released(&place, &mosp);
    assert_eq!(asked().len(), QUESTIONS);
    assert!(asked()[0].ends_with(&uuid(SHARED)), "what most contributors have comes first");
    assert_eq!(labels(&service, SHARED)["label2"], "what most have");
    let log = service.stop();
    assert!(log.contains(&format!("51 objects of the week that ended on {} stay unnamed", week(0))), "{log}");
    // A week later, and another one: answers are kept long enough that in the end all were asked about, once.
    for number in [QUESTIONS + 51, QUESTIONS + 51] {
        let store = rusqlite::Connection::open(place.store()).unwrap();
        store.execute_batch("DELETE FROM release; UPDATE mosp SET asked_at = asked_at - 7 * 86400 - 60").unwrap();
        drop(store);
        let log = released(&place, &mosp).stop();
        assert!(asked().len() == number && !log.contains("stay unnamed"), "{log}");
    }
    let different: std::collections::BTreeSet<_> = asked().into_iter().collect();
    assert_eq!(different.len(), QUESTIONS + 51);
}
