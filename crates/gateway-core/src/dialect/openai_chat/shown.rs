//! What only another dialect knows, for clients of this one: pictures and sound are what they are in any.

use serde::Deserialize;

use crate::chat::Json;
use crate::dialect::Dialect;

/// What can be shown of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// A picture, by its address.
    Image(String),
    /// Sound in Base64.
    Audio(String),
}

/// What a client can be shown of a part of `dialect`.
pub(super) fn shown(dialect: Dialect, json: &Json) -> Option<Shown> {
    if dialect != Dialect::Gemini {
        return None;
    }
    let Inline { inline } = serde_json::from_str(json.text()).ok()?;
    match inline.media_type.split('/').next() {
        Some("image") => {
            let Blob { media_type, data } = inline;
            Some(Shown::Image(format!("data:{media_type};base64,{data}")))
        }
        Some("audio") => Some(Shown::Audio(inline.data)),
        _ => None,
    }
}

/// As Google gives bytes.
#[derive(Deserialize)]
struct Inline {
    #[serde(rename = "inlineData", alias = "inline_data")]
    inline: Blob,
}

#[derive(Deserialize)]
struct Blob {
    #[serde(rename = "mimeType", alias = "mime_type")]
    media_type: String,
    data: String,
}
