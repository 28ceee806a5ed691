//! A second request without the betas that were refused.

use gateway_core::Dialect;
use gateway_providers::{EndpointConfig, refused_betas};

use crate::world::{Call, config, endpoint, header, request_again};

const BETAS: &str = "context-1m-2025-08-07,advanced-tool-use-2025-11-20,never-heard-of";

#[tokio::test]
async fn what_a_provider_refuses_is_known_by_its_own_names_and_not_sent_again() {
    let vertex = EndpointConfig {
        vertex_project: Some("p".into()),
        vertex_location: Some("global".into()),
        extra_headers: vec![("authorization".into(), "Bearer own".into())],
        ..config("vertex_ai/claude-x")
    };
    for (config, first, refusal, second) in [
        (
            config("anthropic/claude-x"),
            BETAS,
            "Unexpected value(s) `never-heard-of` for the `anthropic-beta` header.",
            "context-1m-2025-08-07,advanced-tool-use-2025-11-20",
        ),
        (
            vertex,
            "context-1m-2025-08-07,tool-search-tool-2025-10-19",
            "Unexpected value(s) `tool-search-tool-2025-10-19` for the `anthropic-beta` header.",
            "context-1m-2025-08-07",
        ),
    ] {
        let endpoint = endpoint(config, &[]);
        let call = Call {
            dialect: Dialect::AnthropicMessages,
            headers: &[("anthropic-beta", BETAS)],
            ..Call::default()
        };
        let (request, sent) = request_again(&endpoint, &call, &[]).await;
        assert_eq!(
            header(&request.expect("a request"), "anthropic-beta"),
            first
        );
        assert_eq!(sent.join(","), first);
        let refused = refused_betas(400, refusal.as_bytes(), &sent);
        let (request, _) = request_again(&endpoint, &call, &refused).await;
        assert_eq!(
            header(&request.expect("a request"), "anthropic-beta"),
            second
        );
    }
}

#[tokio::test]
async fn bedrock_has_them_in_the_body_and_does_not_say_which_was_wrong() {
    let mut bedrock = EndpointConfig {
        api_key: Some("sk-own".into()),
        ..config("bedrock/invoke/anthropic.claude-x")
    };
    bedrock.aws.region_name = Some("us-east-1".into());
    let endpoint = endpoint(bedrock, &[]);
    let call = Call {
        dialect: Dialect::AnthropicMessages,
        headers: &[("anthropic-beta", BETAS)],
        body: r#"{"model":"m","anthropic_beta":["own"]}"#,
        ..Call::default()
    };
    let (_, sent) = request_again(&endpoint, &call, &[]).await;
    assert_eq!(
        sent,
        [
            "own",
            "context-1m-2025-08-07",
            "tool-search-tool-2025-10-19"
        ]
    );
    let refused = refused_betas(400, br#"{"message":"invalid beta flag"}"#, &sent);
    let (request, left) = request_again(&endpoint, &call, &refused).await;
    let body = String::from_utf8(request.expect("a request").body().to_vec()).expect("text");
    assert!(
        !body.contains("anthropic_beta") && left.is_empty(),
        "{body}"
    );
}
