//! Scripts, styles and data under hashed names: a name never means other bytes, so browsers may keep them for good.
//!
//! Debug builds read all of this from disk, so that an edited page shows on the next load.

use flate2::read::GzDecoder;
use rust_embed::Embed;
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::sync::LazyLock;

/// What `assets/build.mjs` made: `manifest.json`, `web/` with a `.gz` file per hashed name, and the `.json.gz` of licences, the
/// OpenAPI document, the texts and the demo's catalogue.
#[derive(Embed)]
#[folder = "$OUT_DIR/dashboard"]
struct Built;

/// The pages' bodies and the shell around them.
#[derive(Embed)]
#[folder = "assets/pages"]
struct Pages;

/// The text of a page's file; empty if there is none, which a test rules out.
pub(super) fn page(name: &str) -> String {
    let file = Pages::get(&format!("{name}.html"));
    file.map_or_else(String::new, |file| String::from_utf8_lossy(&file.data).into_owned())
}

/// What a page asks for by its plain name.
#[derive(Deserialize)]
pub(super) struct Entry {
    /// The file's hashed name.
    pub file: String,
    /// Hashed names of the files that it imports, to be fetched at the same time.
    pub imports: Vec<String>,
}

/// The entries by their plain names.
#[derive(Default, Deserialize)]
pub(super) struct Manifest(BTreeMap<String, Entry>);

impl Manifest {
    pub(super) fn read() -> Self {
        let file = Built::get("manifest.json");
        file.and_then(|file| serde_json::from_slice(&file.data).ok()).unwrap_or_default()
    }

    pub(super) fn entry(&self, name: &str) -> Option<&Entry> {
        self.0.get(name)
    }

    /// The hashed name of a plain one; empty if there is none.
    pub(super) fn file(&self, name: &str) -> &str {
        self.entry(name).map_or("", |entry| &entry.file)
    }
}

/// One file, in the only form in which it is kept.
pub struct Asset {
    /// For `Content-Type`.
    pub content_type: &'static str,
    /// Its bytes, compressed.
    pub gzip: Cow<'static, [u8]>,
}

impl Asset {
    fn read(path: &str) -> Option<Self> {
        let content_type = match path.rsplit('.').nth(1) {
            Some("js") => "text/javascript; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            _ => "application/json",
        };
        Built::get(path).map(|file| Self { content_type, gzip: file.data })
    }

    /// A reader of its bytes as they were before compression, for the few who take no gzip.
    pub fn unpacked(self) -> impl Read + Send + 'static {
        GzDecoder::new(Cursor::new(self.gzip))
    }
}

/// The file of a hashed name.
pub fn file(name: &str) -> Option<Asset> {
    // Debug builds look on disk.
    if name.contains(['/', '\\']) {
        return None;
    }
    Asset::read(&format!("web/{name}.gz"))
}

/// The OpenAPI document, unpacked with the first question for it and kept: it costs no more to ask again and again.
pub fn openapi() -> &'static [u8] {
    static DOCUMENT: LazyLock<Vec<u8>> = LazyLock::new(|| unpacked("openapi.json.gz"));
    &DOCUMENT
}

/// The texts of the pages: a JSON object by language and key.
pub(super) fn texts() -> Vec<u8> {
    unpacked("texts.json.gz")
}

/// What the demo's sample analyses are about, as JSON.
pub fn catalogue() -> Vec<u8> {
    unpacked("catalogue.json.gz")
}

fn unpacked(path: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let read = Asset::read(path).map(|asset| asset.unpacked().read_to_end(&mut bytes));
    // It is in the program; tests see that it is whole.
    debug_assert!(matches!(read, Some(Ok(_))), "{path}");
    bytes
}

/// Whose work is in the binary, as `assets/licences.mjs` found it: `components` with their licences, and the `texts`
/// that they refer to by number.
pub fn licences() -> Option<Asset> {
    Asset::read("licences.json.gz")
}
