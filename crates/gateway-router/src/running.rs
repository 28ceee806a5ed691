//! An attempt under way, as its deployment's ledger sees it.

use std::sync::Arc;

use tokio::time::Instant;

use crate::config::CooldownRules;
use crate::deployment::Deployment;
use crate::ledger::{Begun, Ledger, Sample};
use crate::outcome::Outcome;

/// An attempt's entry in its deployment's ledger. Dropping it ends the attempt there.
#[derive(Debug)]
pub struct Running {
    ledger: Arc<dyn Ledger>,
    begun: Begun,
}

impl Running {
    /// Enters an attempt at `deployment`. `None`: it may not begin, see [`Ledger::begin`].
    pub(crate) fn begin(deployment: &Deployment, now: Instant, force: bool) -> Option<Self> {
        let ledger = Arc::clone(&deployment.ledger);
        let begun = ledger.begin(now, force)?;
        Some(Self { ledger, begun })
    }

    /// Reports a success.
    pub fn succeeded(&self, sample: Sample, now: Instant) {
        self.ledger.succeeded(self.begun, sample, now);
    }

    /// Reports a failure. True: the deployment is set aside by it.
    pub fn failed(&self, outcome: &Outcome, rules: &CooldownRules, now: Instant) -> bool {
        self.ledger.failed(self.begun, outcome, rules, now)
    }

    /// Reports the tokens that the call used.
    pub fn used(&self, tokens: u64, now: Instant) {
        self.ledger.used(tokens, now);
    }

    /// Whether this attempt decides about the deployment's return.
    pub fn is_probe(&self) -> bool {
        self.begun.probe
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.ledger.ended(self.begun);
    }
}
