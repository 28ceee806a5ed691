//! Rotations: what they close, what they leave, and when they come by themselves.

use std::time::Duration;

use gateway_transport::{
    BodyError, ConnectSpec, GenerationState, KilledBy, OriginSnapshot, Prewarm, Protocol,
    RotateOptions, RotateReason, Rotated, Sabotage, Selector, TransportConfig,
};
use http_body_util::BodyExt;

use crate::pipes::{Behavior, World, advance, frame, settle, text};

async fn rotate(world: &World) -> Rotated {
    rotate_with(world, RotateOptions::default()).await
}

async fn rotate_with(world: &World, options: RotateOptions) -> Rotated {
    let mut rotated = world
        .transport
        .rotate(&Selector::All, RotateReason::Command, options)
        .await;
    rotated.remove(0)
}

fn seen(world: &World) -> OriginSnapshot {
    world.transport.snapshot().origins.remove(0)
}

fn rotations(world: &World, reason: RotateReason) -> u64 {
    let rotations = seen(world).metrics.rotations;
    rotations
        .iter()
        .find(|(r, _)| *r == reason.as_str())
        .unwrap()
        .1
}

#[tokio::test(start_paused = true)]
async fn rotation_closes_idle_connections_at_once() {
    let mut world = World::http1();
    let mut peer = world.one_exchange().await;
    assert_eq!(rotate(&world).await.current, 2);
    assert!(peer.is_closed().await);
}

#[tokio::test(start_paused = true)]
async fn rotation_lets_a_stream_finish() {
    let mut world = World::http1();
    let (mut body, mut peer) = world.open_stream("one").await;
    let rotated = rotate(&world).await;
    assert_eq!((rotated.retired, rotated.leases), (1, 1));
    for n in 0..100 {
        advance(Duration::from_secs(60)).await;
        peer.chunk(&format!("event {n}")).await;
        assert_eq!(frame(&mut body).await.unwrap(), format!("event {n}"));
    }
    peer.end_stream().await;
    assert!(body.frame().await.is_none());
    // It belongs to an old generation: it does not go back to the pool.
    peer.closed().await;
}

#[tokio::test(start_paused = true)]
async fn no_request_starts_on_a_retired_generation() {
    let mut world = World::http1();
    let _idle = world.one_exchange().await;
    rotate(&world).await;
    let exchange = world.start_get("/after");
    let mut peer = world.peer().await;
    peer.read_request().await;
    peer.respond("new").await;
    let response = exchange.await.unwrap().unwrap();
    assert_eq!(
        (
            response.body().lease().generation,
            response.body().lease().reused
        ),
        (2, false)
    );
}

#[tokio::test(start_paused = true)]
async fn a_connect_that_outlives_its_generation_is_dropped() {
    let mut world = World::http1();
    world.pipes.behave(Behavior {
        takes: Duration::from_secs(3),
        fails: false,
        ..Behavior::default()
    });
    let exchange = world.start_get("/");
    advance(Duration::from_secs(1)).await;
    rotate(&world).await;
    // The old connect is given up; the request waits for the one of the new generation.
    let mut new = world.peer().await;
    new.read_request().await;
    new.respond("new").await;
    let response = exchange.await.unwrap().unwrap();
    assert_eq!(response.body().lease().generation, 2);
    assert_eq!(
        (world.pipes.opened(), seen(&world).metrics.connects_stale),
        (2, 1)
    );
}

