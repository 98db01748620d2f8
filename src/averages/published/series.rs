//! Weeks taken apart by object: a question about one of thousands then reads nothing of the others.

use super::lean::{Figure, Figures, Lean, Object};
use crate::averages::unwritten;
use crate::error::Result;
use crate::model::StatType;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::rc::Rc;

/// What all objects of a week have in common: its last day, and the totals of the type if it shows any of it.
#[derive(Serialize, Deserialize)]
pub struct Frame {
    /// The last day.
    pub date: Date,
    totals: Option<BTreeMap<String, i128>>,
}

/// What an object has in a week: the week's place among all, its figures, and its texts if they are others than before.
type Shown = (usize, Box<[Option<Figure>]>, Option<[String; 4]>);

/// What an object has in all weeks, and its last texts.
type Written = (Vec<u8>, Rc<[String; 4]>);

/// The weeks of a type, one after the other, by object.
pub struct Series {
    kind: StatType,
    /// The weeks, in order.
    pub frames: Vec<Frame>,
    objects: BTreeMap<Rc<str>, Written>,
}

impl Series {
    /// Without a week.
    pub fn new(kind: StatType) -> Self {
        Self { kind, frames: Vec::new(), objects: BTreeMap::new() }
    }

    /// Takes a week apart.
    ///
    /// # Errors
    /// `Internal` if it cannot be written.
    pub fn push(&mut self, week: &Lean) -> Result<()> {
        let place = self.frames.len();
        let figures = week.shown(self.kind);
        for object in figures.map(Figures::objects).unwrap_or_default() {
            let known = self.objects.get_mut(&object.key);
            let is_same = known.as_ref().is_some_and(|(_, texts)| *texts == object.texts);
            let texts = (!is_same).then_some(&*object.texts);
            let (text, last) = match known {
                Some(known) => known,
                None => self.objects.entry(Rc::clone(&object.key)).or_default(),
            };
            text.push(if text.is_empty() { b'[' } else { b',' });
            serde_json::to_writer(text, &(place, &object.figures, texts)).map_err(unwritten)?;
            *last = Rc::clone(&object.texts);
        }
        self.frames.push(Frame { date: week.date, totals: figures.map(|figures| figures.totals.clone()) });
        Ok(())
    }

    /// The objects in order, each with what [`weeks`] makes its weeks of.
    pub fn texts(&self) -> impl Iterator<Item = (&str, Vec<u8>)> {
        self.objects.iter().map(|(key, (text, _))| (&**key, [text, &b"]"[..]].concat()))
    }
}

/// The weeks that are asked for as if they had one object alone, of which this is the text; none if it is not there.
///
/// # Errors
/// `Internal` if that is none.
pub fn weeks(
    kind: StatType,
    frames: Vec<Frame>,
    (key, text): (&str, Option<&[u8]>),
    is_asked: impl Fn(Date) -> bool,
) -> Result<Vec<Lean>> {
    let shown: Vec<Shown> = text.map(serde_json::from_slice).transpose().map_err(unwritten)?.unwrap_or_default();
    let (mut shown, key, mut texts) = (shown.into_iter().peekable(), Rc::from(key), Rc::default());
    let mut weeks = Vec::new();
    for (place, frame) in frames.into_iter().enumerate() {
        let mut objects = Vec::new();
        if let Some((_, figures, given)) = shown.next_if(|(of, ..)| *of == place) {
            texts = given.map_or(texts, Rc::new);
            objects.push(Object { key: Rc::clone(&key), texts: Rc::clone(&texts), figures });
        }
        if is_asked(frame.date) {
            let figures = frame.totals.map(|totals| (kind, Figures { totals, objects }));
            weeks.push(Lean::new(frame.date, figures.into_iter().collect()));
        }
    }
    Ok(weeks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::averages::published::{self, Reader};
    use crate::averages::{Params, Period};
    use crate::store::releases::Kept;

    /// A week of these objects, each with its name.
    fn week(reader: &mut Reader<'_>, day: i8, objects: &[(&str, &str)]) -> Lean {
        let object = |(key, text): &(&str, &str)| {
            let figures = [3, 5, 7].map(|value| format!(r#"{{"n":"5-9","v":{}}}"#, value + i32::from(day))).join(",");
            format!(r#"{{"key":"{key}","texts":["","{text}","",""],"figures":[{figures}]}}"#)
        };
        let objects = objects.iter().map(object).collect::<Vec<_>>().join(",");
        let risk = r#""risk":{"band":"5-9","objects":[]}"#;
        let threat = format!(r#""threat":{{"band":"5-9","totals":{{"":{day}0}},"objects":[{objects}]}}"#);
        let types = if objects.is_empty() { risk.to_owned() } else { format!("{risk},{threat}") };
        let cells = Some(format!(r#"{{"types":{{{types}}}}}"#));
        let kept = Kept { week: jiff::civil::date(2026, 1, day), rules: 1, k: 3, built_at: 0, hash: [0; 32], cells };
        reader.read(&kept).unwrap().unwrap()
    }

    /// The answer over weeks, of one object.
    fn answer(weeks: &[Lean], key: &str) -> Option<serde_json::Value> {
        let (params, mut text) = (Params { period: Some(Period::Week), ..Params::default() }, Vec::new());
        published::answer("threat_average_on_date", weeks, &params, &mut text).unwrap();
        let all: Vec<serde_json::Value> = serde_json::from_slice(&text).unwrap();
        all.into_iter().find(|one| one["object"] == key)
    }

    #[test]
    fn an_object_alone_has_what_it_has_among_all() {
        let kind = StatType::Threat;
        let mut reader = Reader::new(&[StatType::Threat]);
        let all = [
            week(&mut reader, 1, &[("a", "Fire"), ("b", "Flood")]),
            week(&mut reader, 2, &[("b", "Flood")]),
            week(&mut reader, 3, &[]),
            week(&mut reader, 4, &[("a", "Fire"), ("b", "Flood")]),
            week(&mut reader, 5, &[("a", "Flame"), ("b", "")]),
            week(&mut reader, 6, &[("a", "Flame")]),
        ];
        let mut series = Series::new(kind);
        all.iter().for_each(|week| series.push(week).unwrap());
        let frames = serde_json::to_string(&series.frames).unwrap();
        let texts: BTreeMap<&str, Vec<u8>> = series.texts().collect();
        assert_eq!(texts.keys().copied().collect::<Vec<_>>(), ["a", "b"]);
        for (first, last) in (1..=6).flat_map(|first| (first..=6).map(move |last| (first, last))) {
            for key in ["a", "b", "c"] {
                let is_asked = |date: Date| (first..=last).contains(&date.day());
                let text = texts.get(key).map(Vec::as_slice);
                let frames = serde_json::from_str(&frames).unwrap();
                let alone = weeks(kind, frames, (key, text), is_asked).unwrap();
                let among: Vec<usize> = (0..6).filter(|place| is_asked(all[*place].date)).collect();
                let among = &all[among[0]..=among[among.len() - 1]];
                assert_eq!(answer(&alone, key), answer(among, key), "{key} {first} {last}");
                let objects = alone.iter().filter_map(|week| week.shown(kind)).flat_map(Figures::objects);
                assert!(objects.into_iter().all(|object| &*object.key == key));
            }
        }
    }
}
