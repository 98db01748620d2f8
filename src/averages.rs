//! The processors: rolled-up rows in, averages out. Pure: no SQL, no HTTP, no clock.
//!
//! A new processor is one row of [`ALL`] and one function.

pub mod benchmark;
mod cartography;
mod compliance;
pub mod published;
mod rated;
pub mod release;
mod risks;
pub mod trends;

use crate::error::{Error, Result};
use crate::model::StatType;
use crate::model::shapes::{CATEGORIES, EVERY_STAT, STATES, Texts};
use crate::store::entries::{Entries, Entry};
use crate::store::sums::{Rollup, Sums};
use jiff::civil::Date;
use release::rounding::Band;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::Write;

/// A way of averaging stats of one type.
pub struct Processor {
    /// Its name in the API.
    pub name: &'static str,
    /// What it does, for people.
    pub description: &'static str,
    /// The types of stats it can be used with.
    pub kinds: &'static [StatType],
    /// Writes the JSON text of its answer.
    pub run: fn(&Sums<'_>, &Params, &mut dyn Write) -> Result<()>,
}

/// Every processor, in the order in which they are listed.
pub const ALL: &[Processor] = &[
    Processor {
        name: "risk_averages",
        description: "Mean number of low, medium and high risks per analysis over the whole range.",
        kinds: &[StatType::Risk],
        run: risks::averages,
    },
    Processor {
        name: "risk_averages_on_date",
        description: "Mean number of low, medium and high risks per analysis, date by date.",
        kinds: &[StatType::Risk],
        run: risks::averages_on_date,
    },
    Processor {
        name: "threat_average_on_date",
        description: "Mean occurrence, highest risk and probability of each threat, date by date and over the range.",
        kinds: &[StatType::Threat],
        run: rated::average_on_date,
    },
    Processor {
        name: "vulnerability_average_on_date",
        description: "Mean occurrence, highest risk and qualification of each vulnerability, date by date and over the range.",
        kinds: &[StatType::Vulnerability],
        run: rated::average_on_date,
    },
    Processor {
        name: "cartography_average",
        description: "Mean number of risks and mean share of an analysis's risks per cell of the impact and likelihood matrix.",
        kinds: &[StatType::Cartography],
        run: cartography::average,
    },
    Processor {
        name: "compliance_average",
        description: "Mean compliance, current and target, per referential and category, date by date and over the range.",
        kinds: &[StatType::Compliance],
        run: compliance::average,
    },
];

/// The processor of this name.
pub fn by_name(name: &str) -> Option<&'static Processor> {
    ALL.iter().find(|processor| processor.name == name)
}

/// What a processor can be asked beside its type.
#[derive(Clone, Debug, Default)]
pub struct Params {
    /// Kinds of risk to keep; all if empty.
    pub categories: Vec<&'static str>,
    /// States of risks to keep; all if empty.
    pub states: Vec<&'static str>,
    /// How long one value's period is. If given, each value also says how many stats it rests on.
    pub period: Option<Period>,
}

impl Params {
    /// The names among `choices` in a comma-separated text; the error names the one that is not.
    pub fn choose(names: &[String], choices: &[&'static str]) -> std::result::Result<Vec<&'static str>, String> {
        let each = names.iter().flat_map(|name| name.split(',')).map(str::trim);
        each.map(|name| {
            choices.iter().find(|choice| **choice == name).copied().ok_or_else(|| {
                format!("{:?} is not one of {}", crate::model::decimal::excerpt(name), choices.join(", "))
            })
        })
        .collect()
    }

    /// The first day of the period that a day is averaged in.
    fn start(&self, day: Date) -> Result<Date> {
        self.period.map_or(Ok(day), |period| period.start(day))
    }

    fn keeps(&self, state: &str, category: &str) -> bool {
        let among = |list: &[&str], name| list.is_empty() || list.contains(&name);
        among(&self.states, state) && among(&self.categories, category)
    }
}

/// A span of days that is averaged to one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// Every date by itself.
    Day,
    /// ISO weeks, from Monday on.
    Week,
    /// Calendar months.
    Month,
    /// Calendar quarters.
    Quarter,
    /// Calendar years.
    Year,
}

impl Period {
    /// Names in the API.
    pub const NAMES: [&'static str; 5] = ["day", "week", "month", "quarter", "year"];

    /// Its name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Quarter => "quarter",
            Self::Year => "year",
        }
    }

    /// The period of this name.
    pub fn parse(name: &str) -> std::result::Result<Self, String> {
        let all = [Self::Day, Self::Week, Self::Month, Self::Quarter, Self::Year];
        let found = Self::NAMES.iter().position(|known| *known == name).and_then(|index| all.get(index));
        found.copied().ok_or_else(|| {
            format!("{:?} is not one of {}", crate::model::decimal::excerpt(name), Self::NAMES.join(", "))
        })
    }

