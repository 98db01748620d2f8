//! The dashboard: pages in the reader's language, and the scripts and styles they need, all inside the binary.
//!
//! A page is the shell with one body in it (`assets/pages`), its texts filled in here; numbers are fetched by scripts
//! from the public JSON. Nothing is loaded from elsewhere and nothing runs inline, and the policy sent with each page
//! holds browsers to it.

mod assets;
mod language;
mod template;

use crate::app::{Answer, App, Request, tag};
use crate::server::message::Response;
use assets::{asset, entry};
use language::Language;
use std::borrow::Cow;
use std::fmt::Write;
use template::{Values, escape};

pub use assets::{file, licences, licences_json};

/// The OpenAPI document, as it is served.
pub const OPENAPI: &str = include_str!("../assets/openapi.json");
const SHELL: &str = include_str!("../assets/pages/shell.html");

/// A page of the dashboard.
struct Page {
    /// Its texts begin with this name, and so does its script if it has one.
    name: &'static str,
    /// Its address below the root.
    path: &'static str,
    body: &'static str,
    script: Option<&'static str>,
}

macro_rules! page {
    ($name:literal, $path:literal, $script:expr) => {
        Page {
            name: $name,
            path: $path,
            body: include_str!(concat!("../assets/pages/", $name, ".html")),
            script: $script,
        }
    };
}

static OVERVIEW: Page = page!("overview", "", Some("overview"));
static THREATS: Page = page!("threats", "threats", Some("rated"));
static VULNERABILITIES: Page = page!("vulnerabilities", "vulnerabilities", Some("rated"));
static RISKS: Page = page!("risks", "risks", Some("risks"));
static CARTOGRAPHY: Page = page!("cartography", "cartography", Some("cartography"));
static COMPLIANCE: Page = page!("compliance", "compliance", Some("compliance"));
static MAP: Page = page!("map", "map", Some("map"));
static REPORT: Page = page!("report", "report", Some("report"));
static HELP: Page = page!("help", "help", Some("plain"));
static ABOUT: Page = page!("about", "about", Some("about"));
static API: Page = page!("api", "api/v1/", Some("api"));
static PAGES: [&Page; 11] =
    [&OVERVIEW, &RISKS, &THREATS, &VULNERABILITIES, &CARTOGRAPHY, &COMPLIANCE, &MAP, &REPORT, &HELP, &ABOUT, &API];

/// `GET /`
pub fn overview(app: &App, request: Request<'_>) -> Answer {
    show(app, &request, &OVERVIEW)
}

/// `GET /threats` and `/evolution`, the reference's page of them
pub fn threats(app: &App, request: Request<'_>) -> Answer {
    show(app, &request, &THREATS)
}

/// `GET /vulnerabilities`
pub fn vulnerabilities(app: &App, request: Request<'_>) -> Answer {
    show(app, &request, &VULNERABILITIES)
}

/// `GET /risks`
pub fn risks(app: &App, request: Request<'_>) -> Answer {
    show(app, &request, &RISKS)
}

/// `GET /cartography`
pub fn cartography(app: &App, request: Request<'_>) -> Answer {
    show(app, &request, &CARTOGRAPHY)
}

/// `GET /compliance`
pub fn compliance(app: &App, request: Request<'_>) -> Answer {
    show(app, &request, &COMPLIANCE)
}

/// `GET /map`, if `MAP` is on
pub fn map(app: &App, request: Request<'_>) -> Answer {
    if !app.config.map {
        return Err(Box::new(crate::app::nothing_here()));
    }
    show(app, &request, &MAP)
}

/// `GET /report`: the overview for paper.
pub fn report(app: &App, request: Request<'_>) -> Answer {
    show(app, &request, &REPORT)
}

/// `GET /help`
pub fn help(app: &App, request: Request<'_>) -> Answer {
    show(app, &request, &HELP)
}

/// `GET /about` and `/about/more`
pub fn about(app: &App, request: Request<'_>) -> Answer {
    show(app, &request, &ABOUT)
}

/// `GET /api/v1/`: the OpenAPI document as a page.
pub fn api_page(app: &App, request: Request<'_>) -> Answer {
    show(app, &request, &API)
}

/// `GET /api/v1/openapi.json` and `/api/v1/swagger.json`
pub fn openapi(_: &App, _: Request<'_>) -> Answer {
    let response = Response::bytes(200, Some("application/json"), Cow::Borrowed(OPENAPI.as_bytes()));
    Ok(response.with("Cache-Control", "no-cache"))
}

