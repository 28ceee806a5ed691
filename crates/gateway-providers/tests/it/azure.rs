//! Who an endpoint is at Azure: keys, tokens, and applications of Entra ID.

use gateway_core::Dialect;
use gateway_providers::{Endpoint, EndpointConfig, Environment};
use gateway_testkit::script::Script;
use gateway_testkit::upstream::Upstream;
use serde_json::json;

use crate::world::{Call, config, header, request};

/// An issuer that counts its tokens.
async fn entra() -> Upstream {
    let counter = std::sync::atomic::AtomicUsize::new(1);
    Upstream::answering(move |_| {
        let number = counter.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let token = format!("t{number}");
        Script::json(
            200,
            &json!({"token_type": "Bearer", "expires_in": 3599, "access_token": token}),
        )
    })
    .await
}

fn azure() -> EndpointConfig {
    EndpointConfig {
        api_key: None,
        api_base: Some("https://r.azure.example".into()),
        ..config("azure/dep")
    }
}

/// `authorization` and `api-key` of a request, and the form that Entra got last.
async fn sent(
    entra: &Upstream,
    config: EndpointConfig,
    variables: &[(&str, &str)],
) -> (String, String, String) {
    let url = entra.url();
    let mut all = vec![("AZURE_AUTHORITY_HOST", url.as_str())];
    all.extend_from_slice(variables);
    let environment = Environment::with_variables(all);
    let endpoint = Endpoint::build(config, &environment).expect("a good config");
    let shown = format!("{endpoint:?}");
    assert!(!shown.contains("SECRET"), "{shown}");
    let request = request(&endpoint, &Call::default())
        .await
        .expect("a request");
    let form = entra.requests().last().map(|it| {
        let body = String::from_utf8(it.body.to_vec()).expect("a form");
        format!("{} {body}", it.path())
    });
    (
        header(&request, "authorization").to_owned(),
        header(&request, "api-key").to_owned(),
        form.unwrap_or_default(),
    )
}

const CLIENT: (&str, &str) = ("AZURE_CLIENT_ID", "env-client");
const TENANT: (&str, &str) = ("AZURE_TENANT_ID", "env-tenant");

#[tokio::test]
async fn an_applications_secret_gives_a_token_for_azures_ai() {
    let entra = entra().await;
    let config = EndpointConfig {
        tenant_id: Some("tenant".into()),
        client_id: Some("client".into()),
        client_secret: Some("SECRET&x".into()),
        ..azure()
    };
    let (authorization, key, form) = sent(&entra, config, &[("AZURE_API_KEY", "env-key")]).await;
    assert_eq!((authorization.as_str(), key.as_str()), ("Bearer t1", ""));
    assert_eq!(
        form,
        "/tenant/oauth2/v2.0/token grant_type=client_credentials&client_id=client\
         &scope=https%3A%2F%2Fcognitiveservices.azure.com%2F.default&client_secret=SECRET%26x"
    );
}

#[tokio::test]
async fn the_environment_fills_in_what_the_config_does_not_say() {
    let entra = entra().await;
    let variables = [
        CLIENT,
        TENANT,
        ("AZURE_CLIENT_SECRET", "SECRET"),
        ("AZURE_SCOPE", "api://x/.default"),
    ];
    let (authorization, _, form) = sent(&entra, azure(), &variables).await;
    assert_eq!(authorization, "Bearer t1");
    assert_eq!(
        form,
        "/env-tenant/oauth2/v2.0/token grant_type=client_credentials&client_id=env-client\
         &scope=api%3A%2F%2Fx%2F.default&client_secret=SECRET"
    );
    let config = EndpointConfig {
        client_id: Some("other".into()),
        azure_scope: Some("s".into()),
        ..azure()
    };
    let (_, _, form) = sent(&entra, config, &variables).await;
    assert!(
        form.contains("client_id=other&scope=s&client_secret=SECRET"),
        "{form}"
    );
}

#[tokio::test]
async fn a_federated_token_takes_the_place_of_a_secret() {
    let entra = entra().await;
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), "SECRET.jwt\n").expect("written");
    let path = file.path().to_str().expect("text");
    let oidc = |token: &str| EndpointConfig {
        azure_ad_token: Some(token.to_owned().into()),
        ..azure()
    };
    let federated = ("AZURE_FEDERATED_TOKEN_FILE", path);
    for (config, more) in [
        (azure(), federated),
        (oidc(&format!("oidc/file/{path}")), ("", "")),
        (oidc("oidc/env/MY_TOKEN"), ("MY_TOKEN", "SECRET.jwt")),
        (oidc("oidc/env_path/MY_FILE"), ("MY_FILE", path)),
        (oidc("oidc/azure/"), federated),
    ] {
        let (authorization, _, form) = sent(&entra, config, &[CLIENT, TENANT, more]).await;
        assert!(authorization.starts_with("Bearer t"), "{authorization}");
        assert!(
            form.ends_with(
                "&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer\
                 &client_assertion=SECRET.jwt"
            ),
            "{form}"
        );
    }
}

