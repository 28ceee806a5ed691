//! LiteLLM's names, from the same counters. What they need beside those is counted only while they are switched on.
//!
//! Labels that say who a client is (keys, teams, users, addresses) are left out: nothing here knows them, or they are
//! without bound.

mod words; // LiteLLM's statuses, exceptions and routes.
mod written;

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use gateway_core::{Dialect, EndReason};
use tokio::time::Instant;

use super::calls::{Dollars, count};
use super::ended::{Ended, deployment, model, names, plain};
use super::families::litellm as families;
use super::series::{Series, Word};
use super::timings::{LITELLM, LITELLM_DEFAULT, Timings};
use words::{exception, route, status};
pub(super) use written::write;

/// What only LiteLLM's names need.
#[derive(Debug)]
pub(super) struct LiteLlm {
    on: AtomicBool,
    /// By the model that was asked for, the status, the route and the deployment.
    requests: Series<AtomicU64, 4>,
    /// The same with the exception's class.
    failed: Series<AtomicU64, 5>,
    /// By the model that was asked for and the deployment.
    totals: Series<Timings, 2>,
    queues: Series<Timings, 2>,
    /// By the deployment's group and the deployment.
    overheads: Series<Timings, 2>,
    per_token: Series<Timings, 2>,
    /// By the model that was asked for and the one that it fell back to.
    fell_back: Series<AtomicU64, 2>,
    failed_back: Series<AtomicU64, 2>,
}

/// The series of plain calls that a deployment answers, looked up once.
#[derive(Debug, Default)]
pub(super) struct DeploymentCounters {
    requests: [OnceLock<Arc<AtomicU64>>; Dialect::ALL.len()],
    total: OnceLock<Arc<Timings>>,
    queue: OnceLock<Arc<Timings>>,
    overhead: OnceLock<Arc<Timings>>,
    per_token: OnceLock<Arc<Timings>>,
}

/// The gateway's own series that LiteLLM's names show in another form.
#[derive(Debug)]
pub(super) struct DeploymentView<'m> {
    /// By model, deployment and kind.
    pub tokens: &'m Series<AtomicU64, 3>,
    /// By model and deployment.
    pub cost: &'m Series<Dollars, 2>,
    /// By model, deployment, kind and outcome.
    pub attempts: &'m Series<AtomicU64, 4>,
    /// By model and deployment.
    pub durations: &'m Series<Timings, 2>,
    /// By model and deployment.
    pub first_contents: &'m Series<Timings, 2>,
}

impl LiteLlm {
    pub(super) fn new() -> Self {
        let latencies = || Timings::new(&LITELLM);
        Self {
            on: AtomicBool::new(false),
            requests: Series::new(&families::REQUESTS, AtomicU64::default),
            failed: Series::new(&families::FAILED, AtomicU64::default),
            totals: Series::new(&families::TOTAL_LATENCY, latencies),
            queues: Series::new(&families::QUEUE_TIME, latencies),
            overheads: Series::new(&families::OVERHEAD, latencies),
            per_token: Series::new(&families::PER_TOKEN, || Timings::new(&LITELLM_DEFAULT)),
            fell_back: Series::new(&families::FELL_BACK, AtomicU64::default),
            failed_back: Series::new(&families::FAILED_BACK, AtomicU64::default),
        }
    }

    /// Switches it on or off.
    pub(super) fn switch(&self, on: bool) {
        self.on.store(on, Ordering::Relaxed);
    }

    /// Whether it is on.
    pub(super) fn is_on(&self) -> bool {
        self.on.load(Ordering::Relaxed)
    }

    /// A call has ended.
    pub(super) fn ended(&self, ended: Ended<'_>) {
        let record = ended.record;
        let nobody = DeploymentCounters::default();
        let cached = plain(record, ended.entries);
        let counters = cached.map(|it| &**it.litellm.get_or_init(Box::default));
        if ended.end == EndReason::Complete && record.status == 200 {
            self.succeeded(counters.unwrap_or(&nobody), ended);
        } else {
            count(&self.request(ended));
        }
        if record.course.fallbacks > 0
            && let Some(last) = ended.entries.last()
        {
            let series = match ended.end {
                EndReason::Complete => &self.fell_back,
                _ => &self.failed_back,
            };
            count(&series.at([model(record), Word::from(&last.deployment.group)]));
        }
        if !matches!(ended.end, EndReason::Complete | EndReason::ClientGone) {
            let (status, class) = exception(record.status, ended.end);
            let [model, deployment] = [model(record), self.deployment(ended)];
            let route = route(record.dialect).into();
            let values = [model, status.into(), class.into(), route, deployment];
            count(&self.failed.at(values));
        }
    }

    fn succeeded(&self, counters: &DeploymentCounters, ended: Ended<'_>) {
        let record = ended.record;
        let requests = &counters.requests[record.dialect as usize];
        count(requests.get_or_init(|| self.request(ended)));
        let Some(attempt) = &record.attempt else {
            return;
        };
        let asked = || [model(record), deployment(record)];
        let own = || names(&attempt.deployment);
        let total = counters.total.get_or_init(|| self.totals.at(asked()));
        total.observe(ended.took);
        if let Some(queued) = record.queued {
            let queue = counters.queue.get_or_init(|| self.queues.at(asked()));
            queue.observe(queued);
        }
        if let Some(head) = record.head {
            let overhead = (counters.overhead).get_or_init(|| self.overheads.at(own()));
            overhead.observe(head.overhead);
        }
        let whole = record.first_content.filter(|_| record.stream);
        let whole = whole.unwrap_or(ended.took);
        if let Some(each) = record.usage.output_tokens.and_then(|it| share(whole, it)) {
            let per_token = (counters.per_token).get_or_init(|| self.per_token.at(own()));
            per_token.observe(each);
        }
    }

    fn request(&self, ended: Ended<'_>) -> Arc<AtomicU64> {
        let record = ended.record;
        let (status, route) = (status(record.status), route(record.dialect));
        let deployment = self.deployment(ended);
        self.requests
            .at([model(record), status.into(), route.into(), deployment])
    }

    /// The deployment that answered, else the last that was asked.
    fn deployment(&self, ended: Ended<'_>) -> Word {
        match ended.entries.last() {
            Some(last) if ended.record.attempt.is_none() => Word::from(&last.deployment.id),
            _ => deployment(ended.record),
        }
    }

    /// Forgets what nothing counts in any more. See [`Series::sweep`].
    pub(super) fn sweep(&self, known: &HashSet<Arc<str>>, now: Instant) {
        self.requests.sweep(known, now);
        self.failed.sweep(known, now);
        for series in [&self.totals, &self.queues, &self.overheads, &self.per_token] {
            series.sweep(known, now);
        }
        for series in [&self.fell_back, &self.failed_back] {
            series.sweep(known, now);
        }
    }

    /// How often a family had too many series.
    pub(super) fn overflowed(&self) -> u64 {
        let timings = [&self.totals, &self.queues, &self.overheads, &self.per_token];
        let counts = [&self.fell_back, &self.failed_back];
        self.requests.overflowed()
            + self.failed.overflowed()
            + timings.iter().map(|it| it.overflowed()).sum::<u64>()
            + counts.iter().map(|it| it.overflowed()).sum::<u64>()
    }
}

/// The part of each of so many.
fn share(whole: Duration, parts: u64) -> Option<Duration> {
    let parts = u32::try_from(parts).unwrap_or(u32::MAX);
    whole.checked_div(parts)
}
