//! The rows of the tables, made of what processors write, and the lines of the file (RFC 4180).

use super::Ask;
use super::charts::Of;
use crate::app::App;
use crate::app::compared::usual;
use crate::app::computed::unwritten;
use crate::app::elements::Elements;
use crate::app::source::Source;
use crate::app::{public, trends};
use crate::averages::release::moved::{NAMES, SINCE};
use crate::averages::{self, Params, Period};
use crate::error::{Error, Kind, Result};
use crate::model::StatType;
use serde::Deserialize;
use serde_json::{Value, json as value};
use std::collections::BTreeMap;
use std::io::{self, Write};

/// Takes a row.
type Sink<'a> = &'a mut dyn FnMut(Vec<Value>) -> Result<()>;

/// Writes a line.
pub fn line(out: &mut dyn Write, cells: &[Value]) -> Result<()> {
    let cells: Vec<String> = cells.iter().map(cell).collect();
    write!(out, "{}\r\n", cells.join(",")).map_err(unwritten)
}

/// A cell. A text that a spreadsheet would take for a formula becomes plain text.
fn cell(value: &Value) -> String {
    let Value::String(text) = value else { return if value.is_null() { String::new() } else { value.to_string() } };
    let begins = ['=', '+', '-', '@', '＝', '＋', '－', '＠', '\t', '\r', '\n'];
    let text = if text.starts_with(begins) { format!("'{text}") } else { text.clone() };
    match text.contains(['"', ',', ';', '\t', '\r', '\n']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text,
    }
}

/// Gives all rows of what is asked for away.
pub fn write(app: &App, source: &Source<'_>, ask: &Ask, sink: Sink<'_>) -> Result<()> {
    match ask.chart.of {
        Of::Rated(kind) => rated(source, ask, kind, sink),
        Of::Risks => risks(source, ask, sink),
        Of::Cartography => cartography(source, ask, sink),
        Of::Compliance => compliance(source, ask, sink),
        Of::Trends => trends(app, source, ask, sink),
        Of::Map => public::places(app)?.into_iter().try_for_each(|place| {
            let counts = ["max_threat", "max_vulnerability"].map(|name| place[name][0].clone());
            let [threat, vulnerability] = counts;
            sink(vec![place["latitude"].clone(), place["longitude"].clone(), threat, vulnerability])
        }),
    }
}

/// The longest period where nothing is over time, so that values say what they rest on.
fn params(ask: &Ask) -> Params {
    Params { period: ask.period.or(Some(Period::Year)), ..Params::default() }
}

/// Runs the usual processor of a type whose answer is a list, element by element.
fn each(source: &Source<'_>, ask: &Ask, kind: StatType, mut take: impl FnMut(Value) -> Result<()>) -> Result<()> {
    let mut failure = None;
    let only = ask.object.map(|object| object.to_string());
    let mut elements = Elements::new(|element| {
        take(element).map_err(|error| {
            failure = Some(error);
            io::Error::other("a row could not be written")
        })
    });
    let done = source.write((kind, usual(kind)?), &params(ask), (ask.window, only.as_deref()), &mut elements);
    drop(elements);
    failure.map_or(done, Err)
}

/// The four names of something.
fn names(labels: &Value) -> impl Iterator<Item = Value> + use<'_> {
    ["label1", "label2", "label3", "label4"].into_iter().map(|name| labels[name].clone())
}

/// How many stats are behind some values together, and the band of the newest.
fn basis(values: &Value) -> [Value; 2] {
    let values = values.as_array().map(Vec::as_slice).unwrap_or_default();
    let stats: Option<i64> = values.iter().map(|one| one["stats"].as_i64()).sum();
    let band = values.last().map(|one| one["band"].clone());
    [stats.filter(|_| !values.is_empty()).map_or(Value::Null, Value::from), band.unwrap_or_default()]
}

fn rated(source: &Source<'_>, ask: &Ask, kind: StatType, sink: Sink<'_>) -> Result<()> {
    // Anybody may ask for any number of objects that there are not.
    if let Some(object) = ask.object
        && !source.ever_had(object)?
    {
        return Ok(());
    }
    let only = ask.object.map(|object| object.to_string());
    each(source, ask, kind, |one| {
        if only.as_ref().is_some_and(|wanted| one["object"] != **wanted) {
            return Ok(());
        }
        let measures = |of: &Value| ["count", "maxRisk", "averageRate"].map(|name| of[name].clone());
        let named = || std::iter::once(one["object"].clone()).chain(names(&one["labels"]));
        if !ask.chart.is_over_time {
            return sink(named().chain(measures(&one["averages"])).chain(basis(&one["values"])).collect());
        }
        let values = one["values"].as_array().map(Vec::as_slice).unwrap_or_default();
        values.iter().try_for_each(|value| {
            let rest = [value["stats"].clone(), value["band"].clone()];
            sink(std::iter::once(value["date"].clone()).chain(named()).chain(measures(value)).chain(rest).collect())
        })
    })
}

