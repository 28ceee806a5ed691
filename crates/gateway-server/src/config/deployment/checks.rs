//! How a deployment is probed, where anybody wants that.

use super::super::tree::Node;
use super::params::Params;
use std::time::Duration;

/// How a deployment is probed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// The provider's model that is asked in place of the deployment's own.
    pub model: Option<String>,
    /// What the deployment is for, in LiteLLM's words; not given: chat.
    pub mode: Option<String>,
    /// How long the answer may take.
    pub timeout: Duration,
    /// Tokens that the answer may have; not given: as many as the provider likes.
    pub max_tokens: Option<u64>,
    /// Probed only when somebody asks for it.
    pub background: Background,
}

/// Whether a deployment takes part in background checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Background {
    /// It does, where there are any.
    #[default]
    Included,
    /// It does not.
    Excluded,
}

impl Default for Check {
    fn default() -> Self {
        Self {
            model: None,
            mode: None,
            timeout: TIMEOUT,
            max_tokens: None,
            background: Background::Included,
        }
    }
}

/// What `model_info` says of it.
pub(super) fn check(params: &Params<'_>) -> Check {
    let text = |key| params.info(key).and_then(Node::as_text).map(str::to_owned);
    let seconds = params
        .info("health_check_timeout")
        .and_then(Node::as_number);
    let excluded = params.info("disable_background_health_check");
    let tokens = params
        .info("health_check_max_tokens")
        .and_then(Node::as_whole);
    Check {
        model: text("health_check_model"),
        mode: text("mode"),
        timeout: seconds
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
            .unwrap_or(TIMEOUT),
        max_tokens: tokens.and_then(|tokens| u64::try_from(tokens).ok()),
        background: match excluded.and_then(Node::as_bool) {
            Some(true) => Background::Excluded,
            _ => Background::Included,
        },
    }
}

/// LiteLLM's default.
const TIMEOUT: Duration = Duration::from_secs(60);
