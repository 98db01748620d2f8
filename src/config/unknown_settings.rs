//! Names that look as if they were meant for this program, and are not.

use super::settings::{SETTINGS, Setting, WITHOUT_EFFECT};
use super::{Raw, proxies};

/// What else the file of a service may set: the environment of any program.
const OF_THE_SYSTEM: [&str; 12] = [
    "TZ",
    "TZDIR",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "PATH",
    "HOME",
    "LANG",
    "LANGUAGE",
    "TMPDIR",
    "XDG_DATA_HOME",
    "STATE_DIRECTORY",
    "RUST_BACKTRACE",
];

impl Raw {
    /// Variables of the environment that mean nothing and look as if they were meant for this program: the name, and the
    /// setting that it resembles.
    pub fn unknown(&self) -> Vec<(&str, Option<&'static str>)> {
        let names = || SETTINGS.iter().flat_map(Setting::names);
        let unknown_settings = self
            .environment_names()
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

/// Whether a name in the service's own file means something.
pub(super) fn may_stand_in_file(name: &str) -> bool {
    let mut known = SETTINGS.iter().flat_map(Setting::names).chain(WITHOUT_EFFECT.iter().copied());
    known.any(|known| known == name)
        || OF_THE_SYSTEM.contains(&name)
        || proxies::NAMES.contains(&name)
        || name.starts_with("LC_")
}

/// The word that somebody meant who has typed another, if one is close: two letters may be wrong, or its end missing.
pub fn closest<'a>(typed: &str, words: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let far = |word: &str| match word.starts_with(typed) && typed.len() > 2 {
        true => 0,
        false => distance(word, typed),
    };
    let judged = words.map(|word| (far(word), word));
    judged.filter(|(far, word)| *far <= 2 && *far * 2 <= word.len()).min().map(|(_, word)| word)
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
            let mut raw = Raw::default();
            raw.add_environment([(name.into(), "x".into())]);
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
