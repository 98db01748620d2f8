//! What charts show, as files for programs: a table with stable English columns, and beside it what they mean.

mod charts;
mod rows;

use super::answer::Answer;
use super::arguments::{Arguments, as_text};
use super::computed::write_value;
use super::processed::as_period;
use super::public::as_days;
use super::source::{Source, Window};
use super::trends;
use super::{App, Request, nothing_here};
use crate::averages::Period;
use crate::error::Result;
use crate::model::parse_uuid;
use charts::{CHARTS, Chart, Of};
use serde_json::{Value, json as value};
use uuid::Uuid;

/// What is asked for.
struct Ask {
    chart: &'static Chart,
    window: Window,
    period: Option<Period>,
    /// What is asked of what moved.
    moved: Option<trends::Ask>,
    /// The only object.
    object: Option<Uuid>,
    /// The number of days, if one was given.
    days: Option<i64>,
}

/// Whether there is a chart of this name.
pub fn is_chart(name: &str) -> bool {
    CHARTS.iter().any(|chart| chart.name == name)
}

impl Ask {
    fn read(app: &App, request: &Request<'_>) -> std::result::Result<Self, Box<crate::server::message::Response>> {
        let chart = CHARTS.iter().find(|chart| chart.name == request.name).ok_or_else(|| Box::new(nothing_here()))?;
        if chart.of == Of::Map && (!app.config.shows_map() || request.view.is_some()) {
            return Err(Box::new(nothing_here()));
        }
        let mut arguments = Arguments::read(request, chart.arguments())?;
        let days = arguments.get("days", as_days);
        let moved = (chart.of == Of::Trends).then(|| trends::Ask::read(&mut arguments));
        let period = if moved.is_some() { None } else { arguments.get("period", as_period) };
        let object = arguments.get("object", |value| parse_uuid(&as_text(value)?));
        arguments.finish()?;
        let usual = if chart.is_over_time { Window::Days(365) } else { Window::Now };
        Ok(Self {
            chart,
            window: days.map_or(usual, Window::Days),
            period: chart.is_over_time.then(|| period.unwrap_or(Period::Month)),
            moved,
            object,
            days,
        })
    }

    fn question(&self, what: &str, source: &Source<'_>) -> Result<String> {
        let Self { chart, period, moved, object, .. } = self;
        Ok(match moved {
            Some(moved) => format!("{} {what} {:?}", moved.question(), source.changes_hash()?),
            None => format!("{what} {} {period:?} {object:?}", chart.name),
        })
    }

    /// The address of the table, written anew: as many ways to write it as there are, they are one.
    fn address(&self) -> String {
        let days = self.days.map(|days| format!("days={days}"));
        let period = self.period.map(|period| format!("period={}", period.name()));
        let object = self.object.as_ref().map(|object| format!("object={object}"));
        let moved = self.moved.iter().flat_map(trends::Ask::arguments);
        let query: Vec<String> = [days, period, object].into_iter().flatten().chain(moved).collect();
        if query.is_empty() { "data.csv".into() } else { format!("data.csv?{}", query.join("&")) }
    }

    /// The period of one value, or since when something moved, as arguments name it.
    fn period_name(&self) -> Option<String> {
        let moved = self.moved.and_then(|moved| moved.since_name());
        moved.or_else(|| self.period.map(|period| period.name().to_owned()))
    }
}

/// `GET /data/{chart}/data.csv`
pub fn table(app: &App, request: Request<'_>) -> Answer {
    let ask = Ask::read(app, &request)?;
    let source = Source::of(app, &request)?;
    let mut answer = source.answer(request.head, (&ask.question("table", &source)?, ask.window), |out| {
        rows::line(out, &ask.chart.columns().map(|column| value!(column.name)).collect::<Vec<_>>())?;
        rows::write(app, &source, &ask, &mut |row| rows::line(out, &row))
    })?;
    answer.headers.retain(|(name, _)| *name != "Content-Type");
    let period = ask.period_name().map(|name| format!("-{name}")).unwrap_or_default();
    let name = format!("inline; filename=\"monarc-{}{period}.csv\"", ask.chart.name);
    Ok(answer.with("Content-Type", "text/csv; charset=utf-8; header=present").with("Content-Disposition", name))
}

/// An object without those of these members that are null: they say nothing about what it is of.
fn without_nothing(mut object: Value, names: &[&str]) -> Value {
    if let Value::Object(members) = &mut object {
        members.retain(|name, value| !(value.is_null() && names.contains(&name.as_str())));
    }
    object
}

/// `GET /data/{chart}/metadata.json`: unit, period, basis or band, licence.
pub fn metadata(app: &App, request: Request<'_>) -> Answer {
    let ask = Ask::read(app, &request)?;
    let source = Source::of(app, &request)?;
    let question = format!("{} {}", ask.question("metadata", &source)?, ask.address());
    source.answer(request.head, (&question, ask.window), |out| {
        let days = match (ask.moved, ask.chart.kind()) {
            (Some(moved), _) => trends::days(app, &source, moved.since)?,
            (None, Some(kind)) => source.days(kind, ask.window)?,
            (None, None) => None,
        };
        let columns = ask.chart.columns().map(|column| {
            let mut told = value!({ "name": column.name, "datatype": column.datatype, "unit": column.unit });
            told["description"] = column.description.into();
            without_nothing(told, &["unit"])
        });
        let mut answer = value!({
            "title": ask.chart.title,
            "url": ask.address(),
            "source": app.config.instance_url,
            "licence": app.config.data_licence,
            "mode": if source.is_live() { "live" } else { "releases" },
            "from": days.map(|(from, _)| from),
            "to": days.map(|(_, to)| to),
            "period": ask.period_name(),
            "columns": columns.collect::<Vec<_>>(),
        });
        answer = without_nothing(answer, &["from", "to", "period"]);
        if source.is_live() {
            let summary = source.summary()?;
            answer["basis"] =
                value!({ "clients": summary.clients, "analyses": summary.analyses, "stats": summary.stats });
        } else {
            answer["band"] = value!(source.newest()?.and_then(|week| week.band));
        }
        write_value(&answer, out)
    })
}
