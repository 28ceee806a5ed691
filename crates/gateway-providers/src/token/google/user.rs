//! A user's credentials, as `gcloud auth application-default login` writes them: a refresh token (RFC 6749 section 6).

use gateway_core::Secret;
use gateway_transport::Shard;

use super::super::endpoint::{TokenEndpoint, Ways};
use super::super::exchange::{Issued, form, token};
use super::{File, TOKEN_URI, required};
use crate::error::{EndpointError, TokenError};

/// A user who once agreed.
pub(super) struct User {
    client_id: String,
    client_secret: Secret,
    refresh_token: Secret,
    endpoint: TokenEndpoint,
}

impl User {
    pub(super) fn of(file: File, ways: &Ways<'_>) -> Result<Self, EndpointError> {
        Ok(Self {
            client_id: required(file.client_id, "client_id")?,
            client_secret: Secret::new(required(file.client_secret, "client_secret")?),
            refresh_token: Secret::new(required(file.refresh_token, "refresh_token")?),
            endpoint: ways.to(file.token_uri.as_deref().unwrap_or(TOKEN_URI), "token_uri")?,
        })
    }

    /// The program that the user agreed with: the file does not say who the user is.
    pub(super) fn client(&self) -> &str {
        &self.client_id
    }

    pub(super) fn endpoint(&self) -> &TokenEndpoint {
        &self.endpoint
    }

    pub(super) async fn fetch(&self, shard: &Shard) -> Result<Issued, TokenError> {
        let request = form(
            &self.endpoint,
            &[
                ("grant_type", "refresh_token"),
                ("client_id", &self.client_id),
                ("client_secret", self.client_secret.expose()),
                ("refresh_token", self.refresh_token.expose()),
            ],
        );
        token(&self.endpoint, shard, request).await
    }
}
