//! Whether a call is tried again in the same group, how often, and after what wait.

use std::time::Duration;

use fastrand::Rng;
use gateway_core::ErrorKind;

use crate::config::{Fallbacks, PolicyKind, Retries, RetryPolicy, Routing};
use crate::deployment::Deployment;
use crate::options::CallOptions;
use crate::outcome::{Again, Outcome};

/// Who may take the next attempt in the group of a failed one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Nobody.
    Nobody,
    /// Everybody but the one that failed.
    Others,
    /// The one that failed, too.
    All,
}

impl Reach {
    /// Who may try again after `outcome` in `group`. `lost` tells that an attempt with an unknown end was repeated in
    /// this call already: that is done once.
    pub(crate) fn after(
        outcome: &Outcome,
        group: &str,
        routing: &Routing,
        options: &CallOptions,
        lost: bool,
    ) -> Self {
        match (outcome.again, outcome.should_retry) {
            (Again::Unknown { stale }, _) if stale && options.repeatable && !lost => Self::Others,
            (Again::Unknown { .. }, _) => Self::Nobody,
            (Again::Never, Some(true)) => Self::All,
            (Again::Never, said) if is_named(outcome.kind, group, routing, options) => {
                Self::everybody_unless(said)
            }
            (Again::Never, _) => Self::Nobody,
            (Again::Elsewhere, Some(true)) => Self::All,
            (Again::Elsewhere, _) => Self::Others,
            (Again::Anywhere | Again::Later | Again::Failed, said) => Self::everybody_unless(said),
        }
    }

    const fn everybody_unless(should_retry: Option<bool>) -> Self {
        match should_retry {
            Some(false) => Self::Others,
            _ => Self::All,
        }
    }
}

/// How often a call that failed at `deployment` with `outcome` is tried again in `group`: the request's word, else a
/// policy's, else the deployment's, else the router's, less what the client's own library has retried already.
pub(super) fn count(
    outcome: &Outcome,
    deployment: &Deployment,
    group: &str,
    retries: &Retries,
    options: &CallOptions,
) -> u32 {
    let of_policy = || policy(group, retries).and_then(|policy| by_policy(policy, outcome.kind));
    let count = (options.retries)
        .or_else(of_policy)
        .or(deployment.retries)
        .unwrap_or(retries.count);
    count.saturating_sub(options.client_retries)
}

/// How long the deployment that failed rests, if it is the one to be tried again: what it asked for and a bit, else
/// longer with each of the `retries` that were made.
pub(super) fn rest(outcome: &Outcome, retries: u32, shortest: Duration, rng: &mut Rng) -> Duration {
    if let Some(asked) = outcome.retry_after {
        return asked.saturating_add(EXTRA.mul_f64(rng.f64()));
    }
    // Beyond 2^4 the longest wait is reached.
    let wait = FIRST_WAIT * (1 << retries.min(5));
    let jitter = 0.75 + 0.5 * rng.f64();
    wait.max(shortest).min(LONGEST_BACK_OFF).mul_f64(jitter)
}

/// Whether a failure of this kind leads to chains of its own, which retries would only delay.
pub(super) const fn has_own_chains(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::ContextWindow | ErrorKind::ContentPolicy)
}

/// An operator who gives a count for a kind that would not be retried wants it to be, as in LiteLLM; unless the
/// request says otherwise, or a fallback is there for just this kind.
fn is_named(kind: ErrorKind, group: &str, routing: &Routing, options: &CallOptions) -> bool {
    let Routing {
        retries, fallbacks, ..
    } = routing;
    options.retries.is_none()
        && !has_fallback(kind, fallbacks)
        && policy(group, retries).is_some_and(|policy| specific(policy, kind).is_some())
}

fn has_fallback(kind: ErrorKind, fallbacks: &Fallbacks) -> bool {
    match kind {
        ErrorKind::ContextWindow => !fallbacks.context_window.is_empty(),
        ErrorKind::ContentPolicy => !fallbacks.content_policy.is_empty(),
        _ => false,
    }
}

/// A group's own policy replaces the router's.
pub(crate) fn policy<'r>(group: &str, retries: &'r Retries) -> Option<&'r RetryPolicy> {
    let own = (!retries.group_policies.is_empty()).then(|| retries.group_policies.get(group));
    let policy = own.flatten().unwrap_or(&retries.policy);
    (!policy.is_empty()).then_some(policy)
}

/// What a policy says of failures of this kind.
pub(crate) fn by_policy(policy: &RetryPolicy, kind: ErrorKind) -> Option<u32> {
    specific(policy, kind).or_else(|| policy.get(&PolicyKind::Default).copied())
}

/// What a policy says of just this kind. LiteLLM's refusal by a content policy is a bad request, too.
fn specific(policy: &RetryPolicy, kind: ErrorKind) -> Option<u32> {
    let own = match PolicyKind::of(kind) {
        PolicyKind::Default => return None,
        own => policy.get(&own),
    };
    let wider = || {
        let wider = (kind == ErrorKind::ContentPolicy).then_some(PolicyKind::BadRequest)?;
        policy.get(&wider)
    };
    own.or_else(wider).copied()
}

/// LiteLLM's first wait; it doubles with each retry.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// LiteLLM's longest, before jitter.
const LONGEST_BACK_OFF: Duration = Duration::from_secs(8);
/// The longest with jitter.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// At most so much is added to what a provider asks for, so that not all come back in the same moment.
const EXTRA: Duration = Duration::from_millis(750);
