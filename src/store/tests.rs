//! What must hold of the store whatever is done to it, and how it opens files.

use super::Store;
use super::clients::NewClient;
use super::entries::Entry;
use super::labels::Naming;
use super::listing::{Beginning, Filter, Range, Stat};
use super::payloads::Owner;
use super::rollups::{Analyses, Selection};
use super::stats::ItemOutcome;
use super::sums::{Called, EVERYBODY, Gather, Most, Order, Rollup, Sums};
use crate::error::Kind;
use crate::model::stat::NewStat;
use crate::model::{Client, Role, StatType, Token, shapes};
use jiff::civil::Date;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use tempfile::TempDir;
use uuid::Uuid;

mod damage;
mod forgetting;

const NAMES: [&str; 3] = ["north", "south", "west"];

/// Texts that a stat may have, by type: numbers that do not add up in binary, other labels, other objects.
fn contents(kind: StatType) -> &'static [&'static str] {
    match kind {
        StatType::Risk => &[
            r#"{"risks":{"current":{"informational":[{"level":"Low risks","value":"0.1"}],"operational":[]},
                "residual":{"informational":[],"operational":[{"level":"High risks","value":7}]}}}"#,
            r#"{"risks":{"current":{"informational":[{"level":"Low risks","value":0.2},{"level":"Medium risks","value":3}],
                "operational":[]},"residual":{"informational":[],"operational":[]}}}"#,
        ],
        StatType::Cartography => &[
            r#"{"scales":{"impact":[0,4],"probability":[0,4],"likelihood":[0,20]},"risks":{
                "current":{"informational":{"1":{"6":2,"12":1}},"operational":[[0,1]]},
                "residual":{"informational":[],"operational":[]}}}"#,
            r#"{"scales":{"impact":[1,3],"probability":[0,9],"likelihood":[]},"risks":{
                "current":{"informational":{"1":[1,1,1]},"operational":[]},
                "residual":{"informational":[],"operational":{"2":{"5":3}}}}}"#,
        ],
        StatType::Compliance => &[
            r#"[{"referential":"98ca84fb-db87-11e8-ac77-0800279aaa2b","current":[{"label1":"A","value":"0.42"}],"target":[]}]"#,
            "[]",
        ],
        StatType::Threat | StatType::Vulnerability => &[
            "[]",
            r#"[{"uuid":"00000000-0000-4000-8000-000000000001","label1":"eins","label2":"one","count":1,"maxRisk":2,"averageRate":"0.1"}]"#,
            r#"[{"uuid":"00000000-0000-4000-8000-000000000001","label1":"","label3":"un","count":"3","maxRisk":0.7,"averageRate":"0.333333333"},
                {"uuid":"00000000-0000-4000-8000-000000000002","count":5,"maxRisk":6,"averageRate":"1e-9"}]"#,
            r#"[{"uuid":"00000000-0000-4000-8000-000000000001","label1":"zwei","label2":null,"count":2,"maxRisk":2,"averageRate":"0.2"}]"#,
        ],
    }
}

/// One item of a batch, by numbers.
#[derive(Clone, Debug)]
struct Item {
    uuid: Option<u8>,
    anr: u8,
    kind: StatType,
    day: i8,
    content: usize,
}

/// One thing that is done to a store.
#[derive(Clone, Debug)]
enum Action {
    Add(usize, Vec<Item>),
    DeleteAnalysis(usize, u8),
    Purge(i8),
    /// Another of this name comes after it, of this instance or not.
    ReplaceClient(usize, bool),
    Deduplicate,
    Tidy,
}

fn any_item() -> impl Strategy<Value = Item> {
    let kind = prop_oneof![3 => Just(StatType::Threat), 1 => proptest::sample::select(StatType::ALL.to_vec())];
    (proptest::option::weighted(0.2, 0_u8..4), 0_u8..2, kind, 1_i8..5, 0_usize..4).prop_map(
        |(uuid, anr, kind, day, content)| Item { uuid, anr, kind, day, content: content % contents(kind).len() },
    )
}

fn any_action() -> impl Strategy<Value = Action> {
    let client = 0_usize..NAMES.len();
    prop_oneof![
        8 => (client.clone(), proptest::collection::vec(any_item(), 0..6)).prop_map(|(c, items)| Action::Add(c, items)),
        2 => (client.clone(), 0_u8..2).prop_map(|(c, anr)| Action::DeleteAnalysis(c, anr)),
        1 => (1_i8..4).prop_map(Action::Purge),
        2 => (client, any::<bool>()).prop_map(|(c, local)| Action::ReplaceClient(c, local)),
        2 => Just(Action::Deduplicate),
        1 => Just(Action::Tidy),
    ]
}

fn anr(number: u8) -> Uuid {
    Uuid::from_u128(0xa000 + u128::from(number))
}

fn date(day: i8) -> Date {
    Date::new(2026, 11, day).unwrap()
}

fn new_stat(item: &Item) -> NewStat<'static> {
    let data = contents(item.kind)[item.content];
    let uuid = item.uuid.map(|number| Uuid::from_u128(0xb000 + u128::from(number)));
    NewStat::new(uuid, anr(item.anr), item.kind, date(item.day), data)
}

fn create(store: &Store, name: &str) -> Client {
    let token = Token::new(&format!("{name}-token")).unwrap();
    let new = NewClient { uuid: None, name, token: &token, role: Role::User, is_sharing_enabled: false };
    store.create_client(&new).unwrap()
}

/// A stat as the simplest of all stores would keep it: in a list, in order of arrival.
#[derive(Clone, Debug)]
struct Row {
    client: usize,
    uuid: Uuid,
    anr: u8,
    kind: StatType,
    day: i8,
    data: &'static str,
}

/// A store and what must be in it.
struct House {
    _directory: TempDir,
    store: Store,
    clients: Vec<Client>,
    local: Vec<bool>,
    rows: Vec<Row>,
}

