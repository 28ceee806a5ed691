//! What this crate believes about hyper and h2, each belief with the test that would show it wrong.

use std::time::Duration;

use bytes::Bytes;
use gateway_transport::{Http2Config, Protocol, RotateOptions, RotateReason, Selector};
use http::Response;
use http_body_util::BodyExt;

use crate::pipes::{World, advance, frame, settle, text};

const STALLED: usize = 50;
const OUR_WINDOW: u32 = (1 << 31) - 1 - 65_535;

/// Stream window 64 KiB, connection window near 2^31: fifty readers that never read hold fifty stream windows, and
/// another stream of the same connection goes on.
#[tokio::test(start_paused = true)]
async fn stalled_readers_do_not_stop_other_streams_of_their_connection() {
    let (mut world, mut fast) = with_stalled_readers(vec![b'x'; 16 * 1024], OUR_WINDOW).await;
    for n in 0..200 {
        fast.out
            .send_data(Bytes::from(vec![b'y'; 1000]), false)
            .unwrap();
        let got = frame(&mut fast.body).await.unwrap();
        assert_eq!(got.len(), 1000, "event {n}");
    }
    assert_eq!(world.pipes.opened(), 1);
    world.peers.close();
}

/// 40-byte DATA frames that nobody reads are charged to a budget of the connection: half its window in h2 0.4.20.
/// With a usual window that is too little for fifty stalled readers, and the *whole connection* ends.
#[tokio::test(start_paused = true)]
async fn small_unread_frames_end_a_connection_with_a_usual_window() {
    let (_world, mut fast) = with_stalled_readers(vec![b'x'; 40], 5 * 1024 * 1024).await;
    drop(fast.out.send_data(Bytes::from("still there?"), false));
    let outcome = tokio::time::timeout(Duration::from_secs(5), frame(&mut fast.body)).await;
    assert!(matches!(outcome, Ok(Err(_))), "{outcome:?}");
}

/// With our window the budget is 1 GiB: more than 32 streams of 64 KiB can be charged even for one-byte frames
/// (32 · 65,536 · 255 = 0.5 GiB). The trap cannot spring.
#[tokio::test(start_paused = true)]
async fn small_unread_frames_do_no_harm_with_our_window() {
    let (_world, mut fast) = with_stalled_readers(vec![b'x'; 40], OUR_WINDOW).await;
    for _ in 0..100 {
        fast.out
            .send_data(Bytes::from("still there?"), false)
            .unwrap();
        assert_eq!(frame(&mut fast.body).await.unwrap(), "still there?");
    }
    let window = u64::from(Http2Config::default().connection_window);
    let worst = Http2Config::default().max_streams as u64
        * u64::from(Http2Config::default().stream_window)
        * 255;
    assert!(
        worst < window / 2,
        "the defaults no longer exclude the trap"
    );
}

/// The same frames, read by everybody, do no harm: the budget comes back as they are read.
#[tokio::test(start_paused = true)]
async fn small_frames_that_are_read_do_no_harm() {
    let mut world = World::new(Protocol::Http2, |_| {});
    let exchange = world.start_get("/");
    let peer = world.peer().await;
    let mut served = serve(peer, &world).await;
    let mut out = served.recv().await.unwrap();
    let mut body = exchange.await.unwrap().unwrap().into_body();
    for _ in 0..20_000 {
        out.send_data(Bytes::from_static(&[b'x'; 40]), false)
            .unwrap();
        assert_eq!(frame(&mut body).await.unwrap().len(), 40);
    }
}

