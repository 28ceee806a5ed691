//! The token source against a token endpoint on loopback, with the clock set forward by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use gateway_testkit::script::{Gate, Script};
use gateway_testkit::upstream::{Recorded, Upstream};
use gateway_transport::{Shard, Transport, TransportConfig};
use serde_json::json;
use tokio::task::JoinSet;
use tokio_util::task::TaskTracker;

use super::{Google, Identity, TokenSource, Ways};
use crate::config::ConnectOptions;
use crate::environment::Environment;
use crate::error::TokenError;

const PEM: &str = include_str!("../../tests/fixtures/service-account.pem");

/// A source, the endpoint it asks, and how often it asked.
struct World {
    source: Arc<TokenSource>,
    shard: Shard,
    exchanges: Arc<AtomicUsize>,
    tasks: TaskTracker,
    upstream: Upstream,
    _transport: Transport,
}

impl World {
    /// `answer` gets the number of the exchange, from 1.
    async fn new(answer: impl Fn(usize, &Recorded) -> Script + Send + Sync + 'static) -> Self {
        let exchanges = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&exchanges);
        let upstream = Upstream::answering(move |request| {
            answer(counter.fetch_add(1, Ordering::SeqCst) + 1, request)
        })
        .await;
        let token_uri = format!("{}/token", upstream.url());
        let credentials = json!({
            "type": "service_account", "client_email": "sa@p.iam.example",
            "private_key": PEM, "token_uri": token_uri,
        });
        let ways = Ways {
            options: &ConnectOptions::default(),
            own_host: None,
            environment: &Environment::with_variables([("", ""); 0]),
        };
        let google = Google::parse(&credentials.to_string(), &ways).expect("good credentials");
        let transport = Transport::single(TransportConfig::default());
        let tasks = TaskTracker::new();
        Self {
            source: TokenSource::new(Identity::Google(Box::new(google)), tasks.clone()),
            shard: transport.shard(0),
            exchanges,
            tasks,
            upstream,
            _transport: transport,
        }
    }

    async fn issuing_hourly() -> Self {
        Self::new(|number, _| issue(number, 3600)).await
    }

    async fn header(&self) -> Result<String, TokenError> {
        let header = self.source.get(&self.shard).await?;
        assert!(header.is_sensitive());
        Ok(header.to_str().expect("text").to_owned())
    }

    fn exchanges(&self) -> usize {
        self.exchanges.load(Ordering::SeqCst)
    }

    /// Waits until no exchange is under way.
    async fn settle(&self) {
        self.tasks.close();
        self.tasks.wait().await;
        self.tasks.reopen();
    }
}

fn issue(number: usize, seconds: u64) -> Script {
    let answer = json!({"access_token": format!("t{number}"), "expires_in": seconds, "token_type": "Bearer"});
    Script::json(200, &answer)
}

/// Sockets need the clock to run, so it is only stopped to be set forward.
async fn time_passes(seconds: u64) {
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(seconds)).await;
    tokio::time::resume();
}

#[tokio::test]
async fn a_hundred_callers_at_once_make_one_exchange() {
    let world = World::issuing_hourly().await;
    let mut callers = JoinSet::new();
    for _ in 0..100 {
        let (source, shard) = (Arc::clone(&world.source), world.shard.clone());
        callers.spawn(async move { source.get(&shard).await });
    }
    while let Some(header) = callers.join_next().await {
        assert_eq!(header.expect("no panic").expect("a token"), "Bearer t1");
    }
    assert_eq!(world.exchanges(), 1);
}

#[tokio::test]
async fn the_exchange_is_the_one_of_rfc_7523() {
    let world = World::issuing_hourly().await;
    world.header().await.expect("a token");
    let requests = world.upstream.requests();
    let request = requests.first().expect("one exchange");
    assert_eq!(
        (request.method.as_str(), request.path()),
        ("POST", "/token")
    );
    assert_eq!(
        request.header("content-type"),
        Some("application/x-www-form-urlencoded")
    );
    let form = String::from_utf8(request.body.to_vec()).expect("a form");
    let assertion = form
        .strip_prefix("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=")
        .expect("grant and assertion");
    assert_eq!(assertion.split('.').count(), 3);
}

#[tokio::test]
async fn a_token_is_refreshed_in_the_background_while_the_old_one_serves() {
    let world = World::issuing_hourly().await;
    assert_eq!(world.header().await.expect("a token"), "Bearer t1");
    time_passes(2_870).await;
    assert_eq!(world.header().await.expect("a token"), "Bearer t1");
    world.settle().await;
    assert_eq!(world.exchanges(), 1, "too early to refresh");
    time_passes(20).await;
    assert_eq!(world.header().await.expect("a token"), "Bearer t1");
    assert_eq!(world.header().await.expect("a token"), "Bearer t1");
    world.settle().await;
    assert_eq!(world.exchanges(), 2);
    assert_eq!(world.header().await.expect("a token"), "Bearer t2");
}

