//! What is asked about the process and its deployments: probes of orchestrators, `/health`, metrics.

pub(crate) mod checks; // Rounds of probes.
mod endpoints; // `/health`.
pub(crate) mod probe; // One short call.

pub(crate) use checks::Probes;
pub(crate) use endpoints::deployments;

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use gateway_router::Standing;
use http::{HeaderMap, Response, StatusCode};
use serde::Serialize;
use tokio::time::Instant;

use crate::body::Outgoing;
use crate::metrics::{Format, Metrics};
use crate::respond::{content, json};
use crate::worker::Worker;

/// 200 as long as the process works, also while it drains: a restart would cut what is being drained.
pub(crate) fn liveness() -> Response<Outgoing> {
    json(StatusCode::OK, &"I'm alive!")
}

/// 503 from the first moment of a drain, and where no deployment could be built. A provider that is down is a reason to
/// be told, not to take no calls: the other processes behind the same balancer have the same provider.
pub(crate) fn readiness(worker: &Worker) -> Response<Outgoing> {
    let catalog = Arc::clone(&worker.shared.snapshot.load().catalog);
    let (draining, empty) = (
        worker.shared.is_draining(),
        catalog.deployments().next().is_none(),
    );
    let now = Instant::now();
    let mut groups: HashMap<&str, bool> = HashMap::new();
    for deployment in catalog.deployments() {
        let aside = matches!(
            deployment.ledger.view(now).standing,
            Standing::SetAside { .. }
        );
        *groups.entry(&deployment.group).or_default() |= !aside;
    }
    let aside = groups.values().filter(|serves| !**serves).count();
    let reasons = [
        draining.then(|| "the process drains".to_owned()),
        empty.then(|| "no deployment of the configuration can be used".to_owned()),
        (aside > 0).then(|| {
            let all = groups.len();
            format!("every deployment is set aside in {aside} of {all} model groups")
        }),
    ];
    let status = match (draining, empty) {
        (true, _) => "draining",
        (false, true) => "not ready",
        (false, false) => "healthy",
    };
    let code = match status {
        "healthy" => StatusCode::OK,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    let body = Readiness {
        status,
        reasons: reasons.into_iter().flatten().collect(),
        db: "Not connected",
        version: env!("CARGO_PKG_VERSION"),
    };
    json(code, &body)
}

#[derive(Serialize)]
struct Readiness {
    status: &'static str,
    reasons: Vec<String>,
    /// LiteLLM's probes look for it; there is no database here.
    db: &'static str,
    version: &'static str,
}

/// All metrics, in the text format that is asked for.
///
/// # Cancel safety
/// Nothing is lost: they are only read.
pub(crate) async fn metrics(worker: &Worker, headers: &HeaderMap) -> Response<Outgoing> {
    let format = Format::wanted(headers);
    let shared = Arc::clone(&worker.shared);
    // Thousands of series take milliseconds that no stream on this thread should wait.
    let tasks = &worker.tasks;
    let told = tasks
        .spawn_blocking(move || Metrics::encode(shared, format))
        .await;
    match told {
        Ok(text) => content(StatusCode::OK, format.content_type(), Bytes::from(text)),
        Err(error) => {
            tracing::error!(%error, "the metrics could not be written");
            let text = "The metrics could not be written.\n";
            content(StatusCode::INTERNAL_SERVER_ERROR, "text/plain", text)
        }
    }
}
