//! Settings as they were typed: flags, the environment, and the file of an installed service.

use super::file::{FILE, Variables};
use super::proxies;
use super::settings::{SETTINGS, Setting, WITHOUT_EFFECT};
use super::unknown_settings::{closest, may_stand_in_file};
use crate::error::{Error, Result};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Nothing was said.
    Default,
    /// An environment variable.
    Environment,
    /// The file of an installed service's settings, [`FILE`].
    File,
    /// A flag.
    Flag,
}

impl Source {
    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Environment => "environment",
            Self::File => "file",
            Self::Flag => "flag",
        }
    }
}

/// Settings as they were typed: the flags taken out of the arguments, and the environment.
#[derive(Default)]
pub struct Raw {
    flags: BTreeMap<&'static str, String>,
    pub(super) environment: BTreeMap<String, String>,
    /// Names of variables in the environment that are set to something else than UTF-8.
    no_text: BTreeSet<String>,
    file: Variables,
    /// Why the file was not read although it is there.
    pub(super) unreadable: Option<std::io::Error>,
}

impl Raw {
    /// Takes the settings' flags, wherever they stand, out of `arguments`, and leaves the rest to the commands.
    ///
    /// # Errors
    /// `Invalid` if a flag has no value, naming it.
    pub fn take(arguments: Vec<String>) -> Result<(Self, Vec<String>)> {
        let mut raw = Self::default();
        let mut rest = Vec::new();
        let mut words = arguments.into_iter().peekable();
        while let Some(word) = words.next() {
            let (name, value) = match word.split_once('=') {
                Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                None => (word.clone(), None),
            };
            let Some(setting) = SETTINGS.iter().find(|setting| setting.has_flag(&name)) else {
                rest.push(word);
                continue;
            };
            let value = match value {
                None if setting.is_switch => {
                    words.next_if(|word| super::switch(word).is_ok()).or_else(|| Some("on".to_owned()))
                }
                None => words.next(),
                given => given,
            };
            let value = value.ok_or_else(|| Error::invalid(format!("{name} needs a value: {}", setting.help)))?;
            raw.flags.insert(setting.name, value);
        }
        Ok((raw, rest))
    }

    /// Adds the variables of the environment.
    pub fn add_environment(&mut self, variables: impl IntoIterator<Item = (OsString, OsString)>) {
        for (name, value) in variables {
            let name = name.to_string_lossy().into_owned();
            match value.into_string() {
                Ok(value) => drop(self.environment.insert(name, value)),
                Err(_) => drop(self.no_text.insert(name)),
            }
        }
    }

    /// Adds what the file of an installed service says, where neither a flag nor the environment does.
    pub fn add_file(&mut self, read: std::io::Result<String>) {
        match read {
            Ok(text) => self.file = Variables::read(&text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => self.unreadable = Some(error),
        }
    }

    /// Replaces each secret that was typed as `-` by a line from `read`: what is typed is seen by everybody who lists the
    /// processes.
    ///
    /// # Errors
    /// Those of `read`.
    pub fn read_secrets(&mut self, mut read: impl FnMut() -> Result<String>) -> Result<()> {
        for setting in SETTINGS.iter().filter(|setting| setting.is_secret) {
            if let Some(value) = self.flags.get_mut(setting.name).filter(|value| *value == "-") {
                *value = read()?;
            }
        }
        Ok(())
    }

    /// The value of a setting and its source. An empty variable counts as not set, except for `MOSP_URL`, where it
    /// means something.
    pub fn value(&self, setting: &Setting) -> (String, Source) {
        if let Some(value) = self.flags.get(setting.name) {
            return (value.clone(), Source::Flag);
        }
        for (variables, source) in [(&self.environment, Source::Environment), (&self.file.values, Source::File)] {
            let names = std::iter::once(setting.name).chain(setting.aliases.iter().copied());
            let mut values = names.filter_map(|name| variables.get(name)).map(|value| value.trim());
            if let Some(value) = values.find(|value| !value.is_empty() || setting.name == "MOSP_URL") {
                return (value.to_owned(), source);
            }
        }
        (setting.default.to_owned(), Source::Default)
    }

    /// What tells the answers of one configuration from those of another.
    pub(super) fn fingerprint(&self) -> String {
        let mut hash = Sha256::new_with_prefix(env!("CARGO_PKG_VERSION"));
        SETTINGS.iter().for_each(|setting| hash.update(format!("\n{}={}", setting.name, self.value(setting).0)));
        hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }

    /// The time zone of "today" and its source. Only the environment has a say: the file is not read by what finds the zone.
    pub fn time_zone(&self) -> (String, &'static str) {
        match self.environment.get("TZ").filter(|zone| !zone.is_empty()) {
            Some(zone) => (zone.clone(), Source::Environment.name()),
            None => (jiff::tz::TimeZone::system().iana_name().unwrap_or("UTC").to_owned(), "machine"),
        }
    }

    /// Variables that are set and that only the reference implementation knows.
    pub fn without_effect(&self) -> Vec<&str> {
        let names = self.names();
        WITHOUT_EFFECT.iter().copied().filter(|name| names.contains(name)).collect()
    }

    /// Makes sure that every name in the service's own file means something, and that what means something is text.
    ///
    /// # Errors
    /// `Invalid`, naming the line or the variable.
    pub(super) fn check_names(&self) -> Result<()> {
        let set = |setting: &&Setting| !self.flags.contains_key(setting.name);
        let ours = SETTINGS.iter().filter(set).flat_map(Setting::names).chain(["TZ"]).chain(proxies::NAMES);
        if let Some(name) = ours.into_iter().find(|name| self.is_no_text(name)) {
            return Err(super::unusable(name, "…", "it is not UTF-8"));
        }
        if self.unreadable.as_ref().is_some_and(|error| error.kind() == std::io::ErrorKind::InvalidData) {
            return Err(Error::invalid(format!("{FILE} is not UTF-8")));
        }
        if let Some(line) = self.file.others.first() {
            return Err(Error::invalid(format!("{FILE}:{line}: it is no NAME=value")));
        }
        match self.file.lines.iter().filter(|(name, _)| !may_stand_in_file(name)).min_by_key(|(_, line)| **line) {
            None => Ok(()),
            Some((name, line)) => {
                let advice = match closest(name, SETTINGS.iter().flat_map(Setting::names)) {
                    Some(close) => format!("is {close} meant?"),
                    None => "'monarc-stats config --template' lists them".into(),
                };
                Err(Error::invalid(format!("{FILE}:{line}: {name} is no setting; {advice}")))
            }
        }
    }

    /// Whether a variable of the environment is set to something else than UTF-8.
    pub(super) fn is_no_text(&self, name: &str) -> bool {
        self.no_text.contains(name)
    }

    /// The names of the environment alone.
    pub(super) fn environment_names(&self) -> impl Iterator<Item = &str> {
        self.environment.keys().map(String::as_str)
    }

    /// The variables of the file, where the environment has no other value for them.
    pub(super) fn variables(&self) -> BTreeMap<String, String> {
        let mut variables = self.file.values.clone();
        variables.extend(self.environment.clone());
        variables
    }

    /// The variables of the environment and of the file.
    fn names(&self) -> BTreeSet<&str> {
        self.environment.keys().chain(self.file.values.keys()).map(String::as_str).collect()
    }
}
