//! Fallback groups, and what happens when nobody can serve.

use std::time::Duration;

use gateway_core::ErrorKind;
use serde_json::json;

use super::{World, broken, failing, given_up, routing, told};
use crate::config::{Chains, Routing};
use crate::ledger::Terms;
use crate::options::{CallOptions, Target};
use crate::outcome::{Again, Outcome};
use crate::plan::{Attempt, Failure, GiveUp, Step};
use crate::running::Running;
use crate::select::NobodyWhy;
use crate::world::seconds;

/// `g > h i, h > j`
fn chains(text: &str) -> Chains {
    let chain = |entry: &str| {
        let (from, to) = entry.split_once('>').expect("an arrow");
        let to = to.split_whitespace().map(Target::named).collect();
        (from.trim().to_owned(), to)
    };
    text.split(',').map(chain).collect()
}

/// No retries, and these general fallbacks.
fn falling(text: &str) -> Routing {
    let mut routing = routing();
    routing.retries.count = 0;
    routing.fallbacks.general = chains(text);
    routing
}

const GROUPS: &str = "g:a h:b i:c j:d";

fn course(routing: Routing, options: CallOptions, bad: &'static str) -> String {
    World::new(GROUPS, routing).course(options, broken(bad))
}

#[test]
fn groups_are_gone_through_depth_first_and_none_twice() {
    let rows = [
        ("g > h i", "a", "a to:b done"),
        ("g > h i", "a b", "a to:b to:c done"),
        ("g > h i", "a b c d", "a to:b to:c spent"),
        ("g > h i, h > j", "a b c d", "a to:b to:d to:c spent"),
        ("g > h, h > g i, i > h", "a b c d", "a to:b to:c spent"),
        ("g > g h g h", "a b", "a to:b spent"),
        ("h > i", "a", "a spent"),
        ("* > i", "a b c d", "a to:c spent"),
        ("g > h, * > i", "a b c d", "a to:b to:c spent"),
        // Neither known nor of the dialect: passed over.
        ("g > nowhere claude i", "a", "a to:c done"),
        // A deployment's own name.
        ("g > c", "a", "a to:c done"),
    ];
    for (fallbacks, bad, expected) in rows {
        let told = course(falling(fallbacks), CallOptions::default(), bad);
        assert_eq!(told, expected, "{fallbacks}");
    }
}

#[test]
fn a_fallback_group_has_its_own_retries_and_levels() {
    let mut routing = falling("g > h");
    routing.retries.count = 1;
    let world = World::new("g:a:1 g:b:2 h:c:1 h:d:2", routing);
    let told = world.course(CallOptions::default(), broken("a b c d"));
    let expected =
        "a wait again:a level:b wait again:b to:c wait again:c level:d wait again:d spent";
    assert_eq!(told, expected);
}

#[test]
fn no_more_groups_than_allowed_are_entered() {
    let mut routing = falling("g > h i j");
    routing.fallbacks.max = 2;
    let told = course(routing.clone(), CallOptions::default(), "a b c d");
    assert_eq!(told, "a to:b to:c spent");
    routing.fallbacks.max = 0;
    assert_eq!(course(routing, CallOptions::default(), "a"), "a spent");
}

#[test]
fn a_requests_own_list_replaces_what_is_configured() {
    let target = Target {
        overrides: json!({"max_tokens": 1}).as_object().expect("one").clone(),
        ..Target::named("j")
    };
    let options = CallOptions {
        fallbacks: Some(vec![target.clone(), Target::named("i")]),
        ..CallOptions::default()
    };
    let routing = falling("g > h, j > h, i > h");
    let told = course(routing.clone(), options.clone(), "a b c d");
    assert_eq!(told, "a to:d to:c spent");

    // The attempt carries what is changed for its group, also when it is tried again.
    let world = World::new(GROUPS, routing);
    let told = world.course(options, |attempt| {
        let changed = attempt.target.clone();
        assert_eq!(
            changed,
            (*attempt.deployment.id == *"d").then(|| target.clone())
        );
        broken("a")(attempt)
    });
    assert_eq!(told, "a to:d done");
}

#[test]
fn a_requests_empty_list_replaces_what_is_configured_too() {
    let options = CallOptions {
        fallbacks: Some(Vec::new()),
        ..CallOptions::default()
    };
    assert_eq!(course(falling("g > h"), options, "a"), "a spent");
}

#[test]
fn a_request_can_refuse_fallbacks() {
    let options = CallOptions {
        no_fallbacks: true,
        fallbacks: Some(vec![Target::named("j")]),
        ..CallOptions::default()
    };
    assert_eq!(course(falling("g > h"), options, "a"), "a spent");
}

