//! The transport from outside: over pipes with a paused clock, and over sockets.

// The exception in clippy.toml reaches test functions only, not what they share.
#![allow(clippy::unwrap_used)]

mod claims;
mod example;
mod exchange;
mod health;
mod http2;
mod identity;
mod limits;
mod pipes;
mod resend;
mod rotation;
mod sharing;
mod shutdown;
mod sockets;
mod stress;
mod tls;
