//! The answers of the API: JSON, and one table from kinds of failure to statuses.

use crate::error::{Error, Kind};
use crate::server::message::{Head, Response};
use serde_json::{Map, Value, json as value};
use sha2::{Digest, Sha256};
use std::borrow::Cow;

/// What a handler gives: an answer, or one that came early because something was wrong.
pub type Answer = Result<Response, Box<Response>>;

/// JSON text as an answer.
pub fn json(status: u16, text: String) -> Response {
    Response::bytes(status, Some("application/json"), Cow::Owned(text.into_bytes()))
}

/// `{"message": …}`
pub fn message(status: u16, text: &str) -> Response {
    json(status, value!({ "message": text }).to_string())
}

/// `{"Error": …}`, the spelling of what has to do with tokens, versions and processors.
pub fn error(status: u16, text: &str) -> Response {
    json(status, value!({ "Error": text }).to_string())
}

/// The answer to arguments that cannot be used: reasons by name.
pub fn bad_arguments(errors: &Map<String, Value>) -> Box<Response> {
    Box::new(json(400, value!({ "message": "Input payload validation failed", "errors": errors }).to_string()))
}

/// The answer to a failure. What is nobody's business but the operator's goes to the log alone.
pub fn failure(failure: &Error) -> Response {
    let status = match failure.kind {
        Kind::Invalid => 400,
        Kind::NotFound => 404,
        Kind::Conflict => 409,
        Kind::Busy | Kind::Unavailable => 503,
        Kind::Full => 507,
        Kind::Internal => 500,
    };
    if status >= 500 {
        log::error!("{}", failure.chain());
    }
    match status {
        500 => message(500, "Internal error: the operator finds the cause in the log."),
        503 => message(503, &failure.message).with("Retry-After", "5"),
        _ => message(status, &failure.message),
    }
}

impl From<Error> for Box<Response> {
    fn from(error: Error) -> Self {
        Box::new(failure(&error))
    }
}

/// An entity tag for whatever these parts determine.
pub fn tag(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    let hash: String = hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("W/\"{hash}\"")
}

/// Whether the caller has the answer with this tag.
pub fn is_known(head: &Head, tag: &str) -> bool {
    let mut known = head.headers.all("If-None-Match").flat_map(|list| list.split(',')).map(str::trim);
    known.any(|one| one == "*" || one.trim_start_matches("W/") == tag.trim_start_matches("W/"))
}

/// Makes an answer, unless the caller has the one with this tag already. Either way it may be kept, and asked for again.
pub fn unless_known(head: &Head, tag: String, make: impl FnOnce() -> Answer) -> Answer {
    let response = if is_known(head, &tag) { Response::empty(304) } else { make()? };
    // Said here too, since an answer without a body has no coding.
    Ok(response.with("ETag", tag).with("Cache-Control", "no-cache").with("Vary", "Accept-Encoding"))
}

/// Adds what every answer has: nothing that was shown to a client may be kept by a cache on the way, and no browser
/// may take an answer for something it is not.
pub fn finished(mut response: Response, head: &Head) -> Response {
    let private = head.headers.get("X-API-KEY").is_some() || head.headers.get("Authorization").is_some();
    if private || response.header("Cache-Control").is_none() && response.status >= 400 {
        response.headers.retain(|(name, _)| *name != "Cache-Control");
        response = response.with("Cache-Control", "no-store");
    }
    response.with("X-Content-Type-Options", "nosniff")
}
