//! Why a call goes where it goes: everything that decides about a model, in one description.
//!
//! It is for operators. No secret is in it, and of hosts only what an endpoint shows of itself.

mod deployments;
mod fallbacks;
mod retries;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use gateway_core::Dialect;
use serde::Serialize;
use tokio::time::Instant;

use crate::catalog::{Catalog, Resolved};
use crate::config::{Hedging, Routing, Strategy};
use crate::options::CallOptions;
use crate::timers::Timer;

pub use self::deployments::{
    ExplainedCooldown, ExplainedDeployment, ExplainedLeg, ExplainedStanding, ExplainedTimers,
};
pub use self::fallbacks::{ExplainedFallback, ExplainedFallbacks, FallbackFate};
pub use self::retries::{ExplainedRetries, ExplainedRetry, RetryOrigin, RetryReach};

/// What would happen to a call.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    /// The model group that the name stands for.
    pub group: Arc<str>,
    /// The dialect of the call; `None`: whatever its deployments speak.
    pub dialect: Option<&'static str>,
    /// How one of several deployments is chosen.
    pub strategy: ExplainedStrategy,
    /// The timer of the whole call.
    pub call_timer: ExplainedTimer,
    /// The levels of the group, in the order in which they are tried.
    pub legs: Vec<ExplainedLeg>,
    /// How often and where it is tried again in its group.
    pub retries: ExplainedRetries,
    /// Members that were not tried are tried by weight before another group is.
    pub weighted_failover: bool,
    /// Where it goes when its group has failed.
    pub fallbacks: ExplainedFallbacks,
    /// When a second attempt starts against a slow one; `None`: never.
    pub hedging: Option<ExplainedHedging>,
    /// Context windows and limits per minute are looked at before a deployment is chosen.
    pub pre_call_checks: bool,
    /// A plain text that breaks off is continued by another deployment.
    pub continuation: bool,
}

/// A timer: what holds and who said it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExplainedTimer {
    /// In seconds.
    pub seconds: f64,
    /// Who said it, in words.
    pub from: String,
}

/// A strategy with its settings.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ExplainedStrategy {
    /// Its name in a configuration.
    pub name: &'static str,
    /// Who is at most this share slower than the fastest is as good.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub buffer: Option<f64>,
    /// For how many seconds a sample counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl_seconds: Option<f64>,
}

/// When a second attempt starts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ExplainedHedging {
    /// After so many seconds without first content; `None`: too few are known yet.
    pub after_seconds: Option<f64>,
    /// They are this quantile of the group's last first contents; `None`: they are fixed.
    pub quantile: Option<f64>,
    /// Share of the group's calls that may get one.
    pub budget: f64,
}

/// Explains what would happen at `now` to a call with these options at what a name was `resolved` to. Nothing is
/// begun, nothing counted.
pub fn explain(
    catalog: &Catalog,
    resolved: &Resolved,
    dialect: Option<Dialect>,
    options: &CallOptions,
    now: Instant,
) -> Explanation {
    let routing = catalog.routing();
    let speaking = match dialect {
        Some(dialect) => resolved.clone().speaking(dialect),
        None => Some(resolved.clone()),
    };
    let members = speaking.as_ref().map_or(&[][..], Resolved::deployments);
    Explanation {
        group: resolved.group(),
        dialect: dialect.map(Dialect::name),
        strategy: routing.strategy.into(),
        call_timer: (&routing.timers.call(&options.timers)).into(),
        legs: deployments::legs(resolved, members, routing, options, now),
        retries: retries::explain(resolved.group_name(), routing, options),
        weighted_failover: routing.weighted_failover,
        fallbacks: fallbacks::explain(catalog, resolved, dialect, options),
        hedging: hedging(resolved, routing),
        pre_call_checks: routing.pre_call_checks,
        continuation: routing.continuation,
    }
}

fn hedging(resolved: &Resolved, routing: &Routing) -> Option<ExplainedHedging> {
    let all = &routing.hedging;
    let own = all.get(resolved.group_name()).or_else(|| all.get("*"))?;
    let Hedging {
        after,
        quantile,
        budget,
    } = *own;
    let of_history = || resolved.ledger().first_content_quantile(quantile);
    Some(ExplainedHedging {
        after_seconds: after
            .or_else(of_history)
            .as_ref()
            .map(Duration::as_secs_f64),
        quantile: after.is_none().then_some(quantile),
        budget,
    })
}

impl From<&Timer> for ExplainedTimer {
    fn from(timer: &Timer) -> Self {
        Self {
            seconds: timer.limit.as_secs_f64(),
            from: timer.origin.to_string(),
        }
    }
}

impl From<Strategy> for ExplainedStrategy {
    fn from(strategy: Strategy) -> Self {
        let (buffer, ttl_seconds) = match strategy {
            Strategy::Latency { buffer, ttl } => (Some(buffer), Some(ttl.as_secs_f64())),
            _ => (None, None),
        };
        Self {
            name: strategy.name(),
            buffer,
            ttl_seconds,
        }
    }
}
