//! OpenAI completions.

use serde_json::{Value, json};

use super::{Event, MODEL, chat, is_half, says};
use crate::feature::*;

pub(super) fn has(feature: Feature, body: &Value) -> bool {
    match feature {
        Feature::MaxTokens => body["max_tokens"] == 2000,
        Feature::Temperature => is_half(&body["temperature"]),
        Feature::Seed => body["seed"] == 7,
        Feature::Choices => body["n"] == 2,
        Feature::Stop => says(&body["stop"], END),
        Feature::User => says(&body["user"], USER),
        _ => says(&body["prompt"], "[["),
    }
}

pub(super) fn whole(said: &Said, request: &Value) -> Value {
    let choice = |index: u64| json!({"index": index, "text": said.whole(), "logprobs": null, "finish_reason": chat::end(said.end)});
    let choices: Vec<Value> = (0..request["n"].as_u64().unwrap_or(1))
        .map(choice)
        .collect();
    json!({"id": "cmpl-double", "object": "text_completion", "created": 1_700_000_000, "model": MODEL,
        "choices": choices, "usage": chat::usage(said)})
}

pub(super) fn events(said: &Said) -> Vec<Event> {
    let chunk = |text: &str, end: Value| -> Event {
        let choice = json!({"index": 0, "text": text, "logprobs": null, "finish_reason": end});
        (
            "",
            json!({"id": "cmpl-double", "object": "text_completion", "created": 1_700_000_000, "model": MODEL,
            "choices": [choice]}),
        )
    };
    let mut events: Vec<Event> = said
        .text
        .iter()
        .map(|piece| chunk(piece, Value::Null))
        .collect();
    events.push(chunk("", json!(chat::end(said.end))));
    events.push(("", json!("[DONE]")));
    events
}
