//! What is counted of calls and their attempts.

use std::sync::OnceLock;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use gateway_core::{Dialect, EndReason};
use gateway_router::AttemptKind;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::names;
use crate::record::{AttemptOutcome, Entry, Record};

/// The families.
pub(super) struct CallMetrics {
    calls: Family<CallLabels, Counter>,
    tokens: Family<TokenLabels, Counter>,
    attempts: Family<AttemptLabels, Counter>,
    retries: Family<ModelLabels, Counter>,
    fallbacks: Family<ModelLabels, Counter>,
    hedges: Family<ModelLabels, Counter>,
    cost: Family<ModelLabels, Counter<f64, AtomicU64>>,
    unpriced: Family<ModelLabels, Counter>,
    /// One per front end, in the order of the dialects: looking a series up by its labels costs more than counting.
    apis: [ApiMetrics; Dialect::ALL.len()],
}

/// The series of one front end.
pub(super) struct ApiMetrics {
    pub(super) active: Gauge,
    duration: Histogram,
    overhead: Histogram,
    first_content: Histogram,
}

/// The series of plain calls that a deployment answers, looked up once.
#[derive(Debug, Default)]
pub(crate) struct DeploymentCounters {
    complete: [OnceLock<Counter>; Dialect::ALL.len()],
    tokens: [OnceLock<Counter>; TOKEN_KINDS.len()],
    answered: OnceLock<Counter>,
    cost: OnceLock<Counter<f64, AtomicU64>>,
    unpriced: OnceLock<Counter>,
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

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AttemptLabels {
    model: String,
    kind: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ModelLabels {
    model: String,
}

impl CallMetrics {
    /// Calls under way.
    pub(super) fn active(&self) -> u64 {
        let active = self.apis.iter().map(|api| api.active.get());
        u64::try_from(active.sum::<i64>()).unwrap_or_default()
    }

    pub(super) fn new(registry: &mut Registry) -> Self {
        let active = Family::<ApiLabels, Gauge>::default();
        let histograms = || Family::<ApiLabels, Histogram>::new_with_constructor(latencies);
        let (duration, overhead, first_content) = (histograms(), histograms(), histograms());
        let apis = Dialect::ALL.map(|dialect| {
            let labels = ApiLabels {
                api: dialect.name(),
            };
            ApiMetrics {
                active: active.get_or_create(&labels).clone(),
                duration: duration.get_or_create(&labels).clone(),
                overhead: overhead.get_or_create(&labels).clone(),
                first_content: first_content.get_or_create(&labels).clone(),
            }
        });
        let metrics = Self {
            calls: Family::default(),
            tokens: Family::default(),
            attempts: Family::default(),
            retries: Family::default(),
            fallbacks: Family::default(),
            hedges: Family::default(),
            cost: Family::default(),
            unpriced: Family::default(),
            apis,
        };
        metrics.register(registry);
        registry.register(names::ACTIVE, "Calls in flight", active);
        for (name, help, family) in [
            (
                names::DURATION,
                "From the request's head to the end of the response",
                duration,
            ),
            (
                names::OVERHEAD,
                "From the request's head to the response's, without the time of attempts",
                overhead,
            ),
            (
                names::FIRST_CONTENT,
                "From the request's head to the first meaningful content",
                first_content,
            ),
        ] {
            registry.register_with_unit(name, help, Unit::Seconds, family);
        }
        metrics
    }

    fn register(&self, registry: &mut Registry) {
        let calls = Family::clone(&self.calls);
        registry.register(names::CALLS, "Calls by how they ended", calls);
        let tokens = Family::clone(&self.tokens);
        registry.register(
            names::TOKENS,
            "Tokens as the providers reported them",
            tokens,
        );
        let attempts = Family::clone(&self.attempts);
        registry.register(names::ATTEMPTS, "Attempts by what became of them", attempts);
        for (name, help, family) in [
            (
                names::RETRIES,
                "Attempts that tried a model group again",
                &self.retries,
            ),
            (
                names::FALLBACKS,
                "Model groups that calls fell back to",
                &self.fallbacks,
            ),
            (
                names::HEDGES,
                "Second attempts against slow ones",
                &self.hedges,
            ),
            (
                names::UNPRICED,
                "Answers with a usage whose cost is not known",
                &self.unpriced,
            ),
        ] {
            registry.register(name, help, Family::clone(family));
        }
        let cost = Family::clone(&self.cost);
        registry.register(names::COST, "Dollars that answers have cost", cost);
    }

    pub(super) fn api(&self, dialect: Dialect) -> &ApiMetrics {
        &self.apis[dialect as usize]
    }

    /// A call has ended.
    pub(super) fn ended(&self, record: &Record, entries: &[Entry], end: EndReason, took: Duration) {
        let api = self.api(record.dialect);
        api.active.dec();
        api.duration.observe(took.as_secs_f64());
        for (histogram, value) in [
            (&api.first_content, record.first_content),
            (&api.overhead, record.head.map(|head| head.overhead)),
        ] {
            if let Some(value) = value {
                histogram.observe(value.as_secs_f64());
            }
        }
        match plain(record, entries) {
            Some(counters) => self.count_plain(counters, record, end),
            None => self.count(record, entries, end),
        }
    }

    /// Counts dollars, or an answer that has a usage and no price.
    fn count_cost(&self, counters: &DeploymentCounters, record: &Record) {
        let labels = || ModelLabels {
            model: model(record).to_owned(),
        };
        if let Some(cost) = record.cost {
            let counter = || self.cost.get_or_create(&labels()).clone();
            let counter = counters.cost.get_or_init(counter);
            counter.inc_by(cost.dollars());
        } else if record.usage.output_tokens.is_some() && !record.made_up {
            let counter = || self.unpriced.get_or_create(&labels()).clone();
            counters.unpriced.get_or_init(counter).inc();
        }
    }

    /// As [`Self::count`], without looking anything up.
    fn count_plain(&self, counters: &DeploymentCounters, record: &Record, end: EndReason) {
        let answered = counters.answered.get_or_init(|| {
            let (kind, outcome) = (AttemptKind::First, AttemptOutcome::Answered);
            self.attempts(model(record), kind, outcome)
        });
        answered.inc();
        self.count_cost(counters, record);
        for (place, (kind, read)) in TOKEN_KINDS.into_iter().enumerate() {
            if let Some(count) = read(record) {
                let counter = &counters.tokens[place];
                let counter = counter.get_or_init(|| self.tokens(model(record), kind));
                counter.inc_by(count);
            }
        }
        if end == EndReason::Complete {
            let counter = &counters.complete[record.dialect as usize];
            counter.get_or_init(|| self.calls(record, end)).inc();
        } else {
            self.calls(record, end).inc();
        }
    }

    fn count(&self, record: &Record, entries: &[Entry], end: EndReason) {
        self.calls(record, end).inc();
        self.count_cost(&DeploymentCounters::default(), record);
        for (kind, read) in TOKEN_KINDS {
            if let Some(count) = read(record) {
                self.tokens(model(record), kind).inc_by(count);
            }
        }
        for entry in entries {
            let model = &entry.deployment.group;
            self.attempts(model, entry.kind, entry.outcome).inc();
        }
        let course = record.course;
        for (family, count) in [
            (&self.retries, course.retries),
            (&self.fallbacks, course.fallbacks),
            (&self.hedges, course.hedges),
        ] {
            if count > 0 {
                let model = model(record).to_owned();
                let counter = family.get_or_create(&ModelLabels { model });
                counter.inc_by(u64::from(count));
            }
        }
    }

    fn calls(&self, record: &Record, end: EndReason) -> Counter {
        let labels = CallLabels {
            api: record.dialect.name(),
            model: model(record).to_owned(),
            end: end.as_str(),
        };
        self.calls.get_or_create(&labels).clone()
    }

    fn tokens(&self, model: &str, kind: &'static str) -> Counter {
        let model = model.to_owned();
        let labels = TokenLabels { model, kind };
        self.tokens.get_or_create(&labels).clone()
    }

    fn attempts(&self, model: &str, kind: AttemptKind, outcome: AttemptOutcome) -> Counter {
        let labels = AttemptLabels {
            model: model.to_owned(),
            kind: kind.as_str(),
            outcome: outcome.as_str(),
        };
        self.attempts.get_or_create(&labels).clone()
    }

    /// One series of each family, so that each is written.
    #[cfg(test)]
    pub(super) fn touch(&self) {
        let (api, model, kind, end) = ("a", String::new(), "k", "e");
        let calls = CallLabels {
            api,
            model: model.clone(),
            end,
        };
        self.calls.get_or_create(&calls).inc();
        self.tokens(&model, kind).inc();
        let (first, answered) = (AttemptKind::First, AttemptOutcome::Answered);
        self.attempts(&model, first, answered).inc();
        let cost = ModelLabels {
            model: model.clone(),
        };
        self.cost.get_or_create(&cost).inc_by(1.0);
        for family in [&self.retries, &self.fallbacks, &self.hedges, &self.unpriced] {
            let model = model.clone();
            family.get_or_create(&ModelLabels { model }).inc();
        }
    }
}

/// The counters of a call that its first attempt answered, in the group that was asked for.
fn plain<'r>(record: &'r Record, entries: &[Entry]) -> Option<&'r DeploymentCounters> {
    let [only] = entries else { return None };
    let first = only.kind == AttemptKind::First && only.outcome == AttemptOutcome::Answered;
    let shown = record.shown.as_ref().filter(|_| first)?;
    (record.group.as_deref() == Some(&*only.deployment.group)).then_some(&shown.counters)
}

/// Names that the config does not know would be series without end.
fn model(record: &Record) -> &str {
    record.group.as_deref().unwrap_or("other")
}

fn latencies() -> Histogram {
    Histogram::new(BUCKETS)
}

/// Seconds. LiteLLM's buckets, and finer ones below them.
const BUCKETS: [f64; 20] = [
    0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0,
    120.0, 300.0, 420.0, 600.0,
];

/// A kind of tokens: its label, and how many of them a call used.
type TokenKind = (&'static str, fn(&Record) -> Option<u64>);

/// The kinds of tokens.
const TOKEN_KINDS: [TokenKind; 5] = [
    ("input", |it| it.usage.input_tokens),
    ("output", |it| it.usage.output_tokens),
    ("cache_read", |it| it.usage.cache_read_tokens),
    ("cache_write", |it| it.usage.cache_write_tokens),
    ("reasoning", |it| it.usage.reasoning_tokens),
];
