//! What follows a failure in the group where it happened.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::again::{LONGEST_WAIT, Reach, count, rest};
use super::legs::Why;
use super::tried::Note;
use super::{Attempt, AttemptKind, Failure, GiveUp, Plan, Stage, Step};
use crate::outcome::{Again, Outcome};

impl Plan {
    /// Tells the ledger of a failure, and remembers when its deployment may be tried again.
    pub(super) fn note(&mut self, failure: Failure<'_>, now: Instant) -> Reach {
        let Failure { attempt, outcome } = failure;
        let deployment = &attempt.deployment;
        attempt.running.failed(outcome, &deployment.cooldown, now);
        let routing = self.catalog.routing();
        let group = self.leg.group.group_name();
        let reach = Reach::after(outcome, group, routing, &self.options, self.lost);
        self.lost |= outcome.is_unknown();
        let shortest = routing.retries.wait;
        let wait = rest(outcome, self.leg.retries, shortest, &mut self.rng);
        let ready = now.checked_add(wait);
        let note = Note {
            ready: ready.filter(|_| reach == Reach::All),
            asked: outcome.again == Again::Later || outcome.retry_after.is_some(),
        };
        self.tried.note(&deployment.id, note);
        reach
    }

    pub(super) fn after(&mut self, failure: Failure<'_>, reach: Reach, now: Instant) -> Step {
        let Failure { attempt, outcome } = failure;
        if outcome.is_unknown() && !self.options.repeatable {
            return self.give_up(GiveUp::Spent);
        }
        // Who needs longer than what is left would not be answered in time: another group may be faster.
        let took = now.saturating_duration_since(attempt.started);
        let again = reach != Reach::Nobody && took < self.due - now;
        if again
            && !self.leg.failover
            && self.leg.retries < self.count(attempt, outcome)
            && let Some(step) = self.retry(failure, took, now)
        {
            return step;
        }
        let kind = outcome.kind;
        self.onward(Why::Failed { kind, again }, now)
    }

    /// The wait is over.
    pub(super) fn rested(&mut self, now: Instant) -> Step {
        let avoid = self.tried.resting(None, now);
        self.retry_with(&avoid, now)
            .unwrap_or_else(|| self.onward(Why::Rested, now))
    }

    /// Tries the same leg again: a deployment that was not tried yet, else one that was, else after a wait.
    fn retry(&mut self, failed: Failure<'_>, took: Duration, now: Instant) -> Option<Step> {
        let last = &failed.attempt.deployment.id;
        let (ready, aside) = self.soonest(last, now)?;
        if ready >= self.due - took {
            return None;
        }
        // Who asks for a long rest gets it, but nobody waits for that who can be served elsewhere.
        let elsewhere = aside || ready - now > LONGEST_WAIT;
        if (elsewhere && self.leads_on(failed.outcome.kind)) || !self.may_retry(now) {
            return None;
        }
        let tried = self.tried.all().to_vec();
        let resting = self.tried.resting(Some(last), now);
        let at_once = self.retry_with(&tried, now);
        if let Some(step) = at_once.or_else(|| self.retry_with(&resting, now)) {
            return Some(step);
        }
        if ready <= now {
            // Somebody looked able to serve, and was not: taken, or ruled out by the request.
            return None;
        }
        self.stage = Stage::Resting;
        Some(Step::Wait(ready))
    }

    /// Whether the group's budget has room for one more attempt of the same call; if so it is taken.
    pub(super) fn may_retry(&self, now: Instant) -> bool {
        let retries = &self.catalog.routing().retries;
        let group = self.leg.group.ledger();
        group.may_retry(retries.budget, retries.budget_floor, now)
    }

    fn retry_with(&mut self, avoid: &[Arc<str>], now: Instant) -> Option<Step> {
        let (deployment, running) = self.select(avoid, self.leg.level, now).ok()?;
        self.leg.retries += 1;
        Some(Step::Try(self.attempt(
            deployment,
            running,
            AttemptKind::Retry,
            now,
        )))
    }

    fn count(&self, attempt: &Attempt, outcome: &Outcome) -> u32 {
        let retries = &self.catalog.routing().retries;
        let group = self.leg.group.group_name();
        count(outcome, &attempt.deployment, group, retries, &self.options)
    }
}
