//! The double: an upstream that answers by script, over raw TCP, TLS, HTTP/1.1 and HTTP/2.
//!
//! It records every request and how every exchange ended, in particular when the client (the gateway)
//! gave it up, because that is what proves a cancellation.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! use gateway_testkit::{client::{Http1Client, Request}, upstream::{Upstream, UpstreamConfig}};
//! let upstream = Upstream::start(UpstreamConfig::default()).await;
//! let mut client = Http1Client::connect(upstream.addr()).await;
//! let view = client.call(&Request::chat("[[double events=3]]").streaming()).await;
//! assert!(view.is_complete());
//! assert_eq!(upstream.requests().len(), 1);
//! upstream.stop().await;
//! # }
//! ```

use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::dialect::Dialects;
use crate::script::Script;
use crate::wire::{Io, Wire};

mod http1;
mod http2;
mod listener;
mod record;
mod tap;

pub use listener::{BlackHole, Refused};
pub use record::{Connections, Exchange, ExchangeEnd, Recorded};

use record::Log;

/// Decides how a request is answered.
pub type Handler = Arc<dyn Fn(&Recorded) -> Script + Send + Sync>;

/// Looks at a request before its body is read; `Some` answers without ever reading it.
pub type EarlyHandler = Arc<dyn Fn(&Recorded) -> Option<Script> + Send + Sync>;

/// A running upstream. Dropping it ends its connections without waiting for them.
pub struct Upstream {
    addr: SocketAddr,
    shared: Arc<Shared>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

/// What an upstream is like.
#[derive(Clone)]
pub struct UpstreamConfig {
    /// Address to listen on; port 0 takes a free one.
    pub bind: SocketAddr,
    /// TLS, or plain TCP.
    pub tls: Option<Arc<ServerConfig>>,
    /// Which HTTP.
    pub protocol: Protocol,
    /// What happens to an accepted connection.
    pub on_accept: OnAccept,
    /// Answers requests; by default [`Dialects`] do.
    pub handler: Handler,
    /// Answers before the body is read, if set.
    pub early: Option<EarlyHandler>,
    /// HTTP/2 settings.
    pub http2: Http2Settings,
    /// Size of the receive buffer of accepted sockets, in bytes; the kernel doubles and clamps it.
    pub receive_buffer: Option<usize>,
    /// How many exchanges are remembered; older ones are forgotten, the counters stay right.
    pub remember: usize,
}

/// Which HTTP a connection speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// What ALPN chose; without TLS what the first bytes look like.
    Auto,
    /// Always HTTP/1.1.
    Http1,
    /// Always HTTP/2 (prior knowledge).
    Http2,
}

/// What happens to a connection that was accepted, before TLS and HTTP.
#[derive(Debug, Clone)]
pub enum OnAccept {
    /// It is served.
    Serve,
    /// It is read from, and nothing is ever said: a TLS stall, or a server that hangs.
    Silent,
    /// It is closed with FIN.
    Close,
    /// It is closed with RST.
    Reset,
    /// These bytes are sent, then FIN, after the first bytes of the client came.
    Say(Bytes),
}

/// Settings of the HTTP/2 server. `None` leaves the library's default.
#[derive(Debug, Clone, Copy)]
pub struct Http2Settings {
    /// `SETTINGS_MAX_CONCURRENT_STREAMS`.
    pub max_concurrent_streams: Option<u32>,
    /// `SETTINGS_INITIAL_WINDOW_SIZE`, for what the client sends.
    pub initial_window: Option<u32>,
    /// Whether request bodies are read (and so windows opened).
    pub read_bodies: bool,
}

/// What all tasks of one upstream share.
pub(crate) struct Shared {
    config: UpstreamConfig,
    handler: Mutex<Handler>,
    log: Arc<Log>,
    /// Changed to end all connections that are open at that moment.
    kill: watch::Sender<Kill>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kill {
    Never,
    Close,
    Reset,
}

impl Upstream {
    /// Binds, listens and serves on the current runtime.
    ///
    /// # Panics
    /// If the address cannot be bound.
    pub async fn start(config: UpstreamConfig) -> Self {
        let listener = listener::listen(config.bind, config.receive_buffer);
        let addr = listener
            .local_addr()
            .expect("a bound socket has an address");
        let shared = Arc::new(Shared {
            handler: Mutex::new(config.handler.clone()),
            log: Arc::new(Log::new(config.remember)),
            kill: watch::Sender::new(Kill::Never),
            config,
        });
        let stop = CancellationToken::new();
        let tasks = TaskTracker::new();
        let accept = accept(listener, shared.clone(), stop.clone(), tasks.clone());
        tasks.spawn(stop.clone().run_until_cancelled_owned(accept));
        Self {
            addr,
            shared,
            stop,
            tasks,
        }
    }

