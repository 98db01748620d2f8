//! Weeks as answers are made of them: of each published figure its value and its band, without what it changed, and texts and
//! keys once for all weeks. Many weeks are read for one answer, so what is held of each counts.

use crate::averages::release::rounding::Band;
use crate::averages::release::{self, Shown};
use crate::error::{Error, Kind, Result};
use crate::model::StatType;
use crate::store::releases::Kept;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

/// What was published of a week, as far as an answer needs it.
pub struct Lean {
    /// The last day.
    pub date: Date,
    types: Vec<(StatType, Figures)>,
}

/// The figures of a type.
pub struct Figures {
    pub(super) totals: BTreeMap<String, i128>,
    pub(super) objects: Vec<Object>,
}

/// An object, with its figures in order of their measures.
pub struct Object {
    /// What identifies it within its type.
    pub key: Rc<str>,
    /// Its texts.
    pub texts: Rc<[String; 4]>,
    /// Its figures.
    pub figures: Box<[Option<Figure>]>,
}

/// A figure alone: how many contributors have it, and units of its scale.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub struct Figure {
    /// How many contributors have it.
    pub band: Band,
    /// The mean.
    pub value: i32,
}

impl Lean {
    /// A week of which so much is known.
    pub(super) fn new(date: Date, types: Vec<(StatType, Figures)>) -> Self {
        Self { date, types }
    }

    /// How many objects it has, of all types.
    pub fn number(&self) -> usize {
        self.types.iter().map(|(_, figures)| figures.objects.len()).sum()
    }

    /// What is shown of a type.
    pub fn shown(&self, kind: StatType) -> Option<&Figures> {
        self.types.iter().find(|(of, _)| *of == kind).map(|(_, figures)| figures)
    }
}

impl Figures {
    /// An object by its key; they are in order.
    pub fn object(&self, key: &str) -> Option<&Object> {
        self.objects.get(self.objects.binary_search_by(|object| (*object.key).cmp(key)).ok()?)
    }

    /// All of them, in order.
    pub fn objects(&self) -> &[Object] {
        &self.objects
    }
}

fn unread(kept: &Kept, error: serde_json::Error) -> Error {
    Error::new(Kind::Unavailable, format!("the release of {} cannot be read", kept.week)).because(error)
}

/// The types of a release, as they are written.
#[derive(Deserialize)]
struct Written<'a> {
    #[serde(borrow)]
    types: BTreeMap<String, &'a RawValue>,
}

/// Reads weeks, one after the other.
pub struct Reader<'a> {
    kinds: &'a [StatType],
    /// The newest texts of each key.
    known: HashMap<Rc<str>, Rc<[String; 4]>>,
}

impl<'a> Reader<'a> {
    /// A reader of these types alone.
    pub fn new(kinds: &'a [StatType]) -> Self {
        Self { kinds, known: HashMap::new() }
    }

    /// What is needed of a release; nothing if it was withdrawn, or shows nothing.
    ///
    /// # Errors
    /// `Unavailable` if it cannot be read.
    pub fn read(&mut self, kept: &Kept) -> Result<Option<Lean>> {
        let Some(cells) = &kept.cells else { return Ok(None) };
        let written: Written<'_> = serde_json::from_str(cells).map_err(|error| unread(kept, error))?;
        let mut types = Vec::new();
        for kind in self.kinds {
            if let Some(text) = written.types.get(kind.name()) {
                let shown: Shown = serde_json::from_str(text.get()).map_err(|error| unread(kept, error))?;
                types.push((*kind, self.figures(shown)));
            }
        }
        Ok((!written.types.is_empty()).then_some(Lean { date: kept.week, types }))
    }

    fn figures(&mut self, shown: Shown) -> Figures {
        let objects = shown.objects.into_iter().map(|object| {
            let (key, texts) = self.shared(&object.key, object.texts);
            let figure = |figure: Option<_>| {
                figure.map(|figure: release::Figure| Figure { band: figure.band, value: figure.value })
            };
            Object { key, texts, figures: object.figures.into_iter().map(figure).collect() }
        });
        let mut objects: Vec<Object> = objects.collect();
        // They lie where larger ones did.
        objects.shrink_to_fit();
        Figures { objects, totals: shown.totals }
    }

    /// A key and texts, those of the week before where they are the same.
    fn shared(&mut self, key: &str, texts: [String; 4]) -> (Rc<str>, Rc<[String; 4]>) {
        match self.known.get_key_value(key) {
            Some((key, known)) if **known == texts => (Rc::clone(key), Rc::clone(known)),
            known => {
                let key = known.map_or_else(|| Rc::from(key), |(key, _)| Rc::clone(key));
                let texts = Rc::new(texts);
                self.known.insert(Rc::clone(&key), Rc::clone(&texts));
                (key, texts)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn kept(week: i8, text: &str, others: &str) -> Kept {
        let figure = r#"{"n":"5-9","v":7,"q":[1],"c":[{"n":"5-9","v":3},null,null]}"#;
        let object = |key: &str| format!(r#"{{"key":"{key}","texts":["","{text}","",""],"figures":[{figure},null]}}"#);
        let shown = format!(r#"{{"band":"5-9","totals":{{"":2}},"objects":[{},{}]}}"#, object("a"), object("b"));
        let cells = Some(format!(r#"{{"types":{{"threat":{shown},"risk":{others}}}}}"#));
        Kept { week: date(2026, 1, week), rules: 1, k: 3, built_at: 0, hash: [0; 32], cells }
    }

    #[test]
    fn of_many_weeks_little_is_held_and_other_types_are_not_read() {
        let mut reader = Reader::new(&[StatType::Threat]);
        let weeks: Vec<Lean> = ["Fire", "Fire", "Flame"]
            .into_iter()
            .zip(1..)
            .map(|(text, week)| reader.read(&kept(week, text, r#""not a type""#)).unwrap().unwrap())
            .collect();
        let objects: Vec<&Object> =
            weeks.iter().map(|week| week.shown(StatType::Threat).unwrap().object("b").unwrap()).collect();
        assert!(objects.iter().all(|object| Rc::ptr_eq(&object.key, &objects[0].key)));
        assert!(Rc::ptr_eq(&objects[0].texts, &objects[1].texts) && objects[2].texts[1] == "Flame");
        assert!(objects.iter().all(|object| object.figures.len() == 2 && object.figures[0].unwrap().value == 7));
        assert!(size_of::<Object>() <= 40 && size_of::<Option<Figure>>() <= 8);
        assert!(reader.read(&kept(4, "Fire", "{")).is_err(), "what is not even JSON is no release");
    }
}
