//! Second attempts against slow ones.

use std::sync::Arc;

use tokio::time::Instant;

use super::{Attempt, AttemptKind, Plan};
use crate::config::Hedging;
use crate::deployment::Deployment;

impl Plan {
    /// When a second attempt should start beside `attempt`, if that one has no content until then. `None`: never,
    /// because the group is not hedged, or the call had a second attempt already. Whether doing the work twice might
    /// harm is for the caller to know.
    pub fn hedge_at(&self, attempt: &Attempt) -> Option<Instant> {
        let hedging = self.hedging()?;
        if !self.options.stream || self.hedged {
            return None;
        }
        let group = &self.leg.group;
        let after = hedging
            .after
            .or_else(|| group.ledger().first_content_quantile(hedging.quantile))?;
        let at = attempt.started.checked_add(after)?;
        (at < self.due && self.leg.members().nth(1).is_some()).then_some(at)
    }

    /// The second attempt beside a slow one at the deployment `slow`: at another deployment of the same leg, if the
    /// group's budget has room for it.
    pub fn hedge(&mut self, slow: &Arc<str>, now: Instant) -> Option<Box<Attempt>> {
        let share = self.hedging()?.budget;
        let is_other = |it: &Arc<Deployment>| it.id != *slow && self.tried.is_new(&it.id);
        if now >= self.due || !self.leg.members().any(is_other) {
            return None;
        }
        if !self.leg.group.ledger().may_hedge(share, now) {
            return None;
        }
        let mut avoid = self.tried.all().to_vec();
        avoid.push(Arc::clone(slow));
        let level = self.leg.level;
        let (deployment, running) = self.select(&avoid, level, now).ok()?;
        self.hedged = true;
        Some(self.attempt(deployment, running, AttemptKind::Hedge, now))
    }

    /// A slow attempt was given up for a faster one. How long it would have taken is not known, but that it took so
    /// long is: without it, the slow ones would be missing from the history that calls them slow.
    pub fn lost(&mut self, slow: &Attempt, now: Instant) {
        if slow.kind != AttemptKind::Hedge {
            let took = now.saturating_duration_since(slow.started);
            self.leg.group.ledger().first_content(took);
        }
    }

    fn hedging(&self) -> Option<&Hedging> {
        let all = &self.catalog.routing().hedging;
        if all.is_empty() {
            return None;
        }
        let own = all.get(self.leg.group.group_name());
        own.or_else(|| all.get("*"))
    }
}
