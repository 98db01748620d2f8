//! What a contributor has: the parts that its analyses' stats are of each cell's scale.

use crate::model::StatType;
use crate::model::shapes::{
    CATEGORIES, COMMON_IMPACT, COMMON_LIKELIHOOD, LEVELS, STATES, category_of_key, cell_key, referential_key, risk_key,
};
use crate::store::entries::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

/// An object and the number of a measure of it: of threats and vulnerabilities count, highest risk and rate; of categories
/// current and target; one of all others.
pub type Cell = (Rc<str>, usize);

/// A value per cell, as part of its scale; of a total its number.
pub type Values = BTreeMap<Cell, f64>;

/// The texts that a contributor gives an object, per language.
pub type Texts = HashMap<Rc<str>, [BTreeSet<String>; 4]>;

/// Ends of the scales of highest risks and rates; shares and compliance end at 1. Larger values are clipped.
pub const MAX_RISK: f64 = 100.0;
/// The end of the scale of rates.
pub const RATE: f64 = 5.0;

/// The total of a type that has one.
const ALL: &str = "";

/// Whether an object is a number of risks and not a part of a scale.
pub fn is_total(kind: StatType, object: &str) -> bool {
    match kind {
        StatType::Threat | StatType::Vulnerability => object == ALL,
        StatType::Risk | StatType::Cartography => total_keys().iter().any(|key| key == object),
        StatType::Compliance => false,
    }
}

/// What the key of a total of risks is.
pub fn total_key(state: &str, category: &str) -> String {
    format!("{state} {category}")
}

fn total_keys() -> [String; 4] {
    let [current, residual] = STATES.map(|state| CATEGORIES.map(|category| total_key(state, category)));
    let ([a, b], [c, d]) = (current, residual);
    [a, b, c, d]
}

/// What the objects of the store are, found out once each.
pub struct Places {
    kind: StatType,
    known: HashMap<i64, Option<Place>>,
    /// Cells that every analysis has, per total: an absent one is 0.
    grid: Vec<(Rc<str>, Vec<Rc<str>>)>,
}

/// Where an object of the store belongs.
struct Place {
    object: Rc<str>,
    /// The total of which it is a share, by its place in the grid.
    total: usize,
}

impl Places {
    /// Nothing known yet.
    pub fn new(kind: StatType) -> Self {
        let grid = match kind {
            StatType::Risk | StatType::Cartography => grid(kind),
            StatType::Threat | StatType::Vulnerability => vec![(Rc::from(ALL), Vec::new())],
            StatType::Compliance => Vec::new(),
        };
        Self { kind, known: HashMap::new(), grid }
    }

    /// Whether the key of this object is still to be told.
    pub fn lacks(&self, object: i64) -> bool {
        !self.known.contains_key(&object)
    }

    /// Tells the key of an object.
    pub fn learn(&mut self, object: i64, key: &str) {
        let place = self.place(key);
        self.known.insert(object, place);
    }

    fn place(&self, key: &str) -> Option<Place> {
        if key.is_empty() {
            return None;
        }
        let place = |total| Some(Place { object: key.into(), total });
        match self.kind {
            StatType::Threat | StatType::Vulnerability => place(0),
            StatType::Compliance => category_of_key(key).and_then(|_| place(0)),
            StatType::Risk | StatType::Cartography => {
                let names = serde_json::from_str::<Vec<String>>(key).ok()?;
                let [state, category, ..] = names.as_slice() else { return None };
                let wanted = total_key(state, category);
                place(self.grid.iter().position(|(total, _)| **total == *wanted)?)
            }
        }
    }

