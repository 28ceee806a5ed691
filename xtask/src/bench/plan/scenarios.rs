//! What is measured, and for how long.

use super::super::dialect::{Dialect, Route};
use super::super::job::Shape;
use super::super::payload::Mode;
use super::super::{Args, Group};

/// One kind of measurement.
#[derive(Debug)]
pub(super) struct Scenario {
    pub(super) group: Group,
    pub(super) name: &'static str,
    pub(super) route: Route,
    pub(super) mode: Mode,
    pub(super) shape: Shape,
    pub(super) warm_up_ms: u64,
}

/// So many connections that call as soon as they can.
pub(super) const fn closed(connections: u32, duration_ms: u64) -> Shape {
    Shape::Closed {
        connections,
        duration_ms,
    }
}

/// What is measured, in this order.
pub(super) fn scenarios(args: &Args) -> Vec<Scenario> {
    let (short, long) = if args.quick {
        (1_000, 2_000)
    } else {
        (3_000, 5_000)
    };
    let steps = if args.quick {
        vec![1_000]
    } else {
        vec![1_000, 9_000]
    };
    let of = |group, name, mode, shape, warm_up_ms| Scenario {
        group,
        name,
        route: Route::CHAT,
        mode,
        shape,
        warm_up_ms,
    };
    let at = |rate| Shape::Open {
        rate,
        connections: 64,
        duration_ms: long,
    };
    let idle = Shape::Idle {
        steps,
        settle_ms: 1_000,
    };
    let timers = Shape::Timers {
        connections: 1_000,
        duration_ms: 2 * long,
    };
    let mut all = vec![
        of(Group::Plain, "plain", Mode::Plain, closed(32, short), 500),
        of(
            Group::Flushed,
            "flushed",
            Mode::Flushed,
            closed(16, short),
            500,
        ),
        of(Group::Burst, "burst", Mode::Burst, closed(16, short), 500),
        of(Group::Paced, "paced", Mode::Paced, closed(200, long), 2_800),
        of(Group::Latency, "at 2,000", Mode::Plain, at(2_000), 1_000),
        of(Group::Latency, "at 1,000", Mode::Plain, at(1_000), 1_000),
        of(
            Group::Guarded,
            "guarded",
            Mode::Guarded,
            closed(32, short),
            500,
        ),
        of(Group::Timers, "timers", Mode::Silent, timers, 3_000),
        of(Group::Memory, "idle", Mode::Idle, idle, 0),
    ];
    all.extend(translated(short, long));
    all.retain(|scenario| args.only.is_empty() || args.only.contains(&scenario.group));
    all
}

/// Each measurement of a client whose upstream speaks its dialect, and then of one whose upstream speaks the other.
fn translated(short: u64, long: u64) -> impl Iterator<Item = Scenario> {
    ROUTES.iter().map(move |(name, mode, route)| {
        let (shape, warm_up_ms) = match mode {
            Mode::Paced => (closed(200, long), 2_800),
            Mode::Idle => {
                let steps = vec![1_000];
                let settle_ms = 1_000;
                (Shape::Idle { steps, settle_ms }, 0)
            }
            Mode::Plain => (closed(32, short), 500),
            _ => (closed(16, short), 500),
        };
        Scenario {
            group: Group::Translated,
            name,
            route: *route,
            mode: *mode,
            shape,
            warm_up_ms,
        }
    })
}

const CHAT_TO_MESSAGES: Route = Route::of(Dialect::Chat, Dialect::Messages);
const MESSAGES: Route = Route::of(Dialect::Messages, Dialect::Messages);
const MESSAGES_TO_CHAT: Route = Route::of(Dialect::Messages, Dialect::Chat);

#[rustfmt::skip]
const ROUTES: &[(&str, Mode, Route)] = &[
    ("chat plain", Mode::Plain, Route::CHAT),
    ("chat plain, translated", Mode::Plain, CHAT_TO_MESSAGES),
    ("messages plain", Mode::Plain, MESSAGES),
    ("messages plain, translated", Mode::Plain, MESSAGES_TO_CHAT),
    ("chat flushed", Mode::Flushed, Route::CHAT),
    ("chat flushed, translated", Mode::Flushed, CHAT_TO_MESSAGES),
    ("messages flushed", Mode::Flushed, MESSAGES),
    ("messages flushed, translated", Mode::Flushed, MESSAGES_TO_CHAT),
    ("chat paced", Mode::Paced, Route::CHAT),
    ("chat paced, translated", Mode::Paced, CHAT_TO_MESSAGES),
    ("messages paced", Mode::Paced, MESSAGES),
    ("messages paced, translated", Mode::Paced, MESSAGES_TO_CHAT),
    ("chat idle", Mode::Idle, Route::CHAT),
    ("chat idle, translated", Mode::Idle, CHAT_TO_MESSAGES),
    ("messages idle", Mode::Idle, MESSAGES),
    ("messages idle, translated", Mode::Idle, MESSAGES_TO_CHAT),
];
