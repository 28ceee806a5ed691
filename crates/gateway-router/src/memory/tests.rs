//! What the books remember, and what the calls of a group share.

use std::sync::Arc;
use std::time::Duration;

use gateway_core::ErrorKind;
use proptest::prelude::*;
use tokio::time::Instant;

use super::MemoryBooks;
use crate::config::CooldownRules;
use crate::ledger::{Begun, Books, GroupLedger, Ledger, Pace, Sample, Standing, Terms};
use crate::outcome::Outcome;
use crate::world::{failure, seconds};

fn ledger(start: Instant) -> Arc<dyn Ledger> {
    MemoryBooks::starting(start).ledger(&"d".into())
}

fn group(start: Instant) -> Arc<dyn GroupLedger> {
    MemoryBooks::starting(start).group(&"g".into())
}

fn begin(ledger: &dyn Ledger, now: Instant) -> Begun {
    ledger.begin(now, Terms::default()).expect("it may begin")
}

fn after(first_content: Option<Duration>, whole: Option<(Duration, u64)>) -> Sample {
    Sample {
        first_content,
        whole: whole.map(|(whole, _)| whole),
        output_tokens: whole.map(|(_, tokens)| tokens),
    }
}

const HOUR: Duration = seconds(3600);

#[test]
fn the_same_name_has_the_same_ledger_as_long_as_anybody_uses_it() {
    let now = Instant::now();
    let books = MemoryBooks::starting(now);
    let (d, e): (Arc<str>, Arc<str>) = ("d".into(), "e".into());
    let first = books.ledger(&d);
    begin(&*first, now);
    assert_eq!(books.ledger(&d).view(now).in_flight, 1);
    assert_eq!(books.ledger(&e).view(now).in_flight, 0);
    drop(first);
    assert_eq!(books.ledger(&d).view(now).in_flight, 0);
    let slots = books.slots(&d, 2, 5);
    assert!(Arc::ptr_eq(&slots, &books.slots(&d, 3, 5)));
    assert_eq!(slots.limit(), 3);
}

#[test]
fn requests_and_tokens_are_of_this_minute() {
    let start = Instant::now();
    let ledger = ledger(start);
    let now = start + seconds(50);
    begin(&*ledger, now);
    ledger.used(700, now);
    ledger.used(300, now + seconds(9));
    let view = ledger.view(now + seconds(9));
    assert_eq!((view.requests, view.tokens, view.in_flight), (1, 1000, 1));
    assert_eq!(view.minute_ends, start + seconds(60));
    let view = ledger.view(now + seconds(10));
    assert_eq!((view.requests, view.tokens, view.in_flight), (0, 0, 1));
    assert_eq!(view.minute_ends, start + seconds(120));
}

#[test]
fn no_more_requests_begin_in_a_minute_than_may() {
    let start = Instant::now();
    let ledger = ledger(start);
    let terms = Terms {
        force: false,
        rpm: Some(3),
    };
    let begun = (0..10).filter(|_| ledger.begin(start, terms).is_some());
    assert_eq!(begun.count(), 3);
    assert!(ledger.begin(start + seconds(60), terms).is_some());
}

#[test]
fn the_pace_is_the_mean_of_ten_samples_that_are_not_too_old() {
    let start = Instant::now();
    let ledger = ledger(start);
    let begun = begin(&*ledger, start);
    assert_eq!(ledger.pace(start, HOUR), Pace::default());
    for number in 1..=20 {
        let sample = after(Some(seconds(number)), None);
        ledger.succeeded(begun, sample, start + seconds(number));
    }
    let sample = after(None, Some((seconds(8), 400)));
    ledger.succeeded(begun, sample, start);
    let pace = ledger.pace(start, HOUR);
    assert_eq!(pace.first_content, Some(Duration::from_millis(15_500)));
    assert_eq!(pace.whole, Some(Duration::from_millis(20)));
    let pace = ledger.pace(start + seconds(23), seconds(5));
    assert_eq!(pace.first_content, Some(Duration::from_millis(19_500)));
    assert_eq!(pace.whole, None);
}

#[test]
fn a_timeout_is_a_very_slow_sample_for_a_minute() {
    let start = Instant::now();
    let ledger = ledger(start);
    let begun = begin(&*ledger, start);
    let rules = CooldownRules::default();
    ledger.succeeded(begun, after(Some(seconds(1)), None), start);
    let mine = Outcome {
        by_caller: true,
        ..failure(ErrorKind::Timeout)
    };
    ledger.failed(begun, &mine, &rules, start);
    ledger.failed(begun, &failure(ErrorKind::InvalidRequest), &rules, start);
    assert_eq!(ledger.pace(start, HOUR).first_content, Some(seconds(1)));
    ledger.failed(begun, &failure(ErrorKind::Timeout), &rules, start);
    let slow = ledger.pace(start, HOUR).first_content;
    assert!(slow > Some(seconds(400)), "{slow:?}");
    let later = ledger.pace(start + seconds(60), HOUR);
    assert_eq!(later.first_content, Some(seconds(1)));
}

#[test]
fn retries_are_a_share_of_the_calls_of_ten_seconds_or_a_floor() {
    let start = Instant::now();
    let group = group(start);
    let granted = |share, floor, now| {
        (0..1000)
            .filter(|_| group.may_retry(share, floor, now))
            .count()
    };
    assert_eq!(granted(0.2, 1.0, start), 10, "the floor of ten seconds");
    for _ in 0..500 {
        group.call(start);
    }
    assert_eq!(
        granted(0.2, 1.0, start),
        90,
        "a fifth of 500, less those before"
    );
    assert_eq!(granted(0.2, 1.0, start + seconds(9)), 0);
    assert_eq!(
        granted(0.2, 1.0, start + seconds(10)),
        10,
        "all of that has passed"
    );
    assert_eq!(granted(0.0, 0.0, start + seconds(100)), 0);
}

