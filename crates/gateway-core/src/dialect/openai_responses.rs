//! OpenAI's responses: <https://platform.openai.com/docs/api-reference/responses>.

mod annotation;
mod answer;
mod ask;
mod content;
mod echo;
mod events;
mod input;
mod item;
mod observe;
mod reader;
mod request;
mod stream;
mod tools;

use super::{Dialect, Wire, openai};
use crate::body::AnswerShape;
use crate::chat::Answer;
use crate::envelope::Envelope;
use crate::mock::{self, MockAnswer};
use crate::observe::StreamObserver;
use crate::spoke::{Back, Front, StreamWriter};
use crate::translate::{Asked, NameRule};

pub(super) use observe::error_event;

pub(super) static WIRE: Wire = Wire {
    name: "openai_responses",
    // A comment: every client skips it, also those that know no event of that name.
    heartbeat: openai::HEARTBEAT,
    write_error: openai::write_error,
    error_event_head: b"",
    observer: || StreamObserver::new(observe::ResponsesObserver::default()),
    mock_answer,
    answer: AnswerShape::Own(observe::read_body),
    front: Some(&FRONT),
    back: Some(&BACK),
};

static FRONT: Front = Front {
    read_request: request::read,
    echo: echo::fields,
    write_answer,
    stream_writer: |asked| Box::new(stream::Writer::new(asked, events::Form::Stream)),
};

static BACK: Back = Back {
    write_request: ask::write,
    read_answer: answer::read,
    stream_reader: || Box::new(reader::Reader::default()),
    tool_names: NameRule::plain(64),
    call_ids: NameRule::plain(64),
};

/// A whole answer is the object in which its stream ends.
fn write_answer(answer: &Answer, asked: &Asked) -> Vec<u8> {
    let mut writer = stream::Writer::new(asked, events::Form::Whole);
    let mut events = Vec::new();
    answer.replay(&mut |delta| writer.delta(delta, &mut events));
    writer.into_response()
}

fn mock_answer(mock: &MockAnswer<'_>, request: &Envelope) -> Vec<u8> {
    if request.stream() {
        mock::stream(&FRONT, mock, request)
    } else {
        mock::whole(&FRONT, mock, request)
    }
}

/// Fields that clients of chat completions give as well.
pub(super) const OWN_FIELDS: &[(&str, &str)] = &[
    ("safety_identifier", "safety_identifier"),
    ("prompt_cache_retention", "prompt_cache_retention"),
    ("prompt_cache_options", "prompt_cache_options"),
    ("max_tool_calls", "max_tool_calls"),
    ("truncation", "truncation"),
];

/// What signatures of this dialect are marked with.
const OWN: Dialect = Dialect::OpenAiResponses;

#[cfg(test)]
mod tests;
