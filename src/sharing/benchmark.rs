//! What another instance publishes for everybody, fetched without a token: figures to stand beside one's own.
//!
//! Works against this program, live or with releases, and against the reference implementation, whose `averages` are no
//! means: the `values` of the newest date are used of all. What comes back is somebody else's: it is bounded in size and
//! time, no redirect is followed, and nothing of it is kept but numbers of objects.

use crate::averages::benchmark::measures;
use crate::averages::release::cells::Values;
use crate::config::Proxies;
use crate::error::{Error, Kind, Result};
use crate::model::shapes::{CATEGORIES, LEVELS, MAX_OBJECTS, STATES, category_key, risk_key};
use crate::model::text::counted;
use crate::model::{StatType, date, parse_uuid};
use crate::outbound::{HttpClient, Request, Response};
use crate::store::Store;
use crate::store::benchmark::FromAfar;
use jiff::ToSpan;
use jiff::civil::Date;
use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, de::DeserializeOwned};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How long one answer may take, to its last byte.
const LONGEST: Duration = Duration::from_secs(20);
/// Bytes of the largest answer that is read: a year of daily figures of a central instance is 2 MB.
const LARGEST: u64 = 8 << 20;
/// Days that are asked for: a release is up to nine days old, and a week may be missing.
const DAYS: u32 = 30;
/// Bytes of the longest key of an object that is kept.
const LONGEST_KEY: usize = 2000;

/// What is asked for each type.
const QUESTIONS: [(StatType, &str); 4] = [
    (StatType::Threat, "threats.json?"),
    (StatType::Vulnerability, "vulnerabilities.json?"),
    (StatType::Risk, "risks.json?processor=risk_averages_on_date&"),
    (StatType::Compliance, "compliance.json?"),
];

/// What became of it.
#[derive(Debug, Default)]
pub struct Fetched {
    /// What is kept now.
    pub kept: Vec<FromAfar>,
    /// Why the other types are not, a sentence each.
    pub missing: Vec<String>,
}

impl Fetched {
    /// What is kept, a line for each type.
    pub fn told(&self) -> Vec<String> {
        let line = |one: &FromAfar| {
            let mut objects: Vec<&str> = one.figures.iter().map(|(object, ..)| object.as_str()).collect();
            objects.dedup();
            let (kind, objects, week) =
                (one.kind.name(), counted(objects.len(), "object"), one.date.iso_week_date().week());
            format!("{kind}: {objects} of {}, the newest date of week {week}, from {}", one.date, url_host(&one.url))
        };
        self.kept.iter().map(line).collect()
    }
}

/// Fetches what an instance publishes and keeps it. A type that it does not have is left out.
///
/// # Errors
/// `Unavailable` if there is nothing of any type, and those of the store.
pub fn fetch(store: &Store, url: &str, proxies: &Proxies) -> Result<Fetched> {
    let web = HttpClient::unnamed(url, proxies, LONGEST, LARGEST)?;
    let (mut fetched, mut missing, start) = (Fetched::default(), Vec::new(), Instant::now());
    for (kind, question) in QUESTIONS {
        // Whoever is slow is not asked for each type.
        if start.elapsed() >= LONGEST {
            break;
        }
        match of_kind(&web, url, kind, question) {
            Ok(found) => fetched.kept.push(found),
            Err(error) => missing.push((kind, error.chain())),
        }
    }
    fetched.missing = missing.iter().map(|(kind, why)| format!("{}: {why}", kind.name())).collect();
    if fetched.kept.is_empty() {
        // What keeps all of them away is said once.
        missing.dedup_by(|one, other| one.1 == other.1);
        let why = match missing.as_slice() {
            [(_, why)] => why.clone(),
            _ => fetched.missing.join("; "),
        };
        let text = format!("nothing to compare with came from {}: {why}", url_host(url));
        return Err(Error::new(Kind::Unavailable, text));
    }
    store.keep_from_afar(url, &fetched.kept)?;
    Ok(fetched)
}

