//! The request fields that are the gateway's own.

/// Top-level request fields that mean something to the gateway only and must not reach an upstream, besides those with
/// a prefix of the gateway ([`is_gateway_field`]). LiteLLM's names, and the aliases that clients use.
///
/// `metadata` is not among them: OpenAI and Anthropic know it.
pub const GATEWAY_FIELDS: &[&str] = &[
    // Timers.
    "timeout",
    "request_timeout",
    "stream_timeout",
    "ttft_timeout",
    "stream_idle_timeout",
    "connect_timeout",
    "pool_timeout",
    "keepalive_seconds",
    // Retries, fallbacks, routing.
    "num_retries",
    "max_retries",
    "retry_policy",
    "fallbacks",
    "context_window_fallbacks",
    "content_policy_fallbacks",
    "disable_fallbacks",
    "max_fallbacks",
    "include_fallback_errors",
    "enable_mid_stream_fallback_continuation",
    "cooldown_time",
    "tags",
    // Caching and policies.
    "cache",
    "caching",
    "guardrails",
    "guardrail_config",
    "no-log",
    // Where and how to connect: decided by the configuration alone, never by a request.
    "api_base",
    "base_url",
    "api_key",
    "api_version",
    "custom_llm_provider",
    "organization",
    "extra_headers",
    "headers",
    "vertex_project",
    "vertex_location",
    "vertex_credentials",
    "azure_ad_token",
    "model_info",
    "user_config",
    "ssl_verify",
    // Translation.
    "drop_params",
    "additional_drop_params",
    "allowed_openai_params",
    "modify_params",
];

/// Whether a top-level request field is the gateway's own: in [`GATEWAY_FIELDS`], or it begins with `litellm_`,
/// `mock_` or `aws_`.
pub fn is_gateway_field(key: &str) -> bool {
    PREFIXES.iter().any(|prefix| key.starts_with(prefix)) || GATEWAY_FIELDS.contains(&key)
}

const PREFIXES: &[&str] = &["litellm_", "mock_", "aws_"];
