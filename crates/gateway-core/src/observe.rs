//! Watches a stream on its way: is this content yet, what did it cost, did it fail, is it over?

use bytes::Bytes;

use crate::dialect::{AnthropicObserver, OpenAiObserver};
use crate::error::ErrorInfo;
use crate::sse::Event;
use crate::usage::Usage;

/// Watches one stream of one dialect. It changes nothing and keeps no content.
///
/// The caller stops at [`Seen::Terminal`] and [`Seen::Error`]: what comes after them is no part of the answer.
#[derive(Debug)]
pub struct StreamObserver(State);

#[derive(Debug)]
enum State {
    OpenAi(OpenAiObserver),
    Anthropic(AnthropicObserver),
    None,
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

impl StreamObserver {
    pub(crate) const fn openai(observer: OpenAiObserver) -> Self {
        Self(State::OpenAi(observer))
    }

    pub(crate) const fn anthropic(observer: AnthropicObserver) -> Self {
        Self(State::Anthropic(observer))
    }

    /// For dialects that never stream: nothing is content, nothing completes.
    pub(crate) const fn none() -> Self {
        Self(State::None)
    }

    /// Tells how many choices the request asked for (OpenAI's `n`). Without it, only the choices that were seen must
    /// finish before a stream without marker counts as complete.
    pub fn expect_choices(&mut self, count: u64) {
        if let State::OpenAi(observer) = &mut self.0 {
            observer.expect_choices(count);
        }
    }

    /// Looks at one event.
    pub fn event(&mut self, event: &Event<'_>) -> Seen {
        match &mut self.0 {
            State::OpenAi(observer) => observer.event(event),
            State::Anthropic(observer) => observer.event(event),
            State::None => Seen::Other,
        }
    }

    /// What the stream has reported of its cost so far.
    pub fn usage(&self) -> Usage {
        match &self.0 {
            State::OpenAi(observer) => observer.usage(),
            State::Anthropic(observer) => observer.usage(),
            State::None => Usage::default(),
        }
    }

    /// Whether the answer is complete if the body ends cleanly here: the terminal marker was seen, or (OpenAI, where
    /// some providers send none) every choice has its finish reason.
    pub fn is_complete(&self) -> bool {
        match &self.0 {
            State::OpenAi(observer) => observer.is_complete(),
            State::Anthropic(observer) => observer.is_complete(),
            State::None => false,
        }
    }

    /// What is to be added at a clean end so that it is a proper one: OpenAI's `[DONE]` if the stream is complete
    /// without it. `None` if nothing is missing, or if the stream is not complete.
    pub fn closing(&self) -> Option<Bytes> {
        match &self.0 {
            State::OpenAi(observer) if observer.lacks_marker() => Some(OpenAiObserver::marker()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
