//! What the router is told about one deployment.

use super::super::problem::{Code, Place, Report};
use super::super::routing::policy;
use super::super::tree::{Key, Node};
use super::params::{Params, timer};
use gateway_providers::EndpointConfig;
use gateway_router::{CooldownOverrides, DeploymentConfig, DeploymentTimers, Price, TierTimers};
use std::borrow::Cow;
use std::collections::HashMap;
use std::time::Duration;

pub(super) fn config(
    group: &str,
    endpoint: EndpointConfig,
    params: &Params<'_>,
    report: &Report,
) -> DeploymentConfig {
    DeploymentConfig {
        group: group.to_owned(),
        id: params
            .info("id")
            .and_then(Node::as_name)
            .map(Cow::into_owned),
        weight: params.get("weight").and_then(Node::as_number),
        rpm: params.whole("rpm"),
        tpm: params.whole("tpm"),
        order: params
            .get("order")
            .and_then(Node::as_whole)
            .and_then(|order| i64::try_from(order).ok()),
        timers: timers(params, report),
        retries: retries(params),
        max_parallel: params.get("max_parallel_requests").and_then(policy::count),
        tags: params.texts("tags"),
        tag_patterns: params.texts("tag_regex"),
        region: params
            .owned("region_name")
            .or_else(|| endpoint.vertex_location.clone()),
        max_input_tokens: params
            .info("max_input_tokens")
            .and_then(Node::as_whole)
            .and_then(|tokens| u64::try_from(tokens).ok()),
        price: price(params),
        cooldown: CooldownOverrides {
            allowed_fails: params.or_info("allowed_fails").and_then(policy::count),
            policy: params
                .or_info("allowed_fails_policy")
                .map(policy::allowed_fails),
            time: params
                .or_info("cooldown_time")
                .and_then(Node::as_number)
                .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
        },
        prefill: params
            .info("supports_assistant_prefill")
            .and_then(Node::as_bool),
        endpoint,
    }
}

/// Warns of groups where some deployments have a level and others have none.
pub(super) fn levels(root: &Node, report: &mut Report) {
    let entries = || root.get("model_list").map_or(&[][..], Node::items).iter();
    let said = |entry: &Node| {
        let (group, params) = (entry.get("model_name")?, entry.get("litellm_params")?);
        let order = params.entry("order").filter(|(_, node)| !node.is_null());
        Some((group.as_text()?.to_owned(), order.map(|(key, _)| key.at)))
    };
    let without: HashMap<String, usize> = entries()
        .filter_map(said)
        .filter(|(_, order)| order.is_none())
        .fold(HashMap::new(), |mut groups, (group, _)| {
            *groups.entry(group).or_default() += 1;
            groups
        });
    for (group, order) in entries().filter_map(said) {
        let (Some(at), Some(others)) = (order, without.get(&group)) else {
            continue;
        };
        let message = format!(
            "`order` is not given for {others} other deployment(s) of `{}`: they come after all levels",
            group.escape_debug()
        );
        report.warn(Code::Weak, Place::File(at), message);
    }
}

fn timers(params: &Params<'_>, report: &Report) -> DeploymentTimers {
    // The router's `timeout` bounds attempts only where its scope says so.
    let router_timeout: &[&str] = if params.router_bounds_attempts() {
        &["timeout"]
    } else {
        &[]
    };
    let first_content = ["stream_timeout", "ttft_timeout"];
    DeploymentTimers {
        attempt: params.timer(&["timeout", "request_timeout"], router_timeout, report),
        first_content: params.timer(&first_content, &first_content, report),
        idle: params.timer(&["stream_idle_timeout"], &["stream_idle_timeout"], report),
        connect: params.timer(&["connect_timeout"], &["connect_timeout"], report),
        pool: params.timer(&["pool_timeout"], &["pool_timeout"], report),
        tiers: tiers(params, report),
    }
}

fn tiers(params: &Params<'_>, report: &Report) -> Vec<TierTimers> {
    let said = |key| params.get(key).map_or(&[][..], Node::entries);
    let (whole, first) = (
        said("timeout_by_service_tier"),
        said("stream_timeout_by_service_tier"),
    );
    let mut tiers: Vec<TierTimers> = Vec::new();
    for (key, _) in whole.iter().chain(first) {
        if tiers.iter().any(|known| *known.tier == *key.name) {
            continue;
        }
        let of = |entries: &[(Key, Node)]| {
            let (key, node) = entries.iter().find(|(other, _)| other.name == key.name)?;
            timer(key, node, report)
        };
        tiers.push(TierTimers {
            tier: key.name.as_str().into(),
            attempt: of(whole),
            first_content: of(first),
        });
    }
    tiers
}

/// Both keys ask for more attempts; the more generous one counts.
fn retries(params: &Params<'_>) -> Option<u32> {
    let of = |key| {
        let (_, node) = params.precise(&[key], &["num_retries"], &["num_retries"])?;
        policy::count(node)
    };
    of("num_retries").max(of("max_retries"))
}

fn price(params: &Params<'_>) -> Option<Price> {
    let of = |key| params.or_info(key).and_then(Node::as_number);
    let (input, output) = (of("input_cost_per_token"), of("output_cost_per_token"));
    (input.is_some() || output.is_some()).then(|| Price {
        input: input.unwrap_or(0.0),
        output: output.unwrap_or(0.0),
    })
}
