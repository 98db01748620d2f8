//! The elements of a JSON list, one after the other, from a reader: a batch is never held whole.
//!
//! Only the list itself is understood here, so that each element is cut out by its brackets and quotes; whether the text
//! between them is JSON has to be seen by whoever takes it.

use std::io::{self, Read};
use std::ops::Range;

/// How much is read at a time.
const PAGE: usize = 64 << 10;

/// The mark that some libraries put before JSON.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Why there is no next element.
#[derive(Debug)]
pub enum Broken {
    /// The body is no list, or none that is well formed, from this byte on.
    Malformed(u64),
    /// It could not be read.
    Unread(io::Error),
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        Self::Unread(error)
    }
}

/// One element.
#[derive(Debug, PartialEq, Eq)]
pub struct Element {
    /// Where it stands.
    pub range: Range<u64>,
    /// Its text; none if it is longer than what is held.
    pub text: Option<Vec<u8>>,
}

/// Reads the elements of a list.
pub struct Elements<R> {
    reader: R,
    page: Box<[u8]>,
    start: usize,
    end: usize,
    /// Where the page's first unread byte stands.
    position: u64,
    most: usize,
    has_begun: bool,
    has_ended: bool,
}

impl<R: Read> Elements<R> {
    /// Elements of a list, of which those longer than `most` bytes are skipped.
    pub fn new(reader: R, most: usize) -> Self {
        let page = vec![0; PAGE].into_boxed_slice();
        Self { reader, page, start: 0, end: 0, position: 0, most, has_begun: false, has_ended: false }
    }

    /// The next element, or none after the last.
    pub fn next(&mut self) -> Result<Option<Element>, Broken> {
        if self.has_ended {
            return Ok(None);
        }
        let is_first = !self.has_begun;
        if is_first {
            self.begin()?;
        }
        match self.significant()? {
            Some(b']') => return self.finish(),
            Some(b',') if !is_first => {
                self.skip();
                self.significant()?;
            }
            Some(_) if is_first => {}
            _ => return Err(self.malformed()),
        }
        self.element().map(Some)
    }

    fn begin(&mut self) -> Result<(), Broken> {
        self.has_begun = true;
        for byte in BYTE_ORDER_MARK {
            match self.peek()? {
                Some(found) if found == *byte => self.skip(),
                _ if self.position == 0 => break,
                _ => return Err(self.malformed()),
            }
        }
        match self.significant()? {
            Some(b'[') => {
                self.skip();
                Ok(())
            }
            _ => Err(self.malformed()),
        }
    }

    /// Nothing but white space may follow the list.
    fn finish(&mut self) -> Result<Option<Element>, Broken> {
        self.has_ended = true;
        self.skip();
        match self.significant()? {
            None => Ok(None),
            Some(_) => Err(self.malformed()),
        }
    }

    fn element(&mut self) -> Result<Element, Broken> {
        let start = self.position;
        let (mut text, mut state) = (Some(Vec::new()), State::default());
        loop {
            let Some(_) = self.peek()? else { return Err(self.malformed()) };
            let bytes = &self.page[self.start..self.end];
            let (taken, is_over) = state.advance(bytes);
            match &mut text {
                Some(known) if known.len() + taken <= self.most => known.extend_from_slice(&bytes[..taken]),
                _ => text = None,
            }
            self.start += taken;
            self.position += u64::try_from(taken).unwrap_or_default();
            if is_over {
                break;
            }
        }
        if self.position == start {
            return Err(self.malformed());
        }
        Ok(Element { range: start..self.position, text })
    }

    /// The next byte that is no white space, which stays where it is.
    fn significant(&mut self) -> Result<Option<u8>, Broken> {
        loop {
            match self.peek()? {
                Some(b' ' | b'\t' | b'\r' | b'\n') => self.skip(),
                found => return Ok(found),
            }
        }
    }

    fn peek(&mut self) -> Result<Option<u8>, Broken> {
        if self.start == self.end {
            (self.start, self.end) = (0, self.reader.read(&mut self.page)?);
        }
        Ok(self.page[self.start..self.end].first().copied())
    }

    fn skip(&mut self) {
        self.start += 1;
        self.position += 1;
    }

    fn malformed(&self) -> Broken {
        Broken::Malformed(self.position)
    }
}

/// Where in an element one is.
#[derive(Default)]
struct State {
    depth: u64,
    in_text: bool,
    after_backslash: bool,
}

