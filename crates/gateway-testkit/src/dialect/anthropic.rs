//! Anthropic's messages format, as the vendor and as Vertex speak it.

use bytes::Bytes;
use serde_json::{Value, json};

use super::{EventStream, Knobs, named_event};

/// A message stream: `message_start`, `content_block_start`, `ping`, deltas, `content_block_stop`,
/// `message_delta` with usage, `message_stop`.
#[must_use]
pub fn message_stream(model: &str, knobs: &Knobs) -> EventStream {
    let start = named_event(
        "message_start",
        &json!({"type": "message_start", "message": {"id": MESSAGE_ID, "type": "message", "role": "assistant",
            "model": model, "content": [], "stop_reason": null, "stop_sequence": null,
            "usage": {"input_tokens": 11, "output_tokens": 1,
                "cache_creation_input_tokens": 0, "cache_read_input_tokens": 3}}}),
    );
    let block = named_event(
        "content_block_start",
        &json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
    );
    let block_stop = named_event(
        "content_block_stop",
        &json!({"type": "content_block_stop", "index": 0}),
    );
    let delta = named_event(
        "message_delta",
        &json!({"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": null},
            "usage": {"output_tokens": knobs.events}}),
    );
    let contents = knobs.texts().map(|text| content(&text));
    let marker = knobs.marker.then(marker);
    let stream = [start, block, ping()]
        .into_iter()
        .chain(contents)
        .chain([block_stop, delta])
        .chain(marker);
    Box::new(stream)
}

/// A plain message.
#[must_use]
pub fn message_body(model: &str, knobs: &Knobs) -> Value {
    let text: String = knobs.texts().collect();
    json!({"id": MESSAGE_ID, "type": "message", "role": "assistant", "model": model,
        "content": [{"type": "text", "text": text}], "stop_reason": "end_turn", "stop_sequence": null,
        "usage": {"input_tokens": 11, "output_tokens": knobs.events,
            "cache_creation_input_tokens": 0, "cache_read_input_tokens": 3}})
}

/// A text delta.
#[must_use]
pub fn content(text: &str) -> Bytes {
    named_event(
        "content_block_delta",
        &json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}),
    )
}

/// `event: ping`.
#[must_use]
pub fn ping() -> Bytes {
    named_event("ping", &json!({"type": "ping"}))
}

/// `message_stop`.
#[must_use]
pub fn marker() -> Bytes {
    named_event("message_stop", &json!({"type": "message_stop"}))
}

/// An error body with this status' usual type.
#[must_use]
pub fn error_body(status: u16, message: &str) -> Value {
    let kind = match status {
        400 | 422 => "invalid_request_error",
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        504 => "timeout_error",
        529 => "overloaded_error",
        _ => "api_error",
    };
    json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_double"})
}

/// An error inside a stream.
#[must_use]
pub fn error_event(status: u16, message: &str) -> Bytes {
    named_event("error", &error_body(status, message))
}

const MESSAGE_ID: &str = "msg_double";
