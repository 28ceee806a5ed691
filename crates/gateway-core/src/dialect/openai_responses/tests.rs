//! Requests, answers and streams of this dialect.

mod front;
mod observe;
mod request;

use bytes::Bytes;

use super::FRONT;
use crate::chat::{Delta, Request};
use crate::translate::{Asked, TranslateError};
use crate::{Envelope, Limits};

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
