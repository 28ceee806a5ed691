//! Sets a deployment aside by hand, or brings it back.

use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio::time::Instant;

use super::{bad_request, not_found, read};
use crate::body::Outgoing;
use crate::respond::json;
use crate::worker::Worker;

/// For how long.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    /// 0: it is brought back.
    seconds: f64,
}

#[derive(Serialize)]
struct Answer<'a> {
    id: &'a str,
    model_name: &'a str,
    /// How long it is set aside from now on; 0: not at all.
    seconds: f64,
}

/// Sets the deployment with this id aside: new attempts go elsewhere, and what runs there goes on.
pub(crate) async fn cooldown(
    worker: &Worker,
    id: &str,
    request: Request<Incoming>,
) -> Response<Outgoing> {
    let order: Order = match read(request).await {
        Ok(order) => order,
        Err(message) => return bad_request(message),
    };
    if !(0.0..=LONGEST).contains(&order.seconds) {
        return bad_request(format!("`seconds` is a number from 0 to {LONGEST}"));
    }
    let snapshot = worker.shared.snapshot.load();
    let Some(deployment) = snapshot.catalog.deployments().find(|it| *it.id == *id) else {
        return not_found(format!(
            "There is no deployment with the id {id:?}. GET /admin/explain?model=NAME shows those of a model."
        ));
    };
    let time = Duration::from_secs_f64(order.seconds);
    let until = (!time.is_zero()).then(|| Instant::now() + time);
    deployment.ledger.set_aside(until);
    tracing::info!(
        deployment = &*deployment.id,
        seconds = order.seconds,
        "an operator decided about a deployment"
    );
    let answer = Answer {
        id: &deployment.id,
        model_name: &deployment.group,
        seconds: order.seconds,
    };
    json(StatusCode::OK, &answer)
}

/// Seconds: a year.
const LONGEST: f64 = 31_536_000.0;
