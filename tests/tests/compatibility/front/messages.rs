//! Anthropic messages.

use gateway_testkit::client::SseEvent;
use serde_json::{Value, json};

use super::{Heard, arguments, number, parsed, schema, text};
use crate::feature::*;

pub(super) fn body(feature: Feature, mark: &str) -> Option<Value> {
    let user = json!({"role": "user", "content": mark});
    let mut body = json!({"max_tokens": 4000, "messages": [user]});
    match feature {
        Feature::Tool | Feature::Parallel | Feature::Signature => body["tools"] = tools(),
        Feature::Choice => {
            body["tools"] = tools();
            body["tool_choice"] = json!({"type": "tool", "name": "weather"});
        }
        Feature::OneCall => {
            body["tools"] = tools();
            body["tool_choice"] = json!({"type": "auto", "disable_parallel_tool_use": true});
        }
        Feature::Search => {
            body["tools"] = json!([{"type": "web_search_20250305", "name": "web_search"}]);
        }
        Feature::Schema => {
            body["output_config"] = json!({"format": {"type": "json_schema", "schema": schema()}});
        }
        Feature::MaxTokens => body["max_tokens"] = json!(2000),
        Feature::Temperature => body["temperature"] = json!(0.5),
        Feature::TopK => body["top_k"] = json!(20),
        Feature::Stop | Feature::Stopped => body["stop_sequences"] = json!([END]),
        Feature::CacheMarker => {
            let cache = json!({"type": "ephemeral"});
            body["system"] = json!([{"type": "text", "text": SYSTEM, "cache_control": cache}]);
        }
        Feature::User => body["metadata"] = json!({"user_id": USER}),
        Feature::Count => body = json!({"messages": [user]}),
        // Anthropic has none of these; its tiers only say what is usual elsewhere.
        Feature::LateSystem
        | Feature::Embeddings
        | Feature::Audio
        | Feature::Seed
        | Feature::Choices
        | Feature::Logprobs
        | Feature::Tier => {
            return None;
        }
        _ => say(feature, mark, &mut body),
    }
    if matches!(feature, Feature::Thinking | Feature::Signature) {
        body["thinking"] = thinking();
    }
    Some(body)
}

/// What is said, and by whom.
fn say(feature: Feature, mark: &str, body: &mut Value) {
    let user = json!({"role": "user", "content": mark});
    let with = |block: Value| json!([{"role": "user", "content": [block, {"type": "text", "text": mark}]}]);
    match feature {
        Feature::System => body["system"] = json!(SYSTEM),
        Feature::Turns => {
            body["messages"] = json!([{"role": "user", "content": EARLIER},
                {"role": "assistant", "content": ANSWERED}, user]);
        }
        Feature::Image => body["messages"] = with(media("image", "image/png", PNG)),
        Feature::File => body["messages"] = with(media("document", "application/pdf", PDF)),
        Feature::Result | Feature::Failure | Feature::ImageResult => {
            body["tools"] = tools();
            let call = json!({"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Paris"}});
            let mut result = result("toolu_1");
            if feature == Feature::Failure {
                result["content"] = json!(FAILURE);
                result["is_error"] = json!(true);
            }
            if feature == Feature::ImageResult {
                result["content"] = json!([media("image", "image/png", PNG)]);
            }
            body["messages"] = json!([user, {"role": "assistant", "content": [call]},
                {"role": "user", "content": [result]}]);
        }
        _ => {}
    }
}

pub(super) fn next(first: &Heard, mark: &str) -> Value {
    json!({"max_tokens": 4000, "thinking": thinking(), "tools": tools(), "messages": [
        {"role": "user", "content": mark},
        {"role": "assistant", "content": first.turn},
        {"role": "user", "content": [result(&first.calls[0].0)]}]})
}

fn result(id: &str) -> Value {
    json!({"type": "tool_result", "tool_use_id": id, "content": RESULT})
}

fn thinking() -> Value {
    json!({"type": "enabled", "budget_tokens": 2048})
}

fn media(kind: &str, media_type: &str, data: &str) -> Value {
    json!({"type": kind, "source": {"type": "base64", "media_type": media_type, "data": data}})
}

fn tools() -> Value {
    json!([{"name": "weather", "description": "Of a city", "input_schema": arguments()}])
}

pub(super) fn whole(body: &Value) -> Heard {
    let mut heard = Heard {
        model: body["model"].clone(),
        pieces: 1,
        choices: 1,
        turn: body["content"].clone(),
        end: end(&body["stop_reason"]),
        sequence: body["stop_sequence"].as_str().map(str::to_owned),
        usage: usage(&body["usage"]),
        ..Heard::default()
    };
    for block in body["content"].as_array().into_iter().flatten() {
        heard.text += &text(&block["text"]);
        heard.thought += &text(&block["thinking"]);
        if block["type"] == "tool_use" {
            let call = (text(&block["id"]), block["input"].clone());
            heard.calls.push(call);
        }
    }
    heard
}

pub(super) fn streamed(events: &[SseEvent]) -> Heard {
    let mut heard = Heard::default();
    let mut calls: Vec<(String, String)> = Vec::new();
    for event in events {
        let event = event.json();
        let delta = &event["delta"];
        match event["type"].as_str() {
            Some("message_start") => heard.model = event["message"]["model"].clone(),
            Some("content_block_start") if event["content_block"]["type"] == "tool_use" => {
                calls.push((text(&event["content_block"]["id"]), String::new()));
            }
            Some("content_block_delta") => {
                if let Some(piece) = delta["text"].as_str() {
                    heard.text += piece;
                    heard.pieces += 1;
                }
                heard.thought += &text(&delta["thinking"]);
                if let Some(piece) = delta["partial_json"].as_str() {
                    calls.last_mut().unwrap().1 += piece;
                }
            }
            Some("message_delta") => heard.end = end(&delta["stop_reason"]),
            _ => {}
        }
    }
    heard.calls = calls
        .into_iter()
        .map(|(id, text)| (id, parsed(&Value::from(text))))
        .collect();
    heard
}

fn end(reason: &Value) -> Option<End> {
    Some(match reason.as_str()? {
        "end_turn" => End::Stop,
        "stop_sequence" => End::Sequence,
        "tool_use" => End::Calls,
        "max_tokens" => End::Length,
        "refusal" => End::Filter,
        _ => return None,
    })
}

fn usage(usage: &Value) -> [u64; 3] {
    let cached = number(&usage["cache_read_input_tokens"]);
    let written = number(&usage["cache_creation_input_tokens"]);
    let input = number(&usage["input_tokens"]) + cached + written;
    [input, number(&usage["output_tokens"]), cached]
}
