//! Arguments of a request: a JSON object in the body, and for GET the same names in the query string; the body wins.

use super::Request;
use super::answer::{bad_arguments, message};
use crate::config::switch;
use crate::error::{Error, Kind};
use crate::model::decimal::excerpt;
use crate::model::{date, parse_uuid};
use crate::server::message::{Method, Response};
use jiff::civil::Date;
use serde_json::{Map, Value};
use uuid::Uuid;

/// The arguments that were given, and what is wrong with those looked at so far.
#[derive(Debug)]
pub struct Arguments {
    given: Map<String, Value>,
    errors: Map<String, Value>,
}

impl Arguments {
    /// Reads the arguments; every name must be one of `known`.
    ///
    /// # Errors
    /// 415 for a body that is not JSON, 400 for one that is malformed or no object, and for unknown names.
    pub fn read(request: &Request<'_>, known: &[&str]) -> Result<Self, Box<Response>> {
        let is_read = [Method::GET, Method::HEAD].contains(&request.head.method);
        let mut given = if is_read { from_query(&request.head.query) } else { Map::new() };
        // Null means absent, so it takes nothing away from the query.
        given.extend(from_body(request, is_read)?.into_iter().filter(|(_, value)| !value.is_null()));
        let strangers: Vec<&str> = given.keys().map(String::as_str).filter(|name| !known.contains(name)).collect();
        if !strangers.is_empty() {
            let names: Vec<String> = strangers.iter().map(|name| excerpt(name)).collect();
            return Err(Box::new(message(400, &format!("Unknown arguments: {}", names.join(", ")))));
        }
        Ok(Self { given, errors: Map::new() })
    }

    /// Like [`Arguments::read`] for a body whose other names are ignored.
    ///
    /// # Errors
    /// Those of [`Arguments::read`] without the last.
    pub fn read_some(request: &Request<'_>) -> Result<Self, Box<Response>> {
        Ok(Self { given: from_body(request, false)?, errors: Map::new() })
    }

    /// Notes what is wrong with an argument.
    pub fn refuse(&mut self, name: &str, reason: impl Into<String>) {
        self.errors.entry(name).or_insert_with(|| Value::String(reason.into()));
    }

    /// Ends the look at the arguments.
    ///
    /// # Errors
    /// 400 that names each argument with its reason.
    pub fn finish(self) -> Result<(), Box<Response>> {
        if self.errors.is_empty() { Ok(()) } else { Err(bad_arguments(&self.errors)) }
    }

    /// An argument read by `parse`, if it was given.
    pub fn get<T>(&mut self, name: &str, parse: impl FnOnce(&Value) -> Result<T, String>) -> Option<T> {
        let parsed = parse(self.given.get(name)?);
        parsed.map_err(|reason| self.refuse(name, reason)).ok()
    }

    /// An argument that must be there.
    pub fn required<T>(&mut self, name: &str, parse: impl FnOnce(&Value) -> Result<T, String>) -> Option<T> {
        if !self.given.contains_key(name) {
            self.refuse(name, "Missing required argument.");
        }
        self.get(name, parse)
    }
}

/// The answer to a body that should be JSON and says it is something else.
pub fn check_content_type(request: &Request<'_>) -> Result<(), Box<Response>> {
    let given = request.head.headers.get("Content-Type").unwrap_or_default();
    let kind = given.split(';').next().unwrap_or_default().trim().to_lowercase();
    if kind == "application/json" || kind.starts_with("application/") && kind.ends_with("+json") {
        return Ok(());
    }
    Err(Box::new(message(415, "The body must be JSON: send Content-Type: application/json.")))
}

/// The body as text, without the mark at its beginning that some editors and libraries make.
pub fn text(request: &Request<'_>) -> Result<String, Box<Response>> {
    let unread = |error| Error::new(Kind::Unavailable, "The body could not be read back.").because(error);
    let mut text = String::from_utf8(request.body.bytes().map_err(unread)?).map_err(|error| {
        let place = error.utf8_error().valid_up_to();
        Box::new(message(400, &format!("The body is not UTF-8 at byte {place}.")))
    })?;
    if text.starts_with('\u{feff}') {
        text.drain(..'\u{feff}'.len_utf8());
    }
    Ok(text)
}

