//! Whatever happens to a store, its public answers are functions of what was published, and a week is published once.

use super::*;
use crate::config::{Config, Raw};
use crate::model::shapes::{CATEGORIES, STATES};
use crate::model::stat::NewStat;
use crate::model::{Client, Role, Token};
use crate::server::message::{Body, Head, Headers, Method, Received, Service};
use crate::store::clients::NewClient;
use crate::store::listing::Filter;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Read;
use std::net::Ipv4Addr;
use std::sync::Barrier;
use std::sync::atomic::AtomicUsize;
use tempfile::TempDir;
use uuid::Uuid;

const CLIENTS: usize = 6;
const WEEKS: i64 = 6;
/// Who asks what a user sees; it never posts.
const READER: &str = "token-of-a-reader-0";

/// A stat: of whom, so many days ago, of what; two numbers decide the rest.
#[derive(Clone, Debug)]
struct Post {
    client: usize,
    analysis: u8,
    days: i64,
    kind: StatType,
    numbers: (u8, u8),
}

/// What may happen to a store after its weeks were published.
#[derive(Clone, Debug)]
enum Change {
    Post(Vec<Post>),
    DeleteAnalysis(usize, u8),
    DeleteClient(usize),
    Deactivate(usize),
    Sharing(usize, bool),
    Group(usize, u8),
    Deduplicate,
}

fn any_post() -> impl Strategy<Value = Post> {
    let numbers = (any::<u8>(), any::<u8>());
    (0..CLIENTS, 0_u8..2, 0..7 * WEEKS, proptest::sample::select(StatType::ALL.to_vec()), numbers)
        .prop_map(|(client, analysis, days, kind, numbers)| Post { client, analysis, days, kind, numbers })
}

fn any_change() -> impl Strategy<Value = Change> {
    let client = 0..CLIENTS;
    prop_oneof![
        4 => proptest::collection::vec(any_post(), 1..20).prop_map(Change::Post),
        1 => (client.clone(), 0_u8..2).prop_map(|(client, analysis)| Change::DeleteAnalysis(client, analysis)),
        1 => client.clone().prop_map(Change::DeleteClient),
        1 => client.clone().prop_map(Change::Deactivate),
        1 => (client.clone(), any::<bool>()).prop_map(|(client, on)| Change::Sharing(client, on)),
        1 => (client, 0_u8..2).prop_map(|(client, group)| Change::Group(client, group)),
        1 => Just(Change::Deduplicate),
    ]
}

fn object(number: u8) -> String {
    Uuid::from_u128(0xa000 + u128::from(number)).to_string()
}

/// The data of a stat: three objects of six, two of which all have, called by one of four names.
fn data(kind: StatType, (a, b): (u8, u8)) -> String {
    let part = f64::from(a) / 255.0;
    let rated = |number: u8| {
        let rate = format!("{:.2}", 5.0 * part);
        json!({"uuid": object(number), "label2": format!("name {}", b % 4), "count": 1 + b % 5, "maxRisk": a % 101,
            "averageRate": rate})
    };
    let sides = |one: &dyn Fn(&str) -> Value| {
        let side = || {
            CATEGORIES.iter().map(|category| ((*category).to_owned(), one(category))).collect::<serde_json::Map<_, _>>()
        };
        STATES.iter().map(|state| ((*state).to_owned(), side().into())).collect::<serde_json::Map<_, _>>()
    };
    let category = |value: f64| json!([{"label2": "Access", "value": format!("{value:.2}")}]);
    let data = match kind {
        StatType::Threat | StatType::Vulnerability => json!([rated(0), rated(1), rated(2 + b % 4)]),
        StatType::Risk => {
            json!({"risks": sides(&|_| json!([{"level": "Low risks", "value": a}, {"level": "High risks", "value": b}]))})
        }
        StatType::Cartography => json!({
            "scales": {"impact": [0, 1, 2, 3, 4], "probability": [0, 4], "likelihood": [0, 20]},
            "risks": sides(&|_| json!({"1": {"2": a}, "3": {"4": b}})),
        }),
        StatType::Compliance => {
            json!([{"referential": "27002", "label2": format!("name {}", b % 4), "current": category(part), "target": category(1.0)}])
        }
    };
    data.to_string()
}

