//! Files of credentials of every kind, and what is asked of whom for a token.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gateway_testkit::script::Script;
use gateway_testkit::upstream::{Recorded, Upstream};
use gateway_transport::{Transport, TransportConfig};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::{Value, json};

use super::super::endpoint::Ways;
use super::Google;
use crate::config::ConnectOptions;
use crate::environment::Environment;
use crate::error::TokenError;

const PEM: &str = include_str!("../../../tests/fixtures/service-account.pem");
const PKCS1: &str = include_str!("../../../tests/fixtures/service-account.pkcs1.pem");
const PUBLIC: &[u8] = include_bytes!("../../../tests/fixtures/service-account.pub.der");
const NOW: SystemTime = UNIX_EPOCH;

fn parse(json: &str) -> Result<Google, String> {
    parse_in(json, &[])
}

fn parse_in(json: &str, variables: &[(&str, &str)]) -> Result<Google, String> {
    let environment = Environment::with_variables(variables.iter().copied());
    let options = ConnectOptions::default();
    let ways = Ways {
        options: &options,
        own_host: None,
        environment: &environment,
    };
    let google = match json {
        "" => Google::metadata(&ways),
        json => Google::parse(json, &ways),
    };
    google.map_err(|error| format!("{error} {error:?}"))
}

fn service_account(pem: &str, token_uri: &str) -> String {
    json!({
        "type": "service_account", "client_email": "sa@p.iam.example", "private_key": pem,
        "private_key_id": "k1", "project_id": "p", "token_uri": token_uri,
    })
    .to_string()
}

/// The token and its life in seconds.
async fn fetched(google: &Google) -> Result<(String, u64), TokenError> {
    let transport = Transport::single(TransportConfig::default());
    let issued = google.fetch(&transport.shard(0), NOW).await?;
    Ok((issued.token, issued.lifetime.as_secs()))
}

async fn answering(answer: Value) -> Upstream {
    Upstream::answering(move |_| Script::json(200, &answer)).await
}

fn form(request: &Recorded) -> Vec<(String, String)> {
    assert_eq!(
        request.header("content-type"),
        Some("application/x-www-form-urlencoded")
    );
    let body = String::from_utf8(request.body.to_vec()).expect("a form");
    let pairs = body.split('&').map(|pair| {
        let (name, value) = pair.split_once('=').expect("a pair");
        (name.to_owned(), unescape(value))
    });
    pairs.collect()
}

fn unescape(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let mut digit = || char::from(rest.next().unwrap()).to_digit(16).unwrap();
        let byte = match byte {
            b'%' => u8::try_from(digit() * 16 + digit()).unwrap(),
            byte => byte,
        };
        bytes.push(byte);
    }
    String::from_utf8(bytes).unwrap()
}

fn value<'f>(form: &'f [(String, String)], name: &str) -> &'f str {
    form.iter()
        .find(|(it, _)| it == name)
        .map_or("", |(_, value)| value)
}

fn decode(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

#[tokio::test]
async fn an_assertion_says_who_when_and_what_for_and_its_signature_verifies() {
    for pem in [PEM, PKCS1] {
        let upstream = answering(json!({"access_token": "t", "expires_in": 3599})).await;
        let token_uri = format!("{}/token", upstream.url());
        let google = parse(&service_account(pem, &token_uri)).expect("good");
        assert_eq!(
            fetched(&google).await.expect("a token"),
            ("t".to_owned(), 3599)
        );
        let requests = upstream.requests();
        let form = form(&requests[0]);
        assert_eq!(
            value(&form, "grant_type"),
            "urn:ietf:params:oauth:grant-type:jwt-bearer"
        );
        let (signed, signature) = value(&form, "assertion").rsplit_once('.').unwrap();
        let (header, claims) = signed.split_once('.').unwrap();
        let header: Value = serde_json::from_slice(&decode(header)).unwrap();
        assert_eq!(header, json!({"alg": "RS256", "typ": "JWT", "kid": "k1"}));
        let claims: Value = serde_json::from_slice(&decode(claims)).unwrap();
        let expected = json!({
            "iss": "sa@p.iam.example", "aud": token_uri,
            "scope": "https://www.googleapis.com/auth/cloud-platform",
            "iat": 0, "exp": 3600,
        });
        assert_eq!(claims, expected);
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, PUBLIC)
            .verify(signed.as_bytes(), &decode(signature))
            .unwrap();
    }
}

#[tokio::test]
async fn a_users_refresh_token_gives_an_access_token() {
    let upstream = answering(json!({"access_token": "t", "expires_in": "1800"})).await;
    let google = parse(
        &json!({
            "type": "authorized_user", "client_id": "id.apps.example", "client_secret": "s+&%",
            "refresh_token": "1//r", "quota_project_id": "q", "token_uri": upstream.url(),
        })
        .to_string(),
    )
    .expect("good");
    assert_eq!(google.quota_project(), Some("q"));
    assert_eq!(
        fetched(&google).await.expect("a token"),
        ("t".to_owned(), 1800)
    );
    let form = form(&upstream.requests()[0]);
    assert_eq!(value(&form, "grant_type"), "refresh_token");
    assert_eq!(value(&form, "client_id"), "id.apps.example");
    assert_eq!(value(&form, "client_secret"), "s+&%");
    assert_eq!(value(&form, "refresh_token"), "1//r");
}

