//! OpenAI's text completions: <https://platform.openai.com/docs/api-reference/completions>. A choice holds `text`
//! instead of a `delta`; all else is as in chat.

mod answer;
mod logprobs;
mod request;
mod stream;

use super::openai::OpenAiObserver;
use super::{Wire, openai};
use crate::body::AnswerShape;
use crate::dialect::Dialect;
use crate::observe::StreamObserver;
use crate::spoke::Front;
use stream::CompletionWriter;

pub(super) static WIRE: Wire = Wire {
    name: "openai_completions",
    heartbeat: openai::HEARTBEAT,
    write_error: openai::write_error,
    error_event_head: openai::ERROR_EVENT_HEAD,
    observer: || StreamObserver::new(OpenAiObserver::new(Dialect::OpenAiCompletions)),
    mock_answer: openai::mock::completion,
    answer: AnswerShape::Choices,
    front: Some(&FRONT),
    back: None,
};

static FRONT: Front = Front {
    read_request: request::read_request,
    echo: |_| Vec::new(),
    write_answer: answer::write_answer,
    stream_writer: |asked| Box::new(CompletionWriter::new(asked)),
};

#[cfg(test)]
mod tests;
