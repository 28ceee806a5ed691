//! Every path and its aliases.

use super::*;

fn call(dialect: Dialect, model: Option<&str>) -> Route {
    Route::Call(CallRoute {
        dialect,
        model: model.map(str::to_owned),
        stream: None,
    })
}

#[test]
fn every_alias_leads_to_its_call() {
    for (path, dialect) in [
        ("/v1/chat/completions", Dialect::OpenAiChat),
        ("/chat/completions", Dialect::OpenAiChat),
        ("/v1/completions", Dialect::OpenAiCompletions),
        ("/completions", Dialect::OpenAiCompletions),
        ("/v1/embeddings", Dialect::OpenAiEmbeddings),
        ("/embeddings", Dialect::OpenAiEmbeddings),
        ("/v1/messages", Dialect::AnthropicMessages),
        ("/v1/messages/count_tokens", Dialect::AnthropicCountTokens),
        ("/v1/responses", Dialect::OpenAiResponses),
        ("/responses", Dialect::OpenAiResponses),
        ("/openai/v1/responses", Dialect::OpenAiResponses),
    ] {
        let found = route(&Method::POST, path, Scope::All).unwrap();
        assert_eq!(found, call(dialect, None), "{path}");
    }
}

#[test]
fn a_model_in_the_path_is_decoded() {
    for (path, dialect, model) in [
        (
            "/openai/deployments/gpt-4o/chat/completions",
            Dialect::OpenAiChat,
            "gpt-4o",
        ),
        (
            "/engines/a%2Fb/embeddings",
            Dialect::OpenAiEmbeddings,
            "a/b",
        ),
        (
            "/engines/50%/completions",
            Dialect::OpenAiCompletions,
            "50%",
        ),
    ] {
        let found = route(&Method::POST, path, Scope::All).unwrap();
        assert_eq!(found, call(dialect, Some(model)), "{path}");
    }
}

#[test]
fn what_leads_nowhere_says_so() {
    for (method, path, status) in [
        (Method::GET, "/v1/chat/completions", 405),
        (Method::POST, "/v1/models", 405),
        (Method::POST, "/v1/chat", 404),
        (Method::POST, "/openai/deployments/x", 404),
        (Method::POST, "/engines/%ff/completions", 404),
        (Method::GET, "/../etc/passwd", 404),
    ] {
        let error = route(&method, path, Scope::All).unwrap_err();
        assert_eq!(error.status, status, "{method} {path}");
    }
}

#[test]
fn a_listener_has_only_the_routes_of_its_scope() {
    let found = |path, scope| match_path(path).is_some_and(|route| route.is_in(scope));
    for (path, calls, admin) in [
        ("/v1/messages", true, false),
        ("/v1/models", true, false),
        ("/ui", false, true),
        ("/admin/pools", false, true),
        ("/admin/pools/rotate", false, true),
        ("/admin/deployments/a/cooldown", false, true),
        ("/admin/explain", false, true),
        ("/health/readiness", true, true),
        ("/metrics", true, true),
    ] {
        assert!(found(path, Scope::All), "{path}");
        assert_eq!(found(path, Scope::Calls), calls, "{path}");
        assert_eq!(found(path, Scope::Admin), admin, "{path}");
    }
}

#[test]
fn only_probes_metrics_and_the_page_need_no_key() {
    for path in ["/v1/models", "/models/a", "/health", "/admin/pools"] {
        assert!(!match_path(path).unwrap().is_public(), "{path}");
    }
    for path in [
        "/",
        "/health/liveliness",
        "/health/readiness",
        "/metrics",
        "/ui",
    ] {
        assert!(match_path(path).unwrap().is_public(), "{path}");
    }
}

#[test]
fn googles_methods_stand_behind_the_models_name() {
    for prefix in [
        "/v1beta/models/",
        "/v1/models/",
        "/models/",
        "/v1alpha/models/",
    ] {
        for (name, method, dialect, stream) in [
            ("gemini-x", "generateContent", Dialect::Gemini, false),
            ("a/b:c", "streamGenerateContent", Dialect::Gemini, true),
            ("a%2Fb", "countTokens", Dialect::GeminiCountTokens, false),
        ] {
            let path = format!("{prefix}{name}:{method}");
            let expected = Route::Call(CallRoute {
                dialect,
                model: decode(name),
                stream: Some(stream),
            });
            assert_eq!(
                route(&Method::POST, &path, Scope::All),
                Ok(expected),
                "{path}"
            );
        }
    }
    let found = match_path("/v1/models/a:b");
    assert_eq!(
        found,
        Some(Route::Model("a:b".to_owned(), ModelShape::OfHeaders))
    );
    assert_eq!(dialect_of("/v1beta/models/x:embedContent"), Dialect::Gemini);
}

#[test]
fn what_operators_look_at_and_steer_has_routes() {
    let of = |method, path| route(&method, path, Scope::Admin);
    for (method, path, expected) in [
        (Method::GET, "/admin/status", Route::Status),
        (Method::GET, "/admin/timeline", Route::Timeline),
        (Method::GET, "/admin/live", Route::Live),
        (
            Method::POST,
            "/admin/streams/a%2Fb/cut",
            Route::Cut("a/b".to_owned()),
        ),
        (
            Method::POST,
            "/admin/deployments/west/drain",
            Route::Drain("west".to_owned()),
        ),
    ] {
        assert_eq!(of(method.clone(), path), Ok(expected), "{path}");
        assert!(route(&method, path, Scope::Calls).is_err(), "{path}");
    }
    assert!(of(Method::GET, "/admin/streams/a/cut").is_err());
}
