//! OpenAI responses.

use serde_json::{Value, json};

use super::{Event, MODEL, halves, has_schema, is_half, says, within};
use crate::feature::*;

pub(super) fn has(feature: Feature, body: &Value) -> bool {
    let input = &body["input"];
    let item = |kind: &str| {
        let mut items = input.as_array().into_iter().flatten();
        items
            .find(|item| item["type"] == kind)
            .cloned()
            .unwrap_or_default()
    };
    let part = |kind: &str| {
        let parts = input[0]["content"].as_array().into_iter().flatten();
        parts
            .into_iter()
            .find(|it| it["type"] == kind)
            .cloned()
            .unwrap_or_default()
    };
    match feature.plain() {
        Feature::System => says(&body["instructions"], SYSTEM) || says(&input[0], SYSTEM),
        Feature::Turns => {
            says(&input[0], EARLIER) && says(&input[1], ANSWERED) && input[1]["role"] == "assistant"
        }
        Feature::Image => {
            part("input_image")["image_url"] == format!("data:image/png;base64,{PNG}")
        }
        Feature::File => {
            part("input_file")["file_data"] == format!("data:application/pdf;base64,{PDF}")
        }
        Feature::Audio => part("input_audio")["input_audio"]["data"] == WAV,
        Feature::Tool | Feature::Parallel => {
            body["tools"][0]["name"] == "weather" && has_schema(&body["tools"][0]["parameters"])
        }
        Feature::Result => {
            let result = item("function_call_output");
            says(&result["output"], RESULT) && result["call_id"] == item("function_call")["call_id"]
        }
        // There is no field for it: the text says so.
        Feature::Failure => {
            let result = item("function_call_output");
            says(&result, FAILURE) && result.to_string().to_lowercase().contains("error")
        }
        Feature::Choice => body["tool_choice"] == json!({"type": "function", "name": "weather"}),
        Feature::OneCall => body["parallel_tool_calls"] == false,
        Feature::Schema => {
            body["text"]["format"]["type"] == "json_schema"
                && has_schema(&body["text"]["format"]["schema"])
        }
        Feature::Search => within(&body["tools"], &|it| it["type"] == "web_search"),
        Feature::Thinking => body["reasoning"]["effort"].is_string(),
        Feature::Signature => item("reasoning")["encrypted_content"] == SIGNATURE,
        Feature::MaxTokens => body["max_output_tokens"] == 2000,
        Feature::Temperature => is_half(&body["temperature"]),
        Feature::Logprobs => says(&body["include"], "message.output_text.logprobs"),
        Feature::User => says(&body["user"], USER) || says(&body["safety_identifier"], USER),
        Feature::Tier => body["service_tier"].is_string(),
        Feature::TopK | Feature::Seed | Feature::Choices | Feature::Stop | Feature::CacheMarker => {
            false
        }
        _ => says(body, "[["),
    }
}

pub(super) fn whole(said: &Said) -> Value {
    response(said, &items(said))
}

