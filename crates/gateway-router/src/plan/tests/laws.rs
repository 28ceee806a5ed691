//! What holds for every course of every call, whatever fails in whatever way.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use gateway_core::ErrorKind;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use tokio::time::Instant;

use super::{World, member, routing};
use crate::config::{DeploymentConfig, Routing};
use crate::options::{CallOptions, Target};
use crate::outcome::{Again, Outcome};
use crate::plan::{Attempt, AttemptKind, Failure, Plan, Step};
use crate::timers::{RequestTimers, Timer};

/// Everything that a course depends on.
#[derive(Clone, Debug)]
struct Case {
    /// The levels of the members of each group: `g0`, `g1`, …
    groups: Vec<Vec<Option<i64>>>,
    /// From which group to which.
    fallbacks: Vec<(usize, Vec<usize>)>,
    of_request: Vec<usize>,
    retries: Option<u32>,
    router_retries: u32,
    max_fallbacks: u32,
    failover: bool,
    cooldowns: bool,
    repeatable: bool,
    no_fallbacks: bool,
    /// Of the call, in ms.
    limit: u64,
    /// How the attempts end, and after how many ms.
    fates: Vec<(u64, Outcome)>,
    seed: u64,
}

fn outcomes() -> impl Strategy<Value = Outcome> {
    let kinds = proptest::sample::select(vec![
        ErrorKind::InvalidRequest,
        ErrorKind::RateLimit,
        ErrorKind::Timeout,
        ErrorKind::Internal,
        ErrorKind::ContextWindow,
        ErrorKind::ContentPolicy,
    ]);
    let agains = proptest::sample::select(vec![
        Again::Anywhere,
        Again::Elsewhere,
        Again::Later,
        Again::Failed,
        Again::Unknown { stale: true },
        Again::Unknown { stale: false },
        Again::Never,
    ]);
    let waits = option::of((0_u64..20_000).prop_map(Duration::from_millis));
    (kinds, agains, waits, option::of(any::<bool>())).prop_map(|(kind, again, wait, said)| {
        let mut outcome = Outcome::new(kind, again);
        (outcome.retry_after, outcome.should_retry) = (wait, said);
        outcome
    })
}

fn cases() -> impl Strategy<Value = Case> {
    let groups = vec(vec(option::of(0_i64..3), 1..4), 1..5);
    let lists = (
        vec((0_usize..5, vec(0_usize..6, 0..4)), 0..5),
        vec(0_usize..6, 0..3),
    );
    let numbers = (option::of(0_u32..4), 0_u32..4, 0_u32..5, 1_u64..60_000);
    let flags = any::<[bool; 4]>();
    let fates = vec((0_u64..8_000, outcomes()), 1..12);
    (groups, lists, numbers, flags, fates, any::<u64>()).prop_map(
        |(groups, (fallbacks, of_request), numbers, flags, fates, seed)| {
            let (retries, router_retries, max_fallbacks, limit) = numbers;
            let [failover, cooldowns, repeatable, no_fallbacks] = flags;
            Case {
                groups,
                fallbacks,
                of_request,
                retries,
                router_retries,
                max_fallbacks,
                failover,
                cooldowns,
                repeatable,
                no_fallbacks,
                limit,
                fates,
                seed,
            }
        },
    )
}

impl Case {
    fn world(&self) -> World {
        let mut members: Vec<DeploymentConfig> = Vec::new();
        for (group, levels) in self.groups.iter().enumerate() {
            for level in levels {
                let place = members.len();
                let mut config = member((place, &format!("g{group}:d{place}")));
                config.order = *level;
                members.push(config);
            }
        }
        World::of(members, self.routing())
    }

    fn routing(&self) -> Routing {
        let named = |groups: &[usize]| -> Vec<_> {
            let name = |it: &usize| Target::named(format!("g{it}"));
            groups.iter().map(name).collect()
        };
        let mut routing = routing();
        routing.retries.count = self.router_retries;
        routing.fallbacks.max = self.max_fallbacks;
        routing.weighted_failover = self.failover;
        routing.cooldown.disabled = !self.cooldowns;
        for (from, to) in &self.fallbacks {
            let targets = named(to).into();
            routing
                .fallbacks
                .general
                .insert(format!("g{from}"), targets);
        }
        routing
    }

    fn options(&self) -> CallOptions {
        let named = |it: &usize| Target::named(format!("g{it}"));
        let of_request: Vec<_> = self.of_request.iter().map(named).collect();
        CallOptions {
            timers: RequestTimers {
                timeout: Some(Timer::by_default(Duration::from_millis(self.limit))),
                ..RequestTimers::default()
            },
            retries: self.retries,
            fallbacks: (!of_request.is_empty()).then_some(of_request),
            no_fallbacks: self.no_fallbacks,
            repeatable: self.repeatable,
            ..CallOptions::default()
        }
    }

    /// Attempts that a group can have: each level with its retries, and each member once more.
    fn most_in(&self, group: &str) -> usize {
        let place: usize = group.trim_start_matches('g').parse().expect("a number");
        let levels: HashSet<_> = self.groups[place].iter().collect();
        let retries = self.retries.unwrap_or(self.router_retries);
        let retries = usize::try_from(retries).expect("few");
        let failover = if self.failover {
            self.groups[place].len()
        } else {
            0
        };
        levels.len() * (1 + retries) + failover
    }
}

/// What has happened in a course so far.
#[derive(Default)]
struct Seen {
    attempts: u32,
    by_group: HashMap<String, usize>,
    group: Option<String>,
    left: HashSet<String>,
    forbidden: HashSet<String>,
    last: Option<Outcome>,
}

