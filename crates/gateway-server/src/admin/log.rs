//! What the log takes, seen and changed while the process runs.

use std::time::Duration;

use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::{bad_request, read};
use crate::body::Outgoing;
use crate::config;
use crate::respond::json;
use crate::worker::Worker;

/// What the log shall take.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// A level, or a filter such as `info,gateway_transport=debug`; without it, what the configuration says.
    level: Option<String>,
    /// After so many seconds the configuration's comes back.
    for_seconds: Option<f64>,
}

/// What the log takes.
#[derive(Serialize)]
struct Shown {
    /// Now.
    level: String,
    /// By the configuration.
    configured: String,
    /// Seconds until that one comes back, where it will.
    #[serde(skip_serializing_if = "Option::is_none")]
    ends_in: Option<f64>,
}

/// Tells what the log takes; a POST or PUT changes it before.
pub(crate) async fn log(worker: &Worker, request: Request<Incoming>) -> Response<Outgoing> {
    let changes = matches!(*request.method(), Method::POST | Method::PUT);
    if changes && let Err(message) = change(worker, request).await {
        return bad_request(message);
    }
    let now = worker.lines().level().now();
    let until = now.said.as_ref().and_then(|it| it.until);
    let ends_in = until.map(|it| it.saturating_duration_since(Instant::now()));
    let shown = Shown {
        level: now
            .said
            .map_or_else(|| now.configured.clone(), |it| it.level),
        configured: now.configured,
        ends_in: ends_in.map(|it| it.as_secs_f64()),
    };
    json(StatusCode::OK, &shown)
}

async fn change(worker: &Worker, request: Request<Incoming>) -> Result<(), String> {
    let wanted: Wanted = read(request).await?;
    let level = worker.lines().level();
    let Some(text) = wanted.level else {
        if wanted.for_seconds.is_some() {
            return Err("`for_seconds` needs a `level`.".to_owned());
        }
        level.reset();
        tracing::info!("the log is as configured again");
        return Ok(());
    };
    let text = text.to_ascii_lowercase().replace("warning", "warn");
    if let Some(problem) = config::wrong_log_filter(&text) {
        return Err(format!("`level`: {problem}."));
    }
    let lasts = wanted.for_seconds.map(Duration::try_from_secs_f64);
    let until = match lasts.transpose() {
        Ok(lasts) => lasts.map(|it| Instant::now().checked_add(it.min(LONGEST))),
        Err(_) => return Err("`for_seconds` cannot be that.".to_owned()),
    };
    level.say(text.clone(), until.flatten())?;
    tracing::info!(
        level = text,
        for_seconds = wanted.for_seconds,
        "the log takes something else"
    );
    Ok(())
}

/// A year: nobody waits longer, and clocks do not overflow.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);
