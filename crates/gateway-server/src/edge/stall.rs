//! Watches over HTTP/2 clients that stop reading one stream.
//!
//! Such a client closes its window, hyper does not ask the body for more, and neither the body nor the socket hears of
//! anything: the provider's stream would stay unread for as long as the client likes. So every HTTP/2 stream runs in
//! a task that looks whether its body is still being asked.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::rt::Executor;
use tokio::time::{Instant, sleep};
use tokio_util::task::TaskTracker;

use crate::live::Cut;

/// What the task of an HTTP/2 stream and the body that runs in it know of each other.
#[derive(Debug, Default)]
pub(crate) struct StallWatch {
    /// When the body last handed something over that was not asked for more since.
    handed_over: Mutex<Option<Instant>>,
    stalled: AtomicBool,
    given_up: Cut,
}

impl StallWatch {
    /// The watch over the task that this is called in; a watch over nothing elsewhere.
    pub(crate) fn current() -> Arc<Self> {
        STREAM.try_with(Arc::clone).unwrap_or_default()
    }

    /// The body was asked for more.
    pub(crate) fn asked(&self) {
        *self.lock() = None;
    }

    /// The body handed something over: until it is asked again, the client has not taken it.
    pub(crate) fn handed_over(&self) {
        *self.lock() = Some(Instant::now());
    }

    /// How long the client has not taken what was handed over.
    pub(crate) fn blocked_for(&self, now: Instant) -> Option<Duration> {
        let since = *self.lock();
        since.map(|at| now.saturating_duration_since(at))
    }

    /// Ends the stream at once, without a word to its client.
    pub(crate) fn give_up(&self) {
        self.given_up.order();
    }

    /// Whether the stream was given up because its client did not read.
    pub(crate) fn has_stalled(&self) -> bool {
        self.stalled.load(Ordering::Relaxed)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.handed_over
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Resolves when the client has not taken what was handed over for `limit`.
    async fn stall(&self, limit: Duration) {
        loop {
            let since = *self.lock();
            let left = match since {
                Some(at) => (at + limit).saturating_duration_since(Instant::now()),
                None => limit,
            };
            if left.is_zero() {
                self.stalled.store(true, Ordering::Relaxed);
                return;
            }
            sleep(left).await;
        }
    }
}

/// Runs hyper's HTTP/2 streams as tasks that the worker can wait for and that end when their client stalls.
#[derive(Clone, Debug)]
pub(super) struct Streams {
    pub(super) tasks: TaskTracker,
    pub(super) slow_client: Duration,
}

impl<F> Executor<F> for Streams
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    fn execute(&self, stream: F) {
        let watch = Arc::new(StallWatch::default());
        let limit = self.slow_client;
        let stream = STREAM.scope(Arc::clone(&watch), stream);
        self.tasks.spawn(async move {
            let stream = pin!(stream);
            tokio::select! {
                biased;
                _ = stream => {}
                // Dropping the stream resets it, which is all that such a client can still be told.
                () = watch.stall(limit) => {}
                () = poll_fn(|cx| watch.given_up.poll(cx)) => {}
            }
        });
    }
}

tokio::task_local! {
    static STREAM: Arc<StallWatch>;
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(60);

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_is_given_up_when_the_limit_is_over() {
        let watch = StallWatch::default();
        watch.handed_over();
        let began = Instant::now();
        watch.stall(LIMIT).await;
        assert!(watch.has_stalled());
        assert_eq!(began.elapsed().as_secs(), LIMIT.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_waits_for_the_provider_is_not_given_up() {
        let watch = StallWatch::default();
        watch.handed_over();
        watch.asked();
        let given_up = tokio::time::timeout(LIMIT * 100, watch.stall(LIMIT)).await;
        assert!(given_up.is_err() && !watch.has_stalled());
    }

    #[tokio::test(start_paused = true)]
    async fn the_stream_is_dropped_in_its_own_task() {
        let tasks = TaskTracker::new();
        let streams = Streams {
            tasks: tasks.clone(),
            slow_client: LIMIT,
        };
        streams.execute(async {
            StallWatch::current().handed_over();
            std::future::pending::<()>().await;
        });
        tasks.close();
        tasks.wait().await;
    }
}
