//! Who an endpoint is at Azure: a key, a token, or an application of Entra ID for which tokens are fetched.

use gateway_core::Secret;
use http::{HeaderName, header};

use crate::blueprint::Credential;
use crate::error::EndpointError;
use crate::provider::Settings;
use crate::token::{Application, Identity, Proof, TokenSource, Ways};
use crate::url::{BaseUrl, segment};

/// What the config says wins over the environment; in each of them a key, which goes into `key_header`, over a token, and
/// that over an application.
pub(crate) fn credential(
    settings: &Settings<'_>,
    key_header: &HeaderName,
) -> Result<Credential, EndpointError> {
    let config = settings.config;
    if settings.configured_key().is_none() {
        if let Some(token) = &config.azure_ad_token {
            return token_or_proof(settings, token.expose());
        }
        let said = [&config.tenant_id, &config.client_id];
        if config.client_secret.is_some() || said.into_iter().any(Option::is_some) {
            return application(settings, proof(settings)?);
        }
    }
    if let Some(key) = settings.key()? {
        let scheme = match *key_header {
            header::AUTHORIZATION => "Bearer ",
            _ => "",
        };
        return Credential::header(key_header.clone(), scheme, key.expose(), "api_key");
    }
    let variable = |name| settings.environment.variable(name);
    if let Some(token) = variable("AZURE_AD_TOKEN") {
        return token_or_proof(settings, &token);
    }
    // These two are there for other programs as well: they mean us only together with something to prove it.
    let proven = variable(SECRET[0]).or_else(|| variable(FEDERATED_FILE));
    match (variable(CLIENT[0]), proven) {
        (Some(_), Some(_)) => application(settings, proof(settings)?),
        _ => Ok(Credential::None),
    }
}

/// `azure_ad_token` is a token of Entra's, or says where one of another issuer is.
fn token_or_proof(settings: &Settings<'_>, token: &str) -> Result<Credential, EndpointError> {
    let token = token.trim();
    let Some(place) = token.strip_prefix("oidc/") else {
        return Credential::header(header::AUTHORIZATION, "Bearer ", token, "azure_ad_token");
    };
    let (kind, name) = place.split_once('/').unwrap_or((place, ""));
    let variable = |name: &str| {
        let value = settings.environment.variable(name);
        value.ok_or_else(|| {
            EndpointError::setting("azure_ad_token", format!("the variable {name} is not set"))
        })
    };
    let proof = match kind {
        "file" => Proof::File(name.to_owned()),
        "env" => Proof::Token(Secret::new(variable(name)?)),
        "env_path" => Proof::File(variable(name)?),
        "azure" => Proof::File(variable(FEDERATED_FILE)?),
        _ => {
            let reason = "of the `oidc/…` forms, `oidc/file/PATH`, `oidc/env/NAME`, `oidc/env_path/NAME` and \
                          `oidc/azure/` are served";
            return Err(EndpointError::setting("azure_ad_token", reason));
        }
    };
    application(settings, proof)
}

fn proof(settings: &Settings<'_>) -> Result<Proof, EndpointError> {
    let environment = settings.environment;
    if let Some(secret) = &settings.config.client_secret {
        return Ok(Proof::Secret(secret.clone()));
    }
    if let Some(secret) = environment.variable(SECRET[0]) {
        return Ok(Proof::Secret(Secret::new(secret)));
    }
    match environment.variable(FEDERATED_FILE) {
        Some(path) => Ok(Proof::File(path)),
        None => Err(settings.missing("client_secret", SECRET)),
    }
}

fn application(settings: &Settings<'_>, proof: Proof) -> Result<Credential, EndpointError> {
    let (config, environment) = (settings.config, settings.environment);
    let named = |said: &Option<String>, setting, variables: &'static [&'static str]| {
        let found = || Some(environment.first(variables)?.1);
        let value = said.clone().or_else(found);
        value.ok_or_else(|| settings.missing(setting, variables))
    };
    let tenant = named(&config.tenant_id, "tenant_id", TENANT)?;
    let tenant = segment(tenant.trim())
        .ok_or_else(|| EndpointError::setting("tenant_id", "it is no tenant"))?;
    let authority = environment
        .variable(AUTHORITY)
        .unwrap_or_else(|| PUBLIC_AUTHORITY.to_owned());
    let address = format!(
        "{}/{tenant}/oauth2/v2.0/token",
        authority.trim().trim_end_matches('/')
    );
    let scope = config.azure_scope.clone();
    let base: Option<BaseUrl> = settings.configured_base().transpose()?;
    let ways = Ways {
        options: &config.connect,
        own_host: base
            .as_ref()
            .map(BaseUrl::host)
            // A resource of Azure's has a host of its own, and is Azure's all the same.
            .filter(|host| !host.ends_with(".azure.com")),
        environment,
    };
    let identity = Identity::Entra(Application {
        client_id: named(&config.client_id, "client_id", CLIENT)?,
        scope: scope
            .or_else(|| environment.variable("AZURE_SCOPE"))
            .unwrap_or_else(|| DEFAULT_SCOPE.to_owned()),
        proof,
        endpoint: ways.to(&address, AUTHORITY)?,
    });
    let source = environment.tokens().get(identity.key(), || {
        TokenSource::new(identity, environment.tasks().clone())
    });
    Ok(Credential::Token(source))
}

const TENANT: &[&str] = &["AZURE_TENANT_ID"];
const CLIENT: &[&str] = &["AZURE_CLIENT_ID"];
const SECRET: &[&str] = &["AZURE_CLIENT_SECRET"];
/// Set in pods by Azure's workload identity.
const FEDERATED_FILE: &str = "AZURE_FEDERATED_TOKEN_FILE";
const AUTHORITY: &str = "AZURE_AUTHORITY_HOST";
const PUBLIC_AUTHORITY: &str = "https://login.microsoftonline.com";
const DEFAULT_SCOPE: &str = "https://cognitiveservices.azure.com/.default";
