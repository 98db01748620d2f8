//! The shape of each type's `data`, and what a stat adds to the averages.
//!
//! One parse does both: what does not yield its contributions is refused, and nothing else is. A contribution is a
//! key (the thing that is averaged: a threat, a level, a cell of a matrix, a category) and up to three numbers.

mod cartography;
mod compliance;

use super::decimal::Decimal;
use super::stat::StatType;
use cartography::CartographyData;
pub use cartography::{COMMON_IMPACT, COMMON_LIKELIHOOD, cell_key};
use compliance::Referential;
pub use compliance::{category_key, category_of_key, referential_key};
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use uuid::Uuid;

/// Numbers that a contribution can hold; each type uses the first few.
pub const VALUES: usize = 3;

/// States of a risk, in the order the front office's page reads them.
pub const STATES: [&str; 2] = ["current", "residual"];
/// Kinds of risk, in the same order.
pub const CATEGORIES: [&str; 2] = ["informational", "operational"];
/// Names of the levels, in the same order.
pub const LEVELS: [&str; 3] = ["Low risks", "Medium risks", "High risks"];
/// Sides of a compliance, in the order the front office sends them.
pub const SIDES: [&str; 2] = ["current", "target"];
/// The key under which every stat counts once, so that means over all stats know their divisor.
pub const EVERY_STAT: &str = "";

/// List entries, cells and categories that one stat may have.
pub const MAX_OBJECTS: usize = 10_000;

/// Characters of a label that averages show.
const MAX_LABEL: usize = 1000;

/// Texts in French, English, German and Dutch: `None` was sent as null, an empty one as such or not at all.
pub type Texts = [Option<String>; 4];

/// What one stat adds under one key.
#[derive(Clone, Debug, PartialEq)]
pub struct Contribution {
    /// The thing averaged, as text that is unique within the type.
    pub key: String,
    /// How often it occurs: the divisor of the mean of its first value.
    pub occurrences: i64,
    /// Its numbers; those the type does not use are 0.
    pub values: [Decimal; VALUES],
    /// What its sender calls it; none of things that have their name in their key.
    pub labels: Option<Texts>,
}

impl Contribution {
    /// One occurrence of a thing without labels.
    fn once(key: String, values: [Decimal; VALUES]) -> Self {
        Self { key, occurrences: 1, values, labels: None }
    }
}

/// Why an item is refused.
#[derive(Clone, Debug, PartialEq)]
pub struct Flaw {
    /// Path inside the item, such as `data.0.averageRate`; none if the item is no object.
    pub field: Option<String>,
    /// For people.
    pub reason: String,
}

