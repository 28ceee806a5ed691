//! Nothing that rotates the upstream pools cuts, delays or mixes up a stream that runs on them.

// The exception in clippy.toml reaches test functions only, not what they share.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Duration;

use end_to_end::call::{self, CARRIES, Carry, Live};
use end_to_end::{Gateway, Setup, Stream};
use gateway_testkit::ca::{ServerTls, TestCa};
use gateway_testkit::client::{BodyEnd, ClientView};
use gateway_testkit::dialect::google::{TokenEndpoint, service_account};
use gateway_testkit::dialect::{Dialects, Wire};
use gateway_testkit::sequence::SequenceChecker;
use gateway_testkit::upstream::{Upstream, UpstreamConfig};
use serde_json::{Value, json};
use tokio_util::task::TaskTracker;

/// How the gateway reaches its provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Road {
    Http1,
    Http1Tls,
    Http2Tls,
}

/// An upstream with the double's own dialects, and a gateway in front of it.
async fn world(road: Road, setup: Setup) -> (Upstream, Gateway) {
    let config = UpstreamConfig::default();
    let (upstream, more) = if road == Road::Http1 {
        (Upstream::start(config).await, json!({}))
    } else {
        let ca = TestCa::new();
        let alpn = if road == Road::Http2Tls {
            "h2"
        } else {
            "http/1.1"
        };
        let tls = ServerTls {
            alpn: vec![alpn],
            ..ServerTls::default()
        };
        let roots = ca.write_pem(setup.dir());
        let upstream = Upstream::start(config.tls(ca.server().server_config(&tls))).await;
        (upstream, json!({"ssl_verify": roots.display().to_string()}))
    };
    let gateway = setup.double(&upstream.url(), &more).start().await;
    (upstream, gateway)
}

/// A stream of numbered and hashed records, read in the background.
fn sequence(
    tasks: &TaskTracker,
    gateway: &Gateway,
    carry: Carry,
    wire: Wire,
    knobs: &str,
) -> tokio::task::JoinHandle<(ClientView, String)> {
    let id = call::new_id();
    let text = format!("[[double seq={id} {knobs}]]");
    let request = call::streaming(wire, &text).with("x-litellm-call-id", &id);
    let addr = gateway.addr();
    tasks.spawn(async move {
        let view = match carry {
            Carry::Http1 => {
                let mut client = gateway_testkit::client::Http1Client::connect(addr).await;
                client.call(&request).await
            }
            Carry::Http2 => {
                let mut client = gateway_testkit::client::Http2Client::connect(addr).await;
                client.call(&request).await
            }
        };
        (view, id)
    })
}

/// Checks that a sequence is whole, and its record too.
async fn assert_whole(gateway: &Gateway, view: &ClientView, id: &str) {
    assert!(
        view.is_complete(),
        "{:?} {:?}",
        view.end,
        view.events.last()
    );
    let mut checker = SequenceChecker::new(Some(id));
    checker.push(&view.text()).unwrap();
    checker.finish().unwrap();
    assert_eq!(gateway.record(id).await["end"], "complete");
}

/// Whether every origin has come back to one generation without streams.
fn is_settled(pools: &Value) -> bool {
    let origins = pools["origins"].as_array().unwrap();
    origins.iter().all(|origin| {
        let generations = origin["generations"].as_array().unwrap();
        generations.len() == 1 && generations[0]["leases"] == 0
    })
}

