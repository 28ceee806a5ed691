//! What a request says about how it wants to be served.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::timers::RequestTimers;

/// What a request says, beside its model. The default is a request that says nothing.
#[derive(Clone, Debug, Default)]
pub struct CallOptions {
    /// The answer is to come as a stream.
    pub stream: bool,
    /// Its timers.
    pub timers: RequestTimers,
    /// `num_retries`, `max_retries`: how often it may be tried again in one model group.
    pub retries: Option<u32>,
    /// Which retry of the client's own library this is already (`x-stainless-retry-count`).
    pub client_retries: u32,
    /// `fallbacks`: where to go instead, nowhere if that is empty; `None`: as configured.
    pub fallbacks: Option<Vec<Target>>,
    /// `disable_fallbacks`.
    pub no_fallbacks: bool,
    /// Tags that a deployment must have.
    pub tags: Vec<Box<str>>,
    /// The client's `user-agent`, for deployments that are chosen by it.
    pub user_agent: Option<Box<str>>,
    /// Regions that a deployment must be in (`allowed_model_region`).
    pub region: Option<Box<str>>,
    /// About how many tokens the request has; only where context windows are checked.
    pub input_tokens: Option<u64>,
    /// Doing the work twice harms nobody: nothing is stored, and no tool runs on the provider's side. False until it
    /// matters: then [`Call::is_repeatable`](crate::Call::is_repeatable) is asked.
    pub repeatable: bool,
}

/// Where a call goes when a model group has failed.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// The name of the model group.
    pub model: Arc<str>,
    /// Fields of the request's body that are set for this group.
    pub overrides: Map<String, Value>,
}

impl Target {
    /// The group of this name, with the request as it is.
    pub fn named(model: impl Into<Arc<str>>) -> Self {
        Self {
            model: model.into(),
            overrides: Map::new(),
        }
    }
}
