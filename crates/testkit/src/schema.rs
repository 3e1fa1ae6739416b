//! A checker for the part of JSON Schema (2020-12) that `docs/scan.schema.json` uses: type, enum, const, pattern-free
//! strings, properties, required, additionalProperties, items and local `$ref`. An unknown keyword is an error, so that
//! the schema cannot promise what nobody checks.

use serde_json::Value;

/// What of `value` breaks `schema`, with the path to it; empty when it conforms.
pub fn violations(schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    check(schema, schema, value, "$", &mut found);
    found
}

fn check(root: &Value, schema: &Value, value: &Value, path: &str, found: &mut Vec<String>) {
    let Some(keywords) = schema.as_object() else { return };
    for (keyword, rule) in keywords {
        match keyword.as_str() {
            "$ref" => {
                let pointer = rule.as_str().and_then(|r| r.strip_prefix('#')).unwrap_or_default();
                match root.pointer(pointer) {
                    Some(target) => check(root, target, value, path, found),
                    None => found.push(format!("{path}: {rule} leads nowhere")),
                }
            }
            "type" => {
                if !types(rule).any(|name| is_type(value, name)) {
                    found.push(format!("{path}: {value} is not {rule}"));
                }
            }
            "enum" => {
                if !rule.as_array().is_some_and(|allowed| allowed.contains(value)) {
                    found.push(format!("{path}: {value} is not one of {rule}"));
                }
            }
            "const" => {
                if rule != value {
                    found.push(format!("{path}: {value} is not {rule}"));
                }
            }
            "required" => {
                let names = rule.as_array().into_iter().flatten().filter_map(Value::as_str);
                for name in names.filter(|name| value.is_object() && value.get(name).is_none()) {
                    found.push(format!("{path}: {name} is missing"));
                }
            }
            "properties" => {
                for (name, value) in value.as_object().into_iter().flatten() {
                    match rule.get(name) {
                        Some(rule) => check(root, rule, value, &format!("{path}.{name}"), found),
                        None if keywords.get("additionalProperties") == Some(&Value::Bool(false)) => {
                            found.push(format!("{path}: {name} is not in the schema"));
                        }
                        None => {}
                    }
                }
            }
            "items" => {
                for (i, item) in value.as_array().into_iter().flatten().enumerate() {
                    check(root, rule, item, &format!("{path}[{i}]"), found);
                }
            }
            "minimum" => {
                if value.as_f64() < rule.as_f64() {
                    found.push(format!("{path}: {value} is less than {rule}"));
                }
            }
            "additionalProperties" | "$schema" | "$id" | "$defs" | "title" | "description" => {}
            other => found.push(format!("{path}: the checker does not know the keyword {other}")),
        }
    }
}

fn types(rule: &Value) -> impl Iterator<Item = &str> {
    let many = rule.as_array().into_iter().flatten().filter_map(Value::as_str);
    rule.as_str().into_iter().chain(many)
}

fn is_type(value: &Value, name: &str) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        _ => false,
    }
}
