//! The dashboard: pages in the reader's language, and the scripts and styles they need, all inside the binary.
//!
//! A page is the shell with one body in it (`assets/pages`), its texts filled in here; numbers are fetched by scripts
//! from the public JSON. Nothing is loaded from elsewhere and nothing runs inline, and the policy sent with each page
//! holds browsers to it. Plain values come in and text goes out: who asked, and how it is answered, is not known here.

mod assets;
mod feed;
mod language;
mod template;

pub use assets::{Asset, catalogue, file, licences, openapi};
use assets::{Entry, Manifest};
pub use feed::{Feed, Moved, News, feed};
pub use language::Language;
use std::fmt::Write;
use template::{Values, escape};

/// A page of the dashboard.
pub struct Page {
    /// Its texts begin with this name.
    name: &'static str,
    /// The file with its body.
    body: &'static str,
    /// Its address below the root.
    path: &'static str,
    script: &'static str,
}

const fn page(name: &'static str, path: &'static str, script: &'static str) -> Page {
    Page { name, body: name, path, script }
}

/// `/`
pub static OVERVIEW: Page = page("overview", "", "overview");
/// `/threats`, and `/evolution`, the reference's page of them
pub static THREATS: Page = page("threats", "threats", "rated");
/// `/vulnerabilities`
pub static VULNERABILITIES: Page = page("vulnerabilities", "vulnerabilities", "rated");
/// `/risks`
pub static RISKS: Page = page("risks", "risks", "risks");
/// `/cartography`
pub static CARTOGRAPHY: Page = page("cartography", "cartography", "cartography");
/// `/compliance`
pub static COMPLIANCE: Page = page("compliance", "compliance", "compliance");
/// `/trends`
pub static TRENDS: Page = page("trends", "trends", "trends");
/// `/benchmark`: one's own figures beside those of others
pub static BENCHMARK: Page = page("benchmark", "benchmark", "benchmark");
/// `/map`
pub static MAP: Page = page("map", "map", "map");
/// `/report`: the overview for paper
pub static REPORT: Page = page("report", "report", "report");
/// `/help`
pub static HELP: Page = page("help", "help", "plain");
/// `/about`
pub static ABOUT: Page = page("about", "about", "about");
/// `/api/v1/`: the OpenAPI document as a page
pub static API: Page = page("api", "api/v1/", "api");

/// `/threats/{uuid}`
pub static THREAT: Page = Page { name: "threat", body: "object", path: "threats", script: "object" };
/// `/vulnerabilities/{uuid}`
pub static VULNERABILITY: Page =
    Page { name: "vulnerability", body: "object", path: "vulnerabilities", script: "object" };
/// Where there is nothing
pub static MISSING: Page = page("missing", "-", "plain");
/// Where a view link has ended
pub static ENDED: Page = page("ended", "-", "plain");

/// Those in the menu, in its order.
static MENU: [&Page; 13] = [
    &OVERVIEW,
    &TRENDS,
    &RISKS,
    &THREATS,
    &VULNERABILITIES,
    &CARTOGRAPHY,
    &COMPLIANCE,
    &BENCHMARK,
    &MAP,
    &REPORT,
    &HELP,
    &ABOUT,
    &API,
];

/// What the operator says about all pages.
pub struct Site<'a> {
    /// The client whose own figures the pages show, and nothing else.
    pub own: Option<&'a str>,
    /// What was released, where nothing is live.
    pub released: Option<Released>,
    /// Whether figures of another instance are there to stand beside these.
    pub has_remote: bool,
    /// Whether there are pages besides the one about the API.
    pub public_pages: bool,
    /// Whether there is a map.
    pub map: bool,
    /// Whether other sites may have its charts in frames.
    pub is_embeddable: bool,
    /// Who runs this instance.
    pub email: Option<&'a str>,
    /// Where they are found.
    pub url: Option<&'a str>,
    /// What they say to everybody.
    pub notice: Option<&'a str>,
}

/// What the pages rest on where nothing is live.
pub struct Released {
    /// Organisations from which on something is shown.
    pub k: usize,
    /// The newest week's last day, and how many organisations it has, as a band; none if nothing is published yet.
    pub newest: Option<(String, String)>,
    /// Days since then, where the next week should be there by now.
    pub overdue: Option<i64>,
}

/// What one request asks for.
pub struct View<'a> {
    /// The page.
    pub page: &'static Page,
    /// What leads from the page to the root, with a slash at its end.
    pub root: &'a str,
    /// The request's query, still encoded.
    pub query: &'a str,
    /// What of the page's kind it is about: the UUID of a threat or vulnerability, else empty.
    pub object: &'a str,
    /// The reader's language.
    pub language: &'a Language,
}

/// The page as HTML.
pub fn render(site: &Site<'_>, view: &View<'_>) -> String {
    let (body, shell) = (assets::page(view.page.body), assets::page("shell"));
    let mut values = values(site, view);
    values.raw("body", template::fill(&body, &values, |key| view.language.texts.get(key)));
    template::fill(&shell, &values, |key| view.language.texts.get(key))
}