impl House {
    fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let store = Store::open(&directory.path().join("stats.db")).unwrap();
        let clients = NAMES.iter().map(|name| create(&store, name)).collect();
        Self { _directory: directory, store, clients, local: vec![true; NAMES.len()], rows: Vec::new() }
    }

    fn act(&mut self, action: &Action) {
        match action {
            Action::Add(client, items) => self.add(*client, items),
            Action::DeleteAnalysis(client, number) => {
                let id = self.clients[*client].id;
                let filter = Filter { client: Some(id), anrs: Some(vec![anr(*number)]), ..Filter::default() };
                let gone = self.store.delete_stats(&filter).unwrap();
                self.forget(gone, |row| row.client == *client && row.anr == *number);
            }
            Action::Purge(day) => {
                let gone = self.store.delete_stats(&Filter { to: Some(date(*day)), ..Filter::default() }).unwrap();
                self.forget(gone, |row| row.day <= *day);
            }
            Action::ReplaceClient(client, local) => {
                let gone = self.store.delete_client(&self.clients[*client]).unwrap();
                self.forget(gone, |row| row.client == *client);
                self.clients[*client] = create(&self.store, NAMES[*client]);
                self.local[*client] = *local;
                // The client in our hands is not read anew: whoever adds stats must not trust what it says.
                let values = (self.clients[*client].id, local);
                let text = "UPDATE client SET is_local = ?2 WHERE id = ?1";
                self.store.write(|tx| Ok(tx.execute(text, values)?)).unwrap();
            }
            Action::Deduplicate => self.deduplicate(),
            Action::Tidy => {
                self.store.tidy().unwrap();
            }
        }
    }

    #[track_caller]
    fn forget(&mut self, gone: usize, is_doomed: impl Fn(&Row) -> bool) {
        let before = self.rows.len();
        self.rows.retain(|row| !is_doomed(row));
        assert_eq!(gone, before - self.rows.len());
    }

    fn add(&mut self, client: usize, items: &[Item]) {
        let stats: Vec<NewStat<'static>> = items.iter().map(new_stat).collect();
        let outcomes = self.store.add_stats(&self.clients[client], &stats).unwrap();
        self.settle(client, items, &stats, &outcomes);
    }

    /// Does with a batch what the simplest of all stores would do, and compares each answer.
    fn settle(&mut self, client: usize, items: &[Item], stats: &[NewStat<'static>], outcomes: &[ItemOutcome]) {
        assert_eq!(outcomes.len(), items.len());
        let mut expected: Vec<Option<bool>> = vec![None; items.len()];
        // What is a duplicate when its turn comes may be none after the batch has replaced the stat that had its identity.
        for _ in 0..=items.len() {
            for (index, item) in items.iter().enumerate() {
                let is_taken = stats[index].uuid.is_some_and(|uuid| self.rows.iter().any(|row| row.uuid == uuid));
                if expected[index].is_some() || is_taken {
                    continue;
                }
                let same = |other: &Item| (other.anr, other.kind, other.day) == (item.anr, item.kind, item.day);
                let is_late = (index + 1..items.len()).any(|later| expected[later].is_some() && same(&items[later]));
                (0..index).filter(|earlier| same(&items[*earlier])).for_each(|earlier| {
                    expected[earlier] = expected[earlier].map(|_| false);
                });
                expected[index] = Some(!is_late);
                if !is_late {
                    let Item { anr, kind, day, .. } = *item;
                    self.rows.retain(|row| (row.client, row.anr, row.kind, row.day) != (client, anr, kind, day));
                    let uuid = match outcomes[index] {
                        ItemOutcome::Stored(uuid) => stats[index].uuid.unwrap_or(uuid),
                        _ => stats[index].uuid.unwrap_or_else(Uuid::now_v7),
                    };
                    self.rows.push(Row { client, uuid, anr, kind, day, data: stats[index].data });
                }
            }
        }
        for (index, expected) in expected.into_iter().enumerate() {
            match (expected, outcomes[index], stats[index].uuid) {
                (None, ItemOutcome::Duplicate(found), Some(given)) => assert_eq!(found, given),
                (Some(true), ItemOutcome::Stored(found), given) => assert!(given.is_none_or(|given| given == found)),
                (Some(false), ItemOutcome::Superseded, _) => {}
                wrong => panic!("item {index}: {wrong:?}"),
            }
        }
    }

    fn deduplicate(&mut self) {
        let gone = self.store.deduplicate_stats().unwrap();
        let mut before: HashMap<(usize, u8, StatType), &str> = HashMap::new();
        let mut sorted: Vec<&Row> = self.rows.iter().collect();
        sorted.sort_by_key(|row| row.day);
        let mut doomed = BTreeSet::new();
        for row in sorted {
            if before.insert((row.client, row.anr, row.kind), row.data) == Some(row.data) {
                doomed.insert(row.uuid);
            }
        }
        self.forget(gone, |row| doomed.contains(&row.uuid));
    }

    /// Everything that must hold.
    fn inspect(&self) {
        assert_eq!(self.store.check(&mut |_, _| {}).unwrap(), Vec::<String>::new());
        for kind in StatType::ALL {
            self.inspect_stats(kind);
            for local_only in [false, true] {
                self.inspect_rollup(kind, local_only, None, None);
                self.inspect_rollup(kind, local_only, None, Some(2));
                self.inspect_rollup(kind, local_only, Some((0, vec![0])), None);
                self.inspect_rollup(kind, local_only, Some((1, vec![0, 1])), None);
            }
        }
        // What was deleted leaves its labels to housekeeping.
        while self.store.refresh_labels().unwrap() {}
        self.inspect_labels(false);
        // Looking through everything finds the newest texts, also where analyses of one client differ.
        self.store.write(super::labels::queue_all).unwrap();
        while self.store.refresh_labels().unwrap() {}
        self.inspect_labels(true);
    }

    fn inspect_stats(&self, kind: StatType) {
        let filter = Filter { kind: Some(kind), ..Filter::default() };
        let mut found = Vec::new();
        let mut each = |stat: &Stat<'_>| found.push((stat.uuid, stat.date, stat.data.clone().into_owned()));
        let mut no_place = |_| panic!("all was read");
        let list = self.store.list(&filter, &Range::default(), usize::MAX, &mut no_place, &mut each).unwrap();
        let mut rows: Vec<&Row> = self.rows.iter().filter(|row| row.kind == kind).collect();
        rows.sort_by_key(|row| row.day);
        assert_eq!(found, rows.iter().map(|row| (row.uuid, date(row.day), row.data.to_owned())).collect::<Vec<_>>());
        assert_eq!(list, Beginning { read: rows.len() as u64, is_all: true });
    }

    fn inspect_rollup(&self, kind: StatType, local_only: bool, named: Option<(usize, Vec<u8>)>, newest: Option<i64>) {
        let analyses = named.as_ref().map(|(client, numbers)| Analyses {
            client: Some(self.clients[*client].id),
            uuids: Some(numbers.iter().map(|number| anr(*number)).collect()),
        });
        let selection = Selection { kind, from: None, to: None, local_only, analyses, newest, object: None };
        let found = self.sums(&selection, usize::MAX);
        let is_meant = |row: &&Row| {
            row.kind == kind
                && (!local_only || self.local[row.client])
                && named.as_ref().is_none_or(|(client, numbers)| row.client == *client && numbers.contains(&row.anr))
        };
        let mut rows: Vec<&Row> = self.rows.iter().filter(is_meant).collect();
        rows.sort_by_key(|row| row.day);
        let skipped = newest.map_or(0, |number| rows.len().saturating_sub(usize::try_from(number).unwrap()));
        let mut expected: BTreeMap<(Date, String), Entry> = BTreeMap::new();
        for row in &rows[skipped..] {
            let mut one: BTreeMap<(Date, String), Entry> = BTreeMap::new();
            for part in shapes::contributions(kind, row.data).unwrap() {
                let entry = one
                    .entry((date(row.day), part.key.clone()))
                    .or_insert_with(|| Entry { stats: 1, ..Entry::default() });
                entry.join(&part);
            }
            one.into_iter().for_each(|(key, entry)| expected.entry(key).or_default().add(&entry, 1));
        }
        assert_eq!(found, expected, "{kind:?} local_only={local_only} {named:?} {newest:?}");
        // Taken apart it is the same, and so is an object by itself: it has four days at most.
        assert_eq!(self.sums(&selection, 4), expected);
        let one = expected.keys().map(|(_, key)| key.clone()).next_back();
        let alone = self.sums(&Selection { object: Some(one.clone().unwrap_or_default()), ..selection }, 4);
        expected.retain(|(_, key), _| Some(key) == one.as_ref());
        assert_eq!(alone, expected, "{one:?}");
    }

    /// All sums of a selection, as they come so many at a time.
    fn sums(&self, selection: &Selection, most: usize) -> BTreeMap<(Date, String), Entry> {
        let all = |held| Most { held, answered: usize::MAX, periods: usize::MAX };
        let order: Order = |keys| {
            let mut order: Vec<_> = keys.keys().map(|object| (*object, *object)).collect();
            order.sort_unstable();
            order
        };
        let (mut found, mut by_period) = (BTreeMap::new(), BTreeMap::new());
        let mut add = |rollup: &Rollup| {
            for (date, entries) in &rollup.days {
                for (object, entry) in entries {
                    let key = (*date, rollup.keys[object].clone());
                    assert_eq!(found.insert(key, *entry), None, "an entry comes once");
                }
            }
            Ok(())
        };
        let sums = |work: &mut dyn FnMut(&Rollup) -> crate::error::Result<()>| {
            self.store.sums_within(all(most), selection, EVERYBODY, |sums| sums.by_object(&Ok, order, work)).unwrap();
        };
        sums(&mut add);
        // A day with more objects than there is room for would be refused.
        let on = |day: &Date| found.keys().filter(|(date, _)| date == day).count();
        let most = most.max(found.keys().map(|(date, _)| on(date)).max().unwrap_or_default());
        let mut again = |rollup: &Rollup| {
            for (date, entries) in &rollup.days {
                by_period.extend(entries.iter().map(|(id, entry)| ((*date, rollup.keys[id].clone()), *entry)));
            }
            Ok(())
        };
        self.store.sums_within(all(most), selection, EVERYBODY, |sums| sums.by_period(&Ok, &mut again)).unwrap();
        assert_eq!(by_period, found);
        found
    }

    /// The texts that each client gives an object in a language, newest first.
    fn texts(&self, kind: StatType, key: &str, slot: usize) -> Vec<Vec<String>> {
        let of_client = |client: usize| {
            let mut rows: Vec<&Row> = self.rows.iter().filter(|row| (row.kind, row.client) == (kind, client)).collect();
            rows.sort_by_key(|row| row.day);
            let parts = rows.iter().rev().flat_map(|row| shapes::contributions(kind, row.data).unwrap());
            let texts = parts.filter(|part| part.key == key).filter_map(|part| part.labels?[slot].clone());
            texts.filter(|text| !text.is_empty()).collect()
        };
        (0..NAMES.len()).map(of_client).collect()
    }

    /// A caller sees the newest text that it gave itself, else the one that most clients give.
    fn inspect_labels(&self, is_looked_through: bool) {
        for kind in [StatType::Threat, StatType::Vulnerability, StatType::Compliance] {
            for (number, caller) in self.clients.iter().map(Some).chain([None]).enumerate() {
                let selection = Selection {
                    kind,
                    from: None,
                    to: None,
                    local_only: false,
                    analyses: None,
                    newest: None,
                    object: None,
                };
                let naming = Naming { caller: caller.map(|caller| caller.id), is_live: true };
                let mut labels = Vec::new();
                let order: Order = |keys| keys.keys().map(|object| (*object, *object)).collect();
                let called = Called { naming, more: &|_, _| Ok(()) };
                let sums = |sums: &Sums<'_>| {
                    sums.by_object(&Ok, order, &mut |all: &Rollup| {
                        let one = |(object, key): (&i64, &String)| Ok((key.clone(), sums.texts(*object)?));
                        labels.extend(all.keys.iter().map(one).collect::<crate::error::Result<Vec<_>>>()?);
                        Ok(())
                    })
                };
                self.store.sums_for(&selection, called, sums).unwrap();
                for (key, found) in &labels {
                    for slot in 0..4 {
                        let texts = self.texts(kind, key, slot);
                        let own = texts.get(number).cloned().unwrap_or_default();
                        let found = found[slot].clone().unwrap_or_default();
                        if is_looked_through {
                            is_label(&found, own.first(), &texts);
                        } else {
                            let all: Vec<&String> = texts.iter().flatten().collect();
                            assert!(all.contains(&&found) || all.is_empty() && found.is_empty(), "{found:?} {texts:?}");
                            assert!(own.is_empty() || own.contains(&found), "{found:?} {own:?}");
                        }
                    }
                }
            }
        }
    }

    fn objects(&self) -> (BTreeSet<String>, BTreeSet<String>) {
        let used = self.rows.iter().flat_map(|row| shapes::contributions(row.kind, row.data).unwrap());
        let kept = self.store.read(|tx| {
            let mut statement = tx.prepare("SELECT key FROM object")?;
            let rows = statement.query_map([], |row| row.get(0))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        });
        (kept.unwrap(), used.map(|part| part.key).collect())
    }
}

