//! Everything now.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use gateway_router::{Cause, Deployment, Standing};
use serde_json::Value;
use tokio::time::Instant;

use super::shape::{
    Calls, DeploymentState, DeploymentStatus, Percentiles, Readiness, Status, StreamState,
    StreamStatus,
};
use crate::control::seconds;
use crate::live::LiveStream;
use crate::worker::Shared;

/// What `GET /admin/status` answers.
pub(crate) fn report(shared: &Shared, now: Instant) -> Status {
    let control = &shared.control;
    let (state, reasons) = if shared.is_draining() {
        let reason = "the process ends: it finishes what runs and takes nothing new";
        (Readiness::Draining, vec![reason.to_owned()])
    } else {
        (Readiness::Ready, Vec::new())
    };
    let streams = shared.live.streams();
    let minute = shared.board.windows.minute(now);
    let snapshot = shared.snapshot.load();
    let deployments = snapshot.catalog.deployments();
    let pools = shared.transport.snapshot().origins;
    Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
        started: seconds(control.started),
        uptime: now.saturating_duration_since(control.began).as_secs_f64(),
        state,
        reasons,
        config: value(&**control.config.load()),
        calls: Calls {
            active: shared.live.active(),
            streams: streams.len(),
            queued: shared.admission.waiting().into(),
            per_second: minute.per_second,
            failures_per_second: minute.failures_per_second,
            overhead_ms: minute.overhead.map(percentiles),
            first_content_ms: minute.first_content.map(percentiles),
        },
        deployments: deployments.map(|it| deployment(shared, it, now)).collect(),
        pools: pools.iter().map(value).collect(),
        streams_total: streams.len(),
        streams: notable(&streams, now),
        failures: shared.board.failures.groups(),
    }
}

/// How a deployment is, and when that changes.
pub(super) fn standing(
    standing: Standing,
    now: Instant,
) -> (DeploymentState, Option<&'static str>, Option<f64>) {
    match standing {
        Standing::Ready => (DeploymentState::Ready, None, None),
        Standing::Probation { cause, .. } => {
            (DeploymentState::Probation, Some(cause.as_str()), None)
        }
        Standing::SetAside { until, cause } => {
            let left = until.saturating_duration_since(now);
            if cause == Cause::Ordered && left > DRAINED / 2 {
                return (DeploymentState::Drained, Some(cause.as_str()), None);
            }
            let left = Some(left.as_secs_f64());
            (DeploymentState::SetAside, Some(cause.as_str()), left)
        }
    }
}

fn deployment(shared: &Shared, deployment: &Arc<Deployment>, now: Instant) -> DeploymentStatus {
    let view = deployment.ledger.view(now);
    let (state, reason, returns_in) = standing(view.standing, now);
    let minute = shared.board.windows.of(&deployment.id).minute(now);
    DeploymentStatus {
        id: deployment.id.to_string(),
        model_name: deployment.group.to_string(),
        provider: deployment.endpoint.provider().to_owned(),
        model: deployment.endpoint.upstream_model().to_owned(),
        api_base: deployment.endpoint.api_base_for_display().to_owned(),
        state,
        reason: reason.map(str::to_owned),
        returns_in,
        active: view.in_flight,
        per_minute: minute.per_minute,
        success: minute.success,
        failures: minute.failures,
        first_content_ms: minute.first_content.map(percentiles),
        tokens_per_second: minute.tokens_per_second,
        cost_usd: minute.cost_usd,
    }
}

/// At most [`SHOWN`]: those whose client does not read, those that have waited for content the longest, the oldest.
fn notable(streams: &[Arc<LiveStream>], now: Instant) -> Vec<StreamStatus> {
    let mut all: Vec<(&Arc<LiveStream>, Option<Duration>)> = (streams.iter())
        .map(|stream| (stream, stream.stalled_for(now)))
        .collect();
    all.sort_by_key(|(stream, _)| stream.started);
    let mut chosen = HashSet::new();
    if all.len() > SHOWN {
        let mut stalled: Vec<usize> = (0..all.len()).filter(|at| all[*at].1.is_some()).collect();
        stalled.sort_by_key(|at| std::cmp::Reverse(all[*at].1));
        chosen.extend(stalled.into_iter().take(SHOWN / 3));
        let silent = (0..all.len()).filter(|at| all[*at].0.first_content().is_none());
        chosen.extend(silent.take(SHOWN / 3));
    }
    for at in 0..all.len() {
        if chosen.len() == SHOWN {
            break;
        }
        chosen.insert(at);
    }
    let those = all.iter().enumerate().filter(|(at, _)| chosen.contains(at));
    those
        .map(|(_, (stream, stalled))| told(stream, *stalled, now))
        .collect()
}

fn told(stream: &LiveStream, stalled: Option<Duration>, now: Instant) -> StreamStatus {
    let deployment = stream.deployment();
    let first_content = stream.first_content();
    let (events, bytes) = stream.counts();
    StreamStatus {
        call_id: stream.call_id.to_string(),
        api: stream.dialect.name().to_owned(),
        model: stream.model.to_string(),
        age: now.saturating_duration_since(stream.started).as_secs_f64(),
        first_content_ms: first_content.map(|after| after.as_secs_f64() * 1e3),
        events,
        bytes,
        state: match (stalled, first_content, &deployment) {
            (Some(_), _, _) => StreamState::Stalled,
            (None, Some(_), _) => StreamState::Streaming,
            (None, None, Some(_)) => StreamState::Waiting,
            (None, None, None) => StreamState::Connecting,
        },
        deployment: deployment.map(|it| it.id.to_string()),
        stalled_for: stalled.map(|it| it.as_secs_f64()),
        generation: stream.generation(),
        worker: stream.worker,
    }
}

fn percentiles((p50, p99): (f64, f64)) -> Percentiles {
    Percentiles { p50, p99 }
}

/// `value` as JSON; what cannot be said so is not known.
fn value(value: &impl serde::Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

/// Streams that are listed.
const SHOWN: usize = 50;
/// For how long a deployment is set aside that an operator drains: until it is brought back.
pub(crate) const DRAINED: Duration = Duration::from_secs(100 * 365 * 86_400);
