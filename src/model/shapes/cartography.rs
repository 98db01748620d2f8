//! The shape of a cartography: matrices of counters by impact and likelihood, brought to common scales.

use super::Object;
use super::{Branches, Contribution, Flaw, MAX_OBJECTS, joined, too_many_objects};
use crate::model::Decimal;
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

/// Highest impact and probability of the common scales of the cartography; both start at 0.
pub const COMMON_IMPACT: i64 = 4;
/// Highest likelihood of the common scales: probability times vulnerability.
pub const COMMON_LIKELIHOOD: i64 = 20;
#[derive(serde::Deserialize)]
pub(super) struct CartographyData {
    scales: Object<Scales>,
    risks: Branches<Counters<Counters<Decimal>>>,
}

#[derive(serde::Deserialize)]
struct Scales {
    impact: Vec<Integer>,
    probability: Vec<Integer>,
    likelihood: Vec<Integer>,
}

/// A whole number, as a JSON number or a numeric string.
struct Integer(i64);

impl Integer {
    fn of(number: Decimal) -> Option<i64> {
        let value = i64::try_from(number.0 / Decimal::whole(1).0).ok()?;
        (Decimal::whole(value) == number).then_some(value)
    }
}

impl<'de> Deserialize<'de> for Integer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = Decimal::deserialize(deserializer)?;
        Self::of(number).map(Self).ok_or_else(|| de::Error::custom(format!("{} is not an integer", number.to_f64())))
    }
}

/// A PHP array with integer keys: encoded as a list when they happen to be 0, 1, 2 …, otherwise as an object.
struct Counters<T>(Vec<(i64, T)>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Counters<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct CountersVisitor<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for CountersVisitor<T> {
            type Value = Counters<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list or an object of counters")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut counters = Vec::new();
                while let Some(value) = seq.next_element()? {
                    few(&counters)?;
                    counters.push((i64::try_from(counters.len()).map_err(de::Error::custom)?, value));
                }
                Ok(Counters(counters))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut counters = Vec::new();
                while let Some((key, value)) = map.next_entry::<Cow<'de, str>, T>()? {
                    let reason =
                        || de::Error::custom(format!("{:?} is not an integer", crate::model::decimal::excerpt(&key)));
                    few(&counters)?;
                    counters.push((key.trim().parse().map_err(|_| reason())?, value));
                }
                Ok(Counters(counters))
            }
        }
        deserializer.deserialize_any(CountersVisitor(PhantomData))
    }
}

fn few<T, E: de::Error>(counters: &[T]) -> Result<(), E> {
    // A list of millions takes little room in a request and much in memory.
    if counters.len() < MAX_OBJECTS { Ok(()) } else { Err(E::custom(too_many_objects())) }
}

/// Lowest and highest value of a scale; none if it has no values.
fn ends(scale: &[Integer]) -> Option<(i64, i64)> {
    let values = || scale.iter().map(|Integer(value)| *value);
    values().min().zip(values().max())
}

/// Brings a value of an analysis's own scale to the common one from 0 to `top`: the ends meet, the rest is spread
/// evenly between them. A scale of one value, or of none, is taken for the common one.
fn to_common(value: i64, scale: Option<(i64, i64)>, top: i64) -> i64 {
    let (low, high) = scale.filter(|(low, high)| low < high).unwrap_or((0, top));
    let value = i128::from(value.clamp(low, high)) - i128::from(low);
    let width = i128::from(high) - i128::from(low);
    let common = (2 * value * i128::from(top) + width) / (2 * width);
    i64::try_from(common).unwrap_or(top)
}

/// A scale that has these values on it as well: some analyses have risks beyond the scale that they state.
fn widened(scale: Option<(i64, i64)>, top: i64, values: impl Iterator<Item = i64>) -> Option<(i64, i64)> {
    let scale = scale.filter(|(low, high)| low < high).unwrap_or((0, top));
    Some(values.fold(scale, |(low, high), value| (low.min(value), high.max(value))))
}

impl Counters<Counters<Decimal>> {
    /// Rows and columns in which there are risks.
    fn used(&self) -> impl Iterator<Item = (i64, i64)> {
        let columns = |(row, counters): &'_ (i64, Counters<Decimal>)| {
            let used = counters.0.iter().filter(|(_, count)| *count != Decimal::default());
            used.map(|(column, _)| (*row, *column)).collect::<Vec<_>>()
        };
        self.0.iter().flat_map(columns)
    }
}

