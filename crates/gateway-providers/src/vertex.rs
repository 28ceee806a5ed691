//! Claude on Google's Vertex AI: `rawPredict` and `streamRawPredict`, a service account's token.
//!
//! Source: Google's "Request predictions with Claude models", Anthropic's "Claude on Vertex AI".

mod credentials;

use gateway_core::Dialect;
use http::{HeaderName, HeaderValue};

use crate::blueprint::{Blueprint, Mode, ModelField, Route, Target};
use crate::error::EndpointError;
use crate::headers::Betas;
use crate::provider::Settings;
use crate::token::Google;
use crate::url::{BaseUrl, segment};

/// The endpoint of one project and location.
pub(crate) fn blueprint(settings: &Settings<'_>) -> Result<Blueprint, EndpointError> {
    let model = settings.model;
    if !model.starts_with(CLAUDE.0) && !model.starts_with('*') {
        return Err(EndpointError::Model {
            model: settings.config.model.clone(),
            reason: CLAUDE.1,
        });
    }
    let google = credentials::google(settings)?;
    let place = Place::of(settings, google.as_ref())?;
    let routes = METHODS
        .iter()
        .map(|(mode, method)| {
            Ok(Route {
                mode: *mode,
                ..Route::new(Dialect::AnthropicMessages, place.target(model, method)?)
            })
        })
        .collect::<Result<_, EndpointError>>()?;
    let (Place::Models { base, .. } | Place::Whole(base)) = place;
    let headers = quota_project(google.as_ref())?;
    let credential = credentials::credential(settings, google);
    Ok(Blueprint {
        headers,
        forwarded: FORWARDED,
        betas: Betas::Listed(BETAS),
        model_field: ModelField::Removed,
        constants: vec![("anthropic_version", "\"vertex-2023-10-16\"")],
        models: Some(CLAUDE),
        ..Blueprint::new(base, routes, credential)
    })
}

/// Where the models are.
enum Place {
    /// `{base}{path}{model}:{method}`.
    Models { base: BaseUrl, path: String },
    /// The base names its model already: `{base}:{method}`.
    Whole(BaseUrl),
}

impl Place {
    fn of(settings: &Settings<'_>, google: Option<&Google>) -> Result<Self, EndpointError> {
        let given = settings.configured_base().transpose()?;
        let api = match &given {
            Some(base) if !matches!(base.path(), "" | "/v1" | "/v1beta1") => {
                return Ok(Self::Whole(base.clone()));
            }
            Some(base) if !base.path().is_empty() => "",
            _ => "/v1",
        };
        let location = location(settings)?;
        let project = project(settings, google)?;
        let base = match given {
            Some(base) => base,
            None => BaseUrl::parse(&format!("https://{}", host(&location)))
                .map_err(|reason| EndpointError::setting("vertex_location", reason))?,
        };
        let path =
            format!("{api}/projects/{project}/locations/{location}/publishers/anthropic/models/");
        Ok(Self::Models { base, path })
    }

    fn target(&self, model: &str, method: &str) -> Result<Target, EndpointError> {
        match self {
            Self::Models { base, path } => Target::around_model(base, path, model, method, None),
            Self::Whole(base) => Target::fixed(base, method, None),
        }
    }
}

/// Google's host for a location: the global one, a multi-region, or a region.
fn host(location: &str) -> String {
    match location {
        "global" => "aiplatform.googleapis.com".to_owned(),
        "us" | "eu" => format!("aiplatform.{location}.rep.googleapis.com"),
        region => format!("{region}-aiplatform.googleapis.com"),
    }
}

fn location(settings: &Settings<'_>) -> Result<String, EndpointError> {
    let location = settings
        .config
        .vertex_location
        .clone()
        .or_else(|| Some(settings.environment.first(LOCATION)?.1))
        .ok_or_else(|| settings.missing("vertex_location", LOCATION))?;
    let location = location.trim().to_owned();
    // It becomes a part of a host name.
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if location.is_empty() || !location.bytes().all(plain) {
        return Err(EndpointError::setting(
            "vertex_location",
            "it is no location",
        ));
    }
    Ok(location)
}

fn project(settings: &Settings<'_>, google: Option<&Google>) -> Result<String, EndpointError> {
    let project = settings
        .config
        .vertex_project
        .clone()
        .or_else(|| Some(settings.environment.first(PROJECT)?.1))
        .or_else(|| google?.project().map(str::to_owned))
        .ok_or_else(|| settings.missing("vertex_project", PROJECT))?;
    segment(project.trim())
        .ok_or_else(|| EndpointError::setting("vertex_project", "it is no project"))
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

const METHODS: [(Mode, &str); 2] = [
    (Mode::Plain, ":rawPredict"),
    (Mode::Stream, ":streamRawPredict"),
];
const LOCATION: &[&str] = &["VERTEXAI_LOCATION", "VERTEX_LOCATION"];
const PROJECT: &[&str] = &["VERTEXAI_PROJECT", "GOOGLE_CLOUD_PROJECT"];
const USER_PROJECT: HeaderName = HeaderName::from_static("x-goog-user-project");
const CLAUDE: (&str, &str) = ("claude", "only Claude models are served on vertex_ai");

/// The version of the API is in the body here: `anthropic-version` does not pass.
const FORWARDED: &[&str] = &["anthropic-beta"];

/// Values of `anthropic-beta` that Vertex accepts, with the name that it knows them by. It answers 400 to any
/// other, so what is not listed is left out.
const BETAS: &[(&str, &str)] = &[
    (
        "advanced-tool-use-2025-11-20",
        "tool-search-tool-2025-10-19",
    ),
    ("compact-2026-01-12", "compact-2026-01-12"),
    ("compact-2026-09-04", "compact-2026-09-04"),
    ("computer-use-2025-01-24", "computer-use-2025-01-24"),
    ("computer-use-2025-11-24", "computer-use-2025-11-24"),
    ("context-1m-2025-08-07", "context-1m-2025-08-07"),
    (
        "context-management-2025-06-27",
        "context-management-2025-06-27",
    ),
    (
        "dangerous-tool-use-2026-09-03",
        "dangerous-tool-use-2026-09-03",
    ),
    (
        "interleaved-thinking-2025-05-14",
        "interleaved-thinking-2025-05-14",
    ),
    ("per-turn-control-2026-07-01", "per-turn-control-2026-07-01"),
    (
        "thinking-binding-controls-2026-08-01",
        "thinking-binding-controls-2026-08-01",
    ),
    (
        "thinking-display-updates-2026-08-18",
        "thinking-display-updates-2026-08-18",
    ),
    ("tool-search-tool-2025-10-19", "tool-search-tool-2025-10-19"),
    ("web-search-2025-03-05", "web-search-2025-03-05"),
];
