//! Export and import.

use crate::common;
use crate::common::{ADMIN, Place, days_ago};
use serde_json::{Value, json};
use std::io::Write;
use std::process::{Command, Stdio};

const ANR: &str = "5f0c5d8e-6f0e-4b4e-9d0a-3c1f5a7b2e01";
const OTHER: &str = "5f0c5d8e-6f0e-4b4e-9d0a-3c1f5a7b2e02";
const UUID: &str = "00000000-0000-4000-8000-0000000000";

fn threat(rate: &str) -> Value {
    json!([{"uuid": "b402d4e0-4576-11e9-9173-0800277f0571", "label1": "Feu", "count": 2, "maxRisk": 9, "averageRate": rate}])
}

/// Posts stats of threats: the last two digits of their UUIDs, analysis, days ago.
fn post(place: &Place, token: &str, stats: &[(&str, &str, i64)]) {
    let service = place.serve();
    let stat = |(uuid, anr, days): &(&str, &str, i64)| json!({"uuid": format!("{UUID}{uuid}"), "anr": anr, "type": "threat", "date": days_ago(*days), "data": threat("2.83")});
    let body = Value::Array(stats.iter().map(stat).collect());
    service.post("/api/v1/stats/").token(token).json(&body).send().expect(201);
    service.stop();
}

