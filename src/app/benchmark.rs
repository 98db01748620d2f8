//! One's own figures beside those of others: for a client with its token, for whoever has its view link.

use super::answer::Answer;
use super::arguments::{Arguments, as_text};
use super::changes::MOST;
use super::computed::unwritten;
use super::names::Names;
use super::pieces::{self, Pieces};
use super::{App, Request, computed, own, released};
use crate::averages::Labels;
use crate::averages::benchmark::{Others, Own, Remote, Sums, TYPES, compare};
use crate::averages::release::DAYS;
use crate::averages::release::cells::{Places, Values};
use crate::error::{Error, Kind, Result};
use crate::model::date::today;
use crate::model::shapes::{VALUES, category_of_key, referential_key};
use crate::model::{Client, StatType};
use crate::server::message::Response;
use crate::sharing::url_host;
use crate::store::releases::Contributor;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};
use std::io::Write;
use std::rc::Rc;

/// `GET /api/v1/benchmark`
pub fn of_client(app: &App, request: Request<'_>) -> Answer {
    let kind = kind(&request)?;
    let client = request.caller.as_ref().ok_or_else(|| Error::new(Kind::Internal, "a benchmark of nobody"))?;
    let question = format!("benchmark of {} {} on {}", client.id, kind.name(), today());
    computed::private(app, request.head, &question, |out| write(app, kind, client, out))
}

/// `GET /stats/benchmark.json`: of a view link the same, else the whole instance beside another one.
pub fn shown(app: &App, request: Request<'_>) -> Answer {
    let kind = kind(&request)?;
    let question = format!("benchmark {}", kind.name());
    if let Some(client) = request.own() {
        return own::answer(app, request.head, client, &question, |out| write(app, kind, client, out));
    }
    match app.config.public_min_clients.is_live() {
        true => computed::public(app, request.head, &question, |out| write_here(app, kind, out)),
        false => {
            // What was fetched is part of the question: the answer's tag changes with it, and with nothing that others post.
            let fetched = app.store.from_afar_at(kind)?;
            released::own(app, request.head, &format!("{question} {fetched:?}"), |week, out| {
                let own = Own::of_week(kind, week);
                let mut names = |key: &str| Ok(week.and_then(|week| week.texts(kind, key)).unwrap_or_default().into());
                compare(kind, &own, &Others::Nobody, remote(app, kind)?.as_ref(), &mut names, out)
            })
        }
    }
}

fn kind(request: &Request<'_>) -> std::result::Result<StatType, Box<Response>> {
    let mut arguments = Arguments::read(request, &["type"])?;
    let kind = arguments.required("type", as_kind).unwrap_or(StatType::Risk);
    arguments.finish()?;
    Ok(kind)
}

fn as_kind(value: &Value) -> std::result::Result<StatType, String> {
    let kind = StatType::parse(&as_text(value)?)?;
    let names = || TYPES.map(StatType::name).join(", ");
    if TYPES.contains(&kind) { Ok(kind) } else { Err(format!("{} is not one of {}", kind.name(), names())) }
}

/// Writes a client's figures beside those of others.
fn write(app: &App, kind: StatType, client: &Client, out: &mut dyn Write) -> Result<()> {
    let mut reader = Reader::new(app, kind);
    let contributor = app.store.contributor(client)?;
    let (values, analyses) = reader.read(&contributor)?;
    let own = Own { values, analyses: Some(analyses), week: None };
    let others = match app.config.public_min_clients.is_live() {
        true => Others::Live(others(app, kind, client, &own)?),
        false => Others::Released(released::newest(app)?),
    };
    let names = Names::of(app, Some(client.id));
    let mut names = |key: &str| texts(&names, kind, key);
    compare(kind, &own, &others, remote(app, kind)?.as_ref(), &mut names, out)
}

/// The sums of all organisations but a client's own, of what it has itself. What each of them has is looked up once for all
/// clients, and nobody holds more of it than one organisation's.
fn others(app: &App, kind: StatType, client: &Client, own: &Own) -> Result<Sums> {
    let question = format!("organisations by {} on {}", kind.name(), today());
    let work = |out: &mut dyn Write| write_organisations(app, kind, out);
    let part = app.answers.part(&app.spools, app.store.version()?, &question, work)?;
    let (mut sums, objects) = (Sums::default(), own.values.keys().map(|(object, _)| Rc::clone(object)));
    let objects: BTreeSet<Rc<str>> = objects.collect();
    pieces::others(&part, &client.id, &mut |piece| {
        let all: Vec<Object<'_>> = serde_json::from_slice(piece).map_err(unwritten)?;
        let common = all.iter().filter_map(|Object(key, parts)| Some((objects.get(&**key)?, parts)));
        let cells = common.flat_map(|(key, parts)| {
            parts.iter().enumerate().filter_map(move |(measure, part)| Some(((Rc::clone(key), measure), (*part)?)))
        });
        sums.add(cells, !all.is_empty());
        Ok(())
    })?;
    Ok(sums)
}

/// What an organisation has of an object: its key, and by measure the part of its scale.
#[derive(Serialize, Deserialize)]
struct Object<'a>(#[serde(borrow)] Cow<'a, str>, [Option<f64>; VALUES]);

/// What there is of each object, once: of a thousand organisations most is of objects that somebody who asks does not have.
fn objects(values: &Values) -> Vec<Object<'_>> {
    let mut all: Vec<Object<'_>> = Vec::new();
    for ((key, measure), part) in values {
        if all.last().is_none_or(|Object(last, _)| *last != **key) {
            all.push(Object(Cow::Borrowed(key), [None; VALUES]));
        }
        if let Some(place) = all.last_mut().and_then(|Object(_, parts)| parts.get_mut(*measure)) {
            *place = Some(*part);
        }
    }
    all
}

