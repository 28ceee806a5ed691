//! Rotations: a candidate generation connects first, then takes over in every shard; the old one drains.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use crate::{
    config::Sabotage,
    conn::Conn,
    connect::tls::TlsMaterial,
    environment::jittered,
    error::KilledBy,
    generation::{Birth, Generation, Killed, RotateReason},
    origin::{Origin, OriginInner},
    pool::Expect,
};

/// Which origins a rotation is for.
#[derive(Clone, Debug)]
pub enum Selector {
    /// Every one.
    All,
    /// This one.
    Origin(Origin),
    /// Those whose host is this name, lower case.
    Host(String),
}

impl Selector {
    pub(crate) fn matches(&self, origin: &Arc<OriginInner>) -> bool {
        match self {
            Self::All => true,
            Self::Origin(wanted) => Arc::ptr_eq(&wanted.0, origin),
            Self::Host(host) => origin.spec.host == *host,
        }
    }
}

/// How a rotation is done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RotateOptions {
    /// Whether the new generation connects before it takes over.
    pub prewarm: Prewarm,
    /// What still runs on the old generation after so long is cut; `None` takes the transport's setting.
    pub drain_deadline: Option<Duration>,
    /// Cut what runs on the old generation at once, and say that this one did it.
    pub kill: Option<KilledBy>,
}

/// Whether a new generation connects before it takes over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Prewarm {
    /// Take over at once.
    #[default]
    No,
    /// Open as many connections as were in use lately, within the transport's bound.
    Yes,
}

/// What a rotation did to one origin.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Rotated {
    /// Label of the origin.
    pub origin: Arc<str>,
    /// Number of the generation that was retired.
    pub retired: u64,
    /// Number of the generation that is current now.
    pub current: u64,
    /// Leases on the retired generation that go on.
    pub leases: usize,
    /// Connections that the new generation began with.
    pub warm: usize,
}

/// A connection and the shard that it belongs to.
type Warm = (usize, Conn);

/// Rotates one origin. `None`: the new generation could not connect (only for [`RotateReason::Ttl`]), or somebody
/// else published a newer one in the meantime.
///
/// Dropping the future before it is done leaves the old generation in place.
pub(crate) async fn rotate(
    origin: &Arc<OriginInner>,
    reason: RotateReason,
    options: &RotateOptions,
    tls: Option<Arc<TlsMaterial>>,
) -> Option<Rotated> {
    let candidate = conceive(origin, reason, tls);
    let mut warm = Vec::new();
    if options.prewarm == Prewarm::Yes {
        let wanted = demand(origin);
        let asked = wanted.len();
        warm = warm_up(origin, &candidate, wanted).await;
        if warm.is_empty() && asked > 0 && reason == RotateReason::Ttl {
            origin.metrics.rotation_failed();
            tracing::warn!(origin = %origin.label, reason = reason.as_str(), "rotation postponed: the new generation cannot connect");
            return None;
        }
    }
    publish(origin, &candidate, warm, options)
}

/// A candidate: numbered, but nobody's yet.
fn conceive(
    origin: &Arc<OriginInner>,
    reason: RotateReason,
    tls: Option<Arc<TlsMaterial>>,
) -> Arc<Generation> {
    let config = &origin.env.config();
    let mut control = origin.control();
    let number = control.next_number;
    control.next_number += 1;
    let tls = tls.or_else(|| control.current.tls.clone());
    drop(control);
    Generation::new(Birth {
        number,
        reason,
        now: Instant::now(),
        ttl: jittered(config),
        tls,
        max_connections: if reason == RotateReason::Shutdown {
            0
        } else {
            config.max_connections
        },
        metrics: Arc::clone(&origin.metrics),
    })
}

