//! Courses of calls, without a runtime and without waiting.

mod fallbacks;
mod hedges;
mod laws;
mod retries;

use std::sync::Arc;
use std::time::Duration;

use gateway_core::{Dialect, ErrorKind};
use tokio::time::Instant;

use super::{Attempt, AttemptKind, Failure, GiveUp, Plan, Step};
use crate::catalog::Catalog;
use crate::config::{DeploymentConfig, Price, Routing, Strategy};
use crate::options::CallOptions;
use crate::outcome::{Again, Outcome};
use crate::world;

/// A catalog, and the moment when everything in it begins.
struct World {
    catalog: Arc<Catalog>,
    start: Instant,
}

impl World {
    /// The members are the words of `members`: `group:id`, or `group:id:level`. Of those that can serve, the first one
    /// is chosen. Nobody is set aside, unless `routing` says so.
    fn new(members: &str, routing: Routing) -> Self {
        let members = members.split_whitespace().enumerate().map(member);
        Self::of(members.collect(), routing)
    }

    fn of(members: Vec<DeploymentConfig>, mut routing: Routing) -> Self {
        routing.strategy = Strategy::Cost;
        let start = Instant::now();
        let catalog = Arc::new(world::catalog(members, routing, start));
        Self { catalog, start }
    }

    fn plan(&self, model: &str, options: CallOptions, seed: u64) -> Plan {
        let resolved = self.catalog.resolve(model).expect("known");
        Plan::new(
            &self.catalog,
            resolved,
            Dialect::OpenAiChat,
            options,
            seed,
            self.start,
        )
    }

    /// The course of a call at `g` whose attempts all end by `fate`, which says after what time, and how.
    fn course(&self, options: CallOptions, fate: impl Fn(&Attempt) -> Fate) -> String {
        let mut plan = self.plan("g", options, 7);
        let mut course = Vec::new();
        let (mut now, mut failed) = (self.start, None::<(Box<Attempt>, Outcome)>);
        loop {
            let failure = failed
                .as_ref()
                .map(|(attempt, outcome)| Failure { attempt, outcome });
            let step = plan.next(failure, now);
            let attempt = match step {
                Step::Try(attempt) => attempt,
                Step::Wait(until) => {
                    course.push("wait".to_owned());
                    (now, failed) = (until, None);
                    continue;
                }
                Step::GiveUp(why) => {
                    course.push(given_up(why));
                    return course.join(" ");
                }
            };
            course.push(told(&attempt));
            let (after, outcome) = fate(&attempt);
            now += after;
            match outcome {
                Some(outcome) => failed = Some((attempt, outcome)),
                None => {
                    plan.succeeded(&attempt, None, now);
                    course.push("done".to_owned());
                    return course.join(" ");
                }
            }
        }
    }
}

/// After what time an attempt ends, and how: `None` is a success.
type Fate = (Duration, Option<Outcome>);

fn member((place, words): (usize, &str)) -> DeploymentConfig {
    let mut words = words.split(':');
    let group = words.next().expect("a group");
    let id = words.next().expect("an id");
    let cents = f64::from(u32::try_from(place).expect("few"));
    DeploymentConfig {
        group: group.to_owned(),
        order: words.next().map(|level| level.parse().expect("a level")),
        price: Some(Price {
            input: cents,
            output: cents,
        }),
        ..world::entry(id)
    }
}

fn told(attempt: &Attempt) -> String {
    let mark = match attempt.kind {
        AttemptKind::First => "",
        AttemptKind::Retry => "again:",
        AttemptKind::NextLevel => "level:",
        AttemptKind::Failover => "over:",
        AttemptKind::Fallback => "to:",
        AttemptKind::Hedge => "beside:",
        AttemptKind::Continuation => "on:",
    };
    format!("{mark}{}", attempt.deployment.id)
}

fn given_up(why: GiveUp) -> String {
    match why {
        GiveUp::Spent => "spent".to_owned(),
        GiveUp::Late => "late".to_owned(),
        GiveUp::Nobody(nobody) => format!("{:?}", nobody.why),
    }
}

/// What nobody has said anything about, with nobody set aside and no bound on retries.
fn routing() -> Routing {
    let mut routing = Routing::default();
    routing.cooldown.disabled = true;
    routing.retries.budget_floor = 1e6;
    routing
}

/// Attempts fail at once, in this way.
fn failing(kind: ErrorKind, again: Again) -> impl Fn(&Attempt) -> Fate {
    always(Outcome::new(kind, again))
}

fn always(outcome: Outcome) -> impl Fn(&Attempt) -> Fate {
    move |_| (Duration::from_millis(10), Some(outcome))
}

/// Attempts at `bad` fail in words, all others succeed.
fn broken(bad: &'static str) -> impl Fn(&Attempt) -> Fate {
    let outcome = Outcome::new(ErrorKind::Internal, Again::Failed);
    move |attempt| {
        let failed = bad.split(' ').any(|it| *it == *attempt.deployment.id);
        (Duration::from_millis(10), failed.then_some(outcome))
    }
}

#[test]
fn a_continuation_is_one_attempt_and_nothing_else() {
    let routing = Routing {
        weighted_failover: true,
        ..Routing::default()
    };
    let world = World::new("g:a g:b h:c", routing);
    let options = CallOptions {
        fallbacks: Some(vec![crate::options::Target::named("h")]),
        ..CallOptions::default()
    };
    let mut plan = world.plan("g", options, 7).continuing(2);
    let Step::Try(attempt) = plan.next(None, world.start) else {
        panic!("somebody can serve");
    };
    assert_eq!((told(&attempt).as_str(), attempt.number), ("on:a", 3));
    let outcome = Outcome::new(ErrorKind::Upstream, Again::Anywhere);
    let failure = Failure {
        attempt: &attempt,
        outcome: &outcome,
    };
    let step = plan.next(Some(failure), world.start);
    assert!(matches!(step, Step::GiveUp(GiveUp::Spent)), "{step:?}");
}

#[test]
fn who_comes_back_first_is_known_when_all_are_set_aside_and_only_then() {
    let mut routing = Routing::default();
    routing.retries.count = 5;
    routing.cooldown.time = Duration::from_secs(20);
    let world = World::new("g:a g:b", routing);
    let mut plan = world.plan("g", CallOptions::default(), 7);
    let at = |seconds| world.start + Duration::from_secs(seconds);
    let mut limited = Outcome::new(ErrorKind::RateLimit, Again::Elsewhere);
    let mut failed: Option<(Box<Attempt>, Outcome)> = None;
    for (now, returns) in [(0, None), (3, None)] {
        let failure = failed
            .as_ref()
            .map(|(attempt, outcome)| Failure { attempt, outcome });
        let Step::Try(attempt) = plan.next(failure, at(now)) else {
            panic!("somebody can serve");
        };
        assert_eq!(plan.returns_in(at(now)), returns);
        // The second one asks for less than the router's own time.
        limited.retry_after = (now > 0).then_some(Duration::from_secs(9));
        failed = Some((attempt, limited));
    }
    let failure = failed
        .as_ref()
        .map(|(attempt, outcome)| Failure { attempt, outcome });
    let step = plan.next(failure, at(4));
    assert!(matches!(step, Step::GiveUp(GiveUp::Spent)), "{step:?}");
    assert_eq!(plan.returns_in(at(4)), Some(Duration::from_secs(9)));
    assert_eq!(plan.returns_in(at(14)), None);
}
