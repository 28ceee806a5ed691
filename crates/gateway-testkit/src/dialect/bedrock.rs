//! Amazon Bedrock: Converse and InvokeModel (with Claude), plain and as binary event streams, right and damaged.

mod frame;
mod reject;

use bytes::Bytes;
use serde_json::{Value, json};

use super::{EventStream, Knobs, anthropic};
use crate::script::{Events, Pace, ResponseHead, Script, Step};
use crate::upstream::Recorded;

pub use frame::{error, event, exception, spoiled};
pub use reject::rejection;

/// What can be asked of `/model/{id}/…`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// A plain answer in Bedrock's own format.
    Converse,
    /// The same as a stream.
    ConverseStream,
    /// A plain answer in the model's format.
    Invoke,
    /// The same as a stream.
    InvokeStream,
}

impl Operation {
    /// The operation of a path; `None` if it is none.
    #[must_use]
    pub fn of_path(path: &str) -> Option<Self> {
        let path = path.split_once('?').map_or(path, |(path, _)| path);
        let (_, rest) = path.split_once("/model/")?;
        let (_, operation) = rest.rsplit_once('/')?;
        Some(match operation {
            "converse" => Self::Converse,
            "converse-stream" => Self::ConverseStream,
            "invoke" => Self::Invoke,
            "invoke-with-response-stream" => Self::InvokeStream,
            _ => return None,
        })
    }

    /// Whether the answer is a stream.
    #[must_use]
    pub fn streams(self) -> bool {
        matches!(self, Self::ConverseStream | Self::InvokeStream)
    }

    /// The answer to a request; what Bedrock would refuse is refused.
    #[must_use]
    pub fn answer(self, request: &Recorded, knobs: &Knobs) -> Script {
        if matches!(self, Self::Converse | Self::ConverseStream)
            && let Some(why) = rejection(&request.json())
        {
            return refusal(400, "ValidationException", &why);
        }
        match self {
            Self::Converse => Script::json(200, &converse_body(knobs)),
            Self::ConverseStream => stream_script(converse_stream(knobs), knobs),
            Self::Invoke => Script::json(200, &anthropic::message_body("claude-double", knobs)),
            Self::InvokeStream => stream_script(invoke_stream(knobs), knobs),
        }
    }
}

/// The head of a binary stream.
#[must_use]
pub fn stream_head() -> ResponseHead {
    ResponseHead::new(200)
        .with("content-type", "application/vnd.amazon.eventstream")
        .with("x-amzn-requestid", "req_double")
}

/// A stream of Converse's: `messageStart`, text deltas, `contentBlockStop`, `messageStop`, `metadata`.
#[must_use]
pub fn converse_stream(knobs: &Knobs) -> EventStream {
    let contents = knobs.texts().map(|text| delta(0, &json!({"text": text})));
    let end = [
        event("messageStop", &json!({"stopReason": "end_turn"})),
        metadata(knobs),
    ];
    let stream = [start()]
        .into_iter()
        .chain(contents)
        .chain([block_stop(0)])
        .chain(end.into_iter().filter({
            let marker = knobs.marker;
            move |_| marker
        }));
    Box::new(stream)
}

/// A stream in which the model thinks, speaks, and calls a tool twice.
#[must_use]
pub fn agent_stream(knobs: &Knobs) -> Vec<Bytes> {
    let call = |index: u32, id: &str, name: &str| {
        let start = json!({"toolUse": {"toolUseId": id, "name": name}});
        event(
            "contentBlockStart",
            &json!({"contentBlockIndex": index, "start": start}),
        )
    };
    let input = |index, text: &str| delta(index, &json!({"toolUse": {"input": text}}));
    vec![
        start(),
        delta(0, &json!({"reasoningContent": {"text": "I think."}})),
        delta(
            0,
            &json!({"reasoningContent": {"signature": "c2lnbmF0dXJl"}}),
        ),
        block_stop(0),
        delta(
            1,
            &json!({"reasoningContent": {"redactedContent": "c2VjcmV0"}}),
        ),
        block_stop(1),
        delta(2, &json!({"text": "I look "})),
        delta(2, &json!({"text": "it up: \"é\""})),
        block_stop(2),
        call(3, "tooluse_1", "weather"),
        input(3, ""),
        input(3, "{\"city\": \"Par"),
        input(3, "is\"}"),
        block_stop(3),
        call(4, "tooluse_2", "now"),
        block_stop(4),
        event("messageStop", &json!({"stopReason": "tool_use"})),
        metadata(knobs),
    ]
}

