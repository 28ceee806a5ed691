//! What a frame says, as a server-sent event.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::frame::{Frame, Kind};
use crate::body::Malformed;
use crate::json::object;

/// Of ConverseStream: the names are the service's, and failures have the names of their exceptions or `error`.
pub(super) fn converse(frame: &Frame, out: &mut Vec<u8>) -> Result<(), Malformed> {
    match &frame.kind {
        Kind::Event(name) => event(name, &frame.payload, out),
        Kind::Exception(name) if name.ends_with(EXCEPTION) => event(name, &frame.payload, out),
        Kind::Exception(name) => failure(name, &said(frame), out),
        Kind::Error { code, message } => failure(code, message, out),
    }
    Ok(())
}

/// Of InvokeModelWithResponseStream: the chunks hold Anthropic's events, and failures look as Anthropic's.
pub(super) fn invoke(frame: &Frame, out: &mut Vec<u8>) -> Result<(), Malformed> {
    match &frame.kind {
        Kind::Event(name) if name == "chunk" => return chunk(&frame.payload, out),
        // Of a kind that came later than this was written.
        Kind::Event(_) => {}
        Kind::Exception(name) => anthropic_failure(name, &said(frame), out),
        Kind::Error { code, message } => anthropic_failure(code, message, out),
    }
    Ok(())
}

/// The event inside of a chunk: `{"bytes": "…", "p": "…"}`, where `p` is there to hide the length.
fn chunk(payload: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
    #[derive(Deserialize)]
    struct Chunk<'a> {
        #[serde(borrow)]
        bytes: Cow<'a, str>,
    }

    #[derive(Deserialize)]
    struct Inner<'a> {
        #[serde(borrow, rename = "type")]
        kind: Cow<'a, str>,
    }

    let text = std::str::from_utf8(payload).map_err(|_| CHUNK)?;
    let chunk: Chunk<'_> = object(text).ok_or(CHUNK)?;
    let inner = STANDARD.decode(chunk.bytes.as_bytes()).map_err(|_| CHUNK)?;
    let text = std::str::from_utf8(&inner).map_err(|_| CHUNK)?;
    let named: Inner<'_> = object(text).ok_or(CHUNK)?;
    if !named.kind.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(CHUNK);
    }
    event(&named.kind, &inner, out);
    Ok(())
}

fn failure(code: &str, message: &str, out: &mut Vec<u8>) {
    event("error", &json(&Failure { code, message }), out);
}

fn anthropic_failure(name: &str, message: &str, out: &mut Vec<u8>) {
    #[derive(Serialize)]
    struct Outer<'a> {
        r#type: &'static str,
        error: Inner<'a>,
    }

    #[derive(Serialize)]
    struct Inner<'a> {
        r#type: &'a str,
        message: &'a str,
    }

    let outer = Outer {
        r#type: "error",
        error: Inner {
            r#type: name,
            message,
        },
    };
    event("error", &json(&outer), out);
}

/// Appends one event. JSON has line ends between its tokens only, where a space is as good.
fn event(name: &str, data: &[u8], out: &mut Vec<u8>) {
    out.reserve(name.len() + data.len() + 18);
    out.extend_from_slice(b"event: ");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\ndata: ");
    let start = out.len();
    out.extend_from_slice(data);
    if memchr::memchr2(b'\n', b'\r', data).is_some() {
        for byte in out.iter_mut().skip(start) {
            if matches!(byte, b'\n' | b'\r') {
                *byte = b' ';
            }
        }
    }
    out.extend_from_slice(b"\n\n");
}

/// The message of an exception.
fn said(frame: &Frame) -> String {
    let text = std::str::from_utf8(&frame.payload).unwrap_or_default();
    object(text).unwrap_or(Said::default()).message
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("strings always serialize")
}

#[derive(Serialize)]
struct Failure<'a> {
    code: &'a str,
    message: &'a str,
}

#[derive(Default, Deserialize)]
struct Said {
    #[serde(default, alias = "Message")]
    message: String,
}

/// What the names of all exceptions end with.
const EXCEPTION: &str = "Exception";

const CHUNK: Malformed = Malformed::BadFrame {
    why: "its chunk holds no event",
};
