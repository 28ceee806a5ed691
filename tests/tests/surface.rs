//! What clients and operators find at the gateway's address: routes, keys, models, errors, probes, listeners.

// The exception in clippy.toml reaches test functions only, not what they share.
#![allow(clippy::unwrap_used)]

use end_to_end::call::{self, Carry};
use end_to_end::{Gateway, Setup};
use gateway_testkit::ca::TestCa;
use gateway_testkit::client::{BodyEnd, ClientView, Http1Client, Http2Client, Request};
use gateway_testkit::dialect::{Knobs, Wire};
use gateway_testkit::process::free_address;
use gateway_testkit::script::Script;
use gateway_testkit::upstream::{Recorded, Upstream};
use serde_json::{Value, json};

const KEY: &str = "sk-master-of-this-test";

/// A gateway with a key, in front of the double.
async fn guarded() -> (Upstream, Gateway) {
    let upstream = Upstream::plain().await;
    let gateway = Setup::serving(&upstream.url())
        .master_key(KEY)
        .set(
            "router_settings.model_group_alias",
            json!({"alias": "double", "secret-alias": {"model": "double", "hidden": true}}),
        )
        .start()
        .await
        .with_key(KEY);
    (upstream, gateway)
}

#[tokio::test]
async fn every_route_and_alias_leads_to_its_dialect() {
    let (upstream, gateway) = guarded().await;
    for (path, wire) in [
        ("/v1/chat/completions", Wire::OpenAiChat),
        ("/chat/completions", Wire::OpenAiChat),
        (
            "/openai/deployments/double/chat/completions",
            Wire::OpenAiChat,
        ),
        ("/engines/double/chat/completions", Wire::OpenAiChat),
        ("/v1/completions", Wire::OpenAiCompletions),
        ("/completions", Wire::OpenAiCompletions),
        (
            "/openai/deployments/double/completions?api-version=1",
            Wire::OpenAiCompletions,
        ),
        ("/engines/double/completions", Wire::OpenAiCompletions),
        ("/v1/embeddings", Wire::OpenAiEmbeddings),
        ("/embeddings", Wire::OpenAiEmbeddings),
        (
            "/openai/deployments/double/embeddings",
            Wire::OpenAiEmbeddings,
        ),
        ("/engines/double/embeddings", Wire::OpenAiEmbeddings),
        ("/v1/messages", Wire::AnthropicMessages),
    ] {
        for carry in call::CARRIES {
            let request = call::plain(wire, "hello").to(path).bearer(KEY);
            let (view, record) = call::call(&gateway, carry, request).await;
            assert_eq!(view.status, 200, "{path}: {view:?}");
            assert_eq!(record["end"], "complete", "{record}");
            let body = view.json();
            let answer = match wire {
                Wire::AnthropicMessages => &body["content"],
                Wire::OpenAiEmbeddings => &body["data"],
                _ => &body["choices"],
            };
            assert!(answer.is_array(), "{path}: {body}");
        }
        let last = upstream.requests().pop().unwrap();
        assert_eq!(last.path(), wire.path(), "{path}");
    }
}

