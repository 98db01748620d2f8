//! Pages and what they load, as answers.

use super::answer::{Answer, is_known, tag, unless_known};
use super::views::{self, View};
use super::{App, Request, nothing_here, released};
use crate::dashboard::{self, Asset, Language, Page, Released, Site};
use crate::model::parse_uuid;
use crate::server::message::{Body, Head, Response};
use std::borrow::Cow;

/// `GET /`
pub fn overview(app: &App, request: Request<'_>) -> Answer {
    show(app, &request, &dashboard::OVERVIEW)
}

/// `GET /threats` and `/evolution`, the reference's page of them
pub fn threats(app: &App, request: Request<'_>) -> Answer {
    show(app, &request, &dashboard::THREATS)
}

/// `GET /vulnerabilities`
pub fn vulnerabilities(app: &App, request: Request<'_>) -> Answer {
    show(app, &request, &dashboard::VULNERABILITIES)
}

/// `GET /risks`
pub fn risks(app: &App, request: Request<'_>) -> Answer {
    show(app, &request, &dashboard::RISKS)
}

/// `GET /cartography`
pub fn cartography(app: &App, request: Request<'_>) -> Answer {
    show(app, &request, &dashboard::CARTOGRAPHY)
}

/// `GET /compliance`
pub fn compliance(app: &App, request: Request<'_>) -> Answer {
    show(app, &request, &dashboard::COMPLIANCE)
}

/// `GET /trends`
pub fn trends(app: &App, request: Request<'_>) -> Answer {
    show(app, &request, &dashboard::TRENDS)
}

/// `GET /benchmark`
pub fn benchmark(app: &App, request: Request<'_>) -> Answer {
    show(app, &request, &dashboard::BENCHMARK)
}

/// `GET /map`, if `MAP` is on
pub fn map(app: &App, request: Request<'_>) -> Answer {
    if !app.config.shows_map() {
        return Err(Box::new(nothing_here()));
    }
    show(app, &request, &dashboard::MAP)
}

/// `GET /report`
pub fn report(app: &App, request: Request<'_>) -> Answer {
    show(app, &request, &dashboard::REPORT)
}

/// `GET /help`
pub fn help(app: &App, request: Request<'_>) -> Answer {
    show(app, &request, &dashboard::HELP)
}

/// `GET /about` and `/about/more`
pub fn about(app: &App, request: Request<'_>) -> Answer {
    show(app, &request, &dashboard::ABOUT)
}

/// `GET /api/v1/`
pub fn api(app: &App, request: Request<'_>) -> Answer {
    show(app, &request, &dashboard::API)
}

/// `GET /api/v1/openapi.json` and `/api/v1/swagger.json`
pub fn openapi(_: &App, request: Request<'_>) -> Answer {
    let text = dashboard::openapi();
    unless_known(request.head, tag(&[text]), || Ok(Response::bytes(200, Some("application/json"), Cow::Borrowed(text))))
}

/// `GET /threats/{uuid}`
pub fn threat(app: &App, request: Request<'_>) -> Answer {
    of_object(app, &request, &dashboard::THREAT)
}

/// `GET /vulnerabilities/{uuid}`
pub fn vulnerability(app: &App, request: Request<'_>) -> Answer {
    of_object(app, &request, &dashboard::VULNERABILITY)
}

fn of_object(app: &App, request: &Request<'_>, page: &'static Page) -> Answer {
    let uuid = parse_uuid(&request.name).map_err(|_| Box::new(nothing_here()))?;
    of_request(app, request, page, &uuid.to_string())
}

/// The page for a browser where there is nothing, in a view one of its pages; others get JSON.
pub fn missing(app: &App, head: &Head, view: Option<&View>) -> Option<Response> {
    let wants_page = head.headers.all("Accept").any(|accept| accept.contains("text/html"));
    let rest = view.map_or(Rest::Nothing, Rest::Own);
    let mut page = wants_page.then(|| answer(app, head, (&dashboard::MISSING, ""), rest, false))?;
    page.status = 404;
    Some(page.with("Cache-Control", "no-store"))
}

