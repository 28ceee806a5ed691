//! Tables of both algorithms, and what holds whatever happens.

use std::collections::HashMap;
use std::time::Duration;

use gateway_core::ErrorKind;
use proptest::prelude::*;
use tokio::time::Instant;

use super::Health;
use crate::config::{CooldownRules, PolicyKind};
use crate::ledger::{Begun, Cause, Standing};
use crate::minutes::Minutes;
use crate::outcome::{Again, Outcome};
use crate::world::{failure, seconds};

/// A deployment and the time.
struct Bench {
    health: Health,
    now: Instant,
    rules: CooldownRules,
}

impl Bench {
    fn with(rules: CooldownRules) -> Self {
        let now = Instant::now();
        Self {
            health: Health::new(Minutes::from(now)),
            now,
            rules,
        }
    }

    fn begin(&mut self) -> Begun {
        self.health.begin(self.now, false).expect("it may serve")
    }

    fn succeed(&mut self) {
        let begun = self.begin();
        self.health.succeeded(begun, self.now);
        self.health.ended(begun);
    }

    fn fail(&mut self, outcome: &Outcome) -> bool {
        let begun = self.begin();
        let aside = self.report(begun, outcome);
        self.health.ended(begun);
        aside
    }

    fn report(&mut self, begun: Begun, outcome: &Outcome) -> bool {
        self.health.failed(begun, outcome, &self.rules, self.now)
    }

    /// How many failures it takes, up to 2000.
    fn patience(&mut self, outcome: &Outcome) -> Option<u32> {
        (1..=2000).find(|_| self.fail(outcome))
    }

    /// How long it is set aside from now.
    fn time(&self) -> Duration {
        match self.health.standing(self.now) {
            Standing::SetAside { until, .. } => until - self.now,
            _ => Duration::ZERO,
        }
    }

    fn standing(&self) -> Standing {
        self.health.standing(self.now)
    }
}

fn by_rates(alone: bool) -> CooldownRules {
    CooldownRules {
        alone,
        ..CooldownRules::default()
    }
}

fn of_status(status: u16) -> Outcome {
    Outcome {
        status,
        ..failure(ErrorKind::from_status(status))
    }
}

#[test]
fn by_rates_every_status_has_its_own_patience() {
    for status in 400..=599 {
        let (together, alone) = match status {
            401 | 402 => (Some(1), Some(1)),
            404 | 429 => (Some(1), Some(1000)),
            408 | 500.. => (Some(5), Some(1000)),
            _ => (None, None),
        };
        let outcome = of_status(status);
        assert_eq!(
            Bench::with(by_rates(false)).patience(&outcome),
            together,
            "{status}"
        );
        assert_eq!(
            Bench::with(by_rates(true)).patience(&outcome),
            alone,
            "{status} alone"
        );
    }
}

#[test]
fn a_rate_is_more_than_half_of_at_least_five_in_one_minute() {
    let down = failure(ErrorKind::Upstream);
    // Successes and failures before, seconds between, and whether one more failure is too much.
    for (successes, failures, passed, aside) in [
        (0, 3, 0, false),
        (0, 4, 0, true),
        (2, 2, 0, true),
        (3, 2, 0, false),
        (4, 3, 0, false),
        (3, 3, 0, true),
        (0, 4, 60, false),
        (9, 9, 0, true),
    ] {
        let mut bench = Bench::with(by_rates(false));
        for number in 0..successes.max(failures) {
            // Failures are not in a row: that is another rule.
            if number < successes {
                bench.succeed();
            }
            if number < failures {
                assert!(!bench.fail(&down), "{successes} {failures} too early");
            }
        }
        bench.now += seconds(passed);
        assert_eq!(bench.fail(&down), aside, "{successes} {failures} {passed}");
    }
}

#[test]
fn who_dies_under_load_is_set_aside_after_ten_failures_in_a_row() {
    let mut bench = Bench::with(by_rates(false));
    for _ in 0..10_000 {
        bench.succeed();
    }
    assert_eq!(bench.patience(&failure(ErrorKind::Upstream)), Some(10));
}

#[test]
fn one_success_forbids_to_set_aside_who_is_alone() {
    let mut bench = Bench::with(by_rates(true));
    bench.succeed();
    assert_eq!(bench.patience(&failure(ErrorKind::Upstream)), None);
}