/// Asserts that a text is the caller's own one, or else one that no other is given oftener than.
fn is_label(found: &String, own: Option<&String>, texts: &[Vec<String>]) {
    let mut counts: HashMap<&String, usize> = HashMap::new();
    texts.iter().filter_map(|texts| texts.first()).for_each(|text| *counts.entry(text).or_default() += 1);
    match own {
        Some(own) => assert_eq!(found, own),
        None => assert_eq!(counts.get(found), counts.values().max(), "{found:?} of {counts:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_done_the_averages_are_those_of_the_rows(
        actions in proptest::collection::vec(any_action(), 1..14),
    ) {
        let mut house = House::new();
        for action in &actions {
            house.act(action);
        }
        house.inspect();
        // A rebuild from the text of the stats changes nothing, nor does tidying up.
        house.store.repair(&mut |_, _| {}).unwrap();
        house.store.deleted.store(true, std::sync::atomic::Ordering::Relaxed);
        house.store.tidy().unwrap();
        house.inspect();
        let (kept, used) = house.objects();
        prop_assert_eq!(kept, used);
    }
}

#[test]
fn what_is_deleted_leaves_no_drift() {
    let mut house = House::new();
    let item = |day, content| Item { uuid: None, anr: 0, kind: StatType::Threat, day, content };
    for round in 0..100_i8 {
        house.act(&Action::Add(0, vec![item(1 + round % 4, 1), item(1 + (round + 1) % 4, 2)]));
        house.act(&Action::Add(1, vec![item(1, 2), item(2, 3)]));
        house.act(&Action::DeleteAnalysis(0, 0));
    }
    house.inspect();
    house.act(&Action::Purge(28));
    let rows: i64 = house
        .store
        .read(|tx| Ok(tx.query_row("SELECT (SELECT count(*) FROM rollup) + (SELECT count(*) FROM payload) + (SELECT count(*) FROM analysis)", [], |row| row.get(0))?))
        .unwrap();
    assert_eq!(rows, 0);
}

#[test]
fn stats_of_a_client_that_was_just_deleted_are_refused() {
    let mut house = House::new();
    let ghost = house.clients[0].clone();
    house.act(&Action::ReplaceClient(0, true));
    let item = Item { uuid: None, anr: 0, kind: StatType::Threat, day: 1, content: 1 };
    let error = house.store.add_stats(&ghost, &[new_stat(&item)]).unwrap_err();
    assert_eq!(error.kind, Kind::NotFound);
    house.inspect();
}

/// Bug: a look-up was prepared again for each stat of each batch.
#[test]
fn no_statement_is_prepared_twice() {
    let house = House::new();
    let text = "SELECT payload FROM stat WHERE analysis = ?1 AND type = ?2 ORDER BY date DESC LIMIT 1";
    let again = |tx: &rusqlite::Transaction<'_>| {
        let mut statement = tx.prepare(text).unwrap();
        for analysis in 1..5 {
            assert!(!statement.exists([analysis, 1]).unwrap());
        }
        Ok(statement.get_status(rusqlite::StatementStatus::RePrepare))
    };
    assert_eq!(house.store.write(again).unwrap(), 0);
    assert_eq!(house.store.read(again).unwrap(), 0);
}

