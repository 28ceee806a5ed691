//! The state of everything, the last fifteen minutes, and both as they change.

use gateway_core::{Dialect, ErrorInfo, ErrorKind};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use tokio::time::Instant;

use crate::body::Outgoing;
use crate::respond::{self, json, refuse};
use crate::status::{event, report};
use crate::worker::Worker;

/// The state of everything now.
pub(crate) fn status(worker: &Worker) -> Response<Outgoing> {
    json(StatusCode::OK, &report(&worker.shared, Instant::now()))
}

/// The last fifteen minutes.
pub(crate) fn timeline(worker: &Worker) -> Response<Outgoing> {
    let shared = &worker.shared;
    let snapshot = shared.snapshot.load();
    let history = &shared.board.history;
    json(
        StatusCode::OK,
        &history.timeline(&snapshot.catalog, &shared.control.marks),
    )
}

/// The state of everything once a second, and the new column and new marks of the timeline when there are any, until
/// the client leaves or the process has nothing left to do.
pub(crate) fn live(worker: &Worker) -> Response<Outgoing> {
    let shared = &worker.shared;
    let first = event("status", &report(shared, Instant::now()));
    let Some(pieces) = first.and_then(|first| shared.board.watchers.admit(first)) else {
        let message = "Too many look on already: close one of them, or ask /admin/status.";
        let error = ErrorInfo::new(ErrorKind::RateLimit, message);
        return refuse(Dialect::OpenAiChat, &error);
    };
    let mut head = HeaderMap::new();
    for (name, value) in [
        (CONTENT_TYPE, "text/event-stream"),
        (CACHE_CONTROL, "no-cache"),
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ] {
        head.insert(name, HeaderValue::from_static(value));
    }
    respond::with(StatusCode::OK, head, Outgoing::Watch(pieces))
}
