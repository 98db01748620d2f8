//! From the words that were typed to a command: spellings that argh does not know, and mistakes in words of our own.

use super::Arguments;
use crate::config::{SETTINGS, closest};
use argh::{ArgsInfo, CommandInfoWithArgs, FlagInfoKind, FromArgs};

/// Why there is no command to run.
#[derive(Debug)]
pub enum NoCommand {
    /// Help was asked for; here it is.
    Help(String),
    /// Something that was typed cannot be used: a sentence.
    Wrong(String),
}

/// Reads what is left when the settings' flags are taken out.
///
/// # Errors
/// The help that was asked for, or what is wrong.
pub fn parse(words: &[String]) -> Result<Arguments, NoCommand> {
    let mut reader = Reader { info: Arguments::get_args_info(), path: String::new(), words: Vec::new() };
    let mut rest = words.iter().map(String::as_str);
    while let Some(word) = rest.next() {
        if word == "--" {
            reader.words.push(word);
            reader.words.extend(rest);
            break;
        }
        reader.read(word, &mut rest)?;
    }
    Arguments::from_args(&["monarc-stats"], &reader.words).map_err(|early| match early.status {
        Ok(()) => NoCommand::Help(early.output),
        Err(()) => reader.wrong(reworded(&early.output)),
    })
}

/// How far the words have been read.
struct Reader<'a> {
    /// The command that they have got to.
    info: CommandInfoWithArgs,
    /// Its words, such as `client create`; empty at the beginning.
    path: String,
    /// What argh is to read.
    words: Vec<&'a str>,
}

impl<'a> Reader<'a> {
    fn read(&mut self, word: &'a str, rest: &mut impl Iterator<Item = &'a str>) -> Result<(), NoCommand> {
        match word {
            "-h" | "--help" | "help" => self.words.push("--help"),
            "-V" | "--version" if self.path.is_empty() => self.words.push("--version"),
            _ if word.starts_with('-') && word.len() > 1 => self.flag(word, rest)?,
            _ if self.info.commands.is_empty() => self.words.push(word),
            _ => self.command(word)?,
        }
        Ok(())
    }

    /// A flag of the command, its value behind `=` or in the next word.
    fn flag(&mut self, word: &'a str, rest: &mut impl Iterator<Item = &'a str>) -> Result<(), NoCommand> {
        let (name, value) = word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
        let Some(flag) = self.info.flags.iter().find(|flag| flag.long == name) else {
            let settings: Vec<String> = SETTINGS.iter().flat_map(|setting| setting.flags()).collect();
            let own = self.info.flags.iter().map(|flag| flag.long);
            let meant = did_you_mean(closest(name, own.chain(settings.iter().map(String::as_str))));
            return Err(self.wrong(format!("there is no flag {name}{meant}")));
        };
        self.words.push(name);
        match (&flag.kind, value) {
            (FlagInfoKind::Switch, Some(_)) => return Err(self.wrong(format!("{name} takes no value"))),
            (FlagInfoKind::Switch, None) => {}
            (FlagInfoKind::Option { .. }, value) => self.words.extend(value.or_else(|| rest.next())),
        }
        Ok(())
    }

    fn command(&mut self, word: &'a str) -> Result<(), NoCommand> {
        let Some(found) = self.info.commands.iter().find(|command| command.name == word) else {
            let meant = did_you_mean(closest(word, self.info.commands.iter().map(|command| command.name)));
            let before = if self.path.is_empty() { String::new() } else { format!("{} ", self.path) };
            return Err(self.wrong(format!("there is no command {:?}{meant}", format!("{before}{word}"))));
        };
        let below = found.command.clone();
        self.path = format!("{} {word}", self.path).trim_start().to_owned();
        self.words.push(word);
        self.info = below;
        Ok(())
    }

    /// A sentence, and where to read more.
    fn wrong(&self, sentence: String) -> NoCommand {
        let command = format!("monarc-stats {}", self.path);
        NoCommand::Wrong(format!("{sentence}; see '{} --help'", command.trim_end()))
    }
}

