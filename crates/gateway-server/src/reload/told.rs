//! What is told of a reload: problems for machines, lines for the log, marks for the timeline.

use serde_json::{Map, Value, json};

use crate::config::{Code, Severity};
use crate::control::{MarkKind, ReloadOutcome, Reloaded};
use crate::worker::{LeftOut, Snapshot};

/// A problem as the configuration's own look. `place` is `file:line:column`, or anything else that says where.
pub(super) fn problem(severity: Severity, code: Code, message: &str, place: Option<&str>) -> Value {
    let mut problem = Map::new();
    problem.insert("severity".into(), json!(severity));
    problem.insert("code".into(), code.as_str().into());
    match place.and_then(position) {
        Some((file, line, column)) => {
            problem.insert("file".into(), file.into());
            problem.insert("line".into(), line.into());
            problem.insert("column".into(), column.into());
        }
        None => {
            if let Some(flag) = place {
                problem.insert("flag".into(), flag.into());
            }
        }
    }
    problem.insert("message".into(), message.into());
    problem.into()
}

/// Deployments that cannot be used: an error if that is news, since calls may be served by them now.
pub(super) fn left_out(new: &Snapshot, before: &Snapshot) -> Vec<Value> {
    let known = |it: &LeftOut| before.left_out.iter().any(|old| old.message == it.message);
    let problems = new.left_out.iter().map(|it| {
        let severity = if known(it) {
            Severity::Warning
        } else {
            Severity::Error
        };
        problem(severity, Code::Unservable, &it.message, it.place.as_deref())
    });
    problems.collect()
}

pub(super) fn has_errors(problems: &[Value]) -> bool {
    problems.iter().any(is_error)
}

/// Says in the log what became of a reload.
pub(super) fn log(reloaded: &Reloaded, digest: Option<&str>) {
    let Reloaded {
        generation,
        problems,
        ..
    } = reloaded;
    let cause = reloaded.cause.as_str();
    for problem in problems.iter().take(MOST_LINES) {
        let (place, code) = (place(problem), problem["code"].as_str());
        let message = problem["message"].as_str().unwrap_or_default();
        if is_error(problem) {
            tracing::error!(place, code, "configuration: {message}");
        } else {
            tracing::warn!(place, code, "configuration: {message}");
        }
    }
    let needs_restart = reloaded.needs_restart.join(", ");
    let needs_restart = (!needs_restart.is_empty()).then_some(needs_restart);
    match reloaded.outcome {
        ReloadOutcome::Taken => {
            tracing::info!(
                cause,
                generation,
                digest,
                needs_restart,
                "configuration taken"
            );
        }
        ReloadOutcome::Unchanged => {
            tracing::info!(
                cause,
                generation,
                digest,
                needs_restart,
                "configuration unchanged"
            );
        }
        ReloadOutcome::Refused => {
            let errors = problems.iter().filter(|it| is_error(it)).count();
            tracing::error!(
                cause,
                generation,
                digest,
                errors,
                "configuration refused: the one before stays in force"
            );
        }
    }
}

/// What stands on the timeline, if anything happened.
pub(super) fn mark(reloaded: &Reloaded) -> Option<(MarkKind, String)> {
    let (generation, cause) = (reloaded.generation, reloaded.cause.as_str());
    match reloaded.outcome {
        ReloadOutcome::Unchanged => None,
        ReloadOutcome::Taken => {
            let text = format!("configuration {generation} is in force ({cause})");
            Some((MarkKind::Reload, text))
        }
        ReloadOutcome::Refused => {
            let first = reloaded.problems.iter().find(|it| is_error(it));
            let why = first.map(|problem| {
                let message = problem["message"].as_str().unwrap_or_default();
                match place(problem) {
                    Some(place) => format!(": {place}: {message}"),
                    None => format!(": {message}"),
                }
            });
            let text = format!("configuration refused ({cause}){}", why.unwrap_or_default());
            Some((MarkKind::ReloadRefused, text))
        }
    }
}

fn is_error(problem: &Value) -> bool {
    problem["severity"] == "error"
}

fn place(problem: &Value) -> Option<String> {
    let text = |key: &str| problem[key].as_str();
    if let Some(file) = text("file") {
        return Some(format!("{file}:{}:{}", problem["line"], problem["column"]));
    }
    text("variable").or(text("flag")).map(str::to_owned)
}

/// The parts of `file:line:column`.
fn position(place: &str) -> Option<(&str, u32, u32)> {
    let (rest, column) = place.rsplit_once(':')?;
    let (file, line) = rest.rsplit_once(':')?;
    Some((file, line.parse().ok()?, column.parse().ok()?))
}

/// Problems that are logged one by one.
const MOST_LINES: usize = 20;
