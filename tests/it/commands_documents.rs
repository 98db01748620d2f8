//! `manual`, `completions` and `config --template`: what is made of the commands and settings there are.

use crate::common::Place;
use argh::CommandInfoWithArgs;
use monarc_stats::commands::args::tree::tree;
use monarc_stats::config::SETTINGS;
use std::io::Write;
use std::process::{Command, Stdio};

/// Runs a program that must succeed with this as its input; none if it is not installed.
fn fed(program: &str, words: &[&str], input: &str) -> Option<String> {
    let child = Command::new(program).args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut child = child.inspect_err(|error| println!("{program} is left out: {error}")).ok()?;
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{program}: {text}");
    Some(text)
}

/// Each command's words, its flags and its positional arguments.
fn commands() -> Vec<(String, CommandInfoWithArgs)> {
    let all: Vec<_> = tree().into_iter().map(|entry| (entry.words, entry.info)).collect();
    assert!(all.len() >= 30 && all.iter().any(|(words, _)| words == "client create"));
    all
}

#[test]
fn the_manual_has_every_command_flag_and_setting() {
    let page = Place::new().ok(&["manual"]);
    let plain = page.replace("\\-", "-").replace("\\(aq", "'").replace("\\e", "\\");
    for (words, info) in commands() {
        let heading = if words.is_empty() { ".SH COMMANDS".into() } else { format!(".SS monarc-stats {words}") };
        assert!(plain.lines().any(|line| line.starts_with(&heading)), "{heading}");
        for flag in info.flags.iter().filter(|flag| flag.long != "--help") {
            assert!(plain.contains(&format!("\n.B {}", flag.long)), "{words} {}", flag.long);
        }
        let example =
            info.examples.first().map(|text| text.replace("{command_name}", &format!("monarc-stats {words}")));
        assert!(example.is_none_or(|example| plain.contains(&example)), "{words}");
    }
    for setting in SETTINGS {
        let entry = plain.split(&format!("\n.B {}, {}", setting.name, setting.flag())).nth(1).unwrap_or_else(|| {
            panic!("{} is not in the manual", setting.name);
        });
        assert!(entry.lines().nth(1).unwrap().starts_with(setting.help), "{}", setting.name);
    }
    for section in ["NAME", "SYNOPSIS", "DESCRIPTION", "COMMANDS", "SETTINGS", "FILES", "EXIT STATUS", "EXAMPLES"] {
        assert!(page.contains(&format!(".SH {section}\n")), "{section}");
    }
    fed("mandoc", &["-T", "lint", "-W", "error"], &page);
}

#[test]
fn the_template_has_every_setting_and_changes_nothing() {
    let place = Place::new();
    let template = place.ok(&["config", "--template"]);
    for setting in SETTINGS {
        let lines = format!("# {}: {}", setting.name, setting.help);
        let entry = template.split(&lines).nth(1).unwrap_or_else(|| panic!("{} is missing", setting.name));
        assert_eq!(entry.lines().nth(1).unwrap(), format!("#{}={}", setting.name, setting.default));
    }
    assert!(template.lines().all(|line| line.is_empty() || line.starts_with('#')));
    // With every # before a name taken away nothing changes, too.
    let variables = template.lines().filter_map(|line| line.strip_prefix('#')?.split_once('='));
    let mut command = place.command(&["config"]);
    command.envs(variables.filter(|(name, value)| !name.contains(' ') && !value.is_empty()));
    let said = String::from_utf8(command.output().unwrap().stdout).unwrap();
    let without_source = |text: &str| text.replace("environment", "default    ");
    assert_eq!(without_source(&said), without_source(&place.ok(&["config"])));
}

/// What bash offers for the last of these words.
fn offered(script: &str, words: &[&str]) -> Vec<String> {
    let line = words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" ");
    let last = words.len() - 1;
    let run = format!(
        "{script}\nCOMP_WORDS=({line}) COMP_CWORD={last}\n_monarc_stats monarc-stats '{}' '{}'\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"",
        words[last],
        words[last - 1]
    );
    let text = fed("bash", &["-s"], &run).unwrap();
    text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

#[test]
fn bash_completes_commands_flags_and_values() {
    let script = Place::new().ok(&["completions", "bash"]);
    let offers = |words: &[&str]| offered(&script, words);
    assert_eq!(offers(&["monarc-stats", "cl"]), ["client"]);
    assert_eq!(offers(&["monarc-stats", "--store", "x.db", "stats", "de"]), ["delete", "deduplicate"]);
    assert_eq!(offers(&["monarc-stats", "client", "create", "--role", ""]), ["user", "admin"]);
    assert_eq!(offers(&["monarc-stats", "push", "--type", "co"]), ["compliance"]);
    assert_eq!(offers(&["monarc-stats", "completions", "f"]), ["fish"]);
    // A command that two others share is not confused.
    let flags = offers(&["monarc-stats", "stats", "delete", "--"]);
    assert!(flags.contains(&"--anr".into()) && flags.contains(&"--port".into()), "{flags:?}");
    assert!(!offers(&["monarc-stats", "client", "delete", "--"]).contains(&"--anr".into()));
    // Files are left to the shell.
    assert!(offers(&["monarc-stats", "--store", ""]).is_empty());
    assert!(offers(&["monarc-stats", "database", "backup", ""]).is_empty());
    for (words, info) in commands() {
        let line: Vec<&str> = std::iter::once("monarc-stats").chain(words.split_whitespace()).collect();
        let offered = offers(&[line.as_slice(), &["-"]].concat());
        let settings = SETTINGS.iter().map(|setting| setting.flag());
        for flag in info.flags.iter().map(|flag| flag.long.to_owned()).chain(settings) {
            assert!(offered.contains(&flag), "{words}: {flag}");
        }
        let offered = offers(&[line.as_slice(), &[""]].concat());
        assert!(info.commands.iter().all(|command| offered.iter().any(|word| word == command.name)), "{words}");
    }
}

#[test]
fn zsh_and_fish_read_theirs() {
    let place = Place::new();
    let zsh = place.ok(&["completions", "zsh"]);
    let fish = place.ok(&["completions", "fish"]);
    for (words, info) in commands() {
        for flag in info.flags {
            assert!(zsh.contains(&format!("'{}:{}'", flag.long, flag.description.replace('\'', "'\\''"))), "{words}");
            assert!(fish.contains(&format!(" -l {}", &flag.long[2..])), "{words}");
        }
        if !words.is_empty() {
            assert!(zsh.contains(&format!("' {words}')")) && fish.contains(&format!("' {words}'")), "{words}");
        }
    }
    for setting in SETTINGS {
        assert!(zsh.contains(&format!("'{}:", setting.flag())), "{}", setting.name);
        assert!(fish.contains(&format!(" -l {}", &setting.flag()[2..])), "{}", setting.name);
    }
    fed("zsh", &["-n"], &zsh);
    fed("fish", &["--no-execute"], &fish);
    let path = place.path().join("monarc-stats.fish");
    std::fs::write(&path, &fish).unwrap();
    let ask = |line: &str| {
        let run = format!("source {}; complete -C '{line}'", path.display());
        let text = fed("fish", &["--no-config", "-c", &run], "")?;
        Some(text.lines().map(|line| line.split('\t').next().unwrap().to_owned()).collect::<Vec<_>>())
    };
    let Some(actions) = ask("monarc-stats stats d") else { return };
    assert_eq!(actions, ["deduplicate", "delete"]);
    assert_eq!(ask("monarc-stats client create --role ").unwrap(), ["admin", "user"]);
}
