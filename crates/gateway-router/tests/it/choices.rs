//! Who is chosen, how often. Seeds are fixed: what passes once passes always.

use std::collections::BTreeMap;
use std::sync::Arc;

use gateway_core::ErrorKind;
use gateway_router::{
    Again, CallOptions, Catalog, DeploymentConfig, Failure, Fallbacks, Outcome, Retries, Routing,
    Step, Target,
};
use proptest::prelude::*;
use tokio::time::Instant;

use crate::world::{catalog, first, named, plan, routed};

const CALLS: u32 = 20_000;

/// Weight, rpm, tpm, order; the ids are the letters from `a`.
type Share = (Option<f64>, Option<u64>, Option<u64>, Option<i64>);

fn group(shares: &[Share]) -> Arc<Catalog> {
    let members = ('a'..).zip(shares).map(|(id, share)| {
        let (weight, rpm, tpm, order) = *share;
        DeploymentConfig {
            weight,
            rpm,
            tpm,
            order,
            ..named(&id.to_string(), "g", "openai/m")
        }
    });
    catalog(members.collect(), Vec::new())
}

fn counts(catalog: &Arc<Catalog>, calls: u32) -> BTreeMap<String, u32> {
    let mut counts = BTreeMap::new();
    for seed in 0..calls {
        let chosen = first(catalog, "g", u64::from(seed)).expect("somebody");
        *counts.entry(chosen).or_default() += 1;
    }
    counts
}

/// Pearson's statistic against the expected shares; those with no share must not be chosen at all.
fn chi_squared(counts: &BTreeMap<String, u32>, shares: &[(&str, f64)]) -> f64 {
    let total: f64 = shares.iter().map(|(_, share)| share).sum();
    let mut sum = 0.0;
    for (id, share) in shares {
        let expected = f64::from(CALLS) * share / total;
        let seen = f64::from(counts.get(*id).copied().unwrap_or(0));
        if expected > 0.0 {
            sum += (seen - expected).powi(2) / expected;
        } else {
            assert_eq!(seen, 0.0, "{id} has no share");
        }
    }
    sum
}

/// The members of a group, and the share of the calls that each of them should get.
type Row<'a> = (&'a [Share], &'a [(&'a str, f64)]);

fn check(rows: &[Row<'_>]) {
    for (shares, expected) in rows {
        let counts = counts(&group(shares), CALLS);
        let statistic = chi_squared(&counts, expected);
        // At most three degrees of freedom: 16.27 is passed by chance once in a thousand times.
        assert!(statistic < 16.27, "{statistic} {counts:?} {expected:?}");
    }
}

#[tokio::test]
async fn calls_are_shared_by_the_first_of_weight_rpm_and_tpm_that_anybody_has() {
    check(&[
        (
            &[
                (Some(1.0), Some(9), None, None),
                (Some(2.0), None, None, None),
                (Some(7.0), None, None, None),
            ],
            &[("a", 1.0), ("b", 2.0), ("c", 7.0)],
        ),
        (
            &[
                (Some(0.0), Some(10), Some(1), None),
                (None, Some(90), None, None),
                (None, None, Some(5), None),
            ],
            &[("a", 10.0), ("b", 90.0), ("c", 0.0)],
        ),
        (
            &[
                (None, Some(0), Some(100_000), None),
                (None, None, Some(300_000), None),
            ],
            &[("a", 1.0), ("b", 3.0)],
        ),
        (
            &[
                (None, None, None, None),
                (None, None, None, None),
                (None, None, None, None),
            ],
            &[("a", 1.0), ("b", 1.0), ("c", 1.0)],
        ),
        (
            &[
                (Some(0.5), None, None, None),
                (Some(0.5), None, None, None),
                (None, None, None, None),
            ],
            &[("a", 1.0), ("b", 1.0), ("c", 0.0)],
        ),
    ]);
}

#[tokio::test]
async fn only_the_lowest_level_present_is_used() {
    check(&[
        // Who has no level is out, too.
        (
            &[
                (Some(5.0), None, None, Some(2)),
                (Some(1.0), None, None, Some(1)),
                (Some(3.0), None, None, Some(1)),
                (Some(9.0), None, None, None),
            ],
            &[("a", 0.0), ("b", 1.0), ("c", 3.0), ("d", 0.0)],
        ),
        // The shares of another level decide nothing.
        (
            &[
                (Some(5.0), None, None, Some(2)),
                (None, None, None, Some(1)),
                (None, None, None, Some(1)),
            ],
            &[("a", 0.0), ("b", 1.0), ("c", 1.0)],
        ),
    ]);
}

#[tokio::test]
async fn equal_seeds_choose_alike() {
    let catalog = group(&[(None, None, None, None), (None, None, None, None)]);
    for seed in 0..50 {
        assert_eq!(first(&catalog, "g", seed), first(&catalog, "g", seed));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn whoever_is_chosen_is_on_the_lowest_level_and_has_a_share(
        members in proptest::collection::vec(
            (proptest::option::of(0_u32..4), proptest::option::of(0_i64..3)), 1..6),
        seed in any::<u64>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let _inside = runtime.enter();
        let shares: Vec<Share> = members
            .iter()
            .map(|(weight, order)| (weight.map(f64::from), None, None, *order))
            .collect();
        let chosen = first(&group(&shares), "g", seed).expect("somebody");
        let (_, (weight, order)) = ('a'..).zip(&members).find(|(id, _)| chosen == id.to_string()).expect("a member");
        let level = members.iter().filter_map(|(_, order)| *order).min();
        prop_assert_eq!(*order, level);
        let weighted = members.iter().any(|(weight, order)| *order == level && weight.unwrap_or(0) > 0);
        prop_assert!(!weighted || members.len() == 1 || weight.unwrap_or(0) > 0);
    }
}

#[tokio::test]
async fn a_call_may_be_bound_to_so_many_attempts_in_all() {
    let members = [("a", "g"), ("b", "g"), ("c", "h"), ("d", "h")];
    let members = members.map(|(id, group)| named(id, group, "openai/m"));
    let to_h: Arc<[Target]> = Arc::new([Target::named("h")]);
    for (most, made) in [
        (None, 6),
        (Some(0), 1),
        (Some(1), 2),
        (Some(3), 4),
        (Some(9), 6),
    ] {
        let routing = Routing {
            retries: Retries {
                per_call: most,
                budget: 100.0,
                ..Retries::default()
            },
            fallbacks: Fallbacks {
                general: [("g".to_owned(), Arc::clone(&to_h))].into(),
                ..Routing::default().fallbacks
            },
            ..Routing::default()
        };
        let catalog = routed(members.to_vec(), Vec::new(), routing);
        let mut plan = plan(&catalog, "g", CallOptions::default(), 1);
        let outcome = Outcome::new(ErrorKind::Upstream, Again::Failed);
        let mut now = Instant::now();
        let mut step = plan.next(None, now);
        let mut attempts = 0;
        loop {
            step = match step {
                Step::Try(attempt) => {
                    attempts += 1;
                    let failure = Failure {
                        attempt: &attempt,
                        outcome: &outcome,
                    };
                    plan.next(Some(failure), now)
                }
                Step::Wait(until) => {
                    now = until;
                    plan.next(None, now)
                }
                Step::GiveUp(_) => break,
            };
        }
        assert_eq!(attempts, made, "{most:?}");
    }
}
