//! Those who speak OpenAI's API, each in its own way.

use gateway_core::Dialect;
use gateway_providers::{EndpointConfig, PrepareError, ProviderSpec, Providers};

use crate::world::{Call, config, endpoint, header, request};

fn chat(body: &'static str) -> Call {
    Call {
        body,
        ..Call::default()
    }
}

async fn sent(
    config: EndpointConfig,
    body: &'static str,
) -> Result<(String, String), PrepareError> {
    let request = request(&endpoint(config, &[]), &chat(body)).await?;
    let body = String::from_utf8(request.body().to_vec()).expect("text");
    Ok((request.uri().to_string(), body))
}

#[tokio::test]
async fn each_gets_the_names_that_it_knows() {
    let body = r#"{"model":"m","seed":1,"max_completion_tokens":9}"#;
    for (model, expected) in [
        ("openai/m", body),
        ("groq/m", body),
        ("deepseek/m", r#"{"model":"m","seed":1,"max_tokens":9}"#),
        (
            "mistral/m",
            r#"{"model":"m","random_seed":1,"max_tokens":9}"#,
        ),
    ] {
        let (_, sent) = sent(config(model), body).await.expect(model);
        let same = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("JSON");
        assert_eq!(same(&sent), same(expected), "{model}");
    }
}

#[tokio::test]
async fn the_operators_parameters_are_renamed_as_well() {
    let config = EndpointConfig {
        defaults: serde_json::from_str(r#"{"max_completion_tokens":5}"#).expect("a map"),
        ..config("deepseek/m")
    };
    for (body, expected) in [
        (r#"{"model":"m"}"#, r#"{"model":"m","max_tokens":5}"#),
        (
            r#"{"model":"m","max_completion_tokens":9}"#,
            r#"{"model":"m","max_tokens":9}"#,
        ),
    ] {
        assert_eq!(sent(config.clone(), body).await.expect(body).1, expected);
    }
}

#[tokio::test]
async fn a_parameter_that_nobody_knows_there_is_refused_by_name_unless_it_may_be_dropped() {
    let body = r#"{"model":"m","logit_bias":{"1":2},"user":"u"}"#;
    let error = sent(config("mistral/m"), body).await.expect_err("unknown");
    assert!(matches!(error, PrepareError::Translate(_)), "{error}");
    assert!(error.to_string().contains("logit_bias"), "{error}");
    let mut dropping = config("mistral/m");
    dropping.policy.drop = true;
    assert_eq!(
        sent(dropping, body).await.expect("dropped").1,
        r#"{"model":"m"}"#
    );
    let asked = r#"{"model":"m","logit_bias":{"1":2},"drop_params":true}"#;
    assert_eq!(
        sent(config("mistral/m"), asked).await.expect("dropped").1,
        r#"{"model":"m"}"#
    );
}

#[tokio::test]
async fn servers_of_ones_own_need_no_key_and_no_version_in_their_base() {
    for (model, base, expected) in [
        (
            "ollama/llama",
            None,
            "http://localhost:11434/v1/chat/completions",
        ),
        (
            "ollama/llama",
            Some("http://gpu:11434"),
            "http://gpu:11434/v1/chat/completions",
        ),
        (
            "ollama_chat/llama",
            Some("http://gpu:11434/v1/"),
            "http://gpu:11434/v1/chat/completions",
        ),
        (
            "lm_studio/m",
            None,
            "http://localhost:1234/v1/chat/completions",
        ),
        (
            "hosted_vllm/m",
            Some("http://h/v1"),
            "http://h/v1/chat/completions",
        ),
        (
            "databricks/m",
            Some("https://d.example"),
            "https://d.example/serving-endpoints/chat/completions",
        ),
    ] {
        let config = EndpointConfig {
            api_key: None,
            api_base: base.map(str::to_owned),
            ..config(model)
        };
        assert_eq!(
            sent(config, r#"{"model":"m"}"#).await.expect(model).0,
            expected
        );
    }
}

#[tokio::test]
async fn what_a_provider_does_not_serve_is_not_asked_of_it() {
    let speaks = |model, dialect| endpoint(config(model), &[]).speaks(dialect);
    assert!(speaks("xai/grok", Dialect::OpenAiResponses));
    assert!(!speaks("deepseek/m", Dialect::OpenAiResponses));
    assert!(speaks("voyage/voyage-3", Dialect::OpenAiEmbeddings));
    assert!(!speaks("voyage/voyage-3", Dialect::OpenAiChat));
}

#[tokio::test]
async fn a_key_goes_where_the_provider_looks_for_it() {
    let sarvam = request(&endpoint(config("sarvam/m"), &[]), &Call::default()).await;
    let sarvam = sarvam.expect("a request");
    assert_eq!(header(&sarvam, "api-subscription-key"), "sk-own");
    assert_eq!(header(&sarvam, "authorization"), "");
}

#[tokio::test]
async fn a_config_adds_providers_of_its_own_and_changes_known_ones() {
    let mut providers = Providers::default();
    for spec in [
        ProviderSpec {
            name: "acme".into(),
            base_url: Some("https://llm.acme.example/v1/".into()),
            api_key_env: vec!["ACME_KEY".into()],
            api_base_env: vec!["ACME_BASE".into()],
            param_mappings: vec![("max_completion_tokens".into(), "max_len".into())],
            unsupported_params: vec!["user".into()],
            supported_endpoints: vec!["/v1/chat/completions".into(), "/v1/responses".into()],
            text_content: true,
            ..ProviderSpec::default()
        },
        ProviderSpec {
            name: "groq".into(),
            base_url: Some("https://groq.example".into()),
            ..ProviderSpec::default()
        },
    ] {
        providers.add(spec).expect("a good provider");
    }
    let of = |model: &str| EndpointConfig {
        api_key: None,
        providers: providers.clone(),
        ..config(model)
    };
    let acme = endpoint(of("acme/m"), &[("ACME_KEY", "sk-acme")]);
    assert!(acme.speaks(Dialect::OpenAiResponses) && !acme.speaks(Dialect::OpenAiEmbeddings));
    assert_eq!(acme.provider(), "acme");
    let body = r#"{"model":"g","max_completion_tokens":9,"user":"u","messages":[{"role":"developer","content":[{"type":"text","text":"x"}]}]}"#;
    let sent = request(&acme, &chat(body)).await.expect("a request");
    assert_eq!(
        sent.uri().to_string(),
        "https://llm.acme.example/v1/chat/completions"
    );
    assert_eq!(header(&sent, "authorization"), "Bearer sk-acme");
    let sent: serde_json::Value = serde_json::from_slice(sent.body()).expect("JSON");
    let expected = serde_json::json!({
        "model": "m", "max_len": 9, "messages": [{"role": "system", "content": "x"}],
    });
    assert_eq!(sent, expected);
    let groq = endpoint(of("groq/m"), &[]);
    let sent = request(&groq, &chat(r#"{"model":"m"}"#))
        .await
        .expect("a request");
    assert_eq!(
        sent.uri().to_string(),
        "https://groq.example/chat/completions"
    );
    let elsewhere = endpoint(
        of("acme/m"),
        &[("ACME_KEY", "k"), ("ACME_BASE", "http://h")],
    );
    assert_eq!(elsewhere.api_base_for_display(), "http://h");
}
