//! One endpoint and what it makes of calls, without sending them.

use bytes::Bytes;
use gateway_core::{Dialect, Envelope, Limits};
use gateway_providers::{CallParts, Endpoint, EndpointConfig, Environment, PrepareError};
use gateway_transport::{Transport, TransportConfig};
use http::{HeaderMap, HeaderName, HeaderValue, Request};

/// A call as a client makes it.
pub(crate) struct Call {
    pub(crate) dialect: Dialect,
    pub(crate) body: &'static str,
    pub(crate) headers: &'static [(&'static str, &'static str)],
    pub(crate) query: Option<&'static str>,
    pub(crate) model: Option<&'static str>,
}

impl Default for Call {
    fn default() -> Self {
        Self {
            dialect: Dialect::OpenAiChat,
            body: r#"{"model":"group"}"#,
            headers: &[],
            query: None,
            model: None,
        }
    }
}

pub(crate) fn config(model: &str) -> EndpointConfig {
    EndpointConfig {
        model: model.to_owned(),
        api_key: Some("sk-own".into()),
        ..EndpointConfig::default()
    }
}

pub(crate) fn endpoint(config: EndpointConfig, variables: &[(&str, &str)]) -> Endpoint {
    let environment = Environment::with_variables(variables.iter().copied());
    Endpoint::build(config, &environment).expect("a good config")
}

/// The request that `endpoint` makes of `call`. Needs a runtime.
pub(crate) async fn request(
    endpoint: &Endpoint,
    call: &Call,
) -> Result<Request<Bytes>, PrepareError> {
    request_again(endpoint, call, &[]).await.0
}

/// Likewise, after these betas were refused; with the betas that it has.
pub(crate) async fn request_again(
    endpoint: &Endpoint,
    call: &Call,
    refused_betas: &[String],
) -> (Result<Request<Bytes>, PrepareError>, Vec<String>) {
    let transport = Transport::single(TransportConfig::default());
    let body = Bytes::from_static(call.body.as_bytes());
    let headers: HeaderMap = call
        .headers
        .iter()
        .map(|(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        })
        .collect();
    let parts = CallParts {
        dialect: call.dialect,
        envelope: &Envelope::parse(body, Limits::default()).expect("a good body"),
        headers: &headers,
        query: call.query,
        model: call.model,
        asked_model: "asked",
        refused_betas,
        id: "1",
    };
    let betas = endpoint.betas_sent(&parts);
    let prepared = endpoint.request(&parts, &transport.shard(0)).await;
    (prepared.map(|it| it.request), betas)
}

/// A header of a request, or nothing.
pub(crate) fn header<'r>(request: &'r Request<Bytes>, name: &str) -> &'r str {
    request
        .headers()
        .get(name)
        .map_or("", |value| value.to_str().expect("text"))
}
