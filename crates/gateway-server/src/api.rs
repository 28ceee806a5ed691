//! Which path is what, and who may ask for it.

use std::sync::Arc;

use gateway_core::{Dialect, ErrorInfo, ErrorKind};
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;

use crate::body::Outgoing;
use crate::edge::{Client, Scope};
use crate::respond::{content, refuse};
use crate::worker::Worker;
use crate::{admin, call, health, models};

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Route {
    /// A call of this dialect, with the model's name where the path has it.
    Call(Dialect, Option<String>),
    /// The list of models.
    Models,
    /// One of them.
    Model(String),
    /// The process works.
    Liveness,
    /// The process takes calls.
    Readiness,
    /// How the deployments are.
    Health,
    /// Prometheus.
    Metrics,
    /// The pools, their generations and what runs on them.
    Pools,
    /// New generations for them.
    Rotate,
    /// What would happen to a call.
    Explain,
    /// Sets the deployment with this id aside, or brings it back.
    Cooldown(String),
    /// Probes of clients that only want to know whether somebody is here.
    Root,
}

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
    if let Route::Call(dialect, model) = route {
        return call::answer(worker, client, request, dialect, model).await;
    }
    if !route.is_public()
        && let Err(denied) = worker.shared.snapshot.load().keys.check(request.headers())
    {
        let error = ErrorInfo::new(ErrorKind::Authentication, denied.message());
        return refuse(models::dialect(request.headers()), &error);
    }
    other(&worker, route, request).await
}

async fn other(worker: &Worker, route: Route, request: Request<Incoming>) -> Response<Outgoing> {
    match route {
        Route::Models => models::list(worker, request.headers()),
        Route::Model(id) => models::one(worker, request.headers(), &id),
        Route::Liveness => health::liveness(),
        Route::Readiness => health::readiness(worker),
        Route::Health => health::deployments(worker),
        Route::Metrics => health::metrics(worker),
        Route::Pools => admin::pools(worker),
        Route::Rotate => admin::rotate(worker, request).await,
        Route::Explain => admin::explain(worker, request).await,
        Route::Cooldown(id) => admin::cooldown(worker, &id, request).await,
        Route::Root | Route::Call(..) => content(StatusCode::OK, "text/plain", "gateway-server\n"),
    }
}

impl Route {
    fn is_in(&self, scope: Scope) -> bool {
        match self {
            Self::Pools | Self::Rotate | Self::Explain | Self::Cooldown(_) => scope != Scope::Calls,
            Self::Call(..) | Self::Models | Self::Model(_) => scope != Scope::Admin,
            _ => true,
        }
    }

    /// Answered without a key.
    fn is_public(&self) -> bool {
        matches!(
            self,
            Self::Liveness | Self::Readiness | Self::Metrics | Self::Root
        )
    }
}

/// What the path means, or what to tell the client.
fn route(method: &Method, path: &str, scope: Scope) -> Result<Route, ErrorInfo> {
    let route = match_path(path).filter(|route| route.is_in(scope));
    let route = route.ok_or_else(|| {
        let message = format!("There is no route {path:?}.");
        ErrorInfo::new(ErrorKind::NotFound, message)
    })?;
    let wanted = match route {
        Route::Call(..) | Route::Rotate | Route::Cooldown(_) => Method::POST,
        // The body of a POST is the request that is meant.
        Route::Explain if *method == Method::POST => Method::POST,
        _ => Method::GET,
    };
    let head_of_get = wanted == Method::GET && method == Method::HEAD;
    if *method == wanted || head_of_get {
        return Ok(route);
    }
    let message = format!("{path:?} answers {wanted}, not {method}.");
    let mut error = ErrorInfo::new(ErrorKind::InvalidRequest, message);
    error.status = 405;
    Err(error)
}

fn match_path(path: &str) -> Option<Route> {
    if let Some(dialect) = dialect(path.strip_prefix("/v1").unwrap_or(path)) {
        return Some(Route::Call(dialect, None));
    }
    Some(match path {
        "/" => Route::Root,
        "/v1/messages" => Route::Call(Dialect::AnthropicMessages, None),
        "/v1/models" | "/models" => Route::Models,
        "/health/liveliness" | "/health/liveness" => Route::Liveness,
        "/health/readiness" => Route::Readiness,
        "/health" => Route::Health,
        "/metrics" => Route::Metrics,
        "/admin/pools" => Route::Pools,
        "/admin/pools/rotate" => Route::Rotate,
        "/admin/explain" => Route::Explain,
        _ => return match_named(path),
    })
}

