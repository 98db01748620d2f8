//! Public answers where `PUBLIC_MIN_CLIENTS` is 3 or more: functions of what releases published, and of nothing else.

use super::App;
use super::answer::Answer;
use super::computed::{self, unwritten, write_value};
use super::objects::means_alone;
use crate::averages::published::{self, Week};
use crate::averages::release::moved::{self, Live, NAMES};
use crate::averages::release::{GRACE, Release};
use crate::averages::{Params, Period, Processor};
use crate::dashboard::Released;
use crate::error::Result;
use crate::model::StatType;
use crate::model::date::{to_number, today};
use crate::server::message::Head;
use crate::store::releases::{Kept, ReleaseHead};
use jiff::Span;
use jiff::civil::Date;
use serde_json::{Value, json as value};
use sha2::{Digest, Sha256};
use std::io::Write;
use uuid::Uuid;

/// Days after a week's end on which the next should have been there for some days: it ends seven days later, and is closed
/// with the third.
const OVERDUE: i64 = 14;

/// Which weeks an answer is made of.
#[derive(Clone, Copy, Debug)]
pub enum Weeks {
    /// Those that lie wholly between these days.
    Inside(Option<Date>, Option<Date>),
    /// The newest.
    Newest,
}

/// What was published and shows something, as far as it is known without reading it.
pub struct Published {
    heads: Vec<ReleaseHead>,
    /// Another one where anything else is published.
    pub version: [u8; 16],
}

impl Published {
    /// Without the weeks that were withdrawn, and without those of which nothing is shown: a store whose clients are too
    /// few must answer as an empty one does.
    pub fn of(app: &App) -> Result<Self> {
        let nothing = serde_json::to_string(&Release::default()).map_err(unwritten)?;
        let nothing: [u8; 32] = Sha256::digest(nothing).into();
        let mut heads = app.store.release_heads()?;
        heads.retain(|head| !head.is_withdrawn && head.hash != nothing);
        let mut all = Sha256::new();
        heads.iter().for_each(|head| all.update(head.hash));
        let mut version = [0; 16];
        version.iter_mut().zip(all.finalize()).for_each(|(to, from)| *to = from);
        Ok(Self { heads, version })
    }

    /// The moment that answers tell, in seconds since 1970: the last midnight in UTC before the newest week was closed anywhere
    /// on earth. When it was built would tell when somebody posted the stat that it waited for.
    pub fn closed_at(&self) -> i64 {
        self.heads.last().map(|head| (to_number(head.week) + GRACE - 1) * 86_400).unwrap_or_default()
    }

    /// The last days of the weeks that are asked for.
    pub fn dates(&self, weeks: Weeks) -> Vec<Date> {
        let mut dates = self.heads.iter().map(|head| head.week);
        match weeks {
            Weeks::Newest => dates.next_back().into_iter().collect(),
            Weeks::Inside(from, to) => dates.filter(|date| is_inside(*date, from, to)).collect(),
        }
    }
}

/// Whether the week that ends with this day lies wholly between two.
fn is_inside(last: Date, from: Option<Date>, to: Option<Date>) -> bool {
    let first = last.checked_sub(Span::new().days(6));
    from.is_none_or(|from| first.is_ok_and(|first| from <= first)) && to.is_none_or(|to| last <= to)
}

/// Reads releases.
pub fn read(app: &App, dates: &[Date]) -> Result<Vec<Week>> {
    let (Some(first), Some(last)) = (dates.first(), dates.last()) else { return Ok(Vec::new()) };
    let kept = app.store.releases(Some(*first), Some(*last))?;
    kept.iter().filter_map(|kept| Week::of(kept).transpose()).collect()
}

/// A processor's answer for anybody.
pub fn averages(app: &App, head: &Head, processor: &Processor, params: &Params, weeks: Weeks) -> Answer {
    let published = Published::of(app)?;
    let dates = published.dates(weeks);
    let question = format!("{} {params:?} {dates:?}", processor.name);
    computed::released(app, head, (published.version, published.closed_at()), &question, |out| {
        published::answer(processor.name, &read(app, &dates)?, params, out)
    })
}

