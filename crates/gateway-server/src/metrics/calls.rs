//! What is counted of calls and their attempts.

use std::collections::HashSet;
use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use gateway_core::{Dialect, EndReason};
use gateway_router::AttemptKind;
use prometheus_client::metrics::counter::Counter;
use tokio::time::Instant;

use super::ended::{Ended, Streamed, deployment, model, names, plain, timings};
use super::exposition::Exposition;
use super::families;
use super::litellm::DeploymentView;
use super::quota::Quota;
use super::series::Series;
use super::table::Family;
use super::timings::{LATENCIES, OVERHEADS, Timings};
use crate::record::{AttemptOutcome, Entry, Record};

/// The families.
#[derive(Debug)]
pub(super) struct CallMetrics {
    calls: Series<AtomicU64, 3>,
    streams_ended: Series<AtomicU64, 2>,
    tokens: Series<AtomicU64, 3>,
    cost: Series<Dollars, 2>,
    unpriced: Series<AtomicU64, 2>,
    attempts: Series<AtomicU64, 4>,
    durations: Series<Timings, 2>,
    first_contents: Series<Timings, 2>,
    retries: Series<AtomicU64, 1>,
    fallbacks: Series<AtomicU64, 1>,
    hedges: Series<AtomicU64, 1>,
    streams_active: AtomicI64,
    /// One per front end, in the order of the dialects: looking a series up by its labels costs more than counting.
    apis: [ApiMetrics; Dialect::ALL.len()],
}

/// The series of one front end.
#[derive(Debug)]
struct ApiMetrics {
    active: AtomicI64,
    duration: Timings,
    overhead: Timings,
    first_content: Timings,
}

/// The series of plain calls that a deployment answers, looked up once.
#[derive(Debug, Default)]
pub(crate) struct DeploymentCounters {
    complete: [OnceLock<Arc<AtomicU64>>; Dialect::ALL.len()],
    streams: OnceLock<Arc<AtomicU64>>,
    tokens: [OnceLock<Arc<AtomicU64>>; TOKEN_KINDS.len()],
    answered: OnceLock<Arc<AtomicU64>>,
    cost: OnceLock<Arc<Dollars>>,
    unpriced: OnceLock<Arc<AtomicU64>>,
    duration: OnceLock<Arc<Timings>>,
    first_content: OnceLock<Arc<Timings>>,
    /// What is left of the provider's rate limit.
    pub quota: Quota,
    /// What only LiteLLM's names need.
    pub(super) litellm: OnceLock<Box<super::litellm::DeploymentCounters>>,
}

impl CallMetrics {
    pub(super) fn new() -> Self {
        Self {
            calls: Series::new(&families::CALLS, AtomicU64::default),
            streams_ended: Series::new(&families::STREAMS_ENDED, AtomicU64::default),
            tokens: Series::new(&families::TOKENS, AtomicU64::default),
            cost: Series::new(&families::COST, Dollars::default),
            unpriced: Series::new(&families::UNPRICED, AtomicU64::default),
            attempts: Series::new(&families::ATTEMPTS, AtomicU64::default),
            durations: Series::new(&families::ATTEMPT_DURATION, latencies),
            first_contents: Series::new(&families::ATTEMPT_FIRST_CONTENT, latencies),
            retries: Series::new(&families::RETRIES, AtomicU64::default),
            fallbacks: Series::new(&families::FALLBACKS, AtomicU64::default),
            hedges: Series::new(&families::HEDGES, AtomicU64::default),
            streams_active: AtomicI64::new(0),
            apis: Dialect::ALL.map(|_| ApiMetrics {
                active: AtomicI64::new(0),
                duration: latencies(),
                overhead: Timings::new(&OVERHEADS),
                first_content: latencies(),
            }),
        }
    }

    /// A call has come in.
    pub(super) fn started(&self, dialect: Dialect) {
        let active = &self.apis[dialect as usize].active;
        active.fetch_add(1, Ordering::Relaxed);
    }

    /// A stream to a client begins.
    pub(super) fn stream_started(&self) {
        self.streams_active.fetch_add(1, Ordering::Relaxed);
    }

