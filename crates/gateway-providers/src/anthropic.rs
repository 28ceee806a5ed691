//! Anthropic: `{api_base}/v1/messages` and `…/count_tokens` with `x-api-key`.
//!
//! Source: Anthropic's "API overview" and "Versions"; the headers that must pass are listed in Claude Code's
//! "LLM gateway protocol" page.

use gateway_core::Dialect;
use http::{HeaderName, HeaderValue, header};

use crate::blueprint::{Blueprint, Credential, Route, Target};
use crate::error::EndpointError;
use crate::provider::Settings;

/// The endpoint of Anthropic's API, or of a server that speaks it.
pub(crate) fn blueprint(settings: &Settings<'_>) -> Result<Blueprint, EndpointError> {
    let mut base = settings.base()?;
    for suffix in ["/v1/messages/count_tokens", "/v1/messages", "/v1"] {
        if let Some(shorter) = base.strip_suffix(suffix) {
            base = shorter;
            break;
        }
    }
    let route = |(dialect, path): &(Dialect, &str)| {
        let target = |query| Target::fixed(&base, path, query);
        Ok(Route {
            beta_target: Some(target(Some("beta=true"))?),
            ..Route::new(*dialect, target(None)?)
        })
    };
    let routes = PATHS
        .iter()
        .map(route)
        .collect::<Result<_, EndpointError>>()?;
    let credential = match settings.key()? {
        Some(key) if key.expose().trim().starts_with(OAUTH_TOKEN) => {
            Credential::header(header::AUTHORIZATION, "Bearer ", key.expose(), "api_key")?
        }
        Some(key) => Credential::header(API_KEY, "", key.expose(), "api_key")?,
        None => Credential::None,
    };
    Ok(Blueprint {
        headers: vec![(VERSION, HeaderValue::from_static(DEFAULT_VERSION))],
        forwarded: FORWARDED,
        ..Blueprint::new(base, routes, credential)
    })
}

const PATHS: [(Dialect, &str); 2] = [
    (Dialect::AnthropicMessages, "/v1/messages"),
    (Dialect::AnthropicCountTokens, "/v1/messages/count_tokens"),
];
const VERSION: HeaderName = HeaderName::from_static("anthropic-version");
const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// Besides version and betas, what a coding agent says of itself and its session.
const FORWARDED: &[&str] = &[
    "anthropic-version",
    "anthropic-beta",
    "x-claude-code-session-id",
    "x-app",
];

/// For clients that name none. Newer ones do, and theirs is never checked against a list: a version that
/// came out yesterday must pass.
const DEFAULT_VERSION: &str = "2023-06-01";
/// How the tokens of a subscription begin.
const OAUTH_TOKEN: &str = "sk-ant-oat";
