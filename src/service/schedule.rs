//! What `serve` does by itself: push, fetch what others publish, purge, back up, look the store through.
//!
//! The clock on the wall decides, against the last end that the store remembers: a machine that slept, or a service
//! that was not running, makes up for what it missed once, a few seconds after it is back.

use super::backups;
use crate::config::Config;
use crate::error::{Error, Kind, Result};
use crate::model::date::today;
use crate::model::text::{counted, grouped};
use crate::model::{ShareLevel, Token};
use crate::server::panic_message;
use crate::sharing::{self, Push, Reporter};
use crate::store::Store;
use crate::store::jobs::{Ending, Runs};
use crate::store::listing::Filter;
use jiff::Span;
use jiff::civil::Date;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

/// How often it looks whether something is due.
const TICK: Duration = Duration::from_secs(5);
/// Seconds between two runs of what is done daily.
const DAY: i64 = 86_400;
/// Seconds after which what failed is tried again, unless it is due sooner anyway.
const AGAIN: i64 = 3600;
/// Months that a push reaches back, as by hand.
const MONTHS: i64 = 3;
/// Days before a client's last stat is purged from which on the log says so.
const NOTICE: i64 = 30;

/// How long after the start of a service it looks its store through: it has better things to do then.
const SETTLED: Duration = Duration::from_secs(600);
/// Between two pieces of that look, which nobody waits for.
const PAUSE: Duration = Duration::from_millis(10);

/// How long the end of the service waits for a job: a remote may take minutes, and the store bears being left.
const PATIENCE: Duration = Duration::from_secs(3);

