//! One's own figures beside those of others, cell by cell, on the scales of releases.
//!
//! Where everything is live others are the other organisations of the instance, and only their mean is told, from
//! [`LEAST`] of them on: of two each would know the other. Where figures are released others are what was published, with
//! its median and quartiles. A rank, a lowest or a highest value would be somebody's own, so there is none.

use super::published::Week;
use super::release::Figure;
use super::release::cells::{Cell, MAX_RISK, RATE, Values, is_total};
use super::release::rounding::{Band, amount};
use super::{Labels, List, unwritten};
use crate::error::Result;
use crate::model::StatType;
use crate::model::decimal::Mean;
use crate::model::shapes::category_of_key;
use jiff::civil::Date;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::Write;
use std::rc::Rc;

/// Others from which on their mean is told.
pub const LEAST: usize = 3;

/// The types that can be compared: cells of matrices are too many to be read.
pub const TYPES: [StatType; 4] = [StatType::Risk, StatType::Threat, StatType::Vulnerability, StatType::Compliance];

/// The measures of a type's objects in the order of their cells, each with the end of its scale.
pub fn measures(kind: StatType) -> &'static [(&'static str, f64)] {
    match kind {
        StatType::Threat | StatType::Vulnerability => &[("share", 1.0), ("maxRisk", MAX_RISK), ("averageRate", RATE)],
        StatType::Compliance => &[("current", 1.0), ("target", 1.0)],
        StatType::Risk | StatType::Cartography => &[("share", 1.0)],
    }
}

/// What somebody has: parts of each cell's scale, and what they rest on.
#[derive(Default)]
pub struct Own {
    /// The parts.
    pub values: Values,
    /// Analyses with stats of the type, of which they are the mean; none of what was released.
    pub analyses: Option<usize>,
    /// The last day of the week that was released.
    pub week: Option<Date>,
}

impl Own {
    /// What was released of an instance as a whole; nothing if no week is shown yet.
    pub fn of_week(kind: StatType, week: Option<&Week>) -> Self {
        let Some(week) = week else { return Self::default() };
        let objects = week.release.types.get(kind.name()).map(|shown| shown.objects.as_slice()).unwrap_or_default();
        let cells = objects.iter().flat_map(|object| {
            let figures = object.figures.iter().enumerate();
            figures.filter_map(|(measure, figure)| {
                let part = amount(figure.as_ref()?.value.into(), 1).to_f64();
                Some(((object.key.as_str().into(), measure), part))
            })
        });
        Self { values: cells.collect(), analyses: None, week: Some(week.date) }
    }
}

/// Sums over several, each with one vote per cell that it has.
#[derive(Default)]
pub struct Sums {
    cells: BTreeMap<Cell, (f64, usize)>,
    votes: usize,
}

impl Sums {
    /// Counts one in with these of its cells, and with its vote if it has any at all.
    pub fn add(&mut self, cells: impl IntoIterator<Item = (Cell, f64)>, has_any: bool) {
        for (cell, value) in cells {
            let sum = self.cells.entry(cell).or_default();
            *sum = (sum.0 + value, sum.1 + 1);
        }
        self.votes += usize::from(has_any);
    }

    /// The means over all, each of which is an analysis.
    pub fn into_own(self) -> Own {
        let mean = |(cell, (sum, number)): (Cell, (f64, usize))| (cell, sum / number as f64);
        Own { values: self.cells.into_iter().map(mean).collect(), analyses: Some(self.votes), week: None }
    }
}

/// Beside whom.
pub enum Others {
    /// Nobody of this instance.
    Nobody,
    /// The instance's other organisations.
    Live(Sums),
    /// What was released; nothing if no week is shown yet.
    Released(Option<Week>),
}

/// The answer.
#[derive(Serialize)]
struct Benchmark<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    own: Basis,
    /// None where there are no others of this instance to look at.
    others: Option<About>,
    remote: Option<&'a Elsewhere>,
    /// One's own objects, which are written after it.
    objects: [(); 0],
}

/// What one's own figures rest on.
#[derive(Serialize)]
struct Basis {
    analyses: Option<usize>,
    week: Option<Date>,
}

/// What those of others rest on.
#[derive(Serialize)]
struct About {
    mode: &'static str,
    /// The last day of the week that was released.
    week: Option<Date>,
    /// How many others have stats of the type; none if they are too few to be told of.
    band: Option<Band>,
}

/// Where figures from afar come from.
#[derive(Clone, Debug, Serialize)]
pub struct Elsewhere {
    /// The instance that published them.
    pub host: String,
    /// The newest date that they have.
    pub date: Date,
    /// Its ISO week.
    pub week: i8,
}

/// Figures from afar: parts of each cell's scale.
pub struct Remote {
    /// Where they come from.
    pub about: Elsewhere,
    /// The parts.
    pub values: Values,
}

#[derive(Serialize)]
struct Row {
    #[serde(flatten)]
    name: Name,
    figures: Vec<Compared>,
}

/// What a row is about.
#[derive(Serialize)]
#[serde(untagged)]
enum Name {
    Rated { object: String, labels: Labels },
    Level { state: String, category: String, level: String },
    Category { referential: String, referential_labels: Labels, labels: Labels },
}

