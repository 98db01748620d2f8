//! Sample analyses: a small simulated register of risks for each, lived through day by day.
//!
//! The five stats of a day are all drawn from one register, so they agree with each other as a front office's do.
//! Nothing here reads a clock or the system's randomness: the same days always give the same bytes.

use crate::dashboard;
use std::time::Duration;

use jiff::civil::{Date, Weekday};
use uuid::Uuid;

mod catalogue;
mod stats;

use catalogue::{Catalogue, Referential, position};

const KINDS: [&str; 5] = ["risk", "threat", "vulnerability", "cartography", "compliance"];
const MAX_IMPACT: usize = 4;
const MAX_PROBABILITY: usize = 4;
const MAX_QUALIFICATION: usize = 5;
const MAX_SCORE: usize = 5;
/// The highest low and the highest medium value: MONARC's usual thresholds.
const INFORMATIONAL_BOUNDS: [usize; 2] = [8, 27];
const OPERATIONAL_BOUNDS: [usize; 2] = [3, 8];

/// One stat as a front office would post it.
pub struct Sample {
    /// Index into [`CLIENTS`].
    pub client: usize,
    /// The analysis.
    pub anr: Uuid,
    /// `risk`, `threat`, `vulnerability`, `cartography` or `compliance`.
    pub kind: &'static str,
    /// The day it was collected.
    pub date: Date,
    /// JSON text.
    pub data: String,
}

/// An invented organisation and where the map shows it.
pub struct Organisation {
    /// Name of the client.
    pub name: &'static str,
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
}

/// The clients whose front offices post the samples.
pub const CLIENTS: [Organisation; 5] = [
    Organisation { name: "Clinique du Val Fleuri", latitude: 49.6117, longitude: 6.1319 },
    Organisation { name: "Commune de Sonnendall", latitude: 49.8475, longitude: 6.0978 },
    Organisation { name: "Imprimerie des Trois Encres", latitude: 49.6833, longitude: 5.8167 },
    Organisation { name: "Finovia IT Services", latitude: 50.1109, longitude: 8.6821 },
    Organisation { name: "Scholennet Maasdal", latitude: 50.8514, longitude: 5.6910 },
];

/// What makes one analysis differ from another.
struct Profile {
    client: usize,
    anr: Uuid,
    assets: usize,
    /// Chance in percent that something changes on a working day.
    activity: usize,
    /// Chance in percent that a change is for the better.
    progress: usize,
    /// 0 (well run) to 2: raises the vulnerabilities and lowers the controls at the start.
    weakness: usize,
    /// Indices into the catalogue.
    referentials: &'static [usize],
    /// Thousandths of the period that pass before its first stat.
    start: u64,
    /// No stats for two weeks of August, as with a front office that is switched off.
    summer_break: bool,
}

/// What most analyses share.
const USUAL: Profile = Profile {
    client: 0,
    anr: Uuid::nil(),
    assets: 12,
    activity: 25,
    progress: 75,
    weakness: 1,
    referentials: &[0],
    start: 0,
    summer_break: false,
};

#[rustfmt::skip] // Two lines an analysis, to compare them.
const PROFILES: [Profile; 7] = [
    Profile { client: 0, anr: anr(0x3ab8c6e5_b705_4390_82d0_b596eec7143f), assets: 18, weakness: 2,
              activity: 40, progress: 85, referentials: &[0, 1], ..USUAL },
    Profile { client: 0, anr: anr(0xa39c2f58_ec96_4b43_8f81_9294ff389841), assets: 9,
              activity: 40, progress: 10, ..USUAL },
    Profile { client: 1, anr: anr(0xdc23adc2_2bd8_4967_bf78_15aa2b7db1e5), ..USUAL },
    Profile { client: 2, anr: anr(0x48317986_774a_44bc_ae94_cd25c53b5029), assets: 7, weakness: 2,
              activity: 12, ..USUAL },
    Profile { client: 3, anr: anr(0xd3bb7b9d_60bd_4220_af4f_6fe8b32eeefe), assets: 16, weakness: 0,
              activity: 35, progress: 80, referentials: &[1, 0], ..USUAL },
    Profile { client: 3, anr: anr(0xf8d6957b_95df_41c1_8bfe_30ee6e11eb97), start: 500,
              activity: 50, progress: 90, referentials: &[1], ..USUAL },
    Profile { client: 4, anr: anr(0xf30b032c_9060_4439_9be2_a675ca8d161d), assets: 10, summer_break: true,
              activity: 30, progress: 10, ..USUAL },
];

