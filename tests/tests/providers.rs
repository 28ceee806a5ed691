//! The provider's side: what reaches it, and what of its answers reaches the client.

// The exception in clippy.toml reaches test functions only, not what they share.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use end_to_end::call::{self, Carry};
use end_to_end::{Gateway, Setup, Stream};
use gateway_testkit::client::ClientView;
use gateway_testkit::dialect::{Dialects, Wire};
use gateway_testkit::http1::Framing;
use gateway_testkit::script::{Gate, ResponseHead, Script};
use gateway_testkit::sequence::SequenceChecker;
use gateway_testkit::upstream::{Recorded, Refused, Upstream};
use serde_json::{Value, json};
use tokio_util::task::TaskTracker;

const KEY: &str = "sk-client";

async fn world() -> (Upstream, Gateway) {
    let upstream = Upstream::plain().await;
    let gateway = Setup::serving(&upstream.url()).start().await;
    (upstream, gateway)
}

/// The request that came last.
fn last(upstream: &Upstream) -> Arc<Recorded> {
    upstream.requests().pop().expect("a request came")
}

#[tokio::test]
async fn nothing_of_the_client_but_what_the_provider_needs_goes_upstream() {
    let (upstream, gateway) = world().await;
    for wire in [Wire::OpenAiChat, Wire::AnthropicMessages] {
        let mut request = call::streaming(wire, "hi");
        for (name, value) in [
            ("authorization", format!("Bearer {KEY}")),
            ("x-api-key", KEY.to_owned()),
            ("api-key", KEY.to_owned()),
            ("x-litellm-api-key", KEY.to_owned()),
            ("x-goog-api-key", KEY.to_owned()),
            ("cookie", format!("session={KEY}")),
            ("proxy-authorization", format!("Basic {KEY}")),
            ("x-forwarded-for", "10.1.2.3".to_owned()),
            ("x-internal-thing", KEY.to_owned()),
            ("accept-encoding", "gzip, br".to_owned()),
            ("anthropic-beta", "a-beta-2025,another".to_owned()),
            ("user-agent", "my-agent/1.0".to_owned()),
        ] {
            request = request.with(name, &value);
        }
        let view = gateway.answer(&request).await;
        assert!(view.is_complete(), "{view:?}");
        let came = last(&upstream);
        let shown = format!("{:?}", came.headers);
        assert!(!shown.contains(KEY), "{shown}");
        assert!(!shown.contains("10.1.2.3"), "{shown}");
        assert!(!shown.contains("litellm"), "{shown}");
        assert_eq!(came.header("accept-encoding"), Some("identity"));
        assert_eq!(came.header("user-agent"), Some("my-agent/1.0"));
        assert_eq!(
            came.header("host"),
            Some(upstream.addr().to_string().as_str())
        );
        match wire {
            Wire::AnthropicMessages => {
                assert_eq!(came.header("x-api-key"), Some("sk-provider"));
                assert_eq!(came.header("anthropic-version"), Some("2023-06-01"));
                assert_eq!(came.header("anthropic-beta"), Some("a-beta-2025,another"));
                assert_eq!(came.header("authorization"), None);
            }
            _ => assert_eq!(came.header("authorization"), Some("Bearer sk-provider")),
        }
    }
}

