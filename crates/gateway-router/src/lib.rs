//! Which LLM deployment serves a call, in what order, until when.
#![doc = include_str!("../README.md")]

// What an operator says about deployments and names.
mod config;

// Names -> deployments.
mod catalog;
mod deployment;
mod wildcard;

// Which deployment next: decisions without IO.
mod plan;
mod shuffle;

// Obeys a plan.
mod execute;

// What can be wrong.
mod error;

pub use catalog::{Catalog, Resolved};
pub use config::{Alias, DeploymentConfig};
pub use deployment::Deployment;
pub use error::{CallError, CatalogProblem, Unanswered};
pub use execute::{Answered, execute};
pub use plan::{Attempt, Outcome, Plan, Step};
