//! One's own figures beside those of others, in worlds that were computed by hand, and what must not be seen there.

use crate::common::batch::{item, rated, risks, uuid};
use crate::common::{ADMIN, Place, Reply, Service, days_ago, today};
use crate::releases::{RARE, THREAT, anr, contribute, serve, week, world};
use crate::view_links::{enter, link};
use serde_json::{Value, json};

/// A threat of a stat: its number, count, highest risk and rate.
type Threat = (usize, u64, u64, &'static str);

fn threats(all: &[Threat]) -> String {
    let one = |(object, count, risk, rate): &Threat| json!({"uuid": uuid(*object), "label2": format!("threat {object}"), "count": count, "maxRisk": risk, "averageRate": rate});
    Value::Array(all.iter().map(one).collect()).to_string()
}

/// What each client's analyses have: the numbers are those of the comments below.
const STATS: [(&str, &[&[Threat]]); 5] = [
    ("a", &[&[(1, 3, 10, "1"), (2, 1, 50, "4")], &[(1, 1, 30, "3")]]),
    ("b", &[&[(1, 1, 10, "1"), (2, 1, 20, "2")]]),
    ("c", &[&[(1, 1, 20, "2")]]),
    ("d", &[&[(1, 1, 30, "3")]]),
    ("e", &[&[(1, 3, 50, "5"), (2, 1, 10, "1")]]),
];

/// So many of these clients on a live instance; d and e are one organisation.
fn house(clients: usize) -> (Place, Service) {
    let place = Place::new();
    for (name, _) in &STATS[..clients] {
        place.client(name);
    }
    if clients == 5 {
        place.ok(&["client", "set-group", "d", "Group"]);
        place.ok(&["client", "set-group", "e", "Group"]);
    }
    let service = place.serve();
    for (number, (name, analyses)) in STATS[..clients].iter().enumerate() {
        let stats: Vec<String> = analyses
            .iter()
            .enumerate()
            .flat_map(|(analysis, data)| {
                let (anr, date) = (uuid(100 + 10 * number + analysis), today().to_string());
                let low = number as u64 + 1;
                let levels = risks([[low, 4, 0], [0, 0, 0], [low, 4, 0], [0, 0, 0]]);
                [item(&anr, "threat", &date, &threats(data)), item(&anr, "risk", &date, &levels)]
            })
            .collect();
        service.store_stats(&token(name), &stats);
    }
    (place, service)
}

fn token(name: &str) -> String {
    format!("{name}-token-of-a-test")
}

fn ask(service: &Service, name: &str, kind: &str) -> Reply {
    service.get(&format!("/api/v1/benchmark?type={kind}")).token(&token(name)).send().expect(200)
}

/// A figure without anybody beside it.
fn alone(measure: &str, own: f64) -> Value {
    json!({"measure": measure, "own": number(own), "others": null, "band": null, "median": null, "quartiles": null, "step": null, "remote": null})
}

fn beside(measure: &str, own: f64, others: f64, band: &str) -> Value {
    let mut figure = alone(measure, own);
    figure["others"] = number(others);
    figure["band"] = band.into();
    figure
}

/// The same, released: with the step of its grid.
fn released(measure: &str, own: f64, others: f64, step: f64) -> Value {
    let mut figure = beside(measure, own, others, "5-9");
    figure["step"] = number(step);
    figure
}

/// A number as answers have it: an integer where it is one.
#[allow(clippy::cast_possible_truncation)]
fn number(value: f64) -> Value {
    if value.fract() == 0.0 { (value as i64).into() } else { value.into() }
}

#[test]
fn a_client_sees_the_mean_of_the_other_organisations() {
    let (place, service) = house(5);
    let labels =
        |number: usize| json!({"label1": "", "label2": format!("threat {number}"), "label3": "", "label4": ""});
    // b, c and the group of d and e: its analyses have shares of 1 and 0.75, risks of 30 and 50, rates of 3 and 5.
    let wanted = json!({
        "type": "threat",
        "own": {"analyses": 2, "week": null},
        "others": {"mode": "live", "week": null, "band": "3-4"},
        "remote": null,
        "objects": [
            {"object": uuid(1), "labels": labels(1), "figures": [
                beside("share", 0.875, 0.791666667, "3-4"),
                beside("maxRisk", 20.0, 23.333333333, "3-4"),
                beside("averageRate", 2.0, 2.333333333, "3-4"),
            ]},
            // Only two organisations have it beside this one.
            {"object": uuid(2), "labels": labels(2), "figures": [
                alone("share", 0.25), alone("maxRisk", 50.0), alone("averageRate", 4.0),
            ]},
        ],
    });
    let answer = ask(&service, "a", "threat");
    assert_eq!(answer.json(), wanted);
    assert_eq!(answer.headers["cache-control"], "no-store");
    // The same through its view link, and nothing of it for whoever else asks.
    let link = link(&place, "a", &[]);
    let cookie = format!("view-{}={}", link.number, link.token);
    let path = format!("/v/{}/stats/benchmark.json?type=threat", link.number);
    assert_eq!(service.get(&path).header("Cookie", &cookie).send().expect(200).json(), wanted);
    let levels = service.get(&path.replace("threat", "risk")).header("Cookie", &cookie).send().expect(200).json();
    assert_eq!(levels, ask(&service, "a", "risk").json());
    // Alone, d is an organisation of its own: 1, 2, 3 and 5.
    place.ok(&["client", "set-group", "d", ""]);
    let rate = |name: &str| ask(&service, name, "threat").json()["objects"][0]["figures"][2].clone();
    assert_eq!(rate("a"), beside("averageRate", 2.0, 2.75, "3-4"));
    // With a in the group of e there are b, c and d beside it; with d in it too there are but two.
    place.ok(&["client", "set-group", "a", "Group"]);
    assert_eq!(rate("a"), beside("averageRate", 2.0, 2.0, "3-4"));
    place.ok(&["client", "set-group", "d", "Group"]);
    let answer = ask(&service, "a", "threat").json();
    assert_eq!(answer["objects"][0]["figures"][2], alone("averageRate", 2.0));
    assert_eq!(answer["others"], json!({"mode": "live", "week": null, "band": null}));
    // Who is deactivated is nobody beside others.
    place.ok(&["client", "set-group", "a", ""]);
    place.ok(&["client", "set-group", "d", ""]);
    place.ok(&["client", "deactivate", "c"]);
    assert_eq!(rate("a"), beside("averageRate", 2.0, 3.0, "3-4"));
    // Neither is who has sent nothing for four weeks; a day less, and its 1 is beside the 1, 3 and 5 of b, d and e.
    place.client("f");
    for (days, mean) in [(28, 3.0), (27, 2.5)] {
        service.store_stats(&token("f"), &[item(&uuid(200), "threat", &days_ago(days), &threats(&[(1, 1, 10, "1")]))]);
        assert_eq!(rate("a")["others"], number(mean), "{days}");
    }
}

#[test]
fn levels_are_shares_and_cells_of_matrices_are_not_compared() {
    let (_place, service) = house(5);
    // What was added up for another type stays with that.
    ask(&service, "b", "threat");
    let answer = ask(&service, "a", "risk").json();
    let objects = answer["objects"].as_array().unwrap();
    let names: Vec<Value> = objects.iter().map(|one| json!([one["state"], one["category"], one["level"]])).collect();
    // There are no operational risks: of none there are no shares.
    assert_eq!(names.len(), 6, "{names:?}");
    let low = objects.iter().find(|one| one["state"] == "current" && one["level"] == "Low risks").unwrap();
    assert_eq!(low["category"], "informational");
    // 1 of 5; beside it 2 of 6, 3 of 7, and the mean of 4 of 8 and 5 of 9.
    let others = (2.0 / 6.0 + 3.0 / 7.0 + (4.0 / 8.0 + 5.0 / 9.0) / 2.0) / 3.0;
    assert_eq!(low["figures"], json!([beside("share", 0.2, (others * 1e9_f64).round() / 1e9, "3-4")]));
    for (query, said) in [("?type=cartography", "risk, threat"), ("", "Missing"), ("?type=threat&client=b", "Unknown")]
    {
        let refused = service.get(&format!("/api/v1/benchmark{query}")).token(&token("a")).send().expect(400);
        assert!(refused.text().contains(said), "{query}: {}", refused.text());
    }
}

/// With one or two others an answer is what it is with none, to the byte.
#[test]
fn two_clients_and_an_outsider_see_nothing_of_each_other() {
    let (_place, single) = house(1);
    for clients in [2, 3] {
        let (place, service) = house(clients);
        for kind in ["threat", "risk", "vulnerability", "compliance"] {
            assert_eq!(ask(&service, "a", kind).body, ask(&single, "a", kind).body, "{clients} {kind}");
        }
        let link = link(&place, "b", &[]);
        let cookie = format!("view-{}={}", link.number, link.token);
        for (path, status) in [("/api/v1/benchmark?type=threat", 401), (&*format!("/v/{}/", link.number), 401)] {
            service.get(path).send().expect(status);
        }
        service.get("/api/v1/benchmark?type=threat").header("Cookie", &cookie).send().expect(401);
        service.get("/api/v1/benchmark?type=threat").token("wrong-token-of-a-test").send().expect(403);
        let seen = service.get(&format!("/v/{}/stats/benchmark.json?type=threat", link.number));
        let seen = seen.header("Cookie", &cookie).send().expect(200).json();
        assert_eq!(seen["objects"][0]["figures"][2], alone("averageRate", 1.0));
        // An admin without stats has nothing to compare, and so sees nothing.
        let admin = service.get("/api/v1/benchmark?type=threat").token(ADMIN).send().expect(200).json();
        assert_eq!(admin["objects"], json!([]));
    }
}

#[test]
fn released_figures_stand_beside_ones_own_live_ones() {
    let place = world(&["1", "2", "3", "4", "5"], 2);
    let service = serve(&place, "3");
    let answer = || ask(&service, "c0", "threat").json();
    // Of five: steps of a tenth of the scale, and shares of 1 are told as at least 0.9. No median of fewer than ten.
    let figures = json!([
        released("share", 1.0, 0.9, 0.1),
        released("maxRisk", 10.0, 30.0, 10.0),
        released("averageRate", 1.0, 3.0, 0.5),
    ]);
    assert_eq!(
        answer()["objects"],
        json!([{"object": uuid(THREAT), "labels":
        {"label1": "", "label2": "Fire", "label3": "", "label4": ""}, "figures": figures}])
    );
    assert_eq!(answer()["others"], json!({"mode": "releases", "week": week(0).to_string(), "band": "5-9"}));
    assert_eq!(answer()["own"], json!({"analyses": 1, "week": null}));
    let compliance = ask(&service, "c0", "compliance").json();
    assert_eq!(
        compliance["objects"][0]["figures"],
        json!([released("current", 0.5, 0.5, 0.1), released("target", 1.0, 0.9, 0.1)])
    );
    assert_eq!(compliance["objects"][0]["labels"]["label2"], "Access");
    // What others post now changes nothing; what one posts oneself does at once, also what nobody else has.
    let post = |name: &str, data: String| {
        service.store_stats(&token(name), &[item(&anr(name), "threat", &today().to_string(), &data)]);
    };
    let before = answer();
    post("c1", threats(&[(THREAT, 1, 90, "5")]));
    assert_eq!(answer(), before);
    post("c0", threats(&[(THREAT, 1, 40, "4"), (RARE, 3, 20, "2")]));
    let objects = answer()["objects"].clone();
    assert_eq!(objects[0]["figures"][2], released("averageRate", 4.0, 3.0, 0.5));
    assert_eq!(objects[1]["figures"], json!([alone("share", 0.75), alone("maxRisk", 20.0), alone("averageRate", 2.0)]));
    // The whole instance, for anybody, is what was released and nothing beside it.
    let public = service.get("/stats/benchmark.json?type=threat").send().expect(200);
    assert!(public.headers.contains_key("etag") && public.headers["last-modified"].ends_with(" GMT"));
    let public = public.json();
    assert_eq!(public["objects"][0]["figures"][2], alone("averageRate", 3.0));
    assert_eq!(
        (&public["own"], &public["others"]),
        (&json!({"analyses": null, "week": week(0).to_string()}), &Value::Null)
    );
}

/// What a client sees of its own, with its token and through its view link.
fn own_answers(service: &Service, name: &str, view: &str, cookie: &str) -> Vec<(String, String)> {
    let averages =
        [("threat", "threat_average_on_date"), ("compliance", "compliance_average")].map(|(kind, processor)| {
            let question = json!({"type": kind, "processor": processor, "anrs": [anr(name)]});
            (format!("processed {kind}"), service.processed(&token(name), &question).expect(200).text())
        });
    let benchmarks =
        ["threat", "compliance"].map(|kind| (format!("benchmark {kind}"), ask(service, name, kind).text()));
    let object = format!("stats/objects/{}.json", uuid(RARE));
    let viewed = ["stats/threats.json", "stats/compliance.json", "stats/trends.json", &object]
        .into_iter()
        .chain(["stats/compared.json?type=threat", "stats/benchmark.json?type=threat", "data/threats/data.csv"])
        .map(|path| {
            let reply = service.get(&format!("{view}{path}")).header("Cookie", cookie).send();
            (path.to_owned(), reply.expect(200).text())
        });
    averages.into_iter().chain(benchmarks).chain(viewed).collect()
}

/// Where figures are released a text that one client gives is nobody else's, and whether somebody gives one neither.
#[test]
fn a_text_that_was_not_published_is_its_clients_alone() {
    let place = world(&["1", "2", "3"], 2);
    let service = serve(&place, "3");
    let (cookie, view) = enter(&service, &link(&place, "c1", &[]));
    let post = |name: &str, text: &str| {
        let category = json!([{"label2": "Access", "value": "0.5"}]);
        let compliance = json!([{"referential": "house", "label2": text, "current": category, "target": category}]);
        let published = if text.is_empty() { "" } else { "Fire" };
        // Something moves, so that what moved has names, too.
        for (date, rate) in [(days_ago(40), "2"), (week(1).to_string(), "1"), (today().to_string(), "1")] {
            let one = |object: usize, text: &str| json!({"uuid": uuid(object), "label1": text, "label2": text, "count": 1, "maxRisk": 5, "averageRate": rate});
            let threats = json!([one(THREAT, published), one(RARE, text)]);
            for (kind, data) in [("threat", &threats), ("compliance", &compliance)] {
                service.store_stats(&token(name), &[item(&anr(name), kind, &date, &data.to_string())]);
            }
        }
    };
    post("c1", "");
    let before = own_answers(&service, "c1", &view, &cookie);
    post("c0", "Mallory of ACME");
    for ((question, before), (_, now)) in before.iter().zip(own_answers(&service, "c1", &view, &cookie)) {
        assert_eq!(*before, now, "{question}");
    }
    let of = |token: &str, anrs: &[String]| {
        let question = json!({"type": "threat", "processor": "threat_average_on_date", "anrs": anrs});
        service.processed(token, &question).expect(200).json()["data"].clone()
    };
    // Its own stay its own; what was published is everybody's; who administers sees every figure, by its published name.
    let (cookie, view) = enter(&service, &link(&place, "c0", &[]));
    for (question, answer) in own_answers(&service, "c0", &view, &cookie) {
        assert!(answer.contains("Mallory of ACME"), "{question}: {answer}");
    }
    assert_eq!(of(&token("c2"), &[anr("c2")])[0]["labels"]["label2"], "Fire");
    for data in [of(ADMIN, &[anr("c0")]), of(ADMIN, &[])] {
        assert_eq!((&data[0]["labels"]["label2"], &data[1]["labels"]["label2"]), (&json!("Fire"), &json!("")));
        assert_eq!(data[1]["averages"]["maxRisk"], 5);
    }
}

#[test]
fn a_published_text_stands_where_a_client_gives_none() {
    let place = world(&["1", "2", "3"], 1);
    let service = serve(&place, "3");
    let unnamed = json!([{"uuid": uuid(THREAT), "count": 1, "maxRisk": 5, "averageRate": "1"}]).to_string();
    place.client("fresh");
    service.store_stats(&token("fresh"), &[item(&anr("fresh"), "threat", &today().to_string(), &unnamed)]);
    assert_eq!(ask(&service, "fresh", "threat").json()["objects"][0]["labels"]["label2"], "Fire");
    // Not what most clients call it by now.
    for name in ["c0", "c1", "c2"] {
        let renamed = rated(&uuid(THREAT), 1, 5, "1").replace("Fire", "Mallory");
        service.store_stats(&token(name), &[item(&anr(name), "threat", &today().to_string(), &renamed)]);
    }
    assert_eq!(ask(&service, "fresh", "threat").json()["objects"][0]["labels"]["label2"], "Fire");
    place.ok(&["release", "withdraw", &week(0).to_string(), "--yes"]);
    assert_eq!(ask(&service, "fresh", "threat").json()["objects"][0]["labels"]["label2"], "");
}

#[test]
fn fewer_than_k_contributors_leave_no_trace_beside_anybody() {
    let (one, two) = (world(&["1"], 2), world(&["1", "5"], 2));
    let (one, two) = (serve(&one, "3"), serve(&two, "3"));
    for kind in ["threat", "risk", "vulnerability", "compliance"] {
        assert_eq!(ask(&one, "c0", kind).body, ask(&two, "c0", kind).body, "{kind}");
        let path = format!("/stats/benchmark.json?type={kind}");
        assert_eq!(one.get(&path).send().expect(200).body, two.get(&path).send().expect(200).body, "{kind}");
    }
}

#[test]
fn ten_organisations_have_a_median_twenty_quartiles_and_nobody_an_end() {
    // The mean is 3; a quarter have 1 or 2, half up to 3, three quarters up to 4, all in steps of 0.5.
    for (clients, band, quartiles) in [(10, "10-19", Value::Null), (20, "20-49", json!([2, 4]))] {
        let place = Place::new();
        for number in 0..clients {
            contribute(&place, &format!("c{number}"), ["1", "2", "3", "4", "5"][number % 5], 1);
        }
        let service = serve(&place, "3");
        let answer = ask(&service, "c0", "threat");
        let mut rate = beside("averageRate", 1.0, 3.0, band);
        (rate["median"], rate["quartiles"], rate["step"]) = (json!(3), quartiles, json!(0.5));
        assert_eq!(answer.json()["objects"][0]["figures"][2], rate);
        for word in ["rank", "\"min", "\"max\"", "lowest", "highest", "percentile"] {
            assert!(!answer.text().contains(word), "{word}");
        }
    }
}

#[test]
fn live_everybodys_figures_are_the_mean_over_analyses() {
    let (_place, service) = house(5);
    let answer = service.get("/stats/benchmark.json?type=threat").send().expect(200).json();
    // Rates of 1, 3, 1, 2, 3 and 5.
    assert_eq!(answer["objects"][0]["figures"][2], alone("averageRate", 2.5));
    assert_eq!((&answer["own"], &answer["others"]), (&json!({"analyses": 6, "week": null}), &Value::Null));
}

/// Bug: whoever asked had the figures of all objects of all clients held at once: 140 MB for 200,000, and the same again for
/// each who asked beside it.
#[test]
fn what_others_have_is_not_held() {
    let place = Place::new();
    let small = place.client("small");
    let many: Vec<String> = (0..6).map(|number| place.client(&format!("many-{number}"))).collect();
    let service = place.serve();
    service.store_stats(&small, &[item(&uuid(1), "threat", &today().to_string(), &threats(&[(0, 1, 10, "1")]))]);
    for (number, token) in many.iter().enumerate() {
        let objects: Vec<Threat> = (0..10_000).map(|object| (10_000 * number + object, 1, 10, "1")).collect();
        service.store_stats(token, &[item(&uuid(2 + number), "threat", &today().to_string(), &threats(&objects))]);
    }
    let before = service.status("VmHWM");
    assert_eq!(ask(&service, "small", "threat").json()["objects"].as_array().unwrap().len(), 1);
    let held = service.status("VmHWM").saturating_sub(before) / 1024;
    assert!(held < 20, "{held} MB");
    let everybody = service.get("/stats/benchmark.json?type=threat").send().expect(200).json();
    let objects = everybody["objects"].as_array().unwrap();
    // Those of the client that has fewest are among them, and their share is that of all objects.
    assert!(objects.len() <= 5_000 && objects[0]["object"] == uuid(0), "{}", objects.len());
    let held = service.status("VmHWM").saturating_sub(before) / 1024;
    assert!(held < 30, "{held} MB");
}
