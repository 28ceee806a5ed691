//! From one leg to the next: levels of a group, members not tried yet, fallback groups, the last resort.

use std::slice;
use std::sync::Arc;
use std::time::Duration;

use gateway_core::ErrorKind;
use tokio::time::Instant;

use super::again::has_own_chains;
use super::attempt::AttemptKind;
use super::{GiveUp, Plan, Step};
use crate::catalog::Resolved;
use crate::deployment::Deployment;
use crate::ledger::{Cause, Standing};
use crate::options::Target;
use crate::select::{Nobody, NobodyWhy, RuledOut};

/// A level of a model group, and what was done there.
#[derive(Debug)]
pub(super) struct Leg {
    pub(super) group: Resolved,
    /// The fallback that led to the group.
    pub(super) target: Option<Target>,
    /// The level; `None` until somebody of the group is tried.
    pub(super) level: Option<i64>,
    /// Attempts after the first.
    pub(super) retries: u32,
    /// Retries are over: each member that was not tried yet gets one attempt.
    pub(super) failover: bool,
}

/// Why a leg is left.
#[derive(Clone, Copy, Debug)]
pub(super) enum Why {
    /// Its last attempt failed.
    Failed {
        /// What went wrong.
        kind: ErrorKind,
        /// Another member of the group may be tried.
        again: bool,
    },
    /// Who was waited for cannot serve any more.
    Rested,
    /// Nobody of its group can serve.
    Nobody(NobodyWhy),
}

impl Leg {
    pub(super) const fn new(group: Resolved, target: Option<Target>) -> Self {
        Self {
            group,
            target,
            level: None,
            retries: 0,
            failover: false,
        }
    }

    /// The deployments of the leg's level.
    pub(super) fn members(&self) -> impl Iterator<Item = &Arc<Deployment>> {
        let of_level = |it: &&Arc<Deployment>| self.level.is_none_or(|level| it.level() == level);
        self.group.deployments().iter().filter(of_level)
    }

    /// The first level after `level`.
    fn level_after(&self, level: i64) -> Option<i64> {
        let levels = self.group.deployments().iter().map(|it| it.level());
        levels.filter(|it| *it > level).min()
    }
}

impl Why {
    /// What went wrong in the attempts, if there were any.
    fn kind(self) -> Option<ErrorKind> {
        match self {
            Self::Failed { kind, .. } => Some(kind),
            Self::Nobody(NobodyWhy::ContextWindow) => Some(ErrorKind::ContextWindow),
            Self::Nobody(_) | Self::Rested => None,
        }
    }

    /// Whether a higher level of the group may be tried.
    fn allows_levels(self) -> bool {
        match self {
            Self::Failed { kind, .. } => !has_own_chains(kind),
            Self::Rested => true,
            // All levels were looked at.
            Self::Nobody(_) => false,
        }
    }

    /// Whether another member of the group may be tried.
    fn allows_failover(self) -> bool {
        match self {
            Self::Failed { kind, again } => again && !has_own_chains(kind),
            Self::Rested => true,
            Self::Nobody(_) => false,
        }
    }
}

impl Plan {
    /// Whether the call has made every attempt that it may make in all.
    pub(super) fn made_all(&self) -> bool {
        let most = self.catalog.routing().retries.per_call;
        most.is_some_and(|most| self.attempts > most)
    }

    /// Begins the leg's group: the lowest level with somebody who can serve.
    pub(super) fn enter(&mut self, kind: AttemptKind, now: Instant) -> Result<Step, Nobody> {
        if kind != AttemptKind::Continuation {
            self.leg.group.ledger().call(now);
        }
        let avoid = self.tried.resting(None, now);
        let (deployment, running) = self.select(&avoid, None, now)?;
        Ok(Step::Try(self.attempt(deployment, running, kind, now)))
    }

    /// The leg is left: goes on to the next one that somebody can serve.
    pub(super) fn onward(&mut self, mut why: Why, now: Instant) -> Step {
        if self.options.no_fallbacks {
            return self.finish(now);
        }
        let level = why.allows_levels().then(|| self.next_level(now)).flatten();
        let failover = || why.allows_failover();
        if let Some(step) = level.or_else(|| failover().then(|| self.failover(now)).flatten()) {
            return step;
        }
        loop {
            let (catalog, options) = (&self.catalog, &self.options);
            let group = &self.leg.group;
            self.chain.descend(group, why.kind(), catalog, options);
            let next = self.chain.next(catalog, self.dialect, options);
            let Some((group, target)) = next else {
                return self.finish(now);
            };
            self.leg = Leg::new(group, Some(target));
            match self.enter(AttemptKind::Fallback, now) {
                Ok(step) => return step,
                Err(nobody) => why = Why::Nobody(nobody.why),
            }
        }
    }