#[tokio::test]
async fn nothing_of_the_provider_but_what_an_sdk_reads_reaches_the_client() {
    let (upstream, gateway) = world().await;
    upstream.set_handler(|request| {
        let stream = Stream::answering(request);
        let streams = gateway_testkit::dialect::wants_stream(request);
        let mut head = if streams {
            ResponseHead::sse()
        } else {
            ResponseHead::json(200)
        };
        for (name, value) in [
            ("set-cookie", "provider-session=1"),
            ("server", "provider-frontend"),
            ("via", "1.1 provider-cdn"),
            ("x-secret-header", "provider"),
            ("openai-organization", "provider-org"),
            ("alt-svc", "h3=\":443\""),
            ("x-request-id", "req-1"),
            ("x-ratelimit-remaining-tokens", "7"),
            ("anthropic-ratelimit-tokens-remaining", "8"),
        ] {
            head = head.with(name, value);
        }
        if streams {
            return Script::new().head(head).all(stream.events).end();
        }
        let body = stream.wire.body(request, &Default::default()).to_string();
        Script::new().head(head).bytes(body).end()
    });
    for wire in [Wire::OpenAiChat, Wire::AnthropicMessages] {
        for request in [call::plain(wire, "hi"), call::streaming(wire, "hi")] {
            for carry in call::CARRIES {
                let (view, _) = call::call(&gateway, carry, request.clone()).await;
                assert_eq!(view.status, 200, "{view:?}");
                // What passes says whose it is by its name.
                let shown = format!("{:?}", view.headers).replace("llm_provider-", "");
                assert!(!shown.contains("provider"), "{shown}");
                assert!(!shown.contains("alt-svc"), "{shown}");
                assert_eq!(view.header("llm_provider-x-request-id"), Some("req-1"));
                assert_eq!(view.header("x-request-id"), Some("req-1"));
                assert_eq!(view.header("x-ratelimit-remaining-tokens"), Some("7"));
                assert_eq!(
                    view.header("anthropic-ratelimit-tokens-remaining"),
                    Some("8")
                );
            }
        }
    }
}

#[tokio::test]
async fn the_body_goes_upstream_as_it_came_but_for_what_is_the_gateways() {
    let (upstream, gateway) = world().await;
    let body = "{ \"model\" : \"double\", \"timeout\": 5, \"messages\":[{\"role\":\"user\",\"content\":\"\\u00e4 \u{e4}\"}],\
                \"temperature\" : 1.0e0, \"num_retries\": 2, \"unknown_thing\": {\"b\":1, \"a\":[ ]}, \"mock_response\": null }";
    let mut request = call::plain(Wire::OpenAiChat, "hi");
    request.body = body.into();
    let view = gateway.answer(&request).await;
    assert_eq!(view.status, 200, "{view:?}");
    let came = String::from_utf8(last(&upstream).body.to_vec()).unwrap();
    for kept in [
        "\"messages\":[{\"role\":\"user\",\"content\":\"\\u00e4 \u{e4}\"}]",
        "\"temperature\" : 1.0e0",
        "\"unknown_thing\": {\"b\":1, \"a\":[ ]}",
    ] {
        assert!(came.contains(kept), "{came}");
    }
    for gone in ["timeout", "num_retries", "mock_response"] {
        assert!(!came.contains(gone), "{came}");
    }
    let parsed: Value = serde_json::from_str(&came).unwrap();
    assert_eq!(parsed["model"], "double");
}

#[tokio::test]
async fn redirects_are_never_followed_nor_passed_on() {
    let elsewhere = Upstream::plain().await;
    let target = elsewhere.url();
    let (upstream, gateway) = world().await;
    for status in [301, 302, 303, 307, 308] {
        let location = format!("{target}/v1/chat/completions");
        upstream.set_handler(move |_| {
            let head = ResponseHead::new(status)
                .framed(Framing::Length(0))
                .with("location", &location);
            Script::new().head(head).end()
        });
        for wire in call::STREAMING {
            let request = call::streaming(wire, "hi");
            let (view, record) = call::call(&gateway, Carry::Http1, request).await;
            assert_eq!(view.status, 502, "{view:?}");
            call::assert_error_shape(wire, &view.json());
            assert_eq!(view.header("location"), None);
            assert_eq!(record["upstream_status"], status, "{record}");
        }
    }
    assert_eq!(elsewhere.connections().total, 0);
}