fn show(app: &App, request: &Request<'_>, page: &Page) -> Answer {
    let language = Language::of(request.head);
    let root = root(app, request);
    let body = template::fill(page.body, &values(app, request, page, &root, &language), language.texts);
    let mut shell = values(app, request, page, &root, &language);
    shell.raw("body", body);
    let text = template::fill(SHELL, &shell, language.texts);
    let ancestors = app.config.frame_ancestors.as_deref().unwrap_or("'none'");
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
         font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors {ancestors}"
    );
    let tag = tag(&[text.as_bytes()]);
    let response = match request.head.headers.all("If-None-Match").any(|known| known.contains(&tag)) {
        true => Response::empty(304),
        false => Response::bytes(200, Some("text/html; charset=utf-8"), Cow::Owned(text.into_bytes())),
    };
    Ok(response
        .with("Content-Security-Policy", policy)
        .with("Referrer-Policy", "no-referrer")
        .with("ETag", tag)
        .with("Vary", "Accept-Language")
        .with("Cache-Control", "no-cache"))
}

/// What leads from the page to the root: the prefix if one is known, and otherwise as many steps up as the path goes
/// down, which is right below any prefix that a proxy takes away.
fn root(app: &App, request: &Request<'_>) -> String {
    let prefix = app.prefix(request.head);
    match request.head.path.matches('/').count() {
        _ if !prefix.is_empty() => format!("{prefix}/"),
        0 | 1 => "./".to_owned(),
        steps => "../".repeat(steps - 1),
    }
}

fn values(app: &App, request: &Request<'_>, page: &Page, root: &str, language: &Language) -> Values {
    let mut values = Values::default();
    values.text("lang", language.code);
    values.text("page", page.name);
    values.text("root", root);
    values.text("title", language.texts.get(&format!("{}.title", page.name)));
    values.text("version", env!("CARGO_PKG_VERSION"));
    values.text("source", env!("CARGO_PKG_REPOSITORY"));
    values.text("style", asset("app.css"));
    values.text("theme", asset("theme"));
    values.text("world", asset("world"));
    values.raw("scripts", scripts(page, root));
    values.raw("menu", menu(app, page, root, language));
    values.raw("languages", language::links(request.head, language));
    values.raw("texts", language.texts.json().replace('<', "\\u003c"));
    values.raw("contact", contact(app).unwrap_or_else(|| escape(language.texts.get("about.no_contact"))));
    values
}

fn scripts(page: &Page, root: &str) -> String {
    let mut html = String::new();
    if let Some(entry) = page.script.and_then(entry) {
        for import in entry.imports {
            // Writing to a string cannot fail.
            let _ = write!(html, "<link rel=\"modulepreload\" href=\"{}assets/{import}\">", escape(root));
        }
        let _ = write!(html, "<script type=\"module\" src=\"{}assets/{}\"></script>", escape(root), entry.file);
    }
    html
}

/// Links to the pages. A language that was chosen stays chosen.
fn menu(app: &App, here: &Page, root: &str, language: &Language) -> String {
    let query = if language.is_chosen { format!("?lang={}", language.code) } else { String::new() };
    let mut html = String::new();
    // With `PUBLIC_PAGES` off the page about the API is the only one there is.
    let is_shown = |page: &Page| app.config.public_pages && (page.name != "map" || app.config.map);
    for page in PAGES.iter().filter(|page| is_shown(page)) {
        let address = page.path;
        let current = if page.name == here.name { " aria-current=\"page\"" } else { "" };
        let title = escape(language.texts.get(&format!("{}.menu", page.name)));
        let _ = write!(html, "<li><a href=\"{}{address}{query}\"{current}>{title}</a></li>", escape(root));
    }
    html
}

fn contact(app: &App) -> Option<String> {
    let email = app.config.admin_email.as_deref().map(escape);
    let url = app.config.admin_url.as_deref().map(escape);
    let email = email.map(|email| format!("<a href=\"mailto:{email}\">{email}</a>"));
    let url = url.map(|url| format!("<a href=\"{url}\">{url}</a>"));
    let both: Vec<String> = email.into_iter().chain(url).collect();
    (!both.is_empty()).then(|| both.join(" · "))
}

#[cfg(test)]
mod tests;
