//! Configurations and calls that are refused, and what is said of them.

use gateway_core::Dialect;
use gateway_providers::{Endpoint, EndpointConfig, Environment, PrepareError};

use crate::world::{Call, config, endpoint, request};

fn refused(config: EndpointConfig) -> String {
    let environment = Environment::with_variables([("", ""); 0]);
    let error = Endpoint::build(config, &environment).expect_err("a bad config");
    let mut text = format!("{error:?} {error}");
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        text = format!("{text} {error}");
        cause = error.source();
    }
    assert!(!text.contains("SECRET"), "{text}");
    text
}

fn with(model: &str, change: impl FnOnce(&mut EndpointConfig)) -> EndpointConfig {
    let mut config = config(model);
    change(&mut config);
    config
}

#[test]
fn what_is_missing_is_named_with_the_variables_that_would_do() {
    for (config, expected) in [
        (
            with("openai/gpt-4o", |it| it.api_key = None),
            "OPENAI_API_KEY",
        ),
        (
            with("groq/x", |it| it.api_key = Some("".into())),
            "GROQ_API_KEY",
        ),
        (config("azure/dep"), "AZURE_API_BASE"),
        (config("hosted_vllm/x"), "HOSTED_VLLM_API_BASE"),
        (config("vertex_ai/claude-x"), "VERTEXAI_LOCATION"),
    ] {
        let text = refused(config);
        assert!(text.contains(expected), "{text}");
    }
}

#[test]
fn what_cannot_be_used_is_named_and_not_shown() {
    for (config, expected) in [
        (
            with("openai/x", |it| {
                it.api_base = Some("https://u:SECRET@h".into())
            }),
            "api_base",
        ),
        (
            with("openai/x", |it| it.api_base = Some("h/SECRET".into())),
            "api_base",
        ),
        (
            with("openai/x", |it| it.api_key = Some("SECRET\n\0".into())),
            "api_key",
        ),
        (
            with("openai/x", |it| it.organization = Some("\u{1}".into())),
            "organization",
        ),
        (
            with("openai/x", |it| {
                it.extra_headers = vec![("host".into(), "SECRET".into())]
            }),
            "extra_headers.host",
        ),
        (
            with("openai/x", |it| {
                it.extra_headers = vec![("a".into(), "SECRET\n".into())]
            }),
            "extra_headers.a",
        ),
        (
            with("openai/x", |it| {
                it.connect.proxy =
                    gateway_providers::ProxyChoice::Url("socks5://u:SECRET@p:1".into());
            }),
            "proxy",
        ),
    ] {
        let text = refused(config);
        assert!(text.contains(expected), "{text}");
    }
}

#[test]
fn what_the_provider_cannot_serve_is_said() {
    for (config, expected) in [
        (
            with("azure/..", |it| it.api_base = Some("https://h".into())),
            "path",
        ),
        (
            with("vertex_ai/claude", |it| {
                it.vertex_credentials = Some("{\"private_key\":\"SECRET\"}".into())
            }),
            "type",
        ),
        (
            with("vertex_ai/claude", |it| {
                it.vertex_credentials = Some("/nowhere/at/all.json".into())
            }),
            "/nowhere/at/all.json",
        ),
        (with("nobody/x", |_| {}), "anthropic"),
        (with("sagemaker/x", |_| {}), "not served"),
    ] {
        let text = refused(config);
        assert!(text.contains(expected), "{text}");
    }
}

#[tokio::test]
async fn a_dialect_that_the_provider_does_not_speak_is_refused() {
    let anthropic = endpoint(config("anthropic/claude-x"), &[]);
    assert!(
        anthropic.accepts(Dialect::AnthropicMessages)
            && !anthropic.accepts(Dialect::OpenAiEmbeddings)
    );
    let call = Call {
        dialect: Dialect::OpenAiEmbeddings,
        ..Call::default()
    };
    let error = request(&anthropic, &call).await.expect_err("not spoken");
    assert!(
        matches!(
            error,
            PrepareError::Dialect {
                provider: "anthropic",
                ..
            }
        ),
        "{error}"
    );
}

#[tokio::test]
async fn a_choice_that_cannot_be_a_path_is_refused() {
    let mut config = config("azure/*");
    config.api_base = Some("https://h".into());
    let azure = endpoint(config, &[]);
    for model in [None, Some(""), Some(".."), Some(".")] {
        let error = request(
            &azure,
            &Call {
                model,
                ..Call::default()
            },
        )
        .await
        .expect_err("no path");
        assert!(matches!(error, PrepareError::Model { .. }), "{error}");
    }
}

#[test]
fn a_config_can_be_printed_without_its_secrets() {
    let config = with("openai/x", |it| {
        it.extra_headers = vec![("x-key".into(), "SECRET".into())];
        it.api_base = Some("https://h/?key=SECRET".into());
        it.api_key = Some("SECRET".into());
        it.vertex_credentials = Some("SECRET".into());
    });
    let shown = format!("{config:?}");
    assert!(
        shown.contains("x-key") && !shown.contains("SECRET"),
        "{shown}"
    );
}