/// What happens to everybody: after so many thousandths of the period, this threat's probability rises or falls.
const WAVES: [(u64, &str, bool); 8] = [
    (250, "T43", true),  // artificial intelligence assistants come into use
    (550, "T01", true),  // phishing
    (590, "T01", true),  // … at its height
    (610, "T02", true),  // ransomware in its wake
    (650, "T43", true),  // everybody has an assistant
    (800, "T01", false), // the wave ebbs
    (880, "T02", false),
    (900, "T44", true), // faked voices
];

/// Every analysis of every client on each of the `days` days up to and including `last`, oldest day first.
///
/// # Errors
/// If the embedded catalogue cannot be read; a test makes sure that it can.
pub fn samples(last: Date, days: u32) -> serde_json::Result<impl Iterator<Item = Sample>> {
    let catalogue: Catalogue = serde_json::from_slice(&dashboard::catalogue())?;
    let mut analyses: Vec<_> = PROFILES.iter().map(|profile| Analysis::new(profile, &catalogue)).collect();
    Ok((0..days).flat_map(move |day| {
        let back = Duration::from_secs(86_400 * u64::from(days - 1 - day));
        // Days before the first that the calendar knows are left out.
        last.checked_sub(back).map_or_else(|_| Vec::new(), |date| live(&mut analyses, &catalogue, date, day, days))
    }))
}

/// One day of all analyses.
fn live(analyses: &mut [Analysis], catalogue: &Catalogue, date: Date, day: u32, days: u32) -> Vec<Sample> {
    let elapsed = |day: u32| u64::from(day) * 1000 / u64::from(days);
    let waves = WAVES.iter().filter(|wave| day > 0 && (elapsed(day - 1)..elapsed(day)).contains(&wave.0));
    let waves: Vec<_> = waves.filter_map(|wave| Some((position(&catalogue.threats, wave.1)?, wave.2))).collect();
    let begun = analyses.iter_mut().filter(|analysis| elapsed(day) >= analysis.profile.start);
    begun.flat_map(|analysis| analysis.live(catalogue, date, &waves)).collect()
}

const fn anr(uuid: u128) -> Uuid {
    Uuid::from_u128(uuid)
}

/// A vulnerability of an asset, and a threat that exploits it.
struct Risk {
    asset: usize,
    threat: usize,
    vulnerability: usize,
    impact: usize,
    probability: usize,
    qualification: usize,
    /// The qualification once its treatment is carried out; the same one if none is planned.
    planned: usize,
}

impl Risk {
    fn value(&self) -> usize {
        self.impact * self.probability * self.qualification
    }
}

struct OperationalRisk {
    impact: usize,
    probability: usize,
    planned: usize,
}

struct Control {
    score: usize,
    excluded: bool,
}

struct Analysis {
    profile: &'static Profile,
    random: Random,
    assets: usize,
    risks: Vec<Risk>,
    operational: Vec<OperationalRisk>,
    /// Those of all categories of all its referentials, in the catalogue's order.
    controls: Vec<Control>,
    /// One text for each of [`KINDS`], kept from day to day because most days change nothing.
    texts: [String; 5],
    register_changed: bool,
    controls_changed: bool,
}

impl Analysis {
    fn new(profile: &'static Profile, catalogue: &Catalogue) -> Self {
        let mut analysis = Self {
            profile,
            random: Random(profile.anr.as_u64_pair().0),
            assets: 0,
            risks: Vec::new(),
            operational: Vec::new(),
            controls: Vec::new(),
            texts: Default::default(),
            register_changed: true,
            controls_changed: true,
        };
        (0..profile.assets).for_each(|_| analysis.add_asset(catalogue));
        (0..profile.assets * 2).for_each(|_| analysis.add_operational());
        let categories = analysis.referentials(catalogue).flat_map(|referential| &referential.categories);
        let count = categories.map(|category| category.controls.len()).sum();
        analysis.controls = (0..count).map(|_| analysis.random.control(profile.weakness)).collect();
        analysis
    }

