//! Requests, answers and streams as OpenAI documents them, and what they are in no dialect.

mod answers;
mod collect;
mod identity;
mod requests;
mod streams;

use bytes::Bytes;
use serde_json::Value;

use crate::chat::{Answer, Delta, Request};
use crate::envelope::{Envelope, Limits};
use crate::sse::{Flow, Framer};
use crate::translate::{Asked, Losses, Lost, Quirks, Target, TranslateError};

/// What a client's JSON is.
pub(super) fn read(json: &str) -> Result<Request, TranslateError> {
    let envelope = Envelope::parse(Bytes::from(json.to_owned()), Limits::default()).unwrap();
    (super::FRONT.read_request)(&envelope)
}

/// What a provider is sent, and what was lost.
pub(super) fn written(request: &Request, quirks: &Quirks) -> (Value, Vec<Lost>) {
    let target = Target {
        model: "gpt",
        max_output_tokens: None,
        reasons: Some(true),
        quirks,
    };
    let mut losses = Losses::default();
    let body = (super::BACK.write_request)(request, &target, &mut losses).unwrap();
    (serde_json::from_slice(&body).unwrap(), losses.into_inner())
}

pub(super) fn asked() -> Asked {
    Asked {
        model: "mine".to_owned(),
        id: "abc".to_owned(),
        created: 7,
        usage_in_stream: true,
        echo: Vec::new(),
    }
}

pub(super) fn read_answer(json: &str) -> Answer {
    (super::BACK.read_answer)(json).unwrap()
}

pub(super) fn write_answer(answer: &Answer, asked: &Asked) -> Value {
    serde_json::from_slice(&(super::FRONT.write_answer)(answer, asked)).unwrap()
}

/// A provider's stream as a client of the same dialect would be told it, piece by piece as cut.
pub(super) fn through(stream: &[&str], asked: &Asked) -> String {
    let mut reader = (super::BACK.stream_reader)();
    let mut writer = (super::FRONT.stream_writer)(asked);
    let mut framer = Framer::new(1 << 20);
    let mut out = Vec::new();
    for piece in stream {
        let fed = framer.feed(Bytes::from((*piece).to_owned()), |event| {
            reader
                .event(&event, &mut |delta| writer.delta(delta, &mut out))
                .unwrap();
            Flow::Continue
        });
        assert!(fed.error.is_none());
    }
    reader.end(&mut |delta| writer.delta(delta, &mut out));
    writer.finish(&mut out);
    String::from_utf8(out).unwrap()
}

/// The steps of a provider's stream, each in its debug form.
pub(super) fn steps(stream: &str) -> Vec<String> {
    let mut reader = (super::BACK.stream_reader)();
    let mut steps = Vec::new();
    let mut tell = |delta: Delta<'_>| steps.push(format!("{delta:?}"));
    let fed = Framer::new(1 << 20).feed(Bytes::from(stream.to_owned()), |event| {
        reader.event(&event, &mut tell).unwrap();
        Flow::Continue
    });
    assert!(fed.error.is_none());
    reader.end(&mut tell);
    steps
}