#[test]
fn more_failures_than_allowed_set_aside_and_policies_count_by_kind() {
    let down = failure(ErrorKind::Upstream);
    let slow = failure(ErrorKind::Timeout);
    let policy = |entries: &[(PolicyKind, u32)]| HashMap::from_iter(entries.iter().copied());
    let rules = |allowed_fails, entries: &[(PolicyKind, u32)], alone| CooldownRules {
        allowed_fails,
        policy: policy(entries),
        alone,
        ..CooldownRules::default()
    };
    let timeouts = [(PolicyKind::Timeout, 1)];
    let zero = [(PolicyKind::Timeout, 0)];
    let default = [(PolicyKind::Default, 6)];
    for (rules, outcome, patience) in [
        (rules(Some(0), &[], false), down, Some(1)),
        (rules(Some(2), &[], false), down, Some(3)),
        (
            rules(Some(2), &[], false),
            failure(ErrorKind::RateLimit),
            Some(3),
        ),
        (
            rules(Some(2), &[], false),
            failure(ErrorKind::Authentication),
            Some(3),
        ),
        (
            rules(Some(2), &[], false),
            failure(ErrorKind::Billing),
            Some(1),
        ),
        (
            rules(Some(2), &[], false),
            failure(ErrorKind::InvalidRequest),
            None,
        ),
        (rules(Some(2), &[], true), down, None),
        (rules(None, &timeouts, false), slow, Some(2)),
        // Three, where nothing is said about a kind.
        (rules(None, &timeouts, false), down, Some(4)),
        (rules(Some(9), &timeouts, false), down, Some(10)),
        (rules(Some(9), &zero, false), slow, Some(1)),
        (rules(Some(9), &default, false), down, Some(7)),
        // Alone: only what the policy names.
        (rules(Some(0), &timeouts, true), slow, Some(2)),
        (rules(Some(0), &timeouts, true), down, None),
        (rules(Some(0), &default, true), down, None),
    ] {
        let said = format!("{rules:?} {outcome:?}");
        assert_eq!(Bench::with(rules).patience(&outcome), patience, "{said}");
    }
    let mut bench = Bench::with(rules(Some(1), &timeouts, false));
    assert!(!bench.fail(&down), "one other failure");
    assert!(!bench.fail(&slow), "one timeout, counted on its own");
    assert!(bench.fail(&slow));
}

#[test]
fn allowed_failures_are_forgotten_when_none_comes_for_the_cooldown_time() {
    let rules = CooldownRules {
        allowed_fails: Some(1),
        ..CooldownRules::default()
    };
    let down = failure(ErrorKind::Upstream);
    let mut bench = Bench::with(rules);
    for _ in 0..20 {
        assert!(!bench.fail(&down));
        bench.now += seconds(5);
    }
    assert!(!bench.fail(&down));
    bench.now += Duration::from_millis(4999);
    assert!(bench.fail(&down));
}

#[test]
fn neither_a_callers_own_timer_nor_a_switch_that_is_off_sets_aside() {
    let mine = Outcome {
        by_caller: true,
        ..failure(ErrorKind::Timeout)
    };
    assert_eq!(Bench::with(by_rates(false)).patience(&mine), None);
    let off = CooldownRules {
        disabled: true,
        ..CooldownRules::default()
    };
    assert_eq!(
        Bench::with(off).patience(&failure(ErrorKind::Billing)),
        None
    );
    let no_time = CooldownRules {
        time: Duration::ZERO,
        ..CooldownRules::default()
    };
    assert_eq!(
        Bench::with(no_time).patience(&failure(ErrorKind::Upstream)),
        None
    );
}

#[test]
fn the_deployments_own_time_goes_before_the_providers_and_that_before_the_routers() {
    for (own, asked, time) in [
        (false, None, 7),
        (false, Some(0), 7),
        (false, Some(2), 2),
        (false, Some(40), 40),
        (false, Some(90_000), 3600),
        (true, Some(40), 7),
    ] {
        let mut bench = Bench::with(CooldownRules {
            time: seconds(7),
            time_is_own: own,
            ..CooldownRules::default()
        });
        let outcome = Outcome {
            retry_after: asked.map(seconds),
            ..failure(ErrorKind::RateLimit)
        };
        assert!(bench.fail(&outcome));
        assert_eq!(bench.time(), seconds(time), "{own} {asked:?}");
    }
}

