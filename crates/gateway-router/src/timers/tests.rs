//! Every level of every timer, in one table.

use std::time::Duration;

use super::{
    AttemptTimers, DeploymentTimers, Origin, RequestTimers, RouterTimers, TierTimers, TimeoutScope,
    Timer,
};

fn said(seconds: u64, place: &str) -> Option<Timer> {
    Some(Timer {
        limit: Duration::from_secs(seconds),
        origin: Origin::Config(place.into()),
    })
}

fn header(seconds: u64) -> Option<Timer> {
    Some(Timer {
        limit: Duration::from_secs(seconds),
        origin: Origin::Header("x-litellm-timeout"),
    })
}

/// What each level says; more is taken away from it, level by level.
struct Levels {
    request: RequestTimers,
    deployment: DeploymentTimers,
    router: RouterTimers,
}

fn all() -> Levels {
    Levels {
        request: RequestTimers {
            timeout: header(1),
            first_content: header(2),
            idle: header(3),
            tier: Some("flex".into()),
        },
        deployment: DeploymentTimers {
            attempt: said(21, "deployment"),
            first_content: said(22, "deployment"),
            idle: said(23, "deployment"),
            connect: said(24, "deployment"),
            pool: said(25, "deployment"),
            tiers: vec![
                TierTimers {
                    tier: "priority".into(),
                    attempt: said(91, "other tier"),
                    first_content: said(92, "other tier"),
                },
                TierTimers {
                    tier: "flex".into(),
                    attempt: said(11, "tier"),
                    first_content: said(12, "tier"),
                },
            ],
        },
        router: RouterTimers {
            call: said(31, "router").expect("said"),
            first_content: said(32, "router"),
            idle: said(33, "router").expect("said"),
            connect: said(34, "router").expect("said"),
            pool: said(35, "router").expect("said"),
            scope: TimeoutScope::Call,
        },
    }
}

impl Levels {
    fn seconds(&self) -> [Option<u64>; 6] {
        let call = self.router.call(&self.request);
        let AttemptTimers {
            attempt,
            first_content,
            idle,
            connect,
            pool,
        } = self.router.attempt(&self.request, &self.deployment);
        let seconds = |timer: Option<Timer>| timer.map(|it| it.limit.as_secs());
        [
            seconds(Some(call)),
            seconds(attempt),
            seconds(first_content),
            seconds(Some(idle)),
            seconds(Some(connect)),
            seconds(Some(pool)),
        ]
    }
}

#[test]
fn the_first_level_that_says_something_is_heard() {
    type Change = fn(&mut Levels);
    // Call, attempt, first content, idle, connect, pool.
    let rows: [(Change, [Option<u64>; 6]); 7] = [
        (
            |_| {},
            [Some(1), Some(1), Some(2), Some(3), Some(24), Some(25)],
        ),
        (
            |it| {
                it.request = RequestTimers {
                    tier: it.request.tier.take(),
                    ..RequestTimers::default()
                }
            },
            [Some(31), Some(11), Some(12), Some(23), Some(24), Some(25)],
        ),
        // A tier that the deployment says nothing about.
        (
            |it| it.request.tier = Some("auto".into()),
            [Some(31), Some(21), Some(22), Some(23), Some(24), Some(25)],
        ),
        (
            |it| it.request.tier = None,
            [Some(31), Some(21), Some(22), Some(23), Some(24), Some(25)],
        ),
        (
            |it| it.deployment = DeploymentTimers::default(),
            [Some(31), None, Some(32), Some(33), Some(34), Some(35)],
        ),
        (
            |it| it.router.scope = TimeoutScope::Attempt,
            [Some(6000), Some(31), Some(32), Some(33), Some(34), Some(35)],
        ),
        (
            |it| it.router = RouterTimers::default(),
            [Some(6000), None, None, Some(300), Some(5), Some(5)],
        ),
    ];
    let mut levels = all();
    for (row, (change, expected)) in rows.into_iter().enumerate() {
        change(&mut levels);
        assert_eq!(levels.seconds(), expected, "row {row}");
    }
}

#[test]
fn a_requests_timeout_bounds_the_attempt_alone_where_the_operator_wants_that() {
    let mut levels = all();
    levels.router.scope = TimeoutScope::Attempt;
    let [call, attempt, ..] = levels.seconds();
    assert_eq!((call, attempt), (Some(6000), Some(1)));
}

#[test]
fn zero_is_a_value() {
    let mut levels = all();
    levels.request.timeout = header(0);
    levels.request.first_content = header(0);
    let [call, attempt, first_content, ..] = levels.seconds();
    assert_eq!([call, attempt, first_content], [Some(0); 3]);
}

#[test]
fn who_said_a_value_comes_with_it() {
    let levels = all();
    let timers = levels.router.attempt(&levels.request, &levels.deployment);
    let first_content = timers.first_content.expect("said");
    assert_eq!(first_content.origin, Origin::Header("x-litellm-timeout"));
    assert!(first_content.origin.is_caller());
    assert_eq!(timers.connect.origin.to_string(), "deployment");
    assert!(!timers.connect.origin.is_caller());
    assert_eq!(RouterTimers::default().pool.origin, Origin::Default);
}

#[tokio::test]
async fn no_limit_is_too_long_for_a_clock() {
    let start = tokio::time::Instant::now();
    assert!(Timer::by_default(Duration::MAX).from(start) > start);
}
