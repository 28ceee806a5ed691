//! The ops page as text: lines with a tone each.

use serde_json::Value;

use super::table::{Column, Table, clean, fit};
use crate::status::shape::{
    DeploymentState, DeploymentStatus, Percentiles, Readiness, Status, StreamState, StreamStatus,
    Timeline,
};

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// What it says.
    pub text: String,
    /// How it looks where there is color.
    pub tone: Tone,
}

/// How a line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Heading,
    Quiet,
    Warning,
    Bad,
}

/// Whether there is color.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Palette {
    Colored,
    Bare,
}

impl Line {
    fn new(tone: Tone, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { text, tone }
    }

    /// As it goes to a terminal that is so wide.
    pub(super) fn painted(&self, width: usize, palette: Palette) -> String {
        let text = fit(&self.text, width);
        let code = match (palette, self.tone) {
            (Palette::Bare, _) | (_, Tone::Plain) => return text,
            (_, Tone::Heading) => "1",
            (_, Tone::Quiet) => "2",
            (_, Tone::Warning) => "33",
            (_, Tone::Bad) => "31",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}

/// The page, with the past of each deployment where it is known.
pub(super) fn page(status: &Status, timeline: Option<&Timeline>, width: usize) -> Vec<Line> {
    let mut lines = head(status);
    lines.extend(deployments(&status.deployments));
    if let Some(timeline) = timeline {
        lines.extend(past(timeline, width));
    }
    lines.extend(pools(&status.pools));
    lines.extend(streams(status));
    lines.extend(failures(status));
    lines
}

fn head(status: &Status) -> Vec<Line> {
    let (state, tone) = match status.state {
        Readiness::Ready => ("ready", Tone::Heading),
        Readiness::Draining => ("draining", Tone::Warning),
        Readiness::NotReady => ("not ready", Tone::Bad),
    };
    let (version, pid) = (&status.version, status.pid);
    let uptime = time(status.uptime);
    let first = format!("gateway-server {version}  pid {pid}  up {uptime}  {state}");
    let mut lines = vec![Line::new(tone, clean(&first))];
    for reason in &status.reasons {
        lines.push(Line::new(tone, format!("  {}", clean(reason))));
    }
    let config = &status.config;
    let file = config["file"].as_str().unwrap_or("(no file)");
    let mut text = format!("configuration {file}  generation {}", config["generation"]);
    let reload = &config["last_reload"];
    let outcome = reload["outcome"].as_str();
    if let Some(outcome) = outcome {
        text.push_str(&format!("  last reload {outcome}"));
    }
    let refused = outcome == Some("refused");
    let tone = if refused { Tone::Bad } else { Tone::Plain };
    lines.push(Line::new(tone, clean(&text)));
    let calls = &status.calls;
    let text = format!(
        "calls {} active, {} streams, {} queued  {:.1}/s  {:.1} failed/s  overhead {}  first content {}",
        calls.active,
        calls.streams,
        calls.queued,
        calls.per_second,
        calls.failures_per_second,
        percentiles(calls.overhead_ms),
        percentiles(calls.first_content_ms),
    );
    lines.push(Line::new(Tone::Plain, text));
    lines
}

fn deployments(deployments: &[DeploymentStatus]) -> Vec<Line> {
    let mut table = Table::new(&[
        Column::Left("DEPLOYMENT"),
        Column::Left("MODEL NAME"),
        Column::Left("STATE"),
        Column::Right("ACTIVE"),
        Column::Right("/MIN"),
        Column::Right("OK"),
        Column::Right("FIRST CONTENT"),
        Column::Right("TOKENS/S"),
        Column::Right("USD"),
    ]);
    for it in deployments {
        let reason = it
            .reason
            .as_deref()
            .filter(|_| it.state != DeploymentState::Drained);
        let mut state = match it.state {
            DeploymentState::Ready => "ready",
            DeploymentState::SetAside => "set aside",
            DeploymentState::Probation => "probation",
            DeploymentState::Drained => "drained",
        }
        .to_owned();
        if let Some(reason) = reason {
            state.push_str(&format!(" ({reason})"));
        }
        if let Some(left) = it.returns_in {
            state.push_str(&format!(" {}", time(left)));
        }
        table.row([
            fit(&it.id, 24),
            it.model_name.clone(),
            state,
            it.active.to_string(),
            format!("{:.0}", it.per_minute),
            it.success
                .map_or("-".into(), |it| format!("{:.0}%", it * 100.0)),
            percentiles(it.first_content_ms),
            format!("{:.1}", it.tokens_per_second),
            format!("{:.4}", it.cost_usd),
        ]);
    }
    let tones = deployments.iter().map(|it| match it.state {
        DeploymentState::Ready if it.success < Some(0.5) && it.success.is_some() => Tone::Warning,
        DeploymentState::Ready => Tone::Plain,
        DeploymentState::Probation => Tone::Warning,
        DeploymentState::SetAside => Tone::Bad,
        DeploymentState::Drained => Tone::Quiet,
    });
    section(&table, tones)
}

fn past(timeline: &Timeline, width: usize) -> Vec<Line> {
    let names = timeline
        .lanes
        .iter()
        .map(|it| it.model_name.chars().count());
    let name = names.max().unwrap_or_default().clamp(8, 20);
    let room = width.saturating_sub(name + 2);
    let mut lines =
        heading("LAST MINUTES  . ready  p probation  f failing  s set aside  d drained");
    for lane in &timeline.lanes {
        let states: Vec<char> = lane.states.chars().collect();
        let from = states.len().saturating_sub(room);
        let states = states.iter().skip(from);
        let states: String = states
            .map(|it| if *it == 'r' { '.' } else { *it })
            .collect();
        let calm = states.chars().all(|it| matches!(it, '.' | ' '));
        let tone = if calm { Tone::Plain } else { Tone::Warning };
        let label = fit(&clean(&lane.model_name), name);
        lines.push(Line::new(tone, format!("{label:<name$}  {states}")));
    }
    for mark in timeline.marks.iter().rev().take(MARKS) {
        let ago = time((timeline.to - mark.at).max(0.0));
        let text = format!("{ago:>8} ago  {}  {}", mark.text, mark.subject);
        lines.push(Line::new(Tone::Quiet, clean(&text)));
    }
    lines
}

fn pools(pools: &[Value]) -> Vec<Line> {
    let mut table = Table::new(&[
        Column::Left("ORIGIN"),
        Column::Right("GENERATION"),
        Column::Left("REASON"),
        Column::Right("AGE"),
        Column::Right("SOCKETS"),
        Column::Right("RUNNING"),
        Column::Right("DRAINING"),
        Column::Right("WAITING"),
    ]);
    let number = |value: &Value| value.as_u64().unwrap_or_default();
    for pool in pools {
        let generations = pool["generations"].as_array();
        let generations = generations.map_or(&[][..], Vec::as_slice);
        let Some((current, old)) = generations.split_first() else {
            continue;
        };
        let draining: u64 = old.iter().map(|it| number(&it["leases"])).sum();
        table.row([
            pool["origin"].as_str().unwrap_or_default().to_owned(),
            number(&current["number"]).to_string(),
            current["reason"].as_str().unwrap_or_default().to_owned(),
            time(current["age_seconds"].as_f64().unwrap_or_default()),
            number(&current["sockets"]).to_string(),
            number(&current["leases"]).to_string(),
            draining.to_string(),
            number(&pool["waiting"]).to_string(),
        ]);
    }
    section(&table, pools.iter().map(|_| Tone::Plain))
}

fn streams(status: &Status) -> Vec<Line> {
    if status.streams.is_empty() {
        return Vec::new();
    }
    let mut table = Table::new(&[
        Column::Left("STREAM"),
        Column::Left("MODEL"),
        Column::Left("STATE"),
        Column::Right("AGE"),
        Column::Right("FIRST CONTENT"),
        Column::Right("EVENTS"),
        Column::Right("BYTES"),
        Column::Left("DEPLOYMENT"),
    ]);
    for it in &status.streams {
        table.row(stream(it));
    }
    let mut lines = section(
        &table,
        status.streams.iter().map(|it| match it.state {
            StreamState::Stalled => Tone::Bad,
            StreamState::Connecting | StreamState::Waiting => Tone::Warning,
            StreamState::Streaming => Tone::Plain,
        }),
    );
    let more = status.streams_total.saturating_sub(status.streams.len());
    if more > 0 {
        lines.push(Line::new(Tone::Quiet, format!("and {more} more streams")));
    }
    lines
}

fn stream(it: &StreamStatus) -> [String; 8] {
    let state = match it.state {
        StreamState::Connecting => "connecting".to_owned(),
        StreamState::Waiting => "waiting".to_owned(),
        StreamState::Streaming => "streaming".to_owned(),
        StreamState::Stalled => format!("stalled {}", time(it.stalled_for.unwrap_or_default())),
    };
    [
        it.call_id.clone(),
        it.model.clone(),
        state,
        time(it.age),
        it.first_content_ms.map_or("-".into(), millis),
        it.events.to_string(),
        it.bytes.to_string(),
        fit(it.deployment.as_deref().unwrap_or("-"), 24),
    ]
}

fn failures(status: &Status) -> Vec<Line> {
    if status.failures.is_empty() {
        return Vec::new();
    }
    let mut table = Table::new(&[
        Column::Left("LAST FAILURES"),
        Column::Right("COUNT"),
        Column::Right("STATUS"),
        Column::Left("LAST CALL"),
        Column::Left("MESSAGE"),
    ]);
    for group in &status.failures {
        table.row([
            group.cause.clone(),
            group.count.to_string(),
            group.last.status.to_string(),
            group.last.call_id.clone(),
            group.last.message.clone(),
        ]);
    }
    section(&table, status.failures.iter().map(|_| Tone::Plain))
}

/// A table behind an empty line, each row in its tone.
fn section(table: &Table, tones: impl Iterator<Item = Tone>) -> Vec<Line> {
    let empty = Line::new(Tone::Plain, "");
    let tones = std::iter::once(Tone::Heading).chain(tones);
    let lines = table.lines().into_iter().zip(tones);
    let lines = lines.map(|(text, tone)| Line::new(tone, text));
    std::iter::once(empty).chain(lines).collect()
}

fn heading(text: &str) -> Vec<Line> {
    vec![Line::new(Tone::Plain, ""), Line::new(Tone::Heading, text)]
}

fn percentiles(of: Option<Percentiles>) -> String {
    of.map_or("-".to_owned(), |it| {
        format!("{} / {}", millis(it.p50), millis(it.p99))
    })
}

/// Milliseconds for people.
fn millis(millis: f64) -> String {
    match millis {
        short if short < 10.0 => format!("{short:.2} ms"),
        short if short < 1000.0 => format!("{short:.0} ms"),
        long => format!("{:.1} s", long / 1e3),
    }
}

/// Seconds for people.
fn time(seconds: f64) -> String {
    match seconds {
        short if short < 60.0 => format!("{short:.0} s"),
        minutes if minutes < 3600.0 => {
            format!(
                "{:.0} m {:.0} s",
                (minutes / 60.0).floor(),
                (minutes % 60.0).floor()
            )
        }
        hours if hours < 86_400.0 => {
            let minutes = (hours % 3600.0 / 60.0).floor();
            format!("{:.0} h {minutes:.0} m", (hours / 3600.0).floor())
        }
        days => {
            let hours = (days % 86_400.0 / 3600.0).floor();
            format!("{:.0} d {hours:.0} h", (days / 86_400.0).floor())
        }
    }
}

/// Marks that are listed.
const MARKS: usize = 6;

#[cfg(test)]
mod tests;