/// The answer of `processed` for a client that is no admin and names no analyses.
pub fn processed(
    app: &App,
    head: &Head,
    (kind, processor): (StatType, &Processor),
    params: &Params,
    weeks: Weeks,
) -> Answer {
    let published = Published::of(app)?;
    let dates = published.dates(weeks);
    let question = format!("processed {} {params:?} {dates:?}", processor.name);
    computed::released_privately(app, head, published.version, &question, |out| {
        let weeks = read(app, &dates)?;
        write!(out, r#"{{"type": "{}", "processor": "{}", "data": "#, kind.name(), processor.name)
            .map_err(unwritten)?;
        match weeks.iter().any(|week| week.release.types.contains_key(kind.name())) {
            true => published::answer(processor.name, &weeks, params, out)?,
            false => out.write_all(b"[]").map_err(unwritten)?,
        }
        out.write_all(b"}").map_err(unwritten)
    })
}

/// What the dashboard rests on: a band, and which weeks.
pub fn summary(app: &App, head: &Head) -> Answer {
    let published = Published::of(app)?;
    computed::released(app, head, (published.version, published.closed_at()), "summary", |out| {
        let newest = read(app, &published.dates(Weeks::Newest))?.pop();
        let summary = value!({
            "public_min_clients": app.config.public_min_clients.k,
            "band": newest.as_ref().and_then(Week::band),
            "oldest": published.heads.first().map(|head| head.week),
            "newest": newest.map(|week| week.date),
        });
        write_value(&summary, out)
    })
}

/// The newest week that shows something.
pub fn newest(app: &App) -> Result<Option<Week>> {
    Ok(read(app, &Published::of(app)?.dates(Weeks::Newest))?.pop())
}

/// An answer that is made of the newest week that shows something, if there is one.
pub fn own(
    app: &App,
    head: &Head,
    question: &str,
    write: impl FnOnce(Option<&Week>, &mut dyn Write) -> Result<()>,
) -> Answer {
    let published = Published::of(app)?;
    let question = format!("{question} of the newest week");
    computed::released(app, head, (published.version, published.closed_at()), &question, |out| {
        write(read(app, &published.dates(Weeks::Newest))?.pop().as_ref(), out)
    })
}

/// What pages say of themselves; nothing where everything is live.
pub fn told(app: &App) -> Result<Option<Released>> {
    let setting = app.config.public_min_clients;
    if setting.is_live() {
        return Ok(None);
    }
    let newest = newest(app)?;
    let age = newest.as_ref().and_then(|week| Some(i64::from(today().since(week.date).ok()?.get_days())));
    let newest = newest.and_then(|week| Some((week.date.to_string(), week.band()?.name().to_owned(), week.k)));
    let k = newest.as_ref().map_or(setting.k, |(_, _, k)| *k);
    let overdue = age.filter(|days| *days >= OVERDUE);
    Ok(Some(Released { k, newest: newest.map(|(date, band, _)| (date, band)), overdue }))
}

/// The averages of a window and of the same one earlier.
pub fn compared(app: &App, head: &Head, kind: StatType, processor: &Processor, days: Option<i64>) -> Answer {
    let published = Published::of(app)?;
    let spans = match days {
        None => [("3_months", Span::new().weeks(13)), ("12_months", Span::new().weeks(52))],
        Some(days) => [("period", Span::new().days(days)), ("12_months", Span::new().weeks(52))],
    };
    let newest = published.heads.last().map(|head| head.week);
    let now =
        newest.and_then(|last| Some((last.checked_sub(Span::new().days(days.unwrap_or(7).max(7) - 1)).ok()?, last)));
    let earlier = |(ago, span): &(&'static str, Span)| {
        let (from, to) = now?;
        Some((*ago, (from.checked_sub(*span).ok()?, to.checked_sub(*span).ok()?)))
    };
    let windows: Vec<_> = now.map(|now| ("now", now)).into_iter().chain(spans.iter().filter_map(earlier)).collect();
    let question = format!("compared {} {windows:?}", kind.name());
    // The longest period, so that each value also says its band.
    let params = Params { period: Some(Period::Year), ..Params::default() };
    computed::released(app, head, (published.version, published.closed_at()), &question, |out| {
        let of_window = |(ago, (from, to)): (&str, (Date, Date))| -> Result<Value> {
            let weeks = read(app, &published.dates(Weeks::Inside(Some(from), Some(to))))?;
            let mut text = Vec::new();
            match weeks.iter().any(|week| week.release.types.contains_key(kind.name())) {
                true => published::answer(processor.name, &weeks, &params, &mut text)?,
                false => text.extend(b"null"),
            }
            let mut averages: Value = serde_json::from_slice(&text).map_err(unwritten)?;
            if ago != "now" {
                means_alone(kind, &mut averages);
            }
            Ok(value!({ "ago": ago, "from": from, "to": to, "averages": averages }))
        };
        let mut shown = windows.iter().map(|window| of_window(*window));
        let now = shown.next().transpose()?;
        let earlier = shown.collect::<Result<Vec<_>>>()?;
        write_value(&value!({ "type": kind.name(), "now": now, "earlier": earlier }), out)
    })
}

/// What moved since a month, a quarter and a year, or since one of them, as it was published.
pub fn trends(app: &App, head: &Head, chosen: Option<usize>) -> Answer {
    let published = Published::of(app)?;
    let question = format!("trends {chosen:?}");
    computed::released(app, head, (published.version, published.closed_at()), &question, |out| {
        write_value(&trends_value(app, chosen)?, out)
    })
}

/// The same as a value.
pub fn trends_value(app: &App, chosen: Option<usize>) -> Result<Value> {
    let published = Published::of(app)?;
    let newest = published.heads.last().map(|head| head.week);
    let furthest = chosen.unwrap_or(NAMES.len() - 1);
    let from = newest.map(|newest| moved::since(newest, furthest)).transpose()?;
    let from = from.map(|from| from.saturating_sub(Span::new().days(6)));
    let weeks = read(app, &published.dates(Weeks::Inside(from, None)))?;
    let mut answer = value!({ "mode": "releases", "newest": newest, "band": weeks.last().and_then(Week::band) });
    for (horizon, name) in horizons(chosen) {
        let since = newest.map(|newest| moved::since(newest, horizon)).transpose()?;
        let (types, high) = (moved::released(&weeks, horizon)?, moved::released_high(&weeks, horizon)?);
        answer[name] = value!({ "since": since, "high": high, "types": types });
    }
    Ok(answer)
}

/// The horizons of an answer: all, or the one that was chosen.
fn horizons(chosen: Option<usize>) -> impl Iterator<Item = (usize, &'static str)> {
    NAMES.into_iter().enumerate().filter(move |(horizon, _)| chosen.is_none_or(|chosen| chosen == *horizon))
}

/// The same where everything is live, as it was computed today.
pub fn live_trends(app: &App, head: &Head, chosen: Option<usize>) -> Answer {
    let kept = app.store.live_changes()?;
    let question = format!("trends {chosen:?} {:?}", kept.as_ref().map(|kept| kept.hash));
    computed::public(app, head, &question, |out| write_value(&live_trends_value(&live_changes(kept)?, chosen)?, out))
}

/// The same as a value.
pub fn live_trends_value(live: &Live, chosen: Option<usize>) -> Result<Value> {
    let mut answer = value!({ "mode": "live", "newest": live.date });
    for (horizon, name) in horizons(chosen) {
        let since = live.date.map(|date| moved::since(date, horizon)).transpose()?;
        answer[name] = value!({ "since": since, "high": live.high.get(name), "types": live.moved.get(name) });
    }
    Ok(answer)
}

/// What a live instance keeps; nothing if it was never computed.
pub fn live_changes(kept: Option<Kept>) -> Result<Live> {
    let text = kept.and_then(|kept| kept.cells);
    Ok(text.map(|text| serde_json::from_str(&text)).transpose().map_err(unwritten)?.unwrap_or_default())
}

/// Every change of an object in the newest of some weeks.
pub fn changes(weeks: &[Week], key: &str) -> serde_json::Result<Value> {
    let newest = weeks.last();
    let found = [StatType::Threat, StatType::Vulnerability].into_iter().find_map(|kind| {
        let objects = &newest?.release.types.get(kind.name())?.objects;
        objects.iter().find(|object| object.key == key).map(|object| moved::released_changes(kind, object))
    });
    serde_json::to_value(found.unwrap_or_default())
}

/// Whether some release shows this threat or vulnerability.
pub fn shows(app: &App, uuid: Uuid) -> Result<bool> {
    let newest = read(app, &Published::of(app)?.dates(Weeks::Newest))?;
    let key = uuid.to_string();
    let has = |kind: StatType| {
        newest
            .iter()
            .filter_map(|week| week.release.types.get(kind.name()))
            .any(|shown| shown.objects.iter().any(|object| object.key == key))
    };
    Ok(has(StatType::Threat) || has(StatType::Vulnerability))
}
