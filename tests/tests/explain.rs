//! What `explain` tells of a call, before it is made and while the gateway runs, is what happens to the call.

// The exception in clippy.toml reaches test functions only, not what they share.
#![allow(clippy::unwrap_used)]

use end_to_end::call::{self, Call, Carry, course};
use end_to_end::{Gateway, Setup, binary, command};
use gateway_testkit::client::Request;
use gateway_testkit::dialect::Wire;
use gateway_testkit::script::Script;
use gateway_testkit::upstream::Upstream;
use serde_json::{Value, json};

async fn failing(status: u16) -> Upstream {
    Upstream::answering(move |request| {
        let wire = Wire::of_path(request.path()).expect("a call");
        Script::json(status, &wire.error_body(status, "the provider's words"))
    })
    .await
}

/// Two levels and a fallback; everything but the fallback fails.
fn world(bad: &Upstream, good: &Upstream) -> Setup {
    let member = |setup: Setup, group: &str, id: &str, upstream: &Upstream, more: Value| {
        setup.deployment(Wire::OpenAiChat, group, id, &upstream.url(), &more)
    };
    let first = json!({"order": 1, "weight": 3, "timeout": 7, "stream_timeout": 0.5});
    let setup = member(Setup::routed(), "double", "one", bad, first);
    let setup = member(
        setup,
        "double",
        "two",
        bad,
        json!({"order": 2, "num_retries": 2}),
    );
    member(
        setup,
        "other",
        "three",
        good,
        json!({"api_key": "sk-of-nobody-else"}),
    )
    .set("router_settings.num_retries", json!(0))
    .set("router_settings.timeout", json!(25))
    .set("router_settings.fallbacks", json!([{"double": ["other"]}]))
    .set(
        "router_settings.retry_policy",
        json!({"RateLimitErrorRetries": 1}),
    )
    .set("router_settings.allowed_fails", json!(100))
}

async fn chat(gateway: &Gateway) -> Call {
    let request = call::plain(Wire::OpenAiChat, "hello");
    let requests = vec![(Wire::OpenAiChat, Carry::Http1, request)];
    call::calls(gateway, requests).await.pop().unwrap()
}

/// The deployments that are told of, in their order.
fn ids(legs: &Value) -> Vec<String> {
    let legs = legs.as_array().unwrap().iter();
    let deployments = legs.flat_map(|leg| leg["deployments"].as_array().unwrap());
    deployments
        .map(|it| it["id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn what_is_told_of_a_running_gateway_is_what_happens() {
    let (bad, good) = (failing(500).await, Upstream::plain().await);
    let gateway = world(&bad, &good).start().await;
    let told = gateway.get("/admin/explain?model=double").await.json();
    assert_eq!(told["call_timer"]["seconds"], 25.0, "{told:#}");
    assert_eq!(ids(&told["legs"]), ["one", "two"], "{told:#}");
    let one = &told["legs"][0]["deployments"][0];
    assert_eq!(one["timers"]["attempt"]["seconds"], 7.0, "{told:#}");
    assert_eq!(one["timers"]["first_content"]["seconds"], 0.5, "{told:#}");
    let place = one["timers"]["attempt"]["from"].as_str().unwrap();
    assert!(place.contains("config.yaml:1:"), "{place}");
    let counts = told["retries"]["by_failure"].as_array().unwrap();
    let count = |failure: &str| {
        let found = counts.iter().find(|it| it["failure"] == failure);
        found.unwrap_or_else(|| panic!("{failure} is missing: {told:#}"))["count"].clone()
    };
    assert_eq!(
        (count("rate_limit"), count("internal_error")),
        (json!(1), json!(0))
    );
    assert!(told["fallbacks"].to_string().contains("other"), "{told:#}");
    let call = chat(&gateway).await;
    call.assert_served();
    let expected = [
        "one first internal",
        "two next_level internal",
        "two retry internal",
        "two retry internal",
        "three fallback answered",
    ];
    assert_eq!(course(&call.record), expected, "{call:#?}");
    // Somebody who is set aside is told, with how long, and is not tried.
    let aside = Request::post("/admin/deployments/one/cooldown", &json!({"seconds": 60}));
    assert_eq!(gateway.answer(&aside).await.status, 200);
    let told = gateway.get("/admin/explain?model=double").await.json();
    let standing = &told["legs"][0]["deployments"][0]["standing"];
    assert_ne!(standing["state"], "ready", "{told:#}");
    let call = chat(&gateway).await;
    assert!(
        course(&call.record)[0].starts_with("two first"),
        "{call:#?}"
    );
    for view in [told.to_string(), call.record.to_string()] {
        assert!(
            !view.contains("sk-provider") && !view.contains("sk-of-nobody"),
            "{view}"
        );
    }
}

#[tokio::test]
async fn the_same_is_told_without_a_gateway_and_for_one_request() {
    let (bad, good) = (failing(500).await, Upstream::plain().await);
    let setup = world(&bad, &good);
    let config = setup.write().display().to_string();
    let request = setup.dir().join("request.json");
    let body = json!({"model": "double", "stream": true, "timeout": 3, "num_retries": 4});
    std::fs::write(&request, body.to_string()).unwrap();
    let request = request.display().to_string();
    let explain = async |model: &str, more: &[&str]| {
        let args = [&["explain", model, "--config", &config][..], more].concat();
        command::run(binary::gateway_server(), args).await
    };
    let done = explain("double", &[]).await;
    assert_eq!(done.code, Some(0), "{done:?}");
    for part in [
        "25 s",
        "7 s",
        "0.5 s",
        "config.yaml:1:",
        "order 1",
        "order 2",
        "other",
    ] {
        assert!(done.stdout.contains(part), "{part}: {done:?}");
    }
    let (one, two) = (
        done.stdout.find("id              one"),
        done.stdout.find("id              two"),
    );
    assert!(one.is_some() && one < two, "{done:?}");
    assert!(!format!("{done:?}").contains("sk-provider"), "{done:?}");
    let asked = explain("double", &["--request", &request]).await;
    assert_eq!(asked.code, Some(0), "{asked:?}");
    for part in [
        "3 s (the request's field `timeout`)",
        "0.5 s",
        "retries         4",
    ] {
        assert!(asked.stdout.contains(part), "{part}: {asked:?}");
    }
    let unknown = explain("duble", &[]).await;
    assert_eq!(unknown.code, Some(1), "{unknown:?}");
    let said = unknown.stdout + &unknown.stderr;
    assert!(said.contains("duble") && said.contains("double"), "{said}");
    // Nobody was asked for any of this.
    assert!(bad.requests().is_empty() && good.requests().is_empty());
}
