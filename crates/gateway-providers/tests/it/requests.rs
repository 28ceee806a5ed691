//! Addresses, credentials and bodies of each provider, as tables.

use gateway_core::Dialect;
use gateway_providers::EndpointConfig;
use http::Method;

use crate::world::{Call, config, endpoint, header, request};

struct Case {
    config: EndpointConfig,
    variables: &'static [(&'static str, &'static str)],
    call: Call,
    uri: &'static str,
    /// Headers that must have these values; an empty value means that the header must be absent.
    headers: &'static [(&'static str, &'static str)],
    body: &'static str,
}

impl Case {
    fn new(config: EndpointConfig, uri: &'static str) -> Self {
        Self {
            config,
            variables: &[],
            call: Call::default(),
            uri,
            headers: &[],
            body: "",
        }
    }
}

fn at(base: &str, model: &str) -> EndpointConfig {
    EndpointConfig {
        api_base: Some(base.to_owned()),
        ..config(model)
    }
}

fn keyless(model: &str) -> EndpointConfig {
    EndpointConfig {
        api_key: None,
        ..config(model)
    }
}

async fn check(cases: Vec<Case>) {
    for case in cases {
        let endpoint = endpoint(case.config, case.variables);
        let request = request(&endpoint, &case.call).await.expect(case.uri);
        assert_eq!(request.method(), Method::POST);
        assert_eq!(request.uri().to_string(), case.uri);
        for (name, value) in case.headers {
            assert_eq!(header(&request, name), *value, "{name} at {}", case.uri);
        }
        assert_eq!(header(&request, "content-type"), "application/json");
        assert_eq!(header(&request, "accept-encoding"), "identity");
        if !case.body.is_empty() {
            assert_eq!(request.body(), case.body, "{}", case.uri);
        }
        let shown = format!("{endpoint:?} {:?}", request.headers());
        assert!(!shown.contains("sk-own"), "{shown}");
    }
}

const MESSAGES: &str = "https://api.anthropic.com/v1/messages";

fn anthropic() -> Call {
    Call {
        dialect: Dialect::AnthropicMessages,
        ..Call::default()
    }
}

#[tokio::test]
async fn openai_and_its_like() {
    let of = |dialect| Call {
        dialect,
        ..Call::default()
    };
    let bearer = &[("authorization", "Bearer sk-own")];
    check(vec![
        Case {
            headers: bearer,
            body: r#"{"model":"gpt-4o"}"#,
            ..Case::new(
                config("openai/gpt-4o"),
                "https://api.openai.com/v1/chat/completions",
            )
        },
        Case {
            call: of(Dialect::OpenAiCompletions),
            ..Case::new(config("gpt-4o"), "https://api.openai.com/v1/completions")
        },
        Case {
            call: of(Dialect::OpenAiEmbeddings),
            ..Case::new(
                at("http://127.0.0.1:9/v1/", "openai/text-embedding-3"),
                "http://127.0.0.1:9/v1/embeddings",
            )
        },
        Case {
            variables: &[
                ("OPENAI_API_BASE", "http://second/v1"),
                ("OPENAI_BASE_URL", "http://first/v1"),
            ],
            ..Case::new(config("openai/gpt-4o"), "http://first/v1/chat/completions")
        },
    ])
    .await;
}

#[tokio::test]
async fn keys_of_openai_and_its_like() {
    let keyless_at = |base: &str, model| EndpointConfig {
        api_base: Some(base.to_owned()),
        ..keyless(model)
    };
    check(vec![
        Case {
            variables: &[("OPENAI_API_KEY", "sk-env")],
            headers: &[
                ("authorization", "Bearer sk-env"),
                ("openai-organization", "org"),
            ],
            ..Case::new(
                EndpointConfig {
                    organization: Some("org".into()),
                    ..keyless("openai/gpt-4o")
                },
                "https://api.openai.com/v1/chat/completions",
            )
        },
        Case {
            headers: &[("authorization", "")],
            body: r#"{"model":"meta-llama/Llama-3"}"#,
            ..Case::new(
                keyless_at("http://vllm:8000/v1", "hosted_vllm/meta-llama/Llama-3"),
                "http://vllm:8000/v1/chat/completions",
            )
        },
        Case::new(
            at("http://h/x/chat/completions", "openai/m"),
            "http://h/x/chat/completions",
        ),
        Case::new(
            at("http://h/v1?key=1", "openai/m"),
            "http://h/v1/chat/completions?key=1",
        ),
        Case {
            variables: &[("GROQ_API_KEY", "sk-groq")],
            headers: &[("authorization", "Bearer sk-groq")],
            ..Case::new(
                keyless("groq/llama-3"),
                "https://api.groq.com/openai/v1/chat/completions",
            )
        },
        Case {
            call: Call {
                query: Some("beta=true"),
                ..Call::default()
            },
            ..Case::new(
                config("openai/gpt-4o"),
                "https://api.openai.com/v1/chat/completions",
            )
        },
    ])
    .await;
}

