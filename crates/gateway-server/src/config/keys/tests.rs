//! Tests of the tables themselves.

use super::super::{check, layers};
use super::*;
use std::collections::HashSet;

fn sections() -> Vec<&'static Section> {
    let mut found: Vec<&'static Section> = vec![&TOP];
    let mut next = 0;
    while let Some(section) = found.get(next).copied() {
        next += 1;
        for row in section.keys {
            if let Kind::Section(inner) | Kind::Sections(inner) | Kind::Named(inner) = row.kind
                && !found.iter().any(|known| std::ptr::eq(*known, inner))
            {
                found.push(inner);
            }
        }
    }
    found
}

#[test]
fn no_key_is_listed_twice_and_every_consequence_is_a_phrase() {
    for section in sections() {
        let mut seen = HashSet::new();
        for row in section.keys {
            assert!(
                seen.insert(row.name),
                "{} twice in {}",
                row.name,
                section.name
            );
            if let Status::Ignored {
                consequence: text, ..
            }
            | Status::Honored(Some(text)) = row.status
            {
                assert!(!text.is_empty() && !text.ends_with('.'), "{}", row.name);
            }
        }
    }
}

#[test]
fn every_essential_key_of_litellm_is_known() {
    for (section, keys) in ESSENTIAL {
        for key in keys.split_whitespace() {
            let path = if section.is_empty() {
                key.to_owned()
            } else {
                format!("{section}.{key}")
            };
            let known = match *section {
                "params" => PARAMS.find(key).is_some(),
                "info" => MODEL_INFO.find(key).is_some(),
                "entry" => DEPLOYMENT.find(key).is_some(),
                _ => check::find(&path).is_ok(),
            };
            assert!(known, "{path}");
        }
    }
}

#[test]
fn every_honored_key_is_in_the_reference_configuration() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../config/reference.yaml");
    let reference = std::fs::read_to_string(path).unwrap();
    let mentioned: HashSet<&str> = reference
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .collect();
    for section in sections() {
        for row in section.keys {
            if matches!(row.status, Status::Honored(_)) {
                assert!(
                    mentioned.contains(row.name),
                    "{} of {}",
                    row.name,
                    section.name
                );
            }
        }
    }
}

#[test]
fn a_path_leads_to_its_row_or_to_the_section_that_lacks_it() {
    assert!(matches!(
        check::find("gateway.listen.port").map(|row| row.kind),
        Ok(Kind::Whole(0, 65_535))
    ));
    let Err((section, key)) = check::find("gateway.listne.port") else {
        panic!("found");
    };
    assert_eq!((section.name, key.as_str()), ("gateway", "listne"));
    let Err((section, key)) = check::find("gateway.workers.count") else {
        panic!("found");
    };
    assert_eq!((section.name, key.as_str()), ("gateway", "count"));
}

#[test]
fn the_page_on_configuration_has_every_key_and_variable() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/config.md");
    let page = std::fs::read_to_string(path).unwrap();
    let expected = filled(
        &filled(&page, "keys", &keys_page()),
        "variables",
        &variables_page(),
    );
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, &expected).unwrap();
    }
    assert!(
        page == expected || std::env::var_os("UPDATE_DOCS").is_some(),
        "docs/config.md is out of date: run this test with UPDATE_DOCS=1"
    );
}

/// The page with new lines between the two marks of a part.
fn filled(page: &str, part: &str, lines: &str) -> String {
    let (begin, end) = (
        format!("<!-- {part} -->\n"),
        format!("<!-- end of {part} -->\n"),
    );
    let (head, rest) = page.split_once(&begin).unwrap();
    let (_, tail) = rest.split_once(&end).unwrap();
    format!("{head}{begin}{lines}{end}{tail}")
}

fn variables_page() -> String {
    let rows = layers::VARIABLES.iter().map(|(name, path, rank)| {
        let below = match rank {
            layers::Rank::BelowFiles => " (a file goes before it)",
            layers::Rank::AboveFiles => "",
        };
        format!("| `{name}` | `{path}`{below} |\n")
    });
    rows.collect()
}

fn keys_page() -> String {
    let mut page = String::new();
    for section in sections() {
        let list = |wanted: fn(&Status) -> bool| {
            let rows = section.keys.iter().filter(|row| wanted(&row.status));
            rows.map(|row| format!("`{}`", row.name))
                .collect::<Vec<_>>()
                .join(", ")
        };
        page += &format!("### {}\n\n", section.name);
        let honored = list(|status| matches!(status, Status::Honored(_)));
        page += &format!("Acted on: {honored}.\n\n");
        let accepted = list(|status| matches!(status, Status::Accepted));
        if !accepted.is_empty() {
            page += &format!("Accepted: {accepted}.\n\n");
        }
        page += &table(section, "on purpose not as in LiteLLM", "it", |status| {
            let Status::Honored(text) = status else {
                return None;
            };
            *text
        });
        page += &table(section, "not honored", "what follows", |status| {
            let Status::Ignored { consequence, .. } = status else {
                return None;
            };
            Some(consequence)
        });
    }
    page
}

/// The rows of a section that have a text.
fn table(
    section: &Section,
    keys: &str,
    texts: &str,
    text: fn(&Status) -> Option<&'static str>,
) -> String {
    let rows: String = section
        .keys
        .iter()
        .filter_map(|row| Some(format!("| `{}` | {} |\n", row.name, text(&row.status)?)))
        .collect();
    if rows.is_empty() {
        return rows;
    }
    format!("| {keys} | {texts} |\n| --- | --- |\n{rows}\n")
}

