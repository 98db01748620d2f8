//! What anybody may read: averages, the map, and texts about the service. Never anything of a single analysis.

use super::answer::{Answer, json, message};
use super::arguments::{Arguments, as_bool, as_number};
use super::computed::{self, write_value};
use super::processed::{as_period, as_processor, check_kind};
use super::released::{self, Weeks};
use super::{App, Request, own};
use crate::averages::{self, Params};
use crate::error::{Error, Kind, Result};
use crate::model::StatType;
use crate::model::date::today;
use crate::server::message::Response;
use crate::store::rollups::Selection;
use crate::store::summary::Summary;
use serde_json::{Value, json as value};
use std::borrow::Cow;

/// How many of the newest stats `last_stats` means.
pub const LAST: i64 = 40;

/// Who is told of a weakness where the operator names nobody, as the README says.
const PROJECT: &str = "info@nc3.lu";

/// `GET /stats/threats.json`
pub fn threats(app: &App, request: Request<'_>) -> Answer {
    averages(app, &request, StatType::Threat, "threat_average_on_date")
}

/// `GET /stats/vulnerabilities.json`
pub fn vulnerabilities(app: &App, request: Request<'_>) -> Answer {
    averages(app, &request, StatType::Vulnerability, "vulnerability_average_on_date")
}

/// `GET /stats/risks.json`
pub fn risks(app: &App, request: Request<'_>) -> Answer {
    averages(app, &request, StatType::Risk, "risk_averages")
}

/// `GET /stats/cartography.json`
pub fn cartography(app: &App, request: Request<'_>) -> Answer {
    averages(app, &request, StatType::Cartography, "cartography_average")
}

/// `GET /stats/compliance.json`
pub fn compliance(app: &App, request: Request<'_>) -> Answer {
    averages(app, &request, StatType::Compliance, "compliance_average")
}

fn averages(app: &App, request: &Request<'_>, kind: StatType, usual: &str) -> Answer {
    let mut arguments = Arguments::read(request, &["days", "last_stats", "local_stats_only", "processor", "period"])?;
    let days = arguments.get("days", as_days).unwrap_or(365);
    let last = arguments.get("last_stats", as_bool).unwrap_or(false);
    let local_only = arguments.get("local_stats_only", as_bool).unwrap_or(false);
    let processor = arguments.get("processor", as_processor).or_else(|| averages::by_name(usual));
    let period = arguments.get("period", as_period);
    arguments.finish()?;
    let processor = processor.ok_or_else(|| Error::new(Kind::Internal, "a route without a processor"))?;
    check_kind(processor, kind)?;
    let since = today().checked_sub(jiff::Span::new().days(days - 1)).ok();
    let weeks = if last { Weeks::Newest } else { Weeks::Inside(since, None) };
    let params = Params { period, ..Params::default() };
    if let Some(client) = request.own() {
        return own::averages(app, request, client, (kind, processor), &params, weeks);
    }
    if !app.config.public_min_clients.is_live() {
        return released::averages(app, request.head, (kind, processor), &params, weeks);
    }
    let question = format!("{} {weeks:?} {local_only} {period:?}", processor.name);
    computed::public(app, request.head, &question, |out| {
        let (from, newest) = (since.filter(|_| !last), last.then_some(LAST));
        let selection = Selection { kind, from, to: None, local_only, analyses: None, newest, object: None };
        app.store.sums(&selection, |sums| (processor.run)(sums, &params, out))
    })
}

/// A number of days.
pub fn as_days(value: &Value) -> std::result::Result<i64, String> {
    let days = as_number(value).ok().and_then(|days| i64::try_from(days).ok());
    days.filter(|days| (1..=36_500).contains(days)).ok_or_else(|| format!("{value} is not a number from 1 to 36500"))
}

