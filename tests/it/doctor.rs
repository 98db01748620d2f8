//! `doctor`: every check finds what is well and what is not, and nothing is ever changed.

use crate::common;
use crate::common::batch::{ANR, item, rated, uuid};
use crate::common::{ADMIN, BINARY, Place, Service, days_ago};
use crate::remote::Remote;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// What the doctor said.
struct Report {
    code: i32,
    findings: Vec<Value>,
}

impl Report {
    fn of(mut command: Command) -> Self {
        let output = command.arg("--json").stdin(Stdio::null()).output().unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(errors.is_empty(), "{errors}");
        let findings: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
        let report = Self { code: output.status.code().unwrap(), findings };
        let is_ill = report.findings.iter().any(|one| one["status"] == "problem");
        assert_eq!(report.code, i32::from(is_ill));
        for one in &report.findings {
            assert_eq!(one.as_object().unwrap().keys().collect::<Vec<_>>(), ["check", "status", "message", "remedy"]);
            assert_eq!(one["status"] == "ok", one["remedy"] == "", "{one}");
        }
        report
    }

    /// Asserts that some finding of this check has this status and text; gives its remedy.
    #[track_caller]
    fn has(&self, check: &str, status: &str, text: &str) -> &str {
        let found = self.findings.iter().find(|one| {
            one["check"] == check && one["status"] == status && one["message"].as_str().unwrap().contains(text)
        });
        let found = found.unwrap_or_else(|| panic!("no {check} {status} {text:?} in {:#?}", self.findings));
        found["remedy"].as_str().unwrap()
    }

    fn names(&self) -> Vec<&str> {
        self.findings.iter().map(|one| one["check"].as_str().unwrap()).collect()
    }
}

/// Looks at a place with more words and variables. MOSP is not asked unless a test says so.
fn doctor(place: &Place, words: &[&str], variables: &[(&str, &str)]) -> Report {
    let mut command = place.command(&["doctor"]);
    command.args(words).env("MOSP_URL", "").envs(variables.iter().copied());
    Report::of(command)
}

/// The same beside a service.
fn beside(place: &Place, service: &Service, words: &[&str], variables: &[(&str, &str)]) -> Report {
    let port = ["--port", service.address.rsplit(':').next().unwrap()];
    doctor(place, &[&port, words].concat(), variables)
}

fn sql(place: &Place, text: &str) {
    let store = rusqlite::Connection::open(place.store()).unwrap();
    store.busy_timeout(Duration::from_secs(10)).unwrap();
    store.execute_batch(text).unwrap();
}

/// A server that always says the same; gives its address.
fn always(status: u16, header: &str, body: &'static str) -> String {
    let server = tiny_http::Server::http("127.0.0.1:0").unwrap();
    let url = format!("http://{}", server.server_addr());
    let header = header.parse::<tiny_http::Header>().ok();
    std::thread::spawn(move || {
        for request in server.incoming_requests() {
            let mut response = tiny_http::Response::from_string(body).with_status_code(status);
            header.iter().for_each(|header| response.add_header(header.clone()));
            let _ = request.respond(response);
        }
    });
    url
}

/// An address at which nobody listens.
fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

fn port_of(url: &str) -> &str {
    url.rsplit(':').next().unwrap()
}

