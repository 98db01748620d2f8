//! Stats: their types, identities, and one item of a posted batch.

use super::date;
use super::shapes::{self, Contribution, Flaw};
use jiff::civil::Date;
use serde::Deserialize;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use uuid::Uuid;

/// The five types of stats a front office sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StatType {
    /// Number of risks per level.
    Risk,
    /// Threats and how the risks rate them.
    Threat,
    /// Vulnerabilities and how the risks rate them.
    Vulnerability,
    /// Number of risks per impact and likelihood.
    Cartography,
    /// Compliance with referentials.
    Compliance,
}

impl StatType {
    /// All of them, in the order a front office sends them.
    pub const ALL: [Self; 5] = [Self::Risk, Self::Threat, Self::Vulnerability, Self::Cartography, Self::Compliance];

    /// The type of this name.
    pub fn parse(name: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("{:?} is not a type of stats: choose one of {names}", super::decimal::excerpt(name))
        })
    }

    /// Its name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Risk => "risk",
            Self::Threat => "threat",
            Self::Vulnerability => "vulnerability",
            Self::Cartography => "cartography",
            Self::Compliance => "compliance",
        }
    }

    /// Its number in the store.
    pub fn number(self) -> i64 {
        match self {
            Self::Risk => 1,
            Self::Threat => 2,
            Self::Vulnerability => 3,
            Self::Cartography => 4,
            Self::Compliance => 5,
        }
    }

    /// The type of such a number.
    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.number() == number)
    }
}

/// Reads a UUID in any usual spelling: upper or lower case, with or without dashes.
pub fn parse_uuid(text: &str) -> Result<Uuid, String> {
    let plain = text.len() == 32 || text.len() == 36;
    let parsed = if plain { Uuid::try_parse(text).ok() } else { None };
    parsed.ok_or_else(|| format!("{:?} is not a UUID", super::decimal::excerpt(text)))
}

/// Bytes of data that one stat may have. The largest analyses that are known have a fortieth of it; the memory that it
/// takes to judge a stat is some multiple of its length.
pub const MAX_DATA: usize = 8 << 20;

/// One good item of a posted batch. `data` is the sender's own text.
pub struct NewStat<'a> {
    /// The sender's identity for it, if it gave one.
    pub uuid: Option<Uuid>,
    /// The analysis.
    pub anr: Uuid,
    /// The type.
    pub kind: StatType,
    /// The calendar date.
    pub date: Date,
    /// JSON text, exactly as sent.
    pub data: &'a str,
    /// SHA-256 of the data: what is known to be good is not checked twice.
    pub hash: [u8; 32],
    contributions: Option<Vec<Contribution>>,
}

/// An item of a batch whose data was only skimmed.
#[derive(Deserialize)]
pub struct Item<'a> {
    #[serde(borrow, default)]
    uuid: Option<Cow<'a, str>>,
    #[serde(borrow)]
    anr: Cow<'a, str>,
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    date: Cow<'a, str>,
    #[serde(borrow)]
    data: &'a RawValue,
}

impl<'a> NewStat<'a> {
    /// A stat whose data is still to be checked.
    pub fn new(uuid: Option<Uuid>, anr: Uuid, kind: StatType, date: Date, data: &'a str) -> Self {
        Self { uuid, anr, kind, date, data, hash: Sha256::digest(data).into(), contributions: None }
    }

    /// Checks the shape of the data, and keeps what it adds to the averages.
    pub fn check(&mut self) -> Result<(), Flaw> {
        self.contributions = Some(shapes::contributions(self.kind, self.data)?);
        Ok(())
    }

    /// What it adds to the averages.
    ///
    /// # Errors
    /// `Invalid` if the data was not checked and has no good shape.
    pub fn contributions(&self) -> crate::error::Result<Cow<'_, [Contribution]>> {
        match &self.contributions {
            Some(known) => Ok(Cow::Borrowed(known)),
            None => shapes::contributions(self.kind, self.data).map(Cow::Owned).map_err(|flaw| {
                crate::error::Error::invalid(format!("{}: {}", flaw.field.unwrap_or_default(), flaw.reason))
            }),
        }
    }

    /// Judges one item of a batch; the flaw names the field and why it cannot be used.
    pub fn parse(text: &'a str) -> Result<Self, Flaw> {
        let mut stat = Self::parse_unchecked(text)?;
        stat.check()?;
        Ok(stat)
    }

    /// The same, but for the shape of its data.
    pub fn parse_unchecked(text: &'a str) -> Result<Self, Flaw> {
        if !text.trim_start().starts_with('{') {
            return Err(Flaw { field: None, reason: "a stat is an object with anr, type, date and data".into() });
        }
        shapes::from_text(text, &[]).and_then(Self::open)
    }

    /// The same of an item that was read with its batch.
    pub fn open(item: Item<'a>) -> Result<Self, Flaw> {
        let field = |name: &str| {
            let name = name.to_owned();
            move |reason| Flaw { field: Some(name), reason }
        };
        let kind = StatType::parse(&item.kind).map_err(field("type"))?;
        if item.data.get().len() > MAX_DATA {
            return Err(field("data")("is larger than 8 MB".into()));
        }
        let uuid = item.uuid.as_deref().map(parse_uuid).transpose().map_err(field("uuid"))?;
        let anr = parse_uuid(&item.anr).map_err(field("anr"))?;
        let date = date::parse_of_stat(&item.date).map_err(field("date"))?;
        Ok(Self::new(uuid, anr, kind, date, item.data.get()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuids_are_normalised() {
        let uuid = parse_uuid("5f0c5d8e-6f0e-4b4e-9d0a-3c1f5a7b2e01").unwrap();
        assert_eq!(parse_uuid("5F0C5D8E6F0E4B4E9D0A3C1F5A7B2E01"), Ok(uuid));
        for text in
            ["", "5f0c5d8e", "{5f0c5d8e-6f0e-4b4e-9d0a-3c1f5a7b2e01}", "urn:uuid:5f0c5d8e-6f0e-4b4e-9d0a-3c1f5a7b2e01"]
        {
            assert!(parse_uuid(text).is_err(), "{text}");
        }
    }

    #[test]
    fn flaws_name_their_field() {
        let anr = "5f0c5d8e-6f0e-4b4e-9d0a-3c1f5a7b2e01";
        for (text, field) in [
            ("3".to_owned(), None),
            ("[]".to_owned(), None),
            ("{}".to_owned(), Some("anr")),
            (format!(r#"{{"anr":"{anr}","type":"threat","date":"2026-11-01"}}"#), Some("data")),
            (format!(r#"{{"anr":"{anr}","type":"threats","date":"2026-11-01","data":[]}}"#), Some("type")),
            (format!(r#"{{"anr":"{anr}","type":"threat","date":"2026-11","data":[]}}"#), Some("date")),
            (r#"{"anr":7,"type":"threat","date":"2026-11-01","data":[]}"#.to_owned(), Some("anr")),
            (format!(r#"{{"uuid":"x","anr":"{anr}","type":"threat","date":"2026-11-01","data":[]}}"#), Some("uuid")),
        ] {
            let flaw = NewStat::parse(&text).err().unwrap();
            assert_eq!(flaw.field.as_deref(), field, "{text}: {}", flaw.reason);
        }
    }
}
