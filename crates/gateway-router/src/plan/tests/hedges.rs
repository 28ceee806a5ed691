//! Second attempts against slow ones.

use std::time::Duration;

use tokio::time::Instant;

use super::{World, routing};
use crate::config::{Hedging, Routing};
use crate::options::CallOptions;
use crate::outcome::Outcome;
use crate::plan::{Attempt, AttemptKind, Failure, Plan, Step};

fn hedged(after: Option<Duration>, budget: f64) -> Routing {
    let mut routing = routing();
    let hedging = Hedging {
        after,
        quantile: 0.9,
        budget,
    };
    routing.hedging = [("g".to_owned(), hedging)].into();
    routing
}

fn stream() -> CallOptions {
    CallOptions {
        stream: true,
        ..CallOptions::default()
    }
}

fn begun(plan: &mut Plan, now: Instant) -> Box<Attempt> {
    match plan.next(None, now) {
        Step::Try(attempt) => attempt,
        step => panic!("{step:?}"),
    }
}

const AFTER: Duration = Duration::from_millis(300);

#[test]
fn a_second_attempt_is_at_another_deployment_of_the_same_leg() {
    let world = World::new("g:a:1 g:b:1 g:c:2", hedged(Some(AFTER), 1.0));
    let mut plan = world.plan("g", stream(), 1);
    let first = begun(&mut plan, world.start);
    let at = plan.hedge_at(&first).expect("it is configured");
    assert_eq!(at, world.start + AFTER);
    let second = plan.hedge(&first.deployment.id, at).expect("there is one");
    assert_eq!((&*first.deployment.id, &*second.deployment.id), ("a", "b"));
    assert_eq!((second.kind, second.number), (AttemptKind::Hedge, 2));
    // One is enough for a call.
    assert_eq!(plan.hedge_at(&second), None);
}

#[test]
fn there_is_none_where_it_would_be_no_use_or_might_harm() {
    let both = "g:a g:b";
    let late = CallOptions {
        timers: crate::timers::RequestTimers {
            timeout: Some(crate::timers::Timer::by_default(AFTER)),
            ..crate::timers::RequestTimers::default()
        },
        ..stream()
    };
    let whole = CallOptions {
        stream: false,
        ..stream()
    };
    let rows = [
        (both, hedged(Some(AFTER), 1.0), stream(), true),
        (both, hedged(Some(AFTER), 1.0), late, false),
        (both, hedged(Some(AFTER), 1.0), whole, false),
        (both, routing(), stream(), false),
        (both, hedged(None, 1.0), stream(), false),
        ("g:a", hedged(Some(AFTER), 1.0), stream(), false),
        ("g:a:1 g:b:2", hedged(Some(AFTER), 1.0), stream(), false),
    ];
    for (row, (members, routing, options, expected)) in rows.into_iter().enumerate() {
        let world = World::new(members, routing);
        let mut plan = world.plan("g", options, 1);
        let first = begun(&mut plan, world.start);
        assert_eq!(plan.hedge_at(&first).is_some(), expected, "row {row}");
    }
}

#[test]
fn the_groups_history_says_what_is_slow_and_slow_ones_count_in_it() {
    let world = World::new("g:a g:b", hedged(None, 1.0));
    for number in 1..=30 {
        let mut plan = world.plan("g", stream(), number);
        let attempt = begun(&mut plan, world.start);
        plan.succeeded(&attempt, None, world.start + Duration::from_millis(number));
    }
    let at = |seed| {
        let mut plan = world.plan("g", stream(), seed);
        let first = begun(&mut plan, world.start);
        let at = plan.hedge_at(&first).expect("a history") - world.start;
        plan.lost(&first, world.start + Duration::from_secs(1));
        at
    };
    assert_eq!(at(1), Duration::from_millis(27));
    for seed in 2..10 {
        at(seed);
    }
    assert!(at(10) > Duration::from_millis(28), "{:?}", at(11));
}

#[test]
fn second_attempts_stay_within_their_share_of_the_calls() {
    let world = World::new("g:a g:b", hedged(Some(AFTER), 0.1));
    let hedge = |seed| {
        let mut plan = world.plan("g", stream(), seed);
        let first = begun(&mut plan, world.start);
        plan.hedge(&first.deployment.id, world.start).is_some()
    };
    let made = (0..100).filter(|seed| hedge(*seed)).count();
    assert_eq!(made, 10);
}

#[test]
fn who_failed_beside_another_is_remembered() {
    let world = World::new("g:a g:b g:c", hedged(Some(AFTER), 1.0));
    let mut plan = world.plan("g", stream(), 1);
    let first = begun(&mut plan, world.start);
    let second = plan.hedge(&first.deployment.id, world.start).expect("one");
    let outcome = &Outcome::unusable();
    let failure = |attempt| Failure { attempt, outcome };
    plan.failed(failure(&second), world.start);
    let Step::Try(third) = plan.next(Some(failure(&first)), world.start) else {
        panic!("a third one is there")
    };
    assert_eq!(
        (&*third.deployment.id, third.kind),
        ("c", AttemptKind::Retry)
    );
}
