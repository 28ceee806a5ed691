//! The families that LiteLLM's dashboards look for: its names, and of its labels those whose values are known here and
//! bounded. The others are left out, which for Prometheus is the same as empty.

use super::super::table::{Family, Group, Label, counter, gauge, histogram};
use super::labels::{API_BASE, of, these};

/// All of them, in the order in which they are on the page.
#[cfg(test)]
pub(in crate::metrics) const ALL: &[&Family] = &[
    &REQUESTS,
    &FAILED,
    &ANSWERED,
    &API_FAILED,
    &SPEND,
    &TOTAL_TOKENS,
    &INPUT_TOKENS,
    &OUTPUT_TOKENS,
    &CACHED_TOKENS,
    &CACHE_TOKENS,
    &REASONING_TOKENS,
    &CACHE_READ,
    &CACHE_WRITTEN,
    &TOTAL_LATENCY,
    &API_LATENCY,
    &FIRST_TOKEN,
    &OVERHEAD,
    &QUEUE_TIME,
    &IN_FLIGHT,
    &STATE,
    &TPM_LIMIT,
    &RPM_LIMIT,
    &REMAINING_REQUESTS,
    &REMAINING_TOKENS,
    &COOLED_DOWN,
    &SUCCESSES,
    &FAILURES,
    &ATTEMPTS,
    &PER_TOKEN,
    &FELL_BACK,
    &FAILED_BACK,
];

