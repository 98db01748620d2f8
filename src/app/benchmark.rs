//! One's own figures beside those of others: for a client with its token, for whoever has its view link.

use super::answer::Answer;
use super::arguments::{Arguments, as_text};
use super::names::Names;
use super::{App, Request, computed, own, released};
use crate::averages::Labels;
use crate::averages::benchmark::{Others, Own, Remote, Sums, TYPES, compare};
use crate::averages::release::DAYS;
use crate::averages::release::cells::{Places, Values};
use crate::error::{Error, Kind, Result};
use crate::model::date::today;
use crate::model::shapes::{category_of_key, referential_key};
use crate::model::{Client, StatType};
use crate::server::message::Response;
use crate::sharing::url_host;
use crate::store::releases::Contributor;
use serde_json::Value;
use std::io::Write;

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
            let remote = remote(app, kind)?;
            // What was fetched is part of the question: the answer's tag changes with it, and with nothing that others post.
            let about = remote.as_ref().map(|remote| (&remote.about, remote.values.len()));
            released::own(app, request.head, &format!("{question} {about:?}"), |week, out| {
                let own = Own::of_week(kind, week);
                let mut names = |key: &str| Ok(week.and_then(|week| week.texts(kind, key)).unwrap_or_default().into());
                compare(kind, &own, &Others::Nobody, remote.as_ref(), &mut names, out)
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
    let (mut sums, week);
    let others = match app.config.public_min_clients.is_live() {
        true => {
            sums = Sums::default();
            for other in app.store.others(client)? {
                sums.add(reader.read(&other)?.0);
            }
            Others::Live(&sums)
        }
        false => {
            week = released::newest(app)?;
            Others::Released(week.as_ref())
        }
    };
    let names = Names::of(app, Some(client.id));
    let mut names = |key: &str| texts(&names, kind, key);
    compare(kind, &own, &others, remote(app, kind)?.as_ref(), &mut names, out)
}

/// Writes the figures of all analyses together, where everything is live.
fn write_here(app: &App, kind: StatType, out: &mut dyn Write) -> Result<()> {
    let (mut reader, mut sums) = (Reader::new(app, kind), Sums::default());
    for analysis in app.store.analyses()? {
        sums.add(reader.read(&analysis)?.0);
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
}

impl<'a> Reader<'a> {
    fn new(app: &'a App, kind: StatType) -> Self {
        Self { app, kind, places: Places::new(kind) }
    }

    /// The values, and of how many analyses they are the mean.
    fn read(&mut self, contributor: &Contributor) -> Result<(Values, usize)> {
        let known = |object| !self.places.lacks(object);
        let (stats, keys) = self.app.store.last_stats(contributor, self.kind, &[today()], DAYS, &known)?;
        keys.iter().for_each(|(object, key)| self.places.learn(*object, key));
        let stats = stats.into_iter().next().unwrap_or_default();
        Ok((self.places.values(stats.iter().map(AsRef::as_ref)), stats.len()))
    }
}
