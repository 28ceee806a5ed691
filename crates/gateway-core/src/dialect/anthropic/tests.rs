//! The spoke, from and into the documentation's JSON.

mod answers;
mod properties;
mod requests_in;
mod requests_out;
mod streams;

use bytes::Bytes;
use serde_json::Value;

use crate::chat::{Delta, Request};
use crate::dialect::Dialect;
use crate::envelope::{Envelope, Limits};
use crate::spoke::StreamReader;
use crate::sse::{Flow, Framer};
use crate::translate::{Asked, Losses, Lost, Quirks, Target, TranslateError};

fn asked() -> Asked {
    Asked {
        model: "my-model".to_owned(),
        id: "7".to_owned(),
        created: 1,
        usage_in_stream: true,
        echo: Vec::new(),
    }
}

fn read(body: &Value) -> Result<Request, TranslateError> {
    let body = Bytes::from(body.to_string());
    let envelope = Envelope::parse(body, Limits::default()).unwrap();
    (Dialect::AnthropicMessages.front().unwrap().read_request)(&envelope)
}

/// The body for a model, and what is lost.
fn write(request: &Request, model: &str) -> (Value, Vec<Lost>) {
    let quirks = Quirks::default();
    let target = Target {
        model,
        max_output_tokens: None,
        reasons: None,
        quirks: &quirks,
    };
    let mut losses = Losses::default();
    let back = Dialect::AnthropicMessages.back().unwrap();
    let body = (back.write_request)(request, &target, &mut losses).unwrap();
    (serde_json::from_slice(&body).unwrap(), losses.into_inner())
}

fn names(lost: &[Lost]) -> Vec<&str> {
    lost.iter().map(|it| &*it.name).collect()
}

/// What a client gets when these events come, each fed as the reader reads it.
fn through(stream: &[u8], splits: &[usize]) -> String {
    let mut reader = super::stream_reader::new();
    let mut writer = super::stream_writer::new(&asked());
    let mut out = Vec::new();
    feed(stream, splits, &mut *reader, &mut |delta| {
        writer.delta(delta, &mut out)
    });
    writer.finish(&mut out);
    String::from_utf8(out).unwrap()
}

fn feed(
    stream: &[u8],
    splits: &[usize],
    reader: &mut dyn StreamReader,
    sink: &mut dyn FnMut(Delta<'_>),
) {
    let mut framer = Framer::new(1 << 20);
    let mut from = 0;
    for to in splits.iter().copied().chain([stream.len()]) {
        let chunk = Bytes::copy_from_slice(&stream[from..to]);
        let fed = framer.feed(chunk, |event| {
            reader.event(&event, sink).unwrap();
            Flow::Continue
        });
        assert_eq!(fed.error, None);
        from = to;
    }
    reader.end(sink);
}

/// What the steps of a stream are to a client.
fn written(deltas: Vec<Delta<'_>>) -> String {
    let mut writer = super::stream_writer::new(&asked());
    let mut out = Vec::new();
    for delta in deltas {
        writer.delta(delta, &mut out);
    }
    writer.finish(&mut out);
    String::from_utf8(out).unwrap()
}
