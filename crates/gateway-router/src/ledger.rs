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
    /// An attempt begins. `None`: it may not, because the deployment is set aside and its one probe is under way, or
    /// its next one not due. With `force`, it begins anyway.
    fn begin(&self, now: Instant, force: bool) -> Option<Begun>;
    /// The attempt got its first meaningful content, or its answer as a whole.
    fn succeeded(&self, begun: Begun, sample: Sample, now: Instant);
    /// The attempt failed, before or after its first content. True: this set the deployment aside.
    fn failed(&self, begun: Begun, outcome: &Outcome, rules: &CooldownRules, now: Instant) -> bool;
    /// What the provider says that a call used.
    fn used(&self, tokens: u64, now: Instant);
    /// The attempt is over, whatever became of it: called exactly once for each `begin`.
    fn ended(&self, begun: Begun);
    /// Sets the deployment aside until then by an operator's order; `None` brings it back.
    fn set_aside(&self, until: Option<Instant>);
}

/// An attempt that the ledger knows of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Begun {
    /// It is the one attempt that decides whether a deployment returns.
    pub probe: bool,
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
    /// Requests begun in this minute of the wall clock's length.
    pub requests: u64,
    /// Tokens used in this minute.
    pub tokens: u64,
    /// Mean of the last first contents of streams.
    pub first_content: Option<Duration>,
    /// Mean of the last whole answers, per token of output where that is known.
    pub whole: Option<Duration>,
}

/// Whether a deployment may serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It may.
    Ready,
    /// It is set aside.
    CoolingDown {
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
