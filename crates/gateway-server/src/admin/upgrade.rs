//! Hands the service over to a new process.

use gateway_core::{Dialect, ErrorInfo, ErrorKind};
use http::{Response, StatusCode};
use serde::Serialize;

use crate::body::Outgoing;
use crate::control::{NoUpgrade, Order};
use crate::respond::{json, refuse};
use crate::worker::Worker;

#[derive(Serialize)]
struct Upgraded {
    /// The process that serves now.
    pid: u32,
    /// The one that has answered, and ends when what runs on it has ended.
    old_pid: u32,
}

/// Hands the service over, and tells which process has it or why there is no other one.
pub(crate) async fn upgrade(worker: &Worker) -> Response<Outgoing> {
    let outcome = worker.shared.control.order(Order::Upgrade).await;
    let why = match outcome.unwrap_or(Err(NoUpgrade::Draining)) {
        Ok(pid) => {
            let old_pid = std::process::id();
            return json(StatusCode::OK, &Upgraded { pid, old_pid });
        }
        Err(why) => why,
    };
    let mut error = ErrorInfo::new(ErrorKind::Unavailable, why.to_string());
    error.status = match why {
        NoUpgrade::Draining | NoUpgrade::UnderWay | NoUpgrade::First => 409,
        NoUpgrade::Failed(_) => 500,
    };
    refuse(Dialect::OpenAiChat, &error)
}
