//! What moved since a month, a quarter and a year, or since a day of one's own: where everything is live, of one client, or
//! as it was published.

use super::answer::Answer;
use super::arguments::{Arguments, as_date, as_text};
use super::computed::{SLOW, write_value};
use super::released::{Published, Weeks, read};
use super::source::{Source, Window};
use super::{App, Request};
use crate::averages::published::{Lean, Week};
use crate::averages::release::HORIZONS;
use crate::averages::release::moved::{self, End, MAX_ENTRIES, NAMES, SINCE, TYPES};
use crate::error::Result;
use crate::model::date::{to_number, today};
use crate::model::decimal::excerpt;
use jiff::Span;
use jiff::civil::Date;
use serde_json::{Map, Value, json as value};

/// Since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// A month, a quarter and a year ago.
    Each,
    /// One of them, by its place in [`NAMES`].
    Horizon(usize),
    /// A day of one's own.
    Day(Date),
}

impl Since {
    fn horizons(self) -> impl Iterator<Item = (usize, &'static str)> {
        let is_asked = move |horizon| self == Self::Each || self == Self::Horizon(horizon);
        NAMES.into_iter().enumerate().filter(move |(horizon, _)| is_asked(*horizon))
    }
}

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Ask {
    pub since: Since,
    /// Only what rose, or only what fell.
    rose: Option<bool>,
}

impl Ask {
    /// The names of its arguments.
    pub const ARGUMENTS: [&str; 3] = ["period", "since", "direction"];

    /// What moved since then.
    pub fn since(since: Since) -> Self {
        Self { since, rose: None }
    }

    /// Reads them, and notes what is wrong with them.
    pub fn read(arguments: &mut Arguments) -> Self {
        let horizon = arguments.get("period", as_horizon).map(Since::Horizon);
        let day = arguments.get("since", as_past_day).map(Since::Day);
        if horizon.is_some() && day.is_some() {
            arguments.refuse("since", "give either since or period");
        }
        let rose = arguments.get("direction", as_direction);
        Self { since: day.or(horizon).unwrap_or(Since::Each), rose }
    }

    /// The question that it is. Days of one's own are of a kind of their own: they push out nothing that others wait for, and
    /// keep nobody waiting.
    pub fn question(&self) -> String {
        let kind = if matches!(self.since, Since::Day(_)) { SLOW } else { "trends" };
        format!("{kind} {self:?}")
    }

    /// What it is since, as arguments and files name it.
    pub fn since_name(&self) -> Option<String> {
        match self.since {
            Since::Each => None,
            Since::Horizon(horizon) => NAMES.get(horizon).map(|name| (*name).to_owned()),
            Since::Day(day) => Some(day.to_string()),
        }
    }

    /// The arguments that ask for the same.
    pub fn arguments(&self) -> impl Iterator<Item = String> + use<> {
        let argument = if matches!(self.since, Since::Day(_)) { SINCE } else { "period" };
        let since = self.since_name().map(|name| format!("{argument}={name}"));
        let direction = self.rose.map(|rose| format!("direction={}", DIRECTIONS[usize::from(!rose)]));
        since.into_iter().chain(direction)
    }
}

/// Names of the directions.
const DIRECTIONS: [&str; 2] = ["rose", "fell"];

fn as_horizon(value: &Value) -> std::result::Result<usize, String> {
    one_of(&NAMES, value)
}

fn as_direction(value: &Value) -> std::result::Result<bool, String> {
    one_of(&DIRECTIONS, value).map(|place| place == 0)
}

/// The place of a name among those that there are.
fn one_of(known: &[&str], value: &Value) -> std::result::Result<usize, String> {
    let name = as_text(value)?;
    let place = known.iter().position(|known| *known == name);
    place.ok_or_else(|| format!("{:?} is not one of {}", excerpt(&name), known.join(", ")))
}

/// A day of which there may have been stats, and which is over.
fn as_past_day(value: &Value) -> std::result::Result<Date, String> {
    let day = as_date(value)?;
    let is_past = to_number(day) >= 0 && day < today();
    is_past.then_some(day).ok_or_else(|| format!("{day} is not a day from 1970-01-01 to yesterday"))
}

/// `GET /stats/trends.json`
pub fn trends(app: &App, request: Request<'_>) -> Answer {
    let mut arguments = Arguments::read(&request, &Ask::ARGUMENTS)?;
    let ask = Ask::read(&mut arguments);
    arguments.finish()?;
    let source = Source::of(app, &request)?;
    let question = format!("{} {:?}", ask.question(), source.changes_hash()?);
    source.answer(request.head, (&question, Window::Now), |out| write_value(&value(app, &source, ask)?, out))
}

