//! The OpenAPI document against the routes, its own examples, and the service.

use crate::common;
use crate::common::{ADMIN, service};
use serde_json::Value;
use std::collections::BTreeSet;

const METHODS: [&str; 8] = ["get", "head", "post", "put", "patch", "delete", "options", "trace"];

fn document() -> Value {
    serde_json::from_str(include_str!("../../assets/openapi.json")).unwrap()
}

#[test]
fn it_is_served_as_it_is_written_with_and_without_compression() {
    let (_place, service, _token) = service();
    let plain = service.get("/api/v1/openapi.json").send().expect(200);
    assert!(plain.json() == document());
    let packed = service.get("/api/v1/openapi.json").header("Accept-Encoding", "gzip").send().expect(200);
    assert_eq!(packed.headers["content-encoding"], "gzip");
    assert!(packed.body.len() < 40 << 10, "{} bytes", packed.body.len());
}

/// Every operation with its method and path.
fn operations(document: &Value) -> Vec<(String, String, &Value)> {
    let mut found = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            if METHODS.contains(&method.as_str()) {
                found.push((method.to_uppercase(), path.clone(), operation));
            }
        }
    }
    found
}

/// What a reference refers to, or the value itself.
fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str() {
        Some(reference) => resolved(document, document.pointer(reference.trim_start_matches('#')).unwrap()),
        None => value,
    }
}

/// Calls `visit` with every value of the document and the path to it.
fn walk<'a>(value: &'a Value, path: &str, visit: &mut dyn FnMut(&'a Value, &str)) {
    visit(value, path);
    match value {
        Value::Object(members) => members.iter().for_each(|(name, one)| walk(one, &format!("{path}/{name}"), visit)),
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(index, one)| walk(one, &format!("{path}/{index}"), visit))
        }
        _ => {}
    }
}

#[test]
fn every_route_is_documented_and_the_other_way_round() {
    let document = document();
    let documented: BTreeSet<(String, String)> =
        operations(&document).into_iter().map(|(method, path, _)| (method, path)).collect();
    let routes: BTreeSet<(String, String)> =
        monarc_stats::app::routes().map(|(method, path)| (method.to_owned(), path.to_owned())).collect();
    assert_eq!(documented, routes);
}

#[test]
fn every_reference_leads_somewhere_and_every_name_is_unique() {
    let document = document();
    let mut references = 0;
    walk(&document, "", &mut |value, path| {
        if let Some(reference) = value["$ref"].as_str() {
            references += 1;
            let target = reference.strip_prefix('#').unwrap_or_else(|| panic!("{path}: {reference}"));
            assert!(document.pointer(target).is_some(), "{path}: {reference}");
        }
    });
    assert!(references > 50);
    let names: Vec<&str> =
        operations(&document).iter().map(|(_, _, operation)| operation["operationId"].as_str().unwrap()).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
}

#[test]
fn every_path_parameter_is_described() {
    let document = document();
    for (method, path, operation) in operations(&document) {
        let shared = document["paths"][&path]["parameters"].as_array().cloned().unwrap_or_default();
        let own = operation["parameters"].as_array().cloned().unwrap_or_default();
        let described: BTreeSet<String> = shared
            .iter()
            .chain(&own)
            .map(|parameter| resolved(&document, parameter))
            .filter(|parameter| parameter["in"] == "path")
            .map(|parameter| parameter["name"].as_str().unwrap().to_owned())
            .collect();
        let named: BTreeSet<String> =
            path.split('{').skip(1).filter_map(|part| part.split_once('}')).map(|(name, _)| name.to_owned()).collect();
        assert_eq!(described, named, "{method} {path}");
    }
}

/// What speaks against a value being what a schema says; enough of JSON Schema for this document.
fn flaw(document: &Value, schema: &Value, value: &Value) -> Option<String> {
    let schema = resolved(document, schema);
    let judged = |one: &Value| flaw(document, one, value);
    if let Some(choices) = schema["oneOf"].as_array().or(schema["anyOf"].as_array()) {
        let flaws: Vec<String> = choices.iter().filter_map(judged).collect();
        if flaws.len() == choices.len() {
            return Some(format!("none of the choices: {}", flaws.join("; ")));
        }
    }
    if let Some(found) = schema["allOf"].as_array().and_then(|all| all.iter().find_map(judged)) {
        return Some(found);
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::String(kind) => vec![kind],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let is = |kind: &&str| match *kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("{other} is no type"),
    };
    if !kinds.is_empty() && !kinds.iter().any(is) {
        return Some(format!("{value} is no {}", kinds.join(" or ")));
    }
    if schema["enum"].as_array().is_some_and(|values| !values.contains(value)) {
        return Some(format!("{value} is not one of {}", schema["enum"]));
    }
    if !schema["const"].is_null() && schema["const"] != *value {
        return Some(format!("{value} is not {}", schema["const"]));
    }
    if let Value::Object(members) = value {
        let missing = schema["required"]
            .as_array()
            .into_iter()
            .flatten()
            .find(|name| name.as_str().is_some_and(|name| !members.contains_key(name)));
        if let Some(name) = missing {
            return Some(format!("{name} is missing"));
        }
        return members.iter().find_map(|(name, one)| {
            // The only pattern in the document is that of a whole number.
            let pattern = schema["patternProperties"].as_object().and_then(|patterns| patterns.values().next());
            let known = match pattern.filter(|_| name.parse::<i64>().is_ok()) {
                Some(schema) => schema,
                None => &schema["properties"][name],
            };
            let schema = if known.is_null() { &schema["additionalProperties"] } else { known };
            match schema {
                Value::Bool(false) => Some(format!("{name} is not allowed")),
                Value::Object(_) => flaw(document, schema, one).map(|reason| format!("{name}: {reason}")),
                _ => None,
            }
        });
    }
    let items = value.as_array().filter(|_| schema["items"].is_object())?;
    items
        .iter()
        .enumerate()
        .find_map(|(index, one)| flaw(document, &schema["items"], one).map(|reason| format!("{index}: {reason}")))
}

