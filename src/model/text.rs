//! Texts of others on terminals and in logs.

use std::borrow::Cow;

/// Spells out what would move a terminal's cursor, begin another line of a log, or turn letters around: control
/// characters become `\u001b`, and so do those that set the direction of what follows.
pub fn plain(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) || !text.chars().any(is_trick) {
        return text.into();
    }
    let spell = |letter: char| if is_trick(letter) { format!("\\u{:04x}", u32::from(letter)) } else { letter.into() };
    text.chars().map(spell).collect::<String>().into()
}

fn is_trick(letter: char) -> bool {
    let turns =
        matches!(letter, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    letter.is_control() || turns || matches!(letter, '\u{2028}' | '\u{2029}')
}

/// Takes user and password out of the addresses in a text: `https://…@host/`.
pub fn without_password(text: &str) -> Cow<'_, str> {
    let Some((before, rest)) = text.split_once("://") else { return text.into() };
    let end = rest.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>')).unwrap_or(rest.len());
    let (address, after) = rest.split_at(end);
    // The last one, as a password may have one too, or a slash.
    let address = address.rsplit_once('@').map_or(address.into(), |(_, host)| format!("…@{host}"));
    format!("{before}://{address}{}", without_password(after)).into()
}

/// A number with commas between thousands.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().filter_map(|part| str::from_utf8(part).ok()).collect();
    groups.join(",")
}

/// A number, grouped, of things of this name, whose plural it makes where there is not one of them.
pub fn counted<N: TryInto<u64>>(number: N, name: &str) -> String {
    let number = number.try_into().unwrap_or(u64::MAX);
    let plural = match (number, name.strip_suffix("is")) {
        (1, _) => name.to_owned(),
        (_, Some(stem)) => format!("{stem}es"),
        (_, None) => format!("{name}s"),
    };
    format!("{} {plural}", grouped(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_is_spelt_out() {
        assert_eq!(plain("Menace élevée: شركة 火"), "Menace élevée: شركة 火");
        assert_eq!(plain("a\x1b[2J\r\n\u{9b}b\u{202e}c\u{2028}"), "a\\u001b[2J\\u000d\\u000a\\u009bb\\u202ec\\u2028");
    }

    #[test]
    fn passwords_in_addresses_are_left_out() {
        for (text, shown) in [
            ("no address, a@b", "no address, a@b"),
            ("https://x.example/a", "https://x.example/a"),
            ("http://u:p@x:1/a and https://t@y: no", "http://…@x:1/a and https://…@y: no"),
            ("\"http://u:p@ss/w@x\" a@b", "\"http://…@x\" a@b"),
        ] {
            assert_eq!(without_password(text), shown);
        }
    }

    #[test]
    fn thousands_are_grouped() {
        for (number, text) in [(0, "0"), (999, "999"), (1240, "1,240"), (1_000_000, "1,000,000")] {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn one_thing_is_no_plural() {
        let texts = [counted(0, "client"), counted(1, "stat"), counted(1, "analysis"), counted(2000_u64, "analysis")];
        assert_eq!(texts, ["0 clients", "1 stat", "1 analysis", "2,000 analyses"]);
    }
}
