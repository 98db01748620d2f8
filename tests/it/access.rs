//! Who may call what: every route, asked by everybody.

use crate::common::batch::{ANR, item};
use crate::common::{ADMIN, Place, Service};
use crate::view_links::link;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A request to a route, and the status that each of these gets: nobody, a wrong token, the token of a deactivated
/// client, a user, another user, an admin.
struct Row {
    method: &'static str,
    path: &'static str,
    query: &'static str,
    body: Option<Value>,
    statuses: [u16; 6],
}

fn row(method: &'static str, path: &'static str, query: &'static str, body: Option<Value>, statuses: [u16; 6]) -> Row {
    Row { method, path, query, body, statuses }
}

fn rows() -> Vec<Row> {
    let open = [200; 6];
    let client = |status| [401, 403, 403, status, status, status];
    let admin = |status| [401, 403, 403, 403, 403, status];
    let batch: Value = serde_json::from_str(&format!("[{}]", item(ANR, "threat", "2026-11-01", "[]"))).unwrap();
    let new = json!({"name": "new", "token": "new-token-of-a-test", "is_sharing_enabled": false});
    let sharing = json!({"is_sharing_enabled": false});
    let averages = "?type=risk&processor=risk_averages";
    vec![
        row("GET", "/api/v1/stats/", "?type=risk", None, client(200)),
        row("POST", "/api/v1/stats/", "", Some(batch), client(201)),
        row("GET", "/api/v1/stats/processed/", averages, None, client(200)),
        row("GET", "/api/v1/stats/processed/list", "", None, open),
        row("GET", "/api/v1/stats/{anr}", "", None, client(200)),
        row("DELETE", "/api/v1/stats/{anr}", "", None, client(204)),
        row("GET", "/api/v1/benchmark", "?type=threat", None, client(200)),
        row("POST", "/api/v1/client/", "", Some(new), admin(201)),
        row("GET", "/api/v1/client/me", "", None, client(200)),
        row("PATCH", "/api/v1/client/me", "", Some(sharing), client(201)),
        row("GET", "/api/v1/clients", "", None, admin(200)),
        row("PATCH", "/api/v1/clients/{uuid}", "", Some(json!({"is_sharing_enabled": true})), admin(200)),
        row("GET", "/api/v1/", "", None, open),
        row("GET", "/api/v1/swagger.json", "", None, open),
        row("GET", "/api/v1/openapi.json", "", None, open),
        row("GET", "/stats/threats.json", "", None, open),
        row("GET", "/stats/vulnerabilities.json", "", None, open),
        row("GET", "/stats/risks.json", "", None, open),
        row("GET", "/stats/cartography.json", "", None, open),
        row("GET", "/stats/compliance.json", "", None, open),
        row("GET", "/map/clients.json", "", None, open),
        row("GET", "/mosp/{uuid}.json", "", None, [404; 6]),
        row("GET", "/about.json", "", None, open),
        row("GET", "/feed.atom", "", None, open),
        row("GET", "/human.txt", "", None, open),
        row("GET", "/robots.txt", "", None, open),
        row("GET", "/.well-known/security.txt", "", None, open),
        row("GET", "/healthz", "", None, open),
        row("GET", "/health", "", None, open),
        row("GET", "/metrics", "", None, admin(200)),
        row("GET", "/admin/client_sharing_activate.json/{uuid}", "", None, admin(200)),
        row("POST", "/admin/client_sharing_activate.json/{uuid}", "", None, admin(200)),
        row("GET", "/admin/client_sharing_deactivate.json/{uuid}", "", None, admin(200)),
        row("POST", "/admin/client_sharing_deactivate.json/{uuid}", "", None, admin(200)),
        row("GET", "/admin/update.json", "", None, admin(501)),
        row("POST", "/admin/update.json", "", None, admin(501)),
        row("GET", "/stats/summary.json", "", None, open),
        row("GET", "/stats/trends.json", "", None, open),
        row("GET", "/data/{chart}/data.csv", "", None, open),
        row("GET", "/data/{chart}/metadata.json", "", None, open),
        row("GET", "/stats/lines.json", "?type=threat", None, open),
        row("GET", "/stats/objects/{uuid}.json", "", None, [404; 6]),
        row("GET", "/stats/compared.json", "?type=threat", None, open),
        row("GET", "/stats/benchmark.json", "?type=threat", None, open),
        row("GET", "/benchmark", "", None, open),
        row("GET", "/", "", None, open),
        row("GET", "/threats", "", None, open),
        row("GET", "/evolution", "", None, open),
        row("GET", "/vulnerabilities", "", None, open),
        row("GET", "/threats/{uuid}", "", None, open),
        row("GET", "/vulnerabilities/{uuid}", "", None, open),
        row("GET", "/risks", "", None, open),
        row("GET", "/cartography", "", None, open),
        row("GET", "/compliance", "", None, open),
        row("GET", "/trends", "", None, open),
        row("GET", "/map", "", None, [404; 6]),
        row("GET", "/report", "", None, open),
        row("GET", "/help", "", None, open),
        row("GET", "/about", "", None, open),
        row("GET", "/about/more", "", None, open),
        row("GET", "/v/{link}", "", None, [303; 6]),
        row("GET", "/v/{link}/{page}", "", None, [303; 6]),
        row("GET", "/assets/licences.json", "", None, open),
        row("GET", "/assets/{name}", "", None, [404; 6]),
        // At the end: nobody is who he was after these.
        row("POST", "/api/v1/clients/{uuid}/rotate", "", None, admin(200)),
        row("DELETE", "/api/v1/clients/{uuid}", "", None, admin(200)),
    ]
}

