//! A checker for the part of JSON Schema (2020-12) that `docs/scan.schema.json` uses: type, enum, const, pattern-free
//! strings, minimum, properties, required, additionalProperties, items and local `$ref`. An unknown keyword is an error,
//! so that the schema cannot promise what nobody checks.

use serde_json::Value;

/// What of `value` breaks `schema`, with the path to it; empty when it conforms.
pub fn violations(schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    check(schema, schema, value, "$", &mut found);
    found
}

fn check(root: &Value, schema: &Value, value: &Value, path: &str, found: &mut Vec<String>) {
    let Some(keywords) = schema.as_object() else {
        return found.push(format!("{path}: {schema} is not a schema"));
    };
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
                // Speaks of numbers alone: null may stand beside them.
                if value.is_number() && value.as_f64() < rule.as_f64() {
                    found.push(format!("{path}: {value} is less than {rule}"));
                }
            }
            "additionalProperties" => {
                if !rule.is_boolean() || !keywords.contains_key("properties") {
                    found.push(format!(
                        "{path}: additionalProperties is checked as true or false beside properties only"
                    ));
                }
            }
            "$schema" | "$id" | "$defs" | "title" | "description" => {}
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn schema() -> Value {
        json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "a pump",
            "type": "object",
            "required": ["name", "alarms"],
            "additionalProperties": false,
            "properties": {
                "name": { "type": "string" },
                "version": { "const": 1 },
                "rate": { "type": ["number", "null"], "minimum": 0 },
                "alarms": { "type": "array", "items": { "$ref": "#/$defs/alarm" } }
            },
            "$defs": { "alarm": { "enum": ["air", "occlusion"] } }
        })
    }

    #[test]
    fn what_conforms_has_no_violations() {
        let pump = json!({ "name": "P1", "version": 1, "rate": 2.5, "alarms": ["air", "occlusion"] });
        assert_eq!(violations(&schema(), &pump), [] as [String; 0]);
        let idle = json!({ "name": "P1", "rate": null, "alarms": [] });
        assert_eq!(violations(&schema(), &idle), [] as [String; 0], "null is no number below the minimum");
    }

    #[test]
    fn every_keyword_finds_what_breaks_it() {
        for (broken, told) in [
            (json!([]), "$: [] is not \"object\""),
            (json!({ "alarms": [] }), "$: name is missing"),
            (json!({ "name": 7, "alarms": [] }), "$.name: 7 is not \"string\""),
            (json!({ "name": "P1", "alarms": [], "colour": "red" }), "$: colour is not in the schema"),
            (json!({ "name": "P1", "alarms": [], "version": 2 }), "$.version: 2 is not 1"),
            (json!({ "name": "P1", "alarms": [], "rate": -1 }), "$.rate: -1 is less than 0"),
            (
                json!({ "name": "P1", "alarms": [], "rate": "1" }),
                "$.rate: \"1\" is not [\"number\",\"null\"]",
            ),
            (
                json!({ "name": "P1", "alarms": ["air", "fire"] }),
                "$.alarms[1]: \"fire\" is not one of [\"air\",\"occlusion\"]",
            ),
        ] {
            assert_eq!(violations(&schema(), &broken), [told], "{broken}");
        }
    }

    #[test]
    fn a_schema_cannot_promise_what_is_not_checked() {
        for (schema, told) in [
            (json!({ "pattern": "^d-" }), "$: the checker does not know the keyword pattern"),
            (json!({ "$ref": "#/$defs/nowhere" }), "$: \"#/$defs/nowhere\" leads nowhere"),
            (json!(true), "$: true is not a schema"),
            (
                json!({ "additionalProperties": false }),
                "$: additionalProperties is checked as true or false beside properties only",
            ),
            (json!({ "type": "text" }), "$: \"x\" is not \"text\""),
        ] {
            assert_eq!(violations(&schema, &json!("x")), [told], "{schema}");
        }
    }

    #[test]
    fn types_tell_their_values_apart() {
        let samples = [
            ("object", json!({})),
            ("array", json!([])),
            ("string", json!("")),
            ("boolean", json!(false)),
            ("null", json!(null)),
            ("number", json!(0.5)),
        ];
        for (name, sample) in &samples {
            let accepted: Vec<&str> = samples
                .iter()
                .filter(|(other, _)| violations(&json!({ "type": other }), sample).is_empty())
                .map(|(other, _)| *other)
                .collect();
            assert_eq!(accepted, [*name]);
        }
        assert!(violations(&json!({ "type": "integer" }), &json!(3)).is_empty());
        assert!(!violations(&json!({ "type": "integer" }), &json!(0.5)).is_empty());
    }
}
