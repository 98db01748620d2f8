//! The service behind real web servers, Debian's Apache and nginx, with the very files of `packaging/proxy`.

mod front;

use crate::common;
use crate::common::batch::{ANR, FRONT_OFFICE, TYPES, data_texts, item, rated, uuid};
use crate::common::{ADMIN, Reply, today};
use front::{Front, SETUPS, Setup};
use serde_json::json;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Goes through all ways to put a web server in front.
fn each(check: impl Fn(&Front)) {
    for setup in SETUPS {
        println!("== {setup:?}");
        check(&Front::start(setup));
    }
}

/// What the page's attributes `href` and `src` lead to on this server.
fn links(page: &str) -> Vec<String> {
    let after = |name: &str| page.split(name).skip(1).map(|part| part.split('"').next().unwrap().to_owned()).collect();
    let all: [Vec<String>; 2] = [after(" href=\""), after(" src=\"")];
    all.concat().into_iter().filter(|link| !link.contains(':') && !link.starts_with('#')).collect()
}

/// The address of a link on the page at the root.
fn resolved(front: &Front, link: &str) -> String {
    if link.starts_with('/') { link.into() } else { format!("{}/{}", front.base(), link.trim_start_matches("./")) }
}

#[test]
fn pages_come_with_all_they_lead_to() {
    each(|front| {
        let page = front.get("/").send().expect(200);
        assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
        let links = links(&page.text());
        assert!(links.iter().filter(|link| link.contains("assets/")).count() >= 3, "{links:?}");
        for link in links {
            let path = resolved(front, &link);
            assert!(path.starts_with(front.base()), "{path}");
            common::Request::new(&front.address, "GET", &path).send().expect(200);
        }
        for path in ["/threats/", "//threats", "/api/v1/", "/stats/risks.json", "/about.json", "/healthz"] {
            let reply = front.get(path).send().expect(200);
            assert!(!reply.headers.contains_key("location"), "{path}");
        }
        // Without its slash as well.
        if !front.base().is_empty() {
            front.get("").send().expect(200);
        }
    });
}

/// A browser's way: the link, the redirect, the pages with the cookie that belongs to their path.
#[test]
fn a_view_link_leads_to_its_pages() {
    each(|front| {
        let link = front.view_link();
        let first = front.get(&format!("/v/{link}/risks?days=90")).send().expect(303);
        assert_eq!(first.headers["location"], "../1/risks?days=90");
        let cookie = &first.headers["set-cookie"];
        assert!(cookie.contains(&format!("; Path={}/v/1/;", front.base())), "{cookie}");
        let cookie = cookie.split(';').next().unwrap();
        let page = front.get("/v/1/risks?days=90").header("Cookie", cookie).send().expect(200);
        assert_eq!(
            (page.headers["cache-control"].as_str(), page.headers["referrer-policy"].as_str()),
            ("no-store", "no-referrer")
        );
        for link in links(&page.text()).iter().filter(|link| !link.starts_with('?')) {
            assert!(link.starts_with(&format!("{}/v/1/", front.base())), "{link}");
            common::Request::new(&front.address, "GET", link).header("Cookie", cookie).send().expect(200);
        }
        front.get("/v/1/stats/risks.json").send().expect(401);
        // Bug: the web server's log had the secret that ours masks.
        front.get("/healthz?logged").send().expect(200);
        common::until("the log to have what is no secret", || front.access_logs().contains("/healthz?logged"));
        assert!(!front.access_logs().contains(&link), "{:?}: {}", front.setup, front.access_logs());
        front.get("/v/1/stats/risks.json").header("Cookie", cookie).send().expect(200);
    });
}

