//! The one task that looks after all pools of a transport: sweeps, expiries, deadlines, files and names.

use std::{
    net::SocketAddr,
    sync::{Arc, Weak},
    time::Duration,
};

use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::{
    config::{DnsWatch, TransportConfig},
    connect::tls::{TlsMaterial, TlsSource},
    generation::{Killed, RotateReason},
    origin::OriginInner,
    rotate::{Prewarm, RotateOptions, rotate},
    transport::TransportInner,
};

/// Runs until the transport is gone or shuts down. Holds it weakly: maintenance keeps nothing alive.
pub(crate) async fn run(transport: Weak<TransportInner>, period: Duration) {
    let mut ticks = interval(period.max(Duration::from_millis(1)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(transport) = transport.upgrade() else {
            return;
        };
        let now = Instant::now();
        for origin in transport.origins() {
            look_after(&origin, now);
        }
    }
}

fn look_after(origin: &Arc<OriginInner>, now: Instant) {
    let idle_timeout = origin.env.config().idle_timeout;
    for pool in &origin.pools {
        pool.sweep(now, idle_timeout);
    }
    enforce_deadlines(origin, now);
    if let Some(due) = due(origin, now) {
        start(origin, due);
    }
}

fn enforce_deadlines(origin: &OriginInner, now: Instant) {
    let draining = {
        let mut control = origin.control();
        control
            .draining
            .retain(|generation| generation.strong_count() > 0);
        control.draining.clone()
    };
    for generation in draining.iter().filter_map(Weak::upgrade) {
        let overdue = generation
            .retirement()
            .and_then(|r| r.deadline)
            .is_some_and(|deadline| deadline <= now);
        if overdue && generation.killed().is_none() {
            tracing::warn!(origin = %origin.label, generation = generation.number, leases = origin.live(generation.number), "drain deadline: cutting what runs");
            origin.kill(&generation, Killed::DrainDeadline);
        }
    }
}

/// What maintenance has to do about an origin, apart from sweeping.
enum Due {
    Rotate(RotateReason, Option<Arc<TlsMaterial>>),
    Lookup(DnsWatch),
}

fn due(origin: &Arc<OriginInner>, now: Instant) -> Option<Due> {
    let config = &origin.env.config();
    let unhealthy = is_unhealthy(origin);
    let mut control = origin.control();
    if control.rotating || now < control.next_rotation {
        return None;
    }
    if unhealthy {
        let current = Arc::clone(&control.current);
        let first = first_wait(config);
        if control
            .health_pace
            .admits(now, current.born, &current.health, first)
        {
            return Some(Due::Rotate(RotateReason::Health, None));
        }
    }
    if let Some(period) = config
        .identity_check
        .filter(|_| now >= control.next_identity_check)
    {
        control.next_identity_check = now + period;
        let current = control.current.tls.clone();
        drop(control);
        if let Some(tls) = current.and_then(|current| changed_identity(origin, &current)) {
            return Some(Due::Rotate(RotateReason::Identity, Some(tls)));
        }
        control = origin.control();
    }
    if control
        .current
        .expires
        .is_some_and(|expires| expires <= now)
    {
        return Some(Due::Rotate(RotateReason::Ttl, None));
    }
    let watch = config
        .dns
        .as_ref()
        .filter(|_| now >= control.next_lookup && !control.addresses.is_empty())?;
    control.next_lookup = now + watch.interval;
    Some(Due::Lookup(watch.clone()))
}

/// Whether too many connections of the current generation have failed in a row, and there are others to replace.
fn is_unhealthy(origin: &OriginInner) -> bool {
    let limit = origin.env.config().health_failures;
    let current = origin.current();
    if limit == 0 || current.health.failures() < limit {
        return false;
    }
    let connected = origin.is_connected();
    if !connected {
        // All are gone already. What comes next is new, and is not judged by them.
        current.health.forgive();
    }
    connected
}

/// The new material, if the files say something else now. Files that cannot be used now change nothing.
fn changed_identity(origin: &OriginInner, current: &TlsMaterial) -> Option<Arc<TlsMaterial>> {
    let source = TlsSource::read(&origin.spec.tls).ok()?;
    if source.fingerprint() == current.fingerprint {
        return None;
    }
    match origin.env.read_tls(&origin.spec) {
        Ok(tls) => tls,
        Err(error) => {
            tracing::warn!(origin = %origin.label, %error, "certificate files changed, but cannot be used");
            None
        }
    }
}

/// Runs in a task of its own: warming up may take long, and other origins must not wait for it.
fn start(origin: &Arc<OriginInner>, due: Due) {
    origin.control().rotating = true;
    let rotating = Rotating(Arc::clone(origin));
    let tasks = origin.env.tasks.clone();
    tasks.spawn(async move {
        let origin = &rotating.0;
        let (reason, tls) = match due {
            Due::Rotate(reason, tls) => (reason, tls),
            Due::Lookup(watch) if vanished(origin, &watch).await => (RotateReason::Dns, None),
            Due::Lookup(_) => return,
        };
        let prewarm = if reason == RotateReason::Health {
            Prewarm::No
        } else {
            Prewarm::Yes
        };
        let options = RotateOptions {
            prewarm,
            ..RotateOptions::default()
        };
        if rotate(origin, reason, &options, tls).await.is_none() {
            back_off(origin);
        }
    });
}

/// After a failed warm-up.
fn back_off(origin: &OriginInner) {
    let mut control = origin.control();
    let wait = control.back_off.next(first_wait(&origin.env.config()));
    control.next_rotation = Instant::now() + wait;
}

/// What a back-off begins with.
fn first_wait(config: &TransportConfig) -> Duration {
    config.min_rotation_interval.max(Duration::from_millis(100))
}

/// Whether an address in use has been missing from the answers for longer than the grace period.
async fn vanished(origin: &Arc<OriginInner>, watch: &DnsWatch) -> bool {
    let resolver = origin.env.resolver();
    let lookup = resolver.resolve(&origin.spec.host, origin.spec.port);
    let Ok(Ok(answer)) = tokio::time::timeout(LOOKUP_LIMIT, lookup).await else {
        return false;
    };
    // An empty answer says that the name is broken, not that the addresses are.
    if answer.is_empty() {
        return false;
    }
    let now = Instant::now();
    let mut control = origin.control();
    for address in answer.iter().map(SocketAddr::ip) {
        if let Some(seen) = control.addresses.get_mut(&address) {
            *seen = now;
        }
    }
    control
        .addresses
        .values()
        .any(|seen| now.saturating_duration_since(*seen) >= watch.grace)
}

/// Marks an origin as being rotated, so that the next tick does not start it again.
struct Rotating(Arc<OriginInner>);

impl Drop for Rotating {
    fn drop(&mut self) {
        self.0.control().rotating = false;
    }
}

const LOOKUP_LIMIT: Duration = Duration::from_secs(10);
