//! An attempt under way, as its deployment's ledger sees it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::time::Instant;

use crate::config::CooldownRules;
use crate::deployment::Deployment;
use crate::ledger::{Begun, Ledger, Sample, Terms};
use crate::outcome::Outcome;

/// An attempt's entry in its deployment's ledger. Dropping it ends the attempt there.
#[derive(Debug)]
pub struct Running {
    ledger: Arc<dyn Ledger>,
    begun: Begun,
    answered: AtomicBool,
}

impl Running {
    /// Enters an attempt at `deployment`. `None`: it may not begin, see [`Ledger::begin`].
    pub(crate) fn begin(deployment: &Deployment, now: Instant, terms: Terms) -> Option<Self> {
        let begun = deployment.ledger.begin(now, terms)?;
        Some(Self {
            ledger: Arc::clone(&deployment.ledger),
            begun,
            answered: AtomicBool::new(false),
        })
    }

    /// Reports a success: the first meaningful content, or the whole answer.
    pub fn succeeded(&self, sample: Sample, now: Instant) {
        self.answered.store(true, Ordering::Relaxed);
        self.ledger.succeeded(self.begun, sample, now);
    }

    /// Reports a failure, also that of a stream whose first content was reported as a success. True: the deployment is
    /// set aside by it.
    pub fn failed(&self, outcome: &Outcome, rules: &CooldownRules, now: Instant) -> bool {
        let begun = Begun {
            answered: self.answered.load(Ordering::Relaxed),
            ..self.begun
        };
        self.ledger.failed(begun, outcome, rules, now)
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
