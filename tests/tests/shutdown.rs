//! A process that is told to stop refuses no connection while it is announced, cuts no stream that has time, and says
//! so to those that have none.

// The exception in clippy.toml reaches test functions only, not what they share.
#![allow(clippy::unwrap_used)]

use end_to_end::call::{self, CARRIES, Carry, Live};
use end_to_end::{Gateway, PATIENCE, Setup, Stream, binary, command, page};
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

/// LiteLLM's `GET /health/drain`, with or without a token.
fn drain(token: Option<&str>) -> Request {
    let request = Request::get("/health/drain");
    match token {
        Some(token) => request.with("x-drain-token", token),
        None => request,
    }
}

#[tokio::test]
async fn without_a_token_of_its_own_there_is_no_drain_by_request() {
    let upstream = Upstream::plain().await;
    for setup in [
        Setup::serving(&upstream.url()),
        // As LiteLLM has it, anybody who can reach the port could end the process.
        Setup::serving(&upstream.url()).set("general_settings.enable_drain_endpoint", json!(true)),
        Setup::serving(&upstream.url()).set("general_settings.drain_endpoint_token", json!("t")),
    ] {
        let gateway = setup.start().await;
        let view = gateway.answer(&drain(Some("t"))).await;
        assert_eq!(view.status, 404, "{view:?}");
        assert_eq!(view.json(), json!({"detail": "Not Found"}));
        assert_eq!(gateway.get("/health/readiness").await.status, 200);
    }
}

#[tokio::test]
async fn a_drain_by_request_is_answered_when_the_last_call_has_ended() {
    let litellm = |setup: Setup| {
        setup
            .set("general_settings.enable_drain_endpoint", json!(true))
            .env("DRAIN_ENDPOINT_TOKEN", "drain-me")
    };
    let own = |setup: Setup| setup.set("gateway.drain.token", json!("drain-me"));
    let ways: [&dyn Fn(Setup) -> Setup; 2] = [&litellm, &own];
    for way in ways {
        let gate = Gate::new();
        let upstream = gated(&gate).await;
        let setup = way(Setup::serving(&upstream.url()));
        let mut gateway = setup.start().await;
        let mut kept = gateway.http1().await;
        assert_eq!(
            kept.call(&Request::get("/health/liveness")).await.status,
            200
        );
        for wrong in [None, Some(""), Some("drain-m"), Some("drain-you")] {
            let view = gateway.answer(&drain(wrong)).await;
            assert_eq!(view.status, 401, "{view:?}");
            let detail = json!({"detail": "Invalid or missing X-Drain-Token"});
            assert_eq!(view.json(), detail);
        }
        let mut stream = Live::open(
            &gateway,
            Carry::Http1,
            &call::streaming(Wire::OpenAiChat, "hello"),
        )
        .await;
        stream.head().await.unwrap();
        stream.content().await;
        let backlog = gateway.get("/health/backlog").await;
        assert_eq!(backlog.json(), json!({"in_flight_requests": 1}));
        let mut hook = gateway.http1().await;
        hook.send(&drain(Some("drain-me"))).await.unwrap();
        readiness_is(&gateway, 503).await;
        assert_eq!(gateway.get("/health/liveness").await.status, 200);
        // Who stays connected is sent elsewhere, and served until then.
        let until = Instant::now() + PATIENCE;
        loop {
            let view = kept.call(&Request::get("/health/liveness")).await;
            assert_eq!(view.status, 200, "{view:?}");
            if view.header("connection") == Some("close") {
                break;
            }
            assert!(Instant::now() < until, "{view:?}");
        }
        gate.open();
        stream.rest().await;
        let view = hook.view().await;
        assert_eq!(view.status, 200, "{view:?}");
        let drained = json!({"status": "drained", "drained_requests": 1});
        assert_eq!(view.json(), drained);
        // The process waits for its signal, and takes calls until then.
        assert!(gateway.runs());
        let late = call::streaming(Wire::OpenAiChat, "late");
        assert_eq!(gateway.answer(&late).await.status, 200);
        gateway.signal(Signal::TERM);
        assert_eq!(gateway.exited().await.code(), Some(0));
    }
}

#[tokio::test]
async fn a_drain_by_request_says_what_still_runs_when_its_time_is_over() {
    let upstream = gated(&Gate::new()).await;
    let gateway = Setup::serving(&upstream.url())
        .set("gateway.drain.token", json!("drain-me"))
        .set("gateway.drain.timeout", json!(0.3))
        .start()
        .await;
    let calls = running(&gateway).await;
    let view = gateway.answer(&drain(Some("drain-me"))).await;
    assert_eq!(view.status, 200, "{view:?}");
    assert_eq!(view.json()["remaining_requests"], json!(calls.len()));
}

#[tokio::test]
async fn commands_ask_whether_a_gateway_lives_and_drain_it() {
    let upstream = Upstream::plain().await;
    let mut gateway = Setup::serving(&upstream.url()).start().await;
    let url = gateway.url();
    let run = async |args: &[&str]| {
        let args = args.iter().copied().chain(["--url", &url]);
        command::run(binary::gateway_server(), args).await
    };
    assert_eq!(run(&["healthcheck"]).await.code, Some(0));
    assert_eq!(run(&["healthcheck", "--readiness"]).await.code, Some(0));
    let done = run(&["drain"]).await;
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(done.stdout.contains("drained: 0 calls"), "{done:?}");
    assert_eq!(run(&["healthcheck"]).await.code, Some(0));
    let done = run(&["healthcheck", "--readiness"]).await;
    assert_eq!(done.code, Some(1), "{done:?}");
    gateway.signal(Signal::TERM);
    assert_eq!(gateway.exited().await.code(), Some(0));
    let done = run(&["healthcheck"]).await;
    assert_eq!(done.code, Some(1), "{done:?}");
    assert!(done.stderr.contains("no gateway answers"), "{done:?}");
}

#[tokio::test]
async fn the_commands_on_the_page_drain_and_tell() {
    let upstream = Upstream::plain().await;
    let setup = Setup::serving(&upstream.url()).master_key("sk-page");
    let dir = setup.dir().to_owned();
    let gateway = setup.start().await;
    let mut said = String::new();
    for block in page::commands("docs/operations/drain.md") {
        said += &page::run(&block, &gateway.url(), &dir, "sk-page")
            .await
            .stdout;
    }
    assert!(said.contains("drained: 0 calls have ended"), "{said}");
    assert!(
        said.contains("{\"status\":\"drained\",\"drained_requests\":0}"),
        "{said}"
    );
    assert!(said.contains("not ready"), "{said}");
}
