//! View links: one client's own figures for whoever has the link, and a list of attacks on that.

use crate::common::batch::{ANR, OTHER_ANR, item, rated, risks, uuid};
use crate::common::{ADMIN, Place, Reply, Service, days_ago, today};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::process::Command;

/// A link as it was printed: its number and its token.
pub struct Link {
    pub number: String,
    pub token: String,
}

/// Makes a link to a client's figures.
pub fn link(place: &Place, client: &str, more: &[&str]) -> Link {
    let text = place.ok(&[&["client", "view-link", "create", client], more].concat());
    let after = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).unwrap().to_owned();
    let url = after("Link: ");
    let token = url.trim_end_matches('/').rsplit('/').next().unwrap().to_owned();
    Link { number: after("Number: "), token }
}

/// Two clients with different stats of a week ago and of today, and the service.
fn house(variables: &[(&str, &str)]) -> (Place, Service) {
    let place = Place::new();
    let tokens = [place.client("alpha"), place.client("beta")];
    let service = place.serve_with(variables);
    for (token, anr, object, rate) in [(&tokens[0], ANR, 1, "1"), (&tokens[1], OTHER_ANR, 2, "4")] {
        let stats = [days_ago(7), today().to_string()].map(|date| {
            [
                item(anr, "threat", &date, &rated(&uuid(object), 2, 10 * object as u64, rate)),
                item(anr, "risk", &date, &risks([[object as u64, 0, 0]; 4])),
            ]
        });
        service.store_stats(token, &stats.concat());
    }
    // Before the first has anything.
    service.store_stats(&tokens[1], &[item(OTHER_ANR, "threat", &days_ago(9), &rated(&uuid(2), 2, 20, "4"))]);
    (place, service)
}

/// The cookie that a first visit gives, as a browser sends it back, and the address it is sent on to.
pub fn enter(service: &Service, link: &Link) -> (String, String) {
    let reply = service.get(&format!("/v/{}/", link.token)).send().expect(303);
    let cookie = reply.headers["set-cookie"].split(';').next().unwrap().to_owned();
    assert_eq!(reply.headers["location"], format!("../{}/", link.number));
    let root = reply.headers["set-cookie"].split("Path=").nth(1).unwrap().split(';').next().unwrap();
    (cookie, root.to_owned())
}

fn with(service: &Service, cookie: &str, path: &str) -> Reply {
    service.get(path).header("Cookie", cookie).send()
}

/// The same after another view was asked for it: nothing that was computed for one is another's.
fn after(service: &Service, (other, other_root): &(String, String), cookie: &str, path: &str) -> Reply {
    let (_, page) = path.split_at(other_root.len());
    with(service, other, &format!("{other_root}{page}"));
    with(service, cookie, path)
}

/// Everything that a view has, at its clean address.
const VIEWED: [&str; 29] = [
    "",
    "threats",
    "evolution",
    "vulnerabilities",
    "risks",
    "cartography",
    "compliance",
    "report",
    "benchmark",
    "trends",
    "stats/lines.json?type=threat",
    "stats/objects/00000000-0000-4000-8000-000000000001.json",
    "data/threats/data.csv",
    "data/risks-over-time/data.csv",
    "data/trends/data.csv",
    "data/threats/metadata.json",
    "stats/benchmark.json?type=threat",
    "help",
    "about",
    "threats/00000000-0000-4000-8000-000000000001",
    "stats/threats.json",
    "stats/vulnerabilities.json",
    "stats/risks.json",
    "stats/cartography.json",
    "stats/compliance.json",
    "stats/summary.json",
    "stats/trends.json",
    "stats/compared.json?type=threat",
    "about.json",
];