#[tokio::test]
async fn a_key_or_a_token_that_is_said_more_plainly_wins() {
    let entra = entra().await;
    let application = [CLIENT, TENANT, ("AZURE_CLIENT_SECRET", "SECRET")];
    let with = |more: &[(&'static str, &'static str)]| [&application[..], more].concat();
    let keyed = EndpointConfig {
        api_key: Some("own-key".into()),
        ..azure()
    };
    for (config, variables, authorization, key) in [
        (keyed, with(&[]), "", "own-key"),
        (
            azure(),
            with(&[("AZURE_API_KEY", "env-key")]),
            "",
            "env-key",
        ),
        (
            azure(),
            with(&[("AZURE_AD_TOKEN", "token")]),
            "Bearer token",
            "",
        ),
        // Half of an application is there for somebody else.
        (azure(), vec![CLIENT, TENANT], "", ""),
    ] {
        let found = sent(&entra, config, &variables).await;
        assert_eq!((found.0.as_str(), found.1.as_str()), (authorization, key));
    }
    assert!(entra.requests().is_empty());
}

#[tokio::test]
async fn endpoints_of_one_application_share_one_token() {
    let entra = entra().await;
    let url = entra.url();
    let environment = Environment::with_variables([
        ("AZURE_AUTHORITY_HOST", url.as_str()),
        CLIENT,
        TENANT,
        ("AZURE_CLIENT_SECRET", "SECRET"),
    ]);
    let build = |model: &str| {
        let config = EndpointConfig {
            model: model.to_owned(),
            ..azure()
        };
        Endpoint::build(config, &environment).expect("a good config")
    };
    let (one, two) = (build("azure/one"), build("azure/two"));
    for endpoint in [&one, &two] {
        let request = request(endpoint, &Call::default())
            .await
            .expect("a request");
        assert_eq!(header(&request, "authorization"), "Bearer t1");
    }
    assert_eq!(entra.requests().len(), 1);
}

#[test]
fn what_is_missing_of_an_application_is_named() {
    let refused = |change: fn(&mut EndpointConfig)| {
        let mut config = azure();
        change(&mut config);
        let environment = Environment::with_variables([("", ""); 0]);
        let error = Endpoint::build(config, &environment).expect_err("a bad config");
        error.to_string()
    };
    for (text, expected) in [
        (
            refused(|it| it.tenant_id = Some("t".into())),
            "AZURE_CLIENT_SECRET",
        ),
        (
            refused(|it| it.client_secret = Some("s".into())),
            "AZURE_TENANT_ID",
        ),
        (
            refused(|it| it.azure_ad_token = Some("oidc/env/NONE".into())),
            "NONE",
        ),
        (
            refused(|it| it.azure_ad_token = Some("oidc/google/x".into())),
            "oidc/file/PATH",
        ),
    ] {
        assert!(text.contains(expected), "{text}");
    }
}

async fn foundry(base: &str, model: &str, dialect: Dialect) -> http::Request<bytes::Bytes> {
    let config = EndpointConfig {
        api_base: Some(base.to_owned()),
        ..config(&format!("azure_ai/{model}"))
    };
    let environment = Environment::with_variables([("", ""); 0]);
    let endpoint = Endpoint::build(config, &environment).expect("a good config");
    let call = Call {
        dialect,
        headers: &[("anthropic-beta", "skills-2025-10-02,never-heard-of")],
        ..Call::default()
    };
    request(&endpoint, &call).await.expect("a request")
}

#[tokio::test]
async fn foundry_serves_claude_as_anthropic_does_and_others_as_openai() {
    let resource = "https://r.services.ai.azure.com";
    let models = "models/chat/completions?api-version=2024-05-01-preview";
    for (base, uri, name) in [
        (
            resource.to_owned(),
            format!("{resource}/{models}"),
            "api-key",
        ),
        (
            format!("{resource}/models/"),
            format!("{resource}/{models}"),
            "api-key",
        ),
        (
            format!("{resource}/models/chat/completions?api-version=2025-01-01"),
            format!("{resource}/models/chat/completions?api-version=2025-01-01"),
            "api-key",
        ),
        (
            format!("{resource}/openai/v1"),
            format!("{resource}/openai/v1/chat/completions"),
            "api-key",
        ),
        (
            "https://x.eastus2.models.ai.azure.com".to_owned(),
            "https://x.eastus2.models.ai.azure.com/chat/completions".to_owned(),
            "authorization",
        ),
    ] {
        let request = foundry(&base, "llama", Dialect::OpenAiChat).await;
        assert_eq!(request.uri().to_string(), uri);
        assert!(header(&request, name).ends_with("sk-own"), "{name}");
    }
    for base in ["", "/anthropic", "/anthropic/v1/messages", "/models"] {
        let base = format!("{resource}{base}");
        let request = foundry(&base, "claude-x", Dialect::AnthropicMessages).await;
        assert_eq!(
            request.uri().to_string(),
            format!("{resource}/anthropic/v1/messages")
        );
        assert_eq!(header(&request, "x-api-key"), "sk-own");
        assert_eq!(header(&request, "anthropic-version"), "2023-06-01");
        assert_eq!(header(&request, "anthropic-beta"), "skills-2025-10-02");
    }
}
