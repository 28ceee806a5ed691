//! Everything that the router decides by: what comes out, and what is wrong with it.

use crate::support::{lines, load, load_with_model, places, settings};
use gateway_router::{
    DeploymentConfig, Hedging, Origin, PolicyKind, Strategy, TagFiltering, TierTimers, Timer,
};
use gateway_server::config::{Admission, Settings};
use std::collections::HashMap;
use std::time::Duration;

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

/// Two groups: `a` with two deployments, `b` with one.
const GROUPS: &str = "\
model_list:
  - {model_name: a, litellm_params: {model: openai/a1}}
  - {model_name: a, litellm_params: {model: openai/a2}}
  - {model_name: b, litellm_params: {model: openai/b}, model_info: {id: b-one}}
";

fn grouped(text: &str) -> Settings {
    let loaded = load(&format!("{GROUPS}{text}"));
    let lines = lines(&loaded);
    assert_eq!(lines, Vec::<String>::new());
    loaded.settings.unwrap()
}

/// The targets of a chain, with overrides in brackets.
fn chain(chains: &gateway_router::Chains, from: &str) -> Vec<String> {
    let targets = chains.get(from).map_or(&[][..], |targets| targets);
    targets
        .iter()
        .map(|target| match target.overrides.len() {
            0 => target.model.to_string(),
            _ => format!(
                "{}{}",
                target.model,
                serde_json::to_string(&target.overrides).unwrap()
            ),
        })
        .collect()
}

#[test]
fn nothing_said_is_litellms_default() {
    let routing = settings("").routing;
    assert_eq!(routing.strategy, Strategy::SimpleShuffle);
    assert_eq!(
        (routing.retries.count, routing.retries.wait),
        (2, Duration::ZERO)
    );
    assert_eq!(
        (routing.retries.budget, routing.retries.budget_floor),
        (0.2, 10.0)
    );
    assert_eq!((routing.fallbacks.max, routing.retries.per_call), (5, None));
    assert!(routing.fallbacks.general.is_empty());
    assert_eq!(routing.cooldown.time, seconds(5.0));
    assert_eq!(routing.cooldown.allowed_fails, None);
    assert!(!routing.cooldown.disabled && !routing.pre_call_checks);
    assert!(!routing.weighted_failover && !routing.continuation);
    let tags = TagFiltering {
        enabled: false,
        any: true,
    };
    assert_eq!(routing.tags, tags);
    assert_eq!(
        (routing.default_max_parallel, routing.max_waiting),
        (None, 1000)
    );
    assert!(routing.hedging.is_empty());
}

#[test]
fn every_value_of_the_router_arrives() {
    let text = "\
router_settings:
  routing_strategy: latency-based-routing
  routing_strategy_args: {ttl: 60, lowest_latency_buffer: 0.5}
  num_retries: 0
  max_fallbacks: 0
  retry_after: 1.5
  allowed_fails: 0
  cooldown_time: 0
  disable_cooldowns: true
  enable_pre_call_checks: true
  enable_weighted_failover: true
  enable_mid_stream_fallback_continuation: true
  enable_tag_filtering: true
  tag_filtering_match_any: false
  default_max_parallel_requests: 7
litellm_settings: {num_retries: 9, max_fallbacks: 9, allowed_fails: 9, cooldown_time: 9}
gateway:
  retry_budget: {share: 0.5, per_second: 3}
  max_waiting_per_deployment: 11
";
    let routing = settings(text).routing;
    let latency = Strategy::Latency {
        buffer: 0.5,
        ttl: seconds(60.0),
    };
    assert_eq!(routing.strategy, latency);
    assert_eq!(
        (routing.retries.count, routing.retries.wait),
        (0, seconds(1.5))
    );
    assert_eq!(
        (routing.retries.budget, routing.retries.budget_floor),
        (0.5, 3.0)
    );
    assert_eq!(routing.fallbacks.max, 0);
    assert_eq!(routing.cooldown.allowed_fails, Some(0));
    assert_eq!(routing.cooldown.time, Duration::ZERO);
    assert!(routing.cooldown.disabled && routing.pre_call_checks);
    assert!(routing.weighted_failover && routing.continuation);
    assert!(routing.tags.enabled && !routing.tags.any);
    assert_eq!(
        (routing.default_max_parallel, routing.max_waiting),
        (Some(7), 11)
    );
}

