//! Pages as they leave the service; what they do in a browser is tested in `tests/browser`.

use crate::common::batch::{ANR, OTHER_ANR, item};
use crate::common::{Place, Service, service, today};
use serde_json::json;
use std::io::Read;

const PAGES: [&str; 11] = [
    "/",
    "/threats",
    "/evolution",
    "/vulnerabilities",
    "/risks",
    "/cartography",
    "/compliance",
    "/report",
    "/help",
    "/about",
    "/about/more",
];

/// What the page's attributes `href` and `src` lead to.
fn links(page: &str) -> Vec<String> {
    let after = |name: &str| {
        let parts = page.split(name).skip(1).map(|part| part.split('"').next().unwrap().to_owned());
        parts.collect::<Vec<_>>()
    };
    [after(" href=\""), after(" src=\"")].concat()
}

/// An address on a page, as a browser resolves it.
fn resolved(page: &str, link: &str) -> String {
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    let path = link.split('?').next().unwrap();
    if path.starts_with('/') {
        return path.into();
    }
    for part in path.split('/') {
        match part {
            ".." => drop(parts.pop()),
            "." => {}
            part => parts.push(part),
        }
    }
    let path = parts.join("/");
    if path.starts_with('/') { path } else { format!("/{path}") }
}

#[test]
fn every_link_of_every_page_leads_somewhere() {
    let (_place, service, _token) = service();
    for page in PAGES.iter().flat_map(|page| [page.to_string(), format!("{page}/")]).chain(["/api/v1/".into()]) {
        if page == "//" {
            continue;
        }
        let html = service.get(&page).send().expect(200).text();
        let inside: Vec<String> = links(&html).into_iter().filter(|link| !link.contains(':')).collect();
        assert!(inside.len() > 15, "{page}: {inside:?}");
        for link in inside.iter().filter(|link| !link.starts_with(['?', '#'])) {
            assert!(link.starts_with('.'), "{page}: {link} depends on where the service is mounted");
            service.get(&resolved(&page, link)).send().expect(200);
        }
    }
}

#[test]
fn links_stay_below_the_prefix() {
    let place = Place::new();
    let service = place.serve_with(&[("SCRIPT_NAME", "/behind")]);
    for page in ["/behind", "/behind/", "/behind/about/more", "/threats"] {
        let html = service.get(page).send().expect(200).text();
        for link in links(&html).iter().filter(|link| !link.contains(':') && !link.starts_with(['?', '#'])) {
            assert!(link.starts_with("/behind/"), "{page}: {link}");
            service.get(link.split('?').next().unwrap()).send().expect(200);
        }
    }
}

#[test]
fn the_policy_forbids_whatever_is_not_ours() {
    let policy = |variables: &[(&str, &str)]| {
        let place = Place::new();
        let service = place.serve_with(variables);
        service.get("/").send().expect(200).headers["content-security-policy"].clone()
    };
    let usual = policy(&[]);
    for part in ["default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"] {
        assert!(usual.contains(part), "{usual}");
    }
    assert!(!usual.contains("unsafe"));
    let embedded = policy(&[("FRAME_ANCESTORS", "'self' https://intranet.example")]);
    assert!(embedded.ends_with("frame-ancestors 'self' https://intranet.example"), "{embedded}");
}

#[test]
fn the_language_is_the_addresss_or_the_browsers_or_english() {
    let (_place, service, _token) = service();
    let language = |path: &str, accept: &str| {
        let reply = service.get(path).header("Accept-Language", accept).send().expect(200);
        assert!(reply.headers["vary"].contains("Accept-Language"));
        let html = reply.text();
        (html.split("<html lang=\"").nth(1).unwrap()[..2].to_owned(), html)
    };
    for (path, accept, expected, word) in [
        ("/threats", "", "en", "Threats"),
        ("/threats", "fr-LU, en;q=0.5", "fr", "Menaces"),
        ("/threats", "es, de;q=0.3", "de", "Bedrohungen"),
        ("/threats?lang=nl", "fr", "nl", "Dreigingen"),
        ("/threats?lang=xx", "fr", "fr", "Menaces"),
    ] {
        let (code, html) = language(path, accept);
        assert_eq!(code, expected, "{path} {accept}");
        assert!(html.contains(&format!("<h1>{word}</h1>")));
    }
    // A chosen language goes along to the next page, and the rest of the address to the other languages.
    assert!(language("/threats?lang=nl", "").1.contains("href=\"./risks?lang=nl\""));
    assert!(language("/threats?n=5&by=%3Cb%3E", "").1.contains("href=\"?n=5&amp;by=%3Cb%3E&amp;lang=fr\""));
}

#[test]
fn assets_are_kept_for_good_and_pages_are_asked_for_again() {
    let (_place, service, _token) = service();
    let page = service.get("/").send().expect(200);
    let tag = page.headers["etag"].clone();
    service.get("/").header("If-None-Match", &tag).send().expect(304);
    let script = links(&page.text()).into_iter().find(|link| link.contains("overview")).unwrap();
    let path = script.trim_start_matches('.').to_owned();
    let plain = service.get(&path).send().expect(200);
    assert_eq!(plain.headers["cache-control"], "public, max-age=31536000, immutable");
    assert!(plain.headers["content-type"].starts_with("text/javascript"));
    assert!(!plain.headers.contains_key("content-encoding"));
    let packed = service.get(&path).header("Accept-Encoding", "gzip").send().expect(200);
    assert_eq!(packed.headers["content-encoding"], "gzip");
    assert_eq!(packed.headers["vary"], "Accept-Encoding");
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(&*packed.body).read_to_end(&mut unpacked).unwrap();
    assert!(unpacked.len() > packed.body.len() && unpacked == plain.body);
    service.get("/assets/overview-00000000.js").send().expect(404);
    service.get("/assets/..%2fopenapi.json").send().expect(404);
}