impl CartographyData {
    pub(super) fn contributions(&self) -> Result<Vec<Contribution>, Flaw> {
        let counters = |(_, _, rows): (_, _, &Counters<Counters<Decimal>>)| -> usize {
            rows.0.iter().map(|(_, counters)| counters.0.len()).sum()
        };
        if self.risks.0.branches().map(counters).iter().sum::<usize>() > MAX_OBJECTS {
            return Err(Flaw { field: Some("data.risks".into()), reason: too_many_objects() });
        }
        let scales = &self.scales.0;
        let impact = ends(&scales.impact);
        let mut parts = Vec::new();
        for (state, category, rows) in self.risks.0.branches() {
            let (scale, top) = match category {
                "informational" => (ends(&scales.likelihood), COMMON_LIKELIHOOD),
                _ => (ends(&scales.probability), COMMON_IMPACT),
            };
            // Both states of a category lie on one scale, which reaches as far as their risks do.
            let same = |(_, other, _): &(&str, &str, _)| *other == category;
            let both = || self.risks.0.branches().into_iter().filter(same).flat_map(|(.., rows)| rows.used());
            let impact = widened(impact, COMMON_IMPACT, both().map(|(row, _)| row));
            let scale = widened(scale, top, both().map(|(_, column)| column));
            let mut cells: BTreeMap<(i64, i64), Decimal> = BTreeMap::new();
            for (row, counters) in &rows.0 {
                for (column, count) in &counters.0 {
                    let cell = (to_common(*row, impact, COMMON_IMPACT), to_common(*column, scale, top));
                    *cells.entry(cell).or_default() += *count;
                }
            }
            parts.extend(cell_contributions(state, category, &cells));
        }
        Ok(parts)
    }
}

fn cell_contributions(state: &str, category: &str, cells: &BTreeMap<(i64, i64), Decimal>) -> Vec<Contribution> {
    let total = Decimal(cells.values().map(|count| count.0).sum());
    let one = |(&(impact, likelihood), &count): (&(i64, i64), &Decimal)| {
        let values = [count, count.share_of(total), Decimal::default()];
        Contribution::once(cell_key(state, category, impact, likelihood), values)
    };
    cells.iter().map(one).collect()
}

/// The key of one cell of a matrix; `likelihood` is a probability in operational ones.
pub fn cell_key(state: &str, category: &str, impact: i64, likelihood: i64) -> String {
    joined(&[state, category, &impact.to_string(), &likelihood.to_string()])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(operational: &str) -> Vec<String> {
        let data = format!(
            r#"{{"scales": {{"impact": [0, 1, 2, 3, 4], "probability": [0, 1, 2, 3, 4], "likelihood": [0, 20]}},
                "risks": {{"current": {{"informational": [], "operational": {operational}}},
                           "residual": {{"informational": [], "operational": {{"8": {{"8": 3}}}}}}}}}}"#
        );
        let data: CartographyData = serde_json::from_str(&data).unwrap();
        let parts = data.contributions().unwrap();
        parts.into_iter().map(|part| part.key.to_string()).filter(|key| key.contains("current")).collect()
    }

    /// Whatever anybody sends, there are no more cells than these: matrices need no other bound.
    #[test]
    fn all_cells_are_on_the_common_scales() {
        let places: Vec<i64> = (-40..40).chain([i64::MIN, i64::MAX, 10_i64.pow(12)]).collect();
        let row = |_: &i64| places.iter().map(|place| format!(r#""{place}":1"#)).collect::<Vec<_>>().join(",");
        let rows = places.iter().map(|place| format!(r#""{place}":{{{}}}"#, row(place))).collect::<Vec<_>>().join(",");
        let scales = r#"{"impact":[3,1000000000000],"probability":[],"likelihood":[7]}"#;
        for (state, category) in [("current", "informational"), ("current", "operational")] {
            let of = |kind| if kind == category { format!("{{{rows}}}") } else { "[]".to_owned() };
            let (one, two) = (of("informational"), of("operational"));
            let empty = r#"{"informational":[],"operational":[]}"#;
            let data = format!(
                r#"{{"scales":{scales},"risks":{{"current":{{"informational":{one},"operational":{two}}},"residual":{empty}}}}}"#
            );
            let parts = serde_json::from_str::<CartographyData>(&data).unwrap().contributions().unwrap();
            let most = if category == "informational" { COMMON_LIKELIHOOD } else { COMMON_IMPACT };
            let common = |impact| (0..=most).map(move |chance| cell_key(state, category, impact, chance));
            let known: Vec<String> = (0..=COMMON_IMPACT).flat_map(common).collect();
            assert!(parts.len() > 3 && parts.iter().all(|part| known.contains(&part.key)), "{category}");
        }
    }

    #[test]
    fn risks_beyond_the_scale_widen_it_for_both_states_instead_of_being_piled_up() {
        let current = |impact, likelihood| cell_key("current", "operational", impact, likelihood);
        assert_eq!(keys(r#"{"4": {"4": 1}, "8": {"2": 1}}"#), [current(2, 2), current(4, 1)]);
        // Where there are no risks the scale reaches no further.
        assert_eq!(keys(r#"{"2": {"2": 1}, "90": {"90": 0}}"#)[0], current(1, 1));
    }
}
