//! JSON Schema as Anthropic's structured outputs take it:
//! <https://docs.anthropic.com/en/docs/build-with-claude/structured-outputs>.

use serde_json::{Map, Value, json};

/// Whether a schema has an object with members that it does not name.
pub(super) fn is_open(schema: &Value) -> bool {
    match schema {
        Value::Object(members) => {
            let additional = members.get("additionalProperties");
            let nameless = is_object(members) && !has_members(members) && !refers(members);
            additional.is_some_and(|it| *it != Value::Bool(false))
                || (nameless && additional.is_none())
                || members.values().any(is_open)
        }
        Value::Array(items) => items.iter().any(is_open),
        _ => false,
    }
}

/// The schema without what structured outputs cannot enforce: that is told to the model in the description instead, as
/// Anthropic's SDKs do it.
pub(super) fn supported(schema: Value) -> Value {
    let Value::Object(members) = schema else {
        return schema;
    };
    let mut kept = Map::new();
    let mut notes = Vec::new();
    for (key, value) in members {
        match (key.as_str(), value) {
            ("minItems", value) if value == json!(0) || value == json!(1) => {
                kept.insert(key, value);
            }
            (word, value) if UNSUPPORTED.contains(&word) => {
                if value != Value::Bool(false) {
                    notes.push(format!("{word}: {value}"));
                }
            }
            ("properties" | "$defs" | "definitions", Value::Object(named)) => {
                let named = named.into_iter().map(|(key, it)| (key, supported(it)));
                kept.insert(key, Value::Object(named.collect()));
            }
            ("oneOf" | "anyOf", Value::Array(kinds)) => {
                let kinds = kinds.into_iter().map(supported);
                match kept.get_mut("anyOf").and_then(Value::as_array_mut) {
                    Some(others) => others.extend(kinds),
                    None => {
                        kept.insert("anyOf".to_owned(), kinds.collect());
                    }
                }
            }
            ("allOf", Value::Array(all)) => {
                kept.insert(key, all.into_iter().map(supported).collect());
            }
            ("items", value) => {
                kept.insert(key, supported(value));
            }
            (_, value) => {
                kept.insert(key, value);
            }
        }
    }
    if !notes.is_empty() {
        let said = kept.get("description").and_then(Value::as_str);
        let notes = format!("({})", notes.join(", "));
        let description = said.map_or_else(|| notes.clone(), |said| format!("{said} {notes}"));
        kept.insert("description".to_owned(), json!(description));
    }
    if is_object(&kept) {
        kept.insert("additionalProperties".to_owned(), json!(false));
    }
    Value::Object(kept)
}

fn is_object(members: &Map<String, Value>) -> bool {
    match members.get("type") {
        Some(Value::String(kind)) => kind == "object",
        Some(Value::Array(kinds)) => kinds.contains(&json!("object")),
        _ => has_members(members),
    }
}

fn has_members(members: &Map<String, Value>) -> bool {
    members.get("properties").is_some_and(Value::is_object)
}

fn refers(members: &Map<String, Value>) -> bool {
    ["$ref", "anyOf", "oneOf", "allOf"]
        .iter()
        .any(|key| members.contains_key(*key))
}

const UNSUPPORTED: &[&str] = &[
    "minItems",
    "maxItems",
    "uniqueItems",
    "contains",
    "minContains",
    "maxContains",
    "prefixItems",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "minProperties",
    "maxProperties",
    "patternProperties",
    "propertyNames",
    "dependentRequired",
    "dependentSchemas",
    "unevaluatedProperties",
    "if",
    "then",
    "else",
    "not",
];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{is_open, supported};

    #[test]
    fn what_cannot_be_enforced_is_told_in_words() {
        let schema = json!({
            "type": "object",
            "properties": {
                "age": {"type": "integer", "minimum": 0, "description": "In years."},
                "tags": {"type": "array", "items": {"type": "string", "maxLength": 3}, "minItems": 1},
                "kind": {"oneOf": [{"type": "string"}, {"type": "object", "properties": {}}]},
            },
            "required": ["age"],
        });
        assert!(!is_open(&schema));
        assert_eq!(
            supported(schema),
            json!({
                "type": "object",
                "properties": {
                    "age": {"type": "integer", "description": "In years. (minimum: 0)"},
                    "tags": {
                        "type": "array",
                        "items": {"type": "string", "description": "(maxLength: 3)"},
                        "minItems": 1,
                    },
                    "kind": {"anyOf": [
                        {"type": "string"},
                        {"type": "object", "properties": {}, "additionalProperties": false},
                    ]},
                },
                "required": ["age"],
                "additionalProperties": false,
            })
        );
    }

    #[test]
    fn an_object_without_names_for_its_members_is_open() {
        for (schema, open) in [
            (json!({"type": "object"}), true),
            (
                json!({"type": "object", "additionalProperties": {"type": "string"}}),
                true,
            ),
            (json!({"type": "array", "items": {"type": "object"}}), true),
            (json!({"type": "object", "properties": {}}), false),
            (
                json!({"type": "object", "properties": {}, "additionalProperties": false}),
                false,
            ),
            (json!({"type": "string"}), false),
        ] {
            assert_eq!(is_open(&schema), open, "{schema}");
        }
    }
}
