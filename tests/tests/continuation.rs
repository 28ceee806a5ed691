//! A plain text that breaks off in the middle goes on at a deployment whose model accepts a begun answer.

// The exception in clippy.toml reaches test functions only, not what they share.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use end_to_end::call::{self, Carry, Live};
use end_to_end::stream::text;
use end_to_end::{Gateway, Setup, Stream};
use gateway_testkit::client::BodyEnd;
use gateway_testkit::dialect::Wire;
use gateway_testkit::script::{Gate, Script};
use gateway_testkit::upstream::{Recorded, Upstream};
use serde_json::{Value, json};

const WIRES: [Wire; 2] = [Wire::OpenAiChat, Wire::AnthropicMessages];

/// Deployments in both dialects for each of these upstreams, tried in their order; all but the first are said to accept
/// a begun answer.
fn setup(upstreams: &[&Upstream]) -> Setup {
    let mut list = Vec::new();
    for (order, upstream) in upstreams.iter().enumerate() {
        for (model, base) in [
            ("openai/double", format!("{}/v1", upstream.url())),
            ("anthropic/double", upstream.url()),
        ] {
            list.push(json!({
                "model_name": "double",
                "litellm_params": {"model": model, "api_base": base, "api_key": "k", "order": order + 1,
                    "native_only": true},
                "model_info": {"supports_assistant_prefill": order > 0},
            }));
        }
    }
    Setup::new().set("model_list", Value::Array(list))
}

async fn started(upstreams: &[&Upstream]) -> Gateway {
    setup(upstreams)
        .set(
            "router_settings.enable_mid_stream_fallback_continuation",
            json!(true),
        )
        .start()
        .await
}

/// The text that the last message of a request begins the answer with.
fn begun(request: &Recorded) -> String {
    let messages = &request.json()["messages"];
    let last = messages.as_array().unwrap().last().unwrap();
    assert_eq!(last["role"], "assistant", "{messages}");
    match &last["content"] {
        Value::String(text) => text.clone(),
        parts => parts[0]["text"].as_str().unwrap().to_owned(),
    }
}

/// Answers what comes after the `n` contents that the request begins with, and no more than `most` of it.
fn rest(request: &Recorded, n: usize, most: usize) -> Stream {
    assert_eq!(begun(request), text(n).trim_end());
    let mut stream = Stream::answering(request);
    let until = stream.until(n).len();
    let preamble = stream.preamble().len();
    stream.events.drain(preamble..until);
    if let Some(end) = (most > 0).then(|| stream.until(most).len()) {
        stream.events.truncate(end);
    }
    stream
}

#[tokio::test]
async fn a_text_that_breaks_off_goes_on_elsewhere_and_the_record_says_so() {
    let broken = Stream::upstream(|stream| stream.begun(3).close()).await;
    let other = Upstream::answering(|request| Script::events(rest(request, 3, 0).events)).await;
    let gateway = started(&[&broken, &other]).await;
    for wire in WIRES {
        for carry in [Carry::Http1, Carry::Http2] {
            let (view, record) = call::call(&gateway, carry, call::streaming(wire, "hello")).await;
            assert_eq!(view.text(), text(5), "{view:#?}");
            assert!(view.is_complete(), "{view:#?}");
            assert!(view.error_event().is_none(), "{view:#?}");
            assert_eq!(record["end"], "complete", "{record:#}");
            let attempts = record["attempt_log"].as_array().unwrap().iter();
            let kinds: Vec<&str> = attempts.map(|it| it["kind"].as_str().unwrap()).collect();
            assert_eq!(kinds, ["first", "continuation"], "{record:#}");
            assert_eq!(record["attempt_log"][0]["end"], "truncated", "{record:#}");
            assert_eq!(record["attempt_log"][1]["end"], "complete", "{record:#}");
        }
    }
    assert_eq!(broken.requests().len(), 4);
    assert_eq!(other.requests().len(), 4);
}

#[tokio::test]
async fn a_silent_stream_goes_on_elsewhere_after_its_idle_time_and_an_overload_too() {
    let silent = Stream::upstream(|stream| match stream.wire {
        Wire::OpenAiChat => stream.begun(3).stall(),
        wire => {
            let error = wire.error_event(529, "overloaded");
            stream.begun(3).bytes(error).end()
        }
    })
    .await;
    let other = Upstream::answering(|request| Script::events(rest(request, 3, 0).events)).await;
    let gateway = setup(&[&silent, &other])
        .set(
            "router_settings.enable_mid_stream_fallback_continuation",
            json!(true),
        )
        .set("router_settings.stream_idle_timeout", json!(0.3))
        .start()
        .await;
    for wire in WIRES {
        let request = call::streaming(wire, "hello");
        let (view, record) = call::call(&gateway, Carry::Http1, request).await;
        assert_eq!(
            (view.text(), view.is_complete()),
            (text(5), true),
            "{view:#?}"
        );
        assert_eq!(record["end"], "complete", "{record:#}");
    }
}