/// The answer to a call whose provider answers so.
async fn answer_to(
    upstream: &Upstream,
    gateway: &Gateway,
    wire: Wire,
    head: ResponseHead,
    body: String,
) -> (ClientView, Value) {
    let body = Arc::new((head, body));
    upstream.set_handler(move |_| {
        let (head, text) = &*body;
        let head = head.clone().framed(Framing::Length(text.len() as u64));
        Script::new().head(head).bytes(text.clone()).end()
    });
    call::call(gateway, Carry::Http1, call::streaming(wire, "hi")).await
}

#[tokio::test]
async fn the_providers_refusals_keep_their_status_in_the_clients_dialect() {
    let (upstream, gateway) = world().await;
    for status in [
        400, 401, 403, 404, 408, 413, 422, 429, 500, 502, 503, 504, 529,
    ] {
        for wire in call::STREAMING {
            let body = wire
                .error_body(status, "the provider's own words")
                .to_string();
            let head = ResponseHead::json(status);
            let (view, record) = answer_to(&upstream, &gateway, wire, head, body).await;
            // Only Anthropic's clients know 529.
            let known = match wire {
                Wire::AnthropicMessages => status,
                _ => {
                    if status == 529 {
                        503
                    } else {
                        status
                    }
                }
            };
            assert_eq!(view.status, known, "{view:?}");
            call::assert_error_shape(wire, &view.json());
            assert_eq!(view.json()["error"]["message"], "the provider's own words");
            assert_eq!(record["end"], "upstream_error", "{record}");
            assert_eq!(record["upstream_status"], status, "{record}");
        }
    }
}

#[tokio::test]
async fn a_page_of_html_with_an_error_status_is_never_shown() {
    let (upstream, gateway) = world().await;
    for status in [403, 500, 502, 503, 520] {
        for wire in call::STREAMING {
            let head = ResponseHead::new(status).with("content-type", "text/html");
            let page = "<html><title>cdn-node-7.provider.example</title></html>".to_owned();
            let (view, record) = answer_to(&upstream, &gateway, wire, head, page).await;
            assert_eq!(view.status, status, "{view:?}");
            assert_eq!(view.header("content-type"), Some("application/json"));
            call::assert_error_shape(wire, &view.json());
            assert!(
                !String::from_utf8_lossy(&view.body).contains("cdn-node"),
                "{view:?}"
            );
            assert_eq!(record["end"], "upstream_error", "{record}");
        }
    }
}

#[tokio::test]
async fn a_wait_that_the_provider_asks_for_is_passed_on_between_1_and_60_seconds() {
    let (upstream, gateway) = world().await;
    for (form, given, wait, should_retry) in [
        ("retry-after", "7", Some("7"), None),
        ("retry-after", "0", Some("1"), None),
        ("retry-after", "60", Some("60"), None),
        ("retry-after", "900", Some("60"), Some("false")),
        ("retry-after", "1000000000", Some("60"), Some("false")),
        (
            "retry-after",
            "Fri, 01 Jan 2100 00:00:00 GMT",
            Some("60"),
            Some("false"),
        ),
        ("retry-after", "Fri, 01 Jan 1999 00:00:00 GMT", None, None),
        ("retry-after-ms", "1500", Some("2"), None),
        ("retry-after", "-5", None, None),
        ("retry-after", "soon", None, None),
    ] {
        let wire = Wire::OpenAiChat;
        let head = ResponseHead::json(429).with(form, given);
        let body = wire.error_body(429, "slow down").to_string();
        let (view, _) = answer_to(&upstream, &gateway, wire, head, body).await;
        assert_eq!(view.status, 429);
        assert_eq!(view.header("retry-after"), wait, "{given}");
        let millis = wait.map(|seconds| format!("{seconds}000"));
        assert_eq!(view.header("retry-after-ms"), millis.as_deref(), "{given}");
        assert_eq!(view.header("x-should-retry"), should_retry, "{given}");
    }
}

