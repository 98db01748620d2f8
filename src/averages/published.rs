//! Releases in, the processors' answers out: the same shapes, made of published cells alone. What is hidden is absent.

mod lean;
pub mod series;

use super::cartography::{self, Cell, Matrices};
use super::compliance::{self, Category, Referential, Sides};
use super::release::cells::total_key;
use super::release::rounding::{Band, amount};
use super::release::{Release, Shown, is_blank};
use super::{Basis, Params, Period, Tree, json, rated, release, risks};
use crate::error::{Error, Kind, Result};
use crate::model::decimal::{Decimal, Mean};
use crate::model::shapes::{category_of_key, referential_key, risk_key};
use crate::model::{Decimal as Number, StatType};
use crate::store::releases::Kept;
use jiff::civil::Date;
pub use lean::{Figure, Figures, Lean, Object, Reader};
use serde::Serializer;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

/// A release and its week's last day.
pub struct Week {
    /// The last day.
    pub date: Date,
    /// How many contributors a cell needed.
    pub k: usize,
    /// What is shown.
    pub release: Release,
}

impl Week {
    /// A release as the store has it; nothing if it was withdrawn, or shows nothing.
    ///
    /// # Errors
    /// `Unavailable` if it cannot be read.
    pub fn of(kept: &Kept) -> Result<Option<Self>> {
        let Some(cells) = &kept.cells else { return Ok(None) };
        let release: Release = serde_json::from_str(cells).map_err(|error| {
            Error::new(Kind::Unavailable, format!("the release of {} cannot be read", kept.week)).because(error)
        })?;
        Ok((!release.types.is_empty()).then_some(Self { date: kept.week, k: kept.k, release }))
    }

    fn shown(&self, kind: StatType) -> Option<&Shown> {
        self.release.types.get(kind.name())
    }

    /// The texts of an object; of a referential those that stand with its categories.
    pub fn texts(&self, kind: StatType, key: &str) -> Option<[String; 4]> {
        let shown = self.shown(kind)?;
        let of_key = |object: &&release::Object| {
            category_of_key(&object.key).is_some_and(|(referential, _)| referential_key(&referential) == key)
        };
        let mut categories = shown.objects.iter().filter(of_key).filter(|_| kind == StatType::Compliance);
        let found = shown.objects.binary_search_by(|object| object.key.as_str().cmp(key)).ok();
        let found = found.and_then(|found| shown.objects.get(found));
        let found = found.or_else(|| categories.find(|object| !is_blank(&object.texts)));
        found.map(|object| object.texts.clone())
    }

    /// How many contributors it has in all: the band of the type that most have.
    pub fn band(&self) -> Option<Band> {
        self.release.types.values().map(|shown| shown.band).max()
    }
}

/// The answer of a processor, made of whole weeks in order.
///
/// # Errors
/// `Internal` for a processor that has no such answer, and those of the writer.
pub fn answer(processor: &str, weeks: &[Lean], params: &Params, out: &mut dyn Write) -> Result<()> {
    match processor {
        "threat_average_on_date" => rated_averages(StatType::Threat, weeks, params, out),
        "vulnerability_average_on_date" => rated_averages(StatType::Vulnerability, weeks, params, out),
        "risk_averages" => risk_averages(weeks, params, out),
        "risk_averages_on_date" => risk_averages_on_date(weeks, params, out),
        "cartography_average" => cartography_average(weeks, params, out),
        "compliance_average" => compliance_average(weeks, params, out),
        _ => Err(Error::new(Kind::Internal, format!("no releases for the processor {processor}"))),
    }
}

/// A point in time: its date, and the weeks of it.
type Point<'a> = (Date, Vec<&'a Lean>);

/// The weeks by themselves, or by the month, quarter or year that has their last day.
fn points<'a>(weeks: &'a [Lean], params: &Params) -> Result<Vec<Point<'a>>> {
    let mut points: BTreeMap<Date, Vec<&Lean>> = BTreeMap::new();
    for week in weeks {
        let date = match params.period {
            None | Some(Period::Day | Period::Week) => week.date,
            Some(period) => period.start(week.date)?,
        };
        points.entry(date).or_default().push(week);
    }
    Ok(points.into_iter().collect())
}

/// Means of numbers of several weeks, and how many contributors the fewest of them had.
struct Means<const N: usize> {
    numbers: [Mean; N],
    band: Band,
}