/// How often a connection has run a statement so far.
fn count_runs(tx: &rusqlite::Transaction<'_>, text: &str) -> crate::error::Result<i32> {
    Ok(tx.prepare_cached(text)?.get_status(rusqlite::StatementStatus::Run))
}

/// How often the writer has run a statement so far.
fn runs(house: &House, text: &str) -> i32 {
    house.store.write(|tx| count_runs(tx, text)).unwrap()
}

/// How often a reader has run a statement so far.
fn reads(house: &House, text: &str) -> i32 {
    house.store.read(|tx| count_runs(tx, text)).unwrap()
}

/// Bug: each item of a batch looked for the newest stat of its type past all newer ones of other types, so that a client
/// could have the writer look at all its stats once for each of thousands of items.
#[test]
fn the_newest_stat_is_looked_for_once_a_batch() {
    let house = House::new();
    let item = |day, kind, content| new_stat(&Item { uuid: None, anr: 0, kind, day, content });
    let risks: Vec<_> = (20..28).map(|day| item(day, StatType::Risk, 0)).collect();
    house.store.add_stats(&house.clients[0], &risks).unwrap();
    let [analysis, client] = [Owner::Analysis(1), Owner::Client(1)].map(|owner| owner.query().0);
    let before = [runs(&house, analysis), runs(&house, client)];
    let threats: Vec<_> =
        (1..20).map(|day| item(day, StatType::Threat, 1 + usize::from(day.unsigned_abs() % 3))).collect();
    house.store.add_stats(&house.clients[0], &threats).unwrap();
    assert_eq!([runs(&house, analysis) - before[0], runs(&house, client) - before[1]], [1, 1]);
}

/// Bug: the look for a client's newest stat passed those of other types of all analyses of that day, so that each analysis
/// that came made the next one dearer.
#[test]
fn the_look_for_a_client_s_newest_stat_costs_the_same_however_many_analyses_it_has() {
    let house = House::new();
    let item = |anr, kind, content| new_stat(&Item { uuid: None, anr, kind, day: 1, content });
    house.store.add_stats(&house.clients[0], &[item(0, StatType::Risk, 0)]).unwrap();
    let steps = || {
        house.store.read(|tx| {
            let (text, key) = Owner::Client(house.clients[0].id).query();
            let mut statement = tx.prepare(text).unwrap();
            assert!(statement.exists([key, StatType::Risk.number()]).unwrap());
            Ok(statement.get_status(rusqlite::StatementStatus::VmStep))
        })
    };
    let before = steps().unwrap();
    let threats: Vec<_> = (1..200).map(|anr| item(anr, StatType::Threat, 1)).collect();
    house.store.add_stats(&house.clients[0], &threats).unwrap();
    assert_eq!(steps().unwrap(), before);
}

