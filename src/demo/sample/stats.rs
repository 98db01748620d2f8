//! The five stats of an analysis, written as MONARC writes them.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::catalogue::{Catalogue, Category, Measure};
use super::{Analysis, Control, MAX_IMPACT, MAX_PROBABILITY, MAX_QUALIFICATION, MAX_SCORE};
use super::{INFORMATIONAL_BOUNDS, OPERATIONAL_BOUNDS};

const LEVELS: [&str; 3] = ["Low risks", "Medium risks", "High risks"];

impl Analysis {
    /// Writes anew the texts that the day has changed.
    pub(super) fn encode(&mut self, catalogue: &Catalogue) {
        if std::mem::take(&mut self.register_changed) {
            self.texts[0] = self.risk().to_string();
            self.texts[1] = self.threat(catalogue);
            self.texts[2] = self.vulnerability(catalogue);
            self.texts[3] = self.cartography().to_string();
        }
        if std::mem::take(&mut self.controls_changed) {
            self.texts[4] = self.compliance(catalogue);
        }
    }

    fn risk(&self) -> Value {
        let total = json!({"informational": self.risks.len(), "operational": self.operational.len()});
        let levels = |cells: States| {
            let [informational, operational] = cells;
            json!({
                "informational": levels(&informational, INFORMATIONAL_BOUNDS),
                "operational": levels(&operational, OPERATIONAL_BOUNDS),
            })
        };
        json!({
            "total": {"current": total, "residual": total},
            "risks": {"current": levels(self.current()), "residual": levels(self.residual())},
        })
    }

    fn cartography(&self) -> Value {
        let matrices = |cells: States| {
            let [mut informational, operational] = cells;
            // MONARC sorts these, and leaves the operational ones as they come.
            informational.sort_unstable();
            json!({"informational": matrix(&informational), "operational": matrix(&operational)})
        };
        let risks = json!({"current": matrices(self.current()), "residual": matrices(self.residual())});
        json!({"scales": scales(), "risks": risks})
    }

    fn current(&self) -> States {
        let informational = self.risks.iter().map(|risk| (risk.impact, risk.probability * risk.qualification));
        let operational = self.operational.iter().map(|risk| (risk.impact, risk.probability));
        [informational.collect(), operational.collect()]
    }

    fn residual(&self) -> States {
        let informational = self.risks.iter().map(|risk| (risk.impact, risk.probability * risk.planned));
        let operational = self.operational.iter().map(|risk| (risk.impact, risk.planned));
        [informational.collect(), operational.collect()]
    }

