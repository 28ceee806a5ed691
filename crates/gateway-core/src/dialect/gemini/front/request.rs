//! A client's request.

use serde_json::value::RawValue;

use super::{camel, config, contents, tools};
use crate::chat::{Json, Other, Request, Weight};
use crate::envelope::{Envelope, is_gateway_field};
use crate::translate::TranslateError;

pub(super) fn read(envelope: &Envelope) -> Result<Request, TranslateError> {
    let mut request = Request {
        model: envelope.model().unwrap_or_default().to_owned(),
        stream: envelope.stream(),
        ..Request::default()
    };
    // A stream of Google's always ends with its usage.
    request.parameters.usage_in_stream = Some(true);
    let mut has_contents = false;
    for key in envelope.fields() {
        let name = camel(key);
        if matches!(&*name, "model" | "stream") || is_gateway_field(key) {
            continue;
        }
        let Some(value) = envelope.field(key).and_then(raw) else {
            continue;
        };
        if value.get() == "null" {
            continue;
        }
        match &*name {
            "contents" => {
                has_contents = true;
                let said = contents::read(value)?;
                request.messages.extend(said.messages);
                request.other.extend(said.other);
            }
            "systemInstruction" => {
                let instruction = contents::read_instruction(value)?;
                request.messages.splice(0..0, instruction);
            }
            "tools" => tools::read(value, &mut request)?,
            "toolConfig" => tools::read_config(value, &mut request)?,
            "generationConfig" => config::read(value, &mut request)?,
            "labels" => request.parameters.metadata = Some(Json::from(value)),
            "serviceTier" => {
                let tier: String = parsed(value, "serviceTier")?;
                request.parameters.service_tier = Some(tier.to_ascii_lowercase());
            }
            "store" => request.parameters.store = Some(parsed(value, "store")?),
            // How strictly Google filters says nothing to others, who have filters of their own.
            "safetySettings" => other(&mut request, "safetySettings", value, Weight::Hint),
            _ => other(&mut request, key, value, Weight::Parameter),
        }
    }
    if !has_contents {
        return Err(TranslateError::invalid("contents", "it is missing"));
    }
    Ok(request)
}

/// The value of a field, which was checked.
fn raw(json: &[u8]) -> Option<&RawValue> {
    serde_json::from_slice(json).ok()
}

/// Keeps what the model of a chat has no place for.
pub(super) fn other(request: &mut Request, name: &str, value: &RawValue, weight: Weight) {
    request.other.push(Other {
        name: name.to_owned(),
        value: Json::from(value),
        weight,
    });
}

/// A value of the type that `path` must have.
pub(super) fn parsed<'a, T: serde::Deserialize<'a>>(
    value: &'a RawValue,
    path: &str,
) -> Result<T, TranslateError> {
    serde_json::from_str(value.get())
        .map_err(|error| TranslateError::invalid(path, describe(&error)))
}

/// What is wrong, without the place inside of the value, which says nothing to a client.
fn describe(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" at line ") {
        Some((what, _)) => what.to_owned(),
        None => text,
    }
}

/// The elements of a list; Google takes a single one without its brackets.
pub(super) fn many<'a>(
    value: &'a RawValue,
    path: &str,
) -> Result<Vec<&'a RawValue>, TranslateError> {
    if value.get().starts_with('[') {
        parsed(value, path)
    } else {
        Ok(vec![value])
    }
}

/// The members of an object, in order.
pub(super) fn members<'a>(
    value: &'a RawValue,
    path: &str,
) -> Result<Vec<(String, &'a RawValue)>, TranslateError> {
    struct Members<'a>(Vec<(String, &'a RawValue)>);

    impl<'de: 'a, 'a> serde::Deserialize<'de> for Members<'a> {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct MembersVisitor;

            impl<'de> serde::de::Visitor<'de> for MembersVisitor {
                type Value = Members<'de>;

                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("an object")
                }

                fn visit_map<A: serde::de::MapAccess<'de>>(
                    self,
                    mut map: A,
                ) -> Result<Members<'de>, A::Error> {
                    let mut members = Vec::new();
                    while let Some(member) = map.next_entry::<String, &'de RawValue>()? {
                        members.push(member);
                    }
                    Ok(Members(members))
                }
            }

            deserializer.deserialize_map(MembersVisitor)
        }
    }

    let members: Members<'a> = parsed(value, path)?;
    Ok(members.0)
}