/// Checks a stat's data and takes it apart.
pub fn contributions(kind: StatType, data: &str) -> Result<Vec<Contribution>, Flaw> {
    let path = ["data"];
    let parts = match kind {
        StatType::Risk => from_text::<Object<RiskData>>(data, &path)?.0.contributions()?,
        StatType::Threat | StatType::Vulnerability => from_text::<RatedObjects>(data, &path)?.0,
        StatType::Cartography => from_text::<Object<CartographyData>>(data, &path)?.0.contributions()?,
        StatType::Compliance => compliance::contributions(&from_text::<Vec<Object<Referential<'_>>>>(data, &path)?)?,
    };
    let every = Contribution::once(EVERY_STAT.into(), [Decimal::default(); VALUES]);
    Ok(std::iter::once(every).chain(parts).collect())
}

/// Parses JSON text; the flaw's path begins with `prefix`. Paths are only tracked once something is wrong.
pub fn from_text<'a, T: Deserialize<'a>>(text: &'a str, prefix: &[&str]) -> Result<T, Flaw> {
    serde_json::from_str(text).or_else(|_| {
        let mut parser = serde_json::Deserializer::from_str(text);
        serde_path_to_error::deserialize(&mut parser).map_err(|error| flaw(&error, prefix))
    })
}

fn flaw(error: &serde_path_to_error::Error<serde_json::Error>, prefix: &[&str]) -> Flaw {
    let mut path: Vec<String> = prefix.iter().map(|&part| part.to_owned()).collect();
    path.extend(error.path().iter().filter_map(|segment| match segment {
        serde_path_to_error::Segment::Seq { index } => Some(index.to_string()),
        serde_path_to_error::Segment::Map { key } => Some(key.clone()),
        _ => None,
    }));
    let full = error.inner().to_string();
    let reason = full.rsplit_once(" at line ").map_or(full.as_str(), |(reason, _)| reason);
    if let Some(name) = reason.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`')) {
        path.push(name.to_owned());
        return Flaw { field: Some(path.join(".")), reason: "is missing".into() };
    }
    let field = if path.is_empty() { None } else { Some(path.join(".")) };
    Flaw { field, reason: super::decimal::excerpt_of(reason, 200) }
}

/// A JSON object; derived structs alone would also take a list of their fields' values.
pub struct Object<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MapVisitor<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for MapVisitor<T> {
            type Value = Object<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }
        deserializer.deserialize_map(MapVisitor(PhantomData))
    }
}

/// A label as it was sent: a text, null, or nothing.
#[derive(Default)]
enum Label<'a> {
    #[default]
    Missing,
    Null,
    Text(Cow<'a, str>),
}

impl<'de: 'a, 'a> Deserialize<'de> for Label<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        struct Text<'a>(#[serde(borrow)] Option<Cow<'a, str>>);
        Ok(Text::deserialize(deserializer)?.0.map_or(Self::Null, Self::Text))
    }
}

impl Label<'_> {
    /// As much of the text as averages show.
    fn text(&self) -> Option<&str> {
        match self {
            Self::Missing => Some(""),
            Self::Null => None,
            Self::Text(text) => Some(text.char_indices().nth(MAX_LABEL).map_or(text, |(end, _)| &text[..end])),
        }
    }
}

/// A struct that also has the labels `label1` to `label4`: texts in French, English, German and Dutch, each optional.
/// (`serde(flatten)` would do, but it buffers every object.)
macro_rules! labelled {
    ($(#[$meta:meta])* $visibility:vis struct $name:ident { $($(#[$attribute:meta])* $field:ident: $type:ty,)* }) => {
        #[derive(serde::Deserialize)]
        $(#[$meta])*
        $visibility struct $name<'a> {
            #[serde(borrow, default)]
            label1: Label<'a>,
            #[serde(borrow, default)]
            label2: Label<'a>,
            #[serde(borrow, default)]
            label3: Label<'a>,
            #[serde(borrow, default)]
            label4: Label<'a>,
            $($(#[$attribute])* $field: $type,)*
        }

        impl $name<'_> {
            /// The four texts.
            fn labels(&self) -> [Option<&str>; 4] {
                [&self.label1, &self.label2, &self.label3, &self.label4].map(Label::text)
            }
        }
    };
}
use labelled;

/// A key of several texts: JSON, so that no text can be mistaken for two.
fn joined(parts: &[&str]) -> String {
    // Writing texts cannot fail; the long way round is only there to have no silent default.
    serde_json::to_string(parts).unwrap_or_else(|_| serde_json::Value::from(parts.to_vec()).to_string())
}

// ---- threats and vulnerabilities

labelled! {
    #[serde(rename_all = "camelCase")]
    struct RatedObject {
        uuid: ObjectUuid,
        count: Decimal,
        max_risk: Decimal,
        average_rate: Decimal,
    }
}

/// The UUID of a threat or vulnerability, in any usual spelling.
struct ObjectUuid(Uuid);

impl<'de> Deserialize<'de> for ObjectUuid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        super::stat::parse_uuid(&text).map(Self).map_err(de::Error::custom)
    }
}

/// A list of rated objects, taken apart while it is read: a body of a million of them is not held twice.
struct RatedObjects(Vec<Contribution>);

impl<'de> Deserialize<'de> for RatedObjects {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ListVisitor;
        impl<'de> Visitor<'de> for ListVisitor {
            type Value = RatedObjects;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of objects")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut parts = Vec::new();
                while let Some(Rated(part)) = seq.next_element()? {
                    if parts.len() == MAX_OBJECTS {
                        return Err(de::Error::custom(too_many_objects()));
                    }
                    parts.push(part);
                }
                Ok(RatedObjects(parts))
            }
        }
        deserializer.deserialize_seq(ListVisitor)
    }
}

/// Why a stat with more than [`MAX_OBJECTS`] is refused.
fn too_many_objects() -> String {
    format!("there are more than {MAX_OBJECTS} objects in one stat")
}

/// One rated object; judged within its own element, so that a flaw's path names it.
struct Rated(Contribution);

impl<'de> Deserialize<'de> for Rated {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Object(object) = Object::<RatedObject<'de>>::deserialize(deserializer)?;
        let ObjectUuid(uuid) = object.uuid;
        let labels = object.labels().map(|text| text.map(str::to_owned));
        let values = [object.count, object.max_risk, object.average_rate];
        Ok(Self(Contribution { labels: Some(labels), ..Contribution::once(uuid.to_string(), values) }))
    }
}

// ---- risks

#[derive(serde::Deserialize)]
struct RiskData {
    risks: Branches<Vec<Object<Level>>>,
}

/// A tree with a branch per state and kind of risk.
type Branches<T> = Object<States<Object<Categories<T>>>>;

#[derive(serde::Deserialize)]
struct States<T> {
    current: T,
    residual: T,
}

#[derive(serde::Deserialize)]
struct Categories<T> {
    informational: T,
    operational: T,
}

#[derive(serde::Deserialize)]
struct Level {
    level: LevelName,
    value: Decimal,
}

#[derive(serde::Deserialize)]
enum LevelName {
    #[serde(rename = "Low risks")]
    Low,
    #[serde(rename = "Medium risks")]
    Medium,
    #[serde(rename = "High risks")]
    High,
}

impl<T> States<Object<Categories<T>>> {
    /// Each branch of the tree with its names.
    fn branches(&self) -> [(&'static str, &'static str, &T); 4] {
        let [(s0, current), (s1, residual)] = [(STATES[0], &self.current.0), (STATES[1], &self.residual.0)];
        let [informational, operational] = CATEGORIES;
        [
            (s0, informational, &current.informational),
            (s0, operational, &current.operational),
            (s1, informational, &residual.informational),
            (s1, operational, &residual.operational),
        ]
    }
}

impl RiskData {
    fn contributions(&self) -> Result<Vec<Contribution>, Flaw> {
        if self.risks.0.branches().map(|(_, _, levels)| levels.len()).iter().sum::<usize>() > MAX_OBJECTS {
            return Err(Flaw { field: Some("data.risks".into()), reason: too_many_objects() });
        }
        let mut parts = Vec::new();
        for (state, category, levels) in self.risks.0.branches() {
            parts.extend(levels.iter().map(|Object(level)| {
                let values = [level.value, Decimal::default(), Decimal::default()];
                Contribution::once(risk_key(state, category, level.level.name()), values)
            }));
        }
        Ok(parts)
    }
}

impl LevelName {
    fn name(&self) -> &'static str {
        match self {
            Self::Low => LEVELS[0],
            Self::Medium => LEVELS[1],
            Self::High => LEVELS[2],
        }
    }
}

/// The key of one leaf of the tree of risks.
pub fn risk_key(state: &str, category: &str, level: &str) -> String {
    joined(&[state, category, level])
}

#[cfg(test)]
mod tests {
    use super::*;
    use StatType::{Cartography, Compliance, Risk, Threat};

    const UUID: &str = "b402d4e0-4576-11e9-9173-0800277f0571";

    fn flaw(kind: StatType, data: &str) -> (String, String) {
        let flaw = contributions(kind, data).expect_err(data);
        (flaw.field.unwrap_or_default(), flaw.reason)
    }

    fn threat(fields: &str) -> String {
        format!(r#"[{{"uuid":"{UUID}","count":1,"maxRisk":2{fields}}}]"#)
    }

    fn matrix(scales: &str, informational: &str) -> String {
        let empty = r#"{"informational":[],"operational":[]}"#;
        format!(
            r#"{{"scales":{scales},"risks":{{"current":{{"informational":{informational},"operational":[]}},"residual":{empty}}}}}"#
        )
    }

    #[test]
    fn a_flaw_names_its_place_and_reason() {
        let bad = flaw(Threat, &threat(r#","averageRate":"n/a""#));
        assert_eq!(bad, ("data.0.averageRate".into(), r#""n/a" is not a number"#.into()));
        assert_eq!(flaw(Threat, &threat("")), ("data.0.averageRate".into(), "is missing".into()));
        assert_eq!(flaw(Threat, &threat(r#","averageRate":true"#)).0, "data.0.averageRate");
        assert_eq!(flaw(Threat, &threat(r#","averageRate":1e999"#)).0, "data.0.averageRate");
        assert_eq!(flaw(Threat, &threat(r#","averageRate":null"#)).0, "data.0.averageRate");
        assert_eq!(flaw(Threat, &threat(r#","averageRate":1,"label2":7"#)).0, "data.0.label2");
        assert_eq!(flaw(Threat, r#"[{"uuid":"x","count":1,"maxRisk":1,"averageRate":1}]"#).0, "data.0.uuid");
        assert_eq!(flaw(Threat, "{}").0, "data");
        assert_eq!(flaw(Threat, &format!(r#"[["{UUID}",1,2,3]]"#)).0, "data.0");
        assert_eq!(flaw(Risk, r#"{"risks":{"current":{"informational":[]}}}"#).0, "data.risks.current.operational");
        let level = r#"{"risks":{"current":{"informational":[{"level":"Huge risks","value":1}]}}}"#;
        assert_eq!(flaw(Risk, level).0, "data.risks.current.informational.0.level");
        assert_eq!(flaw(Compliance, r#"[{"referential":"r","current":[]}]"#).0, "data.0.target");
        let scales = r#"{"impact":[0,4],"probability":[0,4],"likelihood":[0,20]}"#;
        assert_eq!(flaw(Cartography, &matrix(scales, r#"{"x":{"1":2}}"#)).0, "data.risks.current.informational");
        assert_eq!(flaw(Cartography, &matrix(r#"{"impact":[0.5]}"#, "[]")).0, "data.scales.impact.0");
    }

    #[test]
    fn nothing_is_asked_that_no_processor_needs() {
        for (kind, data) in [
            (Threat, "[]".to_owned()),
            (Threat, threat(r#","averageRate":"2.83","label1":null,"extra":[true,1e999]"#)),
            (Risk, r#"{"risks":{"current":{"informational":[],"operational":[{"level":"Low risks","value":"3"}]},"residual":{"informational":[],"operational":[]}}}"#.into()),
            (Cartography, matrix(r#"{"impact":[],"probability":[],"likelihood":["0","20"]}"#, r#"{"1":[8,6],"0":{"3":1}}"#)),
            (Compliance, r#"[{"referential":"any","current":[],"target":[{"value":"0.42","controls":7}]}]"#.into()),
        ] {
            assert!(contributions(kind, &data).is_ok(), "{data}");
        }
    }

    #[test]
    fn other_scales_are_brought_to_the_common_ones() {
        let cells = |scales: &str, rows: &str| -> Vec<String> {
            let parts = contributions(Cartography, &matrix(scales, rows)).unwrap();
            parts.into_iter().skip(1).map(|part| part.key).collect()
        };
        let common = r#"{"impact":[0,1,2,3,4],"probability":[0,4],"likelihood":[0,20]}"#;
        assert_eq!(cells(common, r#"[[],{"7":1}]"#), [cell_key("current", "informational", 1, 7)]);
        let from_one = r#"{"impact":[1,2,3],"probability":[1,4],"likelihood":[1,12]}"#;
        assert_eq!(
            cells(from_one, r#"{"1":{"1":1},"2":{"12":1},"3":{"6":1}}"#),
            [
                cell_key("current", "informational", 0, 0),
                cell_key("current", "informational", 2, 20),
                cell_key("current", "informational", 4, 9)
            ]
        );
    }

    #[test]
    fn shares_of_an_analysis_add_up_to_one() {
        let scales = r#"{"impact":[0,4],"probability":[0,4],"likelihood":[0,20]}"#;
        let parts = contributions(Cartography, &matrix(scales, r#"[[1,2],[3]]"#)).unwrap();
        let sum: i128 = parts.iter().map(|part| part.values[1].0).sum();
        assert!((sum - 1_000_000_000).abs() <= 3_000, "{sum}");
    }
}
