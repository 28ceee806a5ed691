//! How a stream reaches its client.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::edge::{SocketState, StallWatch, Verdict};

/// How the client's connection carries the stream, which decides how a broken one is ended.
#[derive(Clone, Debug)]
pub(crate) enum Carrier {
    /// The error event must have reached the kernel before the connection is cut: hyper drops what is followed by an
    /// error in the same poll.
    Http1(Arc<SocketState>),
    /// A reset would overtake the error event, so the stream ends as if it were complete, without its marker.
    Http2(Arc<StallWatch>),
}

impl Carrier {
    /// How long the client has not taken what was handed over.
    pub(crate) fn blocked_for(&self, now: Instant) -> Option<Duration> {
        match self {
            Self::Http1(socket) => socket.blocked_for(now),
            Self::Http2(watch) => watch.blocked_for(now),
        }
    }

    /// Gives up a client that does not read.
    pub(crate) fn give_up(&self) {
        match self {
            Self::Http1(socket) => socket.condemn(Verdict::GivenUp),
            Self::Http2(watch) => watch.give_up(),
        }
    }
}
