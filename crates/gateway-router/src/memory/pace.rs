//! The last samples of how long something took.

use std::time::Duration;

use tokio::time::Instant;

/// The last ten samples, as LiteLLM keeps by default.
#[derive(Debug, Default)]
pub(super) struct Samples {
    kept: [Option<Sample>; KEPT],
    next: usize,
}

#[derive(Clone, Copy, Debug)]
struct Sample {
    took: Duration,
    at: Instant,
    /// When it no longer counts, whatever the reader's own limit is.
    until: Option<Instant>,
}

impl Samples {
    pub(super) fn add(&mut self, took: Duration, at: Instant) {
        self.push(Sample {
            took,
            at,
            until: None,
        });
    }

    /// A failure counts as a very slow answer, as a timeout does in LiteLLM. Not for as long as an answer counts,
    /// though: who is avoided gives no new samples, so one bad minute would last an hour.
    pub(super) fn penalize(&mut self, at: Instant) {
        self.push(Sample {
            took: PENALTY,
            at,
            until: Some(at + PENALTY_COUNTS),
        });
    }

    /// The mean of those that are not older than `ttl`.
    pub(super) fn mean(&self, now: Instant, ttl: Duration) -> Option<Duration> {
        let counts = |it: &&Sample| now < it.at + ttl && it.until.is_none_or(|until| now < until);
        let (sum, number) = self
            .kept
            .iter()
            .flatten()
            .filter(counts)
            .fold((Duration::ZERO, 0_u32), |(sum, number), it| {
                (sum.saturating_add(it.took), number + 1)
            });
        sum.checked_div(number)
    }

    fn push(&mut self, sample: Sample) {
        self.kept[self.next] = Some(sample);
        self.next = (self.next + 1) % KEPT;
    }
}

const KEPT: usize = 10;
const PENALTY: Duration = Duration::from_secs(1000);
const PENALTY_COUNTS: Duration = Duration::from_secs(60);
