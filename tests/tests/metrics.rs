//! The metrics of the real binary: values after calls of known outcome, formats, names, and that clients cannot make series.

// The exception in clippy.toml reaches test functions only, not what they share.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use end_to_end::call::{self, Carry};
use end_to_end::command::{self, Done};
use end_to_end::{Gateway, Setup, Stream, binary};
use gateway_testkit::client::{Http1Client, Request};
use gateway_testkit::dialect::{Dialects, Wire};
use gateway_testkit::script::{Gate, ResponseHead, Script};
use gateway_testkit::upstream::{Recorded, Upstream};
use serde_json::{Value, json};
use tempfile::TempDir;

const KEY: &str = "sk-master-of-this-test";

/// What the provider does for a model of this name.
fn behave(request: &Recorded) -> Script {
    match request.json()["model"].as_str().unwrap() {
        "limited" => {
            let head = ResponseHead::json(429).with("x-ratelimit-remaining-requests", "0");
            let head = head.with("x-ratelimit-remaining-tokens", "1200");
            let body = Wire::OpenAiChat.error_body(429, "slower").to_string();
            Script::new().head(head).bytes(body).end()
        }
        "cut" => Stream::answering(request).begun(2).close(),
        _ => Dialects::default().answer(request),
    }
}

/// One deployment each for `good`, `limited`, `cut` and everything that begins with `wild/`.
async fn world(change: impl FnOnce(Setup) -> Setup) -> (Upstream, Gateway) {
    let upstream = Upstream::answering(behave).await;
    let mut setup = Setup::new();
    for (group, model) in [
        ("good", "good"),
        ("limited", "limited"),
        ("cut", "cut"),
        ("wild/*", "*"),
    ] {
        let base = format!("{}/v1", upstream.url());
        let params = json!({"model": format!("openai/{model}"), "api_base": base, "api_key": "k", "rpm": 600,
            "input_cost_per_token": 0.5, "output_cost_per_token": 0.25});
        let id = format!("{model}-1");
        setup = setup.entry(
            json!({"model_name": group, "litellm_params": params, "model_info": {"id": id}}),
        );
    }
    (upstream, change(setup).start().await)
}

/// Three answers in one piece, two streams, a limit, a stream that breaks off and a model that is not there.
async fn calls(gateway: &Gateway) -> Vec<Value> {
    let plain = |model| call::plain(Wire::OpenAiChat, "hello").model(model);
    let stream = |model| call::streaming(Wire::OpenAiChat, "hello").model(model);
    let mut records = Vec::new();
    for request in [
        plain("good"),
        plain("good"),
        plain("good"),
        stream("good"),
        stream("good"),
        plain("limited"),
        stream("cut"),
        plain("nobody"),
    ] {
        records.push(call::call(gateway, Carry::Http1, request).await.1);
    }
    records
}

/// Every sample by its series.
fn samples(text: &str) -> BTreeMap<String, f64> {
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let (series, value) = line.rsplit_once(' ').unwrap();
            (series.to_owned(), value.parse().unwrap())
        })
        .collect()
}

async fn scrape(gateway: &Gateway) -> String {
    let view = gateway.get("/metrics").await;
    assert_eq!(view.status, 200, "{view:?}");
    String::from_utf8(view.body.to_vec()).unwrap()
}

fn assert_samples(text: &str, wanted: &[(&str, f64)]) {
    let samples = samples(text);
    for (series, value) in wanted {
        assert_eq!(samples.get(*series), Some(value), "{series}\n{text}");
    }
}

#[tokio::test]
async fn calls_of_known_outcome_have_exact_values() {
    let (_upstream, gateway) = world(|it| it).await;
    let records = calls(&gateway).await;
    let good = || records.iter().filter(|it| it["group"] == "good");
    let tokens = |key: &str| -> f64 { good().filter_map(|it| it[key].as_f64()).sum() };
    let (input, output) = (tokens("input_tokens"), tokens("output_tokens"));
    assert!(input > 0.0 && output > 0.0, "{records:#?}");
    let text = scrape(&gateway).await;
    assert_samples(&text, EXACT);
    assert_samples(
        &text,
        &[
            (
                r#"gateway_tokens_total{model="good",deployment="good-1",kind="input"}"#,
                input,
            ),
            (
                r#"gateway_tokens_total{model="good",deployment="good-1",kind="output"}"#,
                output,
            ),
            (
                r#"gateway_cost_usd_total{model="good",deployment="good-1"}"#,
                input * 0.5 + output * 0.25,
            ),
        ],
    );
}

