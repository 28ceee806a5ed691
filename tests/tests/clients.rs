//! Clients that we did not write: the published OpenAI and Anthropic SDKs for Python and for Node, and curl.

// The exception in clippy.toml reaches test functions only, not what they share.
#![allow(clippy::unwrap_used)]

use std::collections::HashMap;
use std::time::Duration;

use end_to_end::stream::text;
use end_to_end::{Gateway, Setup, Stream, command, node, python};
use gateway_testkit::dialect::{self, Wire};
use gateway_testkit::script::{ResponseHead, Script};
use gateway_testkit::upstream::{Recorded, Upstream};
use serde_json::{Value, json};

const KEY: &str = "sk-master-of-the-clients";

/// What the provider does for a model of this name.
fn behave(request: &Recorded) -> Script {
    let body = request.json();
    let model = body["model"].as_str().unwrap_or_default();
    let wire = Wire::of_path(request.path()).expect("a call");
    let streams = dialect::wants_stream(request);
    let stream = || Stream::answering(request);
    let failure = |status: u16| wire.error_body(status, "the provider's words");
    match model {
        "slow" => {
            let begun = stream().begun(1).sleep(Duration::from_millis(3500));
            begun.all(stream().after(1).to_vec()).end()
        }
        "stalled" => stream().begun(2).stall(),
        "cut" if streams => stream().begun(2).close(),
        "cut" => Script::new()
            .head(ResponseHead::json(200))
            .bytes("{\"id\":")
            .close(),
        "no-marker" => stream().begun(5).end(),
        "silent" => Script::new().stall(),
        "html" => Script::answer(200, "text/html", "<html>hello</html>"),
        "status-429-retry" => {
            let body = failure(429).to_string();
            let head = ResponseHead::json(429).with("retry-after", "0");
            Script::new().head(head).bytes(body).end()
        }
        _ if model.starts_with("status-") => {
            let status = status_in(model);
            Script::json(status, &failure(status))
        }
        _ if model.starts_with("first-") => {
            let status = status_in(model);
            let event = wire.error_event(status, "the provider's words");
            Script::new().head(ResponseHead::sse()).bytes(event).end()
        }
        _ if streams => Script::events(stream().events),
        _ => Script::json(200, &wire.body(request, &Default::default())),
    }
}

/// The status that ends a model's name.
fn status_in(model: &str) -> u16 {
    let (_, status) = model.split_once('-').expect("a name with a status");
    status.parse().expect("a status")
}

/// A gateway that sends every model name on as it is.
async fn world() -> (Upstream, Gateway) {
    let upstream = Upstream::answering(behave).await;
    let url = upstream.url();
    let openai = json!({"model": "openai/*", "api_base": format!("{url}/v1"), "api_key": "k", "native_only": true});
    let anthropic =
        json!({"model": "anthropic/*", "api_base": url, "api_key": "k", "native_only": true});
    let gateway = Setup::new()
        .model("*", &openai)
        .model("*", &anthropic)
        .model("listed", &openai)
        .master_key(KEY)
        .set("gateway.heartbeat_seconds", json!(3))
        .set("router_settings.stream_timeout", json!(2.5))
        .set("router_settings.stream_idle_timeout", json!(6))
        .start()
        .await
        .with_key(KEY);
    (upstream, gateway)
}

/// What a script printed.
struct Said {
    by_case: HashMap<String, Value>,
    /// What this SDK raises for a status that has no class of its own.
    status_error: &'static str,
}

impl Said {
    async fn in_python(script: &str, gateway: &Gateway) -> Self {
        let lines = python::run(script, &[&gateway.url(), KEY]).await;
        Self::new(lines, "APIStatusError")
    }

    async fn in_node(script: &str, gateway: &Gateway) -> Self {
        let lines = node::run(script, &[&gateway.url(), KEY]).await;
        Self::new(lines, "APIError")
    }

    fn new(lines: Vec<Value>, status_error: &'static str) -> Self {
        let by_case = |line: Value| (line["case"].as_str().expect("a case").to_owned(), line);
        Self {
            by_case: lines.into_iter().map(by_case).collect(),
            status_error,
        }
    }

    fn of(&self, case: &str) -> &Value {
        self.by_case
            .get(case)
            .unwrap_or_else(|| panic!("the script has no case {case:?}"))
    }

    /// The result of a call that went well.
    fn result(&self, case: &str) -> &Value {
        let line = self.of(case);
        assert!(line["raised"].is_null(), "{line:#}");
        &line["result"]
    }

    fn assert_text(&self, case: &str) {
        assert_eq!(self.result(case)["text"], text(5), "{case}");
    }

    /// Checks that the call raised an error of this class.
    fn assert_raised(&self, case: &str, class: &str) {
        let line = self.of(case);
        let raised = line["raised"]
            .as_array()
            .unwrap_or_else(|| panic!("not raised: {line:#}"));
        assert!(
            raised.contains(&json!(class)),
            "{class} is wanted: {line:#}"
        );
    }

