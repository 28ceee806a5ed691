//! How often and where a failed call is tried again in its group, by kind of failure.

use gateway_core::ErrorKind;
use serde::Serialize;

use crate::config::{Retries, Routing};
use crate::options::CallOptions;
use crate::outcome::{Again, Outcome};
use crate::plan::{Reach, by_policy, policy};

/// How often and where a call is tried again.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExplainedRetries {
    /// By what went wrong.
    pub by_failure: Vec<ExplainedRetry>,
    /// Retries that the client's own library has made: they are taken off.
    pub client_retries: u32,
    /// The shortest wait before the same deployment is tried again, in seconds.
    pub shortest_wait_seconds: f64,
    /// Share of the group's calls that may be tried again.
    pub budget: f64,
    /// Retries per second that the group may make whatever its calls.
    pub budget_floor: f64,
}

/// What follows one kind of failure.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ExplainedRetry {
    /// What went wrong.
    pub failure: &'static str,
    /// The status that it is told by.
    pub status: u16,
    /// Attempts after the first. Where `from` is the router, a deployment's own count replaces it.
    pub count: u32,
    /// Who says so.
    pub from: RetryOrigin,
    /// Who may take them.
    pub reach: RetryReach,
}

/// Who says how often a call is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RetryOrigin {
    /// The request.
    Request,
    /// `model_group_retry_policy`.
    GroupPolicy,
    /// `retry_policy`.
    Policy,
    /// The router, or the deployment that failed.
    Router,
}

/// Who may take a retry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RetryReach {
    /// Nobody of the group.
    Nobody,
    /// Everybody but the one that failed.
    Others,
    /// Others first, then the one that failed, too.
    All,
}

/// The retries of calls at `group`.
pub(super) fn explain(group: &str, routing: &Routing, options: &CallOptions) -> ExplainedRetries {
    let row = |(failure, kind, again): (&'static str, ErrorKind, Again)| {
        let outcome = Outcome::new(kind, again);
        let (count, from) = counted(kind, group, &routing.retries, options);
        let reach = match Reach::after(&outcome, group, routing, options, false) {
            Reach::Nobody => RetryReach::Nobody,
            Reach::Others => RetryReach::Others,
            Reach::All => RetryReach::All,
        };
        ExplainedRetry {
            failure,
            status: kind.status(),
            count: match reach {
                RetryReach::Nobody => 0,
                RetryReach::Others | RetryReach::All => {
                    count.saturating_sub(options.client_retries)
                }
            },
            from,
            reach,
        }
    };
    let retries = &routing.retries;
    ExplainedRetries {
        by_failure: FAILURES.into_iter().map(row).collect(),
        client_retries: options.client_retries,
        shortest_wait_seconds: retries.wait.as_secs_f64(),
        budget: retries.budget,
        budget_floor: retries.budget_floor,
    }
}

/// How often a failure of this kind is tried again in `group`, and who says so. Where it is the router, the count of
/// the deployment that failed replaces it.
fn counted(
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

/// The kinds of failure, as providers usually mean them.
const FAILURES: [(&str, ErrorKind, Again); 14] = [
    ("rate_limit", ErrorKind::RateLimit, Again::Later),
    ("overloaded", ErrorKind::Overloaded, Again::Later),
    ("unavailable", ErrorKind::Unavailable, Again::Later),
    ("timeout", ErrorKind::Timeout, Again::Failed),
    ("no_connection", ErrorKind::Upstream, Again::Anywhere),
    ("bad_answer", ErrorKind::Upstream, Again::Failed),
    ("internal_error", ErrorKind::Internal, Again::Failed),
    (
        "authentication",
        ErrorKind::Authentication,
        Again::Elsewhere,
    ),
    ("permission", ErrorKind::Permission, Again::Elsewhere),
    ("billing", ErrorKind::Billing, Again::Elsewhere),
    ("not_found", ErrorKind::NotFound, Again::Never),
    ("invalid_request", ErrorKind::InvalidRequest, Again::Never),
    ("context_window", ErrorKind::ContextWindow, Again::Never),
    ("content_policy", ErrorKind::ContentPolicy, Again::Never),
];