/// Bug: the first stat of an analysis looked at what the client calls each of its objects, though all of its analyses
/// begin from one catalogue.
#[test]
fn a_new_analysis_with_known_labels_looks_at_none() {
    let house = House::new();
    let item = |anr| [new_stat(&Item { uuid: None, anr, kind: StatType::Threat, day: 1, content: 2 })];
    house.store.add_stats(&house.clients[0], &item(0)).unwrap();
    let before = runs(&house, super::labels::OWN_LABELS);
    assert_eq!(before, 2);
    house.store.add_stats(&house.clients[0], &item(1)).unwrap();
    assert_eq!(runs(&house, super::labels::OWN_LABELS), before);
}

/// Bug: a page of a long list was sorted anew, because its index has the type between date and arrival.
#[test]
fn a_client_s_list_is_read_in_the_order_of_its_index() {
    let house = House::new();
    let (client, kind) = (Some(1), Some(StatType::Risk));
    for filter in [
        Filter { client, kind, ..Filter::default() },
        Filter { kind, ..Filter::default() },
        Filter { from: Some(date(1)), ..Filter::default() },
    ] {
        for joined in ["", "JOIN payload ON payload.id = stat.payload"] {
            let (text, _) = super::listing::list_text(&filter, super::listing::PLACE_COLUMNS, joined);
            let plan = |tx: &rusqlite::Transaction<'_>| {
                let mut statement = tx.prepare(&format!("EXPLAIN QUERY PLAN {text}")).unwrap();
                let nothing = vec![rusqlite::types::Null; statement.parameter_count()];
                let values = rusqlite::params_from_iter(nothing);
                let lines = statement.query_map(values, |row| row.get::<_, String>(3)).unwrap();
                Ok(lines.map(Result::unwrap).collect::<Vec<_>>().join("; "))
            };
            let plan = house.store.read(plan).unwrap();
            assert!(!plan.contains("TEMP B-TREE"), "{plan}");
        }
    }
}

/// Bug: a backup began anew with every commit, so that beside a busy service it never ended.
#[test]
fn a_backup_reads_each_page_once_whatever_is_written_meanwhile() {
    let mut house = House::new();
    let fill = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
                INSERT INTO mosp (uuid, objects, asked_at) SELECT randomblob(16), hex(randomblob(2000)), 0 FROM n";
    house.store.write(|tx| Ok(tx.execute(fill, [])?)).unwrap();
    let item = |day| Item { uuid: None, anr: 0, kind: StatType::Threat, day, content: 1 };
    house.act(&Action::Add(0, vec![item(1)]));
    let copy = house.store.path().with_extension("copy");
    let (mut steps, mut total) = (0, 0);
    let counts = house.store.backup(&copy, &mut |_, all| {
        steps += 1;
        total = all;
        assert!(steps < 100, "it begins again and again");
        house.store.add_stats(&house.clients[0], &[new_stat(&item(2))]).unwrap();
    });
    assert_eq!(counts.unwrap().stats, 1, "what came later is not in it");
    assert!(total >= 3000 && steps <= total.div_ceil(1000), "{steps} steps, {total} pages");
    assert_eq!(house.store.counts().unwrap().stats, 2);
    assert_eq!(house.store.sizes().1, 0, "the log is empty again");
}

/// Bug: to delete an analysis that is not there, all analyses of the store were looked at under the writer's lock.
#[test]
fn a_deletion_touches_what_it_deletes_and_nothing_else() {
    let mut house = House::new();
    let item = |anr| Item { uuid: None, anr, kind: StatType::Threat, day: 1, content: 1 };
    house.act(&Action::Add(0, vec![item(0), item(1)]));
    // What nobody but a look through all analyses would find.
    let lonely = "INSERT INTO analysis (client, uuid) VALUES (?1, randomblob(16))";
    house.store.write(|tx| Ok(tx.execute(lonely, [house.clients[1].id])?)).unwrap();
    let written = house.store.writes();
    let nobody = Filter { anrs: Some(vec![Uuid::from_u128(0xffff)]), ..Filter::default() };
    assert_eq!(house.store.delete_stats(&nobody).unwrap(), 0);
    assert_eq!(house.store.writes(), written, "there was nothing to write");
    house.act(&Action::DeleteAnalysis(0, 0));
    assert_eq!(house.store.counts().unwrap().analyses, 2);
    let [of_analysis, of_client, of_all] = super::deletion::PAGES;
    for (text, index) in [
        (of_analysis, "sqlite_autoindex_stat_2 (analysis=? AND date>? AND date<?)"),
        (of_client, "stat#client#date#type (client=? AND date>? AND date<?)"),
        (of_all, "stat#date (date>? AND date<?)"),
    ] {
        let plan = |tx: &rusqlite::Transaction<'_>| {
            let mut statement = tx.prepare(&format!("EXPLAIN QUERY PLAN {text}")).unwrap();
            let lines = statement.query_map([1; 5], |row| row.get::<_, String>(3)).unwrap();
            Ok(lines.map(Result::unwrap).collect::<Vec<_>>().join("; "))
        };
        let plan = house.store.read(plan).unwrap();
        assert!(plan.contains(index) && !plan.contains("SCAN"), "{plan}");
    }
}

/// A purge while somebody posts: the POST comes between two of its parts.
#[test]
fn who_waits_for_the_writer_comes_before_who_has_just_written() {
    let mut house = House::new();
    let item = |day| Item { uuid: None, anr: 0, kind: StatType::Threat, day, content: 1 };
    house.act(&Action::Add(0, vec![item(1)]));
    let (store, order) = (&house.store, std::sync::Mutex::new(Vec::new()));
    let note = |what: &'static str| {
        order.lock().unwrap().push(what);
        Ok(())
    };
    std::thread::scope(|scope| {
        let mut post = None;
        let first = store.write(|_| {
            post = Some(scope.spawn(|| store.write(|_| note("post")).unwrap()));
            // It has the turn now, and waits for the writer.
            while !store.turns.is_taken() {
                std::thread::yield_now();
            }
            note("part")
        });
        first.unwrap();
        store.write(|_| note("part")).unwrap();
        post.unwrap().join().unwrap();
    });
    assert_eq!(*order.lock().unwrap(), ["part", "post", "part"]);
}