#[tokio::test]
async fn a_call_goes_on_twice_and_then_the_client_is_told() {
    let first = Stream::upstream(|stream| stream.begun(2).close()).await;
    let cut = |n: usize| {
        Upstream::answering(move |request| {
            let stream = rest(request, n, 1);
            stream.begun(1).close()
        })
    };
    let (second, third, fourth) = (cut(2).await, cut(3).await, cut(4).await);
    let gateway = started(&[&first, &second, &third, &fourth]).await;
    for wire in WIRES {
        let request = call::streaming(wire, "hello");
        let (view, record) = call::call(&gateway, Carry::Http1, request).await;
        assert_eq!(view.text(), text(4), "{view:#?}");
        assert!(!view.is_complete() && view.error_event().is_some());
        assert_eq!(record["end"], "truncated", "{record:#}");
    }
    assert_eq!(fourth.requests().len(), 0);
}

#[tokio::test]
async fn what_cannot_go_on_ends_as_without_continuation() {
    let broken = Stream::upstream(|stream| stream.begun(3).close()).await;
    let failing = Upstream::answering(|_| Script::json(500, &json!({"error": {}}))).await;
    let off = setup(&[&broken, &failing]).start().await;
    let nobody = started(&[&broken]).await;
    let refused = started(&[&broken, &failing]).await;
    for gateway in [off, nobody, refused] {
        for wire in WIRES {
            let request = call::streaming(wire, "hello");
            let (view, record) = call::call(&gateway, Carry::Http1, request).await;
            assert_eq!(view.text(), text(3), "{view:#?}");
            assert!(
                view.error_event().is_some() && !view.is_complete(),
                "{view:#?}"
            );
            assert_eq!(record["end"], "truncated", "{record:#}");
        }
    }
}

#[tokio::test]
async fn a_fallback_group_goes_on_where_nobody_of_the_own_group_can() {
    let broken = Stream::upstream(|stream| stream.begun(3).close()).await;
    let other = Upstream::answering(|request| Script::events(rest(request, 3, 0).events)).await;
    let entry = |name: &str, upstream: &Upstream, accepts: bool| {
        let base = format!("{}/v1", upstream.url());
        json!({
            "model_name": name,
            "litellm_params": {"model": "openai/double", "api_base": base, "api_key": "k"},
            "model_info": {"supports_assistant_prefill": accepts},
        })
    };
    let list = json!([
        entry("double", &broken, false),
        entry("other", &other, true)
    ]);
    let settings = json!({
        "enable_mid_stream_fallback_continuation": true,
        "fallbacks": [{"double": ["other"]}],
    });
    let gateway = Setup::new()
        .set("model_list", list)
        .set("router_settings", settings)
        .start()
        .await;
    let request = call::streaming(Wire::OpenAiChat, "hello");
    let (view, record) = call::call(&gateway, Carry::Http1, request.clone()).await;
    assert_eq!(
        (view.text(), view.is_complete()),
        (text(5), true),
        "{view:#?}"
    );
    assert_eq!(record["attempt_log"][1]["group"], "other", "{record:#}");
    let without = request.field("disable_fallbacks", json!(true));
    let (view, _) = call::call(&gateway, Carry::Http1, without).await;
    assert_eq!(
        (view.text(), view.is_complete()),
        (text(3), false),
        "{view:#?}"
    );
}

#[tokio::test]
async fn a_client_that_leaves_while_nobody_has_gone_on_yet_stops_the_attempt() {
    let broken = Stream::upstream(|stream| stream.begun(3).close()).await;
    let gate = Gate::new();
    let waits = gate.clone();
    let other = Upstream::answering(move |_| Script::new().wait(&waits)).await;
    let gateway = started(&[&broken, &other]).await;
    let (request, id) = call::named(call::streaming(Wire::OpenAiChat, "hello"));
    let mut live = Live::open(&gateway, Carry::Http1, &request).await;
    live.head().await.unwrap();
    for _ in 0..3 {
        live.content().await;
    }
    other.requests_reach(1).await;
    drop(live);
    let record = gateway.record(&id).await;
    assert_eq!(record["end"], "client_gone", "{record:#}");
    let ended = tokio::time::timeout(Duration::from_secs(2), other.last_ended()).await;
    assert!(ended.is_ok());
    gate.open();
}

#[tokio::test]
async fn a_client_hears_a_heartbeat_while_somebody_else_begins() {
    let broken = Stream::upstream(|stream| stream.begun(3).close()).await;
    let gate = Gate::new();
    let waits = gate.clone();
    let other = Upstream::answering(move |request| {
        let mut script = Script::new().wait(&waits);
        for step in Script::events(rest(request, 3, 0).events).into_steps() {
            script = script.step(step);
        }
        script
    })
    .await;
    let gateway = setup(&[&broken, &other])
        .set(
            "router_settings.enable_mid_stream_fallback_continuation",
            json!(true),
        )
        .set("gateway.heartbeat_seconds", json!(0.1))
        .start()
        .await;
    let request = call::streaming(Wire::OpenAiChat, "hello");
    let mut live = Live::open(&gateway, Carry::Http1, &request).await;
    live.head().await.unwrap();
    for _ in 0..3 {
        live.content().await;
    }
    let beat = live.chunk().await.unwrap().unwrap();
    assert!(beat.starts_with(b":"), "{beat:?}");
    gate.open();
    let (events, end) = live.rest().await;
    assert_eq!(end, BodyEnd::Clean);
    assert!(events.last().unwrap().is_marker());
}
