//! One line of the record per second, and what the gateway says about its pools.

use std::collections::BTreeMap;

use serde::Serialize;

use super::outcome::Ended;
use super::process::Reading;
use super::tally::Second;

/// A line of `soak.ndjson`.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Line<'a> {
    /// What happened in one second.
    Second(&'a Sample),
    /// A pool moved on.
    Rotation(&'a Rotation),
    /// A stream failed.
    Failure(&'a Ended),
}

/// The state at the end of one second.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Sample {
    /// Since the start.
    pub(super) second: f64,
    pub(super) phase: Phase,
    #[serde(flatten)]
    pub(super) streams: Second,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) gateway: Option<Reading>,
    /// The upstream of the soak: the load on it is our doing, not the gateway's.
    pub(super) upstream: Option<Reading>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pools: Option<Pools>,
    /// How late this very sample was taken: a busy machine, or a busy load generator.
    pub(super) sampler_late_ms: f64,
}

/// What the run is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Phase {
    /// Streams are being opened, a bit more each moment.
    RampUp,
    /// The wanted number of streams runs.
    Steady,
    /// No new stream starts; those that run end.
    Drain,
    /// Nothing runs; what the gateway still holds is counted.
    Rest,
}

/// The pools of the gateway, added up.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(super) struct Pools {
    pub(super) origins: u64,
    /// Generations that take new streams.
    pub(super) current: u64,
    /// Generations that wait for their last stream.
    pub(super) draining: u64,
    pub(super) connections: u64,
    pub(super) streams: u64,
    /// Since the gateway began, by reason.
    pub(super) rotations: BTreeMap<String, u64>,
}

impl Pools {
    /// Rotations for any reason.
    pub(super) fn rotated(&self) -> u64 {
        self.rotations.values().sum()
    }
}

/// A pool moved on to a new generation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Rotation {
    pub(super) second: f64,
    pub(super) reason: String,
    /// How many pools did so in this moment.
    pub(super) pools: u64,
}

/// The rotations between two readings of the pools.
pub(super) fn rotations(before: &Pools, after: &Pools, second: f64) -> Vec<Rotation> {
    let count = |pools: &Pools, reason: &str| pools.rotations.get(reason).copied().unwrap_or(0);
    after
        .rotations
        .keys()
        .map(|reason| Rotation {
            second,
            reason: reason.clone(),
            pools: count(after, reason).saturating_sub(count(before, reason)),
        })
        .filter(|rotation| rotation.pools > 0)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rotation_is_what_the_counters_moved_by() {
        let mut before = Pools::default();
        before.rotations.insert("ttl".to_owned(), 2);
        let mut after = before.clone();
        after.rotations.insert("ttl".to_owned(), 5);
        after.rotations.insert("command".to_owned(), 0);
        let found = rotations(&before, &after, 8.0);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].reason.as_str(), found[0].pools), ("ttl", 3));
    }
}