/// `doctor` as a user who is not root, if this one is: with a copy of the program in `reachable`, since a clone below `/root`
/// lies where only root may enter.
fn somebody(place: &Place, reachable: &Path) -> Command {
    let program = reachable.join("monarc-stats");
    // Another test that forked while this process wrote the copy would keep it from being run.
    assert!(Command::new("cp").arg(BINARY).arg(&program).status().unwrap().success());
    std::fs::set_permissions(reachable, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = Command::new(program);
    command.args(["doctor", "--mosp-url", ""]).env_clear().envs([("STATS_DATABASE", place.store())]).current_dir("/");
    if is_root() {
        command.uid(65_534);
    }
    command
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").unwrap().uid() == 0
}

/// A front office's configuration.
fn configuration(place: &Place, url: &str, key: &str) -> String {
    let path = place.path().join("local.php");
    let text =
        format!("<?php\nreturn [\n'statsApi' => [\n    'baseUrl' => '{url}',\n    'apiKey' => '{key}',\n],\n];\n");
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_good_installation_is_well() {
    let (place, backups) = (Place::new(), Place::new());
    let token = place.client("fo");
    let backups = backups.path().join("daily");
    let variables = [("BACKUP_DIR", backups.to_str().unwrap())];
    let service = place.serve_with(&variables);
    service.store_stats(&token, &[item(ANR, "threat", &days_ago(0), "[]")]);
    let remote = common::service();
    let mosp = Remote::start();
    let deadline = Instant::now() + Duration::from_secs(60);
    let file = configuration(&place, &format!("http://{}", service.address), &token);
    let url = format!("http://{}", remote.1.address);
    let report = loop {
        let words = ["--front-office", &file];
        let more = [("REMOTE_STATS_SERVER", url.as_str()), ("REMOTE_STATS_TOKEN", &remote.2), ("MOSP_URL", &mosp.url)];
        let report = beside(&place, &service, &words, &[&variables[..], &more].concat());
        // The first backup comes some seconds after the start.
        if report.findings.iter().all(|one| one["status"] == "ok") || Instant::now() > deadline {
            break report;
        }
        std::thread::sleep(Duration::from_millis(200));
    };
    for (check, text) in [
        ("settings", "all values can be used"),
        ("directory", "can be written"),
        ("permissions", "nobody but their owner"),
        ("owner", "all files belong"),
        ("disk", "on a disk of this machine"),
        ("space", "MB free"),
        ("log", "the write-ahead log"),
        ("store", "2 clients, 1 analysis, 1 stat"),
        ("integrity", "nothing wrong"),
        ("clock", "today is 20"),
        ("zone", "time zone"),
        ("future", &days_ago(0)),
        ("backups", "holds 1 backup, the newest made 0 minutes ago"),
        ("service", "answers at"),
        ("client", "\"fo\" last sent 0 minutes ago"),
        ("watch", "refuses nothing for long"),
        ("public", "PUBLIC_MIN_CLIENTS is"),
        ("front_office", "has the key of \"fo\""),
        ("base_url", "leads to this service"),
        ("certificates", "that come with the program"),
        ("remote", "accepts the token"),
        ("mosp", "answers"),
    ] {
        report.has(check, "ok", text);
    }
    assert_eq!((report.code, report.findings.len()), (0, 22), "{:#?}", report.findings);
    // Each is a line for people, too.
    let text = place.run(&["doctor", "--mosp-url", "", "--port", port_of(&service.address)]);
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(text.lines().count() >= 18 && text.starts_with("ok       settings     all values"), "{text}");
    assert!(
        text.contains("\nwarning  backups      the service makes no backups by itself -> set BACKUP_DIR"),
        "{text}"
    );
}

/// All that can be seen of a directory: names, contents, permissions and times.
fn snapshot(directory: &Path) -> BTreeMap<PathBuf, (Vec<u8>, u32, i64, i64)> {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let of = |path: PathBuf| {
        let data = std::fs::metadata(&path).unwrap();
        let bytes = std::fs::read(&path).unwrap_or_default();
        (path, (bytes, data.mode(), data.mtime(), data.mtime_nsec()))
    };
    entries.chain([directory.to_owned()]).map(of).collect()
}

#[test]
fn it_leaves_no_mark() {
    let place = Place::new();
    let looked = |report: &dyn Fn() -> Report, clients: &str| {
        let before = snapshot(place.path());
        report().has("store", "ok", clients);
        assert_eq!(snapshot(place.path()).keys().collect::<Vec<_>>(), before.keys().collect::<Vec<_>>());
        assert!(snapshot(place.path()) == before);
    };
    place.client("one");
    assert_eq!(snapshot(place.path()).len(), 2);
    looked(&|| doctor(&place, &[], &[]), "1 client");
    // Beside a service it sees what is in the log alone.
    let service = place.serve();
    place.client("two");
    // Held, so that it writes nothing of its own meanwhile.
    service.signal("STOP");
    looked(&|| beside(&place, &service, &[], &[]), "3 clients");
    service.signal("KILL");
    drop(service);
    assert!(place.path().join("stats.db-wal").exists());
    looked(&|| doctor(&place, &[], &[]), "3 clients");
    // Without its index the log cannot be read by somebody who may not write.
    std::fs::remove_file(place.path().join("stats.db-shm")).unwrap();
    let before = snapshot(place.path());
    let report = doctor(&place, &[], &[]);
    assert!(report.has("store", "problem", "the log beside").contains("start the service"));
    assert!(snapshot(place.path()) == before);
    place.serve().stop();
    looked(&|| doctor(&place, &[], &[]), "3 clients");
}

#[test]
fn beside_a_busy_service_it_sees_nothing_that_is_not_there() {
    let place = Place::new();
    let token = place.client("fo");
    let service = place.serve();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // Large and ever new, so that the log is taken into the store again and again.
            for number in 1.. {
                let data: Vec<String> = (0..400).map(|n| rated(&uuid(number * 400 + n), 1, 1, "1")).collect();
                let data = data.concat().replace("][", ",");
                service.store_stats(&token, &[item(&uuid(number), "threat", &days_ago(0), &data)]);
                if stop.load(Ordering::Relaxed) {
                    break;
                }
            }
        });
        let mut sizes = BTreeSet::new();
        for _ in 0..20 {
            let report = beside(&place, &service, &[], &[]);
            stop.store(report.code != 0, Ordering::Relaxed);
            assert_eq!(report.code, 0, "{:#?}", report.findings);
            sizes.insert(report.findings.iter().find(|one| one["check"] == "store").unwrap()["message"].to_string());
        }
        stop.store(true, Ordering::Relaxed);
        assert!(sizes.len() > 5, "{sizes:?}");
    });
}

