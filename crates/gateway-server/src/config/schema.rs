//! The tables of [`keys`](super::keys) as a JSON Schema, for editors and for other programs that write configurations.
//!
//! It says what the loader says: the same kinds, bounds and choices, `os.environ/NAME` wherever the loader looks for it,
//! numbers in quotes, nothing for "not given". Where a value can be judged only with its text in hand (the range of a
//! number in quotes, the rest of a URL), the schema is the more generous of the two.

use super::keys::{CREDENTIAL, DEPLOYMENT, MODEL_INFO, PARAMS, Row, Section, Status, TOP};
use super::kind::{Kind, MAX_SECONDS};
use super::references;
use super::tree::Node;
use serde_json::{Map, Value, json};

/// The JSON Schema (draft 2020-12) of a whole configuration.
pub fn schema() -> Value {
    let mut definitions = Map::new();
    for section in sections() {
        definitions.insert(slug(section), mapping(section));
    }
    let mut document = mapping(&TOP);
    document["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    document["$id"] = json!(concat!(
        env!("CARGO_PKG_REPOSITORY"),
        "/raw/main/config/schema.json"
    ));
    document["title"] = json!("Configuration of gateway-server");
    document["description"] = json!(
        "A LiteLLM config.yaml, with a section `gateway` of our own. Keys that are marked as deprecated are LiteLLM's and are not acted on here."
    );
    document["$defs"] = Value::Object(definitions);
    document
}

/// All sections below the document, each once.
fn sections() -> Vec<&'static Section> {
    let mut found: Vec<&'static Section> = vec![&TOP];
    let mut next = 0;
    while let Some(section) = found.get(next).copied() {
        next += 1;
        for row in section.keys {
            if let Kind::Section(inner) | Kind::Sections(inner) | Kind::Named(inner) = row.kind
                && !found.iter().any(|known| std::ptr::eq(*known, inner))
            {
                found.push(inner);
            }
        }
    }
    found.split_off(1)
}

fn mapping(section: &'static Section) -> Value {
    let properties: Map<String, Value> = section
        .keys
        .iter()
        .map(|row| (row.name.to_owned(), property(row)))
        .collect();
    let mut schema = json!({ "type": ["object", "null"], "properties": properties });
    // What is not in these two tables is a parameter of requests, or a note for people.
    if !is(section, &PARAMS) && !is(section, &MODEL_INFO) {
        schema["additionalProperties"] = Value::Bool(false);
    }
    if is(section, &DEPLOYMENT) {
        // As entries of lists, these are never nothing; `litellm_params` elsewhere needs no model.
        schema["type"] = json!("object");
        schema["required"] = json!(["model_name", "litellm_params"]);
        schema["properties"]["model_name"]["minLength"] = json!(1);
        schema["properties"]["litellm_params"]["allOf"] = json!([{
            "type": "object",
            "required": ["model"],
            "properties": { "model": { "type": "string", "minLength": 1 } },
        }]);
    }
    if is(section, &CREDENTIAL) {
        schema["type"] = json!("object");
        schema["required"] = json!(["credential_name"]);
        schema["properties"]["credential_name"]["minLength"] = json!(1);
    }
    schema
}

/// One key: what it takes, what it does, and what follows where it is not acted on.
fn property(row: &'static Row) -> Value {
    let mut schema = of_kind(row.kind);
    let (about, default, example) = parts(row.about);
    let mut description = about;
    match row.status {
        Status::Honored(None) => {}
        Status::Honored(Some(here)) => {
            description.push_str(" Not as in LiteLLM: ");
            description.push_str(here);
            description.push('.');
        }
        Status::Accepted if description.is_empty() => {
            description.push_str("Accepted; nothing is done with it.");
        }
        Status::Accepted => {}
        Status::Ignored { consequence, .. } => {
            description.push_str(" A key of LiteLLM that is not honored: ");
            description.push_str(consequence);
            description.push('.');
            schema["deprecated"] = Value::Bool(true);
        }
    }
    schema["description"] = Value::String(description.trim().to_owned());
    if let Some(default) = default {
        schema["default"] = default;
    }
    if let Some(example) = example {
        schema["examples"] = json!([example]);
    }
    schema
}

/// The text of a row without its last sentences, and what those say.
pub(super) fn parts(about: &str) -> (String, Option<Value>, Option<Value>) {
    let (about, example) = last(about.trim(), "Example: ");
    let (about, default) = last(about, "Default: ");
    (about.to_owned(), default, example)
}