/// What those calls leave behind, but for tokens and dollars.
const EXACT: &[(&str, f64)] = &[
    (
        r#"gateway_calls_total{api="openai_chat",model="good",end="complete"}"#,
        5.0,
    ),
    (
        r#"gateway_calls_total{api="openai_chat",model="limited",end="upstream_error"}"#,
        1.0,
    ),
    (
        r#"gateway_calls_total{api="openai_chat",model="cut",end="truncated"}"#,
        1.0,
    ),
    (
        r#"gateway_calls_total{api="openai_chat",model="other",end="rejected"}"#,
        1.0,
    ),
    (r#"gateway_calls_active{api="openai_chat"}"#, 0.0),
    (
        r#"gateway_call_duration_seconds_count{api="openai_chat"}"#,
        8.0,
    ),
    (r#"gateway_overhead_seconds_count{api="openai_chat"}"#, 8.0),
    (
        r#"gateway_time_to_first_content_seconds_count{api="openai_chat"}"#,
        6.0,
    ),
    (
        r#"gateway_streams_ended_total{model="good",end="complete"}"#,
        2.0,
    ),
    (
        r#"gateway_streams_ended_total{model="cut",end="truncated"}"#,
        1.0,
    ),
    ("gateway_streams_active", 0.0),
    (
        r#"gateway_attempts_total{model="good",deployment="good-1",kind="first",outcome="answered"}"#,
        5.0,
    ),
    (
        r#"gateway_attempts_total{model="limited",deployment="limited-1",kind="first",outcome="rate_limit"}"#,
        1.0,
    ),
    (
        r#"gateway_attempt_duration_seconds_count{model="good",deployment="good-1"}"#,
        5.0,
    ),
    (
        r#"gateway_attempt_first_content_seconds_count{model="good",deployment="good-1"}"#,
        2.0,
    ),
    (
        r#"gateway_deployment_quota_remaining{model="limited",deployment="limited-1",quota="requests"}"#,
        0.0,
    ),
    (
        r#"gateway_deployment_quota_remaining{model="limited",deployment="limited-1",quota="tokens"}"#,
        1200.0,
    ),
    (
        r#"gateway_deployment_attempts_active{model="good",deployment="good-1"}"#,
        0.0,
    ),
    (
        r#"gateway_deployment_state{model="good",deployment="good-1",state="ready"}"#,
        1.0,
    ),
    ("gateway_config_generation", 1.0),
    ("gateway_config_last_reload_successful", 1.0),
    ("gateway_draining", 0.0),
    ("gateway_metrics_overflowed_total", 0.0),
];

#[tokio::test]
async fn a_stream_is_active_from_its_begin_to_its_end_and_the_process_is_described() {
    let gate = Gate::new();
    let upstream = Stream::held_after_one(&gate).await;
    let gateway = Setup::serving(&upstream.url()).start().await;
    let request = call::streaming(Wire::OpenAiChat, "hello");
    let (request, id) = call::named(request);
    let mut live = call::Live::open(&gateway, Carry::Http1, &request).await;
    live.head().await.unwrap();
    live.content().await;
    let text = scrape(&gateway).await;
    assert_samples(&text, &[("gateway_streams_active", 1.0)]);
    let samples = samples(&text);
    let of = |name: &str| {
        *samples
            .get(name)
            .unwrap_or_else(|| panic!("{name}\n{text}"))
    };
    let usage = gateway.usage();
    assert!(of("process_open_fds") >= 8.0 && of("process_open_fds") <= of("process_max_fds"));
    let resident = of("process_resident_memory_bytes");
    assert!((1e6..1e9).contains(&resident), "{resident} {usage:?}");
    assert!(of("process_cpu_seconds_total") > 0.0);
    assert!(of("process_start_time_seconds") > 1.7e9);
    assert!(of(r#"gateway_runtime_tasks{worker="1"}"#) >= 0.0);
    assert!(of(r#"gateway_runtime_busy_seconds_total{worker="0"}"#) > 0.0);
    gate.open();
    live.rest().await;
    gateway.record(&id).await;
    assert_samples(&scrape(&gateway).await, &[("gateway_streams_active", 0.0)]);
}

#[tokio::test]
async fn the_format_is_the_one_that_the_scraper_asks_for() {
    let (_upstream, gateway) = world(|it| it).await;
    let ask = async |accept: Option<&str>| {
        let request = Request::get("/metrics");
        let request = accept
            .iter()
            .fold(request, |it, accept| it.with("accept", accept));
        gateway.answer(&request).await
    };
    let view = ask(None).await;
    assert_eq!(
        view.header("content-type"),
        Some("text/plain; version=0.0.4; charset=utf-8")
    );
    let text = String::from_utf8(view.body.to_vec()).unwrap();
    assert!(
        text.contains("# TYPE gateway_calls_total counter"),
        "{text}"
    );
    let view = ask(Some(
        "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5",
    ))
    .await;
    assert_eq!(
        view.header("content-type"),
        Some("application/openmetrics-text; version=1.0.0; charset=utf-8")
    );
    let text = String::from_utf8(view.body.to_vec()).unwrap();
    assert!(
        text.contains("# TYPE gateway_calls counter") && text.ends_with("# EOF\n"),
        "{text}"
    );
}

#[tokio::test]
async fn metrics_ask_for_the_key_where_the_configuration_says_so() {
    for (path, said) in [
        ("gateway.metrics.require_key", true),
        ("litellm_settings.require_auth_for_metrics_endpoint", true),
        ("litellm_settings.require_auth_for_metrics_endpoint", false),
    ] {
        let (_upstream, gateway) = world(|it| it.master_key(KEY).set(path, json!(said))).await;
        let status = async |request: Request| gateway.answer(&request).await.status;
        let closed = if said { 401 } else { 200 };
        assert_eq!(status(Request::get("/metrics")).await, closed, "{path}");
        assert_eq!(
            status(Request::get("/metrics").bearer("sk-wrong")).await,
            closed
        );
        assert_eq!(status(Request::get("/metrics").bearer(KEY)).await, 200);
        assert_eq!(status(Request::get("/health/liveliness")).await, 200);
    }
}

#[tokio::test]
async fn a_thousand_names_that_clients_make_up_make_no_series() {
    let (_upstream, gateway) =
        world(|it| it.set("gateway.metrics.litellm_compat", json!(true))).await;
    let mut client = Http1Client::connect(gateway.addr()).await;
    let mut last = String::new();
    let mut ask = async |model: &str| {
        let (request, id) = call::named(call::plain(Wire::OpenAiChat, "hello").model(model));
        client.call(&request).await;
        last = id;
    };
    for model in ["made-up", "wild/first"] {
        ask(model).await;
    }
    let before = samples(&scrape(&gateway).await);
    for number in 0..1000 {
        ask(&format!("made-up-{number}")).await;
    }
    for number in 0..50 {
        ask(&format!("wild/{number}")).await;
    }
    gateway.record(&last).await;
    let text = scrape(&gateway).await;
    let after = samples(&text);
    let new: Vec<_> = after
        .keys()
        .filter(|it| !before.contains_key(*it))
        .collect();
    assert!(new.is_empty(), "{new:#?}");
    assert!(
        !text.contains("made-up") && !text.contains("wild/0"),
        "{text}"
    );
    assert_samples(
        &text,
        &[
            (
                r#"gateway_calls_total{api="openai_chat",model="other",end="rejected"}"#,
                1001.0,
            ),
            (
                r#"gateway_calls_total{api="openai_chat",model="wild/*",end="complete"}"#,
                51.0,
            ),
        ],
    );
}

#[tokio::test]
async fn a_reload_is_told_and_what_it_removes_keeps_its_counters_for_a_while() {
    let mut file = PathBuf::new();
    let mut config = Value::Null;
    let (_upstream, gateway) = world(|it| {
        file = it.write();
        config = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        it.master_key(KEY)
    })
    .await;
    let gateway = gateway.with_key(KEY);
    let good = call::plain(Wire::OpenAiChat, "hello")
        .model("good")
        .bearer(KEY);
    call::call(&gateway, Carry::Http1, good).await;
    config["general_settings"] = json!({"master_key": KEY});
    config["model_list"].as_array_mut().unwrap().remove(0);
    let reload = async |text: String| {
        fs::write(&file, text).unwrap();
        let request = Request::post("/admin/reload", &json!({})).bearer(KEY);
        gateway.answer(&request).await
    };
    reload(config.to_string()).await;
    let text = scrape(&gateway).await;
    assert_samples(
        &text,
        &[
            ("gateway_config_generation", 2.0),
            ("gateway_config_last_reload_successful", 1.0),
            (
                r#"gateway_calls_total{api="openai_chat",model="good",end="complete"}"#,
                1.0,
            ),
        ],
    );
    assert!(
        !text.contains("gateway_deployment_info{model=\"good\""),
        "{text}"
    );
    reload("model_list: [".to_owned()).await;
    assert_samples(
        &scrape(&gateway).await,
        &[
            ("gateway_config_generation", 2.0),
            ("gateway_config_last_reload_successful", 0.0),
        ],
    );
}

/// Runs `promtool` in a folder of its own.
async fn promtool(folder: &Path, args: &[&str]) -> Done {
    let mut command = tokio::process::Command::new("promtool");
    command.current_dir(folder).args(args);
    command::finish(command).await
}

#[tokio::test]
async fn promtool_finds_nothing_to_complain_about() {
    for compat in [false, true] {
        let (_upstream, gateway) =
            world(|it| it.set("gateway.metrics.litellm_compat", json!(compat))).await;
        calls(&gateway).await;
        let folder = TempDir::with_prefix("metrics-").unwrap();
        fs::write(folder.path().join("metrics"), scrape(&gateway).await).unwrap();
        let mut check = tokio::process::Command::new("sh");
        check.args(["-c", "promtool check metrics < metrics"]);
        check.current_dir(folder.path());
        let done = command::finish(check).await;
        assert_eq!(done.code, Some(0), "{done:#?}");
        assert_eq!(
            (done.stdout.as_str(), done.stderr.as_str()),
            ("", ""),
            "{compat}"
        );
    }
}

#[tokio::test]
async fn the_alerts_are_well_formed_and_each_fires_for_what_it_is_about() {
    let folder = binary::workspace().join("ops/prometheus");
    for args in [
        ["check", "rules", "alerts.yaml"],
        ["test", "rules", "alerts.test.yaml"],
    ] {
        let done = promtool(&folder, &args).await;
        assert_eq!(done.code, Some(0), "{done:#?}");
    }
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    let (rules, tests) = (read("alerts.yaml"), read("alerts.test.yaml"));
    let alerts: Vec<_> = rules
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- alert: "))
        .collect();
    assert!(alerts.len() >= 10, "{alerts:?}");
    for alert in alerts {
        assert!(tests.contains(&format!("alertname: {alert}\n")), "{alert}");
    }
}

/// Every expression of a dashboard, with values in place of its variables.
fn expressions(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                match member.as_str().filter(|_| key == "expr") {
                    Some(text) => found.push(
                        text.replace("$__rate_interval", "5m")
                            .replace("$__interval", "5m"),
                    ),
                    None => expressions(member, found),
                }
            }
        }
        Value::Array(all) => all.iter().for_each(|it| expressions(it, found)),
        _ => {}
    }
}

#[tokio::test]
async fn every_expression_of_the_dashboard_can_be_asked() {
    let path = binary::workspace().join("ops/grafana/gateway.json");
    let dashboard: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let mut found = Vec::new();
    expressions(&dashboard, &mut found);
    assert!(found.len() > 50, "{}", found.len());
    let rules: Vec<_> = found
        .iter()
        .enumerate()
        .map(
            |(number, expression)| json!({"record": format!("panel:{number}"), "expr": expression}),
        )
        .collect();
    let folder = TempDir::with_prefix("metrics-").unwrap();
    let file = json!({"groups": [{"name": "dashboard", "rules": rules}]});
    // JSON is YAML.
    fs::write(folder.path().join("rules.yaml"), file.to_string()).unwrap();
    let done = promtool(folder.path(), &["check", "rules", "rules.yaml"]).await;
    assert_eq!(done.code, Some(0), "{done:#?}");
}

/// The metrics that the queries of LiteLLM's published dashboards ask for and that are about something which exists here.
const ASKED_BY_LITELLM: &[&str] = &[
    "litellm_proxy_total_requests_metric_total",
    "litellm_proxy_failed_requests_metric_total",
    "litellm_requests_metric_total",
    "litellm_llm_api_failed_requests_metric_total",
    "litellm_in_flight_requests",
    "litellm_request_queue_time_seconds_bucket",
    "litellm_request_total_latency_metric_bucket",
    "litellm_request_total_latency_metric_sum",
    "litellm_request_total_latency_metric_count",
    "litellm_llm_api_latency_metric_bucket",
    "litellm_llm_api_time_to_first_token_metric_bucket",
    "litellm_overhead_latency_metric_bucket",
    "litellm_spend_metric_total",
    "litellm_total_tokens_metric_total",
    "litellm_input_tokens_metric_total",
    "litellm_output_tokens_metric_total",
    "litellm_deployment_state",
    "litellm_deployment_rpm_limit",
    "litellm_deployment_cooled_down_total",
    "litellm_deployment_success_responses_total",
    "litellm_deployment_failure_responses_total",
    "litellm_deployment_total_requests_total",
    "litellm_deployment_latency_per_output_token_bucket",
    "litellm_deployment_successful_fallbacks_total",
    "litellm_remaining_requests_metric",
    "litellm_remaining_tokens_metric",
];

#[tokio::test]
async fn the_queries_of_litellms_dashboards_find_their_series() {
    let callbacks = json!(["prometheus"]);
    let fallbacks = json!([{"limited": ["good"]}]);
    let (_upstream, gateway) = world(|it| {
        it.set("litellm_settings.callbacks", callbacks)
            .set("router_settings.fallbacks", fallbacks)
    })
    .await;
    let records = calls(&gateway).await;
    let text = scrape(&gateway).await;
    litellms_values(&text, &records);
    let samples = samples(&text);
    for name in ASKED_BY_LITELLM {
        let begins = |series: &String| {
            let rest = series.strip_prefix(name);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('{'))
        };
        assert!(samples.keys().any(begins), "{name}\n{text}");
    }
}

/// Checks what those calls leave behind under LiteLLM's names.
fn litellms_values(text: &str, records: &[Value]) {
    let samples = samples(text);
    let tokens = |key: &str| -> f64 {
        let good = records.iter().filter(|it| it["group"] == "good");
        good.filter_map(|it| it[key].as_f64()).sum()
    };
    let base = samples
        .keys()
        .find(|it| it.starts_with("litellm_deployment_state"));
    let base = base.unwrap().split("api_base=\"").nth(1).unwrap();
    let base = base.split('"').next().unwrap();
    let deployment = format!(
        r#"model_group="good",requested_model="good",litellm_model_name="good",model_id="good-1",api_base="{base}",api_provider="openai""#
    );
    let successes = format!("litellm_deployment_success_responses_total{{{deployment}}}");
    let route = r#"route="/v1/chat/completions""#;
    let request = |model: &str, id: &str| {
        format!(
            r#"litellm_proxy_total_requests_metric_total{{requested_model="{model}",status_code="200",{route},model_id="{id}",api_provider="openai"}}"#
        )
    };
    assert_samples(text, LITELLMS);
    assert_samples(
        text,
        &[
            (&request("good", "good-1"), 5.0),
            (&request("limited", "good-1"), 1.0),
            (&request("cut", "cut-1"), 1.0),
            (
                &format!(
                    r#"litellm_proxy_total_requests_metric_total{{requested_model="other",status_code="400",{route}}}"#
                ),
                1.0,
            ),
            (
                &format!(
                    r#"litellm_proxy_failed_requests_metric_total{{requested_model="cut",exception_status="500",exception_class="Openai.APIConnectionError",{route},model_id="cut-1",api_provider="openai"}}"#
                ),
                1.0,
            ),
            (
                &format!(
                    r#"litellm_proxy_failed_requests_metric_total{{requested_model="other",exception_status="400",exception_class="BadRequestError",{route}}}"#
                ),
                1.0,
            ),
            (&successes, 6.0),
            (
                r#"litellm_input_tokens_metric_total{requested_model="good",model="good",model_id="good-1",api_provider="openai"}"#,
                tokens("input_tokens"),
            ),
            (
                r#"litellm_total_tokens_metric_total{requested_model="good",model="good",model_id="good-1",api_provider="openai"}"#,
                tokens("input_tokens") + tokens("output_tokens"),
            ),
        ],
    );
}

/// What of it is the same wherever the doubles listen.
const LITELLMS: &[(&str, f64)] = &[
    (
        r#"litellm_deployment_successful_fallbacks_total{requested_model="limited",fallback_model="good"}"#,
        1.0,
    ),
    (
        r#"litellm_request_total_latency_metric_count{model_group="good",requested_model="good",model="good",model_id="good-1",api_provider="openai"}"#,
        5.0,
    ),
    (
        r#"litellm_llm_api_time_to_first_token_metric_count{model_group="good",requested_model="good",model="good",model_id="good-1",api_provider="openai"}"#,
        2.0,
    ),
    ("litellm_in_flight_requests", 0.0),
];

#[tokio::test]
async fn litellms_names_are_off_where_nobody_wants_them() {
    for change in [
        json!({}),
        json!({"litellm_settings": {"callbacks": ["langfuse"]}}),
        json!({"litellm_settings": {"callbacks": "prometheus"}, "gateway": {"metrics": {"litellm_compat": false}}}),
    ] {
        let (_upstream, gateway) = world(|mut it| {
            for (section, keys) in change.as_object().unwrap() {
                for (key, value) in keys.as_object().unwrap() {
                    it = it.set(&format!("{section}.{key}"), value.clone());
                }
            }
            it
        })
        .await;
        calls(&gateway).await;
        let text = scrape(&gateway).await;
        assert!(!text.contains("litellm_"), "{change} {text}");
    }
}
