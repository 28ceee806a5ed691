//! Scripts over HTTP/1.1, and what each side records of them.

use std::time::Duration;

use bytes::Bytes;
use gateway_testkit::client::{BodyEnd, Http1Client, Request};
use gateway_testkit::http1::Framing;
use gateway_testkit::script::{Gate, ResponseHead, Script, Step};
use gateway_testkit::upstream::{
    BlackHole, ExchangeEnd, OnAccept, Refused, Upstream, UpstreamConfig,
};

async fn answered(script: impl Fn() -> Script + Send + Sync + 'static) -> (Upstream, Http1Client) {
    let upstream = Upstream::answering(move |_| script()).await;
    let client = Http1Client::connect(upstream.addr()).await;
    (upstream, client)
}

#[tokio::test]
async fn a_connection_carries_one_answer_after_the_other() {
    let (upstream, mut client) = answered(|| Script::answer(200, "text/plain", "hello")).await;
    for _ in 0..3 {
        let view = client.call(&Request::chat("x").with("x-a", "1")).await;
        assert_eq!((view.status, &view.body[..]), (200, &b"hello"[..]));
        assert_eq!(view.end, BodyEnd::Clean);
    }
    let requests = upstream.requests();
    assert_eq!(requests.len(), 3);
    assert!(requests.iter().all(|request| request.connection == 0));
    assert_eq!(requests[2].header("X-A"), Some("1"));
    assert_eq!(requests[2].json()["model"], "double");
    assert_eq!(upstream.connections().total, 1);
    upstream.stop().await;
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let upstream =
        Upstream::answering(|request| Script::answer(200, "t", request.target.clone())).await;
    let mut client = Http1Client::connect(upstream.addr()).await;
    let both = [Request::get("/1").to_http1(), Request::get("/2").to_http1()].concat();
    client.send_raw(both).await.unwrap();
    assert_eq!(&client.view().await.body[..], b"/1");
    assert_eq!(&client.view().await.body[..], b"/2");
}

#[tokio::test]
async fn a_reset_a_close_and_an_end_look_different_to_the_client() {
    let part = || Script::new().head(ResponseHead::sse()).bytes("data: 1\n\n");
    type Finish = fn(Script) -> Script;
    let cases: [(Finish, BodyEnd); 4] = [
        (Script::reset, BodyEnd::Reset),
        (Script::close, BodyEnd::Eof),
        (|script| script, BodyEnd::Eof),
        (Script::end, BodyEnd::Clean),
    ];
    for (finish, expected) in cases {
        // The pause lets the client read the event: an RST discards what is unread.
        let pause = Duration::from_millis(20);
        let (upstream, mut client) = answered(move || finish(part().sleep(pause))).await;
        let view = client.call(&Request::chat("x")).await;
        assert_eq!((view.events.len(), &view.end), (1, &expected));
        let end = upstream.last_ended().await.end.unwrap();
        let cut = expected != BodyEnd::Clean;
        assert_eq!(end == ExchangeEnd::Cut, cut, "{end:?}");
    }
}

#[tokio::test]
async fn a_length_that_lies_is_seen_as_such() {
    let head = |n| ResponseHead::new(200).framed(Framing::Length(n));
    let (_upstream, mut client) =
        answered(move || Script::new().head(head(10)).bytes("12345")).await;
    assert_eq!(client.call(&Request::get("/")).await.end, BodyEnd::Eof);
    let (_upstream, mut client) =
        answered(move || Script::new().head(head(3)).bytes("12345").close()).await;
    let view = client.call(&Request::get("/")).await;
    assert_eq!((&view.body[..], view.end), (&b"123"[..], BodyEnd::Clean));
}