#[test]
fn settings_are_judged() {
    let place = Place::new();
    place.client("fo");
    for (name, value) in [("PORT", "http"), ("PUSH_EVERY", "1d"), ("TZ", "Mars/Olympus")] {
        let report = doctor(&place, &[], &[(name, value)]);
        report.has("settings", "problem", name);
        assert_eq!(report.names(), ["settings"]);
    }
    let report =
        doctor(&place, &[], &[("SECRET_KEY", "s3cret"), ("BACKUP_DIRS", "s3cret"), ("STATS_COLOUR", "s3cret")]);
    report.has("settings", "warning", "SECRET_KEY is set and has no effect");
    assert!(report.has("settings", "warning", "BACKUP_DIRS").contains("BACKUP_DIR is one"));
    report.has("settings", "warning", "STATS_COLOUR");
    assert!(!format!("{:?}", report.findings).contains("s3cret"));
    let known =
        [("STATS_PORT", "1"), ("HOME", "/"), ("STATE_DIRECTORY", "/x"), ("HOSTNAME", "h"), ("INVOCATION_ID", "1")];
    assert_eq!(doctor(&place, &[], &known).names().iter().filter(|name| **name == "settings").count(), 1);
}

#[test]
fn files_are_judged() {
    let place = Place::new();
    place.client("fo");
    let store = place.store();
    let name = store.to_str().unwrap();
    let mode = |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    mode(&store, 0o644);
    assert_eq!(doctor(&place, &[], &[]).has("permissions", "problem", name), format!("chmod 600 {name}"));
    mode(&store, 0o600);
    let nowhere = doctor(&place, &["--store", "/nonexistent/stats.db"], &[]);
    nowhere.has("directory", "problem", "/nonexistent");
    nowhere.has("store", "problem", "there is no store at /nonexistent/stats.db");
    // Somebody else may neither write nor read.
    mode(place.path(), 0o555);
    let reachable = TempDir::new().unwrap();
    let report = Report::of(somebody(&place, reachable.path()));
    report.has("directory", "problem", "cannot be written");
    if is_root() {
        assert!(report.has("store", "problem", "cannot be read").contains("service's user"));
    }
    mode(place.path(), 0o755);
    if is_root() {
        std::os::unix::fs::chown(&store, Some(65_534), None).unwrap();
        let remedy = format!("chown --reference={} {name}", place.path().display());
        assert_eq!(doctor(&place, &[], &[]).has("owner", "warning", name), remedy);
        std::fs::write(place.path().join("stats.db-shm"), "").unwrap();
        doctor(&place, &[], &[]).has("owner", "problem", name);
    }
    let log = std::fs::File::create(place.path().join("stats.db-wal")).unwrap();
    log.set_len(65 << 20).unwrap();
    doctor(&place, &[], &[]).has("log", "warning", "69 MB");
}

