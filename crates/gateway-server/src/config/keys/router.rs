//! Keys of `router_settings`.

use super::super::kind::Kind;
use super::section;

section! {
    /// `router_settings`.
    ROUTER = "router_settings" {
        honored "timeout": Kind::SECONDS => "bounds the whole call, over all attempts, waits and fallbacks, to its last byte, and not the silence between two reads; `timeout_scope: attempt` gives each attempt so much";
        honored "timeout_scope": Kind::Choice(&["call", "attempt"]);
        honored "stream_timeout": Kind::SECONDS => "bounds the time from an attempt's start to the first content of a stream; comments, pings and empty events do not count";
        honored "ttft_timeout": Kind::SECONDS;
        honored "stream_idle_timeout": Kind::SECONDS;
        honored "connect_timeout": Kind::SECONDS;
        honored "pool_timeout": Kind::SECONDS;
        honored "client_ttl": Kind::SECONDS => "is the age at which connections are replaced, and no stream is cut by it";
        honored "keepalive_seconds": Kind::SECONDS;
        honored "model_group_alias": Kind::Map;
        honored "routing_strategy": Kind::Choice(STRATEGIES) => "`usage-based-routing` is `usage-based-routing-v2`; others than these five are not there, and `simple-shuffle` is used; `cost-based-routing` takes the prices that are configured, else those of the built-in table, and puts who has none last";
        honored "routing_strategy_args": Kind::Section(&super::routing::STRATEGY_ARGS);
        honored "num_retries": Kind::TIMES => "counts for each model group of a call; a wait that the call has no time for goes on to the fallback at once, and nothing is slept after the last attempt";
        honored "max_fallbacks": Kind::TIMES;
        honored "retry_after": Kind::SECONDS;
        honored "retry_policy": Kind::Section(&super::routing::RETRY_POLICY);
        honored "model_group_retry_policy": Kind::Named(&super::routing::RETRY_POLICY);
        honored "allowed_fails": Kind::TIMES => "switches to counting failures whatever its value, also where it is 3";
        honored "allowed_fails_policy": Kind::Section(&super::routing::ALLOWED_FAILS_POLICY);
        honored "cooldown_time": Kind::SECONDS => "doubles on each repeat, up to 300 s; then one call probes the deployment before others follow, and a group's only deployment is not set aside for what passes";
        honored "disable_cooldowns": Kind::Bool;
        honored "fallbacks": Kind::List => "parameters of an entry change the request's body; credentials and addresses are those of the group's own deployments";
        honored "context_window_fallbacks": Kind::List;
        honored "content_policy_fallbacks": Kind::List;
        honored "default_fallbacks": Kind::List;
        honored "enable_pre_call_checks": Kind::Bool => "context windows are those that `model_info.max_input_tokens` says, else those of the built-in table; regions those that `region_name` says, and no others; `order` works without it";
        honored "enable_weighted_failover": Kind::Bool;
        honored "enable_mid_stream_fallback_continuation": Kind::Bool;
        honored "enable_tag_filtering": Kind::Bool;
        honored "tag_filtering_match_any": Kind::Bool;
        honored "default_litellm_params": Kind::Section(&super::deployment::PARAMS) => "has the lowest precedence: what a deployment or a request says goes before";
        honored "default_max_parallel_requests": Kind::TIMES => "a slot is held until the answer has ended, streams included";
        ignored "optional_pre_call_checks": Kind::List => "these checks are not made before a call";
        ignored "deployment_affinity_ttl_seconds": Kind::SECONDS => "calls of one session may go to different deployments";
        ignored "model_group_affinity_config": Kind::Any => "calls of one session may go to different deployments";
        ignored "session_affinity_repin_on_failover": Kind::Bool, ["false"] => "calls of one session may go to different deployments";
        ignored "tag_routing_prefix": Kind::Text => "tags are compared as they are";
        ignored "redis_host": Kind::Text => "nothing is shared between instances";
        ignored "redis_port": Kind::Any => "nothing is shared between instances";
        ignored "redis_password": Kind::Secret => "nothing is shared between instances";
        ignored "redis_url": Kind::Secret => "nothing is shared between instances";
        ignored "redis_db": Kind::Any => "nothing is shared between instances";
        ignored "cache_kwargs": Kind::Map => "nothing is shared between instances";
        ignored "cache_responses": Kind::Bool, ["false"] => "answers are not cached";
        ignored "caching_groups": Kind::Any => "answers are not cached";
        ignored "fallback_on_unsupported_params": Kind::Bool => "which parameters a model supports is not looked at before a call";
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
