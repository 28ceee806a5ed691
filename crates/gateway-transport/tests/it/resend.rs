//! What is sent again, and what is not.

use gateway_transport::Delivery;

use crate::pipes::{World, settle, text};

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