    fn referentials<'a>(&self, catalogue: &'a Catalogue) -> impl Iterator<Item = &'a Referential> + use<'a> {
        self.profile.referentials.iter().filter_map(|&index| catalogue.referentials.get(index))
    }

    fn add_asset(&mut self, catalogue: &Catalogue) {
        self.assets += 1;
        let impact = self.random.pick(&[1, 2, 2, 3, 3, 3, MAX_IMPACT]).copied().unwrap_or_default();
        for _ in 0..4 + self.random.below(5) {
            let risk = self.random.risk(catalogue, self.assets, impact, self.profile.weakness);
            self.risks.extend(risk.filter(|new| !self.risks.iter().any(|old| same(old, new))));
        }
    }

    fn add_operational(&mut self) {
        let (impact, probability) = (1 + self.random.below(MAX_IMPACT), self.random.below(MAX_PROBABILITY));
        let planned = if impact * probability > 3 && self.random.percent(50) { 1 } else { probability };
        self.operational.push(OperationalRisk { impact, probability, planned });
    }

    /// Passes a day; what it leaves is a stat of each kind, or nothing while the front office is switched off.
    fn live(&mut self, catalogue: &Catalogue, date: Date, waves: &[(usize, bool)]) -> Vec<Sample> {
        waves.iter().for_each(|&(threat, up)| self.rate(threat, up));
        if !matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday) {
            self.work(catalogue);
        }
        if self.profile.summer_break && date.month() == 8 && (3..=16).contains(&date.day()) {
            return Vec::new();
        }
        self.encode(catalogue);
        let Profile { client, anr, .. } = *self.profile;
        let texts = KINDS.iter().zip(self.texts.clone());
        texts.map(|(kind, data)| Sample { client, anr, kind, date, data }).collect()
    }

    fn work(&mut self, catalogue: &Catalogue) {
        if self.random.percent(self.profile.activity) {
            self.revise(catalogue);
        }
        if self.random.percent(self.profile.activity) {
            let better = self.random.percent(self.profile.progress);
            (0..1 + usize::from(better)).for_each(|_| self.assess_control(better));
        }
    }

    fn revise(&mut self, catalogue: &Catalogue) {
        self.register_changed = true;
        let better = self.random.percent(self.profile.progress);
        match self.random.below(50) {
            0 => self.add_asset(catalogue),
            1..8 => self.reassess_operational(better),
            8..16 => self.plan(),
            _ if better => self.treat(),
            _ => self.find_weakness(),
        }
    }

    fn rate(&mut self, threat: usize, up: bool) {
        self.register_changed = true;
        for risk in self.risks.iter_mut().filter(|risk| risk.threat == threat) {
            risk.probability = step(risk.probability, up, MAX_PROBABILITY);
        }
    }

    /// The most urgent of the planned treatments is carried out.
    fn treat(&mut self) {
        let planned = self.risks.iter_mut().filter(|risk| risk.planned < risk.qualification);
        match planned.max_by_key(|risk| risk.value()) {
            Some(risk) => risk.qualification = risk.planned,
            None => self.plan(),
        }
    }

    /// The worst of the risks without a treatment gets one: only the residual figures move.
    fn plan(&mut self) {
        let open = self.risks.iter_mut().filter(|risk| risk.planned == risk.qualification);
        if let Some(risk) = open.max_by_key(|risk| risk.value()) {
            risk.planned = self.random.below(risk.qualification);
        }
    }

    /// A risk turns out worse than thought, rather one that matters.
    fn find_weakness(&mut self) {
        let drawn = [self.random.below(self.risks.len()), self.random.below(self.risks.len())];
        let worse = drawn.into_iter().max_by_key(|&index| self.risks.get(index).map(Risk::value));
        if let Some(risk) = worse.and_then(|index| self.risks.get_mut(index)) {
            let unplanned = risk.planned == risk.qualification;
            risk.qualification = step(risk.qualification, true, MAX_QUALIFICATION);
            risk.planned = if unplanned { risk.qualification } else { risk.planned };
        }
    }

    fn reassess_operational(&mut self, better: bool) {
        let index = self.random.below(self.operational.len());
        if let Some(risk) = self.operational.get_mut(index) {
            risk.probability = step(risk.probability, !better, MAX_PROBABILITY);
            risk.planned = risk.planned.min(risk.probability);
        }
    }

    fn assess_control(&mut self, better: bool) {
        self.controls_changed = true;
        let index = self.random.below(self.controls.len());
        if let Some(control) = self.controls.get_mut(index) {
            control.score = step(control.score, better, MAX_SCORE);
        }
    }
}

fn same(one: &Risk, other: &Risk) -> bool {
    (one.asset, one.threat, one.vulnerability) == (other.asset, other.threat, other.vulnerability)
}

