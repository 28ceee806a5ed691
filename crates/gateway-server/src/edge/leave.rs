//! How the connections of a listener come to their end when the process does.
//!
//! Closing a connection on which nothing happens can meet a request that is on its way: its client sees a reset, and
//! cannot know whether its call was made. So nothing is closed at once. What is asked for on such a connection is
//! answered, and the answer says that it was the last (`connection: close`, or GOAWAY); only who asks for nothing for a
//! while is closed.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::error::Elapsed;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, WaitForCancellationFuture};

/// Tells the connections of a listener when they end. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Leave {
    begun: CancellationToken,
    /// Milliseconds.
    linger: Arc<AtomicU64>,
}

impl Leave {
    /// From now on every connection ends with its next answer; one on which nobody asks for anything is closed after
    /// `linger`. May be said again, with another time.
    pub(crate) fn begin(&self, linger: Duration) {
        let linger = u64::try_from(linger.as_millis()).unwrap_or(u64::MAX);
        self.linger.store(linger, Ordering::Relaxed);
        self.begun.cancel();
    }

    /// For one connection, which may end before the others.
    pub(super) fn child(&self) -> Self {
        Self {
            begun: self.begun.child_token(),
            linger: Arc::clone(&self.linger),
        }
    }

    /// The connection ends with its next answer, whatever the others do.
    pub(super) fn alone(&self) {
        self.begun.cancel();
    }

    /// What `opening` comes to. A client who has connected and said nothing yet is about to: it has as long as one who
    /// is connected already.
    ///
    /// # Cancel safety
    /// Dropping this gives the opening up.
    pub(super) async fn lets_open<T>(
        &self,
        opening: impl Future<Output = Result<T, Elapsed>>,
    ) -> Result<T, Elapsed> {
        let mut opening = pin!(opening);
        tokio::select! {
            biased;
            opened = &mut opening => opened,
            () = self.begun() => timeout(self.linger(), opening).await?,
        }
    }

    /// Resolves when it begins.
    pub(super) fn begun(&self) -> WaitForCancellationFuture<'_> {
        self.begun.cancelled()
    }

    /// How long a connection may be without a request before it is closed.
    pub(super) fn linger(&self) -> Duration {
        Duration::from_millis(self.linger.load(Ordering::Relaxed))
    }
}
