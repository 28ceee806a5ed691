//! Counts of times, in steps that grow with them: eight to each doubling, so that a percentile is right within 7 %.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Counts that only grow, which many add to.
pub(super) struct Histogram([AtomicU32; BUCKETS]);

/// What a histogram held at one moment: number and count of the buckets that are not empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Buckets(Vec<(u8, u32)>);

impl Histogram {
    /// Counts one more.
    #[inline]
    pub(super) fn record(&self, time: Duration) {
        let micros = time.as_secs().saturating_mul(1_000_000) + u64::from(time.subsec_micros());
        if let Some(count) = self.0.get(bucket(micros)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn read(&self) -> Buckets {
        let counts = self.0.iter().map(|it| it.load(Ordering::Relaxed));
        let some = (0..=u8::MAX).zip(counts).filter(|(_, count)| *count > 0);
        Buckets(some.collect())
    }
}

impl Default for Histogram {
    fn default() -> Self {
        Self([const { AtomicU32::new(0) }; BUCKETS])
    }
}

impl std::fmt::Debug for Histogram {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.read().fmt(f)
    }
}

impl Buckets {
    /// The median and the 99th percentile, in milliseconds, of what was counted since `then`.
    pub(super) fn percentiles(&self, then: &Self) -> Option<(f64, f64)> {
        let mut before = then.0.iter().peekable();
        let counts: Vec<(u8, u32)> = (self.0.iter())
            .map(|&(at, count)| {
                while before.next_if(|(other, _)| *other < at).is_some() {}
                let old = before.next_if(|(other, _)| *other == at);
                (at, count.wrapping_sub(old.map_or(0, |(_, old)| *old)))
            })
            .collect();
        let total: u64 = counts.iter().map(|(_, count)| u64::from(*count)).sum();
        let at_share = |share: f64| {
            let rank = share * total as f64;
            let mut seen = 0;
            let found = counts.iter().find(|(_, count)| {
                seen += u64::from(*count);
                seen as f64 >= rank
            });
            found.map(|(at, _)| millis(*at))
        };
        if total == 0 {
            return None;
        }
        Some((at_share(0.5)?, at_share(0.99)?))
    }
}

/// The bucket of so many microseconds.
#[inline]
fn bucket(micros: u64) -> usize {
    // An hour and more is all the same.
    let micros = u32::try_from(micros).unwrap_or(u32::MAX);
    if micros < STEPS {
        return micros as usize;
    }
    let doubling = micros.ilog2() - STEPS.ilog2();
    let step = (micros >> doubling) - STEPS;
    ((doubling + 1) * STEPS + step) as usize
}

/// The middle of a bucket, in milliseconds.
fn millis(bucket: u8) -> f64 {
    let bucket = u32::from(bucket);
    let (doubling, step) = (bucket / STEPS, bucket % STEPS);
    let micros = match doubling {
        0 => f64::from(step),
        doubling => {
            let width = f64::from(1_u32 << (doubling - 1));
            (f64::from(STEPS + step) + 0.5) * width
        }
    };
    micros / 1e3
}

/// Steps to each doubling.
const STEPS: u32 = 8;
/// Up to the longest time.
const BUCKETS: usize = 240;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_is_in_the_bucket_whose_middle_is_near() {
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
        let mut last = 0;
        for micros in (0..22).flat_map(|doubling| (100_u32..200).map(move |it| it << doubling)) {
            let at = bucket(micros.into());
            assert!(at >= last, "{micros}");
            last = at;
            let middle = millis(u8::try_from(at).unwrap()) * 1e3;
            let error = (middle / f64::from(micros) - 1.0).abs();
            assert!(error < 0.07, "{micros} {error}");
        }
    }

    #[test]
    fn percentiles_are_of_what_came_since() {
        let histogram = Histogram::default();
        histogram.record(Duration::from_secs(100));
        let then = histogram.read();
        assert_eq!(histogram.read().percentiles(&then), None);
        for millis in 1..=100 {
            histogram.record(Duration::from_millis(millis));
        }
        let (p50, p99) = histogram.read().percentiles(&then).unwrap();
        assert!((p50 - 50.0).abs() < 5.0, "{p50}");
        assert!((p99 - 99.0).abs() < 8.0, "{p99}");
    }
}