    /// The first day of the period that has this date in it.
    pub fn start(self, date: Date) -> Result<Date> {
        let start = match self {
            Self::Day => Ok(date),
            Self::Week => date.checked_sub(jiff::Span::new().days(i64::from(date.weekday().to_monday_zero_offset()))),
            Self::Month => Ok(date.first_of_month()),
            Self::Quarter => Date::new(date.year(), (date.month() - 1) / 3 * 3 + 1, 1),
            Self::Year => Ok(date.first_of_year()),
        };
        start.map_err(|error| Error::invalid("a date at the very beginning of the calendar").because(error))
    }
}

/// The entries of a period by their keys.
fn by_key<'a>(rollup: &'a Rollup, entries: &'a Entries) -> BTreeMap<&'a str, &'a Entry> {
    entries.iter().filter_map(|(object, entry)| Some((rollup.keys.get(object)?.as_str(), entry))).collect()
}

/// How many stats a period has.
fn stats(keyed: &BTreeMap<&str, &Entry>) -> i64 {
    keyed.get(EVERY_STAT).map_or(0, |entry| entry.stats)
}

/// One branch per state and kind of risk; those not asked for are left out.
#[derive(Serialize)]
struct Tree<T> {
    #[serde(skip_serializing_if = "Option::is_none")]
    current: Option<Branch<T>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    residual: Option<Branch<T>>,
}

#[derive(Serialize)]
struct Branch<T> {
    #[serde(skip_serializing_if = "Option::is_none")]
    informational: Option<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    operational: Option<T>,
}

impl<T> Tree<T> {
    fn new(params: &Params, mut leaf: impl FnMut(&str, &str) -> T) -> Self {
        let mut branch = |state: &str| {
            let mut one = |category: &str| params.keeps(state, category).then(|| leaf(state, category));
            let [informational, operational] = CATEGORIES;
            let found = Branch { informational: one(informational), operational: one(operational) };
            (found.informational.is_some() || found.operational.is_some()).then_some(found)
        };
        Self { current: branch(STATES[0]), residual: branch(STATES[1]) }
    }
}

/// What a number of a period rests on, where periods were asked for: so many stats, or in a release a band of contributors.
#[derive(Default, Serialize)]
struct Basis {
    #[serde(skip_serializing_if = "Option::is_none")]
    stats: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    band: Option<Band>,
}

impl Basis {
    fn stats(params: &Params, stats: i64) -> Self {
        Self { stats: params.period.map(|_| stats), band: None }
    }

    fn band(params: &Params, band: Band) -> Self {
        Self { stats: None, band: params.period.map(|_| band) }
    }
}

/// Texts in MONARC's four languages; one that is not known is empty, or null if it was sent as such.
#[derive(Clone, Debug, Default, PartialEq, Serialize, serde::Deserialize)]
pub struct Labels {
    label1: Option<String>,
    label2: Option<String>,
    label3: Option<String>,
    label4: Option<String>,
}

impl From<Texts> for Labels {
    fn from([label1, label2, label3, label4]: Texts) -> Self {
        Self { label1, label2, label3, label4 }
    }
}

impl From<[String; 4]> for Labels {
    fn from(texts: [String; 4]) -> Self {
        texts.map(Some).into()
    }
}

/// What an object is called; nothing if it is none.
fn labels(sums: &Sums<'_>, object: i64) -> Result<Labels> {
    Ok(if object == 0 { [const { String::new() }; 4].into() } else { sums.texts(object)?.into() })
}

fn json(answer: &(impl Serialize + ?Sized), out: &mut dyn Write) -> Result<()> {
    serde_json::to_writer(out, answer).map_err(unwritten)
}

fn unwritten(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(crate::error::Kind::Internal, "an answer could not be written").because(error)
}

/// A list that is written element by element, so that no more than one of them is held.
struct List<'a> {
    out: &'a mut dyn Write,
    has_elements: bool,
}

impl<'a> List<'a> {
    fn begin(out: &'a mut dyn Write) -> Result<Self> {
        out.write_all(b"[").map_err(unwritten)?;
        Ok(Self { out, has_elements: false })
    }

    /// Begins a list in the last field of a value, which has an empty one there.
    fn begin_in(value: &impl Serialize, out: &'a mut dyn Write) -> Result<Self> {
        let text = serde_json::to_string(value).map_err(unwritten)?;
        out.write_all(text.strip_suffix("]}").unwrap_or(&text).as_bytes()).map_err(unwritten)?;
        Ok(Self { out, has_elements: false })
    }

