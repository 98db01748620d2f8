//! The feed and the operator's notice: what is public, and nothing else. `tests/feed/run` has a reader of feeds look at it.

use crate::common::batch::{ANR, item};
use crate::common::{Place, Service, days_ago, today};

/// What stands between these, each time.
fn all(text: &str, from: &str, to: &str) -> Vec<String> {
    text.split(from).skip(1).map(|part| part.split(to).next().unwrap().to_owned()).collect()
}

fn feed(service: &Service, path: &str) -> String {
    let reply = service.get(path).send().expect(200);
    assert_eq!(reply.headers["content-type"], "application/atom+xml; charset=utf-8");
    reply.text()
}

#[test]
fn a_live_feed_has_the_newest_day() {
    let place = Place::new();
    let token = place.client("secret-name");
    let service = place.serve();
    assert!(all(&feed(&service, "/feed.atom"), "<entry>", "</entry>").is_empty());
    service.store_stats(&token, &[item(ANR, "threat", &days_ago(1), "[]"), item(ANR, "threat", &days_ago(0), "[]")]);
    let text = feed(&service, "/feed.atom");
    let [entry] = &all(&text, "<entry>", "</entry>")[..] else { panic!("{text}") };
    assert!(entry.contains(&format!("<id>http://{}/feed.atom#day-{}</id>", "127.0.0.1:0", today())), "{entry}");
    assert!(entry.contains(&format!("<updated>{}T00:00:00Z</updated>", today())), "{entry}");
    assert!(!text.contains("secret-name") && !text.contains(ANR));
    assert!(feed(&service, "/feed.atom?lang=de").contains("Statistiken bis"));
    let tag = service.get("/feed.atom").send().headers["etag"].clone();
    service.get("/feed.atom").header("If-None-Match", &tag).send().expect(304);
}

/// A place where three organisations share what they had so many days ago, in two weeks of which the first is released.
fn three(days: [i64; 2]) -> Place {
    let place = Place::new();
    for client in ["a", "b", "c"] {
        place.client(client);
        place.ok(&["client", "enable-sharing", client]);
        let data = serde_json::json!([{"uuid": ANR, "label1": "x", "label2": "x", "label3": "x", "label4": "x",
            "count": 2, "maxRisk": 12, "averageRate": "3"}]);
        let anr = uuid::Uuid::new_v4().to_string();
        let line = |days| serde_json::json!({"anr": anr, "type": "threat", "date": days_ago(days), "data": data});
        let file = place.path().join("lines.ndjson");
        std::fs::write(&file, days.map(|days| format!("{}\n", line(days))).concat()).unwrap();
        place.ok(&["import", &file.display().to_string(), "--client", client]);
    }
    place
}

fn published(place: &Place) -> Service {
    let service = place.serve_with(&[("PUBLIC_MIN_CLIENTS", "3"), ("INSTANCE_URL", "https://stats.example.org")]);
    crate::common::until("a release", || service.get("/feed.atom").send().text().contains("<entry>"));
    service
}

#[test]
fn a_feed_of_releases_has_the_newest_week_and_its_band() {
    let place = three([1, 12]);
    let service = published(&place);
    let text = feed(&service, "/feed.atom");
    let week = service.get("/stats/summary.json").send().expect(200).json()["newest"].as_str().unwrap().to_owned();
    let [entry] = &all(&text, "<entry>", "</entry>")[..] else { panic!("{text}") };
    assert!(entry.contains(&format!("<id>https://stats.example.org/feed.atom#week-{week}</id>")), "{entry}");
    assert!(entry.contains("of 3-4 organisations"), "{entry}");
}

/// A page of releases whose front offices have fallen silent goes on to look well for ever, unless it says so.
#[test]
fn pages_say_that_newer_figures_should_be_there() {
    for (days, is_told) in [([1, 12], false), ([40, 60], true)] {
        let place = three(days);
        let html = published(&place).get("/").send().expect(200).text();
        assert!(html.contains("<p class=\"notice released\">Weekly figures, newest week until"), "{html}");
        let is_old = html.split("<p class=\"notice released\">").nth(1).unwrap().split("</p>").next().unwrap();
        assert_eq!(is_old.contains("days old: newer ones should be there."), is_told, "{is_old}");
    }
}

#[test]
fn a_notice_stands_on_every_page_and_in_the_feed_as_it_is() {
    let place = Place::new();
    let service = place.serve_with(&[("NOTICE", "Away on <b>Monday</b> & \"Tuesday\"")]);
    let escaped = "Away on &lt;b&gt;Monday&lt;/b&gt; &amp; &quot;Tuesday&quot;";
    for page in ["/", "/threats", "/help", "/api/v1/"] {
        let html = service.get(page).send().expect(200).text();
        assert_eq!(all(&html, "<p class=\"notice operator\">", "</p>"), [escaped], "{page}");
        assert!(html.contains("type=\"application/atom+xml\" href=\""), "{page}");
    }
    let text = feed(&service, "/feed.atom");
    let [entry] = &all(&text, "<entry>", "</entry>")[..] else { panic!("{text}") };
    // HTML as text, twice escaped: a reader that shows it shows the notice as it is.
    let twice = format!("<p>{escaped}</p>").replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let twice = twice.replace('"', "&quot;");
    assert!(entry.contains(&format!("<content type=\"html\">{twice}</content>")), "{entry}");
    assert!(all(entry, "<id>", "</id>")[0].contains("#notice-"));
    let started = all(entry, "<updated>", "</updated>");
    assert_eq!(all(&text, "<updated>", "</updated>"), [started[0].clone(), started[0].clone()]);
    // Without one there is none.
    let elsewhere = Place::new();
    let quiet = elsewhere.serve_with(&[("PUBLIC_PAGES", "off")]);
    quiet.get("/feed.atom").send().expect(404);
    let page = quiet.get("/api/v1/").send().expect(200).text();
    assert!(!page.contains("operator\">") && !page.contains("feed.atom"));
    for notice in ["two\nlines", &"x".repeat(501)] {
        let mut command = place.command(&["serve", "--port", "0"]);
        let output = command.env("NOTICE", notice).output().unwrap();
        assert!(String::from_utf8(output.stderr).unwrap().contains("NOTICE"));
        assert!(!output.status.success());
    }
}
