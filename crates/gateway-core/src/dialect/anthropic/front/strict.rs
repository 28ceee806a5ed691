//! Anthropic's strictness and OpenAI's are not the same.

use serde_json::{Value, json};

use crate::chat::Json;

/// Whether a schema that must be kept exactly can be promised to be kept by every provider that knows strictness:
/// OpenAI's wants each member of each object named and required, Anthropic's knows optional ones.
pub(super) fn is_strict_everywhere(schema: &Json) -> bool {
    names_all(&schema.value())
}

fn names_all(schema: &Value) -> bool {
    match schema {
        Value::Object(members) => {
            let properties = members.get("properties").and_then(Value::as_object);
            let required = members.get("required").and_then(Value::as_array);
            let is_required =
                |key: &String| required.is_some_and(|it| it.iter().any(|it| it == key));
            let is_object = properties.is_some() || members.get("type") == Some(&json!("object"));
            let complete = !is_object
                || (members.get("additionalProperties") == Some(&Value::Bool(false))
                    && properties.is_none_or(|it| it.keys().all(is_required)));
            complete && members.values().all(names_all)
        }
        Value::Array(items) => items.iter().all(names_all),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::is_strict_everywhere;
    use crate::chat::Json;

    #[test]
    fn an_optional_member_is_anthropics_alone() {
        for (schema, strict) in [
            (r#"{"type":"string"}"#, true),
            (r#"{"type":"object"}"#, false),
            (
                r#"{"properties":{"a":{}},"required":["a"],"additionalProperties":false}"#,
                true,
            ),
            (
                r#"{"properties":{"a":{}},"required":[],"additionalProperties":false}"#,
                false,
            ),
            (r#"{"properties":{"a":{}},"required":["a"]}"#, false),
            (r#"{"items":[{"properties":{"a":{}}}]}"#, false),
        ] {
            let schema = Json::parse(schema).unwrap();
            assert_eq!(is_strict_everywhere(&schema), strict, "{schema:?}");
        }
    }
}
