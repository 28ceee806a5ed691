//! Watches a stream on its way: is this content yet, what did it cost, did it fail, is it over?

use bytes::Bytes;

use crate::error::ErrorInfo;
use crate::sse::Event;
use crate::usage::Usage;

/// Watches one stream of one dialect. It changes nothing and keeps no content.
///
/// The caller stops at [`Seen::Terminal`] and [`Seen::Error`]: what comes after them is no part of the answer.
#[derive(Debug)]
pub struct StreamObserver(Box<dyn Observe>);

/// What a dialect's file knows of its streams.
pub(crate) trait Observe: std::fmt::Debug + Send {
    /// See [`StreamObserver::event`].
    fn event(&mut self, event: &Event<'_>) -> Seen;

    /// See [`StreamObserver::usage`].
    fn usage(&self) -> Usage;

    /// See [`StreamObserver::is_complete`].
    fn is_complete(&self) -> bool;

    /// See [`StreamObserver::closing`].
    fn closing(&self) -> Option<Bytes> {
        None
    }

    /// See [`StreamObserver::expect_choices`].
    fn expect_choices(&mut self, _count: u64) {}
}

/// Of a dialect that never streams: nothing is content, nothing completes.
#[derive(Debug)]
struct Nothing;

impl Observe for Nothing {
    fn event(&mut self, _: &Event<'_>) -> Seen {
        Seen::Other
    }

    fn usage(&self) -> Usage {
        Usage::default()
    }

    fn is_complete(&self) -> bool {
        false
    }
}

/// What an event is to the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// It comes before the first content and carries none: a role, `message_start`, Azure's prompt filter.
    Preamble,
    /// Meaningful content: text, reasoning, a tool call, a refusal, or a finish reason.
    Content,
    /// Neither: a ping, a comment, usage, an event of a type that is not known.
    Other,
    /// The terminal marker: the answer is complete.
    Terminal,
    /// The provider failed in its own words.
    Error(ErrorInfo),
    /// The event's data is not JSON, or not of this dialect.
    Malformed,
}

impl Seen {
    /// Of an event that is content if it is `filled`; what comes before the first of these is preamble.
    pub(crate) const fn content_if(filled: bool, started: &mut bool) -> Self {
        *started |= filled;
        match (filled, *started) {
            (true, _) => Self::Content,
            (false, true) => Self::Other,
            (false, false) => Self::Preamble,
        }
    }
}

impl StreamObserver {
    pub(crate) fn new(observer: impl Observe + 'static) -> Self {
        Self(Box::new(observer))
    }

    /// For dialects that never stream: nothing is content, nothing completes.
    pub(crate) fn none() -> Self {
        Self::new(Nothing)
    }

    /// Tells how many choices the request asked for (OpenAI's `n`). Without it, only the choices that were seen must
    /// finish before a stream without marker counts as complete.
    pub fn expect_choices(&mut self, count: u64) {
        self.0.expect_choices(count);
    }

    /// Looks at one event.
    pub fn event(&mut self, event: &Event<'_>) -> Seen {
        self.0.event(event)
    }

    /// What the stream has reported of its cost so far.
    pub fn usage(&self) -> Usage {
        self.0.usage()
    }

    /// Whether the answer is complete if the body ends cleanly here: the terminal marker was seen, or (OpenAI, where
    /// some providers send none) every choice has its finish reason.
    pub fn is_complete(&self) -> bool {
        self.0.is_complete()
    }

    /// What is to be added at a clean end so that it is a proper one: OpenAI's `[DONE]` if the stream is complete
    /// without it. `None` if nothing is missing, or if the stream is not complete.
    pub fn closing(&self) -> Option<Bytes> {
        self.0.closing()
    }
}

#[cfg(test)]
mod tests;
