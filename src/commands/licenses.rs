//! `monarc-stats licenses`: whose work is in the program, for people or as a bill of materials.

use crate::commands::args::{BillFormat, Licenses};
use crate::dashboard;
use crate::error::{Error, Kind, Result};
use crate::terminal::say;
use serde::Deserialize;
use serde_json::{Value, json};

const NAME: &str = env!("CARGO_PKG_NAME");
const VERSION: &str = env!("CARGO_PKG_VERSION");
const LICENCE: &str = env!("CARGO_PKG_LICENSE");

/// What `assets/licences.mjs` found.
#[derive(Deserialize)]
struct Bill {
    components: Vec<Component>,
    texts: Vec<String>,
}

#[derive(Deserialize)]
struct Component {
    /// Where its name is from, as in a package URL: `cargo`, `npm` or `generic`.
    kind: String,
    name: String,
    version: String,
    /// An SPDX expression.
    licence: String,
    /// Places of its texts in the list of all.
    texts: Vec<usize>,
}

/// Prints it.
pub fn run(command: &Licenses) -> Result<()> {
    let damaged = || Error::new(Kind::Internal, "the licences inside the program are damaged");
    let packed = dashboard::licences().ok_or_else(damaged)?.unpacked();
    let bill: Bill = serde_json::from_reader(packed).map_err(|e| damaged().because(e))?;
    match command.format {
        BillFormat::Text => say(&text(&bill)),
        BillFormat::Cyclonedx => say(&format!("{:#}", cyclonedx(&bill))),
    }
}

/// The list, then each text once under its number.
fn text(bill: &Bill) -> String {
    let source = env!("CARGO_PKG_REPOSITORY");
    let mut lines = vec![format!("{NAME} {VERSION}: {LICENCE}, source at {source}; inside it:"), String::new()];
    for Component { name, version, licence, texts, .. } in &bill.components {
        let numbers: Vec<String> = texts.iter().map(|number| format!("[{}]", number + 1)).collect();
        lines.push(format!("{name} {version}: {licence} {}", numbers.join("")));
    }
    for (number, text) in (1..).zip(&bill.texts) {
        lines.push(format!("\n[{number}] {}\n\n{text}", "-".repeat(72)));
    }
    lines.join("\n")
}

/// Neither time nor serial number: the same program has the same bill.
fn cyclonedx(bill: &Bill) -> Value {
    let components: Vec<Value> = bill.components.iter().map(|one| component(one, "library")).collect();
    let own = Component {
        kind: "generic".into(),
        name: NAME.into(),
        version: VERSION.into(),
        licence: LICENCE.into(),
        texts: Vec::new(),
    };
    json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": component(&own, "application")},
        "components": components,
    })
}

fn component(one: &Component, kind: &str) -> Value {
    // A scope's @ would be taken for the one before the version.
    let url = format!("pkg:{}/{}@{}", one.kind, one.name.replace('@', "%40"), one.version);
    json!({
        "type": kind,
        "bom-ref": url,
        "name": one.name,
        "version": one.version,
        "licenses": [{"expression": one.licence}],
        "purl": url,
    })
}
