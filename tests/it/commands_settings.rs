//! Settings, `config`, `healthcheck`, `serve`, `demo` and every `--help`.

use crate::common;
use crate::common::{ADMIN, Place, Service, service};
use serde_json::Value;
use std::net::TcpListener;
use std::os::unix::ffi::OsStrExt;
use std::process::{Command, Output, Stdio};

/// Runs a command on a place with these variables.
fn run(place: &Place, words: &[&str], variables: &[(&str, &str)]) -> Output {
    place.command(words).envs(variables.iter().copied()).stdin(Stdio::null()).output().unwrap()
}

/// The value and the source that `config` shows for a setting.
fn shown(place: &Place, words: &[&str], variables: &[(&str, &str)], name: &str) -> (String, String) {
    let output = run(place, &[&["config"], words].concat(), variables);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let line = text.lines().find(|line| line.split_whitespace().next() == Some(name)).unwrap();
    let mut parts = line.split_whitespace().skip(1);
    (parts.next().unwrap().into(), parts.next().unwrap().into())
}

#[test]
fn config_shows_values_and_where_they_come_from() {
    let place = Place::new();
    let show = |words: &[&str], variables: &[(&str, &str)], name: &str| shown(&place, words, variables, name);
    let pair = |value: &str, source: &str| (value.to_owned(), source.to_owned());
    for (name, value) in [
        ("HOST", "127.0.0.1"),
        ("PORT", "5005"),
        ("REMOTE_STATS_SERVER", "https://dashboard.monarc.lu"),
        ("MOSP_URL", "https://objects.monarc.lu"),
        ("CLIENT_REGISTRATION_OPEN", "on"),
        ("FIX_PROXY", "off"),
        ("SCRIPT_NAME", "-"),
        ("INSTANCE_URL", "http://127.0.0.1:5005"),
    ] {
        assert_eq!(show(&[], &[], name), pair(value, "default"), "{name}");
    }
    assert_eq!(show(&[], &[("PORT", "8080")], "PORT"), pair("8080", "environment"));
    assert_eq!(show(&[], &[("STATS_PORT", "8081")], "PORT"), pair("8081", "environment"));
    assert_eq!(show(&[], &[("STATS_HOST", "0.0.0.0")], "HOST"), pair("0.0.0.0", "environment"));
    let url = "https://x.example/y";
    assert_eq!(show(&[], &[("STATS_INSTANCE_URL", url)], "INSTANCE_URL"), pair(url, "environment"));
    assert_eq!(show(&[], &[("PORT", "8080"), ("STATS_PORT", "1")], "PORT"), pair("8080", "environment"));
    assert_eq!(show(&["--port", "9"], &[("PORT", "8080")], "PORT"), pair("9", "flag"));
    assert_eq!(show(&["--port=9"], &[], "PORT"), pair("9", "flag"));
    assert_eq!(show(&["--fix-proxy"], &[], "FIX_PROXY"), pair("on", "flag"));
    assert_eq!(show(&["--store", "/x/y.db"], &[], "STATS_DATABASE"), pair("/x/y.db", "flag"));
}

#[test]
fn the_store_has_its_place() {
    let place = Place::new();
    let found = |variables: &[(&str, &str)]| {
        let mut command = Command::new(common::BINARY);
        let output = command.arg("config").env_clear().envs(variables.iter().copied()).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().next().and_then(|line| line.split_whitespace().nth(1)).unwrap_or_default().to_owned()
    };
    let home = place.path().to_str().unwrap();
    assert_eq!(found(&[("HOME", home), ("STATE_DIRECTORY", "/var/lib/m:/x")]), "/var/lib/m/stats.db");
    assert_eq!(found(&[("HOME", home), ("XDG_DATA_HOME", "/data")]), "/data/monarc-stats/stats.db");
    assert_eq!(found(&[("HOME", home)]), format!("{home}/.local/share/monarc-stats/stats.db"));
    assert_eq!(found(&[("STATS_DATABASE", "/a.db"), ("STATE_DIRECTORY", "/b")]), "/a.db");
    assert_eq!(found(&[]), "");
}

