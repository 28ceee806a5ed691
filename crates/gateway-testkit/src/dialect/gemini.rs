//! Google's `generateContent`, as the Gemini API and Vertex speak it: plain, as events, and as one array.

mod reject;

use bytes::Bytes;
use serde_json::{Value, json};

use super::{EventStream, Knobs, event};
use crate::script::{Events, Pace, ResponseHead, Script, Step};
use crate::upstream::Recorded;

pub use reject::rejection;

/// What can be asked of `…/models/{name}:…`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// A plain answer.
    Generate,
    /// Server-sent events.
    Stream,
    /// The same answers as the elements of one array, as they come.
    Array,
    /// How many tokens a request has.
    Count,
}

impl Operation {
    /// The operation of a request; `None` if it is none.
    #[must_use]
    pub fn of(request: &Recorded) -> Option<Self> {
        let (_, operation) = request.path().rsplit_once(':')?;
        let is_sse = || {
            request
                .query()
                .is_some_and(|query| query.contains("alt=sse"))
        };
        Some(match operation {
            "generateContent" => Self::Generate,
            "streamGenerateContent" if is_sse() => Self::Stream,
            "streamGenerateContent" => Self::Array,
            "countTokens" => Self::Count,
            _ => return None,
        })
    }

    /// The answer to a request; what Google would refuse is refused.
    #[must_use]
    pub fn answer(self, request: &Recorded, knobs: &Knobs) -> Script {
        let body = request.json();
        if self != Self::Count
            && let Some(why) = rejection(&body)
        {
            return Script::json(400, &error_body(400, &why));
        }
        match self {
            Self::Generate => Script::json(200, &answer_body(knobs)),
            Self::Stream => stream_script(stream(knobs), ResponseHead::sse(), knobs),
            Self::Array => stream_script(array(stream_of(knobs)), ResponseHead::json(200), knobs),
            Self::Count => Script::json(200, &json!({"totalTokens": 11})),
        }
    }
}

/// The stream as events. There is no marker: the last answer has a finish reason.
#[must_use]
pub fn stream(knobs: &Knobs) -> EventStream {
    Box::new(stream_of(knobs).map(|answer| event(&answer)))
}

/// Answers as one array, a piece for each.
#[must_use]
pub fn array(answers: impl Iterator<Item = Value> + Send + 'static) -> EventStream {
    let mut before = "[";
    let pieces = answers.map(move |answer| {
        let piece = format!("{before}{answer:#}");
        before = "\n,\r\n";
        Bytes::from(piece)
    });
    Box::new(pieces.chain([Bytes::from_static(b"\n]")]))
}

/// A plain answer.
#[must_use]
pub fn answer_body(knobs: &Knobs) -> Value {
    let text: String = knobs.texts().collect();
    finished(&json!([{"text": text}]), "STOP", knobs)
}

/// A plain answer in which the model thinks, speaks, and calls two tools at once.
#[must_use]
pub fn agent_body(knobs: &Knobs) -> Value {
    finished(&agent_parts(), "STOP", knobs)
}

/// The same as a stream, a part in each answer.
#[must_use]
pub fn agent_stream(knobs: &Knobs) -> Vec<Bytes> {
    let parts = agent_parts();
    let parts = parts.as_array().into_iter().flatten();
    let mut answers: Vec<Value> = parts.map(|part| answer(&json!([part]))).collect();
    answers.push(finished(&json!([{"text": ""}]), "STOP", knobs));
    answers.iter().map(event).collect()
}

/// An answer to a prompt that is refused.
#[must_use]
pub fn blocked_body() -> Value {
    json!({"promptFeedback": {"blockReason": "SAFETY"}, "modelVersion": MODEL,
        "usageMetadata": {"promptTokenCount": 11, "totalTokenCount": 11}})
}

/// A model list.
#[must_use]
pub fn models_body(names: &[&str]) -> Value {
    let model = |name: &&str| {
        json!({"name": format!("models/{name}"), "displayName": name, "version": "1",
            "inputTokenLimit": 1_048_576, "outputTokenLimit": 65_536,
            "supportedGenerationMethods": ["generateContent", "countTokens"]})
    };
    json!({"models": names.iter().map(model).collect::<Vec<_>>()})
}

/// An error body with this status' usual words.
#[must_use]
pub fn error_body(status: u16, message: &str) -> Value {
    let word = match status {
        400 => "INVALID_ARGUMENT",
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        429 => "RESOURCE_EXHAUSTED",
        503 => "UNAVAILABLE",
        504 => "DEADLINE_EXCEEDED",
        _ => "INTERNAL",
    };
    json!({"error": {"code": status, "message": message, "status": word}})
}

/// An error inside a stream.
#[must_use]
pub fn error_event(status: u16, message: &str) -> Bytes {
    event(&error_body(status, message))
}

/// The event that ends a complete stream.
#[must_use]
pub fn marker() -> Bytes {
    let knobs = Knobs::default();
    event(&finished(&json!([{"text": ""}]), "STOP", &knobs))
}

fn stream_of(knobs: &Knobs) -> impl Iterator<Item = Value> + Send + use<> {
    let last = match knobs.marker {
        true => Some(finished(&json!([{"text": ""}]), "STOP", knobs)),
        false => None,
    };
    let texts = knobs.texts();
    texts
        .map(|text| answer(&json!([{"text": text}])))
        .chain(last)
}

/// A complete stream at the pace of the knobs.
fn stream_script(mut pieces: EventStream, head: ResponseHead, knobs: &Knobs) -> Script {
    let pieces = Events {
        next: Box::new(move || pieces.next()),
        pace: Pace {
            every: knobs.pace,
            burst: knobs.burst,
        },
    };
    Script::new().head(head).step(Step::Events(pieces)).end()
}

fn agent_parts() -> Value {
    json!([
        {"text": "I think.", "thought": true},
        {"text": "I look it up: \"é\""},
        {"functionCall": {"name": "weather", "args": {"city": "Paris"}},
            "thoughtSignature": "c2lnbmF0dXJl"},
        {"functionCall": {"name": "now", "args": {}}},
    ])
}

fn answer(parts: &Value) -> Value {
    json!({"candidates": [{"content": {"parts": parts, "role": "model"}, "index": 0}],
        "usageMetadata": {"promptTokenCount": 11, "totalTokenCount": 11},
        "modelVersion": MODEL, "responseId": "resp_double"})
}

fn finished(parts: &Value, reason: &str, knobs: &Knobs) -> Value {
    let mut answer = answer(parts);
    answer["candidates"][0]["finishReason"] = json!(reason);
    answer["usageMetadata"] = json!({"promptTokenCount": 11, "candidatesTokenCount": knobs.events,
        "totalTokenCount": 11 + knobs.events, "cachedContentTokenCount": 3,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 11}]});
    answer
}

const MODEL: &str = "gemini-double";

#[cfg(test)]
mod tests;
