//! Who may serve at all, and who is chosen of those.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use gateway_core::ErrorKind;
use proptest::prelude::*;
use tokio::time::Instant;

use super::{Nobody, NobodyWhy, Selected, Wanted, select};
use crate::config::{DeploymentConfig, Routing, Strategy, TagFiltering};
use crate::deployment::Deployment;
use crate::ledger::{Sample, Terms};
use crate::options::CallOptions;
use crate::outcome::Outcome;
use crate::running::Running;
use crate::world::{entry, failure, group, seconds};

/// A group and all that a choice depends on.
struct Stage {
    members: Vec<Arc<Deployment>>,
    routing: Routing,
    options: CallOptions,
    avoid: Vec<Arc<str>>,
    level: Option<i64>,
    force: bool,
    by_id: bool,
    rng: Rng,
    now: Instant,
}

impl Stage {
    /// The members `a`, `b`, …, each changed by its function.
    fn of(changes: &[fn(&mut DeploymentConfig)]) -> Self {
        let now = Instant::now();
        let entries = ('a'..).zip(changes).map(|(id, change)| {
            let mut entry = entry(&id.to_string());
            change(&mut entry);
            entry
        });
        Self {
            members: group(entries.collect(), now),
            routing: Routing::default(),
            options: CallOptions::default(),
            avoid: Vec::new(),
            level: None,
            force: false,
            by_id: false,
            rng: Rng::with_seed(3),
            now,
        }
    }

    fn select(&mut self) -> Selected {
        let wanted = Wanted {
            options: &self.options,
            routing: &self.routing,
            avoid: &self.avoid,
            level: self.level,
            force: self.force,
            by_id: self.by_id,
        };
        select(&self.members, &wanted, &mut self.rng, self.now)
    }

    #[track_caller]
    fn one(&mut self) -> (String, Running) {
        match self.select() {
            Selected::One(deployment, running) => (deployment.id.as_ref().to_owned(), running),
            Selected::Nobody(nobody) => panic!("{nobody:?}"),
        }
    }

    #[track_caller]
    fn nobody(&mut self) -> Nobody {
        match self.select() {
            Selected::One(deployment, _) => panic!("{} was chosen", deployment.id),
            Selected::Nobody(nobody) => nobody,
        }
    }

    /// Everybody who is chosen in a hundred calls that end at once without verdict.
    fn served(&mut self) -> String {
        let mut seen: BTreeMap<String, u32> = BTreeMap::new();
        for _ in 0..100 {
            if let Selected::One(deployment, _) = self.select() {
                *seen.entry(deployment.id.as_ref().to_owned()).or_default() += 1;
            }
        }
        seen.into_keys().collect()
    }

    /// Sets a member aside.
    fn down(&self, member: usize, outcome: &Outcome) {
        let deployment = &self.members[member];
        let terms = Terms {
            force: true,
            rpm: None,
        };
        let running = Running::begin(deployment, self.now, terms).expect("forced");
        let set_aside = (0..10).any(|_| running.failed(outcome, &deployment.cooldown, self.now));
        assert!(set_aside, "{member}");
    }
}

fn later(kind: ErrorKind, wait: u64) -> Outcome {
    Outcome {
        retry_after: Some(seconds(wait)),
        ..failure(kind)
    }
}

#[test]
fn the_lowest_level_with_somebody_who_can_serve_is_used() {
    let mut stage = Stage::of(&[
        |it| it.order = Some(2),
        |it| it.order = Some(1),
        |it| it.order = Some(1),
        |_| {},
    ]);
    assert_eq!(stage.served(), "bc");
    stage.down(1, &failure(ErrorKind::Upstream));
    assert_eq!(stage.served(), "c");
    stage.down(2, &failure(ErrorKind::Upstream));
    assert_eq!(
        stage.served(),
        "a",
        "levels count among those who can serve"
    );
    stage.down(0, &failure(ErrorKind::Upstream));
    assert_eq!(stage.served(), "d", "who has no level is on the last");
    stage.level = Some(1);
    assert_eq!(stage.nobody().why, NobodyWhy::SetAside);
    stage.level = Some(9);
    assert_eq!(stage.nobody().why, NobodyWhy::Spent);
}

#[test]
fn who_was_tried_is_avoided() {
    let mut stage = Stage::of(&[|_| {}, |_| {}, |it| it.tags = vec!["x".to_owned()]]);
    stage.avoid = vec!["a".into()];
    assert_eq!(stage.served(), "bc");
    stage.avoid.extend(["b".into(), "c".into()]);
    let spent = Nobody {
        why: NobodyWhy::Spent,
        retry_after: None,
    };
    assert_eq!(stage.nobody(), spent);
}

