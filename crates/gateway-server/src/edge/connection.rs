//! One client connection: handshake, protocol, and the watch over a client that leaves or stalls.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use http::header::CONNECTION;
use http::{HeaderValue, Request, Response, Version};
use hyper::body::Incoming;
use hyper::service::Service;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_rustls::server::TlsStream;
use tokio_util::task::TaskTracker;

use super::descriptors::Descriptors;
use super::leave::Leave;
use super::protocol::{Connection, Protocol};
use super::socket::{ClientSocket, SocketState, Verdict};
use super::tls::ServerIdentity;
use crate::body::Outgoing;
use crate::worker::Worker;

/// A way in: how clients speak on it, and what they find behind it.
#[derive(Clone)]
pub(crate) struct Door {
    /// The listener's identity; plain text without it.
    pub tls: Option<Arc<ServerIdentity>>,
    /// What they may ask for.
    pub scope: Scope,
    /// How many of them there is room for.
    pub descriptors: Descriptors,
    /// Their connections, for whoever waits for their end.
    pub connections: TaskTracker,
    /// When those end.
    pub leave: Leave,
}

/// Which routes a listener has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// All of them.
    All,
    /// All but the operator's.
    Calls,
    /// The operator's, probes and metrics.
    Admin,
}

/// What a client may take its time for, before and between calls.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ConnectionLimits {
    /// From the accept to the end of the TLS handshake, or to the first bytes where there is none.
    pub handshake: Duration,
    /// From the first byte of a request to the end of its head.
    pub head: Duration,
    /// An idle keep-alive connection.
    pub idle: Duration,
    /// How long a write may wait for a client that does not read.
    pub slow_client: Duration,
    /// Requests that one HTTP/2 connection may have open.
    pub h2_streams: u32,
    /// Bytes that the head of a request may have.
    pub head_bytes: usize,
}

/// The client at the other end of a connection, as its calls know it.
#[derive(Debug)]
pub(crate) struct Client {
    /// Its address.
    pub peer: SocketAddr,
    /// What it may ask for.
    pub scope: Scope,
    /// What the socket knows of it.
    pub socket: Arc<SocketState>,
    stop: Stop,
    in_flight: AtomicUsize,
    /// It has asked for something.
    asked: AtomicBool,
    /// The next answer is its last.
    leaves: AtomicBool,
}

/// When a connection ends in order.
#[derive(Clone, Debug)]
pub(super) enum Stop {
    /// When those of its listener do.
    Ordered(Leave),
    /// After its first answer at the latest, which is a refusal: it came when nearly all descriptors were in use.
    AfterOne(Leave),
}

impl Stop {
    fn leave(&self) -> &Leave {
        let (Self::Ordered(leave) | Self::AfterOne(leave)) = self;
        leave
    }
}

impl Client {
    /// Counts a call in until the guard is dropped.
    pub(crate) fn enter(self: &Arc<Self>) -> InFlight {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        self.socket.served();
        InFlight(Arc::clone(self))
    }

    /// `busy` is when a call was last known to be under way.
    fn overdue(&self, now: Instant, busy: Instant, limits: &ConnectionLimits) -> Option<Verdict> {
        if self.socket.blocked_for(now) > Some(limits.slow_client) {
            return Some(Verdict::Slow);
        }
        if self.socket.verdict() == Verdict::GivenUp {
            return Some(Verdict::GivenUp);
        }
        if self.is_busy() {
            return None;
        }
        let slow_head = self.socket.head_pending_for(now) > Some(limits.head);
        let idle = self.quiet_for(now, busy) > limits.idle;
        (slow_head || idle).then_some(Verdict::Gone)
    }

    fn is_busy(&self) -> bool {
        self.in_flight.load(Ordering::Relaxed) > 0
    }

    /// How long neither the client has sent anything nor a call has been under way.
    fn quiet_for(&self, now: Instant, busy: Instant) -> Duration {
        let calls = now.saturating_duration_since(busy);
        let silence = self.socket.silent_for(now);
        silence.map_or(calls, |silence| silence.min(calls))
    }
}

/// A call that is in flight on its client's connection; counted down when dropped.
#[derive(Debug)]
pub(crate) struct InFlight(Arc<Client>);

impl InFlight {
    /// Whether its client came when there was no room for it.
    pub(crate) fn is_crowded(&self) -> bool {
        matches!(self.0.stop, Stop::AfterOne(_))
    }

    /// What the client's socket thinks of it.
    pub(crate) fn verdict(&self) -> Verdict {
        self.0.socket.verdict()
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
        self.0.socket.served();
    }
}

/// Serves one accepted connection to its end. After `stop` it ends with the next answer, or when nothing is asked for.
///
/// Whatever this future holds is held for every open stream: the handshake is boxed and gone when it is done.
pub(super) async fn serve(
    worker: Arc<Worker>,
    tcp: TcpStream,
    peer: SocketAddr,
    door: Door,
    stop: Stop,
) {
    let state = Arc::new(SocketState::default());
    let limits = worker.shared.snapshot.load().connections;
    let opening = timeout(limits.handshake, open(tcp, &state, &door));
    let (io, protocol) = match Box::pin(stop.leave().lets_open(opening)).await {
        Ok(Ok(opened)) => opened,
        Ok(Err(error)) => {
            tracing::debug!(%peer, %error, "the connection was not opened");
            return;
        }
        Err(_elapsed) => {
            tracing::debug!(%peer, "the connection was not opened in time");
            return;
        }
    };
    let client = Arc::new(Client {
        peer,
        scope: door.scope,
        socket: state,
        stop: stop.clone(),
        in_flight: AtomicUsize::new(0),
        asked: AtomicBool::new(false),
        leaves: AtomicBool::new(false),
    });
    let service = Front {
        worker,
        client: Arc::clone(&client),
    };
    let connection = pin!(Connection::new(
        protocol,
        io,
        service,
        &limits,
        door.connections
    ));
    drive(connection, protocol, &client, &limits).await;
}