impl State {
    /// How many of these bytes belong to the element, and whether it ends with them.
    fn advance(&mut self, bytes: &[u8]) -> (usize, bool) {
        let mut at = 0;
        while let Some(byte) = bytes.get(at) {
            if self.in_text {
                at = self.skip_text(bytes, at);
                continue;
            }
            match byte {
                b'"' => self.in_text = true,
                b'[' | b'{' => self.depth += 1,
                b',' | b']' | b'}' if self.depth == 0 => return (at, true),
                b']' | b'}' => self.depth -= 1,
                _ => {}
            }
            at += 1;
        }
        (bytes.len(), false)
    }

    /// Where to go on behind what is only text, which most of a batch is.
    fn skip_text(&mut self, bytes: &[u8], at: usize) -> usize {
        if std::mem::take(&mut self.after_backslash) {
            return at + 1;
        }
        let Some(found) = memchr::memchr2(b'"', b'\\', &bytes[at..]) else { return bytes.len() };
        match bytes[at + found] {
            b'\\' => self.after_backslash = true,
            _ => self.in_text = false,
        }
        at + found + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    /// Hands out a few bytes at a time.
    struct Trickle<'a>(&'a [u8], usize);

    impl Read for Trickle<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let most = self.1.min(into.len());
            self.0.read(&mut into[..most])
        }
    }

    fn elements(text: &str, step: usize) -> Result<Vec<String>, u64> {
        let mut elements = Elements::new(Trickle(text.as_bytes(), step), 1000);
        let mut found = Vec::new();
        loop {
            match elements.next() {
                Ok(Some(element)) => {
                    let at = usize::try_from(element.range.start).unwrap()..usize::try_from(element.range.end).unwrap();
                    assert_eq!(element.text.as_deref(), Some(text[at].as_bytes()));
                    found.push(String::from_utf8(element.text.unwrap()).unwrap().trim().to_owned());
                }
                Ok(None) => return Ok(found),
                Err(Broken::Malformed(position)) => return Err(position),
                Err(Broken::Unread(error)) => panic!("{error}"),
            }
        }
    }

    #[test]
    fn lists_are_cut_at_their_own_commas() {
        for (text, expected) in [
            ("[]", &[][..]),
            (" [ ] \n", &[]),
            ("\u{feff}[1]", &["1"]),
            (
                r#"[1, "a,]}\"" ,{"b":[1,2],"c":"\\"}, [[]] ,null]"#,
                &["1", r#""a,]}\"""#, r#"{"b":[1,2],"c":"\\"}"#, "[[]]", "null"],
            ),
        ] {
            for step in 1..5 {
                assert_eq!(
                    elements(text, step),
                    Ok(expected.iter().map(|text| (*text).to_owned()).collect()),
                    "{text}"
                );
            }
        }
        for (text, position) in [
            ("", 0),
            ("{}", 0),
            ("[", 1),
            ("[1", 2),
            ("[1,", 3),
            ("[,1]", 1),
            ("[1,]", 3),
            ("[1] 2", 4),
            ("[1}", 2),
            ("[\"]", 3),
        ] {
            assert_eq!(elements(text, 1), Err(position), "{text}");
        }
    }

    #[test]
    fn what_is_too_long_is_passed_over() {
        let text = format!("[1,[{}],2]", "3,".repeat(50_000));
        let mut elements = Elements::new(text.as_bytes(), 1000);
        assert_eq!(elements.next().unwrap().unwrap().text, Some(b"1".to_vec()));
        let long = elements.next().unwrap().unwrap();
        assert_eq!((long.text, long.range), (None, 3..100_005));
        assert_eq!(elements.next().unwrap().unwrap().text, Some(b"2".to_vec()));
        assert!(elements.next().unwrap().is_none());
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<i32>().prop_map(Value::from),
            r#"["\\\[\]{},a ]{0,8}"#.prop_map(Value::from)
        ];
        leaf.prop_recursive(3, 20, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((r#"["\\,a]{0,4}"#, inner), 0..4)
                    .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn every_list_is_the_list_of_its_elements(list in prop::collection::vec(any_json(), 0..6), pretty in any::<bool>(), step in 1_usize..50) {
            let value = Value::from(list.clone());
            let text = if pretty { serde_json::to_string_pretty(&value).unwrap() } else { value.to_string() };
            let found: Vec<Value> = elements(&text, step).unwrap().iter().map(|text| serde_json::from_str(text).unwrap()).collect();
            prop_assert_eq!(found, list);
        }
    }
}
