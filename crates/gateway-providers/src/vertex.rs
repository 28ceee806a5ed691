//! Claude on Google's Vertex AI: `rawPredict` and `streamRawPredict`, a service account's token.
//!
//! Source: Google's "Request predictions with Claude models", Anthropic's "Claude on Vertex AI".

use gateway_core::{Dialect, Secret};

use crate::blueprint::{Blueprint, Credential, Mode, ModelField, Route, Target};
use crate::config::ConnectOptions;
use crate::connect;
use crate::error::{CredentialsError, EndpointError};
use crate::headers::Betas;
use crate::provider::Settings;
use crate::token::{Identity, ServiceAccount, TokenSource};
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
    let account = account(settings)?;
    let place = Place::of(settings, account.as_ref())?;
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
    let credential = match account {
        Some(account) => token(settings, account, &base)?,
        None => Credential::None,
    };
    Ok(Blueprint {
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
    fn of(
        settings: &Settings<'_>,
        account: Option<&ServiceAccount>,
    ) -> Result<Self, EndpointError> {
        let given = settings.configured_base().transpose()?;
        let api = match &given {
            Some(base) if !matches!(base.path(), "" | "/v1" | "/v1beta1") => {
                return Ok(Self::Whole(base.clone()));
            }
            Some(base) if !base.path().is_empty() => "",
            _ => "/v1",
        };
        let location = location(settings)?;
        let project = project(settings, account)?;
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
        .or_else(|| settings.environment.variable(LOCATION[0]))
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

fn project(
    settings: &Settings<'_>,
    account: Option<&ServiceAccount>,
) -> Result<String, EndpointError> {
    let project = settings
        .config
        .vertex_project
        .clone()
        .or_else(|| settings.environment.variable(PROJECT[0]))
        .or_else(|| account?.project().map(str::to_owned))
        .ok_or_else(|| settings.missing("vertex_project", PROJECT))?;
    segment(project.trim())
        .ok_or_else(|| EndpointError::setting("vertex_project", "it is no project"))
}

/// The service account. `None` if the operator sends an `Authorization` of their own.
fn account(settings: &Settings<'_>) -> Result<Option<ServiceAccount>, EndpointError> {
    let own = |(name, _): &(String, String)| name.eq_ignore_ascii_case("authorization");
    if settings.config.extra_headers.iter().any(own) {
        return Ok(None);
    }
    let text = settings
        .config
        .vertex_credentials
        .clone()
        .or_else(|| Some(Secret::new(settings.environment.first(CREDENTIALS)?.1)))
        .ok_or_else(|| settings.missing("vertex_credentials", CREDENTIALS))?;
    let text = text.expose().trim();
    if text.starts_with('{') {
        return ServiceAccount::parse(text)
            .map(Some)
            .map_err(EndpointError::Credentials);
    }
    let read = std::fs::read_to_string(text).map_err(|error| CredentialsError::Read {
        path: text.to_owned(),
        kind: error.kind(),
    });
    read.and_then(|json| ServiceAccount::parse(json.trim()))
        .map(Some)
        .map_err(EndpointError::Credentials)
}

fn token(
    settings: &Settings<'_>,
    account: ServiceAccount,
    base: &BaseUrl,
) -> Result<Credential, EndpointError> {
    let address = BaseUrl::parse(account.token_uri())
        .map_err(|reason| EndpointError::setting("token_uri", reason))?;
    let options = &settings.config.connect;
    // The operator's certificates are meant for the API. They also count for the token endpoint where both
    // are Google's or on one host; a private `api_base` with an own CA must not break Google's.
    let same = settings.configured_base().is_none() || address.host() == base.host();
    let options = if same {
        options.clone()
    } else {
        ConnectOptions {
            proxy: options.proxy.clone(),
            ..ConnectOptions::default()
        }
    };
    let spec = connect::spec(&address, &options, settings.environment)?;
    let environment = settings.environment;
    let key = (account.identity(), vec![spec.clone()]);
    let source = environment.tokens().get(key, || {
        let identity = Identity::ServiceAccount { account, spec };
        TokenSource::new(identity, environment.tasks().clone())
    });
    Ok(Credential::Token(source))
}

const METHODS: [(Mode, &str); 2] = [
    (Mode::Plain, ":rawPredict"),
    (Mode::Stream, ":streamRawPredict"),
];
const LOCATION: &[&str] = &["VERTEXAI_LOCATION"];
const PROJECT: &[&str] = &["VERTEXAI_PROJECT"];
const CREDENTIALS: &[&str] = &["VERTEXAI_CREDENTIALS", "GOOGLE_APPLICATION_CREDENTIALS"];
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