#[test]
fn litellm_settings_count_where_the_router_says_nothing() {
    let text = "\
litellm_settings:
  num_retries: 4
  num_retries_per_request: 0
  max_fallbacks: 1
  allowed_fails: 3
  cooldown_time: 30
  fallbacks: [{a: [b]}]
  default_fallbacks: [b]
  context_window_fallbacks: [{b: [a]}]
  content_policy_fallbacks: [{a: [b]}]
";
    let routing = grouped(text).routing;
    assert_eq!((routing.retries.count, routing.fallbacks.max), (4, 1));
    assert_eq!(routing.retries.per_call, Some(0));
    assert_eq!(routing.cooldown.allowed_fails, Some(3));
    assert_eq!(routing.cooldown.time, seconds(30.0));
    assert_eq!(chain(&routing.fallbacks.general, "a"), ["b"]);
    assert_eq!(chain(&routing.fallbacks.general, "*"), ["b"]);
    assert_eq!(chain(&routing.fallbacks.context_window, "b"), ["a"]);
    assert_eq!(chain(&routing.fallbacks.content_policy, "a"), ["b"]);
}

#[test]
fn strategies_have_their_litellm_names_and_the_first_version_is_the_second() {
    for (name, strategy) in [
        ("simple-shuffle", Strategy::SimpleShuffle),
        ("Least-Busy", Strategy::LeastBusy),
        ("usage-based-routing", Strategy::Usage),
        ("usage-based-routing-v2", Strategy::Usage),
        ("cost-based-routing", Strategy::Cost),
    ] {
        let text = format!("router_settings: {{routing_strategy: {name}}}\n");
        assert_eq!(settings(&text).routing.strategy, strategy, "{name}");
    }
}

#[test]
fn fallbacks_are_names_or_mappings_that_change_the_request() {
    let text = "\
router_settings:
  fallbacks:
    - a: [b, {model: openai/a, temperature: 0, messages: [{role: user, content: hi}]}]
    - \"*\": [b-one]
";
    let loaded = load(&format!(
        "{GROUPS}  - {{model_name: \"openai/*\", litellm_params: {{model: \"openai/*\"}}}}\n{text}"
    ));
    assert_eq!(lines(&loaded), Vec::<String>::new());
    let fallbacks = loaded.settings.unwrap().routing.fallbacks;
    assert_eq!(
        chain(&fallbacks.general, "a"),
        [
            "b",
            r#"openai/a{"messages":[{"content":"hi","role":"user"}],"temperature":0}"#
        ]
    );
    assert_eq!(chain(&fallbacks.general, "*"), ["b-one"]);
}

#[test]
fn policies_count_by_kind_of_failure() {
    let text = "\
router_settings:
  retry_policy: {BadRequestErrorRetries: 1, AuthenticationErrorRetries: 0, TimeoutErrorRetries: 2, \
RateLimitErrorRetries: 3, ContentPolicyViolationErrorRetries: 4, InternalServerErrorRetries: 5, \
ServiceUnavailableErrorRetries: 6, NotFoundErrorRetries: 7, DefaultRetries: 8}
  model_group_retry_policy: {a: {RateLimitErrorRetries: 9}}
  allowed_fails_policy: {RateLimitErrorAllowedFails: 100, InternalServerErrorAllowedFails: 20}
";
    let routing = grouped(text).routing;
    let expected = HashMap::from([
        (PolicyKind::BadRequest, 1),
        (PolicyKind::Authentication, 0),
        (PolicyKind::Timeout, 2),
        (PolicyKind::RateLimit, 3),
        (PolicyKind::ContentPolicy, 4),
        (PolicyKind::InternalServer, 5),
        (PolicyKind::Unavailable, 6),
        (PolicyKind::NotFound, 7),
        (PolicyKind::Default, 8),
    ]);
    assert_eq!(routing.retries.policy, expected);
    let of_a = HashMap::from([(PolicyKind::RateLimit, 9)]);
    assert_eq!(routing.retries.group_policies["a"], of_a);
    let allowed = HashMap::from([
        (PolicyKind::RateLimit, 100),
        (PolicyKind::InternalServer, 20),
    ]);
    assert_eq!(routing.cooldown.policy, allowed);
}

