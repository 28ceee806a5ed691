//! Keys of one entry of `model_list`, and of `credential_list`.

use super::super::kind::Kind;
use super::section;

section! {
    /// One entry of `model_list`.
    DEPLOYMENT = "this model_list entry" {
        honored "model_name": Kind::Text;
        honored "litellm_params": Kind::Section(&PARAMS);
        honored "model_info": Kind::Section(&MODEL_INFO);
        honored "rpm": Kind::COUNT;
        honored "tpm": Kind::COUNT;
    }
}

section! {
    /// One entry of `credential_list`.
    CREDENTIAL = "this credential_list entry" {
        honored "credential_name": Kind::Text;
        honored "credential_values": Kind::Section(&PARAMS);
        accepted "credential_info": Kind::Any;
    }
}

section! {
    /// `litellm_params`. Keys that are not here become request-body parameters.
    PARAMS = "litellm_params" {
        honored "model": Kind::Text;
        honored "custom_llm_provider": Kind::Text;
        honored "api_key": Kind::Secret;
        honored "api_base": Kind::Url;
        honored "base_url": Kind::Url;
        honored "api_version": Kind::Text;
        honored "organization": Kind::TextOrList;
        honored "rpm": Kind::COUNT;
        honored "tpm": Kind::COUNT;
        honored "weight": Kind::AMOUNT;
        honored "order": Kind::Whole(0, 1_000_000);
        honored "extra_headers": Kind::Map;
        honored "extra_body": Kind::Map;
        honored "ssl_verify": Kind::BoolOrText;
        honored "ssl_certificate": Kind::Text;
        honored "http2": Kind::Choice(super::gateway::HTTP2);
        honored "litellm_credential_name": Kind::Text;
        honored "vertex_project": Kind::Text;
        honored "vertex_location": Kind::Text;
        honored "vertex_credentials": Kind::SecretOrMap;
        honored "azure_ad_token": Kind::Secret;
        honored "tenant_id": Kind::Text;
        honored "client_id": Kind::Text;
        honored "client_secret": Kind::Secret;
        honored "azure_scope": Kind::Text;
        honored "aws_access_key_id": Kind::Secret;
        honored "aws_secret_access_key": Kind::Secret;
        honored "aws_session_token": Kind::Secret;
        honored "aws_region_name": Kind::Text;
        honored "aws_profile_name": Kind::Text;
        honored "aws_role_name": Kind::Text;
        honored "aws_session_name": Kind::Text;
        honored "aws_session_tags": Kind::List;
        honored "aws_web_identity_token": Kind::Secret;
        honored "aws_sts_endpoint": Kind::Url;
        honored "aws_external_id": Kind::Text;
        honored "aws_bedrock_runtime_endpoint": Kind::Url;
        honored "model_id": Kind::Text;
        honored "timeout": Kind::SECONDS => "bounds one attempt, to the last byte of its answer, and not the silence between two reads";
        honored "request_timeout": Kind::SECONDS;
        honored "stream_timeout": Kind::SECONDS => "bounds the time from an attempt's start to the first content of a stream; comments, pings and empty events do not count";
        honored "ttft_timeout": Kind::SECONDS;
        honored "stream_idle_timeout": Kind::SECONDS;
        honored "connect_timeout": Kind::SECONDS;
        honored "pool_timeout": Kind::SECONDS;
        honored "timeout_by_service_tier": Kind::NamedSeconds;
        honored "stream_timeout_by_service_tier": Kind::NamedSeconds;
        honored "max_retries": Kind::TIMES => "counts like `num_retries`, whichever of them is more: the two are not multiplied";
        honored "num_retries": Kind::TIMES;
        honored "max_parallel_requests": Kind::TIMES => "a slot is held until the answer has ended, streams included; it is not derived from `rpm` or `tpm` where it is not given";
        honored "tags": Kind::TextList;
        honored "tag_regex": Kind::TextList;
        honored "cooldown_time": Kind::SECONDS;
        honored "allowed_fails": Kind::TIMES;
        honored "allowed_fails_policy": Kind::Section(&super::routing::ALLOWED_FAILS_POLICY);
        honored "region_name": Kind::Text;
        honored "mock_response": Kind::Any;
        honored "mock_timeout": Kind::Bool;
        honored "input_cost_per_token": Kind::AMOUNT;
        honored "output_cost_per_token": Kind::AMOUNT;
        honored "cache_read_input_token_cost": Kind::AMOUNT;
        honored "cache_creation_input_token_cost": Kind::AMOUNT;
        honored "cache_creation_input_token_cost_above_1hr": Kind::AMOUNT;
        honored "output_cost_per_reasoning_token": Kind::AMOUNT;
        honored "keepalive_seconds": Kind::SECONDS;
        ignored "itpm": Kind::COUNT => "this limit is not enforced";
        ignored "otpm": Kind::COUNT => "this limit is not enforced";
        ignored "tpd": Kind::COUNT => "this limit is not enforced";
        ignored "rpd": Kind::COUNT => "this limit is not enforced";
        ignored "daily_reset_time": Kind::Any => "daily limits are not enforced";
        ignored "max_budget": Kind::AMOUNT => "spend is not limited";
        ignored "budget_duration": Kind::Text => "spend is not limited";
        ignored "default_api_key_tpm_limit": Kind::COUNT => "keys are not limited";
        ignored "default_api_key_rpm_limit": Kind::COUNT => "keys are not limited";
        ignored "configurable_clientside_auth_params": Kind::List => "callers cannot choose the address or the key";
        honored "native_only": Kind::Bool;
        honored "drop_params": Kind::Bool;
        honored "additional_drop_params": Kind::List;
        honored "allowed_openai_params": Kind::List;
        ignored "input_cost_per_second": Kind::AMOUNT => "calls cost what their tokens do";
        ignored "output_cost_per_second": Kind::AMOUNT => "calls cost what their tokens do";
        ignored "merge_reasoning_content_in_choices": Kind::Bool, ["false"] => "reasoning stays in its own field";
        ignored "allow_client_keepalive_override": Kind::Bool, ["false"] => "callers cannot choose the interval of heartbeats";
        honored "use_in_pass_through": Kind::Bool;
        ignored "use_chat_completions_api": Kind::Bool, ["false"] => "clients of Responses reach the provider's own Responses, where it has them";
        ignored "use_litellm_proxy": Kind::Bool, ["false"] => "set `api_base` to the address of the other proxy";
        ignored "silent_model": Kind::Text => "traffic is not mirrored";
        ignored "auto_router_config": Kind::Any => "models are not chosen automatically";
        ignored "auto_router_config_path": Kind::Any => "models are not chosen automatically";
        ignored "auto_router_default_model": Kind::Any => "models are not chosen automatically";
        ignored "auto_router_embedding_model": Kind::Any => "models are not chosen automatically";
        ignored "complexity_router_config": Kind::Any => "models are not chosen automatically";
        ignored "complexity_router_default_model": Kind::Any => "models are not chosen automatically";
        ignored "adaptive_router_config": Kind::Any => "models are not chosen automatically";
        ignored "quality_router_config": Kind::Any => "models are not chosen automatically";
        ignored "cache_control_injection_points": Kind::Any => "messages get no cache marks";
        ignored "ensure_alternating_roles": Kind::Bool, ["false"] => "messages are sent as they are";
        ignored "user_continue_message": Kind::Any => "messages are sent as they are";
        ignored "assistant_continue_message": Kind::Any => "messages are sent as they are";
        ignored "supports_system_message": Kind::Bool, ["true"] => "messages are sent as they are";
        ignored "prompt_id": Kind::Text => "prompt templates are not filled in";
        ignored "prompt_variables": Kind::Any => "prompt templates are not filled in";
        ignored "guardrails": Kind::Any => "requests and answers are not checked by these guardrails";
        ignored "fallbacks": Kind::Any => "`router_settings.fallbacks` decides";
        ignored "context_window_fallback_dict": Kind::Any => "`router_settings.context_window_fallbacks` decides";
        ignored "s3_bucket_name": Kind::Text => "the files and batches routes do not exist";
        ignored "s3_region_name": Kind::Text => "the files and batches routes do not exist";
        ignored "s3_access_key_id": Kind::Secret => "the files and batches routes do not exist";
        ignored "s3_secret_access_key": Kind::Secret => "the files and batches routes do not exist";
        ignored "aws_batch_role_arn": Kind::Text => "the files and batches routes do not exist";
        ignored "gcs_bucket_name": Kind::Text => "the files and batches routes do not exist";
        ignored "tiered_pricing": Kind::Any => "tiers are those of the built-in table";
        honored "base_model": Kind::Text;
        accepted "hf_model_name": Kind::Text;
        ignored "provider_affinity_header": Kind::Any => "calls of one session may go to different deployments";
        ignored "kubernetes_pod_discovery": Kind::Any => "pods are not discovered";
    }
}

