//! Who is chosen, how often. Seeds are fixed: what passes once passes always.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use gateway_core::ErrorKind;
use tokio::time::Instant;

use super::Candidate;
use crate::config::{CooldownRules, DeploymentConfig, Price, Strategy};
use crate::deployment::Deployment;
use crate::ledger::{Sample, Terms};
use crate::world::{entry, failure, group, seconds};

const CALLS: u32 = 20_000;

const LATENCY: Strategy = Strategy::Latency {
    buffer: 0.0,
    ttl: seconds(3600),
};

/// The members `a`, `b`, …, each changed by its function.
fn members(changes: &[fn(&mut DeploymentConfig)], now: Instant) -> Vec<Arc<Deployment>> {
    let entries = ('a'..).zip(changes).map(|(id, change)| {
        let mut entry = entry(&id.to_string());
        change(&mut entry);
        entry
    });
    group(entries.collect(), now)
}

/// How often each is chosen in so many calls.
fn counts(
    strategy: Strategy,
    members: &[Arc<Deployment>],
    stream: bool,
    now: Instant,
) -> BTreeMap<String, u32> {
    let mut rng = Rng::with_seed(7);
    let candidates: Vec<Candidate<'_>> = members
        .iter()
        .map(|deployment| Candidate {
            deployment,
            view: deployment.ledger.view(now),
        })
        .collect();
    let mut counts = BTreeMap::new();
    for _ in 0..CALLS {
        let chosen = strategy.pick(&candidates, stream, &mut rng, now);
        let id = chosen.expect("somebody").deployment.id.as_ref().to_owned();
        *counts.entry(id).or_default() += 1;
    }
    counts
}

/// Every share is hit within three standard deviations, and nobody else is chosen.
#[track_caller]
fn assert_shares(counts: &BTreeMap<String, u32>, shares: &[(&str, f64)]) {
    let total: f64 = shares.iter().map(|(_, share)| share).sum();
    let known: u32 = shares.iter().filter_map(|(id, _)| counts.get(*id)).sum();
    assert_eq!(known, CALLS, "{counts:?}");
    for (id, share) in shares {
        let share = share / total;
        let expected = f64::from(CALLS) * share;
        let sigma = (f64::from(CALLS) * share * (1.0 - share)).sqrt();
        let seen = f64::from(counts.get(*id).copied().unwrap_or(0));
        assert!(
            (seen - expected).abs() <= 3.0 * sigma,
            "{id}: {seen}, not {expected}"
        );
    }
}

type Changes<'a> = &'a [fn(&mut DeploymentConfig)];