/// Shakes hands where the door wants it, and finds out what the client speaks.
async fn open(
    tcp: TcpStream,
    state: &Arc<SocketState>,
    door: &Door,
) -> io::Result<(ClientIo, Protocol)> {
    let Some(tls) = &door.tls else {
        let protocol = Protocol::sniffed(&tcp).await?;
        let socket = ClientSocket::new(tcp, Arc::clone(state));
        return Ok((ClientIo::Plain(socket), protocol));
    };
    let socket = ClientSocket::new(tcp, Arc::clone(state));
    let stream = tls.acceptor().accept(socket).await?;
    let protocol = Protocol::negotiated(stream.get_ref().1.alpn_protocol());
    Ok((ClientIo::Tls(Box::new(stream)), protocol))
}

/// Polls the connection, and looks after it once per [`WATCH`]: hyper's own turn ends with a flush, and that is where
/// the socket notices a client that has left behind unread bytes.
async fn drive(
    mut connection: Pin<&mut Connection>,
    protocol: Protocol,
    client: &Client,
    limits: &ConnectionLimits,
) {
    let leave = client.stop.leave();
    let mut begun = pin!(leave.begun());
    let mut ending = Ending::NotYet;
    let mut busy = Instant::now();
    let mut watch = pin!(sleep_until(busy + WATCH));
    poll_fn(|cx| {
        if ending == Ending::NotYet && begun.as_mut().poll(cx).is_ready() {
            client.leaves.store(true, Ordering::Relaxed);
            ending = Ending::Lingers;
            // Whoever has been silent for long may be about to ask all the same.
            busy = Instant::now();
            watch.as_mut().reset(busy + leave.linger().min(WATCH));
        }
        loop {
            if ending == Ending::Lingers && may_close(protocol, client, busy) {
                ending = Ending::Said;
                connection.as_mut().get_mut().graceful_shutdown();
            }
            if let Poll::Ready(ended) = connection.as_mut().poll(cx) {
                report(client.peer, ended);
                return Poll::Ready(());
            }
            if watch.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            let now = Instant::now();
            if client.is_busy() {
                busy = now;
            }
            if let Some(verdict) = client.overdue(now, busy, limits) {
                client.socket.condemn(verdict);
                return Poll::Ready(());
            }
            watch.as_mut().reset(now + WATCH);
        }
    })
    .await;
}

/// How far a connection's end has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    /// It goes on.
    NotYet,
    /// It ends with its next answer.
    Lingers,
    /// It takes no more requests.
    Said,
}

/// Whether a connection that is to end can be told to without losing a request that is on its way.
fn may_close(protocol: Protocol, client: &Client, busy: Instant) -> bool {
    let linger = client.stop.leave().linger();
    if linger.is_zero() {
        return true;
    }
    match protocol {
        // HTTP/2 says which requests it still answers. A client that has not asked for anything is waiting to.
        Protocol::Http2 if client.asked.load(Ordering::Relaxed) => true,
        // HTTP/1.1 can only say it in an answer.
        _ => !client.is_busy() && client.quiet_for(Instant::now(), busy) >= linger,
    }
}

fn report(peer: SocketAddr, ended: hyper::Result<()>) {
    if let Err(error) = ended {
        tracing::debug!(%peer, %error, "client connection ended with an error");
    }
}

/// Hands each request to the worker.
#[derive(Clone, Debug)]
pub(super) struct Front {
    worker: Arc<Worker>,
    client: Arc<Client>,
}

impl Service<Request<Incoming>> for Front {
    type Response = Response<Outgoing>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Outgoing>, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let worker = Arc::clone(&self.worker);
        let client = Arc::clone(&self.client);
        let in_flight = client.enter();
        client.asked.store(true, Ordering::Relaxed);
        if let Stop::AfterOne(leave) = &client.stop {
            client.leaves.store(true, Ordering::Relaxed);
            leave.alone();
        }
        let version = request.version();
        Box::pin(async move {
            let mut response = crate::api::answer(worker, client, request).await;
            let is_last = in_flight.0.leaves.load(Ordering::Relaxed);
            drop(in_flight);
            if is_last && version < Version::HTTP_2 {
                let close = HeaderValue::from_static("close");
                response.headers_mut().insert(CONNECTION, close);
            }
            Ok(response)
        })
    }
}

/// A client's byte stream, with or without TLS.
#[derive(Debug)]
pub(super) enum ClientIo {
    Plain(ClientSocket),
    Tls(Box<TlsStream<ClientSocket>>),
}

/// Calls the same method on whichever stream it is.
macro_rules! on_either {
    ($self:ident, $io:ident => $call:expr) => {
        match $self.get_mut() {
            ClientIo::Plain(io) => {
                let $io = Pin::new(io);
                $call
            }
            ClientIo::Tls(io) => {
                let $io = Pin::new(&mut **io);
                $call
            }
        }
    };
}

impl AsyncRead for ClientIo {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        on_either!(self, io => io.poll_read(cx, buf))
    }
}

impl AsyncWrite for ClientIo {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        on_either!(self, io => io.poll_write(cx, buf))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        on_either!(self, io => io.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        on_either!(self, io => io.poll_shutdown(cx))
    }
}

/// How often a connection is looked at. A client that left behind unread bytes is noticed within this time.
const WATCH: Duration = Duration::from_millis(750);