#[test]
fn failures_with_chains_of_their_own_take_those_alone() {
    let mut routing = falling("g > h");
    let told = |routing: &Routing, kind| {
        let world = World::new(GROUPS, routing.clone());
        world.course(CallOptions::default(), |attempt| {
            let at_g = *attempt.deployment.id == *"a";
            let outcome = Outcome::new(kind, Again::Never);
            (Duration::ZERO, at_g.then_some(outcome))
        })
    };
    for kind in [ErrorKind::ContextWindow, ErrorKind::ContentPolicy] {
        assert_eq!(told(&routing, kind), "a to:b done");
    }
    routing.fallbacks.context_window = chains("g > i");
    routing.fallbacks.content_policy = chains("other > j");
    assert_eq!(told(&routing, ErrorKind::ContextWindow), "a to:c done");
    assert_eq!(told(&routing, ErrorKind::ContentPolicy), "a spent");
    assert_eq!(told(&routing, ErrorKind::InvalidRequest), "a to:b done");
}

#[test]
fn a_group_is_found_with_its_provider_and_without() {
    for (asked, from) in [
        ("g", "openai/g"),
        ("openai/x", "x"),
        ("openai/x", "openai/*"),
        ("openai/x", "openai/x"),
    ] {
        let world = World::new("g:a openai/*:w h:b", falling(&format!("{from} > h")));
        let mut plan = world.plan(asked, CallOptions::default(), 1);
        let Step::Try(attempt) = plan.next(None, world.start) else {
            panic!("somebody is there")
        };
        let outcome = Outcome::unusable();
        let failure = Failure {
            attempt: &attempt,
            outcome: &outcome,
        };
        let Step::Try(attempt) = plan.next(Some(failure), world.start) else {
            panic!("{from} is not found for {asked}")
        };
        assert_eq!(*attempt.deployment.id, *"b");
    }
}

#[test]
fn an_unknown_end_falls_back_only_if_it_may_be_repeated() {
    let world = World::new(GROUPS, falling("g > h"));
    for (repeatable, expected) in [(true, "a to:b spent"), (false, "a spent")] {
        let options = CallOptions {
            repeatable,
            ..CallOptions::default()
        };
        let unknown = Again::Unknown { stale: false };
        let told = world.course(options, failing(ErrorKind::Upstream, unknown));
        assert_eq!(told, expected);
    }
}

#[test]
fn a_long_rest_is_waited_for_only_where_there_is_nothing_else() {
    let told = |fallbacks: &str, members: &str, asked| {
        let mut routing = falling(fallbacks);
        routing.retries.count = 1;
        let world = World::new(members, routing);
        world.course(CallOptions::default(), |attempt| {
            let mut outcome = Outcome::new(ErrorKind::RateLimit, Again::Later);
            outcome.retry_after = Some(seconds(asked));
            let first = *attempt.deployment.id == *"a";
            (Duration::ZERO, first.then_some(outcome))
        })
    };
    assert_eq!(told("g > h", "g:a h:b", 2), "a wait again:a to:b done");
    assert_eq!(told("g > h", "g:a h:b", 60), "a to:b done");
    assert_eq!(told("g > nowhere g", "g:a h:b", 60), "a wait again:a spent");
    assert_eq!(told("other > h", "g:a h:b", 60), "a wait again:a spent");
    assert_eq!(told("other > h", "g:a:1 g:b:2", 60), "a level:b done");
}

/// Sets these deployments aside for ten seconds.
fn set_aside(world: &World, ids: &str, kind: ErrorKind) {
    for id in ids.split_whitespace() {
        let mut all = world.catalog.deployments();
        let deployment = all.find(|it| *it.id == *id).expect("known");
        let running = Running::begin(deployment, world.start, Terms::default()).expect("ready");
        let rules = crate::config::CooldownRules {
            allowed_fails: Some(0),
            time: seconds(10),
            ..crate::config::CooldownRules::default()
        };
        let outcome = Outcome::new(kind, Again::Later);
        assert!(running.failed(&outcome, &rules, world.start));
    }
}

#[test]
fn a_group_that_is_set_aside_is_passed_over() {
    let world = World::new("g:a g:b h:c", falling("g > h"));
    set_aside(&world, "a", ErrorKind::Internal);
    assert_eq!(world.course(CallOptions::default(), broken("")), "b done");
    set_aside(&world, "b", ErrorKind::Internal);
    assert_eq!(
        world.course(CallOptions::default(), broken("")),
        "to:c done"
    );
    // A fallback was tried: nobody needs to be forced.
    assert_eq!(
        world.course(CallOptions::default(), broken("c")),
        "to:c spent"
    );
}

