//! Parts of a client's messages.

use serde_json::Value;
use serde_json::value::RawValue;

use super::signature;
use crate::chat::{Json, Other, Part, PartKind, Source, Weight};
use crate::dialect::Dialect;
use crate::dialect::gemini::wire;
use crate::translate::TranslateError;

/// A call that the model made.
pub(super) fn call(
    call: &wire::FunctionCall<'_>,
    id: String,
    name: String,
    signature: Option<&str>,
) -> PartKind {
    let arguments = call.args.map_or("{}", |it| it.get());
    PartKind::ToolCall {
        id,
        name,
        arguments: arguments.to_owned(),
        custom: false,
        signature: signature.map(signature::read),
    }
}

/// What a tool answered.
pub(super) fn result(
    response: &wire::FunctionResponse<'_>,
    id: String,
    name: Option<&str>,
    path: &str,
) -> Result<PartKind, TranslateError> {
    let (text, is_error) = outcome(response.response);
    let mut parts: Vec<Part> = text.map(Part::text).into_iter().collect();
    for part in response.parts.iter().flatten() {
        let kind = media(part).ok_or_else(|| {
            TranslateError::invalid(
                format!("{path}.functionResponse.parts"),
                "it must be a file",
            )
        })?;
        parts.push(Part::new(kind));
    }
    Ok(PartKind::ToolResult {
        id,
        name: name.map(str::to_owned),
        parts,
        is_error,
        custom: false,
    })
}

/// The text of a result, and whether it is an error: Google's `output` and `error`, the `result` that its own clients
/// write, else the whole object.
fn outcome(response: Option<&RawValue>) -> (Option<String>, bool) {
    let Some(raw) = response.filter(|raw| raw.get() != "null") else {
        return (None, false);
    };
    let whole = || (Some(raw.get().to_owned()), false);
    let Ok(Value::Object(members)) = serde_json::from_str(raw.get()) else {
        return whole();
    };
    let mut all = members.into_iter();
    let (Some((key, value)), None) = (all.next(), all.next()) else {
        return whole();
    };
    let text = match value {
        Value::String(text) => text,
        other => other.to_string(),
    };
    match key.as_str() {
        "output" | "result" => (Some(text), false),
        "error" => (Some(text), true),
        _ => whole(),
    }
}

/// Anything but calls and results; `None` if it says nothing.
pub(super) fn said(
    part: wire::Part<'_>,
    path: &str,
    other: &mut Vec<Other>,
) -> Result<Option<PartKind>, TranslateError> {
    let kind = media(&part);
    if kind.is_none() && part.text.is_none() {
        let json = part.other().and_then(Json::parse);
        return Ok(json.map(|json| PartKind::Other {
            dialect: Dialect::Gemini,
            json,
        }));
    }
    for (key, value) in &part.rest {
        let weight = match &**key {
            "mediaResolution" | "media_resolution" => Weight::Hint,
            _ => Weight::Parameter,
        };
        other.push(Other {
            name: format!("{path}.{key}"),
            value: Json::from(*value),
            weight,
        });
    }
    if kind.is_some() {
        return Ok(kind);
    }
    let text = part.text.unwrap_or_default().into_owned();
    let signature = part.signature.as_deref();
    if part.thought
        && let Some(signature) = signature.and_then(signature::read_redacted)
    {
        return Ok(Some(PartKind::RedactedThinking { signature }));
    }
    let signature = signature.map(signature::read);
    if text.is_empty() && signature.is_none() {
        return Ok(None);
    }
    Ok(Some(if part.thought {
        PartKind::Thinking {
            text,
            signature,
            id: None,
        }
    } else {
        PartKind::Text {
            text,
            citations: Vec::new(),
            signature,
        }
    }))
}

/// Adds to a part what goes on with it: a text to a text, thoughts to thoughts. What is signed is whole.
pub(super) fn join(part: &mut Part, next: &Part) -> bool {
    match (&mut part.kind, &next.kind) {
        (
            PartKind::Text {
                text,
                signature: signature @ None,
                ..
            },
            PartKind::Text {
                text: more,
                signature: proof,
                ..
            },
        )
        | (
            PartKind::Thinking {
                text,
                signature: signature @ None,
                ..
            },
            PartKind::Thinking {
                text: more,
                signature: proof,
                ..
            },
        ) => {
            text.push_str(more);
            signature.clone_from(proof);
            true
        }
        _ => false,
    }
}

/// Bytes, or where they are.
fn media(part: &wire::Part<'_>) -> Option<PartKind> {
    if let Some(blob) = &part.inline {
        let source = Source::Base64 {
            media_type: blob.mime_type.0.to_string(),
            data: blob.data.0.to_string(),
        };
        let name = wire::filled(&blob.display_name);
        return Some(of_type(&blob.mime_type.0, source, name));
    }
    let file = part.file.as_ref()?;
    let url = file.file_uri.0.to_string();
    let media_type = wire::filled(&file.mime_type).map(str::to_owned);
    let name = wire::filled(&file.display_name);
    let kind = media_type.clone().unwrap_or_default();
    let source = if url.starts_with(UPLOADED) {
        Source::FileId { id: url }
    } else {
        Source::Url { url, media_type }
    };
    Some(of_type(&kind, source, name))
}

fn of_type(media_type: &str, source: Source, name: Option<&str>) -> PartKind {
    match media_type.split('/').next() {
        Some("image") => PartKind::Image {
            source,
            detail: None,
        },
        Some("audio") => PartKind::Audio { source },
        Some("video") => PartKind::Video { source },
        _ => PartKind::File {
            source,
            name: name.map(str::to_owned),
            citations: None,
            context: None,
        },
    }
}

/// Where files are that were uploaded to Google.
const UPLOADED: &str = "https://generativelanguage.googleapis.com/";
