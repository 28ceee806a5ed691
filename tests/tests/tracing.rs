//! Traces as others see them: OpenTelemetry's own messages judge what a collector got, its SDK what clients and upstreams say to
//! each other. And the log: its level, its calls, its look at a terminal.

// The exception in clippy.toml reaches test functions only, not what they share.
#![allow(clippy::unwrap_used)]

use std::collections::HashSet;
use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use end_to_end::{Gateway, PATIENCE, Setup, binary, python};
use gateway_testkit::client::Request;
use gateway_testkit::dialect::Dialects;
use gateway_testkit::script::{ResponseHead, Script};
use gateway_testkit::upstream::{Recorded, Refused, Upstream};
use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";
const PINS: &str = "opentelemetry.txt";

fn traceparent(flags: &str) -> String {
    format!("00-{TRACE}-{PARENT}-{flags}")
}

/// A collector that takes everything.
async fn collector() -> Upstream {
    Upstream::answering(|_| Script::answer(200, "application/x-protobuf", "")).await
}

/// A provider of all dialects whose first so many answers are refusals.
async fn provider(refusals: usize) -> Upstream {
    let answered = AtomicUsize::new(0);
    Upstream::answering(move |request| {
        if answered.fetch_add(1, Ordering::Relaxed) < refusals {
            let error = json!({"error": {"message": "Busy.", "type": "server_error"}});
            return Script::json(503, &error);
        }
        Dialects::default().answer(request)
    })
    .await
}

/// A gateway that tells this collector of its calls, soon.
fn traced(provider: &Upstream, collector: &str) -> Setup {
    Setup::routed()
        .double(&provider.url(), &json!({}))
        .set("router_settings.num_retries", json!(2))
        .set("gateway.tracing.endpoint", json!(collector))
        .env("OTEL_BSP_SCHEDULE_DELAY", "50")
}

/// The spans that the collector has got, as OpenTelemetry's messages read them.
async fn decoded(exports: &[std::sync::Arc<Recorded>]) -> Vec<Value> {
    let folder = TempDir::with_prefix("spans-").unwrap();
    let mut files = Vec::new();
    for (number, export) in exports.iter().enumerate() {
        assert_eq!(export.method, "POST");
        assert_eq!(export.path(), "/v1/traces");
        assert_eq!(
            export.header("content-type"),
            Some("application/x-protobuf")
        );
        let file = folder.path().join(number.to_string());
        fs::write(&file, &export.body).unwrap();
        files.push(file.display().to_string());
    }
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    python::run_with(PINS, "otel_spans.py", &files).await
}

/// The same, as soon as there are so many.
async fn spans(collector: &Upstream, wanted: usize) -> Vec<Value> {
    let until = Instant::now() + PATIENCE;
    let mut exports = 1;
    loop {
        let requests = collector.requests_reach(exports).await;
        let spans = decoded(&requests).await;
        if spans.len() >= wanted {
            assert_eq!(spans.len(), wanted, "{spans:#?}");
            return spans;
        }
        assert!(Instant::now() < until, "{spans:#?}");
        exports = requests.len() as u64 + 1;
    }
}

fn text<'v>(span: &'v Value, name: &str) -> &'v str {
    span["attributes"][name].as_str().unwrap_or_default()
}

async fn ask(gateway: &Gateway, request: Request) -> u16 {
    gateway.answer(&request).await.status
}

