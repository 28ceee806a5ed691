//! Retries in one group: whether, how often, where, after what wait.

use std::time::Duration;

use gateway_core::ErrorKind;
use tokio::time::Instant;

use super::{Fate, World, always, broken, failing, routing};
use crate::config::{DeploymentConfig, PolicyKind, Routing};
use crate::options::CallOptions;
use crate::outcome::{Again, Outcome};
use crate::plan::{Attempt, Failure, Step};
use crate::timers::{RequestTimers, Timer};
use crate::world::{entry, seconds};

const UNKNOWN: Again = Again::Unknown { stale: false };
const STALE: Again = Again::Unknown { stale: true };

fn repeatable() -> CallOptions {
    CallOptions {
        repeatable: true,
        ..CallOptions::default()
    }
}

/// The call may take so long.
fn within(limit: Duration) -> CallOptions {
    CallOptions {
        timers: RequestTimers {
            timeout: Some(Timer::by_default(limit)),
            ..RequestTimers::default()
        },
        ..CallOptions::default()
    }
}

#[test]
fn each_class_of_failure_is_sent_again_where_it_may_be() {
    let (one, two) = ("g:a", "g:a g:b");
    let rows: &[(&str, Again, Option<bool>, &str)] = &[
        (
            one,
            Again::Anywhere,
            None,
            "a wait again:a wait again:a spent",
        ),
        (two, Again::Anywhere, None, "a again:b again:a spent"),
        (one, Again::Elsewhere, None, "a spent"),
        (two, Again::Elsewhere, None, "a again:b spent"),
        (one, Again::Later, None, "a wait again:a wait again:a spent"),
        (two, Again::Later, None, "a again:b wait again:a spent"),
        (
            one,
            Again::Failed,
            None,
            "a wait again:a wait again:a spent",
        ),
        (two, Again::Failed, None, "a again:b again:a spent"),
        (two, UNKNOWN, None, "a spent"),
        (one, STALE, None, "a spent"),
        (two, STALE, None, "a again:b spent"),
        // One time.
        ("g:a g:b g:c", STALE, None, "a again:b spent"),
        (two, Again::Never, None, "a spent"),
        // The provider's word.
        (one, Again::Failed, Some(false), "a spent"),
        (two, Again::Failed, Some(false), "a again:b spent"),
        (two, Again::Later, Some(false), "a again:b spent"),
        (
            one,
            Again::Never,
            Some(true),
            "a wait again:a wait again:a spent",
        ),
        (two, Again::Never, Some(true), "a again:b again:a spent"),
        (two, Again::Never, Some(false), "a spent"),
        (two, UNKNOWN, Some(true), "a spent"),
    ];
    for (members, again, should_retry, expected) in rows {
        let mut outcome = Outcome::new(ErrorKind::Internal, *again);
        outcome.should_retry = *should_retry;
        let world = World::new(members, routing());
        let course = world.course(repeatable(), always(outcome));
        assert_eq!(course, *expected, "{members} {again:?} {should_retry:?}");
    }
}

#[test]
fn a_request_that_must_not_be_repeated_is_not_when_its_end_is_unknown() {
    let mut routing = routing();
    routing.weighted_failover = true;
    let world = World::new("g:a:1 g:b:1 g:c:2", routing);
    for again in [STALE, UNKNOWN] {
        let course = world.course(CallOptions::default(), failing(ErrorKind::Upstream, again));
        assert_eq!(course, "a spent");
    }
}

#[test]
fn the_first_that_says_a_count_is_heard() {
    let own = |count| {
        move |routing: &mut Routing| {
            routing.retries.count = 1;
            if let Some(count) = count {
                routing.retries.policy.insert(PolicyKind::Timeout, count);
            }
        }
    };
    type Row = (Option<u32>, u32, Option<u32>, Option<u32>, u32);
    // The request, the client's own library, a policy, the deployment; then how often it is tried again.
    let rows: &[Row] = &[
        (None, 0, None, None, 1),
        (None, 0, None, Some(3), 3),
        (None, 0, Some(2), Some(3), 2),
        (Some(4), 0, Some(2), Some(3), 4),
        (Some(0), 0, Some(2), Some(3), 0),
        (None, 1, Some(2), Some(3), 1),
        (None, 2, None, None, 0),
        (Some(4), 3, None, None, 1),
        (None, 0, Some(0), Some(3), 0),
    ];
    for row in rows {
        let (retries, client_retries, policy, deployment, expected) = *row;
        let mut routing = routing();
        own(policy)(&mut routing);
        let member = DeploymentConfig {
            retries: deployment,
            ..entry("a")
        };
        let world = World::of(vec![member], routing);
        let options = CallOptions {
            retries,
            client_retries,
            ..CallOptions::default()
        };
        let course = world.course(options, failing(ErrorKind::Timeout, Again::Failed));
        let made = u32::try_from(course.matches("again:a").count()).expect("few");
        assert_eq!(made, expected, "{row:?}: {course}");
    }
}

