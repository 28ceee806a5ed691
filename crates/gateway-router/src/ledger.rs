//! What is known of each deployment while calls run: one small trait, so that several instances can share it.
//!
//! Everything takes `now`; nothing here reads a clock.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::config::CooldownRules;
use crate::outcome::Outcome;
use crate::slots::Slots;

/// Keeps the ledgers of all deployments, beyond the life of a configuration.
pub trait Books: Debug + Send + Sync {
    /// The ledger of the deployment with this id: the same one for the same id.
    fn ledger(&self, deployment: &Arc<str>) -> Arc<dyn Ledger>;
    /// What the calls of the model group with this name share: the same for the same name.
    fn group(&self, group: &Arc<str>) -> Arc<dyn GroupLedger>;
    /// The slots of the deployment with this id: the same ones for the same id, with these limits from now on. They are
    /// this process's own, however the rest is kept.
    fn slots(&self, deployment: &Arc<str>, limit: u32, max_waiting: u32) -> Arc<Slots>;
}

/// What is known of one deployment.
pub trait Ledger: Debug + Send + Sync {
    /// What it looks like at `now`.
    fn view(&self, now: Instant) -> View;
    /// How fast it has answered of late: samples older than `ttl` do not count.
    fn pace(&self, now: Instant, ttl: Duration) -> Pace;
    /// An attempt begins. `None`: it may not, because the deployment is set aside and its one probe is under way, or
    /// its next one not due; or because it has had its requests of this minute.
    fn begin(&self, now: Instant, terms: Terms) -> Option<Begun>;
    /// The attempt got its first meaningful content, or its answer as a whole.
    fn succeeded(&self, begun: Begun, sample: Sample, now: Instant);
    /// The attempt failed, before or after its first content. True: this set the deployment aside.
    fn failed(&self, begun: Begun, outcome: &Outcome, rules: &CooldownRules, now: Instant) -> bool;
    /// What the provider says that a call used.
    fn used(&self, tokens: u64, now: Instant);
    /// The attempt is over, whatever became of it: called exactly once for each `begin`.
    fn ended(&self, begun: Begun);
    /// Sets the deployment aside until then by an operator's order; `None` brings it back. When the time is over it is
    /// back without a probe: nothing was wrong with it.
    fn set_aside(&self, until: Option<Instant>);
}

/// On what terms an attempt begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// It begins although the deployment is set aside.
    pub force: bool,
    /// Requests that may begin in one minute.
    pub rpm: Option<u64>,
}

/// An attempt that the ledger knows of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Begun {
    /// It is the one attempt that decides whether a deployment returns.
    pub probe: bool,
    /// Counts how often the deployment was set aside and came back. What an attempt from before tells is old news.
    pub epoch: u32,
    /// A success was reported already: what fails now is the rest of a stream.
    pub answered: bool,
}

/// What a success tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// From the attempt's start to its first meaningful content; a stream's only.
    pub first_content: Option<Duration>,
    /// From the attempt's start to the whole answer; not a stream's.
    pub whole: Option<Duration>,
    /// Tokens of the answer, where they are known already.
    pub output_tokens: Option<u64>,
}

/// A deployment as it stands at one moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct View {
    /// Whether it may serve.
    pub standing: Standing,
    /// Attempts under way, streams included.
    pub in_flight: u32,
    /// Requests begun in this minute.
    pub requests: u64,
    /// Tokens used in this minute.
    pub tokens: u64,
    /// How often a failure has set it aside, ever.
    pub set_aside: u64,
    /// When this minute is over. Minutes are fixed, and the same for all deployments.
    pub minute_ends: Instant,
}

/// How fast a deployment has answered of late. `None`: nothing is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    /// Mean time to the first content of streams.
    pub first_content: Option<Duration>,
    /// Mean time of whole answers, per token of output where their number is known.
    pub whole: Option<Duration>,
}

/// Whether a deployment may serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It may.
    Ready,
    /// It is set aside.
    SetAside {
        /// Until then; a probe is due from then on.
        until: Instant,
        /// Why.
        cause: Cause,
    },
    /// Its time is over, and one attempt decides whether it returns; `out` while that one is under way.
    Probation {
        /// The probe is under way.
        out: bool,
        /// Why it had been set aside.
        cause: Cause,
    },
}

impl Standing {
    /// How long from `now` until it may serve; `None`: it may.
    pub(crate) fn absence(self, now: Instant) -> Option<Duration> {
        match self {
            Self::Ready | Self::Probation { out: false, .. } => None,
            Self::SetAside { until, .. } => Some(until.saturating_duration_since(now)),
            Self::Probation { out: true, .. } => Some(PROBE),
        }
    }

    /// Why it was set aside, if it was.
    pub(crate) const fn cause(self) -> Option<Cause> {
        match self {
            Self::Ready => None,
            Self::SetAside { cause, .. } | Self::Probation { cause, .. } => Some(cause),
        }
    }
}

/// When to ask again while a probe is under way: nobody knows how long it takes.
const PROBE: Duration = Duration::from_secs(1);

/// Why a deployment was set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The provider limits the rate.
    RateLimited,
    /// It fails, and may recover on its own: 5xx, timeouts, no connection.
    Failing,
    /// Somebody must repair it: credentials, credit, a model that is not there.
    Broken,
    /// An operator did it.
    Ordered,
}

impl Cause {
    /// For logs, metrics and descriptions.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RateLimited => "rate_limited",
            Self::Failing => "failing",
            Self::Broken => "broken",
            Self::Ordered => "ordered",
        }
    }
}

/// What the calls of a model group share.
pub trait GroupLedger: Debug + Send + Sync {
    /// A call has come in: it pays into the budgets of retries and hedges.
    fn call(&self, now: Instant);
    /// Whether one more retry fits into `share` of the calls, or below `floor` per second; if so it is counted.
    fn may_retry(&self, share: f64, floor: f64, now: Instant) -> bool;
    /// Whether one more hedge fits into `share` of the calls; if so it is counted.
    fn may_hedge(&self, share: f64, now: Instant) -> bool;
    /// The first content of an attempt of this group's came after so long.
    fn first_content(&self, after: Duration);
    /// The time within which that `share` (0 to 1) of the last first contents came; `None` while too few are known.
    fn first_content_quantile(&self, share: f64) -> Option<Duration>;
}
