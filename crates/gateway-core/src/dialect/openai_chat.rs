//! OpenAI's chat completions: <https://platform.openai.com/docs/api-reference/chat-streaming>.

use super::openai::OpenAiObserver;
use super::{Wire, openai};
use crate::body::AnswerShape;
use crate::dialect::Dialect;
use crate::observe::StreamObserver;

pub(super) static WIRE: Wire = Wire {
    name: "openai_chat",
    heartbeat: openai::HEARTBEAT,
    write_error: openai::write_error,
    error_event_head: openai::ERROR_EVENT_HEAD,
    observer: || StreamObserver::new(OpenAiObserver::new(Dialect::OpenAiChat)),
    mock_answer: openai::mock::chat,
    answer: AnswerShape::Choices,
    front: None,
    back: None,
};
