//! `gateway.hedging`.

use super::super::problem::{Code, Place, Report};
use super::super::tree::{Node, Tree};
use super::known;
use super::names::Names;
use gateway_router::Hedging;
use std::collections::HashMap;
use std::time::Duration;

/// Second attempts by model group.
pub(super) fn all(root: &Node, names: &Names<'_>, report: &mut Report) -> HashMap<String, Hedging> {
    let said = root
        .get("gateway")
        .and_then(|gateway| gateway.get("hedging"));
    let mut groups = HashMap::new();
    for (key, node) in said.map_or(&[][..], Node::entries) {
        if !matches!(node.tree, Tree::Map(_)) {
            continue; // Reported as a wrong type.
        }
        if key.name != ALL_OTHERS {
            known(key, "hedging", names, report);
        }
        if names.deployments(&key.name) == 1 {
            let message = format!(
                "`{}` has one deployment: there is no other one for a second attempt",
                key.name.escape_debug()
            );
            report.warn(Code::NoEffect, Place::File(key.at), message);
        }
        if let (Some(_), Some((percentile, _))) =
            (node.get("after_seconds"), node.entry("percentile"))
        {
            report.error(
                Code::InvalidValue,
                Place::File(percentile.at),
                "a second attempt starts after a fixed time or by `percentile`, not by both",
            );
        }
        let number = |key: &str| node.get(key).and_then(Node::as_number);
        let hedging = Hedging {
            after: number("after_seconds")
                .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
            quantile: number("percentile").unwrap_or(PERCENTILE) / 100.0,
            budget: number("budget").unwrap_or(BUDGET),
        };
        groups.insert(key.name.clone(), hedging);
    }
    groups
}

/// Stands for every group without an entry.
const ALL_OTHERS: &str = "*";
/// Later than all but one call of twenty.
const PERCENTILE: f64 = 95.0;
/// Share of the calls that may get a second attempt.
const BUDGET: f64 = 0.05;