#[tokio::test]
async fn a_gate_holds_the_answer_until_the_test_opens_it() {
    let (reached, gate) = (Gate::new(), Gate::new());
    let script = {
        let (reached, gate) = (reached.clone(), gate.clone());
        move || {
            let head = ResponseHead::sse();
            Script::new()
                .head(head)
                .open(&reached)
                .wait(&gate)
                .bytes("data: late\n\n")
                .end()
        }
    };
    let (_upstream, mut client) = answered(script).await;
    client.send(&Request::chat("x")).await.unwrap();
    reached.opened().await;
    assert_eq!(client.head().await.unwrap().status, 200);
    client.set_deadline(Duration::from_millis(50));
    assert_eq!(client.chunk().await, Err(BodyEnd::Deadline));
    gate.open();
    client.set_deadline(Duration::from_secs(10));
    assert_eq!(client.event().await.unwrap().unwrap().data, "late");
    assert_eq!(client.event().await, Ok(None));
}

#[tokio::test]
async fn a_client_that_goes_is_noticed_in_every_phase_and_in_both_ways() {
    let phases: [fn() -> Script; 4] = [
        || Script::new().stall(),
        || Script::new().head(ResponseHead::sse()).stall(),
        || {
            Script::new()
                .head(ResponseHead::sse())
                .step(Step::Flood(Bytes::from(vec![b'x'; 65536])))
        },
        || {
            Script::new()
                .head(ResponseHead::sse())
                .sleep(Duration::from_secs(60))
        },
    ];
    for phase in phases {
        for reset in [false, true] {
            let (upstream, mut client) = answered(phase).await;
            client.send(&Request::chat("x")).await.unwrap();
            upstream.requests_reach(1).await;
            if reset {
                client.reset()
            } else {
                drop(client)
            }
            let exchange = upstream.last_ended().await;
            let end = exchange.end.unwrap();
            assert!(
                matches!(end, ExchangeEnd::PeerClosed | ExchangeEnd::PeerReset),
                "{end:?}"
            );
            upstream
                .connections_satisfy(|connections| connections.open == 0)
                .await;
        }
    }
}

#[tokio::test]
async fn a_client_that_goes_is_noticed_behind_unread_bytes() {
    let upstream =
        Upstream::start(UpstreamConfig::default().early(|_| Some(Script::new().stall()))).await;
    let mut client = Http1Client::connect(upstream.addr()).await;
    client
        .send(&Request::chat("a body that nobody reads"))
        .await
        .unwrap();
    upstream.requests_reach(1).await;
    drop(client);
    assert_eq!(
        upstream.last_ended().await.end,
        Some(ExchangeEnd::PeerClosed)
    );
}

#[tokio::test]
async fn an_upstream_that_reads_nothing_stalls_the_sender() {
    let mut config = UpstreamConfig::default().early(|_| Some(Script::new().stall()));
    config.receive_buffer = Some(4096);
    let upstream = Upstream::start(config).await;
    let mut client = Http1Client::connect(upstream.addr()).await;
    client.set_deadline(Duration::from_millis(300));
    let big = Request::post("/", &serde_json::json!({"x": "y".repeat(16 << 20)}));
    assert!(client.send(&big).await.is_err());
}

#[tokio::test]
async fn an_early_answer_comes_while_the_request_is_still_being_sent() {
    let early = |_: &_| Some(Script::answer(413, "text/plain", "too large"));
    let upstream = Upstream::start(UpstreamConfig::default().early(early)).await;
    let mut client = Http1Client::connect(upstream.addr()).await;
    client
        .send_raw("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n")
        .await
        .unwrap();
    assert_eq!(client.view().await.status, 413);
}

#[tokio::test]
async fn raw_bytes_and_informational_responses_go_out_as_they_are() {
    let (_upstream, mut client) = answered(|| {
        Script::new()
            .step(Step::Interim(
                103,
                vec![("link".to_owned(), "</a>".to_owned())],
            ))
            .step(Step::RawTrickle {
                bytes: Bytes::from_static(
                    b"HTTP/1.1 299 Odd\r\nx: \xff\r\ncontent-length: 2\r\n\r\nok",
                ),
                size: 1,
                pause: Duration::ZERO,
            })
            .close()
    })
    .await;
    let view = client.call(&Request::get("/")).await;
    assert_eq!(
        (view.status, &view.interim[..], view.header("x")),
        (299, &[103][..], Some("\u{ff}"))
    );
}