#[test]
fn a_batch_goes_there_and_comes_back_byte_for_byte() {
    each(|front| {
        let reply = front.request("POST", "/api/v1/stats/").token(&front.token).text(FRONT_OFFICE).send().expect(201);
        let sent = data_texts(&Reply { body: format!("{{\"data\":{FRONT_OFFICE}}}").into_bytes(), ..reply });
        for (kind, data) in TYPES.iter().zip(sent) {
            // A front office sends its arguments as the body of a GET.
            let arguments = json!({"type": kind, "date_from": "2000-01-01", "date_to": "2100-01-01"});
            let answer = front.get("/api/v1/stats/").token(&front.token).json(&arguments).send().expect(200);
            assert_eq!(data_texts(&answer), [data], "{kind}");
        }
        let public = front.get("/stats/threats.json?days=36500").send().expect(200);
        assert_eq!(public.body, front.service.get("/stats/threats.json?days=36500").send().body);
        assert!(!public.json().as_array().unwrap().is_empty());
        let me = front.request("PATCH", "/api/v1/client/me").token(&front.token);
        assert_eq!(me.json(&json!({"is_sharing_enabled": true})).send().expect(201).json()["is_sharing_enabled"], true);
        let analysis = format!("/api/v1/stats/{ANR}");
        front.request("DELETE", &analysis).token(&front.token).send().expect(204);
        assert_eq!(front.get(&analysis).token(&front.token).send().expect(200).json(), json!([]));
    });
}

/// Four stats that have this size together as a batch; and the data of the last one.
fn large(bytes: usize) -> (String, String) {
    let data = |filling| format!("[{{\"note\":\"{}\",{}", "x".repeat(filling), &rated(&uuid(1), 1, 1, "2")[2..]);
    let batch = |filling: [usize; 4]| {
        let today = today().to_string();
        let items = [0, 1, 2, 3].map(|number| item(&uuid(number), "threat", &today, &data(filling[number])));
        format!("[{}]", items.join(","))
    };
    let missing = bytes - batch([0; 4]).len();
    let (part, last) = (missing / 4, missing - 3 * (missing / 4));
    (batch([part, part, part, last]), data(last))
}

#[test]
fn bodies_are_as_large_as_the_service_allows_and_the_service_refuses_what_is_larger() {
    for setup in [Setup::Apache, Setup::Nginx] {
        let front = Front::start(setup);
        let post = |token: &str, text: &str| front.request("POST", "/api/v1/stats/").token(token).text(text).send();
        let (batch, data) = large(8 << 20);
        assert_eq!(batch.len(), 8 << 20);
        let answer = post(&front.token, &batch).expect(201).text();
        assert!(answer.contains(&data), "{:.200}", answer);
        assert!(post(&front.token, &(batch + " ")).expect(413).json()["message"].is_string());
    }
}

/// Apache reads the rest before it passes the answer on, but keeps nothing of it.
#[test]
fn nobody_without_a_token_makes_nginx_hold_a_body() {
    for setup in [Setup::Nginx, Setup::NginxPrefix] {
        let front = Front::start(setup);
        let mut socket = TcpStream::connect(&front.address).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let head = format!(
            "POST {}/api/v1/stats/ HTTP/1.1\r\nHost: x\r\nX-API-KEY: wrong\r\nContent-Type: application/json\r\n\
             Content-Length: 1000000000\r\nConnection: close\r\n\r\n",
            front.base(),
        );
        // Of the gigabyte only the beginning ever comes.
        socket.write_all(&[head.as_bytes(), &[b' '; 1 << 16]].concat()).unwrap();
        let mut line = String::new();
        BufReader::new(socket).read_line(&mut line).unwrap();
        assert_eq!(line, "HTTP/1.1 403 Forbidden\r\n");
    }
}

#[test]
fn a_body_may_wait_until_it_is_asked_for() {
    each(|front| {
        let mut socket = TcpStream::connect(&front.address).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let head = format!(
            "POST {}/api/v1/stats/ HTTP/1.1\r\nHost: x\r\nX-API-KEY: {}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n",
            front.base(),
            front.token,
            FRONT_OFFICE.len()
        );
        socket.write_all(head.as_bytes()).unwrap();
        let mut answers = BufReader::new(socket.try_clone().unwrap());
        let mut line = String::new();
        answers.read_line(&mut line).unwrap();
        assert_eq!(line, "HTTP/1.1 100 Continue\r\n");
        while line != "\r\n" {
            line.clear();
            answers.read_line(&mut line).unwrap();
        }
        socket.write_all(FRONT_OFFICE.as_bytes()).unwrap();
        let mut answer = Vec::new();
        answers.read_to_end(&mut answer).unwrap();
        Reply::parse(&answer).expect(201);
    });
}