/// The name of an instance, for people: its host and port, without what may be secret in its address.
pub fn url_host(url: &str) -> &str {
    let authority = url.split_once("://").map_or(url, |(_, rest)| rest).split('/').next().unwrap_or_default();
    authority.rsplit('@').next().unwrap_or(authority)
}

fn of_kind(web: &HttpClient, url: &str, kind: StatType, question: &str) -> Result<FromAfar> {
    let address = format!("{url}/stats/{question}days={DAYS}");
    let request = Request { method: "GET", url: &address, token: None, body: None };
    let response = web.ask(&request).map_err(|error| match error.too_large {
        true => Error::new(Kind::Unavailable, format!("its answer is larger than {} MB", LARGEST >> 20)),
        false => error.error,
    })?;
    let (newest, values) = parsed(kind, &read(&response)?)?;
    let url = url.to_owned();
    let figures = values.into_iter().map(|((object, measure), part)| (object.to_string(), measure, part)).collect();
    Ok(FromAfar { kind, url, date: newest, figures })
}

/// The body of a good answer.
fn read(response: &Response) -> Result<String> {
    let unusable = |text: String| Err(Error::new(Kind::Unavailable, text));
    match response.status {
        200 => {}
        300..=399 => {
            let place = crate::model::decimal::excerpt(response.location.as_deref().unwrap_or("another address"));
            return unusable(format!("it redirects to {place}, which is not followed: name the right address"));
        }
        status => return unusable(format!("it answered {status}")),
    }
    match std::str::from_utf8(&response.body) {
        Ok(text) => Ok(text.to_owned()),
        Err(_) => unusable("its answer is no text".into()),
    }
}

/// The newest date of an answer, and what it has of it.
///
/// # Errors
/// `Unavailable` if it is not what a stats service publishes, or has nothing.
fn parsed(kind: StatType, text: &str) -> Result<(Date, Values)> {
    let points = match kind {
        StatType::Threat | StatType::Vulnerability => rated(from_text(text)?),
        StatType::Risk => levels(&from_text(text)?),
        StatType::Compliance => categories(from_text(text)?),
        StatType::Cartography => Vec::new(),
    };
    // A clock far ahead, or somebody's joke, would stay the newest for ever.
    let last = date::today().saturating_add(2.days());
    let Some(newest) = points.iter().map(|point| point.date).filter(|date| *date <= last).max() else {
        return Err(Error::new(Kind::Unavailable, "it has no figures of these days"));
    };
    let points = points.into_iter().filter(|point| point.date == newest && point.key.len() <= LONGEST_KEY);
    Ok((newest, parts(kind, points.take(MAX_OBJECTS).collect())))
}

fn from_text<T: DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text)
        .map_err(|error| Error::new(Kind::Unavailable, "it does not answer as a stats service").because(error))
}

/// An object's numbers on a date.
struct Point {
    date: Date,
    key: String,
    /// Of shares the numbers that they are made of.
    numbers: [Option<f64>; 3],
    /// What a share is a part of.
    of: String,
}

/// Parts of scales: shares of the sums of what they are part of, other measures of the ends of their scales.
fn parts(kind: StatType, points: Vec<Point>) -> Values {
    let mut sums: BTreeMap<String, f64> = BTreeMap::new();
    for point in &points {
        *sums.entry(point.of.clone()).or_default() += point.numbers[0].unwrap_or_default();
    }
    let mut values = Values::new();
    for point in points {
        let sum = sums.get(&point.of).copied().unwrap_or_default();
        for (measure, (name, range)) in measures(kind).iter().enumerate() {
            let range = if *name == "share" { sum } else { *range };
            if let Some(number) = point.numbers[measure].filter(|_| range > 0.0) {
                values.insert((point.key.as_str().into(), measure), (number / range).clamp(0.0, 1.0));
            }
        }
    }
    values
}

