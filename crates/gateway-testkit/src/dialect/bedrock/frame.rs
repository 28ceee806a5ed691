//! Frames of `application/vnd.amazon.eventstream`, made by Amazon's own crate.

use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use bytes::Bytes;
use serde_json::{Value, json};

/// A part of an answer.
#[must_use]
pub fn event(name: &str, payload: &Value) -> Bytes {
    let headers = [
        (":event-type", name),
        (":content-type", "application/json"),
        (":message-type", "event"),
    ];
    frame(&headers, payload.to_string())
}

/// A failure that the service's model knows.
#[must_use]
pub fn exception(name: &str, message: &str) -> Bytes {
    let headers = [
        (":exception-type", name),
        (":content-type", "application/json"),
        (":message-type", "exception"),
    ];
    frame(&headers, json!({"message": message}).to_string())
}

/// A failure that it does not know.
#[must_use]
pub fn error(code: &str, message: &str) -> Bytes {
    let headers = [
        (":error-code", code),
        (":error-message", message),
        (":message-type", "error"),
    ];
    frame(&headers, String::new())
}

/// The frame with its last bit flipped: its checksum is wrong.
#[must_use]
pub fn spoiled(frame: &Bytes) -> Bytes {
    let mut bytes = frame.to_vec();
    if let Some(last) = bytes.last_mut() {
        *last ^= 1;
    }
    bytes.into()
}

fn frame(headers: &[(&str, &str)], payload: String) -> Bytes {
    let mut message = Message::new(payload);
    for (name, value) in headers {
        let value = HeaderValue::String((*value).to_owned().into());
        message = message.add_header(Header::new((*name).to_owned(), value));
    }
    let mut out = Vec::new();
    write_message_to(&message, &mut out).expect("short headers fit into a frame");
    out.into()
}
