//! What the gateway must see in a provider's events and plain answers, and how it tells clients of an error in between.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::OWN;
use crate::body::{BodyFacts, Malformed};
use crate::error::{ErrorInfo, ErrorKind, read_error_event};
use crate::json::{is_filled, object, string_in};
use crate::observe::{Observe, Seen};
use crate::quick::{Key, is_object_like, key};
use crate::sse::Event;
use crate::usage::Usage;

/// Watches one stream of named events. It ends with the event that carries the whole response; there is no marker.
#[derive(Debug, Default)]
pub(super) struct ResponsesObserver {
    usage: Usage,
    started: bool,
    ended: bool,
}

impl Observe for ResponsesObserver {
    fn event(&mut self, event: &Event<'_>) -> Seen {
        let data = event.data();
        if event.name() == Some("error") {
            return Seen::Error(read_error(&data));
        }
        if !event.has_data() || data.trim() == "[DONE]" {
            return Seen::Other;
        }
        let is_delta = event.name().is_some_and(|name| name.ends_with(".delta"));
        if self.started && is_delta && is_filled_delta(&data) {
            return Seen::Content;
        }
        let Some(frame) = object::<Frame<'_>>(&data) else {
            return Seen::Malformed;
        };
        if frame.error.is_some_and(is_filled) {
            return Seen::Error(read_error(&data));
        }
        let kind = frame.kind.as_ref().map(|Word(kind)| &**kind);
        self.frame(kind.or(event.name()).unwrap_or_default(), &frame, &data)
    }

    fn usage(&self) -> Usage {
        self.usage
    }

    fn is_complete(&self) -> bool {
        self.ended
    }
}

impl ResponsesObserver {
    fn frame(&mut self, kind: &str, frame: &Frame<'_>, data: &str) -> Seen {
        let response = frame.response.as_ref();
        if let Some(usage) = response.and_then(|response| response.usage) {
            self.usage.merge(Usage::read(usage));
        }
        // Some say "completed" of a response that is not.
        let failed = response.is_some_and(|response| response.has_failed());
        match kind {
            "response.completed" | "response.incomplete" if failed => Seen::Error(read_error(data)),
            "response.completed" | "response.incomplete" => {
                self.ended = true;
                Seen::Terminal
            }
            "error" | "response.failed" | "response.cancelled" => Seen::Error(read_error(data)),
            "response.output_item.added" => {
                let item = frame.item.as_ref();
                self.content_if(item.is_some_and(|item| !item.is_plain()))
            }
            // What was said before it counts; a provider that says nothing before it says it here.
            "response.output_item.done" | "response.output_text.done" => self.content_if(true),
            _ => self.content_if(kind.ends_with(".delta") && frame.delta.is_some_and(is_filled)),
        }
    }

    fn content_if(&mut self, filled: bool) -> Seen {
        Seen::content_if(filled, &mut self.started)
    }
}

/// Reads a plain answer. One that says that it failed is an error, whatever its status.
pub(super) fn read_body(text: &str) -> Result<BodyFacts, Malformed> {
    let missing = Malformed::WrongShape { missing: "output" };
    let response: Response<'_> = object(text).ok_or(missing)?;
    if response.has_failed() {
        return Ok(BodyFacts {
            error: Some(read_error(text)),
            ..BodyFacts::default()
        });
    }
    if !response
        .output
        .is_some_and(|output| output.get().starts_with('['))
    {
        return Err(missing);
    }
    Ok(BodyFacts {
        usage: response.usage.map(Usage::read).unwrap_or_default(),
        error: None,
        model: response.model.and_then(|model| string_in(text, model)),
    })
}

/// The event on which every client raises: the SDKs for Python and Node because of the `error` member, Codex and the
/// Vercel AI SDK because of the type and of the failed response, whose code tells them whether to try again.
pub(in crate::dialect) fn error_event(error: &ErrorInfo) -> Vec<u8> {
    let code = code(error);
    let told = json!({
        "message": error.message,
        "type": error.kind.openai_type(),
        "param": error.param,
        "code": code,
    });
    let event = json!({
        "type": "response.failed",
        "sequence_number": 0,
        "response": {
            "id": error.request_id.as_deref().map_or_else(|| "resp_failed".to_owned(), |id| format!("resp_{id}")),
            "object": "response",
            "created_at": 0,
            "status": "failed",
            "error": told,
            "incomplete_details": null,
            "instructions": null,
            "metadata": {},
            "model": "",
            "output": [],
            "parallel_tool_calls": true,
            "temperature": null,
            "tool_choice": "auto",
            "tools": [],
            "top_p": null,
            "usage": null,
        },
        "error": told,
    });
    format!("event: response.failed\ndata: {event}\n\n").into_bytes()
}

/// The words that clients look for; the provider's own where it is one of them.
fn code(error: &ErrorInfo) -> &str {
    match error.kind {
        ErrorKind::ContextWindow => "context_length_exceeded",
        ErrorKind::Billing => "insufficient_quota",
        ErrorKind::RateLimit => "rate_limit_exceeded",
        ErrorKind::Overloaded => "server_is_overloaded",
        ErrorKind::ContentPolicy | ErrorKind::InvalidRequest => "invalid_prompt",
        _ => error.code.as_deref().unwrap_or(error.kind.openai_type()),
    }
}

/// The error may stand in the response, in a member of its own, or be the event itself.
fn read_error(data: &str) -> ErrorInfo {
    let frame = object::<Frame<'_>>(data);
    let nested = frame.as_ref().and_then(|it| it.response.as_ref()?.error);
    match nested.filter(|error| is_filled(error)) {
        Some(error) => read_error_event(OWN, &format!(r#"{{"error":{}}}"#, error.get())),
        None => read_error_event(OWN, data),
    }
}

/// Whether an event has a text as its delta. When in doubt, no.
fn is_filled_delta(data: &str) -> bool {
    static DELTA: Key = key!("delta");
    static ERROR: Key = key!("error");
    is_object_like(data) && DELTA.has_text(data) && !ERROR.is_set(data)
}

/// The members of any event that say something to the gateway.
#[derive(Deserialize)]
struct Frame<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Word<'a>>,
    #[serde(borrow)]
    delta: Option<&'a RawValue>,
    #[serde(borrow)]
    item: Option<Item<'a>>,
    #[serde(borrow)]
    response: Option<Response<'a>>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Word<'a>>,
}

impl Item<'_> {
    /// Whether it begins without saying anything yet.
    fn is_plain(&self) -> bool {
        matches!(
            self.kind.as_ref().map(|Word(kind)| &**kind),
            Some("message" | "reasoning")
        )
    }
}

#[derive(Deserialize)]
struct Response<'a> {
    #[serde(borrow)]
    status: Option<Word<'a>>,
    #[serde(borrow)]
    model: Option<&'a RawValue>,
    #[serde(borrow)]
    output: Option<&'a RawValue>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

impl Response<'_> {
    fn has_failed(&self) -> bool {
        let status = self.status.as_ref().map(|it| &*it.0);
        matches!(status, Some("failed" | "cancelled"))
    }
}

#[derive(Deserialize)]
struct Word<'a>(#[serde(borrow)] Cow<'a, str>);