    /// An upstream with the default dialects, over plain TCP.
    pub async fn plain() -> Self {
        Self::start(UpstreamConfig::default()).await
    }

    /// An upstream that answers every request like this, over plain TCP.
    pub async fn answering(handler: impl Fn(&Recorded) -> Script + Send + Sync + 'static) -> Self {
        Self::start(UpstreamConfig::default().handler(handler)).await
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// `http://127.0.0.1:port`, or `https://localhost:port` with TLS.
    #[must_use]
    pub fn url(&self) -> String {
        match self.shared.config.tls {
            Some(_) => format!("https://localhost:{}", self.addr.port()),
            None => format!("http://{}", self.addr),
        }
    }

    /// Answers differently from now on.
    pub fn set_handler(&self, handler: impl Fn(&Recorded) -> Script + Send + Sync + 'static) {
        *lock(&self.shared.handler) = Arc::new(handler);
    }

    /// The remembered exchanges, oldest first.
    #[must_use]
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.shared.log.exchanges()
    }

    /// The remembered requests, oldest first.
    #[must_use]
    pub fn requests(&self) -> Vec<Arc<Recorded>> {
        let exchanges = self.exchanges().into_iter();
        exchanges.map(|exchange| exchange.request).collect()
    }

    /// Counters of connections.
    #[must_use]
    pub fn connections(&self) -> Connections {
        self.shared.log.connections()
    }

    /// Waits until `n` requests came since the start, then gives those remembered.
    ///
    /// # Panics
    /// After 10 s.
    pub async fn requests_reach(&self, n: u64) -> Vec<Arc<Recorded>> {
        self.wait(&format!("{n} requests"), |log| log.total_exchanges() >= n)
            .await;
        self.requests()
    }

    /// Waits until the exchange with this id has ended.
    ///
    /// # Panics
    /// After 10 s, or if it is not remembered.
    pub async fn ended(&self, id: u64) -> Exchange {
        self.wait(&format!("the end of exchange {id}"), |log| {
            log.exchange(id)
                .is_some_and(|exchange| exchange.end.is_some())
        })
        .await;
        let exchange = self.shared.log.exchange(id);
        exchange.expect("it was there a moment ago")
    }

    /// Waits until the exchange that came last has ended.
    ///
    /// # Panics
    /// After 10 s.
    pub async fn last_ended(&self) -> Exchange {
        self.requests_reach(1).await;
        let last = self.shared.log.total_exchanges() - 1;
        self.ended(last).await
    }

    /// Waits until the counters satisfy `wanted`.
    ///
    /// # Panics
    /// After 10 s, with the counters.
    pub async fn connections_satisfy(&self, wanted: impl Fn(Connections) -> bool) -> Connections {
        self.wait("the wanted connections", |log| wanted(log.connections()))
            .await;
        self.connections()
    }

    /// Closes all connections that are open now, with FIN.
    pub fn close_connections(&self) {
        self.shared.kill.send_replace(Kill::Close);
    }

    /// Resets all connections that are open now.
    pub fn reset_connections(&self) {
        self.shared.kill.send_replace(Kill::Reset);
    }

    /// Stops listening, ends all connections and waits for all tasks.
    pub async fn stop(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }

