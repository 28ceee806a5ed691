//! Shares calls between servers that speak OpenAI's API: `share API_BASE…`.
//!
//! `cargo run -p gateway-router --example share -- http://127.0.0.1:8001/v1 http://127.0.0.1:8002/v1`

use std::error::Error;
use std::io::Write as _;

use bytes::Bytes;
use gateway_core::{Dialect, Envelope, Limits};
use gateway_providers::{CallParts, EndpointConfig, Environment};
use gateway_router::{Catalog, DeploymentConfig, Plan, execute};
use gateway_transport::{SendOptions, Transport, TransportConfig};
use http::HeaderMap;
use http_body_util::BodyExt as _;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let bases: Vec<String> = std::env::args().skip(1).collect();
    let mut out = std::io::stdout().lock();
    for answer in share(&bases, 10).await? {
        writeln!(out, "{answer}")?;
    }
    Ok(())
}

/// Makes `calls` calls, each at one of `bases`, and says who answered with what status.
pub(crate) async fn share(bases: &[String], calls: u64) -> Result<Vec<String>, Box<dyn Error>> {
    let transport = Transport::single(TransportConfig::default());
    let shard = transport.shard(0);
    let deployments = bases.iter().map(|base| DeploymentConfig {
        group: "shared".to_owned(),
        id: Some(base.clone()),
        endpoint: EndpointConfig {
            model: "openai/any".to_owned(),
            api_base: Some(base.clone()),
            ..EndpointConfig::default()
        },
        ..DeploymentConfig::default()
    });
    let environment = Environment::process();
    let (catalog, problems) =
        Catalog::build(deployments.collect(), Vec::new(), &environment, &transport);
    if let Some(problem) = problems.into_iter().next() {
        return Err(problem.into());
    }

    let body = br#"{"model":"shared","messages":[{"role":"user","content":"Who are you?"}]}"#;
    let envelope = Envelope::parse(Bytes::from_static(body), Limits::default())?;
    let call = CallParts {
        dialect: Dialect::OpenAiChat,
        envelope: &envelope,
        headers: &HeaderMap::new(),
        query: None,
        model: None,
    };
    let mut answers = Vec::new();
    for seed in 0..calls {
        let resolved = catalog
            .resolve("shared")
            .ok_or("give at least one API_BASE")?;
        let plan = Plan::new(resolved, seed);
        let answered = execute(plan, &call, &shard, &SendOptions::default()).await?;
        let status = answered.response.status();
        answered.response.into_body().collect().await?;
        answers.push(format!("{}: {status}", answered.deployment.id));
    }
    transport.shutdown(None).await;
    Ok(answers)
}
