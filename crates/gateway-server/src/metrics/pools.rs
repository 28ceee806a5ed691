//! The pools' state, read when somebody asks. Labels name origins, never generations: their numbers would be series
//! without end.

use std::fmt;

use gateway_transport::{
    BUCKETS_SECONDS, GenerationState, HistogramSnapshot, OriginSnapshot, Snapshot,
};

use super::exposition::Exposition;
use super::families;
use super::table::{Family, Kind};
use super::timings::Seen;

/// Writes one snapshot.
pub(super) fn write(snapshot: &Snapshot, page: &mut Exposition<'_>) -> fmt::Result {
    for (family, read) in NUMBERS {
        page.family(family, |samples| {
            for origin in &snapshot.origins {
                for (value, number) in read(origin) {
                    let values = [&*origin.origin, value];
                    match family.kind {
                        Kind::Counter => samples.count(&values, number)?,
                        _ => samples.level(&values, number)?,
                    }
                }
            }
            Ok(())
        })?;
    }
    page.family(&families::POOL_OLDEST, |samples| {
        for origin in &snapshot.origins {
            let oldest = draining(origin).filter_map(|it| it.oldest_lease_seconds);
            samples.value(&[&origin.origin, "draining"], oldest.fold(0.0, f64::max))?;
        }
        Ok(())
    })?;
    page.family(&families::POOL_ROTATIONS_FAILED, |samples| {
        for origin in &snapshot.origins {
            samples.count(&[&origin.origin], origin.metrics.rotations_failed)?;
        }
        Ok(())
    })?;
    for (family, read) in HISTOGRAMS {
        page.family(family, |samples| {
            for origin in &snapshot.origins {
                for (value, histogram) in read(origin) {
                    samples.histogram(&[&origin.origin, value], &seen(histogram))?;
                }
            }
            Ok(())
        })?;
    }
    Ok(())
}

fn seen(histogram: &HistogramSnapshot) -> Seen {
    let bounds = BUCKETS_SECONDS.iter().copied().chain([f64::INFINITY]);
    Seen {
        buckets: bounds.zip(histogram.counts).collect(),
        sum: histogram.sum_seconds,
    }
}

/// What an origin has of a family, by the value of the label beside the origin's.
type Read<T> = fn(&OriginSnapshot) -> Vec<(&'static str, T)>;

const NUMBERS: &[(&Family, Read<u64>)] = &[
    (&families::POOL_GENERATIONS, |origin| {
        let draining = draining(origin).count();
        let current = origin.generations.len() - draining;
        vec![("current", wide(current)), ("draining", wide(draining))]
    }),
    (&families::POOL_CONNECTIONS, |origin| {
        let seen = &origin.connections;
        vec![
            ("http1_idle", wide(seen.http1_idle)),
            ("http1_active", wide(seen.http1_active)),
            ("http2_idle", wide(seen.http2_idle)),
            ("http2_active", wide(seen.http2_active)),
            ("connecting", wide(seen.connecting)),
        ]
    }),
    (&families::POOL_STREAMS, |origin| {
        let all: usize = origin.generations.iter().map(|it| it.leases).sum();
        let draining: usize = draining(origin).map(|it| it.leases).sum();
        vec![
            ("current", wide(all - draining)),
            ("draining", wide(draining)),
        ]
    }),
    (&families::POOL_WAITING, |origin| {
        vec![("waiting", wide(origin.waiting))]
    }),
    (&families::POOL_ROTATIONS, |origin| {
        origin.metrics.rotations.clone()
    }),
    (&families::POOL_CONNECTS, |origin| {
        let seen = &origin.metrics;
        vec![
            ("ok", seen.connects_ok),
            ("failed", seen.connects_failed),
            ("stale", seen.connects_stale),
        ]
    }),
    (&families::POOL_REQUESTS, |origin| {
        let seen = &origin.metrics;
        vec![("new", seen.requests_new), ("reused", seen.requests_reused)]
    }),
    (&families::POOL_REPEATS, |origin| {
        vec![("not_sent", origin.metrics.repeats)]
    }),
];

const HISTOGRAMS: &[(&Family, ReadHistograms)] = &[
    (&families::POOL_CONNECT, |origin| {
        let phases = origin.metrics.connect.iter();
        phases.map(|(phase, taken)| (*phase, taken)).collect()
    }),
    (&families::POOL_DRAIN, |origin| {
        vec![
            ("complete", &origin.metrics.drain_complete),
            ("cut", &origin.metrics.drain_cut),
        ]
    }),
    (&families::POOL_CHECKOUT, |origin| {
        vec![("waited", &origin.metrics.checkout_waits)]
    }),
];

/// The same of histograms.
type ReadHistograms = fn(&OriginSnapshot) -> Vec<(&'static str, &HistogramSnapshot)>;

fn draining(
    origin: &OriginSnapshot,
) -> impl Iterator<Item = &gateway_transport::GenerationSnapshot> {
    let generations = origin.generations.iter();
    generations.filter(|it| it.state == GenerationState::Draining)
}

fn wide(count: usize) -> u64 {
    count as u64
}
