//! Google's Gemini API: `{base}/models/{model}:generateContent` and its neighbors, `x-goog-api-key`. Embeddings go by the
//! paths that Google has for clients of OpenAI, with the key as Bearer.
//!
//! Source: Google's "Gemini API reference" (`models.generateContent`, `models.streamGenerateContent`,
//! `models.countTokens`) and "OpenAI compatibility".

use gateway_core::Dialect;
use http::{HeaderName, header};

use crate::blueprint::{Blueprint, Credential, Mode, ModelField, Route, Target};
use crate::error::EndpointError;
use crate::provider::Settings;
use crate::url::BaseUrl;

/// The endpoint of Google's API, or of a server that speaks it.
pub(crate) fn blueprint(settings: &Settings<'_>) -> Result<Blueprint, EndpointError> {
    let mut base = settings.base()?;
    // An own base has its version in it, or none; Google's own is often written without.
    if base.host() == HOST && base.path().is_empty() {
        base = base.with_path("/v1beta");
    }
    let model = settings.model;
    let mut routes = METHODS
        .iter()
        .map(|method| method.route(&base, "/models/", model))
        .collect::<Result<Vec<_>, _>>()?;
    let (mut own, mut bearer) = (Credential::None, Credential::None);
    if let Some(key) = settings.key()? {
        own = Credential::header(API_KEY, "", key.expose(), "api_key")?;
        bearer = Credential::header(header::AUTHORIZATION, "Bearer ", key.expose(), "api_key")?;
    }
    let embeddings = Target::fixed(&base, "/openai/embeddings", None)?;
    routes.push(Route {
        // Google refuses requests that prove themselves twice.
        credential: Some(bearer),
        ..Route::new(Dialect::OpenAiEmbeddings, embeddings)
    });
    Ok(Blueprint::new(base, routes, own))
}

/// A method of Google's models; Vertex has the same.
pub(crate) struct Method {
    dialect: Dialect,
    mode: Mode,
    suffix: &'static str,
    query: Option<&'static str>,
}

impl Method {
    /// Where `model` is behind `before`.
    pub(crate) fn route(
        &self,
        base: &BaseUrl,
        before: &str,
        model: &str,
    ) -> Result<Route, EndpointError> {
        let target = Target::around_model(base, before, model, self.suffix, self.query)?;
        Ok(self.at(target))
    }

    /// Where a base names its model already.
    pub(crate) fn route_at(&self, base: &BaseUrl) -> Result<Route, EndpointError> {
        Target::fixed(base, self.suffix, self.query).map(|target| self.at(target))
    }

    fn at(&self, target: Target) -> Route {
        Route {
            mode: self.mode,
            model_field: ModelField::RemovedWithStream,
            ..Route::new(self.dialect, target)
        }
    }
}

/// Whether an answer is a stream is a matter of the method, not of the body.
pub(crate) const METHODS: [Method; 3] = [
    Method {
        dialect: Dialect::Gemini,
        mode: Mode::Plain,
        suffix: ":generateContent",
        query: None,
    },
    Method {
        dialect: Dialect::Gemini,
        mode: Mode::Stream,
        suffix: ":streamGenerateContent",
        query: Some("alt=sse"),
    },
    Method {
        dialect: Dialect::GeminiCountTokens,
        mode: Mode::Any,
        suffix: ":countTokens",
        query: None,
    },
];

const HOST: &str = "generativelanguage.googleapis.com";
const API_KEY: HeaderName = HeaderName::from_static("x-goog-api-key");
