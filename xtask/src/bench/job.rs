//! What the orchestrator asks of the load generator, and what that answers: JSON both ways.

use std::net::SocketAddr;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use super::account::Memory;
use super::dialect::Route;
use super::payload::Mode;

/// One measurement of one target.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Job {
    /// Where the target listens.
    pub(crate) address: SocketAddr,
    /// Comes before `/v1`; usually empty.
    pub(crate) prefix: String,
    /// Who speaks what.
    pub(crate) route: Route,
    /// Which answer to ask for.
    pub(crate) mode: Mode,
    /// How the calls follow each other.
    pub(crate) shape: Shape,
    /// Time before anything is counted, in milliseconds.
    pub(crate) warm_up_ms: u64,
    /// Who is accounted.
    pub(crate) watch: Watch,
}

/// How the calls follow each other.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Shape {
    /// Each connection calls again as soon as its last call has ended.
    Closed {
        /// Connections, and so calls at a time.
        connections: u32,
        /// Length of the measurement, in milliseconds.
        duration_ms: u64,
    },
    /// Calls begin at a fixed rate, whether earlier ones have ended or not.
    Open {
        /// Calls per second.
        rate: u32,
        /// Connections that take turns.
        connections: u32,
        /// Length of the measurement, in milliseconds.
        duration_ms: u64,
    },
    /// Calls that nobody answers, each with a timer of its own.
    Timers {
        /// Calls at a time.
        connections: u32,
        /// Length of the measurement, in milliseconds.
        duration_ms: u64,
    },
    /// Opens streams that stay silent, and looks at the target's memory at each step.
    Idle {
        /// Numbers of open streams, rising.
        steps: Vec<u32>,
        /// Rest before each look, in milliseconds.
        settle_ms: u64,
    },
}

/// Processes and cores that are accounted over a measurement.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Watch {
    /// All processes of the target.
    pub(crate) proxy: Vec<u32>,
    /// The mock upstream.
    pub(crate) mock: u32,
    /// Core of mock and generator.
    pub(crate) load_core: usize,
}

/// What one measurement found.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Cell {
    /// Calls that ended well.
    pub(crate) calls: u64,
    /// Whole events that came.
    pub(crate) events: u64,
    /// Reads that brought something.
    pub(crate) reads: u64,
    /// Calls that failed.
    pub(crate) errors: u64,
    /// What the first of those said.
    pub(crate) first_error: Option<String>,
    /// Bytes of body of the shortest and the longest answer.
    pub(crate) body_bytes: Option<(u64, u64)>,
    /// Length of the measurement.
    pub(crate) wall_ns: u64,
    /// CPU time of the target.
    pub(crate) proxy_cpu_ns: u64,
    /// Time that the target was ready to run but had no core: others were on it.
    pub(crate) proxy_waited_ns: u64,
    /// CPU time of the mock upstream.
    pub(crate) mock_cpu_ns: u64,
    /// CPU time of the load generator.
    pub(crate) load_cpu_ns: u64,
    /// Time that the core of mock and generator was busy, for whomever.
    pub(crate) load_core_ns: u64,
    /// Call to end of the answer; from the planned begin, if there is one.
    pub(crate) latency: Quantiles,
    /// Call to first byte.
    pub(crate) first_byte: Quantiles,
    /// The mock's write of an event to the client's read of it.
    pub(crate) event_delay: Quantiles,
    /// How late the generator itself was to begin a call.
    pub(crate) late: Quantiles,
    /// When the timers of plain calls fired, against when they were due.
    pub(crate) timers_plain: Points,
    /// The same of streams.
    pub(crate) timers_stream: Points,
    /// How long a call took meanwhile that was refused at once.
    pub(crate) refused: Points,
    /// Memory of the target before the first idle stream.
    pub(crate) memory_before: Memory,
    /// Memory of the target at each step of idle streams.
    pub(crate) memory: Vec<(u32, Memory)>,
}

/// Some points of a distribution, in nanoseconds.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Quantiles {
    /// Values recorded.
    pub(crate) count: u64,
    /// Median.
    pub(crate) p50: u64,
    /// 90th percentile.
    pub(crate) p90: u64,
    /// 99th percentile.
    pub(crate) p99: u64,
    /// Largest value.
    pub(crate) max: u64,
}

/// Some points of a distribution, in nanoseconds; below zero is too early.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Points {
    /// Values.
    pub(crate) count: usize,
    /// Smallest value.
    pub(crate) min: i64,
    /// Median.
    pub(crate) p50: i64,
    /// 90th percentile.
    pub(crate) p90: i64,
    /// 99th percentile.
    pub(crate) p99: i64,
    /// Largest value.
    pub(crate) max: i64,
}

impl Points {
    /// Of these values, in any order.
    pub(crate) fn of(mut values: Vec<i64>) -> Self {
        values.sort_unstable();
        // The smallest value that so many in a hundred do not exceed.
        let at = |percent: usize| {
            let rank = (values.len() * percent).div_ceil(100);
            values.get(rank.saturating_sub(1)).copied().unwrap_or(0)
        };
        Self {
            count: values.len(),
            min: at(0),
            p50: at(50),
            p90: at(90),
            p99: at(99),
            max: at(100),
        }
    }
}

impl From<&Histogram<u64>> for Quantiles {
    fn from(histogram: &Histogram<u64>) -> Self {
        Self {
            count: histogram.len(),
            p50: histogram.value_at_quantile(0.5),
            p90: histogram.value_at_quantile(0.9),
            p99: histogram.value_at_quantile(0.99),
            max: histogram.max(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Points;

    #[test]
    fn points_are_of_the_values_themselves() {
        let points = Points::of((-1..=98).rev().collect());
        let found = [points.min, points.p50, points.p90, points.p99, points.max];
        assert_eq!(found, [-1, 48, 88, 97, 98]);
        assert_eq!(Points::of(Vec::new()), Points::default());
    }
}
