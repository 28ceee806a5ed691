//! No secret reaches a log line at the most talkative level, an error, a metric or a page.

// The exception in clippy.toml reaches test functions only, not what they share.
#![allow(clippy::unwrap_used)]

use end_to_end::call;
use end_to_end::{Gateway, Setup, Stream};
use gateway_testkit::client::{BodyEnd, Request};
use gateway_testkit::dialect::Wire;
use gateway_testkit::dialect::google::service_account;
use gateway_testkit::script::{ResponseHead, Script};
use gateway_testkit::upstream::{Refused, Upstream};
use serde_json::{Value, json};

/// What must not be seen anywhere.
const MASTER: &str = "sk-canary-master-5d1b";
const CLIENT: &str = "sk-canary-client-77aa";
const PROVIDER: &str = "sk-canary-provider-9e2c";
const AZURE: &str = "canary-azure-key-31f0";
const QUERY: &str = "canary-query-key-0b4d";
const HEADER: &str = "canary-extra-header-c8e1";
const PROMPT: &str = "canary-prompt-text-4f6a";
const ANSWER: &str = "canary-answer-text-2d90";

/// A part of the service account's private key, as it stands in its PEM.
fn private_key() -> String {
    let account = service_account("http://127.0.0.1:1/token");
    let pem = account["private_key"].as_str().expect("it is a PEM");
    pem.lines().nth(3).expect("it has lines").to_owned()
}

/// An upstream that repeats every secret that it was given, in words and in headers.
async fn indiscreet() -> Upstream {
    Upstream::answering(|request| {
        let told = format!("you sent {:?} {ANSWER}", request.headers);
        match request.path() {
            "/token" => Script::json(
                200,
                &json!({"access_token": "canary-token-18be", "token_type": "Bearer", "expires_in": 3600}),
            ),
            path if path.contains("broken") => Script::new()
                .head(ResponseHead::sse().with("x-told", PROVIDER))
                .all(Stream::answering(request).until(2).to_vec())
                .close(),
            _ => {
                let stream = Stream::answering(request);
                let mut events = stream.until(2).to_vec();
                events.push(format!(": {told}\n\n").into());
                events.extend(stream.after(2).to_vec());
                let head = ResponseHead::sse().with("x-told", PROVIDER);
                Script::new().head(head).all(events).end()
            }
        }
    })
    .await
}

async fn world() -> (Upstream, Refused, Gateway) {
    let upstream = indiscreet().await;
    let nobody = Refused::start();
    let url = upstream.url();
    let account = service_account(&format!("{url}/token"));
    let gateway = Setup::new()
        .double(&url, &json!({"api_key": PROVIDER, "extra_headers": {"x-team-secret": HEADER}}))
        .model("query", &json!({"model": "openai/x", "api_base": format!("{url}/v1?key={QUERY}"), "api_key": PROVIDER}))
        .model("broken", &json!({"model": "openai/x", "api_base": format!("{url}/broken/v1"), "api_key": PROVIDER}))
        .model("gone", &json!({"model": "openai/x", "api_base": format!("http://{}/v1?key={QUERY}", nobody.addr()), "api_key": PROVIDER}))
        .model("azure", &json!({"model": "azure/dep", "api_base": url, "api_key": AZURE}))
        .model("user", &json!({"model": "openai/x", "api_base": format!("http://me:{QUERY}@127.0.0.1:9/v1"), "api_key": PROVIDER}))
        .model("vertex", &json!({"model": "vertex_ai/claude-x", "api_base": url, "vertex_location": "global",
            "vertex_credentials": account.to_string()}))
        .master_key(MASTER)
        .set("gateway.log.level", json!("trace"))
        .start()
        .await
        .with_key(MASTER);
    (upstream, nobody, gateway)
}

/// Makes calls of every kind, good and bad, and gives everything that clients and operators saw except good answers.
async fn traffic(gateway: &Gateway) -> Vec<String> {
    let mut seen = Vec::new();
    for model in [
        "double", "query", "broken", "gone", "azure", "user", "vertex", "none",
    ] {
        for wire in [Wire::OpenAiChat, Wire::AnthropicMessages] {
            for carry in call::CARRIES {
                for key in [MASTER, CLIENT] {
                    let request = call::streaming(wire, PROMPT).model(model).bearer(key);
                    let request = request
                        .with("x-goog-api-key", CLIENT)
                        .with("cookie", CLIENT);
                    let (view, _) = call::call(gateway, carry, request).await;
                    seen.push(format!("{:?}", view.headers));
                    if !(view.status == 200 && view.end == BodyEnd::Clean) {
                        seen.push(String::from_utf8_lossy(&view.body).into_owned());
                    }
                }
            }
        }
    }
    let mut garbage = call::plain(Wire::OpenAiChat, PROMPT).bearer(MASTER);
    garbage.body = format!("{{\"model\":\"double\",\"api_key\":\"{CLIENT}\",{PROMPT}").into();
    let view = gateway.answer(&garbage).await;
    seen.push(String::from_utf8_lossy(&view.body).into_owned());
    let query = Request::get(&format!("/v1/models?key={CLIENT}"));
    seen.push(format!("{:?}", gateway.answer(&query).await));
    for path in [
        "/admin/pools",
        "/metrics",
        "/health",
        "/v1/models",
        "/health/readiness",
    ] {
        let view = gateway.get(path).await;
        assert_eq!(view.status, 200, "{path}");
        seen.push(format!(
            "{:?} {}",
            view.headers,
            String::from_utf8_lossy(&view.body)
        ));
    }
    seen
}

#[tokio::test]
async fn no_secret_reaches_a_log_line_an_error_a_metric_or_a_page() {
    let (upstream, _nobody, gateway) = world().await;
    let seen = traffic(&gateway).await;
    gateway.rotate(&json!({})).await;
    // The secrets were in use, or this would prove nothing.
    let sent = format!("{:?}", upstream.requests());
    for used in [PROVIDER, AZURE, QUERY, HEADER, PROMPT, "canary-token-18be"] {
        assert!(sent.contains(used), "{used} was never sent");
    }
    let lines = gateway.lines();
    assert!(
        lines.len() > 200,
        "{} lines are not the most talkative level",
        lines.len()
    );
    let key = private_key();
    let secrets = [
        MASTER,
        CLIENT,
        PROVIDER,
        AZURE,
        QUERY,
        HEADER,
        PROMPT,
        ANSWER,
        "canary-token-18be",
        &key,
    ];
    for secret in secrets {
        for text in lines.iter().chain(&seen) {
            assert!(!text.contains(secret), "{secret} in: {text}");
        }
    }
}

#[tokio::test]
async fn a_configuration_that_cannot_be_used_is_explained_without_its_secrets() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("config.yaml");
    let config: Value = json!({
        "model_list": [
            {"model_name": "a", "litellm_params": {"model": 7, "api_key": PROVIDER}},
            {"model_name": "b", "litellm_params": {"model": "openai/x", "api_key": [PROVIDER], "api_bas": QUERY}},
        ],
        "general_settings": {"master_key": {"nested": MASTER}, "unknown_key": AZURE},
    });
    std::fs::write(&file, serde_json::to_string_pretty(&config).unwrap()).unwrap();
    for format in ["human", "json"] {
        let file = file.display().to_string();
        let args = ["check", &file, "--format", format];
        let done = end_to_end::command::run(end_to_end::binary::gateway_server(), args).await;
        assert_eq!(done.code, Some(1), "{done:?}");
        let said = done.stdout + &done.stderr;
        for secret in [MASTER, PROVIDER] {
            assert!(!said.contains(secret), "{said}");
        }
    }
}