/// "The connection future finished" is not "the socket is closed": with tasks in our executor, the tracker is.
#[tokio::test(start_paused = true)]
async fn a_generation_with_a_running_h2_stream_keeps_its_socket_until_the_stream_ends() {
    let mut world = World::new(Protocol::Http2, |_| {});
    let exchange = world.start_get("/");
    let peer = world.peer().await;
    let mut served = serve(peer, &world).await;
    let mut out = served.recv().await.unwrap();
    let response = exchange.await.unwrap().unwrap();
    world
        .transport
        .rotate(
            &Selector::All,
            RotateReason::Command,
            RotateOptions::default(),
        )
        .await;
    let transport = world.transport.clone();
    let shutdown = world
        .tasks
        .spawn(async move { transport.shutdown(None).await });
    // hyper's own connection future ends with its last sender; the protocol's task goes on.
    advance(Duration::from_secs(100)).await;
    assert!(!shutdown.is_finished());
    out.send_data(Bytes::from("end"), true).unwrap();
    assert_eq!(text(response).await.unwrap(), "end");
    shutdown.await.unwrap();
    // The tracker was the last to know: the peer sees the end of the stream of bytes at once.
    settle().await;
    assert!(served.try_recv().is_err());
    assert!(served.is_closed());
}

/// A fresh HTTP/1 sender becomes ready again only when the response body was read to its end.
#[tokio::test(start_paused = true)]
async fn an_h1_connection_is_not_back_before_its_body_was_read() {
    let mut world = World::new(Protocol::Http1, |_| {});
    let (mut body, mut peer) = world.open_stream("one").await;
    peer.chunk("two").await;
    peer.end_stream().await;
    settle().await;
    assert_eq!(
        world.transport.snapshot().origins[0].connections.http1_idle,
        0
    );
    assert_eq!(frame(&mut body).await.unwrap(), "two");
    assert!(body.frame().await.is_none());
    assert_eq!(
        world.transport.snapshot().origins[0].connections.http1_idle,
        1
    );
}

/// One stream that is read, beside [`STALLED`] that are not, all on one connection.
struct Fast {
    out: h2::SendStream<Bytes>,
    body: gateway_transport::ResponseBody,
    _stalled: Vec<gateway_transport::ResponseBody>,
}

async fn with_stalled_readers(piece: Vec<u8>, window: u32) -> (World, Fast) {
    let mut world = World::new(Protocol::Http2, |c| {
        c.http2.max_streams = STALLED + 1;
        c.http2.connection_window = window;
    });
    let exchanges: Vec<_> = (0..=STALLED).map(|_| world.start_get("/")).collect();
    let peer = world.peer().await;
    let mut served = serve(peer, &world).await;
    let mut outs = Vec::new();
    for _ in 0..=STALLED {
        outs.push(served.recv().await.unwrap());
    }
    let mut bodies = Vec::new();
    for exchange in exchanges {
        bodies.push(exchange.await.unwrap().unwrap().into_body());
    }
    world
        .tasks
        .spawn(async move { while served.recv().await.is_some() {} });
    let piece = Bytes::from(piece);
    // The order of streams at the peer is that of the requests: one world, one task queue.
    let (body, mut out) = (bodies.remove(0), outs.remove(0));
    for stalled in &mut outs {
        // More than the stream window: h2 at the peer keeps the rest.
        for _ in 0..(128 * 1024 / piece.len()) {
            stalled.send_data(piece.clone(), false).unwrap();
        }
    }
    for _ in 0..20 {
        advance(Duration::from_millis(10)).await;
    }
    out.reserve_capacity(1000);
    world.tasks.spawn(async move {
        std::future::pending::<()>().await;
        drop(outs);
    });
    (
        world,
        Fast {
            out,
            body,
            _stalled: bodies,
        },
    )
}

/// Serves an HTTP/2 connection; every stream is answered with a head, and its body's sender goes to the test.
async fn serve(
    peer: crate::pipes::Peer,
    world: &World,
) -> tokio::sync::mpsc::Receiver<h2::SendStream<Bytes>> {
    let (sender, served) = tokio::sync::mpsc::channel(1000);
    let mut builder = h2::server::Builder::new();
    builder.max_send_buffer_size(64 * 1024 * 1024);
    world.tasks.spawn(async move {
        let mut connection = builder.handshake::<_, Bytes>(peer.io).await.unwrap();
        while let Some(Ok((_, mut respond))) = connection.accept().await {
            let out = respond.send_response(Response::new(()), false).unwrap();
            if sender.send(out).await.is_err() {
                return;
            }
        }
    });
    served
}