#[tokio::test]
async fn an_expired_token_is_never_served() {
    let world = World::issuing_hourly().await;
    assert_eq!(world.header().await.expect("a token"), "Bearer t1");
    time_passes(3_591).await;
    assert_eq!(world.header().await.expect("a token"), "Bearer t2");
}

#[tokio::test]
async fn a_failing_refresh_leaves_the_old_token_in_service() {
    let world = World::new(|number, _| match number {
        1 => issue(1, 3600),
        2 => Script::answer(503, "text/html", "<html>"),
        _ => issue(number, 3600),
    })
    .await;
    world.header().await.expect("a token");
    time_passes(3_000).await;
    assert_eq!(world.header().await.expect("a token"), "Bearer t1");
    world.settle().await;
    assert_eq!(world.header().await.expect("a token"), "Bearer t1");
    assert_eq!(world.exchanges(), 2, "backing off");
    time_passes(2).await;
    assert_eq!(world.header().await.expect("a token"), "Bearer t1");
    world.settle().await;
    assert_eq!(world.header().await.expect("a token"), "Bearer t3");
}

#[tokio::test]
async fn a_refusal_is_told_to_everybody_and_not_asked_again_at_once() {
    let world = World::new(|number, _| match number {
        1 => {
            let refusal =
                json!({"error": "invalid_grant", "error_description": "Invalid JWT\nsignature."});
            Script::json(400, &refusal)
        }
        _ => issue(number, 3600),
    })
    .await;
    for _ in 0..3 {
        let error = world.header().await.expect_err("refused");
        let text = error.to_string();
        assert!(
            text.contains("400") && text.contains("invalid_grant: Invalid JWTsignature."),
            "{text}"
        );
    }
    assert_eq!(world.exchanges(), 1);
    time_passes(2).await;
    assert_eq!(world.header().await.expect("a token"), "Bearer t2");
}

#[tokio::test]
async fn answers_that_are_no_token_are_errors() {
    for (script, expected) in [
        (Script::json(200, &json!({"id_token": "x"})), "no token"),
        (
            Script::json(500, &json!({"access_token": "x"})),
            "status 500",
        ),
        (
            Script::json(200, &json!({"access_token": "x\ny"})),
            "no token",
        ),
        (
            Script::json(403, &json!({"error": {"message": "denied"}})),
            "denied",
        ),
        (Script::answer(302, "text/html", "moved"), "status 302"),
        (
            Script::answer(
                200,
                "application/json",
                "{\"a\":\"".to_owned() + &"x".repeat(70_000),
            ),
            "no token",
        ),
    ] {
        let script = std::sync::Mutex::new(Some(script));
        let world = World::new(move |_, _| {
            let mut script = script.lock().expect("not poisoned");
            script.take().expect("one exchange")
        })
        .await;
        let text = world.header().await.expect_err(expected).to_string();
        assert!(text.contains(expected), "{text}");
    }
}

#[tokio::test]
async fn a_silent_endpoint_is_given_up_after_fifteen_seconds() {
    let gate = Gate::new();
    let held = gate.clone();
    let world = World::new(move |_, _| Script::default().wait(&held)).await;
    let waiting = world.header();
    tokio::pin!(waiting);
    tokio::select! {
        _ = &mut waiting => panic!("nothing was answered"),
        _ = world.upstream.requests_reach(1) => {}
    }
    time_passes(16).await;
    assert!(matches!(waiting.await, Err(TokenError::TimedOut)));
    gate.open();
}

#[tokio::test]
async fn a_caller_that_leaves_does_not_stop_the_exchange_for_the_others() {
    let gate = Gate::new();
    let held = gate.clone();
    let world = World::new(move |number, _| {
        let token = json!({"access_token": format!("t{number}"), "expires_in": 3600});
        let answer = Script::json(200, &token);
        answer
            .into_steps()
            .into_iter()
            .fold(Script::default().wait(&held), Script::step)
    })
    .await;
    tokio::select! {
        _ = world.header() => panic!("nothing was answered"),
        _ = world.upstream.requests_reach(1) => {}
    }
    gate.open();
    assert_eq!(world.header().await.expect("a token"), "Bearer t1");
    assert_eq!(world.exchanges(), 1);
}

#[tokio::test]
async fn an_endpoint_that_cannot_be_reached_is_an_error_with_its_cause() {
    let world = World::issuing_hourly().await;
    world.upstream.stop().await;
    let error = world
        .source
        .get(&world.shard)
        .await
        .expect_err("nobody there");
    assert!(
        matches!(&error, TokenError::Send { reason } if reason.contains("connect")),
        "{error}"
    );
}