    /// A call has ended.
    pub(super) fn ended(&self, ended: Ended<'_>) {
        let record = ended.record;
        let active = &self.apis[ended.came_as as usize].active;
        active.fetch_sub(1, Ordering::Relaxed);
        let api = &self.apis[record.dialect as usize];
        api.duration.observe(ended.took);
        for (histogram, value) in [
            (&api.first_content, record.first_content),
            (&api.overhead, record.head.map(|head| head.overhead)),
        ] {
            if let Some(value) = value {
                histogram.observe(value);
            }
        }
        if ended.streamed == Streamed::Begun {
            self.streams_active.fetch_sub(1, Ordering::Relaxed);
        }
        match plain(record, ended.entries) {
            Some(counters) => self.count_plain(counters, ended),
            None => self.count(ended),
        }
    }

    /// Counts dollars, or an answer that has a usage and no price.
    fn count_cost(&self, counters: &DeploymentCounters, record: &Record) {
        let values = || [model(record), deployment(record)];
        if let Some(cost) = record.cost {
            let counter = counters.cost.get_or_init(|| self.cost.at(values()));
            counter.inc_by(cost.dollars());
        } else if record.usage.output_tokens.is_some() && !record.made_up {
            let counter = (counters.unpriced).get_or_init(|| self.unpriced.at(values()));
            count(counter);
        }
    }

    /// As [`Self::count`], without looking anything up.
    fn count_plain(&self, counters: &DeploymentCounters, ended: Ended<'_>) {
        let Ended {
            record,
            entries,
            end,
            ..
        } = ended;
        let both = || [model(record), deployment(record)];
        count(counters.answered.get_or_init(|| {
            let [model, deployment] = both();
            let (kind, outcome) = (AttemptKind::First, AttemptOutcome::Answered);
            let values = [
                model,
                deployment,
                kind.as_str().into(),
                outcome.as_str().into(),
            ];
            self.attempts.at(values)
        }));
        if let [only] = entries {
            let (lasted, first) = timings(only, ended);
            let durations = || self.durations.at(both());
            counters.duration.get_or_init(durations).observe(lasted);
            if let Some(first) = first {
                let firsts = || self.first_contents.at(both());
                counters.first_content.get_or_init(firsts).observe(first);
            }
        }
        self.count_cost(counters, record);
        for (place, (kind, read)) in TOKEN_KINDS.into_iter().enumerate() {
            if let Some(tokens) = read(record) {
                let counter = counters.tokens[place].get_or_init(|| self.tokens(record, kind));
                counter.fetch_add(tokens, Ordering::Relaxed);
            }
        }
        if end != EndReason::Complete {
            return self.count_end(ended);
        }
        let counter = &counters.complete[record.dialect as usize];
        count(counter.get_or_init(|| self.calls(record, end)));
        if ended.streamed == Streamed::Begun {
            let counter = (counters.streams).get_or_init(|| self.streams(record, end));
            count(counter);
        }
    }

    fn count(&self, ended: Ended<'_>) {
        let record = ended.record;
        self.count_end(ended);
        self.count_cost(&DeploymentCounters::default(), record);
        for (kind, read) in TOKEN_KINDS {
            if let Some(tokens) = read(record) {
                let counter = self.tokens(record, kind);
                counter.fetch_add(tokens, Ordering::Relaxed);
            }
        }
        for entry in ended.entries {
            self.count_attempt(entry, ended);
        }
        let course = record.course;
        for (series, times) in [
            (&self.retries, course.retries),
            (&self.fallbacks, course.fallbacks),
            (&self.hedges, course.hedges),
        ] {
            if times > 0 {
                let counter = series.at([model(record)]);
                counter.fetch_add(times.into(), Ordering::Relaxed);
            }
        }
    }

    fn count_attempt(&self, entry: &Entry, ended: Ended<'_>) {
        let both = || names(&entry.deployment);
        let [model, deployment] = both();
        let (kind, outcome) = (entry.kind.as_str(), entry.outcome.as_str());
        let values = [model, deployment, kind.into(), outcome.into()];
        count(&self.attempts.at(values));
        if entry.outcome == AttemptOutcome::Answered && entry.broke.is_none() {
            let (lasted, first) = timings(entry, ended);
            self.durations.at(both()).observe(lasted);
            if let Some(first) = first {
                self.first_contents.at(both()).observe(first);
            }
        }
    }