/// The first and the last day between which things moved; nothing where nothing is known.
pub fn days(app: &App, source: &Source<'_>, since: Since) -> Result<Option<(Date, Date)>> {
    if !source.is_live() {
        let published = Published::of(app)?;
        let newest = published.dates(Weeks::Newest).pop();
        let first = ends(&published, newest, since)?.into_iter().filter_map(|(_, end)| Some(end?.since)).min();
        return Ok(first.zip(newest));
    }
    if let Since::Day(day) = since {
        return Ok(Some((day, today())));
    }
    let newest = source.changes()?.date;
    let first = newest.zip(since.horizons().last()).map(|(newest, (horizon, _))| moved::since(newest, horizon));
    Ok(first.transpose()?.zip(newest))
}

/// The same as a value.
pub fn value(app: &App, source: &Source<'_>, ask: Ask) -> Result<Value> {
    let mut answer = if source.is_live() { live(source, ask.since)? } else { released(app, ask.since)? };
    keep(&mut answer, ask.rose);
    Ok(answer)
}

/// Keeps of what moved what rose or what fell, if one of them is asked for, and no more than an answer has.
fn keep(answer: &mut Value, rose: Option<bool>) {
    for name in NAMES.into_iter().chain([SINCE]) {
        let types = answer.get_mut(name).and_then(|since| since["types"].as_object_mut());
        for moved in types.into_iter().flat_map(Map::values_mut).filter_map(|lists| lists["moved"].as_array_mut()) {
            let is_asked = |change: f64| rose.is_none_or(|rose| (change > 0.0) == rose);
            moved.retain(|one| one["change"].as_f64().is_some_and(is_asked));
            moved.truncate(MAX_ENTRIES);
        }
    }
}

/// What moved where everything is live: since the horizons as it was computed, or since a day as it is now.
fn live(source: &Source<'_>, since: Since) -> Result<Value> {
    let (live, days) = match since {
        Since::Day(day) => (source.changes_since(day)?, vec![(SINCE, Some(day))]),
        _ => {
            let live = source.changes()?;
            let day = |(horizon, name)| Ok((name, live.date.map(|date| moved::since(date, horizon)).transpose()?));
            let days = since.horizons().map(day).collect::<Result<_>>()?;
            (live, days)
        }
    };
    let mut answer = value!({ "mode": "live", "newest": live.date });
    for (name, day) in days {
        answer[name] = value!({ "since": day, "high": live.high.get(name), "types": live.moved.get(name) });
    }
    Ok(answer)
}

/// What moved as it was published.
fn released(app: &App, since: Since) -> Result<Value> {
    let published = Published::of(app)?;
    let newest = published.newest(app)?;
    let ends = ends(&published, newest.as_ref().map(|week| week.date), since)?;
    let weeks = weeks(app, &published, &ends)?;
    let mut answer = value!({
        "mode": "releases",
        "newest": newest.as_ref().map(|week| week.date),
        "band": newest.as_ref().and_then(Week::band),
        "high": weeks.last().map(moved::released_now).unwrap_or_default(),
    });
    for (name, end) in ends {
        let found = newest.as_ref().zip(end);
        let types = found.map(|(newest, end)| moved::released(newest, &weeks, end)).unwrap_or_default();
        let high = found.map(|(newest, end)| moved::released_high(newest, &weeks, end)).unwrap_or_default();
        answer[name] = value!({ "since": end.map(|end| end.since), "high": high, "types": types });
        if matches!(since, Since::Day(_)) {
            answer[name]["matched"] = end.is_some_and(|end| end.horizon.is_some()).into();
        }
    }
    Ok(answer)
}

/// The other ends by name. A day of one's own stands for the newest published week that was over by then; where that is
/// as far back as a horizon, its matched changes were published.
fn ends(published: &Published, newest: Option<Date>, since: Since) -> Result<Vec<(&'static str, Option<End>)>> {
    if let Since::Day(day) = since {
        let found = newest.zip(published.dates(Weeks::Inside(None, Some(day))).pop());
        let end = found.map(|(newest, since)| {
            let days = to_number(newest) - to_number(since);
            End { since, horizon: HORIZONS.iter().position(|weeks| 7 * weeks == days) }
        });
        return Ok(vec![(SINCE, end)]);
    }
    let end = |horizon| -> Result<Option<End>> {
        let since = newest.map(|newest| moved::since(newest, horizon)).transpose()?;
        Ok(since.map(|since| End { since, horizon: Some(horizon) }))
    };
    since.horizons().map(|(horizon, name)| Ok((name, end(horizon)?))).collect()
}

/// What is needed of the weeks from the earliest end to the newest, which is always there: of a difference only these two.
fn weeks(app: &App, published: &Published, ends: &[(&str, Option<End>)]) -> Result<Vec<Lean>> {
    let ends = || ends.iter().filter_map(|(_, end)| *end);
    let mut dates = match ends().map(|end| end.since).min() {
        Some(first) => published.dates(Weeks::Inside(Some(first.saturating_sub(Span::new().days(6))), None)),
        None => published.dates(Weeks::Newest),
    };
    if dates.len() > 2 && ends().all(|end| end.horizon.is_none()) {
        dates.drain(1..dates.len() - 1);
    }
    read(app, &dates, &TYPES)
}