#[test]
fn stores_are_judged() {
    let place = Place::new();
    place.client("fo");
    let path = place.store();
    let whole = std::fs::read(&path).unwrap();
    let says = |status: &str, text: &str| {
        let report = doctor(&place, &[], &[]);
        report.has("store", status, text);
        report
    };
    std::fs::write(&path, [7; 9000]).unwrap();
    says("problem", "is not a store of monarc-stats");
    std::fs::remove_file(&path).unwrap();
    sql(&place, "CREATE TABLE x (y)");
    says("problem", "another database");
    std::fs::write(&path, &whole).unwrap();
    sql(&place, "PRAGMA user_version = 99");
    says("problem", "has version 99, this program knows up to");
    std::fs::remove_file(&path).unwrap();
    for ending in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(place.path().join(format!("stats.db{ending}")));
    }
    sql(&place, "CREATE TABLE x (y); PRAGMA application_id = 0x6d6e7263; PRAGMA user_version = 3");
    says("problem", "before 0.2.0");
    // What is damaged is found.
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, &whole).unwrap();
    doctor(&place, &[], &[]).has("integrity", "ok", "");
    let mut bytes = whole.clone();
    let page = rusqlite::Connection::open(&path)
        .unwrap()
        .query_row("SELECT rootpage FROM sqlite_schema WHERE name = 'mosp'", [], |row| row.get::<_, u16>(0))
        .unwrap();
    let page = usize::from(page);
    bytes[(page - 1) * 4096..page * 4096].fill(0x55);
    std::fs::write(&path, &bytes).unwrap();
    assert!(doctor(&place, &[], &[]).has("integrity", "problem", "damaged").contains("backup"));
    bytes[whole.len() / 2..].fill(0x55);
    std::fs::write(&path, &bytes).unwrap();
    assert!(says("problem", "the store is damaged").has("store", "problem", "").contains("backup"));
}

#[test]
fn clients_and_their_stats_are_judged() {
    let place = Place::new();
    place.ok(&["client", "create", "--new-store", "--name", "boss", "--role", "admin"]);
    place.client("gone");
    place.ok(&["client", "deactivate", "gone"]);
    let report = doctor(&place, &[], &[]);
    report.has("client", "warning", "no active client can send");
    report.has("future", "ok", "no stats yet");
    assert!(doctor(&place, &[], &[("TZ", "/nonexistent")]).has("zone", "warning", "UTC is used").contains("TZ"));
    let token = place.client("fo");
    place.client("silent");
    let service = place.serve();
    service.store_stats(
        &token,
        &[item(ANR, "vulnerability", &days_ago(1), "[]"), item(ANR, "threat", &days_ago(0), "[]")],
    );
    let report = beside(&place, &service, &[], &[]);
    report.has("client", "ok", &format!("\"fo\" last sent 0 minutes ago; the newest is of {}", days_ago(0)));
    report.has("client", "warning", "\"silent\" has never sent anything");
    assert_eq!(report.names().iter().filter(|name| **name == "client").count(), 2);
    sql(&place, "UPDATE client SET last_stat_at = last_stat_at - 4 * 86400");
    beside(&place, &service, &[], &[]).has("client", "warning", "\"fo\" last sent 4 days ago");
    sql(&place, "UPDATE stat SET date = 47117 WHERE type = 2");
    assert!(beside(&place, &service, &[], &[]).has("future", "problem", "2099-01-01").contains("clock"));
    sql(&place, "INSERT INTO job (name, failed_at, failure) VALUES ('push', 1790000000, 'no route')");
    beside(&place, &service, &[], &[]).has("jobs", "warning", "the last push failed");
}

/// What a service finds when it looks its store through once a day, some minutes after its start.
#[test]
fn damage_that_a_service_has_found_is_told_everywhere() {
    let place = Place::new();
    let service = place.serve();
    sql(&place, "INSERT INTO job (name, failed_at, failure) VALUES ('check', 1790000000, 'the store is damaged: x')");
    common::until("it to be noticed", || {
        service.get("/metrics").token(ADMIN).send().text().contains("{state=\"job_failed\",subject=\"check\"} 1")
    });
    let report = beside(&place, &service, &[], &[]);
    assert!(report.has("jobs", "problem", "the store is damaged: x").contains("backup"));
    let log = service.stop();
    assert!(
        log.contains("watch: begun: job_failed: the last check of the service failed: the store is damaged"),
        "{log}"
    );
}

/// Only the service counts what it refuses: the doctor reads it in the store.
#[test]
fn stats_of_days_to_come_are_told_of_although_they_were_refused() {
    let place = Place::new();
    let token = place.client("fo");
    let service = place.serve();
    beside(&place, &service, &[], &[]).has("watch", "ok", "refuses nothing");
    let items: Vec<String> = (3..13).map(|days| item(ANR, "threat", &days_ago(-days), "[]")).collect();
    service.post("/api/v1/stats/").token(&token).text(&format!("[{}]", items.join(","))).send().expect(400);
    common::until("it to be noticed", || {
        service.get("/metrics").token(ADMIN).send().text().contains("state=\"dated_ahead\"")
    });
    let report = beside(&place, &service, &[], &[]);
    assert!(report.has("watch", "warning", "10 stats were refused within two hours").contains("clock"));
}

