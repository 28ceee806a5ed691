//! Azure OpenAI: deployments in the path, or the `v1` paths and Responses with the model in the body.
//!
//! Source: Azure's "Azure OpenAI in Foundry Models REST API reference", "Responses API" and "API version lifecycle".

mod credentials;

pub(crate) use self::credentials::credential;

use gateway_core::Dialect;
use http::HeaderName;

use crate::blueprint::{Blueprint, Route, Target};
use crate::compatible::Compatible;
use crate::error::EndpointError;
use crate::openai;
use crate::provider::Settings;
use crate::url::{BaseUrl, segment};

/// The endpoint of an Azure resource.
pub(crate) fn blueprint(settings: &Settings<'_>) -> Result<Blueprint, EndpointError> {
    let base = settings.base()?;
    let said = settings
        .config
        .api_version
        .clone()
        .or_else(|| settings.environment.variable("AZURE_API_VERSION"));
    let version = said.as_deref().unwrap_or(DEFAULT_VERSION).trim();
    let shape = Shape::of(base, version)?;
    let routes = openai::served(settings.model)
        .map(|(dialect, path)| {
            let target = match dialect {
                Dialect::OpenAiResponses => shape.responses(version)?,
                _ => shape.target(openai::model(settings.model), path)?,
            };
            Ok(Route::new(dialect, target))
        })
        .collect::<Result<_, EndpointError>>()?;
    let (Shape::Versionless(base) | Shape::Deployment { base, .. } | Shape::Whole { base, .. }) =
        shape;
    Ok(Blueprint {
        forwarded: openai::FORWARDED,
        model: Some(openai::model(settings.model).to_owned()),
        compatible: Compatible::of_openai(openai::model(settings.model)),
        ..Blueprint::new(base, routes, credential(settings, &API_KEY)?)
    })
}

/// The three forms that a base can have.
enum Shape {
    /// `{base}/chat/completions`, where `base` ends in `/openai/v1`.
    Versionless(BaseUrl),
    /// `{base}/openai/deployments/{model}/chat/completions?api-version=…`.
    Deployment { base: BaseUrl, query: String },
    /// The base names its deployment already.
    Whole { base: BaseUrl, query: String },
}

impl Shape {
    fn of(base: BaseUrl, version: &str) -> Result<Self, EndpointError> {
        if base.path().ends_with("/openai/v1") {
            return Ok(Self::Versionless(base));
        }
        let base = base.strip_suffix("/openai").unwrap_or(base);
        if matches!(version, "v1" | "latest" | "preview") {
            let path = format!("{}/openai/v1", base.path());
            return Ok(Self::Versionless(base.with_path(path)));
        }
        let version = segment(version)
            .ok_or_else(|| EndpointError::setting("api_version", "it is no version"))?;
        let query = format!("api-version={version}");
        if base.path().contains("/openai/deployments/") {
            let base = base.strip_suffix("/chat/completions").unwrap_or(base);
            return Ok(Self::Whole { base, query });
        }
        Ok(Self::Deployment { base, query })
    }

    fn target(&self, model: &str, path: &str) -> Result<Target, EndpointError> {
        match self {
            Self::Versionless(base) => Target::fixed(base, path, None),
            Self::Whole { base, query } => Target::fixed(base, path, Some(query)),
            Self::Deployment { base, query } => {
                Target::around_model(base, "/openai/deployments/", model, path, Some(query))
            }
        }
    }

    /// Responses are asked for without a deployment in the path: it is in the body. Versions that came out before them
    /// have them by the paths without versions.
    fn responses(&self, version: &str) -> Result<Target, EndpointError> {
        let (base, query) = match self {
            Self::Versionless(base) => return Target::fixed(base, "/responses", None),
            Self::Deployment { base, query } => (base.clone(), query),
            Self::Whole { base, query } => {
                let path = base.path();
                let own = path.split("/openai/deployments/").next().unwrap_or(path);
                (base.clone().with_path(own), query)
            }
        };
        if version < FIRST_WITH_RESPONSES {
            return Target::fixed(&base, "/openai/v1/responses", None);
        }
        Target::fixed(&base, "/openai/responses", Some(query))
    }
}

const API_KEY: HeaderName = HeaderName::from_static("api-key");
/// Dates are compared as texts.
const FIRST_WITH_RESPONSES: &str = "2025-03-01";
/// LiteLLM's default.
const DEFAULT_VERSION: &str = "2025-02-01-preview";