fn first(text: &str) -> DeploymentConfig {
    settings(text).deployments.remove(0).config
}

fn said(timer: Option<&Timer>) -> (f64, String) {
    let timer = timer.unwrap();
    let Origin::Config(place) = &timer.origin else {
        panic!("{timer:?}")
    };
    let place = place.rsplit_once("config.yaml:").unwrap().1;
    (timer.limit.as_secs_f64(), place.to_owned())
}

#[test]
fn a_deployments_timers_know_their_lines() {
    let text = "      request_timeout: 0
      ttft_timeout: \"0.01\"
      stream_idle_timeout: 3
      connect_timeout: 0.1
      pool_timeout: 4
      timeout_by_service_tier: {flex: 900, priority: 5}
      stream_timeout_by_service_tier: {priority: 0.5}
";
    let timers = first(text).timers;
    assert_eq!(said(timers.attempt.as_ref()), (0.0, "5:7".into()));
    assert_eq!(said(timers.first_content.as_ref()), (0.01, "6:7".into()));
    assert_eq!(said(timers.idle.as_ref()), (3.0, "7:7".into()));
    assert_eq!(said(timers.connect.as_ref()), (0.1, "8:7".into()));
    assert_eq!(said(timers.pool.as_ref()), (4.0, "9:7".into()));
    let [flex, priority]: [TierTimers; 2] = timers.tiers.try_into().unwrap();
    assert_eq!((&*flex.tier, &*priority.tier), ("flex", "priority"));
    assert_eq!(said(flex.attempt.as_ref()), (900.0, "10:33".into()));
    assert_eq!(flex.first_content, None);
    assert_eq!(said(priority.attempt.as_ref()), (5.0, "10:44".into()));
    assert_eq!(said(priority.first_content.as_ref()).0, 0.5);
}

