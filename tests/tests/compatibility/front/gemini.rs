//! Gemini's `generateContent` and its neighbors.

use serde_json::{Value, json};

use super::{Heard, arguments, number, schema, text};
use crate::feature::*;

pub(super) fn body(feature: Feature, mark: &str) -> Option<Value> {
    let user = turn("user", &json!({"text": mark}));
    let mut body = json!({"contents": [user]});
    let config = |name: &str, value: Value| json!({name: value});
    match feature {
        Feature::Tool | Feature::Parallel | Feature::Signature => body["tools"] = tools(),
        Feature::Choice => {
            body["tools"] = tools();
            let config = json!({"mode": "ANY", "allowedFunctionNames": ["weather"]});
            body["toolConfig"] = json!({"functionCallingConfig": config});
        }
        Feature::Search => body["tools"] = json!([{"googleSearch": {}}]),
        Feature::Schema => {
            body["generationConfig"] = json!({"responseMimeType": "application/json",
                "responseJsonSchema": schema()});
        }
        Feature::MaxTokens => body["generationConfig"] = config("maxOutputTokens", json!(2000)),
        Feature::Temperature => body["generationConfig"] = config("temperature", json!(0.5)),
        Feature::TopK => body["generationConfig"] = config("topK", json!(20)),
        Feature::Seed => body["generationConfig"] = config("seed", json!(7)),
        Feature::Choices => body["generationConfig"] = config("candidateCount", json!(2)),
        Feature::Logprobs => body["generationConfig"] = config("responseLogprobs", json!(true)),
        Feature::Stop => {
            body["generationConfig"] = config("stopSequences", json!([END]));
        }
        // Gemini has none of these.
        Feature::LateSystem
        | Feature::ImageResult
        | Feature::OneCall
        | Feature::Stopped
        | Feature::CacheMarker
        | Feature::User
        | Feature::Tier
        | Feature::Embeddings => return None,
        _ => say(feature, mark, &mut body),
    }
    if matches!(feature, Feature::Thinking | Feature::Signature) {
        body["generationConfig"] = thinking();
    }
    Some(body)
}

/// What is said, and by whom.
fn say(feature: Feature, mark: &str, body: &mut Value) {
    let user = turn("user", &json!({"text": mark}));
    let with = |part: Value| json!([{"role": "user", "parts": [{"text": mark}, part]}]);
    match feature {
        Feature::System => body["systemInstruction"] = json!({"parts": [{"text": SYSTEM}]}),
        Feature::Turns => {
            let earlier = turn("user", &json!({"text": EARLIER}));
            let answered = turn("model", &json!({"text": ANSWERED}));
            body["contents"] = json!([earlier, answered, user]);
        }
        Feature::Image => body["contents"] = with(media("image/png", PNG)),
        Feature::File => body["contents"] = with(media("application/pdf", PDF)),
        Feature::Audio => body["contents"] = with(media("audio/wav", WAV)),
        Feature::Result | Feature::Failure => {
            body["tools"] = tools();
            let call = json!({"functionCall": {"name": "weather", "args": {"city": "Paris"}}});
            let outcome = match feature {
                Feature::Failure => json!({"error": FAILURE}),
                _ => json!({"result": RESULT}),
            };
            let result = json!({"functionResponse": {"name": "weather", "response": outcome}});
            body["contents"] = json!([user, turn("model", &call), turn("user", &result)]);
        }
        _ => {}
    }
}

pub(super) fn next(first: &Heard, mark: &str) -> Value {
    let mut response = json!({"name": "weather", "response": {"result": RESULT}});
    if !first.calls[0].0.is_empty() {
        response["id"] = json!(first.calls[0].0);
    }
    let result = json!({"functionResponse": response});
    json!({"contents": [turn("user", &json!({"text": mark})), first.turn, turn("user", &result)],
        "tools": tools(), "generationConfig": thinking()})
}

fn thinking() -> Value {
    json!({"thinkingConfig": {"thinkingBudget": 2048, "includeThoughts": true}})
}

fn turn(role: &str, part: &Value) -> Value {
    json!({"role": role, "parts": [part]})
}

fn media(mime_type: &str, data: &str) -> Value {
    json!({"inlineData": {"mimeType": mime_type, "data": data}})
}

fn tools() -> Value {
    json!([{"functionDeclarations": [{"name": "weather", "description": "Of a city",
        "parametersJsonSchema": arguments()}]}])
}

/// One answer, or the chunks of a stream.
pub(super) fn whole(chunks: &[Value]) -> Heard {
    let mut heard = Heard::default();
    let mut parts = Vec::new();
    for chunk in chunks {
        let candidate = &chunk["candidates"][0];
        if chunk["modelVersion"].is_string() {
            heard.model = chunk["modelVersion"].clone();
        }
        heard.choices = chunk["candidates"].as_array().map_or(0, Vec::len);
        let said = candidate["content"]["parts"].as_array();
        for part in said.into_iter().flatten() {
            parts.push(part.clone());
            match part["text"].as_str().filter(|it| !it.is_empty()) {
                Some(piece) if part["thought"] == true => heard.thought += piece,
                Some(piece) => {
                    heard.text += piece;
                    heard.pieces += 1;
                }
                None => {}
            }
            if part["functionCall"].is_object() {
                let call = &part["functionCall"];
                heard.calls.push((text(&call["id"]), call["args"].clone()));
            }
        }
        heard.end = end(&candidate["finishReason"], &heard).or(heard.end);
        if chunk["usageMetadata"].is_object() {
            heard.usage = usage(&chunk["usageMetadata"]);
        }
    }
    heard.turn = json!({"role": "model", "parts": parts});
    heard
}

fn end(reason: &Value, heard: &Heard) -> Option<End> {
    Some(match reason.as_str()? {
        "STOP" if heard.calls.is_empty() => End::Stop,
        "STOP" => End::Calls,
        "MAX_TOKENS" => End::Length,
        "SAFETY" | "PROHIBITED_CONTENT" => End::Filter,
        _ => return None,
    })
}

fn usage(usage: &Value) -> [u64; 3] {
    [
        number(&usage["promptTokenCount"]),
        number(&usage["candidatesTokenCount"]) + number(&usage["thoughtsTokenCount"]),
        number(&usage["cachedContentTokenCount"]),
    ]
}
