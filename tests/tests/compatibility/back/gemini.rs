//! Gemini, at Google's API and on Vertex.

use serde_json::{Value, json};

use super::{Event, MODEL, has_schema, is_half, says, within};
use crate::feature::*;

pub(super) fn has(feature: Feature, body: &Value) -> bool {
    let contents = &body["contents"];
    let config = &body["generationConfig"];
    let media = |mime: &str, data: &str| {
        within(&contents[0], &|it| {
            it["inlineData"]["mimeType"] == mime && it["inlineData"]["data"] == data
        })
    };
    let function = &body["tools"][0]["functionDeclarations"][0];
    let response = &contents[2]["parts"][0]["functionResponse"];
    match feature.plain() {
        Feature::System => says(&body["systemInstruction"], SYSTEM),
        Feature::Turns => {
            says(&contents[0], EARLIER)
                && says(&contents[1], ANSWERED)
                && contents[1]["role"] == "model"
        }
        Feature::Image => media("image/png", PNG),
        Feature::File => media("application/pdf", PDF),
        Feature::Audio => media("audio/wav", WAV),
        Feature::Tool | Feature::Parallel => function["name"] == "weather" && has_schema(function),
        Feature::Result => says(response, RESULT) && response["name"] == "weather",
        Feature::Failure => says(&response["response"]["error"], FAILURE),
        Feature::Choice => {
            let calling = &body["toolConfig"]["functionCallingConfig"];
            calling["mode"] == "ANY" && calling["allowedFunctionNames"] == json!(["weather"])
        }
        Feature::Schema => config["responseMimeType"] == "application/json" && has_schema(config),
        Feature::Search => within(&body["tools"], &|it| it["googleSearch"].is_object()),
        Feature::Thinking => config["thinkingConfig"].is_object(),
        Feature::Signature => within(&contents[1], &|it| it["thoughtSignature"] == SIGNATURE),
        Feature::MaxTokens => config["maxOutputTokens"] == 2000,
        Feature::Temperature => is_half(&config["temperature"]),
        Feature::TopK => config["topK"] == 20,
        Feature::Seed => config["seed"] == 7,
        Feature::Choices => config["candidateCount"] == 2,
        Feature::Logprobs => config["responseLogprobs"] == true,
        Feature::Stop => says(&config["stopSequences"], END),
        Feature::Tier => body["serviceTier"].is_string(),
        Feature::User => says(&body["labels"], USER),
        Feature::OneCall | Feature::CacheMarker => false,
        _ => says(body, "[["),
    }
}

fn calls(said: &Said) -> Vec<Value> {
    let calls = said.calls.iter().map(|(_, arguments)| {
        let args: Value = serde_json::from_str(arguments).unwrap();
        json!({"functionCall": {"name": "weather", "args": args}})
    });
    let mut calls: Vec<Value> = calls.collect();
    if let (Some(_), Some(first)) = (said.thought, calls.first_mut()) {
        first["thoughtSignature"] = json!(SIGNATURE);
    }
    calls
}

fn chunk(parts: &[Value], end: Value) -> Value {
    let mut candidate = json!({"index": 0, "content": {"role": "model", "parts": parts}});
    if !end.is_null() {
        candidate["finishReason"] = end;
    }
    json!({"candidates": [candidate], "modelVersion": MODEL, "responseId": "double"})
}

pub(super) fn whole(said: &Said, request: &Value) -> Value {
    let mut parts = Vec::new();
    if let Some(thought) = said.thought {
        parts.push(json!({"text": thought, "thought": true}));
    }
    if !said.text.is_empty() {
        parts.push(json!({"text": said.whole()}));
    }
    parts.extend(calls(said));
    let mut answer = chunk(&parts, json!(end(said.end)));
    answer["usageMetadata"] = usage(said);
    let config = &request["generationConfig"];
    if config["responseLogprobs"] == true {
        let token = json!({"token": "Good", "tokenId": 1, "logProbability": -0.25});
        answer["candidates"][0]["logprobsResult"] =
            json!({"chosenCandidates": [token], "topCandidates": []});
    }
    if config["candidateCount"] == 2 {
        let mut second = answer["candidates"][0].clone();
        second["index"] = json!(1);
        answer["candidates"] = json!([answer["candidates"][0], second]);
    }
    answer
}

pub(super) fn events(said: &Said) -> Vec<Event> {
    let mut events = Vec::new();
    if let Some(thought) = said.thought {
        events.push(chunk(
            &[json!({"text": thought, "thought": true})],
            Value::Null,
        ));
    }
    for piece in said.text {
        events.push(chunk(&[json!({"text": piece})], Value::Null));
    }
    for call in calls(said) {
        events.push(chunk(&[call], Value::Null));
    }
    let mut last = chunk(&[json!({"text": ""})], json!(end(said.end)));
    last["usageMetadata"] = usage(said);
    events.push(last);
    events.into_iter().map(|data| ("", data)).collect()
}

fn end(end: End) -> &'static str {
    match end {
        End::Stop | End::Sequence | End::Calls => "STOP",
        End::Length => "MAX_TOKENS",
        End::Filter => "SAFETY",
    }
}

fn usage(said: &Said) -> Value {
    let mut usage = json!({"promptTokenCount": INPUT, "candidatesTokenCount": OUTPUT,
        "totalTokenCount": INPUT + OUTPUT});
    if said.cached > 0 {
        usage["cachedContentTokenCount"] = json!(said.cached);
    }
    usage
}