#[test]
fn secrets_are_masked() {
    let place = Place::new();
    let output = run(&place, &["config"], &[("ADMIN_TOKEN", "s3cret-1"), ("REMOTE_STATS_TOKEN", "s3cret-2")]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.contains("s3cret") && text.contains("********"), "{text}");
    let output = run(&place, &["config"], &[("ADMIN_TOKEN", "s3cret with space")]);
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("ADMIN_TOKEN") && !error.contains("s3cret"), "{error}");
}

#[test]
fn a_value_that_cannot_be_used_stops_the_start_and_is_named() {
    let place = Place::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for (name, value) in [
        ("PORT", "http"),
        ("PORT", "70000"),
        ("PORT", "-1"),
        ("STATS_PORT", "x"),
        ("HOST", "nowhere.example"),
        ("INSTANCE_URL", "stats.example.org"),
        ("SCRIPT_NAME", "dashboard"),
        ("SCRIPT_NAME", "/a/../b"),
        ("SCRIPT_NAME", "/a\"b"),
        ("FIX_PROXY", "maybe"),
        ("TRUSTED_PROXIES", "10.0.0.1, proxy"),
        ("ADMIN_TOKEN", "two words"),
        ("ADMIN_URL", "me"),
        ("CLIENT_REGISTRATION_OPEN", "2"),
        ("REMOTE_STATS_SERVER", "dashboard"),
        ("REMOTE_STATS_TOKEN", "é"),
        ("MOSP_URL", "objects"),
        ("STORE_MUST_EXIST", "perhaps"),
        ("TZ", "Mars/Olympus"),
        ("LOG_PATH", "/nonexistent/directory/log"),
    ] {
        // Whatever is wrongly accepted ends at the port that is taken.
        let words: &[&str] = if name.ends_with("PORT") { &["config"] } else { &["serve", "--port", &port] };
        assert_named(&run(&place, words, &[(name, value)]), name.trim_start_matches("STATS_"));
    }
    assert!(!place.store().exists());
}

#[track_caller]
fn assert_named(output: &Output, name: &str) {
    let error = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(1), "{name}: {error}");
    assert!(error.contains(name) && error.lines().count() == 1, "{name}: {error}");
}

#[test]
fn settings_of_the_reference_are_named_once_and_have_no_effect() {
    let place = Place::new();
    let names = [
        "DB_HOST",
        "DB_HOSTNAME",
        "DB_PORT",
        "DB_USER",
        "DB_USERNAME",
        "DB_PASSWORD",
        "SECRET_KEY",
        "STATS_CONFIG",
        "DEBUG",
        "ENVIRONMENT",
    ];
    let variables: Vec<(&str, &str)> = names.iter().map(|name| (*name, "s3cret")).collect();
    let service = place.serve_with(&variables);
    service.get("/healthz").send().expect(200);
    let log = service.stop();
    for name in names {
        assert_eq!(log.matches(&format!("{name} is set")).count(), 1, "{name}: {log}");
    }
    assert!(!log.contains("s3cret"));
    let output = run(&place, &["config"], &variables);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(names.iter().all(|name| text.contains(name)) && !text.contains("s3cret"), "{text}");
}

#[test]
fn serving_is_what_happens_without_a_command() {
    let place = Place::new();
    let service = Service::start(place.command(&["--port", "0"]));
    let store = place.store();
    assert_eq!(service.announcement, format!("listening on http://{}, store {}\n", service.address, store.display()));
    service.get("/healthz").send().expect(200);
    // Without an admin token there is no admin.
    service.get("/api/v1/client/me").token(ADMIN).send().expect(403);
}

