//! Whole answers, both ways, and what they share with streams: figures and reasons.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::blocks::{Block, Known, input};
use super::citations;
use super::format_tool;
use super::parts::part;
use crate::body::Malformed;
use crate::chat::{Answer, Choice, Finish, FinishReason, Json, Part, PartKind, Source, signed_id};
use crate::dialect::Dialect;
use crate::json::object;
use crate::translate::Asked;
use crate::usage::Usage;

/// Reads a whole answer of a provider.
pub(super) fn read_answer(text: &str) -> Result<Answer, Malformed> {
    #[derive(Deserialize)]
    struct Message<'a> {
        id: Option<String>,
        model: Option<String>,
        #[serde(borrow)]
        content: Vec<&'a RawValue>,
        stop_reason: Option<String>,
        stop_sequence: Option<String>,
        stop_details: Option<StopDetails>,
        #[serde(borrow)]
        usage: Option<&'a RawValue>,
    }

    let message: Message<'_> = object(text).ok_or(Malformed::WrongShape { missing: "content" })?;
    let mut parts = Vec::with_capacity(message.content.len());
    for raw in message.content {
        let missing = Malformed::WrongShape { missing: "content" };
        parts.push(part(raw, "content").map_err(|_| missing)?);
    }
    let answers = format_tool::unwrap(&mut parts);
    let mut finish = read_finish(
        message.stop_reason.as_deref(),
        message.stop_sequence,
        message.stop_details,
    );
    if answers && !parts.iter().any(is_tool_call) {
        finish.reason = format_tool::reason(finish.reason);
    }
    Ok(Answer {
        id: message.id,
        model: message.model,
        created: None,
        choices: vec![Choice {
            parts,
            finish,
            logprobs: None,
        }],
        usage: message
            .usage
            .map(|raw| Usage::read(raw).with_cache_in_input())
            .unwrap_or_default(),
        service_tier: message.usage.and_then(service_tier),
    })
}

/// The tier that a `usage` names.
pub(super) fn service_tier(usage: &RawValue) -> Option<String> {
    #[derive(Deserialize)]
    struct Tier {
        service_tier: Option<String>,
    }

    let tier: Tier = object(usage.get())?;
    tier.service_tier
}

/// Writes a whole answer for a client. Anthropic has one choice; the first is it.
pub(super) fn write_answer(answer: &Answer, asked: &Asked) -> Vec<u8> {
    #[derive(Serialize)]
    struct Message<'a> {
        id: Cow<'a, str>,
        r#type: &'static str,
        role: &'static str,
        model: &'a str,
        content: Vec<Block<'a>>,
        stop_reason: &'static str,
        stop_sequence: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        stop_details: Option<WireDetails<'a>>,
        usage: WireUsage<'a>,
    }

    let Answer {
        id,
        model: _,
        created: _,
        choices,
        usage,
        service_tier,
    } = answer;
    let parts = choices.first().map_or(&[][..], |choice| &choice.parts);
    let otherwise = Finish::new(FinishReason::Stop);
    let finish = choices.first().map_or(&otherwise, |it| &it.finish);
    let message = Message {
        id: message_id(id.as_deref(), asked),
        r#type: "message",
        role: "assistant",
        model: &asked.model,
        content: parts.iter().filter_map(block).collect(),
        stop_reason: stop_reason(finish, parts.iter().any(is_tool_call)),
        stop_sequence: finish.stop_sequence.as_deref(),
        stop_details: WireDetails::of(finish),
        usage: WireUsage::of(*usage, service_tier.as_deref()),
    };
    serde_json::to_vec(&message).expect("texts, numbers and JSON always serialize")
}

/// The provider's id, or one made of the call's.
pub(super) fn message_id<'a>(id: Option<&'a str>, asked: &Asked) -> Cow<'a, str> {
    match id {
        Some(id) if !id.is_empty() => Cow::Borrowed(id),
        _ => Cow::Owned(format!("msg_{}", asked.id)),
    }
}

fn is_tool_call(part: &Part) -> bool {
    matches!(part.kind, PartKind::ToolCall { .. })
}

/// What a client is shown of a part. What this dialect has no block for is what only another one understands.
fn block(part: &Part) -> Option<Block<'_>> {
    let front = Dialect::AnthropicMessages;
    let known = match &part.kind {
        PartKind::Text { text, .. } | PartKind::Refusal { text } if text.is_empty() => return None,
        PartKind::Text {
            text,
            citations,
            signature: _,
        } => Known::Text {
            text: Cow::Borrowed(text),
            citations: citations.iter().filter_map(citations::shown).collect(),
            cache_control: None,
        },
        PartKind::Refusal { text } => return Some(Block::text(text)),
        PartKind::ToolCall {
            id,
            name,
            arguments,
            custom,
            signature,
        } => Known::ToolUse {
            id: signed_id(id, signature.as_ref()),
            name,
            input: input(arguments, *custom),
            cache_control: None,
        },
        PartKind::Thinking {
            text,
            signature,
            id: _,
        } => Known::Thinking {
            thinking: text,
            signature: signature
                .as_ref()
                .map_or(Cow::Borrowed(""), |it| Cow::Owned(it.tagged(front))),
        },
        PartKind::RedactedThinking { signature } => Known::RedactedThinking {
            data: Cow::Owned(signature.tagged(front)),
        },
        PartKind::Image {
            source: Source::Base64 { media_type, data },
            detail: _,
        } => {
            let picture = format!("![{media_type}](data:{media_type};base64,{data})");
            return Some(Block::text(picture));
        }
        PartKind::Image {
            source: Source::Url { url, .. },
            detail: _,
        } => return Some(Block::text(format!("![]({url})"))),
        PartKind::Other { dialect, json } if *dialect == front => return Some(Block::Raw(json)),
        PartKind::Image { .. }
        | PartKind::File { .. }
        | PartKind::Audio { .. }
        | PartKind::Video { .. }
        | PartKind::ToolResult { .. }
        | PartKind::Other { .. } => return None,
    };
    Some(Block::Known(known))
}

