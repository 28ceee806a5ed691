//! HTTP/2: sharing, limits, refusals, and the two traps of small frames and stalled readers.

use std::time::Duration;

use bytes::Bytes;
use gateway_transport::{
    BodyError, ConnectionsSnapshot, Delivery, KilledBy, Protocol, RotateOptions, RotateReason,
    Selector, SendOptions,
};
use h2::{Reason, SendStream, server::SendResponse};
use http::Response;
use http_body_util::BodyExt;
use tokio::sync::mpsc;

use crate::pipes::{Behavior, Peer, World, advance, frame, settle, text};

/// The origin's end of an HTTP/2 connection: a task serves it, the test answers the streams.
pub(crate) struct H2Peer {
    streams: mpsc::Receiver<(http::Request<h2::RecvStream>, SendResponse<Bytes>)>,
    orders: mpsc::Sender<Order>,
}

enum Order {
    GoAway,
    Fail(Reason),
}

impl H2Peer {
    pub(crate) async fn new(
        peer: Peer,
        world: &World,
        settings: impl FnOnce(&mut h2::server::Builder),
    ) -> Self {
        let mut builder = h2::server::Builder::new();
        settings(&mut builder);
        let (sender, streams) = mpsc::channel(1000);
        let (orders, mut ordered) = mpsc::channel(10);
        world.tasks.spawn(async move {
            let mut connection = builder.handshake::<_, Bytes>(peer.io).await.unwrap();
            loop {
                tokio::select! {
                    accepted = connection.accept() => match accepted {
                        Some(Ok(stream)) => sender.send(stream).await.unwrap(),
                        _ => return,
                    },
                    order = ordered.recv() => match order {
                        Some(Order::GoAway) => connection.graceful_shutdown(),
                        Some(Order::Fail(reason)) => connection.abrupt_shutdown(reason),
                        None => return,
                    },
                }
            }
        });
        Self { streams, orders }
    }

    async fn stream(&mut self) -> SendResponse<Bytes> {
        self.streams.recv().await.expect("a stream comes").1
    }

    async fn respond(&mut self, body: &'static str) {
        let mut stream = self.stream().await;
        let mut body_out = stream.send_response(Response::new(()), false).unwrap();
        body_out.send_data(Bytes::from(body), true).unwrap();
    }

    async fn begin(&mut self) -> SendStream<Bytes> {
        self.stream()
            .await
            .send_response(Response::new(()), false)
            .unwrap()
    }
}

fn world() -> World {
    World::new(Protocol::Http2, |_| {})
}

fn connections(world: &World) -> ConnectionsSnapshot {
    world.transport.snapshot().origins[0].connections
}

#[tokio::test(start_paused = true)]
async fn a_cold_h2_burst_opens_one_connection() {
    let mut world = world();
    world.pipes.behave(Behavior {
        takes: Duration::from_secs(1),
        fails: false,
        ..Behavior::default()
    });
    let exchanges: Vec<_> = (0..20).map(|_| world.start_get("/")).collect();
    let peer = world.peer().await;
    let mut peer = H2Peer::new(peer, &world, |_| {}).await;
    for _ in 0..20 {
        peer.respond("ok").await;
    }
    for exchange in exchanges {
        let response = exchange.await.unwrap().unwrap();
        assert_eq!(response.body().lease().protocol, Protocol::Http2);
        assert_eq!(text(response).await.unwrap(), "ok");
    }
    assert_eq!(world.pipes.opened(), 1);
    assert_eq!(
        (
            connections(&world).http2_idle,
            connections(&world).http2_streams
        ),
        (1, 0)
    );
}

#[tokio::test(start_paused = true)]
async fn another_connection_is_opened_before_a_stream_would_queue() {
    let mut world = World::new(Protocol::Http2, |c| c.http2.max_streams = 2);
    let exchanges: Vec<_> = (0..5).map(|_| world.start_get("/")).collect();
    let mut peers = Vec::new();
    for _ in 0..3 {
        let peer = world.peer().await;
        peers.push(H2Peer::new(peer, &world, |_| {}).await);
    }
    settle().await;
    assert_eq!(world.pipes.opened(), 3);
    assert_eq!(connections(&world).http2_streams, 5);
    drop((exchanges, peers));
}