#[tokio::test(start_paused = true)]
async fn the_drain_deadline_cuts_a_stuck_stream_and_says_so() {
    let mut world = World::http1();
    let (mut body, mut peer) = world.open_stream("one").await;
    advance(Duration::from_secs(100)).await;
    let options = RotateOptions {
        drain_deadline: Some(Duration::from_secs(30)),
        ..RotateOptions::default()
    };
    rotate_with(&world, options).await;
    let begun = tokio::time::Instant::now();
    let error = frame(&mut body).await.unwrap_err();
    let BodyError::Killed { by, lease_age } = error else {
        panic!("{error:?}")
    };
    assert_eq!((by, lease_age.as_secs()), (KilledBy::DrainDeadline, 130));
    assert_eq!(begun.elapsed().as_secs(), 30);
    peer.closed().await;
    settle().await;
    assert_eq!(seen(&world).metrics.drain_cut.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_drained_generation_is_freed() {
    let mut world = World::http1();
    let (body, _peer) = world.open_stream("one").await;
    rotate(&world).await;
    let draining = &seen(&world).generations[1];
    assert_eq!(
        (draining.number, draining.state, draining.leases),
        (1, GenerationState::Draining, 1)
    );
    assert_eq!(draining.sockets, 1);
    drop(body);
    assert_eq!(seen(&world).generations.len(), 1);
    assert_eq!(seen(&world).metrics.drain_complete.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_killed_exchange_that_waits_for_its_head_says_who_did_it() {
    let mut world = World::http1();
    let exchange = world.start_get("/");
    let mut peer = world.peer().await;
    peer.read_request().await;
    rotate_with(
        &world,
        RotateOptions {
            kill: Some(KilledBy::Revoked),
            ..RotateOptions::default()
        },
    )
    .await;
    let error = exchange.await.unwrap().unwrap_err();
    assert_eq!(error.killed, Some(KilledBy::Revoked));
    peer.closed().await;
}

#[tokio::test(start_paused = true)]
async fn an_expired_generation_is_replaced_after_the_new_one_connected() {
    let mut world = World::new(Protocol::Http1, |c| {
        c.ttl = Some(Duration::from_secs(100));
        c.ttl_jitter = 0.5;
    });
    let (mut body, mut peer) = world.open_stream("one").await;
    world.pipes.behave(Behavior {
        takes: Duration::from_secs(2),
        fails: false,
        ..Behavior::default()
    });
    let begun = tokio::time::Instant::now();
    let mut warm = world.peer().await;
    assert!(
        (50..=102).contains(&begun.elapsed().as_secs()),
        "{:?}",
        begun.elapsed()
    );
    settle().await;
    assert_eq!(seen(&world).generations.len(), 2);
    assert_eq!(rotations(&world, RotateReason::Ttl), 1);
    // The warm connection serves the next request at once, and the stream of the old generation goes on.
    let exchange = world.start_get("/warm");
    warm.read_request().await;
    warm.respond("warm").await;
    let response = exchange.await.unwrap().unwrap();
    assert!(response.body().lease().generation > 1);
    assert_eq!(text(response).await.unwrap(), "warm");
    peer.chunk("two").await;
    assert_eq!(frame(&mut body).await.unwrap(), "two");
}

#[tokio::test(start_paused = true)]
async fn an_expired_generation_stays_when_the_new_one_cannot_connect() {
    let mut world = World::new(Protocol::Http1, |c| {
        c.ttl = Some(Duration::from_secs(20));
        c.health_failures = 0;
        c.idle_timeout = Duration::from_secs(600);
    });
    let (_body, _peer) = world.open_stream("one").await;
    world.pipes.behave(Behavior {
        takes: Duration::ZERO,
        fails: true,
        ..Behavior::default()
    });
    advance(Duration::from_secs(60)).await;
    assert_eq!(world.origin.generation(), 1);
    let failed = seen(&world).metrics.rotations_failed;
    // With back-off: far fewer than the ticks of maintenance in 40 s.
    assert!((2..=8).contains(&failed), "{failed}");
    world.pipes.behave(Behavior::default());
    advance(Duration::from_secs(60)).await;
    assert!(rotations(&world, RotateReason::Ttl) >= 1);
}

#[tokio::test(start_paused = true)]
async fn a_commanded_rotation_can_connect_first() {
    let mut world = World::http1();
    let _idle = world.one_exchange().await;
    let rotated = rotate_with(
        &world,
        RotateOptions {
            prewarm: Prewarm::Yes,
            ..RotateOptions::default()
        },
    )
    .await;
    assert_eq!(rotated.warm, 1);
    assert_eq!(world.pipes.opened(), 2);
    let exchange = world.start_get("/");
    let _first = world.peer().await;
    settle().await;
    assert_eq!(world.pipes.opened(), 2);
    drop(exchange);
}

#[tokio::test(start_paused = true)]
async fn origins_that_are_no_longer_used_drain_and_can_still_be_used_by_who_holds_them() {
    let mut world = World::http1();
    let (mut body, mut peer) = world.open_stream("one").await;
    let rotated = world.transport.retain(&[]).await;
    assert_eq!((rotated.len(), rotated[0].leases), (1, 1));
    let again = world.transport.origin(world.origin.spec()).unwrap();
    assert_ne!(again, world.origin);
    peer.chunk("two").await;
    assert_eq!(frame(&mut body).await.unwrap(), "two");
    let exchange = world.start_get("/late");
    let mut late = world.peer().await;
    late.read_request().await;
    late.respond("late").await;
    assert_eq!(
        text(exchange.await.unwrap().unwrap()).await.unwrap(),
        "late"
    );
    // Maintenance still looks after it.
    advance(Duration::from_secs(31)).await;
    late.closed().await;
    // An equal spec is the same origin, and keeping it changes nothing.
    assert!(world.transport.retain(&[again]).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_new_configuration_rotates_only_for_what_generations_are_born_with() {
    let mut world = World::http1();
    let (mut body, mut peer) = world.open_stream("one").await;
    let mut config = TransportConfig {
        idle_timeout: Duration::from_secs(1),
        max_waiting: 3,
        ttl: None,
        ..TransportConfig::default()
    };
    assert!(world.transport.configure(config.clone()).await.is_empty());
    assert_eq!(world.origin.generation(), 1);
    config.ttl = Some(Duration::from_secs(60));
    let rotated = world.transport.configure(config.clone()).await;
    assert_eq!((rotated.len(), rotated[0].current), (1, 2));
    assert!(world.transport.configure(config).await.is_empty());
    peer.chunk("two").await;
    assert_eq!(frame(&mut body).await.unwrap(), "two");
    // The new lifetime holds.
    advance(Duration::from_secs(61)).await;
    settle().await;
    assert_eq!(rotations(&world, RotateReason::Ttl), 1);
    peer.end_stream().await;
    assert!(body.frame().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn who_is_forgotten_drains_and_nobody_else_is_touched() {
    let mut world = World::http1();
    let (mut body, mut peer) = world.open_stream("one").await;
    let other = ConnectSpec::from_url("http://other.test").unwrap();
    let other = world.transport.origin(&other).unwrap();
    let rotated = world
        .transport
        .forget(std::slice::from_ref(&world.origin))
        .await;
    assert_eq!((rotated.len(), rotated[0].leases), (1, 1));
    assert_eq!(other.generation(), 1);
    assert_eq!(world.transport.origin(other.spec()).unwrap(), other);
    peer.chunk("two").await;
    assert_eq!(frame(&mut body).await.unwrap(), "two");
}

#[tokio::test(start_paused = true)]
async fn sabotage_cuts_streams_so_that_a_soak_can_fail() {
    let mut world = World::new(Protocol::Http1, |c| {
        c.sabotage = Some(Sabotage::EvictCloses)
    });
    let (mut body, mut peer) = world.open_stream("one").await;
    rotate(&world).await;
    let error = frame(&mut body).await.unwrap_err();
    assert!(matches!(error, BodyError::Truncated(_)), "{error:?}");
    peer.closed().await;
}