/// Writes what each organisation has.
fn write_organisations(app: &App, kind: StatType, out: &mut dyn Write) -> Result<()> {
    let (mut reader, mut pieces) = (Reader::new(app, kind), Pieces::new(out));
    for organisation in app.store.organisations()? {
        let (values, _) = reader.read(&organisation)?;
        pieces.push(organisation.clients, &serde_json::to_vec(&objects(&values)).map_err(unwritten)?)?;
    }
    pieces.finish(&())
}

/// Writes the figures of all analyses together, where everything is live.
fn write_here(app: &App, kind: StatType, out: &mut dyn Write) -> Result<()> {
    let (mut reader, mut sums) = (Reader::new(app, kind).within(MOST)?, Sums::default());
    for analysis in app.store.analyses()? {
        let (values, _) = reader.read(&analysis)?;
        let has_any = !values.is_empty();
        sums.add(values, has_any);
    }
    let names = Names::of(app, None);
    let mut names = |key: &str| texts(&names, kind, key);
    compare(kind, &sums.into_own(), &Others::Nobody, remote(app, kind)?.as_ref(), &mut names, out)
}

/// What another instance publishes, if that was fetched.
fn remote(app: &App, kind: StatType) -> Result<Option<Remote>> {
    let found = app.store.from_afar(kind)?;
    Ok(found.map(|found| Remote::new(url_host(&found.url), found.date, found.figures)))
}

/// What an object is called; of a category what its referential is.
fn texts(names: &Names<'_>, kind: StatType, key: &str) -> Result<Labels> {
    let of_referential = category_of_key(key).filter(|_| kind == StatType::Compliance);
    let key = of_referential.map_or_else(|| key.to_owned(), |(referential, _)| referential_key(&referential));
    Ok(names.texts(kind, &key)?.into())
}

/// Reads what contributors have now: of each analysis the last stat of four weeks, as for releases.
struct Reader<'a> {
    app: &'a App,
    kind: StatType,
    places: Places,
    /// Where not all objects are told those that are, and of them the keys that are known by now.
    told: Option<(HashSet<i64>, HashSet<String>)>,
}

impl<'a> Reader<'a> {
    fn new(app: &'a App, kind: StatType) -> Self {
        Self { app, kind, places: Places::new(kind), told: None }
    }

    /// Tells so many objects at most; they are parts of what there is all the same.
    fn within(mut self, most: usize) -> Result<Self> {
        self.told = self.app.store.foremost_objects(self.kind, None, most)?.map(|objects| (objects, HashSet::new()));
        Ok(self)
    }

    /// The values, and of how many analyses they are the mean.
    fn read(&mut self, contributor: &Contributor) -> Result<(Values, usize)> {
        let known = |object| !self.places.lacks(object);
        let (stats, keys) = self.app.store.last_stats(contributor, self.kind, &[today()], DAYS, &known)?;
        for (object, key) in keys {
            self.places.learn(object, &key);
            if let Some((objects, told)) = &mut self.told
                && objects.contains(&object)
            {
                told.insert(key);
            }
        }
        let stats = stats.into_iter().next().unwrap_or_default();
        let mut values = self.places.values(stats.iter().map(AsRef::as_ref));
        if let Some((_, told)) = &self.told {
            values.retain(|(key, _), _| told.contains(&**key));
        }
        Ok((values, stats.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Raw};
    use crate::model::stat::NewStat;
    use crate::model::{Role, Token};
    use crate::store::Store;
    use crate::store::clients::NewClient;
    use std::sync::Arc;

    /// Bug: each client that asked after a change had the newest stats of all analyses looked up.
    #[test]
    fn the_others_are_looked_up_once_for_all_who_ask() {
        let directory = tempfile::TempDir::new().unwrap();
        let path = directory.path().join("stats.db");
        let (raw, _) = Raw::take(["--store", path.to_str().unwrap()].map(str::to_owned).into()).unwrap();
        let store = Arc::new(Store::open(&path).unwrap());
        let app = App::new(Config::new(&raw).unwrap(), Arc::clone(&store), Arc::default());
        let clients: Vec<Client> = (1..=7)
            .map(|number: u128| {
                let name = format!("client-{number}");
                let token = Token::new(&format!("{name}-token-of-a-test")).unwrap();
                let new =
                    NewClient { uuid: None, name: &name, token: &token, role: Role::User, is_sharing_enabled: false };
                let client = store.create_client(&new).unwrap();
                let data = format!(
                    r#"[{{"uuid":"{}","count":1,"maxRisk":{number},"averageRate":1}}]"#,
                    uuid::Uuid::from_u128(1)
                );
                let anr = uuid::Uuid::from_u128(number);
                store.add_stats(&client, &[NewStat::new(None, anr, StatType::Threat, today(), &data)]).unwrap();
                client
            })
            .collect();
        let others = |client: &Client| {
            let mut text = Vec::new();
            write(&app, StatType::Threat, client, &mut text).unwrap();
            let answer: Value = serde_json::from_slice(&text).unwrap();
            answer["objects"][0]["figures"][1]["others"].as_f64().unwrap()
        };
        let before = store.looks_for_last_stats().unwrap();
        assert_eq!(
            clients.iter().map(others).collect::<Vec<_>>(),
            [4.5, 13.0 / 3.0, 25.0 / 6.0, 4.0, 23.0 / 6.0, 11.0 / 3.0, 3.5].map(|mean| (mean * 1e9_f64).round() / 1e9)
        );
        // Each its own, and once all seven.
        assert_eq!(store.looks_for_last_stats().unwrap() - before, 14);
    }
}