fn compliance(source: &Source<'_>, ask: &Ask, sink: Sink<'_>) -> Result<()> {
    let sides = |of: &Value| {
        let gap = of["target"].as_f64().zip(of["current"].as_f64()).map(|(target, current)| {
            // What two decimals of numbers below 10 differ by has no more digits.
            value!(((target - current) * 1e12).round() / 1e12)
        });
        [of["current"].clone(), of["target"].clone(), gap.unwrap_or_default()]
    };
    each(source, ask, StatType::Compliance, |one| {
        let categories = one["categories"].as_array().map(Vec::as_slice).unwrap_or_default();
        categories.iter().try_for_each(|category| {
            let of = std::iter::once(one["referential"].clone()).chain(names(&one["labels"]));
            let named: Vec<Value> = of.chain(names(&category["labels"])).collect();
            if !ask.chart.is_over_time {
                let row = named.into_iter().chain(sides(&category["averages"])).chain(basis(&category["values"]));
                return sink(row.collect());
            }
            let values = category["values"].as_array().map(Vec::as_slice).unwrap_or_default();
            values.iter().try_for_each(|value| {
                let rest = [value["stats"].clone(), value["band"].clone()];
                let row = std::iter::once(value["date"].clone()).chain(named.iter().cloned());
                sink(row.chain(sides(value)).chain(rest).collect())
            })
        })
    })
}

/// By state, kind of risk, and level.
type Tree<T> = BTreeMap<String, BTreeMap<String, BTreeMap<String, T>>>;

#[derive(Deserialize)]
struct OnDate {
    date: Value,
    value: Value,
    #[serde(default)]
    stats: Value,
    #[serde(default)]
    band: Value,
}

/// What a processor of this name writes.
fn parsed<T: serde::de::DeserializeOwned>(source: &Source<'_>, ask: &Ask, kind: StatType, name: &str) -> Result<T> {
    let processor = averages::by_name(name).ok_or_else(|| Error::new(Kind::Internal, "no such processor"))?;
    let mut text = Vec::new();
    source.write((kind, processor), &params(ask), (ask.window, None), &mut text)?;
    serde_json::from_slice(&text).map_err(unwritten)
}

/// The short name of a level, such as `high`.
fn short(level: &str) -> Value {
    level.split(' ').next().unwrap_or_default().to_lowercase().into()
}

fn risks(source: &Source<'_>, ask: &Ask, sink: Sink<'_>) -> Result<()> {
    let tree: Tree<Vec<OnDate>> = parsed(source, ask, StatType::Risk, "risk_averages_on_date")?;
    let means: Tree<Value> = match ask.chart.is_over_time {
        true => Tree::new(),
        false => parsed(source, ask, StatType::Risk, "risk_averages")?,
    };
    for (state, kinds) in &tree {
        for (kind, level, values) in
            kinds.iter().flat_map(|(kind, of)| of.iter().map(move |(level, v)| (kind, level, v)))
        {
            let key = [value!(state), value!(kind), short(level)];
            if !ask.chart.is_over_time {
                let stats: Option<i64> = values.iter().map(|one| one.stats.as_i64()).sum();
                let band = values.last().map(|one| one.band.clone()).unwrap_or_default();
                let rest = [means[state][kind][level].clone(), stats.map_or(Value::Null, Value::from), band];
                if !values.is_empty() {
                    sink(key.into_iter().chain(rest).collect())?;
                }
                continue;
            }
            for one in values {
                let rest = [one.value.clone(), one.stats.clone(), one.band.clone()];
                sink(std::iter::once(one.date.clone()).chain(key.clone()).chain(rest).collect())?;
            }
        }
    }
    Ok(())
}

fn cartography(source: &Source<'_>, ask: &Ask, sink: Sink<'_>) -> Result<()> {
    let answer: Value = parsed(source, ask, StatType::Cartography, "cartography_average")?;
    let states = answer["averages"].as_object();
    for (state, kind, cells) in states.into_iter().flatten().flat_map(|(state, kinds)| {
        kinds.as_object().into_iter().flatten().map(move |(kind, cells)| (state, kind, cells))
    }) {
        for cell in cells.as_array().into_iter().flatten() {
            let likelihood = cell.get("likelihood").or(cell.get("probability")).cloned().unwrap_or_default();
            let rest = [cell["count"].clone(), cell["share"].clone()];
            sink([value!(state), value!(kind), cell["impact"].clone(), likelihood].into_iter().chain(rest).collect())?;
        }
    }
    Ok(())
}

fn trends(app: &App, source: &Source<'_>, ask: &Ask, sink: Sink<'_>) -> Result<()> {
    let Some(moved) = ask.moved else { return Ok(()) };
    let answer = trends::value(app, source, moved)?;
    for period in NAMES.into_iter().chain([SINCE]) {
        let since = &answer[period]["since"];
        for (kind, lists) in answer[period]["types"].as_object().into_iter().flatten() {
            for what in ["moved", "new", "gone"] {
                for one in lists[what].as_array().into_iter().flatten() {
                    let head = [value!(period), since.clone(), value!(kind), value!(what), one["object"].clone()];
                    let after = one.get("after").or(one.get("value")).cloned().unwrap_or_default();
                    let numbers = ["change", "slope", "rose", "fell", "analyses", "band", "trend"];
                    let row = head.into_iter().chain(names(&one["labels"])).chain([one["measure"].clone()]);
                    let row = row.chain([one["before"].clone(), after]).chain(numbers.map(|name| one[name].clone()));
                    sink(row.collect())?;
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_its_cells_are_and_nothing_else() {
        let mut text = Vec::new();
        line(&mut text, &[value!("=1+1"), value!("a \"b\", c"), Value::Null, value!(1.5), value!(true), value!("-2")])
            .unwrap();
        assert_eq!(String::from_utf8(text).unwrap(), "'=1+1,\"a \"\"b\"\", c\",,1.5,true,'-2\r\n");
    }
}
