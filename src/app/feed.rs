//! `/feed.atom`: what is new for everybody. Nothing that the pages do not show.

use super::answer::Answer;
use super::computed::{self, unwritten};
use super::released::{self, Published};
use super::source::Source;
use super::trends::{self, Ask, Since};
use super::{App, Request};
use crate::averages::release::moved::NAMES;
use crate::dashboard::{Feed, Language, Moved, News, feed};
use crate::error::Result;
use serde_json::Value;

/// How many threats it names, and how many vulnerabilities.
const MOVERS: usize = 5;

/// `GET /feed.atom`
pub fn atom(app: &App, request: Request<'_>) -> Answer {
    let head = request.head;
    let source = Source::of(app, &request)?;
    let language = Language::of(&head.query, head.headers.get("Accept-Language").unwrap_or_default());
    // A notice is as old as its service.
    let question = format!("feed in {} since {:?}", language.code, app.config.notice.as_ref().map(|_| &app.started));
    let mut answer = if app.config.public_min_clients.is_live() {
        let question = format!("{question} with {:?}", app.store.live_changes_hash()?);
        computed::public(app, head, &question, |out| {
            let moved = trends::value(app, &source, Ask::since(Since::Horizon(0)))?;
            out.write_all(text(app, &language, live_news(app, &moved)?).as_bytes()).map_err(unwritten)
        })
    } else {
        let published = Published::of(app)?;
        computed::released(app, head, (published.version, published.closed_at()), &question, |out| {
            let moved = trends::value(app, &source, Ask::since(Since::Horizon(0)))?;
            out.write_all(text(app, &language, released_news(app, &published, &moved)?).as_bytes()).map_err(unwritten)
        })
    }?;
    for (name, value) in &mut answer.headers {
        if *name == "Content-Type" {
            *value = "application/atom+xml; charset=utf-8".into();
        }
    }
    Ok(answer.with("Vary", "Accept-Language"))
}

fn text(app: &App, language: &Language, news: Option<News>) -> String {
    let url = app.config.public_url();
    feed(&Feed {
        url: url.trim_end_matches('/'),
        contact: app.config.contacts().first().copied(),
        language,
        notice: app.config.notice.as_deref(),
        started: &app.started,
        news,
    })
}

/// The newest day where everything is live.
fn live_news(app: &App, trends: &Value) -> Result<Option<News>> {
    let day = app.store.summary()?.newest;
    let (since, moved) = moved(trends);
    Ok(day.map(|day| News { date: day.to_string(), updated: format!("{day}T00:00:00Z"), band: None, since, moved }))
}

/// The newest week that was released.
fn released_news(app: &App, published: &Published, trends: &Value) -> Result<Option<News>> {
    let updated =
        jiff::Timestamp::from_second(published.closed_at()).map_or_else(|_| String::new(), |at| at.to_string());
    let Some(week) = released::known(app, published)? else { return Ok(None) };
    let (since, moved) = moved(trends);
    Ok(week.band.map(|band| News {
        date: week.date.to_string(),
        updated,
        band: Some(band.name().to_owned()),
        since,
        moved,
    }))
}

/// What moved most since a month ago, and the day that was.
fn moved(trends: &Value) -> (Option<String>, Vec<Moved>) {
    let month = &trends[NAMES[0]];
    let one = |is_threat: bool, one: &Value| {
        Some(Moved {
            is_threat,
            labels: ["label1", "label2", "label3", "label4"].map(|key| one["labels"][key].as_str().map(str::to_owned)),
            measure: one["measure"].as_str()?.to_owned(),
            change: one["change"].as_f64()?,
            is_trend: one["trend"].as_bool()?,
        })
    };
    let moved = [("threat", true), ("vulnerability", false)].into_iter().flat_map(|(kind, is_threat)| {
        let list = month["types"][kind]["moved"].as_array().into_iter().flatten().take(MOVERS);
        list.filter_map(move |entry| one(is_threat, entry))
    });
    (month["since"].as_str().map(str::to_owned), moved.collect())
}
