//! The API's description, OpenAPI 3.1, made from the endpoints.

use super::Problem;
use super::endpoint::{Endpoint, JSON};
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

/// Where it is served.
pub(crate) const PATH: &str = "/api/v1/openapi.json";

/// The description as it is checked in.
pub fn document() -> Value {
    let mut settings = SchemaSettings::draft2020_12();
    settings.definitions_path = "/components/schemas".into();
    let mut generator = SchemaGenerator::new(settings);
    let mut paths = Map::new();
    for endpoint in super::endpoints() {
        let operation = operation(&endpoint, &mut generator);
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
    let mut operation = json!({
        "operationId": endpoint.id,
        "tags": [endpoint.tag],
        "summary": endpoint.summary,
        "parameters": parameters(endpoint, generator),
    });
    if let Some(body) = endpoint.body {
        operation["requestBody"] =
            json!({ "required": true, "content": { JSON: { "schema": body(generator) } } });
    }
    let mut responses = Map::new();
    for (status, media, shape) in &endpoint.answers {
        let schema = shape.map_or_else(|| json!({ "type": "string" }), |shape| json!(shape(generator)));
        let content = responses.entry(status.to_string());
        let response = content.or_insert_with(|| json!({ "description": "done", "content": {} }));
        response["content"][*media] = json!({ "schema": schema });
    }
    let problem = json!({ "$ref": "#/components/schemas/Problem" });
    let otherwise = json!({
        "description": "what is wrong, and the way out",
        "content": { "application/problem+json": { "schema": problem } },
    });
    responses.insert("default".to_owned(), otherwise);
    operation["responses"] = Value::Object(responses);
    operation
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
    let _ = query(&mut own);
    for (_, schema) in own.take_definitions(true) {
        let Some(properties) = schema.get("properties").and_then(Value::as_object) else { continue };
        for (name, property) in properties {
            let description = property.get("description").cloned().unwrap_or_default();
            parameters.push(json!({
                "name": name, "in": "query", "required": false, "description": description, "schema": property,
            }));
        }
    }
    parameters
}