#[tokio::test]
async fn a_provider_that_cannot_be_reached_is_a_bad_gateway_without_names() {
    let nobody = Refused::start();
    let gateway = Setup::serving(&format!("http://{}", nobody.addr()))
        .start()
        .await;
    for call in call::everywhere(&gateway, "hi").await {
        call.assert_refused(502, "upstream_error");
        let shown = String::from_utf8_lossy(&call.view.body).into_owned();
        assert!(!shown.contains("127.0.0.1"), "{shown}");
        assert!(
            call.record["error"].as_str().unwrap().contains("127.0.0.1"),
            "{call:?}"
        );
    }
}

#[tokio::test]
async fn a_provider_that_closes_without_an_answer_is_not_asked_twice() {
    let (upstream, gateway) = world().await;
    upstream.set_handler(|_| Script::new().close());
    for call in call::everywhere(&gateway, "hi").await {
        call.assert_refused(502, "truncated");
        assert_eq!(call.view.header("x-should-retry"), Some("false"));
    }
    assert_eq!(upstream.requests().len(), 6);
}

#[tokio::test]
async fn connections_to_the_provider_are_kept_for_the_next_call() {
    let upstream = Upstream::plain().await;
    let gateway = Setup::serving(&upstream.url())
        .set("gateway.workers", json!(1))
        .start()
        .await;
    for (number, wire) in call::STREAMING.repeat(3).into_iter().enumerate() {
        for request in [call::plain(wire, "hi"), call::streaming(wire, "hi")] {
            let (_, record) = call::call(&gateway, Carry::Http1, request).await;
            let first = number == 0 && record["stream"] == false;
            assert_eq!(
                record["connection"],
                if first { "new" } else { "reused" },
                "{record}"
            );
        }
    }
    assert_eq!(upstream.connections().total, 1);
    // One that the provider has closed in the meantime is noticed before it is used.
    upstream.close_connections();
    upstream.connections_satisfy(|all| all.open == 0).await;
    let (view, _) = call::call(&gateway, Carry::Http1, call::plain(Wire::OpenAiChat, "hi")).await;
    assert_eq!(view.status, 200, "{view:?}");
    assert_eq!(upstream.connections().total, 2);
}

#[tokio::test]
async fn a_provider_that_answers_before_it_has_read_everything_is_heard() {
    let config = gateway_testkit::upstream::UpstreamConfig::default().early(|_| {
        let body = Wire::OpenAiChat.error_body(413, "too much for me");
        Some(Script::json(413, &body))
    });
    let upstream = Upstream::start(config).await;
    let gateway = Setup::serving(&upstream.url()).start().await;
    let request = call::streaming(Wire::OpenAiChat, &"long ".repeat(1_000_000));
    let (view, _) = call::call(&gateway, Carry::Http1, request).await;
    assert_eq!(view.status, 413, "{view:?}");
}

#[tokio::test]
async fn azure_is_spoken_to_in_both_of_its_path_shapes() {
    let upstream = Upstream::plain().await;
    let azure = |version: &str| json!({"model": "azure/my-dep", "api_base": upstream.url(), "api_key": "az-key", "api_version": version});
    let gateway = Setup::new()
        .model("dated", &azure("2024-10-21"))
        .model("v1", &azure("v1"))
        .start()
        .await;
    for (model, target) in [
        (
            "dated",
            "/openai/deployments/my-dep/chat/completions?api-version=2024-10-21",
        ),
        ("v1", "/openai/v1/chat/completions"),
    ] {
        let (view, record) = call::call(
            &gateway,
            Carry::Http1,
            call::streaming(Wire::OpenAiChat, "hi").model(model),
        )
        .await;
        assert!(view.is_complete(), "{view:?}");
        assert_eq!(record["provider"], "azure", "{record}");
        let came = last(&upstream);
        assert_eq!(came.target, target);
        assert_eq!(came.header("api-key"), Some("az-key"));
        assert_eq!(came.header("authorization"), None);
        assert_eq!(came.json()["model"], "my-dep");
    }
    // Azure's first frame has no choices: it passes, and it is no content.
    let view = gateway
        .answer(&call::streaming(Wire::OpenAiChat, "hi").model("dated"))
        .await;
    assert_eq!(view.events[0].json()["choices"], json!([]), "{view:?}");
}