#[test]
fn a_view_shows_its_own_client_and_nobody_else_in_both_modes() {
    for k in ["1", "3"] {
        let (place, service) = house(&[("PUBLIC_MIN_CLIENTS", k)]);
        let (link, other) = (link(&place, "alpha", &["--note", "for the board"]), link(&place, "beta", &[]));
        let ((cookie, root), other) = (enter(&service, &link), enter(&service, &other));
        assert_eq!(root, format!("/v/{}/", link.number));
        let get = |path: &str| after(&service, &other, &cookie, &format!("{root}{path}")).expect(200);
        let numbers = json!({"count": 2, "maxRisk": 10, "averageRate": 1});
        let dated = |date: String| {
            let mut value = numbers.clone();
            value["date"] = date.into();
            value
        };
        let labels = json!({"label1": "", "label2": "Fire", "label3": "", "label4": ""});
        let values = [dated(days_ago(7)), dated(today().to_string())];
        let own = json!([{"object": uuid(1), "labels": labels, "values": values, "averages": numbers}]);
        assert_eq!(get("stats/threats.json").json(), own);
        assert_eq!(get("stats/threats.json?days=3").json()[0]["values"].as_array().unwrap().len(), 1);
        assert_eq!(get("stats/threats.json?last_stats=1").json(), own);
        assert_eq!(get("stats/risks.json").json()["current"]["informational"]["Low risks"], 1);
        let summary = get("stats/summary.json").json();
        assert_eq!(
            summary,
            json!({"clients": 1, "analyses": 1, "stats": 4, "days": 2, "oldest": days_ago(7), "newest": today().to_string(),
                "today": today().to_string()})
        );
        let compared = get("stats/compared.json?type=threat").json();
        assert_eq!((&compared["analyses"], &compared["objects"]), (&json!(1), &json!({uuid(1): 1})));
        assert_eq!(compared["now"]["averages"][0]["averages"], numbers);
        assert_eq!(compared["now"]["from"], days_ago(7));
        // Nothing of the other is anywhere, and every page leads only to what is inside.
        for path in VIEWED {
            let reply = get(path);
            let text = reply.text();
            assert!(!text.contains(&uuid(2)) && !text.contains("beta"), "{path}");
            if reply.headers["content-type"].starts_with("text/html") {
                assert!(
                    text.contains("This is what <strong>alpha</strong> has sent") && text.contains("data-view=\"own\""),
                    "{path}"
                );
                let links = text.split(" href=\"").skip(1).map(|rest| rest.split('"').next().unwrap());
                for link in links.filter(|link| !link.starts_with('#') && !link.contains(':') && !link.starts_with('?'))
                {
                    assert!(link.starts_with(&root), "{path}: {link}");
                    assert!(!link.contains("api/v1"), "{path}: {link}");
                    with(&service, &cookie, link).expect(200);
                }
            }
        }
        with(&service, &cookie, &format!("{root}mosp/{}.json", uuid(2))).expect(404);
        with(&service, &cookie, &format!("{root}stats/objects/{}.json", uuid(2))).expect(404);
        let basis = get("data/threats/metadata.json").json();
        assert_eq!(
            (&basis["mode"], &basis["basis"], &basis["from"]),
            (&json!("live"), &json!({"clients": 1, "analyses": 1, "stats": 4}), &json!(days_ago(7)))
        );
        let lines = get("stats/lines.json?type=threat").json();
        assert_eq!(lines["objects"].as_object().unwrap().keys().collect::<Vec<_>>(), [&uuid(1)]);
        let line = place.ok(&["client", "view-link", "list"]);
        assert!(line.contains("for the board") && line.contains("alpha") && !line.contains(&link.token), "{line}");
    }
}

