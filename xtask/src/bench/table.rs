//! The rows of the report: which figure comes from which measurement, and what it should be.

mod timers;
mod translated;

use super::job::Cell;

/// One row of the report.
#[derive(Debug)]
pub(crate) struct Row {
    /// What the figure says.
    pub(crate) title: &'static str,
    /// Its unit.
    pub(crate) unit: &'static str,
    /// The measurement that it comes from.
    pub(crate) scenario: &'static str,
    /// The figure of a target's cell; the second cell is that of the same round without a proxy.
    pub(crate) value: fn(&Cell, Option<&Cell>) -> Option<f64>,
    /// What the gateway should reach.
    pub(crate) goal: Goal,
}

/// What the gateway should reach.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Goal {
    /// At most this many times what nginx needs.
    Ratio(f64),
    /// At most this many times what the same target needs in the measurement of this name.
    OwnRatio(f64, &'static str),
    /// At most this.
    AtMost(f64),
    /// Nothing was promised.
    Open,
}

/// All rows, in the order of the report.
pub(crate) fn rows() -> impl Iterator<Item = &'static Row> {
    ROWS.iter().chain(timers::ROWS).chain(translated::ROWS)
}

const ROWS: &[Row] = &[
    row(
        "CPU per plain call",
        "µs",
        "plain",
        cpu_per_call,
        Goal::Ratio(1.5),
    ),
    row(
        "CPU per plain call, guarded",
        "µs",
        "guarded",
        cpu_per_call,
        Goal::Open,
    ),
    row(
        "CPU per stream, 64 flushed events",
        "µs",
        "flushed",
        cpu_per_call,
        Goal::Ratio(1.2),
    ),
    row(
        "CPU per stream, 64 events in a burst",
        "µs",
        "burst",
        cpu_per_call,
        Goal::Ratio(1.5),
    ),
    row(
        "CPU per paced event",
        "µs",
        "paced",
        cpu_per_event,
        Goal::Ratio(1.2),
    ),
    row(
        "added p99 at 2,000 calls/s",
        "µs",
        "at 2,000",
        added_p99,
        Goal::Ratio(1.5),
    ),
    row(
        "added p50 at 2,000 calls/s",
        "µs",
        "at 2,000",
        added_p50,
        Goal::Open,
    ),
    row("p99 at 2,000 calls/s", "µs", "at 2,000", p99, Goal::Open),
    row("p50 at 2,000 calls/s", "µs", "at 2,000", p50, Goal::Open),
    row(
        "CPU per call at 2,000 calls/s",
        "µs",
        "at 2,000",
        cpu_per_call,
        Goal::Open,
    ),
    row(
        "added p99 at 1,000 calls/s",
        "µs",
        "at 1,000",
        added_p99,
        Goal::Open,
    ),
    row(
        "added p50 at 1,000 calls/s",
        "µs",
        "at 1,000",
        added_p50,
        Goal::Open,
    ),
    row(
        "memory per idle stream at 1,000 (PSS)",
        "KiB",
        "idle",
        |cell, _| pss(cell, 1_000),
        Goal::AtMost(32.0),
    ),
    row(
        "memory per idle stream at 9,000 (PSS)",
        "KiB",
        "idle",
        |cell, _| pss(cell, 9_000),
        Goal::AtMost(32.0),
    ),
    row(
        "memory per idle stream at 1,000 (RSS)",
        "KiB",
        "idle",
        |cell, _| rss(cell, 1_000),
        Goal::Open,
    ),
    row(
        "memory per idle stream at 9,000 (RSS)",
        "KiB",
        "idle",
        |cell, _| rss(cell, 9_000),
        Goal::Open,
    ),
    row(
        "plain calls per second",
        "/s",
        "plain",
        calls_per_second,
        Goal::Open,
    ),
    row(
        "burst streams per second",
        "/s",
        "burst",
        calls_per_second,
        Goal::Open,
    ),
    row(
        "events per read, flushed",
        "",
        "flushed",
        events_per_read,
        Goal::Open,
    ),
    row(
        "time to first byte p50, 200 paced streams",
        "µs",
        "paced",
        first_byte_p50,
        Goal::Open,
    ),
    row(
        "time to first byte p99, 200 paced streams",
        "µs",
        "paced",
        first_byte_p99,
        Goal::Open,
    ),
    row(
        "delay per event p50, 200 paced streams",
        "µs",
        "paced",
        delay_p50,
        Goal::Open,
    ),
    row(
        "delay per event p99, 200 paced streams",
        "µs",
        "paced",
        delay_p99,
        Goal::Open,
    ),
    row(
        "proxy's core busy, plain",
        "%",
        "plain",
        |cell, _| share(cell.proxy_cpu_ns, cell),
        Goal::Open,
    ),
    row(
        "generator's core busy, plain",
        "%",
        "plain",
        |cell, _| share(cell.mock_cpu_ns + cell.load_cpu_ns, cell),
        Goal::Open,
    ),
];

