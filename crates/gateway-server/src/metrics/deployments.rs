//! The state of the deployments as metrics, read when somebody asks.

use std::fmt;
use std::sync::Arc;

use gateway_router::{Catalog, Deployment, Standing, View};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use tokio::time::Instant;

use super::names;

/// Exports the deployments of one configuration.
#[derive(Debug)]
pub(super) struct Deployments(pub(super) Arc<Catalog>);

impl Collector for Deployments {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let now = Instant::now();
        let views: Vec<(&Deployment, View)> = (self.0.deployments())
            .map(|it| (&**it, it.ledger.view(now)))
            .collect();
        let kind = MetricType::Gauge;
        let help = "1 for the state that a deployment is in";
        let mut metric = encoder.encode_descriptor(names::STATE, help, None, kind)?;
        for (deployment, view) in &views {
            let current = state(view.standing);
            for state in STATES {
                let labels = labels(deployment, Some(state));
                let value = i64::from(state == current);
                metric.encode_family(&labels)?.encode_gauge(&value)?;
            }
        }
        let help = "Attempts under way at a deployment";
        let mut metric = encoder.encode_descriptor(names::IN_FLIGHT, help, None, kind)?;
        for (deployment, view) in &views {
            let labels = labels(deployment, None);
            let value = i64::from(view.in_flight);
            metric.encode_family(&labels)?.encode_gauge(&value)?;
        }
        let help = "How often failures have set a deployment aside";
        let kind = MetricType::Counter;
        let mut metric = encoder.encode_descriptor(names::COOLDOWNS, help, None, kind)?;
        for (deployment, view) in &views {
            let labels = labels(deployment, None);
            let mut sample = metric.encode_family(&labels)?;
            sample.encode_counter::<NoLabelSet, u64, u64>(&view.set_aside, None)?;
        }
        Ok(())
    }
}

fn labels<'d>(
    deployment: &'d Deployment,
    state: Option<&'static str>,
) -> Vec<(&'static str, &'d str)> {
    let mut labels = vec![
        ("model", &*deployment.group),
        ("deployment", &*deployment.id),
    ];
    labels.extend(state.map(|state| ("state", state)));
    labels
}

const fn state(standing: Standing) -> &'static str {
    match standing {
        Standing::Ready => "ready",
        Standing::SetAside { .. } => "set_aside",
        Standing::Probation { .. } => "probation",
    }
}

/// The states of a deployment.
const STATES: [&str; 3] = ["ready", "set_aside", "probation"];
