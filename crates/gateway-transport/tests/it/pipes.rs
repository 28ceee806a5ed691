//! The test world: a transport whose connections are in-memory pipes, and the test holds the other ends.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use gateway_transport::{
    BodyError, ConnectError, ConnectFuture, ConnectSpec, Connected, Connector, Origin, Phase,
    Protocol, ResponseBody, SendError, SendOptions, Shard, Transport, TransportConfig,
};
use http::{Request, Response};
use http_body_util::BodyExt;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    runtime::Handle,
    sync::mpsc,
};
use tokio_util::task::TaskTracker;

/// A transport with one origin whose connections end in the test.
pub(crate) struct World {
    pub(crate) transport: Transport,
    pub(crate) origin: Origin,
    pub(crate) shard: Shard,
    pub(crate) pipes: Arc<Pipes>,
    pub(crate) peers: mpsc::Receiver<Peer>,
    /// For what a test runs beside itself.
    pub(crate) tasks: TaskTracker,
}

impl World {
    pub(crate) fn new(protocol: Protocol, change: impl FnOnce(&mut TransportConfig)) -> Self {
        Self::sharded(1, protocol, change)
    }

    pub(crate) fn http1() -> Self {
        Self::new(Protocol::Http1, |_| {})
    }

    /// `shards` shards that are all on this runtime.
    pub(crate) fn sharded(
        shards: usize,
        protocol: Protocol,
        change: impl FnOnce(&mut TransportConfig),
    ) -> Self {
        let (pipes, peers) = Pipes::new(protocol);
        let mut config = TransportConfig {
            connector: Some(pipes.clone()),
            ttl: None,
            ..TransportConfig::default()
        };
        change(&mut config);
        let transport = Transport::new(config, vec![Handle::current(); shards]);
        let origin = transport
            .origin(&ConnectSpec::from_url("https://origin.test").unwrap())
            .unwrap();
        let shard = transport.shard(0);
        Self {
            transport,
            origin,
            shard,
            pipes,
            peers,
            tasks: TaskTracker::new(),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Response<ResponseBody>, SendError> {
        get(&self.shard, &self.origin, path).await
    }

    /// Runs a GET beside the test.
    pub(crate) fn start_get(
        &self,
        path: &'static str,
    ) -> tokio::task::JoinHandle<Result<Response<ResponseBody>, SendError>> {
        let (shard, origin) = (self.shard.clone(), self.origin.clone());
        self.tasks
            .spawn(async move { get(&shard, &origin, path).await })
    }

    /// The other end of the next connection that is opened.
    pub(crate) async fn peer(&mut self) -> Peer {
        self.peers
            .recv()
            .await
            .expect("the world lives as long as the test")
    }

    /// Sends a GET, answers it with `body`, and reads the answer: one connection is idle afterwards.
    pub(crate) async fn one_exchange(&mut self) -> Peer {
        let exchange = self.start_get("/first");
        let mut peer = self.peer().await;
        peer.read_request().await;
        peer.respond("hello").await;
        let response = exchange.await.unwrap().unwrap();
        assert_eq!(text(response).await.unwrap(), "hello");
        peer
    }

    /// Starts a response that stays open: its head and `first` have arrived.
    pub(crate) async fn open_stream(&mut self, first: &str) -> (ResponseBody, Peer) {
        let exchange = self.start_get("/stream");
        let mut peer = self.peer().await;
        peer.read_request().await;
        peer.begin_stream().await;
        peer.chunk(first).await;
        let mut body = exchange.await.unwrap().unwrap().into_body();
        assert_eq!(frame(&mut body).await.unwrap(), first);
        (body, peer)
    }
}

pub(crate) async fn get(
    shard: &Shard,
    origin: &Origin,
    path: &str,
) -> Result<Response<ResponseBody>, SendError> {
    let request = Request::get(path).body(Bytes::new()).unwrap();
    shard.send(origin, request, &SendOptions::default()).await
}

/// The whole body as text.
pub(crate) async fn text(response: Response<ResponseBody>) -> Result<String, BodyError> {
    let body = response.into_body().collect().await?.to_bytes();
    Ok(String::from_utf8(body.to_vec()).unwrap())
}

/// The next piece of data.
pub(crate) async fn frame(body: &mut ResponseBody) -> Result<String, BodyError> {
    let frame = body.frame().await.expect("the body goes on")?;
    Ok(String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap())
}

/// Lets everything that can run, run, and maintenance too if time is moved.
pub(crate) async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

pub(crate) async fn advance(time: Duration) {
    tokio::time::sleep(time).await;
    settle().await;
}

/// A connector whose connections are pipes.
pub(crate) struct Pipes {
    peers: mpsc::Sender<Peer>,
    protocol: Protocol,
    opened: AtomicUsize,
    behavior: Mutex<Behavior>,
}

/// What the next connects do.
#[derive(Clone, Copy, Default)]
pub(crate) struct Behavior {
    pub(crate) takes: Duration,
    pub(crate) fails: bool,
    /// How long the peer has its end before the transport has the other.
    pub(crate) lags: Duration,
}

impl Pipes {
    pub(crate) fn new(protocol: Protocol) -> (Arc<Self>, mpsc::Receiver<Peer>) {
        let (sender, peers) = mpsc::channel(4096);
        let behavior = Mutex::new(Behavior::default());
        (
            Arc::new(Self {
                peers: sender,
                protocol,
                opened: AtomicUsize::new(0),
                behavior,
            }),
            peers,
        )
    }

    /// Connects that have begun so far.
    pub(crate) fn opened(&self) -> usize {
        self.opened.load(Ordering::SeqCst)
    }

    pub(crate) fn behave(&self, behavior: Behavior) {
        *self.behavior.lock().unwrap() = behavior;
    }
}

impl Connector for Pipes {
    fn connect<'a>(&'a self, _spec: &'a ConnectSpec) -> ConnectFuture<'a> {
        Box::pin(async move {
            self.opened.fetch_add(1, Ordering::SeqCst);
            let behavior = *self.behavior.lock().unwrap();
            tokio::time::sleep(behavior.takes).await;
            if behavior.fails {
                return Err(ConnectError::new(Phase::Connect, "refused by the test"));
            }
            let (ours, theirs) = duplex(64 * 1024);
            self.peers
                .send(Peer { io: theirs })
                .await
                .expect("the world lives as long as the test");
            tokio::time::sleep(behavior.lags).await;
            Ok(Connected::over(ours, self.protocol))
        })
    }
}

/// The origin's end of one connection, played by the test.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) io: DuplexStream,
}

impl Peer {
    /// Reads a request head, and the body that its `content-length` announces.
    pub(crate) async fn read_request(&mut self) -> String {
        read_request(&mut self.io).await.expect("a request comes")
    }

