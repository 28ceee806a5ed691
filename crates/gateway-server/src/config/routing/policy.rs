//! Counts by kind of failure: `retry_policy` and `allowed_fails_policy`.

use super::super::tree::Node;
use gateway_router::{PolicyKind, RetryPolicy};

/// `retry_policy`.
pub(in crate::config) fn retries(node: &Node) -> RetryPolicy {
    policy(node, "Retries")
}

/// `allowed_fails_policy`.
pub(in crate::config) fn allowed_fails(node: &Node) -> RetryPolicy {
    policy(node, "AllowedFails")
}

/// A count that its table has checked.
pub(in crate::config) fn count(node: &Node) -> Option<u32> {
    node.as_whole()
        .and_then(|number| u32::try_from(number).ok())
}

fn policy(node: &Node, suffix: &str) -> RetryPolicy {
    let counts = node.entries().iter().filter_map(|(key, node)| {
        let name = key.name.strip_suffix(suffix)?;
        let (_, kind) = KINDS.iter().find(|(known, _)| *known == name)?;
        Some((*kind, count(node)?))
    });
    counts.collect()
}

/// The names of LiteLLM's exceptions.
const KINDS: [(&str, PolicyKind); 9] = [
    ("BadRequestError", PolicyKind::BadRequest),
    ("AuthenticationError", PolicyKind::Authentication),
    ("TimeoutError", PolicyKind::Timeout),
    ("RateLimitError", PolicyKind::RateLimit),
    ("ContentPolicyViolationError", PolicyKind::ContentPolicy),
    ("InternalServerError", PolicyKind::InternalServer),
    ("ServiceUnavailableError", PolicyKind::Unavailable),
    ("NotFoundError", PolicyKind::NotFound),
    ("Default", PolicyKind::Default),
];
