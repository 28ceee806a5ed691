//! OpenAI's responses.

use bytes::Bytes;
use serde_json::{Value, json};

use super::{EventStream, Knobs, named_event};

/// `response.created`, `response.in_progress`, a message with its text piece by piece, `response.completed`.
#[must_use]
pub fn stream(model: &str, knobs: &Knobs) -> EventStream {
    let text: String = knobs.texts().collect();
    let begun = response(model, "in_progress", &json!([]), &Value::Null);
    let preamble = [
        of_response("response.created", &begun),
        of_response("response.in_progress", &begun),
        of_item("response.output_item.added", &message("in_progress", None)),
        of_part("response.content_part.added", ""),
    ];
    let contents = knobs.texts().map(|text| {
        let delta = json!({"item_id": MESSAGE_ID, "output_index": 0, "content_index": 0, "delta": text, "logprobs": []});
        typed("response.output_text.delta", delta)
    });
    let done = json!({"item_id": MESSAGE_ID, "output_index": 0, "content_index": 0, "text": text, "logprobs": []});
    let item = message("completed", Some(&text));
    let end = [
        typed("response.output_text.done", done),
        of_part("response.content_part.done", &text),
        of_item("response.output_item.done", &item),
    ];
    let marker = knobs.marker.then(|| {
        let whole = response(model, "completed", &json!([item]), &usage_of(knobs));
        of_response("response.completed", &whole)
    });
    Box::new(
        preamble
            .into_iter()
            .chain(contents)
            .chain(end)
            .chain(marker),
    )
}

/// A plain answer.
#[must_use]
pub fn body(model: &str, knobs: &Knobs) -> Value {
    let text: String = knobs.texts().collect();
    let output = json!([message("completed", Some(&text))]);
    response(model, "completed", &output, &usage_of(knobs))
}

/// The event that ends a complete stream.
#[must_use]
pub fn marker() -> Bytes {
    let usage = usage_of(&Knobs::default());
    let whole = response("double", "completed", &json!([]), &usage);
    of_response("response.completed", &whole)
}

/// An error inside a stream.
#[must_use]
pub fn error_event(status: u16, message: &str) -> Bytes {
    let code = match status {
        429 => "rate_limit_exceeded",
        529 => "server_is_overloaded",
        _ => "server_error",
    };
    typed(
        "error",
        json!({"code": code, "message": message, "param": null}),
    )
}

fn response(model: &str, status: &str, output: &Value, usage: &Value) -> Value {
    json!({"id": "resp_double", "object": "response", "created_at": 1_767_225_600, "status": status, "error": null,
        "incomplete_details": null, "instructions": null, "metadata": {}, "model": model, "output": output,
        "parallel_tool_calls": true, "temperature": 1.0, "tool_choice": "auto", "tools": [], "top_p": 1.0,
        "usage": usage})
}

fn message(status: &str, text: Option<&str>) -> Value {
    let parts = text.map(
        |text| json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []}),
    );
    let content: Vec<Value> = parts.into_iter().collect();
    json!({"id": MESSAGE_ID, "type": "message", "role": "assistant", "status": status, "content": content})
}

fn of_response(kind: &str, response: &Value) -> Bytes {
    typed(kind, json!({"response": response}))
}

fn of_item(kind: &str, item: &Value) -> Bytes {
    typed(kind, json!({"output_index": 0, "item": item}))
}

fn of_part(kind: &str, text: &str) -> Bytes {
    let part = json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []});
    typed(
        kind,
        json!({"item_id": MESSAGE_ID, "output_index": 0, "content_index": 0, "part": part}),
    )
}

fn typed(kind: &str, mut data: Value) -> Bytes {
    data["type"] = json!(kind);
    data["sequence_number"] = json!(0);
    named_event(kind, &data)
}

fn usage_of(knobs: &Knobs) -> Value {
    json!({"input_tokens": 11, "output_tokens": knobs.events, "total_tokens": 11 + knobs.events,
        "input_tokens_details": {"cached_tokens": 3}, "output_tokens_details": {"reasoning_tokens": 0}})
}

const MESSAGE_ID: &str = "msg_double";
