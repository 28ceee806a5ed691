//! nginx in front of the gateway, as most people have it: with its defaults, which collect an answer in buffers.

// The exception in clippy.toml reaches test functions only, not what they share.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use end_to_end::call::{self, STREAMING};
use end_to_end::nginx::Nginx;
use end_to_end::stream::text;
use end_to_end::{Gateway, Setup, Stream};
use gateway_testkit::client::{BodyEnd, Http1Client};
use gateway_testkit::dialect::Wire;
use gateway_testkit::script::{Gate, ResponseHead, Script};
use gateway_testkit::upstream::Upstream;

/// nginx speaks HTTP/1.0 to the server behind it unless told otherwise.
const DEFAULTS: &str = "";

/// What its manual advises for connections that are used again.
const KEEPALIVE: &str = "proxy_http_version 1.1; proxy_set_header Connection \"\";";

/// What is copied everywhere for WebSockets: every request is sent on as an upgrade, most of them to nothing.
const UPGRADE: &str = "proxy_http_version 1.1;
    proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection \"upgrade\";";

async fn gateway(script: impl Fn(Stream) -> Script + Send + Sync + 'static) -> (Upstream, Gateway) {
    let upstream = Stream::upstream(script).await;
    let gateway = Setup::serving(&upstream.url()).start().await;
    (upstream, gateway)
}

/// The whole stream, each content behind the first only when its gate is open.
fn gated(stream: &Stream, gates: &[Gate]) -> Script {
    let mut script = stream.begun(1);
    let mut sent = stream.until(1).len();
    for (index, gate) in gates.iter().enumerate() {
        let until = stream.until(index + 2).len();
        script = script.wait(gate).all(stream.events[sent..until].to_vec());
        sent = until;
    }
    script.all(stream.events[sent..].to_vec()).end()
}

/// Reads up to the next content.
async fn content(client: &mut Http1Client) -> Result<String, BodyEnd> {
    loop {
        let event = client.event().await?.expect("the stream goes on");
        if !event.text().is_empty() {
            return Ok(event.text());
        }
    }
}

/// The rest of a stream: whether its marker came, and how it ended.
async fn rest(client: &mut Http1Client) -> (bool, BodyEnd) {
    let mut marker = false;
    loop {
        match client.event().await {
            Ok(Some(event)) => marker |= event.is_marker(),
            Ok(None) => return (marker, BodyEnd::Clean),
            Err(end) => return (marker, end),
        }
    }
}

#[tokio::test]
async fn nginx_passes_each_event_on_as_it_comes() {
    for directives in [DEFAULTS, KEEPALIVE] {
        for wire in STREAMING {
            let gates: Vec<_> = (0..4).map(|_| Gate::new()).collect();
            let (_upstream, gateway) = {
                let gates = gates.clone();
                gateway(move |stream| gated(&stream, &gates)).await
            };
            let nginx = Nginx::before(&gateway, directives).await;
            let mut client = nginx.http1().await;
            client.send(&call::streaming(wire, "hello")).await.unwrap();
            assert_eq!(client.head().await.unwrap().status, 200);
            let mut seen = content(&mut client).await.unwrap();
            for gate in &gates {
                // The provider has said no more than what we have read.
                gate.open();
                seen += &content(&mut client).await.unwrap();
            }
            assert_eq!(seen, text(5), "{wire:?}, {directives:?}");
            assert_eq!(rest(&mut client).await, (true, BodyEnd::Clean));
        }
    }
}

#[tokio::test]
async fn without_our_header_nginx_would_hold_events_back() {
    let gates = [Gate::new(), Gate::new(), Gate::new(), Gate::new()];
    let (_upstream, gateway) = {
        let gates = gates.clone();
        gateway(move |stream| gated(&stream, &gates)).await
    };
    let deaf = "proxy_ignore_headers X-Accel-Buffering;";
    let nginx = Nginx::before(&gateway, deaf).await;
    let mut client = nginx.http1().await;
    client.set_deadline(Duration::from_millis(500));
    let request = call::streaming(Wire::OpenAiChat, "hello");
    client.send(&request).await.unwrap();
    let held = match client.head().await {
        Ok(_) => content(&mut client).await.err(),
        Err(end) => Some(end),
    };
    assert_eq!(held, Some(BodyEnd::Deadline));
}

/// How far the call has come when its client leaves.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Phase {
    Plain,
    Head,
    MidStream,
}

