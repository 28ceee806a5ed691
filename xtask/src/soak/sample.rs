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
    /// The current generation of each origin.
    #[serde(skip)]
    pub(super) newest: BTreeMap<String, Newest>,
}

/// The current generation of an origin.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Newest {
    pub(super) number: u64,
    pub(super) reason: String,
    pub(super) age_seconds: f64,
}

impl Pools {
    /// Rotations for any reason.
    pub(super) fn rotated(&self) -> u64 {
        self.rotations.values().sum()
    }
}

/// Pools moved on to new generations.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Rotation {
    pub(super) second: f64,
    pub(super) reason: String,
    /// How many pools did so in this moment.
    pub(super) pools: u64,
}

/// The rotations between two readings of the pools, the second of which was made at `now`.
///
/// When an origin moved on twice in between, the last time counts.
pub(super) fn rotations(before: &Pools, after: &Pools, now: f64) -> Vec<Rotation> {
    let mut found: Vec<Rotation> = Vec::new();
    for (origin, newest) in &after.newest {
        let known = before.newest.get(origin);
        if known.is_none_or(|known| known.number == newest.number) {
            continue;
        }
        let second = now - newest.age_seconds;
        let together = found.iter_mut().find(|rotation| {
            rotation.reason == newest.reason && (rotation.second - second).abs() < TOGETHER
        });
        match together {
            Some(rotation) => rotation.pools += 1,
            None => found.push(Rotation {
                second,
                reason: newest.reason.clone(),
                pools: 1,
            }),
        }
    }
    found
}

/// Rotations so close to each other, in seconds, are one mark.
const TOGETHER: f64 = 0.25;

#[cfg(test)]
mod tests {
    use super::*;

    fn pools(numbers: [u64; 2], age_seconds: f64) -> Pools {
        let newest = |number| Newest {
            number,
            reason: "ttl".to_owned(),
            age_seconds,
        };
        let names = ["a", "b"].map(str::to_owned);
        Pools {
            newest: names.into_iter().zip(numbers.map(newest)).collect(),
            ..Pools::default()
        }
    }

    #[test]
    fn a_rotation_is_dated_by_the_age_of_what_it_made() {
        let found = rotations(&pools([1, 4], 9.0), &pools([2, 4], 0.3), 20.0);
        assert_eq!(found.len(), 1);
        assert!((found[0].second - 19.7).abs() < 1e-9);
        assert_eq!((found[0].reason.as_str(), found[0].pools), ("ttl", 1));
    }

    #[test]
    fn pools_that_move_on_together_are_one_mark() {
        let found = rotations(&pools([1, 4], 9.0), &pools([2, 5], 0.3), 20.0);
        assert_eq!((found.len(), found[0].pools), (1, 2));
    }

    #[test]
    fn the_first_generation_of_an_origin_is_no_rotation() {
        assert!(rotations(&Pools::default(), &pools([1, 1], 0.3), 1.0).is_empty());
    }
}
