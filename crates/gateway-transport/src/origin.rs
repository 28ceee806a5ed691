//! An origin: a spec, its pools (one per shard) and the one line of generations over all of them.

use std::{
    collections::HashMap,
    fmt,
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicUsize, Ordering},
    },
};

use http::{HeaderValue, uri::Authority};
use tokio::{sync::Semaphore, time::Instant};

use crate::{
    config::TransportConfig,
    conn::Conn,
    connect::PhaseCell,
    environment::{Environment, jittered},
    error::SpecError,
    generation::{Birth, Generation, Killed, RotateReason},
    health::{BackOff, Pace},
    metrics::OriginMetrics,
    pool::{Expect, PoolLimits, PoolState, locked::LockedPool},
    spec::{ConnectSpec, Http2Mode, Scheme},
};

mod connecting;

/// A handle to an origin, cheap to clone. Callers keep it: finding it again costs a lookup.
#[derive(Clone)]
pub struct Origin(pub(crate) Arc<OriginInner>);

impl Origin {
    /// What it was made from.
    pub fn spec(&self) -> &ConnectSpec {
        &self.0.spec
    }

    /// `scheme://host:port`, the label of logs and metrics.
    pub fn label(&self) -> &Arc<str> {
        &self.0.label
    }

    /// The number of its current generation.
    pub fn generation(&self) -> u64 {
        self.0.current().number
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Origin({})", self.0.label)
    }
}

impl PartialEq for Origin {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Origin {}

pub(crate) struct OriginInner {
    pub(crate) spec: ConnectSpec,
    pub(crate) label: Arc<str>,
    pub(crate) authority: Authority,
    pub(crate) host: HeaderValue,
    pub(crate) pools: Box<[LockedPool<Conn>]>,
    pub(crate) env: Arc<Environment>,
    pub(crate) metrics: Arc<OriginMetrics>,
    /// The phase that a connect entered last.
    pub(crate) phase: PhaseCell<'static>,
    handshakes: Semaphore,
    /// Requests that wait for a slot, over all shards.
    starving: AtomicUsize,
    control: Mutex<Control>,
}

/// What only rotations and maintenance touch. Never held together with a pool's lock by anything but a rotation.
pub(crate) struct Control {
    pub(crate) current: Arc<Generation>,
    pub(crate) next_number: u64,
    pub(crate) draining: Vec<Weak<Generation>>,
    /// A rotation is warming a candidate.
    pub(crate) rotating: bool,
    /// Not before this moment, unless commanded.
    pub(crate) next_rotation: Instant,
    /// For health rotations there is more to it.
    pub(crate) health_pace: Pace,
    /// After a failed warm-up.
    pub(crate) back_off: BackOff,
    /// Addresses that connections of the current generation were made to, and when an answer held them last.
    pub(crate) addresses: HashMap<IpAddr, Instant>,
    pub(crate) next_lookup: Instant,
    pub(crate) next_identity_check: Instant,
}

impl OriginInner {
    pub(crate) fn new(
        spec: ConnectSpec,
        env: &Arc<Environment>,
        now: Instant,
    ) -> Result<Arc<Self>, SpecError> {
        let metrics = Arc::new(OriginMetrics::default());
        let authority = spec.authority();
        let unusable = |_| SpecError::Url(spec.label());
        let host = HeaderValue::from_str(&authority).map_err(|_| SpecError::Url(spec.label()))?;
        let authority = authority.parse::<Authority>().map_err(unusable)?;
        let tls = env.read_tls(&spec)?;
        let config = env.config();
        let current = Generation::new(Birth {
            number: 1,
            reason: RotateReason::First,
            now,
            ttl: jittered(&config),
            tls,
            max_connections: config.max_connections,
            metrics: Arc::clone(&metrics),
        });
        metrics.rotated(RotateReason::First);
        let expect = match (spec.http2, spec.scheme) {
            (Http2Mode::PriorKnowledge, _) => Expect::Shared,
            (Http2Mode::Never, _) | (Http2Mode::Auto, Scheme::Http) => Expect::Exclusive,
            (Http2Mode::Auto, Scheme::Https) => Expect::Unknown,
        };
        let limits = pool_limits(&config);
        let pool = |_| LockedPool::new(PoolState::new(Arc::clone(&current), expect, limits));
        Ok(Arc::new(Self {
            label: spec.label().into(),
            authority,
            host,
            pools: (0..env.handles.len()).map(pool).collect(),
            env: Arc::clone(env),
            metrics,
            phase: PhaseCell::new(None),
            handshakes: Semaphore::new(config.max_handshakes_per_origin.max(1)),
            starving: AtomicUsize::new(0),
            control: Mutex::new(Control {
                current,
                next_number: 2,
                draining: Vec::new(),
                rotating: false,
                next_rotation: now,
                health_pace: Pace::new(now),
                back_off: BackOff::default(),
                addresses: HashMap::new(),
                next_lookup: now,
                next_identity_check: config.identity_check.map_or(now, |period| now + period),
            }),
            spec,
        }))
    }

    pub(crate) fn control(&self) -> MutexGuard<'_, Control> {
        self.control.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn current(&self) -> Arc<Generation> {
        Arc::clone(&self.control().current)
    }

    /// Cuts what runs on a generation: tasks end, readers are woken and told who did it.
    pub(crate) fn kill(&self, generation: &Generation, by: Killed) {
        // The mark first: who registers after the wake-up below looks at the mark again.
        generation.mark_killed(by);
        self.pools
            .iter()
            .for_each(|pool| pool.wake(generation.number));
    }

    /// Exchanges that run on a generation, over all shards.
    pub(crate) fn live(&self, generation: u64) -> usize {
        let mut live = 0;
        for pool in &self.pools {
            pool.leases(|lease| live += usize::from(lease.generation == generation));
        }
        live
    }

    /// Whether the current generation has an established connection.
    pub(crate) fn is_connected(&self) -> bool {
        let connecting: usize = self.pools.iter().map(|p| p.census().connecting).sum();
        self.current().open_sockets() > connecting
    }

    /// Counts a request that waits for a slot, and frees one that another shard holds but does not use.
    pub(crate) fn starve(self: &Arc<Self>, shard: usize) -> Starving {
        self.starving.fetch_add(1, Ordering::AcqRel);
        let others = self.pools.iter().enumerate().filter(|(at, _)| *at != shard);
        for (_, pool) in others {
            if pool.evict_idle() {
                break;
            }
        }
        Starving(Arc::clone(self))
    }

    /// After a check-in: if requests of other shards wait for a slot, this shard does not hold one idle.
    pub(crate) fn relieve(&self, pool: &LockedPool<Conn>) {
        if self.starving.load(Ordering::Acquire) > 0 {
            pool.evict_idle();
        }
    }
}

/// What a configuration says about each pool.
pub(crate) fn pool_limits(config: &TransportConfig) -> PoolLimits {
    PoolLimits {
        max_waiting: config.max_waiting,
        streams: config.http2.max_streams.max(1),
    }
}

/// Counts a request that waits for a slot.
pub(crate) struct Starving(Arc<OriginInner>);

impl Drop for Starving {
    fn drop(&mut self) {
        self.0.starving.fetch_sub(1, Ordering::AcqRel);
    }
}
