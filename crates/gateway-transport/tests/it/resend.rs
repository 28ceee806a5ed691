//! What is sent again, and what is not.

use std::time::Duration;

use gateway_transport::Delivery;
use http_body_util::BodyExt;

use crate::pipes::{Behavior, World, settle, text};

#[tokio::test(start_paused = true)]
async fn an_idle_connection_that_the_peer_closed_is_not_used() {
    let mut world = World::http1();
    drop(world.one_exchange().await);
    settle().await;
    let exchange = world.start_get("/second");
    let mut peer = world.peer().await;
    peer.read_request().await;
    peer.respond("fresh").await;
    assert_eq!(
        text(exchange.await.unwrap().unwrap()).await.unwrap(),
        "fresh"
    );
}

#[tokio::test(start_paused = true)]
async fn a_request_that_was_written_is_never_sent_again() {
    let mut world = World::http1();
    let mut peer = world.one_exchange().await;
    let exchange = world.start_get("/second");
    peer.read_request().await;
    drop(peer);
    let error = exchange.await.unwrap().unwrap_err();
    assert_eq!((error.delivery, error.reused), (Delivery::Unknown, true));
    assert_eq!(world.pipes.opened(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_half_answered_request_is_unknown() {
    let mut world = World::http1();
    let exchange = world.start_get("/");
    let mut peer = world.peer().await;
    peer.read_request().await;
    peer.write("HTTP/1.1 200").await;
    drop(peer);
    let error = exchange.await.unwrap().unwrap_err();
    assert_eq!((error.delivery, error.reused), (Delivery::Unknown, false));
}

#[tokio::test(start_paused = true)]
async fn a_request_that_a_reused_connection_did_not_take_is_sent_again() {
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
    // The connection is handed to the request that waits, and before that one runs, the peer closes it.
    body.collect().await.unwrap();
    drop(peer);
    let mut fresh = world.peer().await;
    assert!(fresh.read_request().await.starts_with("get /waiting"));
    fresh.respond("second try").await;
    let response = waiting.await.unwrap().unwrap();
    assert!(!response.body().lease().reused);
    assert_eq!(text(response).await.unwrap(), "second try");
    assert_eq!(world.transport.snapshot().origins[0].metrics.repeats, 1);
}