#[tokio::test]
async fn names_lead_to_deployments_by_wildcard_alias_and_id() {
    let upstream = Upstream::plain().await;
    let base = format!("{}/v1", upstream.url());
    let gateway = Setup::new()
        .model(
            "local/*",
            &json!({"model": "hosted_vllm/*", "api_base": base, "api_key": "none"}),
        )
        .model(
            "exact",
            &json!({"model": "groq/llama-3", "api_base": base, "api_key": "k"}),
        )
        .set(
            "router_settings.model_group_alias",
            json!({"other-name": "exact"}),
        )
        .start()
        .await;
    for (asked, sent, provider) in [
        ("local/llama", "llama", "hosted_vllm"),
        ("local/org/model", "org/model", "hosted_vllm"),
        ("exact", "llama-3", "groq"),
        ("other-name", "llama-3", "groq"),
    ] {
        for wire in [
            Wire::OpenAiChat,
            Wire::OpenAiCompletions,
            Wire::OpenAiEmbeddings,
        ] {
            let request = call::plain(wire, "hi").model(asked);
            let (view, record) = call::call(&gateway, Carry::Http1, request).await;
            assert_eq!(view.status, 200, "{asked}: {view:?}");
            assert_eq!(last(&upstream).json()["model"], sent, "{asked}");
            assert_eq!(record["provider"], provider, "{record}");
        }
    }
    let (view, record) = call::call(
        &gateway,
        Carry::Http1,
        call::plain(Wire::OpenAiChat, "hi").model("exact"),
    )
    .await;
    assert_eq!(view.status, 200);
    let id = record["deployment"].as_str().unwrap();
    let by_id = call::plain(Wire::OpenAiChat, "hi").model(id);
    assert_eq!(gateway.answer(&by_id).await.status, 200);
}

#[tokio::test]
async fn embeddings_pass_in_both_encodings_and_are_accounted() {
    let (_upstream, gateway) = world().await;
    for format in ["float", "base64"] {
        let request =
            call::plain(Wire::OpenAiEmbeddings, "hi").field("encoding_format", json!(format));
        let (view, record) = call::call(&gateway, Carry::Http1, request).await;
        assert_eq!(view.status, 200, "{view:?}");
        let embedding = &view.json()["data"][0]["embedding"];
        assert_eq!(embedding.is_string(), format == "base64", "{embedding}");
        assert_eq!(record["input_tokens"], 1, "{record}");
    }
}

#[tokio::test]
async fn a_group_shares_its_calls_between_its_deployments_by_weight() {
    let (one, other) = (Upstream::plain().await, Upstream::plain().await);
    let gateway = Setup::new()
        .double(&one.url(), &json!({"weight": 9}))
        .double(&other.url(), &json!({"weight": 1}))
        .start()
        .await;
    let mut client = gateway.http1().await;
    for _ in 0..200 {
        assert_eq!(
            client
                .call(&call::plain(Wire::OpenAiChat, "hi"))
                .await
                .status,
            200
        );
    }
    let (more, less) = (one.requests().len(), other.requests().len());
    assert_eq!(more + less, 200);
    // 180 and 20 are expected; this fails once in millions of runs.
    assert!((150..=198).contains(&more), "{more} and {less}");
}

#[tokio::test]
async fn extra_headers_and_parameters_of_a_deployment_go_upstream() {
    let upstream = Upstream::plain().await;
    let more = json!({"extra_headers": {"x-team": "platform"}, "top_k": 5, "temperature": 0.1});
    let gateway = Setup::new().double(&upstream.url(), &more).start().await;
    let request = call::plain(Wire::OpenAiChat, "hi").field("temperature", json!(0.9));
    assert_eq!(gateway.answer(&request).await.status, 200);
    let came = last(&upstream);
    assert_eq!(came.header("x-team"), Some("platform"));
    assert_eq!(came.json()["top_k"], 5);
    assert_eq!(came.json()["temperature"], 0.9);
}

