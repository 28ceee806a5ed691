//! From a spec to an open, secured byte stream: resolve, TCP, proxy, TLS.

use std::{
    future::Future,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{net::TcpStream, sync::Semaphore, time::Instant};

use crate::{
    error::{ConnectError, Phase},
    io::Io,
    resolve::Resolver,
    spec::{ConnectSpec, Http2Mode, Scheme},
};

mod tcp;
pub(crate) mod tls;
mod tunnel;

use tls::TlsMaterial;

/// The future that a [`Connector`] returns.
pub type ConnectFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Connected, ConnectError>> + Send + 'a>>;

/// Makes connections. The seam for tests, and for transports other than TCP.
pub trait Connector: Send + Sync + 'static {
    /// Opens one connection for `spec`. Dropping the future gives the connect up.
    ///
    /// # Errors
    /// No connection could be made; says in which phase.
    fn connect<'a>(&'a self, spec: &'a ConnectSpec) -> ConnectFuture<'a>;
}

/// An open connection, before HTTP.
#[derive(Debug)]
pub struct Connected {
    /// The byte stream.
    pub io: Io,
    /// What is to be spoken on it.
    pub protocol: Protocol,
    /// The address that was connected to, if there is one.
    pub peer: Option<SocketAddr>,
    /// How long each phase took.
    pub timings: ConnectTimings,
}

impl Connected {
    /// A connection over `io` that took no time: what a [`Connector`] of a test returns.
    pub fn over(
        io: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + 'static,
        protocol: Protocol,
    ) -> Self {
        Self {
            io: Io::new(io),
            protocol,
            peer: None,
            timings: ConnectTimings::default(),
        }
    }
}

/// The protocol of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2.
    Http2,
}

impl Protocol {
    /// For logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http1 => "h1",
            Self::Http2 => "h2",
        }
    }
}

/// How long the phases of a connect took; `None` for a phase that there was not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConnectTimings {
    /// Resolving the name.
    pub resolve: Option<Duration>,
    /// Opening the TCP connection.
    pub connect: Option<Duration>,
    /// The proxy's tunnel.
    pub proxy: Option<Duration>,
    /// The TLS handshake, without waiting for a permit.
    pub tls: Option<Duration>,
}

impl ConnectTimings {
    /// The phases that there were, in their order.
    pub fn phases(&self) -> impl Iterator<Item = (Phase, Duration)> {
        let all = [
            (Phase::Resolve, self.resolve),
            (Phase::Connect, self.connect),
            (Phase::Proxy, self.proxy),
            (Phase::Tls, self.tls),
        ];
        all.into_iter()
            .filter_map(|(phase, took)| took.map(|took| (phase, took)))
    }
}

/// The real thing.
pub(crate) struct Dialer<'a> {
    pub(crate) spec: &'a ConnectSpec,
    pub(crate) resolver: &'a dyn Resolver,
    pub(crate) tls: Option<&'a Arc<TlsMaterial>>,
    /// Handshakes at a time: of this origin first, so that one slow origin cannot hold the permits of all.
    pub(crate) handshakes: [&'a Semaphore; 2],
}

impl Dialer<'_> {
    /// Opens one connection. Dropping the future closes what was opened. `phase` is what is being done.
    pub(crate) async fn dial(&self, phase: &PhaseCell<'_>) -> Result<Connected, ConnectError> {
        let mut timings = ConnectTimings::default();
        let (stream, peer) = self.reach(phase, &mut timings).await?;
        let Some(tls) = self.tls.filter(|_| self.spec.scheme == Scheme::Https) else {
            let protocol = match self.spec.http2 {
                Http2Mode::PriorKnowledge => Protocol::Http2,
                Http2Mode::Auto | Http2Mode::Never => Protocol::Http1,
            };
            return Ok(Connected {
                io: Io::tcp(stream),
                protocol,
                peer: Some(peer),
                timings,
            });
        };
        phase.set(Phase::Tls);
        let [own, global] = self.handshakes;
        let closed = |_| ConnectError::new(Phase::Tls, "the transport is shutting down");
        let _own = own.acquire().await.map_err(closed)?;
        let _global = global.acquire().await.map_err(closed)?;
        let begun = Instant::now();
        let stream = tls
            .handshake(stream)
            .await
            .map_err(|e| ConnectError::new(Phase::Tls, e))?;
        timings.tls = Some(begun.elapsed());
        let agreed_h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        let protocol = match self.spec.http2 {
            Http2Mode::PriorKnowledge => Protocol::Http2,
            Http2Mode::Auto if agreed_h2 => Protocol::Http2,
            Http2Mode::Auto | Http2Mode::Never => Protocol::Http1,
        };
        Ok(Connected {
            io: Io::tls(stream),
            protocol,
            peer: Some(peer),
            timings,
        })
    }

    /// A TCP stream whose other end is the target, through the proxy if there is one.
    async fn reach(
        &self,
        phase: &PhaseCell<'_>,
        timings: &mut ConnectTimings,
    ) -> Result<(TcpStream, SocketAddr), ConnectError> {
        let spec = self.spec;
        let (host, port) = match &spec.proxy {
            Some(proxy) => (proxy.host.as_str(), proxy.port),
            None => (spec.host.as_str(), spec.port),
        };
        let addresses = match host.parse() {
            Ok(address) => vec![SocketAddr::new(address, port)],
            Err(_) => {
                phase.set(Phase::Resolve);
                let begun = Instant::now();
                let resolved = self.resolver.resolve(host, port).await;
                timings.resolve = Some(begun.elapsed());
                resolved.map_err(|e| ConnectError::new(Phase::Resolve, e))?
            }
        };
        phase.set(Phase::Connect);
        let begun = Instant::now();
        let (mut stream, peer) = tcp::open(&addresses, &spec.socket).await?;
        timings.connect = Some(begun.elapsed());
        if let Some(proxy) = &spec.proxy {
            phase.set(Phase::Proxy);
            let begun = Instant::now();
            let opened = tunnel::open(&mut stream, proxy, spec).await;
            opened.map_err(|e| ConnectError::new(Phase::Proxy, e))?;
            timings.proxy = Some(begun.elapsed());
        }
        Ok((stream, peer))
    }
}

/// The phase that a connect is in, readable when its bound ends it.
#[derive(Debug)]
pub(crate) struct PhaseCell<'a> {
    own: Mutex<Phase>,
    /// Where requests that wait look.
    seen: Option<&'a PhaseCell<'static>>,
}

impl<'a> PhaseCell<'a> {
    pub(crate) const fn new(seen: Option<&'a PhaseCell<'static>>) -> Self {
        Self {
            own: Mutex::new(Phase::Connect),
            seen,
        }
    }

    pub(crate) fn set(&self, phase: Phase) {
        *self.own.lock().unwrap_or_else(PoisonError::into_inner) = phase;
        if let Some(seen) = self.seen {
            seen.set(phase);
        }
    }

    pub(crate) fn get(&self) -> Phase {
        *self.own.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
