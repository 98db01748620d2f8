//! All commands as data, for what documents them: the manual page and the completions.

use super::Arguments;
use argh::{ArgsInfo, CommandInfoWithArgs};

/// A command and what leads to it.
pub struct Entry {
    /// The words behind the program's name, such as `client create`; empty for the program itself.
    pub words: String,
    /// Its help, flags and examples.
    pub info: CommandInfoWithArgs,
}

/// The program and all its commands, each before those below it.
pub fn tree() -> Vec<Entry> {
    let mut all = Vec::new();
    add(&mut all, String::new(), Arguments::get_args_info());
    all
}

fn add(all: &mut Vec<Entry>, words: String, info: CommandInfoWithArgs) {
    let below = info.commands.clone();
    all.push(Entry { words: words.clone(), info });
    for command in below {
        let path = format!("{words} {}", command.name);
        add(all, path.trim_start().to_owned(), command.command);
    }
}
