//! Filling pages: `{{name}}` stands for a value, or else for the text of this key in the reader's language.

use std::collections::HashMap;

/// What a page's names stand for, as HTML.
#[derive(Default)]
pub struct Values(HashMap<&'static str, String>);

impl Values {
    /// A value that is plain text.
    pub fn text(&mut self, name: &'static str, text: &str) {
        self.0.insert(name, escape(text));
    }

    /// A value that is HTML already.
    pub fn raw(&mut self, name: &'static str, html: String) {
        self.0.insert(name, html);
    }
}

/// The names in a page, in order.
#[cfg(test)]
pub fn names(page: &str) -> impl Iterator<Item = &str> {
    page.split("{{").skip(1).filter_map(|part| part.split_once("}}")).map(|(name, _)| name)
}

/// The page with everything in its place; `text` gives the text of a key.
pub fn fill<'a>(page: &'a str, values: &Values, text: impl Fn(&'a str) -> &'a str) -> String {
    let mut parts = page.split("{{");
    let mut html = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once("}}").unwrap_or((part, ""));
        match values.0.get(name) {
            Some(value) => html.push_str(value),
            None => html.push_str(&escape(text(name))),
        }
        html.push_str(rest);
    }
    html
}

/// Text as HTML or XML, also between double quotes. What XML has no place for, not even spelt out, is U+FFFD: one such label
/// would make a feed unreadable for everybody.
pub fn escape(text: &str) -> String {
    let is_foreign =
        |one: char| matches!(one, '\0'..='\x08' | '\x0b' | '\x0c' | '\x0e'..='\x1f' | '\u{fffe}' | '\u{ffff}');
    let text = text.replace(is_foreign, "\u{fffd}");
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
