//! MONARC's four languages: which one a reader gets, and the texts of each.

use super::assets;
use super::template::escape;
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::LazyLock;

/// Texts that scripts of some pages alone show, or of none: the first part of their keys, and those pages.
const OF_PAGES: [(&str, &[&str]); 6] = [
    ("api", &["api"]),
    ("benchmark", &["benchmark", "threat", "vulnerability"]),
    ("feed", &[]),
    ("help", &[]),
    ("map", &["map"]),
    ("page", &[]),
];

/// Whether scripts of a page may show the text of a key: what they do not is not sent to them.
pub fn is_for(page: &str, key: &str) -> bool {
    let group = key.split('.').next().unwrap_or_default();
    OF_PAGES.iter().find(|(known, _)| *known == group).is_none_or(|(_, pages)| pages.contains(&page))
}

/// A language's texts by their keys.
pub struct Texts(BTreeMap<String, String>);

impl Texts {
    /// The text of a key; the key itself if there is none, which a test rules out.
    pub fn get<'a>(&'a self, key: &'a str) -> &'a str {
        self.0.get(key).map_or(key, String::as_str)
    }

    /// Those for the scripts of a page, as a JSON object.
    pub fn json(&self, page: &str) -> String {
        let texts = self.0.iter().filter(|(key, _)| is_for(page, key));
        Value::Object(texts.map(|(key, text)| (key.clone(), Value::from(text.as_str()))).collect()).to_string()
    }

    /// The keys.
    #[cfg(test)]
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

/// Code, name in itself, texts.
type Known = (&'static str, &'static str, Texts);

/// The languages, the default first.
pub static LANGUAGES: LazyLock<[Known; 4]> = LazyLock::new(|| {
    let mut texts: BTreeMap<String, BTreeMap<String, String>> =
        serde_json::from_slice(&assets::texts()).unwrap_or_default();
    [("en", "English"), ("fr", "Français"), ("de", "Deutsch"), ("nl", "Nederlands")]
        .map(|(code, name)| (code, name, Texts(texts.remove(code).unwrap_or_default())))
});

/// The language of an answer.
pub struct Language {
    /// Such as `en`.
    pub code: &'static str,
    /// Its texts.
    pub texts: &'static Texts,
    /// Whether the address says so, rather than the browser.
    pub is_chosen: bool,
}

impl Language {
    /// What the address asks for, else what the browser prefers (its `Accept-Language`), else English.
    pub fn of(query: &str, accept: &str) -> Self {
        let chosen = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == "lang").last();
        let chosen = chosen.and_then(|(_, code)| known(&code));
        let preferred = || preferred(accept);
        let (code, _, texts) = chosen.or_else(preferred).unwrap_or(&LANGUAGES[0]);
        Self { code, texts, is_chosen: chosen.is_some() }
    }
}

fn known(code: &str) -> Option<&'static Known> {
    let primary = code.split('-').next().unwrap_or_default();
    LANGUAGES.iter().find(|(known, ..)| known.eq_ignore_ascii_case(primary))
}

/// The known language with the highest weight, the first of several.
fn preferred(accept: &str) -> Option<&'static Known> {
    let mut best: Option<(f32, &'static Known)> = None;
    for item in accept.split(',') {
        let (code, weight) = item.split_once(';').unwrap_or((item, "q=1"));
        let weight = weight.trim().strip_prefix("q=").and_then(|text| text.trim().parse().ok()).unwrap_or(0.0);
        if let Some(language) = known(code.trim())
            && weight > best.map_or(0.0, |(weight, _)| weight)
        {
            best = Some((weight, language));
        }
    }
    best.map(|(_, language)| language)
}

/// Links to this page in each language, with everything else that its address says.
pub fn links(query: &str, current: &Language) -> String {
    let mut html = String::new();
    for (code, name, _) in LANGUAGES.iter() {
        let rest = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name != "lang");
        let lang = (Cow::Borrowed("lang"), Cow::Borrowed(*code));
        let other = form_urlencoded::Serializer::new(String::new()).extend_pairs(rest.chain([lang])).finish();
        let mark = if *code == current.code { " aria-current=\"true\"" } else { "" };
        let other = escape(&other);
        // Writing to a string cannot fail.
        let _ = write!(
            html,
            "<li><a href=\"?{other}\" lang=\"{code}\" hreflang=\"{code}\" title=\"{name}\"{mark}>{}</a></li>",
            code.to_uppercase()
        );
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_weight_wins() {
        let code = |accept| preferred(accept).map(|(code, ..)| *code);
        assert_eq!(code("fr-LU,fr;q=0.9,en;q=0.8"), Some("fr"));
        assert_eq!(code("es, de;q=0.5, nl;q=0.7"), Some("nl"));
        assert_eq!(code("fr;q=0, DE-at; q=0.1"), Some("de"));
        assert_eq!(code("es,*"), None);
        assert_eq!(code(""), None);
    }
}
