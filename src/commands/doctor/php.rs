//! Reads what matters here out of a front office's PHP configuration, without being a PHP.

/// The two values of `'statsApi' => ['baseUrl' => …, 'apiKey' => …]`, as far as they are there.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct StatsApi {
    pub base_url: Option<String>,
    pub api_key: Option<String>,
}

/// A piece of PHP: a text in quotes, or a sign or letter of anything else.
#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Sign(char),
}

/// Finds the section in the text of a file; none if there is no such section, or only in a comment.
pub fn stats_api(text: &str) -> Option<StatsApi> {
    let pieces = pieces(text);
    let is = |at: usize, word: &str| matches!(pieces.get(at), Some(Piece::Text(text)) if text == word);
    let mut found = None;
    // Of a key that is there twice PHP takes the last.
    for start in (0..pieces.len()).filter(|at| is(*at, "statsApi") && is_arrow(&pieces, at + 1)) {
        found = Some(section(&pieces[start + 3..]));
    }
    found
}

fn is_arrow(pieces: &[Piece], at: usize) -> bool {
    matches!(pieces.get(at..at + 2), Some([Piece::Sign('='), Piece::Sign('>')]))
}

/// The values of the array that begins here.
fn section(pieces: &[Piece]) -> StatsApi {
    let mut found = StatsApi::default();
    let mut depth = 0;
    for (at, piece) in pieces.iter().enumerate() {
        match piece {
            Piece::Sign('[' | '(') => depth += 1,
            Piece::Sign(']' | ')') if depth <= 1 => break,
            Piece::Sign(']' | ')') => depth -= 1,
            Piece::Text(key) if depth == 1 && is_arrow(pieces, at + 1) => {
                let value = match pieces.get(at + 3) {
                    Some(Piece::Text(value)) => Some(value.clone()),
                    _ => None,
                };
                match key.as_str() {
                    "baseUrl" => found.base_url = value,
                    "apiKey" => found.api_key = value,
                    _ => {}
                }
            }
            _ => {}
        }
    }
    found
}

/// The pieces of a text, without white space and comments.
fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(sign) = rest.chars().next() {
        let after = &rest[sign.len_utf8()..];
        rest = match sign {
            '\'' | '"' => {
                let (piece, after) = quoted(after, sign);
                pieces.push(Piece::Text(piece));
                after
            }
            '/' if after.starts_with('*') => after.split_once("*/").map_or("", |parts| parts.1),
            '/' if after.starts_with('/') => after.split_once('\n').map_or("", |parts| parts.1),
            '#' if !after.starts_with('[') => after.split_once('\n').map_or("", |parts| parts.1),
            _ => {
                if !sign.is_whitespace() {
                    pieces.push(Piece::Sign(sign));
                }
                after
            }
        };
    }
    pieces
}

/// What stands before the closing quote, and what comes behind it.
fn quoted(text: &str, quote: char) -> (String, &str) {
    let mut inside = String::new();
    let mut signs = text.char_indices();
    while let Some((at, sign)) = signs.next() {
        match sign {
            '\\' => inside.extend(signs.next().map(|(_, escaped)| escaped)),
            _ if sign == quote => return (inside, &text[at + 1..]),
            _ => inside.push(sign),
        }
    }
    (inside, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> (Option<String>, Option<String>) {
        let found = stats_api(text).unwrap();
        (found.base_url, found.api_key)
    }

    #[test]
    fn both_values_are_found_however_they_are_written() {
        let both = (Some("http://127.0.0.1:5005".to_owned()), Some("k'e\\y".to_owned()));
        for text in [
            r"<?php return ['statsApi' => ['baseUrl' => 'http://127.0.0.1:5005', 'apiKey' => 'k\'e\\y']];",
            "<?php\n$x = \"a\";\nreturn array(\n  \"statsApi\"=>array(\"apiKey\"=>\"k'e\\\\y\",\n\"baseUrl\" => 'http://127.0.0.1:5005'), );",
            r"return ['doctrine' => ['x' => [1, 'apiKey' => 'no']], // 'statsApi' => ['apiKey' => 'no'],
              'statsApi' => [ # old: 'baseUrl' => 'no'
                'options' => ['apiKey' => 'no'], /* 'apiKey' => 'no', ] */
                'baseUrl' => 'http://127.0.0.1:5005',
                'apiKey' => 'k\'e\\y' . '',
              ], 'other' => ['apiKey' => 'no']];",
            r"['statsApi' => ['apiKey' => 'old']] + ['statsApi' => ['baseUrl' => 'http://127.0.0.1:5005', 'apiKey' => 'k\'e\\y']]",
        ] {
            assert_eq!(values(text), both, "{text}");
        }
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        for text in
            ["", "<?php return [];", "// 'statsApi' => ['apiKey' => 'x']", "'statsApi'", "'statsApi' =", "'a' => \""]
        {
            assert_eq!(stats_api(text), None, "{text}");
        }
        assert_eq!(values("'statsApi' => ['apiKey' => getenv('KEY')"), (None, None));
        assert_eq!(values("'statsApi' => "), (None, None));
        assert_eq!(values("'statsApi' => ['apiKey' =>"), (None, None));
    }
}
