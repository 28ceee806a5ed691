//! Bounds: connections, waiting requests, and the timers of waiting.

use std::time::Duration;

use gateway_transport::{Delivery, Phase, Protocol, Timer};
use http_body_util::BodyExt;

use crate::pipes::{Behavior, World, advance, get, settle, text};

#[tokio::test(start_paused = true)]
async fn a_request_above_the_limit_waits_for_a_connection_to_come_back() {
    let mut world = World::new(Protocol::Http1, |c| c.max_connections = 1);
    let (body, mut peer) = world.open_stream("one").await;
    let waiting = world.start_get("/waiting");
    advance(Duration::from_secs(1)).await;
    assert_eq!(world.transport.snapshot().origins[0].waiting, 1);
    peer.end_stream().await;
    BodyExt::collect(body).await.unwrap();
    peer.read_request().await;
    peer.respond("served").await;
    assert_eq!(
        text(waiting.await.unwrap().unwrap()).await.unwrap(),
        "served"
    );
    assert_eq!(world.pipes.opened(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_closed_connection_makes_room_for_one_that_waits() {
    let mut world = World::new(Protocol::Http1, |c| c.max_connections = 1);
    let (body, _peer) = world.open_stream("one").await;
    let waiting = world.start_get("/waiting");
    settle().await;
    drop(body);
    let mut peer = world.peer().await;
    peer.read_request().await;
    peer.respond("served").await;
    assert_eq!(
        text(waiting.await.unwrap().unwrap()).await.unwrap(),
        "served"
    );
}

#[tokio::test(start_paused = true)]
async fn waiting_for_a_slot_ends_with_the_pool_timer() {
    let mut world = World::new(Protocol::Http1, |c| c.max_connections = 1);
    let (_body, _peer) = world.open_stream("one").await;
    let begun = tokio::time::Instant::now();
    let error = world.get("/").await.unwrap_err();
    assert_eq!(begun.elapsed().as_secs(), 5);
    assert_eq!(
        (error.delivery, error.phase, error.timer),
        (Delivery::NotSent, Phase::Pool, Some(Timer::Pool))
    );
}

#[tokio::test(start_paused = true)]
async fn one_more_than_may_wait_is_refused_at_once() {
    let mut world = World::new(Protocol::Http1, |c| {
        c.max_connections = 1;
        c.max_waiting = 2;
    });
    let (_body, _peer) = world.open_stream("one").await;
    let waiting = [world.start_get("/"), world.start_get("/")];
    settle().await;
    let error = world.get("/").await.unwrap_err();
    assert_eq!(
        (error.delivery, error.phase, error.timer),
        (Delivery::NotSent, Phase::Pool, None)
    );
    // Those that give up make room.
    waiting.each_ref().iter().for_each(|w| w.abort());
    settle().await;
    assert_eq!(world.get("/").await.unwrap_err().timer, Some(Timer::Pool));
}

#[tokio::test(start_paused = true)]
async fn a_connect_that_takes_too_long_ends_with_the_connect_timer() {
    let world = World::http1();
    world.pipes.behave(Behavior {
        takes: Duration::from_secs(60),
        fails: false,
        ..Behavior::default()
    });
    let begun = tokio::time::Instant::now();
    let error = world.get("/").await.unwrap_err();
    assert_eq!(begun.elapsed().as_secs(), 5);
    assert_eq!(
        (error.delivery, error.timer),
        (Delivery::NotSent, Some(Timer::Connect))
    );
}

#[tokio::test(start_paused = true)]
async fn a_failed_connect_is_told_with_its_cause() {
    let world = World::http1();
    world.pipes.behave(Behavior {
        takes: Duration::ZERO,
        fails: true,
        ..Behavior::default()
    });
    let error = world.get("/").await.unwrap_err();
    assert_eq!(
        (error.delivery, error.phase, error.timer),
        (Delivery::NotSent, Phase::Connect, None)
    );
    let cause = std::error::Error::source(error.source.as_ref().unwrap()).unwrap();
    assert_eq!(cause.to_string(), "refused by the test");
}

#[tokio::test(start_paused = true)]
async fn the_limit_spans_shards_and_an_idle_connection_elsewhere_gives_way() {
    let mut world = World::sharded(2, Protocol::Http1, |c| c.max_connections = 1);
    let mut idle = world.one_exchange().await;
    let (second, origin) = (world.transport.shard(1), world.origin.clone());
    let exchange = world
        .tasks
        .spawn(async move { get(&second, &origin, "/").await });
    idle.closed().await;
    let mut peer = world.peer().await;
    peer.read_request().await;
    peer.respond("mine").await;
    assert_eq!(
        text(exchange.await.unwrap().unwrap()).await.unwrap(),
        "mine"
    );
}

#[tokio::test(start_paused = true)]
async fn draining_connections_do_not_count_against_the_limit() {
    use gateway_transport::{RotateOptions, RotateReason, Selector};
    let mut world = World::new(Protocol::Http1, |c| c.max_connections = 1);
    let (_body, _peer) = world.open_stream("one").await;
    world
        .transport
        .rotate(
            &Selector::All,
            RotateReason::Command,
            RotateOptions::default(),
        )
        .await;
    let (_second, _peer) = world.open_stream("two").await;
}
