//! Counters of calls. Names are in one table at the end; `docs/metrics.md` is checked against it.

mod admission;
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

use crate::admission::Refused;
use crate::record::{Entry, Record};
use crate::worker::Shared;

/// All counters of the process.
pub(crate) struct Metrics {
    registry: Registry,
    calls: Family<CallLabels, Counter>,
    tokens: Family<TokenLabels, Counter>,
    /// One per front end, in the order of the dialects: looking a series up by its labels costs more than counting.
    apis: [ApiMetrics; Dialect::ALL.len()],
    lines_dropped: Counter<u64, AtomicU64>,
    admission: admission::AdmissionMetrics,
    /// Deployments whose last attempt failed on the upstream's side.
    failing: DashSet<Arc<str>>,
}

/// The series of one front end.
struct ApiMetrics {
    active: Gauge,
    duration: Histogram,
    first_content: Histogram,
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
        let calls = Family::default();
        let active = Family::<ApiLabels, Gauge>::default();
        let duration = Family::<ApiLabels, Histogram>::new_with_constructor(latencies);
        let first_content = Family::<ApiLabels, Histogram>::new_with_constructor(latencies);
        let tokens = Family::default();
        let lines_dropped = Counter::default();
        let apis = Dialect::ALL.map(|dialect| {
            let labels = ApiLabels {
                api: dialect.name(),
            };
            ApiMetrics {
                active: active.get_or_create(&labels).clone(),
                duration: duration.get_or_create(&labels).clone(),
                first_content: first_content.get_or_create(&labels).clone(),
            }
        });
        registry.register(
            names::CALLS,
            "Calls by how they ended",
            Family::clone(&calls),
        );
        registry.register(names::ACTIVE, "Calls in flight", active);
        registry.register_with_unit(
            names::DURATION,
            "From the request's head to the end of the response",
            Unit::Seconds,
            duration,
        );
        registry.register_with_unit(
            names::FIRST_CONTENT,
            "From the request's head to the first meaningful content",
            Unit::Seconds,
            first_content,
        );
        registry.register(
            names::TOKENS,
            "Tokens as the providers reported them",
            Family::clone(&tokens),
        );
        registry.register(
            names::LINES_DROPPED,
            "Log lines lost because nobody read the log in time",
            Counter::clone(&lines_dropped),
        );
        let admission = admission::AdmissionMetrics::new(&mut registry);
        Self {
            registry,
            calls,
            tokens,
            apis,
            lines_dropped,
            admission,
            failing: DashSet::new(),
        }
    }

    /// A call has come in.
    pub(crate) fn call_started(&self, dialect: Dialect) {
        self.api(dialect).active.inc();
    }

    /// A call has found no place.
    pub(crate) fn refused(&self, why: &Refused) {
        self.admission.refused(why);
    }

    /// A call has ended.
    pub(crate) fn call_ended(&self, record: &Record, end: EndReason, took: Duration) {
        let api = self.api(record.dialect);
        api.active.dec();
        api.duration.observe(took.as_secs_f64());
        if let Some(after) = record.first_content {
            api.first_content.observe(after.as_secs_f64());
        }
        // Names that the config does not know would be series without end.
        let model = record.group.as_deref().unwrap_or("other").to_owned();
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
        let labels = CallLabels {
            api: record.dialect.name(),
            model,
            end: end.as_str(),
        };
        self.calls.get_or_create(&labels).inc();
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
        self.admission.read(&shared.admission);
        let mut out = String::new();
        // Writing to a `String` does not fail.
        let _never = text::encode_registry(&mut out, &self.registry);
        let mut pools = Registry::default();
        pools.register_collector(Box::new(pools::Pools(shared.transport.snapshot())));
        let _never = text::encode(&mut out, &pools);
        out
    }

    fn api(&self, dialect: Dialect) -> &ApiMetrics {
        &self.apis[dialect as usize]
    }

    fn note_outcome(&self, record: &Record, end: EndReason) {
        let entries = record.journal.entries();
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
        let (api, model, kind, end) = ("a", String::new(), "k", "e");
        let calls = CallLabels {
            api,
            model: model.clone(),
            end,
        };
        metrics.calls.get_or_create(&calls).inc();
        metrics
            .tokens
            .get_or_create(&TokenLabels { model, kind })
            .inc();
        metrics.refused(&Refused::Full);
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
