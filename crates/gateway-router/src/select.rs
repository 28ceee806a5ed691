//! Who takes the next attempt.

mod check;
mod tags;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use tokio::time::Instant;

pub(crate) use self::check::RuledOut;

use self::check::{Check, Tally};
use self::tags::Pool;
use crate::config::{Routing, Strategy};
use crate::deployment::Deployment;
use crate::ledger::{Cause, Standing, Terms};
use crate::options::CallOptions;
use crate::running::Running;
use crate::strategy::{Candidate, shuffle};

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
    /// They were asked for by id: they are tried although they are set aside, unless an operator did that.
    pub(crate) by_id: bool,
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

impl NobodyWhy {
    /// For logs and descriptions.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Spent => "spent",
            Self::RateLimited => "rate_limited",
            Self::SetAside => "set_aside",
            Self::Tags => "tags",
            Self::Region => "region",
            Self::ContextWindow => "context_window",
        }
    }
}

/// Chooses one of `candidates`, and begins an attempt at it.
///
/// In this order: who would do at all (region, tags, context window, not tried yet), who can serve now (limits per
/// minute, standing), the lowest level of those, a due probe or else who needs none, a free slot, and the strategy.
pub(crate) fn select(
    candidates: &[Arc<Deployment>],
    wanted: &Wanted<'_>,
    rng: &mut Rng,
    now: Instant,
) -> Selected {
    let check = Check {
        wanted,
        pool: Pool::of(candidates, wanted.options, wanted.routing.tags),
        now,
    };
    // Another thread may take what was chosen: the probe, or the last request of this minute. Then it shows.
    for _ in 0..=candidates.len() {
        let mut tally = Tally::default();
        let chosen = match candidates {
            [only] => check.one(only, &mut tally),
            _ => check.choose(candidates, &mut tally, rng),
        };
        let Some(deployment) = chosen else {
            let forced = if wanted.force {
                check.last_resort(candidates)
            } else {
                None
            };
            return forced.unwrap_or_else(|| Selected::Nobody(tally.nobody()));
        };
        let terms = Terms {
            force: wanted.by_id,
            rpm: deployment.rpm.filter(|_| check.keeps_limits()),
        };
        if let Some(running) = Running::begin(deployment, now, terms) {
            return Selected::One(Arc::clone(deployment), running);
        }
    }
    Selected::Nobody(Nobody {
        why: NobodyWhy::SetAside,
        retry_after: None,
    })
}

impl Check<'_> {
    fn one<'d>(&self, only: &'d Arc<Deployment>, tally: &mut Tally) -> Option<&'d Arc<Deployment>> {
        match self.pass(only) {
            Ok(_) => Some(only),
            Err(obstacle) => {
                tally.note(obstacle);
                None
            }
        }
    }

    fn choose<'d>(
        &self,
        candidates: &'d [Arc<Deployment>],
        tally: &mut Tally,
        rng: &mut Rng,
    ) -> Option<&'d Arc<Deployment>> {
        let mut left = Vec::with_capacity(candidates.len());
        for deployment in candidates {
            match self.pass(deployment) {
                Ok(view) => left.push(Candidate { deployment, view }),
                Err(obstacle) => tally.note(obstacle),
            }
        }
        let level = left.iter().map(|it| it.deployment.level()).min()?;
        left.retain(|it| it.deployment.level() == level);
        if left.iter().any(is_ready) {
            let tried = |it: &Arc<Deployment>| self.wanted.avoid.contains(&it.id);
            if !candidates.iter().any(tried)
                && let Some(probe) = self.due_probe(&left, rng)
            {
                return Some(probe);
            }
            left.retain(is_ready);
        }
        if left.iter().any(has_free_slot) {
            left.retain(has_free_slot);
        }
        let (routing, stream) = (self.wanted.routing, self.wanted.options.stream);
        let chosen = routing.strategy.pick(&left, stream, rng, self.now)?;
        Some(chosen.deployment)
    }

    /// A deployment whose probe is due gets the next call, whatever the strategy says: chance would let it wait, and
    /// others would carry its share. Only a call's first attempt in a group is a probe while somebody else is ready, and
    /// only where the strategy would ever lead a call there.
    fn due_probe<'d>(&self, left: &[Candidate<'d>], rng: &mut Rng) -> Option<&'d Arc<Deployment>> {
        let has_share = |it: &Candidate<'d>| {
            let all = || left.iter().map(|it| &**it.deployment);
            self.wanted.routing.strategy != Strategy::SimpleShuffle
                || shuffle::share(it.deployment, all) > 0.0
        };
        let due = || {
            left.iter()
                .filter(|it| !is_ready(it) && has_free_slot(it) && has_share(it))
        };
        let number = due().count();
        let chosen = (number > 0).then(|| rng.usize(..number))?;
        due().nth(chosen).map(|it| it.deployment)
    }

    /// The one that returns soonest of those that would do and were set aside because they fail. Neither a provider's
    /// limit nor an operator's order is overridden, and broken credentials do not mend themselves.
    fn last_resort(&self, candidates: &[Arc<Deployment>]) -> Option<Selected> {
        let soonest = candidates
            .iter()
            .filter(|it| self.suits(it).is_ok())
            .filter_map(|it| match it.ledger.view(self.now).standing {
                Standing::SetAside {
                    until,
                    cause: Cause::Failing,
                } => Some((until, it)),
                Standing::Probation {
                    cause: Cause::Failing,
                    ..
                } => Some((self.now, it)),
                _ => None,
            })
            .min_by_key(|(until, _)| *until);
        let (_, deployment) = soonest?;
        let terms = Terms {
            force: true,
            rpm: None,
        };
        let running = Running::begin(deployment, self.now, terms)?;
        Some(Selected::One(Arc::clone(deployment), running))
    }
}

fn is_ready(candidate: &Candidate<'_>) -> bool {
    candidate.view.standing == Standing::Ready
}

fn has_free_slot(candidate: &Candidate<'_>) -> bool {
    let slots = candidate.deployment.slots.as_ref();
    slots.is_none_or(|slots| slots.has_free())
}
