//! The API's description, OpenAPI 3.1, made from the endpoints.

use super::Problem;
use super::endpoint::{Endpoint, JSON};
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// Where it is served.
pub(crate) const PATH: &str = "/api/v1/openapi.json";

/// The description as it is checked in.
pub fn document() -> Value {
    describe(&super::endpoints())
}

/// The same as text, as it is checked in and served.
pub fn text() -> String {
    serde_json::to_string_pretty(&document()).map(|text| text + "\n").unwrap_or_default()
}

/// What there is.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    let summary = "This document.";
    vec![Endpoint::get::<Value>(PATH, "showApi", "api", summary, get(show))]
}

async fn show() -> impl IntoResponse {
    static TEXT: OnceLock<String> = OnceLock::new();
    ([(CONTENT_TYPE, JSON)], TEXT.get_or_init(text).as_str())
}

fn describe(endpoints: &[Endpoint]) -> Value {
    let mut settings = SchemaSettings::draft2020_12();
    settings.definitions_path = "/components/schemas".into();
    let mut generator = SchemaGenerator::new(settings);
    let mut paths = Map::new();
    for endpoint in endpoints {
        let operation = operation(endpoint, &mut generator);
        let path = paths.entry(endpoint.path).or_insert_with(|| json!({}));
        if let Some(path) = path.as_object_mut() {
            path.insert(endpoint.method.to_owned(), operation);
        }
    }
    let _ = generator.subschema_for::<Problem>();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Ward",
            "version": "1",
            "description": "What Ward knows, and what may be asked of it. Until there is sign-in it answers on loopback only.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "paths": paths,
        "components": { "schemas": generator.take_definitions(true) },
    })
}

fn operation(endpoint: &Endpoint, generator: &mut SchemaGenerator) -> Value {
    let mut operation = Map::new();
    let mut say = |name: &str, what: Value| drop(operation.insert(name.to_owned(), what));
    say("operationId", endpoint.id.into());
    say("tags", json!([endpoint.tag]));
    say("summary", endpoint.summary.into());
    say("parameters", parameters(endpoint, generator).into());
    if let Some(body) = endpoint.body {
        let body = body(generator);
        say("requestBody", json!({ "required": true, "content": { JSON: { "schema": body } } }));
    }
    say("responses", responses(endpoint, generator).into());
    Value::Object(operation)
}

/// What is answered, by status; all that went wrong is told the same way.
fn responses(endpoint: &Endpoint, generator: &mut SchemaGenerator) -> Map<String, Value> {
    let mut media: BTreeMap<u16, Map<String, Value>> = BTreeMap::new();
    for (status, of, shape) in &endpoint.answers {
        let schema = shape.map_or_else(|| json!({ "type": "string" }), |shape| json!(shape(generator)));
        media.entry(*status).or_default().insert((*of).to_owned(), json!({ "schema": schema }));
    }
    let done = |(status, content): (u16, Map<String, Value>)| {
        (status.to_string(), json!({ "description": "done", "content": content }))
    };
    let mut responses: Map<String, Value> = media.into_iter().map(done).collect();
    if endpoint.method == "get" {
        responses.insert("304".to_owned(), json!({ "description": "as the peer has it (If-None-Match)" }));
    }
    let problem = json!({ "$ref": "#/components/schemas/Problem" });
    let otherwise = json!({
        "description": "what is wrong, and the way out",
        "content": { "application/problem+json": { "schema": problem } },
    });
    responses.insert("default".to_owned(), otherwise);
    responses
}

/// The path's parameters, then each property of the query's schema.
fn parameters(endpoint: &Endpoint, generator: &mut SchemaGenerator) -> Vec<Value> {
    let in_path = endpoint.path_parameters.iter().map(|(name, meaning, pattern)| {
        json!({
            "name": name, "in": "path", "required": true, "description": meaning,
            "schema": { "type": "string", "pattern": pattern },
        })
    });
    let mut parameters: Vec<Value> = in_path.collect();
    let Some(query) = endpoint.query else { return parameters };
    let mut own = SchemaGenerator::new(generator.settings().clone());
    let root = query(&mut own);
    let name = root.get("$ref").and_then(Value::as_str).and_then(|path| path.rsplit('/').next());
    let name = name.unwrap_or_default().to_owned();
    let mut definitions = own.take_definitions(true);
    let asked = definitions.remove(&name).unwrap_or_default();
    // What the parameters refer to belongs to the document; the query itself is no schema of its own there.
    generator.definitions_mut().extend(definitions);
    let required = asked.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
    for (name, property) in asked.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let (mut schema, mut description) = (property.clone(), Value::Null);
        if let Some(schema) = schema.as_object_mut() {
            description = schema.remove("description").unwrap_or_default();
            present(schema);
        }
        parameters.push(json!({
            "name": name, "in": "query", "required": required.iter().any(|one| one == name),
            "description": description.as_str().unwrap_or_default(), "schema": schema,
        }));
    }
    parameters
}

