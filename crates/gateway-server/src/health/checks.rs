//! Rounds of probes: in the background, where the configuration wants them, and whenever somebody asks.

use std::sync::Arc;
use std::time::Duration;

use dashmap::DashMap;
use gateway_router::Deployment;
use gateway_transport::Shard;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

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
            let due = snapshot
                .checks
                .interval
                .is_some_and(|interval| ended.is_none_or(|ended| ended.elapsed() >= interval));
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

/// Probes these deployments and notes what came of it.
///
/// # Cancel safety
/// Dropping this gives the probes up.
pub(super) async fn round(worker: &Worker, snapshot: &Snapshot, deployments: Vec<Arc<Deployment>>) {
    let mut asked = ask(snapshot, deployments, &worker.shard);
    while let Some(answer) = asked.join_next().await {
        // Of a task that was aborted with this one nobody hears.
        if let Ok((deployment, probed)) = answer {
            note(worker, snapshot, &deployment, probed);
        }
    }
}

/// Asks each of these deployments that can be asked, so many at a time as the configuration allows. Dropping the set
/// gives up what is left.
pub(crate) fn ask(
    snapshot: &Snapshot,
    deployments: Vec<Arc<Deployment>>,
    shard: &Shard,
) -> JoinSet<(Arc<Deployment>, Probed)> {
    let places = Arc::new(Semaphore::new(snapshot.checks.concurrency));
    let mut asked = JoinSet::new();
    for deployment in deployments {
        let Ok(question) = question(snapshot, &deployment) else {
            continue;
        };
        let (places, shard) = (Arc::clone(&places), shard.clone());
        asked.spawn(async move {
            let _place = places.acquire_owned().await;
            let Deployment {
                endpoint, origin, ..
            } = &*deployment;
            let probed = question.ask(endpoint, origin, &shard).await;
            (deployment, probed)
        });
    }
    asked
}

/// What a deployment is asked.
///
/// # Errors
/// Why it is never probed.
pub(crate) fn question(
    snapshot: &Snapshot,
    deployment: &Arc<Deployment>,
) -> Result<Question, Unasked> {
    let shown = snapshot.shown.of(deployment);
    let check = shown.map(|it| it.configured.check.clone());
    Question::to(&deployment.endpoint, &check.unwrap_or_default())
}

fn note(worker: &Worker, snapshot: &Snapshot, deployment: &Deployment, probed: Probed) {
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
