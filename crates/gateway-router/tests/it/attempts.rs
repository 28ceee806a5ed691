//! Exchanges of attempts, against an upstream on loopback.

use std::sync::{Arc, Mutex};

use gateway_core::ErrorKind;
use gateway_providers::CallParts;
use gateway_router::{
    Again, Attempt, AttemptEnd, Call, CallOptions, Course, DeploymentConfig, Failed, Outcome,
    Routing, SendFailure, Unanswered, UnansweredCause, exchange, execute,
};
use gateway_testkit::script::Script;
use gateway_testkit::upstream::Upstream;
use gateway_transport::{Delivery, Phase, Shard, Transport, TransportConfig};
use http::HeaderMap;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};

use crate::world::{CHAT, deployment, envelope, named, plan, routed};

/// Sends `{"model":"asked","n":1}` and reads the answer as JSON, whatever its status.
struct Send {
    shard: Shard,
    ends: Mutex<Vec<String>>,
}

impl Call for Send {
    type Answer = Value;
    type Error = Option<SendFailure>;

    async fn attempt(&self, attempt: &Attempt) -> Result<Value, Failed<Self::Error>> {
        let call = CallParts {
            dialect: CHAT,
            envelope: &envelope(r#"{"model":"asked","n":1}"#),
            headers: &HeaderMap::new(),
            query: None,
            model: None,
            asked_model: "asked",
            refused_betas: &[],
            id: "1",
        };
        let (response, _reply) = exchange(attempt, &call, &self.shard, |_| {})
            .await
            .map_err(|error| Failed {
                outcome: error.outcome(),
                error: Some(error),
            })?;
        if response.status() != 200 {
            let kind = ErrorKind::from_status(response.status().as_u16());
            return Err(Failed {
                outcome: Outcome::of_error(&gateway_core::ErrorInfo::new(kind, "no")),
                error: None,
            });
        }
        let body = response.into_body().collect().await.expect("a body");
        Ok(serde_json::from_slice(&body.to_bytes()).expect("JSON"))
    }

    fn is_repeatable(&self, _attempt: &Attempt) -> bool {
        true
    }

    fn ended(&self, attempt: &Attempt, end: AttemptEnd<'_>) {
        let end = match end {
            AttemptEnd::Answered => "answered".to_owned(),
            AttemptEnd::Failed(outcome) => format!("{}", outcome.status),
            AttemptEnd::Expired(name, _) => name.as_str().to_owned(),
            AttemptEnd::Lost => "lost".to_owned(),
        };
        let told = format!("{} {} {end}", attempt.deployment.id, attempt.kind.as_str());
        self.ends.lock().expect("no panic").push(told);
    }
}

type Told = (
    Result<(String, Value), Unanswered<Option<SendFailure>>>,
    Vec<String>,
);

/// Executes a call at `model` and returns who answered what, and what became of each attempt.
async fn call(deployments: Vec<DeploymentConfig>, model: &str, routing: Routing) -> Told {
    let transport = Transport::single(TransportConfig::default());
    let call = Send {
        shard: transport.shard(0),
        ends: Mutex::default(),
    };
    let catalog = routed(deployments, Vec::new(), routing);
    let mut plan = plan(&catalog, model, CallOptions::default(), 1);
    let answered = execute(&mut plan, &call).await.map(|answered| {
        let id = Arc::clone(&answered.attempt.deployment.id);
        (id.as_ref().to_owned(), answered.answer)
    });
    (answered, call.ends.into_inner().expect("no panic"))
}

fn no_retries() -> Routing {
    let mut routing = Routing::default();
    routing.retries.count = 0;
    routing
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
    let (answered, ends) = call(vec![config], "asked", Routing::default()).await;
    let (id, seen) = answered.expect("an answer");
    assert_eq!(id, "d");
    let body = json!({"model": "upstream-model", "n": 1});
    assert_eq!(seen, json!({"path": "/v1/chat/completions", "body": body}));
    assert_eq!(ends, ["d first answered"]);
}

#[tokio::test]
async fn a_wildcards_text_reaches_the_upstream() {
    let upstream = echo().await;
    let config = at(&upstream, deployment("team/*", "openai/*"));
    let (answered, _) = call(vec![config], "team/gpt-9", Routing::default()).await;
    assert_eq!(answered.expect("an answer").1["body"]["model"], "gpt-9");
}

#[tokio::test]
async fn a_refused_connection_is_reported_with_who_was_tried() {
    let upstream = echo().await;
    let config = at(&upstream, named("d", "g", "openai/m"));
    upstream.stop().await;
    let (answered, ends) = call(vec![config], "g", no_retries()).await;
    let unanswered = answered.expect_err("nobody there");
    assert_eq!(ends, ["d first 502"]);
    let course = Course {
        attempts: 1,
        ..Course::default()
    };
    assert_eq!(unanswered.course, course);
    let UnansweredCause::Failed(Failed { outcome, error }) = unanswered.cause else {
        panic!("{:?}", unanswered.cause)
    };
    assert_eq!(outcome.again, Again::Anywhere);
    let Some(SendFailure::Send(error)) = error else {
        panic!("{error:?}")
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
    let (answered, _) = call(vec![config], "g", no_retries()).await;
    let UnansweredCause::Failed(failed) = answered.expect_err("not spoken").cause else {
        panic!("it was tried")
    };
    assert!(matches!(failed.error, Some(SendFailure::Prepare(_))));
    assert!(upstream.requests().is_empty());
}
#[tokio::test]
async fn another_deployment_answers_when_one_refuses() {
    let upstream = echo().await;
    let busy = Upstream::answering(|_| Script::json(503, &json!({"error": {}}))).await;
    let configs = vec![
        at(&busy, named("busy", "g", "openai/m")),
        at(&upstream, named("good", "g", "openai/m")),
    ];
    let mut routing = Routing::default();
    routing.cooldown.disabled = true;
    let mut retried = 0;
    for _ in 0..8 {
        let (answered, ends) = call(configs.clone(), "g", routing.clone()).await;
        assert_eq!(answered.expect("an answer").0, "good");
        if ends.len() == 2 {
            assert_eq!(ends, ["busy first 503", "good retry answered"]);
            retried += 1;
        }
    }
    assert_eq!(busy.requests().len(), retried);
}