#[test]
fn a_deployment_says_how_it_is_routed() {
    let text = "      num_retries: 1
      max_retries: 5
      max_parallel_requests: 3
      tags: [paid, eu]
      tag_regex: [\"^User-Agent: claude\"]
      region_name: eu
      cooldown_time: 1.5
      input_cost_per_token: 0.000001
      keepalive_seconds: 1000
      mock_response: hello
      mock_timeout: true
    model_info:
      cooldown_time: 99
      allowed_fails: 0
      allowed_fails_policy: {TimeoutErrorAllowedFails: 2}
      max_input_tokens: 8000
      output_cost_per_token: 0.000002
      supports_assistant_prefill: true
";
    let deployment = settings(text).deployments.remove(0);
    let config = &deployment.config;
    assert_eq!((config.retries, config.max_parallel), (Some(5), Some(3)));
    assert_eq!(config.tags, ["paid", "eu"]);
    assert_eq!(config.tag_patterns, ["^User-Agent: claude"]);
    assert_eq!(config.region.as_deref(), Some("eu"));
    assert_eq!(config.max_input_tokens, Some(8000));
    let price = config.price.unwrap();
    assert_eq!((price.input, price.output), (0.000_001, 0.000_002));
    assert_eq!(config.cooldown.time, Some(seconds(1.5)));
    assert_eq!(config.cooldown.allowed_fails, Some(0));
    let policy = HashMap::from([(PolicyKind::Timeout, 2)]);
    assert_eq!(config.cooldown.policy, Some(policy));
    assert_eq!(config.prefill, Some(true));
    assert!(config.endpoint.defaults.is_empty());
    assert_eq!(deployment.heartbeat, Some(seconds(300.0)));
    assert_eq!(deployment.mock.response, Some("hello".into()));
    assert!(deployment.mock.timeout);
}

#[test]
fn heartbeats_of_a_deployment_keep_within_litellms_bounds_and_zero_is_none() {
    for (said, meant) in [("0.2", 1.0), ("0", 0.0), ("20", 20.0), ("301", 300.0)] {
        let text = format!("      keepalive_seconds: {said}\n");
        let heartbeat = settings(&text).deployments[0].heartbeat;
        assert_eq!(heartbeat, Some(seconds(meant)), "{said}");
        let text = format!("router_settings: {{keepalive_seconds: {said}}}\n");
        let heartbeats = settings(&text).heartbeats;
        assert_eq!(heartbeats.openai.unwrap_or_default(), seconds(meant));
        assert_eq!(heartbeats.anthropic.unwrap_or_default(), seconds(meant));
    }
}

#[test]
fn parameters_of_all_deployments_have_the_lowest_precedence() {
    let shared = "router_settings:\n  default_litellm_params: {timeout: 30, stream_timeout: 3, max_retries: 4, \
                  temperature: 1, seed: 5, tags: [all], api_version: shared}\n";
    let config = first(&format!("      temperature: 0\n{shared}"));
    let defaults = serde_json::Value::Object(config.endpoint.defaults);
    assert_eq!(defaults, serde_json::json!({"temperature": 0, "seed": 5}));
    assert_eq!(config.endpoint.api_version.as_deref(), Some("shared"));
    assert_eq!(config.tags, ["all"]);
    assert_eq!(config.retries, Some(4));
    assert_eq!(said(config.timers.attempt.as_ref()), (30.0, "7:28".into()));
    assert_eq!(said(config.timers.first_content.as_ref()).0, 3.0);
    let own = first(&format!("      timeout: 2\n      num_retries: 0\n{shared}"));
    assert_eq!(said(own.timers.attempt.as_ref()), (2.0, "5:7".into()));
    assert_eq!(own.retries, Some(4));
    // What the router says goes before them.
    let router = "  timeout: 60\n  stream_timeout: 9\n  num_retries: 1\n";
    let config = first(&format!("{shared}{router}"));
    assert_eq!(said(config.timers.attempt.as_ref()).0, 30.0);
    assert_eq!((config.timers.first_content, config.retries), (None, None));
    let config = first(&format!("{shared}{router}  timeout_scope: attempt\n"));
    assert_eq!(config.timers.attempt, None);
}

#[test]
fn a_vertex_location_is_a_region() {
    let config = first("      vertex_location: europe-west1\n");
    assert_eq!(config.region.as_deref(), Some("europe-west1"));
}

#[test]
fn hedging_is_by_group_with_a_fixed_time_or_a_percentile() {
    let text =
        "gateway:\n  hedging: {a: {after_seconds: 0.5, budget: 0.1}, \"*\": {percentile: 90}}\n";
    let hedging = grouped(text).routing.hedging;
    let a = Hedging {
        after: Some(seconds(0.5)),
        quantile: 0.95,
        budget: 0.1,
    };
    assert_eq!(hedging["a"], a);
    let others = Hedging {
        after: None,
        quantile: 0.9,
        budget: 0.05,
    };
    assert_eq!(hedging["*"], others);
}

#[test]
fn admission_is_ours_or_litellms_for_each_worker() {
    let none = settings("gateway: {workers: 1}\n").admission;
    let expected = Admission {
        max_in_flight: None,
        max_queued: 0,
        queue_timeout: seconds(1.0),
        max_parallel: None,
    };
    assert_eq!(none, expected);
    let theirs = "general_settings: {max_in_flight_requests_per_worker: 64, max_parallel_requests: 9, \
                  global_max_parallel_requests: 7}\n";
    let admission = settings(&format!("{theirs}gateway: {{workers: 2}}\n")).admission;
    assert_eq!(
        (admission.max_in_flight, admission.max_queued),
        (Some(128), 128)
    );
    assert_eq!(admission.max_parallel, Some(7));
    let both = "general_settings: {max_in_flight_requests_per_worker: 64, max_queued_requests_per_worker: 2, \
                admission_queue_timeout_seconds: 0.5}\ngateway: {workers: 2, max_in_flight: 10";
    let admission = settings(&format!("{both}}}\n")).admission;
    assert_eq!(
        (admission.max_in_flight, admission.max_queued),
        (Some(10), 4)
    );
    assert_eq!(admission.queue_timeout, seconds(0.5));
    let ours = settings(&format!("{both}, max_queued: 3, queue_timeout: 2}}\n")).admission;
    assert_eq!((ours.max_queued, ours.queue_timeout), (3, seconds(2.0)));
}

#[test]
fn mocks_are_for_holders_of_a_master_key_or_where_the_operator_says_so() {
    assert!(settings("").mocks);
    let open = "general_settings: {master_key: \"\"}\n";
    assert!(!settings(open).mocks);
    let text = "general_settings: {master_key: \"\", dangerously_allow_mock_testing_request_params: true}\n";
    assert!(settings(text).mocks);
}

/// A text behind the groups, which end on line 4, and the places and codes of its problems.
const CASES: &[(&str, &[&str])] = &[
    // Groups that are not there: LiteLLM runs with them.
    (
        "router_settings:\n  fallbacks: [{a: [c]}]\n",
        &["6:20 unknown_group"],
    ),
    (
        "router_settings:\n  fallbacks: [{c: [a]}]\n",
        &["6:16 unknown_group"],
    ),
    ("router_settings:\n  fallbacks: [{openai/a: [b]}]\n", &[]),
    (
        "router_settings:\n  default_fallbacks: [c]\n",
        &["6:23 unknown_group"],
    ),
    (
        "litellm_settings:\n  context_window_fallbacks: [{a: [{model: c}]}]\n",
        &["6:43 unknown_group"],
    ),
    (
        "router_settings:\n  model_group_retry_policy: {c: {DefaultRetries: 1}}\n",
        &["6:30 unknown_group"],
    ),
    ("gateway:\n  hedging: {c: {}}\n", &["6:13 unknown_group"]),
    (
        "router_settings:\n  fallbacks: [{b-one: [a]}]\n",
        &["6:16 unknown_group"],
    ),
    (
        "router_settings:\n  model_group_retry_policy: {\"*\": {DefaultRetries: 1}}\n",
        &["6:30 unknown_group"],
    ),
    (
        "router_settings: {model_group_alias: {q: a}, fallbacks: [{q: [b]}, {b: [q]}], model_group_retry_policy: {q: {}}}\n",
        &["5:106 unknown_group"],
    ),
    // What changes nothing.
    (
        "router_settings:\n  fallbacks: [{a: [a, b]}]\n",
        &["6:20 no_effect"],
    ),
    (
        "router_settings:\n  fallbacks: [{a: [b, b]}]\n",
        &["6:23 no_effect"],
    ),
    (
        "router_settings:\n  fallbacks: [{a: [b]}, {a: [b-one]}]\n",
        &["6:26 no_effect"],
    ),
    (
        "router_settings:\n  fallbacks: [{\"*\": [a]}]\n  default_fallbacks: [b]\n",
        &["7:3 no_effect"],
    ),
    (
        "router_settings: {fallbacks: [{a: [b]}]}\nlitellm_settings: {fallbacks: [{b: [a]}]}\n",
        &["6:20 no_effect"],
    ),
    (
        "router_settings: {fallbacks: []}\nlitellm_settings: {fallbacks: [{b: [a]}]}\n",
        &[],
    ),
    (
        "router_settings: {timeout: 5}\nlitellm_settings: {request_timeout: 4}\n",
        &["6:20 no_effect"],
    ),
    (
        "router_settings:\n  routing_strategy_args: {ttl: 4}\n",
        &["6:3 no_effect"],
    ),
    ("gateway:\n  hedging: {b: {}}\n", &["6:13 no_effect"]),
    // Keys and values that are not there.
    (
        "router_settings:\n  routing_strategy: least-bussy\n",
        &["6:21 !invalid_value"],
    ),
    (
        "router_settings:\n  routing_strategy: lar1\n",
        &["6:3 ignored_key"],
    ),
    (
        "router_settings:\n  routing_strategy: latency-based-routing\n  routing_strategy_args: {ttl: 4, tll: 3, max_latency_list_size: 4}\n",
        &["7:35 unknown_key", "7:43 ignored_key"],
    ),
    (
        "router_settings:\n  retry_policy: {TimeoutErrorRetry: 1}\n",
        &["6:18 unknown_key"],
    ),
    (
        "router_settings:\n  model_group_retry_policy: {a: {TimeoutRetries: 1}}\n",
        &["6:34 unknown_key"],
    ),
    (
        "router_settings:\n  allowed_fails_policy: {TimeoutErrorRetries: 1}\n",
        &["6:26 unknown_key"],
    ),
    (
        "router_settings:\n  fallbacks: [{a: [{model: b, api_key: sk-x, timeout: 3}]}]\n",
        &["6:31 ignored_key", "6:46 ignored_key"],
    ),
    (
        "gateway:\n  hedging: {a: {after: 1}}\n",
        &["6:17 unknown_key"],
    ),
    // Wrong types and numbers, all at once.
    (
        "router_settings:\n  fallbacks: [a, {a: b}, {a: [1], b: [a]}, {b: [{temperature: 1}, 3]}]\n",
        &[
            "6:15 !wrong_type",
            "6:19 !wrong_type",
            "6:26 !wrong_type",
            "6:49 !wrong_type",
            "6:67 !wrong_type",
        ],
    ),
    (
        "router_settings:\n  retry_policy: {TimeoutErrorRetries: -1}\n  num_retries: -1\n  retry_after: -1\n",
        &[
            "6:39 !out_of_range",
            "7:16 !out_of_range",
            "8:16 !out_of_range",
        ],
    ),
    (
        "router_settings:\n  model_group_retry_policy: {a: 3}\n",
        &["6:30 !wrong_type"],
    ),
    (
        "gateway:\n  hedging: {a: {percentile: 0.95}, b: 3}\n",
        &["6:29 !out_of_range", "6:36 !wrong_type"],
    ),
    (
        "gateway:\n  hedging: {a: {after_seconds: 1, percentile: 95}}\n",
        &["6:35 !invalid_value"],
    ),
    (
        "gateway:\n  retry_budget: {share: -1, per_second: x}\n  max_in_flight: 0\n",
        &[
            "6:25 !out_of_range",
            "6:41 !wrong_type",
            "7:18 !out_of_range",
        ],
    ),
    (
        "general_settings:\n  max_in_flight_requests_per_worker: many\n",
        &["6:38 !wrong_type"],
    ),
];

#[test]
fn problems_of_routing_are_where_they_are() {
    let mut wrong = Vec::new();
    for (text, expected) in CASES {
        let loaded = load(&format!("{GROUPS}{text}"));
        let found = places(&loaded);
        if found != *expected {
            wrong.push(format!(
                "{text}{found:?}\n{expected:?}\n{:?}",
                lines(&loaded)
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn a_misspelt_group_or_policy_gets_its_nearest_name() {
    let text =
        "router_settings: {fallbacks: [{fats: [slow]}], retry_policy: {TimeoutErorRetries: 1}}\n";
    assert_eq!(
        lines(&load_with_model(text)),
        [
            "`fallbacks` has an entry for `fats`, which is no model group | did you mean `fast`?",
            "`fallbacks` leads to `slow`, which no deployment serves | ",
            "unknown key `TimeoutErorRetries` in a retry policy | did you mean `TimeoutErrorRetries`?",
        ]
    );
}

#[test]
fn what_is_said_for_another_name_of_a_group_is_sent_to_the_group() {
    let text = "router_settings: {model_group_alias: {q: fast}}\ngateway: {hedging: {q: {}}}\n";
    assert_eq!(
        lines(&load_with_model(text)),
        ["`hedging` has an entry for `q`, which is no model group | it stands for `fast`"]
    );
}

#[test]
fn a_group_with_levels_for_some_says_so() {
    let text = "  - {model_name: a, litellm_params: {model: openai/a3, order: 1}}\n";
    let loaded = load(&format!("{GROUPS}{text}"));
    assert_eq!(places(&loaded), ["5:56 weak"]);
}

#[test]
fn tiers_are_seconds() {
    let loaded = load_with_model("      timeout_by_service_tier: {flex: soon, auto: -1}\n");
    assert_eq!(places(&loaded), ["5:33 !wrong_type", "5:45 !out_of_range"]);
}
