//! Counters of calls. Names are in one table at the end; `docs/operations/metrics.md` is checked against it.

mod admission;
mod calls;
mod deployments;
mod pools;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use dashmap::DashSet;
use gateway_core::{Dialect, EndReason};
use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;

use crate::admission::Refused;
use crate::record::{Entry, Record};
use crate::worker::Shared;
pub(crate) use calls::DeploymentCounters;

/// All counters of the process.
pub(crate) struct Metrics {
    registry: Registry,
    calls: calls::CallMetrics,
    lines_dropped: Counter<u64, AtomicU64>,
    admission: admission::AdmissionMetrics,
    /// Deployments whose last attempt failed on the upstream's side.
    failing: DashSet<Arc<str>>,
}

impl Metrics {
    /// Everything at zero.
    pub(crate) fn new() -> Self {
        let mut registry = Registry::default();
        let calls = calls::CallMetrics::new(&mut registry);
        let lines_dropped = Counter::default();
        registry.register(
            names::LINES_DROPPED,
            "Log lines lost because nobody read the log in time",
            Counter::clone(&lines_dropped),
        );
        let admission = admission::AdmissionMetrics::new(&mut registry);
        Self {
            registry,
            calls,
            lines_dropped,
            admission,
            failing: DashSet::new(),
        }
    }

    /// A call has come in.
    pub(crate) fn call_started(&self, dialect: Dialect) {
        self.calls.api(dialect).active.inc();
    }

    /// Calls under way, in all dialects.
    pub(crate) fn calls_active(&self) -> u64 {
        self.calls.active()
    }

    /// A call has found no place.
    pub(crate) fn refused(&self, why: &Refused) {
        self.admission.refused(why);
    }

    /// A call has ended, after these attempts.
    pub(crate) fn call_ended(
        &self,
        record: &Record,
        entries: &[Entry],
        end: EndReason,
        took: Duration,
    ) {
        self.calls.ended(record, entries, end, took);
        self.note_outcome(entries, end);
    }

    /// Whether the last attempt at a deployment failed on the upstream's side.
    pub(crate) fn is_failing(&self, deployment: &str) -> bool {
        self.failing.contains(deployment)
    }

    /// All metrics in the OpenMetrics text format.
    pub(crate) fn encode(&self, shared: &Shared) -> String {
        let dropped = shared.lines.dropped();
        self.lines_dropped
            .inner()
            .store(dropped, std::sync::atomic::Ordering::Relaxed);
        let catalog = Arc::clone(&shared.snapshot.load().catalog);
        let mut read = Registry::default();
        read.register_collector(Box::new(deployments::Deployments(catalog)));
        read.register_collector(Box::new(pools::Pools(shared.transport.snapshot())));
        self.admission.read(&shared.admission);
        let mut out = String::new();
        // Writing to a `String` does not fail.
        let _never = text::encode_registry(&mut out, &self.registry);
        let _never = text::encode(&mut out, &read);
        out
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

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

/// Every name, without the suffixes that the format adds.
pub(crate) mod names {
    /// Calls by front end, model group and end reason.
    pub(crate) const CALLS: &str = "gateway_calls";
    /// Calls in flight.
    pub(crate) const ACTIVE: &str = "gateway_calls_active";
    /// Duration of calls.
    pub(crate) const DURATION: &str = "gateway_call_duration";
    /// What of it up to the head of the answer was the gateway's own.
    pub(crate) const OVERHEAD: &str = "gateway_overhead";
    /// Attempts by model group, reason and outcome.
    pub(crate) const ATTEMPTS: &str = "gateway_attempts";
    /// Retries by the model group that was asked for.
    pub(crate) const RETRIES: &str = "gateway_retries";
    /// Fallbacks by the model group that was asked for.
    pub(crate) const FALLBACKS: &str = "gateway_fallbacks";
    /// Hedges by the model group that was asked for.
    pub(crate) const HEDGES: &str = "gateway_hedges";
    /// Dollars by the model group that was asked for.
    pub(crate) const COST: &str = "gateway_cost_usd";
    /// Answers without a price, by the same.
    pub(crate) const UNPRICED: &str = "gateway_cost_unknown";
    /// States of deployments.
    pub(crate) const STATE: &str = "gateway_deployment_state";
    /// How often deployments were set aside.
    pub(crate) const COOLDOWNS: &str = "gateway_deployment_cooldowns";
    /// Attempts under way by deployment.
    pub(crate) const IN_FLIGHT: &str = "gateway_deployment_attempts_active";
    /// Time to first content.
    pub(crate) const FIRST_CONTENT: &str = "gateway_time_to_first_content";
    /// Tokens.
    pub(crate) const TOKENS: &str = "gateway_tokens";
    /// Log lines lost.
    pub(crate) const LINES_DROPPED: &str = "gateway_log_lines_dropped";
    /// Calls without a place, by reason.
    pub(crate) const REFUSED: &str = "gateway_calls_refused";
    /// Calls in line.
    pub(crate) const QUEUED: &str = "gateway_calls_queued";
}

#[cfg(test)]
mod tests {
    use super::*;
    use gateway_transport::{Transport, TransportConfig};

    #[test]
    fn the_dialects_are_counted_in_their_order() {
        for (at, dialect) in Dialect::ALL.into_iter().enumerate() {
            assert_eq!(dialect as usize, at);
        }
    }

    #[tokio::test]
    async fn the_page_of_metrics_names_every_family_and_no_other() {
        let transport = Transport::single(TransportConfig::default());
        let metrics = Metrics::new();
        // A family without a series is not written.
        metrics.calls.touch();
        metrics.refused(&Refused::Full);
        let mut text = String::new();
        text::encode(&mut text, &metrics.registry).unwrap();
        let mut read = Registry::default();
        let catalog = Arc::new(gateway_router::Catalog::default());
        read.register_collector(Box::new(deployments::Deployments(catalog)));
        read.register_collector(Box::new(pools::Pools(transport.snapshot())));
        text::encode(&mut text, &read).unwrap();
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/operations/metrics.md");
        let page = std::fs::read_to_string(page).unwrap();
        let told: Vec<&str> = page
            .lines()
            .filter_map(|line| line.strip_prefix("| `"))
            .filter_map(|row| row.split('`').next())
            .collect();
        let families: Vec<(&str, &str)> = text
            .lines()
            .filter_map(|line| line.strip_prefix("# TYPE "))
            .filter_map(|line| line.split_once(' '))
            .collect();
        assert_eq!(told.len(), families.len());
        for (name, kind) in families {
            let suffix = if kind == "counter" { "_total" } else { "" };
            assert!(told.contains(&&*format!("{name}{suffix}")), "{name}");
        }
    }
}
