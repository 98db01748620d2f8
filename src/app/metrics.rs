//! Counters for Prometheus.

use super::answer::Answer;
use super::{App, Request};
use crate::error::Result;
use crate::server::message::{Method, Response, Served};
use crate::store::jobs::Runs;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Upper ends of the latency buckets, in seconds.
const BUCKETS: [f64; 8] = [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10.0, f64::INFINITY];

/// What has happened since the start.
#[derive(Default)]
pub struct Metrics {
    answers: Mutex<Answers>,
    stored: AtomicU64,
}

#[derive(Clone, Default)]
struct Answers {
    /// By route, method and status.
    numbers: BTreeMap<(&'static str, &'static str, u16), u64>,
    latency: [u64; BUCKETS.len()],
    elapsed: Duration,
}

impl Metrics {
    /// Counts an answer.
    pub fn note(&self, served: &Served<'_>) {
        let method = served.head.map_or("-", |head| label(&head.method));
        let seconds = served.elapsed.as_secs_f64();
        let bucket = BUCKETS.iter().position(|end| seconds <= *end).unwrap_or(BUCKETS.len() - 1);
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        *answers.numbers.entry((served.route, method, served.status)).or_default() += 1;
        answers.latency[bucket] += 1;
        answers.elapsed += served.elapsed;
    }

    /// Counts stored stats.
    pub fn stored(&self, number: usize) {
        self.stored.fetch_add(u64::try_from(number).unwrap_or_default(), Ordering::Relaxed);
    }

    fn write(&self, text: &mut Text) {
        // Nobody waits for the writing of text.
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner).clone();
        text.family("monarc_requests_total", "counter", "Answers by route, method and status.");
        for ((route, method, status), number) in &answers.numbers {
            let labels = format!("route={route:?},method={method:?},status=\"{status}\"");
            text.sample("monarc_requests_total", &labels, number);
        }
        let help = "Time from the first byte of a request to the last of its answer.";
        text.family("monarc_request_seconds", "histogram", help);
        let mut sum = 0;
        for (end, number) in BUCKETS.iter().zip(answers.latency) {
            sum += number;
            let name = if end.is_finite() { end.to_string() } else { "+Inf".into() };
            text.sample("monarc_request_seconds_bucket", &format!("le=\"{name}\""), sum);
        }
        text.sample("monarc_request_seconds_sum", "", answers.elapsed.as_secs_f64());
        text.sample("monarc_request_seconds_count", "", sum);
        let stored = self.stored.load(Ordering::Relaxed);
        text.single("monarc_stats_stored_total", "counter", "Stats stored since the start.", stored);
    }
}

/// A method's label: anybody may make up methods, and each of them would be another line.
fn label(method: &Method) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    KNOWN.into_iter().find(|known| *known == method.as_str()).unwrap_or("OTHER")
}

/// Prometheus text in the making.
#[derive(Default)]
struct Text(String);

impl Text {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &str, value: impl std::fmt::Display) {
        let braces = if labels.is_empty() { String::new() } else { format!("{{{labels}}}") };
        let _ = writeln!(self.0, "{name}{braces} {value}");
    }

    fn single(&mut self, name: &str, kind: &str, help: &str, value: impl std::fmt::Display) {
        self.family(name, kind, help);
        self.sample(name, "", value);
    }
}

/// `GET /metrics`
pub fn report(app: &App, _: Request<'_>) -> Answer {
    let mut text = Text::default();
    app.metrics.write(&mut text);
    let help = "Stats refused since the start because they are dated more than two days ahead of the clock.";
    text.single("monarc_stats_refused_ahead_total", "counter", help, app.signals.ahead_total());
    store(app, &mut text)?;
    let connections = app.connections.load(Ordering::Relaxed);
    text.single("monarc_connections", "gauge", "Open connections.", connections);
    Ok(Response::bytes(200, Some("text/plain; version=0.0.4; charset=utf-8"), Cow::Owned(text.0.into_bytes())))
}

fn store(app: &App, text: &mut Text) -> Result<()> {
    let (file, log) = app.store.sizes();
    let counts = app.store.counts()?;
    text.single("monarc_store_bytes", "gauge", "Size of the store's file.", file);
    text.single("monarc_store_wal_bytes", "gauge", "Size of the store's write-ahead log.", log);
    text.single("monarc_clients", "gauge", "Clients in the store.", counts.clients);
    text.single("monarc_analyses", "gauge", "Analyses in the store.", counts.analyses);
    text.single("monarc_stats", "gauge", "Stats in the store.", counts.stats);
    text.family("monarc_newest_stat_age_seconds", "gauge", "Time since the client's newest stat arrived.");
    let now = jiff::Timestamp::now().as_second();
    for (client, arrived) in app.store.last_arrivals()? {
        let name = client.replace('\\', "\\\\").replace('"', "\\\"");
        text.sample("monarc_newest_stat_age_seconds", &format!("client=\"{name}\""), (now - arrived).max(0));
    }
    watch(app, text)?;
    jobs(app, text)
}

/// What an operator has been told of and what goes on.
fn watch(app: &App, text: &mut Text) -> Result<()> {
    text.family("monarc_watch_state", "gauge", "1 for each state that an operator should know of and that goes on.");
    for state in app.store.watch_states()? {
        let subject = state.subject.replace('\\', "\\\\").replace('"', "\\\"");
        text.sample("monarc_watch_state", &format!("state=\"{}\",subject=\"{subject}\"", state.name), 1);
    }
    Ok(())
}

fn jobs(app: &App, text: &mut Text) -> Result<()> {
    let runs = app.store.runs()?;
    let mut family = |name: &str, help: &str, end: fn(&Runs) -> Option<i64>| {
        text.family(name, "gauge", help);
        for (job, moment) in runs.iter().filter_map(|run| Some((&run.name, end(run)?))) {
            text.sample(name, &format!("job=\"{job}\""), moment);
        }
    };
    family("monarc_job_last_success_timestamp_seconds", "When a job of the service last ended well.", |run| {
        run.succeeded_at
    });
    family("monarc_job_last_failure_timestamp_seconds", "When a job of the service last ended badly.", |run| {
        run.failed_at
    });
    text.family("monarc_job_panics_total", "counter", "Runs of a job that ended in a panic, since the store was made.");
    runs.iter().for_each(|run| text.sample("monarc_job_panics_total", &format!("job=\"{}\"", run.name), run.panics));
    Ok(())
}
