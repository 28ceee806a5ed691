//! Claude on Vertex: addresses, bodies, and the token from a service account.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use gateway_core::Dialect;
use gateway_providers::{Endpoint, EndpointConfig, Environment, PrepareError};
use gateway_testkit::script::Script;
use gateway_testkit::upstream::Upstream;
use serde_json::json;

use crate::world::{Call, config, endpoint, header, request};

const PEM: &str = include_str!("../fixtures/service-account.pem");

fn credentials(token_uri: &str) -> String {
    json!({
        "type": "service_account", "project_id": "file-project", "client_email": "sa@p.iam.example",
        "private_key": PEM, "private_key_id": "k", "token_uri": token_uri,
    })
    .to_string()
}

/// An own `Authorization` takes the place of a token: nothing is exchanged.
fn signed(model: &str) -> EndpointConfig {
    EndpointConfig {
        vertex_project: Some("p".into()),
        vertex_location: Some("us-east5".into()),
        extra_headers: vec![("authorization".into(), "Bearer own".into())],
        ..config(model)
    }
}

fn call(body: &'static str) -> Call {
    Call {
        dialect: Dialect::AnthropicMessages,
        body,
        ..Call::default()
    }
}

const PLAIN: &str = r#"{"model":"group","max_tokens":9}"#;
const STREAM: &str = r#"{"model":"group","stream":true}"#;

async fn uri(config: EndpointConfig, call: &Call) -> String {
    let request = request(&endpoint(config, &[]), call)
        .await
        .expect("a request");
    request.uri().to_string()
}

#[tokio::test]
async fn the_location_chooses_the_host_and_the_stream_flag_the_method() {
    for (location, host) in [
        ("us-east5", "us-east5-aiplatform.googleapis.com"),
        ("global", "aiplatform.googleapis.com"),
        ("us", "aiplatform.us.rep.googleapis.com"),
        ("eu", "aiplatform.eu.rep.googleapis.com"),
    ] {
        let path = format!(
            "/v1/projects/p/locations/{location}/publishers/anthropic/models/claude-x@20240620"
        );
        for (body, method) in [(PLAIN, "rawPredict"), (STREAM, "streamRawPredict")] {
            let config = EndpointConfig {
                vertex_location: Some(location.into()),
                ..signed("vertex_ai/claude-x@20240620")
            };
            assert_eq!(
                uri(config, &call(body)).await,
                format!("https://{host}{path}:{method}")
            );
        }
    }
}

#[tokio::test]
async fn an_own_base_gets_the_whole_path_or_just_the_method() {
    let models = "projects/p/locations/us-east5/publishers/anthropic/models/claude-x";
    for (base, expected) in [
        ("http://h:1", format!("http://h:1/v1/{models}:rawPredict")),
        ("http://h:1/", format!("http://h:1/v1/{models}:rawPredict")),
        (
            "http://h:1/v1",
            format!("http://h:1/v1/{models}:rawPredict"),
        ),
        (
            "http://h:1/gw/claude",
            "http://h:1/gw/claude:rawPredict".to_owned(),
        ),
    ] {
        let config = EndpointConfig {
            api_base: Some(base.into()),
            ..signed("vertex_ai/claude-x")
        };
        assert_eq!(uri(config, &call(PLAIN)).await, expected);
    }
}

#[tokio::test]
async fn the_body_loses_the_model_and_gains_the_version_and_betas_are_those_that_vertex_knows() {
    let call = Call {
        headers: &[
            ("anthropic-version", "2023-06-01"),
            (
                "anthropic-beta",
                "claude-code-20250219,context-1m-2025-08-07,advanced-tool-use-2025-11-20",
            ),
        ],
        query: Some("beta=true"),
        ..call(STREAM)
    };
    let request = request(&endpoint(signed("vertex_ai/claude-x"), &[]), &call)
        .await
        .expect("a request");
    assert_eq!(
        request.body(),
        r#"{"stream":true,"anthropic_version":"vertex-2023-10-16"}"#
    );
    assert_eq!(header(&request, "anthropic-version"), "");
    assert_eq!(
        header(&request, "anthropic-beta"),
        "context-1m-2025-08-07,tool-search-tool-2025-10-19"
    );
    assert_eq!(header(&request, "authorization"), "Bearer own");
    assert_eq!(request.uri().query(), None);
}

const PROJECT: &str = "https://us-east5-aiplatform.googleapis.com/v1/projects/p/locations/us-east5";