/// A store with clients of which the first so many have all types in every week.
struct House {
    directory: TempDir,
    store: Arc<Store>,
    clients: Vec<Client>,
}

impl House {
    fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let store = Arc::new(Store::open(&directory.path().join("stats.db")).unwrap());
        let client = |name: &str, token: &str| {
            let token = Token::new(token).unwrap();
            let new = NewClient { uuid: None, name, token: &token, role: Role::User, is_sharing_enabled: true };
            store.create_client(&new).unwrap()
        };
        client("reader", READER);
        let clients = (0..CLIENTS).map(|one| client(&format!("c{one}"), &format!("token-of-a-client-{one}"))).collect();
        Self { directory, store, clients }
    }

    fn post(&self, posts: &[Post]) {
        for (number, client) in self.clients.iter().enumerate() {
            let own: Vec<_> = posts.iter().filter(|post| post.client == number).collect();
            let texts: Vec<String> = own.iter().map(|post| data(post.kind, post.numbers)).collect();
            let stat = |(post, text): (&&Post, _)| {
                let anr = Uuid::from_u128(1 + 2 * number as u128 + u128::from(post.analysis));
                NewStat::new(None, anr, post.kind, after(today(), -post.days).unwrap(), text)
            };
            let stats: Vec<NewStat<'_>> = own.iter().zip(texts.iter().map(String::as_str)).map(stat).collect();
            // Who was deleted posts no more.
            let stored = self.store.add_stats(client, &stats).is_ok();
            assert!(stored || self.store.client(&client.name).is_err());
        }
    }

    fn act(&self, change: &Change) {
        let client = |number: &usize| &self.clients[*number];
        match change {
            Change::Post(posts) => self.post(posts),
            Change::DeleteAnalysis(number, analysis) => {
                let anr = Uuid::from_u128(1 + 2 * *number as u128 + u128::from(*analysis));
                drop(self.store.delete_stats(&Filter { anrs: Some(vec![anr]), ..Filter::default() }));
            }
            // One that is gone already stays so.
            Change::DeleteClient(number) => drop(self.store.delete_client(client(number))),
            Change::Deactivate(number) => drop(self.store.set_active(client(number), false)),
            Change::Sharing(number, on) => drop(self.store.set_sharing(client(number), *on)),
            Change::Group(number, group) => {
                drop(self.store.set_group(client(number), Some(format!("group {group}").as_str())));
            }
            Change::Deduplicate => drop(self.store.deduplicate_stats().unwrap()),
        }
    }

    fn publish(&self, k: usize) -> usize {
        build_due(&self.store, k, today(), &|_, _| Some(Default::default()), &|| true).unwrap()
    }
}

/// The base of a world: so many clients with all types, a stat in each week and one of today.
fn base(clients: usize, numbers: &[(u8, u8)]) -> Vec<Post> {
    let days = (0..WEEKS).map(|week| 7 * week);
    let kinds = days.flat_map(|days| StatType::ALL.map(|kind| (days, kind)));
    let posts = kinds.flat_map(|(days, kind)| (0..clients).map(move |client| (client, days, kind)));
    let post = |((client, days, kind), numbers)| Post { client, analysis: 0, days, kind, numbers };
    posts.zip(numbers.iter().copied().cycle()).map(post).collect()
}