    fn assert_statuses(&self, classes: &[(u16, &str)]) {
        for (status, class) in classes {
            for case in ["", " of a stream"] {
                let case = format!("status {status}{case}");
                self.assert_raised(&case, class);
                assert_eq!(self.of(&case)["status"], *status, "{case}");
                let message = self.of(&case)["message"].as_str().unwrap();
                assert!(message.contains("the provider's words"), "{message}");
            }
            self.assert_raised(&format!("first event {status}"), self.status_error);
        }
    }
}

#[tokio::test]
async fn the_openai_client_for_python_sees_what_happened() {
    let (upstream, gateway) = world().await;
    let said = Said::in_python("openai_calls.py", &gateway).await;
    for case in [
        "unary",
        "stream",
        "helper",
        "async",
        "http2",
        "completion",
        "azure",
        "heartbeats",
    ] {
        said.assert_text(case);
    }
    assert_eq!(said.result("unary")["tokens"], 5);
    assert_eq!(said.result("stream")["finish"], "stop");
    assert_eq!(
        said.result("embeddings"),
        &json!({"vectors": [8, 8], "first": [0.0, 0.5]})
    );
    assert!(
        said.result("models")
            .as_array()
            .unwrap()
            .contains(&json!("listed"))
    );
    assert_eq!(said.result("model"), "listed");
    said.assert_raised("wrong key", "AuthenticationError");
    said.assert_statuses(&[
        (400, "BadRequestError"),
        (401, "AuthenticationError"),
        (403, "PermissionDeniedError"),
        (404, "NotFoundError"),
        (422, "UnprocessableEntityError"),
        (429, "RateLimitError"),
        (500, "InternalServerError"),
        (503, "InternalServerError"),
    ]);
    said.assert_raised("client timeout", "APITimeoutError");
    said.assert_raised("gateway timeout", "APIStatusError");
    assert_eq!(said.of("gateway timeout")["status"], 408);
    for case in [
        "cut",
        "cut helper",
        "cut async",
        "cut http2",
        "cut completion",
        "no marker",
    ] {
        said.assert_raised(case, "APIError");
    }
    for case in ["cut body", "html", "html stream"] {
        said.assert_raised(case, "InternalServerError");
        assert_eq!(said.of(case)["status"], 502, "{case}");
    }
    assert_retried(&said, &upstream);
}

#[tokio::test]
async fn the_anthropic_client_for_python_sees_what_happened() {
    let (upstream, gateway) = world().await;
    let said = Said::in_python("anthropic_calls.py", &gateway).await;
    for case in ["unary", "bearer", "stream", "helper", "async", "heartbeats"] {
        said.assert_text(case);
    }
    assert_eq!(said.result("unary")["tokens"], 5);
    assert_eq!(said.result("stream")["last"], "message_stop");
    assert_eq!(said.result("helper")["stop"], "end_turn");
    assert!(
        said.result("models")
            .as_array()
            .unwrap()
            .contains(&json!("listed"))
    );
    said.assert_raised("wrong key", "AuthenticationError");
    said.assert_statuses(&[
        (400, "BadRequestError"),
        (401, "AuthenticationError"),
        (403, "PermissionDeniedError"),
        (404, "NotFoundError"),
        (413, "APIStatusError"),
        (422, "UnprocessableEntityError"),
        (429, "RateLimitError"),
        (500, "InternalServerError"),
        (503, "InternalServerError"),
        (529, "InternalServerError"),
    ]);
    said.assert_raised("client timeout", "APITimeoutError");
    said.assert_raised("gateway timeout", "APIStatusError");
    for case in [
        "cut",
        "cut helper",
        "cut async",
        "no marker",
        "no marker helper",
    ] {
        said.assert_raised(case, "APIError");
    }
    for case in ["cut body", "html", "html stream"] {
        said.assert_raised(case, "InternalServerError");
        assert_eq!(said.of(case)["status"], 502, "{case}");
    }
    assert_retried(&said, &upstream);
}

#[tokio::test]
async fn the_openai_client_for_node_sees_what_happened() {
    let (upstream, gateway) = world().await;
    let said = Said::in_node("openai_calls.mjs", &gateway).await;
    for case in [
        "unary",
        "stream",
        "helper",
        "completion",
        "azure",
        "heartbeats",
    ] {
        said.assert_text(case);
    }
    assert_eq!(said.result("unary")["tokens"], 5);
    assert_eq!(said.result("stream")["finish"], "stop");
    assert_eq!(
        said.result("embeddings"),
        &json!({"vectors": [8, 8], "first": [0, 0.5]})
    );
    let models = said.result("models").as_array().unwrap();
    assert!(models.contains(&json!("listed")), "{models:?}");
    assert_eq!(said.result("model"), "listed");
    said.assert_raised("wrong key", "AuthenticationError");
    said.assert_statuses(&[
        (400, "BadRequestError"),
        (401, "AuthenticationError"),
        (403, "PermissionDeniedError"),
        (404, "NotFoundError"),
        (422, "UnprocessableEntityError"),
        (429, "RateLimitError"),
        (500, "InternalServerError"),
        (503, "InternalServerError"),
    ]);
    said.assert_raised("client timeout", "APIConnectionTimeoutError");
    said.assert_raised("gateway timeout", "APIError");
    assert_eq!(said.of("gateway timeout")["status"], 408);
    for case in [
        "cut",
        "cut helper",
        "cut completion",
        "stalled",
        "no marker",
    ] {
        said.assert_raised(case, "APIError");
    }
    for case in ["cut body", "html", "html stream"] {
        said.assert_raised(case, "InternalServerError");
        assert_eq!(said.of(case)["status"], 502, "{case}");
    }
    assert_retried(&said, &upstream);
}

