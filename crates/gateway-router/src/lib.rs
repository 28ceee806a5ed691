//! Which LLM deployment serves a call, in what order, until when.
#![doc = include_str!("../README.md")]

// What an operator says about deployments, names and routing; what a request says.
mod config;
mod options;
mod timers;

// Names -> deployments.
mod catalog;
mod deployment;
mod wildcard;

// What is known of deployments while calls run.
mod health;
mod ledger;
mod memory;
mod minutes;
mod running;
mod slots;

// Which deployment next: decisions without IO.
mod outcome;
mod plan;
mod select;
mod strategy;

// Tells why.
mod explain;

// Obeys a plan.
mod execute;

// What the tests share.
#[cfg(test)]
mod world;

// What can be wrong.
mod error;

pub use catalog::{Catalog, CatalogConfig, Resolved};
pub use config::{
    Alias, Chains, CooldownOverrides, CooldownRules, DeploymentConfig, Fallbacks, Hedging,
    PolicyKind, Price, Retries, RetryPolicy, Routing, Strategy, TagFiltering,
};
pub use deployment::Deployment;
pub use error::{CatalogProblem, SendFailure};
pub use execute::{
    Answered, AttemptEnd, Call, Course, Failed, Unanswered, UnansweredCause, exchange, execute,
};
pub use explain::{
    ExplainedCooldown, ExplainedDeployment, ExplainedFallback, ExplainedFallbacks,
    ExplainedHedging, ExplainedLeg, ExplainedRetries, ExplainedRetry, ExplainedStanding,
    ExplainedStrategy, ExplainedTimer, ExplainedTimers, Explanation, FallbackFate, RetryOrigin,
    RetryReach, explain,
};
pub use ledger::{Begun, Books, Cause, GroupLedger, Ledger, Pace, Sample, Standing, Terms, View};
pub use memory::MemoryBooks;
pub use options::{CallOptions, Target};
pub use outcome::{Again, Outcome};
pub use plan::{Attempt, AttemptKind, Failure, GiveUp, Plan, Step};
pub use running::Running;
pub use select::{Nobody, NobodyWhy};
pub use slots::{Full, Slot, Slots};
pub use timers::{
    AttemptTimers, DeploymentTimers, Origin, RequestTimers, RouterTimers, TierTimers, TimeoutScope,
    Timer,
};