/// A stream of InvokeModel's with Claude: Anthropic's events in chunks.
#[must_use]
pub fn invoke_stream(knobs: &Knobs) -> EventStream {
    let events = anthropic::message_stream("claude-double", knobs);
    Box::new(events.map(|event| {
        let text = String::from_utf8_lossy(&event).into_owned();
        let data = text.lines().find_map(|line| line.strip_prefix("data: "));
        chunk(data.expect("every event has data"))
    }))
}

/// A chunk with an event of Anthropic's inside.
#[must_use]
pub fn chunk(inner: &str) -> Bytes {
    let bytes = crate::base64::encode(inner.as_bytes());
    event("chunk", &json!({"bytes": bytes, "p": "abcdefghij"}))
}

/// A text delta.
#[must_use]
pub fn content(text: &str) -> Bytes {
    delta(0, &json!({"text": text}))
}

/// A plain answer of Converse's.
#[must_use]
pub fn converse_body(knobs: &Knobs) -> Value {
    let text: String = knobs.texts().collect();
    let message = json!({"role": "assistant", "content": [{"text": text}]});
    json!({"output": {"message": message}, "stopReason": "end_turn",
        "usage": usage_of(knobs), "metrics": {"latencyMs": 12}})
}

/// A plain answer in which the model thinks, speaks, and calls a tool.
#[must_use]
pub fn agent_body(knobs: &Knobs) -> Value {
    let thought = json!({"reasoningText": {"text": "I think.", "signature": "c2lnbmF0dXJl"}});
    let call = json!({"toolUseId": "tooluse_1", "name": "weather", "input": {"city": "Paris"}});
    let content =
        json!([{"reasoningContent": thought}, {"text": "I look it up."}, {"toolUse": call}]);
    json!({"output": {"message": {"role": "assistant", "content": content}},
        "stopReason": "tool_use", "usage": usage_of(knobs), "metrics": {"latencyMs": 12}})
}

/// A refusal, whose kind stands in a header.
#[must_use]
pub fn refusal(status: u16, exception: &str, message: &str) -> Script {
    let head = ResponseHead::json(status)
        .with("x-amzn-errortype", exception)
        .with("x-amzn-requestid", "req_double");
    let body = json!({"message": message}).to_string();
    Script::new().head(head).bytes(body).end()
}

/// A complete stream at the pace of the knobs.
fn stream_script(mut events: EventStream, knobs: &Knobs) -> Script {
    let events = Events {
        next: Box::new(move || events.next()),
        pace: Pace {
            every: knobs.pace,
            burst: knobs.burst,
        },
    };
    Script::new()
        .head(stream_head())
        .step(Step::Events(events))
        .end()
}

fn start() -> Bytes {
    event("messageStart", &json!({"role": "assistant"}))
}

fn delta(index: u32, delta: &Value) -> Bytes {
    let data = json!({"contentBlockIndex": index, "delta": delta, "p": "abcdefgh"});
    event("contentBlockDelta", &data)
}

fn block_stop(index: u32) -> Bytes {
    event("contentBlockStop", &json!({"contentBlockIndex": index}))
}

fn metadata(knobs: &Knobs) -> Bytes {
    let data = json!({"usage": usage_of(knobs), "metrics": {"latencyMs": 12}});
    event("metadata", &data)
}

fn usage_of(knobs: &Knobs) -> Value {
    json!({"inputTokens": 8, "outputTokens": knobs.events, "totalTokens": 11 + knobs.events,
        "cacheReadInputTokens": 3, "cacheWriteInputTokens": 0})
}

#[cfg(test)]
mod tests;
