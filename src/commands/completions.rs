//! `monarc-stats completions`: the shells' scripts, filled in from the commands and settings there are.
//!
//! A place is where a line has got to: the words of the command so far, each behind a space. A crate for this exists,
//! argh_complete, but it knows no settings and takes `stats delete` for `client delete`.

use crate::commands::args::tree::{Entry, tree};
use crate::commands::args::{Completions, Shell};
use crate::config::{SETTINGS, Setting};
use crate::error::Result;
use crate::model::StatType;
use argh::FlagInfoKind;

/// Prints the script of a shell.
pub fn run(command: &Completions) -> Result<()> {
    let entries = tree();
    super::say(&match command.shell {
        Shell::Bash => bash(&entries),
        Shell::Zsh => zsh(&entries),
        Shell::Fish => fish(&entries),
    })
}

fn bash(entries: &[Entry]) -> String {
    let row = |entry: &Entry| {
        let flags: Vec<&str> = entry.info.flags.iter().map(|flag| flag.long).collect();
        format!("'{}') commands='{}' flags='{}' ;;", place(entry), followers(entry).join(" "), flags.join(" "))
    };
    let settings: Vec<String> = setting_flags().into_iter().map(|(_, flag)| flag).collect();
    include_str!("completions/skeleton.bash")
        .replace("@PLACES@", &places(entries, "|"))
        .replace("@CHOICES@", &choices(entries, |words| format!("commands='{}'", words.join(" "))))
        .replace("@VALUES@", &valued(entries))
        .replace("@TABLE@", &entries.iter().map(row).collect::<Vec<_>>().join("\n        "))
        .replace("@SETTINGS@", &settings.join(" "))
}

fn zsh(entries: &[Entry]) -> String {
    let item = |name: &str, help: &str| quoted(&format!("{name}:{help}"));
    let row = |entry: &Entry| {
        let commands = entry.info.commands.iter().map(|one| item(one.name, one.command.description));
        let words = positional_words(entry).into_iter().map(str::to_owned);
        let flags = entry.info.flags.iter().map(|flag| item(flag.long, flag.description));
        let (commands, flags): (Vec<_>, Vec<_>) = (commands.chain(words).collect(), flags.collect());
        format!("'{}') commands=({}) flags=({}) ;;", place(entry), commands.join(" "), flags.join(" "))
    };
    let settings: Vec<String> = setting_flags().into_iter().map(|(setting, flag)| item(&flag, setting.help)).collect();
    include_str!("completions/skeleton.zsh")
        .replace("@PLACES@", &places(entries, "|"))
        .replace("@CHOICES@", &choices(entries, |words| format!("commands=({})", words.join(" "))))
        .replace("@VALUES@", &valued(entries))
        .replace("@TABLE@", &entries.iter().map(row).collect::<Vec<_>>().join("\n        "))
        .replace("@SETTINGS@", &settings.join("\n        "))
}

fn fish(entries: &[Entry]) -> String {
    let mut table = Vec::new();
    let mut add = |at: &str, what: &str, help: &str| {
        table.push(format!("complete -c monarc-stats {at}{what} -d {}", quoted(help)));
    };
    for entry in entries {
        let at = format!("-n \"__monarc_stats_at '{}'\" ", place(entry));
        for command in &entry.info.commands {
            add(&at, &format!("-f -a {}", command.name), command.command.description);
        }
        for word in positional_words(entry) {
            add(&at, &format!("-f -a {word}"), "");
        }
        for flag in entry.info.flags {
            let value = match flag.kind {
                FlagInfoKind::Switch => String::new(),
                FlagInfoKind::Option { arg_name } if words(arg_name).is_empty() => " -r".into(),
                FlagInfoKind::Option { arg_name } => format!(" -x -a '{}'", words(arg_name).join(" ")),
            };
            add(&at, &format!("-l {}{value}", &flag.long[2..]), flag.description);
        }
    }
    for (setting, flag) in setting_flags() {
        let value = if setting.is_switch { "" } else { " -r" };
        add("", &format!("-l {}{value}", &flag[2..]), setting.help);
    }
    include_str!("completions/skeleton.fish")
        .replace("@PLACES@", &places(entries, " "))
        .replace("@TABLE@", &table.join("\n"))
}

/// Where a line has got to with this command; empty at the beginning.
fn place(entry: &Entry) -> String {
    if entry.words.is_empty() { String::new() } else { format!(" {}", entry.words) }
}

/// A pattern of all places but the first.
fn places(entries: &[Entry], between: &str) -> String {
    entries[1..].iter().map(|entry| format!("'{}'", place(entry))).collect::<Vec<_>>().join(between)
}

/// The words that a value is chosen from; none if it is free.
fn words(name: &'static str) -> Vec<&'static str> {
    match name {
        "type" => StatType::ALL.map(StatType::name).into(),
        _ if name.contains('|') => name.split('|').collect(),
        _ => Vec::new(),
    }
}

fn positional_words(entry: &Entry) -> Vec<&'static str> {
    entry.info.positionals.first().map(|positional| words(positional.name)).unwrap_or_default()
}

/// What may come next, beside flags.
fn followers(entry: &Entry) -> Vec<&'static str> {
    entry.info.commands.iter().map(|command| command.name).chain(positional_words(entry)).collect()
}

/// The places behind each flag with words to choose from, and what `assign` makes of these.
fn choices(entries: &[Entry], assign: impl Fn(&[&str]) -> String) -> String {
    let mut rows = Vec::new();
    for entry in entries {
        for flag in entry.info.flags {
            if let FlagInfoKind::Option { arg_name } = flag.kind
                && let found = words(arg_name)
                && !found.is_empty()
            {
                rows.push(format!("'{} {}') {} ;;", place(entry), flag.long, assign(&found)));
            }
        }
    }
    rows.join("\n    ")
}

/// A pattern of all flags that want a value; files are offered for it.
fn valued(entries: &[Entry]) -> String {
    let own = entries.iter().flat_map(|entry| entry.info.flags);
    let own = own.filter(|flag| matches!(flag.kind, FlagInfoKind::Option { .. })).map(|flag| flag.long.to_owned());
    let settings = setting_flags().into_iter().filter(|(setting, _)| !setting.is_switch).map(|(_, flag)| flag);
    let mut flags: Vec<String> = own.chain(settings).map(|flag| format!("*' {flag}'")).collect();
    flags.sort();
    flags.dedup();
    flags.join("|")
}

/// The flags of all settings, with those that are shorter than the variable's name.
fn setting_flags() -> Vec<(&'static Setting, String)> {
    SETTINGS.iter().flat_map(|setting| setting.flags().into_iter().map(move |flag| (setting, flag))).collect()
}

/// In single quotes, as all three shells read them.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}