/// Of an instance with one client the public sees what that client does; with another client beside it the view stays so.
#[test]
fn what_moved_in_a_view_is_of_its_client_alone() {
    let place = Place::new();
    let (token, other) = (place.client("alpha"), place.client("beta"));
    let ago = |weeks: i64| days_ago(7 * weeks);
    let both = |anr: &str, then: &str, now: &str| {
        let threat = |weeks, rate: &str| item(anr, "threat", &ago(weeks), &rated(&uuid(1), 2, 10, rate));
        let risk = |weeks, high| item(anr, "risk", &ago(weeks), &risks([[1, 1, high]; 4]));
        [threat(4, then), threat(0, now), risk(4, 3), risk(0, 1)]
    };
    drop(place.serve());
    let store = |token: &str, anr: &str, then: &str, now: &str| {
        let service = place.serve();
        service.store_stats(token, &both(anr, then, now));
    };
    store(&token, ANR, "4", "1");
    // Started anew, it computes what moved until today.
    let service = place.serve();
    let ask = |path: &str| service.get(path).send().expect(200).json();
    crate::common::until("it is computed", || ask("/stats/trends.json")["month"]["high"]["current"]["fell"] == 1);
    let alone = ask("/stats/trends.json");
    let change = ask(&format!("/stats/objects/{}.json", uuid(1)))["changes"].clone();
    assert_eq!(alone["month"]["types"]["threat"]["moved"][0]["change"], -3);
    drop(service);
    store(&other, OTHER_ANR, "1", "5");
    let service = place.serve();
    let (cookie, root) = enter(&service, &link(&place, "alpha", &[]));
    let other = enter(&service, &link(&place, "beta", &[]));
    let get = |path: &str| after(&service, &other, &cookie, &format!("{root}{path}")).expect(200);
    assert_eq!(get("stats/trends.json").json(), alone);
    assert_eq!(get("stats/trends.json?period=month").json()["month"], alone["month"]);
    assert_eq!(get(&format!("stats/objects/{}.json", uuid(1))).json()["changes"], change);
    assert!(get("data/trends/data.csv").text().contains("-3"));
    let since = get(&format!("stats/trends.json?since={}", days_ago(10))).json();
    let moved = &since["since"]["types"]["threat"]["moved"][0];
    assert_eq!((&moved["before"], &moved["change"], &moved["analyses"]), (&json!(4), &json!(-3), &json!(1)));
}

#[test]
fn what_a_view_answers_is_kept_by_nobody_and_tells_nobody() {
    let (place, service) = house(&[("PUBLIC_MIN_CLIENTS", "3")]);
    let link = link(&place, "alpha", &[]);
    let (cookie, root) = enter(&service, &link);
    let first = service.get(&format!("/v/{}/threats?by=count", link.token)).send().expect(303);
    assert_eq!(first.headers["location"], format!("../{}/threats?by=count", link.number));
    let mut replies = vec![first, service.get(&root).send().expect(401)];
    replies.extend(VIEWED.iter().map(|path| with(&service, &cookie, &format!("{root}{path}")).expect(200)));
    for path in ["nowhere", "assets/nothing.js"] {
        replies.push(with(&service, &cookie, &format!("{root}{path}")).expect(404));
    }
    for (method, status) in [("HEAD", 200), ("OPTIONS", 200), ("POST", 405)] {
        replies.push(service.request(method, &root).header("Cookie", &cookie).send().expect(status));
    }
    replies.push(service.get("/v/wrong-token-of-a-link/").header("Accept", "text/html").send().expect(403));
    for reply in &replies {
        assert_eq!(reply.headers["cache-control"], "no-store", "{:?}", reply.headers);
        assert_eq!(reply.headers["referrer-policy"], "no-referrer", "{:?}", reply.headers);
        assert_eq!(reply.headers["x-robots-tag"], "noindex, nofollow", "{:?}", reply.headers);
        assert_eq!(reply.headers["cross-origin-resource-policy"], "same-origin", "{:?}", reply.headers);
        assert!(reply.headers["vary"].starts_with("Cookie"), "{:?}", reply.headers);
        for name in ["etag", "last-modified", "access-control-allow-origin"] {
            assert!(!reply.headers.contains_key(name), "{name}: {:?}", reply.headers);
        }
        assert!(!reply.text().contains(&link.token));
    }
    // The token is in the one header that has to have it.
    let cookie_line = &replies[0].headers["set-cookie"];
    assert!(cookie_line.starts_with(&format!("view-{}={}; Path={root}; Max-Age=", link.number, link.token)));
    assert!(cookie_line.ends_with("; HttpOnly; SameSite=Lax"), "{cookie_line}");
    assert!(!replies[0].headers["location"].contains(&link.token));
    // A conditional request is answered in full: nothing is known to be unchanged.
    for path in ["stats/risks.json", "", "risks"] {
        let again = service.get(&format!("{root}{path}")).header("Cookie", &cookie);
        again.header("If-None-Match", "*").send().expect(200);
    }
    // Files are the same for all and may be kept.
    let page = with(&service, &cookie, &root).text();
    let style = page.split("href=\"").find(|rest| rest.contains(".css")).unwrap().split('"').next().unwrap().to_owned();
    let file = with(&service, &cookie, &style).expect(200);
    assert!(file.headers["cache-control"].contains("immutable") && file.headers["x-robots-tag"].contains("noindex"));
}

