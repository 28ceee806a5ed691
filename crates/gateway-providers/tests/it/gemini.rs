//! Google's Gemini API: addresses, keys and bodies.

use gateway_core::Dialect;
use gateway_providers::EndpointConfig;

use crate::world::{Call, config, endpoint, header, request};

fn call(dialect: Dialect, body: &'static str) -> Call {
    Call {
        dialect,
        body,
        ..Call::default()
    }
}

fn at(base: &str) -> EndpointConfig {
    EndpointConfig {
        api_base: Some(base.to_owned()),
        ..config("gemini/gemini-x")
    }
}

const PLAIN: &str = r#"{"contents":[],"model":"group"}"#;
const STREAM: &str = r#"{"contents":[],"stream":true}"#;

#[tokio::test]
async fn the_stream_flag_chooses_the_method_and_leaves_the_body_with_the_model() {
    let gemini = endpoint(config("gemini/gemini-x"), &[]);
    let models = "https://generativelanguage.googleapis.com/v1beta/models/gemini-x";
    for (dialect, body, method) in [
        (Dialect::Gemini, PLAIN, ":generateContent"),
        (Dialect::Gemini, STREAM, ":streamGenerateContent?alt=sse"),
        (Dialect::GeminiCountTokens, PLAIN, ":countTokens"),
    ] {
        let request = request(&gemini, &call(dialect, body)).await.expect(method);
        assert_eq!(request.uri().to_string(), format!("{models}{method}"));
        assert_eq!(request.body(), r#"{"contents":[]}"#);
        assert_eq!(header(&request, "x-goog-api-key"), "sk-own");
        assert_eq!(header(&request, "authorization"), "");
    }
    assert!(!format!("{gemini:?}").contains("sk-own"));
}

#[tokio::test]
async fn an_own_base_has_its_version_in_it_or_none() {
    let google = "https://generativelanguage.googleapis.com";
    for (base, expected) in [
        (
            "http://h",
            "http://h/models/gemini-x:generateContent".to_owned(),
        ),
        (
            "http://h/v1/",
            "http://h/v1/models/gemini-x:generateContent".to_owned(),
        ),
        (
            google,
            format!("{google}/v1beta/models/gemini-x:generateContent"),
        ),
    ] {
        let gemini = endpoint(at(base), &[]);
        let request = request(&gemini, &call(Dialect::Gemini, PLAIN)).await;
        assert_eq!(request.expect("a request").uri().to_string(), expected);
    }
}

#[tokio::test]
async fn keys_come_from_googles_variables() {
    for (variables, key) in [
        (vec![("GEMINI_API_KEY", "one")], "one"),
        (
            vec![("GEMINI_API_KEY", "one"), ("GOOGLE_API_KEY", "two")],
            "two",
        ),
    ] {
        let keyless = EndpointConfig {
            api_key: None,
            ..config("gemini/gemini-x")
        };
        let gemini = endpoint(keyless, &variables);
        let request = request(&gemini, &call(Dialect::Gemini, PLAIN)).await;
        assert_eq!(header(&request.expect("a request"), "x-goog-api-key"), key);
    }
}

#[tokio::test]
async fn embeddings_go_the_way_for_clients_of_openai_and_prove_themselves_once() {
    let gemini = endpoint(config("gemini/gemini-embedding-001"), &[]);
    let body = r#"{"model":"group","input":"x"}"#;
    let request = request(&gemini, &call(Dialect::OpenAiEmbeddings, body))
        .await
        .expect("a request");
    assert_eq!(
        request.uri().to_string(),
        "https://generativelanguage.googleapis.com/v1beta/openai/embeddings"
    );
    assert_eq!(
        request.body(),
        r#"{"model":"gemini-embedding-001","input":"x"}"#
    );
    assert_eq!(header(&request, "authorization"), "Bearer sk-own");
    assert_eq!(header(&request, "x-goog-api-key"), "");
}
