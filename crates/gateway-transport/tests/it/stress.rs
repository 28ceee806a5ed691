//! Many streams on several workers over real sockets, while the pool rotates all the time: nothing is cut, lost or
//! reordered, and afterwards everything is free.

use std::{net::SocketAddr, sync::Arc, thread, time::Duration};

use bytes::Bytes;
use gateway_transport::{
    ConnectSpec, Http2Mode, Prewarm, RotateOptions, RotateReason, Selector, Transport,
    TransportConfig,
};
use http_body_util::BodyExt;
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
    runtime::{Builder, Handle, Runtime},
    sync::oneshot,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::pipes::{get, read_request};

const EVENTS: usize = 40;
const STREAMS: usize = 60;
const PAUSE: Duration = Duration::from_millis(5);

/// A worker as the gateway has them: a thread with a current-thread runtime.
struct Worker {
    handle: Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Worker {
    fn new() -> Self {
        let runtime: Runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel();
        let thread = thread::spawn(move || drop(runtime.block_on(stopped)));
        Self {
            handle,
            stop: Some(stop),
            thread: Some(thread),
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.stop.take());
        self.thread.take().unwrap().join().unwrap();
    }
}

/// Answers every request with [`EVENTS`] numbered events, some together, some apart.
async fn serve_http1(mut stream: TcpStream) {
    stream.set_nodelay(true).unwrap();
    while read_request(&mut stream).await.is_some() {
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
            .await
            .unwrap();
        for n in 0..EVENTS {
            if n % 3 == 0 {
                tokio::time::sleep(PAUSE).await;
            }
            let event = format!("event {n}\n");
            let chunk = format!("{:x}\r\n{event}\r\n", event.len());
            stream.write_all(chunk.as_bytes()).await.unwrap();
        }
        stream.write_all(b"0\r\n\r\n").await.unwrap();
    }
}

async fn serve_http2(stream: TcpStream) {
    stream.set_nodelay(true).unwrap();
    let mut connection = h2::server::handshake(stream).await.unwrap();
    let streams = TaskTracker::new();
    while let Some(Ok((_, mut respond))) = connection.accept().await {
        streams.spawn(async move {
            let mut out = respond
                .send_response(http::Response::new(()), false)
                .unwrap();
            for n in 0..EVENTS {
                if n % 3 == 0 {
                    tokio::time::sleep(PAUSE).await;
                }
                out.send_data(Bytes::from(format!("event {n}\n")), n + 1 == EVENTS)
                    .unwrap();
            }
        });
    }
}

async fn upstream(mode: Http2Mode, tasks: &TaskTracker) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let connections = tasks.clone();
    tasks.spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            if mode == Http2Mode::PriorKnowledge {
                connections.spawn(serve_http2(stream));
            } else {
                connections.spawn(serve_http1(stream));
            }
        }
    });
    address
}

async fn rotate_all_the_time(transport: Transport, until: CancellationToken) -> usize {
    let mut rotations = 0;
    while !until.is_cancelled() {
        let prewarm = if rotations % 2 == 0 {
            Prewarm::Yes
        } else {
            Prewarm::No
        };
        let options = RotateOptions {
            prewarm,
            ..RotateOptions::default()
        };
        rotations += transport
            .rotate(&Selector::All, RotateReason::Command, options)
            .await
            .len();
        tokio::time::sleep(PAUSE).await;
    }
    rotations
}

async fn streams_survive_rotations(mode: Http2Mode) {
    let workers = [Worker::new(), Worker::new()];
    let servers = TaskTracker::new();
    let mut spec =
        ConnectSpec::from_url(&format!("http://{}", upstream(mode, &servers).await)).unwrap();
    spec.http2 = mode;
    let config = TransportConfig {
        maintenance_interval: Duration::from_millis(10),
        ..TransportConfig::default()
    };
    let shards = workers.iter().map(|worker| worker.handle.clone()).collect();
    let transport = Transport::with_control(config, shards, &Handle::current());
    let origin = transport.origin(&spec).unwrap();
    let expected: Arc<str> = (0..EVENTS)
        .map(|n| format!("event {n}\n"))
        .collect::<String>()
        .into();
    let readers = TaskTracker::new();
    let mut reading = Vec::new();
    for n in 0..STREAMS {
        let (shard, origin, expected) = (transport.shard(n), origin.clone(), Arc::clone(&expected));
        let reader = async move {
            for _ in 0..3 {
                let response = get(&shard, &origin, "/").await.unwrap();
                let body = response.into_body().collect().await.unwrap().to_bytes();
                assert_eq!(std::str::from_utf8(&body).unwrap(), &*expected);
            }
        };
        reading.push(readers.spawn_on(reader, &workers[n % workers.len()].handle));
    }
    let until = CancellationToken::new();
    let rotating = readers.spawn(rotate_all_the_time(transport.clone(), until.clone()));
    for reader in reading {
        reader.await.unwrap();
    }
    until.cancel();
    assert!(rotating.await.unwrap() > 10);
    let seen = transport.snapshot().origins.remove(0);
    assert_eq!(
        seen.generations
            .iter()
            .map(|generation| generation.leases)
            .sum::<usize>(),
        0
    );
    assert_eq!(seen.metrics.drain_cut.count(), 0);
    assert_eq!(transport.shutdown(Some(Duration::from_secs(10))).await, 0);
    let after = transport.snapshot().origins.remove(0);
    assert_eq!(
        (after.generations.len(), after.generations[0].sockets),
        (1, 0)
    );
}

#[tokio::test]
async fn http1_streams_on_two_workers_survive_constant_rotation() {
    streams_survive_rotations(Http2Mode::Never).await;
}

#[tokio::test]
async fn http2_streams_on_two_workers_survive_constant_rotation() {
    streams_survive_rotations(Http2Mode::PriorKnowledge).await;
}
