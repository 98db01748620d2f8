//! Embedded pages and assets.

use crate::api::message::Response;
use crate::api::{Answer, App, Request};
use crate::model::StatType;
use serde_json::Value;
use std::borrow::Cow;
use std::fmt::Write;

/// The OpenAPI document, as it is served.
pub const OPENAPI: &str = include_str!("../assets/openapi.json");

/// `GET /api/v1/openapi.json` and `/api/v1/swagger.json`
pub fn openapi(_: &App, _: Request<'_>) -> Answer {
    let response = Response::bytes(200, Some("application/json"), Cow::Borrowed(OPENAPI.as_bytes()));
    Ok(response.with("Cache-Control", "no-cache"))
}

/// `GET /`: the public JSON with its counts.
pub fn front(app: &App, request: Request<'_>) -> Answer {
    let prefix = app.prefix(request.head);
    let counts = app.store.counts()?;
    let mut list = String::new();
    for (kind, name) in StatType::ALL.iter().zip(["risks", "threats", "vulnerabilities", "cartography", "compliance"]) {
        let filter = crate::store::stats::Filter { kind: Some(*kind), ..Default::default() };
        let number = app.store.count_stats(&filter)?;
        // Writing to a string cannot fail.
        let _ = write!(list, "<li><a href=\"{prefix}/stats/{name}.json\">/stats/{name}.json</a>: {number} stats</li>");
    }
    let body = format!(
        "<p>{counts}</p><ul>{list}<li><a href=\"{prefix}/map/clients.json\">/map/clients.json</a></li><li><a href=\"{prefix}/about.json\">/about.json</a></li></ul><p><a href=\"{prefix}/api/v1/\">The API</a></p>"
    );
    Ok(page("MONARC Stats Service", &body))
}

/// `GET /api/v1/`: the OpenAPI document as a page.
pub fn api_page(app: &App, request: Request<'_>) -> Answer {
    let prefix = app.prefix(request.head);
    let document: Value = serde_json::from_str(OPENAPI).unwrap_or_default();
    let mut body = format!(
        "<p>Everything below is also <a href=\"{prefix}/api/v1/openapi.json\">an OpenAPI 3.1 document</a>.</p>"
    );
    for (path, methods) in document["paths"].as_object().into_iter().flatten() {
        for (method, operation) in
            methods.as_object().into_iter().flatten().filter(|(_, one)| one["responses"].is_object())
        {
            let statuses: Vec<&str> =
                operation["responses"].as_object().into_iter().flatten().map(|(s, _)| s.as_str()).collect();
            let _ = write!(
                body,
                "<h2><code>{} {path}</code></h2><p>{}</p><p>Answers: {}</p>",
                method.to_uppercase(),
                escape(operation["summary"].as_str().unwrap_or_default()),
                statuses.join(", ")
            );
        }
    }
    Ok(page("The API", &body))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn page(title: &str, body: &str) -> Response {
    let text = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{title}</title></head><body><main><h1>{title}</h1>{body}</main></body></html>"
    );
    Response::bytes(200, Some("text/html; charset=utf-8"), Cow::Owned(text.into_bytes()))
        .with(
            "Content-Security-Policy",
            "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
        )
        .with("Referrer-Policy", "no-referrer")
        .with("Cache-Control", "no-cache")
}