/// Bug: what was to be deleted was looked up at one look, during which whatever others wrote stayed in the log.
#[test]
fn what_is_deleted_is_looked_up_page_by_page() {
    let house = House::new();
    let number = 3 * super::parts::ROWS + 1;
    house.store.add_stats(&house.clients[0], &distinct(number)).unwrap();
    let [of_analysis, of_client, of_all] = super::deletion::PAGES;
    let (client, anrs) = (Some(house.clients[0].id), Some(vec![anr(0), anr(9)]));
    for (filter, text) in [
        (Filter::default(), of_all),
        (Filter { client, ..Filter::default() }, of_client),
        (Filter { client, anrs: anrs.clone(), ..Filter::default() }, of_analysis),
        (Filter { anrs, ..Filter::default() }, of_analysis),
    ] {
        // Nothing matches, and all of it is looked at.
        let none = Filter { kind: Some(StatType::Risk), ..filter.clone() };
        let before = reads(&house, text);
        assert_eq!(house.store.delete_stats(&none).unwrap(), 0);
        assert_eq!(reads(&house, text) - before, 4, "{text}");
        let first = Date::new(2020, 1, 1).unwrap();
        let two = Filter { from: Some(first), to: first.tomorrow().ok(), ..filter };
        assert_eq!(house.store.delete_stats(&two).unwrap(), 2);
        house.store.add_stats(&house.clients[0], &distinct(2)).unwrap();
    }
    assert_eq!(house.store.delete_stats(&Filter::default()).unwrap(), number);
}

/// Bug: all stats of a client were looked at for its labels at one look.
#[test]
fn labels_are_looked_through_page_by_page() {
    let house = House::new();
    let (client, rows) = (house.clients[0].clone(), super::parts::ROWS);
    let named = |name: &str| {
        format!(r#"[{{"uuid":"{}","label2":"{name}","count":1,"maxRisk":1,"averageRate":1}}]"#, Uuid::from_u128(5))
    };
    let (old, new) = (named("old"), named("new"));
    let stat = |day: i16, data| NewStat::new(None, anr(1), StatType::Threat, Date::new(day, 1, 1).unwrap(), data);
    house.store.add_stats(&client, &[stat(1999, &old), stat(2026, &new)]).unwrap();
    house.store.add_stats(&client, &distinct(3 * rows)).unwrap();
    let shown = |house: &House| {
        let naming = Naming { caller: Some(client.id), is_live: true };
        house.store.texts_for(StatType::Threat, &Uuid::from_u128(5).to_string(), naming).unwrap()[1].clone()
    };
    let delete = |house: &House, year: i16| {
        let day = Date::new(year, 1, 1).ok();
        house.store.delete_stats(&Filter { from: day, to: day, ..Filter::default() }).unwrap()
    };
    let pieces = |house: &House| std::iter::from_fn(|| house.store.refresh_labels().unwrap().then_some(())).count();
    assert_eq!((pieces(&house), delete(&house, 2026)), (0, 1));
    assert_eq!(shown(&house).as_deref(), Some("new"));
    assert!(house.store.refresh_labels().unwrap() && pieces(&house) >= 3, "three pages, and the end");
    assert_eq!(shown(&house).as_deref(), Some("old"));
    // What changes while it is looked at has another turn.
    house.store.add_stats(&client, &[stat(2026, &new)]).unwrap();
    assert_eq!((pieces(&house), delete(&house, 2026)), (0, 1));
    assert!(house.store.refresh_labels().unwrap());
    house.store.add_stats(&client, &[stat(2026, &new)]).unwrap();
    pieces(&house);
    assert_eq!(shown(&house).as_deref(), Some("new"), "nothing is lost that came meanwhile");
    pieces(&house);
    assert_eq!(shown(&house).as_deref(), Some("new"));
    let plan = |tx: &rusqlite::Transaction<'_>| {
        let mut statement = tx.prepare(&format!("EXPLAIN QUERY PLAN {}", super::relabel::page_text())).unwrap();
        let lines = statement.query_map([1; 5], |row| row.get::<_, String>(3)).unwrap();
        Ok(lines.map(Result::unwrap).collect::<Vec<_>>().join("; "))
    };
    let plan = house.store.read(plan).unwrap();
    assert!(plan.contains("stat#client#date#type (client=? AND date<?)") && !plan.contains("TEMP"), "{plan}");
}

/// Bug: a large deletion held the writer to its end.
#[test]
fn what_is_large_is_deleted_in_parts() {
    let house = House::new();
    let start = Date::new(2020, 1, 1).unwrap();
    let of = |number: i64, data| {
        let date = start.checked_add(jiff::Span::new().days(number)).unwrap();
        NewStat::new(None, anr(0), StatType::Threat, date, data)
    };
    let number = i64::try_from(3 * super::parts::ROWS + 1).unwrap();
    let batch: Vec<_> = (0..number).map(|number| of(number, "[]")).collect();
    let add = || drop(house.store.add_stats(&house.clients[0], &batch).unwrap());
    let writes = |work: &dyn Fn() -> usize| {
        let before = house.store.writes();
        (work(), house.store.writes() - before)
    };
    let number = usize::try_from(number).unwrap();
    add();
    assert_eq!(writes(&|| house.store.delete_stats(&Filter::default()).unwrap()), (number, 4));
    add();
    // The first of each month stays.
    let (gone, parts) = writes(&|| house.store.deduplicate_stats().unwrap());
    assert!(gone < number && gone > number * 9 / 10 && parts == 3, "{gone} in {parts} parts");
    add();
    // Its token is refused first, and the client goes last.
    assert_eq!(writes(&|| house.store.delete_client(&house.clients[0]).unwrap()), (number, 1 + 4 + 1));
    assert_eq!(house.store.check(&mut |_, _| {}).unwrap(), Vec::<String>::new());
}

