//! What to do next about a call: decisions only. The plan does no IO and reads no clock; who obeys it reports back.

use std::sync::Arc;

use fastrand::Rng;
use gateway_core::Dialect;
use tokio::time::Instant;

use crate::catalog::{Candidates, Catalog, Resolved};
use crate::deployment::Deployment;
use crate::options::{CallOptions, Target};
use crate::outcome::Outcome;
use crate::running::Running;
use crate::select::{self, Nobody, Selected};
use crate::timers::{AttemptTimers, Timer};

/// The course of one call over the deployments that may serve it.
///
/// ```text
/// next(None) ─► Try ─► attempt ─┬─ answered: done
///                               └─ next(Some(outcome)) ─► Try │ Wait │ GiveUp
/// ```
#[derive(Debug)]
pub struct Plan {
    catalog: Arc<Catalog>,
    candidates: Candidates,
    options: CallOptions,
    call: Timer,
    started: Instant,
    rng: Rng,
    attempts: u32,
}

/// What to do next.
#[derive(Debug)]
pub enum Step {
    /// Make this attempt and report its outcome.
    Try(Box<Attempt>),
    /// Ask again at this moment, without an outcome.
    Wait(Instant),
    /// Nothing is left to try.
    GiveUp(GiveUp),
}

/// Why nothing is left to try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GiveUp {
    /// The last attempt's failure stands.
    Spent,
    /// Nobody could be tried at all.
    Nobody(Nobody),
}

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
    /// When it was decided.
    pub started: Instant,
    /// Its place in the deployment's ledger.
    pub running: Running,
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
    /// The group before has failed.
    Fallback,
    /// The one before is slow.
    Hedge,
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
        }
    }
}

impl Plan {
    /// The plan for a call in `dialect` at the model that was `resolved`, which came in at `started`. Equal seeds give
    /// equal choices.
    pub fn new(
        catalog: &Arc<Catalog>,
        resolved: Resolved,
        _dialect: Dialect,
        options: CallOptions,
        seed: u64,
        started: Instant,
    ) -> Self {
        Self {
            call: catalog.routing().timers.call(&options.timers),
            catalog: Arc::clone(catalog),
            candidates: resolved.into_candidates(),
            options,
            started,
            rng: Rng::with_seed(seed),
            attempts: 0,
        }
    }

    /// The timer of the whole call.
    pub fn call_timer(&self) -> &Timer {
        &self.call
    }

    /// When the whole call must be over.
    pub fn due(&self) -> Instant {
        self.started + self.call.limit
    }

    /// The next step at `now`: `None` begins or goes on after a wait, else the outcome of the attempt before is due.
    pub fn next(&mut self, outcome: Option<&Outcome>, now: Instant) -> Step {
        if outcome.is_some() {
            return Step::GiveUp(GiveUp::Spent);
        }
        let routing = self.catalog.routing();
        let picked = select::select(
            self.candidates.deployments(),
            &select::Wanted {
                options: &self.options,
                routing,
                avoid: &[],
                level: None,
                force: false,
            },
            &mut self.rng,
            now,
        );
        match picked {
            Selected::One(deployment, running) => {
                self.attempts += 1;
                Step::Try(Box::new(Attempt {
                    number: self.attempts,
                    kind: AttemptKind::First,
                    model: self.candidates.model_at(&deployment),
                    target: None,
                    timers: routing
                        .timers
                        .attempt(&self.options.timers, &deployment.timers),
                    deployment,
                    started: now,
                    running,
                }))
            }
            Selected::Nobody(nobody) => Step::GiveUp(GiveUp::Nobody(nobody)),
        }
    }
}
