//! The Atom feed (RFC 4287): what is published, as readers of feeds take it.

use super::language::Language;
use super::template::escape;
use sha2::{Digest, Sha256};
use std::fmt::Write;

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
    /// Since when the service says that; the feed is as old if it has nothing else.
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
}

/// One entry.
struct Entry {
    /// What tells it from others for good.
    name: String,
    title: String,
    updated: String,
    text: String,
}

/// The feed as XML.
pub fn feed(feed: &Feed<'_>) -> String {
    let Feed { url, contact, language, started, .. } = feed;
    let entries: Vec<Entry> = notice(feed).into_iter().chain(news(feed)).collect();
    let updated = entries.iter().map(|entry| entry.updated.as_str()).max().unwrap_or(started);
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
             <link rel=\"alternate\" type=\"text/html\" href=\"{url}/\"/>\n<content type=\"text\">{text}</content>\n</entry>"
        );
    }
    xml + "</feed>\n"
}

/// The operator's word. Another text is another entry.
fn notice(feed: &Feed<'_>) -> Option<Entry> {
    let text = feed.notice?;
    let hash: String = Sha256::digest(text).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let title = feed.language.texts.get("feed.notice").to_owned();
    Some(Entry { name: format!("notice-{hash}"), title, updated: feed.started.into(), text: text.into() })
}

fn news(feed: &Feed<'_>) -> Option<Entry> {
    let News { date, updated, band } = feed.news.as_ref()?;
    let texts = feed.language.texts;
    let filled =
        |key: &str| texts.get(key).replace("{date}", date).replace("{band}", band.as_deref().unwrap_or_default());
    let (name, title, text) = match band {
        Some(_) => (format!("week-{date}"), "feed.week.title", "feed.week.text"),
        None => (format!("day-{date}"), "feed.day.title", "feed.day.text"),
    };
    Some(Entry { name, title: filled(title), updated: updated.clone(), text: filled(text) })
}
