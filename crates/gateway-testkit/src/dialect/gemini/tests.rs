//! What the double refuses, and that its array is one.

use serde_json::{Value, json};

use super::{Knobs, answer_body, array, rejection, stream_of};

#[test]
fn the_array_is_one_array_of_all_answers() {
    let knobs = Knobs::default();
    let text: Vec<u8> = array(stream_of(&knobs)).flatten().collect();
    let all: Vec<Value> = serde_json::from_slice(&text).unwrap();
    assert_eq!(all.len(), knobs.events + 1);
    assert_eq!(all.last().unwrap()["candidates"][0]["finishReason"], "STOP");
    let usage = &answer_body(&knobs)["usageMetadata"];
    assert_eq!(&all.last().unwrap()["usageMetadata"], usage);
}

#[test]
fn what_google_refuses_is_refused() {
    let said = json!([{"text": "a"}]);
    let content = |role: &str, parts: &Value| json!({"role": role, "parts": parts});
    let call = json!([{"functionCall": {"name": "f", "args": {}}}]);
    let result = json!([{"functionResponse": {"name": "f", "response": {}}}]);
    let good = json!({"contents": [content("user", &said), content("model", &call), content("user", &result)],
        "tools": [{"functionDeclarations": [{"name": "f", "parameters": {"type": "object"}}]}]});
    assert_eq!(rejection(&good), None);
    let schema = json!({"type": "object", "properties": {"a": {"type": "object", "$ref": "b"}}});
    let tool = json!({"functionDeclarations": [{"name": "f", "parameters": schema}]});
    for refused in [
        json!([]),
        json!({}),
        json!({"contents": []}),
        json!({"contents": [content("assistant", &said)]}),
        json!({"contents": [content("user", &json!([]))]}),
        json!({"contents": [content("user", &json!([{"text": "a", "inlineData": {}}]))]}),
        json!({"contents": [content("user", &json!([{"thought": true}]))]}),
        json!({"contents": [content("user", &said), content("user", &result)]}),
        json!({"contents": [content("user", &said)], "model": "a"}),
        json!({"contents": [content("user", &said)], "tools": [tool]}),
    ] {
        assert!(rejection(&refused).is_some(), "{refused}");
    }
}