/// Everything that anybody may ask of averages, for windows of so many days and of one less.
fn questions(days: i64) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let windows = [days, days - 1].map(|days| format!("days={}", days.max(1)));
    let ways = [
        "last_stats=1",
        "local_stats_only=1",
        "period=day",
        "period=week",
        "period=month",
        "period=quarter",
        "period=year",
    ];
    for name in ["threats", "vulnerabilities", "risks", "cartography", "compliance"] {
        all.push(format!("/stats/{name}.json"));
        all.extend(ways.iter().map(|way| format!("/stats/{name}.json?{way}")));
        all.extend(windows.iter().map(|window| format!("/stats/{name}.json?{window}")));
        all.push(format!("/stats/{name}.json?{}&period=month&local_stats_only=1", windows[0]));
        all.push(format!("/data/{name}/data.csv?{}", windows[0]));
        all.push(format!("/data/{name}/metadata.json"));
    }
    all.extend(ways[2..].iter().map(|way| format!("/stats/risks.json?processor=risk_averages_on_date&{way}")));
    for kind in StatType::ALL.map(StatType::name) {
        all.push(format!("/stats/compared.json?type={kind}"));
        all.push(format!("/stats/compared.json?type={kind}&{}", windows[0]));
    }
    for processor in crate::averages::ALL {
        let kind = processor.kinds[0].name();
        let asked = format!("/api/v1/stats/processed/?type={kind}&processor={}", processor.name);
        let from = after(today(), 1 - days).unwrap();
        all.extend([format!("{asked}&date_from={from}"), format!("{asked}&local_stats_only=1"), asked]);
    }
    all.extend((0..6).flat_map(|number| {
        [format!("/stats/objects/{}.json", object(number)), format!("/mosp/{}.json", object(number))]
    }));
    let others =
        "/stats/summary.json /stats/trends.json /stats/trends.json?period=month /stats/trends.json?period=quarter
        /stats/trends.json?period=year /stats/lines.json?type=threat&measure=count /stats/benchmark.json?type=threat
        /data/trends/data.csv /map/clients.json /feed.atom / /threats /risks /cartography /compliance /trends /report";
    all.extend(others.split_whitespace().map(str::to_owned));
    let day = after(today(), -days).unwrap();
    all.extend([
        format!("/stats/trends.json?since={day}"),
        format!("/data/trends/data.csv?since={day}&direction=rose"),
    ]);
    all
}

