//! OpenAI's text completions: <https://platform.openai.com/docs/api-reference/completions>. A choice holds `text`
//! instead of a `delta`; all else is as in chat.

use super::openai::OpenAiObserver;
use super::{Wire, openai};
use crate::body::AnswerShape;
use crate::dialect::Dialect;
use crate::observe::StreamObserver;

pub(super) static WIRE: Wire = Wire {
    name: "openai_completions",
    heartbeat: openai::HEARTBEAT,
    write_error: openai::write_error,
    error_event_head: openai::ERROR_EVENT_HEAD,
    observer: || StreamObserver::new(OpenAiObserver::new(Dialect::OpenAiCompletions)),
    mock_answer: openai::mock::completion,
    answer: AnswerShape::Choices,
    front: None,
    back: None,
};
