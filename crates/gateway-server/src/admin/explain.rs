//! What would happen to a call now.

use http::{HeaderMap, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use tokio::time::Instant;

use super::{bad_request, collect};
use crate::api::parameter;
use crate::body::Outgoing;
use crate::explain::Question;
use crate::respond::{json, refuse};
use crate::worker::Worker;
use gateway_core::Dialect;

/// Explains the model of the query, or the request in the body, with the headers that it comes with.
pub(crate) async fn explain(worker: &Worker, request: Request<Incoming>) -> Response<Outgoing> {
    let query = request.uri().query().unwrap_or_default();
    let mut question = Question {
        model: parameter(query, "model"),
        api: parameter(query, "api"),
        ..Question::default()
    };
    if *request.method() == Method::POST {
        question.headers = request_headers(request.headers());
        match collect(request).await {
            Ok(body) => question.body = Some(body),
            Err(message) => return bad_request(message),
        }
    }
    let snapshot = worker.shared.snapshot.load();
    match question.answer(&snapshot, Instant::now()) {
        Ok(answer) => json(StatusCode::OK, &answer),
        Err(error) => refuse(Dialect::OpenAiChat, &error),
    }
}

/// The headers that say something about the call, and not about who asks.
fn request_headers(headers: &HeaderMap) -> HeaderMap {
    let said = |name: &str| name.starts_with("x-litellm-") || name == "user-agent";
    let those = headers.iter().filter(|(name, _)| said(name.as_str()));
    those
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}
