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
    "slow_client_timeout",
    "timeout_scope",
    "force_timeout",
    "keepalive_seconds",
    // Retries, fallbacks, routing.
    "num_retries",
    "max_retries",
    "retry_policy",
    "retry_strategy",
    "model_group_retry_policy",
    "retry_after",
    "default_fallbacks",
    "fallbacks",
    "context_window_fallbacks",
    "content_policy_fallbacks",
    "context_window_fallback_dict",
    "disable_fallbacks",
    "max_fallbacks",
    "include_fallback_errors",
    "enable_mid_stream_fallback_continuation",
    "cooldown_time",
    "allowed_fails",
    "allowed_fails_policy",
    "disable_cooldowns",
    "enable_weighted_failover",
    "tags",
    "rpm",
    "tpm",
    "max_parallel_requests",
    "weight",
    "order",
    // What LiteLLM tells itself on the way, and a client could forge.
    "specific_deployment",
    "fallback_depth",
    "original_model_group",
    "_target_order",
    "proxy_server_request",
    // Caching and policies.
    "cache",
    "caching",
    "caching_groups",
    "preset_cache_key",
    "ttl",
    "guardrails",
    "guardrail_config",
    "no-log",
    "turn_off_message_logging",
    "langfuse_public_key",
    "langfuse_secret",
    "langfuse_secret_key",
    "langfuse_host",
    "langsmith_api_key",
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
    "tenant_id",
    "client_id",
    "client_secret",
    "azure_scope",
    "model_id",
    "native_only",
    "use_in_pass_through",
    "model_info",
    "model_list",
    "base_model",
    "region_name",
    "allowed_model_region",
    "provider_specific_header",
    "input_cost_per_token",
    "output_cost_per_token",
    "input_cost_per_second",
    "output_cost_per_second",
    "user_config",
    "ssl_verify",
    // Translation.
    "drop_params",
    "additional_drop_params",
    "allowed_openai_params",
    "modify_params",
    "merge_reasoning_content_in_choices",
    // What LiteLLM makes of messages before they leave.
    "cache_control_injection_points",
    "ensure_alternating_roles",
    "user_continue_message",
    "assistant_continue_message",
    "supports_system_message",
    "prompt_id",
    "prompt_variables",
    "prompt_version",
    "prompt_label",
];

/// Whether a top-level request field is the gateway's own: in [`GATEWAY_FIELDS`], or it begins with `litellm_`,
/// `mock_` or `aws_`.
pub fn is_gateway_field(key: &str) -> bool {
    is_gateway_key(key.as_bytes())
}

/// As [`is_gateway_field`], for the bytes of a key.
pub(super) fn is_gateway_key(key: &[u8]) -> bool {
    PREFIXES.iter().any(|prefix| key.starts_with(prefix))
        || may_be_in_list(key) && GATEWAY_FIELDS.iter().any(|field| field.as_bytes() == key)
}

const PREFIXES: &[&[u8]] = &[b"litellm_", b"mock_", b"aws_"];

/// Tells nearly every key of a request from the fields of the list by its first byte and its length.
fn may_be_in_list(key: &[u8]) -> bool {
    let first = key.first().copied().unwrap_or_default();
    key.len() < 64 && LENGTHS_BY_FIRST[usize::from(first)] >> key.len() & 1 == 1
}

/// Which lengths the fields have that begin with a byte: one bit each.
static LENGTHS_BY_FIRST: [u64; 256] = {
    let mut lengths = [0; 256];
    let mut at = 0;
    while at < GATEWAY_FIELDS.len() {
        let field = GATEWAY_FIELDS[at].as_bytes();
        assert!(field.len() < 64, "a field's length must have a bit");
        lengths[field[0] as usize] |= 1 << field.len();
        at += 1;
    }
    lengths
};

#[cfg(test)]
mod tests {
    use super::{GATEWAY_FIELDS, is_gateway_field};

    #[test]
    fn every_field_of_the_list_is_found_and_stands_there_once() {
        for (at, field) in GATEWAY_FIELDS.iter().enumerate() {
            assert!(is_gateway_field(field), "{field}");
            assert!(!GATEWAY_FIELDS[..at].contains(field), "{field}");
            assert!(!is_gateway_field(&format!("{field}_")), "{field}");
        }
        assert!(!is_gateway_field("") && !is_gateway_field(&"t".repeat(70)));
    }
}
