//! How much of a stat leaves for another instance.

use super::StatType;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// What of a stat's data is shared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ShareLevel {
    /// Of compliance what averages are made of and nothing else: not its controls, each of which is a named weakness that no
    /// processor reads, wherever a front office puts them.
    #[default]
    Categories,
    /// All of it, as it was sent.
    Full,
}

impl ShareLevel {
    /// The level of this name; the error says which there are.
    pub fn parse(name: &str) -> Result<Self, String> {
        match name {
            "categories" => Ok(Self::Categories),
            "full" => Ok(Self::Full),
            _ => Err("categories or full is needed".into()),
        }
    }

    /// The data as it leaves. What is kept is the sender's own text; data without the shape of its type, which the store
    /// never has, does not leave at all but for `null`.
    pub fn apply<'a>(self, kind: StatType, data: &'a str) -> Cow<'a, str> {
        if self == Self::Full || kind != StatType::Compliance {
            return data.into();
        }
        serde_json::from_str::<Vec<Members<'_>>>(data)
            .ok()
            .and_then(|referentials| referentials.iter().map(referential).collect::<Option<Vec<_>>>())
            .map_or_else(|| "null".into(), |texts| list(&texts).into())
    }
}

/// Members of a referential that leave.
const REFERENTIAL: [&str; 7] = ["referential", "label1", "label2", "label3", "label4", "current", "target"];
/// Members of a category that leave.
const CATEGORY: [&str; 5] = ["label1", "label2", "label3", "label4", "value"];

/// A referential and what averages are made of its categories.
fn referential(members: &Members<'_>) -> Option<String> {
    let one = |(name, value): &(Cow<'_, str>, &RawValue)| match name.as_ref() {
        "current" | "target" => {
            let categories: Vec<Members<'_>> = serde_json::from_str(value.get()).ok()?;
            Some(member(name, &list(&categories.iter().map(category).collect::<Vec<_>>())))
        }
        _ => Some(member(name, value.get())),
    };
    Some(object(&members.of(&REFERENTIAL).map(one).collect::<Option<Vec<_>>>()?))
}

fn category(members: &Members<'_>) -> String {
    object(&members.of(&CATEGORY).map(|(name, value)| member(name, value.get())).collect::<Vec<_>>())
}

fn member(name: &str, value: &str) -> String {
    format!("{}:{value}", serde_json::Value::from(name))
}

fn object(members: &[String]) -> String {
    format!("{{{}}}", members.join(","))
}

fn list(values: &[String]) -> String {
    format!("[{}]", values.join(","))
}

/// The members of a JSON object in their order, each value as its own text.
struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Members<'a> {
    /// Those that have one of these names.
    fn of(&self, names: &[&str]) -> impl Iterator<Item = &(Cow<'a, str>, &'a RawValue)> {
        self.0.iter().filter(|(name, _)| names.contains(&name.as_ref()))
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;
        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Members<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry::<Cow<'de, str>, &'de RawValue>()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(MembersVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATA: &str = r#"[ {"referential":"r","label1":"A \"b\" \u00e9","current":[{"label1":"x","controls":[{"code":"1","value":"0.20"}],"value":"0.40"}],
        "target":[{"value":1.50,"controls":[]}],"more":1e3}, {"referential":"s","current":[],"target":[]} ]"#;

    #[test]
    fn compliance_leaves_without_its_controls_and_otherwise_as_it_was_sent() {
        let kept = ShareLevel::Categories.apply(StatType::Compliance, DATA);
        let wanted = r#"[{"referential":"r","label1":"A \"b\" \u00e9","current":[{"label1":"x","value":"0.40"}],"target":[{"value":1.50}]},{"referential":"s","current":[],"target":[]}]"#;
        assert_eq!(kept, wanted);
        assert_eq!(ShareLevel::Full.apply(StatType::Compliance, DATA), DATA);
        assert_eq!(ShareLevel::Categories.apply(StatType::Risk, DATA), DATA);
    }

    /// Bug: only what was called `controls` in a category stayed, and a front office may send more than is read here.
    #[test]
    fn controls_stay_wherever_they_are() {
        for odd in [
            r#"[{"referential":"r","controls":["5.1"],"current":[],"target":[]}]"#,
            r#"[{"referential":"r","current":[],"target":[],"earlier":[{"controls":["5.1"]}]}]"#,
            r#"[{"referential":"r","current":[{"Controls":["5.1"],"value":"1"}],"target":[]}]"#,
            r#"[{"referential":"r","current":[{"\u0063ontrols":["5.1"],"controls":["5.1"]}],"target":[]}]"#,
            r#"[{"referential":"r","curr\u0065nt":[{"categories":[{"controls":["5.1"]}]}],"target":[]}]"#,
        ] {
            let kept = ShareLevel::Categories.apply(StatType::Compliance, odd);
            assert!(!kept.contains("5.1") && kept.contains(r#"{"referential":"r","current":["#), "{kept}");
        }
    }

    #[test]
    fn what_has_lost_its_shape_does_not_leave() {
        for odd in ["{\"controls\":1}", "[1]", "[{\"current\":{\"controls\":[]}}]", "no"] {
            assert_eq!(ShareLevel::Categories.apply(StatType::Compliance, odd), "null", "{odd}");
        }
    }
}
