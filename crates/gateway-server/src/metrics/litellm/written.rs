//! LiteLLM's names as they are written: series of the gateway's own with the labels that LiteLLM's have.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use gateway_router::{Deployment, Standing};

use super::super::exposition::Exposition;
use super::super::families::litellm as families;
use super::super::series::Series;
use super::super::table::Family;
use super::super::timings::{LITELLM, Seen, Timings};
use super::super::{Metrics, deployments};
use super::words::failure;
use super::{DeploymentView, LiteLlm};
use crate::worker::Snapshot;

/// The deployments by id; a series of one that is gone keeps its id only.
struct Known<'s>(HashMap<&'s str, &'s Deployment>);

/// What LiteLLM's labels say of one.
#[derive(Clone, Copy, Default)]
struct Facts<'s> {
    group: &'s str,
    model: &'s str,
    provider: &'s str,
    base: &'s str,
}

impl<'s> Known<'s> {
    fn of(snapshot: &'s Snapshot) -> Self {
        let deployments = snapshot.catalog.deployments();
        Self(deployments.map(|it| (&*it.id, &**it)).collect())
    }

    fn facts(&self, id: &str) -> Facts<'s> {
        self.0.get(id).map_or(Facts::default(), |it| facts(it))
    }
}

fn facts(deployment: &Deployment) -> Facts<'_> {
    Facts {
        group: &deployment.group,
        model: deployment.endpoint.upstream_model(),
        provider: deployment.endpoint.provider(),
        base: deployment.endpoint.api_base_for_display(),
    }
}

/// Writes all of LiteLLM's names.
pub(in super::super) fn write(
    metrics: &Metrics,
    snapshot: &Snapshot,
    page: &mut Exposition<'_>,
) -> fmt::Result {
    let known = Known::of(snapshot);
    let (own, view) = (&metrics.litellm, metrics.calls.view());
    own.write_requests(&known, page)?;
    write_answered(&view, &known, page)?;
    write_usage(&view, &known, page)?;
    write_latencies(own, &view, &known, page)?;
    page.family(&families::IN_FLIGHT, |samples| {
        samples.level(&[], metrics.calls.active())
    })?;
    write_deployments(metrics, snapshot, page)?;
    write_attempts(&view, &known, page)?;
    own.write_rest(&known, page)
}

impl LiteLlm {
    fn write_requests(&self, known: &Known<'_>, page: &mut Exposition<'_>) -> fmt::Result {
        page.family(&families::REQUESTS, |samples| {
            for ([model, status, route, id], counter) in self.requests.all() {
                let provider = known.facts(&id).provider;
                let values = [&*model, &status, &route, &id, provider];
                samples.count(&values, counter.load(Ordering::Relaxed))?;
            }
            Ok(())
        })?;
        page.family(&families::FAILED, |samples| {
            for ([model, status, class, route, id], counter) in self.failed.all() {
                let provider = known.facts(&id).provider;
                let class = named(provider, &class);
                let values = [&*model, &status, &class, &route, &id, provider];
                samples.count(&values, counter.load(Ordering::Relaxed))?;
            }
            Ok(())
        })
    }

    fn write_rest(&self, known: &Known<'_>, page: &mut Exposition<'_>) -> fmt::Result {
        page.family(&families::PER_TOKEN, |samples| {
            for ([group, id], timings) in self.per_token.all() {
                let it = known.facts(&id);
                let values = [&*group, it.model, &id, it.base, it.provider];
                samples.histogram(&values, &timings.seen())?;
            }
            Ok(())
        })?;
        self.fell_back.write(page)?;
        self.failed_back.write(page)
    }
}

/// Sums up the attempts of each deployment that pass.
fn write_answered(
    view: &DeploymentView<'_>,
    known: &Known<'_>,
    page: &mut Exposition<'_>,
) -> fmt::Result {
    page.family(&families::ANSWERED, |samples| {
        for ((model, id), count) in attempts(view, |outcome| outcome == "answered") {
            let it = known.facts(&id);
            samples.count(&[&model, it.model, &id, it.provider], count)?;
        }
        Ok(())
    })?;
    page.family(&families::API_FAILED, |samples| {
        for ((_, id), count) in attempts(view, |outcome| failure(outcome).is_some()) {
            samples.count(&[known.facts(&id).model, &id], count)?;
        }
        Ok(())
    })
}

