//! Where keys come from, and how they are fetched from there.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::SystemTime;

use gateway_core::Secret;
use gateway_transport::Shard;
use ring::digest::{Context, SHA256};

use super::chain;
use super::keys::{Keys, REREAD};
use super::metadata::{Container, Instance};
use super::profile::Files;
use super::sts::{Role, Sts, is_denied, is_same_role};
use crate::environment::Environment;
use crate::error::TokenError;
use crate::token::subject::read_file;
use crate::token::{Fresh, Grant, SourceKey, Sources, TokenKey};

/// All keys that are in use and expire.
pub(crate) type KeySources = Sources<Owner>;

/// One way to come by keys.
#[derive(Clone, Debug)]
pub(crate) enum Provenance {
    /// They are here.
    Keys(Keys),
    /// A profile of the shared files, read anew each time.
    Profile { files: Files, name: String },
    /// Somebody who may take on a role.
    Role { base: Box<Self>, role: Role },
    /// Somebody whom another issuer vouches for, and who may take on a role.
    WebIdentity { token: IdentityToken, role: Role },
    /// The agent of a container.
    Container(Container),
    /// The metadata service of an instance.
    Instance(Instance),
}

/// A token of another issuer.
#[derive(Clone)]
pub(crate) enum IdentityToken {
    Text(Secret),
    /// In this file, which is written anew from time to time.
    File(String),
}

impl fmt::Debug for IdentityToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(_) => formatter.write_str("Text(***)"),
            Self::File(path) => formatter.debug_tuple("File").field(path).finish(),
        }
    }
}

/// Whoever keys are fetched for.
#[derive(Debug)]
pub(crate) struct Owner {
    provenance: Provenance,
    sts: Sts,
    environment: Environment,
    subject: String,
}

impl Owner {
    /// `sts` is asked for roles, `environment` for what a profile refers to.
    pub(super) fn new(provenance: Provenance, sts: Sts, environment: Environment) -> Self {
        Self {
            subject: provenance.subject(),
            provenance,
            sts,
            environment,
        }
    }

    /// Equal for equal provenances by equal ways.
    pub(super) fn identity(&self) -> SourceKey {
        let mut digest = Digest(Context::new(&SHA256));
        self.provenance.identify(&mut digest);
        digest.add(&self.sts.uri.to_string());
        digest.add(&self.sts.scope.region);
        let key: TokenKey = digest
            .0
            .finish()
            .as_ref()
            .try_into()
            .expect("SHA-256 has 32 bytes");
        (key, vec![self.sts.spec.clone()])
    }
}

impl Grant for Owner {
    type Good = Keys;

    fn subject(&self) -> &str {
        &self.subject
    }

    async fn fetch(&self, shard: &Shard, now: SystemTime) -> Result<Fresh<Keys>, TokenError> {
        let asking = Asking {
            sts: &self.sts,
            environment: &self.environment,
            shard,
            now,
        };
        asking.fetch(&self.provenance).await
    }
}

/// One fetch, which may ask several issuers one after the other.
#[derive(Clone, Copy)]
struct Asking<'a> {
    sts: &'a Sts,
    environment: &'a Environment,
    shard: &'a Shard,
    now: SystemTime,
}

type Fetching<'f> = Pin<Box<dyn Future<Output = Result<Fresh<Keys>, TokenError>> + Send + 'f>>;

impl<'a> Asking<'a> {
    /// Boxed, for a role may be taken on from another role.
    fn fetch<'f>(self, provenance: &'f Provenance) -> Fetching<'f>
    where
        'a: 'f,
    {
        Box::pin(async move {
            match provenance {
                Provenance::Keys(keys) => Ok(Fresh {
                    good: keys.clone(),
                    lifetime: REREAD,
                }),
                Provenance::Profile { files, name } => self.profile(files, name).await,
                Provenance::Role { base, role } => self.role(base, role).await,
                Provenance::WebIdentity { token, role } => {
                    let token = token.read().await?;
                    let token = token.expose().trim();
                    self.sts
                        .assume_with_token(role, token, self.shard, self.now)
                        .await
                }
                Provenance::Container(container) => container.fetch(self.shard, self.now).await,
                Provenance::Instance(instance) => instance.fetch(self.shard, self.now).await,
            }
        })
    }

    async fn role(self, base: &Provenance, role: &Role) -> Result<Fresh<Keys>, TokenError> {
        let base = self.fetch(base).await?;
        let keys = &base.good;
        let refused = match self.sts.assume(role, keys, self.shard, self.now).await {
            Err(error) if is_denied(&error) => error,
            result => return result,
        };
        // A role may not take on itself unless it says so, but who has it already needs not.
        match self.sts.caller(keys, self.shard, self.now).await {
            Ok(caller) if is_same_role(&caller, &role.arn) => Ok(base),
            _ => Err(refused),
        }
    }

    async fn profile(self, files: &Files, name: &str) -> Result<Fresh<Keys>, TokenError> {
        let load = files.clone();
        let profiles = tokio::task::spawn_blocking(move || load.load())
            .await
            .map_err(|_| TokenError::Abandoned)?;
        let provenance = profiles
            .and_then(|profiles| chain::of_profile(&profiles, name, self.environment))
            .map_err(|reason| TokenError::Profile { reason })?;
        match provenance {
            Some(provenance) => self.fetch(&provenance).await,
            None => Err(TokenError::NoCredentials),
        }
    }
}

impl IdentityToken {
    async fn read(&self) -> Result<Secret, TokenError> {
        match self {
            Self::Text(token) => Ok(token.clone()),
            Self::File(path) => read_file(path.into()).await.map(Secret::new),
        }
    }
}

impl Provenance {
    /// For logs.
    fn subject(&self) -> String {
        match self {
            Self::Keys(_) => "the given keys".to_owned(),
            Self::Profile { name, .. } => format!("profile {name}"),
            Self::Role { role, .. } | Self::WebIdentity { role, .. } => role.arn.clone(),
            Self::Container(container) => format!("container at {}", container.uri()),
            Self::Instance(_) => "instance".to_owned(),
        }
    }

    fn identify(&self, digest: &mut Digest) {
        match self {
            Self::Keys(keys) => digest.all("keys", &keys.parts()),
            Self::Profile { files, name } => {
                digest.all("profile", &[&format!("{files:?}"), name]);
            }
            Self::Role { base, role } => {
                digest.add("role");
                digest.role(role);
                base.identify(digest);
            }
            Self::WebIdentity { token, role } => {
                match token {
                    IdentityToken::Text(token) => digest.all("token", &[token.expose()]),
                    IdentityToken::File(path) => digest.all("token file", &[path]),
                }
                digest.role(role);
            }
            Self::Container(container) => {
                digest.all("container", &[&container.uri().to_string()]);
            }
            Self::Instance(instance) => digest.all("instance", &[&instance.base()]),
        }
    }
}

/// Texts, so that no two different lists of them give the same bytes.
struct Digest(Context);

impl Digest {
    fn add(&mut self, text: &str) {
        self.0.update(&(text.len() as u64).to_be_bytes());
        self.0.update(text.as_bytes());
    }

    fn all(&mut self, kind: &str, texts: &[&str]) {
        self.add(kind);
        for text in texts {
            self.add(text);
        }
    }

    fn role(&mut self, role: &Role) {
        let id = role.external_id.as_deref().unwrap_or_default();
        self.all(&role.arn, &[&role.session, id]);
        for (key, value) in &role.tags {
            self.all("tag", &[key, value]);
        }
        self.add("end");
    }
}
