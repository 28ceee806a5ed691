//! How an attempt failed, in what decides about the next one.

#[cfg(test)]
mod tests;

use std::time::Duration;

use gateway_core::{ErrorInfo, ErrorKind};
use gateway_providers::{PrepareError, TokenError};
use gateway_transport::{Delivery, Phase, SendError};

use crate::error::SendFailure;
use crate::timers::Timer;

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
    /// It is no fault of the deployment's: a timer fired whose value the caller chose, or a limit of the gateway's own
    /// was reached.
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

    /// What an upstream's own words mean, or its status where it has no words.
    pub const fn of_error(error: &ErrorInfo) -> Self {
        let again = match (error.status, error.kind) {
            (_, ErrorKind::Authentication | ErrorKind::Permission | ErrorKind::Billing) => {
                Again::Elsewhere
            }
            (_, ErrorKind::ContextWindow | ErrorKind::ContentPolicy) => Again::Never,
            // Request timeout, conflict, too early: the provider means "try again".
            (408 | 409 | 425, _) => Again::Later,
            (_, ErrorKind::RateLimit | ErrorKind::Overloaded | ErrorKind::Unavailable) => {
                Again::Later
            }
            (_, ErrorKind::Timeout | ErrorKind::Upstream | ErrorKind::Internal) => Again::Failed,
            _ => Again::Never,
        };
        let mut outcome = Self::new(error.kind, again);
        outcome.status = error.status;
        outcome
    }

    /// An answer that is none: a page for people, nothing at all, a text that breaks off before its first content.
    pub const fn unusable() -> Self {
        Self::new(ErrorKind::Upstream, Again::Failed)
    }

    /// One of the attempt's timers fired.
    pub const fn expired(timer: &Timer) -> Self {
        let mut outcome = Self::new(ErrorKind::Timeout, Again::Failed);
        outcome.by_caller = timer.origin.is_caller();
        outcome
    }

    /// Its slots are taken and its queue is full: nothing was sent. Who would come back later would wait in a line of
    /// which nobody knows the length.
    pub const fn no_slot() -> Self {
        let mut outcome = Self::new(ErrorKind::RateLimit, Again::Elsewhere);
        outcome.by_caller = true;
        outcome
    }

    /// Whether the work may have been done.
    pub(crate) const fn is_unknown(&self) -> bool {
        matches!(self.again, Again::Unknown { .. })
    }
}

impl SendFailure {
    /// What it means for the next attempt.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Prepare(error) => unprepared(error),
            Self::Send(error) => unsent(error),
        }
    }
}

fn unprepared(error: &PrepareError) -> Outcome {
    let mut outcome = Outcome::new(ErrorKind::Unavailable, Again::Elsewhere);
    match error {
        // Whoever else is in the group is asked with other names and other credentials.
        PrepareError::Dialect { .. } | PrepareError::Model { .. } | PrepareError::Translate(_) => {
            outcome = Outcome::new(ErrorKind::InvalidRequest, Again::Elsewhere);
            outcome.by_caller = true;
        }
        PrepareError::Token {
            source: TokenError::Send { .. } | TokenError::TimedOut,
            ..
        } => outcome.again = Again::Anywhere,
        _ => {}
    }
    outcome
}

fn unsent(error: &SendError) -> Outcome {
    let again = match error.delivery {
        Delivery::NotSent if error.handshake_refused() => Again::Elsewhere,
        Delivery::NotSent | Delivery::Refused => Again::Anywhere,
        Delivery::Unknown => Again::Unknown {
            stale: error.reused && error.held < STALE,
        },
    };
    let mut outcome = match error.timer {
        // The work was not begun, or the provider let the gateway wait for it.
        Some(gateway_transport::Timer::Head) => Outcome::new(ErrorKind::Timeout, Again::Failed),
        Some(_) => Outcome::new(ErrorKind::Timeout, again),
        None => Outcome::new(ErrorKind::Upstream, again),
    };
    // Cut from here, or never let out of here.
    outcome.by_caller = error.killed.is_some() || error.phase == Phase::Pool;
    outcome
}

/// A used connection that dies within this time was closed already, most likely.
const STALE: Duration = Duration::from_secs(1);
