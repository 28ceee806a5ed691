//! Beyond capacity new calls are refused fast and in words, and those that run do not notice.

// The exception in clippy.toml reaches test functions only, not what they share.
#![allow(clippy::unwrap_used)]

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use end_to_end::call::{self, Carry, Live, assert_error_shape};
use end_to_end::stream::text;
use end_to_end::{Gateway, Setup, Stream, binary};
use gateway_testkit::client::{BodyEnd, Http1Client};
use gateway_testkit::dialect::Wire;
use gateway_testkit::script::Gate;
use gateway_testkit::upstream::Upstream;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::Instant;

/// An upstream whose streams stop after three events until the gate is opened.
async fn gated() -> (Upstream, Gate) {
    let gate = Gate::new();
    let wait = gate.clone();
    let upstream = Stream::upstream(move |stream| {
        let (begun, rest) = (stream.begun(3), stream.after(3).to_vec());
        begun.wait(&wait).all(rest).end()
    })
    .await;
    (upstream, gate)
}

/// A stream that has begun and waits for the gate.
async fn running(gateway: &Gateway) -> Live {
    let mut live = Live::open(
        gateway,
        Carry::Http1,
        &call::streaming(Wire::OpenAiChat, "hello"),
    )
    .await;
    assert_eq!(live.head().await.unwrap().status, 200);
    assert!(!live.content().await.is_empty());
    live
}

#[tokio::test]
async fn beyond_the_limit_calls_are_refused_at_once_and_those_that_run_are_not_harmed() {
    let (upstream, gate) = gated().await;
    let gateway = Setup::serving(&upstream.url())
        .set("gateway.max_in_flight", json!(2))
        .set("gateway.max_queued", json!(0))
        .start()
        .await;
    let mut live = [running(&gateway).await, running(&gateway).await];
    let mut fastest = Duration::MAX;
    for wire in [
        Wire::OpenAiChat,
        Wire::AnthropicMessages,
        Wire::OpenAiCompletions,
    ] {
        let (request, id) = call::named(call::plain(wire, "hello"));
        let mut client = gateway.http1().await;
        let asked = Instant::now();
        let view = client.call(&request).await;
        fastest = fastest.min(asked.elapsed());
        assert_eq!(view.status, 503, "{view:?}");
        assert_error_shape(wire, &view.json());
        let wait: u64 = view.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=3).contains(&wait), "{wait}");
        assert_eq!(gateway.record(&id).await["end"], "rejected");
    }
    assert!(fastest < Duration::from_millis(10), "{fastest:?}");
    let mut unread = gateway.http1().await;
    let head = "POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\ncontent-length: 5000000\r\n\r\n{";
    unread.send_raw(head).await.unwrap();
    assert_eq!(
        unread.head().await.unwrap().status,
        503,
        "its body was not waited for"
    );
    assert_eq!(upstream.requests().len(), 2);
    let refused = r#"gateway_calls_refused_total{reason="queue_full"}"#;
    assert_eq!(gateway.metric(refused).await, Some(4.0));

    gate.open();
    for live in &mut live {
        assert_eq!(live.rest().await.1, BodyEnd::Clean);
    }
    let view = gateway
        .answer(&call::streaming(Wire::OpenAiChat, "hello"))
        .await;
    assert_eq!(view.status, 200, "{view:?}");
}

#[tokio::test]
async fn a_call_waits_in_line_for_one_that_ends_or_for_a_client_that_leaves() {
    let (upstream, gate) = gated().await;
    let gateway = Setup::serving(&upstream.url())
        .set("gateway.max_in_flight", json!(1))
        .set("gateway.max_queued", json!(1))
        .set("gateway.queue_timeout", json!(30))
        .start()
        .await;
    let first = running(&gateway).await;
    let request = call::streaming(Wire::OpenAiChat, "hello");
    let mut second = Live::open(&gateway, Carry::Http2, &request).await;
    while gateway.metric("gateway_calls_queued").await != Some(1.0) {
        tokio::task::yield_now().await;
    }
    let refused = gateway.answer(&request).await;
    assert_eq!(refused.status, 503, "the line is full");
    drop(first);
    assert_eq!(second.head().await.unwrap().status, 200);
    gate.open();
    let (events, end) = second.rest().await;
    let said: String = events.iter().map(|event| event.text()).collect();
    assert_eq!((said, end), (text(5), BodyEnd::Clean));
}

