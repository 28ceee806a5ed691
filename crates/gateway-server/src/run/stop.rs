//! Ends everything in order: not ready, not accepting, nothing in flight, no upstream connections.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout};

use super::planes::Planes;

/// How a process ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ending {
    /// Until when it accepts.
    pub(super) accepts_until: Instant,
    /// How long streams may go on after that; `None`: as long as they need.
    pub(super) timeout: Option<Duration>,
    /// How long a client that asks for nothing stays connected after that.
    pub(super) linger: Duration,
    /// When operators go.
    pub(super) operators: Operators,
}

/// When operators go who have a listener of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operators {
    /// When everybody else has gone: they may look on.
    Last,
    /// With all others: their listener is another process's.
    WithAll,
}

/// Ends everything, within what `ending` says: what runs may go on, unless `hurry` resolves.
pub(super) async fn stop(planes: &Planes, ending: Ending, hurry: impl Future<Output = ()>) {
    let drained = async {
        sleep_until(ending.accepts_until).await;
        planes.leave(ending.linger);
        planes.stop_accepting();
        if ending.operators == Operators::WithAll {
            planes.dismiss_operators(ending.linger);
            tokio::join!(planes.idle(), planes.operators_idle());
        }
        planes.idle().await;
    };
    let deadline = async {
        match ending.timeout {
            Some(timeout) => sleep_until(ending.accepts_until + timeout).await,
            None => std::future::pending().await,
        }
        tracing::info!("the drain timeout is over: what still runs is ended");
    };
    tokio::select! {
        () = drained => close(planes).await,
        () = hurry => end(planes).await,
        () = deadline => end(planes).await,
    }
    planes.dismiss_operators(Duration::ZERO);
    // Whoever ordered the end hears of it.
    let _still_there = timeout(LAST_ORDERS, planes.operators_idle()).await;
    planes.shared.traces.flush(LAST_WORDS).await;
    tracing::info!("stopped");
}

/// Ends what still runs: every stream gets its error event, and some time for it to reach the client.
async fn end(planes: &Planes) {
    planes.leave(Duration::ZERO);
    planes.stop_accepting();
    // Side by side: a client that does not read holds its upstream connection for as long as it stays.
    let (told, ()) = tokio::join!(timeout(LAST_WORDS, planes.idle()), close(planes));
    if told.is_err() {
        tracing::warn!("some clients did not take their last event in time");
    }
}

/// Ends what endpoints do in the background, and closes all upstream connections. A relay whose client does not read holds its own until the client is given up.
async fn close(planes: &Planes) {
    let shutdown = planes.shared.transport.shutdown(Some(Duration::ZERO));
    match timeout(LAST_WORDS, shutdown).await {
        Ok(0) => {}
        Ok(cut) => tracing::info!(cut, "streams were ended"),
        Err(_elapsed) => tracing::warn!("some upstream connections are still held"),
    }
    let refreshes = planes.environment.tasks();
    refreshes.close();
    // A token that is being fetched now serves nobody any more.
    let _abandoned = timeout(LAST_WORDS, refreshes.wait()).await;
}

/// How long a client may take for its last event when the drain is over.
const LAST_WORDS: Duration = Duration::from_secs(5);
/// How long an operator may take for the last answer.
const LAST_ORDERS: Duration = Duration::from_secs(1);
