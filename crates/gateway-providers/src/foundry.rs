//! Microsoft Foundry (`azure_ai/`): Claude by Anthropic's messages, everybody else by OpenAI's chat completions.
//!
//! Source: Microsoft's "Azure AI Model Inference REST API" and "Use Claude models in Microsoft Foundry".

use gateway_core::Dialect;
use http::{HeaderName, HeaderValue, header};

use crate::azure;
use crate::betas::{self, Betas};
use crate::blueprint::{Blueprint, Route, Target};
use crate::compatible::Compatible;
use crate::error::EndpointError;
use crate::provider::Settings;
use crate::url::{BaseUrl, segment};

/// The endpoint of a resource.
pub(crate) fn blueprint(settings: &Settings<'_>) -> Result<Blueprint, EndpointError> {
    let base = settings.base()?;
    if settings.model.starts_with("claude") {
        return claude(settings, base);
    }
    let key = match base.host() {
        host if is_resource(host) => API_KEY,
        _ => header::AUTHORIZATION,
    };
    let credential = azure::credential(settings, &key)?;
    let base = base.strip_suffix("/chat/completions").unwrap_or(base);
    let (base, version) = match base.path() {
        "" if base.host().ends_with(FOUNDRY) => {
            (base.clone().with_path("/models"), Some(MODELS_VERSION))
        }
        "/models" if base.host().ends_with(FOUNDRY) => (base, Some(MODELS_VERSION)),
        _ => (base, None),
    };
    let version = settings.config.api_version.as_deref().or(version);
    let query = match version.map(str::trim) {
        Some(version) if !base.has_parameter("api-version") => {
            let version = segment(version)
                .ok_or_else(|| EndpointError::setting("api_version", "it is no version"))?;
            Some(format!("api-version={version}"))
        }
        _ => None,
    };
    let routes = PATHS
        .iter()
        .map(|(dialect, path)| {
            let target = Target::fixed(&base, path, query.as_deref())?;
            Ok(Route::new(*dialect, target))
        })
        .collect::<Result<_, EndpointError>>()?;
    Ok(Blueprint {
        compatible: compatible(settings.model),
        quirks: compatible(settings.model).quirks(),
        ..Blueprint::new(base, routes, credential)
    })
}

fn claude(settings: &Settings<'_>, base: BaseUrl) -> Result<Blueprint, EndpointError> {
    let credential = azure::credential(settings, &ANTHROPIC_KEY)?;
    let base = ["/v1/messages", "/v1"]
        .iter()
        .find_map(|suffix| base.strip_suffix(suffix))
        .unwrap_or(base);
    let base = match base.path() {
        path if path.ends_with("/anthropic") => base,
        "" | "/models" => base.with_path("/anthropic"),
        _ => base,
    };
    let routes = [
        (Dialect::AnthropicMessages, "/v1/messages"),
        (Dialect::AnthropicCountTokens, "/v1/messages/count_tokens"),
    ]
    .into_iter()
    .map(|(dialect, path)| Ok(Route::new(dialect, Target::fixed(&base, path, None)?)))
    .collect::<Result<_, EndpointError>>()?;
    Ok(Blueprint {
        headers: vec![(VERSION, HeaderValue::from_static("2023-06-01"))],
        forwarded: &["anthropic-version", "anthropic-beta"],
        betas: Betas::Known(betas::foundry),
        ..Blueprint::new(base, routes, credential)
    })
}

/// OpenAI's own models are there as well, and are as at OpenAI.
fn compatible(model: &str) -> Compatible {
    let own = ["gpt-", "o1", "o3", "o4"]
        .iter()
        .any(|it| model.starts_with(it));
    if own {
        Compatible::OPENAI
    } else {
        Compatible::COPY
    }
}

fn is_resource(host: &str) -> bool {
    [FOUNDRY, ".openai.azure.com", ".cognitiveservices.azure.com"]
        .iter()
        .any(|suffix| host.ends_with(suffix))
}

const PATHS: [(Dialect, &str); 2] = [
    (Dialect::OpenAiChat, "/chat/completions"),
    (Dialect::OpenAiEmbeddings, "/embeddings"),
];
const FOUNDRY: &str = ".services.ai.azure.com";
/// The last version of the paths behind `/models`.
const MODELS_VERSION: &str = "2024-05-01-preview";
const API_KEY: HeaderName = HeaderName::from_static("api-key");
const ANTHROPIC_KEY: HeaderName = HeaderName::from_static("x-api-key");
const VERSION: HeaderName = HeaderName::from_static("anthropic-version");