#[tokio::test]
async fn a_call_that_finds_no_place_in_time_is_told_why() {
    let (upstream, gate) = gated().await;
    let gateway = Setup::serving(&upstream.url())
        .set("gateway.max_in_flight", json!(1))
        .set("gateway.max_queued", json!(5))
        .set("gateway.queue_timeout", json!(0.2))
        .start()
        .await;
    let _first = running(&gateway).await;
    let request = call::plain(Wire::OpenAiChat, "hello");
    let view = gateway.answer(&request).await;
    assert_eq!(view.status, 503, "{view:?}");
    let hurried = request.with("x-litellm-timeout", "0.05");
    let view = gateway.answer(&hurried).await;
    assert_eq!(view.status, 408, "{view:?}");
    gate.open();
}

#[tokio::test]
async fn litellms_limit_of_parallel_requests_answers_429() {
    let (upstream, gate) = gated().await;
    let gateway = Setup::serving(&upstream.url())
        .set("general_settings.global_max_parallel_requests", json!(1))
        .start()
        .await;
    let _first = running(&gateway).await;
    let view = gateway
        .answer(&call::plain(Wire::OpenAiChat, "hello"))
        .await;
    assert_eq!(view.status, 429, "{view:?}");
    gate.open();
}

/// A gateway that may have so many descriptors.
async fn with_descriptors(limit: u32, upstream: &Upstream) -> (SocketAddr, Child, impl Sized) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("config.yaml");
    let base = format!("{}/v1", upstream.url());
    let config = json!({
        "model_list": [{"model_name": "double",
            "litellm_params": {"model": "openai/double", "api_base": base, "api_key": "k"}}],
        "gateway": {"workers": 1},
    });
    std::fs::write(&file, config.to_string()).unwrap();
    let start = format!("ulimit -n {limit} && exec \"$0\" --config \"$1\" --port 0");
    let mut process = Command::new("sh")
        .args(["-c", &start])
        .arg(binary::gateway_server())
        .arg(&file)
        .env_clear()
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut log = BufReader::new(process.stdout.take().unwrap()).lines();
    let addr = loop {
        let line = log
            .next_line()
            .await
            .unwrap()
            .expect("it says that it is ready");
        let line: Value = serde_json::from_str(&line).unwrap_or_default();
        if line["message"] == "ready" {
            break line["address"].as_str().unwrap().parse().unwrap();
        }
    };
    (addr, process, (dir, log))
}

#[tokio::test]
async fn with_few_descriptors_left_new_clients_are_refused_and_old_ones_served() {
    let upstream = Upstream::plain().await;
    let (addr, _process, _keep) = with_descriptors(128, &upstream).await;
    let request = call::plain(Wire::OpenAiChat, "hello");
    let mut old = Http1Client::connect(addr).await;
    assert_eq!(old.call(&request).await.status, 200);
    let mut clients = Vec::new();
    let refused = loop {
        assert!(clients.len() < 128, "somebody is refused in words");
        let mut client = Http1Client::connect(addr).await;
        let view = client.call(&request).await;
        if view.status != 200 {
            // Nobody is to hold a descriptor that serves nobody.
            assert!(client.closed().await.is_ok());
            break view;
        }
        clients.push(client);
    };
    assert_eq!(refused.status, 503, "{refused:?}");
    assert!(refused.header("retry-after").is_some());
    assert_eq!(old.call(&request).await.status, 200);

    clients.clear();
    loop {
        let mut client = Http1Client::connect(addr).await;
        if client.call(&request).await.status == 200 {
            break;
        }
    }
}
