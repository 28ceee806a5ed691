#![doc = include_str!("../README.md")]

mod catalog; // Names -> deployments.
mod config; // What an operator says about deployments and names.
mod deployment; // One way to serve a model group.
mod error;
mod execute; // Obeys a plan.
mod plan; // Which deployment next: decisions without IO.
mod shuffle; // Weighted chance.
mod wildcard; // Names with a `*`. // What can be wrong.

pub use catalog::{Catalog, Resolved};
pub use config::{Alias, DeploymentConfig};
pub use deployment::Deployment;
pub use error::{CallError, CatalogProblem, Unanswered};
pub use execute::{Answered, execute};
pub use plan::{Attempt, Outcome, Plan, Step};