#[tokio::test]
async fn a_client_of_another_dialect_cannot_be_sent_to_a_deployment_that_is_not_asked_in_translation()
 {
    let upstream = Upstream::plain().await;
    let base = format!("{}/v1", upstream.url());
    let gateway = Setup::new()
        .model(
            "double",
            &json!({"model": "openai/double", "api_base": base, "api_key": "k", "native_only": true}),
        )
        .start()
        .await;
    let (view, record) = call::call(
        &gateway,
        Carry::Http1,
        call::plain(Wire::AnthropicMessages, "hi"),
    )
    .await;
    assert_eq!(view.status, 400, "{view:?}");
    call::assert_error_shape(Wire::AnthropicMessages, &view.json());
    assert_eq!(record["end"], "rejected", "{record}");
    assert!(upstream.requests().is_empty());
}

#[tokio::test]
async fn many_calls_at_once_over_few_http2_connections_are_kept_apart() {
    let gate = Gate::new();
    let upstream = {
        let gate = gate.clone();
        let dialects = Dialects::default();
        Upstream::answering(move |request| {
            let answer = dialects.answer(request);
            let wait = Script::new().wait(&gate);
            answer.into_steps().into_iter().fold(wait, Script::step)
        })
        .await
    };
    let gateway = Setup::serving(&upstream.url()).start().await;
    let tasks = TaskTracker::new();
    let mut exchanges = Vec::new();
    let mut clients = Vec::new();
    for number in 0..90 {
        // The client's library gives a connection up that brings more small frames than it can buffer; see h2 0.4.16.
        if number % 15 == 0 {
            clients.push(gateway.http2().await);
        }
        let text = format!("[[double seq=s{number} events=20]]");
        let request = call::streaming(call::STREAMING[number % 3], &text);
        let exchange = clients.last_mut().unwrap().open(&request).await.unwrap();
        // All are read at once: what one does not read takes from the window of the others.
        exchanges.push(tasks.spawn(exchange.view()));
    }
    upstream.requests_reach(90).await;
    gate.open();
    for (number, exchange) in exchanges.into_iter().enumerate() {
        let view = exchange.await.unwrap();
        assert!(
            view.is_complete(),
            "{:?} {:?}",
            view.end,
            view.events.last()
        );
        let mut checker = SequenceChecker::new(Some(&format!("s{number}")));
        checker.push(&view.text()).unwrap();
        checker.finish().unwrap();
    }
}

#[tokio::test]
async fn a_beta_that_the_provider_refuses_is_left_out_of_one_more_request_and_told() {
    let upstream = Upstream::answering(|request| {
        if request
            .header("anthropic-beta")
            .is_some_and(|betas| betas.contains("new-thing"))
        {
            let message = "Unexpected value(s) `new-thing-2026` for the `anthropic-beta` header.";
            let error = json!({"type": "invalid_request_error", "message": message});
            return Script::json(400, &json!({"type": "error", "error": error}));
        }
        Script::events(Stream::answering(request).events)
    })
    .await;
    let gateway = Setup::serving(&upstream.url()).start().await;
    let request = call::streaming(Wire::AnthropicMessages, "hi")
        .with("anthropic-beta", "old-2025,new-thing-2026");
    let (view, record) = call::call(&gateway, Carry::Http1, request).await;
    assert!(view.is_complete(), "{view:?}");
    assert_eq!(
        view.header("x-gateway-dropped-params"),
        Some("anthropic-beta:new-thing-2026")
    );
    let sent: Vec<_> = upstream
        .requests()
        .iter()
        .map(|it| it.header("anthropic-beta").map(str::to_owned))
        .collect();
    let expected = ["old-2025,new-thing-2026", "old-2025"];
    assert_eq!(sent, expected.map(|betas| Some(betas.to_owned())));
    assert_eq!(record["attempts"], 1);
}
