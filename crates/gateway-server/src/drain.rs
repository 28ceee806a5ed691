//! Draining by a request, as before a container is stopped: not ready, clients go elsewhere, and the answer comes when no
//! call is under way. The process stays until it is told to end.

use gateway_core::{Dialect, ErrorInfo, ErrorKind};
use http::{HeaderMap, Response, StatusCode};
use serde::Serialize;
use tokio::time::{Instant, interval_at, sleep_until};

use std::time::Duration;

use crate::auth::DrainToken;
use crate::body::Outgoing;
use crate::control::Order;
use crate::respond::{json, refuse};
use crate::worker::Worker;

/// What LiteLLM answers.
#[derive(Serialize)]
struct Drained {
    status: &'static str,
    /// Calls that were under way and are no more.
    drained_requests: u64,
    /// Those that still are: the time was over before they were.
    #[serde(skip_serializing_if = "Option::is_none")]
    remaining_requests: Option<u64>,
}

/// What FastAPI answers, and so LiteLLM.
#[derive(Serialize)]
struct Detail {
    detail: &'static str,
}

#[derive(Serialize)]
struct Backlog {
    in_flight_requests: u64,
}

/// LiteLLM's `GET /health/drain`: drains, for whoever has the token.
///
/// # Cancel safety
/// What has begun goes on, whoever still waits for it.
pub(crate) async fn by_token(worker: &Worker, headers: &HeaderMap) -> Response<Outgoing> {
    let token = worker.shared.snapshot.load().keys.drain(headers);
    match token {
        DrainToken::Right => ordered(worker).await,
        DrainToken::Wrong => json(
            StatusCode::UNAUTHORIZED,
            &Detail {
                detail: "Invalid or missing X-Drain-Token",
            },
        ),
        DrainToken::Unset => json(
            StatusCode::NOT_FOUND,
            &Detail {
                detail: "Not Found",
            },
        ),
    }
}

/// Drains, and answers when no call is under way or the time for that is over.
///
/// # Cancel safety
/// What has begun goes on, whoever still waits for it.
pub(crate) async fn ordered(worker: &Worker) -> Response<Outgoing> {
    let Some(drain) = worker.shared.control.order(Order::Drain).await else {
        // A signal was faster: the process ends, and waits for the same.
        return on_the_way_out();
    };
    let began = worker.shared.drain();
    let initial = active(worker);
    let mut look = interval_at(Instant::now(), LOOK_AGAIN);
    let over = async {
        match drain.timeout {
            Some(timeout) => sleep_until(began + drain.delay + timeout).await,
            None => std::future::pending().await,
        }
    };
    let idle = async {
        while active(worker) > 0 {
            look.tick().await;
        }
    };
    let in_time = tokio::select! {
        () = idle => true,
        () = over => false,
    };
    let remaining = active(worker);
    json(
        StatusCode::OK,
        &Drained {
            status: "drained",
            drained_requests: initial.saturating_sub(remaining),
            remaining_requests: (!in_time).then_some(remaining),
        },
    )
}

/// LiteLLM's `GET /health/backlog`.
pub(crate) fn backlog(worker: &Worker) -> Response<Outgoing> {
    let in_flight_requests = active(worker);
    json(StatusCode::OK, &Backlog { in_flight_requests })
}

fn on_the_way_out() -> Response<Outgoing> {
    let message = "The gateway is on its way out.".to_owned();
    let mut error = ErrorInfo::new(ErrorKind::Unavailable, message);
    error.status = 409;
    refuse(Dialect::OpenAiChat, &error)
}

/// Calls under way.
fn active(worker: &Worker) -> u64 {
    worker.metrics().calls_active()
}

/// Nobody tells when the last call has ended, so that calls need not care.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
