//! Counters of calls. Names are in one table at the end; `docs/metrics.md` is checked against it.

mod pools;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use dashmap::DashSet;
use gateway_core::{Dialect, EndReason};
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::record::Record;
use crate::worker::Shared;

/// All counters of the process.
pub(crate) struct Metrics {
    registry: Registry,
    calls: Family<CallLabels, Counter>,
    active: Family<ApiLabels, Gauge>,
    duration: Family<ApiLabels, Histogram>,
    first_content: Family<ApiLabels, Histogram>,
    tokens: Family<TokenLabels, Counter>,
    lines_dropped: Counter<u64, AtomicU64>,
    /// Deployments whose last attempt failed on the upstream's side.
    failing: DashSet<Arc<str>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    api: &'static str,
    model: String,
    end: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ApiLabels {
    api: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TokenLabels {
    model: String,
    kind: &'static str,
}

impl Metrics {
    /// Everything at zero.
    pub(crate) fn new() -> Self {
        let mut registry = Registry::default();
        let metrics = Self {
            calls: Family::default(),
            active: Family::default(),
            duration: Family::new_with_constructor(latencies),
            first_content: Family::new_with_constructor(latencies),
            tokens: Family::default(),
            lines_dropped: Counter::default(),
            failing: DashSet::new(),
            registry: Registry::default(),
        };
        registry.register(
            names::CALLS,
            "Calls by how they ended",
            metrics.calls.clone(),
        );
        registry.register(names::ACTIVE, "Calls in flight", metrics.active.clone());
        registry.register_with_unit(
            names::DURATION,
            "From the request's head to the end of the response",
            Unit::Seconds,
            metrics.duration.clone(),
        );
        registry.register_with_unit(
            names::FIRST_CONTENT,
            "From the request's head to the first meaningful content",
            Unit::Seconds,
            metrics.first_content.clone(),
        );
        registry.register(
            names::TOKENS,
            "Tokens as the providers reported them",
            metrics.tokens.clone(),
        );
        registry.register(
            names::LINES_DROPPED,
            "Log lines lost because nobody read the log in time",
            metrics.lines_dropped.clone(),
        );
        Self {
            registry,
            ..metrics
        }
    }

    /// A call has come in.
    pub(crate) fn call_started(&self, dialect: Dialect) {
        let api = dialect.name();
        self.active.get_or_create(&ApiLabels { api }).inc();
    }

    /// A call has ended.
    pub(crate) fn call_ended(&self, record: &Record, end: EndReason, took: Duration) {
        let api = record.dialect.name();
        // Names that the config does not know would be series without end.
        let model = record.group.as_deref().unwrap_or("other").to_owned();
        let labels = ApiLabels { api };
        self.active.get_or_create(&labels).dec();
        self.duration
            .get_or_create(&labels)
            .observe(took.as_secs_f64());
        if let Some(after) = record.first_content {
            self.first_content
                .get_or_create(&labels)
                .observe(after.as_secs_f64());
        }
        for (kind, count) in [
            ("input", record.usage.input_tokens),
            ("output", record.usage.output_tokens),
            ("cache_read", record.usage.cache_read_tokens),
            ("cache_write", record.usage.cache_write_tokens),
            ("reasoning", record.usage.reasoning_tokens),
        ] {
            if let Some(count) = count {
                let model = model.clone();
                self.tokens
                    .get_or_create(&TokenLabels { model, kind })
                    .inc_by(count);
            }
        }
        self.note_outcome(record, end);
        let end = end.as_str();
        self.calls
            .get_or_create(&CallLabels { api, model, end })
            .inc();
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
        let mut out = String::new();
        // Writing to a `String` does not fail.
        let _never = text::encode_registry(&mut out, &self.registry);
        let mut pools = Registry::default();
        pools.register_collector(Box::new(pools::Pools(shared.transport.snapshot())));
        let _never = text::encode(&mut out, &pools);
        out
    }

    fn note_outcome(&self, record: &Record, end: EndReason) {
        let Some(deployment) = &record.deployment else {
            return;
        };
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

fn latencies() -> Histogram {
    Histogram::new(BUCKETS)
}

/// Seconds. LiteLLM's buckets, and finer ones below them.
const BUCKETS: [f64; 20] = [
    0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0,
    120.0, 300.0, 420.0, 600.0,
];

/// Every name, without the suffixes that the format adds.
pub(crate) mod names {
    /// Calls by front end, model group and end reason.
    pub(crate) const CALLS: &str = "gateway_calls";
    /// Calls in flight.
    pub(crate) const ACTIVE: &str = "gateway_calls_active";
    /// Duration of calls.
    pub(crate) const DURATION: &str = "gateway_call_duration";
    /// Time to first content.
    pub(crate) const FIRST_CONTENT: &str = "gateway_time_to_first_content";
    /// Tokens.
    pub(crate) const TOKENS: &str = "gateway_tokens";
    /// Log lines lost.
    pub(crate) const LINES_DROPPED: &str = "gateway_log_lines_dropped";
}

#[cfg(test)]
mod tests {
    use super::*;
    use gateway_transport::{Transport, TransportConfig};

    #[tokio::test]
    async fn the_page_of_metrics_names_every_family_and_no_other() {
        let transport = Transport::single(TransportConfig::default());
        let metrics = Metrics::new();
        // A family without a series is not written.
        let (api, model, kind, end) = ("a", String::new(), "k", "e");
        metrics.call_started(Dialect::OpenAiChat);
        metrics
            .duration
            .get_or_create(&ApiLabels { api })
            .observe(1.0);
        metrics
            .first_content
            .get_or_create(&ApiLabels { api })
            .observe(1.0);
        metrics
            .calls
            .get_or_create(&CallLabels {
                api,
                model: model.clone(),
                end,
            })
            .inc();
        metrics
            .tokens
            .get_or_create(&TokenLabels { model, kind })
            .inc();
        let mut text = String::new();
        text::encode(&mut text, &metrics.registry).unwrap();
        let mut pools = Registry::default();
        pools.register_collector(Box::new(pools::Pools(transport.snapshot())));
        text::encode(&mut text, &pools).unwrap();
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/metrics.md");
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
