//! When failing connections are a reason to rotate, and how often.

use std::{
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
    time::Duration,
};

use tokio::time::Instant;

/// How the established connections of one generation did. A failed connect says nothing here: a new generation
/// would connect to the same place.
#[derive(Debug, Default)]
pub(crate) struct Health {
    /// In a row.
    failures: AtomicU32,
    /// Since the generation was born.
    answered: AtomicBool,
}

impl Health {
    /// A connection died with an exchange on it.
    pub(crate) fn failed(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
    }

    /// A response head arrived. Two loads in the usual case: this is asked for every exchange, on every core.
    pub(crate) fn answered(&self) {
        if !self.answered.load(Ordering::Relaxed) {
            self.answered.store(true, Ordering::Relaxed);
        }
        self.forgive();
    }

    pub(crate) fn has_answered(&self) -> bool {
        self.answered.load(Ordering::Relaxed)
    }

    pub(crate) fn failures(&self) -> u32 {
        self.failures.load(Ordering::Relaxed)
    }

    /// The row of failures ends here.
    pub(crate) fn forgive(&self) {
        if self.failures.load(Ordering::Relaxed) != 0 {
            self.failures.store(0, Ordering::Relaxed);
        }
    }
}

/// The pace of one origin's health rotations: each makes the next one wait for longer, until one has helped.
#[derive(Debug)]
pub(crate) struct Pace {
    not_before: Instant,
    wait: Duration,
    back_off: BackOff,
}

impl Pace {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            not_before: now,
            wait: Duration::ZERO,
            back_off: BackOff::default(),
        }
    }

    /// Whether the generation that was born at `born` may be rotated for its `health` now. If so, it is counted.
    pub(crate) fn admits(
        &mut self,
        now: Instant,
        born: Instant,
        health: &Health,
        first: Duration,
    ) -> bool {
        if now < self.not_before {
            return false;
        }
        // An answer alone proves little: an overloaded origin gives some between its failures. One that also was not
        // due again as soon as it could be has worked.
        let lasted = now.saturating_duration_since(born) >= self.wait.saturating_mul(2);
        if lasted && health.has_answered() {
            self.back_off.reset();
        }
        self.wait = self.back_off.next(first);
        self.not_before = now + self.wait;
        true
    }
}

/// Waits that double, up to [`LONGEST`].
#[derive(Debug, Default)]
pub(crate) struct BackOff {
    steps: u32,
}

impl BackOff {
    /// `first` after a reset, twice the wait before otherwise.
    pub(crate) fn next(&mut self, first: Duration) -> Duration {
        let wait = first.saturating_mul(1 << self.steps).min(LONGEST);
        self.steps = (self.steps + 1).min(MAX_STEPS);
        wait
    }

    pub(crate) fn reset(&mut self) {
        self.steps = 0;
    }
}

const LONGEST: Duration = Duration::from_secs(60);
const MAX_STEPS: u32 = 16;
