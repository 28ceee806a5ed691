//! What a call has spent: time of its own, and dollars.

use std::time::Duration;

use gateway_providers::Cost;

use super::{AttemptOutcome, Record};

impl Record {
    /// What the answer cost, as far as its usage is known; `None` if a price or a count is not.
    pub(crate) fn price(&self) -> Option<Cost> {
        let attempt = self.attempt.as_ref().filter(|_| !self.made_up)?;
        let usage = match self.spoken {
            Some(dialect) if dialect.counts_caches_apart() => self.usage.with_cache_in_input(),
            _ => self.usage,
        };
        let facts = attempt.deployment.endpoint.facts(attempt.model.as_deref());
        facts.prices.cost(&usage, self.tier)
    }

    /// Of so long a time what no attempt was under way for: reading, choosing, waiting before retries, judging.
    pub(super) fn overhead(&self, took: Duration) -> Duration {
        let answered = self.first_content.map(|after| self.started + after);
        self.journal.read(|entries| {
            let mut overhead = took;
            // Attempts are in the order in which they began; while two are under way, time passes once.
            let mut told = self.started;
            for entry in entries {
                let ended = answered.filter(|_| entry.outcome == AttemptOutcome::Answered);
                let ended = ended.or(entry.took.map(|took| entry.started + took));
                let began = entry.started.max(told);
                let ended = ended.unwrap_or(began).max(began);
                overhead = overhead.saturating_sub(ended - began);
                told = ended;
            }
            overhead
        })
    }
}
