//! Whether a deployment can serve a call at all, before anybody chooses.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::tags::Pool;
use super::{Nobody, NobodyWhy, Wanted};
use crate::config::Routing;
use crate::deployment::Deployment;
use crate::ledger::{Cause, View};
use crate::options::CallOptions;

/// What keeps a deployment from serving a call. Later ones come up only where no earlier one does, so that the last one
/// of a group's tells how far the call has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Obstacle {
    /// It is on another level.
    Level,
    Region,
    Tags,
    ContextWindow,
    /// It was tried already.
    Avoided,
    /// It is at a limit per minute, or set aside.
    Later {
        rate: bool,
        after: Duration,
    },
}

/// What keeps each deployment of a group from serving.
#[derive(Debug, Default)]
pub(super) struct Tally {
    last: Option<Obstacle>,
}

/// The checks of one call.
#[derive(Debug)]
pub(super) struct Check<'a> {
    pub(super) wanted: &'a Wanted<'a>,
    pub(super) pool: Pool<'a>,
    pub(super) now: Instant,
}

impl Check<'_> {
    /// The deployment as it stands, if it can serve.
    pub(super) fn pass(&self, deployment: &Deployment) -> Result<View, Obstacle> {
        self.suits(deployment)?;
        let view = deployment.ledger.view(self.now);
        self.within_limits(deployment, &view)?;
        let cause = view.standing.cause();
        match view.standing.absence(self.now) {
            None => Ok(view),
            Some(_) if self.wanted.by_id && cause != Some(Cause::Ordered) => Ok(view),
            Some(after) => Err(Obstacle::Later {
                rate: cause == Some(Cause::RateLimited),
                after,
            }),
        }
    }

    /// Whether it would do at any time.
    pub(super) fn suits(&self, deployment: &Deployment) -> Result<(), Obstacle> {
        let wanted = self.wanted;
        if wanted
            .level
            .is_some_and(|level| level != deployment.level())
        {
            return Err(Obstacle::Level);
        }
        suits(deployment, &self.pool, wanted.options, wanted.routing)?;
        if wanted.avoid.contains(&deployment.id) {
            return Err(Obstacle::Avoided);
        }
        Ok(())
    }

    /// Whether limits per minute are looked at.
    pub(super) fn keeps_limits(&self) -> bool {
        let routing = self.wanted.routing;
        routing.pre_call_checks || routing.strategy.keeps_limits()
    }

    fn within_limits(&self, deployment: &Deployment, view: &View) -> Result<(), Obstacle> {
        if !self.keeps_limits() {
            return Ok(());
        }
        // At least one token is used: at the limit is too late, too.
        let tokens = self.wanted.options.input_tokens.unwrap_or(1).max(1);
        let over = deployment.rpm.is_some_and(|rpm| view.requests >= rpm)
            || deployment
                .tpm
                .is_some_and(|tpm| view.tokens.saturating_add(tokens) > tpm);
        if over {
            return Err(Obstacle::Later {
                rate: true,
                after: view.minute_ends.saturating_duration_since(self.now),
            });
        }
        Ok(())
    }
}

/// Whether a deployment is in a region, which may be an area: `eu` has `eu-west-1` and `europe-west4` in it. Where a
/// deployment is that does not say so, nobody knows.
pub(super) fn in_region(deployment: &Deployment, wanted: Option<&str>) -> bool {
    let Some(wanted) = wanted else { return true };
    let Some(region) = &deployment.region else {
        return false;
    };
    let (region, wanted) = (region.to_ascii_lowercase(), wanted.to_ascii_lowercase());
    let within = |area: &str| {
        let rest = region.strip_prefix(area);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    };
    within(&wanted) || (wanted == "eu" && within("europe"))
}

/// Who would not do for a call at any time.
#[derive(Debug)]
pub(crate) struct RuledOut<'a> {
    routing: &'a Routing,
    options: &'a CallOptions,
    pool: Pool<'a>,
}

impl<'a> RuledOut<'a> {
    /// Of this group, for a call with these options.
    pub(crate) fn of(
        group: &[Arc<Deployment>],
        options: &'a CallOptions,
        routing: &'a Routing,
    ) -> Self {
        Self {
            routing,
            options,
            pool: Pool::of(group, options, routing.tags),
        }
    }

    /// Why this deployment would not do.
    pub(crate) fn why(&self, deployment: &Deployment) -> Option<NobodyWhy> {
        match suits(deployment, &self.pool, self.options, self.routing) {
            Ok(()) => None,
            Err(Obstacle::Region) => Some(NobodyWhy::Region),
            Err(Obstacle::Tags) => Some(NobodyWhy::Tags),
            Err(_) => Some(NobodyWhy::ContextWindow),
        }
    }
}

/// Whether a deployment would do for a call with these options.
fn suits(
    deployment: &Deployment,
    pool: &Pool<'_>,
    options: &CallOptions,
    routing: &Routing,
) -> Result<(), Obstacle> {
    if !in_region(deployment, options.region.as_deref()) {
        return Err(Obstacle::Region);
    }
    if !pool.admits(deployment) {
        return Err(Obstacle::Tags);
    }
    if routing.pre_call_checks
        && let (Some(input), Some(most)) = (options.input_tokens, deployment.max_input_tokens)
        && input > most
    {
        return Err(Obstacle::ContextWindow);
    }
    Ok(())
}

impl Tally {
    pub(super) fn note(&mut self, obstacle: Obstacle) {
        self.last = Some(match (self.last, obstacle) {
            (
                Some(Obstacle::Later { rate, after }),
                Obstacle::Later {
                    rate: other_rate,
                    after: other_after,
                },
            ) => Obstacle::Later {
                // One that fails for another reason is enough: the rate is not to blame alone.
                rate: rate && other_rate,
                after: after.min(other_after),
            },
            (Some(last), other) if rank(last) > rank(other) => last,
            (_, other) => other,
        });
    }

    pub(super) fn nobody(&self) -> Nobody {
        let (why, retry_after) = match self.last {
            None | Some(Obstacle::Level | Obstacle::Avoided) => (NobodyWhy::Spent, None),
            Some(Obstacle::Region) => (NobodyWhy::Region, None),
            Some(Obstacle::Tags) => (NobodyWhy::Tags, None),
            Some(Obstacle::ContextWindow) => (NobodyWhy::ContextWindow, None),
            Some(Obstacle::Later { rate: true, after }) => (NobodyWhy::RateLimited, Some(after)),
            Some(Obstacle::Later { rate: false, after }) => (NobodyWhy::SetAside, Some(after)),
        };
        Nobody { why, retry_after }
    }
}

const fn rank(obstacle: Obstacle) -> u8 {
    match obstacle {
        Obstacle::Level => 0,
        Obstacle::Region => 1,
        Obstacle::Tags => 2,
        Obstacle::ContextWindow => 3,
        Obstacle::Avoided => 4,
        Obstacle::Later { .. } => 5,
    }
}
