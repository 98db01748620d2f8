//! Push and pull: between built binaries, and with a remote that speaks like the reference.

use crate::common::{Place, Service, days_ago, until};
use crate::remote::{Remote, TOKEN, Trick};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::process::{Child, Command, Output, Stdio};

const ANR: &str = "5f0c5d8e-6f0e-4b4e-9d0a-3c1f5a7b2e01";

fn threat(rate: &str) -> Value {
    json!([{"uuid": "b402d4e0-4576-11e9-9173-0800277f0571", "count": 2, "maxRisk": 9, "averageRate": rate}])
}

fn uuid(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

/// Stats of an analysis, one a day, whose UUIDs begin with a number.
fn lines(anr: &str, first: usize, days: &[i64]) -> String {
    let line = |(index, days): (usize, &i64)| {
        let data = threat(&format!("{}.25", index % 5));
        let line =
            json!({"uuid": uuid(first + index), "anr": anr, "type": "threat", "date": days_ago(*days), "data": data});
        format!("{line}\n")
    };
    days.iter().enumerate().map(line).collect()
}

fn import(place: &Place, client: &str, text: &str) {
    let path = place.path().join("import.ndjson");
    std::fs::write(&path, text).unwrap();
    place.ok(&["import", &path.display().to_string(), "--client", client]);
}

/// A place with a client that shares, "fo", and this many stats of it, and one that does not, "secretive".
fn sharing(number: usize) -> Place {
    let place = Place::new();
    place.client("fo");
    place.client("secretive");
    place.ok(&["client", "enable-sharing", "fo"]);
    let kinds = number.div_ceil(80);
    for kind in 0..kinds {
        let anr = format!("5f0c5d8e-6f0e-4b4e-9d0a-3c1f5a7b2e{:02}", kind + 1);
        let days: Vec<i64> = (0..80.min(number - kind * 80)).map(|day| i64::try_from(day).unwrap()).collect();
        import(&place, "fo", &lines(&anr, kind * 80, &days));
    }
    import(&place, "secretive", &lines("5f0c5d8e-6f0e-4b4e-9d0a-3c1f5a7b2eff", 900_000, &[1, 2]));
    place
}

fn command(place: &Place, url: &str, words: &[&str]) -> Command {
    place.command(&[&["push", "--remote", url, "--token", TOKEN], words].concat())
}

fn push_with(place: &Place, url: &str, words: &[&str]) -> Output {
    command(place, url, words).stdin(Stdio::null()).output().unwrap()
}

/// Pushes; gives the last line and standard error. Fails unless the exit code is the expected one.
#[track_caller]
fn push(place: &Place, url: &str, words: &[&str], code: i32) -> (String, String) {
    let output = push_with(place, url, words);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{errors}");
    (String::from_utf8(output.stdout).unwrap().trim_end().to_owned(), errors)
}

fn exported(place: &Place, words: &[&str]) -> Vec<Value> {
    let text = place.ok(&[&["export"], words].concat());
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn uuids(stats: &[Value]) -> BTreeSet<String> {
    stats.iter().map(|stat| stat["uuid"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_body_is_the_contract_s_five_keys_and_names_nobody() {
    let (place, remote) = (sharing(3), Remote::start());
    let (said, errors) = push(&place, &remote.url, &[], 0);
    assert_eq!((said.as_str(), errors.as_str()), ("sent 3, already there 0, refused 0", ""));
    let posts = remote.posts();
    assert_eq!(posts.len(), 1);
    let body: Value = serde_json::from_str(&posts[0].body).unwrap();
    for stat in body.as_array().unwrap() {
        let keys: Vec<&String> = stat.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["uuid", "anr", "type", "date", "data"]);
    }
    assert_eq!(posts[0].headers["x-api-key"], TOKEN);
    let all = format!("{}{:?}", posts[0].body, posts[0].headers);
    assert!(!all.contains("\"fo\"") && !all.contains("client") && !all.contains("secretive"), "{all}");
    assert_eq!(remote.uuids(), [uuid(0), uuid(1), uuid(2)]);
}

#[test]
fn what_is_shown_is_what_leaves() {
    let (place, remote) = (sharing(3), Remote::start());
    let shown = place.ok(&["push", "--show"]);
    push(&place, &remote.url, &[], 0);
    assert_eq!(shown.trim_end(), remote.posts()[0].body);
    assert!(place.fails(&["push", "--show", "--remote", &remote.url], 1).contains("nothing to send"));
}

/// Bug: only the first type was shown, so that nobody saw what is left out of the last.
#[test]
fn of_each_type_a_body_is_shown() {
    let (place, remote) = (sharing(0), Remote::start());
    let front_office = std::fs::read_to_string("tests/fixtures/front_office.json").unwrap();
    let stats: Vec<Value> = serde_json::from_str(&front_office.replace("2026-11-01", &days_ago(1))).unwrap();
    let lines: Vec<String> = stats.iter().map(|stat| format!("{stat}\n")).collect();
    import(&place, "fo", &lines.concat());
    let shown = push_with(&place, &remote.url, &["--show"]);
    push(&place, &remote.url, &[], 0);
    let sent: Vec<String> = remote.posts().iter().map(|post| post.body.clone()).collect();
    let (after, before) = (String::from_utf8(shown.stdout).unwrap(), String::from_utf8(shown.stderr).unwrap());
    assert_eq!(after.lines().collect::<Vec<_>>(), sent);
    assert_eq!(sent.len(), 5);
    assert!(before.contains("\"controls\"") && !after.contains("\"controls\""), "{before}");
}

#[test]
fn compliance_leaves_without_its_controls_unless_somebody_says_otherwise() {
    let (place, remote) = (sharing(0), Remote::start());
    let category = json!([{"label1": "A", "controls": [{"code": "5.1", "value": "0.2"}], "value": "0.40"}]);
    let data = json!([{"referential": "r", "current": category, "target": category}]);
    let stat = |date: &str| json!({"uuid": uuid(1), "anr": ANR, "type": "compliance", "date": date, "data": data});
    let line = format!("{}\n", stat(&days_ago(1)));
    import(&place, "fo", &line);
    let shown = push_with(&place, &remote.url, &["--show"]);
    let (after, before) = (String::from_utf8(shown.stdout).unwrap(), String::from_utf8(shown.stderr).unwrap());
    assert!(
        before.contains("5.1") && !after.contains("5.1") && after.contains(r#""value":"0.40""#),
        "{before} {after}"
    );
    assert!(!place.ok(&["export", "--sharing"]).contains("5.1") && place.ok(&["export"]).contains("5.1"));
    push(&place, &remote.url, &[], 0);
    assert_eq!(remote.posts()[0].body, after.trim_end());
    // Another level sends nothing again by itself, and the rest of it when it is told to.
    let full = ["--share-level", "full"];
    assert_eq!(push(&place, &remote.url, &full, 0).0, "sent 0, already there 0, refused 0");
    push(&place, &remote.url, &[&full[..], &["--all"]].concat(), 0);
    assert!(remote.posts()[1].body.contains("5.1"));
    // So do the service by itself, and a central instance, which takes both.
    for (level, has_controls) in [("categories", false), ("full", true)] {
        let (place, (central, service)) = (sharing(0), central());
        import(&place, "fo", &line);
        let url = format!("http://{}", service.address);
        let token = ("REMOTE_STATS_TOKEN", "one-token-of-a-test");
        let pushing = [("SHARE_LEVEL", level), ("PUSH_EVERY", "1d"), ("REMOTE_STATS_SERVER", &url), token];
        let pusher = place.serve_with(&pushing);
        until("it has pushed", || !exported(&central, &[]).is_empty());
        drop(pusher);
        assert_eq!(central.ok(&["export"]).contains("5.1"), has_controls, "{level}");
    }
    assert!(push(&place, &remote.url, &["--share-level", "some"], 1).1.contains("SHARE_LEVEL=\"some\""));
}

#[test]
fn a_second_push_sends_only_what_is_new_and_all_sends_everything() {
    let (place, remote) = (sharing(3), Remote::start());
    push(&place, &remote.url, &[], 0);
    assert_eq!(push(&place, &remote.url, &[], 0).0, "sent 0, already there 0, refused 0");
    assert_eq!(remote.posts().len(), 1, "nothing new, no request");
    import(&place, "fo", &lines(ANR, 100, &[50]));
    assert_eq!(push(&place, &remote.url, &[], 0).0, "sent 1, already there 0, refused 0");
    assert_eq!(push(&place, &remote.url, &["--all"], 0).0, "sent 0, already there 4, refused 0");
    // Another remote is another matter.
    let other = Remote::start();
    assert_eq!(push(&place, &other.url, &[], 0).0, "sent 4, already there 0, refused 0");
}

#[test]
fn a_client_that_does_not_share_sends_nothing_in_any_mode() {
    let (place, remote) = (sharing(0), Remote::start());
    for words in [&[][..], &["--all"], &["--anr", "5f0c5d8e-6f0e-4b4e-9d0a-3c1f5a7b2eff"], &["--type", "threat"]] {
        assert_eq!(push(&place, &remote.url, words, 0).0, "sent 0, already there 0, refused 0");
        assert_eq!(push(&place, &remote.url, &[words, &["--dry-run"]].concat(), 0).0.lines().count(), 1);
        push(&place, &remote.url, &[words, &["--show"]].concat(), 1);
    }
    for words in
        [&["--client", "secretive"][..], &["--client", "secretive", "--show"], &["--client", "secretive", "--all"]]
    {
        assert!(push(&place, &remote.url, words, 1).1.contains("\"secretive\" does not share"));
    }
    // Nothing of it is there to be taken back, so nothing is said about it.
    push(&place, &remote.url, &["--withdraw", "--client", "secretive", "--yes"], 0);
    assert_eq!(remote.state().requests.len(), 0);
}

#[test]
fn sharing_that_ends_in_the_middle_of_a_push_ends_the_push() {
    let (place, remote) = (sharing(400), Remote::start());
    remote.play(&[Trick::StoreAndStall]);
    let mut running = command(&place, &remote.url, &[]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    remote.until("the first batch came", |state| !state.stored.is_empty());
    place.ok(&["client", "disable-sharing", "fo"]);
    kill(&mut running);
    let before = remote.uuids().len();
    assert_eq!(push(&place, &remote.url, &[], 0).0, "sent 0, already there 0, refused 0");
    assert_eq!(remote.uuids().len(), before);
}

#[test]
fn a_dry_run_says_what_would_leave_and_asks_nobody() {
    let (place, remote) = (sharing(3), Remote::start());
    let (said, _) = push(&place, &remote.url, &["--dry-run"], 0);
    assert!(said.contains(&format!("{ANR}  threat         {} to {}", days_ago(2), days_ago(0))), "{said}");
    assert!(said.ends_with(&format!("3 stats would leave for {}", remote.url)), "{said}");
    assert_eq!(remote.state().requests.len(), 0);
    push(&place, &remote.url, &[], 0);
    assert!(push(&place, &remote.url, &["--dry-run"], 0).0.contains("0 stats would leave"));
}

#[test]
fn a_push_is_of_three_months_unless_somebody_says_otherwise() {
    let (place, remote) = (sharing(0), Remote::start());
    import(&place, "fo", &lines(ANR, 0, &[1, 80, 100, 800]));
    assert_eq!(push(&place, &remote.url, &[], 0).0, "sent 2, already there 0, refused 0");
    let to = days_ago(500);
    assert_eq!(push(&place, &remote.url, &["--from", "2000", "--to", &to], 0).0, "sent 1, already there 0, refused 0");
    assert_eq!(
        push(&place, &remote.url, &["--from", "2000", "--type", "risk"], 0).0,
        "sent 0, already there 0, refused 0"
    );
    assert_eq!(push(&place, &remote.url, &["--from", "2000"], 0).0, "sent 1, already there 0, refused 0");
}

#[test]
fn what_passes_is_tried_again_and_everything_arrives_once() {
    let (place, remote) = (sharing(120), Remote::start());
    remote.play(&[
        Trick::HangUp,
        Trick::StoreAndHangUp,
        Trick::Answer(503, "Retry-After: 1", ""),
        Trick::Answer(502, "", "<h1>Bad gateway</h1>"),
        Trick::Answer(429, "", ""),
    ]);
    let (said, errors) = push(&place, &remote.url, &[], 0);
    // What was stored without an answer is there already when it is sent again.
    let (sent, known) = said.split_once(", already there ").unwrap();
    let sent: usize = sent.trim_start_matches("sent ").parse().unwrap();
    let known: usize = known.split(',').next().unwrap().parse().unwrap();
    assert!(known > 0 && sent + known == 120, "{said}");
    assert_eq!(errors.matches("trying again in").count(), 5, "{errors}");
    assert_eq!(remote.uuids(), (0..120).map(uuid).collect::<Vec<_>>());
}

#[test]
fn what_does_not_pass_ends_the_push_with_a_sentence() {
    let place = sharing(3);
    let cases = [
        (Trick::Answer(401, "", ""), "does not accept the token"),
        (Trick::Answer(403, "", ""), "does not accept the token"),
        (Trick::Answer(404, "", ""), "there is no stats service at"),
        (Trick::Answer(301, "Location: https://elsewhere.example/", ""), "redirects to https://elsewhere.example/"),
        (Trick::Answer(307, "Location: https://elsewhere.example/", ""), "redirects to https://elsewhere.example/"),
        (Trick::Answer(200, "", "<html>It works!</html>"), "does not answer as a stats service"),
        (Trick::Answer(426, "", r#"{"Error": "Too old."}"#), "it answered 426 (Too old.)"),
    ];
    for (trick, reason) in cases {
        let remote = Remote::start();
        remote.play(&[trick]);
        let (said, errors) = push(&place, &remote.url, &[], 1);
        assert!(errors.contains(reason) && said.is_empty(), "{reason}: {errors}");
        assert_eq!(remote.state().requests.len(), 1, "never again after {reason}");
    }
    let remote = Remote::start();
    let said = place.fails(&["push", "--remote", &remote.url, "--token", "wrong"], 1);
    assert!(said.contains("does not accept the token") && remote.uuids().is_empty(), "{said}");
    // Nobody there: given up after the tries that were asked for.
    let (_, errors) = push(&place, "http://127.0.0.1:1", &["--retries", "1"], 1);
    assert!(
        errors.contains("127.0.0.1:1 cannot be reached") && errors.matches("trying again").count() == 1,
        "{errors}"
    );
    assert!(!errors.contains(TOKEN));
}

/// Bug: reasons of refusals and addresses of redirects were told at whatever length.
#[test]
fn what_a_remote_says_is_told_shortly() {
    let long = "x".repeat(30_000);
    let refused = json!({"data": [], "refused": [{"index": 0, "field": long, "reason": long}]}).to_string();
    let location = format!("Location: https://elsewhere.example/{long}");
    for trick in [
        Trick::Answer(400, "", refused.leak()),
        Trick::Answer(301, location.leak(), ""),
        Trick::Answer(200, "", json!(long).to_string().leak()),
    ] {
        let (place, remote) = (sharing(1), Remote::start());
        remote.play(&[trick]);
        let said = push_with(&place, &remote.url, &[]);
        assert!((1..2000).contains(&(said.stdout.len() + said.stderr.len())), "{said:?}");
    }
}

#[test]
fn a_stat_that_breaks_the_remote_is_found_and_named() {
    let (place, remote) = (sharing(60), Remote::start());
    remote.state().poison.push(uuid(33));
    let (said, errors) = push(&place, &remote.url, &[], 1);
    // Counted by what came back: the reference does not say which were there.
    assert!(said.ends_with("refused 1"), "{said}");
    assert!(errors.contains(&format!("refused: {} of {ANR}, threat,", uuid(33))), "{errors}");
    assert_eq!(remote.uuids().len(), 59);
    // The others are remembered, and this one is tried again.
    remote.state().poison.clear();
    assert_eq!(push(&place, &remote.url, &[], 0).0, "sent 1, already there 0, refused 0");
    assert_eq!(remote.uuids().len(), 60);
}

#[test]
fn a_remote_that_is_broken_is_not_asked_for_each_stat() {
    let (place, remote) = (sharing(200), Remote::start());
    remote.state().is_broken = true;
    assert!(push(&place, &remote.url, &[], 1).1.contains("refuses everything"));
    assert!(remote.posts().len() < 20, "{}", remote.posts().len());
}

#[test]
fn a_remote_that_takes_only_small_bodies_gets_them() {
    let (place, remote) = (sharing(100), Remote::start());
    remote.state().most = Some(7);
    assert_eq!(push(&place, &remote.url, &[], 0).0, "sent 100, already there 0, refused 0");
    assert_eq!(remote.uuids().len(), 100);
}

#[test]
fn a_replaced_stat_leaves_only_for_a_remote_that_replaces_too() {
    let (place, remote) = (sharing(3), Remote::start());
    push(&place, &remote.url, &[], 0);
    import(&place, "fo", &lines(ANR, 500, &[1]));
    for about in [None, Some(json!({"version": "0.5.3"}))] {
        remote.state().about = about;
        for words in [&[][..], &["--all"]] {
            let (said, errors) = push(&place, &remote.url, words, 0);
            assert!(said.starts_with("sent 0,"), "{said}");
            assert!(errors.contains("held back: 1 were replaced since"), "{errors}");
        }
    }
    assert!(!remote.uuids().contains(&uuid(500)));
    remote.state().about = Some(json!({"replaces": true}));
    assert_eq!(push(&place, &remote.url, &[], 0).0, "sent 1, already there 0, refused 0");
    let about = remote.state().requests.iter().find(|request| request.path == "/about.json").unwrap().clone();
    assert!(!about.headers.contains_key("x-api-key"));
}

#[test]
fn what_was_taken_back_stays_away_until_it_is_named() {
    let (place, remote) = (sharing(160), Remote::start());
    push(&place, &remote.url, &[], 0);
    assert_eq!(remote.uuids().len(), 160);
    assert!(push(&place, &remote.url, &["--withdraw", "--anr", ANR], 1).1.contains("--yes"));
    assert!(push(&place, &remote.url, &["--withdraw", "--anr", ANR, "--yes"], 0).0.starts_with("took 1 analysis back"));
    assert_eq!(remote.uuids().len(), 80);
    let (said, errors) = push(&place, &remote.url, &[], 0);
    assert_eq!(said, "sent 0, already there 0, refused 0");
    assert!(errors.contains("held back: 80 of analyses that were taken back"), "{errors}");
    assert_eq!(push(&place, &remote.url, &["--anr", ANR], 0).0, "sent 80, already there 0, refused 0");
    // All of a client, even after it stopped sharing.
    place.ok(&["client", "disable-sharing", "fo"]);
    assert!(push(&place, &remote.url, &["--withdraw", "--client", "fo", "--yes"], 0).0.starts_with("took 2 analyses"));
    assert_eq!(remote.uuids().len(), 0);
}

/// To a remote two analyses with one UUID are one: they would overwrite each other, and be taken back with each other.
#[test]
fn of_two_sharing_clients_with_the_same_analysis_only_the_first_leaves_and_is_taken_back() {
    let (place, remote) = (sharing(3), Remote::start());
    place.client("second");
    place.ok(&["client", "enable-sharing", "second"]);
    import(&place, "second", &lines(ANR, 700, &[1, 9]));
    let (said, errors) = push(&place, &remote.url, &[], 0);
    assert_eq!(said, "sent 3, already there 0, refused 0");
    assert!(errors.contains(ANR) && errors.contains("\"second\"") && errors.contains("\"fo\""), "{errors}");
    assert_eq!(remote.uuids(), [uuid(0), uuid(1), uuid(2)]);
    assert!(place.run(&["doctor"]).stdout.windows(16).any(|part| part == b"only the stats o"));
    // What the second takes back is what it sent: nothing.
    assert!(push(&place, &remote.url, &["--withdraw", "--client", "second", "--yes"], 0).0.starts_with("took 0"));
    // Even if the first shares no more, what the remote has under this UUID is the first's.
    place.ok(&["client", "disable-sharing", "fo"]);
    assert_eq!(push(&place, &remote.url, &[], 0).0, "sent 0, already there 0, refused 0");
    assert!(push(&place, &remote.url, &["--withdraw", "--client", "fo", "--yes"], 0).0.starts_with("took 1"));
    assert_eq!(push(&place, &remote.url, &["--anr", ANR], 0).0, "sent 2, already there 0, refused 0");
    assert_eq!(remote.uuids(), [uuid(700), uuid(701)]);
}

fn kill(child: &mut Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_push_that_was_killed_goes_on_from_there() {
    let (place, remote) = (sharing(400), Remote::start());
    // The second batch is stored and never answered; then the pusher dies.
    remote.play(&[Trick::Answer(503, "", ""), Trick::StoreAndHangUp, Trick::StoreAndStall]);
    let mut running = command(&place, &remote.url, &[]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    remote.until("the tricks were played", |state| state.tricks.is_empty());
    kill(&mut running);
    push(&place, &remote.url, &[], 0);
    assert_eq!(remote.uuids(), (0..400).map(uuid).collect::<Vec<_>>());
    assert_eq!(push(&place, &remote.url, &[], 0).0, "sent 0, already there 0, refused 0");
}

/// A central instance with a client for each partner, sharing off: it keeps what it gets.
fn central() -> (Place, Service) {
    let place = Place::new();
    for partner in ["one", "two"] {
        place.client(partner);
    }
    let service = place.serve();
    (place, service)
}

#[test]
fn two_local_instances_share_with_a_central_one() {
    let (central, service) = central();
    let url = format!("http://{}", service.address);
    let (one, two) = (sharing(120), Place::new());
    two.client("fo");
    two.ok(&["client", "enable-sharing", "fo"]);
    import(&two, "fo", &lines(ANR, 5000, &[0, 1, 2]));
    for (place, token, number) in [(&one, "one-token-of-a-test", 120), (&two, "two-token-of-a-test", 3)] {
        let words = ["--token", token];
        let said = format!("sent {number}, already there 0, refused 0");
        let run = |words: &[&str]| place.ok(&[&["push", "--remote", &url], words].concat());
        assert_eq!(run(&words).trim_end(), said);
        assert_eq!(run(&words).trim_end(), "sent 0, already there 0, refused 0");
        let again = run(&[&words[..], &["--all"]].concat());
        assert_eq!(again.trim_end(), format!("sent 0, already there {number}, refused 0"));
    }
    let mut there = uuids(&exported(&one, &["--client", "fo"]));
    there.extend(uuids(&exported(&two, &[])));
    assert_eq!(uuids(&exported(&central, &[])), there);
    // A day that is collected anew takes the old one's place there, too.
    import(&two, "fo", &lines(ANR, 6000, &[1]));
    assert_eq!(
        two.ok(&["push", "--remote", &url, "--token", "two-token-of-a-test"]),
        "sent 1, already there 0, refused 0\n"
    );
    let at_central = uuids(&exported(&central, &["--client", "two"]));
    assert_eq!(at_central, [uuid(5000), uuid(5002), uuid(6000)].into());
    // And what is there can be pulled into a third, again and again.
    let third = Place::new();
    third.client("mirror");
    let pull = ["pull", "--client", "mirror", "--remote", &url, "--token", "two-token-of-a-test"];
    assert_eq!(third.ok(&pull), "pulled 3, already there 0, outdated 0, refused 0\n");
    assert_eq!(third.ok(&pull), "pulled 0, already there 3, outdated 0, refused 0\n");
    assert_eq!(uuids(&exported(&third, &[])), at_central);
    service.stop();
    for place in [&one, &two, &third, &central] {
        place.ok(&["database", "check"]);
    }
}

#[test]
fn a_central_instance_that_was_killed_gets_the_rest_when_it_is_back() {
    let (central, service) = central();
    let address = service.address.clone();
    let url = format!("http://{address}");
    let place = sharing(4000);
    let words = ["push", "--remote", &url, "--token", "one-token-of-a-test"];
    let running =
        place.command(&words).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    until("some arrived", || !exported(&central, &[]).is_empty());
    service.signal("KILL");
    drop(service);
    assert!(exported(&central, &[]).len() < 4000, "it was killed too late to show anything");
    let port = address.rsplit(':').next().unwrap();
    let service = Service::start(central.command(&["serve", "--port", port]));
    let output = running.wait_with_output().unwrap();
    assert!(output.status.success());
    let words = [&words[..], &["--all"]].concat();
    assert_eq!(place.ok(&words), "sent 0, already there 4,000, refused 0\n");
    service.stop();
    assert_eq!(uuids(&exported(&central, &[])), (0..4000).map(uuid).collect());
    central.ok(&["database", "check"]);
}

#[test]
fn a_pull_reads_any_dates_in_windows_and_one_stat_of_each_day() {
    let remote = Remote::start();
    for (number, days) in [(1, 0), (2, 40), (3, 200), (4, 1500), (5, 200)] {
        let stat =
            json!({"uuid": uuid(number), "anr": ANR, "type": "threat", "date": days_ago(days), "data": threat("1")});
        remote.state().stored.insert(uuid(number), stat);
    }
    let odd = json!({"uuid": uuid(6), "anr": ANR, "type": "threat", "date": days_ago(3), "data": "odd"});
    let place = Place::new();
    place.client("mirror");
    let pull = |words: &[&str]| {
        place.run(&[&["pull", "--client", "mirror", "--remote", &remote.url, "--token", TOKEN], words].concat())
    };
    let said = |output: &Output| String::from_utf8(output.stdout.clone()).unwrap();
    assert_eq!(said(&pull(&[])), "pulled 2, already there 0, outdated 0, refused 0\n");
    let from = ["--from", &days_ago(2000), "--type", "threat"];
    assert_eq!(said(&pull(&from)), "pulled 2, already there 2, outdated 1, refused 0\n");
    assert_eq!(said(&pull(&from)), "pulled 0, already there 4, outdated 1, refused 0\n");
    assert_eq!(uuids(&exported(&place, &[])), BTreeSet::from([1, 2, 4, 5].map(uuid)), "the last of a day stays");
    let asked = remote.state().requests.iter().filter(|request| request.body.contains("date_from")).count();
    assert!(asked > 5 && asked == remote.state().requests.len());
    // What cannot be used is named, and the rest comes all the same.
    remote.state().stored.insert(uuid(6), odd);
    remote.play(&[Trick::HangUp, Trick::Answer(503, "", "")]);
    let output = pull(&from);
    assert_eq!(
        (output.status.code(), said(&output).as_str()),
        (Some(1), "pulled 0, already there 4, outdated 1, refused 1\n")
    );
    assert!(String::from_utf8(output.stderr).unwrap().contains(&uuid(6)));
    place.ok(&["database", "check"]);
}

#[test]
fn a_token_comes_from_a_flag_the_environment_or_standard_input() {
    let (place, remote) = (sharing(1), Remote::start());
    assert!(place.fails(&["push", "--remote", &remote.url], 1).contains("REMOTE_STATS_TOKEN"));
    let mut command = place.command(&["push", "--all"]);
    let output = command.env("REMOTE_STATS_SERVER", &remote.url).env("REMOTE_STATS_TOKEN", TOKEN).output().unwrap();
    assert!(output.status.success());
    let mut command = place.command(&["push", "--all", "--remote", &remote.url, "--token", "-"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), format!("{TOKEN}\n").as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(remote.posts().len(), 2);
}

#[test]
fn this_service_says_that_it_replaces() {
    let (_central, service) = central();
    assert_eq!(service.get("/about.json").send().expect(200).json()["replaces"], json!(true));
}
