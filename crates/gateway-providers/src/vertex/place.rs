//! Where an endpoint's models are: host, project and location.

use crate::blueprint::Target;
use crate::error::EndpointError;
use crate::provider::Settings;
use crate::token::Google;
use crate::url::{BaseUrl, segment};

/// Where the models are.
pub(super) enum Place {
    /// Behind `{base}{project}`, where `project` is a path.
    Project { base: BaseUrl, project: String },
    /// The base names its model already: `{base}:{method}`.
    Whole(BaseUrl),
}

impl Place {
    pub(super) fn of(
        settings: &Settings<'_>,
        google: Option<&Google>,
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
        let project = project(settings, google)?;
        let base = match given {
            Some(base) => base,
            None => BaseUrl::parse(&format!("https://{}", host(&location)))
                .map_err(|reason| EndpointError::setting("vertex_location", reason))?,
        };
        let project = format!("{api}/projects/{project}/locations/{location}");
        Ok(Self::Project { base, project })
    }

    /// A path of the project.
    pub(super) fn path(&self, path: &str) -> String {
        match self {
            Self::Project { project, .. } => format!("{project}{path}"),
            Self::Whole(_) => path.to_owned(),
        }
    }

    /// A path for clients of OpenAI.
    pub(super) fn open(&self, path: &str) -> Result<Target, EndpointError> {
        match self {
            Self::Project { base, .. } => {
                let path = self.path(&format!("/endpoints/openapi{path}"));
                Target::fixed(base, &path, None)
            }
            Self::Whole(base) => Target::fixed(base, path, None),
        }
    }

    pub(super) fn into_base(self) -> BaseUrl {
        let (Self::Project { base, .. } | Self::Whole(base)) = self;
        base
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

const LOCATION: &[&str] = &["VERTEXAI_LOCATION", "VERTEX_LOCATION"];
const PROJECT: &[&str] = &["VERTEXAI_PROJECT", "GOOGLE_CLOUD_PROJECT"];