    fn threat(&self, catalogue: &Catalogue) -> String {
        let tallies = tallies(self.risks.iter().map(|risk| (risk.threat, risk.probability, risk.value())));
        list(tallies.iter().map(|(index, tally @ Tally { count, max_risk, .. })| {
            let (head, average) = (&catalogue.threats[*index].head, tally.average());
            // MONARC's two lists differ in the order of these.
            format!(r#"{head},"maxRisk":{max_risk},"count":{count},"averageRate":"{average}"}}"#)
        }))
    }

    fn vulnerability(&self, catalogue: &Catalogue) -> String {
        let tallies = tallies(self.risks.iter().map(|risk| (risk.vulnerability, risk.qualification, risk.value())));
        list(tallies.iter().map(|(index, tally @ Tally { count, max_risk, .. })| {
            let (head, average) = (&catalogue.vulnerabilities[*index].head, tally.average());
            format!(r#"{head},"count":{count},"maxRisk":{max_risk},"averageRate":"{average}"}}"#)
        }))
    }

    fn compliance(&self, catalogue: &Catalogue) -> String {
        let mut controls = self.controls.iter();
        list(self.referentials(catalogue).map(|referential| {
            let categories = referential.categories.iter().map(|category| {
                let controls: Vec<_> = controls.by_ref().take(category.controls.len()).collect();
                (reached(category, &controls), wanted(category, &controls))
            });
            let (current, target): (Vec<_>, Vec<_>) = categories.unzip();
            let (head, current, target) = (&referential.head, list(current.into_iter()), list(target.into_iter()));
            format!(r#"{head},"current":{current},"target":{target}}}"#)
        }))
    }
}

/// A JSON list of JSON texts.
fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(","))
}

/// Impact, and likelihood or probability, of each informational and of each operational risk.
type States = [Vec<(usize, usize)>; 2];

fn levels(cells: &[(usize, usize)], [low, medium]: [usize; 2]) -> Value {
    let level = |value| usize::from(value > low) + usize::from(value > medium);
    let count = |index| cells.iter().filter(|(impact, likelihood)| level(impact * likelihood) == index).count();
    LEVELS.iter().enumerate().map(|(index, name)| json!({"level": name, "value": count(index)})).collect()
}

fn scales() -> Value {
    let likelihood = (0..=MAX_PROBABILITY).flat_map(|rate| (0..=MAX_QUALIFICATION).map(move |other| rate * other));
    json!({
        "impact": (0..=MAX_IMPACT).collect::<Vec<_>>(),
        "probability": (0..=MAX_PROBABILITY).collect::<Vec<_>>(),
        "likelihood": likelihood.collect::<BTreeSet<_>>(),
    })
}

pub(super) fn matrix(cells: &[(usize, usize)]) -> Value {
    let mut rows: Vec<(usize, Vec<(usize, usize)>)> = Vec::new();
    for &(impact, likelihood) in cells {
        *slot(slot(&mut rows, impact), likelihood) += 1;
    }
    php_array(rows.into_iter().map(|(impact, row)| (impact, php_array(row))).collect())
}

/// What PHP makes of an array: a list if its keys are 0 to n - 1 in this order, otherwise an object.
fn php_array<T: Into<Value>>(array: Vec<(usize, T)>) -> Value {
    if array.iter().enumerate().all(|(index, (key, _))| index == *key) {
        return array.into_iter().map(|(_, value)| value).collect();
    }
    array.into_iter().map(|(key, value)| (key.to_string(), value)).collect()
}

/// The value under a key; keys stay in the order of their first appearance.
fn slot<T: Default>(array: &mut Vec<(usize, T)>, key: usize) -> &mut T {
    let index = array.iter().position(|(found, _)| *found == key).unwrap_or(array.len());
    if index == array.len() {
        array.push((key, T::default()));
    }
    &mut array[index].1
}

/// What is known of a threat or a vulnerability over all its risks.
#[derive(Default)]
struct Tally {
    count: usize,
    sum: usize,
    max_risk: usize,
}

impl Tally {
    /// As MONARC writes it: a single rate as it is, a mean cut to two decimals.
    fn average(&self) -> String {
        if self.count == 1 { self.sum.to_string() } else { hundredths(self.sum * 100 / self.count) }
    }
}

/// One tally for each object, from the object, the rate and the value of each risk.
fn tallies(risks: impl Iterator<Item = (usize, usize, usize)>) -> Vec<(usize, Tally)> {
    let mut tallies = Vec::new();
    for (object, rate, value) in risks {
        let tally: &mut Tally = slot(&mut tallies, object);
        tally.count += 1;
        tally.sum += rate;
        tally.max_risk = tally.max_risk.max(value);
    }
    tallies
}

/// A category with what its controls have reached.
fn reached(category: &Category, controls: &[&Control]) -> String {
    let value = |control: &Control| if control.excluded { 0 } else { control.score * 100 / MAX_SCORE };
    let sum = controls.iter().map(|control| value(control)).sum();
    rated(category, controls.iter().map(|control| hundredths(value(control))), sum)
}

/// A category with what its controls are to reach: all of it, unless they are excluded.
fn wanted(category: &Category, controls: &[&Control]) -> String {
    let values = controls.iter().map(|control| usize::from(!control.excluded));
    rated(category, values.clone().map(|value| value.to_string()), values.sum::<usize>() * 100)
}

/// A category whose controls have these values, with their mean; `sum` is in hundredths.
fn rated(category: &Category, values: impl Iterator<Item = String>, sum: usize) -> String {
    let controls = category.controls.iter().zip(values);
    let controls = list(controls.map(|(Measure { head }, value)| format!(r#"{head},"value":"{value}"}}"#)));
    let (head, mean) = (&category.head, hundredths(sum / category.controls.len().max(1)));
    format!(r#"{head},"controls":{controls},"value":"{mean}"}}"#)
}

fn hundredths(value: usize) -> String {
    format!("{}.{:02}", value / 100, value % 100)
}