section! {
    /// `model_info`.
    MODEL_INFO = "model_info" {
        honored "id": Kind::Name;
        honored "max_input_tokens": Kind::COUNT;
        honored "max_output_tokens": Kind::COUNT;
        honored "supports_reasoning": Kind::Bool;
        honored "input_cost_per_token": Kind::AMOUNT;
        honored "output_cost_per_token": Kind::AMOUNT;
        honored "cache_read_input_token_cost": Kind::AMOUNT;
        honored "cache_creation_input_token_cost": Kind::AMOUNT;
        honored "cache_creation_input_token_cost_above_1hr": Kind::AMOUNT;
        honored "output_cost_per_reasoning_token": Kind::AMOUNT;
        honored "cooldown_time": Kind::SECONDS;
        honored "allowed_fails": Kind::TIMES;
        honored "allowed_fails_policy": Kind::Section(&super::routing::ALLOWED_FAILS_POLICY);
        honored "supports_assistant_prefill": Kind::Bool;
        honored "base_model": Kind::Text;
        accepted "mode": Kind::Text;
        accepted "max_tokens": Kind::COUNT;
        accepted "tier": Kind::Text;
        accepted "description": Kind::Text;
        accepted "created_at": Kind::Any;
        accepted "updated_at": Kind::Any;
        accepted "created_by": Kind::Any;
        accepted "updated_by": Kind::Any;
        accepted "db_model": Kind::Bool;
        accepted "litellm_provider": Kind::Text;
        ignored "team_id": Kind::Text => "every caller can use this deployment";
        ignored "team_public_model_name": Kind::Text => "every caller can use this deployment";
        ignored "access_groups": Kind::TextList => "every caller can use this deployment";
        ignored "access_windows": Kind::Any => "this deployment serves at any time";
        ignored "supported_environments": Kind::TextList => "this deployment serves in every environment";
        ignored "blocked": Kind::Bool, ["false"] => "this deployment serves all the same";
        ignored "enable_tag_filtering": Kind::Bool, ["false"] => "`router_settings.enable_tag_filtering` decides for all deployments";
        ignored "health_check_model": Kind::Text => "deployments are not probed";
        ignored "health_check_timeout": Kind::SECONDS => "deployments are not probed";
        ignored "disable_background_health_check": Kind::Bool, ["true"] => "deployments are not probed";
        ignored "ptu_capacity": Kind::Any => "provisioned throughput is not tracked";
    }
}

/// Whether a key that is in no table is a price, of which LiteLLM has dozens.
pub(in crate::config) fn is_price(key: &str) -> bool {
    key.contains("_cost_per_") || key.contains("_token_cost")
}

/// Parameters of request bodies that are common in `litellm_params`: never a misspelt key of ours.
pub(in crate::config) const BODY_PARAMETERS: &[&str] = &[
    "temperature",
    "top_p",
    "top_k",
    "max_tokens",
    "max_completion_tokens",
    "stop",
    "stop_sequences",
    "stream",
    "stream_options",
    "system",
    "seed",
    "user",
    "tools",
    "tool_choice",
    "functions",
    "metadata",
    "thinking",
    "reasoning_effort",
    "verbosity",
    "response_format",
    "presence_penalty",
    "frequency_penalty",
    "logit_bias",
    "logprobs",
    "top_logprobs",
    "service_tier",
    "store",
    "dimensions",
    "encoding_format",
    "modalities",
    "parallel_tool_calls",
];
