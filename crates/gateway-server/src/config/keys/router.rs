//! Keys of `router_settings`.

use super::super::kind::Kind;
use super::section;

section! {
    /// `router_settings`.
    ROUTER = "router_settings" {
        /// Seconds of the whole call over all attempts, waits and fallbacks, to its last byte. Not given: `litellm_settings.request_timeout`. Default: 6000.
        honored "timeout": Kind::SECONDS => "bounds the whole call, over all attempts, waits and fallbacks, to its last byte, and not the silence between two reads; `timeout_scope: attempt` gives each attempt so much";
        /// What `timeout` bounds, of a request too: the call, or (LiteLLM's habit) each attempt. Default: `call`.
        honored "timeout_scope": Kind::Choice(&["call", "attempt"]);
        /// Seconds from an attempt's start to the first content of a stream. Not given: none. Example: `60`.
        honored "stream_timeout": Kind::SECONDS => "bounds the time from an attempt's start to the first content of a stream; comments, pings and empty events do not count";
        /// The same as `stream_timeout`.
        honored "ttft_timeout": Kind::SECONDS;
        /// Seconds of silence between contents of a stream. Not given: `gateway.stream_idle_timeout`.
        honored "stream_idle_timeout": Kind::SECONDS;
        /// Seconds for DNS, TCP and TLS. Default: 5.
        honored "connect_timeout": Kind::SECONDS;
        /// Seconds of waiting for a connection. Default: 5.
        honored "pool_timeout": Kind::SECONDS;
        /// Age in seconds at which connections are replaced by new ones; streams on the old ones run to their end. 0: never. Default: 3600.
        honored "client_ttl": Kind::SECONDS => "is the age at which connections are replaced, and no stream is cut by it";
        /// Seconds of silence after which a stream gets a heartbeat, 1 to 300; 0: never. Not given: `gateway.heartbeat_seconds`.
        honored "keepalive_seconds": Kind::SECONDS;
        /// Other names of groups; hidden ones are not in the list of models. Example: `{sonnet: claude, gpt-4o: {model: gpt, hidden: true}}`.
        honored "model_group_alias": Kind::Map;
        /// How one of several deployments is chosen: by chance, weighted (simple-shuffle), fewest attempts under way (least-busy), fastest of late, fewest tokens in this minute (usage-based-routing-v2), cheapest. Default: `simple-shuffle`.
        honored "routing_strategy": Kind::Choice(STRATEGIES) => "`usage-based-routing` is `usage-based-routing-v2`; others than these five are not there, and `simple-shuffle` is used; `cost-based-routing` takes the prices that are configured, else those of the built-in table, and puts who has none last";
        /// For latency-based-routing. Example: `{ttl: 600, lowest_latency_buffer: 0.1}`.
        honored "routing_strategy_args": Kind::Section(&super::routing::STRATEGY_ARGS);
        /// How often a failed call is tried again in each model group. Not given: `litellm_settings.num_retries`. Default: 2.
        honored "num_retries": Kind::TIMES => "counts for each model group of a call; a wait that the call has no time for goes on to the fallback at once, and nothing is slept after the last attempt";
        /// Groups that one call may fall back to. Not given: `litellm_settings.max_fallbacks`. Default: 5.
        honored "max_fallbacks": Kind::TIMES;
        /// Seconds of the shortest wait before the same deployment is tried again. Default: 0.
        honored "retry_after": Kind::SECONDS;
        /// Retries by kind of failure, in place of `num_retries`.
        honored "retry_policy": Kind::Section(&super::routing::RETRY_POLICY);
        /// `retry_policy` of single groups; it goes before the one for all.
        honored "model_group_retry_policy": Kind::Named(&super::routing::RETRY_POLICY);
        /// A deployment is set aside when it fails more than so often within `cooldown_time`. Not given: at once on 429, 401, 402 and 404, or when more than half of at least 5 calls of this minute failed.
        honored "allowed_fails": Kind::TIMES => "switches to counting failures whatever its value, also where it is 3";
        /// `allowed_fails` by kind of failure.
        honored "allowed_fails_policy": Kind::Section(&super::routing::ALLOWED_FAILS_POLICY);
        /// Seconds for which a deployment is set aside, the first time. Not given: `litellm_settings.cooldown_time`. Default: 5.
        honored "cooldown_time": Kind::SECONDS => "doubles on each repeat, up to 300 s; then one call probes the deployment before others follow, and a group's only deployment is not set aside for what passes";
        /// Nobody is ever set aside. Default: false.
        honored "disable_cooldowns": Kind::Bool;
        /// Where a call goes when its group has failed, in order. An entry is a name, or a mapping that changes the request. Example: `[{gpt: [claude, {model: local, max_tokens: 1000}]}]`.
        honored "fallbacks": Kind::List => "parameters of an entry change the request's body; credentials and addresses are those of the group's own deployments";
        /// Where a call goes whose input is too long for the model. Example: `[{gpt: [long]}]`.
        honored "context_window_fallbacks": Kind::List;
        /// Where a call goes that the provider's content policy refused. Example: `[{gpt: [claude]}]`.
        honored "content_policy_fallbacks": Kind::List;
        /// Where calls of every group go that has no entry in `fallbacks`. Example: `[gpt]`.
        honored "default_fallbacks": Kind::List;
        /// Context windows, regions, `rpm` and `tpm` are looked at before a deployment is chosen. Default: false.
        honored "enable_pre_call_checks": Kind::Bool => "context windows are those that `model_info.max_input_tokens` says, else those of the built-in table; regions those that `region_name` says, and no others; `order` works without it";
        /// Once retries are spent, the other members of the group by weight, before another group. Default: false.
        honored "enable_weighted_failover": Kind::Bool;
        /// A plain text that breaks off is continued by a deployment whose model goes on with it. Default: false.
        honored "enable_mid_stream_fallback_continuation": Kind::Bool;
        /// Calls with tags go to deployments with them only. Default: false.
        honored "enable_tag_filtering": Kind::Bool;
        /// One common tag is enough; false: the deployment must have all of them. Default: true.
        honored "tag_filtering_match_any": Kind::Bool;
        /// As if every deployment said so, where it does not itself. Example: `{max_retries: 2}`.
        honored "default_litellm_params": Kind::Section(&super::deployment::PARAMS) => "has the lowest precedence: what a deployment or a request says goes before";
        /// Attempts that a deployment may have under way, where it says nothing itself. Not given: no bound.
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
        ignored "enable_health_check_routing": Kind::Bool, ["false"] => "probes are told and set nobody aside; the cooldowns of calls do";
        ignored "health_check_staleness_threshold": Kind::SECONDS => "probes are told and set nobody aside; the cooldowns of calls do";
        ignored "health_check_ignore_transient_errors": Kind::Bool, ["false"] => "probes are told and set nobody aside; the cooldowns of calls do";
        ignored "background_health_check_model_groups": Kind::Any => "background probes go to every deployment without `disable_background_health_check`";
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
        ignored "enable_pre_call_check": Kind::Bool, ["false"] => "the key is `enable_pre_call_checks`";
        ignored "allow_client_keepalive_override": Kind::Bool, ["false"] => "callers cannot choose the interval of heartbeats";
        ignored "cache_params": Kind::Map => "answers are not cached";
        ignored "auto_router_capability_limit": Kind::Any => "models are not chosen automatically";
        ignored "heuristic_v2_router_limit": Kind::Any => "models are not chosen automatically";
        ignored "fallback_access_check": Kind::Any => "every caller can use every model";
        ignored "fallback_budget_check": Kind::Any => "spend is not limited";
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
