//! What the double refuses; that its bytes are right is judged by Amazon's own client in the end-to-end tests.

use serde_json::{Value, json};

use super::{Operation, rejection, spoiled};

#[test]
fn operations_are_known_by_their_paths() {
    for (path, operation) in [
        ("/model/a/converse", Some(Operation::Converse)),
        (
            "/x/model/a%3A0/converse-stream",
            Some(Operation::ConverseStream),
        ),
        ("/model/a/invoke", Some(Operation::Invoke)),
        (
            "/model/arn%3Aaws%2Fb/invoke-with-response-stream",
            Some(Operation::InvokeStream),
        ),
        ("/model/a/count-tokens", None),
        ("/v1/models", None),
    ] {
        assert_eq!(Operation::of_path(path), operation, "{path}");
    }
}

#[test]
fn what_bedrock_refuses_is_refused() {
    let said = json!([{"text": "a"}]);
    let turn = |role: &str, content: &Value| json!({"role": role, "content": content});
    let of = |messages: Value| json!({"messages": messages});
    let call = json!([{"toolUse": {"toolUseId": "t", "name": "f", "input": {}}}]);
    let mut with_tools = of(json!([turn("user", &said), turn("assistant", &call)]));
    assert!(rejection(&with_tools).is_some(), "there are no tools");
    with_tools["toolConfig"] = json!({"tools": [{"toolSpec": {}}]});
    assert_eq!(rejection(&with_tools), None);
    for refused in [
        json!([]),
        json!({}),
        of(json!([])),
        of(json!([turn("assistant", &said)])),
        of(json!([turn("user", &said), turn("user", &said)])),
        of(json!([turn("user", &json!([]))])),
        of(json!([turn("user", &json!([{"text": " "}]))])),
        of(json!([turn("user", &json!([{"text": "a", "image": {}}]))])),
        of(json!([turn("user", &json!([{"other": 1}]))])),
        json!({"messages": [turn("user", &said)], "model": "a"}),
        json!({"messages": [turn("user", &said)], "toolConfig": {"tools": []}}),
    ] {
        assert!(rejection(&refused).is_some(), "{refused}");
    }
}

#[test]
fn a_spoiled_frame_differs_in_its_checksum_alone() {
    let good = super::content("a");
    let bad = spoiled(&good);
    assert_eq!(good.len(), bad.len());
    assert_eq!(good[..good.len() - 4], bad[..bad.len() - 4]);
    assert_ne!(good, bad);
}
