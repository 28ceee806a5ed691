//! What the last minute was like: rates and percentiles, of all calls and of each deployment.
//!
//! A call only adds to counters that never go back. Every few seconds they are read and kept for a minute; what there is
//! more of now than a minute ago is the last minute.

mod deployment;
mod histogram;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dashmap::DashMap;
use gateway_core::EndReason;
use tokio::time::Instant;

use crate::record::{AttemptOutcome, Entry, Record};
pub(crate) use deployment::DeploymentWindow;
use histogram::{Buckets, Histogram};

/// The last minute of the process.
#[derive(Debug)]
pub(crate) struct Windows {
    ended: AtomicU64,
    failed: AtomicU64,
    overhead: Histogram,
    first_content: Histogram,
    past: Past<CallTotals>,
    deployments: DashMap<Arc<str>, Arc<DeploymentWindow>>,
}

/// All calls since the process began.
#[derive(Debug, Default)]
struct CallTotals {
    ended: u64,
    failed: u64,
    overhead: Buckets,
    first_content: Buckets,
}

/// All calls of the last minute.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CallMinute {
    /// Calls that ended, per second.
    pub per_second: f64,
    /// Calls that failed, per second.
    pub failures_per_second: f64,
    /// The median and the 99th percentile of the gateway's own time, in milliseconds.
    pub overhead: Option<(f64, f64)>,
    /// The same of the time to the first content.
    pub first_content: Option<(f64, f64)>,
}

impl Windows {
    /// Nothing has happened yet.
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            ended: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            overhead: Histogram::default(),
            first_content: Histogram::default(),
            past: Past::new(now),
            deployments: DashMap::new(),
        }
    }

    /// A call has ended, after these attempts. Whether it failed.
    pub(crate) fn call_ended(&self, record: &Record, entries: &[Entry], end: EndReason) -> bool {
        self.ended.fetch_add(1, Ordering::Relaxed);
        if let Some(head) = record.head {
            self.overhead.record(head.overhead);
        }
        if let Some(after) = record.first_content {
            self.first_content.record(after);
        }
        let failed = !matches!(
            end,
            EndReason::Complete | EndReason::ClientGone | EndReason::Cancelled
        );
        if failed {
            self.failed.fetch_add(1, Ordering::Relaxed);
        }
        match (entries, &record.shown) {
            ([only], Some(shown)) if only.outcome == AttemptOutcome::Answered => {
                let window = (shown.window).get_or_init(|| self.of(&only.deployment.id));
                window.answered(only, record, failed.then_some(end));
            }
            _ => self.attempts_ended(record, entries, failed.then_some(end)),
        }
        failed
    }

    /// What is counted of a deployment, under whichever configuration.
    pub(crate) fn of(&self, deployment: &Arc<str>) -> Arc<DeploymentWindow> {
        if let Some(known) = self.deployments.get(deployment) {
            return Arc::clone(&known);
        }
        let new = self.deployments.entry(Arc::clone(deployment));
        let new = new.or_insert_with(|| Arc::new(DeploymentWindow::new(Instant::now())));
        Arc::clone(&new)
    }

    /// How many calls have failed since the process began.
    pub(crate) fn failed(&self) -> u64 {
        self.failed.load(Ordering::Relaxed)
    }

    /// Keeps what was counted up to now.
    pub(crate) fn turn(&self, now: Instant) {
        self.past.keep(now, Arc::new(self.totals()));
        for deployment in &self.deployments {
            deployment.turn(now);
        }
    }

    /// Forgets the deployments that are not among `known`.
    pub(crate) fn retain(&self, known: impl Fn(&str) -> bool) {
        self.deployments.retain(|id, _| known(id));
    }

    /// All calls of the last minute.
    pub(crate) fn minute(&self, now: Instant) -> CallMinute {
        let (then, took) = self.past.oldest(now);
        let totals = self.totals();
        let rate = |now: u64, then: u64| now.saturating_sub(then) as f64 / took.as_secs_f64();
        CallMinute {
            per_second: rate(totals.ended, then.ended),
            failures_per_second: rate(totals.failed, then.failed),
            overhead: totals.overhead.percentiles(&then.overhead),
            first_content: totals.first_content.percentiles(&then.first_content),
        }
    }

    fn attempts_ended(&self, record: &Record, entries: &[Entry], broke: Option<EndReason>) {
        for entry in entries {
            let window = self.of(&entry.deployment.id);
            match entry.outcome {
                AttemptOutcome::Answered if entry.broke.is_none() => {
                    window.answered(entry, record, broke);
                }
                AttemptOutcome::Answered => {
                    window.failed(entry.broke.map_or("other", EndReason::as_str));
                }
                AttemptOutcome::Failed(_) | AttemptOutcome::Expired(..) => {
                    window.failed(entry.outcome.as_str());
                }
                AttemptOutcome::GivenUp | AttemptOutcome::Lost => {}
            }
        }
    }

    fn totals(&self) -> CallTotals {
        CallTotals {
            ended: self.ended.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
            overhead: self.overhead.read(),
            first_content: self.first_content.read(),
        }
    }
}

/// What was counted at moments of the last minute, oldest first.
#[derive(Debug)]
struct Past<T>(Mutex<VecDeque<(Instant, Arc<T>)>>);

impl<T: Default> Past<T> {
    fn new(now: Instant) -> Self {
        Self(Mutex::new(VecDeque::from([(now, Arc::default())])))
    }

    fn keep(&self, now: Instant, totals: Arc<T>) {
        let mut kept = self.lock();
        let old = |at: Instant| now.saturating_duration_since(at) >= WINDOW;
        // One of that age stays: it is what a minute is counted from.
        while kept.get(1).is_some_and(|(at, _)| old(*at)) {
            kept.pop_front();
        }
        kept.push_back((now, totals));
    }

    /// What the last one kept, if there is one.
    fn newest(&self) -> Option<Arc<T>> {
        self.lock().back().map(|(_, totals)| Arc::clone(totals))
    }

    /// The oldest one, and how long ago that was: at least a second, so that it can be divided by.
    fn oldest(&self, now: Instant) -> (Arc<T>, Duration) {
        let kept = self.lock();
        let (at, totals) = match kept.front() {
            Some((at, totals)) => (*at, Arc::clone(totals)),
            None => (now, Arc::default()),
        };
        let took = now.saturating_duration_since(at);
        (totals, took.max(Duration::from_secs(1)))
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(Instant, Arc<T>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long the last minute is.
const WINDOW: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests;