#[test]
fn a_new_store_gets_its_first_client_and_says_the_token_this_once() {
    let place = Place::new();
    let serve = |variables: &[(&str, &str)]| {
        let mut command = place.command(&["--port", "0"]);
        command.env("FIRST_CLIENT", "Front office").envs(variables.iter().copied());
        Service::start(command)
    };
    // Bug: a service that was killed between making the store and the client never made it.
    place.ok(&["database", "migrate"]);
    let service = serve(&[]);
    let token = service.printed.lines().find_map(|line| line.strip_prefix("Token: ")).unwrap();
    let me = service.get("/api/v1/client/me").token(token).send().expect(200).json();
    assert_eq!((me["name"].as_str(), me["role"].as_str()), (Some("Front office"), Some("1")));
    let log = service.stop();
    assert!(!log.contains("Token"), "{log}");
    assert_eq!(serve(&[]).printed, "");
    // Nor is there a new one after it was deleted.
    place.ok(&["client", "delete", "Front office", "--yes"]);
    assert_eq!(serve(&[]).printed, "");
    assert_eq!(place.ok(&["client", "list"]), "");
}

#[test]
fn who_has_an_admin_token_makes_the_first_client_with_it() {
    let place = Place::new();
    let service = place.serve_with(&[("FIRST_CLIENT", "Front office")]);
    assert_eq!(service.printed, "");
    let clients = place.ok(&["client", "list"]);
    assert!(clients.contains("admin") && !clients.contains("Front office"), "{clients}");
}

#[test]
fn a_port_that_is_taken_is_named() {
    let place = Place::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let error = place.fails(&["serve", "--port", &port], 1);
    assert!(error.contains("PORT") && error.contains(&port), "{error}");
}

#[test]
fn the_log_goes_where_it_is_sent() {
    let place = Place::new();
    let path = place.path().join("service.log");
    let service = place.serve_with(&[("LOG_PATH", path.to_str().unwrap())]);
    service.get("/healthz").send().expect(200);
    assert_eq!(service.stop(), "");
    let log = std::fs::read_to_string(path).unwrap();
    assert!(log.contains("GET /healthz 200 ") && log.contains("stopped"), "{log}");
}

#[test]
fn today_is_the_date_of_the_time_zone() {
    let place = Place::new();
    let token = place.client("fo");
    // At any moment these two have different dates.
    for zone in ["Etc/GMT+12", "Pacific/Kiritimati"] {
        let service = place.serve_with(&[("TZ", zone)]);
        let date = |days: i64| {
            let zone = jiff::tz::TimeZone::get(zone).unwrap();
            let today = jiff::Timestamp::now().to_zoned_datetime(zone).date();
            today.checked_add(jiff::Span::new().days(days)).unwrap().to_string()
        };
        let before = date(0);
        let items: Vec<String> =
            [0, 1].map(|days| common::batch::item(common::batch::ANR, "threat", &date(days), "[]")).into();
        service.store_stats(&token, &items);
        let read = service.dates(&token, &serde_json::json!({"type": "threat", "date_from": before}));
        // Midnight may pass in between.
        if date(0) == before {
            assert_eq!(read, [before], "{zone}");
        }
        drop(service);
        place.ok(&["stats", "delete", "--client", "fo", "--yes"]);
    }
}

#[test]
fn healthcheck_asks_the_running_service() {
    let (place, service, _token) = service();
    let port = service.address.rsplit(':').next().unwrap().to_owned();
    assert_eq!(place.ok(&["healthcheck", "--port", &port]), format!("127.0.0.1:{port} is well\n"));
    place.ok(&["healthcheck", "--port", &port, "--host", "0.0.0.0"]);
    service.stop();
    let error = place.fails(&["healthcheck", "--port", &port], 1);
    assert!(error.contains(&port) && error.contains("does not answer"), "{error}");
}

#[test]
fn demo_serves_samples_and_leaves_nothing() {
    let place = Place::new();
    let mut command = place.command(&["demo", "--days", "3", "--port", "0"]);
    command.env("TMPDIR", place.path()).env("ADMIN_TOKEN", ADMIN);
    let service = Service::start(command);
    assert!(service.announcement.contains("monarc-stats-demo-"));
    let list = |path: &str| service.get(path).send().expect(200).json().as_array().unwrap().len();
    assert!(list("/stats/threats.json") >= 20 && list("/stats/vulnerabilities.json") >= 20);
    assert!(list("/map/clients.json") >= 3 && list("/stats/compliance.json") >= 1);
    service.stop();
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0);
}

