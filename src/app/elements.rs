//! Takes what a processor writes apart while it writes, so that no more of it is held than one element.

use serde_json::Value;
use std::io::{self, Write};

/// A writer of a JSON array of objects that gives each of them away once it is whole.
pub struct Elements<F> {
    each: F,
    text: Vec<u8>,
    depth: usize,
    in_string: bool,
    is_escaped: bool,
}

impl<F: FnMut(Value) -> io::Result<()>> Elements<F> {
    /// `each` gets the elements in their order.
    pub fn new(each: F) -> Self {
        Self { each, text: Vec::new(), depth: 0, in_string: false, is_escaped: false }
    }

    fn take(&mut self, byte: u8) -> io::Result<()> {
        if self.in_string {
            self.text.push(byte);
            self.in_string = self.is_escaped || byte != b'"';
            self.is_escaped = !self.is_escaped && byte == b'\\';
            return Ok(());
        }
        let is_between = self.depth <= 1 && !matches!(byte, b'{' | b'}');
        if !is_between {
            self.text.push(byte);
        }
        match byte {
            b'"' => self.in_string = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        if byte == b'}' && self.depth == 1 {
            let element = serde_json::from_slice(&self.text)?;
            self.text.clear();
            (self.each)(element)?;
        }
        Ok(())
    }
}

impl<F: FnMut(Value) -> io::Result<()>> Write for Elements<F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        bytes.iter().try_for_each(|byte| self.take(*byte))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn elements_come_whole_however_they_are_written() {
        let list = json!([{"a": [1, {"b": "]}\\\"{["}], "c": {}}, {}, {"d": "\\"}, {"e": [[], [{"f": null}]]}]);
        for text in [list.to_string(), serde_json::to_string_pretty(&list).unwrap()] {
            for size in [1, 3, 7, 1000] {
                let mut found = Vec::new();
                let mut writer = Elements::new(|element| {
                    found.push(element);
                    Ok(())
                });
                text.as_bytes().chunks(size).for_each(|part| writer.write_all(part).unwrap());
                assert_eq!(Value::Array(found), list);
            }
        }
        let mut writer = Elements::new(|_| panic!("there is none"));
        writer.write_all(b"[]").unwrap();
    }
}
