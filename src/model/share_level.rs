//! How much of a stat leaves for another instance.

use super::StatType;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// What of a stat's data is shared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ShareLevel {
    /// What averages are made of: compliance without its controls, each of which is a named weakness that no processor
    /// reads.
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

/// A referential without the controls of its categories.
fn referential(members: &Members<'_>) -> Option<String> {
    let one = |(name, value): &(Cow<'_, str>, &RawValue)| match name.as_ref() {
        "current" | "target" => {
            let categories: Vec<Members<'_>> = serde_json::from_str(value.get()).ok()?;
            Some(member(name, &list(&categories.iter().map(category).collect::<Vec<_>>())))
        }
        _ => Some(member(name, value.get())),
    };
    Some(object(&members.0.iter().map(one).collect::<Option<Vec<_>>>()?))
}

fn category(members: &Members<'_>) -> String {
    let kept = members.0.iter().filter(|(name, _)| name != "controls");
    object(&kept.map(|(name, value)| member(name, value.get())).collect::<Vec<_>>())
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
        let wanted = r#"[{"referential":"r","label1":"A \"b\" \u00e9","current":[{"label1":"x","value":"0.40"}],"target":[{"value":1.50}],"more":1e3},{"referential":"s","current":[],"target":[]}]"#;
        assert_eq!(kept, wanted);
        assert_eq!(ShareLevel::Full.apply(StatType::Compliance, DATA), DATA);
        assert_eq!(ShareLevel::Categories.apply(StatType::Risk, DATA), DATA);
    }

    #[test]
    fn what_has_lost_its_shape_does_not_leave() {
        for odd in ["{\"controls\":1}", "[1]", "[{\"current\":{\"controls\":[]}}]", "no"] {
            assert_eq!(ShareLevel::Categories.apply(StatType::Compliance, odd), "null", "{odd}");
        }
    }
}
