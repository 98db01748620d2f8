//! `licenses`: that nobody whose work is in the binary is left out, and the bill of materials.

use crate::common::{BINARY, Place, service};
use serde_json::Value;
use std::collections::BTreeSet;
use std::process::Command;

fn bill() -> Value {
    serde_json::from_str(&Place::new().ok(&["licenses", "--format", "cyclonedx"])).unwrap()
}

/// The package URLs of a bill's components.
fn urls(bill: &Value) -> BTreeSet<String> {
    bill["components"].as_array().unwrap().iter().map(|one| one["purl"].as_str().unwrap().to_owned()).collect()
}

/// Names and versions of all crates of the lock file.
fn locked() -> Vec<(String, String)> {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.lock")).unwrap();
    let value = |part: &str, key: &str| {
        let line = part.lines().find_map(|line| line.strip_prefix(key)).unwrap();
        line.trim_matches(|c| " =\"".contains(c)).to_owned()
    };
    text.split("[[package]]").skip(1).map(|part| (value(part, "name"), value(part, "version"))).collect()
}

#[test]
fn every_crate_that_is_linked_is_named() {
    let urls = urls(&bill());
    let words = ["tree", "--locked", "--offline", "--edges", "normal,no-proc-macro", "--prefix", "none"];
    let cargo = std::env::var("CARGO").unwrap();
    let output = Command::new(cargo).current_dir(env!("CARGO_MANIFEST_DIR")).args(words).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let linked: BTreeSet<String> = text
        .lines()
        .filter_map(|line| line.split_once(" v"))
        .map(|(name, rest)| format!("pkg:cargo/{name}@{}", rest.split(' ').next().unwrap()))
        .filter(|url| !url.starts_with("pkg:cargo/monarc-stats@"))
        .collect();
    assert!(linked.len() > 50);
    let listed: BTreeSet<String> = urls.iter().filter(|url| url.starts_with("pkg:cargo/")).cloned().collect();
    assert_eq!(listed, linked);
    // What cargo says aside: whatever has left a path of its source in this binary is in it.
    let output = Command::new("grep").args(["-aoE", "/[a-z0-9_-]+-[0-9][0-9.]*/src/", BINARY]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let found: BTreeSet<&str> = text.lines().collect();
    let seen: Vec<String> = locked()
        .into_iter()
        .filter(|(name, version)| found.contains(format!("/{name}-{version}/src/").as_str()))
        .map(|(name, version)| format!("pkg:cargo/{name}@{version}"))
        .collect();
    assert!(seen.len() > 20, "{seen:?}");
    assert!(seen.iter().all(|url| urls.contains(url)), "{seen:?}");
}

#[test]
fn every_text_is_there_once() {
    let place = Place::new();
    let text = place.ok(&["licenses"]);
    let (list, texts) = text.split_once("\n[1] ---").unwrap();
    let lines: Vec<&str> = list.lines().skip(2).collect();
    assert_eq!(lines.len(), urls(&bill()).len());
    for line in lines {
        let (name, licence) = line.split_once(": ").unwrap();
        assert!(!licence.is_empty() && !licence.contains('/') && licence.ends_with(']'), "{name}");
        for number in licence.split('[').skip(1).map(|part| part.split(']').next().unwrap()) {
            assert!(number == "1" || texts.contains(&format!("\n[{number}] ---")), "{name}: {number}");
        }
    }
    for part in ["Apache License", "Permission is hereby granted, free of charge", "May you do good and not evil"] {
        assert!(texts.contains(part), "{part}");
    }
    let all: Vec<String> = texts
        .split(&format!("] {}\n", "-".repeat(72)))
        .map(|text| {
            text.rsplit_once("\n[").map_or(text, |parts| parts.0).split_whitespace().collect::<Vec<_>>().join(" ")
        })
        .collect();
    assert!(all.len() > 50 && all.iter().collect::<BTreeSet<_>>().len() == all.len());
    for name in ["echarts", "zrender", "world-atlas", "sqlite", "rust-std"] {
        assert!(list.contains(&format!("\n{name} ")), "{name}");
    }
    // Neither what only builds or tests, nor where it was built.
    for stranger in ["proptest", "argh_derive", "syn", "esbuild", "topojson-client"] {
        assert!(!list.contains(&format!("\n{stranger} ")), "{stranger}");
    }
    assert!(!text.contains(env!("CARGO_MANIFEST_DIR")) && !text.contains("/registry/"));
}

#[test]
fn the_bill_of_materials_is_cyclonedx() {
    let bill = bill();
    assert_eq!(
        (&bill["bomFormat"], &bill["specVersion"], &bill["version"]),
        (&"CycloneDX".into(), &"1.5".into(), &1.into())
    );
    assert_eq!(bill["metadata"]["component"]["version"], env!("CARGO_PKG_VERSION"));
    let components = bill["components"].as_array().unwrap();
    let mut references = BTreeSet::new();
    for one in components {
        let [name, version, url] = ["name", "version", "purl"].map(|key| one[key].as_str().unwrap());
        assert!(url.starts_with("pkg:") && url.ends_with(&format!("/{name}@{version}")), "{url}");
        assert!(!one["licenses"][0]["expression"].as_str().unwrap().is_empty(), "{url}");
        assert!(references.insert(one["bom-ref"].as_str().unwrap()), "{url}");
    }
    let sqlite = components.iter().find(|one| one["name"] == "sqlite").unwrap();
    assert_eq!(sqlite["version"], rusqlite::version());
    assert!(bill.get("serialNumber").is_none() && bill["metadata"].get("timestamp").is_none());
}

#[test]
fn the_about_page_is_told_the_same() {
    let (_place, service, _token) = service();
    let plain = service.get("/assets/licences.json").send().expect(200);
    let told = plain.json();
    assert_eq!(told["components"].as_array().unwrap().len(), urls(&bill()).len());
    let packed = service.get("/assets/licences.json").header("Accept-Encoding", "gzip").send().expect(200);
    assert_eq!(packed.headers["content-encoding"], "gzip");
    assert!(packed.body.len() < 30_000, "{} bytes", packed.body.len());
    let texts = told["texts"].as_array().unwrap().len();
    let numbers = told["components"].as_array().unwrap().iter().flat_map(|one| one["texts"].as_array().unwrap());
    assert!(numbers.clone().count() > 80 && numbers.clone().all(|number| number.as_u64().unwrap() < texts as u64));
}
