//! The correct answers: every path, plain and streamed.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use gateway_testkit::client::{ClientView, Http1Client, Request};
use gateway_testkit::dialect::google::service_account;
use gateway_testkit::sequence::SequenceChecker;
use gateway_testkit::upstream::Upstream;
use serde_json::json;

async fn call(request: &Request) -> ClientView {
    let upstream = Upstream::plain().await;
    let mut client = Http1Client::connect(upstream.addr()).await;
    client.call(request).await
}

#[tokio::test]
async fn a_chat_stream_has_role_contents_finish_usage_and_marker() {
    let request = Request::chat("[[double events=3 bytes=10]]")
        .streaming()
        .field("stream_options", json!({"include_usage": true}));
    let view = call(&request).await;
    assert!(view.is_complete());
    assert_eq!(
        view.header("content-type"),
        Some("text/event-stream; charset=utf-8")
    );
    let frames: Vec<_> = view.events.iter().map(|event| event.json()).collect();
    assert_eq!(frames[0]["choices"][0]["delta"]["role"], "assistant");
    assert_eq!(frames[4]["choices"][0]["finish_reason"], "stop");
    assert_eq!(frames[5]["usage"]["completion_tokens"], 3);
    assert_eq!(frames[5]["choices"], json!([]));
    assert_eq!(view.events.len(), 7);
    assert_eq!(view.text(), "w0 xxxxxxxw1 xxxxxxxw2 xxxxxxx");
}

#[tokio::test]
async fn azure_begins_with_a_frame_without_choices() {
    let path = "/openai/deployments/gpt/chat/completions?api-version=2024-10-21";
    let view = call(&Request::chat("x").streaming().to(path)).await;
    assert!(view.is_complete());
    assert_eq!(view.events[0].json()["choices"], json!([]));
}

#[tokio::test]
async fn a_message_stream_has_all_events_in_order_also_on_vertex() {
    let vertex = "/v1/projects/p/locations/l/publishers/anthropic/models/claude:streamRawPredict";
    for path in ["/v1/messages", "/v1/messages?beta=true", vertex] {
        let view = call(
            &Request::messages("[[double events=2]]")
                .streaming()
                .to(path),
        )
        .await;
        assert!(view.is_complete());
        let names: Vec<&str> = view
            .events
            .iter()
            .map(|event| event.name.as_str())
            .collect();
        let expected = [
            "message_start",
            "content_block_start",
            "ping",
            "content_block_delta",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop",
        ];
        assert_eq!(names, expected);
    }
}

#[tokio::test]
async fn plain_answers_have_the_shape_of_their_endpoint() {
    let chat = call(&Request::chat("x")).await.json();
    assert_eq!(chat["choices"][0]["message"]["role"], "assistant");
    let message = call(&Request::messages("x")).await.json();
    assert_eq!(message["content"][0]["type"], "text");
    let vertex = Request::messages("x").to("/v1/x/models/claude:rawPredict");
    assert_eq!(call(&vertex).await.json()["type"], "message");
    let text = Request::post("/v1/completions", &json!({"model": "m", "prompt": "x"}));
    assert_eq!(call(&text).await.json()["object"], "text_completion");
    assert!(call(&text.streaming()).await.is_complete());
    let models = call(&Request::get("/v1/models")).await.json();
    assert_eq!(models["data"][0]["id"], "double");
    let nothing = call(&Request::get("/nothing")).await;
    assert_eq!(
        (nothing.status, nothing.json()["error"]["code"].as_str()),
        (404, Some("model_not_found"))
    );
}

#[tokio::test]
async fn embeddings_come_as_floats_and_as_base64() {
    let request = Request::post(
        "/v1/embeddings",
        &json!({"model": "m", "input": ["a", "b"]}),
    );
    let floats = call(&request).await.json();
    assert_eq!(floats["data"].as_array().unwrap().len(), 2);
    assert_eq!(floats["data"][1]["embedding"][1], 0.5);
    let coded = call(&request.field("encoding_format", json!("base64")))
        .await
        .json();
    assert_eq!(coded["data"][0]["embedding"].as_str().unwrap().len(), 44);
}

#[tokio::test]
async fn a_sequence_stream_is_whole() {
    for request in [
        Request::chat("[[double events=100 bytes=60 seq=a-1 burst=7]]"),
        Request::messages("[[double events=100 seq=a-1]]"),
    ] {
        let view = call(&request.streaming()).await;
        let mut checker = SequenceChecker::new(Some("a-1"));
        checker.push(&view.text()).unwrap();
        assert_eq!(checker.finish(), Ok(99));
    }
}

#[tokio::test]
async fn events_keep_the_pace_that_was_asked() {
    let started = tokio::time::Instant::now();
    let view = call(&Request::chat("[[double events=10 pace_ms=10]]").streaming()).await;
    assert!(view.is_complete());
    let took = started.elapsed();
    assert!(took >= Duration::from_millis(100), "{took:?}");
}

#[tokio::test]
async fn the_token_endpoint_trades_good_assertions_only() {
    let upstream = Upstream::plain().await;
    let url = format!("{}/token", upstream.url());
    let account = service_account(&url);
    assert_eq!(account["token_uri"], url);
    let mut client = Http1Client::connect(upstream.addr()).await;
    let form = |assertion: &str| Request {
        method: "POST".to_owned(),
        target: "/token".to_owned(),
        headers: Vec::new(),
        body: format!(
            "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion={assertion}"
        )
        .into(),
    };
    let good = assertion(&account);
    for number in 1..=2 {
        let view = client.call(&form(&good)).await;
        assert_eq!(
            view.json()["access_token"],
            format!("token-{number}"),
            "{view:?}"
        );
        assert_eq!(view.json()["expires_in"], 3600);
    }
    let mut forged = good.clone();
    forged.replace_range(good.len() - 6..good.len() - 2, "AAAA");
    for bad in [forged.as_str(), "a.b.c", ""] {
        assert_eq!(client.call(&form(bad)).await.status, 400);
    }
}

/// An assertion for the account, signed by its key.
fn assertion(account: &serde_json::Value) -> String {
    use rustls_pki_types::pem::PemObject;
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("the test account is sound")
        .as_secs();
    let claims = json!({"iss": account["client_email"], "scope": "s", "aud": account["token_uri"],
        "iat": now, "exp": now + 3600});
    let part = |value: &serde_json::Value| url_safe(value.to_string().as_bytes());
    let signed = format!(
        "{}.{}",
        part(&json!({"alg": "RS256", "typ": "JWT"})),
        part(&claims)
    );
    let pem = account["private_key"]
        .as_str()
        .expect("the test account is sound");
    let der = rustls_pki_types::PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes())
        .expect("the test account is sound");
    let key = ring::signature::RsaKeyPair::from_pkcs8(der.secret_pkcs8_der())
        .expect("the test account is sound");
    let mut signature = vec![0; key.public().modulus_len()];
    let random = ring::rand::SystemRandom::new();
    key.sign(
        &ring::signature::RSA_PKCS1_SHA256,
        &random,
        signed.as_bytes(),
        &mut signature,
    )
    .expect("the test account is sound");
    format!("{signed}.{}", url_safe(&signature))
}

fn url_safe(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut out = String::new();
    for group in bytes.chunks(3) {
        let word = group
            .iter()
            .fold(0u32, |word, byte| word << 8 | u32::from(*byte))
            << (8 * (3 - group.len()));
        for index in 0..=group.len() {
            out.push(char::from(
                ALPHABET[(word >> (18 - 6 * index) & 63) as usize],
            ));
        }
    }
    out
}
