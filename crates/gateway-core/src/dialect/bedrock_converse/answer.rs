//! Whole answers.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::finish::finish;
use super::{ServiceTier, WireUsage};
use crate::body::{BodyFacts, Malformed};
use crate::chat::{Answer, Choice, FinishReason, Json, Part, PartKind, Signature};
use crate::dialect::Dialect;
use crate::json::object;
use crate::usage::Usage;

/// What the gateway must know of an answer.
pub(super) fn facts(text: &str) -> Result<BodyFacts, Malformed> {
    let answer: WireAnswer<'_> = object(text).ok_or(Malformed::WrongShape { missing: "output" })?;
    answer.message()?;
    Ok(BodyFacts {
        usage: answer.usage.map(Usage::from).unwrap_or_default(),
        ..BodyFacts::default()
    })
}

/// Reads an answer.
pub(super) fn read(text: &str) -> Result<Answer, Malformed> {
    let answer: WireAnswer<'_> = object(text).ok_or(Malformed::NotJson)?;
    let content = answer.message()?;
    let reason = answer.stop_reason.as_deref().unwrap_or("end_turn");
    let mut finish = finish(reason, answer.additional_model_response_fields);
    let mut parts = Vec::new();
    for raw in content {
        parts.push(Part::new(part(raw)?));
    }
    let calls = |it: &Part| matches!(it.kind, PartKind::ToolCall { .. });
    // The call that stood for a schema has become text.
    if finish.reason == FinishReason::ToolCalls && !parts.iter().any(calls) {
        finish.reason = FinishReason::Stop;
    }
    let choice = Choice {
        parts,
        finish,
        logprobs: None,
    };
    Ok(Answer {
        id: None,
        model: None,
        created: None,
        choices: vec![choice],
        usage: Usage::from(answer.usage.unwrap_or_default()).with_cache_in_input(),
        service_tier: answer.service_tier.map(|tier| tier.r#type),
    })
}

fn part(raw: &RawValue) -> Result<PartKind, Malformed> {
    let block: Block<'_> = object(raw.get()).ok_or(CONTENT)?;
    let own = Some(Dialect::BedrockConverse);
    let other = || PartKind::Other {
        dialect: Dialect::BedrockConverse,
        json: raw.into(),
    };
    Ok(match block {
        Block {
            text: Some(text), ..
        } => PartKind::Text {
            text,
            citations: Vec::new(),
            signature: None,
        },
        Block {
            tool_use: Some(call),
            ..
        } => call.part().unwrap_or_else(other),
        Block {
            reasoning_content: Some(thought),
            ..
        } => match thought {
            Thought {
                reasoning_text: Some(text),
                ..
            } => PartKind::Thinking {
                text: text.text,
                signature: text.signature.map(claudes),
                id: None,
            },
            Thought {
                redacted_content: Some(value),
                ..
            } => PartKind::RedactedThinking {
                signature: Signature { by: own, value },
            },
            _ => other(),
        },
        Block {
            citations_content: Some(cited),
            ..
        } => cited.part(),
        _ => other(),
    })
}

/// Of all models behind Converse only Claude signs what it thinks, and Anthropic's own API takes the same signatures.
pub(super) fn claudes(value: String) -> Signature {
    Signature {
        by: Some(Dialect::AnthropicMessages),
        value,
    }
}

/// The tool that stands for the schema of an answer, where a model cannot be held to one: what it is called with is the
/// answer. LiteLLM's has the same name.
pub(super) const SCHEMA_TOOL: &str = "json_tool_call";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireAnswer<'a> {
    #[serde(borrow)]
    output: Option<Output<'a>>,
    #[serde(borrow)]
    stop_reason: Option<Cow<'a, str>>,
    #[serde(borrow)]
    usage: Option<WireUsage<'a>>,
    #[serde(borrow)]
    additional_model_response_fields: Option<&'a RawValue>,
    service_tier: Option<ServiceTier>,
}

#[derive(Deserialize)]
struct Output<'a> {
    #[serde(borrow)]
    message: Option<Message<'a>>,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    content: Option<Vec<&'a RawValue>>,
}

impl<'a> WireAnswer<'a> {
    fn message(&self) -> Result<&[&'a RawValue], Malformed> {
        let missing = |missing| Malformed::WrongShape { missing };
        let output = self.output.as_ref().ok_or(missing("output"))?;
        let message = output.message.as_ref().ok_or(missing("output.message"))?;
        message.content.as_deref().ok_or(CONTENT)
    }
}

/// A union: one of them is set.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Block<'a> {
    text: Option<String>,
    #[serde(borrow)]
    tool_use: Option<ToolUse<'a>>,
    reasoning_content: Option<Thought>,
    #[serde(borrow)]
    citations_content: Option<Cited<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ToolUse<'a> {
    tool_use_id: String,
    name: String,
    #[serde(borrow)]
    input: Option<&'a RawValue>,
    /// Says that it is not the client who runs it.
    #[serde(borrow, rename = "type")]
    kind: Option<Cow<'a, str>>,
}

impl ToolUse<'_> {
    fn part(self) -> Option<PartKind> {
        if self.kind.is_some() {
            return None;
        }
        let arguments = self.input.map_or("{}", RawValue::get).to_owned();
        if self.name == SCHEMA_TOOL {
            return Some(PartKind::Text {
                text: arguments,
                citations: Vec::new(),
                signature: None,
            });
        }
        Some(PartKind::ToolCall {
            id: self.tool_use_id,
            name: self.name,
            arguments,
            custom: false,
            signature: None,
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Thought {
    reasoning_text: Option<ThoughtText>,
    redacted_content: Option<String>,
}

#[derive(Deserialize)]
struct ThoughtText {
    text: String,
    signature: Option<String>,
}

#[derive(Deserialize)]
struct Cited<'a> {
    #[serde(default)]
    content: Vec<CitedText>,
    #[serde(borrow, default)]
    citations: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct CitedText {
    #[serde(default)]
    text: String,
}

impl Cited<'_> {
    fn part(self) -> PartKind {
        let citation = |raw: &RawValue| (Dialect::BedrockConverse, Json::from(raw));
        PartKind::Text {
            text: self.content.into_iter().map(|it| it.text).collect(),
            citations: self.citations.into_iter().map(citation).collect(),
            signature: None,
        }
    }
}

const CONTENT: Malformed = Malformed::WrongShape {
    missing: "output.message.content",
};
