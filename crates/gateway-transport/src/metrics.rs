//! Counters and histograms of one origin: plain atomics, read by whoever exports them.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use crate::{error::Phase, generation::RotateReason};

/// Upper bounds of the buckets of every [`HistogramSnapshot`], in seconds; one more bucket holds the rest.
pub const BUCKETS_SECONDS: [f64; 14] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 60.0, 600.0,
];

/// The counters of one origin, to be updated without a lock.
#[derive(Debug, Default)]
pub(crate) struct OriginMetrics {
    rotations: [AtomicU64; RotateReason::ALL.len()],
    rotations_failed: AtomicU64,
    connects_ok: AtomicU64,
    connects_failed: AtomicU64,
    connects_stale: AtomicU64,
    requests_new: AtomicU64,
    requests_reused: AtomicU64,
    repeats: AtomicU64,
    drained: Histogram,
    drained_by_force: Histogram,
    connect: [Histogram; CONNECT_PHASES.len()],
    checkout: Histogram,
}

impl OriginMetrics {
    pub(crate) fn rotated(&self, reason: RotateReason) {
        if let Some(counter) = self.rotations.get(reason as usize) {
            count(counter);
        }
    }

    pub(crate) fn rotation_failed(&self) {
        count(&self.rotations_failed);
    }

    pub(crate) fn connected(&self, outcome: ConnectOutcome) {
        count(match outcome {
            ConnectOutcome::Ok => &self.connects_ok,
            ConnectOutcome::Failed => &self.connects_failed,
            ConnectOutcome::Stale => &self.connects_stale,
        });
    }

    pub(crate) fn connect_phase(&self, phase: Phase, took: Duration) {
        let at = CONNECT_PHASES.iter().position(|p| *p == phase);
        if let Some(histogram) = at.and_then(|at| self.connect.get(at)) {
            histogram.record(took);
        }
    }

    pub(crate) fn requested(&self, reused: bool) {
        count(if reused {
            &self.requests_reused
        } else {
            &self.requests_new
        });
    }

    pub(crate) fn repeated(&self) {
        count(&self.repeats);
    }

    /// How long a request waited that found no connection ready.
    pub(crate) fn waited(&self, took: Duration) {
        self.checkout.record(took);
    }

    pub(crate) fn drained(&self, took: Duration, by_force: bool) {
        let histogram = if by_force {
            &self.drained_by_force
        } else {
            &self.drained
        };
        histogram.record(took);
    }

    pub(crate) fn snapshot(&self) -> MetricsSnapshot {
        let reasons = RotateReason::ALL.iter().zip(&self.rotations);
        MetricsSnapshot {
            rotations: reasons
                .map(|(reason, n)| (reason.as_str(), read(n)))
                .collect(),
            rotations_failed: read(&self.rotations_failed),
            connects_ok: read(&self.connects_ok),
            connects_failed: read(&self.connects_failed),
            connects_stale: read(&self.connects_stale),
            requests_new: read(&self.requests_new),
            requests_reused: read(&self.requests_reused),
            repeats: read(&self.repeats),
            drain_complete: self.drained.snapshot(),
            drain_cut: self.drained_by_force.snapshot(),
            connect: CONNECT_PHASES
                .iter()
                .zip(&self.connect)
                .map(|(p, h)| (p.as_str(), h.snapshot()))
                .collect(),
            checkout_waits: self.checkout.snapshot(),
        }
    }
}

/// How a connect ended.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ConnectOutcome {
    Ok,
    Failed,
    /// It was for a generation that is no longer current.
    Stale,
}

/// The counters of one origin at one moment. Counters only grow, while the origin is known.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct MetricsSnapshot {
    /// Rotations by reason; `first` counts the origin's beginning.
    pub rotations: Vec<(&'static str, u64)>,
    /// Rotations given up because the new generation could not connect.
    pub rotations_failed: u64,
    /// Connects that gave a connection.
    pub connects_ok: u64,
    /// Connects that failed.
    pub connects_failed: u64,
    /// Connects that were given up, or whose connection was dropped, because their generation was retired meanwhile.
    pub connects_stale: u64,
    /// Exchanges begun on a connection that had served none.
    pub requests_new: u64,
    /// Exchanges begun on a connection that had served others.
    pub requests_reused: u64,
    /// Requests sent again because a reused connection turned out to be closed before the first byte.
    pub repeats: u64,
    /// Retirement to freedom of generations that ended by themselves.
    pub drain_complete: HistogramSnapshot,
    /// Retirement to freedom of generations that were cut.
    pub drain_cut: HistogramSnapshot,
    /// Time per phase of a connect: resolve, connect, proxy, tls, handshake (HTTP/2; HTTP/1 has none).
    pub connect: Vec<(&'static str, HistogramSnapshot)>,
    /// Time that requests waited which found no connection ready; the others waited nothing.
    pub checkout_waits: HistogramSnapshot,
}

/// A histogram at one moment.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct HistogramSnapshot {
    /// Observations per bucket of [`BUCKETS_SECONDS`], not cumulative; the last holds all that are greater.
    pub counts: [u64; BUCKETS_SECONDS.len() + 1],
    /// Sum of all observations, in seconds.
    pub sum_seconds: f64,
}

impl HistogramSnapshot {
    /// Number of observations.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }
}

#[derive(Debug, Default)]
struct Histogram {
    counts: [AtomicU64; BUCKETS_SECONDS.len() + 1],
    sum_micros: AtomicU64,
}

impl Histogram {
    fn record(&self, took: Duration) {
        let seconds = took.as_secs_f64();
        let at = BUCKETS_SECONDS
            .iter()
            .position(|bound| seconds <= *bound)
            .unwrap_or(BUCKETS_SECONDS.len());
        if let Some(bucket) = self.counts.get(at) {
            count(bucket);
        }
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.sum_micros.fetch_add(micros, Ordering::Relaxed);
    }

    fn snapshot(&self) -> HistogramSnapshot {
        HistogramSnapshot {
            counts: std::array::from_fn(|at| self.counts.get(at).map_or(0, read)),
            sum_seconds: Duration::from_micros(read(&self.sum_micros)).as_secs_f64(),
        }
    }
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

fn read(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

const CONNECT_PHASES: [Phase; 5] = [
    Phase::Resolve,
    Phase::Connect,
    Phase::Proxy,
    Phase::Tls,
    Phase::Handshake,
];