#[tokio::test]
async fn a_call_and_its_attempts_are_spans_that_hang_together() {
    let (provider, collector) = (provider(1).await, collector().await);
    let gateway = traced(&provider, &collector.url())
        .set(
            "gateway.tracing.headers",
            json!({"x-key": "os.environ/KEY"}),
        )
        .set("gateway.tracing.service_name", json!("mine"))
        .env("OTEL_RESOURCE_ATTRIBUTES", "team=llm")
        .env("KEY", "collector-secret")
        .start()
        .await;
    let request = Request::chat("a prompt that nobody tells")
        .with("x-litellm-call-id", "one")
        .with("user-agent", "test/1")
        .with("traceparent", &traceparent("01"))
        .with("tracestate", "vendor=a, other=b");
    assert_eq!(ask(&gateway, request).await, 200);
    let spans = spans(&collector, 3).await;
    let [call, first, second] = &spans[..] else {
        panic!("{spans:#?}");
    };
    for span in &spans {
        assert_eq!(span["trace_id"], TRACE);
        assert_eq!(span["state"], "vendor=a,other=b");
        assert_eq!(span["resource"]["service.name"], "mine");
        assert_eq!(span["resource"]["team"], "llm");
        assert!(span["started"].as_u64() <= span["ended"].as_u64());
        assert!(call["started"].as_u64() <= span["started"].as_u64());
        assert!(span["ended"].as_u64() <= call["ended"].as_u64());
        assert!(span["flags"].as_u64().unwrap() & 1 == 1);
    }
    is_the_calls(call);
    are_the_attempts([first, second], call, &provider);
    // Each attempt's span is what its upstream was told.
    for (told, attempt) in provider.requests().iter().zip([first, second]) {
        let id = attempt["span_id"].as_str().unwrap();
        let expected = format!("00-{TRACE}-{id}-01");
        assert_eq!(told.header("traceparent"), Some(&*expected));
        assert_eq!(told.header("tracestate"), Some("vendor=a,other=b"));
    }
    let record = gateway.record("one").await;
    assert_eq!(record["trace_id"], TRACE);
    assert_eq!(record["span_id"], call["span_id"]);
    let export = &collector.requests()[0];
    assert_eq!(export.header("x-key"), Some("collector-secret"));
    let exported = String::from_utf8_lossy(&export.body);
    assert!(!exported.contains("a prompt") && !exported.contains("Busy."));
    assert!(!gateway.lines().concat().contains("collector-secret"));
}

/// The span of a call that was answered after one retry.
fn is_the_calls(call: &Value) {
    assert_eq!(call["parent"], PARENT);
    assert_eq!(call["kind"], "SPAN_KIND_SERVER");
    assert_eq!(call["name"], "POST /v1/chat/completions");
    assert_eq!(call["status"], "STATUS_CODE_UNSET");
    assert_eq!(call["flags"], 0x301);
    for (name, expected) in [
        ("http.route", json!("/v1/chat/completions")),
        ("http.response.status_code", json!(200)),
        ("url.scheme", json!("http")),
        ("client.address", json!("127.0.0.1")),
        ("user_agent.original", json!("test/1")),
        ("gateway.call_id", json!("one")),
        ("gateway.model", json!("double")),
        ("gateway.end", json!("complete")),
        ("gateway.attempts", json!(2)),
        ("gateway.retries", json!(1)),
    ] {
        assert_eq!(call["attributes"][name], expected, "{name}");
    }
}

/// Those of its attempts: one that failed, one that was answered.
fn are_the_attempts([first, second]: [&Value; 2], call: &Value, provider: &Upstream) {
    for attempt in [first, second] {
        assert_eq!(attempt["parent"], call["span_id"]);
        assert_eq!(attempt["kind"], "SPAN_KIND_CLIENT");
        assert_eq!(attempt["name"], "chat double");
        assert_eq!(text(attempt, "gen_ai.operation.name"), "chat");
        assert_eq!(text(attempt, "gen_ai.provider.name"), "openai");
        assert_eq!(text(attempt, "gen_ai.system"), "openai");
        assert_eq!(text(attempt, "gen_ai.request.model"), "double");
        let port = &attempt["attributes"]["server.port"];
        assert_eq!(*port, provider.addr().port());
    }
    assert_eq!(first["status"], "STATUS_CODE_ERROR");
    assert_eq!(text(first, "error.type"), "unavailable");
    assert_eq!(first["attributes"]["http.response.status_code"], 503);
    assert_eq!(second["status"], "STATUS_CODE_UNSET");
    assert_eq!(second["attributes"]["http.request.resend_count"], 1);
    assert!(second["attributes"]["gen_ai.usage.input_tokens"].is_u64());
}

