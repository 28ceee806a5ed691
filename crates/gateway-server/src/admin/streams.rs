//! Ends a stream.

use http::{Response, StatusCode};
use serde::Serialize;
use tokio::time::Instant;

use super::not_found;
use crate::body::Outgoing;
use crate::control::MarkKind;
use crate::respond::json;
use crate::worker::Worker;

#[derive(Serialize)]
struct Answer<'a> {
    call_id: &'a str,
    /// How many streams of this name were ended: clients may give several calls the same one.
    cut: usize,
}

/// Ends the stream of the call with this name: its client gets the error event, unless it does not read.
pub(crate) fn cut(worker: &Worker, call_id: &str) -> Response<Outgoing> {
    let cut = worker.shared.live.cut(call_id, Instant::now());
    if cut == 0 {
        return not_found(format!(
            "There is no stream under way with the name {call_id:?}. GET /admin/status lists them."
        ));
    }
    let marks = &worker.shared.control.marks;
    marks.add(MarkKind::Operator, call_id, "a stream was cut");
    // Under another name than the one line of the call has it.
    tracing::info!(stream = call_id, "an operator cut a stream");
    json(StatusCode::OK, &Answer { call_id, cut })
}
