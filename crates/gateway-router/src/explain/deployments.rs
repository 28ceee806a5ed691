//! The deployments of a model, as they stand.

use std::sync::Arc;

use serde::Serialize;
use tokio::time::Instant;

use super::ExplainedTimer;
use crate::catalog::Resolved;
use crate::config::{CooldownRules, PolicyKind, Routing, Strategy};
use crate::deployment::Deployment;
use crate::ledger::Standing;
use crate::options::CallOptions;
use crate::select::{NobodyWhy, RuledOut};
use crate::strategy::shuffle;

/// A level of a group.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExplainedLeg {
    /// `order`; `None`: that of those that have none, the last.
    pub order: Option<i64>,
    /// Its deployments, in the order of the configuration.
    pub deployments: Vec<ExplainedDeployment>,
}

/// A deployment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExplainedDeployment {
    /// Its id.
    pub id: Arc<str>,
    /// Its model group.
    pub group: Arc<str>,
    /// The provider.
    pub provider: &'static str,
    /// The provider's name of the model.
    pub model: String,
    /// Where it is, for operators' eyes.
    pub api_base: String,
    /// Why no call with these options gets there, whatever it stands like: `tags`, `region`, `context_window`.
    pub ruled_out: Option<&'static str>,
    /// `weight`.
    pub weight: Option<f64>,
    /// The share of the level's calls that `simple-shuffle` gives it, in percent, if all of them can serve.
    pub share_percent: Option<f64>,
    /// Whether it may serve.
    pub standing: ExplainedStanding,
    /// Attempts under way.
    pub in_flight: u32,
    /// Requests begun in this minute.
    pub requests_this_minute: u64,
    /// Tokens used in this minute.
    pub tokens_this_minute: u64,
    /// Requests per minute that it is good for.
    pub rpm: Option<u64>,
    /// Tokens per minute that it is good for.
    pub tpm: Option<u64>,
    /// Attempts that it may have under way.
    pub max_parallel: Option<u32>,
    /// Calls that wait for one of them to end.
    pub waiting: u32,
    /// How often a call that failed here is tried again, where neither the request nor a policy says it.
    pub retries: Option<u32>,
    /// Tags that it serves.
    pub tags: Vec<String>,
    /// Patterns of clients' names that it serves.
    pub tag_patterns: Vec<String>,
    /// Where it is, for calls that may not leave a region.
    pub region: Option<String>,
    /// Tokens of input that its model takes.
    pub max_input_tokens: Option<u64>,
    /// Dollars for a token of input and one of output.
    pub price: Option<[f64; 2]>,
    /// Its timers.
    pub timers: ExplainedTimers,
    /// When it is set aside.
    pub cooldown: ExplainedCooldown,
}

/// Whether a deployment may serve.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum ExplainedStanding {
    /// It may.
    Ready,
    /// It is set aside.
    SetAside {
        /// For so many seconds more.
        seconds_left: f64,
        /// Why.
        cause: &'static str,
    },
    /// One call decides whether it returns.
    Probation {
        /// That call is under way.
        probe_out: bool,
        /// Why it had been set aside.
        cause: &'static str,
    },
}

/// The timers of an attempt.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExplainedTimers {
    /// The attempt as a whole; `None`: what the call has left.
    pub attempt: Option<ExplainedTimer>,
    /// The first content of a stream.
    pub first_content: Option<ExplainedTimer>,
    /// Silence between contents of a stream.
    pub idle: ExplainedTimer,
    /// Connecting.
    pub connect: ExplainedTimer,
    /// Waiting for a connection.
    pub pool: ExplainedTimer,
}

/// When a deployment is set aside, and for how long.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExplainedCooldown {
    /// It ever is.
    pub enabled: bool,
    /// What counts: `failure_rate` (LiteLLM's default) or `allowed_fails`.
    pub by: &'static str,
    /// Failures that are forgiven.
    pub allowed_fails: Option<u32>,
    /// The same by kind of failure.
    pub allowed_fails_policy: Vec<(&'static str, u32)>,
    /// How long the first time, in seconds; it doubles when a return does not hold.
    pub seconds: f64,
    /// That holds whatever the provider asks for.
    pub before_retry_after: bool,
    /// It is the only one of its group: failures that pass do not set it aside.
    pub alone: bool,
}

/// What a description of deployments depends on.
struct View<'a> {
    resolved: &'a Resolved,
    members: &'a [Arc<Deployment>],
    ruled_out: RuledOut<'a>,
    routing: &'a Routing,
    options: &'a CallOptions,
    now: Instant,
}

