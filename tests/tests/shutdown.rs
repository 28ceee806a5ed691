//! A process that is told to stop refuses no connection while it is announced, cuts no stream that has time, and says
//! so to those that have none.

// The exception in clippy.toml reaches test functions only, not what they share.
#![allow(clippy::unwrap_used)]

use end_to_end::call::{self, CARRIES, Carry, Live};
use end_to_end::{Gateway, PATIENCE, Setup, Stream};
use gateway_testkit::client::{BodyEnd, ConnectOptions, Http1Client, Request};
use gateway_testkit::dialect::Wire;
use gateway_testkit::script::{Gate, ResponseHead, Script};
use gateway_testkit::upstream::Upstream;
use rustix::process::Signal;
use serde_json::json;
use tokio::time::Instant;

/// A call that runs, and what its record is found by.
struct Running {
    wire: Wire,
    carry: Carry,
    live: Live,
    id: String,
}

/// Streams in every dialect over both kinds of HTTP, each with its first content read.
async fn running(gateway: &Gateway) -> Vec<Running> {
    let mut all = Vec::new();
    for wire in call::STREAMING {
        for carry in CARRIES {
            let (request, id) = call::named(call::streaming(wire, "hello"));
            let mut live = Live::open(gateway, carry, &request).await;
            live.head().await.unwrap();
            live.content().await;
            all.push(Running {
                wire,
                carry,
                live,
                id,
            });
        }
    }
    all
}

/// A provider that stops in the middle until the gate opens.
async fn gated(gate: &Gate) -> Upstream {
    let gate = gate.clone();
    Stream::upstream(move |stream| {
        let begun = stream.begun(2).wait(&gate);
        begun.all(stream.after(2).to_vec()).end()
    })
    .await
}

/// Waits until new connections are refused.
async fn refuses(gateway: &Gateway) {
    let until = Instant::now() + PATIENCE;
    while Http1Client::connect_with(gateway.addr(), ConnectOptions::default())
        .await
        .is_ok()
    {
        assert!(Instant::now() < until, "it still accepts");
        tokio::task::yield_now().await;
    }
}

/// Waits until readiness has this status.
async fn readiness_is(gateway: &Gateway, status: u16) {
    let until = Instant::now() + PATIENCE;
    while gateway.get("/health/readiness").await.status != status {
        assert!(Instant::now() < until, "readiness is never {status}");
    }
}

/// Checks that a stream gets one error event of its dialect and then its end.
async fn assert_told(gateway: &Gateway, call: &mut Running) {
    let (events, end) = call.live.rest().await;
    let last = events.last().unwrap();
    assert!(last.is_error(), "{events:?}");
    call::assert_error_shape(call.wire, &last.json());
    assert!(last.data.contains("shutting down"), "{last:?}");
    match call.carry {
        Carry::Http1 => assert_eq!(end, BodyEnd::Eof),
        Carry::Http2 => assert_eq!(end, BodyEnd::Clean),
    }
    let record = gateway.record(&call.id).await;
    assert_eq!(record["end"], "shutdown_deadline", "{record}");
}

#[tokio::test]
async fn streams_run_to_their_end_after_sigterm_and_the_process_exits_with_0() {
    let gate = Gate::new();
    let upstream = gated(&gate).await;
    let mut gateway = Setup::serving(&upstream.url())
        .set("gateway.drain.delay", json!(1.5))
        .start()
        .await;
    let calls = running(&gateway).await;
    readiness_is(&gateway, 200).await;
    gateway.signal(Signal::TERM);
    readiness_is(&gateway, 503).await;
    // While the balancer finds out, nothing is refused.
    assert_eq!(gateway.get("/health/liveliness").await.status, 200);
    let late = Live::open(
        &gateway,
        Carry::Http1,
        &call::streaming(Wire::OpenAiChat, "late"),
    )
    .await;
    upstream.requests_reach(7).await;
    refuses(&gateway).await;
    assert!(gateway.runs());
    gate.open();
    for mut call in calls {
        let (events, end) = call.live.rest().await;
        assert!(
            events.last().is_some_and(|event| event.is_marker()),
            "{events:?}"
        );
        assert_eq!(end, BodyEnd::Clean);
        assert_eq!(gateway.record(&call.id).await["end"], "complete");
    }
    let mut late = late;
    late.head().await.unwrap();
    let (events, _) = late.rest().await;
    assert!(
        events.last().is_some_and(|event| event.is_marker()),
        "{events:?}"
    );
    assert_eq!(gateway.exited().await.code(), Some(0));
    gateway.says("stopped").await;
}

