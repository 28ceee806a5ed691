//! OpenAI's chat completions: <https://platform.openai.com/docs/api-reference/chat-streaming>.

mod answer_read;
mod answer_write;
mod assistant_read;
mod assistant_write;
mod calls;
mod chunk;
pub(super) mod chunk_write;
mod citations;
mod content;
mod content_write;
pub(super) mod finish;
mod media;
mod messages_write;
pub(super) mod parameters;
mod request_read;
mod request_write;
mod shown;
mod stream_read;
mod stream_write;
mod tools_read;
mod tools_write;
pub(super) mod usage_write;

use super::openai::OpenAiObserver;
use super::{Wire, openai};
use crate::body::AnswerShape;
use crate::dialect::Dialect;
use crate::observe::StreamObserver;
use crate::spoke::{Back, Front};
use crate::translate::NameRule;
use stream_read::ChatReader;
use stream_write::ChatWriter;

pub(crate) use request_read::read_parameters;

pub(super) static WIRE: Wire = Wire {
    name: "openai_chat",
    heartbeat: openai::HEARTBEAT,
    write_error: openai::write_error,
    error_event_head: openai::ERROR_EVENT_HEAD,
    observer: || StreamObserver::new(OpenAiObserver::new(Dialect::OpenAiChat)),
    mock_answer: openai::mock::chat,
    answer: AnswerShape::Choices,
    front: Some(&FRONT),
    back: Some(&BACK),
};

static FRONT: Front = Front {
    read_request: request_read::read_request,
    echo: request_read::echo,
    write_answer: answer_write::write_answer,
    stream_writer: |asked| Box::new(ChatWriter::new(asked)),
};

static BACK: Back = Back {
    write_request: request_write::write_request,
    read_answer: answer_read::read_answer,
    stream_reader: || Box::<ChatReader>::default(),
    tool_names: NameRule::plain(64),
    call_ids: NameRule {
        // Compatible servers read their own ids again, which have more than letters: `functions.search:0`.
        longest: 40,
        punctuation: "_-.:|/+=~#@",
        ..NameRule::ANY
    },
};

#[cfg(test)]
mod tests;
