//! Rotations because connections fail: what counts, what does not, and how often they come.

use std::time::Duration;

use gateway_transport::{
    BodyError, Delivery, Protocol, RotateOptions, RotateReason, Selector, TransportConfig,
};

use crate::pipes::{Behavior, Peer, World, advance, frame, settle, text};

fn world() -> World {
    World::new(Protocol::Http1, |config: &mut TransportConfig| {
        config.health_failures = 3;
    })
}

fn rotations(world: &World) -> u64 {
    let metrics = &world.transport.snapshot().origins[0].metrics;
    let health = RotateReason::Health.as_str();
    let counted = metrics.rotations.iter().find(|(r, _)| *r == health);
    counted.unwrap().1
}

/// An exchange on a connection that takes the request and dies.
async fn fail(world: &mut World) {
    let exchange = world.start_get("/fails");
    let mut peer = world.peer().await;
    peer.read_request().await;
    drop(peer);
    let error = exchange.await.unwrap().unwrap_err();
    assert_eq!(error.delivery, Delivery::Unknown);
}

/// A connection of the current generation that waits for its answer.
async fn hang(world: &mut World) -> Peer {
    world.start_get("/hangs");
    let mut peer = world.peer().await;
    peer.read_request().await;
    peer
}

#[tokio::test(start_paused = true)]
async fn connections_that_fail_in_a_row_rotate_and_an_answer_ends_the_row() {
    let mut world = world();
    let (mut body, mut peer) = world.open_stream("one").await;
    fail(&mut world).await;
    fail(&mut world).await;
    let (_other, _its_peer) = world.open_stream("answered").await;
    fail(&mut world).await;
    fail(&mut world).await;
    advance(Duration::from_secs(2)).await;
    assert_eq!(rotations(&world), 0);
    fail(&mut world).await;
    advance(Duration::from_secs(2)).await;
    assert_eq!(rotations(&world), 1);
    peer.chunk("two").await;
    assert_eq!(frame(&mut body).await.unwrap(), "two");
}

#[tokio::test(start_paused = true)]
async fn bodies_that_die_with_their_connection_count() {
    let mut world = world();
    let _held = world.open_stream("held").await;
    let mut streams = Vec::new();
    for _ in 0..3 {
        streams.push(world.open_stream("one").await);
    }
    for (mut body, peer) in streams {
        drop(peer);
        frame(&mut body).await.unwrap_err();
    }
    advance(Duration::from_secs(2)).await;
    assert_eq!(rotations(&world), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_http_does_not_count() {
    let mut world = world();
    let _held = world.open_stream("held").await;
    for n in 0..10 {
        if n % 2 == 0 {
            let exchange = world.start_get("/");
            let mut peer = world.peer().await;
            peer.read_request().await;
            peer.write("220 mail.test ESMTP\r\n").await;
            exchange.await.unwrap().unwrap_err();
        } else {
            let (mut body, mut peer) = world.open_stream("one").await;
            peer.write("not a chunk\r\n").await;
            let error = frame(&mut body).await.unwrap_err();
            assert!(matches!(error, BodyError::Malformed(_)), "{error:?}");
        }
    }
    advance(Duration::from_secs(2)).await;
    assert_eq!(rotations(&world), 0);
}

#[tokio::test(start_paused = true)]
async fn an_origin_that_takes_no_more_connections_is_not_rotated() {
    let mut world = world();
    let (mut body, mut peer) = world.open_stream("one").await;
    for (takes, fails) in [(Duration::ZERO, true), (Duration::from_secs(60), false)] {
        world.pipes.behave(Behavior {
            takes,
            fails,
            ..Behavior::default()
        });
        for _ in 0..10 {
            world.get("/").await.unwrap_err();
            advance(Duration::from_secs(1)).await;
        }
    }
    assert_eq!(rotations(&world), 0);
    assert_eq!(world.origin.generation(), 1);
    peer.chunk("two").await;
    assert_eq!(frame(&mut body).await.unwrap(), "two");
}

#[tokio::test(start_paused = true)]
async fn failures_of_a_retired_generation_say_nothing_of_the_current_one() {
    let mut world = world();
    let mut old = Vec::new();
    for _ in 0..5 {
        old.push(world.open_stream("old").await);
    }
    let options = RotateOptions::default();
    let reason = RotateReason::Command;
    world
        .transport
        .rotate(&Selector::All, reason, options)
        .await;
    let _held = hang(&mut world).await;
    for (mut body, peer) in old {
        drop(peer);
        frame(&mut body).await.unwrap_err();
    }
    advance(Duration::from_secs(5)).await;
    assert_eq!(rotations(&world), 0);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_rotated_where_no_connection_is_left() {
    let mut world = world();
    for _ in 0..10 {
        fail(&mut world).await;
    }
    advance(Duration::from_secs(2)).await;
    // A connection that is only being made is none, and when it is made, it is not judged by those before it.
    world.pipes.behave(Behavior {
        takes: Duration::from_secs(4),
        fails: false,
        ..Behavior::default()
    });
    let _held = hang(&mut world).await;
    advance(Duration::from_secs(2)).await;
    assert_eq!(rotations(&world), 0);
}

#[tokio::test(start_paused = true)]
async fn rotations_that_do_not_help_come_at_growing_intervals_until_one_helps() {
    let mut world = world();
    let mut held = Vec::new();
    for _ in 0..120 {
        held.push(hang(&mut world).await);
        for _ in 0..3 {
            fail(&mut world).await;
        }
        advance(Duration::from_secs(1)).await;
    }
    // After 1, 2, 4, 8, 16, 32 and 60 seconds.
    let unhelpful = rotations(&world);
    assert!((6..=8).contains(&unhelpful), "{unhelpful}");
    // This one is answered, and lasts.
    let _answered = world.open_stream("one").await;
    advance(Duration::from_secs(150)).await;
    let helped = rotations(&world);
    for more in 1..=2 {
        for _ in 0..3 {
            fail(&mut world).await;
        }
        advance(Duration::from_secs(2)).await;
        assert_eq!(rotations(&world), helped + more);
        held.push(hang(&mut world).await);
    }
}

#[tokio::test(start_paused = true)]
async fn an_overloaded_origin_that_answers_now_and_then_is_not_rotated_all_the_time() {
    let mut world = world();
    let mut held = Vec::new();
    for _ in 0..120 {
        held.push(world.open_stream("answered").await);
        for _ in 0..3 {
            fail(&mut world).await;
        }
        advance(Duration::from_secs(1)).await;
    }
    let rotations = rotations(&world);
    assert!((1..=8).contains(&rotations), "{rotations}");
}

#[tokio::test(start_paused = true)]
async fn a_connect_is_not_made_twice_at_a_time_because_of_a_rotation() {
    let mut world = world();
    world.pipes.behave(Behavior {
        takes: Duration::from_millis(2500),
        fails: false,
        ..Behavior::default()
    });
    let exchange = world.start_get("/");
    for _ in 0..2 {
        advance(Duration::from_secs(1)).await;
        let options = RotateOptions::default();
        let reason = RotateReason::Command;
        world
            .transport
            .rotate(&Selector::All, reason, options)
            .await;
        settle().await;
        let seen = world.transport.snapshot().origins.remove(0);
        let sockets: usize = seen.generations.iter().map(|g| g.sockets).sum();
        assert_eq!((sockets, seen.connections.connecting), (1, 1));
    }
    let mut peer = world.peer().await;
    peer.read_request().await;
    peer.respond("third").await;
    assert_eq!(
        text(exchange.await.unwrap().unwrap()).await.unwrap(),
        "third"
    );
}
