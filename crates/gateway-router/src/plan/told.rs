//! What a plan would do, for who wants to know beforehand.

use gateway_core::ErrorKind;

use super::again::{Reach, by_policy, policy};
use crate::config::{Retries, Routing};
use crate::explain::{RetryOrigin, RetryReach};
use crate::options::CallOptions;
use crate::outcome::Outcome;

/// How often a failure of this kind is tried again in `group`, and who says so. Where it is the router, the count of
/// the deployment that failed replaces it.
pub(crate) fn retries(
    kind: ErrorKind,
    group: &str,
    retries: &Retries,
    options: &CallOptions,
) -> (u32, RetryOrigin) {
    if let Some(count) = options.retries {
        return (count, RetryOrigin::Request);
    }
    let of_policy = policy(group, retries).and_then(|policy| by_policy(policy, kind));
    match of_policy {
        Some(count) if retries.group_policies.contains_key(group) => {
            (count, RetryOrigin::GroupPolicy)
        }
        Some(count) => (count, RetryOrigin::Policy),
        None => (retries.count, RetryOrigin::Router),
    }
}

/// Who may try again after `outcome` in `group`.
pub(crate) fn reach(
    outcome: &Outcome,
    group: &str,
    routing: &Routing,
    options: &CallOptions,
) -> RetryReach {
    match Reach::after(outcome, group, routing, options, false) {
        Reach::Nobody => RetryReach::Nobody,
        Reach::Others => RetryReach::Others,
        Reach::All => RetryReach::All,
    }
}