#[test]
fn hedges_are_a_share_of_the_calls() {
    let start = Instant::now();
    let group = group(start);
    assert!(!group.may_hedge(0.05, start));
    for number in 0..100 {
        group.call(start + Duration::from_millis(number * 50));
    }
    let now = start + seconds(5);
    assert_eq!((0..100).filter(|_| group.may_hedge(0.05, now)).count(), 5);
}

#[test]
fn quantiles_are_of_the_last_first_contents() {
    let group = group(Instant::now());
    for number in 0..19 {
        group.first_content(seconds(1000 + number));
        assert_eq!(group.first_content_quantile(0.5), None);
    }
    for number in 1..=256 {
        group.first_content(Duration::from_millis(number));
    }
    for (share, value) in [(0.0, 1), (0.5, 128), (0.95, 244), (1.0, 256), (7.0, 256)] {
        let quantile = group.first_content_quantile(share);
        assert_eq!(quantile, Some(Duration::from_millis(value)), "{share}");
    }
}

/// What fifty rounds of failing for ten seconds and being well afterwards did.
struct Flaps {
    /// The most calls that one round has lost.
    most_failed: u32,
    /// The fewest calls that one round has served.
    fewest_served: u32,
    probes: Vec<Instant>,
    ended: Standing,
}

/// A call comes every 20 ms.
fn flap(well: Duration) -> Flaps {
    let start = Instant::now();
    let ledger = ledger(start);
    let rules = CooldownRules::default();
    let bad = seconds(10);
    let (mut most_failed, mut fewest_served, mut probes) = (0, u32::MAX, Vec::new());
    let mut now = start;
    for _ in 0..50 {
        let (mut failed, mut served) = (0, 0);
        let from = now;
        while now < from + bad + well {
            now += Duration::from_millis(20);
            let before = ledger.view(now).standing;
            let Some(begun) = ledger.begin(now, Terms::default()) else {
                assert!(matches!(before, Standing::SetAside { .. }));
                continue;
            };
            assert_eq!(begun.probe, matches!(before, Standing::Probation { .. }));
            if begun.probe {
                assert!(
                    ledger.begin(now, Terms::default()).is_none(),
                    "a second one"
                );
                probes.push(now);
            }
            if now >= from + bad {
                ledger.succeeded(begun, after(None, None), now);
                served += 1;
            } else {
                ledger.failed(begun, &failure(ErrorKind::Upstream), &rules, now);
                failed += 1;
            }
            ledger.ended(begun);
        }
        most_failed = most_failed.max(failed);
        fewest_served = fewest_served.min(served);
    }
    assert_eq!(ledger.view(now).in_flight, 0);
    Flaps {
        most_failed,
        fewest_served,
        probes,
        ended: ledger.view(now).standing,
    }
}

#[test]
fn a_deployment_that_flaps_is_set_aside_soon_probed_once_at_a_time_and_returns() {
    let flaps = flap(seconds(30));
    // Ten in a row at the latest, and one probe that fails.
    assert!(flaps.most_failed <= 11, "{}", flaps.most_failed);
    // It is back six seconds after it is well: 24 s of 50 calls each.
    assert!(flaps.fewest_served >= 24 * 50, "{}", flaps.fewest_served);
    // After 5 s one that fails, after 10 s one that brings it back.
    assert_eq!(flaps.probes.len(), 100);
    assert_eq!(flaps.ended, Standing::Ready);
}

#[test]
fn a_deployment_that_never_holds_is_probed_less_and_less() {
    let flaps = flap(seconds(4));
    assert!(flaps.most_failed <= 11, "{}", flaps.most_failed);
    let far = |pair: &[Instant]| pair[1] - pair[0] >= seconds(5);
    assert!(flaps.probes.windows(2).all(far), "{:?}", flaps.probes);
    // Of 700 s: not one every five seconds.
    assert!((4..30).contains(&flaps.probes.len()), "{:?}", flaps.probes);
}

proptest! {
    #[test]
    fn the_number_of_attempts_under_way_is_what_has_begun_and_not_ended(
        steps in proptest::collection::vec((0_u8..4, any::<bool>(), 0_u64..7), 1..200),
    ) {
        let mut now = Instant::now();
        let ledger = ledger(now);
        let rules = CooldownRules::default();
        let mut running: Vec<Begun> = Vec::new();
        for (step, force, passed) in steps {
            now += seconds(passed);
            match step {
                0 | 1 => running.extend(ledger.begin(now, Terms { force, rpm: None })),
                2 => {
                    for begun in &running {
                        ledger.failed(*begun, &failure(ErrorKind::Upstream), &rules, now);
                    }
                }
                _ => {
                    if let Some(begun) = running.pop() {
                        ledger.ended(begun);
                    }
                }
            }
            let view = ledger.view(now);
            prop_assert_eq!(usize::try_from(view.in_flight).expect("few"), running.len());
            prop_assert!(view.minute_ends > now);
            let may = matches!(view.standing, Standing::Ready | Standing::Probation { out: false, .. });
            let begun = ledger.begin(now, Terms::default());
            prop_assert_eq!(begun.is_some(), may, "a view tells what may begin");
            if let Some(begun) = begun {
                ledger.ended(begun);
            }
        }
    }
}
