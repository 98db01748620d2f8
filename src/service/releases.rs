//! Builds releases: each ISO week once, when it is over. Where everything is live it computes what moved, once a day.

#[cfg(test)]
mod properties;

use super::schedule::attempt;
use crate::app::{App, changes};
use crate::averages::release::cells::{Places, Values, given};
use crate::averages::release::moved::Live;
use crate::averages::release::{DAYS, GRACE, HORIZONS, Hidden, RULES, Release, Rules, Votes};
use crate::error::{Error, Kind, Result};
use crate::model::date::today;
use crate::model::text::counted;
use crate::model::{StatType, parse_uuid};
use crate::mosp::{self, Budget, Lookups};
use crate::store::Store;
use crate::store::jobs::Ending;
use crate::store::labels::Naming;
use crate::store::releases::{Contributor, New};
use jiff::Span;
use jiff::civil::Date;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// How often it looks whether a week is over.
const TICK: Duration = Duration::from_secs(5);
/// When what failed is tried again.
const AGAIN: Duration = Duration::from_secs(600);
/// Its name among the jobs of the service.
pub const JOB: &str = "release";
/// How long the end of the service waits: what is not kept yet is built with the next start.
const PATIENCE: Duration = Duration::from_secs(3);

/// Ends the building when dropped.
pub struct Releases {
    stop: Option<Sender<()>>,
    ended: Receiver<()>,
}

/// What an object is called elsewhere, by its key; nothing if that cannot be known now, or would cost too much.
pub type Names<'a> = &'a dyn Fn(&str, &mut Budget) -> Option<[String; 4]>;

/// Starts to build what is due.
///
/// # Errors
/// `Internal` if there can be no thread for it.
pub fn start(app: &Arc<App>) -> Result<Releases> {
    let ((stop, stopped), (end, ended)) = (channel::<()>(), channel());
    let app = Arc::clone(app);
    let work = move || {
        let _end: Sender<()> = end;
        let (store, k) = (&app.store, app.config.public_min_clients.k);
        // Its own, not those of visitors: whatever they ask MOSP must not decide what a week is published with.
        let lookups = Lookups::default();
        // With each start anew, since somebody may have imported the past.
        let (mut is_old, mut is_failing) = (true, has_failed(store));
        loop {
            let go_on = || stopped.try_recv() != Err(std::sync::mpsc::TryRecvError::Disconnected);
            let names = |key: &str, budget: &mut Budget| on_mosp(&lookups, &app, key, budget);
            let ending = attempt(JOB, || match k {
                1 => live(store, today(), is_old),
                _ => build_due(store, k, today(), &names, &go_on).map(drop),
            });
            let has_failed = ending != Ending::Success;
            if (has_failed || is_failing)
                && let Err(error) = store.note_run(JOB, &ending)
            {
                log::error!("{JOB}: {}", error.chain());
            }
            (is_old, is_failing) = (is_old && has_failed, has_failed);
            let pause = if has_failed { AGAIN } else { TICK };
            if stopped.recv_timeout(pause) != Err(RecvTimeoutError::Timeout) {
                return;
            }
        }
    };
    let thread = std::thread::Builder::new().name("releases".into()).spawn(work);
    thread.map_err(|e| Error::new(Kind::Internal, "there can be no thread for releases").because(e))?;
    Ok(Releases { stop: Some(stop), ended })
}

/// Whether the last attempt failed, before the start.
fn has_failed(store: &Store) -> bool {
    store.runs().is_ok_and(|all| all.iter().any(|runs| runs.name == JOB && runs.failure.is_some()))
}

impl Drop for Releases {
    fn drop(&mut self) {
        drop(self.stop.take());
        // Whether it ended or not: a week that is not kept is built with the next start.
        let _ = self.ended.recv_timeout(PATIENCE);
    }
}

fn after(date: Date, days: i64) -> Result<Date> {
    date.checked_add(Span::new().days(days))
        .map_err(|error| Error::invalid("a date at an end of the calendar").because(error))
}

/// The last day of the ISO week of a date.
pub fn week_of(date: Date) -> Result<Date> {
    after(date, 6 - i64::from(date.weekday().to_monday_zero_offset()))
}