#[test]
fn the_shuffle_shares_by_the_first_of_weight_rpm_and_tpm_that_anybody_has() {
    let now = Instant::now();
    let rows: [(Changes<'_>, &[(&str, f64)]); 5] = [
        (
            &[
                |it| (it.weight, it.rpm) = (Some(1.0), Some(9)),
                |it| it.weight = Some(2.0),
                |it| it.weight = Some(7.0),
            ],
            &[("a", 1.0), ("b", 2.0), ("c", 7.0)],
        ),
        (
            &[
                |it| (it.weight, it.rpm) = (Some(0.0), Some(10)),
                |it| it.rpm = Some(90),
                |it| it.tpm = Some(5),
            ],
            &[("a", 10.0), ("b", 90.0)],
        ),
        (
            &[|it| it.tpm = Some(100_000), |it| it.tpm = Some(300_000)],
            &[("a", 1.0), ("b", 3.0)],
        ),
        (
            &[|_| {}, |_| {}, |_| {}],
            &[("a", 1.0), ("b", 1.0), ("c", 1.0)],
        ),
        (
            &[
                |it| it.weight = Some(0.001),
                |it| it.weight = Some(0.001),
                |_| {},
            ],
            &[("a", 1.0), ("b", 1.0)],
        ),
    ];
    for (changes, shares) in rows {
        let members = members(changes, now);
        let counts = counts(Strategy::SimpleShuffle, &members, false, now);
        assert_shares(&counts, shares);
        for (id, share) in shares {
            let total: f64 = shares.iter().map(|(_, share)| share).sum();
            let one = members.iter().find(|it| *it.id == **id).expect("a member");
            let said = super::shuffle::share(one, || members.iter().map(|it| &**it));
            assert!((said - share / total).abs() < 1e-9);
        }
    }
}

#[test]
fn equal_seeds_choose_alike() {
    let now = Instant::now();
    let members = members(&[|_| {}, |_| {}, |_| {}], now);
    for strategy in [
        Strategy::SimpleShuffle,
        Strategy::LeastBusy,
        LATENCY,
        Strategy::Cost,
    ] {
        let first = counts(strategy, &members, false, now);
        assert_eq!(first, counts(strategy, &members, false, now));
        assert_shares(&first, &[("a", 1.0), ("b", 1.0), ("c", 1.0)]);
    }
}

#[test]
fn the_least_busy_ones_share_the_calls() {
    let now = Instant::now();
    let members = members(&[|_| {}, |_| {}, |_| {}], now);
    let begin = |at: usize| {
        members[at]
            .ledger
            .begin(now, Terms::default())
            .expect("ready")
    };
    let held = begin(0);
    let counts_now = || counts(Strategy::LeastBusy, &members, false, now);
    assert_shares(&counts_now(), &[("b", 1.0), ("c", 1.0)]);
    begin(1);
    begin(1);
    begin(2);
    assert_shares(&counts_now(), &[("a", 1.0), ("c", 1.0)]);
    members[0].ledger.ended(held);
    assert_shares(&counts_now(), &[("a", 1.0)]);
}

/// An attempt that told how fast it was, and is over.
fn sample(deployment: &Deployment, sample: Sample, now: Instant) {
    let ledger = &deployment.ledger;
    let begun = ledger.begin(now, Terms::default()).expect("ready");
    ledger.succeeded(begun, sample, now);
    ledger.ended(begun);
}

const fn streamed(milliseconds: u64) -> Sample {
    Sample {
        first_content: Some(Duration::from_millis(milliseconds)),
        whole: None,
        output_tokens: None,
    }
}

const fn answered(milliseconds: u64, tokens: u64) -> Sample {
    Sample {
        first_content: None,
        whole: Some(Duration::from_millis(milliseconds)),
        output_tokens: Some(tokens),
    }
}

#[test]
fn streams_go_where_first_contents_are_fast_and_others_where_tokens_are() {
    let now = Instant::now();
    let members = members(&[|_| {}, |_| {}, |_| {}], now);
    sample(&members[0], streamed(100), now);
    sample(&members[1], streamed(105), now);
    sample(&members[2], streamed(300), now);
    sample(&members[0], answered(4000, 10), now);
    sample(&members[1], answered(4000, 400), now);
    sample(&members[2], answered(9000, 1000), now);
    let row = |buffer, ttl, stream, later: u64| {
        let ttl = seconds(ttl);
        let strategy = Strategy::Latency { buffer, ttl };
        counts(strategy, &members, stream, now + seconds(later))
    };
    assert_shares(&row(0.0, 3600, true, 0), &[("a", 1.0)]);
    assert_shares(&row(0.1, 3600, true, 0), &[("a", 1.0), ("b", 1.0)]);
    assert_shares(
        &row(2.0, 3600, true, 0),
        &[("a", 1.0), ("b", 1.0), ("c", 1.0)],
    );
    assert_shares(&row(0.0, 3600, false, 0), &[("c", 1.0)]);
    assert_shares(&row(0.2, 3600, false, 0), &[("b", 1.0), ("c", 1.0)]);
    // When all samples are too old, all are unknown again.
    assert_shares(
        &row(0.0, 60, true, 60),
        &[("a", 1.0), ("b", 1.0), ("c", 1.0)],
    );
}

#[test]
fn the_unknown_are_explored_by_one_call_at_a_time() {
    let now = Instant::now();
    let members = members(&[|_| {}, |_| {}, |_| {}], now);
    sample(&members[0], streamed(1), now);
    let counts_now = || counts(LATENCY, &members, true, now);
    assert_shares(&counts_now(), &[("b", 1.0), ("c", 1.0)]);
    let begin = |at: usize| {
        members[at]
            .ledger
            .begin(now, Terms::default())
            .expect("ready")
    };
    begin(1);
    assert_shares(&counts_now(), &[("c", 1.0)]);
    begin(2);
    assert_shares(&counts_now(), &[("a", 1.0)]);
}

#[test]
fn who_timed_out_is_avoided_for_a_while() {
    let now = Instant::now();
    let members = members(&[|_| {}, |_| {}], now);
    sample(&members[0], streamed(1), now);
    sample(&members[1], streamed(500), now);
    let ledger = &members[0].ledger;
    let begun = ledger.begin(now, Terms::default()).expect("ready");
    ledger.failed(
        begun,
        &failure(ErrorKind::Timeout),
        &CooldownRules::default(),
        now,
    );
    ledger.ended(begun);
    assert_shares(&counts(LATENCY, &members, true, now), &[("b", 1.0)]);
    let later = now + seconds(60);
    assert_shares(&counts(LATENCY, &members, true, later), &[("a", 1.0)]);
}

#[test]
fn the_least_used_of_this_minute_gets_the_call() {
    let now = Instant::now();
    let members = members(&[|_| {}, |_| {}, |_| {}], now);
    let counts_now = |now| counts(Strategy::Usage, &members, false, now);
    members[0].ledger.used(100, now);
    assert_shares(&counts_now(now), &[("b", 1.0), ("c", 1.0)]);
    // Tokens are known late: requests tell earlier.
    members[1]
        .ledger
        .begin(now, Terms::default())
        .expect("ready");
    assert_shares(&counts_now(now), &[("c", 1.0)]);
    members[1].ledger.used(50, now);
    members[2].ledger.used(70, now);
    assert_shares(&counts_now(now), &[("b", 1.0)]);
    assert_shares(
        &counts_now(now + seconds(60)),
        &[("a", 1.0), ("b", 1.0), ("c", 1.0)],
    );
}

#[test]
fn the_cheapest_gets_the_call_and_who_has_no_price_is_last() {
    const fn price(input: f64, output: f64) -> Option<Price> {
        Some(Price { input, output })
    }
    let now = Instant::now();
    let all: [fn(&mut DeploymentConfig); 4] = [
        |_| {},
        |it| it.price = price(3.0, 1.0),
        |it| it.price = price(1.0, 3.0),
        |it| it.price = price(1.0, 3.5),
    ];
    let members = members(&all, now);
    let counts_of = |members| counts(Strategy::Cost, members, false, now);
    assert_shares(&counts_of(&members), &[("b", 1.0), ("c", 1.0)]);
    let unknown_and_dear = [Arc::clone(&members[0]), Arc::clone(&members[3])];
    assert_shares(&counts_of(&unknown_and_dear), &[("d", 1.0)]);
    let unknown = [Arc::clone(&members[0]), Arc::clone(&members[0])];
    assert_shares(&counts_of(&unknown), &[("a", 1.0)]);
}
