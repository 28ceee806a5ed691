//! What an operator sees of the pools and of the deployments, and does to them.

mod cooldown;
mod drain;
mod explain;
mod log;
mod reload;
mod status;
mod streams;
mod upgrade;

pub(crate) use cooldown::cooldown;
pub(crate) use drain::drain;
pub(crate) use explain::explain;
pub(crate) use log::log;
pub(crate) use reload::reload;
pub(crate) use status::{live, status, timeline};
pub(crate) use streams::cut;
pub(crate) use upgrade::upgrade;

use bytes::Bytes;
use gateway_core::{Dialect, ErrorInfo, ErrorKind};
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::time::Duration;

use gateway_transport::{Prewarm, RotateOptions, RotateReason, Rotated, Selector};

use crate::body::Outgoing;
use crate::call::intake;
use crate::respond::{json, refuse};
use crate::worker::Worker;

/// All origins with their generations, connections and leases.
pub(crate) fn pools(worker: &Worker) -> Response<Outgoing> {
    json(StatusCode::OK, &worker.shared.transport.snapshot())
}

/// What to rotate. An empty body rotates everything.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rotate {
    /// The host of the origins that are meant; all origins without it.
    host: Option<String>,
    /// What the rotation is counted as; `command` without it.
    reason: Option<Reason>,
    /// Open connections in the new generation before it is used.
    #[serde(default)]
    prewarm: bool,
    /// Cut what still runs on the old generation after so many seconds. Never without it.
    drain_deadline_seconds: Option<f64>,
}

/// The reasons that a rotation may be ordered for.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Reason {
    Ttl,
    Config,
    Identity,
    Dns,
    Command,
    Health,
}

impl From<Reason> for RotateReason {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::Ttl => Self::Ttl,
            Reason::Config => Self::Config,
            Reason::Identity => Self::Identity,
            Reason::Dns => Self::Dns,
            Reason::Command => Self::Command,
            Reason::Health => Self::Health,
        }
    }
}

#[derive(Serialize)]
struct Answer {
    rotated: Vec<Rotated>,
}

/// Gives the selected origins a new generation. Nothing that runs is cut, unless a deadline is asked for.
pub(crate) async fn rotate(worker: &Worker, request: Request<Incoming>) -> Response<Outgoing> {
    let wanted = match read_rotate(request).await {
        Ok(wanted) => wanted,
        Err(message) => return bad_request(message),
    };
    let selector = wanted.host.map_or(Selector::All, |host| {
        Selector::Host(host.to_ascii_lowercase())
    });
    let reason = wanted.reason.map_or(RotateReason::Command, Into::into);
    let prewarm = if wanted.prewarm {
        Prewarm::Yes
    } else {
        Prewarm::No
    };
    let options = RotateOptions {
        prewarm,
        drain_deadline: wanted.drain_deadline_seconds.map(Duration::from_secs_f64),
        ..RotateOptions::default()
    };
    let rotated = worker
        .shared
        .transport
        .rotate(&selector, reason, options)
        .await;
    if rotated.is_empty()
        && let Selector::Host(host) = selector
    {
        return not_found(format!(
            "There is no origin with the host {host:?}. GET /admin/pools lists all."
        ));
    }
    json(StatusCode::OK, &Answer { rotated })
}

async fn read_rotate(request: Request<Incoming>) -> Result<Rotate, String> {
    let wanted: Rotate = read(request).await?;
    if let Some(seconds) = wanted.drain_deadline_seconds
        && Duration::try_from_secs_f64(seconds).is_err()
    {
        return Err(format!("drain_deadline_seconds cannot be {seconds}"));
    }
    Ok(wanted)
}

/// Reads an order. Without a body it is an object without fields.
async fn read<T: DeserializeOwned>(request: Request<Incoming>) -> Result<T, String> {
    let body = collect(request).await?;
    let body = match body.trim_ascii() {
        b"" => b"{}",
        body => body,
    };
    serde_json::from_slice(body).map_err(|error| error.to_string())
}

async fn collect(request: Request<Incoming>) -> Result<Bytes, String> {
    let body = intake::collect(request.into_body(), BODY_LIMIT, BODY_SILENCE).await;
    body.map_err(|failure| failure.error.message)
}

fn bad_request(message: String) -> Response<Outgoing> {
    let error = ErrorInfo::new(ErrorKind::InvalidRequest, message);
    refuse(Dialect::OpenAiChat, &error)
}

fn not_found(message: String) -> Response<Outgoing> {
    let error = ErrorInfo::new(ErrorKind::NotFound, message);
    refuse(Dialect::OpenAiChat, &error)
}

/// Bytes of an order.
const BODY_LIMIT: usize = 64 * 1024;
/// How long an order may pause on its way in.
const BODY_SILENCE: Duration = Duration::from_secs(10);
