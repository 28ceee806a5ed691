//! One exchange over HTTP/1: what goes out, what comes in, what becomes of the connection.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use gateway_transport::{BodyError, Delivery, Phase, SendOptions, Timer};
use http::Request;
use http_body::Body;
use http_body_util::BodyExt;

use crate::pipes::{World, advance, frame, settle, text};

#[tokio::test(start_paused = true)]
async fn reuses_an_idle_connection() {
    let mut world = World::http1();
    let mut peer = world.one_exchange().await;
    let exchange = world.start_get("/second");
    assert!(
        peer.read_request()
            .await
            .starts_with("get /second http/1.1\r\n")
    );
    peer.respond("again").await;
    let response = exchange.await.unwrap().unwrap();
    assert!(response.body().lease().reused);
    assert_eq!(text(response).await.unwrap(), "again");
    assert_eq!(world.pipes.opened(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_free_when_the_last_byte_was_delivered_although_the_body_is_not_polled_again()
 {
    let mut world = World::http1();
    let exchange = world.start_get("/");
    let mut peer = world.peer().await;
    peer.read_request().await;
    peer.respond("12345").await;
    let mut body = exchange.await.unwrap().unwrap().into_body();
    assert_eq!(frame(&mut body).await.unwrap(), "12345");
    assert!(body.is_end_stream());
    let connections = world.transport.snapshot().origins.remove(0).connections;
    assert_eq!((connections.http1_idle, connections.http1_active), (1, 0));
    assert!(body.frame().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_response_without_body_frees_its_connection_with_its_head() {
    let mut world = World::http1();
    let exchange = world.start_get("/");
    let mut peer = world.peer().await;
    peer.read_request().await;
    peer.write("HTTP/1.1 204 No Content\r\n\r\n").await;
    let response = exchange.await.unwrap().unwrap();
    assert_eq!(
        world.transport.snapshot().origins[0].connections.http1_idle,
        1
    );
    assert!(text(response).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_host_header_and_the_path_come_from_an_absolute_uri() {
    let mut world = World::http1();
    let request = Request::post("https://user:pw@other.test:8443/p?q=1")
        .body(Bytes::from("{}"))
        .unwrap();
    let (shard, origin) = (world.shard.clone(), world.origin.clone());
    world
        .tasks
        .spawn(async move { shard.send(&origin, request, &SendOptions::default()).await });
    let head = world.peer().await.read_request().await;
    assert!(head.starts_with("post /p?q=1 http/1.1\r\n"), "{head}");
    assert!(head.contains("\r\nhost: other.test:8443\r\n"), "{head}");
    assert!(!head.contains("pw"), "{head}");
    assert!(head.ends_with("\r\n\r\n{}"), "{head}");
}

#[tokio::test(start_paused = true)]
async fn a_body_dropped_early_closes_the_connection() {
    let mut world = World::http1();
    let (body, mut peer) = world.open_stream("one").await;
    drop(body);
    peer.closed().await;
    assert_eq!(
        world.transport.snapshot().origins[0].generations[0].leases,
        0
    );
}

#[tokio::test(start_paused = true)]
async fn a_dropped_send_closes_the_connection() {
    let mut world = World::http1();
    let exchange = world.start_get("/");
    let mut peer = world.peer().await;
    peer.read_request().await;
    exchange.abort();
    peer.closed().await;
    settle().await;
    assert_eq!(
        world.transport.snapshot().origins[0].generations[0].leases,
        0
    );
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_says_close_is_not_used_again() {
    let mut world = World::http1();
    let exchange = world.start_get("/");
    let mut peer = world.peer().await;
    peer.read_request().await;
    peer.write("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok")
        .await;
    assert_eq!(text(exchange.await.unwrap().unwrap()).await.unwrap(), "ok");
    peer.closed().await;
    assert_eq!(
        world.transport.snapshot().origins[0].connections.http1_idle,
        0
    );
}

#[tokio::test(start_paused = true)]
async fn stray_bytes_after_a_response_end_its_connection() {
    let mut world = World::http1();
    let exchange = world.start_get("/");
    let mut peer = world.peer().await;
    peer.read_request().await;
    peer.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n")
        .await;
    assert_eq!(text(exchange.await.unwrap().unwrap()).await.unwrap(), "ok");
    peer.closed().await;
}

#[tokio::test(start_paused = true)]
async fn a_truncated_body_is_an_error_and_not_an_end() {
    for (head, rest) in [
        ("content-length: 10", "12345"),
        ("transfer-encoding: chunked", "5\r\n12345\r\n"),
    ] {
        let mut world = World::http1();
        let exchange = world.start_get("/");
        let mut peer = world.peer().await;
        peer.read_request().await;
        peer.write(&format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n{rest}"))
            .await;
        let mut body = exchange.await.unwrap().unwrap().into_body();
        assert_eq!(frame(&mut body).await.unwrap(), "12345");
        drop(peer);
        let error = frame(&mut body).await.unwrap_err();
        assert!(
            matches!(error, BodyError::Truncated(_)),
            "{head}: {error:?}"
        );
        assert_eq!(
            world.transport.snapshot().origins[0].generations[0].leases,
            0
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_malformed_chunk_is_an_error() {
    let mut world = World::http1();
    let (mut body, mut peer) = world.open_stream("one").await;
    peer.write("zz\r\n").await;
    let error = frame(&mut body).await.unwrap_err();
    assert!(matches!(error, BodyError::Malformed(_)), "{error:?}");
    peer.closed().await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_to_a_half_sent_request_is_taken() {
    let mut world = World::http1();
    let (shard, origin) = (world.shard.clone(), world.origin.clone());
    let request = Request::post("/")
        .body(Bytes::from(vec![b'x'; 1 << 20]))
        .unwrap();
    let exchange = world
        .tasks
        .spawn(async move { shard.send(&origin, request, &SendOptions::default()).await });
    let mut peer = world.peer().await;
    settle().await;
    peer.write("HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\n\r\nbig")
        .await;
    let response = exchange.await.unwrap().unwrap();
    assert_eq!(response.status(), 413);
    assert_eq!(text(response).await.unwrap(), "big");
    // The request was not written to its end: the connection is of no use.
    assert_eq!(
        world.transport.snapshot().origins[0].connections.http1_idle,
        0
    );
}

#[tokio::test(start_paused = true)]
async fn some_interim_responses_are_skipped_and_more_than_that_end_the_exchange() {
    let interim = "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n";
    for (count, together) in [(16, true), (16, false), (17, true), (17, false)] {
        let mut world = World::http1();
        let mut peer = world.one_exchange().await;
        let exchange = world.start_get("/");
        peer.read_request().await;
        if together {
            let head = interim.repeat(count) + "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
            peer.write(&head).await;
        } else {
            for _ in 0..count {
                peer.write(interim).await;
                settle().await;
            }
            if count == 16 {
                peer.respond("ok").await;
            }
        }
        match exchange.await.unwrap() {
            Ok(response) => assert_eq!((count, text(response).await.unwrap().as_str()), (16, "ok")),
            Err(error) => {
                assert_eq!((count, error.delivery), (17, Delivery::Unknown));
                peer.closed().await;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_switch_of_protocols_is_refused() {
    let mut world = World::http1();
    let exchange = world.start_get("/");
    let mut peer = world.peer().await;
    peer.read_request().await;
    peer.write("HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n")
        .await;
    assert_eq!(
        exchange.await.unwrap().unwrap_err().delivery,
        Delivery::Unknown
    );
    peer.closed().await;
}

#[tokio::test(start_paused = true)]
async fn an_endless_head_is_cut() {
    for line in [
        format!("x: {}\r\n", "y".repeat(1000)),
        "a: b\r\n".to_owned(),
    ] {
        let mut world = World::http1();
        let exchange = world.start_get("/");
        let mut peer = world.peer().await;
        peer.read_request().await;
        peer.write("HTTP/1.1 200 OK\r\n").await;
        world.tasks.spawn(async move {
            use tokio::io::AsyncWriteExt;
            while peer.io.write_all(line.as_bytes()).await.is_ok() {}
        });
        let error = exchange.await.unwrap().unwrap_err();
        assert_eq!(
            (error.delivery, error.phase),
            (Delivery::Unknown, Phase::Head)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_head_fires_the_head_timer() {
    let mut world = World::http1();
    let (shard, origin) = (world.shard.clone(), world.origin.clone());
    let options = SendOptions {
        head_timeout: Some(Duration::from_secs(3)),
        ..SendOptions::default()
    };
    let request = Request::get("/").body(Bytes::new()).unwrap();
    let exchange = world
        .tasks
        .spawn(async move { shard.send(&origin, request, &options).await });
    let mut peer = world.peer().await;
    peer.read_request().await;
    let begun = tokio::time::Instant::now();
    let error = exchange.await.unwrap().unwrap_err();
    assert_eq!(begun.elapsed().as_secs(), 3);
    assert_eq!(
        (error.delivery, error.timer),
        (Delivery::Unknown, Some(Timer::Head))
    );
    peer.closed().await;
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_closed_after_the_idle_timeout() {
    let mut world = World::http1();
    let mut peer = world.one_exchange().await;
    advance(Duration::from_secs(29)).await;
    assert!(!peer.is_closed().await);
    advance(Duration::from_secs(2)).await;
    peer.closed().await;
}

#[tokio::test(start_paused = true)]
async fn an_event_costs_its_reader_one_wake_up() {
    let mut world = World::http1();
    let (mut body, mut peer) = world.open_stream("one").await;
    let polls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&polls);
    let reader = world.tasks.spawn(async move {
        let mut frames = 0;
        while poll_fn(|cx| {
            counted.fetch_add(1, Ordering::Relaxed);
            Pin::new(&mut body).poll_frame(cx)
        })
        .await
        .is_some()
        {
            frames += 1;
        }
        frames
    });
    settle().await;
    for n in 0..100 {
        peer.chunk("event").await;
        settle().await;
        // One poll that gives the event and one that waits for the next.
        assert_eq!(polls.load(Ordering::Relaxed), 2 * (n + 1) + 1);
    }
    peer.end_stream().await;
    assert_eq!(reader.await.unwrap(), 100);
}
