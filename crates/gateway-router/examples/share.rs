//! Shares calls between servers that speak OpenAI's API: `share API_BASE…`.
//!
//! `cargo run -p gateway-router --example share -- http://127.0.0.1:8001/v1 http://127.0.0.1:8002/v1`

use std::error::Error;
use std::io::Write as _;
use std::sync::Arc;

use bytes::Bytes;
use gateway_core::{Dialect, Envelope, ErrorInfo, ErrorKind, Limits};
use gateway_providers::{CallParts, EndpointConfig, Environment};
use gateway_router::{
    Attempt, AttemptEnd, Call, CallOptions, Catalog, CatalogConfig, DeploymentConfig, Failed,
    MemoryBooks, Outcome, Plan, exchange, execute,
};
use gateway_transport::{Shard, Transport, TransportConfig};
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt as _;
use tokio::time::Instant;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let bases: Vec<String> = std::env::args().skip(1).collect();
    let mut out = std::io::stdout().lock();
    for answer in share(&bases, 10).await? {
        writeln!(out, "{answer}")?;
    }
    Ok(())
}

/// Makes `calls` calls, each at one of `bases` and at another one if that fails, and says who answered with what status.
pub(crate) async fn share(bases: &[String], calls: u64) -> Result<Vec<String>, Box<dyn Error>> {
    let transport = Transport::single(TransportConfig::default());
    let config = CatalogConfig {
        deployments: bases.iter().map(|base| deployment(base)).collect(),
        ..CatalogConfig::default()
    };
    let (books, environment) = (MemoryBooks::default(), Environment::process());
    let (catalog, problems) = Catalog::build(config, &books, &environment, &transport);
    if let Some(problem) = problems.into_iter().next() {
        return Err(problem.into());
    }
    let catalog = Arc::new(catalog);

    let body = br#"{"model":"shared","messages":[{"role":"user","content":"Who are you?"}]}"#;
    let call = Question {
        envelope: Envelope::parse(Bytes::from_static(body), Limits::default())?,
        headers: HeaderMap::new(),
        shard: transport.shard(0),
    };
    let mut answers = Vec::new();
    for seed in 0..calls {
        let resolved = catalog
            .resolve("shared")
            .ok_or("give at least one API_BASE")?;
        let (options, now) = (CallOptions::default(), Instant::now());
        let mut plan = Plan::new(&catalog, resolved, DIALECT, options, seed, now);
        answers.push(match execute(&mut plan, &call).await {
            Ok(answered) => format!("{}: {}", answered.attempt.deployment.id, answered.answer),
            Err(unanswered) => format!("nobody, after {} attempts", unanswered.course.attempts),
        });
    }
    transport.shutdown(None).await;
    Ok(answers)
}

fn deployment(base: &str) -> DeploymentConfig {
    DeploymentConfig {
        group: "shared".to_owned(),
        id: Some(base.to_owned()),
        endpoint: EndpointConfig {
            model: "openai/any".to_owned(),
            api_base: Some(base.to_owned()),
            ..EndpointConfig::default()
        },
        ..DeploymentConfig::default()
    }
}

/// A question that any of the servers can answer.
struct Question {
    envelope: Envelope,
    headers: HeaderMap,
    shard: Shard,
}

impl Call for Question {
    type Answer = StatusCode;
    type Error = ();

    async fn attempt(&self, attempt: &Attempt) -> Result<StatusCode, Failed<()>> {
        let failed = |outcome| Failed { outcome, error: () };
        let call = CallParts {
            dialect: DIALECT,
            envelope: &self.envelope,
            headers: &self.headers,
            query: None,
            model: None,
            asked_model: "asked",
            refused_betas: &[],
            id: "1",
        };
        let (response, _reply) = exchange(attempt, &call, &self.shard, |_| {})
            .await
            .map_err(|error| failed(error.outcome()))?;
        let status = response.status();
        let read = response.into_body().collect().await;
        read.map_err(|_| failed(Outcome::unusable()))?;
        if !status.is_success() {
            let kind = ErrorKind::from_status(status.as_u16());
            return Err(failed(Outcome::of_error(&ErrorInfo::new(kind, "refused"))));
        }
        Ok(status)
    }

    fn is_repeatable(&self, _attempt: &Attempt) -> bool {
        true
    }

    fn ended(&self, _attempt: &Attempt, _end: AttemptEnd<'_>) {}
}

/// What the servers speak.
const DIALECT: Dialect = Dialect::OpenAiChat;