/// What a drop-in replacement must know, by section.
const ESSENTIAL: &[(&str, &str)] = &[
    (
        "",
        "model_list litellm_settings general_settings router_settings environment_variables include
         credential_list guardrails mcp_servers search_tools callback_settings default_vertex_config
         assistant_settings files_settings finetune_settings worker_registry",
    ),
    ("entry", "model_name litellm_params model_info tpm rpm"),
    (
        "params",
        "model custom_llm_provider api_key api_base base_url api_version organization timeout stream_timeout
         timeout_by_service_tier stream_timeout_by_service_tier max_retries num_retries rpm tpm weight order
         max_parallel_requests tags tag_regex cooldown_time region_name aws_region_name vertex_location itpm otpm
         tpd rpd daily_reset_time max_budget budget_duration litellm_credential_name
         configurable_clientside_auth_params drop_params additional_drop_params allowed_openai_params mock_response
         extra_headers extra_body ssl_verify input_cost_per_token output_cost_per_token input_cost_per_second
         merge_reasoning_content_in_choices keepalive_seconds allow_client_keepalive_override use_in_pass_through
         use_chat_completions_api use_litellm_proxy silent_model vertex_project vertex_credentials aws_access_key_id
         aws_secret_access_key aws_session_token aws_profile_name aws_role_name aws_session_name
         aws_web_identity_token aws_sts_endpoint aws_external_id aws_bedrock_runtime_endpoint azure_ad_token
         tenant_id client_id client_secret azure_scope default_api_key_tpm_limit default_api_key_rpm_limit
         provider_affinity_header kubernetes_pod_discovery",
    ),
    (
        "info",
        "id base_model mode max_input_tokens max_tokens tier team_id team_public_model_name access_groups
         supported_environments allowed_fails allowed_fails_policy cooldown_time blocked enable_tag_filtering
         access_windows db_model",
    ),
    (
        "router_settings",
        "routing_strategy routing_strategy_args num_retries max_fallbacks timeout stream_timeout retry_after
         retry_policy model_group_retry_policy allowed_fails allowed_fails_policy cooldown_time disable_cooldowns
         fallbacks context_window_fallbacks content_policy_fallbacks default_fallbacks model_group_alias
         enable_pre_call_checks optional_pre_call_checks deployment_affinity_ttl_seconds
         model_group_affinity_config session_affinity_repin_on_failover enable_tag_filtering tag_filtering_match_any
         tag_routing_prefix default_litellm_params default_max_parallel_requests redis_host redis_port
         redis_password redis_url redis_db cache_kwargs cache_responses caching_groups client_ttl
         fallback_on_unsupported_params enable_weighted_failover enable_mid_stream_fallback_continuation
         enable_health_check_routing health_check_staleness_threshold health_check_ignore_transient_errors
         background_health_check_model_groups provider_budget_config alerting_config routing_groups plugins
         ignore_invalid_deployments set_verbose debug_level polling_interval default_priority assistants_config
         search_tools guardrail_list router_general_settings stream_idle_timeout connect_timeout pool_timeout
         ttft_timeout timeout_scope",
    ),
    (
        "litellm_settings",
        "request_timeout num_retries fallbacks default_fallbacks context_window_fallbacks content_policy_fallbacks
         max_fallbacks allowed_fails cooldown_time drop_params modify_params callbacks success_callback
         failure_callback cache cache_params json_logs set_verbose turn_off_message_logging redact_user_api_key_info
         ssl_verify ssl_certificate force_ipv4 http2 anthropic_sse_ping_interval_seconds
         sse_keepalive_ping_interval_seconds expose_router_debug_in_errors budget_exceeded_status_code
         include_cost_in_streaming_usage return_response_headers max_budget budget_duration num_retries_per_request
         default_internal_user_params default_team_settings upperbound_key_generate_params
         default_key_generate_params guardrails custom_provider_map post_call_rules disable_aiohttp_transport
         aiohttp_trust_env network_mock priority_reservation public_model_groups enable_redis_auth_cache
         service_callback add_function_to_prompt enable_json_schema_validation s3_callback_params
         langfuse_default_tags prometheus_metrics_config telemetry default_redis_batch_cache_expiry",
    ),
    (
        "general_settings",
        "master_key database_url database_connection_pool_limit database_connection_timeout database_connect_timeout
         database_socket_timeout store_model_in_db completion_model max_parallel_requests
         global_max_parallel_requests max_request_size_mb max_response_size_mb background_health_checks
         health_check_interval health_check_details health_check_concurrency allowed_routes public_routes allowed_ips
         litellm_key_header_name forward_client_headers_to_llm_api forward_openai_org_id pass_through_endpoints
         pass_through_request_timeout allow_requests_on_db_unavailable cancel_on_disconnect
         always_include_stream_usage include_call_id_in_error_body max_in_flight_requests_per_worker
         max_queued_requests_per_worker admission_queue_timeout_seconds dangerously_allow_mock_testing_request_params
         dangerously_permit_weak_or_unset_master_key enable_drain_endpoint disable_spend_logs proxy_batch_write_at
         alerting alerting_threshold alert_types custom_auth enable_jwt_auth litellm_jwtauth user_header_name
         user_header_mappings infer_model_from_keys model_list_healthy_only return_wildcard_routes
         coordination_redis use_redis_transaction_buffer fail_closed_rate_limit_enforcement user_api_key_cache_ttl
         user_api_key_cache_max_size key_management_system key_management_settings store_prompts_in_spend_logs
         maximum_spend_logs_retention_period trusted_proxy_ranges user_url_validation
         disable_fallbacks_on_per_model_rate_limits enforce_fallback_model_access enable_health_check_routing
         proxy_config_reload_interval_seconds disable_prisma_schema_update ui_access_mode database_type
         use_google_kms use_azure_key_vault",
    ),
];