/// The levels of `members`.
pub(super) fn legs(
    resolved: &Resolved,
    members: &[Arc<Deployment>],
    routing: &Routing,
    options: &CallOptions,
    now: Instant,
) -> Vec<ExplainedLeg> {
    let view = View {
        resolved,
        members,
        ruled_out: RuledOut::of(members, options, routing),
        routing,
        options,
        now,
    };
    let mut levels: Vec<i64> = members.iter().map(|it| it.level()).collect();
    levels.sort_unstable();
    levels.dedup();
    let leg = |level: i64| {
        let of_level = members.iter().filter(|it| it.level() == level);
        ExplainedLeg {
            order: (level != i64::MAX).then_some(level),
            deployments: of_level.map(|it| view.deployment(it)).collect(),
        }
    };
    levels.into_iter().map(leg).collect()
}

impl View<'_> {
    fn deployment(&self, it: &Deployment) -> ExplainedDeployment {
        let stands = it.ledger.view(self.now);
        let model = self.resolved.model_at(it);
        ExplainedDeployment {
            id: Arc::clone(&it.id),
            group: Arc::clone(&it.group),
            provider: it.endpoint.provider(),
            model: model.unwrap_or_else(|| it.endpoint.upstream_model().to_owned()),
            api_base: it.endpoint.api_base_for_display().to_owned(),
            ruled_out: self.ruled_out.why(it).map(NobodyWhy::as_str),
            weight: it.weight,
            share_percent: self.share(it),
            standing: standing(stands.standing, self.now),
            in_flight: stands.in_flight,
            requests_this_minute: stands.requests,
            tokens_this_minute: stands.tokens,
            rpm: it.rpm,
            tpm: it.tpm,
            max_parallel: it.max_parallel,
            waiting: it.slots.as_ref().map_or(0, |slots| slots.waiting()),
            retries: it.retries,
            tags: it.tags.to_vec(),
            tag_patterns: it.tag_patterns.iter().map(ToString::to_string).collect(),
            region: it.region.clone(),
            max_input_tokens: it.max_input_tokens,
            price: it.price.map(|price| [price.input, price.output]),
            timers: self.timers(it),
            cooldown: (&it.cooldown).into(),
        }
    }

    fn share(&self, one: &Deployment) -> Option<f64> {
        if self.routing.strategy != Strategy::SimpleShuffle || self.ruled_out.why(one).is_some() {
            return None;
        }
        let sharing = || {
            let members = self.members.iter().map(|it| &**it);
            members.filter(|it| it.level() == one.level() && self.ruled_out.why(it).is_none())
        };
        Some(shuffle::share(one, sharing) * 100.0)
    }

    fn timers(&self, it: &Deployment) -> ExplainedTimers {
        let timers = self
            .routing
            .timers
            .attempt(&self.options.timers, &it.timers);
        ExplainedTimers {
            attempt: timers.attempt.as_ref().map(Into::into),
            first_content: timers.first_content.as_ref().map(Into::into),
            idle: (&timers.idle).into(),
            connect: (&timers.connect).into(),
            pool: (&timers.pool).into(),
        }
    }
}

fn standing(standing: Standing, now: Instant) -> ExplainedStanding {
    match standing {
        Standing::Ready => ExplainedStanding::Ready,
        Standing::SetAside { until, cause } => ExplainedStanding::SetAside {
            seconds_left: until.saturating_duration_since(now).as_secs_f64(),
            cause: cause.as_str(),
        },
        Standing::Probation { out, cause } => ExplainedStanding::Probation {
            probe_out: out,
            cause: cause.as_str(),
        },
    }
}

impl From<&CooldownRules> for ExplainedCooldown {
    fn from(rules: &CooldownRules) -> Self {
        let kinds = PolicyKind::ALL.into_iter();
        let policy = kinds.filter_map(|kind| Some((kind.as_str(), *rules.policy.get(&kind)?)));
        let counted = rules.allowed_fails.is_some() || !rules.policy.is_empty();
        Self {
            enabled: !rules.disabled,
            by: if counted {
                "allowed_fails"
            } else {
                "failure_rate"
            },
            allowed_fails: rules.allowed_fails,
            allowed_fails_policy: policy.collect(),
            seconds: rules.time.as_secs_f64(),
            before_retry_after: rules.time_is_own,
            alone: rules.alone,
        }
    }
}