async fn streams_survive_rotations(road: Road) {
    let (upstream, gateway) = world(road, Setup::new()).await;
    let tasks = TaskTracker::new();
    let mut running = Vec::new();
    for wire in call::STREAMING {
        for carry in CARRIES.repeat(2) {
            let knobs = "events=60 bytes=200 pace_ms=40";
            running.push(sequence(&tasks, &gateway, carry, wire, knobs));
        }
    }
    // The rotations keep time with one more stream.
    let id = call::new_id();
    let text = format!("[[double seq={id} events=42 pace_ms=40]]");
    let request = call::streaming(Wire::OpenAiChat, &text).with("x-litellm-call-id", &id);
    let mut leader = Live::open(&gateway, Carry::Http1, &request).await;
    leader.head().await.unwrap();
    let mut checker = SequenceChecker::new(Some(&id));
    for rotation in 0..20_u64 {
        for _ in 0..2 {
            checker.push(&leader.content().await).unwrap();
        }
        let prewarm = rotation % 2 == 0;
        let answer = gateway.rotate(&json!({"prewarm": prewarm})).await;
        let rotated = answer["rotated"].as_array().unwrap();
        assert_eq!(rotated.len(), 1, "{answer}");
        assert_eq!(rotated[0]["current"], rotation + 2, "{answer}");
        // A call that begins now runs on the new generation.
        let new = sequence(
            &tasks,
            &gateway,
            Carry::Http1,
            Wire::AnthropicMessages,
            "events=3",
        );
        let (view, id) = new.await.unwrap();
        assert_whole(&gateway, &view, &id).await;
        assert_eq!(gateway.record(&id).await["generation"], rotation + 2);
    }
    let (events, end) = leader.rest().await;
    assert_eq!(end, BodyEnd::Clean);
    let rest: String = events.iter().map(|event| event.text()).collect();
    checker.push(&rest).unwrap();
    checker.finish().unwrap();
    for stream in running {
        let (view, id) = stream.await.unwrap();
        assert_whole(&gateway, &view, &id).await;
    }
    let pools = gateway.pools_satisfy(is_settled).await;
    assert_eq!(
        pools["origins"][0]["generations"][0]["number"], 21,
        "{pools:#}"
    );
    // What served the old generations is closed.
    let most = if road == Road::Http2Tls { 4 } else { 8 };
    upstream.connections_satisfy(|all| all.open <= most).await;
}

#[tokio::test]
async fn streams_survive_twenty_rotations_over_http1() {
    streams_survive_rotations(Road::Http1).await;
}

#[tokio::test]
async fn streams_survive_twenty_rotations_over_http1_with_tls() {
    streams_survive_rotations(Road::Http1Tls).await;
}

#[tokio::test]
async fn streams_survive_twenty_rotations_over_http2_with_tls() {
    streams_survive_rotations(Road::Http2Tls).await;
}

async fn streams_outlive_the_ttl(road: Road) {
    let setup = Setup::new().set("router_settings.client_ttl", json!(1));
    let (_upstream, gateway) = world(road, setup).await;
    let tasks = TaskTracker::new();
    let mut running = Vec::new();
    for wire in [Wire::OpenAiChat, Wire::AnthropicMessages] {
        for carry in CARRIES.repeat(3) {
            let knobs = "events=45 pace_ms=100";
            running.push(sequence(&tasks, &gateway, carry, wire, knobs));
        }
    }
    for stream in running {
        let (view, id) = stream.await.unwrap();
        assert_whole(&gateway, &view, &id).await;
    }
    let pools = gateway.pools().await;
    let rotations = pools["origins"][0]["metrics"]["rotations"]
        .as_array()
        .unwrap();
    let by_ttl = rotations.iter().find(|pair| pair[0] == "ttl").unwrap();
    assert!(by_ttl[1].as_u64().unwrap() >= 3, "{rotations:?}");
}

#[tokio::test]
async fn streams_outlive_the_ttl_of_the_pool_many_times() {
    tokio::join!(
        streams_outlive_the_ttl(Road::Http1),
        streams_outlive_the_ttl(Road::Http2Tls)
    );
}

#[tokio::test]
async fn a_drain_deadline_ends_what_still_runs_in_band_and_says_so() {
    let upstream = Stream::upstream(|stream| stream.begun(2).stall()).await;
    let gateway = Setup::serving(&upstream.url()).start().await;
    let mut running = Vec::new();
    for wire in call::STREAMING {
        for carry in CARRIES {
            let (request, id) = call::named(call::streaming(wire, "hello"));
            let mut live = Live::open(&gateway, carry, &request).await;
            live.head().await.unwrap();
            running.push((wire, carry, live, id));
        }
    }
    let pools = gateway.pools().await;
    assert_eq!(
        pools["origins"][0]["generations"][0]["leases"], 6,
        "{pools:#}"
    );
    gateway
        .rotate(&json!({"drain_deadline_seconds": 0.5}))
        .await;
    for (wire, carry, mut live, id) in running {
        let (events, end) = live.rest().await;
        let last = events.last().unwrap();
        assert!(last.is_error(), "{events:?}");
        call::assert_error_shape(wire, &last.json());
        assert!(last.data.contains("operator"), "{last:?}");
        let clean = carry == Carry::Http2;
        assert_eq!(end, if clean { BodyEnd::Clean } else { BodyEnd::Eof });
        let record = gateway.record(&id).await;
        assert_eq!(record["end"], "cancelled", "{record}");
        let error = record["error"].as_str().unwrap();
        assert!(
            error.contains(" s"),
            "the age of the lease is missing: {error}"
        );
    }
    gateway.pools_satisfy(is_settled).await;
}

