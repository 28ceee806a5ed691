//! The pools' state as metrics, read when somebody asks. Labels name origins, never generations: their numbers would
//! be series without end.

use std::fmt;

use gateway_transport::{
    BUCKETS_SECONDS, GenerationState, HistogramSnapshot, OriginSnapshot, Snapshot,
};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;

/// Exports one snapshot.
#[derive(Debug)]
pub(super) struct Pools(pub(super) Snapshot);

impl Collector for Pools {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for family in GAUGES {
            self.numbers(&mut encoder, family, MetricType::Gauge)?;
        }
        for family in COUNTERS {
            self.numbers(&mut encoder, family, MetricType::Counter)?;
        }
        for family in HISTOGRAMS {
            let mut metric = encoder.encode_descriptor(
                family.name,
                family.help,
                Some(&Unit::Seconds),
                MetricType::Histogram,
            )?;
            for origin in &self.0.origins {
                for (value, histogram) in (family.read)(origin) {
                    let labels = [("origin", &*origin.origin), (family.label, value)];
                    encode_histogram(histogram, metric.encode_family(&labels)?)?;
                }
            }
        }
        Ok(())
    }
}

impl Pools {
    fn numbers(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        family: &Numbers,
        kind: MetricType,
    ) -> fmt::Result {
        let mut metric = encoder.encode_descriptor(family.name, family.help, None, kind)?;
        for origin in &self.0.origins {
            for (value, number) in (family.read)(origin) {
                let labels = [("origin", &*origin.origin), (family.label, value)];
                let mut sample = metric.encode_family(&labels)?;
                match kind {
                    MetricType::Counter => {
                        sample.encode_counter::<NoLabelSet, f64, f64>(&number, None)?
                    }
                    _ => sample.encode_gauge(&number)?,
                }
            }
        }
        Ok(())
    }
}

fn encode_histogram(histogram: &HistogramSnapshot, mut sample: MetricEncoder<'_>) -> fmt::Result {
    let bounds = BUCKETS_SECONDS.iter().copied().chain([f64::MAX]);
    let buckets: Vec<(f64, u64)> = bounds.zip(histogram.counts).collect();
    sample.encode_histogram::<NoLabelSet>(histogram.sum_seconds, histogram.count(), &buckets, None)
}

/// A family of plain numbers with one label beside the origin.
struct Numbers {
    name: &'static str,
    help: &'static str,
    label: &'static str,
    read: fn(&OriginSnapshot) -> Vec<(&'static str, f64)>,
}

/// A family of histograms with one label beside the origin.
struct Histograms {
    name: &'static str,
    help: &'static str,
    label: &'static str,
    read: fn(&OriginSnapshot) -> Vec<(&'static str, &HistogramSnapshot)>,
}

const GAUGES: &[Numbers] = &[
    Numbers {
        name: "gateway_pool_generations",
        help: "Generations of connections",
        label: "state",
        read: |origin| {
            let draining = draining(origin).count();
            vec![
                ("current", float(origin.generations.len() - draining)),
                ("draining", float(draining)),
            ]
        },
    },
    Numbers {
        name: "gateway_pool_connections",
        help: "Connections of the current generation",
        label: "state",
        read: |origin| {
            let seen = &origin.connections;
            vec![
                ("http1_idle", float(seen.http1_idle)),
                ("http1_active", float(seen.http1_active)),
                ("http2_idle", float(seen.http2_idle)),
                ("http2_active", float(seen.http2_active)),
                ("connecting", float(seen.connecting)),
            ]
        },
    },
    Numbers {
        name: "gateway_pool_streams",
        help: "Exchanges that run, by the state of their generation",
        label: "state",
        read: |origin| {
            let all: usize = origin.generations.iter().map(|it| it.leases).sum();
            let draining: usize = draining(origin).map(|it| it.leases).sum();
            vec![
                ("current", float(all - draining)),
                ("draining", float(draining)),
            ]
        },
    },
    Numbers {
        name: "gateway_pool_waiting",
        help: "Exchanges that wait for a connection",
        label: "state",
        read: |origin| vec![("waiting", float(origin.waiting))],
    },
    Numbers {
        name: "gateway_pool_oldest_draining_seconds",
        help: "Age of the oldest exchange on a retired generation",
        label: "state",
        read: |origin| {
            let oldest = draining(origin).filter_map(|it| it.oldest_lease_seconds);
            vec![("draining", oldest.fold(0.0, f64::max))]
        },
    },
];

const COUNTERS: &[Numbers] = &[
    Numbers {
        name: "gateway_pool_rotations",
        help: "Generations by the reason of their birth",
        label: "reason",
        read: |origin| {
            let rotations = origin.metrics.rotations.iter();
            rotations
                .map(|(reason, count)| (*reason, wide(*count)))
                .collect()
        },
    },
    Numbers {
        name: "gateway_pool_connects",
        help: "Connects by outcome; stale ones were for a retired generation",
        label: "outcome",
        read: |origin| {
            let seen = &origin.metrics;
            vec![
                ("ok", wide(seen.connects_ok)),
                ("failed", wide(seen.connects_failed)),
                ("stale", wide(seen.connects_stale)),
            ]
        },
    },
    Numbers {
        name: "gateway_pool_requests",
        help: "Exchanges by the connection that they got",
        label: "connection",
        read: |origin| {
            let seen = &origin.metrics;
            vec![
                ("new", wide(seen.requests_new)),
                ("reused", wide(seen.requests_reused)),
            ]
        },
    },
    Numbers {
        name: "gateway_pool_repeats",
        help: "Requests sent again because a reused connection was closed before the first byte",
        label: "delivery",
        read: |origin| vec![("not_sent", wide(origin.metrics.repeats))],
    },
];

const HISTOGRAMS: &[Histograms] = &[
    Histograms {
        name: "gateway_pool_connect",
        help: "Time per phase of a connect",
        label: "phase",
        read: |origin| {
            let phases = origin.metrics.connect.iter();
            phases
                .map(|(phase, histogram)| (*phase, histogram))
                .collect()
        },
    },
    Histograms {
        name: "gateway_pool_drain",
        help: "From the retirement of a generation to its end",
        label: "outcome",
        read: |origin| {
            vec![
                ("complete", &origin.metrics.drain_complete),
                ("cut", &origin.metrics.drain_cut),
            ]
        },
    },
    Histograms {
        name: "gateway_pool_checkout",
        help: "Time that exchanges waited which found no connection ready",
        label: "state",
        read: |origin| vec![("waited", &origin.metrics.checkout_waits)],
    },
];

fn draining(
    origin: &OriginSnapshot,
) -> impl Iterator<Item = &gateway_transport::GenerationSnapshot> {
    let generations = origin.generations.iter();
    generations.filter(|it| it.state == GenerationState::Draining)
}

fn float(count: usize) -> f64 {
    wide(count as u64)
}

/// Counts beyond 2^53 lose their last digits, as every reader of the format does.
#[expect(clippy::cast_precision_loss, reason = "see above")]
fn wide(count: u64) -> f64 {
    count as f64
}