/// Does the work of a job; gives a sentence about it.
type Work = dyn Fn(&Store, &mut Reporter<'_>) -> Result<String> + Send;

/// Something that is done again and again, on a thread of its own: one that waits or panics keeps no other from its work.
struct Job {
    name: &'static str,
    /// Seconds from one run that ended well to the next.
    every: i64,
    /// Time from the start of the service before which it does not run.
    after: Duration,
    run: Box<Work>,
}

impl Job {
    fn new(
        name: &'static str,
        every: i64,
        run: impl Fn(&Store, &mut Reporter<'_>) -> Result<String> + Send + 'static,
    ) -> Self {
        Self { name, every, after: Duration::ZERO, run: Box::new(run) }
    }
}

/// Ends the schedule when dropped.
pub struct Schedule {
    stops: Vec<Sender<()>>,
    /// Nothing is ever sent: the end of the last thread closes it.
    ended: Receiver<()>,
}

/// Makes sure that the settings fit together, before anything is opened.
///
/// # Errors
/// `Invalid`, naming the variable that is missing.
pub fn check(config: &Config) -> Result<()> {
    if config.push_every.is_some() && config.remote_token.is_none() {
        return Err(Error::invalid("PUSH_EVERY needs REMOTE_STATS_TOKEN: the remote wants a token"));
    }
    Ok(())
}

/// Starts what the settings ask for, if anything.
///
/// # Errors
/// `Internal` if there can be no thread for it, and those of [`check`].
pub fn start(config: &Config, store: &Arc<Store>) -> Result<Schedule> {
    check(config)?;
    let (end, ended) = channel();
    let mut stops = Vec::new();
    for job in jobs(config) {
        let ((stop, stopped), store, end) = (channel(), Arc::clone(store), end.clone());
        let work = move || {
            let (_end, start): (Sender<()>, _) = (end, Instant::now());
            loop {
                if start.elapsed() >= job.after {
                    run_if_due(&store, &job, &stopped);
                }
                if stopped.recv_timeout(TICK) != Err(RecvTimeoutError::Timeout) {
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new().name("job".into()).spawn(work);
        thread.map_err(|e| Error::new(Kind::Internal, "there can be no thread for the schedule").because(e))?;
        stops.push(stop);
    }
    Ok(Schedule { stops, ended })
}

impl Drop for Schedule {
    fn drop(&mut self) {
        self.stops.clear();
        if self.ended.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
            log::warn!("a job was still under way; it goes on with the next start");
        }
    }
}

/// The names of the jobs that the settings ask for.
pub fn names(config: &Config) -> Vec<&'static str> {
    jobs(config).iter().map(|job| job.name).collect()
}

/// All jobs: one is added here, with the setting that asks for it.
fn jobs(config: &Config) -> Vec<Job> {
    let mut jobs = vec![check_store()];
    if let (Some(every), Some(token)) = (config.push_every, config.remote_token.clone()) {
        let (remote, proxies, level) = (config.remote.clone(), config.proxies.clone(), config.share_level);
        let every = i64::try_from(every.as_secs()).unwrap_or(i64::MAX);
        jobs.push(Job::new("push", every, move |store, reporter| {
            push(store, (&remote, &token, level), &proxies, reporter)
        }));
    }
    if let Some(every) = config.benchmark_every {
        let (remote, proxies) = (config.remote.clone(), config.proxies.clone());
        let every = i64::try_from(every.as_secs()).unwrap_or(i64::MAX);
        jobs.push(Job::new("benchmark", every, move |store, reporter| {
            let fetched = sharing::fetch(store, &remote, &proxies)?;
            fetched.missing.iter().for_each(|sentence| (reporter.notice)(&format!("left out: {sentence}")));
            Ok(fetched.told().join("; "))
        }));
    }
    if let Some(months) = config.purge_after_months {
        jobs.push(Job::new("purge", DAY, move |store, _| purge(store, months, today())));
    }
    if let Some(directory) = config.backup_dir.clone() {
        let keep = config.backup_keep;
        jobs.push(Job::new("backup", DAY, move |store, _| backups::back_up(store, &directory, keep)));
    }
    jobs
}

fn run_if_due(store: &Store, job: &Job, stopped: &Receiver<()>) {
    let runs = match store.runs() {
        Ok(runs) => runs.into_iter().find(|runs| runs.name == job.name).unwrap_or_default(),
        Err(error) => return log::error!("{}: {}", job.name, error.chain()),
    };
    if !is_due(&runs, job.every, jiff::Timestamp::now().as_second()) {
        return;
    }
    let ending = run(store, job, stopped);
    if let Err(error) = store.note_run(job.name, &ending) {
        log::error!("{}: {}", job.name, error.chain());
    }
}

/// Runs a job. A panic costs only this run.
fn run(store: &Store, job: &Job, stopped: &Receiver<()>) -> Ending {
    let mut pause = |time| stopped.recv_timeout(time) == Err(RecvTimeoutError::Timeout);
    let mut notice = |text: &str| log::warn!("{}: {text}", job.name);
    let mut reporter = Reporter { progress: &mut |_, _| {}, notice: &mut notice, pause: &mut pause };
    attempt(job.name, || (job.run)(store, &mut reporter).map(|done| log::info!("{}: {done}", job.name)))
}

/// Does what may fail or panic, and logs it if it does.
pub(super) fn attempt(name: &str, work: impl FnOnce() -> Result<()>) -> Ending {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(())) => Ending::Success,
        Ok(Err(error)) => {
            log::error!("{name} failed: {}", error.chain());
            Ending::Failure(error.chain())
        }
        Err(panic) => {
            let message = panic_message(&*panic);
            log::error!("{name} panicked: {message}");
            Ending::Panic(message.to_owned())
        }
    }
}

/// Whether a job has to run now. A moment in the future is one that a wrong clock wrote.
fn is_due(runs: &Runs, every: i64, now: i64) -> bool {
    let passed = |moment: i64, seconds: i64| now - moment >= seconds || now < moment;
    match runs.failure {
        Some(_) => runs.failed_at.is_none_or(|failed| passed(failed, every.min(AGAIN))),
        None => runs.succeeded_at.is_none_or(|succeeded| passed(succeeded, every)),
    }
}

fn push(
    store: &Store,
    (remote, token, level): (&str, &Token, ShareLevel),
    proxies: &crate::config::Proxies,
    reporter: &mut Reporter<'_>,
) -> Result<String> {
    let from = today().checked_sub(Span::new().months(MONTHS)).ok();
    let filter = Filter { from, ..Filter::default() };
    let push = Push { remote, token, filter, all: false, level, retries: sharing::RETRIES, proxies };
    let sent = sharing::push(store, &push, reporter)?;
    let (new, known, refused) = (grouped(sent.sent), grouped(sent.known), grouped(sent.refused));
    let text = format!("sent {new}, already there {known}, refused {refused}");
    match sent.refusals.first() {
        None => Ok(text),
        Some(first) => {
            let text = format!("{text}; the first was {} of {}: {}", first.uuid, first.anr, first.reason);
            Err(Error::new(Kind::Invalid, text))
        }
    }
}

/// Looks for damage: most of a store is never read again, and nobody else would notice in time.
fn check_store() -> Job {
    let run = |store: &Store, reporter: &mut Reporter<'_>| {
        let mut pause = |_, _| {
            // The end of the service does not wait for the rest.
            (reporter.pause)(PAUSE);
        };
        let findings = store.check(&mut pause)?;
        let Some(first) = findings.first() else { return Ok("nothing is wrong with the store".into()) };
        let (number, how) =
            (counted(findings.len(), "finding"), "'monarc-stats database check' says all and what to do");
        Err(Error::new(Kind::Unavailable, format!("the store is damaged: {first} ({number}); {how}")))
    };
    Job { after: SETTLED, ..Job::new("check", DAY, run) }
}