type Answers = BTreeMap<String, (u16, BTreeMap<&'static str, String>, String)>;

/// What a service that has just been started answers: nothing is left of what was computed before.
fn answers(config: &dyn Fn() -> Config, store: &Arc<Store>, questions: &[String]) -> Answers {
    let app = App::new(config(), Arc::clone(store), Arc::new(AtomicUsize::new(0)));
    questions.iter().map(|question| (question.clone(), ask(&app, question))).collect()
}

fn ask(app: &App, question: &str) -> (u16, BTreeMap<&'static str, String>, String) {
    let (path, query) = question.split_once('?').unwrap_or((question, ""));
    let headers = Headers::of(&[("X-API-KEY", READER), ("Host", "localhost")]);
    let (path, query, peer) = (path.to_owned(), query.to_owned(), Ipv4Addr::LOCALHOST.into());
    let head = Head { method: Method::GET, path, query, headers, peer };
    let response = match app.admit(&head) {
        Ok((ticket, _)) => app.answer(&head, ticket, Received::empty()),
        Err(refusal) => refusal,
    };
    let mut text = Vec::new();
    match response.body {
        Body::Bytes(bytes) => text.extend_from_slice(&bytes),
        Body::Spool(spool, _) => text = spool.read_range(0..spool.len()).unwrap(),
        Body::Stream(mut reader) => drop(reader.read_to_end(&mut text).unwrap()),
    }
    let headers = response.headers.into_iter().map(|(name, value)| (name, value.into_owned())).collect();
    (response.status, headers, String::from_utf8(text).unwrap())
}

/// The settings of a service of at least three on a store of this directory.
fn config(directory: &TempDir) -> Config {
    let store = directory.path().join("stats.db").display().to_string();
    let words = ["--store", &store, "--public-min-clients", "3", "--mosp-url", ""];
    let (raw, rest) = Raw::take(words.map(str::to_owned).into()).unwrap();
    assert!(rest.is_empty());
    Config::new(&raw).unwrap()
}

fn same(one: &Answers, other: &Answers) {
    for ((question, one), other) in one.iter().zip(other.values()) {
        assert_eq!(one, other, "{question}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_answer_is_a_function_of_the_published_cells_alone(
        clients in 2..CLIENTS,
        numbers in proptest::collection::vec((any::<u8>(), any::<u8>()), 1..40),
        more in proptest::collection::vec(any_post(), 0..30),
        changes in proptest::collection::vec(any_change(), 1..6),
        days in 1_i64..70,
    ) {
        let house = House::new();
        house.post(&base(clients, &numbers));
        house.post(&more);
        prop_assert!(house.publish(3) >= 4);
        let (questions, settings) = (questions(days), || config(&house.directory));
        let published = answers(&settings, &house.store, &questions);
        prop_assert!(clients < 3 || published["/stats/threats.json"].2.len() > 2, "something is shown");
        // Whatever others do, and whatever is left in the end.
        changes.iter().for_each(|change| house.act(change));
        same(&published, &answers(&settings, &house.store, &questions));
        // A store that has the published cells and nothing else gives the same, though it was built at another moment.
        let bare = House::new();
        for kept in house.store.releases(None, None).unwrap() {
            let cells = kept.cells.unwrap();
            bare.store.keep_release(&New { week: kept.week, rules: kept.rules, k: kept.k, cells: &cells }).unwrap();
        }
        same(&published, &answers(&settings, &bare.store, &questions));
        // Windows that hold the same weeks are the same answer: nothing lies between N days and N - 1.
        let inside = |days: i64| {
            let first = after(today(), 1 - days.max(1)).unwrap();
            let weeks = house.store.release_heads().unwrap();
            weeks.iter().filter(|head| after(head.week, -6).unwrap() >= first).count()
        };
        for name in ["threats", "vulnerabilities", "risks", "cartography", "compliance"] {
            let of = |query: &str| &published[&format!("/stats/{name}.json{query}")].2;
            let [longer, shorter] = [days, days - 1].map(|days| format!("?days={}", days.max(1)));
            prop_assert!(inside(days) != inside(days - 1) || of(&longer) == of(&shorter), "{}", name);
            prop_assert_eq!(of("?local_stats_only=1"), of(""));
        }
    }
}

#[test]
fn two_that_build_at_once_publish_each_week_once() {
    let house = House::new();
    house.post(&base(CLIENTS, &[(9, 4), (200, 7), (30, 1)]));
    let path = house.directory.path().join("stats.db");
    let (start, weeks) = (Barrier::new(2), due(&house.store, today()).unwrap().len());
    let build = |k: usize| {
        let (store, start) = (Store::open(&path).unwrap(), &start);
        start.wait();
        build_due(&store, k, today(), &|_, _| Some(Default::default()), &|| true).unwrap()
    };
    let built = std::thread::scope(|scope| {
        let both = [3, 4].map(|k| scope.spawn(move || build(k)));
        both.map(|one| one.join().unwrap())
    });
    let kept = house.store.releases(None, None).unwrap();
    assert!(weeks >= 4 && kept.len() == weeks && built.iter().sum::<usize>() == weeks, "{built:?} of {weeks}");
    // What is there is whole, and another one that builds changes nothing of it.
    for one in &kept {
        let whole = build_again(&house.store, one.k, one.week);
        assert_eq!(one.cells.as_deref(), Some(whole.as_str()));
        house.store.keep_release(&New { week: one.week, rules: RULES, k: 5, cells: "{\"types\":{}}" }).unwrap();
    }
    assert_eq!(house.store.releases(None, None).unwrap(), kept);
}

fn build_again(store: &Store, k: usize, week: Date) -> String {
    let (release, _) = build(store, k, week, &|| true).unwrap().unwrap();
    serde_json::to_string(&release).unwrap()
}

#[test]
fn weeks_are_called_what_the_newest_called_them_that_had_a_name() {
    let house = House::new();
    let cells = |text: &str| {
        let figures = json!([{"n": "3-4", "v": 100}, {"n": "3-4", "v": 100}, {"n": "3-4", "v": 100}]);
        let object = json!({"key": object(0), "texts": ["", text, "", ""], "figures": figures});
        json!({"types": {"threat": {"band": "3-4", "totals": {"": 5}, "objects": [object]}}}).to_string()
    };
    for (week, text) in [(3, "first"), (2, "second"), (1, "")] {
        let week = after(week_of(today()).unwrap(), -7 * week).unwrap();
        house.store.keep_release(&New { week, rules: RULES, k: 3, cells: &cells(text) }).unwrap();
    }
    let questions = ["/stats/threats.json".to_owned(), "/stats/threats.json?last_stats=1".to_owned()];
    let answers = answers(&|| config(&house.directory), &house.store, &questions);
    let named =
        |question: &str| serde_json::from_str::<Value>(&answers[question].2).unwrap()[0]["labels"]["label2"].clone();
    assert_eq!((named(&questions[0]), named(&questions[1])), (json!("second"), json!("")));
}