#[tokio::test]
async fn a_rotation_of_one_host_leaves_the_others_alone() {
    let (one, other) = (Upstream::plain().await, Upstream::plain().await);
    let other_url = format!("http://localhost:{}/v1", other.addr().port());
    let gateway = Setup::serving(&one.url())
        .model(
            "other",
            &json!({"model": "openai/double", "api_base": other_url, "api_key": "k"}),
        )
        .start()
        .await;
    for model in ["double", "other"] {
        let request = call::plain(Wire::OpenAiChat, "hello").model(model);
        assert_eq!(gateway.answer(&request).await.status, 200);
    }
    let answer = gateway.rotate(&json!({"host": "LOCALHOST"})).await;
    assert_eq!(answer["rotated"].as_array().unwrap().len(), 1, "{answer}");
    let pools = gateway.pools().await;
    for origin in pools["origins"].as_array().unwrap() {
        let named = origin["origin"].as_str().unwrap().contains("localhost");
        assert_eq!(
            origin["generations"][0]["number"],
            if named { 2 } else { 1 },
            "{pools:#}"
        );
    }
}

/// The set-up of the report that the gateway was written for: Claude on Vertex AI, behind a service account.
async fn vertex(token: Arc<TokenEndpoint>) -> (Upstream, Gateway) {
    let dialects = Dialects {
        token,
        ..Dialects::default()
    };
    let config = UpstreamConfig::default().handler(move |request| dialects.answer(request));
    let upstream = Upstream::start(config).await;
    let account = service_account(&format!("{}/token", upstream.url()));
    let gateway = Setup::new()
        .model(
            "double",
            &json!({"model": "vertex_ai/claude-sonnet-4-5@20250929", "api_base": upstream.url(),
                "vertex_location": "europe-west1", "vertex_credentials": account.to_string()}),
        )
        .set("router_settings.client_ttl", json!(1))
        .start()
        .await;
    (upstream, gateway)
}

#[tokio::test]
async fn claude_on_vertex_streams_through_rotations_with_one_token() {
    let mut token = TokenEndpoint::new(Duration::from_secs(3600));
    token.delay = Duration::from_millis(300);
    let token = Arc::new(token);
    let (upstream, gateway) = vertex(Arc::clone(&token)).await;
    let tasks = TaskTracker::new();
    let mut running = Vec::new();
    for carry in CARRIES.repeat(10) {
        let knobs = "events=30 pace_ms=100";
        running.push(sequence(
            &tasks,
            &gateway,
            carry,
            Wire::AnthropicMessages,
            knobs,
        ));
    }
    upstream.requests_reach(21).await;
    for _ in 0..5 {
        gateway.rotate(&json!({})).await;
    }
    for stream in running {
        let (view, id) = stream.await.unwrap();
        assert_whole(&gateway, &view, &id).await;
        assert_eq!(gateway.record(&id).await["provider"], "vertex_ai");
    }
    assert_eq!(token.issued(), 1);
    for request in upstream.requests() {
        if request.path() == "/token" {
            continue;
        }
        assert_eq!(
            request.path(),
            "/v1/projects/double-project/locations/europe-west1/publishers/anthropic/models/\
             claude-sonnet-4-5@20250929:streamRawPredict"
        );
        assert_eq!(request.header("authorization"), Some("Bearer token-1"));
        let body = request.json();
        assert_eq!(body["anthropic_version"], "vertex-2023-10-16", "{body}");
        assert!(body.get("model").is_none(), "{body}");
    }
    gateway.pools_satisfy(is_settled).await;
}

#[tokio::test]
async fn a_vertex_account_that_google_refuses_is_a_clear_error_and_shows_nothing() {
    let upstream = Upstream::answering(|_| {
        gateway_testkit::script::Script::json(400, &json!({"error": "invalid_grant"}))
    })
    .await;
    let account = service_account(&format!("{}/token", upstream.url()));
    let gateway = Setup::new()
        .model(
            "double",
            &json!({"model": "vertex_ai/claude-sonnet-4-5", "api_base": upstream.url(),
                "vertex_location": "global", "vertex_credentials": account.to_string()}),
        )
        .start()
        .await;
    let request = call::streaming(Wire::AnthropicMessages, "hello");
    let (view, record) = call::call(&gateway, Carry::Http1, request).await;
    assert_eq!(view.status, 503, "{view:?}");
    call::assert_error_shape(Wire::AnthropicMessages, &view.json());
    assert!(
        record["error"].as_str().unwrap().contains("invalid_grant"),
        "{record}"
    );
    assert!(!String::from_utf8_lossy(&view.body).contains("iam.gserviceaccount"));
}