/// What Anthropic says of a refusal.
#[derive(Deserialize)]
pub(super) struct StopDetails {
    category: Option<String>,
    explanation: Option<String>,
}

#[derive(Serialize)]
pub(super) struct WireDetails<'a> {
    r#type: &'static str,
    category: Option<&'a str>,
    explanation: Option<&'a str>,
}

impl<'a> WireDetails<'a> {
    /// Only a refusal has details.
    pub(super) fn of(finish: &'a Finish) -> Option<Self> {
        let refused = matches!(
            finish.reason,
            FinishReason::ContentFilter | FinishReason::Refusal
        );
        let explanation = finish.detail.as_deref().filter(|_| refused)?;
        Some(Self {
            r#type: "refusal",
            category: None,
            explanation: Some(explanation),
        })
    }
}

/// Why an answer ended, in Anthropic's words, and what they mean. Its refusals are the work of classifiers that watch
/// the stream, so they are what others call a content filter.
const REASONS: [(&str, FinishReason); 7] = [
    ("end_turn", FinishReason::Stop),
    ("stop_sequence", FinishReason::Stop),
    ("max_tokens", FinishReason::Length),
    ("tool_use", FinishReason::ToolCalls),
    ("pause_turn", FinishReason::Pause),
    ("refusal", FinishReason::ContentFilter),
    ("model_context_window_exceeded", FinishReason::ContextWindow),
];

/// The reason that Anthropic's words mean. Words that nobody knows are kept.
pub(super) fn read_finish(
    stop_reason: Option<&str>,
    stop_sequence: Option<String>,
    details: Option<StopDetails>,
) -> Finish {
    let known = REASONS.iter().find(|(word, _)| Some(*word) == stop_reason);
    let words = details.and_then(|it| it.explanation.or(it.category));
    Finish {
        reason: known.map_or(FinishReason::Stop, |(_, reason)| *reason),
        stop_sequence,
        detail: match known {
            Some(_) => words,
            None => stop_reason.map(str::to_owned),
        },
    }
}

/// Anthropic's word for a reason. Some providers say that a turn has simply ended when it waits for its tools; clients
/// would not run them then.
pub(super) fn stop_reason(finish: &Finish, calls: bool) -> &'static str {
    match finish.reason {
        FinishReason::Stop if finish.stop_sequence.is_some() => "stop_sequence",
        FinishReason::Stop if calls => "tool_use",
        FinishReason::Refusal => "refusal",
        // Anthropic has no word for a model that fails.
        FinishReason::Failed => "end_turn",
        reason => REASONS
            .iter()
            .find(|(_, it)| *it == reason)
            .map_or("end_turn", |(word, _)| *word),
    }
}

/// Figures in Anthropic's shape: what came from a cache and what went into one stands beside the input. SDKs want the
/// two totals always.
#[derive(Serialize)]
pub(super) struct WireUsage<'a> {
    input_tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_creation_input_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_read_input_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_creation: Option<CacheCreation>,
    output_tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_tokens_details: Option<OutputDetails>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'a str>,
}

#[derive(Serialize)]
struct CacheCreation {
    ephemeral_5m_input_tokens: u64,
    ephemeral_1h_input_tokens: u64,
}

#[derive(Serialize)]
struct OutputDetails {
    thinking_tokens: u64,
}

impl<'a> WireUsage<'a> {
    pub(super) fn of(usage: Usage, service_tier: Option<&'a str>) -> Self {
        let Usage {
            input_tokens,
            output_tokens,
            cache_read_tokens,
            cache_write_tokens,
            cache_write_1h_tokens,
            reasoning_tokens,
        } = usage.without_cache_in_input();
        Self {
            input_tokens: input_tokens.unwrap_or_default(),
            cache_creation_input_tokens: cache_write_tokens,
            cache_read_input_tokens: cache_read_tokens,
            cache_creation: cache_write_1h_tokens.map(|hour| CacheCreation {
                ephemeral_5m_input_tokens: cache_write_tokens
                    .unwrap_or_default()
                    .saturating_sub(hour),
                ephemeral_1h_input_tokens: hour,
            }),
            output_tokens: output_tokens.unwrap_or_default(),
            output_tokens_details: reasoning_tokens.map(|tokens| OutputDetails {
                thinking_tokens: tokens,
            }),
            service_tier: service_tier.and_then(served),
        }
    }
}

/// The tier that served an answer, in Anthropic's words: its SDKs know no others.
fn served(tier: &str) -> Option<&'static str> {
    match tier {
        "standard" | "default" => Some("standard"),
        "priority" => Some("priority"),
        "batch" => Some("batch"),
        _ => None,
    }
}

/// A citation is as Anthropic writes it, or one of an address in OpenAI's shape.
pub(super) type Citation = (Dialect, Json);