#[tokio::test]
async fn streams_refusals_and_failures_are_told_apart() {
    let (provider, collector) = (provider(0).await, collector().await);
    let gateway = traced(&provider, &collector.url())
        .model(
            "gone",
            &json!({"model": "openai/x", "api_base": "http://127.0.0.1:9/v1", "api_key": "k"}),
        )
        .set("router_settings.num_retries", json!(0))
        .env(
            "OTEL_SEMCONV_STABILITY_OPT_IN",
            "gen_ai_latest_experimental",
        )
        .start()
        .await;
    assert_eq!(ask(&gateway, Request::chat("hi").streaming()).await, 200);
    assert_eq!(ask(&gateway, Request::messages("hi")).await, 200);
    assert_eq!(
        ask(&gateway, Request::chat("hi").model("nobody")).await,
        400
    );
    let failed = ask(&gateway, Request::chat("hi").model("gone")).await;
    assert!(failed >= 500);
    let spans = spans(&collector, 7).await;
    let ids: HashSet<_> = spans.iter().map(|it| it["span_id"].as_str()).collect();
    assert_eq!(ids.len(), 7);
    let of = |index: usize| {
        let calls = spans.iter().filter(|it| it["kind"] == "SPAN_KIND_SERVER");
        let mut calls: Vec<_> = calls.collect();
        calls.sort_by_key(|it| it["started"].as_u64());
        let call = calls[index];
        assert_eq!(call["parent"], "", "nobody asked for a trace");
        let attempt = spans.iter().find(|it| it["parent"] == call["span_id"]);
        (call, attempt)
    };
    let (call, attempt) = of(0);
    let attempt = attempt.unwrap();
    assert_eq!(call["attributes"]["gateway.stream"], true);
    assert_eq!(attempt["attributes"]["gen_ai.request.stream"], true);
    let first_chunk = attempt["attributes"]["gen_ai.response.time_to_first_chunk"].as_f64();
    let took = attempt["ended"].as_u64().unwrap() - attempt["started"].as_u64().unwrap();
    assert!(first_chunk.unwrap() <= Duration::from_nanos(took).as_secs_f64());
    assert_eq!(attempt["attributes"]["gen_ai.system"], Value::Null);
    let (call, attempt) = of(1);
    assert_eq!(call["name"], "POST /v1/messages");
    assert_eq!(text(attempt.unwrap(), "gen_ai.provider.name"), "anthropic");
    // A client that asks for what is not there has made a mistake, and the gateway none.
    let (call, attempt) = of(2);
    assert_eq!(
        (&call["status"], attempt),
        (&json!("STATUS_CODE_UNSET"), None)
    );
    assert_eq!(text(call, "gateway.end"), "rejected");
    let (call, attempt) = of(3);
    assert_eq!(call["status"], "STATUS_CODE_ERROR");
    assert_eq!(attempt.unwrap()["status"], "STATUS_CODE_ERROR");
    assert_eq!(text(attempt.unwrap(), "gateway.delivery"), "not_sent");
}

#[tokio::test]
async fn opentelemetrys_sdk_is_understood_and_understands() {
    let (provider, collector) = (provider(0).await, collector().await);
    let gateway = traced(&provider, &collector.url()).start().await;
    let client = python::run_with(PINS, "otel_client.py", &[&gateway.url()]).await;
    let spans = spans(&collector, 2).await;
    assert_eq!(spans[0]["trace_id"], client[0]["trace_id"]);
    assert_eq!(spans[0]["parent"], client[0]["span_id"]);
    assert_eq!(text(&spans[0], "server.address"), "127.0.0.1");
    let port = &spans[0]["attributes"]["server.port"];
    assert_eq!(*port, gateway.addr().port());
    let told = provider.requests()[0]
        .header("traceparent")
        .unwrap()
        .to_owned();
    let heard = python::run_with(PINS, "otel_client.py", &["-", &told]).await;
    assert_eq!(heard[0]["trace_id"], client[0]["trace_id"]);
    assert_eq!(heard[0]["span_id"], spans[1]["span_id"]);
    assert_eq!(
        (&heard[0]["valid"], &heard[0]["sampled"]),
        (&json!(true), &json!(true))
    );
}