/// A parameter may be left out, but it is never null: takes that from its schema.
fn present(schema: &mut Map<String, Value>) {
    if let Some(kinds) = schema.get_mut("type") {
        let named: Option<Vec<Value>> =
            kinds.as_array().map(|kinds| kinds.iter().filter(|kind| *kind != "null").cloned().collect());
        match named.as_deref() {
            Some([one]) => *kinds = one.clone(),
            Some(several) => *kinds = several.into(),
            None => {}
        }
    }
    let choices = schema.get_mut("anyOf").and_then(Value::as_array_mut);
    if let Some(choices) = choices {
        choices.retain(|choice| choice.get("type").is_none_or(|kind| kind != "null"));
        if let [Value::Object(only)] = choices.as_slice() {
            let only = only.clone();
            schema.remove("anyOf");
            schema.extend(only);
        }
    }
    schema
        .remove("default")
        .filter(|default| !default.is_null())
        .map(|default| schema.insert("default".to_owned(), default));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// The names in braces of a path.
    fn braced(path: &str) -> Vec<&str> {
        path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect()
    }

    #[test]
    fn every_endpoint_is_described_once_and_whole() {
        let endpoints = super::super::endpoints();
        let (mut places, mut ids) = (BTreeSet::new(), BTreeSet::new());
        for endpoint in &endpoints {
            let Endpoint { method, path, id, .. } = endpoint;
            assert!(places.insert((method, path)), "{method} {path} is there twice");
            assert!(ids.insert(id), "{id} names two operations");
            assert!(["get", "post", "put", "patch", "delete"].contains(method), "{method} {path}");
            assert!(path.starts_with("/api/v1/") && !path.ends_with('/'), "{path}");
            let named: Vec<&str> = endpoint.path_parameters.iter().map(|(name, ..)| *name).collect();
            assert_eq!(
                braced(path),
                named,
                "{method} {path}: what is in braces is described in Endpoint::at, in order"
            );
            assert!(
                endpoint
                    .path_parameters
                    .iter()
                    .all(|(_, _, pattern)| pattern.starts_with('^') && pattern.ends_with('$'))
            );
            assert!(
                endpoint.summary.ends_with('.') && !endpoint.tag.is_empty(),
                "{method} {path}: one sentence"
            );
            assert!(!endpoint.answers.is_empty(), "{method} {path}: what does it answer?");
        }
    }

    #[test]
    fn every_list_is_there_as_a_file_too() {
        let endpoints = super::super::endpoints();
        let has = |path: String| endpoints.iter().any(|other| other.method == "get" && other.path == path);
        let lists = endpoints
            .iter()
            .filter(|one| one.method == "get" && !one.path.ends_with(".json") && is_list(one));
        let mut seen = 0;
        for list in lists {
            seen += 1;
            for ending in [".csv", ".json"] {
                assert!(has(format!("{}{ending}", list.path)), "{}{ending} is missing", list.path);
            }
        }
        assert!(seen >= 4, "this test sees lists by the name of what they answer");
    }

    /// A list answers a `ListOf…`.
    fn is_list(endpoint: &Endpoint) -> bool {
        endpoint.answers.iter().filter_map(|(_, _, shape)| *shape).any(|shape| {
            let mut generator = SchemaGenerator::new(SchemaSettings::draft2020_12());
            let schema = shape(&mut generator);
            schema.get("$ref").and_then(Value::as_str).is_some_and(|name| name.contains("/ListOf"))
        })
    }

    #[test]
    fn a_route_that_is_added_changes_the_document() {
        let mut endpoints = super::super::endpoints();
        assert_eq!(describe(&endpoints), document());
        endpoints.push(Endpoint::get::<u32>(
            "/api/v1/planted",
            "showPlanted",
            "api",
            "Planted.",
            get(|| async { "1" }),
        ));
        let planted = describe(&endpoints);
        assert_ne!(planted, document());
        assert!(planted["paths"]["/api/v1/planted"]["get"].is_object());
    }

    #[test]
    fn a_parameter_may_be_left_out_but_is_never_null() {
        for (path, item) in document()["paths"].as_object().unwrap() {
            for operation in item.as_object().unwrap().values() {
                for parameter in operation["parameters"].as_array().unwrap() {
                    assert!(!parameter.to_string().contains("null"), "{path}: {parameter}");
                    assert!(
                        !parameter["description"].as_str().unwrap().is_empty(),
                        "{path}: {parameter}: no description"
                    );
                }
            }
        }
    }

    #[test]
    fn whatever_is_referred_to_is_there() {
        let document = document();
        let text = document.to_string();
        let names = text.split("#/components/schemas/").skip(1).filter_map(|rest| rest.split('"').next());
        let mut seen = 0;
        for name in names {
            seen += 1;
            assert!(document["components"]["schemas"][name].is_object(), "{name}");
        }
        assert!(seen > 10);
    }
}