#[tokio::test]
async fn azure_in_all_its_forms() {
    let versioned = |base: &str, version: &str| EndpointConfig {
        api_version: Some(version.to_owned()),
        ..at(base, "azure/my dep")
    };
    let key = &[("api-key", "sk-own"), ("authorization", "")];
    check(vec![
        Case {
            headers: key,
            body: r#"{"model":"my dep"}"#,
            ..Case::new(
                versioned("https://r.azure.example", "2024-10-21"),
                "https://r.azure.example/openai/deployments/my%20dep/chat/completions?api-version=2024-10-21",
            )
        },
        Case {
            call: Call { dialect: Dialect::OpenAiEmbeddings, ..Call::default() },
            ..Case::new(
                versioned("https://r.azure.example/openai/", "2024-10-21"),
                "https://r.azure.example/openai/deployments/my%20dep/embeddings?api-version=2024-10-21",
            )
        },
        Case {
            headers: key,
            body: r#"{"model":"my dep"}"#,
            ..Case::new(
                versioned("https://r.azure.example", "v1"),
                "https://r.azure.example/openai/v1/chat/completions",
            )
        },
        Case::new(
            versioned("https://r.azure.example", "preview"),
            "https://r.azure.example/openai/v1/chat/completions",
        ),
        Case::new(
            versioned("https://r.azure.example/openai/v1/", "2024-10-21"),
            "https://r.azure.example/openai/v1/chat/completions",
        ),
        Case::new(
            versioned("https://g.example/openai/deployments/x", "2024-10-21"),
            "https://g.example/openai/deployments/x/chat/completions?api-version=2024-10-21",
        ),
    ])
    .await;
}