/// The names of the commands that a help text lists.
fn commands_of(help: &str) -> Vec<String> {
    let list = help.split_once("Commands:\n").map_or("", |parts| parts.1);
    let lines = list.lines().take_while(|line| line.starts_with("  "));
    let names = lines.filter(|line| !line.starts_with("   ")).filter_map(|line| line.split_whitespace().next());
    names.map(str::to_owned).collect()
}

#[test]
fn every_command_helps_with_an_example() {
    let place = Place::new();
    let mut open: Vec<Vec<String>> = vec![vec![]];
    let mut seen = 0;
    while let Some(words) = open.pop() {
        let mut arguments: Vec<&str> = words.iter().map(String::as_str).collect();
        arguments.push("--help");
        let help = place.ok(&arguments);
        assert!(help.contains("Usage: monarc-stats"), "{words:?}: {help}");
        if !words.is_empty() {
            let example = help.split_once("Examples:\n").unwrap_or_else(|| panic!("{words:?} has no example")).1;
            assert!(example.contains(&format!("monarc-stats {}", words.join(" "))), "{words:?}: {help}");
        }
        for name in commands_of(&help) {
            open.push([words.as_slice(), &[name]].concat());
        }
        seen += 1;
    }
    assert!(seen >= 25, "only {seen} commands were seen");
    assert!(!place.store().exists());
}

/// What environments of other people have in them.
const HOSTILE: [(&str, &[u8]); 24] = [
    ("ALL_PROXY", b"socks5://127.0.0.1:1080"),
    ("HTTPS_PROXY", b"socks4a://127.0.0.1"),
    ("HTTP_PROXY", b"http://[::1"),
    ("http_proxy", b"//"),
    ("https_proxy", b"http://user:pa%ff@127.0.0.1:1"),
    ("HTTP_PROXY", b"http://p\xc3\xa9:99999"),
    ("HTTP_PROXY", b"user@"),
    ("NO_PROXY", b"[::1,127.0.0.0/999,/,*.,\xff"),
    ("SSL_CERT_FILE", b"/nowhere/at/all.pem"),
    ("TZ", b":"),
    ("TZ", b"\xff"),
    ("HOME", b"\xff"),
    ("STATS_DATABASE", b"/tmp"),
    ("STATS_DATABASE", b"file::memory:?cache=shared"),
    ("STATS_DATABASE", b"/nowhere/\xff/stats.db"),
    ("REMOTE_STATS_SERVER", b"http://[::1"),
    ("REMOTE_STATS_SERVER", b"http://127.0.0.1:99999"),
    ("REMOTE_STATS_SERVER", b"https://\xc3\xa9.example:1"),
    ("MOSP_URL", b"http://:@:0/%zz"),
    ("MOSP_URL", b"https://127.0.0.1:1\\"),
    ("INSTANCE_URL", b"http://\xe2\x80\xae"),
    ("LANG", b"\xff\xfe"),
    ("COLUMNS", b"-1"),
    ("TERM", b"\xff"),
];

/// Bug: a SOCKS address in the environment was a panic, exit code 101.
#[test]
fn no_environment_reaches_a_panic() {
    let place = Place::new();
    place.client("fo");
    let anr = common::batch::ANR;
    let (backup, lines) = (place.path().join("backup.db"), place.path().join("lines.ndjson"));
    std::fs::write(&lines, "").unwrap();
    let (backup, lines) = (backup.to_str().unwrap(), lines.to_str().unwrap());
    let remote = ["--token", "x", "--retries", "0"];
    let commands: Vec<Vec<&str>> = vec![
        vec!["client", "list"],
        vec!["client", "create", "--new-store", "--name", "x"],
        vec!["stats", "latest"],
        vec!["stats", "purge", "--yes"],
        vec!["export"],
        vec!["import", lines, "--client", "fo"],
        vec!["database", "check"],
        vec!["database", "backup", backup],
        vec!["config"],
        vec!["config", "--template"],
        vec!["doctor", "--json"],
        vec!["healthcheck", "--port", "1"],
        vec!["manual"],
        vec!["completions", "bash"],
        vec!["licenses"],
        vec!["mosp", "published", anr],
        [&["push", "--all"], &remote[..]].concat(),
        [&["pull", "--client", "fo"], &remote[..]].concat(),
        vec!["serve", "--host", "192.0.2.1", "--port", "1"],
    ];
    for (name, value) in HOSTILE {
        let value = std::ffi::OsStr::from_bytes(value);
        for words in &commands {
            let mut command = place.command(words);
            command.env(name, value).stdin(Stdio::null());
            let output = command.output().unwrap();
            let errors = String::from_utf8_lossy(&output.stderr).into_owned();
            let code = output.status.code();
            assert!(code.is_some_and(|code| code < 65), "{name}={value:?} {words:?}: {code:?} {errors}");
            assert!(!errors.contains("panicked"), "{name}={value:?} {words:?}: {errors}");
        }
    }
}