fn from_body(request: &Request<'_>, is_optional: bool) -> Result<Map<String, Value>, Box<Response>> {
    if is_optional && request.body.is_empty() {
        return Ok(Map::new());
    }
    check_content_type(request)?;
    let text = text(request)?;
    match serde_json::from_str(&text) {
        Ok(Value::Object(given)) => Ok(given),
        // PHP encodes an empty array of arguments as a list.
        Ok(Value::Array(list)) if list.is_empty() => Ok(Map::new()),
        Ok(_) => Err(Box::new(message(400, "The body must be a JSON object of arguments."))),
        Err(error) => Err(Box::new(message(400, &format!("The body is not JSON: {error}.")))),
    }
}

/// Names given once are texts, names given more often are lists of them.
fn from_query(query: &str) -> Map<String, Value> {
    let mut given: Map<String, Value> = Map::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let value = Value::String(value.into_owned());
        match given.get_mut(name.as_ref()) {
            None => drop(given.insert(name.into_owned(), value)),
            Some(Value::Array(list)) => list.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }
    given
}

/// All readers of arguments on one text.
#[cfg(fuzzing)]
pub(super) fn examine(text: &str) {
    let mut given = from_query(text);
    given.extend(serde_json::from_str::<Map<String, Value>>(text).unwrap_or_default());
    for value in given.values() {
        let _ = (as_text(value), as_date(value), as_bool(value), as_number(value), as_uuids(value));
    }
}

/// A text.
pub fn as_text(value: &Value) -> Result<String, String> {
    value.as_str().map(str::to_owned).ok_or_else(|| format!("{} is not a text", shown(value)))
}

/// A date, in any of the ways ISO 8601 writes one.
pub fn as_date(value: &Value) -> Result<Date, String> {
    match value {
        Value::Number(year) => date::parse_loose(&year.to_string()),
        _ => date::parse_loose(&as_text(value)?),
    }
}

/// True, false, 0 or 1, also as texts.
pub fn as_bool(value: &Value) -> Result<bool, String> {
    let text = match value {
        Value::Bool(value) => return Ok(*value),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().to_lowercase(),
        _ => String::new(),
    };
    match text.as_str() {
        "1" | "0" | "true" | "false" => switch(&text),
        _ => Err(String::new()),
    }
    .map_err(|_| format!("{} is not true or false", shown(value)))
}

/// A whole number that is not negative, also as a text.
pub fn as_number(value: &Value) -> Result<u64, String> {
    let number = match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    let fits = number.filter(|number| i64::try_from(*number).is_ok());
    fits.ok_or_else(|| format!("{} is not a whole number from 0 on", shown(value)))
}

/// A UUID.
pub fn as_uuid(value: &Value) -> Result<Uuid, String> {
    parse_uuid(&as_text(value)?)
}

/// A list of texts, or one text with commas.
pub fn as_texts(value: &Value) -> Result<Vec<String>, String> {
    match value {
        Value::Array(list) => list.iter().map(as_text).collect(),
        _ => {
            Ok(as_text(value)?.split(',').map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect())
        }
    }
}

/// A list of UUIDs; none if it is empty, which means no filter.
pub fn as_uuids(value: &Value) -> Result<Option<Vec<Uuid>>, String> {
    let uuids: Vec<Uuid> = as_texts(value)?
        .iter()
        .flat_map(|text| text.split(','))
        .map(|text| parse_uuid(text.trim()))
        .collect::<Result<_, _>>()?;
    Ok(if uuids.is_empty() { None } else { Some(uuids) })
}

fn shown(value: &Value) -> String {
    excerpt(&value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn truth_is_not_guessed() {
        for value in [json!(true), json!(1), json!("1"), json!("True"), json!("true")] {
            assert_eq!(as_bool(&value), Ok(true), "{value}");
        }
        for value in [json!("maybe"), json!(2), json!([]), json!("yes"), json!(""), json!(1.5)] {
            assert!(as_bool(&value).is_err(), "{value}");
        }
    }

    #[test]
    fn numbers_may_be_texts_but_not_negative() {
        assert_eq!(as_number(&json!("0")), Ok(0));
        assert_eq!(as_number(&json!(12)), Ok(12));
        for value in [json!(-1), json!("-1"), json!(1.5), json!("x"), json!(u64::MAX), json!(true)] {
            assert!(as_number(&value).is_err(), "{value}");
        }
    }

    #[test]
    fn a_query_repeats_names_for_lists() {
        let given = from_query("anrs=a&anrs=b&anrs=c&type=risk&x=");
        assert_eq!(Value::Object(given), json!({"anrs": ["a", "b", "c"], "type": "risk", "x": ""}));
    }
}
