//! Which path is what, and who may ask for it.

mod query;
mod route;

use std::sync::Arc;

use gateway_core::{ErrorInfo, ErrorKind};
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;

use crate::body::Outgoing;
use crate::edge::Client;
use crate::respond::{content, refuse};
use crate::worker::Worker;
use crate::{admin, call, drain, health, models, pass_through, ui};
use route::{Route, dialect_of, route};

pub(crate) use query::parameter;
pub(crate) use route::{CallRoute, ModelShape, decode};

/// Answers one request.
pub(crate) async fn answer(
    worker: Arc<Worker>,
    client: Arc<Client>,
    request: Request<Incoming>,
) -> Response<Outgoing> {
    let path = request.uri().path();
    let route = match route(request.method(), path, client.scope) {
        Ok(route) => route,
        Err(error) => return refuse(dialect_of(path), &error),
    };
    let route = match route {
        Route::Call(asked) => return call::answer(worker, client, request, asked).await,
        Route::Through(asked) => return pass_through::answer(worker, client, request, asked).await,
        route => route,
    };
    let denied = {
        let snapshot = worker.shared.snapshot.load();
        let asks = !route.is_public() || (route == Route::Metrics && snapshot.metrics.require_key);
        asks.then(|| snapshot.keys.check(request.headers(), None))
    };
    if let Some(Err(denied)) = denied {
        let error = ErrorInfo::new(ErrorKind::Authentication, denied.message());
        return refuse(
            models::dialect(request.headers(), ModelShape::OfHeaders),
            &error,
        );
    }
    other(&worker, route, request).await
}

async fn other(worker: &Worker, route: Route, request: Request<Incoming>) -> Response<Outgoing> {
    match route {
        Route::Models(shape) => models::list(worker, models::dialect(request.headers(), shape)),
        Route::Model(id, shape) => {
            models::one(worker, models::dialect(request.headers(), shape), &id)
        }
        Route::Liveness => health::liveness(),
        Route::Readiness => health::readiness(worker),
        Route::Health => {
            let query = request.uri().query().unwrap_or_default();
            health::deployments(worker, query).await
        }
        Route::Metrics => health::metrics(worker, request.headers()).await,
        Route::Page => ui::page(
            request.headers(),
            worker.shared.snapshot.load().keys.header(),
        ),
        Route::Pools => admin::pools(worker),
        Route::Rotate => admin::rotate(worker, request).await,
        Route::Reload => admin::reload(worker).await,
        Route::Log => admin::log(worker, request).await,
        Route::Explain => admin::explain(worker, request).await,
        Route::Upgrade => admin::upgrade(worker).await,
        Route::OrderDrain => drain::ordered(worker).await,
        Route::HealthDrain => drain::by_token(worker, request.headers()).await,
        Route::Backlog => drain::backlog(worker),
        Route::Cooldown(id) => admin::cooldown(worker, &id, request).await,
        Route::Drain(id) => admin::drain(worker, &id, request).await,
        Route::Cut(call_id) => admin::cut(worker, &call_id),
        Route::Status => admin::status(worker),
        Route::Timeline => admin::timeline(worker),
        Route::Live => admin::live(worker),
        Route::Root | Route::Call(_) | Route::Through(_) => {
            content(StatusCode::OK, "text/plain", "gateway-server\n")
        }
    }
}
