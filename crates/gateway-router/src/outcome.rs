//! How an attempt failed, in what decides about the next one.

use std::time::Duration;

use gateway_core::{ErrorInfo, ErrorKind};

/// The failure of an attempt.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// What went wrong: retry policies and cooldowns are by kind.
    pub kind: ErrorKind,
    /// The status that the client would see.
    pub status: u16,
    /// Whether and where the same request may be sent again.
    pub again: Again,
    /// How long the provider wants to be left alone.
    pub retry_after: Option<Duration>,
    /// What the provider says of trying again (`x-should-retry`).
    pub should_retry: Option<bool>,
    /// A timer fired whose value the caller chose: no fault of the deployment's.
    pub by_caller: bool,
}

/// Whether and where a request may be sent again after it failed (RFC 9110, section 9.2.2: a POST only where it is known
/// that this is safe).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// Nobody has processed it: anywhere.
    Anywhere,
    /// This deployment will refuse it again (a bad certificate, bad credentials, no credit): elsewhere.
    Elsewhere,
    /// The provider asks to try later (429, 503, 529): elsewhere at once, here after a wait.
    Later,
    /// It failed in words (500, 502, 504), with an answer that is none, or by a timer: elsewhere first.
    Failed,
    /// The connection was lost after the request had been written: the work may have been done.
    Unknown {
        /// The connection had been used before and died right after the request: most likely it was closed already.
        stale: bool,
    },
    /// It would fail everywhere in this group.
    Never,
}

impl Outcome {
    /// A failure of this kind, with the kind's status.
    pub const fn new(kind: ErrorKind, again: Again) -> Self {
        Self {
            kind,
            status: kind.status(),
            again,
            retry_after: None,
            should_retry: None,
            by_caller: false,
        }
    }

    /// What an upstream's own words mean.
    pub const fn of_error(error: &ErrorInfo) -> Self {
        let mut outcome = Self::new(error.kind, Again::Never);
        outcome.status = error.status;
        outcome
    }
}
