//! Google's counting of a request's tokens: <https://ai.google.dev/api/tokens>. It never streams.

use super::{Wire, gemini};
use crate::Envelope;
use crate::body::{AnswerShape, BodyFacts, Malformed};
use crate::json::object;
use crate::mock::MockAnswer;
use crate::observe::StreamObserver;
use crate::usage::Count;

pub(super) static WIRE: Wire = Wire {
    name: "gemini_count_tokens",
    heartbeat: b"",
    write_error: gemini::WIRE.write_error,
    error_event_head: b"",
    observer: StreamObserver::none,
    mock_answer: mock,
    answer: AnswerShape::Own(read),
    front: None,
    back: None,
};

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    #[serde(default)]
    total_tokens: Count,
}

/// A count costs nothing, so it is not a usage.
fn read(text: &str) -> Result<BodyFacts, Malformed> {
    let missing = Malformed::WrongShape {
        missing: "totalTokens",
    };
    let answer: Answer = object(text).ok_or(missing)?;
    answer.total_tokens.0.ok_or(missing)?;
    Ok(BodyFacts::default())
}

fn mock(_: &MockAnswer<'_>, request: &Envelope) -> Vec<u8> {
    format!(r#"{{"totalTokens":{}}}"#, request.estimate_input_tokens()).into_bytes()
}
