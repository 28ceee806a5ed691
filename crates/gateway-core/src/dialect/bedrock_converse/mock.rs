//! Made-up answers.

use serde_json::{Value, json};

use crate::envelope::Envelope;
use crate::mock::MockAnswer;

/// An answer, or the events of its stream as text.
pub(super) fn message(mock: &MockAnswer<'_>, request: &Envelope) -> Vec<u8> {
    let input = request.estimate_input_tokens();
    let output = mock.output_tokens();
    let usage =
        json!({"inputTokens": input, "outputTokens": output, "totalTokens": input + output});
    let metrics = json!({"latencyMs": 1});
    if !request.stream() {
        let message = json!({"role": "assistant", "content": [{"text": mock.text}]});
        let answer = json!({"output": {"message": message}, "stopReason": "end_turn",
            "usage": usage, "metrics": metrics});
        return answer.to_string().into_bytes();
    }
    let mut out = Vec::new();
    let mut event = |name: &str, data: Value| {
        out.extend_from_slice(format!("event: {name}\ndata: {data}\n\n").as_bytes());
    };
    event("messageStart", json!({"role": "assistant"}));
    for piece in mock.pieces() {
        let delta = json!({"contentBlockIndex": 0, "delta": {"text": piece}});
        event("contentBlockDelta", delta);
    }
    event("contentBlockStop", json!({"contentBlockIndex": 0}));
    event("messageStop", json!({"stopReason": "end_turn"}));
    event("metadata", json!({"usage": usage, "metrics": metrics}));
    out
}