    /// What a contributor has: the mean over its analyses of what each one's stat has.
    pub fn values<'a>(&self, stats: impl Iterator<Item = &'a [(i64, Entry)]>) -> Values {
        let mut sums: BTreeMap<Cell, (f64, f64)> = BTreeMap::new();
        for stat in stats {
            for (cell, value) in self.analysis(stat) {
                let sum = sums.entry(cell).or_default();
                *sum = (sum.0 + value, sum.1 + 1.0);
            }
        }
        sums.into_iter().map(|(cell, (sum, number))| (cell, sum / number)).collect()
    }

    /// The values of one analysis.
    fn analysis(&self, stat: &[(i64, Entry)]) -> Values {
        let mut merged: BTreeMap<Cell, (Entry, usize)> = BTreeMap::new();
        let mut totals = vec![0.0; self.grid.len()];
        for (object, entry) in stat {
            if let Some(place) = self.known.get(object).and_then(Option::as_ref) {
                let cell = (Rc::clone(&place.object), 0);
                merged.entry(cell).or_insert((Entry::default(), place.total)).0.add(entry, 1);
                if let Some(total) = totals.get_mut(place.total) {
                    *total += entry.sums[0].to_f64();
                }
            }
        }
        let mut values = match self.kind {
            StatType::Compliance => {
                merged.into_iter().flat_map(|((object, _), (entry, _))| sides(object, entry)).collect()
            }
            StatType::Threat | StatType::Vulnerability => rated(merged, totals[0]),
            StatType::Risk | StatType::Cartography => self.shares(&merged, &totals),
        };
        values.extend(self.grid.iter().zip(totals).map(|((key, _), total)| ((Rc::clone(key), 0), total)));
        values
    }

    /// Shares of each total; of none, there are none.
    fn shares(&self, merged: &BTreeMap<Cell, (Entry, usize)>, totals: &[f64]) -> Values {
        let mut values = Values::new();
        for ((_, cells), total) in self.grid.iter().zip(totals).filter(|(_, total)| **total > 0.0) {
            for object in cells {
                let cell = (Rc::clone(object), 0);
                let number = merged.get(&cell).map_or(0.0, |(entry, _)| entry.sums[0].to_f64());
                values.insert(cell, number / total);
            }
        }
        values
    }
}

/// Every level of each kind, or every cell of each matrix.
fn grid(kind: StatType) -> Vec<(Rc<str>, Vec<Rc<str>>)> {
    let mut grid = Vec::new();
    for (state, category) in STATES.iter().flat_map(|state| CATEGORIES.map(|category| (*state, category))) {
        let keys: Vec<String> = match kind {
            StatType::Risk => LEVELS.iter().map(|level| risk_key(state, category, level)).collect(),
            _ => {
                let last = if category == CATEGORIES[0] { COMMON_LIKELIHOOD } else { COMMON_IMPACT };
                let cells = (0..=COMMON_IMPACT).flat_map(|impact| (0..=last).map(move |column| (impact, column)));
                cells.map(|(impact, column)| cell_key(state, category, impact, column)).collect()
            }
        };
        grid.push((total_key(state, category).into(), keys.into_iter().map(Rc::from).collect()));
    }
    grid
}

/// A sum's mean per occurrence as part of a scale.
fn part(entry: &Entry, sum: usize, range: f64) -> f64 {
    (entry.sums[sum].mean(entry.number.into()).0 / range).clamp(0.0, 1.0)
}

/// Current and target of a category, as far as the stat has them.
fn sides(object: Rc<str>, entry: Entry) -> impl Iterator<Item = (Cell, f64)> {
    let [current, target, targets] = entry.sums;
    let numbers = [(current, entry.number.into()), (target, targets.wholes())];
    let each = numbers.into_iter().enumerate().filter(|(_, (_, number))| *number > 0);
    each.map(move |(side, (sum, number))| ((Rc::clone(&object), side), sum.mean(number).0.clamp(0.0, 1.0)))
}

/// What a contributor calls its objects; of a category it is what it calls the referential, since a category's own labels
/// are its identity.
pub fn given(kind: StatType, texts: &[(String, [String; 4])]) -> Texts {
    let named: HashMap<&str, &[String; 4]> = texts.iter().map(|(key, texts)| (key.as_str(), texts)).collect();
    let mut found = Texts::new();
    for (key, own) in texts {
        let texts = match category_of_key(key) {
            Some((referential, _)) if kind == StatType::Compliance => {
                named.get(referential_key(&referential).as_str()).copied()
            }
            _ => Some(own),
        };
        for (language, text) in texts.into_iter().flatten().enumerate().filter(|(_, text)| !text.is_empty()) {
            found.entry(Rc::from(key.as_str())).or_default()[language].insert(text.clone());
        }
    }
    found
}

fn rated(merged: BTreeMap<Cell, (Entry, usize)>, total: f64) -> Values {
    let mut values = Values::new();
    for ((object, _), (entry, _)) in merged {
        if total > 0.0 {
            values.insert((Rc::clone(&object), 0), entry.sums[0].to_f64() / total);
        }
        values.insert((Rc::clone(&object), 1), part(&entry, 1, MAX_RISK));
        values.insert((object, 2), part(&entry, 2, RATE));
    }
    values
}