/// The attempts with these outcomes, by group and deployment.
fn attempts(view: &DeploymentView<'_>, wanted: Wanted) -> BTreeMap<(String, String), u64> {
    let mut sums = BTreeMap::new();
    for ([model, id, _, outcome], counter) in view.attempts.all() {
        if wanted(&outcome) {
            let sum = sums.entry((model.to_string(), id.to_string())).or_default();
            *sum += counter.load(Ordering::Relaxed);
        }
    }
    sums
}

fn write_usage(
    view: &DeploymentView<'_>,
    known: &Known<'_>,
    page: &mut Exposition<'_>,
) -> fmt::Result {
    page.family(&families::SPEND, |samples| {
        for ([model, id], dollars) in view.cost.all() {
            let it = known.facts(&id);
            samples.amount(&[&model, it.model, &id, it.provider], dollars.get())?;
        }
        Ok(())
    })?;
    for (family, kinds) in TOKENS {
        page.family(family, |samples| {
            let mut sums = BTreeMap::<_, u64>::new();
            for ([model, id, kind], counter) in view.tokens.all() {
                if kinds.contains(&&*kind) {
                    let sum = sums.entry((model.to_string(), id.to_string())).or_default();
                    *sum += counter.load(Ordering::Relaxed);
                }
            }
            for ((model, id), sum) in sums {
                let it = known.facts(&id);
                match family.labels.len() {
                    3 => samples.count(&[it.model, &id, it.provider], sum)?,
                    _ => samples.count(&[&model, it.model, &id, it.provider], sum)?,
                }
            }
            Ok(())
        })?;
    }
    Ok(())
}

fn write_latencies(
    own: &LiteLlm,
    view: &DeploymentView<'_>,
    known: &Known<'_>,
    page: &mut Exposition<'_>,
) -> fmt::Result {
    for (family, series) in [
        (&families::TOTAL_LATENCY, &own.totals),
        (&families::API_LATENCY, view.durations),
        (&families::FIRST_TOKEN, view.first_contents),
    ] {
        page.family(family, |samples| {
            for (model, id, seen) in seen(series) {
                let it = known.facts(&id);
                let group = if it.group.is_empty() {
                    &*model
                } else {
                    it.group
                };
                samples.histogram(&[group, &model, it.model, &id, it.provider], &seen)?;
            }
            Ok(())
        })?;
    }
    page.family(&families::OVERHEAD, |samples| {
        for (group, id, seen) in seen(&own.overheads) {
            let it = known.facts(&id);
            samples.histogram(&[&group, it.provider, it.base, it.model, &id], &seen)?;
        }
        Ok(())
    })?;
    page.family(&families::QUEUE_TIME, |samples| {
        for (model, id, seen) in seen(&own.queues) {
            let it = known.facts(&id);
            samples.histogram(&[&model, it.model, &id, it.provider], &seen)?;
        }
        Ok(())
    })
}

/// Timings by model and deployment, in LiteLLM's buckets.
fn seen(series: &Series<Timings, 2>) -> impl Iterator<Item = (String, String, Seen)> {
    let all = series.all().into_iter();
    all.map(|([model, id], timings): (_, Arc<Timings>)| {
        let seen = timings.seen().coarser(&LITELLM);
        (model.to_string(), id.to_string(), seen)
    })
}

