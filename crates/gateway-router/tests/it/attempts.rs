//! Plans that are obeyed, against an upstream on loopback.

use gateway_providers::{CallParts, Environment};
use gateway_router::{Alias, CallError, Catalog, DeploymentConfig, Plan, Unanswered, execute};
use gateway_testkit::script::Script;
use gateway_testkit::upstream::Upstream;
use gateway_transport::{Delivery, Phase, SendOptions, Transport, TransportConfig};
use http::HeaderMap;
use http_body_util::BodyExt as _;
use serde_json::json;

use crate::world::{CHAT, deployment, envelope, named};

/// Executes a call at `model` with the body `{"model":"…"}` and returns who answered, the attempts and the answer.
async fn call(
    deployments: Vec<DeploymentConfig>,
    model: &str,
) -> Result<(String, u32, serde_json::Value), Unanswered> {
    let environment = Environment::with_variables([("", ""); 0]);
    let transport = Transport::single(TransportConfig::default());
    let (catalog, problems) =
        Catalog::build(deployments, Vec::<Alias>::new(), &environment, &transport);
    assert!(problems.is_empty(), "{problems:?}");
    let resolved = catalog.resolve(model).expect("known");
    let call = CallParts {
        dialect: CHAT,
        envelope: &envelope(r#"{"model":"asked","n":1}"#),
        headers: &HeaderMap::new(),
        query: None,
        model: None,
    };
    let plan = Plan::new(resolved, 1);
    let options = SendOptions::default();
    let answered = execute(plan, &call, &transport.shard(0), &options).await?;
    let body = answered
        .response
        .into_body()
        .collect()
        .await
        .expect("a body");
    let body = serde_json::from_slice(&body.to_bytes()).expect("JSON");
    Ok((
        answered.deployment.id.as_ref().to_owned(),
        answered.attempts,
        body,
    ))
}

fn at(upstream: &Upstream, mut config: DeploymentConfig) -> DeploymentConfig {
    config.endpoint.api_base = Some(format!("{}/v1", upstream.url()));
    config
}

/// Answers with the request that it got.
async fn echo() -> Upstream {
    Upstream::answering(|request| {
        let seen = json!({"path": request.path(), "body": request.json()});
        Script::json(200, &seen)
    })
    .await
}

#[tokio::test]
async fn the_chosen_deployment_answers_under_its_own_name_of_the_model() {
    let upstream = echo().await;
    let config = at(&upstream, named("d", "asked", "openai/upstream-model"));
    let (id, attempts, seen) = call(vec![config], "asked").await.expect("an answer");
    assert_eq!((id.as_str(), attempts), ("d", 1));
    let body = json!({"model": "upstream-model", "n": 1});
    assert_eq!(seen, json!({"path": "/v1/chat/completions", "body": body}));
}

#[tokio::test]
async fn a_wildcards_text_reaches_the_upstream() {
    let upstream = echo().await;
    let config = at(&upstream, deployment("team/*", "openai/*"));
    let (_, _, seen) = call(vec![config], "team/gpt-9").await.expect("an answer");
    assert_eq!(seen["body"]["model"], "gpt-9");
}

#[tokio::test]
async fn an_error_status_is_an_answer() {
    let upstream = Upstream::answering(|_| Script::json(429, &json!({"error": {}}))).await;
    let config = at(&upstream, named("d", "g", "openai/m"));
    let (_, attempts, body) = call(vec![config], "g").await.expect("an answer");
    assert_eq!((attempts, body), (1, json!({"error": {}})));
}

#[tokio::test]
async fn a_refused_connection_is_reported_with_who_was_tried() {
    let upstream = echo().await;
    let config = at(&upstream, named("d", "g", "openai/m"));
    upstream.stop().await;
    let unanswered = call(vec![config], "g").await.expect_err("nobody there");
    assert_eq!(unanswered.attempts, 1);
    assert_eq!(&*unanswered.deployment.expect("somebody").id, "d");
    let CallError::Send(error) = unanswered.error else {
        panic!("{}", unanswered.error)
    };
    assert_eq!(
        (error.delivery, error.phase),
        (Delivery::NotSent, Phase::Connect)
    );
}

#[tokio::test]
async fn a_request_that_cannot_be_made_is_reported_without_being_sent() {
    let upstream = echo().await;
    let config = at(&upstream, named("d", "g", "anthropic/m"));
    let unanswered = call(vec![config], "g").await.expect_err("not spoken");
    assert!(matches!(unanswered.error, CallError::Prepare(_)));
    assert!(upstream.requests().is_empty());
}
