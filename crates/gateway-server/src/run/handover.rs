//! One process hands the service over to the next: the listening sockets, then the word.
//!
//! The old process starts the new one with one end of a socket pair as its standard input, and sends the listeners over
//! it. The new one builds everything, takes the listeners and says `ready`; the old one answers `go` and stops accepting.
//! Until then the new one accepts nobody, so that it can be given up at any moment; connections that come between wait
//! in the listeners' queue, which is one for both. What the new process complains about goes over the same socket, so
//! that whoever ordered the upgrade hears why there is none.

mod complaints; // What the new process says on standard error.
mod passing; // Descriptors over a socket.
mod predecessor; // The old process, as the new one sees it.
mod started; // How a process was started, to start another one like it.
mod successor; // The new process, as the old one sees it.

pub use complaints::Complaints;
pub(super) use predecessor::Predecessor;
pub(super) use started::Started;
pub(super) use successor::{HandoverError, Successor};

/// Names the process that waits at the other end of standard input.
pub(super) const MARKER: &str = "GATEWAY_HANDOVER_FROM";
/// The new process has built everything.
const READY: &[u8] = b"ready\n";
/// It may begin to accept.
const GO: &[u8] = b"go\n";
/// It has.
const BEGUN: &[u8] = b"begun\n";
/// Begins a line of what it complains about.
const SAID: &[u8] = b"said ";

#[cfg(test)]
mod tests;
