//! What a request says of how it wants to be served.

use gateway_router::{CallOptions, ExplainedTimer};
use serde::Serialize;

/// What a request says. What it does not say is left out.
#[derive(Debug, Serialize)]
pub(super) struct Asked {
    /// It wants a stream.
    pub(super) stream: bool,
    /// The same request may be sent twice.
    pub(super) repeatable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) timeout: Option<ExplainedTimer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stream_timeout: Option<ExplainedTimer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stream_idle_timeout: Option<ExplainedTimer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) service_tier: Option<Box<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) retries: Option<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) fallbacks: Vec<String>,
    /// It switches fallbacks off.
    pub(super) no_fallbacks: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) tags: Vec<Box<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) region: Option<Box<str>>,
    /// About how long its prompt is, where that is looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) input_tokens: Option<u64>,
}

impl Asked {
    pub(super) fn new(options: &CallOptions, repeatable: bool) -> Self {
        let timers = &options.timers;
        Self {
            stream: options.stream,
            repeatable,
            timeout: timers.timeout.as_ref().map(Into::into),
            stream_timeout: timers.first_content.as_ref().map(Into::into),
            stream_idle_timeout: timers.idle.as_ref().map(Into::into),
            service_tier: timers.tier.clone(),
            retries: options.retries,
            fallbacks: options
                .fallbacks
                .iter()
                .flatten()
                .map(|it| it.model.to_string())
                .collect(),
            no_fallbacks: options.no_fallbacks,
            tags: options.tags.clone(),
            region: options.region.clone(),
            input_tokens: options.input_tokens,
        }
    }
}
