//! Limits, periods and seams of a transport.

use std::{fmt, sync::Arc, time::Duration};

use crate::{connect::Connector, resolve::Resolver};

/// Everything about a [`Transport`](crate::Transport) that is not particular to one origin.
#[derive(Clone)]
pub struct TransportConfig {
    /// Age at which a generation is replaced; `None` never replaces one for its age.
    pub ttl: Option<Duration>,
    /// Share of `ttl` by which a generation may expire earlier, drawn per generation: 0 to 1.
    pub ttl_jitter: f64,
    /// A connection that was unused for so long is closed. Keep it below what the peers allow.
    pub idle_timeout: Duration,
    /// Connections of one origin's current generation, over all shards. Draining ones do not count.
    pub max_connections: usize,
    /// Requests that may wait for a connection, per origin and shard; one more is refused.
    pub max_waiting: usize,
    /// TLS and HTTP/2 handshakes at a time, over all origins.
    pub max_handshakes: usize,
    /// TLS and HTTP/2 handshakes at a time, for one origin.
    pub max_handshakes_per_origin: usize,
    /// Default of [`SendOptions::connect_timeout`](crate::SendOptions), and the bound of a connect itself.
    pub connect_timeout: Duration,
    /// Default of [`SendOptions::pool_timeout`](crate::SendOptions).
    pub pool_timeout: Duration,
    /// Most connections that a rotation opens before it publishes a new generation.
    pub prewarm_max: usize,
    /// Rotations of one origin, other than by command, are at least so far apart.
    pub min_rotation_interval: Duration,
    /// So many established connections that fail in a row rotate an origin; 0 never does. A failed connect does not
    /// count: a new generation would fare no better. Each such rotation makes the next wait for longer, from
    /// `min_rotation_interval` up to a minute, until one has helped.
    pub health_failures: u32,
    /// What runs on a retired generation is cut after so long; `None` never cuts.
    pub drain_deadline: Option<Duration>,
    /// How often certificate files are read again; `None` never.
    pub identity_check: Option<Duration>,
    /// How often names are resolved again, and how long an address may be missing; `None` never looks.
    pub dns: Option<DnsWatch>,
    /// Period of the maintenance task: sweeps, expiries and deadlines are as precise as this.
    pub maintenance_interval: Duration,
    /// HTTP/1 limits.
    pub http1: Http1Config,
    /// HTTP/2 limits.
    pub http2: Http2Config,
    /// Name resolution; `None` asks the operating system.
    pub resolver: Option<Arc<dyn Resolver>>,
    /// Replaces resolving, TCP, proxy and TLS together; `None` does the real thing.
    pub connector: Option<Arc<dyn Connector>>,
    /// A fault that tests of tests switch on; `None` in every real deployment.
    pub sabotage: Option<Sabotage>,
}

impl Default for TransportConfig {
    fn default() -> Self {
        Self {
            ttl: Some(Duration::from_secs(3600)),
            ttl_jitter: 0.1,
            idle_timeout: Duration::from_secs(30),
            max_connections: 16_384,
            max_waiting: 16_384,
            max_handshakes: 256,
            max_handshakes_per_origin: 32,
            connect_timeout: Duration::from_secs(5),
            pool_timeout: Duration::from_secs(5),
            prewarm_max: 32,
            min_rotation_interval: Duration::from_secs(1),
            health_failures: 8,
            drain_deadline: None,
            identity_check: Some(Duration::from_secs(30)),
            dns: None,
            maintenance_interval: Duration::from_millis(250),
            http1: Http1Config::default(),
            http2: Http2Config::default(),
            resolver: None,
            connector: None,
            sabotage: None,
        }
    }
}

impl fmt::Debug for TransportConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransportConfig")
            .field("ttl", &self.ttl)
            .field("ttl_jitter", &self.ttl_jitter)
            .field("idle_timeout", &self.idle_timeout)
            .field("max_connections", &self.max_connections)
            .field("http1", &self.http1)
            .field("http2", &self.http2)
            .field("sabotage", &self.sabotage)
            .finish_non_exhaustive()
    }
}

/// Limits of HTTP/1 connections.
///
/// An idle open stream holds one read buffer, 8 KiB at first: hyper allocates it before it reads. It grows
/// to `read_buffer` only while reads fill it, and shrinks again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Http1Config {
    /// Longest response head, in bytes.
    pub max_head: usize,
    /// Most header fields of a response.
    pub max_headers: usize,
    /// Largest read buffer, in bytes; at least 8,192.
    pub read_buffer: usize,
    /// A read buffer of exactly this size instead; it also bounds the head. For many idle streams.
    pub exact_read_buffer: Option<usize>,
}

impl Default for Http1Config {
    fn default() -> Self {
        Self {
            max_head: 32 * 1024,
            max_headers: 128,
            read_buffer: 64 * 1024,
            exact_read_buffer: None,
        }
    }
}

/// Limits of HTTP/2 connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Http2Config {
    /// Streams on one connection, if the peer allows so many. Also the blast radius of its death.
    pub max_streams: usize,
    /// Receive window of a stream, in bytes: what one stalled reader can hold.
    pub stream_window: u32,
    /// Receive window of a connection, in bytes: large, so that stalled readers do not stop others.
    pub connection_window: u32,
    /// Longest response header list, in bytes.
    pub max_header_list: u32,
    /// A PING after so much silence on a connection with streams; `None` sends none.
    pub ping_interval: Option<Duration>,
    /// A connection whose PING is unanswered for so long is dead.
    pub ping_timeout: Duration,
}

impl Default for Http2Config {
    fn default() -> Self {
        Self {
            max_streams: 32,
            stream_window: 64 * 1024,
            // h2 adds to the initial 65,535 with one WINDOW_UPDATE; the protocol's limit is 2^31-1.
            connection_window: (1 << 31) - 1 - 65_535,
            max_header_list: 32 * 1024,
            ping_interval: None,
            ping_timeout: Duration::from_secs(20),
        }
    }
}

/// How addresses in use are compared with what the resolver says now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DnsWatch {
    /// Time between two lookups of one origin.
    pub interval: Duration,
    /// An address in use that was in no answer for so long rotates the origin.
    pub grace: Duration,
}

/// Faults for tests of tests: a soak must be able to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sabotage {
    /// A rotation closes what runs on the old generation, without a word: the fault this crate exists to avoid.
    EvictCloses,
}
