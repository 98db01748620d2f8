//! `monarc-stats manual`: the manual page, made of the help there is.
//!
//! It is written in roff, as man(7) describes it, and has no date: the same program always prints the same page.

use crate::commands::args::tree::{Entry, tree};
use crate::config::{SETTINGS, TIME_ZONE};
use crate::error::Result;
use argh::{FlagInfo, FlagInfoKind, Optionality, PositionalInfo};

/// What is not known from commands and settings: the end of the page.
const END: &str = include_str!("manual/end.txt");

/// Prints it.
pub fn run() -> Result<()> {
    super::say(page().trim_end())
}

fn page() -> String {
    let entries = tree();
    let mut page = Page::default();
    page.raw(&format!(".TH MONARC\\-STATS 1 \"\" \"monarc\\-stats {}\" \"User Commands\"", env!("CARGO_PKG_VERSION")));
    page.raw(".SH NAME");
    page.text(&format!("monarc-stats - {}", env!("CARGO_PKG_DESCRIPTION")));
    page.raw(".SH SYNOPSIS\n.B monarc\\-stats\n.RI [ settings ]\n.RI [ command ]\n.RI [ options ]");
    page.raw(".SH DESCRIPTION");
    for entry in entries.iter().filter(|entry| entry.words.is_empty()) {
        body(&mut page, entry);
    }
    page.raw(".SH COMMANDS");
    for entry in entries.iter().filter(|entry| !entry.words.is_empty()) {
        page.raw(&format!(".SS monarc\\-stats {}", escaped(&synopsis(entry))));
        body(&mut page, entry);
    }
    settings(&mut page);
    page.raw(END.trim_end());
    page.0
}

#[derive(Default)]
struct Page(String);

impl Page {
    /// Lines of roff.
    fn raw(&mut self, lines: &str) {
        self.0.push_str(lines);
        self.0.push('\n');
    }

    /// Lines of plain text.
    fn text(&mut self, text: &str) {
        for line in text.lines() {
            // A line that begins with a dot or a quote would be a request.
            let guard = if line.starts_with(['.', '\'']) { "\\&" } else { "" };
            self.raw(&format!("{guard}{}", escaped(line.trim())));
        }
    }

    /// A term and its meaning.
    fn item(&mut self, term: &str, meaning: &str) {
        self.raw(&format!(".TP\n.B {}", escaped(term)));
        self.text(meaning);
    }

    /// Lines that are to stay as they are.
    fn verbatim(&mut self, text: &str) {
        self.raw(".PP\n.nf");
        self.raw(&text.lines().map(|line| format!("    {}", escaped(line))).collect::<Vec<_>>().join("\n"));
        self.raw(".fi");
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\e").replace('-', "\\-").replace('\'', "\\(aq").replace('`', "\\(ga").replace('^', "\\(ha")
}

/// The command with its positional arguments.
fn synopsis(entry: &Entry) -> String {
    let mut words = entry.words.clone();
    for PositionalInfo { name, optionality, .. } in entry.info.positionals {
        let word = name.to_uppercase();
        words.push_str(&if *optionality == Optionality::Required { format!(" {word}") } else { format!(" [{word}]") });
    }
    words
}

fn body(page: &mut Page, entry: &Entry) {
    page.text(entry.info.description);
    for PositionalInfo { name, description, .. } in entry.info.positionals {
        page.item(&name.to_uppercase(), description);
    }
    for flag in entry.info.flags.iter().filter(|flag| flag.long != "--help") {
        page.item(&term(flag), flag.description);
    }
    for line in entry.info.notes.iter().flat_map(|note| note.lines()) {
        if let Some(command) = line.strip_prefix("  ") {
            page.verbatim(command);
        } else {
            page.raw(".PP");
            page.text(line);
        }
    }
    for example in entry.info.examples {
        page.verbatim(&example.replace("{command_name}", &format!("monarc-stats {}", entry.words)));
    }
    if !entry.info.error_codes.is_empty() {
        page.raw(".PP\nExit status:");
    }
    for code in entry.info.error_codes {
        page.item(&code.code.to_string(), code.description);
    }
}

fn term(flag: &FlagInfo<'_>) -> String {
    match flag.kind {
        FlagInfoKind::Switch => flag.long.to_owned(),
        FlagInfoKind::Option { arg_name } if arg_name.contains('|') => format!("{} {arg_name}", flag.long),
        FlagInfoKind::Option { arg_name } => format!("{} {}", flag.long, arg_name.to_uppercase()),
    }
}

fn settings(page: &mut Page) {
    page.raw(".SH SETTINGS");
    page.text(
        "Each setting is an environment variable, and a flag of every command; a flag wins. Switches are on or off.",
    );
    for setting in SETTINGS {
        let value = if setting.is_switch { "" } else { " VALUE" };
        let flags: Vec<String> = setting.flags().iter().map(|flag| format!("{flag}{value}")).collect();
        let default = match setting.default {
            "" => String::new(),
            default => format!(" (default: {default})"),
        };
        page.item(&format!("{}, {}", setting.name, flags.join(", ")), &format!("{}{default}", setting.help));
    }
    page.item("TZ", TIME_ZONE);
}
