#![doc = include_str!("../README.md")]
// tokio has no sockets under loom: `tests/loom.rs` takes the pool alone, by its path.
#![cfg(not(loom))]

// The outside: registry, rotation, snapshot, shutdown.
mod transport;

// What changes while it runs.
mod change;

// What keys an origin.
mod spec;

// Limits, periods, seams.
mod config;

// What all origins of a transport share.
mod environment;

// Pools of all shards, and the one line of generations.
mod origin;

// An epoch of connections.
mod generation;

// When its failures are a reason to rotate.
mod health;

// The sans-IO core and its lock.
mod pool;

// One exchange.
mod send;

// Getting a connection for it, or waiting for one.
mod checkout;

// The right to a connection, as a guard.
mod lease;

// The response body, which drives HTTP/1.
mod body;

// A request as each protocol wants it.
mod request;

// A connection of either protocol.
mod conn;

// HTTP/1, polled inline.
mod h1;

// Wake-ups that a reader causes itself.
mod hush;

// HTTP/2, shared and driven by tasks.
mod h2;

// What hyper's errors prove.
mod fault;

// Resolve, TCP, proxy, TLS.
mod connect;

// The byte stream.
mod io;

// When and how to go through a proxy.
mod proxy;

// Names to addresses.
mod resolve;

// Make before break.
mod rotate;

// The task that looks after it all.
mod maintenance;

// The last rotation.
mod shutdown;

// Counters and histograms.
mod metrics;

// What an operator sees.
mod snapshot;

// What went wrong, and what the origin may know of it.
mod error;

pub use body::ResponseBody;
pub use change::Renewal;
pub use config::{DnsWatch, Http1Config, Http2Config, Sabotage, TransportConfig};
pub use connect::{ConnectFuture, ConnectTimings, Connected, Connector, Protocol};
pub use error::{BodyError, ConnectError, Delivery, KilledBy, Phase, SendError, SpecError, Timer};
pub use generation::RotateReason;
pub use io::Io;
pub use lease::LeaseInfo;
pub use metrics::{BUCKETS_SECONDS, HistogramSnapshot, MetricsSnapshot};
pub use origin::Origin;
pub use proxy::ProxySpec;
pub use resolve::{ResolveFuture, Resolver, SystemResolver};
pub use rotate::{Prewarm, RotateOptions, Rotated, Selector};
pub use send::SendOptions;
pub use snapshot::{
    ConnectionsSnapshot, CurrentGeneration, GenerationSnapshot, GenerationState, OriginSnapshot,
    Snapshot,
};
pub use spec::{
    ClientIdentity, ConnectSpec, Http2Mode, Roots, Scheme, SocketOptions, TlsSpec, Verify,
};
pub use transport::{Shard, Transport};
