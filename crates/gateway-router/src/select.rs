//! Who takes the next attempt.

use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use tokio::time::Instant;

use crate::config::Routing;
use crate::deployment::Deployment;
use crate::options::CallOptions;
use crate::running::Running;
use crate::shuffle;

/// What is asked of the deployment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted<'a> {
    /// What the request says.
    pub(crate) options: &'a CallOptions,
    /// What the operator says.
    pub(crate) routing: &'a Routing,
    /// Not these, by id.
    pub(crate) avoid: &'a [Arc<str>],
    /// This level only; `None`: the lowest with somebody who can serve. See [`Deployment::level`].
    pub(crate) level: Option<i64>,
    /// The last resort: nobody can serve, and of those that are set aside because they fail, the one that returns
    /// soonest is taken nevertheless.
    pub(crate) force: bool,
}

/// The choice.
#[derive(Debug)]
pub(crate) enum Selected {
    /// This one; its ledger knows of the attempt.
    One(Arc<Deployment>, Running),
    /// None of them.
    Nobody(Nobody),
}

/// Why nobody can take an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nobody {
    /// What rules them out.
    pub why: NobodyWhy,
    /// When the first of them may be back.
    pub retry_after: Option<Duration>,
}

/// What rules all deployments out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NobodyWhy {
    /// None is left: each was tried or must not be tried again.
    Spent,
    /// All are set aside, or at their limits, because of rates.
    RateLimited,
    /// All are set aside for another reason.
    SetAside,
    /// No deployment has the tags.
    Tags,
    /// No deployment is in the region.
    Region,
    /// The input is too long for every deployment's context window.
    ContextWindow,
}

/// Chooses one of `candidates`.
pub(crate) fn select(
    candidates: &[Arc<Deployment>],
    wanted: &Wanted<'_>,
    rng: &mut Rng,
    now: Instant,
) -> Selected {
    let _ = (
        wanted.options,
        wanted.routing,
        wanted.avoid,
        wanted.level,
        wanted.force,
    );
    let picked = shuffle::pick(candidates, rng).and_then(|deployment| {
        let running = Running::begin(deployment, now, true)?;
        Some(Selected::One(Arc::clone(deployment), running))
    });
    picked.unwrap_or(Selected::Nobody(Nobody {
        why: NobodyWhy::Spent,
        retry_after: None,
    }))
}
