//! `/feed.atom`: what is new for everybody. Nothing that the pages do not show.

use super::answer::{Answer, tag, unless_known};
use super::{App, Request, released};
use crate::dashboard::{Feed, Language, News, feed};
use crate::error::Result;
use crate::server::message::Response;
use std::borrow::Cow;

/// `GET /feed.atom`
pub fn atom(app: &App, request: Request<'_>) -> Answer {
    let headers = &request.head.headers;
    let language = Language::of(&request.head.query, headers.get("Accept-Language").unwrap_or_default());
    let url = app.config.public_url();
    let text = feed(&Feed {
        url: url.trim_end_matches('/'),
        contact: app.config.contacts().first().copied(),
        language: &language,
        notice: app.config.notice.as_deref(),
        started: &app.started,
        news: news(app)?,
    });
    let tag = tag(&[text.as_bytes()]);
    let kind = Some("application/atom+xml; charset=utf-8");
    let answer = unless_known(request.head, tag, || Ok(Response::bytes(200, kind, Cow::Owned(text.into_bytes()))))?;
    Ok(answer.with("Vary", "Accept-Language"))
}

/// The newest release, or the newest day where everything is live.
fn news(app: &App) -> Result<Option<News>> {
    if !app.config.public_min_clients.is_live() {
        return released::news(app);
    }
    let day = app.store.summary()?.newest;
    Ok(day.map(|day| News { date: day.to_string(), updated: format!("{day}T00:00:00Z"), band: None }))
}
