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
use std::collections::HashSet;
use std::rc::Rc;

/// What an object of a type is called.
pub type Named<'a> = &'a dyn Fn(StatType, &str) -> Result<shapes::Texts>;

/// Objects of a type that are followed at most, of several kilobytes each: of more, those of the clients that have fewest.
pub const MOST: usize = 5_000;

/// What moved until a day.
pub fn live(store: &Store, analyses: &[Contributor], today: Date, names: Named<'_>) -> Result<Live> {
    live_within(MOST, store, analyses, today, names)
}

/// The same of at most so many objects of a type.
fn live_within(most: usize, store: &Store, analyses: &[Contributor], today: Date, names: Named<'_>) -> Result<Live> {
    let mut live = Live { date: Some(today), ..Live::default() };
    for kind in TYPES {
        let (votes, paths) = followed(store, analyses, (kind, most), today)?;
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
        let votes = ends(store, analyses, (kind, MOST), [days.1, days.0])?;
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
fn ends(store: &Store, analyses: &[Contributor], (kind, most): (StatType, usize), ends: [Date; 2]) -> Result<Votes> {
    let kept = store.foremost_objects(kind, owner(analyses), most)?;
    let (mut votes, mut places) = (Votes::default(), Places::new(kind));
    for analysis in analyses {
        let (all, keys) = store.last_stats(analysis, kind, &ends, DAYS, &|object| !places.lacks(object))?;
        learn(&mut places, &keys, kept.as_ref());
        let mut values = all.iter().map(|stats| values_of(&places, stats));
        let (now, then) = (values.next().unwrap_or_default(), values.next().unwrap_or_default());
        votes.add(now, &[then, Values::new(), Values::new()], &Texts::new());
    }
    Ok(votes)
}

/// The votes of a type of a live instance, one an analysis, and the way that each took.
fn followed(
    store: &Store,
    analyses: &[Contributor],
    (kind, most): (StatType, usize),
    today: Date,
) -> Result<(Votes, Paths)> {
    let kept = store.foremost_objects(kind, owner(analyses), most)?;
    let ends: Vec<Date> = moved::WEEKS.iter().map(|week| today.saturating_sub(Span::new().weeks(*week))).collect();
    let (mut votes, mut paths, mut places) = (Votes::default(), Paths::default(), Places::new(kind));
    for analysis in analyses {
        let (all, keys) = store.last_stats(analysis, kind, &ends, DAYS, &|object| !places.lacks(object))?;
        learn(&mut places, &keys, kept.as_ref());
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

/// Whose all these analyses are, if they are one client's: it follows its own objects, however many others have.
fn owner(analyses: &[Contributor]) -> Option<i64> {
    let [first, ..] = analyses.first()?.clients[..] else { return None };
    analyses.iter().all(|analysis| analysis.clients == [first]).then_some(first)
}

/// Tells the keys of objects; of those that are not followed none, so that they are nothing.
fn learn(places: &mut Places, keys: &[(i64, String)], kept: Option<&HashSet<i64>>) {
    for (object, key) in keys {
        places.learn(*object, if kept.is_none_or(|kept| kept.contains(object)) { key } else { "" });
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::stat::NewStat;
    use crate::model::{Role, Token};
    use crate::store::clients::NewClient;
    use uuid::Uuid;

    /// Bug: one client's 20,000 objects took the daily job more than 100 MB.
    #[test]
    fn of_many_objects_those_of_the_clients_with_fewest_are_followed() {
        let directory = tempfile::TempDir::new().unwrap();
        let store = Store::open(&directory.path().join("stats.db")).unwrap();
        let today = jiff::civil::date(2026, 11, 20);
        for (name, objects) in [("many", 1..=20_u128), ("few", 19..=23)] {
            let token = Token::new(&format!("{name}-token-of-a-test")).unwrap();
            let new = NewClient { uuid: None, name, token: &token, role: Role::User, is_sharing_enabled: false };
            let client = store.create_client(&new).unwrap();
            for (day, rate) in [(today.saturating_sub(Span::new().weeks(4)), 1), (today, 3)] {
                let one = |number| {
                    let uuid = Uuid::from_u128(number);
                    format!(r#"{{"uuid":"{uuid}","count":1,"maxRisk":1,"averageRate":{rate}}}"#)
                };
                let data = format!("[{}]", objects.clone().map(one).collect::<Vec<_>>().join(","));
                let anr = Uuid::from_u128(1);
                store.add_stats(&client, &[NewStat::new(None, anr, StatType::Threat, day, &data)]).unwrap();
            }
        }
        let followed_of = |most: usize, analyses: &[Contributor]| {
            let names = |_: StatType, _: &str| Ok(shapes::Texts::default());
            let live = live_within(most, &store, analyses, today, &names).unwrap();
            live.objects.into_keys().map(|key| Uuid::parse_str(&key).unwrap().as_u128()).collect::<Vec<_>>()
        };
        let followed = |most: usize| followed_of(most, &store.analyses().unwrap());
        assert_eq!(followed(23), (1..=23).collect::<Vec<_>>());
        assert_eq!(followed(7), [1, 2, 19, 20, 21, 22, 23]);
        assert_eq!(followed(3), [19, 20, 21]);
        // Bug: a client did not see its own objects move where others had many.
        let own = store.analyses_of(&store.client("many").unwrap()).unwrap();
        assert_eq!(followed_of(20, &own), (1..=20).collect::<Vec<_>>());
        assert_eq!(followed_of(3, &own), [1, 19, 20]);
    }
}