#[tokio::test]
async fn the_models_are_listed_in_both_shapes() {
    let (_upstream, gateway) = guarded().await;
    for path in ["/v1/models", "/models"] {
        let list = gateway.get(path).await.json();
        assert_eq!(list["object"], "list", "{list}");
        let names: Vec<&Value> = list["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| &it["id"])
            .collect();
        assert!(
            names.contains(&&json!("double")) && names.contains(&&json!("alias")),
            "{list}"
        );
        assert!(!names.contains(&&json!("secret-alias")), "{list}");
        for model in list["data"].as_array().unwrap() {
            assert_eq!(model["object"], "model", "{model}");
            assert!(
                model["created"].is_number() && model["owned_by"].is_string(),
                "{model}"
            );
        }
    }
    let asked = Request::get("/v1/models")
        .bearer(KEY)
        .with("anthropic-version", "2023-06-01");
    let list = gateway.answer(&asked).await.json();
    assert_eq!(list["has_more"], false, "{list}");
    assert_eq!(list["data"][0]["type"], "model", "{list}");
    assert_eq!(list["first_id"], list["data"][0]["id"], "{list}");
    let one = gateway.get("/v1/models/double").await;
    assert_eq!((one.status, &one.json()["id"]), (200, &json!("double")));
    let none = gateway.get("/v1/models/none").await;
    assert_eq!(none.status, 404);
    call::assert_error_shape(Wire::OpenAiChat, &none.json());
}

#[tokio::test]
async fn the_key_is_taken_from_every_header_that_litellm_takes_it_from() {
    let (_upstream, gateway) = guarded().await;
    for (name, value) in [
        ("authorization", format!("Bearer {KEY}")),
        ("authorization", format!("bearer {KEY}")),
        ("x-api-key", KEY.to_owned()),
        ("api-key", KEY.to_owned()),
        ("x-litellm-api-key", KEY.to_owned()),
        ("x-litellm-api-key", format!("Bearer {KEY}")),
        ("x-goog-api-key", KEY.to_owned()),
        ("ocp-apim-subscription-key", KEY.to_owned()),
    ] {
        for wire in [Wire::OpenAiChat, Wire::AnthropicMessages] {
            let view = gateway
                .answer(&call::plain(wire, "hi").with(name, &value))
                .await;
            assert_eq!(view.status, 200, "{name}: {view:?}");
        }
    }
}

#[tokio::test]
async fn a_missing_or_wrong_key_is_401_in_the_dialect_of_the_endpoint() {
    let (upstream, gateway) = guarded().await;
    for wire in [
        Wire::OpenAiChat,
        Wire::OpenAiCompletions,
        Wire::OpenAiEmbeddings,
        Wire::AnthropicMessages,
    ] {
        let two = call::plain(wire, "hi")
            .bearer(KEY)
            .with("x-api-key", "sk-other");
        for request in [
            call::plain(wire, "hi"),
            call::plain(wire, "hi").bearer("sk-wrong"),
            call::plain(wire, "hi").with("x-api-key", "sk-wrong"),
            two,
        ] {
            let (view, record) = call::call(&gateway, Carry::Http1, request).await;
            assert_eq!(view.status, 401, "{view:?}");
            call::assert_error_shape(wire, &view.json());
            assert_eq!(
                view.json()["error"]["type"],
                "authentication_error",
                "{view:?}"
            );
            assert_eq!(record["end"], "rejected", "{record}");
        }
    }
    assert!(upstream.requests().is_empty());
}

#[tokio::test]
async fn probes_and_metrics_need_no_key_and_everything_else_does() {
    let (_upstream, gateway) = guarded().await;
    for path in [
        "/health/liveliness",
        "/health/liveness",
        "/health/readiness",
        "/metrics",
    ] {
        assert_eq!(
            gateway.answer(&Request::get(path)).await.status,
            200,
            "{path}"
        );
    }
    for path in ["/v1/models", "/models/double", "/health", "/admin/pools"] {
        assert_eq!(
            gateway.answer(&Request::get(path)).await.status,
            401,
            "{path}"
        );
        assert_eq!(gateway.get(path).await.status, 200, "{path}");
    }
    let rotate = Request::post("/admin/pools/rotate", &json!({}));
    assert_eq!(gateway.answer(&rotate).await.status, 401);
    assert_eq!(gateway.answer(&rotate.bearer(KEY)).await.status, 200);
}

#[tokio::test]
async fn without_a_key_the_gateway_stays_on_loopback_and_says_why() {
    let upstream = Upstream::plain().await;
    let gateway = Setup::serving(&upstream.url())
        .arg("--host")
        .arg("0.0.0.0")
        .start()
        .await;
    assert!(gateway.addr().ip().is_loopback(), "{}", gateway.addr());
    gateway.line(|line| line.contains("127.0.0.1 only")).await;
    let weak = Setup::serving(&upstream.url())
        .master_key("sk-1234")
        .start()
        .await;
    assert!(weak.addr().ip().is_loopback(), "{}", weak.addr());
    let strong = Setup::serving(&upstream.url())
        .master_key(KEY)
        .start()
        .await;
    assert!(strong.addr().ip().is_unspecified(), "{}", strong.addr());
}

#[tokio::test]
async fn what_does_not_exist_is_said_in_the_dialect_of_the_endpoint() {
    let (_upstream, gateway) = guarded().await;
    for wire in [
        Wire::OpenAiChat,
        Wire::OpenAiEmbeddings,
        Wire::AnthropicMessages,
    ] {
        let request = call::plain(wire, "hi").model("no-such-model").bearer(KEY);
        let (view, record) = call::call(&gateway, Carry::Http1, request).await;
        assert_eq!(view.status, 400, "{view:?}");
        call::assert_error_shape(wire, &view.json());
        assert!(
            view.json()["error"]["message"]
                .as_str()
                .unwrap()
                .contains("no-such-model")
        );
        assert_eq!(record["end"], "rejected", "{record}");
    }
    for (request, wire, status) in [
        (Request::get("/nowhere"), Wire::OpenAiChat, 404),
        (Request::get("/v1/chat/completions"), Wire::OpenAiChat, 405),
        (Request::get("/v1/messages"), Wire::AnthropicMessages, 405),
        (
            Request::post("/v1/messages/none", &json!({})),
            Wire::AnthropicMessages,
            404,
        ),
        (
            Request::post("/v1/models", &json!({})),
            Wire::OpenAiChat,
            405,
        ),
        (Request::get("/../../etc/passwd"), Wire::OpenAiChat, 404),
    ] {
        let view = gateway.answer(&request.bearer(KEY)).await;
        assert_eq!(view.status, status, "{view:?}");
        call::assert_error_shape(wire, &view.json());
    }
}

#[tokio::test]
async fn an_answer_names_the_call_and_what_served_it() {
    let (_upstream, gateway) = guarded().await;
    let request = || {
        call::streaming(Wire::OpenAiChat, "hi")
            .model("alias")
            .bearer(KEY)
    };
    let given = request().with("x-litellm-call-id", "my-own-id");
    let view = gateway.answer(&given).await;
    assert_eq!(view.header("x-litellm-call-id"), Some("my-own-id"));
    assert_eq!(view.header("x-litellm-model-group"), Some("double"));
    let record = gateway.record("my-own-id").await;
    assert_eq!(
        view.header("x-litellm-model-id"),
        record["deployment"].as_str()
    );
    assert_eq!(record["model"], "alias", "{record}");
    assert_eq!(record["group"], "double", "{record}");
    let view = gateway.answer(&request()).await;
    let id = view.header("x-litellm-call-id").unwrap().to_owned();
    assert!(id.len() >= 16, "{id}");
    gateway.record(&id).await;
    let refused = gateway.answer(&request().model("none")).await;
    assert!(refused.header("x-litellm-call-id").is_some(), "{refused:?}");
}

#[tokio::test]
async fn metrics_count_calls_by_their_end_and_are_well_formed() {
    let (_upstream, gateway) = guarded().await;
    let good = call::streaming(Wire::AnthropicMessages, "hi").bearer(KEY);
    call::call(&gateway, Carry::Http1, good.clone()).await;
    call::call(&gateway, Carry::Http2, good).await;
    let bad = call::plain(Wire::OpenAiChat, "hi")
        .model("none")
        .bearer(KEY);
    call::call(&gateway, Carry::Http1, bad).await;
    let calls =
        "gateway_calls_total{api=\"anthropic_messages\",model=\"double\",end=\"complete\"} ";
    assert_eq!(gateway.metric(calls).await, Some(2.0));
    assert_eq!(
        gateway
            .metric("gateway_calls_active{api=\"openai_chat\"} ")
            .await,
        Some(0.0)
    );
    let view = gateway.get("/metrics").await;
    assert!(
        view.header("content-type")
            .unwrap()
            .starts_with("text/plain; version=0.0.4")
    );
    let text = String::from_utf8(view.body.to_vec()).unwrap();
    // What a client may choose freely never becomes a label.
    assert!(!text.contains("none"), "{text}");
    for name in [
        "gateway_pool_generations",
        "gateway_pool_connections",
        "gateway_pool_streams",
        "gateway_pool_rotations",
        "gateway_call_duration_seconds",
        "gateway_log_lines_dropped",
    ] {
        assert!(
            text.contains(&format!("# TYPE {name}")),
            "{name} is missing"
        );
    }
}

#[tokio::test]
async fn the_pools_are_shown_as_documented() {
    let (upstream, gateway) = guarded().await;
    call::call(
        &gateway,
        Carry::Http1,
        call::streaming(Wire::OpenAiChat, "hi").bearer(KEY),
    )
    .await;
    let pools = gateway.pools().await;
    let origin = &pools["origins"][0];
    assert_eq!(origin["origin"], upstream.url(), "{pools:#}");
    let generation = &origin["generations"][0];
    assert_eq!(generation["number"], 1);
    assert_eq!(generation["reason"], "first");
    assert_eq!(generation["state"], "current");
    assert!(generation["age_seconds"].is_number() && generation["leases"].is_number());
    assert!(origin["connections"]["http1_idle"].is_number(), "{pools:#}");
    for (order, status) in [
        (json!({"host": "nobody.invalid"}), 404),
        (json!({"unknown": 1}), 400),
        (json!({"drain_deadline_seconds": -1}), 400),
        (json!({"reason": "boredom"}), 400),
    ] {
        let request = Request::post("/admin/pools/rotate", &order).bearer(KEY);
        assert_eq!(gateway.answer(&request).await.status, status, "{order}");
    }
    for reason in ["ttl", "config", "identity", "dns", "command", "health"] {
        gateway.rotate(&json!({"reason": reason})).await;
        let pools = gateway.pools().await;
        assert_eq!(
            pools["origins"][0]["generations"][0]["reason"], reason,
            "{pools:#}"
        );
    }
}

#[tokio::test]
async fn health_shows_the_deployments_by_their_last_attempt_and_calls_nobody() {
    let (upstream, gateway) = guarded().await;
    let health = gateway.get("/health").await.json();
    assert_eq!(health["healthy_count"], 2, "{health}");
    assert!(upstream.requests().is_empty());
    upstream.set_handler(|_| Script::json(500, &json!({})));
    call::call(
        &gateway,
        Carry::Http1,
        call::plain(Wire::OpenAiChat, "hi").bearer(KEY),
    )
    .await;
    let health = gateway.get("/health").await.json();
    assert_eq!(health["unhealthy_count"], 1, "{health}");
    assert_eq!(
        health["unhealthy_endpoints"][0]["model_name"], "double",
        "{health}"
    );
}

#[tokio::test]
async fn the_listener_speaks_tls_with_http1_and_http2_by_alpn() {
    let ca = TestCa::new();
    let upstream = Upstream::plain().await;
    let setup = Setup::serving(&upstream.url());
    let files = ca.server().write_pem(setup.dir(), "listener");
    let gateway = setup
        .set(
            "gateway.listen.tls_cert",
            json!(files.cert.display().to_string()),
        )
        .set(
            "gateway.listen.tls_key",
            json!(files.key.display().to_string()),
        )
        .start()
        .await;
    let request = call::streaming(Wire::AnthropicMessages, "hi");
    for alpn in [&[][..], &["http/1.1"]] {
        let tls = ca.client_config(None, alpn);
        let view = Http1Client::connect_tls(gateway.addr(), tls)
            .await
            .call(&request)
            .await;
        assert!(view.is_complete(), "{view:?}");
    }
    for alpn in [&["h2"][..], &["h2", "http/1.1"]] {
        let tls = ca.client_config(None, alpn);
        let view = Http2Client::connect_tls(gateway.addr(), tls)
            .await
            .call(&request)
            .await;
        assert!(view.is_complete(), "{view:?}");
    }
    // Over TLS too, the error event comes before the cut.
    upstream.set_handler(|request| end_to_end::Stream::answering(request).begun(2).close());
    let tls = ca.client_config(None, &["http/1.1"]);
    let view = Http1Client::connect_tls(gateway.addr(), tls)
        .await
        .call(&request)
        .await;
    assert!(
        view.events.last().is_some_and(|event| event.is_error()),
        "{view:?}"
    );
    assert_ne!(view.end, BodyEnd::Clean);
}

#[tokio::test]
async fn an_admin_listener_of_its_own_takes_the_admin_routes_off_the_public_one() {
    let admin = free_address();
    let upstream = Upstream::plain().await;
    let gateway = Setup::serving(&upstream.url())
        .set("gateway.admin.port", json!(admin.port()))
        .start()
        .await;
    let ask =
        |request: Request| async move { Http1Client::connect(admin).await.call(&request).await };
    let status = |view: ClientView| view.status;
    assert_eq!(status(gateway.get("/admin/pools").await), 404);
    assert_eq!(status(ask(Request::get("/admin/pools")).await), 200);
    assert_eq!(
        status(ask(Request::post("/admin/pools/rotate", &json!({}))).await),
        200
    );
    assert_eq!(status(ask(Request::get("/metrics")).await), 200);
    assert_eq!(status(ask(Request::get("/v1/models")).await), 404);
    assert_eq!(status(ask(call::plain(Wire::OpenAiChat, "hi")).await), 404);
    let none = Setup::serving(&upstream.url())
        .set("gateway.admin.enabled", json!(false))
        .start()
        .await;
    assert_eq!(status(none.get("/admin/pools").await), 404);
}

#[tokio::test]
async fn a_client_that_waits_for_100_continue_gets_it() {
    let (_upstream, gateway) = guarded().await;
    let request = call::plain(Wire::OpenAiChat, "hi")
        .bearer(KEY)
        .with("expect", "100-continue");
    let whole = request.to_http1();
    let body = whole.len() - request.body.len();
    let mut client = gateway.http1().await;
    client.send_raw(whole.slice(..body)).await.unwrap();
    // Nothing is read of the answer before the body was sent, as the client library counts interim heads.
    client.send_raw(whole.slice(body..)).await.unwrap();
    let view = client.view().await;
    assert_eq!(view.status, 200, "{view:?}");
}

#[tokio::test]
async fn connections_of_clients_are_kept_for_the_next_call() {
    let (_upstream, gateway) = guarded().await;
    let mut client = gateway.http1().await;
    for wire in [
        Wire::OpenAiChat,
        Wire::AnthropicMessages,
        Wire::OpenAiEmbeddings,
    ] {
        assert_eq!(
            client
                .call(&call::plain(wire, "hi").bearer(KEY))
                .await
                .status,
            200
        );
        assert_eq!(client.call(&call::plain(wire, "hi")).await.status, 401);
    }
    let view = client
        .call(&call::streaming(Wire::OpenAiChat, "hi").bearer(KEY))
        .await;
    assert!(view.is_complete(), "{view:?}");
    let view = client.call(&Request::get("/health/readiness")).await;
    assert_eq!(view.status, 200);
}

#[tokio::test]
async fn a_key_header_of_ones_own_is_accepted() {
    let upstream = Upstream::plain().await;
    let gateway = Setup::serving(&upstream.url())
        .master_key(KEY)
        .set(
            "general_settings.litellm_key_header_name",
            json!("x-team-key"),
        )
        .start()
        .await;
    let request = call::plain(Wire::OpenAiChat, "hi").with("x-team-key", KEY);
    assert_eq!(gateway.answer(&request).await.status, 200);
    let wrong = call::plain(Wire::OpenAiChat, "hi").with("x-team-key", "sk-wrong");
    assert_eq!(gateway.answer(&wrong).await.status, 401);
}

#[tokio::test]
async fn embeddings_never_stream_whatever_the_request_says() {
    let wire = Wire::OpenAiEmbeddings;
    let answer = move |it: &Recorded| Script::json(200, &wire.body(it, &Knobs::default()));
    let upstream = Upstream::answering(answer).await;
    let gateway = Setup::serving(&upstream.url()).start().await;
    let request = call::plain(wire, "hello").streaming();
    let calls = call::calls(&gateway, vec![(wire, Carry::Http1, request)]).await;
    calls[0].assert_served();
    assert_eq!(calls[0].record["stream"], false, "{calls:#?}");
}
