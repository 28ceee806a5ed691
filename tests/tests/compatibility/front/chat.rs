//! OpenAI chat completions.

use gateway_testkit::client::SseEvent;
use serde_json::{Value, json};

use super::{Heard, arguments, number, parsed, schema, text};
use crate::feature::*;

pub(super) fn body(feature: Feature, mark: &str) -> Option<Value> {
    let user = json!({"role": "user", "content": mark});
    let mut body = json!({"messages": [user]});
    match feature {
        // There is no such thing in OpenAI's dialect.
        Feature::ImageResult
        | Feature::Failure
        | Feature::TopK
        | Feature::CacheMarker
        | Feature::Stopped
        | Feature::Count => return None,
        Feature::Embeddings => body = json!({"input": mark}),
        Feature::Tool | Feature::Parallel | Feature::Signature => body["tools"] = tools(),
        Feature::Choice => {
            body["tools"] = tools();
            body["tool_choice"] = json!({"type": "function", "function": {"name": "weather"}});
        }
        Feature::OneCall => {
            body["tools"] = tools();
            body["parallel_tool_calls"] = json!(false);
        }
        Feature::Search => body["web_search_options"] = json!({}),
        Feature::Schema => {
            let schema = json!({"name": "place", "schema": schema(), "strict": true});
            body["response_format"] = json!({"type": "json_schema", "json_schema": schema});
        }
        Feature::MaxTokens => body["max_completion_tokens"] = json!(2000),
        Feature::Temperature => body["temperature"] = json!(0.5),
        Feature::Seed => body["seed"] = json!(7),
        Feature::Choices => body["n"] = json!(2),
        Feature::Logprobs => body["logprobs"] = json!(true),
        Feature::Stop => body["stop"] = json!([END]),
        Feature::User => body["user"] = json!(USER),
        Feature::Tier => body["service_tier"] = json!("priority"),
        _ => say(feature, mark, &mut body),
    }
    if matches!(feature, Feature::Thinking | Feature::Signature) {
        body["reasoning_effort"] = json!("medium");
    }
    Some(body)
}

/// What is said, and by whom.
fn say(feature: Feature, mark: &str, body: &mut Value) {
    let user = json!({"role": "user", "content": mark});
    match feature {
        Feature::System => {
            body["messages"] = json!([{"role": "system", "content": SYSTEM}, user]);
        }
        Feature::LateSystem => {
            body["messages"] = json!([{"role": "user", "content": EARLIER},
                {"role": "assistant", "content": ANSWERED}, {"role": "system", "content": SYSTEM}, user]);
        }
        Feature::Turns => {
            body["messages"] = json!([{"role": "user", "content": EARLIER},
                {"role": "assistant", "content": ANSWERED}, user]);
        }
        Feature::Image | Feature::File | Feature::Audio => {
            let said = json!({"type": "text", "text": mark});
            body["messages"] = json!([{"role": "user", "content": [said, media(feature)]}]);
        }
        Feature::Result => {
            body["tools"] = tools();
            let call = json!({"id": "call_1", "type": "function",
                "function": {"name": "weather", "arguments": "{\"city\":\"Paris\"}"}});
            body["messages"] = json!([user, {"role": "assistant", "content": null, "tool_calls": [call]},
                {"role": "tool", "tool_call_id": "call_1", "content": RESULT}]);
        }
        _ => {}
    }
}

pub(super) fn next(first: &Heard, mark: &str) -> Value {
    let result = json!({"role": "tool", "tool_call_id": first.calls[0].0, "content": RESULT});
    json!({"messages": [{"role": "user", "content": mark}, first.turn, result],
        "tools": tools(), "reasoning_effort": "medium"})
}

fn media(feature: Feature) -> Value {
    match feature {
        Feature::Image => {
            let url = format!("data:image/png;base64,{PNG}");
            json!({"type": "image_url", "image_url": {"url": url}})
        }
        Feature::File => {
            let data = format!("data:application/pdf;base64,{PDF}");
            json!({"type": "file", "file": {"filename": "a.pdf", "file_data": data}})
        }
        _ => json!({"type": "input_audio", "input_audio": {"data": WAV, "format": "wav"}}),
    }
}

fn tools() -> Value {
    json!([{"type": "function", "function": {"name": "weather", "description": "Of a city",
        "parameters": arguments()}}])
}

pub(super) fn whole(body: &Value) -> Heard {
    let choice = &body["choices"][0];
    let message = &choice["message"];
    let calls = message["tool_calls"].as_array().into_iter().flatten();
    Heard {
        model: body["model"].clone(),
        text: text(&message["content"]),
        pieces: 1,
        thought: text(&message["reasoning_content"]),
        calls: calls
            .map(|call| (text(&call["id"]), parsed(&call["function"]["arguments"])))
            .collect(),
        end: end(&choice["finish_reason"]),
        sequence: None,
        usage: usage(&body["usage"]),
        choices: body["choices"].as_array().map_or(0, Vec::len),
        turn: message.clone(),
    }
}

pub(super) fn streamed(events: &[SseEvent]) -> Heard {
    let mut heard = Heard::default();
    let mut arguments: Vec<(String, String)> = Vec::new();
    for event in events {
        let chunk = event.json();
        let choice = &chunk["choices"][0];
        let delta = &choice["delta"];
        if chunk["model"].is_string() {
            heard.model = chunk["model"].clone();
        }
        if let Some(piece) = delta["content"].as_str().filter(|it| !it.is_empty()) {
            heard.text += piece;
            heard.pieces += 1;
        }
        heard.thought += delta["reasoning_content"].as_str().unwrap_or_default();
        for call in delta["tool_calls"].as_array().into_iter().flatten() {
            let index = usize::try_from(number(&call["index"])).unwrap();
            if index >= arguments.len() {
                arguments.push((text(&call["id"]), String::new()));
            }
            arguments[index].1 += &text(&call["function"]["arguments"]);
        }
        heard.end = end(&choice["finish_reason"]).or(heard.end);
    }
    heard.calls = arguments
        .into_iter()
        .map(|(id, text)| (id, parsed(&Value::from(text))))
        .collect();
    heard
}

fn end(reason: &Value) -> Option<End> {
    Some(match reason.as_str()? {
        "stop" => End::Stop,
        "tool_calls" => End::Calls,
        "length" => End::Length,
        "content_filter" => End::Filter,
        _ => return None,
    })
}

pub(super) fn usage(usage: &Value) -> [u64; 3] {
    [
        number(&usage["prompt_tokens"]),
        number(&usage["completion_tokens"]),
        number(&usage["prompt_tokens_details"]["cached_tokens"]),
    ]
}