/// Bug: some of these were stores in memory, lost at the end, or silently another file.
#[test]
fn what_is_no_path_of_a_store_is_refused_by_name() {
    let place = Place::new();
    let refused: Vec<&[u8]> = vec![
        b"file:stats.db",
        b"file:memdb?mode=memory",
        b":memory:",
        b"sqlite:///stats.db",
        b"~/stats.db",
        b"/tmp",
        b"/tmp/",
        b"\xff.db",
    ];
    for value in refused {
        for words in [&["serve", "--port", "0"][..], &["database", "migrate"], &["client", "list"], &["config"]] {
            let mut command = place.command(words);
            command.env("STATS_DATABASE", std::ffi::OsStr::from_bytes(value)).current_dir(place.path());
            assert_named(&command.stdin(Stdio::null()).output().unwrap(), "STATS_DATABASE=");
        }
        assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0, "{value:?}");
    }
    // Names of other files are no addresses either.
    place.client("fo");
    let mut command = place.command(&["database", "backup", "file:copy.db?mode=memory"]);
    assert!(command.current_dir(place.path()).output().unwrap().status.success());
    assert!(place.path().join("file:copy.db?mode=memory").exists());
    let mut command = place.command(&["database", "restore", "file:copy.db?mode=memory", "--yes"]);
    assert!(command.current_dir(place.path()).output().unwrap().status.success());
    let error =
        String::from_utf8(place.command(&["database", "restore", ":memory:", "--yes"]).output().unwrap().stderr);
    assert!(error.unwrap().contains(":memory: cannot be opened"));
}

#[test]
fn flags_are_taken_as_people_write_them() {
    let place = Place::new();
    place.ok(&["client", "create", "--new-store", "--name=Foo", "--token=foo-token-of-a-test"]);
    assert!(place.ok(&["client", "list"]).contains("Foo"));
    assert!(place.ok(&["-h"]).starts_with("Usage: monarc-stats"));
    assert!(place.ok(&["client", "create", "-h"]).starts_with("Usage: monarc-stats client create"));
    assert_eq!(place.ok(&["-V"]), place.ok(&["--version"]));
    let public = |words: &[&str]| shown(&place, words, &[], "PUBLIC_PAGES");
    for words in [&["--public-pages", "off"], &["--public-pages=off", "--map"]] {
        assert_eq!(public(words), ("off".to_owned(), "flag".to_owned()), "{words:?}");
    }
    assert_eq!(public(&["--public-pages"]), ("on".to_owned(), "flag".to_owned()));
    for (words, said) in [
        (&["client", "creat"][..], "monarc-stats: there is no command \"client creat\"; did you mean create?"),
        (&["--prot", "1"], "monarc-stats: there is no flag --prot; did you mean --port?; see 'monarc-stats --help'"),
        (
            &["client", "list", "--jsn"],
            "monarc-stats: there is no flag --jsn; did you mean --json?; see 'monarc-stats client list --help'",
        ),
    ] {
        let error = place.fails(words, 2);
        assert!(error.starts_with(said) && error.lines().count() == 1, "{error}");
    }
}

