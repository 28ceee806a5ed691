//! Amazon Bedrock's Converse.

use super::{Wire, openai};
use crate::body::AnswerShape;
use crate::observe::StreamObserver;

pub(super) static WIRE: Wire = Wire {
    name: "bedrock_converse",
    heartbeat: openai::HEARTBEAT,
    write_error: openai::write_error,
    error_event_head: openai::ERROR_EVENT_HEAD,
    observer: StreamObserver::none,
    mock_answer: openai::mock::chat,
    answer: AnswerShape::Data,
    front: None,
    back: None,
};
