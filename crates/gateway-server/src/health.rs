//! What is asked about the process and its deployments: probes of orchestrators, `/health`, metrics.

pub(crate) mod checks; // Rounds of probes.
mod endpoints; // `/health`.
pub(crate) mod probe; // One short call.

pub(crate) use checks::Probes;
pub(crate) use endpoints::deployments;

use bytes::Bytes;
use http::{Response, StatusCode};
use serde::Serialize;

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

/// All metrics in the OpenMetrics text format.
pub(crate) fn metrics(worker: &Worker) -> Response<Outgoing> {
    let text = worker.metrics().encode(&worker.shared);
    content(
        StatusCode::OK,
        "application/openmetrics-text; version=1.0.0; charset=utf-8",
        Bytes::from(text),
    )
}
