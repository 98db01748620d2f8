//! What moved in a live instance, over all its analyses or over those of one client.

use crate::averages::release::cells::{Places, Texts, Values};
use crate::averages::release::moved::{self, Live, NAMES, Paths, SINCE, TYPES};
use crate::averages::release::{DAYS, HORIZONS, Votes};
use crate::error::Result;
use crate::model::StatType;
use crate::model::shapes::{self, category_of_key};
use crate::store::Store;
use crate::store::releases::{Contributor, Stat};
use jiff::Span;
use jiff::civil::Date;
use std::rc::Rc;

/// What an object of a type is called.
pub type Named<'a> = &'a dyn Fn(StatType, &str) -> Result<shapes::Texts>;

/// What moved until a day.
pub fn live(store: &Store, analyses: &[Contributor], today: Date, names: Named<'_>) -> Result<Live> {
    let mut live = Live { date: Some(today), ..Live::default() };
    for kind in TYPES {
        let (votes, paths) = followed(store, analyses, kind, today)?;
        for (horizon, name) in NAMES.iter().enumerate() {
            tell(&mut live, (kind, name), (&votes, horizon, &paths), names)?;
        }
        if matches!(kind, StatType::Threat | StatType::Vulnerability) {
            live.objects.extend(votes.all_changes(kind));
        }
    }
    Ok(live)
}

/// What moved between a day of one's own and another: from one end to the other, without the way between.
pub fn since(store: &Store, analyses: &[Contributor], days: (Date, Date), names: Named<'_>) -> Result<Live> {
    let mut live = Live { date: Some(days.1), ..Live::default() };
    for kind in TYPES {
        let votes = ends(store, analyses, kind, [days.1, days.0])?;
        tell(&mut live, (kind, SINCE), (&votes, 0, &Paths::default()), names)?;
    }
    Ok(live)
}

/// Adds what moved of a type since what has this name.
fn tell(
    live: &mut Live,
    (kind, name): (StatType, &str),
    (votes, horizon, paths): (&Votes, usize, &Paths),
    names: Named<'_>,
) -> Result<()> {
    let mut lists = votes.moved(kind, horizon, paths);
    for named in lists.named() {
        named.labels = match category_of_key(&named.object) {
            Some((_, texts)) => texts.into(),
            None => names(kind, &named.object)?.into(),
        };
    }
    live.moved.entry(name.to_owned()).or_default().insert(kind.name().to_owned(), lists);
    if kind == StatType::Risk {
        live.high.insert(name.to_owned(), votes.high(horizon, paths));
    }
    Ok(())
}

/// The votes of a type, one an analysis, at the newer of two days and at the older, which stands in the first horizon's place.
fn ends(store: &Store, analyses: &[Contributor], kind: StatType, ends: [Date; 2]) -> Result<Votes> {
    let (mut votes, mut places) = (Votes::default(), Places::new(kind));
    for analysis in analyses {
        let (all, keys) = store.last_stats(analysis, kind, &ends, DAYS, &|object| !places.lacks(object))?;
        keys.iter().for_each(|(object, key)| places.learn(*object, key));
        let mut values = all.iter().map(|stats| values_of(&places, stats));
        let (now, then) = (values.next().unwrap_or_default(), values.next().unwrap_or_default());
        votes.add(now, &[then, Values::new(), Values::new()], &Texts::new());
    }
    Ok(votes)
}

/// The votes of a type of a live instance, one an analysis, and the way that each took.
fn followed(store: &Store, analyses: &[Contributor], kind: StatType, today: Date) -> Result<(Votes, Paths)> {
    let ends: Vec<Date> = moved::WEEKS.iter().map(|week| today.saturating_sub(Span::new().weeks(*week))).collect();
    let (mut votes, mut paths, mut places) = (Votes::default(), Paths::default(), Places::new(kind));
    for analysis in analyses {
        let (all, keys) = store.last_stats(analysis, kind, &ends, DAYS, &|object| !places.lacks(object))?;
        keys.iter().for_each(|(object, key)| places.learn(*object, key));
        let mut weeks: Vec<Rc<Values>> = Vec::with_capacity(all.len());
        for (week, stats) in all.iter().enumerate() {
            // Unchanged analyses have the same stat for weeks.
            let newer = week.checked_sub(1).and_then(|newer| all.get(newer).zip(weeks.get(newer)));
            let values = match newer {
                Some((known, values)) if is_same(known, stats) => Rc::clone(values),
                _ => Rc::new(values_of(&places, stats)),
            };
            weeks.push(values);
        }
        let at = |back: i64| moved::WEEKS.iter().position(|week| *week == back).and_then(|week| weeks.get(week));
        let before = HORIZONS.map(|back| at(back).map(|values| Values::clone(values)).unwrap_or_default());
        votes.add(weeks.first().map(|now| Values::clone(now)).unwrap_or_default(), &before, &Texts::new());
        paths.follow(&weeks);
    }
    Ok((votes, paths))
}

/// What an analysis has at the end of a week.
fn values_of(places: &Places, stats: &[Stat]) -> Values {
    let mut values = places.values(stats.iter().map(AsRef::as_ref));
    moved::add_high(&mut values);
    values
}

fn is_same(one: &[Stat], other: &[Stat]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| Rc::ptr_eq(one, other))
}