/// A place with two clients: "fo" with three stats of two analyses, and "other", which shares, with one.
fn filled() -> Place {
    let place = Place::new();
    let fo = place.client("fo");
    let other = place.client("other");
    place.ok(&["client", "enable-sharing", "other"]);
    post(&place, &fo, &[("01", ANR, 2), ("02", ANR, 1), ("03", OTHER, 400)]);
    post(&place, &other, &[("04", ANR, 2)]);
    place
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn write(place: &Place, name: &str, text: &str) -> String {
    let path = place.path().join(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

fn line(uuid: &str, date: &str, more: &Value) -> String {
    let mut line =
        json!({"uuid": format!("{UUID}{uuid}"), "anr": ANR, "type": "threat", "date": date, "data": threat("1")});
    line.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    format!("{line}\n")
}

#[test]
fn an_export_is_imported_elsewhere_with_clients_dates_and_order() {
    let (one, two) = (filled(), Place::new());
    let file = two.path().join("stats.ndjson.gz").display().to_string();
    assert_eq!(one.ok(&["export", &file]), format!("exported 4 stats to {file}\n"));
    assert!(std::fs::read(&file).unwrap().starts_with(&[0x1f, 0x8b]), "gzip by name");
    let said = two.ok(&["import", "--new-store", &file]);
    assert_eq!(said, "imported 4, already there 0, outdated 0, refused 0, new clients 2\n");
    assert_eq!(one.ok(&["export"]), two.ok(&["export"]));
    // Again: nothing changes.
    let said = two.ok(&["import", &file]);
    assert_eq!(said, "imported 0, already there 4, outdated 0, refused 0, new clients 0\n");
    assert_eq!(one.ok(&["export"]), two.ok(&["export"]));
    assert!(two.ok(&["database", "check"]).contains("is well: 2 clients, 3 analyses, 4 stats"));
}

#[test]
fn an_export_has_what_was_asked_for() {
    let place = filled();
    let dates = |words: &[&str]| -> Vec<String> {
        let text = place.ok(&[&["export"], words].concat());
        lines(&text).iter().map(|line| line["date"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(dates(&["--client", "fo", "--anr", ANR]), [days_ago(2), days_ago(1)]);
    assert_eq!(dates(&["--from", &days_ago(1)]), [days_ago(1)]);
    assert_eq!(dates(&["--to", &days_ago(3)]), [days_ago(400)]);
    assert_eq!(dates(&["--type", "risk"]), [""; 0]);
    let first = &lines(&place.ok(&["export", "--client", "fo"]))[0];
    let keys: Vec<&String> = first.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["uuid", "anr", "type", "date", "data", "client", "client_name", "client_is_local", "created_at"]);
}

#[test]
fn an_export_for_others_has_only_who_shares_and_names_nobody() {
    let place = filled();
    let text = place.ok(&["export", "--sharing"]);
    assert!(!text.contains("other") && !text.contains("client"), "{text}");
    let lines = lines(&text);
    assert_eq!(lines.len(), 1);
    let keys: Vec<&String> = lines[0].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["uuid", "anr", "type", "date", "data"]);
    assert_eq!(place.ok(&["export", "--sharing", "--client", "fo"]), "");
    // Elsewhere somebody has to say whose it is.
    let central = Place::new();
    let file = write(&central, "share.ndjson", &text);
    assert!(
        central
            .fails(&["import", "--new-store", &file], 1)
            .contains("share.ndjson:1: client: is missing; --client says")
    );
    central.client("partner");
    let said = central.ok(&["import", &file, "--client", "partner"]);
    assert!(said.starts_with("imported 1, already there 0"), "{said}");
}

/// Editors of other systems put a mark before UTF-8.
#[test]
fn a_byte_order_mark_is_no_part_of_a_file() {
    let place = Place::new();
    place.client("fo");
    let marked = |text: &str| format!("\u{feff}{text}");
    let file = write(&place, "marked.ndjson", &marked(&line("01", &days_ago(1), &json!({}))));
    assert!(place.ok(&["import", &file, "--client", "fo"]).starts_with("imported 1,"));
    write(&place, "client.csv", &marked(CLIENTS));
    write(&place, "stats.csv", &marked("uuid,anr,type,date,data,created_at,client_id\n"));
    let directory = place.path().display().to_string();
    assert!(place.ok(&["import", "--from-reference", &directory]).contains("new clients 3"));
}

#[test]
fn an_export_never_overwrites() {
    let place = filled();
    let file = write(&place, "there.ndjson", "mine");
    assert!(place.fails(&["export", &file], 1).contains("exists already"));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");
}

#[test]
fn bad_lines_are_named_and_spoil_all_or_are_passed_over() {
    let place = Place::new();
    place.client("fo");
    let day = days_ago(1);
    let bad = [
        "nonsense\n".to_owned(),
        line("02", "2026-02-30", &json!({})),
        line("03", &day, &json!({"data": [{"uuid": "x"}]})),
        line("04", &day, &json!({"created_at": "noon"})),
        "{\"anr\": \"\u{fffd}\"".to_owned() + "\n",
    ];
    let text = format!("{}\n{}{}", line("01", &day, &json!({})), bad.concat(), line("05", &days_ago(2), &json!({})));
    let file = write(&place, "mixed.ndjson", &text);
    let said = place.fails(&["import", &file, "--client", "fo"], 1);
    assert!(said.contains("mixed.ndjson:3:") && said.contains("what is before it is imported"), "{said}");
    assert_eq!(lines(&place.ok(&["export"])).len(), 1);
    let output = place.run(&["import", &file, "--client", "fo", "--keep-going"]);
    assert_eq!(output.status.code(), Some(1));
    let errors = String::from_utf8(output.stderr).unwrap();
    for part in ["mixed.ndjson:3:", ":4: date:", ":5: data.0.uuid", ":6: created_at", ":7:"] {
        assert!(errors.contains(part), "{part} in {errors}");
    }
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(said, "imported 1, already there 1, outdated 0, refused 5, new clients 0\n");
    assert_eq!(lines(&place.ok(&["export"])).len(), 2);
}

#[test]
fn of_two_stats_of_a_day_the_later_arrival_stays_in_any_order_and_again() {
    let early = line("01", "2026-11-01", &json!({"created_at": "2026-11-01T04:00:00Z"}));
    let late = line("02", "2026-11-01", &json!({"created_at": "2026-11-01T05:00:00Z"}));
    for text in [format!("{early}{late}"), format!("{late}{early}")] {
        let place = Place::new();
        place.client("fo");
        let file = write(&place, "twice.ndjson", &text);
        for stored in [1, 0] {
            let said = place.ok(&["import", &file, "--client", "fo"]);
            assert!(said.starts_with(&format!("imported {stored}, ")), "{said}");
            let there = lines(&place.ok(&["export"]));
            assert_eq!(there.len(), 1);
            assert_eq!(there[0]["uuid"], json!(format!("{UUID}02")));
            assert_eq!(there[0]["created_at"], json!("2026-11-01T05:00:00Z"));
        }
        place.ok(&["database", "check"]);
    }
}

#[test]
fn an_old_export_does_not_take_the_place_of_newer_stats() {
    let place = filled();
    let old = line("09", &days_ago(1), &json!({"created_at": "2020-01-01T00:00:00Z"}));
    let file = write(&place, "old.ndjson", &old);
    assert!(place.ok(&["import", &file, "--client", "fo"]).starts_with("imported 0, already there 0, outdated 1,"));
}

#[test]
fn standard_input_and_output_are_files_too() {
    let (one, two) = (filled(), Place::new());
    let mut import =
        two.command(&["import", "--new-store"]).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    import.stdin.take().unwrap().write_all(one.ok(&["export"]).as_bytes()).unwrap();
    assert!(import.wait().unwrap().success());
    assert_eq!(one.ok(&["export"]), two.ok(&["export"]));
    // Whoever reads may leave early.
    let text = format!("{} export | head -c 10", common::BINARY);
    let status = Command::new("sh").args(["-c", &text]).env("STATS_DATABASE", one.store()).output().unwrap();
    assert_eq!((status.stdout.len(), status.stderr.len()), (10, 0));
}

#[test]
fn an_import_beside_a_busy_service_keeps_nobody_from_sending() {
    let place = Place::new();
    let token = place.client("fo");
    place.client("imported");
    let text: String = (0..6000)
        .map(|number| {
            let anr = format!("5f0c5d8e-6f0e-4b4e-9d0a-{:012}", number % 100);
            let data = threat(&format!("{}.{}", number % 5, number % 97));
            let date = days_ago(number / 100);
            format!("{}\n", json!({"anr": anr, "type": "threat", "date": date, "data": data}))
        })
        .collect();
    let file = write(&place, "many.ndjson", &text);
    let service = place.serve();
    let words = ["import", &file, "--client", "imported", "--keep-going"];
    let mut import = place.command(&words).stdout(Stdio::null()).spawn().unwrap();
    let mut sent = 0;
    while sent < 20 || import.try_wait().unwrap().is_none() {
        let body = json!([{"anr": ANR, "type": "threat", "date": days_ago(sent % 50), "data": threat("2")}]);
        service.post("/api/v1/stats/").token(&token).json(&body).send().expect(201);
        sent += 1;
    }
    assert!(import.wait().unwrap().success());
    service.stop();
    assert_eq!(lines(&place.ok(&["export", "--client", "imported"])).len(), 6000);
    place.ok(&["database", "check"]);
}

#[test]
fn a_name_that_somebody_else_has_is_no_client() {
    let place = Place::new();
    place.client("fo");
    let client = json!({"client": OTHER, "client_name": "fo"});
    let file = write(&place, "name.ndjson", &line("01", "2026-11-01", &client));
    assert!(place.fails(&["import", &file], 1).contains("name.ndjson:1: client: there is a client \"fo\""));
}

const CLIENTS: &str = "\
id,uuid,name,token,role,latitude,longitude,last_seen,local,is_sharing_enabled,created_at,updated_at,is_active
1,5f0c5d8e-6f0e-4b4e-9d0a-3c1f5a7b2e91,admin,reference-admin,2,,,,t,f,2021-01-01 10:00:00.5,,t
2,5f0c5d8e-6f0e-4b4e-9d0a-3c1f5a7b2e92,\"Front, office\",reference-fo,1,49.61,6.13,2026-11-01 04:00:00,f,t,2021-05-05 00:00:00,,t
3,5f0c5d8e-6f0e-4b4e-9d0a-3c1f5a7b2e93,gone,reference-gone,1,,,,t,f,2021-05-05 00:00:00,,f
";

fn reference_stats() -> String {
    let data = r#""[{""uuid"": ""b402d4e0-4576-11e9-9173-0800277f0571"", ""count"": 1, ""label1"": ""a
b"", ""maxRisk"": 3, ""averageRate"": ""2""}]""#
        .replace("a\nb", "a b");
    let pretty = data.replace(", ", ",\n");
    format!(
        "uuid,anr,type,date,data,created_at,client_id
{UUID}01,{ANR},threat,2026-11-01,{data},2026-11-01 04:00:00.9,2
{UUID}02,{ANR},threat,2026-11-01,{pretty},2026-11-01 04:00:00.1,2
{UUID}03,{ANR},threat,2026-11-01,{data},2026-11-01 03:00:00,2
{UUID}04,{ANR},threat,2026-11-02,\"{{\"\"odd\"\": 1}}\",2026-11-02 04:00:00,2
{UUID}05,{ANR},threat,2026-11-03,{data},2026-11-03 04:00:00,7
{UUID}06,{ANR},vulnerability,2026-11-03,[],2026-11-03 04:00:00,3
{UUID}07,{ANR},riskk,2026-11-03,[],2026-11-03 04:00:00,3
"
    )
}

#[test]
fn the_reference_moves_in() {
    let place = Place::new();
    let directory = place.path().display().to_string();
    write(&place, "client.csv", CLIENTS);
    write(&place, "stats.csv", &reference_stats());
    let output = place.run(&["import", "--new-store", "--from-reference", &directory]);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{errors}");
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.ends_with("\nimported 2, already there 0, outdated 2, left out 3, new clients 3\n"), "{said}");
    assert!(said.contains("client \"Front, office\" was made; its key works\n"), "{said}");
    assert!(said.contains("its key does not work until 'client activate'"), "{said}");
    for part in ["stats.csv:9: data: ", "stats.csv:10: client_id: no client \"7\"", "stats.csv:12: type: \"riskk\""] {
        assert!(errors.contains(part), "{part} in {errors}");
    }
    let there = lines(&place.ok(&["export"]));
    assert_eq!(there.len(), 2);
    let kept = there.iter().find(|line| line["type"] == "threat").unwrap();
    assert_eq!(kept["client"], json!("5f0c5d8e-6f0e-4b4e-9d0a-3c1f5a7b2e92"));
    let clients: Vec<Value> = serde_json::from_str(&place.ok(&["client", "list", "--json"])).unwrap();
    let wanted = json!({"uuid": "5f0c5d8e-6f0e-4b4e-9d0a-3c1f5a7b2e92", "name": "Front, office", "role": "user",
        "is_sharing_enabled": true, "is_active": true, "is_local": false, "latitude": 49.61, "longitude": 6.13,
        "created_at": "2021-05-05T00:00:00Z"});
    for (name, value) in wanted.as_object().unwrap() {
        assert_eq!(&clients[0][name], value, "{name}");
    }
    assert_eq!((&clients[1]["role"], &clients[2]["is_active"]), (&json!("admin"), &json!(false)));
    // Again: nothing changes.
    let said = place.ok(&["import", "--from-reference", &directory]);
    assert!(said.contains("\nimported 0, already there 2, outdated 2,"), "{said}");
    assert!(said.contains("\"Front, office\" was there as \"Front, office\"; its key works"), "{said}");
    assert_eq!(lines(&place.ok(&["export"])), there);
    place.ok(&["database", "check"]);
    // The front office goes on with the key it has, and no key is in the store.
    let service = place.serve();
    let me = service.get("/api/v1/client/me").token("reference-fo").send().expect(200).json();
    assert_eq!((&me["name"], &me["is_sharing_enabled"]), (&json!("Front, office"), &json!(true)));
    service.get("/api/v1/client/me").token("reference-gone").send().expect(403);
    service.stop();
    let bytes = std::fs::read(place.store()).unwrap();
    assert!(!bytes.windows(12).any(|part| part == b"reference-fo"));
}

/// MONARC's image gives its front office the admin's key of the reference: it must not be lost beside `ADMIN_TOKEN`'s.
#[test]
fn an_admin_of_the_reference_keeps_its_key_beside_the_store_s_own() {
    let place = Place::new();
    place.serve().stop();
    let directory = place.path().display().to_string();
    write(&place, "client.csv", CLIENTS);
    write(&place, "stats.csv", &reference_stats());
    let said = place.ok(&["import", "--from-reference", &directory]);
    assert!(said.contains("client \"admin 2\" was made, beside the \"admin\" of this store; its key works"), "{said}");
    let service = place.serve();
    for (token, name) in [(ADMIN, "admin"), ("reference-admin", "admin 2")] {
        let me = service.get("/api/v1/client/me").token(token).send().expect(200).json();
        assert_eq!((&me["name"], &me["role"]), (&json!(name), &json!("2")));
    }
    service.stop();
    // A key that was changed since is said, and not taken for the old one.
    place.ok(&["client", "rotate-token", "admin 2", "--token", "another-key-of-the-admin"]);
    let said = place.ok(&["import", "--from-reference", &directory]);
    assert!(
        said.contains("\"admin\" was there as \"admin 2\" with another key; the reference's key does not work"),
        "{said}"
    );
}

#[test]
fn an_import_keeps_whether_a_client_is_local() {
    let (one, two) = (Place::new(), Place::new());
    let text = line(
        "01",
        "2026-11-01",
        &json!({
        "client": "5f0c5d8e-6f0e-4b4e-9d0a-3c1f5a7b2e92", "client_name": "far", "client_is_local": false}),
    );
    let file = write(&one, "lines.ndjson", &text);
    one.ok(&["import", "--new-store", &file]);
    let exported = write(&two, "lines.ndjson", &one.ok(&["export"]));
    two.ok(&["import", "--new-store", &exported]);
    let clients: Vec<Value> = serde_json::from_str(&two.ok(&["client", "list", "--json"])).unwrap();
    assert_eq!(clients[0]["is_local"], json!(false));
}

#[test]
fn a_client_of_the_reference_that_cannot_be_taken_over_stops_the_move() {
    for (row, reason) in [
        ("4,nonsense,x,t,1,,,,,,,,", "client.csv:5: uuid: \"nonsense\""),
        ("4,5f0c5d8e-6f0e-4b4e-9d0a-3c1f5a7b2e94,x,,1,,,,,,,,", "client.csv:5: token: a token cannot be empty"),
        ("4,5f0c5d8e-6f0e-4b4e-9d0a-3c1f5a7b2e94,x,t,3,,,,,,,,", "client.csv:5: role: \"3\""),
        ("4,5f0c5d8e-6f0e-4b4e-9d0a-3c1f5a7b2e94,x,t,1,north,1,,,,,,", "client.csv:5: latitude:"),
        ("4,5f0c5d8e-6f0e-4b4e-9d0a-3c1f5a7b2e94,taken,t,1,,,,,,,,", "client.csv:5: name: there is a client \"taken\""),
    ] {
        let place = Place::new();
        place.client("taken");
        let directory = place.path().display().to_string();
        write(&place, "client.csv", &format!("{CLIENTS}{row}\n"));
        write(&place, "stats.csv", &reference_stats());
        let said = place.fails(&["import", "--from-reference", &directory], 1);
        assert!(said.contains(reason), "{reason} in {said}");
        assert_eq!(place.ok(&["export"]), "");
        let output = place.run(&["import", "--from-reference", &directory, "--keep-going"]);
        assert!(output.status.success());
        assert_eq!(lines(&place.ok(&["export"])).len(), 2);
    }
}

#[test]
fn files_that_are_missing_or_no_tables_are_named() {
    let place = Place::new();
    let directory = place.path().display().to_string();
    assert!(place.fails(&["import", "--from-reference", &directory], 1).contains("client.csv cannot be opened"));
    write(&place, "client.csv", CLIENTS);
    assert!(place.fails(&["import", "--from-reference", &directory], 1).contains("stats.csv cannot be opened"));
    write(&place, "stats.csv", "1,2,3\n4,5,6\n");
    place.ok(&["database", "migrate"]);
    assert!(place.fails(&["import", "--from-reference", &directory], 1).contains("stats.csv:1: there is no column"));
    let both = ["import", "x.ndjson", "--from-reference", &directory];
    assert!(place.fails(&both, 1).contains("import one after the other"));
}

#[test]
fn a_move_with_dates_of_another_style_fails_and_says_how_to_write_them() {
    let place = Place::new();
    let directory = place.path().display().to_string();
    write(&place, "client.csv", CLIENTS);
    write(&place, "stats.csv", &reference_stats().replace("2026-11-02", "02/11/2026"));
    let error = place.fails(&["import", "--new-store", "--from-reference", &directory], 1);
    assert!(error.contains("date: ") && error.contains("PGDATESTYLE=ISO"), "{error}");
    assert!(place.ok(&["export"]).is_empty());
}
