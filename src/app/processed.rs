//! Averages over all clients.

use super::answer::{Answer, error, json};
use super::arguments::{Arguments, as_bool, as_date, as_text, as_texts, as_uuids};
use super::names::Names;
use super::released::{self, Weeks};
use super::{App, Request, computed};
use crate::averages::{self, Params, Period, Processor};
use crate::error::{Error, Kind};
use crate::model::shapes::{CATEGORIES, STATES};
use crate::model::{Role, StatType};
use crate::server::message::Response;
use crate::store::rollups::{Analyses, Selection};
use serde_json::{Map, Value, json as value};
use std::io;

/// `GET /api/v1/stats/processed/list`
pub fn list(_: &App, _: Request<'_>) -> Answer {
    let entry = |processor: &Processor| value!({ "name": processor.name, "description": processor.description });
    Ok(json(200, Value::Array(averages::ALL.iter().map(entry).collect()).to_string()))
}

/// `GET /api/v1/stats/processed/`
pub fn run(app: &App, request: Request<'_>) -> Answer {
    let known = ["type", "processor", "processor_params", "anrs", "date_from", "date_to", "local_stats_only", "period"];
    let mut arguments = Arguments::read(&request, &known)?;
    let kind = arguments.required("type", |value| StatType::parse(&as_text(value)?));
    let processor = arguments.required("processor", as_processor);
    let mut params = arguments.get("processor_params", as_params).unwrap_or_default();
    params.period = arguments.get("period", as_period).or(params.period);
    let uuids = arguments.get("anrs", as_uuids).flatten();
    let from = arguments.get("date_from", as_date);
    let to = arguments.get("date_to", as_date);
    let local_only = arguments.get("local_stats_only", as_bool).unwrap_or(false);
    arguments.finish()?;
    let (Some(kind), Some(processor)) = (kind, processor) else { unreachable_arguments()? };
    check_kind(processor, kind)?;
    let caller = request.caller.as_ref();
    let client = caller.filter(|caller| caller.role != Role::Admin).map(|caller| caller.id);
    if uuids.is_none() && client.is_some() && !app.config.public_min_clients.is_live() {
        return released::processed(app, request.head, (kind, processor), &params, Weeks::Inside(from, to));
    }
    // Who asks is part of the question: averages show a caller its own labels.
    let asker = caller.map(|caller| caller.id);
    let question =
        format!("{asker:?} {} {} {params:?} {uuids:?} {from:?} {to:?} {local_only}", kind.name(), processor.name);
    let analyses = uuids.map(|uuids| Analyses { client, uuids: Some(uuids) });
    computed::private(app, request.head, &question, |out| {
        let selection = Selection { kind, from, to, local_only, analyses, newest: None, object: None };
        write!(out, r#"{{"type": "{}", "processor": "{}", "data": "#, kind.name(), processor.name)
            .map_err(unwritten)?;
        Names::of(app, asker).sums(&selection, |sums| match sums.is_empty()? {
            true => out.write_all(b"[]").map_err(unwritten),
            false => (processor.run)(sums, &params, out),
        })?;
        out.write_all(b"}").map_err(unwritten)
    })
}

fn unwritten(error: io::Error) -> Error {
    Error::new(Kind::Internal, "an answer could not be written").because(error)
}

/// Required arguments that are missing have been refused before.
fn unreachable_arguments<T>() -> Result<T, Box<Response>> {
    Err(Box::new(error(400, "The arguments type and processor are required.")))
}

/// A processor by its name.
pub fn as_processor(value: &Value) -> Result<&'static Processor, String> {
    let name = as_text(value)?;
    averages::by_name(&name).ok_or_else(|| {
        let names: Vec<&str> = averages::ALL.iter().map(|processor| processor.name).collect();
        format!("{:?} is no processor: choose one of {}", crate::model::decimal::excerpt(&name), names.join(", "))
    })
}

/// The answer to a processor that is used with another type of stats than its own.
pub fn check_kind(processor: &Processor, kind: StatType) -> Result<(), Box<Response>> {
    if processor.kinds.contains(&kind) {
        return Ok(());
    }
    let text = format!("Processor '{}' can not be used with type '{}'.", processor.name, kind.name());
    Err(Box::new(error(400, &text)))
}

/// The name of a period.
pub fn as_period(value: &Value) -> Result<Period, String> {
    Period::parse(&as_text(value)?)
}

/// An object of parameters, also as JSON text; an empty list, as PHP writes an empty object, means none.
fn as_params(value: &Value) -> Result<Params, String> {
    let given = match value {
        Value::Object(given) => given.clone(),
        Value::Array(list) if list.is_empty() => Map::new(),
        Value::String(text) => match serde_json::from_str(text) {
            Ok(Value::Object(given)) => given,
            Ok(Value::Array(list)) if list.is_empty() => Map::new(),
            Ok(Value::Null) => Map::new(),
            _ => return Err("it is not JSON text of an object".into()),
        },
        _ => return Err("it is not an object".into()),
    };
    let choose = |name: &str, choices: &[&'static str]| match given.get(name) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(_)) => as_texts(&given[name]).and_then(|names| Params::choose(&names, choices)),
        Some(value) => as_text(value).and_then(|text| Params::choose(&[text], choices)),
    };
    let named = |name: &str, choices| choose(name, choices).map_err(|reason| format!("{name}: {reason}"));
    let period = match given.get("period") {
        None | Some(Value::Null) => None,
        Some(value) => Some(as_period(value).map_err(|reason| format!("period: {reason}"))?),
    };
    Ok(Params { categories: named("risks_type", &CATEGORIES)?, states: named("risks_state", &STATES)?, period })
}
