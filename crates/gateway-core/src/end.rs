//! How a stream ended, and the names of the timers that can end one.

use std::fmt;

/// How a call ended, as its one record says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EndReason {
    /// The dialect's terminal marker was seen, or the plain body was whole.
    Complete,
    /// The client went away first.
    ClientGone,
    /// The upstream's bytes stopped before the terminal marker.
    Truncated,
    /// The upstream said that it failed: an error status, an error object or an error event.
    UpstreamError,
    /// The upstream's bytes were not the dialect: bad framing, bad UTF-8, an event over the limit, HTML.
    Malformed,
    /// A timer of the gateway fired.
    Timer(TimerName),
    /// An operator ended it.
    Cancelled,
    /// The process shut down and the grace period was over.
    ShutdownDeadline,
    /// The gateway refused it before any upstream was tried.
    Rejected,
}

impl EndReason {
    /// The word for logs and metric labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::ClientGone => "client_gone",
            Self::Truncated => "truncated",
            Self::UpstreamError => "upstream_error",
            Self::Malformed => "malformed",
            Self::Timer(TimerName::Call) => "timer_call",
            Self::Timer(TimerName::Attempt) => "timer_attempt",
            Self::Timer(TimerName::FirstContent) => "timer_first_content",
            Self::Timer(TimerName::Idle) => "timer_idle",
            Self::Timer(TimerName::Connect) => "timer_connect",
            Self::Timer(TimerName::Pool) => "timer_pool",
            Self::Timer(TimerName::ClientWrite) => "timer_client_write",
            Self::Cancelled => "cancelled",
            Self::ShutdownDeadline => "shutdown_deadline",
            Self::Rejected => "rejected",
        }
    }
}

impl fmt::Display for EndReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The timers, each with one meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TimerName {
    /// The whole call, to its last byte.
    Call,
    /// One attempt, complete response.
    Attempt,
    /// From an attempt's start to the first meaningful content of its stream.
    FirstContent,
    /// Silence between contents of a stream.
    Idle,
    /// DNS, TCP and TLS.
    Connect,
    /// Waiting for a connection slot.
    Pool,
    /// A client that does not read.
    ClientWrite,
}

impl TimerName {
    /// The word for logs, metric labels and error bodies.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Attempt => "attempt",
            Self::FirstContent => "first_content",
            Self::Idle => "idle",
            Self::Connect => "connect",
            Self::Pool => "pool",
            Self::ClientWrite => "client_write",
        }
    }
}

impl fmt::Display for TimerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
