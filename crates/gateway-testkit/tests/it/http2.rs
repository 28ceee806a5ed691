//! Scripts over HTTP/2.

use std::time::Duration;

use bytes::Bytes;
use gateway_testkit::client::{BodyEnd, Http2Client, Request};
use gateway_testkit::script::{Frame, LastStream, ResponseHead, Script, Step};
use gateway_testkit::upstream::{ExchangeEnd, Upstream, UpstreamConfig};

async fn answered(script: impl Fn() -> Script + Send + Sync + 'static) -> (Upstream, Http2Client) {
    let upstream = Upstream::answering(move |_| script()).await;
    let client = Http2Client::connect(upstream.addr()).await;
    (upstream, client)
}

fn part() -> Script {
    Script::new().head(ResponseHead::sse()).bytes("data: 1\n\n")
}

#[tokio::test]
async fn prior_knowledge_is_recognized_and_streams_share_a_connection() {
    let upstream = Upstream::plain().await;
    let mut client = Http2Client::connect(upstream.addr()).await;
    let first = client
        .open(&Request::chat("[[double events=50]]").streaming())
        .await
        .unwrap();
    let second = client
        .open(&Request::messages("x").streaming())
        .await
        .unwrap();
    let (first, second) = tokio::join!(first.view(), second.view());
    assert!(
        first.is_complete() && second.is_complete(),
        "{first:?} {second:?}"
    );
    let requests = upstream.requests();
    assert_eq!(requests[0].stream.zip(requests[1].stream), Some((1, 3)));
    assert_eq!(requests[0].header(":authority"), Some("localhost"));
    assert_eq!(upstream.connections().total, 1);
    upstream.stop().await;
}

#[tokio::test]
async fn a_hundred_streams_of_small_events_may_lie_unread() {
    let upstream = Upstream::plain().await;
    let mut client = Http2Client::connect(upstream.addr()).await;
    let mut running = Vec::new();
    for _ in 0..100 {
        let request = Request::chat("[[double events=20]]").streaming();
        running.push(client.open(&request).await.unwrap());
    }
    for exchange in running {
        let view = exchange.view().await;
        assert!(view.is_complete(), "{view:?}");
    }
}

#[tokio::test]
async fn what_was_sent_before_a_stream_reset_is_on_the_wire() {
    for _ in 0..20 {
        let (upstream, mut client) =
            answered(|| part().bytes("data: 2\n\n").step(Step::ResetStream(2))).await;
        let mut exchange = client.open(&Request::chat("x")).await.unwrap();
        exchange.head().await.unwrap();
        // A reset may overtake DATA inside the receiving library, so only the code is certain.
        let mut end = exchange.event().await;
        while matches!(end, Ok(Some(_))) {
            end = exchange.event().await;
        }
        assert_eq!(end, Err(BodyEnd::StreamReset(2)));
        assert_eq!(upstream.last_ended().await.end, Some(ExchangeEnd::Cut));
    }
}

#[tokio::test]
async fn a_refused_stream_is_reported_as_such() {
    let (_upstream, mut client) = answered(|| Script::new().step(Step::ResetStream(7))).await;
    assert_eq!(
        client.call(&Request::chat("x")).await.end,
        BodyEnd::StreamReset(7)
    );
}

#[tokio::test]
async fn a_goaway_below_our_stream_refuses_it() {
    let goaway = Frame::GoAway {
        last: LastStream::Zero,
        code: 0,
    };
    let (_upstream, mut client) =
        answered(move || Script::new().step(Step::Frame(goaway.clone())).stall()).await;
    assert_eq!(
        client.call(&Request::chat("x")).await.end,
        BodyEnd::GoAway(0)
    );
}

#[tokio::test]
async fn a_goaway_that_names_our_stream_lets_it_finish() {
    let goaway = Frame::GoAway {
        last: LastStream::This,
        code: 0,
    };
    let (_upstream, mut client) = answered(move || {
        part()
            .step(Step::Frame(goaway.clone()))
            .bytes("data: [DONE]\n\n")
            .end()
    })
    .await;
    let view = client.call(&Request::chat("x")).await;
    assert!(view.is_complete(), "{view:?}");
    assert!(client.open(&Request::chat("y")).await.is_err());
}

#[tokio::test]
async fn settings_and_pings_go_in_between_without_harm() {
    let (_upstream, mut client) = answered(|| {
        part()
            .step(Step::Frame(Frame::Settings(vec![(3, 1)])))
            .step(Step::Frame(Frame::Ping(*b"12345678")))
            .step(Step::Frame(Frame::ConnectionWindow(1000)))
            .bytes("data: [DONE]\n\n")
            .end()
    })
    .await;
    assert!(client.call(&Request::chat("x")).await.is_complete());
    assert!(client.call(&Request::chat("x")).await.is_complete());
}