/// The closed weeks that have no release, in order: those after the newest one, or all with stats if there is none.
pub fn due(store: &Store, today: Date) -> Result<Vec<Date>> {
    let weeks = store.release_weeks()?;
    let Some((oldest, newest)) = weeks.stats else { return Ok(Vec::new()) };
    let mut week = match weeks.newest {
        Some(built) => after(built, 7)?,
        None => week_of(oldest)?,
    };
    let mut due = Vec::new();
    while after(week, GRACE)? <= today && newest > week {
        let was_over = match weeks.restored_on {
            Some(restored) => after(week, GRACE)? <= restored,
            None => false,
        };
        if !was_over && store.has_stats_between(after(week, -6)?, week)? {
            due.push(week);
        }
        week = after(week, 7)?;
    }
    Ok(due)
}

/// What MOSP calls an object, if it can be asked now. A week does not wait long for it: unnamed it stays then, and the next
/// one asks again.
fn on_mosp(lookups: &Lookups, app: &App, key: &str, budget: &mut Budget) -> Option<[String; 4]> {
    let Some(uuid) = parse_uuid(key).ok().filter(|_| app.config.mosp.is_some()) else {
        return Some(Default::default());
    };
    let found = lookups.find_for_week(&app.store, &app.config, uuid, budget);
    let found = found.inspect_err(|error| log::warn!("release: {}", error.chain())).ok().flatten();
    found.map(|found| mosp::names(&found))
}

/// Names what is unnamed. Now and never again: a name that came later would be another answer for a week that was published.
fn name(release: &mut Release, week: Date, names: Names<'_>, go_on: &dyn Fn() -> bool) {
    let mut budget = Budget::of_a_week();
    let unknown = release.name(|key| if go_on() { names(key, &mut budget) } else { None });
    if unknown > 0 && go_on() {
        let objects = counted(unknown, "object");
        log::warn!(
            "release: {objects} of the week that ended on {week} stay unnamed: MOSP did not answer, or there were too many to ask about"
        );
    }
}

/// Builds what is due, while told to go on. Gives how many weeks.
pub fn build_due(store: &Store, k: usize, today: Date, names: Names<'_>, go_on: &dyn Fn() -> bool) -> Result<usize> {
    let mut built = 0;
    for week in due(store, today)? {
        let Some((mut release, _)) = build(store, k, week, go_on)? else { break };
        name(&mut release, week, names, go_on);
        if !go_on() {
            break;
        }
        let cells = serde_json::to_string(&release).map_err(unwritten)?;
        if store.keep_release(&New { week, rules: RULES, k, cells: &cells })? {
            log::info!("release: built the week that ended on {week}");
            built += 1;
        }
    }
    Ok(built)
}

fn unwritten(error: serde_json::Error) -> Error {
    Error::new(Kind::Internal, "a release could not be written").because(error)
}

/// What is published of a week, and what is not; nothing if it was told to stop meanwhile.
pub fn build(store: &Store, k: usize, week: Date, go_on: &dyn Fn() -> bool) -> Result<Option<(Release, Vec<Hidden>)>> {
    let contributors = store.contributors()?;
    let (mut release, mut hidden) = (Release::default(), Vec::new());
    for kind in StatType::ALL {
        let Some(votes) = votes(store, &contributors, kind, week, go_on)? else { return Ok(None) };
        let (shown, not_shown) = votes.publish(kind, &Rules::new(k));
        release.types.extend(shown.map(|shown| (kind.name().to_owned(), shown)));
        hidden.extend(not_shown);
    }
    Ok(Some((release, hidden)))
}

/// The votes of a type at the end of a week, read contributor by contributor.
fn votes(
    store: &Store,
    contributors: &[Contributor],
    kind: StatType,
    end: Date,
    go_on: &dyn Fn() -> bool,
) -> Result<Option<Votes>> {
    let [month, quarter, year] = HORIZONS;
    let ends = [end, after(end, -7 * month)?, after(end, -7 * quarter)?, after(end, -7 * year)?];
    let (mut votes, mut places) = (Votes::default(), Places::new(kind));
    for contributor in contributors {
        if !go_on() {
            return Ok(None);
        }
        let (stats, keys) = store.last_stats(contributor, kind, &ends, DAYS, &|object| !places.lacks(object))?;
        keys.iter().for_each(|(object, key)| places.learn(*object, key));
        let texts = given(kind, &store.texts_of(&contributor.clients, kind)?);
        let mut values = stats.iter().map(|stats| places.values(stats.iter().map(AsRef::as_ref)));
        let mut next = || values.next().unwrap_or_default();
        let now = next();
        let before: [Values; 3] = std::array::from_fn(|_| next());
        votes.add(now, &before, &texts);
    }
    Ok(Some(votes))
}

