//! Finished calls on their way to the collector: a bounded lane per worker, emptied by one task of the control plane.
//!
//! A lane and no channel: sending on a channel wakes the receiver, and a system call per call is what is not wanted.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

#[cfg(feature = "otlp")]
use super::Finished;
#[cfg(feature = "otlp")]
use std::sync::atomic::AtomicUsize;
#[cfg(feature = "otlp")]
use std::sync::{Mutex, MutexGuard, PoisonError};
#[cfg(feature = "otlp")]
use tokio::sync::{Notify, mpsc, oneshot};

/// Finished calls on their way to the collector, and what became of them.
#[derive(Debug)]
#[cfg_attr(
    feature = "otlp",
    expect(
        clippy::vec_box,
        reason = "a lane that grows moves what it holds, while a worker waits"
    )
)]
pub(crate) struct Traces {
    #[cfg(feature = "otlp")]
    lanes: Box<[Mutex<Vec<Box<Finished>>>]>,
    /// Calls that a lane may hold.
    #[cfg(feature = "otlp")]
    room: AtomicUsize,
    /// A lane is half full.
    #[cfg(feature = "otlp")]
    pub(super) filling: Notify,
    /// Who wants everything to be exported now.
    #[cfg(feature = "otlp")]
    flushes: (mpsc::Sender<Flush>, Mutex<Option<mpsc::Receiver<Flush>>>),
    exported: AtomicU64,
    failed: AtomicU64,
    dropped: AtomicU64,
}

/// Resolves when everything has been exported or given up.
#[cfg(feature = "otlp")]
pub(super) type Flush = oneshot::Sender<()>;

/// What became of spans, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TraceCounts {
    /// Spans that the collector took.
    pub exported: u64,
    /// Spans that it did not take.
    pub failed: u64,
    /// Calls whose spans were never made, because too many waited already.
    pub dropped: u64,
}

impl Traces {
    /// With `lanes` lanes.
    pub(crate) fn new(lanes: usize) -> Self {
        #[cfg(not(feature = "otlp"))]
        let _none = lanes;
        Self {
            #[cfg(feature = "otlp")]
            lanes: (0..lanes.max(1)).map(|_| Mutex::default()).collect(),
            #[cfg(feature = "otlp")]
            room: AtomicUsize::new(0),
            #[cfg(feature = "otlp")]
            filling: Notify::new(),
            #[cfg(feature = "otlp")]
            flushes: {
                let (ask, asked) = mpsc::channel(1);
                (ask, Mutex::new(Some(asked)))
            },
            exported: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
        }
    }

    /// What became of spans so far.
    pub(crate) fn counts(&self) -> TraceCounts {
        TraceCounts {
            exported: self.exported.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
            dropped: self.dropped.load(Ordering::Relaxed),
        }
    }

    /// Exports what waits, for at most so long.
    pub(crate) async fn flush(&self, within: Duration) {
        #[cfg(feature = "otlp")]
        {
            let flushed = async {
                let (done, is_done) = oneshot::channel();
                if self.flushes.0.send(done).await.is_ok() {
                    // Without an exporter nothing waits.
                    let _none = is_done.await;
                }
            };
            if tokio::time::timeout(within, flushed).await.is_err() {
                tracing::warn!("the last traces were not exported in time");
            }
        }
        #[cfg(not(feature = "otlp"))]
        let _nothing_waits = within;
    }
}

#[cfg(feature = "otlp")]
impl Traces {
    /// Takes a finished call over from the worker of this lane. What does not fit is counted and lost.
    pub(crate) fn push(&self, lane: usize, call: Box<Finished>) {
        let room = self.room.load(Ordering::Relaxed);
        let Some(lane) = self.lanes.get(lane) else {
            return;
        };
        let held = {
            let mut lane = lock(lane);
            if lane.len() >= room {
                self.dropped.fetch_add(1, Ordering::Relaxed);
                return;
            }
            lane.push(call);
            lane.len()
        };
        if held == room.div_ceil(2) {
            self.filling.notify_one();
        }
    }

    /// Sets how many calls may wait, all lanes together.
    pub(super) fn make_room(&self, calls: usize) {
        let room = calls.div_ceil(self.lanes.len());
        self.room.store(room, Ordering::Relaxed);
    }

    /// Takes out what waits.
    #[expect(clippy::vec_box, reason = "as the lanes hold it")]
    pub(super) fn take(&self) -> Vec<Box<Finished>> {
        let mut calls = Vec::new();
        for lane in &self.lanes {
            let taken = std::mem::take(&mut *lock(lane));
            calls.extend(taken);
        }
        calls
    }

    /// Notes what became of spans.
    pub(super) fn became(&self, exported: u64, failed: u64) {
        self.exported.fetch_add(exported, Ordering::Relaxed);
        self.failed.fetch_add(failed, Ordering::Relaxed);
    }

    /// Those who want everything to be exported now; for the one exporter.
    pub(super) fn flushes(&self) -> Option<mpsc::Receiver<Flush>> {
        lock(&self.flushes.1).take()
    }
}

#[cfg(feature = "otlp")]
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
