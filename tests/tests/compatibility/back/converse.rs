//! Bedrock's Converse, with a model of Anthropic's behind it.

use serde_json::{Value, json};

use super::{Event, halves, has_schema, is_half, says, within};
use crate::feature::*;

pub(super) fn has(feature: Feature, body: &Value) -> bool {
    let messages = &body["messages"];
    let inference = &body["inferenceConfig"];
    let fields = &body["additionalModelRequestFields"];
    let media =
        |kind: &str, data: &str| within(&messages[0], &|it| it[kind]["source"]["bytes"] == data);
    let tools = &body["toolConfig"];
    let spec = &tools["tools"][0]["toolSpec"];
    let result = &messages[2]["content"][0]["toolResult"];
    match feature.plain() {
        Feature::System => says(&body["system"], SYSTEM),
        Feature::Turns => {
            says(&messages[0], EARLIER)
                && says(&messages[1], ANSWERED)
                && messages[1]["role"] == "assistant"
        }
        Feature::Image => media("image", PNG),
        Feature::File => media("document", PDF),
        Feature::Audio => media("audio", WAV),
        Feature::Tool | Feature::Parallel => {
            spec["name"] == "weather" && has_schema(&spec["inputSchema"]["json"])
        }
        Feature::Result => {
            let call = &messages[1]["content"][0]["toolUse"];
            says(result, RESULT) && result["toolUseId"] == call["toolUseId"]
        }
        Feature::Failure => says(result, FAILURE) && result["status"] == "error",
        Feature::Choice => tools["toolChoice"]["tool"]["name"] == "weather",
        Feature::OneCall => within(fields, &|it| it["disable_parallel_tool_use"] == true),
        Feature::Schema => schema(body),
        Feature::Thinking => fields["thinking"].is_object(),
        Feature::Signature => within(&messages[1], &|it| {
            it["reasoningText"]["signature"] == SIGNATURE
        }),
        Feature::MaxTokens => inference["maxTokens"] == 2000,
        Feature::Temperature => is_half(&inference["temperature"]),
        Feature::TopK => fields["top_k"] == 20,
        Feature::Stop => says(&inference["stopSequences"], END),
        Feature::CacheMarker => within(&body["system"], &|it| it["cachePoint"].is_object()),
        Feature::User => says(&body["requestMetadata"], USER) || says(fields, USER),
        Feature::Tier => body["serviceTier"].is_object(),
        Feature::Search | Feature::Seed | Feature::Choices | Feature::Logprobs => false,
        _ => says(body, "[["),
    }
}

/// As a form of the answer, in which the schema is a text.
fn schema(body: &Value) -> bool {
    let format = &body["outputConfig"]["textFormat"];
    let text = format["structure"]["jsonSchema"]["schema"].as_str();
    let schema = text.and_then(|text| serde_json::from_str(text).ok());
    format["type"] == "json_schema" && has_schema(&schema.unwrap_or_default())
}

pub(super) fn whole(said: &Said) -> Value {
    let mut content = Vec::new();
    if let Some(thought) = said.thought {
        let text = json!({"text": thought, "signature": SIGNATURE});
        content.push(json!({"reasoningContent": {"reasoningText": text}}));
    }
    if !said.text.is_empty() {
        content.push(json!({"text": said.whole()}));
    }
    for (id, arguments) in said.calls {
        let input: Value = serde_json::from_str(arguments).unwrap();
        content.push(json!({"toolUse": {"toolUseId": id, "name": "weather", "input": input}}));
    }
    let mut answer = json!({"output": {"message": {"role": "assistant", "content": content}},
        "stopReason": end(said.end), "usage": usage(said), "metrics": {"latencyMs": 12}});
    if said.end == End::Sequence {
        answer["additionalModelResponseFields"] = json!({"stop_sequence": END});
    }
    answer
}

pub(super) fn events(said: &Said) -> Vec<Event> {
    let mut events: Vec<Event> = vec![("messageStart", json!({"role": "assistant"}))];
    let mut index = 0;
    let mut block = |start: Option<Value>, deltas: Vec<Value>| {
        if let Some(start) = start {
            events.push((
                "contentBlockStart",
                json!({"contentBlockIndex": index, "start": start}),
            ));
        }
        for delta in deltas {
            events.push((
                "contentBlockDelta",
                json!({"contentBlockIndex": index, "delta": delta}),
            ));
        }
        events.push(("contentBlockStop", json!({"contentBlockIndex": index})));
        index += 1;
    };
    if let Some(thought) = said.thought {
        let text = json!({"reasoningContent": {"text": thought}});
        block(
            None,
            vec![text, json!({"reasoningContent": {"signature": SIGNATURE}})],
        );
    }
    if !said.text.is_empty() {
        block(
            None,
            said.text
                .iter()
                .map(|piece| json!({"text": piece}))
                .collect(),
        );
    }
    for (id, arguments) in said.calls {
        let start = json!({"toolUse": {"toolUseId": id, "name": "weather"}});
        let deltas = halves(arguments).map(|piece| json!({"toolUse": {"input": piece}}));
        block(Some(start), deltas.to_vec());
    }
    events.push(("messageStop", json!({"stopReason": end(said.end)})));
    events.push((
        "metadata",
        json!({"usage": usage(said), "metrics": {"latencyMs": 12}}),
    ));
    events
}

fn end(end: End) -> &'static str {
    match end {
        End::Stop => "end_turn",
        End::Sequence => "stop_sequence",
        End::Calls => "tool_use",
        End::Length => "max_tokens",
        End::Filter => "guardrail_intervened",
    }
}

fn usage(said: &Said) -> Value {
    json!({"inputTokens": INPUT - said.cached, "outputTokens": OUTPUT, "totalTokens": INPUT + OUTPUT,
        "cacheReadInputTokens": said.cached, "cacheWriteInputTokens": 0})
}