/// The examples of a media type.
fn examples<'a>(document: &'a Value, media: &'a Value) -> Vec<&'a Value> {
    let several = media["examples"].as_object().into_iter().flatten();
    let several = several.map(|(_, example)| &resolved(document, example)["value"]);
    media.get("example").into_iter().chain(several).collect()
}

#[test]
fn every_example_is_what_its_schema_says() {
    let document = document();
    let mut seen = 0;
    walk(&document, "", &mut |value, path| {
        let Some(schema) = value.get("schema") else { return };
        for example in examples(&document, value) {
            seen += 1;
            if let Some(reason) = flaw(&document, schema, example) {
                panic!("{path}: {reason}");
            }
        }
    });
    assert!(seen > 40, "only {seen} examples");
}

#[test]
fn every_json_body_has_an_example() {
    let document = document();
    for (method, path, operation) in operations(&document) {
        let responses = operation["responses"].as_object().unwrap().values();
        let bodies = responses.map(|response| resolved(&document, response)).chain(operation.get("requestBody"));
        for body in bodies {
            let media = &body["content"]["application/json"];
            assert!(media.is_null() || !examples(&document, media).is_empty(), "{method} {path}: {body}");
        }
    }
}

#[test]
fn the_examples_of_requests_are_accepted() {
    let document = document();
    let (place, service, token) = service();
    place.client("managed");
    let clients: Value = serde_json::from_str(&place.ok(&["client", "list", "--json"])).unwrap();
    let managed = clients.as_array().unwrap().iter().find(|client| client["name"] == "managed").unwrap();
    let uuid = managed["uuid"].as_str().unwrap();
    let mut sent = 0;
    for (method, path, operation) in operations(&document) {
        let media = &operation["requestBody"]["content"]["application/json"];
        for example in examples(&document, media) {
            sent += 1;
            let token = if path == "/api/v1/client/" || path.contains("/clients/") { ADMIN } else { &token };
            let path = path.replace("{uuid}", uuid);
            let reply = service.request(&method, &path).token(token).json(example).send();
            assert!(reply.status < 300, "{method} {path}: {} {}", reply.status, reply.text());
            let expected = &operation["responses"][reply.status.to_string()];
            let schema = &resolved(&document, expected)["content"]["application/json"]["schema"];
            assert_eq!(flaw(&document, schema, &reply.json()), None, "{method} {path}");
        }
    }
    assert!(sent >= 3);
}

#[test]
fn the_examples_of_errors_are_documented_for_who_may_not_call() {
    let document = document();
    for (method, path, operation) in operations(&document) {
        let is_open = operation["security"].as_array().is_some_and(Vec::is_empty);
        for status in ["401", "403", "429"] {
            assert_eq!(operation["responses"].get(status).is_some(), !is_open, "{method} {path} {status}");
        }
    }
}

#[test]
fn answers_of_the_public_pages_are_what_the_document_says() {
    let document = document();
    let (_place, service, token) = service();
    service.post("/api/v1/stats/").token(&token).text(common::batch::FRONT_OFFICE).send().expect(201);
    let mut seen = 0;
    for (method, path, operation) in operations(&document) {
        let media = &resolved(&document, &operation["responses"]["200"])["content"]["application/json"];
        if method != "GET" || media.is_null() || path.contains('{') {
            continue;
        }
        let query = match path.as_str() {
            "/api/v1/stats/" => "?type=threat&date_from=2026",
            "/api/v1/stats/processed/" => "?type=threat&processor=threat_average_on_date",
            "/stats/compared.json" | "/stats/lines.json" | "/stats/benchmark.json" | "/api/v1/benchmark" => {
                "?type=threat"
            }
            _ => "",
        };
        let reply = service.get(&format!("{path}{query}")).token(&token).send();
        if reply.status == 403 {
            continue;
        }
        seen += 1;
        assert_eq!(flaw(&document, &media["schema"], &reply.expect(200).json()), None, "{path}");
    }
    assert!(seen >= 12, "{seen}");
}

/// Everything the service says of its processors and types is in the document.
#[test]
fn names_are_those_of_the_program() {
    let document = document();
    let names = |name: &str| document["components"]["schemas"][name]["enum"].clone();
    let processors: Vec<&str> = monarc_stats::averages::ALL.iter().map(|processor| processor.name).collect();
    let listed: BTreeSet<&str> = processors.iter().copied().collect();
    let documented = names("Processor");
    let documented: BTreeSet<&str> = documented.as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert_eq!(documented, listed);
    let types = monarc_stats::model::StatType::ALL.map(|kind| kind.name().to_owned());
    let documented: BTreeSet<String> =
        names("StatType").as_array().unwrap().iter().filter_map(Value::as_str).map(str::to_owned).collect();
    assert_eq!(documented, types.into_iter().collect());
}
