//! Probes and metrics.

use bytes::Bytes;
use gateway_router::Standing;
use http::{Response, StatusCode};
use serde::Serialize;
use tokio::time::Instant;

use crate::body::Outgoing;
use crate::respond::{content, json};
use crate::worker::Worker;

/// 200 as long as the process works, also while it drains: a restart would cut what is being drained.
pub(crate) fn liveness() -> Response<Outgoing> {
    json(StatusCode::OK, &"I'm alive!")
}

/// 503 from the first moment of a drain.
pub(crate) fn readiness(worker: &Worker) -> Response<Outgoing> {
    let draining = worker.shared.is_draining();
    let body = Readiness {
        status: if draining { "draining" } else { "healthy" },
        db: "Not connected",
        version: env!("CARGO_PKG_VERSION"),
    };
    let status = if draining {
        StatusCode::SERVICE_UNAVAILABLE
    } else {
        StatusCode::OK
    };
    json(status, &body)
}

#[derive(Serialize)]
struct Readiness {
    status: &'static str,
    /// LiteLLM's probes look for it; there is no database here.
    db: &'static str,
    version: &'static str,
}

/// Every deployment, by how its last attempt went and whether it is set aside. No deployment is called for it.
pub(crate) fn deployments(worker: &Worker) -> Response<Outgoing> {
    let now = Instant::now();
    let snapshot = worker.shared.snapshot.load();
    let (mut healthy, mut unhealthy) = (Vec::new(), Vec::new());
    for deployment in snapshot.catalog.deployments() {
        let standing = deployment.ledger.view(now).standing;
        let failing = matches!(standing, Standing::SetAside { .. })
            || worker.metrics().is_failing(&deployment.id);
        let endpoint = Endpoint {
            model: deployment.endpoint.upstream_model(),
            model_name: &deployment.group,
            model_id: &deployment.id,
            api_base: deployment.endpoint.api_base_for_display(),
        };
        if failing {
            unhealthy.push(endpoint);
        } else {
            healthy.push(endpoint);
        }
    }
    json(
        StatusCode::OK,
        &Deployments {
            healthy_count: healthy.len(),
            unhealthy_count: unhealthy.len(),
            healthy_endpoints: healthy,
            unhealthy_endpoints: unhealthy,
        },
    )
}

#[derive(Serialize)]
struct Deployments<'a> {
    healthy_endpoints: Vec<Endpoint<'a>>,
    unhealthy_endpoints: Vec<Endpoint<'a>>,
    healthy_count: usize,
    unhealthy_count: usize,
}

#[derive(Serialize)]
struct Endpoint<'a> {
    model: &'a str,
    model_name: &'a str,
    model_id: &'a str,
    api_base: &'a str,
}

/// All metrics in the OpenMetrics text format.
pub(crate) fn metrics(worker: &Worker) -> Response<Outgoing> {
    let text = worker.metrics().encode(&worker.shared);
    content(
        StatusCode::OK,
        "application/openmetrics-text; version=1.0.0; charset=utf-8",
        Bytes::from(text),
    )
}
