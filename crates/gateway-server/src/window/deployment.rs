//! The last minute of one deployment.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gateway_core::EndReason;
use tokio::time::Instant;

use super::Past;
use super::histogram::{Buckets, Histogram};
use crate::record::{Entry, Record};

/// What is counted of a deployment.
#[derive(Debug)]
pub(crate) struct DeploymentWindow {
    attempts: AtomicU64,
    tokens: AtomicU64,
    /// In picodollars.
    cost: AtomicU64,
    first_content: Histogram,
    failures: Mutex<BTreeMap<&'static str, u64>>,
    past: Past<Totals>,
}

/// All attempts since the process began.
#[derive(Debug, Default)]
struct Totals {
    attempts: u64,
    tokens: u64,
    first_content: Buckets,
    failures: BTreeMap<&'static str, u64>,
}

/// All attempts of the last minute.
#[derive(Clone, Debug)]
pub(crate) struct DeploymentMinute {
    /// Attempts that ended, per minute.
    pub per_minute: f64,
    /// The share that did not fail.
    pub success: Option<f64>,
    /// Those that failed, by kind.
    pub failures: BTreeMap<String, u64>,
    /// The median and the 99th percentile of the time to the first content, in milliseconds.
    pub first_content: Option<(f64, f64)>,
    /// Tokens of output, per second.
    pub tokens_per_second: f64,
    /// Dollars since the process began.
    pub cost_usd: f64,
}

impl DeploymentWindow {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            attempts: AtomicU64::new(0),
            tokens: AtomicU64::new(0),
            cost: AtomicU64::new(0),
            first_content: Histogram::default(),
            failures: Mutex::default(),
            past: Past::new(now),
        }
    }

    /// The attempt was answered; `broke`: the answer failed later like this.
    pub(super) fn answered(&self, entry: &Entry, record: &Record, broke: Option<EndReason>) {
        self.attempts.fetch_add(1, Ordering::Relaxed);
        if let Some(took) = entry.took {
            self.first_content.record(took);
        }
        if let Some(tokens) = record.usage.output_tokens {
            self.tokens.fetch_add(tokens, Ordering::Relaxed);
        }
        if let Some(cost) = record.cost {
            let cost = u64::try_from(cost.input.saturating_add(cost.output));
            self.cost
                .fetch_add(cost.unwrap_or_default(), Ordering::Relaxed);
        }
        if let Some(end) = broke {
            *self.failures().entry(end.as_str()).or_default() += 1;
        }
    }

    /// The attempt failed.
    pub(super) fn failed(&self, kind: &'static str) {
        self.attempts.fetch_add(1, Ordering::Relaxed);
        *self.failures().entry(kind).or_default() += 1;
    }

    /// How many attempts have ended and how many of them failed, since the process began.
    pub(crate) fn counts(&self) -> (u64, u64) {
        let attempts = self.attempts.load(Ordering::Relaxed);
        (attempts, self.failures().values().sum())
    }

    pub(super) fn turn(&self, now: Instant) {
        let attempts = self.attempts.load(Ordering::Relaxed);
        // Nothing is new at most of them most of the time.
        let unchanged = self.past.newest().filter(|it| it.attempts == attempts);
        let totals = unchanged.unwrap_or_else(|| Arc::new(self.totals()));
        self.past.keep(now, totals);
    }

    /// The last minute.
    pub(crate) fn minute(&self, now: Instant) -> DeploymentMinute {
        let (then, took) = self.past.oldest(now);
        let totals = self.totals();
        let rate = |now: u64, then: u64| now.saturating_sub(then) as f64 / took.as_secs_f64();
        let mut failed = 0;
        let failures = totals.failures.iter().filter_map(|(kind, count)| {
            let before = then.failures.get(kind).copied().unwrap_or_default();
            let new = count.saturating_sub(before);
            failed += new;
            (new > 0).then(|| ((*kind).to_owned(), new))
        });
        let failures = failures.collect();
        let attempts = totals.attempts.saturating_sub(then.attempts);
        DeploymentMinute {
            per_minute: rate(totals.attempts, then.attempts) * 60.0,
            success: (attempts > 0).then(|| 1.0 - (failed as f64 / attempts as f64).min(1.0)),
            failures,
            first_content: totals.first_content.percentiles(&then.first_content),
            tokens_per_second: rate(totals.tokens, then.tokens),
            cost_usd: self.cost.load(Ordering::Relaxed) as f64 / 1e12,
        }
    }

    fn totals(&self) -> Totals {
        Totals {
            attempts: self.attempts.load(Ordering::Relaxed),
            tokens: self.tokens.load(Ordering::Relaxed),
            first_content: self.first_content.read(),
            failures: self.failures().clone(),
        }
    }

    fn failures(&self) -> MutexGuard<'_, BTreeMap<&'static str, u64>> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
