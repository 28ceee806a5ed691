//! Made-up answers of the OpenAI dialects.

use serde_json::{Value, json};

use super::DONE;
use crate::envelope::Envelope;
use crate::mock::MockAnswer;

/// A chat completion, or its chunks.
pub(in crate::dialect) fn chat(mock: &MockAnswer<'_>, request: &Envelope) -> Vec<u8> {
    let id = format!("chatcmpl-{}", mock.id);
    let answer = Answer {
        mock,
        id: &id,
        usage: usage(mock, request),
    };
    if !request.stream() {
        let message = json!({"role": "assistant", "content": mock.text, "refusal": null});
        let choice =
            json!({"index": 0, "message": message, "logprobs": null, "finish_reason": "stop"});
        return answer.whole("chat.completion", &choice);
    }
    let delta = |delta: Value, finish: Value| json!({"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish});
    let role = delta(json!({"role": "assistant", "content": ""}), Value::Null);
    let texts = mock
        .pieces()
        .map(|piece| delta(json!({"content": piece}), Value::Null));
    let choices = std::iter::once(role).chain(texts);
    answer.stream(
        "chat.completion.chunk",
        choices,
        &delta(json!({}), json!("stop")),
    )
}

/// A text completion, or its chunks.
pub(in crate::dialect) fn completion(mock: &MockAnswer<'_>, request: &Envelope) -> Vec<u8> {
    let id = format!("cmpl-{}", mock.id);
    let answer = Answer {
        mock,
        id: &id,
        usage: usage(mock, request),
    };
    let choice = |text: &str, finish: Value| json!({"index": 0, "text": text, "logprobs": null, "finish_reason": finish});
    if !request.stream() {
        return answer.whole("text_completion", &choice(mock.text, json!("stop")));
    }
    let texts = mock.pieces().map(|piece| choice(piece, Value::Null));
    answer.stream("text_completion", texts, &choice("", json!("stop")))
}

/// One fixed vector for each input, in the encoding that the request names: OpenAI's SDK for Node asks for base64 and
/// does not read anything else then.
pub(in crate::dialect) fn embeddings(mock: &MockAnswer<'_>, request: &Envelope) -> Vec<u8> {
    let vector = if request.field("encoding_format") == Some(br#""base64""#) {
        json!(VECTOR_BASE64)
    } else {
        json!(VECTOR)
    };
    let data: Vec<_> = (0..inputs(request))
        .map(|index| json!({"object": "embedding", "index": index, "embedding": vector}))
        .collect();
    let tokens = request.estimate_input_tokens();
    let usage = json!({"prompt_tokens": tokens, "total_tokens": tokens});
    bytes(&json!({"object": "list", "data": data, "model": mock.model, "usage": usage}))
}

struct Answer<'a> {
    mock: &'a MockAnswer<'a>,
    id: &'a str,
    usage: Value,
}

impl Answer<'_> {
    fn whole(&self, object: &str, choice: &Value) -> Vec<u8> {
        let mut answer = self.shell(object, choice);
        answer["usage"] = self.usage.clone();
        bytes(&answer)
    }

    /// The usage stands in the chunk with the finish reason, as some providers have it: clients that look at the first
    /// choice of every chunk find one.
    fn stream(&self, object: &str, choices: impl Iterator<Item = Value>, last: &Value) -> Vec<u8> {
        let mut out = Vec::new();
        let mut chunk = |chunk: &Value| {
            out.extend_from_slice(b"data: ");
            out.extend_from_slice(&bytes(chunk));
            out.extend_from_slice(b"\n\n");
        };
        for choice in choices {
            chunk(&self.shell(object, &choice));
        }
        let mut end = self.shell(object, last);
        end["usage"] = self.usage.clone();
        chunk(&end);
        out.extend_from_slice(DONE);
        out
    }

    fn shell(&self, object: &str, choice: &Value) -> Value {
        json!({
            "id": self.id,
            "object": object,
            "created": self.mock.created,
            "model": self.mock.model,
            "choices": [choice],
        })
    }
}

fn usage(mock: &MockAnswer<'_>, request: &Envelope) -> Value {
    let input = request.estimate_input_tokens();
    let output = mock.output_tokens();
    json!({
        "prompt_tokens": input,
        "completion_tokens": output,
        "total_tokens": input.saturating_add(output),
    })
}

/// How many vectors the request wants: one for a text or for one list of tokens.
fn inputs(request: &Envelope) -> usize {
    let Some(Ok(Value::Array(inputs))) = request.field("input").map(serde_json::from_slice) else {
        return 1;
    };
    match inputs.first() {
        Some(Value::String(_) | Value::Array(_)) => inputs.len().min(MAX_INPUTS),
        _ => 1,
    }
}

fn bytes(value: &Value) -> Vec<u8> {
    serde_json::to_vec(value).expect("a value always serializes")
}

/// OpenAI's limit for one request.
const MAX_INPUTS: usize = 2048;

const VECTOR: [f64; 3] = [0.1, 0.2, 0.3];

/// [`VECTOR`] as little-endian floats of four bytes.
const VECTOR_BASE64: &str = "zczMPc3MTD6amZk+";
