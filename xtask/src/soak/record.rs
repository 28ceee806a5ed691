//! All that a run leaves behind, before it is judged.

use std::collections::BTreeMap;

use super::pools::Orders;
use super::process::Reading;
use super::sample::{Rotation, Sample};
use super::slope::Growth;
use super::tally::Totals;
use super::verdict::steady_memory;

/// A finished run.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) samples: Vec<Sample>,
    /// Rotations, in the order in which they were seen; for a foreign gateway where its lifetime would end.
    pub(super) marks: Vec<Rotation>,
    /// The gateway is foreign: nobody saw a pool of it move on, the marks are what its lifetime makes likely.
    pub(super) marks_assumed: bool,
    pub(super) totals: Totals,
    /// The gateway before the first stream.
    pub(super) before: Option<Reading>,
    pub(super) streams_wanted: u64,
    /// Rotations that were ordered from outside.
    pub(super) orders: Orders,
    /// Streams in which no sequence was found.
    pub(super) unmarked: u64,
}

impl Record {
    /// Streams that came whole.
    pub(super) fn completed(&self) -> u64 {
        self.samples
            .iter()
            .map(|sample| sample.streams.completed)
            .sum()
    }

    /// Streams that began.
    pub(super) fn started(&self) -> u64 {
        self.samples
            .iter()
            .map(|sample| sample.streams.started)
            .sum()
    }

    /// Failures of the whole run, by kind.
    pub(super) fn failures(&self) -> BTreeMap<&'static str, u64> {
        let mut failures = BTreeMap::new();
        for (outcome, count) in self.totals.failures.values().flatten() {
            *failures.entry(outcome.name()).or_default() += count;
        }
        failures
    }

    /// Pools whose lifetime ended while streams ran.
    pub(super) fn lifetimes_under_load(&self) -> u64 {
        let under_load = |mark: &&Rotation| {
            let after = self
                .samples
                .iter()
                .find(|sample| sample.second >= mark.second);
            mark.reason == "ttl" && after.is_some_and(|sample| sample.streams.active > 0)
        };
        self.marks
            .iter()
            .filter(under_load)
            .map(|mark| mark.pools)
            .sum()
    }

    /// Whether memory grew under the steady load.
    pub(super) fn growth(&self) -> Growth {
        Growth::of(&steady_memory(&self.samples))
    }
}
