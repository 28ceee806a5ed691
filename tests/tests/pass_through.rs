//! Routes that lead to a provider itself: its words, our credentials, and ends that tell the truth.

// The exception in clippy.toml reaches test functions only, not what they share.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use bytes::Bytes;
use end_to_end::call::{Carry, call};
use end_to_end::{Gateway, Setup};
use gateway_testkit::client::{BodyEnd, Request};
use gateway_testkit::script::{ResponseHead, Script};
use gateway_testkit::upstream::{Recorded, Upstream};
use serde_json::json;

const KEY: &str = "sk-client-1234567890";

/// A gateway whose environment has credentials for every provider, all of them at `upstream`.
async fn world(upstream: &Upstream) -> Gateway {
    let url = upstream.url();
    Setup::serving(&url)
        .master_key(KEY)
        .env("ANTHROPIC_API_KEY", "sk-anthropic")
        .env("ANTHROPIC_API_BASE", &url)
        .env("OPENAI_API_KEY", "sk-openai")
        .env("OPENAI_BASE_URL", &format!("{url}/v1"))
        .env("AZURE_API_KEY", "sk-azure")
        .env("AZURE_API_BASE", &url)
        .env("GEMINI_API_KEY", "sk-gemini")
        .env("GEMINI_API_BASE", &url)
        .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI")
        .env("AWS_REGION", "eu-west-1")
        .env("AWS_BEDROCK_RUNTIME_ENDPOINT", &url)
        .start()
        .await
        .with_key(KEY)
}

fn last(upstream: &Upstream) -> Arc<Recorded> {
    upstream.requests().pop().expect("a request came")
}

#[tokio::test]
async fn each_provider_is_asked_on_its_own_paths_with_our_credentials() {
    let upstream = Upstream::answering(|_| Script::json(200, &json!({"any": "thing"}))).await;
    let gateway = world(&upstream).await;
    for (path, arrives, header, credential) in [
        (
            "/anthropic/v1/messages/batches?limit=2",
            "/v1/messages/batches",
            "x-api-key",
            "sk-anthropic",
        ),
        (
            "/openai/v1/files",
            "/v1/files",
            "authorization",
            "Bearer sk-openai",
        ),
        (
            "/openai/moderations",
            "/v1/moderations",
            "authorization",
            "Bearer sk-openai",
        ),
        (
            "/azure/openai/deployments/d/images",
            "/openai/deployments/d/images",
            "api-key",
            "sk-azure",
        ),
        (
            "/gemini/v1beta/cachedContents?key=mine",
            "/v1beta/cachedContents",
            "x-goog-api-key",
            "sk-gemini",
        ),
    ] {
        let request = Request::post(path, &json!({"odd": [1.50]}))
            .with("x-own", "1")
            .with("cookie", KEY);
        let (view, record) = call(&gateway, Carry::Http1, request.bearer(KEY)).await;
        assert_eq!((view.status, &view.end), (200, &BodyEnd::Clean), "{path}");
        let came = last(&upstream);
        assert_eq!(came.path(), arrives, "{path}");
        assert_eq!(came.header(header), Some(credential), "{path}");
        assert_eq!(came.header("x-own"), Some("1"));
        assert_eq!(came.body, r#"{"odd":[1.5]}"#);
        let shown = format!("{:?} {:?}", came.headers, came.query());
        assert!(!shown.contains(KEY) && !shown.contains("mine"), "{shown}");
        assert_eq!(record["end"], "complete");
        assert!(record["pass_through"].is_string(), "{record}");
    }
}

#[tokio::test]
async fn bedrock_is_asked_with_a_signature_of_our_own() {
    let upstream = Upstream::answering(|_| Script::json(200, &json!({}))).await;
    let gateway = world(&upstream).await;
    let path = "/bedrock/model/anthropic.claude-v1%3A0/converse";
    let request = Request::post(path, &json!({"messages": []})).bearer(KEY);
    let (view, _) = call(&gateway, Carry::Http1, request).await;
    assert_eq!(view.status, 200, "{view:?}");
    let came = last(&upstream);
    assert_eq!(came.path(), "/model/anthropic.claude-v1%3A0/converse");
    let signature = came.header("authorization").unwrap();
    assert!(
        signature.starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"),
        "{signature}"
    );
    assert!(
        signature.contains("/eu-west-1/bedrock/aws4_request"),
        "{signature}"
    );
}

#[tokio::test]
async fn statuses_and_bodies_of_the_provider_are_its_own() {
    let body = json!({"weird": {"error": true}});
    let answer = body.clone();
    let upstream = Upstream::answering(move |_| Script::json(418, &answer)).await;
    let gateway = world(&upstream).await;
    let request = Request::post("/anthropic/v1/any", &json!({})).bearer(KEY);
    let (view, record) = call(&gateway, Carry::Http1, request).await;
    assert_eq!((view.status, view.json()), (418, body));
    assert_eq!(record["status"], 418);
}

#[tokio::test]
async fn a_stream_that_breaks_off_is_told_in_its_dialect_and_one_of_no_known_dialect_is_cut() {
    let upstream = Upstream::answering(|_| {
        Script::default()
            .head(ResponseHead::sse())
            .bytes(Bytes::from_static(
                b"event: message_start\ndata: {\"type\":\"message_start\",\"message\":{}}\n\n",
            ))
            .reset()
    })
    .await;
    let gateway = world(&upstream).await;
    let request = Request::post("/anthropic/v1/messages", &json!({"stream": true})).bearer(KEY);
    let (view, record) = call(&gateway, Carry::Http1, request).await;
    assert!(!view.is_complete(), "{view:?}");
    assert!(view.error_event().is_some(), "{view:?}");
    assert_eq!(record["end"], "truncated");
    let request = Request::post("/anthropic/v1/other", &json!({})).bearer(KEY);
    let (view, record) = call(&gateway, Carry::Http1, request).await;
    assert!(!view.is_complete(), "{view:?}");
    assert_eq!(record["end"], "truncated");
}

#[tokio::test]
async fn who_has_no_key_and_who_leaves_the_api_is_refused_before_anybody_is_asked() {
    let upstream = Upstream::plain().await;
    let gateway = world(&upstream).await;
    for (path, key, status) in [
        ("/anthropic/v1/messages", "sk-wrong", 401),
        ("/openai/v1/../../admin", KEY, 400),
        ("/vertex_ai/v1/projects/p/locations/l/x", KEY, 404),
    ] {
        let (view, record) = call(
            &gateway,
            Carry::Http1,
            Request::post(path, &json!({})).bearer(key),
        )
        .await;
        assert_eq!(view.status, status, "{path}: {view:?}");
        assert_eq!(record["end"], "rejected", "{path}");
    }
    assert!(upstream.requests().is_empty());
}