pub(in crate::metrics) static REQUESTS: Family = counter(
    "litellm_proxy_total_requests_metric",
    Group::LiteLlm,
    &[
        &REQUESTED_MODEL,
        &STATUS_CODE,
        &ROUTE,
        &MODEL_ID,
        &API_PROVIDER,
    ],
    "Requests of clients",
);
pub(in crate::metrics) static FAILED: Family = counter(
    "litellm_proxy_failed_requests_metric",
    Group::LiteLlm,
    &[
        &REQUESTED_MODEL,
        &EXCEPTION_STATUS,
        &EXCEPTION_CLASS,
        &ROUTE,
        &MODEL_ID,
        &API_PROVIDER,
    ],
    "Requests that did not get a whole answer",
);
pub(in crate::metrics) static ANSWERED: Family = counter(
    "litellm_requests_metric",
    Group::LiteLlm,
    &[&REQUESTED_MODEL, &MODEL_NAME, &MODEL_ID, &API_PROVIDER],
    "Attempts that answered",
);
pub(in crate::metrics) static API_FAILED: Family = counter(
    "litellm_llm_api_failed_requests_metric",
    Group::LiteLlm,
    &[&MODEL_NAME, &MODEL_ID],
    "Attempts that failed",
);
pub(in crate::metrics) static SPEND: Family = counter(
    "litellm_spend_metric",
    Group::LiteLlm,
    &[&REQUESTED_MODEL, &MODEL_NAME, &MODEL_ID, &API_PROVIDER],
    "Dollars that answers have cost",
);
pub(in crate::metrics) static TOTAL_TOKENS: Family = counter(
    "litellm_total_tokens_metric",
    Group::LiteLlm,
    &[&REQUESTED_MODEL, &MODEL_NAME, &MODEL_ID, &API_PROVIDER],
    "Tokens of input and output",
);
pub(in crate::metrics) static INPUT_TOKENS: Family = counter(
    "litellm_input_tokens_metric",
    Group::LiteLlm,
    &[&REQUESTED_MODEL, &MODEL_NAME, &MODEL_ID, &API_PROVIDER],
    "Tokens of input",
);
pub(in crate::metrics) static OUTPUT_TOKENS: Family = counter(
    "litellm_output_tokens_metric",
    Group::LiteLlm,
    &[&REQUESTED_MODEL, &MODEL_NAME, &MODEL_ID, &API_PROVIDER],
    "Tokens of output",
);
pub(in crate::metrics) static CACHED_TOKENS: Family = counter(
    "litellm_input_cached_tokens_metric",
    Group::LiteLlm,
    &[&REQUESTED_MODEL, &MODEL_NAME, &MODEL_ID, &API_PROVIDER],
    "Tokens read from a provider's cache",
);
pub(in crate::metrics) static CACHE_TOKENS: Family = counter(
    "litellm_input_cache_creation_tokens_metric",
    Group::LiteLlm,
    &[&REQUESTED_MODEL, &MODEL_NAME, &MODEL_ID, &API_PROVIDER],
    "Tokens written to a provider's cache",
);
pub(in crate::metrics) static REASONING_TOKENS: Family = counter(
    "litellm_output_reasoning_tokens_metric",
    Group::LiteLlm,
    &[&REQUESTED_MODEL, &MODEL_NAME, &MODEL_ID, &API_PROVIDER],
    "Tokens of reasoning",
);
pub(in crate::metrics) static CACHE_READ: Family = counter(
    "litellm_provider_cache_read_input_tokens_metric",
    Group::LiteLlm,
    &[&MODEL_NAME, &MODEL_ID, &API_PROVIDER],
    "Tokens read from a provider's cache",
);
pub(in crate::metrics) static CACHE_WRITTEN: Family = counter(
    "litellm_provider_cache_creation_input_tokens_metric",
    Group::LiteLlm,
    &[&MODEL_NAME, &MODEL_ID, &API_PROVIDER],
    "Tokens written to a provider's cache",
);
pub(in crate::metrics) static TOTAL_LATENCY: Family = histogram(
    "litellm_request_total_latency_metric",
    Group::LiteLlm,
    &[
        &MODEL_GROUP,
        &REQUESTED_MODEL,
        &MODEL_NAME,
        &MODEL_ID,
        &API_PROVIDER,
    ],
    "Seconds from the request's head to the end of its whole answer",
);
pub(in crate::metrics) static API_LATENCY: Family = histogram(
    "litellm_llm_api_latency_metric",
    Group::LiteLlm,
    &[
        &MODEL_GROUP,
        &REQUESTED_MODEL,
        &MODEL_NAME,
        &MODEL_ID,
        &API_PROVIDER,
    ],
    "Seconds of attempts that answered",
);
pub(in crate::metrics) static FIRST_TOKEN: Family = histogram(
    "litellm_llm_api_time_to_first_token_metric",
    Group::LiteLlm,
    &[
        &MODEL_GROUP,
        &REQUESTED_MODEL,
        &MODEL_NAME,
        &MODEL_ID,
        &API_PROVIDER,
    ],
    "Seconds from the start of an attempt to the first content of its stream",
);
pub(in crate::metrics) static OVERHEAD: Family = histogram(
    "litellm_overhead_latency_metric",
    Group::LiteLlm,
    &[
        &MODEL_GROUP,
        &API_PROVIDER,
        &API_BASE,
        &LITELLM_MODEL_NAME,
        &MODEL_ID,
    ],
    "Seconds up to the answer's head without the time of attempts",
);
pub(in crate::metrics) static QUEUE_TIME: Family = histogram(
    "litellm_request_queue_time_seconds",
    Group::LiteLlm,
    &[&REQUESTED_MODEL, &MODEL_NAME, &MODEL_ID, &API_PROVIDER],
    "From the request's head until the call had its place",
);
pub(in crate::metrics) static IN_FLIGHT: Family = gauge(
    "litellm_in_flight_requests",
    Group::LiteLlm,
    &[],
    "Calls under way",
);
pub(in crate::metrics) static STATE: Family = gauge(
    "litellm_deployment_state",
    Group::LiteLlm,
    &[&LITELLM_MODEL_NAME, &MODEL_ID, &API_BASE, &API_PROVIDER],
    "0: ready, 1: its last attempt failed or it is tried again, 2: set aside",
);
pub(in crate::metrics) static TPM_LIMIT: Family = gauge(
    "litellm_deployment_tpm_limit",
    Group::LiteLlm,
    &[
        &MODEL_GROUP,
        &LITELLM_MODEL_NAME,
        &MODEL_ID,
        &API_BASE,
        &API_PROVIDER,
    ],
    "Tokens per minute as configured",
);
pub(in crate::metrics) static RPM_LIMIT: Family = gauge(
    "litellm_deployment_rpm_limit",
    Group::LiteLlm,
    &[
        &MODEL_GROUP,
        &LITELLM_MODEL_NAME,
        &MODEL_ID,
        &API_BASE,
        &API_PROVIDER,
    ],
    "Requests per minute as configured",
);
pub(in crate::metrics) static REMAINING_REQUESTS: Family = gauge(
    "litellm_remaining_requests_metric",
    Group::LiteLlm,
    &[
        &MODEL_GROUP,
        &API_PROVIDER,
        &API_BASE,
        &LITELLM_MODEL_NAME,
        &MODEL_ID,
    ],
    "Requests that the provider says are left",
);
pub(in crate::metrics) static REMAINING_TOKENS: Family = gauge(
    "litellm_remaining_tokens_metric",
    Group::LiteLlm,
    &[
        &MODEL_GROUP,
        &API_PROVIDER,
        &API_BASE,
        &LITELLM_MODEL_NAME,
        &MODEL_ID,
    ],
    "Tokens that the provider says are left",
);
pub(in crate::metrics) static COOLED_DOWN: Family = counter(
    "litellm_deployment_cooled_down",
    Group::LiteLlm,
    &[&LITELLM_MODEL_NAME, &MODEL_ID, &API_BASE, &API_PROVIDER],
    "How often failures have set a deployment aside",
);
pub(in crate::metrics) static SUCCESSES: Family = counter(
    "litellm_deployment_success_responses",
    Group::LiteLlm,
    &[
        &MODEL_GROUP,
        &REQUESTED_MODEL,
        &LITELLM_MODEL_NAME,
        &MODEL_ID,
        &API_BASE,
        &API_PROVIDER,
    ],
    "Attempts that answered",
);
pub(in crate::metrics) static FAILURES: Family = counter(
    "litellm_deployment_failure_responses",
    Group::LiteLlm,
    &[
        &MODEL_GROUP,
        &REQUESTED_MODEL,
        &LITELLM_MODEL_NAME,
        &MODEL_ID,
        &API_BASE,
        &API_PROVIDER,
        &EXCEPTION_STATUS,
        &EXCEPTION_CLASS,
    ],
    "Attempts that failed",
);
pub(in crate::metrics) static ATTEMPTS: Family = counter(
    "litellm_deployment_total_requests",
    Group::LiteLlm,
    &[
        &MODEL_GROUP,
        &REQUESTED_MODEL,
        &LITELLM_MODEL_NAME,
        &MODEL_ID,
        &API_BASE,
        &API_PROVIDER,
    ],
    "Attempts that answered or failed",
);
pub(in crate::metrics) static PER_TOKEN: Family = histogram(
    "litellm_deployment_latency_per_output_token",
    Group::LiteLlm,
    &[
        &MODEL_GROUP,
        &LITELLM_MODEL_NAME,
        &MODEL_ID,
        &API_BASE,
        &API_PROVIDER,
    ],
    "Seconds, of streams up to their first content, per token of output",
);
pub(in crate::metrics) static FELL_BACK: Family = counter(
    "litellm_deployment_successful_fallbacks",
    Group::LiteLlm,
    &[&REQUESTED_MODEL, &FALLBACK_MODEL],
    "Calls that fell back and got a whole answer",
);
pub(in crate::metrics) static FAILED_BACK: Family = counter(
    "litellm_deployment_failed_fallbacks",
    Group::LiteLlm,
    &[&REQUESTED_MODEL, &FALLBACK_MODEL],
    "Calls that fell back and did not",
);

static MODEL_GROUP: Label = of("model_group", "the model group of the deployment");
static REQUESTED_MODEL: Label = of(
    "requested_model",
    "the model group that was asked for, or `other`",
);
static FALLBACK_MODEL: Label = of("fallback_model", "the model group that was fallen back to");
static MODEL_NAME: Label = of("model", "the provider's name of the model");
static LITELLM_MODEL_NAME: Label = of("litellm_model_name", "the same");
static MODEL_ID: Label = of("model_id", "the deployment's id");
static API_PROVIDER: Label = of("api_provider", "the provider's name");
static ROUTE: Label = of(
    "route",
    "the path of the front end, without what it may hold of a model",
);
static EXCEPTION_CLASS: Label = of(
    "exception_class",
    "the name of LiteLLM's exception, after the provider's",
);
static EXCEPTION_STATUS: Label = these("exception_status", STATUSES);
static STATUS_CODE: Label = these("status_code", STATUSES);

/// The statuses that have a series of their own.
pub(in crate::metrics) const STATUSES: &[&str] = &[
    "200", "400", "401", "402", "403", "404", "405", "408", "409", "413", "415", "422", "424",
    "429", "499", "500", "501", "502", "503", "504", "529", "other",
];
