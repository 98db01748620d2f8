//! Variables that look as if they were meant for this program, and are not.

use super::Raw;
use super::settings::{SETTINGS, WITHOUT_EFFECT};

impl Raw {
    /// Variables that are set, mean nothing, and look as if they were meant for this program: the name, and the setting
    /// that it resembles.
    pub fn unknown(&self) -> Vec<(&str, Option<&'static str>)> {
        let names = || SETTINGS.iter().flat_map(|one| std::iter::once(one.name).chain(one.aliases.iter().copied()));
        let unknown_settings = self
            .names()
            .into_iter()
            .filter(|name| !names().any(|known| known == *name) && !WITHOUT_EFFECT.contains(name));
        let judged = unknown_settings.map(|name| {
            // A letter in five may be wrong; short names are too much like others.
            let close = |known: &&str| known.len() > 6 && distance(known, name) <= known.len() / 5;
            (name, names().find(close))
        });
        judged
            .filter(|(name, close)| close.is_some() || name.starts_with("STATS_") || name.starts_with("MONARC_STATS_"))
            .collect()
    }
}

/// How many letters have to be typed, left out or changed to get from one word to the other.
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.bytes().enumerate() {
        let mut corner = i;
        row[0] = i + 1;
        for (j, b) in other.bytes().enumerate() {
            let changed = corner + usize::from(a != b);
            corner = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(corner + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn words_are_as_far_apart_as_they_differ() {
        for (one, other, number) in [
            ("", "", 0),
            ("abc", "abc", 0),
            ("abc", "", 3),
            ("BACKUP_DIR", "BACKUP_DIRS", 1),
            ("PORTS", "SPORT", 2),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!((distance(one, other), distance(other, one)), (number, number), "{one} {other}");
        }
    }

    #[test]
    fn what_is_misspelt_is_told_from_what_is_somebody_elses() {
        let unknown = |name: &str| {
            let environment = BTreeMap::from([(name.to_owned(), "x".to_owned())]);
            let raw = Raw::take(Vec::new(), environment).unwrap().0;
            raw.unknown().first().map(|(_, close)| *close)
        };
        for (name, close) in
            [("STATS_DATABSE", "STATS_DATABASE"), ("TRUSTED_PROXY", "TRUSTED_PROXIES"), ("MOSP_URLS", "MOSP_URL")]
        {
            assert_eq!(unknown(name), Some(Some(close)), "{name}");
        }
        assert_eq!(unknown("STATS_COLOUR"), Some(None));
        assert_eq!(unknown("MONARC_STATS_PORT"), Some(None));
        for name in [
            "PATH",
            "HOME",
            "HOSTNAME",
            "LD_PATH",
            "NODE_PATH",
            "LOGNAME",
            "TZ",
            "STORE",
            "STATS_PORT",
            "STATS_DB_HOST",
            "DEBUG",
        ] {
            assert_eq!(unknown(name), None, "{name}");
        }
    }
}
