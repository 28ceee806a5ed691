//! What the streams have in common: counts and latencies, taken once per second.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

use super::outcome::{Ended, Outcome};

/// Failures of one second, by kind.
pub(super) type Failures = BTreeMap<Outcome, u64>;

/// Counts that all streams of a run write to.
#[derive(Debug)]
pub(super) struct Tally {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    second: Second,
    first_event: Histogram<u64>,
    lateness: Histogram<u64>,
    all_first_event: Histogram<u64>,
    all_lateness: Histogram<u64>,
    failures: BTreeMap<u64, Failures>,
    active: u64,
}

/// What happened since the last time that somebody asked.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Second {
    /// Streams that run now.
    pub(super) active: u64,
    pub(super) started: u64,
    pub(super) completed: u64,
    pub(super) failed: u64,
    pub(super) events: u64,
    /// From the request's last byte to the first event.
    pub(super) first_event: Percentiles,
    /// How much later than the pace an event came.
    pub(super) lateness: Percentiles,
    /// The failures in full, at most [`MOST_DETAILS`].
    #[serde(skip)]
    pub(super) details: Vec<Ended>,
}

/// Latencies in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub(super) struct Percentiles {
    pub(super) count: u64,
    pub(super) p50: f64,
    pub(super) p90: f64,
    pub(super) p99: f64,
    pub(super) p999: f64,
    pub(super) max: f64,
}

/// The whole run.
#[derive(Debug)]
pub(super) struct Totals {
    pub(super) first_event: Percentiles,
    pub(super) lateness: Percentiles,
    /// By the second in which the last sign of life came.
    pub(super) failures: BTreeMap<u64, Failures>,
}

impl Tally {
    /// Nothing counted yet.
    pub(super) fn new() -> Self {
        Self {
            inner: Mutex::new(Inner {
                second: Second::default(),
                first_event: microseconds(),
                lateness: microseconds(),
                all_first_event: microseconds(),
                all_lateness: microseconds(),
                failures: BTreeMap::new(),
                active: 0,
            }),
        }
    }

    /// A stream begins; it counts as active until the guard is dropped.
    pub(super) fn begin(&self) -> Active<'_> {
        self.with(|inner| {
            inner.active += 1;
            inner.second.started += 1;
        });
        Active { tally: self }
    }

    /// The first bytes of a body came.
    pub(super) fn first_event(&self, after: Duration) {
        self.with(|inner| inner.first_event.saturating_record(micros(after)));
    }

    /// An event came, so much later than the pace.
    pub(super) fn event(&self, late: Duration) {
        self.with(|inner| {
            inner.second.events += 1;
            inner.lateness.saturating_record(micros(late));
        });
    }

    /// A stream ended.
    pub(super) fn ended(&self, ended: Ended) {
        self.with(|inner| {
            if ended.outcome == Outcome::Complete {
                inner.second.completed += 1;
                return;
            }
            inner.second.failed += 1;
            let second = Duration::try_from_secs_f64(ended.since).unwrap_or_default();
            let failures = inner.failures.entry(second.as_secs()).or_default();
            *failures.entry(ended.outcome).or_default() += 1;
            if inner.second.details.len() < MOST_DETAILS {
                inner.second.details.push(ended);
            }
        });
    }

    /// What happened since the last call.
    pub(super) fn take_second(&self) -> Second {
        self.with(|inner| {
            let mut second = std::mem::take(&mut inner.second);
            second.active = inner.active;
            second.first_event = Percentiles::of(&inner.first_event);
            second.lateness = Percentiles::of(&inner.lateness);
            inner.all_first_event += &inner.first_event;
            inner.all_lateness += &inner.lateness;
            inner.first_event.clear();
            inner.lateness.clear();
            second
        })
    }

    /// The whole run up to the last [`Tally::take_second`].
    pub(super) fn totals(&self) -> Totals {
        self.with(|inner| Totals {
            first_event: Percentiles::of(&inner.all_first_event),
            lateness: Percentiles::of(&inner.all_lateness),
            failures: inner.failures.clone(),
        })
    }

    fn with<T>(&self, work: impl FnOnce(&mut Inner) -> T) -> T {
        let mut inner = self.inner.lock().unwrap_or_else(|poisoned| {
            // Counts are whole after every statement, so a panic elsewhere does not spoil them.
            poisoned.into_inner()
        });
        work(&mut inner)
    }
}

/// A stream that runs.
#[derive(Debug)]
pub(super) struct Active<'a> {
    tally: &'a Tally,
}

impl Drop for Active<'_> {
    fn drop(&mut self) {
        self.tally.with(|inner| inner.active -= 1);
    }
}

impl Percentiles {
    fn of(histogram: &Histogram<u64>) -> Self {
        let at = |quantile| histogram.value_at_quantile(quantile) as f64 / 1000.0;
        Self {
            count: histogram.len(),
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max: histogram.max() as f64 / 1000.0,
        }
    }
}

/// Microseconds up to ten minutes, three digits.
fn microseconds() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 600_000_000, 3).expect("the bounds are valid")
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// Failures that one second describes in full; the rest is only counted.
const MOST_DETAILS: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(outcome: Outcome, since: f64) -> Ended {
        Ended {
            outcome,
            since,
            model: "m".to_owned(),
            events: 1,
            detail: String::new(),
        }
    }

    #[test]
    fn a_freeze_counts_in_the_second_in_which_it_began() {
        let tally = Tally::new();
        tally.ended(ended(Outcome::Frozen, 12.7));
        assert_eq!(tally.totals().failures[&12][&Outcome::Frozen], 1);
    }

    #[test]
    fn each_second_starts_anew_and_the_totals_stay() {
        let tally = Tally::new();
        let active = tally.begin();
        tally.event(Duration::from_millis(5));
        assert_eq!(tally.take_second().active, 1);
        drop(active);
        let second = tally.take_second();
        assert_eq!((second.active, second.events), (0, 0));
        assert_eq!(tally.totals().lateness.count, 1);
    }
}
