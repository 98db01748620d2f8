//! The averages of a window of days beside those of the same window earlier: what is so now, and what has changed.

use super::answer::Answer;
use super::arguments::{Arguments, as_text};
use super::computed::{self, unwritten};
use super::elements::Elements;
use super::names::Names;
use super::objects::{TYPES as RATED, mean_alone};
use super::public::as_days;
use super::source::NOW;
use super::{App, Request, own, released};
use crate::averages::{self, Params, Period, Processor};
use crate::error::{Error, Kind, Result};
use crate::model::date::today;
use crate::model::{Client, StatType};
use crate::store::compared::Basis;
use crate::store::rollups::Selection;
use jiff::Span;
use jiff::civil::Date;
use serde_json::json as value;
use std::io::Write;

/// The first and the last day of a window.
type Window = (Date, Date);

/// `GET /stats/compared.json`
pub fn compared(app: &App, request: Request<'_>) -> Answer {
    let mut arguments = Arguments::read(&request, &["type", "days"])?;
    let kind = arguments.required("type", |value| StatType::parse(&as_text(value)?)).unwrap_or(StatType::Risk);
    let days = arguments.get("days", as_days);
    arguments.finish()?;
    let question = format!("compared {} {days:?}", kind.name());
    if let Some(client) = request.own() {
        return own::answer(app, request.head, client, &question, |out| write(app, kind, days, Some(client), out));
    }
    if !app.config.public_min_clients.is_live() {
        return released::compared(app, request.head, kind, usual(kind)?, days);
    }
    computed::public(app, request.head, &question, |out| write(app, kind, days, None, out))
}

/// Writes the answer over everybody's stats, or over one client's.
fn write(app: &App, kind: StatType, days: Option<i64>, of: Option<&Client>, out: &mut dyn Write) -> Result<()> {
    let newest = match of {
        Some(client) => app.store.newest_days_of(kind, NOW, client)?,
        None => app.store.newest_days(kind, NOW)?,
    };
    let (windows, names) = (windows(&newest, days), Names::of(app, of.map(|client| client.id)));
    let mut windows = windows.into_iter();
    write!(out, r#"{{"type":"{}","now":"#, kind.name()).map_err(unwritten)?;
    match windows.next() {
        Some(now) => write_window(&names, (kind, of), now, out)?,
        None => out.write_all(b"null").map_err(unwritten)?,
    }
    out.write_all(br#","earlier":["#).map_err(unwritten)?;
    for (number, window) in windows.enumerate() {
        out.write_all(if number > 0 { b"," } else { b"" }).map_err(unwritten)?;
        write_window(&names, (kind, of), window, out)?;
    }
    out.write_all(b"]").map_err(unwritten)?;
    if RATED.contains(&kind) {
        let Basis { analyses, objects } = app.store.basis(kind, of)?;
        write!(out, r#","analyses":{analyses},"objects":{}"#, value!(objects)).map_err(unwritten)?;
    }
    out.write_all(b"}").map_err(unwritten)
}

/// The window that is asked for first, then those to compare it with, each by how long before it lies.
fn windows(newest: &[Date], days: Option<i64>) -> Vec<(&'static str, Window)> {
    let (Some(last), Some(first)) = (newest.first(), newest.last()) else { return Vec::new() };
    let Some(days) = days else {
        let now = (*first, *last);
        return gathered(now, [("3_months", Span::new().months(3)), ("12_months", Span::new().months(12))]);
    };
    let Ok(first) = today().checked_sub(Span::new().days(days - 1)) else { return vec![("now", (Date::MIN, today()))] };
    let year = Span::new().months(12);
    gathered((first, today()), [("period", Span::new().days(days)), ("12_months", year)])
}

fn gathered(now: Window, spans: [(&'static str, Span); 2]) -> Vec<(&'static str, Window)> {
    let before =
        |(ago, span): (&'static str, Span)| Some((ago, (now.0.checked_sub(span).ok()?, now.1.checked_sub(span).ok()?)));
    std::iter::once(("now", now)).chain(spans.into_iter().filter_map(before)).collect()
}

/// Writes the averages of a window, null if it has no stats: as they are computed, since there may be many.
fn write_window(
    names: &Names<'_>,
    (kind, of): (StatType, Option<&Client>),
    (ago, (from, to)): (&str, Window),
    out: &mut dyn Write,
) -> Result<()> {
    let selection = match of {
        Some(client) => own::selection(kind, client, (Some(from), Some(to))),
        None => {
            let (from, to) = (Some(from), Some(to));
            Selection { kind, from, to, local_only: false, analyses: None, newest: None, object: None }
        }
    };
    let processor = usual(kind)?;
    // The longest period, so that each value also says how many stats it rests on.
    let params = Params { period: Some(Period::Year), ..Params::default() };
    write!(out, r#"{{"ago":"{ago}","from":"{from}","to":"{to}","averages":"#).map_err(unwritten)?;
    names.sums(&selection, |sums| match (sums.is_empty()?, ago == "now" || !RATED.contains(&kind)) {
        (true, _) => out.write_all(b"null").map_err(unwritten),
        (false, true) => (processor.run)(sums, &params, out),
        (false, false) => write_means(out, |elements| (processor.run)(sums, &params, elements)),
    })?;
    out.write_all(b"}").map_err(unwritten)
}

/// Writes of the objects that `run` writes their means alone.
fn write_means(out: &mut dyn Write, run: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
    let mut comma = "[";
    run(&mut Elements::new(|mut element| {
        mean_alone(&mut element);
        write!(out, "{}{element}", std::mem::replace(&mut comma, ","))
    }))?;
    out.write_all(if comma == "[" { b"[]" } else { b"]" }).map_err(unwritten)
}

/// The processor that answers where none is named.
pub fn usual(kind: StatType) -> Result<&'static Processor> {
    let name = match kind {
        StatType::Risk => "risk_averages",
        StatType::Threat => "threat_average_on_date",
        StatType::Vulnerability => "vulnerability_average_on_date",
        StatType::Cartography => "cartography_average",
        StatType::Compliance => "compliance_average",
    };
    averages::by_name(name).ok_or_else(|| Error::new(Kind::Internal, "a type without a processor"))
}