#[tokio::test]
async fn trailers_arrive() {
    let trailers = vec![("x-error".to_owned(), "yes".to_owned())];
    let (_upstream, mut client) = answered(move || {
        let head = ResponseHead::json(200);
        Script::new()
            .head(head)
            .bytes("{}")
            .step(Step::End(trailers.clone()))
    })
    .await;
    let view = client.call(&Request::get("/")).await;
    assert_eq!(view.trailers, [("x-error".to_owned(), "yes".to_owned())]);
}

#[tokio::test]
async fn the_listeners_that_do_not_listen_refuse_or_swallow_a_connect() {
    let refused = Refused::start();
    let error = tokio::net::TcpStream::connect(refused.addr())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
    let hole = BlackHole::start().await;
    let connect = tokio::net::TcpStream::connect(hole.addr());
    assert!(
        tokio::time::timeout(Duration::from_millis(300), connect)
            .await
            .is_err()
    );
}

#[tokio::test]
async fn accepted_connections_are_treated_as_configured() {
    for (on_accept, expected) in [
        (OnAccept::Close, BodyEnd::Eof),
        (OnAccept::Reset, BodyEnd::Reset),
        (OnAccept::Silent, BodyEnd::Deadline),
        (
            OnAccept::Say(Bytes::from_static(b"HTTP/1.1 2")),
            BodyEnd::Eof,
        ),
    ] {
        let upstream =
            Upstream::start(UpstreamConfig::default().on_accept(on_accept.clone())).await;
        let mut client = Http1Client::connect(upstream.addr()).await;
        client.set_deadline(Duration::from_millis(200));
        assert_eq!(
            client.call(&Request::get("/")).await.end,
            expected,
            "{on_accept:?}"
        );
    }
}

#[tokio::test]
async fn all_connections_can_be_ended_from_outside() {
    for reset in [false, true] {
        let (upstream, mut client) =
            answered(|| Script::new().head(ResponseHead::sse()).stall()).await;
        client.send(&Request::chat("x")).await.unwrap();
        client.head().await.unwrap();
        if reset {
            upstream.reset_connections()
        } else {
            upstream.close_connections()
        }
        let expected = if reset { BodyEnd::Reset } else { BodyEnd::Eof };
        assert_eq!(client.chunk().await, Err(expected));
        assert_eq!(upstream.last_ended().await.end, Some(ExchangeEnd::Stopped));
        // New connections are served.
        let mut client = Http1Client::connect(upstream.addr()).await;
        client.send(&Request::chat("x")).await.unwrap();
        assert_eq!(client.head().await.unwrap().status, 200);
    }
}

#[tokio::test]
async fn stopping_ends_everything_and_frees_the_port() {
    let (upstream, mut client) = answered(|| Script::new().stall()).await;
    client.send(&Request::chat("x")).await.unwrap();
    upstream.requests_reach(1).await;
    let addr = upstream.addr();
    upstream.stop().await;
    client.closed().await.unwrap();
    let config = UpstreamConfig {
        bind: addr,
        ..UpstreamConfig::default()
    };
    let again = Upstream::start(config).await;
    assert_eq!(again.addr(), addr);
}

#[tokio::test]
async fn a_step_of_the_wrong_protocol_is_reported() {
    let (upstream, mut client) = answered(|| Script::new().step(Step::ResetStream(8))).await;
    client.call(&Request::get("/")).await;
    let end = upstream.last_ended().await.end;
    assert!(matches!(end, Some(ExchangeEnd::BadScript(_))), "{end:?}");
}

#[tokio::test]
async fn old_exchanges_are_forgotten_and_still_counted() {
    let config = UpstreamConfig {
        remember: 2,
        ..UpstreamConfig::default()
    };
    let upstream = Upstream::start(config).await;
    let mut client = Http1Client::connect(upstream.addr()).await;
    for _ in 0..5 {
        client.call(&Request::chat("x")).await;
    }
    let last = upstream.requests_reach(5).await;
    assert_eq!(
        last.iter().map(|request| request.id).collect::<Vec<_>>(),
        [3, 4]
    );
    assert_eq!(upstream.ended(4).await.end, Some(ExchangeEnd::Answered));
}
