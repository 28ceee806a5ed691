//! Made-up answers of generateContent.

use serde_json::{Value, json};

use crate::envelope::Envelope;
use crate::mock::MockAnswer;

/// A response, or the events of its stream.
pub(super) fn response(mock: &MockAnswer<'_>, request: &Envelope) -> Vec<u8> {
    let input = request.estimate_input_tokens();
    let output = mock.output_tokens();
    let shell = |text: &str, last: bool| {
        let mut candidate = json!({
            "content": {"parts": [{"text": text}], "role": "model"},
            "index": 0,
        });
        let mut usage = json!({"promptTokenCount": input, "totalTokenCount": input});
        if last {
            candidate["finishReason"] = json!("STOP");
            usage["candidatesTokenCount"] = json!(output);
            usage["totalTokenCount"] = json!(input.saturating_add(output));
        }
        json!({
            "candidates": [candidate],
            "usageMetadata": usage,
            "modelVersion": mock.model,
            "responseId": mock.id,
        })
    };
    if !request.stream() {
        return bytes(&shell(mock.text, true));
    }
    let mut out = Vec::new();
    let mut pieces = mock.pieces().peekable();
    while let Some(piece) = pieces.next() {
        out.extend_from_slice(b"data: ");
        out.extend_from_slice(&bytes(&shell(piece, pieces.peek().is_none())));
        out.extend_from_slice(b"\n\n");
    }
    out
}

fn bytes(value: &Value) -> Vec<u8> {
    serde_json::to_vec(value).expect("a value always serializes")
}