    fn count_end(&self, ended: Ended<'_>) {
        count(&self.calls(ended.record, ended.end));
        if ended.streamed == Streamed::Begun {
            count(&self.streams(ended.record, ended.end));
        }
    }

    fn calls(&self, record: &Record, end: EndReason) -> Arc<AtomicU64> {
        let values = [
            record.dialect.name().into(),
            model(record),
            end.as_str().into(),
        ];
        self.calls.at(values)
    }

    fn streams(&self, record: &Record, end: EndReason) -> Arc<AtomicU64> {
        self.streams_ended.at([model(record), end.as_str().into()])
    }

    fn tokens(&self, record: &Record, kind: &'static str) -> Arc<AtomicU64> {
        self.tokens
            .at([model(record), deployment(record), kind.into()])
    }

    /// Calls under way, whatever their front end.
    pub(super) fn active(&self) -> u64 {
        let apis = self.apis.iter();
        let active: i64 = apis.map(|it| it.active.load(Ordering::Relaxed)).sum();
        u64::try_from(active).unwrap_or_default()
    }

    /// Writes all of it.
    pub(super) fn write(&self, page: &mut Exposition<'_>) -> fmt::Result {
        self.calls.write(page)?;
        page.family(&families::CALLS_ACTIVE, |samples| {
            for (api, dialect) in self.apis.iter().zip(Dialect::ALL) {
                samples.level(&[dialect.name()], api.active.load(Ordering::Relaxed))?;
            }
            Ok(())
        })?;
        self.write_timings(page, &families::CALL_DURATION, |it| &it.duration)?;
        self.write_timings(page, &families::OVERHEAD, |it| &it.overhead)?;
        self.write_timings(page, &families::FIRST_CONTENT, |it| &it.first_content)?;
        page.family(&families::STREAMS_ACTIVE, |samples| {
            samples.level(&[], self.streams_active.load(Ordering::Relaxed))
        })?;
        self.streams_ended.write(page)?;
        self.tokens.write(page)?;
        self.cost.write(page)?;
        self.unpriced.write(page)?;
        self.attempts.write(page)?;
        self.durations.write(page)?;
        self.first_contents.write(page)?;
        self.retries.write(page)?;
        self.fallbacks.write(page)?;
        self.hedges.write(page)
    }

    fn write_timings(
        &self,
        page: &mut Exposition<'_>,
        family: &'static Family,
        of: fn(&ApiMetrics) -> &Timings,
    ) -> fmt::Result {
        page.family(family, |samples| {
            for (api, dialect) in self.apis.iter().zip(Dialect::ALL) {
                samples.histogram(&[dialect.name()], &of(api).seen())?;
            }
            Ok(())
        })
    }

    /// Forgets what nothing counts in any more. See [`Series::sweep`].
    pub(super) fn sweep(&self, known: &HashSet<Arc<str>>, now: Instant) {
        self.calls.sweep(known, now);
        self.streams_ended.sweep(known, now);
        self.tokens.sweep(known, now);
        self.cost.sweep(known, now);
        self.unpriced.sweep(known, now);
        self.attempts.sweep(known, now);
        self.durations.sweep(known, now);
        self.first_contents.sweep(known, now);
        for series in [&self.retries, &self.fallbacks, &self.hedges] {
            series.sweep(known, now);
        }
    }

    /// How often a family had too many series.
    pub(super) fn overflowed(&self) -> u64 {
        let models = [&self.retries, &self.fallbacks, &self.hedges];
        self.calls.overflowed()
            + self.streams_ended.overflowed()
            + self.tokens.overflowed()
            + self.cost.overflowed()
            + self.unpriced.overflowed()
            + self.attempts.overflowed()
            + self.durations.overflowed()
            + self.first_contents.overflowed()
            + models.iter().map(|it| it.overflowed()).sum::<u64>()
    }

    /// What LiteLLM's names are made of.
    pub(super) fn view(&self) -> DeploymentView<'_> {
        DeploymentView {
            tokens: &self.tokens,
            cost: &self.cost,
            attempts: &self.attempts,
            durations: &self.durations,
            first_contents: &self.first_contents,
        }
    }
}

pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

fn latencies() -> Timings {
    Timings::new(&LATENCIES)
}

/// A sum of dollars.
pub(super) type Dollars = Counter<f64, AtomicU64>;

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