/// The unweighted mean of those weeks that show something, if at least `half` of them do.
fn means<const N: usize>(weeks: usize, shown: &[([Decimal; N], Band)], half: bool) -> Option<Means<N>> {
    if shown.is_empty() || half && 2 * shown.len() < weeks {
        return None;
    }
    let number = i128::try_from(shown.len()).unwrap_or(i128::MAX);
    let sum = |index: usize| Decimal(shown.iter().map(|(numbers, _)| numbers[index].0).sum());
    let band = shown.iter().map(|(_, band)| *band).min()?;
    Some(Means { numbers: std::array::from_fn(|index| sum(index).mean(number)), band })
}

/// A share of a total.
fn share_of(units: i32, total: i128) -> Decimal {
    Decimal(amount(units.into(), 1).0 * total / Number::whole(1).0)
}

// ---- threats and vulnerabilities

/// Count, highest risk and rate of an object, if all of them are shown.
fn rated_numbers(shown: &Figures, object: &Object) -> Option<([Decimal; 3], Band)> {
    let [Some(share), Some(risk), Some(rate)] = &*object.figures else { return None };
    let count = share_of(share.value, *shown.totals.get("")?);
    Some(([count, amount(risk.value.into(), 100), amount(rate.value.into(), 5)], share.band.min(rate.band)))
}

fn rated_averages(kind: StatType, weeks: &[Lean], params: &Params, out: &mut dyn Write) -> Result<()> {
    let points = points(weeks, params)?;
    let averaged = |key: &str| {
        let number = |week: &&Lean| {
            let shown = week.shown(kind)?;
            rated_numbers(shown, shown.object(key)?)
        };
        let all: Vec<_> = weeks.iter().filter_map(|week| number(&week)).collect();
        let averages = means(weeks.len(), &all, false)?;
        let on_date = |(date, weeks): &Point<'_>| {
            let shown: Vec<_> = weeks.iter().filter_map(number).collect();
            let means = means(weeks.len(), &shown, true)?;
            let basis = Basis::band(params, means.band);
            Some(rated::OnDate { numbers: means.numbers.into(), date: *date, basis })
        };
        Some(rated::Averaged {
            object: key.to_owned(),
            labels: texts(kind, weeks, key).into(),
            values: points.iter().filter_map(on_date).collect(),
            averages: averages.numbers.into(),
        })
    };
    // One after the other, so that the answer is never held.
    let mut to = serde_json::Serializer::new(out);
    let written = to.collect_seq(keys(kind, weeks).into_iter().filter_map(averaged));
    written.map_err(|error| Error::new(Kind::Internal, "an answer could not be written").because(error))
}

/// The keys of a type's objects in some week, in order.
fn keys(kind: StatType, weeks: &[Lean]) -> BTreeSet<&str> {
    let objects = weeks.iter().filter_map(|week| week.shown(kind)).flat_map(|shown| &shown.objects);
    objects.map(|object| &*object.key).collect()
}

/// The texts that an object has in the newest week that names it.
fn texts(kind: StatType, weeks: &[Lean], key: &str) -> [String; 4] {
    let mut known = weeks.iter().rev().filter_map(|week| Some(&week.shown(kind)?.object(key)?.texts));
    known.find(|texts| texts.iter().any(|text| !text.is_empty())).map(|texts| (**texts).clone()).unwrap_or_default()
}

// ---- risks

/// The share that the risks of a level are of their kind, in units of its scale.
pub(super) fn share(week: &Lean, state: &str, category: &str, level: &str) -> Option<(i32, Band)> {
    let figure = week.shown(StatType::Risk)?.object(&risk_key(state, category, level))?.figures.first()?.as_ref()?;
    Some((figure.value, figure.band))
}

/// The number of risks of a level.
pub(super) fn level(week: &Lean, state: &str, category: &str, level: &str) -> Option<([Decimal; 1], Band)> {
    let (share, band) = share(week, state, category, level)?;
    Some(([share_of(share, *week.shown(StatType::Risk)?.totals.get(&total_key(state, category))?)], band))
}

fn risk_averages(weeks: &[Lean], params: &Params, out: &mut dyn Write) -> Result<()> {
    json(
        &risks::levels(params, |state, category, name| {
            let shown: Vec<_> = weeks.iter().filter_map(|week| level(week, state, category, name)).collect();
            means(weeks.len(), &shown, false).map_or(Mean::default(), |means| means.numbers[0])
        }),
        out,
    )
}

