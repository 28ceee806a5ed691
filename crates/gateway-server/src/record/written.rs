//! The line that a call leaves in the log.

use std::time::Duration;

use gateway_core::EndReason;
use tokio::time::Instant;

use super::journal::{AttemptOutcome, Entry, TimerLimits};
use super::line::JsonLine;
use super::{Record, told};
use crate::log;

impl Record {
    /// One JSON object. Each attempt is in it if there is more to say than that the only one was answered.
    pub(super) fn write_json(
        &self,
        entries: &[Entry],
        end: EndReason,
        took: Duration,
        out: &mut Vec<u8>,
    ) {
        let mut line = JsonLine::begin(out, "timestamp", log::timestamp);
        line.text("level", "INFO");
        line.text("event", "call");
        line.text("call_id", &self.call_id);
        if let Some(trace) = self.trace.as_deref() {
            trace.told(|trace, span| {
                line.text("trace_id", trace);
                line.text("span_id", span);
            });
        }
        line.text("api", self.dialect.name());
        let told = entries
            .iter()
            .rfind(|it| it.outcome == AttemptOutcome::Answered);
        let told = told.or(entries.last());
        let deployment = told.map(|it| &it.deployment);
        for (name, value) in [
            ("model", self.model.as_deref()),
            ("group", self.group.as_deref()),
            ("deployment", deployment.map(|it| &*it.id)),
            ("provider", deployment.map(|it| it.endpoint.provider())),
            ("end", Some(end.as_str())),
            ("connection", told.and_then(connection)),
            ("error", self.error.as_deref()),
        ] {
            if let Some(value) = value {
                line.text(name, value);
            }
        }
        if let Some(provider) = self.through {
            line.text("pass_through", provider);
        }
        self.write_times(told, took, &mut line);
        self.write_lost(&mut line);
        line.number("attempts", entries.len());
        line.number("retries", self.course.retries);
        line.number("fallbacks", self.course.fallbacks);
        line.number("hedges", self.course.hedges);
        self.write_numbers(told, &mut line);
        if let Some((name, timer)) = self.timer(end) {
            line.text("timer", name.as_str());
            line.millis("timer_ms", timer.limit);
            line.text("timer_origin", &timer.origin.to_string());
        }
        if entries.len() > 1 || told.is_some_and(|it| it.outcome != AttemptOutcome::Answered) {
            line.list("attempt_log", entries, |line, entry| {
                write_attempt(line, entry, self.started, end);
            });
        }
        line.end();
    }

    fn write_times(&self, told: Option<&Entry>, took: Duration, line: &mut JsonLine<'_>) {
        line.flag("stream", self.stream);
        line.number("status", self.status);
        for (name, value) in [
            ("duration_ms", Some(took)),
            ("overhead_ms", self.head.map(|head| head.overhead)),
            (
                "upstream_head_ms",
                told.and_then(|it| Some(it.started + it.head? - self.started)),
            ),
            ("first_content_ms", self.first_content),
        ] {
            if let Some(value) = value {
                line.millis(name, value);
            }
        }
    }

    fn write_lost(&self, line: &mut JsonLine<'_>) {
        if !self.lost.is_empty() {
            line.list("dropped_params", &self.lost, |line, lost| {
                line.text("name", &lost.name);
            });
        }
        if self.estimated {
            line.flag("estimated", true);
        }
    }

    fn write_numbers(&self, told: Option<&Entry>, line: &mut JsonLine<'_>) {
        for (name, value) in [
            (
                "upstream_status",
                told.and_then(|it| it.status).map(u64::from),
            ),
            ("generation", told.and_then(|it| it.generation)),
            ("bytes", Some(self.bytes)),
            ("events", Some(self.events)),
            ("input_tokens", self.usage.input_tokens),
            ("output_tokens", self.usage.output_tokens),
            ("cache_read_tokens", self.usage.cache_read_tokens),
            ("cache_write_tokens", self.usage.cache_write_tokens),
            ("reasoning_tokens", self.usage.reasoning_tokens),
        ] {
            if let Some(value) = value {
                line.number(name, value);
            }
        }
        if let Some(cost) = self.cost {
            line.decimal("cost_usd", cost.dollars());
        }
    }

    /// One line for people, in colors if `paint` has some.
    pub(super) fn write_text(
        &self,
        entries: &[Entry],
        end: EndReason,
        took: Duration,
        paint: Paint,
        out: &mut Vec<u8>,
    ) {
        out.extend_from_slice(paint.dim.as_bytes());
        log::timestamp(out);
        let level = match (end, self.status) {
            (EndReason::Complete, ..400) => paint.good,
            (EndReason::ClientGone, _) => paint.dim,
            _ => paint.bad,
        };
        let plain = paint.plain;
        let model = self.model.as_deref().unwrap_or("-").escape_debug();
        let error = self.error.as_deref().unwrap_or_default().escape_debug();
        let text = format!(
            "{plain} {level} INFO{plain} call {} {model} {} -> {level}{} {end}{plain} in {:.1} ms, {} events, {} bytes {error}",
            self.dialect.name(),
            self.call_id.escape_debug(),
            self.status,
            took.as_secs_f64() * 1e3,
            self.events,
            self.bytes,
        );
        out.extend_from_slice(text.trim_end().as_bytes());
        if entries.len() > 1 {
            let attempts = told::each(entries);
            out.extend_from_slice(format!(" [{}]", attempts.escape_debug()).as_bytes());
        }
    }
}

/// What colors a line for people.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Paint {
    dim: &'static str,
    good: &'static str,
    bad: &'static str,
    plain: &'static str,
}

impl Paint {
    /// The colors of a terminal.
    pub(super) const TERMINAL: Self = Self {
        dim: "\x1b[2m",
        good: "\x1b[32m",
        bad: "\x1b[31m",
        plain: "\x1b[0m",
    };
}

fn write_attempt(line: &mut JsonLine<'_>, entry: &Entry, call: Instant, end: EndReason) {
    line.text("deployment", &entry.deployment.id);
    line.text("group", &entry.deployment.group);
    line.text("kind", entry.kind.as_str());
    let started = entry.started.saturating_duration_since(call);
    for (name, value) in [
        ("started_ms", Some(started)),
        ("took_ms", entry.took),
        ("head_ms", entry.head),
    ] {
        if let Some(value) = value {
            line.millis(name, value);
        }
    }
    line.object("timers", |line| write_timers(line, entry.limits));
    line.text("outcome", entry.outcome.as_str());
    if entry.outcome == AttemptOutcome::Answered {
        line.text("end", entry.broke.unwrap_or(end).as_str());
    }
    for (name, value) in [
        ("upstream_status", entry.status.map(u64::from)),
        ("generation", entry.generation),
    ] {
        if let Some(value) = value {
            line.number(name, value);
        }
    }
    for (name, value) in [
        ("connection", connection(entry)),
        ("delivery", entry.delivery),
    ] {
        if let Some(value) = value {
            line.text(name, value);
        }
    }
}

fn write_timers(line: &mut JsonLine<'_>, limits: TimerLimits) {
    for (name, value) in [
        ("attempt_ms", limits.attempt),
        ("first_content_ms", limits.first_content),
        ("idle_ms", Some(limits.idle)),
        ("connect_ms", Some(limits.connect)),
        ("pool_ms", Some(limits.pool)),
    ] {
        if let Some(value) = value {
            line.millis(name, value);
        }
    }
}

fn connection(entry: &Entry) -> Option<&'static str> {
    entry
        .reused
        .map(|reused| if reused { "reused" } else { "new" })
}
