//! Public answers where `PUBLIC_MIN_CLIENTS` is 3 or more: functions of what releases published, and of nothing else.

use super::App;
use super::answer::Answer;
use super::computed::{self, unwritten, write_value};
use super::objects::means_alone;
use super::pieces::{self, Pieces};
use crate::averages::published::series::{self, Frame, Series};
use crate::averages::published::{self, Lean, Reader, Week};
use crate::averages::release::moved::{self, Live};
use crate::averages::release::rounding::Band;
use crate::averages::release::{GRACE, Release};
use crate::averages::{Params, Period, Processor};
use crate::dashboard::Released;
use crate::error::{Error, Result};
use crate::model::date::{to_number, today};
use crate::model::{StatType, parse_uuid};
use crate::server::message::Head;
use crate::store::releases::ReleaseHead;
use jiff::Span;
use jiff::civil::Date;
use serde_json::{Value, json as value};
use sha2::{Digest, Sha256};
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use uuid::Uuid;

/// Days after a week's end on which the next should have been there for some days: it ends seven days later, and is closed
/// with the third.
const OVERDUE: i64 = 14;

/// The types that have objects by themselves.
const OBJECTS: [StatType; 2] = [StatType::Threat, StatType::Vulnerability];

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

    /// The newest week, whole.
    pub fn newest(&self, app: &App) -> Result<Option<Week>> {
        let Some(last) = self.heads.last() else { return Ok(None) };
        let kept = app.store.releases(Some(last.week), Some(last.week))?.pop();
        Ok(kept.as_ref().map(Week::of).transpose()?.flatten())
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

/// Objects of all its weeks that an answer may be made of, of some 100 bytes each: a year of the most that weeks may have.
const MAX_READ: usize = 600_000;

/// Reads of some weeks what answers need of these types, one after the other, so that no more than one is held whole.
///
/// # Errors
/// `Invalid` if they have more objects than may be held.
pub fn read(app: &App, dates: &[Date], kinds: &[StatType]) -> Result<Vec<Lean>> {
    read_within(app, dates, kinds, MAX_READ)
}

fn read_within(app: &App, dates: &[Date], kinds: &[StatType], most: usize) -> Result<Vec<Lean>> {
    let (mut reader, mut weeks, mut number) = (Reader::new(kinds), Vec::with_capacity(dates.len()), 0);
    for date in dates {
        let week = read_one(app, *date, &mut reader)?;
        number += week.as_ref().map_or(0, Lean::number);
        if number > most {
            let reason = format!("These weeks have more than {most} figures: ask for fewer days.");
            return Err(Error::invalid(reason));
        }
        weeks.extend(week);
    }
    Ok(weeks)
}

fn read_one(app: &App, date: Date, reader: &mut Reader<'_>) -> Result<Option<Lean>> {
    let kept = app.store.releases(Some(date), Some(date))?.pop();
    Ok(kept.map(|kept| reader.read(&kept)).transpose()?.flatten())
}

/// The same of one object. All weeks are taken apart once for all objects: there are thousands, and each may be asked for in
/// many ways. For answers that are being computed.
pub fn read_object(
    app: &App,
    published: &Published,
    dates: &[Date],
    (kind, key): (StatType, &str),
) -> Result<Vec<Lean>> {
    let (frames, text) = series(app, published, kind, key)?;
    series::weeks(kind, frames, (key, text.as_deref()), |date| dates.contains(&date))
}

/// What weeks have in common, and what an object has in them.
fn series(app: &App, published: &Published, kind: StatType, key: &str) -> Result<(Vec<Frame>, Option<Vec<u8>>)> {
    let part = app.released.part(&app.spools, published.version, &format!("series {}", kind.name()), |out| {
        let (kinds, mut series, mut pieces) = ([kind], Series::new(kind), Pieces::new(out));
        let mut reader = Reader::new(&kinds);
        for date in published.dates(Weeks::Inside(None, None)) {
            read_one(app, date, &mut reader)?.map_or(Ok(()), |week| series.push(&week))?;
        }
        series.texts().try_for_each(|(key, text)| pieces.push([key], &text))?;
        pieces.finish(&series.frames)
    })?;
    pieces::read(&part, &key.to_owned())
}

/// What is asked of the newest week all the time, so that it is read once for all who ask.
#[derive(Default)]
pub struct Newest(Mutex<([u8; 16], Option<Arc<Known>>)>);

/// What is known of a week.
pub struct Known {
    /// Its last day.
    pub date: Date,
    /// How many contributors it has.
    pub band: Option<Band>,
    k: usize,
    /// The threats and vulnerabilities that it shows, in order.
    objects: Vec<Uuid>,
}

impl Known {
    fn of(week: &Week) -> Self {
        let shown = OBJECTS.iter().filter_map(|kind| week.release.types.get(kind.name()));
        let uuids = shown.flat_map(|shown| &shown.objects).filter_map(|object| parse_uuid(&object.key).ok());
        let mut objects: Vec<Uuid> = uuids.collect();
        objects.sort_unstable();
        Self { date: week.date, band: week.band(), k: week.k, objects }
    }
}

/// What is known of the newest week that shows something, if there is one.
pub fn known(app: &App, published: &Published) -> Result<Option<Arc<Known>>> {
    let mut known = app.newest.0.lock().unwrap_or_else(PoisonError::into_inner);
    if known.0 != published.version {
        let newest = published.newest(app)?;
        *known = (published.version, newest.as_ref().map(|week| Arc::new(Known::of(week))));
    }
    Ok(known.1.clone())
}

/// A processor's answer for anybody.
pub fn averages(
    app: &App,
    head: &Head,
    (kind, processor): (StatType, &Processor),
    params: &Params,
    weeks: Weeks,
) -> Answer {
    let published = Published::of(app)?;
    let dates = published.dates(weeks);
    let question = format!("{} {params:?} {dates:?}", processor.name);
    computed::released(app, head, (published.version, published.closed_at()), &question, |out| {
        published::answer(processor.name, &read(app, &dates, &[kind])?, params, out)
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
        let weeks = read(app, &dates, &[kind])?;
        write!(out, r#"{{"type": "{}", "processor": "{}", "data": "#, kind.name(), processor.name)
            .map_err(unwritten)?;
        match weeks.iter().any(|week| week.shown(kind).is_some()) {
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
        let newest = known(app, &published)?;
        let summary = value!({
            "public_min_clients": app.config.public_min_clients.k,
            "band": newest.as_ref().and_then(|week| week.band),
            "oldest": published.heads.first().map(|head| head.week),
            "newest": newest.map(|week| week.date),
        });
        write_value(&summary, out)
    })
}

/// The newest week that shows something, whole.
pub fn newest(app: &App) -> Result<Option<Week>> {
    Published::of(app)?.newest(app)
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
        write(published.newest(app)?.as_ref(), out)
    })
}

/// What pages say of themselves; nothing where everything is live.
pub fn told(app: &App) -> Result<Option<Released>> {
    let setting = app.config.public_min_clients;
    if setting.is_live() {
        return Ok(None);
    }
    let newest = known(app, &Published::of(app)?)?;
    let age = newest.as_ref().and_then(|week| Some(i64::from(today().since(week.date).ok()?.get_days())));
    let newest = newest.and_then(|week| Some((week.date.to_string(), week.band?.name().to_owned(), week.k)));
    let k = newest.as_ref().map_or(setting.k, |(_, _, k)| *k);
    let overdue = age.filter(|days| *days >= OVERDUE);
    Ok(Some(Released { k, newest: newest.map(|(date, band, _)| (date, band)), overdue }))
}

/// The averages of a window and of the same one earlier. What is told and asked are whole weeks, so that as many numbers of
/// days as have the same weeks are one question.
pub fn compared(app: &App, head: &Head, kind: StatType, processor: &Processor, days: Option<i64>) -> Answer {
    let published = Published::of(app)?;
    let spans = match days {
        None => [("3_months", Span::new().weeks(13)), ("12_months", Span::new().weeks(52))],
        Some(days) => [("period", Span::new().days(days)), ("12_months", Span::new().weeks(52))],
    };
    let newest = published.heads.last().map(|head| head.week);
    let inside = |from, to| published.dates(Weeks::Inside(Some(from), Some(to)));
    let now =
        newest.and_then(|last| Some((last.checked_sub(Span::new().days(days.unwrap_or(7).max(7) - 1)).ok()?, last)));
    let earlier = |(ago, span): &(&'static str, Span)| {
        let (from, to) = now?;
        Some((*ago, inside(from.checked_sub(*span).ok()?, to.checked_sub(*span).ok()?)))
    };
    let weeks = now.map(|(from, to)| inside(from, to)).unwrap_or_default();
    let earlier: Vec<(&str, Vec<Date>)> = spans.iter().filter_map(earlier).collect();
    let question = format!("compared {} {weeks:?} {earlier:?}", kind.name());
    computed::released(app, head, (published.version, published.closed_at()), &question, |out| {
        let Some(now) = first_and_last(&weeks) else {
            return write_value(&value!({ "type": kind.name(), "now": null, "earlier": [] }), out);
        };
        let earlier = earlier.iter().map(|(ago, weeks)| {
            let window = first_and_last(weeks).unwrap_or_else(|| before(now, ago));
            let mut averages = window_averages(app, (kind, processor), weeks)?;
            means_alone(kind, &mut averages);
            Ok(value!({ "ago": ago, "from": window.0, "to": window.1, "averages": averages }))
        });
        let earlier = earlier.collect::<Result<Vec<_>>>()?;
        let averages = window_averages(app, (kind, processor), &weeks)?;
        let now = value!({ "ago": "now", "from": now.0, "to": now.1, "averages": averages });
        write_value(&value!({ "type": kind.name(), "now": now, "earlier": earlier }), out)
    })
}

/// The first and the last day of some weeks.
fn first_and_last(weeks: &[Date]) -> Option<(Date, Date)> {
    Some((weeks.first()?.checked_sub(Span::new().days(6)).ok()?, *weeks.last()?))
}

/// Where a window without a week lies, as far as weeks tell: so that it depends on nothing else.
fn before((from, to): (Date, Date), ago: &str) -> (Date, Date) {
    let days = from.until(to).map_or(0, |span| span.get_days()) + 1;
    let span = match ago {
        "3_months" => Span::new().weeks(13),
        "12_months" => Span::new().weeks(52),
        _ => Span::new().days(days),
    };
    (from.saturating_sub(span), to.saturating_sub(span))
}

/// The averages of some weeks; null if none of them shows any.
fn window_averages(app: &App, (kind, processor): (StatType, &Processor), weeks: &[Date]) -> Result<Value> {
    let weeks = read(app, weeks, &[kind])?;
    if !weeks.iter().any(|week| week.shown(kind).is_some()) {
        return Ok(Value::Null);
    }
    // The longest period, so that each value also says its band.
    let params = Params { period: Some(Period::Year), ..Params::default() };
    let mut text = Vec::new();
    published::answer(processor.name, &weeks, &params, &mut text)?;
    serde_json::from_slice(&text).map_err(unwritten)
}

/// What a live instance keeps; nothing if it was never computed.
pub fn live_changes(app: &App) -> Result<Live> {
    let text = app.store.live_changes()?.and_then(|kept| kept.cells);
    Ok(text.map(|text| serde_json::from_str(&text)).transpose().map_err(unwritten)?.unwrap_or_default())
}

/// Every change of an object in the newest week.
pub fn changes(app: &App, key: &str) -> Result<Value> {
    let newest = newest(app)?;
    let found = OBJECTS.into_iter().find_map(|kind| {
        let objects = &newest.as_ref()?.release.types.get(kind.name())?.objects;
        objects.iter().find(|object| object.key == key).map(|object| moved::released_changes(kind, object))
    });
    serde_json::to_value(found.unwrap_or_default()).map_err(unwritten)
}

/// Whether some release shows this threat or vulnerability. For answers that are being computed.
pub fn ever_showed(app: &App, published: &Published, uuid: Uuid) -> Result<bool> {
    for kind in OBJECTS {
        if series(app, published, kind, &uuid.to_string())?.1.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether the newest release shows it.
pub fn shows(app: &App, published: &Published, uuid: Uuid) -> Result<bool> {
    Ok(known(app, published)?.is_some_and(|newest| newest.objects.binary_search(&uuid).is_ok()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::averages::release::RULES;
    use crate::config::{Config, Raw};
    use crate::error::Kind;
    use crate::store::Store;
    use crate::store::releases::New;

    fn key(number: u128) -> String {
        Uuid::from_u128(number).to_string()
    }

    /// A service that published ten weeks of twenty threats.
    fn house() -> (tempfile::TempDir, App) {
        let directory = tempfile::TempDir::new().unwrap();
        let path = directory.path().join("stats.db");
        let words = ["--store", path.to_str().unwrap(), "--public-min-clients", "3"];
        let (raw, _) = Raw::take(words.map(str::to_owned).into()).unwrap();
        let store = Arc::new(Store::open(&path).unwrap());
        let app = App::new(Config::new(&raw).unwrap(), Arc::clone(&store), Arc::default());
        let object =
            |number| format!(r#"{{"key":"{}","figures":[{{"n":"5-9","v":{number}}},null,null]}}"#, key(number));
        let objects = (1..=20).map(object).collect::<Vec<_>>().join(",");
        let cells = format!(r#"{{"types":{{"threat":{{"band":"5-9","totals":{{"":10}},"objects":[{objects}]}}}}}}"#);
        for week in 0..10 {
            let week = jiff::civil::date(2026, 1, 4).saturating_add(Span::new().weeks(week));
            store.keep_release(&New { week, rules: RULES, k: 3, cells: &cells }).unwrap();
        }
        (directory, app)
    }

    /// Bug: an answer about years of thousands of objects took as much memory as they have.
    #[test]
    fn no_more_is_held_of_weeks_than_there_is_room_for() {
        let (_directory, app) = house();
        let dates = Published::of(&app).unwrap().dates(Weeks::Inside(None, None));
        let read = |most| read_within(&app, &dates, &[StatType::Threat], most).map(|weeks| weeks.len());
        assert_eq!(read(200).unwrap(), 10);
        let refused = read(199).unwrap_err();
        assert!(refused.kind == Kind::Invalid && refused.message.contains("fewer days"), "{refused}");
        assert_eq!(read_within(&app, &dates, &[StatType::Risk], 0).unwrap().len(), 10, "other types do not count");
    }

    /// Bug: each question about one of thousands of objects had all weeks that it asks for read whole.
    #[test]
    fn weeks_are_read_once_for_all_objects() {
        let (_directory, app) = house();
        let published = Published::of(&app).unwrap();
        let before = app.store.reads_of_releases().unwrap();
        for number in 1..=20 {
            for weeks in 1..=5 {
                let dates = &published.dates(Weeks::Inside(None, None))[..weeks];
                let found = read_object(&app, &published, dates, (StatType::Threat, &key(number))).unwrap();
                let values: Vec<i32> = found
                    .iter()
                    .filter_map(|week| week.shown(StatType::Threat)?.object(&key(number))?.figures[0])
                    .map(|figure| figure.value)
                    .collect();
                assert_eq!(values, vec![i32::try_from(number).unwrap(); weeks]);
            }
            assert!(ever_showed(&app, &published, Uuid::from_u128(number)).unwrap());
        }
        assert!(!ever_showed(&app, &published, Uuid::from_u128(21)).unwrap());
        // Once for threats, and once for vulnerabilities when something was none.
        assert_eq!(app.store.reads_of_releases().unwrap() - before, 20);
    }
}
