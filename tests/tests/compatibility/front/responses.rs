//! OpenAI responses, without state at the provider.

use gateway_testkit::client::SseEvent;
use serde_json::{Value, json};

use super::{Heard, arguments, number, parsed, schema, text};
use crate::feature::*;

pub(super) fn body(feature: Feature, mark: &str) -> Option<Value> {
    let mut body = json!({"input": mark, "store": false});
    match feature {
        Feature::Tool | Feature::Parallel | Feature::Signature => body["tools"] = tools(),
        Feature::Choice => {
            body["tools"] = tools();
            body["tool_choice"] = json!({"type": "function", "name": "weather"});
        }
        Feature::OneCall => {
            body["tools"] = tools();
            body["parallel_tool_calls"] = json!(false);
        }
        Feature::Search => body["tools"] = json!([{"type": "web_search"}]),
        Feature::Schema => {
            let format =
                json!({"type": "json_schema", "name": "place", "schema": schema(), "strict": true});
            body["text"] = json!({"format": format});
        }
        Feature::MaxTokens => body["max_output_tokens"] = json!(2000),
        Feature::Temperature => body["temperature"] = json!(0.5),
        Feature::Logprobs => body["include"] = json!(["message.output_text.logprobs"]),
        Feature::User => body["user"] = json!(USER),
        Feature::Tier => body["service_tier"] = json!("priority"),
        // OpenAI's Responses have none of these.
        Feature::Audio
        | Feature::Embeddings
        | Feature::Failure
        | Feature::TopK
        | Feature::Seed
        | Feature::Choices
        | Feature::Stop
        | Feature::Stopped
        | Feature::CacheMarker
        | Feature::Count => return None,
        _ => say(feature, mark, &mut body),
    }
    if matches!(feature, Feature::Thinking | Feature::Signature) {
        thinking(&mut body);
    }
    Some(body)
}

/// What is said, and by whom.
fn say(feature: Feature, mark: &str, body: &mut Value) {
    let user = json!({"role": "user", "content": mark});
    match feature {
        Feature::System => body["instructions"] = json!(SYSTEM),
        Feature::Turns => {
            body["input"] = json!([{"role": "user", "content": EARLIER},
                {"role": "assistant", "content": [{"type": "output_text", "text": ANSWERED}]}, user]);
        }
        Feature::Image | Feature::File => {
            let said = json!({"type": "input_text", "text": mark});
            body["input"] = json!([{"role": "user", "content": [said, media(feature)]}]);
        }
        Feature::LateSystem => {
            body["input"] = json!([{"role": "user", "content": EARLIER},
                {"role": "assistant", "content": [{"type": "output_text", "text": ANSWERED}]},
                {"role": "developer", "content": SYSTEM}, user]);
        }
        Feature::Result | Feature::ImageResult => {
            body["tools"] = tools();
            let call = json!({"type": "function_call", "call_id": "call_1", "name": "weather",
                "arguments": "{\"city\":\"Paris\"}"});
            let mut result = result("call_1");
            if feature == Feature::ImageResult {
                result["output"] = json!([media(Feature::Image)]);
            }
            body["input"] = json!([user, call, result]);
        }
        _ => {}
    }
}

pub(super) fn next(first: &Heard, mark: &str) -> Value {
    let mut input = vec![json!({"role": "user", "content": mark})];
    input.extend(first.turn.as_array().cloned().unwrap_or_default());
    input.push(result(&first.calls[0].0));
    let mut body = json!({"input": input, "store": false, "tools": tools()});
    thinking(&mut body);
    body
}

fn result(id: &str) -> Value {
    json!({"type": "function_call_output", "call_id": id, "output": RESULT})
}

fn thinking(body: &mut Value) {
    body["reasoning"] = json!({"effort": "medium", "summary": "auto"});
    body["include"] = json!(["reasoning.encrypted_content"]);
}

fn media(feature: Feature) -> Value {
    if feature == Feature::Image {
        let url = format!("data:image/png;base64,{PNG}");
        return json!({"type": "input_image", "image_url": url});
    }
    let data = format!("data:application/pdf;base64,{PDF}");
    json!({"type": "input_file", "filename": "a.pdf", "file_data": data})
}

fn tools() -> Value {
    json!([{"type": "function", "name": "weather", "description": "Of a city", "parameters": arguments(),
        "strict": false}])
}

pub(super) fn whole(body: &Value) -> Heard {
    let mut heard = Heard {
        model: body["model"].clone(),
        pieces: 1,
        turn: body["output"].clone(),
        choices: 1,
        ..Heard::default()
    };
    for item in body["output"].as_array().into_iter().flatten() {
        let parts = |key: &str| -> String {
            let parts = item[key].as_array().into_iter().flatten();
            parts.map(|part| text(&part["text"])).collect()
        };
        match item["type"].as_str() {
            Some("message") => heard.text += &parts("content"),
            Some("reasoning") => heard.thought += &parts("summary"),
            Some("function_call") => {
                let call = (text(&item["call_id"]), parsed(&item["arguments"]));
                heard.calls.push(call);
            }
            _ => {}
        }
    }
    heard.end = match body["status"].as_str() {
        Some("completed") if heard.calls.is_empty() => Some(End::Stop),
        Some("completed") => Some(End::Calls),
        Some("incomplete") if body["incomplete_details"]["reason"] == "content_filter" => {
            Some(End::Filter)
        }
        Some("incomplete") => Some(End::Length),
        _ => None,
    };
    let usage = &body["usage"];
    heard.usage = [
        number(&usage["input_tokens"]),
        number(&usage["output_tokens"]),
        number(&usage["input_tokens_details"]["cached_tokens"]),
    ];
    heard
}

/// The last event has the whole answer; the pieces must make up the same.
pub(super) fn streamed(events: &[SseEvent]) -> Heard {
    let events: Vec<Value> = events.iter().map(SseEvent::json).collect();
    let mut heard = events
        .last()
        .map_or_else(Heard::default, |it| whole(&it["response"]));
    let pieces = |kind: &str| -> Vec<String> {
        let wanted = events.iter().filter(|event| event["type"] == kind);
        wanted.map(|event| text(&event["delta"])).collect()
    };
    let texts = pieces("response.output_text.delta");
    if texts.concat() != heard.text {
        heard.text = format!("{} in pieces, {} as a whole", texts.concat(), heard.text);
    }
    heard.pieces = texts.len();
    heard
}