#[test]
fn regions_are_names_or_areas() {
    let mut stage = Stage::of(&[
        |it| it.region = Some("eu-west-1".to_owned()),
        |it| it.region = Some("europe-west4".to_owned()),
        |it| it.region = Some("us-east-1".to_owned()),
        |it| it.region = Some("EU".to_owned()),
        |_| {},
    ]);
    for (region, served) in [
        (None, "abcde"),
        (Some("eu"), "abd"),
        (Some("us"), "c"),
        (Some("us-east-1"), "c"),
        (Some("us-east"), "c"),
        (Some("europe-west4"), "b"),
        (Some("europe"), "b"),
        (Some("e"), ""),
        (Some("us-east-10"), ""),
    ] {
        stage.options.region = region.map(Into::into);
        assert_eq!(stage.served(), served, "{region:?}");
    }
    assert_eq!(stage.nobody().why, NobodyWhy::Region);
}

/// Tags of the request, the client's name, whether one common tag is enough, and who serves.
type Row<'a> = (&'a [&'a str], Option<&'a str>, bool, &'a str);

fn check_tags(stage: &mut Stage, rows: &[Row<'_>]) {
    for (tags, agent, any, served) in rows {
        stage.routing.tags = TagFiltering {
            enabled: true,
            any: *any,
        };
        stage.options.tags = tags.iter().map(|tag| (*tag).into()).collect();
        stage.options.user_agent = agent.map(Into::into);
        assert_eq!(stage.served(), *served, "{tags:?} {agent:?} {any}");
        if served.is_empty() {
            assert_eq!(stage.nobody().why, NobodyWhy::Tags);
        }
    }
}

fn tags(entry: &mut DeploymentConfig, tags: &[&str]) {
    entry.tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
}

#[test]
fn tags_lead_to_who_has_them_and_default_serves_the_rest() {
    let mut stage = Stage::of(&[
        |it| tags(it, &["free"]),
        |it| tags(it, &["paid", "fast"]),
        |it| tags(it, &["paid"]),
        |it| tags(it, &["default", "spare"]),
        |_| {},
    ]);
    stage.options.tags = vec!["free".into()];
    assert_eq!(stage.served(), "abcde", "nobody has switched it on");
    check_tags(
        &mut stage,
        &[
            (&["free"], None, true, "a"),
            (&["paid"], None, true, "bc"),
            (&["paid", "fast"], None, true, "bc"),
            (&["paid", "fast"], None, false, "b"),
            (&["free", "fast"], None, false, "d"),
            (&["else"], None, true, "d"),
            (&[], None, true, "d"),
            (&["default"], None, true, "d"),
            (&["paid", "!fast"], None, true, "c"),
            (&["&fast"], None, true, "b"),
            (&["&fast", "free"], None, true, ""),
            (&["&paid", "!fast"], None, true, "c"),
            (&["&else"], None, true, ""),
            (&["!spare"], None, true, "abce"),
            (&["!"], None, true, "d"),
        ],
    );
    stage.options.tags = vec!["free".into()];
    stage.avoid = vec!["a".into()];
    assert_eq!(
        stage.nobody().why,
        NobodyWhy::Spent,
        "a retry does not change the pool"
    );
    stage.avoid.clear();
    stage.down(0, &failure(ErrorKind::Upstream));
    assert_eq!(
        stage.nobody().why,
        NobodyWhy::SetAside,
        "nor does a cooldown"
    );
}

#[test]
fn without_a_default_the_untagged_go_anywhere_and_the_unmatched_nowhere() {
    let mut stage = Stage::of(&[|it| tags(it, &["free"]), |_| {}]);
    check_tags(
        &mut stage,
        &[(&[], None, true, "ab"), (&["paid"], None, true, "")],
    );
}

#[test]
fn patterns_are_looked_for_in_the_clients_name() {
    let mut stage = Stage::of(&[
        |it| it.tag_patterns = vec!["^User-Agent: claude-code/".to_owned()],
        |it| {
            it.tag_patterns = vec!["curl/[0-9]+".to_owned()];
            tags(it, &["tools"]);
        },
        |it| tags(it, &["default"]),
        |_| {},
    ]);
    let code = Some("claude-code/1.2");
    let curl = Some("curl/8.5.0");
    check_tags(
        &mut stage,
        &[
            (&[], code, true, "a"),
            (&[], curl, true, "b"),
            (&[], Some("my claude-code/1"), true, "c"),
            (&[], None, true, "c"),
            (&["tools"], code, true, "ab"),
            (&["tools"], None, true, "b"),
            // All tags must be there: a name does not make up for one that is not.
            (&["tools", "x"], curl, false, "c"),
            (&["x"], code, false, "a"),
        ],
    );
    let mut stage = Stage::of(&[|it| it.tag_patterns = vec!["curl".to_owned()], |_| {}]);
    check_tags(
        &mut stage,
        &[
            (&[], curl, true, "a"),
            (&[], code, true, "b"),
            (&[], None, true, "b"),
        ],
    );
}

#[test]
fn inputs_that_are_too_long_go_to_who_takes_them() {
    let mut stage = Stage::of(&[
        |it| it.max_input_tokens = Some(1000),
        |it| it.max_input_tokens = Some(8000),
    ]);
    stage.options.input_tokens = Some(1001);
    assert_eq!(stage.served(), "ab", "nobody has switched it on");
    stage.routing.pre_call_checks = true;
    assert_eq!(stage.served(), "b");
    stage.options.input_tokens = Some(1000);
    assert_eq!(stage.served(), "ab");
    stage.options.input_tokens = None;
    assert_eq!(stage.served(), "ab");
    stage.options.input_tokens = Some(8001);
    assert_eq!(stage.nobody().why, NobodyWhy::ContextWindow);
}

#[test]
fn limits_per_minute_hold_where_they_are_looked_at() {
    let latency = Strategy::Latency {
        buffer: 0.0,
        ttl: seconds(60),
    };
    for (strategy, checks, kept) in [
        (Strategy::Usage, false, true),
        (latency, false, true),
        (Strategy::SimpleShuffle, true, true),
        (Strategy::SimpleShuffle, false, false),
        (Strategy::LeastBusy, false, false),
    ] {
        let mut stage = Stage::of(&[|it| it.rpm = Some(3), |it| it.tpm = Some(1000)]);
        stage.routing.strategy = strategy;
        stage.routing.pre_call_checks = checks;
        stage.options.input_tokens = Some(100);
        stage.now += seconds(12);
        stage.members[1].ledger.used(901, stage.now);
        let mut begun = Vec::new();
        while begun.len() < 10
            && let Selected::One(_, running) = stage.select()
        {
            begun.push(running);
        }
        if !kept {
            assert_eq!(begun.len(), 10, "{strategy:?}");
            continue;
        }
        assert_eq!(begun.len(), 3, "{strategy:?}");
        let nobody = stage.nobody();
        assert_eq!(nobody.why, NobodyWhy::RateLimited);
        assert_eq!(nobody.retry_after, Some(seconds(48)));
        stage.now += seconds(48);
        stage.one();
    }
}

#[test]
fn nobody_says_what_is_to_blame_and_when_the_first_returns() {
    let rate = later(ErrorKind::RateLimit, 30);
    let down = failure(ErrorKind::Upstream);
    let broken = failure(ErrorKind::Authentication);
    for (outcomes, why, wait) in [
        ([rate, rate], NobodyWhy::RateLimited, 30),
        (
            [rate, later(ErrorKind::RateLimit, 9)],
            NobodyWhy::RateLimited,
            9,
        ),
        ([rate, down], NobodyWhy::SetAside, 5),
        ([broken, down], NobodyWhy::SetAside, 5),
    ] {
        let mut stage = Stage::of(&[|_| {}, |_| {}]);
        stage.down(0, &outcomes[0]);
        stage.down(1, &outcomes[1]);
        let nobody = stage.nobody();
        assert_eq!(nobody.why, why);
        assert_eq!(nobody.retry_after, Some(seconds(wait)));
    }
}

#[test]
fn a_due_probe_gets_the_next_call_and_only_one() {
    let mut stage = Stage::of(&[
        |_| {},
        |it| it.weight = Some(1.0),
        |it| it.weight = Some(99.0),
    ]);
    stage.down(1, &failure(ErrorKind::Upstream));
    assert_eq!(stage.served(), "c");
    stage.now += seconds(5);
    let (id, probe) = stage.one();
    assert_eq!((id.as_str(), probe.is_probe()), ("b", true));
    assert_eq!(stage.served(), "c", "nobody waits for the probe");
    drop(probe);
    // A call that has failed before is no probe while somebody else is ready.
    stage.avoid = vec!["a".into()];
    assert_eq!(stage.served(), "c");
    stage.avoid = vec!["who failed in another group".into()];
    let (id, probe) = stage.one();
    assert_eq!((id.as_str(), probe.is_probe()), ("b", true));
    drop(probe);
    stage.avoid = vec!["a".into(), "c".into()];
    let (id, probe) = stage.one();
    assert_eq!((id.as_str(), probe.is_probe()), ("b", true));
    let nobody = stage.nobody();
    assert_eq!(nobody.why, NobodyWhy::SetAside);
    assert_eq!(nobody.retry_after, Some(seconds(1)));
}

#[test]
fn who_gets_no_calls_by_weight_gets_no_probe() {
    let mut stage = Stage::of(&[|_| {}, |it| it.weight = Some(1.0)]);
    stage.down(0, &failure(ErrorKind::Upstream));
    stage.now += seconds(5);
    assert_eq!(stage.served(), "b");
}

#[test]
fn the_last_resort_is_who_returns_soonest_of_those_that_fail() {
    let mut stage = Stage::of(&[|_| {}, |_| {}, |_| {}, |_| {}]);
    stage.force = true;
    assert_eq!(stage.served(), "abcd", "there is no need for it");
    stage.down(0, &later(ErrorKind::Upstream, 40));
    stage.down(1, &later(ErrorKind::Overloaded, 20));
    stage.down(2, &later(ErrorKind::RateLimit, 2));
    stage.members[3]
        .ledger
        .set_aside(Some(stage.now + seconds(1)));
    let (id, running) = stage.one();
    assert_eq!((id.as_str(), running.is_probe()), ("b", false));
    stage.avoid = vec!["b".into()];
    assert_eq!(stage.one().0, "a");
    stage.avoid.push("a".into());
    assert_eq!(stage.nobody().why, NobodyWhy::SetAside);
    stage.avoid.clear();
    stage.force = false;
    let nobody = stage.nobody();
    assert_eq!(nobody.retry_after, Some(seconds(1)));
}

#[test]
fn free_slots_are_preferred() {
    let mut stage = Stage::of(&[
        |it| it.max_parallel = Some(1),
        |it| it.max_parallel = Some(2),
    ]);
    let slots = |stage: &Stage, at: usize| {
        let slots = stage.members[at].slots.clone().expect("limited");
        slots.try_acquire().expect("free")
    };
    let a = slots(&stage, 0);
    assert_eq!(stage.served(), "b");
    let _b = (slots(&stage, 1), slots(&stage, 1));
    assert_eq!(stage.served(), "ab", "one of them is waited for");
    drop(a);
    assert_eq!(stage.served(), "a");
}

#[test]
fn an_attempt_is_under_way_until_it_is_dropped() {
    let mut stage = Stage::of(&[|_| {}]);
    let running: Vec<_> = (0..3).map(|_| stage.one()).collect();
    assert_eq!(stage.members[0].ledger.view(stage.now).in_flight, 3);
    drop(running);
    assert_eq!(stage.members[0].ledger.view(stage.now).in_flight, 0);
}

#[test]
fn threads_that_choose_at_once_share_one_probe() {
    let mut stage = Stage::of(&[|_| {}, |_| {}]);
    stage.down(0, &failure(ErrorKind::Upstream));
    stage.now += Duration::from_secs(5);
    let probes: usize = std::thread::scope(|scope| {
        let choose = |seed| {
            let (options, routing) = (&stage.options, &stage.routing);
            let (members, now) = (&stage.members, stage.now);
            let wanted = Wanted {
                options,
                routing,
                avoid: &[],
                level: None,
                force: false,
                by_id: false,
            };
            let mut rng = Rng::with_seed(seed);
            let picked: Vec<Selected> = (0..500)
                .map(|_| select(members, &wanted, &mut rng, now))
                .collect();
            picked
        };
        let threads: Vec<_> = (0..4)
            .map(|seed| scope.spawn(move || choose(seed)))
            .collect();
        let all: Vec<Selected> = threads
            .into_iter()
            .flat_map(|it| it.join().expect("no panic"))
            .collect();
        assert_eq!(all.len(), 2000);
        all.iter()
            .filter(|it| matches!(it, Selected::One(_, running) if running.is_probe()))
            .count()
    });
    assert_eq!(probes, 1);
}

/// Makes a call every 20 ms until `until`, each with one retry; `down` tells who fails. Says how many attempts failed,
/// and how many calls did.
fn calls(stage: &mut Stage, until: Instant, down: fn(&str) -> bool) -> (u32, u32) {
    let (mut attempts, mut lost) = (0, 0);
    stage.force = true;
    while stage.now < until {
        stage.now += Duration::from_millis(20);
        stage.avoid.clear();
        let served = (0..2).any(|_| {
            let (id, running) = stage.one();
            if down(&id) {
                let member = stage.members.iter().find(|it| *it.id == *id);
                let rules = &member.expect("a member").cooldown;
                running.failed(&failure(ErrorKind::Upstream), rules, stage.now);
                attempts += 1;
                stage.avoid.push(id.as_str().into());
                return false;
            }
            let sample = Sample {
                first_content: None,
                whole: None,
                output_tokens: None,
            };
            running.succeeded(sample, stage.now);
            true
        });
        lost += u32::from(!served);
    }
    (attempts, lost)
}

#[test]
fn who_flaps_costs_retries_only_and_when_all_are_dead_somebody_is_still_tried() {
    let mut stage = Stage::of(&[|_| {}, |_| {}, |_| {}]);
    for _ in 0..50 {
        let bad = stage.now + seconds(10);
        let (attempts, lost) = calls(&mut stage, bad, |id| id == "b");
        assert!(attempts <= 11 && lost == 0, "{attempts} {lost}");
        let well = stage.now + seconds(30);
        assert_eq!(calls(&mut stage, well, |_| false), (0, 0));
    }
    // Every choice in there is somebody: 500 calls, two attempts each.
    let dead = stage.now + seconds(10);
    assert_eq!(calls(&mut stage, dead, |_| true).1, 500);
    let well = stage.now + seconds(1);
    assert_eq!(
        calls(&mut stage, well, |_| false),
        (0, 0),
        "who is forced returns at once"
    );
}

/// A member: level, weight, region, and how it stands.
type Member = (Option<i64>, Option<u8>, bool, u8);

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn who_is_chosen_may_serve_and_nobody_is_left_out_who_could(
        members in proptest::collection::vec(
            (proptest::option::of(0_i64..3), proptest::option::of(0_u8..3), any::<bool>(), 0_u8..4), 1..6),
        strategy in prop_oneof![
            Just(Strategy::SimpleShuffle),
            Just(Strategy::LeastBusy),
            Just(Strategy::Usage),
            Just(Strategy::Cost),
            Just(Strategy::Latency { buffer: 0.1, ttl: seconds(60) }),
        ],
        region in any::<bool>(),
        avoid in proptest::collection::vec(0_usize..6, 0..3),
        seed in any::<u64>(),
    ) {
        let mut stage = Stage::of(&[]);
        let entries = members.iter().enumerate().map(|(at, (order, weight, here, _)): (usize, &Member)| {
            DeploymentConfig {
                order: *order,
                weight: weight.map(f64::from),
                region: Some(if *here { "eu-1" } else { "us-1" }.to_owned()),
                ..entry(&at.to_string())
            }
        });
        stage.members = group(entries.collect(), stage.now);
        stage.rng = Rng::with_seed(seed);
        stage.routing.strategy = strategy;
        stage.options.region = region.then(|| "eu".into());
        stage.avoid = avoid.iter().map(|at| at.to_string().into()).collect();
        // Ready, set aside, due for a probe, with its probe out.
        for (at, (.., standing)) in members.iter().enumerate() {
            if *standing > 0 && members.len() > 1 {
                let wait = if *standing == 1 { 60 } else { 1 };
                stage.down(at, &later(ErrorKind::RateLimit, wait));
            }
        }
        stage.now += seconds(5);
        let mut out = Vec::new();
        for (at, (.., standing)) in members.iter().enumerate() {
            if *standing == 3 && members.len() > 1 {
                out.extend(Running::begin(&stage.members[at], stage.now, Terms::default()));
            }
        }
        let could = |at: usize| {
            let (order, _, here, standing) = members[at];
            let serves = members.len() == 1 || matches!(standing, 0 | 2);
            let wanted = (here || !region) && !avoid.contains(&at);
            (serves && wanted).then(|| order.unwrap_or(i64::MAX))
        };
        let level = (0..members.len()).filter_map(could).min();
        match stage.select() {
            Selected::One(deployment, running) => {
                let at: usize = deployment.id.parse().expect("a number");
                prop_assert_eq!(could(at), level, "on the lowest level of those who could");
                prop_assert_eq!(running.is_probe(), members[at].3 == 2 && members.len() > 1);
            }
            Selected::Nobody(nobody) => {
                prop_assert_eq!(level, None);
                let suited = (0..members.len()).filter(|at| members[*at].2 || !region);
                let why = match (suited.clone().count(), suited.filter(|at| !avoid.contains(at)).count()) {
                    (0, _) => NobodyWhy::Region,
                    (_, 0) => NobodyWhy::Spent,
                    _ => NobodyWhy::RateLimited,
                };
                prop_assert_eq!(nobody.why, why);
                prop_assert_eq!(nobody.retry_after.is_some(), why == NobodyWhy::RateLimited);
            }
        }
    }
}