/// Bug: the page that says that there is nothing led out of the view, to everybody's figures, and where these are turned off it
/// was JSON.
#[test]
fn where_there_is_nothing_the_way_leads_back_into_the_view() {
    for public in ["on", "off"] {
        let (place, service) = house(&[("PUBLIC_PAGES", public)]);
        let (cookie, root) = enter(&service, &link(&place, "alpha", &[]));
        for path in ["nothing", "map", "threats/no-uuid", "a/b/c"] {
            let request = service.get(&format!("{root}{path}")).header("Cookie", &cookie).header("Accept", "text/html");
            let page = request.send().expect(404).text();
            assert!(page.contains(&format!("href=\"{root}threats\"")), "{path}: {page}");
            assert!(!page.contains("=\"../") && !page.contains("=\"./"), "{path}: {page}");
        }
    }
}

#[test]
fn a_view_reaches_nothing_that_takes_a_token() {
    let (place, service) = house(&[]);
    let link = link(&place, "alpha", &[]);
    let (cookie, root) = enter(&service, &link);
    for path in [
        "api/v1/",
        "api/v1/stats/?type=risk",
        "api/v1/client/me",
        "metrics",
        "admin/update.json",
        "map",
        "map/clients.json",
        "v/1/",
        "healthz",
        "human.txt",
        "../api/v1/client/me",
        "%2e%2e/metrics",
    ] {
        with(&service, &cookie, &format!("{root}{path}")).expect(404);
        service.get(&format!("/v/{}/{path}", link.token)).send().expect(303);
    }
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        service.request(method, &root).header("Cookie", &cookie).text("[]").send().expect(405);
        service.request(method, &format!("{root}stats/risks.json")).header("Cookie", &cookie).send().expect(405);
    }
    // Neither is the link's token anybody's elsewhere, nor a client's token or an admin's one for a link.
    service.get("/api/v1/client/me").header("Cookie", &cookie).send().expect(401);
    service.get("/api/v1/client/me").token(&link.token).send().expect(403);
    service.get("/metrics").header("Authorization", &format!("Bearer {}", link.token)).send().expect(403);
    for token in ["alpha-token-of-a-test", ADMIN] {
        service.get(&format!("/v/{token}/")).send().expect(403);
        service.get(&root).token(token).send().expect(401);
        with(&service, &format!("view-{}={token}", link.number), &root).expect(403);
    }
}

#[test]
fn guesses_count_as_wrong_tokens_and_a_right_link_is_never_slowed() {
    let (place, service) = house(&[]);
    let link = link(&place, "alpha", &[]);
    let (cookie, root) = enter(&service, &link);
    let guess = |number: usize| match number % 3 {
        0 => service.get(&format!("/v/guess-{number}-of-a-link-token/")).send(),
        1 => with(&service, &format!("view-{}=guess-{number}", link.number), &root),
        _ => service.get("/api/v1/client/me").token("wrong-token-of-a-test").send(),
    };
    let statuses: BTreeSet<u16> = (0..20).map(|number| guess(number).status).collect();
    assert_eq!(statuses, BTreeSet::from([403]));
    for number in 20..23 {
        let slowed = guess(number).expect(429);
        assert!(slowed.headers["retry-after"].parse::<u64>().is_ok_and(|seconds| (1..=60).contains(&seconds)));
        assert_eq!(slowed.headers["connection"], "close");
    }
    let page = service.get("/v/another-guess/").header("Accept", "text/html").send().expect(429);
    assert!(page.text().contains("This link shows nothing any more") && page.headers.contains_key("retry-after"));
    with(&service, &cookie, &root).expect(200);
    enter(&service, &link);
    let log = service.stop();
    assert!(log.contains("too many wrong tokens from 127.0.0.1: 21 so far"), "{log}");
}

