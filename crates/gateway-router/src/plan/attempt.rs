//! One try of a call at one deployment.

use std::sync::Arc;

use tokio::time::Instant;

use crate::deployment::Deployment;
use crate::options::Target;
use crate::running::Running;
use crate::slots::Slot;
use crate::timers::AttemptTimers;

/// One try of a call at one deployment.
#[derive(Debug)]
pub struct Attempt {
    /// Counted from 1 within the call.
    pub number: u32,
    /// Why it is made.
    pub kind: AttemptKind,
    /// Where.
    pub deployment: Arc<Deployment>,
    /// The provider's name of the model, where the deployment's own has a `*`.
    pub model: Option<String>,
    /// The fallback that led here, with what it changes in the request.
    pub target: Option<Target>,
    /// Its timers.
    pub timers: AttemptTimers,
    /// When it was decided; after a wait for a slot of its deployment, when it got one.
    pub started: Instant,
    /// Its place in the deployment's ledger.
    pub running: Running,
    /// Its slot, where the deployment has a limited number of them.
    pub slot: Option<Slot>,
}

/// Why an attempt is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptKind {
    /// It is the call's first.
    First,
    /// The one before failed.
    Retry,
    /// The levels of the group before this one have failed.
    NextLevel,
    /// Retries are spent, and this member of the group was not tried yet.
    Failover,
    /// The group before has failed, or could not be tried.
    Fallback,
    /// The one before is slow.
    Hedge,
    /// The stream of the one before broke off, and its text goes on here.
    Continuation,
}

impl AttemptKind {
    /// For logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Retry => "retry",
            Self::NextLevel => "next_level",
            Self::Failover => "failover",
            Self::Fallback => "fallback",
            Self::Hedge => "hedge",
            Self::Continuation => "continuation",
        }
    }
}
