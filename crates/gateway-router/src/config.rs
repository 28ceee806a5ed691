//! What an operator says about deployments, names and routing.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use gateway_core::ErrorKind;
use gateway_providers::{EndpointConfig, PriceKind, Prices};

use crate::options::Target;
use crate::timers::{DeploymentTimers, RouterTimers};

/// One entry of LiteLLM's `model_list`.
#[derive(Clone, Debug, Default)]
pub struct DeploymentConfig {
    /// The name that clients use (`model_name`); entries with the same name form a group. A `*` stands for any text.
    pub group: String,
    /// The deployment's own name (`model_info.id`); else one is made of everything that is configured here.
    pub id: Option<String>,
    /// Where it is.
    pub endpoint: EndpointConfig,
    /// Its share of the group's calls, relative to the others.
    pub weight: Option<f64>,
    /// Requests per minute that it is good for; its share where nobody has a weight.
    pub rpm: Option<u64>,
    /// Tokens per minute that it is good for; its share where nobody has a weight or `rpm`.
    pub tpm: Option<u64>,
    /// Its level: the lowest one with somebody who can serve is used, the next ones when that has failed.
    pub order: Option<i64>,
    /// Its own timers.
    pub timers: DeploymentTimers,
    /// `num_retries` and `max_retries`, whichever is more: how often a call that failed here is tried again.
    pub retries: Option<u32>,
    /// Attempts that it may have under way at once.
    pub max_parallel: Option<u32>,
    /// Tags of calls that it serves.
    pub tags: Vec<String>,
    /// Patterns of user agents that it serves (`tag_regex`).
    pub tag_patterns: Vec<String>,
    /// Where it is, for calls that may not leave a region.
    pub region: Option<String>,
    /// Tokens of input that its model takes (`model_info.max_input_tokens`).
    pub max_input_tokens: Option<u64>,
    /// Dollars per token of input and of output.
    pub price: Option<Price>,
    /// Its own rules about being set aside; what is `None` comes from the router's.
    pub cooldown: CooldownOverrides,
    /// Its model goes on with a text that was begun for it; `None`: by what is known of the model.
    pub prefill: Option<bool>,
}

/// What tokens cost, in dollars each.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Price {
    /// One token of input.
    pub input: f64,
    /// One token of output.
    pub output: f64,
}

impl Price {
    /// The usual prices of a model, if both are known.
    pub(crate) fn of(prices: &Prices) -> Option<Self> {
        Some(Self {
            input: prices.dollars(PriceKind::Input)?,
            output: prices.dollars(PriceKind::Output)?,
        })
    }
}

/// Another name for a model group (`router_settings.model_group_alias`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Alias {
    /// The name that clients use.
    pub name: String,
    /// The model group that is meant.
    pub target: String,
    /// Works, but is in no list of models.
    pub hidden: bool,
}

/// Everything that a router decides by. The default is LiteLLM's.
#[derive(Clone, Debug)]
pub struct Routing {
    /// How one of several deployments is chosen.
    pub strategy: Strategy,
    /// The timers that hold where nobody else says anything.
    pub timers: RouterTimers,
    /// How often a failed call is tried again.
    pub retries: Retries,
    /// Where a call goes when its group has failed.
    pub fallbacks: Fallbacks,
    /// When a deployment is set aside.
    pub cooldown: CooldownRules,
    /// Which calls may use which deployments.
    pub tags: TagFiltering,
    /// Context windows, regions and limits per minute are looked at before a deployment is chosen.
    pub pre_call_checks: bool,
    /// The other members of a group are tried by weight before another group is.
    pub weighted_failover: bool,
    /// Attempts that a deployment may have under way where it says nothing itself.
    pub default_max_parallel: Option<u32>,
    /// Calls that may wait for a free slot of one deployment.
    pub max_waiting: u32,
    /// Second attempts against slow first contents, by model group; `*` is for all others.
    pub hedging: HashMap<String, Hedging>,
    /// A plain text that breaks off is continued by another deployment.
    pub continuation: bool,
}

/// How one of several deployments is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Strategy {
    /// By chance, weighted.
    #[default]
    SimpleShuffle,
    /// Fewest attempts under way.
    LeastBusy,
    /// Fastest of late.
    Latency {
        /// Who is at most this share slower than the fastest is as good.
        buffer: f64,
        /// How long a sample counts.
        ttl: Duration,
    },
    /// Fewest tokens in this minute, within `rpm` and `tpm`.
    Usage,
    /// Cheapest.
    Cost,
}

impl Strategy {
    /// Its name in a configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SimpleShuffle => "simple-shuffle",
            Self::LeastBusy => "least-busy",
            Self::Latency { .. } => "latency-based-routing",
            Self::Usage => "usage-based-routing-v2",
            Self::Cost => "cost-based-routing",
        }
    }
}

/// How often a failed call is tried again.
#[derive(Clone, Debug)]
pub struct Retries {
    /// In each model group, after the first attempt.
    pub count: u32,
    /// In all of a call, fallbacks included; `None`: as many as the rest allows.
    pub per_call: Option<u32>,
    /// The shortest wait before trying the same deployment again.
    pub wait: Duration,
    /// Counts by kind of failure, for all groups.
    pub policy: RetryPolicy,
    /// The same for single groups, which go before.
    pub group_policies: HashMap<String, RetryPolicy>,
    /// Share of a group's calls that may be tried again.
    pub budget: f64,
    /// Retries per second that a group may make whatever its calls.
    pub budget_floor: f64,
}