    /// Whether a failure of this kind in the leg's group leads to another level or group.
    pub(super) fn leads_on(&self, kind: ErrorKind) -> bool {
        let (leg, options) = (&self.leg, &self.options);
        let next = |level| leg.level_after(level);
        let levels = !has_own_chains(kind) && leg.level.and_then(next).is_some();
        let groups = || {
            let (catalog, dialect) = (&self.catalog, self.dialect);
            self.chain
                .leads_on(&leg.group, kind, catalog, dialect, options)
        };
        !options.no_fallbacks && (levels || groups())
    }

    /// How long from `now` until the first of those returns who would do for the call, where all of them are set aside:
    /// in the group asked for, and in those that the call fell back to.
    pub fn returns_in(&self, now: Instant) -> Option<Duration> {
        let groups = match self.chain.entered() {
            [] => slice::from_ref(&self.leg.group),
            entered => entered,
        };
        let mut soonest = None;
        for group in groups.iter().map(Resolved::deployments) {
            let ruled_out = RuledOut::of(group, &self.options, self.catalog.routing());
            for deployment in group.iter().filter(|it| ruled_out.why(it).is_none()) {
                let absence = deployment.ledger.view(now).standing.absence(now)?;
                soonest = Some(soonest.map_or(absence, |it: Duration| it.min(absence)));
            }
        }
        soonest
    }

    fn next_level(&mut self, now: Instant) -> Option<Step> {
        if self.leg.failover {
            return None;
        }
        let mut level = self.leg.level?;
        while let Some(next) = self.leg.level_after(level) {
            level = next;
            let avoid = self.tried.all().to_vec();
            if let Ok((deployment, running)) = self.select(&avoid, Some(level), now) {
                self.leg.retries = 0;
                let attempt = self.attempt(deployment, running, AttemptKind::NextLevel, now);
                return Some(Step::Try(attempt));
            }
        }
        None
    }

    /// Retries and levels are spent: a member of the group that was not tried yet.
    fn failover(&mut self, now: Instant) -> Option<Step> {
        let is_new = |it: &Arc<Deployment>| self.tried.is_new(&it.id);
        if !self.catalog.routing().weighted_failover
            || !self.leg.group.deployments().iter().any(is_new)
            || !self.may_retry(now)
        {
            return None;
        }
        let avoid = self.tried.all().to_vec();
        let (deployment, running) = self.select(&avoid, None, now).ok()?;
        self.leg.failover = true;
        let attempt = self.attempt(deployment, running, AttemptKind::Failover, now);
        Some(Step::Try(attempt))
    }

    /// The moment when somebody of the leg can take another attempt after `last` has failed, as far as is known:
    /// `now`, or later. True with it: that one is set aside until about then.
    pub(super) fn soonest(&self, last: &Arc<str>, now: Instant) -> Option<(Instant, bool)> {
        let by_id = self.leg.group.is_by_id();
        let ready = |it: &Arc<Deployment>| {
            let ready = self.tried.ready(&it.id, Some(last), now)?;
            match it.ledger.view(now).standing {
                Standing::Ready | Standing::Probation { out: false, .. } => Some((ready, false)),
                standing if by_id && standing.cause() != Some(Cause::Ordered) => {
                    Some((ready, false))
                }
                Standing::SetAside { until, .. } => (until <= ready).then_some((ready, true)),
                Standing::Probation { out: true, .. } => None,
            }
        };
        self.leg.members().filter_map(ready).min()
    }

    /// Nothing is left. If nothing was tried at all because everybody fails, one of those is tried nevertheless: a
    /// blip of all must not be an outage.
    fn finish(&mut self, now: Instant) -> Step {
        let Some(nobody) = self.nobody.filter(|_| self.attempts == 0) else {
            return self.give_up(GiveUp::Spent);
        };
        if nobody.why == NobodyWhy::SetAside {
            if let Some(asked) = self.chain.asked() {
                self.leg = Leg::new(asked.clone(), None);
            }
            if let Ok((deployment, running)) = self.select_in(&[], None, true, now) {
                let attempt = self.attempt(deployment, running, AttemptKind::First, now);
                return Step::Try(attempt);
            }
        }
        self.give_up(GiveUp::Nobody(nobody))
    }
}
