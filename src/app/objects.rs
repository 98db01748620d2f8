//! Threats and vulnerabilities by themselves: all there is of one, and a line of each.

use super::answer::{Answer, message};
use super::arguments::{Arguments, as_text};
use super::compared::usual;
use super::computed::{unwritten, write_value};
use super::elements::Elements;
use super::processed::as_period;
use super::public::as_days;
use super::source::{Source, Window};
use super::{App, Request, nothing_here, released};
use crate::averages::{Labels, Params, Period};
use crate::error::Result;
use crate::model::decimal::excerpt;
use crate::model::{StatType, parse_uuid};
use jiff::civil::Date;
use serde_json::{Value, json as value};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

/// Types of stats that have objects.
pub const TYPES: [StatType; 2] = [StatType::Threat, StatType::Vulnerability];
/// What is known of an object, by the names of answers.
const MEASURES: [&str; 3] = ["count", "maxRisk", "averageRate"];

/// `GET /stats/objects/<uuid>.json`: the series of one object, and how it changed.
pub fn object(app: &App, request: Request<'_>) -> Answer {
    let mut arguments = Arguments::read(&request, &["days", "period"])?;
    let days = arguments.get("days", as_days).unwrap_or(365);
    let period = arguments.get("period", as_period).unwrap_or(Period::Month);
    arguments.finish()?;
    let name = request.name.strip_suffix(".json").ok_or_else(|| Box::new(nothing_here()))?;
    let uuid = parse_uuid(name).map_err(|reason| Box::new(message(400, &format!("{reason}."))))?;
    let source = Source::of(app, &request)?;
    if !source.has_object(uuid)? {
        return Err(Box::new(message(404, "No stat has this object.")));
    }
    let object = uuid.to_string();
    let question = format!("object {object} {period:?} {:?}", source.changes_hash()?);
    source.answer(request.head, (&question, Window::Days(days)), |out| {
        let params = Params { period: Some(period), ..Params::default() };
        let mut answer =
            value!({ "object": object, "type": null, "labels": Labels::default(), "values": [], "averages": null });
        let kind = TYPES.into_iter().find_map(|kind| {
            find(&source, kind, &params, Window::Days(days), &object)
                .map(|found| found.map(|found| (kind, found)))
                .transpose()
        });
        let kind = kind.transpose()?;
        if let Some((kind, found)) = kind {
            answer = found;
            answer["type"] = kind.name().into();
        }
        let changes = match source.is_live() {
            true => serde_json::to_value(source.changes()?.objects.remove(&object)).map_err(unwritten)?,
            false => released::changes(app, &object)?,
        };
        answer["changes"] = changes;
        write_value(&answer, out)
    })
}

/// An object in the answer of its type's processor.
fn find(source: &Source<'_>, kind: StatType, params: &Params, window: Window, object: &str) -> Result<Option<Value>> {
    let mut found = None;
    let mut elements = Elements::new(|element: Value| {
        if element["object"] == object {
            found = Some(element);
        }
        Ok(())
    });
    source.write((kind, usual(kind)?), params, (window, Some(object)), &mut elements)?;
    Ok(found)
}

/// `GET /stats/lines.json`: a measure of every object, month by month of a year, and nothing else.
pub fn lines(app: &App, request: Request<'_>) -> Answer {
    let mut arguments = Arguments::read(&request, &["type", "measure"])?;
    let kind = arguments.required("type", as_rated).unwrap_or(StatType::Threat);
    let measure = arguments.get("measure", as_measure).unwrap_or("averageRate");
    arguments.finish()?;
    let source = Source::of(app, &request)?;
    let question = format!("lines {} {measure}", kind.name());
    source.answer(request.head, (&question, Window::Days(365)), |out| {
        let params = Params { period: Some(Period::Month), ..Params::default() };
        let mut found: BTreeMap<String, Line> = BTreeMap::new();
        let mut elements = Elements::new(|mut element: Value| {
            let values = element["values"].as_array_mut().into_iter().flatten();
            let line = values.filter_map(|one| Some((text(&one["date"]).parse().ok()?, one[measure].take()))).collect();
            found.insert(text(&element["object"]), line);
            Ok(())
        });
        source.write((kind, usual(kind)?), &params, (Window::Days(365), None), &mut elements)?;
        write_lines((kind, measure), &found, out)
    })
}

/// The values of an object by date, in order.
type Line = Vec<(Date, Value)>;

/// Writes lines one after the other: there may be many.
fn write_lines((kind, measure): (StatType, &str), lines: &BTreeMap<String, Line>, out: &mut dyn Write) -> Result<()> {
    let dates: BTreeSet<Date> = lines.values().flatten().map(|(date, _)| *date).collect();
    let head = value!({ "type": kind.name(), "measure": measure, "dates": dates }).to_string();
    write!(out, r#"{},"objects":{{"#, head.trim_end_matches('}')).map_err(unwritten)?;
    for (number, (object, line)) in lines.iter().enumerate() {
        let on =
            |date: &Date| line.binary_search_by_key(date, |(date, _)| *date).ok().and_then(|place| line.get(place));
        let values: Vec<Option<&Value>> = dates.iter().map(|date| on(date).map(|(_, value)| value)).collect();
        let comma = if number > 0 { "," } else { "" };
        write!(out, "{comma}{}:{}", value!(object), value!(values)).map_err(unwritten)?;
    }
    out.write_all(b"}}").map_err(unwritten)
}

/// Of the averages of a window that others are compared with: what threats and vulnerabilities are called, and how they
/// came to it, is said where it is now.
pub fn means_alone(kind: StatType, averages: &mut Value) {
    if TYPES.contains(&kind) {
        averages.as_array_mut().into_iter().flatten().for_each(mean_alone);
    }
}

/// The same of one of them.
pub fn mean_alone(element: &mut Value) {
    if let Some(element) = element.as_object_mut() {
        element.retain(|name, _| name == "object" || name == "averages");
    }
}

/// A text of an answer.
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn as_rated(value: &Value) -> std::result::Result<StatType, String> {
    let kind = StatType::parse(&as_text(value)?)?;
    if TYPES.contains(&kind) { Ok(kind) } else { Err("only threat and vulnerability have lines".into()) }
}

fn as_measure(value: &Value) -> std::result::Result<&'static str, String> {
    let name = as_text(value)?;
    let known = MEASURES.into_iter().find(|known| *known == name);
    known.ok_or_else(|| format!("{:?} is not one of {}", excerpt(&name), MEASURES.join(", ")))
}
