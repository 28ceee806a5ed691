//! Which deployment next: decisions only. The plan does no IO and reads no clock; who obeys it reports back.

use std::sync::Arc;

use fastrand::Rng;
use gateway_transport::{Delivery, Phase};
use tokio::time::Instant;

use crate::catalog::{Candidates, Resolved};
use crate::deployment::Deployment;
use crate::shuffle;

/// The course of one call over the deployments that may serve it.
///
/// ```text
/// next(None) ─► Try ─► attempt ─┬─ answered: done
///                               └─ next(Some(outcome)) ─► GiveUp
/// ```
#[derive(Debug)]
pub struct Plan {
    candidates: Candidates,
    rng: Rng,
}

/// What to do next.
#[derive(Debug)]
pub enum Step {
    /// Make this attempt and report its outcome.
    Try(Attempt),
    /// Nothing is left to try.
    GiveUp,
}

/// One try of a call at one deployment.
#[derive(Debug)]
pub struct Attempt {
    /// Where.
    pub deployment: Arc<Deployment>,
    /// The provider's name of the model, where the deployment's own has a `*`.
    pub model: Option<String>,
    /// When it was decided.
    pub started: Instant,
}

/// How an attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// No request could be made: the provider heard nothing.
    NotPrepared,
    /// No answer's head came.
    NotAnswered {
        /// Whether the provider may have done the work.
        delivery: Delivery,
        /// How far it got.
        phase: Phase,
    },
}

impl Plan {
    /// The plan for a call at the model that was `resolved`. Equal seeds give equal choices.
    pub fn new(resolved: Resolved, seed: u64) -> Self {
        Self {
            candidates: resolved.into_candidates(),
            rng: Rng::with_seed(seed),
        }
    }

    /// The next step at `now`: `None` begins, afterwards the outcome of the attempt before is due.
    ///
    /// One attempt is made. The transport repeats on its own what provably reached nobody; anything beyond that
    /// is for a plan with a retry policy to decide, here.
    pub fn next(&mut self, outcome: Option<&Outcome>, now: Instant) -> Step {
        if outcome.is_some() {
            return Step::GiveUp;
        }
        match shuffle::pick(self.candidates.deployments(), &mut self.rng) {
            Some(deployment) => Step::Try(Attempt {
                model: self.candidates.model_at(deployment),
                deployment: Arc::clone(deployment),
                started: now,
            }),
            None => Step::GiveUp,
        }
    }
}
