//! Keys of `general_settings`.

use super::super::kind::Kind;
use super::section;

section! {
    /// `general_settings`.
    GENERAL = "general_settings" {
        /// The key that callers must present; `os.environ/NAME` or `file:/path`. Unset, empty or `sk-1234`: the gateway listens on 127.0.0.1 only. Not given: LITELLM_MASTER_KEY. Example: `os.environ/LITELLM_MASTER_KEY`.
        honored "master_key": Kind::Secret;
        /// Listen as configured although the master key is weak or not set. Default: false.
        honored "dangerously_permit_weak_or_unset_master_key": Kind::Bool;
        /// If given, the only header in which a key counts. Not given: Authorization, x-api-key and the others that LiteLLM takes. Example: `x-gateway-key`.
        honored "litellm_key_header_name": Kind::HeaderName;
        ignored "public_routes": Kind::TextList => "these routes need a key all the same";
        /// The largest body of a request, in mebibytes. Not given: `gateway.max_body_bytes`.
        honored "max_request_size_mb": Kind::Number(0.000_001, 1024.0);
        /// Calls under way at once, of one key. Not given: no bound.
        honored "max_parallel_requests": Kind::COUNT => "there is one key, so it bounds all calls; one more is refused with 429";
        /// Calls under way at once, of all. Not given: no bound.
        honored "global_max_parallel_requests": Kind::COUNT => "bounds the calls of this process; one more is refused with 429";
        /// Calls under way at once, for each worker; more of them queue. Not given: no bound.
        honored "max_in_flight_requests_per_worker": Kind::COUNT => "counts for the process: its value times `gateway.workers`";
        /// Calls in that queue, for each worker; one more is refused with 503. Not given: as many as may be under way.
        honored "max_queued_requests_per_worker": Kind::COUNT => "counts for the process: its value times `gateway.workers`";
        /// Seconds that a call stays in that queue. Default: 1.
        honored "admission_queue_timeout_seconds": Kind::SECONDS;
        /// Every caller may ask for mock answers and failures. Default: false.
        honored "dangerously_allow_mock_testing_request_params": Kind::Bool => "is not needed where a master key is set: then every caller has it";
        accepted "cancel_on_disconnect": Kind::Bool;
        accepted "disable_spend_logs": Kind::Bool;
        accepted "disable_error_logs": Kind::Bool;
        accepted "disable_prisma_schema_update": Kind::Bool;
        accepted "infer_model_from_keys": Kind::Bool;
        accepted "disable_adding_master_key_hash_to_db": Kind::Bool;
        accepted "disable_master_key_return": Kind::Bool;
        ignored "database_url": Kind::Secret => "there is no database: only the master key is accepted, spend and models are not stored";
        ignored "database_type": Kind::Text => "there is no database: only the master key is accepted, spend and models are not stored";
        ignored "database_args": Kind::Any => "there is no database: only the master key is accepted, spend and models are not stored";
        accepted "database_connection_pool_limit": Kind::COUNT;
        accepted "database_connection_timeout": Kind::SECONDS;
        accepted "database_connect_timeout": Kind::SECONDS;
        accepted "database_socket_timeout": Kind::SECONDS;
        ignored "store_model_in_db": Kind::Bool, ["false"] => "models come from the configuration only";
        ignored "store_prompts_in_spend_logs": Kind::Bool, ["false"] => "prompts are not stored";
        ignored "maximum_spend_logs_retention_period": Kind::Any => "spend is not stored";
        ignored "completion_model": Kind::Text => "the model of the request is used";
        ignored "max_response_size_mb": Kind::AMOUNT => "answers in one piece are limited to 128 MiB, streams by `gateway.max_event_bytes`";
        /// Every deployment is probed by a short call again and again, which costs money. Default: false.
        honored "background_health_checks": Kind::Bool;
        /// Seconds from the end of one round of probes to the next. Default: 300.
        honored "health_check_interval": Kind::SECONDS;
        /// `/health` tells more of each deployment than its names. Default: true.
        honored "health_check_details": Kind::Bool;
        /// Probes at a time. Default: 10.
        honored "health_check_concurrency": Kind::COUNT;
        ignored "use_shared_health_check": Kind::Bool, ["false"] => "each process probes for itself";
        ignored "enable_health_check_routing": Kind::Bool, ["false"] => "probes are told and set nobody aside; the cooldowns of calls do";
        ignored "allowed_routes": Kind::List => "every route is open to every key";
        ignored "admin_only_routes": Kind::List => "every route is open to every key";
        ignored "allowed_ips": Kind::List => "callers are not filtered by address";
        ignored "use_x_forwarded_for": Kind::Bool, ["false"] => "the address in logs is that of the last proxy";
        ignored "trusted_proxy_ranges": Kind::List => "the address in logs is that of the last proxy";
        ignored "forward_client_headers_to_llm_api": Kind::Bool, ["false"] => "headers of callers go on by a fixed list";
        ignored "forward_openai_org_id": Kind::Bool, ["false"] => "the caller's organization is not passed on";
        ignored "pass_through_endpoints": Kind::List => "these routes do not exist";
        ignored "pass_through_request_timeout": Kind::SECONDS => "the router's `timeout` counts on every route";
        ignored "allow_requests_on_db_unavailable": Kind::Bool => "there is no database to be unavailable";
        ignored "always_include_stream_usage": Kind::Bool, ["false"] => "streams end with usage only if the caller asks for it";
        ignored "include_call_id_in_error_body": Kind::Bool, ["false"] => "the call's id is in a header only";
        /// Whether `GET /health/drain` exists, with a token. Default: false.
        honored "enable_drain_endpoint": Kind::Bool => "`/health/drain` exists only if there is a token for it";
        /// What it asks for in `X-Drain-Token`. Default: the variable `DRAIN_ENDPOINT_TOKEN`.
        honored "drain_endpoint_token": Kind::Secret;
        ignored "proxy_batch_write_at": Kind::SECONDS => "spend is not stored";
        ignored "proxy_budget_rescheduler_min_time": Kind::SECONDS => "spend is not limited";
        ignored "proxy_budget_rescheduler_max_time": Kind::SECONDS => "spend is not limited";
        ignored "alerting": Kind::List => "no alerts are sent";
        ignored "alerting_threshold": Kind::SECONDS => "no alerts are sent";
        ignored "alerting_args": Kind::Any => "no alerts are sent";
        ignored "alert_types": Kind::List => "no alerts are sent";
        ignored "alert_to_webhook_url": Kind::Any => "no alerts are sent";
        ignored "spend_report_frequency": Kind::Any => "no alerts are sent";
        ignored "custom_auth": Kind::Text => "Python code is not run: only the master key is accepted";
        ignored "custom_auth_settings": Kind::Any => "Python code is not run: only the master key is accepted";
        ignored "custom_key_generate": Kind::Text => "there are no virtual keys";
        ignored "custom_sso": Kind::Text => "there is no single sign-on";
        ignored "custom_ui_sso_sign_in_handler": Kind::Text => "there is no single sign-on";
        ignored "enable_jwt_auth": Kind::Bool, ["false"] => "tokens are not accepted, only the master key";
        ignored "litellm_jwtauth": Kind::Any => "tokens are not accepted, only the master key";
        ignored "enable_oauth2_auth": Kind::Bool, ["false"] => "tokens are not accepted, only the master key";
        ignored "enable_oauth2_proxy_auth": Kind::Bool, ["false"] => "tokens are not accepted, only the master key";
        ignored "user_header_name": Kind::Text => "there are no users";
        ignored "user_header_mappings": Kind::Any => "there are no users";
        ignored "enforce_user_param": Kind::Bool, ["false"] => "requests without `user` are accepted";
        ignored "enforced_params": Kind::List => "requests without these parameters are accepted";
        ignored "model_list_healthy_only": Kind::Bool, ["false"] => "the model list shows every model";
        ignored "return_wildcard_routes": Kind::Bool, ["false"] => "the model list shows wildcard names as they are";
        ignored "coordination_redis": Kind::Any => "nothing is shared between instances";
        ignored "use_redis_transaction_buffer": Kind::Bool, ["false"] => "nothing is shared between instances";
        ignored "fail_closed_rate_limit_enforcement": Kind::Bool, ["false"] => "callers are not limited";
        ignored "disable_fallbacks_on_per_model_rate_limits": Kind::Bool, ["false"] => "callers are not limited";
        ignored "enforce_fallback_model_access": Kind::Bool, ["false"] => "every caller can use every model";
        ignored "default_team_disabled": Kind::Bool, ["false"] => "there are no teams";
        ignored "user_api_key_cache_ttl": Kind::SECONDS => "there are no virtual keys";
        ignored "user_api_key_cache_max_size": Kind::COUNT => "there are no virtual keys";
        ignored "key_management_system": Kind::Text => "secrets come from the environment or from files (`file:/path`)";
        ignored "key_management_settings": Kind::Any => "secrets come from the environment or from files (`file:/path`)";
        ignored "use_google_kms": Kind::Bool, ["false"] => "secrets come from the environment or from files (`file:/path`)";
        ignored "use_azure_key_vault": Kind::Bool, ["false"] => "secrets come from the environment or from files (`file:/path`)";
        ignored "user_url_validation": Kind::Any => "addresses in requests are passed on unseen";
        ignored "proxy_config_reload_interval_seconds": Kind::SECONDS => "a changed file is taken within seconds (gateway.reload)";
        ignored "ui_access_mode": Kind::Any => "there is no user interface";
        ignored "allow_user_auth": Kind::Bool, ["false"] => "there are no users";
        ignored "allow_client_side_credentials": Kind::Bool, ["false"] => "credentials of callers never go upstream";
        ignored "allow_all_team_models": Kind::Bool, ["false"] => "there are no teams";
        /// The same as the callback `otel`: traces are exported where LiteLLM's variables OTEL_ENDPOINT or OTEL_EXPORTER_OTLP_ENDPOINT say. Default: false.
        honored "otel": Kind::Bool;
        ignored "service_account_settings": Kind::Any => "there are no virtual keys";
        ignored "role_permissions": Kind::Any => "there are no users";
        ignored "supported_db_objects": Kind::Any => "there is no database";
        ignored "image_generation_model": Kind::Text => "there are no image routes";
        ignored "mcp_internal_ip_ranges": Kind::Any => "the MCP routes do not exist";
        ignored "mcp_client_side_auth_header_name": Kind::Any => "the MCP routes do not exist";
        ignored "mcp_trusted_proxy_ranges": Kind::Any => "the MCP routes do not exist";
        ignored "claude_code_gateway": Kind::Any => "there is no gateway login; use the master key";
        ignored "password_policy_min_length": Kind::Any => "there are no users";
        accepted "disable_spend_updates": Kind::Bool;
        accepted "disable_env_credential_login": Kind::Bool;
        accepted "disable_retry_on_max_parallel_request_limit_error": Kind::Bool;
        accepted "disable_reset_budget": Kind::Bool;
        accepted "disable_responses_id_security": Kind::Bool;
        accepted "allow_unmanaged_response_ids": Kind::Bool;
        accepted "disable_auto_add_proxy_admin_to_teams": Kind::Bool;
        ignored "enforce_fallback_budget": Kind::Bool, ["false"] => "spend is not limited";
        ignored "reject_clientside_metadata_tags": Kind::Bool, ["false"] => "every caller may give tags";
        ignored "missing_session_id": Kind::Text => "requests without a session are served as they are";
        accepted "disable_batch_input_file_rate_limiting": Kind::Bool;
        accepted "skip_batch_input_file_rate_limiting_for_providers": Kind::List;
        accepted "skip_batch_input_file_rate_limiting_for_models": Kind::List;
        accepted "disable_budget_reservation": Kind::Bool;
        accepted "database_connection_pool_timeout": Kind::SECONDS;
        accepted "database_statement_timeout": Kind::SECONDS;
        accepted "database_lock_timeout": Kind::SECONDS;
        accepted "database_extra_connection_params": Kind::Map;
        accepted "database_disable_prepared_statements": Kind::Bool;
        ignored "fail_closed_budget_enforcement": Kind::Bool, ["false"] => "spend is not limited";
        ignored "apply_user_budget_to_team_keys": Kind::Bool, ["false"] => "spend is not limited";
        ignored "use_client_credentials_pass_through_routes": Kind::Bool, ["false"] => "credentials of callers never go upstream";
        ignored "forward_llm_provider_auth_headers": Kind::Bool, ["false"] => "credentials of callers never go upstream";
        ignored "user_mcp_management_mode": Kind::Text => "the MCP routes do not exist";
        ignored "enable_mcp_registry": Kind::Bool, ["false"] => "the MCP routes do not exist";
        ignored "mcp_required_fields": Kind::List => "the MCP routes do not exist";
        ignored "require_end_user_mcp_access_defined": Kind::Bool, ["false"] => "the MCP routes do not exist";
        ignored "require_key_mcp_access_defined": Kind::Bool, ["false"] => "the MCP routes do not exist";
        accepted "scope_spend_list_endpoints_to_caller": Kind::Bool;
        accepted "legacy_unscoped_spend_list_endpoints": Kind::Bool;
        ignored "max_batch_file_size_mb": Kind::AMOUNT => "the files and batches routes do not exist";
        ignored "max_file_size_mb": Kind::AMOUNT => "the files routes do not exist";
        ignored "allowed_file_extensions": Kind::List => "the files routes do not exist";
        ignored "blocked_file_extensions": Kind::List => "the files routes do not exist";
        accepted "proxy_batch_polling_interval": Kind::SECONDS;
        accepted "scheduled_job_stagger": Kind::Map;
        ignored "custom_key_update": Kind::Text => "there are no virtual keys";
        ignored "custom_key_policy": Kind::Text => "there are no virtual keys";
        ignored "embedding_model": Kind::Text => "the model of the request is used";
        ignored "moderation_model": Kind::Text => "the model of the request is used";
        accepted "allow_cli_sso_verification_uri_complete": Kind::Bool;
        accepted "auto_redirect_ui_login_to_sso": Kind::Bool;
        accepted "max_failed_login_attempts": Kind::COUNT;
        accepted "max_failed_login_attempts_per_source": Kind::COUNT;
        accepted "failed_login_window_seconds": Kind::SECONDS;
        accepted "litellm_license": Kind::Secret;
        ignored "oauth2_config_mappings": Kind::Any => "tokens are not accepted, only the master key";
        accepted "maximum_spend_logs_retention_interval": Kind::Any;
        accepted "maximum_spend_logs_cleanup_batch_size": Kind::COUNT;
        accepted "maximum_spend_logs_cleanup_max_batches": Kind::COUNT;
        accepted "maximum_spend_logs_cleanup_run_budget": Kind::Any;
        accepted "maximum_spend_logs_cleanup_batch_timeout": Kind::Any;
        accepted "maximum_spend_logs_cleanup_cron": Kind::Text;
        ignored "alert_type_config": Kind::Any => "no alerts are sent";
        ignored "sse_keepalive_ping_interval_seconds": Kind::SECONDS => "`litellm_settings.sse_keepalive_ping_interval_seconds` decides";
        ignored "control_plane_url": Kind::Any => "no other proxy takes part here";
        ignored "custom_auth_run_common_checks": Kind::Bool, ["false"] => "Python code is not run: only the master key is accepted";
        ignored "background_health_check_model_groups": Kind::Any => "background probes go to every deployment without `disable_background_health_check`";
        ignored "health_check_ignore_transient_errors": Kind::Bool, ["false"] => "probes are told and set nobody aside; the cooldowns of calls do";
        ignored "health_check_staleness_threshold": Kind::SECONDS => "probes are told and set nobody aside; the cooldowns of calls do";
        ignored "health_check_skip_disabled_background_models": Kind::Bool => "`/health?probe=true` probes every deployment";
        ignored "enforce_rbac": Kind::Bool, ["false"] => "there are no users";
        ignored "search_tools": Kind::Any => "the search routes do not exist";
        ignored "token_rate_limit_type": Kind::Text => "callers are not limited";
    }
}