#[test]
fn repeated_times_double_up_to_five_minutes_and_fall_back_after_a_return_that_held() {
    let down = failure(ErrorKind::Upstream);
    let mut bench = Bench::with(by_rates(false));
    assert_eq!(bench.patience(&down), Some(5));
    for time in [5, 10, 20, 40, 80, 160, 300, 300] {
        assert_eq!(bench.time(), seconds(time));
        bench.now += seconds(time);
        assert!(bench.fail(&down), "the probe fails");
    }
    bench.now += seconds(300);
    bench.succeed();
    bench.now += seconds(299);
    assert_eq!(bench.patience(&down), Some(5));
    assert_eq!(bench.time(), seconds(300), "it did not hold");
    bench.now += seconds(300);
    bench.succeed();
    bench.now += seconds(300);
    assert_eq!(bench.patience(&down), Some(5));
    assert_eq!(bench.time(), seconds(5), "it held");
}

#[test]
fn one_probe_is_out_and_one_that_ends_without_verdict_leaves_its_place() {
    let mut bench = Bench::with(by_rates(false));
    bench.fail(&failure(ErrorKind::RateLimit));
    let cause = Cause::RateLimited;
    assert_eq!(bench.health.begin(bench.now, false), None);
    bench.now += seconds(5);
    assert_eq!(bench.standing(), Standing::Probation { out: false, cause });
    let probe = bench.begin();
    assert!(probe.probe);
    assert_eq!(bench.standing(), Standing::Probation { out: true, cause });
    assert_eq!(bench.health.begin(bench.now, false), None);
    // The request was wrong: that says nothing about the deployment.
    assert!(!bench.report(probe, &failure(ErrorKind::InvalidRequest)));
    bench.health.ended(probe);
    let probe = bench.begin();
    bench.health.succeeded(probe, bench.now);
    assert_eq!(bench.standing(), Standing::Ready);
}

#[test]
fn attempts_from_before_say_nothing_about_what_came_after() {
    let down = failure(ErrorKind::Upstream);
    let mut bench = Bench::with(by_rates(false));
    let early: Vec<Begun> = (0..50).map(|_| bench.begin()).collect();
    assert_eq!(bench.patience(&down), Some(5));
    bench.now += seconds(1);
    for begun in &early[..20] {
        assert!(!bench.report(*begun, &down));
    }
    assert_eq!(bench.time(), seconds(4), "not prolonged");
    bench.health.succeeded(early[20], bench.now);
    assert_ne!(bench.standing(), Standing::Ready);
    bench.now += seconds(4);
    let probe = bench.begin();
    bench.health.succeeded(probe, bench.now);
    for begun in &early[20..] {
        assert!(!bench.report(*begun, &down));
    }
    assert_eq!(bench.standing(), Standing::Ready);
}

#[test]
fn a_longer_wait_that_another_was_told_holds() {
    let mut bench = Bench::with(by_rates(false));
    let limited = |wait| Outcome {
        retry_after: Some(seconds(wait)),
        ..failure(ErrorKind::RateLimit)
    };
    let other = bench.begin();
    bench.fail(&limited(5));
    assert!(!bench.report(other, &limited(3)));
    assert_eq!(bench.time(), seconds(5));
    assert!(!bench.report(other, &limited(30)));
    assert_eq!(bench.time(), seconds(30));
}

#[test]
fn who_was_forced_brings_it_back_or_changes_nothing() {
    let down = failure(ErrorKind::Upstream);
    let mut bench = Bench::with(by_rates(false));
    bench.patience(&down);
    let forced = bench.health.begin(bench.now, true).expect("it must");
    assert!(!forced.probe);
    assert!(!bench.report(forced, &down));
    assert_eq!(bench.time(), seconds(5));
    bench.health.succeeded(forced, bench.now);
    assert_eq!(bench.standing(), Standing::Ready);
}

