//! From a path and a method to a route: slashes, prefixes, what is not there, and the order of the checks.

use crate::common::batch::ANR;
use crate::common::{ADMIN, Place, Reply, Service, service};
use std::collections::{BTreeMap, BTreeSet};

/// Every route's path with something at its place in braces, and its methods.
fn paths() -> BTreeMap<String, BTreeSet<&'static str>> {
    let mut paths: BTreeMap<String, BTreeSet<&'static str>> = BTreeMap::new();
    for (method, path) in monarc_stats::app::routes() {
        let fixed = [("{anr}", ANR), ("{uuid}", ANR), ("{link}", "1"), ("{page}", "risks"), ("{chart}", "risks")];
        let path = fixed.iter().fold(path.to_owned(), |path, (place, text)| path.replace(place, text));
        // Of the files of the pages this is the one whose name is fixed.
        let methods = paths.entry(path.replace("{name}", "licences.json")).or_default();
        methods.extend(["OPTIONS", method]);
        if method == "GET" {
            methods.insert("HEAD");
        }
    }
    assert!(paths.len() > 20);
    paths
}

fn ask(service: &Service, path: &str) -> Reply {
    service.get(path).token(ADMIN).send()
}

/// What has to be the same however a path is written: status, type, and whether there is a route at all.
fn essence(reply: &Reply) -> (u16, String, bool) {
    assert!(!reply.headers.contains_key("location") && reply.status / 100 != 3, "a redirect: {reply:?}");
    let is_there =
        reply.status != 404 || !String::from_utf8_lossy(&reply.body).contains("There is nothing at this path.");
    (reply.status, reply.headers.get("content-type").cloned().unwrap_or_default(), is_there)
}

#[test]
fn slashes_make_no_difference_and_nothing_redirects() {
    let place = Place::new();
    let service = place.serve_with(&[("MAP", "on")]);
    for (path, methods) in paths() {
        if !methods.contains("GET") {
            continue;
        }
        let bare = path.trim_end_matches('/');
        let expected = essence(&ask(&service, &path));
        assert!(expected.2, "{path}");
        let doubled = bare.replace('/', "//");
        for spelled in [format!("{bare}/"), format!("/{bare}/"), format!("//{bare}//"), doubled, bare.to_owned()] {
            if !spelled.is_empty() {
                assert_eq!(essence(&ask(&service, &spelled)), expected, "{spelled}");
            }
        }
    }
}

#[test]
fn a_post_without_its_slash_still_stores() {
    let (_place, service, token) = service();
    for path in ["/api/v1/stats", "//api//v1//stats//"] {
        service.post(path).token(&token).text("[]").send().expect(201);
    }
}

#[test]
fn the_prefix_may_be_there_or_not() {
    let place = Place::new();
    let token = place.client("fo");
    for name in ["/dashboard", "/dashboard/", "/monarc/stats"] {
        let service = place.serve_with(&[("SCRIPT_NAME", name), ("MAP", "on")]);
        let prefix = name.trim_end_matches('/');
        for (path, methods) in paths() {
            if methods.contains("GET") {
                let expected = essence(&ask(&service, &path));
                assert!(expected.2, "{path}");
                assert_eq!(essence(&ask(&service, &format!("{prefix}{path}"))), expected, "{prefix}{path}");
                assert_eq!(essence(&ask(&service, &format!("/{prefix}/{path}"))), expected, "/{prefix}/{path}");
            }
        }
        service.get(&format!("/{prefix}/api/v1/client/me")).token(&token).send().expect(200);
        service.get(&format!("{prefix}x/healthz")).send().expect(404);
        service.get(&format!("{prefix}{prefix}/healthz")).send().expect(404);
        assert!(ask(&service, prefix).text().contains(&format!("href=\"{prefix}/api/v1/\"")));
    }
}