#[test]
fn policies_are_by_kind_and_a_groups_own_replaces_the_routers() {
    let mut routing = routing();
    let policy = [(PolicyKind::Timeout, 3), (PolicyKind::BadRequest, 1)];
    routing.retries.policy = policy.into();
    routing.retries.count = 0;
    let world = World::new("g:a g:b g:c g:d", routing.clone());
    let count = |world: &World, kind, again| {
        let course = world.course(CallOptions::default(), failing(kind, again));
        course.matches("again:").count()
    };
    assert_eq!(count(&world, ErrorKind::Timeout, Again::Failed), 3);
    assert_eq!(count(&world, ErrorKind::Internal, Again::Failed), 0);
    // Who gives a count for it wants it to be tried again.
    assert_eq!(count(&world, ErrorKind::InvalidRequest, Again::Never), 1);
    assert_eq!(count(&world, ErrorKind::ContentPolicy, Again::Never), 1);
    assert_eq!(count(&world, ErrorKind::NotFound, Again::Never), 0);

    let own = [(PolicyKind::ContentPolicy, 2), (PolicyKind::Default, 1)];
    routing.retries.group_policies = [("g".to_owned(), own.into())].into();
    let world = World::new("g:a g:b g:c g:d", routing);
    assert_eq!(count(&world, ErrorKind::Timeout, Again::Failed), 1);
    assert_eq!(count(&world, ErrorKind::ContentPolicy, Again::Never), 2);
    assert_eq!(count(&world, ErrorKind::InvalidRequest, Again::Never), 0);
}

/// The waits of a call at `g`, whose attempts all fail in this way.
fn waits(world: &World, seed: u64, outcome: Outcome) -> Vec<Duration> {
    let mut plan = world.plan("g", CallOptions::default(), seed);
    let (mut now, mut waits) = (world.start, Vec::new());
    let mut step = plan.next(None, now);
    loop {
        step = match step {
            Step::Try(attempt) => {
                let failure = Failure {
                    attempt: &attempt,
                    outcome: &outcome,
                };
                plan.next(Some(failure), now)
            }
            Step::Wait(until) => {
                waits.push(until - now);
                now = until;
                plan.next(None, now)
            }
            Step::GiveUp(_) => return waits,
        };
    }
}

#[test]
fn waits_double_up_to_eight_seconds_with_jitter() {
    let mut routing = routing();
    routing.retries.count = 6;
    let world = World::new("g:a", routing.clone());
    let mut seen = Vec::new();
    for seed in 0..100 {
        let outcome = Outcome::new(ErrorKind::Internal, Again::Failed);
        let waits = waits(&world, seed, outcome);
        assert_eq!(waits.len(), 6);
        for (wait, usual) in waits.iter().zip([0.5, 1.0, 2.0, 4.0, 8.0, 8.0]) {
            let share = wait.as_secs_f64() / usual;
            assert!((0.75..1.25).contains(&share), "{wait:?} of {usual}");
            seen.push(share);
        }
    }
    assert!(seen.iter().any(|it| *it < 0.8) && seen.iter().any(|it| *it > 1.2));

    routing.retries.wait = seconds(3);
    routing.retries.count = 1;
    let outcome = Outcome::new(ErrorKind::Internal, Again::Failed);
    let waits = waits(&World::new("g:a", routing), 1, outcome);
    assert!(waits[0] > seconds(2), "{waits:?}");
}

#[test]
fn what_the_provider_asks_for_is_waited_for_and_a_bit_more() {
    let world = World::new("g:a", routing());
    for asked in [Duration::ZERO, seconds(2), seconds(90)] {
        let mut outcome = Outcome::new(ErrorKind::RateLimit, Again::Later);
        outcome.retry_after = Some(asked);
        for wait in waits(&world, 3, outcome) {
            assert!(wait >= asked && wait < asked + seconds(1), "{wait:?}");
        }
    }
}

#[test]
fn who_asked_for_a_rest_gets_it_also_when_another_failed_in_between() {
    let world = World::new("g:a g:b", routing());
    let fate = |attempt: &Attempt| -> Fate {
        let mut outcome = Outcome::new(ErrorKind::Internal, Again::Failed);
        if *attempt.deployment.id == *"a" {
            outcome = Outcome::new(ErrorKind::RateLimit, Again::Later);
            outcome.retry_after = Some(seconds(60));
        }
        (Duration::ZERO, Some(outcome))
    };
    let course = world.course(CallOptions::default(), fate);
    assert_eq!(course, "a again:b wait again:b spent");
}

