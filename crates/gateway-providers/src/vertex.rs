//! Google's Vertex AI: Gemini by Google's own methods, Claude by `rawPredict`, and the other publishers' models by the path
//! that Google has for clients of OpenAI.
//!
//! Source: Google's "Vertex AI API reference" (`generateContent`, `countTokens`), "Request predictions with Claude models",
//! "Count tokens for Claude models", "Call open models with the OpenAI library"; Anthropic's "Claude on Vertex AI".

mod claude;
mod credentials;
mod place;

use gateway_core::Dialect;
use http::{HeaderName, HeaderValue};

use self::place::Place;
use crate::betas::{self, Betas};
use crate::blueprint::{Blueprint, Models, Route};
use crate::error::EndpointError;
use crate::gemini;
use crate::provider::Settings;
use crate::token::Google;

/// The endpoint of one project and location.
pub(crate) fn blueprint(settings: &Settings<'_>) -> Result<Blueprint, EndpointError> {
    let google = credentials::google(settings)?;
    let place = Place::of(settings, google.as_ref())?;
    let model = settings.model;
    let routes = match Family::of(model) {
        Some(family) => family.routes(&place, model)?,
        // Whom it is meant for is known when the client has chosen.
        None => {
            let mut routes = Vec::new();
            for family in [Family::Claude, Family::Open, Family::Gemini] {
                routes.extend(
                    family
                        .routes(&place, model)?
                        .into_iter()
                        .map(|route| Route {
                            models: family.models(),
                            ..route
                        }),
                );
            }
            routes
        }
    };
    let headers = quota_project(google.as_ref())?;
    Ok(Blueprint {
        headers,
        forwarded: claude::FORWARDED,
        betas: Betas::Known(betas::vertex),
        ..Blueprint::new(
            place.into_base(),
            routes,
            credentials::credential(settings, google),
        )
    })
}

/// Whose models, and so by which methods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Claude,
    Gemini,
    /// Those that are named with their publisher: `meta/llama-…`.
    Open,
}

impl Family {
    /// `None` where a `*` leaves it open.
    fn of(model: &str) -> Option<Self> {
        if model.starts_with(CLAUDE) {
            Some(Self::Claude)
        } else if model.starts_with('*') {
            None
        } else if model.contains('/') && !model.starts_with(TUNED) {
            Some(Self::Open)
        } else {
            Some(Self::Gemini)
        }
    }

    fn routes(self, place: &Place, model: &str) -> Result<Vec<Route>, EndpointError> {
        match self {
            Self::Claude => claude::routes(place, model),
            Self::Gemini => gemini_routes(place, model),
            Self::Open => {
                let target = place.open("/chat/completions")?;
                Ok(vec![Route::new(Dialect::OpenAiChat, target)])
            }
        }
    }

    fn models(self) -> Models {
        match self {
            Self::Claude => Models::Starting(CLAUDE),
            Self::Open => Models::Containing('/'),
            Self::Gemini => Models::Any,
        }
    }
}

fn gemini_routes(place: &Place, model: &str) -> Result<Vec<Route>, EndpointError> {
    // How LiteLLM is told that the number of an endpoint is a tuned Gemini's.
    let model = model.strip_prefix(TUNED).unwrap_or(model);
    let tuned = !model.is_empty() && model.bytes().all(|byte| byte.is_ascii_digit());
    let methods = gemini::METHODS.iter();
    let route = |method: &gemini::Method| match place {
        Place::Whole(base) => method.route_at(base),
        Place::Project { base, .. } if tuned => {
            method.route(base, &place.path("/endpoints/"), model)
        }
        Place::Project { base, .. } => {
            method.route(base, &place.path("/publishers/google/models/"), model)
        }
    };
    methods.map(route).collect()
}

/// Who pays for a user's calls: without it Google refuses them.
fn quota_project(google: Option<&Google>) -> Result<Vec<(HeaderName, HeaderValue)>, EndpointError> {
    let Some(project) = google.and_then(Google::quota_project) else {
        return Ok(Vec::new());
    };
    let value = HeaderValue::try_from(project)
        .map_err(|_| EndpointError::setting("quota_project_id", "a header cannot carry it"))?;
    Ok(vec![(USER_PROJECT, value)])
}

const CLAUDE: &str = "claude";
const TUNED: &str = "gemini/";
const USER_PROJECT: HeaderName = HeaderName::from_static("x-goog-user-project");