/// Bug: these two had no validators, so that each look fetched them whole.
#[test]
fn what_is_the_same_until_the_next_version_is_fetched_once() {
    let (_place, service, _token) = service();
    for path in ["/api/v1/openapi.json", "/api/v1/swagger.json", "/assets/licences.json"] {
        let first = service.get(path).send().expect(200);
        let known = service.get(path).header("If-None-Match", &first.headers["etag"]).send().expect(304);
        assert!(known.body.is_empty());
        for name in ["etag", "vary", "cache-control"] {
            assert_eq!(known.headers.get(name), first.headers.get(name), "{path}: {name}");
        }
        service.get(path).header("If-None-Match", "\"another\"").send().expect(200);
    }
}

#[test]
fn without_public_pages_only_the_api_is_there() {
    let place = Place::new();
    let token = place.client("fo");
    let service = place.serve_with(&[("PUBLIC_PAGES", "off"), ("MAP", "on")]);
    let json_paths = ["/stats/risks.json", "/stats/summary.json", "/map/clients.json", "/about.json", "/map"];
    for path in PAGES.iter().chain(&json_paths) {
        assert_eq!(service.get(path).send().expect(404).json()["message"], "There is nothing at this path.");
    }
    service.get("/healthz").send().expect(200);
    service.get("/api/v1/openapi.json").send().expect(200);
    let page = service.get("/api/v1/").send().expect(200).text();
    assert!(!page.contains("/threats\""));
    service.get("/api/v1/client/me").token(&token).send().expect(200);
}

#[test]
fn the_map_is_there_if_the_operator_says_so() {
    let (_place, service, _token) = service();
    service.get("/map").send().expect(404);
    assert!(!service.get("/").send().expect(200).text().contains("href=\"./map\""));
    let place = Place::new();
    let service = place.serve_with(&[("MAP", "on")]);
    service.get("/map").send().expect(200);
    assert!(service.get("/").send().expect(200).text().contains("href=\"./map\""));
}

#[test]
fn the_summary_says_what_the_averages_rest_on() {
    let (_place, service, token) = service();
    let summary = |service: &Service| service.get("/stats/summary.json").send().expect(200).json();
    let today = today().to_string();
    let none =
        json!({"clients": 0, "analyses": 0, "stats": 0, "days": 0, "oldest": null, "newest": null, "today": today});
    assert_eq!(summary(&service), none);
    let batch = [
        item(ANR, "threat", "2026-11-01", "[]"),
        item(ANR, "vulnerability", "2026-11-01", "[]"),
        item(OTHER_ANR, "threat", "2026-10-30", "[]"),
    ];
    service.store_stats(&token, &batch);
    let three = json!({"clients": 1, "analyses": 2, "stats": 3, "days": 2, "oldest": "2026-10-30", "newest": "2026-11-01", "today": today});
    assert_eq!(summary(&service), three);
    service.request("DELETE", &format!("/api/v1/stats/{OTHER_ANR}")).token(&token).send().expect(204);
    let left = summary(&service);
    assert_eq!((&left["stats"], &left["days"], &left["oldest"]), (&json!(2), &json!(1), &json!("2026-11-01")));
    assert_eq!(left["analyses"], 1);
}

#[test]
fn where_nothing_is_a_browser_gets_a_page_and_a_program_json() {
    let (_place, service, _token) = service();
    for path in ["/nowhere", "/threats/no-uuid", "/map", "/api/v1/nowhere"] {
        let page = service
            .get(path)
            .header("Accept", "text/html,*/*;q=0.8")
            .header("Accept-Language", "fr")
            .send()
            .expect(404);
        assert!(page.headers["content-type"].starts_with("text/html"), "{path}");
        assert!(page.text().contains("<h1>Il n’y a rien à cette adresse</h1>"), "{path}");
        let reply = service.get(path).header("Accept", "application/json").send().expect(404);
        assert_eq!(reply.json()["message"], "There is nothing at this path.", "{path}");
    }
    let json = service.get("/nowhere.json").header("Accept", "text/html").send().expect(404);
    assert_eq!(json.json()["message"], "There is nothing at this path.");
}

#[test]
fn a_threat_has_a_page_of_its_own() {
    let (_place, service, _token) = service();
    for kind in ["threats", "vulnerabilities"] {
        let page =
            service.get(&format!("/{kind}/B402D4E0-4576-11e9-9173-0800277f0571?lang=de")).send().expect(200).text();
        assert!(page.contains("data-object=\"b402d4e0-4576-11e9-9173-0800277f0571\""));
        assert!(page.contains(&format!("href=\"../{kind}?lang=de\" aria-current")), "{page}");
    }
}