fn values(site: &Site<'_>, view: &View<'_>) -> Values {
    let View { page, root, query, object, language } = view;
    let manifest = Manifest::read();
    let mut values = Values::default();
    values.text("lang", language.code);
    values.raw("notice", site.notice.map(notice).unwrap_or_default());
    values.raw("feed", if site.public_pages && site.own.is_none() { feed_link(root) } else { String::new() });
    let line = site.released.as_ref().map(|known| released(known, language));
    values.raw("released", site.own.map(|name| own(name, language)).or(line).unwrap_or_default());
    values.text("view", if site.own.is_some() { "own" } else { site.released.as_ref().map_or("", |_| "released") });
    let footer = if site.own.is_some() { "page.own_only" } else { "app.averages_only" };
    values.text("footer", language.texts.get(footer));
    values.text("benchmark", if site.own.is_some() || site.has_remote { "on" } else { "" });
    values.text("page", page.name);
    values.text("object", object);
    values.text("root", root);
    values.text("title", language.texts.get(&format!("{}.title", page.name)));
    values.text("version", env!("CARGO_PKG_VERSION"));
    values.text("source", env!("CARGO_PKG_REPOSITORY"));
    values.text("style", manifest.file("app.css"));
    values.text("theme", manifest.file("theme"));
    values.text("world", manifest.file("world"));
    values.text("draw", manifest.file("draw"));
    values.text("exports", manifest.file("exports"));
    values.text("embed", if site.is_embeddable { "1" } else { "" });
    values.text("query", &chosen(language));
    values.raw("scripts", manifest.entry(page.script).map_or_else(String::new, |entry| scripts(entry, root)));
    values.raw("menu", menu(site, view));
    values.raw("languages", language::links(query, language));
    values.raw("texts", language.texts.json(page.name).replace('<', "\\u003c"));
    values.raw("contact", contact(site).unwrap_or_else(|| escape(language.texts.get("about.no_contact"))));
    values
}

/// One line that says what the page rests on: the same whether or not something is hidden.
fn released(released: &Released, language: &Language) -> String {
    let text = |key: &str| language.texts.get(key).replace("{k}", &released.k.to_string());
    let line = match &released.newest {
        None => text("released.nothing"),
        Some((date, band)) => {
            let line = text("released.line").replace("{date}", date).replace("{band}", band);
            let overdue = released.overdue.map(|days| text("released.overdue").replace("{days}", &days.to_string()));
            let coarse = if ["3-4", "5-9"].contains(&band.as_str()) { text("released.coarse") } else { String::new() };
            [line, coarse, overdue.unwrap_or_default()].join(" ").trim_end().to_owned()
        }
    };
    format!("<p class=\"notice released\">{}</p>", escape(&line))
}

/// The operator's word, as it is.
fn notice(text: &str) -> String {
    format!("<p class=\"notice operator\">{}</p>", escape(text))
}

fn feed_link(root: &str) -> String {
    format!("<link rel=\"alternate\" type=\"application/atom+xml\" href=\"{}feed.atom\">", escape(root))
}

/// One line that says whose figures the page shows.
fn own(name: &str, language: &Language) -> String {
    let name = format!("<strong>{}</strong>", escape(name));
    let line = escape(language.texts.get("page.own")).replace("{name}", &name);
    format!("<p class=\"notice released\">{line}</p>")
}

fn scripts(entry: &Entry, root: &str) -> String {
    let mut html = String::new();
    for import in &entry.imports {
        // Writing to a string cannot fail.
        let _ = write!(html, "<link rel=\"modulepreload\" href=\"{}assets/{import}\">", escape(root));
    }
    let _ = write!(html, "<script type=\"module\" src=\"{}assets/{}\"></script>", escape(root), entry.file);
    html
}

/// A language that was chosen stays chosen: the query of links to other pages.
fn chosen(language: &Language) -> String {
    if language.is_chosen { format!("?lang={}", language.code) } else { String::new() }
}

/// Links to the pages.
fn menu(site: &Site<'_>, view: &View<'_>) -> String {
    let language = view.language;
    let query = chosen(language);
    let mut html = String::new();
    // With `PUBLIC_PAGES` off the page about the API is the only one there is.
    let is_shown = |page: &Page| match (site.own, page.name) {
        (Some(_), name) => !matches!(name, "map" | "api"),
        (None, "map") => site.public_pages && site.map,
        // Where figures are published for all, it is no page for visitors unless there is something to see.
        (None, "benchmark") => site.public_pages && (site.has_remote || site.released.is_none()),
        (None, _) => site.public_pages,
    };
    for page in MENU.iter().filter(|page| is_shown(page)) {
        let address = page.path;
        let current = if page.path == view.page.path { " aria-current=\"page\"" } else { "" };
        let title = escape(language.texts.get(&format!("{}.menu", page.name)));
        let _ = write!(html, "<li><a href=\"{}{address}{query}\"{current}>{title}</a></li>", escape(view.root));
    }
    html
}

fn contact(site: &Site<'_>) -> Option<String> {
    let email = site.email.map(escape).map(|email| format!("<a href=\"mailto:{email}\">{email}</a>"));
    let url = site.url.map(escape).map(|url| format!("<a href=\"{url}\">{url}</a>"));
    let both: Vec<String> = email.into_iter().chain(url).collect();
    (!both.is_empty()).then(|| both.join(" · "))
}

#[cfg(test)]
mod tests;