fn last<'a>(text: &'a str, name: &str) -> (&'a str, Option<Value>) {
    let Some((head, tail)) = text.rsplit_once(name) else {
        return (text, None);
    };
    let written = tail.strip_suffix('.').unwrap_or(tail).trim_matches('`');
    let value = serde_saphyr::from_str::<Node>(written).ok();
    (head.trim_end(), value.map(|node| node.to_json()))
}

/// What the loader takes for a kind; see `kind::check`.
fn of_kind(kind: Kind) -> Value {
    match kind {
        Kind::Any => json!({}),
        Kind::Bool => alternatives(&[
            json!({ "type": "boolean" }),
            pattern(&format!("^\\s*({})\\s*$", any_case(BOOLEANS))),
        ]),
        Kind::Text | Kind::Secret => json!({ "type": ["string", "null"] }),
        Kind::Name => json!({ "type": ["string", "integer", "null"] }),
        Kind::SecretOrMap => json!({ "type": ["string", "object", "null"] }),
        Kind::Choice(choices) => alternatives(&[
            json!({ "enum": choices }),
            pattern(&format!("^({})$", any_case(choices))),
        ]),
        Kind::Whole(min, max) => alternatives(&[
            json!({ "type": "integer", "minimum": min, "maximum": max }),
            pattern(r"^\s*[+-]?[0-9]+\s*$"),
        ]),
        Kind::Number(min, max) => number(min, max),
        Kind::Seconds(min) => number(min, MAX_SECONDS),
        Kind::Url => alternatives(&[pattern("^[hH][tT][tT][pP][sS]?://[^/?#]")]),
        Kind::BoolOrText => json!({ "type": ["boolean", "string", "null"] }),
        Kind::TextOrList => {
            json!({ "type": ["string", "array", "null"], "items": { "type": "string" } })
        }
        Kind::TextList => json!({ "type": ["array", "null"], "items": { "type": "string" } }),
        Kind::HeaderName => alternatives(&[pattern("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")]),
        Kind::LogFilter => json!({ "type": ["string", "null"] }),
        Kind::List => json!({ "type": ["array", "null"] }),
        Kind::Map => json!({ "type": ["object", "null"] }),
        Kind::Section(section) => reference(section),
        Kind::Sections(section) => {
            json!({ "type": ["array", "null"], "items": reference(section) })
        }
        Kind::Named(section) => {
            json!({ "type": ["object", "null"], "additionalProperties": reference(section) })
        }
        Kind::NamedSeconds => {
            json!({ "type": ["object", "null"], "additionalProperties": of_kind(Kind::SECONDS) })
        }
    }
}

fn number(min: f64, max: f64) -> Value {
    alternatives(&[
        json!({ "type": "number", "minimum": min, "maximum": max }),
        pattern(r"^\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*$"),
    ])
}

fn pattern(pattern: &str) -> Value {
    json!({ "type": "string", "pattern": pattern })
}

/// One of these, or a reference to a variable, or nothing.
fn alternatives(own: &[Value]) -> Value {
    let elsewhere = [
        pattern(&format!("^{}", references::PREFIX.replace('.', "\\."))),
        json!({ "type": "null" }),
    ];
    let all = [own, &elsewhere].concat();
    json!({ "anyOf": all })
}

fn reference(section: &'static Section) -> Value {
    json!({ "$ref": format!("#/$defs/{}", slug(section)) })
}

/// `a|b` for a regular expression that takes these words in any case.
fn any_case(words: &[&str]) -> String {
    let letter = |c: char| match c {
        c if c.is_ascii_alphabetic() => {
            format!("[{}{}]", c.to_ascii_lowercase(), c.to_ascii_uppercase())
        }
        c => c.to_string(),
    };
    let word = |word: &&str| word.chars().map(letter).collect::<String>();
    words.iter().map(word).collect::<Vec<_>>().join("|")
}

/// The name of a definition: letters, digits and `_`.
fn slug(section: &Section) -> String {
    let name = section
        .name
        .trim_start_matches("an entry of ")
        .trim_start_matches("this ")
        .trim_start_matches("a ");
    name.replace(|c: char| !c.is_ascii_alphanumeric(), "_")
}

fn is(section: &Section, other: &Section) -> bool {
    std::ptr::eq(section, other)
}

/// What [`Node::as_bool`] takes for a boolean.
const BOOLEANS: &[&str] = &["true", "1", "yes", "on", "false", "0", "no", "off"];

#[cfg(test)]
mod tests;
