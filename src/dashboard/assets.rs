//! Scripts, styles and data under hashed names: a name never means other bytes, so browsers may keep them for good.

use crate::app::{Answer, App, Request, nothing_here};
use crate::server::message::{Body, Response};
use flate2::read::GzDecoder;
use std::borrow::Cow;
use std::io::Read;

/// One file, as `assets/build.mjs` made it.
struct Asset {
    name: &'static str,
    content_type: &'static str,
    /// The only form in which it is kept: who takes no gzip gets it unpacked page by page, and that is hardly anybody.
    gzip: &'static [u8],
}

/// What a page asks for by its plain name.
pub struct Entry {
    name: &'static str,
    /// The file's hashed name.
    pub file: &'static str,
    /// Files that it imports, to be fetched at the same time.
    pub imports: &'static [&'static str],
}

include!(concat!(env!("OUT_DIR"), "/dashboard/table.rs"));

/// Whose work is in the binary, as `assets/licences.mjs` found it: JSON, compressed.
static LICENCES: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/dashboard/licences.json.gz"));

/// Whose work is in the binary: `components` with their licences, and the `texts` that they refer to by number.
pub fn licences_json() -> Vec<u8> {
    let mut json = Vec::new();
    if let Err(error) = GzDecoder::new(LICENCES).read_to_end(&mut json) {
        log::error!("the licences inside the program are damaged: {error}");
    }
    json
}

/// `GET /assets/licences.json`
pub fn licences(_: &App, request: Request<'_>) -> Answer {
    let packed = request.head.headers.accepts_gzip();
    let bytes = if packed { Cow::Borrowed(LICENCES) } else { Cow::Owned(licences_json()) };
    let response = Response::bytes(200, Some("application/json"), bytes)
        .with("Cache-Control", "no-cache")
        .with("Vary", "Accept-Encoding");
    Ok(if packed { response.with("Content-Encoding", "gzip") } else { response })
}

/// The entry of a plain name.
pub fn entry(name: &str) -> Option<&'static Entry> {
    ENTRIES.iter().find(|entry| entry.name == name)
}

/// The hashed name of a plain one.
pub fn asset(name: &str) -> &'static str {
    entry(name).map_or("", |entry| entry.file)
}

/// `GET /assets/{name}`
pub fn file(_: &App, request: Request<'_>) -> Answer {
    let Some(asset) = ASSETS.iter().find(|asset| asset.name == request.name) else {
        return Err(Box::new(nothing_here()));
    };
    let takes_gzip = request.head.headers.accepts_gzip();
    let mut response = Response::bytes(200, Some(asset.content_type), Cow::Borrowed(asset.gzip))
        .with("Cache-Control", "public, max-age=31536000, immutable")
        .with("Vary", "Accept-Encoding");
    if takes_gzip {
        response = response.with("Content-Encoding", "gzip");
    } else {
        response.body = Body::Stream(Box::new(GzDecoder::new(asset.gzip)));
    }
    Ok(response)
}