/// A service with all the callers, and the UUID of one of them.
fn house() -> (Place, Service, String) {
    let place = Place::new();
    for name in ["gone", "user", "other"] {
        place.client(name);
    }
    place.ok(&["client", "deactivate", "gone"]);
    let clients: Value = serde_json::from_str(&place.ok(&["client", "list", "--json"])).unwrap();
    let user = clients.as_array().unwrap().iter().find(|client| client["name"] == "user").unwrap();
    let uuid = user["uuid"].as_str().unwrap().to_owned();
    // Twenty wrong tokens a minute from one address are answered by 429: here each comes from its own.
    let service = place.serve_with(&[("FIX_PROXY", "1")]);
    (place, service, uuid)
}

#[test]
fn every_route_answers_everybody_as_the_table_says() {
    let (place, service, uuid) = house();
    let link = link(&place, "user", &[]);
    let callers = [
        None,
        Some("wrong"),
        Some("gone-token-of-a-test"),
        Some("user-token-of-a-test"),
        Some("other-token-of-a-test"),
        Some(ADMIN),
    ];
    let mut address = 0;
    for row in rows() {
        let path = row
            .path
            .replace("{anr}", ANR)
            .replace("{chart}", "risks")
            .replace("{uuid}", &uuid)
            .replace("{link}", &link.token);
        let path = format!("{}{}", path.replace("{page}", "risks"), row.query);
        // Who was asked about before may be somebody else by now.
        for (caller, status) in callers.iter().zip(row.statuses) {
            address += 1;
            let mut request = service.request(row.method, &path);
            request = request.header("X-Forwarded-For", &format!("10.1.{}.{}", address / 250, address % 250 + 1));
            if let Some(token) = caller {
                request = request.token(token);
            }
            if let Some(body) = &row.body {
                request = request.json(body);
            }
            let reply = request.send();
            assert_eq!(reply.status, status, "{} {path} by {caller:?}: {}", row.method, reply.text());
            match status {
                401 => assert_eq!(reply.json(), json!({"Error": "Unauthorized - Authentication required."})),
                403 => assert!(reply.json()["Error"].as_str().unwrap().starts_with("Forbidden - ")),
                _ => {}
            }
        }
    }
}

#[test]
fn the_table_has_every_route_once() {
    let tested: Vec<(&str, &str)> = rows().iter().map(|row| (row.method, row.path)).collect();
    let tested_once: BTreeSet<_> = tested.iter().copied().collect();
    assert_eq!(tested_once.len(), tested.len());
    assert_eq!(tested_once, monarc_stats::app::routes().collect());
}

#[test]
fn no_answer_to_a_token_may_be_cached() {
    let (_place, service, _uuid) = house();
    for path in ["/api/v1/client/me", "/api/v1/stats/?type=risk", "/metrics", "/stats/risks.json"] {
        let reply = service.get(path).token(ADMIN).send().expect(200);
        assert_eq!(reply.headers["cache-control"], "no-store", "{path}");
    }
}

#[test]
fn a_valid_token_is_never_slowed_by_wrong_ones() {
    let (_place, service, _uuid) = house();
    let wrong = || service.get("/api/v1/client/me").token("wrong").send();
    let statuses: Vec<u16> = (0..21).map(|_| wrong().status).collect();
    assert_eq!(statuses[..20], [403; 20]);
    let slowed = wrong().expect(429);
    assert!(slowed.headers["retry-after"].parse::<u64>().is_ok_and(|seconds| (1..=60).contains(&seconds)));
    service.get("/api/v1/client/me").token("user-token-of-a-test").send().expect(200);
    service.get("/api/v1/client/me").send().expect(401);
}
