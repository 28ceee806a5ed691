//! Google's generateContent, at the Gemini API and at Vertex AI: <https://ai.google.dev/api/generate-content>.

mod args;
mod back;
mod choices;
mod finish;
mod front;
mod mock;
mod observer;
mod wire;

use serde::Serialize;

use super::{Dialect, Wire};
use crate::body::AnswerShape;
use crate::error::{ErrorInfo, ErrorKind};
use crate::observe::StreamObserver;

pub(super) use choices::choices_asked;

pub(super) static WIRE: Wire = Wire {
    name: "gemini",
    // Google's clients take a comment for the beginning of an answer.
    heartbeat: b"",
    write_error,
    error_event_head: b"data: ",
    observer: || StreamObserver::new(observer::GeminiObserver::default()),
    mock_answer: mock::response,
    answer: AnswerShape::Own(observer::read_facts),
    front: Some(&front::FRONT),
    back: Some(&back::BACK),
};

/// Fields that clients of other dialects may give by these names, and Google's name of each.
pub(super) const OWN_FIELDS: &[(&str, &str)] = &[
    ("safety_settings", "safetySettings"),
    ("safetySettings", "safetySettings"),
    ("cached_content", "cachedContent"),
    ("cachedContent", "cachedContent"),
    ("labels", "labels"),
];

/// `{"error":{"code","message","status"}}`: clients raise on it, as an answer and in a stream, where `error` must be the
/// first member.
fn write_error(error: &ErrorInfo) -> Vec<u8> {
    #[derive(Serialize)]
    struct Body<'a> {
        error: Inner<'a>,
    }

    #[derive(Serialize)]
    struct Inner<'a> {
        code: u16,
        message: &'a str,
        status: &'static str,
    }

    let code = Dialect::Gemini.status(error);
    let inner = Inner {
        code,
        message: &error.message,
        status: status_word(error.kind, code),
    };
    serde_json::to_vec(&Body { error: inner }).expect("strings and numbers always serialize")
}

/// Google's word for a status: <https://cloud.google.com/apis/design/errors>.
const fn status_word(kind: ErrorKind, status: u16) -> &'static str {
    match kind {
        ErrorKind::InvalidRequest
        | ErrorKind::ContextWindow
        | ErrorKind::ContentPolicy
        | ErrorKind::TooLarge => "INVALID_ARGUMENT",
        ErrorKind::Authentication => "UNAUTHENTICATED",
        ErrorKind::Billing => "FAILED_PRECONDITION",
        ErrorKind::Permission => "PERMISSION_DENIED",
        ErrorKind::NotFound => "NOT_FOUND",
        ErrorKind::RateLimit => "RESOURCE_EXHAUSTED",
        ErrorKind::Timeout => "DEADLINE_EXCEEDED",
        ErrorKind::Overloaded | ErrorKind::Unavailable => "UNAVAILABLE",
        ErrorKind::Upstream if status == 502 || status == 503 => "UNAVAILABLE",
        ErrorKind::Upstream | ErrorKind::Internal => "INTERNAL",
    }
}