    async fn wait(&self, what: &str, done: impl Fn(&Log) -> bool) {
        let log = &self.shared.log;
        if tokio::time::timeout(WAIT_LIMIT, log.until(|log| done(log)))
            .await
            .is_err()
        {
            panic!(
                "the upstream waited in vain for {what}; connections: {:?}; exchanges: {:#?}",
                log.connections(),
                log.exchanges()
            );
        }
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl UpstreamConfig {
    /// With this handler.
    #[must_use]
    pub fn handler(
        mut self,
        handler: impl Fn(&Recorded) -> Script + Send + Sync + 'static,
    ) -> Self {
        self.handler = Arc::new(handler);
        self
    }

    /// With this handler for requests whose body has not been read.
    #[must_use]
    pub fn early(
        mut self,
        early: impl Fn(&Recorded) -> Option<Script> + Send + Sync + 'static,
    ) -> Self {
        self.early = Some(Arc::new(early));
        self
    }

    /// With TLS.
    #[must_use]
    pub fn tls(mut self, tls: Arc<ServerConfig>) -> Self {
        self.tls = Some(tls);
        self
    }

    /// With this protocol.
    #[must_use]
    pub fn protocol(mut self, protocol: Protocol) -> Self {
        self.protocol = protocol;
        self
    }

    /// With this behavior on accept.
    #[must_use]
    pub fn on_accept(mut self, on_accept: OnAccept) -> Self {
        self.on_accept = on_accept;
        self
    }
}

impl Default for UpstreamConfig {
    fn default() -> Self {
        let dialects = Dialects::default();
        Self {
            bind: SocketAddr::from(([127, 0, 0, 1], 0)),
            tls: None,
            protocol: Protocol::Auto,
            on_accept: OnAccept::Serve,
            handler: Arc::new(move |request| dialects.answer(request)),
            early: None,
            http2: Http2Settings {
                max_concurrent_streams: None,
                initial_window: None,
                read_bodies: true,
            },
            receive_buffer: None,
            remember: 10_000,
        }
    }
}

impl std::fmt::Debug for Upstream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Upstream")
            .field("addr", &self.addr)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for UpstreamConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UpstreamConfig")
            .field("bind", &self.bind)
            .field("protocol", &self.protocol)
            .field("on_accept", &self.on_accept)
            .finish_non_exhaustive()
    }
}

impl Shared {
    fn handle(&self, request: &Recorded) -> Script {
        let handler = lock(&self.handler).clone();
        handler(request)
    }
}

async fn accept(
    listener: TcpListener,
    shared: Arc<Shared>,
    stop: CancellationToken,
    tasks: TaskTracker,
) {
    loop {
        let Ok((tcp, _)) = listener.accept().await else {
            // Out of descriptors: leave the connection in the backlog for a moment.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        tcp.set_nodelay(true).ok();
        let connection = connection(tcp, shared.clone(), tasks.clone());
        tasks.spawn(stop.clone().run_until_cancelled_owned(connection));
    }
}

async fn connection(tcp: TcpStream, shared: Arc<Shared>, tasks: TaskTracker) {
    let open = shared.log.connected();
    let mut kill = shared.kill.subscribe();
    let Some(io) = prepare(tcp, &shared).await else {
        return;
    };
    let reset = io.reset_switch();
    let killed = async {
        if kill.changed().await.is_ok() {
            // Before `serve` is dropped, and the socket with it.
            reset.store(*kill.borrow() == Kill::Reset, Ordering::Release);
        }
    };
    tokio::select! {
        () = serve(io, shared.clone(), open.id, tasks) => {}
        () = killed => {}
    }
}

/// Does what the configuration wants before HTTP; `None` if the connection is used up by that.
async fn prepare(tcp: TcpStream, shared: &Shared) -> Option<Io> {
    match &shared.config.on_accept {
        OnAccept::Serve => {}
        OnAccept::Silent => {
            Wire::new(tcp.into()).gone().await;
            return None;
        }
        OnAccept::Close => {
            Wire::new(tcp.into()).close().await;
            return None;
        }
        OnAccept::Reset => {
            Wire::new(tcp.into()).reset();
            return None;
        }
        OnAccept::Say(bytes) => {
            let mut wire = Wire::new(tcp.into());
            if wire.next_input().await.is_ok() && wire.write(bytes.clone(), &mut 0).await.is_ok() {
                wire.close().await;
            }
            return None;
        }
    }
    let Some(tls) = &shared.config.tls else {
        return Some(tcp.into());
    };
    match TlsAcceptor::from(tls.clone()).accept(tcp).await {
        Ok(tls) => Some(Box::new(tls).into()),
        Err(_) => {
            shared.log.tls_failed();
            None
        }
    }
}

async fn serve(io: Io, shared: Arc<Shared>, connection: u64, tasks: TaskTracker) {
    let mut wire = Wire::new(io);
    let http2 = match shared.config.protocol {
        Protocol::Http1 => false,
        Protocol::Http2 => true,
        Protocol::Auto => match wire.io.alpn() {
            Some(name) => name == b"h2",
            None => looks_like_http2(&mut wire).await,
        },
    };
    if http2 {
        http2::serve(wire, shared, connection, tasks).await;
    } else {
        http1::serve(wire, shared, connection).await;
    }
}

async fn looks_like_http2(wire: &mut Wire) -> bool {
    while wire.input.len() < PREFACE.len() && PREFACE.starts_with(&wire.input) {
        match wire.fill().await {
            Ok(0) | Err(_) => return false,
            Ok(_) => {}
        }
    }
    wire.input.starts_with(PREFACE)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n";
const WAIT_LIMIT: Duration = Duration::from_secs(10);
