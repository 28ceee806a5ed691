//! Asks one model one question: `ask MODEL API_BASE QUESTION`, the key from the provider's environment variable.
//!
//! `cargo run -p gateway-providers --example ask -- openai/gpt-4o-mini https://api.openai.com/v1 "Who are you?"`

use std::error::Error;

use bytes::Bytes;
use gateway_core::{Dialect, Envelope, Limits};
use gateway_providers::{CallParts, Endpoint, EndpointConfig, Environment};
use gateway_transport::{SendOptions, Transport, TransportConfig};
use http::HeaderMap;
use http_body_util::BodyExt as _;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, base, question] = arguments.as_slice() else {
        return Err("usage: ask MODEL API_BASE QUESTION".into());
    };
    let answer = ask(model, base, question, &Environment::process()).await?;
    let mut out = std::io::stdout().lock();
    std::io::Write::write_all(&mut out, &answer)?;
    Ok(())
}

/// The provider's answer, as it came.
pub(crate) async fn ask(
    model: &str,
    base: &str,
    question: &str,
    environment: &Environment,
) -> Result<Bytes, Box<dyn Error>> {
    let transport = Transport::single(TransportConfig::default());
    let shard = transport.shard(0);
    let config = EndpointConfig {
        model: model.to_owned(),
        api_base: Some(base.to_owned()),
        ..EndpointConfig::default()
    };
    let endpoint = Endpoint::build(config, environment)?;
    let dialect = Dialect::ALL
        .into_iter()
        .find(|dialect| endpoint.speaks(*dialect))
        .ok_or("the provider speaks no dialect")?;

    let messages = serde_json::json!([{"role": "user", "content": question}]);
    let body = serde_json::json!({"model": "any", "max_tokens": 256, "messages": messages});
    let call = CallParts {
        dialect,
        envelope: &Envelope::parse(Bytes::from(body.to_string()), Limits::default())?,
        headers: &HeaderMap::new(),
        query: None,
        model: None,
        asked_model: "any",
        refused_betas: &[],
        id: "1",
    };
    let prepared = endpoint.request(&call, &shard).await?;
    let origin = transport.origin(endpoint.connect_spec())?;
    let response = shard
        .send(&origin, prepared.request, &SendOptions::default())
        .await?;
    let answer = response.into_body().collect().await?.to_bytes();
    transport.shutdown(None).await;
    Ok(answer)
}
