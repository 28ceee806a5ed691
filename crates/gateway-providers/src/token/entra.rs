//! Microsoft Entra ID: an application proves itself by a secret, or by a token of an issuer that it trusts.
//!
//! Source: Microsoft's "OAuth 2.0 client credentials flow" and "Workload identity federation".

use std::fmt;

use gateway_core::Secret;
use gateway_transport::Shard;
use ring::digest::{Context, SHA256};

use super::SourceKey;
use super::endpoint::TokenEndpoint;
use super::exchange::{Issued, form, token};
use super::subject::{Form, Place};
use crate::error::TokenError;

/// An application, registered in a tenant.
pub(crate) struct Application {
    pub(crate) client_id: String,
    pub(crate) scope: String,
    pub(crate) proof: Proof,
    /// `…/{tenant}/oauth2/v2.0/token`.
    pub(crate) endpoint: TokenEndpoint,
}

/// How an application proves itself.
pub(crate) enum Proof {
    Secret(Secret),
    /// By a token in a file, which an orchestrator renews.
    File(String),
    /// By a token in a variable.
    Token(Secret),
}

impl Application {
    pub(super) fn subject(&self) -> &str {
        &self.client_id
    }

    pub(super) fn key(&self) -> SourceKey {
        let (kind, proof) = match &self.proof {
            Proof::Secret(secret) => ("secret", secret.expose()),
            Proof::File(path) => ("file", path.as_str()),
            Proof::Token(token) => ("token", token.expose()),
        };
        let mut hash = Context::new(&SHA256);
        let uri = self.endpoint.uri.to_string();
        for part in [kind, proof, &self.client_id, &self.scope, &uri] {
            // With its length in front: no two lists of parts are the same bytes.
            hash.update(&part.len().to_be_bytes());
            hash.update(part.as_bytes());
        }
        let identity = hash
            .finish()
            .as_ref()
            .try_into()
            .expect("SHA-256 has 32 bytes");
        (identity, vec![(*self.endpoint.spec).clone()])
    }

    pub(super) async fn fetch(&self, shard: &Shard) -> Result<Issued, TokenError> {
        let mut pairs = vec![
            ("grant_type", "client_credentials"),
            ("client_id", self.client_id.as_str()),
            ("scope", self.scope.as_str()),
        ];
        let assertion;
        match &self.proof {
            Proof::Secret(secret) => pairs.push(("client_secret", secret.expose())),
            Proof::File(_) | Proof::Token(_) => {
                let place = match &self.proof {
                    Proof::File(path) => Place::File(path.into()),
                    Proof::Token(token) | Proof::Secret(token) => Place::Text(token.clone()),
                };
                assertion = place.read(&Form::Text, shard).await?;
                pairs.push(("client_assertion_type", JWT_BEARER));
                pairs.push(("client_assertion", &assertion));
            }
        }
        token(&self.endpoint, shard, form(&self.endpoint, &pairs)).await
    }
}

impl fmt::Debug for Application {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Application")
            .field("client_id", &self.client_id)
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}

const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
