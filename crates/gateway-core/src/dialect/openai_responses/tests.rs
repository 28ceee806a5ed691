//! Requests, answers and streams of this dialect.

mod back;
mod chain;
mod front;
mod observe;
mod request;
mod there_and_back;

use std::borrow::Cow;

use bytes::Bytes;
use serde_json::Value;

use super::{BACK, FRONT};
use crate::chat::{
    Answer, Choice, Delta, Finish, FinishReason, Opened, Part, PartKind, Request, Weight,
};
use crate::translate::{Asked, Quirks, Target, TranslateError};
use crate::{Envelope, Flow, Framer, Limits, Losses};

fn envelope(json: &str) -> Envelope {
    Envelope::parse(Bytes::from(json.to_owned()), Limits::default()).unwrap()
}

fn read(json: &str) -> Result<Request, TranslateError> {
    (FRONT.read_request)(&envelope(json))
}

fn asked(request: &str) -> Asked {
    Asked {
        model: "my-group".to_owned(),
        id: "0a1b2c".to_owned(),
        created: 1_700_000_000,
        usage_in_stream: true,
        echo: (FRONT.echo)(&envelope(request)),
    }
}

/// The stream that these steps become.
fn streamed(request: &str, deltas: Vec<Delta<'_>>) -> String {
    let mut writer = (FRONT.stream_writer)(&asked(request));
    let mut out = Vec::new();
    for delta in deltas {
        writer.delta(delta, &mut out);
    }
    writer.finish(&mut out);
    String::from_utf8(out).unwrap()
}

fn target(quirks: &Quirks) -> Target<'_> {
    Target {
        model: "gpt-5",
        max_output_tokens: None,
        reasons: None,
        quirks,
    }
}

/// The body that a provider gets, and what is lost.
fn written(request: &Request) -> (Value, Vec<(String, Weight)>) {
    let quirks = Quirks::default();
    let mut losses = Losses::default();
    let body = (BACK.write_request)(request, &target(&quirks), &mut losses).unwrap();
    let lost = losses.into_inner().into_iter();
    let lost = lost.map(|it| (it.name.into_owned(), it.weight)).collect();
    (serde_json::from_slice(&body).unwrap(), lost)
}

/// What a provider's stream says that comes in these reads.
fn read_stream(reads: &[&[u8]], mut sink: impl FnMut(Delta<'_>)) {
    let mut reader = (BACK.stream_reader)();
    let mut framer = Framer::new(1 << 20);
    for bytes in reads {
        let fed = framer.feed(Bytes::copy_from_slice(bytes), |event| {
            reader.event(&event, &mut sink).unwrap();
            Flow::Continue
        });
        assert!(fed.error.is_none());
    }
    reader.end(&mut sink);
}

/// The answer that a provider's stream brings.
fn collected(stream: &str) -> Answer {
    let mut answer = Answer::default();
    let mut choice = Choice {
        parts: Vec::new(),
        finish: Finish::new(FinishReason::Failed),
        logprobs: None,
    };
    let mut ends = 0;
    read_stream(&[stream.as_bytes()], |delta| match delta {
        Delta::Begin { id, model, created } => {
            answer.id = id.map(Cow::into_owned);
            answer.model = model.map(Cow::into_owned);
            answer.created = created;
        }
        Delta::Open { part, opened, .. } => {
            assert_eq!(choice.parts.len(), part as usize);
            choice.parts.push(Part::new(begun(opened)));
        }
        Delta::Piece { part, text, .. } => match &mut choice.parts[part as usize].kind {
            PartKind::Text { text: own, .. }
            | PartKind::Thinking { text: own, .. }
            | PartKind::Refusal { text: own }
            | PartKind::ToolCall { arguments: own, .. } => own.push_str(&text),
            other => panic!("a piece of {other:?}"),
        },
        Delta::Signature {
            part, signature, ..
        } => match &mut choice.parts[part as usize].kind {
            PartKind::Thinking { signature: own, .. } => *own = Some(signature),
            other => panic!("a signature of {other:?}"),
        },
        Delta::Citation {
            part,
            dialect,
            json,
            ..
        } => match &mut choice.parts[part as usize].kind {
            PartKind::Text { citations, .. } => citations.push((dialect, json)),
            other => panic!("a citation of {other:?}"),
        },
        Delta::Logprobs { json, .. } => choice.logprobs = Some(json),
        Delta::Finish { finish, .. } => {
            ends += 1;
            choice.finish = finish;
        }
        Delta::Usage(usage) => answer.usage.merge(usage),
        Delta::ServiceTier(tier) => answer.service_tier = Some(tier.into_owned()),
        Delta::Close { .. } => {}
    });
    assert_eq!(ends, 1);
    answer.choices.push(choice);
    answer
}

fn begun(opened: Opened<'_>) -> PartKind {
    match opened {
        Opened::Text => Part::text("").kind,
        Opened::Thinking { id } => PartKind::Thinking {
            text: String::new(),
            signature: None,
            id: id.map(Cow::into_owned),
        },
        Opened::RedactedThinking { signature } => PartKind::RedactedThinking { signature },
        Opened::ToolCall {
            id,
            name,
            custom,
            signature,
        } => PartKind::ToolCall {
            id: id.into_owned(),
            name: name.into_owned(),
            arguments: String::new(),
            custom,
            signature,
        },
        Opened::Refusal => PartKind::Refusal {
            text: String::new(),
        },
        Opened::Other { dialect, json } => PartKind::Other { dialect, json },
    }
}
