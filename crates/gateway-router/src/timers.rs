//! The timers of a call: which value holds for each of them, and who said it.
//!
//! | timer | bounds |
//! | --- | --- |
//! | call | the whole call, over all attempts and waits, to its last byte |
//! | attempt | one attempt, to the last byte of its answer |
//! | first content | from an attempt's start to its first meaningful content, streams only |
//! | idle | silence between contents of a stream after the first |
//! | connect | DNS, TCP and TLS |
//! | pool | waiting for a connection or for a deployment's free slot |

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

/// A timer's value and who said it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timer {
    /// The value. Zero expires at once.
    pub limit: Duration,
    /// Who said it.
    pub origin: Origin,
}

/// Who said a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The request, in this header.
    Header(&'static str),
    /// The request, in this field of its body.
    Body(&'static str),
    /// The operator, at this place: `config.yaml:12:3`, a variable, a flag.
    Config(Arc<str>),
    /// Nobody.
    Default,
}

impl Origin {
    /// Whether the caller chose the value, and not the operator.
    pub const fn is_caller(&self) -> bool {
        matches!(self, Self::Header(_) | Self::Body(_))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(name) => write!(f, "the request's header `{name}`"),
            Self::Body(name) => write!(f, "the request's field `{name}`"),
            Self::Config(place) => f.write_str(place),
            Self::Default => f.write_str("default"),
        }
    }
}

/// What a request says of its timers. A header goes before the body: who fills this in decides that.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestTimers {
    /// `timeout`.
    pub timeout: Option<Timer>,
    /// `stream_timeout`.
    pub first_content: Option<Timer>,
    /// `stream_idle_timeout`.
    pub idle: Option<Timer>,
    /// `service_tier`, where the deployment has timers by tier.
    pub tier: Option<Box<str>>,
}

/// What a deployment says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeploymentTimers {
    /// `timeout`.
    pub attempt: Option<Timer>,
    /// `stream_timeout`.
    pub first_content: Option<Timer>,
    /// `stream_idle_timeout`.
    pub idle: Option<Timer>,
    /// `connect_timeout`.
    pub connect: Option<Timer>,
    /// `pool_timeout`.
    pub pool: Option<Timer>,
    /// `timeout_by_service_tier` and `stream_timeout_by_service_tier`.
    pub tiers: Vec<TierTimers>,
}

/// What a deployment says for one service tier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TierTimers {
    /// The tier's name.
    pub tier: Box<str>,
    /// One attempt.
    pub attempt: Option<Timer>,
    /// The first content of a stream.
    pub first_content: Option<Timer>,
}

/// What the router says; whatever is said nowhere else comes from here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouterTimers {
    /// `router_settings.timeout`, else `litellm_settings.request_timeout`.
    pub call: Timer,
    /// `router_settings.stream_timeout`.
    pub first_content: Option<Timer>,
    /// `router_settings.stream_idle_timeout`.
    pub idle: Timer,
    /// `router_settings.connect_timeout`.
    pub connect: Timer,
    /// `router_settings.pool_timeout`.
    pub pool: Timer,
    /// What `timeout` of a request and of the router bounds.
    pub scope: TimeoutScope,
}

/// What a `timeout` that is said for no deployment bounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimeoutScope {
    /// The whole call, as LiteLLM's documentation says.
    #[default]
    Call,
    /// Each attempt, as LiteLLM does.
    Attempt,
}

/// The timers of one attempt. Whatever they say, none runs beyond the call's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptTimers {
    /// The attempt as a whole; `None`: what the call has left.
    pub attempt: Option<Timer>,
    /// The first content of a stream.
    pub first_content: Option<Timer>,
    /// Silence between contents of a stream.
    pub idle: Timer,
    /// Connecting.
    pub connect: Timer,
    /// Waiting for a connection.
    pub pool: Timer,
}

impl RouterTimers {
    /// The timer of the whole call.
    pub fn call(&self, request: &RequestTimers) -> Timer {
        match self.scope {
            TimeoutScope::Call => request.timeout.as_ref().unwrap_or(&self.call).clone(),
            TimeoutScope::Attempt => Timer::by_default(CALL),
        }
    }

    /// The timers of an attempt at a deployment: the first of request, service tier, deployment and router that says
    /// something.
    pub fn attempt(&self, request: &RequestTimers, deployment: &DeploymentTimers) -> AttemptTimers {
        let tier = request
            .tier
            .as_deref()
            .and_then(|asked| deployment.tiers.iter().find(|it| *it.tier == *asked));
        let router = match self.scope {
            TimeoutScope::Call => None,
            TimeoutScope::Attempt => Some(&self.call),
        };
        let first =
            |candidates: [Option<&Timer>; 4]| candidates.into_iter().flatten().next().cloned();
        AttemptTimers {
            attempt: first([
                request.timeout.as_ref(),
                tier.and_then(|it| it.attempt.as_ref()),
                deployment.attempt.as_ref(),
                router,
            ]),
            first_content: first([
                request.first_content.as_ref(),
                tier.and_then(|it| it.first_content.as_ref()),
                deployment.first_content.as_ref(),
                self.first_content.as_ref(),
            ]),
            idle: (request.idle.as_ref())
                .or(deployment.idle.as_ref())
                .unwrap_or(&self.idle)
                .clone(),
            connect: deployment.connect.as_ref().unwrap_or(&self.connect).clone(),
            pool: deployment.pool.as_ref().unwrap_or(&self.pool).clone(),
        }
    }
}

impl Default for RouterTimers {
    fn default() -> Self {
        Self {
            call: Timer::by_default(CALL),
            first_content: None,
            idle: Timer::by_default(IDLE),
            connect: Timer::by_default(CONNECT),
            pool: Timer::by_default(POOL),
            scope: TimeoutScope::Call,
        }
    }
}

impl Timer {
    /// When it fires if it starts at `start`.
    pub fn from(&self, start: Instant) -> Instant {
        start.checked_add(self.limit).unwrap_or(start + FOREVER)
    }

    /// A value that nobody has said.
    pub const fn by_default(limit: Duration) -> Self {
        Self {
            limit,
            origin: Origin::Default,
        }
    }
}

/// Stands for limits that no clock can hold: a century.
const FOREVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);
/// LiteLLM's default.
const CALL: Duration = Duration::from_secs(6000);
const IDLE: Duration = Duration::from_secs(300);
const CONNECT: Duration = Duration::from_secs(5);
const POOL: Duration = Duration::from_secs(5);
