//! What the sample analyses are about: threats, vulnerabilities and controls of our own, in four languages.

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

#[derive(Deserialize)]
pub(super) struct Catalogue {
    pub(super) threats: Vec<Object>,
    pub(super) vulnerabilities: Vec<Object>,
    pub(super) referentials: Vec<Referential>,
}

pub(super) fn position(objects: &[Object], code: &str) -> Option<usize> {
    objects.iter().position(|object| object.code == code)
}

/// A threat or a vulnerability.
#[derive(Deserialize)]
pub(super) struct Object {
    pub(super) code: String,
    /// The usual probability or qualification.
    pub(super) rate: usize,
    /// Codes of the vulnerabilities that a threat exploits.
    #[serde(default)]
    pub(super) exploits: Vec<String>,
    #[serde(flatten, deserialize_with = "head")]
    pub(super) head: String,
}

#[derive(Deserialize)]
pub(super) struct Referential {
    pub(super) categories: Vec<Category>,
    #[serde(flatten, deserialize_with = "head")]
    pub(super) head: String,
}

#[derive(Deserialize)]
pub(super) struct Category {
    pub(super) controls: Vec<Measure>,
    #[serde(flatten, deserialize_with = "head")]
    pub(super) head: String,
}

#[derive(Deserialize)]
pub(super) struct Measure {
    #[serde(flatten, deserialize_with = "head")]
    pub(super) head: String,
}

/// The rest of an object, UUID and labels mostly, as the open JSON text that a stat's object begins with.
fn head<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = Value::Object(Map::deserialize(deserializer)?).to_string();
    Ok(text.trim_end_matches('}').to_owned())
}
