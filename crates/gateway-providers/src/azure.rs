//! Azure OpenAI: deployments in the path, or the `v1` paths with the model in the body.
//!
//! Source: Azure's "Azure OpenAI in Foundry Models REST API reference" and "API version lifecycle".

mod credentials;

use crate::blueprint::{Blueprint, Route, Target};
use crate::error::EndpointError;
use crate::openai;
use crate::provider::Settings;
use crate::url::{BaseUrl, segment};

/// The endpoint of an Azure resource.
pub(crate) fn blueprint(settings: &Settings<'_>) -> Result<Blueprint, EndpointError> {
    let base = settings.base()?;
    let version = settings
        .config
        .api_version
        .clone()
        .or_else(|| settings.environment.variable("AZURE_API_VERSION"))
        .unwrap_or_else(|| DEFAULT_VERSION.to_owned());
    let shape = Shape::of(base, version.trim())?;
    let routes = openai::PATHS
        .iter()
        .map(|(dialect, path)| Ok(Route::new(*dialect, shape.target(settings.model, path)?)))
        .collect::<Result<_, EndpointError>>()?;
    let (Shape::Versionless(base) | Shape::Deployment { base, .. } | Shape::Whole { base, .. }) =
        shape;
    Ok(Blueprint {
        forwarded: openai::FORWARDED,
        ..Blueprint::new(base, routes, credentials::credential(settings)?)
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
}

/// LiteLLM's default.
const DEFAULT_VERSION: &str = "2025-02-01-preview";
