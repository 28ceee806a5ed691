//! Anthropic's counting of a request's tokens: <https://docs.anthropic.com/en/api/messages-count-tokens>. It never
//! streams.

use super::{Wire, anthropic};
use crate::Envelope;
use crate::body::{AnswerShape, BodyFacts, Malformed};
use crate::json::object;
use crate::mock::MockAnswer;
use crate::observe::StreamObserver;
use crate::usage::Count;

pub(super) static WIRE: Wire = Wire {
    name: "anthropic_count_tokens",
    heartbeat: b"",
    write_error: anthropic::write_error,
    error_event_head: b"",
    observer: StreamObserver::none,
    mock_answer: mock,
    answer: AnswerShape::Own(read),
    front: None,
    back: None,
};

#[derive(serde::Deserialize)]
struct Answer {
    #[serde(default)]
    input_tokens: Count,
}

/// A count costs nothing, so it is not a usage.
fn read(text: &str) -> Result<BodyFacts, Malformed> {
    let missing = Malformed::WrongShape {
        missing: "input_tokens",
    };
    let answer: Answer = object(text).ok_or(missing)?;
    answer.input_tokens.0.ok_or(missing)?;
    Ok(BodyFacts::default())
}

fn mock(_: &MockAnswer<'_>, request: &Envelope) -> Vec<u8> {
    format!(r#"{{"input_tokens":{}}}"#, request.estimate_input_tokens()).into_bytes()
}
