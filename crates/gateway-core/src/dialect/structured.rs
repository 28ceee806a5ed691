//! JSON Schema as providers take it: for structured outputs, in which Bedrock is like Anthropic, and for tools.
//!
//! <https://docs.anthropic.com/en/docs/build-with-claude/structured-outputs>,
//! <https://docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html>.

mod tree;

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::chat::Json;
pub(super) use tree::Tree;
use tree::{member, set};

/// A schema of arguments, which says that they are an object, as providers demand it.
pub(super) fn object_schema(schema: Option<&Json>) -> Cow<'_, Json> {
    #[derive(Deserialize)]
    struct Head {
        r#type: Option<IgnoredAny>,
    }

    let Some(schema) = schema else {
        return Cow::Owned(any_object());
    };
    let head: Option<Head> = crate::json::object(schema.text());
    if head.is_some_and(|it| it.r#type.is_some()) {
        return Cow::Borrowed(schema);
    }
    match Tree::read(schema) {
        Some(Tree::Object(mut members)) => {
            set(&mut members, "type", Tree::text("object"));
            Cow::Owned(Tree::Object(members).json())
        }
        _ => Cow::Owned(any_object()),
    }
}

fn any_object() -> Json {
    Json::parse(r#"{"type":"object","properties":{}}"#).expect("it is JSON")
}

/// The schema with what it refers to (`$ref`) in the places where that is referred to. What contains itself is any value
/// the second time.
pub(super) fn inlined(schema: &Tree) -> Tree {
    inline(schema, schema, &mut Vec::new())
}

fn inline(tree: &Tree, root: &Tree, within: &mut Vec<String>) -> Tree {
    let members = match tree {
        Tree::Object(members) => members,
        Tree::Array(items) => {
            return Tree::Array(items.iter().map(|it| inline(it, root, within)).collect());
        }
        leaf @ Tree::Leaf(_) => return leaf.clone(),
    };
    let Some(pointer) = tree.get("$ref").and_then(Tree::as_text) else {
        let kept = members
            .iter()
            .filter(|(key, _)| !DEFINITIONS.contains(&key.as_str()));
        let kept = kept.map(|(key, value)| (key.clone(), inline(value, root, within)));
        return Tree::Object(kept.collect());
    };
    let target = pointer.strip_prefix('#').and_then(|it| root.at(it));
    let known = within.len() < MOST_REFERENCES && !within.contains(&pointer);
    let Some(target) = target.filter(|_| known) else {
        return Tree::Object(Vec::new());
    };
    within.push(pointer);
    let mut target = inline(target, root, within);
    within.pop();
    if let Tree::Object(target) = &mut target {
        // What stands beside the reference is said of this place.
        for (key, value) in members.iter().filter(|(key, _)| key != "$ref") {
            set(target, key, value.clone());
        }
    }
    target
}

const DEFINITIONS: [&str; 2] = ["$defs", "definitions"];
/// In one another: what is written out grows with each.
const MOST_REFERENCES: usize = 16;

/// Whether a schema has an object with members that it does not name.
pub(super) fn is_open(schema: &Tree) -> bool {
    match schema {
        Tree::Object(members) => {
            let additional = member(members, "additionalProperties");
            let nameless = is_object(members) && !has_members(members) && !refers(members);
            additional.is_some_and(|it| *it != Tree::truth(false))
                || (nameless && additional.is_none())
                || members.iter().any(|(_, value)| is_open(value))
        }
        Tree::Array(items) => items.iter().any(is_open),
        Tree::Leaf(_) => false,
    }
}

/// The schema without what structured outputs cannot enforce: that is told to the model in the description instead, as
/// Anthropic's SDKs do it.
pub(super) fn supported(schema: Tree) -> Tree {
    let Tree::Object(members) = schema else {
        return schema;
    };
    let mut kept = Vec::new();
    let mut notes = Vec::new();
    for (key, value) in members {
        match (key.as_str(), value) {
            ("minItems", Tree::Leaf(least)) if matches!(least.text(), "0" | "1") => {
                kept.push((key, Tree::Leaf(least)));
            }
            (word, value) if UNSUPPORTED.contains(&word) => {
                if value != Tree::truth(false) {
                    notes.push(format!("{word}: {}", value.json().text()));
                }
            }
            ("properties" | "$defs" | "definitions", Tree::Object(named)) => {
                let named = named.into_iter().map(|(key, it)| (key, supported(it)));
                kept.push((key, Tree::Object(named.collect())));
            }
            ("oneOf" | "anyOf", Tree::Array(kinds)) => {
                let mut kinds: Vec<_> = kinds.into_iter().map(supported).collect();
                let other = kept.iter_mut().find(|(key, _)| key == "anyOf");
                match other {
                    Some((_, Tree::Array(others))) => others.append(&mut kinds),
                    _ => kept.push(("anyOf".to_owned(), Tree::Array(kinds))),
                }
            }
            ("allOf", Tree::Array(all)) => {
                kept.push((key, Tree::Array(all.into_iter().map(supported).collect())));
            }
            ("items", value) => kept.push((key, supported(value))),
            (_, value) => kept.push((key, value)),
        }
    }
    if !notes.is_empty() {
        let said = member(&kept, "description").and_then(Tree::as_text);
        let notes = format!("({})", notes.join(", "));
        let description = said.map_or_else(|| notes.clone(), |said| format!("{said} {notes}"));
        set(&mut kept, "description", Tree::text(&description));
    }
    if is_object(&kept) {
        set(&mut kept, "additionalProperties", Tree::truth(false));
    }
    Tree::Object(kept)
}

fn is_object(members: &[(String, Tree)]) -> bool {
    match member(members, "type") {
        Some(Tree::Array(kinds)) => kinds.contains(&Tree::text("object")),
        Some(kind @ Tree::Leaf(_)) if kind.as_text().is_some() => *kind == Tree::text("object"),
        _ => has_members(members),
    }
}

fn has_members(members: &[(String, Tree)]) -> bool {
    matches!(member(members, "properties"), Some(Tree::Object(_)))
}

fn refers(members: &[(String, Tree)]) -> bool {
    ["$ref", "anyOf", "oneOf", "allOf"]
        .iter()
        .any(|key| member(members, key).is_some())
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

    use super::{Tree, inlined, is_open, object_schema, supported};
    use crate::chat::Json;

    fn tree(value: &serde_json::Value) -> Tree {
        Tree::read(&Json::from(value)).unwrap()
    }

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
        let schema = tree(&schema);
        assert!(!is_open(&schema));
        assert_eq!(
            supported(schema).json().value(),
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
    fn arguments_are_an_object() {
        let of = |text: &str| object_schema(Json::parse(text).as_ref()).value();
        let empty = json!({"type": "object", "properties": {}});
        assert_eq!(object_schema(None).value(), empty);
        assert_eq!(of("{}"), json!({"type": "object"}));
        assert_eq!(of("true"), empty);
        assert_eq!(of(r#"{"type": ["object"]}"#), json!({"type": ["object"]}));
    }

    #[test]
    fn what_is_referred_to_stands_where_it_is_meant() {
        let schema = json!({
            "$defs": {"P": {"type": "object", "properties": {"next": {"$ref": "#/$defs/P"}}}},
            "properties": {"p": {"$ref": "#/$defs/P", "description": "One."}, "q": {"$ref": "x"}},
        });
        let point = json!({
            "type": "object", "properties": {"next": {}}, "description": "One.",
        });
        let written = inlined(&tree(&schema)).json().value();
        assert_eq!(written, json!({"properties": {"p": point, "q": {}}}));
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
            assert_eq!(is_open(&tree(&schema)), open, "{schema}");
        }
    }

    #[test]
    fn members_keep_their_order() {
        let text = r#"{"type":"object","properties":{"why":{"type":"string"},"answer":{"type":"string"}}}"#;
        let read = Tree::read(&Json::parse(text).unwrap()).unwrap();
        let written = supported(inlined(&read)).json();
        let expected = text.replace("}}}", r#"}},"additionalProperties":false}"#);
        assert_eq!(written.text(), expected);
    }

    #[test]
    fn what_is_deeper_than_any_schema_is_not_read() {
        let text = "[".repeat(1000) + &"]".repeat(1000);
        let deep = Json::parse(text);
        assert_eq!(deep.as_ref().and_then(Tree::read), None);
        assert_eq!(object_schema(deep.as_ref()).value()["type"], "object");
    }
}