#[test]
fn backups_are_judged() {
    let place = Place::new();
    place.client("fo");
    let directory = place.path().join("backups");
    let variables = [("BACKUP_DIR", directory.to_str().unwrap())];
    let says = |status: &str, text: &str| {
        doctor(&place, &[], &variables).has("backups", status, text);
    };
    doctor(&place, &[], &[]).has("backups", "warning", "makes no backups");
    says("warning", "there is no ");
    std::fs::write(&directory, "").unwrap();
    says("problem", "is no directory");
    std::fs::remove_file(&directory).unwrap();
    std::fs::create_dir(&directory).unwrap();
    says("warning", "holds no backup yet");
    std::fs::write(directory.join("stats-20261101T000000Z.db"), "").unwrap();
    says("problem", "holds 1 backup, the newest made ");
    std::fs::write(directory.join("stats-20990101T000000Z.db"), "").unwrap();
    says("problem", "have names of the future, such as ");
    std::fs::remove_file(directory.join("stats-20990101T000000Z.db")).unwrap();
    std::fs::write(directory.join(".monarc-stats-store"), "/elsewhere/stats.db 123\n").unwrap();
    says("problem", "holds the backups of another store, /elsewhere/stats.db");
}

#[test]
fn the_service_is_judged() {
    let place = Place::new();
    let dead = nobody();
    place.client("fo");
    doctor(&place, &["--port", port_of(&dead)], &[]).has("service", "problem", "no service answers at");
    let stranger = always(200, "", "hello");
    doctor(&place, &["--port", port_of(&stranger)], &[]).has("service", "problem", "another program answers");
    doctor(&place, &["--port", "0"], &[]).has("service", "warning", "PORT is 0");
    let service = place.serve_with(&[("PUBLIC_PAGES", "off")]);
    beside(&place, &service, &[], &[]).has("service", "ok", "answers at");
    beside(&place, &service, &["--host", "0.0.0.0"], &[]).has("service", "ok", "answers at http://127.0.0.1:");
    doctor(&place, &["--port", port_of(&dead)], &[]).has("service", "problem", "a service has this store, and nothing");
    let other = Place::new();
    other.client("fo");
    beside(&other, &service, &[], &[]).has("service", "problem", "has another store than");
    let text = "MONARC Stats Service 0.0.1\nContact: x\nLicence: AGPL-3.0-or-later\n";
    let older = always(200, "", text);
    doctor(&place, &["--port", port_of(&older)], &[]).has("service", "warning", "is version 0.0.1");
}

#[test]
fn front_offices_are_judged() {
    let place = Place::new();
    let token = place.client("fo");
    let service = place.serve();
    let url = format!("http://{}", service.address);
    let look = |url: &str, key: &str| {
        let file = configuration(&place, url, key);
        beside(&place, &service, &["--front-office", &file], &[])
    };
    look(&format!("{url}/"), &token).has("base_url", "ok", "leads to this service");
    let report = look(&url, "unknown-key");
    assert!(report.has("front_office", "problem", "knows no client").contains("client create"));
    report.has("base_url", "ok", "refuses the key");
    look(&url, ADMIN).has("front_office", "problem", "that of the admin \"admin\"");
    place.ok(&["client", "deactivate", "fo"]);
    let report = look(&url, &token);
    assert!(report.has("front_office", "problem", "deactivated").contains("client activate \"fo\""));
    place.ok(&["client", "activate", "fo"]);
    look("http://127.0.0.1", "").has("front_office", "problem", "has no 'statsApi'");
    look(&nobody(), &token).has("base_url", "problem", "does not answer");
    look("localhost:5005", &token).has("base_url", "problem", "http://");
    let redirect = always(301, "Location: https://x.example/", "");
    look(&redirect, &token).has("base_url", "problem", "redirects to https://x.example/");
    look(&always(404, "", ""), &token).has("base_url", "problem", "is no stats service: it answers 404");
    look(&always(403, "", ""), &token).has("base_url", "problem", "does not know the key");
    look(&always(200, "", "{\"name\": \"x\"}"), &token).has("base_url", "problem", "another service");
    let report = beside(&place, &service, &["--front-office", "/nonexistent/local.php"], &[]);
    report.has("front_office", "problem", "/nonexistent/local.php cannot be read");
    // Several are looked at one after the other.
    let file = configuration(&place, &url, &token);
    let report = beside(&place, &service, &["--front-office", &file, "--front-office", "/nonexistent/local.php"], &[]);
    assert_eq!(report.names().iter().filter(|name| **name == "front_office").count(), 2);
}