#[test]
fn each_cookie_of_a_request_is_a_guess() {
    let (place, service) = house(&[]);
    let link = link(&place, "alpha", &[]);
    let four: Vec<String> = (1..=4).map(|guess| format!("view-{}=guess-{guess}", link.number)).collect();
    let guess = || with(&service, &four.join("; "), &format!("/v/{}/", link.number)).status;
    assert_eq!([(); 6].map(|()| guess()), [403, 403, 403, 403, 403, 429]);
}

#[test]
fn links_and_cookies_last_ninety_days_unless_somebody_says_otherwise() {
    let (place, service) = house(&[]);
    let (usual, endless) = (link(&place, "alpha", &[]), link(&place, "alpha", &["--expires", "never"]));
    let listed: Value = serde_json::from_str(&place.ok(&["client", "view-link", "list", "--json"])).unwrap();
    let moment = |name: &str| listed[0][name].as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_second();
    let days = 90 * 86_400;
    // The second of its end was reckoned before it was made.
    assert!((days - 60..=days).contains(&(moment("expires_at") - moment("created_at"))), "{listed}");
    assert_eq!(listed[1]["expires_at"], Value::Null);
    let entered = service.get(&format!("/v/{}/", endless.token)).send().expect(303);
    assert!(entered.headers["set-cookie"].contains(&format!("; Max-Age={days};")), "{:?}", entered.headers);
    // 128 random bits have at least 22 letters of 64.
    assert!(usual.token.len() >= 22 && usual.token != endless.token);
}