fn risk_averages_on_date(weeks: &[Lean], params: &Params, out: &mut dyn Write) -> Result<()> {
    let points = points(weeks, params)?;
    json(
        &risks::levels(params, |state, category, name| {
            let on_date = |(date, weeks): &Point<'_>| {
                let shown: Vec<_> = weeks.iter().filter_map(|week| level(week, state, category, name)).collect();
                let means = means(weeks.len(), &shown, true)?;
                let basis = Basis::band(params, means.band);
                Some(risks::OnDate { date: *date, value: means.numbers[0], basis })
            };
            points.iter().filter_map(on_date).collect::<Vec<_>>()
        }),
        out,
    )
}

// ---- cartography

fn cartography_average(weeks: &[Lean], params: &Params, out: &mut dyn Write) -> Result<()> {
    let on_date = |(date, weeks): Point<'_>| {
        let weeks: Vec<&Lean> = weeks.into_iter().filter(|week| week.shown(StatType::Cartography).is_some()).collect();
        (!weeks.is_empty()).then(|| cartography::OnDate { date, matrices: matrices(&weeks, params, true) })
    };
    let averages = matrices(&weeks.iter().collect::<Vec<_>>(), params, false);
    let values = points(weeks, params)?.into_iter().filter_map(on_date).collect();
    json(&cartography::Answer::new(averages, values), out)
}

fn matrices(weeks: &[&Lean], params: &Params, half: bool) -> Matrices {
    let mut cells: BTreeMap<[String; 4], Vec<([Decimal; 2], Band)>> = BTreeMap::new();
    for shown in weeks.iter().filter_map(|week| week.shown(StatType::Cartography)) {
        for object in &shown.objects {
            let (Ok(key), Some(Some(figure))) =
                (serde_json::from_str::<[String; 4]>(&object.key), object.figures.first())
            else {
                continue;
            };
            let Some(total) = shown.totals.get(&total_key(&key[0], &key[1])) else { continue };
            // What is at the low end may be nothing: cells without risks are not listed either.
            let share = if figure.value > figure.band.step() { figure.value } else { 0 };
            cells.entry(key).or_default().push(([share_of(share, *total), amount(share.into(), 1)], figure.band));
        }
    }
    let tree = Tree::new(params, |state, category| {
        // A cell is there if it has more than the least that is told apart from nothing.
        let cell = |([of, kind, impact, chance], shown): (&[String; 4], &Vec<([Decimal; 2], Band)>)| {
            if of != state || kind != category {
                return None;
            }
            let numbers = means(weeks.len(), shown, half)?.numbers;
            let place: (i64, i64) = (impact.parse().ok()?, chance.parse().ok()?);
            (numbers[1].0 > 0.0).then(|| (place, Cell::new(category, place.0, place.1, numbers)))
        };
        let found: BTreeMap<_, _> = cells.iter().filter_map(cell).collect();
        found.into_values().collect()
    });
    Matrices { basis: Basis::default(), tree }
}

// ---- compliance

/// Mean compliance of some weeks; nothing if neither side is shown.
fn sides(weeks: &[&Lean], key: &str, half: bool) -> Option<(Sides, Band)> {
    let side = |side: usize| {
        let figure = |week: &&Lean| {
            let figure = week.shown(StatType::Compliance)?.object(key)?.figures.get(side)?.as_ref()?;
            Some(([amount(figure.value.into(), 1)], figure.band))
        };
        means(weeks.len(), &weeks.iter().filter_map(figure).collect::<Vec<_>>(), half)
    };
    let [current, target] = [side(0), side(1)];
    let band = [&current, &target].into_iter().flatten().map(|means| means.band).min()?;
    let number = |means: Option<Means<1>>| means.map(|means| means.numbers[0]);
    Some((Sides { current: number(current), target: number(target) }, band))
}

fn compliance_average(weeks: &[Lean], params: &Params, out: &mut dyn Write) -> Result<()> {
    let points = points(weeks, params)?;
    let all: Vec<&Lean> = weeks.iter().collect();
    let mut referentials: Vec<Referential> = Vec::new();
    for key in keys(StatType::Compliance, weeks) {
        let Some((referential, labels)) = category_of_key(key) else { continue };
        let Some((averages, _)) = sides(&all, key, false) else { continue };
        let on_date = |(date, weeks): &Point<'_>| {
            let (sides, band) = sides(weeks, key, true)?;
            Some(compliance::OnDate { sides, date: *date, basis: Basis::band(params, band) })
        };
        let category =
            Category { labels: labels.into(), values: points.iter().filter_map(on_date).collect(), averages };
        match referentials.iter_mut().find(|known| known.referential == referential) {
            Some(known) => known.categories.push(category),
            None => {
                let labels = texts(StatType::Compliance, weeks, key).into();
                referentials.push(Referential { referential, labels, categories: vec![category] })
            }
        }
    }
    json(&referentials, out)
}
