//! Workload identity federation: a token of another issuer is exchanged at Google's token service.
//!
//! Source: RFC 8693, AIP-4117.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gateway_core::Secret;
use gateway_transport::Shard;
use http::header::AUTHORIZATION;
use http::{HeaderName, HeaderValue};
use serde::Deserialize;

use super::super::endpoint::{TokenEndpoint, Ways};
use super::super::exchange::{Issued, form, set, token};
use super::super::subject::{Form, Place};
use super::{File, SCOPE, required};
use crate::error::{CredentialsError, EndpointError, TokenError};

/// Somebody whom another issuer knows.
pub(super) struct ExternalAccount {
    audience: String,
    subject_token_type: String,
    place: Place,
    form: Form,
    endpoint: TokenEndpoint,
    client: Option<(String, Secret)>,
    user_project: Option<String>,
}

impl ExternalAccount {
    pub(super) fn of(file: File, ways: &Ways<'_>) -> Result<Self, EndpointError> {
        let source = required(file.credential_source, "credential_source")?;
        let (place, form) = source.read(ways)?;
        let client = file.client_id.zip(file.client_secret);
        Ok(Self {
            audience: required(file.audience, "audience")?,
            subject_token_type: required(file.subject_token_type, "subject_token_type")?,
            place,
            form,
            endpoint: ways.to(file.token_url.as_deref().unwrap_or(TOKEN_URL), "token_url")?,
            client: client.map(|(id, secret)| (id, Secret::new(secret))),
            user_project: file.workforce_pool_user_project,
        })
    }

    pub(super) fn audience(&self) -> &str {
        &self.audience
    }

    pub(super) fn endpoints(&self) -> Vec<&TokenEndpoint> {
        match &self.place {
            Place::Url { endpoint, .. } => vec![endpoint, &self.endpoint],
            Place::File(_) | Place::Text(_) => vec![&self.endpoint],
        }
    }

    pub(super) async fn fetch(&self, shard: &Shard) -> Result<Issued, TokenError> {
        let subject = self.place.read(&self.form, shard).await?;
        let mut pairs = vec![
            ("grant_type", GRANT),
            ("audience", self.audience.as_str()),
            ("scope", SCOPE),
            ("requested_token_type", ACCESS_TOKEN),
            ("subject_token", subject.as_str()),
            ("subject_token_type", self.subject_token_type.as_str()),
        ];
        let options = self
            .user_project
            .as_ref()
            .map(|project| serde_json::json!({"userProject": project}).to_string());
        match &options {
            // Who shows a client's secret has a project by that.
            Some(options) if self.client.is_none() => pairs.push(("options", options)),
            _ => {}
        }
        let mut request = form(&self.endpoint, &pairs);
        if let Some((id, secret)) = &self.client {
            let pair = format!("{id}:{}", secret.expose());
            let basic = format!("Basic {}", STANDARD.encode(pair.as_bytes()));
            set(&mut request, AUTHORIZATION, &basic)?;
        }
        let issued = token(&self.endpoint, shard, request).await;
        issued.map_err(|error| error.at("token exchange"))
    }
}

/// `credential_source`.
#[derive(Deserialize)]
pub(super) struct Source {
    file: Option<String>,
    url: Option<String>,
    headers: Option<HashMap<String, String>>,
    format: Option<Format>,
    executable: Option<serde_json::Value>,
    environment_id: Option<String>,
}

#[derive(Deserialize)]
struct Format {
    #[serde(rename = "type")]
    kind: Option<String>,
    subject_token_field_name: Option<String>,
}

impl Source {
    fn read(self, ways: &Ways<'_>) -> Result<(Place, Form), EndpointError> {
        // Such a source has a `url`, too, which means something else.
        if self.environment_id.is_some() {
            return Err(CredentialsError::Source("an AWS environment").into());
        }
        let place = match (self.file, self.url) {
            (Some(file), _) => Place::File(file.into()),
            (None, Some(url)) => Place::Url {
                endpoint: ways.to(&url, "credential_source.url")?,
                headers: headers(self.headers.unwrap_or_default())?,
            },
            (None, None) if self.executable.is_some() => {
                return Err(CredentialsError::Source("a program").into());
            }
            (None, None) => return Err(CredentialsError::Missing("credential_source.file").into()),
        };
        let form = match self.format {
            Some(format) if format.kind.as_deref() == Some("json") => Form::Json(required(
                format.subject_token_field_name,
                "credential_source.format.subject_token_field_name",
            )?),
            _ => Form::Text,
        };
        Ok((place, form))
    }
}

fn headers(said: HashMap<String, String>) -> Result<Vec<(HeaderName, HeaderValue)>, EndpointError> {
    let header = |(name, value): (String, String)| {
        let name = HeaderName::try_from(name).ok()?;
        let mut value = HeaderValue::try_from(value).ok()?;
        value.set_sensitive(true);
        Some((name, value))
    };
    let headers: Option<Vec<_>> = said.into_iter().map(header).collect();
    headers.ok_or_else(|| {
        EndpointError::setting("credential_source.headers", "a header cannot carry it")
    })
}

const TOKEN_URL: &str = "https://sts.googleapis.com/v1/token";
const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