#[test]
fn a_forwarded_prefix_counts_if_the_proxy_is_trusted() {
    let place = Place::new();
    let forwarded = |service: &Service, prefix: &str| {
        service.get(&format!("{prefix}/healthz")).header("X-Forwarded-Prefix", prefix).send().status
    };
    let service = place.serve();
    assert_eq!(forwarded(&service, "/behind"), 404);
    drop(service);
    let service = place.serve_with(&[("FIX_PROXY", "1"), ("SCRIPT_NAME", "/own")]);
    assert_eq!(forwarded(&service, "/behind"), 200);
    assert_eq!(forwarded(&service, "/behind/two"), 200);
    service.get("/healthz").header("X-Forwarded-Prefix", "/behind").send().expect(200);
    service.get("/own/healthz").send().expect(200);
    service.get("/behind/healthz").send().expect(404);
    // A prefix that is none never reaches a page.
    let page = service.get("/").header("X-Forwarded-Prefix", "/\"><script>").send().expect(200).text();
    assert!(!page.contains("<script>") && page.contains("href=\"/own/"));
}

#[test]
fn what_is_not_there_is_a_404_in_json() {
    let (_place, service, token) = service();
    for path in [
        "/api/v1/nothing",
        "/api/v2/stats/",
        "/api",
        "/api/v1/client/you",
        "/api/v1/stats/processed/list/more",
        "/admin",
        "/admin/",
        "/admin/update",
        "/admin/client_sharing_activate.json",
        "/stats/",
        "/index.html",
        "/API/V1/stats/",
    ] {
        for method in ["GET", "POST", "DELETE", "PUT", "OPTIONS"] {
            for request in [service.request(method, path), service.request(method, path).token(&token)] {
                let reply = request.send().expect(404);
                assert_eq!(reply.headers["content-type"], "application/json");
                assert!(reply.json()["message"].is_string());
            }
        }
    }
}

#[test]
fn other_methods_are_a_405_that_says_which_are_allowed() {
    let (_place, service, _token) = service();
    for (path, methods) in paths() {
        for method in ["GET", "HEAD", "POST", "PATCH", "DELETE", "PUT", "TRACE", "BREW", "get"] {
            if methods.contains(method) {
                continue;
            }
            let reply = service.request(method, &path).send().expect(405);
            let allowed: BTreeSet<&str> = reply.headers["allow"].split(", ").collect();
            assert_eq!(allowed, methods, "{method} {path}");
            assert_eq!(reply.headers["content-type"], "application/json");
            assert_eq!(reply.body.is_empty(), method == "HEAD");
            if method != "HEAD" {
                assert_eq!(reply.json()["message"], format!("This path does not allow {method}."));
            }
        }
    }
}

#[test]
fn options_tell_what_is_allowed_without_a_token() {
    let (_place, service, _token) = service();
    for (path, methods) in paths() {
        let reply = service.request("OPTIONS", &path).send().expect(200);
        let allowed: BTreeSet<&str> = reply.headers["allow"].split(", ").collect();
        assert_eq!(allowed, methods, "{path}");
    }
}

#[test]
fn head_is_get_without_its_body() {
    let (_place, service, _token) = service();
    for (path, methods) in paths() {
        if !methods.contains("GET") {
            continue;
        }
        let get = ask(&service, &path);
        let head = service.request("HEAD", &path).token(ADMIN).send().expect(get.status);
        assert!(head.body.is_empty(), "{path}");
        for name in ["content-type", "etag", "cache-control", "content-security-policy"] {
            assert_eq!(head.headers.get(name), get.headers.get(name), "{path} {name}");
        }
        // The metrics count the request that asked for them.
        if path != "/metrics" {
            assert_eq!(head.headers.get("content-length"), get.headers.get("content-length"), "{path}");
        }
    }
    service.request("HEAD", "/api/v1/client/").token(ADMIN).send().expect(405);
}