    pub(crate) async fn write(&mut self, text: &str) {
        self.io
            .write_all(text.as_bytes())
            .await
            .expect("the transport reads");
    }

    pub(crate) async fn respond(&mut self, body: &str) {
        let length = body.len();
        self.write(&format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}"
        ))
        .await;
    }

    pub(crate) async fn begin_stream(&mut self) {
        self.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
            .await;
    }

    pub(crate) async fn chunk(&mut self, data: &str) {
        self.write(&format!("{:x}\r\n{data}\r\n", data.len())).await;
    }

    pub(crate) async fn end_stream(&mut self) {
        self.write("0\r\n\r\n").await;
    }

    /// Waits for the transport to close its end.
    pub(crate) async fn closed(&mut self) {
        let mut rest = Vec::new();
        let read =
            tokio::time::timeout(Duration::from_secs(60), self.io.read_to_end(&mut rest)).await;
        assert!(read.is_ok(), "the transport keeps its end open");
    }

    /// Whether the transport has closed its end by now.
    pub(crate) async fn is_closed(&mut self) -> bool {
        settle().await;
        let mut byte = [0];
        let read = tokio::time::timeout(Duration::from_millis(1), self.io.read(&mut byte)).await;
        matches!(read, Ok(Ok(0) | Err(_)))
    }
}

/// Reads a request head, and the body that its `content-length` announces. `None` at the end of the stream.
pub(crate) async fn read_request(io: &mut (impl tokio::io::AsyncRead + Unpin)) -> Option<String> {
    let mut read = Vec::new();
    while !read.ends_with(b"\r\n\r\n") {
        read.push(io.read_u8().await.ok()?);
    }
    let head = String::from_utf8(read).unwrap().to_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    io.read_exact(&mut body).await.ok()?;
    Some(head + std::str::from_utf8(&body).unwrap())
}
