//! Names of the headers that the gateway sets: LiteLLM's, and its own.

use http::HeaderName;

/// The call's name in logs.
pub(crate) const CALL_ID: HeaderName = HeaderName::from_static("x-litellm-call-id");
/// The gateway's version.
pub(crate) const VERSION: HeaderName = HeaderName::from_static("x-litellm-version");
/// The deployment that answered, or failed last.
pub(crate) const MODEL_ID: HeaderName = HeaderName::from_static("x-litellm-model-id");
/// Its model group.
pub(crate) const MODEL_GROUP: HeaderName = HeaderName::from_static("x-litellm-model-group");
/// The provider's name of its model.
pub(crate) const MODEL_NAME: HeaderName = HeaderName::from_static("x-litellm-model-name");
/// The base of the provider's API.
pub(crate) const API_BASE: HeaderName = HeaderName::from_static("x-litellm-model-api-base");
/// How often a group was tried again.
pub(crate) const RETRIES: HeaderName = HeaderName::from_static("x-litellm-attempted-retries");
/// How often one may be.
pub(crate) const MAX_RETRIES: HeaderName = HeaderName::from_static("x-litellm-max-retries");
/// Groups that the call fell back to.
pub(crate) const FALLBACKS: HeaderName = HeaderName::from_static("x-litellm-attempted-fallbacks");
/// From the head of the request to the head of the answer, in milliseconds.
pub(crate) const DURATION: HeaderName = HeaderName::from_static("x-litellm-response-duration-ms");
/// The same without the time in which an attempt was under way.
pub(crate) const OVERHEAD: HeaderName = HeaderName::from_static("x-litellm-overhead-duration-ms");
/// On errors: the timer that fired, else the call's, in seconds.
pub(crate) const TIMEOUT: HeaderName = HeaderName::from_static("x-litellm-timeout");

/// What the answer cost, in dollars.
pub(crate) const COST: HeaderName = HeaderName::from_static("x-litellm-response-cost");
/// Fields of the request that did not reach the provider, whose dialect has no place for them.
pub(crate) const DROPPED: HeaderName = HeaderName::from_static("x-gateway-dropped-params");
/// The answer is the gateway's own estimate.
pub(crate) const ESTIMATED: HeaderName = HeaderName::from_static("x-gateway-estimated");

/// All of them.
#[cfg(test)]
pub(crate) const ALL: [HeaderName; 15] = [
    CALL_ID,
    VERSION,
    MODEL_ID,
    MODEL_GROUP,
    MODEL_NAME,
    API_BASE,
    RETRIES,
    MAX_RETRIES,
    FALLBACKS,
    DURATION,
    OVERHEAD,
    TIMEOUT,
    COST,
    DROPPED,
    ESTIMATED,
];
