//! What an upstream is like.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use rustls::ServerConfig;

use super::record::Recorded;
use crate::dialect::Dialects;
use crate::script::Script;

/// Decides how a request is answered.
pub type Handler = Arc<dyn Fn(&Recorded) -> Script + Send + Sync>;

/// Looks at a request before its body is read; `Some` answers without ever reading it.
pub type EarlyHandler = Arc<dyn Fn(&Recorded) -> Option<Script> + Send + Sync>;

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

impl std::fmt::Debug for UpstreamConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UpstreamConfig")
            .field("bind", &self.bind)
            .field("protocol", &self.protocol)
            .field("on_accept", &self.on_accept)
            .finish_non_exhaustive()
    }
}