/// Counts by kind of failure (`retry_policy`, `allowed_fails_policy`).
pub type RetryPolicy = HashMap<PolicyKind, u32>;

/// The kinds of failure that LiteLLM's policies tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PolicyKind {
    /// `BadRequestError…`
    BadRequest,
    /// `AuthenticationError…`
    Authentication,
    /// `TimeoutError…`
    Timeout,
    /// `RateLimitError…`
    RateLimit,
    /// `ContentPolicyViolationError…`
    ContentPolicy,
    /// `InternalServerError…`
    InternalServer,
    /// `ServiceUnavailableError…`
    Unavailable,
    /// `NotFoundError…`
    NotFound,
    /// `Default…`
    Default,
}

impl PolicyKind {
    /// All of them.
    pub(crate) const ALL: [Self; 9] = [
        Self::BadRequest,
        Self::Authentication,
        Self::Timeout,
        Self::RateLimit,
        Self::ContentPolicy,
        Self::InternalServer,
        Self::Unavailable,
        Self::NotFound,
        Self::Default,
    ];

    /// The word before `Retries` and `AllowedFails` in LiteLLM's policies.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BadRequest => "BadRequestError",
            Self::Authentication => "AuthenticationError",
            Self::Timeout => "TimeoutError",
            Self::RateLimit => "RateLimitError",
            Self::ContentPolicy => "ContentPolicyViolationError",
            Self::InternalServer => "InternalServerError",
            Self::Unavailable => "ServiceUnavailableError",
            Self::NotFound => "NotFoundError",
            Self::Default => "Default",
        }
    }

    /// Its place among all of them.
    pub(crate) const fn index(self) -> usize {
        self as usize
    }

    /// The kind that a failure counts as.
    pub const fn of(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::InvalidRequest | ErrorKind::TooLarge | ErrorKind::ContextWindow => {
                Self::BadRequest
            }
            ErrorKind::ContentPolicy => Self::ContentPolicy,
            ErrorKind::Authentication => Self::Authentication,
            ErrorKind::NotFound => Self::NotFound,
            ErrorKind::RateLimit => Self::RateLimit,
            ErrorKind::Timeout => Self::Timeout,
            ErrorKind::Overloaded | ErrorKind::Unavailable => Self::Unavailable,
            ErrorKind::Upstream | ErrorKind::Internal => Self::InternalServer,
            _ => Self::Default,
        }
    }
}

/// Where a call goes when its group has failed.
#[derive(Clone, Debug, Default)]
pub struct Fallbacks {
    /// By model group, `*` for all that are not named.
    pub general: Chains,
    /// After an input that is too long for the model.
    pub context_window: Chains,
    /// After a refusal by the provider's content policy.
    pub content_policy: Chains,
    /// Groups that one call may fall back to.
    pub max: u32,
}

/// From a model group to where its calls go.
pub type Chains = HashMap<String, Arc<[Target]>>;

/// When a deployment is set aside, and for how long.
#[derive(Clone, Debug, PartialEq)]
pub struct CooldownRules {
    /// Nobody ever is.
    pub disabled: bool,
    /// Failures that are forgiven within `time`; `None`: LiteLLM's rates decide.
    pub allowed_fails: Option<u32>,
    /// The same by kind of failure.
    pub policy: RetryPolicy,
    /// How long, the first time.
    pub time: Duration,
    /// The deployment itself says how long: then it counts more than what the provider asks for.
    pub time_is_own: bool,
    /// The deployment is the only one of its group.
    pub alone: bool,
}

/// What one deployment says about being set aside.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CooldownOverrides {
    /// `allowed_fails`.
    pub allowed_fails: Option<u32>,
    /// `allowed_fails_policy`.
    pub policy: Option<RetryPolicy>,
    /// `cooldown_time`.
    pub time: Option<Duration>,
}

/// Which calls may use which deployments, by tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TagFiltering {
    /// Tags are looked at.
    pub enabled: bool,
    /// One common tag is enough.
    pub any: bool,
}

/// When a second attempt starts against a slow first one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hedging {
    /// After so long without first content; `None`: by `quantile`.
    pub after: Option<Duration>,
    /// Later than this share of the group's last first contents, 0 to 1.
    pub quantile: f64,
    /// Share of the group's calls that may get a second attempt.
    pub budget: f64,
}

impl Default for Routing {
    fn default() -> Self {
        Self {
            strategy: Strategy::default(),
            timers: RouterTimers::default(),
            retries: Retries::default(),
            fallbacks: Fallbacks {
                max: 5,
                ..Fallbacks::default()
            },
            cooldown: CooldownRules::default(),
            tags: TagFiltering {
                enabled: false,
                any: true,
            },
            pre_call_checks: false,
            weighted_failover: false,
            default_max_parallel: None,
            max_waiting: 1000,
            hedging: HashMap::new(),
            continuation: false,
        }
    }
}

impl Default for Retries {
    fn default() -> Self {
        Self {
            count: 2,
            per_call: None,
            wait: Duration::ZERO,
            policy: HashMap::new(),
            group_policies: HashMap::new(),
            budget: 0.2,
            budget_floor: 10.0,
        }
    }
}

impl Default for CooldownRules {
    fn default() -> Self {
        Self {
            disabled: false,
            allowed_fails: None,
            policy: HashMap::new(),
            time: Duration::from_secs(5),
            time_is_own: false,
            alone: false,
        }
    }
}
