//! OpenAI, and everybody who speaks its API: `{api_base}/chat/completions` and its neighbors, a Bearer key.

use gateway_core::Dialect;
use http::{HeaderName, HeaderValue, header};

use crate::blueprint::{Blueprint, Credential, Route, Target};
use crate::error::EndpointError;
use crate::provider::Settings;

/// The endpoint of a server that speaks OpenAI's API.
pub(crate) fn blueprint(settings: &Settings<'_>) -> Result<Blueprint, EndpointError> {
    let mut base = settings.base()?;
    // Other gateways want the whole address here, so people write it.
    if let Some(shorter) = base.strip_suffix("/chat/completions") {
        base = shorter;
    }
    let routes = PATHS
        .iter()
        .map(|(dialect, path)| Ok(Route::new(*dialect, Target::fixed(&base, path, None)?)))
        .collect::<Result<_, EndpointError>>()?;
    let credential = match settings.key()? {
        Some(key) => Credential::header(header::AUTHORIZATION, "Bearer ", key.expose(), "api_key")?,
        None => Credential::None,
    };
    let mut headers = Vec::new();
    if let Some(organization) = &settings.config.organization {
        let value = HeaderValue::try_from(organization)
            .map_err(|_| EndpointError::setting("organization", "a header cannot carry it"))?;
        headers.push((HeaderName::from_static("openai-organization"), value));
    }
    Ok(Blueprint {
        headers,
        forwarded: FORWARDED,
        ..Blueprint::new(base, routes, credential)
    })
}

/// The paths of each dialect behind a base; Azure has the same.
pub(crate) const PATHS: [(Dialect, &str); 3] = [
    (Dialect::OpenAiChat, "/chat/completions"),
    (Dialect::OpenAiCompletions, "/completions"),
    (Dialect::OpenAiEmbeddings, "/embeddings"),
];

/// Organization and project belong to a key, and the client's key goes nowhere: they do not pass.
pub(crate) const FORWARDED: &[&str] = &["openai-beta", "x-client-request-id"];
