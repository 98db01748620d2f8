//! Builds releases: each ISO week once, when it is over. Where everything is live it computes what moved, once a day.

use crate::averages::release::cells::{Places, Texts, Values, given};
use crate::averages::release::moved::{Live, NAMES, TYPES};
use crate::averages::release::{DAYS, HORIZONS, Hidden, RULES, Release, Rules, Votes};
use crate::error::{Error, Kind, Result};
use crate::model::StatType;
use crate::model::date::today;
use crate::model::shapes::category_of_key;
use crate::store::Store;
use crate::store::releases::{Contributor, New};
use jiff::Span;
use jiff::civil::Date;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// How often it looks whether a week is over.
const TICK: Duration = Duration::from_secs(5);
/// Days after its end on which a week is closed: two whole ones have passed.
const GRACE: i64 = 3;
/// How long the end of the service waits: what is not kept yet is built with the next start.
const PATIENCE: Duration = Duration::from_secs(3);

/// Ends the building when dropped.
pub struct Releases {
    stop: Option<Sender<()>>,
    ended: Receiver<()>,
}

/// Starts to build what is due.
///
/// # Errors
/// `Internal` if there can be no thread for it.
pub fn start(k: usize, store: &Arc<Store>) -> Result<Releases> {
    let ((stop, stopped), (end, ended)) = (channel::<()>(), channel());
    let store = Arc::clone(store);
    let work = move || {
        let _end: Sender<()> = end;
        // With each start anew, since somebody may have imported the past.
        let mut is_old = true;
        loop {
            let go_on = || stopped.try_recv() != Err(std::sync::mpsc::TryRecvError::Disconnected);
            let done =
                if k == 1 { live(&store, today(), is_old) } else { build_due(&store, k, today(), &go_on).map(drop) };
            is_old &= done.is_err();
            if let Err(error) = done {
                log::error!("release: {}", error.chain());
            }
            if stopped.recv_timeout(TICK) != Err(RecvTimeoutError::Timeout) {
                return;
            }
        }
    };
    let thread = std::thread::Builder::new().name("releases".into()).spawn(work);
    thread.map_err(|e| Error::new(Kind::Internal, "there can be no thread for releases").because(e))?;
    Ok(Releases { stop: Some(stop), ended })
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

/// Builds what is due, while told to go on. Gives how many weeks.
pub fn build_due(store: &Store, k: usize, today: Date, go_on: &dyn Fn() -> bool) -> Result<usize> {
    let mut built = 0;
    for week in due(store, today)? {
        let Some((release, _)) = build(store, k, week, go_on)? else { break };
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
        let Some(votes) = votes(store, &contributors, (kind, true), week, go_on)? else { return Ok(None) };
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
    (kind, with_texts): (StatType, bool),
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
        let texts = if with_texts { given(kind, &store.texts_of(&contributor.clients, kind)?) } else { Texts::new() };
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
    let mut live = Live { date: Some(today), ..Live::default() };
    for kind in TYPES {
        let Some(votes) = votes(store, &analyses, (kind, false), today, &|| true)? else { return Ok(()) };
        for (horizon, name) in NAMES.iter().enumerate() {
            let of = live.moved.entry((*name).to_owned()).or_default();
            let mut lists = votes.moved(kind, horizon);
            for named in lists.named() {
                named.labels = match category_of_key(&named.object) {
                    Some((_, texts)) => texts.into(),
                    None => store.public_texts(kind, &named.object)?.into(),
                };
            }
            of.insert(kind.name().to_owned(), lists);
        }
    }
    store.keep_live_changes(RULES, &serde_json::to_string(&live).map_err(unwritten)?)
}
