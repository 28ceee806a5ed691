//! Histograms of durations: plain atomics, since every call is observed by several of them.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How often something took how long.
pub(super) struct Timings {
    bounds: &'static Bounds,
    /// Not cumulative; the last ones are not used where there are fewer bounds.
    counts: [AtomicU64; MOST + 1],
    /// Nanoseconds: they overflow after 584 years.
    sum: AtomicU64,
}

/// Upper bounds of buckets, in nanoseconds.
#[derive(Debug)]
pub(super) struct Bounds(&'static [u64]);

/// Timings at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Seen {
    /// Upper bounds in seconds, and how many were not above them, but above the one before.
    pub buckets: Vec<(f64, u64)>,
    /// All of them, in seconds.
    pub sum: f64,
}

impl Timings {
    pub(super) const fn new(bounds: &'static Bounds) -> Self {
        Self {
            bounds,
            counts: [const { AtomicU64::new(0) }; MOST + 1],
            sum: AtomicU64::new(0),
        }
    }

    /// One more took so long.
    pub(super) fn observe(&self, took: Duration) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let at = self.bounds.0.partition_point(|bound| *bound < nanos);
        if let Some(count) = self.counts.get(at) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.sum.fetch_add(nanos, Ordering::Relaxed);
    }

    pub(super) fn seen(&self) -> Seen {
        let bounds = self.bounds.0.iter().map(|bound| seconds(*bound));
        let counts = self.counts.iter().map(|it| it.load(Ordering::Relaxed));
        Seen {
            buckets: bounds.chain([f64::INFINITY]).zip(counts).collect(),
            sum: seconds(self.sum.load(Ordering::Relaxed)),
        }
    }
}

impl fmt::Debug for Timings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.seen().fmt(f)
    }
}

impl Seen {
    /// How many there were.
    pub(super) fn count(&self) -> u64 {
        self.buckets.iter().map(|(_, count)| count).sum()
    }

    /// The same in coarser buckets: each of `bounds` must be one of its own.
    pub(super) fn coarser(&self, bounds: &Bounds) -> Self {
        let mut buckets = self.buckets.iter().peekable();
        let mut up_to = |bound: f64| {
            let mut count = 0;
            while let Some((_, more)) = buckets.next_if(|(own, _)| *own <= bound) {
                count += more;
            }
            (bound, count)
        };
        let bounds = bounds.0.iter().map(|bound| seconds(*bound));
        Self {
            buckets: bounds.chain([f64::INFINITY]).map(&mut up_to).collect(),
            sum: self.sum,
        }
    }
}

/// Exact for what a bucket or a sum needs.
#[expect(clippy::cast_precision_loss, reason = "see above")]
fn seconds(nanos: u64) -> f64 {
    nanos as f64 / 1e9
}

const MICROS: u64 = 1_000;
const MILLIS: u64 = 1_000_000;
const SECONDS: u64 = 1_000_000_000;
/// As many bounds as a histogram may have.
const MOST: usize = 20;

/// For what providers take: LiteLLM's, and finer ones below them.
pub(super) static LATENCIES: Bounds = Bounds(&[
    MILLIS,
    2 * MILLIS,
    5 * MILLIS,
    10 * MILLIS,
    25 * MILLIS,
    50 * MILLIS,
    100 * MILLIS,
    250 * MILLIS,
    500 * MILLIS,
    SECONDS,
    2 * SECONDS,
    5 * SECONDS,
    10 * SECONDS,
    20 * SECONDS,
    30 * SECONDS,
    60 * SECONDS,
    120 * SECONDS,
    300 * SECONDS,
    420 * SECONDS,
    600 * SECONDS,
]);

/// LiteLLM's.
pub(super) static LITELLM: Bounds = Bounds(&[
    5 * MILLIS,
    10 * MILLIS,
    25 * MILLIS,
    50 * MILLIS,
    100 * MILLIS,
    250 * MILLIS,
    500 * MILLIS,
    SECONDS,
    2 * SECONDS,
    5 * SECONDS,
    10 * SECONDS,
    30 * SECONDS,
    60 * SECONDS,
    120 * SECONDS,
    300 * SECONDS,
    420 * SECONDS,
    600 * SECONDS,
]);

/// Those that LiteLLM's client library has of its own.
pub(super) static LITELLM_DEFAULT: Bounds = Bounds(&[
    5 * MILLIS,
    10 * MILLIS,
    25 * MILLIS,
    50 * MILLIS,
    75 * MILLIS,
    100 * MILLIS,
    250 * MILLIS,
    500 * MILLIS,
    750 * MILLIS,
    SECONDS,
    2_500 * MILLIS,
    5 * SECONDS,
    7_500 * MILLIS,
    10 * SECONDS,
]);

/// For what the gateway itself takes.
pub(super) static OVERHEADS: Bounds = Bounds(&[
    10 * MICROS,
    20 * MICROS,
    35 * MICROS,
    50 * MICROS,
    75 * MICROS,
    100 * MICROS,
    150 * MICROS,
    200 * MICROS,
    350 * MICROS,
    500 * MICROS,
    MILLIS,
    2 * MILLIS,
    5 * MILLIS,
    10 * MILLIS,
    25 * MILLIS,
    50 * MILLIS,
    100 * MILLIS,
    500 * MILLIS,
    SECONDS,
    5 * SECONDS,
]);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_counted_in_the_first_bucket_that_is_not_below_it() {
        let timings = Timings::new(&OVERHEADS);
        for micros in [0, 10, 11, 50, 6_000_000] {
            timings.observe(Duration::from_micros(micros));
        }
        let seen = timings.seen();
        assert_eq!(seen.count(), 5);
        assert_eq!(seen.sum, 6.000_071);
        assert_eq!(seen.buckets[0], (0.00001, 2));
        assert_eq!(seen.buckets[1], (0.00002, 1));
        assert_eq!(seen.buckets[3], (0.00005, 1));
        assert_eq!(*seen.buckets.last().unwrap(), (f64::INFINITY, 1));
    }

    #[test]
    fn coarser_buckets_hold_the_same_and_the_bounds_of_litellm_are_among_ours() {
        let timings = Timings::new(&LATENCIES);
        for millis in [1, 3, 5, 24, 26, 15_000, 25_000, 700_000] {
            timings.observe(Duration::from_millis(millis));
        }
        let coarse = timings.seen().coarser(&LITELLM);
        assert_eq!(coarse.count(), 8);
        let of = |bound: f64| coarse.buckets.iter().find(|it| it.0 == bound).unwrap().1;
        assert_eq!((of(0.005), of(0.01), of(0.025), of(0.05)), (3, 0, 1, 1));
        assert_eq!((of(30.0), of(f64::INFINITY)), (2, 1));
        for bounds in [&LATENCIES, &OVERHEADS, &LITELLM, &LITELLM_DEFAULT] {
            assert!(bounds.0.is_sorted() && bounds.0.len() <= MOST);
        }
        assert!(LITELLM.0.iter().all(|it| LATENCIES.0.contains(it)));
    }
}
