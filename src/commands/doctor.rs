//! `monarc-stats doctor`: looks at everything an installation needs, changes nothing, and says how to mend what is wrong.
//!
//! Each file below looks at one thing. A check has a stable name, for whoever reads the JSON, and may say several lines.

mod backups;
mod clock;
mod collection;
mod files;
mod front_office;
mod network;
mod php;
mod public;
mod service;
mod settings;
mod sharing;
mod stats;
mod unit;
mod watch;

use crate::commands::args::Doctor;
use crate::config::{Config, Raw};
use crate::error::Result;
use crate::model::text::without_password;
use crate::service::logging;
use crate::service::schedule;
use crate::store::read_only::ReadOnlyStore;
use crate::terminal::say;
use serde::Serialize;
use std::path::Path;
use std::process::ExitCode;

/// What to do about a store that is not whole.
const DAMAGED: &str = "'monarc-stats database check' looks closer; restore a backup";

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Ok,
    Warning,
    Problem,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Finding {
    /// The check's stable name.
    check: &'static str,
    status: Status,
    /// What was found.
    message: String,
    /// How to mend it; empty if all is well.
    remedy: String,
}

impl Finding {
    fn ok(check: &'static str, message: impl Into<String>) -> Self {
        Self::new(check, Status::Ok, message.into(), String::new())
    }

    fn warning(check: &'static str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(check, Status::Warning, message.into(), remedy.into())
    }

    fn problem(check: &'static str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(check, Status::Problem, message.into(), remedy.into())
    }

    fn new(check: &'static str, status: Status, message: String, remedy: String) -> Self {
        let shown = |text: &str| without_password(text).into_owned();
        Self { check, status, message: shown(&message), remedy: shown(&remedy) }
    }
}

/// Prints what was found; the exit code is 1 if there is a problem.
pub fn run(command: &Doctor, raw: &Raw) -> Result<ExitCode> {
    // What goes wrong is a finding, and not also a line of the log.
    logging::start(None, log::LevelFilter::Off)?;
    let findings = examine(command, raw);
    if command.json {
        say(&serde_json::to_string_pretty(&findings).unwrap_or_default())?;
    } else {
        findings.iter().try_for_each(|finding| say(&line(finding)))?;
    }
    let is_ill = findings.iter().any(|finding| finding.status == Status::Problem);
    Ok(if is_ill { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn line(finding: &Finding) -> String {
    let Finding { check, message, remedy, .. } = finding;
    let status = match finding.status {
        Status::Ok => "ok",
        Status::Warning => "warning",
        Status::Problem => "problem",
    };
    let remedy = if remedy.is_empty() { String::new() } else { format!(" -> {remedy}") };
    format!("{status:<8} {check:<12} {message}{remedy}")
}

fn examine(command: &Doctor, raw: &Raw) -> Vec<Finding> {
    let mut findings = settings::check(raw);
    let config = match Config::new(raw).and_then(|config| schedule::check(&config).map(|()| config)) {
        Ok(config) => config,
        Err(error) => {
            findings.push(Finding::problem("settings", error.chain(), "correct it; nothing else was looked at"));
            return findings;
        }
    };
    findings.push(Finding::ok("settings", "all values can be used"));
    findings.extend(settings::short_token(&config));
    findings.extend(files::check(&config.store));
    let (look, store) = stats::open(&config.store);
    findings.extend(store);
    let look = look.as_ref();
    findings.extend(settings::published_tokens(&config, look));
    findings.extend(clock::check(look));
    findings.extend(backups::check(&config, look));
    findings.extend(unit::check(&config, raw));
    findings.push(service::check(&config));
    findings.extend(look.map(stats::senders).unwrap_or_default());
    findings.extend(watch::check(look));
    findings.extend(sharing::check(look));
    findings.extend(public::check(&config, look));
    findings.extend(front_office::check(&command.front_office, look));
    findings.extend(collection::check(Path::new("/")));
    findings.extend(network::check(&config));
    findings
}

/// How the doctor asks whoever has the store for what it knows; a failure is a finding.
fn asked<T>(check: &'static str, result: Result<T>) -> std::result::Result<T, Finding> {
    result.map_err(|error| Finding::problem(check, error.chain(), DAMAGED))
}

/// A store that has the schema of this program, of which questions can be asked.
fn current(look: Option<&ReadOnlyStore>) -> Option<&ReadOnlyStore> {
    look.filter(|look| look.is_current())
}
