//! Drains a deployment, or brings it back.

use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::{bad_request, not_found, read};
use crate::body::Outgoing;
use crate::control::MarkKind;
use crate::respond::json;
use crate::status::DRAINED;
use crate::worker::Worker;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    /// False: it is brought back.
    drained: bool,
}

#[derive(Serialize)]
struct Answer<'a> {
    id: &'a str,
    model_name: &'a str,
    drained: bool,
}

/// From now on new attempts go elsewhere, until that is undone; what runs goes on. Not even a call that names the
/// deployment itself gets past it, and a reload changes nothing about it.
pub(crate) async fn drain(
    worker: &Worker,
    id: &str,
    request: Request<Incoming>,
) -> Response<Outgoing> {
    let order: Order = match read(request).await {
        Ok(order) => order,
        Err(message) => return bad_request(message),
    };
    let snapshot = worker.shared.snapshot.load();
    let Some(deployment) = snapshot.catalog.deployments().find(|it| *it.id == *id) else {
        return not_found(format!(
            "There is no deployment with the id {id:?}. GET /admin/status lists all."
        ));
    };
    let until = order.drained.then(|| Instant::now() + DRAINED);
    deployment.ledger.set_aside(until);
    let text = if order.drained { "drained" } else { "back" };
    let marks = &worker.shared.control.marks;
    marks.add(MarkKind::Operator, &*deployment.id, text);
    tracing::info!(
        deployment = &*deployment.id,
        drained = order.drained,
        "an operator decided about a deployment"
    );
    let answer = Answer {
        id: &deployment.id,
        model_name: &deployment.group,
        drained: order.drained,
    };
    json(StatusCode::OK, &answer)
}