#[tokio::test]
async fn the_anthropic_client_for_node_sees_what_happened() {
    let (upstream, gateway) = world().await;
    let said = Said::in_node("anthropic_calls.mjs", &gateway).await;
    for case in [
        "unary",
        "bearer",
        "stream",
        "helper",
        "iterated",
        "heartbeats",
        "heartbeats helper",
    ] {
        said.assert_text(case);
    }
    assert_eq!(said.result("unary")["tokens"], 5);
    assert_eq!(said.result("stream")["last"], "message_stop");
    assert_eq!(said.result("helper")["stop"], "end_turn");
    let models = said.result("models").as_array().unwrap();
    assert!(models.contains(&json!("listed")), "{models:?}");
    said.assert_raised("wrong key", "AuthenticationError");
    said.assert_statuses(&[
        (400, "BadRequestError"),
        (401, "AuthenticationError"),
        (403, "PermissionDeniedError"),
        (404, "NotFoundError"),
        (413, "APIError"),
        (422, "UnprocessableEntityError"),
        (429, "RateLimitError"),
        (500, "InternalServerError"),
        (503, "InternalServerError"),
        (529, "InternalServerError"),
    ]);
    said.assert_raised("client timeout", "APIConnectionTimeoutError");
    said.assert_raised("gateway timeout", "APIError");
    assert_eq!(said.of("gateway timeout")["status"], 408);
    for case in [
        "cut",
        "cut helper",
        "cut iterated",
        "stalled",
        "stalled helper",
        "no marker",
        "no marker helper",
    ] {
        said.assert_raised(case, "APIError");
    }
    for case in ["cut body", "html", "html stream"] {
        said.assert_raised(case, "InternalServerError");
        assert_eq!(said.of(case)["status"], 502, "{case}");
    }
    assert_retried(&said, &upstream);
}

/// The SDK tried a rate limit three times, with a pause: a wait of 0 never reaches it.
fn assert_retried(said: &Said, upstream: &Upstream) {
    said.assert_raised("retried", "RateLimitError");
    let tries: Vec<_> = upstream
        .requests()
        .into_iter()
        .filter(|request| request.json()["model"] == "status-429-retry")
        .map(|request| request.at)
        .collect();
    assert_eq!(tries.len(), 3);
    for pair in tries.windows(2) {
        assert!(pair[1] - pair[0] >= Duration::from_millis(700), "{tries:?}");
    }
}

/// Arguments of a streaming call with curl.
fn curl(gateway: &Gateway, model: &str, more: &[&str]) -> Vec<String> {
    let body = json!({"model": model, "stream": true, "messages": []});
    let mut args: Vec<String> = ["-sN", "--max-time", "20"].map(str::to_owned).to_vec();
    args.extend(more.iter().map(|arg| (*arg).to_owned()));
    args.extend([
        "-H".to_owned(),
        format!("authorization: Bearer {KEY}"),
        "-d".to_owned(),
        body.to_string(),
        format!("{}/v1/chat/completions", gateway.url()),
    ]);
    args
}

#[tokio::test]
async fn curl_sees_a_cut_stream_as_one() {
    let (_upstream, gateway) = world().await;
    let http2 = "--http2-prior-knowledge";
    for more in [&[][..], &[http2]] {
        let done = command::run("curl", curl(&gateway, "ok", more)).await;
        assert_eq!(done.code, Some(0), "{done:?}");
        assert!(done.stdout.ends_with("data: [DONE]\n\n"), "{done:?}");
    }
    // HTTP/1.1: the transfer was closed with data outstanding.
    let done = command::run("curl", curl(&gateway, "cut", &[])).await;
    assert_eq!(done.code, Some(18), "{done:?}");
    assert_ends_with_error(&done.stdout);
    let done = command::run("curl", curl(&gateway, "cut", &[http2])).await;
    assert_eq!(done.code, Some(0), "{done:?}");
    assert_ends_with_error(&done.stdout);
    let done = command::run("curl", curl(&gateway, "status-429", &["--fail"])).await;
    assert_eq!(done.code, Some(22), "{done:?}");
}

fn assert_ends_with_error(stream: &str) {
    let last = stream.trim_end().rsplit("\n\n").next().unwrap_or_default();
    let error: Value = serde_json::from_str(last.trim_start_matches("data: ")).expect("an event");
    assert!(error["error"]["message"].is_string(), "{stream}");
}