#[tokio::test]
async fn a_reset_after_the_end_of_the_stream_can_be_made() {
    let (upstream, mut client) = answered(|| {
        Script::answer(200, "text/plain", "ok").step(Step::Frame(Frame::ResetStream(0)))
    })
    .await;
    let view = client.call(&Request::chat("x")).await;
    assert_eq!((view.status, view.end), (200, BodyEnd::Clean));
    assert_eq!(upstream.last_ended().await.end, Some(ExchangeEnd::Answered));
}

#[tokio::test]
async fn nonsense_frames_break_the_connection() {
    let (_upstream, mut client) = answered(|| {
        part()
            .step(Step::Raw(Bytes::from_static(
                b"\0\0\x05\x06\0\0\0\0\0hello",
            )))
            .stall()
    })
    .await;
    let view = client.call(&Request::chat("x")).await;
    assert!(
        matches!(view.end, BodyEnd::LocalGoAway(1 | 6)),
        "a PING of 5 bytes is an error of size or protocol: {view:?}"
    );
}

#[tokio::test]
async fn a_closed_connection_ends_all_its_streams() {
    for reset in [false, true] {
        let finish = if reset { Script::reset } else { Script::close };
        let (upstream, mut client) = answered(move || finish(part())).await;
        let view = client.call(&Request::chat("x")).await;
        assert!(
            matches!(view.end, BodyEnd::Eof | BodyEnd::Reset),
            "{view:?}"
        );
        assert_eq!(upstream.last_ended().await.end, Some(ExchangeEnd::Cut));
        upstream
            .connections_satisfy(|connections| connections.open == 0)
            .await;
    }
}

#[tokio::test]
async fn a_cancelled_stream_is_recorded_with_its_code() {
    let (upstream, mut client) = answered(|| part().stall()).await;
    let mut exchange = client.open(&Request::chat("x")).await.unwrap();
    exchange.head().await.unwrap();
    exchange.reset(8);
    assert_eq!(
        upstream.last_ended().await.end,
        Some(ExchangeEnd::StreamReset(8))
    );
    let exchange = client.open(&Request::chat("x")).await.unwrap();
    upstream.requests_reach(2).await;
    drop(exchange);
    assert_eq!(
        upstream.last_ended().await.end,
        Some(ExchangeEnd::StreamReset(8))
    );
}

#[tokio::test]
async fn a_client_connection_that_goes_is_recorded() {
    let (upstream, mut client) = answered(|| part().stall()).await;
    let mut exchange = client.open(&Request::chat("x")).await.unwrap();
    exchange.head().await.unwrap();
    drop(client);
    let end = upstream.last_ended().await.end;
    assert!(
        matches!(
            end,
            Some(ExchangeEnd::PeerClosed | ExchangeEnd::StreamReset(_))
        ),
        "{end:?}"
    );
}

#[tokio::test]
async fn the_upstream_is_held_back_by_the_window_of_a_client_that_stops_reading() {
    let (upstream, mut client) =
        answered(|| part().step(Step::Flood(Bytes::from(vec![b'x'; 1 << 16])))).await;
    let mut exchange = client.open(&Request::chat("x")).await.unwrap();
    exchange.stop_releasing();
    exchange.head().await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let sent = upstream.exchanges()[0].sent;
    assert!(sent <= 65_535, "{sent}");
}

#[tokio::test]
async fn at_most_so_many_streams_are_open_as_configured() {
    let mut config = UpstreamConfig::default().handler(|_| part().stall());
    config.http2.max_concurrent_streams = Some(1);
    let upstream = Upstream::start(config).await;
    let mut client = Http2Client::connect(upstream.addr()).await;
    client.set_deadline(Duration::from_millis(300));
    // The settings are known after the first answer.
    let mut first = client.open(&Request::chat("x")).await.unwrap();
    first.head().await.unwrap();
    let mut second = client.open(&Request::chat("y")).await.unwrap();
    assert_eq!(second.head().await.unwrap_err(), BodyEnd::Deadline);
    assert_eq!(upstream.requests().len(), 1);
}

#[tokio::test]
async fn a_window_that_never_opens_stalls_the_request() {
    let mut config = UpstreamConfig::default();
    config.http2.initial_window = Some(0);
    let upstream = Upstream::start(config).await;
    let mut client = Http2Client::connect(upstream.addr()).await;
    client.set_deadline(Duration::from_millis(300));
    // The first request may be sent before the settings are known, the second is not.
    client.call(&Request::get("/v1/models")).await;
    assert_eq!(
        client.call(&Request::chat("x")).await.end,
        BodyEnd::Deadline
    );
}
