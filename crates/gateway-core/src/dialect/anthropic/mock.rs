//! Made-up answers of Anthropic's messages.

use serde_json::{Value, json};

use crate::envelope::Envelope;
use crate::mock::MockAnswer;

/// A message, or the events of its stream.
pub(super) fn message(mock: &MockAnswer<'_>, request: &Envelope) -> Vec<u8> {
    let input = request.estimate_input_tokens();
    let output = mock.output_tokens();
    let shell = |content: Value, stop: Value, output: u64| {
        json!({
            "id": format!("msg_{}", mock.id),
            "type": "message",
            "role": "assistant",
            "model": mock.model,
            "content": content,
            "stop_reason": stop,
            "stop_sequence": null,
            "usage": {"input_tokens": input, "output_tokens": output},
        })
    };
    if !request.stream() {
        let content = json!([{"type": "text", "text": mock.text}]);
        return serde_json::to_vec(&shell(content, json!("end_turn"), output))
            .expect("a value always serializes");
    }
    let mut out = Vec::new();
    let mut event = |name: &str, mut data: Value| {
        data["type"] = json!(name);
        out.extend_from_slice(format!("event: {name}\ndata: {data}\n\n").as_bytes());
    };
    let start = json!({"message": shell(json!([]), Value::Null, 1)});
    event("message_start", start);
    let block = json!({"index": 0, "content_block": {"type": "text", "text": ""}});
    event("content_block_start", block);
    for piece in mock.pieces() {
        let delta = json!({"index": 0, "delta": {"type": "text_delta", "text": piece}});
        event("content_block_delta", delta);
    }
    event("content_block_stop", json!({"index": 0}));
    let end = json!({
        "delta": {"stop_reason": "end_turn", "stop_sequence": null},
        "usage": {"output_tokens": output},
    });
    event("message_delta", end);
    event("message_stop", json!({}));
    out
}