#[tokio::test]
async fn a_client_that_leaves_nginx_stops_the_provider() {
    for directives in [DEFAULTS, KEEPALIVE] {
        for phase in [Phase::Plain, Phase::Head, Phase::MidStream] {
            let here = Gate::new();
            let (upstream, gateway) = {
                let here = here.clone();
                gateway(move |stream| match phase {
                    Phase::Plain | Phase::Head => Script::new().open(&here).stall(),
                    Phase::MidStream => stream.begun(2).open(&here).stall(),
                })
                .await
            };
            let nginx = Nginx::before(&gateway, directives).await;
            for reset in [false, true] {
                let request = match phase {
                    Phase::Plain => call::plain(Wire::OpenAiChat, "hello"),
                    _ => call::streaming(Wire::OpenAiChat, "hello"),
                };
                let (request, id) = call::named(request);
                let seen = upstream.requests().len() as u64;
                let mut client = nginx.http1().await;
                client.send(&request).await.unwrap();
                upstream.requests_reach(seen + 1).await;
                here.opened().await;
                if phase == Phase::MidStream {
                    client.head().await.unwrap();
                    content(&mut client).await.unwrap();
                }
                if reset {
                    client.reset();
                } else {
                    drop(client);
                }
                let record = gateway.record(&id).await;
                assert_eq!(record["end"], "client_gone", "{phase:?}: {record}");
                upstream.last_ended().await;
            }
        }
    }
}

#[tokio::test]
async fn a_cut_stream_ends_with_its_error_behind_nginx_too() {
    // HTTP/1.0 has no other end than that of the connection, so only the event tells there.
    for (directives, end) in [(DEFAULTS, BodyEnd::Clean), (KEEPALIVE, BodyEnd::Eof)] {
        for wire in STREAMING {
            let (_upstream, gateway) = gateway(|stream| stream.begun(2).close()).await;
            let nginx = Nginx::before(&gateway, directives).await;
            let (request, id) = call::named(call::streaming(wire, "hello"));
            let view = nginx.http1().await.call(&request).await;
            assert_eq!(view.text(), text(2), "{view:?}");
            assert!(view.events.last().unwrap().is_error(), "{view:?}");
            assert!(!view.has_marker(), "{view:?}");
            assert_eq!(view.end, end, "{directives:?}: {view:?}");
            assert_eq!(gateway.record(&id).await["end"], "truncated");
        }
    }
}

#[tokio::test]
async fn an_upgrade_to_nothing_is_an_ordinary_call() {
    let (_upstream, gateway) = gateway(|stream| Script::events(stream.events)).await;
    let nginx = Nginx::before(&gateway, UPGRADE).await;
    for upgrade in [None, Some("websocket"), Some("h2c")] {
        for wire in STREAMING {
            let mut request = call::streaming(wire, "hello");
            if let Some(protocol) = upgrade {
                request = request
                    .with("connection", "upgrade")
                    .with("upgrade", protocol);
            }
            let (request, id) = call::named(request);
            let view = nginx.http1().await.call(&request).await;
            assert!(view.is_complete(), "{upgrade:?}: {view:?}");
            assert_eq!(gateway.record(&id).await["end"], "complete");
        }
    }
}

#[tokio::test]
async fn calls_one_after_another_come_whole_over_connections_that_nginx_keeps() {
    let (_upstream, gateway) = gateway(|stream| Script::events(stream.events)).await;
    let nginx = Nginx::before(&gateway, KEEPALIVE).await;
    let mut client = nginx.http1().await;
    for turn in 0..20 {
        let wire = STREAMING[turn % STREAMING.len()];
        let view = client.call(&call::streaming(wire, "hello")).await;
        assert!(view.is_complete(), "{turn}: {view:?}");
    }
}

#[tokio::test]
async fn a_refusal_of_the_provider_passes_nginx_as_it_is() {
    let refusal = || {
        Script::new()
            .head(ResponseHead::json(429).with("retry-after", "7"))
            .bytes(Wire::OpenAiChat.error_body(429, "slowly").to_string())
            .end()
    };
    let (_upstream, gateway) = gateway(move |_| refusal()).await;
    let nginx = Nginx::before(&gateway, DEFAULTS).await;
    let request = call::streaming(Wire::OpenAiChat, "hello");
    let view = nginx.http1().await.call(&request).await;
    assert_eq!(view.status, 429, "{view:?}");
    assert_eq!(view.header("retry-after"), Some("7"));
    assert_eq!(view.json()["error"]["message"], "slowly");
}