#[tokio::test]
async fn responses_have_a_path_of_their_own_and_some_models_nothing_else() {
    let responses = || Call {
        dialect: Dialect::OpenAiResponses,
        ..Call::default()
    };
    let azure = |version: Option<&str>, base: &str, model: &str| EndpointConfig {
        api_version: version.map(str::to_owned),
        ..at(base, model)
    };
    let r = "https://r.example";
    let mut cases = vec![
        (
            config("openai/gpt-4o"),
            "gpt-4o",
            "https://api.openai.com/v1/responses",
        ),
        (
            config("openai/responses/gpt-4o"),
            "gpt-4o",
            "https://api.openai.com/v1/responses",
        ),
        (
            config("openai/o3-pro-2025-06-10"),
            "o3-pro-2025-06-10",
            "https://api.openai.com/v1/responses",
        ),
        (
            azure(None, r, "azure/dep"),
            "dep",
            "https://r.example/openai/v1/responses",
        ),
        (
            azure(Some("v1"), r, "azure/dep"),
            "dep",
            "https://r.example/openai/v1/responses",
        ),
        (
            azure(Some("2024-10-21"), r, "azure/dep"),
            "dep",
            "https://r.example/openai/v1/responses",
        ),
        (
            azure(Some("2025-04-01-preview"), r, "azure/responses/dep"),
            "dep",
            "https://r.example/openai/responses?api-version=2025-04-01-preview",
        ),
    ];
    let whole = "https://r.example/x/openai/deployments/dep";
    cases.push((
        azure(Some("2025-03-01-preview"), whole, "azure/dep"),
        "dep",
        "https://r.example/x/openai/responses?api-version=2025-03-01-preview",
    ));
    for (config, model, uri) in cases {
        let only = config.model.contains("responses/") || config.model.contains("o3-pro");
        let endpoint = endpoint(config, &[]);
        assert_eq!(endpoint.speaks(Dialect::OpenAiChat), !only, "{uri}");
        let request = request(&endpoint, &responses()).await.expect(uri);
        assert_eq!(request.uri().to_string(), uri);
        assert_eq!(request.body(), &format!(r#"{{"model":"{model}"}}"#));
    }
}

#[tokio::test]
async fn anthropic_counts_tokens() {
    let count = |query| Call {
        dialect: Dialect::AnthropicCountTokens,
        query,
        ..Call::default()
    };
    check(vec![
        Case {
            call: count(None),
            headers: &[("x-api-key", "sk-own")],
            ..Case::new(
                config("anthropic/claude"),
                "https://api.anthropic.com/v1/messages/count_tokens",
            )
        },
        Case {
            call: count(Some("beta=true")),
            ..Case::new(
                at("http://h/v1/", "anthropic/claude"),
                "http://h/v1/messages/count_tokens?beta=true",
            )
        },
    ])
    .await;
}

#[tokio::test]
async fn keys_of_azure() {
    check(vec![
        Case {
            variables: &[
                ("AZURE_API_BASE", "https://env.example"),
                ("AZURE_API_KEY", "sk-env"),
                ("AZURE_API_VERSION", "2025-01-01"),
            ],
            headers: &[("api-key", "sk-env")],
            ..Case::new(
                keyless("azure/dep"),
                "https://env.example/openai/deployments/dep/chat/completions?api-version=2025-01-01",
            )
        },
        Case {
            variables: &[("AZURE_API_KEY", "sk-env")],
            headers: &[("authorization", "Bearer entra"), ("api-key", "")],
            ..Case::new(
                EndpointConfig {
                    api_base: Some("https://r.example".into()),
                    azure_ad_token: Some("entra".into()),
                    ..keyless("azure/dep")
                },
                "https://r.example/openai/deployments/dep/chat/completions?api-version=2025-02-01-preview",
            )
        },
    ])
    .await;
}

#[tokio::test]
async fn keys_versions_and_betas_of_anthropic() {
    check(vec![
        Case {
            call: anthropic(),
            headers: &[
                ("x-api-key", "sk-own"),
                ("authorization", ""),
                ("anthropic-version", "2023-06-01"),
            ],
            body: r#"{"model":"claude-opus-4"}"#,
            ..Case::new(config("anthropic/claude-opus-4"), MESSAGES)
        },
        Case {
            call: anthropic(),
            headers: &[
                ("authorization", "Bearer sk-ant-oat01-x"),
                ("x-api-key", ""),
            ],
            ..Case::new(
                EndpointConfig {
                    api_key: Some("sk-ant-oat01-x".into()),
                    ..config("claude-opus-4")
                },
                MESSAGES,
            )
        },
        Case {
            call: Call {
                query: Some("x=1&beta=true"),
                headers: &[
                    ("anthropic-version", "2026-10-21"),
                    ("anthropic-beta", "a,b"),
                    ("x-api-key", "sk-client"),
                ],
                ..anthropic()
            },
            headers: &[
                ("anthropic-version", "2026-10-21"),
                ("anthropic-beta", "a,b"),
                ("x-api-key", "sk-own"),
            ],
            ..Case::new(
                config("anthropic/claude"),
                "https://api.anthropic.com/v1/messages?beta=true",
            )
        },
    ])
    .await;
}

#[tokio::test]
async fn anthropic_at_home_and_elsewhere() {
    let mut cases = vec![
        Case {
            call: Call {
                query: Some("key=client&beta=false"),
                ..anthropic()
            },
            ..Case::new(config("anthropic/claude"), MESSAGES)
        },
        Case {
            call: anthropic(),
            variables: &[
                ("ANTHROPIC_BASE_URL", "http://second"),
                ("ANTHROPIC_API_BASE", "http://first"),
            ],
            ..Case::new(config("anthropic/claude"), "http://first/v1/messages")
        },
    ];
    for base in ["http://h/x", "http://h/x/v1", "http://h/x/v1/messages"] {
        let call = anthropic();
        cases.push(Case {
            call,
            ..Case::new(at(base, "anthropic/claude"), "http://h/x/v1/messages")
        });
    }
    check(cases).await;
}

#[tokio::test]
async fn a_star_takes_the_clients_choice() {
    let chosen = |model| Call {
        model: Some(model),
        ..Call::default()
    };
    check(vec![
        Case {
            call: chosen("gpt-4o"),
            body: r#"{"model":"gpt-4o"}"#,
            ..Case::new(
                config("openai/*"),
                "https://api.openai.com/v1/chat/completions",
            )
        },
        Case {
            call: chosen("a/../b?c"),
            ..Case::new(
                EndpointConfig {
                    api_version: Some("1".into()),
                    ..at("http://r.example", "azure/*")
                },
                "http://r.example/openai/deployments/a%2F..%2Fb%3Fc/chat/completions?api-version=1",
            )
        },
    ])
    .await;
}

#[tokio::test]
async fn the_operators_headers_and_parameters_apply() {
    let config = EndpointConfig {
        extra_headers: vec![
            ("Authorization".into(), "Basic own".into()),
            ("x-team".into(), "t".into()),
        ],
        defaults: serde_json::from_str(r#"{"temperature":0.5,"extra_body":{"top_k":7}}"#)
            .expect("a map"),
        ..config("openai/gpt-4o")
    };
    check(vec![Case {
        call: Call {
            body: r#"{"model":"group","temperature":1,"timeout":3}"#,
            ..Call::default()
        },
        headers: &[("authorization", "Basic own"), ("x-team", "t")],
        body: r#"{"model":"gpt-4o","temperature":1,"top_k":7}"#,
        ..Case::new(config, "https://api.openai.com/v1/chat/completions")
    }])
    .await;
}