fn did_you_mean(word: Option<&str>) -> String {
    word.map(|word| format!("; did you mean {word}?")).unwrap_or_default()
}

/// What argh says, on one line and as we would say it.
fn reworded(output: &str) -> String {
    let joined = output.split_whitespace().collect::<Vec<_>>().join(" ");
    let list = |text: &str| text.split(' ').filter(|word| *word != "help").collect::<Vec<_>>().join(", ");
    for (theirs, ours) in [
        ("Required positional arguments not provided: ", "this is missing: "),
        ("Required options not provided: ", "this is missing: "),
        ("One of the following subcommands must be present: ", "one of these has to follow: "),
    ] {
        if let Some(names) = joined.strip_prefix(theirs) {
            return format!("{ours}{}", list(names));
        }
    }
    if let Some(word) = joined.strip_prefix("Unrecognized argument: ") {
        return format!("{} is one word too many", word.split(". Did you mean").next().unwrap_or(word));
    }
    if let Some((name, value, reason)) = joined.strip_prefix("Error parsing option '").and_then(|rest| {
        let (name, rest) = rest.split_once("' with value '")?;
        let (value, reason) = rest.split_once("': ")?;
        Some((name, value, reason))
    }) {
        return format!("{name} {value:?} cannot be used: {reason}");
    }
    match joined.strip_prefix("No value provided for option '").and_then(|rest| rest.split_once('\'')) {
        Some((name, _)) => format!("{name} needs a value"),
        None => joined,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::args::{ClientAction, Command};

    fn parsed(words: &[&str]) -> Result<Arguments, NoCommand> {
        parse(&words.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    #[test]
    fn a_value_may_stand_behind_its_flag_in_both_ways() {
        for words in [&["client", "create", "--name=-h"][..], &["client", "create", "--name", "-h"]] {
            let Some(Command::Client(client)) = parsed(words).unwrap().command else { panic!("another command") };
            let ClientAction::Create(create) = client.action else { panic!("another action") };
            assert_eq!(create.name, "-h");
        }
        assert!(parsed(&["-V"]).unwrap().version);
        for words in [&["-h"][..], &["client", "-h"], &["client", "help"], &["client", "create", "--help"]] {
            let Err(NoCommand::Help(text)) = parsed(words) else { panic!("{words:?}") };
            assert!(text.starts_with("Usage: monarc-stats"), "{text}");
        }
    }

    #[test]
    fn mistakes_are_told_in_our_own_words() {
        for (words, sentence) in [
            (&["sevre"][..], "there is no command \"sevre\"; did you mean serve?; see 'monarc-stats --help'"),
            (
                &["client", "creat"],
                "there is no command \"client creat\"; did you mean create?; see 'monarc-stats client --help'",
            ),
            (&["xyzzy"], "there is no command \"xyzzy\"; see 'monarc-stats --help'"),
            (&["--prot", "1"], "there is no flag --prot; did you mean --port?; see 'monarc-stats --help'"),
            (
                &["client", "list", "--jsno"],
                "there is no flag --jsno; did you mean --json?; see 'monarc-stats client list --help'",
            ),
            (&["client", "list", "--json=1"], "--json takes no value; see 'monarc-stats client list --help'"),
            (&["-x"], "there is no flag -x; see 'monarc-stats --help'"),
            (&["client", "create"], "this is missing: --name; see 'monarc-stats client create --help'"),
            (&["client", "delete"], "this is missing: client; see 'monarc-stats client delete --help'"),
            (&["client", "create", "--name"], "--name needs a value; see 'monarc-stats client create --help'"),
            (
                &["database"],
                "one of these has to follow: check, backup, restore, migrate; see 'monarc-stats database --help'",
            ),
            (&["stats", "latest", "x"], "x is one word too many; see 'monarc-stats stats latest --help'"),
            (
                &["demo", "--days", "many"],
                "--days \"many\" cannot be used: invalid digit found in string; see 'monarc-stats demo --help'",
            ),
        ] {
            let Err(NoCommand::Wrong(text)) = parsed(words) else { panic!("{words:?}") };
            assert_eq!(text, sentence);
        }
    }
}
