//! Whether objects are published on MOSP: for the dashboard, which links to them.

use super::answer::{Answer, json, message};
use super::source::Source;
use super::{App, Request};
use crate::model::parse_uuid;
use crate::mosp;
use serde_json::json as value;

/// `GET /mosp/<uuid>.json`: only of objects that occur in the store, so that nobody asks MOSP through this service.
pub fn published(app: &App, request: Request<'_>) -> Answer {
    let Some(name) = request.name.strip_suffix(".json") else {
        return Err(Box::new(message(404, "There is nothing at this path.")));
    };
    let uuid = parse_uuid(name).map_err(|reason| Box::new(message(400, &format!("{reason}."))))?;
    if !Source::of(app, &request)?.has_object(uuid)? {
        return Err(Box::new(message(404, "No stat has this object.")));
    }
    let found = app.lookups.find(&app.store, &app.config, uuid)?;
    let url = app.config.mosp.as_deref().unwrap_or_default();
    let is_published = found.as_ref().map(|objects| !objects.is_empty());
    let page = is_published.filter(|is| *is).map(|_| mosp::page(url, uuid));
    let text = value!({
        "uuid": uuid.to_string(),
        "published": is_published,
        "url": page,
        "objects": found.unwrap_or_default(),
    });
    let caching = if is_published.is_some() { "max-age=3600" } else { "no-store" };
    Ok(json(200, text.to_string()).with("Cache-Control", caching))
}
