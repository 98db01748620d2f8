//! The tables that there are. Their names and columns are promised: more may come, at the end, and none goes.

use crate::app::trends::Ask;
use crate::model::StatType;

/// A table.
pub struct Chart {
    pub name: &'static str,
    pub title: &'static str,
    pub of: Of,
    /// Whether it has a row per period.
    pub is_over_time: bool,
}

/// What a table is of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Of {
    Rated(StatType),
    Risks,
    Cartography,
    Compliance,
    Trends,
    Map,
}

/// A column: its name, what its values are, their unit, and what it means.
pub struct Column {
    pub name: &'static str,
    pub datatype: &'static str,
    pub unit: Option<&'static str>,
    pub description: &'static str,
}

const fn chart(name: &'static str, title: &'static str, of: Of, is_over_time: bool) -> Chart {
    Chart { name, title, of, is_over_time }
}

use Of::{Cartography, Compliance, Map, Rated, Risks, Trends};
use StatType::{Threat, Vulnerability};

/// All of them.
#[rustfmt::skip]
pub const CHARTS: &[Chart] = &[
    chart("threats", "Threats: means over some days", Rated(Threat), false),
    chart("threats-over-time", "Threats, period by period", Rated(Threat), true),
    chart("vulnerabilities", "Vulnerabilities: means over some days", Rated(Vulnerability), false),
    chart("vulnerabilities-over-time", "Vulnerabilities, period by period", Rated(Vulnerability), true),
    chart("risks", "Risks by level: means over some days", Risks, false),
    chart("risks-over-time", "Risks by level, period by period", Risks, true),
    chart("cartography", "Risks by impact and likelihood", Cartography, false),
    chart("compliance", "Compliance by category: means over some days", Compliance, false),
    chart("compliance-over-time", "Compliance by category, period by period", Compliance, true),
    chart("trends", "What moved; over those who are at both ends, but for a day of one's own in releases", Trends, false),
    chart("map", "Organisations on the map", Map, false),
];

const fn text(name: &'static str, description: &'static str) -> Column {
    Column { name, datatype: "string", unit: None, description }
}

const fn date(name: &'static str, description: &'static str) -> Column {
    Column { name, datatype: "date", unit: None, description }
}

const fn number(name: &'static str, unit: &'static str, description: &'static str) -> Column {
    Column { name, datatype: "number", unit: Some(unit), description }
}

const fn integer(name: &'static str, unit: &'static str, description: &'static str) -> Column {
    Column { name, datatype: "integer", unit: Some(unit), description }
}

const DATE: &[Column] = &[date("date", "first day of the period; of releases by week the last day")];
const NAMES: &[Column] = &[
    text("label_fr", "name in French"),
    text("label_en", "name in English"),
    text("label_de", "name in German"),
    text("label_nl", "name in Dutch"),
];
const OBJECT: &[Column] = &[text("object", "UUID of the threat or vulnerability")];
const MEASURES: &[Column] = &[
    number("count", "risks per analysis", "in how many risks of an analysis it occurs"),
    number("max_risk", "level of risk", "mean of the highest risk that it leads to"),
    number("average_rate", "rating", "mean probability of a threat, mean qualification of a vulnerability"),
];
const BASIS: &[Column] = &[
    integer("stats", "stats", "how many stats it rests on; empty in releases"),
    text("band", "how many organisations it rests on, such as 5-9; empty where figures are live"),
];
const LEVEL: &[Column] = &[
    text("state", "current or residual: before or after treatment"),
    text("kind", "informational or operational"),
    text("level", "low, medium or high"),
    number("risks", "risks per analysis", "how many there are"),
];
const CELL: &[Column] = &[
    text("state", "current or residual: before or after treatment"),
    text("kind", "informational or operational"),
    integer("impact", "step of the scale", "impact"),
    integer("likelihood", "step of the scale", "likelihood of informational risks, probability of operational ones"),
    number("risks", "risks per analysis", "how many there are"),
    number("share", "part of 1", "part of all risks of the kind"),
];
const CATEGORY: &[Column] = &[
    text("referential", "UUID of the referential"),
    text("referential_fr", "its name in French"),
    text("referential_en", "its name in English"),
    text("referential_de", "its name in German"),
    text("referential_nl", "its name in Dutch"),
];
const SIDES: &[Column] = &[
    number("current", "part of 1", "how far it is in place"),
    number("target", "part of 1", "how far it is meant to be"),
    number("gap", "part of 1", "target minus current"),
];
const MOVED: &[Column] = &[
    text("period", "month, quarter or year; since for a day of one's own"),
    date("since", "the other end"),
    text("type", "risk, threat, vulnerability or compliance"),
    text("what", "moved, new or gone"),
    text("object", "UUID of a threat or vulnerability, else what identifies it within its type"),
    text("label_fr", "name in French"),
    text("label_en", "name in English"),
    text("label_de", "name in German"),
    text("label_nl", "name in Dutch"),
    text("measure", "averageRate (0 to 5), maxRisk (0 to 100), share, current or target (parts of 1)"),
    number(
        "before",
        "of the measure",
        "mean at the other end; empty in releases, but for a difference of what was published",
    ),
    number("after", "of the measure", "mean now; in releases what was published"),
    number("change", "of the measure", "mean change of those at both ends"),
    number("slope", "of the measure", "median slope times its length (Theil and Sen)"),
    integer("rose", "analyses", "in how many it rose; empty in releases"),
    integer("fell", "analyses", "in how many it fell; empty in releases"),
    integer("analyses", "analyses", "how many are at both ends; empty in releases"),
    text("band", "how many organisations are at both ends; empty where figures are live"),
    Column { name: "trend", datatype: "boolean", unit: None, description: "whether it is too regular for chance" },
];
const PLACE: &[Column] = &[
    number("latitude", "degree", "latitude"),
    number("longitude", "degree", "longitude"),
    number("threat_count", "risks", "occurrences of the most frequent threat"),
    number("vulnerability_count", "risks", "occurrences of the most frequent vulnerability"),
];

impl Chart {
    /// Its columns, in order.
    pub fn columns(&self) -> impl Iterator<Item = &'static Column> + use<> {
        let dates = if self.is_over_time { DATE } else { &[] };
        let rest: [&'static [Column]; 4] = match self.of {
            Rated(_) => [OBJECT, NAMES, MEASURES, BASIS],
            Risks => [LEVEL, BASIS, &[], &[]],
            Cartography => [CELL, &[], &[], &[]],
            Compliance => [CATEGORY, NAMES, SIDES, BASIS],
            Trends => [MOVED, &[], &[], &[]],
            Map => [PLACE, &[], &[], &[]],
        };
        std::iter::once(dates).chain(rest).flatten()
    }

    /// The arguments that it takes.
    pub fn arguments(&self) -> &'static [&'static str] {
        match (self.of, self.is_over_time) {
            (Trends, _) => &Ask::ARGUMENTS,
            (Map, _) => &[],
            (Rated(_), true) => &["days", "period", "object"],
            (_, true) => &["days", "period"],
            (_, false) => &["days"],
        }
    }

    /// The type of its stats, where it is one.
    pub fn kind(&self) -> Option<StatType> {
        match self.of {
            Rated(kind) => Some(kind),
            Risks => Some(StatType::Risk),
            Cartography => Some(StatType::Cartography),
            Compliance => Some(StatType::Compliance),
            Trends | Map => None,
        }
    }
}
