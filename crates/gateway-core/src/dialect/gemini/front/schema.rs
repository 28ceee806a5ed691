//! Google's schemas are OpenAPI's, with its own names of types: here they become JSON Schema.

use serde_json::{Map, Value};

use super::camel;

/// The JSON Schema that means the same.
pub(super) fn json_schema(schema: Value) -> Value {
    let Value::Object(members) = schema else {
        return schema;
    };
    let mut out = Map::new();
    let mut nullable = false;
    for (key, value) in members {
        match (camel(&key).as_ref(), value) {
            ("type", Value::String(name)) => {
                if name != "TYPE_UNSPECIFIED" {
                    out.insert(key, name.to_ascii_lowercase().into());
                }
            }
            ("nullable", value) => nullable = value == Value::Bool(true),
            // An order for the answer's members.
            ("propertyOrdering", _) => {}
            ("properties" | "$defs" | "defs", Value::Object(named)) => {
                let named: Map<_, _> = named
                    .into_iter()
                    .map(|(name, schema)| (name, json_schema(schema)))
                    .collect();
                out.insert(camel(&key).into_owned(), named.into());
            }
            (name @ ("items" | "additionalProperties"), value) => {
                out.insert(name.to_owned(), json_schema(value));
            }
            (name @ ("anyOf" | "oneOf" | "prefixItems"), Value::Array(schemas)) => {
                let schemas: Vec<_> = schemas.into_iter().map(json_schema).collect();
                out.insert(name.to_owned(), schemas.into());
            }
            ("example", value) => {
                out.insert("examples".to_owned(), vec![value].into());
            }
            // Counts are 64 bits wide, which protobuf writes as texts.
            (name, Value::String(digits)) if name.starts_with("min") || name.starts_with("max") => {
                let number = serde_json::from_str(&digits).unwrap_or(Value::String(digits));
                out.insert(name.to_owned(), number);
            }
            (name, value) => {
                out.insert(name.to_owned(), value);
            }
        }
    }
    if nullable {
        allow_null(&mut out);
    }
    Value::Object(out)
}

fn allow_null(schema: &mut Map<String, Value>) {
    if let Some(name) = schema.get("type").filter(|it| it.is_string()).cloned() {
        schema.insert("type".to_owned(), vec![name, "null".into()].into());
    }
    if let Some(Value::Array(values)) = schema.get_mut("enum") {
        values.push(Value::Null);
    }
    if let Some(Value::Array(schemas)) = schema.get_mut("anyOf") {
        schemas.push(serde_json::json!({"type": "null"}));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::json_schema;

    #[test]
    fn a_schema_of_googles_becomes_json_schema() {
        let schema = json!({
            "type": "OBJECT",
            "properties": {
                "type": {"type": "STRING", "nullable": true, "enum": ["a", "b"]},
                "list": {"type": "ARRAY", "items": {"type": "INTEGER"}, "minItems": "1"},
                "either": {"any_of": [{"type": "NUMBER"}, {"type": "BOOLEAN"}], "nullable": true},
            },
            "propertyOrdering": ["type", "list"],
            "required": ["type"],
        });
        assert_eq!(
            json_schema(schema),
            json!({
                "type": "object",
                "properties": {
                    "type": {"type": ["string", "null"], "enum": ["a", "b", null]},
                    "list": {"type": "array", "items": {"type": "integer"}, "minItems": 1},
                    "either": {"anyOf": [{"type": "number"}, {"type": "boolean"}, {"type": "null"}]},
                },
                "required": ["type"],
            })
        );
    }
}
