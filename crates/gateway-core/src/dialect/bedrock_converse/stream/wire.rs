//! The events of a stream, as they are written.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::dialect::bedrock_converse::{ServiceTier, WireUsage};
use crate::json::{Text, object};

/// What of an event has no place in the model.
pub(super) fn raw(data: &str) -> RawFrame<'_> {
    object(data).unwrap_or_default()
}

/// The members that any of the events has.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Frame<'a> {
    #[serde(default)]
    pub(super) content_block_index: u32,
    #[serde(borrow)]
    pub(super) start: Option<Start<'a>>,
    #[serde(borrow)]
    pub(super) delta: Option<BlockDelta<'a>>,
    #[serde(borrow)]
    pub(super) stop_reason: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) additional_model_response_fields: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) usage: Option<WireUsage<'a>>,
    pub(super) service_tier: Option<ServiceTier>,
}

/// The same, unread.
#[derive(Default, Deserialize)]
pub(super) struct RawFrame<'a> {
    #[serde(borrow)]
    pub(super) start: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) delta: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Start<'a> {
    #[serde(borrow)]
    pub(super) tool_use: Option<ToolStart<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ToolStart<'a> {
    #[serde(borrow)]
    pub(super) tool_use_id: Text<'a>,
    #[serde(borrow)]
    pub(super) name: Text<'a>,
    /// Says that it is not the client who runs it.
    #[serde(borrow, rename = "type")]
    pub(super) kind: Option<Text<'a>>,
}

/// A union: one of them is set.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BlockDelta<'a> {
    #[serde(borrow)]
    pub(super) text: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) tool_use: Option<ToolDelta<'a>>,
    #[serde(borrow)]
    pub(super) reasoning_content: Option<Thought<'a>>,
    #[serde(borrow)]
    pub(super) citation: Option<&'a RawValue>,
}

#[derive(Deserialize)]
pub(super) struct ToolDelta<'a> {
    #[serde(borrow)]
    pub(super) input: Text<'a>,
}

/// A union, too.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Thought<'a> {
    #[serde(borrow)]
    pub(super) text: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) signature: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) redacted_content: Option<Text<'a>>,
}
