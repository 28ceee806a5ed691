//! OpenAI's formats: chat completions (also as Azure sends them), completions, embeddings, models, errors.

use bytes::Bytes;
use serde_json::{Value, json};

use super::{EventStream, Knobs, event};

/// A chat stream: a role frame, contents, the finish reason, usage if wanted, `[DONE]`.
#[must_use]
pub fn chat_stream(model: &str, knobs: &Knobs, usage: bool, azure: bool) -> EventStream {
    let frame = chat_frame(model);
    let filter = azure.then(|| {
        event(&json!({"id": "", "object": "chat.completion.chunk", "created": 0, "model": "", "choices": [],
            "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": {
                "hate": {"filtered": false, "severity": "safe"}}}]}))
    });
    let role = frame(json!({"role": "assistant", "content": ""}), Value::Null);
    let contents = {
        let frame = chat_frame(model);
        knobs
            .texts()
            .map(move |text| frame(json!({"content": text}), Value::Null))
    };
    let finish = frame(json!({}), json!("stop"));
    let usage = (usage || knobs.usage).then(|| {
        event(
            &json!({"id": CHAT_ID, "object": "chat.completion.chunk", "created": CREATED,
            "model": model, "choices": [], "usage": usage_of(knobs)}),
        )
    });
    let marker = knobs.marker.then(marker);
    let stream = filter
        .into_iter()
        .chain([role])
        .chain(contents)
        .chain([finish])
        .chain(usage)
        .chain(marker);
    Box::new(stream)
}

/// A completion stream.
#[must_use]
pub fn completion_stream(model: &str, knobs: &Knobs) -> EventStream {
    let model = model.to_owned();
    let frame = move |text: &str, finish: Value| {
        event(
            &json!({"id": TEXT_ID, "object": "text_completion", "created": CREATED, "model": model,
            "choices": [{"index": 0, "text": text, "logprobs": null, "finish_reason": finish}]}),
        )
    };
    let finish = frame("", json!("stop"));
    let contents = knobs.texts().map(move |text| frame(&text, Value::Null));
    let marker = knobs.marker.then(marker);
    Box::new(contents.chain([finish]).chain(marker))
}

/// A plain chat answer.
#[must_use]
pub fn chat_body(model: &str, knobs: &Knobs) -> Value {
    let text: String = knobs.texts().collect();
    json!({"id": CHAT_ID, "object": "chat.completion", "created": CREATED, "model": model,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text, "refusal": null},
            "logprobs": null, "finish_reason": "stop"}],
        "usage": usage_of(knobs), "system_fingerprint": "fp_double"})
}

/// A plain completion.
#[must_use]
pub fn completion_body(model: &str, knobs: &Knobs) -> Value {
    let text: String = knobs.texts().collect();
    json!({"id": TEXT_ID, "object": "text_completion", "created": CREATED, "model": model,
        "choices": [{"index": 0, "text": text, "logprobs": null, "finish_reason": "stop"}],
        "usage": usage_of(knobs)})
}

/// Embeddings of `request["input"]`: the same eight numbers for each, as a list or in base64 of little-endian floats.
#[must_use]
pub fn embeddings_body(model: &str, request: &Value) -> Value {
    let inputs = match &request["input"] {
        // A list of numbers is one input given as tokens.
        Value::Array(all) if !all.iter().all(Value::is_number) => all.len(),
        _ => 1,
    };
    let base64 = request["encoding_format"] == "base64";
    let embedding = if base64 {
        let bytes: Vec<u8> = EMBEDDING.iter().flat_map(|x| x.to_le_bytes()).collect();
        json!(crate::base64::encode(&bytes))
    } else {
        json!(EMBEDDING)
    };
    let data: Vec<Value> = (0..inputs)
        .map(|index| json!({"object": "embedding", "index": index, "embedding": embedding}))
        .collect();
    json!({"object": "list", "data": data, "model": model,
        "usage": {"prompt_tokens": inputs, "total_tokens": inputs}})
}

/// A model list.
#[must_use]
pub fn models_body(names: &[&str]) -> Value {
    let data: Vec<Value> = names
        .iter()
        .map(
            |name| json!({"id": name, "object": "model", "created": CREATED, "owned_by": "double"}),
        )
        .collect();
    json!({"object": "list", "data": data})
}

/// An error body with this status' usual type.
#[must_use]
pub fn error_body(status: u16, message: &str) -> Value {
    let (kind, code) = match status {
        400 | 413 | 422 => ("invalid_request_error", Value::Null),
        401 => ("invalid_request_error", json!("invalid_api_key")),
        403 => ("permission_error", Value::Null),
        404 => ("invalid_request_error", json!("model_not_found")),
        429 => ("rate_limit_error", json!("rate_limit_exceeded")),
        _ => ("server_error", Value::Null),
    };
    json!({"error": {"message": message, "type": kind, "param": null, "code": code}})
}

/// An error inside a stream.
#[must_use]
pub fn error_event(status: u16, message: &str) -> Bytes {
    event(&error_body(status, message))
}

/// `[DONE]`.
#[must_use]
pub fn marker() -> Bytes {
    Bytes::from_static(b"data: [DONE]\n\n")
}

/// Makes frames of a chat stream out of a delta and a finish reason.
pub fn chat_frame(model: &str) -> impl Fn(Value, Value) -> Bytes + Send + use<> {
    let model = model.to_owned();
    move |delta, finish| {
        event(
            &json!({"id": CHAT_ID, "object": "chat.completion.chunk", "created": CREATED, "model": model,
            "system_fingerprint": "fp_double",
            "choices": [{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish}]}),
        )
    }
}

fn usage_of(knobs: &Knobs) -> Value {
    json!({"prompt_tokens": 11, "completion_tokens": knobs.events, "total_tokens": 11 + knobs.events,
        "prompt_tokens_details": {"cached_tokens": 3},
        "completion_tokens_details": {"reasoning_tokens": 0}})
}

const CHAT_ID: &str = "chatcmpl-double";
const TEXT_ID: &str = "cmpl-double";
const CREATED: u64 = 1_767_225_600;
const EMBEDDING: [f32; 8] = [0.0, 0.5, -0.5, 0.25, 1.0, -1.0, 0.125, -0.125];
