//! The rows of translation: each route beside the one on which its client is understood without.
//!
//! A figure of a stream is per event of the upstream: both dialects send as many, and most of them are one event for the
//! client, too.

use super::{Goal, Row, cpu_per_call, pss};

pub(super) const ROWS: &[Row] = &[
    plain("CPU per plain call, chat to chat", "chat plain", Goal::Open),
    plain(
        "CPU per plain call, chat to messages",
        "chat plain, translated",
        Goal::OwnRatio(CPU, "chat plain"),
    ),
    plain(
        "CPU per plain call, messages to messages",
        "messages plain",
        Goal::Open,
    ),
    plain(
        "CPU per plain call, messages to chat",
        "messages plain, translated",
        Goal::OwnRatio(CPU, "messages plain"),
    ),
    stream(
        "CPU per stream, 64 flushed events, chat to chat",
        "chat flushed",
        Goal::Open,
    ),
    stream(
        "CPU per stream, 64 flushed events, chat to messages",
        "chat flushed, translated",
        Goal::OwnRatio(CPU, "chat flushed"),
    ),
    stream(
        "CPU per stream, 64 flushed events, messages to messages",
        "messages flushed",
        Goal::Open,
    ),
    stream(
        "CPU per stream, 64 flushed events, messages to chat",
        "messages flushed, translated",
        Goal::OwnRatio(CPU, "messages flushed"),
    ),
    stream(
        "CPU per stream, 64 paced events, chat to chat",
        "chat paced",
        Goal::Open,
    ),
    stream(
        "CPU per stream, 64 paced events, chat to messages",
        "chat paced, translated",
        Goal::OwnRatio(CPU, "chat paced"),
    ),
    stream(
        "CPU per stream, 64 paced events, messages to messages",
        "messages paced",
        Goal::Open,
    ),
    stream(
        "CPU per stream, 64 paced events, messages to chat",
        "messages paced, translated",
        Goal::OwnRatio(CPU, "messages paced"),
    ),
    idle(
        "memory per idle stream (PSS), chat to chat",
        "chat idle",
        Goal::Open,
    ),
    idle(
        "memory per idle stream (PSS), chat to messages",
        "chat idle, translated",
        Goal::OwnRatio(MEMORY, "chat idle"),
    ),
    idle(
        "memory per idle stream (PSS), messages to messages",
        "messages idle",
        Goal::Open,
    ),
    idle(
        "memory per idle stream (PSS), messages to chat",
        "messages idle, translated",
        Goal::OwnRatio(MEMORY, "messages idle"),
    ),
];

const CPU: f64 = 2.0;
const MEMORY: f64 = 1.3;

const fn plain(title: &'static str, scenario: &'static str, goal: Goal) -> Row {
    Row {
        title,
        unit: "µs",
        scenario,
        value: cpu_per_call,
        goal,
    }
}

const fn stream(title: &'static str, scenario: &'static str, goal: Goal) -> Row {
    plain(title, scenario, goal)
}

const fn idle(title: &'static str, scenario: &'static str, goal: Goal) -> Row {
    Row {
        title,
        unit: "KiB",
        scenario,
        value: |cell, _| pss(cell, 1_000),
        goal,
    }
}