fn write_deployments(
    metrics: &Metrics,
    snapshot: &Snapshot,
    page: &mut Exposition<'_>,
) -> fmt::Result {
    let views = deployments::views(snapshot);
    page.family(&families::STATE, |samples| {
        for (deployment, view) in &views {
            let it = facts(deployment);
            let state = match view.standing {
                Standing::SetAside { .. } => 2,
                Standing::Probation { .. } => 1,
                Standing::Ready => i64::from(metrics.is_failing(&deployment.id)),
            };
            samples.level(&[it.model, &deployment.id, it.base, it.provider], state)?;
        }
        Ok(())
    })?;
    for (family, of) in LIMITS {
        page.family(family, |samples| {
            for (deployment, _) in &views {
                if let Some(limit) = of(deployment) {
                    let it = facts(deployment);
                    let values = [it.group, it.model, &deployment.id, it.base, it.provider];
                    samples.level(&values, limit)?;
                }
            }
            Ok(())
        })?;
    }
    for (family, wanted) in QUOTAS {
        page.family(family, |samples| {
            for deployment in snapshot.catalog.deployments() {
                let shown = snapshot.shown.of(deployment);
                let left = shown.and_then(|it| it.counters.quota.known().find(|it| it.0 == wanted));
                if let Some((_, left)) = left {
                    let it = facts(deployment);
                    let values = [it.group, it.provider, it.base, it.model, &deployment.id];
                    samples.level(&values, left)?;
                }
            }
            Ok(())
        })?;
    }
    page.family(&families::COOLED_DOWN, |samples| {
        for (deployment, view) in &views {
            let it = facts(deployment);
            let values = [it.model, &deployment.id, it.base, it.provider];
            samples.count(&values, view.set_aside)?;
        }
        Ok(())
    })
}

fn write_attempts(
    view: &DeploymentView<'_>,
    known: &Known<'_>,
    page: &mut Exposition<'_>,
) -> fmt::Result {
    let both: [(_, Wanted); 2] = [
        (&families::SUCCESSES, |outcome| outcome == "answered"),
        (&families::ATTEMPTS, |outcome| {
            outcome == "answered" || failure(outcome).is_some()
        }),
    ];
    for (family, wanted) in both {
        page.family(family, |samples| {
            for ((model, id), count) in attempts(view, wanted) {
                let it = known.facts(&id);
                let values = [&*model, &model, it.model, &id, it.base, it.provider];
                samples.count(&values, count)?;
            }
            Ok(())
        })?;
    }
    page.family(&families::FAILURES, |samples| {
        let mut sums = BTreeMap::<_, u64>::new();
        for ([model, id, _, outcome], counter) in view.attempts.all() {
            if let Some(failure) = failure(&outcome) {
                let key = (model.to_string(), id.to_string(), failure);
                *sums.entry(key).or_default() += counter.load(Ordering::Relaxed);
            }
        }
        for ((model, id, (status, class)), count) in sums {
            let it = known.facts(&id);
            let class = named(it.provider, class);
            let values = [
                &*model,
                &model,
                it.model,
                &id,
                it.base,
                it.provider,
                status,
                &class,
            ];
            samples.count(&values, count)?;
        }
        Ok(())
    })
}

/// An exception's class as LiteLLM shows it: with the provider's name before it.
fn named(provider: &str, class: &str) -> String {
    let mut letters = provider.chars();
    match letters.next() {
        Some(first) => format!("{}{}.{class}", first.to_uppercase(), letters.as_str()),
        None => class.to_owned(),
    }
}

/// Which kinds of tokens a family of LiteLLM's is the sum of.
const TOKENS: [(&Family, &[&str]); 8] = [
    (&families::TOTAL_TOKENS, &["input", "output"]),
    (&families::INPUT_TOKENS, &["input"]),
    (&families::OUTPUT_TOKENS, &["output"]),
    (&families::CACHED_TOKENS, &["cache_read"]),
    (&families::CACHE_TOKENS, &["cache_write"]),
    (&families::REASONING_TOKENS, &["reasoning"]),
    (&families::CACHE_READ, &["cache_read"]),
    (&families::CACHE_WRITTEN, &["cache_write"]),
];

/// Whether attempts with this outcome count.
type Wanted = fn(&str) -> bool;

/// A deployment's limit, if it has one.
type Limit = fn(&Deployment) -> Option<u64>;

const LIMITS: [(&Family, Limit); 2] = [
    (&families::TPM_LIMIT, |it| it.tpm),
    (&families::RPM_LIMIT, |it| it.rpm),
];

const QUOTAS: [(&Family, &str); 2] = [
    (&families::REMAINING_REQUESTS, "requests"),
    (&families::REMAINING_TOKENS, "tokens"),
];