/// Deletes what is older than a number of months, from the earlier of the clock's day and the eighth newest that has stats
/// on: a clock that is years ahead deletes nothing that is not old.
fn purge(store: &Store, months: u16, clock: Date) -> Result<String> {
    let today = store.eighth_newest_day()?.map_or(clock, |day| day.min(clock));
    let (first, filter) = older_than(months, today)?;
    let gone = store.delete_stats(&filter)?;
    let soon = first.saturating_add(Span::new().days(NOTICE));
    for (client, newest) in store.silent_clients(soon)? {
        let last = newest.saturating_add(Span::new().months(months)).saturating_add(Span::new().days(1));
        log::warn!(
            "purge: client {client:?} has sent nothing since {newest}: all its stats are deleted from {last} on"
        );
    }
    Ok(format!("deleted {} from before {first}", counted(gone, "stat")))
}

/// The date that stands a number of months before a day, and the stats from before it.
pub fn older_than(months: u16, today: Date) -> Result<(Date, Filter)> {
    let ancient = |_| Error::invalid("--months: so long ago there was no calendar");
    let first = today.checked_sub(Span::new().months(months)).map_err(ancient)?;
    let last = first.yesterday().map_err(ancient)?;
    Ok((first, Filter { to: Some(last), ..Filter::default() }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Raw;

    #[test]
    fn a_job_is_due_by_the_clock_on_the_wall() {
        let day = 86_400;
        let now = 100 * day;
        for (succeeded, failed, is_failing, due) in [
            (None, None, false, true),
            (Some(now - day), None, false, true),
            (Some(now - day + 1), None, false, false),
            // A week asleep is one run.
            (Some(now - 7 * day), None, false, true),
            (Some(now), None, false, false),
            // What failed is tried again after an hour.
            (Some(now - day - 10), Some(now - 10), true, false),
            (Some(now - day - 10), Some(now - 3600), true, true),
            (None, Some(now - 10), true, false),
            (None, Some(now - 3600), true, true),
            (Some(now - 10), Some(now - day), false, false),
            // The clock was wrong.
            (Some(now + day), None, false, true),
            (None, Some(now + day), true, true),
            // It failed while the clock was ahead, and has run since.
            (Some(now), Some(now + day), false, false),
        ] {
            let failure = is_failing.then(|| "x".to_owned());
            let runs = Runs { succeeded_at: succeeded, failed_at: failed, failure, ..Runs::default() };
            assert_eq!(is_due(&runs, day, now), due, "{runs:?}");
        }
        let failed = Runs { failed_at: Some(now - 60), failure: Some("x".into()), ..Runs::default() };
        assert!(is_due(&failed, 60, now));
    }

    /// Bug: damage was only noticed where somebody happened to read.
    #[test]
    fn each_service_looks_its_store_through_and_says_what_it_finds() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("stats.db");
        let store = Store::open(&path).unwrap();
        let raw = Raw::take(vec!["--store".into(), path.display().to_string()]).unwrap().0;
        let jobs = jobs(&Config::new(&raw).unwrap());
        let check = jobs.iter().find(|job| job.name == "check").unwrap();
        let (_stop, stopped) = channel();
        assert_eq!(run(&store, check, &stopped), Ending::Success);
        store.damage();
        let Ending::Failure(reason) = run(&store, check, &stopped) else { panic!("the damage was not found") };
        assert!(reason.contains("the store is damaged") && reason.contains("database check"), "{reason}");
    }

    fn job(run: impl Fn(u32) -> Result<String> + Send + 'static) -> Job {
        let runs = std::sync::atomic::AtomicU32::new(0);
        let run = move |_: &Store, _: &mut Reporter<'_>| run(runs.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
        Job::new("release", DAY, run)
    }

    #[test]
    fn a_job_that_panics_is_remembered_and_runs_again_when_it_is_due() {
        let place = tempfile::tempdir().unwrap();
        let store = Store::open(&place.path().join("stats.db")).unwrap();
        let (_stop, stopped) = channel();
        let job = job(|run| if run == 0 { panic!("a fault") } else { Ok("well".into()) });
        run_if_due(&store, &job, &stopped);
        let [runs] = &store.runs().unwrap()[..] else { panic!("one job") };
        assert_eq!((runs.name.as_str(), runs.succeeded_at, runs.panics), ("release", None, 1));
        assert!(!is_due(runs, DAY, runs.failed_at.unwrap() + AGAIN - 1));
        assert!(is_due(runs, DAY, runs.failed_at.unwrap() + AGAIN));
        store.note_run(job.name, &run(&store, &job, &stopped)).unwrap();
        let [runs] = &store.runs().unwrap()[..] else { panic!("one job") };
        assert!(runs.succeeded_at.is_some() && runs.failed_at.is_some() && runs.panics == 1);
    }
}