#[tokio::test]
async fn without_a_collector_a_trace_goes_through_as_it_came() {
    let provider = provider(0).await;
    let gateway = Setup::serving(&provider.url()).start().await;
    for (number, (header, passes)) in [
        (traceparent("01"), true),
        (traceparent("00"), true),
        ("00-nonsense".to_owned(), false),
        (traceparent("01").replace("00-4", "ff-4"), false),
    ]
    .into_iter()
    .enumerate()
    {
        let id = format!("call-{number}");
        let request = Request::chat("hi")
            .with("x-litellm-call-id", &id)
            .with("traceparent", &header)
            .with("tracestate", "a=1");
        assert_eq!(ask(&gateway, request).await, 200);
        let told = provider.requests().pop().unwrap();
        let record = gateway.record(&id).await;
        let expected = passes.then_some(&*header);
        assert_eq!(told.header("traceparent"), expected);
        assert_eq!(told.header("tracestate"), passes.then_some("a=1"));
        let trace = if passes { json!(TRACE) } else { Value::Null };
        assert_eq!(record["trace_id"], trace);
        let span = if passes { json!(PARENT) } else { Value::Null };
        assert_eq!(record["span_id"], span);
    }
}

#[tokio::test]
async fn who_is_told_of_a_trace_and_what_is_recorded_is_the_operators_choice() {
    let (provider, collector) = (provider(0).await, collector().await);
    let gateway = traced(&provider, &collector.url())
        .set("gateway.tracing.propagate", json!("never"))
        .set("gateway.tracing.sample_ratio", json!(0))
        .start()
        .await;
    // Neither sampled here nor by the caller; then by the caller.
    for flags in [None, Some("00"), Some("01")] {
        let mut request = Request::chat("hi");
        if let Some(flags) = flags {
            request = request.with("traceparent", &traceparent(flags));
        }
        assert_eq!(ask(&gateway, request).await, 200);
    }
    let spans = spans(&collector, 2).await;
    assert_eq!(spans[0]["parent"], PARENT);
    for told in provider.requests() {
        assert_eq!(told.header("traceparent"), None);
    }
}

#[tokio::test]
async fn what_waits_is_exported_before_the_process_ends() {
    let (provider, collector) = (provider(0).await, collector().await);
    let mut gateway = traced(&provider, &collector.url())
        .env("OTEL_BSP_SCHEDULE_DELAY", "3600000")
        .start()
        .await;
    for _ in 0..3 {
        assert_eq!(ask(&gateway, Request::chat("hi")).await, 200);
    }
    assert_eq!(collector.requests().len(), 0);
    gateway.signal(Signal::TERM);
    assert_eq!(gateway.exited().await.code(), Some(0));
    assert_eq!(decoded(&collector.requests()).await.len(), 6);
}

#[tokio::test]
async fn a_collector_that_is_slow_or_gone_holds_nobody_up() {
    let provider = provider(0).await;
    let silent = Upstream::answering(|_| Script::new().stall()).await;
    let gone = Refused::start();
    for collector in [silent.url(), format!("http://{}", gone.addr())] {
        let mut gateway = traced(&provider, &collector)
            .env("OTEL_BSP_MAX_QUEUE_SIZE", "2")
            .env("OTEL_EXPORTER_OTLP_TIMEOUT", "1000")
            .start()
            .await;
        for _ in 0..20 {
            let asked = Instant::now();
            assert_eq!(ask(&gateway, Request::chat("hi")).await, 200);
            assert!(asked.elapsed() < Duration::from_secs(5));
        }
        gateway.signal(Signal::TERM);
        assert_eq!(gateway.exited().await.code(), Some(0));
    }
}