async fn asked(
    endpoint: &Endpoint,
    dialect: Dialect,
    model: Option<&'static str>,
    body: &'static str,
) -> (String, String) {
    let call = Call {
        dialect,
        model,
        ..call(body)
    };
    let request = request(endpoint, &call).await.expect("a request");
    let body = String::from_utf8(request.body().to_vec()).expect("text");
    let uri = request.uri().to_string();
    (uri.strip_prefix(PROJECT).expect(&uri).to_owned(), body)
}

#[tokio::test]
async fn gemini_is_asked_by_googles_own_methods() {
    let gemini = endpoint(signed("vertex_ai/gemini-2.5-pro"), &[]);
    let models = "/publishers/google/models/gemini-2.5-pro";
    for (dialect, body, method, sent) in [
        (
            Dialect::Gemini,
            r#"{"model":"g","contents":[]}"#,
            ":generateContent",
            r#"{"contents":[]}"#,
        ),
        (
            Dialect::Gemini,
            r#"{"model":"g","stream":true,"contents":[]}"#,
            ":streamGenerateContent?alt=sse",
            r#"{"contents":[]}"#,
        ),
        (
            Dialect::GeminiCountTokens,
            r#"{"contents":[]}"#,
            ":countTokens",
            r#"{"contents":[]}"#,
        ),
    ] {
        let expected = (format!("{models}{method}"), sent.to_owned());
        assert_eq!(asked(&gemini, dialect, None, body).await, expected);
    }
    for model in ["vertex_ai/1234567890", "vertex_ai/gemini/1234567890"] {
        let tuned = endpoint(signed(model), &[]);
        let (uri, _) = asked(&tuned, Dialect::Gemini, None, "{}").await;
        assert_eq!(uri, "/endpoints/1234567890:generateContent");
    }
}

#[tokio::test]
async fn claudes_tokens_are_counted_by_a_model_of_its_own() {
    let claude = endpoint(signed("vertex_ai/claude-x@1"), &[]);
    let (uri, body) = asked(&claude, Dialect::AnthropicCountTokens, None, PLAIN).await;
    assert_eq!(uri, "/publishers/anthropic/models/count-tokens:rawPredict");
    assert_eq!(
        body,
        r#"{"model":"claude-x@1","max_tokens":9,"anthropic_version":"vertex-2023-10-16"}"#
    );
}

