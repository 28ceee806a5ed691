//! OpenAI chat completions, and those who copied them.

use serde_json::{Value, json};

use super::{Event, MODEL, halves, has_schema, is_half, says};
use crate::feature::*;

pub(super) fn has(feature: Feature, body: &Value) -> bool {
    match feature.plain() {
        Feature::Schema => {
            let format = &body["response_format"];
            format["type"] == "json_schema" && has_schema(&format["json_schema"]["schema"])
        }
        Feature::Search => body["web_search_options"].is_object(),
        Feature::Thinking => body["reasoning_effort"].is_string(),
        Feature::Signature => says(body, SIGNATURE),
        Feature::MaxTokens => body["max_completion_tokens"] == 2000 || body["max_tokens"] == 2000,
        Feature::Temperature => is_half(&body["temperature"]),
        Feature::TopK => body["top_k"] == 20,
        Feature::Seed => body["seed"] == 7,
        Feature::Choices => body["n"] == 2,
        Feature::Logprobs => body["logprobs"] == true,
        Feature::Stop => says(&body["stop"], END),
        Feature::CacheMarker => !body["messages"][0]["content"][0]["cache_control"].is_null(),
        Feature::User => says(&body["user"], USER) || says(&body["safety_identifier"], USER),
        Feature::Tier => body["service_tier"].is_string(),
        other => has_said(other, body),
    }
}

/// The same of what is said, and of tools.
fn has_said(feature: Feature, body: &Value) -> bool {
    let messages = &body["messages"];
    let of = |role: &str| -> Vec<&Value> {
        let all = messages.as_array().into_iter().flatten();
        all.filter(|message| message["role"] == role).collect()
    };
    let function = &body["tools"][0]["function"];
    let part = |kind: &str| {
        let parts = messages[0]["content"].as_array().into_iter().flatten();
        parts
            .into_iter()
            .find(|it| it["type"] == kind)
            .cloned()
            .unwrap_or_default()
    };
    match feature {
        Feature::System => {
            matches!(messages[0]["role"].as_str(), Some("system" | "developer"))
                && says(&messages[0], SYSTEM)
        }
        Feature::Turns => says(&messages[0], EARLIER) && says(of("assistant")[0], ANSWERED),
        Feature::Image => {
            part("image_url")["image_url"]["url"] == format!("data:image/png;base64,{PNG}")
        }
        Feature::File => {
            part("file")["file"]["file_data"] == format!("data:application/pdf;base64,{PDF}")
        }
        Feature::Audio => {
            part("input_audio")["input_audio"] == json!({"data": WAV, "format": "wav"})
        }
        Feature::Tool | Feature::Parallel => {
            function["name"] == "weather" && has_schema(&function["parameters"])
        }
        Feature::Result => {
            let call = &messages[1]["tool_calls"][0];
            says(of("tool")[0], RESULT) && of("tool")[0]["tool_call_id"] == call["id"]
        }
        // OpenAI has no field for it: the text says so.
        Feature::Failure => {
            says(of("tool")[0], FAILURE)
                && of("tool")[0].to_string().to_lowercase().contains("error")
        }
        Feature::Choice => {
            body["tool_choice"] == json!({"type": "function", "function": {"name": "weather"}})
        }
        Feature::OneCall => body["parallel_tool_calls"] == false,
        _ => says(body, "[["),
    }
}

pub(super) fn whole(said: &Said, request: &Value) -> Value {
    let mut message = json!({"role": "assistant", "content": null, "refusal": null});
    if !said.text.is_empty() {
        message["content"] = json!(said.whole());
    }
    if let Some(thought) = said.thought.filter(|_| !is_openai(request)) {
        message["reasoning_content"] = json!(thought);
    }
    if !said.calls.is_empty() {
        let calls = said.calls.iter().map(|(id, arguments)| {
            json!({"id": id, "type": "function", "function": {"name": "weather", "arguments": arguments}})
        });
        message["tool_calls"] = calls.collect();
    }
    let choice = |index: u64| {
        let mut choice = json!({"index": index, "message": message, "finish_reason": end(said.end), "logprobs": null});
        if request["logprobs"] == true {
            let token =
                json!({"token": "Good", "logprob": -0.25, "bytes": null, "top_logprobs": []});
            choice["logprobs"] = json!({"content": [token], "refusal": null});
        }
        choice
    };
    let choices: Vec<Value> = (0..request["n"].as_u64().unwrap_or(1))
        .map(choice)
        .collect();
    json!({"id": "chatcmpl-double", "object": "chat.completion", "created": 1_700_000_000, "model": MODEL,
        "choices": choices, "usage": usage(said)})
}

pub(super) fn events(said: &Said, request: &Value) -> Vec<Event> {
    let chunk = |delta: Value, end: Value| -> Event {
        let choice = json!({"index": 0, "delta": delta, "finish_reason": end, "logprobs": null});
        (
            "",
            json!({"id": "chatcmpl-double", "object": "chat.completion.chunk", "created": 1_700_000_000,
            "model": MODEL, "choices": [choice]}),
        )
    };
    let mut events = vec![chunk(
        json!({"role": "assistant", "content": ""}),
        Value::Null,
    )];
    if let Some(thought) = said.thought.filter(|_| !is_openai(request)) {
        events.push(chunk(json!({"reasoning_content": thought}), Value::Null));
    }
    for piece in said.text {
        events.push(chunk(json!({"content": piece}), Value::Null));
    }
    for (index, (id, arguments)) in said.calls.iter().enumerate() {
        let function = json!({"name": "weather", "arguments": ""});
        let call = json!({"index": index, "id": id, "type": "function", "function": function});
        events.push(chunk(json!({"tool_calls": [call]}), Value::Null));
        for piece in halves(arguments) {
            let call = json!({"index": index, "function": {"arguments": piece}});
            events.push(chunk(json!({"tool_calls": [call]}), Value::Null));
        }
    }
    events.push(chunk(json!({}), json!(end(said.end))));
    if request["stream_options"]["include_usage"] == true {
        let mut last = chunk(json!({}), Value::Null);
        last.1["choices"] = json!([]);
        last.1["usage"] = usage(said);
        events.push(last);
    }
    events.push(("", json!("[DONE]")));
    events
}

/// OpenAI does not tell thoughts here.
fn is_openai(request: &Value) -> bool {
    request["model"]
        .as_str()
        .is_none_or(|model| model.starts_with("gpt-5"))
}

pub(super) fn usage(said: &Said) -> Value {
    json!({"prompt_tokens": INPUT, "completion_tokens": OUTPUT, "total_tokens": INPUT + OUTPUT,
        "prompt_tokens_details": {"cached_tokens": said.cached}})
}

pub(super) fn end(end: End) -> &'static str {
    match end {
        End::Stop | End::Sequence => "stop",
        End::Calls => "tool_calls",
        End::Length => "length",
        End::Filter => "content_filter",
    }
}