#[tokio::test]
async fn a_collector_that_asks_for_patience_gets_it_and_one_that_refuses_is_told_of_once() {
    let provider = provider(0).await;
    let asked = AtomicUsize::new(0);
    let collector = Upstream::answering(move |_| match asked.fetch_add(1, Ordering::Relaxed) {
        0 => Script::new()
            .head(
                ResponseHead::new(429)
                    .with("retry-after", "0")
                    .with("content-length", "0"),
            )
            .end(),
        1 => Script::answer(200, "application/x-protobuf", ""),
        2..=3 => Script::answer(400, "text/plain", "no"),
        _ => Script::answer(200, "application/x-protobuf", ""),
    })
    .await;
    let gateway = traced(&provider, &collector.url()).start().await;
    for exports in [2, 3, 4, 5] {
        assert_eq!(ask(&gateway, Request::chat("hi")).await, 200);
        collector.requests_reach(exports).await;
    }
    let exports = collector.requests();
    assert_eq!(exports[0].body, exports[1].body);
    gateway.says("traces are exported again").await;
    let told = gateway.lines();
    let told = told
        .iter()
        .filter(|it| it.contains("traces cannot be exported"));
    assert_eq!(told.count(), 1);
}

#[tokio::test]
async fn a_request_in_a_providers_own_words_is_a_span_at_the_provider_too() {
    let (provider, collector) = (provider(0).await, collector().await);
    let gateway = traced(&provider, &collector.url())
        .model(
            "own",
            &json!({"model": "anthropic/x", "api_base": provider.url(), "api_key": "k", "use_in_pass_through": true}),
        )
        .start()
        .await;
    let request = Request::messages("hi")
        .to("/anthropic/v1/messages")
        .with("traceparent", &traceparent("01"));
    assert_eq!(ask(&gateway, request).await, 200);
    let spans = spans(&collector, 2).await;
    let [call, exchange] = &spans[..] else {
        panic!("{spans:#?}");
    };
    assert_eq!(call["name"], "POST /anthropic/*");
    assert_eq!(call["parent"], PARENT);
    assert_eq!(exchange["name"], "POST anthropic");
    assert_eq!(exchange["parent"], call["span_id"]);
    assert_eq!(exchange["attributes"]["http.response.status_code"], 200);
    let told = provider.requests();
    let told = told[0].header("traceparent").unwrap();
    assert!(
        told.contains(exchange["span_id"].as_str().unwrap()),
        "{told}"
    );
}

#[tokio::test]
async fn a_reload_switches_traces_on_and_sets_the_level_of_the_log() {
    let (provider, collector) = (provider(0).await, collector().await);
    let gateway = Setup::serving(&provider.url()).env("OTEL_BSP_SCHEDULE_DELAY", "50");
    let gateway = gateway.start().await;
    assert_eq!(ask(&gateway, Request::chat("hi")).await, 200);
    let said = Request::post("/admin/log", &json!({"level": "error"}));
    assert_eq!(ask(&gateway, said).await, 200);
    let level = async || gateway.get("/admin/log").await.json()["level"].clone();
    let mut config = gateway.config();
    config["gateway"]["tracing"] = json!({"endpoint": collector.url()});
    gateway.configure(&config);
    gateway.reload().await;
    assert_eq!(level().await, "error");
    config["gateway"]["log"] = json!({"level": "warn"});
    gateway.configure(&config);
    gateway.reload().await;
    assert_eq!(level().await, "warn");
    assert_eq!(ask(&gateway, Request::chat("hi")).await, 200);
    assert_eq!(spans(&collector, 2).await.len(), 2);
}