#[test]
fn an_order_sets_aside_and_brings_back_without_a_probe() {
    let mut bench = Bench::with(by_rates(false));
    let early = bench.begin();
    let until = bench.now + seconds(100);
    bench.health.order(Some(until));
    let cause = Cause::Ordered;
    assert_eq!(bench.standing(), Standing::SetAside { until, cause });
    bench.health.succeeded(early, bench.now);
    assert_eq!(bench.health.begin(bench.now, false), None);
    bench.now += seconds(100);
    assert_eq!(bench.standing(), Standing::Ready);
    assert!(!bench.begin().probe);
    bench.patience(&failure(ErrorKind::Upstream));
    bench.health.order(None);
    assert_eq!(bench.standing(), Standing::Ready);
}

#[test]
fn streams_that_break_off_count_as_failures_only() {
    let mut bench = Bench::with(by_rates(false));
    let mut broken = 0;
    while bench.standing() == Standing::Ready {
        let begun = bench.begin();
        bench.health.succeeded(begun, bench.now);
        let begun = Begun {
            answered: true,
            ..begun
        };
        bench.report(begun, &failure(ErrorKind::Upstream));
        broken += 1;
    }
    assert_eq!(broken, 5);
}

/// What can happen to a deployment.
#[derive(Clone, Debug)]
enum Event {
    Begin { force: bool },
    Succeed(usize),
    Fail(usize, ErrorKind, bool),
    End(usize),
    Order(Option<u64>),
    Pass(u64),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let kinds = prop_oneof![
        Just(ErrorKind::Upstream),
        Just(ErrorKind::RateLimit),
        Just(ErrorKind::Billing),
        Just(ErrorKind::Timeout),
        Just(ErrorKind::InvalidRequest),
    ];
    let event = prop_oneof![
        6 => any::<bool>().prop_map(|force| Event::Begin { force }),
        2 => (0_usize..20).prop_map(Event::Succeed),
        6 => (0_usize..20, kinds, any::<bool>()).prop_map(|(at, kind, mine)| Event::Fail(at, kind, mine)),
        4 => (0_usize..20).prop_map(Event::End),
        1 => proptest::option::of(0_u64..30).prop_map(Event::Order),
        4 => (1_u64..20).prop_map(Event::Pass),
    ];
    proptest::collection::vec(event, 1..200)
}

proptest! {
    #[test]
    fn at_most_one_probe_is_out_and_the_standing_says_so(events in events(), alone in any::<bool>()) {
        let mut bench = Bench::with(by_rates(alone));
        let mut running: Vec<Begun> = Vec::new();
        for event in events {
            match event {
                Event::Begin { force } => {
                    let before = bench.standing();
                    let begun = bench.health.begin(bench.now, force);
                    let may = matches!(before, Standing::Ready | Standing::Probation { out: false, .. });
                    prop_assert_eq!(begun.is_some(), may || force);
                    let due = matches!(before, Standing::Probation { out: false, .. });
                    prop_assert_eq!(begun.is_some_and(|it| it.probe), due);
                    running.extend(begun);
                }
                Event::Succeed(at) if at < running.len() => {
                    let news = running[at].epoch == bench.health.epoch;
                    bench.health.succeeded(running[at], bench.now);
                    if news && running[at].probe {
                        prop_assert_eq!(bench.standing(), Standing::Ready);
                    }
                }
                Event::Fail(at, kind, mine) if at < running.len() => {
                    let outcome = Outcome { by_caller: mine, ..Outcome::new(kind, Again::Failed) };
                    let begun = running[at];
                    let aside = bench.report(begun, &outcome);
                    prop_assert!(!aside || !mine);
                    let cooling = matches!(bench.standing(), Standing::SetAside { .. });
                    prop_assert!(!aside || cooling);
                }
                Event::End(at) if at < running.len() => bench.health.ended(running.swap_remove(at)),
                Event::Order(time) => bench.health.order(time.map(|it| bench.now + seconds(it))),
                Event::Pass(time) => bench.now += seconds(time),
                _ => {}
            }
            let epoch = bench.health.epoch;
            let probes = running.iter().filter(|it| it.probe && it.epoch == epoch).count();
            prop_assert!(probes <= 1);
            if let Standing::Probation { out, .. } = bench.standing() {
                prop_assert_eq!(out, probes == 1);
            }
        }
    }
}
