//! The dialects of the benchmark's clients and of its upstream.

use serde::{Deserialize, Serialize};

/// One dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Dialect {
    /// OpenAI's chat completions.
    Chat,
    /// Anthropic's messages.
    Messages,
}

/// Who speaks what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Route {
    /// The client.
    pub(crate) client: Dialect,
    /// The upstream.
    pub(crate) upstream: Dialect,
}

impl Dialect {
    /// Both.
    pub(crate) const ALL: [Self; 2] = [Self::Chat, Self::Messages];

    /// The word that begins the names of models whose upstream speaks it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Messages => "messages",
        }
    }

    /// Where it is spoken.
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Chat => "/v1/chat/completions",
            Self::Messages => "/v1/messages",
        }
    }

    /// The dialect of a request's first line.
    pub(crate) fn of_request(head: &[u8]) -> Self {
        if head.starts_with(b"POST /v1/messages") {
            Self::Messages
        } else {
            Self::Chat
        }
    }
}

impl Route {
    /// What everything but the measurements of translation does.
    pub(crate) const CHAT: Self = Self::of(Dialect::Chat, Dialect::Chat);

    /// From a client to an upstream.
    pub(crate) const fn of(client: Dialect, upstream: Dialect) -> Self {
        Self { client, upstream }
    }
}