/// Part of its core that mock and generator used; above 0.9 they are the bottleneck.
pub(crate) fn generator_busy(cell: &Cell) -> f64 {
    ratio(cell.mock_cpu_ns + cell.load_cpu_ns, cell.wall_ns).unwrap_or(0.0)
}

/// Whether other processes were in the way: the proxy had to wait for its core, or somebody
/// else used the generator's. The second is sampled, so it needs more to be believed.
pub(crate) fn disturbed(cell: &Cell) -> bool {
    let waited = ratio(cell.proxy_waited_ns, cell.wall_ns).unwrap_or(0.0);
    let own = cell.mock_cpu_ns + cell.load_cpu_ns;
    let others = ratio(cell.load_core_ns.saturating_sub(own), cell.wall_ns).unwrap_or(0.0);
    waited > 0.03 || others > 0.15
}

const fn row(
    title: &'static str,
    unit: &'static str,
    scenario: &'static str,
    value: fn(&Cell, Option<&Cell>) -> Option<f64>,
    goal: Goal,
) -> Row {
    Row {
        title,
        unit,
        scenario,
        value,
        goal,
    }
}

fn ratio(value: u64, of: u64) -> Option<f64> {
    (of > 0).then(|| value as f64 / of as f64)
}

fn cpu_per_call(cell: &Cell, _: Option<&Cell>) -> Option<f64> {
    cpu(cell, cell.calls)
}

fn cpu_per_event(cell: &Cell, _: Option<&Cell>) -> Option<f64> {
    cpu(cell, cell.events)
}

/// Microseconds of the target's CPU time; nothing for a target without processes.
fn cpu(cell: &Cell, per: u64) -> Option<f64> {
    let value = ratio(cell.proxy_cpu_ns, per)? / 1_000.0;
    (value > 0.0).then_some(value)
}

fn micros(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1_000.0
}

fn p50(cell: &Cell, _: Option<&Cell>) -> Option<f64> {
    Some(micros(cell.latency.p50))
}

fn p99(cell: &Cell, _: Option<&Cell>) -> Option<f64> {
    Some(micros(cell.latency.p99))
}

fn added_p50(cell: &Cell, direct: Option<&Cell>) -> Option<f64> {
    Some(micros(cell.latency.p50) - micros(direct?.latency.p50))
}

fn added_p99(cell: &Cell, direct: Option<&Cell>) -> Option<f64> {
    Some(micros(cell.latency.p99) - micros(direct?.latency.p99))
}

fn first_byte_p50(cell: &Cell, _: Option<&Cell>) -> Option<f64> {
    Some(micros(cell.first_byte.p50))
}

fn first_byte_p99(cell: &Cell, _: Option<&Cell>) -> Option<f64> {
    Some(micros(cell.first_byte.p99))
}

fn delay_p50(cell: &Cell, _: Option<&Cell>) -> Option<f64> {
    Some(micros(cell.event_delay.p50))
}

fn delay_p99(cell: &Cell, _: Option<&Cell>) -> Option<f64> {
    Some(micros(cell.event_delay.p99))
}

fn calls_per_second(cell: &Cell, _: Option<&Cell>) -> Option<f64> {
    ratio(cell.calls * 1_000_000_000, cell.wall_ns)
}

fn events_per_read(cell: &Cell, _: Option<&Cell>) -> Option<f64> {
    ratio(cell.events, cell.reads)
}

fn share(used_ns: u64, cell: &Cell) -> Option<f64> {
    Some(ratio(used_ns, cell.wall_ns)? * 100.0)
}

fn pss(cell: &Cell, streams: u32) -> Option<f64> {
    let (_, memory) = cell.memory.iter().find(|(step, _)| *step == streams)?;
    per_stream(cell.memory_before.pss, memory.pss, streams)
}

fn rss(cell: &Cell, streams: u32) -> Option<f64> {
    let (_, memory) = cell.memory.iter().find(|(step, _)| *step == streams)?;
    per_stream(cell.memory_before.rss, memory.rss, streams)
}

/// KiB that each stream added; nothing for a target whose processes were not found.
fn per_stream(before: u64, after: u64, streams: u32) -> Option<f64> {
    (before > 0).then(|| (after as f64 - before as f64) / f64::from(streams) / 1_024.0)
}