/// Computes what moved, unless that was done today and is not old all the same.
pub fn live(store: &Store, today: Date, is_old: bool) -> Result<()> {
    let known = store.live_changes()?.and_then(|kept| kept.cells);
    let is_of_today = |text: String| serde_json::from_str(&text).is_ok_and(|live: Live| live.date == Some(today));
    if !is_old && known.is_some_and(is_of_today) {
        return Ok(());
    }
    let analyses = store.analyses()?;
    if analyses.is_empty() {
        return Ok(());
    }
    let naming = Naming { caller: None, is_live: true };
    let live = changes::live(store, &analyses, today, &|kind, key| store.texts_for(kind, key, naming))?;
    store.keep_live_changes(RULES, &serde_json::to_string(&live).map_err(unwritten)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::stat::NewStat;
    use crate::model::{Role, Token};
    use crate::store::clients::NewClient;

    /// A store of clients that share, with five analyses each, and two weeks of stats.
    fn store(directory: &std::path::Path, clients: u128) -> Store {
        let store = Store::open(&directory.join("stats.db")).unwrap();
        for client in 0..clients {
            let (name, token) = (format!("c{client}"), Token::random().unwrap());
            let new = NewClient { uuid: None, name: &name, token: &token, role: Role::User, is_sharing_enabled: true };
            let owner = store.create_client(&new).unwrap();
            for analysis in 0..5 {
                let anr = uuid::Uuid::from_u128(client * 5 + analysis + 1);
                let rated = |object: u128| {
                    let uuid = uuid::Uuid::from_u128(object);
                    let rate = (client + object + analysis) % 5;
                    format!(
                        r#"{{"uuid":"{uuid}","label2":"object {object}","count":2,"maxRisk":1{rate},"averageRate":"{rate}.{analysis}"}}"#
                    )
                };
                let list =
                    |objects: std::ops::Range<u128>| format!("[{}]", objects.map(rated).collect::<Vec<_>>().join(","));
                let texts = [(StatType::Threat, list(0..40)), (StatType::Vulnerability, list(100..200))];
                let stats: Vec<NewStat<'_>> =
                    [week_of(today()).unwrap(), after(week_of(today()).unwrap(), -28).unwrap()]
                        .into_iter()
                        .flat_map(|date| {
                            texts.iter().map(move |(kind, data)| NewStat::new(None, anr, *kind, date, data))
                        })
                        .collect();
                store.add_stats(&owner, &stats).unwrap();
            }
        }
        store
    }

    /// A figure in kilobytes of this process.
    fn status(name: &str) -> u64 {
        let text = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = text.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// What some work takes of memory beyond what is held before: less than 64 MB.
    #[track_caller]
    fn takes_little<T>(what: &str, work: impl FnOnce() -> T) -> T {
        let (before, start) = (status("VmRSS"), std::time::Instant::now());
        std::fs::write("/proc/self/clear_refs", "5").unwrap();
        let done = work();
        let more = (status("VmHWM") - before) / 1024;
        println!("{what}: {more} MB more, {:?}", start.elapsed());
        assert!(more < 64, "{what}: {more} MB");
        done
    }

    /// 5,000 analyses of 1,000 contributors. By hand: `cargo test --lib of_5000 -- --ignored`.
    #[test]
    #[ignore = "takes minutes"]
    fn a_week_of_5000_analyses_takes_little_memory() {
        let directory = tempfile::TempDir::new().unwrap();
        let store = store(directory.path(), 1000);
        let week = week_of(today()).unwrap();
        let (release, _) = takes_little("a week", || build(&store, 3, week, &|| true).unwrap().unwrap());
        assert_eq!(release.types["threat"].objects.len(), 40);
        let cells = serde_json::to_string(&release).unwrap();
        store.keep_release(&New { week, rules: RULES, k: 3, cells: &cells }).unwrap();
        takes_little("what moved, live", || live(&store, today(), true).unwrap());
        assert!(store.live_changes().unwrap().is_some());
    }

    #[test]
    fn weeks_end_on_their_sunday() {
        use jiff::civil::date;
        for day in 23..=29 {
            assert_eq!(week_of(date(2026, 11, day)).unwrap(), date(2026, 11, 29));
        }
        assert_eq!(week_of(date(2027, 1, 1)).unwrap(), date(2027, 1, 3));
    }
}
