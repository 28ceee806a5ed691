//! Reads the configuration again.

use gateway_core::{Dialect, ErrorInfo, ErrorKind};
use http::{Response, StatusCode};

use crate::body::Outgoing;
use crate::control::{Order, ReloadCause, ReloadOutcome};
use crate::respond::{json, refuse};
use crate::worker::Worker;

/// Reads the configuration again, and tells what became of it.
pub(crate) async fn reload(worker: &Worker) -> Response<Outgoing> {
    let order = |tell| Order::Reload(ReloadCause::Command, tell);
    let Some(reloaded) = worker.shared.control.order(order).await else {
        let message = "The gateway is on its way out.".to_owned();
        let error = ErrorInfo::new(ErrorKind::Unavailable, message);
        return refuse(Dialect::OpenAiChat, &error);
    };
    let status = match reloaded.outcome {
        ReloadOutcome::Taken | ReloadOutcome::Unchanged => StatusCode::OK,
        ReloadOutcome::Refused => StatusCode::UNPROCESSABLE_ENTITY,
    };
    json(status, &*reloaded)
}