#[test]
fn when_everybody_fails_one_of_the_group_asked_for_is_tried_once_nevertheless() {
    let world = World::new("g:a g:b h:c", falling("g > h"));
    set_aside(&world, "a b c", ErrorKind::Internal);
    assert_eq!(world.course(CallOptions::default(), broken("")), "a done");
    assert_eq!(
        world.course(CallOptions::default(), broken("a b")),
        "a spent"
    );
}

#[test]
fn when_rates_are_the_cause_it_is_told_when_to_come_back() {
    let world = World::new("g:a g:b", routing());
    set_aside(&world, "a b", ErrorKind::RateLimit);
    let mut plan = world.plan("g", CallOptions::default(), 1);
    let Step::GiveUp(GiveUp::Nobody(nobody)) = plan.next(None, world.start + seconds(4)) else {
        panic!("somebody was tried")
    };
    assert_eq!(nobody.why, NobodyWhy::RateLimited);
    assert_eq!(nobody.retry_after, Some(seconds(6)));
}

#[test]
fn who_is_set_aside_by_the_failure_is_not_waited_for() {
    let aside = || {
        let mut routing = falling("g > h");
        routing.retries.count = 3;
        routing.cooldown.disabled = false;
        routing.cooldown.allowed_fails = Some(0);
        routing.cooldown.time = seconds(60);
        routing
    };
    let world = World::new("g:a g:b h:c", aside());
    let told = world.course(CallOptions::default(), broken("a b"));
    assert_eq!(told, "a again:b to:c done");
    // Also where it would be back after a rest; unless there is nobody else.
    let mut later = Outcome::new(ErrorKind::Internal, Again::Later);
    later.retry_after = Some(seconds(1));
    let told = |members| {
        World::new(members, aside()).course(CallOptions::default(), |attempt| {
            let fails = attempt.number <= 2;
            (Duration::ZERO, fails.then_some(later))
        })
    };
    assert_eq!(told("g:a g:b h:c"), "a again:b to:c done");
    assert_eq!(told("g:a g:b"), "a again:b wait again:b done");
    let world = World::new("g:a g:b", aside());
    let told = world.course(
        CallOptions::default(),
        failing(ErrorKind::Internal, Again::Later),
    );
    assert_eq!(told, "a again:b spent");
}

#[test]
fn who_is_meant_by_id_is_tried_although_it_is_set_aside_but_not_against_an_order() {
    let mut routing = Routing::default();
    routing.cooldown.time = Duration::from_secs(60);
    let world = World::new("g:a g:b", routing);
    let limited = Outcome::new(ErrorKind::RateLimit, Again::Elsewhere);
    let at_a = move |attempt: &Attempt| {
        let at_a = *attempt.deployment.id == *"a";
        (Duration::ZERO, at_a.then_some(limited))
    };
    assert_eq!(world.course(CallOptions::default(), at_a), "a again:b done");
    // It is set aside now.
    assert_eq!(world.course(CallOptions::default(), at_a), "b done");
    let first = |model: &str| {
        let mut plan = world.plan(model, CallOptions::default(), 7);
        match plan.next(None, world.start) {
            Step::Try(attempt) => told(&attempt),
            Step::GiveUp(why) => given_up(why),
            Step::Wait(_) => "wait".to_owned(),
        }
    };
    assert_eq!(first("a"), "a");
    let options = CallOptions {
        fallbacks: Some(vec![Target::named("a")]),
        ..CallOptions::default()
    };
    let refused = failing(ErrorKind::InvalidRequest, Again::Never);
    assert_eq!(world.course(options, refused), "b to:a spent");
    let a = world.catalog.deployments().next().expect("a");
    let hour = world.start + Duration::from_secs(3600);
    a.ledger.set_aside(Some(hour));
    assert_eq!(first("a"), "SetAside");
}

#[test]
fn who_is_meant_by_id_is_retried_although_its_failure_has_set_it_aside() {
    let mut routing = Routing::default();
    routing.cooldown.allowed_fails = Some(0);
    let world = World::new("x:x g:a g:b", routing);
    let mut plan = world.plan("a", CallOptions::default(), 7);
    let Step::Try(attempt) = plan.next(None, world.start) else {
        panic!("it is asked for");
    };
    let outcome = Outcome::new(ErrorKind::Internal, Again::Failed);
    let failure = Failure {
        attempt: &attempt,
        outcome: &outcome,
    };
    let Step::Wait(until) = plan.next(Some(failure), world.start) else {
        panic!("it is tried again");
    };
    assert!(matches!(plan.next(None, until), Step::Try(_)));
}