#[test]
fn what_is_known_is_not_sent_again_and_what_is_sent_is_compressed() {
    each(|front| {
        front.request("POST", "/api/v1/stats/").token(&front.token).text(FRONT_OFFICE).send().expect(201);
        let page = front.get("/").send().expect(200).text();
        let style = links(&page).into_iter().find(|link| link.ends_with(".css")).unwrap();
        let style = resolved(front, &style).trim_start_matches(front.base()).to_owned();
        for path in ["/", "/stats/threats.json?days=36500", "/stats/risks.json"] {
            for coding in ["gzip", "identity"] {
                let ask = || front.get(path).header("Accept-Encoding", coding);
                let reply = ask().send().expect(200);
                let direct = front.service.get(path).header("Accept-Encoding", coding);
                let direct = direct.header("X-Forwarded-Prefix", front.base()).send();
                for name in ["content-encoding", "cache-control", "content-security-policy"] {
                    assert_eq!(reply.headers.get(name), direct.headers.get(name), "{path} {coding} {name}");
                }
                assert!(reply.body == direct.body, "{path} {coding}");
                let known = ask().header("If-None-Match", &reply.headers["etag"]).send().expect(304);
                assert!(known.body.is_empty());
                let head = front.request("HEAD", path).header("Accept-Encoding", coding).send().expect(200);
                assert!(head.body.is_empty());
                assert_eq!(head.headers["etag"], reply.headers["etag"]);
            }
        }
        let zipped = front.get(&style).header("Accept-Encoding", "gzip").send();
        assert_eq!(zipped.headers["content-encoding"], "gzip");
    });
}

#[test]
fn deployment_scripts_with_their_double_slashes_are_served_and_nothing_redirects() {
    each(|front| {
        let new = json!({"name": "new", "token": "new-token-of-a-test", "is_sharing_enabled": true});
        let base = front.base();
        let register = |path: &str| common::Request::new(&front.address, "POST", path).token(ADMIN).json(&new).send();
        let path = format!("/{base}/api/v1/client/");
        assert_eq!(register(&path).expect(201).json()["token"], "new-token-of-a-test");
        assert!(register(&path).expect(304).body.is_empty());
        for path in ["/api/v1/stats", "/api/v1/stats/", "//api/v1/stats/", "/api//v1/stats//", "/api/v1/client/me/"] {
            for (method, token, status) in [("GET", "", 401), ("GET", "wrong", 403), ("OPTIONS", "", 200)] {
                let reply = front.request(method, path).header("X-API-KEY", token).send().expect(status);
                assert!(!reply.headers.contains_key("location"), "{method} {path}");
            }
        }
        for path in ["/api/v1/stats", "//api/v1/stats"] {
            front.request("POST", path).token("new-token-of-a-test").text("[]").send().expect(201);
        }
    });
}

/// A wrong token from this address, which claims to come from another one.
fn knock(front: &Front, address: &str, claimed: &str) -> u16 {
    let mut socket = TcpStream::connect(&front.for_others).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let request = format!(
        "PROXY TCP4 {address} 127.0.0.1 40000 80\r\n\
         GET {}/api/v1/client/me HTTP/1.1\r\nHost: x\r\nX-API-KEY: wrong\r\nX-Forwarded-For: {claimed}\r\n\
         Connection: close\r\n\r\n",
        front.base()
    );
    socket.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).unwrap();
    Reply::parse(&answer).status
}

#[test]
fn whoever_shows_wrong_tokens_is_known_by_the_address_that_the_web_server_saw() {
    for setup in SETUPS {
        let front = Front::start(setup);
        for number in 0..20 {
            assert_eq!(knock(&front, "192.0.2.7", &format!("198.51.100.{number}")), 403, "{setup:?} {number}");
        }
        assert_eq!(knock(&front, "192.0.2.7", "198.51.100.99"), 429, "{setup:?}");
        assert_eq!(knock(&front, "192.0.2.8", "192.0.2.7"), 403, "{setup:?}");
        let log = front.service.stop();
        assert!(log.contains("too many wrong tokens from 192.0.2.7") && !log.contains("198.51.100"), "{log}");
    }
}

#[test]
fn what_visitors_say_about_the_path_is_not_believed() {
    each(|front| {
        let plain = front.get("/").send().expect(200);
        let forged = front.get("/").header("X-Forwarded-Prefix", "/evil").header("X-Forwarded-Host", "evil.example");
        let forged = forged.send().expect(200);
        assert_eq!(forged.text(), plain.text());
        assert!(!plain.text().contains("evil"));
    });
}