#[tokio::test(start_paused = true)]
async fn the_peers_limit_is_kept_once_it_is_known() {
    let mut world = world();
    let first = world.start_get("/");
    let peer = world.peer().await;
    let mut peer = H2Peer::new(peer, &world, |b| {
        b.max_concurrent_streams(1);
    })
    .await;
    let mut open = peer.begin().await;
    let body = first.await.unwrap().unwrap();
    settle().await;
    // The second needs a connection of its own, it does not queue behind the first.
    let second = world.start_get("/");
    let other = world.peer().await;
    let mut other = H2Peer::new(other, &world, |_| {}).await;
    other.respond("second").await;
    assert_eq!(
        text(second.await.unwrap().unwrap()).await.unwrap(),
        "second"
    );
    open.send_data(Bytes::from("first"), true).unwrap();
    assert_eq!(text(body).await.unwrap(), "first");
}

#[tokio::test(start_paused = true)]
async fn a_burst_before_the_settings_is_not_refused_by_a_peer_with_a_low_limit() {
    let mut world = world();
    let exchanges: Vec<_> = (0..10).map(|_| world.start_get("/")).collect();
    let peer = world.peer().await;
    let mut peer = H2Peer::new(peer, &world, |b| {
        b.max_concurrent_streams(3);
    })
    .await;
    for _ in 0..10 {
        peer.respond("ok").await;
    }
    for exchange in exchanges {
        assert_eq!(text(exchange.await.unwrap().unwrap()).await.unwrap(), "ok");
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_no_streams_refuses_those_that_wait_too() {
    let mut world = world();
    // Three are sent before the peer's settings come, one waits for them inside h2.
    let exchanges: Vec<_> = (0..4).map(|_| world.start_get("/")).collect();
    let peer = world.peer().await;
    let peer = H2Peer::new(peer, &world, |b| {
        b.max_concurrent_streams(0);
    })
    .await;
    for exchange in exchanges {
        let exchange = tokio::time::timeout(Duration::from_secs(2), exchange).await;
        let error = exchange.unwrap().unwrap().unwrap_err();
        assert_eq!(error.delivery, Delivery::Refused, "{error:?}");
    }
    drop(peer);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_says_at_once_that_it_takes_no_streams_keeps_no_request_waiting() {
    let mut world = world();
    world.pipes.behave(Behavior {
        lags: Duration::from_secs(1),
        ..Behavior::default()
    });
    let exchange = world.start_get("/");
    // Its settings lie there before the connection is handed over, and are read between the grant and the request.
    let peer = world.peer().await;
    let peer = H2Peer::new(peer, &world, |b| {
        b.max_concurrent_streams(0);
    });
    let (peer, exchange) =
        tokio::join!(peer, tokio::time::timeout(Duration::from_secs(3), exchange));
    let error = exchange.unwrap().unwrap().unwrap_err();
    assert_eq!(error.delivery, Delivery::Refused, "{error:?}");
    drop(peer);
}

#[tokio::test(start_paused = true)]
async fn a_refused_stream_is_reported_as_refused() {
    let mut world = world();
    let exchange = world.start_get("/");
    let peer = world.peer().await;
    let mut peer = H2Peer::new(peer, &world, |_| {}).await;
    peer.stream().await.send_reset(Reason::REFUSED_STREAM);
    let error = exchange.await.unwrap().unwrap_err();
    assert_eq!(error.delivery, Delivery::Refused);
    // Only that stream: the connection serves on.
    let exchange = world.start_get("/");
    peer.respond("ok").await;
    assert_eq!(text(exchange.await.unwrap().unwrap()).await.unwrap(), "ok");
    assert_eq!(world.pipes.opened(), 1);
}

#[tokio::test(start_paused = true)]
async fn other_resets_are_unknown() {
    for reason in [Reason::INTERNAL_ERROR, Reason::CANCEL] {
        let mut world = world();
        let exchange = world.start_get("/");
        let peer = world.peer().await;
        let mut peer = H2Peer::new(peer, &world, |_| {}).await;
        peer.stream().await.send_reset(reason);
        assert_eq!(
            exchange.await.unwrap().unwrap_err().delivery,
            Delivery::Unknown
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_graceful_goaway_lets_streams_finish_and_moves_new_ones() {
    let mut world = world();
    let exchange = world.start_get("/");
    let peer = world.peer().await;
    let mut peer = H2Peer::new(peer, &world, |_| {}).await;
    let mut out = peer.begin().await;
    let mut body = exchange.await.unwrap().unwrap().into_body();
    peer.orders.send(Order::GoAway).await.unwrap();
    advance(Duration::from_secs(1)).await;
    let second = world.start_get("/");
    let other = world.peer().await;
    let mut other = H2Peer::new(other, &world, |_| {}).await;
    other.respond("new").await;
    assert_eq!(text(second.await.unwrap().unwrap()).await.unwrap(), "new");
    out.send_data(Bytes::from("old"), true).unwrap();
    assert_eq!(frame(&mut body).await.unwrap(), "old");
    assert!(body.frame().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_fails_tells_its_streams_the_code() {
    let mut world = world();
    let exchange = world.start_get("/");
    let peer = world.peer().await;
    let mut peer = H2Peer::new(peer, &world, |_| {}).await;
    let mut out = peer.begin().await;
    out.send_data(Bytes::from("one"), false).unwrap();
    let mut body = exchange.await.unwrap().unwrap().into_body();
    assert_eq!(frame(&mut body).await.unwrap(), "one");
    peer.orders
        .send(Order::Fail(Reason::INTERNAL_ERROR))
        .await
        .unwrap();
    let error = frame(&mut body).await.unwrap_err();
    assert!(
        matches!(
            error,
            BodyError::Http2 { code: 2, .. } | BodyError::Reset(_)
        ),
        "{error:?}"
    );
    assert_eq!(
        world.transport.snapshot().origins[0].generations[0].leases,
        0
    );
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_takes_many_streams_along_is_one_failure() {
    let mut world = World::new(Protocol::Http2, |config| {
        config.http2.max_streams = 4;
        config.health_failures = 3;
    });
    let health = |world: &World| {
        let metrics = &world.transport.snapshot().origins[0].metrics;
        let health = RotateReason::Health.as_str();
        metrics
            .rotations
            .iter()
            .find(|(r, _)| *r == health)
            .unwrap()
            .1
    };
    let exchanges: Vec<_> = (0..16).map(|_| world.start_get("/")).collect();
    let mut peers = Vec::new();
    for _ in 0..4 {
        let peer = world.peer().await;
        peers.push(H2Peer::new(peer, &world, |_| {}).await);
    }
    settle().await;
    for rotated in [0, 0, 1] {
        let peer = peers.pop().unwrap();
        peer.orders
            .send(Order::Fail(Reason::INTERNAL_ERROR))
            .await
            .unwrap();
        advance(Duration::from_secs(2)).await;
        assert_eq!(health(&world), rotated);
    }
    let running = exchanges.iter().filter(|exchange| !exchange.is_finished());
    assert_eq!(running.count(), 4);
}

#[tokio::test(start_paused = true)]
async fn rotation_lets_h2_streams_finish_and_then_closes_their_connection() {
    let mut world = world();
    let exchange = world.start_get("/");
    let peer = world.peer().await;
    let mut peer = H2Peer::new(peer, &world, |_| {}).await;
    let mut out = peer.begin().await;
    let mut body = exchange.await.unwrap().unwrap().into_body();
    world
        .transport
        .rotate(
            &Selector::All,
            RotateReason::Command,
            RotateOptions::default(),
        )
        .await;
    advance(Duration::from_secs(300)).await;
    out.send_data(Bytes::from("late"), false).unwrap();
    assert_eq!(frame(&mut body).await.unwrap(), "late");
    assert_eq!(
        world.transport.snapshot().origins[0].generations[1].sockets,
        1
    );
    out.send_data(Bytes::from("end"), true).unwrap();
    assert_eq!(frame(&mut body).await.unwrap(), "end");
    assert!(body.frame().await.is_none());
    // h2 keeps a connection for as long as somebody holds one of its streams, read to the end or not.
    drop(body);
    settle().await;
    assert_eq!(world.transport.snapshot().origins[0].generations.len(), 1);
    assert!(
        peer.streams.recv().await.is_none(),
        "the connection is closed"
    );
}

#[tokio::test(start_paused = true)]
async fn a_killed_h2_stream_says_who_did_it() {
    let mut world = world();
    let exchange = world.start_get("/");
    let waiting = world.start_get("/waiting");
    let peer = world.peer().await;
    let mut peer = H2Peer::new(peer, &world, |_| {}).await;
    let _out = peer.begin().await;
    let mut body = exchange.await.unwrap().unwrap().into_body();
    let options = RotateOptions {
        kill: Some(KilledBy::Operator),
        ..RotateOptions::default()
    };
    world
        .transport
        .rotate(&Selector::All, RotateReason::Command, options)
        .await;
    let error = frame(&mut body).await.unwrap_err();
    assert!(
        matches!(
            error,
            BodyError::Killed {
                by: KilledBy::Operator,
                ..
            }
        ),
        "{error:?}"
    );
    assert_eq!(
        waiting.await.unwrap().unwrap_err().killed,
        Some(KilledBy::Operator)
    );
}

#[tokio::test(start_paused = true)]
async fn a_dropped_h2_body_resets_its_stream_only() {
    let mut world = world();
    let (first, second) = (world.start_get("/1"), world.start_get("/2"));
    let peer = world.peer().await;
    let mut peer = H2Peer::new(peer, &world, |_| {}).await;
    let (mut one, mut two) = (peer.begin().await, peer.begin().await);
    let (first, second) = (
        first.await.unwrap().unwrap(),
        second.await.unwrap().unwrap(),
    );
    drop(first);
    let reason = std::future::poll_fn(|cx| one.poll_reset(cx)).await.unwrap();
    assert_eq!(reason, Reason::CANCEL);
    two.send_data(Bytes::from("two"), true).unwrap();
    assert_eq!(text(second).await.unwrap(), "two");
    assert_eq!(connections(&world).http2_streams, 0);
}

#[tokio::test(start_paused = true)]
async fn a_head_timer_on_h2_gives_its_connection_no_new_streams() {
    use gateway_transport::SendOptions;
    let mut world = world();
    let (shard, origin) = (world.shard.clone(), world.origin.clone());
    let options = SendOptions {
        head_timeout: Some(Duration::from_secs(3)),
        ..SendOptions::default()
    };
    let request = http::Request::get("/").body(Bytes::new()).unwrap();
    let silent = world
        .tasks
        .spawn(async move { shard.send(&origin, request, &options).await });
    let peer = world.peer().await;
    let mut peer = H2Peer::new(peer, &world, |_| {}).await;
    let _unanswered = peer.stream().await;
    silent.await.unwrap().unwrap_err();
    let next = world.start_get("/");
    let other = world.peer().await;
    let mut other = H2Peer::new(other, &world, |_| {}).await;
    other.respond("ok").await;
    assert_eq!(text(next.await.unwrap().unwrap()).await.unwrap(), "ok");
}

#[tokio::test(start_paused = true)]
async fn unanswered_pings_end_a_connection() {
    let mut world = World::new(Protocol::Http2, |c| {
        c.http2.ping_interval = Some(Duration::from_secs(10));
        c.http2.ping_timeout = Duration::from_secs(5);
    });
    let exchange = world.start_get("/");
    // Reads and never answers: not even SETTINGS.
    let mut peer = world.peer().await;
    world.tasks.spawn(async move {
        let mut sink = vec![0; 4096];
        while tokio::io::AsyncReadExt::read(&mut peer.io, &mut sink)
            .await
            .is_ok_and(|n| n > 0)
        {}
    });
    let begun = tokio::time::Instant::now();
    let error = exchange.await.unwrap().unwrap_err();
    assert_eq!(error.delivery, Delivery::Unknown);
    assert!(
        (15..=16).contains(&begun.elapsed().as_secs()),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_comes_before_the_request_was_sent_frees_its_stream_at_the_peer_too() {
    // The window holds a part of the body. After its answer, a peer resets the stream or reads the rest.
    for resets in [true, false] {
        let mut world = world();
        let request = http::Request::post("/")
            .body(Bytes::from(vec![b'x'; 1 << 20]))
            .unwrap();
        let (shard, origin) = (world.shard.clone(), world.origin.clone());
        let exchange = world
            .tasks
            .spawn(async move { shard.send(&origin, request, &SendOptions::default()).await });
        let peer = world.peer().await;
        let mut peer = H2Peer::new(peer, &world, |b| {
            b.max_concurrent_streams(1);
        })
        .await;
        let (request, mut respond) = peer.streams.recv().await.unwrap();
        settle().await;
        let mut out = respond.send_response(Response::new(()), false).unwrap();
        out.send_data(Bytes::from("too large"), true).unwrap();
        let response = exchange.await.unwrap().unwrap();
        assert_eq!(text(response).await.unwrap(), "too large");
        let mut unread = request.into_body();
        while !resets && let Some(part) = unread.data().await {
            let part = part.unwrap().len();
            unread.flow_control().release_capacity(part).unwrap();
        }
        drop((unread, respond, out));
        let next = world.start_get("/next");
        peer.respond("served").await;
        assert_eq!(text(next.await.unwrap().unwrap()).await.unwrap(), "served");
        assert_eq!(world.pipes.opened(), 1);
    }
}
