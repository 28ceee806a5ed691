//! The rows of the timers: when they fired, against when they were due.

use super::super::job::{Cell, Points};
use super::{Goal, Row, share};

pub(super) const ROWS: &[Row] = &[
    timer(
        "timer of a plain call, fired - due: min",
        Goal::Open,
        |cell, _| millis(&cell.timers_plain, cell.timers_plain.min),
    ),
    timer(
        "timer of a plain call, fired - due: p50",
        Goal::Open,
        |cell, _| millis(&cell.timers_plain, cell.timers_plain.p50),
    ),
    timer(
        "timer of a plain call, fired - due: p90",
        Goal::Open,
        |cell, _| millis(&cell.timers_plain, cell.timers_plain.p90),
    ),
    timer(
        "timer of a plain call, fired - due: p99",
        TARGET,
        |cell, _| millis(&cell.timers_plain, cell.timers_plain.p99),
    ),
    timer(
        "timer of a plain call, fired - due: max",
        Goal::Open,
        |cell, _| millis(&cell.timers_plain, cell.timers_plain.max),
    ),
    timer(
        "timer of a stream, fired - due: min",
        Goal::Open,
        |cell, _| millis(&cell.timers_stream, cell.timers_stream.min),
    ),
    timer(
        "timer of a stream, fired - due: p50",
        Goal::Open,
        |cell, _| millis(&cell.timers_stream, cell.timers_stream.p50),
    ),
    timer(
        "timer of a stream, fired - due: p90",
        Goal::Open,
        |cell, _| millis(&cell.timers_stream, cell.timers_stream.p90),
    ),
    timer("timer of a stream, fired - due: p99", TARGET, |cell, _| {
        millis(&cell.timers_stream, cell.timers_stream.p99)
    }),
    timer(
        "timer of a stream, fired - due: max",
        Goal::Open,
        |cell, _| millis(&cell.timers_stream, cell.timers_stream.max),
    ),
    timer(
        "baseline: a call refused at once: min",
        Goal::Open,
        |cell, _| millis(&cell.refused, cell.refused.min),
    ),
    timer(
        "baseline: a call refused at once: p50",
        Goal::Open,
        |cell, _| millis(&cell.refused, cell.refused.p50),
    ),
    timer(
        "baseline: a call refused at once: p90",
        Goal::Open,
        |cell, _| millis(&cell.refused, cell.refused.p90),
    ),
    timer(
        "baseline: a call refused at once: p99",
        Goal::Open,
        |cell, _| millis(&cell.refused, cell.refused.p99),
    ),
    timer(
        "baseline: a call refused at once: max",
        Goal::Open,
        |cell, _| millis(&cell.refused, cell.refused.max),
    ),
    Row {
        title: "proxy's core busy, timers",
        unit: "%",
        scenario: "timers",
        value: |cell, _| share(cell.proxy_cpu_ns, cell),
        goal: Goal::Open,
    },
];

/// In milliseconds.
const TARGET: Goal = Goal::AtMost(5.0);

const fn timer(
    title: &'static str,
    goal: Goal,
    value: fn(&Cell, Option<&Cell>) -> Option<f64>,
) -> Row {
    Row {
        title,
        unit: "ms",
        scenario: "timers",
        value,
        goal,
    }
}

/// One of the points; nothing where none was measured.
fn millis(points: &Points, nanoseconds: i64) -> Option<f64> {
    (points.count > 0).then_some(nanoseconds as f64 / 1e6)
}