fn items(said: &Said) -> Vec<Value> {
    let mut items = Vec::new();
    if let Some(thought) = said.thought {
        items.push(json!({"id": "rs_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": thought}],
            "encrypted_content": SIGNATURE}));
    }
    if !said.text.is_empty() {
        let token = json!({"token": "Good", "logprob": -0.25, "bytes": [], "top_logprobs": []});
        let part = json!({"type": "output_text", "text": said.whole(), "annotations": [], "logprobs": [token]});
        items.push(json!({"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [part]}));
    }
    for (index, (id, arguments)) in said.calls.iter().enumerate() {
        items.push(
            json!({"id": format!("fc_{index}"), "type": "function_call", "status": "completed",
            "call_id": id, "name": "weather", "arguments": arguments}),
        );
    }
    items
}

fn response(said: &Said, output: &[Value]) -> Value {
    let (status, why) = match said.end {
        End::Length => ("incomplete", json!({"reason": "max_output_tokens"})),
        End::Filter => ("incomplete", json!({"reason": "content_filter"})),
        _ => ("completed", Value::Null),
    };
    json!({"id": "resp_double", "object": "response", "created_at": 1_700_000_000, "status": status, "error": null,
        "incomplete_details": why, "model": MODEL, "output": output, "parallel_tool_calls": true, "tools": [],
        "tool_choice": "auto", "temperature": 1.0, "top_p": 1.0, "instructions": null, "metadata": {},
        "usage": {"input_tokens": INPUT, "input_tokens_details": {"cached_tokens": said.cached},
            "output_tokens": OUTPUT, "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": INPUT + OUTPUT}})
}

pub(super) fn events(said: &Said) -> Vec<Event> {
    let mut events: Vec<Event> = Vec::new();
    let mut begun = response(said, &[]);
    begun["status"] = json!("in_progress");
    begun["usage"] = Value::Null;
    events.push(("response.created", json!({"response": begun})));
    events.push(("response.in_progress", json!({"response": begun})));
    let all = items(said);
    for (index, item) in all.iter().enumerate() {
        let mut open = item.clone();
        open["status"] = json!("in_progress");
        for (key, empty) in [
            ("summary", json!([])),
            ("encrypted_content", json!("")),
            ("content", json!([])),
            ("arguments", json!("")),
        ] {
            if !item[key].is_null() {
                open[key] = empty;
            }
        }
        let at = json!({"output_index": index});
        events.push((
            "response.output_item.added",
            with(&at, &json!({"item": open})),
        ));
        let of_item = with(&at, &json!({"item_id": item["id"]}));
        let pieces = pieces(said, item).into_iter();
        events.extend(pieces.map(|(name, data)| (name, with(&of_item, &data))));
        events.push((
            "response.output_item.done",
            with(&at, &json!({"item": item})),
        ));
    }
    let last = response(said, &all);
    let name = match last["status"].as_str() {
        Some("incomplete") => "response.incomplete",
        _ => "response.completed",
    };
    events.push((name, json!({"response": last})));
    for (number, (name, data)) in events.iter_mut().enumerate() {
        data["type"] = json!(name);
        data["sequence_number"] = json!(number);
    }
    events
}

/// The events of one item, between its beginning and its end.
fn pieces(said: &Said, item: &Value) -> Vec<Event> {
    let part = json!({"content_index": 0});
    let summary = json!({"summary_index": 0});
    match item["type"].as_str() {
        Some("reasoning") => {
            let text = &item["summary"][0]["text"];
            let open = json!({"part": {"type": "summary_text", "text": ""}});
            let done = json!({"part": item["summary"][0]});
            vec![
                (
                    "response.reasoning_summary_part.added",
                    with(&summary, &open),
                ),
                (
                    "response.reasoning_summary_text.delta",
                    with(&summary, &json!({"delta": text})),
                ),
                (
                    "response.reasoning_summary_text.done",
                    with(&summary, &json!({"text": text})),
                ),
                (
                    "response.reasoning_summary_part.done",
                    with(&summary, &done),
                ),
            ]
        }
        Some("message") => {
            let open =
                json!({"type": "output_text", "text": "", "annotations": [], "logprobs": []});
            let open = (
                "response.content_part.added",
                with(&part, &json!({"part": open})),
            );
            let deltas = said.text.iter().map(|piece| {
                let delta = json!({"delta": piece, "logprobs": []});
                ("response.output_text.delta", with(&part, &delta))
            });
            let text = json!({"text": said.whole(), "logprobs": []});
            let done = json!({"part": item["content"][0]});
            let ends = [
                ("response.output_text.done", with(&part, &text)),
                ("response.content_part.done", with(&part, &done)),
            ];
            [open].into_iter().chain(deltas).chain(ends).collect()
        }
        _ => {
            let arguments = item["arguments"].as_str().unwrap_or_default();
            let deltas = halves(arguments).map(|piece| {
                (
                    "response.function_call_arguments.delta",
                    json!({"delta": piece}),
                )
            });
            let done = json!({"arguments": arguments, "name": "weather"});
            let done = ("response.function_call_arguments.done", done);
            deltas.into_iter().chain([done]).collect()
        }
    }
}

/// The members of both.
fn with(one: &Value, other: &Value) -> Value {
    let mut both = one.clone();
    for (key, value) in other.as_object().into_iter().flatten() {
        both[key] = value.clone();
    }
    both
}
