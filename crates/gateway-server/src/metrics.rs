//! What is counted, and how it is told. [`families`] lists every family; `docs/operations/metrics.md`, the dashboard and
//! the alerts in `ops/` are made of that list, and tests hold them to it.

mod admission;
mod calls;
mod deployments;
mod ended;
mod exposition;
mod families;
mod litellm;
mod pools;
mod process;
mod quota;
mod series;
mod table;
mod timings;

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use dashmap::DashSet;
use gateway_core::{Dialect, EndReason};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, text};
use prometheus_client::registry::Registry;
use tokio::runtime::{Handle, RuntimeMetrics};
use tokio::time::Instant;

use crate::admission::Refused;
use crate::config::MetricsSettings;
use crate::record::Entry;
use crate::worker::Shared;
pub(crate) use calls::DeploymentCounters;
pub(crate) use ended::{Ended, Streamed};
pub(crate) use exposition::Format;

/// All counters of the process.
#[derive(Debug)]
pub(crate) struct Metrics {
    calls: calls::CallMetrics,
    admission: admission::AdmissionMetrics,
    litellm: litellm::LiteLlm,
    /// One per worker.
    runtimes: Vec<RuntimeMetrics>,
    /// Deployments whose last attempt failed on the upstream's side.
    failing: DashSet<Arc<str>>,
}

impl Metrics {
    /// Everything at zero, for workers with these runtimes.
    pub(crate) fn new(runtimes: &[Handle]) -> Self {
        Self {
            calls: calls::CallMetrics::new(),
            admission: admission::AdmissionMetrics::new(),
            litellm: litellm::LiteLlm::new(),
            runtimes: runtimes.iter().map(Handle::metrics).collect(),
            failing: DashSet::new(),
        }
    }

    /// From now on it is as a configuration says.
    pub(crate) fn configure(&self, settings: &MetricsSettings) {
        self.litellm.switch(settings.litellm_compat);
    }

    /// A call has come in.
    pub(crate) fn call_started(&self, dialect: Dialect) {
        self.calls.started(dialect);
    }

    /// Calls under way, in all dialects.
    pub(crate) fn calls_active(&self) -> u64 {
        self.calls.active()
    }

    /// A call has found no place.
    pub(crate) fn refused(&self, why: &Refused) {
        self.admission.refused(why);
    }

    /// Whether somebody wants to know how long calls wait for their places.
    pub(crate) fn times_places(&self) -> bool {
        self.litellm.is_on()
    }

    /// A stream to a client begins.
    pub(crate) fn stream_started(&self) {
        self.calls.stream_started();
    }

    /// A call has ended.
    pub(crate) fn call_ended(&self, ended: Ended<'_>) {
        self.calls.ended(ended);
        if self.litellm.is_on() {
            self.litellm.ended(ended);
        }
        self.note_outcome(ended.entries, ended.end);
    }

    /// Whether the last attempt at a deployment failed on the upstream's side.
    pub(crate) fn is_failing(&self, deployment: &str) -> bool {
        self.failing.contains(deployment)
    }

    /// All metrics of a process. Takes as long as there are series and descriptors: not for a thread that serves calls.
    pub(crate) fn encode(shared: Arc<Shared>, format: Format) -> String {
        shared.metrics.sweep(&shared, Instant::now());
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Page(shared)));
        let mut out = String::new();
        // Writing to a `String` does not fail.
        let _never = text::encode(&mut out, &registry);
        format.of(out)
    }

    /// Forgets the series of what the configuration has not named for a while.
    fn sweep(&self, shared: &Shared, now: Instant) {
        let snapshot = shared.snapshot.load();
        let deployments = snapshot.catalog.deployments();
        let known: HashSet<Arc<str>> = deployments
            .flat_map(|it| [Arc::clone(&it.group), Arc::clone(&it.id)])
            .collect();
        self.calls.sweep(&known, now);
        self.litellm.sweep(&known, now);
    }

    /// A probe says that a deployment answers.
    pub(crate) fn answers(&self, deployment: &str) {
        self.failing.remove(deployment);
    }

    /// A probe says that it does not.
    pub(crate) fn fails(&self, deployment: &Arc<str>) {
        self.failing.insert(Arc::clone(deployment));
    }

    fn note_outcome(&self, entries: &[Entry], end: EndReason) {
        let Some(Entry {
            deployment, status, ..
        }) = entries.last()
        else {
            return;
        };
        // The provider is well and says that the request is not.
        if matches!(status, Some(400 | 404 | 413 | 422)) {
            return;
        }
        match end {
            EndReason::Complete if !self.failing.is_empty() => {
                self.failing.remove(&deployment.id);
            }
            EndReason::Truncated | EndReason::UpstreamError | EndReason::Malformed => {
                self.failing.insert(Arc::clone(&deployment.id));
            }
            _ => {}
        }
    }
}

/// All families, as they are at the moment of writing.
struct Page(Arc<Shared>);

impl Collector for Page {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let shared = &*self.0;
        let metrics = &shared.metrics;
        let snapshot = shared.snapshot.load();
        let mut page = exposition::Exposition::new(encoder);
        let page = &mut page;
        metrics.calls.write(page)?;
        metrics.admission.write(&shared.admission, page)?;
        deployments::write(&snapshot, page)?;
        pools::write(&shared.transport.snapshot(), page)?;
        process::write_config(&shared.control, page)?;
        let overflowed = metrics.calls.overflowed() + metrics.litellm.overflowed();
        process::write(shared, &metrics.runtimes, overflowed, page)?;
        if metrics.litellm.is_on() {
            litellm::write(metrics, &snapshot, page)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Page").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