/// `GET /stats/summary.json`: what the dashboard rests on.
pub fn summary(app: &App, request: Request<'_>) -> Answer {
    Arguments::read(&request, &[])?.finish()?;
    if let Some(client) = request.own() {
        return own::summary(app, &request, client);
    }
    if !app.config.public_min_clients.is_live() {
        return released::summary(app, request.head);
    }
    computed::public(app, request.head, "summary", |out| write_value(&summarised(&app.store.summary()?), out))
}

/// The summary as it is answered.
pub fn summarised(summary: &Summary) -> Value {
    value!({
        "clients": summary.clients,
        "analyses": summary.analyses,
        "stats": summary.stats,
        "days": summary.days,
        "oldest": summary.oldest,
        "newest": summary.newest,
        "today": today(),
    })
}

/// `GET /map/clients.json`: nobody, unless `MAP` is on, since each of its entries is a single client.
pub fn map(app: &App, request: Request<'_>) -> Answer {
    Arguments::read(&request, &[])?.finish()?;
    if !app.config.public_min_clients.is_live() {
        // Nobody, and not even a tag that changes with the store: it would tell when somebody posts.
        return Ok(json(200, "[]".to_owned()));
    }
    computed::public(app, request.head, "map", |out| write_value(&Value::Array(places(app)?), out))
}

/// Those on the map, if there is one.
pub fn places(app: &App) -> Result<Vec<Value>> {
    let places = if app.config.shows_map() { app.store.map()? } else { Vec::new() };
    let places = places.into_iter().map(|place| {
        value!({
            "latitude": place.location.latitude,
            "longitude": place.location.longitude,
            "max_threat": [place.threat.0.mean(1), place.threat.1],
            "max_vulnerability": [place.vulnerability.0.mean(1), place.vulnerability.1],
        })
    });
    Ok(places.collect())
}

/// `GET /about.json`
pub fn about(app: &App, _: Request<'_>) -> Answer {
    Ok(json(200, super::about(app).to_string()).with("Cache-Control", "no-cache"))
}

/// `GET /human.txt`
pub fn human(app: &App, _: Request<'_>) -> Answer {
    let contacts = app.config.contacts();
    let contact = if contacts.is_empty() { "its operator".to_owned() } else { contacts.join(", ") };
    Ok(plain(format!(
        "MONARC Stats Service {}\nContact: {contact}\nLicence: AGPL-3.0-or-later\nSource: {}\n",
        env!("CARGO_PKG_VERSION"),
        env!("CARGO_PKG_REPOSITORY"),
    )))
}

/// `GET /robots.txt`
pub fn robots(_: &App, _: Request<'_>) -> Answer {
    Ok(plain("User-agent: *\nDisallow: /\n".into()))
}

/// `GET /.well-known/security.txt` (RFC 9116)
pub fn security(app: &App, _: Request<'_>) -> Answer {
    let line = |contact: &str| match contact.contains("://") {
        true => format!("Contact: {contact}\n"),
        false => format!("Contact: mailto:{contact}\n"),
    };
    let mut contacts = app.config.contacts();
    if contacts.is_empty() {
        contacts.push(PROJECT);
    }
    let contacts: String = contacts.into_iter().map(line).collect();
    let in_a_year = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24 * 360);
    let expires = in_a_year.strftime("%Y-%m-%dT00:00:00Z");
    Ok(plain(format!("{contacts}Expires: {expires}\nPreferred-Languages: en, fr, de, nl\n")))
}

/// `GET /healthz`
pub fn health(app: &App, _: Request<'_>) -> Answer {
    match app.store.ping() {
        Ok(()) => Ok(json(200, value!({ "status": "ok" }).to_string()).with("Cache-Control", "no-store")),
        Err(error) => {
            log::error!("{}", error.chain());
            Ok(message(503, "The store does not answer."))
        }
    }
}

fn plain(text: String) -> Response {
    Response::bytes(200, Some("text/plain; charset=utf-8"), Cow::Owned(text.into_bytes()))
}
