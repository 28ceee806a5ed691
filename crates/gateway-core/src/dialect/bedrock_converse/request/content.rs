//! The blocks that messages consist of.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

use super::media::{Document, Media};
use crate::chat::{CacheMarker, Json};

/// A block: a union, one member of which is set.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Block<'a> {
    Text(Cow<'a, str>),
    Image(Media<'a>),
    Audio(Media<'a>),
    Video(Media<'a>),
    Document(Document<'a>),
    ToolUse(ToolUse<'a>),
    ToolResult(ToolResult<'a>),
    ReasoningContent(Reasoning<'a>),
    CitationsContent(Cited<'a>),
    CachePoint(CachePoint<'a>),
    /// As it was written by a provider of this dialect.
    #[serde(untagged)]
    Own(&'a Json),
}

impl Block<'_> {
    /// Whether it is a text that says nothing: such are refused.
    pub(super) fn is_blank(&self) -> bool {
        matches!(self, Self::Text(text) if text.trim().is_empty())
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ToolUse<'a> {
    pub(super) tool_use_id: &'a str,
    pub(super) name: &'a str,
    pub(super) input: Input<'a>,
}

/// The arguments of a call: an object, whatever the model wrote.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Input<'a> {
    None {},
    Object(&'a RawValue),
    Custom { input: &'a str },
    Invalid { invalid_arguments: &'a str },
}

impl<'a> Input<'a> {
    pub(super) fn of(arguments: &'a str, custom: bool) -> Self {
        let text = arguments.trim();
        if custom {
            return Self::Custom { input: arguments };
        }
        match serde_json::from_str::<&RawValue>(text) {
            _ if text.is_empty() => Self::None {},
            Ok(raw) if text.starts_with('{') => Self::Object(raw),
            _ => Self::Invalid {
                invalid_arguments: arguments,
            },
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ToolResult<'a> {
    pub(super) tool_use_id: &'a str,
    pub(super) content: Vec<Block<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<&'static str>,
}

/// A union, too.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Reasoning<'a> {
    ReasoningText { text: &'a str, signature: &'a str },
    RedactedContent(&'a str),
}

#[derive(Serialize)]
pub(super) struct Cited<'a> {
    pub(super) content: [CitedText<'a>; 1],
    pub(super) citations: Vec<&'a Json>,
}

#[derive(Serialize)]
pub(super) struct CitedText<'a> {
    pub(super) text: &'a str,
}

#[derive(Serialize)]
pub(super) struct CachePoint<'a> {
    r#type: &'static str,
    /// Said where it is not the usual one: not every model takes the field.
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<Cow<'a, str>>,
}

impl<'a> CachePoint<'a> {
    pub(super) fn of(marker: &'a CacheMarker) -> Self {
        let ttl = marker.ttl.as_deref().filter(|ttl| *ttl == "1h");
        Self {
            r#type: "default",
            ttl: ttl.map(Cow::Borrowed),
        }
    }
}
