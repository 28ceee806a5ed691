//! The last rotation: every origin to nothing, and then waiting for what runs.

use std::{
    sync::{Arc, Weak, atomic::Ordering},
    time::Duration,
};

use tokio_util::task::TaskTracker;

use crate::{
    error::{ConnectError, KilledBy, Phase},
    generation::{Generation, RotateReason},
    origin::OriginInner,
    rotate::{RotateOptions, rotate},
    transport::TransportInner,
};

/// See [`Transport::shutdown`](crate::Transport::shutdown).
pub(crate) async fn shutdown(transport: &TransportInner, deadline: Option<Duration>) -> usize {
    let env = &transport.env;
    env.closed.store(true, Ordering::Release);
    env.stop.cancel();
    let draining = retire(transport).await;
    let sockets: Vec<TaskTracker> = draining.iter().filter_map(Draining::sockets).collect();
    env.tasks.close();
    let closed = async {
        for tasks in &sockets {
            tasks.wait().await;
        }
        env.tasks.wait().await;
    };
    tokio::pin!(closed);
    let in_time = match deadline {
        Some(deadline) => tokio::time::timeout(deadline, &mut closed).await.is_ok(),
        None => {
            (&mut closed).await;
            true
        }
    };
    if in_time {
        return 0;
    }
    let cut = draining.iter().map(Draining::cut).sum();
    closed.await;
    cut
}

/// Rotates every origin to a generation without connections, and gives back all that are older.
async fn retire(transport: &TransportInner) -> Vec<Draining> {
    let mut draining = Vec::new();
    let gone = ConnectError::new(Phase::Pool, "the transport is shutting down");
    for origin in transport.origins() {
        let options = RotateOptions::default();
        rotate(&origin, RotateReason::Shutdown, &options, None).await;
        origin.pools.iter().for_each(|pool| pool.refuse_all(&gone));
        let old = origin.control().draining.clone();
        draining.extend(old.into_iter().map(|generation| Draining {
            origin: Arc::clone(&origin),
            generation,
        }));
    }
    draining
}

/// A generation on which exchanges may still run.
struct Draining {
    origin: Arc<OriginInner>,
    generation: Weak<Generation>,
}

impl Draining {
    fn sockets(&self) -> Option<TaskTracker> {
        Some(self.generation.upgrade()?.tasks.clone())
    }

    /// Cuts what still runs, and counts it.
    fn cut(&self) -> usize {
        let Some(generation) = self.generation.upgrade() else {
            return 0;
        };
        let live = self.origin.live(generation.number);
        self.origin.kill(&generation, KilledBy::Shutdown.into());
        live
    }
}