#[test]
fn a_wait_that_does_not_fit_is_not_waited_for() {
    let world = World::new("g:a", routing());
    let mut outcome = Outcome::new(ErrorKind::RateLimit, Again::Later);
    outcome.retry_after = Some(seconds(20));
    let course = |limit| world.course(within(seconds(limit)), always(outcome));
    assert_eq!(course(10), "a spent");
    assert_eq!(course(60), "a wait again:a wait again:a spent");
    outcome.retry_after = Some(Duration::MAX);
    let endless = world.course(within(Duration::MAX), always(outcome));
    assert_eq!(endless, "a spent");
}

#[test]
fn a_wait_that_leaves_no_time_for_an_attempt_is_not_waited_for() {
    let world = World::new("g:a", routing());
    let mut outcome = Outcome::new(ErrorKind::RateLimit, Again::Later);
    outcome.retry_after = Some(seconds(5));
    let slow = |took| move |_: &Attempt| (seconds(took), Some(outcome));
    let course = |took| world.course(within(seconds(11)), slow(took));
    assert_eq!(course(4), "a spent");
    assert_eq!(course(2), "a wait again:a spent");
}

#[test]
fn a_slow_failure_is_not_repeated_if_it_would_not_fit_again() {
    let world = World::new("g:a g:b", routing());
    let outcome = Outcome::new(ErrorKind::Internal, Again::Failed);
    let slow = |took| move |_: &Attempt| (seconds(took), Some(outcome));
    let course = |took| world.course(within(seconds(10)), slow(took));
    assert_eq!(course(6), "a spent");
    assert_eq!(course(4), "a again:b spent");
    assert_eq!(course(3), "a again:b again:a spent");
    assert_eq!(course(10), "a late");

    let mut routing = routing();
    (routing.weighted_failover, routing.retries.count) = (true, 0);
    let world = World::new("g:a g:b", routing);
    let course = |took| world.course(within(seconds(10)), slow(took));
    assert_eq!(course(6), "a spent");
    assert_eq!(course(4), "a over:b spent");
}

#[test]
fn a_group_out_of_budget_does_not_try_again() {
    let mut routing = routing();
    routing.retries.budget = 0.0;
    routing.retries.budget_floor = 0.0;
    let world = World::new("g:a:1 g:b:1 g:c:2", routing);
    let course = world.course(CallOptions::default(), broken("a b c"));
    assert_eq!(course, "a level:c spent");
}

#[test]
fn levels_come_one_after_the_other_each_with_its_retries() {
    let mut routing = routing();
    routing.retries.count = 1;
    let world = World::new("g:z g:c:3 g:a:1 g:b:1", routing);
    let course = |world: &World, bad| world.course(CallOptions::default(), broken(bad));
    assert_eq!(course(&world, "a"), "a again:b done");
    assert_eq!(course(&world, "a b"), "a again:b level:c done");
    let all = "a again:b level:c wait again:c level:z wait again:z spent";
    assert_eq!(course(&world, "a b c z"), all);
    // Never: nobody of this level, but maybe the next one.
    let never = world.course(
        CallOptions::default(),
        failing(ErrorKind::NotFound, Again::Never),
    );
    assert_eq!(never, "a level:c level:z spent");
    for kind in [ErrorKind::ContextWindow, ErrorKind::ContentPolicy] {
        let course = world.course(CallOptions::default(), failing(kind, Again::Never));
        assert_eq!(course, "a spent");
    }
}

#[test]
fn weighted_failover_gives_each_other_member_one_attempt() {
    let mut routing = routing();
    routing.retries.count = 1;
    routing.weighted_failover = true;
    let world = World::new("g:a g:b g:c g:d", routing);
    let course = |outcome| world.course(CallOptions::default(), always(outcome));
    let failed = Outcome::new(ErrorKind::Internal, Again::Failed);
    assert_eq!(course(failed), "a again:b over:c over:d spent");
    let never = Outcome::new(ErrorKind::InvalidRequest, Again::Never);
    assert_eq!(course(never), "a spent");
}

#[test]
fn nothing_happens_after_a_success() {
    let world = World::new("g:a g:b", routing());
    let mut plan = world.plan("g", CallOptions::default(), 1);
    let now: Instant = world.start;
    let Step::Try(attempt) = plan.next(None, now) else {
        panic!("somebody is there")
    };
    plan.succeeded(&attempt, None, now);
    assert!(matches!(plan.next(None, now), Step::GiveUp(_)));
}
