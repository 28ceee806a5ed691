//! Connects and connections that several requests share or inherit.

use std::time::Duration;

use gateway_transport::{Protocol, RotateOptions, RotateReason, Selector};

use crate::pipes::{Behavior, World, advance, settle, text};

#[tokio::test(start_paused = true)]
async fn a_cancelled_request_does_not_cancel_the_shared_connect() {
    let mut world = World::http1();
    world.pipes.behave(Behavior {
        takes: Duration::from_secs(2),
        fails: false,
        ..Behavior::default()
    });
    let first = world.start_get("/first");
    advance(Duration::from_secs(1)).await;
    first.abort();
    let mut peer = world.peer().await;
    settle().await;
    // The connection that was begun for it serves the next one.
    let second = world.start_get("/second");
    assert!(peer.read_request().await.starts_with("get /second"));
    peer.respond("ok").await;
    assert_eq!(text(second.await.unwrap().unwrap()).await.unwrap(), "ok");
    assert_eq!(world.pipes.opened(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_comes_back_serves_a_request_that_waits_for_a_connect() {
    let mut world = World::http1();
    let (body, mut peer) = world.open_stream("one").await;
    world.pipes.behave(Behavior {
        takes: Duration::from_secs(4),
        fails: false,
        ..Behavior::default()
    });
    let waiting = world.start_get("/waiting");
    settle().await;
    peer.end_stream().await;
    http_body_util::BodyExt::collect(body).await.unwrap();
    assert!(peer.read_request().await.starts_with("get /waiting"));
    peer.respond("early").await;
    assert_eq!(
        text(waiting.await.unwrap().unwrap()).await.unwrap(),
        "early"
    );
}

#[tokio::test(start_paused = true)]
async fn the_first_connect_to_an_unknown_origin_is_single_flight_and_then_all_are_served() {
    // The pool cannot know before the first connection that this origin speaks HTTP/1.
    let mut world = World::new(Protocol::Http1, |_| {});
    world.pipes.behave(Behavior {
        takes: Duration::from_secs(1),
        fails: false,
        ..Behavior::default()
    });
    let exchanges: Vec<_> = (0..8).map(|_| world.start_get("/")).collect();
    advance(Duration::from_millis(500)).await;
    assert_eq!(world.pipes.opened(), 1);
    for _ in 0..8 {
        let mut peer = world.peer().await;
        peer.read_request().await;
        peer.respond("ok").await;
    }
    for exchange in exchanges {
        assert_eq!(text(exchange.await.unwrap().unwrap()).await.unwrap(), "ok");
    }
    assert_eq!(world.pipes.opened(), 8);
}

#[tokio::test(start_paused = true)]
async fn a_failed_first_connect_fails_all_who_waited_for_it() {
    let world = World::http1();
    world.pipes.behave(Behavior {
        takes: Duration::from_secs(1),
        fails: true,
        ..Behavior::default()
    });
    let exchanges: Vec<_> = (0..8).map(|_| world.start_get("/")).collect();
    for exchange in exchanges {
        exchange.await.unwrap().unwrap_err();
    }
    assert_eq!(world.pipes.opened(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_connection_handed_over_before_a_rotation_is_not_started_on_after_it() {
    let mut world = World::http1();
    let (body, mut peer) = world.open_stream("one").await;
    world.pipes.behave(Behavior {
        takes: Duration::from_secs(2),
        fails: false,
        ..Behavior::default()
    });
    let waiting = world.start_get("/waiting");
    settle().await;
    peer.end_stream().await;
    // The connection goes to the request that waits; before that one runs, the rotation has come and returned.
    http_body_util::BodyExt::collect(body).await.unwrap();
    world
        .transport
        .rotate(
            &Selector::All,
            RotateReason::Command,
            RotateOptions::default(),
        )
        .await;
    peer.closed().await;
    // The connect that was begun for the old generation ended with it: this is that of the new one.
    let mut fresh = world.peer().await;
    fresh.read_request().await;
    fresh.respond("new").await;
    let response = waiting.await.unwrap().unwrap();
    assert_eq!(response.body().lease().generation, 2);
}