fn step(value: usize, up: bool, top: usize) -> usize {
    if up { (value + 1).min(top) } else { value.saturating_sub(1) }
}

/// splitmix64: small, and the same on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// 0 to `end` - 1, and 0 for an empty range.
    fn below(&mut self, end: usize) -> usize {
        // 31 bits fit every machine this runs on, so the fallback is never taken.
        usize::try_from(self.next() >> 33).unwrap_or_default() % end.max(1)
    }

    fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }

    fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        items.get(self.below(items.len()))
    }

    /// The usual rate, or one beside it.
    fn near(&mut self, usual: usize, top: usize) -> usize {
        let up = self.percent(50);
        if self.percent(40) { step(usual, up, top) } else { usual }
    }

    fn risk(&mut self, catalogue: &Catalogue, asset: usize, impact: usize, weakness: usize) -> Option<Risk> {
        let Catalogue { threats, vulnerabilities, .. } = catalogue;
        // Of two threats the more probable one, so that the common ones show up more often.
        let drawn = [self.below(threats.len()), self.below(threats.len())];
        let threat = drawn.into_iter().max_by_key(|&index| threats[index].rate)?;
        let vulnerability = position(vulnerabilities, self.pick(&threats[threat].exploits)?)?;
        let probability = self.near(threats[threat].rate, MAX_PROBABILITY);
        let usual = (vulnerabilities[vulnerability].rate + weakness).saturating_sub(1).min(MAX_QUALIFICATION);
        let qualification = self.near(usual, MAX_QUALIFICATION);
        let mut risk =
            Risk { asset, threat, vulnerability, impact, probability, qualification, planned: qualification };
        if risk.value() > INFORMATIONAL_BOUNDS[0] && self.percent(40) {
            risk.planned = self.below(qualification);
        }
        Some(risk)
    }

    fn control(&mut self, weakness: usize) -> Control {
        Control { score: self.below(4) + 2_usize.saturating_sub(weakness), excluded: self.percent(4) }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use jiff::civil::date;
    use serde_json::{Value, json};

    use super::stats::matrix;
    use super::*;

    fn year() -> Vec<Sample> {
        samples(date(2026, 11, 24), 365).unwrap().collect()
    }

    /// The dates with stats of the analysis at this place in [`PROFILES`].
    fn dates(samples: &[Sample], profile: usize) -> Vec<Date> {
        let risk = samples.iter().filter(|s| s.anr == PROFILES[profile].anr && s.kind == "risk");
        risk.map(|sample| sample.date).collect()
    }

    fn items(value: &Value) -> impl Iterator<Item = &Value> {
        value.as_array().unwrap().iter()
    }

    fn sum(list: &Value, key: &str) -> u64 {
        items(list).map(|item| item[key].as_u64().unwrap()).sum()
    }

    fn highest(list: &Value) -> u64 {
        items(list).map(|item| item["maxRisk"].as_u64().unwrap()).max().unwrap()
    }

    /// What [`php_array`] wrote, with its keys.
    fn pairs(array: &Value) -> Vec<(u64, &Value)> {
        match array {
            Value::Array(list) => (0..).zip(list).collect(),
            other => other.as_object().unwrap().iter().map(|(key, value)| (key.parse().unwrap(), value)).collect(),
        }
    }

    /// The value of each risk in a matrix.
    fn values(matrix: &Value) -> Vec<u64> {
        let cells = pairs(matrix).into_iter().flat_map(|(impact, row)| {
            pairs(row).into_iter().map(move |(likelihood, count)| (impact * likelihood, count.as_u64().unwrap()))
        });
        cells.flat_map(|(value, count)| (0..count).map(move |_| value)).collect()
    }

    #[test]
    fn the_same_days_give_the_same_bytes() {
        let run = || samples(date(2026, 3, 1), 60).unwrap().map(|s| (s.client, s.anr, s.kind, s.date, s.data));
        assert!(run().eq(run()));
        assert_eq!(samples(date(2026, 3, 1), 0).unwrap().count(), 0);
    }

    #[test]
    fn the_stats_of_a_day_agree() {
        let mut seen = BTreeSet::new();
        for day in year().chunks(KINDS.len()) {
            assert!(day.iter().map(|sample| sample.kind).eq(KINDS));
            assert!(day.iter().all(|sample| (sample.anr, sample.date) == (day[0].anr, day[0].date)));
            // What has been checked on another day need not be read again.
            if !seen.insert(day[..4].iter().map(|sample| sample.data.clone()).collect::<Vec<_>>()) {
                continue;
            }
            let stats = day.iter().map(|sample| (sample.kind, serde_json::from_str(&sample.data).unwrap()));
            let stats: BTreeMap<_, Value> = stats.collect();
            let (risk, maps) = (&stats["risk"], &stats["cartography"]["risks"]);
            for (state, branch, [low, medium]) in [
                ("current", "informational", [8, 27]),
                ("residual", "informational", [8, 27]),
                ("current", "operational", [3, 8]),
                ("residual", "operational", [3, 8]),
            ] {
                let values = values(&maps[state][branch]);
                let high = values.iter().filter(|&&value| value > medium).count();
                let lows = values.iter().filter(|&&value| value <= low).count();
                let levels: Vec<_> = items(&risk["risks"][state][branch]).map(|level| level["value"].clone()).collect();
                assert_eq!(json!(levels), json!([lows, values.len() - lows - high, high]));
                assert_eq!(risk["total"][state][branch], json!(values.len()));
            }
            let worst = values(&maps["current"]["informational"]).into_iter().max();
            for kind in ["threat", "vulnerability"] {
                assert_eq!(json!(sum(&stats[kind], "count")), risk["total"]["current"]["informational"]);
                assert_eq!(Some(highest(&stats[kind])), worst);
            }
        }
    }

    #[test]
    fn rates_and_controls_are_written_as_monarc_writes_them() {
        let year = year();
        for sample in year.iter().rev().take(KINDS.len() * PROFILES.len()) {
            let data: Value = serde_json::from_str(&sample.data).unwrap();
            let rates = data.as_array().into_iter().flatten().filter(|item| item.get("averageRate").is_some());
            assert!(rates.into_iter().all(|item| {
                let rate = item["averageRate"].as_str().unwrap();
                rate.len() == if item["count"] == 1 { 1 } else { 4 } && rate.parse::<f64>().unwrap() <= 5.0
            }));
        }
        let text = |kind| year.iter().find(|sample| sample.kind == kind).map(|sample| sample.data.as_str()).unwrap();
        let keys = |text: &str| -> Vec<String> {
            let keys = text.split('"').collect::<Vec<_>>();
            let keys = keys.windows(2).filter(|pair| pair[1].starts_with(':')).map(|pair| pair[0].to_owned());
            keys.collect()
        };
        let labels = ["label1", "label2", "label3", "label4"];
        assert_eq!(keys(text("threat"))[..8], [&["uuid"][..], &labels, &["maxRisk", "count", "averageRate"]].concat());
        assert_eq!(
            keys(text("vulnerability"))[..8],
            [&["uuid"][..], &labels, &["count", "maxRisk", "averageRate"]].concat()
        );
        let compliance =
            [&["referential"][..], &labels, &["current"], &labels, &["controls", "code", "measure", "value"]].concat();
        assert_eq!(keys(text("compliance"))[..compliance.len()], compliance);
        assert!(text("cartography").starts_with(concat!(
            r#"{"scales":{"impact":[0,1,2,3,4],"probability":[0,1,2,3,4],"#,
            r#""likelihood":[0,1,2,3,4,5,6,8,9,10,12,15,16,20]},"risks":{"current":{"informational":{"#
        )));
        assert!(text("risk").starts_with(r#"{"total":{"current":{"informational":"#));
    }

    #[test]
    fn a_category_is_worth_the_mean_of_its_controls() {
        for sample in year().iter().filter(|sample| sample.kind == "compliance").step_by(50) {
            let data: Value = serde_json::from_str(&sample.data).unwrap();
            for category in items(&data).flat_map(|r| items(&r["current"]).chain(items(&r["target"]))) {
                let value = |of: &Value| of["value"].as_str().unwrap().parse::<f64>().unwrap();
                let controls: Vec<_> = items(&category["controls"]).map(value).collect();
                let mean = controls.iter().sum::<f64>() / f64::from(u32::try_from(controls.len()).unwrap());
                assert!((0.0..=1.0).contains(&mean) && (mean - value(category)).abs() < 0.0101);
            }
        }
    }

    #[test]
    fn an_array_is_a_list_only_if_php_makes_it_one() {
        let text = |cells| matrix(cells).to_string();
        assert_eq!(text(&[(0, 0), (0, 1), (1, 0), (1, 0)]), "[[1,1],[2]]");
        assert_eq!(text(&[(1, 1), (1, 0), (0, 0)]), r#"{"1":{"1":1,"0":1},"0":[1]}"#);
        assert_eq!(text(&[]), "[]");
    }

    #[test]
    fn the_catalogue_is_whole() {
        let catalogue: Value = serde_json::from_slice(&dashboard::catalogue()).unwrap();
        let (threats, vulnerabilities) = (&catalogue["threats"], &catalogue["vulnerabilities"]);
        assert!(items(threats).count() >= 40 && items(vulnerabilities).count() >= 80);
        let referentials = || items(&catalogue["referentials"]);
        let categories = || referentials().flat_map(|referential| items(&referential["categories"]));
        for named in items(threats).chain(items(vulnerabilities)).chain(referentials()).chain(categories()) {
            assert!((1..=4).all(|n| !named[format!("label{n}")].as_str().unwrap().trim().is_empty()), "{named}");
        }
        let measures =
            categories().flat_map(|category| items(&category["controls"])).map(|control| &control["measure"]);
        let objects = items(threats).chain(items(vulnerabilities)).map(|object| &object["uuid"]);
        let uuids: Vec<_> = objects.chain(referentials().map(|r| &r["referential"])).chain(measures).collect();
        let parsed = uuids.iter().map(|uuid| Uuid::parse_str(uuid.as_str().unwrap()).unwrap());
        assert_eq!(parsed.filter(|uuid| uuid.get_version_num() == 4).collect::<BTreeSet<_>>().len(), uuids.len());
    }

    #[test]
    fn every_code_is_known() {
        let Catalogue { threats, vulnerabilities, referentials } =
            serde_json::from_slice(&dashboard::catalogue()).unwrap();
        let exploited: BTreeSet<_> = threats.iter().flat_map(|threat| &threat.exploits).collect();
        assert!(exploited.iter().all(|code| position(&vulnerabilities, code).is_some()));
        assert!(vulnerabilities.iter().all(|vulnerability| exploited.contains(&vulnerability.code)));
        assert!(threats.iter().all(|threat| !threat.exploits.is_empty() && threat.rate <= MAX_PROBABILITY));
        assert!(WAVES.iter().all(|wave| position(&threats, wave.1).is_some()));
        assert!(
            PROFILES.iter().all(|p| p.client < CLIENTS.len() && p.referentials.iter().all(|&r| r < referentials.len()))
        );
    }

    #[test]
    fn one_analysis_starts_late_and_one_has_a_summer_break() {
        let year = year();
        assert!(year.is_sorted_by_key(|sample| sample.date));
        let lengths: Vec<_> = (0..PROFILES.len()).map(|profile| dates(&year, profile).len()).collect();
        assert_eq!(lengths, [365, 365, 365, 365, 365, 182, 351]);
        assert_eq!(dates(&year, 5).first(), Some(&date(2026, 5, 27)));
        let school = dates(&year, 6);
        assert!(school.windows(2).any(|pair| pair == [date(2026, 8, 2), date(2026, 8, 17)]));
        assert!((0..PROFILES.len()).all(|profile| dates(&year, profile).last() == Some(&date(2026, 11, 24))));
    }

    #[test]
    fn the_year_tells_a_story() {
        let year = year();
        let rate = |month, day| {
            let threats = year.iter().find(|s| s.kind == "threat" && s.date == date(2026, month, day)).unwrap();
            let threats: Value = serde_json::from_str(&threats.data).unwrap();
            let phishing = items(&threats).find(|threat| threat["label2"] == "Phishing").unwrap();
            phishing["averageRate"].as_str().unwrap().parse::<f64>().unwrap()
        };
        assert!(rate(7, 15) > rate(5, 1) && rate(7, 15) > rate(11, 1));
        let high = |profile: usize, last: bool| {
            let mut risks = year.iter().filter(|s| s.kind == "risk" && s.anr == PROFILES[profile].anr);
            let risk = if last { risks.next_back() } else { risks.next() };
            let risk: Value = serde_json::from_str(&risk.unwrap().data).unwrap();
            risk["risks"]["current"]["informational"][2]["value"].as_u64().unwrap()
        };
        assert!(high(0, true) < high(0, false), "the clinic improves");
        assert!(high(6, true) > high(6, false), "the schools get worse");
    }
}