impl Seen {
    fn attempt(&mut self, case: &Case, attempt: &Attempt) {
        self.attempts += 1;
        assert_eq!(attempt.number, self.attempts);
        let group = attempt.deployment.group.to_string();
        if self.group.as_ref() != Some(&group) {
            assert!(!self.left.contains(&group), "{group} is entered twice");
            self.left.extend(self.group.replace(group.clone()));
            let most = usize::try_from(case.max_fallbacks).expect("few");
            assert!(self.left.len() <= most, "more fallbacks than allowed");
        }
        let made = self.by_group.entry(group.clone()).or_default();
        *made += 1;
        assert!(*made <= case.most_in(&group), "{made} attempts in {group}");
        assert!(!self.forbidden.contains(&*attempt.deployment.id));
        if let Some(last) = &self.last {
            let unknown = matches!(last.again, Again::Unknown { .. });
            assert!(!unknown || case.repeatable, "repeated after an unknown end");
            let retried = matches!(attempt.kind, AttemptKind::Retry | AttemptKind::Failover);
            let never = last.again == Again::Never && last.should_retry != Some(true);
            assert!(!(retried && never), "tried again after {last:?}");
            assert!(!case.no_fallbacks || attempt.kind == AttemptKind::Retry);
        }
    }

    fn failed(&mut self, attempt: &Attempt, outcome: Outcome) {
        let elsewhere = match outcome.again {
            Again::Unknown { .. } => true,
            Again::Elsewhere | Again::Never => outcome.should_retry != Some(true),
            Again::Anywhere | Again::Later | Again::Failed => outcome.should_retry == Some(false),
        };
        if elsewhere {
            self.forbidden.insert(attempt.deployment.id.to_string());
        }
        self.last = Some(outcome);
    }
}

/// Goes through a call and checks each step; returns the plan and when it was over.
fn walk(case: &Case, world: &World) -> (Plan, Instant, Seen) {
    let mut plan = world.plan("g0", case.options(), case.seed);
    let (due, mut now) = (plan.due(), world.start);
    let mut seen = Seen::default();
    let mut fates = case.fates.iter().cycle();
    let mut failed: Option<(Box<Attempt>, Outcome)> = None;
    let most: usize = (0..case.groups.len())
        .map(|it| case.most_in(&format!("g{it}")))
        .sum();
    for _ in 0..=2 * most {
        let failure = failed
            .as_ref()
            .map(|(attempt, outcome)| Failure { attempt, outcome });
        let step = plan.next(failure, now);
        failed = None;
        match step {
            Step::Try(attempt) => {
                assert!(now < due, "an attempt after the deadline");
                seen.attempt(case, &attempt);
                let (took, outcome) = fates.next().expect("an endless list");
                now = (now + Duration::from_millis(*took)).min(due);
                seen.failed(&attempt, *outcome);
                failed = Some((attempt, *outcome));
            }
            Step::Wait(until) => {
                assert!(now < until && until < due, "a wait that ends too late");
                now = until;
            }
            Step::GiveUp(_) => return (plan, now, seen),
        }
    }
    panic!("no end");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn every_course_keeps_the_promises(case in cases()) {
        let world = case.world();
        let (mut plan, end, seen) = walk(&case, &world);
        prop_assert!(end <= plan.due());
        prop_assert!(seen.attempts > 0, "somebody can be tried at the start");
        // It is over, and nobody is left under way.
        prop_assert!(matches!(plan.next(None, end), Step::GiveUp(_)));
        for deployment in world.catalog.deployments() {
            prop_assert_eq!(deployment.ledger.view(end).in_flight, 0);
        }
    }

    #[test]
    fn equal_seeds_give_equal_courses(case in cases()) {
        let course = |world: World| {
            let (_, end, seen) = walk(&case, &world);
            (end - world.start, seen.attempts, seen.by_group)
        };
        prop_assert_eq!(course(case.world()), course(case.world()));
    }
}

#[test]
fn when_three_in_ten_attempts_fail_sends_stay_within_the_budget() {
    const CALLS: u32 = 100_000;
    let mut routing = Routing::default();
    routing.cooldown.disabled = true;
    routing.fallbacks.general = [("g".to_owned(), [Target::named("h")].into())].into();
    let world = World::new("g:a g:b g:c h:d", routing);
    let mut rng = fastrand::Rng::with_seed(1);
    let (mut sends, mut retries, mut answered) = (0, 0, 0);
    for call in 0..CALLS {
        // A thousand calls per second.
        let now = world.start + Duration::from_millis(u64::from(call));
        let mut plan = world.plan("g", CallOptions::default(), u64::from(call));
        let mut step = plan.next(None, now);
        while let Step::Try(attempt) = step {
            sends += 1;
            retries += u32::from(attempt.kind == AttemptKind::Retry);
            if rng.f64() >= 0.3 {
                plan.succeeded(&attempt, None, now);
                answered += 1;
                break;
            }
            let outcome = &Outcome::new(ErrorKind::Internal, Again::Failed);
            let attempt = &*attempt;
            step = plan.next(Some(Failure { attempt, outcome }), now);
        }
    }
    // A fifth of the calls; the first seconds have too few calls to bound the retries by.
    assert!(retries <= CALLS / 5 + 200, "{retries} retries");
    assert!(retries > CALLS / 6, "{retries} retries");
    assert!(sends <= CALLS * 3 / 2, "{sends} sends");
    assert!(answered > CALLS * 93 / 100, "{answered} answered");
}