/// Bug: all stats were looked at in one transaction, and what was found of all was held.
#[test]
fn repeats_are_looked_for_in_some_analyses_at_a_time() {
    let house = House::new();
    let each = distinct(super::parts::ROWS / 2);
    let of = |number, day: usize| {
        // The last two of each say the same.
        let data = each[day.min(each.len() - 2)].data;
        NewStat::new(None, anr(number), StatType::Threat, each[day].date, data)
    };
    let analysis = |number| (0..each.len()).map(|day| of(number, day)).collect::<Vec<_>>();
    let all: Vec<_> = (0..4).flat_map(analysis).collect();
    house.store.add_stats(&house.clients[0], &all).unwrap();
    let before = house.store.writes();
    assert_eq!(house.store.deduplicate_stats().unwrap(), 4);
    assert_eq!(house.store.writes() - before, 2, "two analyses a look");
    assert_eq!(house.store.deduplicate_stats().unwrap(), 0);
}

/// Bug: a list was broken off when anything was stored or replaced while it was read.
#[test]
fn a_list_is_of_what_was_there_when_it_began() {
    let mut house = House::new();
    let item = |anr, day, content| Item { uuid: None, anr, kind: StatType::Threat, day, content };
    house.act(&Action::Add(0, vec![item(0, 1, 0), item(0, 2, 0), item(0, 3, 0)]));
    let filter = Filter { kind: Some(StatType::Threat), ..Filter::default() };
    let read = |places: &[super::listing::StatPlace], bytes| {
        let mut found = Vec::new();
        let read = house.store.stats_at(places, bytes, &mut |stat| found.push((stat.date, stat.data.to_string())));
        read.map(|number| (number, found))
    };
    let mut places = Vec::new();
    let mut keep = |place| {
        places.push(place);
        Ok(())
    };
    let done = house.store.list(&filter, &Range::default(), 1, &mut keep, &mut |_| {}).unwrap();
    assert_eq!((places.len(), done), (3, Beginning { read: 1, is_all: false }));
    // One that is still to come is replaced, and others are stored before and after it.
    let batch = [item(0, 2, 1), item(1, 1, 1), item(1, 3, 1)].map(|item| new_stat(&item));
    house.store.add_stats(&house.clients[0], &batch).unwrap();
    let (number, found) = read(&places[1..], usize::MAX).unwrap();
    let data = contents(StatType::Threat);
    assert_eq!(number, 2);
    assert_eq!(found, [(date(2), data[1].to_owned()), (date(3), data[0].to_owned())]);
    // What is deleted before it was read is the one thing that cannot be shown.
    house.store.delete_stats(&Filter { from: Some(date(3)), ..filter.clone() }).unwrap();
    assert_eq!(read(&places[2..], 1).unwrap_err().kind, Kind::Conflict);
}

/// Bug: housekeeping waited for a moment in which nothing is written, which a busy service never has.
#[test]
fn housekeeping_has_its_turn_whatever_is_going_on() {
    let mut house = House::new();
    let item = |day, content| Item { uuid: None, anr: 0, kind: StatType::Vulnerability, day, content };
    house.act(&Action::Add(0, vec![item(1, 2)]));
    house.act(&Action::Purge(1));
    let House { store, clients, _directory, .. } = house;
    let store = std::sync::Arc::new(store);
    let look = std::time::Duration::from_millis(1);
    let objects = || {
        let text = "SELECT count(*) FROM object WHERE type = 3 AND key <> ''";
        store.read(|tx| Ok(tx.query_row(text, [], |row| row.get::<_, i64>(0))?)).unwrap()
    };
    assert!(objects() > 0);
    let intervals = super::housekeeping::Intervals { look, longest: look };
    let quiet = super::housekeeping::start(std::sync::Arc::clone(&store), intervals);
    // Between any two of its looks something is written.
    while objects() > 0 {
        store.add_stats(&clients[0], &[new_stat(&item(2, 0))]).unwrap();
    }
    drop(quiet);
}

/// Bug: who posted while its labels were looked through was the first to be looked at again, and nobody else ever was. And
/// where nothing was written after that, nobody looked again at all.
#[test]
fn who_posts_all_the_time_has_no_others_labels_wait() {
    let house = House::new();
    let stat = |day: i8, text| NewStat::new(None, anr(1), StatType::Threat, date(day), text);
    let [first, second] = [0, 1].map(|client| &house.clients[client]);
    let named = format!(r#"[{{"uuid":"{}","count":1,"maxRisk":1,"averageRate":1}}]"#, Uuid::from_u128(5));
    for client in [first, second] {
        house.store.add_stats(client, &[stat(1, &named), stat(2, "[]")]).unwrap();
    }
    let delete = |client: &Client, day: Option<Date>| {
        let filter = Filter { client: Some(client.id), from: day, to: day, ..Filter::default() };
        assert!(house.store.delete_stats(&filter).unwrap() > 0);
    };
    let queued = || {
        let text = "SELECT client FROM relabel ORDER BY number";
        let clients = |tx: &rusqlite::Transaction<'_>| {
            let mut statement = tx.prepare(text).unwrap();
            Ok(statement.query_map([], |row| row.get::<_, i64>(0)).unwrap().map(Result::unwrap).collect::<Vec<_>>())
        };
        house.store.read(clients).unwrap()
    };
    house.store.add_stats(first, &distinct(super::parts::ROWS)).unwrap();
    delete(first, Some(date(2)));
    delete(second, None);
    assert_eq!(queued(), [first.id, second.id]);
    assert!(house.store.refresh_labels().unwrap(), "there are more pages");
    house.store.add_stats(first, &[stat(3, "[]")]).unwrap();
    let before = house.store.writes();
    assert!(!house.store.refresh_labels().unwrap());
    assert_eq!(queued(), [second.id, first.id]);
    assert!(house.store.writes() > before, "housekeeping looks again, also if nothing else is written");
    assert!(house.store.refresh_labels().unwrap());
    assert_eq!(queued(), [first.id]);
}

/// Stats whose texts all differ: each has a payload of its own.
fn distinct(number: usize) -> Vec<NewStat<'static>> {
    let start = Date::new(2020, 1, 1).unwrap();
    let of = |number: usize| {
        let date = start.checked_add(jiff::Span::new().days(i64::try_from(number).unwrap())).unwrap();
        NewStat::new(None, anr(0), StatType::Threat, date, format!("[{}]", " ".repeat(number)).leak())
    };
    (0..number).map(of).collect()
}