#[test]
fn checks_come_in_their_order() {
    let (_place, service, token) = service();
    let old = "MONARC/2.9.0";
    let request = |method: &str, path: &str| service.request(method, path).text("{ no json");
    // Path, then method, then User-Agent, then token, then body: each wrong one hides those behind it.
    request("PUT", "/api/v1/nothing").header("User-Agent", old).send().expect(404);
    request("PUT", "/api/v1/stats/").header("User-Agent", old).send().expect(405);
    request("POST", "/api/v1/stats/").header("User-Agent", old).send().expect(426);
    request("POST", "/api/v1/stats/").header("User-Agent", old).token(&token).send().expect(426);
    request("POST", "/api/v1/stats/").send().expect(401);
    request("POST", "/api/v1/stats/").token("").send().expect(401);
    request("POST", "/api/v1/stats/").token("wrong").send().expect(403);
    request("POST", "/api/v1/stats/").token("wrong").header("Content-Type", "text/plain").send().expect(403);
    request("POST", "/api/v1/stats/").token(&token).header("Content-Type", "text/plain").send().expect(415);
    request("POST", "/api/v1/stats/").token(&token).send().expect(400);
    let large = "x".repeat(33 << 20);
    service.post("/api/v1/stats/").text(&large).send().expect(401);
    service.post("/api/v1/nothing").text(&large).send().expect(404);
}

#[test]
fn a_token_that_is_missing_or_wrong_is_told_in_these_words() {
    let (_place, service, token) = service();
    let me = || service.get("/api/v1/client/me");
    let missing = "{\"Error\":\"Unauthorized - Authentication required.\"}";
    assert_eq!(me().send().expect(401).text(), missing);
    assert_eq!(me().token("").send().expect(401).text(), missing);
    assert_eq!(me().token("  ").send().expect(401).text(), missing);
    let wrong = "{\"Error\":\"Forbidden - Authentication failed.\"}";
    assert_eq!(me().token("wrong").send().expect(403).text(), wrong);
    for name in ["X-API-KEY", "x-api-key", "X-Api-Key"] {
        me().header(name, &token).send().expect(200);
    }
    // A bearer token is for the metrics only.
    me().header("Authorization", &format!("Bearer {token}")).send().expect(401);
}

#[test]
fn a_monarc_that_is_too_old_is_turned_away_where_it_matters() {
    let (_place, service, token) = service();
    let gated = [
        ("GET", "/api/v1/stats/"),
        ("POST", "/api/v1/stats/"),
        ("POST", "/api/v1/client/"),
        ("GET", "/api/v1/client/me"),
        ("PATCH", "/api/v1/client/me"),
        ("HEAD", "/api/v1/client/me"),
    ];
    for agent in ["MONARC/2.10.1", "MONARC/2.10.1-p3", "MONARC/2.9.9", "MONARC/1", "MONARC/2", "MONARC/0.0.1"] {
        for (method, path) in gated {
            let reply = service.request(method, path).token(&token).header("User-Agent", agent).send().expect(426);
            let text = "{\"Error\":\"This service requires use of MONARC version >= 2.10.2.\"}";
            assert_eq!(reply.text(), if method == "HEAD" { "" } else { text }, "{agent}");
        }
        for path in [format!("/api/v1/stats/{ANR}"), "/api/v1/stats/processed/list".into(), "/healthz".into()] {
            service.get(&path).token(&token).header("User-Agent", agent).send().expect(200);
        }
        let processed = service.get("/api/v1/stats/processed/?type=risk&processor=risk_averages").token(&token);
        processed.header("User-Agent", agent).send().expect(200);
    }
    for agent in [
        "MONARC/2.10.2",
        "MONARC/2.10.10",
        "MONARC/2.13.3-p2",
        "MONARC/3.0.0",
        "MONARC/dev",
        "MONARC/",
        "MONARC",
        "monarc/1.0",
        "Mozilla/5.0",
        "",
    ] {
        service.get("/api/v1/client/me").token(&token).header("User-Agent", agent).send().expect(200);
    }
}