#[tokio::test]
async fn litellms_callback_and_its_variables_switch_traces_on() {
    let (provider, collector) = (provider(0).await, collector().await);
    let gateway = Setup::serving(&provider.url())
        .set("litellm_settings.callbacks", json!(["otel"]))
        .env("OTEL_EXPORTER", "otlp_http")
        .env("OTEL_ENDPOINT", &collector.url())
        .env("OTEL_HEADERS", "x-team=a%20b")
        .env("OTEL_BSP_SCHEDULE_DELAY", "50")
        .start()
        .await;
    assert_eq!(ask(&gateway, Request::chat("hi")).await, 200);
    let spans = spans(&collector, 2).await;
    assert_eq!(spans[0]["resource"]["service.name"], "litellm");
    assert_eq!(collector.requests()[0].header("x-team"), Some("a b"));
}

#[tokio::test]
async fn the_level_of_the_log_changes_at_run_time() {
    let provider = provider(0).await;
    let gateway = Setup::serving(&provider.url())
        .master_key("sk-operator")
        .set("gateway.log.level", json!("warn"))
        .set("gateway.log.calls", json!("failed"))
        .env("GATEWAY__LOG__LEVEL", "info")
        .start()
        .await
        .with_key("sk-operator");
    let signed = |request: Request| request.bearer("sk-operator");
    let put = |body: Value| {
        let mut request = Request::post("/admin/log", &body);
        request.method = "PUT".to_owned();
        signed(request)
    };
    assert_eq!(
        gateway.get("/admin/log").await.json(),
        json!({"level": "info", "configured": "info"})
    );
    for wrong in [
        json!({"level": "inof"}),
        json!({"levle": "info"}),
        json!({"for_seconds": 3}),
        json!({"level": "info", "for_seconds": -1}),
    ] {
        assert_eq!(ask(&gateway, put(wrong)).await, 400);
    }
    let unsigned = Request::post("/admin/log", &json!({"level": "trace"}));
    assert_eq!(ask(&gateway, unsigned).await, 401);
    let debug = |lines: &[String]| lines.iter().any(|it| it.contains("\"level\":\"DEBUG\""));
    assert!(!debug(&gateway.lines()));
    let level =
        json!({"level": "info,gateway_transport=debug,gateway_server=debug", "for_seconds": 0.5});
    let shown = gateway.answer(&put(level)).await.json();
    assert!(shown["ends_in"].as_f64().unwrap() > 0.0);
    // An old connection that is closed is worth a line of that kind; so is a client that sends nonsense.
    let mut rude = gateway.http1().await;
    rude.send_raw(&b"nonsense\r\n\r\n"[..]).await.ok();
    gateway.line(|it| it.contains("\"level\":\"DEBUG\"")).await;
    let until = Instant::now() + PATIENCE;
    while gateway.get("/admin/log").await.json()["level"] != "info" {
        assert!(Instant::now() < until);
        sleep(Duration::from_millis(50)).await;
    }
    // Of calls only the failed ones have left a line.
    assert_eq!(
        ask(
            &gateway,
            signed(Request::chat("hi").with("x-litellm-call-id", "fine"))
        )
        .await,
        200
    );
    let refused = Request::chat("hi")
        .model("nobody")
        .with("x-litellm-call-id", "refused");
    assert_eq!(ask(&gateway, signed(refused)).await, 400);
    gateway.record("refused").await;
    assert!(!gateway.lines().iter().any(|it| it.contains("\"fine\"")));
}

#[tokio::test]
async fn the_log_is_text_at_a_terminal() {
    let program = binary::gateway_server().display().to_string();
    for (more, colors) in [(&[][..], true), (&["NO_COLOR=1"][..], false)] {
        let mut args = vec![" ready", "/usr/bin/env"];
        args.extend(more);
        args.extend([&*program, "--demo", "--port", "0", "--host", "127.0.0.1"]);
        let said = python::run_with(PINS, "terminal.py", &args).await;
        let said = said[0]["said"].as_str().unwrap();
        let ready = said.lines().find(|it| it.contains(" ready")).unwrap();
        assert!(!ready.contains('{'), "{ready}");
        assert_eq!(ready.contains("\u{1b}["), colors, "{ready:?}");
    }
}
