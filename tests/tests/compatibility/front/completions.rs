//! OpenAI completions: a prompt and texts, nothing else.

use gateway_testkit::client::SseEvent;
use serde_json::{Value, json};

use super::{Heard, chat, text};
use crate::feature::*;

pub(super) fn body(feature: Feature, mark: &str) -> Option<Value> {
    let mut body = json!({"prompt": mark});
    match feature {
        Feature::Text
        | Feature::Stream
        | Feature::Length
        | Feature::Filtered
        | Feature::Cached
        | Feature::Limited
        | Feature::Overloaded
        | Feature::TooLong
        | Feature::Unknown
        | Feature::Denied
        | Feature::Broken => {}
        Feature::MaxTokens => body["max_tokens"] = json!(2000),
        Feature::Temperature => body["temperature"] = json!(0.5),
        Feature::Seed => body["seed"] = json!(7),
        Feature::Choices => body["n"] = json!(2),
        Feature::Stop => body["stop"] = json!([END]),
        Feature::User => body["user"] = json!(USER),
        _ => return None,
    }
    Some(body)
}

pub(super) fn whole(body: &Value) -> Heard {
    let choice = &body["choices"][0];
    Heard {
        model: body["model"].clone(),
        text: text(&choice["text"]),
        pieces: 1,
        end: end(&choice["finish_reason"]),
        usage: chat::usage(&body["usage"]),
        choices: body["choices"].as_array().map_or(0, Vec::len),
        ..Heard::default()
    }
}

pub(super) fn streamed(events: &[SseEvent]) -> Heard {
    let mut heard = Heard::default();
    for event in events {
        let chunk = event.json();
        let choice = &chunk["choices"][0];
        if chunk["model"].is_string() {
            heard.model = chunk["model"].clone();
        }
        if let Some(piece) = choice["text"].as_str().filter(|it| !it.is_empty()) {
            heard.text += piece;
            heard.pieces += 1;
        }
        heard.end = end(&choice["finish_reason"]).or(heard.end);
    }
    heard
}

fn end(reason: &Value) -> Option<End> {
    Some(match reason.as_str()? {
        "stop" => End::Stop,
        "length" => End::Length,
        "content_filter" => End::Filter,
        _ => return None,
    })
}
