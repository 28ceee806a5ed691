//! Tells systemd that the process is alive, for as long as every worker answers.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::task::TaskTracker;

use super::notify::Notify;

/// Begins to, if systemd wants to be told.
pub(super) fn keep(tasks: &TaskTracker, notify: &Arc<Notify>, workers: &[Handle]) {
    let Some(beat) = notify.beat() else { return };
    let (notify, workers) = (Arc::clone(notify), workers.to_vec());
    let inner = tasks.clone();
    tasks.spawn(async move {
        let mut beats = interval(beat);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            beats.tick().await;
            if answer(&inner, &workers, beat).await {
                notify.alive();
            } else {
                tracing::error!("a worker does not answer: the watchdog is not fed");
            }
        }
    });
}

/// Whether every event loop takes a task within `limit`.
async fn answer(tasks: &TaskTracker, workers: &[Handle], limit: Duration) -> bool {
    let all = async {
        for worker in workers {
            let (tell, told) = oneshot::channel();
            tasks.spawn_on(
                async move {
                    let _gone = tell.send(());
                },
                worker,
            );
            if told.await.is_err() {
                return false;
            }
        }
        true
    };
    timeout(limit, all).await.unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::runtime::Builder;

    #[tokio::test]
    async fn a_worker_that_is_stuck_does_not_answer() {
        let tasks = TaskTracker::new();
        let live = [Handle::current()];
        assert!(answer(&tasks, &live, Duration::from_secs(10)).await);
        // Nobody drives this one.
        let stuck = Builder::new_current_thread().build().unwrap();
        let both = [Handle::current(), stuck.handle().clone()];
        assert!(!answer(&tasks, &both, Duration::from_millis(50)).await);
        stuck.shutdown_background();
    }
}