#[tokio::test]
async fn other_publishers_models_are_asked_as_openais() {
    let llama = endpoint(signed("vertex_ai/meta/llama-4-maas"), &[]);
    let (uri, body) = asked(&llama, Dialect::OpenAiChat, None, r#"{"model":"g"}"#).await;
    assert_eq!(uri, "/endpoints/openapi/chat/completions");
    assert_eq!(body, r#"{"model":"meta/llama-4-maas"}"#);
}

#[tokio::test]
async fn a_star_serves_each_model_by_its_publishers_methods() {
    let wildcard = endpoint(signed("vertex_ai/*"), &[]);
    for (dialect, model, expected) in [
        (
            Dialect::AnthropicMessages,
            "claude-y",
            "/publishers/anthropic/models/claude-y:rawPredict",
        ),
        (
            Dialect::Gemini,
            "gemini-y",
            "/publishers/google/models/gemini-y:generateContent",
        ),
        (
            Dialect::OpenAiChat,
            "meta/llama",
            "/endpoints/openapi/chat/completions",
        ),
    ] {
        assert_eq!(
            asked(&wildcard, dialect, Some(model), "{}").await.0,
            expected
        );
    }
    let embeddings = Call {
        dialect: Dialect::OpenAiEmbeddings,
        model: Some("gemini-y"),
        ..call(PLAIN)
    };
    let error = request(&wildcard, &embeddings)
        .await
        .expect_err("not served");
    assert!(matches!(error, PrepareError::Dialect { .. }), "{error}");
}

#[tokio::test]
async fn project_and_location_come_from_config_then_environment_then_the_file() {
    let bare = || EndpointConfig {
        vertex_project: None,
        vertex_location: None,
        extra_headers: Vec::new(),
        vertex_credentials: Some(credentials("http://127.0.0.1:9/token").into()),
        ..signed("vertex_ai/claude-x")
    };
    let shown = |config, variables: &[(&str, &str)]| {
        let endpoint = endpoint(config, variables);
        let text = format!("{endpoint:?}");
        assert!(!text.contains("PRIVATE KEY"));
        text
    };
    let both = [
        ("VERTEXAI_PROJECT", "env-project"),
        ("VERTEXAI_LOCATION", "env-loc"),
    ];
    assert!(shown(bare(), &both).contains("/projects/env-project/locations/env-loc/"));
    assert!(shown(bare(), &both[1..]).contains("/projects/file-project/locations/env-loc/"));
    let configured = EndpointConfig {
        vertex_project: Some("own".into()),
        vertex_location: Some("loc".into()),
        ..bare()
    };
    assert!(shown(configured, &both).contains("/projects/own/locations/loc/"));
    let environment = Environment::with_variables([("", ""); 0]);
    let error = Endpoint::build(bare(), &environment).expect_err("no location");
    assert!(error.to_string().contains("VERTEXAI_LOCATION"), "{error}");
}

#[tokio::test]
async fn endpoints_of_one_account_share_one_token_from_a_file_or_from_text() {
    let exchanges = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&exchanges);
    let upstream = Upstream::answering(move |_| {
        let number = counter.fetch_add(1, Ordering::SeqCst) + 1;
        Script::json(
            200,
            &json!({"access_token": format!("t{number}"), "expires_in": 3600}),
        )
    })
    .await;
    let text = credentials(&format!("{}/token", upstream.url()));
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), &text).expect("written");
    let path = file.path().to_str().expect("a path").to_owned();
    let environment =
        Environment::with_variables([("GOOGLE_APPLICATION_CREDENTIALS", path.clone())]);
    let mut endpoints = Vec::new();
    for vertex_credentials in [Some(text.into()), Some(path.into()), None] {
        let config = EndpointConfig {
            vertex_credentials,
            extra_headers: Vec::new(),
            ..signed("vertex_ai/claude-x")
        };
        endpoints.push(Endpoint::build(config, &environment).expect("a good config"));
    }
    for endpoint in &endpoints {
        let request = request(endpoint, &call(PLAIN)).await.expect("a request");
        assert_eq!(header(&request, "authorization"), "Bearer t1");
        assert_eq!(header(&request, "x-api-key"), "");
    }
    assert_eq!(exchanges.load(Ordering::SeqCst), 1);
    environment.tasks().close();
    environment.tasks().wait().await;
}

#[tokio::test]
async fn without_any_credentials_gclouds_file_counts_and_then_the_machine() {
    let upstream = Upstream::answering(|request| {
        let token = match request.method.as_str() {
            "GET" => "machine",
            _ => "user",
        };
        Script::json(200, &json!({"access_token": token, "expires_in": 3600}))
    })
    .await;
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join(".config/gcloud");
    let host = upstream.addr().to_string();
    let variables = [
        ("HOME", home.path().to_str().expect("text")),
        ("GCE_METADATA_HOST", host.as_str()),
    ];
    let bare = || EndpointConfig {
        extra_headers: Vec::new(),
        ..signed("vertex_ai/claude-x")
    };
    let sent = async || {
        let request = request(&endpoint(bare(), &variables), &call(PLAIN)).await;
        let request = request.expect("a request");
        (
            header(&request, "authorization").to_owned(),
            header(&request, "x-goog-user-project").to_owned(),
        )
    };
    assert_eq!(sent().await, ("Bearer machine".to_owned(), String::new()));
    let user = json!({
        "type": "authorized_user", "client_id": "i", "client_secret": "s", "refresh_token": "r",
        "quota_project_id": "payer", "token_uri": upstream.url(),
    });
    std::fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join("application_default_credentials.json");
    std::fs::write(file, user.to_string()).expect("written");
    assert_eq!(sent().await, ("Bearer user".to_owned(), "payer".to_owned()));
}

#[tokio::test]
async fn without_a_token_nothing_is_sent_and_the_reason_is_chained() {
    let upstream =
        Upstream::answering(|_| Script::json(401, &json!({"error": "unauthorized_client"}))).await;
    let config = EndpointConfig {
        vertex_credentials: Some(credentials(&format!("{}/token", upstream.url())).into()),
        extra_headers: Vec::new(),
        ..signed("vertex_ai/claude-x")
    };
    let error = request(&endpoint(config, &[]), &call(PLAIN))
        .await
        .expect_err("no token");
    let PrepareError::Token { provider, source } = error else {
        panic!("{error}")
    };
    assert_eq!(provider, "vertex_ai");
    assert!(
        source.to_string().contains("unauthorized_client"),
        "{source}"
    );
}