/// A number, also as a text; anything else, and what no scale has, is none.
#[derive(Default)]
struct Number(Option<f64>);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            Number(f64),
            Text(String),
            Nothing(()),
        }
        let number = match Either::deserialize(deserializer)? {
            Either::Number(number) => Some(number),
            Either::Text(text) => text.trim().parse().ok(),
            Either::Nothing(()) => None,
        };
        Ok(Self(number.filter(|number: &f64| number.is_finite() && *number >= 0.0)))
    }
}

/// A date, also one with a time behind it.
struct Day(Date);

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        date::parse_loose(&text).map(Self).map_err(D::Error::custom)
    }
}

#[derive(Deserialize)]
struct Rated {
    object: String,
    #[serde(default)]
    values: Vec<RatedOnDate>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RatedOnDate {
    date: Day,
    #[serde(default)]
    count: Number,
    #[serde(default)]
    max_risk: Number,
    #[serde(default)]
    average_rate: Number,
}

fn rated(all: Vec<Rated>) -> Vec<Point> {
    let mut points = Vec::new();
    for Rated { object, values } in all {
        let Ok(uuid) = parse_uuid(&object) else { continue };
        let point = |one: RatedOnDate| Point {
            date: one.date.0,
            key: uuid.to_string(),
            numbers: [one.count.0, one.max_risk.0, one.average_rate.0],
            of: String::new(),
        };
        points.extend(values.into_iter().map(point));
    }
    points
}

#[derive(Deserialize)]
struct LevelOnDate {
    date: Day,
    #[serde(default)]
    value: Number,
}

type Tree = BTreeMap<String, BTreeMap<String, BTreeMap<String, Vec<LevelOnDate>>>>;

fn levels(tree: &Tree) -> Vec<Point> {
    let mut points = Vec::new();
    for (state, category) in STATES.iter().flat_map(|state| CATEGORIES.map(|category| (*state, category))) {
        let Some(found) = tree.get(state).and_then(|tree| tree.get(category)) else { continue };
        for level in LEVELS {
            let key = risk_key(state, category, level);
            let of = format!("{state} {category}");
            let point = |one: &LevelOnDate| Point {
                date: one.date.0,
                key: key.clone(),
                numbers: [one.value.0, None, None],
                of: of.clone(),
            };
            points.extend(found.get(level).into_iter().flatten().map(point));
        }
    }
    points
}

#[derive(Deserialize)]
struct Referential {
    referential: String,
    #[serde(default)]
    categories: Vec<Category>,
}

#[derive(Deserialize)]
struct Category {
    labels: Labels,
    #[serde(default)]
    values: Vec<SidesOnDate>,
}

#[derive(Deserialize)]
struct Labels {
    label1: Option<String>,
    label2: Option<String>,
    label3: Option<String>,
    label4: Option<String>,
}

#[derive(Deserialize)]
struct SidesOnDate {
    date: Day,
    #[serde(default)]
    current: Number,
    #[serde(default)]
    target: Number,
}

fn categories(all: Vec<Referential>) -> Vec<Point> {
    let mut points = Vec::new();
    for Referential { referential, categories } in all {
        for Category { labels, values } in categories {
            let texts = [labels.label1, labels.label2, labels.label3, labels.label4].map(Option::unwrap_or_default);
            let key = category_key(&referential, &texts);
            let point = |one: SidesOnDate| Point {
                date: one.date.0,
                key: key.clone(),
                numbers: [one.current.0, one.target.0, None],
                of: String::new(),
            };
            points.extend(values.into_iter().map(point));
        }
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_is_called_by_its_host() {
        for (url, wanted) in [
            ("https://dashboard.monarc.lu", "dashboard.monarc.lu"),
            ("http://user:secret@stats.example.org:8080/path", "stats.example.org:8080"),
            ("http://[::1]:5005", "[::1]:5005"),
        ] {
            assert_eq!(url_host(url), wanted);
        }
    }
}