/// The shards that want a warm connection, one entry for each connection: as many as were in use at a time since
/// the last rotation, or one where they are shared.
fn demand(origin: &OriginInner) -> Vec<usize> {
    let mut wanted: Vec<usize> = origin
        .pools
        .iter()
        .map(|pool| {
            let census = pool.census();
            match census.expect {
                Expect::Shared => usize::from(census.shared > 0),
                Expect::Exclusive | Expect::Unknown => pool.take_peak(),
            }
        })
        .collect();
    let mut demand = Vec::new();
    let most = origin.env.config().prewarm_max;
    // In turn, so that the bound does not favor the first shard.
    while demand.len() < most && wanted.iter().any(|n| *n > 0) {
        for (shard, left) in wanted.iter_mut().enumerate().filter(|(_, left)| **left > 0) {
            *left -= 1;
            demand.push(shard);
        }
    }
    demand.truncate(most);
    demand
}

async fn warm_up(
    origin: &Arc<OriginInner>,
    candidate: &Arc<Generation>,
    wanted: Vec<usize>,
) -> Vec<Warm> {
    let mut connects = Vec::with_capacity(wanted.len());
    for shard in wanted {
        let slot = Arc::clone(&candidate.slots).try_acquire_owned();
        let (Ok(slot), Some(handle)) = (slot, origin.env.handles.get(shard)) else {
            continue;
        };
        let (origin, candidate) = (Arc::clone(origin), Arc::clone(candidate));
        let bound = origin.env.config().connect_timeout;
        let tasks = origin.env.tasks.clone();
        let connect = async move { origin.open(&candidate, slot, bound).await };
        connects.push((shard, tasks.spawn_on(connect, handle)));
    }
    let mut warm = Vec::with_capacity(connects.len());
    for (shard, connect) in connects {
        if let Ok(Ok(conn)) = connect.await {
            warm.push((shard, conn));
        }
    }
    warm
}

/// Makes the candidate current in every shard. After this no exchange starts on the old generation.
fn publish(
    origin: &Arc<OriginInner>,
    candidate: &Arc<Generation>,
    mut warm: Vec<Warm>,
    options: &RotateOptions,
) -> Option<Rotated> {
    let config = &origin.env.config();
    let now = Instant::now();
    let warm_count = warm.len();
    let mut retired = Vec::with_capacity(origin.pools.len());
    let mut control = origin.control();
    if control.current.number > candidate.number || control.current.reason == RotateReason::Shutdown
    {
        return None;
    }
    let old = std::mem::replace(&mut control.current, Arc::clone(candidate));
    control
        .draining
        .retain(|generation| generation.strong_count() > 0);
    control.draining.push(Arc::downgrade(&old));
    control.addresses.retain(|_, seen| *seen >= candidate.born);
    control.next_rotation = now + config.min_rotation_interval;
    control.back_off.reset();
    // All shards under the control lock: two rotations that overlap must not leave shards on different generations.
    for (shard, pool) in origin.pools.iter().enumerate() {
        let own = warm
            .extract_if(.., |(at, _)| *at == shard)
            .map(|(_, conn)| conn)
            .collect();
        retired.push(pool.rotate(Arc::clone(candidate), own, now));
    }
    drop(control);
    let deadline = options.drain_deadline.or(config.drain_deadline);
    old.retire(now, deadline.map(|d| now + d));
    for (shard, after) in retired.into_iter().enumerate() {
        drop(after.dead);
        for ticket in after.tickets {
            origin.start_connect(shard, ticket, config.connect_timeout);
        }
    }
    let leases = origin.live(old.number);
    if let Some(by) = options.kill {
        origin.kill(&old, by.into());
    } else if config.sabotage == Some(Sabotage::EvictCloses) {
        origin.kill(&old, Killed::Sabotage);
    }
    origin.metrics.rotated(candidate.reason);
    let rotated = Rotated {
        origin: Arc::clone(&origin.label),
        retired: old.number,
        current: candidate.number,
        leases,
        warm: warm_count,
    };
    tracing::info!(
        origin = %rotated.origin,
        reason = candidate.reason.as_str(),
        retired = rotated.retired,
        current = rotated.current,
        leases = rotated.leases,
        warm = rotated.warm,
        age_seconds = now.saturating_duration_since(old.born).as_secs(),
        "rotated"
    );
    Some(rotated)
}
