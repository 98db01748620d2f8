//! Scripts, styles and data under hashed names: a name never means other bytes, so browsers may keep them for good.

use crate::api::message::{Body, Response};
use crate::api::{Answer, App, Request, nothing_here};
use flate2::read::GzDecoder;
use std::borrow::Cow;

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

/// Licences of the packages in the bundle: a list of name, version, licence and text.
pub const LICENCES: &str = include_str!(concat!(env!("OUT_DIR"), "/dashboard/licences.json"));

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
