//! How much is taken on, and the names beside the model groups.

use super::super::deployment::DeploymentSettings;
use super::super::problem::{Code, Place, Report};
use super::super::settings::{Admission, Auth};
use super::super::suggest::nearest;
use super::super::tree::{Node, Tree};
use super::{Facts, seconds};
use gateway_router::Alias;

impl Facts<'_> {
    /// Our keys go before LiteLLM's, which count for each of its processes.
    pub(super) fn admission(&self, workers: usize) -> Admission {
        let (ours, theirs) = (&self.said.gateway, &self.said.general_settings);
        let all = |each: usize| each.saturating_mul(workers);
        // LiteLLM takes zero for "not given".
        let in_flight = theirs
            .max_in_flight_requests_per_worker
            .filter(|it| *it > 0);
        let max_in_flight = ours.max_in_flight.or(in_flight.map(all));
        let max_queued = ours
            .max_queued
            .or(theirs.max_queued_requests_per_worker.map(all));
        let queue_timeout = ours
            .queue_timeout
            .or(theirs.admission_queue_timeout_seconds);
        let parallel = [
            theirs.max_parallel_requests,
            theirs.global_max_parallel_requests,
        ];
        Admission {
            max_in_flight,
            max_queued: max_queued.or(max_in_flight).unwrap_or(0),
            queue_timeout: seconds(queue_timeout.unwrap_or(QUEUE_SECONDS)),
            max_parallel: parallel.into_iter().flatten().min(),
        }
    }

    /// Who has the master key may ask for mocks; without one, nobody unless the operator says so.
    pub(super) fn mocks(&self, auth: &Auth) -> bool {
        let general = &self.said.general_settings;
        auth.master_key.is_some() || general.dangerously_allow_mock_testing_request_params
    }
}

/// `model_group_alias`; each must lead to something.
pub(in crate::config) fn aliases(
    root: &Node,
    deployments: &[DeploymentSettings],
    report: &mut Report,
) -> Vec<Alias> {
    let mut aliases = Vec::new();
    let said = root
        .get("router_settings")
        .and_then(|router| router.get("model_group_alias"));
    for (key, node) in said.map_or(&[][..], Node::entries) {
        let (target, hidden) = match &node.tree {
            Tree::Text(target) => (Some(target.as_str()), false),
            Tree::Map(_) => {
                let hidden = node.get("hidden").and_then(Node::as_bool).unwrap_or(false);
                (node.get("model").and_then(Node::as_text), hidden)
            }
            _ => (None, false),
        };
        let Some(target) = target else {
            let message = format!(
                "the alias `{}` must name a model group",
                key.name.escape_debug()
            );
            report
                .error(Code::WrongType, Place::File(key.at), message)
                .hint("write `alias: group` or `alias: {model: group, hidden: true}`");
            continue;
        };
        let groups = || {
            deployments
                .iter()
                .map(|deployment| deployment.config.group.as_str())
        };
        if !groups().any(|group| group == target || group.contains('*')) {
            let message = format!(
                "the alias `{}` leads to `{}`, which no deployment serves",
                key.name.escape_debug(),
                target.escape_debug()
            );
            let near = nearest(target, groups()).map(|near| format!("did you mean `{near}`?"));
            report
                .error(Code::InvalidValue, Place::File(key.at), message)
                .hint_opt(near);
        }
        aliases.push(Alias {
            name: key.name.clone(),
            target: target.to_owned(),
            hidden,
        });
    }
    aliases
}

/// As in LiteLLM.
const QUEUE_SECONDS: f64 = 1.0;