#[test]
fn logs_and_metrics_hold_the_number_alone() {
    let (place, service) = house(&[("SCRIPT_NAME", "/dashboard")]);
    let link = link(&place, "alpha", &[]);
    let (cookie, _) = enter(&service, &link);
    let token = &link.token;
    for path in [
        format!("/v/{token}"),
        format!("//v//{token}//risks"),
        format!("/dashboard/v/{token}/"),
        format!("/%76/{token}/"),
        format!("/x/v/{token}/"),
        format!("/v/v/{token}/"),
        format!("/v/{token}x/?a={token}"),
        // Bug: what stood behind nearly the right letter was told as it came.
        format!("/V/{token}/"),
        format!("/v%2F{token}/"),
        format!("/v/./{token}/"),
        format!("/%2576/{token}/risks"),
        format!("/{token}"),
    ] {
        service.get(&path).send();
        service.post(&path).text("[]").send();
        service.get(&path).header("Referer", &format!("http://localhost/v/{token}/")).send();
    }
    with(&service, &cookie, &format!("/v/{}/threats", link.number)).expect(200);
    let metrics = service.get("/metrics").token(ADMIN).send().expect(200).text();
    assert!(metrics.contains(r#"route="/v/{link}/{page}",method="GET",status="200""#), "{metrics}");
    let log = service.stop();
    let stored = String::from_utf8_lossy(&std::fs::read(place.store()).unwrap()).into_owned();
    assert!(stored.contains("alpha"), "it would be seen there");
    for text in [&metrics, &log, &stored] {
        assert!(!text.contains(token), "{text}");
    }
    assert!(log.contains(&format!("GET /v/{}/threats 200", link.number)), "{log}");
    assert!(log.contains(&format!("client=\"view link {}\"", link.number)), "{log}");
}

#[test]
fn one_link_opens_no_other_and_a_planted_cookie_changes_nothing() {
    let (place, service) = house(&[]);
    let (one, two) = (link(&place, "alpha", &[]), link(&place, "beta", &[]));
    let ((cookie, root), (other, other_root)) = (enter(&service, &one), enter(&service, &two));
    assert!(cookie != other && root != other_root);
    // Another client's cookie under this address, under its own name and under this one's.
    with(&service, &other, &root).expect(401);
    let planted = format!("view-{}={}", one.number, two.token);
    let refused = with(&service, &planted, &root).expect(403);
    let gone = format!("view-{}=; Path={root}; Max-Age=0; HttpOnly; SameSite=Lax", one.number);
    let page = service.get(&root).header("Cookie", &planted).header("Accept", "text/html").send().expect(403);
    assert_eq!((&refused.headers["set-cookie"], &page.headers["set-cookie"]), (&gone, &gone));
    // What somebody planted stands before or behind the right one; neither shows the planted one's figures.
    for both in [format!("{planted}; {cookie}"), format!("{cookie}; {planted}"), format!("{other}; {cookie}")] {
        let text = with(&service, &both, &format!("{root}stats/threats.json")).expect(200).text();
        assert!(text.contains(&uuid(1)) && !text.contains(&uuid(2)));
    }
    // Nobody gets a cookie that he brought along.
    for value in ["chosen-by-somebody-else", ""] {
        let path = format!("{root}?view-{}={value}", one.number);
        with(&service, &format!("view-{}={value}", one.number), &path).expect(403);
    }
    let entered = service.get(&format!("/v/{}/", one.token)).header("Cookie", &planted).send().expect(303);
    assert!(entered.headers["set-cookie"].starts_with(&format!("view-{}={};", one.number, one.token)));
    // A cookie is no token in the path of another, and numbers that do not exist are as good as any.
    for number in ["99999", "0", "00", "-1"] {
        let status = with(&service, &format!("view-{number}={}", one.token), &format!("/v/{number}/")).status;
        assert_eq!(status, 403, "{number}");
    }
    let (here, nowhere) = (service.get(&root).send().expect(401), service.get("/v/99999/").send().expect(401));
    assert_eq!(here.body, nowhere.body);
}

#[test]
fn links_end_with_their_time_their_client_and_its_token() {
    let (place, service) = house(&[]);
    let is_open = |link: &Link| service.get(&format!("/v/{}/", link.token)).send().status == 303;
    let revoked = link(&place, "alpha", &[]);
    let (cookie, root) = enter(&service, &revoked);
    place.ok(&["client", "view-link", "revoke", &revoked.number]);
    assert!(!is_open(&revoked));
    with(&service, &cookie, &root).expect(403);
    place.fails(&["client", "view-link", "revoke", &revoked.number], 1);
    // Its time is over: the store is told so, since no test waits for a minute.
    let expired = link(&place, "alpha", &["--expires", "1m"]);
    let (cookie, root) = enter(&service, &expired);
    let reply = service.get(&format!("/v/{}/", expired.token)).send().expect(303);
    let age = reply.headers["set-cookie"].split("Max-Age=").nth(1).unwrap().split(';').next().unwrap().to_owned();
    assert!(age.parse::<u64>().unwrap() <= 60, "{age}");
    let connection = rusqlite::Connection::open(place.store()).unwrap();
    connection.execute("UPDATE view_link SET expires_at = ?1", [jiff::Timestamp::now().as_second()]).unwrap();
    assert!(!is_open(&expired));
    with(&service, &cookie, &root).expect(403);
    assert!(place.ok(&["client", "view-link", "list"]).contains("ended"));
    let ended: [(&[&str], &str); 3] = [
        (&["client", "rotate-token", "alpha"], "rotated"),
        (&["client", "deactivate", "alpha"], "deactivated"),
        (&["client", "delete", "alpha", "--yes"], "deleted"),
    ];
    for (words, what) in ended {
        let (mine, others) = (link(&place, "alpha", &["--expires", "never"]), link(&place, "beta", &[]));
        let (cookie, root) = enter(&service, &mine);
        place.ok(words);
        assert!(!is_open(&mine) && is_open(&others), "{what}");
        with(&service, &cookie, &root).expect(403);
        if what == "deactivated" {
            let refused = place.fails(&["client", "view-link", "create", "alpha"], 1);
            assert!(refused.contains("client activate"), "{refused}");
            place.ok(&["client", "activate", "alpha"]);
            assert!(!is_open(&mine), "a link that ended comes back with nobody");
        }
    }
    // The same through the API.
    let mine = link(&place, "beta", &[]);
    let clients: Value = serde_json::from_str(&place.ok(&["client", "list", "--json"])).unwrap();
    let two = clients.as_array().unwrap().iter().find(|client| client["name"] == "beta").unwrap();
    let path = format!("/api/v1/clients/{}", two["uuid"].as_str().unwrap());
    service.request("PATCH", &path).token(ADMIN).json(&json!({"is_sharing_enabled": true})).send().expect(200);
    assert!(is_open(&mine));
    service.request("PATCH", &path).token(ADMIN).json(&json!({"is_active": false})).send().expect(200);
    assert!(!is_open(&mine));
    assert_eq!(place.ok(&["client", "view-link", "list", "--json"]), "[]\n");
}

#[test]
fn a_link_that_was_ended_does_not_come_back_with_a_backup() {
    let (place, service) = house(&[]);
    let is_open = |service: &Service, link: &Link| service.get(&format!("/v/{}/", link.token)).send().status == 303;
    let before = place.path().join("before.db").display().to_string();
    place.ok(&["database", "backup", &before]);
    let (kept, revoked, ended) = (link(&place, "alpha", &[]), link(&place, "alpha", &[]), link(&place, "beta", &[]));
    let backup = place.path().join("backup.db").display().to_string();
    place.ok(&["database", "backup", &backup]);
    place.ok(&["client", "view-link", "revoke", &revoked.number]);
    place.ok(&["client", "deactivate", "beta"]);
    let newer = link(&place, "alpha", &[]);
    place.ok(&["database", "restore", &backup, "--yes"]);
    assert!(is_open(&service, &kept) && !is_open(&service, &revoked) && !is_open(&service, &ended));
    assert!(!is_open(&service, &newer), "what the backup does not have is gone with the rest");
    // Bug: after an older backup, even one without a link, a newer one brought back what had been ended since.
    let ended = link(&place, "alpha", &[]);
    let newer_backup = place.path().join("newer.db").display().to_string();
    place.ok(&["database", "backup", &newer_backup]);
    place.ok(&["client", "view-link", "revoke", &ended.number]);
    for older in [&backup, &before] {
        place.ok(&["database", "restore", older, "--yes"]);
        place.ok(&["database", "restore", &newer_backup, "--yes"]);
        assert!(!is_open(&service, &ended), "{older}");
    }
    let number = |link: &Link| link.number.parse::<u64>().unwrap();
    assert!(number(&link(&place, "alpha", &[])) > number(&ended), "no number is given twice");
    // On a new machine nothing is known of what was ended: the links of the backup's day are there.
    let fresh = Place::new();
    fresh.ok(&["database", "migrate"]);
    fresh.ok(&["database", "restore", &backup, "--yes"]);
    let service = fresh.serve();
    assert!(is_open(&service, &kept) && is_open(&service, &revoked));
}

#[test]
fn behind_a_prefix_everything_stays_below_it() {
    let variables =
        [("SCRIPT_NAME", "/dashboard"), ("INSTANCE_URL", "https://stats.example.org/dashboard"), ("FIX_PROXY", "1")];
    let (place, service) = house(&variables);
    let mut create = place.command(&["client", "view-link", "create", "alpha"]);
    let printed = String::from_utf8(create.envs(variables).output().unwrap().stdout).unwrap();
    assert!(printed.contains("Link: https://stats.example.org/dashboard/v/"), "{printed}");
    let link = link(&place, "alpha", &[]);
    for path in [format!("/dashboard/v/{}/risks", link.token), format!("/v/{}/risks", link.token)] {
        let reply = service.get(&path).send().expect(303);
        let root = format!("/dashboard/v/{}/", link.number);
        assert_eq!(reply.headers["location"], format!("../{}/risks", link.number));
        let cookie = &reply.headers["set-cookie"];
        assert!(cookie.contains(&format!("; Path={root};")) && cookie.ends_with("; Secure"), "{cookie}");
        let cookie = cookie.split(';').next().unwrap();
        for path in [root.clone(), root.trim_start_matches("/dashboard").to_owned()] {
            let page = with(&service, cookie, &path).expect(200).text();
            assert!(page.contains(&format!("data-root=\"{root}\"")), "{path}");
        }
    }
    // Where a proxy takes the path away and nothing else tells it, the instance's address does.
    let (other_place, other) = house(&[("INSTANCE_URL", "https://stats.example.org/dashboard/")]);
    let (_, root) = enter(&other, &crate::view_links::link(&other_place, "alpha", &[]));
    assert_eq!(root, "/dashboard/v/1/");
    // Only a proxy that is trusted says under which path it is.
    let proxied = service.get(&format!("/v/{}/", link.token)).header("X-Forwarded-Prefix", "/elsewhere").send();
    assert!(proxied.headers["set-cookie"].contains(&format!("; Path=/elsewhere/v/{}/;", link.number)));
    let bad = service.get(&format!("/v/{}/", link.token)).header("X-Forwarded-Prefix", "//evil.example/").send();
    assert!(bad.headers["set-cookie"].contains("; Path=/dashboard/v/"), "{bad:?}");
    // Whatever follows the token is no other site, and ends no header.
    for rest in ["/evil.example", "%0d%0aSet-Cookie:x=1", "..//..//evil.example", "%2f%2fevil.example"] {
        let reply = service.get(&format!("/v/{}/{rest}", link.token)).send().expect(303);
        assert!(
            reply.headers["location"].trim_start_matches("../").starts_with(&format!("{}/", link.number)),
            "{reply:?}"
        );
        assert!(!reply.headers["location"].contains(['\r', '\n']));
    }
}

#[test]
fn links_work_where_there_are_no_public_pages_and_under_own_names_only() {
    let (place, service) = house(&[("PUBLIC_PAGES", "off")]);
    let link = link(&place, "alpha", &[]);
    let (cookie, root) = enter(&service, &link);
    let page = with(&service, &cookie, &root).expect(200).text();
    assert!(page.contains(&format!("href=\"{root}threats\"")));
    service.get("/threats").send().expect(404);
    // A live service on loopback answers under no other site's name, not even to who has the cookie.
    let strange = service.get(&root).header("Cookie", &cookie).header("Host", "evil.example");
    strange.send().expect(421);
}

#[test]
fn what_is_typed_wrongly_makes_no_link() {
    let (place, _service) = house(&[]);
    for (words, said) in [
        (vec!["create", "nobody"], "no client \"nobody\""),
        (vec!["create", "alpha", "--expires", "tomorrow"], "--expires"),
        (vec!["create", "alpha", "--expires", "0d"], "--expires"),
        (vec!["create", "alpha", "--expires", "99999999d"], "say never"),
        (vec!["create", "alpha", "--note", "two\nlines"], "--note"),
        (vec!["create", "alpha", "--note", &"n".repeat(256)], "--note"),
        (vec!["revoke", "7"], "no view link 7"),
    ] {
        let errors = place.fails(&[vec!["client", "view-link"], words].concat(), 1);
        assert!(errors.contains(said), "{errors}");
    }
    // A link that nobody could read is none.
    let mut command: Command = place.command(&["client", "view-link", "create", "alpha"]);
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    assert!(!command.stdout(full).status().unwrap().success());
    assert_eq!(place.ok(&["client", "view-link", "list", "--json"]), "[]\n");
}

#[test]
fn every_route_is_in_a_view_or_left_out_on_purpose() {
    let left_out =
        ["/api/", "/admin/", "/v/", "/map", "/feed.", "/human.", "/robots.", "/.well-known/", "/health", "/metrics"];
    let (place, service) = house(&[]);
    let (cookie, root) = enter(&service, &link(&place, "alpha", &[]));
    for (method, path) in monarc_stats::app::routes() {
        if method != "GET" || path == "/assets/{name}" {
            continue;
        }
        let is_in = !left_out.iter().any(|start| path.starts_with(start));
        let path = path.replace("{chart}", "risks").replace("{uuid}", &uuid(1)).replace("{anr}", ANR);
        let path = path.replace("{link}", "1").replace("{page}", "risks");
        let has_type = ["compared.json", "benchmark.json", "lines.json"].iter().any(|ending| path.ends_with(ending));
        let query = if has_type { "?type=threat" } else { "" };
        let status = with(&service, &cookie, &format!("{}{}{query}", root.trim_end_matches('/'), path)).status;
        assert_eq!(status, if is_in { 200 } else { 404 }, "{path}");
    }
}