#[tokio::test]
async fn the_machine_is_asked_where_nothing_is_configured() {
    let upstream = answering(json!({"access_token": "t", "expires_in": 100})).await;
    let host = upstream.addr().to_string();
    let google = parse_in("", &[("GCE_METADATA_HOST", &host)]).expect("good");
    assert_eq!(
        fetched(&google).await.expect("a token"),
        ("t".to_owned(), 100)
    );
    let requests = upstream.requests();
    assert_eq!(
        (requests[0].method.as_str(), requests[0].path()),
        (
            "GET",
            "/computeMetadata/v1/instance/service-accounts/default/token"
        )
    );
    assert_eq!(requests[0].header("metadata-flavor"), Some("Google"));
    upstream.stop().await;
    let error = fetched(&google)
        .await
        .expect_err("nobody there")
        .to_string();
    assert!(error.contains("`vertex_credentials`"), "{error}");
}

fn external(upstream: &Upstream, source: &Value, impersonate: bool) -> String {
    let mut file = json!({
        "type": "external_account",
        "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/x",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": format!("{}/sts", upstream.url()),
        "credential_source": source,
    });
    if impersonate {
        let path = "/v1/projects/-/serviceAccounts/sa@p.iam.example:generateAccessToken";
        file["service_account_impersonation_url"] = json!(format!("{}{path}", upstream.url()));
        file["service_account_impersonation"] = json!({"token_lifetime_seconds": 2800});
    }
    file.to_string()
}

#[tokio::test]
async fn a_workloads_token_from_a_file_is_exchanged() {
    let upstream = answering(json!({"access_token": "t", "expires_in": 3600})).await;
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), "subject-1\n").expect("written");
    let path = file.path().to_str().expect("text");
    let google = parse(&external(&upstream, &json!({"file": path}), false)).expect("good");
    assert_eq!(
        fetched(&google).await.expect("a token"),
        ("t".to_owned(), 3600)
    );
    let first = form(&upstream.requests()[0]);
    for (name, expected) in [
        (
            "grant_type",
            "urn:ietf:params:oauth:grant-type:token-exchange",
        ),
        (
            "requested_token_type",
            "urn:ietf:params:oauth:token-type:access_token",
        ),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:jwt"),
        ("subject_token", "subject-1"),
        ("scope", "https://www.googleapis.com/auth/cloud-platform"),
        (
            "audience",
            "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/x",
        ),
    ] {
        assert_eq!(value(&first, name), expected, "{name}");
    }
    assert_eq!(upstream.requests()[0].header("authorization"), None);
    // The orchestrator has put a new one there.
    std::fs::write(file.path(), "subject-2").expect("written");
    fetched(&google).await.expect("a token");
    assert_eq!(
        value(&form(&upstream.requests()[1]), "subject_token"),
        "subject-2"
    );
    std::fs::write(file.path(), " ").expect("written");
    let error = fetched(&google).await.expect_err("empty").to_string();
    assert!(error.contains(path), "{error}");
}

#[tokio::test]
async fn a_workloads_token_from_a_url_is_exchanged_and_then_acts_as_an_account() {
    let upstream = Upstream::answering(|request| match request.path() {
        "/subject" => Script::json(200, &json!({"value": "subject"})),
        "/sts" => Script::json(
            200,
            &json!({"access_token": "federated", "expires_in": 3600}),
        ),
        _ => Script::json(
            200,
            &json!({"accessToken": "account", "expireTime": "1970-01-01T00:40:00Z"}),
        ),
    })
    .await;
    let source = json!({
        "url": format!("{}/subject?api-version=2&audience=x", upstream.url()),
        "headers": {"Metadata": "True"},
        "format": {"type": "json", "subject_token_field_name": "value"},
    });
    let google = parse(&external(&upstream, &source, true)).expect("good");
    assert_eq!(google.subject(), "sa@p.iam.example");
    assert_eq!(
        fetched(&google).await.expect("a token"),
        ("account".to_owned(), 2400)
    );
    let requests = upstream.requests();
    assert_eq!(requests[0].header("metadata"), Some("True"));
    assert!(requests[0].target.ends_with("?api-version=2&audience=x"));
    assert_eq!(value(&form(&requests[1]), "subject_token"), "subject");
    let last = &requests[2];
    assert_eq!(last.header("authorization"), Some("Bearer federated"));
    let body: Value = serde_json::from_slice(&last.body).expect("JSON");
    assert_eq!(
        body,
        json!({
            "scope": ["https://www.googleapis.com/auth/cloud-platform"],
            "delegates": [], "lifetime": "2800s",
        })
    );
}

