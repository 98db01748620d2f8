//! What the container does, as its Dockerfile describes it. An engine cannot be had here: see `container/image.rs`.

mod image;

use crate::common::{ADMIN, Request, Service};
use image::Image;
use serde_json::json;
use std::os::unix::fs::MetadataExt;
use std::process::Output;

/// Tests listen at home and on a free port only.
const HERE: [(&str, &str); 2] = [("STATS_HOST", "127.0.0.1"), ("STATS_PORT", "0")];

fn start(image: &Image, variables: &[(&str, &str)]) -> Service {
    Service::start(image.run(&[&HERE, variables].concat(), &[]))
}

fn run(image: &Image, variables: &[(&str, &str)], words: &[&str]) -> Output {
    image.run(variables, words).output().unwrap()
}

#[track_caller]
fn ok(image: &Image, variables: &[(&str, &str)], words: &[&str]) -> String {
    let output = run(image, variables, words);
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// What `make stats-key` of MONARC's front office finds in the container's log.
fn key(service: &Service) -> Option<String> {
    let line = service.printed.lines().rfind(|line| line.contains("Token:"))?;
    line.strip_prefix("Token: ").map(str::to_owned)
}

#[test]
fn the_first_start_prints_the_token_and_no_other_does() {
    let image = Image::build();
    let service = start(&image, &[]);
    let token = key(&service).unwrap();
    let me = service.get("/api/v1/client/me").token(&token).send().expect(200).json();
    assert_eq!((me["name"].as_str(), me["role"].as_str()), (Some("front-office"), Some("1")));
    assert!(!service.stop().contains(&token));
    let service = start(&image, &[]);
    assert_eq!(service.printed, "");
    service.get("/api/v1/client/me").token(&token).send().expect(200);
    assert!(!service.stop().contains("Token"));
}

#[test]
fn the_store_is_in_the_volume_and_its_owners_alone() {
    let image = Image::build();
    start(&image, &[]).stop();
    let store = std::fs::metadata(image.path(&image.volume).join("stats.db")).unwrap();
    assert_eq!((format!("{}:{}", store.uid(), store.gid()), store.mode() & 0o777), (image.user.clone(), 0o600));
    assert_ne!(store.uid(), 0);
    // A directory of the host's that belongs to root.
    std::fs::remove_dir_all(image.path(&image.volume)).unwrap();
    std::fs::create_dir(image.path(&image.volume)).unwrap();
    let output = run(&image, &HERE, &[]);
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains("/app/var/stats.db cannot be written: Permission denied"), "{error}");
}

#[test]
fn the_healthcheck_tells_whether_it_is_well() {
    let image = Image::build();
    let service = start(&image, &[]);
    let port = service.address.rsplit(':').next().unwrap().to_owned();
    let check = || image.execute(&[("STATS_PORT", &port)], &image.health).output().unwrap().status.code();
    assert_eq!(check(), Some(0));
    service.stop();
    assert_eq!(check(), Some(1));
}

#[test]
fn it_listens_where_the_references_containers_do() {
    let image = Image::build();
    for (variables, host, port) in [
        (&[][..], "0.0.0.0", "5000"),
        (&[("HOST", "127.0.0.1"), ("PORT", "80")][..], "127.0.0.1", "80"),
        (&[("STATS_HOST", "127.0.0.1"), ("STATS_PORT", "5005")][..], "127.0.0.1", "5005"),
    ] {
        let shown = ok(&image, variables, &["config"]);
        let value = |name: &str| {
            let line = shown.lines().find(|line| line.split_whitespace().next() == Some(name)).unwrap();
            line.split_whitespace().nth(1).unwrap()
        };
        assert_eq!((value("HOST"), value("PORT")), (host, port));
        assert_eq!(value("STATS_DATABASE"), "/app/var/stats.db");
    }
}

/// The variables that MONARC's Ansible role sets, and how it makes clients.
#[test]
fn what_the_ansible_role_sets_will_do() {
    let image = Image::build();
    let variables = [
        ("DB_HOSTNAME", "statsservice-db"),
        ("ADMIN_EMAIL", "info@example.org"),
        ("ARMIN_URL", "https://my.example.org"),
        ("SECRET_KEY", "secret"),
        ("ADMIN_TOKEN", ADMIN),
        ("DEBUG", "0"),
        ("ENVIRONMENT", "production"),
        ("INSTANCE_URL", "https://my.example.org/dashboard"),
        ("SCRIPT_NAME", "/dashboard"),
        ("CLIENT_REGISTRATION_OPEN", "1"),
    ];
    let service = start(&image, &variables);
    assert_eq!(key(&service), None);
    let register = || {
        let client = json!({"name": "front-office", "is_sharing_enabled": true, "token": "from-the-inventory"});
        Request::new(&service.address, "POST", "//dashboard/api/v1/client/").token(ADMIN).json(&client).send()
    };
    register().expect(201);
    register().expect(304);
    // A debug build reads its pages from the checkout, which an image does not have.
    if std::env::var_os("MONARC_STATS").is_some() {
        assert!(service.get("/dashboard/").send().expect(200).text().contains("\"/dashboard/assets/"));
    }
    assert!(service.stop().contains("DB_HOSTNAME is set and has no effect"));
}

#[test]
fn commands_run_beside_it() {
    let image = Image::build();
    let _service = start(&image, &[]);
    assert!(ok(&image, &[], &["client", "list"]).contains("front-office"));
    ok(&image, &[], &["database", "backup", "backup.db"]);
    assert!(image.path(&image.volume).join("backup.db").exists());
    assert!(ok(&image, &[], &["database", "restore", "backup.db", "--yes"]).contains("after"));
    assert!(ok(&image, &[], &["database", "check"]).contains("is well"));
    ok(&image, &[], &["stats", "purge", "--months", "12", "--yes"]);
}

#[test]
fn who_moves_in_before_the_first_start_needs_no_first_client() {
    let image = Image::build();
    let from = image.path("/from");
    std::fs::create_dir(&from).unwrap();
    let client = "id,uuid,name,token,role,latitude,longitude,local,is_sharing_enabled,created_at,is_active\n\
                  2,5f0c5d8e-6f0e-4b4e-9d0a-3c1f5a7b2e92,moved,moved-token-of-a-test,1,,,t,f,2021-05-05 00:00:00,t\n";
    std::fs::write(from.join("client.csv"), client).unwrap();
    std::fs::write(from.join("stats.csv"), "uuid,anr,type,date,data,created_at,client_id\n").unwrap();
    ok(&image, &[], &["import", "--new-store", "--from-reference", "/from"]);
    let service = start(&image, &[]);
    assert_eq!(service.printed, "");
    service.get("/api/v1/client/me").token("moved-token-of-a-test").send().expect(200);
}