#[test]
fn what_is_no_command_exits_with_2() {
    let place = Place::new();
    for words in
        [vec!["sevre"], vec!["client"], vec!["client", "creat"], vec!["--prot", "1"], vec!["stats", "latest", "x"]]
    {
        let output = place.run(&words);
        assert_eq!(output.status.code(), Some(2), "{words:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{words:?}");
    }
    assert!(place.fails(&["serve", "--port"], 1).contains("--port"));
    assert_eq!(place.ok(&["--version"]), format!("monarc-stats {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_question_is_answered_on_a_terminal_only() {
    let place = Place::new();
    place.client("fo");
    let mut command = place.command(&["client", "delete", "fo"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // What is piped in is no answer. The command may be gone before it could be read.
    let _ = std::io::Write::write_all(child.stdin.as_mut().unwrap(), b"y\n");
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(1));
    let clients: Value = serde_json::from_str(&place.ok(&["client", "list", "--json"])).unwrap();
    assert_eq!(clients.as_array().unwrap().len(), 1);
}

#[test]
fn a_demo_refuses_what_it_cannot_do_before_it_begins() {
    let place = Place::new();
    for days in ["0", "99999"] {
        let error = place.fails(&["demo", "--days", days, "--port", "0"], 1);
        assert!(error.contains("--days: a number from 1 to 3660 is needed"), "{error}");
    }
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let error = place.fails(&["demo", "--days", "3660", "--port", &port], 1);
    assert!(error.contains("HOST and PORT: cannot listen on") && !error.contains("invented"), "{error}");
}

#[test]
fn config_has_the_time_zone() {
    let place = Place::new();
    let of = |zone: &str| {
        let output = run(&place, &["config"], &[("TZ", zone)]);
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().find(|line| line.starts_with("TZ ")).unwrap().to_owned()
    };
    assert!(of("Europe/Luxembourg").contains("Europe/Luxembourg") && of("Europe/Luxembourg").contains("environment"));
    assert!(of("").contains("machine"));
}

/// Runs a command where an installed service's file has these lines: in a file system of its own, which only root can make.
fn installed(place: &Place, lines: &str, words: &[&str]) -> Option<Output> {
    let (upper, work) = (place.path().join("upper/monarc-stats"), place.path().join("work"));
    std::fs::create_dir_all(&upper).unwrap();
    std::fs::create_dir_all(&work).unwrap();
    std::fs::write(upper.join("monarc-stats.env"), lines).unwrap();
    let script = "mount -t tmpfs none $0/tmpfs && cp -a $0/upper $0/work $0/tmpfs && mount -t overlay overlay \
                  -o lowerdir=/etc,upperdir=$0/tmpfs/upper,workdir=$0/tmpfs/work /etc || exit 99; exec \"$@\"";
    std::fs::create_dir_all(place.path().join("tmpfs")).unwrap();
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", script]).arg(place.path()).arg(common::BINARY).args(words);
    command.env_clear().env("HOME", place.path()).env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    let output = command.stdin(Stdio::null()).output().ok()?;
    // What is missing here is told by mount or unshare, and not by the command.
    let made = !["mount:", "unshare:", "cp:"].iter().any(|tool| output.stderr.starts_with(tool.as_bytes()));
    if !made {
        println!("skipped: no file system can be put over /etc: {}", String::from_utf8_lossy(&output.stderr));
    }
    made.then_some(output)
}

/// Bug: a misspelt name in the service's own file was passed over.
#[test]
fn a_misspelt_name_in_the_services_file_stops_the_start() {
    let place = Place::new();
    let store = place.store().display().to_string();
    let bad = format!("STATS_DATABASE={store}\n\nPROT=5000\n");
    for words in [&["serve"][..], &["config"], &["client", "list"]] {
        let Some(output) = installed(&place, &bad, words) else { return };
        let error = String::from_utf8(output.stderr.clone()).unwrap();
        assert_named(&output, "/etc/monarc-stats/monarc-stats.env:3: PROT is no setting; is PORT meant?");
        assert!(error.starts_with("monarc-stats: "), "{error}");
    }
    let Some(output) = installed(&place, &bad, &["doctor"]) else { return };
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("problem  settings") && said.contains("env:3: PROT"), "{said}");
    let Some(output) = installed(&place, &bad.replace("PROT", "PORT"), &["config"]) else { return };
    assert!(output.status.success() && String::from_utf8(output.stdout).unwrap().contains("file"));
}
