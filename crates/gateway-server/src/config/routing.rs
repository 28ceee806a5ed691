//! The parts of routing that only files can say: fallbacks, policies, hedging. Looked at whatever else is wrong.

pub(super) mod policy; // Counts by kind of failure.

mod chains; // Where a call goes when its group has failed.
mod hedging; // Second attempts.
mod names; // What model names stand for.

use super::problem::{Code, Place, Report};
use super::tree::{Key, Node};
use gateway_router::{CooldownRules, Retries, RetryPolicy, Routing};
pub(super) use names::Names;
use std::collections::HashMap;

/// The router's defaults with what the files say in lists and mappings. What does not fit goes to the report.
pub(super) fn written(root: &Node, names: &Names<'_>, report: &mut Report) -> Routing {
    let router = |key: &str| {
        root.get("router_settings")
            .and_then(|router| router.get(key))
    };
    Routing {
        fallbacks: chains::all(root, names, report),
        retries: Retries {
            policy: router("retry_policy").map_or_else(HashMap::new, policy::retries),
            group_policies: group_policies(router("model_group_retry_policy"), names, report),
            ..Retries::default()
        },
        cooldown: CooldownRules {
            policy: router("allowed_fails_policy").map_or_else(HashMap::new, policy::allowed_fails),
            ..CooldownRules::default()
        },
        hedging: hedging::all(root, names, report),
        ..Routing::default()
    }
}

fn group_policies(
    said: Option<&Node>,
    names: &Names<'_>,
    report: &mut Report,
) -> HashMap<String, RetryPolicy> {
    let mut policies = HashMap::new();
    for (key, node) in said.map_or(&[][..], Node::entries) {
        known(key, "model_group_retry_policy", names, report);
        policies.insert(key.name.clone(), policy::retries(node));
    }
    policies
}

/// Warns of a key that should be a model group and is none: what is said for a group is found by its own name only.
fn known(key: &Key, within: &str, names: &Names<'_>, report: &mut Report) {
    if names.is_group(&key.name) {
        return;
    }
    let name = key.name.escape_debug();
    let message = format!("`{within}` has an entry for `{name}`, which is no model group");
    let hint = match names.group_behind(&key.name) {
        Some(group) => Some(format!("it stands for `{}`", group.escape_debug())),
        None => names.suggestion(&key.name),
    };
    report
        .warn(Code::UnknownGroup, Place::File(key.at), message)
        .hint_opt(hint);
}