/// Paths with a model's name in them.
fn match_named(path: &str) -> Option<Route> {
    for prefix in ["/v1/models/", "/models/"] {
        if let Some(id) = path.strip_prefix(prefix) {
            return Some(Route::Model(decode(id)?));
        }
    }
    if let Some(rest) = path.strip_prefix("/admin/deployments/") {
        let id = rest.strip_suffix("/cooldown")?;
        return Some(Route::Cooldown(decode(id)?));
    }
    for prefix in ["/openai/deployments/", "/engines/"] {
        if let Some(rest) = path.strip_prefix(prefix) {
            let (model, tail) = rest.split_at(rest.find('/')?);
            return Some(Route::Call(dialect(tail)?, Some(decode(model)?)));
        }
    }
    None
}

/// The OpenAI dialects by the end of their path.
fn dialect(tail: &str) -> Option<Dialect> {
    match tail {
        "/chat/completions" => Some(Dialect::OpenAiChat),
        "/completions" => Some(Dialect::OpenAiCompletions),
        "/embeddings" => Some(Dialect::OpenAiEmbeddings),
        _ => None,
    }
}

/// The dialect in which a path that leads nowhere is answered.
fn dialect_of(path: &str) -> Dialect {
    if path.starts_with("/v1/messages") || path.starts_with("/anthropic") {
        Dialect::AnthropicMessages
    } else {
        Dialect::OpenAiChat
    }
}

/// Resolves percent-encoding; `None` when what comes out is no text.
pub(crate) fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let encoded = (first == b'%').then(|| tail.split_at_checked(2)).flatten();
        let byte = encoded
            .and_then(|(hex, _)| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        rest = match (byte, encoded) {
            (Some(byte), Some((_, tail))) => {
                bytes.push(byte);
                tail
            }
            _ => {
                bytes.push(first);
                tail
            }
        };
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_alias_leads_to_its_call() {
        for (path, dialect) in [
            ("/v1/chat/completions", Dialect::OpenAiChat),
            ("/chat/completions", Dialect::OpenAiChat),
            ("/v1/completions", Dialect::OpenAiCompletions),
            ("/completions", Dialect::OpenAiCompletions),
            ("/v1/embeddings", Dialect::OpenAiEmbeddings),
            ("/embeddings", Dialect::OpenAiEmbeddings),
            ("/v1/messages", Dialect::AnthropicMessages),
        ] {
            let found = route(&Method::POST, path, Scope::All).unwrap();
            assert_eq!(found, Route::Call(dialect, None), "{path}");
        }
    }

    #[test]
    fn a_model_in_the_path_is_decoded() {
        for (path, dialect, model) in [
            (
                "/openai/deployments/gpt-4o/chat/completions",
                Dialect::OpenAiChat,
                "gpt-4o",
            ),
            (
                "/engines/a%2Fb/embeddings",
                Dialect::OpenAiEmbeddings,
                "a/b",
            ),
            (
                "/engines/50%/completions",
                Dialect::OpenAiCompletions,
                "50%",
            ),
        ] {
            let found = route(&Method::POST, path, Scope::All).unwrap();
            assert_eq!(
                found,
                Route::Call(dialect, Some(model.to_owned())),
                "{path}"
            );
        }
    }

    #[test]
    fn what_leads_nowhere_says_so() {
        for (method, path, status) in [
            (Method::GET, "/v1/chat/completions", 405),
            (Method::POST, "/v1/models", 405),
            (Method::POST, "/v1/chat", 404),
            (Method::POST, "/openai/deployments/x", 404),
            (Method::POST, "/engines/%ff/completions", 404),
            (Method::GET, "/../etc/passwd", 404),
        ] {
            let error = route(&method, path, Scope::All).unwrap_err();
            assert_eq!(error.status, status, "{method} {path}");
        }
    }

    #[test]
    fn a_listener_has_only_the_routes_of_its_scope() {
        let found = |path, scope| match_path(path).is_some_and(|route| route.is_in(scope));
        for (path, calls, admin) in [
            ("/v1/messages", true, false),
            ("/v1/models", true, false),
            ("/admin/pools", false, true),
            ("/admin/pools/rotate", false, true),
            ("/admin/deployments/a/cooldown", false, true),
            ("/admin/explain", false, true),
            ("/health/readiness", true, true),
            ("/metrics", true, true),
        ] {
            assert!(found(path, Scope::All), "{path}");
            assert_eq!(found(path, Scope::Calls), calls, "{path}");
            assert_eq!(found(path, Scope::Admin), admin, "{path}");
        }
    }

    #[test]
    fn only_probes_and_metrics_need_no_key() {
        for path in ["/v1/models", "/models/a", "/health", "/admin/pools"] {
            assert!(!match_path(path).unwrap().is_public(), "{path}");
        }
        for path in ["/", "/health/liveliness", "/health/readiness", "/metrics"] {
            assert!(match_path(path).unwrap().is_public(), "{path}");
        }
    }
}
