//! What a client saw of one answer.

use bytes::Bytes;
use serde_json::Value;

use super::sse::{SseEvent, SseReader};
use crate::http1::{Header, header};

/// How the body of an answer ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BodyEnd {
    /// As its framing says; over TLS a close-delimited body needs `close_notify`.
    Clean,
    /// The connection was closed in the middle.
    Eof,
    /// The connection was reset.
    Reset,
    /// The framing was broken, in words.
    Malformed(String),
    /// Our own deadline passed.
    Deadline,
    /// The HTTP/2 stream was reset with this code.
    StreamReset(u32),
    /// The peer left the HTTP/2 connection with this code.
    GoAway(u32),
    /// Our side left the HTTP/2 connection with this code, because of what had come.
    LocalGoAway(u32),
}

/// One answer, read to its end.
#[derive(Debug, Clone)]
pub struct ClientView {
    /// Status; 0 if there was no head.
    pub status: u16,
    /// Headers in wire order.
    pub headers: Vec<Header>,
    /// Statuses of informational responses before it.
    pub interim: Vec<u16>,
    /// The body without its framing.
    pub body: Bytes,
    /// Trailers.
    pub trailers: Vec<Header>,
    /// Events in the body; empty if it is no event stream.
    pub events: Vec<SseEvent>,
    /// Comment lines in the stream.
    pub comments: Vec<String>,
    /// How the body ended.
    pub end: BodyEnd,
}

impl ClientView {
    pub(super) fn no_head(end: BodyEnd) -> Self {
        Self {
            status: 0,
            headers: Vec::new(),
            interim: Vec::new(),
            body: Bytes::new(),
            trailers: Vec::new(),
            events: Vec::new(),
            comments: Vec::new(),
            end,
        }
    }

    /// Fills in what the body says.
    pub(super) fn with_body(mut self, body: Bytes) -> Self {
        let mut reader = SseReader::default();
        if self
            .header("content-type")
            .is_some_and(|value| value.starts_with("text/event-stream"))
        {
            self.events = reader.push(&body);
            self.comments = reader.comments().to_vec();
        }
        self.body = body;
        self
    }

    /// The first header of this name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }

    /// The body as JSON; `Null` if it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The first event that SDKs raise on.
    #[must_use]
    pub fn error_event(&self) -> Option<&SseEvent> {
        self.events.iter().find(|event| event.is_error())
    }

    /// Whether the terminal marker came.
    #[must_use]
    pub fn has_marker(&self) -> bool {
        self.events.iter().any(SseEvent::is_marker)
    }

    /// Whether a careful client takes this stream for complete: 200, marker last, no error, clean end.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.status == 200
            && self.events.last().is_some_and(SseEvent::is_marker)
            && self.error_event().is_none()
            && self.end == BodyEnd::Clean
    }

    /// The text of all content events.
    #[must_use]
    pub fn text(&self) -> String {
        self.events.iter().map(SseEvent::text).collect()
    }
}
