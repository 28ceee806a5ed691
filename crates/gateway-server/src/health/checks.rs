//! Rounds of probes: in the background, where the configuration wants them, and whenever somebody asks.

use std::sync::Arc;
use std::time::Duration;

use dashmap::DashMap;
use gateway_router::Deployment;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::probe::{Probed, Question, Unasked};
use crate::config::Background;
use crate::worker::{Snapshot, Worker};

/// What came of the last probe of each deployment.
#[derive(Debug, Default)]
pub(crate) struct Probes(DashMap<Arc<str>, Arc<Probed>>);

impl Probes {
    /// What came of the last probe of a deployment.
    pub(crate) fn last(&self, deployment: &str) -> Option<Arc<Probed>> {
        self.0.get(deployment).map(|probed| Arc::clone(&probed))
    }

    /// Keeps what came of a probe; forgets deployments that the configuration does not have any more.
    fn keep(&self, snapshot: &Snapshot, deployment: &Deployment, probed: Probed) {
        self.0.insert(Arc::clone(&deployment.id), Arc::new(probed));
        let known = snapshot.catalog.deployments().count();
        if self.0.len() > known {
            let known = |id: &str| snapshot.catalog.deployments().any(|it| *it.id == *id);
            self.0.retain(|id, _| known(id));
        }
    }
}

/// Probes again and again, as the configuration in force says, until `stop`.
pub(crate) async fn run(worker: Arc<Worker>, stop: CancellationToken) {
    let rounds = async {
        let mut ended: Option<Instant> = None;
        loop {
            let snapshot = worker.shared.snapshot.load_full();
            let due = snapshot.checks.interval.is_some_and(|interval| {
                ended.is_none_or(|ended| ended.elapsed() >= interval)
            });
            if due {
                let all = snapshot.catalog.deployments().filter(|deployment| {
                    let shown = snapshot.shown.of(deployment);
                    shown.is_some_and(|it| it.configured.check.background == Background::Included)
                });
                let all: Vec<_> = all.cloned().collect();
                round(&worker, &snapshot, all).await;
                ended = Some(Instant::now());
            }
            sleep(LOOK).await;
        }
    };
    let _stopped = stop.run_until_cancelled(rounds).await;
}

/// Probes these deployments, so many at a time as the configuration allows.
///
/// # Cancel safety
/// Dropping this lets the probes that run go on in the background; each has a timer.
pub(crate) async fn round(
    worker: &Arc<Worker>,
    snapshot: &Arc<Snapshot>,
    deployments: Vec<Arc<Deployment>>,
) {
    let places = Arc::new(Semaphore::new(snapshot.checks.concurrency));
    let tasks = TaskTracker::new();
    for deployment in deployments {
        let (worker, snapshot, places) = (worker.clone(), snapshot.clone(), places.clone());
        let probe = async move {
            let _place = places.acquire_owned().await;
            one(&worker, &snapshot, &deployment).await;
        };
        tasks.spawn(probe);
    }
    tasks.close();
    tasks.wait().await;
}

/// Why a deployment is never probed.
pub(super) fn unasked(snapshot: &Snapshot, deployment: &Arc<Deployment>) -> Option<Unasked> {
    let shown = snapshot.shown.of(deployment)?;
    Question::to(&deployment.endpoint, &shown.configured.check).err()
}

async fn one(worker: &Worker, snapshot: &Snapshot, deployment: &Arc<Deployment>) {
    let Some(shown) = snapshot.shown.of(deployment) else {
        return;
    };
    let Ok(question) = Question::to(&deployment.endpoint, &shown.configured.check) else {
        return;
    };
    let probed = question
        .ask(&deployment.endpoint, &deployment.origin, &worker.shard)
        .await;
    let metrics = worker.metrics();
    match &probed.error {
        None => metrics.answers(&deployment.id),
        Some(error) => {
            tracing::warn!(
                deployment = &*deployment.id,
                group = &*deployment.group,
                %error,
                "a probe failed"
            );
            metrics.fails(&deployment.id);
        }
    }
    worker.shared.probes.keep(snapshot, deployment, probed);
}

/// How often the configuration is looked at.
const LOOK: Duration = Duration::from_secs(1);
