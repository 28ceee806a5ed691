//! Keys of `router_settings`.

use super::super::kind::Kind;
use super::section;

section! {
    /// `router_settings`.
    ROUTER = "router_settings" {
        honored "timeout": Kind::SECONDS;
        honored "stream_timeout": Kind::SECONDS;
        honored "ttft_timeout": Kind::SECONDS;
        honored "stream_idle_timeout": Kind::SECONDS;
        honored "connect_timeout": Kind::POSITIVE_SECONDS;
        honored "pool_timeout": Kind::POSITIVE_SECONDS;
        accepted "timeout_scope": Kind::Choice(&["call", "attempt"]);
        honored "client_ttl": Kind::SECONDS;
        honored "model_group_alias": Kind::Map;
        ignored "routing_strategy": Kind::Choice(STRATEGIES), ["simple-shuffle"] => "deployments are chosen by `simple-shuffle`";
        ignored "routing_strategy_args": Kind::Map => "deployments are chosen by `simple-shuffle`, which has no arguments";
        ignored "num_retries": Kind::COUNT, ["0"] => "a failed call is not tried again";
        ignored "max_fallbacks": Kind::COUNT => "a failed call goes to no other model group";
        ignored "retry_after": Kind::SECONDS, ["0"] => "a failed call is not tried again";
        ignored "retry_policy": Kind::Map => "a failed call is not tried again";
        ignored "model_group_retry_policy": Kind::Map => "a failed call is not tried again";
        ignored "allowed_fails": Kind::COUNT => "a failing deployment is not taken out of rotation";
        ignored "allowed_fails_policy": Kind::Map => "a failing deployment is not taken out of rotation";
        ignored "cooldown_time": Kind::SECONDS => "a failing deployment is not taken out of rotation";
        ignored "disable_cooldowns": Kind::Bool, ["true"] => "a failing deployment is not taken out of rotation";
        ignored "fallbacks": Kind::List => "a failed call goes to no other model group";
        ignored "context_window_fallbacks": Kind::List => "a failed call goes to no other model group";
        ignored "content_policy_fallbacks": Kind::List => "a failed call goes to no other model group";
        ignored "default_fallbacks": Kind::List => "a failed call goes to no other model group";
        ignored "enable_pre_call_checks": Kind::Bool, ["false"] => "context windows and limits are not checked before a call";
        ignored "optional_pre_call_checks": Kind::List => "these checks are not made before a call";
        ignored "deployment_affinity_ttl_seconds": Kind::SECONDS => "calls of one session may go to different deployments";
        ignored "model_group_affinity_config": Kind::Any => "calls of one session may go to different deployments";
        ignored "session_affinity_repin_on_failover": Kind::Bool, ["false"] => "calls of one session may go to different deployments";
        ignored "enable_tag_filtering": Kind::Bool, ["false"] => "calls are not routed by tags";
        ignored "tag_filtering_match_any": Kind::Bool => "calls are not routed by tags";
        ignored "tag_routing_prefix": Kind::Text => "calls are not routed by tags";
        ignored "default_litellm_params": Kind::Map => "these parameters are not added to calls";
        ignored "default_max_parallel_requests": Kind::COUNT => "calls to a deployment are not limited";
        ignored "redis_host": Kind::Text => "nothing is shared between instances";
        ignored "redis_port": Kind::Any => "nothing is shared between instances";
        ignored "redis_password": Kind::Secret => "nothing is shared between instances";
        ignored "redis_url": Kind::Secret => "nothing is shared between instances";
        ignored "redis_db": Kind::Any => "nothing is shared between instances";
        ignored "cache_kwargs": Kind::Map => "nothing is shared between instances";
        ignored "cache_responses": Kind::Bool, ["false"] => "answers are not cached";
        ignored "caching_groups": Kind::Any => "answers are not cached";
        ignored "fallback_on_unsupported_params": Kind::Bool => "a failed call goes to no other deployment";
        ignored "enable_weighted_failover": Kind::Bool, ["false"] => "a failed call goes to no other deployment";
        ignored "enable_mid_stream_fallback_continuation": Kind::Bool, ["false"] => "a broken stream ends with an error and is not continued";
        ignored "enable_health_check_routing": Kind::Bool, ["false"] => "deployments are not probed";
        ignored "health_check_staleness_threshold": Kind::SECONDS => "deployments are not probed";
        ignored "health_check_ignore_transient_errors": Kind::Bool, ["false"] => "deployments are not probed";
        ignored "background_health_check_model_groups": Kind::Any => "deployments are not probed";
        ignored "provider_budget_config": Kind::Any => "spend is not limited";
        ignored "alerting_config": Kind::Any => "no alerts are sent";
        ignored "routing_groups": Kind::Any => "every model group is routed in the same way";
        ignored "plugins": Kind::Any => "plugins are not loaded";
        accepted "ignore_invalid_deployments": Kind::Bool;
        accepted "set_verbose": Kind::Bool;
        accepted "debug_level": Kind::Text;
        accepted "polling_interval": Kind::AMOUNT;
        ignored "default_priority": Kind::Any => "calls have no priorities";
        ignored "assistants_config": Kind::Any => "the assistants routes do not exist";
        ignored "search_tools": Kind::Any => "the search routes do not exist";
        ignored "guardrail_list": Kind::Any => "requests and answers are not checked by these guardrails";
        ignored "router_general_settings": Kind::Any => "these settings change nothing";
    }
}

const STRATEGIES: &[&str] = &[
    "simple-shuffle",
    "least-busy",
    "latency-based-routing",
    "usage-based-routing-v2",
    "usage-based-routing",
    "cost-based-routing",
    "provider-budget-routing",
    "lar1",
];
