//! A client of this dialect at a provider of another one, from the request to the last event.

use serde_json::{Value, json};

use super::{asked, envelope, target};
use crate::translate::{Policy, Quirks, Translation};
use crate::{Dialect, Flow, Framer};

const WAY: (Dialect, Dialect) = (Dialect::OpenAiResponses, Dialect::OpenAiChat);

/// The events that each chunk of a provider becomes, the rest at the end among them.
fn translated(chunks: &[Value]) -> Vec<Vec<Value>> {
    let request = json!({"model": "my-group", "input": "Patch it", "stream": true, "tools": [
        {"type": "custom", "name": "apply_patch", "description": "Patches"},
        {"type": "namespace", "name": "agents", "description": "", "tools": [{"type": "function", "name": "spawn", "parameters": {}}]}]});
    let quirks = Quirks {
        custom_tools: false,
        ..Quirks::default()
    };
    let (request, policy) = (envelope(&request.to_string()), Policy::default());
    let asked = asked("{}");
    let made = Translation::new(WAY, &request, &target(&quirks), &policy, asked, None);
    let mut translator = made.unwrap().1.into_translator().unwrap();
    let mut framer = Framer::new(1 << 20);
    let mut told = Vec::new();
    for chunk in chunks {
        let mut out = Vec::new();
        let fed = framer.feed(format!("data: {chunk}\n\n").into(), |event| {
            translator.event(&event, &mut out).unwrap();
            Flow::Continue
        });
        assert!(fed.error.is_none());
        told.push(events(&out));
    }
    let mut out = Vec::new();
    translator.finish(&mut out);
    told.push(events(&out));
    told
}

fn events(out: &[u8]) -> Vec<Value> {
    let lines = std::str::from_utf8(out).unwrap().lines();
    let data = lines.filter_map(|line| line.strip_prefix("data: "));
    data.map(|data| serde_json::from_str(data).unwrap())
        .collect()
}

fn kinds(events: &[Value]) -> Vec<&str> {
    events
        .iter()
        .map(|it| it["type"].as_str().unwrap())
        .collect()
}

fn chunk(delta: &Value, finish: Option<&str>) -> Value {
    json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})
}

#[test]
fn a_chat_completion_is_a_response_as_it_comes() {
    let call = |index: u64, id: &str, name: &str| json!({"tool_calls": [{"index": index, "id": id, "type": "function", "function": {"name": name, "arguments": ""}}]});
    let arguments = |index: u64, text: &str| json!({"tool_calls": [{"index": index, "function": {"arguments": text}}]});
    let told = translated(&[
        chunk(&json!({"role": "assistant", "content": ""}), None),
        chunk(&json!({"content": "I patch."}), None),
        chunk(&call(0, "call_1", "apply_patch"), None),
        chunk(&arguments(0, "{\"input\": \"*** Begin\\"), None),
        chunk(&arguments(0, "n+x\"}"), None),
        chunk(&call(1, "call_2", "agents__spawn"), None),
        chunk(&arguments(1, "{}"), None),
        chunk(&json!({}), Some("tool_calls")),
        json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt", "choices": [],
            "usage": {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}}),
    ]);
    assert_eq!(
        kinds(&told[0])[..2],
        ["response.created", "response.in_progress"]
    );
    assert_eq!(told[1].last().unwrap()["delta"], "I patch.");
    assert_eq!(told[2].last().unwrap()["item"]["type"], "custom_tool_call");
    assert_eq!(kinds(&told[3]), ["response.custom_tool_call_input.delta"]);
    assert_eq!(told[3][0]["delta"], "*** Begin");
    assert_eq!(told[4][0]["delta"], "\n+x");
    let last = told.last().unwrap();
    assert_eq!(kinds(last).last(), Some(&"response.completed"));
    let response = &last.last().unwrap()["response"];
    let [message, patch, spawn] = response["output"].as_array().unwrap().as_slice() else {
        panic!("{response}");
    };
    assert_eq!(message["content"][0]["text"], "I patch.");
    assert_eq!(
        (&patch["input"], &patch["call_id"]),
        (&json!("*** Begin\n+x"), &json!("call_1"))
    );
    assert_eq!(
        (&spawn["name"], &spawn["namespace"]),
        (&json!("spawn"), &json!("agents"))
    );
    assert_eq!(response["usage"]["total_tokens"], 13);
    assert_eq!(response["model"], "my-group");
}
