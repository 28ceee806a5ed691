//! What an operator sees of the pools.

use std::{collections::BTreeMap, sync::Arc};

use tokio::time::Instant;

use crate::{generation::Generation, metrics::MetricsSnapshot, origin::OriginInner};

/// All origins at one moment.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Snapshot {
    /// In the order of their labels.
    pub origins: Vec<OriginSnapshot>,
}

/// One origin at one moment, over all shards. The shards are read one after the other.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct OriginSnapshot {
    /// `scheme://host:port`.
    pub origin: Arc<str>,
    /// The current generation, then those that drain, newest first.
    pub generations: Vec<GenerationSnapshot>,
    /// Connections of the current generation.
    pub connections: ConnectionsSnapshot,
    /// Requests that wait for a connection.
    pub waiting: usize,
    /// Counters and histograms since the origin is known.
    pub metrics: MetricsSnapshot,
}

/// One generation at one moment.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct GenerationSnapshot {
    /// Its number; numbers of an origin only grow.
    pub number: u64,
    /// Why it was born.
    pub reason: &'static str,
    /// Current or draining.
    pub state: GenerationState,
    /// Seconds since it was born.
    pub age_seconds: f64,
    /// Seconds since it was retired.
    pub draining_seconds: Option<f64>,
    /// Seconds until what runs on it is cut; negative when overdue.
    pub deadline_seconds: Option<f64>,
    /// Sockets that are open or being opened.
    pub sockets: usize,
    /// Exchanges that run on it.
    pub leases: usize,
    /// Age of the oldest of them.
    pub oldest_lease_seconds: Option<f64>,
}

/// Where in its life a generation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GenerationState {
    /// New exchanges start on it.
    Current,
    /// No exchange starts on it.
    Draining,
}

/// Connections by protocol and state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct ConnectionsSnapshot {
    /// HTTP/1 connections that wait for an exchange.
    pub http1_idle: usize,
    /// HTTP/1 connections with an exchange.
    pub http1_active: usize,
    /// HTTP/2 connections without streams.
    pub http2_idle: usize,
    /// HTTP/2 connections with streams.
    pub http2_active: usize,
    /// Streams on HTTP/2 connections.
    pub http2_streams: usize,
    /// Connects under way.
    pub connecting: usize,
}

/// The generation of an origin on which new exchanges start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CurrentGeneration {
    /// The origin's label. Two origins may have the same, but not in the same place in memory.
    pub origin: Arc<str>,
    /// Its number; numbers of an origin only grow.
    pub number: u64,
    /// Why it was born.
    pub reason: &'static str,
}

impl CurrentGeneration {
    pub(crate) fn of(origin: &OriginInner) -> Self {
        let current = Arc::clone(&origin.control().current);
        Self {
            origin: Arc::clone(&origin.label),
            number: current.number,
            reason: current.reason.as_str(),
        }
    }
}

#[derive(Default)]
struct LeaseCount {
    exclusive: usize,
    shared: usize,
    oldest: Option<Instant>,
}

impl OriginSnapshot {
    pub(crate) fn of(origin: &OriginInner, now: Instant) -> Self {
        let mut leases: BTreeMap<u64, LeaseCount> = BTreeMap::new();
        let mut connections = ConnectionsSnapshot::default();
        let mut waiting = 0;
        for pool in &origin.pools {
            let census = pool.census();
            connections.http1_idle += census.idle_exclusive;
            connections.http2_idle += census.shared - census.shared_busy;
            connections.http2_active += census.shared_busy;
            connections.connecting += census.connecting;
            waiting += census.waiting;
            pool.leases(|lease| {
                let count = leases.entry(lease.generation).or_default();
                *(if lease.shared {
                    &mut count.shared
                } else {
                    &mut count.exclusive
                }) += 1;
                count.oldest = Some(
                    count
                        .oldest
                        .map_or(lease.started, |oldest| oldest.min(lease.started)),
                );
            });
        }
        let (current, draining) = {
            let control = origin.control();
            (Arc::clone(&control.current), control.draining.clone())
        };
        if let Some(count) = leases.get(&current.number) {
            connections.http1_active = count.exclusive;
            connections.http2_streams = count.shared;
        }
        let seen = |generation: &Generation| {
            GenerationSnapshot::of(generation, leases.get(&generation.number), now)
        };
        let mut generations = vec![seen(&current)];
        generations.extend(
            draining
                .iter()
                .rev()
                .filter_map(|weak| weak.upgrade())
                .map(|generation| seen(&generation)),
        );
        let metrics = origin.metrics.snapshot();
        Self {
            origin: Arc::clone(&origin.label),
            generations,
            connections,
            waiting,
            metrics,
        }
    }
}

impl GenerationSnapshot {
    fn of(generation: &Generation, leases: Option<&LeaseCount>, now: Instant) -> Self {
        let retirement = generation.retirement();
        let oldest = leases.and_then(|count| count.oldest);
        let since = |then: Instant| now.saturating_duration_since(then).as_secs_f64();
        Self {
            number: generation.number,
            reason: generation.reason.as_str(),
            state: if retirement.is_some() {
                GenerationState::Draining
            } else {
                GenerationState::Current
            },
            age_seconds: since(generation.born),
            draining_seconds: retirement.map(|r| since(r.at)),
            deadline_seconds: retirement
                .and_then(|r| r.deadline)
                .map(|d| d.saturating_duration_since(now).as_secs_f64() - since(d)),
            sockets: generation.open_sockets(),
            leases: leases.map_or(0, |count| count.exclusive + count.shared),
            oldest_lease_seconds: oldest.map(since),
        }
    }
}