#[test]
fn other_machines_are_judged() {
    let place = Place::new();
    place.client("fo");
    let (_partner, service, token) = common::service();
    let ask =
        |url: &str, token: &str| doctor(&place, &[], &[("REMOTE_STATS_SERVER", url), ("REMOTE_STATS_TOKEN", token)]);
    let url = format!("http://{}", service.address);
    doctor(&place, &[], &[]).has("remote", "ok", "nothing is shared");
    ask(&url, &token).has("remote", "ok", "accepts the token");
    assert!(ask(&url, "wrong").has("remote", "problem", "does not accept").contains("REMOTE_STATS_TOKEN"));
    assert!(ask(&nobody(), &token).has("remote", "warning", "cannot be reached").contains("REMOTE_STATS_SERVER"));
    for (status, header, found, text) in [
        (302, "Location: https://x.example", "problem", "redirects to https://x.example"),
        (404, "", "problem", "there is no stats service"),
        (503, "", "warning", "answers 503"),
    ] {
        ask(&always(status, header, ""), &token).has("remote", found, text);
    }
    let mosp = |url: &str| doctor(&place, &[], &[("MOSP_URL", url)]);
    mosp("").has("mosp", "ok", "turned off");
    mosp(&Remote::start().url).has("mosp", "ok", "answers");
    assert!(mosp(&nobody()).has("mosp", "warning", "cannot be reached").contains("MOSP_URL"));
    mosp(&always(200, "", "hello")).has("mosp", "warning", "does not answer as MOSP");
    let report = doctor(&place, &[], &[("SSL_CERT_FILE", "/nonexistent/ca.pem")]);
    assert!(report.has("certificates", "warning", "/nonexistent/ca.pem").contains("SSL_CERT_FILE"));
}

/// The tokens themselves are nowhere in this source: their hashes tell.
#[test]
fn tokens_that_are_published_are_named_by_doctor_start_and_move_in() {
    for (hash, name) in monarc_stats::model::Token::PUBLISHED.iter().zip(["image", "development"]) {
        let place = Place::new();
        place.client(name);
        place.client("fo");
        let quiet = doctor(&place, &[], &[]);
        assert!(!quiet.names().contains(&"token"), "{:?}", quiet.findings);
        sql(&place, &format!("UPDATE client SET token_hash = x'{hash}' WHERE name = '{name}'"));
        let sentence = format!("the token of client \"{name}\" is published in MONARC's repositories");
        let remedy = doctor(&place, &[], &[]).has("token", "warning", &sentence).to_owned();
        assert!(remedy.contains("rotate-token") && remedy.contains("no day is lost"), "{remedy}");
        doctor(&place, &[], &[("HOST", "0.0.0.0")]).has("token", "problem", &sentence);
        for (file, head) in [
            (
                "client.csv",
                "id,uuid,name,token,role,latitude,longitude,last_seen,local,is_sharing_enabled,created_at,updated_at,is_active",
            ),
            ("stats.csv", "uuid,anr,type,date,data,created_at,client_id"),
        ] {
            std::fs::write(place.path().join(file), format!("{head}\n")).unwrap();
        }
        let directory = place.path().display().to_string();
        assert!(place.ok(&["import", "--from-reference", &directory]).contains(&sentence));
        let log = place.serve().stop();
        assert_eq!(log.matches(&sentence).count(), 1, "{log}");
        // Rotated, it is like any other.
        place.ok(&["client", "rotate-token", name]);
        assert!(!place.serve().stop().contains("is published"));
    }
}

#[test]
fn a_token_that_might_be_guessed_is_named_and_not_shown() {
    let place = Place::new();
    place.client("fo");
    let report = doctor(&place, &[], &[("ADMIN_TOKEN", "guess-me")]);
    assert!(!report.has("token", "warning", "ADMIN_TOKEN has fewer than 16 characters").contains("guess-me"));
}