/// A measure of an object: one's own number beside those of others.
#[derive(Default, Serialize)]
struct Compared {
    measure: &'static str,
    own: Mean,
    /// The mean of the others.
    others: Option<Mean>,
    /// How many of them have it.
    band: Option<Band>,
    median: Option<Mean>,
    /// The first and the third.
    quartiles: Option<[Mean; 2]>,
    /// To what the median was rounded, or the mean where there is none; nothing where nothing was.
    step: Option<Mean>,
    /// What another instance publishes.
    remote: Option<Mean>,
}

/// Finds what an object is called by its key.
pub type Names<'a> = dyn FnMut(&str) -> Result<Labels> + 'a;

impl Remote {
    /// What an instance publishes, as it was kept.
    pub fn new(host: &str, date: Date, figures: Vec<(String, usize, f64)>) -> Self {
        let about = Elsewhere { host: host.to_owned(), date, week: date.iso_week_date().week() };
        let cell = |(object, measure, part): (String, usize, f64)| ((object.into(), measure), part);
        Self { about, values: figures.into_iter().map(cell).collect() }
    }
}

/// Writes one's own figures beside those of others, object by object: their names may be long. Objects that one does not
/// have are not told.
///
/// # Errors
/// Those of `names`, and `Internal` if it cannot be written.
pub fn compare(
    kind: StatType,
    own: &Own,
    others: &Others,
    remote: Option<&Remote>,
    names: &mut Names<'_>,
    out: &mut dyn Write,
) -> Result<()> {
    let about = |mode, week| Some(About { mode, week, band: others.band(kind) });
    let about = match others {
        Others::Nobody => None,
        Others::Live(_) => about("live", None),
        Others::Released(week) => about("releases", week.as_ref().map(|week| week.date)),
    };
    let basis = Basis { analyses: own.analyses, week: own.week };
    let about_remote = remote.map(|remote| &remote.about);
    let answer = Benchmark { kind: kind.name(), own: basis, others: about, remote: about_remote, objects: [] };
    let mut rows = List::begin_in(&answer, out)?;
    let mut cells = own.values.iter().filter(|((object, _), _)| !is_total(kind, object)).peekable();
    while let Some(((key, _), _)) = cells.peek() {
        let (key, mut figures) = (Rc::clone(key), Vec::new());
        while let Some((cell, part)) = cells.next_if(|((object, _), _)| *object == key) {
            let Some(&(measure, range)) = measures(kind).get(cell.1) else { continue };
            let remote = remote.and_then(|remote| remote.values.get(cell)).map(|part| number(part * range));
            figures.push(Compared { own: number(part * range), remote, ..others.figure(kind, cell, measure, range) });
        }
        if !figures.is_empty()
            && let Some(name) = name(kind, &key, names)?
        {
            rows.push(&Row { name, figures })?;
        }
    }
    rows.out.write_all(b"]}").map_err(unwritten)
}

impl Others {
    fn band(&self, kind: StatType) -> Option<Band> {
        match self {
            Self::Nobody => None,
            Self::Live(sums) => Some(sums.votes).filter(|votes| *votes >= LEAST).and_then(Band::of),
            Self::Released(week) => Some(week.as_ref()?.release.types.get(kind.name())?.band),
        }
    }

    /// What they have of a cell; one's own number is still to be told.
    fn figure(&self, kind: StatType, cell: &Cell, measure: &'static str, range: f64) -> Compared {
        let found = match self {
            Self::Nobody => None,
            Self::Live(sums) => sums.cells.get(cell).filter(|(_, votes)| *votes >= LEAST).map(|(sum, votes)| {
                let others = Some(number(sum / *votes as f64 * range));
                Compared { others, band: Band::of(*votes), ..Compared::default() }
            }),
            Self::Released(week) => {
                week.as_ref().and_then(|week| released(week, kind, cell)).map(|figure| Compared::of(figure, range))
            }
        };
        Compared { measure, ..found.unwrap_or_default() }
    }
}

impl Compared {
    fn of(figure: &Figure, range: f64) -> Self {
        let exact = |units: i32| number(amount(units.into(), 1).to_f64() * range);
        let (median, quartiles) = match figure.quantiles.as_slice() {
            [first, median, third] => (Some(exact(*median)), Some([exact(*first), exact(*third)])),
            [median] => (Some(exact(*median)), None),
            _ => (None, None),
        };
        let (others, band, step) = (Some(exact(figure.value)), Some(figure.band), Some(exact(figure.step())));
        Self { others, band, median, quartiles, step, ..Self::default() }
    }
}

fn released<'a>(week: &'a Week, kind: StatType, (object, measure): &Cell) -> Option<&'a Figure> {
    let objects = &week.release.types.get(kind.name())?.objects;
    let found = objects.binary_search_by(|known| known.key.as_str().cmp(object)).ok()?;
    objects.get(found)?.figures.get(*measure)?.as_ref()
}

fn name(kind: StatType, key: &str, names: &mut Names<'_>) -> Result<Option<Name>> {
    Ok(match kind {
        StatType::Threat | StatType::Vulnerability => Some(Name::Rated { object: key.to_owned(), labels: names(key)? }),
        StatType::Compliance => match category_of_key(key) {
            None => None,
            Some((referential, labels)) => {
                let referential_labels = names(key)?;
                Some(Name::Category { referential, referential_labels, labels: labels.into() })
            }
        },
        StatType::Risk | StatType::Cartography => match serde_json::from_str::<[String; 3]>(key) {
            Ok([state, category, level]) => Some(Name::Level { state, category, level }),
            Err(_) => None,
        },
    })
}

/// A number without the dust of floating points.
fn number(value: f64) -> Mean {
    Mean((value * 1e9).round() / 1e9)
}
