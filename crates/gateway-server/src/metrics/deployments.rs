//! The state of the deployments, read when somebody asks.

use std::fmt;

use gateway_router::{Deployment, Standing, View};
use tokio::time::Instant;

use super::exposition::Exposition;
use super::families;
use crate::worker::Snapshot;

/// Writes the deployments of one configuration.
pub(super) fn write(snapshot: &Snapshot, page: &mut Exposition<'_>) -> fmt::Result {
    let views = views(snapshot);
    page.family(&families::DEPLOYMENT_INFO, |samples| {
        for (deployment, _) in &views {
            let [model, id] = names(deployment);
            let endpoint = &deployment.endpoint;
            let (provider, upstream) = (endpoint.provider(), endpoint.upstream_model());
            let values = [
                model,
                id,
                provider,
                upstream,
                endpoint.api_base_for_display(),
            ];
            samples.level(&values, 1)?;
        }
        Ok(())
    })?;
    page.family(&families::DEPLOYMENT_STATE, |samples| {
        for (deployment, view) in &views {
            let [model, id] = names(deployment);
            let current = state(view.standing);
            for state in STATES {
                samples.level(&[model, id, state], i64::from(state == current))?;
            }
        }
        Ok(())
    })?;
    page.family(&families::COOLDOWNS, |samples| {
        for (deployment, view) in &views {
            samples.count(&names(deployment), view.set_aside)?;
        }
        Ok(())
    })?;
    page.family(&families::IN_FLIGHT, |samples| {
        for (deployment, view) in &views {
            samples.level(&names(deployment), view.in_flight)?;
        }
        Ok(())
    })?;
    page.family(&families::QUOTA_LEFT, |samples| {
        for deployment in snapshot.catalog.deployments() {
            let [model, id] = names(deployment);
            let Some(shown) = snapshot.shown.of(deployment) else {
                continue;
            };
            for (of, left) in shown.counters.quota.known() {
                samples.level(&[model, id, of], left)?;
            }
        }
        Ok(())
    })
}

/// All deployments as they stand now.
pub(super) fn views(snapshot: &Snapshot) -> Vec<(&Deployment, View)> {
    let now = Instant::now();
    let deployments = snapshot.catalog.deployments();
    deployments.map(|it| (&**it, it.ledger.view(now))).collect()
}

fn names(deployment: &Deployment) -> [&str; 2] {
    [&deployment.group, &deployment.id]
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
