//! Google's credentials: the files that its tools write, and the metadata server of its machines.
//!
//! Source: Google's "How Application Default Credentials works", AIP-4110 to AIP-4117.

mod external_account;
mod impersonation;
mod metadata;
mod service_account;
mod user;

use std::fmt;
use std::time::SystemTime;

use gateway_transport::{ConnectSpec, Shard};
use ring::digest::{SHA256, digest};
use serde::Deserialize;

use self::external_account::ExternalAccount;
use self::impersonation::Impersonation;
use self::metadata::MetadataServer;
use self::service_account::ServiceAccount;
use self::user::User;
use super::endpoint::{TokenEndpoint, Ways};
use super::exchange::Issued;
use super::{SourceKey, TokenKey};
use crate::error::{CredentialsError, EndpointError, TokenError};

/// Google credentials of any kind, with the ways to those who issue its tokens.
pub(crate) struct Google {
    kind: Kind,
    /// Whose token ours is exchanged for at last.
    impersonation: Option<Impersonation>,
    project: Option<String>,
    quota_project: Option<String>,
    identity: TokenKey,
}

enum Kind {
    ServiceAccount(Box<ServiceAccount>),
    User(User),
    External(Box<ExternalAccount>),
    Metadata(MetadataServer),
}

impl Google {
    /// Reads the JSON of a credentials file. Errors never repeat what was read.
    pub(crate) fn parse(json: &str, ways: &Ways<'_>) -> Result<Self, EndpointError> {
        let file: File = serde_json::from_str(json).map_err(|error| CredentialsError::Json {
            line: error.line(),
            column: error.column(),
        })?;
        let (project, quota_project) = (file.project_id.clone(), file.quota_project_id.clone());
        let (kind, impersonation) = read(file, ways)?;
        Ok(Self {
            kind,
            impersonation,
            project,
            quota_project,
            identity: hash(json),
        })
    }

    /// The identity of the machine that this runs on.
    pub(crate) fn metadata(ways: &Ways<'_>) -> Result<Self, EndpointError> {
        Ok(Self {
            kind: Kind::Metadata(MetadataServer::new(ways)?),
            impersonation: None,
            project: None,
            quota_project: None,
            identity: hash("metadata"),
        })
    }

    /// The project that the file names.
    pub(crate) fn project(&self) -> Option<&str> {
        self.project.as_deref()
    }

    /// The project that is billed and limited, where the file names one: users have none of their own.
    pub(crate) fn quota_project(&self) -> Option<&str> {
        self.quota_project.as_deref()
    }

    pub(super) fn subject(&self) -> &str {
        match (&self.impersonation, &self.kind) {
            (Some(impersonation), _) => impersonation.target(),
            (None, Kind::ServiceAccount(account)) => account.email(),
            (None, Kind::User(user)) => user.client(),
            (None, Kind::External(external)) => external.audience(),
            (None, Kind::Metadata(_)) => "the machine's service account",
        }
    }

    pub(super) fn key(&self) -> SourceKey {
        let mut ways: Vec<&TokenEndpoint> = match &self.kind {
            Kind::ServiceAccount(account) => vec![account.endpoint()],
            Kind::User(user) => vec![user.endpoint()],
            Kind::External(external) => external.endpoints(),
            Kind::Metadata(metadata) => vec![metadata.endpoint()],
        };
        ways.extend(self.impersonation.as_ref().map(Impersonation::endpoint));
        let specs: Vec<ConnectSpec> = ways.into_iter().map(|way| (*way.spec).clone()).collect();
        (self.identity, specs)
    }

    pub(super) async fn fetch(&self, shard: &Shard, now: SystemTime) -> Result<Issued, TokenError> {
        let issued = match &self.kind {
            Kind::ServiceAccount(account) => account.fetch(shard, now).await?,
            Kind::User(user) => user.fetch(shard).await?,
            Kind::External(external) => external.fetch(shard).await?,
            Kind::Metadata(metadata) => metadata.fetch(shard).await?,
        };
        match &self.impersonation {
            Some(impersonation) => impersonation.fetch(&issued, shard, now).await,
            None => Ok(issued),
        }
    }
}

impl fmt::Debug for Google {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Google")
            .field("subject", &self.subject())
            .field("project", &self.project)
            .finish_non_exhaustive()
    }
}

fn read(mut file: File, ways: &Ways<'_>) -> Result<(Kind, Option<Impersonation>), EndpointError> {
    let impersonation = Impersonation::of(&mut file, ways)?;
    let kind = match file.kind.take().unwrap_or_default().as_str() {
        "service_account" => Kind::ServiceAccount(Box::new(ServiceAccount::of(file, ways)?)),
        "authorized_user" => Kind::User(User::of(file, ways)?),
        "external_account" => Kind::External(Box::new(ExternalAccount::of(file, ways)?)),
        "impersonated_service_account" => {
            let source = required(file.source_credentials, "source_credentials")?;
            return match read(*source, ways)? {
                (kind, None) => Ok((kind, impersonation)),
                (_, Some(_)) => Err(CredentialsError::Chain.into()),
            };
        }
        kind => {
            return Err(CredentialsError::Kind {
                kind: kind.to_owned(),
            }
            .into());
        }
    };
    Ok((kind, impersonation))
}

/// What a credentials file holds; only what is used here. No `Debug`: it holds keys.
#[derive(Deserialize)]
struct File {
    #[serde(rename = "type")]
    kind: Option<String>,
    project_id: Option<String>,
    quota_project_id: Option<String>,
    // A service account.
    client_email: Option<String>,
    private_key: Option<String>,
    private_key_id: Option<String>,
    token_uri: Option<String>,
    // A user.
    client_id: Option<String>,
    client_secret: Option<String>,
    refresh_token: Option<String>,
    // Somebody whom another provider knows.
    audience: Option<String>,
    subject_token_type: Option<String>,
    token_url: Option<String>,
    credential_source: Option<external_account::Source>,
    workforce_pool_user_project: Option<String>,
    // Somebody who may act for another.
    service_account_impersonation_url: Option<String>,
    service_account_impersonation: Option<impersonation::Options>,
    delegates: Option<Vec<String>>,
    source_credentials: Option<Box<Self>>,
}

fn required<T>(field: Option<T>, name: &'static str) -> Result<T, EndpointError> {
    field.ok_or_else(|| CredentialsError::Missing(name).into())
}

fn hash(text: &str) -> TokenKey {
    digest(&SHA256, text.as_bytes())
        .as_ref()
        .try_into()
        .expect("SHA-256 has 32 bytes")
}

const TOKEN_URI: &str = "https://oauth2.googleapis.com/token";
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";

#[cfg(test)]
mod tests;