    fn push(&mut self, element: &impl Serialize) -> Result<()> {
        self.next()?;
        json(element, self.out)
    }

    /// Makes place for another element.
    fn next(&mut self) -> Result<()> {
        let comma: &[u8] = if std::mem::replace(&mut self.has_elements, true) { b"," } else { b"" };
        self.out.write_all(comma).map_err(unwritten)
    }

    fn end(self) -> Result<()> {
        self.out.write_all(b"]").map_err(unwritten)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::stat::NewStat;
    use crate::model::{Role, Token};
    use crate::store::Store;
    use crate::store::clients::NewClient;
    use crate::store::rollups::Selection;
    use crate::store::sums::{EVERYBODY, Most};
    use jiff::civil::date;
    use serde_json::{Value, json as value};

    #[test]
    fn periods_begin_where_calendars_say() {
        let day = date(2026, 11, 24);
        for (period, start) in [
            (Period::Day, day),
            (Period::Week, date(2026, 11, 23)),
            (Period::Month, date(2026, 11, 1)),
            (Period::Quarter, date(2026, 10, 1)),
            (Period::Year, date(2026, 1, 1)),
        ] {
            assert_eq!(period.start(day).unwrap(), start);
        }
        assert_eq!(Period::Week.start(date(2027, 1, 1)).unwrap(), date(2026, 12, 28));
    }

    #[test]
    fn choices_are_names_or_lists_of_them() {
        let choose =
            |names: &[&str]| Params::choose(&names.iter().map(ToString::to_string).collect::<Vec<_>>(), &CATEGORIES);
        assert_eq!(choose(&["operational"]), Ok(vec!["operational"]));
        assert_eq!(choose(&["informational, operational"]), Ok(vec!["informational", "operational"]));
        assert!(choose(&["informational,physical"]).is_err());
        assert!(choose(&[""]).is_err());
    }

    /// A store with four days of all types of stats.
    fn store(directory: &tempfile::TempDir) -> Store {
        let store = Store::open(&directory.path().join("stats.db")).unwrap();
        let token = Token::new("a-token-of-a-test").unwrap();
        let new = NewClient { uuid: None, name: "fo", token: &token, role: Role::User, is_sharing_enabled: false };
        let client = store.create_client(&new).unwrap();
        let sent: Vec<Value> = serde_json::from_str(include_str!("../tests/fixtures/front_office.json")).unwrap();
        let referential = |name: &str| {
            let side: Vec<Value> =
                (0..5).map(|n| value!({"label1": format!("{name} {n}"), "value": "0.5", "controls": []})).collect();
            value!({"referential": name, "label1": name, "current": side, "target": side})
        };
        let compliance = (StatType::Compliance, value!(["a", "b", "c"].map(referential)).to_string());
        let all =
            sent.iter().map(|one| (StatType::parse(one["type"].as_str().unwrap()).unwrap(), one["data"].to_string()));
        for (number, (kind, data)) in all.chain([compliance]).enumerate() {
            for day in 1..=4 {
                let anr = uuid::Uuid::from_u128(u128::try_from(number).unwrap());
                let stat = NewStat::new(None, anr, kind, date(2026, 10 + day % 2, day), &data);
                store.add_stats(&client, &[stat]).unwrap();
            }
        }
        store
    }

    #[test]
    fn answers_are_the_same_in_however_many_pieces_they_are_made() {
        let directory = tempfile::TempDir::new().unwrap();
        let store = store(&directory);
        for processor in ALL {
            for period in [None, Some(Period::Month)] {
                let params = Params { period, ..Params::default() };
                let kind = processor.kinds[0];
                let (from, to, analyses, newest, object) = (None, None, None, None, None);
                let selection = Selection { kind, from, to, local_only: false, analyses, newest, object };
                let answer = |held: usize| {
                    let (most, mut text) = (Most { held, answered: usize::MAX, periods: usize::MAX }, Vec::new());
                    let done = store
                        .sums_within(most, &selection, EVERYBODY, |sums| (processor.run)(sums, &params, &mut text));
                    done.map(|()| String::from_utf8(text).unwrap())
                };
                let whole = answer(usize::MAX).unwrap();
                serde_json::from_str::<Value>(&whole).unwrap();
                let pieces: Vec<String> = [4, 9, 13, 40].into_iter().filter_map(|most| answer(most).ok()).collect();
                // Those that have no list of objects need room for all there are on a day.
                let least = if processor.name.contains("threat") || kind == StatType::Compliance { 4 } else { 1 };
                assert!(pieces.len() >= least, "{}: {}", processor.name, pieces.len());
                assert!(pieces.iter().all(|text| *text == whole), "{}: {whole} {pieces:?}", processor.name);
            }
        }
    }
}