#[tokio::test]
async fn what_still_runs_after_the_drain_timeout_is_told_and_the_process_exits() {
    let upstream = gated(&Gate::new()).await;
    let mut gateway = Setup::serving(&upstream.url())
        .set("gateway.drain.timeout", json!(0.5))
        .start()
        .await;
    let calls = running(&gateway).await;
    gateway.signal(Signal::TERM);
    for mut call in calls {
        assert_told(&gateway, &mut call).await;
    }
    assert_eq!(gateway.exited().await.code(), Some(0));
}

#[tokio::test]
async fn a_second_signal_ends_what_still_runs_at_once() {
    for signal in [Signal::TERM, Signal::INT] {
        let upstream = gated(&Gate::new()).await;
        let mut gateway = Setup::serving(&upstream.url()).start().await;
        let calls = running(&gateway).await;
        gateway.signal(signal);
        gateway.says("draining").await;
        refuses(&gateway).await;
        assert!(gateway.runs());
        gateway.signal(signal);
        for mut call in calls {
            assert_told(&gateway, &mut call).await;
        }
        assert_eq!(gateway.exited().await.code(), Some(0));
    }
}

#[tokio::test]
async fn a_call_without_an_answer_is_told_by_a_status_when_the_drain_is_over() {
    let upstream = Stream::upstream(|stream| match stream.wire {
        Wire::OpenAiChat => Script::new().stall(),
        Wire::OpenAiCompletions => Script::new()
            .head(ResponseHead::json(200))
            .bytes("{\"id\":")
            .stall(),
        _ => Script::new()
            .head(ResponseHead::sse())
            .all(stream.preamble().to_vec())
            .stall(),
    })
    .await;
    let mut gateway = Setup::serving(&upstream.url())
        .set("gateway.drain.timeout", json!(0.5))
        .start()
        .await;
    let mut calls = Vec::new();
    for wire in call::STREAMING {
        for carry in CARRIES {
            let (request, id) = call::named(match wire {
                Wire::OpenAiCompletions => call::plain(wire, "hello"),
                _ => call::streaming(wire, "hello"),
            });
            calls.push((Live::open(&gateway, carry, &request).await, id));
        }
    }
    upstream.requests_reach(6).await;
    gateway.signal(Signal::TERM);
    for (mut live, id) in calls {
        let head = live.head().await.unwrap();
        assert_eq!(head.status, 503);
        let record = gateway.record(&id).await;
        assert_eq!(record["end"], "shutdown_deadline", "{record}");
    }
    assert_eq!(gateway.exited().await.code(), Some(0));
}

#[tokio::test]
async fn idle_connections_of_clients_do_not_hold_up_the_exit() {
    let upstream = Upstream::plain().await;
    let mut gateway = Setup::serving(&upstream.url()).start().await;
    let mut idle = gateway.http1().await;
    assert_eq!(
        idle.call(&call::plain(Wire::OpenAiChat, "hello"))
            .await
            .status,
        200
    );
    let mut http2 = gateway.http2().await;
    assert_eq!(
        http2.call(&Request::get("/health/readiness")).await.status,
        200
    );
    let _fresh = gateway.http1().await;
    gateway.signal(Signal::TERM);
    assert_eq!(gateway.exited().await.code(), Some(0));
    idle.closed().await.unwrap();
}

#[tokio::test]
async fn a_client_that_does_not_read_does_not_hold_up_the_exit_beyond_the_deadline() {
    let upstream = Stream::upstream(|stream| {
        let more = stream.until(5)[stream.preamble().len()..]
            .concat()
            .repeat(50);
        stream
            .begun(1)
            .step(gateway_testkit::script::Step::Flood(more.into()))
    })
    .await;
    let mut gateway = Setup::serving(&upstream.url())
        .set("gateway.drain.timeout", json!(0.5))
        .start()
        .await;
    let mut stuck = Live::open(
        &gateway,
        Carry::Http1,
        &call::streaming(Wire::OpenAiChat, "x"),
    )
    .await;
    stuck.head().await.unwrap();
    gateway.signal(Signal::TERM);
    assert_eq!(gateway.exited().await.code(), Some(0));
}
