//! Parts as content blocks, of requests and of answers.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::chat::{CacheMarker, Json};

/// A block of a message.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Block<'a> {
    Known(Known<'a>),
    /// As it was written.
    Raw(&'a Json),
}

/// The kinds of blocks that are more to the gateway than JSON.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Known<'a> {
    Text {
        text: Cow<'a, str>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        citations: Vec<Cow<'a, Json>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<CacheControl<'a>>,
    },
    Image {
        source: BlockSource<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<CacheControl<'a>>,
    },
    Document {
        source: BlockSource<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        title: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        context: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        citations: Option<&'a Json>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<CacheControl<'a>>,
    },
    ToolUse {
        id: Cow<'a, str>,
        name: &'a str,
        input: Cow<'a, RawValue>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<CacheControl<'a>>,
    },
    ToolResult {
        tool_use_id: &'a str,
        content: Vec<Block<'a>>,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        is_error: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<CacheControl<'a>>,
    },
    Thinking {
        thinking: &'a str,
        signature: Cow<'a, str>,
    },
    RedactedThinking {
        data: Cow<'a, str>,
    },
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum BlockSource<'a> {
    Base64 {
        media_type: &'a str,
        data: &'a str,
    },
    Text {
        media_type: &'static str,
        data: Cow<'a, str>,
    },
    Url {
        url: &'a str,
    },
    File {
        file_id: &'a str,
    },
}

/// The wish to cache what stands up to here.
#[derive(Serialize, Clone, Copy)]
pub(super) struct CacheControl<'a> {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<&'a str>,
}

impl<'a> CacheControl<'a> {
    pub(super) fn of(marker: Option<&'a CacheMarker>) -> Option<Self> {
        marker.map(|marker| Self {
            r#type: "ephemeral",
            ttl: marker.ttl.as_deref(),
        })
    }
}

impl<'a> Block<'a> {
    /// A text and nothing more.
    pub(super) fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self::Known(Known::Text {
            text: text.into(),
            citations: Vec::new(),
            cache_control: None,
        })
    }
}

/// The input of a tool call: the arguments, if they are an object. Others are shown as what they are.
pub(super) fn input(arguments: &str, custom: bool) -> Cow<'_, RawValue> {
    if custom {
        return shown(CUSTOM_INPUT, arguments);
    }
    let arguments = arguments.trim();
    if arguments.is_empty() {
        return Cow::Owned(raw("{}".to_owned()));
    }
    match serde_json::from_str::<&RawValue>(arguments) {
        Ok(object) if arguments.starts_with('{') => Cow::Borrowed(object),
        _ => shown("arguments", arguments),
    }
}

fn shown(key: &str, text: &str) -> Cow<'static, RawValue> {
    Cow::Owned(raw(serde_json::json!({ key: text }).to_string()))
}

fn raw(json: String) -> Box<RawValue> {
    RawValue::from_string(json).expect("what serde writes it reads")
}

/// The member of an input that holds the free text of a custom tool.
pub(super) const CUSTOM_INPUT: &str = "input";