/// The page for a browser whose view link shows nothing any more; others get JSON.
pub fn ended(app: &App, head: &Head) -> Option<Response> {
    let wants_page = head.headers.all("Accept").any(|accept| accept.contains("text/html"));
    wants_page.then(|| answer(app, head, (&dashboard::ENDED, ""), Rest::Nothing, false))
}

/// What a page rests on.
enum Rest<'a> {
    /// Nothing that it would have to say.
    Nothing,
    /// Releases.
    Released(Released),
    /// The stats of one client.
    Own(&'a View),
}

fn show(app: &App, request: &Request<'_>, page: &'static Page) -> Answer {
    of_request(app, request, page, "")
}

fn of_request(app: &App, request: &Request<'_>, page: &'static Page, object: &str) -> Answer {
    let rest = match &request.view {
        Some(view) => Rest::Own(view),
        None => released::told(app)?.map_or(Rest::Nothing, Rest::Released),
    };
    Ok(answer(app, request.head, (page, object), rest, app.store.has_from_afar()?))
}

fn answer(app: &App, head: &Head, (page, object): (&'static Page, &str), rest: Rest<'_>, has_remote: bool) -> Response {
    let headers = &head.headers;
    let language = Language::of(&head.query, headers.get("Accept-Language").unwrap_or_default());
    let view = if let Rest::Own(view) = &rest { Some(*view) } else { None };
    let site = Site {
        own: view.map(|view| view.client.name.as_str()),
        has_remote,
        public_pages: app.config.public_pages,
        map: app.config.shows_map(),
        is_embeddable: app.config.frame_ancestors.as_deref().is_some_and(|known| known != "'none'"),
        released: if let Rest::Released(released) = rest { Some(released) } else { None },
        email: app.config.admin_email.as_deref(),
        url: app.config.admin_url.as_deref(),
        notice: app.config.notice.as_deref(),
    };
    let root = view.map_or_else(|| root(app, head), |view| views::root(app, head, view.link));
    let may_be_kept = view.is_none();
    let view = dashboard::View { page, root: &root, query: &head.query, object, language: &language };
    let text = dashboard::render(&site, &view);
    let ancestors = app.config.frame_ancestors.as_deref().unwrap_or("'none'");
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
         font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors {ancestors}"
    );
    let tag = tag(&[text.as_bytes()]);
    let response = match may_be_kept && is_known(head, &tag) {
        true => Response::empty(304),
        false => Response::bytes(200, Some("text/html; charset=utf-8"), Cow::Owned(text.into_bytes())),
    };
    response
        .with("Content-Security-Policy", policy)
        .with("Referrer-Policy", "no-referrer")
        .with("ETag", tag)
        .with("Vary", "Accept-Language")
        .with("Cache-Control", "no-cache")
}

/// What leads from the page to the root: the prefix if one is known, and otherwise as many steps up as the path goes
/// down, which is right below any prefix that a proxy takes away.
fn root(app: &App, head: &Head) -> String {
    let prefix = app.prefix(head);
    match head.path.matches('/').count() {
        _ if !prefix.is_empty() => format!("{prefix}/"),
        0 | 1 => "./".to_owned(),
        steps => "../".repeat(steps - 1),
    }
}

/// `GET /assets/{name}`
pub fn file(_: &App, request: Request<'_>) -> Answer {
    let asset = dashboard::file(&request.name).ok_or_else(|| Box::new(nothing_here()))?;
    let response = asset_response(asset, &request).with("Vary", "Accept-Encoding");
    Ok(response.with("Cache-Control", "public, max-age=31536000, immutable"))
}

/// `GET /assets/licences.json`
pub fn licences(_: &App, request: Request<'_>) -> Answer {
    let asset = dashboard::licences().ok_or_else(|| Box::new(nothing_here()))?;
    unless_known(request.head, tag(&[&asset.gzip]), || Ok(asset_response(asset, &request)))
}

fn asset_response(asset: Asset, request: &Request<'_>) -> Response {
    let content_type = asset.content_type;
    if request.head.headers.accepts_gzip() {
        Response::bytes(200, Some(content_type), asset.gzip).with("Content-Encoding", "gzip")
    } else {
        let mut response = Response::bytes(200, Some(content_type), Cow::Borrowed(b""));
        response.body = Body::Stream(Box::new(asset.unpacked()));
        response
    }
}