/// The data of a stat of threats with these UUIDs.
fn threats(uuids: std::ops::Range<u128>) -> String {
    let threat = |n: u128| format!(r#"{{"uuid":"{}","count":1,"maxRisk":1,"averageRate":1}}"#, Uuid::from_u128(n));
    format!("[{}]", uuids.map(threat).collect::<Vec<_>>().join(","))
}

fn all_threats() -> Selection {
    let kind = StatType::Threat;
    Selection { kind, from: None, to: None, local_only: false, analyses: None, newest: None, object: None }
}

/// The order of objects by their keys, without that of what counts every stat.
fn by_key(keys: &HashMap<i64, String>) -> Vec<(i64, i64)> {
    let mut order: Vec<_> = keys.iter().filter(|(_, key)| !key.is_empty()).collect();
    order.sort_by_key(|(_, key)| key.as_str());
    order.into_iter().map(|(object, _)| (*object, *object)).collect()
}

/// Bug: every day of every object was held, so that one client's past decided what everybody's question took.
#[test]
fn no_more_entries_are_held_than_there_is_room_for() {
    let house = House::new();
    let data = threats(1..51);
    let stat = |day: i8| NewStat::new(None, anr(0), StatType::Threat, date(day), &data);
    house.store.add_stats(&house.clients[0], &[1, 2, 3, 4].map(stat)).unwrap();
    let selection = all_threats();
    let order: Order = |keys| keys.keys().map(|object| (*object, *object)).collect();
    let month = |day: Date| Ok(day.first_of_month());
    let ask = |(held, answered): (usize, usize), selection: &Selection, gather: Gather<'_>| {
        let (mut pieces, mut largest, mut found) = (0, 0, BTreeSet::new());
        let mut look = |rollup: &Rollup| {
            (pieces, largest) = (pieces + 1, largest.max(rollup.days.values().map(BTreeMap::len).sum()));
            found.extend(rollup.keys.values().cloned());
            Ok(())
        };
        let most = Most { held, answered, periods: usize::MAX };
        house.store.sums_within(most, selection, EVERYBODY, |sums| sums.by_object(gather, order, &mut look))?;
        crate::error::Result::Ok((pieces, largest, found))
    };
    let pieces = |most, gather: Gather<'_>| ask(most, &selection, gather).map(|found| (found.0, found.1)).unwrap();
    // Fifty objects and what counts every stat.
    assert_eq!(pieces((1000, 1000), &Ok), (1, 204));
    assert_eq!(pieces((51, 51), &month), (1, 51), "days are gathered as they are read");
    assert_eq!(pieces((51, 204), &Ok), (5, 48));
    assert_eq!(pieces((8, 204), &Ok), (26, 8));
    let one = Selection { object: Some(Uuid::from_u128(7).to_string()), ..selection.clone() };
    assert_eq!(ask((4, 4), &one, &Ok).unwrap(), (1, 4, BTreeSet::from([Uuid::from_u128(7).to_string()])));
}

/// Bug: of one client's objects there could be so many that the averages of everybody were refused.
#[test]
fn who_fills_an_answer_pushes_out_what_is_its_own() {
    let house = House::new();
    let (many, few) = (threats(1..101), threats(96..106));
    for (client, data) in [(0, &many), (1, &few)] {
        let stat = |day: i8| NewStat::new(None, anr(0), StatType::Threat, date(day), data);
        house.store.add_stats(&house.clients[client], &[1, 2, 3, 4].map(stat)).unwrap();
    }
    let all = all_threats();
    let ask = |selection: &Selection| {
        let mut found = Vec::new();
        let mut look = |rollup: &Rollup| {
            found.extend(rollup.order.iter().map(|(object, _)| rollup.keys[object].clone()));
            Ok(())
        };
        let most = Most { held: 16, answered: 80, periods: usize::MAX };
        house.store.sums_within(most, selection, EVERYBODY, |sums| sums.by_object(&Ok, by_key, &mut look))?;
        crate::error::Result::Ok(found)
    };
    // All that the smaller one has, and of the larger one what came first, in the order of all.
    let expected: Vec<_> = (1..=10).chain(96..106).map(|number| Uuid::from_u128(number).to_string()).collect();
    assert_eq!(ask(&all).unwrap(), expected);
    // Who names analyses can narrow that.
    let analyses = Some(Analyses { client: Some(house.clients[0].id), uuids: None });
    let refused = ask(&Selection { analyses, ..all }).unwrap_err();
    assert!(refused.kind == Kind::Invalid && refused.message.contains("fewer days"), "{refused}");
}

/// Bug: who gave a few objects on each day since 1970 pushed out those of everybody who had more.
#[test]
fn who_gives_many_days_pushes_out_what_is_its_own() {
    let house = House::new();
    let (long, short) = (threats(1..7), threats(11..21));
    for (client, data, first) in [(0, &long, 1), (1, &short, 17)] {
        let stat = |day: i8| NewStat::new(None, anr(0), StatType::Threat, date(day), data);
        house.store.add_stats(&house.clients[client], &(first..21).map(stat).collect::<Vec<_>>()).unwrap();
    }
    let all = all_threats();
    let ask = |periods: usize| {
        let (mut found, mut days) = (Vec::new(), BTreeSet::new());
        let mut look = |rollup: &Rollup| {
            let number = |(object, _): &(i64, i64)| Uuid::parse_str(&rollup.keys[object]).unwrap().as_u128();
            found.extend(rollup.order.iter().map(number));
            days.extend(rollup.days.keys().copied());
            Ok(())
        };
        let most = Most { held: 20, answered: 80, periods };
        house.store.sums_within(most, &all, EVERYBODY, |sums| sums.by_object(&Ok, by_key, &mut look)).unwrap();
        (found, days)
    };
    assert_eq!(ask(20).0, [1, 2].into_iter().chain(11..21).collect::<Vec<_>>());
    // Nor do they have the room of what others share with them: of the newest days there is all.
    let everything = (1..7).chain(11..21).collect::<Vec<_>>();
    assert_eq!(ask(4), (everything, (17..21).map(date).collect()));
}
