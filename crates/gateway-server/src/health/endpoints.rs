//! `/health`: every deployment, by how its last attempt or probe went and whether it is set aside.

use std::sync::Arc;

use gateway_router::{Deployment, Standing};
use http::{Response, StatusCode};
use serde::Serialize;
use tokio::time::Instant;

use super::checks;
use crate::api::parameter;
use crate::body::Outgoing;
use crate::config::Details;
use crate::control::seconds;
use crate::respond::json;
use crate::worker::{Snapshot, Worker};

/// Every deployment that the query means: `model` is a model group, `model_id` a deployment. Nobody is called for it,
/// unless the query says `probe=true`.
pub(crate) async fn deployments(worker: &Worker, query: &str) -> Response<Outgoing> {
    let snapshot = worker.shared.snapshot.load_full();
    let (group, id) = (parameter(query, "model"), parameter(query, "model_id"));
    let meant = snapshot.catalog.deployments().filter(|deployment| {
        let of_group = group
            .as_deref()
            .is_none_or(|group| *deployment.group == *group);
        of_group && id.as_deref().is_none_or(|id| *deployment.id == *id)
    });
    let meant: Vec<_> = meant.cloned().collect();
    if parameter(query, "probe").as_deref() == Some("true") {
        checks::round(worker, &snapshot, meant.clone()).await;
    }
    let (healthy, unhealthy): (Vec<_>, Vec<_>) = meant
        .iter()
        .map(|deployment| Endpoint::of(deployment, &snapshot, worker))
        .partition(|endpoint| endpoint.error.is_none());
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

/// LiteLLM's shape.
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
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    more: Option<More<'a>>,
}

/// What is told where details are wanted.
#[derive(Serialize)]
struct More<'a> {
    api_base: &'a str,
    custom_llm_provider: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_probe: Option<LastProbe>,
    /// Why it is never probed.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_probed: Option<String>,
}

#[derive(Serialize)]
struct LastProbe {
    /// Seconds since 1970.
    at: f64,
    took_ms: f64,
}

impl<'a> Endpoint<'a> {
    fn of(deployment: &'a Arc<Deployment>, snapshot: &Snapshot, worker: &Worker) -> Self {
        let probed = worker.shared.probes.last(&deployment.id);
        let failing = worker.metrics().is_failing(&deployment.id);
        let error = match deployment.ledger.view(Instant::now()).standing {
            Standing::SetAside { .. } => Some("it is set aside after failures".to_owned()),
            _ if failing => Some("its last attempt failed".to_owned()),
            _ => None,
        };
        // The words of a probe say more.
        let words = probed.as_deref().and_then(|it| it.error.clone());
        let more = || More {
            api_base: deployment.endpoint.api_base_for_display(),
            custom_llm_provider: deployment.endpoint.provider(),
            last_probe: probed.as_deref().map(|probed| LastProbe {
                at: seconds(probed.at),
                took_ms: probed.took.as_secs_f64() * 1e3,
            }),
            not_probed: checks::question(snapshot, deployment)
                .err()
                .map(|why| why.to_string()),
        };
        Self {
            model: deployment.endpoint.upstream_model(),
            model_name: &deployment.group,
            model_id: &deployment.id,
            error: error.map(|error| words.unwrap_or(error)),
            more: (snapshot.checks.details == Details::All).then(more),
        }
    }
}