#[tokio::test]
async fn a_refusal_says_at_which_step() {
    let upstream = Upstream::answering(|request| match request.path() {
        "/sts" => Script::json(200, &json!({"access_token": "federated"})),
        _ => Script::json(403, &json!({"error": {"code": 403, "message": "denied"}})),
    })
    .await;
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), "subject").expect("written");
    let source = json!({"file": file.path()});
    let google = parse(&external(&upstream, &source, true)).expect("good");
    let error = fetched(&google).await.expect_err("denied").to_string();
    assert!(error.contains("impersonation: denied"), "{error}");
}

#[tokio::test]
async fn a_user_may_act_as_an_account() {
    let upstream = Upstream::answering(|request| match request.path() {
        "/token" => Script::json(200, &json!({"access_token": "user", "expires_in": 9})),
        _ => Script::json(
            200,
            &json!({"accessToken": "account", "expireTime": "1970-01-01T01:00:00Z"}),
        ),
    })
    .await;
    let google = parse(
        &json!({
            "type": "impersonated_service_account",
            "service_account_impersonation_url":
                format!("{}/v1/projects/-/serviceAccounts/a@b:generateAccessToken", upstream.url()),
            "delegates": ["c@d"],
            "source_credentials": {
                "type": "authorized_user", "client_id": "i", "client_secret": "s",
                "refresh_token": "r", "token_uri": format!("{}/token", upstream.url()),
            },
        })
        .to_string(),
    )
    .expect("good");
    assert_eq!(
        fetched(&google).await.expect("a token"),
        ("account".to_owned(), 3600)
    );
    let requests = upstream.requests();
    assert_eq!(requests[1].header("authorization"), Some("Bearer user"));
    let body: Value = serde_json::from_slice(&requests[1].body).expect("JSON");
    assert_eq!(body["delegates"], json!(["c@d"]));
}

#[tokio::test]
async fn a_client_of_the_token_service_proves_itself() {
    let upstream = answering(json!({"access_token": "t"})).await;
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), "subject").expect("written");
    let source = json!({"file": file.path()});
    let mut json: Value = serde_json::from_str(&external(&upstream, &source, false)).expect("JSON");
    json["workforce_pool_user_project"] = json!("up");
    fetched(&parse(&json.to_string()).expect("good"))
        .await
        .expect("a token");
    json["client_id"] = json!("me");
    json["client_secret"] = json!("s");
    fetched(&parse(&json.to_string()).expect("good"))
        .await
        .expect("a token");
    let requests = upstream.requests();
    assert_eq!(
        value(&form(&requests[0]), "options"),
        r#"{"userProject":"up"}"#
    );
    assert_eq!(value(&form(&requests[1]), "options"), "");
    assert_eq!(requests[1].header("authorization"), Some("Basic bWU6cw=="));
}

#[test]
fn bad_credentials_are_named_without_being_shown() {
    let key = "-----BEGIN PRIVATE KEY-----\nSECRET\n-----END PRIVATE KEY-----\n";
    let aws = r#"{"type":"external_account","credential_source":{"environment_id":"aws1","url":"http://h"}}"#;
    let program =
        r#"{"type":"external_account","credential_source":{"executable":{"command":"SECRET"}}}"#;
    let chain = r#"{"type":"impersonated_service_account","source_credentials":{"type":"authorized_user","client_id":"SECRET",
        "client_secret":"SECRET","refresh_token":"SECRET","service_account_impersonation_url":"http://h"}}"#;
    for (json, named) in [
        ("{", "line 1"),
        (r#"{"type":"gdch_service_account"}"#, "gdch_service_account"),
        ("{}", "type"),
        (r#"{"type":"service_account"}"#, "client_email"),
        (
            r#"{"type":"service_account","client_email":"x"}"#,
            "private_key",
        ),
        (
            &service_account("SECRET", "https://t.example"),
            "private_key",
        ),
        (&service_account(key, "https://t.example"), "private_key"),
        (&service_account(PEM, "t.example/SECRET"), "token_uri"),
        (
            r#"{"type":"authorized_user","client_id":"SECRET"}"#,
            "client_secret",
        ),
        (r#"{"type":"external_account"}"#, "credential_source"),
        (
            r#"{"type":"impersonated_service_account"}"#,
            "source_credentials",
        ),
        (aws, "AWS"),
        (program, "a program"),
        (chain, "delegates"),
    ] {
        let text = parse(json).expect_err(json);
        assert!(text.contains(named), "{text}");
        assert!(!text.contains("SECRET"), "{text}");
    }
}

#[test]
fn the_debug_form_shows_no_key() {
    let google = parse(&service_account(PEM, "https://t.example/token")).expect("good");
    let shown = format!("{google:?}");
    assert!(shown.contains("sa@p.iam.example") && !shown.contains("PRIVATE"));
    assert_eq!(google.project(), Some("p"));
}
