//! Keys of `litellm_settings`.

use super::super::kind::Kind;
use super::section;

section! {
    /// `litellm_settings`.
    LITELLM = "litellm_settings" {
        /// Seconds of the whole call, where `router_settings.timeout` is not given. Default: 6000.
        honored "request_timeout": Kind::SECONDS => "bounds the whole call where `router_settings.timeout` is not given, and nothing where it is";
        /// false: certificates of providers are not checked; a path: a PEM file with trusted roots. Default: true.
        honored "ssl_verify": Kind::BoolOrText;
        /// PEM file with our certificate chain and key, for mutual TLS with all providers.
        honored "ssl_certificate": Kind::Text;
        /// false: HTTP/1.1 with all providers. Default: true.
        honored "http2": Kind::Bool;
        /// false: a log for people. Default: true.
        honored "json_logs": Kind::Bool;
        /// Log decisions too. Default: false.
        honored "set_verbose": Kind::Bool;
        /// `/metrics` needs the master key, as `gateway.metrics.require_key` says. Default: false.
        honored "require_auth_for_metrics_endpoint": Kind::Bool => "is off where it is not given; `gateway.metrics.require_key` says the same";
        /// Seconds of silence after which a stream of an Anthropic client gets a ping; 0: never. Not given: `router_settings.keepalive_seconds`.
        honored "anthropic_sse_ping_interval_seconds": Kind::SECONDS;
        /// Seconds of silence after which a stream of an OpenAI client gets a comment; 0: never. Not given: `router_settings.keepalive_seconds`.
        honored "sse_keepalive_ping_interval_seconds": Kind::SECONDS;
        /// How often a failed call is tried again in each model group, where `router_settings` says nothing. Default: 2.
        honored "num_retries": Kind::TIMES;
        /// Attempts after the first of a whole call, fallbacks included. Not given: no bound beside those of groups.
        honored "num_retries_per_request": Kind::TIMES => "bounds the attempts after the first of a whole call, fallbacks included, on every route";
        /// As in `router_settings`, where it says nothing. Example: `[{gpt: [claude]}]`.
        honored "fallbacks": Kind::List;
        /// As in `router_settings`, where it says nothing. Example: `[gpt]`.
        honored "default_fallbacks": Kind::List;
        /// As in `router_settings`, where it says nothing. Example: `[{gpt: [long]}]`.
        honored "context_window_fallbacks": Kind::List;
        /// As in `router_settings`, where it says nothing. Example: `[{gpt: [claude]}]`.
        honored "content_policy_fallbacks": Kind::List;
        /// As in `router_settings`, where it says nothing. Default: 5.
        honored "max_fallbacks": Kind::TIMES;
        /// As in `router_settings`, where it says nothing.
        honored "allowed_fails": Kind::TIMES => "switches to counting failures, as the key of `router_settings` does";
        /// As in `router_settings`, where it says nothing. Default: 5.
        honored "cooldown_time": Kind::SECONDS;
        /// Whether parameters are left out that a provider's dialect cannot express; else they are refused by name. Default: false.
        honored "drop_params": Kind::Bool;
        ignored "modify_params": Kind::Bool, ["false"] => "requests are not changed to fit the model";
        ignored "callbacks": Kind::TextOrList, ["prometheus", "otel"] => "only `otel` (traces) and `prometheus` (`/metrics`) exist; other callbacks are not called";
        ignored "success_callback": Kind::TextOrList, ["prometheus", "otel"] => "only `otel` (traces) and `prometheus` (`/metrics`) exist; other callbacks are not called";
        ignored "failure_callback": Kind::TextOrList, ["prometheus", "otel"] => "only `otel` (traces) and `prometheus` (`/metrics`) exist; other callbacks are not called";
        ignored "service_callback": Kind::TextOrList, ["prometheus_system"] => "only Prometheus metrics exist (`/metrics`); other callbacks are not called";
        ignored "cache": Kind::Bool, ["false"] => "answers are not cached";
        ignored "cache_params": Kind::Map => "answers are not cached";
        accepted "turn_off_message_logging": Kind::Bool;
        accepted "redact_user_api_key_info": Kind::Bool;
        accepted "redact_messages_in_exceptions": Kind::Bool;
        ignored "force_ipv4": Kind::Bool, ["false"] => "IPv6 addresses of providers are used as well";
        ignored "expose_router_debug_in_errors": Kind::Bool, ["false"] => "errors never tell how calls were routed";
        ignored "budget_exceeded_status_code": Kind::Whole(400, 599) => "spend is not limited";
        ignored "include_cost_in_streaming_usage": Kind::Bool, ["false"] => "usage comes without costs";
        ignored "return_response_headers": Kind::Bool, ["false"] => "headers of providers are passed on by a fixed list";
        ignored "max_budget": Kind::AMOUNT => "spend is not limited";
        ignored "budget_duration": Kind::Text => "spend is not limited";
        ignored "default_internal_user_params": Kind::Map => "there are no users";
        ignored "default_team_settings": Kind::Any => "there are no teams";
        ignored "default_team_params": Kind::Any => "there are no teams";
        ignored "max_internal_user_budget": Kind::AMOUNT => "there are no users";
        ignored "internal_user_budget_duration": Kind::Text => "there are no users";
        ignored "max_end_user_budget": Kind::AMOUNT => "spend is not limited";
        ignored "upperbound_key_generate_params": Kind::Map => "there are no virtual keys";
        ignored "default_key_generate_params": Kind::Map => "there are no virtual keys";
        ignored "guardrails": Kind::Any => "requests and answers are not checked by these guardrails";
        ignored "custom_provider_map": Kind::Any => "Python providers are not loaded";
        ignored "post_call_rules": Kind::Any => "Python rules are not run";
        ignored "pre_call_rules": Kind::Any => "Python rules are not run";
        accepted "disable_aiohttp_transport": Kind::Bool;
        accepted "aiohttp_trust_env": Kind::Bool;
        accepted "use_aiohttp_transport": Kind::Bool;
        ignored "network_mock": Kind::Any, ["false"] => "calls go to the real provider";
        ignored "priority_reservation": Kind::Any => "calls have no priorities";
        ignored "priority_reservation_settings": Kind::Any => "calls have no priorities";
        ignored "public_model_groups": Kind::Any => "there is no public model page";
        ignored "public_model_groups_links": Kind::Any => "there is no public model page";
        ignored "enable_redis_auth_cache": Kind::Bool, ["false"] => "nothing is shared between instances";
        ignored "default_redis_batch_cache_expiry": Kind::SECONDS => "nothing is shared between instances";
        ignored "default_redis_ttl": Kind::SECONDS => "nothing is shared between instances";
        ignored "add_function_to_prompt": Kind::Bool, ["false"] => "functions are never written into prompts";
        ignored "enable_json_schema_validation": Kind::Bool, ["false"] => "answers are not checked against their schema";
        ignored "s3_callback_params": Kind::Map => "callbacks are not called";
        ignored "gcs_callback_params": Kind::Map => "callbacks are not called";
        ignored "langfuse_default_tags": Kind::List => "callbacks are not called";
        ignored "datadog_params": Kind::Map => "callbacks are not called";
        ignored "prometheus_metrics_config": Kind::Any => "the metrics are always the same";
        ignored "prometheus_initialize_budget_metrics": Kind::Bool, ["false"] => "the metrics are always the same";
        ignored "custom_prometheus_metadata_labels": Kind::List => "the metrics are always the same";
        ignored "custom_prometheus_tags": Kind::List => "the metrics are always the same";
        ignored "tag_budget_config": Kind::Any => "spend is not limited";
        ignored "request_tag_budgets": Kind::Any => "spend is not limited";
        ignored "extra_spend_tag_headers": Kind::List => "spend is not tracked";
        ignored "cost_discount_config": Kind::Any => "spend is not tracked";
        ignored "credential_list": Kind::Any => "`credential_list` belongs to the top level";
        accepted "telemetry": Kind::Bool;
        accepted "suppress_debug_info": Kind::Bool;
        accepted "local_model_cost_map": Kind::Any;
        accepted "model_cost_map_url": Kind::Text;
        accepted "tokenizer": Kind::Any;
        accepted "disable_end_user_cost_tracking": Kind::Bool;
        accepted "disable_end_user_cost_tracking_prometheus_only": Kind::Bool;
        accepted "disable_token_counter": Kind::Bool;
        accepted "disable_hf_tokenizer_download": Kind::Bool;
        accepted "log_raw_request_response": Kind::Bool;
        accepted "disable_streaming_logging": Kind::Bool;
        ignored "langfuse_enable_update_trace_keys": Kind::Bool, ["false"] => "callbacks are not called";
        accepted "request_correlation_in_logs": Kind::Bool;
        ignored "cost_margin_config": Kind::Any => "spend is not tracked";
        ignored "mcp_aliases": Kind::Any => "the MCP routes do not exist";
        accepted "enable_preview_features": Kind::Bool;
        accepted "disable_stop_sequence_limit": Kind::Bool;
        ignored "enable_end_user_cost_tracking_prometheus_only": Kind::Bool, ["false"] => "the metrics are always the same";
        ignored "key_generation_settings": Kind::Any => "there are no virtual keys";
        accepted "disable_add_transform_inline_image_block": Kind::Bool;
        ignored "use_chat_completions_url_for_anthropic_messages": Kind::Bool, ["false"] => "calls of `/v1/messages` go the way that the deployment has";
        ignored "route_all_chat_openai_to_responses": Kind::Bool, ["false"] => "chat completions go to the provider's own chat completions, where it has them";
        ignored "skip_system_message_in_guardrail": Kind::Bool, ["false"] => "requests and answers are not checked by these guardrails";
        ignored "skip_tool_message_in_guardrail": Kind::Bool, ["false"] => "requests and answers are not checked by these guardrails";
        ignored "enable_key_alias_format_validation": Kind::Bool, ["false"] => "there are no virtual keys";
        ignored "require_managed_files": Kind::Bool, ["false"] => "the files routes do not exist";
        ignored "user_url_validation": Kind::Any => "addresses in requests are passed on unseen";
        ignored "user_url_allowed_hosts": Kind::List => "addresses in requests are passed on unseen";
        accepted "disable_copilot_system_to_assistant": Kind::Bool;
        ignored "budget_reset_time": Kind::Any => "spend is not limited";
        ignored "overwrite_user_with_key_hash": Kind::Bool, ["false"] => "the `user` of requests is passed on as it is";
        ignored "default_max_internal_user_budget": Kind::AMOUNT => "there are no users";
        ignored "max_ui_session_budget": Kind::AMOUNT => "spend is not limited";
        ignored "store_audit_logs": Kind::Bool, ["false"] => "there is no database";
        ignored "key_alias_pattern": Kind::Text => "there are no virtual keys";
        ignored "forward_traceparent_to_llm_provider": Kind::Bool, ["false"] => "headers of callers go on by a fixed list";
        ignored "aws_sqs_callback_params": Kind::Map => "callbacks are not called";
        ignored "cold_storage_custom_logger": Kind::Any => "callbacks are not called";
    }
}
