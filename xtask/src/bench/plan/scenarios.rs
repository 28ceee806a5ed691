//! What is measured, and for how long.

use super::super::job::Shape;
use super::super::payload::Mode;
use super::super::{Args, Group};

/// One kind of measurement.
#[derive(Debug)]
pub(super) struct Scenario {
    pub(super) group: Group,
    pub(super) name: &'static str,
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
    all.retain(|scenario| args.only.is_empty() || args.only.contains(&scenario.group));
    all
}
