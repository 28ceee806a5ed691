//! The last rotation.

use std::time::Duration;

use gateway_transport::{BodyError, ConnectSpec, Delivery, KilledBy, Protocol};
use http_body_util::BodyExt;

use crate::pipes::{World, advance, frame, settle};

#[tokio::test(start_paused = true)]
async fn shutdown_waits_for_what_runs_and_refuses_what_is_new() {
    let mut world = World::http1();
    let mut idle = world.one_exchange().await;
    let exchange = world.start_get("/stream");
    idle.read_request().await;
    idle.begin_stream().await;
    let mut body = exchange.await.unwrap().unwrap().into_body();
    let transport = world.transport.clone();
    let shutdown = world
        .tasks
        .spawn(async move { transport.shutdown(None).await });
    advance(Duration::from_secs(600)).await;
    assert!(!shutdown.is_finished());
    let refused = world.get("/late").await.unwrap_err();
    assert_eq!(refused.delivery, Delivery::NotSent);
    assert!(
        world
            .transport
            .origin(&ConnectSpec::from_url("http://b.test").unwrap())
            .is_err()
    );
    idle.chunk("last").await;
    assert_eq!(frame(&mut body).await.unwrap(), "last");
    idle.end_stream().await;
    assert!(body.frame().await.is_none());
    assert_eq!(shutdown.await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn shutdown_cuts_what_runs_after_its_deadline_and_says_so() {
    let mut world = World::http1();
    let (mut body, mut peer) = world.open_stream("one").await;
    let transport = world.transport.clone();
    let shutdown = world
        .tasks
        .spawn(async move { transport.shutdown(Some(Duration::from_secs(7))).await });
    let begun = tokio::time::Instant::now();
    let error = frame(&mut body).await.unwrap_err();
    assert!(
        matches!(
            error,
            BodyError::Killed {
                by: KilledBy::Shutdown,
                ..
            }
        ),
        "{error:?}"
    );
    assert_eq!(begun.elapsed().as_secs(), 7);
    assert_eq!(shutdown.await.unwrap(), 1);
    peer.closed().await;
}

#[tokio::test(start_paused = true)]
async fn shutdown_tells_those_who_wait_for_a_slot() {
    let mut world = World::new(Protocol::Http1, |c| c.max_connections = 1);
    let (body, _peer) = world.open_stream("one").await;
    let waiting = world.start_get("/");
    settle().await;
    let transport = world.transport.clone();
    let shutdown = world
        .tasks
        .spawn(async move { transport.shutdown(None).await });
    assert_eq!(
        waiting.await.unwrap().unwrap_err().delivery,
        Delivery::NotSent
    );
    drop(body);
    assert_eq!(shutdown.await.unwrap(), 0);
}
