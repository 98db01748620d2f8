//! The Atom feed (RFC 4287): what is published, as readers of feeds take it.

use super::language::Language;
use super::template::escape;
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// The languages of MONARC's labels, the first of `label1`.
const ORDER: [&str; 4] = ["fr", "en", "de", "nl"];

/// When a feed changed that never had anything.
const NEVER: &str = "1970-01-01T00:00:00Z";

/// What the feed tells; moments are as RFC 3339 has them.
pub struct Feed<'a> {
    /// Where others reach the service, without a slash at its end.
    pub url: &'a str,
    /// Who runs it, as they say themselves.
    pub contact: Option<&'a str>,
    /// The reader's.
    pub language: &'a Language,
    /// What the operator says to everybody.
    pub notice: Option<&'a str>,
    /// Since when the service says that.
    pub started: &'a str,
    /// The newest figures.
    pub news: Option<News>,
}

/// The newest figures.
pub struct News {
    /// Their last day.
    pub date: String,
    /// When they came.
    pub updated: String,
    /// How many organisations they are of, as a band, where they are of a release.
    pub band: Option<String>,
    /// Since when they moved as follows.
    pub since: Option<String>,
    /// What moved most, the largest first.
    pub moved: Vec<Moved>,
}

/// A threat or vulnerability whose mean moved.
pub struct Moved {
    /// Whether it is a threat.
    pub is_threat: bool,
    /// Its text in each language.
    pub labels: [Option<String>; 4],
    /// As answers name it.
    pub measure: String,
    /// By how much.
    pub change: f64,
    /// Whether that is more than a fact.
    pub is_trend: bool,
}

/// One entry.
struct Entry {
    /// What tells it from others for good.
    name: String,
    title: String,
    updated: String,
    /// As HTML.
    text: String,
}

/// The feed as XML.
pub fn feed(feed: &Feed<'_>) -> String {
    let Feed { url, contact, language, .. } = feed;
    let entries: Vec<Entry> = notice(feed).into_iter().chain(news(feed)).collect();
    let updated = entries.iter().map(|entry| entry.updated.as_str()).max().unwrap_or(NEVER);
    let (url, title) = (escape(url), escape(language.texts.get("app.name")));
    let author = escape(contact.unwrap_or(language.texts.get("app.name")));
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\" xml:lang=\"{}\">\n\
         <id>{url}/feed.atom</id>\n<title>{title}</title>\n<updated>{updated}</updated>\n\
         <author><name>{author}</name></author>\n<link rel=\"self\" href=\"{url}/feed.atom\"/>\n\
         <link rel=\"alternate\" type=\"text/html\" href=\"{url}/\"/>\n",
        language.code
    );
    for Entry { name, title, updated, text } in &entries {
        let (name, title, text) = (escape(name), escape(title), escape(text));
        // Writing to a string cannot fail.
        let _ = writeln!(
            xml,
            "<entry>\n<id>{url}/feed.atom#{name}</id>\n<title>{title}</title>\n<updated>{updated}</updated>\n\
             <link rel=\"alternate\" type=\"text/html\" href=\"{url}/\"/>\n<content type=\"html\">{text}</content>\n</entry>"
        );
    }
    xml + "</feed>\n"
}

/// The operator's word. Another text is another entry.
fn notice(feed: &Feed<'_>) -> Option<Entry> {
    let text = feed.notice?;
    let hash: String = Sha256::digest(text).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let title = feed.language.texts.get("feed.notice").to_owned();
    let text = format!("<p>{}</p>", escape(text));
    Some(Entry { name: format!("notice-{hash}"), title, updated: feed.started.into(), text })
}

fn news(feed: &Feed<'_>) -> Option<Entry> {
    let News { date, updated, band, since, moved } = feed.news.as_ref()?;
    let texts = feed.language.texts;
    let filled =
        |key: &str| texts.get(key).replace("{date}", date).replace("{band}", band.as_deref().unwrap_or_default());
    let (name, title, text) = match band {
        Some(_) => (format!("week-{date}"), "feed.week.title", "feed.week.text"),
        None => (format!("day-{date}"), "feed.day.title", "feed.day.text"),
    };
    let mut text = format!("<p>{}</p>", escape(&filled(text)));
    for (is_threat, title) in [(true, "trends.threats"), (false, "trends.vulnerabilities")] {
        let lines: String = moved.iter().filter(|one| one.is_threat == is_threat).map(|one| line(feed, one)).collect();
        if !lines.is_empty() {
            let since = texts.get("trends.since").replace("{date}", since.as_deref().unwrap_or_default());
            text += &format!("<p>{}, {}</p><ul>{lines}</ul>", escape(texts.get(title)), escape(&since));
        }
    }
    Some(Entry { name, title: filled(title), updated: updated.clone(), text })
}

/// One that moved, as the pages have it: an open arrow for a fact, a filled one for a trend.
fn line(feed: &Feed<'_>, one: &Moved) -> String {
    let Language { code, texts, .. } = feed.language;
    let text_in = |wanted: &str| one.labels.iter().zip(ORDER).find(|(_, code)| *code == wanted)?.0.as_deref();
    let label = [*code, "en"].into_iter().chain(ORDER).filter_map(text_in).find(|text| !text.is_empty());
    let arrow = match (one.is_trend, one.change > 0.0) {
        (true, true) => "▲",
        (true, false) => "▼",
        (false, true) => "△",
        (false, false) => "▽",
    };
    let (key, mut change) = match (one.measure.as_str(), one.is_threat) {
        ("maxRisk", _) => ("measure.max_risk", format!("{:+.2}", one.change)),
        ("averageRate", true) => ("measure.probability", format!("{:+.2}", one.change)),
        ("averageRate", false) => ("measure.qualification", format!("{:+.2}", one.change)),
        _ => ("measure.share", texts.get("points.other").replace("{number}", &format!("{:+.1}", 100.0 * one.change))),
    };
    if *code != "en" {
        change = change.replace('.', ",");
    }
    let label = label.unwrap_or_else(|| texts.get("label.unnamed"));
    format!("<li>{arrow} {} {} ({})</li>", change.replace('-', "−"), escape(label), escape(texts.get(key)))
}
