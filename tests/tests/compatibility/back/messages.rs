//! Anthropic messages, at Anthropic, Vertex and Bedrock.

use serde_json::{Value, json};

use super::{Event, MODEL, halves, has_schema, is_half, says, within};
use crate::feature::*;

pub(super) fn has(feature: Feature, body: &Value) -> bool {
    let messages = &body["messages"];
    let first = |kind: &str| {
        let blocks = messages[0]["content"].as_array().into_iter().flatten();
        blocks
            .into_iter()
            .find(|it| it["type"] == kind)
            .cloned()
            .unwrap_or_default()
    };
    let result = &messages[2]["content"][0];
    let tool = &body["tools"][0];
    match feature.plain() {
        Feature::System => says(&body["system"], SYSTEM),
        Feature::Turns => {
            says(&messages[0], EARLIER)
                && says(&messages[1], ANSWERED)
                && messages[1]["role"] == "assistant"
        }
        Feature::Image => first("image")["source"]["data"] == PNG,
        Feature::File => first("document")["source"]["data"] == PDF,
        Feature::Tool | Feature::Parallel => {
            tool["name"] == "weather" && has_schema(&tool["input_schema"])
        }
        Feature::Result => {
            says(result, RESULT) && result["tool_use_id"] == messages[1]["content"][0]["id"]
        }
        Feature::Failure => says(result, FAILURE) && result["is_error"] == true,
        Feature::Choice => {
            body["tool_choice"]["type"] == "tool" && body["tool_choice"]["name"] == "weather"
        }
        Feature::OneCall => body["tool_choice"]["disable_parallel_tool_use"] == true,
        Feature::Schema => {
            body["output_config"]["format"]["type"] == "json_schema"
                && has_schema(&body["output_config"])
        }
        Feature::Search => within(&body["tools"], &|it| it["name"] == "web_search"),
        Feature::Thinking => matches!(
            body["thinking"]["type"].as_str(),
            Some("enabled" | "adaptive")
        ),
        Feature::Signature => within(&messages[1], &|it| {
            it["signature"] == SIGNATURE && it["thinking"] == THOUGHT
        }),
        Feature::MaxTokens => body["max_tokens"] == 2000,
        Feature::Temperature => is_half(&body["temperature"]),
        Feature::TopK => body["top_k"] == 20,
        Feature::Stop => says(&body["stop_sequences"], END),
        Feature::CacheMarker => within(&body["system"], &|it| {
            it["cache_control"]["type"] == "ephemeral"
        }),
        Feature::User => says(&body["metadata"]["user_id"], USER),
        Feature::Tier => body["service_tier"].is_string(),
        Feature::Audio | Feature::Seed | Feature::Choices | Feature::Logprobs => false,
        _ => says(body, "[["),
    }
}

fn blocks(said: &Said) -> Vec<Value> {
    let mut blocks = Vec::new();
    if let Some(thought) = said.thought {
        blocks.push(json!({"type": "thinking", "thinking": thought, "signature": SIGNATURE}));
    }
    if !said.text.is_empty() {
        blocks.push(json!({"type": "text", "text": said.whole()}));
    }
    for (id, arguments) in said.calls {
        let input: Value = serde_json::from_str(arguments).unwrap();
        blocks.push(json!({"type": "tool_use", "id": id, "name": "weather", "input": input}));
    }
    blocks
}

pub(super) fn whole(said: &Said) -> Value {
    let (reason, sequence) = end(said.end);
    json!({"id": "msg_double", "type": "message", "role": "assistant", "model": MODEL, "content": blocks(said),
        "stop_reason": reason, "stop_sequence": sequence, "usage": usage(said)})
}

pub(super) fn events(said: &Said) -> Vec<Event> {
    let mut begun = whole(said);
    begun["content"] = json!([]);
    begun["stop_reason"] = Value::Null;
    begun["stop_sequence"] = Value::Null;
    begun["usage"]["output_tokens"] = json!(1);
    let mut events: Vec<Event> = vec![("message_start", json!({"message": begun}))];
    let mut calls = said.calls.iter();
    for (index, block) in blocks(said).into_iter().enumerate() {
        let mut open = block.clone();
        let mut deltas = Vec::new();
        match block["type"].as_str() {
            Some("thinking") => {
                open["thinking"] = json!("");
                open["signature"] = json!("");
                deltas.push(json!({"type": "thinking_delta", "thinking": block["thinking"]}));
                deltas.push(json!({"type": "signature_delta", "signature": SIGNATURE}));
            }
            Some("text") => {
                open["text"] = json!("");
                deltas.extend(
                    said.text
                        .iter()
                        .map(|piece| json!({"type": "text_delta", "text": piece})),
                );
            }
            _ => {
                open["input"] = json!({});
                let (_, arguments) = calls.next().unwrap();
                deltas.extend(
                    halves(arguments)
                        .map(|piece| json!({"type": "input_json_delta", "partial_json": piece})),
                );
            }
        }
        events.push((
            "content_block_start",
            json!({"index": index, "content_block": open}),
        ));
        let deltas = deltas
            .into_iter()
            .map(|delta| json!({"index": index, "delta": delta}));
        events.extend(deltas.map(|data| ("content_block_delta", data)));
        events.push(("content_block_stop", json!({"index": index})));
    }
    let (reason, sequence) = end(said.end);
    let delta = json!({"stop_reason": reason, "stop_sequence": sequence});
    events.push((
        "message_delta",
        json!({"delta": delta, "usage": {"output_tokens": OUTPUT}}),
    ));
    events.push(("message_stop", json!({})));
    for (name, data) in &mut events {
        data["type"] = json!(name);
    }
    events
}

fn end(end: End) -> (&'static str, Option<&'static str>) {
    match end {
        End::Stop => ("end_turn", None),
        End::Sequence => ("stop_sequence", Some(END)),
        End::Calls => ("tool_use", None),
        End::Length => ("max_tokens", None),
        End::Filter => ("refusal", None),
    }
}

fn usage(said: &Said) -> Value {
    json!({"input_tokens": INPUT - said.cached, "output_tokens": OUTPUT,
        "cache_creation_input_tokens": 0, "cache_read_input_tokens": said.cached})
}
