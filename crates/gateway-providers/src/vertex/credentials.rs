//! Which Google credentials an endpoint uses: what the config says, else the environment, else the file that `gcloud`
//! wrote, else the machine.

use std::path::{Path, PathBuf};

use gateway_core::Secret;

use crate::blueprint::Credential;
use crate::error::{CredentialsError, EndpointError};
use crate::provider::Settings;
use crate::token::{Google, Identity, TokenSource, Ways};
use crate::url::BaseUrl;

/// The credentials of an endpoint. `None` if the operator sends an `Authorization` of their own.
pub(super) fn google(settings: &Settings<'_>) -> Result<Option<Google>, EndpointError> {
    let own = |(name, _): &(String, String)| name.eq_ignore_ascii_case("authorization");
    if settings.config.extra_headers.iter().any(own) {
        return Ok(None);
    }
    let base: Option<BaseUrl> = settings.configured_base().transpose()?;
    let ways = Ways {
        options: &settings.config.connect,
        own_host: base.as_ref().map(BaseUrl::host),
        environment: settings.environment,
    };
    let configured = settings.config.vertex_credentials.clone();
    let said = configured.or_else(|| Some(Secret::new(settings.environment.first(VARIABLES)?.1)));
    let google = match said {
        Some(said) if said.expose().trim().starts_with('{') => {
            Google::parse(said.expose().trim(), &ways)?
        }
        Some(path) => file(Path::new(path.expose().trim()), &ways)?,
        None => match default_file(settings).filter(|path| path.exists()) {
            Some(path) => file(&path, &ways)?,
            None => Google::metadata(&ways)?,
        },
    };
    Ok(Some(google))
}

/// How requests prove who they are from.
pub(super) fn credential(settings: &Settings<'_>, google: Option<Google>) -> Credential {
    let Some(google) = google else {
        return Credential::None;
    };
    let identity = Identity::Google(Box::new(google));
    let environment = settings.environment;
    let source = environment.tokens().get(identity.key(), || {
        TokenSource::new(identity, environment.tasks().clone())
    });
    Credential::Token(source)
}

fn file(path: &Path, ways: &Ways<'_>) -> Result<Google, EndpointError> {
    let json = std::fs::read_to_string(path).map_err(|error| CredentialsError::Read {
        path: path.display().to_string(),
        kind: error.kind(),
    })?;
    Google::parse(json.trim(), ways)
}

/// Where `gcloud auth application-default login` puts a user's credentials.
fn default_file(settings: &Settings<'_>) -> Option<PathBuf> {
    let variable = |name| settings.environment.variable(name);
    let folder = match variable("CLOUDSDK_CONFIG") {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(&variable("HOME")?).join(".config/gcloud"),
    };
    Some(folder.join("application_default_credentials.json"))
}

const VARIABLES: &[&str] = &["VERTEXAI_CREDENTIALS", "GOOGLE_APPLICATION_CREDENTIALS"];
